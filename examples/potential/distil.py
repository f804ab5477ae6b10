"""A small, fast net that learns from a large potential instead of from the teacher.

The large potential labels the frames of this folder, melts and packed atoms included, and copies of them that are
strained and shaken. Run it from the root of the repository:

    python examples/potential/distil.py -o small
    python benchmarks/calculator.py --model small/net/model.pb

It prints the errors against the teacher on frames that no potential was trained on. A stopped call goes on where it
was: an hour of one core. What came of it stands in docs/potential.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from tqdm import tqdm

from ionpath.files import atomic_path
from ionpath_ase import IonPath
from ionpath_ase.training import fit, format_table, read_frames

if TYPE_CHECKING:
    from ase import Atoms

HERE = Path(__file__).parent
SMALL: dict[str, Any] = {
    "outer": None,
    "rcut": 5.0,
    "sel": {"Li": 26, "P": 8, "S": 20, "Cl": 24, "Si": 6},
    "embedding": [8, 16, 32],
    "axis": 4,
    "fitting": [64, 64],
}
"""The fast potential sees 6 A, has an embedding of 16, 32, 64 with 10 axes, and three layers of 128."""
SHAKE, STRAIN = 0.04, 0.02
"""Standard deviations of positions in A and of the strain of the cells of copies."""


def labelled(frames: list[Atoms], potential: IonPath, path: Path, part: int = 200) -> list[Atoms]:
    """Frames with energies, forces and stresses of a potential, kept in a file of so many at a time."""
    path.mkdir(parents=True, exist_ok=True)
    found: list[Atoms] = []
    for start in tqdm(range(0, len(frames), part), desc=path.name, unit="part", disable=None):
        file = path / f"{start:06d}.extxyz"
        if not file.exists():
            some = []
            for atoms in frames[start : start + part]:
                atoms.calc = potential
                results = {
                    "energy": atoms.get_potential_energy(),
                    "forces": atoms.get_forces(),
                    "stress": atoms.get_stress(),
                }
                atoms.calc = SinglePointCalculator(atoms, **results)
                some.append(atoms)
            with atomic_path(file) as unfinished:
                write(unfinished, some, format="extxyz")
        found += read(file, ":")
    return found


def shaken(frames: list[Atoms], seed: int) -> list[Atoms]:
    """A strained and shaken copy of each frame."""
    rng = np.random.default_rng(seed)
    copies = []
    for atoms in frames:
        copy = atoms.copy()
        strain = rng.normal(scale=STRAIN, size=(3, 3))
        copy.set_cell(copy.cell.array @ (np.eye(3) + (strain + strain.T) / 2), scale_atoms=True)
        copy.positions += rng.normal(scale=SHAKE, size=copy.positions.shape)
        copies.append(copy)
    return copies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("small"))
    parser.add_argument("--steps", type=int, default=80_000)
    parser.add_argument("--model", default="argyrodite", help="the potential to learn from")
    parser.add_argument("--copies", type=int, default=1, help="strained and shaken copies of each frame")
    parser.add_argument("--most-force", type=float, default=20.0, help="frames with larger forces are left out, eV/A")
    options = parser.parse_args()
    data = HERE / "data"
    frames = read_frames(data / "first.extxyz.gz", data / "added.extxyz.gz")
    test = read_frames(
        data / "set-aside.extxyz.gz", HERE.parents[1] / "tests" / "ase_calc" / "data" / "held-out.extxyz.gz"
    )
    potential = IonPath(options.model)
    train = labelled([atoms.copy() for atoms in frames], potential, options.output / "labels-0")
    for seed in range(1, options.copies + 1):
        train += labelled(shaken(frames, seed), potential, options.output / f"labels-{seed}")
    kept = [atoms for atoms in train if np.abs(atoms.get_forces()).max() < options.most_force]
    print(f"{len(kept)} frames of {len(train)}; judged by {len(test)} frames of the teacher")
    made = fit(kept, options.output / "net", steps=options.steps, test=test, overrides=SMALL)
    print(format_table(made.errors))


if __name__ == "__main__":
    main()
