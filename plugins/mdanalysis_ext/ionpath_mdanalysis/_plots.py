"""Figures that a paper could use. Every function draws on axes that it is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.arrays import Floats, Indices
from ionpath.errors import require

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which readers with any colour vision tell apart (https://jfly.uni-koeln.de/color/)."""
DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def told_apart() -> dict[str, Any]:
    """Settings of matplotlib by which lines differ in colour and dash; none where the user has a style of their own."""
    from cycler import cycler
    from matplotlib import rcParams, rcParamsDefault

    if rcParams["axes.prop_cycle"] != rcParamsDefault["axes.prop_cycle"]:
        return {}
    return {"axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES)}


def new_axes(axes: Any = None, **layout: Any) -> Any:
    """Axes to plot on: those that were passed, or new ones."""
    pyplot = require("matplotlib.pyplot", purpose="plots", install="pip install matplotlib")
    if axes is not None:
        return axes
    with pyplot.rc_context(told_apart()):
        return pyplot.subplots(**{"layout": "constrained", **layout})[1]


def states_in_time(ax: Any, times: Floats, states: Any, labels: Any) -> Any:
    """Draw the state of an ion against time, as steps."""
    ax.step(times, states, where="post", lw=0.8, color=COLOURS[0])
    ax.set(xlabel="time (ps)", ylabel="state", yticks=np.arange(len(labels)))
    ax.set_yticklabels(labels)
    return ax


def cloud(ax: Any, vectors: Floats, states: Any, labels: Any, plane: str) -> Any:
    """Draw positions about a centre, projected and coloured by state."""
    from matplotlib import colormaps

    x, y = ("xyz".index(axis) for axis in plane)
    shade = colormaps["tab20"]
    for k in np.unique(states):
        mine = vectors[states == k]
        ax.scatter(mine[:, x], mine[:, y], s=4, color=shade((int(k) - 1) % 20), label=labels[k], linewidths=0)
    ax.plot(0, 0, "k+", ms=8)
    ax.set(xlabel=f"{plane[0]} (Å)", ylabel=f"{plane[1]} (Å)", aspect="equal")
    ax.legend(markerscale=3, fontsize=7)
    return ax


def pair_matrix(ax: Any, values: Floats, labels: Any, name: str, title: str = "", norm: Any = None) -> Any:
    """Draw a heat map over ordered pairs of states, on a scale of its own or on that of others, which have one bar."""
    shown = np.where(np.eye(len(values), dtype=bool), np.nan, values)
    image = ax.imshow(shown, cmap="viridis", norm=norm)
    if norm is None:
        ax.figure.colorbar(image, ax=ax, label=name, shrink=0.85)
    ticks = np.arange(len(values))
    ax.set(xticks=ticks, yticks=ticks, xlabel="to", ylabel="from", title=title)
    ax.set_xticklabels(labels, rotation=45, ha="right")
    ax.set_yticklabels(labels)
    if len(values) <= 8 and np.isfinite(shown).any():
        for (i, j), value in np.ndenumerate(shown):
            if np.isfinite(value):
                colour = "white" if image.norm(value) < 0.5 else "black"
                ax.text(j, i, f"{value:.3g}", ha="center", va="center", fontsize=7, color=colour)
    return ax


def implied_timescales(ax: Any, timescales: Any, lag_time: float) -> Any:
    """Draw implied timescales against the lag, with their 95 % intervals."""
    lags = timescales.lag_times
    for k in range(timescales.timescales.shape[1]):
        (line,) = ax.plot(lags, timescales.timescales[:, k], "o-", ms=3)
        if np.isfinite(timescales.low[:, k]).any():
            ax.fill_between(lags, timescales.low[:, k], timescales.high[:, k], alpha=0.2, color=line.get_color(), lw=0)
    ax.fill_between(lags, np.minimum(lags, lags.min()), lags, color="0.85", lw=0, zorder=0)
    ax.axvline(lag_time, color="0.4", ls="--", lw=1)
    ax.set(xlabel="lag (ps)", ylabel="implied timescale (ps)", yscale="log")
    return ax


def chapman_kolmogorov(axes: Any, test: Any, labels: Any) -> Any:
    """Draw predicted and estimated probabilities to be where one was."""
    for k, ax in enumerate(axes):
        if k >= test.predicted.shape[1]:
            ax.set_axis_off()
            continue
        low = test.predicted[:, k] - 2 * test.predicted_error[:, k]
        high = test.predicted[:, k] + 2 * test.predicted_error[:, k]
        ax.fill_between(test.times, low, high, alpha=0.25, lw=0)
        ax.plot(test.times, test.predicted[:, k], label="model")
        ax.errorbar(test.times, test.estimated[:, k], 2 * test.estimated_error[:, k], fmt="o", ms=3, label="data")
        ax.set_title(" ".join(labels[i] for i in test.sets[k]), fontsize=9)
        ax.set_ylim(0, 1)
    axes[0].legend(fontsize=7)
    axes[0].set(xlabel="time (ps)", ylabel="probability to be back")
    return axes


def flux_network(ax: Any, flux: Floats, committor: Floats, population: Floats, labels: Any) -> Any:
    """Draw states as circles placed by committor, and net fluxes as arrows."""
    known = np.flatnonzero(np.isfinite(committor))
    x = committor
    y = _spread(x, known)
    largest = float(flux.max()) if flux.size else 0.0
    for i, j in np.argwhere(flux > 0.02 * largest):
        arrow = {
            "arrowstyle": "-|>",
            "lw": 0.5 + 4.0 * flux[i, j] / largest,
            "color": "0.45",
            "shrinkA": 12,
            "shrinkB": 12,
            "connectionstyle": "arc3,rad=0.08",
        }
        ax.annotate("", (x[j], y[j]), (x[i], y[i]), arrowprops=arrow)
    size = 250 + 1500 * population[known] / max(float(population[known].max()), 1e-300)
    ax.scatter(x[known], y[known], s=size, c=x[known], cmap="coolwarm", vmin=0, vmax=1, ec="k", zorder=3)
    for k in known:
        ax.text(x[k], y[k], labels[k], ha="center", va="center", fontsize=8, zorder=4)
    ax.set(
        xlabel="committor",
        yticks=[],
        xlim=(-0.15, 1.15),
        ylim=(min(y[known].min(), -0.5) - 0.6, max(y[known].max(), 0.5) + 0.6),
        title=f"total flux {flux[committor == 0].sum():.3g} per ps",
    )
    return ax


def _spread(x: Floats, known: Indices) -> Floats:
    """Heights that keep states of similar committor apart."""
    y = np.zeros_like(x)
    order = known[np.argsort(x[known], kind="stable")]
    groups: list[list[int]] = []
    for k in order:
        if groups and x[k] - x[groups[-1][0]] < 0.15:
            groups[-1].append(int(k))
        else:
            groups.append([int(k)])
    for group in groups:
        y[group] = np.arange(len(group)) - 0.5 * (len(group) - 1)
    return y


def occupancy(ax: Any, shells: Any, values: Floats) -> Any:
    """Draw the mean number of ions on the sites with each label, by kind of shell."""
    kinds = sorted({str(kind) for kind in shells.kinds})
    kind_of = shells.kinds[shells.centre_of]
    vertices = np.arange(1, shells.n_states)
    width = 0.8 / len(kinds)
    for k, kind in enumerate(kinds):
        rows = [values[(kind_of == kind) & (shells.vertex == v)] for v in vertices]
        means = [row.mean() if row.size else np.nan for row in rows]
        spread = [row.std(ddof=1) / np.sqrt(row.size) if row.size > 1 else np.nan for row in rows]
        at = vertices + (k - 0.5 * (len(kinds) - 1)) * width
        ax.bar(at, means, width, yerr=spread, label=f"around {kind}", capsize=2)
    ax.set(xlabel="state", ylabel="ions per site", xticks=vertices)
    ax.set_xticklabels(list(shells.state_names)[-len(vertices) :])
    ax.margins(y=0.25)  # room for the legend above the bars
    ax.legend(loc="upper right", ncols=len(kinds))
    return ax
