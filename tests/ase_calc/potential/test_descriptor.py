"""A second descriptor for a trained potential."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from second_descriptor import add_second_descriptor, extended_checkpoint, has_second_descriptor

from ionpath.errors import InputError, IonpathError
from ionpath_ase import IonPath
from ionpath_ase.training import label_frames, read_frames, simplify_graph
from ionpath_ase.training.fitting import _dp, train


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LiCl cells with random displacements and strains, labelled by the shipped potential."""
    rng = np.random.default_rng(7)
    frames: list[Atoms] = []
    for _ in range(12):
        atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
        atoms.set_cell(atoms.cell * (1.0 + rng.normal(0.0, 0.01)), scale_atoms=True)
        atoms.positions += rng.normal(0.0, 0.1, atoms.positions.shape)
        atoms.info["tag"] = "LiCl"
        frames.append(atoms)
    path = tmp_path_factory.mktemp("labels") / "salt.extxyz"
    assert label_frames(frames, IonPath(), path, progress=False).labelled == 12
    return path


@pytest.mark.slow
def test_an_extended_model_says_what_it_said_before(labelled: Path, tmp_path: Path) -> None:
    """A second descriptor is added to a trained model, which then goes on from where it was."""
    frames = read_frames(labelled)
    small = {"embedding": [4, 8], "axis": 4, "fitting": [16, 16], "lr": (2e-2, 5e-4)}
    still = {**small, "lr": (1e-9, 1e-10)}

    def frozen(name: str, steps: int, overrides: dict[str, Any], initial: Path | None = None) -> Path:
        """What `fit` freezes before it compresses it."""
        settings = {"steps": steps, "overrides": overrides}
        train(tmp_path / name, frames, frames[:1], settings, initial=initial, progress=False)
        _dp(["freeze", "-c", ".", "-o", "frozen.pb"], tmp_path / name)
        return tmp_path / name / "frozen.pb"

    one = frozen("one", 100, {**small, "outer": None})
    start = tmp_path / "one" / "model.ckpt"
    extended = extended_checkpoint(start, frames, tmp_path / "two", overrides=still)
    assert has_second_descriptor(extended) and not has_second_descriptor(start)
    two = frozen("two", 20, still, extended)
    assert has_second_descriptor(tmp_path / "two" / "model.ckpt")
    packed = tmp_path / "two.pb.gz"
    packed.write_bytes(gzip.compress(two.read_bytes()))
    three = frozen("three", 20, still, packed)
    forces = []
    for model in (one, two, three):
        frame = frames[0].copy()
        frame.calc = IonPath(model)
        forces.append(frame.get_forces())
    assert np.abs(forces[0]).max() > 0.01  # eV/A
    assert np.abs(np.array(forces[1:]) - forces[0]).max() < 1e-4
    assert IonPath(two).cutoff == 7.0
    frame = frames[0].copy()
    both = []
    for model in (two, simplify_graph(two, tmp_path / "lean.pb")):
        frame.calc = IonPath(model)
        both.append([*frame.get_forces().ravel(), *frame.get_stress()])
    np.testing.assert_allclose(both[1], both[0], atol=1e-10)  # though its nets are differentiated once, not twice
    assert (tmp_path / "lean.pb").stat().st_size < two.stat().st_size
    with pytest.raises(InputError, match=r"variable layer_0.*: need the shape .* of the new input, got"):
        add_second_descriptor(extended, start, tmp_path / "other")
    with pytest.raises(InputError, match="checkpoint: need the prefix of a checkpoint of deepmd-kit"):
        add_second_descriptor(tmp_path / "none", tmp_path / "none", tmp_path / "made")
    with pytest.raises(IonpathError, match="dp train stopped"):  # one descriptor does not start two
        frozen("third", 20, still, start)
