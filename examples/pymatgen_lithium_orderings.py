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

from ionpath.errors import InputError
from ionpath.files import atomic_path
from pymatgen.analysis.argyrodite import LithiumOrdering, lithium_orderings, relax_ordering

BOTH: dict[str, Any] = {"kinds": ("T5", "T2"), "closest": 2.3}


def show(part: str, found: list[LithiumOrdering], rows: list[dict[str, Any]], folder: Path) -> None:
    """Print the lowest orderings, keep all, and write the lowest as CIF."""
    print(f"{part}: {len(found)} orderings, {sum(not o.converged for o in found)} not converged")
    print("  before:", ", ".join(f"{n} {g}" for g, n in Counter(o.space_group for o in found).most_common()))
    print("  after: ", ", ".join(f"{n} {g}" for g, n in Counter(o.relaxed_space_group for o in found).most_common()))
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


def searched(options: argparse.Namespace, calculator: Any, rattle: float, **cell: Any) -> list[LithiumOrdering]:
    """Relax all orderings a little, and the lowest and one of each space group to the end."""
    first = lithium_orderings(calculator, fmax=0.05, steps=options.screening, rattle=0.0, **cell)
    kept = first[: options.lowest]
    kept += [o for k, o in enumerate(first) if o.space_group not in {p.space_group for p in first[:k]}]
    ends = [
        relax_ordering(
            o.structure, calculator, multiplicity=o.multiplicity, fmax=options.fmax, steps=options.steps, rattle=rattle
        )
        for o in {id(o): o for o in kept}.values()
    ]
    print(f"{len(first)} orderings, of which {len(ends)} are relaxed to the end")
    return sorted(ends, key=lambda o: o.energy_per_formula)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="T5 in the primitive cell, and a few Amm2 ones")
    parser.add_argument("--calculator", default="ionpath", help="name of an ASE calculator")
    parser.add_argument("--fmax", type=float, default=0.01, help="eV/A")
    parser.add_argument("--steps", type=int, default=500, help="most steps of a relaxation")
    parser.add_argument("--screening", type=int, default=40, help="steps after which the lowest are chosen")
    parser.add_argument("--lowest", type=int, default=12, help="how many of the lowest are relaxed to the end")
    parser.add_argument("--folder", type=Path, default=Path("orderings"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore", "logm result may be inaccurate")  # SciPy, below 1e-12 here

    calculator = get_calculator_class(options.calculator)()
    rows: list[dict[str, Any]] = []
    found = lithium_orderings(calculator, fmax=options.fmax, steps=options.steps)
    show("primitive cell, T5", found, rows, options.folder)
    reasons()
    amm2 = {**BOTH, "space_group": "Amm2", "size": 4, "closest": 2.5 if options.quick else 2.3}
    kept = searched(options, calculator, 0.0, **amm2)
    show("Amm2, symmetry kept", kept, rows, options.folder)
    freed = [
        relax_ordering(o.relaxed, calculator, fmax=options.fmax, steps=options.steps, rattle=0.1)
        for o in kept
        if o.relaxed is not None
    ]
    show("Amm2, displaced", sorted(freed, key=lambda o: o.energy_per_formula), rows, options.folder)
    if not options.quick:
        found = searched(options, calculator, 0.02, **BOTH)
        show("primitive cell, T5 and T2", found, rows, options.folder)
    with atomic_path(options.folder / "orderings.csv") as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
