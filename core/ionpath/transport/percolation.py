"""At which density the paths of ions run through the whole crystal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Ints, Truths
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True)
class Percolation(Msonable):
    """Thresholds of periodic connectivity."""

    # largest level c at which {P > c} connects the crystal with itself along some direction, in the unit of the grid
    threshold: float
    axes: tuple[float, float, float]  # the same along each cell vector


@typed
def percolation_threshold(grid: ArrayLike) -> Percolation:
    """Largest level at which a region of a periodic grid reaches its own image.

    Parameters
    ----------
    grid : array_like, shape (na, nb, nc)
        Density, best in units of its mean (``DensityGrid.relative()``).

    Returns
    -------
    Percolation
        Thresholds in the unit of the grid; 0 if only the empty level connects.

    Notes
    -----
    Voxels that share a face are connected, across the faces of the cell as well. A region percolates along a cell
    vector if a closed walk within it comes back shifted by that vector; touching both faces is not enough. Levels
    are searched by bisection over the values on the grid.

    Examples
    --------
    >>> rods = np.zeros((6, 6, 6))
    >>> rods[:, 3, 3] = [5, 4, 5, 5, 5, 5]
    >>> found = percolation_threshold(rods)
    >>> found.threshold, found.axes
    (4.0, (4.0, 0.0, 0.0))
    """
    values = np.asarray(grid, dtype=np.float64)
    if values.ndim != 3 or not np.isfinite(values).all():
        got = f"shape {values.shape}"
        raise InputError("grid", need="finite values on a grid (na, nb, nc)", got=got, remedy="pass a density")
    levels = np.unique(values)
    known: dict[int, Bools] = {}
    axes = tuple(_critical(values, levels, axis, known) for axis in range(3))
    return Percolation(max(axes), (axes[0], axes[1], axes[2]))


@typed
def percolates(mask: Truths) -> Bools:
    """Along which cell vectors a region of a periodic grid reaches its own image.

    Parameters
    ----------
    mask : array_like of bool, shape (na, nb, nc)
        Voxels of the region.

    Returns
    -------
    ndarray of bool, shape (3,)
        Whether some closed walk within the region is shifted along each cell vector.

    Examples
    --------
    >>> wall = np.zeros((4, 4, 4), dtype=bool)
    >>> wall[2] = True
    >>> percolates(wall).tolist()
    [False, True, True]
    """
    from scipy.ndimage import label

    region = np.asarray(mask, dtype=bool)
    labels, number = label(region)
    links: list[tuple[int, int, int]] = []
    for axis in range(3):
        near, far = np.take(labels, 0, axis=axis), np.take(labels, -1, axis=axis)
        touching = (near > 0) & (far > 0)
        pairs = np.unique(np.stack([far[touching], near[touching]], axis=1), axis=0)
        links += [(int(a), int(b), axis) for a, b in pairs]
    return _winding(links, number)


def _winding(links: list[tuple[int, int, int]], number: int) -> Bools:
    """Cell vectors along which the graph of parts, linked across the faces, has closed walks."""
    neighbours: list[list[tuple[int, int, int]]] = [[] for _ in range(number + 1)]
    for a, b, axis in links:
        neighbours[a].append((b, axis, 1))
        neighbours[b].append((a, axis, -1))
    offset: dict[int, Ints] = {}
    found = np.zeros(3, dtype=bool)
    for root in {a for link in links for a in link[:2]}:
        if root in offset:
            continue
        offset[root] = np.zeros(3, dtype=np.int64)
        queue = [root]
        while queue:
            here = queue.pop()
            for other, axis, step in neighbours[here]:
                place = offset[here].copy()
                place[axis] += step
                if other not in offset:
                    offset[other] = place
                    queue.append(other)
                else:
                    found |= place != offset[other]
    return found


def _critical(values: Floats, levels: Floats, axis: int, known: dict[int, Bools]) -> float:
    """Largest level whose voxels at or above it percolate along an axis; `known` holds the levels tried so far."""
    # At the lowest level every voxel takes part. What other axes have tried narrows the search.
    low = max((k for k, found in known.items() if found[axis]), default=0)
    high = min((k for k, found in known.items() if not found[axis]), default=levels.size) - 1
    while low < high:
        middle = (low + high + 1) // 2
        known[middle] = percolates(values >= levels[middle])
        if known[middle][axis]:
            low = middle
        else:
            high = middle - 1
    return float(levels[low])
