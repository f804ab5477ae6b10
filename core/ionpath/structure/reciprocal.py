"""Structure factors summed directly at the scattering vectors that fit into the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, grid_points, heights
from ionpath.citations import references
from ionpath.compiled import kernels
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.frames import as_frames, as_symbols
from ionpath.msonable import Msonable
from ionpath.structure.rdf import species_pairs
from ionpath.sums import Sums

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


@typed
@documented
@dataclass(frozen=True)
class DirectStructureFactor(Msonable):
    """Partial structure factors at vectors of the reciprocal lattice."""

    vectors: Ints  # (K, 3): Miller indices
    q: Floats  # (K,): moduli in 1/A, in the mean cell
    pairs: tuple[tuple[str, str], ...]  # pairs of species, each unordered pair once
    partials: Floats  # (pairs, K): Faber-Ziman partial structure factors
    fractions: dict[str, float]  # number fractions of the species
    n_frames: int  # number of frames

    def binned(self, edges: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Average over vectors of about the same length, between edges (B + 1,) in 1/A.

        Returns the mean modulus (B,) of the vectors in each bin, nan where there is none, the mean partial structure
        factors (pairs, B), and the number of vectors (B,).
        """
        bounds = np.asarray(edges, dtype=np.float64)
        which = np.searchsorted(bounds, self.q, side="right") - 1
        inside = (which >= 0) & (which < len(bounds) - 1)
        size = len(bounds) - 1
        counts = np.bincount(which[inside], minlength=size).astype(np.float64)
        safe = np.where(counts > 0, counts, np.nan)
        mean = np.array([np.bincount(which[inside], row[inside], minlength=size) / safe for row in self.partials])
        return np.bincount(which[inside], self.q[inside], minlength=size) / safe, mean, counts


@typed
def reciprocal_vectors(
    cell: ArrayLike, q_max: float, *, q_min: float = 0.0, max_per_bin: int | None = 100, seed: int = 0
) -> Ints:
    """List the scattering vectors that fit into a cell, one of each pair of opposite ones.

    Parameters
    ----------
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    q_max : float
        Largest modulus, in 1/A.
    q_min : float, default 0
        Smallest modulus, in 1/A; the zero vector is always left out.
    max_per_bin : int or None, default 100
        Keep this many vectors at most, chosen at random, among those whose moduli lie in one bin of the width of
        the shortest vector; None keeps all.
    seed : int, default 0
        Seed of the choice.

    Returns
    -------
    ndarray of int, (K, 3)
        Miller indices, sorted by modulus.

    Raises
    ------
    InputError
        If no vector lies in the range.

    Examples
    --------
    >>> reciprocal_vectors(np.eye(3) * 2 * np.pi, 1.0).tolist()
    [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    """
    lattice = np.asarray(cell, dtype=np.float64)
    # A vector of modulus q has |n_i| = |k . a_i| / 2 pi <= q |a_i| / 2 pi.
    limits = np.floor(q_max * np.linalg.norm(lattice, axis=1) / (2 * np.pi) + 1e-9).astype(int)
    grid = grid_points(*(np.arange(-n, n + 1) for n in limits))
    # The first nonzero index is positive: one of each pair of opposite vectors, and not the zero vector.
    leading = np.where(grid[:, 0] != 0, grid[:, 0], np.where(grid[:, 1] != 0, grid[:, 1], grid[:, 2]))
    grid = grid[leading > 0]
    moduli = _moduli(grid, lattice)
    grid = grid[(moduli <= q_max * (1 + 1e-9)) & (moduli >= q_min * (1 - 1e-9))]
    if not len(grid):
        need = f"more than the shortest vector, about {2 * np.pi / heights(lattice).max():.3g} 1/A"
        raise InputError("q_max", need=need, got=f"{q_max:g} 1/A", remedy="use a larger q_max or a larger cell")
    moduli = _moduli(grid, lattice)
    order = np.lexsort((*grid.T[::-1], np.round(moduli, 9)))
    grid, moduli = grid[order], moduli[order]
    if max_per_bin is None:
        return grid.astype(np.int64)
    rng = np.random.default_rng(seed)
    bins = np.floor(moduli / moduli[0] + 1e-9).astype(int)
    keep = [
        np.sort(rng.permutation(members)[:max_per_bin])
        for members in np.split(np.arange(len(grid)), np.flatnonzero(np.diff(bins)) + 1)
    ]
    return grid[np.concatenate(keep)].astype(np.int64)


