"""What this package adds to ionpath: its crystals, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from ionpath.arrays import Floats
from ionpath.errors import require
from ionpath.plugins import hookimpl

Crystal = tuple[Sequence[str], Floats, Floats]


@hookimpl
def structures() -> dict[str, Callable[[int], Crystal]]:
    """Argyrodites and their relatives; pymatgen is imported when one is built."""
    found: dict[str, Callable[[int], Crystal]] = {
        "LPSCl-I": partial(_built, "lpscl", phase="I"),
        "LPSCl-II": partial(_built, "lpscl", phase="II"),
        "LPSCl-III": partial(_built, "lpscl", phase="III"),
        "LSPSCl": partial(_built, "lspscl"),
        "LSPSCl-drawn": partial(_built, "lspscl_arrangements"),
    }
    for x in (0.0, 0.25, 0.5, 0.75, 1.0):
        for y in np.arange(x, 1.01, 0.25):
            found[f"x={x:.2f},y={y:.2f}"] = partial(_built, "argyrodite", x_excess=x, inversion=float(y))
    return found | {
        "LPSCl-48h": partial(_built, "argyrodite", lithium="48h"),
        "Li7PS6": partial(_built, "argyrodite", halide=None),
        "beta-Li3PS4": partial(_built, "lithium_thiophosphate", phase="beta"),
        "gamma-Li3PS4": partial(_built, "lithium_thiophosphate", phase="gamma"),
    }


def _built(function: str, seed: int, **options: Any) -> Crystal:
    """Elements, positions and cell of what a function of this package builds."""
    require("pymatgen.core", purpose="argyrodite structures", install='pip install "ionpath[pymatgen]"')
    if function in ("argyrodite", "lpscl", "lspscl_arrangements"):  # the others have one arrangement
        options["seed"] = seed
    structure = getattr(import_module("pymatgen.analysis.argyrodite"), function)(**options)
    if function == "lspscl_arrangements":
        weights = np.array([entry["multiplicity"] for entry in structure], dtype=float)
        drawn = np.random.default_rng(seed).choice(len(structure), p=weights / weights.sum())
        structure = structure[int(drawn)]["structure"]
    symbols = [site.specie.symbol for site in structure]
    return symbols, np.asarray(structure.cart_coords), np.asarray(structure.lattice.matrix)
