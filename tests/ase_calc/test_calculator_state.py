"""A calculator that raised is as good as new: the next energy is that of a fresh one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError

from ionpath.errors import InputError
from ionpath_ase import Committee, IonPath, _verlet
from ionpath_ase._verlet import VerletNeighbours

FAST = "argyrodite.2"
KINDS: dict[str, Callable[[], Calculator]] = {
    "IonPath": lambda: IonPath(FAST),
    "Committee": lambda: Committee([FAST, "argyrodite.3"]),
}


@pytest.fixture(scope="module", params=sorted(KINDS))
def calculators(request: pytest.FixtureRequest) -> tuple[Calculator, Calculator]:
    """A calculator that all tests of this file make fail, and one that never fails."""
    return KINDS[request.param](), KINDS[request.param]()


def pair(symbols: str, distance: float) -> Atoms:
    return Atoms(symbols, positions=[[0, 0, 0], [distance, 0, 0]], cell=[12, 12, 12], pbc=True)


def spoiled(how: str) -> tuple[Atoms, str]:
    """Atoms that are refused, and the sentence."""
    atoms = pair("LiCl", 2.3)
    if how == "close":
        atoms = pair("PS", 0.1)
        return atoms, r"positions: need atoms at least 0\.5 A apart, got atoms 0 and 1 at 0\.100 A"
    if how == "element":
        return pair("LiNa", 2.3), "elements: need only Li, P, S, Cl, Si, .* got Na"
    if how == "nan":
        atoms.positions[1, 2] = np.nan
        return atoms, r"positions: need finite coordinates and cell, got values .* 1 atoms \(first: \[1\]\)"
    if how == "far":
        atoms.positions[1, 2] = 1e30
        return atoms, r"positions: need coordinates within 1e\+06 A of the origin, got one at 1e\+30 A; wrap"
    if how == "cell":
        atoms.cell[2, 2] = np.nan
        return atoms, "cell: need finite lattice vectors, got .*nan"
    atoms.cell[:] = 0.0
    return atoms, "cell: need independent lattice vectors along all periodic directions"


@pytest.mark.filterwarnings("ignore:structure. need a neutral one")
@pytest.mark.parametrize("how", ["close", "element", "nan", "far", "cell", "flat"])
def test_the_next_energy_after_a_refusal_is_right(calculators: tuple[Calculator, Calculator], how: str) -> None:
    calculator, reference = calculators
    first = pair("Li2", 2.4)
    first.calc = calculator
    before = first.get_potential_energy()
    bad, sentence = spoiled(how)
    bad.calc = calculator
    for _ in range(2):  # the same atoms again are refused again, and not answered from what was stored
        with pytest.raises(InputError, match=sentence):
            bad.get_potential_energy()
    assert calculator.atoms is None and calculator.results == {}
    for symbols in ("PS", "Li2S"):  # other elements, and another number of atoms
        mended = Atoms(symbols, positions=[[0, 0, 0], [2.0, 0, 0], [0, 2.4, 0]][: 2 + (symbols == "Li2S")])
        mended.set_cell([12, 12, 12])
        mended.pbc = True
        fresh = mended.copy()
        mended.calc, fresh.calc = calculator, reference
        assert mended.get_potential_energy() == pytest.approx(fresh.get_potential_energy(), abs=1e-6)  # eV
        assert np.allclose(mended.get_forces(), fresh.get_forces(), atol=1e-6)  # eV/A
    assert first.get_potential_energy() == pytest.approx(before, abs=1e-6)


def test_a_warning_that_is_an_error_is_raised_each_time(calculators: tuple[Calculator, Calculator]) -> None:
    calculator, reference = calculators
    charged, neutral = pair("LiS", 2.4), pair("LiCl", 2.3)
    charged.calc = neutral.calc = calculator
    neutral.get_potential_energy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(UserWarning, match=r"structure: need a neutral one .* a charge of -1 e"):
                charged.get_potential_energy()
    with pytest.warns(UserWarning, match="a charge of -1 e"):
        energy = charged.get_potential_energy()
    fresh = charged.copy()
    fresh.calc = reference
    with pytest.warns(UserWarning, match="a charge of -1 e"):
        assert energy == pytest.approx(fresh.get_potential_energy(), abs=1e-6)  # eV


def test_charges_of_atoms_are_not_used_in_silence() -> None:
    atoms = pair("LiCl", 2.3)
    atoms.calc = IonPath(FAST)
    atoms.set_initial_charges([1.0, -1.0])
    energy = atoms.get_potential_energy()  # no warning: they add up
    for charges, sum_ in (([1.0, 0.0], r"\+1"), ([np.nan, 0.0], r"\+?nan")):
        other = atoms.copy()
        other.set_initial_charges(charges)
        other.calc = IonPath(FAST)
        with pytest.warns(UserWarning, match=rf"initial charges: need a sum of 0, got {sum_} e; .* whatever") as told:
            assert other.get_potential_energy() == pytest.approx(energy, abs=1e-6)
        assert told[0].filename == __file__  # the line of the user, through calls of the host


def test_a_missing_stress_leaves_the_energy(calculators: tuple[Calculator, Calculator]) -> None:
    cluster = Atoms("LiCl", positions=[[0, 0, 0], [2.3, 0, 0]])
    cluster.calc = calculators[0]
    energy = cluster.get_potential_energy()
    with pytest.raises(PropertyNotImplementedError, match="the stress needs a periodic cell"):
        cluster.get_stress()
    assert cluster.calc.results["energy"] == pytest.approx(energy, abs=1e-6)


def test_lists_that_an_interrupt_left_unfinished_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = pair("LiCl", 2.3)
    atoms.calc = IonPath(FAST)
    atoms.get_potential_energy()
    find, calls = _verlet._pairs, []

    def interrupted(*words: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt("in the middle of a list")
        return find(*words)

    monkeypatch.setattr(_verlet, "_pairs", interrupted)
    far = pair("LiCl", 3.5)
    far.positions += 5.0
    far.calc = atoms.calc
    with pytest.raises(KeyboardInterrupt, match="in the middle of a list"):
        far.get_potential_energy()
    fresh = far.copy()
    energy = far.get_potential_energy()
    assert len(calls) == 2
    fresh.calc = IonPath(FAST)
    assert energy == pytest.approx(fresh.get_potential_energy(), abs=1e-6)  # eV


def test_lists_hold_only_when_they_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = VerletNeighbours(6.0)
    positions, cell, types = np.array([[0.0, 0, 0], [2.3, 0, 0]]), 12.0 * np.eye(3), np.array([0, 1])
    monkeypatch.setattr(_verlet, "_lists", lambda *words: 1 / 0)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        lists.update(positions, cell, types)
    assert not lists._holds(positions, cell, types)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("closest", [float("nan"), -1.0, float("inf"), "far"])
def test_a_smallest_distance_is_a_number(kind: str, closest: float) -> None:
    with pytest.raises(InputError, match=r"closest: need a number of zero or more in A, got"):
        Committee([FAST, FAST], closest=closest) if kind == "Committee" else IonPath(FAST, closest=closest)
    calculator = KINDS[kind]()
    with pytest.raises(InputError, match=r"closest: need a number of zero or more in A, got"):
        calculator.set(closest=closest)
    assert calculator.parameters["closest"] == 0.5  # A


def test_settings_that_are_refused_change_nothing(tmp_path: Path) -> None:
    atoms = pair("LiCl", 2.3)
    atoms.calc = IonPath(FAST)
    energy = atoms.get_potential_energy()
    for wrong, sentence in (
        ({"model": "argirodite", "closest": 1.0}, "model: need a file .* the nearest names are: argyrodite"),
        ({"model": tmp_path / "gone.pb"}, "model: need an existing file"),
        ({"modle": FAST}, "parameter: need one of model, closest, got 'modle'"),
    ):
        with pytest.raises(InputError, match=sentence):
            atoms.calc.set(**wrong)
        assert atoms.calc.parameters == {"model": FAST, "closest": 0.5}
    assert atoms.get_potential_energy() == energy
    with pytest.raises(InputError, match="parameter: need one of closest, got 'closset'"):
        Committee([FAST, FAST], closset=1.0)
