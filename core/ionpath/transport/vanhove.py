"""Van Hove functions: how far ions have gone after a time, and where the others are then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells
from ionpath.sums import Sums
from ionpath.transport._checks import above_zero, lag_array, lag_times, unwrapped_positions
from ionpath.transport.displacements import ion_batches, squared_displacements

MOST_BINS = 1_000_000
"""Bins at most."""
PAIRS = 2**15
"""Pairs of ions that are worked on at a time."""


@typed
@documented
@dataclass(frozen=True)
class VanHove(Msonable):
    """Van Hove function at several lag times."""

    times: Floats  # (L,): lag times in ps
    lags: Ints  # (L,): the same in frames
    distances: Floats  # (B,): middle of each bin in A
    edges: Floats  # (B + 1,): edges of the bins in A
    # (L, B): self part: probability density G_s in A^-3. Distinct part: G_d divided by the mean density, which is 1
    # where ions do not know of each other.
    values: Floats
    # (L, B): self part: fraction of displacements in each bin, the integral of 4 pi r^2 G_s over the bin. Distinct
    # part: mean number of other ions in each bin.
    fractions: Floats

    @property
    def radial(self) -> Floats:
        """Distribution of distances in A^-1, shape (L, B): 4 pi r^2 G(r, t) for the self part."""
        return np.asarray(self.fractions / np.diff(self.edges))

    def weight_beyond(self, distance: float) -> Floats:
        """Fraction of ions (L,) that have gone further than a distance in A at each lag time (self part).

        Bins are taken as they are: the nearest edge is used.
        """
        first = int(np.argmin(np.abs(self.edges - distance)))
        return np.asarray(1.0 - self.fractions[:, :first].sum(axis=1))


@typed
@references("vanhove1954", "chen2025")
def self_van_hove(
    positions: ArrayLike, lags: ArrayLike, *, frame_time: float = 1.0, r_max: float = 15.0, dr: float = 0.1
) -> VanHove:
    """Self part of the van Hove function: the distribution of the displacements of the same ion.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Unwrapped positions in A, without the drift of the framework.
    lags : array_like of int, shape (L,)
        Lags in frames.
    frame_time : float, optional
        Time between frames in ps.
    r_max : float, optional
        Largest displacement in A. What goes beyond is not in the bins, but it counts: the fractions then add up to
        less than one.
    dr : float, optional
        Width of the bins in A.

    Returns
    -------
    VanHove
        G_s(r, t) in A^-3.

    Raises
    ------
    InputError
        If positions are malformed, a lag does not fit into the trajectory, or bins have no width.

    Notes
    -----
    ``G_s(r, t) = < sum_i delta(r - |r_i(t0 + t) - r_i(t0)|) > / (4 pi r^2 N)``, averaged over all origins t0; counts
    are divided by the exact volume of each spherical shell.

    Examples
    --------
    >>> jump = np.zeros((4, 2, 3))
    >>> jump[2:, 0] = [3.05, 0.0, 0.0]
    >>> self_van_hove(jump, [2]).weight_beyond(3.0).tolist()
    [0.5]
    """
    r = unwrapped_positions(positions)
    chosen, edges = lag_array(lags, r.shape[0]), bin_edges(r_max, dr)
    dt = above_zero(frame_time, "frame_time", "a time between frames in ps")
    counts = np.zeros((chosen.size, edges.size), dtype=np.int64)
    for batch in ion_batches(r):
        for k, lag in enumerate(chosen):
            for square in squared_displacements(batch, int(lag)):
                counts[k] += _histogram(square, dr, edges.size)
    return van_hove_of(counts[:, :-1] / ((r.shape[0] - chosen) * r.shape[1])[:, None], chosen, edges, dt)


def van_hove_of(
    numbers: Floats, lags: Ints, edges: Floats, frame_time: float, density: Floats | float = 1.0
) -> VanHove:
    """Van Hove function from mean numbers in bins (L, B), over a mean density (L, 1)."""
    values = numbers / (4.0 / 3.0 * np.pi * np.diff(edges**3) * density)
    return VanHove(lag_times(lags, frame_time), lags, 0.5 * (edges[1:] + edges[:-1]), edges, values, numbers)


@typed
@references("vanhove1954")
def distinct_van_hove(
    positions: ArrayLike,
    cells: ArrayLike,
    lags: ArrayLike,
    *,
    others: ArrayLike | None = None,
    frame_time: float = 1.0,
    r_max: float = 8.0,
    dr: float = 0.1,
    origins: int | None = None,
) -> VanHove:
    """Distinct part of the van Hove function: where the other ions are, seen from where an ion was.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Positions of the ions at the origin of time in A, wrapped or not.
    cells : array_like, shape (3, 3) or (T, 3, 3)
        Cell vectors as rows in A.
    lags : array_like of int, shape (L,)
        Lags in frames.
    others : array_like, shape (T, M, 3), optional
        Positions of the other kind of atom after the lag; the same ions by default, each without itself.
    frame_time : float, optional
        Time between frames in ps.
    r_max : float, optional
        Largest distance in A, at most half of the narrowest width of the cell.
    dr : float, optional
        Width of the bins in A.
    origins : int, optional
        Origins per lag, evenly spread; all by default. The cost is origins times lags times pairs of ions.

    Returns
    -------
    VanHove
        ``values`` is G_d(r, t) over the mean density: the radial distribution function at lag 0.

    Raises
    ------
    InputError
        If arrays are malformed, or `r_max` goes beyond half of the cell.

    Notes
    -----
    ``G_d(r, t) = < sum_i sum_(j != i) delta(r - |r_j(t0 + t) - r_i(t0)|) > / (4 pi r^2 N)``. Every distance is that to
    the nearest image, so that it does not matter how far ions have gone; with unwrapped coordinates and few images
    the function would decay to zero as they diffuse.

    Examples
    --------
    >>> gas = np.random.default_rng(0).uniform(0, 20, size=(20, 100, 3))
    >>> found = distinct_van_hove(gas, 20 * np.eye(3), [0, 5], r_max=9.0, dr=3.0)
    >>> bool(np.all(np.abs(found.values - 1) < 0.2))
    True
    """
    r = unwrapped_positions(positions, frames=1)
    partners = r if others is None else unwrapped_positions(others, frames=1, name="others")
    matrices = as_cells(cells)
    chosen, edges = lag_array(lags, r.shape[0]), bin_edges(r_max, dr)
    dt = above_zero(frame_time, "frame_time", "a time between frames in ps")
    _check_distinct(r, partners, matrices, float(edges[-1]), same=others is None)
    matrices = np.broadcast_to(matrices, (r.shape[0], 3, 3))
    sums = DistinctCounts(chosen.size, r.shape[1], partners.shape[1], edges, same=others is None)
    for k, lag in enumerate(chosen):
        available = r.shape[0] - int(lag)
        number = available if origins is None else min(whole("origins", origins), available)
        starts = np.unique(np.linspace(0, available - 1, number).round().astype(np.int64))
        for start in starts:
            end = slice(start + lag, start + lag + 1)
            sums.add(k, r[start : start + 1], partners[end], matrices[end])
    return sums.result(chosen, dt)


class DistinctCounts(Sums):
    """Pairs of different ions in bins of distance over lags, added up; see `ionpath.transport.lagged`."""

    _adding = ("_numbers", "_totals")

    def __init__(self, n_lags: int, n: int, m: int, edges: Floats, *, same: bool = True) -> None:
        self._pairs = _Pairs(n, m, float(edges[1]), edges.size, same)
        self._edges, self._n, self._others = edges, n, m - same
        self._numbers, self._totals = np.zeros((n_lags, edges.size - 1)), np.zeros((n_lags, 2))

    def add(self, lag: int, origins: Floats, ends: Floats, cells: Floats) -> None:
        """Add pairs of frames (M, N, 3) with the cells at their ends."""
        for a, b, cell in zip(origins, ends, cells, strict=True):
            self._numbers[lag] += self._pairs(a, b, cell)[:-1]
            self._totals[lag] += [1.0, self._others / abs(np.linalg.det(cell))]

    def result(self, lags: Ints, frame_time: float) -> VanHove:
        """Distinct part of the van Hove function."""
        origins, density = self._totals[:, :1], self._totals[:, 1:] / self._totals[:, :1]
        return van_hove_of(self._numbers / (origins * self._n), lags, self._edges, frame_time, density)


def bin_edges(r_max: float, dr: float) -> Floats:
    """Edges of bins from zero on."""
    above_zero(dr, "dr", "a width of bins in A")
    number = round(above_zero(r_max, "r_max", "a largest distance in A") / dr)
    if number > MOST_BINS:
        remedy = "use wider bins, such as 0.1 A"
        raise InputError("dr", need=f"at most {MOST_BINS:,} bins", got=f"{number:,}", remedy=remedy)
    if number < 1:
        raise InputError("dr", need=f"bins narrower than r_max = {r_max:g} A", got=f"{dr:g} A", remedy="lower dr")
    return np.arange(number + 1, dtype=np.float64) * float(dr)


def _histogram(squares: Floats, dr: float, bins: int) -> Ints:
    """Counts of distances in bins; the last bin takes all that lie beyond. Overwrites `squares`."""
    np.sqrt(squares, out=squares)
    np.multiply(squares, 1.0 / dr, out=squares)
    np.minimum(squares, bins - 1.0, out=squares)
    return np.bincount(squares.astype(np.intp), minlength=bins)


class _Pairs:
    """Histogram of the distances between two sets of points, with buffers that are used again and again.

    A distance within half of the narrowest width of the cell has fractional components within one half, so that
    rounding these components finds it in every cell, sheared or not.
    """

    def __init__(self, n: int, m: int, dr: float, bins: int, same: bool) -> None:
        self.rows = min(n, max(1, PAIRS // m))
        self.buffers = [np.empty((self.rows, m)) for _ in range(5)]
        self.dr, self.bins, self.same = dr, bins, same

    def __call__(self, a: Floats, b: Floats, cell: Floats) -> Ints:
        inverse = np.linalg.inv(cell)
        return self._count(a @ inverse, b @ inverse, cell @ cell.T)

    def _count(self, a: Floats, b: Floats, metric: Floats) -> Ints:
        counts = np.zeros(self.bins, dtype=np.int64)
        for first in range(0, len(a), self.rows):
            here = a[first : first + self.rows]
            *vectors, square, part = (buffer[: len(here)] for buffer in self.buffers)
            for axis, vector in enumerate(vectors):
                np.subtract(here[:, axis, None], b[None, :, axis], out=vector)
                np.subtract(vector, np.rint(vector, out=part), out=vector)
            square[:] = 0.0
            for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
                if metric[i, j] != 0.0:
                    np.multiply(vectors[i], vectors[j], out=part)
                    part *= metric[i, j] * (1 if i == j else 2)
                    square += part
            np.maximum(square, 0.0, out=square)
            if self.same:
                rows = np.arange(len(here))
                square[rows, first + rows] = np.inf
            counts += _histogram(square.ravel(), self.dr, self.bins)
        if self.same:
            counts[-1] -= len(a)
        return counts


def _check_distinct(r: Floats, partners: Floats, cells: Floats, r_max: float, *, same: bool) -> None:
    if partners.shape[0] != r.shape[0] or (cells.ndim == 3 and cells.shape[0] != r.shape[0]):
        raise InputError(
            "others" if partners.shape[0] != r.shape[0] else "cells",
            need=f"{r.shape[0]} frames as in positions",
            got=f"{partners.shape[0] if partners.shape[0] != r.shape[0] else cells.shape[0]}",
            remedy="take all from the same frames",
        )
    if same and r.shape[1] < 2:
        raise InputError("positions", need="at least two ions", got="1", remedy="use the self part for one ion")
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cells), axis=-2)
    narrow = float(heights.min())
    if r_max > 0.5 * narrow + 1e-9:
        need = f"a distance within half of the narrowest width of the cell, {0.5 * narrow:.4g} A"
        raise InputError("r_max", need=need, got=f"{r_max:.4g} A", remedy="lower r_max or use a larger cell")
