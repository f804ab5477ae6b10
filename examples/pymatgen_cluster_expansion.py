"""Cluster expansion of Li5.5PS4.5Cl1.5: low-energy arrangements, and what ordering takes from the entropy.

python examples/pymatgen_cluster_expansion.py                       shipped Deep Potential, single points
python examples/pymatgen_cluster_expansion.py --relax 40            energies after 40 steps of relaxation
python examples/pymatgen_cluster_expansion.py --calculator ewald    no potential needed; exaggerates order
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from pymatgen.analysis.argyrodite import (
    AnionClusterExpansion,
    EnumerateSiteInversionTransformation,
    analyse,
    argyrodite,
    monte_carlo,
)
from pymatgen.analysis.argyrodite.energies import energy_function


def relaxed_energy(structure: Structure, calculator: Any, steps: int) -> float:
    """Energy in eV after some steps in a fixed cell."""
    from ase.optimize import LBFGS

    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    atoms.calc = calculator
    LBFGS(atoms, logfile=None).run(fmax=0.03, steps=steps)
    return float(atoms.get_potential_energy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calculator", default="ionpath", help="ewald, or the name of an ASE calculator")
    parser.add_argument("--relax", type=int, default=0, help="steps of relaxation of each structure")
    parser.add_argument("--structures", type=int, default=40, help="structures per inversion")
    parser.add_argument("--excess", type=float, default=0.5, help="excess chloride x")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    parent = argyrodite()
    draw = EnumerateSiteInversionTransformation(
        x_excess=options.excess, lithium_orderings=True, max_structures=options.structures, seed=options.seed
    )
    entries = draw.apply_transformation(parent, return_ranked_list=True)
    structures = [entry["structure"] for entry in entries]
    if options.relax:
        from ase.calculators.calculator import get_calculator_class

        calculator = get_calculator_class(options.calculator)()
        energies = [relaxed_energy(s, calculator, options.relax) for s in structures]
    else:
        single = energy_function(options.calculator)
        energies = [single(s) for s in structures]
    each = 1000 * np.array(energies) / [analyse(s).n_formula_units for s in structures]
    print(f"energies in meV per primitive cell: standard deviation {each.std():.1f}, range {np.ptp(each):.1f}")
    expansion = AnionClusterExpansion.fit(structures, energies)
    print(expansion.report())
    print("ten lowest by the expansion: inversion, multiplicity, eV per formula unit")
    for entry in expansion.rank(entries, 10):
        print(f"  {entry['inversion']:.2f}  {entry['multiplicity']:5d}  {entry['predicted_energy']:.5f}")
    found = monte_carlo(
        expansion, argyrodite(x_excess=options.excess, supercell=2), [300.0, 600.0, 900.0, 1200.0], sweeps=50
    )
    print("T (K)  inversion  entropy (R, anions and lithium vacancies)  lost to order (R)")
    for t, y, s, lost in zip(found.temperature, found.inversion, found.entropy, found.lost, strict=True):
        print(f"{t:5.0f}  {y:9.4f}  {s:10.4f}  {lost:10.4f}")


if __name__ == "__main__":
    main()
