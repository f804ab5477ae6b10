"""Trajectory files that grow by whole frames and can be cut back to any frame."""

from __future__ import annotations

import io
import os
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ionpath import __version__
from ionpath.errors import InputError, require
from ionpath_ase.md.settings import FORMATS
from ionpath_ase.md.state import FloatArray, Snapshot

if TYPE_CHECKING:
    from ase import Atoms


class FrameFile:
    """A file to which frames are appended as bytes.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    atoms : ase.Atoms
        Structure; gives elements and periodicity.
    timestep : float
        Time step in ps.
    stride : int
        Time steps between frames.
    size : int, optional
        Bytes to keep of a file that is there; 0 starts a new one.

    Raises
    ------
    InputError
        If the file is shorter than `size`.
    """

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
        """Bring everything to the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return self._stream.tell()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class _ExtendedXYZ(FrameFile):
    """Extended XYZ: text, in the user's frame, with energy, and forces where they are known."""

    def encode(self, snapshot: Snapshot) -> bytes:
        """Bytes of one frame."""
        from ase.calculators.singlepoint import SinglePointCalculator
        from ase.io import write

        frame = self.atoms.copy()
        frame.set_cell(snapshot.cell)
        frame.positions = snapshot.positions
        frame.arrays.pop("momenta", None)
        frame.info = {"step": snapshot.step, "time": round(snapshot.step * self.timestep, 9)}
        labels: dict[str, Any] = {"energy": snapshot.potential_energy}
        if snapshot.forces is not None:
            labels["forces"] = snapshot.forces
        frame.calc = SinglePointCalculator(frame, **labels)
        text = io.StringIO()
        write(text, frame, format="extxyz")
        return text.getvalue().encode()


class _XTC(FrameFile):
    """GROMACS XTC (0.01 A), written by MDAnalysis, in the frame with the first vector along x."""

    def encode(self, snapshot: Snapshot) -> bytes:
        """Bytes of one frame."""
        xdr = require(
            "MDAnalysis.lib.formats.libmdaxdr",
            purpose="writing XTC files",
            install='pip install "ionpath[mdanalysis]"',
        )
        cell, positions = standard_frame(snapshot.cell, snapshot.positions)
        handle, name = tempfile.mkstemp(suffix=".xtc")
        os.close(handle)
        try:
            with xdr.XTCFile(name, "w") as single:
                single.write(
                    (positions / 10.0).astype(np.float32),
                    (cell / 10.0).astype(np.float32),
                    snapshot.step,
                    snapshot.step * self.timestep,
                    1000,
                )
            return Path(name).read_bytes()
        finally:
            Path(name).unlink()


class _DCD(FrameFile):
    """CHARMM DCD (single precision), in the frame with the first vector along x."""

    def header(self) -> bytes:
        """Bytes before the first frame."""
        akma = self.timestep / 0.0488882129084  # ps -> time unit of CHARMM
        control = [0] * 20
        control[1], control[2] = 0, self.stride  # first step, steps between frames
        control[10] = 1  # each frame has a unit cell
        control[19] = 24  # CHARMM version
        body = (
            b"CORD"
            + struct.pack("<9i", *control[:9])
            + struct.pack("<f", akma)
            + struct.pack("<10i", *control[10:])
        )
        title = b"unwrapped positions in A, written by ionpath".ljust(80)
        return (
            _record(body)
            + _record(struct.pack("<i", 1) + title)
            + _record(struct.pack("<i", len(self.atoms)))
        )

    def encode(self, snapshot: Snapshot) -> bytes:
        """Bytes of one frame."""
        from ase.geometry import cell_to_cellpar

        _, positions = standard_frame(snapshot.cell, snapshot.positions)
        a, b, c, alpha, beta, gamma = cell_to_cellpar(snapshot.cell)
        box = struct.pack("<6d", a, gamma, b, beta, alpha, c)
        columns = positions.T.astype("<f4")
        return _record(box) + b"".join(_record(np.ascontiguousarray(column).tobytes()) for column in columns)


class _ASETrajectory(FrameFile):
    """ASE's binary .traj; cutting it back copies the frames that stay."""

    def __init__(self, path: Path, atoms: Atoms, timestep: float, stride: int, size: int = 0) -> None:
        from ase.io.trajectory import Trajectory

        self.path, self.atoms, self.timestep, self.stride = path, atoms, timestep, stride
        path.parent.mkdir(parents=True, exist_ok=True)
        if size:
            _cut_ase_trajectory(path, size)
        self._count = size
        self._trajectory = Trajectory(str(path), "a" if size else "w")

    def write(self, snapshot: Snapshot) -> None:
        """Append one frame."""
        frame = self.atoms.copy()
        frame.set_cell(snapshot.cell)
        frame.positions = snapshot.positions
        frame.info = {"step": snapshot.step, "time": round(snapshot.step * self.timestep, 9)}
        self._trajectory.write(frame, energy=snapshot.potential_energy)
        self._count += 1

    def sync(self) -> int:
        """Bring everything to the disk."""
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        return self._count

    def close(self) -> None:
        """Close the file."""
        self._trajectory.close()


