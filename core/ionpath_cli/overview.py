"""One figure of several systems: where lithium goes, how many paths it takes, and how far it gets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.errors import require
from ionpath.files import atomic_path
from ionpath_cli.interactive import COLOURS

INSTALL = 'pip install "ionpath[mdanalysis]"'


def draw_overview(places: Mapping[str, Path], file: Path) -> None:
    """Draw density, path entropy and displacement of each analysed system."""
    pyplot = require("matplotlib.pyplot", purpose="figures", install=INSTALL)
    from MDAnalysis.analysis.ion_transport import IonDiffusion
    from MDAnalysis.analysis.path_entropy import PathEntropy

    paths = {label: PathEntropy.load(place / "path-entropy.npz") for label, place in places.items()}
    motion = {label: IonDiffusion.load(place / "diffusion.npz") for label, place in places.items()}
    top = max(float(np.nanmax(p.results.path_entropy)) for p in paths.values())
    far = max(float(np.max(m.results.msd)) for m in motion.values())
    figure, axes = pyplot.subplots(
        len(places), 3, figsize=(12.5, 3.9 * len(places)), layout="constrained", squeeze=False
    )
    for row, (label, place) in zip(axes, places.items(), strict=True):
        _density(row[0], place, label)
        _entropy(figure, row[1], paths[label].results, top)
        _displacement(row[2], motion[label], far)
    with atomic_path(file) as part:
        figure.savefig(part, dpi=130)
    pyplot.close(figure)


def _density(ax: Any, place: Path, label: str) -> None:
    mda = require("MDAnalysis", purpose="reading trajectories", install=INSTALL)
    from MDAnalysis.analysis.ion_transport import IonDensity

    universe = mda.Universe(str(place / "structure.extxyz"), str(place / "trajectory.xtc"))
    IonDensity(universe.select_atoms("element Li")).run().plot(ax=ax)
    ax.images[0].set_clim(0.0, 8.0)  # one scale for all systems
    ax.set_title(f"{label}\nlithium density along z")


def _entropy(figure: Any, ax: Any, results: Any, top: float) -> None:
    states = np.arange(len(results.path_entropy))
    kept = np.isin(states, results.get("connected_states", states))  # the 0 of a state that was left out is no value
    shown = np.where(np.outer(kept, kept) & (states[:, None] != states), results.path_entropy, np.nan)
    image = ax.imshow(shown, cmap="viridis", vmin=0.0, vmax=top)
    figure.colorbar(image, ax=ax, label="J/mol/K", shrink=0.85)
    pairs = int(kept.sum()) * (int(kept.sum()) - 1)
    mean = str(results.uncertainty.mean_per_pair).replace(" (", "\n(", 1)  # its verdict in a line of its own
    ticks = range(len(shown))
    ax.set(title=f"path entropy, mean of {pairs} pairs\n{mean}", xlabel="to", ylabel="from", xticks=ticks, yticks=ticks)
    ax.set_xticklabels(results.labels, rotation=45, ha="right")
    ax.set_yticklabels(results.labels)


def _displacement(ax: Any, motion: Any, far: float) -> None:
    ax.set_prop_cycle(color=COLOURS[:3], linestyle=("-", "--", ":"))
    motion.plot(ax=ax)
    ax.set_ylim(top=2.0 * far)
    ax.set_title(f"mean squared displacement\nconductivity {motion.results.conductivity}")
