"""Enumeration of inversions: published counts, an independent program, sampling, lithium orderings."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from pymatgen.core import Structure

from ionpath.errors import InputError
from pymatgen.analysis.argyrodite import EnumerateSiteInversionTransformation, analyse, argyrodite


def listed(structure: Structure, **options: object) -> list[dict]:  # type: ignore[type-arg]
    return EnumerateSiteInversionTransformation(**options).apply_transformation(structure, return_ranked_list=True)  # type: ignore[arg-type,return-value]


def test_cubic_cell_has_six() -> None:
    """8 sites, 4 chlorides: weights 1, 16, 24, 12, 16, 1 (bsym 2.2, icet 4.0)."""
    entries = listed(argyrodite())
    assert [e["multiplicity"] for e in entries] == [1, 16, 24, 12, 16, 1]
    assert sum(e["multiplicity"] for e in entries) == comb(8, 4)
    for entry in entries:
        assert analyse(entry["structure"]).inversion == entry["inversion"]
        assert entry["structure"].composition == argyrodite().composition


@pytest.mark.parametrize("supercell", [(2, 1, 1), (1, 2, 1), (1, 1, 2)])
@pytest.mark.parametrize("setting", ["4c", "4d"])
def test_double_cell_has_306(supercell: tuple[int, int, int], setting: str) -> None:
    """16 sites, 8 chlorides: 306 that add up to 12,870 (bsym 2.2), along any axis and in both settings."""
    entries = listed(argyrodite(supercell=supercell, free_sulfur=setting))
    assert len(entries) == 306
    assert sum(e["multiplicity"] for e in entries) == 12870


def test_agrees_with_bsym() -> None:
    bsym = pytest.importorskip("bsym.interface.pymatgen", reason="bsym is not installed")
    parent = argyrodite(lithium="none")
    found = analyse(parent)
    for k in (*found.halide_sites, *found.sulfur_sites):
        parent[int(k)] = "Br"
    # bsym has one label for the sites; the operations of the crystal keep the two orbits apart.
    unique = bsym.unique_structure_substitutions(parent, "Br", {"S": 4, "Cl": 4})
    assert sorted(s.number_of_equivalent_configurations for s in unique) == [1, 1, 12, 16, 16, 24]


@pytest.mark.parametrize("change", ["origin", "order", "displaced", "wrapped"])
def test_counts_do_not_depend_on_the_description(change: str) -> None:
    structure = argyrodite()
    rng = np.random.default_rng(0)
    if change == "origin":
        structure.translate_sites(list(range(52)), [0.1, 0.2, 0.3])
    elif change == "order":
        structure = Structure.from_sites([structure[int(k)] for k in rng.permutation(52)])
    elif change == "displaced":
        structure.perturb(0.02)  # A
    else:
        structure = Structure(
            structure.lattice, structure.species, structure.frac_coords + rng.integers(-2, 3, (52, 3))
        )
    assert [e["multiplicity"] for e in listed(structure)] == [1, 16, 24, 12, 16, 1]


def test_no_two_are_equivalent() -> None:
    """pymatgen's own matcher finds no pair among those of one inversion."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    entries = [e for e in listed(argyrodite(supercell=(1, 1, 2), lithium="none")) if e["inversion"] == 0.125]
    structures = [e["structure"] for e in entries]
    assert len(StructureMatcher(scale=False, primitive_cell=False).group_structures(structures)) == len(structures)


def test_primitive_cells_one_to_four() -> None:
    structure = argyrodite().get_primitive_structure()
    alone = {n: listed(structure, cell_sizes=[n]) for n in (1, 2, 3)}
    together = listed(structure, cell_sizes=[1, 2, 3])
    # One formula unit: two free sites, one chloride.
    assert [e["inversion"] for e in alone[1]] == [0.0, 1.0]
    # What repeats the primitive cell is left out of the larger cells: y = 0 and 1 of each supercell.
    supercells = {n: len({str(e["supercell"]) for e in alone[n]}) for n in (2, 3)}
    assert len(together) == sum(map(len, alone.values())) - 2 * supercells[2] - 2 * supercells[3]
    assert supercells == {2: 2, 3: 3}
    assert {e["cell_size"] for e in together} == {1, 2, 3}
    four = EnumerateSiteInversionTransformation(cell_sizes=[4]).count(structure)
    assert len({str(r["supercell"]) for r in four}) == 7
    assert sum(r["inequivalent"] for r in four) == len(listed(structure, cell_sizes=[4]))


