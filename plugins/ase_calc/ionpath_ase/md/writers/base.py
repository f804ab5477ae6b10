"""Files that grow by whole frames and can be cut back to any frame."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ase import Atoms

from ionpath.errors import InputError
from ionpath.noted import ALL as ALL, parts_of
from ionpath_ase.md.state import Snapshot

HEAD = 4096
"""Bytes by which a file is recognised."""
BEGINNING, ENDS = "", "ends "
"""Beginnings of digests, which say what they are of; checkpoints of earlier versions have only the first."""
ANEW = "put the file back, or begin anew under another name"


class FrameFile:
    """A file to which frames are appended as bytes; `size` is what is kept of a file that is there, 0 for a new one."""

    turned = True
    """Whether frames have the first lattice vector along x, which takes three that are right-handed."""

    def __init__(self, path: Path, atoms: Atoms, timestep: float, stride: int, size: int = 0) -> None:
        self.path, self.atoms, self.timestep, self.stride = path, atoms, timestep, stride
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = cut(path, size)
        if size == 0:
            self._stream.write(self.header())
            self._stream.flush()

    def header(self) -> bytes:
        """Bytes before the first frame."""
        return b""

    def encode(self, snapshot: Snapshot) -> bytes:
        """Bytes of one frame."""
        raise NotImplementedError

    def write(self, snapshot: Snapshot) -> None:
        """Append one frame."""
        self._stream.write(self.encode(snapshot))
        self._stream.flush()

    def sync(self) -> int:
        """Bring everything to the disk, and say how large the file is, in bytes or in frames."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return self._stream.tell()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def own_parts(self, first: int, last: int) -> Iterator[bytes]:
        """Like `parts`, of this file while it is open."""
        return self.parts(self.path, first, last)

    @classmethod
    def parts(cls, path: Path, first: int, last: int) -> Iterator[bytes]:
        """What a file holds between two sizes as `sync` gives them; one that is shorter is refused."""
        check_size(path, last)
        return parts_of(path, first, last)

    @classmethod
    def head(cls, path: Path, size: int, parts: str = ENDS) -> str:
        """Digest of the ends of a file of a size, by which checkpoints of earlier versions know it."""
        return digest_of(path, size, parts)

    def frame(self, snapshot: Snapshot) -> Atoms:
        """Structure of a frame, with its step and time, without velocities."""
        frame = self.atoms.copy()
        frame.arrays.pop("momenta", None)  # those of the start
        frame.set_cell(snapshot.cell)
        frame.positions = snapshot.positions
        time = round(snapshot.step * self.timestep, 9)
        frame.info = {"step": snapshot.step, "time": time, "time_ps": time}  # one name by habit, one with its unit
        return frame


class CountedFile(FrameFile):
    """A file that a library writes: `size` counts frames; known by what they hold, as the bytes around them change."""

    kind: str  # what such a file is, in a refusal
    unreadable: tuple[type[Exception], ...]  # what the library raises over a file that is none of its own
    _count: int

    def sync(self) -> int:
        """Bring everything to the disk."""
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        return self._count

    @classmethod
    def count(cls, path: Path) -> int:
        """Number of frames that are whole."""
        raise NotImplementedError

    @classmethod
    def frames(cls, path: Path, first: int, last: int) -> Iterator[bytes]:
        """What the frames of a range hold."""
        raise NotImplementedError

    @classmethod
    def beginning(cls, path: Path) -> str:
        """Digest of the first frame, rounded, by which checkpoints of earlier versions know the file."""
        raise NotImplementedError

    @classmethod
    def parts(cls, path: Path, first: int, last: int) -> Iterator[bytes]:
        """What the frames of a range hold; a file with fewer, or of something else, is refused."""
        with cls._in_words(path):
            have = cls.count(path) if last else 0
        if have < last:
            raise InputError(f"file {path.name}", need=f"{last} frames", got=str(have), remedy=ANEW)
        if first < last:
            with cls._in_words(path):
                yield from cls.frames(path, first, last)

    @classmethod
    def head(cls, path: Path, size: int, parts: str = "") -> str:
        """Digest of the first frame, whatever parts."""
        for _ in cls.parts(path, size, size):
            pass  # there are as many
        with cls._in_words(path):
            return cls.beginning(path) if size else ""

    @classmethod
    @contextmanager
    def _in_words(cls, path: Path) -> Iterator[None]:
        try:
            yield
        except cls.unreadable as error:
            need, got = f"the {cls.kind} of the run", f"{type(error).__name__}: {error}"[:200]
            raise InputError(f"file {path.name}", need=need, got=got, remedy=ANEW) from error


def digest_of(path: Path, size: int, parts: str = ENDS) -> str:
    """Digest of the first and last bytes of a file of a size, or of its beginning alone."""
    check_size(path, size)
    with path.open("rb") as stream:
        found = hashlib.sha256(stream.read(min(size, HEAD)))
        if parts == ENDS:  # what was put in or left out between them moves the second
            stream.seek(max(size - HEAD, 0))
            found.update(stream.read(min(size, HEAD)))
        return parts + found.hexdigest()


def check_size(path: Path, size: int) -> None:
    """Refuse a file that is shorter than it was."""
    have = path.stat().st_size if path.exists() else 0
    if have < size:
        need = f"at least the {size} bytes that it had at the checkpoint"
        got = f"{have}" if path.exists() else f"0: none in {path.parent}"  # where PLUMED's are, the current folder
        raise InputError(f"file {path.name}", need=need, got=got, remedy=ANEW)


def begin_anew(path: Path) -> None:
    """Let go of a file that has other names too, so that what was linked to it, as a backup is, stays as it is."""
    if path.is_file() and not path.is_symlink() and path.stat().st_nlink > 1:
        path.unlink()


def cut(path: Path, size: int) -> BinaryIO:
    """Open a file for appending after its first bytes, and drop the rest."""
    if size == 0:
        begin_anew(path)
        return path.open("wb")
    check_size(path, size)
    stream = path.open("r+b")
    stream.truncate(size)
    stream.seek(0, os.SEEK_END)
    return stream
