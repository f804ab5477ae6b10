"""What our readers and parsers have in common: everything but the format."""

from __future__ import annotations

import copy
import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from MDAnalysis.coordinates.base import ReaderBase
from MDAnalysis.core import topologyattrs
from MDAnalysis.core.groups import AtomGroup
from MDAnalysis.core.topology import Topology
from MDAnalysis.guesser.tables import masses as table
from MDAnalysis.lib.mdamath import triclinic_box, triclinic_vectors
from MDAnalysis.lib.util import store_init_arguments
from MDAnalysis.topology.base import TopologyReaderBase

from ionpath.arrays import Floats, Symbols
from ionpath.cells import FARTHEST
from ionpath.constants import EV_IN_KJ_PER_MOL
from ionpath.errors import InputError, one_of, warn
from ionpath.periodic import Unwrapper, minimum_image
from ionpath_mdanalysis.readers.source import ByteSource, has_suffix
from ionpath_mdanalysis.times import says_times, spacing

CHECKPOINT = 256
"""Frames between the states that are kept to unwrap from, after a jump in the trajectory."""
PICOSECONDS = {"fs": 1e-3, "ps": 1.0, "ns": 1e3}
DOUBTFUL = 5.0
"""Frames further apart than this, in ps, may be in fs where a file does not say the unit of its times."""
MEMORY = 0.5
"""Atoms of a solid have turned around after this time, in ps: longer steps that go on straight are shorter ones."""
CUT_OFF = "remove the damaged frame from the file, or restore the file"


@dataclass(frozen=True)
class Frame:
    """One frame as a file has it."""

    positions: Floats  # (n_atoms, 3): positions in A
    cell: Floats | None  # (3, 3): cell vectors as rows in A
    info: dict[str, Any] = field(default_factory=dict)  # what else the file says about the frame
    # (n_atoms, 3): in A/ps, or in A per unit of time if the file does not say in which (`unknown_unit`)
    velocities: Floats | None = None
    forces: Floats | None = None  # (n_atoms, 3): in eV/A
    unknown_unit: bool = False


class FrameFile(ABC):
    """Frames with random access: symbols, (n_atoms,), and masses in u, (n_atoms,), if the file has its own."""

    symbols: Symbols
    masses: Floats | None = None

    @abstractmethod
    def __init__(self, path: Any) -> None:
        """Read what a topology needs."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of frames."""

    @abstractmethod
    def frame(self, index: int) -> Frame:
        """Read one frame, counted from 0."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open; a later `frame` opens it again."""


class TextFile(FrameFile):
    """Frames in a text file, plain or gzip."""

    _source: ByteSource

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _damaged(self, index: int, need: str, got: str, remedy: str = CUT_OFF) -> InputError:
        return InputError(f"{self._source.path}, frame {index}", need=need, got=got, remedy=remedy)


def ends_within_a_number(text: bytes) -> bool:
    """Tell a text whose last line has no end, and whose last number has fewer decimals than that above it."""
    above, last = [b"", *text.rsplit(b"\n", 2)][-2:] if not text.endswith(b"\n") else [b"", b""]
    if len(above.split()) != len(last.split()) or not last.strip():
        return False
    long, short = (len(line.split()[-1].partition(b".")[2]) for line in (above, last))
    return short < long


def time_of(info: Mapping[str, Any], unit: str | None, where: str) -> float | None:
    """Time of a frame in ps, or None; a key that does not say its unit is refused."""
    for key, factor in (("time_ps", 1.0), ("time_fs", PICOSECONDS["fs"]), ("time", PICOSECONDS[unit or "ps"])):
        if key in info:
            return _number(info[key], f"{key} of {where}") * factor
    key = next((name for name in info if name.lower() == "time"), "")
    if not key:
        return None
    if unit is None:
        raise InputError(
            where,
            need=f"the unit of {key}, which this key does not say",
            got=f"{key}={info[key]}",
            remedy="pass time_unit='fs' if GPUMD wrote the file, time_unit='ps' for LAMMPS in metal units, or the "
            "time between frames in ps, for example dt=0.1",
        )
    return _number(info[key], f"{key} of {where}") * PICOSECONDS[unit]


