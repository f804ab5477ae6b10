"""Timescales, Chapman-Kolmogorov test, verdicts and errors: known chains, coverage, the released trajectories."""

from __future__ import annotations

import numpy as np
import pytest
from deeptime.markov.msm import MaximumLikelihoodMSM

from ionpath.estimate import Estimate
from ionpath.kinetics import (
    chapman_kolmogorov,
    entropy_uncertainty,
    estimate_msm,
    implied_timescales,
    markovian_verdict,
    path_entropy_matrix,
    resampled_chains,
)


@pytest.fixture(scope="module")
def markovian(chains):
    """Ions on an octahedron with an external state: eigenvalues 0.965, 0.915 (three times), 0.875 (twice), 0.915."""
    return chains.simulate(chains.octahedron(0.02, 0.005), 200, 2000, seed=11)


@pytest.fixture(scope="module")
def lumped(chains):
    """Four states in a row seen as two halves: an ion that has just crossed is likely to cross back."""
    row = np.array([[0.97, 0.03, 0, 0], [0.03, 0.57, 0.4, 0], [0, 0.4, 0.57, 0.03], [0, 0, 0.03, 0.97]])
    return (chains.simulate(row, 100, 3000, seed=1) >= 2).astype(int)


def test_timescales_of_a_known_chain(chains, markovian) -> None:
    its = implied_timescales(markovian, [1, 3, 6], frame_time=0.5, n_samples=40)
    values = np.sort(np.linalg.eigvalsh(chains.octahedron(0.02, 0.005)))[::-1][1:]
    expected = -0.5 / np.log(values)
    np.testing.assert_array_equal(its.lags, [1, 3, 6])
    np.testing.assert_allclose(its.lag_times, [0.5, 1.5, 3.0])
    assert its.timescales.shape == (3, 6)
    np.testing.assert_array_equal(np.asarray(its), its.timescales)
    within = np.abs(its.timescales - expected) / its.errors
    assert np.median(within) < 1.5
    assert within.max() < 5.0  # degenerate timescales repel each other in a sample
    assert ((its.low <= its.timescales) & (its.timescales <= its.high)).mean() > 0.7


@pytest.mark.parametrize("reversible", [True, False])
def test_timescales_equal_those_of_deeptime(chains, reversible) -> None:
    dtrajs = chains.simulate(chains.random_reversible(5, seed=2), 10, 1000, seed=3)
    its = implied_timescales(dtrajs, [5, 2], frame_time=1.0, n_samples=0, reversible=reversible)
    for row, lag in zip(its.timescales, [2, 5], strict=True):
        model = MaximumLikelihoodMSM(reversible=reversible, lagtime=lag).fit_fetch(list(dtrajs))
        np.testing.assert_allclose(row, model.timescales(), rtol=1e-6)
    assert np.isnan(its.errors).all()


def test_timescales_do_not_depend_on_labels(chains) -> None:
    dtrajs = chains.simulate(chains.random_reversible(5, seed=2), 10, 500, seed=3)
    order = np.array([4, 2, 0, 1, 3])
    one = implied_timescales(dtrajs, [2], frame_time=1.0)
    two = implied_timescales(order[dtrajs], [2], frame_time=1.0)
    np.testing.assert_allclose(one.timescales, two.timescales, rtol=1e-8)
    np.testing.assert_allclose(one.errors, two.errors, rtol=1e-6)


def test_fewer_timescales_where_states_are_missing() -> None:
    its = implied_timescales([0, 1, 0, 0, 1, 0] * 5, [1], frame_time=1.0, n_states=4, connected="largest", n_samples=0)
    assert np.isfinite(its.timescales[0]).tolist() == [True, False, False]
    frozen = implied_timescales([0] * 10, [1, 2], frame_time=1.0)
    assert frozen.timescales.shape == (2, 0)


def test_released_timescales(released) -> None:
    # ps at lags of 1, 2, 4, 6, 8, 12, 16, 20 ps; recomputed with independent code: it grows with the lag throughout
    lags = [50, 100, 200, 300, 400, 600, 800, 1000]
    its = implied_timescales(released, lags, frame_time=0.02, n_states=7, n_timescales=1, n_samples=0)
    expected = [23.6, 40.7, 69.2, 91.7, 110.5, 143.4, 172, 194]
    np.testing.assert_allclose(its.timescales[:, 0], expected, rtol=3e-3)


