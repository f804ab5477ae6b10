"""Molecular dynamics of a study: the cell at a temperature, production, and biased runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
from ase.calculators.calculator import get_calculator_class
from ase.geometry import cellpar_to_cell
from ase.io import read
from ase.neighborlist import neighbor_list

from ionpath.errors import InputError
from ionpath.files import atomic_path
from ionpath_ase import glass_ceramic, melt_quench, run_md
from ionpath_cli.intact import QUANTITIES, read_json, write_json
from ionpath_cli.study.quantities import quantity, student
from ionpath_cli.study.structures import START
from ionpath_cli.study.tasks import TOPOLOGY, TRAJECTORY, Task
from ionpath_plumed import analyse_metadynamics, metadynamics_input, run_metadynamics

CELL = "cell.json"
SETTLING = 1.0 / 3.0
"""Part of a run at constant pressure that is left out of the mean cell."""
BLOCKS = 5


def _common(task: Task) -> dict[str, Any]:
    settings = task.settings
    return {
        "temperature": settings["temperature"],
        "timestep": settings["timestep"],
        "model": settings["model"],
        "engine": "lammps",
        "processes": task.options.get("processes", 1),
        "progress": False,
    }


def quench(task: Task, place: Path, inputs: list[Path]) -> None:
    """A glass: melted, cooled, and left to settle at zero pressure; or one around a slab of its crystal."""
    settings = task.settings
    heat = dict(settings["quench"])
    share = heat.pop("crystal_fraction", None)
    common = {
        "model": settings["model"], "seed": settings["seed"], "engine": "lammps", "progress": False, "interval": 0.5,
        "processes": task.options.get("processes", 1),
    }  # fmt: skip
    start = read(inputs[0] / START)
    made: Any = (
        melt_quench(start, place, **common, **heat)
        if share is None
        else glass_ceramic(start, place, crystal_fraction=share, melt=heat, **common)
    )
    glass = made.atoms.copy()
    glass.arrays.pop("momenta", None)
    with atomic_path(place / START) as part:
        glass.write(part, format="extxyz")


def find_cell(task: Task, place: Path, inputs: list[Path]) -> None:
    """Mean cell at zero pressure, from a run at constant pressure."""
    settings = task.settings
    given = {name: settings[name] for name in ("picoseconds", "ensemble", "seed")} | _common(task)
    start, file = read(inputs[0] / START), place / "cell.xtc"
    npt = run_md(start, trajectory=file, interval=0.05, pressure_damping=0.5, **given)
    frames = mda.Universe(str(inputs[0] / START), str(npt.trajectory)).trajectory
    cells = np.array([ts.dimensions.copy() for ts in frames], dtype=float)  # a reader writes into one array
    cells = cells[int(SETTLING * len(cells)) :]
    mean = cells.mean(axis=0)
    blocks = np.array([b.mean(axis=0) for b in np.array_split(cells, min(BLOCKS, len(cells)))])
    error = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks)) if len(blocks) > 1 else np.full(6, np.nan)
    write_json(place / CELL, {"cell": mean.tolist(), "error": error.tolist()})
    lengths = {name: student(mean[k], error[k], len(blocks), "A") for k, name in enumerate("abc")}
    note = f"NPT at 0 GPa, {len(cells)} frames"
    write_json(place / QUANTITIES, [quantity(f"cell length {name}", one, note) for name, one in lengths.items()])


def start_in_cell(structure: Path, cell: Path) -> Any:
    """A structure, strained to the mean cell of its temperature."""
    atoms = read(structure / START)
    atoms.set_cell(cellpar_to_cell(read_json(cell / CELL)["cell"]), scale_atoms=True)
    return atoms


def run(task: Task, place: Path, inputs: list[Path]) -> None:
    """Warm-up and production at constant volume; both go on where they were, and a longer one is continued."""
    settings = task.settings
    atoms = start_in_cell(*inputs)
    if not (place / TOPOLOGY).exists():
        with atomic_path(place / TOPOLOGY) as part:
            atoms.write(part, format="extxyz")
    warm = warmed(atoms, place, settings["warm_picoseconds"], settings["seed"], **_common(task))
    run_md(
        warm, picoseconds=task.picoseconds, seed=settings["seed"] + 1, trajectory=place / TRAJECTORY,
        interval=settings["interval"], **_common(task),
    )  # fmt: skip


def warmed(atoms: Any, place: Path, picoseconds: float, seed: int, *, interval: float = 0.5, **settings: Any) -> Any:
    """A structure after a short run with a Langevin thermostat, which forgets its start sooner than others."""
    more: dict[str, Any] = {"thermostat": "langevin", "trajectory": place / "warm-up.xtc", "interval": interval}
    return run_md(atoms, picoseconds=picoseconds, seed=seed, **more, **settings).atoms


def run_biased(task: Task, place: Path, inputs: list[Path]) -> None:
    """Metadynamics of one hop or tilt in the cell at zero pressure, and the barrier with its error."""
    settings, crystal = task.settings, start_in_cell(*inputs)
    warm = warmed(crystal, place, settings["warm_picoseconds"], settings["seed"], **_common(task))
    arguments = {**settings["arguments"], "temperature": settings["temperature"], "model": settings["model"]}
    if "centre" in arguments:
        arguments["centres"] = [_fullest(warm, arguments.pop("centre"))]
    protocol, seed = settings["protocol"], settings["seed"]
    found = hop(warm, place, protocol, task.picoseconds, seed, crystal=crystal, title=task.name, **arguments)
    write_json(place / QUANTITIES, [quantity(f"barrier, {settings['protocol']}", found.barrier, str(found))])


def hop(
    atoms: Any, place: Path, protocol: str, picoseconds: float, seed: int, *, crystal: Any, temperature: float,
    model: str, title: str, progress: bool = False, **arguments: Any,
) -> Any:  # fmt: skip
    """Metadynamics of a protocol, analysed and drawn; `crystal` is the structure before ions moved."""
    atoms.calc = get_calculator_class("ionpath")(model=model)
    plumed = metadynamics_input(atoms, protocol, temperature=temperature, built=crystal, **arguments)
    run = run_metadynamics(
        atoms, plumed, picoseconds=picoseconds, folder=place, seed=seed, engine="lammps", progress=progress
    )
    return analyse_metadynamics(run, figure=place / "free-energy.png", title=title)


def _fullest(atoms: Any, element: str) -> int:
    """Free anion of an element with most lithium within 3 A."""
    bonded = set(neighbor_list("i", atoms, {(element, former): 2.8 for former in ("P", "Si")}))
    around = np.bincount(neighbor_list("i", atoms, {(element, "Li"): 3.0}), minlength=len(atoms))
    free = [k for k in np.flatnonzero(atoms.symbols == element) if k not in bonded]
    if not free:
        raise InputError("centre", need=f"a free {element}", got="none", remedy="name another element")
    return int(max(free, key=lambda k: around[k]))
