"""Configurational entropy of ideal mixing on sublattices.

Notes
-----
Ideal mixing: every arrangement with the given fractions is equally likely, so that a site on which species i has
the fraction p_i adds -R sum_i p_i ln p_i. For an argyrodite Li(6-x)PS(5-x)X(1+x) with the halide fraction y on the
free-sulfur orbit this is S/R = h(1 + x - y) + h(y) per formula unit, h(p) = -p ln p - (1 - p) ln(1 - p) (Jang et
al., J. Mater. Chem. A 13, 16547 (2025), Eq. 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats
from ionpath.citations import references
from ionpath.constants import GAS_CONSTANT
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable

_TOLERANCE = 1e-6


@documented
@dataclass(frozen=True)
class MixingEntropy(Msonable):
    """Ideal entropy of mixing, whole and by sublattice."""

    by_site: Mapping[str, float]  # entropy of each sublattice per formula unit, in R

    @property
    def total(self) -> float:
        """Sum over the sublattices per formula unit, in R."""
        return float(sum(self.by_site.values()))

    @property
    def joule(self) -> float:
        """Sum over the sublattices per mole of formula units, in J/mol/K."""
        return self.total * GAS_CONSTANT


@typed
@references("jang2025")
def mixing_entropy(
    fractions_by_site: Mapping[str, ArrayLike] | Iterable[ArrayLike],
    *,
    sites_per_formula: Mapping[str, float] | float = 1.0,
    vacancies: bool = False,
) -> float:
    """Return the ideal entropy of mixing of sublattices.

    Parameters
    ----------
    fractions_by_site : mapping of str to array_like, or iterable of array_like
        For each sublattice the fractions of its species, which add up to 1.
    sites_per_formula : mapping of str to float, or float
        Number of sites of each sublattice per formula unit.
    vacancies : bool
        Whether fractions that add up to less than 1 leave the rest to vacancies, as one species more.

    Returns
    -------
    float
        Entropy per formula unit, in R.

    Raises
    ------
    InputError
        If a fraction is negative or not finite, or the fractions of a sublattice do not add up to 1.

    Notes
    -----
    S/R = -sum_s m_s sum_i p_si ln p_si with m_s sites of sublattice s per formula unit (Jang et al., J. Mater.
    Chem. A 13, 16547 (2025), Eq. 3).

    Examples
    --------
    Half of the halide on each of the two orbits, 2 ln 2:

    >>> round(mixing_entropy({"4a": [0.5, 0.5], "4d": [0.5, 0.5]}), 6)
    1.386294
    """
    named: dict[str, ArrayLike]
    if isinstance(fractions_by_site, Mapping):
        named = dict(fractions_by_site)
    else:
        named = {str(k): p for k, p in enumerate(fractions_by_site)}
    total = 0.0
    for name, given in named.items():
        weight = sites_per_formula[name] if isinstance(sites_per_formula, Mapping) else float(sites_per_formula)
        fractions = _checked(name, given, vacancies)
        total -= weight * float(xlogy(fractions, fractions).sum())
    return total


def _checked(name: str, given: ArrayLike, vacancies: bool) -> Floats:
    fractions = np.asarray(given, dtype=np.float64).ravel()
    if fractions.size == 0 or not np.isfinite(fractions).all() or (fractions < -_TOLERANCE).any():
        raise InputError(f"fractions of {name}", need="finite numbers from 0 to 1", got=np.array2string(fractions))
    rest = 1.0 - fractions.sum()
    if abs(rest) <= _TOLERANCE:
        return fractions.clip(0.0, 1.0)
    if vacancies and rest > 0:
        return np.append(fractions.clip(0.0, 1.0), rest)
    remedy = "give every species, and vacancies=True if the rest is empty"
    raise InputError(f"fractions of {name}", need="a sum of 1", got=f"{fractions.sum():.6g}", remedy=remedy)


@typed
@references("jang2025")
def argyrodite_mixing_entropy(x_excess: ArrayLike, inversion: ArrayLike) -> float | Floats:
    """Return the ideal entropy of anion mixing of Li(6-x)PS(5-x)X(1+x).

    Parameters
    ----------
    x_excess : array_like
        Excess halide x per formula unit, from -1 (no halide) to 1.
    inversion : array_like
        Fraction y of the free-sulfur orbit (4c or 4d) that is occupied by halide; it broadcasts with `x_excess`.

    Returns
    -------
    float or ndarray
        Entropy per formula unit, in R.

    Raises
    ------
    InputError
        If a pair (x, y) leaves a fraction outside 0 to 1.

    Notes
    -----
    S/R = h(1 + x - y) + h(y): the halide fraction is 1 + x - y on 4a and y on 4c or 4d, with one site of each per
    formula unit (Jang et al., J. Mater. Chem. A 13, 16547 (2025), Eq. 3). The largest value at given x is
    2 h((1 + x)/2) at y = (1 + x)/2.

    Examples
    --------
    >>> round(argyrodite_mixing_entropy(0.0, 0.5), 4)
    1.3863
    >>> argyrodite_mixing_entropy(0.5, [0.5, 0.75, 1.0]).round(4)
    array([0.6931, 1.1247, 0.6931])
    """
    x, y = np.broadcast_arrays(np.asarray(x_excess, float), np.asarray(inversion, float))
    on_halide = 1.0 + x - y
    for value in (y, on_halide):
        bad = ~((value >= -_TOLERANCE) & (value <= 1.0 + _TOLERANCE))
        if bad.any():
            worst = np.flatnonzero(bad.ravel())[0]
            at = x.ravel()[worst]
            need = f"a fraction from {max(at, 0.0):.6g} to {min(1 + at, 1.0):.6g} at x = {at:.6g}"
            remedy = "both orbits must hold between none and all of their sites as halide"
            raise InputError("inversion", need=need, got=f"{y.ravel()[worst]:.6g}", remedy=remedy)
    entropy = _binary(on_halide) + _binary(y)
    return float(entropy) if entropy.ndim == 0 else entropy


def _binary(p: Floats) -> Floats:
    q = p.clip(0.0, 1.0)
    result: Floats = -xlogy(q, q) - xlogy(1.0 - q, 1.0 - q)
    return result


@typed
def entropy_map(x_excess: Finite, inversion: Finite) -> tuple[Floats, Floats, Floats]:
    """Return the ideal entropy over a grid of excess halide and inversion.

    Parameters
    ----------
    x_excess : array_like, (M,)
        Values of x.
    inversion : array_like, (N,)
        Values of y.

    Returns
    -------
    x, y : ndarray, (M, N)
        The grid.
    entropy : ndarray, (M, N)
        In R per formula unit, nan where the composition does not allow the inversion.

    Examples
    --------
    >>> entropy_map([0.0, 0.5], [0.25, 0.5])[2].round(4)
    array([[1.1247, 1.3863],
           [   nan, 0.6931]])
    """
    x, y = np.meshgrid(np.asarray(x_excess, float), np.asarray(inversion, float), indexing="ij")
    on_halide = 1.0 + x - y
    allowed = (on_halide >= -_TOLERANCE) & (on_halide <= 1 + _TOLERANCE) & (y >= -_TOLERANCE) & (y <= 1 + _TOLERANCE)
    return x, y, np.where(allowed, _binary(on_halide) + _binary(y), np.nan)
