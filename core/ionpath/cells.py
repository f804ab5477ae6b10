"""Cell matrices: checks, and the reduction that makes shortest images exact.

Cells are matrices whose rows are the cell vectors, in A. Every function takes one cell (3, 3) or one per
frame (T, 3, 3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Bools, Floats, Ints
from ionpath.errors import InputError

FARTHEST = 1e7
"""Coordinates and cell vectors are below this, in A: nothing that is simulated is a millimetre away."""
VACUUM = 8.0
"""Layers without an atom, in A, that no crystal, glass or melt has."""
_PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def as_cells(cell: ArrayLike, name: str = "cell") -> Floats:
    """Cell vectors as rows in A, (3, 3) or (T, 3, 3), as float64; `name` is what to call them in an error.

    InputError if the cell is missing, has another shape, is not finite, or has no volume.

    >>> as_cells([[2, 0, 0], [0, 2, 0], [0, 0, 2]]).shape
    (3, 3)
    """
    remedy = "give the three cell vectors as rows, in A"
    if cell is None:
        raise InputError(name, need="a periodic cell", got="none", remedy=remedy)
    cells = np.asarray(cell, dtype=np.float64)
    if cells.shape[-2:] != (3, 3) or cells.ndim not in (2, 3):
        raise InputError(name, need="shape (3, 3) or (T, 3, 3)", got=f"shape {cells.shape}", remedy=remedy)
    if not np.isfinite(cells).all():
        raise InputError(name, need="finite cell vectors", got="NaN or infinity", remedy=remedy)
    if not np.abs(cells).max(initial=0.0) < FARTHEST:
        got = f"{np.abs(cells).max():.3g} A"
        raise InputError(name, need=f"cell vectors below {FARTHEST:g} A", got=got, remedy=remedy)
    volume = np.abs(np.linalg.det(cells))
    scale = np.linalg.norm(cells, axis=-1).prod(axis=-1)
    if (volume <= 1e-9 * scale).any() or (scale == 0.0).any():
        raise InputError(name, need="three independent cell vectors", got="a cell without volume", remedy=remedy)
    return cells


def check_finite(values: ArrayLike, name: str) -> Floats:
    """Coordinates (..., 3) in A as floating point, where float32 stays float32.

    InputError if the last axis is not of length 3, or a coordinate is NaN or infinite.
    """
    array = np.asarray(values)
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    if array.ndim == 0 or array.shape[-1] != 3:
        raise InputError(name, need="shape (..., 3)", got=f"shape {array.shape}", remedy="give x, y, z in A")
    if array.size and not -FARTHEST < array.min() <= array.max() < FARTHEST:  # nor is it NaN
        bad = int(np.count_nonzero(~np.isfinite(array).all(axis=-1)))
        if not bad:
            got = f"{np.abs(array).max():.3g} A"
            remedy = "give x, y, z in A; leave out the frames of a run that blew up"
            raise InputError(name, need=f"coordinates within {FARTHEST:g} A of the origin", got=got, remedy=remedy)
        got = f"NaN or infinity in {bad} of {array.size // 3} positions"
        remedy = "repair or leave out the frames that are not finite"
        raise InputError(name, need="finite coordinates", got=got, remedy=remedy)
    return array


def is_orthorhombic(cell: ArrayLike) -> bool:
    """Whether every cell vector lies along its own Cartesian axis, in every frame.

    >>> is_orthorhombic([[2, 0, 0], [0, 3, 0], [0, 0, 4]]), is_orthorhombic([[2, 0, 0], [1, 3, 0], [0, 0, 4]])
    (True, False)
    """
    cells = as_cells(cell)
    off_diagonal = np.abs(cells * (1.0 - np.eye(3))).max(axis=(-2, -1))
    return bool((off_diagonal <= 1e-9 * np.abs(cells).max(axis=(-2, -1))).all())


def _selling(cell: Floats) -> Floats:
    """Integer rows that turn cell vectors into an obtuse superbase (Selling's algorithm)."""
    superbase = np.vstack([np.eye(3), -np.ones(3)])
    for _ in range(1000):
        vectors = superbase @ cell
        tolerance = 1e-10 * float((vectors**2).sum(axis=1).max())
        for i, j in _PAIRS:
            if vectors[i] @ vectors[j] > tolerance:
                others = [k for k in range(4) if k not in (i, j)]
                superbase[others] += superbase[i]
                superbase[i] *= -1.0
                break
        else:
            return superbase[:3]
    raise InputError("cell", need="a lattice that can be reduced", got="1000 steps without an end", remedy="check it")


def _is_obtuse(vectors: Floats) -> Bools:
    superbase = np.concatenate([vectors, -vectors.sum(axis=-2, keepdims=True)], axis=-2)
    gram = superbase @ np.swapaxes(superbase, -1, -2)
    limit = 1e-9 * np.trace(gram, axis1=-2, axis2=-1)
    return np.all([gram[..., i, j] <= limit for i, j in _PAIRS], axis=0)


SUBSETS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]], dtype=float)
"""Subsets of three vectors: their sums and the negatives of these bound the Voronoi cell of an obtuse superbase."""


