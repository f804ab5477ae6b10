"""The nearest site of many points in a periodic cell: one k-d tree over the sites and their images near the
cell."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ionpath.arrays import Bools, Floats, Ints, heights
from ionpath.cells import images_around
from ionpath.periodic import obtuse_superbase, wrap_fractional

_CANDIDATES = 8
_BLOCK = 250_000
"""Points that are looked up at once; bounds the memory of temporary arrays."""


class Nearest(NamedTuple):
    """Nearest sites."""

    site: NDArray[np.int32]  # (P,): nearest site of each point
    distance: Floats  # (P,): its distance, in A; infinity if no site is within reach
    ambiguous: Bools  # (P,): whether another site is nearly as close


class Points(NamedTuple):
    """Points of a cell in groups that move together."""

    cell: Floats  # (3, 3): cell vectors as rows, in A
    coordinates: Floats  # (S, 3): fractional coordinates at rest
    group: Ints  # (S,): group of each point


class SiteTree:
    """Sites (S, 3) of a cell, fractional, and their images up to a distance `reach` in A outside it.

    The cell is first reduced to an obtuse superbase, so that few images suffice however sheared it is. Every image
    within `reach` of a point in the reduced cell is kept, which makes answers below `reach` exact.
    """

    def __init__(self, cell: Floats, sites: Floats, reach: float) -> None:
        self.cell, self.sites, self.reach = cell, sites, reach
        self.base = obtuse_superbase(cell)
        self.to_base = np.rint(cell @ np.linalg.inv(self.base))  # fractional coordinates of the cell -> of the base
        inside = wrap_fractional(sites @ self.to_base)
        images, owner, _ = images_around(inside, reach / heights(self.base) + 1e-9)
        self.owner = owner.astype(np.int32)
        self.points = images @ self.base
        self.tree = cKDTree(self.points, balanced_tree=False, compact_nodes=True, leafsize=8)

    @cached_property
    def separation(self) -> Floats:
        """Distance from every site to the nearest other site or image of itself, in A; shape (S,)."""
        inside = wrap_fractional(self.sites @ self.to_base) @ self.base
        distance = self.tree.query(inside, k=2)[0][:, 1]
        far = distance > self.reach  # a nearer image may have been left out
        if far.any() and np.isfinite(distance).all() and self.reach > 0.0:
            wide = SiteTree(self.cell, self.sites, float(distance[far].max()))
        elif far.any():
            wide = SiteTree(self.cell, self.sites, float(np.linalg.norm(self.base, axis=1).max()))
        else:
            return np.asarray(distance)
        distance[far] = wide.tree.query(inside[far], k=2)[0][:, 1]
        return np.asarray(distance)

    def place(self, coordinates: Floats) -> Floats:
        """Put points into the reduced cell."""
        inside = coordinates @ self.to_base
        inside -= np.floor(inside)
        return np.asarray(inside @ self.base)


def nearest_sites(tree: SiteTree, points: Floats, cutoff: float, margin: float) -> Nearest:
    """Find the nearest site of every point, with sites at rest."""
    distance, image = tree.tree.query(points, k=1)
    site = tree.owner[np.minimum(image, len(tree.owner) - 1)]
    distance[distance > cutoff] = np.inf
    ambiguous = np.zeros(len(points), dtype=bool)
    # The second site is at least (separation - distance) away: most points need no second look.
    doubtful = np.flatnonzero((distance > 0.5 * (tree.separation[site] - margin)) & np.isfinite(distance))
    if margin > 0.0 and len(doubtful):
        both, _ = tree.tree.query(points[doubtful], k=2)
        ambiguous[doubtful] = both[:, 1] - both[:, 0] < margin
    return Nearest(site, distance, ambiguous)


def nearest_moving_sites(
    tree: SiteTree, points: Floats, shifts: Floats, frame: Ints, group: Ints, cutoff: float, margin: float
) -> Nearest:
    """Find the nearest site of every point, with sites that follow their centres.

    A site that is nearest at rest by more than twice the largest displacement of the frame is nearest. Points for which
    that does not settle the question look at more and more sites until the next one is too far away to matter.
    """
    largest = np.sqrt((shifts**2).sum(axis=-1).max(axis=-1))[frame]
    rest, image = tree.tree.query(points, k=1)
    site = tree.owner[np.minimum(image, len(tree.owner) - 1)]
    safe_image = np.minimum(image, len(tree.points) - 1)
    vector = points - tree.points[safe_image] - shifts[frame, group[site]]
    distance = np.sqrt((vector**2).sum(axis=-1))
    distance[~np.isfinite(rest)] = np.inf
    ambiguous = np.zeros(len(points), dtype=bool)
    # Every other site was at least (separation - rest) away, and came at most `largest` closer.
    open_points = np.flatnonzero(~(distance + margin <= tree.separation[site] - rest - largest))
    k = min(_CANDIDATES, len(tree.points))
    while len(open_points):
        far, images = tree.tree.query(points[open_points], k=k)
        far, images = far.reshape(len(open_points), k), images.reshape(len(open_points), k)
        f = frame[open_points]
        owners = tree.owner[images]
        vectors = points[open_points, None] - tree.points[images] - shifts[f[:, None], group[owners]]
        moved = np.sqrt((vectors**2).sum(axis=-1))
        order = np.argsort(moved, axis=1)[:, :2]
        rows = np.arange(len(open_points))
        distance[open_points] = moved[rows, order[:, 0]]
        site[open_points] = owners[rows, order[:, 0]]
        if k > 1:
            ambiguous[open_points] = moved[rows, order[:, 1]] - moved[rows, order[:, 0]] < margin
        if k == len(tree.points):
            break
        reached = far[:, -1] - largest[open_points]
        enough = np.minimum(distance[open_points] + margin, cutoff)
        open_points = open_points[reached < enough]
        k = min(4 * k, len(tree.points))
    outside = distance > cutoff
    distance[outside] = np.inf
    ambiguous[outside] = False
    return Nearest(site, distance, ambiguous)


def farthest(cell: Floats) -> float:
    """Return a distance from a lattice point that no point of space exceeds."""
    base = obtuse_superbase(cell)
    return 0.5 * float(np.linalg.norm(base, axis=1).sum())


def nearest_in_frames(points: Points, ions: Floats, shifts: Floats | None, cutoff: float, margin: float) -> Nearest:
    """Find the nearest point of every ion in every frame."""
    n_frames, n_ions = ions.shape[:2]
    found = Nearest(
        np.empty((n_frames, n_ions), dtype=np.int32),
        np.empty((n_frames, n_ions)),
        np.empty((n_frames, n_ions), dtype=bool),
    )
    largest = 0.0 if shifts is None else float(np.sqrt((shifts**2).sum(axis=-1).max()))
    everywhere = farthest(points.cell) + 2.0 * largest + margin
    reach = cutoff + largest if np.isfinite(cutoff) else _first_reach(points) + 2.0 * largest
    trees = [SiteTree(points.cell, points.coordinates, min(reach + margin, everywhere))]
    step = max(1, _BLOCK // n_ions)
    for start in range(0, n_frames, step):
        part = slice(start, start + step)
        block = ions[part].reshape(-1, 3)
        moved = None if shifts is None else shifts[part]
        here = _lookup(trees[0], block, moved, n_ions, points.group, cutoff, margin)
        level = 0
        while not np.isfinite(cutoff) and trees[level].reach < everywhere:
            far = np.flatnonzero(~(here.distance + margin <= trees[level].reach - 2.0 * largest))
            if len(far) == 0:
                break
            level += 1
            if level == len(trees):
                trees.append(SiteTree(points.cell, points.coordinates, min(2.0 * trees[-1].reach, everywhere)))
            sites_then = None if moved is None else moved[far // n_ions]
            _put(here, far, _lookup(trees[level], block[far], sites_then, 1, points.group, cutoff, margin))
        here.site[~np.isfinite(here.distance)] = -1
        table = (-1, n_ions)
        shaped = Nearest(here.site.reshape(table), here.distance.reshape(table), here.ambiguous.reshape(table))
        _put(found, part, shaped)
    return found


def _first_reach(points: Points) -> float:
    """Distance within which nearly every point of space has a site."""
    return float(1.2 * (abs(np.linalg.det(points.cell)) / len(points.coordinates)) ** (1.0 / 3.0))


def _put(target: Nearest, where: slice | Ints, values: Nearest) -> None:
    target.site[where], target.distance[where] = values.site, values.distance
    target.ambiguous[where] = values.ambiguous


def _lookup(
    tree: SiteTree, ions: Floats, shifts: Floats | None, n_ions: int, group: Ints, cutoff: float, margin: float
) -> Nearest:
    placed = tree.place(ions)
    if shifts is None:
        return nearest_sites(tree, placed, cutoff, margin)
    frame = np.repeat(np.arange(len(shifts)), n_ions)
    return nearest_moving_sites(tree, placed, shifts, frame, group, cutoff, margin)
