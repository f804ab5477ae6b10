"""PLUMED collective variable of progress along a path of distances: ``IMPORT=ionpath_plumed.path``.

``p: PYCVINTERFACE ATOMS=ion1,destination1,ion2,destination2 IMPORT=ionpath_plumed.path`` gives ``p.py-s`` (in nodes,
from 1) and ``p.py-z`` (A) along the nodes of the concerted two-ion hop, (6.5, 6.5) to (2, 2) A: see
`ionpath.cvs.PathProgress`.

Parameters, as ``INIT={name=value ...}``: ``nodes`` (a list of rows, one distance in A per pair of atoms, or the
name of a text file), ``form`` (geometric, or branduardi), ``lam`` (A^-2, of the latter), ``values``, ``nopbc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ionpath.cvs import PathProgress
from ionpath.cvs.path import CONCERTED
from ionpath_plumed.bridge import as_points, hooks


def build(
    serials: Sequence[int] | None, *, nodes: Any = CONCERTED, form: Any = "geometric", lam: float | None = None
) -> PathProgress:
    """Make the variable."""
    return PathProgress(as_points("nodes", nodes), form, lam)


plumedInit, plumedCalculate, __getattr__ = hooks(build)
