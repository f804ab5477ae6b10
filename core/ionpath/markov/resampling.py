"""Many Markov chains from one data set: block bootstrap over ions, or samples of the Bayesian posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.markov.chain import Chain, as_chain, largest_set, stationary_distribution
from ionpath.markov.counting import count_matrices
from ionpath.markov.estimation import MAXIMUM_ERROR, bayesian_msm, estimate_msm
from ionpath.markov.inputs import Trajectories, as_trajectories, check_lag, state_count

METHODS = ("bootstrap", "bayesian")
LEAST_BLOCKS = 20
"""With fewer ions than this the trajectories are cut into stretches of time to get as many blocks."""


@dataclass(frozen=True, eq=False)
class ResampledChains:
    """The best chain and samples of what it might have been.

    Attributes
    ----------
    best : Chain
        Maximum-likelihood chain of all data.
    samples : tuple of Chain
        Resampled chains. A sample may connect fewer states than `best`.
    method : str
        "bootstrap" or "bayesian".
    n_blocks : int
        Number of blocks that were drawn from; 0 for the posterior.
    """

    best: Chain
    samples: tuple[Chain, ...]
    method: str
    n_blocks: int


@references("prinz2011", "trendelkamp2015", "deeptime")
def resampled_chains(
    dtrajs: Trajectories,
    lag: int,
    *,
    n_states: int | None = None,
    method: str = "bootstrap",
    n_samples: int = 100,
    n_blocks: int | None = None,
    count_mode: str = "sliding-effective",
    reversible: bool = True,
    connected: str = "all",
    seed: int | None = 0,
) -> ResampledChains:
    """Chains that spread as the data allow, to be put through any function of a chain.

    Parameters
    ----------
    dtrajs : array_like of int, shape (n_frames,) or (n_ions, n_frames), or sequence of (n_frames_i,) arrays
        State of each ion in each frame.
    lag : int
        Lag in frames.
    n_states : int, optional
        Number of states; the largest label plus one by default.
    method : {"bootstrap", "bayesian"}
        Draw whole ions (or stretches of their time) with replacement, which needs no assumption on the dynamics within
        a block; or sample the posterior, which takes the chain for Markovian at this lag.
    n_samples : int
        Number of samples.
    n_blocks : int, optional
        Stretches of time per ion, for the bootstrap: 1 by default if there are at least 20 ions, else as many as make
        20 blocks.
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
    ResampledChains
        Best chain and samples.

    Raises
    ------
    InputError
        If an argument cannot be used, or there are too few blocks to draw from.
    DisconnectedError
        If states are absent or not connected and `connected` is "all".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> chains = resampled_chains(rng.integers(0, 2, size=(30, 100)), lag=1, n_samples=10)
    >>> len(chains.samples), chains.n_blocks
    (10, 30)
    """
    if method not in METHODS:
        raise InputError("method", need=f"one of {', '.join(map(repr, METHODS))}", got=repr(method))
    if n_samples < 2:
        raise InputError("n_samples", need="at least 2 samples for an error", got=str(n_samples))
    best = as_chain(estimate_msm(dtrajs, lag, n_states=n_states, reversible=reversible, connected=connected))
    if method == "bayesian":
        posterior = bayesian_msm(
            dtrajs, lag, n_states=n_states, n_samples=n_samples, count_mode=count_mode, reversible=reversible,
            connected=connected, seed=seed,
        )  # fmt: skip
        return ResampledChains(best, tuple(as_chain(sample) for sample in posterior.samples), method, 0)
    counts = block_counts(dtrajs, lag, n_states=n_states, n_blocks=n_blocks)
    drawn = draw_blocks(counts, n_samples, np.random.default_rng(seed))
    samples = tuple(chain_of_counts(sample, lag, reversible) for sample in drawn)
    return ResampledChains(best, samples, method, len(counts))


def block_counts(
    dtrajs: Trajectories, lag: int, *, n_states: int | None, n_blocks: int | None
) -> NDArray[np.float64]:
    """Sliding counts of each block of data."""
    trajectories = as_trajectories(dtrajs)
    size = state_count(trajectories, n_states)
    lag = check_lag(trajectories, lag)
    if n_blocks is None:
        n_blocks = -(-LEAST_BLOCKS // len(trajectories))
    counts = count_matrices(trajectories, lag, n_states=size, n_blocks=n_blocks)
    counts = counts[counts.any(axis=(1, 2))]
    if len(counts) < 2:
        raise InputError(
            "dtrajs", need="at least two blocks of data for an error", got=f"{len(counts)}",
            remedy="give more ions, raise n_blocks, or use method='bayesian'",
        )  # fmt: skip
    return counts


def draw_blocks(counts: NDArray[np.float64], n_samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Summed counts of blocks drawn with replacement."""
    units = len(counts)
    times_drawn = rng.multinomial(units, np.full(units, 1.0 / units), size=n_samples)
    return np.tensordot(times_drawn.astype(float), counts, axes=1)


def chain_of_counts(counts: NDArray[np.float64], lag: int, reversible: bool = True) -> Chain:
    """Chain on the largest connected set of a count matrix."""
    from deeptime.markov.tools.estimation import transition_matrix

    states = largest_set(counts)
    inner = counts[np.ix_(states, states)]
    if states.size == 1:
        matrix = np.ones((1, 1))
    elif reversible:
        matrix = transition_matrix(inner, reversible=True, maxerr=MAXIMUM_ERROR)
    else:
        matrix = inner / inner.sum(axis=1, keepdims=True)
    return Chain(matrix, stationary_distribution(matrix), states, len(counts), int(lag), reversible)


def interval(
    best: NDArray[np.float64], samples: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Standard error and 95 % interval of each entry."""
    known = np.isfinite(samples).sum(axis=0) >= 2
    usable = known & np.isfinite(best)
    filled = np.where(known, samples, 0.0)
    error = np.where(usable, np.nanstd(filled, axis=0, ddof=1), np.nan)
    low, high = np.nanpercentile(filled, [2.5, 97.5], axis=0)
    return error, np.where(usable, low, np.nan), np.where(usable, high, np.nan)
