"""What our readers and parsers have in common: everything but the format."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np
from MDAnalysis.coordinates.base import ReaderBase
from MDAnalysis.core import topologyattrs
from MDAnalysis.core.topology import Topology
from MDAnalysis.lib.mdamath import triclinic_box, triclinic_vectors
from MDAnalysis.lib.util import store_init_arguments
from MDAnalysis.topology.base import TopologyReaderBase

from ionpath.constants import EV_IN_KJ_PER_MOL
from ionpath.errors import InputError
from ionpath.periodic import Unwrapper
from ionpath_mdanalysis.readers.source import Frame, FrameFile

CHECKPOINT = 256
"""Frames between the states that are kept to unwrap from, after a jump in the trajectory."""


class FileReader(ReaderBase):
    """Reader of a `FrameFile`.

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
    MDAnalysis keeps the lengths and angles of a cell. A cell that does not have its first vector along x and its
    second in the xy plane is turned, and positions, velocities and forces with it.
    """

    units: ClassVar[dict[str, str]] = {
        "time": "ps",
        "length": "Angstrom",
        "velocity": "Angstrom/ps",
        "force": "kJ/(mol*Angstrom)",
    }
    _file: ClassVar[type[Any]]

    @store_init_arguments
    def __init__(
        self, filename: Any, convert_units: bool = True, unwrap: bool = False, **kwargs: Any
    ) -> None:
        self._frames: FrameFile | None = None
        super().__init__(filename, convert_units=convert_units, **kwargs)
        if not isinstance(filename, (str, os.PathLike)):
            self.filename = type(filename).__name__
        self._frames = self._file(filename)
        self.n_atoms = len(self._frames.symbols)
        self.n_frames = len(self._frames)
        self._walk = _Walk() if unwrap else None
        self._last: tuple[int, Frame] | None = None
        self._frame = -1
        self.ts = self._Timestep(self.n_atoms, **self._ts_kwargs)
        self._read_next_timestep()

    @classmethod
    def parse_n_atoms(cls, filename: Any, **kwargs: Any) -> int:
        """Read the number of atoms."""
        return len(cls._file(str(filename)).symbols)

    def _read_next_timestep(self, ts: Any = None) -> Any:
        if self._frame + 1 >= self.n_frames:
            raise EOFError
        return self._read_frame(self._frame + 1)

    def _read_frame(self, frame: int) -> Any:
        if not 0 <= frame < self.n_frames:
            raise OSError(f"there is no frame {frame}: the trajectory has {self.n_frames}")
        assert self._frames is not None
        self._frame = frame
        self.ts.frame = frame
        self._last = (frame, self._frames.frame(frame))
        fill(self.ts, self._last[1], self.convert_units)
        if self._walk is not None:
            self.ts.positions = self._walk.to(frame, self._wrapped)
        return self.ts

    def _wrapped(self, frame: int) -> tuple[Any, Any]:
        assert self._frames is not None
        last = self._last
        read = last[1] if last is not None and last[0] == frame else self._frames.frame(frame)
        positions, dimensions, _ = turned(read)
        if dimensions is None:
            raise InputError(
                "unwrap",
                need="a cell in every frame",
                got=f"none at frame {frame}",
                remedy="read without unwrap",
            )
        return positions, triclinic_vectors(dimensions, dtype=np.float64)

    def _reopen(self) -> None:
        self._frame = -1
        self.ts.frame = -1

    def close(self) -> None:
        """Close the file; reading on opens it again."""
        if self._frames is not None:
            self._frames.close()


class _Walk:
    """Unwrapped positions of any frame, by rolling on from the nearest state that was kept."""

    def __init__(self) -> None:
        self._states: dict[int, Unwrapper] = {}
        self._walker = Unwrapper()
        self._at = -1
        self._positions: Any = None

    def to(self, frame: int, read: Any) -> Any:
        import copy

        if frame < self._at or frame >= self._at + 2 * CHECKPOINT:
            usable = [k for k in self._states if k < frame]
            if frame < self._at or (usable and max(usable) > self._at):
                self._at = max(usable, default=-1)
                self._walker = copy.deepcopy(self._states[self._at]) if usable else Unwrapper()
        while self._at < frame:
            self._at += 1
            self._positions = self._walker(*read(self._at))
            if self._at % CHECKPOINT == 0:
                self._states.setdefault(self._at, copy.deepcopy(self._walker))
        return self._positions


class FileParser(TopologyReaderBase):
    """Topology of a `FrameFile`.

    Parameters
    ----------
    filename : str or path
        File.
    """

    _file: ClassVar[type[Any]]

    def parse(self, **kwargs: Any) -> Topology:
        """Read names, elements, types and masses."""
        file = self._file(self.filename)
        try:
            return topology_of(file.symbols, file.masses)
        finally:
            file.close()


def topology_of(symbols: Any, masses: Any = None) -> Topology:
    """Make a topology of atoms that are known by their symbols."""
    from MDAnalysis.guesser.tables import masses as table

    names = np.asarray(symbols, dtype=object)
    if masses is None:
        masses = np.array([table.get(name.upper(), table.get(name, 0.0)) for name in names])
    attributes = [
        topologyattrs.Atomids(np.arange(len(names)) + 1),
        topologyattrs.Atomnames(names),
        topologyattrs.Atomtypes(names.copy()),
        topologyattrs.Elements(names.copy()),
        topologyattrs.Masses(np.asarray(masses, dtype=np.float64)),
        topologyattrs.Resids(np.array([1])),
        topologyattrs.Resnums(np.array([1])),
        topologyattrs.Segids(np.array(["SYSTEM"], dtype=object)),
    ]
    return Topology(len(names), 1, 1, attrs=attributes)


def turned(frame: Frame) -> tuple[Any, Any, Any]:
    """Positions and dimensions of a frame in the orientation that MDAnalysis assumes."""
    if frame.cell is None:
        return frame.positions, None, None
    dimensions = triclinic_box(*frame.cell)
    standard = triclinic_vectors(dimensions, dtype=np.float64)
    if np.allclose(frame.cell, standard, rtol=0.0, atol=1e-6 * float(np.abs(standard).max())):
        return frame.positions, dimensions, None
    rotation = np.linalg.solve(frame.cell, standard)
    return frame.positions @ rotation, dimensions, rotation


def fill(ts: Any, frame: Frame, convert_units: bool = True) -> None:
    """Put a frame into a Timestep."""
    positions, dimensions, rotation = turned(frame)
    ts.positions = positions
    ts.dimensions = dimensions
    for name in ("velocities", "forces"):
        values = getattr(frame, name)
        if values is None:
            setattr(ts, f"has_{name}", False)
            continue
        values = values if rotation is None else values @ rotation
        setattr(ts, name, values * EV_IN_KJ_PER_MOL if name == "forces" and convert_units else values)
    ts.data.pop("time", None)
    if frame.time is not None:
        ts.data["time"] = frame.time
    ts.data.update(frame.data)
