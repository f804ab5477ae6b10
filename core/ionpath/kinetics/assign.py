"""Which site every ion is on in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.kinetics.nearest import Nearest, SiteTree, farthest, nearest_moving_sites, nearest_sites
from ionpath.kinetics.shells import CoordinationShells
from ionpath.periodic import as_cells, check_finite

Floats = NDArray[np.float64]
Method = Literal["nearest", "geometric", "voronoi"]

DEFAULT_CUTOFF = 1.4
"""Radius of a site, in A."""
_FIRST_REACH = 5.0
_BLOCK = 250_000
"""Points that are looked up at once; bounds the memory of temporary arrays."""


class SiteAssignment(NamedTuple):
    """Sites of ions.

    Attributes
    ----------
    site : ndarray of int32, (T, N)
        Site of every ion in every frame; -1 where it is on none.
    ambiguous : ndarray of bool, (T, N)
        Whether a second site is as close as the first, within the margin asked for.
    """

    site: NDArray[np.int32]
    ambiguous: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ReferenceFrames:
    """Frames seen from the reference cell: no drift, no strain.

    Attributes
    ----------
    ions : ndarray, (T, N, 3)
        Fractional coordinates with the drift taken out.
    shifts : ndarray, (T, M, 3), or None
        Displacement of every centre from its place in the reference cell, in A of that cell; None with
        centres at rest.
    """

    ions: Floats
    shifts: Floats | None


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
    """Give every ion its site in every frame.

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

    Raises
    ------
    InputError
        If a coordinate is not finite, a cell has no volume, or shapes do not fit.

    Notes
    -----
    Every position is first taken back to the reference cell through its fractional coordinates: a site is at
    r_c(t) + o h_0^-1 h(t), where o is its offset from the centre in the reference cell h_0. Distances are
    those in the reference cell.

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
    if method not in ("nearest", "geometric", "voronoi"):
        raise InputError(
            "method", need="'nearest', 'geometric' or 'voronoi'", got=repr(method), remedy="choose one"
        )
    frames = reference_frames(ions, shells, cells, centres, drift)
    limit = check_cutoff(cutoff, 3.0 if method == "geometric" else DEFAULT_CUTOFF)
    if method == "nearest":
        found = _nearest_in_blocks(frames, shells, limit, margin)
        return SiteAssignment(found.site.astype(np.int32), found.ambiguous)
    from ionpath.kinetics.rules import geometric_sites, voronoi_sites

    if method == "geometric":
        return geometric_sites(frames, shells, limit, margin, mode, orientation)
    return voronoi_sites(frames, shells, padding, margin, orientation)


def check_cutoff(cutoff: float | None, default: float) -> float:
    """Use the default cutoff if none is given, and refuse one that is not positive.

    Parameters
    ----------
    cutoff : float or None
        What the user asked for, in A.
    default : float
        Value for None, in A.

    Returns
    -------
    float
        Cutoff in A.

    Raises
    ------
    InputError
        If it is not a positive number.

    Examples
    --------
    >>> check_cutoff(None, 1.4)
    1.4
    """
    value = default if cutoff is None else float(cutoff)
    if not value > 0.0:
        raise InputError(
            "cutoff", need="a positive distance in A", got=f"{value:g}", remedy="1.4 suits lithium sites"
        )
    return value


def reference_frames(
    ions: ArrayLike,
    shells: CoordinationShells,
    cells: ArrayLike,
    centres: ArrayLike | None = None,
    drift: ArrayLike | None = None,
) -> ReferenceFrames:
    """Take frames back to the reference cell.

    Parameters
    ----------
    ions : array_like, (T, N, 3)
        Positions of the mobile ions, in A.
    shells : CoordinationShells
        Sites in their reference cell.
    cells : array_like, (3, 3) or (T, 3, 3)
        Cells of the frames, in A.
    centres : array_like, (T, M, 3), optional
        Positions of the centres, in A.
    drift : array_like, (T, 3), optional
        Displacement of the framework, in A, if `centres` are not given.

    Returns
    -------
    ReferenceFrames
        Fractional coordinates of the ions without drift, and displacements of the centres.

    Raises
    ------
    InputError
        If shapes do not fit, or a coordinate is not finite.
    """
    mobile = check_finite(ions, "ions")
    if mobile.ndim != 3 or 0 in mobile.shape:
        raise InputError(
            "ions", need="frames of ions (T, N, 3)", got=f"shape {mobile.shape}",
            remedy="select at least one ion, and add an axis for a single frame",
        )  # fmt: skip
    lattice = as_cells(cells, "cells")
    if lattice.ndim == 3 and len(lattice) != len(mobile):
        raise InputError(
            "cells", need=f"{len(mobile)} cells, one per frame", got=str(len(lattice)),
            remedy="give one cell for all frames, or one per frame",
        )  # fmt: skip
    inverse: Floats = np.asarray(np.linalg.inv(lattice), dtype=np.float64)
    coordinates = np.matmul(mobile.astype(np.float64, copy=False), inverse)
    if centres is None:
        if drift is not None:
            coordinates -= _fractional_drift(drift, inverse, len(mobile))[:, None]
        return ReferenceFrames(coordinates, None)
    if drift is not None:
        raise InputError(
            "drift", need="either `centres` or `drift`", got="both", remedy="leave one of them out"
        )
    followed = check_finite(centres, "centres")
    expected = (len(mobile), shells.n_centres, 3)
    if followed.shape != expected:
        raise InputError(
            "centres", need=f"shape {expected}, frames x centres of the shells x 3", got=f"shape {followed.shape}",
            remedy="give the positions of all centres in the order of `shells.centres`",
        )  # fmt: skip
    moved = np.matmul(followed.astype(np.float64, copy=False), inverse) - shells.centres
    moved, common = split_common(moved)
    return ReferenceFrames(coordinates - common, np.matmul(moved, shells.cell))


