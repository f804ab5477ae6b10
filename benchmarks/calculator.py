"""IonPath against deepmd-kit's own ASE calculator and the bare call of the model, at three sizes.

python benchmarks/calculator.py [--quick] [--model argyrodite.2]

Answers are compared first. Times are the best of several calls in milliseconds of CPU time, in one
process, with positions changed before each call. Set OMP_NUM_THREADS=1 for one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.spacegroup import crystal

from ionpath_ase import IonPath
from ionpath_ase.potentials import resolve


def structure(cells: tuple[int, int, int]) -> Atoms:
    """Li6PS5Cl, shaken."""
    made = crystal(
        ["Cl", "P", "S", "S", "Li"],
        [(0, 0, 0), (0, 0, 0.5), (0.25, 0.25, 0.75), (0.12, -0.12, 0.62), (0.02, 0.25, 0.75)],
        spacegroup=216,
        cellpar=[9.85, 9.85, 9.85, 90, 90, 90],
    )
    atoms = Atoms(made.get_chemical_symbols(), positions=made.positions, cell=made.cell, pbc=True).repeat(cells)
    atoms.positions += np.random.default_rng(0).normal(0.0, 0.05, atoms.positions.shape)
    return atoms


def fastest(calls: int, run: Callable[[], object]) -> float:
    """Best time of some calls, in milliseconds."""
    times = []
    for _ in range(calls):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return 1e3 * min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two sizes, few calls")
    parser.add_argument("--model", default="argyrodite", help="name of a shipped potential, or a model file")
    options = parser.parse_args()
    ours = IonPath(options.model)
    ours._models[0].load()  # quietly
    from deepmd.calculator import DP

    theirs = DP(resolve(options.model))
    sizes = {52: (1, 1, 1), 416: (2, 2, 2), 3328: (4, 4, 4)}
    print(f"{'atoms':>6s} {'model call':>11s} {'IonPath':>9s} {'deepmd DP':>10s}  ms; IonPath / model, IonPath / DP")
    for count, cells in sizes.items():
        if options.quick and count > 416:
            continue
        call, mine, peer = measure(structure(cells), ours, theirs, options.quick)
        print(f"{count:6d} {call:11.2f} {mine:9.2f} {peer:10.2f}      {mine / call:.2f}, {mine / peer:.2f}")


def measure(atoms: Atoms, ours: IonPath, theirs: Calculator, quick: bool) -> tuple[float, float, float]:
    """Times of the model's call, of our calculator, and of the peer, in milliseconds."""
    other = atoms.copy()
    atoms.calc, other.calc = ours, theirs
    assert abs(atoms.get_potential_energy() - other.get_potential_energy()) < 1e-6 * len(atoms)
    assert np.abs(atoms.get_forces() - other.get_forces()).max() < 1e-8
    rng = np.random.default_rng(1)
    types = ours._models[0].types(atoms.get_chemical_symbols())
    model, box = ours._models[0].load(), atoms.cell.array.reshape(1, 9)

    def through(moving: Atoms) -> None:
        moving.positions += rng.normal(0.0, 1e-4, moving.positions.shape)
        moving.get_forces()

    runs = (
        lambda: model.eval(atoms.positions.reshape(1, -1), box, types),
        lambda: through(atoms),
        lambda: through(other),
    )
    # interleaved, so that a busy machine is fair to all
    rounds = [[fastest(5 if quick else 10, run) for run in runs] for _ in range(1 if quick else 5)]
    call, mine, peer = np.min(rounds, axis=0)
    return float(call), float(mine), float(peer)


if __name__ == "__main__":
    main()
