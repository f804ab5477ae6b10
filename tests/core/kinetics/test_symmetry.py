"""Symmetry of shells: groups that are known, averages of counts, and a test that contradicts where it should."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.kinetics import CoordinationShells, average_counts, estimate_msm, path_entropy_matrix, shell_symmetry
from ionpath.markov.resampling import Resampling
from ionpath.sites.symmetry import states_symmetry

OCTAHEDRON = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
GOLDEN = (1 + np.sqrt(5)) / 2
ICOSAHEDRON = np.array([np.roll([0, a, b], k) for a in (1, -1) for b in (GOLDEN, -GOLDEN) for k in range(3)])
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


@pytest.mark.parametrize(
    ("positions", "order"),  # orders of the point groups
    [
        (OCTAHEDRON, 48),
        (OCTAHEDRON * [1, 1, 1.4], 16),
        (OCTAHEDRON * [1, 1.3, 1.7], 8),
        (OCTAHEDRON[:5], 8),
        (TETRAHEDRON, 24),
        (ICOSAHEDRON, 120),
        (np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0]]), 1),
    ],
)
def test_groups(positions, order) -> None:
    rng = np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    found = shell_symmetry(7.0 + 2.3 * positions @ turn + rng.normal(0, 0.02, positions.shape))
    assert found.shape == (order, len(positions) + 1)
    assert (found[:, 0] == 0).all() and (found[0] == np.arange(len(positions) + 1)).all()
    rows = {tuple(row) for row in found.tolist()}
    assert len(rows) == order
    assert all(tuple(p[q]) in rows for p in found for q in found)


def test_a_tolerance_never_breaks_the_group() -> None:
    for seed in range(20):
        noisy = OCTAHEDRON + np.random.default_rng(seed).normal(0, 0.08, (6, 3))
        found = shell_symmetry(noisy)
        rows = {tuple(row) for row in found.tolist()}
        assert all(tuple(p[q]) in rows for p in found for q in found)
        assert 48 % len(found) == 0  # Lagrange


def test_averages_are_symmetric_and_keep_the_sum() -> None:
    symmetry = shell_symmetry(OCTAHEDRON)
    counts = np.random.default_rng(0).integers(0, 50, (3, 7, 7)).astype(float)
    mean = average_counts(counts, symmetry)
    np.testing.assert_allclose(mean.sum(axis=(1, 2)), counts.sum(axis=(1, 2)))
    for p in symmetry:
        np.testing.assert_allclose(mean[:, p[:, None], p], mean, rtol=1e-12)
    opposite = ((1, 6), (6, 1), (2, 4), (4, 2), (3, 5), (5, 3))
    assert mean[0, 1, 6] == pytest.approx(np.mean([counts[0, a, b] for a, b in opposite]))
    with pytest.raises(InputError, match=r"positions: need finite positions of shape \(n, 3\), got shape \(3,\)"):
        shell_symmetry([0.0, 1.0, 2.0])


def test_the_model_of_averaged_counts_has_exact_ties(chains) -> None:
    """Opposite vertices have four paths each: ln 4 of them without an external state (J/mol/K: 11.526)."""
    dtrajs = 1 + chains.simulate(chains.octahedron()[np.ix_(ORDER, ORDER)], 20, 1000, seed=1)
    symmetry = shell_symmetry(OCTAHEDRON)
    options = {"n_states": 7, "connected": "largest"}
    plain = path_entropy_matrix(estimate_msm(dtrajs, 1, **options))
    found = path_entropy_matrix(estimate_msm(dtrajs, 1, symmetry=symmetry, **options))
    assert found[1, 6] == pytest.approx(11.526293, abs=1e-6)
    assert plain[1, 6] > found[1, 6] + 0.3


ORDER = np.array([0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(("amount", "rejected"), [(0.0, (0, 5)), (0.3, (20, 20))])
def test_the_test_rejects_what_is_broken_and_only_that(chains, amount, rejected) -> None:
    # 20 data sets: at a level of 5 %, more than five rejections of a true symmetry in 1 of 3,000 times
    symmetry = shell_symmetry(OCTAHEDRON)
    count = 0
    for seed in range(20):
        matrix = chains.octahedron(0.02, 0.005)[np.ix_([6, *ORDER], [6, *ORDER])]
        matrix[1, 2:6] *= 1 - amount
        matrix[1, 1] += 1 - matrix[1].sum()
        data = Resampling(chains.simulate(matrix, 40, 1000, seed=seed), n_states=7, seed=seed)
        count += not data.symmetry_test(1, symmetry)
    assert rejected[0] <= count <= rejected[1]


def test_sentences(chains) -> None:
    matrix = chains.octahedron(0.02, 0.005)[np.ix_([6, *ORDER], [6, *ORDER])]
    data = Resampling(chains.simulate(matrix, 30, 500, seed=0), n_states=7)
    test = data.symmetry_test(1, shell_symmetry(OCTAHEDRON))
    assert test.used and str(test).startswith("counts agree with the 48 operations of the shell (probability 0.")
    # A break of 12 % leaves probabilities between: enough for the operations of a crystal, not for those of positions.
    matrix[1, 2:6] *= 0.88
    matrix[1, 1] += 1 - matrix[1].sum()
    tried = [Resampling(chains.simulate(matrix, 30, 500, seed=seed), n_states=7) for seed in range(20)]
    said = [one.symmetry_test(1, shell_symmetry(OCTAHEDRON), certain=False) for one in tried]
    unsure = [test for test in said if 0.05 <= test.probability < 0.5]
    assert len(unsure) >= 5 and not any(test.used for test in unsure)
    assert "may or may not obey the 48 operations" in str(unsure[0]) and "symmetry= where the crystal" in str(unsure[0])
    assert [test.used for test in said] == [test.probability >= 0.5 for test in said]
    none = data.symmetry_test(1, np.arange(7)[None])
    assert not none and np.isnan(none.probability)


def test_symmetry_of_shells_of_several_kinds() -> None:
    """What is common: an octahedron and one that is longer along z keep the 16 operations of the second."""
    centres = np.array([[0.25] * 3, [0.75] * 3])
    sites = np.concatenate([centres[0] + 0.1 * OCTAHEDRON, centres[1] + 0.1 * OCTAHEDRON * [1, 1, 1.4]])
    both = CoordinationShells.from_sites(np.eye(3) * 20.0, centres, sites, kinds=["S", "Cl"])
    assert states_symmetry(both).shape == (16, 7)
    alone = CoordinationShells.from_sites(np.eye(3) * 20.0, centres[:1], sites[:6])
    assert states_symmetry(alone).shape == (48, 7)
