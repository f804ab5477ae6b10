"""Averages over ions, and the lag that is taken where the user names none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.kinetics import implied_timescales
from ionpath.sites.runs import ShellRuns


def over_ions(average: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over the ions for which a pair is known.

    Examples
    --------
    >>> over_ions(np.mean, np.array([[[0.0, 2.0]], [[0.0, np.nan]]]))
    array([[0., 2.]])
    """
    flat = values.reshape(len(values), -1).T
    known = [row[np.isfinite(row)] for row in flat]
    means = [float(average(row)) if row.size else np.nan for row in known]
    return np.array(means).reshape(values.shape[1:])


def default_lag(runs: ShellRuns, frame_time: float, tolerance: float = 0.1) -> tuple[int, str]:
    """Choose a lag by the slowest implied timescale."""
    longest = max(1, runs.n_frames // 10)
    grid = np.unique(np.geomspace(1, longest, 12).astype(int))
    both = sorted({*grid.tolist(), *(2 * grid).tolist()} & set(range(1, runs.n_frames)))
    its = implied_timescales(
        runs, both, frame_time=frame_time, n_states=runs.n_states, n_samples=0, connected="largest"
    )
    slowest = dict(zip(its.lags.tolist(), its.timescales[:, 0].tolist(), strict=True))
    for lag in grid.tolist():
        after, before = slowest.get(2 * lag, np.nan), slowest[lag]
        if abs(after / before - 1.0) < tolerance and before > lag * frame_time:
            return lag, "the shortest at which the slowest implied timescale is converged to 10 %"
    return longest, "a tenth of the trajectory: the slowest implied timescale does not converge before"
