"""Trajectories of states as runs: how long an ion stayed where, instead of where it was in every frame.

Ions hop rarely compared with the frames of a trajectory, so runs take a small part of the memory, and transitions are
counted over runs rather than frames. Every function of this package that takes trajectories takes `ShellRuns` too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.compiled import kernels
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, whole
from ionpath.msonable import Msonable
from ionpath.sites.recording import RunRecorder, join_runs
from ionpath.sites.shells import HOMES, CoordinationShells, Home
from ionpath.sites.trajectories import ShellTrajectories, Unassigned, check_sites, shell_trajectories

IONS_AT_ONCE = 32
RUNS_AT_ONCE = 20_000
"""Runs whose transitions are counted at a time; bounds the memory of temporary arrays."""


@typed
@documented
@dataclass(frozen=True, eq=False)
class ShellRuns(Msonable):
    """States of ions in shells, as runs.

    Examples
    --------
    >>> octahedron = 0.2 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
    >>> shells = CoordinationShells.from_sites(np.eye(3) * 12.0, [[0.5, 0.5, 0.5]], 0.5 + octahedron)
    >>> runs = ShellRuns.from_sites(np.array([[0], [0], [1], [1], [0]]), shells)
    >>> runs
    ShellRuns(1 ion, 5 frames, 3 runs, 7 states, home='visited')
    >>> runs.count_matrices(1)[0, 1:3, 1:3]
    array([[1., 1.],
           [1., 1.]])
    """

    # ion, start, site: (n_runs,): ion, first frame and site (-1 for none) of each run, in the order of ions and of time
    ion: Ints
    start: Ints
    site: Ints
    # n_ions, n_frames: size of the table of sites that the runs stand for
    n_ions: int
    n_frames: int
    # vertex, cage: (n_sites,): label in its shell, from 1, and shell of each site
    vertex: Ints
    cage: Ints
    n_states: int  # number of states of a shell, with 0 for outside
    # {"visited", "initial", "folded"}: what a trajectory is, see `ionpath.kinetics.shell_trajectories`
    home: Home = "visited"
    unassigned: Unassigned = "external"  # {"external", "skip"}: what frames on no site count as

    @classmethod
    def from_parts(
        cls,
        parts: Sequence[dict[str, Any]],
        n_ions: int,
        shells: CoordinationShells,
        *,
        core_sets: bool = True,
        home: Home = "visited",
        unassigned: Unassigned = "external",
    ) -> ShellRuns:
        """Make runs of what `RunRecorder.runs` gave for consecutive stretches of `n_ions`.

        `core_sets` is as given to the recorders, `home` and `unassigned` as in `ionpath.kinetics.shell_trajectories`.
        InputError if no ion is ever on a site, or an option is unknown.
        """
        one_of("home", home, HOMES)
        one_of("unassigned", unassigned, ("external", "skip"))
        ion, start, site = join_runs(parts, n_ions, core_sets=core_sets)
        if not (site >= 0).any():
            remedy = "check that shells and ions share one frame of reference, or widen the cutoff"
            raise InputError("sites", need="ions on sites", got="no ion on any site in any frame", remedy=remedy)
        n_frames = sum(part["n_frames"] for part in parts)
        return cls(
            ion, start, site, n_ions, n_frames, shells.vertex, shells.centre_of, shells.n_states, home, unassigned
        )

    @classmethod
    def from_sites(
        cls, site: ArrayLike, shells: CoordinationShells, *, home: Home = "visited", unassigned: Unassigned = "external"
    ) -> ShellRuns:
        """Make runs of the site of every ion in every frame, (n_frames, n_ions), -1 for none, as it is.

        Usually after `core_sets`; `home`, `unassigned` and errors are as in `from_parts`.
        """
        table = check_sites(site, shells.n_sites)
        recorder = RunRecorder(table.shape[1], core_sets=False)
        recorder.add(table.astype(np.int32))
        return cls.from_parts(
            [recorder.runs()], table.shape[1], shells, core_sets=False, home=home, unassigned=unassigned
        )

    def __len__(self) -> int:
        return self.n_ions

    def __getitem__(self, ion: int) -> ShellRuns:
        mine = self.ion == range(self.n_ions)[ion]
        return replace(self, ion=np.zeros(mine.sum(), np.int64), start=self.start[mine], site=self.site[mine], n_ions=1)

    def __repr__(self) -> str:
        ions = f"{self.n_ions} ion" + ("s" if self.n_ions != 1 else "")
        return (
            f"ShellRuns({ions}, {self.n_frames} frames, {len(self.ion)} runs, {self.n_states} states, "
            f"home={self.home!r})"
        )

    @property
    def length(self) -> Ints:
        """Frames in each run; shape (n_runs,)."""
        end = np.full(len(self.ion), self.n_frames)
        same = self.ion[1:] == self.ion[:-1]
        end[:-1][same] = self.start[1:][same]
        return end - self.start

    def minimum_residence(self, frames: int) -> ShellRuns:
        """Strike out stays of fewer `frames`: the ion keeps the site before. InputError for less than one frame.

        Short stays are struck out all at once, before the longer ones are extended over them.
        """
        whole("minimum_residence", frames)
        kept = (self.length >= frames) & (self.site >= 0)
        events = np.stack([self.ion, self.start, self.site])[:, kept]
        ion, start, site = join_runs([{"events": events, "n_frames": self.n_frames}], self.n_ions)
        return replace(self, ion=ion, start=start, site=site)

    def sites(self) -> NDArray[np.int32]:
        """Site of every ion in every frame, (n_frames, n_ions) int32, -1 for none."""
        return np.asarray(self.table(self.site, np.int32))

    def table(self, values: Ints, kind: Any) -> NDArray[Any]:
        """Values of the runs in all frames (n_frames, n_ions), made for a few ions at a time: no second table."""
        table, length = np.empty((self.n_frames, self.n_ions), dtype=kind), self.length
        for first in range(0, self.n_ions, IONS_AT_ONCE):
            begin, end = np.searchsorted(self.ion, [first, first + IONS_AT_ONCE])
            rows = np.repeat(values[begin:end].astype(kind), length[begin:end])
            table[:, first : first + IONS_AT_ONCE] = rows.reshape(-1, self.n_frames).T
        return table

    def labels(self) -> NDArray[np.int8]:
        """Label of the vertex in whichever shell, (n_frames, n_ions) int8, 0 on no site."""
        return np.asarray(self.table(np.append(self.vertex, 0)[self.site], np.int8))

    def trajectories(self, shells: CoordinationShells) -> ShellTrajectories:
        """The same as tables of states of `shells`: one row for each ion, or each ion and shell that it visits."""
        return shell_trajectories(self.sites(), shells, home=self.home, unassigned=self.unassigned)

    def site_frames(self) -> Floats:
        """Ion-frames spent on each site, (n_sites,)."""
        frames = np.bincount(self.site + 1, weights=self.length, minlength=len(self.vertex) + 1)
        return np.asarray(frames[1:], dtype=np.float64)

    def _states(self) -> Ints:
        """State of each run where a trajectory is an ion, with -1 for what is not counted."""
        state = np.append(self.vertex, 0)[self.site]
        if self.home == "initial":
            first = np.full(self.n_ions, -1)
            on = np.flatnonzero(self.site >= 0)[::-1]
            first[self.ion[on]] = self.cage[self.site[on]]  # from the end, so that the first one stays
            state = np.where(np.append(self.cage, -1)[self.site] == first[self.ion], state, 0)
            state[first[self.ion] < 0] = -1
        if self.unassigned == "skip" and self.home != "folded":
            state[self.site < 0] = -1
        return state

    @cached_property
    def _n_shells(self) -> Ints:
        """Number of shells that each ion visits."""
        on = self.site >= 0
        n = int(self.cage.max()) + 1
        pairs = np.unique(self.ion[on] * n + self.cage[self.site[on]])
        return np.bincount(pairs // n, minlength=self.n_ions)

    @cached_property
    def _counted(self) -> dict[tuple[int, int], Floats]:
        """Counts that were asked for before: models, bootstrap and tests ask for the same ones."""
        return {}

    def histogram(self) -> Ints:
        """Frames in each state, (n_states,), summed over all trajectories; those not counted are left out."""
        weight = self.length
        if self.home != "visited":
            states = self._states()
            found = np.bincount(states + 1, weights=weight, minlength=self.n_states + 1)
            return found[1:].astype(np.int64)
        on = self.site >= 0
        label = np.append(self.vertex, 0)[self.site]
        frames = np.bincount(label, weights=np.where(on, weight, 0), minlength=self.n_states)
        counted = on if self.unassigned == "skip" else np.ones_like(on)
        whole = np.bincount(self.ion, weights=np.where(counted, weight, 0), minlength=self.n_ions)
        frames[0] = whole @ self._n_shells - frames[1:].sum()
        return frames.astype(np.int64)

    def count_matrices(self, lag: int, n_blocks: int = 1) -> Floats:
        """Sliding counts of each ion, and of each stretch of time, (n_ions * n_blocks, n_states, n_states).

        `lag` is in frames; windows are divided into `n_blocks` stretches of equal length by their first frame.

        A window changes its pair of states only where a run starts at its beginning or at its end. Between these frames
        the pair is counted at once. Shells that an ion visits at another time see it outside at both ends.
        """
        if (lag, n_blocks) not in self._counted:
            whole("lag", lag)
            whole("n_blocks", n_blocks)
            compiled = kernels()
            counts = (
                np.concatenate([part._count(lag, n_blocks) for part in self._parts])
                if compiled is None
                else self._count_compiled(lag, n_blocks, compiled.count_windows)
            )
            counts.flags.writeable = False
            self._counted[lag, n_blocks] = counts
        return self._counted[lag, n_blocks]

    @cached_property
    def _parts(self) -> list[ShellRuns]:
        """The same for a few ions at a time, so that temporary arrays stay small however many hops there are."""
        return list(self._cut())

    def _cut(self) -> Iterator[ShellRuns]:
        step = max(1, RUNS_AT_ONCE * self.n_ions // len(self.ion))
        if step >= self.n_ions:  # all at once, of which nothing is copied
            yield self
            return
        for first in range(0, self.n_ions, step):
            last = min(first + step, self.n_ions)
            begin, end = np.searchsorted(self.ion, [first, last])
            mine = slice(int(begin), int(end))
            yield replace(
                self, ion=self.ion[mine] - first, start=self.start[mine], site=self.site[mine], n_ions=last - first
            )

    def _count_compiled(self, lag: int, n_blocks: int, count: Any) -> Floats:
        """`_count` of all ions, in one pass over the runs."""
        visited, units = self.home == "visited", self.n_ions * n_blocks
        state = np.append(self.vertex, 0)[self.site] if visited else self._states()
        shell = np.append(self.cage, -1)[self.site] if visited else np.zeros_like(state)
        begin = np.searchsorted(self.ion, np.arange(self.n_ions + 1))
        counts, totals = np.zeros((units, self.n_states, self.n_states)), np.zeros(units)
        edges = _block_edges(self.n_frames - lag, n_blocks)
        count(
            begin, self.start, state, shell, visited, self.unassigned == "external", self.n_frames, lag, edges, counts,
            totals,
        )  # fmt: skip
        if visited:
            counts[:, 0, 0] += totals * np.repeat(self._n_shells, n_blocks) - counts.sum(axis=(1, 2))
        return counts

    def _count(self, lag: int, n_blocks: int) -> Floats:
        edges = _block_edges(self.n_frames - lag, n_blocks)
        first, last, unit, weight = self._windows(lag, edges)
        n, units = self.n_states, self.n_ions * n_blocks

        def add(i: Ints, j: Ints, mask: Any) -> Floats:
            codes = (unit[mask] * n + i[mask]) * n + j[mask]
            counts = np.bincount(codes, weights=weight[mask], minlength=units * n * n)
            return np.asarray(counts, dtype=np.float64).reshape(units, n, n)

        if self.home != "visited":
            states = self._states()
            i, j = states[first], states[last]
            return add(i, j, (i >= 0) & (j >= 0))
        label, shell = np.append(self.vertex, 0), np.append(self.cage, -1)
        i, j = label[self.site[first]], label[self.site[last]]
        here, there = shell[self.site[first]], shell[self.site[last]]
        counted = np.ones(len(i), bool) if self.unassigned == "external" else (here >= 0) & (there >= 0)
        same = (here == there) & (here >= 0)
        leave, arrive = counted & ~same & (here >= 0), counted & ~same & (there >= 0)
        zero = np.zeros_like(i)
        counts = add(i, j, same) + add(i, zero, leave) + add(zero, j, arrive)
        total = np.bincount(unit[counted], weights=weight[counted], minlength=units)
        shells = np.repeat(self._n_shells, n_blocks)
        counts[:, 0, 0] += total * shells - counts.sum(axis=(1, 2))
        return counts

    def _windows(self, lag: int, edges: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """Runs at both ends of stretches of windows, with unit (ion and block) and number of windows."""
        size, windows = self.n_frames, self.n_frames - lag
        if windows <= 0:
            none = np.empty(0, dtype=np.int64)
            return none, none, none, none
        starts = self.ion.astype(np.int64) * size + self.start
        inner = (np.arange(self.n_ions)[:, None] * size + edges[1:-1]).ravel()
        points = np.concatenate([starts[self.start < windows], starts[self.start > lag] - lag, inner])
        points.sort(kind="stable")  # which merges what is sorted already
        base = points // size * size
        end = np.append(points[1:], np.iinfo(np.int64).max)
        weight = np.minimum(end, base + windows) - points
        first = np.searchsorted(starts, points, side="right") - 1
        last = np.searchsorted(starts, points + lag, side="right") - 1
        block = np.searchsorted(edges[1:-1], points - base, side="right")
        return first, last, points // size * (len(edges) - 1) + block, weight


def _block_edges(windows: int, n_blocks: int) -> Ints:
    """First windows of stretches of equal length, and their end."""
    return np.linspace(0, max(windows, 0), n_blocks + 1).astype(np.int64)
