"""The pathways themselves, most important first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, whole
from ionpath.markov.inputs import States
from ionpath.msonable import Msonable
from ionpath.paths.fluxes import FLUX_TOLERANCE, ends_of, set_net_flux
from ionpath.paths.walks import row_stochastic

KINDS = ("probability", "capacity")


@documented
@dataclass(frozen=True, eq=False)
class Pathways(Msonable):
    """Pathways from a source to a target and their shares."""

    paths: tuple[tuple[int, ...], ...]  # state labels along each pathway, most important first
    shares: Floats  # (n_paths,): part of the total flux that takes each pathway
    fluxes: Floats  # (n_paths,): the same in passages per lag
    total_flux: float  # passages per lag over all pathways, listed or not
    kind: str  # "probability" or "capacity"

    @property
    def coverage(self) -> float:
        """Part of the total flux that the listed pathways carry."""
        return float(self.shares.sum())

    def __str__(self) -> str:
        lines = [
            f"{share:8.2%}  {' > '.join(map(str, path))}" for path, share in zip(self.paths, self.shares, strict=True)
        ]
        return "\n".join([*lines, f"{self.coverage:8.2%}  together"])


@typed
@references("metzner2009")
def pathways(
    msm_or_T: Any,
    source: States,
    target: States,
    *,
    kind: str = "probability",
    fraction: float = 0.99,
    max_paths: int = 1000,
    max_edges: int | None = None,
    tolerance: float = FLUX_TOLERANCE,
) -> Pathways:
    r"""Decompose the net flux into pathways, most important first.

    Parameters
    ----------
    msm_or_T, source, target
        Model or row-stochastic matrix, and two disjoint sets of states, see `committor`.
    kind : {"probability", "capacity"}
        Split the flux at each state as it splits, so that a pathway has the probability that enters the path entropy;
        or take the pathway with the widest bottleneck, subtract it, and repeat.
    fraction : float
        Stop when the listed pathways carry this part of the flux.
    max_paths : int
        Stop after this many pathways; `Pathways.coverage` tells what is then missing.
    max_edges : int, optional
        Leave out pathways with more steps; no limit by default. For "probability" only.
    tolerance : float
        Net fluxes below this part of the largest are rounding errors and set to zero.

    Returns
    -------
    Pathways
        Paths with their shares; none if the model does not connect source and target.

    Notes
    -----
    "probability": :math:`p_w = \prod P_{ij}`, :math:`P_{ij} = f^+_{ij} / \sum_k f^+_{ik}`, found in descending order by
    best-first search. "capacity": the decomposition of doi:10.1137/070699500, as in ``ReactiveFlux.pathways`` of
    deeptime; its shares depend on the order in which pathways are removed.

    Examples
    --------
    >>> square = [[0.8, 0.1, 0.0, 0.1], [0.1, 0.8, 0.1, 0.0], [0.0, 0.1, 0.8, 0.1], [0.1, 0.0, 0.1, 0.8]]
    >>> print(pathways(square, 0, 2))
      50.00%  0 > 1 > 2
      50.00%  0 > 3 > 2
     100.00%  together
    """
    _check(kind, fraction, max_paths, max_edges)
    chain, a, b = ends_of(msm_or_T, source, target)
    if not (a.size and b.size):
        return Pathways((), np.zeros(0), np.zeros(0), 0.0, kind)
    flux = set_net_flux(chain, a, b, tolerance)
    total = float(flux[a].sum())
    if kind == "probability":
        found = _by_probability(flux, a, set(b.tolist()), fraction, max_paths, max_edges)
    else:
        found = _by_capacity(flux, a, set(b.tolist()), fraction, max_paths)
    paths = tuple(tuple(int(chain.states[i]) for i in path) for _, path in found)
    shares = np.array([share for share, _ in found])
    return Pathways(paths, shares, shares * total, total, kind)


def _check(kind: str, fraction: float, max_paths: int, max_edges: int | None) -> None:
    one_of("kind", kind, KINDS)
    if not 0 < fraction <= 1:
        raise InputError("fraction", need="a part of the flux above 0 and up to 1", got=repr(fraction))
    whole("max_paths", max_paths)
    if max_edges is not None and (max_edges < 1 or kind != "probability"):
        raise InputError("max_edges", need="at least 1, with kind='probability'", got=f"{max_edges} with {kind!r}")


def _by_probability(
    flux: Floats, source: Indices, target: set[int], fraction: float, max_paths: int, max_edges: int | None
) -> list[tuple[float, tuple[int, ...]]]:
    steps = row_stochastic(flux)
    neighbours = [np.flatnonzero(row) for row in steps]
    out = flux[source].sum(axis=1)
    queue: list[tuple[float, tuple[int, ...]]] = [
        (-p, (int(i),)) for i, p in zip(source, out / out.sum(), strict=True) if p > 0
    ]
    heapq.heapify(queue)
    found: list[tuple[float, tuple[int, ...]]] = []
    covered = 0.0
    while queue and len(found) < max_paths and covered < fraction * (1 - 1e-12):
        negative, path = heapq.heappop(queue)
        if path[-1] in target:
            found.append((-negative, path))
            covered -= negative
        elif max_edges is None or len(path) <= max_edges:
            for j in neighbours[path[-1]]:
                heapq.heappush(queue, (negative * steps[path[-1], j], (*path, int(j))))
    return found


def _by_capacity(
    flux: Floats, source: Indices, target: set[int], fraction: float, max_paths: int
) -> list[tuple[float, tuple[int, ...]]]:
    left = flux.copy()
    total = flux[source].sum()
    noise = 1e-12 * flux.max()
    found: list[tuple[float, tuple[int, ...]]] = []
    covered = 0.0
    while len(found) < max_paths and covered < fraction * (1 - 1e-12):
        path = _widest(left, source.tolist(), target)
        if path is None:
            break
        edges = (list(path[:-1]), list(path[1:]))
        width = left[edges].min()
        left[edges] -= width
        left[left < noise] = 0.0
        found.append((float(width / total), path))
        covered += width / total
    return found


def _widest(flux: Floats, source: list[int], target: set[int]) -> tuple[int, ...] | None:
    """Path whose narrowest edge is widest, by a best-first search over widths."""
    queue: list[tuple[float, tuple[int, ...]]] = [(-np.inf, (i,)) for i in source]
    done: set[int] = set()
    while queue:
        negative, path = heapq.heappop(queue)
        here = path[-1]
        if here in target:
            return path
        if here in done:
            continue
        done.add(here)
        for j in np.flatnonzero(flux[here]):
            if int(j) not in done:
                heapq.heappush(queue, (max(negative, -flux[here, j]), (*path, int(j))))
    return None
