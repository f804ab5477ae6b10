"""A lean graph against the graph that deepmd-kit writes: the same nets, in `IonPath` and in LAMMPS.

python benchmarks/lean.py [--quick]

The first model before compression (examples/potential/data) is compressed by deepmd-kit, and made lean. Calls of the
calculator and steps of `run_md` are timed in turns: CPU time of a call, loop time of LAMMPS, the best of some rounds,
one thread. Forces are compared first.
"""

from __future__ import annotations

import argparse
import gzip
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from calculator import structure

from ionpath_ase import IonPath, run_md
from ionpath_ase.training import compress, simplify_graph

for name in ("OMP_NUM_THREADS", "TF_INTRA_OP_PARALLELISM_THREADS", "TF_INTER_OP_PARALLELISM_THREADS"):
    os.environ[name] = "1"  # before TensorFlow is loaded, with the first model
FROZEN = Path(__file__).parents[1] / "examples" / "potential" / "data" / "argyrodite-frozen.pb.gz"


def models(folder: Path) -> list[Path]:
    """The model as deepmd-kit compresses it, and its lean twin."""
    (folder / "frozen.pb").write_bytes(gzip.decompress(FROZEN.read_bytes()))
    own = compress(folder / "frozen.pb", folder / "deepmd.pb", thin=False)
    return [own, simplify_graph(own, folder / "lean.pb")]


def calls(atoms: Atoms, files: list[Path], rounds: int, count: int) -> list[float]:
    """Best CPU milliseconds of a call for each model."""
    copies = []
    for file in files:
        copies.append(atoms.copy())
        copies[-1].calc = IonPath(file)
    forces = [copy.get_forces() for copy in copies]
    assert np.abs(forces[0] - forces[1]).max() < 1e-8
    best = [np.inf] * len(files)
    for _ in range(rounds):
        for k, copy in enumerate(copies):
            start = time.process_time()
            for _ in range(count):
                copy.positions[0, 0] += 1e-3
                copy.get_forces()
            best[k] = min(best[k], 1e3 * (time.process_time() - start) / count)
    return best


def steps(atoms: Atoms, files: list[Path], folder: Path, rounds: int, count: int) -> list[float]:
    """Best milliseconds of a step of LAMMPS for each model."""
    best = [np.inf] * len(files)
    for _ in range(rounds):
        for k, file in enumerate(files):
            run = run_md(
                atoms, engine="lammps", model=file, processes=1, temperature=600.0, picoseconds=2e-3 * count,
                interval=0.1, checkpoint_interval=2e-3 * count, trajectory=folder / "run.xtc", restart=False,
                progress=False,
            )  # fmt: skip
            best[k] = min(best[k], 2e-6 / run.speed * 86400e3)  # from ns a day
    return best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="52 atoms, one round")
    options = parser.parse_args()
    sizes = {52: (1, 1, 1)} if options.quick else {52: (1, 1, 1), 416: (2, 2, 2)}
    rounds = 1 if options.quick else 4
    print("| atoms | `IonPath`, ms: deepmd's graph, lean | ratio | LAMMPS, ms: deepmd's graph, lean | ratio |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        files = models(Path(name))
        for count, cells in sizes.items():
            atoms = structure(cells)
            few = 100 if options.quick else 60_000 // count
            one = calls(atoms, files, rounds, max(few // 20, 5))
            two = steps(atoms, files, Path(name), rounds, few)
            columns = [f"{pair[0]:.2f}, {pair[1]:.2f} | {pair[1] / pair[0]:.2f}" for pair in (one, two)]
            print(f"| {count} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
