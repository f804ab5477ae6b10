"""Path entropy: how many ways an ion has from one site to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats
from ionpath.citations import references
from ionpath.compiled import kernels
from ionpath.errors import one_of, whole
from ionpath.markov.chain import as_chain
from ionpath.markov.inputs import States
from ionpath.paths.fluxes import FLUX_TOLERANCE, conductances, ends_of, flow_of, pair_net_fluxes, set_net_flux
from ionpath.paths.walks import closed_form, edge_entropy, row_stochastic, walk_entropy
from ionpath.units import entropy_factor

DEFINITIONS = ("pathway", "unlimited", "flux", "flux-row")
COMPILED_FROM = 20
"""Networks from which on a compiled loop pays."""
_AT_ONCE = 2_000_000  # fluxes that are held at a time


@typed
@references("guan2024", "metzner2009", "ekroot1993")
def path_entropy(
    msm_or_T: Any,
    source: States,
    target: States,
    *,
    definition: str = "pathway",
    max_edges: int = 4,
    unit: str = "J/mol/K",
    tolerance: float = FLUX_TOLERANCE,
) -> float:
    r"""Entropy of the paths from source to target.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    source, target : int or iterable of int
        Disjoint sets of states. Paths from a set begin in each of its states in proportion to the flux that leaves it,
        and the choice of the first state counts as a choice. States that the model does not connect are left out.
    definition : {"pathway", "unlimited", "flux", "flux-row"}
        What is counted, see Notes.
    max_edges : int
        Longest path, for "pathway" only. The probability of longer paths is not shared out among the shorter ones.
    unit : {"J/mol/K", "R", "nat"}
        Unit of the result.
    tolerance : float
        Net fluxes below this part of the largest are rounding errors and set to zero.

    Returns
    -------
    float
        Path entropy; zero if the model does not connect source and target (no path was observed).

    Raises
    ------
    DisconnectedError
        If some state of a bare matrix cannot be reached.

    Notes
    -----
    With the net flux :math:`f^+` and the probability of a step :math:`P_{ij} = f^+_{ij} / \sum_k f^+_{ik}`:

    * "pathway": :math:`S = -k \sum_w p_w \ln p_w` over all walks :math:`w` of at most `max_edges` steps that stop when
      they arrive, :math:`p_w = \prod P`. This is what the code released with arXiv:2412.07115 computes, with the
      states in their own order;
    * "unlimited": the same without a limit, in closed form (doi:10.1109/18.243461):
      :math:`S = k \sum_i N_{si} h_i`, :math:`N = (1 - Q)^{-1}` over the states that are not target,
      :math:`h_i = -\sum_j P_{ij} \ln P_{ij}`;
    * "flux": Eq. 1 of arXiv:2412.07115 as printed, :math:`S = -k \sum_{i \ne j} f'_{ij} \ln f'_{ij}` with
      :math:`f' = f^+ / \sum f^+`, an entropy of edges and not of paths;
    * "flux-row": the same with :math:`f'_{ij} = P_{ij}`.

    Examples
    --------
    A chain has one path, a square has two:

    >>> path_entropy([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]], 0, 2)
    0.0
    >>> square = [[0.8, 0.1, 0.0, 0.1], [0.1, 0.8, 0.1, 0.0], [0.0, 0.1, 0.8, 0.1], [0.1, 0.0, 0.1, 0.8]]
    >>> round(path_entropy(square, 0, 2, unit="nat"), 6)
    0.693147
    """
    factor = _check(definition, max_edges, unit)
    chain, a, b = ends_of(msm_or_T, source, target)
    if not (a.size and b.size):
        return 0.0
    flux = set_net_flux(chain, a, b, tolerance)[None]
    is_target = np.zeros((1, len(chain.states)), dtype=bool)
    is_target[0, b] = True
    start = np.zeros((1, len(chain.states)))
    start[0, a] = flux[0, a].sum(axis=1) / flux[0, a].sum()
    return float(_entropies(flux, start, is_target, definition, max_edges)[0] * factor)


@typed
@references("guan2024", "metzner2009", "ekroot1993")
def path_entropy_matrix(
    msm_or_T: Any,
    *,
    definition: str = "pathway",
    max_edges: int = 4,
    unit: str = "J/mol/K",
    tolerance: float = FLUX_TOLERANCE,
) -> Floats:
    """Path entropies of all ordered pairs of states, at once.

    Parameters
    ----------
    msm_or_T, definition, max_edges, unit, tolerance
        See `path_entropy`.

    Returns
    -------
    ndarray, shape (n, n)
        Entropy from row to column in natural state order; zero on the diagonal, and zero for states that the model does
        not connect (no path was observed; `path_entropy_summary` tells their labels).

    Notes
    -----
    Committors of all pairs come from one matrix inverse, and the sums over walks from products of matrices, see
    `ionpath.paths.walks`. With detailed balance the matrix is symmetric but for "flux-row".

    Examples
    --------
    >>> square = [[0.8, 0.1, 0.0, 0.1], [0.1, 0.8, 0.1, 0.0], [0.0, 0.1, 0.8, 0.1], [0.1, 0.0, 0.1, 0.8]]
    >>> path_entropy_matrix(square, unit="nat")[0].round(6)
    array([0.      , 0.562335, 0.693147, 0.562335])
    """
    factor = _check(definition, max_edges, unit)
    chain = as_chain(msm_or_T)
    return chain.expand(factor * flow_entropies(flow_of(chain)[None], definition, max_edges, tolerance)[0], 0.0)


def flow_entropies(flows: Floats, definition: str, max_edges: int, tolerance: float = FLUX_TOLERANCE) -> Floats:
    """Entropies in nats of all ordered pairs of many networks of flows, shape (k, m, m)."""
    size = flows.shape[-1]
    found = np.zeros(flows.shape)
    if size < 2:
        return found
    # With detailed balance the paths backwards are the same, each with the same share.
    mirrored = definition != "flux-row" and bool((flows == flows.swapaxes(-1, -2)).all())
    compiled = kernels() if mirrored and definition == "pathway" and len(flows) >= COMPILED_FROM else None
    if compiled is not None:
        hops, potential = conductances(flows)
        compiled.walk_entropies(potential, hops, tolerance, max_edges, found)
        return found
    pairs = np.argwhere(np.triu(np.ones((size, size)), 1) if mirrored else ~np.eye(size, dtype=bool))
    few = max(1, _AT_ONCE // size**2)
    for at in range(0, len(pairs), few):
        source, target = pairs[at : at + few].T
        is_target, start = np.eye(size, dtype=bool)[target], np.eye(size)[source]
        step = max(1, few // len(source))
        for first in range(0, len(flows), step):
            part = slice(first, first + step)
            flux = pair_net_fluxes(flows[part], source, target, tolerance)
            found[part, source, target] = _entropies(flux, start, is_target, definition, max_edges)
    return found + found.swapaxes(-1, -2) if mirrored else found


def _entropies(flux: Floats, start: Floats, is_target: Bools, definition: str, max_edges: int) -> Floats:
    """Entropies in nats of a stack of flux networks (k, m, m)."""
    if definition == "flux":
        return edge_entropy(flux, rows=False)
    if definition == "flux-row":
        return edge_entropy(flux, rows=True)
    steps = row_stochastic(flux)
    if definition == "unlimited":
        return closed_form(steps, start, is_target)
    return walk_entropy(steps, start, is_target, max_edges)


def _check(definition: str, max_edges: int, unit: str) -> float:
    one_of("definition", definition, DEFINITIONS)
    whole("max_edges", max_edges)
    return entropy_factor(unit)
