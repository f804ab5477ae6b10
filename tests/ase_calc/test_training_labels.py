"""Labels: none is lost on reading, none is made twice, and a damaged file is refused with its place."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from ionpath.errors import InputError, IonpathError
from ionpath.files import locked
from ionpath_ase import IonPath
from ionpath_ase.training import evaluate, fit, label_frames, read_frames, write_deepmd
from ionpath_ase.training.labelling import frame_digest


def written(path: Path, header: str, columns: str = "forces:R:3", lattice: bool = True) -> Path:
    cell = 'Lattice="5 0 0 0 5 0 0 0 5" pbc="T T T"' if lattice else 'pbc="F F F"'
    properties = f"Properties=species:S:1:pos:R:3:{columns}"
    path.write_text(f"2\n{cell} {properties} {header}\nLi 0 0 0 0.1 0 0\nCl 2.5 0 0 -0.1 0 0\n")
    return path


VIRIAL = '"-1 0 0 0 -2 0 0 0 -3"'


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (f"energy=-3 virial={VIRIAL}", "forces:R:3"),  # GAP, dpdata
        (f"energy=-3 virials={VIRIAL}", "force:R:3"),
        (f"REF_energy=-3 REF_virial={VIRIAL}", "REF_forces:R:3"),  # MACE
        (f"dft_energy=-3 dft_virial={VIRIAL}", "dft_force:R:3"),
        ('energy=-3 stress="0.008 0 0 0 0.016 0 0 0 0.024"', "forces:R:3"),
        ('REF_energy=-3 REF_stress="0.008 0.016 0.024 0 0 0"', "REF_forces:R:3"),
        (f'energy=-3 stress="0.008 0 0 0 0.016 0 0 0 0.024" virial={VIRIAL}', "forces:R:3"),  # twice the same
    ],
)
def test_labels_of_every_name_are_read(tmp_path: Path, header: str, columns: str) -> None:
    """A virial of diag(-1, -2, -3) eV in 125 A3 is a stress of diag(0.008, 0.016, 0.024) eV/A3."""
    path = written(tmp_path / "frames.extxyz", header, columns)
    (tmp_path / "packed.extxyz.gz").write_bytes(gzip.compress(path.read_bytes()))
    for name in ("frames.extxyz", "packed.extxyz.gz"):
        (frame,) = read_frames(tmp_path / name)
        assert frame.get_potential_energy() == -3.0  # eV
        assert np.array_equal(frame.get_forces(), [[0.1, 0, 0], [-0.1, 0, 0]])  # eV/A
        assert np.allclose(frame.get_stress(), [0.008, 0.016, 0.024, 0, 0, 0], atol=1e-12)  # eV/A3
        assert not {"virial", "REF_energy", "dft_virial"} & (set(frame.info) | set(frame.arrays))
    (folder,) = write_deepmd([frame], tmp_path / "data", type_map=("Li", "Cl"))
    virial = np.load(folder / "set.000" / "virial.npy").reshape(3, 3)
    assert np.allclose(virial, np.diag([-1, -2, -3]), atol=1e-6)  # eV


@pytest.mark.parametrize(
    ("header", "columns", "sentence"),
    [
        ("energy=-3 REF_energy=-4", "forces:R:3", "REF_energy, frame 0 of f.extxyz: need one energy, got two"),
        (f'energy=-3 stress="1 0 0 0 1 0 0 0 1" virial={VIRIAL}', "forces:R:3", "virial, .* got two that differ"),
        (
            'energy=-3 virials="1 2 3 4 5 6"',
            "forces:R:3",
            "virials, frame 0 .*: need 9 finite numbers, .* write all nine",
        ),
        ("REF_energy=high", "forces:R:3", "REF_energy, .*: need 1 finite numbers, got high"),
        ("kinetic_energy=1", "forces:R:3", "frame 0 of f.extxyz: need an energy and forces, got forces; label it"),
        ("energy=nan", "forces:R:3", "energy, frame 0 of f.extxyz .line 1.: need finite numbers, got nan or inf"),
    ],
)
def test_labels_that_contradict_or_miss_are_refused(tmp_path: Path, header: str, columns: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_frames(written(tmp_path / "f.extxyz", header, columns))


def test_a_virial_needs_a_volume(tmp_path: Path) -> None:
    path = written(tmp_path / "f.extxyz", f"energy=-3 virial={VIRIAL}", lattice=False)
    with pytest.raises(InputError, match="need a cell with a volume, for the stress, got none; remove the v"):
        read_frames(path)
    (frame,) = read_frames(written(path, "energy=-3", lattice=False))
    assert "stress" not in frame.calc.results


def test_frames_with_and_without_a_stress_do_not_become_one_system(tmp_path: Path) -> None:
    with_one = read_frames(written(tmp_path / "a.extxyz", f"energy=-3 virial={VIRIAL}"))
    without = read_frames(written(tmp_path / "b.extxyz", "energy=-3"))
    with pytest.raises(InputError, match="frame 1: need a stress in all frames of ClLi or in none, got both"):
        write_deepmd([*with_one, *without], tmp_path / "data")


def copper(count: int) -> list[Atoms]:
    frames = []
    for seed in range(count):
        atoms = bulk("Cu", cubic=True) * (2, 1, 1)
        atoms.rattle(0.1, seed=seed)
        frames.append(atoms)
    return frames


def test_repeated_labels_are_made_once(tmp_path: Path) -> None:
    """Extended XYZ holds eight decimals; a ninth that is a 5 is rounded up by one way of rounding, down by another."""
    frames = copper(20)
    rng = np.random.default_rng(2)
    for atoms in frames:
        places = np.round(atoms.positions, 4) + rng.choice([5e-5, 5e-9, -5e-5, 0.0], atoms.positions.shape)
        atoms.positions = places - rng.choice([0.0, 1e-13], places.shape)
    path = tmp_path / "labels.extxyz"
    reports = [label_frames(frames, EMT(), path, progress=False) for _ in range(3)]
    assert [(r.labelled, r.kept, r.duplicates) for r in reports] == [(20, 0, 0), (0, 20, 0), (0, 20, 0)]
    assert len(read(path, ":")) == 20
    moved = frames[0].copy()
    moved.positions[0, 0] += 1e-6  # A
    assert frame_digest(moved) != frame_digest(frames[0])


LABELLER = """
import sys
from ase.build import bulk
from ase.calculators.emt import EMT
from ionpath.errors import InputError
from ionpath_ase.training import label_frames
frames = [bulk("Cu", cubic=True) * (2, 2, 2) for _ in range(30)]
for seed, atoms in enumerate(frames):
    atoms.rattle(0.1, seed=seed)
