"""Training: splits, labels, presets, errors, and a short run of the real program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from ionpath.errors import InputError
from ionpath_ase import IonPath
from ionpath_ase.cli import train
from ionpath_ase.training import (
    PRESETS,
    compress,
    dp_input,
    evaluate,
    fit,
    format_table,
    label_frames,
    learning_curve,
    read_frames,
    split_by_tag,
    write_deepmd,
    write_table,
)

HELD_OUT = Path(__file__).with_name("data") / "held-out.extxyz.gz"
OTHER_PHASES = HELD_OUT.with_name("other-phases.extxyz.gz")


def shaken(count: int, tag: str = "LiCl") -> list[Atoms]:
    """LiCl cells with random displacements and strains."""
    rng = np.random.default_rng(7)
    frames = []
    for _ in range(count):
        atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
        atoms.set_cell(atoms.cell * (1.0 + rng.normal(0.0, 0.01)), scale_atoms=True)
        atoms.positions += rng.normal(0.0, 0.1, atoms.positions.shape)
        atoms.info["tag"] = tag
        frames.append(atoms)
    return frames


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames labelled by the shipped potential."""
    path = tmp_path_factory.mktemp("labels") / "salt.extxyz"
    report = label_frames(shaken(12), IonPath(), path, progress=False)
    assert report.labelled == 12
    return path


def test_split_takes_one_block_of_each_tag() -> None:
    tags = ["a"] * 30 + ["b"] * 15 + ["a"] * 10
    chosen = split_by_tag(tags, fraction=0.1, seed=3)
    for tag in "ab":
        members = np.flatnonzero(np.array(tags) == tag)
        places = np.flatnonzero(chosen[members])
        assert len(places) == round(0.1 * len(members))
        assert np.array_equal(np.diff(places), np.ones(len(places) - 1))
    assert np.array_equal(chosen, split_by_tag(tags, fraction=0.1, seed=3))
    assert any(not np.array_equal(chosen, split_by_tag(tags, fraction=0.1, seed=s)) for s in range(5))
    with pytest.raises(InputError, match="fraction: need a number between 0 and 1, got 1.5"):
        split_by_tag(tags, fraction=1.5)
    with pytest.raises(InputError, match="tag 'c': need at least 2 frames, got 1"):
        split_by_tag([*tags, "c"])


def test_deepmd_data_round_trip(labelled: Path, tmp_path: Path) -> None:
    import dpdata

    frames = read_frames(labelled)
    (folder,) = write_deepmd(frames, tmp_path / "data")
    back = dpdata.LabeledSystem(str(folder), fmt="deepmd/npy")
    assert back["energies"] == pytest.approx([a.get_potential_energy() for a in frames], abs=1e-5)
    assert np.allclose(back["forces"][3], frames[3].get_forces(), atol=1e-6)
    virial = -frames[3].get_volume() * frames[3].get_stress(voigt=False)
    assert np.allclose(back["virials"][3], virial, atol=1e-6)
    assert (folder / "type_map.raw").read_text().split() == ["Li", "P", "S", "Cl", "Si"]
    with pytest.raises(InputError, match="folder data: need an empty folder"):
        write_deepmd(frames, tmp_path / "data")
    with pytest.raises(InputError, match="type_map: need the elements Cl"):
        write_deepmd(frames, tmp_path / "other", type_map=["Li"])
    with pytest.raises(InputError, match="frames: need at least one labelled frame"):
        write_deepmd([], tmp_path / "other")


def test_deepmd_data_are_read_as_frames(labelled: Path, tmp_path: Path) -> None:
    frames = read_frames(labelled)
    (folder,) = write_deepmd(frames, tmp_path / "data")
    for back in (read_frames(folder), read_frames(folder, format="deepmd/npy")):
        assert len(back) == len(frames)
        for one, other in zip(back, frames, strict=True):
            assert np.array_equal(one.numbers, other.numbers)
            assert np.allclose(one.positions, other.positions, atol=1e-6)
            assert one.get_potential_energy() == pytest.approx(other.get_potential_energy(), abs=1e-6)
            assert np.allclose(one.get_forces(), other.get_forces(), atol=1e-6)
            assert np.allclose(one.get_stress(), other.get_stress(), atol=1e-7)
        assert back[0].info["tag"] == folder.name
    with pytest.raises(InputError, match=r"salt.extxyz: need a file or folder of the kind vasp/outcar, got"):
        read_frames(labelled, format="vasp/outcar")


