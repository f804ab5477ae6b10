"""A study from its file to its comparison: what is refused, planned, done once, and compared."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dask
import distributed  # noqa: F401 - before settings are changed for a while: what it brings would be lost after that
import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionpath import cores
from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.files import locked
from ionpath_cli.options import with_config, write_config
from ionpath_cli.study import cluster, load_study, make_plan, study_names, tasks as steps
from ionpath_cli.study.analyses import lag_time
from ionpath_cli.study.command import _Clock, _options, main
from ionpath_cli.study.comparison import Combined, Compared, _peak, combine, compare
from ionpath_cli.study.graph import step_seconds
from ionpath_cli.study.output import _rounded
from ionpath_cli.study.pace import measured_pace
from ionpath_cli.study.plan import Plan
from ionpath_cli.study.quantities import jackknifed, parted, quantity
from ionpath_cli.study.tasks import Outcome, Task, perform, place_of, task_keys

SMALL = Path(__file__).with_name("small.toml").read_text(encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("least = 1.2", "least = 5"), r"runs hot: least, most: need 0 < least <= most, got 5, 4\.0"),
        (('systems = ["A"]\ntemp', 'systems = ["B"]\ntemp'), "runs hot: systems: need 'A' or 'all', got 'B'"),
        (('kind = "out"', 'kind = "ou"'), "row 3: kind: need one of .* got 'ou'; did you mean 'out'"),
        (("number = 2", "number = 1"), "rows: need each number once, got 1 twice"),
        (('uses = "transport"', 'uses = "transport"\nminutes = -1'), "across arrhenius: minutes: need .* got -1"),
        (("most = 4.0", "mst = 4.0"), "runs hot: need one of .* got 'mst'; did you mean 'most'"),
        (('label = "Li6PS5Cl"\nbuilder = "argyrodite"\n', ""), "systems.A: need builder, got none; add them"),
        (('title = "A small one"', "title = A"), "small.toml: need valid TOML"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(small: Path, change: tuple[str, str], message: str) -> None:
    small.write_text(SMALL.replace(*change))
    with pytest.raises(InputError, match=message):
        load_study(str(small))


def test_unknown_study_names_the_nearest() -> None:
    with pytest.raises(InputError, match="got 'guan204'; did you mean guan2024"):
        load_study("guan204")
    with pytest.raises(InputError, match=r"nothing\.toml: need a TOML file in UTF-8, got no such file"):
        load_study("nothing.toml")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('model = "argyrodite.2"', 'model = "argyrodite.9"', r"dynamics: model: need .*, got 'argyrodite.9'"),
        ("interval = 0.05", "interval = 5.0", "dynamics: interval: need two frames or more .* 5 ps in runs hot of 1.2"),
        ("atoms = 52", "atoms = 1000000000", "systems.A: atoms: need a whole number from 1 to 10000000"),
        ("[600, 900]\nleast", "[600, 600]\nleast", "runs hot: temperatures: need each once, got 600 2 times"),
        ('uses = "transport"', 'uses = "transprt"', "across arrhenius: uses: need .* did you mean 'transport'"),
        ('analysis = "transport"', 'analysis = "transprt"', "row 1: analysis: need .* did you mean 'transport'"),
        ("temperatures = [900]", "temperatures = [800]", "row 1: temperatures: need those of runs .*, got 800 K of A"),
        ("published = 0\n", 'published = "none"\n', "row 1: published: need 1 finite numbers, got 'none' for 1 points"),
        ("published = 0\n", "", "row 1: published: need 1 finite numbers, got '' for 1 points"),
        ("published = 0\n", "published = [0, 1]\n", r"row 1: published: need 1 finite numbers, got \(0, 1\) for 1"),
        ('"number"\npublished = 0\n', '"bound"\npublished = 5\n', "row 1: published: need a bound such as '<35'"),
        ('"number"\npublished = 0\n', '"pairs"\npublished = 5\n', "row 1: published: need an even number of points"),
        ('"number"\npublished = 0\n', '"peak"\npublished = "B"\n', "row 1: published: need the name of one of its"),
        ("[[across]]", SMALL[SMALL.index("[[runs]]") : SMALL.index("[[across]]")] + "[[across]]",
         "runs: name: need each once, got hot 2 times"),
    ],
)  # fmt: skip
def test_what_would_show_after_hours_is_told_before_the_first_step(
    small: Path, before: str, after: str, told: str
) -> None:
    """All of them were planned and run; some ended in a bare error when the comparison was written, at the end."""
    assert before in SMALL
    small.write_text(SMALL.replace(before, after, 1))
    with pytest.raises(InputError, match=told):
        make_plan(load_study(str(small)))


SECOND = SMALL[SMALL.index("[systems.A]") : SMALL.index("[[runs]]")].replace(".A]", ".B]")
TWO = SMALL.replace("[[runs]]", SECOND.replace("Li6PS5Cl", "the other") + "[[runs]]", 1)
TWO = TWO.replace('["A"]', '["A", "B"]').replace("= 0.3", "= [0.3, 0.3]")
FIGURE = """[[figures]]
name = "1"
title = "diffusion"
analysis = "transport"
quantity = "diffusion coefficient"
systems = ["A"]
temperatures = [900]
"""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("published = 0\n", 'published = "B < A"\n', r"row 1: .* \(B < A\), got .*; write systems = \['B', 'A'\]"),
        ("published = 0\n", 'published = "A > B"\n', r"row 1: systems: need .*; write systems = \['B', 'A'\]"),
        ("published = 0\n", 'published = "the other < Li6PS5Cl"\n', r"row 1: .*; write systems = \['B', 'A'\]"),
        ("published = 0\n", "published = [2, 1]\n", r"row 1: published: need numbers that grow, .*; sort both"),
        ("temperatures = [900]", "", "row 1: temperatures: need those of the runs that it is of, got none; add"),
        ("temperatures = [900]", "temperatures = [900, 900]", "row 1: temperatures: need each once, got 900 2 times"),
        ('unit = "%"', "tolerance = -0.1", "row 1: tolerance: need 0, or a relative uncertainty above it, got -0.1"),
        ('uses = "transport"\n', "", "across arrhenius: need all three, or none of them, got uses ''"),
        ("[600, 900]\n[[rows]]", "[600, 901]\n[[rows]]", r"across arrhenius: .*\(600, 900 K\), got 901"),
        ("[[rows]]", FIGURE.replace("[900]", "[300]") + "[[rows]]", "figure 1: temperatures: .*, got 300; add"),
        ("[[rows]]", FIGURE.replace("temperatures = [900]", "") + "[[rows]]", "figure 1: temperatures: .* got none"),
        ("[[rows]]", FIGURE.replace('= "transport', '= "transprt') + "[[rows]]", "figure 1: .* mean 'transport'"),
        ("[[rows]]", FIGURE.replace('["A"]', "[]") + "[[rows]]", "figure 1: need an analysis, a quantity and a system"),
        ("ordered = true", "quench = { cooling_rate = 0 }", "systems.A: quench: cooling_rate: need a positive number"),
        ("ordered = true", 'quench = { melt_picoseconds = "5" }', "quench: melt_picoseconds: need a positive"),
        ("ordered = true", "quench = { cooling = 5 }", "systems.A: quench: need .*, got 'cooling'"),
        ("ordered = true", "quench = { melt_temperature = 200 }", "systems.A: quench: need a final_temperature below"),
        ("ordered = true", "quench = { crystal_fraction = 1.5 }", "quench: crystal_fraction: need a share between 0"),
        ("atoms = 52", "atoms = 52\nsupercell = [0, 1, 1]", r"systems.A: supercell: need .*, got \(0, 1, 1\); write"),
        ("atoms = 52", "atoms = 52\nsupercell = 2", "systems.A: supercell: need three whole numbers .*, got 2"),
        ("atoms = 52", "atoms = 52\nsupercell = [[1, 0, 0], [0, 1, 0], [1, 1, 0]]", "systems.A: supercell: need three"),
    ],
)  # fmt: skip
def test_what_would_be_compared_upside_down_or_never_is_refused(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    """An order was that of the systems, whatever was published; the others were planned, and had no answer."""
    order = TWO.replace('kind = "number"', 'kind = "order"', 1)
    assert before in order
    path = tmp_path / "two.toml"
    path.write_text(order.replace(before, after, 1))
    with pytest.raises(InputError, match=told):
        make_plan(load_study(str(path)))


@pytest.mark.parametrize("published", ["A < B", "B > A", "Li6PS5Cl < the other", "less in one than < in the other"])
def test_an_order_in_words_that_fit_its_systems_is_taken(tmp_path: Path, published: str) -> None:
    path = tmp_path / "two.toml"
    path.write_text(TWO.replace('"number"\npublished = 0\n', f'"order"\npublished = "{published}"\n', 1))
    assert make_plan(load_study(str(path))).tasks


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("atoms = 52", "atoms = 53", "systems.A: atoms: need .*, got 53 for 52; write atoms = 52"),
        ("atoms = 52", "atoms = 52\narguments = { inversin = 0.5 }", "systems.A: arguments: .* mean 'inversion'"),
        ("atoms = 52", "atoms = 52\narguments = { inversion = -1 }", "systems.A: inversion: need a fraction"),
        ("atoms = 52", "atoms = 52\narguments = { seed = 3 }", "systems.A: arguments: need .*, got 'seed'"),
        ('"argyrodite"\n', '"lpscl"\n', "systems.A: arguments: need phase for lpscl, got none; add them"),
        ('"argyrodite"\n', '"packed"\narguments = { counts = { Li = 6, P = 2, S = 8 }, densty = 2.0 }\n',
         "systems.A: arguments: need .* did you mean 'density'"),
        ('"argyrodite"\n', '"packed"\narguments = { counts = { Li = 6, P = 2, S = 8 } }\nsupercell = [2, 1, 1]\n',
         "systems.A: supercell: need one cell, whose ions `counts` names"),
        ('"argyrodite"\n', '"packed"\narguments = { counts = { Li = 1e300 } }\n', "systems.A: counts: need"),
        ('"argyrodite"\n', '"file"\narguments = { file = "one.cif" }\n',
         "one.cif: need a file that ASE reads, got"),
        ('"argyrodite"\n', '"file"\narguments = { file = "part.cif" }\n',
         "systems.A: part.cif: need full occupancies, got S 0.5, Cl 0.5 on 2 of 2 sites; order them first: ion"),
        ('"argyrodite"\natoms = 52', '"file"\narguments = { file = "gold.xyz" }\natoms = 1',
         "systems.A: .*need .* Au"),
        ('"argyrodite"\natoms = 52', '"file"\narguments = { file = "none.xyz" }\natoms = 1',
         r"file: need a structure file in UTF-8, got .*none\.xyz"),
        ('analyses = ["transport"]', 'analyses = ["transport"]\n[[runs]]\nname = "hop"\nsystems = ["A"]\n'
         'temperatures = [300]\nleast = 50\nmost = 60\nprotocol = "inter-cage"\narguments = { sigma = -0.1 }',
         "runs hop: arguments: sigma: need a positive number"),
        ('analyses = ["transport"]', 'analyses = ["transport"]\n[[runs]]\nname = "hop"\nsystems = ["A"]\n'
         'temperatures = [300]\nleast = 50\nmost = 60\nprotocol = "intra-cage"\narguments = { centre = "Br" }',
         "runs hop: arguments: centre: need one of .*, got 'Br'"),
    ],
)  # fmt: skip
def test_structures_that_cannot_be_built_are_told_before_the_plan(
    small: Path, before: str, after: str, told: str
) -> None:
    """The step of the structure failed in the night, or did not: of a glass a misspelt density was the default."""
    assert before in SMALL
    (small.parent / "one.cif").write_text("nonsense")
    Structure(Lattice.cubic(10.0), [{"S": 0.5, "Cl": 0.5}], [[0.5] * 3]).to(str(small.parent / "part.cif"))
    (small.parent / "gold.xyz").write_text('1\nLattice="9 0 0 0 9 0 0 0 9" pbc="T T T"\nAu 0 0 0\n')
    small.write_text(SMALL.replace(before, after, 1))
    with pytest.raises(InputError, match=told):
        main([str(small), "--list"])


def test_a_quantity_that_an_analysis_does_not_give_is_said_to_be_none(small: Path) -> None:
    small.write_text(SMALL.replace("ions beyond 5 A", "ions beyond 6 A"))
    study = load_study(str(small))
    labels = {"analysis": "transport", "system": "A", "temperature": 900.0, "potential": "argyrodite.2"}
    rows = [labels | quantity("ions beyond 5 A", 3.0, unit="%")]
    assert compare(study, [], {})[0].sentence.startswith("Not finished")
    told = compare(study, rows, {})[0].sentence
    assert told.startswith("Transport gave no 'ions beyond 6 A'; the nearest name is 'ions beyond 5 A'")


@pytest.mark.parametrize("name", study_names())
def test_shipped_studies_are_whole(name: str) -> None:
    study = load_study(name)
    plan = make_plan(study)
    assert set(plan.lengths) == {runs.name for runs in study.runs}  # without a budget everything is run
    names = [task.name for task in plan.tasks]
    assert len(set(names)) == len(names)
    for k, task in enumerate(plan.tasks):
        assert set(task.inputs) <= set(names[:k])  # each step comes after its inputs


def test_time_of_a_step_is_the_measured_one() -> None:
    # ms on one core, docs/potential.md
    for model, measured in {"argyrodite": (10, 55, 450), "argyrodite.2": (3.2, 18.5, 153)}.items():
        assert [1e3 * step_seconds(model, n) for n in (52, 416, 3328)] == pytest.approx(measured, rel=1e-9)


def test_the_time_of_a_step_across_runs_counts_what_it_reads(small: Path) -> None:
    small.write_text(SMALL.replace('uses = "transport"', 'uses = "transport"\nminutes = 3\nminutes_per_run = 7'))
    assert {t.seconds for t in make_plan(load_study(str(small))).tasks if t.stage == "across"} == {60.0 * (3 + 2 * 7)}


def test_a_budget_is_kept_and_says_what_it_drops() -> None:
    study = load_study("guan2024")
    for hours in (2.0, 10.0, 50.0):
        plan = make_plan(study, budget=hours)
        assert plan.seconds <= hours * 3600.0
    first = make_plan(study, budget=0.35)
    assert "cold" in first.lengths and "hot" not in first.lengths
    assert {t.settings["arrangement"] for t in first.tasks if "arrangement" in t.settings} == {1}  # too dear with two
    for group in study.runs:
        assert first.lengths.get(group.name, group.least) >= group.least
    with pytest.raises(
        InputError, match=r"budget: need at least .* for the first runs, got 1 min; use --budget .*h or"
    ):
        make_plan(study, budget=1.0 / 60.0)


def test_only_what_rows_need_is_run(small: Path) -> None:
    study = load_study(str(small))
    assert make_plan(study, only=[2]).dropped == {}
    with pytest.raises(InputError, match=r"only: need rows of small \(1 to 3\), got 9; see --list"):
        make_plan(study, only=[9])
    with pytest.raises(InputError, match="only: need numbers and ranges such as 1-5,28, got 'two'"):
        main([str(small), "--list", "--only", "two"])
    with pytest.raises(InputError, match="only: need numbers and ranges such as 1-5,28, got '3-1'"):
        main([str(small), "--list", "--only", "3-1"])  # which was no row
    with pytest.raises(InputError, match="budget: need a time such as 30min, 2h, 10h or 3d, got '10'"):
        main([str(small), "--list", "--budget", "10"])


def test_the_hash_of_a_step_follows_what_shapes_it(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(load_study(str(small)))
    before = task_keys(plan.tasks)
    longer = [replace(t, picoseconds=2 * t.picoseconds) for t in plan.tasks]
    assert task_keys(longer) == before  # a longer run is the same one, continued
    monkeypatch.setattr(steps, "checksum", lambda model: "another potential")
    changed = {name for name, key in task_keys(plan.tasks).items() if key != before[name]}
    assert changed == {t.name for t in plan.tasks if t.stage != "structure"}
    monkeypatch.undo()
    monkeypatch.setitem(steps.STAGES, "analysis", (steps.STAGES["analysis"][0], "9.9"))
    changed = {name for name, key in task_keys(plan.tasks).items() if key != before[name]}
    assert changed == {t.name for t in plan.tasks if t.stage in ("analysis", "across")}


def test_a_step_is_done_once_and_a_failed_one_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"builder": "argyrodite", "arguments": {}, "supercell": [1, 1, 1], "atoms": 52, "seed": 1}
    good, bad = (
        Task("structure/A.1", "structure", settings),
        Task("structure/B.1", "structure", {**settings, "atoms": 51}),
    )
    keys = task_keys([good, bad])
    folder = str(tmp_path)
    assert perform(good, keys[good.name], folder).state == "done"
    assert perform(good, keys[good.name], folder).state == "kept"
    failed = perform(bad, keys[bad.name], folder)
    assert failed.state == "failed" and "write atoms = 52" in failed.message
    after = perform(Task("cell/B.1", "cell", {}), "0" * 64, folder, failed)
    assert after.state == "blocked" and "needs structure/B.1, which failed" in after.message
    monkeypatch.setattr(steps, "LEAST_SPACE", 10**18)
    full = perform(replace(good, name="structure/C.1"), "1" * 64, folder)
    assert full.state == "failed" and "GB of free space" in full.message and "make room" in full.message


@pytest.mark.parametrize(
    ("left", "longer", "needed"),
    [
        (["done.json"], False, {"run/A": "analysis/x/A"}),
        (["done.json"], True, {"run/A": "run/A"}),
        (["done.json", "start.extxyz", "trajectory.xtc"], False, {}),
        (["done.json", "start.extxyz", "trajectory.xtc"], True, {"run/A": "run/A"}),
        (["done.json", "start.extxyz", "trajectory.xtc", "trajectory.checkpoint.npz"], True, {}),
        ([], False, {}),
    ],
)
def test_a_run_whose_trajectory_is_needed_and_gone_is_made_again(
    tmp_path: Path, left: list[str], longer: bool, needed: dict[str, str]
) -> None:
    run = Task("run/A", "run", {}, picoseconds=40.0 if longer else 20.0)
    read = Task("analysis/x/A", "analysis", {"analysis": "x"}, inputs=("run/A",))
    placed = steps.placed([run, read], tmp_path)
    _, key, place = placed[0]
    place.mkdir(parents=True)
    for name in left:
        record = {"key": key, "picoseconds": 20.0, "seconds": 1.0, "files": {}}
        (place / name).write_text(json.dumps(record) if name == "done.json" else "x")
    assert steps.bare(placed) == needed
    said = steps.put_bare_aside(placed)
    aside = place.with_name(f"{place.name}.without-trajectory-1")
    assert aside.is_dir() == bool(needed) == (not place.exists()) == ("made again" in said)
    assert sorted(path.name for path in (aside if needed else place).iterdir()) == sorted(left)


def test_an_archive_needs_finished_steps_and_a_name_for_zip(small: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"archive: need a file that ends in \.zip, got .*kept; use kept\.zip"):
        main([str(small), "-o", str(tmp_path), "--archive", str(tmp_path / "kept")])
    with pytest.raises(InputError, match="output: need the folder of a study with finished steps of this plan"):
        main([str(small), "-o", str(tmp_path), "--archive", str(tmp_path / "kept.zip")])


def test_an_archive_keeps_tables_in_single_precision(tmp_path: Path) -> None:
    """Six digits of what varies, four of long curves, three of several side by side, all of numbers and labels."""
    rng = np.random.default_rng(0)
    whole = {
        "table": rng.random((50, 3)),
        "times": rng.random(2000),
        "msd": np.append(np.exp(rng.normal(0.0, 9.0, 2000)), [np.nan, np.inf, 0.0]),
        "axes": rng.normal(size=(2000, 3)),
        "drift": rng.normal(size=(2000, 3)),
        "counts": np.arange(6).reshape(2, 3),
        "x": np.array("S"),
    }
    np.savez_compressed(tmp_path / "result.npz", **whole)
    (tmp_path / "small.npz").write_bytes(_rounded(tmp_path / "result.npz"))
    kept = np.load(tmp_path / "small.npz")
    assert set(kept.files) == set(whole) and kept["table"].dtype == np.float32
    np.testing.assert_allclose(kept["table"], whole["table"], rtol=1e-6)
    np.testing.assert_allclose(kept["msd"], whole["msd"], rtol=1.3e-4)
    np.testing.assert_allclose(kept["axes"], whole["axes"], rtol=1e-3)
    assert kept["msd"].dtype == np.float64 and kept["axes"].dtype == np.float32
    assert (tmp_path / "small.npz").stat().st_size < 0.7 * (tmp_path / "result.npz").stat().st_size
    np.testing.assert_allclose(kept["drift"], whole["drift"], atol=2e-3)
    for name in ("times", "counts", "x"):
        assert (kept[name] == whole[name]).all() and kept[name].dtype == whole[name].dtype


def test_no_worker_waits_while_a_step_is_due(tmp_path: Path, monkeypatch) -> None:
    """A long step, and those that were meant for the same worker: all others end before it does."""
    systems = [f"s{n}" for n in range(6)]
    tasks = []
    for number, name in enumerate(systems):
        chain = [("structure", f"structure/{name}"), ("cell", f"cell/{name}"), ("run", f"run/{name}")]
        for stage, own in [*chain, ("analysis", f"analysis/a/{name}"), ("analysis", f"analysis/b/{name}")]:
            before = {"structure": (), "cell": (chain[0][1],), "run": (chain[1][1],)}.get(stage, (chain[2][1],))
            tasks.append(Task(own, stage, {}, before, priority=number // 2))
    tasks.append(Task("across/all", "across", {}, tuple(f"analysis/a/{name}" for name in systems)))
    others = len(tasks) - 4  # all but the long one and the three that need it

    def step(task: Task, key: str, folder: str, *parents: Outcome) -> Outcome:
        assert [p.name for p in parents] == list(task.inputs)
        time.sleep({"cell/s0": 2.0, "run/s1": 5.0}.get(task.name, 0.0))  # as dask learns what steps take
        end = time.monotonic() + 100.0
        while task.name == "run/s0" and len(list(Path(folder).glob("*.ended"))) < others:
            if time.monotonic() > end:
                return Outcome(task.name, "failed", folder, "steps that were due have not been done")
            time.sleep(0.02)
        (Path(folder) / f"{task.name.replace('/', '-')}.ended").touch()
        return Outcome(task.name, "done", folder)

    monkeypatch.setattr(cluster, "perform", step)
    seen: list[str] = []
    with dask.config.set({"distributed.scheduler.unknown-task-duration": "10ms"}):
        found = cluster.carry_out(tasks, tmp_path, workers=2, report=lambda one, all_: seen.append(one.name))
    assert [one.message for one in found if not one.good] == []
    assert sorted(seen) == sorted(task.name for task in tasks)


@pytest.mark.parametrize("damaged", ["", "cell/7"])
def test_what_is_due_last_does_not_begin_while_kept_steps_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    """A cell of the last group took a worker for minutes, because what was due first had not been looked at yet."""
    chain = [f"{stage}/{n}" for n in range(8) for stage in ("structure", "cell", "run")]
    tasks = [
        Task(name, name.split("/")[0], {}, () if "structure" in name else (chain[k - 1],))
        for k, name in enumerate(chain)
    ]
    tasks += [Task("structure/late", "structure", {}), Task("cell/late", "cell", {}, ("structure/late",), priority=12)]
    tasks.append(Task("analysis/due", "analysis", {}, ("run/7",), priority=1))

    def step(task: Task, key: str, folder: str, *parents: Outcome) -> Outcome:
        with (Path(folder) / "began").open("a") as file:
            file.write(f"{task.name}\n")
        return Outcome(task.name, "kept", folder)

    def look(task: Task, key: str, folder: str, *parents: Outcome) -> Outcome:
        return Outcome(task.name, "due" if task.name == damaged else "kept", folder)

    monkeypatch.setattr(cluster, "perform", step)
    monkeypatch.setattr(cluster, "kept", look)
    monkeypatch.setattr(cluster, "done", lambda place, *_: not place.name.startswith(("due", "late")))
    found = cluster.carry_out(tasks, tmp_path, workers=1, report=lambda one, all_: time.sleep(0.02))
    assert sorted(one.name for one in found) == sorted(task.name for task in tasks)
    made = [name for name in (tmp_path / "began").read_text().split() if not name.startswith("structure")]
    assert made == (["cell/7", "run/7"] if damaged else []) + ["analysis/due", "cell/late"]


def test_steps_side_by_side_share_the_cores(tmp_path: Path, monkeypatch) -> None:
    """One thread each where there are as many workers as cores, and what the user has asked for."""

    def step(task: Task, key: str, folder: str, *parents: Outcome) -> Outcome:
        return Outcome(task.name, "done", folder, os.environ["OMP_NUM_THREADS"])

    def only_told(*given):
        raise RuntimeError(given[-1]["OMP_NUM_THREADS"])

    monkeypatch.setattr(cluster, "perform", step)
    monkeypatch.setattr(cores, "cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (found,) = cluster.carry_out([Task("a", "structure", {})], tmp_path, workers=2, report=lambda one, all_: None)
    assert found.message == "2"
    monkeypatch.setattr(cluster, "_client", only_told)
    for asked, workers, processes, threads in (("", 3, 1, "1"), ("", 1, 4, "1"), ("", 1, 1, "4"), ("3", 1, 1, "3")):
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        tasks = [Task("a", "structure", {}, options={"processes": processes})]
        with pytest.raises(RuntimeError, match=f"^{threads}$"):
            cluster.carry_out(tasks, tmp_path, workers=workers, report=lambda one, all_: None)


def test_a_group_of_runs_takes_the_length_that_is_asked_for(small: Path, tmp_path: Path) -> None:
    """What was begun with one length could not be looked at together with runs of another."""
    study = load_study("guan2024")
    plan = make_plan(study, budget=3.0, lengths={"hot": 120.0, "cold": 276.0})
    assert (plan.lengths["hot"], plan.lengths["cold"]) == (120.0, 276.0)
    assert 30.0 <= plan.lengths["ladder"] < 120.0  # what the budget buys
    arguments = ["--length", "hot", "2.5", "-o", str(tmp_path / "study")]
    (tmp_path / "study").mkdir()
    with contextlib.redirect_stdout(io.StringIO()) as listed:
        assert main([str(small), *arguments, "--list"]) == 0
    assert "at 600, 900 K: 2.5 ps each" in listed.getvalue()
    asked = make_plan(load_study(str(small)), lengths={"hot": 2.5}).asked
    (tmp_path / "study" / "plan.json").write_text(json.dumps({"study": "small", "asked": asked}))
    for more, runs in ((["--length", "hot", "2.0"], 2.0), ([], 2.5)):  # else those of the folder
        with contextlib.redirect_stdout(io.StringIO()) as told:
            main([str(small), *more, "-o", str(tmp_path / "study"), "--status"])
        expected = make_plan(load_study(str(small)), lengths={"hot": runs})
        assert f"about {expected.seconds / 3600:.2f} h of one worker left" in told.getvalue()


@pytest.mark.parametrize("text", ["[1]", '"x"', '{"asked": 3}', '{"asked": {"lengths": 1}, "lengths": 1}'])
def test_a_plan_that_is_none_stops_no_list(small: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert main([str(small), "-o", str(tmp_path), "--list"]) == 0
    assert "steps, about" in told.getvalue()


def test_a_folder_is_looked_at_by_the_plan_that_it_has(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later version may plan shorter runs, or fewer, for the same budget, of which a folder has nothing."""
    hours = make_plan(load_study(str(small)), lengths={"hot": 2.0}).seconds / 3600 + 1e-3
    monkeypatch.setattr("ionpath_cli.study.command.measured_pace", lambda model, workers: 1.0)
    monkeypatch.setattr("ionpath_cli.study.cluster.carry_out", lambda *_, **__: [])
    arguments = [str(small), "-o", str(tmp_path / "study")]
    assert main([*arguments, "--budget", f"{60 * hours:.3f}min", "--workers", "1"]) == 0
    said = []
    for text in (SMALL, SMALL.replace('uses = "transport"', 'uses = "transport"\nminutes = 5000')):
        small.write_text(text)
        with contextlib.redirect_stdout(io.StringIO()) as told:
            assert main([*arguments, "--status"]) == 0
        said.append(told.getvalue().splitlines()[0])
    assert said[0] == said[1] and "to do" in said[0]
    (tmp_path / "study" / "plan.json").write_text('{"study": "small", "lengths": {"hot": 0.1}, "arrangements": []}')
    with contextlib.redirect_stdout(io.StringIO()) as told:  # what does not fit is no plan
        assert main([*arguments, "--status"]) == 0
    assert "to do" in told.getvalue()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("hott", "3"), r"length: need a group of runs \('hot'\), got 'hott'; see --list"),
        (("hot", "1"), r"length: need 1.2 ps or more for 'hot', got 1; use --length \"hot\" 1.2"),
        (("hot", "nan"), r"length: need 1.2 ps or more for 'hot', got nan"),
        (("hot", "inf"), r"length: need 1.2 ps or more for 'hot', got inf"),
        (("hot", "2 ps"), r"length: need a group of runs and its length in ps, got 'hot' and '2 ps'; use --length"),
    ],
)
def test_a_length_that_says_nothing_is_refused(small: Path, given: tuple[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        main([str(small), "--length", *given, "--list"])
    with pytest.raises(
        InputError, match=r"length: need each group of runs once, got 'hot' twice; leave one of both out"
    ):
        main([str(small), "--length", "hot", "2", "--length", "hot", "3", "--list"])


def test_lengths_are_among_the_options_that_a_study_writes(tmp_path: Path) -> None:
    arguments = _options()
    typed = ["guan2024", "--length", "hot", "100", "--length", "cold, pairs of units", "50"]
    write_config(tmp_path / "options.toml", arguments, arguments.parse_args(typed))
    words = with_config(["--config", str(tmp_path / "options.toml")], "study", ["study"])
    assert arguments.parse_args(words).length == [["hot", "100"], ["cold, pairs of units", "50"]]


def test_a_second_call_of_a_study_is_refused(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    told = rf"folder {folder}: need no other run in it, got one that is going on \(process {os.getpid()}\); wait for"
    with locked(folder / ".lock", "this"), pytest.raises(InputError, match=told):
        main([str(small), "--workers", "1", "-o", str(folder)])
    assert list(folder.iterdir()) == []


def test_two_studies_do_not_share_a_folder(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    with (
        locked(folder / ".lock", "folder"),
        pytest.raises(InputError, match=r"here: need no other run in it, got one that is going on \(process \d+\)"),
    ):
        main([str(small), "-o", str(folder)])
    (folder / "plan.json").write_text('{"study": "guan2024"}')
    with pytest.raises(InputError, match="output: need a folder of this study, got .*, which holds guan2024"):
        main([str(small), "-o", str(folder)])


def test_rows_of_all_systems_need_a_run_of_one() -> None:
    """Softness of the glasses is of runs at 500 K, which a small budget does not buy."""
    study = load_study("chen2023")
    small, large = make_plan(study, budget=1.0), make_plan(study)
    assert all("the budget buys no run of P2S6-0 at 500 K" in small.dropped[n] for n in (90, 92, 93, 94, 96))
    assert not {90, 92, 93, 94, 96} & set(large.dropped)


def test_rows_come_before_second_arrangements() -> None:
    """Four hours are spent on all five glasses once, not on two of them twice, which answers no further row."""
    plan = make_plan(load_study("chen2023"), budget=3.9)
    assert set(plan.dropped) == {88, 89}  # activation energies want two more temperatures
    assert {run.arrangements for run in plan.study.runs if run.name in plan.lengths} == {1}


def test_arrangements_of_low_symmetry_have_cells_of_their_own() -> None:
    """Edges of LSPSCl depend on where Si, P and Cl are; a cubic crystal, and one without disorder, has one cell."""
    tasks = make_plan(load_study("guan2024")).tasks
    cells = {task.name: task.inputs[1] for task in tasks if task.name.startswith("run/") and "600K" in task.name}
    for system, own in (("LSPSCl", True), ("LPSCl-III", False), ("LPSCl-II", False)):
        assert cells[f"run/{system}.2-600K"] == f"cell/{system}.{2 if own else 1}-600K"


def test_lengths_are_planned_by_the_pace_of_this_machine(small: Path, tmp_path: Path, monkeypatch) -> None:
    """It is measured once; a folder goes on with the same runs, and where no time is given none is needed."""
    seen: list[tuple[str, int]] = []
    plans: list[Plan] = []

    def run(plan: Plan, folder: Path, **options: object) -> int:
        plans.append(plan)
        folder.mkdir(exist_ok=True)
        (folder / "plan.json").write_text(json.dumps({"study": plan.study.name, "asked": dict(plan.asked)}))
        return 0

    place = "ionpath_cli.study.command"
    monkeypatch.setattr(f"{place}.measured_pace", lambda model, workers: seen.append((model, workers)) or 2.0)
    monkeypatch.setattr(f"{place}.run_study", run)
    for _ in range(2):
        assert main([str(small), "-o", str(tmp_path / "study"), "--budget", "2min"]) == 0
    assert seen == [("argyrodite.2", 2)]
    half = make_plan(load_study(str(small)), budget=1 / 60, workers=2)
    assert plans[0].lengths == plans[1].lengths == half.lengths
    assert plans[0].seconds == pytest.approx(2.0 * half.seconds)
    assert main([str(small), "-o", str(tmp_path / "whole")]) == 0 and len(seen) == 1
    (tmp_path / "study" / "plan.json").write_text(json.dumps({"study": half.study.name, "asked": {"pace": "fast"}}))
    assert main([str(small), "-o", str(tmp_path / "study"), "--budget", "1min"]) == 0
    assert plans[-1].lengths == half.lengths and len(seen) == 1


def test_the_pace_is_measured() -> None:
    assert 0.0 < (measured_pace("argyrodite.2", 2) or 0.0) < np.inf
    assert measured_pace("no-such-potential", 1) is None


def test_time_left_counts_what_a_folder_holds(tmp_path: Path) -> None:
    """A run that had 98 of its 100 ps says nothing of the pace by its seconds; others take what was expected."""
    run = Task("run/a", "run", {}, (), 100.0, 1000.0, 1)
    more = Task("run/b", "run", {}, (), 100.0, 7200.0, 1)
    plan = Plan(load_study("chen2023"), {}, {}, 8200.0, (run, more))
    place = place_of(tmp_path, run, task_keys(plan.tasks)["run/a"])
    place.mkdir(parents=True)
    (place / "trajectory.csv").write_text("step,time\n49000,98.0\n")
    clock = _Clock(plan, tmp_path, workers=1)
    line = clock.line(Outcome("run/a", "done", str(place), seconds=20.0), 1)
    assert line.endswith("[1/2] run/a done in 20 s; about 2.0 h left")


def test_pages_are_of_the_plan_that_was_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --budget or --only a page takes those of the folder: of another plan it had no number, and no figure."""
    folder, page = tmp_path / "study", tmp_path / "page.md"
    page.write_text("before")
    with pytest.raises(InputError, match="need the folder of a study with finished analyses of this plan"):
        main(["jang2025", "-o", str(folder), "--markdown", str(page)])
    assert page.read_text() == "before"
    assert main(["jang2025", "--only", "49", "-o", str(folder), "--workers", "1"]) == 0
    with pytest.raises(InputError, match="page.md: need a new file, or one that was written here by the same call"):
        main(["jang2025", "-o", str(folder), "--markdown", str(page)])
    assert page.read_text() == "before"
    page.unlink()
    for _ in range(2):  # its own page is replaced
        assert main(["jang2025", "-o", str(folder), "--markdown", str(page)]) == 0
    assert "1 of 1 rows have a value" in page.read_text() and "| 49 |" in page.read_text()
    main(["jang2025", "-o", str(folder), "--status"])
    assert "1 done, 0 failed, 0 begun, 0 to do" in capsys.readouterr().out


def _rows(values: np.ndarray, errors: np.ndarray, **labels: object) -> list[dict[str, object]]:
    return [
        {"value": v, "error": e, "low": v - 1.96 * e, "high": v + 1.96 * e, "unit": "", "note": "", "arrangement": k,
         **labels}
        for k, (v, e) in enumerate(zip(values, errors, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 3.0])
def test_interval_over_arrangements_covers(spread: float) -> None:
    """Known truth: three arrangements with a spread, each with a sampling error of 1."""
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(2000):
        values = 10.0 + spread * rng.standard_normal(3) + rng.standard_normal(3)
        found = combine(_rows(values, np.ones(3)))
        assert found is not None
        inside += found.estimate.low <= 10.0 <= found.estimate.high
    assert 0.90 <= inside / 2000 <= 0.99


@pytest.mark.parametrize(("number", "spread"), [(3, 0.3), (3, 0.6), (5, 0.3), (5, 0.6)])
def test_interval_covers_where_some_arrangements_are_bounds(number: int, spread: float) -> None:
    """Known truth: diffusion of mean 1 with a spread, an error of 0.2 each, and a bound where it is below 2 errors."""
    rng, sets, inside, bounded = np.random.default_rng(7), 0, 0, 0
    shape = 1.0 / spread**2  # of a gamma distribution: above zero, and its mean is exact
    while sets < 2000:
        values = rng.gamma(shape, 1.0 / shape, number) + 0.2 * rng.standard_normal(number)
        rows = _rows(values, np.full(number, 0.2))
        seen = values > 0.4
        if 2 * seen.sum() <= number:
            continue
        for row in (row for row, there in zip(rows, seen, strict=True) if not there):
            row |= {"value": np.nan, "error": np.nan, "low": 0.0, "high": max(row["high"], 0.4)}
        found = combine(rows)
        assert found is not None and np.isfinite(found.estimate.value)
        inside += found.estimate.low <= 1.0 <= found.estimate.high
        sets, bounded = sets + 1, bounded + (not seen.all())
    assert bounded > 100 and 0.90 <= inside / sets <= 0.99


def test_a_bound_with_one_value_beside_it_is_a_bound() -> None:
    rows = _rows(np.array([1.0, np.nan, np.nan]), np.full(3, 0.2))
    for row in rows[1:]:
        row |= {"low": 0.0, "high": 0.5}
    found = combine(rows)
    assert found is not None and np.isnan(found.estimate.value)


@pytest.mark.parametrize("ordered", [True, False])
def test_the_same_number_twice_is_no_error_of_zero(ordered: bool) -> None:
    found = combine(_rows(np.zeros(2), np.full(2, np.nan)), ordered=ordered)
    assert found is not None and np.isnan([found.estimate.error, found.estimate.high]).all()
    assert str(found.estimate).endswith("(error not known)")


@pytest.mark.parametrize(
    ("number", "ordered", "spread"),
    [*((n, True, 0.0) for n in (1, 2, 3)), *((n, False, spread) for n in (2, 3, 5) for spread in (0.0, 0.3, 1.0, 3.0))],
)
def test_intervals_of_runs_with_five_blocks_cover(number: int, ordered: bool, spread: float) -> None:
    """Known truth: an error of 1 that each run knows from its five blocks, t(0.975, 4); arrangements have a spread."""
    rng, trials, inside = np.random.default_rng(11), 1000, 0
    for _ in range(trials):
        truths = 10.0 + spread * (not ordered) * rng.standard_normal((number, 1))
        blocks = truths + 5.0**0.5 * rng.standard_normal((number, 5))
        rows = _rows(blocks.mean(1), blocks.std(1, ddof=1) / 5.0**0.5)
        for row in rows:
            row |= {"low": row["value"] - 2.7764 * row["error"], "high": row["value"] + 2.7764 * row["error"]}
        together = combine(rows, ordered=ordered)
        assert together is not None
        inside += together.estimate.low <= 10.0 <= together.estimate.high
    assert 0.90 <= inside / trials <= 0.99


def test_parts_of_an_error() -> None:
    """Sampling 0.3 / sqrt(3) each; scatter s / sqrt(3) of 1, 2, 3; another potential 0.5 lower in arrangement 0."""
    rows = _rows(np.array([1.0, 2.0, 3.0]), np.full(3, 0.3))
    found = combine(rows, others=_rows(np.array([0.5]), np.array([0.1])))
    assert found is not None
    assert (found.estimate.value, found.sampling, found.potential) == pytest.approx((2.0, 0.3 / 3**0.5, 0.5))
    assert found.arrangements == pytest.approx((1.0 / 3.0 - 0.03) ** 0.5)  # what sampling does not explain
    bound = combine(_rows(np.array([np.nan]), np.array([np.nan]), high=2.0))
    assert bound is not None and str(bound.estimate) == "< 2"
    same = combine(
        _rows(np.array([49.5]), np.array([2.7e-14])), ordered=True
    )  # bootstrap samples that are all the same
    assert same is not None and str(same.estimate) == "49.5 (error not known)"


@pytest.mark.parametrize(
    ("kind", "published", "values", "verdict"),
    [
        ("number", 10.5, (10.0,), "agrees"),
        ("number", 20.0, (10.0,), "differs"),
        ("number", 10.0, (float("nan"),), "not sampled"),
        ("number", 1.0, (0.5,), "not sampled"),  # 0.5 ± 0.5 agrees with anything
        ("bound", "<35", (10.0,), "agrees"),
        ("bound", "<5", (10.0,), "differs"),
        ("order", "A < B", (10.0, 20.0), "order agrees"),
        ("order", "A < B", (20.0, 10.0), "differs"),
        ("order", "A < B", (10.0, 10.5), "not sampled"),
        ("order", "A < B", (10.0, float("nan")), "not sampled"),
        ("number", (10.0, 20.0), (10.0, 20.0), "agrees"),
        ("number", (10.0, 30.0), (10.0, 20.0), "differs"),
        ("peak", "B", (10.0, 20.0, 10.0), "order agrees"),
        ("peak", "A", (10.0, 20.0, 10.0), "differs"),
        ("peak", "B", (10.0, 20.0, 20.5), "not sampled"),
        ("peak", "B", (10.0, 20.0, float("nan")), "not sampled"),
        ("pairs", "A < B, C < D", (10.0, 20.0, 10.0, 20.0), "order agrees"),
        ("pairs", "A < B, C < D", (10.0, 20.0, 20.0, 10.0), "differs"),
        ("pairs", "A < B, C < D", (10.0, 20.0, 10.0, 10.5), "not sampled"),
        ("bound", ">5", (10.0, 20.0), "agrees"),
        ("bound", ">15", (20.0, 10.0), "differs"),
        ("bound", "<20", (20.0, 10.0), "not sampled"),
        ("text", "a figure", (10.0,), "ours alone"),
        ("text", "a figure", (float("nan"), 10.0), "ours alone"),
        ("text", "a figure", (float("nan"),), "not sampled"),
    ],
)
def test_verdicts(small: Path, kind: str, published: object, values: tuple[float, ...], verdict: str) -> None:
    study = load_study(str(small))
    systems = {name: replace(study.systems["A"], name=name) for name in "ABCD"}
    row = replace(
        study.rows[0], kind=kind, published=published, systems=tuple("ABCD"[: len(values)]), temperatures=(900.0,)
    )
    study = replace(study, systems=systems, rows=(row,))
    rows = [
        {**_rows(np.array([v]), np.array([0.5]))[0], "system": name, "temperature": 900, "analysis": "transport",
         "quantity": row.quantity[0], "potential": "argyrodite.2", "unit": row.unit}
        for name, v in zip("ABCD", values, strict=False)
    ]  # fmt: skip
    found = compare(study, rows, {})[0]
    assert found.verdict == verdict
    if np.isnan(values[-1]) and kind == "order":
        assert "Not known well enough to be told apart: A 900 K and B 900 K." in found.sentence
    assert not (np.isnan(values[-1]) and "same within errors" in found.sentence)


def test_a_bound_below_a_peak_is_below_it(small: Path) -> None:
    """Where ions do not diffuse in a run there is no number, but less than what the peak has at least."""
    row = replace(load_study(str(small)).rows[0], kind="peak", published="B")
    peak, low = Estimate(800.0, 61.0, 680.0, 920.0, "mS/cm"), Estimate(400.0, 61.0, 280.0, 520.0, "mS/cm")
    for bound, verdict in ((370.0, "order agrees"), (700.0, "not sampled")):
        none = Estimate(np.nan, np.nan, 0.0, bound, "mS/cm")
        points = [(name, Combined(own)) for name, own in (("A 600 K", none), ("B 600 K", peak), ("C 600 K", low))]
        assert _peak(row, points)[0] == verdict


def _one(small: Path, value: float, *, kind: str, published: object, ordered: bool, unit: str = "%") -> tuple[str, str]:
    """Verdict and sentence of a row of which there is one arrangement."""
    study = load_study(str(small))
    system = replace(study.systems["A"], ordered=ordered)
    row = replace(study.rows[0], kind=kind, published=published, temperatures=(900.0,))
    rows = [
        {**_rows(np.array([value]), np.array([0.5]))[0], "system": "A", "temperature": 900, "analysis": "transport",
         "quantity": row.quantity[0], "potential": "argyrodite.2", "unit": unit}
    ]  # fmt: skip
    found = compare(replace(study, systems={"A": system}, rows=(row,)), rows, {})[0]
    return found.verdict, found.sentence


def test_several_values_are_said_together(small: Path) -> None:
    """Three quantities of one run: where it was stands once, and so does what is said of each."""
    study = load_study(str(small))
    row = replace(study.rows[0], kind="number", quantity=("first", "second", "third"), systems=("A",))
    study = replace(study, systems={"A": replace(study.systems["A"], ordered=True)})

    def found(*values: float, published: tuple[float, ...]) -> Compared:
        rows = [
            {**_rows(np.array([v]), np.array([0.5]))[0], "system": "A", "temperature": 900, "analysis": "transport",
             "quantity": name, "potential": "argyrodite.2", "unit": row.unit, "picoseconds": 41,
             "note": "lag 1 ps; not Markovian, 3 standard errors; use a longer lag, finer states, or core sets."}
            for name, v in zip(row.quantity, values, strict=True)
        ]  # fmt: skip
        one = replace(row, published=published, temperatures=(900.0,))
        return compare(replace(study, rows=(one,)), rows, {})[0]

    far = found(10.0, 20.0, 30.0, published=(20.0, 50.0, 30.0))
    assert far.ours.startswith("first: 10.0 ± 0.5") and "A 900 K" not in far.ours
    assert far.conditions.count("A 900 K, ") == far.conditions.count("41 ps") == 1
    assert far.conditions.endswith("(lag 1 ps; not Markovian, 3 standard errors)")
    assert far.sentence == "Ours over the published value: 0.5 (first), 0.4 (second)."
    assert found(0.5, 0.4, 30.0, published=(0.7, 0.6, 30.0)).sentence == (
        "Our error is as large as our value: that is too wide to agree with anything: first, second."
    )


def test_one_arrangement_of_a_disordered_system_contradicts_nothing(small: Path) -> None:
    """A wider interval would still hold the published number; a difference or a bound it might not."""
    sentence = "One arrangement of A 900 K: what others would say is in no interval."
    assert _one(small, 10.0, kind="number", published=10.5, ordered=False) == ("agrees", "")
    for kind, published in (("number", 20.0), ("bound", "<35")):
        verdict, why = _one(small, 10.0, kind=kind, published=published, ordered=False)
        assert verdict == "not sampled" and sentence in why
        assert _one(small, 10.0, kind=kind, published=published, ordered=True)[0] in ("agrees", "differs")


def test_nothing_is_claimed_from_a_number_in_doubt(small: Path) -> None:
    study = load_study(str(small))
    row = replace(study.rows[0], kind="number", published=20.0, temperatures=(900.0,))
    rows = [
        {**_rows(np.array([10.0]), np.array([0.5]))[0], "system": "A", "temperature": 900, "analysis": "transport",
         "quantity": row.quantity[0], "potential": "argyrodite.2", "unit": "%", "doubt": "It is no such number."}
    ]  # fmt: skip
    found = compare(replace(study, rows=(row,)), rows, {})[0]
    assert found.verdict == "not sampled" and "It is no such number." in found.sentence


@pytest.mark.parametrize(("published", "kind"), [(20.0, "number"), (10.0, "number"), ("<35", "bound")])
def test_nothing_is_claimed_from_a_barrier_that_is_not_converged(small: Path, published: object, kind: str) -> None:
    study = load_study(str(small))
    row = replace(study.rows[0], kind=kind, published=published, temperatures=(900.0,), unit="kJ/mol")
    system = replace(study.systems["A"], ordered=True)
    study = replace(study, systems={"A": system}, rows=(row,))
    labels = {"system": "A", "temperature": 900, "analysis": row.analysis[0], "potential": "argyrodite.2"}
    barrier = Estimate(10.0, 0.5, 9.0, 11.0, "kJ/mol")
    for words, verdict in ((("not converged",), "not sampled"), ((), "differs" if published == 20.0 else "agrees")):
        one = {**quantity(row.quantity[0], barrier.judged(*words)), **labels, "arrangement": 1}
        found = compare(study, [one], {})[0]
        assert found.verdict == verdict
        assert ("(not converged)" in found.ours) == ("Not converged." in found.sentence) == bool(words)


def test_numbers_of_different_units_are_not_compared(small: Path) -> None:
    verdict, why = _one(small, 10.0, kind="number", published=10.0, ordered=True, unit="kJ/mol")
    assert (verdict, why) == ("ours alone", "Ours is in kJ/mol, the published value in %.")


def test_points_whose_systems_belong_to_quantities(small: Path) -> None:
    """Row with two quantities, each of a system of its own, the lower one first."""
    study = load_study(str(small))
    systems = {name: replace(study.systems["A"], name=name) for name in "AB"}
    row = replace(study.rows[0], kind="order", quantity=("one", "two"), systems=("A", "B"), together=True,
                  temperatures=(900.0,))  # fmt: skip
    rows = [
        {**_rows(np.array([v]), np.array([0.5]))[0], "system": name, "temperature": 900, "analysis": "transport",
         "quantity": quantity, "potential": "argyrodite.2", "unit": row.unit}
        for name, quantity, v in (("A", "one", 1.0), ("B", "two", 9.0), ("A", "two", 0.0), ("B", "one", 0.0))
    ]  # fmt: skip
    found = compare(replace(study, systems=systems, rows=(row,)), rows, {})[0]
    assert found.verdict == "order agrees" and found.ours == "one A 900 K: 1.0 ± 0.5 %; two B 900 K: 9.0 ± 0.5 %"


def _from_parts(x: np.ndarray) -> Estimate:
    return parted(x.size, lambda part: {"mean": x[part].mean()})["mean"]


def _from_jackknife(x: np.ndarray) -> Estimate:
    return jackknifed(range(x.size), lambda frames: {"mean": x[frames].mean()})["mean"]


@pytest.mark.parametrize("function", [_from_parts, _from_jackknife])
def test_errors_from_parts_cover(function: Callable[[np.ndarray], Estimate]) -> None:
    """Means of 100 numbers with correlation 0.5 between neighbours, of mean 0: 90 to 99 % of intervals hold it."""
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(400, 110))
    series = np.zeros_like(noise)
    for k in range(1, noise.shape[1]):
        series[:, k] = 0.5 * series[:, k - 1] + noise[:, k]
    held = [found.low <= 0.0 <= found.high for found in (function(x[10:]) for x in series)]
    assert 0.90 <= np.mean(held) <= 0.99


def command(small: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "ionpath_cli", "study", str(small), "--workers", "1", "-o", str(folder)]


def test_a_killed_study_goes_on_and_answers(small: Path, tmp_path: Path) -> None:
    small.write_text(SMALL.replace("[600, 900]", "[900]").replace("most = 4.0", "most = 3.0"))
    folder = tmp_path / "study"
    first = subprocess.Popen(command(small, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 300
        while not list(folder.glob("run/*/trajectory.checkpoint.npz")) and time.monotonic() < deadline:
            assert first.poll() is None, first.stdout.read() if first.stdout else ""
            time.sleep(0.2)
        os.kill(first.pid, signal.SIGKILL)
    finally:
        first.kill()
        first.communicate()
    assert (folder / ".workers").is_dir()  # what a kill leaves lies here, and the next call removes it
    status = subprocess.run([*command(small, folder), "--status"], capture_output=True, text=True, check=True)
    assert "begun: run/A.1-900K" in status.stdout
    second = subprocess.run(command(small, folder), capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "cell/A.1-900K kept" in second.stderr
    for path in folder.glob("run/*/trajectory.csv"):
        times = [float(row["time_ps"]) for row in csv.DictReader(path.read_text().splitlines())]
        assert times == pytest.approx(np.arange(61) * 0.05)  # 3 ps, no frame lost or doubled
    cell = json.loads(next(folder.glob("cell/*/cell.json")).read_text())  # the mean over frames, not the first of them
    log = next(folder.glob("cell/*/cell.csv")).read_text().splitlines()
    volumes = [float(row["volume_A3"]) for row in csv.DictReader(log)]
    late = np.array(volumes)[len(volumes) // 3 :] ** (1 / 3)
    assert cell["cell"][0] == pytest.approx(late.mean(), rel=1e-5)
    found = json.loads((folder / "comparison.json").read_text())
    rows = {row["number"]: row for row in found["rows"]}
    inside = rows[1]["low"] <= 0.0 <= rows[1]["high"]  # published: 0 %
    assert rows[1]["error"] > 0.0 and rows[1]["verdict"] == ("agrees" if inside else "differs")
    assert rows[3]["verdict"] == "out of reach here" and rows[3]["sentence"] == "No simulation shows it."
    assert found["models"]["argyrodite.2"] == steps.checksum("argyrodite.2") and found["steps"]["finished"] == 5
    assert "Row by row" in (folder / "comparison.html").read_text()
    kept = subprocess.run(
        [*command(small, folder), "--archive", str(tmp_path / "kept.zip")], capture_output=True, text=True, check=True
    )
    names = zipfile.ZipFile(tmp_path / "kept.zip").namelist()
    assert f"{len(names)} files" in kept.stdout and "comparison.json" in names
    assert not [name for name in names if name.endswith(".xtc") or "checkpoint" in name]
    unpacked, pages = tmp_path / "unpacked", [tmp_path / "whole.md", tmp_path / "kept.md"]
    zipfile.ZipFile(tmp_path / "kept.zip").extractall(unpacked)
    for place, page in zip((folder, unpacked), pages, strict=True):
        subprocess.run([*command(small, place), "--markdown", str(page)], capture_output=True, text=True, check=True)
    whole, again = (page.read_text().replace(page.stem, "") for page in pages)
    assert again == whole and again.count("| 1 |") == 1
    assert not (folder / ".workers").exists()
    third = subprocess.run(command(small, folder), capture_output=True, text=True, check=True)
    assert third.stderr.count(" kept;") == 5
    assert Outcome("a", "kept", "").good
    small.write_text(SMALL.replace("most = 4.0", "most = 3.0"))  # of two runs one is there
    conclude = [*command(small, unpacked), "--conclude"]
    fifth = subprocess.run(conclude, capture_output=True, text=True, check=True)
    assert "across/arrhenius done" in fifth.stderr and not list(unpacked.glob("run/A.1-600K*"))
    table = json.loads(max(unpacked.glob("across/arrhenius-*/quantities.json"), key=os.path.getmtime).read_text())
    assert table[0]["note"] == "diffusive at none of 900 K"
    status = subprocess.run([*command(small, unpacked), "--status"], capture_output=True, text=True, check=True)
    assert "outdated: across/arrhenius: analysis/transport/A.1-600K is not finished" in status.stdout
    nothing = subprocess.run([*conclude, "-o", str(tmp_path / "none")], capture_output=True, text=True, check=False)
    assert nothing.returncode == 1 and "the folder of a study with finished steps" in nothing.stderr
    small.write_text(SMALL.replace("[600, 900]", "[900]").replace("most = 4.0", "most = 3.0"))
    shutil.rmtree(unpacked / "analysis")  # as in a new release, which reads trajectories anew
    status = subprocess.run([*command(small, unpacked), "--status"], capture_output=True, text=True, check=True)
    assert "to make again: run/A.1-900K: its trajectory is gone, and analysis/transport/A.1-900K" in status.stdout
    fourth = subprocess.run(command(small, unpacked), capture_output=True, text=True, check=False)
    assert fourth.returncode == 0, fourth.stdout + fourth.stderr
    assert "made again, about" in fourth.stderr and "run/A.1-900K, whose trajectories are gone" in fourth.stderr
    assert "trajectories are gone stay as long as they are, unless --length says so: hot 3 ps" in fourth.stderr
    assert len(list(unpacked.glob("run/*/trajectory.xtc"))) == len(list(unpacked.glob("run/*.without*/done.json"))) == 1


BIASED = """[[runs]]
name = "hill"
systems = ["A"]
temperatures = [300]
protocol = "tilt"
least = 0.5
most = 0.5
[[rows]]
number = 1
figure = "Fig. 1"
title = "barrier"
kind = "number"
published = 14
unit = "kJ/mol"
analysis = "biased/hill"
quantity = "barrier, tilt"
systems = ["A"]
temperatures = [300]
"""


@pytest.mark.parametrize(
    ("protocol", "argument", "message"),
    [
        ("tilt", "rotation = 30.0", ""),
        (
            "inter-cage",
            "rotation = 30.0",
            "runs hill: rotation: need none for inter-cage, which does not use it, got 30.0",
        ),
        ("intra-cage", "centre = 'S', sigm = 0.1", "runs hill: arguments: need .* got 'sigm'; did you mean 'sigma'"),
        ("tilted", "rotation = 30.0", "runs hill: protocol: need .* got 'tilted'; did you mean 'tilt'"),
    ],
)
def test_arguments_of_biased_runs_are_checked_before_the_first_step(
    tmp_path: Path, protocol: str, argument: str, message: str
) -> None:
    path = tmp_path / "biased.toml"
    changed = BIASED.replace('"tilt"', f'"{protocol}"\narguments = {{ {argument} }}')
    path.write_text(SMALL[: SMALL.index("[[runs]]")] + changed)
    if not message:
        assert make_plan(load_study(str(path))).lengths == {"hill": 0.5}
        return
    with pytest.raises(InputError, match=message):
        make_plan(load_study(str(path)))


def test_finished_steps_are_shown_without_the_packages_that_made_them(tmp_path: Path) -> None:
    path, folder, page = tmp_path / "mine.toml", tmp_path / "study", tmp_path / "page.md"
    across = '[[across]]\nname = "expansion"\npackages = ["no_such_package"]\n'
    runs, row = BIASED.split("[[rows]]")
    row = row.replace("biased/hill", "expansion").replace('["A"]', '["all"]').replace("temperatures = [300]\n", "")
    path.write_text(f"{SMALL[: SMALL.index('[[runs]]')]}{runs}{across}[[rows]]{row}")
    study = load_study(str(path))
    plan = make_plan(replace(study, across=(replace(study.across[0], packages=()),)))
    task, key, place = next(step for step in steps.placed(plan.tasks, folder) if step[0].stage == "across")
    place.mkdir(parents=True)
    labels = {"system": "all", "temperature": 0.0, "arrangement": 1, "potential": "argyrodite.2"}
    table = [{**quantity("barrier, tilt", Estimate(14.0, 0.5, 13.0, 15.0, "kJ/mol")), **labels}]
    (place / "quantities.json").write_text(json.dumps(table))
    record = {"key": key, "name": task.name, "settings": dict(task.settings), "picoseconds": 0.0, "seconds": 1.0}
    (place / "done.json").write_text(json.dumps(record))
    (folder / "plan.json").write_text(json.dumps({"study": study.name, "asked": {}}))
    assert main([str(path), "-o", str(folder), "--markdown", str(page)]) == 0
    assert "14.0 ± 0.5 kJ/mol | agrees" in page.read_text()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")
def test_biased_runs_of_a_study(tmp_path: Path, left_by: Callable[[Path], list[str]]) -> None:
    """Metadynamics of a study, too short to cross anything: a barrier that is not known, and not a failed step.

    Killed in all of its phases it leaves no process and nothing that grows, and ends with the same hills and numbers.
    """
    path, scratch = tmp_path / "biased.toml", tmp_path / "scratch"
    path.write_text(SMALL[: SMALL.index("[[runs]]")] + BIASED)
    done = subprocess.run(command(path, tmp_path / "study"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    place = next((tmp_path / "study" / "biased").glob("hill*/*/done.json")).parent
    (found,) = json.loads((place / "quantities.json").read_text())
    assert found["quantity"] == "barrier, tilt" and found["unit"] == "kJ/mol"
    assert "not converged" in found["note"]
    (row,) = json.loads((tmp_path / "study" / "comparison.json").read_text())["rows"]
    assert row["verdict"] == "not sampled"
    scratch.mkdir()
    folder = tmp_path / "killed"
    environment = os.environ | {"TMPDIR": str(scratch), "IONPATH_TEST_MARK": str(folder)}
    moments = {
        "cell": lambda: any(folder.glob("cell/*/cell.checkpoint.npz")),
        "warm-up": lambda: any(folder.glob("biased/*/*/warm-up.checkpoint.npz")),
        "first hills": lambda: any(len(p.read_text().splitlines()) > 4 for p in folder.glob("biased/*/*/HILLS")),
        "figures": lambda: any(folder.glob("biased/*/*/free-energy.*")),
    }
    for moment, reached in moments.items():
        run = subprocess.Popen(
            command(path, folder), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while not reached() and run.poll() is None:
                time.sleep(0.05)
            if moment == "cell":
                second = subprocess.run(command(path, folder), capture_output=True, text=True, check=False)
                told = f"folder {folder}: need no other run in it, got one that is going on (process {run.pid})"
                assert second.returncode == 1 and told in second.stderr.splitlines()[-1]
        finally:
            run.kill()
            run.wait()
        for _ in range(100):
            if not left_by(folder):
                break
            time.sleep(0.1)
        assert left_by(folder) == [], moment
        assert list(scratch.iterdir()) == [], moment
    subprocess.run(command(path, folder), env=environment, capture_output=True, check=True)
    again = folder / place.relative_to(tmp_path / "study")
    for name in ("HILLS", "trajectory.extxyz", "quantities.json"):
        assert (again / name).read_bytes() == (place / name).read_bytes(), name
    assert json.loads((folder / "comparison.json").read_text())["rows"] == [row]


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(small: Path, tmp_path: Path) -> None:
    """Killed in the middle of a run: the study goes on by itself from the last checkpoint."""
    import psutil

    small.write_text(SMALL.replace("[600, 900]", "[900]").replace("most = 4.0", "most = 3.0"))
    folder = tmp_path / "study"
    study = subprocess.Popen(command(small, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 300
        while not list(folder.glob("run/*/trajectory.checkpoint.npz")) and time.monotonic() < deadline:
            assert study.poll() is None
            time.sleep(0.2)
        workers = [p for p in psutil.Process(study.pid).children() if "spawn_main" in " ".join(p.cmdline())]
        assert len(workers) == 1
        workers[0].kill()
        output = study.communicate(timeout=300)[0]
    finally:
        study.kill()
        study.communicate()
    assert study.returncode == 0, output
    for path in folder.glob("run/*/trajectory.csv"):
        times = [float(row["time_ps"]) for row in csv.DictReader(path.read_text().splitlines())]
        assert times == pytest.approx(np.arange(61) * 0.05)


@pytest.mark.parametrize(("picoseconds", "lag"), [(2, 1), (41, 2), (100, 5), (240, 12), (2000, 12)])
def test_markov_models_have_the_published_lag_where_a_run_is_long_enough(picoseconds: float, lag: float) -> None:
    assert lag_time(picoseconds) == lag  # ps