try:
    print(label_frames(frames, EMT(), sys.argv[1], progress=False).labelled)
except InputError as error:
    print(error)
"""


def test_two_labellers_do_not_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.extxyz"
    with (
        locked(tmp_path / ".labels.extxyz.lock", "labels"),
        pytest.raises(InputError, match=r"labels labels\.extxyz: need no other run in it, got one .*; wait"),
    ):
        label_frames(copper(1), EMT(), path, progress=False)
    assert not path.exists()
    words = [sys.executable, "-c", LABELLER, str(path)]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0].strip() for process in both]
    assert "30" in said
    assert all(line in ("30", "0") or "need no other run in it" in line for line in said)
    assert len(read_frames(path)) == 30


def test_a_file_of_something_else_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "notes.extxyz"
    for text, sentence in (
        ("7 kg\nof tea\n", r"frame 0 of notes.extxyz \(line 1\): need a number of atoms, got '7 kg"),
        ("7\nkilograms of tea\nand milk\n", "need frames with labels, got 'kilograms.*another file"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=sentence):
            label_frames(copper(1), EMT(), path, progress=False)
        assert path.read_text() == text
    write(path, copper(2))
    before = path.read_bytes()
    with pytest.raises(InputError, match="frame 0 of notes.extxyz: need an energy and forces, got no labels"):
        label_frames(copper(2), EMT(), path, progress=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize("count", [40, pytest.param(1500, marks=pytest.mark.slow)])
def test_damaged_label_files_are_refused_with_their_place(tmp_path: Path, count: int) -> None:
    """Random cuts, flips, inserts: the same content, a shorter file (a torn end), or a sentence; numbers may differ."""
    path = tmp_path / "labels.extxyz"
    label_frames(copper(6), EMT(), path, progress=False)
    good, known = path.read_bytes(), read_frames(path)
    rng = np.random.default_rng(count)
    outcome = {"same": 0, "refused": 0, "numbers": 0}
    for _ in range(count):
        at, way = int(rng.integers(len(good))), rng.choice(["cut", "flip", "insert", "delete"])
        size = int(rng.integers(1, 30))
        damaged = {
            "cut": good[:at],
            "flip": good[:at] + bytes([good[at] ^ (1 << int(rng.integers(8)))]) + good[at + 1 :],
            "insert": good[:at] + bytes(rng.integers(32, 127, size).astype(np.uint8)) + good[at:],
            "delete": good[:at] + good[at + size :],
        }[way]
        path.write_bytes(damaged)
        try:
            frames = read_frames(path)
        except IonpathError as error:
            outcome["refused"] += bool(re.search(r"frame \d+ of labels\.extxyz", str(error)))
            continue
        assert all(np.isfinite(a.get_forces()).all() and a.get_forces().shape == a.positions.shape for a in frames)
        same = [frame_digest(a) for a in frames] == [frame_digest(a) for a in known[: len(frames)]]
        outcome["same" if same else "numbers"] += 1
    assert sum(outcome.values()) == count  # each sentence names file and frame
    assert outcome["refused"] > 0.4 * count
    assert outcome["numbers"] < 0.4 * count  # a digit for a digit: the format cannot know


TRAIN = "from ionpath_ase.cli import train; import sys; sys.exit(train(sys.argv[1:]))"


def children(pid: int) -> set[int]:
    """Processes below one, from /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if words[0] != "Z":
                parents[int(entry.name)] = int(words[1])
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new}
        found |= new
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_no_training_outlives_its_driver(tmp_path: Path) -> None:
    """SIGKILL of ``ionpath train fit`` ends ``dp train``; the same call goes on, and another one at once is refused."""
    labels, folder = tmp_path / "labels.extxyz", tmp_path / "run"
    frames = []
    for seed in range(4):
        atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
        atoms.rattle(0.05, seed=seed)
        frames.append(atoms)
    label_frames(frames, IonPath("argyrodite.2"), labels, progress=False)
    words = ["fit", str(labels), "-o", str(folder), "--steps", "100000"]
    driver = subprocess.Popen([sys.executable, "-c", TRAIN, *words], stderr=subprocess.DEVNULL)
    try:
        while not (alive := children(driver.pid)) and driver.poll() is None:
            time.sleep(0.1)
        assert driver.poll() is None
        with pytest.raises(InputError, match=r"training in run: need no other run in it, got one that is going on"):
            fit(read_frames(labels), folder, steps=100_000, progress=False)
        while not any("train input.json" in command(pid) for pid in alive):
            time.sleep(0.1)
            alive = children(driver.pid)
    finally:
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
    for _ in range(100):
        left = {pid for pid in alive if command(pid)}
        if not left:
            break
        time.sleep(0.1)
    assert not left


