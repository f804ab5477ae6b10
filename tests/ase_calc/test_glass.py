"""Heat treatments and glass-ceramics, on a cheap metal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from ionpath.errors import InputError
from ionpath_ase import anneal, glass_ceramic
from ionpath_ase.glass import PROTOCOLS, HeatStep, crystal_in_glass

QUICK: dict[str, Any] = {
    "engine": "ase",
    "interval": 0.02,
    "damping": 0.05,
    "progress": False,
    "suffix": ".traj",
}


def copper(*times: int) -> Atoms:
    atoms = bulk("Cu", cubic=True).repeat(times)
    atoms.calc = EMT()
    return atoms


def rate(step: HeatStep) -> float:
    """Cooling rate in K/ps."""
    assert step.final_temperature is not None
    return (step.temperature - step.final_temperature) / step.picoseconds


def test_published_protocols() -> None:
    melt, cool = PROTOCOLS["glass"]  # Chen et al.: 1500 K 100 ps, to 300 K at 2.5 K/ps, NPT, 0.5 fs
    assert (melt.temperature, melt.picoseconds, melt.timestep, melt.ensemble) == (1500.0, 100.0, 0.5, "npt")
    assert (rate(cool), cool.final_temperature, cool.timestep) == (2.5, 300.0, 0.5)
    (crystal,) = PROTOCOLS["crystal"]  # 500 K -> 300 K in 1 ns
    assert (crystal.temperature, crystal.final_temperature, crystal.picoseconds) == (500.0, 300.0, 1000.0)
    hot, warm, quench = PROTOCOLS[
        "amorphous"
    ]  # Jang et al.: 4000 K 10 ps, 2000 K 20 ps, to 300 K at 100 K/ps
    assert (hot.temperature, hot.picoseconds) == (4000.0, 10.0)
    assert (warm.temperature, warm.picoseconds) == (2000.0, 20.0)
    assert (rate(quench), quench.picoseconds) == (100.0, 17.0)
    assert rate(PROTOCOLS["short-glass"][1]) == 20 * rate(cool)


def test_annealing_follows_its_steps(tmp_path: Path) -> None:
    steps = (
        HeatStep(1500.0, 0.1, ensemble="nvt"),
        HeatStep(1500.0, 0.3, 300.0, ensemble="nvt"),
        HeatStep(300.0, 0.05),
    )
    made = anneal(copper(2, 2, 2), tmp_path, steps, **QUICK)
    assert [run.steps for run in made.runs] == [50, 150, 25]
    cooling = np.genfromtxt(made.runs[1].log, delimiter=",", names=True)
    assert cooling["temperature_K"][:5].mean() > 1.5 * cooling["temperature_K"][-5:].mean()
    assert len(set(cooling["volume_A3"])) == 1
    assert len(set(np.genfromtxt(made.runs[2].log, delimiter=",", names=True)["volume_A3"])) > 1
    again = anneal(copper(2, 2, 2), tmp_path, steps, **QUICK)
    assert np.allclose(again.atoms.positions, made.atoms.positions)
    with pytest.raises(
        InputError, match="protocol: need one of glass, crystal, amorphous, short-glass, or steps"
    ):
        anneal(copper(1, 1, 1), tmp_path, "fast")
    with pytest.raises(InputError, match="protocol: need at least one step, got none"):
        anneal(copper(1, 1, 1), tmp_path, ())
    with pytest.raises(InputError, match="picoseconds: need a number above 0, got 0"):
        HeatStep(300.0, 0.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slab_keeps_its_place_and_the_rest_is_stretched(axis: int) -> None:
    crystal = copper(2, 2, 2)
    both, count = crystal_in_glass(crystal, crystal_fraction=0.26, axis=axis, expansion=1.1)
    assert (count, len(both)) == (32, 128)
    assert np.allclose(both.positions[:32], crystal.positions)
    lengths = both.cell.lengths() / crystal.cell.lengths()
    expected = np.ones(3)
    expected[axis] = 1.0 + 3 * 1.1
    assert lengths == pytest.approx(expected)
    assert both.positions[32:, axis].min() == pytest.approx(crystal.cell.lengths()[axis])
    distances = both.get_all_distances(mic=True) + 10.0 * np.eye(128)
    assert distances.min() > 0.98 * 3.61 / np.sqrt(2)
    for options, sentence in (
        ({"crystal_fraction": 1.0}, "crystal_fraction: need a number between 0 and 1, got 1.0"),
        ({"axis": 3}, "axis: need 0, 1 or 2, got 3"),
        ({"expansion": 0.0}, "expansion: need a number above 0, got 0.0"),
    ):
        with pytest.raises(InputError, match=sentence):
            crystal_in_glass(crystal, **options)


def test_glass_ceramic_melts_around_a_slab_at_rest(tmp_path: Path) -> None:
    crystal = copper(2, 1, 2)
    made = glass_ceramic(
        crystal,
        tmp_path,
        crystal_fraction=0.5,
        expansion=1.06,
        relax_picoseconds=0.06,
        relax_ensemble="npt",
        melt={
            "melt_temperature": 6000.0,
            "melt_picoseconds": 0.25,
            "cooling_rate": 57000.0,
            "settle_picoseconds": 0.04,
        },
        **QUICK,
    )
    assert (made.n_crystal, made.crystal_fraction) == (16, 0.5)
    quenched = made.quench.atoms
    moved = np.linalg.norm(
        quenched.positions - crystal_in_glass(crystal, expansion=1.06)[0].positions, axis=1
    )
    assert moved[:16].max() < 1e-9
    assert np.median(moved[16:]) > 0.2  # A
    last = np.genfromtxt(made.relaxed.log, delimiter=",", names=True)
    assert len(set(last["volume_A3"])) > 1
    free = made.atoms.positions[:16] - quenched.positions[:16]
    assert np.abs(free - free.mean(axis=0)).max() > 0.02  # now the crystal moves too
    assert len(made.atoms.constraints) == 0
    with pytest.raises(InputError, match="settle_ensemble: need nvt while the crystal is held, got 'npt'"):
        glass_ceramic(crystal, tmp_path / "b", melt={"settle_ensemble": "npt"}, **QUICK)
