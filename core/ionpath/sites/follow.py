"""Sites of ions, frame after frame: most ions are where they were, which is quick to see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Indices
from ionpath.compiled import following, kernels
from ionpath.framework import split_common
from ionpath.sites.assign import DEFAULT_CUTOFF, SiteAssignment, assign_sites, site_radius
from ionpath.sites.nearest import Nearest, Points, SiteTree, nearest_in_frames, nearest_moving_sites, nearest_sites
from ionpath.sites.shells import CoordinationShells

BLOCK = 16
"""Frames that are compared with one known state at a time."""
NEIGHBOURS = 32
REACH = 8.0
"""Sites near to a site that are listed: their number, and their distance in A."""
SLACK = 1e-3
"""What single precision may be wrong by, in A; nearer to a border than that, double precision decides."""


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
        self._offsets = (shells.offsets @ np.linalg.inv(shells.cell)).astype(np.float32)
        self._near = _Neighbours(Points(shells.cell, shells.site_coordinates, shells.centre_of))
        self._same, self._other = self._near.separations()

    def __call__(self, ions: NDArray[Any], cells: Floats, centres: NDArray[Any] | None = None) -> SiteAssignment:
        """Return every ion its site in the next frames."""
        lattice = np.broadcast_to(np.asarray(cells, dtype=np.float64), (len(ions), 3, 3))
        expected = (len(ions), self.shells.n_centres, 3)
        if not np.isfinite(self.cutoff) or (centres is not None and centres.shape != expected):
            return assign_sites(
                ions, self.shells, lattice, centres, cutoff=self.cutoff, margin=self.margin
            )  # also says what is wrong
        inverse: Floats = np.asarray(np.linalg.inv(lattice), dtype=np.float64)
        places, moved, common = self._centres(centres, inverse)
        site = np.empty(ions.shape[:2], dtype=np.int32)
        ambiguous = np.zeros(ions.shape[:2], dtype=bool)
        begins = False
        if self._last is None or len(self._last) != ions.shape[1]:
            self._last = np.zeros(ions.shape[1], dtype=np.intp)
            begins = True
        compiled = kernels()
        if compiled is not None and np.isfinite(self.margin):
            every = _Block(ions, inverse, places, moved, common)
            self._compiled(compiled, every, site, ambiguous, begins)
            return SiteAssignment(site, ambiguous)
        for at in range(0, len(ions), BLOCK):
            part = slice(at, at + BLOCK)
            shifts = None if moved is None else moved[part]
            block = _Block(
                ions[part],
                inverse[part],
                None if places is None else places[part],
                shifts,
                None if common is None else common[part],
            )
            self._block(block, site[part], ambiguous[part])
        return SiteAssignment(site, ambiguous)

    def _compiled(self, compiled: Any, block: _Block, site: NDArray[np.int32], ambiguous: Bools, begins: bool) -> None:
        """Follow by the compiled loop; what it leaves open is looked up among all sites."""
        shells, near = self.shells, self._near
        n_frames, n_ions = block.ions.shape[:2]
        still = np.zeros((n_frames, 3))
        everyone = np.arange(n_ions)
        if begins:
            self._find_all(block, np.zeros(n_ions, dtype=np.intp), everyone, site, ambiguous)
            self._last = np.where(site[0] >= 0, site[0], 0).astype(np.intp)
        compiled.follow_sites(
            block.ions,
            block.inverse,
            still if block.common is None else block.common[:, 0],
            np.zeros((n_frames, 0, 3)) if block.shifts is None else block.shifts,
            shells.site_coordinates, shells.cell, shells.centre_of, near.site, near.vector, near.distance, near.end,
            self._same, self._other, self.cutoff, self.margin, self._last, site, ambiguous,
        )  # fmt: skip
        frame, ion = np.divmod(np.flatnonzero(site.ravel() == following.UNKNOWN), n_ions)
        if len(frame):
            self._find_all(block, frame, ion, site, ambiguous)

    def _find_all(self, block: _Block, frame: Any, ion: Any, site: Any, ambiguous: Any) -> None:
        """Look up some ions in some frames among all sites."""
        points = np.einsum("pi,pij->pj", block.ions[frame, ion].astype(np.float64), block.inverse[frame])
        if block.common is not None:
            points -= block.common[frame, 0]
        found = self._among_all(points, block, frame)
        site[frame, ion] = np.where(np.isfinite(found.distance), found.site, -1)
        ambiguous[frame, ion] = found.ambiguous

    def _centres(self, centres: Any, inverse: Floats) -> tuple[Any, Any, Any]:
        """Fractional places of the centres, their own displacement in A, and the displacement of all."""
        if centres is None:
            return None, None, None
        n_frames, n_centres = centres.shape[:2]
        places = _product(centres, inverse, np.float64)
        rest = places - self.shells.centres
        common = rest[:, 0].copy()
        flat = rest.reshape(n_frames, -1)  # rows as long as a frame, see _product
        flat -= np.tile(common, (1, n_centres))
        flat -= np.rint(flat)
        mean = np.matmul(np.full((1, n_centres), 1.0 / n_centres), rest)[:, 0]
        flat -= np.tile(mean, (1, n_centres))
        common = (common + mean)[:, None]
        if np.abs(flat).max() > 0.25:  # the first centre is far from the others: more care is needed
            rest, common = split_common(places - self.shells.centres)
        return places.astype(np.float32), rest @ self.shells.cell, common

    def _block(self, block: _Block, site: NDArray[np.int32], ambiguous: Bools) -> None:
        """Compare with the last sites; look up who left, compare the rest of its frames with its new site; repeat."""
        assert self._last is not None
        site[:] = self._last
        inside = self._inside(block, self._last)
        left = np.flatnonzero(~inside.all(axis=0))
        if not len(left):
            return
        first = np.argmin(inside[:, left], axis=0)
        self._look_up(block, first, left, site, ambiguous)
        reached = site[first, left]
        known = reached >= 0
        moved, since = left[known], first[known]
        self._last[moved] = reached[known]
        inside[first, left] = True
        later = np.arange(len(site))[:, None] > since
        there = self._inside(block, self._last[moved], moved)
        rest = np.where(later, there, True)
        site[:, moved] = np.where(later, self._last[moved], site[:, moved])
        inside[:, moved] = rest
        frame, ion = np.divmod(np.flatnonzero(~inside.ravel()), site.shape[1])
        if len(frame):
            self._look_up(block, frame, ion, site, ambiguous)
            now = site[-1, left]
            self._last[left] = np.where(now >= 0, now, self._last[left])

    def _inside(self, block: _Block, anchor: NDArray[np.integer[Any]], ions: Indices | None = None) -> Bools:
        """Tell where ions are certainly on a given site, and on that alone."""
        shells = self.shells
        away = _product(block.ions if ions is None else block.ions[:, ions], block.inverse)
        if block.places is None or block.shifts is None:
            away -= shells.site_coordinates[anchor].astype(np.float32)
            limit = np.minimum(self._same, self._other)[anchor]
        else:
            centre = shells.centre_of[anchor]
            away -= block.places.take(centre, axis=1)
            away -= self._offsets.take(anchor, axis=0)
            far = block.reach
            limit = np.minimum(self._same[anchor], self._other[anchor] - far[centre] - far.max())
        limit = np.minimum(0.5 * (limit - self.margin), self.cutoff) - SLACK
        away -= np.rint(away)
        cell = shells.cell.astype(np.float32)
        if np.count_nonzero(cell) == 3 and cell[0, 0] and cell[1, 1] and cell[2, 2]:
            away *= away
            squares = away @ np.diagonal(cell) ** 2
        else:
            away = away @ cell
            away *= away
            squares = away.sum(axis=-1)
        return np.asarray(squares < (np.maximum(limit, 0.0) ** 2).astype(np.float32))

    def _look_up(self, block: _Block, frame: Indices, ion: Indices, site: NDArray[np.int32], ambiguous: Bools) -> None:
        """Find some ions in some frames among the sites near to their last, or else among all, in double precision."""
        assert self._last is not None
        points = np.einsum("pi,pij->pj", block.ions[frame, ion].astype(np.float64), block.inverse[frame])
        if block.common is not None:
            points -= block.common[frame, 0]
        found, settled = self._near.nearest(points, self._last[ion], block, frame, self.cutoff, self.margin)
        open_points = np.flatnonzero(~settled)
        if len(open_points):
            rest = self._among_all(points[open_points], block, frame[open_points])
            found.site[open_points] = rest.site
            found.distance[open_points] = rest.distance
            found.ambiguous[open_points] = rest.ambiguous
        site[frame, ion] = np.where(np.isfinite(found.distance), found.site, -1)
        ambiguous[frame, ion] = found.ambiguous

    def _among_all(self, points: Floats, block: _Block, frame: Indices) -> Nearest:
        largest = 0.0 if block.shifts is None else float(block.reach.max())
        reach = self.cutoff + largest + self.margin
        if self._tree is None or self._tree.reach < reach:
            self._tree = SiteTree(self.shells.cell, self.shells.site_coordinates, reach + 0.5)
        placed = self._tree.place(points)
        if block.shifts is None:
            return nearest_sites(self._tree, placed, self.cutoff, self.margin)
        return nearest_moving_sites(
            self._tree, placed, block.shifts, frame, self.shells.centre_of, self.cutoff, self.margin
        )


class PointFollower:
    """Nearest of some points, each of a group of its own, to ions in chunks of frames, however far away.

    The compiled loop looks around the last answer; without it, and where that does not decide, all points are searched.
    """

    def __init__(self, points: Points) -> None:
        self._points, self._last = points, np.zeros(0, dtype=np.intp)
        if kernels() is not None:
            spacing = (abs(float(np.linalg.det(points.cell))) / len(points.coordinates)) ** (1.0 / 3.0)
            self._near = _Neighbours(points, 2.5 * spacing)
            self._apart = self._near.separations()

    def __call__(self, ions: Floats, shifts: Floats | None) -> NDArray[np.int32]:
        """Point of ions at fractional coordinates (T, N, 3), with displacements (T, M, 3) of the points in A."""
        points, compiled = self._points, kernels()
        if compiled is None:
            return nearest_in_frames(points, ions, shifts, np.inf, 0.0).site
        n_frames, n_ions = ions.shape[:2]
        if len(self._last) != n_ions:
            first = nearest_in_frames(points, ions[:1], None if shifts is None else shifts[:1], np.inf, 0.0)
            self._last = first.site[0].astype(np.intp)
        site = np.empty((n_frames, n_ions), dtype=np.int32)
        near = self._near
        compiled.follow_sites(
            np.ascontiguousarray(ions),
            np.broadcast_to(np.eye(3), (n_frames, 3, 3)).copy(),
            np.zeros((n_frames, 3)),
            np.zeros((n_frames, 0, 3)) if shifts is None else np.ascontiguousarray(shifts),
            np.ascontiguousarray(points.coordinates), np.ascontiguousarray(points.cell), points.group,
            near.site, near.vector, near.distance, near.end, *self._apart, np.inf, 0.0, self._last, site,
            np.empty(site.shape, dtype=bool),
        )  # fmt: skip
        frame, ion = np.nonzero(site == following.UNKNOWN)
        if len(frame):
            there = None if shifts is None else shifts[frame]
            site[frame, ion] = nearest_in_frames(points, ions[frame, ion][:, None], there, np.inf, 0.0).site[:, 0]
        return site


@dataclass(frozen=True, eq=False)
class _Block:
    """A few frames: ions in A, inverse cells, places of centres, their own displacement in A, and that of all."""

    ions: NDArray[Any]
    inverse: Floats
    places: NDArray[np.float32] | None
    shifts: Floats | None
    common: Floats | None

    @cached_property
    def reach(self) -> Floats:
        """Largest displacement of each centre, in A."""
        assert self.shifts is not None
        return np.asarray(np.sqrt(np.einsum("tmi,tmi->tm", self.shifts, self.shifts).max(axis=0)))


def _product(positions: NDArray[Any], inverse: Floats, dtype: Any = np.float32) -> NDArray[Any]:
    """Fractional coordinates as a new array."""
    matrix = inverse.astype(dtype)
    diagonal = np.diagonal(matrix, axis1=1, axis2=2)
    if np.count_nonzero(matrix) != np.count_nonzero(diagonal):
        return np.matmul(positions, matrix, dtype=dtype)
    # Rows as long as a frame are multiplied many times faster than rows of three.
    n_frames, n_ions = positions.shape[:2]
    if (diagonal == diagonal[0]).all():
        diagonal = diagonal[:1]
    factors = np.tile(diagonal, (1, n_ions))
    flat = np.multiply(positions.reshape(n_frames, -1), factors, dtype=dtype)
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

    def separations(self) -> tuple[Floats, Floats]:
        """Distance from each site to the nearest one of its own shell, and to the nearest one of another, in A.

        They may be too small, never too large: beyond what is listed it is where the list ends.
        """
        known = np.isfinite(self.distance[:, 1:])
        group = self.points.group
        mine = group[self.site[:, 1:]] == group[:, None]
        same = np.where(known & mine, self.distance[:, 1:], np.inf).min(axis=1, initial=np.inf)
        other = np.where(known & ~mine, self.distance[:, 1:], np.inf).min(axis=1, initial=np.inf)
        return np.minimum(same, self.end), np.minimum(other, self.end)

    def nearest(
        self,
        points: Floats,
        anchor: NDArray[np.integer[Any]],
        block: _Block,
        frame: Indices,
        cutoff: float,
        margin: float,
    ) -> tuple[Nearest, Bools]:
        """Nearest listed site of each point, and whether no other can be nearer or as near."""
        cell, coordinates, group = self.points
        away = points - coordinates[anchor]
        away -= np.rint(away)
        away = away @ cell
        start = np.sqrt(np.einsum("pi,pi->p", away, away))
        sites, vectors = self.site[anchor], away[:, None] - self.vector[anchor]
        largest = 0.0
        if block.shifts is not None:
            vectors -= block.shifts[frame[:, None], group[sites]]
            largest = float(block.reach.max())
        squares = np.einsum("pki,pki->pk", vectors, vectors)
        squares[np.isnan(squares)] = np.inf
        rows = np.arange(len(points))
        best = squares.argmin(axis=1)
        distance = np.sqrt(squares[rows, best])
        squares[rows, best] = np.inf
        second = np.sqrt(squares.min(axis=1))
        site = sites[rows, best]
        settled = self.end[anchor] - start - largest > np.minimum(distance, cutoff) + margin
        ambiguous = (second - distance < margin) & (distance <= cutoff)
        distance[distance > cutoff] = np.inf
        return Nearest(site, distance, ambiguous), settled
