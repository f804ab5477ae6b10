"""Tetrahedral interstices between the points of a periodic packing, by Delaunay triangulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import Delaunay, QhullError

from ionpath.arguments import typed
from ionpath.arrays import Bools, Finite, Floats, Indices, heights
from ionpath.cells import images_around
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells, fractional, wrap_fractional

_FLAT = 0.05


@documented
@dataclass(frozen=True)
class Interstices(Msonable):
    """Tetrahedra between points of a periodic packing."""

    vertices: Indices  # (K, 4): indices of the points at the corners
    corners: Floats  # (K, 4, 3): their positions, images chosen so that each tetrahedron is whole, in A
    centre: Floats  # (K, 3): mean of the corners, inside the cell, in A
    # (K, 4): tetrahedron across the face opposite to each corner, -1 where that one is too flat to be listed
    face_neighbours: Indices

    def __len__(self) -> int:
        return len(self.vertices)


@typed
def tetrahedral_interstices(points: Finite, cell: ArrayLike) -> Interstices:
    """Divide a periodic packing of points (N, 3) in A, for instance the anions, into tetrahedra, each once per cell.

    Flat slivers, which appear where more than four points lie on one empty sphere, are left out (volume below 0.05 of
    that of a regular tetrahedron with the same mean edge). InputError if there are no points, or they do not span
    space.

    The Delaunay triangulation of the points and their images; a tetrahedron belongs to the cell that holds its centre.
    Faces that more than four points share may be divided in more than one way.

    A body-centred cubic packing has twelve tetrahedra per cell and lattice vector pair of points:

    >>> len(tetrahedral_interstices([[0, 0, 0], [2.0, 2.0, 2.0]], np.eye(3) * 4.0))
    12
    """
    lattice = as_cells(cell)
    inside = wrap_fractional(fractional(points, lattice)).reshape(-1, 3)
    if len(inside) == 0:
        raise InputError("points", need="at least one point", got="none")
    # Far enough around the cell that no empty sphere reaches the edge.
    spacing = (abs(np.linalg.det(lattice)) / len(inside)) ** (1 / 3)
    images, index, shift = images_around(inside, np.maximum(0.35, 3.2 * spacing / heights(lattice)))
    try:
        mesh = Delaunay(images @ lattice)
    except QhullError as error:
        raise InputError("points", need="points that span space", got=str(error).splitlines()[0]) from error
    corners = images[mesh.simplices]
    centre = corners.mean(axis=1)
    # Rounding keeps both copies of a centre that lies on a face of the cell from being counted.
    home = np.flatnonzero((np.floor(centre + 1e-7) == 0).all(axis=1) & _solid(corners @ lattice))
    key = _keys(index[mesh.simplices], shift[mesh.simplices])
    where = {key[int(t)]: k for k, t in enumerate(home)}
    across = np.array(
        [[where.get(key[n], -1) if n >= 0 else -1 for n in mesh.neighbors[t]] for t in home], dtype=np.intp
    ).reshape(-1, 4)
    return Interstices(
        vertices=index[mesh.simplices[home]],
        corners=corners[home] @ lattice,
        centre=centre[home] @ lattice,
        face_neighbours=across,
    )


def _solid(corners: Floats) -> Bools:
    edges = corners[:, 1:] - corners[:, :1]
    volume = np.abs(np.linalg.det(edges)) / 6.0
    pairs = [(i, j) for i in range(4) for j in range(i)]
    mean = np.mean([np.linalg.norm(corners[:, i] - corners[:, j], axis=1) for i, j in pairs], axis=0)
    solid: Bools = volume > _FLAT * mean**3 / (6.0 * np.sqrt(2.0))
    return solid


def _keys(points: Indices, shifts: Indices) -> list[tuple[int, ...]]:
    """Name each simplex by its corners up to a lattice translation."""
    order = np.lexsort((shifts[..., 2], shifts[..., 1], shifts[..., 0], points), axis=1)
    named = np.take_along_axis(points, order, axis=1)
    moved = np.take_along_axis(shifts, order[..., None], axis=1)
    moved = (moved - moved[:, :1]).reshape(len(points), -1)
    return [tuple(row) for row in np.concatenate([named, moved], axis=1).tolist()]
