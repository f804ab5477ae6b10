"""Figures laid out as in the papers, from the numbers of a study."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ionpath.files import atomic_path
from ionpath_cli.study.comparison import Combined, points_of
from ionpath_cli.study.definition import Figure, Row, Study

Quantities = Sequence[Mapping[str, Any]]
Point = tuple[float, Combined]


def draw_figures(
    study: Study, quantities: Quantities, folder: Path, shown: dict[Path, str] | None = None
) -> list[tuple[Figure, Path]]:
    """Draw the figures of which at least two points are finished, each as a PNG file in a folder.

    `shown` keeps what the figures of earlier calls show: of the half a second that each takes, only those are spent
    that are needed.
    """
    drawn, shown = [], {} if shown is None else shown
    for figure in study.figures:
        lines = _lines(study, figure, quantities)
        if sum(math.isfinite(own.estimate.value) for _, points in lines for _, own in points) < 2:
            continue
        path = folder / f"figure-{figure.name}.png"
        if shown.get(path) != repr(lines) or not path.exists():
            _draw(figure, lines, path)
            shown[path] = repr(lines)
        drawn.append((figure, path))
    return drawn


def embedded(path: Path) -> str:
    """An image as an address that needs no other file."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _lines(study: Study, figure: Figure, quantities: Quantities) -> list[tuple[str, list[Point]]]:
    """Points of each line: systems over their own numbers, or one system over inverse temperature."""
    if figure.kind == "arrhenius":
        found = []
        for system in figure.systems:
            points = _points(study, figure, (system,), figure.temperatures, quantities)
            x = [1000.0 / t for t in figure.temperatures]
            found.append((study.systems[system].label, _known(x, points)))
        return [line for line in found if line[1]]
    x = list(figure.x) or list(range(len(figure.systems)))
    lines = []
    for temperature in figure.temperatures or (0.0,):
        for quantity in figure.quantity:
            points = _points(study, figure, figure.systems, (temperature,), quantities, quantity)
            names = [quantity] * (len(figure.quantity) > 1) + [f"{temperature:g} K"] * bool(temperature)
            lines.append((", ".join(names), _known(x, points)))
    return [line for line in lines if line[1]]


def _points(
    study: Study, figure: Figure, systems: tuple[str, ...], temperatures: tuple[float, ...], quantities: Quantities,
    quantity: str = "",
) -> list[Combined | None]:  # fmt: skip
    row = Row(
        0, figure.title, "", "text", unit=figure.unit, analysis=figure.analysis,
        quantity=(quantity or figure.quantity[0],), systems=systems,
        temperatures=tuple(t for t in temperatures if t),
    )  # fmt: skip
    return [own for _, own in points_of(study, row, quantities)]


def _known(x: Sequence[float], points: Sequence[Combined | None]) -> list[Point]:
    """Numbers, and bounds where there is no number."""
    both = [(a, own) for a, own in zip(x, points, strict=True) if own is not None]
    return [(a, own) for a, own in both if math.isfinite(own.estimate.value) or math.isfinite(own.estimate.high)]


def _draw(figure: Figure, lines: Sequence[tuple[str, Sequence[Point]]], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(5.2, 3.6), layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.subplots()
    marks = []
    for label, found in lines:
        points = [point for point in found if math.isfinite(point[1].estimate.value)]
        bounds = [(x, own.estimate.high) for x, own in found if not math.isfinite(own.estimate.value)]
        value = [own.estimate.value for _, own in points]
        below, above = (
            [abs(getattr(own.estimate, end) - own.estimate.value) for _, own in points] for end in ("low", "high")
        )
        bars = axes.errorbar([x for x, _ in points], value, yerr=(below, above), fmt="o-", capsize=3, lw=1, label=label)
        if bounds:
            marks = axes.plot(*zip(*bounds, strict=True), "v", mfc="none", color=bars[0].get_color())
    if marks:
        marks[0].set_label("upper bound")
    if figure.published:
        x = list(figure.x) or list(range(len(figure.systems)))
        axes.plot(x, figure.published, "kx", label="published")
    if figure.kind != "arrhenius" and not figure.x:
        axes.set_xticks(range(len(figure.systems)), [s.replace(", ", ",\n") for s in figure.systems])
    if figure.log:
        axes.set_yscale("log", nonpositive="clip")
    axes.set(xlabel=figure.xlabel or ("1000 / T (1/K)" if figure.kind == "arrhenius" else ""), ylabel=figure.ylabel)
    if len(lines) > 1 or figure.published or lines[0][0]:
        axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    with atomic_path(path) as part:
        canvas.savefig(part, format="png", dpi=100)
