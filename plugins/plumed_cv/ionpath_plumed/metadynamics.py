"""Run metadynamics with ASE: any calculator, restart of hills, several walkers, progress with the barrier."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.errors import InputError, IonpathError, require
from ionpath.files import atomic_path
from ionpath_plumed.checks import check_input, keywords
from ionpath_plumed.files import check_same_atoms, cut_back
from ionpath_plumed.kernel import check_kernel, joined
from ionpath_plumed.lammps import run_lammps
from ionpath_plumed.progress import BarrierWatch
from ionpath_plumed.protocols import PlumedInput

if TYPE_CHECKING:
    from ase import Atoms


class BrokenRun(IonpathError):
    """Forces or positions stopped being numbers; the last good checkpoint is kept."""


@dataclass(frozen=True)
class MetadynamicsRun:
    """What a run left behind.

    Attributes
    ----------
    folder : pathlib.Path
        Folder with everything below, plumed.dat and protocol.json.
    hills : tuple of pathlib.Path
        HILLS files, one per walker.
    colvar : tuple of pathlib.Path
        COLVAR files.
    trajectory : tuple of pathlib.Path
        Trajectories in extended XYZ.
    steps : int
        Steps done in all, this call and earlier ones.
    picoseconds : float
        The same in ps.
    resumed_at : int
        Step from which this call went on; 0 for a new run.
    """

    folder: Path
    hills: tuple[Path, ...]
    colvar: tuple[Path, ...]
    trajectory: tuple[Path, ...]
    steps: int
    picoseconds: float
    resumed_at: int


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
    temperature : float, optional
        Temperature in K; by default that of the input.
    timestep : float, optional
        Time step in fs; by default that of the input, which its paces are counted with.
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
        ASE takes any calculator; LAMMPS runs a Deep Potential several times faster.

    Returns
    -------
    MetadynamicsRun
        Files and length.

    Raises
    ------
    InputError
        If the input or the structure cannot be used, before the first step.
    BrokenRun
        If forces are not finite; the last checkpoint is kept.
    MissingDependency
        If PLUMED or pycv are missing.

    Notes
    -----
    A killed run leaves HILLS and COLVAR that are ahead of the last checkpoint; they are cut back to it, so that no
    hill is counted twice.
    """
    check_kernel()
    given = as_input(plumed)
    _check_engine(engine, given, atoms)
    if walkers > 1:
        from ionpath_plumed.walkers import run_walkers

        return run_walkers(
            atoms, given, walkers, folder=Path(folder), picoseconds=picoseconds, temperature=temperature,
            timestep=timestep, friction=friction, seed=seed, trajectory_every=trajectory_every,
            checkpoint_every=checkpoint_every, restart=restart, progress=progress, engine=engine,
        )  # fmt: skip
    place = Path(folder).resolve()
    given.write(place)
    job = Job(
        place, given, temperature or given.temperature, timestep or given.timestep, friction, seed,
        trajectory_every, checkpoint_every, progress, engine=engine,
    )  # fmt: skip
    return job.run(atoms, picoseconds, restart)


def _check_engine(engine: str, given: PlumedInput, atoms: Atoms) -> None:
    """Refuse what an engine cannot do."""
    if engine not in ("ase", "lammps"):
        raise InputError("engine", need="'ase' or 'lammps'", got=repr(engine))
    if engine == "lammps":
        return
    if any(keywords(statement)[1] == "OPES_EXPANDED" for statement in joined(given.lines)):
        raise InputError(
            "plumed", need="a bias of positions", got="OPES_EXPANDED, a bias of the potential energy",
            remedy='ASE does not let PLUMED scale its forces; use engine="lammps"',
        )  # fmt: skip
    if atoms.calc is None:
        raise InputError(
            "atoms", need="a calculator", got="none", remedy="set atoms.calc, for example to IonPath()"
        )


