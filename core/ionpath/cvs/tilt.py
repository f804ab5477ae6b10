"""Tilt of one bond of a tetrahedron: polar and azimuthal angle against the crystal axes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import pi

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.cvs.base import Component
from ionpath.cvs.directions import UNTURNED, Matrix, Turned, direction_angles, many_direction_angles
from ionpath.documented import documented


@typed
@documented
@dataclass(frozen=True)
class BondTilt(Turned):
    """Polar angle ``theta`` and azimuthal angle ``phi`` (rad) of the bond from a central atom to one of its anions.

    Atoms: the central atom, the anion.

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

    # rows are the crystal axes a, b, c as unit vectors in the frame of the box
    rotation: Matrix = UNTURNED

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs."""
        return (Component("theta"), Component("phi", (-pi, pi)))

    @cached_property
    def combination(self) -> Floats:
        """Vector from the central atom to the anion."""
        return np.array([[-1.0, 1.0]])

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Angles and derivatives of the bond vector."""
        values, slopes = direction_angles(vectors[0], self._axes)
        return values, slopes[:, None, :]

    def functions(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Angles and derivatives of many bonds."""
        values, slopes = many_direction_angles(vectors[:, 0], self._axes)
        return values, slopes[:, :, None]