def test_burnside_agrees_with_the_list() -> None:
    structure = argyrodite(supercell=(1, 1, 2))
    rows = EnumerateSiteInversionTransformation().count(structure)
    entries = listed(structure)
    for row in rows:
        own = [e for e in entries if e["inversion"] == row["inversion"]]
        assert len(own) == row["inequivalent"]
        assert sum(e["multiplicity"] for e in own) == row["arrangements"]
        k = round(row["inversion"] * 8)
        assert row["arrangements"] == comb(8, k) ** 2


def test_fractions_are_chosen() -> None:
    entries = listed(argyrodite(supercell=(1, 1, 2)), fractions=[0.125, 0.875])
    assert {e["inversion"] for e in entries} == {0.125, 0.875}
    with pytest.raises(InputError, match=r"fraction: need a multiple of 1/4 in a cell of 4 formula units, got 0.125"):
        listed(argyrodite(), fractions=[0.125])
    # With several sizes each fraction is listed where it fits.
    mixed = listed(argyrodite().get_primitive_structure(), fractions=[0.5], cell_sizes=[1, 2])
    assert {e["cell_size"] for e in mixed} == {2}


def test_large_cells_are_drawn_and_the_whole_is_stated() -> None:
    structure = argyrodite(supercell=2)
    entries = listed(structure, fractions=[0.5], max_structures=7, seed=1)
    assert len(entries) == 7
    assert all(e["arrangements"] == comb(32, 16) ** 2 and not e["complete"] for e in entries)
    # Almost every arrangement has no symmetry: the number of orbits is near arrangements / operations (24 * 32).
    assert entries[0]["inequivalent"] == pytest.approx(comb(32, 16) ** 2 / 768, rel=1e-3)
    assert len({str([k for k, s in enumerate(e["structure"]) if s.specie.symbol == "Cl"]) for e in entries}) == 7
    again = listed(structure, fractions=[0.5], max_structures=7, seed=1)
    assert all(a["structure"].species == b["structure"].species for a, b in zip(entries, again, strict=True))


def test_lithium_orderings() -> None:
    """x = 0.25: one vacancy on 24 sites."""
    transformation = EnumerateSiteInversionTransformation(x_excess=0.25, lithium_orderings=True)
    entries = transformation.apply_transformation(argyrodite(), return_ranked_list=True)
    assert isinstance(entries, list)
    assert sum(e["multiplicity"] for e in entries) == 24 * sum(comb(4, k) * comb(4, 5 - k) for k in (1, 2, 3, 4))
    assert len(entries) == sum(r["inequivalent"] for r in transformation.count(argyrodite()))
    for entry in entries:
        assert entry["structure"].formula == "Li23 P4 S19 Cl5"
        assert entry["x_excess"] == 0.25
    # y = 1/4 has 4 arrangements of anions, equivalent; around the chloride-centred cage 24 sites make 3 orbits.
    assert [e["multiplicity"] for e in entries if e["inversion"] == 0.25] == [48, 24, 24]


def test_excess_without_orderings_is_neutral() -> None:
    entries = listed(argyrodite(), x_excess=0.5)
    assert {e["structure"].formula for e in entries} == {"Li22 P4 S18 Cl6"}
    assert [e["inversion"] for e in entries] == [0.5, 0.75, 1.0]


def test_symmetry_with_lithium() -> None:
    """A vacancy on 24g lowers the symmetry: more arrangements are inequivalent, their number in all is the same."""
    structure = argyrodite()
    structure.remove_sites([0])
    anions = listed(structure)
    whole = listed(structure, symmetry="structure")
    assert [e["multiplicity"] for e in anions] == [1, 16, 24, 12, 16, 1]
    assert len(whole) > 6
    assert sum(e["multiplicity"] for e in whole) == 70


def test_ranked_by_energy() -> None:
    entries = EnumerateSiteInversionTransformation(calculator="ewald").apply_transformation(argyrodite(), 3)
    assert isinstance(entries, list)
    energies = [e["energy_per_atom"] for e in entries]
    assert energies == sorted(energies)
    assert entries[0]["calculator"] == "ewald"
    single = EnumerateSiteInversionTransformation(calculator="ewald").apply_transformation(argyrodite())
    assert single == entries[0]["structure"]


