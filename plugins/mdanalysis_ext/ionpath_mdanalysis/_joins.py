"""Joined runs of which one repeats a stretch of the one before it, as a restart from an earlier checkpoint does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Floats
from ionpath.errors import InputError

LOOKED_BACK = 200
"""Frames before a join that are compared with the first one after it."""
SAME = 0.01
"""Coordinates in A that are one and the same: XTC keeps two decimals."""
MOST_ATOMS = 256


def joins(trajectory: Any) -> list[int]:
    """First frames of all runs of a trajectory but the first: of a list of files, or of a file that says it."""
    parts = getattr(trajectory, "readers", None)
    if parts is None:
        return [int(frame) for frame in getattr(trajectory, "joins", ())]
    counts = [part.n_frames for part in parts]  # with continuous=True MDAnalysis leaves out what is there twice
    return np.cumsum(counts)[:-1].tolist() if sum(counts) == trajectory.n_frames else []


def check_joins(trajectory: Any, group: Any, first: int, last: int) -> None:
    """Refuse frames from `first` to `last` among which a run begins at a configuration that was there before."""
    found = [join for join in joins(trajectory) if first < join <= last]
    if not found:
        return
    frame, atoms = trajectory.frame, group[np.linspace(0, len(group) - 1, min(len(group), MOST_ATOMS), dtype=int)]
    try:
        for join in found:
            start = _positions(trajectory, join, atoms)
            before = max(first, join - LOOKED_BACK)
            same = np.empty(join - before, dtype=bool)
            for k in range(len(same)):
                same[k] = np.abs(_positions(trajectory, before + k, atoms) - start).max() < SAME
            # Many alike: atoms that stand still between events, as in a model on a lattice.
            if same[:-1].any() and np.count_nonzero(same) == 1:
                _refuse(f"frame {join} the same as frame {before + int(np.argmax(same))}", join, trajectory)
    finally:
        trajectory[frame]


def _positions(trajectory: Any, frame: int, atoms: Any) -> Floats:
    """Positions as the file has them: our readers may unwrap, from one frame to the next."""
    if (frames := getattr(trajectory, "_frames", None)) is not None and hasattr(frames, "frame"):
        return np.asarray(frames.frame(frame).positions, dtype=np.float64)[atoms.ix]
    trajectory[frame]
    return np.asarray(atoms.positions, dtype=np.float64)


def check_clock(times: Floats, frames: NDArray[np.integer[Any]], trajectory: Any) -> None:
    """Refuse times of a file that go back into a run, but not to its start: another run may begin there."""
    steps = np.diff(times)
    begin = 0
    for k in np.flatnonzero(steps <= 0):
        if times[k + 1] > times[begin] + 1.5 * float(np.median(np.abs(steps))):
            _refuse(f"{times[k]:g} ps then {times[k + 1]:g} ps", int(frames[k + 1]), trajectory)
        begin = int(k) + 1


def _refuse(got: str, join: int, trajectory: Any) -> None:
    continuous = {str(part.format) for part in getattr(trajectory, "readers", ())} & {"XTC", "TRR"}
    raise InputError(
        "trajectory", need="runs that go on where the one before ended", got=f"{got}, so that a stretch is there twice",
        remedy=f"analyse each run by itself, with stop={join} and with start={join}, or leave them out of the file"
        + ", or open the files with continuous=True" * bool(continuous),
    )  # fmt: skip
