"""Starting structures: composition, charge, bonds, and the copies made of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ionpath import plugins
from ionpath.errors import InputError, IonpathError, MissingDependency
from ionpath.structure import anion_clusters
from ionpath_ase.potentials.neutral import excess_charge
from ionpath_ase.training import (
    packed_ions,
    starting_structure,
    starting_structures,
    structure_names,
    variants,
    with_close_pair,
    with_former_cluster,
)

CHARGE = {"Li": 1, "P": 5, "Si": 4, "S": -2, "Cl": -1}


def nearest(atoms, centre, other, reach):
    """Number of neighbours of each atom of `centre`, and their distances."""
    symbols = np.array(atoms.get_chemical_symbols())
    distances = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    block = distances[symbols == centre][:, symbols == other]
    return (block < reach).sum(axis=1), block[block < reach]


@pytest.mark.parametrize("name", structure_names())
def test_neutral_with_whole_tetrahedra_and_no_contacts(name: str) -> None:
    if not name.startswith(("Li4P", "Li2S", "LiCl", "Li7P3")):
        pytest.importorskip("pymatgen.core", reason="the pymatgen plugin makes these")
    atoms = starting_structure(name)
    counts = Counter(atoms.get_chemical_symbols())
    charge = sum(CHARGE[element] * number for element, number in counts.items())
    joined = counts["P"] if name == "Li4P2S6" else 0
    if name.startswith("glass"):
        joined = 2 * (143 - counts["S"])  # P in P2S6
    assert charge == joined  # P-P bonds: phosphorus is P(4+)
    for a, b, shortest in (("Li", "S", 2.0), ("Li", "Cl", 2.0), ("S", "S", 2.6), ("Li", "Li", 1.9)):
        assert nearest(atoms, a, b, shortest)[0].sum() == 0
    if counts["P"] and name != "Li4P2S6":
        sulfur = nearest(atoms, "P", "S", 2.45)[0]
        assert Counter(sulfur.tolist()) == Counter({4: counts["P"] - joined, **({3: joined} if joined else {})})
    assert atoms.info == {"tag": name}
    assert atoms.pbc.all()


def test_compositions_of_the_named_systems() -> None:
    pytest.importorskip("pymatgen.core", reason="the pymatgen plugin makes these")
    expected = {
        "LPSCl-I": "Li5PS4Cl2",
        "LPSCl-II": "Li6PS5Cl",
        "LPSCl-III": "Li11P2S9Cl3",  # Li5.5PS4.5Cl1.5
        "LSPSCl": "Li20Si3P3S23Cl",
        "Li7PS6": "Li7PS6",
        "x=0.75,y=1.00": "Li21P4S17Cl7",
        "melt-67Li2S-33P2S5": "Li4P2S7",
        "melt-80Li2S-20P2S5": "Li8P2S9",
    }
    from pymatgen.core import Composition

    for name, formula in expected.items():
        found = Composition(starting_structure(name).get_chemical_formula())
        assert found.reduced_formula == Composition(formula).reduced_formula, name


def test_small_crystals_have_their_distances() -> None:
    # Li-Cl = a/2 of rock salt; Li-S = sqrt(3)/4 a of antifluorite
    number, distances = nearest(starting_structure("LiCl", shortest=10.0), "Li", "Cl", 3.0)
    assert (number == 6).all()
    assert distances == pytest.approx(5.129 / 2)
    number, distances = nearest(starting_structure("Li2S", shortest=10.0), "Li", "S", 3.0)
    assert (number == 4).all()
    assert distances == pytest.approx(5.708 * np.sqrt(3) / 4)
    number, distances = nearest(starting_structure("Li4P2S6", shortest=12.0), "P", "P", 2.4)
    assert (number == 1).all()
    assert distances == pytest.approx(2.25, abs=0.01)
    seven = starting_structure("Li7P3S11")
    shared = nearest(seven, "S", "P", 2.45)[0]
    assert Counter(shared.tolist()) == {1: 20, 2: 2}  # two P2S7, two PS4
    import spglib

    cell = (seven.cell.array, seven.get_scaled_positions(), seven.numbers)
    assert spglib.get_symmetry_dataset(cell, symprec=1e-3).international == "P-1"


def test_packing_shares_corners_only_where_sulfur_is_missing() -> None:
    made = packed_ions({"Li": 14, "P": 6, "S": 22}, seed=3)
    shared = nearest(made, "S", "P", 2.45)[0]
    assert Counter(shared.tolist()) == {1: 20, 2: 2}
    assert np.allclose(made.positions, packed_ions({"Li": 14, "P": 6, "S": 22}, seed=3).positions)
    assert not np.allclose(made.positions, packed_ions({"Li": 14, "P": 6, "S": 22}, seed=4).positions)
    density = made.get_masses().sum() / made.get_volume() / 0.602214076
    assert density == pytest.approx(1.9)
    with pytest.raises(InputError, match=r"counts: need at least 3.5 sulfur per tetrahedron, got 6 for 2"):
        packed_ions({"Li": 2, "P": 2, "S": 6})
    with pytest.raises(InputError, match="counts: need numbers of Li, P, Si, S, Cl, got"):
        packed_ions({"Na": 4})
    with pytest.raises(IonpathError, match=r"could not be packed at 6.0 g/cm3 .* lower the density"):
        packed_ions({"Li": 6, "P": 2, "S": 8}, density=6.0)


@pytest.mark.parametrize(("sulfur", "joined", "share"), [(138, 5, 24.7), (140, 3, 14.8), (142, 1, 4.9)])
def test_glasses_trade_p2s6_for_p2s7(sulfur: int, joined: int, share: float) -> None:
    """LiP0.465Sy: n6 = 1.6625 - y and 0.070 PS4 per Li follow from neutrality (fourth paper: y from 1.605 to 1.651)."""
    name = f"glass-LiP0.465S{sulfur / 86:.3f}"
    atoms = starting_structure(name, shortest=30.0, seed=2)  # packings are not repeated
    found = anion_clusters(atoms.positions, atoms.cell.array, list(atoms.symbols))
    units = dict(zip(found.kinds, found.unit_counts[0].tolist(), strict=True))
    assert units == {"PS4": 6, "P2S7": 17 - joined, "P2S6": joined}
    assert 100 * 2 * joined / 40 == pytest.approx(share, abs=0.6)  # % of P, in whole units
    assert joined / 86 == pytest.approx(1.6625 - sulfur / 86, abs=1e-3)
    bonds = nearest(atoms, "P", "P", 2.6)[1]
    assert len(bonds) == 2 * joined and np.abs(bonds - 2.25).max() < 0.6  # A, as in Li4P2S6
    assert excess_charge(list(atoms.symbols)) == 0


def test_compositions_say_which_anions_there_are() -> None:
    hypo = packed_ions({"Li": 8, "P": 4, "S": 12}, seed=1)  # two P2S6 and nothing else
    found = anion_clusters(hypo.positions, hypo.cell.array, list(hypo.symbols))
    assert dict(zip(found.kinds, found.unit_counts[0].tolist(), strict=True)) == {"P2S6": 2}
    mixed = packed_ions({"Li": 11, "P": 2, "Si": 1, "S": 11, "Cl": 1}, seed=1)  # P2S6, SiS4, S and Cl
    assert nearest(mixed, "P", "P", 2.7)[0].tolist() == [1, 1]
    assert nearest(mixed, "Si", "S", 2.6)[0].tolist() == [4]
    for counts, sentence in (
        ({"Li": 7, "P": 2, "S": 8}, r"counts: need a composition that is neutral, .* got a charge of \+1 e"),
        ({"Li": 4, "P": 2, "S": 8}, r"got a charge of -2 e with 2 P; change Li by 2"),
        ({"Li": 9, "P": 1, "S": 4}, r"got a charge of \+6 e with 1 P; add S"),
        ({"Li": 1.5, "P": 1, "S": 4}, "counts: need numbers of Li, P, Si, S, Cl, got"),
        ({}, "counts: need numbers of Li, P, Si, S, Cl, got {}"),
    ):
        with pytest.raises(InputError, match=sentence):
            packed_ions(counts)
    with pytest.raises(InputError, match="density: need a positive number in g/cm3, got nan"):
        packed_ions({"Li": 6, "P": 2, "S": 8}, density=float("nan"))


def test_variants_are_strained_shaken_and_repeatable() -> None:
    salt = starting_structure("LiCl")
    before = salt.positions.copy()
    made = variants(salt, strains=(-0.02, 0.03), shear=0.0, rattle=0.05, copies=20, seed=5)
    assert len(made) == 40
    assert np.array_equal(salt.positions, before)
    lengths = [a.cell.lengths()[0] / 5.129 for a in made]
    assert lengths == pytest.approx([0.98] * 20 + [1.03] * 20)
    moved = np.concatenate([a.positions - salt.get_scaled_positions() @ a.cell.array for a in made])
    assert moved.std() == pytest.approx(0.05, rel=0.1)
    again = variants(salt, strains=(-0.02, 0.03), shear=0.0, rattle=0.05, copies=20, seed=5)
    assert np.array_equal(made[7].positions, again[7].positions)
    sheared = variants(salt, strains=(0.0,), shear=0.02)[0]
    assert np.allclose(sheared.cell.array, sheared.cell.array.T)  # a strain, not a rotation, of a cubic cell
    assert abs(sheared.cell.array[0, 1]) > 1e-4
    with pytest.raises(InputError, match="strains: need numbers above -0.5"):
        variants(salt, strains=(-0.7,))
    with pytest.raises(InputError, match="rattle, shear, copies: need widths of 0 or above"):
        variants(salt, rattle=-1.0)


def test_unknown_names_and_a_missing_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"name: need a starting structure, got 'LPSCl-IV'; .* LPSCl-I"):
        starting_structure("LPSCl-IV")
    with pytest.raises(InputError, match="names: need at least one starting structure, got none"):
        starting_structures([])
    assert list(starting_structures(["LiCl", "Li2S"], shortest=6.0)) == ["LiCl", "Li2S"]

    def missing(module: str, *, purpose: str, install: str) -> None:
        raise MissingDependency(module, purpose=purpose, install=install)

    monkeypatch.setattr("pymatgen.analysis.argyrodite.hooks.require", missing)
    with pytest.raises(MissingDependency, match=r"argyrodite structures .* pip install .ionpath.pymatgen"):
        starting_structure("LPSCl-II")


def test_structures_of_another_package() -> None:
    """A plugin's factory is called with the seed; what it returns becomes a structure, or is refused by name."""

    class Mine:
        @plugins.hookimpl
        def structures(self):
            return {
                "salt": lambda seed: (["Na", "Cl"], [[0, 0, 0], [0.5 * (5 + seed), 0, 0]], 5.0 * np.eye(3)),
                "flat": lambda seed: (["Na"], [[0, 0, 0]], [5.0, 5.0, 5.0]),
            }

    mine = Mine()
    plugins.register(mine, name="mine")
    try:
        assert {"salt", "flat"} <= set(structure_names())
        made = starting_structure("salt", shortest=9.0, seed=1)
        assert made.get_chemical_formula() == "Cl8Na8"  # A: 5 -> 10
        assert made.positions[1, 0] == 3.0  # A, from the seed
        assert made.pbc.all() and made.info == {"tag": "salt"}
        with pytest.raises(plugins.PluginError, match=r"hook 'structures', entry 'flat': .* a cell \(3,\)"):
            starting_structure("flat")
    finally:
        plugins.unregister(mine)
    assert "salt" not in structure_names()


