"""PLUMED collective variable of a position in the frame of the framework: ``IMPORT=ionpath_plumed.position``.

``x: PYCVINTERFACE ATOMS=ion,f1,f2,... IMPORT=ionpath_plumed.position INIT={reference=framework.dat
origin=[12,8,8]}`` gives ``x.py-x``, ``x.py-y``, ``x.py-z`` (A): see `ionpath.cvs.FramePosition`.

Parameters, as ``INIT={name=value ...}``: ``reference`` (positions of the framework atoms in the order of ATOMS,
rows or a text file; none: position in the box), ``origin`` (middle of the region of interest), ``cell`` (nine
numbers in A: then `reference` and `origin` are fractional), ``values``, ``nopbc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.cvs import FramePosition
from ionpath.errors import InputError
from ionpath_plumed.bridge import as_points, hooks


def build(
    serials: Sequence[int] | None, *, reference: Any = None, origin: Any = (0.0, 0.0, 0.0), cell: Any = None
) -> FramePosition:
    """Make the variable."""
    frame = np.eye(3)
    if cell is not None:
        flat = np.asarray(cell, dtype=float).ravel()
        if len(flat) != 9:
            raise InputError("cell", need="nine numbers in A, row after row", got=f"{len(flat)}", remedy="mend INIT")
        frame = flat.reshape(3, 3)
    rows = np.array(as_points("reference", reference) if reference is not None else ()).reshape(-1, 3) @ frame
    middle = np.asarray(origin, dtype=float).reshape(3) @ frame
    x, y, z = map(float, middle)
    return FramePosition(tuple((float(a), float(b), float(c)) for a, b, c in rows), (x, y, z))


plumedInit, plumedCalculate, __getattr__ = hooks(build)
