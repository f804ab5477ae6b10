"""Folders of studies and of the demo with damaged, missing, foreign or unfinished files: made again, or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pymatgen")

from ionpath.data import EXAMPLES, example
from ionpath.errors import InputError
from ionpath_cli.analyze import main as analyze
from ionpath_cli.intact import DONE, FAILED, QUANTITIES, fingerprints, stage
from ionpath_cli.study import load_study, make_plan, tasks as steps
from ionpath_cli.study.analyses import analyse_run
from ionpath_cli.study.command import _status, main
from ionpath_cli.study.finished import universe_of
from ionpath_cli.study.output import _packed, collect, write_comparison
from ionpath_cli.study.tasks import Outcome, Task, perform, place_of, task_keys

SETTINGS = {"builder": "argyrodite", "arguments": {}, "supercell": [1, 1, 1], "atoms": 52, "seed": 1}
STRUCTURE = Task("structure/A.1", "structure", SETTINGS)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, flip, empty, Path.unlink])
def test_a_damaged_step_is_made_again_and_its_folder_kept(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    key = task_keys([STRUCTURE])[STRUCTURE.name]
    place = Path(perform(STRUCTURE, key, str(tmp_path)).folder)
    first, file = fingerprints(place), place / "structure.extxyz"
    assert set(first) == {"structure.extxyz", "sites.extxyz"}
    damage(file)
    again = perform(STRUCTURE, key, str(tmp_path))
    aside = place.with_name(f"{place.name}.damaged-1")
    assert again.state == "done" and f"{file} was not what the step left" in again.message
    assert aside.name in again.message and (aside / "sites.extxyz").exists()
    assert fingerprints(place) == first
    assert perform(STRUCTURE, key, str(tmp_path)).state == "kept"


@pytest.mark.parametrize("content", ["", "[]", '"done"', "{}", '{"key": 1}', "{" * 99_000, "\x00"])
def test_a_record_that_is_none_is_written_again(tmp_path: Path, content: str) -> None:
    key = task_keys([STRUCTURE])[STRUCTURE.name]
    place = Path(perform(STRUCTURE, key, str(tmp_path)).folder)
    first = fingerprints(place)
    (place / DONE).write_text(content)
    (place / FAILED).write_text(content)
    assert perform(STRUCTURE, key, str(tmp_path)).state == "done"
    assert fingerprints(place) == first and not (place / FAILED).exists()


def test_numbers_of_a_damaged_table_are_shown_nowhere(tmp_path: Path) -> None:
    """Also where the record is of an earlier version, which knows no sizes: its table must hold rows of numbers."""
    plan = make_plan(load_study("jang2025"), only=[49])
    folder = tmp_path / "study"
    folder.mkdir()
    (task,) = plan.tasks
    key = task_keys(plan.tasks)[task.name]
    place = Path(perform(task, key, str(folder)).folder)
    (folder / "plan.json").write_text(json.dumps({"study": "jang2025", "asked": dict(plan.asked)}))
    write_comparison(plan, folder)
    table, rows = (folder / "comparison.csv").read_text(), collect(plan, folder)
    assert len(rows) == 2 and all(row["unit"] in ("R", "") for row in rows)
    flip(place / QUANTITIES)
    assert collect(plan, folder) == []
    said = _status(plan, folder)
    assert f"damaged: {task.name}: {place / QUANTITIES} is not what the step left; it will be done again" in said
    assert "0 done, 0 failed, 1 damaged, 0 begun, 0 to do" in said
    with pytest.raises(InputError, match="need the folder of a study with finished steps of this plan"):
        main(["jang2025", "-o", str(folder), "--archive", str(tmp_path / "kept.zip")])
    assert perform(task, key, str(folder)).state == "done"
    write_comparison(plan, folder)
    assert (folder / "comparison.csv").read_text() == table and collect(plan, folder) == rows
    record = json.loads((place / DONE).read_text())
    (place / DONE).write_text(json.dumps({k: v for k, v in record.items() if k != "files"}))
    assert collect(plan, folder) == rows  # of an earlier version
    for wrong in ("[", "{}", "[1]", '[{"quantity": "a"}]', json.dumps([{**rows[0], "value": "high"}])):
        (place / QUANTITIES).write_text(wrong)
        assert collect(plan, folder) == []


def test_an_archive_has_the_sites_of_its_crystals_and_no_support_vectors(tmp_path: Path) -> None:
    """Without its sites a structure was taken for done, and runs that went on from it had other states, in silence."""
    first = perform(STRUCTURE, task_keys([STRUCTURE])[STRUCTURE.name], str(tmp_path))
    place = Path(first.folder)
    softness = place / "softness.npz"
    np.savez(softness, **{"model.arrays.weights": np.ones(3)})
    assert {path.name for path in _packed([place], tmp_path)} == {
        "done.json", "sites.extxyz", "softness.npz", "structure.extxyz",
    }  # fmt: skip
    np.savez(softness, **{"model.arrays.support": np.ones((3, 3))})
    assert softness not in _packed([place], tmp_path)


def test_an_archive_takes_no_damaged_file(tmp_path: Path) -> None:
    plan = make_plan(load_study("jang2025"), only=[49])
    (task,) = plan.tasks
    place = Path(perform(task, task_keys(plan.tasks)[task.name], str(tmp_path)).folder)
    more = place / "states.npz"
    np.savez(more, states=np.arange(9))
    record = json.loads((place / DONE).read_text())
    (place / DONE).write_text(json.dumps({**record, "files": fingerprints(place)}))
    (tmp_path / "plan.json").write_text(json.dumps({"study": "jang2025", "asked": dict(plan.asked)}))
    flip(more)
    with pytest.raises(InputError, match=r"states\.npz: need what the step left, got something else; run the study"):
        main(["jang2025", "-o", str(tmp_path), "--archive", str(tmp_path / "kept.zip")])
    assert not (tmp_path / "kept.zip").exists()


@pytest.mark.parametrize("name", ["plan.json", "comparison.csv", "comparison.json", "comparison.html", "figure-3a.png"])
def test_files_of_somebody_else_stay(tmp_path: Path, name: str) -> None:
    for content in (b'{"mine": 1}', b"[]", b"\xff"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"output: .* got .*{name}, which no study wrote, or .* move it away"):
            main(["jang2025", "--only", "49", "-o", str(tmp_path)])
        assert (tmp_path / name).read_bytes() == content and len(list(tmp_path.iterdir())) == 1
    (tmp_path / "a file").write_text("mine")
    for looks in ([], ["--status"]):
        with pytest.raises(InputError, match="output: need a folder, got .*a file, which is a file; use -o"):
            main(["jang2025", "-o", str(tmp_path / "a file"), *looks])


def test_a_run_that_becomes_longer_is_not_finished_until_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill, or an error, while it grows: a call for the old length does not take the torn files for finished ones."""

    def grow(task: Task, place: Path, inputs: list[Path]) -> None:
        with (place / "trajectory.xtc").open("a") as file:
            file.write(f"{task.picoseconds:g} ps\n")
        if task.picoseconds > 4.0:
            assert not (place / DONE).exists()
            raise RuntimeError("killed")

    monkeypatch.setattr("ionpath_cli.study.simulate.run", grow)
    short = Task("run/A.1-600K", "run", {}, picoseconds=4.0)
    key = task_keys([short])[short.name]
    assert perform(short, key, str(tmp_path)).state == "done"
    assert perform(short, key, str(tmp_path)).state == "kept"
    assert perform(replace(short, picoseconds=8.0), key, str(tmp_path)).state == "failed"
    assert perform(short, key, str(tmp_path)).state == "done"


