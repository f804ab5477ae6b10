"""Radial structure functions: how many neighbours of each species there are at each distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Words
from ionpath.citations import references
from ionpath.errors import InputError, positive
from ionpath.frames import as_symbols, indices_of
from ionpath.softness.neighbours import Neighbours, find_neighbours

_REACH = 6.0  # widths; exp(-36) is 2e-16
_BLOCK = 500_000


@typed
@references("behler2007", "cubuk2015")
def radial_structure_functions(
    positions: ArrayLike,
    cell: ArrayLike,
    symbols: Words,
    centres: ArrayLike | None = None,
    *,
    species: Sequence[str] | None = None,
    mu: ArrayLike | None = None,
    width: float = 1.0,
    cutoff: float = 6.0,
    kind: Literal["gaussian", "shell"] = "gaussian",
    pooled: bool = False,
) -> Floats:
    """Compute radial structure functions of some atoms in one frame.

    Parameters
    ----------
    positions : array_like, (n_atoms, 3)
        Positions in A, wrapped or not.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    symbols : array_like of str, (n_atoms,)
        Chemical symbols.
    centres : array_like of int, (n_centres,), optional
        Atoms whose surroundings are described; default: all.
    species : sequence of str, optional
        Kinds of neighbours; default: all there are, in alphabetical order.
    mu : array_like, (n_mu,), optional
        Distances at which the functions sit, evenly spaced, in A; default: 0.3 to 5.0 by 0.1.
    width : float, default 1.0
        Width L in A.
    cutoff : float, default 6.0
        Neighbours beyond it do not count, in A.
    kind : {"gaussian", "shell"}
        Gaussians, or hard shells from mu - L/2 to mu + L/2.
    pooled : bool, default False
        Count all species together.

    Returns
    -------
    ndarray, (n_centres, n_species, n_mu)
        Structure functions; one species if pooled.

    Raises
    ------
    InputError
        If a species is absent, distances are not evenly spaced, or the cutoff reaches beyond half of the cell.

    Notes
    -----
    G(i; mu) = sum_j exp(-(R_ij - mu)^2 / L^2), over the neighbours j of one species within the cutoff. J. Behler and
    M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007), doi:10.1103/PhysRevLett.98.146401; arXiv:2412.07115, Eq. 13,
    which counts all species together. Gaussians are followed over six widths, where they fall to 2e-16.

    Examples
    --------
    >>> g = radial_structure_functions([[0, 0, 0], [2.0, 0, 0]], np.eye(3) * 12, ["Li", "S"], [0],
    ...                                species=["S"], mu=[1.0, 2.0, 3.0])
    >>> g.round(4).tolist()
    [[[0.3679, 1.0, 0.3679]]]
    """
    names = as_symbols(np.asarray(symbols, dtype=str), len(np.asarray(positions)))
    kinds = sorted(set(names.tolist())) if species is None else list(species)
    codes = np.full(len(names), -1, dtype=np.int64)
    for k, symbol in enumerate(kinds):
        codes[indices_of(names, symbol, "species")] = 0 if pooled else k
    at = np.round(np.arange(0.3, 5.05, 0.1), 10) if mu is None else np.asarray(mu, dtype=np.float64)
    neighbours = find_neighbours(positions, cell, cutoff, centres)
    return radial_from_neighbours(neighbours, codes, 1 if pooled else len(kinds), at, width, cutoff, kind)


def radial_from_neighbours(
    neighbours: Neighbours, codes: Ints, n_kinds: int, mu: ArrayLike, width: float, cutoff: float, kind: str
) -> Floats:
    """Compute radial structure functions from neighbours that are known."""
    at = np.asarray(mu, dtype=np.float64)
    step = _spacing(at, width)
    code = codes[neighbours.atom]
    counts = (code >= 0) & (neighbours.distances < cutoff)
    distances = neighbours.distances
    group = neighbours.row * n_kinds + code
    if not counts.all():
        group, distances = group[counts], distances[counts]
    size = neighbours.n_centres * n_kinds
    if kind == "shell":
        table = _shells(group, distances, size, at, step, width)
    elif kind == "gaussian":
        wide = 2 * int(np.ceil(_REACH * width / step)) + 1 > 2 * len(at)
        table = (_dense if wide else _local)(group, distances, size, at, step, width)
    else:
        raise InputError("kind", need="'gaussian' or 'shell'", got=repr(kind), remedy="choose one of them")
    return table.reshape(neighbours.n_centres, n_kinds, len(at))


def _spacing(mu: Floats, width: float) -> float:
    positive("width", width, "A")
    steps = np.diff(mu) if mu.ndim == 1 else np.empty(0)
    if mu.ndim != 1 or not len(mu) or (len(steps) and (steps.min() <= 0 or np.ptp(steps) > 1e-9 * steps.max())):
        need = "evenly spaced, increasing distances in A"
        raise InputError("mu", need=need, got=f"{mu.tolist()}"[:60], remedy="use numpy.arange(start, stop, step)")
    return float((mu[-1] - mu[0]) / (len(mu) - 1)) if len(mu) > 1 else float(width)


def _shells(group: Ints, distances: Floats, size: int, mu: Floats, step: float, width: float) -> Floats:
    """Neighbours in shells; shells may overlap or leave gaps."""
    table = np.empty((size, len(mu)))
    if abs(step - width) < 1e-9 * step:
        bins = np.floor((distances - (mu[0] - 0.5 * step)) / step).astype(np.int64)
        inside = (bins >= 0) & (bins < len(mu))
        flat = group[inside] * len(mu) + bins[inside]
        return np.bincount(flat, minlength=table.size).reshape(table.shape).astype(np.float64)
    for k, centre in enumerate(mu):
        inside = (distances >= centre - 0.5 * width) & (distances < centre + 0.5 * width)
        table[:, k] = np.bincount(group[inside], minlength=size)
    return table


def _dense(group: Ints, distances: Floats, size: int, mu: Floats, step: float, width: float) -> Floats:
    """All Gaussians of all pairs: for those that are wide beside their spacing."""
    from scipy.sparse import csr_array

    table = np.zeros((size, len(mu)))
    block = max(1, _BLOCK // len(mu))
    for first in range(0, len(group), block):
        here = slice(first, first + block)
        values = distances[here, None] - mu
        values *= values
        values *= -1.0 / width**2
        np.exp(values, out=values)
        owner = group[here]
        pick = csr_array((np.ones(len(owner)), (owner, np.arange(len(owner)))), shape=(size, len(owner)))
        table += pick @ values
    return table


def _local(group: Ints, distances: Floats, size: int, mu: Floats, step: float, width: float) -> Floats:
    """Gaussians near each pair, from two exponentials of it.

    With x the distance to the nearest mu_n and m = k - n, exp(-(x - m step)^2 / L^2) is the product of
    exp(-x^2/L^2), exp(2 x step/L^2)^m, and exp(-m^2 step^2/L^2), the last of which is the same for all pairs.
    """
    n_mu = len(mu)
    side = int(np.ceil(_REACH * width / step))
    nearest = np.rint((distances - mu[0]) / step).astype(np.int64)
    inside = (nearest >= -side) & (nearest < n_mu + side)
    if not inside.all():
        group, distances, nearest = group[inside], distances[inside], nearest[inside]
    x = distances - mu[0] - nearest * step
    columns = n_mu + 2 * side
    flat = group * columns + nearest + side
    ratio = np.exp(2.0 * x * step / width**2)
    weight = np.exp(-((x / width) ** 2)) * ratio**-side
    table = np.zeros((size, n_mu))
    for m in range(-side, side + 1):
        found = np.bincount(flat, weight, size * columns).reshape(size, columns)
        table += np.exp(-((m * step / width) ** 2)) * found[:, side - m : side - m + n_mu]
        weight *= ratio
    return table
