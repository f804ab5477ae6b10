"""Sites of ions, frame after frame: most ions are where they were, which is quick to see."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Indices
from ionpath.compiled import following, kernels
from ionpath.framework import split_common
from ionpath.sites.assign import DEFAULT_CUTOFF, SiteAssignment, assign_sites, site_radius
from ionpath.sites.nearest import Points, SiteTree, nearest_in_frames, nearest_moving_sites, nearest_sites
from ionpath.sites.shells import CoordinationShells

NEIGHBOURS = 32
REACH = 8.0
"""Sites near to a site that are listed: their number, and their distance in A."""


@typed
class SiteFollower:
    """The rule "nearest" of `assign_sites` for chunks of frames in the order of time.

    Parameters
    ----------
    shells : CoordinationShells
        Sites in their reference cell.
    cutoff : float, optional
        Largest distance from a site in A, 1.4 by default.
    margin : float
        An ion is ambiguous if its second site is less than this further away than its first, in A.

    Notes
    -----
    An ion that is nearer to a site than half of the distance from there to any other site, less what the two may have
    moved, is on it. So each ion is first compared with its last site alone, and only those that do not pass are looked
    up among all sites. The answer does not depend on what came before.

    Examples
    --------
    >>> octahedron = 0.2 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
    >>> shells = CoordinationShells.from_sites(np.eye(3) * 12.0, [[0.5, 0.5, 0.5]], 0.5 + octahedron)
    >>> ions = np.array([[[6.0, 6.3, 8.5]], [[8.0, 6.0, 6.0]], [[6.0, 6.0, 6.0]]])
    >>> SiteFollower(shells)(ions, np.eye(3)[None] * 12.0).site.ravel().tolist()
    [0, 1, -1]
    """

    def __init__(self, shells: CoordinationShells, *, cutoff: float | None = None, margin: float = 0.1) -> None:
        self.shells, self.margin = shells, margin
        self.cutoff = site_radius(cutoff, DEFAULT_CUTOFF)
        self._last: Indices | None = None
        self._tree: SiteTree | None = None
        self._near = _Neighbours(Points(shells.cell, shells.site_coordinates, shells.centre_of))

    def __call__(self, ions: NDArray[Any], cells: Floats, centres: NDArray[Any] | None = None) -> SiteAssignment:
        """Return every ion its site in the next frames."""
        lattice = np.broadcast_to(np.asarray(cells, dtype=np.float64), (len(ions), 3, 3))
        fits = centres is None or centres.shape == (len(ions), self.shells.n_centres, 3)
        if not fits or kernels() is None or not np.isfinite([self.cutoff, self.margin]).all():
            # Without the compiled loop, and where it says what is wrong.
            return assign_sites(ions, self.shells, lattice, centres, cutoff=self.cutoff, margin=self.margin)
        frames = self._frames(ions, np.asarray(np.linalg.inv(lattice), dtype=np.float64), centres)
        n_ions = ions.shape[1]
        site, ambiguous = np.empty(ions.shape[:2], dtype=np.int32), np.zeros(ions.shape[:2], dtype=bool)
        if self._last is None or len(self._last) != n_ions:
            self._look_up(frames, np.zeros(n_ions, dtype=np.intp), np.arange(n_ions), site, ambiguous)
            self._last = np.where(site[0] >= 0, site[0], 0).astype(np.intp)
        frame, ion = self._near.follow(frames, self.cutoff, self.margin, self._last, site, ambiguous)
        if len(frame):
            self._look_up(frames, frame, ion, site, ambiguous)
        return SiteAssignment(site, ambiguous)

    def _frames(self, ions: NDArray[Any], inverse: Floats, centres: Any) -> _Frames:
        n_frames = len(ions)
        if centres is None:
            return _Frames(ions, inverse, np.zeros((n_frames, 3)), np.zeros((n_frames, 0, 3)))
        n_centres = self.shells.n_centres
        places = _product(centres, inverse)
        rest = places - self.shells.centres
        common = rest[:, 0].copy()
        flat = rest.reshape(n_frames, -1)  # rows as long as a frame, see _product
        flat -= np.tile(common, (1, n_centres))
        flat -= np.rint(flat)
        mean = np.matmul(np.full((1, n_centres), 1.0 / n_centres), rest)[:, 0]
        flat -= np.tile(mean, (1, n_centres))
        common += mean
        if np.abs(flat).max() > 0.25:  # the first centre is far from the others: more care is needed
            rest, drift = split_common(places - self.shells.centres)
            common = drift[:, 0]
        return _Frames(ions, inverse, common, rest @ self.shells.cell)

    def _look_up(
        self, frames: _Frames, frame: Indices, ion: Indices, site: NDArray[np.int32], ambiguous: Bools
    ) -> None:
        """Find some ions in some frames among all sites."""
        points = np.einsum("pi,pij->pj", frames.ions[frame, ion].astype(np.float64), frames.inverse[frame])
        points -= frames.common[frame]
        largest = float(np.sqrt(np.einsum("tmi,tmi->tm", frames.shifts, frames.shifts).max(initial=0.0)))
        reach = self.cutoff + largest + self.margin
        if self._tree is None or self._tree.reach < reach:
            self._tree = SiteTree(self.shells.cell, self.shells.site_coordinates, reach + 0.5)
        placed = self._tree.place(points)
        if frames.shifts.shape[1]:
            found = nearest_moving_sites(
                self._tree, placed, frames.shifts, frame, self.shells.centre_of, self.cutoff, self.margin
            )
        else:
            found = nearest_sites(self._tree, placed, self.cutoff, self.margin)
        site[frame, ion] = np.where(np.isfinite(found.distance), found.site, -1)
        ambiguous[frame, ion] = found.ambiguous


class PointFollower:
    """Nearest of some points, each of a group of its own, to ions in chunks of frames, however far away.

    The compiled loop looks around the last answer; without it, and where that does not decide, all points are searched.
    """

    def __init__(self, points: Points) -> None:
        self._points, self._last = points, np.zeros(0, dtype=np.intp)
        spacing = (abs(float(np.linalg.det(points.cell))) / len(points.coordinates)) ** (1.0 / 3.0)
        self._near = None if kernels() is None else _Neighbours(points, 2.5 * spacing)

    def __call__(self, ions: Floats, shifts: Floats | None) -> NDArray[np.int32]:
        """Point of ions at fractional coordinates (T, N, 3), with displacements (T, M, 3) of the points in A."""
        points = self._points
        if self._near is None:
            return nearest_in_frames(points, ions, shifts, np.inf, 0.0).site
        n_frames, n_ions = ions.shape[:2]
        if len(self._last) != n_ions:
            first = nearest_in_frames(points, ions[:1], None if shifts is None else shifts[:1], np.inf, 0.0)
            self._last = first.site[0].astype(np.intp)
        still = np.broadcast_to(np.eye(3), (n_frames, 3, 3)).copy(), np.zeros((n_frames, 3))
        moved = np.zeros((n_frames, 0, 3)) if shifts is None else np.ascontiguousarray(shifts)
        frames = _Frames(np.ascontiguousarray(ions), *still, moved)
        site = np.empty((n_frames, n_ions), dtype=np.int32)
        frame, ion = self._near.follow(frames, np.inf, 0.0, self._last, site, np.empty(site.shape, dtype=bool))
        if len(frame):
            there = None if shifts is None else shifts[frame]
            site[frame, ion] = nearest_in_frames(points, ions[frame, ion][:, None], there, np.inf, 0.0).site[:, 0]
        return site


class _Frames(NamedTuple):
    """Ions in A, inverse cells, the displacement of all centres in cells, and that of each beyond it in A."""

    ions: NDArray[Any]
    inverse: Floats
    common: Floats  # (T, 3)
    shifts: Floats  # (T, M, 3); M is 0 where centres are at rest


def _product(positions: NDArray[Any], inverse: Floats) -> Floats:
    """Fractional coordinates as a new array."""
    diagonal = np.diagonal(inverse, axis1=1, axis2=2)
    if np.count_nonzero(inverse) != np.count_nonzero(diagonal):
        return np.matmul(positions, inverse, dtype=np.float64)
    # Rows as long as a frame are multiplied many times faster than rows of three.
    n_frames, n_ions = positions.shape[:2]
    if (diagonal == diagonal[0]).all():
        diagonal = diagonal[:1]
    factors = np.tile(diagonal, (1, n_ions))
    flat = np.multiply(positions.reshape(n_frames, -1), factors, dtype=np.float64)
    return flat.reshape(positions.shape)


class _Neighbours:
    """The sites near to each site, itself first, with the vectors to them."""

    def __init__(self, points: Points, reach: float = REACH) -> None:
        self.points = points
        tree = SiteTree(points.cell, points.coordinates, reach)
        here = tree.place(points.coordinates)
        k = min(NEIGHBOURS, len(tree.points))
        distance, image = tree.tree.query(here, k=k, distance_upper_bound=reach)
        self.distance, image = distance.reshape(-1, k), image.reshape(-1, k)
        known = np.isfinite(self.distance)
        self.site = tree.owner[np.where(known, image, 0)].astype(np.intp)
        self.vector = np.where(known[..., None], tree.points[np.where(known, image, 0)] - here[:, None], np.inf)
        # Beyond what is listed there may be sites from this distance on.
        self.end = np.minimum(self.distance[:, -1], reach)
        mine = points.group[self.site] == points.group[:, None]
        self.same, self.other = self._nearest(known & mine), self._nearest(known & ~mine)

    def _nearest(self, kind: Bools) -> Floats:
        """Distance from each site to the nearest other one of a kind, in A."""
        found = np.where(kind[:, 1:], self.distance[:, 1:], np.inf).min(axis=1, initial=np.inf)
        return np.minimum(found, self.end)

    def follow(
        self, frames: _Frames, cutoff: float, margin: float, last: Indices, site: NDArray[np.int32], ambiguous: Bools
    ) -> tuple[Indices, Indices]:
        """Fill in what the compiled loop finds, and return the frames and ions that it leaves open."""
        compiled: Any = kernels()
        cell, coordinates, group = self.points
        compiled.follow_sites(
            frames.ions, frames.inverse, frames.common, frames.shifts,
            np.ascontiguousarray(coordinates), np.ascontiguousarray(cell), group,
            self.site, self.vector, self.distance, self.end, self.same, self.other,
            cutoff, margin, last, site, ambiguous,
        )  # fmt: skip
        frame, ion = np.nonzero(site == following.UNKNOWN)
        return frame, ion
