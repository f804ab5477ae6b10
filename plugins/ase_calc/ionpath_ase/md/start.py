"""The start of a run: a checked structure with velocities, and the lines of a PLUMED input."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms, units

from ionpath.cells import vacuum
from ionpath.errors import InputError, IonpathError, whole
from ionpath.files import read_text
from ionpath_ase._geometry import check_positions, model_cell
from ionpath_ase.md.lammps_model import elements
from ionpath_ase.md.programs import check_plumed
from ionpath_ase.md.settings import MDSettings
from ionpath_ase.md.state import degrees_of_freedom, kinetic_state
from ionpath_ase.potentials import resolve


def prepare(atoms: Atoms, settings: MDSettings) -> tuple[Atoms, MDSettings]:
    """Copy the start, turn constraints into settings, check it, and draw velocities where it has none."""
    from ase.constraints import FixAtoms

    if len(atoms) == 0:
        raise InputError("atoms", need="at least one atom", got="none")
    start = atoms.copy()
    settings.check_used()
    fixed = set(settings.fixed)
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            remedy = "remove the constraint"
            raise InputError("atoms", need="no constraints but FixAtoms", got=type(constraint).__name__, remedy=remedy)
        fixed |= {int(index) for index in constraint.index}
    start.set_constraint()
    for index in fixed:
        whole("fixed", index, 0, len(atoms) - 1)
    if len(atoms) and len(fixed) == len(atoms):
        need, got = "at least one atom that moves", f"all {len(atoms)} fixed, by fixed= or constraints of the atoms"
        raise InputError("fixed", need=need, got=got, remedy="leave out those that move")
    settings = replace(settings, fixed=tuple(sorted(fixed)))
    if not np.isfinite(start.cell.array).all():
        raise InputError("cell", need="finite lattice vectors", got=str(start.cell.array.tolist()))
    check_positions(start.positions, model_cell(start, 1.0), 0.5)
    masses = start.get_masses()
    if not (np.isfinite(masses).all() and (masses > 0.0).all()):
        raise InputError("masses", need="finite numbers, above 0", got=str(masses.min()))
    if not np.isfinite(start.get_velocities()).all():
        raise InputError("velocities", need="finite numbers", got="nan or infinity")
    start.calc, settings = _with_potential(atoms.calc, settings)
    if not start.has("momenta"):
        draw_velocities(start, settings)
    return start, settings


def is_foreign(calculator: Any) -> bool:
    """Whether a calculator is one of another package; one that only keeps results of a file is none."""
    if calculator is None or type(calculator).__name__.startswith("SinglePoint"):
        return False
    return getattr(calculator, "name", "") != "ionpath"


def _with_potential(calculator: Any, settings: MDSettings) -> tuple[Any, MDSettings]:
    """Settle which potential is run: the one that the atoms carry, or the model where they carry none."""
    name = type(calculator).__name__
    if is_foreign(calculator):
        if settings.engine == "lammps":
            need = "the calculator of the ASE plugin, or none, with LAMMPS"
            raise InputError("atoms", need=need, got=name, remedy='use engine="ase", which takes any calculator')
        if settings.model is not None:
            got = settings.model
            remedy = "leave the model out, or take the calculator off the atoms"
            raise InputError("model", need=f"none beside the calculator {name} of the atoms", got=got, remedy=remedy)
        return calculator, settings
    if calculator is None or name.startswith("SinglePoint"):
        return None, replace(settings, model=settings.model or "argyrodite")
    carried = str(calculator.parameters["model"])
    if settings.model is not None and resolve(settings.model) != resolve(carried):
        got = settings.model
        remedy = "leave the model out, or take the calculator off the atoms"
        raise InputError("model", need=f"{carried}, which the atoms carry as their calculator", got=got, remedy=remedy)
    return calculator, replace(settings, model=carried)


def no_stress(name: str) -> InputError:
    """Refusal of a calculator at constant pressure."""
    remedy = "use nvt, or another calculator"
    return InputError("ensemble", need="a calculator that gives the stress, for NPT", got=name, remedy=remedy)


@contextmanager
def in_words_of(calculator: Any, settings: MDSettings, where: str, kept: str) -> Iterator[None]:
    """Turn an error of somebody else's calculator into a sentence that names it."""
    try:
        yield
    except IonpathError:
        raise
    except Exception as error:
        kind, name = type(error).__name__, type(calculator).__name__
        if not is_foreign(calculator) or kind == "PlumedError":
            raise
        if kind == "PropertyNotImplementedError" and settings.ensemble.startswith("npt"):
            raise no_stress(name) from error
        raise IonpathError(
            f"{where}: the calculator {name} stopped with {kind}: {str(error)[:300]}; {kept}, and the checkpoint is "
            "intact: once the calculator is mended, the same call goes on from there"
        ) from error


