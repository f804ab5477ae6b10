"""Symmetry operations as permutations of sites."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.errors import InputError
from ionpath.periodic import wrap_fractional


@typed
def site_permutations(
    rotations: ArrayLike, translations: ArrayLike, positions: ArrayLike, *, tolerance: float = 0.02
) -> Indices:
    """Return where each operation takes each site.

    Parameters
    ----------
    rotations : array_like, (G, 3, 3)
        Matrices that act on columns of fractional coordinates, as spglib gives them.
    translations : array_like, (G, 3)
        Translations in fractional coordinates.
    positions : array_like, (N, 3)
        Fractional coordinates of the sites.
    tolerance : float
        Largest distance between the image of a site and a site, in fractional coordinates.

    Returns
    -------
    ndarray of int, (G, N)
        Site i goes to site ``permutations[g, i]``. The rows are in the order of the operations.

    Raises
    ------
    InputError
        If an operation takes a site to where there is none.

    Notes
    -----
    Operations with the same rotation differ by a pure translation, so that one of each rotation and the pure
    translations are looked up, and the others are composed of them.

    Examples
    --------
    >>> inversion = site_permutations([-np.eye(3)], [[0, 0, 0]], [[0.1, 0, 0], [0.9, 0, 0]])
    >>> inversion.tolist()
    [[1, 0]]
    """
    matrices = np.rint(np.asarray(rotations, dtype=np.float64)).astype(np.intp)
    shifts = np.asarray(translations, dtype=np.float64)
    sites = wrap_fractional(np.asarray(positions, dtype=np.float64).reshape(-1, 3))
    tree = cKDTree(sites, boxsize=1.0)
    kinds, kind = np.unique(matrices.reshape(len(matrices), 9), axis=0, return_inverse=True)
    kind = kind.ravel()
    identity = np.flatnonzero((matrices == np.eye(3, dtype=np.intp)).all(axis=(1, 2)))
    pure = _look_up(np.eye(3, dtype=np.intp), shifts[identity], sites, tree, tolerance)
    lookup = cKDTree(wrap_fractional(shifts[identity]), boxsize=1.0) if len(identity) else None
    result = np.empty((len(matrices), len(sites)), dtype=np.intp)
    for k, matrix in enumerate(kinds.reshape(-1, 3, 3)):
        own = np.flatnonzero(kind == k)
        first = _look_up(matrix, shifts[own[:1]], sites, tree, tolerance)[0]
        difference = wrap_fractional(shifts[own] - shifts[own[0]])
        distance, which = lookup.query(difference) if lookup is not None else (np.full(len(own), np.inf), None)
        if which is not None and (np.asarray(distance) < tolerance).all():
            result[own] = pure[which][:, first]
        else:
            result[own] = _look_up(matrix, shifts[own], sites, tree, tolerance)
    return result


def _look_up(matrix: Indices, shifts: Floats, sites: Floats, tree: cKDTree, tolerance: float) -> Indices:
    images = wrap_fractional((sites @ matrix.T)[None, :, :] + shifts[:, None, :])
    distance, site = tree.query(images)
    if images.size and (distance.max() > tolerance or (np.sort(site, axis=1) != np.arange(len(sites))).any()):
        raise InputError(
            "operations", need="symmetry operations that map the sites onto each other",
            got=f"an image {distance.max():.3g} (fractional) from the next site",
            remedy="give the sites of whole orbits, or find the symmetry with a smaller tolerance",
        )  # fmt: skip
    return np.asarray(site, dtype=np.intp)
