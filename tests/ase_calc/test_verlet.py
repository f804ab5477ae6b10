"""deepmd-kit's C library, with neighbours that are kept, gives what the model gives through Python."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from ionpath_ase import IonPath, _library
from ionpath_ase._verlet import VerletNeighbours


@pytest.fixture(scope="module")
def calculator() -> IonPath:
    return IonPath()


def slow(calculator: IonPath, atoms: Atoms) -> tuple[float, np.ndarray, np.ndarray]:
    """The bare call of the model."""
    types = calculator._models[0].types(atoms.get_chemical_symbols())
    box = atoms.cell.array.reshape(1, 9)
    energy, forces, virial = calculator._models[0].load().eval(atoms.positions.reshape(1, -1), box, types)
    return float(energy.ravel()[0]), forces[0], virial.reshape(3, 3)


def agree(calculator: IonPath, atoms: Atoms) -> None:
    energy, forces, virial = slow(calculator, atoms)
    # single precision; the order of neighbours changes the last bits
    assert atoms.get_potential_energy() == pytest.approx(energy, abs=2e-5 * len(atoms) ** 0.5)
    assert atoms.get_forces() == pytest.approx(forces, abs=5e-6)
    stress = -0.5 * (virial + virial.T) / atoms.get_volume()
    assert atoms.get_stress(voigt=False) == pytest.approx(stress, abs=1e-6)


@pytest.mark.parametrize("shape", ["cubic", "sheared", "thin"])
@pytest.mark.filterwarnings("ignore:.*no material has such a distance")  # a walk without forces
def test_a_walk_is_that_of_the_bare_model(salt: Atoms, argyrodite: Atoms, calculator: IonPath, shape: str) -> None:
    atoms = salt if shape == "thin" else argyrodite  # 5.1 A against a range of 6 A and a skin
    if shape == "sheared":
        strain = np.eye(3) + [[0.0, 0.25, -0.1], [0.05, 0.0, 0.3], [0.0, 0.1, 0.0]]
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    atoms.calc = calculator
    rng = np.random.default_rng(8)
    start = calculator._models[0]._library() and calculator._models[0]._neighbours.builds
    for step in range(24):
        atoms.positions += rng.normal(0.0, 0.04, atoms.positions.shape)
        if step == 8:
            atoms.positions += 0.7 * atoms.cell[0] - 2.0 * atoms.cell[1]
        if step == 12:
            atoms.wrap()
        if step > 16:
            atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0.0, 0.004, (3, 3))), scale_atoms=True)
        agree(calculator, atoms)
    built = calculator._models[0]._neighbours.builds - start
    assert 3 <= built < 14  # not at every step, but after each jump


def test_another_structure_gets_its_own_lists(salt: Atoms, argyrodite: Atoms, calculator: IonPath) -> None:
    for atoms in (salt, argyrodite, salt.repeat((2, 1, 1)), salt):
        atoms.calc = calculator
        agree(calculator, atoms)
    salt.symbols[0], salt.symbols[1] = salt.symbols[1], salt.symbols[0]
    agree(calculator, salt)


def test_lists_last_as_long_as_they_may(argyrodite: Atoms) -> None:
    """One atom may go by half of the skin, whichever way; a hair more, and the lists are made anew."""
    types = argyrodite.numbers % 5
    lists = VerletNeighbours(6.0, skin=1.0)
    cell, positions = argyrodite.cell.array.copy(), argyrodite.positions.copy()
    lists.update(positions, cell, types)
    moved = positions.copy()
    moved[7] += [0.0, 0.3, 0.399]
    lists.update(moved, cell, types)
    assert lists.builds == 1
    moved[7] += [0.02, 0.0, 0.01]
    lists.update(moved, cell, types)
    assert lists.builds == 2
    lists.update(moved @ np.diag([0.9, 1.0, 1.0]), cell @ np.diag([0.9, 1.0, 1.0]), types)
    assert lists.builds == 2  # 0.9 x 7 A is still beyond the range
    lists.update(moved @ np.diag([0.85, 1.0, 1.0]), cell @ np.diag([0.85, 1.0, 1.0]), types)
    assert lists.builds == 3


def test_every_pair_within_reach_is_listed(argyrodite: Atoms) -> None:
    from ase.neighborlist import neighbor_list

    strain = np.eye(3) + [[0.0, 0.3, 0.0], [0.0, 0.0, -0.2], [0.1, 0.0, 0.0]]
    argyrodite.set_cell(argyrodite.cell.array @ strain, scale_atoms=True)
    lists = VerletNeighbours(6.0, skin=0.5)
    lists.update(argyrodite.positions, argyrodite.cell.array, argyrodite.numbers)
    count = len(argyrodite)
    numbers = lists.lists.counts
    owners = np.concatenate([lists.order, lists.order[lists.ghosts]])
    first = np.repeat(lists.order, numbers)
    second = owners[lists.lists.neighbours]
    found = np.zeros((count, count), dtype=int)
    np.add.at(found, (first, second), 1)
    expected = np.zeros((count, count), dtype=int)
    np.add.at(expected, neighbor_list("ij", argyrodite, 6.5), 1)
    assert np.array_equal(found, expected)


def test_other_calls_in_between_leave_the_lists_right(argyrodite: Atoms, calculator: IonPath) -> None:
    """Energies of atoms and clusters go through the same model without lists, which it must not take for its own."""
    cluster = Atoms("LiCl", positions=[(0, 0, 0), (0, 0, 2.3)], calculator=calculator)
    argyrodite.calc = calculator
    for _ in range(2):
        argyrodite.positions += 1e-3
        agree(calculator, argyrodite)
        energies = argyrodite.get_potential_energies()
        argyrodite.positions -= 2e-3
        cluster.positions[1] += [0.0, 0.0, 0.01]
        pair = cluster.get_potential_energy()
        agree(calculator, argyrodite)
        types = calculator._models[0].types(["Li", "Cl"])
        assert pair == pytest.approx(float(calculator._models[0]._by_python(cluster.positions, None, types, False)[0]))
        assert energies.sum() == pytest.approx(argyrodite.get_potential_energy(), abs=1e-3)  # eV


@pytest.mark.parametrize(
    "name", ["argyrodite", "argyrodite.2", pytest.param("argyrodite-lpscl-i", marks=pytest.mark.slow)]
)
def test_every_result_is_that_of_python(argyrodite: Atoms, name: str) -> None:
    """In eV and eV/A; virials of atoms too, which the names exchanged for the sum do not give."""
    argyrodite.calc = IonPath(name)
    energies, stresses = argyrodite.get_potential_energies(), argyrodite.get_stresses()
    model = argyrodite.calc._models[0]
    types = model.types(argyrodite.get_chemical_symbols())
    energy, forces, _, each, virials = model._by_python(argyrodite.positions, argyrodite.cell.array, types, True)
    assert argyrodite.get_potential_energy() == pytest.approx(float(energy), abs=1e-5)
    assert argyrodite.get_forces() == pytest.approx(forces, abs=5e-6)
    assert energies == pytest.approx(each, abs=1e-5)
    volume = argyrodite.get_volume()
    turned = [full_3x3_to_voigt_6_stress(-0.5 * (v + v.T) / volume) for v in virials]
    assert stresses == pytest.approx(np.array(turned), abs=1e-7)
    assert argyrodite.get_stress() == pytest.approx(np.sum(turned, axis=0), abs=1e-6)


def test_an_installation_without_the_library_goes_through_python(
    argyrodite: Atoms, calculator: IonPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    argyrodite.calc = calculator
    energy, forces = argyrodite.get_potential_energy(), argyrodite.get_forces()
    monkeypatch.setattr(_library, "_library", lambda: None)
    slow = IonPath()
    argyrodite.calc = slow
    assert argyrodite.get_potential_energy() == pytest.approx(energy, abs=2e-5)  # eV
    assert argyrodite.get_forces() == pytest.approx(forces, abs=5e-6)  # eV/A
    assert slow._models[0]._fast is None
    assert (slow.cutoff, slow.elements) == (calculator.cutoff, calculator.elements)


def test_the_first_energy_imports_no_tensorflow() -> None:
    words = (
        "import sys; from ase import Atoms; from ionpath_ase import IonPath;"
        "a = Atoms('LiCl', positions=[(0, 0, 0), (0, 0, 2.3)], cell=[9, 9, 9], pbc=True, calculator=IonPath());"
        "a.get_forces(); print([m for m in ('tensorflow', 'deepmd', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stderr
