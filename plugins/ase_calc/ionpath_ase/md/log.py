"""The log of a run: its columns, and what they say of the whole."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ionpath.errors import InputError, IonpathError, warn
from ionpath.estimate import Estimate
from ionpath.files import read_text
from ionpath_ase.md.state import FloatArray, Snapshot

COLUMNS = (
    "step",
    "time_ps",
    "temperature_K",
    "potential_energy_eV",
    "kinetic_energy_eV",
    "total_energy_eV",
    "pressure_GPa",
    "volume_A3",
)
FAR = 0.5
"""Pressure in GPa from which a run at constant volume says so: 2 to 3 % of the volume of a thiophosphate."""
_BLOCKS = 8
_QUANTILE = 2.365
"""Student's t for 95 % and one degree of freedom less than blocks."""


def read_log(path: Path) -> FloatArray:
    """Rows of a log."""
    try:
        lines = read_text(path, path.name, "the log of the run").splitlines()
        table: FloatArray = np.atleast_2d(np.loadtxt(lines, delimiter=",", skiprows=1))
    except ValueError as error:
        remedy = "put the file back, or begin anew under another name"
        raise InputError(f"file {path.name}", need="the log of the run", got=str(error)[:200], remedy=remedy) from error
    if table.shape[1:] != (len(COLUMNS),):
        got = f"shape {table.shape}"
        remedy = "put the file back, or begin anew under another name"
        raise InputError(f"file {path.name}", need=f"rows of {len(COLUMNS)} numbers", got=got, remedy=remedy)
    return table


def mean_of_series(values: FloatArray, unit: str) -> Estimate:
    """Mean of values that follow each other, with the error from the means of blocks; nan where there are too few."""
    value, nan = float(values.mean()), float("nan")
    if len(values) < 4 * _BLOCKS or not np.isfinite(values).all():
        return Estimate(value, nan, nan, nan, unit)
    means = np.array([block.mean() for block in np.array_split(values, _BLOCKS)])
    error = float(means.std(ddof=1) / np.sqrt(_BLOCKS))
    return Estimate(value, error, value - _QUANTILE * error, value + _QUANTILE * error, unit)


def warn_of_pressure(pressure: Estimate, name: str) -> None:
    """Say that a run at constant volume was far from zero pressure, where that is certain."""
    if min(abs(pressure.low), abs(pressure.high)) > FAR and pressure.low * pressure.high > 0:
        warn(
            f"{name}: the cell was kept at {pressure}, far from zero pressure; barriers and diffusion are those of a "
            "strained crystal. Take the cell of a run at constant pressure (ensemble npt)"
        )


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
