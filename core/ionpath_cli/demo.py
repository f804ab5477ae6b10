"""``ionpath demo``: ordered Li6PS5Cl and disordered Li5.5PS4.5Cl1.5 built, run, analysed and explained, in minutes."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.errors import InputError, positive, require, whole
from ionpath.estimate import Estimate
from ionpath.files import atomic_path, locked, made_folder
from ionpath_cli.analyze import INSTALL, WRITTEN
from ionpath_cli.intact import stage
from ionpath_cli.interactive import COLOURS
from ionpath_cli.messages import LOG
from ionpath_cli.options import parser, write_config
from ionpath_cli.record import FILE, Figure, Quantity, Record, origin
from ionpath_cli.report import write_report

EXAMPLE = """
  ionpath demo --quick                       two minutes
  ionpath demo                               ten minutes on two cores
  ionpath demo --atoms 832 --temperature 500 --picoseconds 200
"""
POTENTIAL = "argyrodite.2"
"""The fast one of the shipped potentials: a step takes half of the time of ``argyrodite``."""
MOST_ATOMS = 100_000
"""Larger cells are no demonstration on one machine."""
LEAST = 3.0
"""Length of a run in ps: 70 % of it must reach beyond twice the time at which ions fly freely, 1 ps."""


@dataclass(frozen=True)
class System:
    """One of the two materials."""

    folder: str  # folder name
    label: str  # name in the report
    excess: float  # excess chloride x
    inversion: float  # fraction of chloride on the free-sulfur orbit
    # edges of the cubic cell in A at 300, 600 and 900 K and no pressure (docs/potential.md)
    edges: tuple[float, float, float]

    def edge(self, temperature: float) -> float:
        """Edge in A at a temperature, so that the run at constant volume has no pressure."""
        return round(float(np.interp(temperature, (300.0, 600.0, 900.0), self.edges)), 4)


SYSTEMS = (
    System("1-ordered", "Li6PS5Cl, ordered", 0.0, 0.0, (9.751, 9.830, 9.919)),
    System("2-disordered", "Li5.5PS4.5Cl1.5, disordered", 0.5, 0.75, (9.688, 9.778, 9.877)),
)


def main(argv: list[str]) -> int:
    """Run ``ionpath demo``."""
    arguments = parser(
        "demo",
        "Build, run, analyse and explain ordered and disordered argyrodite with ASE, MDAnalysis, PLUMED and pymatgen. "
        "A second call goes on where the first was stopped.",
        EXAMPLE,
    )
    arguments.add_argument("--quick", action="store_true", help="shorter runs of smaller cells: two minutes")
    arguments.add_argument("--atoms", type=int, help="least number of atoms of each cell; default 208, quick 104")
    arguments.add_argument("--temperature", type=float, default=600.0, help="K; default 600")
    arguments.add_argument("--picoseconds", type=float, help="of molecular dynamics each; default 30, quick 6")
    arguments.add_argument("--metad-picoseconds", type=float, help="of metadynamics each; default 10, quick 2")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("-o", "--output", type=Path, default=Path("demo-run"), help="default demo-run")
    options = arguments.parse_args(argv)
    for name, unit in (("temperature", "K"), ("picoseconds", "ps"), ("metad_picoseconds", "ps")):
        if getattr(options, name) is not None:
            positive(f"--{name.replace('_', '-')}", getattr(options, name), unit)
    if options.picoseconds is not None and options.picoseconds < LEAST:
        need = f"at least {LEAST:g} ps, of which a diffusion coefficient can be told"
        remedy = f"use --picoseconds {LEAST:g}"
        raise InputError("--picoseconds", need=need, got=f"{options.picoseconds:g}", remedy=remedy)
    if options.atoms is not None:
        whole("--atoms", options.atoms, 1, MOST_ATOMS)
    whole("--seed", options.seed, 0)
    atoms = options.atoms or (104 if options.quick else 208)
    picoseconds = options.picoseconds or (6.0 if options.quick else 30.0)
    hills = options.metad_picoseconds or (2.0 if options.quick else 10.0)
    folder = options.output / f"{atoms}atoms-{options.temperature:g}K-{picoseconds:g}ps-seed{options.seed}"
    from ionpath_cli.study.tasks import checksum

    begin = time.perf_counter()
    made = {
        "command": shlex.join(["ionpath", "demo", *argv]), "seed": options.seed, "model": POTENTIAL,
        "model_sha256": checksum(POTENTIAL),
    }  # fmt: skip
    made_folder(folder)
    with locked(folder / ".lock", f"folder {folder}"):
        for system in SYSTEMS:
            place = folder / system.folder
            _build(place, system, atoms, options.temperature, options.seed)
            _dynamics(place, system, options.temperature, picoseconds, options.seed)
            _analysis(place, system, options.temperature, made)
        for system in SYSTEMS:
            _metadynamics(folder / f"{system.folder}-hop", system, options.temperature, hills, made)
        write_config(folder / "demo.toml", arguments, options)
        _overview(folder)
        page = write_report(
            folder,
            title="Lithium in ordered and disordered argyrodite",
            lead=f"Two cells of about {atoms} atoms, {picoseconds:g} ps at {options.temperature:g} K with the shipped "
            "Deep Potential. Every number and figure was computed in this run; short runs have wide errors.",
            command=shlex.join(["ionpath", "demo", *argv]),
        )
    _print_table(page.parent / "quantities.csv")
    print(f"\n{time.perf_counter() - begin:.0f} s. Report: {page}\nTables: {page.parent / 'quantities.csv'}")
    return 0


def repetitions(atoms: int, per_cell: int = 52) -> tuple[int, int, int]:
    """Find the most cubic supercell with at least so many atoms.

    >>> repetitions(208), repetitions(400), repetitions(3328)
    ((2, 2, 1), (2, 2, 2), (4, 4, 4))
    """
    if atoms < 1:
        raise InputError("atoms", need="a number of atoms above 0", got=str(atoms), remedy="use 208 or more")
    n = [1, 1, 1]
    while n[0] * n[1] * n[2] * per_cell < atoms:
        n[n.index(min(n))] += 1
    return n[0], n[1], n[2]


def _build(place: Path, system: System, atoms: int, temperature: float, seed: int) -> None:
    from ionpath_cli.build import build, write

    def make() -> None:
        repeat = repetitions(atoms)
        structure = build(system.excess, system.inversion, repeat, lattice=system.edge(temperature), seed=seed)
        write(structure, place / "structure.cif")
        write(structure, place / "structure.extxyz")

    settings = {
        "excess": system.excess, "inversion": system.inversion, "atoms": atoms, "seed": seed,
        "edge": system.edge(temperature),
    }  # fmt: skip
    files = ["structure.cif", "structure.extxyz"]
    stage(place, "build", settings, files, make, title=f"{system.label}: structure (pymatgen)")


def _dynamics(place: Path, system: System, temperature: float, picoseconds: float, seed: int) -> None:
    def make() -> None:
        from ase.io import read

        from ionpath_ase import run_md
        from ionpath_cli.study.simulate import warmed

        common: dict[str, Any] = {"temperature": temperature, "engine": "lammps", "timestep": 2.0, "model": POTENTIAL}
        common["progress"] = LOG.isEnabledFor(20)
        warm = warmed(read(place / "structure.extxyz"), place, 1.0, seed, interval=0.05, **common)
        file = place / "trajectory.xtc"
        run_md(warm, picoseconds=picoseconds, seed=seed + 1, trajectory=file, interval=0.02, **common)

    settings = {"temperature": temperature, "picoseconds": picoseconds, "seed": seed, "model": POTENTIAL}
    title = f"{system.label}: {picoseconds:g} ps at {temperature:g} K (LAMMPS with the fast shipped Deep Potential)"
    run = [f"trajectory.{kind}" for kind in ("checkpoint.npz", "csv", "pdb")]
    stage(place, "dynamics", settings, ["trajectory.xtc"], make, title=title, also=run)


def _analysis(place: Path, system: System, temperature: float, made: Mapping[str, Any]) -> None:
    from ionpath_cli.analyze import analyse
    from ionpath_cli.trajectory import Given

    def make() -> None:
        given = Given(place / "structure.extxyz", place / "trajectory.xtc")
        analyse(given, place, temperature=temperature, label=system.label, made=made, progress=LOG.isEnabledFor(20))

    title = f"{system.label}: states, Markov model, path entropy, diffusion (MDAnalysis)"
    stage(place, "analysis", {"temperature": temperature}, [FILE], make, title=title, also=WRITTEN)


def _metadynamics(place: Path, system: System, temperature: float, picoseconds: float, made: Mapping[str, Any]) -> None:
    seed = int(made["seed"])

    def make() -> None:
        from ase.io import read

        from ionpath_cli.build import build, write
        from ionpath_cli.study.simulate import hop, warmed

        start = build(system.excess, system.inversion, (1, 1, 2), lattice=system.edge(temperature), seed=seed)
        write(start, place / "start.extxyz")
        common: dict[str, Any] = {"temperature": temperature, "model": POTENTIAL, "progress": LOG.isEnabledFor(20)}
        # The first hop shall not pay what it costs the lithium around to leave perfect order.
        crystal = read(place / "start.extxyz")
        warm = warmed(crystal, place, 2.0, seed, engine="lammps", **common)
        found = hop(
            warm, place, "inter-cage", picoseconds, seed, crystal=crystal, title=system.label, pace=25.0, **common
        )
        record = Record(
            system.label,
            [Quantity("barrier between cages", found.barrier, f"{found.n_hills} hills in {found.picoseconds:.2g} ps",
                      found.verdict.sentence, found.verdict.converged)],
            [Figure("Free energy of a hop between two cages", "free-energy.png",
                    "Free energy of one lithium against its distances to two neighbouring cage centres.")],
            [str(found)],
            origin(**made, temperature=temperature, picoseconds=found.picoseconds),
        )  # fmt: skip
        record.save(place)

    settings = {"temperature": temperature, "picoseconds": picoseconds, "seed": seed}
    title = f"{system.label}: {picoseconds:g} ps of metadynamics of one hop (LAMMPS with PLUMED)"
    stage(place, "hop", settings, [FILE, "free-energy.png"], make, title=title)


def _overview(folder: Path) -> None:
    place = folder / "0-overview"
    place.mkdir(exist_ok=True)
    _draw_overview({system.label: folder / system.folder for system in SYSTEMS}, place / "overview.png")
    caption = "Lithium density along z, path entropy of all pairs of states, and mean squared displacement."
    Record("both", figures=[Figure("Overview", "overview.png", caption)]).save(place)


def _print_table(path: Path) -> None:
    import csv

    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    print()
    for name in dict.fromkeys(row["quantity"] for row in rows):
        print(f"{name}")
        for row in (row for row in rows if row["quantity"] == name):
            value, error, low, high = (float(row[key]) for key in ("value", "error", "low", "high"))
            print(f"    {row['system']:34} {Estimate(value, error, low, high, row['unit'])}")


def _draw_overview(places: Mapping[str, Path], file: Path) -> None:
    """Draw density, path entropy and displacement of each analysed system."""
    pyplot = require("matplotlib.pyplot", purpose="figures", install=INSTALL)
    from MDAnalysis.analysis.ion_transport import IonDiffusion
    from MDAnalysis.analysis.path_entropy import PathEntropy

    paths = {label: PathEntropy.load(place / "path-entropy.npz") for label, place in places.items()}
    motion = {label: IonDiffusion.load(place / "diffusion.npz") for label, place in places.items()}
    top = max(float(np.nanmax(p.results.path_entropy)) for p in paths.values())
    far = max(float(np.max(m.results.msd)) for m in motion.values())
    figure, axes = pyplot.subplots(
        len(places), 3, figsize=(12.5, 3.9 * len(places)), layout="constrained", squeeze=False
    )
    for row, (label, place) in zip(axes, places.items(), strict=True):
        _density(row[0], place, label)
        _entropy(figure, row[1], paths[label].results, top)
        _displacement(row[2], motion[label], far)
    with atomic_path(file) as part:
        figure.savefig(part, dpi=130)
    pyplot.close(figure)


def _density(ax: Any, place: Path, label: str) -> None:
    mda = require("MDAnalysis", purpose="reading trajectories", install=INSTALL)
    from MDAnalysis.analysis.ion_transport import IonDensity

    universe = mda.Universe(str(place / "structure.extxyz"), str(place / "trajectory.xtc"))
    IonDensity(universe.select_atoms("element Li")).run().plot(ax=ax)
    ax.images[0].set_clim(0.0, 8.0)  # one scale for all systems
    ax.set_title(f"{label}\nlithium density along z")


def _entropy(figure: Any, ax: Any, results: Any, top: float) -> None:
    states = np.arange(len(results.path_entropy))
    kept = np.isin(states, results.get("connected_states", states))  # the 0 of a state that was left out is no value
    shown = np.where(np.outer(kept, kept) & (states[:, None] != states), results.path_entropy, np.nan)
    image = ax.imshow(shown, cmap="viridis", vmin=0.0, vmax=top)
    figure.colorbar(image, ax=ax, label="J/mol/K", shrink=0.85)
    pairs = int(kept.sum()) * (int(kept.sum()) - 1)
    mean = str(results.uncertainty.mean_per_pair).replace(" (", "\n(", 1)  # its verdict in a line of its own
    ticks = range(len(shown))
    ax.set(title=f"path entropy, mean of {pairs} pairs\n{mean}", xlabel="to", ylabel="from", xticks=ticks, yticks=ticks)
    ax.set_xticklabels(results.labels, rotation=45, ha="right")
    ax.set_yticklabels(results.labels)


def _displacement(ax: Any, motion: Any, far: float) -> None:
    ax.set_prop_cycle(color=COLOURS[:3], linestyle=("-", "--", ":"))
    motion.plot(ax=ax)
    ax.set_ylim(top=2.0 * far)
    ax.set_title(f"mean squared displacement\nconductivity {motion.results.conductivity}")
