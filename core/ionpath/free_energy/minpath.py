"""Minimum free-energy path between two points of a surface, and the barrier along it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Finite, Floats, Indices, Ints
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.free_energy.basins import _neighbour_table
from ionpath.free_energy.surface import FreeEnergySurface
from ionpath.lines import equal_arcs
from ionpath.msonable import Msonable

IMAGES, RELAXATIONS = 60, 400
"""Points of a path on the interpolated surface, and how often they are moved."""


@documented
@dataclass(frozen=True)
class MinimumPath(Msonable):
    """Path whose highest point is as low as possible."""

    points: Floats  # (n, n_variables): points from start to end
    energies: Floats  # (n,): free energy along it in kJ/mol
    barrier: float  # highest point above the start, kJ/mol
    reverse_barrier: float  # highest point above the end, kJ/mol
    saddle: tuple[float, ...]  # variables at the highest point


@typed
def minimum_path(surface: FreeEnergySurface, start: Finite, end: Finite, *, string: bool = False) -> MinimumPath:
    """Path between two points whose highest free energy is the lowest possible, among these the lowest altogether.

    Parameters
    ----------
    surface : FreeEnergySurface
        Free energy in kJ/mol, of any number of variables.
    start, end : array_like, (n_variables,)
        Values of the variables; the nearest grid points are taken.
    string : bool
        Relax the path off the grid afterwards with the string method on the interpolated surface.

    Returns
    -------
    MinimumPath
        Path and barriers on the full surface, not on a projection of it.

    Raises
    ------
    InputError
        If an end was never sampled, or no sampled points connect them.

    Notes
    -----
    The saddle is exact on the grid: the highest point of the path is the minimax over all paths. Among those paths the
    one of least ``integral (F - F_min + 1) ds`` below the saddle is returned (Dijkstra, twice). The string method is
    that of E, Ren and Vanden-Eijnden (doi:10.1063/1.2720838).

    Examples
    --------
    >>> x, y = np.linspace(-1.5, 1.5, 61), np.linspace(-1, 1, 41)
    >>> values = 20 * (x[:, None] ** 2 - 1) ** 2 + 30 * (y - 0.2) ** 2
    >>> path = minimum_path(FreeEnergySurface((x, y), values, ("x", "y"), (None, None)), (-1, 0.2), (1, 0.2))
    >>> round(path.barrier, 6), [round(c, 6) + 0.0 for c in path.saddle]
    (20.0, [0.0, 0.2])
    """
    first, last = (_flat(surface, place, name) for place, name in ((start, "start"), (end, "end")))
    flat = np.where(np.isfinite(surface.values), surface.values, np.inf).ravel()
    neighbours = _neighbour_table(surface)
    top = _lowest_maximum(flat, neighbours, first, last)
    if not np.isfinite(top):
        got = "two separate sampled regions"
        remedy = "sample for longer, or choose other basins"
        raise InputError("surface", need="sampled points all the way between start and end", got=got, remedy=remedy)
    trace = _shortest(surface, flat, neighbours, first, last, top)
    index = np.array(np.unravel_index(trace, surface.values.shape)).T
    points, energies = surface.point(index), flat[trace]
    if string and len(points) > 3:
        points, energies = relax_string(surface, points)
    high = int(energies.argmax())
    return MinimumPath(
        points, energies, float(energies[high] - energies[0]), float(energies[high] - energies[-1]),
        tuple(map(float, points[high])),
    )  # fmt: skip


def _flat(surface: FreeEnergySurface, point: ArrayLike, name: str) -> int:
    index = surface.index(point)
    if not np.isfinite(surface.values[index]):
        got = f"{np.asarray(point).round(3).tolist()}, where the surface is not finite"
        raise InputError(name, need="a sampled point", got=got, remedy="take the minimum of a basin (find_basins)")
    return int(np.ravel_multi_index(index, surface.values.shape))


def _edges(neighbours: Ints, usable: Bools) -> tuple[Indices, ...]:
    """Pairs of usable neighbours (i < j), and which move of the table joins them."""
    here = np.broadcast_to(np.arange(len(neighbours))[:, None], neighbours.shape)
    keep = (neighbours > here) & usable[:, None] & usable[np.maximum(neighbours, 0)]
    moves = np.broadcast_to(np.arange(neighbours.shape[1]), neighbours.shape)
    return here[keep], neighbours[keep].astype(np.intp), moves[keep]


def _lowest_maximum(flat: Floats, neighbours: Ints, first: int, last: int) -> float:
    """Smallest possible highest value on the way from first to last: along the minimum spanning tree."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    usable = np.isfinite(flat)
    i, j, _ = _edges(neighbours, usable)
    height = np.maximum(flat[i], flat[j]) - flat[usable].min() + 1.0  # an edge of weight 0 would be none
    tree = minimum_spanning_tree(coo_matrix((height, (i, j)), shape=(flat.size, flat.size)).tocsr())
    _, came = breadth_first_order(tree, first, directed=False, return_predecessors=True)
    if first != last and came[last] < 0:
        return float("inf")
    top, at = float(flat[last]), last
    while at != first:
        at = int(came[at])
        top = max(top, float(flat[at]))
    return top