def test_released_verdict_is_not_converged_at_12_ps(released) -> None:
    its = implied_timescales(released, [600, 1000, 1200], frame_time=0.02, n_states=7, n_samples=20)
    test = chapman_kolmogorov(released, 600, multiples=[1, 2, 3], n_states=7, frame_time=0.02, n_samples=20)
    verdict = markovian_verdict(its, 600, test)
    assert not verdict
    sentence = verdict.sentence
    assert sentence.startswith(
        "Not Markovian at a lag of 12 ps: the slowest implied timescale (143.4 ps) changes by +48%"
    )
    assert "it is not converged" in sentence
    assert "Chapman-Kolmogorov test deviates by 0.09" in sentence
    assert verdict.growth == pytest.approx(0.48, abs=0.02)
    assert verdict.growth_error < 0.1


def test_verdict_on_a_markovian_chain(markovian) -> None:
    its = implied_timescales(markovian, [5, 10], frame_time=0.02)
    test = chapman_kolmogorov(markovian, 5)
    verdict = markovian_verdict(its, 5, test)
    assert verdict, verdict.sentence
    assert str(verdict).startswith("Markovian at a lag of 0.1 ps")


def test_verdict_on_a_hidden_state(lumped) -> None:
    its = implied_timescales(lumped, [1, 2], frame_time=1.0)
    assert not markovian_verdict(its, 1)
    test = chapman_kolmogorov(lumped, 1)
    assert test.max_deviation > 0.05
    assert test.max_deviation_in_errors > 10


def test_verdict_when_the_data_cannot_tell(chains) -> None:
    few = chains.simulate(chains.octahedron(0.02, 0.005), 4, 300, seed=1)
    its = implied_timescales(few, [5, 10], frame_time=1.0)
    verdict = markovian_verdict(its, 5)
    assert not verdict
    assert "too uncertain to tell; more data are needed" in verdict.sentence


def test_verdict_when_the_lag_is_longer_than_the_dynamics(chains) -> None:
    dtrajs = chains.simulate(chains.two, 50, 1000, seed=1)
    its = implied_timescales(dtrajs, [10, 20], frame_time=1.0)
    assert "is below the lag and cannot be resolved; use a shorter lag" in markovian_verdict(its, 10).sentence


def test_verdict_by_the_test_alone(lumped) -> None:
    its = implied_timescales(lumped, [1, 2], frame_time=1.0)
    verdict = markovian_verdict(its, 1, chapman_kolmogorov(lumped, 1), tolerance=10.0)
    assert not verdict
    assert ", but the Chapman-Kolmogorov test deviates by" in verdict.sentence


def test_chapman_kolmogorov_of_a_known_chain(chains, markovian) -> None:
    T = chains.octahedron(0.02, 0.005)
    test = chapman_kolmogorov(markovian, 2, multiples=(1, 2, 4), frame_time=0.5, n_samples=40)
    np.testing.assert_allclose(test.times, [1.0, 2.0, 4.0])
    for k, row in zip((1, 2, 4), test.transition_predicted, strict=True):
        np.testing.assert_allclose(row, np.linalg.matrix_power(T, 2 * k), atol=0.02)
    np.testing.assert_allclose(test.predicted[0], test.estimated[0], atol=1e-12)  # one multiple: the same model
    z = (test.predicted - test.estimated)[1:] / test.difference_error[1:]
    assert np.abs(z).max() < 4.5
    assert 0.2 < np.sqrt((z**2).mean()) < 2.0
    assert (test.difference_error[1:] < test.estimated_error[1:] + test.predicted_error[1:]).all()


def test_chapman_kolmogorov_of_sets(chains) -> None:
    dtrajs = chains.simulate(chains.octahedron(0.02, 0.005), 20, 500, seed=2)
    test = chapman_kolmogorov(dtrajs, 2, sets=[[0, 1, 2, 3, 4, 5], [6]], n_samples=0)
    assert test.sets == ((0, 1, 2, 3, 4, 5), (6,))
    msm = estimate_msm(dtrajs, 2)
    pi = msm.stationary_distribution
    power = np.linalg.matrix_power(msm.transition_matrix, 3)
    cage = slice(0, 6)
    assert test.predicted[2, 0] == pytest.approx((pi[cage] @ power[cage, cage]).sum() / pi[cage].sum(), abs=1e-7)
    assert np.isnan(test.difference_error).all()
    assert np.isnan(test.max_deviation_in_errors)


