"""Subgroups of permutations, and what they leave as it is."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.lattice import invariant_arrangements, small_subgroups


@pytest.mark.parametrize(
    ("order", "classes"),
    # Classes of subgroups of the symmetric group of four objects; 4: C4, the normal V4 and the other V4.
    [(1, 1), (2, 2), (3, 1), (4, 3), (6, 1), (8, 1), (12, 1), (24, 1)],
)
def test_subgroups_of_s4(order: int, classes: int) -> None:
    group = np.array(list(permutations(range(4))))
    found = small_subgroups(group, order)
    assert len(found) == classes
    for rows in found:
        members = {tuple(row) for row in group[rows]}
        assert len(members) == order
        assert all(tuple(np.array(a)[list(b)]) in members for a in members for b in members)


def test_barred_elements() -> None:
    group = np.array(list(permutations(range(4))))
    swaps = (group != np.arange(4)).sum(axis=1) == 2
    assert len(small_subgroups(group, 2, without=swaps)) == 1


def test_only_groups() -> None:
    with pytest.raises(InputError, match=r"permutations: need a group, each element once, got rows with a"):
        small_subgroups([[0, 1, 2], [1, 2, 0]], 1)


def test_invariant_arrangements_are_those_of_a_search() -> None:
    rng = np.random.default_rng(4)
    turn = np.roll(np.arange(8), 2)
    group = np.array([np.arange(8), turn, turn[turn], turn[turn][turn]])
    apart = np.zeros((8, 8), dtype=bool)
    i, j = rng.choice(8, 2, replace=False)
    for row in group:
        apart[row[i], row[j]] = apart[row[j], row[i]] = True
    for number in (2, 4, 6):
        expected = set()
        for chosen in combinations(range(8), number):
            row = np.isin(np.arange(8), chosen)
            kept = all(np.array_equal(np.isin(np.arange(8), g[list(chosen)]), row) for g in group)
            if kept and not apart[np.ix_(row, row)].any():
                expected.add(row.tobytes())
        found = invariant_arrangements(group, number, apart=apart)
        assert {row.tobytes() for row in found} == expected
        assert len(found) == len(expected)


def test_too_many_arrangements() -> None:
    with pytest.raises(InputError, match=r"number: need at most 100000 arrangements, got more; use fewer"):
        invariant_arrangements([np.arange(24)], 12)
