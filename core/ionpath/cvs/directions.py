"""Directions of vectors in the axes of a crystal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import atan2, hypot, sqrt

import numpy as np

from ionpath.arrays import Floats
from ionpath.cvs.base import CollectiveVariable
from ionpath.errors import InputError


def direction_angles(vector: Floats, axes: Floats | None = None) -> tuple[Floats, Floats]:
    """Polar and azimuthal angle of a vector, with derivatives.

    ``theta = arccos(b_z / |b|)``, ``phi = atan2(b_y, b_x)``. Both gradients are 0 exactly at the poles, where the
    directions of steepest ascent are undefined.

    >>> angles, _ = direction_angles(np.array([0.0, 1.0, 1.0]))
    >>> np.degrees(angles).round(6)
    array([45., 90.])
    """
    x, y, z = (vector if axes is None else axes @ vector).tolist()
    flat, length = hypot(x, y), sqrt(x * x + y * y + z * z)
    slopes = np.zeros((2, 3))
    if length == 0.0:
        return np.zeros(2), slopes
    # atan2 keeps full precision at the poles, where the arc cosine loses half of the digits.
    values = np.array([atan2(flat, z), atan2(y, x)])
    if flat > 0.0:
        scale = z / (length * length * flat)
        slopes[0] = x * scale, y * scale, -flat / (length * length)
        slopes[1] = -y / (flat * flat), x / (flat * flat), 0.0
    return values, (slopes if axes is None else slopes @ axes)


def many_direction_angles(vectors: Floats, axes: Floats | None = None) -> tuple[Floats, Floats]:
    """`direction_angles` of vectors (n, 3): angles (n, 2) and derivatives (n, 2, 3)."""
    x, y, z = (vectors if axes is None else vectors @ axes.T).T
    flat = np.hypot(x, y)
    square = x * x + y * y + z * z
    away = flat > 0.0
    level, total = np.where(away, flat, 1.0), np.where(square > 0.0, square, 1.0)
    values = np.stack([np.where(square > 0.0, np.arctan2(flat, z), 0.0), np.arctan2(y, x)], axis=1)
    slopes = np.zeros((len(vectors), 2, 3))
    scale = np.where(away, z / (total * level), 0.0)
    slopes[:, 0, 0], slopes[:, 0, 1], slopes[:, 0, 2] = x * scale, y * scale, -flat / total
    slopes[:, 1, 0], slopes[:, 1, 1] = -y / level**2, x / level**2
    return values, (slopes if axes is None else slopes @ axes)


Matrix = tuple[tuple[float, float, float], ...]
UNTURNED: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Turned(CollectiveVariable):
    """A variable that is measured along axes of its own, the rows of `rotation`."""

    rotation: Matrix

    def __post_init__(self) -> None:
        """Check the axes."""
        check_rotation(self.rotation)

    @cached_property
    def _axes(self) -> Floats | None:
        axes = np.array(self.rotation, dtype=float)
        return None if np.array_equal(axes, np.eye(3)) else axes


def check_rotation(rotation: Sequence[Sequence[float]]) -> None:
    """Refuse axes that are not three perpendicular unit vectors."""
    matrix = np.asarray(rotation, dtype=float)
    if matrix.shape != (3, 3) or not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6):
        raise InputError(
            "rotation", need="three perpendicular unit vectors as rows", got=f"{matrix.round(4).tolist()}",
            remedy="normalise the crystal axes; turned by t about z they are [[cos t, sin t, 0], [-sin t, cos t, 0], "
            "[0, 0, 1]]",
        )  # fmt: skip
