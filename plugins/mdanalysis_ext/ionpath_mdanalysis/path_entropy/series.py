"""Passage times of several temperatures or systems, side by side on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import InputError
from ionpath_mdanalysis import _plots
from ionpath_mdanalysis.path_entropy.markov import MarkovStates


@typed
@references("guan2024")
def plot_mfpt_series(analyses: Mapping[Any, MarkovStates], axes: Any = None) -> Any:
    """Draw mean first-passage times of several temperatures or systems as heat maps on one scale.

    Parameters
    ----------
    analyses : mapping of float or str to MarkovStates
        Finished analyses, such as `PathEntropy`, by their temperature in K or their name. States may differ.
    axes : sequence of matplotlib.axes.Axes, optional
        Where to draw, one for each; a row of new ones by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        The axes. Times are in ps, on a logarithmic scale; the verdict of a model stands above its map.

    Raises
    ------
    InputError
        If there is no analysis, one was not run or has a model for each ion, or the number of axes differs.

    Examples
    --------
    >>> from ionpath_mdanalysis import CoordinationShells, MarkovStates
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> found = {}
    >>> for kelvin, across in ((300, 0.01), (600, 0.03)):
    ...     u = hopping_universe(n_frames=1000, across=across, seed=1)
    ...     lithium = u.select_atoms("name Li")
    ...     shells = CoordinationShells.from_universe(u, centres="name S", mobile=lithium, n_vertices=6)
    ...     found[kelvin] = MarkovStates(lithium, shells, lag=5, n_samples=0).run()
    >>> [ax.get_title().splitlines()[0] for ax in plot_mfpt_series(found)]
    ['300 K', '600 K']
    """
    if not analyses:
        raise InputError("analyses", need="at least one", got="none", remedy="pass a dict of them by temperature in K")
    for analysis in analyses.values():
        analysis._one_model()
    n = len(analyses)
    axes = np.ravel(_plots.new_axes(axes, ncols=n, figsize=(3.6 * n + 0.8, 3.8)))
    if len(axes) != len(analyses):
        raise InputError("axes", need=str(len(analyses)), got=str(len(axes)), remedy="leave them out")
    times = np.concatenate([a.results.mfpt[~np.eye(a.results.n_states, dtype=bool)] for a in analyses.values()])
    known = times[np.isfinite(times) & (times > 0)]
    if not len(known):
        remedy = "run longer"
        raise InputError("analyses", need="a passage between two states in one of them", got="none", remedy=remedy)
    from matplotlib.colors import LogNorm

    scale = LogNorm(known.min(), known.max() * (1 + 1e-9))
    for ax, (name, analysis) in zip(axes, analyses.items(), strict=True):
        words = "\n".join(filter(None, (named(name), analysis._words)))
        _plots.pair_matrix(ax, analysis.results.mfpt, analysis.results.labels, "", words, scale)
    axes[0].figure.colorbar(axes[0].images[0], ax=list(axes), label="mean first-passage time (ps)", shrink=0.85)
    return axes


def named(name: Any) -> str:
    """What stands above a picture: a temperature, or a name."""
    return f"{name:g} K" if isinstance(name, (int, float)) else str(name)
