"""The ASE engine: ASE's integrators over any ASE calculator, PLUMED included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.plumed import Plumed
from ase.constraints import FixAtoms, FixCom
from ase.md.langevin import Langevin
from ase.md.nose_hoover_chain import IsotropicMTKNPT, MaskedMTKNPT, NoseHooverChainNVT
from ase.md.verlet import VelocityVerlet
from ase.stress import voigt_6_to_full_3x3_stress

from ionpath.constants import EV_PER_A3_IN_GPA
from ionpath.errors import InputError
from ionpath.plumed_calls import added
from ionpath_ase.calculator import IonPath
from ionpath_ase.md.profile import Stopwatch
from ionpath_ase.md.settings import MDSettings
from ionpath_ase.md.state import Checkpoint, Snapshot, degrees_of_freedom, kinetic_state

_BIASED = ("energy", "forces", "stress")
_SAME_ENERGY = 1e-5
"""Relative difference of energies, or eV below 1 eV: above what the order of sums does, below any other potential."""
_STATE = {
    "": ("_eps", "_p_eps", "_volume0", "_cell0", "_h", "_h0_basis", "_p_c"),
    "_thermostat": ("_eta", "_p_eta"),
    "_barostat": ("_xi", "_p_xi"),
}
"""Variables of ASE's Nose-Hoover integrators that a checkpoint keeps, by object."""


class AseEngine:
    """Steps of a run, made by ASE with the calculator of the atoms, else the model of the settings."""

    def __init__(
        self,
        atoms: Atoms,
        settings: MDSettings,
        *,
        plumed: Sequence[str] = (),
        resume: Checkpoint | None = None,
        log_file: Path | None = None,
        watch: Stopwatch | None = None,
    ) -> None:
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
        # A biased potential need not be the same everywhere, so that its centre of mass may have to move.
        free = bool(plumed) and settings.thermostat == "langevin" and settings.ensemble == "nvt"
        if settings.fixed:
            self.atoms.set_constraint(FixAtoms(indices=list(settings.fixed)))
        elif settings.thermostat == "langevin" and settings.ensemble == "nvt" and len(atoms) > 1 and not free:
            self.atoms.set_constraint(FixCom())
        self._freedom = degrees_of_freedom(len(atoms), len(settings.fixed), free)
        calculator = IonPath(settings.model or "argyrodite") if atoms.calc is None else atoms.calc
        self.atoms.calc = self._inner = calculator
        self._has_stress = "stress" in getattr(calculator, "implemented_properties", ("stress",))
        if plumed:
            self._bias(list(plumed), resume is not None, log_file)
        if watch is not None:
            self._count(watch)
        self._rng = np.random.default_rng(settings.seed + 1)
        self._dynamics = self._integrator()
        if resume is not None:
            self._restore(resume.engine)

    def _count(self, watch: Stopwatch) -> None:
        """Count the time of model, neighbours and PLUMED."""
        if not hasattr(self._inner, "calculate"):
            need = "a calculator whose time can be told: one with a method `calculate`"
            raise InputError("profile", need=need, got=type(self._inner).__name__, remedy="leave profile out")
        for model in getattr(self._inner, "_models", ()):
            lists = getattr(model, "lists", lambda: None)()
            if lists is not None:
                watch.watch(lists, "update", "neighbours")
        watch.watch(self._inner, "calculate", "model")
        if self.atoms.calc is not self._inner:
            watch.watch(self.atoms.calc, "calculate", "plumed")

    def _bias(self, plumed: list[str], restart: bool, log_file: Path | None) -> None:
        """Put PLUMED between atoms and calculator."""
        self.atoms.calc = ScalingPlumed(
            self._inner,
            [*plumed, "FLUSH STRIDE=1"],  # what a checkpoint knows of is on the disk
            timestep=self.settings.timestep * units.fs,
            atoms=self.atoms,
            kT=self._kb * self.settings.temperature,
            log=str(log_file or ""),
            restart=restart,
        )
        self.atoms.calc.istep = self.step

    def _integrator(self) -> Any:
        settings, step = self.settings, self.settings.timestep * units.fs
        if settings.ensemble == "nve":
            return VelocityVerlet(self.atoms, step)
        if settings.ensemble == "nvt" and settings.thermostat == "langevin":
            friction = 1.0 / (settings.damping * self._ps)
            return Langevin(
                self.atoms, step, temperature_K=self._target(), friction=friction, fixcm=False, rng=self._rng
            )
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
        kinetic = kinetic_state(velocities, atoms.get_masses(), self._freedom)
        energy = float(atoms.get_potential_energy())
        pressure = float("nan")
        if atoms.cell.rank < 3:
            pressure = 0.0
        elif self._has_stress:
            try:
                stress = atoms.get_stress(voigt=False, include_ideal_gas=True)
                pressure = -float(np.trace(stress)) / 3.0 * EV_PER_A3_IN_GPA
            except PropertyNotImplementedError:  # said to be there, and is not
                if self.settings.ensemble.startswith("npt"):
                    raise
                self._has_stress = False
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
        kept: dict[str, Any] = {
            "generator": json.dumps(self._rng.bit_generator.state),
            "unbiased_energy": float(self._inner.get_potential_energy(self.atoms)),
        }
        if self.atoms.calc is not self._inner:
            results = self.atoms.calc.results
            kept |= {f"bias:{name}": np.array(results[name]) for name in _BIASED if name in results}
        for owner, names in _STATE.items():
            thing = self._dynamics if not owner else getattr(self._dynamics, owner, None)
            for name in names:
                if thing is not None and hasattr(thing, name):
                    kept[f"{owner}/{name}"] = np.array(getattr(thing, name))
        return kept

    def _restore(self, kept: dict[str, Any]) -> None:
        self._rng.bit_generator.state = json.loads(kept["generator"])
        for key, value in kept.items():
            owner, slash, name = key.partition("/")
            if slash:
                thing = getattr(self._dynamics, owner) if owner else self._dynamics
                setattr(thing, name, float(value) if value.ndim == 0 else np.array(value))
        biased = self.atoms.calc
        if biased is not self._inner:
            # PLUMED has to see the step at which it begins, but hills that were added at its end are in its files
            # already: what acts at this step is what acted before the stop.
            biased.calculate(self.atoms)
            saved = {name: kept[f"bias:{name}"] for name in _BIASED if f"bias:{name}" in kept}
            biased.results.update({n: float(v) if v.ndim == 0 else np.array(v) for n, v in saved.items()})
        before, now = kept.get("unbiased_energy"), float(self._inner.get_potential_energy(self.atoms))
        if before is not None and not abs(now - before) <= _SAME_ENERGY * max(1.0, abs(before)):
            need = f"{before:.6g} eV for the last configuration, as before the stop"
            remedy = "use the potential of the run, or begin anew under another name"
            raise InputError("potential", need=need, got=f"{now:.6g} eV", remedy=remedy)

    def close(self) -> None:
        """Let PLUMED finish its files."""
        calculator = self.atoms.calc
        if calculator is not None and hasattr(calculator, "plumed"):
            calculator.plumed.finalize()


