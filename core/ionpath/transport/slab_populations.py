"""How many ions each region of a cell holds, against time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells, fractional
from ionpath.transport._checks import above_zero, unwrapped_positions


@documented
@dataclass(frozen=True)
class RegionPopulations(Msonable):
    """Fractions of ions in slabs of the cell."""

    times: Floats  # (T,): time in ps since the first frame
    fractions: Floats  # (T, K): fraction of all ions in each slab; they add up to one
    edges: Floats  # (K,): lower edge of each slab in fractional coordinates; the last one ends where the first begins
    # change of each fraction in 1/ps by a straight line, the error from blocks; zero within its error means that no
    # region takes up ions
    trends: tuple[Estimate, ...]


@typed
@references("chen2025")
def region_populations(
    positions: ArrayLike, cells: ArrayLike, edges: Finite, *, axis: int = 2, frame_time: float = 1.0
) -> RegionPopulations:
    """Fraction of the ions in slabs of the cell, against time.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Positions in A, wrapped or not, without the drift of the framework.
    cells : array_like, shape (3, 3) or (T, 3, 3)
        Cell vectors as rows in A.
    edges : array_like, shape (K,)
        Lower edges of the slabs along a cell vector, increasing fractional coordinates from 0 to 1. The last slab
        reaches through the face of the cell up to the first edge.
    axis : {0, 1, 2}, optional
        Cell vector across which the slabs lie.
    frame_time : float, optional
        Time between frames in ps.

    Returns
    -------
    RegionPopulations
        Fractions and their trends.

    Raises
    ------
    InputError
        If arrays are malformed or the edges do not increase within [0, 1).

    Examples
    --------
    >>> crossing = np.array([[[0.0, 0, 1]], [[0.0, 0, 4]], [[0.0, 0, 7]], [[0.0, 0, 9.5]]])
    >>> region_populations(crossing, 10 * np.eye(3), [0.2, 0.6]).fractions.tolist()
    [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """
    r = unwrapped_positions(positions)
    limits = slab_edges(edges)
    if axis not in (0, 1, 2):
        raise InputError("axis", need="0, 1 or 2", got=repr(axis), remedy="name a cell vector")
    coordinate = np.asarray(fractional(r, as_cells(cells)))[..., axis]
    dt = above_zero(frame_time, "frame_time", "a time between frames in ps")
    return population_trends(slab_fractions(coordinate, limits), limits, np.arange(len(r), dtype=np.float64) * dt)


def slab_edges(edges: ArrayLike) -> Floats:
    """Lower edges of slabs, checked."""
    limits = np.atleast_1d(np.asarray(edges, dtype=np.float64))
    if limits.size < 2 or limits.min() < 0 or limits.max() >= 1 or (np.diff(limits) <= 0).any():
        need = "two or more increasing fractional coordinates from 0 to less than 1"
        remedy = "divide positions along the cell vector by its length"
        raise InputError("edges", need=need, got=f"{limits.tolist()}", remedy=remedy)
    return limits


def slab_fractions(coordinates: ArrayLike, edges: Floats) -> Floats:
    """Fraction of ions in each slab."""
    inside = np.asarray(coordinates, dtype=np.float64) % 1.0
    slab = (np.searchsorted(edges, inside, side="right") - 1) % edges.size
    return np.stack([(slab == k).mean(axis=1) for k in range(edges.size)], axis=1)


def population_trends(fractions: Floats, edges: Floats, times: Floats) -> RegionPopulations:
    """Populations with their trends."""
    return RegionPopulations(times, fractions, edges, tuple(_trend(times, f) for f in fractions.T))


def _trend(times: Floats, series: Floats) -> Estimate:
    """Slope with an error from the means of ten blocks, since neighbouring frames are alike."""
    from scipy.stats import t

    blocks = min(10, times.size // 2)
    if blocks < 4:
        nan = float("nan")
        return Estimate(nan, nan, nan, nan, "1/ps")
    parts = np.array_split(np.arange(times.size), blocks)
    x = np.array([times[p].mean() for p in parts])
    y = np.array([series[p].mean() for p in parts])
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    residuals = y - y.mean() - slope * x
    error = float(np.sqrt(residuals @ residuals / (blocks - 2) / (x @ x)))
    reach = float(t.ppf(0.975, blocks - 2)) * error
    return Estimate(slope, error, slope - reach, slope + reach, "1/ps")
