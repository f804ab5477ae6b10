"""Free energies from samples, unbiased or reweighted, with errors by blocks over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import described, finite, typed
from ionpath.arrays import Finite, Floats
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.free_energy.surface import FreeEnergySurface
from ionpath.msonable import Msonable
from ionpath.units import kt_in_kj_per_mol


@typed
@documented
@dataclass(frozen=True)
class Histogram(Msonable):
    """Axes of a histogram."""

    edges: tuple[Floats, ...]  # edges of the bins along each variable, equally spaced
    names: tuple[str, ...]  # names of the variables
    periods: tuple[float | None, ...]  # period of each variable

    def __post_init__(self) -> None:
        if not len(self.edges) == len(self.names) == len(self.periods) > 0:
            need = "edges, a name and a period (or None) of each variable"
            got = f"{len(self.edges)}, {len(self.names)} and {len(self.periods)}"
            raise InputError("edges", need=need, got=got, remedy="match them")
        for edges in self.edges:
            if np.ndim(edges) != 1 or len(edges) < 2 or not (np.diff(finite("edges", edges)) > 0).all():
                raise InputError("edges", need="two or more rising edges along each variable", got=described(edges))


@typed
def reweight(
    samples: ArrayLike, histogram: Histogram, temperature: float, *, bias: ArrayLike | None = None, n_blocks: int = 5
) -> FreeEnergySurface:
    """Free energy ``-RT ln p`` from samples, each weighted by ``exp(bias / RT)``.

    Parameters
    ----------
    samples : array_like, (n,) or (n, n_variables)
        Variables along one run, equally spaced in time.
    histogram : Histogram
        Bins.
    temperature : float
        Temperature in K.
    bias : array_like, (n,), optional
        Bias that acted, in kJ/mol: 0 for an unbiased run; for metadynamics the final bias, or better PLUMED's
        ``metad.rbias``.
    n_blocks : int
        Blocks of time from whose scatter the error is estimated.

    Returns
    -------
    FreeEnergySurface
        Lowest value at 0; inf where there is no sample; `error` is the standard error of the mean over blocks, carried
        to the free energy (nan where fewer than two blocks have samples).

    Raises
    ------
    InputError
        If there are fewer samples than blocks, or numbers that are not finite.

    Notes
    -----
    ``p_b = sum_t w_t [s_t in b] / sum_t w_t``; from blocks k with weights W_k,
    ``var(p_b) = sum_k W_k^2 (p_bk - p_b)^2 / (sum W)^2 * n/(n-1)``, and ``error = RT sqrt(var) / p``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bins = Histogram((np.linspace(-2, 2, 9),), ("x",), (None,))
    >>> surface = reweight(rng.normal(size=100_000), bins, 300.0)
    >>> bool(abs(surface.values[6] - surface.values[4] - 2.494 * (1.25**2 - 0.25**2) / 2) < 0.1)
    True
    """
    values = np.asarray(samples, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    weight_of = np.zeros(len(values)) if bias is None else np.asarray(bias, dtype=float)
    if values.shape != (len(weight_of), len(histogram.edges)) or len(values) < max(n_blocks, 2):
        need = f"rows of {len(histogram.edges)} variables, one bias per row, {n_blocks} rows or more"
        remedy = "read both from the same COLVAR file"
        raise InputError("samples", need=need, got=f"samples {values.shape}, bias {weight_of.shape}", remedy=remedy)
    if not (np.isfinite(values).all() and np.isfinite(weight_of).all()):
        raise InputError("samples", need="finite numbers", got="nan or infinity", remedy="mend the COLVAR file")
    kt = kt_in_kj_per_mol(temperature)
    weights = np.exp((weight_of - weight_of.max()) / kt)
    parts, totals = [], []
    for block in np.array_split(np.arange(len(values)), n_blocks):
        part, _ = np.histogramdd(values[block], bins=list(histogram.edges), weights=weights[block])
        parts.append(part)
        totals.append(weights[block].sum())
    total = np.array(totals)
    counts = np.array(parts)
    share = total / total.sum()
    p = counts.sum(0) / total.sum()
    if not p.any():
        remedy = "take ranges that hold them"
        raise InputError("samples", need="some that lie in the bins", got="none", remedy=remedy)
    per_block = counts / total.reshape(-1, *(1,) * p.ndim)
    spread = (share.reshape(-1, *(1,) * p.ndim) ** 2 * (per_block - p) ** 2).sum(0) * n_blocks / (n_blocks - 1)
    seen = (counts > 0).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        energy = np.where(p > 0, -kt * np.log(p), np.inf)
        error = np.where(seen > 1, kt * np.sqrt(spread) / p, np.nan)
    axes = tuple(0.5 * (e[1:] + e[:-1]) for e in histogram.edges)
    lowest = energy.min()
    return FreeEnergySurface(axes, energy - lowest, histogram.names, histogram.periods, error)


@typed
def effective_samples(bias: Finite, temperature: float) -> float:
    """Kish's effective number of samples of a reweighted run.

    Parameters
    ----------
    bias : array_like, (n,)
        Bias of each frame in kJ/mol.
    temperature : float
        Temperature in K.

    Returns
    -------
    float
        ``(sum w)^2 / sum w^2``.

    Examples
    --------
    >>> effective_samples([0.0, 0.0, 0.0], 300.0)
    3.0
    """
    values = np.asarray(bias, dtype=float)
    w = np.exp((values - values.max()) / kt_in_kj_per_mol(temperature))
    return float(w.sum() ** 2 / (w**2).sum())


def histogram_of(
    names: Sequence[str], bins: int, ranges: Sequence[tuple[float, float]], periods: Sequence[float | None]
) -> Histogram:
    """Equally spaced bins."""
    edges = tuple(np.linspace(low, high, bins + 1) for low, high in ranges)
    return Histogram(edges, tuple(names), tuple(periods))
