"""Distortion of tetrahedra: PLUMED's order parameter, its published variant, and measures free of orientation."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.cvs.switching import Rational
from ionpath.errors import InputError, one_of

Measure = Literal["sd", "q", "rmsd"]
Mode = Literal["correct", "published"]

_IDEAL = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)


@typed
@references("guan2024")
def tetrahedral_distortion(
    bonds: ArrayLike,
    *,
    measure: Measure = "sd",
    mode: Mode = "correct",
    switching: Rational | None = None,
    rotation: ArrayLike | None = None,
) -> Floats:
    """Distortion of each tetrahedron from its bond vectors.

    Parameters
    ----------
    bonds : array_like, (..., n_anions, 3)
        Vectors from the central atom to its anions (shortest images), in A; any number of tetrahedra and frames.
    measure : {"sd", "q", "rmsd"}
        ``"sd"``: order parameter of PLUMED's TETRAHEDRAL, which depends on the orientation in the frame; ``"q"``: 1
        for a perfect tetrahedron in any orientation; ``"rmsd"``: root-mean-square deviation in A from the
        best-fitting perfect tetrahedron (four anions).
    mode : {"correct", "published"}
        For ``"sd"`` only. ``"correct"`` is PLUMED's definition. ``"published"`` takes absolute values of x, y, z,
        so that values are in [0, 4.62], and a switching function with d0 = 12 A and r0 = 3 A that is not set to 1
        below d0.
    switching : Rational, optional
        Weights of the anions in ``"sd"`` and ``"q"``; by default d0 = 2.6 A, r0 = 0.3 A, which gives every bonded
        anion the weight 1. Not used by the published mode.
    rotation : array_like, (3, 3), optional
        Rows are the crystal axes as unit vectors in the frame of the box; sd is evaluated in the frame of the
        crystal.

    Returns
    -------
    ndarray, (...)
        One number per tetrahedron.

    Notes
    -----
    ``sd = sum_j w_j 24 x_j y_j z_j / r_j^3 / sum_j w_j``: the four cubes of PLUMED's definition add up to 24 xyz.
    It is +-4.6188 for a perfect tetrahedron along the +-(111) directions and 0 when that is turned by 45 degrees
    about z, so that only values in the same frame can be compared. The published numbers of Guan et al.
    (arXiv:2412.07115) come from a box turned by 45 degrees against the crystal.

    ``q = 1 - 9/4 <(cos psi_jk + 1/3)^2>`` over pairs (Errington and Debenedetti, doi:10.1038/35053024).

    Examples
    --------
    >>> bonds = 2.05 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    >>> [round(float(tetrahedral_distortion(bonds, measure=m)), 4) + 0.0 for m in ("sd", "q", "rmsd")]
    [4.6188, 1.0, 0.0]
    """
    vectors = np.asarray(bonds, dtype=float)
    if vectors.ndim < 2 or vectors.shape[-1] != 3 or vectors.shape[-2] < 2:
        need = "vectors of shape (..., n_anions, 3), two anions or more"
        remedy = "subtract the central atom from its anions with ionpath.periodic.minimum_image"
        raise InputError("bonds", need=need, got=f"shape {vectors.shape}", remedy=remedy)
    lengths = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
    if not np.isfinite(vectors).all() or not (lengths > 0).all():
        raise InputError("bonds", need="finite vectors longer than 0", got="nan or 0", remedy="check the frames")
    one_of("measure", measure, ("sd", "q", "rmsd"))
    one_of("mode", mode, ("correct", "published"))
    if mode == "published" and measure != "sd":
        raise InputError("mode", need="'correct' with this measure", got="'published'", remedy="use measure='sd'")
    if measure == "rmsd":
        return _deviation(vectors)
    weights = _weights(lengths, mode, switching)
    if measure == "q":
        return _tetrahedrality(vectors / lengths[..., None], weights)
    axes = np.eye(3) if rotation is None else np.asarray(rotation, dtype=float)
    along = vectors @ axes.T
    product = np.prod(np.abs(along) if mode == "published" else along, axis=-1)
    return np.asarray((weights * 24.0 * product / lengths**3).sum(-1) / weights.sum(-1))


def _weights(lengths: Floats, mode: Mode, switching: Rational | None) -> Floats:
    if mode == "published":
        return 1.0 / (1.0 + ((lengths - 12.0) / 3.0) ** 6)
    return (switching or Rational(r0=0.3, d0=2.6))(lengths)[0]


def _tetrahedrality(units: Floats, weights: Floats) -> Floats:
    pairs = weights[..., :, None] * weights[..., None, :] * (1.0 - np.eye(units.shape[-2]))
    excess = np.einsum("...ia,...ja->...ij", units, units) + 1.0 / 3.0
    return np.asarray(1.0 - 2.25 * (pairs * excess**2).sum((-1, -2)) / pairs.sum((-1, -2)))


def _deviation(vectors: Floats) -> Floats:
    """Deviation from the best perfect tetrahedron of any size, orientation and order of its corners.

    Even permutations of the corners are rotations, so that two orders are enough. For each the best rotation
    follows from the singular values of the correlation matrix, the best size from a straight-line fit.
    """
    if vectors.shape[-2] != 4:
        raise InputError("bonds", need="four anions for 'rmsd'", got=f"{vectors.shape[-2]}", remedy="use measure='q'")
    square = np.einsum("...ia,...ia->...", vectors, vectors)
    best = np.full(square.shape, np.inf)
    for order in ((0, 1, 2, 3), (1, 0, 2, 3)):
        fit = np.einsum("...ia,ib->...ab", vectors, _IDEAL[list(order)])
        singular = np.linalg.svd(fit, compute_uv=False)
        sign = np.where(np.linalg.det(fit) < 0, -1.0, 1.0)
        overlap = singular[..., 0] + singular[..., 1] + sign * singular[..., 2]
        best = np.minimum(best, square - np.maximum(overlap, 0.0) ** 2 / 4.0)
    return np.sqrt(np.maximum(best, 0.0) / 4.0)
