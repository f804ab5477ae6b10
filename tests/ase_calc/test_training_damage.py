"""Damaged folders of trainings, of loops and of bands: the same result, or one sentence that names the file."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

from ionpath.errors import InputError
from ionpath_ase.training import LoopSettings, learning_curve
from ionpath_ase.training.concurrent import _check, _label, _train
from ionpath_ase.training.exploration import Exploration, _digest, _kept
from ionpath_ase.training.fit_folder import check_folder, check_newest, same_frames, same_settings
from ionpath_ase.training.fitting import _written

Mutations = Callable[..., Iterable[bytes]]
CURVE = """#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn    rmse_f_val  rmse_f_trn         lr
# If there is no available reference data, rmse_*_{val,trn} will print nan
      0      1.29e+01    1.34e+01      1.10e-01    1.12e-01      4.09e-01    4.25e-01    1.0e-03
     10      1.20e+01    1.24e+01      1.00e-01    1.02e-01      3.99e-01    4.05e-01    1.0e-03
     20      1.10e+01    1.14e+01      0.90e-01    0.92e-01      3.89e-01    3.95e-01    1.0e-03
"""


def labelled(count: int = 3) -> list[Atoms]:
    frames = []
    for seed in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.05, seed=seed)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        frames.append(atoms)
    return frames


def training_frames(folder: Path) -> tuple[Path, Callable[[], Any]]:
    frames, path = labelled(), folder / "data" / "frames.json"
    parts = {"training": frames[1:], "validation": frames[:1]}
    same_frames(path, parts)
    return path, lambda: same_frames(path, parts)


def settings_of_training(folder: Path) -> tuple[Path, Callable[[], Any]]:
    from ionpath_ase.training import dp_input

    made, path = dp_input(training=["a"], steps=100), folder / "input.json"
    path.write_text(json.dumps(made, indent=1))
    return path, lambda: same_settings(path, made)


def loop(folder: Path) -> tuple[Path, Callable[[], Any]]:
    frames, settings = labelled(2), LoopSettings()

    def check() -> None:
        _check({"Cu": frames[0]}, frames, folder, settings, {"teacher": "EMT"})

    check()
    return folder / "loop.json", check


def members(folder: Path, name: str) -> tuple[Path, Callable[[], Any]]:
    """Models of a loop, whose trainer here leaves numbers of its seed."""

    def trainer(frames: Any, held: Any, place: Path, seed: int, settings: Any) -> Path:
        place.mkdir(parents=True, exist_ok=True)
        (place / "model.pb").write_bytes(np.random.default_rng(seed).bytes(400))
        return place / "model.pb"

    def models() -> list[bytes]:
        return [path.read_bytes() for path in _train(labelled(2), [], folder, LoopSettings(), trainer)[0]]

    models()
    return folder / "models" / "2" / name, models


def note_of_member(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return members(folder, "done.json")


def model_of_member(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return members(folder, "model.pb")


def chosen(folder: Path, name: str) -> tuple[Path, Callable[[], Any]]:
    """Frames that were chosen, and their labels."""
    atoms = labelled(1)[0]
    frames = []
    for seed in range(3):
        frame = atoms.copy()
        frame.rattle(0.1, seed=seed)
        frames.append(frame)
    settings = LoopSettings(most_candidates=2, closest=0.1)
    largest = 0.5 * (settings.window.low + settings.window.high)
    runs = {("Cu", 300.0): Exploration(tuple(frames), np.full((3, 4), largest))}

    def labels() -> Any:
        made, counts = _label(runs, folder, settings, 0, EMT(), False)
        return [(a.positions.tobytes(), a.get_potential_energy(), a.get_forces().tobytes()) for a in made], counts

    assert len(labels()[0]) == 2
    return folder / name, labels


def note_of_chosen(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return chosen(folder, "selected.json")


def chosen_frames(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return chosen(folder, "selected.extxyz")


def note_of_labels(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return chosen(folder, "labels.json")


def labels_of_chosen(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return chosen(folder, "labels.extxyz")


def explored(folder: Path, name: str) -> tuple[Path, Callable[[], Any]]:
    from ase.io import write

    write(folder / "trajectory.extxyz", [a.copy() for a in labelled(3)])
    np.savez(
        folder / "deviations.npz", deviations=np.arange(8.0).reshape(2, 4), stopped=np.array(""),
        trajectory=np.array(_digest(folder / "trajectory.extxyz")),
    )  # fmt: skip

    def kept() -> Any:
        found = _kept(folder / "trajectory.extxyz", folder / "deviations.npz")
        return found.deviations.tobytes(), [frame.positions.tobytes() for frame in found.frames]

    return folder / name, kept


def deviations(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return explored(folder, "deviations.npz")


def explored_frames(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return explored(folder, "trajectory.extxyz")


def bands_of(folder: Path, name: str) -> tuple[Path, Callable[[], Any]]:
    """Barriers of hops, and what they are of."""
    from ionpath_ase.bands import Barrier, Hop, changes, finished, note_parts, save

    hop, about = Hop(5, partner=7), {"cell": "0" * 64, "force": 0.05, "energy": -3.2}
    note_parts(folder, about)
    save(folder, hop, Barrier(5, 0.31, 0.29, np.array([0.0, 0.2, 0.31, 0.1, 0.02]), 3.4, True))

    def kept() -> Any:
        found = finished(folder, hop)
        assert isinstance(found, Barrier)
        return changes(folder, about), found.forward, found.backward, found.energies.tobytes(), found.converged

    return (folder / name if name else next(folder.glob("band-5-*.json"))), kept


def band(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return bands_of(folder, "")


def note_of_bands(folder: Path) -> tuple[Path, Callable[[], Any]]:
    return bands_of(folder, "bands.json")


KINDS = (
    band, note_of_bands, training_frames, settings_of_training, loop, note_of_member, model_of_member, note_of_chosen,
    chosen_frames, note_of_labels, labels_of_chosen, deviations, explored_frames,
)  # fmt: skip


def check(
    kind: Callable[[Path], tuple[Path, Callable[[], Any]]], folder: Path, count: int, mutations: Mutations
) -> None:
    path, read = kind(folder)
    sound, data = read(), path.read_bytes()
    seen: Counter[str] = Counter()
    for damaged in mutations(data, count):
        path.write_bytes(damaged)
        try:
            found = read()
        except InputError as error:
            told = str(error)
            names = path.name in told or (
                kind is settings_of_training and told.startswith("settings: need those that ")
            )
            seen["told" if names and "\n" not in told else told[:100]] += 1
        except Exception as error:  # what no user should meet
            seen[f"bare {type(error).__name__}: {error}"[:100]] += 1
        else:
            seen["same" if found == sound else "other"] += 1
    assert set(seen) <= {"told", "same"} and seen["told"] > count // 2, seen


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told(
    kind: Callable[[Path], tuple[Path, Callable[[], Any]]], tmp_path: Path, mutations: Mutations
) -> None:
    check(kind, tmp_path, 24, mutations)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told_in_any_place(
    kind: Callable[[Path], tuple[Path, Callable[[], Any]]], tmp_path: Path, mutations: Mutations
) -> None:
    check(kind, tmp_path, 300, mutations)


def test_damaged_data_are_written_again(tmp_path: Path, mutations: Mutations) -> None:
    """Frames are at hand: data of deepmd-kit that were changed are those of the frames again, and that is said."""
    place = tmp_path / "training"
    systems = _written(labelled(), place, ["Cu"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _written(labelled(), place, ["Cu"]) == systems
    forces = next(place.rglob("force.npy"))
    sound = forces.read_bytes()
    for damaged in (*mutations(sound, 8), None):
        if damaged is None:
            forces.unlink()
        else:
            forces.write_bytes(damaged)
        with pytest.warns(
            UserWarning, match=r"file set.000/force.npy is not what was written there: it is written again"
        ):
            assert _written(labelled(), place, ["Cu"]) == systems
        assert forces.read_bytes() == sound


def test_a_learning_curve_that_is_damaged_or_was_made_twice(tmp_path: Path, mutations: Mutations) -> None:
    path = tmp_path / "lcurve.out"
    path.write_text(CURVE)
    sound = learning_curve(tmp_path)
    assert sound.dtype.names[0] == "step" and sound["rmse_f_val"].tolist() == [0.409, 0.399, 0.389]  # eV/A
    lines = CURVE.splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-2].replace("3.99", "3.98"), lines[-1]]))  # killed at 20, from 10 on again
    assert learning_curve(tmp_path)["rmse_f_val"].tolist() == [0.409, 0.398, 0.389]
    path.write_text(CURVE[:-30])  # being written
    assert learning_curve(tmp_path)["step"].tolist() == [0.0, 10.0]
    path.write_text(CURVE.replace("1.20e+01", "1.20e+01 7"))
    with pytest.raises(InputError, match=r"file lcurve.out, line 4: need 8 numbers below a line '# step ...', got "):
        learning_curve(tmp_path)
    seen: Counter[str] = Counter()
    for damaged in mutations(CURVE.encode(), 200):
        path.write_bytes(damaged)
        try:
            found = learning_curve(tmp_path)
        except InputError as error:
            seen["told" if "lcurve.out" in str(error) else str(error)] += 1
        else:
            assert all(len(row) == len(found.dtype.names) for row in found)
            seen["read"] += 1
    assert set(seen) == {"told", "read"} and seen["told"] > 60, seen
    path.unlink()
    with pytest.raises(
        InputError, match=r"file lcurve.out: need the learning curve of a training, got .*; train first"
    ):
        learning_curve(tmp_path)


def test_models_that_are_no_longer_whole_are_not_trained_over(tmp_path: Path) -> None:
    """The training began anew where a finished model was there; deepmd-kit named a file, and not what to do."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "frames.json").touch()
    (tmp_path / "model.ckpt-40.index").touch()
    check_folder(tmp_path)  # killed while the first was written
    (tmp_path / "frozen.pb").touch()
    with pytest.raises(InputError, match=r"file checkpoint: need the file that names the last of .*, got none; put it"):
        check_folder(tmp_path)
    (tmp_path / "checkpoint").touch()
    for kind in ("index", "meta", "data-00000-of-00001"):
        told = rf"file model.ckpt.{kind}: need that of the last model, .*, got none; put it back, or take another"
        with pytest.raises(InputError, match=told):
            check_folder(tmp_path)
        (tmp_path / f"model.ckpt.{kind}").symlink_to(f"model.ckpt-40.{kind}")
        (tmp_path / f"model.ckpt-40.{kind}").touch()
    check_folder(tmp_path)


def test_a_model_of_an_earlier_step_is_not_frozen(tmp_path: Path, mutations: Mutations) -> None:
    """deepmd-kit freezes what the first line of ``checkpoint`` names; with its digit flipped, another model."""
    for step in (30, 140):
        (tmp_path / f"model.ckpt-{step}.index").touch()
    with pytest.raises(InputError, match=r"file checkpoint: need the file that names the last of .*, got none; put it"):
        check_folder(tmp_path)
    text = 'model_checkpoint_path: "model.ckpt-140"\nall_model_checkpoint_paths: "model.ckpt-30"\n'
    for damaged in (*mutations(text[:41].encode(), 40), text.encode()):
        (tmp_path / "checkpoint").write_bytes(damaged + text[41:].encode() * (damaged != text.encode()))
        try:
            check_newest(tmp_path)
        except InputError as error:
            told = str(error)
        else:
            assert (tmp_path / "checkpoint").read_bytes().startswith(text.partition("\n")[0].encode())
            continue
        assert told.startswith('file checkpoint, line 1: need model_checkpoint_path: "model.ckpt-140", got ')
