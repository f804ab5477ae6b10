"""What a run is: its parameters, checked once, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.estimate import Estimate
from ionpath.msonable import Msonable
from ionpath_ase.md.profile import MDProfile
from ionpath_ase.md.programs import default_processes

ENSEMBLES = ("nve", "nvt", "npt", "npt-aniso")
ENGINES = ("ase", "lammps")
THERMOSTATS = ("langevin", "nose-hoover")
HIGHEST = 100.0
"""Pressure in GPa beyond which no barostat keeps a cell."""


@typed
@documented
@dataclass(frozen=True)
class MDSettings:
    """Parameters of a molecular dynamics run.

    The engines read these and nothing else, so that one set means the same on both.
    """

    temperature: float  # target temperature at the start, K
    steps: int  # number of time steps
    ensemble: str = "nvt"  # ``nve``, ``nvt``, ``npt`` (isotropic) or ``npt-aniso`` (three cell lengths)
    engine: str = "lammps"  # ``ase`` or ``lammps``
    # name of a potential, or file; None: the one that the atoms carry as their calculator, else ``argyrodite``
    model: str | None = None
    timestep: float = 2.0  # time step, fs
    thermostat: str = "nose-hoover"  # ``nose-hoover`` (chain of 3) or ``langevin``
    damping: float = 0.1  # time constant of the thermostat, ps
    pressure: float = 0.0  # target pressure, GPa (NPT)
    pressure_damping: float = 1.0  # time constant of the barostat, ps (NPT)
    # target temperature at the end, K; the target goes linearly from `temperature` to it
    final_temperature: float | None = None
    stride: int = 25  # time steps between frames of the trajectory and rows of the log
    checkpoint_stride: int = 500  # time steps between checkpoints, a multiple of `stride`
    seed: int = 0  # seed of initial velocities and of random forces
    processes: int = 1  # MPI processes of LAMMPS
    fixed: tuple[int, ...] = ()  # indices of atoms that do not move

    def __post_init__(self) -> None:
        one_of("ensemble", self.ensemble, ENSEMBLES)
        one_of("engine", self.engine, ENGINES)
        one_of("thermostat", self.thermostat, THERMOSTATS)
        for name in ("timestep", "damping", "pressure_damping"):
            positive(name, getattr(self, name))
        for name in ("temperature", "final_temperature"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < 1e5:
                raise InputError(name, need="a temperature in K, 0 or above", got=str(value))
        if self.temperature <= 0.0 and self.ensemble != "nve":
            raise InputError("temperature", need="a temperature above 0 K", got=str(self.temperature))
        if not np.isfinite(self.pressure):
            raise InputError("pressure", need="a pressure in GPa", got=str(self.pressure))
        if abs(self.pressure) > HIGHEST:
            need = f"a pressure in GPa, from {-HIGHEST:g} to {HIGHEST:g}"
            raise InputError("pressure", need=need, got=str(self.pressure), remedy="1 bar is 1e-4 GPa")
        for name in ("stride", "checkpoint_stride", "processes"):
            whole(name, getattr(self, name))
        whole("seed", self.seed, 0)
        for index in self.fixed:
            whole("fixed", index, 0)
        if self.steps < 0:
            raise InputError("picoseconds", need="a time of 0 or above", got=f"{self.steps} steps")
        if self.fixed and self.ensemble.startswith("npt"):
            raise InputError("fixed", need="no fixed atoms at constant pressure", got=f"{len(self.fixed)} atoms")
        if self.ensemble.startswith("npt") and self.thermostat == "langevin" and self.engine == "ase":
            remedy = 'or engine="lammps"'
            raise InputError("thermostat", need="nose-hoover for NPT on the ASE engine", got="langevin", remedy=remedy)

    def check_used(self) -> None:
        """Refuse a pressure at constant volume, and a temperature at the end without a thermostat: none reads them."""
        for name, value, unused, ensemble in (
            ("pressure", self.pressure, not self.ensemble.startswith("npt"), "npt"),
            ("final_temperature", self.final_temperature, self.ensemble == "nve", "nvt"),
        ):
            if value and unused:
                need, got = f"none with ensemble={self.ensemble!r}, which does not use it", f"{value:g}"
                raise InputError(name, need=need, got=got, remedy=f"use ensemble={ensemble!r}, or leave it out")

    def target(self, step: int) -> float:
        """Target temperature in K at a time step, 0 at the start.

        Examples
        --------
        >>> MDSettings(temperature=300.0, steps=100, final_temperature=500.0).target(50)
        400.0
        """
        if self.final_temperature is None or self.steps == 0:
            return self.temperature
        return self.temperature + (self.final_temperature - self.temperature) * min(step / self.steps, 1.0)


def check_step(name: str, value: float, timestep: float, example: float = 1) -> None:
    """Refuse a time in ps that holds no step of so many fs."""
    if not 0.5 <= value * 1e3 / timestep < float("inf"):
        remedy = f"for example {name}={example:g}"
        raise InputError(name, need=f"one step of {timestep:g} fs or more, in ps", got=f"{value:g}", remedy=remedy)


def timed(
    n_atoms: int,
    *,
    picoseconds: float,
    interval: float,
    checkpoint_interval: float,
    timestep: float,
    processes: int | None = None,
    **more: Any,
) -> MDSettings:
    """Settings of a run whose lengths are given in ps."""
    for name, value in (
        ("picoseconds", picoseconds), ("interval", interval), ("timestep", timestep),
        ("checkpoint_interval", checkpoint_interval),
    ):  # fmt: skip
        positive(name, value, remedy=f"for example {name}=1")
    for name, value in (("picoseconds", picoseconds), ("interval", interval)):
        check_step(name, value, timestep)
    stride = max(1, round(interval * 1e3 / timestep))
    if processes is None:
        processes = default_processes(n_atoms)
    return MDSettings(
        steps=round(picoseconds * 1e3 / timestep),
        timestep=float(timestep),
        stride=stride,
        checkpoint_stride=stride * max(1, round(checkpoint_interval * 1e3 / timestep / stride)),
        processes=processes,
        **more,
    )


@documented
@dataclass(frozen=True)
class MDResult(Msonable):
    """Where a run has put its output, and what it came to."""

    trajectory: Path  # trajectory file
    topology: Path  # PDB file of the start, which MDAnalysis wants beside an XTC or DCD file
    log: Path  # CSV file: step, time (ps), temperature (K), energies (eV), pressure (GPa), volume (A^3)
    checkpoint: Path  # file from which the run goes on
    atoms: Atoms  # last configuration, with velocities; positions are unwrapped
    steps: int  # time steps done in all
    frames: int  # frames in the trajectory
    mean_temperature: float  # mean temperature of the second half, K
    speed: float  # speed of this call, ns/day; 0 if nothing was left to do
    version: str  # version of ionpath
    resumed_at: int  # time step from which this call went on; 0 for a new run
    # mean pressure of the second half in GPa, its error from eight blocks; the error is nan for fewer than 64 rows of
    # the log, and all is for calculators that give no stress
    mean_pressure: Estimate
    profile: MDProfile | None = None  # where the time of this call went; None if it was not wanted, or nothing was left

    def at_mean_volume(self) -> Atoms:
        """Last configuration in a cell of the mean volume: where a run at constant volume has the pressure of this one.

        The cell is scaled to the mean volume of the second half; fractional coordinates and velocities are kept.
        """
        from ionpath.run_log import COLUMNS, read_log

        volumes = read_log(self.log)[:, COLUMNS.index("volume_A3")]
        mean = float(volumes[len(volumes) // 2 :].mean())
        atoms = self.atoms.copy()
        atoms.set_cell(atoms.cell.array * (mean / abs(atoms.cell.volume)) ** (1 / 3), scale_atoms=True)
        return atoms
