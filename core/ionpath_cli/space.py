"""Cell, lengths and elements of a trajectory: what its files say, what a user says, and whether that can be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.constants import BOHR
from ionpath.errors import InputError

LENGTHS = {"A": 1.0, "nm": 10.0, "bohr": BOHR}
"""Lengths of files in A."""
LOOKED_AT = 64
"""Atoms whose neighbours are looked at."""
NEAREST, FARTHEST = 0.4, 1.6
"""Distances of nearest atoms are between these multiples of the sum of their covalent radii."""


def parse_cell(text: str) -> list[float]:
    """Lengths and angles of ``--cell``.

    >>> parse_cell("10,10,12.5")
    [10.0, 10.0, 12.5, 90.0, 90.0, 90.0]
    """
    from MDAnalysis.lib.mdamath import triclinic_vectors

    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        values = []
    values += [90.0] * 3 if len(values) == 3 else []
    solid = len(values) == 6 and np.isfinite(values).all() and min(values) > 0
    if not solid or not np.linalg.det(triclinic_vectors(values)) > 0:
        need = "three lengths in A, or these and three angles in degrees, of a cell that has a volume"
        remedy = "for example --cell 15,15,20 or --cell 15,15,20,90,90,120"
        raise InputError("--cell", need=need, got=repr(text), remedy=remedy)
    return values


def length_unit(trajectory: Any, given: str, path: Path) -> str:
    """Unit of positions as they are read: that of the option, unless the file says it or is read in A by its own."""
    said = {"Angstrom": "A"}.get(trajectory.units.get("length"), trajectory.units.get("length"))
    if not getattr(trajectory, "convert_units", True):  # an H5MD file that does not say all of its units
        return said if said in LENGTHS else given
    if given != "A" and (said == "nm" or trajectory.format == "H5MD"):
        need, got = "no unit for a file whose format says it", f"{given} for {path}, which is read in A"
        raise InputError("--length-unit", need=need, got=got, remedy="leave it out")
    return given


def set_space(universe: Any, cell: list[float] | None, unit: str) -> None:
    """Have every frame in A, and in the cell that the user says."""
    factor = np.float32(LENGTHS[unit])

    def change(ts: Any) -> Any:
        if factor != 1:
            ts.positions *= factor
            if ts.dimensions is not None:
                ts.dimensions = [*(float(factor) * ts.dimensions[:3]), *ts.dimensions[3:]]
        if cell is not None:
            ts.dimensions = cell
        return ts

    if cell is not None or factor != 1:
        universe.trajectory.add_transformations(change)


def check_cell(universe: Any, open_sides: set[int], path: Path) -> None:
    """Refuse a trajectory without a cell, or with one that does not repeat, before an analysis takes it for another."""
    trajectory = universe.trajectory
    ts = trajectory[0]
    pbc = ts.data.get("info", {}).get("pbc") if isinstance(ts.data.get("info"), dict) else None
    if pbc is not None and np.size(pbc) == 3:
        open_sides = open_sides | {k for k, one in enumerate(np.ravel(pbc)) if not one}
    lengths = np.zeros(3) if ts.dimensions is None else ts.dimensions[:3]
    flat = ts.data.get("cell")
    if ts.dimensions is None or not np.all(lengths > 0):
        got, shown = f"none in {path}", "15,15,15"
        if flat is not None:
            lengths = np.linalg.norm(flat, axis=1)
            zero = [str(k + 1) for k in np.flatnonzero(lengths < 1e-6)]
            got = f"vector {', '.join(zero)} of length 0" if zero else "vectors in one plane"
            got += f" in {path}"
            shown = ",".join(f"{one:.4g}" if one > 1e-6 else "15" for one in lengths)
    elif open_sides:
        got = f"{path}, which does not repeat along vector {', '.join(str(k + 1) for k in sorted(open_sides))}"
        shown = ",".join(f"{one:.6g}" for one in lengths)
    else:
        return
    need = "a periodic cell, as displacements and volume are those of one"
    remedy = f"add its lengths in A, and its angles if they are not 90 degrees, for example --cell {shown}"
    raise InputError("--cell", need=need, got=got, remedy=remedy)


def check_lengths(universe: Any) -> list[str]:
    """Refuse atoms that lie in each other, as those of a file in nm do; a note where they are too far apart."""
    from ase.data import atomic_numbers, covalent_radii
    from MDAnalysis.lib.distances import distance_array

    atoms, ts = universe.atoms, universe.trajectory[0]
    if len(atoms) < 4 or not np.isfinite(atoms.positions).all():
        return []
    chosen = np.unique(np.linspace(0, len(atoms) - 1, LOOKED_AT).astype(int))
    distance = distance_array(atoms.positions[chosen], atoms.positions, box=ts.dimensions)
    distance[np.arange(len(chosen)), chosen] = np.inf
    radii = np.array([covalent_radii[atomic_numbers.get(name, 3)] for name in atoms.elements])
    ratio = float(np.median((distance / (radii[chosen, None] + radii)).min(axis=1)))
    said = f"{ratio:.2g} times the sum of their covalent radii"
    if ratio < NEAREST:
        need = "positions and cell in A, in which atoms lie apart"
        remedy = "add --length-unit nm if they are in nm; multiply positions that are fractions of the cell by it"
        raise InputError("--length-unit", need=need, got=f"nearest atoms at {said}", remedy=remedy)
    if ratio > FARTHEST:
        return [
            f"Nearest atoms lie {said} apart, far for a solid: if the file is in Bohr, add --length-unit bohr; "
            "diffusion and conductivity change with it."
        ]
    return []


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
