"""Rotations of tetrahedra: how often they turn into an orientation that differs by which ligand is where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Finite, Ints
from ionpath.documented import documented
from ionpath.errors import InputError, positive, whole
from ionpath.estimate import poisson_interval
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True)
class RotationRate(Msonable):
    """How often tetrahedra turn into an orientation that differs by which ligand is where."""

    events: int  # rotations seen
    time: float  # time watched, summed over tetrahedra, in ps
    rate: float  # rotations per tetrahedron and ps
    # low, high: 95 % interval of the rate; without an event, an upper bound
    low: float
    high: float


@typed
def rotation_rate(events: int, time: float) -> RotationRate:
    """Return a rate with its Poisson interval.

    Parameters
    ----------
    events : int
        Rotations seen.
    time : float
        Time watched, summed over tetrahedra, in ps.

    Returns
    -------
    RotationRate
        Rate and exact 95 % interval.

    Examples
    --------
    >>> none = rotation_rate(0, 100.0)
    >>> none.rate, round(none.high, 4)
    (0.0, 0.0369)
    """
    whole("events", events, 0)
    positive("time", time, "ps", remedy="use two frames at least")
    low, high = poisson_interval(events)
    return RotationRate(int(events), float(time), events / time, low / time, high / time)


@typed
def corner_permutations(vectors: Finite, reference: Finite, *, core: float = 40.0) -> Ints:
    """Tell which ligand of each tetrahedron points where.

    Parameters
    ----------
    vectors : array_like, (T, M, 4, 3)
        Bond vectors.
    reference : array_like, (M, 4, 3)
        Bond vectors of the reference.
    core : float, default 40
        A ligand is at a place if it points there within this angle, in degrees.

    Returns
    -------
    ndarray of int, (T, M)
        Number of the permutation (base-4 digits of the places), or -1 while the tetrahedron is between two.

    Examples
    --------
    >>> s = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    >>> turned = s[:, [1, 2, 0]]  # by 120 degrees about (1, 1, 1)
    >>> corner_permutations(np.stack([s, turned])[:, None], s[None])[:, 0].tolist()
    [228, 156]
    """
    v = np.asarray(vectors, dtype=np.float64)
    r = np.asarray(reference, dtype=np.float64)
    if not 0.0 < core < 90.0:
        raise InputError("core", need="an angle between 0 and 90 degrees", got=repr(core), remedy="use 40")
    v = v / np.linalg.norm(v, axis=-1, keepdims=True)
    r = r / np.linalg.norm(r, axis=-1, keepdims=True)
    cosines = np.einsum("tmli,mki->tmlk", v, r)
    place = cosines.argmax(axis=-1)
    clear = cosines.max(axis=-1).min(axis=-1) > np.cos(np.radians(core))
    distinct = (np.sort(place, axis=-1) == np.arange(place.shape[-1])).all(axis=-1)
    number = (place * 4 ** np.arange(place.shape[-1])).sum(axis=-1)
    return np.where(clear & distinct, number, -1).astype(np.int64)


@typed
class RotationCounter:
    """Rotations counted frame by frame; counters of consecutive parts of a run can be joined.

    Parameters
    ----------
    n : int
        Number of tetrahedra.
    """

    def __init__(self, n: int) -> None:
        self.first = np.full(n, -1, dtype=np.int64)
        self.last = np.full(n, -1, dtype=np.int64)
        self.events = np.zeros(n, dtype=np.int64)

    def add(self, permutations: Ints) -> None:
        """Count changes in the next frames: permutations (T, n) of `corner_permutations`; -1 keeps what was before."""
        for row in permutations:
            known = row >= 0
            self.events += known & (self.last >= 0) & (row != self.last)
            self.first = np.where((self.first < 0) & known, row, self.first)
            self.last = np.where(known, row, self.last)

    def state(self) -> dict[str, Ints]:
        """First and last permutations, and changes: what later frames can be joined to."""
        return {"first": self.first, "last": self.last, "events": self.events}

    def merge(self, state: Mapping[str, Ints]) -> None:
        """Join the `state` of the counter of the frames that follow."""
        met = (self.last >= 0) & (state["first"] >= 0) & (self.last != state["first"])
        self.events += state["events"] + met
        self.first = np.where(self.first < 0, state["first"], self.first)
        self.last = np.where(state["last"] >= 0, state["last"], self.last)
