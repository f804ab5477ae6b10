"""Non-affine displacement: how much the surroundings of an atom move in a way that no strain explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Ints
from ionpath.cells import as_cells, check_finite
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.half_cell import check_steps, steps_near_half
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image
from ionpath.softness.neighbours import Neighbours

Singular = Literal["raise", "nan"]

MIN_NEIGHBOURS = 4
"""With three neighbours an affine map is always exact."""
_FLAT = 1e-8


@documented
@dataclass(frozen=True)
class AffineFit(Msonable):
    """Best affine map of the surroundings of each centre."""

    d2min: Floats  # (n_centres,): squared non-affine displacement in A^2: per neighbour, or summed, see `per_neighbour`
    maps: Floats  # (n_centres, 3, 3): the affine map, b' = map b
    n_neighbours: Ints  # (n_centres,): neighbours that were fitted
    per_neighbour: bool  # whether `d2min` is divided by the number of neighbours


@typed
@references("falk1998", "cubuk2015")
def nonaffine_displacement(
    reference: ArrayLike,
    current: ArrayLike,
    neighbours: Any,
    *,
    cell: ArrayLike | None = None,
    current_cell: ArrayLike | None = None,
    centres: ArrayLike | None = None,
    wrapped: bool = True,
    per_neighbour: bool = True,
    on_singular: Singular = "raise",
) -> Floats:
    """Compute the squared non-affine displacement D2min of Falk and Langer.

    Parameters
    ----------
    reference, current : array_like, (n_atoms, 3)
        Positions of all atoms at the first and at the second time, in A.
    neighbours : Neighbours, sequence of sequence of int, or ndarray
        Neighbours at the first time, which are followed to the second: what `find_neighbours` gives; or one list of
        atoms for each centre, or a table (n_centres, k > 2) of them; or pairs (n_pairs, 2) of centre and neighbour;
        or a boolean matrix (n_centres, n_atoms).
    cell : array_like, (3, 3), optional
        Cell vectors as rows at the first time, in A. Without it positions must be unwrapped.
    current_cell : array_like, (3, 3), optional
        Cell at the second time; default: the same.
    centres : array_like of int, (n_centres,), optional
        Atoms that lists, table or matrix belong to; default: the first ones. Pairs name their centres themselves,
        and so does a `Neighbours`.
    wrapped : bool, default True
        Positions may be wrapped into the cell, so that neighbours are followed by their nearest images; False takes
        the change of unwrapped positions as it is.
    per_neighbour : bool, default True
        Divide by the number of neighbours, as in the softness literature; False gives the sum of Falk and Langer.
    on_singular : {"raise", "nan"}
        What to do where an affine map is not determined.

    Returns
    -------
    ndarray, (n_centres,)
        D2min in A^2. For pairs there is one value for each atom that is first in a pair, in ascending order.

    Raises
    ------
    InputError
        If a centre has fewer than four neighbours, or neighbours in one plane with it; or if more than one neighbour
        in a thousand moved by more than 40 % of the narrowest width of the cell, where its image is not known.

    Notes
    -----
    With b_j and b'_j the vectors from a centre to its neighbour j at the two times, X = sum_j b'_j b_j^T and
    Y = sum_j b_j b_j^T, the best affine map is X Y^-1 and

        D2min = sum_j norm(b'_j - X Y^-1 b_j)^2.

    M. L. Falk and J. S. Langer, Phys. Rev. E 57, 7192 (1998), doi:10.1103/PhysRevE.57.7192; divided by the number of
    neighbours: E. D. Cubuk et al., Phys. Rev. Lett. 114, 108001 (2015), doi:10.1103/PhysRevLett.114.108001.
    With a cell, b' is the image that is nearest to b, unless positions are unwrapped. A published variant of this
    quantity (arXiv:2412.07115, public code) fits one number to distances; it is not offered, as its list of pairs mixes
    atoms with frame numbers.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(8, 3))
    >>> strain = np.array([[1.1, 0.2, 0.0], [0.0, 0.9, 0.0], [0.1, 0.0, 1.0]])
    >>> others = [[j for j in range(8) if j != i] for i in range(8)]
    >>> bool(nonaffine_displacement(x, x @ strain.T, others).max() < 1e-12)
    True
    """
    fit = affine_fit(
        reference, current, neighbours, cell=cell, current_cell=current_cell, centres=centres, wrapped=wrapped,
        per_neighbour=per_neighbour, on_singular=on_singular,
    )  # fmt: skip
    return fit.d2min


@typed
@references("falk1998")
def affine_fit(
    reference: ArrayLike,
    current: ArrayLike,
    neighbours: Any,
    *,
    cell: ArrayLike | None = None,
    current_cell: ArrayLike | None = None,
    centres: ArrayLike | None = None,
    wrapped: bool = True,
    per_neighbour: bool = True,
    on_singular: Singular = "raise",
) -> AffineFit:
    """Fit an affine map to the surroundings of each centre.

    Parameters
    ----------
    reference, current, neighbours, cell, current_cell, centres, wrapped, per_neighbour, on_singular
        As for `nonaffine_displacement`.

    Returns
    -------
    AffineFit
        D2min and the maps.

    Raises
    ------
    InputError
        If a map is not determined, or nearest images are not.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(8, 3))
    >>> fit = affine_fit(x, 1.1 * x, [[1, 2, 3, 4, 5]])
    >>> (fit.maps.round(6) + 0.0).tolist()
    [[[1.1, 0.0, 0.0], [0.0, 1.1, 0.0], [0.0, 0.0, 1.1]]]
    """
    one_of("on_singular", on_singular, ("raise", "nan"))
    before = np.asarray(check_finite(reference, "reference"), dtype=np.float64)
    after = np.asarray(check_finite(current, "current"), dtype=np.float64)
    if before.ndim != 2 or before.shape[1] != 3 or before.shape != after.shape:
        got = f"shapes {before.shape} and {after.shape}"
        remedy = "give two frames of one trajectory"
        raise InputError("current", need="positions (n_atoms, 3) of the atoms of reference", got=got, remedy=remedy)
    row, centre, atom, owners = _pairs(neighbours, centres, len(before))
    plain, new = before[atom] - before[centre], after[atom] - after[centre]
    old = plain
    if isinstance(neighbours, Neighbours):
        old = neighbours.vectors
    elif cell is not None:
        old = minimum_image(plain, as_cells(cell))
    if cell is None:
        return _fit(row, old, old + (new - plain), owners, per_neighbour, on_singular)
    inverse = np.linalg.inv(as_cells(cell))
    matrix = as_cells(cell if current_cell is None else current_cell, "current_cell")
    if not wrapped:
        new -= np.rint((plain - old) @ inverse) @ matrix  # the image that was the nearest one
        return _fit(row, old, new, owners, per_neighbour, on_singular)
    # The image nearest to where the neighbour was, carried along with the cell.
    carried = old if current_cell is None else old @ inverse @ matrix
    steps = minimum_image(new - carried, matrix)
    check_steps(
        steps_near_half(steps, matrix), len(row), what="steps of neighbours between the two times",
        remedy="take two times that lie closer together, or pass unwrapped positions and wrapped=False",
    )  # fmt: skip
    return _fit(row, old, carried + steps, owners, per_neighbour, on_singular)


def _pairs(neighbours: Any, centres: ArrayLike | None, n_atoms: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows, centres and neighbours of all pairs, and the centre of each row."""
    if isinstance(neighbours, Neighbours):
        owners = np.full(neighbours.n_centres, -1, dtype=np.int64)
        owners[neighbours.row] = neighbours.centre
        return neighbours.row, neighbours.centre, neighbours.atom, owners
    array = neighbours if isinstance(neighbours, np.ndarray) else None
    if array is not None and array.ndim == 2 and array.shape[1] == 2 and array.dtype != bool:
        _check_indices(array, n_atoms)
        sorted_pairs = array[np.argsort(array[:, 0], kind="stable")].astype(np.int64)
        owners, row = np.unique(sorted_pairs[:, 0], return_inverse=True)
        return row, sorted_pairs[:, 0], sorted_pairs[:, 1], owners
    if array is not None and array.dtype == bool:
        neighbours = [np.flatnonzero(line) for line in array]
    lists = _lists(neighbours)
    owners = np.arange(len(lists)) if centres is None else np.asarray(centres, dtype=np.int64)
    if owners.shape != (len(lists),):
        need = f"one atom for each of {len(lists)} lists of neighbours"
        raise InputError("centres", need=need, got=f"shape {owners.shape}", remedy="give as many centres as lists")
    sizes = np.array([len(line) for line in lists], dtype=np.int64)
    atom = np.concatenate(lists) if lists else np.empty(0, np.int64)
    _check_indices(np.concatenate([atom, owners]), n_atoms)
    row = np.repeat(np.arange(len(lists)), sizes)
    return row, owners[row], atom, owners


