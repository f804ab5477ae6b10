"""Real trajectories for the transport tests."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest


@dataclass(frozen=True)
class Trajectory:
    """Unwrapped positions (A) of all atoms, the cell, and the elements."""

    positions: np.ndarray
    cell: np.ndarray
    elements: np.ndarray
    frame_time: float = 0.1  # ps

    @property
    def lithium(self):
        return self.positions[:, self.elements == "Li"]

    @property
    def framework(self):
        return self.positions[:, self.elements != "Li"]


@cache
def read_xdatcar(path: Path) -> Trajectory:
    with gzip.open(path, "rt") as file:
        lines = file.read().split("\n")
    cell = np.array([line.split() for line in lines[2:5]], dtype=float) * float(lines[1])
    elements = np.repeat(lines[5].split(), [int(n) for n in lines[6].split()])
    starts = [i + 1 for i, line in enumerate(lines) if line.startswith("Direct")]
    frames = np.array([[line.split()[:3] for line in lines[i : i + elements.size]] for i in starts], dtype=float)
    steps = np.diff(frames, axis=0)
    steps -= np.rint(steps)
    unwrapped = np.concatenate([frames[:1], frames[0] + steps.cumsum(axis=0)])
    return Trajectory(unwrapped @ cell, cell, elements)


@pytest.fixture(scope="session")
def aimd(shared_data):
    """Li6PS5Cl, 416 atoms, 500 K, 140 frames 0.1 ps apart; ``aimd("50p", 1)`` is run 1 with 50 % inversion."""

    def load(inversion: str, run: int) -> Trajectory:
        path = shared_data / "aimd" / f"Li6PS5Cl-{inversion}-run{run}.XDATCAR.gz"
        if not path.is_file():
            pytest.skip(f"{path.name} is not among the reference data")
        return read_xdatcar(path)

    return load
