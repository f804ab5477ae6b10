"""Models against deeptime, labels, connected sets, and the posterior."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse
from deeptime.markov.msm import BayesianMSM, MarkovStateModel, MaximumLikelihoodMSM

from ionpath.kinetics import (
    as_chain,
    bayesian_msm,
    count_matrix,
    estimate_msm,
    estimate_msms,
    mfpt_matrix,
    net_flux,
    path_entropy,
    path_entropy_matrix,
    path_entropy_summary,
)
from ionpath.markov.chain import stationary_distribution


@pytest.mark.parametrize("reversible", [True, False])
@pytest.mark.parametrize("count_mode", ["sliding", "sliding-effective"])
def test_the_estimate_is_that_of_deeptime(chains, reversible: bool, count_mode: str) -> None:
    dtrajs = chains.simulate(chains.random_reversible(5, seed=2), 10, 1000, seed=3)
    msm = estimate_msm(dtrajs, 4, reversible=reversible, count_mode=count_mode)
    expected = MaximumLikelihoodMSM(reversible=reversible, lagtime=4).fit_fetch(list(dtrajs), count_mode=count_mode)
    assert isinstance(msm, MarkovStateModel)
    assert msm.lagtime == 4
    np.testing.assert_allclose(msm.transition_matrix, expected.transition_matrix, rtol=0, atol=1e-12)
    np.testing.assert_allclose(msm.stationary_distribution, expected.stationary_distribution, atol=1e-7)
    np.testing.assert_array_equal(msm.count_model.state_histogram, np.bincount(dtrajs.ravel()))


def test_the_reversible_estimate_solves_its_fixed_point(chains) -> None:
    # T_ij = (C_ij + C_ji) / (C_i + C_j x_i / x_j), doi:10.1063/1.3565032
    dtrajs = chains.simulate(chains.random_chain(4, seed=2), 5, 500, seed=3)
    counts = count_matrix(dtrajs, 2)
    msm = estimate_msm(dtrajs, 2, maxerr=1e-13)
    x = stationary_distribution(msm.transition_matrix)
    rows = counts.sum(axis=1)
    flow = (counts + counts.T) / (rows[:, None] / x[:, None] + rows[None, :] / x[None, :])
    np.testing.assert_allclose(flow / flow.sum(axis=1, keepdims=True), msm.transition_matrix, atol=1e-10)


def test_simulated_chain_is_recovered(chains) -> None:
    truth = chains.octahedron(0.02, 0.005)
    msm = estimate_msm(chains.simulate(truth, 500, 2000, seed=1), 1)
    np.testing.assert_allclose(msm.transition_matrix, truth, atol=2e-3)  # four standard errors of a million steps


def test_pooling_is_the_sum_over_ions_in_any_order(chains) -> None:
    dtrajs = chains.simulate(chains.line, 6, 300, seed=5)
    forward, backward = estimate_msm(dtrajs, 3), estimate_msm(list(dtrajs[::-1]), 3)
    np.testing.assert_allclose(forward.transition_matrix, backward.transition_matrix, atol=1e-14)


def test_labels_survive_a_connected_subset(chains) -> None:
    # States 1, 3 and 4 of 6 form the line; 0 is never seen, 2 and 5 are left once.
    inner = np.array([1, 3, 4])[chains.simulate(chains.line, 4, 2000, seed=7)]
    dtrajs = [np.concatenate([[2, 5], row]) for row in inner]
    msm = estimate_msm(dtrajs, 1, n_states=6, connected="largest")
    np.testing.assert_array_equal(msm.count_model.state_symbols, [1, 3, 4])
    assert msm.count_model.n_states_full == 6
    alone = estimate_msm(chains.simulate(chains.line, 4, 2000, seed=7), 1)
    part = np.ix_([1, 3, 4], [1, 3, 4])
    np.testing.assert_allclose(mfpt_matrix(msm)[part], mfpt_matrix(alone), rtol=1e-9)
    assert np.isnan(mfpt_matrix(msm)[2]).all()
    np.testing.assert_allclose(net_flux(msm, 1, 4)[part], net_flux(alone, 0, 2), rtol=1e-9)
    assert net_flux(msm, 1, 4).shape == (6, 6)
    assert not net_flux(msm, 0, 4).any()
    entropies = path_entropy_matrix(msm)
    assert not np.delete(entropies, [1, 3, 4], axis=0).any()
    np.testing.assert_allclose(entropies[part], path_entropy_matrix(alone), atol=1e-9)
    assert path_entropy(msm, 2, 4) == 0.0
    summary = path_entropy_summary(msm)
    assert summary.excluded == (0, 2, 5)
    assert summary.n_pairs == 6
    assert "without states [0, 2, 5]" in str(summary)


@pytest.mark.parametrize("n_states", [None, 4, 7])
def test_a_frozen_ion_has_no_entropy_and_no_error(n_states) -> None:
    frozen = np.full((3, 50), 3)
    msm = estimate_msm(frozen, 5, n_states=n_states)
    size = 4 if n_states is None else n_states
    np.testing.assert_array_equal(path_entropy_matrix(msm), np.zeros((size, size)))
    summary = path_entropy_summary(msm)
    assert (summary.total, summary.mean_per_pair, summary.escape, summary.n_pairs) == (0.0, 0.0, 0.0, 0)
    assert path_entropy(msm, 3, 0) == 0.0
    np.testing.assert_array_equal(np.isnan(mfpt_matrix(msm)), ~np.diag(np.arange(size) == 3))


def test_single_state() -> None:
    msm = estimate_msm(np.zeros((2, 20), dtype=int), 3)
    np.testing.assert_array_equal(msm.transition_matrix, [[1.0]])
    np.testing.assert_array_equal(path_entropy_matrix(msm), [[0.0]])
    np.testing.assert_array_equal(mfpt_matrix([[1.0]]), [[0.0]])


def test_two_states_have_one_path() -> None:
    msm = estimate_msm([0, 0, 1, 1, 0, 1, 0, 0, 1], 1)
    np.testing.assert_array_equal(path_entropy_matrix(msm), np.zeros((2, 2)))


def test_one_model_per_ion(chains) -> None:
    dtrajs = chains.simulate(chains.random_reversible(4, seed=1), 5, 400, seed=2)
    for msm, row in zip(estimate_msms(dtrajs, 2, n_states=4), dtrajs, strict=True):
        expected = estimate_msm(row, 2, n_states=4, connected="largest")
        np.testing.assert_allclose(msm.transition_matrix, expected.transition_matrix, atol=1e-13)
    assert [m.count_model.state_symbols.tolist() for m in estimate_msms([[2, 2, 2], [0, 2, 0]], 1)] == [[2], [0, 2]]


def test_models_survive_pickling(chains) -> None:
    msm = estimate_msm(chains.simulate(chains.line, 2, 300, seed=1), 2, n_states=3)
    copy = pickle.loads(pickle.dumps(msm))
    np.testing.assert_array_equal(path_entropy_matrix(copy), path_entropy_matrix(msm))
    assert as_chain(copy).lag == 2


@pytest.mark.parametrize("reversible", [True, False])
def test_posterior_surrounds_the_estimate_and_is_reproducible(chains, reversible: bool) -> None:
    dtrajs = chains.simulate(chains.random_reversible(4, seed=4), 10, 400, seed=5)
    posterior = bayesian_msm(dtrajs, 2, n_samples=200, reversible=reversible, seed=1)
    again = bayesian_msm(dtrajs, 2, n_samples=200, reversible=reversible, seed=1)
    matrices = np.array([msm.transition_matrix for msm in posterior.samples])
    np.testing.assert_array_equal(matrices, [msm.transition_matrix for msm in again.samples])
    best = posterior.prior.transition_matrix
    np.testing.assert_allclose(matrices.mean(axis=0), best, atol=0.02)
    np.testing.assert_allclose(matrices.sum(axis=2), 1.0)
    for matrix in matrices[:5]:
        flow = stationary_distribution(matrix)[:, None] * matrix
        assert (np.abs(flow - flow.T).max() < 1e-12) == reversible


def test_posterior_spread_is_that_of_deeptime(chains) -> None:
    dtrajs = chains.simulate(chains.line, 10, 500, seed=6)
    ours = bayesian_msm(dtrajs, 2, n_samples=2000, seed=3)
    theirs = BayesianMSM(n_samples=2000, n_steps=10).fit_fetch(ours.prior)
    spread = [np.std([m.transition_matrix for m in p.samples], axis=0) for p in (ours, theirs)]
    np.testing.assert_allclose(spread[0], spread[1], rtol=0.15, atol=1e-4)


def test_models_of_deeptime_are_taken_as_they_are(chains) -> None:
    inner = np.array([1, 3, 4])[chains.simulate(chains.line, 1, 2000, seed=7)[0]]
    theirs = MaximumLikelihoodMSM(lagtime=2).fit_fetch(inner)  # a collection, on the connected set of five labels
    ours = estimate_msm(inner, 2, connected="largest")
    np.testing.assert_allclose(mfpt_matrix(theirs, frame_time=0.5), mfpt_matrix(ours, frame_time=0.5), rtol=1e-8)
    bare = MarkovStateModel(chains.line, lagtime=3)
    np.testing.assert_allclose(mfpt_matrix(bare), mfpt_matrix(chains.line, lag=3))
    sparse = MarkovStateModel(scipy.sparse.csr_matrix(chains.line))
    np.testing.assert_allclose(mfpt_matrix(sparse), mfpt_matrix(chains.line))


def test_posterior_keeps_labels_and_a_single_state() -> None:
    posterior = bayesian_msm([2, 4, 2, 2, 4, 4] * 20, 1, n_states=5, connected="largest", n_samples=5, seed=0)
    assert path_entropy_matrix(posterior).shape == (5, 5)
    np.testing.assert_array_equal(posterior.samples[0].count_model.state_symbols, [2, 4])
    frozen = bayesian_msm([1, 1, 1, 1], 1, n_samples=3, seed=0)
    assert [m.transition_matrix.tolist() for m in frozen.samples] == [[[1.0]]] * 3
