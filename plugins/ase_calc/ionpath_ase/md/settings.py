"""What a run is: its parameters, checked once, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ionpath.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

ENSEMBLES = ("nve", "nvt", "npt", "npt-aniso")
ENGINES = ("ase", "lammps")
THERMOSTATS = ("langevin", "nose-hoover")
FORMATS = (".extxyz", ".xtc", ".dcd", ".traj", ".h5md")


@dataclass(frozen=True)
class MDSettings:
    """Parameters of a molecular dynamics run.

    The engines read these and nothing else, so that one set means the same on both.

    Attributes
    ----------
    temperature : float
        Target temperature at the start, K.
    steps : int
        Number of time steps.
    ensemble : str
        ``nve``, ``nvt``, ``npt`` (isotropic) or ``npt-aniso`` (three cell lengths).
    engine : str
        ``ase`` or ``lammps``.
    model : str
        Name of a potential, or file.
    timestep : float
        Time step, fs.
    thermostat : str
        ``nose-hoover`` (chain of 3) or ``langevin``.
    damping : float
        Time constant of the thermostat, ps.
    pressure : float
        Target pressure, GPa (NPT).
    pressure_damping : float
        Time constant of the barostat, ps (NPT).
    final_temperature : float | None
        Target temperature at the end, K; the target goes linearly from `temperature` to it.
    stride : int
        Time steps between frames of the trajectory and rows of the log.
    checkpoint_stride : int
        Time steps between checkpoints, a multiple of `stride`.
    seed : int
        Seed of initial velocities and of random forces.
    processes : int
        MPI processes of LAMMPS.
    fixed : tuple[int, ...]
        Indices of atoms that do not move.
    """

    temperature: float
    steps: int
    ensemble: str = "nvt"
    engine: str = "lammps"
    model: str = "argyrodite"
    timestep: float = 2.0
    thermostat: str = "nose-hoover"
    damping: float = 0.1
    pressure: float = 0.0
    pressure_damping: float = 1.0
    final_temperature: float | None = None
    stride: int = 25
    checkpoint_stride: int = 500
    seed: int = 0
    processes: int = 1
    fixed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _choice("ensemble", self.ensemble, ENSEMBLES)
        _choice("engine", self.engine, ENGINES)
        _choice("thermostat", self.thermostat, THERMOSTATS)
        for name in ("timestep", "damping", "pressure_damping"):
            if not getattr(self, name) > 0.0:
                raise InputError(name, need="a number above 0", got=str(getattr(self, name)))
        for name in ("temperature", "final_temperature"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < 1e5:
                raise InputError(name, need="a temperature in K, 0 or above", got=str(value))
        if self.temperature <= 0.0 and self.ensemble != "nve":
            raise InputError("temperature", need="a temperature above 0 K", got=str(self.temperature))
        for name in ("stride", "checkpoint_stride", "processes"):
            if getattr(self, name) < 1:
                raise InputError(name, need="at least 1", got=str(getattr(self, name)))
        if self.steps < 0:
            raise InputError("picoseconds", need="a time of 0 or above", got=f"{self.steps} steps")
        if self.fixed and self.ensemble.startswith("npt"):
            raise InputError(
                "fixed", need="no fixed atoms at constant pressure", got=f"{len(self.fixed)} atoms"
            )
        if self.ensemble.startswith("npt") and self.thermostat == "langevin" and self.engine == "ase":
            raise InputError(
                "thermostat",
                need="nose-hoover for NPT on the ASE engine",
                got="langevin",
                remedy='or engine="lammps"',
            )

    def target(self, step: int) -> float:
        """Target temperature at a step.

        Parameters
        ----------
        step : int
            Time step, 0 at the start.

        Returns
        -------
        float
            Temperature in K.

        Examples
        --------
        >>> MDSettings(temperature=300.0, steps=100, final_temperature=500.0).target(50)
        400.0
        """
        if self.final_temperature is None or self.steps == 0:
            return self.temperature
        return self.temperature + (self.final_temperature - self.temperature) * min(step / self.steps, 1.0)


@dataclass(frozen=True)
class MDResult:
    """Where a run has put its output, and what it came to.

    Attributes
    ----------
    trajectory : Path
        Trajectory file.
    topology : Path
        PDB file of the start, which MDAnalysis wants beside an XTC or DCD file.
    log : Path
        CSV file: step, time (ps), temperature (K), energies (eV), pressure (GPa), volume (A^3).
    checkpoint : Path
        File from which the run goes on.
    atoms : Atoms
        Last configuration, with velocities; positions are unwrapped.
    steps : int
        Time steps done in all.
    frames : int
        Frames in the trajectory.
    mean_temperature : float
        Mean temperature of the second half, K.
    speed : float
        Speed of this call, ns/day; 0 if nothing was left to do.
    version : str
        Version of ionpath.
    """

    trajectory: Path
    topology: Path
    log: Path
    checkpoint: Path
    atoms: Atoms
    steps: int
    frames: int
    mean_temperature: float
    speed: float
    version: str


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(name, need=f"one of {', '.join(known)}", got=repr(value))
