"""Every inequivalent S/Cl arrangement of Li6PS5Cl, with multiplicity, entropy and energy.

python examples/pymatgen_enumerate.py                              cubic cell, Ewald energies
python examples/pymatgen_enumerate.py --supercell 1 1 2            306 arrangements
python examples/pymatgen_enumerate.py --calculator ionpath         energies of the shipped Deep Potential
python examples/pymatgen_enumerate.py --cif mine.cif               your own ordered argyrodite
"""

from __future__ import annotations

import argparse

from pymatgen.core import Structure

from pymatgen.analysis.argyrodite import (
    EnumerateSiteInversionTransformation,
    analyse,
    argyrodite,
    configurational_entropy,
    thermodynamics,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--supercell", type=int, nargs=3, default=(1, 1, 1))
    parser.add_argument("--calculator", default="ewald", help="ewald, or the name of an ASE calculator")
    parser.add_argument("--cif", help="structure to start from; default Li6PS5Cl")
    parser.add_argument("--temperature", type=float, default=800.0, help="K, for the thermal averages")
    options = parser.parse_args()

    start = Structure.from_file(options.cif) if options.cif else argyrodite()
    print(analyse(start).report())
    cell = start.make_supercell(options.supercell, in_place=False)
    transformation = EnumerateSiteInversionTransformation(calculator=options.calculator, max_structures=100_000)
    entries = transformation.apply_transformation(cell, return_ranked_list=True)
    print(f"{len(entries)} inequivalent arrangements of {sum(e['multiplicity'] for e in entries)}")
    print("inversion  multiplicity  entropy (R)  energy (meV/atom above the lowest)")
    for entry in entries[:20]:
        above = 1000 * (entry["energy_per_atom"] - entries[0]["energy_per_atom"])
        ideal = configurational_entropy(entry["structure"]).anions
        print(f"{entry['inversion']:9.4f}  {entry['multiplicity']:12d}  {ideal:11.4f}  {above:12.3f}")
    thermal = thermodynamics(entries, [options.temperature])
    print(
        f"at {options.temperature:g} K: inversion {thermal.inversion[0]:.4f}, entropy {thermal.entropy[0]:.4f} R "
        f"(complete disorder of this cell: {thermal.limit:.4f} R)"
    )
    print(
        "These energies are of arrangements as they were listed; relaxed, their order is another one: docs/pymatgen.md"
    )


if __name__ == "__main__":
    main()
