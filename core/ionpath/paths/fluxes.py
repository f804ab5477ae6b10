"""Transition path theory: committors, reactive fluxes, rates, in natural state order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.citations import references
from ionpath.errors import InputError, positive
from ionpath.markov.chain import Chain, as_chain
from ionpath.markov.inputs import States, as_pair
from ionpath.paths.passage import time_reversed

FLUX_TOLERANCE = 1e-12
"""Net fluxes below this part of the largest one are rounding errors and set to zero."""


@typed
@references("metzner2009")
def committor(msm_or_T: Any, source: States, target: States, *, forward: bool = True) -> Floats:
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
    chain, a, b = ends_of(msm_or_T, source, target)
    if not (a.size and b.size):
        return np.full(chain.n_states, np.nan)
    return chain.expand(_committor(chain, a, b, forward), np.nan)


@typed
@references("metzner2009")
def gross_flux(msm_or_T: Any, source: States, target: States) -> Floats:
    r"""Reactive flux through each edge, with its detours.

    Parameters
    ----------
    msm_or_T, source, target
        Model or row-stochastic matrix, and two disjoint sets of states, see `committor`.

    Returns
    -------
    ndarray, shape (n, n)
        Transitions per lag from row to column, in natural state order; zero for states that the model does not connect.

    Notes
    -----
    :math:`f_{ij} = \pi_i q^-_i T_{ij} q^+_j`, zero on the diagonal (doi:10.1137/070699500).

    Examples
    --------
    >>> gross_flux([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]], 0, 2)[0, 1].round(6)
    np.float64(0.0125)
    """
    chain, a, b = ends_of(msm_or_T, source, target)
    if not (a.size and b.size):
        return np.zeros((chain.n_states, chain.n_states))
    return chain.expand(_gross(chain, a, b), 0.0)


@typed
@references("metzner2009")
def net_flux(msm_or_T: Any, source: States, target: States, *, tolerance: float = FLUX_TOLERANCE) -> Floats:
    r"""Net reactive flux through each edge, in natural state order.

    Parameters
    ----------
    msm_or_T, source, target
        Model or row-stochastic matrix, and two disjoint sets of states, see `committor`.
    tolerance : float
        Fluxes below this part of the largest are rounding errors and set to zero.

    Returns
    -------
    ndarray, shape (n, n)
        Transitions per lag from row to column; no flux leaves the target or enters the source. Zero for states that
        the model does not connect.

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
    chain, a, b = ends_of(msm_or_T, source, target)
    if not (a.size and b.size):
        return np.zeros((chain.n_states, chain.n_states))
    return chain.expand(set_net_flux(chain, a, b, tolerance), 0.0)


@typed
@references("metzner2009")
def total_flux(msm_or_T: Any, source: States, target: States) -> float:
    r"""Number of reactive passages per lag.

    Parameters
    ----------
    msm_or_T, source, target
        Model or row-stochastic matrix, and two disjoint sets of states, see `committor`.

    Returns
    -------
    float
        Flux that leaves the source, per lag; zero if the model does not connect the two.

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


@typed
@references("metzner2009")
def rate(msm_or_T: Any, source: States, target: States, *, lag: int = 1, frame_time: float = 1.0) -> float:
    r"""Rate of the transition from source to target.

    Parameters
    ----------
    msm_or_T, source, target
        Model or row-stochastic matrix, and two disjoint sets of states, see `committor`.
    lag : int
        Lag in frames of a bare matrix; a model knows its own.
    frame_time : float
        Time between frames; the rate is per this unit of time.

    Returns
    -------
    float
        Rate; its inverse is the mean first-passage time. It is nan if the model does not connect the two.

    Notes
    -----
    :math:`k_{AB} = F / (\tau \sum_i \pi_i q^-_i)`.

    Examples
    --------
    >>> round(rate([[0.8, 0.2], [0.1, 0.9]], 0, 1), 6)
    0.2
    """
    chain, a, b = ends_of(msm_or_T, source, target, lag)
    time = chain.lag * positive("frame_time", frame_time)
    if not (a.size and b.size):
        return float("nan")
    flux = _gross(chain, a, b)[a].sum()
    return float(flux / (chain.stationary_distribution @ _committor(chain, a, b, forward=False)) / time)


@typed
@references("metzner2009")
def mfpt(msm_or_T: Any, source: States, target: States, *, lag: int = 1, frame_time: float = 1.0) -> float:
    r"""Mean first-passage time between two sets of states, by transition path theory.

    Parameters
    ----------
    msm_or_T, source, target, lag, frame_time
        See `rate`; the result has the unit of `frame_time`.

    Returns
    -------
    float
        Inverse of the transition rate; nan if the model does not connect the two.

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


