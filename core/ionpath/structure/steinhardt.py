"""Bond-orientational order averaged over neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats, heights
from ionpath.citations import references
from ionpath.errors import InputError, require
from ionpath.frames import as_frames, check_cutoff, freud_system, repeat, repeats_for


@references("steinhardt1983", "lechner2008", "freud")
def averaged_steinhardt(
    positions: ArrayLike,
    cell: ArrayLike,
    *,
    l: int = 6,
    n_neighbours: int = 12,
    cutoff: float | None = None,
    averaged: bool = True,
) -> Floats:
    r"""Compute the averaged Steinhardt order parameter of every atom.

    Parameters
    ----------
    positions : array_like, (N, 3) or (T, N, 3)
        Positions in A, wrapped or not; all atoms given are neighbours of each other, of whatever species.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A. A cell too small for the neighbours is repeated.
    l : int, default 6
        Degree of the spherical harmonics.
    n_neighbours : int, default 12
        Neighbours of an atom are this many nearest ones.
    cutoff : float, optional
        Neighbours of an atom are instead all within this distance, in A.
    averaged : bool, default True
        Average over the neighbours; False gives the plain parameter of Steinhardt.

    Returns
    -------
    ndarray, (N,) or (T, N)
        Order parameter of every atom, between 0 and 1.

    Raises
    ------
    InputError
        If there are too few atoms, a cutoff leaves an atom without neighbours, or `l` is not positive.

    Notes
    -----
    .. math:: q_{lm}(i) = \frac{1}{N_b} \sum_{j} Y_{lm}(\hat r_{ij}), \quad
        \bar q_{lm}(i) = \frac{1}{N_b + 1} \Big[ q_{lm}(i) + \sum_{j} q_{lm}(j) \Big], \quad
        \bar q_l = \sqrt{\tfrac{4 \pi}{2 l + 1} \textstyle\sum_m |\bar q_{lm}|^2}

    The atom itself counts among those averaged, hence the divisor N_b + 1, which leaves the values of perfect
    lattices as they are: fcc 0.5745 (12 neighbours), bcc 0.5107 (14) or 0.6285 (8), simple cubic 0.3536 (6).
    Computed by freud in single precision.

    Examples
    --------
    >>> import numpy as np
    >>> fcc = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0.0]])
    >>> averaged_steinhardt(fcc, np.eye(3) * 4.0).round(4).tolist()
    [0.5745, 0.5745, 0.5745, 0.5745]
    """
    frames, cells, single = as_frames(positions, cell)
    if l < 1:
        raise InputError("l", need="a positive degree", got=repr(l), remedy="use 4 or 6")
    if cutoff is None and n_neighbours < 1:
        raise InputError(
            "n_neighbours", need="at least 1", got=repr(n_neighbours), remedy="use 12, or give a cutoff"
        )
    freud = require("freud", purpose="Steinhardt order", install="pip install freud-analysis")
    kernel = freud.order.Steinhardt(l=l, average=averaged)
    values = np.empty(frames.shape[:2])
    for k, (frame, lattice) in enumerate(zip(frames, cells, strict=True)):
        values[k] = _of_frame(kernel, frame, lattice, n_neighbours, cutoff)
    return values[0] if single else values


def _of_frame(
    kernel: object, positions: Floats, cell: Floats, n_neighbours: int, cutoff: float | None
) -> Floats:
    n_atoms = len(positions)
    radius = cutoff if cutoff is not None else _shell_radius(n_atoms, cell, n_neighbours)
    for _ in range(8):
        counts = repeats_for(cell, float(radius))
        larger, lattice = repeat(positions, cell, counts) if max(counts) > 1 else (positions, cell)
        values, farthest, fewest = _compute(kernel, larger, lattice, n_neighbours, cutoff)
        if cutoff is not None:
            check_cutoff(cutoff, lattice, "cutoff")
            if fewest == 0:
                raise InputError(
                    "cutoff", need="a neighbour of every atom", got=f"atoms without one within {cutoff:g} A",
                    remedy="use a longer cutoff or n_neighbours",
                )  # fmt: skip
            return values[:n_atoms]
        if fewest >= n_neighbours and farthest <= 0.5 * float(heights(lattice).min()):
            return values[:n_atoms]
        radius = max(1.3 * float(radius), 1.01 * farthest)
    raise InputError(
        "n_neighbours", need="neighbours that repeats of the cell can hold", got=str(n_neighbours),
        remedy="use fewer neighbours, or a cutoff",
    )  # fmt: skip


def _shell_radius(n_atoms: int, cell: Floats, n_neighbours: int) -> float:
    """Radius of a sphere that holds a bit more than the neighbours, at the mean density."""
    volume = abs(float(np.linalg.det(cell)))
    return float((1.5 * (n_neighbours + 1) * volume / n_atoms * 0.75 / np.pi) ** (1.0 / 3.0))


def _compute(
    kernel: object, positions: Floats, cell: Floats, n_neighbours: int, cutoff: float | None
) -> tuple[Floats, float, int]:
    """Order parameters, the distance of the farthest neighbour, and the smallest number of neighbours."""
    if cutoff is None and len(positions) <= n_neighbours:
        return np.empty(0), 0.0, 0
    freud = require("freud", purpose="Steinhardt order", install="pip install freud-analysis")
    box, points = freud_system(positions, cell)
    query = (
        {"r_max": cutoff, "exclude_ii": True}
        if cutoff is not None
        else {"num_neighbors": n_neighbours, "exclude_ii": True}
    )
    nlist = freud.locality.AABBQuery(box, points).query(points, query).toNeighborList()
    counts = np.asarray(nlist.neighbor_counts)
    result = kernel.compute((box, points), neighbors=nlist)  # type: ignore[attr-defined]
    farthest = float(nlist.distances.max()) if len(nlist.distances) else 0.0
    return (
        np.asarray(result.particle_order, dtype=np.float64),
        farthest,
        int(counts.min()) if len(counts) else 0,
    )
