"""The parts of the time of a run add up to the whole, and are those of the run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from ionpath.errors import InputError
from ionpath_ase import run_md
from ionpath_ase.md import MDProfile
from ionpath_ase.md.profile import Stopwatch, of_lammps

FAST = "argyrodite.2"
SCREEN = """Loop time of 0.001 on 1 procs for 0 steps with 52 atoms
Loop time of 2.5 on 2 procs for 10 steps with 52 atoms

MPI task timing breakdown:
Section |  min time  |  avg time  |  max time  |%varavg| %total
---------------------------------------------------------------
Pair    | 1.0        | 2.0        | 3.0        |   0.0 | 80.00
Neigh   | 0.1        | 0.125      | 0.2        |   0.0 |  5.00
Comm    | 0.1        | 0.1        | 0.1        |   0.0 |  4.00
Output  | 0.05       | 0.0625     | 0.1        |   0.0 |  2.50
Modify  | 0.1        | 0.2        | 0.1        |   0.0 |  8.00
Other   |            | 0.0125     |            |       |  0.50

Nlocal:             26 ave          26 max          26 min
Loop time of 1.5 on 2 procs for 10 steps with 52 atoms

Section |  min time  |  avg time  |  max time  |%varavg| %total
Pair    | 1.0        | 1.0        | 1.0        |   0.0 | 66.67
Output  | 0.0        | 0.0        | 0.0        |   0.0 |  0.00
"""


def run(atoms: Atoms, folder: Path, engine: str, **more: Any) -> Any:
    return run_md(
        atoms, engine=engine, picoseconds=0.02, interval=0.008, checkpoint_interval=0.008, processes=1,
        trajectory=folder / f"{engine}.xtc", progress=False, **more,
    )  # fmt: skip


def whole(profile: MDProfile) -> set[str]:
    """Names of the parts, which add up."""
    assert sum(profile.shares().values()) == pytest.approx(1.0)
    assert sum(profile.parts().values()) == pytest.approx(profile.wall)
    assert all(value >= 0.0 for value in profile.parts().values())
    return set(profile.parts())


@pytest.mark.parametrize("engine", ["ase", "lammps"])
def test_shares_of_a_run_add_up(argyrodite: Atoms, tmp_path: Path, engine: str) -> None:
    clock = time.perf_counter()
    done = run(argyrodite, tmp_path, engine, model=FAST, profile=True)
    outside = time.perf_counter() - clock
    assert whole(done.profile) == {"start", "model", "neighbours", "output", "other"}
    assert done.profile.model > 0.0
    assert done.profile.output > 0.0
    assert done.profile.wall <= outside
    steps = done.profile.wall - done.profile.start
    assert done.speed == pytest.approx(0.02e-3 / (steps / 86400.0), rel=1e-6)  # ns/day, of the steps alone
    assert "start-up" in str(done.profile)
    assert "PLUMED" not in str(done.profile)
    assert run(argyrodite, tmp_path, engine, model=FAST, profile=True).profile is None  # nothing was left to do


@pytest.mark.parametrize("engine", ["ase", pytest.param("lammps", marks=pytest.mark.slow)])
def test_plumed_has_a_share_where_it_runs(
    argyrodite: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    pytest.importorskip("plumed", reason="the PLUMED kernel with its Python wrapper is not installed")
    monkeypatch.chdir(tmp_path)
    lines = ["UNITS LENGTH=A", "d: DISTANCE ATOMS=1,5", "RESTRAINT ARG=d AT=3 KAPPA=1"]
    done = run(argyrodite, tmp_path, engine, model=FAST, profile=True, plumed=lines)
    assert whole(done.profile) == {"start", "model", "neighbours", "output", "other", "plumed"}
    assert done.profile.plumed > 0.0
    assert "PLUMED" in str(done.profile)


def test_a_calculator_that_searches_by_itself_has_no_share_of_neighbours(tmp_path: Path) -> None:
    copper = bulk("Cu", cubic=True)
    copper.calc = EMT()
    done = run(copper, tmp_path, "ase", profile=True)
    assert whole(done.profile) == {"start", "model", "output", "other"}
    assert "calculate" not in vars(copper.calc)  # it is as it was
    assert run(copper, tmp_path / "plain", "ase").profile is None


def test_a_calculator_whose_time_cannot_be_told_is_refused(tmp_path: Path) -> None:
    class Bare:
        name = "bare"

    copper = bulk("Cu", cubic=True)
    copper.calc = Bare()
    with pytest.raises(InputError, match="profile: need a calculator whose time can be told: .*, got Bare; leave pro"):
        run(copper, tmp_path, "ase", profile=True)


def test_what_runs_inside_another_part_is_taken_off_it() -> None:
    watch = Stopwatch()
    inner = watch.timed("inner", lambda: time.sleep(0.02))
    outer = watch.timed("outer", lambda: (inner(), inner()))
    start = time.perf_counter()
    outer()
    spent = time.perf_counter() - start
    assert set(watch.seconds) == {"inner", "outer"}
    assert watch.seconds["inner"] >= 0.04
    assert sum(watch.seconds.values()) <= spent
    assert watch.seconds["outer"] <= spent - 0.04


def test_the_tables_of_lammps_are_read() -> None:
    """Averages of all processes; what a chunk took beside its loop is output, unless LAMMPS was set up anew."""
    found = of_lammps("Loop time of 9 of another run", [])
    assert found == {"output": 0.0}
    found = of_lammps(SCREEN, [(2.75, False), (4.0, True)])
    assert found == pytest.approx({"model": 3.0, "neighbours": 0.125, "output": 0.0625 + 0.25})
