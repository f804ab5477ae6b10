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
from ionpath_ase.training import fit, label_frames, read_frames, simplify_graph


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


def test_an_extended_model_says_what_it_said_before(labelled: Path, tmp_path: Path) -> None:
    """A second descriptor is added to a trained model, which then goes on from where it was."""
    frames = read_frames(labelled)
    options: dict[str, Any] = {"test": frames[:1], "progress": False}
    small = {"embedding": [4, 8], "axis": 4, "fitting": [16, 16], "lr": (2e-2, 5e-4)}
    one = fit(frames, tmp_path / "one", steps=100, overrides={**small, "outer": None}, **options)
    still = {**small, "lr": (1e-9, 1e-10)}
    start = tmp_path / "one" / "model.ckpt"
    extended = extended_checkpoint(start, frames, tmp_path / "two", overrides=still)
    assert has_second_descriptor(extended) and not has_second_descriptor(start)
    two = fit(frames, tmp_path / "two", steps=20, overrides=still, initial=extended, **options)
    assert has_second_descriptor(tmp_path / "two" / "model.ckpt")
    packed = tmp_path / "two.pb.gz"
    packed.write_bytes(gzip.compress(two.frozen.read_bytes()))
    three = fit(frames, tmp_path / "three", steps=20, overrides=still, initial=packed, **options)
    forces = []
    for model in (one, two, three):
        frame = frames[0].copy()
        frame.calc = IonPath(model.frozen)
        forces.append(frame.get_forces())
    assert np.abs(forces[0]).max() > 0.01  # eV/A
    assert np.abs(np.array(forces[1:]) - forces[0]).max() < 1e-4
    assert IonPath(two.frozen).cutoff == 7.0
    frame = frames[0].copy()
    both = []
    for model in (two.frozen, simplify_graph(two.frozen, tmp_path / "lean.pb")):
        frame.calc = IonPath(model)
        both.append([*frame.get_forces().ravel(), *frame.get_stress()])
    np.testing.assert_allclose(
        both[1], both[0], atol=1e-10
    )  # though its nets are differentiated once, not twice
    assert (tmp_path / "lean.pb").stat().st_size < two.frozen.stat().st_size
    with pytest.raises(InputError, match=r"variable layer_0.*: need the shape .* of the new input, got"):
        add_second_descriptor(extended, start, tmp_path / "other")
    with pytest.raises(InputError, match="checkpoint: need the prefix of a checkpoint of deepmd-kit"):
        add_second_descriptor(tmp_path / "none", tmp_path / "none", tmp_path / "made")
    with pytest.raises(IonpathError, match="dp train stopped"):  # one descriptor does not start two
        fit(frames, tmp_path / "third", steps=20, overrides=still, initial=start, **options)