def test_what_is_made_across_runs_is_made_again_when_there_is_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that failed and has succeeded since, and one that a larger budget made longer."""

    def across(task: Task, place: Path, inputs: list[Path]) -> None:
        (place / "seen.txt").write_text(" ".join((folder / "length.txt").read_text() for folder in inputs))

    def run(task: Task, place: Path, inputs: list[Path]) -> None:
        (place / "length.txt").write_text(f"{task.name[-1]}{task.picoseconds:g}")

    monkeypatch.setattr("ionpath_cli.study.across.analyse_across", across)
    monkeypatch.setattr("ionpath_cli.study.simulate.run", run)
    a, b = (Task(f"run/{name}", "run", {}, picoseconds=4.0) for name in "AB")
    fit = Task("across/fit", "across", {}, (a.name, b.name))
    keys = task_keys([a, b, fit])
    folder = str(tmp_path)
    first = perform(a, keys[a.name], folder)
    lost = Outcome(b.name, "failed", "", "a worker died")

    def fitted(*parents: Outcome) -> tuple[str, str]:
        made = perform(fit, keys[fit.name], folder, *parents)
        return made.state, (Path(made.folder) / "seen.txt").read_text()

    assert fitted(first, lost) == ("done", "A4")
    assert fitted(first, lost) == ("kept", "A4")
    second = perform(b, keys[b.name], folder)
    assert fitted(first, second) == ("done", "A4 B4")  # kept without the second run before
    assert fitted(first, second) == ("kept", "A4 B4")
    assert fitted(first, lost) == ("kept", "A4 B4")  # what was there once counts
    assert _outdated([a, b, fit], tmp_path) == {}
    grown = replace(a, picoseconds=8.0)
    assert _outdated([grown, b, fit], tmp_path) == {fit.name: f"{a.name} is not finished"}
    longer = perform(grown, keys[a.name], folder)
    assert _outdated([grown, b, fit], tmp_path) == {fit.name: f"{a.name} has changed since this was made"}
    assert fitted(longer, second) == ("done", "A8 B4")
    assert _outdated([grown, b, fit], tmp_path) == {}
    place = Path(longer.folder)
    (place / DONE).unlink()
    (place / FAILED).write_text("{}")
    assert _outdated([grown, b, fit], tmp_path) == {}  # it may fail again, and then this is kept


def _outdated(tasks: list[Task], folder: Path) -> dict[str, str]:
    return steps.outdated(steps.placed(tasks, folder))


def test_what_was_made_of_other_inputs_is_said_to_be(tmp_path: Path) -> None:
    """In the status, and in every table: as if it were new, it was `done`, and its numbers had no word."""
    folder = tmp_path / "study"
    folder.mkdir()
    plan = make_plan(load_study("jang2025"), only=[49])
    (task,) = plan.tasks
    run = replace(STRUCTURE, name="structure/other.1")
    task = replace(task, inputs=(run.name,))
    plan = replace(plan, tasks=(run, task))
    keys = task_keys(plan.tasks)
    first = perform(run, keys[run.name], str(folder))
    perform(task, keys[task.name], str(folder), first)
    (folder / "plan.json").write_text(json.dumps({"study": "jang2025", "asked": dict(plan.asked)}))
    assert "2 done, 0 failed" in _status(plan, folder)
    assert not any("doubt" in row for row in collect(plan, folder))
    record = json.loads((Path(first.folder) / DONE).read_text())
    record["files"].pop("sites.extxyz")
    (Path(first.folder) / DONE).write_text(json.dumps(record))
    told = f"{run.name} has changed since this was made"
    assert f"outdated: {task.name}: {told}; it will be done again" in _status(plan, folder)
    assert "1 done, 1 outdated, 0 failed" in _status(plan, folder)
    assert all(row["doubt"].startswith(told) for row in collect(plan, folder))
    write_comparison(plan, folder)
    assert told in (folder / "comparison.csv").read_text() and told in (folder / "comparison.html").read_text()


@pytest.mark.parametrize(
    "asked",
    [
        {"budget": "x"}, {"budget": -1.0}, {"budget": 1.0, "lengths": "x"}, {"lengths": {"hot": "x"}},
        {"workers": "two"}, {"workers": 1.5}, {"only": "all"}, {"only": [49, "x"]}, {"scale": None}, {"scale": -1},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_plan_is_refused_in_a_sentence(tmp_path: Path, asked: dict[str, object]) -> None:
    """It was a TypeError, or hours below zero."""
    (tmp_path / "plan.json").write_text(json.dumps({"study": "jang2025", "asked": asked}))
    key = list(asked)[-1]
    told = rf"plan\.json: need the plan that a study wrote, got {key} .*; put it back, or use --budget"
    with pytest.raises(InputError, match=told):
        main(["jang2025", "-o", str(tmp_path), "--status"])
    assert main(["jang2025", "-o", str(tmp_path), "--status", "--budget", "2h"]) == 0


def test_files_that_a_run_cannot_go_on_with_are_named_with_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the driver advises, another name, nobody can choose in a study; moving the folder away works."""

    def go_on(task: Task, place: Path, inputs: list[Path]) -> None:
        if (place / "torn").exists():
            raise InputError(
                "file a.xtc", need="more", got="less", remedy="put it back, or begin anew under another name"
            )
        (place / "torn").write_text("")

    monkeypatch.setattr("ionpath_cli.study.simulate.run", go_on)
    task = Task("run/A.1-600K", "run", {})
    key = task_keys([task])[task.name]
    place = place_of(tmp_path, task, key)
    place.mkdir(parents=True)
    (place / "torn").write_text("")
    failed = perform(task, key, str(tmp_path))
    assert failed.message.endswith(f"put it back, or move {place} away and repeat the command")
    place.rename(tmp_path / "away")
    assert perform(task, key, str(tmp_path)).state == "done"


