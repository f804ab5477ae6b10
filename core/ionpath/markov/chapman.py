"""Chapman-Kolmogorov test: does the model predict what is measured at longer lags?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.markov.chain import Chain, as_chain
from ionpath.markov.estimation import estimate_msm
from ionpath.markov.inputs import (
    Trajectories,
    as_set,
    as_trajectories,
    check_frame_time,
    check_lag,
    state_count,
)
from ionpath.markov.resampling import block_counts, chain_of_counts, draw_blocks, interval


@dataclass(frozen=True, eq=False)
class ChapmanKolmogorov:
    """Predicted and measured probabilities to be found where one was.

    Attributes
    ----------
    lag : int
        Lag of the model in frames.
    multiples : ndarray of int, shape (k,)
        Multiples of the lag.
    times : ndarray, shape (k,)
        The same in the unit of `frame_time`.
    sets : tuple of tuple of int
        Sets of states that are followed.
    predicted, estimated : ndarray, shape (k, n_sets)
        Probability to be in the set after the time when one was in it, from the model at `lag` taken to a power, and
        from a model at the longer lag; nan where a lag does not connect the set.
    predicted_error, estimated_error : ndarray, shape (k, n_sets)
        Standard errors.
    difference_error : ndarray, shape (k, n_sets)
        Standard error of their difference, which the same bootstrap samples make smaller than the two apart.
    transition_predicted, transition_estimated : ndarray, shape (k, n_states, n_states)
        The whole matrices T(lag)^k and T(k lag).
    """

    lag: int
    multiples: NDArray[np.intp]
    times: NDArray[np.float64]
    sets: tuple[tuple[int, ...], ...]
    predicted: NDArray[np.float64]
    estimated: NDArray[np.float64]
    predicted_error: NDArray[np.float64]
    estimated_error: NDArray[np.float64]
    difference_error: NDArray[np.float64]
    transition_predicted: NDArray[np.float64]
    transition_estimated: NDArray[np.float64]

    @property
    def max_deviation(self) -> float:
        """Largest difference of predicted and measured probability."""
        return float(np.nanmax(np.abs(self.predicted - self.estimated)))

    @property
    def max_deviation_in_errors(self) -> float:
        """Largest difference in units of its standard error; nan without errors."""
        error = np.where(self.difference_error > 1e-12, self.difference_error, np.nan)
        ratio = np.abs(self.predicted - self.estimated) / error
        return float(np.nanmax(ratio)) if np.isfinite(ratio).any() else float("nan")


@references("prinz2011", "deeptime")
def chapman_kolmogorov(
    dtrajs: Trajectories,
    lag: int,
    *,
    multiples: Iterable[int] = (1, 2, 3, 4, 5),
    n_states: int | None = None,
    sets: Sequence[Iterable[int]] | None = None,
    frame_time: float = 1.0,
    n_samples: int = 50,
    n_blocks: int | None = None,
    reversible: bool = True,
    connected: str = "all",
    seed: int | None = 0,
) -> ChapmanKolmogorov:
    r"""Compare the model at one lag, taken to powers, with models at longer lags.

    Parameters
    ----------
    dtrajs : array_like of int, shape (n_frames,) or (n_ions, n_frames), or sequence of (n_frames_i,) arrays
        State of each ion in each frame.
    lag : int
        Lag of the model in frames.
    multiples : iterable of int
        Which multiples of the lag to test.
    n_states : int, optional
        Number of states; the largest label plus one by default.
    sets : sequence of iterables of int, optional
        Sets of states to follow; every state by itself by default.
    frame_time : float
        Time between frames; the times have its unit.
    n_samples : int
        Bootstrap samples over ions for the errors; 0 leaves them out.
    n_blocks : int, optional
        Stretches of time per ion, see `resampled_chains`.
    reversible : bool
        Whether to enforce detailed balance.
    connected : {"all", "largest"}
        See `estimate_msm`.
    seed : int, optional
        Seed of the random numbers.

    Returns
    -------
    ChapmanKolmogorov
        Predicted and measured probabilities with errors.

    Raises
    ------
    InputError
        If an argument cannot be used or a multiple of the lag is longer than the trajectories.
    DisconnectedError
        If states are absent or not connected at some lag and `connected` is "all".

    Notes
    -----
    For a set S: :math:`P(x_{k\tau} \in S | x_0 \in S) = \sum_{i,j \in S} \pi_i [T^k]_{ij} / \sum_{i \in S} \pi_i`, once
    with :math:`T(\tau)^k` and once with :math:`T(k\tau)`, both with the :math:`\pi` of the model
    (doi:10.1063/1.3565032).

    Examples
    --------
    >>> from deeptime.markov.msm import MarkovStateModel
    >>> dtraj = MarkovStateModel([[0.9, 0.1], [0.1, 0.9]]).simulate(50000, seed=1)
    >>> test = chapman_kolmogorov(dtraj, 1, n_samples=20)
    >>> test.max_deviation < 0.02
    True
    """
    trajectories = as_trajectories(dtrajs)
    size = state_count(trajectories, n_states)
    lag = check_lag(trajectories, lag)
    powers = sorted({check_lag(trajectories, lag * k) // lag for k in multiples})
    if not powers:
        raise InputError("multiples", need="at least one multiple of the lag", got="none")
    groups = (
        [as_set(list(group), size, "sets") for group in sets]
        if sets
        else [np.array([i]) for i in range(size)]
    )

    def model(k: int) -> Chain:
        msm = estimate_msm(trajectories, k * lag, n_states=size, reversible=reversible, connected=connected)
        return as_chain(msm)

    first = model(1)
    longer = [model(k) for k in powers]
    best = _both(first, longer, powers, groups)
    drawn = np.full((n_samples, *best.shape), np.nan)
    if n_samples:
        chains = {
            k: _resample(trajectories, k * lag, size, n_blocks, n_samples, reversible, seed)
            for k in {1, *powers}
        }
        for m in range(n_samples):
            drawn[m] = _both(chains[1][m], [chains[k][m] for k in powers], powers, groups)
    error, difference = _errors(best, drawn)
    return ChapmanKolmogorov(
        lag=lag,
        multiples=np.array(powers),
        times=np.array(powers) * lag * check_frame_time(frame_time),
        sets=tuple(tuple(group.tolist()) for group in groups),
        predicted=best[0],
        estimated=best[1],
        predicted_error=error[0],
        estimated_error=error[1],
        difference_error=difference,
        transition_predicted=np.array([first.expand(_power(first, k), np.nan) for k in powers]),
        transition_estimated=np.array([chain.expand(chain.transition_matrix, np.nan) for chain in longer]),
    )


def _resample(
    trajectories: Trajectories,
    lag: int,
    size: int,
    n_blocks: int | None,
    n_samples: int,
    reversible: bool,
    seed: int | None,
) -> list[Chain]:
    counts = block_counts(trajectories, lag, n_states=size, n_blocks=n_blocks)
    drawn = draw_blocks(counts, n_samples, np.random.default_rng(seed))
    return [chain_of_counts(one, lag, reversible) for one in drawn]


def _errors(
    best: NDArray[np.float64], drawn: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not len(drawn):
        return np.full_like(best, np.nan), np.full_like(best[0], np.nan)
    return interval(best, drawn)[0], interval(best[0] - best[1], drawn[:, 0] - drawn[:, 1])[0]


def _both(
    first: Chain, longer: list[Chain], powers: list[int], groups: list[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Predicted and estimated probabilities to stay, shape (2, k, n_sets)."""
    weight = first.expand(first.stationary_distribution, np.nan)
    predicted = [_stay(first.expand(_power(first, k), np.nan), weight, groups) for k in powers]
    estimated = [_stay(chain.expand(chain.transition_matrix, np.nan), weight, groups) for chain in longer]
    return np.array([predicted, estimated])


def _power(chain: Chain, k: int) -> NDArray[np.float64]:
    return np.linalg.matrix_power(chain.transition_matrix, k)


def _stay(
    matrix: NDArray[np.float64], weight: NDArray[np.float64], groups: list[NDArray[np.intp]]
) -> list[float]:
    inside = [(weight[g] @ matrix[np.ix_(g, g)].sum(axis=1)) / weight[g].sum() for g in groups]
    return [float(value) for value in inside]
