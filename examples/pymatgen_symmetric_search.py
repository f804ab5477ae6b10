"""Search for the Amm2 phase of Li5PS4Cl2 (LPSCl-I of arXiv:2412.07115) in the cell that its published box implies.

python examples/pymatgen_symmetric_search.py --minutes 20

Random structures with the symmetry Amm2 and two formula units: PS4 on 2a + 4c + 4d, where a tetrahedron fits on mm2,
and chloride and lithium on any sites whose multiplicities add up. Each is relaxed within its symmetry, cell too; the
lowest are printed as they come, with edges (published: 7.138, 10.365, 5.888 A) and the lithium around chloride.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import get_calculator_class
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import LBFGS

from ionpath.files import atomic_path

EDGES, VOLUME = (7.138, 10.365, 5.888), 435.6  # A, A^3: 47.104 / 8, 41.460 / 4, 42.828 / 6
CENTRING = np.array([[0, 0, 0], [0, 0.5, 0.5]])
# Amm2 (38): positions of the primitive cell by Wyckoff letter.
SITES = {
    "a": lambda x, y, z: [(0, 0, z)], "b": lambda x, y, z: [(0.5, 0, z)], "c": lambda x, y, z: [(x, 0, z), (-x, 0, z)],
    "d": lambda x, y, z: [(0, y, z), (0, -y, z)], "e": lambda x, y, z: [(0.5, y, z), (0.5, -y, z)],
    "f": lambda x, y, z: [(x, y, z), (-x, y, z), (x, -y, z), (-x, -y, z)],
}  # fmt: skip
CLOSEST = {
    "LiLi": 2.3, "ClLi": 2.1, "LiS": 2.1, "LiP": 2.5, "ClCl": 3.1, "ClS": 3.1, "ClP": 3.4, "SS": 2.9, "PP": 4.0
}  # fmt: skip
"""No two atoms are closer, in A."""


def choices(number: int) -> list[tuple[str, ...]]:
    """All sets of sites that hold so many atoms per primitive cell; a and b at most twice."""
    sizes = {letter: len(rule(0.1, 0.2, 0.3)) for letter, rule in SITES.items()}
    return [
        chosen
        for n in range(1, number + 1)
        for chosen in itertools.combinations_with_replacement(SITES, n)
        if sum(sizes[k] for k in chosen) == number and max(Counter(chosen).values()) <= 2
    ]


def fits(symbols: list[str], places: list[tuple[float, float, float]], cell: np.ndarray) -> bool:
    """Whether no two atoms, images included, are closer than crystals have them; the cell is a rectangular box."""
    every = np.concatenate([np.array(places) + shift for shift in CENTRING])
    apart = every[:, None] - every[None, :]
    distance = np.linalg.norm((apart - np.rint(apart)) @ cell, axis=-1)
    names = symbols * len(CENTRING)
    for i, j in itertools.combinations(range(len(names)), 2):
        pair = "".join(sorted((names[i], names[j])))
        if distance[i, j] < CLOSEST.get(pair, 0.0) or (pair == "PS" and 2.3 < distance[i, j] < 3.0):
            return False
    return True


def random_structure(rng: np.random.Generator) -> tuple[Atoms, str] | None:
    """One structure, and the letters of its chloride and lithium sites; None where they did not fit."""
    edges = rng.permutation(EDGES) * (1 + rng.normal(0.0, 0.02, 3))
    cell = np.diag(edges * (VOLUME / edges.prod()) ** (1 / 3))
    wide, high = 2.05 * np.sqrt(2 / 3) / np.diag(cell), 2.05 / np.sqrt(3) / cell[2, 2]
    symbols = ["P", "S", "S", "S", "S"]
    places = [(0, 0, 0), (wide[0], 0, high), (-wide[0], 0, high), (0, wide[1], -high), (0, -wide[1], -high)]
    letters = []
    for element, number in (("Cl", 2), ("Li", 5)):
        options = choices(number)
        letters.append("".join(options[rng.integers(len(options))]))
        for letter in letters[-1]:
            for _ in range(40):
                added = SITES[letter](*rng.random(3))
                if fits(symbols + [element] * len(added), places + added, cell):
                    symbols, places = symbols + [element] * len(added), places + added
                    break
            else:
                return None
    every = np.concatenate([np.array(places) + shift for shift in CENTRING]) % 1.0
    return Atoms(symbols * 2, scaled_positions=every, cell=cell, pbc=True), " | ".join(letters)


def relax(atoms: Atoms, calculator, worst: float) -> float:
    """Relax within the symmetry; eV per formula unit. What stays far above the worst wanted is given up early."""
    atoms.set_constraint(FixSymmetry(atoms, symprec=1e-3, verbose=False))
    atoms.calc = calculator
    LBFGS(FrechetCellFilter(atoms), logfile=None, maxstep=0.1).run(fmax=0.3, steps=60)
    if atoms.get_potential_energy() / 2 < worst + 1.0:
        LBFGS(FrechetCellFilter(atoms), logfile=None, maxstep=0.1).run(fmax=0.01, steps=200)
    atoms.set_constraint()
    return float(atoms.get_potential_energy()) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--model", default="argyrodite.2", help="of the ionpath calculator; the fast one suffices here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=Path("lowest.extxyz"))
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "logm result may be inaccurate")  # SciPy, below 1e-12 here
    calculator = get_calculator_class("ionpath")(model=options.model)
    rng, best, tried = np.random.default_rng(options.seed), np.inf, 0
    end = time.monotonic() + 60 * options.minutes
    while time.monotonic() < end:
        made = random_structure(rng)
        if made is None:
            continue
        (atoms, letters), tried = made, tried + 1
        energy = relax(atoms, calculator, best if np.isfinite(best) else -51.0)
        if energy < best + 0.005:
            best = min(best, energy)
            k = atoms.symbols.search("Cl")[0]
            near = np.sort(atoms.get_distances(k, atoms.symbols.search("Li"), mic=True))[:6].round(2)
            edges = "  ".join(f"{v:.3f}" for v in atoms.cell.lengths())
            print(f"{tried:4d}  {energy:9.4f} eV  Cl, Li on {letters}  {edges} A  Li around Cl {near}", flush=True)
            with atomic_path(options.output) as part:
                atoms.write(part, format="extxyz")


if __name__ == "__main__":
    main()
