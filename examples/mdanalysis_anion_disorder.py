"""Anion disorder of two or more trajectories side by side: a figure and a table.

Usage: python examples/mdanalysis_anion_disorder.py ORDERED=a.XDATCAR.gz DISORDERED=b.XDATCAR.gz
       [--temperature 500] [--dt 0.1] [--step 1] [--out anion_disorder]

Any file that MDAnalysis opens will do (with the readers of ionpath: XDATCAR, extended XYZ, ASE .traj). The tetrahedra
are those around P; entropies are compared at equal numbers of samples, and refused if the crystals lie differently.
"""

from __future__ import annotations

import argparse
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import MDAnalysis as mda
import pandas as pd
from cycler import cycler

from ionpath_mdanalysis.anion_disorder import (
    AveragedSteinhardt,
    IonVoronoiVolume,
    RingTopology,
    StructureFactor,
    TetrahedralDistortion,
    TetrahedronTilt,
    compare_disorder,
)

# Okabe and Ito's colours, with a dash for each, so that lines are told apart without colour as well
LINES = cycler(color=["#0072B2", "#D55E00", "#009E73", "#CC79A7"]) + cycler(linestyle=["-", "--", ":", "-."])


def analyse(path: str, temperature: float, dt: float, step: int) -> dict[str, Any]:
    """Run the analyses of one trajectory."""
    u = mda.Universe(path, dt=dt)
    centres, lithium = u.select_atoms("element P"), u.select_atoms("element Li")
    return {
        "tilt": TetrahedronTilt(centres, temperature=temperature).run(step=step),
        "turned": TetrahedralDistortion(centres, mode="published", rotation=45.0).run(step=step),
        "rmsd": TetrahedralDistortion(centres, measure="rmsd").run(step=step),
        "volume": IonVoronoiVolume(lithium).run(step=step),
        "order": AveragedSteinhardt(u.atoms, lithium).run(step=step),
        "rings": RingTopology(u.atoms).run(step=5 * step),
        "scattering": StructureFactor(u.atoms, method="direct").run(step=5 * step),
    }


def table(found: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """One column per trajectory."""
    both = {key: compare_disorder({name: runs[key] for name, runs in found.items()}) for key in ("turned", "rmsd")}
    rows: dict[str, list[str]] = {}
    for key, label in (("turned", "s_d, turned by 45 degrees"), ("rmsd", "RMSD from a tetrahedron")):
        b = both[key]
        rows[f"support entropy of {label}, J/mol/K"] = [
            f"{v:.2f} ± {e:.2f}" for v, e in zip(b.support, b.support_error, strict=True)
        ]
        rows[f"Shannon entropy of {label}, J/mol/K"] = [
            f"{v:.2f} ± {e:.2f}" for v, e in zip(b.shannon, b.shannon_error, strict=True)
        ]
    for label, key in (("Voronoi volume of Li, A^3", "volume"), ("averaged q6 of Li", "order")):
        results = [runs[key].results for runs in found.values()]
        rows[label] = [f"{r.mean:.4g} ± {r.mean_error:.1g}" for r in results]
    rates = [next(iter(runs["tilt"].results.rotation.values())) for runs in found.values()]
    rows["rotations of tetrahedra, 1/ns each"] = [
        f"{1e3 * r.rate:.2g}" if r.events else f"< {1e3 * r.high:.2g}" for r in rates
    ]
    rings = [runs["rings"].results for runs in found.values()]
    rows["rings of more than 8 atoms per frame"] = [f"{r.rings_per_frame[r.sizes > 8].sum():.1f}" for r in rings]
    rows["diameter of their holes, A"] = [f"{r.large_length:.2f} ± {r.large_length_error:.2f}" for r in rings]
    return pd.DataFrame(rows, index=list(found)).T


def figure(found: dict[str, dict[str, Any]], path: str) -> None:
    """Free energies of the tilt, distortion, rings and scattering."""
    plt.rcParams["axes.prop_cycle"] = LINES
    _, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained")
    for name, runs in found.items():
        free = runs["tilt"].results.free_energy["P-S"]
        for axis, edges, energy in ((axes[0, 0], free.theta_edges, free.theta), (axes[0, 1], free.phi_edges, free.phi)):
            axis.plot(0.5 * (edges[1:] + edges[:-1]), energy, label=name)
        runs["turned"].plot(axes[0, 2], label=name)
        runs["rmsd"].plot(axes[1, 0], label=name)
        rings = runs["rings"].results
        axes[1, 1].plot(rings.sizes, rings.rings_per_frame, marker="o", ms=3, label=name)
        axes[1, 2].plot(runs["scattering"].results.q, runs["scattering"].results.xray, label=name)
    axes[0, 0].set(xlabel="θ (°)", ylabel="F(θ) (kJ/mol)")
    axes[0, 1].set(xlabel="φ (°)", ylabel="F(φ) (kJ/mol)")
    axes[1, 1].set(xlabel="atoms in the ring", ylabel="rings per frame", yscale="log")
    axes[1, 2].set(xlabel="Q (1/Å)", ylabel="X-ray S(Q)")
    for letter, axis in zip("abcdef", axes.flat, strict=True):
        axis.set_title(f"({letter})", loc="left")
        axis.legend()
    plt.savefig(path, dpi=150)


def main() -> None:
    """Read the command line, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trajectories", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--temperature", type=float, default=500.0, help="K")
    parser.add_argument("--dt", type=float, default=0.1, help="ps between frames, for files that do not say")
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--out", default="anion_disorder")
    options = parser.parse_args()
    found = {}
    for item in options.trajectories:
        name, _, path = item.rpartition("=")
        found[name or path] = analyse(path, options.temperature, options.dt, options.step)
    figure(found, f"{options.out}.png")
    print(table(found).to_string())


if __name__ == "__main__":
    main()
