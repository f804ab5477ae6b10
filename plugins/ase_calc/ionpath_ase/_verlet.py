"""Neighbours with a skin, handed to a model of deepmd-kit, so that it does not search anew at each step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import heights
from ionpath.cells import images_around

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Lists(NamedTuple):
    """Lists of neighbours as deepmd-kit's C library reads them."""

    atoms: NDArray[np.int32]
    """Numbers of the atoms."""
    counts: NDArray[np.int32]
    """How many neighbours each has."""
    neighbours: NDArray[np.int32]
    """These, one atom's after the other's."""
    starts: NDArray[np.uintp]
    """Address of the first neighbour of each atom."""


class VerletNeighbours:
    """Lists of neighbours within the cutoff and a skin, both in A, for one structure that moves.

    Let u be the largest distance of an atom from where it was when the lists were made, carried along with the cell,
    and s the smallest factor by which the cell has shrunk any length since. A pair that was farther apart than cutoff +
    skin is now at least s (cutoff + skin) - 2u apart. While that is above the cutoff, the lists hold.
    """

    def __init__(self, cutoff: float, skin: float = 1.0) -> None:
        self.cutoff, self.skin = cutoff, skin
        self.builds = 0
        self._cell: FloatArray | None = None

    def update(self, positions: FloatArray, cell: FloatArray, types: IntArray) -> None:
        """Make sure that the lists hold."""
        if not self._holds(positions, cell, types):
            self._build(positions, cell, types)

    def _holds(self, positions: FloatArray, cell: FloatArray, types: IntArray) -> bool:
        if self._cell is None or not np.array_equal(types, self._types):
            return False
        before, shrink = self._positions, 1.0
        if not np.array_equal(cell, self._cell):
            change = np.linalg.solve(self._cell, cell)
            before, shrink = before @ change, float(np.linalg.svd(change, compute_uv=False)[-1])
        moved = positions - before
        u = float(np.sqrt(np.einsum("ij,ij->i", moved, moved).max(initial=0.0)))
        return shrink * (self.cutoff + self.skin) - 2.0 * u > self.cutoff

    def _build(self, positions: FloatArray, cell: FloatArray, types: IntArray) -> None:
        """List the images that matter, and the neighbours of every atom; atoms are sorted by type, as models want."""
        reach = self.cutoff + self.skin
        self.builds += 1
        self._cell = None  # so that lists which an error left unfinished never hold
        self._positions, self._types = positions.copy(), types.copy()
        self.order = np.argsort(types, kind="stable")
        fractional = positions[self.order] @ np.linalg.inv(cell)
        home = np.floor(fractional)
        fractional -= home
        images, atoms, shifts = images_around(fractional, reach / heights(cell))
        away = shifts.any(axis=1)
        images, atoms, shifts = images[away], atoms[away], shifts[away]
        self.ghosts = atoms
        self._shift = np.concatenate([-home, shifts - home[atoms]])
        points = np.concatenate([fractional, images]) @ cell
        first, second = _pairs(points, len(positions), reach)
        self.lists = _lists(len(positions), first, second)
        self.all_types = np.concatenate([types[self.order], types[self.order][atoms]]).astype(np.int32)
        self._cell = cell.copy()

    def coordinates(self, positions: FloatArray, cell: FloatArray) -> FloatArray:
        """Positions of atoms and images."""
        ours = positions[self.order]
        placed: FloatArray = np.concatenate([ours, ours[self.ghosts]]) + self._shift @ cell
        return placed

    def collect(self, forces: FloatArray) -> FloatArray:
        """Forces on atoms from those on atoms and images."""
        count = len(self.order)
        result = np.empty((count, 3))
        for axis in range(3):
            added = np.bincount(self.ghosts, weights=forces[count:, axis], minlength=count)
            result[self.order, axis] = forces[:count, axis] + added
        return result


def _pairs(points: FloatArray, count: int, reach: float) -> tuple[IntArray, IntArray]:
    """Neighbours of the first `count` points, sorted by these."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    pairs = pairs[pairs[:, 0] < count]  # the first index is the smaller one
    both = pairs[pairs[:, 1] < count]
    first = np.concatenate([pairs[:, 0], both[:, 1]])
    second = np.concatenate([pairs[:, 1], both[:, 0]])
    order = np.argsort(first, kind="stable")
    return first[order], second[order]


def _lists(count: int, first: IntArray, second: IntArray) -> Lists:
    """Pairs, sorted by the first, as lists."""
    neighbours = second.astype(np.int32)
    counts = np.bincount(first, minlength=count)
    starts = neighbours.ctypes.data + neighbours.itemsize * (np.cumsum(counts) - counts)
    return Lists(np.arange(count, dtype=np.int32), counts.astype(np.int32), neighbours, starts.astype(np.uintp))
