"""Volumetric files that viewers read: OpenDX and the grid format of VASP."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats
from ionpath.cells import as_cells, check_finite
from ionpath.errors import InputError
from ionpath.files import atomic_path, marked
from ionpath.periodic import fractional

_OPENDX = "# values at the middle of the voxels of a periodic cell, lengths in angstrom"
_MADE = "(ionpath)"
"""In the first line of a grid, by which it is known from a charge density that VASP wrote."""


@typed
def write_opendx(path: str | os.PathLike[str], values: ArrayLike, cell: Finite) -> None:
    """Write values on a periodic grid in the OpenDX format (VMD, PyMOL, Chimera).

    Parameters
    ----------
    path : str or path
        File, usually ending in ``.dx``; written as a whole or not at all.
    values : array_like, shape (na, nb, nc)
        Values at the middle of each voxel.
    cell : array_like, shape (3, 3)
        Cell vectors as rows in A; they may be skewed.

    Raises
    ------
    InputError
        If the grid is not three-dimensional, or the file is there and of something else.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "density.dx"
    >>> write_opendx(target, np.ones((2, 2, 2)), 4 * np.eye(3))
    >>> target.read_text().splitlines()[1]
    'object 1 class gridpositions counts 2 2 2'
    """
    data, matrix = _grid(values), as_cells(cell)
    steps = matrix / np.array(data.shape)[:, None]
    origin = 0.5 * steps.sum(axis=0)
    counts = " ".join(map(str, data.shape))
    head = [
        _OPENDX,
        f"object 1 class gridpositions counts {counts}",
        "origin " + _numbers(origin),
        *("delta " + _numbers(step) for step in steps),
        f"object 2 class gridconnections counts {counts}",
        f"object 3 class array type double rank 0 items {data.size} data follows",
    ]
    tail = [
        'attribute "dep" string "positions"',
        'object "density" class field',
        'component "positions" value 1',
        'component "connections" value 2',
        'component "data" value 3',
    ]
    with atomic_path(path, own=marked(_OPENDX.encode())) as part, part.open("w") as file:
        file.write("\n".join(head) + "\n")
        _rows(file, data.ravel(), 3)
        file.write("\n".join(tail) + "\n")


@typed
def write_vasp_grid(
    path: str | os.PathLike[str],
    values: ArrayLike,
    cell: ArrayLike,
    *,
    symbols: Sequence[str] = (),
    positions: Finite | None = None,
    title: str = "ion density",
) -> None:
    """Write a density in the grid format of VASP (CHGCAR), with a structure, for VESTA and the like.

    Parameters
    ----------
    path : str or path
        File; written as a whole or not at all.
    values : array_like, shape (na, nb, nc)
        Density in A^-3. As in any CHGCAR the file holds density times volume of the cell.
    cell : array_like, shape (3, 3)
        Cell vectors as rows in A.
    symbols : sequence of str, optional
        Elements of the atoms to show, in any order.
    positions : array_like, shape (M, 3), optional
        Their positions in A.
    title : str, optional
        First line, before `(ionpath)`, by which a file of this function is known.

    Raises
    ------
    InputError
        If the grid is not three-dimensional, symbols and positions do not fit, or the file is there and of something
        else, such as the charge density of VASP.

    Notes
    -----
    The first value of such a file is that at the origin, so the grid is that of the corners of voxels: values counted
    in voxels appear half a voxel too low. The atoms are shifted by the same half voxel, so that both fit each other.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "CHGCAR"
    >>> write_vasp_grid(target, np.ones((2, 2, 2)), 4 * np.eye(3), symbols=["S"], positions=[[1.0, 1.0, 1.0]])
    >>> target.read_text().split()[-1]
    '6.40000000000E+01'
    """
    data, matrix = _grid(values), as_cells(cell)
    places = np.empty((0, 3)) if positions is None else check_finite(positions, "positions")
    if places.shape != (len(symbols), 3):
        need = f"{len(symbols)} positions, one per symbol"
        raise InputError("positions", need=need, got=f"shape {places.shape}", remedy="give both, in one order")
    names = np.asarray(symbols, dtype=str)
    kinds = list(dict.fromkeys(names.tolist()))
    ordered = [places[names == kind] for kind in kinds]
    coordinates = np.asarray(fractional(np.concatenate([np.empty((0, 3)), *ordered]), matrix)) - 0.5 / np.array(
        data.shape
    )
    volume = float(abs(np.linalg.det(matrix)))
    first = " ".join(filter(None, ((title.splitlines() or [""])[0], _MADE)))
    with atomic_path(path, own=_made) as part, part.open("w") as file:
        lines = [first, "1.0", *(_numbers(row) for row in matrix)]
        lines += [" ".join(kinds), " ".join(str(len(group)) for group in ordered), "Direct"]
        lines += [_numbers(row) for row in coordinates % 1.0]
        file.write("\n".join(lines) + "\n\n" + " ".join(map(str, data.shape)) + "\n")
        _rows(file, (data * volume).ravel(order="F"), 5)


def _made(path: Path) -> bool:
    """Whether a grid is of this module, and no charge density of VASP."""
    with path.open("rb") as file:
        return _MADE.encode() in file.readline(4096)


def _grid(values: ArrayLike) -> Floats:
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 3 or not np.isfinite(data).all():
        got = f"shape {data.shape}"
        raise InputError("values", need="finite values on a grid (na, nb, nc)", got=got, remedy="pass a density")
    return data


def _numbers(row: Floats) -> str:
    return " ".join(f"{x:.10f}" for x in row)


def _rows(file: TextIO, flat: Floats, width: int) -> None:
    whole = flat.size // width * width
    np.savetxt(file, flat[:whole].reshape(-1, width), fmt="%.11E")
    if whole < flat.size:
        np.savetxt(file, flat[None, whole:], fmt="%.11E")
