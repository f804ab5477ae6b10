"""Steps near half of the cell, which cannot be told from jumps across its faces: counted, warned of, refused."""

from __future__ import annotations

import numpy as np

from ionpath.arrays import Floats
from ionpath.cells import SUBSETS, obtuse_superbase
from ionpath.errors import InputError, warn

NEAR = 0.8
"""Steps longer than this times half of the cell are near to where the shortest image may be the wrong one."""
MANY = 1e-3
"""Share of such steps beyond which displacements are not to be trusted: as many again may have been folded back."""
FEW = 10
"""So many are too many only with all steps known: of a run that is still being read, no share can be told yet."""
BETWEEN_FRAMES = "steps of ions between frames"


def steps_near_half(steps: Floats, cells: Floats) -> int:
    """How many shortest images (..., 3) in A are near to half of the cell (3, 3); or (T, ..., 3) of cells (T, 3, 3).

    >>> steps_near_half(np.array([[4.5, 0.0, 0.0], [1.0, 0.0, 0.0]]), 10 * np.eye(3))
    1
    """
    if not steps.size:
        return 0
    # The vectors that bound the Voronoi cell of the lattice: a step half-way along one of them has two shortest images.
    bounds = SUBSETS @ obtuse_superbase(cells)
    squares = np.einsum("...ki,...ki->...k", bounds, bounds)
    limit = NEAR * 0.5 * float(np.sqrt(squares.min()))
    if max(float(steps.max()), -float(steps.min())) <= limit / np.sqrt(3.0):
        return 0
    far = np.einsum("...i,...i->...", steps, steps) > limit**2
    if bounds.ndim == 2:
        along = steps[far] @ bounds.T / squares
    else:
        frame = np.nonzero(far)[0]
        along = np.einsum("pi,pki->pk", steps[far], bounds[frame]) / squares[frame]
    return int((np.abs(along) > 0.5 * NEAR).any(axis=1).sum())


def check_steps(near: int, total: int, remedy: str, *, what: str = BETWEEN_FRAMES, certain: bool = True) -> None:
    """Refuse steps of which more than one in a thousand is near half of the cell, if that is certain; else warn."""
    if not near:
        return
    found = f"{near} of {total} steps longer than 40 % of the narrowest width of the cell"
    if certain and near > MANY * total:
        need = "steps well below half of the cell, to tell a step from a jump across its faces"
        raise InputError(what, need=need, got=found, remedy=remedy)
    warn(f"{what}: {found}, where a step cannot be told from a jump across its faces; {remedy}")
