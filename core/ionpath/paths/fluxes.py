"""Transition path theory: committors, reactive fluxes, rates, in natural state order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.markov.chain import Chain, as_chain
from ionpath.markov.inputs import States, as_pair, check_frame_time
from ionpath.paths.passage import passage_times, time_reversed

FLUX_TOLERANCE = 1e-12
"""Net fluxes below this part of the largest one are rounding errors and set to zero."""


@references("metzner2009")
def committor(msm_or_T: Any, source: States, target: States, *, forward: bool = True) -> NDArray[np.float64]:
    r"""Probability to reach the target before the source, or to have come from the source.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    source, target : int or iterable of int
        Disjoint sets of states.
    forward : bool
        Forward committor, or backward (last visited the source rather than the target).

    Returns
    -------
    ndarray, shape (n,)
        Probability of each state in natural order; nan for states that the model does not connect.

    Raises
    ------
    InputError
        If a set or the matrix cannot be used.
    DisconnectedError
        If some state of a bare matrix cannot be reached.

    Notes
    -----
    :math:`\sum_j T_{ij} q^+_j = q^+_i` outside the sets, :math:`q^+ = 0` on the source and 1 on the target. The
    backward committor is that of the time-reversed chain from target to source; it is
    :math:`1 - q^+` if detailed balance holds (doi:10.1137/070699500).

    Examples
    --------
    >>> committor([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]], 0, 2).round(6)
    array([0. , 0.5, 1. ])
    """
    chain = as_chain(msm_or_T)
    first, last = as_pair(source, target, chain.n_states)
    a, b = chain.positions(first), chain.positions(last)
    if not (a.size and b.size):
        return np.full(chain.n_states, np.nan)
    return chain.expand(_committor(chain, a, b, forward), np.nan)


@references("metzner2009")
def gross_flux(msm_or_T: Any, source: States, target: States) -> NDArray[np.float64]:
    r"""Reactive flux through each edge, with its detours.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    source, target : int or iterable of int
        Disjoint sets of states.

    Returns
    -------
    ndarray, shape (n, n)
        Transitions per lag from row to column, in natural state order; zero for states that the model does not connect.

    Raises
    ------
    InputError
        If a set or the matrix cannot be used.
    DisconnectedError
        If some state of a bare matrix cannot be reached.

    Notes
    -----
    :math:`f_{ij} = \pi_i q^-_i T_{ij} q^+_j`, zero on the diagonal (doi:10.1137/070699500).

    Examples
    --------
    >>> gross_flux([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]], 0, 2)[0, 1].round(6)
    np.float64(0.0125)
    """
    chain = as_chain(msm_or_T)
    first, last = as_pair(source, target, chain.n_states)
    a, b = chain.positions(first), chain.positions(last)
    if not (a.size and b.size):
        return np.zeros((chain.n_states, chain.n_states))
    return chain.expand(_gross(chain, a, b), 0.0)


@references("metzner2009")
def net_flux(
    msm_or_T: Any, source: States, target: States, *, tolerance: float = FLUX_TOLERANCE
) -> NDArray[np.float64]:
    r"""Net reactive flux through each edge, in natural state order.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    source, target : int or iterable of int
        Disjoint sets of states.
    tolerance : float
        Fluxes below this part of the largest are rounding errors and set to zero.

    Returns
    -------
    ndarray, shape (n, n)
        Transitions per lag from row to column; no flux leaves the target or enters the source. Zero for states that
        the model does not connect.

    Raises
    ------
    InputError
        If a set or the matrix cannot be used.
    DisconnectedError
        If some state of a bare matrix cannot be reached.

    Notes
    -----
    :math:`f^+_{ij} = \max(0, f_{ij} - f_{ji})`; with detailed balance :math:`\pi_i T_{ij} \max(0, q^+_j - q^+_i)`, a
    network without cycles (doi:10.1137/070699500). Rows and columns keep the labels of the states, unlike those of a
    coarse-grained flux in deeptime, which are in the order source, intermediates, target.

    Examples
    --------
    >>> net_flux([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]], 0, 2).round(6)
    array([[0.    , 0.0125, 0.    ],
           [0.    , 0.    , 0.0125],
           [0.    , 0.    , 0.    ]])
    """
    chain = as_chain(msm_or_T)
    first, last = as_pair(source, target, chain.n_states)
    a, b = chain.positions(first), chain.positions(last)
    if not (a.size and b.size):
        return np.zeros((chain.n_states, chain.n_states))
    return chain.expand(set_net_flux(chain, a, b, tolerance), 0.0)


@references("metzner2009")
def total_flux(msm_or_T: Any, source: States, target: States) -> float:
    r"""Number of reactive passages per lag.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    source, target : int or iterable of int
        Disjoint sets of states.

    Returns
    -------
    float
        Flux that leaves the source, per lag; zero if the model does not connect the two.

    Raises
    ------
    InputError
        If a set or the matrix cannot be used.
    DisconnectedError
        If some state of a bare matrix cannot be reached.

    Notes
    -----
    :math:`F = \sum_{i \in A, j} f_{ij}`.

    Examples
    --------
    >>> round(total_flux([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]], 0, 2), 6)
    0.0125
    """
    chain = as_chain(msm_or_T)
    first, _ = as_pair(source, target, chain.n_states)
    return float(gross_flux(chain, source, target)[first].sum())


@references("metzner2009")
def rate(msm_or_T: Any, source: States, target: States, *, lag: int = 1, frame_time: float = 1.0) -> float:
    r"""Rate of the transition from source to target.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    source, target : int or iterable of int
        Disjoint sets of states.
    lag : int
        Lag in frames of a bare matrix; a model knows its own.
    frame_time : float
        Time between frames; the rate is per this unit of time.

    Returns
    -------
    float
        Rate; its inverse is the mean first-passage time. It is nan if the model does not connect the two.

    Raises
    ------
    InputError
        If a set, the matrix or a time cannot be used.
    DisconnectedError
        If some state of a bare matrix cannot be reached.

    Notes
    -----
    :math:`k_{AB} = F / (\tau \sum_i \pi_i q^-_i)`.

    Examples
    --------
    >>> round(rate([[0.8, 0.2], [0.1, 0.9]], 0, 1), 6)
    0.2
    """
    chain = as_chain(msm_or_T, lag=lag)
    time = chain.lag * check_frame_time(frame_time)
    first, last = as_pair(source, target, chain.n_states)
    a, b = chain.positions(first), chain.positions(last)
    if not (a.size and b.size):
        return float("nan")
    flux = _gross(chain, a, b)[a].sum()
    return float(flux / (chain.stationary_distribution @ _committor(chain, a, b, forward=False)) / time)


@references("metzner2009")
def mfpt(msm_or_T: Any, source: States, target: States, *, lag: int = 1, frame_time: float = 1.0) -> float:
    r"""Mean first-passage time between two sets of states, by transition path theory.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    source, target : int or iterable of int
        States where the passage begins and ends.
    lag : int
        Lag in frames of a bare matrix; a model knows its own.
    frame_time : float
        Time between frames; the result has its unit.

    Returns
    -------
    float
        Inverse of the transition rate; nan if the model does not connect the two.

    Raises
    ------
    InputError
        If a set or the matrix cannot be used.
    DisconnectedError
        If some state of a bare matrix cannot be reached.

    Notes
    -----
    :math:`1 / k_{AB} = \tau \sum_i \pi_i q_i^- / \sum_{i \in A, j} f_{ij}`,
    for single states the same as `mfpt_matrix`.

    Examples
    --------
    >>> round(mfpt([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]], 0, 2), 6)
    40.0
    """
    return 1.0 / rate(msm_or_T, source, target, lag=lag, frame_time=frame_time)


def all_net_fluxes(chain: Chain, tolerance: float = FLUX_TOLERANCE) -> Iterator[NDArray[np.float64]]:
    """Net fluxes of all ordered pairs, one source at a time.

    Yields
    ------
    ndarray, shape (m, m, m)
        For each source, the net flux matrix for each target; zero for the source itself.

    Notes
    -----
    The probability to reach e before s is ``(m_is + m_se - m_ie) / (m_se + m_es)`` with mean first-passage times m:
    one matrix inverse gives the committors of all pairs.
    """
    times = _times_of(chain)
    for source in range(len(chain.states)):
        yield _pair_net_fluxes(chain, times, source, tolerance)


def flow_of(chain: Chain) -> NDArray[np.float64]:
    """Probability of each transition of a reversible chain in equilibrium, symmetric to the last digit."""
    flow = chain.stationary_distribution[:, None] * chain.transition_matrix
    return np.asarray(0.5 * (flow + flow.T))


def pair_net_fluxes(
    flows: NDArray[np.float64], source: NDArray[np.intp], target: NDArray[np.intp], tolerance: float
) -> NDArray[np.float64]:
    """Net fluxes of pairs of states (p,) in many reversible networks (k, m, m), up to a factor: shape (k, p, m, m).

    Notes
    -----
    Flows are the conductances of a network in which the committor is the potential: one inverse of its Laplacian gives
    the potentials of all pairs, and only differences of potential enter, whatever the time that ions stay.
    """
    size = flows.shape[-1]
    hops = flows * (1.0 - np.eye(size))
    hops = hops / hops.max(axis=(-1, -2), keepdims=True)
    laplacian = -hops
    i = np.arange(size)
    laplacian[:, i, i] = hops.sum(axis=-1)
    potential = np.linalg.inv(laplacian + 1.0 / size)
    drop = potential[:, source] - potential[:, target]
    flux = np.maximum(drop[..., :, None] - drop[..., None, :], 0.0)
    flux *= hops[:, None]
    p = np.arange(source.size)
    flux[:, p, :, source] = 0.0
    flux[:, p, target, :] = 0.0
    return _clean(flux, tolerance)


def set_net_flux(
    chain: Chain, source: NDArray[np.intp], target: NDArray[np.intp], tolerance: float
) -> NDArray[np.float64]:
    """Net flux between two sets of rows."""
    flux = _net(chain, _committor(chain, source, target, True), _committor(chain, source, target, False))
    flux[:, source] = 0.0
    flux[target, :] = 0.0
    return _clean(flux, tolerance)


def _times_of(chain: Chain) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    times = passage_times(chain.transition_matrix, chain.stationary_distribution)
    if chain.reversible:
        return times, times
    return times, passage_times(time_reversed(chain), chain.stationary_distribution)


def _pair_net_fluxes(
    chain: Chain, times: tuple[NDArray[np.float64], NDArray[np.float64]], s: int, tolerance: float
) -> NDArray[np.float64]:
    forward = _reach_before(times[0], s)
    # Backwards in time the roles of the two ends are exchanged: to have come from s is to reach s before e.
    backward = 1.0 - (forward if chain.reversible else _reach_before(times[1], s))
    flux = _net(chain, forward, backward)
    flux[:, :, s] = 0.0
    targets = np.arange(len(chain.states))
    flux[targets, targets, :] = 0.0
    flux[s] = 0.0
    return _clean(flux, tolerance)


def _reach_before(times: NDArray[np.float64], s: int) -> NDArray[np.float64]:
    """Probability, for each target e (rows) and state i (columns), to reach e before s."""
    both = times[s, :] + times[:, s]
    both[s] = 1.0
    reach = (times[None, :, s] + times[s, :, None] - times.T) / both[:, None]
    reach[:, s] = 0.0
    np.fill_diagonal(reach, 1.0)
    return np.clip(reach, 0.0, 1.0)


def _committor(chain: Chain, source: NDArray[np.intp], target: NDArray[np.intp], forward: bool) -> NDArray[np.float64]:
    if not forward:
        if chain.reversible:
            return 1.0 - _committor(chain, source, target, True)
        return _hit(time_reversed(chain), target, source)
    return _hit(chain.transition_matrix, source, target)


def _hit(matrix: NDArray[np.float64], avoid: NDArray[np.intp], reach: NDArray[np.intp]) -> NDArray[np.float64]:
    inner = np.setdiff1d(np.arange(len(matrix)), np.concatenate([avoid, reach]))
    value = np.zeros(len(matrix))
    value[reach] = 1.0
    if inner.size:
        hops = matrix - np.diag(np.diag(matrix))
        hops = hops[inner] / hops[inner].sum(axis=1, keepdims=True)  # the chain of actual hops: slow states do no harm
        system = np.eye(inner.size) - hops[:, inner]
        value[inner] = np.clip(np.linalg.solve(system, hops[:, reach].sum(axis=1)), 0.0, 1.0)
    return value


def _flow(chain: Chain) -> NDArray[np.float64]:
    flow = chain.stationary_distribution[:, None] * chain.transition_matrix
    np.fill_diagonal(flow, 0.0)
    return 0.5 * (flow + flow.T) if chain.reversible else flow


def _gross(chain: Chain, source: NDArray[np.intp], target: NDArray[np.intp]) -> NDArray[np.float64]:
    forward = _committor(chain, source, target, True)
    backward = _committor(chain, source, target, False)
    return backward[:, None] * _flow(chain) * forward[None, :]


def _net(chain: Chain, forward: NDArray[np.float64], backward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Net flux for committors of shape (..., m)."""
    flow = _flow(chain)
    if chain.reversible:
        return flow * np.maximum(0.0, forward[..., None, :] - forward[..., :, None])
    gross = backward[..., :, None] * flow * forward[..., None, :]
    return np.maximum(0.0, gross - np.swapaxes(gross, -1, -2))


def _clean(flux: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    if not 0 <= tolerance < 1:
        raise InputError("tolerance", need="a number from 0 to below 1", got=repr(tolerance))
    flux[flux < tolerance * flux.max(axis=(-1, -2), keepdims=True)] = 0.0
    return flux
