"""PLUMED collective variable of the distortion of tetrahedra: ``IMPORT=ionpath_plumed.distortion``.

``d: PYCVINTERFACE ATOMS=central,a1,a2,a3,a4 IMPORT=ionpath_plumed.distortion`` gives ``d.py-sd``, the order
parameter s_d of PLUMED's TETRAHEDRAL (PLUMED allows no underscore in a component), and ``d.py-q``, which does not
depend on orientation: see `ionpath.cvs.TetrahedronDistortion`.

Parameters, as ``INIT={name=value ...}``: ``centres`` (number of tetrahedra, each given in ATOMS by its central atom
and its anions; the mean is taken), ``anions`` (neighbours per central atom, 4), ``shared`` (True: the first
`centres` atoms are central, all others are neighbours of each, weighted by the switching function), ``r0``, ``d0``,
``nn``, ``mm`` (switching function), ``rotation`` (degrees about z, or nine numbers), ``values``, ``nopbc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ionpath.cvs import Rational, TetrahedronDistortion
from ionpath_plumed.bridge import as_rotation, hooks


def build(
    serials: Sequence[int] | None,
    *,
    centres: int = 1,
    anions: int = 4,
    shared: bool = False,
    r0: float = 0.3,
    d0: float = 2.6,
    nn: int = 6,
    mm: int = 12,
    rotation: Any = 0.0,
) -> TetrahedronDistortion:
    """Make the variable."""
    if shared:
        n_atoms = len(serials) if serials is not None else centres + anions
        pairs = tuple((i, j) for i in range(centres) for j in range(centres, n_atoms))
    else:
        size = anions + 1
        pairs = tuple((i * size, i * size + 1 + j) for i in range(centres) for j in range(anions))
    return TetrahedronDistortion(pairs, Rational(r0=r0, d0=d0, nn=nn, mm=mm), as_rotation(rotation))


plumedInit, plumedCalculate, __getattr__ = hooks(build)
