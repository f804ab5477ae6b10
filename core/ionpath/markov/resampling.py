"""Many Markov chains from one data set: block bootstrap over ions, or samples of the Bayesian posterior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices, Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, whole
from ionpath.estimate import Z95, student
from ionpath.markov.chain import Chain, as_chain, largest_set, stationary_distribution
from ionpath.markov.counting import COUNT_MODES, count_matrices, counts_and_frames, state_histogram
from ionpath.markov.estimation import MAXIMUM_ERROR, MOST_SAMPLES, check_independent, model_of_counts, sample_matrices
from ionpath.markov.inputs import Trajectories, as_trajectories, check_lag, longest_of, state_count
from ionpath.markov.symmetry import LEVEL, UNSURE, SymmetryTest, as_permutations, average_counts, symmetry_test
from ionpath.msonable import Msonable

METHODS = ("bootstrap", "bayesian")
LEAST_BLOCKS = 20
"""With fewer ions than this the trajectories are cut into stretches of time to get as many blocks."""


@documented
@dataclass(frozen=True, eq=False)
class Spread(Msonable):
    """Numbers with their errors."""

    # value, error, low, high: best estimates, standard errors, and 95 % intervals, which hold the value, all of one
    # shape; nan where there is none
    value: Floats
    error: Floats
    low: Floats
    high: Floats


@typed
@documented
@dataclass(frozen=True, eq=False)
class ResampledChains(Msonable):
    """The best chain and samples of what it might have been."""

    best: Chain  # Maximum-likelihood chain of all data
    samples: tuple[Chain, ...]  # resampled chains. A sample may connect fewer states than `best`.
    method: str  # "bootstrap" or "bayesian"
    n_blocks: int  # number of blocks that were drawn from; 0 for the posterior

    def spread(self, function: Callable[[Chain], Any], *, scale: str = "linear") -> Spread:
        """Put all chains through a function of a `Chain` that returns a number or an array of one shape.

        `scale` says where the numbers spread evenly: times and rates on a logarithm ("log"), probabilities on a
        "logit", others "linear"; InputError for another word. The value is that of the best chain, with the errors that
        the samples tell.

        Examples
        --------
        >>> from ionpath.kinetics import mfpt_matrix
        >>> ions = np.random.default_rng(0).integers(0, 2, size=(30, 1000))
        >>> resampled_chains(ions, lag=1).spread(mfpt_matrix, scale="log").value.round(1)
        array([[0., 2.],
               [2., 0.]])
        """
        samples = np.array([function(chain) for chain in self.samples], dtype=float)
        return interval(np.asarray(function(self.best), dtype=float), samples, self.n_blocks, scale)


class Blocks(TypedDict, total=False):
    """Keywords of bootstrap samples, see `resampled_chains`."""

    n_blocks: int | None
    reversible: bool
    connected: str
    seed: int | None


class Sampling(Blocks, total=False):
    """Keywords of samples of either method."""

    method: str
    count_mode: str


class Resampling:
    """Trajectories, checked and counted once, and the blocks of them that every sample draws.

    All quantities at all lags come from the same draws, so that their errors belong together.
    """

    def __init__(
        self,
        dtrajs: Trajectories,
        *,
        n_states: int | None = None,
        method: str = "bootstrap",
        n_samples: int = 0,
        n_blocks: int | None = None,
        count_mode: str = "sliding-effective",
        reversible: bool = True,
        connected: str = "all",
        seed: int | None = 0,
    ) -> None:
        one_of("method", method, METHODS)
        one_of("count_mode", count_mode, COUNT_MODES)
        self.trajectories = as_trajectories(dtrajs)
        self.n_states = state_count(self.trajectories, n_states)
        self.method, self.seed = method, seed
        self.n_samples = whole("n_samples", n_samples, 0, MOST_SAMPLES, remedy="a few hundred tell an error to 5 %")
        self.reversible, self.connected, self.count_mode = reversible, connected, count_mode
        self.n_blocks = -(-LEAST_BLOCKS // len(self.trajectories)) if n_blocks is None else n_blocks
        self._counts: dict[int, Floats] = {}
        self._chains: dict[tuple[int, bytes], ResampledChains] = {}

    def check_bootstrap(self) -> Resampling:
        """Refuse samples of a posterior where those at several lags have to belong together."""
        one_of("method", self.method, ("bootstrap",))
        return self

    @property
    def n_frames(self) -> int:
        """Frames of the longest trajectory."""
        return longest_of(self.trajectories)

    @cached_property
    def frames(self) -> Ints:
        """Frames in each state."""
        return state_histogram(self.trajectories, self.n_states)

    def counts(self, lag: int) -> Floats:
        """Sliding counts of each block of data, shape (n_units, n_states, n_states)."""
        lag = check_lag(self.trajectories, lag)
        if lag not in self._counts:
            self._counts[lag] = count_matrices(self.trajectories, lag, n_states=self.n_states, n_blocks=self.n_blocks)
        return self._counts[lag]

    def model(self, lag: int, symmetry: ArrayLike | None = None, *, connected: str | None = None) -> Any:
        """Maximum-likelihood model of all data, as deeptime has it."""
        total = self.counts(lag).sum(axis=0)
        total = total if symmetry is None else average_counts(total, symmetry)
        return model_of_counts(total, self.frames, lag, self.reversible, connected or self.connected)

    def best(self, lag: int) -> Chain:
        """Maximum-likelihood chain of all data."""
        return as_chain(self.model(lag))

    def symmetry_test(self, lag: int, symmetry: ArrayLike, of: str = "shell", *, certain: bool = True) -> SymmetryTest:
        """Whether the counts at a lag obey a symmetry of the states, that of a crystal or only of positions."""
        return symmetry_test(self.counts(lag), symmetry, self.seed, of, LEVEL if certain else UNSURE)

    def chains(self, lag: int, symmetry: ArrayLike | None = None) -> ResampledChains:
        """Best chain and samples at a lag; of counts that were averaged over a symmetry, where one is given."""
        rows = None if symmetry is None else as_permutations(symmetry, self.n_states)
        key = (lag, b"" if rows is None else rows.tobytes())
        if key not in self._chains:
            best = as_chain(self.model(lag, rows))
            draw = self._posterior if self.method == "bayesian" else self._bootstrap
            samples = draw(lag, rows) if self.n_samples else ()
            n_blocks = 0 if self.method == "bayesian" else len(self.counts(lag))
            self._chains[key] = ResampledChains(best, tuple(samples), self.method, n_blocks)
        return self._chains[key]

    def _bootstrap(self, lag: int, rows: Indices | None) -> list[Chain]:
        counts = self.counts(lag)
        filled = int(counts.any(axis=(1, 2)).sum())
        if filled < 2:
            remedy = "give more ions, raise n_blocks, or use method='bayesian'"
            raise InputError("dtrajs", need="at least two blocks of data for an error", got=f"{filled}", remedy=remedy)
        units = len(counts)
        rng = np.random.default_rng(self.seed)  # the same for every lag: a sample has the same ions at each
        drawn = rng.multinomial(units, np.full(units, 1.0 / units), size=self.n_samples).astype(float)
        sums = np.tensordot(drawn, counts, axes=1)
        sums = sums if rows is None else average_counts(sums, rows)
        fitted = [_fitted(one, self.reversible) for one in sums if one.any()]
        if len({len(states) for states, _ in fitted}) == 1:
            weights = list(stationary_distribution(np.stack([matrix for _, matrix in fitted])))
        else:
            weights = [stationary_distribution(matrix) for _, matrix in fitted]
        return [
            Chain(matrix, pi, states, self.n_states, lag, self.reversible)
            for (states, matrix), pi in zip(fitted, weights, strict=True)
        ]

    def _posterior(self, lag: int, rows: Indices | None) -> list[Chain]:
        check_independent(self.count_mode)
        counts = counts_and_frames(self.trajectories, lag, self.n_states, self.count_mode)[0]
        counts = counts if rows is None else average_counts(counts, rows)
        prior = model_of_counts(counts, self.frames, lag, self.reversible, self.connected, self.count_mode)
        best = as_chain(prior)
        matrices = sample_matrices(prior, self.n_samples, self.reversible, self.seed)
        return [
            Chain(m, stationary_distribution(m), best.states, self.n_states, lag, self.reversible) for m in matrices
        ]


@typed
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
    dtrajs, lag, n_states
        See `count_matrix`.
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
    reversible, connected
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
    one_of("method", method, METHODS)
    if n_samples < 2:
        raise InputError("n_samples", need="at least 2 samples for an error", got=str(n_samples))
    data = Resampling(
        dtrajs, n_states=n_states, method=method, n_samples=n_samples, n_blocks=n_blocks,
        count_mode=count_mode, reversible=reversible, connected=connected, seed=seed,
    )  # fmt: skip
    return data.chains(lag)


def chain_of_counts(counts: Floats, lag: int) -> Chain:
    """Reversible chain on the largest connected set of a count matrix."""
    states, matrix = _fitted(counts, True)
    return Chain(matrix, stationary_distribution(matrix), states, len(counts), int(lag), True)


def _fitted(counts: Floats, reversible: bool) -> tuple[Indices, Floats]:
    """Largest connected set of a count matrix, and the transition matrix on it."""
    from deeptime.markov.tools.estimation import transition_matrix

    states = largest_set(counts)
    inner = counts[states[:, None], states]
    if states.size == 1:
        matrix = np.ones((1, 1))
    elif reversible:
        matrix = transition_matrix(inner, reversible=True, maxerr=MAXIMUM_ERROR)
    else:
        matrix = inner / inner.sum(axis=1, keepdims=True)
    return states, matrix


def interval(best: Floats, samples: Floats, n_blocks: int, scale: str = "linear") -> Spread:
    """Standard error and 95 % interval around the best values, from samples of `n_blocks` blocks."""
    one_of("scale", scale, ("linear", "log", "logit"))
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "log":
            middle, drawn, slope = np.log(best), np.log(samples), best
        elif scale == "logit":
            middle, drawn = np.log(best / (1 - best)), np.log(samples / (1 - samples))
            slope = best * (1 - best)
        else:
            middle, drawn, slope = best, samples, np.ones_like(best)
    finite = np.isfinite(drawn)
    number = finite.sum(axis=0)
    mean = np.where(finite, drawn, 0.0).sum(axis=0) / np.maximum(number, 1)
    square = np.where(finite, (drawn - mean) ** 2, 0.0).sum(axis=0) / np.maximum(number - 1, 1)
    sigma = np.where((number >= 2) & np.isfinite(middle), np.sqrt(square), np.nan) * few_blocks(n_blocks)
    reach = quantile(n_blocks) * sigma
    low, high = middle - reach, middle + reach
    if scale == "log":
        low, high = np.exp(low), np.exp(high)
    elif scale == "logit":
        low, high = 1 / (1 + np.exp(-low)), 1 / (1 + np.exp(-high))
    # A diagonal of zeros, or a probability of one, is certain and has no place on these scales.
    certain = (scale != "linear") & np.isfinite(best) & ~np.isfinite(middle)
    return Spread(
        best, np.where(certain, 0.0, slope * sigma), np.where(certain, best, low), np.where(certain, best, high)
    )


def few_blocks(n_blocks: int) -> float:
    """Factor that makes the spread of bootstrap samples that of the data: a variance of n blocks has n - 1 of them."""
    return float(np.sqrt(n_blocks / (n_blocks - 1))) if n_blocks > 1 else 1.0


def quantile(n_blocks: int) -> float:
    """Half the width of a 95 % interval in standard errors that `n_blocks` blocks tell; many for 0, the posterior."""
    return student(n_blocks - 1) if n_blocks > 1 else Z95
