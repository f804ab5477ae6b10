"""Biased runs of a study on a machine with a GPU, and back.

    python examples/gpu/study.py begin guan2024 guan runs      # cells and warm-ups here, with LAMMPS
    python examples/gpu/walkers.py argyrodite.2.npz runs --picoseconds 700
    python examples/gpu/study.py end guan2024 guan runs        # analysis, and the record of each step

``begin`` makes what the biased runs of a study need in its folder (``guan``), and a folder for each in ``runs``, which
may go to another machine. ``end`` takes what came back as the result of these steps, whatever its length: `ionpath
study guan2024 -o guan --only 14-21,24,25` then writes the page, as if the runs had been made here.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
from pathlib import Path

from ase.calculators.calculator import get_calculator_class
from ase.io import write

from ionpath_cli.intact import QUANTITIES, write_json
from ionpath_cli.study import simulate, tasks
from ionpath_cli.study.definition import load_study
from ionpath_cli.study.plan import make_plan
from ionpath_cli.study.quantities import quantity
from ionpath_plumed import analyse_metadynamics, metadynamics_input

OURS = ("plumed.dat", "protocol.json", "HILLS", "COLVAR", "trajectory.extxyz", "trajectory.pdb", "trajectory.csv")


def name_of(task: tasks.Task) -> str:
    """Folder of a biased run: its group."""
    return task.settings["group"].replace(" ", "-")


def start(task: tasks.Task, place: Path, inputs: list[Path], runs: Path) -> None:
    """Warm-up of a biased run, and its input."""
    settings, folder = task.settings, runs / name_of(task)
    length, seed = settings["warm_picoseconds"], settings["seed"]
    crystal = simulate.start_in_cell(*inputs)
    warm = simulate.warmed(crystal, place, length, seed, **simulate._common(task))
    arguments = {**settings["arguments"], "temperature": settings["temperature"], "built": crystal}
    if "centre" in arguments:
        arguments["centres"] = [simulate._fullest(warm, arguments.pop("centre"))]
    warm.calc = get_calculator_class("ionpath")(model=settings["model"])
    metadynamics_input(warm, settings["protocol"], **arguments).write(folder)
    warm.calc = None
    write(folder / "start.extxyz", warm, format="extxyz")
    print(folder)


def finish(task: tasks.Task, place: Path, inputs: list[Path], runs: Path) -> None:
    """Files of a run, and its barrier."""
    for name in OURS:
        if (runs / name_of(task) / name).exists():
            shutil.copy2(runs / name_of(task) / name, place / name)
    found = analyse_metadynamics(place, figure=place / "free-energy.png", title=task.name)
    note = f"{found}; ASE, with the forces of all runs from one evaluation on a GPU (examples/gpu)"
    write_json(place / QUANTITIES, [quantity(f"barrier, {task.settings['protocol']}", found.barrier, note)])


def length_of(task: tasks.Task, runs: Path) -> float:
    """What a run has reached, ps."""
    log = runs / name_of(task) / "trajectory.csv"
    return float(log.read_text().splitlines()[-1].split(",")[1]) if log.exists() else 0.0


def main() -> int:
    """Begin or end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("begin", "end"))
    parser.add_argument("study")
    parser.add_argument("folder", type=Path, help="folder of the study")
    parser.add_argument("runs", type=Path, help="folder of the biased runs")
    options = parser.parse_args()
    study = load_study(options.study)
    biased = {f"biased/{group.name}" for group in study.runs if group.protocol}
    plan = make_plan(study, only=[row.number for row in study.rows if biased & set(row.analysis)])
    options.folder.mkdir(exist_ok=True)
    outcomes: dict[str, tasks.Outcome] = {}
    for task, key, place in tasks.placed(plan.tasks, options.folder):
        parents = [outcomes[name] for name in task.inputs]
        if task.stage != "biased":
            outcomes[task.name] = tasks.perform(task, key, str(options.folder), *parents)
        elif options.what == "begin":
            place.mkdir(parents=True, exist_ok=True)
            start(task, place, [Path(parent.folder) for parent in parents], options.runs)
        elif length := length_of(task, options.runs):
            tasks.function_of = lambda _: lambda *step: finish(*step, options.runs)  # in place of what makes the run
            done = tasks.perform(dataclasses.replace(task, picoseconds=length), key, str(options.folder), *parents)
            print(f"{done.state}: {task.name}, {length:g} ps {done.message}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
