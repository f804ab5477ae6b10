"""What an iteration of concurrent learning came to: table, figure, text."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ionpath.documented import documented
from ionpath.errors import require
from ionpath.files import atomic_path, no_formula
from ionpath.msonable import Msonable
from ionpath_ase.training.evaluation import Errors

_COLOURS = {"accurate": "#4477aa", "candidates": "#ccbb44", "failed": "#ee6677"}


@documented
@dataclass(frozen=True)
class ExplorationRow(Msonable):
    """Counts of one exploring run."""

    iteration: int  # number of the iteration, from 0
    system: str  # name of the start
    temperature: float  # temperature in K
    frames: int  # frames that were judged
    accurate: int  # frames below the window
    candidates: int  # frames in the window
    failed: int  # frames above the window
    selected: int  # candidates chosen for labels
    mean_deviation: float  # mean over frames of the largest force deviation, eV/A
    max_deviation: float  # the largest of them, eV/A
    stopped: str  # why the run ended early; empty if it did not


@documented
@dataclass(frozen=True)
class IterationReport(Msonable):
    """One iteration."""

    iteration: int  # its number, from 0
    rows: tuple[ExplorationRow, ...]  # counts by system and temperature
    training_frames: int  # frames that its models were trained on
    errors: tuple[Errors, ...]  # errors of each model over all frames held back; empty without such frames
    labelled: int  # frames that got labels
    refused: int  # frames whose labels were refused

    @property
    def accurate_share(self) -> float:
        """Share of accurate frames among all; nan without frames."""
        total = sum(row.frames for row in self.rows)
        return sum(row.accurate for row in self.rows) / total if total else float("nan")

    @property
    def candidates(self) -> int:
        """Candidates in all runs."""
        return sum(row.candidates for row in self.rows)


def format_report(report: IterationReport) -> str:
    """Show an iteration as text."""
    layout = "{:28s} {:>6s} {:>7s} {:>9s} {:>10s} {:>7s} {:>9s} {:>9s}"
    names = ("system", "T", "frames", "accurate", "candidates", "failed", "mean dev", "max dev")
    lines = [
        f"iteration {report.iteration}: models of {report.training_frames} frames",
        layout.format(*names),
        layout.format("", "K", "", "", "", "", "eV/A", "eV/A"),
    ]
    for row in report.rows:
        lines.append(
            f"{row.system:28s} {row.temperature:6g} {row.frames:7d} {row.accurate:9d} {row.candidates:10d} "
            f"{row.failed:7d} {row.mean_deviation:9.3f} {row.max_deviation:9.3f}"
        )
        if row.stopped:
            lines.append(f"  stopped: {row.stopped}")
    lines.append(
        f"accurate: {100 * report.accurate_share:.1f} %; candidates: {report.candidates}; labelled: {report.labelled}, "
        f"refused: {report.refused}"
    )
    for number, errors in enumerate(report.errors, 1):
        lines.append(
            f"model {number} on {errors.frames} frames held back: forces {errors.force_mae:.1f} meV/A, energy "
            f"{errors.energy_mae:.2f} meV/atom, stress {errors.stress_mae:.3f} GPa"
        )
    return "\n".join(lines)


def write_report(
    report: IterationReport, history: Sequence[IterationReport], folder: str | os.PathLike[str]
) -> tuple[Path, Path, Path]:
    """Write table, text and figure of an iteration."""
    place = Path(folder)
    table, text, figure = (place / f"report.{ending}" for ending in ("csv", "txt", "png"))
    with atomic_path(table) as part, part.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [entry.name for entry in fields(ExplorationRow)])
        writer.writeheader()
        for row in report.rows:
            cells = asdict(row) | {"system": no_formula(row.system)}
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in cells.items()})
    with atomic_path(text) as part:
        part.write_text(format_report(report) + "\n")
    with atomic_path(figure) as part:
        _draw(report, history, part)
    return table, text, figure


def _draw(report: IterationReport, history: Sequence[IterationReport], path: Path) -> None:
    """Shares by run on the left, the course of the loop on the right."""
    figures: Any = require("matplotlib.figure", purpose="figures", install="pip install matplotlib")
    size = (11.0, 1.6 + 0.28 * max(8, len(report.rows)))
    figure = figures.Figure(figsize=size, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    labels = [f"{row.system}, {row.temperature:g} K" for row in report.rows]
    start = [0.0] * len(labels)
    for kind, colour in _COLOURS.items():
        shares = [100.0 * getattr(row, kind) / max(row.frames, 1) for row in report.rows]
        left.barh(labels, shares, left=start, color=colour, label=kind)
        start = [a + b for a, b in zip(start, shares, strict=True)]
    left.invert_yaxis()
    left.set_xlabel("frames (%)")
    left.set_title(f"iteration {report.iteration}")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, frameon=False)
    numbers = [entry.iteration for entry in history]
    right.plot(numbers, [100.0 * entry.accurate_share for entry in history], "o-", color=_COLOURS["accurate"])
    right.set_xlabel("iteration")
    right.set_ylabel("accurate frames (%)", color=_COLOURS["accurate"])
    right.set_ylim(-5.0, 105.0)
    right.set_xticks(numbers)
    if all(entry.errors for entry in history):
        other = right.twinx()
        for member in range(min(len(entry.errors) for entry in history)):
            errors = [entry.errors[member].force_mae for entry in history]
            other.plot(numbers, errors, "s--", color=_COLOURS["failed"], ms=4)
        other.set_ylabel("force error on frames held back (meV/A)", color=_COLOURS["failed"])
        other.set_ylim(bottom=0.0)
    figure.savefig(path, dpi=120)
