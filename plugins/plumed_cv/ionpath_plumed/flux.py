"""PLUMED collective variable of the state of an ion in its shell: ``IMPORT=ionpath_plumed.flux``.

``m: PYCVINTERFACE ATOMS=ion,centre IMPORT=ionpath_plumed.flux INIT={sites=sites.dat}`` gives memberships ``m.py-p0``
(external), ``m.py-p1``, ``m.py-p2``, ...: see `ionpath.cvs.ShellMembership`. Printed along a run they are what a
path entropy is counted from: `ionpath_plumed.files.states`.

Parameters, as ``INIT={name=value ...}``: ``sites`` (vectors from the centre to the sites in A, a text file or
rows), ``width``, ``cutoff`` (A), ``centre`` (number of atoms whose mean is the centre, 1), ``rotation`` (degrees
about z by which the crystal axes, in which sites are given, are turned against those of the box, or nine numbers),
``values``, ``nopbc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.cvs import ShellMembership
from ionpath.errors import InputError
from ionpath_plumed.bridge import as_points, as_rotation, hooks


def build(
    serials: Sequence[int] | None,
    *,
    sites: Any = None,
    width: float = 0.3,
    cutoff: float = 1.4,
    centre: int = 1,
    rotation: Any = 0.0,
) -> ShellMembership:
    """Make the variable."""
    if sites is None:
        remedy = "write INIT={sites=FILE} with one vector x y z in A per line"
        raise InputError("sites", need="vectors from the centre to the sites", got="none", remedy=remedy)
    rows = np.array(as_points("sites", sites)) @ np.array(as_rotation(rotation))
    return ShellMembership(tuple((float(a), float(b), float(c)) for a, b, c in rows), width, cutoff, centre)


plumedInit, plumedCalculate, __getattr__ = hooks(build)
