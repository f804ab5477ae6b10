"""Non-affine displacements over intervals, and the surroundings of ions at their beginnings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError, positive, whole
from ionpath.frames import check_cutoff
from ionpath.periodic import fractional
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.neighbours import Neighbours, find_neighbours
from ionpath.softness.nonaffine import nonaffine_displacement
from ionpath.softness.systems import Samples
from ionpath.transport.wrapping import Follower, Jumps, Leaps, frames_to_look_at
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._accumulating import Accumulating
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis._frames import cell_vectors
from ionpath_mdanalysis.looks import check_lengths, check_speed, look_at, needs_folding, spacing


class Origin(NamedTuple):
    """One frame at which an interval begins or ends: its number among these, in the trajectory, positions and cell."""

    number: int
    frame: int
    positions: Floats
    cell: Floats

    def moved(self, by: Floats) -> Origin:
        """The same with its atoms moved by the vectors of the lattice that are nearest to others."""
        return self._replace(positions=self.positions + np.rint(by @ np.linalg.inv(self.cell)) @ self.cell)


@dataclass(eq=False)
class Increments:
    """D2min of intervals, and what is measured at their beginnings, added up in the order of time."""

    rows: Ints  # the ions among the atoms
    every: int  # surroundings are measured at every so many origins
    window: int  # intervals after each of these over which the displacement is taken
    cutoff: float  # that of the neighbours of the affine fit, in A
    reach: float  # that of those needed to measure, in A
    measure: Callable[[Neighbours], Any] | None  # turns neighbours into what is kept of an origin
    per_neighbour: bool
    called: str  # what the user calls the cutoff
    follower: Follower  # folds coordinates that are wrapped, so that neighbours are followed by their nearest images
    jumps: Jumps = field(default_factory=Jumps)
    leaps: Leaps = field(default_factory=Leaps)
    d2min: dict[int, Floats] = field(default_factory=dict)
    measured: list[tuple[int, Any]] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    _first: Origin | None = None
    _last: tuple[Origin, Neighbours | None] | None = None

    def add(self, origin: Origin) -> None:
        """Take the next origin."""
        k, near = origin.number, None
        if k % self.every == 0 and self.measure is not None:
            near = self._near(origin, self.reach)
            self.measured.append((origin.frame, self.measure(near)))
        elif k % self.every < self.window:
            near = self._near(origin, self.cutoff)
        self._join(origin)
        self.frames.append(origin.frame)
        self._last = origin, None if near is None else near.within(self.cutoff)

    def _near(self, origin: Origin, reach: float) -> Neighbours:
        return find_neighbours(origin.positions, origin.cell, reach, self.rows)

    def _join(self, after: Origin) -> None:
        """D2min of the interval that ends at an origin."""
        if self._first is None:
            self._first = after
        if self._last is None or self._last[0].number % self.every >= self.window:
            return
        before, near = self._last
        try:
            self.d2min[before.number] = nonaffine_displacement(
                before.positions,
                after.positions,
                self._near(before, self.cutoff) if near is None else near,
                cell=before.cell,
                current_cell=None if np.array_equal(before.cell, after.cell) else after.cell,
                wrapped=False,
                per_neighbour=self.per_neighbour,
            )
        except InputError as error:
            got = f"{error.got} within {self.cutoff:g} A in frame {before.frame}"
            raise InputError(error.name, need=error.need, got=got, remedy=f"use a larger {self.called}") from error

    def state(self) -> tuple[Any, ...]:
        """All that is known; neighbours of the last origin are found again."""
        last = None if self._last is None else self._last[0]
        checks = self.follower.state(), self.jumps.state(), self.leaps.state()
        return self._first, last, self.d2min, self.measured, self.frames, *checks

    def merge(self, state: tuple[Any, ...]) -> None:
        """Join the block that follows."""
        first, last, d2min, measured, frames, follower, jumps, leaps = state
        offset = self.follower.merge(follower)
        self.jumps.merge(jumps)
        self.leaps.merge(leaps, offset[self.rows])
        if first is not None:
            self._join(first.moved(offset))
            self._last = last.moved(offset), None
            self.d2min |= d2min
            self.measured += measured
            self.frames += frames

    def check(self, frames: Ints) -> None:
        """Refuse or warn of steps, between frames of these numbers, that may be jumps or where runs were joined."""
        self.follower.check(
            "analyse every frame (a smaller step=), save frames more often, or write unwrapped coordinates, which are "
            "taken as they are"
        )
        self.leaps.check(frames, self.follower.fold)

    def displaced(self, root: bool) -> Floats:
        """Sum of D2min, or of its roots, over the window after each origin that has one, (n, n_ions)."""
        rows = []
        for k in range(0, len(self.frames), self.every):
            if k + self.window < len(self.frames):
                steps = np.array([self.d2min[k + j] for j in range(self.window)])
                rows.append((np.sqrt(steps) if root else steps).sum(axis=0))
        return np.array(rows)


class IncrementAnalysis(Accumulating):
    """Base of analyses of D2min over consecutive intervals of `lag` analysed frames.

    `nonaffine_cutoff` is that of the neighbours of the affine fit, `reach` the largest distance at which neighbours are
    needed at all, in A; `window` intervals are needed at least. Other options are those of `IonAnalysis`.
    """

    _even_times: ClassVar[bool] = True
    _called: ClassVar[str] = "nonaffine_cutoff"
    """What the class calls the cutoff."""
    _shorter: str = "a shorter nonaffine_cutoff"
    """How neighbours are needed less far."""
    _measure: Callable[[Neighbours], Any] | None = None

    def __init__(
        self,
        mobile: Any,
        atoms: Any,
        parameters: dict[str, Any],
        *,
        lag: int,
        nonaffine_cutoff: float,
        reach: float = 0.0,
        window: int = 1,
        **options: Any,
    ) -> None:
        _checks.check_group(mobile, "mobile")
        everything = mobile.universe.atoms if atoms is None else atoms
        self._lag, self._window = whole("lag", lag), whole("window", window)
        cutoff = positive(self._called, nonaffine_cutoff, "A")
        chosen = {"lag": self._lag, "nonaffine_cutoff": cutoff, **parameters}
        super().__init__(mobile, {"atoms": everything}, parameters=chosen, **options)
        self._rows = _checks.rows_among(mobile, everything, "mobile")
        self._still = np.setdiff1d(np.arange(len(everything)), self._rows)
        self._cutoff, self._reach, self._every = cutoff, max(reach, cutoff), 1
        dimensions = mobile.universe.trajectory.ts.dimensions
        if dimensions is not None:
            cell = cell_vectors(np.asarray(dimensions, dtype=np.float64)[None])[0]
            if np.isfinite(cell).all() and abs(np.linalg.det(cell)) > 0:
                check_cutoff(cutoff, cell, self._called)
                check_cutoff(self._reach, cell, "cutoff", remedy=f"use a larger cell, or {self._shorter}")

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        need = self._lag * self._window + 1
        if self.n_frames < need:
            raise InputError(
                "lag", need=f"at least {need} frames for {self._window} intervals of {self._lag} frames",
                got=f"{self.n_frames} frames",
                remedy="use a shorter lag" + " or window" * (self._window > 1) + ", or more frames",
            )  # fmt: skip
        looks = [look_at(self, k) for k in frames_to_look_at(self._total)]
        if len(self._still):
            for look in looks:
                look["framework"] = look["atoms"][self._still]
        check_lengths(looks)
        self._fold = needs_folding(looks, "mobile", "framework" if len(self._still) else None)
        between, masses = spacing(self, looks[0], look_at(self, self._total - 1)), self.groups["mobile"]
        check_speed(looks, getattr(masses, "masses", None), between, None, fold=self._fold)

    def _empty(self) -> Increments:
        per_neighbour = self.parameters.get("per_neighbour", True)
        numbers = self._rows, self._every, self._window, self._cutoff, self._reach
        return Increments(*numbers, self._measure, per_neighbour, self._called, Follower(self._fold))

    def _add(self, sums: Increments, chunk: Chunk) -> None:
        if not self._fold and len(self._still):
            sums.jumps.add(fractional(chunk.positions["atoms"][:, self._still], chunk.cells), chunk.frames)
        begin, n = 0, len(chunk.frames)
        for t in [*range(-chunk.first % self._lag, n, self._lag), n - 1]:
            if begin > t:
                break
            points = chunk.positions["atoms"][begin : t + 1].astype(np.float64)
            path = sums.follower(points, chunk.cells[begin : t + 1])
            sums.leaps.add(path[:, self._rows], chunk.cells[begin : t + 1])
            begin = t + 1
            number, rest = divmod(chunk.first + t, self._lag)
            if not rest:
                here = Origin(number, int(chunk.frames[t]), points[-1], chunk.cells[t].copy())
                sums.add(here.moved(path[-1] - points[-1]))

    def _times_of(self, frames: Any) -> Floats:
        return np.asarray(self.times[np.searchsorted(self.frames, frames)], dtype=np.float64)


class Surroundings(IncrementAnalysis):
    """Structure functions of the ions of one system at the beginnings of intervals.

    Species of the functions may be `absent`. Displacements sum the roots of D2min, or with ``power="square"`` D2min
    itself. `most` ions and times are kept; longer runs are sampled evenly in time. Options are those of
    `IncrementAnalysis`.
    """

    def __init__(
        self,
        mobile: Any,
        atoms: Any,
        functions: StructureFunctions,
        *,
        absent: bool,
        power: str,
        most: int,
        **options: Any,
    ) -> None:
        symbols = _checks.elements_of(atoms, "atoms")
        self._codes = functions.codes(symbols, absent=absent)
        self._shorter = f"train with functions=StructureFunctions.spaced({functions.species!r}, cutoff={{half}})"
        super().__init__(mobile, atoms, {"power": power}, reach=functions.reach, **options)
        self._functions, self._most = functions, most
        self.species = tuple(sorted(set(symbols.tolist())))

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        samples = len(self._rows) * ((self._total - 1) // self._lag + 1)
        self._every = max(1, -(-samples // self._most))

    def _measure(self, neighbours: Neighbours) -> Any:
        return self._functions.of_neighbours(neighbours, self._codes).astype(np.float32)

    def _fill(self, sums: Increments) -> None:
        sums.check(self.frames)
        frames = np.array([frame for frame, _ in sums.measured], dtype=np.int64)
        self.results.update(
            frames=frames,
            every=self._every,
            lag_time=self._lag * self.frame_time,
            indices=np.asarray(self.groups["mobile"].ix, dtype=np.int64),
            samples=Samples(
                features=np.array([row for _, row in sums.measured]),
                displacement=sums.displaced(self.parameters["power"] == "root"),
                times=self._times_of(frames),
                species=self.species,
            ),
        )
