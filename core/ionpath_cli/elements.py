"""Element and mass of every atom of a trajectory, and where they are from."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ionpath.errors import InputError

ISOTOPES = {2.014: "H", 3.016: "H", 6.015: "Li", 7.016: "Li", 10.013: "B", 11.009: "B"}
"""Masses in u by which isotopes are named (AME 2020)."""


def set_elements(universe: Any, given: str | None) -> str:
    """Return every atom its element, and say where it comes from."""
    source = _named(universe, given)
    masses = getattr(universe.atoms, "masses", None)
    if masses is None or (np.asarray(masses) == 1.0).all():  # those of a LAMMPS dump
        from ase.data import atomic_masses, atomic_numbers

        of_elements = [atomic_masses[atomic_numbers.get(name, 0)] for name in universe.atoms.elements]
        universe.add_TopologyAttr("masses", of_elements)
    return source


def _named(universe: Any, given: str | None) -> str:
    from ase.data import atomic_masses, chemical_symbols

    atoms = universe.atoms
    if given is None and hasattr(atoms, "elements") and all(atoms.elements):
        return "the file"
    names = [np.asarray(getattr(atoms, key, []), dtype=str) for key in ("types", "names")]
    names = [one for one in names if len(one)]
    if not names:
        got = "a trajectory without names and types"
        remedy = "name a structure before the trajectory: ionpath analyze conf.gro traj.xtc"
        raise InputError("FILE", need="a file that says what the atoms are", got=got, remedy=remedy)
    if given is not None:
        table = dict(pair.partition("=")[::2] for pair in given.replace(" ", "").split(","))
        labels = next((one for one in names if set(table) & set(one)), names[0])
        lacking = sorted(set(labels) - set(table))
        wrong = [name for name in table.values() if name not in chemical_symbols[1:]]
        if lacking or wrong:
            types = ", ".join(sorted(set(labels))[:8])
            raise InputError(
                "--elements",
                need="the element of each type of atoms, as in 1=Li,2=S",
                got=f"none for {', '.join(lacking[:8])}" if lacking else f"{wrong[0]!r}, which is none",
                remedy=f"the types are {types}: name the element of each, --elements {types.split(', ')[0]}=Li,..."
                if lacking
                else f"the types are {types}; write symbols such as Li, and H for D",
            )
        universe.add_TopologyAttr("elements", [table[label] for label in labels])
        return "--elements"
    masses = np.asarray(getattr(atoms, "masses", np.zeros(len(atoms))))
    if (masses > 0.5).all() and (masses != 1.0).any():  # of a LAMMPS dump all are 1
        unique, index = np.unique(masses, return_inverse=True)
        known = np.array([*atomic_masses[1:], *ISOTOPES])
        symbols_known = [*chemical_symbols[1:], *ISOTOPES.values()]
        off = np.abs(known - unique[:, None])
        nearest = off.argmin(axis=1)
        if (off.min(axis=1) < 0.06).all():
            universe.add_TopologyAttr("elements", [symbols_known[k] for k in nearest[index]])
            return "masses"
    symbols = {label: _symbol(label, chemical_symbols) for label in set(names[-1])}
    if all(symbols.values()):
        universe.add_TopologyAttr("elements", [symbols[label] for label in names[-1]])
        return "names"
    kinds = ", ".join(sorted(set(names[0]))[:8])
    got = f"types {kinds}, which do not say it"
    remedy = "add --elements 1=Li,2=S with the elements of your types"
    raise InputError("--elements", need="the element of each type of atoms", got=got, remedy=remedy)


def _symbol(label: str, symbols: list[str]) -> str:
    """Element that a name such as Li1 or LI says, or nothing: SOD of a force field is sodium, not sulfur."""
    letters = re.match("[A-Za-z]*", label)[0]  # type: ignore[index]
    return letters.capitalize() if letters.capitalize() in symbols[1:] else ""
