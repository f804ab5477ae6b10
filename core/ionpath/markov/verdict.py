"""Which lag to take, and a plain sentence on whether it makes the dynamics Markovian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.markov.chapman import ChapmanKolmogorov, lag_test
from ionpath.markov.resampling import Resampling
from ionpath.markov.timescales import ImpliedTimescales, chain_timescales, timescales_of
from ionpath.msonable import Msonable

UNKNOWN = 100.0
"""Relative error above which its figures say nothing."""


@documented
@dataclass(frozen=True)
class MarkovVerdict(Msonable):
    """Whether a lag is long enough, and why."""

    markovian: bool  # true if nothing speaks against the lag
    sentence: str  # the verdict in words, with its numbers
    growth: float  # relative change of the slowest implied timescale from this lag to longer ones
    growth_error: float  # standard error of the change; nan without a bootstrap
    deviation: float  # largest deviation in the Chapman-Kolmogorov test; nan if none was given

    @property
    def words(self) -> str:
        """What stands beside a number of the model; empty where it is Markovian."""
        return "" if self.markovian else self.sentence.partition(" at a lag")[0].replace("Not", "not", 1)

    def __bool__(self) -> bool:
        return self.markovian

    def __str__(self) -> str:
        return self.sentence


@typed
@references("prinz2011")
def markovian_verdict(
    timescales: ImpliedTimescales,
    lag: int,
    test: ChapmanKolmogorov | None = None,
    *,
    tolerance: float = 0.1,
    deviation_tolerance: float = 0.05,
    time_unit: str = "ps",
) -> MarkovVerdict:
    """Judge a lag by the implied timescales at longer lags and by the Chapman-Kolmogorov test.

    Parameters
    ----------
    timescales : ImpliedTimescales
        At `lag` and at one longer lag at least; twice the lag is a good choice.
    lag : int
        The lag to judge, in frames.
    test : ChapmanKolmogorov, optional
        Test at the same lag.
    tolerance : float
        Relative change of the slowest timescale, up to twice the lag, that is still called converged.
    deviation_tolerance : float
        Difference of predicted and measured probabilities that is still called agreement.
    time_unit : str
        Name of the unit of time in the sentence.

    Returns
    -------
    MarkovVerdict
        Yes or no with a sentence.

    Raises
    ------
    InputError
        If `lag` or a longer lag is not among the timescales, or the test is for another lag.

    Notes
    -----
    A change or a deviation beyond its tolerance counts if it exceeds two standard errors, where these are known; with
    larger errors the answer is no as well, for the data then do not show that the lag is long enough. Changes are
    looked for up to twice the lag, or to the next longer lag if there is none.

    Examples
    --------
    >>> from deeptime.markov.msm import MarkovStateModel
    >>> from ionpath.kinetics import implied_timescales
    >>> dtraj = MarkovStateModel([[0.9, 0.1], [0.1, 0.9]]).simulate(100000, seed=1)
    >>> its = implied_timescales(dtraj, [2, 3, 4], frame_time=1.0)
    >>> print(markovian_verdict(its, 2))  # doctest: +ELLIPSIS
    Markovian at a lag of 2 ps: the slowest implied timescale ... changes by ... up to a lag of ... ps.
    """
    at, later = _rows(timescales, lag, test)
    slowest = timescales.timescales[:, 0]
    growths = slowest[later] / slowest[at] - 1.0
    worst = int(np.nanargmax(np.abs(growths))) if np.isfinite(growths).any() else 0
    growth = float(growths[worst])
    row = int(later[worst])
    error = _growth_error(timescales, at, row)
    times = timescales.lag_times
    head = f"at a lag of {times[at]:.4g} {time_unit}"
    change = f"the slowest implied timescale ({slowest[at]:.4g} {time_unit}) changes by {growth:+.0%}"
    change += f" ± {error:.0%}" if error < UNKNOWN else " ± more than that" if np.isfinite(error) else ""
    change += f" up to a lag of {times[row]:.4g} {time_unit}"
    deviation, ck = _ck(test, deviation_tolerance)

    def verdict(start: str, why: str) -> MarkovVerdict:
        return MarkovVerdict(start == "Markovian", f"{start} {head}: {why}.", growth, error, deviation)

    if not np.isfinite(slowest).any():
        why = "no two states are joined by hops there and back, so that nothing relaxes; use a longer or a hotter run"
        return verdict("Not shown to be Markovian", why)
    if not np.isfinite(growth) or slowest[at] < times[at]:
        why = f"the slowest implied timescale ({slowest[at]:.3g} {time_unit}) is below the lag and cannot be resolved"
        return verdict("Not shown to be Markovian", f"{why}; use a shorter lag")
    if abs(growth) > tolerance and not abs(growth) <= 2 * error:
        why = f"{change}: it is not converged{ck}; use a longer lag, finer states, or core sets"
        return verdict("Not Markovian", why)
    if ck:
        return verdict("Not Markovian", f"{change}, but{ck[5:]}")
    if abs(growth) > tolerance or error > tolerance:
        return verdict("Not shown to be Markovian", f"{change}, too uncertain to tell; more data are needed")
    return verdict("Markovian", change)


def _rows(
    timescales: ImpliedTimescales, lag: int, test: ChapmanKolmogorov | None
) -> tuple[int, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    lags = timescales.lags
    if lag not in lags:
        raise InputError("lag", need=f"one of the lags of the timescales, {lags.tolist()}", got=str(lag))
    if timescales.timescales.shape[1] == 0:
        raise InputError("timescales", need="at least one timescale, so two states", got="none")
    if test is not None and test.lag != lag:
        raise InputError("test", need=f"a test at the lag {lag}", got=f"one at {test.lag}")
    at = int(np.flatnonzero(lags == lag)[0])
    later = np.flatnonzero((lags > lag) & (lags <= 2 * lag))
    if not later.size:
        later = np.flatnonzero(lags > lag)[:1]
    if not later.size:
        remedy = f"add the lag {2 * lag}"
        raise InputError("timescales", need="a longer lag to compare with", got=f"{lag} as the longest", remedy=remedy)
    return at, later


def _growth_error(timescales: ImpliedTimescales, at: int, row: int) -> float:
    if not len(timescales.samples):
        return float("nan")
    ratio = timescales.samples[:, row, 0] / timescales.samples[:, at, 0]
    ratio = ratio[np.isfinite(ratio)]
    return float(ratio.std(ddof=1)) if ratio.size > 1 else float("nan")


def _ck(test: ChapmanKolmogorov | None, tolerance: float) -> tuple[float, str]:
    if test is None:
        return float("nan"), ""
    deviation, errors = test.max_deviation, test.max_deviation_in_errors
    if deviation > tolerance and not errors <= 2:
        spread = f", {errors:.0f} standard errors" if np.isfinite(errors) else ""
        return (deviation, f", and the Chapman-Kolmogorov test deviates by {deviation:.2f} in probability{spread}")
    return deviation, ""


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
