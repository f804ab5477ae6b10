"""Numbers of single atoms averaged in layers across a cell: S(y), q6(y)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ionpath.arguments import described, typed
from ionpath.arrays import Floats, Ints, heights
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.msonable import Msonable
from ionpath.periodic import wrap_fractional
from ionpath_mdanalysis._accumulating import block_error
from ionpath_mdanalysis.anion_disorder.layers import Axis, axis_number
from ionpath_mdanalysis.softness._frames_again import frames_of

N_BLOCKS = 5
"""Blocks of time, for errors."""


@documented
@dataclass(frozen=True)
class LayerMeans(Msonable):
    """Means in layers."""

    y: Floats  # (B,): centres of the layers along their normal, in A
    # mean, error: (B,): mean of the quantity over atoms and times, and its standard error from blocks of time; nan in
    # empty layers
    mean: Floats
    error: Floats
    counts: Ints  # (B,): atoms and times in each layer


@typed
def layer_means(analysis: Any, *, axis: Axis = "y", bins: int = 20, system: int | str = 0) -> LayerMeans:
    """Average softness, or the series of a per-atom analysis, in layers across a cell.

    Parameters
    ----------
    analysis : Softness, AveragedSteinhardt, IonVoronoiVolume or OrderParameter
        Analysis that was run, the latter three with ``series=True``. Its frames are read again.
    axis : {"y", "x", "z"}
        Cell vector that counts the layers.
    bins : int, default 20
        Number of layers.
    system : int or str, default 0
        Which system of a `Softness` of several.

    Returns
    -------
    LayerMeans
        Profile along the normal of the layers.

    Raises
    ------
    InputError
        If the analysis keeps no series, or was loaded from a file.

    Examples
    --------
    >>> from ionpath_mdanalysis import IonVoronoiVolume
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> volumes = IonVoronoiVolume(hopping_universe(20).select_atoms("name Li"), series=True).run()
    >>> int(layer_means(volumes, bins=2).counts.sum()) == 20 * 24
    True
    """
    number, n_layers = axis_number(axis), whole("bins", bins, 1, 10_000)
    atoms, rows, frames, series = _series(analysis, system)
    sums = np.zeros((min(N_BLOCKS, len(frames)), 2, n_layers))
    height = 0.0
    for k, (positions, cell) in enumerate(frames_of(atoms, frames)):
        along = wrap_fractional(positions[rows] @ np.linalg.inv(cell)[:, number])
        layer = np.minimum((along * n_layers).astype(int), n_layers - 1)
        block = k * len(sums) // len(frames)
        sums[block] += [np.bincount(layer, minlength=n_layers), np.bincount(layer, series[k], minlength=n_layers)]
        height += float(heights(cell)[number]) / len(frames)
    counts, total = sums.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return LayerMeans(
            (np.arange(n_layers) + 0.5) / n_layers * height, total / counts,
            block_error(sums[:, 1] / sums[:, 0]), counts.astype(np.int64),
        )  # fmt: skip


def _series(analysis: Any, system: int | str) -> tuple[Any, Any, Any, Any]:
    """Atoms, the rows among them that have values, frames, and values (frames, rows)."""
    if hasattr(analysis, "_system"):
        chosen = analysis._system(system, "layer_means")
        return chosen.loaded, chosen.rows, chosen.frames, chosen.softness
    analysis._require_results()
    name = type(analysis).__name__
    if system != 0:
        raise InputError("system", need=f"0, as {name} has one", got=described(system), remedy="leave it out")
    if "series" not in analysis.results:
        raise InputError(name, need="a series in time", got="none", remedy=f"run it as {name}(..., series=True)")
    if not analysis.groups:
        raise InputError(name, need="the trajectory", got="results loaded from a file", remedy="run it again")
    return analysis.groups["atoms"], analysis._rows, analysis.frames, analysis.results.series
