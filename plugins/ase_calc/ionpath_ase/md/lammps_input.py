"""LAMMPS input for a run: the same text for the engine and for a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms, units

from ionpath.plumed_input import needs_energy
from ionpath_ase.md.settings import MDSettings
from ionpath_ase.md.state import FloatArray


def kinds(atoms: Atoms) -> list[tuple[str, float]]:
    """Elements with their masses in the order of their LAMMPS types: isotopes are types of their own."""
    return sorted(set(_kinds(atoms)))


def _kinds(atoms: Atoms) -> list[tuple[str, float]]:
    masses = np.round(atoms.get_masses(), 6).tolist()
    return list(zip(atoms.get_chemical_symbols(), masses, strict=True))


def data_file(atoms: Atoms, rotation: FloatArray) -> str:
    """Structure and velocities as a LAMMPS data file in full precision."""
    cell = np.tril(np.array(atoms.cell.array) @ rotation)
    known = kinds(atoms)
    types = [known.index(kind) + 1 for kind in _kinds(atoms)]
    masses = dict(zip(types, atoms.get_masses(), strict=True))
    lines = ["written by ionpath", "", f"{len(atoms)} atoms", f"{len(known)} atom types", ""]
    for axis, name in enumerate("xyz"):
        lines.append(f"0.0 {cell[axis, axis]:.17g} {name}lo {name}hi")
    if np.abs(cell[np.tril_indices(3, -1)]).max() > 1e-10:
        lines.append(f"{cell[1, 0]:.17g} {cell[2, 0]:.17g} {cell[2, 1]:.17g} xy xz yz")
    lines += ["", "Masses", ""] + [f"{kind} {masses[kind]:.17g}" for kind in sorted(masses)]
    lines += ["", "Atoms # atomic", ""]
    for number, (kind, row) in enumerate(zip(types, atoms.positions @ rotation, strict=True), 1):
        lines.append(f"{number} {kind} " + " ".join(f"{value:.17g}" for value in row))
    lines += ["", "Velocities", ""]
    for number, row in enumerate(atoms.get_velocities() * (1000.0 * units.fs) @ rotation, 1):
        lines.append(f"{number} " + " ".join(f"{value:.17g}" for value in row))
    return "\n".join(lines) + "\n"


def commands(
    atoms: Atoms, settings: MDSettings, start: Path, library: Path, model: Path, plumed: Sequence[str] = (),
    step: int = 0,
) -> str:  # fmt: skip
    """LAMMPS commands up to the first step."""
    lines = [f"plugin load {library}"]
    if start.suffix == ".restart":
        lines.append(f"read_restart {start}")
    else:
        lines += [
            "units metal",
            "boundary p p p",
            "atom_style atomic",
            "atom_modify map array",
            "box tilt large",
            f"read_data {start}",
            "reset_timestep 0",
        ]
    lines += [
        f"pair_style deepmd {model}",
        f"pair_coeff * * {' '.join(symbol for symbol, _ in kinds(atoms))}",
        f"timestep {settings.timestep * 1e-3:.12g}",
        "neighbor 1.0 bin",
        "neigh_modify every 1 delay 0 check yes",
        "thermo_style custom step pe press",
        "thermo_modify lost error norm no",
        f"thermo {settings.stride}",
        *_external(plumed),
        *_groups(settings),
        *_integrator(settings, step),
    ]
    return "\n".join(lines) + "\n"


def _external(plumed: Sequence[str]) -> list[str]:
    """Call PLUMED after the forces of the model and before all that thermostats and walls add."""
    if not plumed:
        return []
    lines = ["fix plumed all external pf/callback 1 1", "fix_modify plumed energy yes virial yes"]
    if needs_energy(plumed):
        lines += [
            "compute model_energy all pe pair",
            "compute model_pressure all pressure NULL pair",
            "fix tally all ave/time 1 1 1 c_model_energy c_model_pressure[1]",  # keeps both up to date
        ]
    return lines


def _groups(settings: MDSettings) -> list[str]:
    """Split moving and fixed atoms."""
    if not settings.fixed:
        return ["group mobile union all"]
    numbers = " ".join(str(index + 1) for index in settings.fixed)
    return [
        f"group frozen id {numbers}",
        "group mobile subtract all frozen",
        "velocity frozen set 0.0 0.0 0.0",
        "fix hold frozen setforce 0.0 0.0 0.0",
    ]


def noise(settings: MDSettings, step: int) -> list[str]:
    """Thermostat that draws random numbers, if the run has one, with the seed of a time step.

    LAMMPS writes no state of its generator into a restart file. A run that begins it anew at every checkpoint is the
    same run whether it was stopped there or not.
    """
    if settings.ensemble == "nve" or settings.thermostat == "nose-hoover":
        return []
    rest = "no" if settings.fixed else "yes"
    seed = (settings.seed + 15_485_863 * step) % 899_999_999 + 1
    return [f"fix bath mobile langevin {_heat(settings)} {seed} zero {rest}"]


def _heat(settings: MDSettings) -> str:
    """Temperatures at both ends of the run, and the damping."""
    first = settings.temperature
    last = first if settings.final_temperature is None else settings.final_temperature
    return f"{first:.12g} {last:.12g} {settings.damping:.12g}"


def _integrator(settings: MDSettings, step: int) -> list[str]:
    """Fixes that move the atoms."""
    heat, random = _heat(settings), noise(settings, step)
    push = f"{settings.pressure * 1e4:.12g} {settings.pressure * 1e4:.12g} {settings.pressure_damping:.12g}"
    mode = "aniso" if settings.ensemble == "npt-aniso" else "iso"
    if settings.ensemble == "nve":
        return ["fix integrate mobile nve"]
    if settings.ensemble == "nvt":
        return ["fix integrate mobile nve", *random] if random else [f"fix integrate mobile nvt temp {heat}"]
    if not random:
        return [f"fix integrate mobile npt temp {heat} {mode} {push}"]
    return [f"fix integrate mobile nph {mode} {push}", *random]