def as_input(plumed: PlumedInput | str | Path | Iterable[str]) -> PlumedInput:
    """Take an input in any form."""
    if isinstance(plumed, PlumedInput):
        return plumed
    if isinstance(plumed, Path) or (isinstance(plumed, str) and "\n" not in plumed and Path(plumed).exists()):
        path = Path(plumed)
        return PlumedInput.read(path if path.is_dir() else path.parent)
    text = plumed if isinstance(plumed, str) else "\n".join(plumed)
    found: dict[str, Any] = {}
    for statement in joined(text.splitlines()):
        _, action, words = keywords(statement)
        if action in ("METAD", "OPES_METAD", "OPES_METAD_EXPLORE"):
            found["variables"] = tuple(words.get("ARG", "").split(","))
            if "TEMP" in words:
                found["temperature"] = float(words["TEMP"])
    return PlumedInput(text=text if text.endswith("\n") else text + "\n", **found)


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder: PLUMED reads and writes its files in the current one.

    Yields
    ------
    None
        Nothing.
    """
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@dataclass
class Job:
    """One walker: its settings and the loop over checkpoints.

    Attributes
    ----------
    folder : pathlib.Path
        Folder of all files.
    given : PlumedInput
        Input of PLUMED.
    temperature, timestep, friction : float
        K, fs and 1/ps.
    seed : int
        Seed of velocities and noise.
    trajectory_every, checkpoint_every : float
        Intervals in ps.
    progress : bool
        Whether to show a bar.
    suffix : str
        Ending of the file names of this walker.
    engine : str
        ``ase`` or ``lammps``.
    """

    folder: Path
    given: PlumedInput
    temperature: float
    timestep: float
    friction: float
    seed: int
    trajectory_every: float
    checkpoint_every: float
    progress: bool
    suffix: str = ""
    engine: str = "ase"

    def run(self, atoms: Atoms, picoseconds: float, restart: bool) -> MetadynamicsRun:
        """Run to the given length.

        Parameters
        ----------
        atoms : ase.Atoms
            Start, with a calculator.
        picoseconds : float
            Length of the whole run in ps.
        restart : bool
            Go on from a checkpoint.

        Returns
        -------
        MetadynamicsRun
            Files and length.
        """
        lines = check_input(self.given.lines, len(atoms))
        lines = [_own_files(line, self.suffix) for line in lines]
        total = round(picoseconds * 1000 / self.timestep)
        if total < 1:
            raise InputError(
                "picoseconds", need="one step or more", got=f"{picoseconds}", remedy="run for longer"
            )
        name = (
            f"trajectory{self.suffix}.checkpoint" if self.engine == "lammps" else f"checkpoint{self.suffix}"
        )
        checkpoint = self.folder / f"{name}.npz"
        if checkpoint.exists() and not restart:
            raise InputError(
                "folder", need="a folder without a run", got=f"a checkpoint in {self.folder.name!r}",
                remedy="use restart=True to go on, or another folder",
            )  # fmt: skip
        if self.engine == "lammps":
            with inside(self.folder):
                start = run_lammps(self, atoms, lines, picoseconds, checkpoint)
        else:
            start, generator = self._start(atoms, checkpoint)
            with inside(self.folder):
                self._loop(atoms, lines, start, total, generator, checkpoint)
        hills = self.folder / f"HILLS{self.suffix}"
        return MetadynamicsRun(
            self.folder, (hills,), (self.folder / f"COLVAR{self.suffix}",),
            (self.folder / f"trajectory{self.suffix}.extxyz",), max(total, start),
            max(total, start) * self.timestep / 1000, start,
        )  # fmt: skip

    def _start(self, atoms: Atoms, checkpoint: Path) -> tuple[int, np.random.Generator]:
        """Put atoms in the state of the checkpoint, or give them velocities."""
        generator = np.random.default_rng(self.seed)
        if not checkpoint.exists():
            if not atoms.get_momenta().any():
                atoms.set_momenta(_thermal_momenta(atoms, self.temperature, generator))
            return 0, generator
        with np.load(checkpoint) as saved:
            check_same_atoms(saved["numbers"], atoms)
            atoms.set_cell(saved["cell"])
            atoms.set_positions(saved["positions"])
            atoms.set_momenta(saved["momenta"])
            generator.bit_generator.state = json.loads(str(saved["generator"]))
            step = int(saved["step"])
        time = step * self.timestep / 1000
        cut_back(self.folder / f"HILLS{self.suffix}", time)
        cut_back(self.folder / f"COLVAR{self.suffix}", time - 0.5 * self.timestep / 1000)
        _cut_trajectory(self.folder / f"trajectory{self.suffix}.extxyz", step)
        return step, generator

    def _loop(
        self,
        atoms: Atoms,
        lines: list[str],
        start: int,
        total: int,
        generator: np.random.Generator,
        checkpoint: Path,
    ) -> None:
        from ase import units
        from ase.calculators.plumed import Plumed
        from ase.md.langevin import Langevin

        tqdm = require("tqdm", purpose="progress bars", install="pip install tqdm").tqdm
        inner = atoms.calc
        biased = Plumed(
            inner, lines, timestep=self.timestep * units.fs, atoms=atoms, kT=self.temperature * units.kB,
            log=f"plumed{self.suffix}.log", restart=start > 0,
        )  # fmt: skip
        biased.istep = start
        atoms.calc = biased
        # The variables do not feel a drift of the centre of mass, and fixing it would disturb the canonical ensemble.
        dynamics = Langevin(
            atoms, self.timestep * units.fs, temperature_K=self.temperature,
            friction=self.friction / (1000 * units.fs), rng=_Normal(generator), fixcm=False,
        )  # fmt: skip
        saved_every = max(round(self.trajectory_every * 1000 / self.timestep), 1)
        chunk = saved_every * max(round(self.checkpoint_every / self.trajectory_every), 1)
        watch = BarrierWatch(self.given, f"HILLS{self.suffix}")
        frames: list[Any] = []
        try:
            with tqdm(
                total=total, initial=start, unit="step", disable=not self.progress, desc="metadynamics"
            ) as bar:
                step = start
                while step < total:
                    here = min(saved_every - step % saved_every, total - step)
                    dynamics.run(here)
                    step += here
                    _check_finite(atoms, step)
                    frames.append(_frame(atoms, step, self.timestep))
                    bar.update(here)
                    if step % chunk == 0 or step == total:
                        self._save(atoms, step, generator, checkpoint, frames)
                        bar.set_postfix_str(watch.text())
        finally:
            biased.plumed.finalize()
            atoms.calc = inner

    def _save(
        self, atoms: Atoms, step: int, generator: np.random.Generator, checkpoint: Path, frames: list[Any]
    ) -> None:
        from ase.io import write

        write(f"trajectory{self.suffix}.extxyz", frames, format="extxyz", append=True)
        frames.clear()
        with atomic_path(checkpoint) as part, part.open("wb") as file:
            np.savez(
                file, step=step, positions=atoms.get_positions(), momenta=atoms.get_momenta(),
                cell=np.array(atoms.cell), numbers=atoms.numbers,
                generator=np.array(json.dumps(generator.bit_generator.state)),
            )  # fmt: skip


def _thermal_momenta(atoms: Atoms, temperature: float, generator: np.random.Generator) -> Any:
    """Momenta of the Maxwell-Boltzmann distribution without a drift of the whole, in units of ASE."""
    from ase import units

    masses = atoms.get_masses()[:, None]
    momenta = generator.standard_normal((len(atoms), 3)) * np.sqrt(masses * units.kB * temperature)
    return momenta - masses * momenta.sum(0) / masses.sum()


class _Normal:
    """Noise for ASE's Langevin from a generator whose state can be saved."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def standard_normal(self, size: Any = None) -> Any:
        """Draw normal numbers, as ASE asks for them."""
        return self._generator.standard_normal(size)

    def normal(self, *args: Any, **kwargs: Any) -> Any:
        """Draw normal numbers, as ASE asks for them."""
        return self._generator.normal(*args, **kwargs)


