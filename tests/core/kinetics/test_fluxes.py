"""Passage times, committors and fluxes: closed answers, deeptime, conservation, relabelling."""

from __future__ import annotations

import numpy as np
import pytest
from deeptime.markov import reactive_flux
from deeptime.markov.tools.analysis import mfpt as deeptime_mfpt, stationary_distribution as deeptime_stationary

from ionpath.kinetics import (
    as_chain,
    committor,
    estimate_msm,
    gross_flux,
    mfpt,
    mfpt_matrix,
    mfpt_per_ion,
    net_flux,
    rate,
    total_flux,
)
from ionpath.markov.chain import stationary_distribution
from ionpath.paths.fluxes import flow_of, pair_net_fluxes


def all_net_fluxes(chain):
    """Net fluxes from each source to all targets at once, zero for the source itself."""
    size = len(chain.states)
    for source in range(size):
        targets = np.delete(np.arange(size), source)
        found = np.zeros((size, size, size))
        found[targets] = pair_net_fluxes(flow_of(chain)[None], np.full(size - 1, source), targets)[0]
        yield found


@pytest.fixture(params=["two", "line", "octahedron", "external", "reversible", "sparse", "irreversible"])
def matrix(request, chains):
    return {
        "two": chains.two,
        "line": chains.line,
        "octahedron": chains.octahedron(),
        "external": chains.octahedron(0.02, 0.005),
        "reversible": chains.random_reversible(8, seed=1),
        "sparse": chains.random_reversible(9, seed=2, density=0.3),
        "irreversible": chains.random_chain(6, seed=3),
    }[request.param]


def test_written_answers(chains) -> None:
    # Two states and a line: worked by hand, lags
    np.testing.assert_allclose(mfpt_matrix(chains.two), [[0, 5], [10, 0]], rtol=1e-12)
    assert mfpt_matrix(chains.two, lag=600)[0, 1] == pytest.approx(3000)  # frames
    assert mfpt_matrix(chains.two, lag=600, frame_time=0.02)[0, 1] == pytest.approx(60.0)  # ps
    assert mfpt_matrix(chains.line)[0, 2] == pytest.approx(40)
    np.testing.assert_allclose(net_flux(chains.line, 0, 2), [[0, 0.0125, 0], [0, 0, 0.0125], [0, 0, 0]], atol=1e-15)
    assert total_flux(chains.line, 0, 2) == pytest.approx(0.0125)
    # Octahedron, hop probability 0.02: opposite and adjacent vertices
    times = mfpt_matrix(chains.octahedron())
    assert times[0, 5] == pytest.approx(75)
    assert times[0, 1] == pytest.approx(62.5)


def test_stationary_distribution_is_that_of_deeptime(matrix) -> None:
    np.testing.assert_allclose(stationary_distribution(matrix), deeptime_stationary(matrix), atol=1e-13)


def test_all_passage_times_equal_those_of_deeptime_one_by_one(matrix) -> None:
    expected = np.transpose([deeptime_mfpt(matrix, target) for target in range(len(matrix))])
    np.testing.assert_allclose(mfpt_matrix(matrix), expected, rtol=1e-10)


def test_fluxes_equal_those_of_deeptime(matrix) -> None:
    size = len(matrix)
    for source, targets in enumerate(all_net_fluxes(as_chain(matrix))):
        for target in set(range(size)) - {source}:
            expected = reactive_flux(matrix, [source], [target])
            scale = expected.gross_flux.max()
            np.testing.assert_allclose(targets[target], expected.net_flux, atol=1e-11 * scale)
            np.testing.assert_allclose(net_flux(matrix, source, target), expected.net_flux, atol=1e-11 * scale)
            np.testing.assert_allclose(gross_flux(matrix, source, target), expected.gross_flux, atol=1e-11 * scale)
            forward = committor(matrix, source, target)
            np.testing.assert_allclose(forward, expected.forward_committor, atol=1e-11)
            backward = committor(matrix, source, target, forward=False)
            np.testing.assert_allclose(backward, expected.backward_committor, atol=1e-11)
            assert total_flux(matrix, source, target) == pytest.approx(expected.total_flux, rel=1e-10)
            assert rate(matrix, source, target) == pytest.approx(expected.rate, rel=1e-10)
            assert mfpt(matrix, source, target) == pytest.approx(mfpt_matrix(matrix)[source, target], rel=1e-9)


