"""How far do forces reach? Force constants of the teacher and of a potential, by distance.

    python examples/ase_range.py frames range                      one atom at a time moved by 0.04 A, to be labelled
    ionpath train label range/frames.extxyz -o range/labels.extxyz
    python examples/ase_range.py table range --model argyrodite

Moving one atom changes the forces on all others; half the difference of two opposite moves, divided by their length, is
a row of the matrix of force constants. The table has the length of that row within shells of distance, for the teacher
and for the difference of teacher and potential: where both are equally large, the potential sees nothing.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np

SYSTEMS = ("LSPSCl", "beta-Li3PS4")
ELEMENTS = ("P", "Si", "S", "Li")
SHELLS = (0.1, 2.6, 4.5, 6.0, 8.0, 10.0)
"""Borders in A; what is nearer than the first is the atom itself."""
STEP = 0.04


def frames(options: argparse.Namespace) -> None:
    """Write pairs of displaced structures, after a picosecond at 600 K."""
    from ase.io import write

    from ionpath_ase import run_md
    from ionpath_ase.training import starting_structure

    made = []
    for system in SYSTEMS:
        atoms = starting_structure(system, shortest=11.0)
        atoms = run_md(
            atoms, temperature=600.0, picoseconds=1.0, model=options.model, thermostat="langevin",
            trajectory=options.folder / f"{system}.xtc",
        ).atoms  # fmt: skip
        for element in sorted(set(ELEMENTS) & set(atoms.symbols)):
            index = int(np.flatnonzero(atoms.symbols == element)[2])
            for axis in (0, 1):
                for sign in (1.0, -1.0):
                    moved = atoms.copy()
                    moved.positions[index, axis] += sign * STEP
                    moved.info = {"tag": f"{system}/{element}/{index}"}
                    made.append(moved)
    write(options.folder / "frames.extxyz", made)
    print(f"{options.folder / 'frames.extxyz'}: {len(made)} frames")


def table(options: argparse.Namespace) -> None:
    """Print the lengths of the rows by shell."""
    from ase.io import read

    from ionpath_ase import IonPath

    labelled = read(options.folder / "labels.extxyz", ":")
    calculator = IonPath(options.model)
    rows: dict[str, list[np.ndarray]] = {}
    for plus, minus in zip(labelled[::2], labelled[1::2], strict=True):
        forces = []
        for atoms in (plus, minus):
            copy = atoms.copy()
            copy.calc = calculator
            forces.append((atoms.get_forces(), copy.get_forces()))
        (teacher, model) = ((forces[0][k] - forces[1][k]) / (2.0 * STEP) for k in (0, 1))
        name, index = plus.info["tag"].rsplit("/", 1)
        distances = plus.get_distances(int(index), range(len(plus)), mic=True)
        shell = np.digitize(distances, SHELLS)
        lengths = [
            [np.linalg.norm(part[shell == k]) for k in range(len(SHELLS) + 1)] for part in (teacher, teacher - model)
        ]
        rows.setdefault(name, []).append(np.array(lengths))
    names = ["itself", *(f"{a:g} to {b:g} A" for a, b in itertools.pairwise(SHELLS)), "beyond"]
    print(f"| moved atom | {' | '.join(names)} |")
    print("|---" * (len(names) + 1) + "|")
    for tag, found in rows.items():
        both = np.sqrt((np.array(found) ** 2).mean(axis=0))
        print(f"| {tag} | {' | '.join(f'{a:.2f}, {b:.2f}' for a, b in both.T)} |")
    print("\nLengths in eV/A^2: teacher, teacher less potential.")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = {"frames": frames, "table": table}
    parser.add_argument("task", choices=tasks)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="argyrodite")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    tasks[options.task](options)


if __name__ == "__main__":
    main()
