"""Sums of exp(i q r) over atoms at many scattering vectors, from powers of three phases per atom."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Complexes = NDArray[np.complex128]

_DENSE = 4
"""Places of the grid per vector up to which products of matrices are faster than one product per vector."""


def _addition() -> Floats:
    """Signs of ccc, ccs, csc, ... sss in the cosine (first 8 rows) and the sine of +-X +-Y +-Z."""
    table = np.zeros((2, 8, 8))
    for row, flips in enumerate(product((1, -1), repeat=3)):
        for column, sines in enumerate(product((0, 1), repeat=3)):
            sign = np.prod([f for f, sine in zip(flips, sines, strict=True) if sine]) * (-1) ** (
                sum(sines) // 2
            )
            table[sum(sines) % 2, row, column] = sign
    return table.reshape(16, 8)


_ADDITION = _addition()
_PRODUCTS = 1 << 18
_PHASES = 1 << 15


def phase_sums(groups: Sequence[Ints], vectors: Ints) -> GridSums | VectorSums:
    """Choose the faster of two ways to sum at given vectors."""
    sums = GridSums(groups, vectors)
    return sums if sums.n_places <= _DENSE * len(vectors) else VectorSums(groups, vectors)


def axis_phases(coordinates: Floats, order: int) -> Complexes:
    """Compute exp(2 pi i n x) for n up to an order, with one exponential per coordinate."""
    angles = 2.0 * np.pi * (coordinates - np.rint(coordinates)).T
    powers = np.empty((order + 1, *angles.shape), dtype=np.complex128)
    powers[0] = 1.0
    if order:
        powers[1].real, powers[1].imag = np.cos(angles), np.sin(angles)
    known = 1
    while known < order:
        more = min(known, order - known)
        np.multiply(powers[1 : more + 1], powers[known], out=powers[known + 1 : known + more + 1])
        known += more
    return powers


def _joined(groups: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Atoms of all groups one after another, and where each group ends."""
    atoms = np.concatenate([np.asarray(group, dtype=np.int64) for group in groups])
    return atoms, np.cumsum([len(group) for group in groups])


class GridSums:
    """Sums at all vectors of a grid by products of matrices.

    Parameters
    ----------
    groups : sequence of ndarray of int
        Atoms of each group.
    vectors : ndarray of int, (K, 3)
        Miller indices.

    Notes
    -----
    With cosines and sines along each axis, cos(X + Y + Z) and sin(X + Y + Z) are sums of eight products, whose sums
    over atoms serve all eight vectors (+-n1, +-n2, +-n3): only indices without signs are computed. Products along
    the first two axes times those along the third, summed over atoms, are one product of matrices.
    """

    def __init__(self, groups: Sequence[Ints], vectors: Ints) -> None:
        self.atoms, ends = _joined(groups)
        self.bounds = np.c_[np.r_[0, ends[:-1]], ends]
        size = np.abs(vectors)
        self.order = int(size.max(initial=0))
        self.depth = int(size[:, 2].max(initial=0)) + 1
        pairs, which = np.unique(size[:, 0] * (self.order + 1) + size[:, 1], return_inverse=True)
        self.first, self.second = pairs // (self.order + 1), pairs % (self.order + 1)
        self.n_places = len(pairs) * self.depth
        signs = (vectors < 0) @ np.array([4, 2, 1])
        self.where = signs * self.n_places + which.ravel() * self.depth + size[:, 2]

    def __call__(self, coordinates: Floats) -> Complexes:
        """Sum over the atoms of each group."""
        step = max(64, _PRODUCTS // (4 * len(self.first)))
        sums = np.zeros((len(self.bounds), 8 * self.n_places))
        for start in range(0, len(self.atoms), step):
            left, right = self._factors(coordinates[self.atoms[start : start + step]])
            for row, (low, high) in enumerate(np.clip(self.bounds - start, 0, right.shape[1])):
                if high > low:
                    sums[row] += (left[:, low:high] @ right[:, low:high].T).ravel()
        # (group, x, y, pair, z, depth) to (x, y, z; group, pair, depth)
        apart = sums.reshape(len(self.bounds), 2, 2, len(self.first), 2, self.depth).transpose(
            1, 2, 4, 0, 3, 5
        )
        parts = _ADDITION @ apart.reshape(8, -1)
        table = np.empty((len(self.bounds), 8, self.n_places), dtype=np.complex128)
        table.real, table.imag = parts.reshape(2, 8, len(self.bounds), -1).swapaxes(1, 2)
        return np.take(table.reshape(len(self.bounds), -1), self.where, axis=1)

    def _factors(self, coordinates: Floats) -> tuple[Floats, Floats]:
        """Products along the first two axes, (4 pairs, N), and phases along the third, (2 depth, N)."""
        powers = axis_phases(coordinates, self.order)
        real, imaginary = powers.real.copy(), powers.imag.copy()
        left = np.empty((2, 2, len(self.first), len(coordinates)))
        others = real[self.second, 1], imaginary[self.second, 1]
        for a, one in enumerate((real, imaginary)):
            along = one[self.first, 0]
            for b, other in enumerate(others):
                np.multiply(along, other, out=left[a, b])
        right = np.concatenate([real[: self.depth, 2], imaginary[: self.depth, 2]])
        return left.reshape(-1, len(coordinates)), right


class VectorSums:
    """Sums at vectors that are few among those of their grid, vector by vector.

    Parameters
    ----------
    groups : sequence of ndarray of int
        Atoms of each group.
    vectors : ndarray of int, (K, 3)
        Miller indices.
    """

    def __init__(self, groups: Sequence[Ints], vectors: Ints) -> None:
        self.atoms, ends = _joined(groups)
        self.starts = np.r_[0, ends[:-1]]
        self.vectors = vectors
        self.order = int(np.abs(vectors).max(initial=0))

    def __call__(self, coordinates: Floats) -> Complexes:
        """Sum over the atoms of each group."""
        powers = axis_phases(coordinates[self.atoms], self.order)
        table = np.concatenate([powers, powers[:0:-1].conj()])  # index -n counts from the end
        tables = [np.ascontiguousarray(table[:, axis]) for axis in range(3)]
        step = min(len(self.vectors), max(1, _PHASES // len(self.atoms)))
        modes = np.empty((len(self.starts), len(self.vectors)), dtype=np.complex128)
        phases, factor = np.empty((2, step, len(self.atoms)), dtype=np.complex128)
        for start in range(0, len(self.vectors), step):
            part = self.vectors[start : start + step]
            mine, other = phases[: len(part)], factor[: len(part)]
            np.take(tables[0], part[:, 0], axis=0, out=mine, mode="wrap")
            for axis in (1, 2):
                np.take(tables[axis], part[:, axis], axis=0, out=other, mode="wrap")
                np.multiply(mine, other, out=mine)
            modes[:, start : start + step] = np.add.reduceat(mine, self.starts, axis=1).T
        return modes