def test_ranked_by_an_ase_calculator() -> None:
    calculators = pytest.importorskip("ase.calculators.lj", reason="ASE is not installed")
    model = calculators.LennardJones(sigma=2.0, epsilon=0.1, rc=4.0)
    entries = EnumerateSiteInversionTransformation([0.0, 0.25], calculator=model).apply_transformation(argyrodite(), 2)
    assert isinstance(entries, list)
    # It does not know one element from another: all arrangements have the same energy.
    assert entries[0]["energy"] == pytest.approx(entries[1]["energy"], abs=1e-8)
    by_name = EnumerateSiteInversionTransformation(
        [0.0], calculator={"name": "lj", "sigma": 2.0, "epsilon": 0.1, "rc": 4.0}
    )
    again = by_name.apply_transformation(argyrodite(), 1)
    assert isinstance(again, list)
    assert again[0]["energy"] == pytest.approx(entries[0]["energy"], abs=1e-8)  # eV


def test_bad_options() -> None:
    with pytest.raises(InputError, match=r"cell_sizes: need a whole number of at least 1, got 0"):
        EnumerateSiteInversionTransformation(cell_sizes=[0])
    with pytest.raises(InputError, match=r"max_structures: need a whole number of at least 1, got 0"):
        EnumerateSiteInversionTransformation(max_structures=0)
    with pytest.raises(InputError, match=r"calculator: need 'ewald', the name of an ASE calculator"):
        listed(argyrodite(), calculator=3)
    with pytest.raises(InputError, match=r"calculator: need a mapping with 'name'"):
        listed(argyrodite(), calculator={"model": "x"})
    short = argyrodite()
    short.remove_sites([0])
    with pytest.raises(InputError, match=r"x_excess: need 0 to 5.75 vacancies per formula unit"):
        listed(short, x_excess=-0.25, lithium_orderings=True)
    with pytest.raises(InputError, match=r"fractions: need a fraction that some cell can hold"):
        listed(argyrodite().get_primitive_structure(), fractions=[0.3], cell_sizes=[1, 2])


def test_what_is_named_twice_is_listed_once_and_what_fits_nowhere_is_refused() -> None:
    """Two formula units hold halves alone: 2 + 2 and 4 arrangements in the two inequivalent double cells."""
    small = argyrodite().get_primitive_structure()
    for fractions, sizes in (([0.5, 0.5], [2]), ([0.5], [2, 2]), ([0.5], [1, 2])):
        assert [e["multiplicity"] for e in listed(small, fractions=fractions, cell_sizes=sizes)] == [2, 2, 4]
    with pytest.raises(InputError, match=r"fractions: need a fraction that some cell can hold, got 0.3; add a size to"):
        listed(small, fractions=[0.5, 0.3], cell_sizes=[1, 2])
    for number in (0, -1):
        with pytest.raises(InputError, match=f"return_ranked_list: need a whole number of at least 1, got {number}"):
            EnumerateSiteInversionTransformation().apply_transformation(small, return_ranked_list=number)


def test_arrangements_of_a_skewed_cell_against_all_of_them() -> None:
    """Four formula units in a cell that is no repetition along its axes: 70 are turned by spglib's operations."""
    spglib = pytest.importorskip("spglib")
    cell = argyrodite().get_primitive_structure().make_supercell([[1, 1, 0], [-1, 1, 1], [0, 0, 2]], in_place=False)
    bare = cell.copy()
    bare.remove_species(["Li"])
    found = analyse(bare)
    free = np.concatenate([found.halide_sites, found.sulfur_sites])
    kinds = np.array([site.specie.Z for site in bare])
    operations = spglib.get_symmetry((bare.lattice.matrix, bare.frac_coords, kinds), symprec=0.01)
    places = bare.frac_coords[free]
    orbits: dict[tuple[int, ...], int] = {}
    images = [
        np.linalg.norm((d := p @ r.T + t - places[:, None]) - np.rint(d), axis=-1).argmin(axis=0)
        for p in [places] for r, t in zip(operations["rotations"], operations["translations"], strict=True)
    ]  # fmt: skip
    for chosen in combinations(range(len(free)), 4):
        first = min(tuple(sorted(image[list(chosen)].tolist())) for image in images)
        orbits[first] = orbits.get(first, 0) + 1
    entries = listed(cell)
    assert sorted(e["multiplicity"] for e in entries) == sorted(orbits.values())
    assert sum(orbits.values()) == comb(8, 4)
