"""Sums over walks on a network of fluxes, by matrix products instead of enumeration. Entropies here are in nats."""

from __future__ import annotations

import numpy as np

from ionpath.arrays import Bools, Floats


def row_stochastic(flux: Floats) -> Floats:
    """Probabilities of the next step: each row divided by its sum, rows without flux left at zero."""
    sums = flux.sum(axis=-1, keepdims=True)
    return np.divide(flux, sums, out=np.zeros_like(flux), where=sums > 0)


def p_log_p(values: Floats) -> Floats:
    """``p ln p``, zero at p = 0."""
    return values * np.log(np.where(values > 0, values, 1.0))


def walk_entropy(steps: Floats, start: Floats, is_target: Bools, max_edges: int, *, clip: bool = True) -> Floats:
    r"""Entropy of all walks of at most `max_edges` steps that stop on arrival.

    Let a be the summed weight of the walks of one length that end in a state, and b their summed :math:`p \ln p`. One
    step more turns them into :math:`a P` and :math:`b P + a (P \ln P)`, for :math:`pq \ln pq = (p \ln p) q + p (q \ln
    q)`: exact, without visiting a single walk.
    """
    step_logs = p_log_p(steps)
    both = np.stack(np.broadcast_arrays(p_log_p(start), start), axis=-2)
    both = np.broadcast_to(both, (*steps.shape[:-2], 2, steps.shape[-1]))
    entropy = np.zeros(steps.shape[:-2])
    for _ in range(max_edges):
        further = both @ steps
        further[..., 0, :] += (both[..., 1:, :] @ step_logs)[..., 0, :]
        both = further
        entropy -= np.where(is_target, both[..., 0, :], 0.0).sum(axis=-1)
    return np.maximum(entropy, 0.0) if clip else entropy


def arrival_probability(steps: Floats, start: Floats, is_target: Bools, max_edges: int) -> Floats:
    """Summed probability of the walks that `walk_entropy` counts."""
    weight = start[:, None, :]
    arrived = np.zeros(len(steps))
    for _ in range(max_edges):
        weight = weight @ steps
        arrived += np.where(is_target, weight[:, 0, :], 0.0).sum(axis=-1)
    return arrived


def closed_form(steps: Floats, start: Floats, is_target: Bools) -> Floats:
    """Entropy of all walks of any length that stop on arrival."""
    start = np.broadcast_to(start, steps.shape[:-1])
    inner = np.where(is_target[..., :, None], 0.0, steps)
    transient = np.where(is_target[..., None, :], 0.0, inner)
    system = np.eye(steps.shape[-1]) - np.swapaxes(transient, -1, -2)
    visits = np.linalg.solve(system, start[..., None])[..., 0]
    step_entropy = -p_log_p(inner).sum(axis=-1)
    return np.maximum((visits * step_entropy).sum(axis=-1) - p_log_p(start).sum(axis=-1), 0.0)


def edge_entropy(flux: Floats, *, rows: bool) -> Floats:
    """Entropy of the edges of a flux network."""
    if rows:
        return np.maximum(-p_log_p(row_stochastic(flux)).sum(axis=(-1, -2)), 0.0)
    total = flux.sum(axis=(-1, -2), keepdims=True)
    share = np.divide(flux, total, out=np.zeros_like(flux), where=total > 0)
    return np.maximum(-p_log_p(share).sum(axis=(-1, -2)), 0.0)
