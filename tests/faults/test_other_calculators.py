"""A calculator of another package that stops, a cell with vacuum, and a bias that does nothing: each is a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError, IonpathError
from ionpath.plumed_run import idle

pytest.importorskip("ionpath_ase.md", reason="the ASE plugin is not installed")

from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read

from ionpath_ase import run_md


class Stops(EMT):
    """EMT that raises after so many calls."""

    left = 0
    error: Exception = RuntimeError("CUDA out of memory")

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        Stops.left -= 1
        if Stops.left < 0:
            raise Stops.error
        super().calculate(*args, **kwargs)


class WithoutStress(EMT):
    """EMT that says it gives the stress, and does not."""

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        super().calculate(*args, **kwargs)
        self.results.pop("stress", None)


def copper(calculator: Any, vacuum: float = 0.0) -> Atoms:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    if vacuum:
        atoms.center(vacuum=0.5 * vacuum, axis=2)
    atoms.calc = calculator
    return atoms


def go(atoms: Atoms, path: Path, **options: Any) -> Any:
    common: dict[str, Any] = {"engine": "ase", "picoseconds": 0.06, "interval": 0.01, "checkpoint_interval": 0.02}
    return run_md(atoms, trajectory=path, progress=False, **(common | options))


@pytest.mark.parametrize(
    ("error", "calls", "where"),
    [
        (NotImplementedError("no D4"), 0, "step 0"),
        (KeyError("Cu"), 18, "after step 15"),
        (RuntimeError("CUDA out of memory"), 18, "after step 15"),
    ],
)
def test_a_calculator_that_stops_is_named_and_the_same_call_goes_on(
    tmp_path: Path, error: Exception, calls: int, where: str
) -> None:
    Stops.left, Stops.error = calls, error
    told = rf"^{where}: the calculator Stops stopped with {type(error).__name__}: .*; .*, and the checkpoint is intact"
    with pytest.raises(IonpathError, match=told) as caught:
        go(copper(Stops()), tmp_path / "run.extxyz")
    assert caught.value.__cause__ is error
    Stops.left = 1000
    assert go(copper(Stops()), tmp_path / "run.extxyz").frames == 7
    go(copper(Stops()), tmp_path / "whole.extxyz")
    ends = [read(tmp_path / name, -1).positions for name in ("run.extxyz", "whole.extxyz")]
    np.testing.assert_allclose(*ends, rtol=0, atol=1e-6)  # A; the file has eight decimals


def test_a_stress_that_is_not_there_is_no_pressure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ensemble: need a calculator that gives the stress, for NPT, got Without"):
        go(copper(WithoutStress()), tmp_path / "npt.extxyz", ensemble="npt")
    assert np.isnan(go(copper(WithoutStress()), tmp_path / "nvt.extxyz").mean_pressure.value)


def test_vacuum_has_no_pressure(tmp_path: Path) -> None:
    """Of a slab of copper in 12 A of vacuum, the cell has a pressure, and the material another one."""
    slab = copper(EMT(), vacuum=12.0)
    with pytest.raises(InputError, match="ensemble: need nvt or nve for a cell with vacuum, .*got 1[23].* A of vac"):
        go(slab, tmp_path / "npt.extxyz", ensemble="npt")
    told = str(go(slab, tmp_path / "nvt.extxyz").mean_pressure)
    assert "of the whole cell with 1" in told and "A of vacuum along c: not that of the material" in told
    assert "vacuum" not in str(go(copper(EMT()), tmp_path / "bulk.extxyz").mean_pressure)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("m: METAD ARG=d SIGMA=0.1 HEIGHT=1 PACE=500", "METAD m adds its first hill after PACE=500 steps"),
        ("METAD ARG=d SIGMA=0.1 HEIGHT=0 PACE=5", "METAD adds hills of HEIGHT=0"),
        ("o: OPES_METAD ARG=d BARRIER=9 PACE=500", "OPES_METAD o adds its first hill after PACE=500 steps"),
        ("RESTRAINT ARG=d AT=2 KAPPA=0", "RESTRAINT has no force: KAPPA=0"),
        ("w: UPPER_WALLS ARG=d,e AT=2,3 KAPPA=0,0.0", "UPPER_WALLS w has no force: KAPPA=0"),
        ("MOVINGRESTRAINT ARG=d STEP0=0 AT0=2 KAPPA0=9 STEP1=100 AT1=2 KAPPA1=9", "MOVINGRESTRAINT never moves: AT"),
        ("MOVINGRESTRAINT ARG=d STEP0=200 AT0=2 KAPPA0=9 STEP1=300 AT1=3", "MOVINGRESTRAINT moves from step 200 on"),
        ("MOVINGRESTRAINT ARG=d STEP0=0 AT0=2 KAPPA0=9 STEP1=100 STEP2=200 AT2=3", "moves from step 100 on, which is"),
    ],
)
def test_a_bias_that_does_nothing_is_told(line: str, told: str) -> None:
    (found,) = idle([line], 100)
    assert told in found


@pytest.mark.parametrize(
    "line",
    [
        "METAD ARG=d SIGMA=0.1 HEIGHT=1 PACE=100",
        "RESTRAINT ARG=d AT=2 KAPPA=0 SLOPE=1",
        "RESTRAINT ARG=d,e AT=2,2 KAPPA=0,5",
        "MOVINGRESTRAINT ARG=d STEP0=0 AT0=2 KAPPA0=9 STEP1=300 AT1=3",
        "MOVINGRESTRAINT ARG=d STEP0=0 AT0=2 KAPPA0=0 STEP1=50 KAPPA1=9",
        "PRINT ARG=d STRIDE=500",
    ],
)
def test_a_bias_that_works_is_not(line: str) -> None:
    assert idle([line], 100) == []


def test_a_run_says_that_its_bias_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("plumed")
    monkeypatch.chdir(tmp_path)
    lines = ["d: DISTANCE ATOMS=1,2", "RESTRAINT ARG=d AT=2 KAPPA=0"]
    with pytest.warns(UserWarning, match="a run of 30 steps is not biased by all of its input: RESTRAINT has no force"):
        go(copper(EMT()), tmp_path / "run.extxyz", plumed=lines)
