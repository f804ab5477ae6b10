"""Relax beta- and gamma-Li3PS4 and Li20Si3P3S23Cl, and write them as this package stores them.

python examples/pymatgen_relatives.py                          what relaxation changes in the stored cells
python examples/pymatgen_relatives.py --calculator NAME        with another ASE calculator

The space group is kept. The folder gets one JSON file each: lattice (A), element and fractional coordinates.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import get_calculator_class
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import LBFGS
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from ionpath.files import atomic_path
from pymatgen.analysis.argyrodite import lithium_thiophosphate, lspscl


def relaxed(structure: Structure, calculator: Any, fmax: float) -> tuple[Structure, float]:
    """Relax positions and cell within the space group; give eV per atom too."""
    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    atoms.set_constraint(FixSymmetry(atoms, symprec=0.01, verbose=False))
    atoms.calc = calculator
    if not LBFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=fmax, steps=1000):
        print("  forces still above the limit after 1,000 steps")
    energy = float(atoms.get_potential_energy()) / len(atoms)
    atoms.set_constraint()
    return AseAtomsAdaptor.get_structure(atoms), energy


def as_text(name: str, structure: Structure) -> str:
    """Write a structure as the package stores it, one site a line."""
    lattice = np.round(structure.lattice.matrix, 5).tolist()
    rows = [
        json.dumps([site.specie.symbol, *(round(float(v) % 1.0, 5) % 1.0 for v in site.frac_coords)])
        for site in structure
    ]
    sites = ",\n    ".join(rows)
    return (
        f'{{\n  "name": {json.dumps(name)},\n  "lattice": {json.dumps(lattice)},\n  "sites": [\n    {sites}\n  ]\n}}\n'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calculator", default="ionpath", help="name of an ASE calculator")
    parser.add_argument("--fmax", type=float, default=0.005, help="eV/A")
    parser.add_argument("--folder", type=Path, default=Path("relatives"))
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "logm result may be inaccurate")  # SciPy, below 1e-12 here
    calculator = get_calculator_class(options.calculator)()
    phases = {
        "beta-Li3PS4": lithium_thiophosphate("beta"),
        "gamma-Li3PS4": lithium_thiophosphate("gamma"),
        "LSPSCl": lspscl(),
    }
    for name, before in phases.items():
        after, energy = relaxed(before, calculator, options.fmax)
        shifts = before.lattice.get_all_distances(before.frac_coords, after.frac_coords).diagonal()
        group = SpacegroupAnalyzer(after, symprec=0.01).get_space_group_symbol()
        edges = ["  ".join(f"{v:.3f}" for v in s.lattice.parameters) for s in (before, after)]
        print(f"{name} ({group}): {energy:.4f} eV/atom, moved by {shifts.max():.3f} A at most")
        print(f"  stored   {edges[0]}\n  relaxed  {edges[1]}", flush=True)
        with atomic_path(options.folder / f"{name}.json") as part:
            part.write_text(as_text(name, after), encoding="utf-8")


if __name__ == "__main__":
    main()
