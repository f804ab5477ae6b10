"""Path entropy: closed answers, enumeration of walks, limits, symmetries, totals, the released numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ionpath.constants import GAS_CONSTANT
from ionpath.kinetics import (
    estimate_msm,
    net_flux,
    path_entropy,
    path_entropy_matrix,
    path_entropy_summary,
    pathways,
    summarise,
)
from ionpath.markov.chain import as_chain
from ionpath.paths import entropy
from ionpath.paths.fluxes import flow_of, pair_net_fluxes
from ionpath.paths.walks import arrival_probability, row_stochastic


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def test_octahedron(chains) -> None:
    # Closed answers, nats and J/mol/K: opposite vertices are joined by four equal paths
    T = chains.octahedron()
    assert path_entropy(T, 0, 5, unit="nat") == pytest.approx(np.log(4), abs=1e-12)
    assert path_entropy(T, 0, 5, unit="R") == pytest.approx(np.log(4), abs=1e-12)
    assert path_entropy(T, 0, 5) == pytest.approx(11.526293, abs=1e-6)
    assert path_entropy(T, 0, 5, definition="flux", unit="nat") == pytest.approx(np.log(8), abs=1e-12)
    assert path_entropy(T, 0, 5, definition="flux-row", unit="nat") == pytest.approx(np.log(4), abs=1e-12)
    assert path_entropy(T, 0, 1, unit="nat") == pytest.approx(1.715563, abs=1e-6)
    assert path_entropy(T, 0, 1) == pytest.approx(14.263981, abs=1e-6)
    for target in (1, 5):
        assert pathways(T, 0, target, fraction=1.0, max_edges=4).coverage == pytest.approx(1.0, abs=1e-12)


def test_octahedron_with_external_state(chains) -> None:
    # J/mol/K; independent enumeration
    T = chains.octahedron(0.02, 0.005)
    assert path_entropy(T, 0, 1) == pytest.approx(15.587249, abs=1e-6)
    assert path_entropy(T, 0, 5) == pytest.approx(12.708371, abs=1e-6)
    assert path_entropy(T, 0, 6) == pytest.approx(16.579967, abs=1e-6)
    matrix = path_entropy_matrix(T)
    assert matrix.sum() == pytest.approx(649.303800, abs=1e-5)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-10)  # detailed balance


def test_a_line_has_one_path(chains) -> None:
    np.testing.assert_array_equal(path_entropy_matrix(chains.line), np.zeros((3, 3)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reversible", [True, False])
@pytest.mark.parametrize("max_edges", [1, 3, 4, 6])
def test_products_of_matrices_equal_the_enumeration_of_walks(chains, seed, reversible, max_edges) -> None:
    make = chains.random_reversible if reversible else chains.random_chain
    T = make(6, seed=seed)
    matrix = path_entropy_matrix(T, max_edges=max_edges, unit="nat")
    for source in range(6):
        for target in range(6):
            if source == target:
                assert matrix[source, target] == 0.0
                continue
            expected = chains.enumerated_entropy(net_flux(T, source, target), source, target, max_edges)
            assert matrix[source, target] == pytest.approx(expected, abs=1e-11)
            single = path_entropy(T, source, target, max_edges=max_edges, unit="nat")
            assert single == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("seed", range(5))
def test_the_closed_form_is_the_limit_of_long_walks(chains, seed) -> None:
    # With detailed balance no walk can have more steps than there are other states
    T = chains.random_reversible(7, seed=seed, density=0.6)
    limit = path_entropy_matrix(T, definition="unlimited")
    np.testing.assert_allclose(path_entropy_matrix(T, max_edges=6), limit, atol=1e-11)
    short = [path_entropy_matrix(T, max_edges=k).sum() for k in (1, 2, 3, 4, 5, 6)]
    assert short[-1] == pytest.approx(limit.sum())
    assert np.abs(short[-2] - limit.sum()) <= np.abs(short[-4] - limit.sum())


@pytest.mark.parametrize("seed", range(3))
def test_the_closed_form_with_cycles(chains, seed) -> None:
    # Net fluxes without detailed balance may run in circles: the sums then converge geometrically
    T = chains.random_chain(6, seed=seed)
    limit = path_entropy_matrix(T, definition="unlimited")
    np.testing.assert_allclose(path_entropy_matrix(T, max_edges=400), limit, atol=1e-9)


def test_flux_definitions_are_what_is_printed(chains) -> None:
    T = chains.random_reversible(5, seed=9)
    for definition in ("flux", "flux-row"):
        matrix = path_entropy_matrix(T, definition=definition, unit="nat")
        for source in range(5):
            for target in set(range(5)) - {source}:
                flux = net_flux(T, source, target)
                norm = flux.sum() if definition == "flux" else flux.sum(axis=1, keepdims=True)
                f = np.divide(flux, norm, out=np.zeros_like(flux), where=flux > 0)
                expected = -sum(x * np.log(x) for x in f[f > 0])
                assert matrix[source, target] == pytest.approx(expected, abs=1e-10)
                single = path_entropy(T, source, target, definition=definition, unit="nat")
                assert single == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("definition", ["pathway", "unlimited", "flux", "flux-row"])
def test_relabelling_and_units(chains, definition) -> None:
    T = chains.random_reversible(7, seed=11)
    order = np.random.default_rng(1).permutation(7)
    matrix = path_entropy_matrix(T, definition=definition)
    moved = path_entropy_matrix(T[np.ix_(order, order)], definition=definition)
    np.testing.assert_allclose(moved, matrix[np.ix_(order, order)], atol=1e-10)
    nats = path_entropy_matrix(T, definition=definition, unit="nat")
    np.testing.assert_allclose(matrix, GAS_CONSTANT * nats, rtol=1e-14)


def test_the_speed_of_all_hops_does_not_matter(chains) -> None:
    slow, fast = chains.octahedron(0.001, 0.0002), chains.octahedron(0.1, 0.02)
    np.testing.assert_allclose(path_entropy_matrix(slow), path_entropy_matrix(fast), atol=1e-9)


def test_a_set_counts_the_choice_of_its_first_state(chains) -> None:
    # From the four equatorial vertices to the two apices: no step in between, 4 x 2 equal paths
    T = chains.octahedron()
    for definition in ("pathway", "unlimited"):
        value = path_entropy(T, [1, 2, 3, 4], [0, 5], definition=definition, unit="nat")
        assert value == pytest.approx(np.log(8), abs=1e-12)
    single = path_entropy(T, [0], [3], unit="nat")
    assert single == pytest.approx(path_entropy(T, 0, 3, unit="nat"), abs=1e-12)


def test_arrival_probability_reveals_truncation(chains) -> None:
    T = chains.random_reversible(8, seed=3)
    flux = np.zeros((8, 8, 8))
    flux[1:] = pair_net_fluxes(flow_of(as_chain(T))[None], np.zeros(7, dtype=int), np.arange(1, 8))[0]
    start = np.zeros((8, 8))
    start[:, 0] = 1.0
    target = np.eye(8, dtype=bool)
    parts = [arrival_probability(row_stochastic(flux), start, target, k)[1:] for k in (1, 4, 7)]
    assert (parts[0] < parts[1]).all() and (parts[1] < parts[2]).all()
    np.testing.assert_allclose(parts[2], 1.0, atol=1e-12)


def test_summary() -> None:
    matrix = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 4.0], [5.0, 6.0, 0.0]])
    summary = summarise(matrix, external=0, unit="nat")
    assert (summary.total, summary.escape, summary.n_pairs, summary.unit) == (21.0, 8.0, 6, "nat")
    assert summary.mean_per_pair == 3.5
    assert summarise(matrix, external=2).escape == 6.0
    assert summarise(matrix, external=None).escape == 0.0
    part = summarise(matrix, external=2, states=[1, 2])
    assert (part.total, part.escape, part.n_pairs, part.excluded) == (10.0, 4.0, 2, (0,))


def test_pathways_are_the_walks_that_are_counted(chains) -> None:
    T = chains.random_reversible(6, seed=8)
    flux = net_flux(T, 1, 4)
    found = pathways(T, 1, 4, fraction=1.0)
    p = found.shares
    assert (np.diff(p) <= 1e-15).all()
    assert found.coverage == pytest.approx(1.0)
    assert len(set(found.paths)) == len(found.paths)
    assert -(p * np.log(p)).sum() == pytest.approx(path_entropy(T, 1, 4, definition="unlimited", unit="nat"))
    for path, share in zip(found.paths, found.shares, strict=True):
        steps = [flux[a, b] / flux[a].sum() for a, b in pairwise(path)]
        assert share == pytest.approx(np.prod(steps))
    np.testing.assert_allclose(found.fluxes, found.shares * found.total_flux)
    short = pathways(T, 1, 4, fraction=1.0, max_edges=2)
    assert max(map(len, short.paths)) <= 3
    assert len(pathways(T, 1, 4, fraction=1.0, max_paths=2).paths) == 2
    assert pathways(T, 1, 4, fraction=0.5).coverage >= 0.5


@pytest.mark.parametrize("seed", range(4))
def test_capacities_equal_those_of_deeptime(chains, seed) -> None:
    from deeptime.markov import reactive_flux

    T = chains.random_reversible(7, seed=seed)
    paths, widths = reactive_flux(T, [0], [6]).pathways(fraction=0.95)
    ours = pathways(T, 0, 6, kind="capacity", fraction=0.95)
    assert ours.paths == tuple(tuple(int(i) for i in path) for path in paths)
    np.testing.assert_allclose(ours.fluxes, widths, rtol=1e-8)


def test_pathways_between_sets_and_to_nowhere(chains) -> None:
    found = pathways(chains.octahedron(), [1, 2, 3, 4], [0, 5], fraction=1.0)
    assert len(found.paths) == 8
    np.testing.assert_allclose(found.shares, 1 / 8)
    part = estimate_msm([0, 1, 0, 1], 1, n_states=3, connected="largest")
    assert pathways(part, 0, 2).paths == ()
    assert "together" in str(pathways(part, 0, 2))


def test_released_totals(released) -> None:
    # J/mol/K: one model of all 432 ions at 12 ps, recomputed with independent code
    msm = estimate_msm(released, 600, n_states=7)
    summary = path_entropy_summary(msm)
    assert summary.total == pytest.approx(682.2137, abs=1e-4)
    assert summary.escape == pytest.approx(107.36, abs=0.01)
    assert summary.n_pairs == 42
    matrix = path_entropy_matrix(msm)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    for source, target in [(1, 6), (2, 0), (0, 4)]:
        flux = net_flux(msm, source, target)
        expected = GAS_CONSTANT * chains_entropy(flux, source, target)
        assert matrix[source, target] == pytest.approx(expected, abs=1e-9)


def chains_entropy(flux, source, target, max_edges=4):
    """Walks one by one, in another order than in the fixture: breadth first."""
    total = 0.0
    front = [((source,), 1.0)]
    for _ in range(max_edges):
        longer = []
        for path, weight in front:
            row = flux[path[-1]]
            for state in np.flatnonzero(row):
                p = weight * row[state] / row.sum()
                if state == target:
                    total -= p * np.log(p)
                else:
                    longer.append(((*path, state), p))
        front = longer
    return total


@pytest.mark.parametrize("max_edges", [1, 3, 4, 7])
def test_compiled_entropies_are_those_of_the_definition(chains, monkeypatch, max_edges) -> None:
    """Networks with missing edges, with ties, and with flows over three orders of magnitude."""
    pytest.importorskip("numba", reason="numba compiles the walks; pip install numba")
    rng = np.random.default_rng(0)
    flows = 10.0 ** rng.uniform(-3, 0, (25, 6, 6)) * (rng.random((25, 6, 6)) < 0.8) + 0.01 * np.eye(6, k=1)
    flows = flows + flows.swapaxes(1, 2)
    flows[0] = chains.octahedron()
    compiled = entropy.flow_entropies(flows, "pathway", max_edges)
    monkeypatch.setattr(entropy, "COMPILED_FROM", 100)
    plain = entropy.flow_entropies(flows, "pathway", max_edges)
    np.testing.assert_allclose(compiled, plain, atol=1e-12)
