"""Entropy, conductivity and path entropy against S/Cl inversion: pymatgen builds, ASE runs, MDAnalysis explains.

    python examples/pymatgen_inversion_series.py --quick               minutes; errors are wide
    python examples/pymatgen_inversion_series.py --picoseconds 200 --supercell 3 3 3

Finished parts are kept: a second call goes on where the first was stopped. The folder gets series.csv and series.png.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
from ase.io import write
from MDAnalysis.analysis.ion_transport import IonDiffusion
from MDAnalysis.analysis.path_entropy import CoordinationShells, PathEntropy
from pymatgen.io.ase import AseAtomsAdaptor

from ionpath.constants import GAS_CONSTANT
from ionpath.disorder import argyrodite_mixing_entropy
from ionpath.files import atomic_path
from ionpath_ase import run_md
from pymatgen.analysis.argyrodite import SiteInversionTransformation, argyrodite, configurational_entropy


def simulate(folder: Path, structure: Any, temperature: float, picoseconds: float) -> Path:
    """Run molecular dynamics unless its trajectory is there; give the trajectory."""
    trajectory = folder / "trajectory.xtc"
    if not trajectory.exists():
        folder.mkdir(parents=True, exist_ok=True)
        atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
        write(folder / "structure.extxyz", atoms)
        settings = {"temperature": temperature, "engine": "lammps", "timestep": 2.0}
        warm = run_md(atoms, picoseconds=5.0, seed=1, ensemble="npt", trajectory=folder / "warm-up.xtc", **settings)
        run_md(  # at constant volume, in the cell that had no pressure
            warm.at_mean_volume(),
            picoseconds=picoseconds,
            seed=2,
            trajectory=folder / "part.xtc",
            interval=0.02,
            **settings,
        )
        (folder / "part.xtc").rename(trajectory)
    return trajectory


def explain(folder: Path, trajectory: Path, temperature: float, lag: float) -> dict[str, float]:
    """Conductivity (nan where the run only bounds it), path entropy and slowest timescale at one and two lags."""
    universe = mda.Universe(str(folder / "structure.extxyz"), str(trajectory))
    ions = universe.select_atoms("element Li")
    transport = IonDiffusion(ions, temperature=temperature).run().results
    shells = CoordinationShells.for_argyrodite(universe, ions)
    row = {
        "conductivity (mS/cm)": transport.conductivity.value,
        "conductivity error": transport.conductivity.error,
        "conductivity at most (95 %)": transport.conductivity.high,
    }
    for name, time in (("", lag), (" at twice the lag", 2.0 * lag)):
        kinetics = PathEntropy(ions, shells=shells, lag_time=time, connected="largest").run().results
        row[f"path entropy{name} (J/mol/K)"] = kinetics.mean_per_pair
        row[f"path entropy error{name}"] = kinetics.uncertainty.mean_per_pair.error
        row[f"slowest timescale{name} (ps)"] = float(
            np.interp(time, kinetics.timescales.lag_times, kinetics.timescales.timescales[:, 0])
        )
    row["time away from all sites"] = float(kinetics.unassigned_fraction)
    return row


def draw(rows: list[dict[str, float]], path: Path, title: str) -> None:
    """Mixing entropy, conductivity and path entropy against inversion; bounds are arrows."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    x = table["inversion"]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.4), layout="constrained")
    fine = np.linspace(0.0, 1.0, 101)
    left.plot(fine, GAS_CONSTANT * argyrodite_mixing_entropy(0.0, fine), color="0.7", zorder=0)
    left.plot(x, table["mixing entropy (J/mol/K)"], "o", color="C0")
    left.set_ylabel("mixing entropy (J/mol/K)")
    known = np.isfinite(table["conductivity (mS/cm)"])
    values, errors = table["conductivity (mS/cm)"][known], table["conductivity error"][known]
    middle.errorbar(x[known], values, errors, fmt="o", color="C1", capsize=3)
    bounds = table["conductivity at most (95 %)"][~known]
    reach = 0.1 * np.nanmax(np.append(values, bounds), initial=1.0)
    middle.errorbar(x[~known], bounds, reach, uplims=True, fmt="_", color="C1", label="at most (95 %)")
    if not known.all():
        middle.legend(frameon=False, loc="lower right")
    middle.set_ylim(bottom=0.0)
    middle.set_ylabel("conductivity (mS/cm)")
    for name, fill, label in (("", "C2", "lag"), (" at twice the lag", "none", "twice the lag")):
        right.errorbar(
            x,
            table[f"path entropy{name} (J/mol/K)"],
            table[f"path entropy error{name}"],
            fmt="o",
            color="C2",
            mfc=fill,
            capsize=3,
            label=label,
        )
    right.set_ylabel("path entropy per pair (J/mol/K)")
    right.legend(frameon=False, loc="lower left")
    for panel in (left, middle, right):
        panel.set_xlabel("S/Cl inversion")
    figure.suptitle(title, fontsize="medium")
    with atomic_path(path) as part:
        figure.savefig(part, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="104 atoms, 6 ps, three inversions")
    parser.add_argument("--supercell", type=int, nargs=3, default=(2, 2, 2))
    parser.add_argument("--picoseconds", type=float, default=50.0)
    parser.add_argument("--temperature", type=float, default=600.0, help="K")
    parser.add_argument("--lag", type=float, default=1.0, help="lag of the Markov model, ps")
    parser.add_argument("--folder", type=Path, default=Path("inversion-series"))
    options = parser.parse_args()
    supercell = (1, 1, 2) if options.quick else tuple(options.supercell)
    picoseconds = 6.0 if options.quick else options.picoseconds

    parent = argyrodite(a=10.0, supercell=supercell)
    rows = []
    for inversion in (0.0, 0.5, 1.0) if options.quick else (0.0, 0.25, 0.5, 0.75, 1.0):
        structure = SiteInversionTransformation(inversion, arrangement="even").apply_transformation(parent)
        folder = options.folder / f"y{inversion:.2f}-{len(structure)}atoms-{picoseconds:g}ps"
        trajectory = simulate(folder, structure, options.temperature, picoseconds)
        row = {"inversion": inversion, "mixing entropy (J/mol/K)": abs(configurational_entropy(structure).joule)}
        row |= explain(folder, trajectory, options.temperature, options.lag)
        rows.append(row)
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
    with atomic_path(options.folder / "series.csv") as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    title = f"{len(parent)} atoms, {picoseconds:g} ps at {options.temperature:g} K, lag {options.lag:g} ps"
    draw(rows, options.folder / "series.png", title)


if __name__ == "__main__":
    main()
