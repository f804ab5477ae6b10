"""Neighbours of ions within a cutoff, as flat arrays sorted by ion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.cells import as_cells, check_finite
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.frames import check_cutoff, pairs_within
from ionpath.msonable import Msonable


@typed
@documented
@dataclass(frozen=True)
class Neighbours(Msonable):
    """Pairs of a centre and an atom near it."""

    row: Ints  # (n_pairs,): number of the centre in the list of centres; ascending
    centre: Ints  # (n_pairs,): index of the centre among all atoms
    atom: Ints  # (n_pairs,): index of its neighbour among all atoms
    vectors: Floats  # (n_pairs, 3): from the centre to the neighbour, shortest image, in A
    distances: Floats  # (n_pairs,): their lengths in A
    n_centres: int  # number of centres, with or without neighbours

    def within(self, cutoff: float) -> Neighbours:
        """Fewer pairs in the same order: those within a shorter cutoff in A."""
        near = np.flatnonzero(self.distances < cutoff)
        return Neighbours(
            self.row[near], self.centre[near], self.atom[near], self.vectors[near], self.distances[near], self.n_centres
        )


@typed
def find_neighbours(
    positions: ArrayLike, cell: ArrayLike, cutoff: float, centres: ArrayLike | None = None
) -> Neighbours:
    """Find all atoms closer than a cutoff to some of them.

    Parameters
    ----------
    positions : array_like, (n_atoms, 3)
        Positions in A, wrapped or not.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    cutoff : float
        Radius in A, at most half of the smallest height of the cell.
    centres : array_like of int, (n_centres,), optional
        Indices of the atoms whose neighbours are wanted; default: all.

    Returns
    -------
    Neighbours
        Pairs, sorted by centre. An atom is no neighbour of its own.

    Raises
    ------
    InputError
        If the cutoff reaches beyond half of the cell, where an atom would have two images within it.

    Notes
    -----
    Within half of the smallest height every neighbour has one image; `ionpath.frames.pairs_within` finds it in every
    cell, however sheared.

    Examples
    --------
    >>> found = find_neighbours([[0.5, 0, 0], [9.5, 0, 0], [5, 5, 5]], np.eye(3) * 10, 2.0)
    >>> found.atom.tolist(), found.distances.round(6).tolist()
    ([1, 0], [1.0, 1.0])
    """
    atoms, matrix = _system(positions, cell)
    radius = check_cutoff(cutoff, matrix, "cutoff")
    chosen = _centres(centres, len(atoms))
    row, atom, vectors, distances = pairs_within(atoms, matrix, radius, chosen)
    return Neighbours(row, chosen[row], atom, vectors, distances, len(chosen))


def _system(positions: ArrayLike, cell: ArrayLike) -> tuple[Floats, Floats]:
    atoms = np.asarray(check_finite(positions, "positions"), dtype=np.float64)
    matrix = as_cells(cell)
    if atoms.ndim != 2 or atoms.shape[1] != 3 or matrix.ndim != 2:
        got = f"shapes {atoms.shape} and {matrix.shape}"
        remedy = "call it for each frame"
        raise InputError("positions", need="one frame (n_atoms, 3) and one cell (3, 3)", got=got, remedy=remedy)
    return atoms, matrix


def _centres(centres: ArrayLike | None, n_atoms: int) -> Ints:
    chosen = np.arange(n_atoms) if centres is None else np.atleast_1d(np.asarray(centres))
    whole = chosen.ndim == 1 and len(chosen) and np.issubdtype(chosen.dtype, np.integer)
    if not whole or chosen.min() < 0 or chosen.max() >= n_atoms:
        need = f"indices of atoms from 0 to {n_atoms - 1}"
        raise InputError("centres", need=need, got=f"{centres!r}"[:60], remedy="give the indices of the ions")
    return chosen.astype(np.int64)
