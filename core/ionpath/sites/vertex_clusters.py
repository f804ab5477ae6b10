"""Vertices of shells as clusters of the positions that ions take around a centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from ionpath.arrays import Floats, Ints, Symbols
from ionpath.errors import InputError
from ionpath.sites.nearest import SiteTree
from ionpath.sites.reference import ReferenceFrames, nearest_centre_vectors
from ionpath.sites.vertices import check_vertices

_WIDEST_RADIUS = 3.5
_SAMPLES = 8000
_POPULATED = 0.1
"""A cluster with less than this share of what each would have on average is no vertex."""
_SEPARATION = 1.2
"""Clusters closer than this are one vertex, in A."""
_SPREAD = 0.45
"""A cluster whose spread exceeds this share of the distance to the next one holds more than one vertex."""


@dataclass(frozen=True, eq=False)
class Clustering:
    """How many clusters there are to be, of which atoms, and how they are found."""

    n_vertices: Ints | None  # (M,): number of vertices expected around each centre; None stands for one
    kinds: Symbols  # (M,): kind of every centre
    atoms: Any  # (M,): atom of every centre, for messages
    radius: float | None  # ions within this distance of their nearest centre are used, in A
    pooled: bool  # whether all centres of a kind have the same vertices
    seed: int  # seed of the clustering


def vertices_around(frames: ReferenceFrames, cell: Floats, centres: Floats, asked: Clustering) -> tuple[Floats, Ints]:
    """Cluster the positions of ions around every centre."""
    if (radius := asked.radius) is None:
        radius = min(_WIDEST_RADIUS, 0.5 * float(SiteTree(cell, centres, 2.0 * _WIDEST_RADIUS).separation.min()))
    centre, vectors = nearest_centre_vectors(frames, cell, centres, radius)
    near = centre >= 0
    centre, vectors = centre[near], vectors[near]
    needed = np.ones(len(centres), dtype=np.int64) if asked.n_vertices is None else asked.n_vertices
    remedy = f"change n_vertices or `radius` (now {radius:.2f} A), or give more frames"
    means: list[Floats] = [np.zeros((0, 3))] * len(centres)
    found = np.zeros(len(centres), dtype=np.int64)
    for group in _groups(asked, needed):
        mine = np.isin(centre, group)
        fitted, real = _clusters(vectors[mine], int(needed[group[0]]), asked, group, remedy)
        visited = _visited(centre[mine], vectors[mine], fitted, group)
        for row, c in enumerate(group):
            means[c], found[c] = fitted, min(real, int(visited[row]))
    check_vertices(found, needed, asked.kinds, asked.atoms, remedy)
    return np.concatenate(means), np.repeat(np.arange(len(centres)), needed)


def _groups(asked: Clustering, needed: Ints) -> list[Ints]:
    """Centres that are taken together."""
    if not asked.pooled:
        return [np.array([c]) for c in range(len(needed))]
    keys = [f"{kind} {n}" for kind, n in zip(asked.kinds, needed, strict=True)]
    return [np.flatnonzero(np.array(keys) == key) for key in sorted(set(keys))]


def _visited(centre: Ints | NDArray[np.int32], vectors: Floats, means: Floats, group: Ints) -> Ints:
    """How many of the vertices ions have been on, around each centre of a group."""
    if len(vectors) == 0:
        return np.zeros(len(group), dtype=np.int64)
    label = cdist(vectors, means).argmin(axis=1)
    seen = np.zeros((len(group), len(means)), dtype=bool)
    seen[np.searchsorted(group, centre), label] = True
    return seen.sum(axis=1)


def _clusters(vectors: Floats, n: int, asked: Clustering, group: Ints, remedy: str) -> tuple[Floats, int]:
    """Means of `n` clusters, and how many of them are apart and populated."""
    vectors = vectors[:: max(1, len(vectors) // _SAMPLES)]
    if len(vectors) < max(n, 2):
        return np.zeros((n, 3)), min(len(vectors), n - 1)
    from sklearn.cluster import KMeans

    fit = KMeans(n, n_init=10, random_state=asked.seed).fit(vectors)
    means, label = fit.cluster_centers_.astype(np.float64), fit.labels_
    apart = cdist(means, means) + np.diag(np.full(n, np.inf))
    share = np.bincount(label, minlength=n) * n / len(vectors)
    close = np.triu(apart < _SEPARATION).any(axis=0)
    real = int(((share >= _POPULATED) & ~close).sum())
    spread = np.array([np.sqrt(((vectors[label == k] - means[k]) ** 2).sum(axis=1).mean()) for k in range(n)])
    wide = np.flatnonzero(spread > _SPREAD * apart.min(axis=1))
    if real == n > 1 and len(wide):
        first, k = int(group[0]), wide[0]
        raise InputError(
            f"centre {first} ({asked.kinds[first]})", need=f"{n} vertices",
            got=f"positions that do not form {n} clusters: one is {spread[k]:.2f} A wide and {apart[k].min():.2f} A "
            "from the next",
            remedy=remedy,
        )  # fmt: skip
    return means, real
