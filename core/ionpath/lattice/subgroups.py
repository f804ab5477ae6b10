"""Subgroups of a group of permutations, and the arrangements that they leave as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Indices, Whole
from ionpath.errors import InputError

MOST_ARRANGEMENTS = 100_000


@typed
def small_subgroups(permutations: ArrayLike, order: int, *, without: ArrayLike | None = None) -> list[Indices]:
    """Subgroups of a given order that one or two elements generate, one of each class of conjugates.

    `permutations` (G, N) are a group, each element once; each subgroup is the rising rows (order,) of it. Elements that
    are true in `without` (G,), such as the translations inside a supercell, are in none. Of the crystallographic point
    groups mmm, 4/mmm and 6/mmm need a third generator and are not found. InputError if the rows are not a group.

    The symmetric group of three objects has one class of subgroups of order 2, and one subgroup of order 3:

    >>> from itertools import permutations
    >>> group = list(permutations(range(3)))
    >>> len(small_subgroups(group, 2)), len(small_subgroups(group, 3))
    (1, 1)
    """
    group = np.asarray(permutations, dtype=np.intp)
    table = _products(group)
    barred = np.zeros(len(group), dtype=bool) if without is None else np.asarray(without, dtype=bool)
    allowed = np.flatnonzero(~barred)
    found: set[tuple[int, ...]] = set()
    classes = []
    identity = int(np.flatnonzero((table == np.arange(len(table))).all(axis=1))[0])
    inverse = np.argmax(table == identity, axis=1)
    for first in allowed:
        for second in allowed[allowed >= first]:
            members = _closure(table, (int(first), int(second)), order)
            if len(members) != order or barred[list(members)].any():
                continue
            key = tuple(sorted(members))
            if key in found:
                continue
            classes.append(np.array(key, dtype=np.intp))
            for g in range(len(group)):
                found.add(tuple(sorted(table[table[g, list(key)], inverse[g]].tolist())))
    return classes


@typed
def invariant_arrangements(permutations: Whole, number: int, *, apart: ArrayLike | None = None) -> Bools:
    """Choices (K, N) of a number of sites that a group of permutations (H, N) takes to themselves: unions of orbits.

    Of pairs of sites that are true in `apart` (N, N) one at most is chosen. InputError if there are more than 100,000.

    >>> invariant_arrangements([[0, 1, 2, 3], [1, 0, 2, 3]], 2).astype(int).tolist()
    [[1, 1, 0, 0], [0, 0, 1, 1]]
    """
    group = np.asarray(permutations, dtype=np.intp)
    n = group.shape[1]
    conflicts = np.zeros((n, n), dtype=bool) if apart is None else np.asarray(apart, dtype=bool)
    orbits = [np.flatnonzero(row) for row in np.unique((group[:, :, None] == np.arange(n)).any(axis=0), axis=0)[::-1]]
    orbits = [orbit for orbit in orbits if not conflicts[np.ix_(orbit, orbit)].any()]
    clash = np.array([[bool(conflicts[np.ix_(a, b)].any()) for b in orbits] for a in orbits], dtype=bool)
    sizes = np.array([len(orbit) for orbit in orbits], dtype=np.intp)
    chosen = [] if not len(orbits) else _unions(sizes, clash.reshape(len(orbits), -1), number)
    rows = np.zeros((len(chosen), n), dtype=bool)
    for row, picked in zip(rows, chosen, strict=True):
        row[np.concatenate([orbits[k] for k in picked])] = True
    return rows


def _unions(sizes: Indices, clash: Bools, number: int) -> list[list[int]]:
    """Sets of orbits without a clash whose sizes add up to the number."""
    found: list[list[int]] = []
    remaining = np.concatenate([np.cumsum(sizes[::-1])[::-1], [0]])

    def descend(k: int, picked: list[int], left: int, free: Bools) -> None:
        if left == 0:
            if len(found) == MOST_ARRANGEMENTS:
                remedy = "use fewer sites, or a larger subgroup"
                raise InputError("number", need=f"at most {MOST_ARRANGEMENTS} arrangements", got="more", remedy=remedy)
            found.append(list(picked))
            return
        if k == len(sizes) or remaining[k] < left or int(sizes[k:][free[k:]].sum()) < left:
            return
        if free[k] and sizes[k] <= left:
            descend(k + 1, [*picked, k], left - int(sizes[k]), free & ~clash[k])
        descend(k + 1, picked, left, free)

    if number:
        descend(0, [], number, np.ones(len(sizes), dtype=bool))
    return found


def _products(group: Indices) -> Indices:
    """Table of products: row a, column b is the element that acts as b, then a."""
    rows = {row.tobytes(): k for k, row in enumerate(group)}
    try:
        return np.array([[rows[a[b].tobytes()] for b in group] for a in group], dtype=np.intp)
    except KeyError:
        got = "rows with a product that is not among them"
        raise InputError("permutations", need="a group, each element once", got=got) from None


def _closure(table: Indices, generators: Sequence[int], largest: int) -> set[int]:
    """Elements that the generators make; more than `largest` are not followed up."""
    members = set(generators)
    while len(members) <= largest:
        here = np.fromiter(members, dtype=np.intp)
        grown = set(table[np.ix_(here, here)].ravel().tolist())
        if grown <= members:
            break
        members |= grown
    return members
