"""Few among many sites: as far apart as possible, or as little correlated as possible."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Finite, Floats, Indices
from ionpath.errors import InputError
from ionpath.lattice.neighbours import neighbours_within
from ionpath.periodic import as_cells, minimum_image

_CHUNK = 4096


@typed
def farthest_points(
    candidates: Finite,
    cell: ArrayLike,
    number: int,
    *,
    occupied: ArrayLike | None = None,
    closest: float = 0.0,
    seed: int = 0,
    attempts: int = 64,
) -> Indices:
    """Choose sites one by one, each as far as possible from those already taken.

    Parameters
    ----------
    candidates : array_like, (N, 3)
        Positions to choose from, in A.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    number : int
        How many to choose.
    occupied : array_like, (M, 3), optional
        Positions that are taken beforehand, in A.
    closest : float
        No two positions may be closer than this, in A.
    seed : int
        Seed of the first choice and of ties.
    attempts : int
        How often to start again if the choice runs into a dead end.

    Returns
    -------
    ndarray of int, (number,)
        Indices into the candidates, sorted.

    Raises
    ------
    InputError
        If so many sites at that distance could not be found.

    Examples
    --------
    >>> line = np.arange(8.0)[:, None] * [1.0, 0.0, 0.0]
    >>> chosen = farthest_points(line, np.diag([8.0, 20.0, 20.0]), 2, closest=1.5)
    >>> int(abs(chosen[1] - chosen[0]))
    4
    """
    points = np.asarray(candidates, dtype=np.float64).reshape(-1, 3)
    lattice = as_cells(cell)
    taken = np.empty((0, 3)) if occupied is None else np.asarray(occupied, dtype=np.float64).reshape(-1, 3)
    if not 0 <= number <= len(points):
        raise InputError("number", need=f"at most the {len(points)} candidates", got=str(number))
    start = _distance_to(points, taken, lattice)
    rng = np.random.default_rng(seed)
    best = 0
    for attempt in range(attempts):
        # The last attempts pack as closely as allowed instead of spreading out, which holds the most sites.
        chosen = _grow(points, lattice, number, start.copy(), closest, rng, packing=attempt % 2 == 1)
        if len(chosen) == number:
            return np.sort(chosen)
        best = max(best, len(chosen))
    need = f"{number} of {len(points)} sites at least {closest:g} A apart"
    raise InputError("number", need=need, got=f"room for {best}", remedy="ask for fewer, or allow more sites")


def _grow(
    points: Floats, lattice: Floats, number: int, distance: Floats, closest: float,
    rng: np.random.Generator, *, packing: bool,
) -> Indices:  # fmt: skip
    chosen: list[int] = []
    for _ in range(number):
        allowed = np.flatnonzero(distance >= closest - 1e-9)
        if len(allowed) == 0:
            break
        reach = distance[allowed]
        edge = reach.min() if packing else reach.max()
        ties = allowed[np.abs(reach - edge) < 1e-6] if np.isfinite(edge) else allowed
        pick = int(rng.choice(ties))
        chosen.append(pick)
        distance = np.minimum(distance, _distance_to(points, points[pick : pick + 1], lattice))
        distance[pick] = -1.0
    return np.array(chosen, dtype=np.intp)


def _distance_to(points: Floats, others: Floats, lattice: Floats) -> Floats:
    """Return the distance of each point from the nearest of the others, inf where there are none."""
    nearest = np.full(len(points), np.inf)
    for k in range(0, len(others), max(1, _CHUNK * 256 // max(len(points), 1))):
        block = others[k : k + max(1, _CHUNK * 256 // max(len(points), 1))]
        vectors = minimum_image(points[:, None, :] - block[None, :, :], lattice)
        nearest = np.minimum(nearest, np.linalg.norm(vectors, axis=-1).min(axis=1))
    return nearest


@typed
def even_subset(
    positions: ArrayLike,
    cell: ArrayLike,
    groups: list[tuple[ArrayLike, int]],
    *,
    radius: float,
    sweeps: int = 20,
    seed: int = 0,
) -> Bools:
    """Choose sites so that their pair correlations are as near as possible to those of full disorder.

    Parameters
    ----------
    positions : array_like, (N, 3)
        All sites, in A.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    groups : list of (array_like of int, int)
        Sublattices: indices of their sites, and how many of them to choose.
    radius : float
        Pairs up to this distance count, in A.
    sweeps : int
        Trial exchanges per site.
    seed : int
        Seed of the start and of the trials.

    Returns
    -------
    ndarray of bool, (N,)
        The chosen sites.

    Notes
    -----
    For each pair of sublattices and each shell of distances the number of chosen neighbours is compared with that
    of full disorder; the sum of the squared differences, weighted by the inverse square of the distance, is made
    small by exchanges that are accepted if they do not raise it. This is the aim of special quasirandom
    structures for pairs (A. Zunger et al., Phys. Rev. Lett. 65, 353 (1990), doi:10.1103/PhysRevLett.65.353).

    Examples
    --------
    Half of a chain, with as many equal as unequal neighbours:

    >>> chain = np.arange(8.0)[:, None] * [1.0, 0.0, 0.0]
    >>> chosen = even_subset(chain, np.diag([8.0, 30.0, 30.0]), [(np.arange(8), 4)], radius=1.1)
    >>> int((chosen & np.roll(chosen, 1)).sum())
    2
    """
    xyz = np.asarray(positions, dtype=np.float64)
    members = [np.asarray(index, dtype=np.intp) for index, _ in groups]
    rng = np.random.default_rng(seed)
    state = _random_state(len(xyz), members, [k for _, k in groups], rng)
    problem = _PairCorrelations(xyz, as_cells(cell), members, radius, state)
    movable = [m for m, (_, k) in zip(members, groups, strict=True) if 0 < k < len(m)]
    if not movable:
        return state
    weights = np.array([len(m) for m in movable], dtype=float)
    for which in rng.choice(len(movable), size=sweeps * len(xyz), p=weights / weights.sum()):
        sites = movable[which]
        on, off = sites[state[sites]], sites[~state[sites]]
        problem.try_exchange(state, int(rng.choice(on)), int(rng.choice(off)))
    return state


def _random_state(n: int, members: list[Indices], numbers: list[int], rng: np.random.Generator) -> Bools:
    state = np.zeros(n, dtype=bool)
    for sites, number in zip(members, numbers, strict=True):
        state[rng.choice(sites, size=number, replace=False)] = True
    return state


class _PairCorrelations:
    """Numbers of chosen pairs by shell, and the change that an exchange of two sites makes."""

    def __init__(self, xyz: Floats, lattice: Floats, members: list[Indices], radius: float, state: Bools) -> None:
        kind = np.full(len(xyz), -1)
        for k, sites in enumerate(members):
            kind[sites] = k
        near = neighbours_within(xyz, xyz, lattice, radius, smallest=1e-6)
        both = (kind[near.centre] >= 0) & (kind[near.neighbour] >= 0)
        centre, neighbour, distance = near.centre[both], near.neighbour[both], near.distance[both]
        low, high = np.minimum(kind[centre], kind[neighbour]), np.maximum(kind[centre], kind[neighbour])
        label = np.stack([low, high, np.rint(distance * 10).astype(int)], axis=1)
        _, self.shell = np.unique(label, axis=0, return_inverse=True)
        self.shell = self.shell.ravel()
        self.n_shells = int(self.shell.max()) + 1 if len(self.shell) else 0
        self.neighbour = neighbour
        self.start = np.searchsorted(centre, np.arange(len(xyz) + 1))
        fraction = np.array([state[m].mean() for m in members] or [0.0])
        expected = fraction[kind[centre]] * fraction[kind[neighbour]]
        self.target = _sum_by(self.shell, expected, self.n_shells)
        pairs = np.bincount(self.shell, minlength=self.n_shells)
        length = np.bincount(self.shell, weights=distance, minlength=self.n_shells) / np.maximum(pairs, 1)
        self.weight = 1.0 / np.maximum(length, 1e-9) ** 2 / np.maximum(pairs, 1)
        chosen = (state[centre] & state[neighbour]).astype(np.float64)
        self.now = _sum_by(self.shell, chosen, self.n_shells)
        self.cost = self._cost(self.now)

    def _cost(self, numbers: Floats) -> float:
        return float((self.weight * (numbers - self.target) ** 2).sum())

    def _around(self, state: Bools, site: int, but: int) -> Floats:
        span = slice(self.start[site], self.start[site + 1])
        others = self.neighbour[span]
        counted = (state[others] & (others != but)).astype(np.float64)
        return _sum_by(self.shell[span], counted, self.n_shells)

    def try_exchange(self, state: Bools, on: int, off: int) -> bool:
        """Move a chosen site from `on` to `off` if that does not raise the cost."""
        # A pair counts twice, once from each end; images of a site of itself stay with it.
        change = 2.0 * (self._around(state, off, on) - self._around(state, on, on))
        change += self._own(off) - self._own(on)
        cost = self._cost(self.now + change)
        if cost > self.cost + 1e-12:
            return False
        state[on], state[off] = False, True
        self.now, self.cost = self.now + change, cost
        return True

    def _own(self, site: int) -> Floats:
        span = slice(self.start[site], self.start[site + 1])
        return _sum_by(self.shell[span], (self.neighbour[span] == site).astype(np.float64), self.n_shells)


def _sum_by(label: Indices, values: Floats, n: int) -> Floats:
    return np.bincount(label, weights=values, minlength=n).astype(np.float64)
