"""Rows of the log of a run, and what is said of a run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ionpath.errors import IonpathError
from ionpath_ase.md.state import Snapshot


@contextmanager
def passed_through(silent: bool = True) -> Iterator[None]:
    """No word on the pressure of a stage whose structure a later stage goes on from: a melt is at none of its own."""
    with warnings.catch_warnings():
        if silent:
            warnings.filterwarnings("ignore", ".*far from zero pressure", UserWarning)
        yield


def row(snapshot: Snapshot, timestep: float) -> list[str]:
    """Cells of one row."""
    energy, kinetic = snapshot.potential_energy, snapshot.kinetic_energy
    values = (snapshot.temperature, energy, kinetic, energy + kinetic, snapshot.pressure)
    volume = abs(float(np.linalg.det(snapshot.cell)))
    time_ps = round(snapshot.step * timestep * 1e-3, 9)
    return [str(snapshot.step), f"{time_ps:g}", *(f"{value:.8g}" for value in values), f"{volume:.8g}"]


def disk_error(error: OSError, step: int) -> IonpathError:
    """What is said where a disk is full."""
    return IonpathError(
        f"step {step}: cannot write ({error.strerror or error}); the checkpoint before it is intact; "
        "make room, and the same call goes on"
    )
