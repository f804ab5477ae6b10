"""Periodic cells: shortest images, wrapping and unwrapping.

Cells are matrices whose rows are the cell vectors, in A. Every function takes one cell (3, 3) or one per
frame (T, 3, 3).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arrays import Floats
from ionpath.cells import (
    SUBSETS,
    as_cells as as_cells,
    check_finite as check_finite,
    is_orthorhombic as is_orthorhombic,
    obtuse_superbase as obtuse_superbase,
)
from ionpath.errors import InputError, one_of
from ionpath.half_cell import FEW, check_steps, steps_near_half

__all__ = ["Unwrapper", "cartesian", "fractional", "minimum_image", "unwrap", "wrap", "wrap_fractional"]

CLOSER = "unwrap frames that lie closer together, or take unwrapped coordinates as they are"
Scheme = Literal["tor", "nearest"]

_TIE = 1e-9
MOST_PASSES = 100
"""Of vectors near their shortest images a few are enough."""


def _per_frame(cells: Floats, ndim: int) -> Floats:
    """Return cells as many axes as vectors of `ndim` axes need to be multiplied frame by frame."""
    if cells.ndim == 2:
        return cells
    return cells.reshape(len(cells), *(1,) * max(ndim - 3, 0), 3, 3) if ndim > 2 else cells


def _apply(vectors: Floats, matrices: Floats) -> Floats:
    """Multiply row vectors (..., 3) by one matrix, or vectors (T, ..., 3) by one matrix per frame."""
    if matrices.ndim == 3 and vectors.ndim == 2:
        return np.einsum("ti,tij->tj", vectors, matrices)
    return np.matmul(vectors, _per_frame(matrices, vectors.ndim))


def _check_frames(vectors: NDArray[np.floating], cells: Floats, name: str) -> None:
    if cells.ndim == 3 and (vectors.ndim < 2 or len(vectors) != len(cells)):
        need = f"{len(cells)} frames, as many as cells"
        raise InputError(name, need=need, got=f"shape {vectors.shape}", remedy="give one cell, or one per frame")


def minimum_image(vectors: ArrayLike, cell: ArrayLike) -> Floats:
    """Return the shortest periodic image of vectors, exact in every cell.

    Parameters
    ----------
    vectors : array_like, (..., 3) or (T, ..., 3) with one cell per frame
        Differences of positions, in A.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A. It may be sheared as much as one likes.

    Returns
    -------
    ndarray, same shape as `vectors`
        Shortest image of each vector, in A.

    Raises
    ------
    InputError
        If a cell has no volume, vectors are not finite or beyond 1e7 A, or the numbers of frames differ.

    Notes
    -----
    In an orthorhombic cell each component is rounded. Otherwise the cell is reduced to an obtuse superbase,
    and vectors are moved across the faces of the Voronoi cell of the lattice until they are inside, which is
    where the shortest image lies (R. G. McKilliam and A. Grant, arXiv:1201.5154). Of images that are equally
    long one is given.

    Examples
    --------
    >>> minimum_image([[4.5, 0.2, 0.0]], [[5.0, 0, 0], [4.0, 5, 0], [0, 0, 5]]).round(6)
    array([[-0.5,  0.2,  0. ]])
    """
    cells = as_cells(cell)
    inside = np.array(check_finite(vectors, "vectors"), dtype=np.float64)  # of others there is no end in a skewed cell
    _check_frames(inside, cells, "vectors")
    if is_orthorhombic(cells):
        edges = np.diagonal(cells, axis1=-2, axis2=-1)
        if cells.ndim == 3:
            edges = edges.reshape(len(edges), *(1,) * (inside.ndim - 2), 3)
        return inside - np.rint(inside / edges) * edges
    base = obtuse_superbase(cells)
    inside -= _apply(np.rint(_apply(inside, np.asarray(np.linalg.inv(base), dtype=np.float64))), base)
    return _into_voronoi_cell(inside, base)


def _into_voronoi_cell(inside: Floats, base: Floats) -> Floats:
    relevant = SUBSETS @ base  # (7, 3) or (T, 7, 3)
    if relevant.ndim == 3:
        relevant = relevant.reshape(len(relevant), *(1,) * (inside.ndim - 2), 7, 3)
    squares = (relevant**2).sum(axis=-1)
    for _ in range(MOST_PASSES):
        moved = False
        for k in range(7):
            across = relevant[..., k, :]
            ratio = (inside * across).sum(axis=-1) / squares[..., k]
            outside = np.abs(ratio) > 0.5 + _TIE
            if outside.any():
                inside -= np.where(outside, np.rint(ratio), 0.0)[..., None] * across
                moved = True
        if not moved:
            return inside
    got = f"{MOST_PASSES} passes over the faces without an end"
    raise InputError(
        "cell", need="a lattice in which vectors have shortest images", got=got, remedy="check its lengths"
    )


def fractional(positions: ArrayLike, cell: ArrayLike) -> Floats:
    """Return fractional coordinates.

    Parameters
    ----------
    positions : array_like, (..., 3) or (T, ..., 3) with one cell per frame
        Cartesian positions, in A.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A.

    Returns
    -------
    ndarray, same shape
        Coordinates in units of the cell vectors, not wrapped.

    Examples
    --------
    >>> fractional([1.0, 0.5, 3.0], [[2.0, 0, 0], [0, 2, 0], [0, 0, 2]])
    array([0.5 , 0.25, 1.5 ])
    """
    cells = as_cells(cell)
    array = np.asarray(positions, dtype=np.float64)
    _check_frames(array, cells, "positions")
    return _apply(array, np.asarray(np.linalg.inv(cells), dtype=np.float64))


def cartesian(coordinates: ArrayLike, cell: ArrayLike) -> Floats:
    """Return Cartesian positions.

    Parameters
    ----------
    coordinates : array_like, (..., 3) or (T, ..., 3) with one cell per frame
        Fractional coordinates.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A.

    Returns
    -------
    ndarray, same shape
        Positions in A.

    Examples
    --------
    >>> cartesian([0.5, 0.25, 1.5], [[2.0, 0, 0], [0, 2, 0], [0, 0, 2]])
    array([1. , 0.5, 3. ])
    """
    cells = as_cells(cell)
    array = np.asarray(coordinates, dtype=np.float64)
    _check_frames(array, cells, "coordinates")
    return _apply(array, cells)


def wrap_fractional(coordinates: ArrayLike) -> Floats:
    """Bring fractional coordinates into [0, 1).

    Parameters
    ----------
    coordinates : array_like, (..., 3)
        Fractional coordinates.

    Returns
    -------
    ndarray, same shape
        At least 0 and less than 1, also for coordinates a rounding error below 0.

    Examples
    --------
    >>> wrap_fractional([-0.25, 1.0, -1e-20])
    array([0.75, 0.  , 0.  ])
    """
    wrapped: Floats = np.mod(np.asarray(coordinates, dtype=np.float64), 1.0)
    wrapped[wrapped >= 1.0] = 0.0
    return wrapped


def wrap(positions: ArrayLike, cell: ArrayLike) -> Floats:
    """Bring positions into the cell.

    Parameters
    ----------
    positions : array_like, (..., 3) or (T, ..., 3) with one cell per frame
        Cartesian positions, in A.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A.

    Returns
    -------
    ndarray, same shape
        Positions with fractional coordinates in [0, 1), in A.

    Examples
    --------
    >>> wrap([-1.0, 4.5, 2.0], [[4.0, 0, 0], [0, 4, 0], [0, 0, 4]])
    array([3. , 0.5, 2. ])
    """
    return cartesian(wrap_fractional(fractional(positions, cell)), cell)


class Unwrapper:
    """Unwrap a trajectory frame by frame, with the state carried along.

    Parameters
    ----------
    scheme : {"tor", "nearest"}
        How to go on in a cell that changes. Both are the same in a constant cell.

        * ``"tor"``: add the shortest image of the change of the wrapped position, u(t+1) = u(t) + [w(t+1) -
          w(t)]. It keeps the displacements that particles make, and with them the diffusion coefficient at
          constant pressure.
        * ``"nearest"``: take the image of w(t+1) that is nearest to u(t). Positions stay images of the input,
          but the breathing of the cell adds displacements that grow with the distance from the origin.

    Notes
    -----
    S. von Buelow, J. T. Bullerjahn, G. Hummer, J. Chem. Phys. 153, 021101 (2020), doi:10.1063/5.0008316; M.
    Kulke and J. V. Vermaas, J. Chem. Theory Comput. 18, 6161 (2022), doi:10.1021/acs.jctc.2c00327.

    With ``"tor"`` positions are wrapped into their own cell first, so the result does not depend on the
    images that the input uses. No scheme can follow a particle that moves more than half of the cell between
    two frames: steps near to that are warned of when the first is met, and refused when they are too many.

    Examples
    --------
    >>> walker = Unwrapper()
    >>> cell = np.eye(3) * 10.0
    >>> [float(walker([[x, 0.0, 0.0]], cell)[0, 0]) for x in (8.0, 9.5, 1.0, 9.0)]
    [8.0, 9.5, 11.0, 9.0]
    """

    def __init__(self, scheme: Scheme = "tor") -> None:
        one_of("scheme", scheme, ("tor", "nearest"))
        self.scheme: Scheme = scheme
        self._wrapped: Floats | None = None
        self._unwrapped: Floats | None = None
        self._steps = self._near = 0

    def __call__(self, positions: ArrayLike, cell: ArrayLike) -> Floats:
        """Unwrapped positions (N, 3) of the next frame, from wrapped ones or not, with its cell (3, 3), in A.

        Those of the first frame are as given. InputError if the number of atoms changes, a coordinate is not finite, or
        more than ten steps, and more than one in a thousand, are longer than 40 % of the narrowest width of the cell.
        """
        current = np.array(check_finite(positions, "positions"), dtype=np.float64)
        wrapped = wrap(current, cell)
        if self._wrapped is None or self._unwrapped is None:
            self._unwrapped = current.copy()
        else:
            if current.shape != self._wrapped.shape:
                need = f"{len(self._wrapped)} atoms as in the frame before"
                remedy = "unwrap trajectories of other atoms apart"
                raise InputError("positions", need=need, got=f"shape {current.shape}", remedy=remedy)
            origin = self._wrapped if self.scheme == "tor" else self._unwrapped
            steps = minimum_image(wrapped - origin, cell)
            self._count(steps, as_cells(cell))
            self._unwrapped = self._unwrapped + steps
        self._wrapped = wrapped
        return self._unwrapped.copy()

    def _count(self, steps: Floats, cell: Floats) -> None:
        # Of a run that is still being read, the share of few steps is not known: the first is told, many are refused.
        near = steps_near_half(steps, cell)
        told, self._near = self._near, self._near + near
        self._steps += len(steps)
        if near and (not told or self._near > FEW):
            check_steps(self._near, self._steps, CLOSER, certain=self._near > FEW)


def unwrap(positions: ArrayLike, cells: ArrayLike, *, scheme: Scheme = "tor") -> Floats:
    """Undo the jumps that periodic boundaries make in a trajectory.

    Parameters
    ----------
    positions : array_like, (T, N, 3)
        Positions, wrapped or not, in A.
    cells : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A; one for all frames, or one per frame (constant pressure).
    scheme : {"tor", "nearest"}
        What to do in a cell that changes, see `Unwrapper`.

    Returns
    -------
    ndarray, (T, N, 3)
        Continuous positions, in A; those of the first frame are as given.

    Raises
    ------
    InputError
        If there is one frame only, a coordinate is not finite, a cell has no volume, or more than one step in a
        thousand is longer than 40 % of the narrowest width of the cell, where it cannot be told from a jump across
        its faces.

    Warns
    -----
    UserWarning
        If fewer steps are that long.

    Examples
    --------
    >>> x = np.array([8.0, 9.5, 1.0, 9.0])
    >>> unwrap(x[:, None, None] * [1.0, 0, 0], np.eye(3) * 10.0)[:, 0, 0].tolist()
    [8.0, 9.5, 11.0, 9.0]
    """
    frames = check_finite(positions, "positions")
    if frames.ndim != 3 or len(frames) < 2:
        got = "one frame" if frames.ndim == 3 else f"shape {frames.shape}"
        remedy = "give the whole trajectory at once"
        raise InputError("positions", need="at least two frames (T, N, 3)", got=got, remedy=remedy)
    lattice = as_cells(cells, "cells")
    _check_frames(frames, lattice, "positions")
    if lattice.ndim == 2:
        steps = minimum_image(np.diff(frames.astype(np.float64), axis=0), lattice)
        check_steps(steps_near_half(steps, lattice), steps.shape[0] * steps.shape[1], CLOSER)
        return np.concatenate([frames[:1], frames[0] + np.cumsum(steps, axis=0)])
    walker = Unwrapper(scheme)
    return np.stack([walker(frame, cell) for frame, cell in zip(frames, lattice, strict=True)])
