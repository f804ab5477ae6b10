"""Types of arrays, and what every function that takes cells and positions needs at its door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Indices = NDArray[np.intp]
Bools = NDArray[np.bool_]
Symbols = NDArray[np.str_]
Words = Symbols | Sequence[str]
Finite = ArrayLike
"""Numbers, none of them NaN or infinite, as `ionpath.arguments` holds arguments against their annotations."""
Whole = ArrayLike
"""Whole numbers."""
Truths = ArrayLike
"""Truth values, or 0 and 1."""


def grid_points(*axes: ArrayLike) -> NDArray[Any]:
    """All points (n, axes) of a grid, those along the last axis one after another.

    >>> grid_points([0, 1], [5, 6]).tolist()
    [[0, 5], [0, 6], [1, 5], [1, 6]]
    """
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def heights(cells: Floats) -> Floats:
    """Distances between opposite faces of cells, (..., 3), in the unit of the cells.

    >>> heights(np.array([[4.0, 0, 0], [3.0, 5, 0], [0, 0, 6]])).round(6).tolist()
    [3.429972, 5.0, 6.0]
    """
    inverse = np.linalg.inv(cells)
    return np.asarray(1.0 / np.linalg.norm(inverse, axis=-2), dtype=np.float64)


def standard_cell(cell: Floats) -> Floats:
    """The same cell turned so that its first vector lies along x and its second in the xy plane.

    A left-handed cell stays left-handed: lengths and angles are kept, and with them every distance.

    >>> np.abs(standard_cell(np.array([[0.0, 2, 0], [0, 0, 3.0], [4.0, 0, 0]])).round(6)).tolist()
    [[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]]
    """
    _, upper = np.linalg.qr(cell.T)
    return np.asarray((upper * np.sign(np.diag(upper))[:, None]).T, dtype=np.float64)