def test_one_pair_is_pushed_together_and_nothing_else_moves() -> None:
    atoms = starting_structure("gamma-Li3PS4")
    atoms.positions += [3.0, -40.0, 1.0]
    found = set()
    for seed in range(20):
        made = with_close_pair(atoms, seed=seed)
        moved = np.flatnonzero(np.abs(made.positions - atoms.positions).max(axis=1) > 1e-12)
        assert len(moved) == 2 and set(atoms.symbols[moved]) == {"S"}
        distance = made.get_distance(*moved, mic=True)
        assert 1.6 <= distance <= 2.6
        assert atoms.get_distance(*moved, mic=True) > 2.6
        assert np.allclose(made.positions.sum(axis=0), atoms.positions.sum(axis=0))
        found.add((*moved, round(distance, 6)))
    assert len(found) == 20  # other pairs and distances for other seeds
    assert np.array_equal(with_close_pair(atoms, seed=3).positions, with_close_pair(atoms, seed=3).positions)


def test_pairs_that_cannot_be_pushed() -> None:
    atoms = starting_structure("LiCl")
    with pytest.raises(
        InputError, match="atoms: need two of S between 2.6 and 3.9 A apart, got none; pass other elements"
    ):
        with_close_pair(atoms, elements=["S"])
    with pytest.raises(InputError, match="distances: need a range above 0 and below 3.9 A, got 3 to 2"):
        with_close_pair(atoms, distances=(3.0, 2.0))


