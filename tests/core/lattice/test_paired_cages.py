"""Cages of two tetrahedra: found by geometry, twelve states and outside, whatever the order, cell and origin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.lattice import PairedCageRule, find_paired_cages, paired_cage_states

CELL = np.diag([8.6, 8.6, 12.4])  # A


def columns() -> tuple[NDArray[np.float64], list[str]]:
    """SiS4 and PS4 in a column along z, 6.2 A apart, upper corners along x and lower ones along y."""
    places, names = [], []
    for z, centre in ((3.1, "Si"), (9.3, "P")):
        length = 2.1 if centre == "Si" else 2.05
        side, up = length * np.sqrt(2 / 3), length / np.sqrt(3)
        places += [[4.3, 4.3, z], [4.3 + side, 4.3, z + up], [4.3 - side, 4.3, z + up]]
        places += [[4.3, 4.3 + side, z - up], [4.3, 4.3 - side, z - up]]
        names += [centre, "S", "S", "S", "S"]
    return np.array(places), names


def states(ions: Any, shift: Any = (0, 0, 0), order: Any = None, **options: Any) -> list[int]:
    places, names = columns()
    places = places + np.asarray(shift)
    order = np.arange(len(places)) if order is None else order
    cages = find_paired_cages(places[order], np.array(names)[order], CELL)
    found, cage = paired_cage_states(np.asarray(ions, float)[None] + shift, places[order][None], CELL, cages, **options)
    assert (cage == 0).all()
    return [int(s) for s in found[0]]


def test_twelve_states_and_outside() -> None:
    apexes = [[4.3, 4.3, 6.2], [4.3, 4.3, 0.0]]
    chain = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    around = [[4.3 + 2.15 * a, 4.3 + 2.15 * b, z] for z in (3.1, 9.3) for a, b in chain]
    found = states(apexes + around + [[0.0, 0.0, 6.2]])
    assert found[:2] == [1, 2]
    assert sorted(found[2:6]) == [3, 4, 5, 6]
    assert sorted(found[6:10]) == [7, 8, 9, 10]
    assert found[10] == 0
    # Between a lower corner of one and an upper corner of the other: 2.9 A from both, more than 3.5 A from a centre.
    bridge = [[6.5, 6.5, 6.2], [6.5, 6.5, 0.0]]
    assert states(bridge) == [11, 12]
    assert states(bridge, rule=PairedCageRule(bridge=2.5)) == [0, 0]


@pytest.mark.parametrize("change", ["origin", "wrapped", "order"])
def test_states_do_not_depend_on_the_description(change: str) -> None:
    rng = np.random.default_rng(3)
    ions = rng.uniform(0, 1, (4000, 3)) @ CELL
    expected = states(ions)
    assert len(set(expected)) == 13
    if change == "origin":
        assert states(ions, shift=[1.7, -2.2, 5.1]) == expected
    elif change == "wrapped":
        assert states(ions + rng.integers(-2, 3, (4000, 3)) @ CELL) == expected
    else:
        assert states(ions, order=rng.permutation(10)) == expected


SHAPES = {"rectangular": np.eye(3), "another choice of vectors": np.array([[1, 0, 0], [2, 1, 0], [-1, 1, 1]])}


@pytest.mark.parametrize("breathing", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_compiled_loop_finds_the_states_of_the_definition(
    shape: str, breathing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(8)
    places, names = columns()
    double = CELL * np.array([[1], [1], [2]])
    both = np.concatenate([places, places + CELL[2]])
    cages = find_paired_cages(both, names * 2, double)
    strain = 1.0 + 0.01 * breathing * rng.normal(size=(5, 1, 1))
    cells = (SHAPES[shape] @ double) * strain
    ions = (rng.uniform(-1, 2, (5, 800, 3)) @ double) * strain
    atoms = (both + rng.normal(0, 0.05, (5, 20, 3))) * strain
    found, cage = paired_cage_states(ions, atoms, cells, cages)
    monkeypatch.setattr("ionpath.lattice.paired_cages.kernels", lambda: None)
    twin, home = paired_cage_states(ions, atoms, cells, cages)
    assert set(np.unique(twin)) == set(range(13)) and set(np.unique(home)) == {0, 1}
    assert np.array_equal(found, twin)
    assert np.array_equal(cage, home)


def test_supercell_folds_to_the_same_states() -> None:
    """The apex between two pairs of one column belongs to both: doubling along z changes no state."""
    places, names = columns()
    ions = np.random.default_rng(5).uniform(0, 1, (100, 3)) @ CELL
    double = CELL * np.array([[1], [1], [2]])
    both = np.concatenate([places, places + CELL[2]])
    cages = find_paired_cages(both, names * 2, double)
    assert len(cages.centres) == 2
    found, _ = paired_cage_states(ions[None], both[None], double, cages)
    assert found[0].tolist() == states(ions)


def test_refusals() -> None:
    places, names = columns()
    with pytest.raises(InputError, match=r"positions: need columns of Ge and P tetrahedra, .* got 1 tetrahedra and no"):
        find_paired_cages(places, names, CELL, first="Ge")
    with pytest.raises(InputError, match=r"bond: need a positive number in A, got -1"):
        find_paired_cages(places, names, CELL, bond=-1)
    cages = find_paired_cages(places, names, CELL)
    with pytest.raises(InputError, match=r"ions: need shape \(n_frames, n_ions, 3\), and as many frames of all atoms"):
        paired_cage_states(places, places, CELL, cages)
