"""Free-energy barriers of argyrodites by metadynamics, one protocol at a time, beside published values.

Short form, about a minute each:

    python examples/plumed_barriers.py inter-cage --picoseconds 2 --equilibrate 1
    python examples/plumed_barriers.py tilt --composition III --picoseconds 2 --equilibrate 1

Long form, as long as one has patience; the same command again goes on from the last checkpoint:

    nice python examples/plumed_barriers.py inter-cage --composition II --picoseconds 400 --folder runs/inter-II
    python examples/plumed_barriers.py table runs/*
    python examples/plumed_barriers.py figure runs/* --output barriers.png

Compositions: II is ordered Li6PS5Cl, III is Li5.5PS4.5Cl1.5 with 75 % chloride on the free-sulfur sites, both as one
cubic cell repeated ``--repeat`` times, with the shipped potential (or ``--model FILE``). Shells of III are
about sulfur or chloride: ``--shell Cl`` takes the first of the latter (intra-cage).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "TF_INTRA_OP_PARALLELISM_THREADS", "TF_INTER_OP_PARALLELISM_THREADS"):
    os.environ.setdefault(_name, "1")

PUBLISHED = {
    ("inter-cage", "II"): "65",
    ("inter-cage", "III"): "38",
    ("intra-cage", "II"): "13.4",
    ("intra-cage", "III, S shell"): "34.1",
    ("intra-cage", "III, Cl shell"): "14.5",
    ("concerted", "II"): "below 35",
}
"""Barriers in kJ/mol of arXiv:2412.07115: 3,744 and 3,600 atoms, nanoseconds, a potential trained for each phase."""
PRESET = {("inter-cage", "III"): "inter-cage-disordered", ("tilt", "III"): "tilt-disordered"}


EDGES = {"II": (9.751, 9.830, 9.919), "III": (9.688, 9.778, 9.877)}
"""Edges in A of the cubic cell at 300, 600 and 900 K and no pressure with the shipped potential: docs/potential.md."""


def build(composition: str, repeat: list[int], temperature: float):
    """Ordered Li6PS5Cl (II) or disordered Li5.5PS4.5Cl1.5 (III) as ASE Atoms, with the edge at this temperature."""
    import numpy as np
    from pymatgen.io.ase import AseAtomsAdaptor

    from pymatgen.analysis.argyrodite import ExcessHalideTransformation, argyrodite

    structure = argyrodite(a=float(np.interp(temperature, (300.0, 600.0, 900.0), EDGES[composition])))
    structure.make_supercell(repeat)
    if composition == "III":
        structure = ExcessHalideTransformation(0.5, inversion=0.75, seed=1).apply_transformation(structure)
    return AseAtomsAdaptor.get_atoms(structure, msonable=False)


def equilibrated(atoms, folder: Path, options: argparse.Namespace):
    """Cool lithium from 900 K, so that the first hop does not pay or gain what it costs to leave perfect order.

    Both stages are at no pressure, and the biased run gets the mean cell of the second one.
    """
    from ionpath_ase import run_md

    common = {"engine": "lammps", "model": options.model, "ensemble": "npt", "seed": options.seed}
    cooled = run_md(
        atoms, temperature=900.0, final_temperature=options.temperature, picoseconds=options.equilibrate,
        trajectory=folder / "equilibration.xtc", interval=0.5, **common,
    )  # fmt: skip
    settled = run_md(
        cooled.atoms, temperature=options.temperature, picoseconds=options.equilibrate,
        trajectory=folder / "settled.xtc", interval=0.05, **common,
    )  # fmt: skip
    return settled.at_mean_volume()


def shell(atoms, element: str | None) -> list[int] | None:
    """Centre of the first shell about this element; None leaves the choice to the protocol."""
    from ionpath_plumed import find_shells

    if element is None:
        return None
    centres = [found.centre for found in find_shells(atoms) if atoms[found.centre].symbol == element]
    if not centres:
        raise SystemExit(f"--shell: need an element at the centre of a shell, got {element}; take S or Cl")
    return centres[:1]


def run(options: argparse.Namespace) -> int:
    """Write the input, run it, analyse it."""
    from ase.calculators.calculator import get_calculator_class

    from ionpath_plumed import analyse_metadynamics, metadynamics_input, run_metadynamics

    folder = options.folder or Path("runs") / f"{options.protocol}-{options.composition}"
    folder.mkdir(parents=True, exist_ok=True)
    atoms = built = build(options.composition, options.repeat, options.temperature)
    if options.equilibrate > 0 and not options.write:
        atoms = equilibrated(atoms, folder, options)
    preset = PRESET.get((options.protocol, options.composition), options.protocol)
    plumed = metadynamics_input(
        atoms, preset, centres=shell(atoms, options.shell), fence=None if options.no_fence else 0.0,
        temperature=options.temperature, sigma=options.sigma, height=options.height, pace=options.pace,
        bias_factor=options.bias_factor, hills=options.hills, built=built,
    )  # fmt: skip
    if options.write:
        plumed.write(folder)
        atoms.write(folder / "start.extxyz")
        print(f"{folder}: plumed.dat, start.extxyz")
        return 0
    phase = f"{options.composition}, {options.shell} shell" if options.shell else options.composition
    known = {"phase": phase, "K": options.temperature, "atoms": len(atoms), "model": options.model}
    (folder / "about.json").write_text(json.dumps(known))
    atoms.calc = get_calculator_class("ionpath")(model=options.model)
    done = run_metadynamics(
        atoms, plumed, picoseconds=options.picoseconds, folder=folder, seed=options.seed, trajectory_every=1.0,
        checkpoint_every=2.0, engine=options.engine,
    )  # fmt: skip
    print(analyse_metadynamics(done, figure=folder / "free-energy.png"))
    return 0


def about(folder: Path) -> dict:
    """Phase, size and temperature of a run of this script, or of a group of runs of `ionpath study guan2024`."""
    note, record = folder / "about.json", folder / "done.json"
    if note.exists():
        return json.loads(note.read_text())
    if not record.exists():
        return {"phase": folder.name, "atoms": "?", "K": float("nan")}
    settings = json.loads(record.read_text())["settings"]
    system, _, atoms = settings["system"].partition(", ")
    phase = system.removeprefix("LPSCl-")
    if what := re.search(r" (around|of) (\w+)$", settings["group"]):  # intra-cage around Cl, tilt of SiS4
        phase += f", {what[2]} shell" if what[1] == "around" else f", {what[2]}"
    return {"phase": phase, "atoms": atoms.split()[0] if atoms else "?", "K": settings["temperature"]}


def table(folders: list[Path]) -> int:
    """Print one line per run, beside the published value."""
    from ionpath_plumed import PlumedInput, analyse_metadynamics

    print("| protocol | phase | atoms | K | ps | hills | barrier, back (kJ/mol) | published | verdict |")
    print("|---|---|---|---|---|---|---|---|---|")
    for folder in folders:
        kind = PlumedInput.read(folder).kind
        run = about(folder)
        found = analyse_metadynamics(folder)
        both = (found.barrier, found.reverse_barrier)
        barrier = ", ".join(dict.fromkeys(str(value).replace(" kJ/mol", "") for value in both))
        print(
            f"| {kind} | {run['phase']} | {run['atoms']} | {run['K']:g} | {found.picoseconds:.0f} | "
            f"{found.n_hills} | {barrier} | {PUBLISHED.get((kind, run['phase']), '-')} | {found.verdict.sentence} |"
        )
    return 0


def figure(folders: list[Path], target: Path) -> int:
    """Draw the free energies of all runs side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from ionpath_plumed import PlumedInput, analyse_metadynamics
    from ionpath_plumed.figures import plot_surface

    columns = min(len(folders), 3)
    rows = -(-len(folders) // columns)
    page, axes = plt.subplots(rows, columns, figsize=(4.3 * columns, 3.5 * rows), layout="constrained", squeeze=False)
    for ax in axes.ravel()[len(folders) :]:
        ax.axis("off")
    for ax, folder in zip(axes.ravel(), folders, strict=False):
        phase = about(folder)["phase"]
        kind = PlumedInput.read(folder).kind
        found = analyse_metadynamics(folder)
        top = max(80.0, 1.1 * found.path.barrier) if found.path else 80.0  # the way is inside what is drawn
        plot_surface(found, ax=ax, top=top)
        ax.set_title(f"{kind}, {phase}, {found.picoseconds:.0f} ps\n{found.barrier}", fontsize=9)
    page.savefig(target, dpi=130)
    print(target)
    return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = ("inter-cage", "intra-cage", "concerted", "tilt", "position", "table", "figure")
    parser.add_argument("protocol", choices=kinds)
    parser.add_argument("folders", nargs="*", type=Path, help="finished or running runs, for table and figure")
    parser.add_argument("--composition", choices=("II", "III"), default="II")
    parser.add_argument("--temperature", type=float, default=300.0, help="K")
    parser.add_argument("--picoseconds", type=float, default=2.0)
    parser.add_argument("--hills", choices=("recommended", "published"), default="recommended")
    parser.add_argument("--pace", type=float, help="fs between hills; that of --hills if left out")
    parser.add_argument("--sigma", type=float, help="width of hills, A or rad; likewise")
    parser.add_argument("--height", type=float, help="first height of hills, kJ/mol; likewise")
    parser.add_argument("--bias-factor", type=float, help="gamma; likewise")
    parser.add_argument("--no-fence", action="store_true", help="published walls alone (inter-cage)")
    parser.add_argument(
        "--equilibrate",
        type=float,
        default=10.0,
        help="ps of cooling from 900 K at no pressure before, and as long to settle; 0: the perfect crystal",
    )
    parser.add_argument("--shell", choices=("S", "Cl"), help="element at the centre of the shell (intra-cage)")
    parser.add_argument("--repeat", type=int, nargs=3, default=[1, 1, 1])
    parser.add_argument("--model", default="argyrodite")
    parser.add_argument("--engine", choices=("lammps", "ase"), default="lammps")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--output", type=Path, default=Path("barriers.png"), help="of figure")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write plumed.dat and the structure, and stop")
    options = parser.parse_args()
    if options.protocol == "figure":
        return figure(options.folders, options.output)
    return table(options.folders) if options.protocol == "table" else run(options)


if __name__ == "__main__":
    sys.exit(main())
