"""How softness goes with other quantities: for every ion, for its mean, and for bins of softness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Truths, Whole
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.msonable import Msonable
from ionpath.softness.neighbours import find_neighbours


@documented
@dataclass(frozen=True, eq=False)
class Correlation(Msonable):
    """Pearson coefficients of softness and another quantity."""

    samples: float  # over all ions and times
    samples_error: float  # its standard error, from leaving out groups of ions
    ions: float  # over the ions, each with its means in time; nan for fewer than three
    # over the means in bins of softness. It is close to 1 or -1 for any smooth trend, however weak, and says nothing of
    # single ions.
    binned: float
    # softness, quantity, quantity_error: (n_bins,): mean softness, mean quantity and its standard error in each bin
    # that is filled
    softness: Floats
    quantity: Floats
    quantity_error: Floats
    counts: Ints  # (n_bins,): samples in each bin


@typed
def softness_correlation(
    softness: ArrayLike | Sequence[ArrayLike],
    quantity: ArrayLike | Sequence[ArrayLike],
    *,
    n_bins: int = 20,
    n_groups: int = 10,
) -> Correlation:
    """Correlate softness with another quantity.

    Parameters
    ----------
    softness : array_like, (n_times, n_ions), or tuple of such
        Softness, of one system or of each of several.
    quantity : array_like, (n_times, n_ions) or (n_ions,), or tuple of such
        For example potential energies, Voronoi volumes, bond-orientational order, or the share of sulfur neighbours
        in a kind of anion.
    n_bins : int, default 20
        Bins of softness, with about as many samples in each.
    n_groups : int, default 10
        Groups of ions that are left out in turn for the error.

    Returns
    -------
    Correlation
        Coefficients by sample, by ion and by bin.

    Raises
    ------
    InputError
        If the shapes differ, or a quantity does not vary.

    Notes
    -----
    Values near 0.96 in magnitude (ACS Energy Lett. 8, 1969, 2023) are those of means in bins of softness; beside
    them the coefficient over single ions is given here.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> s = rng.normal(size=(50, 20))
    >>> found = softness_correlation(s, 0.3 * s + rng.normal(size=s.shape))
    >>> round(found.samples, 1), found.binned > 0.9
    (0.3, True)
    """
    n_bins = whole("n_bins", n_bins, 1, 1_000_000)
    several = isinstance(softness, tuple)
    parts, others = ([*x] if several else [x] for x in (softness, quantity))  # type: ignore[misc]  # tuples then
    if len(parts) != len(others):
        remedy = "pass them in the order of the systems"
        raise InputError("quantity", need=f"one for each of {len(parts)} systems", got=str(len(others)), remedy=remedy)
    pairs = [_pair(a, b) for a, b in zip(parts, others, strict=True)]
    s, q = (np.concatenate([pair[k].ravel() for pair in pairs]) for k in (0, 1))
    first = np.cumsum([0, *(pair[0].shape[1] for pair in pairs)])
    ion = np.concatenate([np.tile(np.arange(p[0].shape[1]) + k, len(p[0])) for p, k in zip(pairs, first, strict=False)])
    for name, values in (("softness", s), ("quantity", q)):
        if np.ptp(values) == 0:
            raise InputError(name, need="values that vary", got=f"{values.flat[0]:g} everywhere")
    ranks = np.argsort(np.argsort(s, kind="stable"), kind="stable")
    bins = ranks * min(n_bins, s.size) // s.size
    counts = np.bincount(bins)
    means, values = (np.bincount(bins, x) / counts for x in (s, q))
    squares = np.bincount(bins, (q - values[bins]) ** 2)
    times = np.bincount(ion)
    own = [np.bincount(ion, x) / times for x in (s, q)]
    return Correlation(
        samples=_pearson(s, q),
        samples_error=_jackknife(s, q, ion, min(n_groups, len(times))),
        ions=_pearson(*own) if len(times) > 2 else float("nan"),
        binned=_pearson(means, values),
        softness=means,
        quantity=values,
        quantity_error=np.sqrt(squares / np.maximum(counts - 1, 1) / counts),
        counts=counts,
    )


def _pair(softness: ArrayLike, quantity: ArrayLike) -> tuple[Floats, Floats]:
    s = np.atleast_2d(np.asarray(softness, dtype=np.float64))
    try:
        q = np.broadcast_to(np.asarray(quantity, dtype=np.float64), s.shape)
    except ValueError:
        q = None
    if q is None or not np.isfinite(s).all() or not np.isfinite(q).all():
        got = f"shape {np.shape(quantity)}" if q is None else "nan or infinity"
        need = f"finite numbers {s.shape}, one for each time and ion"
        raise InputError("quantity", need=need, got=got, remedy="choose the frames and ions of the softness")
    return s, q


def _pearson(a: Floats, b: Floats) -> float:
    x, y = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / norm) if norm > 0 else float("nan")


def _jackknife(s: Floats, q: Floats, ion: Ints, n_groups: int) -> float:
    if n_groups < 2:
        return float("nan")
    parts = np.array_split(np.arange(int(ion.max()) + 1), n_groups)
    left = np.array([_pearson(s[keep], q[keep]) for keep in (~np.isin(ion, part) for part in parts)])
    return float(np.sqrt((n_groups - 1) / n_groups * ((left - left.mean()) ** 2).sum()))


@typed
def neighbour_fraction(
    positions: ArrayLike, cell: ArrayLike, centres: ArrayLike, atoms: Whole, members: Truths, cutoff: float = 5.0
) -> Floats:
    """Compute which part of the neighbours of each ion belongs to a set, such as the sulfur of P2S6.

    Parameters
    ----------
    positions : array_like, (n_atoms, 3)
        Positions in A.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    centres : array_like of int, (n_centres,)
        The ions.
    atoms : array_like of int
        Atoms that count as neighbours, for example all sulfur.
    members : array_like of bool, one for each of `atoms`
        Whether they belong to the set.
    cutoff : float, default 5.0
        Radius in A.

    Returns
    -------
    ndarray, (n_centres,)
        Fraction; nan for an ion without neighbours.

    Raises
    ------
    InputError
        If the cutoff reaches beyond half of the cell, or members do not fit atoms.

    Examples
    --------
    >>> x = [[0, 0, 0], [2.0, 0, 0], [0, 2.0, 0]]
    >>> neighbour_fraction(x, np.eye(3) * 12, [0], [1, 2], [True, False]).tolist()
    [0.5]
    """
    chosen, belongs = np.asarray(atoms, dtype=np.int64), np.asarray(members, dtype=bool)
    if chosen.shape != belongs.shape:
        raise InputError("members", need=f"one bool for each of {len(chosen)} atoms", got=f"shape {belongs.shape}")
    found = find_neighbours(positions, cell, cutoff, centres)
    n_atoms = len(np.asarray(positions))
    counted, inside = np.zeros(n_atoms), np.zeros(n_atoms)
    counted[chosen], inside[chosen] = 1.0, belongs
    total = np.bincount(found.row, counted[found.atom], found.n_centres)
    part = np.bincount(found.row, inside[found.atom], found.n_centres)
    return np.where(total > 0, part / np.maximum(total, 1.0), np.nan)
