"""The lean graph: the same numbers as the one that deepmd-kit writes, whoever asks for them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from ionpath.errors import InputError
from ionpath_ase import IonPath, run_md
from ionpath_ase.cli import train
from ionpath_ase.md.lammps_model import ATOM_VIRIAL, EACH_VIRIAL, with_virial_of_images
from ionpath_ase.potentials import resolve
from ionpath_ase.training import simplify_graph


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, potential_data: Path) -> tuple[Path, Path]:
    """A model as deepmd-kit wrote it, and its lean twin."""
    folder = tmp_path_factory.mktemp("lean")
    (folder / "frozen.pb").write_bytes(gzip.decompress((potential_data / "argyrodite-frozen.pb.gz").read_bytes()))
    return folder / "frozen.pb", simplify_graph(folder / "frozen.pb", folder / "lean.pb")


def operations(model: Path) -> list[str]:
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(model.read_bytes())
    return [node.op for node in graph.node]


def test_same_numbers_with_and_without_images(models: tuple[Path, Path], argyrodite: Atoms) -> None:
    """`IonPath` has images with forces of their own; deepmd-kit's own way folds them back onto the atoms."""
    from deepmd.infer import DeepPot

    argyrodite.rattle(0.1, seed=3)
    sheared = argyrodite.cell.array + [[0, 0, 0], [1.0, 0, 0], [0.3, -0.5, 0.2]]
    argyrodite.set_cell(sheared, scale_atoms=True)
    results, own = [], []
    for model in models:
        atoms = argyrodite.copy()
        atoms.calc = IonPath(model)
        results.append([atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(), atoms.get_stresses()])
        potential = DeepPot(str(model))
        types = [potential.get_type_map().index(symbol) for symbol in atoms.symbols]
        frames = np.stack([atoms.positions, atoms.positions + 0.01 * np.arange(3)])
        cells = np.stack([atoms.cell.array.ravel()] * 2)
        own.append(potential.eval(frames.reshape(2, -1), cells, types, atomic=True))
    for old, new in zip(*results, strict=True):
        np.testing.assert_allclose(new, old, atol=1e-10)
    for old, new in zip(*own, strict=True):
        np.testing.assert_allclose(new, old, atol=1e-10)
    assert np.abs(results[0][2]).max() > 1e-3  # eV/A3
    without = argyrodite.copy()
    without.pbc = False
    energies = []
    for model in models:
        without.calc = IonPath(model)
        energies.append([without.get_potential_energy(), *without.get_forces().ravel()])
    np.testing.assert_allclose(energies[1], energies[0], atol=1e-10)


def test_less_is_computed(models: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = (operations(model) for model in models)
    assert len(new) < 0.8 * len(old)
    assert new.count("Pad") < old.count("Pad")
    again = tmp_path / "again.pb"
    assert train(["lean", str(models[1]), "-o", str(again)]) == 0
    assert again.read_bytes() == models[1].read_bytes()
    for name in ("argyrodite", "argyrodite.2", "argyrodite.3", "argyrodite-lpscl-i"):
        assert EACH_VIRIAL.encode() in resolve(name).read_bytes()  # those that are shipped are lean


def test_what_is_no_potential_is_refused(tmp_path: Path) -> None:
    for content in (b"not a graph", b""):
        (tmp_path / "other.pb").write_bytes(content)
        with pytest.raises(
            InputError, match="model other.pb: need a frozen Deep Potential .*TensorFlow.* got something"
        ):
            simplify_graph(tmp_path / "other.pb", tmp_path / "lean.pb")
    assert not (tmp_path / "lean.pb").exists()


def test_lammps_takes_the_virial_of_images(models: tuple[Path, Path], argyrodite: Atoms, tmp_path: Path) -> None:
    assert len(ATOM_VIRIAL) == len(EACH_VIRIAL)
    assert with_virial_of_images(models[0], tmp_path) == models[0]
    copy = with_virial_of_images(models[1], tmp_path)
    assert copy.read_bytes() != models[1].read_bytes() and len(copy.read_bytes()) == len(models[1].read_bytes())
    argyrodite.rattle(0.05, seed=1)
    pressures = []
    for k, (model, engine) in enumerate([(models[0], "lammps"), (models[1], "lammps"), (models[1], "ase")]):
        run = run_md(
            argyrodite.copy(), engine=engine, model=str(model), ensemble="nve", temperature=600.0, picoseconds=0.008,
            interval=0.002, seed=5, trajectory=tmp_path / f"{k}.xtc", progress=False,
        )  # fmt: skip
        pressures.append(np.genfromtxt(run.log, delimiter=",", names=True)["pressure_GPa"])
    assert np.ptp(pressures[0]) > 1e-3
    np.testing.assert_allclose(pressures[1], pressures[0], atol=1e-6)
    np.testing.assert_allclose(pressures[2], pressures[0], atol=1e-4)
