"""The counting itself: several ions at a time, over their runs where these are long and over frames where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Indices, Ints

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
