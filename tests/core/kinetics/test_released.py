"""The algorithm of the public release, against its own totals and against a slow rewriting of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from deeptime.markov import TransitionCountEstimator
from deeptime.markov.msm import MaximumLikelihoodMSM

from ionpath.kinetics import estimate_msm, estimate_msms, macrostate_path_entropy, released_path_entropy


def slow_released(dtrajs, lag, n_states, ratio, walks, natural=False):
    """One deeptime model and one deeptime flux per ion and pair, walks one by one."""
    total = np.zeros((n_states,) * 4)
    visits = np.zeros((n_states, n_states))
    for row in dtrajs:
        if len(np.unique(row)) < 2:
            continue
        counts = TransitionCountEstimator(lag, "sliding-effective").fit_fetch(row.astype(int)).submodel_largest()
        labels = counts.state_symbols
        if len(labels) < 2:
            continue
        msm = MaximumLikelihoodMSM().fit_fetch(counts)
        n = len(labels)
        for a in range(n):
            for b in set(range(n)) - {a}:
                flux = msm.reactive_flux([a], [b]).net_flux
                order = list(range(n)) if natural else [a, *[k for k in range(n) if k not in (a, b)], b]
                total[labels[a], labels[b]][np.ix_(labels, labels)] += flux[np.ix_(order, order)]
                visits[labels[a], labels[b]] += 1
    entropy = 0.0
    for s, e in np.argwhere((visits > 0) & (visits / len(dtrajs) >= ratio)):
        flux = total[s, e] / visits[s, e]
        sums = flux.sum(axis=1, keepdims=True)
        steps = np.where(sums < 10 * np.finfo(float).eps, flux, flux / np.where(sums > 0, sums, 1))
        np.fill_diagonal(steps, 0.0)
        p = np.array(walks(steps, s, e, 4))
        entropy -= (p * np.log(p)).sum()
    return 8.314462618 * entropy


def test_released_total_to_the_last_digits(released) -> None:
    # J/mol/K, printed by the release itself for these trajectories (arXiv:2412.07115, centre type 0)
    assert released_path_entropy(released, 600, n_states=7) == pytest.approx(123.93825043688717, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "expected", "accuracy"),
    [
        ({"index_order": "natural"}, 480.5335, 1e-4),  # J/mol/K, states in their own order
        ({"counts_ratio": 0.14}, 123.9383, 1e-4),
        ({"counts_ratio": 0.16}, 123.9383, 1e-4),
        ({"normalisation": "l2", "counts_ratio": 0, "unit": "nat"}, 21.73, 5e-3),  # first generation of the release
        ({"normalisation": "l2", "counts_ratio": 0, "unit": "nat", "index_order": "natural"}, 86.30, 5e-3),
    ],
)
def test_variants_on_the_released_trajectories(released, options, expected, accuracy) -> None:
    assert released_path_entropy(released, 600, n_states=7, **options) == pytest.approx(expected, abs=accuracy)


@pytest.mark.parametrize("natural", [False, True])
def test_fast_equals_slow(chains, natural) -> None:
    # Ions that visit few states, one that never moves, one with an absorbing end
    dtrajs = list(chains.simulate(chains.octahedron(0.003, 0.0005), 12, 800, seed=3))
    dtrajs.append(np.zeros(800, dtype=int))
    dtrajs.append(np.concatenate([np.tile([1, 2, 3], 200), np.full(200, 5)]))
    order = "natural" if natural else "released"
    fast = released_path_entropy(dtrajs, 5, n_states=7, counts_ratio=0.3, index_order=order)
    slow = slow_released(dtrajs, 5, 7, 0.3, chains.walks, natural)
    assert slow > 10.0
    assert fast == pytest.approx(slow, abs=1e-9)


def test_fast_equals_slow_on_released_trajectories(released, chains) -> None:
    some = released[:25]
    assert released_path_entropy(some, 600, n_states=7) == pytest.approx(
        slow_released(some, 600, 7, 0.15, chains.walks), abs=1e-9
    )


def test_frozen_and_two_state_ions() -> None:
    frozen = np.zeros((4, 100), dtype=int)
    assert released_path_entropy(frozen, 10, n_states=7) == 0.0
    assert released_path_entropy(np.tile([0, 0, 1], (4, 30)), 1, n_states=7) == 0.0
    assert released_path_entropy(np.full((2, 100), -1) + np.arange(100) % 3, 1, n_states=2) >= 0.0


def test_natural_order_does_not_depend_on_labels(chains) -> None:
    dtrajs = chains.simulate(chains.octahedron(0.02, 0.005), 10, 600, seed=1)
    order = np.array([3, 1, 6, 0, 5, 2, 4])

    def total(states, how):
        return released_path_entropy(states, 2, n_states=7, index_order=how)

    assert total(order[dtrajs], "natural") == pytest.approx(total(dtrajs, "natural"), rel=1e-6)
    assert abs(total(order[dtrajs], "released") / total(dtrajs, "released") - 1) > 0.01


def test_released_macrostates(released) -> None:
    # nats, from the released trajectories; Table 3 prints 0.052, 0.15 and 0.85 for another discretisation
    result = macrostate_path_entropy(estimate_msms(released, 600, n_states=7), mode="published", unit="nat")
    assert result.between("top", "plane") == pytest.approx(0.022, abs=5e-4)
    assert result.between("top", "bottom") == pytest.approx(0.069, abs=5e-4)
    assert result.between("top", "external") == pytest.approx(0.95, abs=5e-3)
    assert result.n_models == 26


def test_macrostates_by_the_seven_patterns(chains) -> None:
    from ionpath.kinetics import gross_flux

    msm = estimate_msm(chains.simulate(chains.random_reversible(7, seed=3), 20, 2000, seed=4), 2)
    groups = {"top": (1,), "plane": (2, 3, 4, 5), "bottom": (6,), "external": (0,)}
    for mode, power in [("correct", 1), ("published", 2)]:
        result = macrostate_path_entropy(msm, groups, mode=mode, unit="nat")
        names = list(groups)
        for s in names:
            for t in names:
                if s == t:
                    continue
                x, y = (name for name in names if name not in (s, t))
                sets = [list(groups[name]) for name in (s, x, y, t)]
                gross = gross_flux(msm, groups[s], groups[t])
                F = np.array([[gross[np.ix_(a, b)].sum() for b in sets] for a in sets])
                np.fill_diagonal(F, 0.0)
                net = np.maximum(F - F.T, 0.0)
                net[net < 1e-12 * net.max()] = 0.0
                f = net / np.maximum((net**power).sum(axis=1, keepdims=True) ** (1 / power), 1e-300)
                patterns = ["03", "013", "0123", "01213", "023", "0213", "02123"]
                p = [np.prod([f[int(a), int(b)] for a, b in pairwise(w)]) for w in patterns]
                expected = -sum(v * np.log(v) for v in p if v > 0)
                assert result.between(s, t) == pytest.approx(expected, abs=1e-12)


def test_macrostates_of_single_states_are_the_states(chains) -> None:
    from ionpath.kinetics import path_entropy_matrix

    T = chains.random_reversible(4, seed=6)
    groups = {str(i): [i] for i in range(4)}
    np.testing.assert_allclose(macrostate_path_entropy(T, groups).matrix, path_entropy_matrix(T), atol=1e-9)
