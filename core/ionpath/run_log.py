"""The log that a run writes: its columns, and what they say of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ionpath.arrays import Floats
from ionpath.errors import InputError, warn
from ionpath.estimate import Estimate
from ionpath.files import read_text

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


def read_log(path: Path) -> Floats:
    """Rows of a log."""
    try:
        lines = read_text(path, path.name, "the log of the run").splitlines()
        table: Floats = np.atleast_2d(np.loadtxt(lines, delimiter=",", skiprows=1))
    except ValueError as error:
        remedy = "put the file back, or begin anew under another name"
        raise InputError(f"file {path.name}", need="the log of the run", got=str(error)[:200], remedy=remedy) from error
    if table.shape[1:] != (len(COLUMNS),):
        got = f"shape {table.shape}"
        remedy = "put the file back, or begin anew under another name"
        raise InputError(f"file {path.name}", need=f"rows of {len(COLUMNS)} numbers", got=got, remedy=remedy)
    return table


def mean_of_series(values: Floats, unit: str) -> Estimate:
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
