"""Biased runs side by side on one GPU: each in a process of its own, with the forces of all from one evaluation.

    python examples/gpu/walkers.py argyrodite.2.npz runs --picoseconds 700 --minutes 60

takes every folder ``runs/NAME`` that holds ``start.extxyz`` (with momenta) and the input that
`ionpath_plumed.metadynamics_input(...).write(folder)` wrote, and runs it with `ionpath_plumed.run_metadynamics` in that
folder. Cells do not change. The same command goes on with runs that ended early or were killed.

Small cells leave a GPU idle: what a step costs is the launch, and PLUMED on the processor. So all runs advance
together: a process for each moves its atoms and asks PLUMED, the server waits for all of them, and evaluates all cells
as one list of atoms. A run that ends goes; nothing waits for it any more.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

import numba
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.io import read
from ase.stress import full_3x3_to_voigt_6_stress

PLACES, SKIN = 112, 1.0
"""Neighbours of an atom within cutoff and skin at most, and by how many A lists reach beyond the cutoff."""
FAR = 100
"""Image that stands in empty places of a list: beyond any cutoff."""


def arrays(file: Path, atoms: int, runs: int) -> dict[str, np.ndarray]:
    """What all processes share, in one file."""
    layout = {
        "positions": ("f8", (atoms, 3)), "forces": ("f8", (atoms, 3)), "neighbours": ("i4", (atoms, PLACES)),
        "images": ("i1", (atoms, PLACES, 3)), "virials": ("f8", (runs, 3, 3)), "energies": ("f8", (runs,)),
        # a cache line for each, as processes wait for them to change
        "lists": ("i8", (runs, 8)), "asked": ("i8", (runs, 8)), "answered": ("i8", (runs, 8)),
        "gone": ("i8", (runs, 8)),
    }  # fmt: skip
    sizes = [(int(np.prod(shape)) * np.dtype(kind).itemsize + 63) // 64 * 64 for kind, shape in layout.values()]
    if not file.exists() or file.stat().st_size < sum(sizes):
        with file.open("wb") as new:
            new.truncate(sum(sizes))
    whole = np.memmap(file, np.uint8, "r+", shape=(sum(sizes),))
    found, begin = {}, 0
    for (name, (kind, shape)), size in zip(layout.items(), sizes, strict=True):
        end = begin + int(np.prod(shape)) * np.dtype(kind).itemsize
        found[name], begin = whole[begin:end].view(kind).reshape(shape), begin + size
    return found


@numba.njit(cache=True)
def find_neighbours(positions, cell, inverse, reach, neighbours, images, first):
    """Fill the lists of one run, and return the longest; the cell is wider than the reach in all directions."""
    n, longest = len(positions), 0
    fractions = positions @ inverse
    cells = np.floor(fractions)
    inside = (fractions - cells) @ cell
    for i in range(n):
        count = 0
        for j in range(n):
            for x in range(-1, 2):
                for y in range(-1, 2):
                    for z in range(-1, 2):
                        if i == j and x == 0 and y == 0 and z == 0:
                            continue
                        square = 0.0
                        for k in range(3):
                            away = inside[j, k] - inside[i, k] + x * cell[0, k] + y * cell[1, k] + z * cell[2, k]
                            square += away * away
                        if square < reach * reach:
                            if count < neighbours.shape[1]:
                                neighbours[i, count] = first + j
                                images[i, count, 0] = x - cells[j, 0] + cells[i, 0]
                                images[i, count, 1] = y - cells[j, 1] + cells[i, 1]
                                images[i, count, 2] = z - cells[j, 2] + cells[i, 2]
                            count += 1
        longest = max(longest, count)
        for empty in range(count, neighbours.shape[1]):
            neighbours[i, empty] = first + i
            images[i, empty] = (FAR, 0, 0)
    return longest


class Shared(Calculator):
    """The potential of one run, which the server evaluates with those of the others."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces", "stress"]

    def __init__(self, shared: dict[str, np.ndarray], run: int, atoms: slice, cutoff: float, until: float) -> None:
        super().__init__(cutoff=cutoff)
        self._shared, self._run, self._atoms, self._until = shared, run, atoms, until
        self._listed: np.ndarray | None = None

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """ASE asks several times a step; nothing but positions changes here."""
        if self.atoms is None:
            return list(all_changes)
        return [] if np.array_equal(self.atoms.positions, atoms.positions) else ["positions"]

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        """Hand over positions, wait for the others, and take what came back."""
        if time.time() > self._until:
            raise KeyboardInterrupt  # the last checkpoint is whole
        super().calculate(atoms, properties, system_changes)
        shared, mine, run, x = self._shared, self._atoms, self._run, self.atoms.positions
        if self._listed is None or ((x - self._listed) ** 2).sum(1).max() > (0.5 * SKIN) ** 2:
            cell = np.ascontiguousarray(self.atoms.cell.array)
            reach, inverse = self.parameters["cutoff"] + SKIN, np.linalg.inv(cell)
            if (width := 1 / np.linalg.norm(inverse, axis=0).max()) < reach:
                raise RuntimeError(f"the cell is {width:.1f} A wide, and lists reach {reach} A: repeat it")
            lists = shared["neighbours"][mine], shared["images"][mine]
            longest = find_neighbours(x, cell, inverse, reach, *lists, mine.start)
            if longest > PLACES:
                raise RuntimeError(f"an atom has {longest} neighbours within {reach} A: set PLACES higher")
            self._listed = x.copy()
            shared["lists"][run, 0] += 1
        shared["positions"][mine] = x
        shared["asked"][run, 0] += 1
        turns = 0
        while shared["answered"][run, 0] < shared["asked"][run, 0]:
            turns += 1
            if turns > 20_000:  # long waits are for the compiler, or for a run that begins
                time.sleep(1e-4)
        energy, virial = float(shared["energies"][run]), shared["virials"][run]
        stress = full_3x3_to_voigt_6_stress(-0.5 * (virial + virial.T) / self.atoms.get_volume())
        self.results = {
            "energy": energy, "free_energy": energy, "forces": shared["forces"][mine].copy(), "stress": stress,
        }  # fmt: skip