def check_engine(atoms: Atoms, settings: MDSettings, plumed: Sequence[str]) -> None:
    """Foresee what an engine would stop over once it runs."""
    if settings.ensemble.startswith("npt") and (told := vacuum(atoms.cell.array, atoms.positions)):
        need = "nvt or nve for a cell with vacuum, which has no pressure to keep"
        raise InputError("ensemble", need=need, got=told, remedy='use ensemble="nvt", or a cell that the atoms fill')
    if settings.engine == "ase":
        if settings.ensemble.startswith("npt") and not (atoms.pbc.all() and atoms.cell.rank == 3):
            need = "nvt or nve for what is not periodic in all directions"
            remedy = 'use ensemble="nvt", as vacuum has no pressure to keep'
            raise InputError("ensemble", need=need, got=settings.ensemble, remedy=remedy)
        angles = atoms.cell.angles()
        if settings.ensemble == "npt-aniso" and np.abs(angles - 90.0).max() > 1e-3:
            need = "npt, nvt or nve for a cell without right angles, which npt-aniso on the ASE engine would change"
            got = f"{settings.ensemble} with angles of {', '.join(f'{a:.4g}' for a in angles)} degrees"
            raise InputError("ensemble", need=need, got=got, remedy='use ensemble="npt", or engine="lammps"')
        known = getattr(atoms.calc, "implemented_properties", ("stress",))
        if settings.ensemble.startswith("npt") and "stress" not in known:
            raise no_stress(type(atoms.calc).__name__)
        return
    check_periodic(atoms)
    model = resolve(settings.model or "argyrodite")
    known = elements(model)
    missing = sorted(set(atoms.get_chemical_symbols()) - set(known))
    if known and missing:
        need = f"only {', '.join(known)}, which the model {model.name} was trained for"
        remedy = "use a potential that knows them, or train one with `ionpath train`"
        raise InputError("elements", need=need, got=", ".join(missing), remedy=remedy)
    if plumed:
        check_plumed(settings.processes)


def check_periodic(atoms: Atoms) -> None:
    """Refuse what LAMMPS is not told to do."""
    if not atoms.pbc.all():
        need = "periodic boundaries in all directions for the LAMMPS engine"
        remedy = 'add vacuum and make all directions periodic, or use engine="ase"'
        raise InputError("atoms", need=need, got=f"pbc {atoms.pbc.tolist()}", remedy=remedy)
    if abs(np.linalg.det(atoms.cell.array)) < 1e-3:
        remedy = "set the cell"
        raise InputError("atoms", need="a cell with a volume", got=str(atoms.cell.array.tolist()), remedy=remedy)


def draw_velocities(atoms: Atoms, settings: MDSettings) -> None:
    """Draw Maxwell-Boltzmann velocities at exactly the target temperature, with the centre of mass at rest."""
    masses = atoms.get_masses()
    velocities = np.random.default_rng(settings.seed).standard_normal((len(atoms), 3)) / np.sqrt(masses)[:, None]
    velocities[list(settings.fixed)] = 0.0
    if not settings.fixed and len(atoms) > 1:
        velocities -= masses @ velocities / masses.sum()
    freedom = degrees_of_freedom(len(masses), len(settings.fixed))
    found = kinetic_state(velocities, masses, freedom)[1]
    if found > 0.0:
        velocities *= np.sqrt(settings.temperature / found)
    atoms.set_velocities(velocities / (1000.0 * units.fs))


def plumed_lines(plumed: str | os.PathLike[str] | Sequence[str] | None) -> list[str]:
    """Lines of a PLUMED input, from a file or as they are."""
    if plumed is None:
        return []
    if isinstance(plumed, str) and "\n" in plumed:
        return plumed.splitlines()
    if isinstance(plumed, str | os.PathLike):
        return read_text(plumed, f"plumed {plumed}", "a PLUMED input, or its lines").splitlines()
    return [line for text in plumed for line in text.splitlines()]