def ends_of(msm_or_T: Any, source: States, target: States, lag: int = 1) -> tuple[Chain, Indices, Indices]:
    """Chain, and its rows in two disjoint sets of states."""
    chain = as_chain(msm_or_T, lag=lag)
    first, last = as_pair(source, target, chain.n_states)
    return chain, chain.positions(first), chain.positions(last)


def flow_of(chain: Chain) -> Floats:
    """Probability of each hop in equilibrium, zero on the diagonal; symmetric to the last digit if it is so."""
    flow = chain.stationary_distribution[:, None] * chain.transition_matrix
    np.fill_diagonal(flow, 0.0)
    return 0.5 * (flow + flow.T) if chain.reversible else flow


def conductances(flows: Floats) -> tuple[Floats, Floats]:
    """Hops of networks (k, m, m) as parts of the largest, and the inverse of their Laplacian, shifted by 1 / m."""
    size = flows.shape[-1]
    off = flows * (1.0 - np.eye(size))
    hops = off / off.max(axis=(-1, -2), keepdims=True)
    laplacian = hops.sum(axis=-1, keepdims=True) * np.eye(size) - hops
    return hops, np.linalg.inv(laplacian + 1.0 / size)


def pair_net_fluxes(flows: Floats, source: Indices, target: Indices, tolerance: float = FLUX_TOLERANCE) -> Floats:
    """Net fluxes of pairs of states (p,) in many networks (k, m, m), shape (k, p, m, m).

    Flows are the conductances of a network in which the committor is the potential: one inverse of its Laplacian holds
    the potentials of all pairs, and its transpose those of the chain backwards in time. What leaves a state also enters
    it, so that the Laplacian is singular for equal potentials alone, whatever the time that ions stay.
    """
    off = flows * (1.0 - np.eye(flows.shape[-1]))
    inverse = conductances(flows)[1]
    columns = inverse.swapaxes(-1, -2)
    forward = _scaled(columns[:, target] - columns[:, source], source, target)
    balanced = bool((off == off.swapaxes(-1, -2)).all())
    backward = 1.0 - forward if balanced else _scaled(inverse[:, source] - inverse[:, target], target, source)
    flux = _net(off[:, None], forward, backward, balanced)
    p = np.arange(source.size)
    flux[:, p, :, source] = 0.0
    flux[:, p, target, :] = 0.0
    return _clean(flux, tolerance)


def _scaled(potential: Floats, zero: Indices, one: Indices) -> Floats:
    """Potentials of pairs (k, p, m), as committors from 0 at one end to 1 at the other."""
    p = np.arange(zero.size)
    low = potential[:, p, zero][..., None]
    return np.clip((potential - low) / (potential[:, p, one][..., None] - low), 0.0, 1.0)


def set_net_flux(chain: Chain, source: Indices, target: Indices, tolerance: float) -> Floats:
    """Net flux between two sets of rows."""
    ends = _committor(chain, source, target, True), _committor(chain, source, target, False)
    flux = _net(flow_of(chain), *ends, chain.reversible)
    flux[:, source] = 0.0
    flux[target, :] = 0.0
    return _clean(flux, tolerance)


def _committor(chain: Chain, source: Indices, target: Indices, forward: bool) -> Floats:
    if not forward:
        if chain.reversible:
            return 1.0 - _committor(chain, source, target, True)
        return _hit(time_reversed(chain), target, source)
    return _hit(chain.transition_matrix, source, target)


def _hit(matrix: Floats, avoid: Indices, reach: Indices) -> Floats:
    inner = np.setdiff1d(np.arange(len(matrix)), np.concatenate([avoid, reach]))
    value = np.zeros(len(matrix))
    value[reach] = 1.0
    if inner.size:
        hops = matrix - np.diag(np.diag(matrix))
        hops = hops[inner] / hops[inner].sum(axis=1, keepdims=True)  # the chain of actual hops: slow states do no harm
        system = np.eye(inner.size) - hops[:, inner]
        value[inner] = np.clip(np.linalg.solve(system, hops[:, reach].sum(axis=1)), 0.0, 1.0)
    return value


def _gross(chain: Chain, source: Indices, target: Indices) -> Floats:
    forward = _committor(chain, source, target, True)
    backward = _committor(chain, source, target, False)
    return backward[:, None] * flow_of(chain) * forward[None, :]


def _net(flow: Floats, forward: Floats, backward: Floats, balanced: bool) -> Floats:
    """Net flux for committors of shape (..., m)."""
    if balanced:
        return flow * np.maximum(0.0, forward[..., None, :] - forward[..., :, None])
    gross = backward[..., :, None] * flow * forward[..., None, :]
    return np.maximum(0.0, gross - np.swapaxes(gross, -1, -2))


def _clean(flux: Floats, tolerance: float) -> Floats:
    if not 0 <= tolerance < 1:
        raise InputError("tolerance", need="a number from 0 to below 1", got=repr(tolerance))
    flux[flux < tolerance * flux.max(axis=(-1, -2), keepdims=True)] = 0.0
    return flux