@pytest.mark.parametrize(("name", "number"), [("Li7P3S11", 1), ("beta-Li3PS4", 4), ("LSPSCl", 2)])
def test_centres_change_places_with_the_ligands_of_one(name: str, number: int) -> None:
    atoms = starting_structure(name, shortest=6.0)
    atoms.positions += [3.0, -40.0, 1.0]
    found = set()
    for seed in range(10):
        made = with_former_cluster(atoms, number, seed=seed)
        assert list(made.symbols) == list(atoms.symbols)
        key = np.lexsort(atoms.positions.T), np.lexsort(made.positions.T)
        assert np.array_equal(atoms.positions[key[0]], made.positions[key[1]])  # the same places
        changed = np.flatnonzero((made.positions != atoms.positions).any(axis=1))
        centres = np.flatnonzero(np.isin(made.symbols, ["P", "Si"]))
        assert np.isin(changed, centres).sum() == number == (made.symbols[changed] == "S").sum()
        together = (made.get_all_distances(mic=True)[np.ix_(centres, centres)] < 2.7).sum(axis=1) - 1
        assert together.max() >= number
        found.add(tuple(changed))
    assert len(found) > 5  # other ions for other seeds
    assert np.array_equal(with_former_cluster(atoms, seed=3).positions, with_former_cluster(atoms, seed=3).positions)


def test_clusters_that_cannot_be_with_former_cluster() -> None:
    for name in ("LiCl", "Li2S"):
        with pytest.raises(
            InputError, match="atoms: need two of P, Si, one of them with S within 2.7 A, got none; pass other"
        ):
            with_former_cluster(starting_structure(name))
    with pytest.raises(InputError, match="number: need 1 or more, got 0"):
        with_former_cluster(starting_structure("LPSCl-II"), 0)
