"""Angular structure functions: how the neighbours of an ion are arranged around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Words
from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.frames import as_symbols, indices_of
from ionpath.softness.neighbours import Neighbours, find_neighbours

ANGULAR: tuple[tuple[float, float, float], ...] = tuple(
    (xi, zeta, sign) for xi, zeta in ((3.0, 1.0), (3.0, 4.0), (5.0, 1.0), (5.0, 4.0)) for sign in (-1.0, 1.0)
)
"""Default angular functions (xi in A, zeta, lambda): two ranges, a broad and a narrow one, for small and large
angles. The literature gives its lengths in units of a Lennard-Jones liquid; these are ours."""

_BLOCK = 2_000_000


@typed
@references("behler2007", "cubuk2015")
def angular_structure_functions(
    positions: ArrayLike,
    cell: ArrayLike,
    symbols: Words,
    centres: ArrayLike | None = None,
    *,
    species: Sequence[str] | None = None,
    parameters: Sequence[tuple[float, float, float]] = ANGULAR,
    cutoff: float = 5.0,
) -> Floats:
    """Compute angular structure functions of some atoms in one frame.

    Parameters
    ----------
    positions, cell, symbols, centres, species
        See `radial_structure_functions`.
    parameters : sequence of (xi, zeta, lambda)
        Range in A, sharpness, and +1 or -1, of each function.
    cutoff : float, default 5.0
        Neighbours beyond it do not count, in A.

    Returns
    -------
    ndarray, (n_centres, n_pairs, n_parameters)
        Structure functions of each unordered pair of species: with species A, B, C the pairs are AA, AB, AC, BB,
        BC, CC.

    Raises
    ------
    InputError
        If a species is absent, a parameter makes no sense, or the cutoff reaches beyond half of the cell.

    Notes
    -----
    Psi(i) = sum_{j<k} exp(-(R_ij^2 + R_ik^2 + R_jk^2) / xi^2) (1 + lambda cos theta_jik)^zeta, with the angle at the
    centre i; each pair of neighbours counts once. E. D. Cubuk et al., Phys. Rev. Lett. 114, 108001 (2015),
    doi:10.1103/PhysRevLett.114.108001, where it counts twice.

    Examples
    --------
    >>> x = [[0, 0, 0], [2.0, 0, 0], [0, 2.0, 0]]
    >>> psi = angular_structure_functions(x, np.eye(3) * 20, ["Li", "S", "S"], [0], species=["S"],
    ...                                   parameters=[(4.0, 1.0, 1.0)])
    >>> bool(np.isclose(psi.item(), np.exp(-1.0)))
    True
    """
    names = as_symbols(np.asarray(symbols, dtype=str), len(np.asarray(positions)))
    kinds = sorted(set(names.tolist())) if species is None else list(species)
    codes = np.full(len(names), -1, dtype=np.int64)
    for k, symbol in enumerate(kinds):
        codes[indices_of(names, symbol, "species")] = k
    neighbours = find_neighbours(positions, cell, cutoff, centres)
    values = angular_from_neighbours(neighbours, codes, len(kinds), parameters)
    return values.reshape(len(values), -1, len(parameters))


def angular_from_neighbours(
    neighbours: Neighbours, codes: Ints, n_kinds: int, parameters: Sequence[tuple[float, float, float]]
) -> Floats:
    """Compute angular structure functions from neighbours that are known."""
    for xi, zeta, sign in parameters:
        if not (xi > 0 and zeta >= 0 and abs(sign) == 1):
            got = f"({xi}, {zeta}, {sign})"
            raise InputError("parameters", need="xi > 0 in A, zeta >= 0, lambda +1 or -1", got=got)
    keep = np.flatnonzero(codes[neighbours.atom] >= 0)
    row, kind = neighbours.row[keep], codes[neighbours.atom[keep]]
    vectors, distances = neighbours.vectors[keep], neighbours.distances[keep]
    counts = np.bincount(row, minlength=neighbours.n_centres)
    table = np.zeros((neighbours.n_centres, n_kinds * (n_kinds + 1) // 2, len(parameters)))
    ends = np.concatenate([[0], np.cumsum(counts)])
    at = 0
    while at < len(counts):
        # As many centres as fit into memory with all pairs of their neighbours.
        stop = at + max(1, int(np.searchsorted(np.cumsum(counts[at:] ** 2), _BLOCK, side="right")))
        first, second = _pairs(counts[at:stop], ends[at:stop])
        table[at:stop] = _values(first, second, row - at, kind, vectors, distances, stop - at, n_kinds, parameters)
        at = stop
    return table.reshape(neighbours.n_centres, -1)


def _pairs(counts: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """All pairs j < k of neighbours of the same centre, as indices of neighbours."""
    later = [np.arange(n - 1, -1, -1) for n in counts]
    repeats = np.concatenate(later) if later else np.empty(0, np.int64)
    index = np.concatenate([start + np.arange(n) for n, start in zip(counts, starts, strict=True)])
    first = np.repeat(index, repeats)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return first, first + 1 + offset


def _values(
    first: Ints, second: Ints, row: Ints, kind: Ints, vectors: Floats, distances: Floats, size: int,
    n_kinds: int, parameters: Sequence[tuple[float, float, float]],
) -> Floats:  # fmt: skip
    low, high = np.minimum(kind[first], kind[second]), np.maximum(kind[first], kind[second])
    pair = low * n_kinds - low * (low - 1) // 2 + high - low
    n_pairs = n_kinds * (n_kinds + 1) // 2
    flat = row[first] * n_pairs + pair
    dot = np.einsum("pi,pi->p", vectors[first], vectors[second])
    a, b = distances[first], distances[second]
    cosine = np.clip(dot / (a * b), -1.0, 1.0)
    squares = 2.0 * (a * a + b * b - dot)
    out = np.empty((size, n_pairs, len(parameters)))
    for p, (xi, zeta, sign) in enumerate(parameters):
        weight = np.exp(-squares / xi**2) * (1.0 + sign * cosine) ** zeta
        out[:, :, p] = np.bincount(flat, weight, size * n_pairs).reshape(size, n_pairs)
    return out
