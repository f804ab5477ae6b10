"""Which site every ion is on in every frame."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive
from ionpath.sites.nearest import Points, nearest_in_frames
from ionpath.sites.reference import ReferenceFrames, nearest_centre_vectors, reference_frames
from ionpath.sites.shells import CoordinationShells
from ionpath.sites.vertices import unit_vectors

Method = Literal["nearest", "geometric", "voronoi"]

DEFAULT_CUTOFF = 1.4
"""Radius of a site, in A."""
APEX = 1.5
"""Height above which the published rule takes an ion for an apex of its octahedron, in A."""


@documented
class SiteAssignment(NamedTuple):
    """Sites of ions."""

    site: NDArray[np.int32]  # (T, N): site of every ion in every frame; -1 where it is on none
    ambiguous: Bools  # (T, N): whether a second site is as close as the first, within the margin asked for


@typed
@references("guan2024")
def assign_sites(
    ions: ArrayLike,
    shells: CoordinationShells,
    cells: ArrayLike,
    centres: ArrayLike | None = None,
    *,
    drift: ArrayLike | None = None,
    method: Method = "nearest",
    cutoff: float | None = None,
    margin: float = 0.1,
    mode: Literal["correct", "published"] = "correct",
    padding: float = 0.5,
    orientation: ArrayLike | None = None,
) -> SiteAssignment:
    """Return every ion its site in every frame.

    Parameters
    ----------
    ions : array_like, (T, N, 3)
        Positions of the mobile ions, wrapped or not, in A.
    shells : CoordinationShells
        Sites in their reference cell.
    cells : array_like, (3, 3) or (T, 3, 3)
        Vectors of the cell as rows, in A; one for all frames or one per frame.
    centres : array_like, (T, M, 3), optional
        Positions of the centres of the shells in the same order, in A. Sites then move with their centre, and
        the drift of the whole framework is taken out.
    drift : array_like, (T, 3), optional
        Displacement of the framework from the reference structure, in A, where `centres` are not given.
        Without both, sites stay where they are in the reference cell.
    method : {"nearest", "geometric", "voronoi"}
        Rule, see Notes.
    cutoff : float, optional
        Largest distance from the site (nearest; default 1.4) or from the centre (geometric; default 3.0), in
        A. Infinity assigns every ion to its nearest site.
    margin : float
        An ion is ambiguous if its second site is less than this further away than its first, in A.
    mode : {"correct", "published"}
        For ``"geometric"``: nearest direction of a vertex, or the published thresholds and quadrants.
    padding : float
        For ``"voronoi"``: how far a shell reaches beyond the box around its vertices, in A.
    orientation : array_like, (3, 3), optional
        For ``"geometric"`` and ``"voronoi"``: rotation whose rows are the axes in which the rule is written.

    Returns
    -------
    SiteAssignment
        Sites (-1 where there is none) and ambiguous ions.

    Notes
    -----
    Every position is first taken back to the reference cell through its fractional coordinates: a site is at
    r_c(t) + o h_0^-1 h(t), where o is its offset from the centre in the reference cell h_0. Distances are
    those in the reference cell. Frames are independent of each other.

    * ``"nearest"``: the nearest site within `cutoff`, exact for every shape of the cell.
    * ``"geometric"``: the nearest centre within `cutoff`, and its vertex in the direction nearest to that of
      the ion. The published rule (P. Guan et al., arXiv:2412.07115) takes v = centre minus ion in axes
      rotated by 45 degrees: v_z > 1.5 A is vertex 1, v_z < -1.5 A vertex 6, and the quadrants of (v_x, v_y)
      are 2 to 5. As v points from the ion to the centre, its vertex 1 is the lower apex.
    * ``"voronoi"``: the nearest centre, and the Voronoi cell of its vertices that holds the ion, cut off by
      the box around the vertices plus `padding` (the rule of the public code release of the same paper).

    Examples
    --------
    >>> octahedron = 0.2 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
    >>> shells = CoordinationShells.from_sites(np.eye(3) * 12.0, [[0.5, 0.5, 0.5]], 0.5 + octahedron)
    >>> ions = np.array([[[6.0, 6.3, 8.5]], [[8.0, 6.0, 6.0]], [[6.0, 6.0, 6.0]]])
    >>> assign_sites(ions, shells, np.eye(3) * 12.0).site.ravel().tolist()
    [0, 1, -1]
    """
    one_of("method", method, ("nearest", "geometric", "voronoi"))
    frames = reference_frames(ions, cells, shells.cell, shells.centres, centres, drift)
    limit = site_radius(cutoff, 3.0 if method == "geometric" else DEFAULT_CUTOFF)
    if method == "nearest":
        points = Points(shells.cell, shells.site_coordinates, shells.centre_of)
        found = nearest_in_frames(points, frames.ions, frames.shifts, limit, margin)
        return SiteAssignment(found.site, found.ambiguous)
    if method == "geometric":
        return _geometric(frames, shells, limit, margin, mode, orientation)
    return _voronoi(frames, shells, padding, margin, orientation)


def site_radius(cutoff: float | None, default: float) -> float:
    """Use the default cutoff if none is given, and refuse one that is not positive.

    >>> site_radius(None, 1.4)
    1.4
    """
    value = default if cutoff is None else float(cutoff)
    if not value > 0.0:
        raise InputError("cutoff", need="a positive distance in A", got=f"{value:g}", remedy="1.4 suits lithium sites")
    return value


def _geometric(
    frames: ReferenceFrames,
    shells: CoordinationShells,
    cutoff: float,
    margin: float,
    mode: str,
    orientation: ArrayLike | None,
) -> SiteAssignment:
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


def _voronoi(
    frames: ReferenceFrames, shells: CoordinationShells, padding: float, margin: float, orientation: ArrayLike | None
) -> SiteAssignment:
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


def _shaped(frames: ReferenceFrames, site: NDArray[np.signedinteger], ambiguous: Bools) -> SiteAssignment:
    shape = frames.ions.shape[:2]
    return SiteAssignment(site.astype(np.int32).reshape(shape), ambiguous.reshape(shape))
