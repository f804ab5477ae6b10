"""How a barrier settles as hills are added, its error, and a plain verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import finite, typed
from ionpath.arrays import Floats
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.estimate import Estimate
from ionpath.free_energy.crossings import CrossingError, crossing_error
from ionpath.free_energy.hills import Hills, growing_counts, partial_sums
from ionpath.free_energy.minpath import minimum_path
from ionpath.free_energy.surface import FreeEnergySurface, lowest_near as lowest_near, where_visited
from ionpath.msonable import Msonable
from ionpath.units import kt_in_kj_per_mol

_STUDENT = 2.262
"""95 % of Student's t with nine degrees of freedom, those of ten blocks."""


@typed
@documented
@dataclass(frozen=True)
class BarrierSeries(Msonable):
    """Barrier between two points against the time of deposition."""

    times: Floats  # (n,): times in ps
    # forward, backward: (n,): barriers in kJ/mol from the first to the second point and back; nan where hills do not
    # connect them yet
    forward: Floats
    backward: Floats
    # start, end: the two points
    start: tuple[float, ...]
    end: tuple[float, ...]

    def estimate(
        self, part: float = 0.2, *, backward: bool = False, floor: float = 0.0, crossings: float = 0.0
    ) -> Estimate:
        """Mean and error of the barrier over the last `part` of the run, or of that from the second point to the first.

        `floor` is the smallest error in kJ/mol, for example the height of the hills that are still being added: a
        barrier that no recent hill touched does not scatter, yet it is not known exactly. `crossings` is the error in
        kJ/mol that few crossings froze in (`crossing_error`), and that the last part cannot show.

        The error is the largest of three, the standard deviation over times in that part, half the difference between
        its two halves, and `floor`, together with `crossings` (root of the sum of squares). With `crossings` the
        interval uses Student's t of ten blocks. nan where the barrier is not known throughout.
        """
        values = (self.backward if backward else self.forward)[self.times >= self.times[-1] * (1 - part)]
        if not len(values) or not np.isfinite(values).all():
            return Estimate(float("nan"), float("nan"), float("nan"), float("nan"), "kJ/mol")
        halves = np.array_split(values, 2) if len(values) > 1 else [values, values]
        drift = 0.5 * abs(halves[1].mean() - halves[0].mean())
        error = max(float(values.std(ddof=1)) if len(values) > 1 else float("nan"), float(drift), floor)
        mean, wide = float(values.mean()), _STUDENT if crossings > 0 else 1.96
        error = float(np.hypot(error, crossings))
        return Estimate(mean, error, mean - wide * error, mean + wide * error, "kJ/mol")


@documented
@dataclass(frozen=True)
class Verdict(Msonable):
    """Whether a barrier may be trusted, and why."""

    converged: bool  # all tests passed
    sentence: str  # what passed or what is missing
    crossings: int  # how often the run went from one basin to the other
    drift: float  # change of the barrier over the last part, in kJ/mol

    @property
    def words(self) -> str:
        """What stands beside the barrier; empty where it has converged."""
        return "" if self.converged else "not converged"


