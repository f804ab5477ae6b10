"""The barrier as it is known while a run goes on."""

from __future__ import annotations

import numpy as np

from ionpath.errors import IonpathError
from ionpath.free_energy import Hills, find_basins, minimum_path, sum_hills
from ionpath.free_energy.blocks import _barriers
from ionpath_plumed.files import read_hills
from ionpath_plumed.protocols import PlumedInput


class BarrierWatch:
    """Says what the hills tell so far.

    Parameters
    ----------
    given : PlumedInput
        Input of the run, with the ends of the path if it has any.
    hills : str
        HILLS file.
    """

    def __init__(self, given: PlumedInput, hills: str) -> None:
        self._given, self._hills = given, hills

    def text(self) -> str:
        """Barrier, or how deep the basin is filled, in a few words."""
        if self._given.method != "metad":
            return ""
        try:
            return describe(read_hills(self._hills), self._given)
        except (IonpathError, OSError):
            return "no hills yet"


def describe(hills: Hills, given: PlumedInput) -> str:
    """Barrier between the ends of the protocol, or between the two deepest basins.

    Parameters
    ----------
    hills : Hills
        Hills so far.
    given : PlumedInput
        Input of the run.

    Returns
    -------
    str
        For example ``barrier 41 kJ/mol (back 38), 210 hills``.
    """
    axes = hills.default_axes(2.0)
    if np.prod([len(axis) for axis in axes]) > 400_000:
        return f"{len(hills)} hills"
    surface = sum_hills(hills, axes, from_zero=False)
    forward = backward = float("nan")
    if given.start and given.end:
        ends = [np.array(given.start), np.array(given.end)]
        forward, backward = _barriers(surface, ends, np.array(given.reach) / 2)
    else:
        basins, _ = find_basins(surface)
        if len(basins) > 1:
            path = minimum_path(surface, basins[0].point, basins[1].point)
            forward, backward = path.barrier, path.reverse_barrier
    if np.isnan(forward):
        return f"no crossing yet, filled to {-surface.values.min():.0f} kJ/mol, {len(hills)} hills"
    return f"barrier {forward:.0f} kJ/mol (back {backward:.0f}), {len(hills)} hills"
