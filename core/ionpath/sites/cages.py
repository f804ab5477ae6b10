"""Cages: groups of sites that lie near to each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError, positive
from ionpath.periodic import minimum_image, wrap_fractional
from ionpath.sites.nearest import SiteTree

_LONGEST_LINK = 6.0
"""Sites further apart than this are never linked to one cage directly, in A."""


def cages_of_sites(sites: Floats, cell: Floats, n_vertices: int | None) -> tuple[Floats, Floats, Ints]:
    """Group sites into cages of near neighbours.

    Sites are linked in the order of their distances (single linkage). Cages are what is linked at a distance at which
    all have `n_vertices` sites, or just before the largest relative step in the distances at which groups merge that
    leaves cages inside the cell.
    """
    if len(sites) == 1:
        return sites.copy(), np.zeros((1, 3)), np.zeros(1, dtype=np.int64)
    vectors = minimum_image((sites[None] - sites[:, None]) @ cell, cell)
    distances = np.linalg.norm(vectors, axis=-1)
    tree = linkage(squareform(distances, checks=False), method="single")
    for group, height in _cuts(tree, len(sites), n_vertices):
        try:
            return _cages(sites, cell, group, height)
        except InputError as error:
            last = error
    raise last


def merged_sites(cell: Floats, sites: Floats, reach: float) -> Floats:
    """Sites in the middle of those that are linked by distances below `reach`, in A; they may not form chains."""
    positive("merge", reach, "A", zero=True)
    points = wrap_fractional(sites)
    if reach == 0.0 or len(points) < 2:
        return points
    tree = SiteTree(cell, points, reach)
    near = tree.tree.query_ball_point(tree.place(points), reach)
    first = np.repeat(np.arange(len(points)), list(map(len, near)))
    second = tree.owner[np.concatenate(near).astype(np.int64)]
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(points), len(points)))
    group = connected_components(links, directed=False)[1]
    try:
        middle, places, _ = _cages(points, cell, group, reach)
        widest = float(np.linalg.norm(places, axis=1).max())
    except InputError:  # a chain through the whole cell
        widest = np.inf
    if widest > reach:
        got = "a chain of sites" + (f", up to {widest:.2f} A away" if widest < np.inf else " through the cell")
        need = f"groups of sites within {reach:g} A of their middle"
        raise InputError("merge", need=need, got=got, remedy="leave out sites between others, or merge less")
    return middle


def _cages(sites: Floats, cell: Floats, group: Ints, height: float) -> tuple[Floats, Floats, Ints]:
    """Middles of the groups that links up to `height` make, vectors from them, and the group of each site."""
    _, owner = np.unique(group, return_inverse=True)
    # number cages in the order of their first site
    first = np.array([np.flatnonzero(owner == c)[0] for c in range(owner.max() + 1)])
    owner = np.argsort(np.argsort(first))[owner].astype(np.int64)
    first = np.sort(first)
    tree = SiteTree(cell, sites, height + 1e-6)
    here = tree.place(sites)
    near = tree.tree.query_ball_point(here, height + 1e-6)
    places = np.full((len(sites), 3), np.nan)
    places[first] = 0.0
    queue = first.tolist()
    while queue:
        k = queue.pop()
        steps = tree.points[near[k]] - here[k]
        for j, place in zip(tree.owner[near[k]], places[k] + steps, strict=True):
            if np.isnan(places[j, 0]):
                places[j] = place
                queue.append(int(j))
            elif np.abs(places[j] - place).max() > 1e-3:  # two ways to one site differ by a lattice vector
                need = "a group of sites that ends inside the cell"
                remedy = "give n_vertices, or a larger cell"
                raise InputError(f"cage {owner[k]}", need=need, got="one that closes on itself", remedy=remedy)
    number = np.bincount(owner)[:, None]
    middle = np.stack([np.bincount(owner, places[:, k]) for k in range(3)], axis=1) / number
    return wrap_fractional(sites[first] + middle @ np.linalg.inv(cell)), places - middle[owner], owner


def _cuts(tree: Floats, n_sites: int, n_vertices: int | None) -> Iterator[tuple[Ints, float]]:
    """Groupings of the sites with the longest link in them, the one to be preferred first."""
    heights = tree[:, 2]
    if n_vertices is None:
        near = heights[heights <= _LONGEST_LINK]
        if len(near) == 0:
            yield np.arange(n_sites), 0.0
            return
        steps = np.append(near[1:], max(_LONGEST_LINK, near[-1])) / near
        for k in np.argsort(-steps, kind="stable"):
            yield np.asarray(fcluster(tree, near[k] + 1e-9, criterion="distance")), float(near[k])
        return
    best: Ints | None = None
    for height in np.unique(heights):
        group = np.asarray(fcluster(tree, height + 1e-9, criterion="distance"))
        sizes = np.bincount(group)[1:]
        if (sizes == n_vertices).all():
            yield group, float(height)
            return
        if best is None or (sizes == n_vertices).mean() > (np.bincount(best)[1:] == n_vertices).mean():
            best = group
    assert best is not None
    sizes = np.bincount(best)[1:]
    wrong = int(np.flatnonzero(sizes != n_vertices)[0])
    got = f"{sizes[wrong]} ({n_sites} sites in all)"
    remedy = "change `separation` or `background`, or leave n_vertices out"
    raise InputError(f"cage {wrong} of {len(sizes)}", need=f"{n_vertices} sites", got=got, remedy=remedy)