def test_labels_are_resumable_and_refuse_bad_frames(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frames = []
    for _ in range(4):
        atoms = bulk("Cu", cubic=True)
        atoms.positions += rng.normal(0.0, 0.05, atoms.positions.shape)
        frames.append(atoms)
    crowded, steep = frames[0].copy(), frames[1].copy()
    crowded.positions[0] = crowded.positions[1] + [0.4, 0, 0]
    steep.positions[0] = steep.positions[1] + [1.3, 0, 0]
    frames[3].info = {"tag": "hot", "potential_energy": 1.5, "energy": 9.0, "cell_before": np.eye(3)}
    path = tmp_path / "copper.extxyz"
    first = label_frames(frames[:2], EMT(), path, progress=False)
    assert (first.labelled, first.kept, first.refused) == (2, 0, ())
    with path.open("a") as stream:
        stream.write('4\nLattice="3.6 0 0')  # as after a kill
    report = label_frames([*frames, frames[2], crowded, steep], EMT(), path, progress=False)
    assert (report.labelled, report.kept, report.duplicates) == (2, 2, 1)
    assert [index for index, _ in report.refused] == [5, 6]
    assert "atoms 0 and 1 are 0.40 A apart, less than 1.15 A" in report.refused[0][1]
    assert "eV/A is above 12.0 eV/A" in report.refused[1][1]
    stored = read_frames(path)
    assert len(stored) == 4
    frames[3].calc = EMT()
    assert np.allclose(stored[3].get_forces(), frames[3].get_forces(), atol=1e-6)
    assert stored[3].get_potential_energy() == pytest.approx(frames[3].get_potential_energy())
    assert stored[3].info == {"tag": "hot", "potential_energy": 1.5}
    with pytest.raises(InputError, match="frames: need at least one frame"):
        label_frames([], EMT(), path)


def test_frames_without_labels_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "bare.extxyz", bulk("LiCl", "rocksalt", a=5.13))
    with pytest.raises(InputError, match="frame 0 of bare.extxyz: need an energy and forces, got no labels; label it"):
        read_frames(tmp_path / "bare.extxyz")


def test_presets_carry_the_published_settings() -> None:
    # Guan et al., arXiv:2412.07115: range, fitting net and force prefactor of each potential
    for name, cutoff, width, force in (("I", 8.5, 240, 1000), ("III", 6.5, 480, 1000), ("LSPSCl", 6.5, 480, 2000)):
        made = dp_input(f"path-entropy-{name}", training=["a"])
        assert made["model"]["descriptor"]["rcut"] == cutoff
        assert made["model"]["descriptor"]["neuron"] == [25, 50, 100]
        assert made["model"]["fitting_net"]["neuron"] == [width] * 3
        assert made["loss"]["start_pref_f"] == force
        assert made["learning_rate"]["start_lr"] == 1e-3
    with pytest.raises(InputError, match="preset: need one of 'shipped', 'path-entropy-I', .* got 'huge'"):
        dp_input("huge", training=["a"])
    # None were those of the preset, and fewer went to deepmd-kit.
    for steps, need in ((0, "of at least 1, got 0; leave it out"), (-5, "or None, of zero or more, got -5")):
        with pytest.raises(InputError, match=f"steps: need a whole number {need}"):
            dp_input(training=["a"], steps=steps)
    with pytest.raises(InputError, match="overrides: need only rcut, .* got neurons"):
        dp_input(training=["a"], overrides={"neurons": 3})
    with pytest.raises(InputError, match="elements: need a number of neighbours for Ge"):
        dp_input(training=["a"], elements=["Li", "Ge"])
    with pytest.raises(InputError, match="training: need at least one system, got none"):
        dp_input(training=[])


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_deepmd_accepts_the_presets(name: str) -> None:
    from deepmd.utils.argcheck import normalize

    made: dict[str, Any] = json.loads(json.dumps(dp_input(name, training=["a"], validation=["b"])))
    assert normalize(made)["training"]["numb_steps"] == PRESETS[name]["steps"]


