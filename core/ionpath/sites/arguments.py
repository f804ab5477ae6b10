"""Checks of what coordination shells are built from."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats, Ints, Symbols, Words
from ionpath.errors import InputError
from ionpath.periodic import as_cells, check_finite


def one_cell(cell: ArrayLike) -> Floats:
    """Check the reference cell."""
    box = as_cells(cell)
    if box.ndim != 2:
        raise InputError("cell", need="one reference cell (3, 3)", got=f"shape {box.shape}", remedy="average the cells")
    return box


def coordinates(values: ArrayLike, name: str) -> Floats:
    """Check fractional coordinates of which there must be some."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise InputError(name, need=f"at least one of the {name}", got="none", remedy="widen the selection")
    points = np.atleast_2d(check_finite(array, name)).astype(np.float64)
    if points.ndim != 2:
        raise InputError(name, need="shape (n, 3)", got=f"shape {points.shape}", remedy="give fractional coordinates")
    return points


def centre_kinds(kinds: Words | None, n: int) -> Symbols:
    """Check the kinds of the centres."""
    names = np.full(n, "X") if kinds is None else np.asarray(kinds, dtype=np.str_)
    if names.shape != (n,):
        raise InputError("kinds", need=f"{n} names, one per centre", got=f"shape {names.shape}", remedy="match them")
    return names


def atom_indices(atoms: ArrayLike | None, n: int) -> Ints | None:
    """Check the atom indices of the centres."""
    if atoms is None:
        return None
    indices = np.asarray(atoms, dtype=np.int64)
    if indices.shape != (n,):
        got = f"shape {indices.shape}"
        raise InputError("centre_atoms", need=f"{n} atom indices, one per centre", got=got, remedy="match them")
    return indices


def cell_repeats(repeats: ArrayLike) -> Ints:
    """Check numbers of equivalent cells along the cell vectors."""
    number = np.asarray(repeats)
    if number.shape != (3,) or not np.issubdtype(number.dtype, np.integer) or (number < 1).any():
        remedy = "(1, 1, 1) averages nothing"
        raise InputError("repeats", need="three numbers of cells", got=repr(repeats), remedy=remedy)
    return number.astype(np.int64)
