"""Sums of exp(i q r) over atoms at many scattering vectors, from powers of three phases per atom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Floats, Ints
from ionpath.compiled import kernels

Complexes = NDArray[np.complex128]

_PHASES = 1 << 15
"""Phases that are held at a time: half a megabyte, which stays in the cache of a core."""


def phase_sums(groups: Sequence[Ints], vectors: Ints) -> CompiledSums | VectorSums:
    """Sums at given vectors, compiled where numba is installed."""
    compiled = kernels()
    return VectorSums(groups, vectors) if compiled is None else CompiledSums(groups, vectors, compiled)


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


class CompiledSums:
    """Sums at Miller indices (K, 3) vector by vector in compiled code; those that share indices share products.

    The product of the phases along the first two axes is made once for all vectors that differ in the third index, and
    the four products of cosines and sines serve a third index of either sign.
    """

    def __init__(self, groups: Sequence[Ints], vectors: Ints, compiled: Any) -> None:
        self._kernel = compiled.density_mode_sums
        self.atoms, ends = _joined(groups)
        self.bounds = np.c_[np.r_[0, ends[:-1]], ends]
        self.order = int(np.abs(vectors).max(initial=0))
        unsigned = vectors.copy()
        unsigned[:, 2] = np.abs(unsigned[:, 2])
        different, which, shared = np.unique(unsigned, axis=0, return_inverse=True, return_counts=True)
        self.members, self.begins = np.argsort(which.ravel(), kind="stable"), np.r_[0, np.cumsum(shared)]
        self.signs = np.where(vectors[:, 2] < 0, -1.0, 1.0)
        self.third = np.ascontiguousarray(different[:, 2])
        fresh = np.any(np.diff(different[:, :2], axis=0, prepend=different[:1, :2] - 1), axis=1)
        begin = np.flatnonzero(fresh)
        self.first, self.second = np.ascontiguousarray(different[begin, :2].T)
        self.starts = np.append(begin, len(different))

    def __call__(self, coordinates: Floats) -> Complexes:
        """Sum over the atoms of each group."""
        chosen = coordinates[self.atoms]
        angles = np.ascontiguousarray(2.0 * np.pi * (chosen - np.rint(chosen)).T)
        modes = np.zeros((len(self.bounds), len(self.signs)), dtype=np.complex128)
        self._kernel(
            angles, self.order, self.first, self.second, self.starts, self.third, self.begins, self.members,
            self.signs, self.bounds, modes,
        )  # fmt: skip
        return modes


class VectorSums:
    """Sums at Miller indices (K, 3) that are few among those of their grid, vector by vector."""

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
