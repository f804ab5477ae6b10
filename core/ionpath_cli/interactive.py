"""Figures that a reader can point at, from the tables beside the records: plotly's JSON, its script once a page."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ionpath.errors import InputError
from ionpath_cli.density import surface_spec

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7f7f7f")
"""Okabe and Ito's, which readers with any colour vision tell apart (https://jfly.uni-koeln.de/color/)."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MOST_STATES, MOST_POINTS = 100, 300
"""A page stays small: larger tables keep their still figure, and longer series are thinned evenly in log time."""
HEAT = {"Path entropy": ("path_entropy", "J/mol/K"), "First-passage times": ("mfpt", "ps")}
DISPLACEMENT, DENSITY = "Mean squared displacement", "Density of the ions"


class Chart(NamedTuple):
    """One chart: the system it shows, what Plotly.newPlot takes, and whether it is drawn in three dimensions."""

    label: str
    spec: str
    solid: bool = False


def script() -> str:
    """The script that draws, packed (gzip in base64) to two fifths, or nothing where plotly is not installed."""
    if find_spec("plotly") is None:
        return ""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode("utf-8"), 9, mtime=0)).decode("ascii")


def charts(key: str, places: Sequence[tuple[Path, str]], read: Callable[[Path, str], bytes | None]) -> list[Chart]:
    """Charts of one kind of figure for all systems, on common scales; none where the tables are missing or large."""
    if key == DISPLACEMENT:
        found = [(label, _series(place, read)) for place, label in places]
        lines = [(label, series) for label, series in found if series]
        return [Chart("", _displacement(lines))] if len(lines) == len(places) else []
    if key == DENSITY:
        surfaces = [(label, _surface(place, read)) for place, label in places]
        return [Chart(label, spec, True) for label, spec in surfaces if spec] if all(s for _, s in surfaces) else []
    if key not in HEAT:
        return []
    column, unit = HEAT[key]
    maps = [(label, _matrix(place, column, read)) for place, label in places]
    whole = [(label, found) for label, found in maps if found is not None]
    if len(whole) < len(maps):
        return []
    values = np.concatenate([matrix[np.isfinite(matrix)] for _, (_, matrix) in whole])
    if not values.size:
        return []
    limits = float(values.min()), float(values.max())
    return [Chart(label, _heat(states, matrix, f"{key} ({unit})", limits)) for label, (states, matrix) in whole]


def _table(place: Path, name: str, read: Callable[[Path, str], bytes | None]) -> list[dict[str, str]]:
    content = read(place, name) or b""
    try:
        if content and not content.endswith(b"\n"):
            raise ValueError("a last line without an end")
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("lines of different lengths")
        return rows
    except (ValueError, csv.Error) as error:
        raise _torn(place / name, error) from error


def _torn(path: Path, error: Exception) -> InputError:
    got = f"{type(error).__name__}: {error}"
    remedy = "analyse the trajectory again, or remove the table"
    return InputError(str(path), need="the table that `ionpath analyze` wrote", got=got, remedy=remedy)


def _matrix(place: Path, column: str, read: Callable[[Path, str], bytes | None]) -> Any:
    """States and values of all pairs; of states that were left out nothing is shown."""
    rows = _table(place, "pairs.csv", read)
    try:
        states = list(dict.fromkeys(row["source"] for row in rows))
        if not 1 < len(states) <= MOST_STATES:
            return None
        pairs = {(row["source"], row["target"]) for row in rows if row["target"] in states}
        if len(pairs) < len(states) * (len(states) - 1):
            raise ValueError(f"{len(rows)} pairs of {len(states)} states")
        matrix = np.full((len(states), len(states)), np.nan)
        for row in rows:
            if row["mfpt"]:  # none where a state was left out of the model
                matrix[states.index(row["source"]), states.index(row["target"])] = float(row[column] or "nan")
    except (KeyError, ValueError) as error:
        raise _torn(place / "pairs.csv", error) from error
    return states, matrix


def _series(place: Path, read: Callable[[Path, str], bytes | None]) -> list[tuple[float, float]]:
    rows = _table(place, "msd.csv", read)
    try:
        points = [(float(row["time"]), float(row["msd"])) for row in rows]
    except (KeyError, ValueError, TypeError) as error:
        raise _torn(place / "msd.csv", error) from error
    points = [(t, msd) for t, msd in points if t > 0 and math.isfinite(msd) and msd > 0]
    if len(points) <= MOST_POINTS:
        return points
    kept = np.unique(np.geomspace(1, len(points), MOST_POINTS).astype(int)) - 1
    return [points[k] for k in kept]


def _surface(place: Path, read: Callable[[Path, str], bytes | None]) -> str:
    content = read(place, "density.json")
    if content is None:
        return ""
    try:
        return _spec(*surface_spec(content))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _torn(place / "density.json", error) from error


def _heat(states: list[str], matrix: Any, title: str, limits: tuple[float, float]) -> str:
    rows = [[None if math.isnan(x) else float(f"{x:.5g}") for x in row] for row in matrix]
    hover = "from %{y} to %{x}: %{z:.4g}<extra></extra>"
    data = {
        "type": "heatmap", "x": states, "y": states, "z": rows, "colorscale": "Viridis", "zmin": limits[0],
        "zmax": limits[1], "hovertemplate": hover, "hoverongaps": False, "colorbar": {"title": {"text": title,
        "side": "right"}},
    }  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "to"}, "type": "category", "constrain": "domain"},
        "yaxis": {"title": {"text": "from"}, "type": "category", "autorange": "reversed", "scaleanchor": "x"},
    }
    return _spec([data], layout)


def _displacement(lines: Sequence[tuple[str, list[tuple[float, float]]]]) -> str:
    data = [
        {
            "type": "scatter", "mode": "lines", "name": label, "x": [float(f"{t:.5g}") for t, _ in points],
            "y": [float(f"{msd:.5g}") for _, msd in points],
            "line": {"color": COLOURS[k % len(COLOURS)], "dash": DASHES[k % len(DASHES)], "width": 2.5},
            "hovertemplate": "%{x:.3g} ps: %{y:.3g} Å²",
        }
        for k, (label, points) in enumerate(lines)
    ]  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "lag time (ps)"}, "type": "log"},
        "yaxis": {"title": {"text": "mean squared displacement (Å²)"}, "type": "log"},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        "showlegend": True,
    }
    return _spec(data, layout)


def _spec(data: list[dict[str, Any]], layout: dict[str, Any]) -> str:
    """JSON that cannot end the script that holds it."""
    text = json.dumps({"data": data, "layout": layout}, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("&", "\\u0026")
