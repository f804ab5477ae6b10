"""Inequivalent arrangements: counts from papers, from brute force, and from Burnside's lemma."""

from __future__ import annotations

from itertools import combinations, permutations, product
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.lattice import (
    Sublattice,
    count_decorations,
    enumerate_decorations,
    inequivalent_superlattices,
    sample_decorations,
    site_permutations,
)
from ionpath.lattice.superlattices import lattice_points

CUBE = np.array(
    [np.array(s)[:, None] * np.eye(3)[list(p)] for p in permutations(range(3)) for s in product((1, -1), repeat=3)]
)
FCC = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def rotations_of(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.linalg.inv(lattice.T) @ r @ lattice.T for r in CUBE])


def turns(n: int) -> NDArray[np.intp]:
    return np.array([[(i + k) % n for i in range(n)] for k in range(n)])


# Superlattices and binary derivative structures by number of lattice points: G. L. W. Hart and R. W. Forcade,
# Phys. Rev. B 77, 224115 (2008), Tables for the face-centred cubic lattice.
@pytest.mark.parametrize(
    ("index", "superlattices", "structures"), [(1, 1, 2), (2, 2, 2), (3, 3, 6), (4, 7, 19), (5, 5, 28), (6, 10, 80)]
)
def test_derivative_structures_of_fcc(index: int, superlattices: int, structures: int) -> None:
    rotations = rotations_of(FCC)
    lattices = inequivalent_superlattices(rotations, index)
    assert len(lattices) == superlattices
    total = 0
    for lattice in lattices:
        r, t, pure = lattice.operations(rotations, np.zeros((len(rotations), 3)))
        points = lattice_points(lattice.matrix) @ np.linalg.inv(lattice.matrix)
        group = site_permutations(r, t, points)
        for k in range(index + 1):
            chosen = enumerate_decorations(group, [Sublattice(tuple(range(index)), k)]).chosen
            repeats = [any((row[p] == row).all() for p in group[pure]) for row in chosen]
            total += len(chosen) - sum(repeats)
    assert total == structures


@pytest.mark.parametrize(("index", "all_forms"), [(2, 7), (3, 13), (4, 35), (5, 31), (6, 91)])
def test_every_superlattice_is_in_one_class(index: int, all_forms: int) -> None:
    """Numbers of Hermite normal forms, same source."""
    assert sum(s.multiplicity for s in inequivalent_superlattices(rotations_of(FCC), index)) == all_forms
    assert len(inequivalent_superlattices([np.eye(3)], index)) == all_forms


def test_necklaces() -> None:
    """Binary necklaces of 12 beads: 352 (OEIS A000031)."""
    counts = [count_decorations(turns(12), [Sublattice(tuple(range(12)), k)])[0] for k in range(13)]
    assert sum(counts) == 352


@pytest.mark.parametrize("seed", range(5))
def test_against_brute_force(seed: int) -> None:
    """The slow definition: put every arrangement in a set of its images."""
    rng = np.random.default_rng(seed)
    lattice = np.eye(3)
    rotations = rotations_of(lattice)
    points = np.array(list(product((0, 0.5), repeat=3)))
    shifts = np.array(list(product((0, 0.5), repeat=3)))[rng.permutation(8)]
    group = site_permutations(np.repeat(rotations, 8, axis=0), np.tile(shifts, (len(rotations), 1)), points)
    order = rng.permutation(8)
    relabelled = np.argsort(order)[group[:, order]]
    for k in range(9):
        orbits = {
            min(tuple(sorted(int(g[i]) for i in choice)) for g in group): 0 for choice in combinations(range(8), k)
        }
        for choice in combinations(range(8), k):
            orbits[min(tuple(sorted(int(g[i]) for i in choice)) for g in group)] += 1
        for used in (group, relabelled):
            listed = enumerate_decorations(used, [Sublattice(tuple(range(8)), k)])
            assert sorted(listed.multiplicity.tolist()) == sorted(orbits.values())
            assert listed.multiplicity.sum() == comb(8, k) == listed.arrangements
            assert listed.inequivalent == count_decorations(used, [Sublattice(tuple(range(8)), k)])[0]


def test_two_sublattices_and_idle_sites() -> None:
    group = np.concatenate([turns(4), turns(4) + 4, np.tile(np.arange(8, 10), (4, 1))], axis=1)
    parts = [Sublattice((0, 1, 2, 3), 1), Sublattice((4, 5, 6, 7), 2)]
    listed = enumerate_decorations(group, parts)
    assert listed.inequivalent == count_decorations(group, parts)[0] == 6  # 4 * 6 arrangements, free action
    assert not listed.chosen[:, 8:].any()
    assert (listed.chosen[:, :4].sum(axis=1) == 1).all()
    assert (listed.chosen[:, 4:8].sum(axis=1) == 2).all()


