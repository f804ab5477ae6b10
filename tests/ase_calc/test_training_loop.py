"""Concurrent learning: selection, limits, reports, restarts, and a loop of the real programs."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from ionpath.errors import InputError
from ionpath_ase import Committee, IonPath
from ionpath_ase.training import (
    DeviationError,
    LoopSettings,
    Window,
    label_frames,
    learn,
    multithermal_lines,
    read_frames,
    starting_structure,
    variants,
)
from ionpath_ase.training.exploration import explore
from ionpath_ase.training.selection import check_deviation, choose, frame_deviations

QUICK: dict[str, Any] = {
    "temperatures": (300.0, 900.0),
    "picoseconds": 0.06,
    "interval": 0.01,
    "check_picoseconds": 0.02,
    "engine": "ase",
    "max_iterations": 2,
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> list[Atoms]:
    """Shaken LiCl, labelled by the shipped potential."""
    path = tmp_path_factory.mktemp("labels") / "salt.extxyz"
    frames = variants(starting_structure("LiCl"), copies=6, rattle=0.1, seed=3)
    for frame in frames:
        frame.info["tag"] = "LiCl"
    label_frames(frames, IonPath(), path, progress=False)
    return read_frames(path)


class Teacher(IonPath):
    """The shipped potential, counting what it is asked."""

    asked = 0

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        type(self).asked += 1
        super().calculate(*args, **kwargs)


def test_window_sorts_by_the_largest_deviation() -> None:
    found = Window(0.1, 0.3).classify(np.array([0.0, 0.0999, 0.1, 0.2999, 0.3, 5.0, np.inf, np.nan]))
    assert found.tolist() == ["accurate"] * 2 + ["candidate"] * 2 + ["failed"] * 4
    assert (Window().low, Window().high) == (0.15, 0.25)  # eV/A, Guan et al., arXiv:2412.07115
    with pytest.raises(InputError, match="window: need two deviations in eV/A, above 0 and ascending, got 0.3"):
        Window(0.3, 0.1)


def test_choice_is_of_candidates_and_repeatable() -> None:
    classes = np.array(["accurate", "candidate", "failed", "candidate", "candidate"])
    picks = choose(classes, 2, np.random.default_rng(1))
    assert len(picks) == 2
    assert set(picks) <= {1, 3, 4}
    assert np.array_equal(picks, choose(classes, 2, np.random.default_rng(1)))
    assert len(choose(classes[:1], 2, np.random.default_rng(1))) == 0


def test_a_deviation_above_the_limit_names_the_atoms() -> None:
    deviation = np.array([0.1, 2.5, 0.3, 7.0, 0.2])
    with pytest.raises(
        DeviationError,
        match=r"salt at 600 K, 1 ps: need a force deviation of at most 2 eV/A, got 7 eV/A at atoms 3 \(S\), 1 \(P\); "
        "label frames before this one",
    ):
        check_deviation(deviation, 2.0, ["Li", "P", "Li", "S", "Li"], "salt at 600 K, 1 ps")
    with pytest.raises(DeviationError, match=r"at atoms 0 \(Li\), .* and 3 others"):
        check_deviation(np.full(8, np.nan), 2.0, ["Li"] * 8, "salt")
    check_deviation(deviation, 7.0, ["Li"] * 5, "salt")


def test_settings_are_checked() -> None:
    for options, sentence in (
        ({"members": 2}, "members: need at least 3 models, got 2"),
        ({"temperatures": ()}, "temperatures: need temperatures above 0 K"),
        ({"limit": 0.2}, "limit: need a deviation above the window's 0.25 eV/A, got 0.2"),
        ({"exploration": "umbrella"}, "exploration: need one of 'md', 'opes-multithermal', .* got 'umbrella'"),
        ({"picoseconds": 0.0}, "picoseconds: need a positive number"),
        (
            {"interval": 6.0},
            "picoseconds: need an interval of 6 ps or more, got 5; no frame would be judged: explore for longer, or t",
        ),
        ({"accurate_share": 1.5}, "accurate_share: need a share above 0, up to 1"),
        ({"max_iterations": 0}, "max_iterations: need at least 1"),
        ({"exploration": "opes-multithermal", "ensemble": "npt"}, "ensemble: need nvt, or opes-multithermal-multi"),
        ({"exploration": "opes-multithermal-multibaric"}, "ensemble: need npt or npt-aniso for opes-mult"),
    ):
        with pytest.raises(InputError, match=sentence):
            LoopSettings(**options)


def test_exploration_judges_every_frame(different_models: list[Path], tmp_path: Path) -> None:
    salt = starting_structure("LiCl")
    settings = LoopSettings(**QUICK)
    run = explore(salt, different_models, tmp_path, temperature=600.0, settings=settings, progress=False)
    assert run.stopped == ""
    assert run.deviations.shape == (6, 8)
    stored = read(tmp_path / "trajectory.extxyz", ":")
    assert len(stored) == 7  # and the start
    again = frame_deviations(stored[1:], Committee(different_models))
    assert np.allclose(run.deviations, again, atol=1e-5)
    assert np.array_equal(run.largest, run.deviations.max(axis=1))
    before = (tmp_path / "deviations.npz").stat().st_mtime_ns
    read_back = explore(salt, different_models, tmp_path, temperature=600.0, settings=settings, progress=False)
    assert np.array_equal(read_back.deviations, run.deviations)
    assert len(read_back.frames) == 6
    assert (tmp_path / "deviations.npz").stat().st_mtime_ns == before
    whole = (tmp_path / "deviations.npz").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"not a zip"):
        (tmp_path / "deviations.npz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"file deviations\.npz: need the deviations of the frames beside it, got"):
            explore(salt, different_models, tmp_path, temperature=600.0, settings=settings, progress=False)
    (tmp_path / "deviations.npz").unlink()  # the remedy
    judged = explore(salt, different_models, tmp_path, temperature=600.0, settings=settings, progress=False)
    assert np.allclose(judged.deviations, run.deviations, atol=1e-5)


@pytest.mark.parametrize("engine", ["ase", pytest.param("lammps", marks=pytest.mark.slow)])
def test_exploration_stops_at_the_limit(engine: str, different_models: list[Path], tmp_path: Path) -> None:
    options = QUICK | {"engine": engine}
    settings = LoopSettings(**options, window=Window(1e-6, 2e-6), limit=3e-6)
    salt = starting_structure("LiCl", shortest=6.0)
    arguments: dict[str, Any] = {"temperature": 900.0, "settings": settings, "progress": False}
    run = explore(salt, different_models, tmp_path, name="salt", **arguments)
    assert run.stopped.startswith("salt at 900 K, 0.01 ps: need a force deviation of at most 3e-06 eV/A, got ")
    assert "at atoms " in run.stopped and "others; label frames before this one" in run.stopped
    assert len(run.frames) == 2  # until the first check
    again = explore(salt, different_models, tmp_path, **arguments)
    assert again.stopped == run.stopped


def test_a_start_that_cannot_be_run_is_an_error(different_models: list[Path], tmp_path: Path) -> None:
    salt = starting_structure("LiCl")
    salt.positions[1] = salt.positions[0] + [0.1, 0, 0]
    with pytest.raises(InputError, match="positions: need atoms at least 0.5 A apart"):
        explore(salt, different_models, tmp_path, temperature=300.0, settings=LoopSettings(**QUICK), progress=False)


def test_loop_learns_candidates_and_reports(
    different_models: list[Path], labelled: list[Atoms], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: list[tuple[int, int, int]] = []

    def trainer(frames: Sequence[Atoms], held: Sequence[Atoms], folder: Path, seed: int, settings: Any) -> Path:
        trained.append((len(frames), len(held), seed))
        folder.mkdir(parents=True)
        path = folder / "model.pb"
        path.write_bytes(different_models[seed - settings.seed].read_bytes())
        return path

    salt = starting_structure("LiCl")
    probe = explore(salt, different_models, tmp_path / "probe", temperature=900.0, settings=LoopSettings(**QUICK),
                    seed=1, progress=False)  # fmt: skip
    low, middle, high = np.quantile(probe.largest, (0.2, 0.6, 1.0))
    settings = LoopSettings(**QUICK, window=Window(float(low), float(middle)), limit=100 * float(high),
                            most_candidates=2, seed=1)  # fmt: skip
    Teacher.asked = 0
    arguments: dict[str, Any] = {"settings": settings, "held_back": labelled[20:], "trainer": trainer}
    result = learn({"LiCl": salt}, labelled[:20], Teacher(), tmp_path / "loop", **arguments)
    printed = capsys.readouterr().out
    first, *later = result.iterations
    assert "iteration 0: models of 20 frames" in printed
    assert trained[:3] == [(20, 4, 1), (20, 4, 2), (20, 4, 3)]
    assert first.labelled == sum(row.selected for row in first.rows) == Teacher.asked - sum(r.labelled for r in later)
    assert 1 <= first.labelled <= 4
    for row in first.rows:
        assert row.frames == row.accurate + row.candidates + row.failed == 6
        assert row.selected == min(row.candidates, 2)
    assert len(first.errors) == 3
    assert first.errors[0].frames == 4
    assert first.errors[0].force_mae < first.errors[1].force_mae  # the first is the teacher itself
    if later:
        assert trained[3][0] == 20 + first.labelled
    home = tmp_path / "loop" / "iter-00"
    with (home / "report.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert [row["temperature"] for row in table] == ["300", "900"]
    assert int(table[1]["candidates"]) == first.rows[1].candidates
    assert (home / "report.png").stat().st_size > 10_000
    assert result.reason in (tmp_path / "loop" / "summary.txt").read_text()
    added = read_frames(result.dataset)
    assert len(added) == 20 + sum(report.labelled for report in result.iterations)
    assert added[20].info["tag"].startswith("LiCl/")
    check = added[20].copy()
    check.calc = IonPath()
    assert np.allclose(check.get_forces(), added[20].get_forces(), atol=1e-4)
    assert len(Committee(result.models[0])) == 3
    # the same call again reads what is there: nothing is trained or labelled twice
    trained.clear()
    Teacher.asked = 0
    again = learn({"LiCl": salt}, labelled[:20], Teacher(), tmp_path / "loop", progress=False, **arguments)
    assert again.iterations == result.iterations
    assert (trained, Teacher.asked) == ([], 0)
    # a kill while a stage was at work: what is missing is done again, and comes out the same
    (home / "labels.json").unlink()
    lines = (home / "labels.extxyz").read_text().splitlines(keepends=True)
    (home / "labels.extxyz").write_text("".join(lines[:-3]) + "S 1.0")
    third = learn({"LiCl": salt}, labelled[:20], Teacher(), tmp_path / "loop", progress=False, **arguments)
    assert third.iterations == result.iterations
    assert Teacher.asked == 2  # one that is missing, and one that is there, to see that it is the same teacher
    with pytest.raises(InputError, match="folder loop: need the loop that was begun there, got other values of seed"):
        learn({"LiCl": salt}, labelled[:20], Teacher(), tmp_path / "loop",
              settings=LoopSettings(**QUICK, window=settings.window, limit=settings.limit, most_candidates=2, seed=2),
              trainer=trainer)  # fmt: skip


@pytest.mark.slow
def test_loop_stops_when_all_is_accurate_or_nothing_is_worth_a_label(
    different_models: list[Path], labelled: list[Atoms], tmp_path: Path
) -> None:
    def trainer(frames: Sequence[Atoms], held: Sequence[Atoms], folder: Path, seed: int, settings: Any) -> Path:
        return different_models[seed - 1]

    salt = {"LiCl": starting_structure("LiCl")}
    accurate = learn(salt, labelled, IonPath(), tmp_path / "a", trainer=trainer, progress=False,
                     settings=LoopSettings(**QUICK, window=Window(50.0, 60.0), limit=70.0))  # fmt: skip
    assert accurate.converged
    assert accurate.reason == "100.0 % of the frames are accurate, 99 % were asked for"
    hopeless = learn(salt, labelled, IonPath(), tmp_path / "b", trainer=trainer, progress=False,
                     settings=LoopSettings(**QUICK, window=Window(1e-9, 2e-9)))  # fmt: skip
    assert not hopeless.converged
    assert hopeless.reason.startswith("no frame lies in the window, though only 0.0 % are accurate")
    assert len(hopeless.iterations) == 1


def test_bad_starts_are_refused(labelled: list[Atoms], tmp_path: Path) -> None:
    salt = starting_structure("LiCl")
    with pytest.raises(InputError, match="starts: need at least one structure, got none"):
        learn({}, labelled, IonPath(), tmp_path)
    with pytest.raises(InputError, match="starts: need names that can be folders, got 'a/b'"):
        learn({"a/b": salt}, labelled, IonPath(), tmp_path)
    with pytest.raises(InputError, match="frames: need at least one labelled frame, got none"):
        learn({"a": salt}, [], IonPath(), tmp_path)


def test_multithermal_lines(tmp_path: Path) -> None:
    plain = multithermal_lines(tmp_path, temperature=600.0, temperature_range=(300, 900))
    assert "ecv: ECV_MULTITHERMAL ARG=energy TEMP=600 TEMP_MIN=300 TEMP_MAX=900" in plain
    both = multithermal_lines(tmp_path, temperature=600.0, pressure=1.01325e-4)
    ecv = next(line for line in both if line.startswith("ecv"))
    assert ecv.startswith("ecv: ECV_MULTITHERMAL_MULTIBARIC ARG=energy,volume TEMP=600")
    # 1 bar is 0.06022140857 kJ/mol/nm^3, the example of PLUMED's manual; 1 nm^3 is 1000 A^3
    values = dict(word.split("=") for word in ecv.split()[2:])
    assert float(values["PRESSURE"]) == pytest.approx(1.01325 * 0.06022140857e-3, rel=1e-6)
    assert float(values["PRESSURE_MAX"]) == pytest.approx(1.1 * float(values["PRESSURE"]), rel=1e-6)
    with pytest.raises(InputError, match="temperature_range: need 50 K or more, around the 600 K .* got 0 to 600"):
        multithermal_lines(tmp_path, temperature=600.0, temperature_range=(0.0, 600.0))
    with pytest.raises(InputError, match="pressure_range: need a range around the 1 GPa of the barostat"):
        multithermal_lines(tmp_path, temperature=600.0, pressure=1.0)
    with pytest.raises(InputError, match="pace: need at least 1, got 0"):
        multithermal_lines(tmp_path, temperature=600.0, pace=0)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ase", "lammps"])
@pytest.mark.parametrize("kind", ["opes-multithermal", "opes-multithermal-multibaric"])
def test_opes_explores_on_the_kernel(engine: str, kind: str, different_models: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("plumed", reason="PLUMED's Python wrapper")
    baric = kind.endswith("baric")
    options: dict[str, Any] = QUICK | {"engine": engine, "picoseconds": 0.6, "interval": 0.05}
    options |= {"check_picoseconds": 0.1, "timestep": 2.0, "ensemble": "npt" if baric else "nvt"}
    options |= {"pressure": 1.01325e-4 if baric else 0.0, "limit": 50.0}
    salt = starting_structure("LiCl", shortest=6.0)
    moved = {}
    for name, exploration in (("free", "md"), (kind, kind)):
        run = explore(
            salt,
            different_models[:2],
            tmp_path / f"x=0.50,y=0.50-{name}",
            temperature=600.0,
            settings=LoopSettings(**options, exploration=exploration),
            progress=False,
        )
        assert run.stopped == ""
        assert len(run.frames) == 12
        moved[name] = run.frames[-1].positions
    assert np.abs(moved["free"] - moved[kind]).max() > 1e-3  # the bias moves atoms
    table = np.genfromtxt(tmp_path / f"x=0.50,y=0.50-{kind}" / "COLVAR")
    assert table.shape == (31, 4 if baric else 3)
    assert np.abs(table[12:, -1]).max() > 1e-3  # kJ/mol, after the time in which it only watched
    header = (tmp_path / f"x=0.50,y=0.50-{kind}" / "DELTAFS").read_text().splitlines()[0]
    assert "300" in header or "1200" in header


SCRIPT = """
import sys
from pathlib import Path
from ionpath_ase import IonPath
from ionpath_ase.training import LoopSettings, Window, learn, read_frames, starting_structure
small = {"embedding": [4, 8], "axis": 4, "fitting": [16, 16], "outer": None, "lr": (2e-2, 5e-4)}
settings = LoopSettings(temperatures=(600.0,), picoseconds=0.2, interval=0.02, check_picoseconds=0.1, engine="ase",
                        steps=400, overrides=small, max_iterations=2, most_candidates=3, limit=20.0,
                        window=Window(0.02, 10.0), accurate_share=1.0)
