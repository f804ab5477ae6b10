"""Persistent homology of atoms in a periodic cell: the alpha filtration on the torus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, heights
from ionpath.cells import images_around
from ionpath.citations import references
from ionpath.compiled import kernels
from ionpath.documented import documented
from ionpath.errors import InputError, require
from ionpath.frames import as_frames
from ionpath.msonable import Msonable
from ionpath.periodic import wrap_fractional
from ionpath.structure._power_cells import PowerCells, power_cells

_INSTANT = 1e-6
"""Holes that live less than this, in A^2, are left out: they are filled by the simplex that closes them."""
_JITTER = 1e-5
"""Random displacement, in A, that makes the triangulation of a perfect crystal unique."""


@dataclass(frozen=True)
class PeriodicComplex:
    """Alpha complex of points on a torus."""

    # vertices of the points, edges, triangles and tetrahedra, each (n, k + 1), sorted in each row
    simplices: tuple[Ints, ...]
    values: tuple[Floats, ...]  # their filtration values, in A^2
    # (n, 3): for each edge, the image in which its second vertex is, seen from the first one in the home cell
    edge_images: Ints


@documented
@dataclass(frozen=True)
class PersistenceDiagram(Msonable):
    """Births and deaths of holes."""

    dimension: int  # 1 for rings, 2 for cavities
    # birth, death: (n,): filtration values, in A^2
    birth: Floats
    death: Floats
    # birth_simplex, death_simplex: (n, d + 1) and (n, d + 2): atoms of the simplices that make the hole and fill it
    birth_simplex: Ints
    death_simplex: Ints

    @property
    def birth_radius(self) -> Floats:
        """Root of the birth values, in A; 0 where a value is negative."""
        return np.asarray(np.sqrt(np.maximum(self.birth, 0.0)), dtype=np.float64)

    @property
    def death_radius(self) -> Floats:
        """Root of the death values, in A; 0 where a value is negative."""
        return np.asarray(np.sqrt(np.maximum(self.death, 0.0)), dtype=np.float64)


def periodic_alpha_complex(positions: Floats, cell: Floats, radii: Floats | None = None) -> PeriodicComplex:
    """Build the alpha complex of points on a torus: dual to the cells of the atoms where those can be had."""
    rng = np.random.default_rng(20)
    spots = wrap_fractional(positions @ np.linalg.inv(cell)) @ cell + rng.uniform(-_JITTER, _JITTER, positions.shape)
    weights = None if radii is None else np.asarray(radii, dtype=np.float64) ** 2
    found = power_cells(spots, cell, np.zeros(len(spots)) if weights is None else weights, simplices=True)
    complex_ = None if found is None else _dual(found)
    return triangulated(spots, cell, weights) if complex_ is None else complex_


def _dual(cells: PowerCells) -> PeriodicComplex | None:
    """Complex dual to the cells; None if it does not fill the torus, as where rounding broke a tie in two ways."""
    simplices: list[Ints] = []
    values: list[Floats] = []
    images = np.empty((0, 3), dtype=np.int64)
    rank = (cells.atoms >= 0).sum(axis=1)
    for size in (1, 2, 3, 4):
        rows = np.flatnonzero(rank == size)
        corners = np.sort(cells.atoms[rows, :size], axis=1)
        order = np.lexsort(corners.T[::-1])
        corners = corners[order]
        if (corners[:, 1:] == corners[:, :-1]).any() or (corners[1:] == corners[:-1]).all(axis=1).any():
            raise _too_small()
        simplices.append(corners)
        values.append(cells.values[rows[order]])
        if size == 2:
            images = cells.images[rows[order], 1]
    n = [len(s) for s in simplices]
    whole = n[0] - n[1] + n[2] - n[3] == 0 and 2 * n[3] == n[2] and 4 * n[3] == cells.corners
    return PeriodicComplex(tuple(simplices), tuple(values), images) if whole else None


def _too_small() -> InputError:
    need = "a cell in which no two atoms are neighbours through two images"
    return InputError("cell", need=need, got="a smaller one", remedy="repeat the cell")


def triangulated(spots: Floats, cell: Floats, weights: Floats | None) -> PeriodicComplex:
    """The same complex by gudhi, as the definition in the tests and where numba is missing.

    gudhi triangulates the points with images around them; simplices with an atom in the home cell are kept, and
    those that are images of each other are one. The margin is wide enough if no circumsphere of a simplex kept
    reaches out of it, which is checked.
    """
    gudhi = require("gudhi", purpose="persistent homology", install="pip install gudhi")
    margin = 2.5 * (abs(float(np.linalg.det(cell))) / len(spots)) ** (1.0 / 3.0)
    for _ in range(6):
        points, atom, image = images_around(spots @ np.linalg.inv(cell), margin / heights(cell))
        tree = gudhi.AlphaComplex(
            points=points @ cell, weights=None if weights is None else weights[atom]
        ).create_simplex_tree()
        found, largest = _home_simplices(tree, atom, image)
        # Twice the radius of the widest empty sphere; with weights the value is its square less the weight.
        spread = 0.0 if weights is None else float(weights.max())
        needed = margin * 1.5 if largest is None else 2.0 * float(np.sqrt(max(largest + spread, 0.0)))
        if needed <= margin:
            return _quotient(found)
        margin = 1.2 * needed
    got = f"empty spheres wider than {margin:.3g} A"
    raise InputError("positions", need="atoms throughout the cell", got=got, remedy="choose more species")


def _home_simplices(tree: object, atom: Ints, image: Ints) -> tuple[list[tuple[Ints, Floats]], float | None]:
    """Simplices of each dimension that touch the home cell, and the largest filtration value among them."""
    by_size: dict[int, tuple[list[list[int]], list[float]]] = {k: ([], []) for k in range(1, 5)}
    home = (image == 0).all(axis=1)
    at_home = home.tolist()
    for vertices, value in tree.get_simplices():  # type: ignore[attr-defined]
        if any(at_home[v] for v in vertices):
            rows, values = by_size[len(vertices)]
            rows.append(vertices)
            values.append(value)
    found = []
    for size in range(1, 5):
        corners = np.array(by_size[size][0], dtype=np.int64).reshape(-1, size)
        table = np.concatenate([atom[corners][..., None], image[corners]], axis=-1)  # (n, size, 4)
        found.append((table, np.array(by_size[size][1])))
    return found, float(found[3][1].max()) if len(found[3][1]) else None


def _quotient(found: list[tuple[Ints, Floats]]) -> PeriodicComplex:
    simplices, values, images = [], [], np.empty((0, 3), dtype=np.int64)
    for size, (table, value) in enumerate(found, start=1):
        order = np.argsort(table[..., 0], axis=1, kind="stable")
        table = np.take_along_axis(table, order[..., None], axis=1)
        atoms = table[..., 0]
        relative = (table[..., 1:] - table[:, :1, 1:]).reshape(len(table), -1)
        keys, first = np.unique(np.concatenate([atoms, relative], axis=1), axis=0, return_index=True)
        vertices = keys[:, :size]
        twice = (vertices[:, 1:] == vertices[:, :-1]).any() if size > 1 else False
        if twice or len(np.unique(vertices, axis=0)) != len(vertices):
            raise _too_small()
        simplices.append(vertices)
        values.append(value[first])
        if size == 2:
            images = keys[:, 5:8]
    return PeriodicComplex(tuple(simplices), tuple(values), images)


def diagram_of(complex_: PeriodicComplex, dimension: int = 1) -> PersistenceDiagram:
    """Compute the persistence of a complex: of rings by the compiled reduction, else by gudhi."""
    compiled = kernels()
    if dimension == 1 and compiled is not None and len(complex_.simplices[2]) == 2 * len(complex_.simplices[3]):
        return _rings(complex_, compiled)
    return diagram_by_gudhi(complex_, dimension)


def _rings(complex_: PeriodicComplex, compiled: Any) -> PersistenceDiagram:
    """Rings of a complex that fills the torus: each is made by an edge and filled by a triangle."""
    n_atoms = int(complex_.simplices[0].max()) + 1
    edges, triangles, solids = complex_.simplices[1:]
    order = [np.argsort(v, kind="stable") for v in complex_.values]
    rank = [np.argsort(o) for o in order]
    at = np.stack([_find(edges, triangles[:, list(pair)], n_atoms) for pair in ((0, 1), (0, 2), (1, 2))], axis=1)
    faces = [_find(triangles, np.delete(solids, k, axis=1), n_atoms) for k in range(4)]
    around = np.argsort(np.concatenate(faces), kind="stable").reshape(-1, 2) % len(solids)
    made_by = compiled.ring_pairs(np.sort(rank[1][at][order[2]], axis=1), around[order[2]], len(edges), len(solids))
    filled = np.flatnonzero(made_by >= 0)
    edge, triangle = order[1][made_by[filled]], order[2][filled]
    birth, death = complex_.values[1][edge], complex_.values[2][triangle]
    lasting = np.flatnonzero(death - birth > _INSTANT)
    lasting = lasting[np.lexsort((death[lasting], birth[lasting]))]
    edge, triangle = edge[lasting], triangle[lasting]
    return PersistenceDiagram(1, birth[lasting], death[lasting], edges[edge], triangles[triangle])


def _find(table: Ints, rows: Ints, n_atoms: int) -> Ints:
    """Where rows of atoms stand in a table that is sorted by them."""
    base = n_atoms ** np.arange(table.shape[1] - 1, -1, -1, dtype=np.int64)
    return np.searchsorted(table @ base, rows @ base)


def diagram_by_gudhi(complex_: PeriodicComplex, dimension: int = 1) -> PersistenceDiagram:
    """The same by gudhi, as the definition in the tests, and of cavities."""
    gudhi = require("gudhi", purpose="persistent homology", install="pip install gudhi")
    tree = gudhi.SimplexTree()
    for vertices, values in zip(complex_.simplices, complex_.values, strict=True):
        tree.insert_batch(np.ascontiguousarray(vertices.T.astype(np.int32)), values)
    tree.make_filtration_non_decreasing()
    tree.compute_persistence(homology_coeff_field=2, min_persistence=_INSTANT)
    rows = []
    for birth, death in tree.persistence_pairs():
        if len(birth) == dimension + 1 and death:
            rows.append((tree.filtration(birth), tree.filtration(death), sorted(birth), sorted(death)))
    rows.sort()
    return PersistenceDiagram(
        dimension,
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows], dtype=np.int64).reshape(-1, dimension + 1),
        np.array([row[3] for row in rows], dtype=np.int64).reshape(-1, dimension + 2),
    )


@typed
@references("edelsbrunner1994", "gudhi", "chen2023")
def persistence_diagram(
    positions: ArrayLike, cell: ArrayLike, *, radii: ArrayLike | None = None, dimension: int = 1
) -> PersistenceDiagram:
    """Compute the persistent homology of atoms in a periodic cell.

    Parameters
    ----------
    positions : array_like, (N, 3)
        Positions of the atoms chosen, in A, wrapped or not.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    radii : array_like, (N,), optional
        Radii in A: balls then start with them, and the complex is weighted.
    dimension : {1, 2}
        1 for rings, 2 for cavities.

    Returns
    -------
    PersistenceDiagram
        Births and deaths in A^2; take the root for radii.

    Raises
    ------
    InputError
        If there are too few atoms, radii do not fit, or the cell is too small.

    Notes
    -----
    Balls grow around the atoms. A ring is born when they close it and dies when they fill it. The alpha
    filtration has the same holes as the union of the balls at every radius, and filtration values are squared
    radii (with radii R, squared distance less R squared).

    Examples
    --------
    >>> cubic = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) * 2.0
    >>> d = persistence_diagram(cubic, np.eye(3) * 8)
    >>> long = d.death - d.birth > 0.5
    >>> int(long.sum()), d.birth_radius[long].mean().round(3).item(), d.death_radius[long].mean().round(3).item()
    (126, 1.0, 1.414)
    """
    frames, cells, single = as_frames(positions, cell)
    if not single or frames.shape[1] < 8:
        got = f"shape {np.shape(positions)}"
        remedy = "go through the frames one by one"
        raise InputError("positions", need="one frame with at least eight atoms", got=got, remedy=remedy)
    if dimension not in (1, 2):
        raise InputError("dimension", need="1 or 2", got=repr(dimension), remedy="1 gives rings")
    sizes = None if radii is None else np.asarray(radii, dtype=np.float64)
    if sizes is not None and (sizes.shape != frames.shape[1:2] or not (sizes >= 0).all()):
        need = f"{frames.shape[1]} radii in A"
        raise InputError("radii", need=need, got=f"shape {sizes.shape}", remedy="one per atom")
    return diagram_of(periodic_alpha_complex(frames[0], cells[0], sizes), dimension)
