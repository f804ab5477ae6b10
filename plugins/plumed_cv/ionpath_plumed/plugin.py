"""PLUMED collective variable that an installed plugin package brings: ``IMPORT=ionpath_plumed.plugin``.

``v: PYCVINTERFACE ATOMS=3,4,5 IMPORT=ionpath_plumed.plugin INIT={name=mine}`` gives the variable that a package
registered with the hook ``collective_variables`` of `ionpath.plugins`.

Parameters, as ``INIT={name=value ...}``: ``name`` (of the registered variable), ``low``, ``high`` (ends of its
period), ``nopbc`` (the function then gets a cell of zeros).
"""

from __future__ import annotations

from collections.abc import Sequence

from ionpath.cvs import CellVariable
from ionpath.errors import InputError
from ionpath_plumed.bridge import hooks


def build(
    serials: Sequence[int] | None, *, name: str = "", low: float | None = None, high: float | None = None
) -> CellVariable:
    """Make the variable."""
    from ionpath.plugins import available

    known = available("collective_variables")
    if name not in known:
        need = f"a registered variable ({', '.join(known) or 'none is installed'})"
        raise InputError("name", need=need, got=repr(name), remedy="install the package that brings it")
    if (low is None) != (high is None) or (low is not None and high is not None and not low < high):
        remedy = "give both, or neither"
        raise InputError("low, high", need="both ends of a period", got=f"{low}, {high}", remedy=remedy)
    period = None if low is None or high is None else (float(low), float(high))
    return CellVariable(known[name], len(serials or ()), period)


plumedInit, plumedCalculate, __getattr__ = hooks(build)