frames = read_frames(sys.argv[1])
result = learn({"LiCl": starting_structure("LiCl")}, frames[:20], IonPath(), sys.argv[2], held_back=frames[20:],
               settings=settings, progress=False)
print(result.reason)
"""


@pytest.mark.slow
def test_a_killed_loop_of_the_real_programs_goes_on(labelled: list[Atoms], tmp_path: Path) -> None:
    """Three seeds, two iterations; killed in training, in exploration, and while labels are made."""
    from ase.io import write

    data, home = tmp_path / "salt.extxyz", tmp_path / "loop"
    write(data, labelled)

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(data), str(home)], start_new_session=True)

    marks = (
        "iter-00/models/2/lcurve.out",
        "iter-00/explore/LiCl-600K/trajectory.csv",
        "iter-00/labels.extxyz",
        "iter-01/models/1/data/training",
    )
    for mark in marks:
        process = start()
        while process.poll() is None and not (home / mark).exists():
            time.sleep(0.02)
        assert process.poll() is None, f"it ended before {mark}"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert start().wait() == 0
    # every model was trained on all that was known: 20 frames, and the labels of the first iteration
    table = json.loads((home / "iter-01" / "models" / "3" / "done.json").read_text())
    assert table["errors"]["frames"] == 4
    first = read(home / "iter-00" / "labels.extxyz", ":")
    assert len(first) == 3
    systems = sorted((home / "iter-01" / "models" / "1" / "data" / "training").iterdir())
    stored = sum(np.load(part).shape[0] for system in systems for part in system.glob("set.*/energy.npy"))
    assert stored == 23
    committee = Committee(home / "committee.pb")
    assert len(committee) == 3
    frame = first[0].copy()
    frame.calc = committee
    assert frame.get_forces().shape == (8, 3)
    assert frame.calc.results["max_force_deviation"] > 1e-3  # seeds make different models
    errors = np.abs(frame.get_forces() - first[0].get_forces()).mean()
    assert errors < 0.3  # eV/A, after 400 steps
    assert "2 iterations are done" in (home / "summary.txt").read_text()
    before = sorted((path, path.stat().st_mtime_ns) for path in home.glob("iter-*/**/*") if "report" not in path.name)
    assert start().wait() == 0
    after = sorted((path, path.stat().st_mtime_ns) for path in home.glob("iter-*/**/*") if "report" not in path.name)
    assert [p for p in after if p[0].is_file()] == [p for p in before if p[0].is_file()]
