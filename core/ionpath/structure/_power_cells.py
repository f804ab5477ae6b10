"""Voronoi and power cells of some atoms by the compiled kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ionpath.arrays import Floats, Ints, heights
from ionpath.compiled import kernels
from ionpath.errors import InputError
from ionpath.periodic import wrap_fractional

_REACH = 2.3
"""Where neighbours are first looked for, in mean distances between atoms."""


class PowerCells(NamedTuple):
    """Volumes (n,) in A^3, and the simplices that corners, edges and faces of the cells are dual to.

    Number of all corners; atoms (., 4) filled up with -1, the images (., 4, 3) in which they are, and values in A^2.
    """

    volumes: Floats
    corners: int
    atoms: Ints
    images: Ints
    values: Floats


def power_cells(
    positions: Floats, cell: Floats, squares: Floats, wanted: Ints | None = None, *, simplices: bool = False
) -> PowerCells | None:
    """Cells of the atoms wanted, for squared radii; None without numba, or where rounding left a cell open.

    Neighbours are those within a radius that no plane beyond can cut a cell; it is widened until that holds.
    """
    compiled = kernels()
    if compiled is None:
        return None
    fractions = wrap_fractional(positions @ np.linalg.inv(cell))
    points, high = fractions @ cell, heights(cell)
    spacing = (abs(float(np.linalg.det(cell))) / len(positions)) ** (1.0 / 3.0)
    reach = _REACH * spacing + float(np.ptp(squares)) / spacing
    atoms = np.arange(len(positions)) if wanted is None else np.asarray(wanted, dtype=np.int64)
    volumes, left = np.zeros(len(atoms)), np.arange(len(atoms))
    parts = []
    for _ in range(6):
        grid = np.clip(np.floor(high / (0.5 * reach)), 1, 256).astype(np.int64)
        span = np.ceil(reach * grid / high).astype(np.int64)
        found, closed, *rest = compiled.power_cell_kernel(
            points, fractions, np.ascontiguousarray(cell), grid, span, squares, atoms[left], reach, simplices
        )
        if (found < 0).any():
            got = f"atom {atoms[left][found.argmin()]} at the place of another"
            raise InputError("positions", need="atoms apart from each other", got=got, remedy="leave out one of them")
        volumes[left[closed]] = found[closed]
        parts.append(rest)
        left = left[~closed]
        if not len(left):
            corners, *tables = zip(*parts, strict=True)
            return PowerCells(volumes, sum(corners), *(np.concatenate(table) for table in tables))
        reach *= 1.5
    return None