def starts(folder: Path) -> tuple[list[Path], list[Atoms], list[slice]]:
    """Folders, start configurations, and which atoms of the common list are theirs."""
    folders = sorted(path.parent for path in folder.glob("*/start.extxyz"))
    begins = [read(path / "start.extxyz") for path in folders]
    edges = np.concatenate([[0], np.cumsum([len(one) for one in begins])])
    return folders, begins, [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def evaluator(model: Path, begins: list[Atoms]) -> tuple[Any, Any]:
    """Two functions: of new lists; and of positions, for energies, virials and forces in one array."""
    import jax
    import jax.numpy as jnp
    from potential import Potential

    potential = Potential(model)
    run_of = np.repeat(np.arange(len(begins)), [len(one) for one in begins])
    kinds = np.array([potential.kinds.index(symbol) for one in begins for symbol in one.get_chemical_symbols()])
    order = np.argsort(kinds, kind="stable")
    place = jnp.asarray(np.argsort(order))
    evaluate = potential.of(np.bincount(kinds, minlength=len(potential.kinds)))
    kinds, runs, order = jnp.asarray(kinds[order]), jnp.asarray(run_of[order]), jnp.asarray(order)
    cells = jnp.asarray(np.array([one.cell.array for one in begins]))

    @jax.jit
    def lists(neighbours: Any, images: Any) -> Any:
        neighbours = place[neighbours[order]]
        shifts = jnp.einsum("nmk,nkc->nmc", images[order].astype(jnp.float64), cells[runs])
        return neighbours, shifts, kinds[neighbours]

    @jax.jit
    def step(positions: Any, listed: Any) -> Any:
        energies, forces, virials = evaluate(positions[order], *listed)
        of_runs = [jax.ops.segment_sum(each, runs, len(begins)).ravel() for each in (energies, virials)]
        return jnp.concatenate([*of_runs, forces[place].ravel()])

    return lists, step


def serve(model: Path, folder: Path, file: Path) -> None:
    """Answer all runs at once until none is left."""
    _, begins, atoms = starts(folder)
    runs, shared = len(begins), arrays(file, atoms[-1].stop, len(begins))
    lists, step = evaluator(model, begins)
    asked, answered, gone, version = (shared[name][:, 0] for name in ("asked", "answered", "gone", "lists"))
    known, listed, steps, begin = np.full(runs, -1), None, 0, time.time()
    while not gone.all():
        if not (asked > answered)[gone == 0].all():
            continue
        if (version != known).any():
            known = version.copy()
            listed = lists(shared["neighbours"], shared["images"])
        wanted = asked.copy()
        found = np.asarray(step(shared["positions"], listed))
        shared["energies"][:], shared["virials"][:] = found[:runs], found[runs : 10 * runs].reshape(runs, 3, 3)
        shared["forces"][:] = found[10 * runs :].reshape(-1, 3)
        answered[:] = wanted
        steps += 1
        if steps == 1:
            begin = time.time()
        elif steps % 5000 == 0:
            each = 1e3 * (time.time() - begin) / (steps - 1)
            print(f"step {steps}: {each:.2f} ms for all of {int((gone == 0).sum())} runs", flush=True)


def advance(run: int, folder: Path, file: Path, cutoff: float, options: argparse.Namespace) -> None:
    """One run, as far as time allows."""
    from ionpath_plumed import PlumedInput, run_metadynamics

    folders, begins, mine = starts(folder)
    shared = arrays(file, mine[-1].stop, len(begins))
    atoms, place = begins[run], folders[run]
    atoms.calc = Shared(shared, run, mine[run], cutoff, options.until)
    try:
        done = run_metadynamics(
            atoms, PlumedInput.read(place), picoseconds=options.picoseconds, folder=place, seed=options.seed + run,
            engine="ase", progress=False, trajectory_every=options.frames, checkpoint_every=options.checkpoints,
        )  # fmt: skip
        print(f"{place.name}: {done.picoseconds:g} ps, all that was wanted", flush=True)
    except KeyboardInterrupt:
        print(f"{place.name}: time is up; the same command goes on", flush=True)
    finally:
        shared["gone"][run, 0] = 1


def main() -> int:
    """Start server and runs, and wait for them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="numbers of a potential, from potential.py")
    parser.add_argument("folder", type=Path, help="folder of the folders of the runs")
    parser.add_argument("--picoseconds", type=float, required=True, help="length of every run")
    parser.add_argument("--minutes", type=float, default=1e6, help="stop after this time at the last checkpoint")
    parser.add_argument("--frames", type=float, default=1.0, help="ps between frames that are kept")
    parser.add_argument("--checkpoints", type=float, default=5.0, help="ps between checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--shared", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.model, options.folder, options.shared)
        return 0
    if options.run is not None:
        cutoff = float(np.load(options.model)["cutoff"])
        advance(options.run, options.folder, options.shared, cutoff, options)
        return 0
    folders, begins, atoms = starts(options.folder)
    if not folders:
        parser.error(f"no start.extxyz in the folders of {options.folder}")
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        file = Path(scratch) / "shared"
        arrays(file, atoms[-1].stop, len(begins))
        own = [sys.executable, __file__, *sys.argv[1:], "--shared", str(file)]
        own += ["--until", str(time.time() + 60 * options.minutes)]
        server = subprocess.Popen([*own, "--serve"])
        one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        runs = [subprocess.Popen([*own, "--run", str(k)], env=os.environ | one_core) for k in range(len(folders))]
        codes = [run.wait() for run in runs]
        server.terminate()
        server.wait()
    return max(map(abs, codes))


if __name__ == "__main__":
    sys.exit(main())
