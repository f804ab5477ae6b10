"""How likely soft and hard ions are to rearrange, and what temperature does to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats, Ints, Truths
from ionpath.citations import references
from ionpath.constants import BOLTZMANN_EV
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True, eq=False)
class RearrangementProbability(Msonable):
    """Probability of rearrangement in bins of softness."""

    edges: Floats  # (n_bins + 1,): edges of the bins of softness
    softness: Floats  # (n_bins,): middle of each bin
    # probability, error: (n_bins,): share of samples that rearrange, and its standard error; nan in an empty bin
    probability: Floats
    error: Floats
    counts: Ints  # (n_bins,): samples in each bin


@typed
def rearrangement_probability(
    softness: Finite, rearranged: Truths, *, edges: ArrayLike | None = None, n_bins: int = 12
) -> RearrangementProbability:
    """Compute P_R(S).

    Parameters
    ----------
    softness : array_like
        Softness of each sample.
    rearranged : array_like of bool, same shape
        Whether it rearranges.
    edges : array_like, (n_bins + 1,), optional
        Edges of the bins; the same ones must be used at all temperatures. Default: from the 1 % to the 99 % quantile.
    n_bins : int, default 12
        Number of bins without `edges`.

    Returns
    -------
    RearrangementProbability
        With standard errors sqrt(p (1 - p)/n), where p is that of Agresti and Coull (one success and one failure
        added), so that no bin has the error 0.

    Raises
    ------
    InputError
        If the shapes differ or edges do not increase.

    Examples
    --------
    >>> found = rearrangement_probability([0.0, 0.1, 0.9, 1.0], [0, 0, 1, 1], edges=[0, 0.5, 1.0])
    >>> found.probability.tolist()
    [0.0, 1.0]
    """
    s, moved = np.asarray(softness, dtype=np.float64).ravel(), np.asarray(rearranged, dtype=bool).ravel()
    if s.shape != moved.shape or not s.size:
        raise InputError("rearranged", need=f"one bool for each of {s.size} samples", got=f"{moved.size}")
    whole("n_bins", n_bins, 1, 1_000_000)
    low, high = (float(q) for q in np.quantile(s, [0.01, 0.99]))
    limits = np.asarray(np.linspace(low, high, n_bins + 1) if edges is None else edges, dtype=np.float64)
    if limits.ndim != 1 or len(limits) < 2 or not (np.diff(limits) > 0).all():
        raise InputError("edges", need="increasing edges of softness", got=repr(edges), remedy="give a range")
    bins = np.searchsorted(limits, s, side="right") - 1
    bins[s == limits[-1]] = len(limits) - 2
    inside = (bins >= 0) & (bins < len(limits) - 1)
    counts = np.bincount(bins[inside], minlength=len(limits) - 1)
    hits = np.bincount(bins[inside], moved[inside], len(limits) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / counts
    smooth = (hits + 1) / (counts + 2)
    error = np.where(counts > 0, np.sqrt(smooth * (1 - smooth) / (counts + 2)), np.nan)
    return RearrangementProbability(limits, 0.5 * (limits[1:] + limits[:-1]), share, error, counts)


@documented
@dataclass(frozen=True, eq=False)
class ArrheniusSplit(Msonable):
    """Activation energy and attempt factor of each softness."""

    softness: Floats  # (n_bins,): bins that hold rearrangements at all temperatures
    # energy, energy_error: (n_bins,): activation energy in eV
    energy: Floats
    energy_error: Floats
    # log_factor, log_factor_error: (n_bins,): natural logarithm of P_R at infinite temperature
    log_factor: Floats
    log_factor_error: Floats
    # energy_line, factor_line: (2,): value at S = 0 and slope of the energy (eV) and of the logarithm, as straight
    # lines in S
    energy_line: Floats
    factor_line: Floats
    # temperature in K at which the lines make P_R the same for every S, slope of energy / (k_B slope of factor); nan if
    # it is not positive
    onset_temperature: float
    temperatures: Floats  # temperatures in K


@typed
@references("schoenholz2016")
def arrhenius_split(
    temperatures: ArrayLike, probabilities: Sequence[RearrangementProbability], *, min_count: int = 10
) -> ArrheniusSplit:
    """Split the probability of rearrangement into an energy and an entropy part for each softness.

    Parameters
    ----------
    temperatures : array_like, (n_temperatures,)
        Temperatures in K.
    probabilities : sequence of RearrangementProbability
        One for each temperature, by the same model, the same threshold of mobility and the same edges.
    min_count : int, default 10
        Samples that a bin must have at every temperature to be used.

    Returns
    -------
    ArrheniusSplit
        Fits of ln P_R = Sigma(S) - E(S) / (k_B T) in each bin.

    Raises
    ------
    InputError
        If there are fewer than two temperatures, edges differ, or fewer than two bins can be used.

    Notes
    -----
    S. S. Schoenholz et al., Nat. Phys. 12, 469 (2016), doi:10.1038/nphys3644. Fits are weighted by the errors of
    ln P_R, p'/p; the lines over S by those of the fits. With two temperatures a fit has no degree of freedom, and
    errors are those carried from P_R alone.

    Examples
    --------
    >>> edges, s = np.linspace(-2, 2, 5), np.linspace(-1.5, 1.5, 4)
    >>> def at(t):
    ...     p = np.exp((1.0 - 2.0 * s) - (0.3 - 0.1 * s) / (8.617333262e-5 * t))
    ...     return RearrangementProbability(edges, s, p, 0.01 * p, np.full(4, 1000))
    >>> split = arrhenius_split([500.0, 600.0, 700.0], [at(t) for t in (500.0, 600.0, 700.0)])
    >>> split.energy_line.round(6).tolist(), round(split.onset_temperature, 1)
    ([0.3, -0.1], 580.2)
    """
    t = np.asarray(temperatures, dtype=np.float64)
    if t.ndim != 1 or len(t) != len(probabilities) or len(np.unique(t)) < 2 or not (t > 0).all():
        need = "at least two different temperatures in K, one for each probability"
        got = f"{t.tolist()} and {len(probabilities)} probabilities"
        raise InputError("temperatures", need=need, got=got, remedy="add runs at other temperatures")
    first = probabilities[0]
    if any(not np.array_equal(p.edges, first.edges) for p in probabilities):
        got = "different edges"
        remedy = "pass the same edges= to rearrangement_probability"
        raise InputError("probabilities", need="the same bins of softness at all temperatures", got=got, remedy=remedy)
    share = np.array([p.probability for p in probabilities])
    error = np.array([p.error for p in probabilities])
    counts = np.array([p.counts for p in probabilities])
    with np.errstate(invalid="ignore"):
        good = (counts >= min_count).all(axis=0) & (share > 0).all(axis=0)
    if good.sum() < 2:
        need = "at least two bins of softness with rearrangements at all temperatures"
        remedy = "use wider bins, longer runs, or a lower threshold of mobility"
        raise InputError("probabilities", need=need, got=str(int(good.sum())), remedy=remedy)
    beta = 1.0 / (BOLTZMANN_EV * t)
    fits = [_line(-beta, np.log(share[:, b]), error[:, b] / share[:, b]) for b in np.flatnonzero(good)]
    value, spread = np.array([f[0] for f in fits]), np.array([f[1] for f in fits])
    s = first.softness[good]
    energy = _line(s, value[:, 1], spread[:, 1])[0]
    factor = _line(s, value[:, 0], spread[:, 0])[0]
    onset = energy[1] / (BOLTZMANN_EV * factor[1]) if factor[1] != 0 else np.nan
    return ArrheniusSplit(
        s, value[:, 1], spread[:, 1], value[:, 0], spread[:, 0], energy, factor,
        float(onset) if onset > 0 else float("nan"), t,
    )  # fmt: skip


def _line(x: Floats, y: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Intercept and slope of a weighted straight line, and their errors."""
    design = np.stack([np.ones_like(x), x], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    return covariance @ design.T @ (y / error), np.sqrt(np.diag(covariance))