@pytest.mark.parametrize("method", ["bootstrap", "bayesian"])
def test_entropy_errors_have_the_right_size(chains, method) -> None:
    # Spread of independent repetitions against the quoted error
    T = chains.random_reversible(4, seed=3)
    totals, errors = [], []
    for seed in range(30):
        result = entropy_uncertainty(chains.simulate(T, 30, 200, seed=seed), 1, unit="nat", method=method, n_samples=40)
        totals.append(result.total.value)
        errors.append(result.total.error)
    assert 0.6 < np.mean(errors) / np.std(totals, ddof=1) < 1.6


def test_entropy_uncertainty_fields(chains) -> None:
    dtrajs = chains.simulate(chains.octahedron(0.02, 0.005), 40, 500, seed=1)
    model = path_entropy_matrix(estimate_msm(dtrajs, 2))
    plain = entropy_uncertainty(dtrajs, 2, external=6, n_samples=30, seed=4, estimator="plain")
    np.testing.assert_allclose(plain.value, model)
    result = entropy_uncertainty(dtrajs, 2, external=6, n_samples=30, seed=4)
    np.testing.assert_allclose(result.plain, model)
    assert plain.total.value - result.total.value > 2 * plain.total.error  # what noise adds to 649.3 J/mol/K
    assert abs(result.total.value - path_entropy_matrix(chains.octahedron(0.02, 0.005)).sum()) < 30
    assert (result.low <= result.value).all() and (result.value <= result.high).all()
    assert result.value.shape == result.error.shape == result.low.shape == result.high.shape == (7, 7)
    assert isinstance(result.total, Estimate) and result.total.unit == "J/mol/K"
    assert result.total.value == pytest.approx(result.value.sum())
    assert result.mean_per_pair.error == pytest.approx(result.total.error / 42)
    assert result.escape.value == pytest.approx(result.value[:6, 6].sum())
    assert (result.low <= result.high).all()
    assert not np.diag(result.error).any()
    again = entropy_uncertainty(dtrajs, 2, external=6, n_samples=30, seed=4)
    np.testing.assert_array_equal(result.samples, again.samples)
    other = entropy_uncertainty(dtrajs, 2, external=6, n_samples=30, seed=5)
    assert (result.samples != other.samples).any()


def test_where_no_ion_leaves_the_escape_entropy_is_not_determined() -> None:
    """A zero with an error of zero would say that there is one way out, and that it is known."""
    rng = np.random.default_rng(1)
    within = [1 + rng.integers(2, size=400) for _ in range(6)]
    found = entropy_uncertainty(within, 1, n_states=3, connected="largest")
    assert str(found.escape) == "not determined"
    assert found.escape.as_dict()["value"] is None
    assert found.excluded == (0,)
    left = entropy_uncertainty([rng.integers(3, size=400) for _ in range(6)], 1, n_states=3)
    assert left.escape.value == pytest.approx(left.value[1:, 0].sum())
    assert left.escape.low < left.escape.value < left.escape.high  # J/mol/K


def test_few_ions_are_cut_into_stretches_of_time(chains) -> None:
    dtraj = chains.simulate(chains.line, 1, 4000, seed=1)[0]
    assert resampled_chains(dtraj, 2, n_samples=3).n_blocks == 20
    assert resampled_chains([dtraj] * 7, 2, n_samples=3).n_blocks == 21
    assert resampled_chains([dtraj] * 25, 2, n_samples=3).n_blocks == 25


def test_samples_with_fewer_states_are_counted(chains) -> None:
    # State 2 is visited by one ion of thirty: a third of the draws miss it
    dtrajs = np.tile([0, 1], (30, 50))
    dtrajs[0] = np.tile([0, 1, 2, 1], 25)
    result = entropy_uncertainty(dtrajs, 1, n_samples=60)
    assert 5 < result.n_reduced < 45
    assert np.isfinite(result.error).all()
