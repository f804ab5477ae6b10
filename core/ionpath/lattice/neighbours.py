"""Neighbours within a radius under periodic boundaries, in cells of any size and shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats, Indices, heights
from ionpath.cells import images_around
from ionpath.documented import documented
from ionpath.errors import positive
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells, fractional, wrap_fractional


@typed
@documented
@dataclass(frozen=True)
class NeighbourList(Msonable):
    """Pairs of a centre and a neighbour, sorted by centre and then by distance."""

    # centre, neighbour: (K,): indices into the two sets of positions. A neighbour appears once for each of its images
    # in reach.
    centre: Indices
    neighbour: Indices
    vector: Floats  # (K, 3): from the centre to the neighbour, in A
    distance: Floats  # (K,): length of `vector`, in A

    def counts(self, n_centres: int) -> Indices:
        """Number of neighbours (n_centres,) of each centre, also of those without any."""
        return np.bincount(self.centre, minlength=n_centres)


@typed
def neighbours_within(
    centres: Finite, points: Finite, cell: ArrayLike, radius: float, *, smallest: float = 0.0
) -> NeighbourList:
    """Pairs of `centres` (N, 3) and `points` (M, 3) within a radius of each other, images included, all in A.

    The radius may be longer than the cell (3, 3). Distances up to `smallest` are left out; 1e-6 leaves out a point
    itself. InputError if the radius is not positive and finite, or the cell has no volume.

    Six neighbours at 3 A in a simple cubic lattice whose cell is smaller than the search:

    >>> found = neighbours_within([[0, 0, 0]], [[0, 0, 0]], np.eye(3) * 3.0, 3.1, smallest=0.1)
    >>> found.distance.tolist()
    [3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    """
    positive("radius", radius, "A")
    lattice = as_cells(cell)
    origin = wrap_fractional(fractional(centres, lattice)).reshape(-1, 3)
    others = wrap_fractional(fractional(points, lattice)).reshape(-1, 3)
    images, index = _padded(others, lattice, radius)
    start = origin @ lattice
    hits = cKDTree(images).query_ball_point(start, radius) if len(images) else [[] for _ in start]
    centre = np.repeat(np.arange(len(start)), [len(h) for h in hits])
    found = np.fromiter((k for h in hits for k in h), dtype=np.intp, count=len(centre))
    vector = images[found] - start[centre]
    distance = np.linalg.norm(vector, axis=1)
    keep = np.flatnonzero(distance > smallest) if smallest > 0 else np.arange(len(distance))
    order = keep[np.lexsort((distance[keep], centre[keep]))]
    return NeighbourList(centre[order], index[found[order]], vector[order], distance[order])


def nearest_point(positions: ArrayLike, points: ArrayLike, cell: ArrayLike) -> Indices:
    """Index of the point that is nearest to each position, images included.

    >>> nearest_point([[0.1, 0, 0]], [[2.0, 0, 0], [2.9, 0, 0]], np.eye(3) * 3.0).tolist()
    [1]
    """
    lattice = as_cells(cell)
    start = wrap_fractional(fractional(positions, lattice)).reshape(-1, 3) @ lattice
    others = wrap_fractional(fractional(points, lattice)).reshape(-1, 3)
    radius = 1.5 * (abs(np.linalg.det(lattice)) / len(others)) ** (1 / 3)
    while True:
        images, index = _padded(others, lattice, radius)
        distance, nearest = cKDTree(images).query(start)
        # What is farther than the images reach may have a nearer image that was left out.
        if not (np.asarray(distance) > radius).any():
            return np.asarray(index[nearest], dtype=np.intp)
        radius = float(np.max(distance))


def _padded(others: Floats, lattice: Floats, radius: float) -> tuple[Floats, Indices]:
    """Repeat points of the cell so that a sphere around any point of the cell is filled."""
    images, point, _ = images_around(others, radius / heights(lattice) + 1e-9)
    return images @ lattice, point
