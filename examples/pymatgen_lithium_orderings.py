"""Lithium orderings of Li6PS5Cl, relaxed, with their space groups: is there one with Amm2?

python examples/pymatgen_lithium_orderings.py --quick     minutes: primitive cell on T5, a few of the Amm2 ones
python examples/pymatgen_lithium_orderings.py             T5, T5 and T2, and all Amm2 orderings of four cells

The folder gets orderings.csv and the lowest structure of each part as CIF.
"""

from __future__ import annotations

import argparse
import csv
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from ase.calculators.calculator import get_calculator_class
from pymatgen.core import Structure

from ionpath.errors import InputError
from ionpath.files import atomic_path
from pymatgen.analysis.argyrodite import LithiumOrdering, lithium_orderings, relax_ordering

BOTH = {"kinds": ("T5", "T2"), "closest": 2.3}


def show(part: str, found: list[LithiumOrdering], rows: list[dict[str, Any]], folder: Path) -> None:
    """Print the lowest orderings, keep all, and write the lowest as CIF."""
    print(f"{part}: {len(found)} orderings, {sum(not o.converged for o in found)} not converged")
    print("  before:", ", ".join(f"{n} {g}" for g, n in Counter(o.space_group for o in found).most_common()))
    print(
        "  after: ",
        ", ".join(f"{n} {g}" for g, n in Counter(o.relaxed_space_group for o in found).most_common()),
    )
    best: dict[tuple[str, str], LithiumOrdering] = {}
    for ordering in found:
        best.setdefault((ordering.space_group, ordering.relaxed_space_group), ordering)
        rows.append(
            {
                "part": part,
                "space group": ordering.space_group,
                "relaxed space group": ordering.relaxed_space_group,
                "multiplicity": ordering.multiplicity,
                "energy (eV per formula unit)": round(ordering.energy_per_formula, 5),
                "converged": ordering.converged,
            }
        )
    print("  lowest of each: before -> after, eV per formula unit")
    for (before, after), ordering in best.items():
        print(f"  {before:>7s} -> {after:7s} {ordering.energy_per_formula:.4f}", flush=True)
    if found[0].relaxed is not None:
        found[0].relaxed.to(filename=str(folder / f"{part.replace(' ', '-').replace(',', '')}.cif"))


def reasons() -> None:
    """Say which cells hold no Amm2 ordering, and why."""
    for size in (1, 2, 3, 4):
        for kinds in (("T5",), BOTH["kinds"]):
            name = " and ".join(kinds)
            try:
                number = len(lithium_orderings(space_group="Amm2", size=size, kinds=kinds, closest=2.3))
                print(f"Amm2 in {size} primitive cells on {name}: {number} orderings", flush=True)
            except InputError as error:
                print(f"Amm2 in {size} primitive cells on {name}: none ({error})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="T5 in the primitive cell, and a few Amm2 orderings"
    )
    parser.add_argument("--calculator", default="ionpath", help="name of an ASE calculator")
    parser.add_argument("--fmax", type=float, default=0.01, help="eV/A")
    parser.add_argument("--steps", type=int, default=500, help="most steps of a relaxation")
    parser.add_argument(
        "--lowest", type=int, default=10, help="Amm2 orderings that are displaced and relaxed again"
    )
    parser.add_argument("--folder", type=Path, default=Path("orderings"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore", "logm result may be inaccurate")  # SciPy, below 1e-12 here

    calculator = get_calculator_class(options.calculator)()
    settings = {"fmax": options.fmax, "steps": options.steps}
    rows: list[dict[str, Any]] = []
    show("primitive cell, T5", lithium_orderings(calculator, **settings), rows, options.folder)
    if not options.quick:
        found = lithium_orderings(calculator, **BOTH, **settings)
        show("primitive cell, T5 and T2", found, rows, options.folder)
    reasons()
    amm2 = BOTH if not options.quick else {**BOTH, "closest": 2.5}
    found = lithium_orderings(calculator, space_group="Amm2", size=4, rattle=0.0, **amm2, **settings)
    show("Amm2, symmetry kept", found, rows, options.folder)
    lowest: list[Structure] = [o.relaxed for o in found[: options.lowest] if o.relaxed is not None]
    freed = [relax_ordering(structure, calculator, rattle=0.1, **settings) for structure in lowest]
    show("Amm2, displaced by 0.1 A", sorted(freed, key=lambda o: o.energy_per_formula), rows, options.folder)
    with (
        atomic_path(options.folder / "orderings.csv") as part,
        part.open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
