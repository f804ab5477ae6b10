"""Non-Gaussian parameter: definition, closed forms, peak."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.transport import displacements, mean_squared_displacement, non_gaussian_parameter


@pytest.fixture
def walk():
    rng = np.random.default_rng(3)
    return rng.standard_t(6, size=(80, 21, 3)).cumsum(axis=0)


def test_equals_definition(walk):
    lags = [1, 5, 60]
    found = non_gaussian_parameter(walk, lags=lags, frame_time=0.1)
    for k, lag in enumerate(lags):
        square = ((walk[lag:] - walk[:-lag]) ** 2).sum(axis=2)
        assert found.second[k] == pytest.approx(square.mean(), rel=1e-12)
        assert found.fourth[k] == pytest.approx((square**2).mean(), rel=1e-12)
        assert found.alpha[k] == pytest.approx(3 * (square**2).mean() / (5 * square.mean() ** 2) - 1, rel=1e-10)
    np.testing.assert_allclose(found.second, mean_squared_displacement(walk).total[lags], rtol=1e-10)
    assert found.times.tolist() == pytest.approx([0.1, 0.5, 6.0])


def test_gaussian_walk_gives_zero():
    walk = np.random.default_rng(0).normal(size=(2000, 50, 3)).cumsum(axis=0)
    found = non_gaussian_parameter(walk, lags=[1, 10], errors=True)
    assert np.all(np.abs(found.alpha) < 4 * found.error)
    assert np.all(found.error < 0.02)


@pytest.mark.parametrize("fraction", [0.25, 0.5, 0.8])
def test_part_that_moves(fraction):
    """A fraction f of Gaussian walkers among ions at rest: 1/f - 1."""
    walk = np.random.default_rng(1).normal(size=(3000, 40, 3)).cumsum(axis=0)
    walk[:, round(40 * fraction) :] = 0.0
    assert non_gaussian_parameter(walk, lags=[1]).alpha[0] == pytest.approx(1 / fraction - 1, abs=0.05)


def test_error_is_the_scatter_of_repeats():
    rng = np.random.default_rng(2)
    values, errors = [], []
    for _ in range(60):
        found = non_gaussian_parameter(rng.normal(size=(50, 30, 3)).cumsum(axis=0), lags=[3], errors=True)
        values.append(found.alpha[0])
        errors.append(found.error[0])
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.3)


def test_peak_of_a_hop_process():
    """Rare hops among rattling: alpha rises while few ions have hopped, and falls when most have."""
    rng = np.random.default_rng(4)
    hops = (rng.random((800, 60, 1)) < 0.01) * rng.normal(scale=3.0, size=(800, 60, 3))
    found = non_gaussian_parameter(hops.cumsum(axis=0) + rng.normal(scale=0.5, size=hops.shape), frame_time=0.5)
    assert found.peak_reached
    assert 1 <= found.peak_time <= 30
    assert found.peak == pytest.approx(np.nanmax(found.alpha))
    assert found.alpha[-1] < 0.5 * found.peak


def test_pieces_and_batches_change_nothing(walk, monkeypatch):
    whole = non_gaussian_parameter(walk, errors=True)
    monkeypatch.setattr(displacements, "PIECE", 1)
    monkeypatch.setattr(displacements, "BATCH_BYTES", 1)
    parts = non_gaussian_parameter(walk, errors=True)
    np.testing.assert_allclose(parts.alpha, whole.alpha, rtol=1e-10)
    np.testing.assert_allclose(parts.error, whole.error, rtol=1e-10)


def test_ions_at_rest_have_no_value():
    assert np.isnan(non_gaussian_parameter(np.zeros((20, 3, 3)), lags=[1]).alpha[0])


def test_reference_values_on_real_data(aimd):
    """Li6PS5Cl with 50 % inversion, 500 K: 0.322, 0.544, 0.404 at lags 1, 10, 50 (NumPy and Ripple 1.5)."""
    found = non_gaussian_parameter(aimd("50p", 1).lithium, lags=[1, 10, 50], frame_time=0.1)
    np.testing.assert_allclose(found.alpha, [0.322, 0.544, 0.404], atol=5e-4)
