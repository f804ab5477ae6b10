"""One model at several temperatures: energy and entropy of rearrangement of soft and hard ions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.softness.rearrangement import ArrheniusSplit, arrhenius_split
from ionpath_mdanalysis import _plots


@typed
@references("schoenholz2016")
def softness_arrhenius(
    temperatures: ArrayLike,
    analyses: Sequence[Any],
    *,
    edges: ArrayLike | None = None,
    n_bins: int = 8,
    min_count: int = 10,
) -> ArrheniusSplit:
    """Split the probability of rearrangement at several temperatures.

    Parameters
    ----------
    temperatures : array_like
        Temperatures in K, one for each analysis.
    analyses : sequence of Softness
        Analyses that were run, with one model and one threshold: train one, and pass it as ``model=`` to the others.
    edges : array_like, optional
        Edges of the bins of softness; default: `n_bins` between the 2 % and 98 % quantiles of all.
    n_bins : int, default 8
        Number of bins.
    min_count : int, default 10
        Samples that a bin must have at each temperature.

    Returns
    -------
    ionpath.softness.ArrheniusSplit
        Energy and attempt factor against softness.

    Raises
    ------
    InputError
        If models or thresholds differ, or there are too few bins with rearrangements.
    """
    if not len(analyses):
        raise InputError("analyses", need="one Softness for each temperature", got="none")
    for analysis in analyses:
        analysis._require_results()
    first = analyses[0].results
    for other in (analysis.results for analysis in analyses[1:]):
        _check_same(first, other)
    if edges is None:
        every = np.concatenate([s.softness.ravel() for a in analyses for s in a._each()])
        low, high = (float(q) for q in np.quantile(every, [0.02, 0.98]))
        edges = np.linspace(low, high, n_bins + 1)
    found = [analysis.rearrangement_probability(edges) for analysis in analyses]
    return arrhenius_split(temperatures, found, min_count=min_count)


def _check_same(first: Any, other: Any) -> None:
    ours, theirs = first.model.arrays, other.model.arrays
    same = ours.keys() == theirs.keys() and all(np.array_equal(ours[k], theirs[k]) for k in ours)
    if not same:
        remedy = "train one Softness and pass it as model= to the others"
        raise InputError("analyses", need="the same model at all temperatures", got="different models", remedy=remedy)
    edges = [np.atleast_1d(r.labels)[0].thresholds for r in (first, other)]
    if not np.array_equal(*edges):
        got = f"{edges[0].tolist()} and {edges[1].tolist()}"
        remedy = "pass the trained Softness, not only its model, as model="
        raise InputError("analyses", need="the same threshold of mobility at all temperatures", got=got, remedy=remedy)
    if not np.isclose(first.window_time, other.window_time):
        got = f"{first.window_time:g} and {other.window_time:g} ps"
        remedy = "choose lag and window alike"
        raise InputError("analyses", need="the same window of time at all temperatures", got=got, remedy=remedy)


@typed
def plot_softness_arrhenius(split: ArrheniusSplit, axes: Any = None) -> Any:
    """Plot activation energy and attempt factor against softness.

    Parameters
    ----------
    split : ionpath.softness.ArrheniusSplit
        What to plot.
    axes : sequence of two matplotlib.axes.Axes, optional
        Where to plot.

    Returns
    -------
    sequence of matplotlib.axes.Axes
        The axes.
    """
    axes = _plots.new_axes(axes, ncols=2)
    panels = (
        (split.energy, split.energy_error, split.energy_line, "activation energy (eV)"),
        (split.log_factor, split.log_factor_error, split.factor_line, "ln of the attempt factor"),
    )
    for ax, (values, errors, line, name) in zip(axes, panels, strict=True):
        ax.errorbar(split.softness, values, errors, fmt="o", ms=3, capsize=2)
        ax.plot(split.softness, line[0] + line[1] * split.softness, color="0.4", lw=1)
        ax.set(xlabel="softness", ylabel=name)
    return axes
