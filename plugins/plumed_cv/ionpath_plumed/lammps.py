"""Biased runs with the LAMMPS engine of the ASE plugin, where that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ionpath.errors import InputError, require
from ionpath.files import atomic_path
from ionpath_plumed.files import check_same_atoms, cut_back
from ionpath_plumed.progress import BarrierWatch

if TYPE_CHECKING:
    from ase import Atoms

    from ionpath_plumed.metadynamics import Job

INSTALL = 'pip install "ionpath[ase,plumed]"'


def run_lammps(job: Job, atoms: Atoms, lines: list[str], picoseconds: float, checkpoint: Path) -> int:
    """Run one walker with LAMMPS in the current folder."""
    engine = require("ionpath_ase", purpose="metadynamics with LAMMPS", install=INSTALL)
    start = 0
    begin = _beginning(job, atoms, checkpoint)
    if checkpoint.exists():
        state = require("ionpath_ase.md.state", purpose="metadynamics with LAMMPS", install=INSTALL)
        start = state.load_checkpoint(checkpoint).snapshot.step
        time = start * job.timestep / 1000
        cut_back(Path(f"HILLS{job.suffix}"), time)
        cut_back(Path(f"COLVAR{job.suffix}"), time + 0.5 * job.timestep / 1000)
    result = engine.run_md(
        begin, engine="lammps", temperature=job.temperature, picoseconds=picoseconds, timestep=job.timestep,
        thermostat="langevin", damping=1.0 / job.friction, seed=job.seed, plumed=lines, progress=job.progress,
        model=_model(atoms), interval=job.trajectory_every,
        checkpoint_interval=job.checkpoint_every, trajectory=f"trajectory{job.suffix}.extxyz",
        processes=None if not job.suffix else 1, note=BarrierWatch(job.given, f"HILLS{job.suffix}").text,
    )  # fmt: skip
    atoms.set_cell(result.atoms.cell)
    atoms.set_positions(result.atoms.positions)
    atoms.set_momenta(result.atoms.get_momenta())
    return start


def _model(atoms: Atoms) -> str:
    """Deep Potential of the calculator that the atoms have."""
    if atoms.calc is None:
        return "argyrodite"
    model = getattr(atoms.calc, "parameters", {}).get("model")
    if model is None:
        raise InputError(
            "atoms", need="the calculator of the ASE plugin, or none, with LAMMPS", got=type(atoms.calc).__name__,
            remedy='use engine="ase", which takes any calculator',
        )  # fmt: skip
    return str(model)


def _beginning(job: Job, atoms: Atoms, checkpoint: Path) -> Atoms:
    """Structure with which the run in this folder began, which its checkpoint belongs to."""
    saved = Path(f"start{job.suffix}.npz")
    begin = atoms.copy()
    if checkpoint.exists() and saved.exists():
        with np.load(saved) as kept:
            check_same_atoms(kept["numbers"], atoms)
            begin.set_cell(kept["cell"])
            begin.set_positions(kept["positions"])
    else:
        with atomic_path(saved) as part, part.open("wb") as file:
            np.savez(file, numbers=atoms.numbers, cell=np.array(atoms.cell), positions=atoms.positions)
    return begin
