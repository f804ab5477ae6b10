"""Errors of path entropies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionpath.citations import references
from ionpath.estimate import Estimate
from ionpath.markov.chain import Chain
from ionpath.markov.inputs import Trajectories
from ionpath.markov.resampling import interval, resampled_chains
from ionpath.paths.entropy import path_entropy_matrix
from ionpath.paths.summary import summarise


@dataclass(frozen=True, eq=False)
class PathEntropyUncertainty:
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
        Entropies of the samples.
    method : str
        "bootstrap" or "bayesian".
    unit : str
        Unit of all entropies.
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
    method: str = "bootstrap",
    n_samples: int = 100,
    n_blocks: int | None = None,
    count_mode: str = "sliding-effective",
    reversible: bool = True,
    connected: str = "all",
    seed: int | None = 0,
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
    method : {"bootstrap", "bayesian"}
        Draw ions (or stretches of their time) with replacement, or sample the posterior of the transition matrix.
    n_samples : int
        Number of samples.
    n_blocks : int, optional
        Stretches of time per ion, see `resampled_chains`.
    count_mode : str
        Independent counts for the posterior, see `bayesian_msm`.
    reversible : bool
        Whether to enforce detailed balance.
    connected : {"all", "largest"}
        See `estimate_msm`.
    seed : int, optional
        Seed of the random numbers.

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
    Where a state was seen to have more neighbours by noise alone, its entropy rises: entropies of noisy networks are
    biased upwards, and an interval of samples may then lie to one side of the value. The bootstrap holds the
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
    chains = resampled_chains(
        dtrajs, lag, n_states=n_states, method=method, n_samples=n_samples, n_blocks=n_blocks, count_mode=count_mode,
        reversible=reversible, connected=connected, seed=seed,
    )  # fmt: skip
    states = chains.best.states.tolist()

    def entropies(chain: Chain) -> NDArray[np.float64]:
        return path_entropy_matrix(chain, definition=definition, max_edges=max_edges, unit=unit)

    value = entropies(chains.best)
    samples = np.array([entropies(chain) for chain in chains.samples])
    error, low, high = interval(value, samples)
    summaries = [summarise(one, external=external, states=states, unit=unit) for one in (value, *samples)]

    def estimate(name: str) -> Estimate:
        best, *others = (getattr(summary, name) for summary in summaries)
        bottom, top = np.percentile(others, [2.5, 97.5])
        return Estimate(best, float(np.std(others, ddof=1)), float(bottom), float(top), unit)

    return PathEntropyUncertainty(
        value=value,
        error=error,
        low=low,
        high=high,
        total=estimate("total"),
        mean_per_pair=estimate("mean_per_pair"),
        escape=estimate("escape"),
        excluded=summaries[0].excluded,
        n_reduced=sum(chain.states.size < len(states) for chain in chains.samples),
        samples=samples,
        method=method,
        unit=unit,
    )
