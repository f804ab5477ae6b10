"""Sites of ions: the maxima of their density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, grid_points
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive, warn
from ionpath.msonable import Msonable
from ionpath.periodic import fractional, minimum_image, wrap_fractional
from ionpath.sites.arguments import cell_repeats
from ionpath.sites.density import DensityGrid, ion_density
from ionpath.sites.nearest import Points, SiteTree, nearest_in_frames
from ionpath.sites.plausibility import NEARLY, is_solid, not_solid
from ionpath.sites.reference import reference_frames


@documented
@dataclass(frozen=True)
class DensitySites(Msonable):
    """Sites in a density."""

    positions: Floats  # (S, 3): centre of mass of the density of each site in A, inside the cell
    coordinates: Floats  # (S, 3): the same in fractional coordinates
    peaks: Floats  # (S,): largest density at each site in units of the mean
    occupancies: Floats  # (S,): mean number of ions at each site; the counts of the voxels nearest to it
    assigned_fraction: float  # fraction of all ions within reach of some site


HIGH = 0.8
"""Share of the height of its neighbour from which on a maximum is one as well as that."""


class SiteSearch(NamedTuple):
    """How sites are told apart: width of the smoothing, least distance, heights in units of the mean and of the
    highest maximum, and reach, all lengths in A."""

    sigma: float
    separation: float
    level: float
    background: float
    reach: float


SEARCHES = {
    "ions": SiteSearch(sigma=0.6, separation=2.2, level=0.0, background=0.1, reach=1.65),
    "holes": SiteSearch(sigma=0.3, separation=1.2, level=2.0, background=0.0, reach=1.4),
}
"""2.2 A is the shortest distance at which two lithium ions sit side by side, 1.2 A that of two holes between anions."""


@typed
@references("jang2025")
def density_sites(
    grid: DensityGrid,
    *,
    sites: str = "ions",
    level: float | None = None,
    separation: float | None = None,
    sigma: float | None = None,
    reach: float | None = None,
    background: float | None = None,
) -> DensitySites:
    """Find sites as maxima of the smoothed density.

    Parameters
    ----------
    grid : DensityGrid
        Counts on a grid.
    sites : {"ions", "holes"}, optional
        What a site is, which sets all that follows where it is left out: a place that one ion fills, so that holes
        which share a face are one site; or every single hole between the anions, for which a run must be long.
    level : float, optional
        Least height of a maximum in units of the mean density: 0 for ions, 2 for holes.
    separation : float, optional
        Least distance between two sites in A, 2.2 or 1.2; of closer maxima the highest is kept.
    sigma : float, optional
        Width in A of the Gaussian that smooths the density first, 0.6 or 0.3.
    reach : float, optional
        Counts further than this (A) from every site belong to none, 1.65 or 1.4.
    background : float, optional
        Least height of a maximum as a fraction of the highest one, 0.1 or 0.

    Returns
    -------
    DensitySites
        Sites from the highest maximum down, with occupancies.

    Notes
    -----
    Of the 24 lithium positions (24g) in the conventional cell of Li6PS5Cl, ``"ions"`` finds all within 0.2 A in 28 ps
    of ab initio dynamics folded to one cell; there the 48 holes of ``"holes"`` are not told apart yet (40 are found).

    Examples
    --------
    >>> from ionpath.transport import ion_density
    >>> rng = np.random.default_rng(0)
    >>> ions = np.array([[2.0, 2.0, 2.0], [7.0, 7.0, 7.0]]) + rng.normal(scale=0.2, size=(500, 2, 3))
    >>> found = density_sites(ion_density(ions, 9 * np.eye(3)))
    >>> np.sort(found.positions.round(1), axis=0).tolist()
    [[2.0, 2.0, 2.0], [7.0, 7.0, 7.0]]
    """
    one_of("sites", sites, SEARCHES)
    given = {"sigma": sigma, "separation": separation, "level": level, "background": background, "reach": reach}
    search = SEARCHES[sites]._replace(**{key: value for key, value in given.items() if value is not None})
    for name in ("sigma", "separation", "reach"):
        positive(name, getattr(search, name), "A")
    voxel = float((np.linalg.norm(grid.cell, axis=1) / grid.shape).max())
    if voxel > 0.5 * search.separation:
        warn(
            f"sites: need voxels below half of the least distance of two sites, {0.5 * search.separation:.2g} A, got "
            f"{voxel:.2g} A: sites that share a voxel are one; use a smaller spacing, such as 0.25"
        )
    density = grid.relative(search.sigma)
    maxima = _maxima(density, max(search.level, search.background * float(density.max())))
    peaks = _separate(maxima, density.shape, grid.cell, search.separation)
    looked_at = sites == "ions" and len(peaks) > 1
    more = _left_out(maxima, peaks, density, grid.cell, search.separation) if looked_at else 0
    if more and 2 * more >= len(peaks):
        warn(
            f"sites: {more} maxima of the density are nearly as high as one of the {len(peaks)} sites and less than "
            f"{search.separation:g} A from it, and count as the same place; where ions hop between them, "
            f"give a crystal with each of these sites, or pass separation={NEARLY:g}"
        )
    coordinates = (peaks + 0.5) / density.shape
    filled = np.argwhere(grid.counts > 0)
    weight = grid.counts[tuple(filled.T)].astype(np.float64)
    occupancy: Floats = np.zeros(len(peaks))
    # Twice to the centre of mass of what is nearest: the voxel of a maximum is that of its noise.
    for last in (False, False, True) if len(peaks) else ():
        owner, vector = _owners((filled + 0.5) / grid.shape, coordinates, grid.cell, search.reach)
        held, mine = np.where(owner >= 0, weight, 0.0), np.maximum(owner, 0)
        occupancy = np.asarray(np.bincount(mine, held, len(peaks)), dtype=np.float64)
        if not last:
            sums = np.stack([np.bincount(mine, held * v, len(peaks)) for v in vector.T], axis=1)
            shift = fractional(sums / np.maximum(occupancy, 1.0)[:, None], grid.cell)
            coordinates = wrap_fractional(coordinates + shift)
    return DensitySites(
        positions=coordinates @ grid.cell,
        coordinates=coordinates,
        peaks=density[tuple(peaks.T)],
        occupancies=occupancy / grid.n_frames,
        assigned_fraction=float(occupancy.sum() / grid.counts.sum()),
    )


def _remedy(grid: DensityGrid, search: dict[str, Any], n_ions: int, n_cells: int) -> str:
    """What finds more sites: tried before it is advised."""
    ways = ["" if n_cells > 1 else "average over equivalent cells with repeats=(2, 2, 2)"]
    used = search.get("separation") or SEARCHES[search.get("sites", "ions")].separation
    for separation in (2.0, 1.8, 1.6, 1.4, 1.2):
        if separation >= used:
            continue
        found = density_sites(grid, **{**search, "separation": separation})
        more = len(found.coordinates)
        if more * n_cells >= n_ions and is_solid(found.peaks, found.assigned_fraction):
            # Where anions are mixed, the sites of unlike cells lie beside each other in their average.
            ways.append(f"separation={separation:g} finds {more * n_cells} sites, which unlike cells need")
            break
    return ", or ".join(filter(None, [*ways, "give more frames or a crystal (from_structure)"]))


def _maxima(density: Floats, level: float) -> Ints:
    from scipy.ndimage import maximum_filter

    top = (density == maximum_filter(density, size=3, mode="wrap")) & (density >= level)
    found = np.argwhere(top)
    return np.asarray(found[np.argsort(-density[top], kind="stable")])


def _separate(peaks: Ints, grid: Sequence[int], cell: Floats, separation: float) -> Ints:
    """Keep peaks, in the order given, that are not too close to one kept before."""
    coordinates = (peaks + 0.5) / grid
    kept: list[int] = []
    for k, point in enumerate(coordinates):
        vectors = minimum_image((coordinates[kept] - point) @ cell, cell)
        if not kept or (vectors**2).sum(axis=1).min() >= separation**2:
            kept.append(k)
    return peaks[kept].reshape(-1, 3)


def _left_out(maxima: Ints, kept: Ints, density: Floats, cell: Floats, separation: float) -> int:
    """Number of maxima that are too close to one that was kept, but further from it than ions vibrate, and as high."""
    tree = SiteTree(cell, (kept + 0.5) / density.shape, separation)
    distance, image = tree.tree.query(tree.place((maxima + 0.5) / density.shape))
    near = kept[tree.owner[image]]  # all are within the separation of one
    return int(((distance > NEARLY) & (density[tuple(maxima.T)] > HIGH * density[tuple(near.T)])).sum())


def _owners(points: Floats, sites: Floats, cell: Floats, reach: float) -> tuple[Ints, Floats]:
    """Nearest site of each point (fractional coordinates) within reach, -1 for none, and the vector from it in A."""
    index = Points(cell, sites, np.zeros(len(sites), dtype=np.int64))
    found = nearest_in_frames(index, points[None], None, reach, 0.0).site[0].astype(np.int64)
    return found, minimum_image((points - sites[np.maximum(found, 0)]) @ cell, cell)


def sites_of_ions(
    cell: Floats,
    mobile_positions: ArrayLike,
    cells: ArrayLike | None,
    drift: ArrayLike | None,
    repeats: ArrayLike,
    *,
    spacing: float,
    **search: Any,
) -> tuple[Floats, Ints]:
    """Sites of ions in a cell of `repeats` equivalent ones, found in their average, and which site of one cell each is.

    Refused are densities without sites, as those of liquids, and fewer sites than ions.
    """
    number = cell_repeats(repeats)
    boxes = cell if cells is None else cells
    frames = reference_frames(mobile_positions, boxes, cell, np.zeros((0, 3)), None, drift)
    grid = ion_density(frames.ions @ cell, cell / number[:, None], spacing=spacing)
    found = density_sites(grid, **search)
    places = found if search.get("sites", "ions") == "ions" else density_sites(grid)
    n, n_cells = len(found.coordinates), int(number.prod())
    n_ions = frames.ions.shape[1]
    if not is_solid(places.peaks, places.assigned_fraction):
        raise not_solid(places.peaks, places.assigned_fraction, _remedy(grid, search, n_ions, n_cells))
    if n * n_cells < n_ions:  # a site is a place that one ion fills
        need, remedy = f"at least {n_ions:g}, one for each ion", _remedy(grid, search, n_ions, n_cells)
        raise InputError("sites in the density", need=need, got=str(n * n_cells), remedy=remedy)
    shifts = grid_points(*map(np.arange, number))[:, None]
    return np.concatenate((found.coordinates + shifts) / number), np.tile(np.arange(n), n_cells)
