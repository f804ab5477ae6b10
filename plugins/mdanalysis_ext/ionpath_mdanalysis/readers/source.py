"""Bytes of a file at any offset; a gzip file is decompressed from the nearest of states that are kept on the way."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ionpath.errors import InputError
from ionpath.files import unread

BLOCK = 4 * 2**20
SPACING = 16 * 2**20
"""Bytes of content between the states that are kept: a jump costs the decompression of this much at most."""
_PACKED = {b"BZh": "bzip2", b"\xfd7z": "xz", b"PK\x03": "zip", b"\x28\xb5\x2f": "zstd"}


class ByteSource:
    """A plain or gzip file, read at any offset.

    >>> import gzip, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "x.gz"
    >>> _ = path.write_bytes(gzip.compress(b"0123456789"))
    >>> ByteSource(path).read_at(4, 3)
    b'456'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        if (got := unread(self.path)) and (os.path.exists(self.path) or os.path.islink(self.path)):
            remedy = "name a file in it" if os.path.isdir(self.path) else "name the file itself"
            raise InputError(self.path, need="a file", got=got, remedy=remedy)
        with open(self.path, "rb") as file:
            magic = file.read(3)
        if not magic:
            raise InputError(self.path, need="at least one frame", got="an empty file", remedy="write it again")
        if magic in _PACKED:
            raise InputError(self.path, need="a plain or gzip file", got=_PACKED[magic], remedy="decompress it first")
        self.compressed = magic[:2] == b"\x1f\x8b"
        self._at = 0
        self._file: io.BufferedReader | None = None
        self._marks: list[tuple[int, int, Any]] = []
        self._stream: _GzipStream | None = None
        self._held: tuple[int, bytes] = (-1, b"")

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_stream": None, "_marks": [], "_held": (-1, b"")}

    @cached_property
    def size(self) -> int:
        """Bytes of content; a gzip file is read to its end, which also checks its sums."""
        return sum(map(len, self.blocks())) if self.compressed else os.stat(self.path).st_size

    @property
    def most(self) -> int:
        """Bytes of content at most, without reading: deflate makes a file 1,032 times smaller at best."""
        return os.stat(self.path).st_size * (1032 if self.compressed else 1)

    @property
    def _open_file(self) -> io.BufferedReader:
        if self._file is None:
            self._file = open(self.path, "rb")  # noqa: SIM115 - it stays open between frames
        return self._file

    def read_at(self, offset: int, size: int) -> bytes:
        """Read bytes, never more than there are, whatever a damaged file asks for."""
        if not self.compressed:
            size = max(0, min(size, self.size - offset))
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
        marks = [mark for mark in self._marks if mark[0] <= offset]
        stream = self._stream
        if stream is None or stream.position > offset or (marks and marks[-1][0] > stream.position):
            position, at, state = marks[-1] if marks else (0, 0, None)
            stream = _GzipStream(self._open_file, self.path, position, at, state and state.copy())
            self._stream = stream
        while stream.position < offset and stream.read(min(BLOCK, offset - stream.position)):
            self._mark(stream)

    def _mark(self, stream: _GzipStream) -> None:
        last = self._marks[-1][0] if self._marks else 0
        if stream.position >= last + SPACING:
            at = stream.file_position - len(stream.pending)
            self._marks.append((stream.position, at, stream.decompressor.copy()))

    def blocks(self) -> Iterator[bytes]:
        """Read the whole content in order."""
        offset = 0
        while block := self.read_at(offset, BLOCK):
            offset += len(block)
            yield block

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        if self._file is not None:
            self._file.close()
        self._file, self._stream, self._held = None, None, (-1, b"")

    # The rest makes it a file object for readers of other packages.

    def seek(self, offset: int) -> int:
        """Go to an offset."""
        self._at = int(offset)
        return self._at

    def tell(self) -> int:
        """Say where it is."""
        return self._at

    def read(self, size: int) -> bytes:
        """Read on from there."""
        data = self.read_at(self._at, int(size))
        self._at += len(data)
        return data


class _GzipStream:
    """Decompress forward from a state, across the members of a gzip file."""

    def __init__(self, file: io.BufferedReader, path: str, position: int, at: int, decompressor: Any) -> None:
        self.file, self.path, self.position, self.file_position = file, path, position, at
        self.decompressor = decompressor or zlib.decompressobj(wbits=31)
        self.pending = b""

    def read(self, size: int) -> bytes:
        parts, missing = [], size
        while missing > 0:
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
        remedy = "copy or compress it again"
        raise InputError(self.path, need="a complete gzip file", got=f"a broken one ({why})", remedy=remedy)


def has_suffix(thing: Any, *suffixes: str) -> bool:
    """Whether a thing is the name of a file with one of these suffixes, plain or gzip."""
    ends = tuple(f".{suffix}{gz}" for suffix in suffixes for gz in ("", ".gz"))
    return isinstance(thing, (str, os.PathLike)) and os.fspath(thing).lower().endswith(ends)


def is_extended_xyz(name: Any) -> bool:
    """Tell a file that is named as plain XYZ and has a comment line of extended XYZ."""
    if not has_suffix(name, "xyz"):
        return False
    head = ByteSource(name).read_at(0, 4096).split(b"\n")
    return len(head) > 1 and (b"Lattice=" in head[1] or b"Properties=" in head[1])
