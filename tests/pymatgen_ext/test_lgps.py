"""Arrangements of Li20Si3P3S23Cl: exact multiplicities, sound lithium, and shells with twenty lithium each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ionpath.elements import CHARGES
from ionpath.errors import InputError
from ionpath.lattice import find_paired_cages, paired_cage_states
from pymatgen.analysis.argyrodite import hooks, lspscl, lspscl_arrangements
from pymatgen.analysis.argyrodite.energies import ewald_energy
from pymatgen.analysis.argyrodite.lgps import _Parent


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    return lspscl_arrangements(seed=1)


def test_multiplicities_add_up(entries: list[dict[str, Any]]) -> None:
    """Four places for P on 4d times twelve sulfur bound to the other three: 48, in six orbits of eight."""
    assert [e["multiplicity"] for e in entries] == 6 * [8]
    assert sum(e["multiplicity"] for e in entries) == entries[0]["arrangements"] == 4 * 12
    energies = [e["energy"] for e in entries]
    assert energies == sorted(energies)


def test_structures_are_sound(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        structure = entry["structure"]
        assert structure.formula == "Li20 Si3 P3 S23 Cl1"
        lithium = list(structure.indices_from_symbol("Li"))
        apart = structure.distance_matrix[np.ix_(lithium, lithium)] + 9 * np.eye(20)
        assert apart.min() > 2.0  # A
        bound = [
            {n.specie.symbol for n in structure.get_neighbors(structure[k], 2.7) if n.specie.symbol != "Li"}
            for k in structure.indices_from_symbol("Si")
        ]
        assert sum("Cl" in b for b in bound) == 1  # one SiS3Cl


def test_energies_by_pairs_are_those_of_the_ewald_sum(entries: list[dict[str, Any]]) -> None:
    parent = _Parent()
    places = np.concatenate([parent.frame, parent.lithium])
    assert len(parent.lithium) == 32  # 16h + 8f + 4d + 4c
    for entry in entries[:2]:
        charges = np.zeros(len(places))
        for site in entry["structure"]:
            apart = site.frac_coords - places
            k = np.abs(apart - np.rint(apart)).max(axis=1).argmin()
            charges[k] = CHARGES[site.specie.symbol]
        expected = ewald_energy(entry["structure"])  # eV
        assert charges @ parent.coupling @ charges == pytest.approx(expected, abs=1e-3)


def test_seeds_decide(entries: list[dict[str, Any]]) -> None:
    again, other = lspscl_arrangements(seed=1), lspscl_arrangements(seed=2)
    assert [e["structure"] for e in again] == [e["structure"] for e in entries]
    assert [e["energy"] for e in other] != [e["energy"] for e in entries]
    drawn = {tuple(map(str, hooks.structures()["LSPSCl-drawn"](seed)[0])) for seed in range(2)}
    assert all(sorted(symbols).count("Li") == 20 for symbols in drawn)
    with pytest.raises(InputError, match=r"seed: need a whole number of at least 0, got -1"):
        lspscl_arrangements(seed=-1)
    with pytest.raises(InputError, match=r"per_arrangement: need a whole number of at least 1, got 0"):
        lspscl_arrangements(per_arrangement=0, sweeps=1)


@pytest.mark.parametrize("repeat", [None, (2, 2, 2)])
def test_shells_have_twenty_lithium(repeat: Any) -> None:
    """Guan et al.: 72 shells of 20 lithium in 72 formula units, twelve sites each."""
    structure = lspscl(supercell=repeat)
    symbols = [site.specie.symbol for site in structure]
    cages = find_paired_cages(structure.cart_coords, symbols, structure.lattice.matrix)
    n = len(structure) // 50
    assert len(cages.centres) == n
    lithium = structure.cart_coords[np.array(symbols) == "Li"]
    states, cage = paired_cage_states(lithium[None], structure.cart_coords[None], structure.lattice.matrix, cages)
    assert np.bincount(cage[0]).tolist() == n * [20]
    # Both apexes, two ions in each of eight quadrants, no bridge at 0 K, two ions in other columns.
    assert np.bincount(states[0], minlength=13).tolist() == [n * k for k in (2, 1, 1, *8 * [2], 0, 0)]
