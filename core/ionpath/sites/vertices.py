"""Vertices of coordination shells: clusters of the positions of ions, each given to a centre, with labels that mean
the same direction in every shell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from ionpath.arrays import Floats, Ints, Symbols
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image
from ionpath.sites.nearest import SiteTree
from ionpath.sites.plausibility import check_ties
from ionpath.sites.reference import ReferenceFrames, nearest_centre_vectors

VertexCounts = int | Sequence[int] | Mapping[str, int] | None

_LAYER = 0.25
"""Vertices whose heights on the unit sphere differ by less belong to one layer."""
_SEAM = np.deg2rad(10.0)
"""A direction may be this far below the x axis and still be the first of its layer."""
_WIDEST_MATCH = np.deg2rad(40.0)


@dataclass(frozen=True, eq=False)
class VertexLabels(Msonable):
    """Labels of the vertices of all shells."""

    vertex: Ints  # (S,): label of each vertex, from 1
    family: Ints  # (M,): shells with the same number have their vertices in the same directions
    templates: tuple[Floats, ...]  # (n, 3): unit vectors of the vertices 1..n of each family


def nearest_centres(cell: Floats, centres: Floats, sites: Floats, tie: float | None = None) -> tuple[Ints, Floats]:
    """Return each site to its nearest centre; refuse sites between centres that differ by less than `tie`, in A."""
    owner = np.empty(len(sites), dtype=np.int64)
    offsets = np.empty((len(sites), 3))
    block = max(1, 2_000_000 // max(1, len(centres)))
    for start in range(0, len(sites), block):
        part = slice(start, start + block)
        vectors = minimum_image((sites[part, None, :] - centres[None]) @ cell, cell)
        squares = (vectors**2).sum(axis=-1)
        if tie is not None:
            check_ties(squares, start, tie)
        # Sites between centres go to the first of them, whatever the last digits say.
        owner[part] = (squares <= squares.min(axis=1, keepdims=True) + 1e-6).argmax(axis=1)
        offsets[part] = vectors[np.arange(len(vectors)), owner[part]]
    return owner, offsets


def expected_vertices(counts: VertexCounts, kinds: Symbols) -> Ints | None:
    """Write the expected number of vertices out for every centre.

    >>> expected_vertices({"S": 6, "Cl": 5}, np.array(["S", "Cl", "S"]))
    array([6, 5, 6])
    """
    if counts is None:
        return None
    if isinstance(counts, Mapping):
        missing = sorted({str(k) for k in kinds} - set(counts))
        if missing:
            got = f"none for {', '.join(missing)}"
            raise InputError("n_vertices", need="a number for every kind of centre", got=got, remedy="add these kinds")
        return np.array([counts[str(kind)] for kind in kinds], dtype=np.int64)
    numbers = np.asarray(counts, dtype=np.int64)
    if numbers.ndim and len(numbers) != len(kinds):
        got = str(len(numbers))
        remedy = "give one number for all, or one per centre"
        raise InputError("n_vertices", need=f"{len(kinds)} numbers, one per centre", got=got, remedy=remedy)
    return np.broadcast_to(numbers, (len(kinds),)).copy()


def check_vertices(found: Ints, needed: Ints | None, kinds: Symbols, atoms: Any, remedy: str) -> None:
    """Refuse a centre that has not the expected number of vertices."""
    wrong = np.flatnonzero(found < 1 if needed is None else found != needed)
    if len(wrong) == 0:
        return
    first = int(wrong[0])
    name = f"centre {first} ({kinds[first]}" + ("" if atoms is None else f", atom {int(atoms[first])}") + ")"
    others = f" (and {len(wrong) - 1} more centres)" if len(wrong) > 1 else ""
    need = "at least one vertex" if needed is None else f"{int(needed[first])} vertices"
    raise InputError(name, need=need, got=f"{int(found[first])}{others}", remedy=remedy)


def unit_vectors(vectors: Floats) -> Floats:
    """Directions of vectors; a site at its centre has none, and stays zero."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def canonical_order(directions: ArrayLike) -> Ints:
    """Order directions from top to bottom, and around the z axis in each layer.

    >>> canonical_order([[0, 0, -1], [0, -1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [-1, 0, 0]]) + 1
    array([4, 3, 5, 6, 2, 1])
    """
    vectors = np.asarray(directions, dtype=np.float64)
    units = unit_vectors(vectors)
    down = np.argsort(-units[:, 2], kind="stable")
    layer = np.empty(len(units), dtype=np.int64)
    layer[down] = np.concatenate([[0], np.cumsum(np.diff(units[down, 2]) < -_LAYER)])
    azimuth = np.mod(np.arctan2(units[:, 1], units[:, 0]) + _SEAM, 2.0 * np.pi)
    return np.lexsort((azimuth, layer))


def match_directions(directions: Floats, template: Floats) -> tuple[Ints, float]:
    """Find the vertices of a template that directions point to."""
    cosine = np.clip(directions @ template.T, -1.0, 1.0)
    _, column = linear_sum_assignment(1.0 - cosine)
    return column, float(np.arccos(cosine[np.arange(len(directions)), column]).max())


def _half_gap(template: Floats) -> float:
    """Half of the smallest angle between two vertices, at most 40 degrees."""
    cosine = template @ template.T - 2.0 * np.eye(len(template))
    return min(_WIDEST_MATCH, 0.5 * float(np.arccos(np.clip(cosine.max(), -1.0, 1.0))))


def label_vertices(
    offsets: Floats,
    owner: Ints,
    n_centres: int,
    *,
    template: ArrayLike | None = None,
    orientation: ArrayLike | None = None,
) -> VertexLabels:
    """Label vertices so that the same direction has the same label in every shell."""
    axes = np.eye(3) if orientation is None else np.asarray(orientation, dtype=np.float64)
    units = unit_vectors(offsets @ axes.T)
    templates: list[Floats] = []
    if template is not None:
        templates.append(unit_vectors(np.asarray(template, dtype=np.float64)))
    members = [np.flatnonzero(owner == c) for c in range(n_centres)]
    vertex = np.zeros(len(offsets), dtype=np.int64)
    family = np.full(n_centres, -1, dtype=np.int64)
    for c in sorted(range(n_centres), key=lambda c: -len(members[c])):
        if len(members[c]) == 0:
            continue
        fit = _best_template(units[members[c]], templates)
        if fit is None and template is not None:
            got = "directions that do not fit"
            remedy = "check `template` and `orientation`, or leave the template out"
            raise InputError(f"centre {c}", need="vertices in the directions of the template", got=got, remedy=remedy)
        if fit is None:
            order = canonical_order(units[members[c]])
            templates.append(units[members[c]][order])
            fit = len(templates) - 1, np.argsort(order)
        family[c], vertex[members[c]] = fit[0], fit[1] + 1
    return VertexLabels(vertex, family, tuple(templates))


def _best_template(units: Floats, templates: list[Floats]) -> tuple[int, Ints] | None:
    best: tuple[float, int, Ints] | None = None
    for k, template in enumerate(templates):
        if len(template) < len(units):
            continue
        index, widest = match_directions(units, template)
        if widest <= _half_gap(template) and (best is None or widest < best[0]):
            best = widest, k, index
    return None if best is None else (best[1], best[2])


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