def test_sets_equal_those_of_deeptime(chains) -> None:
    matrix = chains.random_reversible(9, seed=5)
    expected = reactive_flux(matrix, [0, 4], [2, 7, 8])
    np.testing.assert_allclose(net_flux(matrix, [0, 4], (8, 2, 7)), expected.net_flux, atol=1e-14)
    np.testing.assert_allclose(committor(matrix, {0, 4}, [2, 7, 8]), expected.forward_committor, atol=1e-12)
    assert mfpt(matrix, [0, 4], [2, 7, 8], lag=10, frame_time=0.5) == pytest.approx(5 * expected.mfpt)


def test_flux_is_conserved_acyclic_and_never_enters_the_source(matrix) -> None:
    size = len(matrix)
    flux = net_flux(matrix, 0, size - 1)
    balance = flux.sum(axis=0) - flux.sum(axis=1)
    np.testing.assert_allclose(balance[1:-1], 0.0, atol=1e-12 * flux.max())
    assert balance[-1] == pytest.approx(-balance[0])
    assert not flux[:, 0].any()
    assert not flux[-1].any()
    if as_chain(matrix).reversible:
        uphill = committor(matrix, 0, size - 1)
        assert all(uphill[i] < uphill[j] for i, j in np.argwhere(flux))


def test_relabelling_states_relabels_the_results(matrix) -> None:
    order = np.random.default_rng(0).permutation(len(matrix))
    moved = matrix[np.ix_(order, order)]
    np.testing.assert_allclose(mfpt_matrix(moved), mfpt_matrix(matrix)[np.ix_(order, order)], rtol=1e-10)
    source, target = np.flatnonzero(order == 0)[0], np.flatnonzero(order == 1)[0]
    expected = net_flux(matrix, 0, 1)[np.ix_(order, order)]
    np.testing.assert_allclose(net_flux(moved, source, target), expected, atol=1e-13)


def test_slow_chains_keep_their_digits(chains) -> None:
    # All hops a billion times rarer: times scale, committors do not change
    fast, slow = chains.octahedron(0.02, 0.005), chains.octahedron(0.02e-9, 0.005e-9)
    np.testing.assert_allclose(mfpt_matrix(slow), 1e9 * mfpt_matrix(fast), rtol=1e-6)  # 1 - T_ii keeps 7 digits
    np.testing.assert_allclose(committor(slow, 0, 6), committor(fast, 0, 6), atol=1e-12)
    np.testing.assert_array_equal(net_flux(slow, 0, 5) > 0, net_flux(fast, 0, 5) > 0)


def test_rounding_errors_are_no_edges(chains) -> None:
    # The four neighbours of two opposite vertices have the same committor: no flux among them
    flux = net_flux(chains.octahedron(), 0, 5)
    assert (flux > 0).sum() == 8
    for targets in all_net_fluxes(as_chain(chains.octahedron())):
        assert set((targets > 0).sum(axis=(1, 2)).tolist()) == {0, 8, 12}


def test_per_ion_times(chains) -> None:
    dtrajs = chains.simulate(chains.line, 3, 3000, seed=1)
    dtrajs[2] = 1  # this one never moves
    times = mfpt_per_ion(dtrajs, 2, frame_time=0.1)
    assert times.shape == (3, 3, 3)
    assert np.isnan(times[2, 0, 2])
    assert times[2, 1, 1] == 0.0
    assert np.nanmedian(times[:, 0, 2]) == pytest.approx(4.0, rel=0.3)  # 40 lags of 0.1


def test_released_passage_times(released) -> None:
    # ns: between sites of one cage, out of it, and into it; recomputed with independent code from the released states
    times = mfpt_matrix(estimate_msm(released, 600, n_states=7), frame_time=2e-5)
    inside = times[1:, 1:][~np.eye(6, dtype=bool)]
    assert inside.min() == pytest.approx(0.59, abs=0.05)
    assert inside.max() == pytest.approx(0.77, abs=0.05)
    assert 1.85 <= times[1:, 0].min() <= times[1:, 0].max() <= 2.23
    assert 0.53 <= times[0, 1:].min() <= times[0, 1:].max() <= 0.87
    per_ion = np.nanmedian(mfpt_per_ion(released, 600, n_states=7), axis=0) / 600
    assert np.median(per_ion[1:, 1:][~np.eye(6, dtype=bool)]) == pytest.approx(65, abs=6)  # lags
