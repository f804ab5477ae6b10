"""Where ions are: their density on a grid, streamed over frames, and the sites at its maxima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.errors import InputError, one_of, positive, shape
from ionpath.periodic import as_cells, check_finite, fractional, minimum_image, wrap_fractional
from ionpath.sites.nearest import Points, nearest_in_frames

_MOST_VOXELS = 1e8
"""A cell of 100 A in voxels of 0.22 A; memory is 8 bytes for each."""


@dataclass(frozen=True)
class DensityGrid:
    """Counts of ions on a periodic grid.

    Attributes
    ----------
    counts : ndarray of int, shape (na, nb, nc)
        Ions found in each voxel, summed over frames. Voxel (i, j, k) spans fractional coordinates from (i/na, j/nb,
        k/nc) to ((i+1)/na, ...).
    cell : ndarray, shape (3, 3)
        Mean cell vectors as rows in A.
    n_frames : int
        Frames that were counted.
    """

    counts: Ints
    cell: Floats
    n_frames: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along each cell vector."""
        return (int(self.counts.shape[0]), int(self.counts.shape[1]), int(self.counts.shape[2]))

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel in A^3."""
        return float(abs(np.linalg.det(self.cell)) / self.counts.size)

    @property
    def n_ions(self) -> float:
        """Ions per frame."""
        return float(self.counts.sum() / self.n_frames)

    def density(self, sigma: float = 0.0) -> Floats:
        """Number density of ions.

        Parameters
        ----------
        sigma : float, optional
            Width in A of the Gaussian by which it is smoothed; none by default.

        Returns
        -------
        ndarray, shape (na, nb, nc)
            Density in A^-3; its integral over the cell is the number of ions.
        """
        raw = self.counts / (self.n_frames * self.voxel_volume)
        return gaussian_smooth(raw, self.cell, sigma) if sigma else raw

    def relative(self, sigma: float = 0.3) -> Floats:
        """Density in units of its mean.

        Parameters
        ----------
        sigma : float, optional
            Width in A of the Gaussian by which it is smoothed.

        Returns
        -------
        ndarray, shape (na, nb, nc)
            P(r) / <P>; isosurfaces are quoted in this unit.
        """
        rho = self.density(sigma)
        return np.asarray(rho / rho.mean())


class DensityAccumulator:
    """Histogram of ion positions that grows frame by frame.

    Parameters
    ----------
    cell : array_like, shape (3, 3)
        Cell vectors of the first frame as rows in A; it fixes the number of voxels.
    spacing : float, optional
        Largest edge of a voxel in A.
    shape : sequence of int, optional
        Number of voxels along each cell vector instead.

    Raises
    ------
    InputError
        If the cell has no volume or the grid has no voxels.

    Notes
    -----
    Ions are counted by their fractional coordinates in the cell of their own frame, so that a cell that breathes under
    constant pressure does not smear the sites; the grid is then that of the mean cell. Memory does not grow with
    frames, and accumulators of parts of a trajectory can be added (`merge`).

    Examples
    --------
    >>> grid = DensityAccumulator(4 * np.eye(3), spacing=1.0)
    >>> grid.add([[[0.5, 0.5, 0.5], [3.5, 4.5, -0.5]]], 4 * np.eye(3))
    >>> int(grid.result().counts[0, 0, 0]), int(grid.result().counts[3, 0, 3])
    (1, 1)
    """

    def __init__(self, cell: ArrayLike, *, spacing: float = 0.25, shape: Sequence[int] | None = None) -> None:
        matrix = as_cells(cell)
        if shape is None:
            edges = np.linalg.norm(matrix, axis=1)
            size = np.maximum(np.ceil(edges / positive("spacing", spacing, "A") - 1e-9), 1)
        else:
            size = np.asarray(shape, dtype=np.float64)
        if size.shape != (3,) or not (size >= 1).all():
            raise InputError(
                "shape", need="three numbers of voxels", got=repr(shape), remedy="or give a spacing"
            )
        if size.prod() > _MOST_VOXELS:
            raise InputError(
                "spacing" if shape is None else "shape", need=f"a grid of at most {_MOST_VOXELS:.0e} voxels",
                got=f"{size.prod():.3g}", remedy="0.25 A resolves the sites of lithium",
            )  # fmt: skip
        self.counts = np.zeros(tuple(int(n) for n in size), dtype=np.int64)
        self.cell_sum = np.zeros((3, 3))
        self.n_frames = 0

    def add(self, positions: ArrayLike, cells: ArrayLike) -> None:
        """Count the ions of some frames.

        Parameters
        ----------
        positions : array_like, shape (T, N, 3)
            Positions in A, wrapped or not, without the drift of the framework.
        cells : array_like, shape (3, 3) or (T, 3, 3)
            Cell vectors as rows in A.

        Raises
        ------
        InputError
            If positions are malformed.
        """
        r = check_finite(positions, "positions")
        shape("positions", r, "(T, N, 3)", None, None, 3, remedy="add an axis for a single frame")
        matrices = as_cells(cells)
        coordinates = np.asarray(fractional(r, matrices))
        index = np.floor((coordinates - np.floor(coordinates)) * self.counts.shape).astype(np.intp)
        index = np.minimum(index, np.array(self.counts.shape) - 1)
        flat = np.ravel_multi_index(tuple(np.moveaxis(index, -1, 0)), self.counts.shape)
        self.counts += np.bincount(flat.ravel(), minlength=self.counts.size).reshape(self.counts.shape)
        self.cell_sum += matrices.sum(axis=0) if matrices.ndim == 3 else matrices * r.shape[0]
        self.n_frames += r.shape[0]

    def merge(self, other: DensityAccumulator) -> None:
        """Add what another accumulator counted on the same grid.

        Parameters
        ----------
        other : DensityAccumulator
            Accumulator of other frames.

        Raises
        ------
        InputError
            If the grids differ.
        """
        if other.counts.shape != self.counts.shape:
            raise InputError(
                "other", need=f"a grid of {self.counts.shape}", got=f"{other.counts.shape}",
                remedy="give both the same shape",
            )  # fmt: skip
        self.counts = self.counts + other.counts
        self.cell_sum = self.cell_sum + other.cell_sum
        self.n_frames += other.n_frames

    def result(self) -> DensityGrid:
        """Counts so far.

        Returns
        -------
        DensityGrid
            Counts, mean cell and number of frames.

        Raises
        ------
        InputError
            If no frame was counted.
        """
        if self.n_frames == 0:
            raise InputError("frames", need="at least one", got="none", remedy="add frames first")
        return DensityGrid(self.counts.copy(), self.cell_sum / self.n_frames, self.n_frames)


@references("jang2025")
def ion_density(
    positions: ArrayLike, cells: ArrayLike, *, spacing: float = 0.25, shape: Sequence[int] | None = None
) -> DensityGrid:
    """Histogram of ion positions on a grid.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Positions in A, wrapped or not, without the drift of the framework.
    cells : array_like, shape (3, 3) or (T, 3, 3)
        Cell vectors as rows in A.
    spacing : float, optional
        Largest edge of a voxel in A.
    shape : sequence of int, optional
        Number of voxels along each cell vector instead.

    Returns
    -------
    DensityGrid
        Counts on the grid.

    Raises
    ------
    InputError
        If arrays are malformed.

    Examples
    --------
    >>> grid = ion_density(np.full((5, 2, 3), 1.1), 4 * np.eye(3))
    >>> grid.shape, int(grid.counts.max()), grid.n_ions
    ((16, 16, 16), 10, 2.0)
    """
    matrices = as_cells(cells)
    grid = DensityAccumulator(matrices if matrices.ndim == 2 else matrices[0], spacing=spacing, shape=shape)
    grid.add(positions, matrices)
    return grid.result()


def gaussian_smooth(values: ArrayLike, cell: ArrayLike, sigma: float) -> Floats:
    """Convolution of a periodic grid with a Gaussian, exact in any cell.

    Parameters
    ----------
    values : array_like, shape (na, nb, nc)
        Values on the grid.
    cell : array_like, shape (3, 3)
        Cell vectors as rows in A.
    sigma : float
        Width in A.

    Returns
    -------
    ndarray, shape (na, nb, nc)
        Smoothed values; their sum is kept.

    Notes
    -----
    The kernel is exp(-r^2 / 2 sigma^2), cut off at five sigma and normalised on the grid, so that nothing becomes
    negative and the sum is kept. The convolution is done by Fourier transform.

    Examples
    --------
    >>> grid = np.zeros((8, 8, 8)); grid[0, 0, 0] = 1.0
    >>> smooth = gaussian_smooth(grid, 4 * np.eye(3), 0.5)
    >>> round(float(smooth.sum()), 9), bool(smooth[1, 0, 0] == smooth[7, 0, 0])
    (1.0, True)
    """
    from scipy.fft import irfftn, rfftn

    data, matrix = np.asarray(values, dtype=np.float64), np.asarray(cell, dtype=np.float64)
    width = positive("sigma", sigma, "A")
    # A vector within half of the narrowest width of the cell has fractional components within one half.
    axes = [np.fft.fftfreq(n) for n in data.shape]
    vectors = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) @ matrix
    squares = (vectors**2).sum(axis=-1) / width**2
    kernel = np.where(squares <= 25.0, np.exp(-0.5 * squares), 0.0)
    smooth = irfftn(rfftn(data) * rfftn(kernel / kernel.sum()), s=data.shape)
    return np.asarray(np.maximum(smooth, 0.0))


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

    Raises
    ------
    InputError
        If a width or distance is not above zero.

    Notes
    -----
    Of the 24 lithium positions (24g) in the conventional cell of Li6PS5Cl, ``"ions"`` finds all within 0.2 A in 28 ps
    of ab initio dynamics folded to one cell; there the 48 holes of ``"holes"`` are not told apart yet (40 are found).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ions = np.array([[2.0, 2.0, 2.0], [7.0, 7.0, 7.0]]) + rng.normal(scale=0.2, size=(500, 2, 3))
    >>> found = density_sites(ion_density(ions, 9 * np.eye(3)))
    >>> np.sort(found.positions.round(1), axis=0).tolist()
    [[2.0, 2.0, 2.0], [7.0, 7.0, 7.0]]
    """
    one_of("sites", sites, SEARCHES)
    given = {
        "sigma": sigma,
        "separation": separation,
        "level": level,
        "background": background,
        "reach": reach,
    }
    search = SEARCHES[sites]._replace(**{key: value for key, value in given.items() if value is not None})
    for name in ("sigma", "separation", "reach"):
        positive(name, getattr(search, name), "A")
    density = grid.relative(search.sigma)
    peaks = _maxima(density, max(search.level, search.background * float(density.max())))
    peaks = _separate(peaks, density.shape, grid.cell, search.separation)
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


def _owners(points: Floats, sites: Floats, cell: Floats, reach: float) -> tuple[Ints, Floats]:
    """Nearest site of each point (fractional coordinates) within reach, -1 for none, and the vector from it in A."""
    index = Points(cell, sites, np.zeros(len(sites), dtype=np.int64))
    found = nearest_in_frames(index, points[None], None, reach, 0.0).site[0].astype(np.int64)
    return found, minimum_image((points - sites[np.maximum(found, 0)]) @ cell, cell)
