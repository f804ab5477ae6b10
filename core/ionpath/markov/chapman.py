"""Chapman-Kolmogorov test: does the model predict what is measured at longer lags?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, positive
from ionpath.markov.chain import Chain
from ionpath.markov.inputs import Trajectories, as_set, check_lag
from ionpath.markov.resampling import Blocks, Resampling, interval
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True, eq=False)
class ChapmanKolmogorov(Msonable):
    """Predicted and measured probabilities to be found where one was."""

    lag: int  # lag of the model in frames
    multiples: Indices  # (k,): multiples of the lag
    times: Floats  # (k,): the same in the unit of `frame_time`
    sets: tuple[tuple[int, ...], ...]  # sets of states that are followed
    # predicted, estimated: (k, n_sets): probability to be in the set after the time when one was in it, from the model
    # at `lag` taken to a power, and from a model at the longer lag; nan where a lag does not connect the set
    predicted: Floats
    estimated: Floats
    # predicted_error, estimated_error: (k, n_sets): standard errors
    predicted_error: Floats
    estimated_error: Floats
    # (k, n_sets): standard error of their difference, which the same bootstrap samples make smaller than the two apart
    difference_error: Floats
    # transition_predicted, transition_estimated: (k, n_states, n_states): the whole matrices T(lag)^k and T(k lag)
    transition_predicted: Floats
    transition_estimated: Floats

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


@typed
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
    **sampling: Unpack[Blocks],
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
    **sampling
        ``n_blocks``, ``reversible``, ``connected``, ``seed``: see `resampled_chains`.

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
    data = Resampling(dtrajs, n_states=n_states, n_samples=n_samples, **sampling).check_bootstrap()
    return lag_test(data, lag, multiples, frame_time, sets)


def lag_test(
    data: Resampling, lag: int, multiples: Iterable[int], frame_time: float, sets: Sequence[Iterable[int]] | None = None
) -> ChapmanKolmogorov:
    """Chapman-Kolmogorov test of trajectories that were checked already, from the samples that all errors share."""
    lag = check_lag(data.trajectories, lag)
    powers = sorted({check_lag(data.trajectories, lag * k) // lag for k in multiples})
    if not powers:
        raise InputError("multiples", need="at least one multiple of the lag", got="none")
    size = data.n_states
    chosen = [[i] for i in range(size)] if not sets else [list(group) for group in sets]
    groups = [as_set(group, size, "sets") for group in chosen]
    start = data.chains(lag)
    resampled = [data.chains(k * lag) for k in powers]
    first, longer = start.best, [chains.best for chains in resampled]
    best = _both(first, longer, powers, groups)
    fewest = min(len(chains.samples) for chains in (start, *resampled))
    drawn = np.array(
        [_both(start.samples[m], [chains.samples[m] for chains in resampled], powers, groups) for m in range(fewest)]
    ).reshape(fewest, *best.shape)
    error = interval(best, drawn, start.n_blocks).error
    return ChapmanKolmogorov(
        lag=lag,
        multiples=np.array(powers),
        times=np.array(powers) * lag * positive("frame_time", frame_time),
        sets=tuple(tuple(group.tolist()) for group in groups),
        predicted=best[0],
        estimated=best[1],
        predicted_error=error[0],
        estimated_error=error[1],
        difference_error=interval(best[0] - best[1], drawn[:, 0] - drawn[:, 1], start.n_blocks).error,
        transition_predicted=np.array([first.expand(_power(first, k), np.nan) for k in powers]),
        transition_estimated=np.array([chain.expand(chain.transition_matrix, np.nan) for chain in longer]),
    )


def _both(first: Chain, longer: list[Chain], powers: list[int], groups: list[Indices]) -> Floats:
    """Predicted and estimated probabilities to stay, shape (2, k, n_sets)."""
    weight = first.expand(first.stationary_distribution, np.nan)
    predicted = [_stay(first.expand(_power(first, k), np.nan), weight, groups) for k in powers]
    estimated = [_stay(chain.expand(chain.transition_matrix, np.nan), weight, groups) for chain in longer]
    return np.array([predicted, estimated])


def _power(chain: Chain, k: int) -> Floats:
    return np.linalg.matrix_power(chain.transition_matrix, k)


def _stay(matrix: Floats, weight: Floats, groups: list[Indices]) -> list[float]:
    flow = weight[:, None] * matrix
    return [float(flow[g[:, None], g].sum() / weight[g].sum()) for g in groups]
