"""ASE ``.traj`` files, plain or gzip."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ionpath.errors import InputError, require
from ionpath_mdanalysis.readers.reader import CUT_OFF, FileParser, FileReader, Frame, FrameFile
from ionpath_mdanalysis.readers.source import ByteSource, has_suffix

DAMAGED = (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, OSError, TypeError, ValueError)
"""What ASE raises for a damaged file, according to where the damage is."""


class AseTrajFile(FrameFile):
    """Frames of an ASE trajectory."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._trajectory: Any = None
        try:
            self._n = len(self._open())
            first = self._open()[0] if self._n else None
            self.symbols = _symbols(first) if first is not None else np.empty(0, str)
        except DAMAGED as error:
            if isinstance(error, (FileNotFoundError, PermissionError, InputError)):
                raise
            got = f"something else ({error})"
            raise InputError(self._path, need="an ASE trajectory", got=got, remedy="check the file") from error
        if first is None:
            raise InputError(self._path, need="at least one frame", got="none", remedy="run the simulation again")
        self.masses = first.get_masses()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_trajectory": None}

    def __len__(self) -> int:
        return self._n

    def close(self) -> None:
        """Close the file."""
        if self._trajectory is not None:
            self._trajectory.backend._fd.close()
            self._trajectory = None

    def frame(self, index: int) -> Frame:
        """Read one frame."""
        where = f"{self._path}, frame {index}"
        try:
            atoms = self._open()[index]
            symbols = _symbols(atoms)
            frame = frame_of(atoms, where)
        except DAMAGED as error:
            if isinstance(error, InputError):
                raise
            raise InputError(where, need="a complete frame", got=f"a damaged one ({error})", remedy=CUT_OFF) from error
        if not np.array_equal(symbols, self.symbols):
            need = "the same atoms in the same order as in frame 0"
            raise InputError(where, need=need, got="other symbols", remedy="read each system from a file of its own")
        return frame

    def _open(self) -> Any:
        if self._trajectory is None:
            require("ase", purpose="reading ASE trajectories", install="pip install ase")
            from ase.io.trajectory import TrajectoryReader

            # ASE reads from our file object: what a damaged file asks for is never more than the file holds.
            source = ByteSource(self._path)
            self._trajectory = TrajectoryReader(source)
            self._check_frames(source)
        return self._trajectory

    def _check_frames(self, source: ByteSource) -> None:
        """Compare the number of frames in the header with the file: less than a frame may follow, from a killed run."""
        backend = self._trajectory.backend
        offsets, table = backend._offsets.astype(int), int(backend._pos0)
        if not len(offsets):
            return
        steps = np.diff(offsets)
        source.seek(offsets[-1])
        end = offsets[-1] + 8 + int.from_bytes(source.read(8), "little")
        room = next(n for n in (1, 42, 42**2, 42**3, 42**4, 42**5) if n >= len(offsets))
        rest = source.size - max(end, table + 8 * room)
        if (steps <= 0).any() or (rest >= steps[-1] if len(steps) else table != 48):
            raise ValueError(f"its header counts {len(offsets)} frames, which the file contradicts")


def _symbols(atoms: Any) -> Any:
    if not ((atoms.numbers > 0) & (atoms.numbers < 119)).all():
        raise ValueError("no atomic number")
    return np.array(atoms.get_chemical_symbols())


def frame_of(atoms: Any, where: str) -> Frame:
    """Turn ASE Atoms into a frame."""
    from ase.units import fs

    results = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
    arrays = {"positions": atoms.get_positions(), "cell": np.array(atoms.cell[:])}
    if atoms.has("momenta"):
        arrays["velocities"] = atoms.get_velocities() * 1000.0 * fs
    if results.get("forces") is not None:
        arrays["forces"] = np.asarray(results["forces"], dtype=np.float64)
    for name, values in arrays.items():
        if not np.isfinite(values).all():
            raise InputError(where, need="finite numbers", got=f"others among its {name}", remedy=CUT_OFF)
    info = {**atoms.info, **({"energy": float(results["energy"])} if "energy" in results else {})}
    cell = arrays.pop("cell")
    return Frame(cell=cell if cell.any() else None, info=info, **arrays)


class AseTrajParser(FileParser):
    """Topology of an ASE trajectory."""

    format = "TRAJ"
    _file = AseTrajFile

    @staticmethod
    def _format_hint(thing: Any) -> bool:
        return has_suffix(thing, "traj") and AseTrajParser.is_sound(thing)


class AseTrajReader(FileReader):
    """Frames of an ASE trajectory.

    The time of a frame is ``info["time"]`` (or ``time_ps``) in ps, or ``info["time_fs"]``, where the writer stored it;
    otherwise pass ``dt`` in ps. The energy in eV is in ``ts.data["info"]["energy"]``.
    """

    format = "TRAJ"
    _file = AseTrajFile
