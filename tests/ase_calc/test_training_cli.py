"""``ionpath train``: its tasks, structures, teachers and the input of DP-GEN."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

from ionpath.errors import InputError
from ionpath_ase import IonPath
from ionpath_ase.cli import train
from ionpath_ase.training import read_frames, starting_structure, structure_names, teacher, teacher_named


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning:sevenn", "ignore::UserWarning:torch", "ignore::DeprecationWarning")
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


@pytest.mark.parametrize("task", ["structures", "label", "fit", "evaluate", "lean", "loop", "dpgen"])
def test_each_task_says_what_it_does_and_shows_an_example(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="^0$"):
        train([task, "--help"])
    shown = capsys.readouterr().out
    usage, described, *_ = shown.split("\n\n")
    assert usage.startswith(f"usage: ionpath train {task}")
    assert len(described.split()) >= 3 and "arguments:" not in described
    assert f"  ionpath train {task} " in shown.split("example")[-1]


@pytest.mark.parametrize("task", ["refine", "reproduce"])
def test_scripts_of_the_repository_are_pointed_to(task: str) -> None:
    with pytest.raises(InputError, match=rf"got {task}; run python examples/potential/{task}.py --help"):
        train([task, "-o", "somewhere"])


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
    with pytest.raises(InputError, match="teacher: need 7net-l3i5 or another SevenNet model, .* got 'argonite'"):
        teacher_named("argonite")
    with pytest.raises(InputError, match="model: need an existing file, got gone.pb, which does not exist"):
        teacher_named("gone.pb")
