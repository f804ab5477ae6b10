"""Errors of path entropies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.citations import references
from ionpath.errors import InputError, one_of
from ionpath.estimate import Estimate
from ionpath.markov.chain import Chain
from ionpath.markov.inputs import Trajectories
from ionpath.markov.resampling import Resampling, Sampling, quantile
from ionpath.msonable import Msonable
from ionpath.paths.entropy import flow_entropies, path_entropy_matrix
from ionpath.paths.extrapolation import as_they_are, extrapolate
from ionpath.paths.summary import summarise
from ionpath.units import entropy_factor

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PathEntropyUncertainty(Msonable):
    """Path entropies with their errors.

    Attributes
    ----------
    value, error, low, high : ndarray, shape (n_states, n_states)
        Path entropy of each ordered pair, its standard error, and its 95 % interval.
    total, mean_per_pair, escape : Estimate
        The same for the totals of `PathEntropySummary`.
    excluded : tuple of int
        States that are not connected and add nothing.
    n_reduced : int
        Number of samples that connected fewer states than the data as a whole; their missing entropies count as zero.
    samples : ndarray, shape (n_samples, n_states, n_states)
        Entropies of the samples as they are, with the noise of both the data and the sample.
    method : str
        "bootstrap" or "bayesian".
    unit : str
        Unit of all entropies.
    estimator : str
        "extrapolated" or "plain".
    plain : ndarray, shape (n_states, n_states), or None
        Entropies of the fitted model as they are.
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    total: Estimate
    mean_per_pair: Estimate
    escape: Estimate
    excluded: tuple[int, ...]
    n_reduced: int
    samples: NDArray[np.float64]
    method: str
    unit: str
    estimator: str = "plain"
    plain: Floats | None = None


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
    dtrajs : array_like of int, shape (n_frames,) or (n_ions, n_frames), or sequence of (n_frames_i,) arrays
        State of each ion in each frame.
    lag : int
        Lag in frames.
    n_states : int, optional
        Number of states; the largest label plus one by default.
    definition : {"pathway", "unlimited", "flux", "flux-row"}
        What is counted, see `path_entropy`.
    max_edges : int
        Longest path, for "pathway" only.
    unit : {"J/mol/K", "R", "nat"}
        Unit of the result.
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
    entropies to none by a parabola in the standard deviation (doi:10.1080/01621459.1994.10476871); a small entropy may
    then be negative by less than its error. Without detailed balance, and for two states, entropies are "plain".

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
    estimator: str = "extrapolated",
    definition: str = "pathway",
    max_edges: int = 4,
    unit: str = "J/mol/K",
) -> PathEntropyUncertainty:
    """Path entropies of trajectories that were checked already, from the samples that all errors share."""
    one_of("estimator", estimator, ("extrapolated", "plain"))
    chains = data.chains(lag, symmetry)
    best = chains.best
    states = best.states.tolist()

    def entropies(chain: Chain) -> Floats:
        return path_entropy_matrix(chain, definition=definition, max_edges=max_edges, unit=unit)

    plain, samples = entropies(best), np.array([entropies(chain) for chain in chains.samples])
    found = as_they_are(plain, samples, chains.n_blocks)
    if estimator == "extrapolated" and best.reversible and len(states) > 2:
        factor = entropy_factor(unit)
        found = extrapolate(
            best, chains.samples, lambda flows: factor * flow_entropies(flows, definition, max_edges), chains.n_blocks
        )
        found = replace(
            found,
            value=best.expand(found.value, 0.0),
            changes=np.array([best.expand(change, 0.0) for change in found.changes]),
        )
    value, error, reach = found.value, found.error(lambda matrix: matrix), quantile(chains.n_blocks)

    def estimate(name: str) -> Estimate:
        def total(matrix: Floats) -> Floats:
            return np.asarray(getattr(summarise(matrix, external=external, states=states, unit=unit), name))

        middle, sigma = float(total(value)), float(found.error(total))
        return Estimate(middle, sigma, middle - reach * sigma, middle + reach * sigma, unit)

    summary = summarise(value, external=external, states=states, unit=unit)
    return PathEntropyUncertainty(
        value=value,
        error=error,
        low=value - reach * error,
        high=value + reach * error,
        total=estimate("total"),
        mean_per_pair=estimate("mean_per_pair"),
        escape=estimate("escape"),
        excluded=summary.excluded,
        n_reduced=sum(chain.states.size < len(states) for chain in chains.samples),
        samples=samples,
        method=data.method,
        unit=unit,
        estimator=estimator,
        plain=plain,
    )
