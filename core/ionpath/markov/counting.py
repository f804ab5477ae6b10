"""Transition counts over a sliding window, fast enough for a hundred million frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices, Ints
from ionpath.citations import references
from ionpath.errors import InputError, one_of, whole
from ionpath.markov.inputs import CountedTrajectories, Trajectories, as_trajectories, check_lag, state_count

COUNT_MODES = ("sliding", "sliding-effective", "sample", "effective")


@typed
@references("prinz2011")
def count_matrix(dtrajs: Trajectories, lag: int, *, n_states: int | None = None, count_mode: str = "sliding") -> Floats:
    r"""Transition counts at one lag, summed over all ions.

    Parameters
    ----------
    dtrajs : array_like of int, shape (n_frames,) or (n_ions, n_frames), or sequence of (n_frames_i,) arrays
        State of each ion in each frame; -1 is an unassigned frame.
    lag : int
        Lag in frames.
    n_states : int, optional
        Number of states; the largest label plus one by default.
    count_mode : {"sliding", "sliding-effective", "sample", "effective"}
        Every window; every window divided by the lag; only windows one lag apart; windows divided by the statistical
        inefficiency of their row (by deeptime, slow on long trajectories).

    Returns
    -------
    ndarray, shape (n_states, n_states)
        Counts from row to column.

    Notes
    -----
    :math:`C_{ij}(\tau) = \sum_t 1[x_t = i, x_{t+\tau} = j]`. A window that begins or ends in an unassigned frame is
    not counted; trajectories that are no longer than the lag count nothing.

    Examples
    --------
    >>> count_matrix([0, 0, 1, 1, 0], lag=1)
    array([[1., 1.],
           [1., 1.]])
    """
    return counts_and_frames(dtrajs, lag, n_states, count_mode)[0]


def counts_and_frames(dtrajs: Trajectories, lag: int, n_states: int | None, count_mode: str) -> tuple[Floats, Ints]:
    """Transition counts, and frames in each state, in one pass."""
    trajectories = as_trajectories(dtrajs)
    size = state_count(trajectories, n_states)
    lag = check_lag(trajectories, lag)
    one_of("count_mode", count_mode, COUNT_MODES)
    if isinstance(trajectories, CountedTrajectories):
        return _counted(trajectories, lag, count_mode), trajectories.histogram()
    if count_mode == "effective":
        return _effective(trajectories, lag, size), state_histogram(trajectories, size)
    total, frames = np.zeros((size, size)), np.zeros(size, dtype=np.int64)
    for block in blocks(trajectories, size):
        counts, found = tally(block, lag, size, step=lag if count_mode == "sample" else 1)
        total += counts.sum(axis=0)
        frames += found.sum(axis=0)
    return total / lag if count_mode == "sliding-effective" else total, frames


@typed
def count_matrices(dtrajs: Trajectories, lag: int, *, n_states: int | None = None, n_blocks: int = 1) -> Floats:
    """Sliding counts of each ion by itself, and of each stretch of time.

    Parameters
    ----------
    dtrajs, lag, n_states
        See `count_matrix`.
    n_blocks : int
        Number of stretches of equal length into which the windows of each ion are divided by their first frame.

    Returns
    -------
    ndarray, shape (n_ions * n_blocks, n_states, n_states)
        Counts; the sum over the first axis is `count_matrix`.

    Examples
    --------
    >>> count_matrices([[0, 0, 1], [1, 1, 1]], lag=1).sum(axis=(1, 2))
    array([2., 2.])
    """
    trajectories = as_trajectories(dtrajs)
    size = state_count(trajectories, n_states)
    lag = check_lag(trajectories, lag)
    whole("n_blocks", n_blocks)
    if isinstance(trajectories, CountedTrajectories):
        return trajectories.count_matrices(lag, n_blocks)
    if n_blocks == 1:
        return np.concatenate([tally(block, lag, size)[0] for block in blocks(trajectories, size)]).astype(float)
    counts = np.zeros((len(trajectories), n_blocks, size, size))
    for i, row in enumerate(trajectories):
        edges = np.linspace(0, max(row.size - lag, 0), n_blocks + 1).astype(int)
        for k in range(n_blocks):
            counts[i, k] = tally(row[None, edges[k] : edges[k + 1] + lag], lag, size)[0][0]
    return counts.reshape(-1, size, size)


def state_histogram(trajectories: list[NDArray[np.integer[Any]]] | CountedTrajectories, n_states: int) -> Ints:
    """Number of frames in each state, summed over all ions."""
    if isinstance(trajectories, CountedTrajectories):
        return trajectories.histogram()
    frames = np.zeros(n_states, dtype=np.int64)
    for block in blocks(trajectories, n_states):
        frames += tally(block, block.shape[1], n_states)[1].sum(axis=0)
    return frames


def _counted(trajectories: CountedTrajectories, lag: int, count_mode: str) -> Floats:
    if count_mode not in ("sliding", "sliding-effective"):
        got = repr(count_mode)
        remedy = "give trajectories as arrays, runs.trajectories(shells).dtrajs"
        raise InputError("count_mode", need="'sliding' or 'sliding-effective' for runs", got=got, remedy=remedy)
    total = trajectories.count_matrices(lag).sum(axis=0)
    return total / lag if count_mode == "sliding-effective" else total


def _effective(trajectories: list[NDArray[np.integer[Any]]], lag: int, n_states: int) -> Floats:
    if any((row < 0).any() for row in trajectories):
        got = "unassigned frames (-1)"
        remedy = "use count_mode='sliding-effective' or a block bootstrap"
        raise InputError("dtrajs", need="assigned frames only for effective counts", got=got, remedy=remedy)
    from deeptime.markov import TransitionCountEstimator

    whole = [row.astype(np.int64) for row in trajectories if row.size > lag]
    counts = TransitionCountEstimator.count("effective", whole, lag, n_jobs=1)
    full = np.zeros((n_states, n_states))
    full[: len(counts), : len(counts)] = counts
    return full


LONG_RUNS = 16
"""With more frames than this between two changes of state, on average, runs are counted and not frames."""
_FRAMES = 1 << 20  # labels at a time: they stay in the processor's cache
_CODES = 1 << 22  # entries of the tables of counts at a time


def blocks(rows: Sequence[NDArray[np.integer[Any]]], n_states: int) -> Iterator[NDArray[np.integer[Any]]]:
    """Stack consecutive trajectories of one length, a few at a time: (n_ions_of_block, n_frames)."""
    most = max(1, _CODES // (n_states + 1) ** 2)
    at = 0
    while at < len(rows):
        size, kind = rows[at].size, rows[at].dtype
        stop = at + 1
        limit = at + max(1, min(most, _FRAMES // max(size, 1)))
        while stop < min(limit, len(rows)) and rows[stop].size == size and rows[stop].dtype == kind:
            stop += 1
        yield np.stack(rows[at:stop])
        at = stop


def tally(block: NDArray[np.integer[Any]], lag: int, n_states: int, step: int = 1) -> tuple[Ints, Ints]:
    """Counts of windows, and frames in each state."""
    ions, size = block.shape
    changed = np.ones(block.shape, dtype=bool)
    np.not_equal(block[:, 1:], block[:, :-1], out=changed[:, 1:])
    flat = np.ascontiguousarray(block).ravel()
    first = np.flatnonzero(changed)
    frames = _frames(flat, first, ions, size, n_states)
    if size <= lag:
        return np.zeros((ions, n_states, n_states), dtype=np.int64), frames
    if step == 1 and first.size * LONG_RUNS < flat.size:
        return count_runs(flat, first, ions, lag, n_states), frames
    return np.stack([count_frames(row, lag, n_states, step) for row in block]), frames


def _frames(flat: NDArray[np.integer[Any]], first: Indices, ions: int, size: int, n_states: int) -> Ints:
    width = n_states + 1
    codes = first // max(size, 1) * width + flat[first].astype(np.intp) + 1
    found = np.bincount(codes, weights=np.diff(np.append(first, flat.size)), minlength=ions * width)
    return found.astype(np.int64).reshape(ions, width)[:, 1:]


def count_runs(flat: NDArray[np.integer[Any]], first: Indices, ions: int, lag: int, n_states: int) -> Ints:
    """Count the windows between the frames where one of their ends changes its state."""
    size = flat.size // ions
    width, windows = n_states + 1, size - lag
    inside = first % size
    at = np.concatenate([first[inside < windows], first[inside > lag] - lag])
    at.sort(kind="stable")  # two ascending halves: a merge
    ion = at // size
    following = np.append(at[1:], flat.size)
    weight = np.minimum(following, ion * size + windows) - at
    codes = (ion * width + flat[at].astype(np.intp) + 1) * width + flat[at + lag].astype(np.intp) + 1
    counts = np.bincount(codes, weights=weight, minlength=ions * width * width)
    return counts.astype(np.int64).reshape(ions, width, width)[:, 1:, 1:]


def count_frames(row: NDArray[np.integer[Any]], lag: int, n_states: int, step: int = 1) -> Ints:
    """Count the windows of one ion one by one."""
    width = n_states + 1
    kind = np.uint8 if width**2 <= 256 else np.uint16 if width**2 <= 65536 else np.int64
    counts = np.zeros(width * width, dtype=np.int64)
    one: NDArray[Any] = np.ones(1, dtype=kind)
    factor: NDArray[Any] = np.full(1, width, dtype=kind)
    shifted: NDArray[Any] = row.astype(kind) + one  # the label -1 wraps round to 0
    starts, ends = shifted[: row.size - lag : step], shifted[lag::step]
    for at in range(0, starts.size, _FRAMES // 8):
        codes = starts[at : at + _FRAMES // 8] * factor + ends[at : at + _FRAMES // 8]
        counts += np.bincount(codes, minlength=width * width)
    return counts.reshape(width, width)[1:, 1:]