def _number(value: Any, where: str) -> float:
    try:
        if np.isfinite(number := float(value)):
            return number
    except (TypeError, ValueError):
        pass
    raise InputError(where, need="a number", got=repr(value)[:40], remedy=CUT_OFF)


class FileReader(ReaderBase):
    """Reader of a `FrameFile`.

    As in MDAnalysis, ``convert_units=False`` leaves forces in eV/A, and ``dt`` and ``time_offset`` are in ps; with
    ``dt`` the times in the file are not looked at. ``unwrap=True`` undoes the wrapping of positions into the cell, also
    after jumps in the trajectory; `time_unit` ("fs", "ps" or "ns") is that of times and velocities where the file does
    not say it.

    Times come from the file where it has them, with ``trajectory.dt`` their mean distance, which is the only one where
    they are even. MDAnalysis keeps the lengths and angles of a cell: a cell that does not have its first vector along x
    and its second in the xy plane is turned, and positions, velocities and forces with it.
    """

    units: ClassVar[dict[str, str]] = {
        "time": "ps",
        "length": "Angstrom",
        "velocity": "Angstrom/ps",
        "force": "kJ/(mol*Angstrom)",
    }
    _file: ClassVar[type[FrameFile]]

    @store_init_arguments
    def __init__(
        self,
        filename: Any,
        convert_units: bool = True,
        unwrap: bool = False,
        time_unit: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._frames: FrameFile | None = None
        super().__init__(filename, convert_units=convert_units, **kwargs)
        if not isinstance(filename, (str, os.PathLike)):
            self.filename = type(filename).__name__
        if time_unit is not None:
            one_of("time_unit", time_unit, PICOSECONDS)
        self._time_unit = time_unit
        self._frames = self._file(filename)
        self.n_atoms = len(self._frames.symbols)
        self.n_frames = len(self._frames)
        self._walk = _Walk() if unwrap else None
        self._last: tuple[int, Frame] = (-1, None)  # type: ignore[assignment]
        self._last_time = (-1, -np.inf)
        self._solid: bool | None = None
        self._timed = self._find_times(self._ts_kwargs.get("dt"))
        self._frame = -1
        self.ts = self._Timestep(self.n_atoms, **self._ts_kwargs)
        self._read_next_timestep()

    @property
    def symbols(self) -> Symbols:
        """Chemical symbols of the atoms in the file."""
        assert self._frames is not None
        return self._frames.symbols

    @property
    def has_times(self) -> bool:
        """Whether the times of the frames are those in the file."""
        return self._timed

    @property
    def joins(self) -> list[int]:
        """First frames of runs that were joined to the first one, as far as the file says it."""
        return list(getattr(self._frames, "joins", ()))

    @classmethod
    def parse_n_atoms(cls, filename: Any, **kwargs: Any) -> int:
        """Read the number of atoms."""
        return len(cls._file(str(filename)).symbols)

    def _where(self, frame: int) -> str:
        return f"{self.filename}, frame {frame}"

    def _read(self, frame: int) -> Frame:
        assert self._frames is not None
        if self._last[0] != frame:
            read = self._frames.frame(frame)
            self._check_size(frame, read)
            self._last = (frame, read)
        return self._last[1]

    def _check_size(self, frame: int, read: Frame) -> None:
        """Refuse what no simulation gives: atoms or cells that far away, and a cell that loses its volume."""
        sizes = {"positions": read.positions, "cell vectors": np.zeros(3) if read.cell is None else read.cell}
        far = next((name for name, values in sizes.items() if not np.abs(values).max() < FARTHEST), None)
        solid = read.cell is not None and not is_flat(read.cell)
        self._solid = solid if self._solid is None else self._solid
        if far is not None or solid != self._solid:
            need = f"{far} below {FARTHEST:g} A" if far else "a cell with a volume in all frames or in none"
            got = "others" if far else "one" if solid else "none"
            raise InputError(self._where(frame), need=need, got=got, remedy=CUT_OFF)

    def _find_times(self, given: float | None) -> bool:
        """Take the time between frames from the first, second and last one; tell whether times are to be read."""
        last = self.n_frames - 1
        infos = {k: self._read(k).info for k in (last, min(1, last), 0)}
        try:
            times = {k: self._time(k, infos[k]) for k in sorted(infos)}
        except InputError:
            if given is None:
                raise
            return False
        start = 0 if times[0] is not None else last
        first = times.pop(start)
        if first is None:
            return False
        if given is not None:
            said = (times.get(1) or first) - first
            if said and abs(said - given) > 1e-3 * given:
                warn(f"{self.filename}: dt={given:g} ps is used; the file says {said:g} ps between its first frames")
            return False
        for k, time in times.items():
            self._check_order(start, first, k, time)
        if last:
            self._ts_kwargs["dt"] = float(f"{(times[last] - first) / last:.12g}")  # type: ignore[operator]
            self._doubt_unit(infos[0], self._ts_kwargs["dt"])
        return True

    def _doubt_unit(self, info: Mapping[str, Any], dt: float) -> None:
        """Warn of times without a unit that are taken as ps, and that may well be in fs."""
        if self._time_unit is not None or {"time_ps", "time_fs"} & set(info) or dt < MEMORY:
            return
        straight = dt < DOUBTFUL and self.n_frames > 2 and self._goes_straight()
        if dt >= DOUBTFUL or straight:
            why = ", after which atoms still go straight on, as they do for a few fs only" if straight else ""
            warn(
                f"{self.filename}: time= is taken as ps, {dt:g} ps between frames{why}; if it is in fs, pass "
                "time_unit='fs' (D is 1000 times larger then), and time_unit='ps' if it is not"
            )

    def _goes_straight(self) -> bool:
        """Whether the first two steps of the atoms go the same way."""
        first, second, third = (self._read(k) for k in range(3))
        if first.cell is None or is_flat(first.cell):
            return False
        step, following = (
            minimum_image(two.positions - one.positions, first.cell) for one, two in ((first, second), (second, third))
        )
        sizes = np.linalg.norm(step) * np.linalg.norm(following)
        return bool(np.vdot(step, following) > 0.5 * sizes > 0)

    def _time(self, frame: int, info: Mapping[str, Any]) -> float | None:
        return time_of(info, self._time_unit, self._where(frame))

    def _check_order(self, before: int, time: float, frame: int, later: float | None) -> None:
        if later is not None and (later - time) * (frame - before) > 0:
            return
        raise InputError(
            self._where(frame),
            need=f"a time after the {time:g} ps of frame {before}" if frame > before else
            f"a time before the {time:g} ps of frame {before}",
            got="none" if later is None else f"{later:g} ps",
            remedy="if frames are complete and evenly spaced, pass the time between them in ps, for example dt=0.1",
        )  # fmt: skip

    def _read_next_timestep(self, ts: Any = None) -> Any:
        if self._frame + 1 >= self.n_frames:
            raise EOFError
        return self._read_frame(self._frame + 1)

    def _read_frame(self, frame: int) -> Any:
        if not 0 <= frame < self.n_frames:
            raise OSError(f"there is no frame {frame}: the trajectory has {self.n_frames}")
        read = self._read(frame)
        self._frame = self.ts.frame = frame
        if self._timed:
            time = self._time(frame, read.info)
            before, known = self._last_time
            if before != frame:
                self._check_order(before, known, frame, time)
            assert time is not None
            self._last_time, self.ts.data["time"] = (frame, time), time
        fill(self.ts, read, self.convert_units, PICOSECONDS.get(self._time_unit or ""))
        if self._walk is not None:
            self.ts.positions = self._walk.to(frame, self._wrapped)
        return self.ts

    def _wrapped(self, frame: int) -> tuple[Any, Any]:
        positions, dimensions, _ = turned(self._read(frame))
        if dimensions is None:
            remedy = "read without unwrap"
            raise InputError("unwrap", need="a cell in every frame", got=f"none at frame {frame}", remedy=remedy)
        return positions, triclinic_vectors(dimensions, dtype=np.float64)

    def _reopen(self) -> None:
        self._frame = -1
        self.ts.frame = -1

    def close(self) -> None:
        """Close the file; reading on opens it again."""
        if self._frames is not None:
            self._frames.close()


def carry_dt() -> None:
    """Have ``AtomGroup.write`` pass the time between frames on: MDAnalysis tells DCD files 1 ps."""
    write = AtomGroup.write

    @functools.wraps(write)
    def with_dt(self: Any, filename: Any = None, *args: Any, **kwargs: Any) -> Any:
        trajectory, frames = self.universe.trajectory, kwargs.get("frames", "all")
        step = 1 if isinstance(frames, str) else getattr(frames, "step", None) or 1
        if has_suffix(filename, "dcd") and trajectory.n_frames > 1 and says_times(trajectory):
            kwargs.setdefault("dt", step * spacing(trajectory))
        return write(self, filename, *args, **kwargs)

    AtomGroup.write = with_dt


carry_dt()


class _Walk:
    """Unwrapped positions of any frame, by rolling on from the nearest state that was kept."""

    def __init__(self) -> None:
        self._states: dict[int, Unwrapper] = {}
        self._walker = Unwrapper()
        self._at = -1
        self._positions: Any = None

    def to(self, frame: int, read: Any) -> Any:
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
    """Topology of a `FrameFile`: names, elements, types and masses, from its first frame."""

    _file: ClassVar[type[FrameFile]]

    def parse(self, **kwargs: Any) -> Topology:
        """Read names, elements, types and masses."""
        file = self._file(self.filename)
        try:
            return topology_of(file.symbols, file.masses)
        finally:
            file.close()

    @classmethod
    def is_sound(cls, thing: Any) -> bool:
        """Look into a file before MDAnalysis does, which turns an error of ours into one of its own."""
        cls._file(thing).close()
        return True


def topology_of(symbols: Any, masses: Any = None) -> Topology:
    """Make a topology of atoms that are known by their symbols."""
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
    if frame.cell is None or is_flat(frame.cell):
        return frame.positions, None, None
    dimensions = triclinic_box(*frame.cell)
    standard = triclinic_vectors(dimensions, dtype=np.float64)
    if np.allclose(frame.cell, standard, rtol=0.0, atol=1e-6 * float(np.abs(standard).max())):
        return frame.positions, dimensions, None
    rotation = np.linalg.solve(frame.cell, standard)
    return frame.positions @ rotation, dimensions, rotation


def is_flat(cell: Floats) -> bool:
    """Tell a cell that has no volume, as that of a slab or a molecule."""
    return abs(float(np.linalg.det(cell))) <= 1e-9 * float(np.linalg.norm(cell, axis=1).max()) ** 3


def fill(ts: Any, frame: Frame, convert_units: bool = True, time_unit: float | None = None) -> None:
    """Put a frame into a Timestep; velocities only if their unit is known."""
    positions, dimensions, rotation = turned(frame)
    ts.positions = positions
    ts.dimensions = dimensions
    factors = {
        "velocities": (1.0 / time_unit if time_unit else None) if frame.unknown_unit else 1.0,
        "forces": EV_IN_KJ_PER_MOL if convert_units else 1.0,
    }
    for name, factor in factors.items():
        values = getattr(frame, name)
        if values is None or factor is None:
            setattr(ts, f"has_{name}", False)
        else:
            setattr(ts, name, factor * (values if rotation is None else values @ rotation))
    ts.data["info"] = frame.info
    ts.data.pop("cell", None)
    if dimensions is None and frame.cell is not None:
        ts.data["cell"] = frame.cell  # says later what is missing
