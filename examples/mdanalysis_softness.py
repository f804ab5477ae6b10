"""Softness of one or more systems: train on one trajectory, apply to another, table and figure.

Usage: python examples/mdanalysis_softness.py "50 %=Li6PS5Cl-50p-run1.XDATCAR.gz,Li6PS5Cl-50p-run2.XDATCAR.gz" --dt 0.1
       [--lag 1.0] [--skip 0] [--calculator ionpath] [--out softness] [--quick]

Each argument is NAME=TRAIN or NAME=TRAIN,APPLY. A path is any file that MDAnalysis opens (with the readers of ionpath:
XDATCAR, extended XYZ, ASE .traj), a topology and a trajectory joined by +, or a folder with structure.extxyz and
trajectory.xtc. Mobile is the half of the samples with the larger displacement after a frame, in training; the same
threshold holds for the second trajectory. The table has balanced accuracies, of which 0.5 is no skill.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import MDAnalysis as mda
import numpy as np
import pandas as pd

from ionpath.softness import StructureFunctions
from ionpath_mdanalysis import IonVoronoiVolume, Softness

KINDS = {
    "logistic, C = 0.01": {"kind": "logistic", "penalty": 0.01},
    "linear support vectors, C = 0.001": {"kind": "linear-svm", "penalty": 0.001},
    "Gaussian support vectors, C = 1": {"kind": "rbf-svm", "penalty": 1.0},
    "network": {"kind": "mlp"},
}
PUBLISHED = {
    "guan2024, published": {"preset": "guan2024", "mode": "published"},
    "guan2024, correct": {"preset": "guan2024"},
}


class System:
    """Training and application of one system."""

    def __init__(self, item: str, options: argparse.Namespace) -> None:
        name, _, paths = item.rpartition("=")
        self.universes = [_universe(path, options.dt) for path in paths.split(",")]
        self.name, self.options, self.rows = name or paths, options, {}
        self.lithium = [u.select_atoms("element Li") for u in self.universes]
        dt = options.dt or self.universes[0].trajectory.dt
        self.common = {"lag": max(1, round(options.lag / dt))}
        if options.dt:
            self.common["frame_time"] = options.dt
        start = round(options.skip / dt)
        self.frames = {"start": start, "stop": start + 15 * self.common["lag"] if options.quick else None}
        half = min(np.linalg.norm(u.trajectory.ts.triclinic_dimensions, axis=1).min() / 2 for u in self.universes)
        self.cutoff = float(min(10.0, half))
        species = sorted(set(self.universes[0].atoms.elements))
        self.functions = StructureFunctions.spaced(tuple(species), spacing=0.2, cutoff=np.floor(self.cutoff * 5) / 5)

    def run(self) -> None:
        """Train every classifier, and apply it to the second trajectory."""
        kinds = dict(list(KINDS.items())[:1]) if self.options.quick else KINDS
        for label, settings in kinds.items():
            groups = 10 if label.startswith("logistic") else 0
            made = Softness(self.lithium[0], functions=self.functions, n_groups=groups, **settings, **self.common).run(
                **self.frames
            )
            used = made
            if len(self.lithium) > 1:
                used = Softness(self.lithium[1], functions=self.functions, model=made, **self.frame_time).run(
                    **self.frames
                )
            self._row(label, made, used)
            if label.startswith("logistic"):
                self.trained, self.applied = made, used
        if self.cutoff >= 6.0 and not self.options.quick:
            for label, settings in PUBLISHED.items():
                made = Softness(self.lithium[0], n_groups=0, **settings, **self.common).run(**self.frames)
                self._row(label, made, made)

    @property
    def frame_time(self) -> dict[str, float]:
        """What a trained analysis does not hand on."""
        return {k: v for k, v in self.common.items() if k == "frame_time"}

    def _row(self, label: str, made: Any, used: Any) -> None:
        cv = made.results.cross_validation
        held = f"{cv.test.balanced_accuracy:.2f}"
        if np.isfinite(cv.error):
            held += f" ± {cv.error:.2f}"
        elsewhere = f"{used.results.scores.balanced_accuracy:.2f}" if used is not made else ""
        self.rows[label] = (f"{cv.train.balanced_accuracy:.2f}", held, elsewhere)

    def relations(self) -> dict[str, Any]:
        """Correlations of the softness of the last trajectory."""
        volume = IonVoronoiVolume(self.lithium[-1], series=True, **self.frame_time).run(**self.frames)
        found = {"Voronoi volume (Å³)": self.applied.correlate(volume)}
        if self.options.calculator != "none":
            found["potential energy (eV)"] = self.applied.correlate(self.options.calculator)
        return found


def _universe(path: str, dt: float | None) -> mda.Universe:
    if Path(path).is_dir():
        return mda.Universe(f"{path}/structure.extxyz", f"{path}/trajectory.xtc")
    return mda.Universe(*path.split("+"), **({"dt": dt} if dt else {}))


def figure(systems: list[System], relations: list[dict[str, Any]], path: str) -> None:
    """Draw P_R(S), W(r), softness on a structure, and what it goes with."""
    _, axes = plt.subplots(2, 2, figsize=(9.5, 7.5), layout="constrained")
    for system, found in zip(systems, relations, strict=True):
        p = system.applied.rearrangement_probability(n_bins=10)
        axes[0, 0].errorbar(p.softness, p.probability, p.error, fmt="o-", ms=3, capsize=2, label=system.name)
        name, correlation = list(found.items())[-1]
        mean = np.average(correlation.quantity, weights=correlation.counts)
        axes[1, 1].errorbar(
            correlation.softness, correlation.quantity - mean, correlation.quantity_error, fmt="o", ms=3, capsize=2,
            label=f"{system.name}: r = {correlation.samples:.2f} (ions), {correlation.binned:.2f} (bins)",
        )  # fmt: skip
        axes[1, 1].set(xlabel="softness", ylabel=f"{name}, from its mean")
    axes[0, 0].set(xlabel="softness", ylabel="probability of rearrangement", ylim=(0, 1))
    last = systems[-1]
    last.trained.plot_weights(axes[0, 1])
    axes[0, 1].set_title(f"{last.name}, training", fontsize=9)
    last.applied.plot_structure(0, axes[1, 0])
    axes[1, 0].set_title(last.name, fontsize=9)
    for axis in (axes[0, 0], axes[1, 1]):
        axis.legend(fontsize=8)
    plt.savefig(path, dpi=90)


def main() -> None:
    """Read the command line, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="+", metavar="NAME=TRAIN[,APPLY]")
    parser.add_argument("--dt", type=float, help="ps between frames, for files that do not say")
    parser.add_argument("--lag", type=float, default=1.0, help="ps from a frame to its label")
    parser.add_argument("--skip", type=float, default=0.0, help="ps at the beginning that are left out")
    parser.add_argument("--calculator", default="ionpath", help="of the energies, as ASE knows it; none: no energies")
    parser.add_argument("--out", default="softness", help="the figure is OUT.png")
    parser.add_argument("--quick", action="store_true", help="15 intervals, logistic regression only")
    options = parser.parse_args()
    systems = [System(item, options) for item in options.systems]
    for system in systems:
        system.run()
        print(f"\n{system.name}")
        print(pd.DataFrame(system.rows, index=["training", "held out", "applied"]).T.to_string())
        p = system.applied.rearrangement_probability(n_bins=10)
        ends = [f"{p.probability[k]:.2f} ± {p.error[k]:.2f}" for k in (0, -1)]
        print(f"P_R of the hardest and the softest tenth of the range of softness: {ends[0]}, {ends[1]}")
    relations = [system.relations() for system in systems]
    for system, found in zip(systems, relations, strict=True):
        for name, c in found.items():
            print(
                f"{system.name}, softness and {name}: r = {c.samples:.2f} ± {c.samples_error:.2f} over single ions, "
                f"{c.ions:.2f} over ion means, {c.binned:.2f} over bins"
            )
    figure(systems, relations, f"{options.out}.png")


if __name__ == "__main__":
    main()
