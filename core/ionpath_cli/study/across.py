"""What is read from several runs together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.estimate import Estimate
from ionpath_cli.study.analyses import Rows, quantity
from ionpath_cli.study.tasks import DONE, QUANTITIES, Task, read_json, write_json


def analyse_across(task: Task, place: Path, inputs: list[Path]) -> None:
    """Do one analysis of several runs; each row names its system and temperature."""
    function = ACROSS[task.settings["analysis"]]
    write_json(place / QUANTITIES, function(inputs, place, task.settings["arguments"]))


def table(inputs: list[Path]) -> Rows:
    """Rows of all inputs with system, temperature and arrangement."""
    rows = []
    for place in inputs:
        settings = read_json(place / DONE)["settings"]
        labels = {key: settings[key] for key in ("system", "temperature", "arrangement", "potential")}
        rows += [{**row, **labels} for row in read_json(place / QUANTITIES)]
    return rows


def arrhenius(inputs: list[Path], place: Path, arguments: Mapping[str, Any]) -> Rows:
    """Activation energies, and diffusion and conductivity at room temperature, with the covariance carried over."""
    from ionpath.transport import arrhenius as fit
    from ionpath_cli.study.comparison import combine

    rows = table(inputs)
    target = float(arguments.get("temperature", 300.0))
    found: Rows = []
    for system in dict.fromkeys(row["system"] for row in rows):
        points = []
        for kelvin in sorted({row["temperature"] for row in rows if row["system"] == system}):
            own = combine([r for r in rows if r["system"] == system and r["temperature"] == kelvin
                           and r["quantity"] == "diffusion coefficient"])  # fmt: skip
            if own is not None and np.isfinite(own.value) and own.value > 0 and np.isfinite(own.total):
                points.append((float(kelvin), own.value, own.total))
        note = f"{len(points)} temperatures: {', '.join(f'{p[0]:g}' for p in points)} K"
        labels = {"system": system, "arrangement": 0, "potential": rows[0]["potential"]}
        if len(points) < 2:
            nan = float("nan")
            unknown = Estimate(nan, nan, nan, nan, "eV")
            found.append({**quantity("activation energy", unknown, note), "temperature": 0.0, **labels})
            continue
        line = fit(*map(np.array, zip(*points, strict=True)))
        density = float(
            np.mean(
                [r["value"] for r in rows if r["system"] == system and r["quantity"] == "lithium density"]
            )
        )
        extrapolated = f"{note}; extrapolated from {points[0][0]:g} K, one barrier assumed"
        found += [
            {**quantity("activation energy", line.activation_energy, note), "temperature": 0.0, **labels},
            {**quantity("log prefactor", line.log_prefactor, note), "temperature": 0.0, **labels},
            {
                **quantity("diffusion coefficient", line.at(target), extrapolated),
                "temperature": target,
                **labels,
            },
            {
                **quantity("conductivity", line.conductivity(target, density), extrapolated),
                "temperature": target,
                **labels,
            },
        ]
    return found


ACROSS: dict[str, Callable[[list[Path], Path, Mapping[str, Any]], Rows]] = {"arrhenius": arrhenius}
"""Name -> function of folders, its own folder, and arguments."""
