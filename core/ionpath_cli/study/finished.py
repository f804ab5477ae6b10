"""A finished run as analyses see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np
from ase.geometry import cellpar_to_cell

from ionpath.errors import InputError
from ionpath_cli.study.tasks import TOPOLOGY, TRAJECTORY, Task


def widths(universe: Any) -> float:
    """Smallest width of the cell in A."""
    inverse = np.linalg.inv(cellpar_to_cell(universe.dimensions))
    return float(1.0 / np.linalg.norm(inverse, axis=0).max())


def universe_of(run: Path) -> Any:
    """Trajectory of a finished run as a Universe."""
    for name in (TOPOLOGY, TRAJECTORY):
        if not (run / name).is_file():
            remedy = "go on with the study, which makes the run again"
            raise InputError(str(run / name), need="the file of a finished run", got="none", remedy=remedy)
    return mda.Universe(str(run / TOPOLOGY), str(run / TRAJECTORY))


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
        return universe_of(self.run)

    @property
    def picoseconds(self) -> float:
        """Length in ps, which is more than was planned where an earlier plan had longer runs."""
        return round(float(self.universe.trajectory.totaltime), 3)

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