class _H5MD(FrameFile):
    """H5MD 1.1 (single precision), in the frame with the first vector along x; a kill leaves it readable."""

    def __init__(self, path: Path, atoms: Atoms, timestep: float, stride: int, size: int = 0) -> None:
        self.path, self.atoms, self.timestep, self.stride = path, atoms, timestep, stride
        self._h5py = require("h5py", purpose="writing H5MD files", install="pip install h5py")
        path.parent.mkdir(parents=True, exist_ok=True)
        if size:
            self._keep(size)
        else:
            with self._h5py.File(path, "w", libver="latest") as file:
                self._lay_out(file)
        self._file = self._h5py.File(path, "r+", libver="latest")
        self._series = [self._file[name] for name in _H5MD_SERIES]
        self._file.swmr_mode = True  # from here on, what is on the disk is whole at any moment
        self._count = size

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
        from ionpath.files import atomic_path

        try:
            with self._h5py.File(self.path, "r", libver="latest", swmr=True) as old:
                have = min(len(old[name]) for name in _H5MD_SERIES)
                if have >= size:
                    with (
                        atomic_path(self.path) as part,
                        self._h5py.File(part, "w", libver="latest") as new,
                    ):
                        self._lay_out(new)
                        for name in _H5MD_SERIES:
                            new[name].resize(size, axis=0)
                            for first in range(0, size, 1000):
                                last = min(first + 1000, size)
                                new[name][first:last] = old[name][first:last]
        except (OSError, KeyError) as error:
            raise InputError(
                f"file {self.path.name}",
                need="the H5MD file of the run",
                got=str(error),
                remedy="pass restart=False",
            ) from error
        if have < size:
            raise InputError(
                f"file {self.path.name}", need=f"{size} frames", got=str(have), remedy="pass restart=False"
            )

    def _resize(self, count: int) -> None:
        for series in self._series:
            series.resize(count, axis=0)

    def write(self, snapshot: Snapshot) -> None:
        """Append one frame."""
        cell, positions = standard_frame(snapshot.cell, snapshot.positions)
        self._resize(self._count + 1)
        for name, series in zip(_H5MD_SERIES, self._series, strict=True):
            kind = name.split("/")[-2:]
            if kind[1] == "value":
                series[self._count] = {
                    "position": positions, "edges": cell, "potential_energy": snapshot.potential_energy
                }[kind[0]]  # fmt: skip
            else:
                series[self._count] = snapshot.step * (self.timestep if kind[1] == "time" else 1)
        self._count += 1
        self._file.flush()

    def sync(self) -> int:
        """Bring everything to the disk."""
        self._file.flush()
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        return self._count

    def close(self) -> None:
        """Close the file."""
        self._file.close()


_H5MD_SERIES = tuple(
    f"{group}/{name}"
    for group in (
        "particles/trajectory/position",
        "particles/trajectory/box/edges",
        "observables/potential_energy",
    )
    for name in ("value", "step", "time")
)


WRITERS: dict[str, type[FrameFile]] = {
    ".extxyz": _ExtendedXYZ,
    ".xtc": _XTC,
    ".dcd": _DCD,
    ".traj": _ASETrajectory,
    ".h5md": _H5MD,
}


def open_writer(path: Path, atoms: Atoms, timestep: float, stride: int, size: int = 0) -> FrameFile:
    """Open a trajectory by the ending of its name."""
    if path.suffix not in WRITERS:
        raise InputError("trajectory", need=f"a name that ends in one of {', '.join(FORMATS)}", got=path.name)
    return WRITERS[path.suffix](path, atoms, timestep, stride, size)


def cut(path: Path, size: int) -> BinaryIO:
    """Open a file for appending after its first bytes, and drop the rest."""
    if size == 0:
        return path.open("wb")
    have = path.stat().st_size if path.exists() else 0
    if have < size:
        raise InputError(
            f"file {path.name}",
            need=f"at least the {size} bytes that it had at the checkpoint",
            got=f"{have}",
            remedy="put the file back, or pass restart=False to begin anew",
        )
    stream = path.open("r+b")
    stream.truncate(size)
    stream.seek(0, os.SEEK_END)
    return stream


def standard_frame(cell: FloatArray, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn a cell so that its first vector is along x and the second in the xy plane.

    Examples
    --------
    >>> standard_frame(np.array([[0, 2.0, 0], [0, 0, 2.0], [2.0, 0, 0]]), np.eye(3))[0].diagonal()
    array([2., 2., 2.])
    """
    rotation = standard_rotation(cell)
    turned = cell @ rotation
    return np.tril(turned), positions @ rotation


def standard_rotation(cell: FloatArray) -> FloatArray:
    """Rotation of `standard_frame`: row vectors are multiplied by it from the right."""
    if not np.linalg.det(cell) > 0.0:
        raise InputError("cell", need="three lattice vectors that are right-handed", got=str(cell.tolist()))
    if np.allclose(cell, np.tril(cell)) and (np.diagonal(cell) > 0.0).all():
        return np.eye(3)
    q, r = np.linalg.qr(cell.T)
    rotation: FloatArray = q * np.sign(np.diagonal(r))
    return rotation


def _record(body: bytes) -> bytes:
    size = struct.pack("<i", len(body))
    return size + body + size


def _cut_ase_trajectory(path: Path, frames: int) -> None:
    from ase.io.trajectory import Trajectory

    from ionpath.files import atomic_path

    with Trajectory(str(path)) as reader:
        have = len(reader)
        if have < frames:
            raise InputError(
                f"file {path.name}", need=f"{frames} frames", got=str(have), remedy="pass restart=False"
            )
        if have == frames:
            return
        with atomic_path(path) as part, Trajectory(str(part), "w") as writer:
            for index in range(frames):
                writer.write(reader[index])
