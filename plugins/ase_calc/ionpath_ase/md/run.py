"""What users call: one run, and a series of them over temperatures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from ionpath.arguments import typed
from ionpath.errors import InputError
from ionpath_ase.md.driver import MolecularDynamics
from ionpath_ase.md.settings import MDResult, timed


@typed
def run_md(
    atoms: Atoms,
    *,
    temperature: float = 300.0,
    picoseconds: float = 10.0,
    ensemble: str = "nvt",
    engine: str = "lammps",
    model: str | os.PathLike[str] | None = None,
    timestep: float = 2.0,
    thermostat: str = "nose-hoover",
    damping: float = 0.1,
    pressure: float = 0.0,
    pressure_damping: float = 1.0,
    final_temperature: float | None = None,
    trajectory: str | os.PathLike[str] = "trajectory.xtc",
    interval: float = 0.05,
    checkpoint_interval: float = 1.0,
    log: str | os.PathLike[str] | None = None,
    seed: int = 0,
    processes: int | None = None,
    fixed: Sequence[int] = (),
    plumed: str | os.PathLike[str] | Sequence[str] | None = None,
    restart: bool = True,
    progress: bool = True,
    note: Callable[[], str] | None = None,
    profile: bool = False,
) -> MDResult:
    """Run molecular dynamics with a Deep Potential.

    Parameters
    ----------
    atoms : ase.Atoms
        Start; not changed. With velocities those are used, zeros too; without they are drawn at the target temperature.
        Masses are those of the atoms. The potential is the calculator of the atoms, if they have one that computes.
    temperature : float, default 300
        Target temperature in K.
    picoseconds : float, default 10
        Length of the run in ps.
    ensemble : {"nvt", "nve", "npt", "npt-aniso"}
        What is held constant; ``npt`` scales the cell, ``npt-aniso`` its three lengths one by one.
    engine : {"lammps", "ase"}
        LAMMPS with deepmd-kit's plugin, or ASE. The first is several times faster and runs Deep Potentials alone (the
        calculator `IonPath`, or none), the second takes any calculator. PLUMED works in both.
    model : str or path, optional
        Name of a potential, or a file that deepmd-kit reads, for atoms without a calculator; by default ``argyrodite``.
    timestep : float, default 2
        Time step in fs.
    thermostat : {"nose-hoover", "langevin"}
        Nose-Hoover chain of three, or Langevin; in NPT the barostat is of the same kind.
    damping : float, default 0.1
        Time constant of the thermostat in ps.
    pressure, pressure_damping : float, default 0 and 1
        Target pressure in GPa, and time constant of the barostat in ps.
    final_temperature : float, optional
        Target temperature at the end in K; the target goes there linearly.
    trajectory : str or path, default "trajectory.xtc"
        Trajectory: .xtc, .dcd, .h5md, .extxyz or .traj, with unwrapped positions. Log (.csv), checkpoint
        (.checkpoint.npz) and a PDB file of the start get the same stem.
    interval, checkpoint_interval : float, default 0.05 and 1
        Times in ps between frames, rounded to whole steps, and between checkpoints, rounded to whole intervals.
    log : str or path, optional
        CSV file, if not the trajectory's stem.
    seed : int, default 0
        Seed of velocities and random forces.
    processes : int, optional
        MPI processes of LAMMPS; by default one per core with at least 100 atoms in each.
    fixed : sequence of int, optional
        Indices of atoms that do not move.
    plumed : str, path or sequence of str, optional
        PLUMED input, as a file or as lines. PLUMED reads and writes its files in the current folder.
    restart : bool, default True
        Go on from the checkpoint if there is one. A finished run returns at once; a longer one is continued. False:
        begin anew, and replace the files of the run whose checkpoint is there.
    progress : bool, default True
        Show a bar with time left and ns/day.
    note : callable, optional
        Called without arguments after every checkpoint; its text is shown in the bar.
    profile : bool, default False
        Count where the time goes, for ``result.profile`` (`MDProfile`): start-up, neighbours, model, PLUMED, output.
        LAMMPS then writes its own table into its log after every interval.

    Returns
    -------
    MDResult
        Files, last configuration, mean temperature and pressure, and speed.

    Raises
    ------
    InputError
        If the structure or a parameter cannot be used, the checkpoint belongs to another run (what differs is named),
        files of these names belong to none, or another run is going on with them. Nothing is written before.
    MissingDependency
        If the engine is not installed.
    IonpathError
        If the run blows up or the disk is full; the last good frame and the checkpoint are kept.

    Warns
    -----
    UserWarning
        If a run at constant volume was further than 0.5 GPa from zero pressure; before a run that is shorter than
        `interval`, whose trajectory has its first frame alone.

    Notes
    -----
    A frame is written at step 0 and after every whole interval, so that all are equally far apart; an end between two
    is in ``result.atoms`` and in the checkpoint. After a kill at any moment the same call cuts trajectory and log back
    to the last checkpoint and goes on from there, so that no frame is torn or doubled. The result is that of an
    unbroken run; LAMMPS on several processes adds up forces in another order after a restart.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ionpath_ase import run_md
    >>> import tempfile, pathlib
    >>> salt = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "salt.xtc"
    >>> result = run_md(salt, engine="ase", picoseconds=0.01, interval=0.004, trajectory=path, progress=False)
    >>> result.steps, result.frames
    (5, 3)
    """
    settings = timed(
        len(atoms),
        temperature=float(temperature),
        picoseconds=picoseconds,
        ensemble=ensemble,
        engine=engine,
        model=None if model is None else os.fspath(model),
        timestep=timestep,
        thermostat=thermostat,
        damping=float(damping),
        pressure=float(pressure),
        pressure_damping=float(pressure_damping),
        final_temperature=None if final_temperature is None else float(final_temperature),
        interval=interval,
        checkpoint_interval=checkpoint_interval,
        seed=seed,
        processes=processes,
        fixed=tuple(fixed),
    )
    return MolecularDynamics(
        atoms, settings, trajectory=trajectory, log=log, plumed=plumed, restart=restart, progress=progress, note=note,
        profile=profile,
    ).run()  # fmt: skip


@typed
def temperature_series(
    atoms: Atoms, temperatures: Sequence[float], folder: str | os.PathLike[str], *, suffix: str = ".xtc", **options: Any
) -> dict[float, MDResult]:
    """Run the same structure at several temperatures, one after the other.

    Parameters
    ----------
    atoms : ase.Atoms
        Start of each run.
    temperatures : sequence of float
        Temperatures in K, each once.
    folder : str or path
        Where the runs go, each with its temperature in the file names.
    suffix : str, default ".xtc"
        Kind of trajectory.
    **options
        Passed to `run_md`, such as ``engine``, ``model`` and ``picoseconds``.

    Returns
    -------
    dict of float to MDResult
        Temperature in K -> its run. A call that is repeated goes on where it stopped.

    Raises
    ------
    InputError
        If there is no temperature, or one comes twice.
    """
    wanted = [float(value) for value in temperatures]
    if not wanted or len(set(wanted)) < len(wanted):
        raise InputError("temperatures", need="at least one, each once", got=str(wanted))
    return {
        value: run_md(atoms, temperature=value, trajectory=Path(folder) / f"{value:g}K{suffix}", **options)
        for value in wanted
    }
