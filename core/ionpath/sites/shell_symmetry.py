"""Symmetry of a coordination shell as what it does to the states of its ions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError, positive
from ionpath.sites.shells import CoordinationShells

TOLERANCE = 0.15
"""Part of the mean distance from the middle by which distances between vertices may differ in images of each other."""


@typed
def shell_symmetry(positions: ArrayLike, *, tolerance: float = TOLERANCE) -> Ints:
    r"""Permutations of states that are rotations or reflections of a shell.

    Parameters
    ----------
    positions : array_like, shape (n, 3)
        Positions of the vertices 1..n of the shell, with any origin and in any unit.
    tolerance : float
        Largest difference of the distances between two vertices and between their images, as a part of the mean
        distance of the vertices from their middle.

    Returns
    -------
    ndarray of int, shape (n_operations, n + 1)
        State to which each operation takes each state, state 0 (external) to itself; the identity is the first row. The
        rows are a group.

    Notes
    -----
    An isometry of a set of points is a permutation that keeps all distances between them. Within a tolerance these are
    not always a group; then the tolerance is lowered until they are.

    Examples
    --------
    >>> octahedron = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]]
    >>> shell_symmetry(octahedron).shape
    (48, 7)
    """
    points = np.asarray(positions, dtype=float)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points) or not np.isfinite(points).all():
        raise InputError("positions", need="finite positions of shape (n, 3)", got=f"shape {points.shape}")
    if not positive("tolerance", tolerance) < 1.0:
        raise InputError("tolerance", need="a share below 1", got=repr(tolerance), remedy="leave it out")
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    size = np.linalg.norm(points - points.mean(axis=0), axis=1).mean()
    if len(points) > 1 and (nearest := float(distance[~np.eye(len(points), dtype=bool)].min())) <= 1e-6 * size:
        got = f"two within {nearest:.3g}"
        raise InputError("positions", need="vertices apart from each other", got=got, remedy="name each vertex once")
    found = _isometries(distance, tolerance * size)
    worst = np.array([np.abs(distance[np.ix_(p, p)] - distance).max() for p in found])
    while not _is_group(found):
        kept = worst < worst.max() * (1 - 1e-9)
        found, worst = found[kept], worst[kept]
    return np.concatenate([np.zeros((len(found), 1), dtype=np.int64), found + 1], axis=1)


def _isometries(distance: Floats, allowed: float) -> Ints:
    """Permutations that keep all distances, in lexical order: vertices are placed one after the other."""
    n = len(distance)
    partial = np.empty((1, 0), dtype=np.int64)
    for k in range(n):
        longer = np.concatenate([np.repeat(partial, n, axis=0), np.tile(np.arange(n), len(partial))[:, None]], axis=1)
        new = np.abs(distance[longer[:, k, None], longer[:, :k]] - distance[k, :k]) <= allowed
        unused = (longer[:, k, None] != longer[:, :k]).all(axis=1)
        partial = longer[new.all(axis=1) & unused]
    return partial


def _is_group(permutations: Ints) -> bool:
    known = {row.tobytes() for row in permutations}
    return all(np.ascontiguousarray(p[q]).tobytes() in known for p in permutations for q in permutations)


def states_symmetry(shells: CoordinationShells) -> Ints:
    """Permutations of states that are symmetries of every kind of shell."""
    known = getattr(shells, "permutations", None)
    if known is not None:
        return np.asarray(known)
    found: set[bytes] | None = None
    for family in np.unique(shells.family):
        mine = shells.family[shells.centre_of] == family
        labels = shells.vertex[mine]
        if len(np.unique(labels)) != shells.n_states - 1:
            return np.arange(shells.n_states)[None]
        weight = np.bincount(labels, minlength=shells.n_states)[1:, None]
        mean = np.zeros((shells.n_states - 1, 3))
        np.add.at(mean, labels - 1, shells.offsets[mine])
        rows = {row.tobytes() for row in shell_symmetry(mean / weight)}
        found = rows if found is None else found & rows
    return np.array(sorted(np.frombuffer(row, dtype=np.int64).tolist() for row in found or ()))