class ScalingPlumed(Plumed):
    """`ase.calculators.plumed.Plumed` that tells PLUMED the forces and the virial of the potential.

    A bias U(E) of the potential energy multiplies forces and virial by 1 + dU/dE. PLUMED does this to the arrays it is
    given. ASE's class gives it zeros, so that such a bias, OPES_EXPANDED among them, would have no effect.
    """

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """What changed; ASE asks this several times a step, and compares all arrays with a tolerance."""
        last = self.atoms
        if last is not None and all(map(np.array_equal, (last.positions, last.cell), (atoms.positions, atoms.cell))):
            return []  # nothing else of a run changes
        return list(super().check_state(atoms, tol))

    def compute_bias(self, pos: Any, istep: int, unbiased_energy: float) -> list[Any]:
        """Ask PLUMED; ASE calls this."""
        periodic = self.atoms.cell.rank == 3
        forces, virial = self.calc.get_forces(self.atoms), np.zeros((3, 3))
        if periodic and "stress" in self.calc.implemented_properties:
            virial = voigt_6_to_full_3x3_stress(self.calc.get_stress(self.atoms)) * self.atoms.get_volume()
        cell, masses = self.atoms.cell.array if periodic else None, self.atoms.get_masses()
        more, strain, bias = added(
            self.plumed.cmd, istep, pos, cell, masses, energy=unbiased_energy, forces=forces, virial=virial
        )
        return [bias, more, strain]
