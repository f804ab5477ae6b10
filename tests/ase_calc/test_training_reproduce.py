"""The road from packages to the shipped potential, in small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write

from ionpath.errors import InputError
from ionpath_ase import IonPath
from ionpath_ase.cli import train
from ionpath_ase.training import (
    PRESETS,
    read_frames,
    reproduce,
    starting_structure,
    structure_names,
    teacher,
    teacher_named,
)
from ionpath_ase.training.fit import frame_weights
from ionpath_ase.training.reproduce import FULL, QUICK, Sampling, weights_of_these
from ionpath_ase.training.structures import MELTS


def test_full_recipe_is_that_of_the_model_card() -> None:
    assert FULL.stage_steps == (57_000, 200_000, 90_000)
    assert FULL.member_steps == (25_000, 120_000)
    assert FULL.overrides == {}  # the preset "shipped" as it is
    names = {
        name
        for sampling in (FULL.heated, FULL.constant, *FULL.added, FULL.judged, *FULL.close, FULL.onward)
        for name, _ in sampling.starts
    }
    assert names <= set(structure_names())
    assert {
        "LPSCl-II",
        "LPSCl-III",
        "LSPSCl",
        "Li7PS6",
        "beta-Li3PS4",
        "gamma-Li3PS4",
        "Li7P3S11",
        "LiCl",
    } <= names
    count = {
        s.name: len(s.starts) * len(s.temperatures) * len(s.strains) * s.frames
        for s in (FULL.heated, FULL.constant, *FULL.added, FULL.judged, *FULL.close, FULL.onward)
    }
    assert 600 < count["heated"] < 700  # 653 in the model card
    assert 700 < count["constant"] < 950  # 900
    assert 2000 < count["onward"] < 2200  # 2,118 in the model card
    assert count["judged"] == 45
    melts = next(s for s in FULL.added if s.name == "melts")
    assert (min(melts.temperatures), max(melts.temperatures)) == (1500.0, 3000.0)  # K
    assert FULL.heated.final_temperature == 1200.0  # K
    packed = next(s for s in FULL.close if s.name == "packed")
    assert (packed.pushed, packed.max_force) == ("centres", 60.0)  # P meets P: forces are larger than 12 eV/A
    assert {name for name, _ in packed.starts} >= set(MELTS)
    clusters = next(s for s in FULL.close if s.name == "gathered")
    assert (clusters.gathered, clusters.max_force) == (4, 60.0)
    assert {name for name, _ in clusters.starts} >= set(MELTS)
    assert FULL.refine_steps == 120_000
    assert (FULL.sizes.degree, FULL.sizes.channels, FULL.sizes.axes, FULL.sizes.neurons) == (4, 24, 8, 128)
    assert set(QUICK.overrides) <= set(PRESETS["shipped"])


def test_patterns_of_later_sets_wait_for_them() -> None:
    """`fit` refuses a pattern that fits no frame; in stage two, sets of the third are not there yet."""

    def tagged(samplings: Sequence[Sampling]) -> list[Atoms]:
        return [
            Atoms("Li", info={"tag": f"{s.name}:{name}-{seed}/{kelvin:g}K"})
            for s in samplings
            for name, seed in s.starts
            for kelvin in s.temperatures
        ]

    first = tagged([FULL.heated, FULL.constant, *FULL.added])
    found = weights_of_these(first, FULL.weights)
    assert found == {"*LSPSCl*": 2.2, "*Li3PS4*": 2.5, "*LiCl*": 0.5}
    assert len(frame_weights(first, found)) == len(first)
    everything = [*first, *tagged([*FULL.close, FULL.onward])]
    assert weights_of_these(everything, FULL.weights) == FULL.weights
    assert set(frame_weights(everything, FULL.refine_weights)) == {0.4, 0.5, 1.0, 2.0, 2.2}


@pytest.mark.slow
def test_quick_reproduction_with_the_shipped_potential_as_teacher(tmp_path: Path) -> None:
    """All steps on the real programs; the shipped potential stands for the teacher, which is cheap."""
    recipe = replace(QUICK, members=3)
    made = reproduce(tmp_path, recipe=recipe, labels=IonPath(), progress=False)
    assert [path.name for path in made.models] == ["argyrodite.pb", "argyrodite.2.pb", "argyrodite.3.pb"]
    heated, judged = read_frames(tmp_path / "heated.extxyz"), read_frames(tmp_path / "judged.extxyz")
    assert len(heated) == 2 * 2 * 4
    assert len(judged) == 2 * 2
    assert (
        len(read_frames(tmp_path / "close.extxyz")) == 2 * 2
    )  # two of the run, each also with a pair pushed together
    packed = read_frames(tmp_path / "packed.extxyz")
    refused = (tmp_path / "packed.done").read_text().count("refused: ")
    assert len(packed) + refused == 2 * 2  # a pair of P may push others into each other
    assert len(packed) >= 2
    together = read_frames(tmp_path / "gathered.extxyz")
    for atoms in together:
        phosphorus = atoms[atoms.symbols == "P"].get_all_distances(mic=True)
        assert ((phosphorus > 0) & (phosphorus < 2.7)).any()
    assert [IonPath(path).cutoff for path in made.models] == [7.0, 6.0, 6.0]
    assert {a.info["tag"] for a in judged} == {"judged:LiCl-0/300K", "judged:gamma-Li3PS4-0/300K"}
    check = judged[0].copy()
    check.calc = IonPath()
    assert np.allclose(check.get_forces(), judged[0].get_forces(), atol=1e-4)
    assert b"angular/" in made.models[0].read_bytes()
    assert b"angular/" not in made.models[1].read_bytes()
    total = made.errors[-1]
    assert total.frames == 4
    spread = 1e3 * np.abs(np.concatenate([a.get_forces().ravel() for a in judged])).mean()
    assert total.force_mae < 0.8 * spread  # better than no forces at all
    stamp = made.models[0].read_bytes()
    again = reproduce(tmp_path, recipe=recipe, labels=IonPath(), progress=False)
    assert again == made
    assert again.models[0].read_bytes() == stamp


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::UserWarning:sevenn", "ignore::UserWarning:torch", "ignore::DeprecationWarning"
)
def test_labels_of_the_real_teacher(tmp_path: Path) -> None:
    """The first step with SevenNet-l3i5 and D3(BJ): the labels of shipped frames come out again.

    sevenn and torch warn about accelerators and deprecated calls of their own.
    """
    pytest.importorskip("sevenn", reason="sevenn is in the extra `train`")
    pytest.importorskip("dftd3", reason="dftd3 is in the extra `train`")
    frame = read_frames(Path(__file__).with_name("data") / "held-out.extxyz.gz")[0]
    check = frame.copy()
    check.calc = teacher()
    assert check.get_potential_energy() == pytest.approx(frame.get_potential_energy(), abs=1e-3)
    assert np.allclose(check.get_forces(), frame.get_forces(), atol=1e-3)


def test_command_line_has_its_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    for task in ("structures", "refine", "loop", "dpgen", "reproduce"):
        with pytest.raises(SystemExit, match="^0$"):
            train([task, "--help"])
        assert "example" in capsys.readouterr().out


def test_structures_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(["structures", "--list"]) == 0
    assert capsys.readouterr().out.split() == list(structure_names())
    path = tmp_path / "starts.extxyz"
    words = ["structures", "LiCl", "Li7P3S11", "-o", str(path), "--strains", "-0.02", "0.02", "--copies", "3"]
    assert train(words) == 0
    found = read(path, ":")
    assert [a.info["tag"] for a in found] == ["LiCl"] * 6 + ["Li7P3S11"] * 6
    assert found[0].cell.lengths()[0] == pytest.approx(2 * 5.129 * 0.98)
    with pytest.raises(InputError, match="--output: need a file to write to, got none; or --list"):
        train(["structures", "LiCl"])


def test_dpgen_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = str(Path(__file__).with_name("data") / "held-out.extxyz.gz")
    write(tmp_path / "cell.extxyz", starting_structure("LiCl"))
    words = ["dpgen", frames, "--start", "Li2S", str(tmp_path / "cell.extxyz"), "-o", str(tmp_path / "run")]
    assert train([*words, "--queue", "gpu", "--window", "0.1", "0.3", "--preset", "path-entropy-I"]) == 0
    assert "dpgen run param.json machine.json" in capsys.readouterr().out
    made = json.loads((tmp_path / "run" / "param.json").read_text())
    assert made["sys_configs"] == [["Li2S/POSCAR"], ["cell/POSCAR"]]
    assert (made["model_devi_f_trust_lo"], made["model_devi_f_trust_hi"]) == (0.1, 0.3)
    assert made["default_training_param"]["model"]["descriptor"]["rcut"] == 8.5  # A, LPSCl-I and -II
    machine = json.loads((tmp_path / "run" / "machine.json").read_text())
    assert machine["fp"][0]["resources"]["queue_name"] == "gpu"


def test_teachers_by_name() -> None:
    assert teacher_named("emt").name == "emt"
    assert isinstance(teacher_named("argyrodite"), IonPath)
    with pytest.raises(
        InputError, match="teacher: need 7net-l3i5 or another SevenNet model, .* got 'argonite'"
    ):
        teacher_named("argonite")
    with pytest.raises(InputError, match="model: need an existing file, got gone.pb, which does not exist"):
        teacher_named("gone.pb")


def test_sampling_is_frozen() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'frames'"):
        Sampling("a", (), (), 1, 1).frames = 2  # type: ignore[misc]
