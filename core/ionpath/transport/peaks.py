"""Sites of ions, found as the maxima of their density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionpath.periodic import fractional, minimum_image
from ionpath.transport._checks import Floats, positive
from ionpath.transport.density import DensityGrid


@dataclass(frozen=True)
class DensitySites:
    """Sites in a density.

    Attributes
    ----------
    positions : ndarray, shape (S, 3)
        Centre of mass of the density of each site in A, inside the cell.
    coordinates : ndarray, shape (S, 3)
        The same in fractional coordinates.
    peaks : ndarray, shape (S,)
        Largest density at each site in units of the mean.
    occupancies : ndarray, shape (S,)
        Mean number of ions at each site; the counts of the voxels nearest to it.
    assigned_fraction : float
        Fraction of all ions within reach of some site.
    """

    positions: Floats
    coordinates: Floats
    peaks: Floats
    occupancies: Floats
    assigned_fraction: float


def density_sites(
    grid: DensityGrid, *, level: float = 2.0, separation: float = 1.2, sigma: float = 0.3, reach: float = 1.4
) -> DensitySites:
    """Find sites as maxima of the smoothed density.

    Parameters
    ----------
    grid : DensityGrid
        Counts on a grid.
    level : float, optional
        Least height of a maximum in units of the mean density.
    separation : float, optional
        Least distance between two sites in A; of closer maxima the highest is kept.
    sigma : float, optional
        Width in A of the Gaussian that smooths the density first.
    reach : float, optional
        Counts further than this (A) from every site belong to none.

    Returns
    -------
    DensitySites
        Sites from the highest maximum down, with occupancies.

    Raises
    ------
    InputError
        If `separation`, `sigma` or `reach` is not above zero.

    Examples
    --------
    >>> from ionpath.transport import ion_density
    >>> rng = np.random.default_rng(0)
    >>> ions = np.array([[2.0, 2.0, 2.0], [7.0, 7.0, 7.0]]) + rng.normal(scale=0.2, size=(500, 2, 3))
    >>> found = density_sites(ion_density(ions, 9 * np.eye(3)))
    >>> np.sort(found.positions.round(1), axis=0).tolist()
    [[2.0, 2.0, 2.0], [7.0, 7.0, 7.0]]
    """
    positive(separation, "separation", "a distance in A")
    positive(reach, "reach", "a distance in A")
    density = grid.relative(sigma)
    peaks = _separate(_maxima(density, level), density, grid.cell, separation)
    empty = np.empty((0, 3))
    if len(peaks) == 0:
        return DensitySites(empty, empty, np.empty(0), np.empty(0), 0.0)
    filled = np.argwhere(grid.counts > 0)
    owner, vector = _owners((filled + 0.5) / grid.shape, (peaks + 0.5) / grid.shape, grid.cell, reach)
    weight = grid.counts[tuple(filled.T)].astype(np.float64) * (owner >= 0)
    safe = np.maximum(owner, 0)
    occupancy = np.bincount(safe, weight, len(peaks))
    shift = np.stack([np.bincount(safe, weight * vector[:, k], len(peaks)) for k in range(3)], axis=1)
    places = (peaks + 0.5) / grid.shape @ grid.cell + shift / np.maximum(occupancy, 1.0)[:, None]
    coordinates = np.asarray(fractional(places, grid.cell)) % 1.0
    return DensitySites(
        positions=np.asarray(coordinates @ grid.cell),
        coordinates=np.asarray(coordinates),
        peaks=np.asarray(density[tuple(peaks.T)]),
        occupancies=np.asarray(occupancy / grid.n_frames),
        assigned_fraction=float(weight.sum() / grid.counts.sum()),
    )


def _maxima(density: Floats, level: float) -> NDArray[np.int64]:
    from scipy.ndimage import maximum_filter

    top = (density == maximum_filter(density, size=3, mode="wrap")) & (density >= level)
    found = np.argwhere(top)
    return np.asarray(found[np.argsort(-density[top], kind="stable")])


def _separate(
    peaks: NDArray[np.int64], density: Floats, cell: Floats, separation: float
) -> NDArray[np.int64]:
    coordinates = (peaks + 0.5) / density.shape
    kept: list[int] = []
    for k in range(len(peaks)):
        vectors = minimum_image((coordinates[kept] - coordinates[k]) @ cell, cell)
        if not kept or np.linalg.norm(vectors, axis=1).min() >= separation:
            kept.append(k)
    return np.asarray(peaks[kept].reshape(-1, 3))


def _owners(points: Floats, sites: Floats, cell: Floats, reach: float) -> tuple[NDArray[np.int64], Floats]:
    """Nearest site of each point (fractional coordinates) within reach, -1 for none, and the vector from it in A."""
    from ionpath.sites.nearest import Points, nearest_in_frames

    found = nearest_in_frames(
        Points(cell, sites, np.arange(len(sites))), points[None], None, reach, 0.0
    ).site[0]
    vectors = minimum_image((points - sites[np.maximum(found, 0)]) @ cell, cell)
    return found.astype(np.int64), np.asarray(vectors)
