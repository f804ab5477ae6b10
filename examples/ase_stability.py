"""Check a potential: 50 ps of 416 atoms at one temperature; PS4 tetrahedra, energy, and lithium diffusion.

python examples/ase_stability.py --model argyrodite --temperature 600 --picoseconds 50 -o stability
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read
from ase.spacegroup import crystal

from ionpath_ase import run_md


def argyrodite(excess_per_cell: int, swaps: int, seed: int, cells: tuple[int, int, int]) -> Atoms:
    """Cubic cells of 4 formula units, with S/Cl exchanged on the free-anion sites and lithium left out.

    Parameters
    ----------
    excess_per_cell : int
        Sulfur atoms on 4d replaced by chlorine in each cubic cell, each with one lithium left out.
    swaps : int
        Sulfur (4d) and chlorine (4a) pairs exchanged in each cubic cell.
    seed : int
        Seed of the choice.
    cells : tuple of int
        Repetitions of the cubic cell.

    Returns
    -------
    ase.Atoms
        Supercell, a = 10 A.
    """
    made = crystal(
        ["Cl", "P", "S", "S", "Li"],
        [(0, 0, 0), (0, 0, 0.5), (0.25, 0.25, 0.75), (0.12, -0.12, 0.62), (0.02, 0.25, 0.75)],
        spacegroup=216,
        cellpar=[10.0, 10.0, 10.0, 90, 90, 90],
    )
    cell = Atoms(made.get_chemical_symbols(), positions=made.positions, cell=made.cell, pbc=True)
    atoms = cell.repeat(cells)
    count = int(np.prod(cells))
    kinds = np.tile(np.asarray(made.arrays["spacegroup_kinds"]), count)
    rng = np.random.default_rng(seed)
    free_sulfur = rng.permutation(np.flatnonzero(kinds == 2))
    chlorine = rng.permutation(np.flatnonzero(kinds == 0))
    symbols = np.array(atoms.get_chemical_symbols())
    symbols[free_sulfur[: count * (excess_per_cell + swaps)]] = "Cl"
    symbols[chlorine[: count * swaps]] = "S"
    atoms.set_chemical_symbols(symbols.tolist())
    left_out = rng.permutation(np.flatnonzero(kinds == 4))[: count * excess_per_cell]
    return atoms[np.setdiff1d(np.arange(len(atoms)), left_out)]


def whole_tetrahedra(atoms: Atoms) -> int:
    """Count phosphorus atoms with exactly four sulfur atoms within 2.6 A."""
    phosphorus, sulfur = atoms.symbols == "P", np.flatnonzero(atoms.symbols == "S")
    near = [atoms.get_distances(i, sulfur, mic=True) < 2.6 for i in np.flatnonzero(phosphorus)]
    return int((np.sum(near, axis=1) == 4).sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="argyrodite")
    parser.add_argument("--temperature", type=float, default=600.0, help="K")
    parser.add_argument("--picoseconds", type=float, default=50.0)
    parser.add_argument("--cells", type=int, nargs=3, default=(2, 2, 2), help="repetitions of the cubic cell")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--only", choices=("ordered", "disordered"))
    parser.add_argument("-o", "--output", type=Path, default=Path("stability"))
    options = parser.parse_args()
    cells = tuple(options.cells)
    starts = {"ordered": argyrodite(0, 0, 1, cells), "disordered": argyrodite(2, 1, 1, cells)}
    for name, start in starts.items():
        if options.only in (None, name):
            report(name, start, options)


def report(name: str, start: Atoms, options: argparse.Namespace) -> None:
    """Run one composition and print what came out."""
    result = run_md(
        start,
        temperature=options.temperature,
        picoseconds=options.picoseconds,
        model=options.model,
        interval=0.1,
        checkpoint_interval=1.0,
        seed=1,
        processes=options.processes,
        trajectory=options.output / f"{name}.extxyz",
    )
    table = np.genfromtxt(result.log, delimiter=",", names=True)
    late = table["time_ps"] > 0.2 * options.picoseconds
    slope = np.polyfit(table["time_ps"][late], table["potential_energy_eV"][late] / len(start) * 1e3, 1)[0]
    frames = read(result.trajectory, "::10")
    whole = min(whole_tetrahedra(atoms) for atoms in frames)
    lithium = start.symbols == "Li"
    final, half = frames[-1].positions[lithium], frames[len(frames) // 2].positions[lithium]
    shift = np.linalg.norm(final - start.positions[lithium], axis=1)
    diffusion = ((final - half) ** 2).sum(axis=1).mean() / 6.0 / (options.picoseconds / 2) * 1e-4
    print(
        f"{name}: {start.get_chemical_formula()} {len(start)} atoms, {result.steps} steps, "
        f"{result.mean_temperature:.0f} K, potential energy {slope:+.4f} meV/atom/ps, "
        f"PS4 whole at worst {whole} of {(start.symbols == 'P').sum()}, "
        f"D(Li) about {diffusion:.1e} cm2/s, {100 * (shift > 5.0).mean():.0f} % of Li beyond 5 A, "
        f"{result.speed:.1f} ns/day"
    )


if __name__ == "__main__":
    main()
