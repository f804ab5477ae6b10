"""Intervals of barriers contain the truth as often as they say: simulated runs in double wells of known height."""

from __future__ import annotations

import numpy as np
import pytest

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


def judged(hills: Hills, barrier: float) -> list[tuple[bool, bool, float]]:
    """For both directions: converged, truth inside the 95 % interval, deviation in kJ/mol."""
    series = barrier_series(hills, (-1.0,), (1.0,))
    slow = crossing_error(hills, (-1.0,), (1.0,), 300.0)
    verdict = judge(hills, series, 300.0, error=slow)
    found = []
    for backward, error in ((False, slow.forward), (True, slow.backward)):
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
        for row in judged(run, options.get("barrier", 20.0))
    ]
    converged = [inside for ready, inside, _ in rows if ready]
    everywhere = [inside for _, inside, _ in rows]
    assert 0.90 <= np.mean(everywhere) <= 0.995
    assert len(converged) >= 40
    assert 0.90 <= np.mean(converged) <= 0.995
    shares = f"{np.mean(everywhere):.2f} of {len(everywhere)}, converged {np.mean(converged):.2f} of {len(converged)}"
    print(f"{name}: {shares}")


def test_intervals_cover_in_a_few_runs() -> None:
    """16 runs of 2,000 hills, both directions: of 32 intervals 28 or more, where the scatter alone covers 25."""
    runs = simulate(16, 2000, seed=3)
    rows = [row for run in runs for row in judged(run, 20.0)]
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
