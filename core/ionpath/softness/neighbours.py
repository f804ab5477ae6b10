"""Neighbours of ions within a cutoff, as flat arrays sorted by ion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.cells import as_cells, check_finite, is_orthorhombic
from ionpath.errors import InputError
from ionpath.frames import check_cutoff, freud_system, neighbour_pairs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 400_000  # pairs whose distances are held at a time
_TREE = 36.0  # a tree is quicker when the cell is this many times the sphere


@dataclass(frozen=True)
class Neighbours:
    """Pairs of a centre and an atom near it.

    Attributes
    ----------
    row : ndarray of int, (n_pairs,)
        Number of the centre in the list of centres; ascending.
    centre : ndarray of int, (n_pairs,)
        Index of the centre among all atoms.
    atom : ndarray of int, (n_pairs,)
        Index of its neighbour among all atoms.
    vectors : ndarray, (n_pairs, 3)
        From the centre to the neighbour, shortest image, in A.
    distances : ndarray, (n_pairs,)
        Their lengths in A.
    n_centres : int
        Number of centres, with or without neighbours.
    """

    row: Ints
    centre: Ints
    atom: Ints
    vectors: Floats
    distances: Floats
    n_centres: int

    def within(self, cutoff: float) -> Neighbours:
        """Keep the neighbours within a shorter cutoff.

        Parameters
        ----------
        cutoff : float
            Radius in A.

        Returns
        -------
        Neighbours
            Fewer pairs in the same order.
        """
        near = np.flatnonzero(self.distances < cutoff)
        return Neighbours(
            self.row[near], self.centre[near], self.atom[near], self.vectors[near], self.distances[near],
            self.n_centres,
        )  # fmt: skip


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
    Within half of the smallest height the shortest image has fractional coordinates of at most one half, so that
    rounding them finds it in every cell, however sheared. All distances are computed, unless the cell is so much
    larger than the sphere that the tree of freud is quicker.

    Examples
    --------
    >>> found = find_neighbours([[0.5, 0, 0], [9.5, 0, 0], [5, 5, 5]], np.eye(3) * 10, 2.0)
    >>> found.atom.tolist(), found.distances.round(6).tolist()
    ([1, 0], [1.0, 1.0])
    """
    atoms, matrix = _system(positions, cell)
    radius = check_cutoff(cutoff, matrix, "cutoff")
    chosen = _centres(centres, len(atoms))
    volume = abs(float(np.linalg.det(matrix)))
    if volume > _TREE * 4.19 * radius**3 and len(chosen) * len(atoms) > _BLOCK:
        row, atom = _by_tree(atoms, matrix, radius, chosen)
        vectors = _shortest(atoms[atom] - atoms[chosen[row]], matrix)
        squares = np.einsum("pi,pi->p", vectors, vectors)
        near = squares < radius**2
        row, atom, vectors, squares = row[near], atom[near], vectors[near], squares[near]
    else:
        row, atom, vectors, squares = _by_rows(atoms, matrix, radius, chosen)
    return Neighbours(row, chosen[row], atom, vectors, np.sqrt(squares), len(chosen))


def _system(positions: ArrayLike, cell: ArrayLike) -> tuple[Floats, Floats]:
    atoms = np.asarray(check_finite(positions, "positions"), dtype=np.float64)
    matrix = as_cells(cell)
    if atoms.ndim != 2 or atoms.shape[1] != 3 or matrix.ndim != 2:
        raise InputError(
            "positions", need="one frame (n_atoms, 3) and one cell (3, 3)",
            got=f"shapes {atoms.shape} and {matrix.shape}", remedy="call it for each frame",
        )  # fmt: skip
    return atoms, matrix


def _centres(centres: ArrayLike | None, n_atoms: int) -> Ints:
    chosen = np.arange(n_atoms) if centres is None else np.atleast_1d(np.asarray(centres))
    whole = chosen.ndim == 1 and len(chosen) and np.issubdtype(chosen.dtype, np.integer)
    if not whole or chosen.min() < 0 or chosen.max() >= n_atoms:
        raise InputError(
            "centres", need=f"indices of atoms from 0 to {n_atoms - 1}", got=f"{centres!r}"[:60],
            remedy="give the indices of the ions",
        )  # fmt: skip
    return chosen.astype(np.int64)


def _shortest(vectors: Floats, cell: Floats) -> Floats:
    """Shortest images, for those that are shorter than half of the smallest height."""
    if is_orthorhombic(cell):
        edges = np.diagonal(cell)
        return np.asarray(vectors - np.rint(vectors / edges) * edges)
    return np.asarray(vectors - np.rint(vectors @ np.linalg.inv(cell)) @ cell)


def _by_rows(atoms: Floats, cell: Floats, radius: float, chosen: Ints) -> tuple[Ints, Ints, Floats, Floats]:
    coordinates = (atoms @ np.linalg.inv(cell)).T.copy()
    size = max(1, _BLOCK // len(atoms))
    parts = [
        _block(coordinates, cell, radius, chosen[at : at + size], at) for at in range(0, len(chosen), size)
    ]
    row, atom, vectors, squares = (np.concatenate(part) for part in zip(*parts, strict=True))
    return row, atom, vectors, squares


def _block(
    coordinates: Floats, cell: Floats, radius: float, chosen: Ints, first: int
) -> tuple[Ints, Ints, Floats, Floats]:
    steps = [axis[None, :] - axis[chosen, None] for axis in coordinates]
    for step in steps:
        step -= np.rint(step)
    if is_orthorhombic(cell):
        for step, edge in zip(steps, np.diagonal(cell), strict=True):
            step *= edge
        parts = steps
    else:
        parts = [steps[0] * cell[0, k] + steps[1] * cell[1, k] + steps[2] * cell[2, k] for k in range(3)]
    squares = parts[0] ** 2 + parts[1] ** 2 + parts[2] ** 2
    squares[np.arange(len(chosen)), chosen] = np.inf
    flat = np.flatnonzero(squares < radius**2)
    row, atom = np.divmod(flat, coordinates.shape[1])
    vectors = np.stack([part.ravel()[flat] for part in parts], axis=1)
    return row + first, atom, vectors, squares.ravel()[flat]


def _by_tree(atoms: Floats, cell: Floats, radius: float, chosen: Ints) -> tuple[Ints, Ints]:
    system = freud_system(atoms, cell)
    # The tree is in single precision: pairs are found a little beyond and sieved in double.
    row, atom, _ = neighbour_pairs(system, system[1][chosen], radius * (1 + 1e-5), same=False)
    other = atom != chosen[row]
    row, atom = row[other].astype(np.int64), atom[other].astype(np.int64)
    order = np.lexsort((atom, row))
    return row[order], atom[order]