def _moduli(vectors: NDArray[np.integer], cell: Floats) -> Floats:
    return np.asarray(2 * np.pi * np.linalg.norm(vectors @ np.linalg.inv(cell).T, axis=1), dtype=np.float64)


def density_modes(positions: Floats, cell: Floats, groups: Sequence[Ints], vectors: Ints) -> NDArray[np.complex128]:
    """Sum exp(i q r) over the atoms of each group."""
    return phase_sums(groups, vectors)(positions @ np.linalg.inv(cell))


class DirectSum(Sums):
    """Products of density modes at Miller indices (K, 3), added up frame by frame; sums of blocks can be added up."""

    _adding = ("products", "cells", "n_frames")

    def __init__(self, species: Sequence[str], vectors: Ints) -> None:
        symbols = as_symbols(species, len(species))
        present = sorted(set(symbols.tolist()))
        self.vectors = vectors
        self.groups = [np.flatnonzero(symbols == s) for s in present]
        self.numbers = dict(zip(present, map(len, self.groups), strict=True))
        self.pairs = species_pairs(present)
        self._sums = phase_sums(self.groups, vectors)
        self.products = np.zeros((len(self.pairs), len(vectors)))
        self.cells = np.zeros((3, 3))
        self.n_frames = 0

    def add(self, positions: Floats, cell: Floats) -> None:
        """Add one frame."""
        modes = self._sums(positions @ np.linalg.inv(cell))
        names = list(self.numbers)
        for row, (a, b) in enumerate(self.pairs):
            one, other = modes[names.index(a)], modes[names.index(b)]
            self.products[row] += one.real * other.real + one.imag * other.imag
        self.cells += cell
        self.n_frames += 1

    def result(self) -> DirectStructureFactor:
        """Normalise the sums."""
        total = sum(self.numbers.values())
        partials = np.empty_like(self.products)
        for row, (a, b) in enumerate(self.pairs):
            c_a, c_b = self.numbers[a] / total, self.numbers[b] / total
            own = c_a if a == b else 0.0
            partials[row] = 1.0 + (self.products[row] / self.n_frames / total - own) / (c_a * c_b)
        return DirectStructureFactor(
            vectors=self.vectors,
            q=_moduli(self.vectors, self.cells / self.n_frames),
            pairs=self.pairs,
            partials=partials,
            fractions={s: n / total for s, n in self.numbers.items()},
            n_frames=self.n_frames,
        )


@typed
@references("faber1965", "chen2025")
def direct_structure_factors(
    positions: ArrayLike,
    cell: ArrayLike,
    species: Sequence[str],
    *,
    q_max: float = 10.0,
    q_min: float = 0.0,
    max_per_bin: int | None = 100,
    seed: int = 0,
) -> DirectStructureFactor:
    r"""Sum partial structure factors at the scattering vectors that fit into the cell.

    Parameters
    ----------
    positions, cell, species
        See `radial_distribution`.
    q_max, q_min, max_per_bin, seed
        Which vectors, see `reciprocal_vectors`.

    Returns
    -------
    DirectStructureFactor
        Faber-Ziman partial structure factors, one value per vector.

    Notes
    -----
    .. math:: S_{ij}(\mathbf{Q}) = 1 + \frac{1}{c_i c_j} \left[ \frac{1}{N} \langle \rho_i(\mathbf{Q})
        \rho_j^*(\mathbf{Q}) \rangle - c_i \delta_{ij} \right], \qquad
        \rho_i(\mathbf{Q}) = \sum_{k \in i} e^{i \mathbf{Q} \cdot \mathbf{r}_k}

    No range of distances is cut off, so there are no ripples. In a cell that changes, the Miller indices stay.

    Examples
    --------
    >>> crystal = [[0.0, 0, 0], [1.0, 0, 0]]
    >>> s = direct_structure_factors(crystal, np.diag([2.0, 9.0, 9.0]), ["Li", "Li"], q_max=6.3, max_per_bin=None)
    >>> peak = np.all(s.vectors == [2, 0, 0], axis=1)
    >>> s.partials[0, peak].round(6).tolist()
    [2.0]
    """
    frames, cells, _ = as_frames(positions, cell)
    as_symbols(species, frames.shape[1])
    vectors = reciprocal_vectors(cells[0], q_max, q_min=q_min, max_per_bin=max_per_bin, seed=seed)
    sums = DirectSum(species, vectors)
    for frame, lattice in zip(frames, cells, strict=True):
        sums.add(frame, lattice)
    return sums.result()
