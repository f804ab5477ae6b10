"""ASE ``.traj`` files, plain or gzip."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

from ionpath.errors import InputError, require
from ionpath_mdanalysis.readers.reader import FileParser, FileReader
from ionpath_mdanalysis.readers.source import ByteSource, ByteStream, Frame, FrameFile

_TIMES = {"time": 1.0, "time_ps": 1.0, "time_fs": 1e-3}


class AseTrajFile(FrameFile):
    """Frames of an ASE trajectory.

    Parameters
    ----------
    path : str or path
        File.

    Raises
    ------
    InputError
        If it is no ASE trajectory, or empty.
    MissingDependency
        If ASE is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._trajectory: Any = None
        try:
            self._n = len(self._open())
        except (OSError, ValueError, AttributeError, KeyError) as error:
            if isinstance(error, (FileNotFoundError, PermissionError)):
                raise
            raise InputError(
                self._path, need="an ASE trajectory", got=f"something else ({error})", remedy="check the file"
            ) from error
        if not self._n:
            raise InputError(
                self._path, need="at least one frame", got="none", remedy="run the simulation again"
            )
        first = self._open()[0]
        self.symbols = np.array(first.get_chemical_symbols())
        self.masses = first.get_masses()

    def __del__(self) -> None:
        if getattr(self, "_trajectory", None) is not None:
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_trajectory": None}

    def __len__(self) -> int:
        return self._n

    def close(self) -> None:
        """Close the file."""
        if self._trajectory is not None:
            self._trajectory.close()
            self._trajectory = None

    def frame(self, index: int) -> Frame:
        """Read one frame."""
        atoms = self._open()[index]
        if not np.array_equal(atoms.get_chemical_symbols(), self.symbols):
            raise InputError(
                f"{self._path}, frame {index}",
                need="the same atoms in the same order as in frame 0",
                got="other symbols",
                remedy="read each system from a file of its own",
            )
        return frame_of(atoms)

    def _open(self) -> Any:
        if self._trajectory is None:
            require("ase", purpose="reading ASE trajectories", install="pip install ase")
            from ase.io.trajectory import TrajectoryReader

            source = ByteSource(self._path)
            if source.compressed:
                self._trajectory = TrajectoryReader(io.BufferedReader(ByteStream(source), 2**16))
            else:
                self._trajectory = TrajectoryReader(self._path)
        return self._trajectory


def frame_of(atoms: Any) -> Frame:
    """Turn ASE Atoms into a frame."""
    from ase.units import fs

    cell = np.array(atoms.cell[:]) if atoms.cell.rank == 3 else None
    results = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
    velocities = atoms.get_velocities() * 1000.0 * fs if atoms.has("momenta") else None
    time = next((float(atoms.info[key]) * unit for key, unit in _TIMES.items() if key in atoms.info), None)
    info = {**atoms.info, **({"energy": float(results["energy"])} if "energy" in results else {})}
    return Frame(
        positions=atoms.get_positions(),
        cell=cell,
        time=time,
        velocities=velocities,
        forces=results.get("forces"),
        data={"info": info},
    )


class AseTrajParser(FileParser):
    """Topology of an ASE trajectory: names, elements, types and masses from its first frame.

    Parameters
    ----------
    filename : str or path
        File.
    """

    format = "TRAJ"
    _file = AseTrajFile


class AseTrajReader(FileReader):
    """Frames of an ASE trajectory.

    Parameters
    ----------
    filename : str or path
        File.
    convert_units : bool, default True
        As in MDAnalysis; without it forces stay in eV/A.
    unwrap : bool, default False
        Undo the wrapping of positions into the cell, also after jumps in the trajectory.
    **kwargs
        ``dt`` and ``time_offset`` in ps, as in MDAnalysis.

    Notes
    -----
    The time of a frame is ``info["time"]`` in ps where the writer stored it; otherwise give ``dt`` in ps:
    ``Universe("md.traj", dt=0.1)``. Velocities are in A/ps, forces in kJ/mol/A as everywhere in MDAnalysis, the energy
    in eV in ``ts.data["info"]["energy"]``.
    """

    format = "TRAJ"
    _file = AseTrajFile
