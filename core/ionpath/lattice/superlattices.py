"""Superlattices of a lattice that symmetry does not make equivalent, and the operations that they keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import described, typed
from ionpath.arrays import Bools, Finite, Floats, Indices, grid_points
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.msonable import Msonable
from ionpath.periodic import wrap_fractional


@typed
@documented
@dataclass(frozen=True)
class Superlattice(Msonable):
    """A superlattice."""

    # (3, 3): rows are its vectors in terms of those of the lattice (Hermite normal form, lower triangular)
    matrix: Indices
    multiplicity: int  # number of superlattices that symmetry makes equivalent to it

    @property
    def index(self) -> int:
        """Number of lattice points per cell."""
        return int(np.prod(np.diagonal(self.matrix)))

    def operations(self, rotations: ArrayLike, translations: ArrayLike) -> tuple[Indices, Floats, Bools]:
        """Operations of the lattice that keep the superlattice, in the coordinates of the superlattice.

        Rotations (G, 3, 3), which act on columns of fractional coordinates, and their translations (G, 3). Returns
        integer rotations (H, 3, 3), translations (H, 3), combined with all those of the lattice, and whether each (H,)
        is a translation of the lattice that the superlattice does not have.
        """
        columns = self.matrix.T.astype(np.float64)  # columns are the vectors
        inverse = np.linalg.inv(columns)
        inside = inverse @ np.asarray(rotations, dtype=np.float64) @ columns
        kept = np.flatnonzero((np.abs(inside - np.rint(inside)) < 1e-6).all(axis=(1, 2)))
        points = lattice_points(self.matrix)
        shifts = np.asarray(translations, dtype=np.float64)[kept] @ inverse.T
        every = wrap_fractional(shifts[:, None, :] + (points @ inverse.T)[None, :, :]).reshape(-1, 3)
        matrices = np.repeat(np.rint(inside[kept]).astype(np.intp), len(points), axis=0)
        pure = (matrices == np.eye(3, dtype=np.intp)).all(axis=(1, 2))
        steps = every @ columns.T
        whole = (np.abs(steps - np.rint(steps)) < 1e-4).all(axis=1)
        moved = (np.abs(every - np.rint(every)) > 1e-4).any(axis=1)
        return matrices, every, pure & whole & moved


def lattice_points(matrix: ArrayLike) -> Indices:
    """Return the lattice points in one cell of a superlattice.

    >>> lattice_points([[2, 0, 0], [0, 1, 0], [0, 0, 1]]).tolist()
    [[0, 0, 0], [1, 0, 0]]
    """
    return grid_points(*map(np.arange, np.diagonal(np.asarray(matrix))))


@typed
def inequivalent_superlattices(rotations: Finite, index: int) -> list[Superlattice]:
    """List the superlattices of a given index up to symmetry.

    Parameters
    ----------
    rotations : array_like, (G, 3, 3)
        Point group of the lattice, acting on columns of fractional coordinates; repeats do not matter.
    index : int
        Number of lattice points per cell of the superlattice.

    Returns
    -------
    list of Superlattice
        One of each class.

    Raises
    ------
    InputError
        If the index is not positive, or a rotation is none of a lattice.

    Notes
    -----
    Each superlattice has one Hermite normal form; two are equivalent if a rotation takes one to the other (G. L. W.
    Hart and R. W. Forcade, Phys. Rev. B 77, 224115 (2008), doi:10.1103/PhysRevB.77.224115).

    Examples
    --------
    Without symmetry there are seven of index 2:

    >>> len(inequivalent_superlattices([np.eye(3)], 2))
    7
    """
    whole("index", index)
    if not np.size(rotations):
        raise InputError("rotations", need="rotations of a crystal, the identity at least", got="none")
    matrices = np.rint(np.asarray(rotations, dtype=np.float64).reshape(-1, 3, 3))
    # Of more than a few hundred no reduced cell has a rotation, and products of such numbers would overflow.
    if not (np.abs(matrices) <= 1000).all() or not np.allclose(np.abs(np.linalg.det(matrices)), 1.0):
        got = described(rotations)
        remedy = "take those of spglib.get_symmetry, which act on fractional coordinates"
        raise InputError("rotations", need="matrices of whole numbers with determinant 1 or -1", got=got, remedy=remedy)
    if index == 1:
        return [Superlattice(np.eye(3, dtype=np.intp), 1)]
    group = np.unique(matrices.astype(np.intp).reshape(-1, 9), axis=0)
    forms = _hermite_forms(index)
    left = {form.tobytes(): form for form in forms}
    found = []
    while left:
        _, form = next(iter(left.items()))
        orbit = {_hermite(form @ r.reshape(3, 3).T).tobytes() for r in group}
        found.append(Superlattice(form, len(orbit & set(left))))
        for key in orbit:
            left.pop(key, None)
    return found


def _hermite_forms(index: int) -> list[Indices]:
    forms = []
    for a in range(1, index + 1):
        if index % a:
            continue
        for b in range(1, index // a + 1):
            if (index // a) % b:
                continue
            c = index // a // b
            forms += [
                np.array([[a, 0, 0], [d, b, 0], [e, f, c]], dtype=np.intp)
                for d in range(a)
                for e in range(a)
                for f in range(b)
            ]
    # The most compact cells come first, so that each class is represented by its most compact one.
    return sorted(forms, key=lambda m: (np.abs(m).max(), np.abs(m).sum()))


def _hermite(matrix: Indices) -> Indices:
    """Reduce the rows to lower triangular form with non-negative entries below a positive diagonal."""
    rows = np.array(matrix, dtype=np.intp)
    for column in (2, 1, 0):
        while True:
            active = [r for r in range(column + 1) if rows[r, column]]
            pivot = min(active, key=lambda r: abs(rows[r, column]))
            if pivot != column:
                rows[[pivot, column]] = rows[[column, pivot]]
            if rows[column, column] < 0:
                rows[column] *= -1
            for r in range(column):
                rows[r] -= (rows[r, column] // rows[column, column]) * rows[column]
            if not rows[:column, column].any():
                break
    for row in (1, 2):
        for column in range(row - 1, -1, -1):
            rows[row] -= (rows[row, column] // rows[column, column]) * rows[column]
    return rows
