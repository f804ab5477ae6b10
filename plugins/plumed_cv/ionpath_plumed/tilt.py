"""PLUMED collective variable of the orientation of a tetrahedron: ``IMPORT=ionpath_plumed.tilt``.

``t: PYCVINTERFACE ATOMS=central,anion IMPORT=ionpath_plumed.tilt`` gives ``t.py-theta`` and ``t.py-phi`` (rad) of
one bond: see `ionpath.cvs.BondTilt`. With ``ATOMS=central,anion1,anion2,anion3,anion4 INIT={reference=...}`` it
gives ``theta``, ``phi``, ``psi`` of the whole tetrahedron, and with ``vector=True`` also ``angle``, ``rx``, ``ry``,
``rz``: see `ionpath.cvs.TetrahedronRotation`.

Parameters, as ``INIT={name=value ...}``: ``reference`` (vectors from the central atom to the anions in the order of
ATOMS, in A, as rows or as the name of a text file; or ``ideal``, bonds along (111), (1-1-1), (-11-1), (-1-11)),
``vector``, ``rotation`` (degrees about z by which the crystal axes are turned against those of the box, or nine
numbers), ``values`` (list of components to keep), ``nopbc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ionpath.cvs import BondTilt, TetrahedronRotation
from ionpath.cvs.rotation import IDEAL
from ionpath_plumed.bridge import as_points, as_rotation, hooks


def build(
    serials: Sequence[int] | None, *, reference: Any = None, rotation: Any = 0.0, vector: bool = False
) -> BondTilt | TetrahedronRotation:
    """Make the variable."""
    if reference is None:
        return BondTilt(as_rotation(rotation))
    points: Any = IDEAL if reference == "ideal" else as_points("reference", reference)
    return TetrahedronRotation(points, as_rotation(rotation), bool(vector))


plumedInit, plumedCalculate, __getattr__ = hooks(build)