def _own_files(line: str, suffix: str) -> str:
    """Give the COLVAR of each walker a name of its own."""
    return line.replace("FILE=COLVAR", f"FILE=COLVAR{suffix}") if suffix else line


def _frame(atoms: Atoms, step: int, timestep: float) -> Atoms:
    from ase.calculators.singlepoint import SinglePointCalculator

    frame = atoms.copy()
    frame.info = {"step": step, "time": step * timestep / 1000}
    results = atoms.calc.results
    frame.calc = SinglePointCalculator(frame, energy=results["energy"], forces=results["forces"])
    return frame


def _check_finite(atoms: Atoms, step: int) -> None:
    if not (np.isfinite(atoms.get_positions()).all() and np.isfinite(atoms.calc.results["forces"]).all()):
        raise BrokenRun(
            f"step {step}: need finite forces and positions, got nan or infinity; the last checkpoint is kept, "
            "lower the time step or the height of the hills"
        )


def _cut_trajectory(path: Path, step: int) -> None:
    from ase.io import read, write

    if not path.exists():
        return
    frames = read(path, index=":")
    keep = [frame for frame in frames if frame.info.get("step", 0) <= step]
    if len(keep) < len(frames):
        with atomic_path(path) as part:
            write(part, keep, format="extxyz")
