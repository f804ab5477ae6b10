"""Uniform sampling of inequivalent arrangements where there are too many to list."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Ints
from ionpath.errors import InputError
from ionpath.lattice.decorations import (
    Decorations,
    Sublattice,
    check_sublattices,
    count_decorations,
    cycle_polynomial,
    cycle_types,
    fixed_by_type,
)

_TRIES = 50


@typed
def sample_decorations(
    permutations: ArrayLike,
    sublattices: Sequence[Sublattice],
    number: int,
    *,
    weight: Literal["inequivalent", "arrangements"] = "inequivalent",
    distinct: bool = True,
    seed: int = 0,
) -> Decorations:
    """Draw inequivalent arrangements at random.

    Parameters
    ----------
    permutations, sublattices
        See `count_decorations`.
    number : int
        How many to draw.
    weight : {"inequivalent", "arrangements"}
        Whether each inequivalent arrangement, or each arrangement, is equally likely.
    distinct : bool
        Draw none twice.
    seed : int
        Seed.

    Returns
    -------
    Decorations
        The arrangements drawn with their multiplicities, and the exact numbers of all.

    Raises
    ------
    InputError
        If more distinct arrangements are asked for than there are.

    Notes
    -----
    An operation is drawn with a probability in proportion to the number of arrangements that it leaves as they are,
    and then one of these; every orbit is then equally likely (J. D. Dixon and H. S. Wilf, J. Algorithms 4, 205
    (1983), doi:10.1016/0196-6774(83)90021-6). The counts are exact integers of any size.

    Examples
    --------
    >>> turn = np.array([[(i + k) % 12 for i in range(12)] for k in range(12)])
    >>> drawn = sample_decorations(turn, [Sublattice(tuple(range(12)), 6)], 5)
    >>> len(drawn), drawn.inequivalent, drawn.arrangements
    (5, 80, 924)
    """
    group, parts = check_sublattices(permutations, sublattices)
    inequivalent, arrangements = count_decorations(group, parts)
    if distinct and number > inequivalent:
        need = f"at most the {inequivalent} inequivalent arrangements"
        raise InputError("number", need=need, got=str(number), remedy="list all with enumerate_decorations")
    rng = np.random.default_rng(seed)
    draw = _Draw(group, parts, weight == "inequivalent", rng)
    seen: dict[bytes, None] = {}
    chosen: list[Bools] = []
    multiplicity: list[int] = []
    tries = 0
    while len(chosen) < number:
        state = draw.one()
        smallest, size = _orbit(state, group, draw.active)
        tries += 1
        if distinct and smallest in seen and tries < _TRIES * max(number, inequivalent if inequivalent < 10**6 else 0):
            continue
        seen[smallest] = None
        chosen.append(state)
        multiplicity.append(size)
    rows = np.array(chosen, dtype=bool).reshape(-1, group.shape[1])
    return Decorations(rows, np.array(multiplicity, dtype=np.intp), inequivalent, arrangements)


class _Draw:
    """Random arrangements, uniform over orbits or over all."""

    def __init__(self, group: Ints, parts: Sequence[Sublattice], by_orbit: bool, rng: np.random.Generator) -> None:
        self.group, self.parts, self.rng = group, parts, rng
        self.active = np.array([s for part in parts for s in part.sites], dtype=np.intp)
        self.by_orbit = by_orbit
        table = fixed_by_type(group, parts)
        self.kinds = list(table)
        self.weights = [fixed * times for fixed, times in table.values()]
        members: dict[object, list[int]] = {}
        for k, kind in enumerate(cycle_types(group, parts)):
            members.setdefault(kind, []).append(k)
        self.members = members

    def one(self) -> Bools:
        state = np.zeros(self.group.shape[1], dtype=bool)
        if not self.by_orbit:
            for part in self.parts:
                state[self.rng.choice(np.array(part.sites), size=part.number, replace=False)] = True
            return state
        kind = self.kinds[_choose(self.weights, self.rng)]
        operation = self.group[int(self.rng.choice(self.members[kind]))]
        for part, lengths in zip(self.parts, kind, strict=True):
            self._fill(state, operation, part, lengths)
        return state

    def _fill(self, state: Bools, operation: Ints, part: Sublattice, lengths: tuple[tuple[int, int], ...]) -> None:
        """Choose whole cycles at random so that the right number of sites is chosen."""
        cycles = _cycles(operation, part.sites)
        left = part.number
        for k, (length, times) in enumerate(lengths):
            rest = cycle_polynomial(lengths[k + 1 :], left)
            options = [comb(times, n) * rest[left - n * length] for n in range(min(times, left // length) + 1)]
            n = _choose(options, self.rng)
            for pick in self.rng.choice(times, size=n, replace=False):
                state[cycles[length][int(pick)]] = True
            left -= n * length


def _cycles(operation: Ints, sites: tuple[int, ...]) -> dict[int, list[list[int]]]:
    found: dict[int, list[list[int]]] = {}
    seen: set[int] = set()
    for start in sites:
        if start in seen:
            continue
        cycle, now = [start], int(operation[start])
        while now != start:
            cycle.append(now)
            now = int(operation[now])
        seen.update(cycle)
        found.setdefault(len(cycle), []).append(cycle)
    return found


def _choose(weights: Sequence[int], rng: np.random.Generator) -> int:
    """Draw an index in proportion to integer weights of any size."""
    total = sum(weights)
    n_bytes = (total.bit_length() + 7) // 8
    while True:
        value = int.from_bytes(rng.bytes(n_bytes), "little") >> (8 * n_bytes - total.bit_length())
        if value < total:
            break
    for k, weight in enumerate(weights):
        if value < weight:
            return k
        value -= weight
    raise AssertionError("the weights do not add up to their sum")


def _orbit(state: Bools, group: Ints, active: Ints) -> tuple[bytes, int]:
    """Return a name of the orbit that does not depend on the member, and its size."""
    images = np.packbits(state[group][:, active], axis=1)
    words = np.ascontiguousarray(images).view(np.dtype((np.void, images.shape[1]))).ravel()
    members = np.unique(words)
    return members[0].tobytes(), len(members)
