"""``ionpath metad``: from a structure to a plumed.dat, a run, a free energy and a barrier."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ionpath.cores import cores
from ionpath.errors import InputError, require
from ionpath_plumed.biases import METHODS
from ionpath_plumed.presets import PRESETS

EXAMPLE = """examples:
  ionpath metad start.extxyz --temperature 300 --picoseconds 200 --folder hop
  ionpath metad start.extxyz --protocol tilt --write-only --folder tilt
  ionpath metad --analyse hop
The first command again goes on from the last checkpoint, or for longer with a larger --picoseconds."""

MOST_PER_CORE = 4
"""Walkers on one core: each has an engine of its own, with its memory."""
INSTALL = 'pip install "ionpath[ase,plumed]"'


def options() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(
        prog="ionpath metad", description="Metadynamics of a lithium hop, from input to barrier.", epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("structure", nargs="?", type=Path, help="any file that ASE reads, with a cell")
    add("--protocol", default="inter-cage", help=f"one of {', '.join(PRESETS)}; default inter-cage")
    add("--temperature", type=float, default=300.0, help="K; default 300")
    add("--picoseconds", type=float, default=100.0, help="length of the whole run; default 100")
    add("--timestep", type=float, default=2.0, help="fs; default 2")
    add("-o", "--folder", type=Path, default=Path("metadynamics"), help="where everything goes; default metadynamics")
    add("--method", choices=METHODS, default="metad", help="default metad")
    add("--mobile", default="Li", help="element that moves; default Li")
    add("--ion", type=int, help="number of the ion to bias, from 1; found if left out")
    add("--centres", type=int, nargs="+", help="numbers of the centres, from 1; found if left out")
    add("--rotation", type=float, default=0.0, help="degrees by which the crystal axes are turned about z")
    words = "width, height, pace and gamma; default recommended"
    add("--hills", choices=("recommended", "published"), default="recommended", help=words)
    add("--sigma", type=float, help="width of hills: A, rad or nodes; that of --hills if left out")
    add("--height", type=float, help="first height of hills, kJ/mol")
    add("--pace", type=float, help="time between hills, fs")
    add("--bias-factor", type=float, help="gamma")
    fence = parser.add_mutually_exclusive_group().add_argument
    fence("--fence", type=float, default=0.0, help="A that a third centre may be nearer than the two (inter-cage)")
    fence("--no-fence", action="store_true", help="published walls alone (inter-cage)")
    add("--walkers", type=int, default=1, help="walkers that share hills, each on a core of its own")
    add("--model", default="argyrodite", help="shipped name or a file that deepmd-kit reads; default argyrodite")
    add("--engine", choices=("ase", "lammps"), default="lammps", help="default lammps, several times faster")
    add("--seed", type=int, default=0, help="default 0")
    add("--write-only", action="store_true", help="write plumed.dat and stop")
    add("--analyse", "--analyze", type=Path, metavar="FOLDER", help="analyse a finished or running run and stop")
    add(
        "--equivalent",
        action=argparse.BooleanOptionalAction,
        help="a symmetry exchanges both cages (inter-cage), turns the cage upside down (intra-cage) or takes a bond to "
        "all others of its tetrahedron (tilt): there and back are one barrier; default: if the structure has it",
    )
    add("-q", "--quiet", action="store_true", help="no progress bar")
    return parser


def metad(argv: Sequence[str], read: Callable[[Path], Any] | None = None) -> int:
    """Run ``ionpath metad``, with a function that reads structures; ASE's by default."""
    parser = options()
    given = parser.parse_args(list(argv))
    if given.analyse is not None:
        own = ("analyse", "equivalent", "quiet")
        unused = [n for n, value in vars(given).items() if n not in own and value != parser.get_default(n)]
        if unused:
            words = ", ".join("--" * (n != "structure") + n.replace("_", "-") for n in unused)
            need = "nothing else but --equivalent: temperature, method and hills are those of the folder"
            raise InputError("--analyse", need=need, got=words, remedy="leave the rest out")
        return _analyse(given.analyse, given.analyse, given.equivalent)
    if given.structure is None or not given.structure.is_file():
        remedy = "make one with `ionpath build`, or see `ionpath metad --help`"
        raise InputError("structure", need="a structure file", got=str(given.structure or "none"), remedy=remedy)
    from ionpath_plumed.metadynamics import run_metadynamics
    from ionpath_plumed.protocols import metadynamics_input

    atoms = (read or require("ase.io", purpose="reading structures", install=INSTALL).read)(given.structure)
    plumed = metadynamics_input(
        atoms, given.protocol, temperature=given.temperature, timestep=given.timestep, mobile=given.mobile,
        ion=None if given.ion is None else given.ion - 1,
        centres=None if given.centres is None else [c - 1 for c in given.centres], rotation=given.rotation,
        hills=given.hills, method=given.method,
        sigma=given.sigma, height=given.height, pace=given.pace, bias_factor=given.bias_factor,
        walkers=given.walkers, fence=None if given.no_fence else given.fence,
    )  # fmt: skip
    chosen = ", ".join(f"{role} {' '.join(map(str, numbers))}" for role, numbers in plumed.atoms.items())
    print(f"{given.folder / 'plumed.dat'}: {plumed.kind}, {chosen}")
    if given.write_only:
        plumed.write(given.folder)
        return 0
    if given.walkers > MOST_PER_CORE * (number := cores()):
        need = f"at most {MOST_PER_CORE * number} on the {number} cores here"
        remedy = f"use walkers={number}, one for each core"
        raise InputError("walkers", need=need, got=f"{given.walkers}", remedy=remedy)
    calculators = require("ase.calculators.calculator", purpose="metadynamics", install=INSTALL)
    atoms.calc = calculators.get_calculator_class("ionpath")(model=given.model)
    run = run_metadynamics(
        atoms, plumed, picoseconds=given.picoseconds, folder=given.folder, seed=given.seed, walkers=given.walkers,
        progress=not given.quiet, engine=given.engine,
    )  # fmt: skip
    print(f"{run.picoseconds:g} ps done, {', '.join(p.name for p in run.hills)} in {given.folder}")
    return _analyse(run, given.folder, given.equivalent) if given.method == "metad" else 0


def _analyse(source: Any, folder: Path, equivalent: bool | None) -> int:
    from ionpath_plumed.surfaces import analyse_metadynamics

    result = analyse_metadynamics(source, figure=folder / "free-energy.png", equivalent=equivalent)
    print(result)
    for path in result.figures:
        print(f"  {path}")
    return 0
