"""The input of DP-GEN: read back, compared with the published settings, and checked by DP-GEN where it is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read

from ionpath.errors import InputError
from ionpath_ase.training import DpgenSettings, starting_structure, starting_structures, variants, write_dpgen


def labelled(name: str) -> list[Atoms]:
    """Frames with made-up labels: only where they go is tested."""
    rng = np.random.default_rng(2)
    frames = variants(starting_structure(name), copies=2)
    for frame in frames:
        frame.calc = SinglePointCalculator(
            frame, energy=rng.normal(), forces=rng.normal(size=(len(frame), 3)), stress=rng.normal(size=6)
        )
    return frames


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    starts = starting_structures(["LiCl", "Li7P3S11"], shortest=6.0)
    return write_dpgen(starts, [*labelled("LiCl"), *labelled("Li4P2S6")], tmp_path_factory.mktemp("dp") / "run")


def parameters(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "param.json").read_text())
    return found


def test_published_settings(written: Path) -> None:
    # Guan et al., arXiv:2412.07115, methods: LPSCl-III
    made = parameters(written)
    training = made["default_training_param"]
    assert training["model"]["descriptor"]["rcut"] == 6.5  # A
    assert training["model"]["descriptor"]["neuron"] == [25, 50, 100]
    assert training["model"]["fitting_net"]["neuron"] == [480, 480, 480]
    assert training["learning_rate"]["start_lr"] == 1e-3
    assert training["learning_rate"]["decay_steps"] == 2000
    assert (training["loss"]["start_pref_e"], training["loss"]["start_pref_f"]) == (0.02, 1000.0)
    assert (made["model_devi_f_trust_lo"], made["model_devi_f_trust_hi"]) == (0.15, 0.25)  # eV/A
    assert made["model_devi_dt"] == 0.002  # ps
    assert made["user_fp_params"]["FORCE_EVAL"]["DFT"]["MGRID"]["CUTOFF"] == 500  # Ry
    ranges = [
        (job["rev_mat"]["plm"]["V_LOW"][0], job["rev_mat"]["plm"]["V_HIGH"][0]) for job in made["model_devi_jobs"]
    ]
    assert ranges == [(50, 600), (300, 900), (600, 1200), (900, 1500), (300, 1200)]  # K; 50 for the singular 0
    assert all(job["rev_mat"]["lmp"]["V_NSTEPS"][0] * 0.002 >= 5.0 for job in made["model_devi_jobs"])  # ps
    plumed = (written / "template" / "input.plumed").read_text()
    assert "ECV_MULTITHERMAL_MULTIBARIC ARG=energy,volume TEMP=V_TEMP TEMP_MIN=V_LOW TEMP_MAX=V_HIGH" in plumed
    assert "FILE=COLVAR" in plumed and "FILE=DELTAFS" in plumed
    values = dict(word.split("=") for line in plumed.splitlines() for word in line.split() if "PRESSURE" in word)
    assert float(values["PRESSURE_MIN"]) / float(values["PRESSURE"]) == pytest.approx(0.9)  # 0.90 to 1.10 atm
    assert float(values["PRESSURE_MAX"]) / float(values["PRESSURE"]) == pytest.approx(1.1)
    lammps = (written / "template" / "input.lammps").read_text()
    assert "npt temp V_TEMP V_TEMP 1.0 iso 1.01325 1.01325 0.5" in lammps  # ps


def test_every_path_is_there_and_reads_back(written: Path) -> None:
    import dpdata

    made = parameters(written)
    assert made["type_map"] == ["Li", "P", "S", "Cl", "Si"]
    assert made["mass_map"] == pytest.approx([6.94, 30.974, 32.06, 35.45, 28.085], abs=0.01)
    assert made["fp_style"] == "cp2k"
    frames = 0
    for name in made["init_data_sys"]:
        system = dpdata.LabeledSystem(str(written / made["init_data_prefix"] / name), fmt="deepmd/npy")
        assert list(system["atom_names"]) == made["type_map"]
        frames += len(system)
    assert frames == 16
    assert len(made["init_batch_size"]) == len(made["init_data_sys"]) == 2
    (salt,), (seven,) = made["sys_configs"]
    for path, formula in ((salt, "Cl32Li32"), (seven, "Li14P6S22")):
        atoms = read(written / made["sys_configs_prefix"] / path)
        assert atoms.get_chemical_formula() == formula or path == seven
        order = [made["type_map"].index(symbol) for symbol in atoms.get_chemical_symbols()]
        assert order == sorted(order)
    assert [job["sys_idx"] for job in made["model_devi_jobs"]] == [[0, 1]] * 5
    for job in made["model_devi_jobs"]:
        assert all((written / path).exists() for path in job["template"].values())
    kinds = made["user_fp_params"]["FORCE_EVAL"]["SUBSYS"]["KIND"]
    assert kinds["POTENTIAL"] == ["GTH-PBE-q3", "GTH-PBE-q5", "GTH-PBE-q6", "GTH-PBE-q7", "GTH-PBE-q4"]
    machine = json.loads((written / "machine.json").read_text())
    assert machine["train"][0]["command"] == "dp"
    assert set(machine) == {"api_version", "deepmd_version", "train", "model_devi", "fp"}


def test_training_part_is_accepted_by_deepmd(written: Path) -> None:
    from deepmd.utils.argcheck import normalize

    training = parameters(written)["default_training_param"]
    training["training"]["training_data"]["systems"] = ["a"]  # what DP-GEN does
    assert normalize(training)["training"]["numb_steps"] == 1_000_000


def test_plain_molecular_dynamics(tmp_path: Path) -> None:
    settings = DpgenSettings(exploration="md", preset="path-entropy-LSPSCl", temperatures=(300.0, 900.0))
    made = parameters(
        write_dpgen({"LiCl": starting_structure("LiCl")}, labelled("LiCl"), tmp_path / "a", settings=settings)
    )
    assert made["model_devi_plumed"] is False
    assert made["model_devi_jobs"][0]["temps"] == [300.0, 900.0]
    assert made["model_devi_jobs"][0]["nsteps"] == 5000
    assert made["default_training_param"]["loss"]["start_pref_f"] == 2000.0
    assert not (tmp_path / "a" / "template").exists()


def test_bad_input_is_refused(tmp_path: Path, written: Path) -> None:
    salt = {"LiCl": starting_structure("LiCl")}
    for arguments, sentence in (
        (({}, labelled("LiCl")), "starts: need at least one structure, got none"),
        ((salt, []), "frames: need at least one labelled frame, got none"),
        (({"x": Atoms("Na")}, labelled("LiCl")), "elements: need Na too, got Li, P, S, Cl, Si"),
    ):
        with pytest.raises(InputError, match=sentence):
            write_dpgen(*arguments, tmp_path / "new")
    with pytest.raises(InputError, match="folder run: need an empty folder, got files"):
        write_dpgen(salt, labelled("LiCl"), written)
    with pytest.raises(InputError, match="temperature_ranges: need pairs of ascending .* got 0 to 600 K"):
        DpgenSettings(temperature_ranges=((0.0, 600.0),))
    with pytest.raises(InputError, match="exploration: need one of 'md', 'opes-multithermal', "):
        DpgenSettings(exploration="none")
    with pytest.raises(InputError, match="commands: need a program for model_devi, fp"):
        DpgenSettings(commands={"train": "dp"})
    with pytest.raises(InputError, match="elements: need some of Li, P, S, Cl, Si, got Ge"):
        DpgenSettings(elements=("Li", "Ge"))


@pytest.mark.parametrize("exploration", ["opes-multithermal-multibaric", "opes-multithermal", "md"])
def test_dpgen_itself_takes_it(exploration: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own checks of both files, and its own making of the exploration of an iteration."""
    monkeypatch.chdir(tmp_path)  # its dispatcher writes a log where it is imported
    arginfo = pytest.importorskip("dpgen.generator.arginfo", reason="dpgen, which this package does not need")
    from dpgen.generator import run
    from dpgen.util import normalize

    folder = write_dpgen(
        starting_structures(["LiCl", "Li7P3S11"]),
        labelled("LiCl"),
        tmp_path / "run",
        settings=DpgenSettings(exploration=exploration),
    )
    made = parameters(folder)
    machine = json.loads((folder / "machine.json").read_text())
    normalize(arginfo.run_jdata_arginfo(), made)
    normalize(arginfo.run_mdata_arginfo(), {**machine, **{k: machine[k][0] for k in ("train", "model_devi", "fp")}})
    monkeypatch.chdir(folder)
    for number in range(4):
        graph = Path("iter.000000/00.train") / f"graph.{number:03d}.pb"
        graph.parent.mkdir(parents=True, exist_ok=True)
        graph.write_text("")
    run.make_model_devi(0, made, machine)
    tasks = sorted((folder / "iter.000000" / "01.model_devi").glob("task.*"))
    assert len(tasks) == (2 if exploration != "md" else 8)
    text = (tasks[0] / "input.lammps").read_text()
    assert "graph.003.pb" in text
    if exploration != "md":
        assert "V_" not in text
        assert "TEMP=325 TEMP_MIN=50.0 TEMP_MAX=600.0" in (tasks[0] / "input.plumed").read_text().replace(
            "325.0", "325"
        )
