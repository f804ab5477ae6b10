"""How long labels last: flicker removed, lifetimes with the runs that the trajectory cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Ints, Whole
from ionpath.documented import documented
from ionpath.errors import InputError, positive
from ionpath.estimate import poisson_interval
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True)
class Lifetime(Msonable):
    """Lifetime of one kind of label."""

    label: int  # label
    mean: float  # mean lifetime in ps: time spent over number of ends seen; infinite if no end was seen
    # low, high: 95 % interval in ps; `high` is infinite if no end was seen
    low: float
    high: float
    ends: int  # number of ends seen
    time: float  # time spent, summed over all that carry the label, in ps


@typed
def persistent_labels(labels: Whole, min_frames: int) -> Ints:
    """Remove labels that last less than some frames.

    Parameters
    ----------
    labels : array_like of int, (T, N)
        Labels in time.
    min_frames : int
        Shorter runs take the label of the run before them; those at the start, the label of the first run that is
        long enough. A series without any such run stays as it is. The last run, which the trajectory
        cuts, is dropped too if it is shorter.

    Returns
    -------
    ndarray of int, (T, N)
        Labels.

    Examples
    --------
    >>> persistent_labels([[0], [0], [1], [0], [0], [1], [1]], 2)[:, 0].tolist()
    [0, 0, 0, 0, 0, 1, 1]
    """
    series = np.asarray(labels, dtype=np.int64)
    if series.ndim != 2:
        raise InputError("labels", need="shape (frames, items)", got=f"shape {series.shape}", remedy="stack them")
    result = series.copy()
    if min_frames <= 1 or len(series) < 2:
        return result
    for item in np.flatnonzero((series[1:] != series[:-1]).any(axis=0)):
        starts = np.r_[0, np.flatnonzero(series[1:, item] != series[:-1, item]) + 1]
        lengths = np.diff(np.r_[starts, len(series)])
        long = np.flatnonzero(lengths >= min_frames)
        if not len(long):
            continue
        # Each frame takes the label of the last long run that began at or before its own run.
        run_of_frame = np.repeat(np.arange(len(starts)), lengths)
        last = np.maximum(np.searchsorted(long, run_of_frame, side="right") - 1, 0)
        result[:, item] = series[starts[long[last]], item]
    return result


@typed
def lifetimes(labels: Whole, frame_time: float) -> tuple[Lifetime, ...]:
    """Estimate how long labels last.

    Parameters
    ----------
    labels : array_like of int, (T, N)
        Labels in time.
    frame_time : float
        Time between frames, in ps.

    Returns
    -------
    tuple of Lifetime
        One for each label that occurs, in their order.

    Raises
    ------
    InputError
        If there are fewer than two frames, or the time is not positive.

    Notes
    -----
    For lifetimes that are exponentially distributed, of which some are cut by the start and the end of the
    trajectory, the most likely mean is the time spent over the number of ends seen, and twice the time over the
    mean follows a chi-squared distribution. An end counts once it is seen, and the frame before it belongs to the
    label.

    Examples
    --------
    >>> found = lifetimes([[0], [0], [0], [1], [1]], 0.5)
    >>> [(x.label, x.mean, x.ends) for x in found]
    [(0, 1.5, 1), (1, inf, 0)]
    """
    series = np.asarray(labels, dtype=np.int64)
    if series.ndim != 2 or len(series) < 2:
        need = "shape (frames, items) with two frames at least"
        raise InputError("labels", need=need, got=f"shape {series.shape}", remedy="use a longer trajectory")
    positive("frame_time", frame_time, "ps")
    changes = series[1:] != series[:-1]
    found = []
    for label in np.unique(series):
        # The time at risk: steps that start in the label.
        time = float((series[:-1] == label).sum()) * frame_time
        ends = int((changes & (series[:-1] == label)).sum())
        fewest, most = poisson_interval(ends)
        mean, high = (time / ends, time / fewest) if ends else (float("inf"), float("inf"))
        found.append(Lifetime(int(label), mean, time / most, high, ends, time))
    return tuple(found)
