"""Structure factors from radial distributions, their totals, and comparison with an experiment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import find_peaks

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.files import read_text
from ionpath.msonable import Msonable
from ionpath.structure.rdf import RadialDistribution

Pairs = tuple[tuple[str, str], ...]


@typed
@references("faber1965", "lorch1969", "chen2025")
def partial_structure_factors(rdf: RadialDistribution, q: ArrayLike, *, lorch: bool = False) -> Floats:
    r"""Transform radial distribution functions into Faber-Ziman partial structure factors.

    Parameters
    ----------
    rdf : RadialDistribution
        Radial distributions; their range is the range of the integral.
    q : array_like, (Q,)
        Moduli of the scattering vector, in 1/A.
    lorch : bool, default False
        Damp the ripples that the end of the integral makes, at the price of broader peaks.

    Returns
    -------
    ndarray, (pairs, Q)
        Partial structure factors in the order of ``rdf.pairs``.

    Notes
    -----
    .. math:: S_{ij}(Q) = 1 + \rho \int_0^{R} 4 \pi r^2 [g_{ij}(r) - 1] \frac{\sin Qr}{Qr} L(r)\, dr

    with the density of all atoms and the Lorch factor L = sin(pi r / R) / (pi r / R), or 1. Below about
    2 pi / R the result means nothing. The integral over a bin takes g as constant there, and the rest exactly
    to second order.

    Examples
    --------
    >>> edges = np.linspace(0, 10, 101)
    >>> gas = RadialDistribution(edges, (("Li", "Li"),), np.ones((1, 100)), np.ones((1, 100)), {"Li": 1}, 0.05, 1)
    >>> partial_structure_factors(gas, [1.0, 2.0]).tolist()
    [[1.0, 1.0]]
    """
    moduli = np.asarray(q, dtype=np.float64)
    if moduli.ndim != 1 or not moduli.size or not (moduli > 0).all():
        raise InputError("q", need="positive moduli in 1/A", got=repr(q), remedy="leave out Q = 0")
    r, width = rdf.r, np.diff(rdf.edges)
    window = np.sinc(r / rdf.edges[-1]) if lorch else np.ones_like(r)
    kernel = 4.0 * np.pi * rdf.density * (r * width * window)[:, None] * np.sin(np.outer(r, moduli)) / moduli
    return np.asarray(1.0 + (rdf.g - 1.0) @ kernel, dtype=np.float64)


@typed
def total_structure_factor(
    partials: Finite,
    pairs: Pairs,
    fractions: Mapping[str, float],
    weights: Mapping[str, ArrayLike],
    *,
    mode: Literal["correct", "published"] = "correct",
) -> Floats:
    r"""Add partial structure factors up to what an experiment sees.

    Parameters
    ----------
    partials : array_like, (pairs, Q)
        Faber-Ziman partial structure factors.
    pairs : tuple of (str, str)
        Their species, each unordered pair once; all pairs must be there.
    fractions : mapping of str to float
        Number fractions of the species.
    weights : mapping of str to array_like
        Form factors (Q,) or scattering lengths.
    mode : {"correct", "published"}
        ``"published"`` leaves out the division by the mean weight and counts each unordered pair once, as Eqs.
        4 and 5 of Chen et al. 2025 print it; only for curves laid over their figures.

    Returns
    -------
    ndarray, (Q,)
        Total structure factor; it tends to 1 at large Q in the correct mode.

    Raises
    ------
    InputError
        If a pair is missing, or the mode is unknown.

    Notes
    -----
    .. math:: S(Q) = 1 + \frac{\sum_i \sum_j c_i c_j f_i f_j [S_{ij}(Q) - 1]}{(\sum_i c_i f_i)^2}

    Examples
    --------
    >>> total_structure_factor([[1.5]], (("Li", "Li"),), {"Li": 1.0}, {"Li": -1.9}).tolist()
    [1.5]
    """
    one_of("mode", mode, ("correct", "published"))
    curves = np.asarray(partials, dtype=np.float64)
    rows = {frozenset(pair): row for row, pair in enumerate(pairs)}
    total = np.zeros(curves.shape[1])
    mean = np.zeros(curves.shape[1])
    names = list(fractions)
    for i, a in enumerate(names):
        mean = mean + fractions[a] * np.asarray(weights[a])
        for j, b in enumerate(names):
            if frozenset((a, b)) not in rows:
                raise InputError("pairs", need=f"the pair {a}-{b}", got="none", remedy="compute all pairs")
            if mode == "published" and j < i:
                continue
            product = fractions[a] * fractions[b] * np.asarray(weights[a]) * np.asarray(weights[b])
            partial = curves[rows[frozenset((a, b))]]
            total = total + product * (partial if mode == "published" else partial - 1.0)
    return total if mode == "published" else 1.0 + total / mean**2


@documented
@dataclass(frozen=True)
class DiffractionPeak(Msonable):
    """First sharp diffraction peak."""

    position: float  # Q of the maximum, in 1/A
    height: float  # S there
    width: float  # full width at half of the height above the higher of its two feet, in 1/A
    length: float  # 2 pi / position: the length scale behind it, in A


@typed
def first_sharp_diffraction_peak(
    q: Finite, structure_factor: Finite, *, low: float = 0.6, high: float = 2.2, prominence: float = 0.05
) -> DiffractionPeak:
    """Find the first sharp diffraction peak.

    Parameters
    ----------
    q : array_like, (Q,)
        Moduli in 1/A, increasing.
    structure_factor : array_like, (Q,)
        Total or partial structure factor.
    low, high : float
        Where to look, in 1/A.
    prominence : float, default 0.05
        How far a peak must stand out.

    Returns
    -------
    DiffractionPeak
        The peak at the lowest Q, with its maximum interpolated by a parabola.

    Raises
    ------
    InputError
        If there is no peak in the range.

    Examples
    --------
    >>> q = np.linspace(0.5, 3, 251)
    >>> peak = first_sharp_diffraction_peak(q, 1 + np.exp(-(((q - 1.3) / 0.15) ** 2)))
    >>> round(peak.position, 3), round(peak.width, 2)
    (1.3, 0.25)
    """
    moduli = np.asarray(q, dtype=np.float64)
    curve = np.asarray(structure_factor, dtype=np.float64)
    tops, facts = find_peaks(curve, prominence=prominence, width=1, rel_height=0.5)
    inside = (moduli[tops] >= low) & (moduli[tops] <= high)
    if not inside.any():
        remedy = "extend the range of Q, or lower the prominence"
        raise InputError("structure_factor", need=f"a peak between {low:g} and {high:g} 1/A", got="none", remedy=remedy)
    k = int(np.argmax(inside))
    top = int(tops[k])
    grid = np.arange(len(moduli))
    left, right = np.interp([facts["left_ips"][k], facts["right_ips"][k]], grid, moduli)
    a, b, c = np.polyfit(moduli[top - 1 : top + 2] - moduli[top], curve[top - 1 : top + 2], 2)
    shift = -0.5 * b / a if a < 0 else 0.0
    position = float(moduli[top] + shift)
    height = float(a * shift**2 + b * shift + c)
    return DiffractionPeak(position, height, float(right - left), 2.0 * np.pi / position)


@typed
@references("wright1993")
def r_chi(
    q_experiment: Finite, s_experiment: Finite, q: Finite, s: Finite, *, q_range: tuple[float, float] | None = None
) -> float:
    r"""Measure how far a structure factor is from an experiment.

    Parameters
    ----------
    q_experiment, s_experiment : array_like, (K,)
        Experimental structure factor, moduli in 1/A.
    q, s : array_like, (Q,)
        Simulated structure factor; it is interpolated to the experimental moduli.
    q_range : tuple of float, optional
        Range to compare in, in 1/A; default: where both are known.

    Returns
    -------
    float
        R_chi in percent.

    Raises
    ------
    InputError
        If fewer than three experimental points lie in the range, or one lies where nothing was simulated.

    Notes
    -----
    .. math:: R_\chi = \left[ \frac{\sum_k (S_k^{exp} - S_k)^2}{\sum_k (S_k^{exp})^2} \right]^{1/2}

    Wright defines it for the total correlation function; here, as in Chen et al. 2025, it is taken of S(Q).

    Examples
    --------
    >>> round(r_chi([1.0, 2.0, 3.0], [1.0, 2.0, 1.0], [0.5, 1.5, 3.5], [1.1, 1.1, 1.1]), 2)
    37.19
    """
    qe, se = np.asarray(q_experiment, dtype=np.float64), np.asarray(s_experiment, dtype=np.float64)
    qs, ss = np.asarray(q, dtype=np.float64), np.asarray(s, dtype=np.float64)
    low, high = q_range if q_range is not None else (float(qs[0]), float(qs[-1]))
    if low < qs[0] - 1e-9 or high > qs[-1] + 1e-9:
        got = f"{low:g} to {high:g}"
        remedy = "compute the structure factor over the whole range"
        raise InputError("q_range", need=f"moduli between {qs[0]:g} and {qs[-1]:g} 1/A", got=got, remedy=remedy)
    chosen = (qe >= low) & (qe <= high)
    if chosen.sum() < 3:
        got = str(int(chosen.sum()))
        remedy = f"the simulation covers {qs[0]:g} to {qs[-1]:g} 1/A"
        raise InputError("q_experiment", need="at least three points in the range", got=got, remedy=remedy)
    difference = se[chosen] - np.interp(qe[chosen], qs, ss)
    return float(100.0 * np.sqrt((difference**2).sum() / (se[chosen] ** 2).sum()))


@typed
def read_structure_factor(path: str | os.PathLike[str]) -> tuple[Floats, Floats]:
    """Read an experimental structure factor.

    Parameters
    ----------
    path : str or path
        Text file; the first two columns are Q in 1/A and S(Q). Lines that begin with #, ; or ! are skipped, and
        so is a heading; commas separate columns too.

    Returns
    -------
    q, s : ndarray, (K,)
        Moduli in 1/A, increasing, and S(Q).

    Raises
    ------
    InputError
        If there are no two columns of numbers.
    """
    return _two_columns(path, "Q and S(Q)")


@typed
def read_radial_distribution(path: str | os.PathLike[str]) -> tuple[Floats, Floats]:
    """Read an experimental radial distribution function.

    Parameters
    ----------
    path : str or path
        Text file; the first two columns are r in A and g(r), G(r) or T(r). Lines that begin with #, ; or ! are
        skipped, and so is a heading; commas separate columns too.

    Returns
    -------
    r, g : ndarray, (K,)
        Distances in A, increasing, and the function.

    Raises
    ------
    InputError
        If there are no two columns of numbers.
    """
    return _two_columns(path, "r and g(r)")


def _two_columns(path: str | os.PathLike[str], names: str) -> tuple[Floats, Floats]:
    """Two columns of numbers from a text file, the first in rising order."""
    rows: list[tuple[float, float]] = []
    place, need, count = os.fspath(path), f"two columns of numbers, {names}", 0
    for number, line in enumerate(read_text(path, place, need).splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words or words[0][0] in "#;!":
            continue
        try:
            row = float(words[0]), float(words[1])
        except (ValueError, IndexError):
            if not rows and not (len(words) > 1 and all(word[0] in "+-.0123456789" for word in words)):
                continue  # a heading
            row = np.nan, np.nan
        count = count or len(words)
        if not np.isfinite(row).all() or len(words) != count:
            got, remedy = line.strip()[:40], "mark comments with #"
            raise InputError(f"{place}, line {number}", need=f"{need}, in {count} columns", got=got, remedy=remedy)
        rows.append(row)
    if not rows:
        raise InputError(place, need=need, got="none", remedy="check the file")
    table = np.array(sorted(rows))
    if (twice := np.flatnonzero(np.diff(table[:, 0]) <= 0)).size:
        got, remedy = f"two rows at {table[twice[0], 0]:g}", "leave one of them; a comma parts columns, not digits"
        raise InputError(place, need=f"{need}, each {names[0]} once", got=got, remedy=remedy)
    return table[:, 0].copy(), table[:, 1].copy()