def _shortest(
    surface: FreeEnergySurface, flat: Floats, neighbours: Ints, first: int, last: int, top: float
) -> list[int]:
    """Path of least action among those that stay at or below the saddle."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra

    allowed = flat <= top + 1e-9
    i, j, move = _edges(neighbours, allowed)
    cost = flat - flat[allowed].min() + 1.0
    moves = [step for step in itertools.product((-1, 0, 1), repeat=surface.ndim) if any(step)]  # in grid spacings
    weight = np.linalg.norm(moves, axis=1)[move] * 0.5 * (cost[i] + cost[j])
    graph = coo_matrix((weight, (i, j)), shape=(flat.size, flat.size)).tocsr()
    _, came = dijkstra(graph, directed=False, indices=first, return_predecessors=True)
    trace = [last]
    while trace[-1] != first:
        trace.append(int(came[trace[-1]]))
    return trace[::-1]


def relax_string(surface: FreeEnergySurface, points: Floats) -> tuple[Floats, Floats]:
    """Relax a path on the interpolated surface with the simplified string method."""
    from scipy.ndimage import map_coordinates, spline_filter

    finite = surface.values[np.isfinite(surface.values)]
    filled = np.where(np.isfinite(surface.values), surface.values, finite.max())
    mode = "grid-wrap" if all(p is not None for p in surface.periods) else "nearest"
    spline = spline_filter(filled, order=3, mode=mode)
    origin, spacing = np.array([axis[0] for axis in surface.axes]), surface.spacing
    widths = np.array([len(a) if p is not None else np.inf for a, p in zip(surface.axes, surface.periods, strict=True)])

    def energy(x: Floats) -> Floats:
        inside = np.where(np.isfinite(widths), np.mod(x, np.where(np.isfinite(widths), widths, 1.0)), x)
        return np.asarray(map_coordinates(spline, inside.T, order=3, mode=mode, prefilter=False))

    x = equal_arcs(_continuous((points - origin) / spacing, widths), IMAGES)
    scale = max(float(np.ptp(finite)), 1.0)
    for _ in range(RELAXATIONS):
        slope = np.stack([(energy(x + move) - energy(x - move)) / 0.2 for move in 0.1 * np.eye(surface.ndim)], axis=1)
        move = -4.0 * slope / scale
        move[[0, -1]] = 0.0
        x = equal_arcs(x + np.clip(move, -0.3, 0.3), IMAGES)
    return origin + x * spacing, energy(x)


def _continuous(x: Floats, widths: Floats) -> Floats:
    """Undo jumps across the ends of periodic axes (grid units)."""
    steps = np.diff(x, axis=0)
    periodic = np.isfinite(widths)
    wide = np.where(periodic, widths, 1.0)
    steps = np.where(periodic, steps - wide * np.round(steps / wide), steps)
    return np.vstack([x[:1], x[0] + steps.cumsum(0)])
