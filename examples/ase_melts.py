"""Does a potential hold melts? Atoms packed at random, a crystal, and a crystal beside a slab of itself.

    python examples/ase_melts.py run melts       four melts of 20 ps and a glass-ceramic; goes on where it stopped
    python examples/ase_melts.py table melts     how far P moved, how many PS4 are whole, and how close atoms came

Half an hour on one core. A run stops, and says which atoms, where they come closer than any bond of theirs or where
more than four P are joined. Half a minute: ``... run try --melts melt-75Li2S-25P2S5 --picoseconds 1``, then ``table``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

MELTS: dict[str, dict[str, Any]] = {
    "melt-75Li2S-25P2S5": {"temperature": 1500.0, "thermostat": "langevin", "interval": 0.25, "seed": 2},
    "melt-67Li2S-33P2S5": {"temperature": 1500.0, "thermostat": "langevin", "interval": 0.25, "seed": 2},
    "melt-LSPSCl": {"temperature": 1800.0, "thermostat": "langevin", "interval": 0.25, "seed": 2},
    "beta-Li3PS4": {"temperature": 1800.0, "timestep": 1.0, "interval": 0.05, "seed": 3},
}
BOND = 2.6
"""Largest length of a P-S bond in A."""
CERAMIC: dict[str, Any] = {"crystal_fraction": 1 / 3, "axis": 2, "expansion": 1.1}
"""A slab of one cell of beta-Li3PS4, and two cells, a tenth longer, that melt beside it."""
HEAT = {
    "melt_temperature": 1800.0,
    "melt_picoseconds": 12.0,
    "cooling_rate": 300.0,
    "settle_picoseconds": 2.0,
    "melt_timestep": 2.0,
}


def run(options: argparse.Namespace) -> None:
    """Run what is not there yet."""
    from ionpath_ase import run_md
    from ionpath_ase.training import starting_structure

    for name in options.melts:
        run_md(
            starting_structure(name),
            **MELTS[name],
            picoseconds=options.picoseconds,
            model=options.model,
            trajectory=options.folder / f"{name}.extxyz",
        )
    if options.ceramic:
        ceramic(options)


def ceramic(options: argparse.Namespace) -> Any:
    """Make a glass-ceramic, or take up the one that is there."""
    from ionpath_ase import glass_ceramic
    from ionpath_ase.training import starting_structure

    return glass_ceramic(
        starting_structure("beta-Li3PS4"),
        options.folder / "ceramic",
        relax_picoseconds=4.0,
        melt=HEAT,
        model=options.model,
        **CERAMIC,
    )


def whole(atoms: Any) -> float:
    """Share of P in per cent with exactly four S within a bond."""
    phosphorus, sulfur = (np.flatnonzero(atoms.symbols == element) for element in ("P", "S"))
    bonded = [(atoms.get_distances(i, sulfur, mic=True) < BOND).sum() for i in phosphorus]
    return 100.0 * float(np.mean(np.array(bonded) == 4))


def closest(atoms: Any, element: str) -> float:
    """Least distance in A of two atoms of an element."""
    distances = atoms[atoms.symbols == element].get_all_distances(mic=True)
    return float(distances[np.triu_indices(len(distances), 1)].min())


def moved(atoms: Any, start: Any, element: str, chosen: slice, fixed: slice) -> float:
    """Root mean square displacement in A of the chosen atoms of an element, less that of the fixed ones as a whole."""
    shift = atoms.positions - start.positions
    shift -= shift[fixed].mean(axis=0)
    return float((shift[chosen][start.symbols[chosen] == element] ** 2).sum(axis=1).mean() ** 0.5)


def table(options: argparse.Namespace) -> None:
    """Print one line per melt, with means and extremes from a quarter of its time on, and one for the glass-ceramic."""
    from ase.io import read

    from ionpath_ase.glass import crystal_in_glass
    from ionpath_ase.training import starting_structure

    everything = slice(None)
    print(
        "| melt | K | atoms | ps | P moved (A) | P with four S (%) | least, of a frame "
        "| closest P-P (A) | closest S-S (A) |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name in (known for known in MELTS if (options.folder / f"{known}.extxyz").exists()):
        frames = read(options.folder / f"{name}.extxyz", ":")
        late = frames[len(frames) // 4 :]
        shares = [whole(atoms) for atoms in late]
        print(
            f"| {name} | {MELTS[name]['temperature']:.0f} | {len(frames[0])} | {frames[-1].info['time']:.0f} "
            f"| {moved(frames[-1], frames[0], 'P', everything, everything):.1f} "
            f"| {np.mean(shares):.0f} | {min(shares):.0f} "
            f"| {min(closest(atoms, 'P') for atoms in late):.2f} | {min(closest(atoms, 'S') for atoms in late):.2f} |",
            flush=True,
        )
    if (options.folder / "ceramic" / "relax.csv").exists():
        made = ceramic(options)
        start, n = crystal_in_glass(starting_structure("beta-Li3PS4"), **CERAMIC)
        slab, rest = slice(n), slice(n, None)
        melt = [moved(made.quench.atoms, start, element, rest, slab) for element in ("P", "S")]
        free = [moved(made.atoms, start, element, slab, slab) for element in ("P", "S")]
        print(
            f"\nglass-ceramic at {HEAT['melt_temperature']:.0f} K: beside the slab P moved by {melt[0]:.1f} and "
            f"S by {melt[1]:.1f} A; in the slab, set free, by {free[0]:.1f} and {free[1]:.1f} A; "
            f"{whole(made.atoms):.0f} % of all P have four S"
        )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = {"run": run, "table": table}
    parser.add_argument("task", choices=tasks)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--melts", nargs="+", choices=tuple(MELTS), default=tuple(MELTS))
    parser.add_argument("--no-ceramic", dest="ceramic", action="store_false", help="leave out the glass-ceramic")
    parser.add_argument("--picoseconds", type=float, default=20.0)
    parser.add_argument("--model", default="argyrodite")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    tasks[options.task](options)


if __name__ == "__main__":
    main()