def test_a_number_says_the_length_of_the_run_that_it_is_of(tmp_path: Path) -> None:
    """The folder may hold a longer run than a plan of a smaller budget has: 15 ps here, where 4 ps are planned."""
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(
        InputError, match=r"start\.extxyz: need the file of a finished run, got none; go on with the study"
    ):
        universe_of(run)
    shutil.copy(example(EXAMPLES[0]).structure, run / "start.extxyz")
    shutil.copy(example(EXAMPLES[0]).trajectory, run / "trajectory.xtc")
    settings = {"temperature": 600.0, "analysis": "transport", "picoseconds": 4.0}
    analyse_run(Task("analysis/transport/A", "analysis", settings), tmp_path, [run, run])
    assert {row["picoseconds"] for row in json.loads((tmp_path / QUANTITIES).read_text())} == {15.0}


def test_runs_that_are_too_short_are_made_longer_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(task: Task, place: Path, inputs: list[Path]) -> None:
        remedy = "use a longer trajectory, or lower ballistic="
        raise InputError("positions", need="more", got="less", remedy=remedy)

    monkeypatch.setattr("ionpath_cli.study.analyses.analyse_run", short)
    task = Task("analysis/transport/A", "analysis", {})
    found = perform(task, "0" * 64, str(tmp_path), Outcome("run/A", "kept", str(tmp_path)))
    assert found.message == f"positions: need more, got less; {steps.LONGER}"