def command(pid: int) -> str:
    """Command line of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def test_a_training_goes_on_with_its_own_frames_and_settings(tmp_path: Path) -> None:
    from ionpath_ase.training.fit_folder import same_frames, same_settings

    frames = copper(3)
    for atoms in frames:
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **results)
    note = tmp_path / "run" / "data" / "frames.json"
    for _ in range(2):
        same_frames(note, {"training": frames[1:], "validation": frames[:1]})
    with pytest.raises(InputError, match="frames for training: need the 2 frames that the folder began with, got 3"):
        same_frames(note, {"training": frames, "validation": frames[:1]})
    shifted = [atoms.copy() for atoms in frames[1:]]
    for atoms, old in zip(shifted, frames[1:], strict=True):
        atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=old.get_forces() + 0.1)
    with pytest.raises(InputError, match="need the 2 frames that .*, got 2 frames, not the same; use another"):
        same_frames(note, {"training": shifted, "validation": frames[:1]})
    from ionpath_ase.training import dp_input

    given = tmp_path / "run" / "input.json"
    import json

    given.write_text(json.dumps(dp_input(training=["a"], steps=100)))
    same_settings(given, dp_input(training=["a"], steps=200))  # more steps go on
    with pytest.raises(InputError, match=r"settings: need those .*, got another model.descriptor; use another"):
        same_settings(given, dp_input(training=["a"], steps=100, overrides={"axis": 4, "outer": None}))
    with pytest.raises(InputError, match=r"got another .*training.seed"):
        same_settings(given, dp_input(training=["a"], steps=100, seed=2))


def test_errors_of_frames_with_a_virial(tmp_path: Path) -> None:
    atoms = copper(1)[0]
    atoms.calc = EMT()
    virial = -atoms.get_volume() * atoms.get_stress(voigt=False)
    bare = atoms.copy()
    bare.info = {"virial": virial, "tag": "copper"}
    bare.calc = SinglePointCalculator(bare, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    write(tmp_path / "v.extxyz", bare)
    row = evaluate(read_frames(tmp_path / "v.extxyz"), EMT())[0]
    assert row.stress_mae < 1e-5  # GPa; nan where the virial is lost
