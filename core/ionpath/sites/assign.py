"""Which site every ion is on in every frame."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.sites.nearest import Points, nearest_in_frames
from ionpath.sites.reference import reference_frames
from ionpath.sites.rules import geometric_sites, voronoi_sites
from ionpath.sites.shells import CoordinationShells

Method = Literal["nearest", "geometric", "voronoi"]

DEFAULT_CUTOFF = 1.4
"""Radius of a site, in A."""


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
        return SiteAssignment(*geometric_sites(frames, shells, limit, margin, mode, orientation))
    return SiteAssignment(*voronoi_sites(frames, shells, padding, margin, orientation))


def site_radius(cutoff: float | None, default: float) -> float:
    """Use the default cutoff if none is given, and refuse one that is not positive.

    >>> site_radius(None, 1.4)
    1.4
    """
    value = default if cutoff is None else float(cutoff)
    if not value > 0.0:
        raise InputError("cutoff", need="a positive distance in A", got=f"{value:g}", remedy="1.4 suits lithium sites")
    return value