def test_chunks_agree_with_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    group = np.concatenate([turns(10), turns(10) + 10], axis=1)
    parts = [Sublattice(tuple(range(10)), 4), Sublattice(tuple(range(10, 20)), 5)]
    whole = enumerate_decorations(group, parts)
    monkeypatch.setattr("ionpath.lattice.decorations._CHUNK", 100)
    pieces = enumerate_decorations(group, parts)
    key = [row.tobytes() for row in whole.chosen]
    assert sorted(key) == sorted(row.tobytes() for row in pieces.chosen)
    assert pieces.multiplicity.sum() == comb(10, 4) * comb(10, 5)


def test_draw_is_uniform_over_orbits() -> None:
    """20 beads, 10 black: 9,252 orbits; here 8 beads, 4 black: 10 orbits of sizes 2 to 8."""
    part = [Sublattice(tuple(range(8)), 4)]
    drawn = sample_decorations(turns(8), part, 4000, distinct=False, seed=1)
    names: dict[bytes, int] = {}
    for row in drawn.chosen:
        name = min(row[g].tobytes() for g in turns(8))
        names[name] = names.get(name, 0) + 1
    assert len(names) == drawn.inequivalent == 10
    chi2 = sum((n - 400) ** 2 / 400 for n in names.values())
    assert chi2 < 27.9  # 9 degrees of freedom, 0.1 %


def test_draw_by_arrangement_follows_multiplicity() -> None:
    part = [Sublattice(tuple(range(8)), 4)]
    drawn = sample_decorations(turns(8), part, 4000, distinct=False, weight="arrangements", seed=1)
    rare = (drawn.multiplicity == 2).mean()
    assert rare == pytest.approx(2 / 70, abs=0.01)  # one orbit of two among 70 arrangements


def test_distinct_draw_of_all_is_the_list() -> None:
    part = [Sublattice(tuple(range(8)), 4)]
    drawn = sample_decorations(turns(8), part, 10, seed=3)
    listed = enumerate_decorations(turns(8), part)
    assert sorted(drawn.multiplicity.tolist()) == sorted(listed.multiplicity.tolist())
    assert drawn.complete
    assert drawn.multiplicity.sum() == 70


def test_counts_of_any_size_are_exact() -> None:
    inequivalent, arrangements = count_decorations(turns(400), [Sublattice(tuple(range(400)), 200)])
    assert arrangements == comb(400, 200)
    # Necklaces: mean over divisors d of gcd(400, 200) of phi(d) C(400/d, 200/d).
    phi = lambda d: sum(np.gcd(d, k) == 1 for k in range(1, d + 1))  # noqa: E731
    assert inequivalent == sum(int(phi(d)) * comb(400 // d, 200 // d) for d in range(1, 201) if 200 % d == 0) // 400


def test_same_seed_same_draw() -> None:
    part = [Sublattice(tuple(range(30)), 11)]
    one, two = (sample_decorations(turns(30), part, 7, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.chosen, two.chosen)


def test_errors() -> None:
    with pytest.raises(InputError, match=r"number: need 0 to 2 chosen sites, got 3"):
        Sublattice((0, 1), 3)
    with pytest.raises(InputError, match=r"need each site in one sublattice"):
        count_decorations(turns(4), [Sublattice((0, 1), 1), Sublattice((1, 2), 1)])
    with pytest.raises(InputError, match=r"need sublattices that every operation keeps"):
        count_decorations(turns(4), [Sublattice((0, 1), 1)])
    with pytest.raises(InputError, match=r"need at most 20000000 arrangements of at most 64 sites, got .*; draw some"):
        enumerate_decorations(turns(80), [Sublattice(tuple(range(80)), 40)])
    with pytest.raises(InputError, match=r"number: need at most the 2 inequivalent arrangements, got 3"):
        sample_decorations(turns(4), [Sublattice((0, 1, 2, 3), 2)], 3)
    with pytest.raises(InputError, match=r"need symmetry operations that map the sites onto each other"):
        site_permutations([np.eye(3)], [[0.1, 0, 0]], [[0.0, 0, 0]])
    with pytest.raises(InputError, match=r"index: need a whole number of at least 1, got 0"):
        inequivalent_superlattices([np.eye(3)], 0)