def test_errors_are_their_definitions(tmp_path: Path) -> None:
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=2)
    atoms.calc = EMT()
    exact = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces(), "stress": atoms.get_stress()}
    frame = atoms.copy()
    frame.calc = SinglePointCalculator(
        frame, energy=exact["energy"] - 0.4, forces=exact["forces"] / 1.1, stress=exact["stress"] - 0.01
    )
    frame.info["tag"] = "off"
    other = atoms.copy()  # the same structure, labelled too high
    other.calc = SinglePointCalculator(other, energy=exact["energy"] + 0.2, forces=exact["forces"])
    other.info["tag"] = "too high"
    row, second, total = evaluate([frame, other], EMT())
    assert row.tag == "off"
    assert total.tag == "all"
    assert row.energy_mae == pytest.approx(100.0)  # 0.4 eV on 4 atoms
    assert [row.energy_bias, second.energy_bias] == pytest.approx([100.0, -50.0])
    assert total.energy_bias == pytest.approx(25.0)
    assert total.energy_mae == total.energy_shifted_mae == pytest.approx(75.0)
    assert row.energy_shifted_mae == pytest.approx(0.0, abs=1e-9)
    assert row.force_slope == pytest.approx(1.1)
    assert row.force_mae == pytest.approx(1e3 * np.abs(exact["forces"]).mean() * (1 - 1 / 1.1))
    assert row.stress_mae == pytest.approx(1.6021766)
    assert "off" in format_table([row, total])
    assert write_table([row], tmp_path / "e.csv").read_text().splitlines()[0].startswith("tag,frames,force_mae")
    with pytest.raises(InputError, match="frames: need at least one labelled frame"):
        evaluate([], EMT())


def test_a_short_training_run(labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"embedding": [4, 8], "axis": 4, "fitting": [16, 16], "lr": (2e-2, 5e-4)}
    options: dict[str, Any] = {"overrides": small, "test_fraction": 0.2, "progress": False}
    made = fit(read_frames(labelled), tmp_path / "run", steps=600, **options)
    assert made.training_frames == 10
    curve = learning_curve(tmp_path / "run")
    assert curve["step"][-1] == 600
    for column in ("rmse_f_val", "rmse_e_val"):  # it learns, and not by heart
        assert curve[column][-3:].mean() < 0.7 * curve[column][0]
    atoms = read_frames(labelled)[0]
    forces = []
    for path in (made.frozen, made.path):
        frame = atoms.copy()
        frame.calc = IonPath(path)
        forces.append(frame.get_forces())
    assert np.abs(forces[0] - forces[1]).max() < 1e-3
    assert np.abs(forces[0]).max() > 1e-3
    assert train(["evaluate", str(made.path), str(labelled), "-o", str(tmp_path / "errors.csv")]) == 0
    assert "LiCl" in capsys.readouterr().out
    assert (tmp_path / "errors.csv").exists()
    with pytest.raises(
        InputError, match="model .*: need a frozen Deep Potential of deepmd-kit.* got something else; fre"
    ):
        compress(labelled, tmp_path / "nothing.pb")
    assert not (tmp_path / "nothing.pb").exists()