def _lists(neighbours: Sequence[Sequence[int]]) -> list[Ints]:
    try:
        lists = [np.asarray(line) for line in neighbours]
        whole = all(line.ndim == 1 and (np.issubdtype(line.dtype, np.integer) or not line.size) for line in lists)
    except (TypeError, ValueError):
        lists, whole = [], False
    if not whole or not lists:
        need = "one list of atom indices for each centre"
        raise InputError("neighbours", need=need, got=type(neighbours).__name__, remedy="make it with find_neighbours")
    return [line.astype(np.int64) for line in lists]


def _check_indices(indices: NDArray[Any], n_atoms: int) -> None:
    if not np.issubdtype(indices.dtype, np.integer) or (
        indices.size and (indices.min() < 0 or indices.max() >= n_atoms)
    ):
        found = f"{indices.dtype} from {indices.min()} to {indices.max()}" if indices.size else "none"
        remedy = "count atoms from 0 in the order of the positions"
        raise InputError("neighbours", need=f"atom indices from 0 to {n_atoms - 1}", got=found, remedy=remedy)


def _fit(row: Ints, old: Floats, new: Floats, owners: Ints, per_neighbour: bool, on_singular: Singular) -> AffineFit:
    size = len(owners)
    count = np.bincount(row, minlength=size)
    mixed = np.empty((size, 3, 3))
    own = np.empty((size, 3, 3))
    for i in range(3):
        for k in range(3):
            mixed[:, i, k] = np.bincount(row, new[:, i] * old[:, k], size)
            if k >= i:
                own[:, i, k] = own[:, k, i] = np.bincount(row, old[:, i] * old[:, k], size)
    bad = _undetermined(count, own)
    if bad.any() and on_singular == "raise":
        _refuse(int(np.flatnonzero(bad)[0]), count, owners, int(bad.sum()))
    own[bad] = np.eye(3)
    maps = np.linalg.solve(own, mixed.transpose(0, 2, 1)).transpose(0, 2, 1)
    total = np.zeros(size)
    for i in range(3):
        rest = new[:, i] - sum(maps[:, i, k][row] * old[:, k] for k in range(3))
        total += np.bincount(row, rest * rest, size)
    if per_neighbour:
        total /= np.maximum(count, 1)
    total[bad] = np.nan
    maps[bad] = np.nan
    return AffineFit(total, np.asarray(maps, dtype=np.float64), count, per_neighbour)


