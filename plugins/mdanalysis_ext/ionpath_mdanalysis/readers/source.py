"""Files of frames: what a format has to tell, and bytes at an offset, compressed or not."""

from __future__ import annotations

import io
import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError

Floats = NDArray[np.float64]
BLOCK = 4 * 2**20
SPACING = 16 * 2**20


@dataclass(frozen=True)
class Frame:
    """One frame as a file has it.

    Attributes
    ----------
    positions : ndarray, shape (n_atoms, 3)
        Positions in A.
    cell : ndarray, shape (3, 3), or None
        Cell vectors as rows in A.
    time : float or None
        Time in ps, if the file says it.
    velocities, forces : ndarray, shape (n_atoms, 3), or None
        In A/ps and eV/A.
    data : dict
        What else the file says about the frame.
    """

    positions: Floats
    cell: Floats | None
    time: float | None = None
    velocities: Floats | None = None
    forces: Floats | None = None
    data: dict[str, Any] = field(default_factory=dict)


class FrameFile(ABC):
    """A file of frames with random access.

    Attributes
    ----------
    symbols : ndarray of str, shape (n_atoms,)
        Chemical symbols.
    masses : ndarray, shape (n_atoms,), or None
        Masses in u, if the file has its own.
    """

    symbols: NDArray[np.str_]
    masses: Floats | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Number of frames."""

    @abstractmethod
    def frame(self, index: int) -> Frame:
        """Read one frame.

        Parameters
        ----------
        index : int
            Frame number from 0.

        Returns
        -------
        Frame
            Its content.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is open; a later `frame` opens it again."""


class ByteSource:
    """Bytes of a file at any offset, of a plain file or a gzip file.

    Parameters
    ----------
    path : str or path
        File.

    Notes
    -----
    A gzip stream can only be decompressed from its start, or from a point where the state of the decompressor was
    kept. That is done every 16 MiB of content, so that a jump costs the decompression of 16 MiB at most.

    Examples
    --------
    >>> import gzip, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "x.gz"
    >>> _ = path.write_bytes(gzip.compress(b"0123456789"))
    >>> ByteSource(path).read_at(4, 3)
    b'456'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        with open(self.path, "rb") as file:
            self.compressed = file.read(2) == b"\x1f\x8b"
        self._file: io.BufferedReader | None = None
        self._marks: list[tuple[int, int, Any]] = []
        self._stream: _GzipStream | None = None
        self._held: tuple[int, bytes] = (-1, b"")

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_stream": None, "_marks": [], "_held": (-1, b"")}

    @property
    def _open_file(self) -> io.BufferedReader:
        if self._file is None:
            self._file = open(self.path, "rb")  # noqa: SIM115 - it stays open between frames
        return self._file

    def read_at(self, offset: int, size: int) -> bytes:
        """Read bytes."""
        if not self.compressed:
            self._open_file.seek(offset)
            return self._open_file.read(size)
        begin, held = self._held
        if not begin <= offset <= begin + len(held):
            self._go_to(offset)
            begin, held = offset, b""
        have = held[offset - begin : offset - begin + size]
        if len(have) < size and self._stream is not None:
            have += self._stream.read(size - len(have))
            self._mark(self._stream)
            self._held = (offset, have)
        return have

    def _go_to(self, offset: int) -> None:
        marks = [mark[0] for mark in self._marks if mark[0] <= offset]
        stream = self._stream
        if stream is None or stream.position > offset or (marks and marks[-1] > stream.position):
            stream = self._stream = self._restart(offset)
        while stream.position < offset and stream.read(min(BLOCK, offset - stream.position)):
            self._mark(stream)

    def blocks(self) -> Iterator[bytes]:
        """Read the whole file in order.

        Yields
        ------
        bytes
            Consecutive parts.
        """
        offset = 0
        while block := self.read_at(offset, BLOCK):
            offset += len(block)
            yield block

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        if self._file is not None:
            self._file.close()
        self._file, self._stream, self._held = None, None, (-1, b"")

    def _restart(self, offset: int) -> _GzipStream:
        usable = [mark for mark in self._marks if mark[0] <= offset]
        if not usable:
            return _GzipStream(self._open_file, self.path)
        position, at, decompressor = usable[-1]
        return _GzipStream(self._open_file, self.path, position, at, decompressor.copy())

    def _mark(self, stream: _GzipStream) -> None:
        last = self._marks[-1][0] if self._marks else 0
        if stream.position >= last + SPACING:
            at = stream.file_position - len(stream.pending)
            self._marks.append((stream.position, at, stream.decompressor.copy()))


class _GzipStream:
    """Decompress forward from a state, across the members of a gzip file."""

    def __init__(
        self, file: io.BufferedReader, path: str, position: int = 0, at: int = 0, decompressor: Any = None
    ) -> None:
        self.file, self.path, self.position, self.file_position = file, path, position, at
        self.decompressor = decompressor or zlib.decompressobj(wbits=31)
        self.pending = b""

    def read(self, size: int) -> bytes:
        parts, missing = [], size
        while missing:
            part = self._some(missing)
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        self.position += size - missing
        return b"".join(parts)

    def _some(self, size: int) -> bytes:
        while True:
            if not self.pending:
                self.file.seek(self.file_position)
                self.pending = self.file.read(2**16)
                self.file_position += len(self.pending)
            fed = self.pending
            if not fed:
                if not self.decompressor.eof:
                    self._broken("it ends too early")
                return b""
            try:
                part: bytes = self.decompressor.decompress(fed, size)
            except zlib.error as error:
                self._broken(str(error))
            self.pending = self.decompressor.unconsumed_tail
            if self.decompressor.eof:
                self.pending = self.decompressor.unused_data.lstrip(b"\0")
                if self.pending or self.file.peek(1):
                    self.decompressor = zlib.decompressobj(wbits=31)
            if part:
                return part

    def _broken(self, why: str) -> None:
        raise InputError(
            self.path,
            need="a complete gzip file",
            got=f"a broken one ({why})",
            remedy="copy or compress it again",
        )


class ByteStream(io.RawIOBase):
    """A `ByteSource` as a file object.

    Parameters
    ----------
    source : ByteSource
        Bytes.
    """

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source, self._at = source, 0

    def close(self) -> None:
        """Close the bytes with it."""
        self._source.close()
        super().close()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be positioned."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position."""
        if whence not in (0, 1):
            raise io.UnsupportedOperation("the end of a compressed file is not known")
        self._at = offset + (self._at if whence else 0)
        return self._at

    def tell(self) -> int:
        """Say where it is."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        data = self._source.read_at(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
