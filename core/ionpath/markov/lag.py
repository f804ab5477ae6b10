"""Which lag to take, and whether it is long enough."""

from __future__ import annotations

import numpy as np

from ionpath.errors import InputError
from ionpath.markov.chapman import ChapmanKolmogorov, lag_test
from ionpath.markov.resampling import Resampling
from ionpath.markov.timescales import ImpliedTimescales, chain_timescales, timescales_of
from ionpath.markov.verdict import MarkovVerdict, markovian_verdict

CONVERGED = 0.1
"""Relative change of the slowest implied timescale, when the lag is doubled, that is called converged."""


def choose_lag(
    data: Resampling, frame_time: float, lag: int | None = None, lag_time: float | None = None
) -> tuple[int, str]:
    """Lag in frames, and why: the one that was given, or the shortest at which timescales are converged."""
    if lag is not None:
        return lag, "as given"
    if lag_time is None:
        return _shortest(data)
    frames = round(lag_time / frame_time)
    if frames < 1 or abs(frames * frame_time - lag_time) > 0.01 * lag_time:
        need = f"a multiple of the time between frames, {frame_time:g} ps"
        remedy = f"use {max(frames, 1) * frame_time:g} ps"
        raise InputError("lag_time", need=need, got=f"{lag_time:g} ps", remedy=remedy)
    return frames, "as given"


def _shortest(data: Resampling) -> tuple[int, str]:
    n_frames = data.n_frames
    longest = max(1, n_frames // 10)
    grid = np.unique(np.geomspace(1, longest, 12).astype(int)).tolist()

    def slowest(lag: int) -> float:
        return float(chain_timescales(data.best(lag), 1)[0]) if lag < n_frames else np.nan

    for lag in grid:
        before = slowest(lag)
        if before > lag and abs(slowest(2 * lag) / before - 1.0) < CONVERGED:
            return lag, "the shortest at which the slowest implied timescale is converged to 10 %"
    return longest, "a tenth of the trajectory: the slowest implied timescale does not converge before"


def judge_lag(
    data: Resampling, lag: int, frame_time: float
) -> tuple[ImpliedTimescales, ChapmanKolmogorov | None, MarkovVerdict | None]:
    """Timescales around a lag, test at its multiples, and the verdict; None where trajectories are too short."""
    longest = data.n_frames - 1
    factors = (0.125, 0.25, 0.5, 1.0, 1.5, 2.0)
    lags = sorted({min(max(1, round(lag * f)), longest) for f in factors} | {lag})
    timescales = timescales_of(data, lags, frame_time)
    multiples = [k for k in (1, 2, 3, 4, 5) if k * lag <= longest // 2]
    test = lag_test(data, lag, multiples, frame_time) if len(multiples) > 1 else None
    verdict = markovian_verdict(timescales, lag, test) if max(lags) > lag else None
    return timescales, test, verdict
