"""H5MD."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ionpath import __version__
from ionpath.errors import require
from ionpath.files import atomic_path
from ionpath.noted import SERIES, frames_of_h5md
from ionpath_ase.md.state import Snapshot
from ionpath_ase.md.writers.base import CountedFile
from ionpath_ase.md.writers.frames import standard_frame


class H5MD(CountedFile):
    """H5MD 1.1 (single precision), in the frame with the first vector along x; a kill leaves it readable."""

    kind, unreadable = "H5MD file", (OSError, KeyError, RuntimeError, ValueError)

    def __init__(self, path: Path, atoms: Atoms, timestep: float, stride: int, size: int = 0) -> None:
        self.path, self.atoms, self.timestep, self.stride = path, atoms, timestep, stride
        self._h5py = require("h5py", purpose="writing H5MD files", install="pip install h5py")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._make_room(path.stat().st_size if size else 0)
        if size:
            self._keep(size)
        else:
            with self._h5py.File(path, "w", libver="latest") as file:
                self._lay_out(file)
        self._file = self._h5py.File(path, "r+", libver="latest")
        self._series = [self._file[name] for name in SERIES]
        self._file.swmr_mode = True  # from here on, what is on the disk is whole at any moment
        self._count, self._reserved = size, 0
        chunks = sum(int(np.prod(series.chunks)) * series.dtype.itemsize for series in self._series)
        self._margin = chunks + len(atoms) * 12 + 2**16

    def _make_room(self, size: int) -> None:
        """Make sure that the disk has room for a copy: HDF5 crashes the process where a disk fills up under it."""
        with tempfile.TemporaryFile(dir=self.path.parent) as scratch:
            _allocate(scratch.fileno(), size + 2**16)

    def _reserve(self) -> None:
        """Make sure that the next frame has its place on the disk."""
        used = self._file.id.get_filesize()
        if used + self._margin > self._reserved:
            with self.path.open("r+b") as stream:
                _allocate(stream.fileno(), used + 2 * self._margin)
            self._reserved = used + 2 * self._margin

    def _lay_out(self, file: Any) -> None:
        """Groups, units and empty series, as H5MD 1.1 and MDAnalysis want them."""
        n_atoms = len(self.atoms)
        about = file.create_group("h5md")
        about.attrs["version"] = np.array([1, 1])
        about.create_group("author").attrs["name"] = "unknown"
        creator = about.create_group("creator")
        creator.attrs["name"], creator.attrs["version"] = "ionpath", __version__
        particles = file.create_group("particles/trajectory")
        numbers = particles.create_dataset("species", data=self.atoms.numbers.astype(np.int32))
        numbers.attrs["meaning"] = "atomic number"
        box = particles.create_group("box")
        box.attrs["dimension"] = 3
        box.attrs["boundary"] = ["periodic"] * 3
        for group, shape, unit in (
            (particles.create_group("position"), (n_atoms, 3), "Angstrom"),
            (box.create_group("edges"), (3, 3), "Angstrom"),
            (file.create_group("observables/potential_energy"), (), "eV"),
        ):
            made = group.create_dataset(
                "value", (0, *shape), np.float64 if unit == "eV" else np.float32, maxshape=(None, *shape),
                chunks=(max(1, 2**14 // int(np.prod(shape))), *shape),
            )  # fmt: skip
            made.attrs["unit"] = unit
            for name, kind in (("step", np.int64), ("time", np.float64)):
                group.create_dataset(name, (0,), kind, maxshape=(None,), chunks=(4096,))
            group["time"].attrs["unit"] = "ps"

    def _keep(self, size: int) -> None:
        """Cut back to the frames of the checkpoint; after a kill, by copying them into a file without its marks."""
        with (
            _opened(self.path) as old,
            atomic_path(self.path) as part,
            self._h5py.File(part, "w", libver="latest") as new,
        ):
            self._lay_out(new)
            for name in SERIES:
                new[name].resize(size, axis=0)
                for first in range(0, size, 1000):
                    last = min(first + 1000, size)
                    new[name][first:last] = old[name][first:last]

    def write(self, snapshot: Snapshot) -> None:
        """Append one frame."""
        cell, positions = standard_frame(snapshot.cell, snapshot.positions)
        self._reserve()
        values = {"position": positions, "edges": cell, "potential_energy": snapshot.potential_energy}
        for name, series in zip(SERIES, self._series, strict=True):
            series.resize(self._count + 1, axis=0)
            group, kind = name.split("/")[-2:]
            if kind == "value":
                series[self._count] = values[group]
            else:
                series[self._count] = snapshot.step * (self.timestep if kind == "time" else 1)
        self._count += 1
        self._file.flush()

    def close(self) -> None:
        """Close the file, and give back what was reserved and not used."""
        self._file.close()
        with self.path.open("r+b") as stream:
            end = int.from_bytes(stream.read(36)[28:], "little")  # of superblocks of version 2 and later
            if 0 < end < self.path.stat().st_size:
                stream.truncate(end)

    def own_parts(self, first: int, last: int) -> Iterator[bytes]:
        """What frames of the open file hold."""
        return frames_of_h5md(self._series, first, last)

    @classmethod
    def count(cls, path: Path) -> int:
        """Number of frames that are whole."""
        with _opened(path) as file:
            return min(len(file[name]) for name in SERIES)

    @classmethod
    def frames(cls, path: Path, first: int, last: int) -> Iterator[bytes]:
        """Positions, cell, energy, step and time of each frame."""
        with _opened(path) as file:
            yield from frames_of_h5md([file[name] for name in SERIES], first, last)

    @classmethod
    def beginning(cls, path: Path) -> str:
        """Digest of the first frame, rounded."""
        with _opened(path) as file:
            return hashlib.sha256(np.round(np.float32(file[SERIES[0]][0]), 3).tobytes()).hexdigest()


def _opened(path: Path) -> Any:
    """The file to read from, also after a kill, which leaves it marked as being written.

    Readers beside a writer read again what does not fit its checksum, a hundred times with pauses twice as long each:
    for ever where the file is damaged. Nobody writes here, so that a few are enough.
    """
    h5py = require("h5py", purpose="writing H5MD files", install="pip install h5py")
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_LATEST, h5py.h5f.LIBVER_LATEST)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    with contextlib.suppress(AttributeError):  # of a build that hides the C functions; h5py has no name for this one
        attempts = ctypes.CDLL(h5py.h5p.__file__).H5Pset_metadata_read_attempts
        attempts(ctypes.c_int64(access.id), ctypes.c_uint(3))
    flags = h5py.h5f.ACC_RDONLY | h5py.h5f.ACC_SWMR_READ
    return h5py.File(h5py.h5f.open(os.fsencode(path), flags, access))


def _allocate(file: int, size: int) -> None:
    """Reserve the first bytes of a file on the disk, where the system can."""
    try:
        os.posix_fallocate(file, 0, size)
    except AttributeError:  # not on this system
        return
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
