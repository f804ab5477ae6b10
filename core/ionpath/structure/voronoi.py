"""Volumes of the Voronoi cells of ions."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, heights
from ionpath.cells import images_around
from ionpath.citations import references
from ionpath.errors import InputError, one_of, require
from ionpath.frames import as_frames, freud_system, repeat, repeats_for
from ionpath.periodic import wrap_fractional
from ionpath.structure._power_cells import power_cells


@typed
@references("freud", "rycroft2009", "gellatly1982")
def voronoi_volumes(
    positions: ArrayLike,
    cell: ArrayLike,
    atoms: ArrayLike | None = None,
    *,
    mode: Literal["plain", "radical"] = "plain",
    radii: ArrayLike | None = None,
) -> Floats:
    r"""Compute the volumes of Voronoi cells.

    Parameters
    ----------
    positions : array_like, (N, 3) or (T, N, 3)
        Positions of all atoms, in A, wrapped or not.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A.
    atoms : array_like of int, optional
        Atoms whose volumes are wanted; default: all.
    mode : {"plain", "radical"}
        Plain cells hold what is nearest to an atom. Radical ones take the sizes of atoms into account.
    radii : array_like, (N,), optional
        Radii in A; needed for the radical cells.

    Returns
    -------
    ndarray, (n,) or (T, n)
        Volumes in A^3; those of all atoms add up to the volume of the cell.

    Raises
    ------
    InputError
        If radii are missing, an index is out of range, or an atom wanted lies on top of another.

    Notes
    -----
    Only the cells wanted are made: each is cut out of a cube by the planes of its neighbours, nearest first, until no
    other can reach it (compiled, with numba; else all cells come from freud, and radical ones from scipy one by one).
    The radical ones are bounded by the planes of equal power,

    .. math:: |\mathbf r - \mathbf r_i|^2 - R_i^2 = |\mathbf r - \mathbf r_j|^2 - R_j^2,

    and an atom much smaller than its neighbours may have no cell of its own: its volume is 0.

    Examples
    --------
    >>> voronoi_volumes([[0.0, 0, 0], [2, 0, 0]], np.diag([4.0, 3.0, 3.0])).round(4).tolist()
    [18.0, 18.0]
    >>> two = [[0.0, 0, 0], [2, 0, 0]]
    >>> voronoi_volumes(two, np.diag([4.0, 3.0, 3.0]), mode="radical", radii=[1.2, 0.8]).round(4).tolist()
    [21.6, 14.4]
    """
    frames, cells, single = as_frames(positions, cell)
    n_atoms = frames.shape[1]
    chosen = np.arange(n_atoms) if atoms is None else np.asarray(atoms, dtype=np.int64)
    if chosen.size and (chosen.min() < 0 or chosen.max() >= n_atoms):
        got = f"{chosen.min()} to {chosen.max()}"
        raise InputError("atoms", need=f"indices from 0 to {n_atoms - 1}", got=got, remedy="check the selection")
    one_of("mode", mode, ("plain", "radical"))
    sizes = np.zeros(n_atoms) if mode == "plain" else _checked_radii(radii, n_atoms)
    volumes = np.array([_volumes(f, c, chosen, sizes) for f, c in zip(frames, cells, strict=True)])
    return volumes[0] if single else volumes


def _volumes(positions: Floats, cell: Floats, chosen: Ints, radii: Floats) -> Floats:
    """Volumes by the compiled cells, or by freud and scipy, which are their definition in the tests."""
    found = power_cells(positions, cell, radii**2, chosen)
    if found is not None:
        return found.volumes
    return _radical(positions, cell, chosen, radii) if radii.any() else _plain(positions, cell)[chosen]


def _checked_radii(radii: ArrayLike | None, n_atoms: int) -> Floats:
    sizes = np.asarray([] if radii is None else radii, dtype=np.float64)
    if sizes.shape != (n_atoms,) or not (sizes > 0).all():
        got = "none" if radii is None else f"shape {sizes.shape}"
        remedy = "give one radius per atom"
        raise InputError("radii", need=f"{n_atoms} positive radii in A for radical cells", got=got, remedy=remedy)
    return sizes


def _plain(positions: Floats, cell: Floats) -> Floats:
    freud = require("freud", purpose="Voronoi cells", install="pip install freud-analysis")
    # voro++ does not cut a cell by the images of its own atom beyond the first: give it room.
    length = 2.0 * (abs(float(np.linalg.det(cell))) / len(positions)) ** (1.0 / 3.0)
    counts = repeats_for(cell, length)
    larger, lattice = repeat(positions, cell, counts) if max(counts) > 1 else (positions, cell)
    box, points = freud_system(larger, lattice)
    volumes = np.asarray(freud.locality.Voronoi().compute((box, points)).volumes, dtype=np.float64)
    expected = abs(float(np.linalg.det(lattice)))
    if not abs(volumes.sum() - expected) < 1e-3 * expected:
        got = "Voronoi cells that do not fill the volume"
        remedy = "look for two atoms at one place"
        raise InputError("positions", need="atoms apart from each other", got=got, remedy=remedy)
    return volumes[: len(positions)]


def _radical(positions: Floats, cell: Floats, chosen: Ints, radii: Floats) -> Floats:
    spacing = (abs(float(np.linalg.det(cell))) / len(positions)) ** (1.0 / 3.0)
    spread = float(np.ptp(radii**2)) / spacing
    reach = 3.0 * spacing + spread
    for _ in range(6):
        volumes, farthest = _radical_within(positions, cell, chosen, radii, reach)
        # A plane farther away than the farthest corner does not cut, and its atom is at most twice as far.
        if 2.0 * farthest + spread <= reach:
            return volumes
        reach = 1.1 * (2.0 * farthest + spread) if np.isfinite(farthest) else 2.0 * reach
    got = f"cells that reach beyond {reach:.3g} A"
    raise InputError("radii", need="cells bounded by near atoms", got=got, remedy="check radii and positions")


def _radical_within(positions: Floats, cell: Floats, chosen: Ints, radii: Floats, reach: float) -> tuple[Floats, float]:
    from scipy.spatial import cKDTree

    fractions = wrap_fractional(positions @ np.linalg.inv(cell))
    wrapped = fractions @ cell
    images, owner, _ = images_around(fractions, reach / heights(cell) + 1e-9)
    images, squares = images @ cell, radii[owner] ** 2
    tree = cKDTree(images)
    volumes, farthest = np.empty(len(chosen)), 0.0
    for row, atom in enumerate(chosen):
        near = np.array(tree.query_ball_point(wrapped[atom], reach))
        offsets = images[near] - wrapped[atom]
        apart = (offsets**2).sum(axis=1) > 1e-12
        volumes[row], corner = _cell_volume(offsets[apart], squares[near][apart], float(radii[atom] ** 2))
        farthest = max(farthest, corner)
    return volumes, farthest


def _cell_volume(offsets: Floats, squares: Floats, own: float) -> tuple[float, float]:
    """Volume of the points of lower power to the origin than to any neighbour, and its farthest corner."""
    from scipy.optimize import linprog
    from scipy.spatial import ConvexHull, HalfspaceIntersection

    lengths = np.linalg.norm(offsets, axis=1)
    normals = offsets / lengths[:, None]
    distances = (lengths**2 + own - squares) / (2.0 * lengths)
    # The point deepest inside, by linear programming (the atom itself may lie outside its radical cell).
    inside = linprog(
        [0, 0, 0, -1],
        A_ub=np.c_[normals, np.ones(len(normals))],
        b_ub=distances,
        bounds=[(None, None)] * 3 + [(0, None)],
    )
    if inside.status == 3:
        return 0.0, float("inf")  # not bounded on all sides
    if inside.status != 0 or inside.x[3] < 1e-9:
        return 0.0, 0.0
    corners = HalfspaceIntersection(np.c_[normals, -distances], inside.x[:3]).intersections
    if not np.isfinite(corners).all():
        return 0.0, float("inf")
    return float(ConvexHull(corners).volume), float(np.linalg.norm(corners, axis=1).max())
