"""Crystal, interface and glass told apart along an amorphisation profile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.periodic import wrap_fractional
from ionpath.structure.amorphisation import AmorphisationProfile

NAMES = ("crystal", "interface", "glass")
"""Names of the regions 0, 1, 2."""


@typed
@documented
@dataclass(frozen=True)
class Regions(Msonable):
    """Layers sorted into crystal, interface and glass."""

    axis: int  # cell vector that counts the layers
    layers: Ints  # (B,): 0 crystal, 1 interface, 2 glass
    thresholds: tuple[float, float]  # profile values below which a layer is crystal, and above which it is glass
    # fractional coordinates along the axis where the profile, interpolated, crosses the middle of the two
    boundaries: Floats

    def fractions(self) -> dict[str, float]:
        """Share of the layers in each region."""
        return {name: float(np.mean(self.layers == k)) for k, name in enumerate(NAMES)}

    def of(self, positions: ArrayLike, cell: ArrayLike) -> Ints:
        """Region (N,) of atoms at positions (N, 3) in a cell (3, 3), in A: 0 crystal, 1 interface, 2 glass."""
        inverse = np.linalg.inv(np.asarray(cell, dtype=np.float64))
        along = wrap_fractional(np.asarray(positions, dtype=np.float64) @ inverse[:, self.axis])
        return self.layers[np.minimum((along * len(self.layers)).astype(int), len(self.layers) - 1)]


@typed
@references("chen2025")
def divide_regions(
    profile: AmorphisationProfile,
    *,
    thresholds: tuple[float, float] | None = None,
    interface_layers: int = 1,
    contrast: float = 0.1,
) -> Regions:
    """Tell crystal, interface and glass apart.

    Parameters
    ----------
    profile : AmorphisationProfile
        Profile.
    thresholds : tuple of float, optional
        Crystal below the first, glass above the second; default: a third and two thirds of the way from the
        lowest to the highest value.
    interface_layers : int, default 1
        A border between crystal and glass takes at least this many layers on each side of it, as long as some
        of each are left; 0 leaves borders sharp.
    contrast : float, default 0.1
        Without thresholds, the least difference between the lowest and the highest value.

    Returns
    -------
    Regions
        Region of every layer, and where the dividing lines are.

    Raises
    ------
    InputError
        If the profile is too flat to be divided, or thresholds are in the wrong order.

    Notes
    -----
    The thresholds act with hysteresis: a layer between them is interface only where it leads from crystal to
    glass; between two layers of the same kind it is of that kind. Layers are periodic.

    Examples
    --------
    >>> values = np.array([0.6, 0.6, 0.6, 0.8, 1.0, 0.97, 0.85, 0.96, 0.8, 0.6])
    >>> flat = AmorphisationProfile(1, np.arange(10.0), values, np.zeros(10), 1.0, 1)
    >>> divide_regions(flat, interface_layers=0).layers.tolist()
    [0, 0, 0, 1, 2, 2, 2, 2, 1, 0]
    """
    values = profile.profile
    low, high = float(values.min()), float(values.max())
    if thresholds is None:
        if high - low < contrast:
            got = f"{low:.3f} to {high:.3f}"
            remedy = "the cell looks all alike; give thresholds to divide it nevertheless"
            raise InputError("profile", need=f"values that differ by {contrast:g} at least", got=got, remedy=remedy)
        thresholds = (low + (high - low) / 3.0, high - (high - low) / 3.0)
    if not thresholds[0] <= thresholds[1]:
        need = "crystal below glass"
        raise InputError("thresholds", need=need, got=f"{thresholds}", remedy="give the lower one first")
    states = np.where(values < thresholds[0], 0, np.where(values > thresholds[1], 2, 1))
    states = _with_hysteresis(states)
    return Regions(
        profile.axis, _widened(states, interface_layers), thresholds, _crossings(values, 0.5 * sum(thresholds))
    )


def _with_hysteresis(states: Ints) -> Ints:
    """Return layers between two of the same kind that kind; leave those between different kinds as interface."""
    sure = np.flatnonzero(states != 1)
    if not len(sure):
        return states.astype(np.int64)
    result = states.astype(np.int64)
    size = len(states)
    for k, start in enumerate(sure):
        stop = sure[(k + 1) % len(sure)] + (size if k + 1 == len(sure) else 0)
        between = np.arange(start + 1, stop) % size
        if states[start] == states[stop % size]:
            result[between] = states[start]
    return result


def _widened(states: Ints, layers: int) -> Ints:
    """Turn the layers on both sides of a sharp border into interface, while some of each kind are left."""
    result = states
    sharp = np.flatnonzero(np.abs(states - np.roll(states, -1)) == 2)
    for depth in range(layers):
        trial = states.copy()
        reach = np.arange(depth + 1)
        trial[(sharp[:, None] - reach) % len(states)] = 1
        trial[(sharp[:, None] + 1 + reach) % len(states)] = 1
        if not all((trial == kind).any() for kind in (0, 2)):
            break
        result = trial
    return result


def _crossings(values: Floats, level: float) -> Floats:
    size = len(values)
    following = np.roll(values, -1)
    at = np.flatnonzero((values < level) != (following < level))
    part = (level - values[at]) / (following[at] - values[at])
    return np.asarray(np.sort(np.mod((at + 0.5 + part) / size, 1.0)), dtype=np.float64)
