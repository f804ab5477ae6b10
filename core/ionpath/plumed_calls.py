"""Calls of a PLUMED kernel, whatever holds it: how it begins, and what it adds at a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats

Tell = Callable[..., Any]
"""Method `cmd` of PLUMED's Python wrapper."""


def begin(tell: Tell, lines: Iterable[str], n_atoms: int, **settings: Any) -> None:
    """Set a kernel up for A, ps, amu, e, and kJ/mol unless `settings`, further calls by their names, say another."""
    units = {"setMDEnergyUnits": 1.0, "setMDLengthUnits": 0.1, "setMDTimeUnits": 1.0}
    for name, value in {**units, "setNatoms": n_atoms, "setMDEngine": "ionpath", **settings}.items():
        tell(name, value)
    tell("init")
    for line in lines:
        tell("readInputLine", line)


def added(
    tell: Tell, step: int, positions: ArrayLike, cell: ArrayLike | None, masses: ArrayLike, *,
    energy: float | None = None, forces: ArrayLike | None = None, virial: ArrayLike | None = None,
) -> tuple[Floats, Floats, float]:  # fmt: skip
    """Forces and virial that PLUMED adds to those of the potential, which some biases scale, and the bias."""
    # PLUMED keeps addresses and reads them in performCalc: each array has to live until then.
    place, weights, bias = np.array(positions, dtype=float, order="C"), np.array(masses, dtype=float), np.zeros(1)
    before = np.zeros(place.shape) if forces is None else np.array(forces, dtype=float, order="C")
    own = np.zeros((3, 3)) if virial is None else np.array(virial, dtype=float, order="C")
    total, stress = before.copy(), own.copy()
    tell("setStep", step)
    box = None if cell is None else np.array(cell, dtype=float, order="C")
    if box is not None:
        tell("setBox", box)
    if energy is not None:
        tell("setEnergy", energy)
    for name, array in (("Positions", place), ("Masses", weights), ("Forces", total), ("Virial", stress)):
        tell(f"set{name}", array)
    tell("prepareCalc")
    tell("performCalc")
    tell("getBias", bias)
    return total - before, stress - own, float(bias[0])
