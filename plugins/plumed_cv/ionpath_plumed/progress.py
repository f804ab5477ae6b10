"""The barrier as it is known while a run goes on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ionpath.errors import InputError, IonpathError
from ionpath.free_energy import Hills, find_basins, minimum_path, sum_hills
from ionpath_plumed.files import read_hills
from ionpath_plumed.inputs import PlumedInput
from ionpath_plumed.surfaces import basin_ends, visited


class BarrierWatch:
    """Says what the hills tell so far, with the ends of the path if the input of the run has any."""

    def __init__(self, given: PlumedInput, hills: Sequence[Path]) -> None:
        self._given, self._hills = given, hills

    def text(self) -> str:
        """Barrier, or how deep the basin is filled, in a few words."""
        if self._given.method != "metad" or not self._hills:
            return ""
        try:
            with warnings.catch_warnings(action="ignore"):  # a hill that is being written has no newline yet
                return describe(read_hills(self._hills), self._given)
        except (IonpathError, OSError):  # an input of one's own may have several METAD, or none
            return "no hills yet"


def describe(hills: Hills, given: PlumedInput) -> str:
    """Barrier between the ends of the protocol, or between the two deepest basins."""
    axes = hills.default_axes(2.0)
    if np.prod([len(axis) for axis in axes]) > 400_000:
        return f"{len(hills)} hills"
    surface = visited(sum_hills(hills, axes, from_zero=False))
    filled = f"{-surface.values.min():.0f} kJ/mol, {len(hills)} hills"
    basins, _ = find_basins(surface)
    ends = basin_ends(surface, given, basins)
    if ends is None:
        return f"{'no crossing' if given.start else 'one basin'} yet, filled to {filled}"
    try:
        path = minimum_path(surface, *ends)
    except InputError:
        return f"no way between the basins yet, filled to {filled}"
    return f"barrier {path.barrier:.0f} kJ/mol (back {path.reverse_barrier:.0f}), {len(hills)} hills"
