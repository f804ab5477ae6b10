"""PLUMED collective variable of an ion among coordination shells: ``IMPORT=ionpath_plumed.shell``.

``s: PYCVINTERFACE ATOMS=ion,centre1,centre2 IMPORT=ionpath_plumed.shell`` gives ``s.py-d1``, ``s.py-d2``,
``s.py-difference``, ``s.py-nearest``, ``s.py-theta``, ``s.py-phi``: see `ionpath.cvs.ShellCoordinates`.

Parameters, as ``INIT={name=value ...}``: ``centres`` (their number; or a list with the number of atoms of each
centre; or a list of lists of atom numbers as in ATOMS), ``neighbours`` (atom numbers as in ATOMS that are counted
around the first centre, adds ``s.py-coordination``; or their number, for the last ones of ATOMS), ``r0``, ``d0``,
``nn``, ``mm`` (switching function of that count), ``rotation`` (degrees about z, or nine numbers), ``softness`` (A,
of ``nearest``), ``values`` (list of components to keep), ``nopbc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ionpath.cvs import Rational, ShellCoordinates
from ionpath.errors import InputError
from ionpath_plumed.bridge import as_rotation, hooks


def build(
    serials: Sequence[int] | None,
    *,
    centres: int | list[Any] = 2,
    neighbours: int | list[int] = 0,
    r0: float = 0.5,
    d0: float = 2.5,
    nn: int = 6,
    mm: int = 12,
    rotation: Any = 0.0,
    softness: float = 0.0,
) -> ShellCoordinates:
    """Make the variable."""
    groups: list[Any] = centres if isinstance(centres, list) else [1] * centres
    sizes = [len(group) if isinstance(group, list) else int(group) for group in groups]
    named = [group for group in groups if isinstance(group, list)]
    n_counted = len(neighbours) if isinstance(neighbours, list) else neighbours
    if serials is None or not named:
        ends = [1 + sum(sizes[:k]) for k in range(len(sizes) + 1)]
        members = [tuple(range(a, b)) for a, b in pairwise(ends)]
    else:
        if len(named) != len(groups):
            raise InputError("centres", need="either counts or lists of atoms", got=repr(centres), remedy="use one way")
        members = [tuple(_place(serials, atom, "centres") for atom in group) for group in named]
    after = 1 + sum(sizes)
    if serials is not None and isinstance(neighbours, list):
        counted = tuple(_place(serials, atom, "neighbours") for atom in neighbours)
    else:
        counted = tuple(range(after, after + n_counted))
    switching = Rational(r0=r0, d0=d0, nn=nn, mm=mm)
    return ShellCoordinates(tuple(members), counted, switching, as_rotation(rotation), softness)


def _place(serials: Sequence[int], atom: int, name: str) -> int:
    if atom not in serials:
        need = f"atoms that ATOMS names ({', '.join(map(str, serials))})"
        raise InputError(name, need=need, got=f"{atom}", remedy="add the atom to ATOMS")
    return list(serials).index(atom)


plumedInit, plumedCalculate, __getattr__ = hooks(build)
