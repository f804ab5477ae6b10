"""Free energies from hills and samples: definitions, slow twins, and known surfaces."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.free_energy import (
    FreeEnergySurface,
    Hills,
    Histogram,
    barrier_series,
    effective_samples,
    find_basins,
    judge,
    judge_flat,
    minimum_path,
    reweight,
    sum_hills,
    variation,
)
from ionpath.free_energy.blocks import BarrierSeries, count_crossings, lowest_near
from ionpath.free_energy.hills import CUTOFF

KT = 2.494339  # kJ/mol at 300 K


def hills(n: int = 60, *, periodic: bool = False, stretched: bool = True, seed: int = 0) -> Hills:
    rng = np.random.default_rng(seed)
    centres = np.stack([rng.uniform(0, 3, n), rng.uniform(-np.pi, np.pi, n)], axis=1)
    period = (-np.pi, np.pi) if periodic else None
    sigmas = rng.uniform(0.1, 0.4, (n, 2))
    return Hills(
        np.arange(1.0, n + 1), centres, sigmas, rng.uniform(1, 5, n), ("a", "b"), (None, period), 8.0, stretched
    )


def slow_sum(given: Hills, axes) -> np.ndarray:
    """The definition, point by point and hill by hill, periodic images included."""
    out = np.zeros(tuple(len(axis) for axis in axes))
    for index in np.ndindex(out.shape):
        for centre, sigma, height in zip(given.centres, given.sigmas, given.heights, strict=True):
            q = 0.0
            for d, axis in enumerate(axes):
                away = axis[index[d]] - centre[d]
                if given.periods[d] is not None:
                    away -= 2 * np.pi * round(away / (2 * np.pi))
                q += 0.5 * (away / sigma[d]) ** 2
            if given.stretched:
                out[index] -= height * (np.exp(-q) - np.exp(-CUTOFF)) / (1 - np.exp(-CUTOFF)) if q < CUTOFF else 0.0
            else:
                out[index] -= height * np.exp(-q)
    return out


@pytest.mark.parametrize(("periodic", "stretched"), list(itertools.product((False, True), repeat=2)))
def test_sum_of_hills_is_the_definition(periodic, stretched):
    given = hills(25, periodic=periodic, stretched=stretched)
    axes = (np.linspace(-0.5, 3.5, 23), np.linspace(-np.pi, np.pi, 21)[:-1])
    found = sum_hills(given, axes, from_zero=False)
    np.testing.assert_allclose(found.values, slow_sum(given, axes), atol=1e-10)


def test_order_of_hills_does_not_matter_and_parts_add_up():
    given = hills(40)
    axes = given.default_axes()
    order = np.random.default_rng(1).permutation(40)
    shuffled = Hills(
        given.times, given.centres[order], given.sigmas[order], given.heights[order], given.names, given.periods
    )
    whole = sum_hills(given, axes, from_zero=False).values
    np.testing.assert_allclose(sum_hills(shuffled, axes, from_zero=False).values, whole, atol=1e-12)
    early = sum_hills(given.until(15.0), axes, from_zero=False).values
    assert len(given.until(15.0)) == 15
    assert (whole <= early + 1e-12).all()


def double_well(n: int = 81) -> FreeEnergySurface:
    """Wells at (-1, 0) and (1, 0) joined by a curved valley; the straight line between them is higher."""
    x, y = np.linspace(-1.6, 1.6, n), np.linspace(-1.0, 1.6, n)
    gx, gy = np.meshgrid(x, y, indexing="ij")
    valley = 1.0 - gx**2
    values = 20 * (gx**2 - 1) ** 2 + 60 * (gy - valley) ** 2
    return FreeEnergySurface((x, y), values, ("x", "y"), (None, None))


def brute_minimax(surface: FreeEnergySurface, start, end) -> float:
    """Lowest height at which both ends are connected: flood level by level."""
    from scipy.ndimage import label

    structure = np.ones((3,) * surface.ndim)
    for level in np.sort(surface.values[np.isfinite(surface.values)].ravel()):
        regions, _ = label(surface.values <= level, structure)
        if regions[start] and regions[start] == regions[end]:
            return float(level)
    return float("inf")


def test_minimum_path_follows_the_valley_and_not_the_projection():
    surface = double_well()
    path = minimum_path(surface, (-1, 0), (1, 0))
    assert path.barrier == pytest.approx(20.0, abs=0.5)
    assert path.saddle[1] == pytest.approx(1.0, abs=0.05)
    straight = surface.values[:, np.abs(surface.axes[1]).argmin()].max()
    assert straight > 60  # the 1-D cut would give more
    low = min(path.energies[0], path.energies[-1])
    assert path.energies.max() - low == pytest.approx(
        brute_minimax(surface, surface.index((-1, 0)), surface.index((1, 0))) - low
    )


@pytest.mark.parametrize("seed", range(4))
def test_minimax_is_that_of_flooding_on_random_surfaces(seed):
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    shape = (30, 28) if seed % 2 else (12, 11, 10)
    values = gaussian_filter(rng.normal(size=shape), 1.5) * 100
    values[values > np.quantile(values, 0.95)] = np.inf
    axes = tuple(np.arange(float(n)) for n in shape)
    surface = FreeEnergySurface(axes, values, tuple("abc"[: len(shape)]), (None,) * len(shape))
    finite = np.argwhere(np.isfinite(values))
    start, end = tuple(finite[0].tolist()), tuple(finite[-1].tolist())
    path = minimum_path(surface, surface.point(start), surface.point(end))
    assert path.energies.max() == pytest.approx(brute_minimax(surface, start, end))
    assert path.barrier == pytest.approx(path.energies.max() - values[start])
    assert path.reverse_barrier == pytest.approx(path.energies.max() - values[end])


def test_path_crosses_a_periodic_border():
    x = np.linspace(-np.pi, np.pi, 73)[:-1]
    surface = FreeEnergySurface((x,), 10 * np.cos(x / 2) ** 2 + 5 * (np.abs(x) < 0.5), ("phi",), (2 * np.pi,))
    path = minimum_path(surface, (-2.5,), (2.5,))
    assert path.barrier == pytest.approx(0.0, abs=1.5)
    assert np.abs(path.points).min() > 2.0


def test_string_stays_near_the_path_of_the_grid_and_is_smooth():
    path = minimum_path(double_well(), (-1, 0), (1, 0), string=True)
    assert path.barrier == pytest.approx(20.0, abs=0.3)
    x, y = path.points.T
    np.testing.assert_allclose(y, 1 - x**2, atol=0.15)


def test_unconnected_ends_are_refused():
    surface = double_well(31)
    values = surface.values.copy()
    values[15] = np.inf
    broken = FreeEnergySurface(surface.axes, values, surface.names, surface.periods)
    with pytest.raises(InputError, match="surface: need sampled points all the way .* two separate sampled regions"):
        minimum_path(broken, (-1, 0), (1, 0))
    with pytest.raises(InputError, match="start: need a sampled point"):
        minimum_path(broken, (0, 0), (1, 0))


def test_basins_of_a_known_surface():
    basins, labels = find_basins(double_well())
    assert [tuple(np.round(b.point, 1) + 0.0) for b in basins] == [(-1.0, 0.0), (1.0, 0.0)] or len(basins) == 2
    assert labels.shape == (81, 81)
    assert set(np.unique(labels)) == {0, 1}
    shallow, _ = find_basins(double_well(), persistence=25.0)
    assert len(shallow) == 1
    capped, part = find_basins(double_well(), ceiling=10.0)
    assert len(capped) == 2
    assert (part == -1).any()


def test_noise_smaller_than_the_persistence_makes_no_basins():
    surface = double_well()
    noisy = FreeEnergySurface(
        surface.axes, surface.values + np.random.default_rng(0).uniform(0, 1.0, surface.values.shape), surface.names,
        surface.periods,
    )  # fmt: skip
    assert len(find_basins(noisy, persistence=2.5)[0]) == 2


def test_reweighting_an_unbiased_run_is_minus_log_of_the_histogram():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=40_000)
    bins = Histogram((np.linspace(-2, 2, 17),), ("x",), (None,))
    surface = reweight(samples, bins, 300.0)
    middle = surface.axes[0]
    expected = KT * middle**2 / 2
    shift = (surface.values - expected).mean()
    np.testing.assert_allclose(surface.values - shift, expected, atol=0.15)


def test_a_bias_is_undone():
    # Samples of exp(-(U + V)/RT) with U = 20 x^2 and a bias V that halves it: weighting with V gives U back.
    rng = np.random.default_rng(1)
    stiff, bias_stiff = 20.0, -10.0
    samples = rng.normal(scale=np.sqrt(KT / (2 * (stiff + bias_stiff))), size=200_000)
    surface = reweight(
        samples, Histogram((np.linspace(-0.6, 0.6, 13),), ("x",), (None,)), 300.0, bias=bias_stiff * samples**2
    )
    expected = stiff * surface.axes[0] ** 2
    np.testing.assert_allclose(surface.values - surface.values.min(), expected - expected.min(), atol=0.2)
    assert effective_samples(bias_stiff * samples**2, 300.0) < 200_000


def test_block_errors_cover_the_truth():
    # 68 % of errors of one sigma should cover; with 10 blocks of correlated data 50 to 85 % do.
    bins = Histogram((np.array([-0.5, 0.5, 1.5]),), ("x",), (None,))
    truth = KT * np.log(0.38292492 / 0.24173034)  # areas of the normal law in the two bins
    inside = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = np.zeros(6000)
        noise = rng.normal(size=6000) * np.sqrt(1 - 0.9**2)
        for t in range(1, 6000):
            x[t] = 0.9 * x[t - 1] + noise[t]
        surface = reweight(x, bins, 300.0, n_blocks=10)
        error = np.sqrt((surface.error**2).sum())
        inside.append(abs(surface.values[1] - surface.values[0] - truth) < error)
    assert 0.5 <= np.mean(inside) <= 0.9


def test_projection_integrates():
    surface = double_well()
    flat = surface.projection(0, 300.0)
    p = np.exp(-surface.values / KT).sum(1)
    np.testing.assert_allclose(flat.values, -KT * np.log(p / p.max()), atol=1e-9)
    assert flat.names == ("x",)


def metadynamics(n: int, seed: int = 0) -> Hills:
    """Well-tempered metadynamics of an overdamped particle in a double well of 20 kJ/mol, in the plain way."""
    rng = np.random.default_rng(seed)
    gamma, sigma, height, dt = 8.0, 0.12, 1.2, 0.001
    x = -1.0
    centres, heights = np.zeros(n), np.zeros(n)
    for k in range(n):
        for _ in range(20):
            near = centres[:k] - x
            pull = heights[:k] * np.exp(-0.5 * (near / sigma) ** 2)
            force = -80 * x * (x * x - 1) - (pull * near / sigma**2).sum()
            x += dt * force + np.sqrt(2 * KT * dt) * rng.normal()
        bias = (heights[:k] * np.exp(-0.5 * ((centres[:k] - x) / sigma) ** 2)).sum()
        centres[k], heights[k] = x, height * np.exp(-bias / (KT * (gamma - 1)))
    return Hills(
        np.arange(1.0, n + 1), centres[:, None], np.full((n, 1), sigma), heights * gamma / (gamma - 1), ("x",), (None,),
        gamma, False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def long_run() -> Hills:
    return metadynamics(3000)


def test_well_tempered_hills_give_the_barrier_with_an_error(long_run):
    series = barrier_series(long_run, (-1.0,), (1.0,))
    estimate = series.estimate()
    assert estimate.value == pytest.approx(20.0, abs=3 * estimate.error + 1.0)
    assert 0 < estimate.error < 3.0
    verdict = judge(long_run, series, 300.0)
    assert verdict.converged, verdict
    assert verdict.crossings >= 10


def test_an_early_stop_is_not_converged(long_run):
    early = long_run.until(40.0)
    series = barrier_series(early, (-1.0,), (1.0,))
    verdict = judge(early, series, 300.0)
    assert not verdict.converged
    assert "not converged: the ion crossed 0 times, 10 are needed" in verdict.sentence
    assert np.isnan(series.estimate().value)


def one_well(n: int, seed: int = 0) -> Hills:
    """Well-tempered hills of independent draws in a box from 0 to 3 with F = 6 sin^2(x / 2) kJ/mol at 300 K."""
    rng = np.random.default_rng(seed)
    grid, width, gamma = np.linspace(0, 3, 301), 0.15, 8.0
    free, bias, centres, heights = 6 * np.sin(grid / 2) ** 2, np.zeros(301), [], []
    for _ in range(n):
        chance = np.exp(-(free + bias - (free + bias).min()) / KT)
        x = rng.choice(grid, p=chance / chance.sum())
        height = 1.0 * np.exp(-np.interp(x, grid, bias) / ((gamma - 1) * KT))
        bias += height * np.exp(-0.5 * ((grid - x) / width) ** 2)
        centres.append([x])
        heights.append(height * gamma / (gamma - 1))
    return Hills(
        np.arange(1.0, n + 1), np.array(centres), np.full((n, 1), width), np.array(heights), ("x",), (None,), gamma,
        False,
    )  # fmt: skip


def test_a_free_energy_without_a_barrier_has_a_bound():
    run = one_well(6000)
    found = variation(run)
    assert found.value == pytest.approx(6.0, abs=1.0) and found.error < 1.0
    verdict = judge_flat(run, found, 300.0)
    assert verdict.converged and verdict.sentence.startswith("converged: one basin, in which the free energy varies")
    early = run.until(200.0)
    verdict = judge_flat(early, variation(early), 300.0)
    assert not verdict.converged and "hills are still" in verdict.sentence
    with pytest.raises(InputError, match="hills: need one variable, got 2; look for basins and paths"):
        variation(hills())


def test_error_has_a_floor():
    series = BarrierSeries(np.arange(1.0, 26.0), np.full(25, 30.0), np.full(25, 20.0), (0.0,), (1.0,))
    assert series.estimate().error == 0.0
    assert series.estimate(floor=1.5).error == 1.5
    assert series.estimate(backward=True).value == 20.0


def test_crossings_and_lowest_points():
    assert count_crossings([[0.0], [0.5], [0.1], [1.0], [0.4], [0.0]], [0.0], [1.0], [0.2]) == 2
    assert count_crossings([[0.5]], [0.0], [1.0], [0.2]) == 0
    # An angle about pi: -3.1 and 3.1 are the same basin, 0.08 apart across the face of the cell.
    turns = [[0.0], [-3.1], [0.1], [3.1], [0.0]]
    assert count_crossings(turns, [0.0], [3.14], [0.2], [2 * np.pi]) == 4
    assert count_crossings(turns, [0.0], [3.14], [0.2]) == 2
    surface = double_well()
    np.testing.assert_allclose(lowest_near(surface, (0.9, 0.1), (0.3, 0.3)), [1.0, 0.0], atol=0.05)
    nothing = FreeEnergySurface(surface.axes, np.full((81, 81), np.inf), surface.names, surface.periods)
    assert lowest_near(nothing, (0.9, 0.1), (0.3, 0.3)) is None


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: sum_hills(hills(), [np.linspace(0, 1, 5)]), r"axes: need one per variable \(a, b\), got 1"),
        (lambda: sum_hills(hills(), [np.array([0.0, 1.0, 3.0]), np.linspace(0, 1, 5)]), "axis of a: need two or more"),
        (
            lambda: Hills(np.zeros(0), np.zeros((0, 1)), np.zeros((0, 1)), np.zeros(0), ("x",), (None,)),
            "hills: need one or",
        ),
        (
            lambda: Hills(np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(1), ("x",), (None,)),
            "hills: need widths above 0",
        ),
        (
            lambda: reweight(np.zeros(3), Histogram((np.arange(3.0),), ("x",), (None,)), 300.0),
            "samples: need rows of 1",
        ),
        (
            lambda: reweight(np.full(9, np.nan), Histogram((np.arange(3.0),), ("x",), (None,)), 300.0),
            "samples: need finite numbers",
        ),
        (lambda: barrier_series(hills(), (0, 0), (1, 1), n_times=1), "n_times: need a whole number of at least 2"),
        (
            lambda: FreeEnergySurface((np.arange(3.0),), np.zeros(4), ("x",), (None,)),
            r"values: need an array of shape \(3,\)",
        ),
    ],
)
def test_sentences(make, match):
    with pytest.raises(InputError, match=match):
        make()


@pytest.mark.parametrize("n", [1, 3])
def test_variation_of_very_few_hills_is_a_sentence(n):
    few = Hills(
        np.arange(1.0, n + 1), np.full((n, 1), 0.2), np.full((n, 1), 0.1), np.ones(n), ("a",), (None,), 8.0, False
    )
    with pytest.raises(
        InputError, match=f"hills of the run: need hills that span more than four .*, got {n} over 0, 0.1 wide; run"
    ):
        variation(few)