def _undetermined(count: Ints, own: Floats) -> Bools:
    bad = count < MIN_NEIGHBOURS
    spread = np.linalg.eigvalsh(own[~bad])
    bad[~bad] = spread[:, 0] <= _FLAT * spread[:, 2]
    return np.asarray(bad)


def _refuse(row: int, count: Ints, owners: Ints, how_many: int) -> None:
    few = count[row] < MIN_NEIGHBOURS
    who = f"centre {row}" if owners[row] < 0 else f"atom {owners[row]}"
    got = f"{count[row]} around {who}" + ("" if few else ", all in one plane with it")
    raise InputError(
        "neighbours", need="at least 4 neighbours that are not in one plane for an affine fit",
        got=got + (f" and too few around {how_many - 1} more" if how_many > 1 else ""),
        remedy="use a larger cutoff, or on_singular='nan' to leave these atoms out",
    )  # fmt: skip


@typed
def cumulative_displacement(d2min: ArrayLike, *, power: Literal["root", "square"] = "root") -> Floats:
    """Add up non-affine displacements over consecutive intervals.

    Parameters
    ----------
    d2min : array_like, (n_intervals, n_ions)
        D2min of consecutive intervals, in A^2.
    power : {"root", "square"}
        Add up the square roots, in A, or D2min itself, in A^2.

    Returns
    -------
    ndarray, (n_intervals, n_ions)
        Sum up to the end of each interval.

    Raises
    ------
    InputError
        If `power` is something else.

    Notes
    -----
    D_cum(i) = sum_k sqrt(D2min(i; t_k, t_k + dt)). The sum of D2min itself is what the text of ACS Energy Lett. 8,
    1969 (2023) says.

    Examples
    --------
    >>> cumulative_displacement([[4.0], [9.0]]).tolist()
    [[2.0], [5.0]]
    """
    one_of("power", power, ("root", "square"))
    values = np.asarray(d2min, dtype=np.float64)
    if not (values >= 0.0).all():
        need = "squared displacements of zero or more"
        raise InputError("d2min", need=need, got="negative ones or nan", remedy="make them with nonaffine_displacement")
    return np.asarray(np.cumsum(np.sqrt(values) if power == "root" else values, axis=0))
