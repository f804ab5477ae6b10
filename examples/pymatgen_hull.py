"""Energy of argyrodites above Li3PS4 + Li2S + LiCl, everything relaxed, several arrangements of each.

python examples/pymatgen_hull.py --quick                      minutes; two arrangements, no annealing
python examples/pymatgen_hull.py                              four arrangements, each annealed for 1 ps
python examples/pymatgen_hull.py --energies teacher.extxyz    the same structures with other energies

The folder gets hull.csv and relaxed.extxyz; `ionpath train label hull/relaxed.extxyz -o teacher.extxyz` gives the
energies that the shipped potential learned from, for the last of the three commands.
"""

from __future__ import annotations

import argparse
import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import get_calculator_class
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.optimize import LBFGS
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionpath.constants import EV_IN_KJ_PER_MOL
from ionpath.files import atomic_path
from pymatgen.analysis.argyrodite import (
    analyse,
    argyrodite,
    configurational_entropy,
    energy_above_hull,
    lithium_thiophosphate,
)

SYSTEMS = [(0.0, 0.0), (0.0, 0.25), (0.0, 0.5), (0.0, 0.75), (0.0, 1.0), (0.5, 0.5), (0.5, 0.75)]


def competing() -> dict[str, Structure]:
    """Give the phases of the hull; both forms of Li3PS4, so that the lower one counts."""
    anti, rock = [[0.25] * 3, [0.0] * 3], [[0.0] * 3, [0.5] * 3]
    return {
        "Li2S": Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.7), ["Li", "S"], anti),
        "LiCl": Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.1), ["Li", "Cl"], rock),
        "beta-Li3PS4": lithium_thiophosphate("beta"),
        "gamma-Li3PS4": lithium_thiophosphate("gamma"),
    }


def tags(excess: float, inversion: float, options: argparse.Namespace) -> list[str]:
    """Names of the arrangements of one composition."""
    return [f"x{excess:g}-y{inversion:.2f}-{options.anneal:g}ps-{seed}" for seed in range(options.arrangements)]


def starts(options: argparse.Namespace) -> Iterator[tuple[str, Structure, float]]:
    """Name, structure and time of annealing of everything that is relaxed."""
    for name, structure in competing().items():
        yield name, structure, 0.0
    for excess, inversion in SYSTEMS:
        for seed, name in enumerate(tags(excess, inversion, options)):
            made = argyrodite(x_excess=excess, inversion=inversion, lithium="48h", seed=seed)
            yield name, made, options.anneal


def relaxed(structure: Structure, calculator: Any, seed: int, anneal: float) -> Atoms:
    """Anneal for some ps at 600 K, then relax positions and cell to 0.02 eV/A."""
    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    atoms.rattle(0.02, seed=seed)
    atoms.calc = calculator
    warnings.filterwarnings("ignore", "logm result may be inaccurate")  # SciPy, below 1e-12 here
    if anneal:
        LBFGS(atoms, logfile=None).run(fmax=0.5, steps=30)
        rng = np.random.default_rng(seed)
        MaxwellBoltzmannDistribution(atoms, temperature_K=600.0, rng=rng)
        friction = 0.01 / units.fs
        motion = Langevin(atoms, 2.0 * units.fs, temperature_K=600.0, friction=friction, fixcm=False, rng=rng)
        motion.run(round(500 * anneal))
    if not LBFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=0.02, steps=500):
        print(f"  {structure.composition.reduced_formula}: forces still above 0.02 eV/A after 500 steps")
    atoms.get_potential_energy()
    return atoms


def relax_all(options: argparse.Namespace) -> list[Atoms]:
    """Relax everything that the folder does not hold yet."""
    path = options.folder / "relaxed.extxyz"
    frames = read(path, ":") if path.exists() else []
    there = {atoms.info["tag"] for atoms in frames}
    calculator = get_calculator_class(options.calculator)()
    for seed, (name, structure, anneal) in enumerate(starts(options)):
        if name not in there:
            atoms = relaxed(structure, calculator, seed, anneal)
            atoms.info = {"tag": name}
            write(path, atoms, append=True)
            frames.append(read(path))  # the last one, as a second call would find it
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two arrangements, no annealing")
    parser.add_argument("--calculator", default="ionpath", help="name of an ASE calculator")
    parser.add_argument("--arrangements", type=int, default=4, help="of anions and lithium, per composition")
    parser.add_argument("--anneal", type=float, default=1.0, help="ps at 600 K before each relaxation")
    parser.add_argument("--temperature", type=float, default=823.0, help="K, for T times the mixing entropy")
    parser.add_argument("--energies", type=Path, help="labelled frames with the tags of relaxed.extxyz")
    parser.add_argument("--folder", type=Path, default=Path("hull"))
    options = parser.parse_args()
    if options.quick:
        options.arrangements, options.anneal = 2, 0.0
    options.folder.mkdir(parents=True, exist_ok=True)

    frames = read(options.energies, ":") if options.energies else relax_all(options)
    found = {atoms.info["tag"]: atoms for atoms in frames}
    phases = [found[name] for name in competing()]
    rows: list[dict[str, Any]] = []
    for excess, inversion in SYSTEMS:
        cells = [found[tag] for tag in tags(excess, inversion, options) if tag in found]
        table = energy_above_hull(
            [AseAtomsAdaptor.get_structure(atoms) for atoms in cells],
            [AseAtomsAdaptor.get_structure(atoms) for atoms in phases],
            energies=[atoms.get_potential_energy() for atoms in cells],
            competing_energies=[atoms.get_potential_energy() for atoms in phases],
        )
        above = np.array([row.above_hull for row in table])
        ideal = argyrodite(x_excess=excess, inversion=inversion)
        mixing = configurational_entropy(ideal).joule
        heat = mixing * options.temperature / EV_IN_KJ_PER_MOL * 4 / len(cells[0])
        rows.append(
            {
                "formula": analyse(ideal).formula,
                "inversion": inversion,
                "arrangements": len(above),
                "lowest (meV/atom)": round(float(above.min()), 2),
                "mean (meV/atom)": round(float(above.mean()), 2),
                "standard deviation (meV/atom)": round(float(above.std(ddof=1)), 2),
                "T times mixing entropy (meV/atom)": round(float(heat), 2),
                "decomposes to": " + ".join(f"{p:.3f} {f}" for f, p in table[0].decomposition.items()),
            }
        )
    print("formula          y     cells  above the hull (meV/atom): lowest   mean  spread   T times mixing entropy")
    for row in rows:
        _, inversion, number, *values, _ = row.values()
        numbers = "  ".join(f"{value:{width}.1f}" for value, width in zip(values, (33, 5, 6, 8), strict=True))
        print(f"{row['formula']:15s}  {inversion:.2f}  {number:5d}  {numbers}")
    print("the mixtures:", ", ".join(sorted({str(row["decomposes to"]) for row in rows})))
    per_atom = {name: found[name].get_potential_energy() / len(found[name]) for name in competing()}
    print("eV/atom:", "  ".join(f"{name} {value:.4f}" for name, value in per_atom.items()))
    name = "hull.csv" if options.energies is None else f"hull-{options.energies.stem}.csv"
    with atomic_path(options.folder / name) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