def obtuse_superbase(cell: ArrayLike) -> Floats:
    """Reduce cells to vectors whose pairwise products, and those with minus their sum, are not positive.

    Three vectors of an obtuse superbase of the same lattice; minus their sum is the fourth. The seven sums over subsets
    of the three are, with their negatives, all the vectors that bound the Voronoi cell of the lattice.

    E. Selling, J. reine angew. Math. 77, 143 (1874); J. H. Conway and N. J. A. Sloane, Proc. R. Soc. Lond. A 436, 55
    (1992), doi:10.1098/rspa.1992.0004.

    >>> obtuse_superbase([[1.0, 0, 0], [7.0, 1, 0], [0, 0, 1]]).round(6) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    cells = as_cells(cell)
    if cells.ndim == 2:
        return _selling(cells) @ cells
    reduced = _selling(cells[0]) @ cells
    for frame in np.flatnonzero(~_is_obtuse(reduced)):
        reduced[frame] = _selling(cells[frame]) @ cells[frame]
    return reduced


def images_around(points: Floats, margin: Floats) -> tuple[Floats, Ints, Ints]:
    """Points (N, 3) of a cell and their images up to a margin (3,) beyond its faces, fractional; points; shifts.

    >>> images, point, shift = images_around(np.array([[0.1, 0.5, 0.5]]), np.array([0.2, 0.2, 0.2]))
    >>> images.round(6).tolist(), point.tolist(), shift.tolist()
    ([[0.1, 0.5, 0.5], [1.1, 0.5, 0.5]], [0, 0], [[0, 0, 0], [1, 0, 0]])
    """
    images, point, shift = points, np.arange(len(points)), np.zeros(points.shape, dtype=np.int64)
    for axis in (2, 1, 0):  # those of one shift come together, in the order of shifts and then of points
        reach = margin[axis]
        steps = np.arange(-np.ceil(reach), np.ceil(reach) + 1)
        moved = images[:, axis] + steps[:, None]
        step, kept = np.nonzero((moved >= -reach) & (moved <= 1.0 + reach))
        images, point, shift = images[kept], point[kept], shift[kept]
        images[:, axis], shift[:, axis] = moved[step, kept], steps[step]
    return images, point, shift


def image_tables(cells: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """What compiled loops need for shortest images in cells (C, 3, 3).

    Edges (C, 3), or (0, 3) if not all cells are orthorhombic; obtuse superbases and their inverses, (2, C, 3, 3); the
    vectors that bound the Voronoi cells of the lattices, (C, 7, 3), and their squares.
    """
    base = obtuse_superbase(cells)
    faces = SUBSETS @ base
    edges = np.diagonal(cells, axis1=1, axis2=2) if is_orthorhombic(cells) else np.empty((0, 3))
    return np.ascontiguousarray(edges), np.stack([base, np.linalg.inv(base)]), faces, (faces**2).sum(axis=-1)


def vacuum(cell: Floats, positions: Floats) -> str:
    """The widest layer without an atom, in words, if it is wider than any that a material has; else nothing.

    >>> vacuum(20.0 * np.eye(3), np.array([[0.0, 0.0, z] for z in (0.0, 4.0, 8.0)]))
    '20.0 A of vacuum along a'
    """
    if np.linalg.matrix_rank(cell) < 3:
        return ""
    inverse = np.linalg.inv(cell)
    height = 1.0 / np.linalg.norm(inverse, axis=0)
    places = np.sort(positions @ inverse % 1.0, axis=0)
    gaps = np.diff(places, axis=0, append=places[:1] + 1.0).max(axis=0) * height
    widest = int(gaps.argmax())
    return f"{gaps[widest]:.1f} A of vacuum along {'abc'[widest]}" if gaps[widest] > VACUUM else ""
