"""Published rules that give an ion to a vertex of its nearest centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arrays import Bools, Floats, Ints
from ionpath.errors import InputError, one_of, positive
from ionpath.sites.reference import ReferenceFrames, nearest_centre_vectors
from ionpath.sites.shells import CoordinationShells
from ionpath.sites.vertices import unit_vectors

Found = tuple[NDArray[np.int32], Bools]

APEX = 1.5
"""Height above which the published rule takes an ion for an apex of its octahedron, in A."""


def geometric_sites(
    frames: ReferenceFrames,
    shells: CoordinationShells,
    cutoff: float,
    margin: float,
    mode: str = "correct",
    orientation: ArrayLike | None = None,
) -> Found:
    """Return ions the vertex of the nearest centre in whose direction they are."""
    one_of("mode", mode, ("correct", "published"))
    if mode == "published" and shells.n_states != 7:
        need = "six vertices for the published geometric rule"
        raise InputError("shells", need=need, got=str(shells.n_states - 1), remedy="use mode='correct'")
    centre, from_centre = nearest_centre_vectors(frames, shells.cell, shells.centres, cutoff)
    directions = _table(shells, unit_vectors(shells.offsets))
    if mode == "published":
        label = published_octahedron(-from_centre @ _axes(orientation).T)
    else:
        cosine = np.einsum("pi,pki->pk", from_centre, directions[centre])
        label = np.where(np.isfinite(cosine), cosine, -np.inf).argmax(axis=1)
    site = np.where(centre >= 0, shells.site_table[centre, label], -1)
    return _shaped(frames, site, _several(shells, centre, from_centre, margin) & (centre >= 0))


def published_octahedron(vectors: Floats) -> Ints:
    """Label the vertices of an octahedron by thresholds and quadrants, as published.

    P. Guan et al., arXiv:2412.07115. The vector points from the ion to the centre, so 1 is the lower apex.

    >>> published_octahedron(np.array([[0, 0, 2.0], [1, 1, 0], [1, -1, 0], [0, 0, 0], [-1, 1, 0], [0, 0, -2]]))
    array([1, 2, 3, 4, 5, 6])
    """
    x, y, z = vectors.T
    quadrant = np.where(x > 0, np.where(y > 0, 2, 3), np.where(y > 0, 5, 4))
    return np.asarray(np.where(z > APEX, 1, np.where(z < -APEX, 6, quadrant)))


def voronoi_sites(
    frames: ReferenceFrames,
    shells: CoordinationShells,
    padding: float,
    margin: float,
    orientation: ArrayLike | None = None,
) -> Found:
    """Return ions the Voronoi cell of the vertices of the nearest centre, inside a padded box around these vertices.

    The convex hulls of Voronoi cells cut off by a box are those cells inside the box, and the Voronoi cell that holds a
    point is that of the nearest vertex: neither a tessellation nor a hull needs to be built.
    """
    positive("padding", padding, "A", zero=True, remedy="0.5 is the published value")
    centre, from_centre = nearest_centre_vectors(frames, shells.cell, shells.centres, np.inf)
    axes = _axes(orientation)
    turned = _table(shells, shells.offsets @ axes.T)
    low, high = np.nanmin(turned[:, 1:], axis=1) - padding, np.nanmax(turned[:, 1:], axis=1) + padding
    own = from_centre @ axes.T
    inside = ((own >= low[centre]) & (own <= high[centre])).all(axis=1)
    squares = ((_table(shells, shells.offsets)[centre] - from_centre[:, None]) ** 2).sum(axis=-1)
    label = np.where(np.isfinite(squares), squares, np.inf).argmin(axis=1)
    site = np.where(inside, shells.site_table[centre, label], -1)
    return _shaped(frames, site, _several(shells, centre, from_centre, margin) & inside)


def _table(shells: CoordinationShells, values: Floats) -> Floats:
    """Values of sites by centre and label; NaN where a centre has no such vertex."""
    table = np.full((shells.n_centres, shells.n_states, 3), np.nan)
    table[shells.centre_of, shells.vertex] = values
    return table


def _several(shells: CoordinationShells, centre: NDArray[np.int32], vector: Floats, margin: float) -> Bools:
    squares = ((_table(shells, shells.offsets)[centre] - vector[:, None]) ** 2).sum(axis=-1)
    distances = np.sort(np.sqrt(np.where(np.isfinite(squares), squares, np.inf)), axis=1)
    return np.asarray(distances[:, 1] - distances[:, 0] < margin)


def _axes(orientation: ArrayLike | None) -> Floats:
    axes = np.eye(3) if orientation is None else np.asarray(orientation, dtype=np.float64)
    if axes.shape != (3, 3) or np.abs(axes @ axes.T - np.eye(3)).max() > 1e-6:
        need = "a rotation (3, 3) whose rows are unit vectors"
        raise InputError("orientation", need=need, got=f"shape {axes.shape}", remedy="normalise the axes")
    return axes


def _shaped(frames: ReferenceFrames, site: NDArray[np.signedinteger], ambiguous: Bools) -> Found:
    shape = frames.ions.shape[:2]
    return site.astype(np.int32).reshape(shape), ambiguous.reshape(shape)