def split_common(displacements: Floats) -> tuple[Floats, Floats]:
    """Split displacements on a torus into what all share and the rest.

    Parameters
    ----------
    displacements : ndarray, (T, M, 3)
        Differences of fractional coordinates, up to whole numbers.

    Returns
    -------
    rest : ndarray, (T, M, 3)
        Displacements without their mean.
    mean : ndarray, (T, 1, 3)
        Mean displacement.

    Examples
    --------
    >>> rest, mean = split_common(np.array([[[0.49, 0.0, 0.0], [-0.49, 0.0, 0.0]]]))
    >>> rest[0, :, 0].round(2).tolist(), float(mean[0, 0, 0])
    ([-0.01, 0.01], 0.5)
    """
    common = displacements[:, :1].copy()
    rest = displacements - common
    for _ in range(3):  # the first centre may be far from the mean: repeat about the better one
        rest = displacements - common
        rest -= np.rint(rest)
        common += rest.mean(axis=1, keepdims=True)
    rest = displacements - common
    rest -= np.rint(rest)
    return rest, common


def _fractional_drift(drift: ArrayLike, inverse: Floats, n_frames: int) -> Floats:
    shift = check_finite(drift, "drift").astype(np.float64)
    if shift.shape != (n_frames, 3):
        raise InputError(
            "drift",
            need=f"shape ({n_frames}, 3)",
            got=f"shape {shift.shape}",
            remedy="give one vector per frame",
        )
    return shift @ inverse if inverse.ndim == 2 else np.einsum("ti,tij->tj", shift, inverse)


def _nearest_in_blocks(
    frames: ReferenceFrames, shells: CoordinationShells, cutoff: float, margin: float
) -> Nearest:
    shape = frames.ions.shape[:2]
    site = np.empty(shape, dtype=np.int64)
    distance = np.empty(shape)
    ambiguous = np.empty(shape, dtype=bool)
    largest = 0.0 if frames.shifts is None else float(np.sqrt((frames.shifts**2).sum(axis=-1).max()))
    everywhere = farthest(shells.cell) + 2.0 * largest + margin
    first = min(cutoff + largest + margin, everywhere)
    if not np.isfinite(cutoff):
        first = min(_FIRST_REACH + 2.0 * largest + margin, everywhere)
    tree = SiteTree(shells.cell, shells.site_coordinates, first)
    for start in range(0, shape[0], max(1, _BLOCK // shape[1])):
        part = slice(start, start + max(1, _BLOCK // shape[1]))
        block = frames.ions[part].reshape(-1, 3)
        shifts = None if frames.shifts is None else frames.shifts[part]
        found = _lookup(tree, block, shifts, shape[1], shells, cutoff, margin)
        missed = np.flatnonzero(~(found.distance + margin <= tree.reach - 2.0 * largest))
        if not np.isfinite(cutoff) and tree.reach < everywhere and len(missed):
            wide = SiteTree(shells.cell, shells.site_coordinates, everywhere)
            kept = None if shifts is None else shifts[missed // shape[1]]
            again = _lookup(wide, block[missed], kept, 1, shells, cutoff, margin)
            found.site[missed], found.distance[missed] = again.site, again.distance
            found.ambiguous[missed] = again.ambiguous
        site[part] = np.where(np.isfinite(found.distance), found.site, -1).reshape(-1, shape[1])
        distance[part] = found.distance.reshape(-1, shape[1])
        ambiguous[part] = found.ambiguous.reshape(-1, shape[1])
    return Nearest(site, distance, ambiguous)


def _lookup(
    tree: SiteTree,
    coordinates: Floats,
    shifts: Floats | None,
    n_ions: int,
    shells: CoordinationShells,
    cutoff: float,
    margin: float,
) -> Nearest:
    points = tree.place(coordinates)
    if shifts is None:
        return nearest_sites(tree, points, cutoff, margin)
    frame = np.repeat(np.arange(len(shifts)), n_ions)
    return nearest_moving_sites(tree, points, shifts, frame, shells.centre_of, cutoff, margin)
