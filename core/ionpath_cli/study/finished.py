"""A finished run as analyses see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ionpath_cli.study.simulate import TOPOLOGY, TRAJECTORY
from ionpath_cli.study.tasks import Task


def widths(universe: Any) -> float:
    """Smallest width of the cell in A."""
    from ase.geometry import cellpar_to_cell

    inverse = np.linalg.inv(cellpar_to_cell(universe.dimensions))
    return float(1.0 / np.linalg.norm(inverse, axis=0).max())


@dataclass(frozen=True)
class Run:
    """One finished run, opened when it is looked at."""

    task: Task
    place: Path
    run: Path
    structure: Path

    @cached_property
    def universe(self) -> Any:
        """Trajectory as a Universe."""
        import MDAnalysis as mda

        return mda.Universe(str(self.run / TOPOLOGY), str(self.run / TRAJECTORY))

    @property
    def ions(self) -> Any:
        """Lithium."""
        return self.universe.select_atoms("element Li")

    def reach(self, wanted: float) -> float:
        """A distance in A, or what fits into half of the cell with 2 % to spare."""
        return min(wanted, round(0.49 * widths(self.universe), 2))

    @property
    def temperature(self) -> float:
        """Temperature in K."""
        return float(self.task.settings["temperature"])
