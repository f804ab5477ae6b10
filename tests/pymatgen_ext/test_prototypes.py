"""Prototype structures and their recognition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from ionpath.errors import InputError
from ionpath.lattice import tetrahedral_sites
from pymatgen.analysis.argyrodite import (
    AliovalentSubstitutionTransformation,
    EnumerateSiteInversionTransformation,
    ExcessHalideTransformation,
    SiteInversionTransformation,
    analyse,
    argyrodite,
    configurational_entropy,
    lithium_sites,
    lithium_thiophosphate,
    lspscl,
    order_occupancies,
)


def lithium_distance(structure: Structure) -> float:
    ions = list(structure.indices_from_symbol("Li"))
    distances = structure.distance_matrix[np.ix_(ions, ions)]
    return float(distances[distances > 1e-6].min())


def test_default_is_cubic_with_lithium_on_24g() -> None:
    structure = argyrodite()
    assert structure.formula == "Li24 P4 S20 Cl4"
    analyzer = SpacegroupAnalyzer(structure)
    assert analyzer.get_space_group_symbol() == "F-43m"
    wyckoffs = {
        site.specie.symbol + letter
        for site, letter in zip(structure, analyzer.get_symmetry_dataset().wyckoffs, strict=True)
    }
    assert "Lig" in wyckoffs or "Lif" in wyckoffs  # 24g; spglib may name the mirror setting 24f
    ion = structure[0]
    cage = min(structure[k].distance(ion) for k in analyse(structure).sulfur_sites)
    assert cage == pytest.approx(2.30, abs=0.01)  # A, Guan et al., released CIF (2.31 A)


@pytest.mark.parametrize("setting", ["4c", "4d"])
def test_both_settings_are_told_apart(setting: str) -> None:
    structure = argyrodite(free_sulfur=setting)
    assert analyse(structure).sulfur_orbit == setting
    # The free sulfur is where the name says, with the halide at the origin.
    expected = {"4c": 0.25, "4d": 0.75}[setting]
    sulfur = structure.frac_coords[analyse(structure).sulfur_sites]
    assert any(np.allclose(np.mod(s, 1), expected) for s in sulfur)


def test_released_cif_of_the_4c_setting_is_recognised() -> None:
    """Coordinates of the released Li6PS5Cl cell of Guan et al. (a = 10.100 A, free sulfur on 4c)."""
    structure = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(10.1), ["P", "Cl", "S", "S", "Li"],
        [[0.5, 0.5, 0.5], [0, 0, 0], [0.25, 0.25, 0.25], [0.11721, 0.11721, 0.61721], [0.0226, 0.25, 0.25]],
    )  # fmt: skip
    found = analyse(structure)
    assert (found.sulfur_orbit, found.formula, found.inversion) == ("4c", "Li6PS5Cl", 0.0)


@pytest.mark.parametrize("change", ["origin", "order", "primitive", "rotated supercell", "displaced", "wrapped"])
def test_recognition_does_not_depend_on_the_description(change: str) -> None:
    structure = argyrodite(inversion=0.25, seed=3)
    rng = np.random.default_rng(1)
    if change == "origin":
        structure.translate_sites(list(range(len(structure))), [0.13, 0.27, 0.41])
    elif change == "order":
        structure = Structure.from_sites([structure[int(k)] for k in rng.permutation(len(structure))])
    elif change == "primitive":
        structure = argyrodite().get_primitive_structure()
    elif change == "rotated supercell":
        structure.make_supercell([[1, 1, 0], [-1, 1, 0], [0, 0, 1]])
    elif change == "displaced":
        structure.perturb(0.25)  # A
    else:
        structure = Structure(
            structure.lattice, structure.species, structure.frac_coords + rng.integers(-2, 3, (52, 3))
        )
    found = analyse(structure)
    assert found.inversion == (0.0 if change == "primitive" else 0.25)
    assert len(found.halide_sites) == len(found.sulfur_sites) == len(structure) // 13
    assert len(found.bonded) == 4 * len(found.centres)
    assert found.mobile_content == 6.0
    assert found.edge == pytest.approx(10.1, abs=1e-6)  # A


@pytest.mark.parametrize(
    ("lithium", "closest"), [("24g", 3.24), ("48h", 1.95), ("T5", 1.95), ("T2", 1.95), ({"T5": 20, "T4": 4}, 1.95)]
)
def test_lithium_sites_hold_no_split_pair_twice(lithium: object, closest: float) -> None:
    structure = argyrodite(lithium=lithium)
    assert structure.composition.reduced_formula == "Li6PS5Cl"
    assert lithium_distance(structure) >= closest


def test_lithium_free_frame() -> None:
    assert argyrodite(lithium="none").formula == "P4 S20 Cl4"


@pytest.mark.parametrize("halide", ["Cl", "Br", "I"])
def test_halides(halide: str) -> None:
    found = analyse(argyrodite(halide=halide))
    assert (found.halide, found.x_excess, found.formula) == (halide, 0.0, f"Li6PS5{halide}")


def test_li7ps6_has_seven_lithium() -> None:
    structure = argyrodite(halide=None)
    assert structure.composition.reduced_formula == "Li7PS6"
    assert analyse(structure).x_excess == -1.0
    assert lithium_distance(structure) >= 1.95


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.5), (0.5, 0.75), (0.25, 1.0), (1.0, 1.0), (-0.5, 0.25), (0.0, 0.5)])
def test_composition_and_inversion_together(x: float, y: float) -> None:
    found = analyse(argyrodite(x_excess=x, inversion=y))
    assert (found.x_excess, found.inversion, found.mobile_content) == (x, y, 6.0 - x)


def test_partial_occupancies_keep_composition() -> None:
    structure = argyrodite(x_excess=0.5, inversion=0.7, ordered=False)
    found = analyse(structure)
    assert not found.ordered
    assert found.inversion == pytest.approx(0.7)
    assert found.x_excess == pytest.approx(0.5)
    assert found.mobile_content == pytest.approx(5.5)


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match=r"halide: need 'Cl', 'Br', 'I' or None, got 'At'"):
        argyrodite(halide="At")
    with pytest.raises(InputError, match=r"a: need 7 to 15 A, as those of argyrodites are near 10, got 1.01; check"):
        argyrodite(a=1.01)  # nm
    with pytest.raises(InputError, match=r"inversion: need a fraction from 0.5 to 1 at x_excess = 0.5, got 0.25"):
        argyrodite(x_excess=0.5, inversion=0.25)
    with pytest.raises(InputError, match=r"x_excess: need a number from -1 to 1, got 2"):
        argyrodite(x_excess=2)
    with pytest.raises(InputError, match=r"lithium: need sites for 24 Li on T3 per cell"):
        argyrodite(lithium="T3")
    with pytest.raises(InputError, match=r"numbers that add up to 24 per cell, got \{'T5': 3\}"):
        argyrodite(lithium={"T5": 3})
    with pytest.raises(
        InputError, match=r"1 \+ x: need a multiple of 1/4 .* use a larger supercell \(2 times this one"
    ):
        argyrodite(x_excess=0.125)


def test_what_is_not_an_argyrodite_says_what_is_missing() -> None:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.14), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    with pytest.raises(InputError, match=r"not an argyrodite\): need centres of tetrahedra .*, got none in Li4 Cl4"):
        analyse(salt)
    bare = argyrodite()
    bare.remove_sites(analyse(bare).sulfur_sites.tolist())
    with pytest.raises(InputError, match=r"need two anions per tetrahedron that are not bound to it \(8\), got 4"):
        analyse(bare)
    broken = argyrodite()
    broken.remove_sites([int(analyse(broken).bonded[0])])
    with pytest.raises(InputError, match=r"need four anions within 3.0 A of every centre, got 3 around site"):
        analyse(broken)
    odd = argyrodite()
    odd.append("He", [0.4, 0.1, 0.2])
    with pytest.raises(InputError, match=r"need only centres, anions and mobile cations, got He"):
        analyse(odd)


def test_duplicate_sites_are_refused() -> None:
    split = argyrodite()
    k, m = int(analyse(split).halide_sites[0]), int(analyse(split).sulfur_sites[0])
    # Still eight free anions, but two of them share one position.
    split[m] = ("S", split[k].frac_coords + 0.01)
    with pytest.raises(InputError, match=r"structure: need one site per position, got sites .* 0.175 A apart; merge"):
        analyse(split)


def test_partly_empty_framework_is_refused() -> None:
    partial = argyrodite()
    k = int(analyse(partial).halide_sites[0])
    partial[k] = {"Cl": 0.7}
    with pytest.raises(InputError, match=r"occupancies of the anions: need a sum of 1 on every site, got 0.700"):
        analyse(partial)


@pytest.mark.parametrize("supercell", [1.5, -1, 0, (2, 2), (2, 2, 0), (1.0, 1.5, 1), "2", np.diag([-1, 1, 1]), True])
def test_supercells_that_are_none(supercell: Any) -> None:
    for build in (argyrodite, lspscl, lithium_thiophosphate):
        with pytest.raises(InputError, match=r"supercell: need a whole number of at least 1, three of them"):
            build(supercell=supercell)


def test_supercells_that_are() -> None:
    assert len(argyrodite(supercell=2)) == 8 * 52
    assert len(argyrodite(supercell=[[1, 1, 0], [-1, 1, 0], [0, 0, 1]])) == 2 * 52  # type: ignore[arg-type]
    assert len(argyrodite(supercell=np.eye(3) * 2)) == 8 * 52  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None])
def test_seeds_that_are_none(seed: Any) -> None:
    partial = argyrodite(inversion=0.5, ordered=False)
    calls = [
        lambda: argyrodite(seed=seed),
        lambda: order_occupancies(partial, seed=seed),
        lambda: SiteInversionTransformation(0.5, seed=seed),
        lambda: ExcessHalideTransformation(0.5, seed=seed),
        lambda: EnumerateSiteInversionTransformation(seed=seed),
        lambda: AliovalentSubstitutionTransformation("Si", 0.5, seed=seed),
    ]
    for call in calls:
        with pytest.raises(InputError, match=r"seed: need a whole number of at least 0, got"):
            call()


@pytest.mark.parametrize("fraction", [-0.1, 1.1, np.nan, np.inf, "half"])
def test_fractions_that_are_none(fraction: Any) -> None:
    calls = [
        ("fraction", lambda: SiteInversionTransformation(fraction)),
        ("fraction", lambda: AliovalentSubstitutionTransformation("Si", fraction)),
        ("fractions", lambda: EnumerateSiteInversionTransformation([fraction])),
        ("inversion", lambda: ExcessHalideTransformation(0.5, inversion=fraction)),
    ]
    for name, call in calls:
        with pytest.raises(InputError, match=rf"{name}: need a number from 0 to 1, got"):
            call()


@pytest.mark.parametrize("where", ["coordinates", "lattice"])
def test_numbers_that_are_not_finite(where: str) -> None:
    structure = argyrodite()
    if where == "coordinates":
        structure = Structure(structure.lattice, structure.species, np.where(np.eye(52, 3) > 0, np.nan, 0.1))
    else:
        structure = Structure([[np.nan, 0, 0], [0, 10, 0], [0, 0, 10]], structure.species, structure.frac_coords)
    for call in (
        analyse,
        lithium_sites,
        configurational_entropy,
        SiteInversionTransformation(0.5).apply_transformation,
    ):
        with pytest.raises(InputError, match=rf"{where}: need finite numbers, got .*nan.* in row 0; check the file"):
            call(structure)


def test_two_lithium_on_one_position() -> None:
    twice = argyrodite()
    twice.append("Li", twice[0].frac_coords)
    with pytest.raises(InputError, match=r"structure: need one site per position, got sites .* 0.000 A apart; merge"):
        analyse(twice)
    split = argyrodite()
    split.replace_species({"Li": {"Li": 0.4}})
    split.append({"Li": 0.4}, split[0].frac_coords + 0.01)
    with pytest.warns(UserWarning, match=r"has -3\.50 e per formula unit: mobile cations are missing") as told:
        assert analyse(split).mobile_content == pytest.approx(0.4 * 25 / 4)
    assert told[0].filename == __file__  # the line of the user, through calls of the host


def test_charge_is_told() -> None:
    assert analyse(argyrodite(x_excess=0.5)).charge == 0.0  # e per formula unit
    assert "formal oxidation states" in analyse(argyrodite()).report()
    assert "not neutral" not in analyse(argyrodite()).report()
    short = argyrodite()
    short.remove_sites([0])
    found = analyse(short)
    assert found.charge == -0.25
    assert (
        "charge -0.2500 e per formula unit with formal oxidation states: not neutral, 6.0000 mobile" in found.report()
    )
    restored = ExcessHalideTransformation(1.0, lithium="restored").apply_transformation(argyrodite())
    assert analyse(restored).charge == 1.0


def test_impossible_lithium() -> None:
    """A refinement whose lithium lies off the mirror plane with the occupancy of 48h: 11.5 Li per tetrahedron."""
    structure = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(9.953),
        [{"Li": 0.456}, {"Li": 0.456}, "P", "S", {"Br": 0.3, "S": 0.7}, {"Br": 0.7, "S": 0.3}],
        [[0, 0.0235, 0.3138], [0.018, 0.25, 0.75], [0, 0, 0.5],
         [0.1183, 0.3817, 0.1183], [0.25, 0.25, 0.75], [0, 0, 0]],
    )  # fmt: skip
    with pytest.warns(UserWarning, match=r"has \+7.68 e per formula unit: its mobile cations cannot all be there"):
        found = analyse(structure)
    assert found.mobile_content == pytest.approx((96 + 24) * 0.456 / 4)
    with (
        pytest.warns(UserWarning, match="cannot all be there"),
        pytest.raises(InputError, match=r"occupancies of the mobile cations\): need about 6 per formula unit.* halved"),
    ):
        SiteInversionTransformation(0.25).apply_transformation(structure)
    with pytest.warns(UserWarning, match="cannot all be there"):
        assert lithium_sites(structure).populations["T2"] == pytest.approx(96 * 0.456)


def test_more_cations_than_sites() -> None:
    """24g beside every T5, 1 A away: 72 lithium on 48 sites."""
    full = argyrodite()
    for place in tetrahedral_sites(("T5",))[0]:
        full.append("Li", place)
    with pytest.warns(UserWarning, match=r"Li18PS5Cl has \+12.00 e per formula unit"):
        report = lithium_sites(full).report()
    assert "T5        48" in report
    assert "72\n      more cations than sites: the composition cannot be right" in report


def test_what_the_refusal_advises_works() -> None:
    """An inversion that the cell cannot hold: the message names nearest=True and the fraction that it gives."""
    with pytest.raises(InputError, match=r"or nearest=True for 0.625"):
        argyrodite(inversion=0.615, supercell=2)
    made = analyse(argyrodite(inversion=0.615, supercell=2, nearest=True))
    assert made.inversion == pytest.approx(0.625, abs=1e-12)
    with pytest.raises(InputError, match=r"or 0.625$"):  # no such option there
        EnumerateSiteInversionTransformation(fractions=[0.615]).apply_transformation(argyrodite(supercell=2))
