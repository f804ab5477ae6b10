"""A committee of potentials that differ."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from ionpath.errors import InputError
from ionpath_ase import Committee, IonPath, potentials
from ionpath_ase.potentials import available, members, resolve


def alone(atoms: Atoms, path: Path) -> Atoms:
    single = atoms.copy()
    single.calc = IonPath(path)
    return single


def test_mean_and_deviation_of_different_models(argyrodite: Atoms, different_models: list[Path]) -> None:
    argyrodite.calc = Committee(different_models)
    singles = [alone(argyrodite, path) for path in different_models]
    forces = np.array([single.get_forces() for single in singles])
    assert np.abs(forces[0] - forces[1]).max() > 0.02  # eV/A: they are different
    assert np.allclose(argyrodite.get_forces(), forces.mean(axis=0), atol=1e-9)
    assert np.allclose(argyrodite.get_stress(), np.mean([s.get_stress() for s in singles], axis=0), atol=1e-9)
    energies = np.array([single.get_potential_energy() for single in singles])
    assert argyrodite.get_potential_energy() == pytest.approx(energies.mean())
    # the model deviation of DP-GEN: sqrt(<|f - <f>|^2>) of each atom, and its maximum over atoms
    expected = np.sqrt((np.linalg.norm(forces - forces.mean(axis=0), axis=2) ** 2).mean(axis=0))
    found = argyrodite.calc.results
    assert np.allclose(found["force_deviation"], expected, atol=1e-12)
    assert found["max_force_deviation"] == pytest.approx(expected.max())
    assert found["energy_deviation"] == pytest.approx(energies.std() / len(argyrodite))


def test_order_of_members_and_atoms_does_not_matter(argyrodite: Atoms, different_models: list[Path]) -> None:
    argyrodite.calc = Committee(different_models)
    argyrodite.get_forces()
    deviation = argyrodite.calc.results["force_deviation"]
    order = np.random.default_rng(4).permutation(len(argyrodite))
    other = argyrodite[order]
    other.positions += [1.3, -2.0, 30.0]
    other.calc = Committee(different_models[::-1])
    other.get_forces()
    assert np.allclose(other.calc.results["force_deviation"], deviation[order], atol=2e-4)


def test_deviation_grows_away_from_equilibrium(argyrodite: Atoms, different_models: list[Path]) -> None:
    calculator = Committee(different_models)
    largest = []
    for width in (0.0, 0.15, 0.3):
        copy = argyrodite.copy()
        copy.positions += np.random.default_rng(0).normal(0.0, width, copy.positions.shape)
        copy.calc = calculator
        copy.get_forces()
        largest.append(calculator.results["max_force_deviation"])
    assert largest[0] < largest[1] < largest[2]


def test_a_name_stands_for_its_members(different_models: list[Path]) -> None:
    assert members(different_models[0]) == tuple(different_models)
    assert members(different_models[1]) == (different_models[1],)
    committee = Committee(different_models[0])
    assert len(committee) == 3
    assert committee.elements == ("Li", "P", "S", "Cl", "Si")


def test_packaged_committee(
    different_models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, salt: Atoms
) -> None:
    folder = tmp_path / "potentials"
    folder.mkdir()
    shutil.copy(different_models[0], folder / "argyrodite.pb")
    monkeypatch.setattr(potentials, "_FOLDER", folder)
    assert members("argyrodite") == (folder / "argyrodite.pb",)
    with pytest.raises(
        InputError, match=r"models: need at least two potentials, got 1: argyrodite.pb; use IonPath for one"
    ):
        Committee("argyrodite")
    for number, source in ((3, different_models[2]), (2, different_models[1]), (10, different_models[1])):
        shutil.copy(source, folder / f"argyrodite.{number}.pb")
    assert list(available()) == ["argyrodite"]
    names = ["argyrodite.pb", "argyrodite.2.pb", "argyrodite.3.pb", "argyrodite.10.pb"]
    assert [path.name for path in members("argyrodite")] == names
    assert resolve("argyrodite").name == "argyrodite.pb"
    assert resolve("argyrodite.2").name == "argyrodite.2.pb"
    salt.calc = Committee("argyrodite")
    assert salt.get_forces().shape == (8, 3)
    assert salt.calc.results["max_force_deviation"] > 1e-4
    assert np.allclose(alone(salt, folder / "argyrodite.pb").get_forces(), alone(salt, "argyrodite").get_forces())


@pytest.mark.filterwarnings("ignore:Cl4Li4. positions. .* no material has such a distance")
def test_shipped_committee_knows_where_it_has_not_been(salt: Atoms) -> None:
    files = members("argyrodite")
    assert [path.name for path in files] == ["argyrodite.pb", "argyrodite.2.pb", "argyrodite.3.pb"]
    assert sum(path.stat().st_size for path in files) < 12e6  # bytes
    assert [path.name for path in members("argyrodite-lpscl-i")] == ["argyrodite-lpscl-i.pb"]  # in no committee
    committee = Committee("argyrodite")
    assert len(committee) == 3
    deviation = []
    for rattle in (0.05, 0.5):  # A; the second is far outside of training
        frame = salt.copy()
        frame.rattle(rattle, seed=1)
        frame.calc = committee
        forces = frame.get_forces()
        alone_forces = [alone(frame, path).get_forces() for path in files]
        assert np.allclose(forces, np.mean(alone_forces, axis=0), atol=1e-5)
        deviation.append(frame.calc.results["max_force_deviation"])
    assert 1e-4 < deviation[0] < 0.15 < deviation[1]  # eV/A


def test_too_few_members_are_refused(different_models: list[Path]) -> None:
    with pytest.raises(InputError, match="models: need at least two potentials, got 0: none"):
        Committee([])
    with pytest.raises(InputError, match="models: need at least two potentials, got 1: argyrodite"):
        Committee([IonPath()])
    with pytest.raises(InputError, match="model: need a file that ends in"):
        Committee("argonite")
