"""Path entropy exactly as the code released with arXiv:2412.07115 computes it, for comparison with published numbers.

Differences from `path_entropy_matrix`: one model per ion instead of one for all, and the net flux of each pair is
kept in the order (source, intermediates, target) but read as if it were in the order of the states.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices, Ints
from ionpath.citations import references
from ionpath.errors import InputError, one_of
from ionpath.markov.chain import Chain, largest_set
from ionpath.markov.counting import count_matrices
from ionpath.markov.estimation import MAXIMUM_ERROR
from ionpath.markov.inputs import Trajectories
from ionpath.paths.walks import walk_entropy

RELEASED_GAS_CONSTANT = 8.314462618
"""Gas constant of the release, J/mol/K; its missing digits change a total of 124 J/mol/K by 2e-9."""

EMPTY_ROW = 10 * np.finfo(float).eps
"""Rows of the mean flux with a smaller sum are rounding errors, which the release leaves as they are."""


@typed
@references("guan2024", "metzner2009", "deeptime")
def released_path_entropy(
    dtrajs: Trajectories,
    lag: int,
    *,
    n_states: int,
    counts_ratio: float = 0.15,
    max_edges: int = 4,
    index_order: str = "released",
    normalisation: str = "l1",
    unit: str = "J/mol/K",
) -> float:
    r"""Total path entropy over all ordered pairs of states, as in the public release.

    Parameters
    ----------
    dtrajs : array_like of int, shape (n_ions, n_frames), or sequence of (n_frames_i,) arrays
        State of each ion in each frame; state 0 is external, -1 is not used in the release and left out of the counts.
    lag : int
        Lag in frames.
    n_states : int
        Number of states, the external one included.
    counts_ratio : float
        A pair that a smaller part of the ions visits has no entropy. The release averages totals over 0.14, 0.15
        and 0.16.
    max_edges : int
        Longest walk.
    index_order : {"released", "natural"}
        Read the flux of a pair in the order (source, intermediates, target) as if it were that of the states, or
        keep each flux with its states.
    normalisation : {"l1", "l2"}
        Divide rows by their sum, or by their Euclidean norm as the first generation of the release does (rows are then
        no probabilities).
    unit : {"J/mol/K", "R", "nat"}
        Unit of the result.

    Returns
    -------
    float
        Total path entropy.

    Notes
    -----
    Per ion: sliding counts, reversible maximum-likelihood model on the largest connected set; ions that visit a single
    state are left out. For each ordered pair the net fluxes are averaged over the ions that visit both ends (missing
    states count zero) and rows are normalised but for those with a sum below 10 machine epsilons. Then
    :math:`-R \sum p \ln p` over walks of at most `max_edges` steps that stop on arrival.

    With ``index_order="released"`` the edge of source and target alone is where it belongs: flux into the external
    state of another pair is lost, and all entropies into state 0 are zero. Setting ``index_order="natural"`` shows what
    this changes; ``normalisation="l2", counts_ratio=0, unit="nat"`` gives the numbers of the first generation.

    Examples
    --------
    Two ions hopping on a triangle:

    >>> from deeptime.markov.msm import MarkovStateModel
    >>> triangle = MarkovStateModel([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    >>> ions = [triangle.simulate(5000, seed=s) for s in (1, 2)]
    >>> round(released_path_entropy(ions, 1, n_states=3, index_order="natural") / 6, 1)
    5.3
    """
    factor = _factor(unit)
    one_of("index_order", index_order, ("released", "natural"))
    one_of("normalisation", normalisation, ("l1", "l2"))
    if not 0 <= counts_ratio <= 1:
        raise InputError("counts_ratio", need="a part of the ions from 0 to 1", got=repr(counts_ratio))
    counts = count_matrices(dtrajs, lag, n_states=n_states)
    chains = [_fit(one / lag) for one in counts if one.any()]
    flux, visits = _mean_flux([c for c in chains if c.states.size > 1], n_states, index_order == "released")
    steps = _normalise(flux, normalisation)
    pairs = np.argwhere((visits > 0) & (visits / len(counts) >= counts_ratio))
    if not len(pairs):
        return 0.0
    source, target = pairs.T
    walks = steps[source, target]
    k = np.arange(len(pairs))
    walks[k, target, :] = 0.0
    is_target = np.zeros((len(pairs), n_states), dtype=bool)
    is_target[k, target] = True
    start = np.zeros((len(pairs), n_states))
    start[k, source] = 1.0
    return float(walk_entropy(walks, start, is_target, max_edges, clip=False).sum() * factor)


def _fit(counts: Floats) -> Chain:
    """Model of one ion with the stationary distribution as the estimator leaves it, rounding included."""
    from deeptime.markov.tools.estimation import transition_matrix

    states = largest_set(counts)
    matrix, weight = np.ones((1, 1)), np.ones(1)
    if states.size > 1:
        inner = counts[np.ix_(states, states)]
        matrix, weight = transition_matrix(inner, reversible=True, return_statdist=True, maxerr=MAXIMUM_ERROR)
    return Chain(matrix, weight, states, len(counts), 1, True)


def _factor(unit: str) -> float:
    from ionpath.units import entropy_factor

    return RELEASED_GAS_CONSTANT if unit == "J/mol/K" else entropy_factor(unit)


def _mean_flux(chains: list[Chain], n_states: int, released_order: bool) -> tuple[Floats, Ints]:
    """Net flux of each ordered pair, averaged over the ions that visit both, and the number of those ions."""
    total = np.zeros((n_states,) * 4)
    visits = np.zeros((n_states, n_states), dtype=np.int64)
    by_size: dict[int, list[Chain]] = defaultdict(list)
    for chain in chains:
        by_size[chain.states.size].append(chain)
    for size, group in by_size.items():
        a, b = np.nonzero(~np.eye(size, dtype=bool))
        flux = _net_fluxes(group, a, b)
        if released_order:
            order = np.array([[i, *[k for k in range(size) if k not in (i, j)], j] for i, j in zip(a, b, strict=True)])
            flux = flux[:, np.arange(a.size)[:, None, None], order[:, :, None], order[:, None, :]]
        for chain, fluxes in zip(group, flux, strict=True):
            s = chain.states
            total[s[a][:, None, None], s[b][:, None, None], s[:, None], s[None, :]] += fluxes
            visits[s[a], s[b]] += 1
    return total / np.maximum(visits, 1)[:, :, None, None], visits


def _net_fluxes(group: list[Chain], a: Indices, b: Indices) -> Floats:
    """Net fluxes (ions, pairs, m, m): one linear system per pair, whose rounding errors are part of the result."""
    matrices = np.array([chain.transition_matrix for chain in group])
    weights = np.array([chain.stationary_distribution for chain in group])
    size = matrices.shape[-1]
    pairs = np.arange(a.size)
    system = np.repeat((matrices - np.eye(size))[:, None], a.size, axis=1)
    for end in (a, b):
        system[:, pairs, end, :] = 0.0
        system[:, pairs, end, end] = 1.0
    right = np.zeros((len(group), a.size, size, 1))
    right[:, pairs, b, 0] = 1.0
    forward = np.linalg.solve(system, right)[..., 0]
    flow = weights[:, :, None] * matrices
    flow[:, np.arange(size), np.arange(size)] = 0.0
    gross = (1.0 - forward)[..., :, None] * flow[:, None] * forward[..., None, :]
    return np.maximum(gross - np.swapaxes(gross, -1, -2), 0.0)


def _normalise(flux: Floats, normalisation: str) -> Floats:
    sums = flux.sum(axis=-1, keepdims=True)
    norm = sums if normalisation == "l1" else np.linalg.norm(flux, axis=-1, keepdims=True)
    return np.divide(flux, norm, out=flux.copy(), where=sums >= EMPTY_ROW)
