"""Frames that are looked at before a run: where it begins, and whether its coordinates are wrapped."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ionpath.constants import GAS_CONSTANT
from ionpath.periodic import minimum_image
from ionpath.transport.wrapping import is_wrapped
from ionpath_mdanalysis._frames import cell_vectors

HOTTEST = 2000.0
"""Temperature in K that stands for one that nobody said."""
CLOSE = 0.5
"""Distance in A within which no two nuclei are."""
FASTEST = 2.0
"""Ions that go further than this many times their thermal speed takes them do not belong to their frame time."""


def look_at(analysis: Any, number: int) -> dict[str, Any]:
    """Number, time, cell and positions of all groups of one frame of a run."""
    ts = analysis._sliced_trajectory[number]
    dimensions = np.full(6, np.nan) if ts.dimensions is None else ts.dimensions
    seen: dict[str, Any] = {"frame": ts.frame, "time": ts.time}
    seen["cell"] = cell_vectors(np.asarray(dimensions, dtype=np.float64)[None])[0]
    return seen | {name: ts.positions[g.ix].astype(np.float64) for name, g in analysis.groups.items()}


def needs_folding(looks: Sequence[dict[str, Any]], mobile: str, framework: str | None) -> bool:
    """Whether steps of ions are to be folded into the cell, told from frames that were looked at."""
    if not all(np.isfinite(look["cell"]).all() and np.linalg.det(look["cell"]) > 0 for look in looks):
        return True  # a frame without a cell is refused when its turn comes
    ions, cells = (np.array([look[name] for look in looks]) for name in (mobile, "cell"))
    return is_wrapped(ions, cells, None if framework is None else np.array([look[framework] for look in looks]))


def check_lengths(looks: Sequence[dict[str, Any]]) -> None:
    """Warn of atoms that lie on one another in all frames, as where lengths are in nm or in fractions of the cell."""
    closest = []
    for look in looks:
        atoms = np.concatenate([look[name] for name in ("mobile", "framework") if name in look])
        if len(atoms) < 2 or not (np.isfinite(look["cell"]).all() and np.isfinite(atoms).all()):
            return
        closest.append(float(np.median(cKDTree(atoms).query(atoms, k=2)[0][:, 1])))
    if 0.0 < max(closest) < CLOSE:  # at no distance at all are walkers of a model
        warnings.warn(
            f"half of the atoms are within {max(closest):.2g} A of another one: positions are read in A, and these "
            "look like nm or fractions of the cell; multiply them where the Universe is made (leave out the shells of "
            "a core-shell model)",
            stacklevel=2,
        )


def check_speed(
    looks: Sequence[dict[str, Any]], masses: Any, spacing: float, temperature: float | None, *, fold: bool
) -> None:
    """Warn of ions that go further from frame to frame than thermal motion takes them in that time.

    A mean squared displacement is at most that of ballistic motion, 3 k T t^2 / m, in any equilibrium.
    """
    masses = np.asarray(() if masses is None else masses, dtype=np.float64)
    if not masses.size or not (masses > 0).all() or not np.isfinite([look["cell"] for look in looks]).all():
        return
    kelvin = temperature or HOTTEST
    most = spacing * np.sqrt(0.3 * GAS_CONSTANT * kelvin / masses).mean()  # J/mol and u in A^2/ps^2
    squares = []
    for one, two in zip(looks[::2], looks[1::2], strict=True):
        step = two["mobile"] - one["mobile"]
        step = minimum_image(step, two["cell"]) if fold else step
        squares.append(np.sum((step - step.mean(axis=0)) ** 2) / len(step))
    far = float(np.sqrt(np.mean(squares)))
    if far > FASTEST * most:
        warnings.warn(
            f"mobile ions move {far:.2g} A from frame to frame, which are {spacing:g} ps apart; thermal motion takes "
            f"them {most:.2g} A at {kelvin:g} K: check the time between the frames, the temperature and the masses",
            stacklevel=2,
        )
