"""Collective variables: value, gradient and virial of each, analytic, on NumPy arrays, for any periodic cell.

Every variable is a frozen object with `components` (names and periods) and two ways to be evaluated:
``evaluate(positions, cell)`` for people, and ``compute(positions, image)`` for a molecular-dynamics host that has
its own minimum image. `CellVariable` does the same for a function of another package. No host is needed here.
"""

from ionpath.cvs.base import CellVariable, CollectiveVariable, Component, Evaluation, finite_differences
from ionpath.cvs.distortion import TetrahedronDistortion
from ionpath.cvs.groups import Groups
from ionpath.cvs.membership import ShellMembership
from ionpath.cvs.path import PathProgress
from ionpath.cvs.position import FramePosition
from ionpath.cvs.rotation import TetrahedronRotation
from ionpath.cvs.shell import ShellCoordinates
from ionpath.cvs.switching import Rational
from ionpath.cvs.tilt import BondTilt

__all__ = [
    "BondTilt",
    "CellVariable",
    "CollectiveVariable",
    "Component",
    "Evaluation",
    "FramePosition",
    "Groups",
    "PathProgress",
    "Rational",
    "ShellCoordinates",
    "ShellMembership",
    "TetrahedronDistortion",
    "TetrahedronRotation",
    "finite_differences",
]
