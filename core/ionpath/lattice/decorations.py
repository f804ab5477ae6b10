"""Inequivalent arrangements of two species on sublattices, with their multiplicities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools, Indices
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable

Masks = NDArray[np.uint64]

MOST_ARRANGEMENTS = 20_000_000
_CHUNK = 1 << 18
_BITS = 64


@typed
@documented
@dataclass(frozen=True)
class Sublattice(Msonable):
    """Sites of which a given number is chosen."""

    sites: tuple[int, ...]  # columns of the permutations
    number: int  # how many of them hold the chosen species

    def __post_init__(self) -> None:
        if not 0 <= self.number <= len(self.sites):
            raise InputError("number", need=f"0 to {len(self.sites)} chosen sites", got=str(self.number))


@documented
@dataclass(frozen=True)
class Decorations(Msonable):
    """Inequivalent arrangements."""

    chosen: Bools  # (K, N): sites that hold the chosen species, one row per inequivalent arrangement
    multiplicity: Indices  # (K,): number of arrangements that symmetry makes equivalent to it
    inequivalent: int  # number of inequivalent arrangements in all, whether listed or not
    arrangements: int  # number of arrangements in all

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def complete(self) -> bool:
        """Whether every inequivalent arrangement is listed."""
        return len(self) == self.inequivalent


def check_sublattices(permutations: ArrayLike, sublattices: Iterable[Sublattice]) -> tuple[Indices, list[Sublattice]]:
    """Check that the sublattices are disjoint and that the operations keep each of them."""
    group = np.asarray(permutations, dtype=np.intp)
    parts = list(sublattices)
    active = np.array([s for part in parts for s in part.sites], dtype=np.intp)
    if len(np.unique(active)) != len(active):
        raise InputError("sublattices", need="each site in one sublattice", got="a site in two of them")
    for part in parts:
        sites = np.sort(np.array(part.sites, dtype=np.intp))
        if (np.sort(group[:, sites], axis=1) != sites).any():
            got = "an operation that moves sites from one to another"
            remedy = "join equivalent sites in one sublattice, or leave the operation out"
            raise InputError("sublattices", need="sublattices that every operation keeps", got=got, remedy=remedy)
    still = np.arange(group.shape[1])
    acting = np.broadcast_to(still, group.shape).copy()
    acting[:, active] = group[:, active]
    return np.unique(acting, axis=0), parts  # operations that do the same to all sites count once


@typed
def count_decorations(permutations: ArrayLike, sublattices: Sequence[Sublattice]) -> tuple[int, int]:
    """Count inequivalent arrangements without listing them.

    Parameters
    ----------
    permutations : array_like of int, (G, N)
        A group of permutations of all sites.
    sublattices : sequence of Sublattice
        Where to choose how many sites.

    Returns
    -------
    inequivalent : int
        Number of orbits.
    arrangements : int
        Number of arrangements, the product of the binomial coefficients.

    Raises
    ------
    InputError
        If the sublattices overlap, or an operation does not keep them.

    Notes
    -----
    Burnside's lemma: the number of orbits is the mean over the group of the number of arrangements that an operation
    leaves as they are, which is the coefficient of z^k in the product of (1 + z^l) over its cycles of length l.

    Examples
    --------
    Necklaces of four beads, two of them black:

    >>> turn = np.array([[(i + k) % 4 for i in range(4)] for k in range(4)])
    >>> count_decorations(turn, [Sublattice((0, 1, 2, 3), 2)])
    (2, 6)
    """
    group, parts = check_sublattices(permutations, sublattices)
    fixed = sum(number * times for number, times in fixed_by_type(group, parts).values())
    return fixed // len(group), prod(comb(len(p.sites), p.number) for p in parts)


CycleType = tuple[tuple[tuple[int, int], ...], ...]


def cycle_types(group: Indices, parts: Sequence[Sublattice]) -> list[CycleType]:
    """Return the lengths of the cycles of each operation on each sublattice."""
    length = cycle_lengths(group)
    longest = int(length.max(initial=1))
    numbers = np.stack(
        [
            np.stack([(length[:, list(p.sites)] == n).sum(axis=1) // n for n in range(1, longest + 1)], axis=1)
            for p in parts
        ],
        axis=1,
    )  # (G, parts, lengths)
    rows, which = np.unique(numbers.reshape(len(group), -1), axis=0, return_inverse=True)
    named: list[CycleType] = [
        tuple(tuple((n + 1, int(m)) for n, m in enumerate(part) if m) for part in row)
        for row in rows.reshape(-1, len(parts), longest)
    ]
    return [named[int(k)] for k in which.ravel()]


def cycle_lengths(group: Indices) -> Indices:
    """Return the length of the cycle that each site is in.

    >>> cycle_lengths(np.array([[1, 0, 2]])).tolist()
    [[2, 2, 1]]
    """
    start = np.broadcast_to(np.arange(group.shape[1]), group.shape)
    length = np.zeros(group.shape, dtype=np.intp)
    now, step = group, 1
    while True:
        length[(now == start) & (length == 0)] = step
        if length.all():
            return length
        now, step = np.take_along_axis(group, now, axis=1), step + 1


def fixed_by_type(group: Indices, parts: Sequence[Sublattice]) -> dict[CycleType, tuple[int, int]]:
    """Return for each cycle type the number of arrangements that it fixes and how many operations have it."""
    table: dict[CycleType, tuple[int, int]] = {}
    for kind, times in Counter(cycle_types(group, parts)).items():
        choices = (cycle_polynomial(lengths, p.number)[p.number] for lengths, p in zip(kind, parts, strict=True))
        table[kind] = prod(choices), times
    return table


def cycle_polynomial(lengths: Sequence[tuple[int, int]], degree: int) -> list[int]:
    """Expand the product of (1 + z^l)^m up to a degree.

    >>> cycle_polynomial([(1, 2), (2, 1)], 4)
    [1, 2, 2, 2, 1]
    """
    poly = [1] + [0] * degree
    for length, times in lengths:
        new = [0] * (degree + 1)
        for n in range(min(times, degree // length) + 1):
            factor = comb(times, n)
            for power in range(degree + 1 - n * length):
                if poly[power]:
                    new[power + n * length] += factor * poly[power]
        poly = new
    return poly


@typed
def enumerate_decorations(
    permutations: ArrayLike, sublattices: Sequence[Sublattice], *, limit: int = MOST_ARRANGEMENTS
) -> Decorations:
    """List all inequivalent arrangements.

    Parameters
    ----------
    permutations, sublattices
        See `count_decorations`; 64 sites at most in all.
    limit : int
        Largest number of arrangements to go through.

    Returns
    -------
    Decorations
        One arrangement of each orbit; the multiplicities add up to the number of arrangements.

    Raises
    ------
    InputError
        If there are more sites or arrangements than that; `sample_decorations` draws from them instead.

    Notes
    -----
    An arrangement is a number whose bits are the chosen sites. Of each orbit the smallest number is kept: chunks of
    numbers are moved by one operation after another, and those that become smaller are dropped. The multiplicity
    is the order of the group over the number of operations that leave it as it is.

    Examples
    --------
    >>> turn = np.array([[(i + k) % 4 for i in range(4)] for k in range(4)])
    >>> found = enumerate_decorations(turn, [Sublattice((0, 1, 2, 3), 2)])
    >>> found.multiplicity.tolist()
    [4, 2]
    """
    group, parts = check_sublattices(permutations, sublattices)
    active = np.array([s for part in parts for s in part.sites], dtype=np.intp)
    arrangements = prod(comb(len(p.sites), p.number) for p in parts)
    if len(active) > _BITS or arrangements > limit:
        need = f"at most {limit} arrangements of at most {_BITS} sites"
        remedy = "draw some with sample_decorations"
        raise InputError("sublattices", need=need, got=f"{arrangements} of {len(active)}", remedy=remedy)
    tables = _tables(group, active)
    kept, weights = [], []
    for chunk in _arrangements(parts):
        masks, stable = _smallest(chunk, tables)
        kept.append(masks)
        weights.append(len(group) // stable)
    masks = np.concatenate(kept) if kept else np.zeros(0, dtype=np.uint64)
    chosen = np.zeros((len(masks), group.shape[1]), dtype=bool)
    bits = (masks[:, None] >> np.arange(len(active), dtype=np.uint64)) & np.uint64(1)
    chosen[:, active] = bits.astype(bool)
    return Decorations(chosen, np.concatenate(weights).astype(np.intp), len(masks), arrangements)


def _arrangements(parts: Sequence[Sublattice]) -> Iterator[Masks]:
    """Go through all arrangements as bit masks, in chunks of bounded size."""
    masks: list[Masks] = []
    offset = 0
    for part in parts:
        masks.append(_combination_masks(len(part.sites), part.number) << np.uint64(offset))
        offset += len(part.sites)
    if not masks:
        yield np.zeros(1, dtype=np.uint64)
        return
    # The inner sublattices are joined while the product stays small; the outer ones are looped over.
    inner = masks.pop()
    while masks and len(inner) * len(masks[-1]) <= _CHUNK:
        inner = (masks.pop()[:, None] | inner[None, :]).ravel()
    outer: Masks = reduce(lambda a, b: (a[:, None] | b[None, :]).ravel(), masks, np.zeros(1, dtype=np.uint64))
    for mask in outer:
        for k in range(0, len(inner), _CHUNK):
            yield inner[k : k + _CHUNK] | mask


def _combination_masks(n: int, k: int) -> Masks:
    """Return the masks of all choices of k among n bits."""
    if min(k, n - k) <= 2 or comb(n, k) < 5000:
        rows = np.array(list(combinations(range(n), k)), dtype=np.uint64).reshape(comb(n, k), k)
        return np.bitwise_or.reduce(np.uint64(1) << rows, axis=1) if k else np.zeros(1, dtype=np.uint64)
    half = n // 2
    low = [_combination_masks(half, j) for j in range(min(half, k) + 1)]
    high = [_combination_masks(n - half, j) << np.uint64(half) for j in range(min(n - half, k) + 1)]
    blocks = [(high[k - j][:, None] | low[j][None, :]).ravel() for j in range(len(low)) if 0 <= k - j < len(high)]
    return np.concatenate(blocks)


def _tables(group: Indices, active: Indices) -> NDArray[np.uint64]:
    """Return for each operation and each byte of a mask the bits that it becomes, (G, bytes, 256)."""
    place = np.full(group.shape[1], -1)
    place[active] = np.arange(len(active))
    target = place[group[:, active]].astype(np.uint64)
    n_bytes = -(-len(active) // 8) or 1
    values = np.arange(256, dtype=np.uint64)
    tables = np.zeros((len(group), n_bytes, 256), dtype=np.uint64)
    for bit in range(len(active)):
        set_bits = (values >> np.uint64(bit % 8)) & np.uint64(1)
        tables[:, bit // 8] |= set_bits[None, :] << target[:, bit, None]
    return tables


def _smallest(masks: Masks, tables: NDArray[np.uint64]) -> tuple[Masks, Indices]:
    """Keep the masks that no operation makes smaller, and count the operations that leave them as they are."""
    stable = np.zeros(len(masks), dtype=np.intp)
    for table in tables:
        image = table[0][(masks & np.uint64(255)).astype(np.intp)]
        for byte in range(1, len(table)):
            image |= table[byte][((masks >> np.uint64(8 * byte)) & np.uint64(255)).astype(np.intp)]
        stable += image == masks
        smaller = image < masks
        if smaller.any():
            masks, stable = masks[~smaller], stable[~smaller]
    return masks, stable
