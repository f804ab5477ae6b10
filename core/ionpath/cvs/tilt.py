"""Tilt of one bond of a tetrahedron: polar and azimuthal angle against the crystal axes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import atan2, hypot, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from ionpath.cvs.base import CollectiveVariable, Component

Floats = NDArray[np.float64]
Matrix = tuple[tuple[float, float, float], ...]


def direction_angles(vector: Floats, axes: Floats | None = None) -> tuple[Floats, Floats]:
    """Polar and azimuthal angle of a vector, with derivatives.

    Parameters
    ----------
    vector : ndarray, (3,)
        Vector in A.
    axes : ndarray, (3, 3), optional
        Rows are the axes x, y, z of the frame in which angles are measured; by default those of the box.

    Returns
    -------
    tuple of ndarray
        ``(theta, phi)`` in rad, theta in [0, pi], phi in (-pi, pi], and their derivatives (2, 3) per A.

    Notes
    -----
    ``theta = arccos(b_z / |b|)``, ``phi = atan2(b_y, b_x)``. Both gradients are 0 exactly at the poles, where the
    directions of steepest ascent are undefined.

    Examples
    --------
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


@dataclass(frozen=True)
class BondTilt(CollectiveVariable):
    """Polar angle ``theta`` and azimuthal angle ``phi`` (rad) of the bond from a central atom to one of its anions.

    Atoms: the central atom, the anion.

    Attributes
    ----------
    rotation : tuple of 3 rows
        Rows are the crystal axes a, b, c as unit vectors in the frame of the box.

    Notes
    -----
    theta is the angle to the third axis, in [0, pi] and not periodic; phi, in (-pi, pi], is periodic
    (Guan et al., arXiv:2412.07115, supplementary note 3). The gradient of theta is 0 exactly at the poles, where its
    direction is undefined; that of phi grows as 1/sin(theta) and is 0 exactly at the poles. A bias along phi
    therefore acts with large forces within a few degrees of the poles: bias the rotation of the whole tetrahedron
    instead when bonds go there.

    Examples
    --------
    >>> result = BondTilt().evaluate([[0.0, 0.0, 0.0], [0.0, -1.2, 1.2]])
    >>> np.degrees(result.values).round(6)
    array([ 45., -90.])
    """

    rotation: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    def __post_init__(self) -> None:
        """Check the axes."""
        from ionpath.cvs.shell import check_rotation

        check_rotation(self.rotation)

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs."""
        return (Component("theta"), Component("phi", (-pi, pi)))

    @cached_property
    def combination(self) -> Floats:
        """Vector from the central atom to the anion."""
        return np.array([[-1.0, 1.0]])

    @cached_property
    def _axes(self) -> Floats | None:
        axes = np.array(self.rotation, dtype=float)
        return None if np.array_equal(axes, np.eye(3)) else axes

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Angles and derivatives of the bond vector."""
        values, slopes = direction_angles(vectors[0], self._axes)
        return values, slopes[:, None, :]
