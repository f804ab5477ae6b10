"""A finished run as analyses see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ionpath_cli.study.simulate import TOPOLOGY, TRAJECTORY
from ionpath_cli.study.tasks import Task


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

    @property
    def temperature(self) -> float:
        """Temperature in K."""
        return float(self.task.settings["temperature"])
