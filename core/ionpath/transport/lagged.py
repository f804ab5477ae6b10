"""Displacements over lags from a stream of frames that is read once, in memory that does not grow with the frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats, Ints
from ionpath.compiled import kernels
from ionpath.sums import Sums
from ionpath.transport._checks import lag_array
from ionpath.transport.displacements import PIECE

ORIGINS_PER_LAG = 8
"""Origins of time lie this many to a lag: windows that overlap more carry next to nothing new."""


class PairConsumer(Protocol):
    """What adds up positions at both ends of a lag."""

    def add(self, lag: int, origins: Floats, ends: Floats, cells: Floats) -> None:
        """Add pairs of frames (M, N, 3) of the lag of that number, with the cells (M, 3, 3) at the ends."""

    def state(self) -> Any:
        """Sums."""

    def merge(self, state: Any) -> None:
        """Add the sums of another one."""


class LaggedPairs:
    """Pairs of frames that lie a lag apart, handed to consumers as the frames go by.

    Lags (L,) in frames, of a run of `n_frames`; `origins` is the most for each lag, by default one in each eighth of a
    lag. With `centre` consumers see the mean position of all ions as one more ion.

    Origins lie at every s-th frame of the run, ``s = max(1, min(lag, T - lag) // 8)``, whatever blocks it is cut into.
    Only origins whose end has not gone by are kept, at most 16 for each lag. At the join of two blocks, ends of the
    second whose origin lies in the first are met by it, so that parts of a run add up to the whole exactly.
    """

    def __init__(
        self,
        lags: ArrayLike,
        n_frames: int,
        consumers: Sequence[PairConsumer],
        *,
        origins: int | None = None,
        centre: bool = False,
    ) -> None:
        self.centre = centre
        self.lags = lag_array(lags, n_frames)
        self.n_frames = n_frames
        self.consumers = tuple(consumers)
        available = n_frames - self.lags
        self.steps: Ints = np.maximum(1, np.minimum(self.lags, available) // ORIGINS_PER_LAG)
        if origins is not None:
            self.steps = np.maximum(self.steps, -(-available // origins))
        self.start = self.stop = -1  # frames seen so far
        self._full = np.empty((0, 0, 3))  # one chunk with the centre
        self._waiting: list[list[tuple[int, Floats]]] = [[] for _ in self.lags]
        self._orphans: list[list[tuple[int, Floats, Floats]]] = [[] for _ in self.lags]

    @property
    def n_origins(self) -> Ints:
        """Origins of each lag in the whole run, (L,)."""
        return (self.n_frames - self.lags - 1) // self.steps + 1

    def add(self, first: int, positions: Floats, cells: Floats) -> None:
        """Take the frames from number `first` on, positions (B, N, 3) in A, continuous, and cells (B, 3, 3)."""
        if self.centre:
            if len(self._full) < len(positions):
                self._full = np.empty((len(positions), positions.shape[1] + 1, 3))
            positions = _with_centre(positions, self._full[: len(positions)])
        if self.start < 0:
            self.start = first
        stop = self.stop = first + len(positions)
        inside: list[tuple[int, int, int, int]] = []  # pairs with both ends in this chunk
        for k, (lag, step) in enumerate(zip(self.lags.tolist(), self.steps.tolist(), strict=True)):
            last = min(stop, self.n_frames) - 1
            ends = range(first + (lag - first) % step if first >= lag else lag, last + 1, step)
            # Origins before this chunk wait, or belong to the block before this one.
            early = list(ends[: max(0, -(-(first + lag - ends.start) // step))])
            known = dict(self._waiting[k])
            met = [t for t in early if t - lag in known]
            if met:
                starts = np.stack([known[t - lag] for t in met])
                rows = np.array(met) - first
                self._emit(k, starts, positions[rows], cells[rows])
            self._orphans[k] += [
                (t, positions[t - first].copy(), cells[t - first].copy())
                for t in early if t - lag not in known and t - lag < self.start
            ]  # fmt: skip
            rest = ends[len(early) :]
            if rest:
                inside.append((k, rest.start - lag - first, rest.start - first, len(rest)))
            new = range(max(stop - lag, first), min(stop, self.n_frames - lag))
            self._waiting[k] = [(o, x) for o, x in self._waiting[k] if o + lag >= stop]
            self._waiting[k] += [
                (o, positions[o - first].copy()) for o in range(new.start + (-new.start) % step, new.stop, step)
            ]
        self._within(inside, positions, cells)

    def _within(self, inside: list[tuple[int, int, int, int]], positions: Floats, cells: Floats) -> None:
        """Hand over pairs that lie in one chunk: lag, rows of the first origin and end, and their number."""
        fast: list[Any] = [consumer for consumer in self.consumers if _is_compiled(consumer)]
        if fast and inside:
            lag = np.repeat([k for k, *_ in inside], [n for *_, n in inside])
            begin, end = (
                np.concatenate([row[at] + self.steps[row[0]] * np.arange(row[3]) for row in inside]) for at in (1, 2)
            )
            for consumer in fast:
                consumer.add_rows(lag, positions, begin, positions, end)
        slow = [consumer for consumer in self.consumers if consumer not in fast]
        for k, a, b, n in inside if slow else ():
            step = int(self.steps[k])
            rows, ends = slice(a, a + (n - 1) * step + 1, step), slice(b, b + (n - 1) * step + 1, step)
            _in_pieces(slow, k, positions[rows], positions[ends], cells[ends])

    def _emit(self, k: int, origins: Floats, ends: Floats, cells: Floats) -> None:
        rows = np.arange(len(origins))
        consumer: Any
        for consumer in self.consumers:
            if _is_compiled(consumer):
                consumer.add_rows(np.full(len(rows), k), origins, rows, ends, rows)
            else:
                _in_pieces([consumer], k, origins, ends, cells)

    def state(self) -> tuple[Any, ...]:
        """Sums, and the frames that the blocks before and after still need."""
        return (self.start, self.stop, self._waiting, self._orphans, [consumer.state() for consumer in self.consumers])

    def merge(self, state: tuple[Any, ...], offset: Floats | float = 0.0) -> None:
        """Join the block that follows, whose positions are shifted by `offset`."""
        start, stop, waiting, orphans, sums = state
        if self.centre and np.ndim(offset):
            offset = _with_centre(np.asarray(offset)[None], np.empty((1, len(np.asarray(offset)) + 1, 3)))[0]
        for consumer, more in zip(self.consumers, sums, strict=True):
            consumer.merge(more)
        for k, lag in enumerate(self.lags.tolist()):
            known = dict(self._waiting[k])
            for t, end, cell in orphans[k]:
                if t - lag in known:
                    self._emit(k, known[t - lag][None], (end + offset)[None], cell[None])
                else:
                    self._orphans[k].append((t, end + offset, cell))
            self._waiting[k] = [(o, x) for o, x in self._waiting[k] if o + lag >= stop]
            self._waiting[k] += [(o, x + offset) for o, x in waiting[k]]
        self.start, self.stop = (start if self.start < 0 else self.start), stop


def _is_compiled(consumer: object) -> bool:
    """Whether a consumer takes rows of frames, and there is a compiled loop for it."""
    return hasattr(consumer, "add_rows") and kernels() is not None


def _in_pieces(consumers: Sequence[PairConsumer], k: int, origins: Floats, ends: Floats, cells: Floats) -> None:
    """Hand over pairs of one lag in pieces that stay in the cache."""
    rows = max(1, PIECE // origins.shape[1])
    for at in range(0, len(origins), rows):
        part = slice(at, at + rows)
        for consumer in consumers:
            consumer.add(k, origins[part], ends[part], cells[part])


def _with_centre(positions: Floats, into: Floats) -> Floats:
    into[:, :-1] = positions
    np.matmul(np.full(positions.shape[1], 1.0 / positions.shape[1]), positions, out=into[:, -1])
    return into


def _flat(positions: Floats) -> Floats:
    return np.ascontiguousarray(positions).reshape(len(positions), -1)


class _CompiledSums(Sums):
    """Sums for which there is a compiled loop, too."""

    _loop: ClassVar[str]
    total: Floats

    def add_rows(self, lag: Ints, starts: Floats, begin: Ints, positions: Floats, end: Ints) -> None:
        """Add pairs `starts[begin]` and `positions[end]`, each of its lag, by the compiled loop."""
        compiled = kernels()
        assert compiled is not None
        getattr(compiled, self._loop)(lag, _flat(starts), begin, _flat(positions), end, self.total)


class SquareSums(_CompiledSums):
    """Sums of the squared displacements of each particle along each axis, (N, L, 3)."""

    _loop = "add_squares"

    def __init__(self, n: int, n_lags: int) -> None:
        self.total = np.zeros((n, n_lags, 3))

    def add(self, lag: int, origins: Floats, ends: Floats, cells: Floats) -> None:
        """Add pairs of frames."""
        moved = ends - origins
        np.multiply(moved, moved, out=moved)
        self.total[:, lag] += moved.sum(axis=0)


class PowerSums(_CompiledSums):
    """Sums of the squares and of the fourth powers of the displacements of each ion, (2, L, N)."""

    _loop = "add_powers"

    def __init__(self, n_ions: int, n_lags: int) -> None:
        self.total = np.zeros((2, n_lags, n_ions))

    def add(self, lag: int, origins: Floats, ends: Floats, cells: Floats) -> None:
        """Add pairs of frames."""
        moved = ends - origins
        square = np.einsum("tni,tni->tn", moved, moved)
        self.total[0, lag] += square.sum(axis=0)
        self.total[1, lag] += np.einsum("tn,tn->n", square, square)


class DistanceCounts(Sums):
    """Counts of displacements in bins of width `width`, (L, bins + 1); the last bin takes all beyond."""

    def __init__(self, n_lags: int, width: float, bins: int) -> None:
        self.total = np.zeros((n_lags, bins + 1))
        self.width = width

    def add(self, lag: int, origins: Floats, ends: Floats, cells: Floats) -> None:
        """Add pairs of frames."""
        moved = ends - origins
        bins = self.total.shape[1]
        where = np.sqrt(np.einsum("tni,tni->tn", moved, moved).ravel()) / self.width
        self.total[lag] += np.bincount(np.minimum(where, bins - 1.0).astype(np.intp), minlength=bins)


class Landmarks:
    """Positions at chosen frames of a run."""

    def __init__(self, frames: ArrayLike) -> None:
        self.frames = np.asarray(frames, dtype=np.int64)
        self._kept: list[Floats] = []

    def add(self, first: int, positions: Floats, cells: Floats) -> None:
        """Take the frames from number `first` on."""
        inside = (self.frames >= first) & (self.frames < first + len(positions))
        self._kept += list(positions[self.frames[inside] - first])

    def state(self) -> list[Floats]:
        """Positions so far."""
        return self._kept

    def merge(self, state: list[Floats], offset: Floats | float = 0.0) -> None:
        """Join the block that follows, whose positions are shifted by `offset`."""
        self._kept += [positions + offset for positions in state]

    @property
    def positions(self) -> Floats:
        """Positions at the frames, (K, N, 3)."""
        return np.array(self._kept)


class Rows:
    """All positions, kept."""

    def __init__(self) -> None:
        self._rows: list[Floats] = []

    def add(self, first: int, positions: Floats, cells: Floats) -> None:
        """Take the next frames."""
        self._rows.append(positions)

    def state(self) -> list[Floats]:
        """Positions so far."""
        return self._rows

    def merge(self, state: list[Floats], offset: Floats | float = 0.0) -> None:
        """Join the block that follows, whose positions are shifted by `offset`."""
        while state:  # pieces are freed as they are taken over
            rows = state.pop(0)
            rows += offset
            self._rows.append(rows)

    @property
    def positions(self) -> Floats:
        """Positions in all frames, (T, N, 3)."""
        if len(self._rows) > 1:
            self._rows = [np.concatenate(self._rows)]
        return self._rows[0]
