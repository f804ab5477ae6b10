"""Errors of path entropies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.estimate import Estimate
from ionpath.markov.chain import Chain
from ionpath.markov.inputs import Trajectories
from ionpath.markov.resampling import Resampling, Sampling, quantile
from ionpath.msonable import Msonable
from ionpath.paths.entropy import flow_entropies, path_entropy_matrix
from ionpath.paths.extrapolation import as_they_are, extrapolate, hops_per_pair
from ionpath.paths.fluxes import flow_of
from ionpath.paths.summary import summarise
from ionpath.units import entropy_factor

ENOUGH_HOPS = 30
"""Independent hops of a pair of states from which on the bias was below half an error in all systems tried."""
FEW_HOPS = "too few hops"
TOTALS = ("total", "mean_per_pair", "escape")
ROUNDING = 1e-9
"""Part of a value by which equal numbers differ: what a symmetry fixes has no other error."""


@documented
@dataclass(frozen=True, eq=False)
class PathEntropyUncertainty(Msonable):
    """Path entropies with their errors."""

    # value, error, low, high: (n_states, n_states): path entropy of each ordered pair, its standard error, and its 95 %
    # interval
    value: Floats
    error: Floats
    low: Floats
    high: Floats
    # total, mean_per_pair, escape: the same for the totals of `PathEntropySummary`; escape is not determined where no
    # ion was in the external state
    total: Estimate
    mean_per_pair: Estimate
    escape: Estimate
    excluded: tuple[int, ...]  # states that are not connected and add nothing
    # number of samples that connected fewer states than the data as a whole; their missing entropies count as zero
    n_reduced: int
    # (n_samples, n_states, n_states): entropies of the samples as they are, with the noise of both the data and the
    # sample
    samples: Floats
    method: str  # "bootstrap" or "bayesian"
    unit: str  # unit of all entropies
    estimator: str = "plain"  # "extrapolated" or "plain"
    plain: Floats | None = None  # (n_states, n_states): entropies of the fitted model as they are
    # independent hops between two states that are connected, median over such pairs: as many as would scatter as the
    # flows do. Below 30 the bias may be as large as the error.
    hops_per_pair: float = float("nan")

    def judged(self, words: str) -> PathEntropyUncertainty:
        """The same with words that stand beside its totals."""
        return replace(self, **{name: getattr(self, name).judged(words) for name in TOTALS})

    @property
    def verdict(self) -> str:
        """One sentence where hops are too few to trust the value; empty otherwise."""
        if not self.hops_per_pair < ENOUGH_HOPS:
            return ""
        return (
            f"{FEW_HOPS}: about {self.hops_per_pair:.0f} between two states, {ENOUGH_HOPS} are needed; "
            "the bias may be as large as the error; use longer runs or more ions"
        )


@typed
@references("guan2024", "trendelkamp2015", "deeptime")
def entropy_uncertainty(
    dtrajs: Trajectories,
    lag: int,
    *,
    n_states: int | None = None,
    definition: str = "pathway",
    max_edges: int = 4,
    unit: str = "J/mol/K",
    external: int | None = 0,
    n_samples: int = 100,
    symmetry: ArrayLike | None = None,
    estimator: str = "extrapolated",
    **sampling: Unpack[Sampling],
) -> PathEntropyUncertainty:
    """Path entropies of all pairs and their totals, with errors.

    Parameters
    ----------
    dtrajs, lag, n_states
        See `count_matrix`.
    definition, max_edges, unit
        See `path_entropy`.
    external : int or None
        Label of the external state; None if there is none.
    n_samples : int
        Number of samples.
    symmetry : array_like of int, shape (n_operations, n_states), optional
        Permutations of equivalent states, over which the counts are averaged, see `shell_symmetry`: right where the
        crystal has this symmetry, and then by far the smallest error.
    estimator : {"extrapolated", "plain"}
        Entropies extrapolated to no noise, or those of the fitted model as they are, as published; see Notes.
    **sampling
        ``method``, ``n_blocks``, ``count_mode``, ``reversible``, ``connected``, ``seed``: see `resampled_chains`.

    Returns
    -------
    PathEntropyUncertainty
        Values, standard errors and 95 % intervals.

    Raises
    ------
    InputError
        If an argument cannot be used, or there are too few blocks to draw from.
    DisconnectedError
        If states are absent or not connected and `connected` is "all".

    Notes
    -----
    Net fluxes are differences, and noise makes a path of a difference that is zero. Entropies of the fitted model
    ("plain") are therefore too high, for symmetric shells by about five of their errors at any amount of data. The
    default adds noise of 1/4, 1 and 3 times the variance of the data to the flows of the model and extrapolates the
    entropies to none by a curve in the standard deviation (doi:10.1080/01621459.1994.10476871); a small entropy may
    then be negative by less than its error. The error holds the scatter of the extrapolated value and 0.4 of what
    was taken off, for the curve is a guess. Below 20 hops between two states noise of that size takes paths away,
    and the curve goes over to one that is half a line in the variance, with half of their difference in the error.
    Without detailed balance, and for two states, entropies are "plain".

    The 95 % interval is symmetric about the value, with Student's t for the number of blocks. The bootstrap holds the
    differences between ions, the posterior does not: for ions in unlike cages it is the narrower one.

    Examples
    --------
    >>> from deeptime.markov.msm import MarkovStateModel
    >>> ring = MarkovStateModel([[0.8, 0.15, 0.05], [0.15, 0.7, 0.15], [0.05, 0.15, 0.8]])
    >>> ions = [ring.simulate(2000, seed=s) for s in range(20)]
    >>> result = entropy_uncertainty(ions, 1, unit="nat", n_samples=50)
    >>> bool(result.total.low < path_entropy_matrix(ring, unit="nat").sum() < result.total.high)
    True
    """
    if n_samples < 2:
        raise InputError("n_samples", need="at least 2 samples for an error", got=str(n_samples))
    data = Resampling(dtrajs, n_states=n_states, n_samples=n_samples, **sampling)
    return entropies_of(
        data, lag, external=external, symmetry=symmetry, estimator=estimator, definition=definition,
        max_edges=max_edges, unit=unit,
    )  # fmt: skip


def entropies_of(
    data: Resampling,
    lag: int,
    *,
    external: int | None = 0,
    symmetry: ArrayLike | None = None,
    certain: bool = True,
    estimator: str = "extrapolated",
    definition: str = "pathway",
    max_edges: int = 4,
    unit: str = "J/mol/K",
) -> PathEntropyUncertainty:
    """Path entropies of trajectories that were checked already, from the samples that all errors share.

    A symmetry that is not certain gives the values, and what is found without it a part of the intervals: counts may
    agree with a symmetry that is broken by less than their noise.
    """
    kind: Any = {"external": external, "estimator": estimator, "definition": definition, "max_edges": max_edges}
    if symmetry is not None and not certain:
        averaged = entropies_of(data, lag, symmetry=symmetry, unit=unit, **kind)
        return _hull(averaged, entropies_of(data, lag, unit=unit, **kind), data.chains(lag, symmetry).n_blocks)
    one_of("estimator", estimator, ("extrapolated", "plain"))
    chains = data.chains(lag, symmetry)
    best = chains.best
    states = best.states.tolist()

    def entropies(chain: Chain) -> Floats:
        return path_entropy_matrix(chain, definition=definition, max_edges=max_edges, unit=unit)

    plain = entropies(best)
    if all(chain.reversible and np.array_equal(chain.states, best.states) for chain in chains.samples):
        flows = np.array([flow_of(chain) for chain in chains.samples])
        drawn = entropy_factor(unit) * flow_entropies(flows, definition, max_edges)
        samples = np.array([best.expand(one, 0.0) for one in drawn])
    else:
        samples = np.array([entropies(chain) for chain in chains.samples])
    varied = as_they_are(plain, samples, chains.n_blocks)
    if estimator == "extrapolated" and best.reversible and len(states) > 2:
        factor = entropy_factor(unit)
        varied = extrapolate(
            best, chains.samples, lambda flows: factor * flow_entropies(flows, definition, max_edges), chains.n_blocks
        )
        varied = replace(
            varied,
            value=best.expand(varied.value, 0.0),
            added=best.expand(varied.added, 0.0),
            doubt=np.array([best.expand(one, 0.0) for one in varied.doubt]),
            samples=samples,
            changes=np.array([[best.expand(change, 0.0) for change in half] for half in varied.changes]),
        )
    value, reach = varied.value, quantile(chains.n_blocks)

    def spread(middle: Floats, of: Any) -> tuple[Floats, Floats]:
        rounding, sigma = ROUNDING * np.abs(middle), varied.error(of)
        return np.where(sigma > rounding, sigma, 0.0), varied.half_width(of, reach) + rounding

    error, half = spread(value, lambda matrix: matrix)

    def estimate(name: str) -> Estimate:
        weights = _weights(name, value, external, states)

        def total(matrix: Floats) -> Floats:
            return np.asarray((matrix * weights).sum(axis=(-1, -2)))

        middle = np.asarray(getattr(summary, name))
        sigma, reached = spread(middle, total)
        return Estimate(float(middle), float(sigma), float(middle - reached), float(middle + reached), unit)

    summary, nan = summarise(value, external=external, states=states, unit=unit), float("nan")
    found = PathEntropyUncertainty(
        value=value,
        error=error,
        low=value - half,
        high=value + half,
        total=estimate("total"),
        mean_per_pair=estimate("mean_per_pair"),
        escape=estimate("escape") if external in states else Estimate(nan, nan, nan, nan, unit),
        excluded=summary.excluded,
        n_reduced=sum(chain.states.size < len(states) for chain in chains.samples),
        samples=samples,
        method=data.method,
        unit=unit,
        estimator=estimator,
        plain=plain,
        hops_per_pair=hops_per_pair(best, chains.samples) if best.reversible else float("nan"),
    )
    return found.judged(FEW_HOPS) if found.verdict else found


def _weights(name: str, value: Floats, external: int | None, states: list[int]) -> Floats:
    """What the entropy of each pair adds to a total of `PathEntropySummary`."""
    inside = np.zeros(len(value), dtype=bool)
    inside[states] = True
    pairs = (inside[:, None] & inside & ~np.eye(len(value), dtype=bool)).astype(float)
    if name == "mean_per_pair":
        return pairs / max(pairs.sum(), 1.0)
    if name == "escape":
        pairs[:, np.arange(len(value)) != (-1 if external is None else external)] = 0.0
    return pairs


def _hull(found: PathEntropyUncertainty, free: PathEntropyUncertainty, n_blocks: int) -> PathEntropyUncertainty:
    """Values of the first, in intervals that hold those of both."""
    reach = quantile(n_blocks)

    def around(one: Any, other: Any) -> dict[str, Any]:
        low, high = np.minimum(one.low, other.low), np.maximum(one.high, other.high)
        error = np.maximum(one.error, np.maximum(one.value - low, high - one.value) / reach)
        return {"low": low, "high": high, "error": error}

    def total(name: str) -> Estimate:
        one = getattr(found, name)
        return replace(one, **{key: float(end) for key, end in around(one, getattr(free, name)).items()})

    totals: dict[str, Any] = {name: total(name) for name in TOTALS}
    both = replace(found, **around(found, free), **totals, hops_per_pair=free.hops_per_pair)
    return both.judged(FEW_HOPS) if both.verdict else both
