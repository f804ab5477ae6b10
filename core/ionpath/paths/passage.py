"""Mean first-passage times of a Markov chain, all pairs of states from one factorisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.errors import positive
from ionpath.markov.chain import Chain, as_chain
from ionpath.markov.counting import count_matrices
from ionpath.markov.inputs import Trajectories
from ionpath.markov.resampling import chain_of_counts


@typed
@references("deeptime", "prinz2011", "metzner2009")
def mfpt_matrix(msm_or_T: Any, *, lag: int = 1, frame_time: float = 1.0) -> Floats:
    r"""Mean first-passage times between all ordered pairs of states.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    lag : int
        Lag in frames of a bare matrix; a model knows its own.
    frame_time : float
        Time between frames; the result has its unit.

    Returns
    -------
    ndarray, shape (n, n)
        Time from row to column, in natural state order; zero on the diagonal, nan for states that the model does not
        connect.

    Raises
    ------
    DisconnectedError
        If some state of a bare matrix cannot be reached.

    Notes
    -----
    :math:`m_{ij} = \tau + \sum_{k \ne j} T_{ik} m_{kj}` with the lag time :math:`\tau`, solved for all pairs by the
    fundamental matrix :math:`Z = (1 - T + 1 \pi^T)^{-1}` as :math:`m_{ij} = \tau (Z_{jj} - Z_{ij}) / \pi_j` (Kemeny
    and Snell, Finite Markov Chains, 1960). For single states this is the inverse TPT rate (doi:10.1137/070699500).

    Examples
    --------
    >>> mfpt_matrix([[0.8, 0.2], [0.1, 0.9]], lag=600).round(6)
    array([[   0., 3000.],
           [6000.,    0.]])
    """
    chain = as_chain(msm_or_T, lag=lag)
    time = chain.lag * positive("frame_time", frame_time)
    return chain.expand(time * passage_times(chain.transition_matrix, chain.stationary_distribution), np.nan)


@typed
def mfpt_per_ion(dtrajs: Trajectories, lag: int, *, n_states: int | None = None, frame_time: float = 1.0) -> Floats:
    """Mean first-passage times of each ion by itself, from one model per ion.

    Parameters
    ----------
    dtrajs, lag, n_states
        See `count_matrix`.
    frame_time : float
        Time between frames; the result has its unit.

    Returns
    -------
    ndarray, shape (n_ions, n_states, n_states)
        Time from row to column; nan for pairs that an ion does not connect. Ions differ by orders of magnitude: use
        ``numpy.nanmedian(..., axis=0)`` rather than the mean.

    Examples
    --------
    >>> mfpt_per_ion([[0, 1, 0, 1, 0], [0, 0, 0, 1, 0]], lag=1)[:, 0, 1].round(6)
    array([1., 3.])
    """
    counts = count_matrices(dtrajs, lag, n_states=n_states)
    times = np.full(counts.shape, np.nan)
    for ion in np.flatnonzero(counts.any(axis=(1, 2))):
        times[ion] = mfpt_matrix(chain_of_counts(counts[ion], lag), frame_time=frame_time)
    return times


def passage_times(matrix: Floats, stationary: Floats) -> Floats:
    """Mean first-passage times in lags."""
    # Only off-diagonal entries enter: scaled so that the busiest state always leaves, which keeps slow chains (all
    # hops improbable) as well-conditioned as fast ones.
    hops = matrix - np.diag(np.diag(matrix))
    leave = hops.sum(axis=1)
    if not leave.any():
        return np.zeros_like(matrix)
    scale = leave.max()
    fundamental = np.linalg.inv(np.diag(leave / scale) - hops / scale + stationary[None, :])
    return (np.diag(fundamental)[None, :] - fundamental) / (scale * stationary[None, :])


def time_reversed(chain: Chain) -> Floats:
    """Transition matrix of the chain seen backwards in time."""
    weight = chain.stationary_distribution
    return weight[None, :] * chain.transition_matrix.T / weight[:, None]
