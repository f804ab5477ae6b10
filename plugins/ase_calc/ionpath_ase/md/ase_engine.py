"""The ASE engine: ASE's integrators over any ASE calculator, PLUMED included."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.errors import require
from ionpath_ase.md.settings import MDSettings
from ionpath_ase.md.state import EV_PER_A3_IN_GPA, Checkpoint, Snapshot, kinetic_state

if TYPE_CHECKING:
    from ase import Atoms

PLUMED_INSTALL = "pip install --no-deps hillclimber, or conda install -c conda-forge plumed py-plumed"
_STATE = {
    "": ("_eps", "_p_eps", "_volume0", "_cell0", "_h", "_h0_basis", "_p_c"),
    "_thermostat": ("_eta", "_p_eta"),
    "_barostat": ("_xi", "_p_xi"),
}
"""Variables of ASE's Nose-Hoover integrators that a checkpoint keeps, by object."""


class AseEngine:
    """Steps of a run, made by ASE.

    Parameters
    ----------
    atoms : ase.Atoms
        Start, with velocities. If it has a calculator, that one is used, else the model of the settings.
    settings : MDSettings
        Parameters.
    plumed : sequence of str, optional
        Lines of a PLUMED input.
    resume : Checkpoint, optional
        Where to go on.
    log_file : pathlib.Path, optional
        Log of PLUMED.
    """

    def __init__(
        self,
        atoms: Atoms,
        settings: MDSettings,
        *,
        plumed: Sequence[str] = (),
        resume: Checkpoint | None = None,
        log_file: Path | None = None,
    ) -> None:
        from ase import units
        from ase.constraints import FixAtoms, FixCom

        self.settings = settings
        self.step = 0
        self._ps = 1000.0 * units.fs
        self._kb = units.kB
        self.atoms = atoms.copy()
        if resume is not None:
            self.step = resume.snapshot.step
            self.atoms.set_cell(resume.snapshot.cell)
            self.atoms.positions = resume.snapshot.positions
            self.atoms.set_velocities(resume.snapshot.velocities / self._ps)
        if settings.fixed:
            self.atoms.set_constraint(FixAtoms(indices=list(settings.fixed)))
        elif settings.thermostat == "langevin" and settings.ensemble == "nvt" and len(atoms) > 1:
            self.atoms.set_constraint(FixCom())
        self._freedom = 3 * (len(atoms) - len(settings.fixed)) - (
            0 if settings.fixed or len(atoms) == 1 else 3
        )
        self._attach(atoms.calc, list(plumed), resume is not None, log_file)
        self._rng = np.random.default_rng(settings.seed + 1)
        self._dynamics = self._integrator()
        if resume is not None:
            self._restore(resume.engine)

    def _attach(self, calculator: Any, plumed: list[str], restart: bool, log_file: Path | None) -> None:
        """Give the atoms their calculator, under PLUMED where there is an input."""
        if calculator is None:
            from ionpath_ase.calculator import IonPath

            calculator = IonPath(self.settings.model)
        self.atoms.calc = calculator
        if not plumed:
            return
        from ase import units

        require("plumed", purpose="PLUMED in the ASE engine", install=PLUMED_INSTALL)
        from ionpath_ase.md.ase_plumed import ScalingPlumed

        self.atoms.calc = ScalingPlumed(
            calculator,
            [*plumed, f"FLUSH STRIDE={self.settings.checkpoint_stride}"],
            timestep=self.settings.timestep * units.fs,
            atoms=self.atoms,
            kT=self._kb * self.settings.temperature,
            log=str(log_file or ""),
            restart=restart,
        )
        self.atoms.calc.istep = self.step

    def _integrator(self) -> Any:
        from ase import units

        settings, step = self.settings, self.settings.timestep * units.fs
        if settings.ensemble == "nve":
            from ase.md.verlet import VelocityVerlet

            return VelocityVerlet(self.atoms, step)
        if settings.ensemble == "nvt" and settings.thermostat == "langevin":
            from ase.md.langevin import Langevin

            friction = 1.0 / (settings.damping * self._ps)
            return Langevin(
                self.atoms, step, temperature_K=self._target(), friction=friction, fixcm=False, rng=self._rng
            )
        from ase.md.nose_hoover_chain import IsotropicMTKNPT, MaskedMTKNPT, NoseHooverChainNVT

        damping = settings.damping * self._ps
        if settings.ensemble == "nvt":
            return NoseHooverChainNVT(self.atoms, step, temperature_K=self._target(), tdamp=damping)
        shared = {
            "temperature_K": self._target(),
            "pressure_au": settings.pressure / EV_PER_A3_IN_GPA,
            "tdamp": damping,
            "pdamp": settings.pressure_damping * self._ps,
        }
        if settings.ensemble == "npt":
            return IsotropicMTKNPT(self.atoms, step, **shared)
        return MaskedMTKNPT(self.atoms, step, mask=(True, True, True), **shared)

    def _target(self) -> float:
        """Temperature for ASE's integrators, which count three degrees of freedom for every atom."""
        wanted = self.settings.target(self.step)
        if self.settings.thermostat == "langevin":
            return wanted
        return wanted * self._freedom / (3 * len(self.atoms))

    def _set_target(self) -> None:
        """Follow a temperature ramp."""
        if self.settings.final_temperature is None or self.settings.ensemble == "nve":
            return
        if self.settings.thermostat == "langevin":
            self._dynamics.set_temperature(temperature_K=self._target())
            return
        ratio = self._kb * self._target() / self._dynamics._thermostat._kT
        for part in (self._dynamics._thermostat, getattr(self._dynamics, "_barostat", None)):
            if part is not None:
                part._kT *= ratio
        self._dynamics._thermostat._Q *= ratio

    def run(self, steps: int) -> Snapshot:
        """Make steps."""
        self._set_target()
        self._dynamics.run(steps)
        self.step += steps
        return self.current()

    def current(self) -> Snapshot:
        """Instant at which the engine stands."""
        atoms = self.atoms
        velocities = atoms.get_velocities() * self._ps
        kinetic = kinetic_state(velocities, atoms.get_masses(), self.settings.fixed)
        energy = float(atoms.get_potential_energy())
        if atoms.cell.rank == 3:
            stress = atoms.get_stress(voigt=False, include_ideal_gas=True)
            pressure = -float(np.trace(stress)) / 3.0 * EV_PER_A3_IN_GPA
        else:
            pressure = 0.0
        return Snapshot(
            self.step,
            atoms.get_positions(),
            velocities,
            np.array(atoms.cell.array),
            energy,
            *kinetic,
            pressure,
            atoms.get_forces(apply_constraint=False),
        )

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps besides positions and velocities."""
        kept: dict[str, Any] = {"generator": json.dumps(self._rng.bit_generator.state)}
        for owner, names in _STATE.items():
            thing = self._dynamics if not owner else getattr(self._dynamics, owner, None)
            for name in names:
                if thing is not None and hasattr(thing, name):
                    kept[f"{owner}/{name}"] = np.array(getattr(thing, name))
        return kept

    def _restore(self, kept: dict[str, Any]) -> None:
        self._rng.bit_generator.state = json.loads(kept["generator"])
        for key, value in kept.items():
            owner, _, name = key.partition("/")
            if name:
                thing = getattr(self._dynamics, owner) if owner else self._dynamics
                setattr(thing, name, float(value) if value.ndim == 0 else np.array(value))

    def close(self) -> None:
        """Let PLUMED finish its files."""
        calculator = self.atoms.calc
        if calculator is not None and hasattr(calculator, "plumed"):
            calculator.plumed.finalize()


def plumed_outputs(lines: Sequence[str]) -> list[Path]:
    """Files that a PLUMED input writes.

    Examples
    --------
    >>> plumed_outputs(["LOAD FILE=cv.so", "PRINT ARG=d FILE=COLVAR STRIDE=10", "METAD ARG=d FILE=HILLS"])
    [PosixPath('COLVAR'), PosixPath('HILLS')]
    """
    writers = re.compile(
        r"\b(PRINT|METAD|PBMETAD|OPES_METAD|OPES_METAD_EXPLORE|OPES_EXPANDED|DUMPGRID|DUMPATOMS)\b"
    )
    return [
        Path(name)
        for line in lines
        if writers.search(line)
        for name in re.findall(r"\b(?:STATE_W)?FILE=(\S+)", line)
    ]
