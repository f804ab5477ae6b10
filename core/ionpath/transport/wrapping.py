"""Whether coordinates are wrapped into the cell, and positions continued across its faces from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Bools, Floats, Ints, heights
from ionpath.cells import image_tables
from ionpath.compiled import kernels
from ionpath.errors import InputError, warn
from ionpath.half_cell import NEAR, check_steps, steps_near_half
from ionpath.periodic import fractional, minimum_image, wrap

OUTSIDE = 1e-3
"""Rounding in files puts wrapped coordinates this far outside of the cell, in units of the cell."""
SPAN = 0.9
"""Range of a wrapped coordinate that crossed a face, in units of the cell."""
LOOKED_AT = 32
"""Ions whose steps tell whether a run goes on."""
FEWEST, SUDDEN = 10, 3.0
"""So many ions, half of which move so many times as far as they do between other frames, do not do so by chance."""
ONE_PIECE = "wrap the coordinates of all frames, or unwrap them in one piece"
LOOKS = 12
"""Pairs of frames that are looked at to tell wrapped from unwrapped coordinates."""


def frames_to_look_at(total: int) -> list[int]:
    """Pairs of consecutive frames, spread over a run of so many, that tell whether it is wrapped.

    >>> frames_to_look_at(3)
    [0, 1, 1, 2]
    """
    starts = np.unique(np.linspace(0, total - 2, LOOKS).round().astype(int))
    return [int(k) for start in starts for k in (start, start + 1)]


def is_wrapped(ions: Floats, cells: Floats, framework: Floats | None = None) -> bool:
    """Whether ions (T, N, 3) in A were wrapped into the cells (T, 3, 3), from frames spread over a run.

    Where an atom of the framework (T, M, 3), which does not diffuse, jumps against the others, faces of the cell do it.
    """
    # Ions that all stay in one cell, be it the parallelepiped of the vectors or the brick that GROMACS fills, are
    # wrapped or have not left it yet, and then it does not matter.
    inverse_free = np.diagonal(cells, axis1=-2, axis2=-1)[:, None]
    for place in (fractional(ions, cells), ions / np.where(inverse_free > 0, inverse_free, np.inf)):
        if (np.ptp(place, axis=(0, 1)) <= 1.0 + OUTSIDE).all():
            return True
        # Or each ion stays in a cell of its own, as where a program wraps some into [0, 1) and some into [-1, 0).
        # An ion that crossed a face was near to both: without one, nothing was wrapped that matters.
        low, high = place.min(axis=0), place.max(axis=0)
        for origin in (0.0, 0.5):
            apart = np.ceil(high - origin - OUTSIDE) - np.floor(low - origin + OUTSIDE)
            if (apart <= 1.0).all() and (high - low > SPAN).any():
                return True
    if framework is None or len(framework) < 2:
        return False
    moved = np.diff(fractional(framework, cells), axis=0)
    return bool((np.abs(moved - np.median(moved, axis=1, keepdims=True)) > 0.5).any())


class Follower:
    """Positions continued from frame to frame, chunk after chunk; followers of consecutive blocks can be joined.

    With `fold` the shortest image of every step is taken; else positions are taken as they are.

    A compiled loop does it where there is one; `_steps` is its definition.

    In a cell that changes, the change of the wrapped position is added (S. von Buelow et al., doi:10.1063/5.0008316),
    see `ionpath.periodic.Unwrapper`.
    """

    def __init__(self, fold: bool = True) -> None:
        self.fold = fold
        self.first: tuple[Floats, Floats] | None = None
        self.last: tuple[Floats, Floats] | None = None
        self.end: Floats | None = None
        self.counts = np.zeros(3, dtype=np.int64)  # steps, steps across faces, steps near half of the cell

    def __call__(self, positions: NDArray[Any], cells: Floats, moved: Floats | None = None) -> Floats:
        """Positions (B, N, 3) of the next frames in cells (B, 3, 3), less what all `moved` (B, 3) in A, continued."""
        shift = np.zeros((len(cells), 3)) if moved is None else moved
        if self.first is None:
            start = positions[0].astype(np.float64) - shift[0]
            self.first, self.last, self.end = (start, cells[0].copy()), (start, cells[0].copy()), start.copy()
        assert self.last is not None and self.end is not None
        compiled = kernels()
        if self.fold and compiled is not None:
            return self._fast(compiled, positions, cells, shift, self.last, self.end)
        points = positions.astype(np.float64)
        if shift.any():
            points -= shift[:, None]
        if self.fold:
            before, cell = self.last
            steps = self._steps(np.concatenate([before[None], points]), np.concatenate([cell[None], cells]))
            path = steps
            path[0] += self.end
            for row, following in pairwise(path):  # in the cache, where a sum along the first axis is not
                following += row
        else:
            path = points.copy()
        self.last, self.end = (points[-1].copy(), cells[-1].copy()), path[-1].copy()
        return path

    def _fast(
        self, compiled: Any, positions: NDArray[Any], cells: Floats, shift: Floats, last: tuple[Floats, Floats],
        end: Floats,
    ) -> Floats:  # fmt: skip
        """The same in one compiled pass."""
        constant = bool((cells == last[1]).all())
        used = cells[:1] if constant else cells
        edges, base, faces, squares = image_tables(used)
        path = np.empty(positions.shape)
        point, end, counts = last[0].copy(), end.copy(), np.zeros(2, dtype=np.int64)
        compiled.continue_path(
            np.ascontiguousarray(positions), shift, cells, np.linalg.inv(cells), edges, base,
            faces, squares, NEAR * 0.5 * float(np.sqrt(squares.min())), constant, point,
            np.stack([last[1], np.linalg.inv(last[1])]), end, path, counts,
        )  # fmt: skip
        self.counts += [positions.shape[0] * positions.shape[1], *counts]
        self.last, self.end = (point, cells[-1].copy()), end
        return path

    def _steps(self, points: Floats, cells: Floats) -> Floats:
        plain = np.diff(points, axis=0)
        constant = bool((cells == cells[0]).all())
        if constant:
            steps = minimum_image(plain, cells[0])
        else:
            steps = minimum_image(np.diff(wrap(points, cells), axis=0), cells[1:])
        near = steps_near_half(steps, cells[0] if constant else cells[1:])
        np.subtract(plain, steps, out=plain)
        jumped = np.abs(plain, out=plain) > 0.1
        across = int((jumped[..., 0] | jumped[..., 1] | jumped[..., 2]).sum())
        self.counts += [plain.shape[0] * plain.shape[1], across, near]
        return steps

    def state(self) -> tuple[Any, ...]:
        """Ends of the block, and counts."""
        return self.first, self.last, self.end, self.counts

    def merge(self, state: tuple[Any, ...]) -> Floats:
        """Join the block that follows; what its positions have to be shifted by, (N, 3) in A."""
        first, last, end, counts = state
        if self.last is None or self.end is None:
            self.first, self.last, self.end, self.counts = first, last, end, self.counts + counts
            return np.zeros_like(first[0])
        offset = np.zeros_like(first[0])
        if self.fold:
            offset = (
                self.end
                - first[0]
                + self._steps(np.stack([self.last[0], first[0]]), np.stack([self.last[1], first[1]]))[0]
            )
        self.counts += counts
        self.last, self.end = last, end + offset
        return offset

    @property
    def crossings(self) -> int:
        """Steps in which an ion crossed a face of the cell."""
        return int(self.counts[1])

    def check(self, remedy: str) -> None:
        """Refuse steps of which many are near half of the cell, and warn of few.

        InputError if more than one step in a thousand is longer than 40 % of the narrowest width of the cell.
        """
        total, _, near = (int(n) for n in self.counts)
        check_steps(near, total, remedy)


def continued(positions: NDArray[Any], cells: Floats, mobile: Bools, remedy: str) -> Floats:
    """Positions (T, N, 3) in A that go on across the faces of the cells (T, 3, 3); unwrapped ones stay as they are.

    Whether they are wrapped is seen from the data; steps near half of the cell are refused or warned of.
    """
    seen = frames_to_look_at(len(positions))
    framework = positions[:, ~mobile]
    fold = is_wrapped(positions[seen][:, mobile], cells[seen], framework[seen] if framework.size else None)
    if not fold and framework.size:
        Jumps().add(fractional(framework, cells), range(len(cells)))
    follower = Follower(fold)
    whole = follower(positions, cells)
    follower.check(remedy)
    return whole


class Jumps:
    """Refuses coordinates that are said to be unwrapped where atoms that do not diffuse jump across faces."""

    def __init__(self, remedy: str = ONE_PIECE) -> None:
        self._remedy = remedy
        self._first: Floats | None = None
        self._last: Floats | None = None

    def add(self, moved: Floats, frames: Sequence[int] | Ints) -> None:
        """Take fractional displacements (B, M, 3) of the next frames."""
        steps = np.diff(moved if self._last is None else np.concatenate([self._last[None], moved]), axis=0)
        if self._first is None:
            self._first = moved[0].copy()
        self._last = moved[-1].copy()
        if max(float(steps.max(initial=0.0)), -float(steps.min(initial=0.0))) > 0.5:
            self._check(steps, int(frames[0]))

    def _check(self, steps: Floats, frame: int) -> None:
        common = np.median(steps, axis=1, keepdims=True)
        # All may go far together, but hardly by whole cells: that is a run that was wrapped when it was taken up.
        whole = np.rint(common)
        restart = (np.abs(common - whole) < 0.02).all(axis=-1) & whole.any(axis=-1)
        if restart.any() or (np.abs(steps - common) > 0.5).any():
            need = "unwrapped ones throughout, since ions leave the cell"
            got = f"framework atoms that jump across its faces near frame {frame}"
            raise InputError("coordinates", need=need, got=got, remedy=self._remedy)

    def state(self) -> tuple[Floats | None, Floats | None]:
        """Ends of the block."""
        return self._first, self._last

    def merge(self, state: tuple[Floats | None, Floats | None]) -> None:
        """Join the block that follows."""
        first, last = state
        if first is not None:
            if self._last is not None:
                self._check((first - self._last)[None], 0)
            self._first, self._last = (first if self._first is None else self._first), last


class Leaps:
    """Tells where a run does not go on: ions that all move at once, and unwrapped ones that leap by whole cells.

    It takes the positions of ions that a `Follower` continued, chunk after chunk, and can be joined with that of the
    block that follows.
    """

    def __init__(self) -> None:
        self._ends: list[tuple[Floats, Floats]] = []  # the first and the last positions, each with its cell
        self._squares: list[Floats] = []  # (B,): of each step, the median over ions of its square in A^2
        self._leaps: list[Ints] = []  # (B,): of each step, ions that go by whole cells
        self._far = 0  # steps that are far from all lattice vectors

    def add(self, path: Floats, cells: Floats) -> None:
        """Take positions (B, N, 3) in A and cells (B, 3, 3) of the next frames."""
        last = self._ends[-1:]
        for points, _ in last:
            self._look(np.stack([points, path[0]]), cells[:1])
        self._look(path, cells[1:])
        self._ends = [*self._ends[:1], *((path[k].copy(), cells[k].copy()) for k in ((-1,) if last else (0, -1)))]

    def _look(self, points: Floats, cells: Floats) -> None:
        steps = np.diff(points, axis=0)
        some = steps[:, :: max(1, steps.shape[1] // LOOKED_AT)]
        self._squares.append(np.median(np.einsum("tni,tni->tn", some, some), axis=1))
        # Steps below a quarter of all heights are neither leaps nor far from where they began: nearly all are.
        longest = np.sqrt(3.0) * max(steps.max(initial=0.0), -steps.min(initial=0.0))
        if not np.isfinite(cells).all() or longest < 0.25 * heights(cells).min(initial=np.inf):
            self._leaps.append(np.zeros(len(steps), dtype=np.int64))
            return
        coordinates = fractional(steps, cells)
        whole = np.rint(coordinates)
        far = (np.abs(coordinates - whole) > 0.25).any(axis=-1)
        self._far += int(np.count_nonzero(far))
        self._leaps.append(np.count_nonzero(whole.any(axis=-1) & ~far, axis=1))

    def state(self) -> tuple[Any, ...]:
        """Ends of the block, and what was seen."""
        return self._ends, self._squares, self._leaps, self._far

    def merge(self, state: tuple[Any, ...], offset: Floats) -> None:
        """Join the block that follows, whose positions are to be shifted by (N, 3) in A."""
        ends = [(points + offset, cell) for points, cell in state[0]]
        if self._ends and ends:
            self._look(np.stack([self._ends[-1][0], ends[0][0]]), ends[0][1][None])
        self._ends = [*self._ends[:1], *ends[-1:]] if self._ends and ends else self._ends or ends
        self._squares, self._leaps = self._squares + state[1], self._leaps + state[2]
        self._far += state[3]

    def check(self, frames: Ints, fold: bool, remedy: str = ONE_PIECE) -> None:
        """Warn of a frame, of those with these numbers, at which most ions move at once.

        InputError, with a remedy, if coordinates that are said to be unwrapped leap by whole cells.
        """
        squares, leaps = np.concatenate(self._squares), np.concatenate(self._leaps)
        if not fold and leaps.sum() > self._far:
            at = int(np.argmax(leaps > 0))
            got = f"leaps of {leaps[at]} by whole cells from frame {frames[at]} to {frames[at + 1]}"
            need = "unwrapped ones throughout, since ions leave the cell"
            raise InputError("coordinates", need=need, got=got, remedy=remedy)
        at, typical = int(np.argmax(squares)), float(np.median(squares))
        if self._ends and len(self._ends[0][0]) >= FEWEST and 0.0 < typical * SUDDEN**2 < squares[at]:
            warn(
                f"half of the ions move {squares[at] ** 0.5:.2g} A from frame {frames[at]} to {frames[at + 1]}, and "
                f"{typical**0.5:.2g} A between others: if runs were joined there or frames are missing, analyse each "
                f"part by itself, with stop={frames[at + 1]} and with start={frames[at + 1]}"
            )
