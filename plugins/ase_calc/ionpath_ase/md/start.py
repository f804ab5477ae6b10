"""The start of a run: a checked structure with velocities, and the lines of a PLUMED input."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ionpath.errors import InputError
from ionpath_ase._geometry import check_positions, model_cell
from ionpath_ase.md.settings import MDSettings

if TYPE_CHECKING:
    from ase import Atoms


def prepare(atoms: Atoms, settings: MDSettings) -> tuple[Atoms, MDSettings]:
    """Copy the start, turn constraints into settings, check it, and draw velocities where it has none."""
    from ase.constraints import FixAtoms

    if len(atoms) == 0:
        raise InputError("atoms", need="at least one atom", got="none")
    start = atoms.copy()
    start.calc = atoms.calc
    fixed = set(settings.fixed)
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            raise InputError(
                "atoms",
                need="no constraints but FixAtoms",
                got=type(constraint).__name__,
                remedy="remove the constraint",
            )
        fixed |= {int(index) for index in constraint.index}
    start.set_constraint()
    settings = replace(settings, fixed=tuple(sorted(fixed)))
    check_positions(start.positions, model_cell(start, 1.0), 0.5)
    if not start.has("momenta"):
        draw_velocities(start, settings)
    return start, settings


def draw_velocities(atoms: Atoms, settings: MDSettings) -> None:
    """Draw Maxwell-Boltzmann velocities at exactly the target temperature, with the centre of mass at rest."""
    from ase import units

    from ionpath_ase.md.state import kinetic_state

    masses = atoms.get_masses()
    velocities = (
        np.random.default_rng(settings.seed).standard_normal((len(atoms), 3)) / np.sqrt(masses)[:, None]
    )
    velocities[list(settings.fixed)] = 0.0
    if not settings.fixed and len(atoms) > 1:
        velocities -= masses @ velocities / masses.sum()
    found = kinetic_state(velocities, masses, settings.fixed)[1]
    if found > 0.0:
        velocities *= np.sqrt(settings.temperature / found)
    atoms.set_velocities(velocities / (1000.0 * units.fs))


def plumed_lines(plumed: str | os.PathLike[str] | Sequence[str] | None) -> list[str]:
    """Lines of a PLUMED input, from a file or as they are."""
    if plumed is None:
        return []
    if isinstance(plumed, str | os.PathLike):
        path = Path(plumed)
        if not path.exists():
            raise InputError("plumed", need="an existing PLUMED input, or its lines", got=str(path))
        return path.read_text().splitlines()
    return list(plumed)
