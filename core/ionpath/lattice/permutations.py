"""Symmetry operations as permutations of sites, subgroups of them, and the arrangements that they leave as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Indices, Whole
from ionpath.errors import InputError
from ionpath.periodic import wrap_fractional


@typed
def site_permutations(
    rotations: ArrayLike, translations: ArrayLike, positions: ArrayLike, *, tolerance: float = 0.02
) -> Indices:
    """Return where each operation takes each site.

    Parameters
    ----------
    rotations : array_like, (G, 3, 3)
        Matrices that act on columns of fractional coordinates, as spglib gives them.
    translations : array_like, (G, 3)
        Translations in fractional coordinates.
    positions : array_like, (N, 3)
        Fractional coordinates of the sites.
    tolerance : float
        Largest distance between the image of a site and a site, in fractional coordinates.

    Returns
    -------
    ndarray of int, (G, N)
        Site i goes to site ``permutations[g, i]``. The rows are in the order of the operations.

    Raises
    ------
    InputError
        If an operation takes a site to where there is none.

    Notes
    -----
    Operations with the same rotation differ by a pure translation, so that one of each rotation and the pure
    translations are looked up, and the others are composed of them.

    Examples
    --------
    >>> inversion = site_permutations([-np.eye(3)], [[0, 0, 0]], [[0.1, 0, 0], [0.9, 0, 0]])
    >>> inversion.tolist()
    [[1, 0]]
    """
    matrices = np.rint(np.asarray(rotations, dtype=np.float64)).astype(np.intp)
    shifts = np.asarray(translations, dtype=np.float64)
    sites = wrap_fractional(np.asarray(positions, dtype=np.float64).reshape(-1, 3))
    tree = cKDTree(sites, boxsize=1.0)
    kinds, kind = np.unique(matrices.reshape(len(matrices), 9), axis=0, return_inverse=True)
    kind = kind.ravel()
    identity = np.flatnonzero((matrices == np.eye(3, dtype=np.intp)).all(axis=(1, 2)))
    pure = _look_up(np.eye(3, dtype=np.intp), shifts[identity], sites, tree, tolerance)
    lookup = cKDTree(wrap_fractional(shifts[identity]), boxsize=1.0) if len(identity) else None
    result = np.empty((len(matrices), len(sites)), dtype=np.intp)
    for k, matrix in enumerate(kinds.reshape(-1, 3, 3)):
        own = np.flatnonzero(kind == k)
        first = _look_up(matrix, shifts[own[:1]], sites, tree, tolerance)[0]
        difference = wrap_fractional(shifts[own] - shifts[own[0]])
        distance, which = lookup.query(difference) if lookup is not None else (np.full(len(own), np.inf), None)
        if which is not None and (np.asarray(distance) < tolerance).all():
            result[own] = pure[which][:, first]
        else:
            result[own] = _look_up(matrix, shifts[own], sites, tree, tolerance)
    return result


def _look_up(matrix: Indices, shifts: Floats, sites: Floats, tree: cKDTree, tolerance: float) -> Indices:
    images = wrap_fractional((sites @ matrix.T)[None, :, :] + shifts[:, None, :])
    distance, site = tree.query(images)
    if images.size and (distance.max() > tolerance or (np.sort(site, axis=1) != np.arange(len(sites))).any()):
        raise InputError(
            "operations", need="symmetry operations that map the sites onto each other",
            got=f"an image {distance.max():.3g} (fractional) from the next site",
            remedy="give the sites of whole orbits, or find the symmetry with a smaller tolerance",
        )  # fmt: skip
    return np.asarray(site, dtype=np.intp)


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
