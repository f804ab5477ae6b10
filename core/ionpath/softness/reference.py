"""Plain definitions of the quantities of this folder, one atom at a time: slow twins, for tests and for reading."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats
from ionpath.periodic import minimum_image


def slow_radial(
    positions: ArrayLike, cell: ArrayLike, centre: int, atoms: ArrayLike, mu: ArrayLike, width: float, cutoff: float
) -> Floats:
    """Sum Gaussians over the neighbours of one atom."""
    x = np.asarray(positions, dtype=np.float64)
    at = np.asarray(mu, dtype=np.float64)
    total = np.zeros(len(at))
    for j in np.asarray(atoms):
        r = float(np.linalg.norm(minimum_image(x[j] - x[centre], cell)))
        if j != centre and r < cutoff:
            total += np.exp(-((r - at) ** 2) / width**2)
    return total


def slow_angular(
    positions: ArrayLike,
    cell: ArrayLike,
    centre: int,
    atoms: tuple[ArrayLike, ArrayLike],
    parameter: tuple[float, float, float],
    cutoff: float,
) -> float:
    """Sum over the pairs of neighbours of one atom."""
    x = np.asarray(positions, dtype=np.float64)
    xi, zeta, sign = parameter
    near = [
        {int(j): minimum_image(x[j] - x[centre], cell) for j in np.asarray(group) if j != centre} for group in atoms
    ]
    near = [{j: v for j, v in group.items() if np.linalg.norm(v) < cutoff} for group in near]
    same = np.array_equal(np.asarray(atoms[0]), np.asarray(atoms[1]))
    total = 0.0
    for j, a in near[0].items():
        for k, b in near[1].items():
            if k == j or (same and k < j):
                continue
            cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
            squares = a @ a + b @ b + (a - b) @ (a - b)
            total += float(np.exp(-squares / xi**2) * (1 + sign * cosine) ** zeta)
    return total


def slow_nonaffine(old: ArrayLike, new: ArrayLike) -> float:
    """Fit an affine map to bonds by least squares and give the mean squared rest."""
    before, after = np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64)
    solution = np.linalg.lstsq(before, after, rcond=None)[0]
    return float(((after - before @ solution) ** 2).sum() / len(before))
