"""Figures of softness. Every function draws on axes that it is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.arrays import Floats
from ionpath.errors import InputError, one_of
from ionpath.estimate import Estimate
from ionpath.periodic import wrap


def distribution(axes: Any, systems: Any, scores: Any, error: float) -> None:
    """Draw histograms of softness by class, with the balanced accuracy and its error."""
    every = [(s.softness[: len(s.classes)], s.classes) for s in systems]
    values = np.concatenate([soft.ravel() for soft, _ in every])
    edges = np.linspace(values.min(), values.max() + 1e-9, 51)
    n_classes = int(max(classes.max() for _, classes in every)) + 1
    names = ("did not move", "moved") if n_classes == 2 else [f"class {k}" for k in range(n_classes)]
    for system, (soft, classes) in zip(systems, every, strict=True):
        for k, name in enumerate(names):
            counts = np.histogram(soft[classes == k], edges)[0] / soft.size / np.diff(edges)
            label = f"{system.name} {name} ({100 * (classes == k).mean():.0f} %)".strip()
            axes.stairs(counts, edges, label=label, fill=len(systems) == 1, alpha=0.4 if len(systems) == 1 else 1)
    axes.set(xlabel="softness", ylabel="density")
    balanced = Estimate(scores.balanced_accuracy, error, np.nan, np.nan)
    axes.set_title(
        f"accuracy {scores.accuracy:.2f} (majority {scores.majority_accuracy:.2f}), balanced "
        f"{balanced}, MCC {scores.matthews:.2f}",
        fontsize=8,
    )
    axes.legend(fontsize="small")


def weights(axes: Any, results: Any) -> None:
    """Draw W(r) with its errors."""
    found = results.weights
    if found is None:
        remedy = "use kind='logistic' or 'linear-svm' without model="
        raise InputError("weights", need="a linear model trained here, with n_groups > 0", got="none", remedy=remedy)
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


def probability(axes: Any, found: Any) -> None:
    """Draw P_R(S)."""
    axes.errorbar(found.softness, found.probability, found.error, fmt="o-", ms=3, capsize=2)
    axes.set(xlabel="softness", ylabel="probability of rearrangement", ylim=(0, None))


def structure(axes: Any, positions: Floats, cell: Floats, rows: Any, softness: Floats, axis: str = "z") -> None:
    """Draw atoms seen along a Cartesian axis, ions coloured by softness."""
    one_of("axis", axis, ("x", "y", "z"))
    a, b = (k for k, name in enumerate("xyz") if name != axis)
    inside = wrap(positions, cell)
    others = np.setdiff1d(np.arange(len(inside)), rows)
    axes.scatter(inside[others, a], inside[others, b], s=8, color="0.8", zorder=1)
    largest = float(np.abs(softness).max()) or 1.0
    depth = np.argsort(inside[rows, "xyz".index(axis)], kind="stable")  # nearest ions on top
    shown = axes.scatter(
        inside[rows, a][depth], inside[rows, b][depth], c=softness[depth], s=30, cmap="coolwarm", vmin=-largest,
        vmax=largest, zorder=2,
    )  # fmt: skip
    axes.figure.colorbar(shown, ax=axes, label="softness")
    axes.set(xlabel=f"{'xyz'[a]} (Å)", ylabel=f"{'xyz'[b]} (Å)", aspect="equal")


def grid(axes: Any, search: Any, x: str = "cutoff", y: str = "spacing") -> None:
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


def correlation(axes: Any, found: Any, name: str = "quantity") -> None:
    """Draw a quantity against softness, in bins."""
    axes.errorbar(found.softness, found.quantity, found.quantity_error, fmt="o", ms=3, capsize=2)
    axes.set(xlabel="softness", ylabel=name)
    single = Estimate(found.samples, found.samples_error, np.nan, np.nan)
    axes.set_title(f"r = {single} over single ions, {found.binned:.2f} over bins", fontsize=8)
