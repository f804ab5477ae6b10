"""Intervals of barriers contain the truth as often as they say: simulated runs in double wells of known height."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from ionpath.free_energy import Hills, barrier_series, crossing_error, judge
from ionpath.free_energy.blocks import recent_height

KT = 2.494339  # kJ/mol at 300 K
GRID = np.linspace(-2.0, 2.0, 401)


def simulate(n_runs, n_hills, *, seed, barrier=20.0, gamma=8.0, height=1.2, sigma=0.12, dt=0.001, pace=20):
    """Well-tempered runs of an overdamped particle in barrier (x^2 - 1)^2 kJ/mol, with the bias on a grid."""
    rng = np.random.default_rng(seed)
    x, rows, step = np.full(n_runs, -1.0), np.arange(n_runs), GRID[1] - GRID[0]
    bias = np.zeros((n_runs, len(GRID)))
    slope = np.zeros_like(bias)
    centres, heights = np.zeros((n_runs, n_hills)), np.zeros((n_runs, n_hills))

    def at(table):
        place = (x - GRID[0]) / step
        low = np.clip(place.astype(int), 0, len(GRID) - 2)
        return (low + 1 - place) * table[rows, low] + (place - low) * table[rows, low + 1]

    for k in range(n_hills):
        for noise in rng.normal(scale=np.sqrt(2 * KT * dt), size=(pace, n_runs)):
            x = np.clip(x + dt * (-4 * barrier * x * (x * x - 1) - at(slope)) + noise, -1.99, 1.99)
        added = height * np.exp(-at(bias) / (KT * (gamma - 1)))
        centres[:, k], heights[:, k] = x, added * gamma / (gamma - 1)
        away = GRID - x[:, None]
        hill = added[:, None] * np.exp(-0.5 * (away / sigma) ** 2)
        bias += hill
        slope -= away / sigma**2 * hill
    return [
        Hills(np.arange(1.0, n_hills + 1), c[:, None], np.full((n_hills, 1), sigma), h, ("x",), (None,), gamma, False)
        for c, h in zip(centres, heights, strict=True)
    ]


ENDS = ((-1.0,), (1.0,))


def judged(
    hills: Hills, barriers: tuple[float, float], ends: tuple[tuple[float, ...], tuple[float, ...]] = ENDS
) -> list[tuple[bool, bool, float]]:
    """For both directions: converged, truth inside the 95 % interval, deviation in kJ/mol."""
    series = barrier_series(hills, *ends)
    slow = crossing_error(hills, *ends, 300.0)
    verdict = judge(hills, series, 300.0, error=slow)
    found = []
    for backward, error, barrier in zip((False, True), (slow.forward, slow.backward), barriers, strict=True):
        estimate = series.estimate(backward=backward, floor=recent_height(hills), crossings=np.nan_to_num(error))
        inside = estimate.low <= barrier <= estimate.high
        found.append((verdict.converged, inside, estimate.value - barrier))
    return found


SYSTEMS = {
    "short": (700, {}),
    "middle": (2000, {}),
    "long": (5000, {}),
    "high": (1500, {"barrier": 30.0, "gamma": 12.0}),
    "high and long": (4000, {"barrier": 30.0, "gamma": 12.0}),
    "rough": (1500, {"height": 3.0, "gamma": 12.0}),
    "fine": (4000, {"height": 0.6, "gamma": 6.0}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_intervals_of_converged_barriers_cover(name: str) -> None:
    """60 runs, both directions. Before, scatter over the last fifth alone covered 0.69 to 0.88 of all runs."""
    n_hills, options = SYSTEMS[name]
    rows = [
        row
        for run in simulate(60, n_hills, seed=n_hills + 1, **options)
        for row in judged(run, (options.get("barrier", 20.0),) * 2)
    ]
    converged = [inside for ready, inside, _ in rows if ready]
    everywhere = [inside for _, inside, _ in rows]
    assert 0.90 <= np.mean(everywhere) <= 0.995
    assert len(converged) >= 40
    assert 0.90 <= np.mean(converged) <= 0.995
    shares = f"{np.mean(everywhere):.2f} of {len(everywhere)}, converged {np.mean(converged):.2f} of {len(converged)}"
    print(f"{name}: {shares}")


class Well(NamedTuple):
    """Slope of a potential (kJ/mol), grids of the bias, periods, both minima, barriers there and back, hills, width."""

    slope: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    axes: tuple[NDArray[np.float64], ...]
    periods: tuple[float | None, ...]
    ends: tuple[tuple[float, ...], tuple[float, ...]]
    barriers: tuple[float, float]
    n_hills: int
    width: float
    step: float = 0.001


def asymmetric(tilt: float, n_hills: int) -> Well:
    """20 (x^2 - 1)^2 + tilt x: the minima and the saddle are roots of 80 x^3 - 80 x + tilt."""
    left, top, right = np.sort(np.roots([80.0, 0.0, -80.0, tilt]).real)
    left_u, top_u, right_u = (20 * (x * x - 1) ** 2 + tilt * x for x in (left, top, right))
    return Well(
        lambda x: 80 * x * (x * x - 1) + tilt, (GRID,), (None,), ((left,), (right,)), (top_u - left_u, top_u - right_u),
        n_hills, 0.12,
    )  # fmt: skip


def angle() -> Well:
    """10 (1 - cos 2x) + 3 sin x + 2 cos x: minima near 0 and pi, and two ways between, of which one is lower."""
    x = np.linspace(-np.pi, np.pi, 400_001)
    u = 10 * (1 - np.cos(2 * x)) + 3 * np.sin(x) + 2 * np.cos(x)
    near, far = (int(np.argmin(np.where(np.abs(np.cos(x) - c) < 0.3, u, np.inf))) for c in (1, -1))
    saddle = u[(x < -1) & (x > -2)].max()  # at -pi/2; that at pi/2 is 6 kJ/mol higher
    grid = np.linspace(-np.pi, np.pi, 360, endpoint=False)
    return Well(
        lambda x: 20 * np.sin(2 * x) + 3 * np.cos(x) - 2 * np.sin(x), (grid,),
        (2 * np.pi,), ((x[near],), (x[far],)), (saddle - u[near], saddle - u[far]), 2000, 0.2, 0.002,
    )  # fmt: skip


def channel() -> Well:
    """16 (x^2 - 1)^2 + 20 y^2: two variables."""
    axes = (np.linspace(-1.8, 1.8, 73), np.linspace(-1.0, 1.0, 41))
    return Well(
        lambda x: np.stack([64 * x[:, 0] * (x[:, 0] ** 2 - 1), 40 * x[:, 1]], axis=1), axes, (None, None),
        ((-1.0, 0.0), (1.0, 0.0)), (16.0, 16.0), 8000, 0.15,
    )  # fmt: skip


WELLS = {
    "asymmetric": asymmetric(4.0, 2000), "asymmetric and short": asymmetric(4.0, 900), "angle": angle(),
    "two variables": channel(),
}  # fmt: skip


def run_in(well: Well, n_runs: int, *, seed: int, gamma: float = 8.0, height: float = 1.2, pace: int = 20):
    """Well-tempered runs of an overdamped particle in any potential of one or two variables."""
    rng, d = np.random.default_rng(seed), len(well.axes)
    low, step = (np.array([f(axis) for axis in well.axes]) for f in (lambda a: a[0], lambda a: a[1] - a[0]))
    size = np.array([len(axis) for axis in well.axes])
    turns = np.array([period is not None for period in well.periods])
    x, rows = np.tile(np.array(well.ends[0]), (n_runs, 1)), np.arange(n_runs)
    bias, slopes = np.zeros((n_runs, *size)), np.zeros((d, n_runs, *size))
    centres, heights = np.zeros((n_runs, well.n_hills, d)), np.zeros((n_runs, well.n_hills))

    def at(table):
        place = (x - low) / step
        below = np.where(turns, np.floor(place), np.clip(np.floor(place), 0, size - 2)).astype(int)
        found = 0.0
        for corner in np.ndindex((2,) * d):
            weight = np.prod(np.where(corner, place - below, 1 - place + below), axis=1)
            found = found + weight * table[(..., rows, *((below + corner) % size).T)]
        return found

    for k in range(well.n_hills):
        for noise in rng.normal(scale=np.sqrt(2 * KT * well.step), size=(pace, n_runs, d)):
            x = x - well.step * (well.slope(x) + at(slopes).T) + noise
            x = np.where(turns, low + (x - low) % (step * size), np.clip(x, low + 0.01, low + step * (size - 1) - 0.01))
        added = height * np.exp(-at(bias) / (KT * (gamma - 1)))
        centres[:, k], heights[:, k] = x, added * gamma / (gamma - 1)
        hill, away = added.reshape(-1, *(1,) * d), []
        for a, (axis, period) in enumerate(zip(well.axes, well.periods, strict=True)):
            off = axis - x[:, a : a + 1]
            off = off if period is None else off - period * np.round(off / period)
            away.append(off.reshape(n_runs, *(-1 if b == a else 1 for b in range(d))))
            hill = hill * np.exp(-0.5 * (away[a] / well.width) ** 2)
        bias += hill
        for a in range(d):
            slopes[a] -= away[a] / well.width**2 * hill
    ends = tuple(None if p is None else (low[k], low[k] + p) for k, p in enumerate(well.periods))
    times, widths = np.arange(1.0, well.n_hills + 1), np.full((well.n_hills, d), well.width)
    return [
        Hills(times, c, widths, h, ("x", "y")[:d], ends, gamma, False) for c, h in zip(centres, heights, strict=True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", WELLS)
def test_intervals_cover_in_wells_on_which_no_rule_was_settled(name: str) -> None:
    """30 runs, both directions."""
    well = WELLS[name]
    rows = [row for run in run_in(well, 30, seed=21) for row in judged(run, well.barriers, well.ends)]
    converged = [inside for ready, inside, _ in rows if ready]
    everywhere = [inside for _, inside, _ in rows]
    deviation = np.mean([off for *_, off in rows])
    print(f"{name}: {np.mean(everywhere):.2f} of {len(everywhere)}, converged {np.mean(converged):.2f} of "
          f"{len(converged)}, deviation {deviation:+.2f} kJ/mol")  # fmt: skip
    # 82 of 90 held in two counts of the channel, and 54 of these 60: one run more or less is rounding.
    least = 0.85 if name == "two variables" else 0.90
    assert np.mean(everywhere) >= least
    assert len(converged) >= 20 and np.mean(converged) >= least
    assert abs(deviation) < 0.5  # kJ/mol


def test_intervals_cover_in_a_few_runs() -> None:
    """16 runs of 2,000 hills, both directions: of 32 intervals 28 or more, where the scatter alone covers 25."""
    runs = simulate(16, 2000, seed=3)
    rows = [row for run in runs for row in judged(run, (20.0, 20.0))]
    assert sum(inside for _, inside, _ in rows) >= 28
    assert sum(ready for ready, _, _ in rows) >= 20
    deviations = np.array([deviation for *_, deviation in rows])
    assert abs(deviations.mean()) < 0.5  # kJ/mol
    plain = [barrier_series(run, (-1.0,), (1.0,)).estimate() for run in runs]
    assert np.mean([estimate.low <= 20.0 <= estimate.high for estimate in plain]) < 0.9


def test_a_run_that_crossed_twice_is_never_converged() -> None:
    """Runs that end before ten crossings, whatever their scatter."""
    for run in simulate(20, 260, seed=11):
        series = barrier_series(run, (-1.0,), (1.0,))
        verdict = judge(run, series, 300.0)
        assert verdict.crossings < 10 and not verdict.converged
        assert "10 are needed" in verdict.sentence


def test_reweighted_places_agree_with_the_sum_of_hills() -> None:
    (run,) = simulate(1, 5000, seed=5)
    found = crossing_error(run, (-1.0,), (1.0,), 300.0)
    assert found.known
    assert 0.1 < found.forward < 1.2 and 0.1 < found.backward < 1.2  # kJ/mol
    assert abs(found.forward_gap) < 1.5 and abs(found.backward_gap) < 1.5


def test_hills_and_weights_that_disagree_are_not_converged() -> None:
    """Hills whose heights were written wrong: their sum is another free energy than that of their places."""
    (run,) = simulate(1, 5000, seed=5)
    left = run.centres[:, 0] < 0
    wrong = Hills(
        run.times, run.centres, run.sigmas, run.heights * np.where(left, 1.3, 1.0), run.names, run.periods, 8.0, False
    )
    verdict = judge(wrong, barrier_series(wrong, (-1.0,), (1.0,)), 300.0)
    assert not verdict.converged
    assert "hills and their reweighted places differ by" in verdict.sentence


def test_errors_that_cannot_be_known_are_nan() -> None:
    (run,) = simulate(1, 2000, seed=2)
    plain = Hills(run.times, run.centres, run.sigmas, run.heights, run.names, run.periods, 1.0, False)
    assert not crossing_error(plain, (-1.0,), (1.0,), 300.0).known
    assert not crossing_error(run.until(60.0), (-1.0,), (1.0,), 300.0).known
    assert not crossing_error(run, (-1.0,), (5.0,), 300.0).known


def polar(n_hills: int) -> Well:
    """16 (u^2 - 1)^2 with u = (theta - pi/2) / 0.8, which is the same for theta and pi - theta."""
    return Well(
        lambda x: 80 * (u := (x - np.pi / 2) / 0.8) * (u * u - 1), (np.linspace(0.0, np.pi, 315),), (None,),
        ((np.pi / 2 - 0.8,), (np.pi / 2 + 0.8,)), (16.0, 16.0), n_hills, 0.1,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("n_hills", [400, 1500, 4000])
def test_intervals_cover_where_a_symmetry_makes_there_and_back_one_barrier(n_hills: int) -> None:
    """60 runs; hills count at theta and at pi - theta."""
    from ionpath_plumed import PlumedInput
    from ionpath_plumed.surfaces import _convergence, _with_images

    well, given = polar(n_hills), PlumedInput("", kind="intra-cage")
    ends = tuple(map(np.array, well.ends))
    inside, alone, errors = [], [], []
    for hills in run_in(well, 60, seed=7):
        for kept, shown in ((inside, _with_images(hills)), (alone, hills)):
            _, _, there, back = _convergence(hills, shown, given, ends, 300.0)
            kept += [estimate.low <= 16.0 <= estimate.high for estimate in (there, back)]
            errors.append(there.error)
    print(f"{n_hills} hills: {np.mean(inside):.2f}, without the symmetry {np.mean(alone):.2f} of {len(inside)}; errors "
          f"{np.nanmean(errors[::2]):.2f} and {np.nanmean(errors[1::2]):.2f} kJ/mol")  # fmt: skip
    assert 0.90 <= np.mean(inside) <= 1.0
