"""Figures of softness. Every function draws on axes that it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError

Floats = NDArray[np.float64]


def distribution(axes: Any, results: Any) -> Any:
    """Draw histograms of softness by class."""
    classes = results.labels.values
    values = results.softness[: len(classes)]
    edges = np.linspace(values.min(), values.max() + 1e-9, 51)
    names = ("did not move", "moved") if len(results.labels.balance) == 2 else None
    for k, share in enumerate(results.labels.balance):
        name = names[k] if names else f"class {k}"
        counts = np.histogram(values[classes == k], edges)[0] / values.size / np.diff(edges)
        axes.stairs(counts, edges, label=f"{name} ({100 * share:.0f} %)", fill=True, alpha=0.4)
    s = results.scores
    axes.set(xlabel="softness", ylabel="density")
    axes.set_title(
        f"accuracy {s.accuracy:.2f} (majority {s.majority_accuracy:.2f}), balanced {s.balanced_accuracy:.2f}, "
        f"MCC {s.matthews:.2f}",
        fontsize=8,
    )
    axes.legend()
    return axes


def weights(axes: Any, results: Any) -> Any:
    """Draw W(r) with its errors."""
    found = results.weights
    if found is None:
        raise InputError(
            "weights", need="a linear model trained here, with n_groups > 0", got="none",
            remedy="use kind='logistic' or 'linear-svm' without model=",
        )  # fmt: skip
    functions = results.model.functions
    at = np.array(functions.positions)
    for k in range(functions.n_radial // len(at)):
        part = slice(k * len(at), (k + 1) * len(at))
        name = found.labels[part][0].rsplit(" ", 1)[0]
        (line,) = axes.plot(at, found.values[part], label=name)
        low, high = found.values[part] - found.errors[part], found.values[part] + found.errors[part]
        axes.fill_between(at, low, high, alpha=0.25, color=line.get_color(), lw=0)
    axes.axhline(0.0, color="0.5", lw=0.8)
    axes.set(xlabel="distance (Å)", ylabel="weight $W(r)$")
    axes.legend()
    return axes


def probability(axes: Any, found: Any, label: str | None = None) -> Any:
    """Draw P_R(S)."""
    axes.errorbar(found.softness, found.probability, found.error, fmt="o-", ms=3, capsize=2, label=label)
    axes.set(xlabel="softness", ylabel="probability of rearrangement", ylim=(0, None))
    return axes


def structure(axes: Any, positions: Floats, cell: Floats, rows: NDArray[np.int64], softness: Floats) -> Any:
    """Draw atoms seen along z, ions coloured by softness."""
    from ionpath.periodic import wrap

    inside = wrap(positions, cell)
    others = np.setdiff1d(np.arange(len(inside)), rows)
    axes.scatter(inside[others, 0], inside[others, 1], s=8, color="0.8", zorder=1)
    largest = float(np.abs(softness).max()) or 1.0
    shown = axes.scatter(
        inside[rows, 0], inside[rows, 1], c=softness, s=30, cmap="coolwarm", vmin=-largest, vmax=largest, zorder=2
    )  # fmt: skip
    axes.figure.colorbar(shown, ax=axes, label="softness")
    axes.set(xlabel="x (Å)", ylabel="y (Å)", aspect="equal")
    return axes


def grid(axes: Any, search: Any, x: str = "cutoff", y: str = "spacing") -> Any:
    """Draw the balanced accuracy over two axes of a grid, at the best place of the others."""
    names = ("spacing", "cutoff", "penalty", "threshold")
    values = (search.spacings, search.cutoffs, search.penalties, search.thresholds)
    if x not in names or y not in names or x == y:
        raise InputError("x, y", need=f"two of {', '.join(names)}", got=f"{x!r} and {y!r}")
    a, b = names.index(y), names.index(x)
    rest = tuple(k for k in range(4) if k not in (a, b))
    table = np.nanmax(search.balanced_accuracy, axis=rest)
    table = table if a < b else table.T
    image = axes.imshow(table, origin="lower", aspect="auto", cmap="viridis")
    axes.figure.colorbar(image, ax=axes, label="balanced accuracy, held out")
    units = {"spacing": " (Å)", "cutoff": " (Å)", "penalty": " C", "threshold": ""}
    axes.set_xticks(range(len(values[b])), [f"{v:g}" for v in values[b]])
    axes.set_yticks(range(len(values[a])), [f"{v:g}" for v in values[a]])
    axes.set(xlabel=x + units[x], ylabel=y + units[y])
    return axes


def correlation(axes: Any, found: Any, name: str = "quantity") -> Any:
    """Draw a quantity against softness, in bins."""
    axes.errorbar(found.softness, found.quantity, found.quantity_error, fmt="o", ms=3, capsize=2)
    axes.set(xlabel="softness", ylabel=name)
    axes.set_title(f"r = {found.samples:.2f} over single ions, {found.binned:.2f} over bins", fontsize=8)
    return axes