def recent_height(hills: Hills) -> float:
    """Mean height of the last tenth of the hills: no free energy is known better."""
    return float(hills.heights[-max(len(hills) // 10, 1) :].mean())


def _still_high(hills: Hills) -> list[str]:
    """What is missing where the hills of a well-tempered run are not low in the end."""
    recent = recent_height(hills) / float(hills.heights[0])
    return [f"hills are still {recent:.0%} of their first height"] if hills.bias_factor > 1 and recent > 0.2 else []


def spent(hills: Hills) -> str:
    """What is said of a well-tempered run that found no second basin, and whose hills are too low to find one."""
    recent = recent_height(hills) / float(hills.heights[0])
    if not 1 < hills.bias_factor < np.inf or recent > 0.05:
        return ""
    remedy = f"begin a run with a larger bias_factor than {hills.bias_factor:g}"
    return f"; hills are down to {recent:.1%} of their first height, so that going on leads no further: {remedy}"


@typed
def barrier_series(
    hills: Hills, start: ArrayLike, end: ArrayLike, *, n_times: int = 25, points_per_sigma: float = 3.0
) -> BarrierSeries:
    """Barrier between two points after growing numbers of hills.

    Parameters
    ----------
    hills : Hills
        Deposited hills.
    start, end : array_like, (n_variables,)
        Two points; in each surface the lowest point within two widths of each is taken.
    n_times : int
        Number of times, equally spaced to the end of the run.
    points_per_sigma : float
        Fineness of the grid.

    Returns
    -------
    BarrierSeries
        Barriers against time. Points that no hill reached yet do not count as sampled.

    Raises
    ------
    InputError
        If there are fewer than two times.
    """
    whole("n_times", n_times, 2)
    counts = growing_counts(hills, n_times)
    ends = [finite("start", start), finite("end", end)]
    sums = partial_sums(hills, counts, hills.default_axes(points_per_sigma))
    found = np.array([_barriers(surface, ends, hills.sigmas[0]) for surface in sums])
    return BarrierSeries(
        hills.times[np.array(counts) - 1], found[:, 0], found[:, 1],
        tuple(map(float, ends[0])), tuple(map(float, ends[1])),
    )  # fmt: skip


def _barriers(surface: FreeEnergySurface, ends: list[Floats], sigma: Floats) -> tuple[float, float]:
    visited = where_visited(surface)
    lows = [lowest_near(visited, point, 2 * sigma) for point in ends]
    if any(low is None for low in lows):
        return float("nan"), float("nan")
    try:
        path = minimum_path(visited, lows[0], lows[1])  # type: ignore[arg-type]
    except InputError:
        return float("nan"), float("nan")
    return path.barrier, path.reverse_barrier


def count_crossings(
    trajectory: ArrayLike, start: ArrayLike, end: ArrayLike, reach: ArrayLike, periods: Sequence[float | None] = ()
) -> int:
    """How often a run went from around one point to around the other, either way.

    >>> count_crossings([[0.0], [0.5], [1.0], [0.9], [0.1]], [0.0], [1.0], [0.2])
    2
    """
    path, width = np.asarray(trajectory, dtype=float), np.asarray(reach, dtype=float)
    around = np.array([np.inf if period is None else period for period in periods or (None,) * path.shape[1]])
    at = np.zeros(len(path), dtype=int)
    for label, point in ((1, start), (2, end)):
        away = np.abs(path - np.asarray(point, dtype=float))
        at[(np.minimum(away, np.abs(around - away)) <= width).all(1)] = label
    visits = at[at > 0]
    return int((np.diff(visits) != 0).sum()) if len(visits) else 0


@typed
def variation(hills: Hills, *, part: float = 0.2, n_times: int = 25) -> Estimate:
    """By how much the free energy of one variable varies over what was visited: no barrier is higher.

    Parameters
    ----------
    hills : Hills
        Deposited hills of one variable.
    part : float
        Last fraction of the run that is used.
    n_times : int
        Number of times in the run.

    Returns
    -------
    Estimate
        Highest minus lowest free energy in kJ/mol, mean and error over the last part.

    Raises
    ------
    InputError
        If there is more than one variable, or the hills span less than four of their widths.

    Notes
    -----
    Two widths of a hill are left out at both ends of what was visited. Beyond a wall or the end of an angle there are
    no hills, and the sum of those before it cannot follow the free energy: it has ripples of several kJ/mol there.
    """
    if hills.centres.shape[1] != 1:
        remedy = "look for basins and paths"
        raise InputError("hills", need="one variable", got=f"{hills.centres.shape[1]}", remedy=remedy)
    edge = 2 * float(hills.sigmas[0, 0])
    low, high = hills.centres.min() + edge, hills.centres.max() - edge
    counts = growing_counts(hills, n_times)
    axes = hills.default_axes(3.0)
    inside = (axes[0] >= low) & (axes[0] <= high)
    if not inside.any():
        need = "hills that span more than four of their widths, two at each end of which count for nothing"
        got = f"{len(hills)} over {np.ptp(hills.centres):.3g}, {edge / 2:.3g} wide"
        raise InputError("hills of the run", need=need, got=got, remedy="run longer")
    values = np.array([np.ptp(surface.values[inside]) for surface in partial_sums(hills, counts, axes)])
    series = BarrierSeries(hills.times[np.array(counts) - 1], values, values, (), ())
    return series.estimate(part, floor=recent_height(hills))


@typed
def judge_flat(hills: Hills, found: Estimate, temperature: float, *, part: float = 0.2) -> Verdict:
    """Say whether the variation of a free energy with one basin is known.

    Parameters
    ----------
    hills : Hills
        Deposited hills.
    found : Estimate
        What `variation` gives.
    temperature : float
        Temperature in K.
    part : float
        Last fraction of the run, over which barriers are averaged.

    Returns
    -------
    Verdict
        Converged when the error is below RT and hills have shrunk below a fifth of their first height.
    """
    kt = kt_in_kj_per_mol(temperature)
    missing = []
    if not found.error < kt:
        missing.append(f"over the last {part:.0%} it scattered by {found.error:.1f} kJ/mol (RT is {kt:.1f})")
    missing += _still_high(hills)
    what = f"one basin, in which the free energy varies by {found.value:.1f} kJ/mol"
    if missing:
        return Verdict(False, f"not converged: {what}; {'; '.join(missing)}", 0, found.error)
    return Verdict(True, f"converged: {what}, so that no barrier along the variable is higher", 0, found.error)


@typed
def judge(
    hills: Hills,
    series: BarrierSeries,
    temperature: float,
    *,
    part: float = 0.2,
    crossings_needed: int = 10,
    error: CrossingError | None = None,
) -> Verdict:
    """Say whether a barrier has converged.

    Parameters
    ----------
    hills : Hills
        Deposited hills.
    series : BarrierSeries
        Barrier against time.
    temperature, part
        See `judge_flat`.
    crossings_needed : int
        Transitions between the basins that are asked for.
    error : CrossingError, optional
        What `crossing_error` gives, if it is known already.

    Returns
    -------
    Verdict
        Converged when the run crossed often enough, the errors of both barriers are below RT, the sum of hills and
        the reweighted places of the hills agree within two errors, and hills have shrunk below a fifth of their first
        height. That the barrier hardly changed at the end is no test: among short runs it selects lucky ones.
    """
    kt = kt_in_kj_per_mol(temperature)
    periods = [None if ends is None else ends[1] - ends[0] for ends in hills.periods]
    crossings = count_crossings(hills.centres, series.start, series.end, 3 * hills.sigmas.mean(0), periods)
    last = series.forward[series.times >= series.times[-1] * (1 - part)]
    drift = float(np.ptp(last)) if len(last) and np.isfinite(last).all() else float("nan")
    slow = crossing_error(hills, series.start, series.end, temperature) if error is None else error
    missing = []
    if crossings < crossings_needed:
        missing.append(f"the ion crossed {crossings} times, {crossings_needed} are needed")
    if np.isnan(drift):
        missing.append(f"over the last {part:.0%} the barrier is not known throughout")
    elif not slow.known:
        missing.append("too few hills were put on the way for an error by reweighting")
    else:
        both = [series.estimate(part, crossings=slow.forward).error]
        both.append(series.estimate(part, crossings=slow.backward, backward=True).error)
        if not max(both) < kt:
            missing.append(f"the error is {max(both):.1f} kJ/mol (RT is {kt:.1f})")
        gaps = np.abs([slow.forward_gap, slow.backward_gap])
        if (gaps > 2 * np.array(both)).any():
            missing.append(f"hills and their reweighted places differ by {gaps.max():.1f} kJ/mol")
    missing += _still_high(hills)
    if missing:
        return Verdict(False, "not converged: " + "; ".join(missing), crossings, drift)
    return Verdict(True, f"converged: {crossings} crossings, drift {drift:.1f} kJ/mol", crossings, drift)
