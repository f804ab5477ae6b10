"""Where ions are: their density on a grid, streamed over frames; `ionpath.sites.maxima` finds the sites in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats, Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, positive, shape
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells, check_finite, fractional

_MOST_VOXELS = 1e8
"""A cell of 100 A in voxels of 0.22 A; memory is 8 bytes for each."""


@typed
@documented
@dataclass(frozen=True)
class DensityGrid(Msonable):
    """Counts of ions on a periodic grid."""

    # (na, nb, nc): ions found in each voxel, summed over frames. Voxel (i, j, k) spans fractional coordinates from
    # (i/na, j/nb, k/nc) to ((i+1)/na, ...).
    counts: Ints
    cell: Floats  # (3, 3): mean cell vectors as rows in A
    n_frames: int  # frames that were counted

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
        """Number density of ions in A^-3, (na, nb, nc), smoothed by a Gaussian of width `sigma` in A.

        Its integral over the cell is the number of ions.
        """
        raw = self.counts / (self.n_frames * self.voxel_volume)
        return gaussian_smooth(raw, self.cell, sigma) if sigma else raw

    def relative(self, sigma: float = 0.3) -> Floats:
        """Density in units of its mean, P(r) / <P>, in which isosurfaces are quoted; `sigma` in A as for `density`."""
        rho = self.density(sigma)
        return np.asarray(rho / rho.mean())


@typed
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
            raise InputError("shape", need="three numbers of voxels", got=repr(shape), remedy="or give a spacing")
        if size.prod() > _MOST_VOXELS:
            least = 1.01 * float(np.cbrt(abs(np.linalg.det(matrix)) / _MOST_VOXELS))
            raise InputError(
                "spacing" if shape is None else "shape", need=f"a grid of at most {_MOST_VOXELS:.0e} voxels",
                got=f"{size.prod():.3g}",
                remedy=f"take a spacing of {least:.3g} A or more; 0.25 A resolves the sites of lithium",
            )  # fmt: skip
        self.counts = np.zeros(tuple(int(n) for n in size), dtype=np.int64)
        self.cell_sum = np.zeros((3, 3))
        self.n_frames = 0

    def add(self, positions: ArrayLike, cells: ArrayLike) -> None:
        """Count the ions of some frames: positions (T, N, 3) in A, wrapped or not, without the drift of the framework.

        Cells are (3, 3) or (T, 3, 3), with vectors as rows in A. InputError if positions are malformed.
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
        """Add what another accumulator counted; InputError if their grids differ."""
        if other.counts.shape != self.counts.shape:
            remedy = "give both the same shape"
            raise InputError("other", need=f"a grid of {self.counts.shape}", got=f"{other.counts.shape}", remedy=remedy)
        self.counts = self.counts + other.counts
        self.cell_sum = self.cell_sum + other.cell_sum
        self.n_frames += other.n_frames

    def result(self) -> DensityGrid:
        """Counts so far, mean cell and number of frames; InputError if no frame was counted."""
        if self.n_frames == 0:
            raise InputError("frames", need="at least one", got="none", remedy="add frames first")
        return DensityGrid(self.counts.copy(), self.cell_sum / self.n_frames, self.n_frames)


@typed
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
    spacing, shape : optional
        See `DensityAccumulator`.

    Returns
    -------
    DensityGrid
        Counts on the grid.

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


@typed
def gaussian_smooth(values: Finite, cell: Finite, sigma: float) -> Floats:
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

    data, matrix = np.asarray(values, dtype=np.float64), as_cells(cell)
    width = positive("sigma", sigma, "A")
    # A vector within half of the narrowest width of the cell has fractional components within one half.
    axes = [np.fft.fftfreq(n) for n in data.shape]
    vectors = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) @ matrix
    squares = (vectors**2).sum(axis=-1) / width**2
    kernel = np.where(squares <= 25.0, np.exp(-0.5 * squares), 0.0)
    smooth = irfftn(rfftn(data) * rfftn(kernel / kernel.sum()), s=data.shape)
    return np.asarray(np.maximum(smooth, 0.0))
