"""The density of the ions as a small table, and as surfaces that a reader turns around."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

LEAST = 0.05
"""Thinner density is written as none: no surface is drawn below twice of it."""
MOST_ATOMS = 600
"""Of a larger framework no atom is shown."""
ELEMENTS = {"P": "#E69F00", "S": "#CC79A7", "Cl": "#009E73", "Br": "#D55E00", "I": "#56B4E9", "Si": "#7f7f7f"}


def density_table(run: Any) -> dict[str, Any]:
    """What ``density.json`` holds: axes (A), density in units of its mean, the level that percolates, the framework."""
    r = run.results
    surface = run.plot_isosurface(level=1.0).data[0]  # averaged to at most 36 points along an edge
    axes = [np.unique(np.asarray(line, dtype=np.float64)) for line in (surface.x, surface.y, surface.z)]
    framework = run.groups.get("framework")
    symbols = [] if framework is None else list(getattr(framework, "elements", ()))
    shown = zip(symbols, r.framework, strict=True) if 0 < len(symbols) <= MOST_ATOMS else ()
    atoms = [[str(symbol), *(round(float(x), 3) for x in place)] for symbol, place in shown]
    return {
        "axes": [[round(float(x), 3) for x in axis] for axis in axes],
        "density": [float(f"{value:.2g}") if value >= LEAST else 0 for value in np.asarray(surface.value, dtype=float)],
        "threshold": float(r.percolation.threshold),
        "framework": atoms,
    }


def surface_spec(content: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces and layout for plotly of what `density_table` made; KeyError, TypeError or ValueError for other tables."""
    table = json.loads(content.decode("utf-8"))
    a, b, c = ([float(x) for x in axis] for axis in table["axes"])
    values = [float(x) for x in table["density"]]
    if len(values) != len(a) * len(b) * len(c):
        raise ValueError(f"{len(values)} values for {len(a)} x {len(b)} x {len(c)} points")
    surface = {
        "type": "isosurface", "grid": [a, b, c], "value": [int(x) if x == int(x) else x for x in values],
        "isomin": 1, "isomax": 1, "surface": {"count": 1}, "opacity": 0.6, "showscale": False, "name": "ions",
        "colorscale": [[0, "#0072B2"], [1, "#0072B2"]], "hoverinfo": "skip",
        "caps": {axis: {"show": False} for axis in "xyz"},
    }  # fmt: skip
    atoms = [(str(symbol), float(x), float(y), float(z)) for symbol, x, y, z in table["framework"]]
    traces: list[dict[str, Any]] = [surface]
    for element in dict.fromkeys(symbol for symbol, *_ in atoms):
        x, y, z = zip(*(place for symbol, *place in atoms if symbol == element), strict=True)
        traces.append({
            "type": "scatter3d", "mode": "markers", "name": element, "x": x, "y": y, "z": z, "hoverinfo": "name",
            "marker": {"size": 4, "color": ELEMENTS.get(element, "#7f7f7f")},
        })  # fmt: skip
    titles = {f"{x}axis": {"title": {"text": f"along {v} (Å)"}} for x, v in zip("xyz", "abc", strict=True)}
    camera = {"eye": {"x": 1.5, "y": 1.5, "z": 1.0}}
    layout = {
        "scene": {**titles, "aspectmode": "data", "camera": camera},
        "legend": {"orientation": "h", "y": 0},
        "uirevision": "turned",
    }
    return traces, layout
