"""One run of metadynamics: what it is, how it runs on an engine, and what it leaves behind."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ionpath.documented import documented
from ionpath.errors import InputError, IonpathError, warn
from ionpath.files import atomic_path as atomic_path, made_folder
from ionpath.free_energy import Hills, find_basins, minimum_path, sum_hills
from ionpath.msonable import Msonable
from ionpath.plumed_input import appended_files, joined
from ionpath.plumed_run import written_files
from ionpath_plumed.checks import check_input, inside
from ionpath_plumed.files import read_hills
from ionpath_plumed.inputs import PlumedInput
from ionpath_plumed.surfaces import basin_ends, visited


@documented
@dataclass(frozen=True)
class MetadynamicsRun(Msonable):
    """What a run left behind."""

    folder: Path  # folder with everything below, plumed.dat and protocol.json
    hills: tuple[Path, ...]  # files of hills (METAD), those of all walkers; none with OPES
    colvar: tuple[Path, ...]  # files of printed values
    trajectory: tuple[Path, ...]  # trajectories in extended XYZ; beside each are its log (.csv) and its checkpoint
    steps: int  # steps done in all, this call and earlier ones
    picoseconds: float  # the same in ps
    resumed_at: int  # step from which this call went on; 0 for a new run


@dataclass(frozen=True)
class Job:
    """One walker: an input in a folder, with an engine and its options."""

    folder: Path  # folder of all files
    given: PlumedInput  # input of PLUMED
    engine: str  # name of the engine
    options: dict[str, Any]  # options of `ionpath.plugins.engines`
    walker: int | None = None  # number of the walker, where there are several

    @property
    def suffix(self) -> str:
        """Ending of file names of this walker."""
        return "" if self.walker is None else f".{self.walker}"

    def prepare(self, atoms: Atoms) -> Any:
        """Check everything, touch nothing, and return what an engine runs."""
        from ionpath.plugins import available

        if (self.folder / f"checkpoint{self.suffix}.npz").exists():
            got = f"checkpoint{self.suffix}.npz of an earlier one"
            remedy = "analyse its hills as they are, and go on in another folder"
            raise InputError("folder", need="a run of this version of ionpath", got=got, remedy=remedy)
        length, every = (
            round(self.options[name] * 1000 / self.options["timestep"]) for name in ("picoseconds", "interval")
        )
        if length < every:
            need, got = (f"{self.options[name]:g}" for name in ("interval", "picoseconds"))
            warn(
                f"picoseconds: need the {need} ps between two frames or more, got {got}: the trajectory will have no "
                "frame, and the last configuration is in the checkpoint; run for longer, or take "
                f"trajectory_every={got} or less"
            )
        lines = check_input(self.given.lines, len(atoms), folder=self.folder, files=self.given.files)
        watch = BarrierWatch(self.given, [self.folder / path for path in appended_files(lines, "METAD")])
        return available("engines")[self.engine](
            atoms, plumed=lines, trajectory=f"trajectory{self.suffix}.extxyz", thermostat="langevin", restart=True,
            note=watch.text if self.options["progress"] else None, follow=True, first_frame=False, **self.options,
        )  # fmt: skip


def run_job(atoms: Atoms, job: Job) -> MetadynamicsRun:
    """Run one walker, and leave the atoms where it ends."""
    made = not job.folder.exists()
    made_folder(job.folder)
    try:
        with inside(job.folder):
            run = job.prepare(atoms)
            if job.walker is None:
                job.given.write(job.folder)
            result = run.run()
    except InputError:
        if made and not any(job.folder.iterdir()):
            job.folder.rmdir()
        raise
    atoms.set_cell(result.atoms.cell)
    atoms.set_positions(result.atoms.positions)
    atoms.set_momenta(result.atoms.get_momenta())
    time = result.steps * job.options["timestep"] / 1000
    return left_behind([job], result.steps, time, result.resumed_at)


def left_behind(jobs: Sequence[Job], steps: int, time: float, resumed_at: int) -> MetadynamicsRun:
    """Files of a run."""
    folder = jobs[0].folder
    hills, colvar = (
        tuple(folder / path for job in jobs for path in appended_files(job.given.lines, action))
        for action in ("METAD", "PRINT")
    )
    frames = tuple(folder / f"trajectory{job.suffix}.extxyz" for job in jobs)
    return MetadynamicsRun(folder, hills, colvar, frames, steps, time, resumed_at)


def with_own_files(given: PlumedInput, walker: int) -> PlumedInput:
    """Return the files that a walker prints names of its own."""
    lines = []
    for statement in joined(given.lines):
        shared = appended_files([statement], "METAD")  # of which PLUMED itself makes one for each walker
        for name in (str(path) for path in written_files([statement]) if path not in shared):
            statement = re.sub(rf"(FILE=\{{?){re.escape(name)}(?=[\s}}]|$)", rf"\g<1>{name}.{walker}", statement)
        lines.append(statement)
    return replace(given, text="\n".join(lines) + "\n")


class BarrierWatch:
    """Says what the hills tell so far, with the ends of the path if the input of the run has any."""

    def __init__(self, given: PlumedInput, hills: Sequence[Path]) -> None:
        self._given, self._hills = given, hills

    def text(self) -> str:
        """Barrier, or how deep the basin is filled, in a few words."""
        if self._given.method != "metad" or not self._hills:
            return ""
        try:
            with warnings.catch_warnings(action="ignore"):  # a hill that is being written has no newline yet
                return describe(read_hills(self._hills), self._given)
        except (IonpathError, OSError):  # an input of one's own may have several METAD, or none
            return "no hills yet"


def describe(hills: Hills, given: PlumedInput) -> str:
    """Barrier between the ends of the protocol, or between the two deepest basins."""
    axes = hills.default_axes(2.0)
    if np.prod([len(axis) for axis in axes]) > 400_000:
        return f"{len(hills)} hills"
    surface = visited(sum_hills(hills, axes, from_zero=False))
    filled = f"{-surface.values.min():.0f} kJ/mol, {len(hills)} hills"
    basins, _ = find_basins(surface)
    ends = basin_ends(surface, given, basins)
    if ends is None:
        return f"{'no crossing' if given.start else 'one basin'} yet, filled to {filled}"
    try:
        path = minimum_path(surface, *ends)
    except InputError:
        return f"no way between the basins yet, filled to {filled}"
    return f"barrier {path.barrier:.0f} kJ/mol (back {path.reverse_barrier:.0f}), {len(hills)} hills"