def test_outputs_of_a_stage_are_those_that_it_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def make() -> None:
        calls.append(1)
        (tmp_path / "a.txt").write_text("first")
        (tmp_path / "b.txt").write_text("second")

    def call(value: int = 1) -> bool:
        return stage(tmp_path, "x", {"n": value}, ["a.txt"], make, title="x", also=["b.txt", "none.txt"])

    assert call() and not call()
    for damage in (cut, flip, empty):
        for name in ("a.txt", "b.txt"):
            damage(tmp_path / name)
            torn = (tmp_path / name).read_bytes()
            assert call() and not call()
            assert (tmp_path / "a.txt").read_text() == "first" and (tmp_path / f"{name}.old").read_bytes() == torn
            assert f"{name} is not what an earlier run left there: this step is done again" in caplog.text
    (tmp_path / "b.txt").unlink()
    assert not call()  # not needed
    (tmp_path / "a.txt").unlink()
    assert call()
    assert call(2) and (tmp_path / "a.txt.old").exists()
    (tmp_path / ".x.json").write_text('{"n": 2}')  # of an earlier version
    assert not call(2)
    for torn in ("", "[]", '{"n":'):
        (tmp_path / ".x.json").write_text(torn)
        assert call(2)


def test_a_record_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    paths = [str(path) for path in example(EXAMPLES[0])]
    (tmp_path / "analysis.json").write_text('{"mine": 1}')
    with pytest.raises(InputError, match=r"--output: .* got analysis\.json in .*; move it away, or name another"):
        analyze([*paths, "--temperature", "600", "-o", str(tmp_path)])
    assert (tmp_path / "analysis.json").read_text() == '{"mine": 1}'


def test_a_record_that_names_files_elsewhere_moves_none(tmp_path: Path) -> None:
    mine, folder = tmp_path / "mine.txt", tmp_path / "run"
    mine.write_text("mine")
    folder.mkdir()
    record = {"settings": {"n": 1}, "files": {"../mine.txt": [4, "0"], str(mine): [4, "0"]}}
    (folder / ".x.json").write_text(json.dumps(record))

    def make() -> None:
        (folder / "a.txt").write_text("a")

    assert stage(folder, "x", {"n": 1}, ["a.txt"], make, title="x")
    assert mine.read_text() == "mine" and sorted(p.name for p in tmp_path.iterdir()) == ["mine.txt", "run"]
