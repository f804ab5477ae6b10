"""Vertices of coordination shells: which centre they belong to, and labels that mean the same direction in
every shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from ionpath.arrays import Floats, Ints, Symbols
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image
from ionpath.sites.plausibility import check_ties

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
