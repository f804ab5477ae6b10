"""Cages: groups of sites that lie near to each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError
from ionpath.periodic import minimum_image, wrap_fractional

_LONGEST_LINK = 6.0
"""Sites further apart than this are never linked to one cage directly, in A."""


def cages_of_sites(sites: Floats, cell: Floats, n_vertices: int | None) -> tuple[Floats, Floats, Ints]:
    """Group sites into cages of near neighbours.

    Notes
    -----
    Sites are linked in the order of their distances (single linkage). Cages are what is linked at a distance at which
    all have `n_vertices` sites, or just before the largest relative step in the distances at which groups merge that
    leaves cages inside the cell.
    """
    if len(sites) == 1:
        return sites.copy(), np.zeros((1, 3)), np.zeros(1, dtype=np.int64)
    vectors = minimum_image((sites[None] - sites[:, None]) @ cell, cell)
    distances = np.linalg.norm(vectors, axis=-1)
    tree = linkage(squareform(distances, checks=False), method="single")
    for group in _cuts(tree, len(sites), n_vertices):
        try:
            return _cages(sites, cell, group)
        except InputError as error:
            last = error
    raise last


def _cages(sites: Floats, cell: Floats, group: Ints) -> tuple[Floats, Floats, Ints]:
    _, owner = np.unique(group, return_inverse=True)
    # number cages in the order of their first site
    first = np.array([np.flatnonzero(owner == c)[0] for c in range(owner.max() + 1)])
    owner = np.argsort(np.argsort(first))[owner]
    centres, offsets = [], np.zeros((len(sites), 3))
    for c in range(len(first)):
        mine = np.flatnonzero(owner == c)
        middle, offsets[mine] = _middle(sites[mine], cell, c)
        centres.append(middle)
    return wrap_fractional(np.array(centres)), offsets, owner.astype(np.int64)


def _cuts(tree: Floats, n_sites: int, n_vertices: int | None) -> Iterator[Ints]:
    """Groupings of the sites, the one to be preferred first."""
    heights = tree[:, 2]
    if n_vertices is None:
        near = heights[heights <= _LONGEST_LINK]
        if len(near) == 0:
            yield np.arange(n_sites)
            return
        steps = np.append(near[1:], max(_LONGEST_LINK, near[-1])) / near
        for k in np.argsort(-steps, kind="stable"):
            yield np.asarray(fcluster(tree, near[k] + 1e-9, criterion="distance"))
        return
    best: Ints | None = None
    for height in np.unique(heights):
        group = np.asarray(fcluster(tree, height + 1e-9, criterion="distance"))
        sizes = np.bincount(group)[1:]
        if (sizes == n_vertices).all():
            yield group
            return
        if best is None or (sizes == n_vertices).mean() > (np.bincount(best)[1:] == n_vertices).mean():
            best = group
    assert best is not None
    sizes = np.bincount(best)[1:]
    wrong = int(np.flatnonzero(sizes != n_vertices)[0])
    raise InputError(
        f"cage {wrong} of {len(sizes)}", need=f"{n_vertices} sites", got=f"{sizes[wrong]} ({n_sites} sites in all)",
        remedy="change `separation` or `background`, or leave n_vertices out",
    )  # fmt: skip


def _middle(sites: Floats, cell: Floats, number: int) -> tuple[Floats, Floats]:
    """Middle of sites that lie together, and their vectors from it, walking from each site to its nearest
    neighbour."""
    placed = {0: np.zeros(3)}
    while len(placed) < len(sites):
        inside, outside = list(placed), [k for k in range(len(sites)) if k not in placed]
        steps = minimum_image((sites[outside][None] - sites[inside][:, None]) @ cell, cell)
        i, o = np.unravel_index((steps**2).sum(axis=-1).argmin(), steps.shape[:2])
        placed[outside[o]] = placed[inside[i]] + steps[i, o]
    chain = np.array([placed[k] for k in range(len(sites))])
    middle = chain.mean(axis=0)
    straight = minimum_image(chain - middle, cell)
    if np.abs(straight - (chain - middle)).max() > 1e-6:
        raise InputError(
            f"cage {number}", need="a group of sites that ends inside the cell", got="one that closes on itself",
            remedy="give n_vertices, or a larger cell",
        )  # fmt: skip
    return sites[0] + middle @ np.linalg.inv(cell), chain - middle
