"""Checks of discrete trajectories, lags and sets of states: one place, one wording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arrays import Floats, Indices, Ints
from ionpath.errors import InputError, whole

MOST_STATES = 20_000
"""Matrices are dense: those of so many states take 3 GB each."""
UNASSIGNED = -1
"""Label of a frame in which an ion is in no state. Windows that begin or end there are not counted."""


@runtime_checkable
class CountedTrajectories(Protocol):
    """Trajectories that count their own windows, such as `ionpath.sites.runs.ShellRuns`."""

    @property
    def n_states(self) -> int:
        """Number of states."""

    @property
    def n_frames(self) -> int:
        """Number of frames of every ion."""

    def count_matrices(self, lag: int, n_blocks: int = 1) -> Floats:
        """Sliding counts of each ion and stretch of time."""

    def histogram(self) -> Ints:
        """Frames in each state."""


LAG = "count frames"
"""What to do about a lag that is no number of frames."""
Trajectories = ArrayLike | Sequence[NDArray[np.integer[Any]]] | CountedTrajectories
States = int | Iterable[int]


def as_trajectories(dtrajs: Trajectories) -> list[NDArray[np.integer[Any]]]:
    """List of integer trajectories from one trajectory, a list of them, or an array (n_ions, n_frames)."""
    if isinstance(dtrajs, CountedTrajectories):
        return dtrajs  # type: ignore[return-value]  # everything below asks it, and does not iterate
    rows = _split(dtrajs)
    for row in rows:
        if row.ndim != 1:
            raise InputError("dtrajs", need="one-dimensional trajectories", got=f"an array of shape {row.shape}")
        if row.size and not np.issubdtype(row.dtype, np.integer):
            _refuse_type(row)
        if row.size and row.min() < UNASSIGNED:
            need = "labels from 0 on, or -1 for an unassigned frame"
            raise InputError("dtrajs", need=need, got=f"the label {row.min()}", remedy="renumber the states")
    if all(row.size == 0 for row in rows):
        raise InputError("dtrajs", need="at least one trajectory with frames", got="no frames")
    return rows


def _split(dtrajs: Trajectories) -> list[NDArray[Any]]:
    if isinstance(dtrajs, np.ndarray):
        return [dtrajs] if dtrajs.ndim < 2 else list(dtrajs)
    if not isinstance(dtrajs, Iterable):
        raise InputError("dtrajs", need="arrays of integer labels", got=type(dtrajs).__name__)
    rows = list(dtrajs)
    if rows and all(np.ndim(row) == 0 for row in rows):
        return [np.asarray(rows)]
    return [np.asarray(row) for row in rows]


def _refuse_type(row: NDArray[Any]) -> None:
    if np.issubdtype(row.dtype, np.floating) and np.isnan(row).any():
        need = "integer labels"
        raise InputError("dtrajs", need=need, got="NaN", remedy="mark frames without a state by the integer -1")
    remedy = "convert with .astype(int) if they are whole"
    raise InputError("dtrajs", need="integer labels", got=f"data type {row.dtype}", remedy=remedy)


def _few(n_states: int, name: str) -> int:
    """As many states as a dense matrix can have."""
    if n_states > MOST_STATES:
        need = f"at most {MOST_STATES:,} states, counted from 0 without gaps"
        raise InputError(name, need=need, got=f"{n_states:,}", remedy="renumber the states from 0, without gaps")
    return n_states


def state_count(trajectories: Sequence[NDArray[np.integer[Any]]], n_states: int | None) -> int:
    """Number of states, checked against the largest label."""
    if isinstance(trajectories, CountedTrajectories):
        top = trajectories.n_states - 1
        if n_states not in (None, top + 1):
            raise InputError("n_states", need=f"{top + 1}, as the runs have", got=str(n_states), remedy="leave it out")
    else:
        top = int(max(row.max() for row in trajectories if row.size))
    if n_states is None:
        if top < 0:
            raise InputError("dtrajs", need="frames with a state", got="only unassigned frames (-1)")
        return _few(top + 1, "dtrajs")
    if top >= whole("n_states", n_states):
        need = f"at least {top + 1}, the largest label plus one"
        raise InputError("n_states", need=need, got=str(n_states), remedy="count all states")
    return _few(int(n_states), "n_states")


def check_lag(trajectories: Sequence[NDArray[np.integer[Any]]], lag: int) -> int:
    """Lag as a whole number of frames that at least one trajectory can hold."""
    frames, longest = whole("lag", lag, remedy=LAG), longest_of(trajectories)
    if frames >= longest:
        got = f"a lag of {lag} frames for {longest} frames"
        shorter = f"a lag of at most {longest - 1} or " if longest > 1 else ""
        remedy = f"use {shorter}longer trajectories"
        raise InputError("lag", need="fewer frames than the trajectory", got=got, remedy=remedy)
    return frames


def longest_of(trajectories: Sequence[NDArray[np.integer[Any]]]) -> int:
    """Frames of the longest trajectory."""
    if isinstance(trajectories, CountedTrajectories):
        return trajectories.n_frames
    return max(row.size for row in trajectories)


def as_set(states: States, n_states: int, name: str) -> Indices:
    """Sorted state labels of one set."""
    several = isinstance(states, Iterable) and not (isinstance(states, np.ndarray) and states.ndim == 0)
    labels = np.array(list(states) if several else [states]).ravel()  # type: ignore[arg-type]
    if labels.size == 0:
        raise InputError(name, need="at least one state", got="an empty set")
    if not np.issubdtype(labels.dtype, np.integer):
        raise InputError(name, need="integer state labels", got=f"data type {labels.dtype}")
    if labels.min() < 0 or labels.max() >= n_states:
        raise InputError(name, need=f"states from 0 to {n_states - 1}", got=f"{sorted(set(labels.tolist()))}")
    return np.unique(labels).astype(np.intp)


def as_pair(source: States, target: States, n_states: int) -> tuple[Indices, Indices]:
    """Two disjoint sets of states."""
    first, last = as_set(source, n_states, "source"), as_set(target, n_states, "target")
    shared = np.intersect1d(first, last)
    if shared.size:
        got = f"{shared.tolist()} in both"
        remedy = "choose two sets without a common state"
        raise InputError("target", need="states that are not in source", got=got, remedy=remedy)
    return first, last
