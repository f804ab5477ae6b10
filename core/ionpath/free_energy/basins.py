"""Basins of a free-energy surface: minima and the regions that drain into them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Ints
from ionpath.documented import documented
from ionpath.free_energy.surface import FreeEnergySurface
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True)
class Basin(Msonable):
    """A minimum and what surrounds it."""

    index: tuple[int, ...]  # grid index of the minimum
    point: tuple[float, ...]  # variables there
    depth: float  # free energy of the minimum in kJ/mol above the lowest point of the surface
    size: int  # number of grid points that belong to it


@typed
def find_basins(
    surface: FreeEnergySurface, *, persistence: float = 2.5, ceiling: float | None = None
) -> tuple[list[Basin], Ints]:
    """Find basins, deepest first.

    Parameters
    ----------
    surface : FreeEnergySurface
        Free energy in kJ/mol.
    persistence : float
        A minimum counts if one must climb by more than this, in kJ/mol, to reach a deeper one; about RT.
    ceiling : float, optional
        Points higher than this above the lowest one are left out, in kJ/mol.

    Returns
    -------
    basins : list of Basin
        Basins, deepest first.
    labels : ndarray of int, shape of the grid
        Number of the basin of every grid point; -1 where the surface is not finite or above the ceiling.

    Notes
    -----
    Points are flooded from the lowest upwards; where two pools meet, the shallower one is merged if its depth below
    the meeting point is at most `persistence` (watershed with topological persistence).

    Examples
    --------
    >>> x = np.linspace(-1.5, 1.5, 61)
    >>> surface = FreeEnergySurface((x,), 20 * (x**2 - 1) ** 2 + 2 * x, ("x",), (None,))
    >>> basins, _ = find_basins(surface)
    >>> [round(b.point[0], 2) for b in basins]
    [-1.0, 1.0]
    """
    flat = surface.values.ravel()
    low = flat[np.isfinite(flat)].min() if np.isfinite(flat).any() else 0.0
    usable = np.isfinite(flat) & (flat <= (np.inf if ceiling is None else low + ceiling))
    order = np.flatnonzero(usable)[np.argsort(flat[usable], kind="stable")]
    neighbours = _neighbour_table(surface)
    parent = np.full(flat.size, -1)
    bottom: dict[int, int] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    for i in order.tolist():
        near = neighbours[i]
        pools = {root(j) for j in near[near >= 0].tolist() if parent[j] >= 0}
        parent[i] = i
        bottom[i] = i
        for pool in sorted(pools, key=lambda r: flat[bottom[r]]):
            here = root(i)
            deep, shallow = sorted((here, pool), key=lambda r: flat[bottom[r]])
            if flat[i] - flat[bottom[shallow]] <= persistence or bottom[here] == i:
                parent[shallow] = deep
    roots = np.array([root(i) if parent[i] >= 0 else -1 for i in range(flat.size)])
    found = sorted({int(r) for r in roots[roots >= 0]}, key=lambda r: flat[bottom[r]])
    labels = np.full(flat.size, -1)
    basins = []
    for number, r in enumerate(found):
        mine = roots == r
        labels[mine] = number
        index = tuple(int(k) for k in np.unravel_index(bottom[r], surface.values.shape))
        basins.append(
            Basin(index, tuple(map(float, surface.point(index))), float(flat[bottom[r]] - low), int(mine.sum()))
        )
    return basins, labels.reshape(surface.values.shape)


def _neighbour_table(surface: FreeEnergySurface) -> Ints:
    """Flat indices of all neighbours, diagonal ones included, (n_points, 3^d - 1); -1 beyond an edge."""
    shape = surface.values.shape
    grid = np.indices(shape).reshape(len(shape), -1)
    table = []
    for move in itertools.product((-1, 0, 1), repeat=len(shape)):
        if not any(move):
            continue
        moved = grid + np.array(move)[:, None]
        outside = np.zeros(grid.shape[1], dtype=bool)
        for d, n in enumerate(shape):
            if surface.periods[d] is not None:
                moved[d] %= n
            else:
                outside |= (moved[d] < 0) | (moved[d] >= n)
        flat = np.ravel_multi_index(tuple(np.clip(moved[d], 0, shape[d] - 1) for d in range(len(shape))), shape)
        table.append(np.where(outside, -1, flat))
    return np.stack(table, axis=1)