def test_fit_on_the_command_line_judges_by_other_files(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = read_frames(labelled)
    others = [atoms for atoms in read_frames(HELD_OUT) if atoms.info["tag"] == "LPSCl-II/300K"]
    write(tmp_path / "others.extxyz", others)
    words = ["fit", str(labelled), "-o", str(tmp_path / "run"), "--steps", "4"]
    assert train([*words, "--test", str(tmp_path / "others.extxyz")]) == 0
    shown = capsys.readouterr().out
    assert f"trained on {len(frames)} frames" in shown  # none of them is set aside
    assert "LPSCl-II/300K" in shown
    assert "LiCl" not in shown.split("trained on")[0]
    with pytest.raises(SystemExit):
        train([*words, "--test", str(labelled), "--test-fraction", "0.2"])
    assert "not allowed with argument --test" in capsys.readouterr().err


@pytest.mark.slow
def test_frames_are_drawn_by_weight(labelled: Path, tmp_path: Path) -> None:
    frames = read_frames(labelled)
    others = [atoms[:-1] for atoms in frames[:4]]  # another formula is another system
    for atoms, old in zip(others, frames, strict=False):
        atoms.info["tag"] = "half/300K"
        atoms.calc = SinglePointCalculator(
            atoms, energy=old.get_potential_energy(), forces=old.get_forces()[:-1], stress=old.get_stress()
        )
    small = {"embedding": [4, 8], "axis": 4, "fitting": [16, 16], "outer": None}
    options: dict[str, Any] = {"overrides": small, "steps": 20, "test": frames[:1], "progress": False}
    fit([*frames[:6], *others], tmp_path / "run", weights={"half/*": 3.0}, **options)

    def formula(atoms: Atoms) -> str:
        return "".join(f"{e}{atoms.get_chemical_symbols().count(e)}" for e in ("Li", "P", "S", "Cl", "Si"))

    data = json.loads((tmp_path / "run" / "input.json").read_text())["training"]["training_data"]
    chance = dict(zip((Path(p).name for p in data["systems"]), data["sys_probs"], strict=True))
    assert chance[formula(frames[0])] == pytest.approx(6 / 18)
    assert chance[formula(others[0])] == pytest.approx(12 / 18)
    with pytest.raises(InputError, match="weights: need patterns that fit a tag"):
        fit(frames, tmp_path / "other", weights={"glass*": 2.0}, **options)


def test_shipped_potential_on_frames_of_its_teacher() -> None:
    """Trajectories of their own, of which no frame was in training; the numbers of the model card."""
    total = {row.tag: row for row in evaluate(read_frames(HELD_OUT), IonPath())}
    assert total["all"].frames == 57
    for name in ("LPSCl-II", "LPSCl-III-1", "inv50", "beta-Li3PS4", "LSPSCl"):
        rows = [row for tag, row in total.items() if tag.startswith(name)]  # 300, 600 and 900 K
        frames = [row.frames for row in rows]
        assert np.average([row.force_mae for row in rows], weights=frames) < 35.0, name  # meV/A
        assert np.average([row.energy_mae for row in rows], weights=frames) < 2.0, name  # meV/atom
    assert len([tag for tag in total if tag.startswith("LSPSCl")]) == 6  # LSPSCl.2 was not in training
    assert total["all"].force_mae < 31.0
    assert total["all"].energy_mae < 1.0  # meV/atom
    assert total["all"].stress_mae < 0.06  # GPa


def test_shipped_potential_on_phases_that_training_lacked() -> None:
    """Li5PS4Cl2 with the symmetry Amm2 (LPSCl-I), and Li7P3S11: the numbers of the model card."""
    frames = read_frames(OTHER_PHASES)
    total = {row.tag: row for row in evaluate(frames, IonPath())}
    assert total["all"].frames == 21
    for name, forces, bias in (("LPSCl-I", 52.0, 11.2), ("Li7P3S11", 48.0, 1.0)):  # meV/A, meV/atom
        rows = [total[f"{name}/{kelvin}K"] for kelvin in (300, 600, 900)]
        assert np.mean([row.force_mae for row in rows]) == pytest.approx(forces, rel=0.05)
        assert np.mean([row.energy_bias for row in rows]) == pytest.approx(bias, abs=0.5)
    assert total["LPSCl-I/900K"].force_slope > 0.94
    # Li5PS4Cl2 above Li3PS4 + 2 LiCl by the teacher's labels of cells relaxed with the potential: docs/pymatgen.md
    energy = {f.info["tag"]: f.get_potential_energy() / len(f) for f in frames if f.info["tag"].startswith("relaxed:")}
    crystal, sulfide, chloride = (energy[f"relaxed:{name}"] for name in ("LPSCl-I", "gamma-Li3PS4", "LiCl"))
    assert (12 * crystal - 8 * sulfide - 4 * chloride) / 12 == pytest.approx(0.0062, abs=0.0001)  # eV/atom


def test_potential_that_was_trained_on_lpscl_i() -> None:
    """Frames of other runs than those it was trained on: the numbers of the model card."""
    total = {row.tag: row for row in evaluate(read_frames(OTHER_PHASES), IonPath("argyrodite-lpscl-i"))}
    assert total["all"].frames == 21
    for name, forces, bias in (("LPSCl-I", 28.5, 0.1), ("Li7P3S11", 48.7, -0.3)):  # meV/A, meV/atom
        rows = [total[f"{name}/{kelvin}K"] for kelvin in (300, 600, 900)]
        assert np.mean([row.force_mae for row in rows]) == pytest.approx(forces, rel=0.03)
        assert np.mean([row.energy_bias for row in rows]) == pytest.approx(bias, abs=0.3)
        assert max(abs(row.energy_bias) for row in rows) < 1.5
    assert abs(total["relaxed:LPSCl-I"].energy_bias) < 1.0 and abs(total["relaxed:LiCl"].energy_bias) < 1.5
    assert total["LPSCl-I/900K"].force_slope > 0.97
    aside = [atoms for number, atoms in enumerate(read_frames(HELD_OUT)) if number % 3 == 0]
    row = evaluate(aside, IonPath("argyrodite-lpscl-i"))[-1]
    assert row.frames == 19 and row.force_mae < 31.5  # meV/A
    assert row.energy_mae < 1.2  # meV/atom


@pytest.mark.slow
def test_potential_that_was_trained_on_lpscl_i_on_all_frames_set_aside(potential_data: Path) -> None:
    """As good as the default on what both were trained on; no frame that judges it was in training."""
    aside = read_frames(potential_data / "set-aside.extxyz.gz", HELD_OUT)
    mine, default = (evaluate(aside, IonPath(model))[-1] for model in ("argyrodite-lpscl-i", "argyrodite"))
    assert mine.frames == 242 and mine.force_mae == pytest.approx(30.9, abs=0.3)  # meV/A
    assert mine.energy_mae < 1.2  # meV/atom
    assert mine.stress_mae < 0.05  # GPa
    assert mine.force_mae < 1.05 * default.force_mae
    melts = read_frames(potential_data / "hot-melt.extxyz.gz")
    assert evaluate(melts, IonPath("argyrodite-lpscl-i"))[-1].force_mae < 120.0  # meV/A
    trained = read_frames(potential_data / "lpscl-i.extxyz.gz")
    known = {atoms.positions.tobytes() for atoms in trained}
    assert len(trained) == len(known) == 130
    assert not any(atoms.positions.tobytes() in known for atoms in (*aside, *read_frames(OTHER_PHASES)))


def test_shipped_potential_on_public_melts(shared_data: Path) -> None:
    # CP2K PBE-D3 melts at 3000 K of Chen et al.: another code and basis, far above the temperatures of use.
    frames = [a for name in ("Li7PS6", "beta-Li3PS4") for a in read(shared_data / "dft" / f"{name}.extxyz.gz", "::10")]
    total = evaluate(frames, IonPath())[-1]
    assert total.force_mae < 160.0  # meV/A
    assert 0.85 < total.force_slope < 1.05


def test_shipped_potential_on_all_frames_set_aside(potential_data: Path) -> None:
    """Blocks of the runs that training began with, and the runs of their own; no frame of these was in training."""
    aside = read_frames(potential_data / "set-aside.extxyz.gz", HELD_OUT)
    row = evaluate(aside, IonPath())[-1]
    assert row.frames == 242
    assert row.force_mae < 31.0  # meV/A
    assert row.energy_mae < 1.2  # meV/atom
    assert row.stress_mae < 0.05  # GPa
    assert row.force_slope == pytest.approx(1.0, abs=0.01)
    known = {
        a.positions.tobytes() for name in ("first", "added") for a in read_frames(potential_data / f"{name}.extxyz.gz")
    }
    assert len(known) == 1368 + 3532
    assert not any(a.positions.tobytes() in known for a in aside)


def test_shipped_potential_without_its_number_of_lithium() -> None:
    """Lithium taken out or put in, which no training had: forces still serve, energies per lithium do not."""
    frames = read_frames(HELD_OUT.with_name("not-neutral.extxyz.gz"))
    size = {atoms.info["tag"]: len(atoms) for atoms in frames}
    with pytest.warns(UserWarning, match=r"2[02] Li 4 P 20 S 4 Cl, a charge of -[24] e"):
        rows = {row.tag: row for row in evaluate(frames, IonPath())}
    for tag, lithium in (("LPSCl-II-2Li/600K", 2), ("LPSCl-II-4Li/600K", 4), ("LPSCl-III+4Li/600K", 4)):
        assert rows[tag].force_mae < 30.0 * lithium  # meV/A
        assert -0.75 < 1e-3 * rows[tag].energy_bias * size[tag] / lithium < 0.0, tag  # eV, too stable
    assert rows["LPSCl-III+2Li/600K"].force_mae < 55.0  # meV/A
    assert rows["LPSCl-III+2Li/600K"].energy_mae < 3.0  # meV/atom
