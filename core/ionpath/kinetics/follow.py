"""Sites of ions, frame after frame: most ions are where they were, which is quick to see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.kinetics.assign import DEFAULT_CUTOFF, SiteAssignment, assign_sites, check_cutoff
from ionpath.kinetics.nearest import Nearest, SiteTree, nearest_moving_sites, nearest_sites
from ionpath.kinetics.reference import fractional_frames, split_common
from ionpath.kinetics.shells import CoordinationShells

Floats = NDArray[np.float64]

BLOCK = 16
"""Frames that are compared with one known state at a time."""
NEIGHBOURS = 16
SLACK = 1e-3
"""What single precision may be wrong by, in A; nearer to a border than that, double precision decides."""


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

    def __init__(
        self, shells: CoordinationShells, *, cutoff: float | None = None, margin: float = 0.1
    ) -> None:
        self.shells, self.margin = shells, margin
        self.cutoff = check_cutoff(cutoff, DEFAULT_CUTOFF)
        self._last: NDArray[np.intp] | None = None
        self._tree: SiteTree | None = None
        self._offsets = shells.offsets @ np.linalg.inv(shells.cell)
        self._same, self._other = _separations(shells)

    def __call__(
        self, ions: NDArray[Any], cells: Floats, centres: NDArray[Any] | None = None
    ) -> SiteAssignment:
        """Give every ion its site in the next frames.

        Parameters
        ----------
        ions : ndarray, (T, N, 3)
            Positions of the ions, wrapped or not, in A.
        cells : ndarray, (3, 3) or (T, 3, 3)
            Cells, in A.
        centres : ndarray, (T, M, 3), optional
            Positions of the centres in the same frames, in A; else sites stay where they are in the reference cell.

        Returns
        -------
        SiteAssignment
            The same as `assign_sites` gives.
        """
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
        if self._last is None or len(self._last) != ions.shape[1]:
            self._last = np.zeros(ions.shape[1], dtype=np.intp)
        for at in range(0, len(ions), BLOCK):
            part = slice(at, at + BLOCK)
            shifts = None if moved is None else moved[part]
            doubt = self._compare(
                ions[part], inverse[part], None if places is None else places[part], shifts, site[part]
            )
            if len(doubt):
                found = self._look_up(
                    ions[part], inverse[part], shifts, None if common is None else common[part], doubt
                )
                site[part].ravel()[doubt] = np.where(np.isfinite(found.distance), found.site, -1)
                ambiguous[part].ravel()[doubt] = found.ambiguous
            now = site[part][-1]
            np.copyto(self._last, now, where=now >= 0)
        return SiteAssignment(site, ambiguous)

    def _centres(self, centres: Any, inverse: Floats) -> tuple[Any, Any, Any]:
        """Fractional places of the centres, their own displacement in A, and the displacement of all."""
        if centres is None:
            return None, None, None
        places, _ = fractional_frames(centres, np.linalg.inv(inverse))
        rest = places - self.shells.centres
        common = rest[:, :1].copy()
        rest -= common
        rest -= np.rint(rest)
        mean = rest.mean(axis=1, keepdims=True)
        rest -= mean
        common += mean
        if np.abs(rest).max() > 0.25:  # the first centre is far from the others: more care is needed
            rest, common = split_common(places - self.shells.centres)
        return places.astype(np.float32), rest @ self.shells.cell, common

    def _compare(
        self, ions: NDArray[Any], inverse: Floats, places: Any, shifts: Any, site: NDArray[np.int32]
    ) -> NDArray[np.intp]:
        """Put the last site of each ion into `site`, and give the flat indices of those that may be elsewhere."""
        assert self._last is not None
        last, shells = self._last, self.shells
        if places is None:
            away = _product(ions, inverse)
            away -= shells.site_coordinates[last].astype(np.float32)
            limit = np.minimum(self._same, self._other)[last]
        else:
            centre = shells.centre_of[last]
            away = _product(ions, inverse)
            away -= places[:, centre]
            away -= self._offsets[last].astype(np.float32)
            far = np.sqrt((shifts**2).sum(axis=-1).max(axis=0))
            limit = np.minimum(self._same[last], self._other[last] - far[centre] - far.max())
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
        site[:] = last
        inside = squares < (np.maximum(limit, 0.0) ** 2).astype(np.float32)
        return np.flatnonzero(~inside.ravel())

    def _look_up(
        self, ions: NDArray[Any], inverse: Floats, shifts: Any, common: Any, doubt: NDArray[np.intp]
    ) -> Nearest:
        frame, ion = np.divmod(doubt, ions.shape[1])
        points = ions[frame, ion].astype(np.float64)
        points = np.einsum("pi,pij->pj", points, inverse[frame])
        largest = 0.0
        if shifts is not None:
            points -= common[frame, 0]
            largest = float(np.sqrt((shifts**2).sum(axis=-1).max()))
        reach = self.cutoff + largest + self.margin
        if self._tree is None or self._tree.reach < reach:
            self._tree = SiteTree(self.shells.cell, self.shells.site_coordinates, reach + 0.5)
        placed = self._tree.place(points)
        if shifts is None:
            return nearest_sites(self._tree, placed, self.cutoff, self.margin)
        return nearest_moving_sites(
            self._tree, placed, shifts, frame, self.shells.centre_of, self.cutoff, self.margin
        )


def _product(positions: NDArray[Any], inverse: Floats) -> NDArray[np.float32]:
    """Fractional coordinates in single precision, as a new array."""
    matrix = inverse.astype(np.float32)
    diagonal = np.diagonal(matrix, axis1=1, axis2=2)
    if np.count_nonzero(matrix) == np.count_nonzero(diagonal):
        return np.multiply(positions, diagonal[:, None], dtype=np.float32)
    return np.matmul(positions, matrix, dtype=np.float32)


def _separations(shells: CoordinationShells) -> tuple[Floats, Floats]:
    """Distance from each site to the nearest one of its own shell, and to the nearest one of another, in A.

    They may be too small, never too large: beyond the nearest few sites it is the distance of the last of these.
    """
    n = shells.n_sites
    reach = 6.0
    tree = SiteTree(shells.cell, shells.site_coordinates, reach)
    k = min(NEIGHBOURS, len(tree.points))
    distance, image = tree.tree.query(tree.place(shells.site_coordinates), k=k, distance_upper_bound=reach)
    distance, image = distance.reshape(n, k)[:, 1:], image.reshape(n, k)[:, 1:]
    end = np.minimum(distance[:, -1], reach) if k > 1 else np.full(n, reach)
    known = np.isfinite(distance)
    owner = tree.owner[np.where(known, image, 0)]
    mine = shells.centre_of[owner] == shells.centre_of[:, None]
    same = np.where(known & mine, distance, np.inf).min(axis=1, initial=np.inf)
    other = np.where(known & ~mine, distance, np.inf).min(axis=1, initial=np.inf)
    return np.minimum(same, end), np.minimum(other, end)
