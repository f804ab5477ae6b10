"""One arrangement from partial occupancies: whole numbers, no filled split pair, neutral, or a refusal."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import DummySpecies, Lattice, Structure

from ionpath.errors import InputError
from pymatgen.analysis.argyrodite import (
    EnumerateSiteInversionTransformation,
    SiteInversionTransformation,
    analyse,
    argyrodite,
    order_occupancies,
)
from pymatgen.analysis.argyrodite.composition import apportion


def refined(y: float = 0.63, lithium: float = 0.44, halide: str = "Cl") -> Structure:
    """A neutron refinement: both orbits mixed, lithium on half-filled 48h pairs 1.84 A apart; a = 9.859 A."""
    return Structure.from_spacegroup(
        "F-43m", Lattice.cubic(9.859), [{"Li": lithium}, "P", {halide: 1 - y, "S": y}, {halide: y, "S": 1 - y}, "S"],
        [[0.3161, 0.3161, -0.0229], [0.5, 0.5, 0.5], [0, 0, 0], [0.75, 0.75, 0.75], [0.1211, -0.1211, 0.6211]],
    )  # fmt: skip


def lithium_distance(structure: Structure) -> float:
    ions = list(structure.indices_from_symbol("Li"))
    return float((structure.distance_matrix[np.ix_(ions, ions)] + 99 * np.eye(len(ions))).min())


@pytest.mark.filterwarnings("ignore:the occupancies add up to:UserWarning")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_refined_cell_becomes_an_ordered_one(seed: int) -> None:
    start = refined() * (2, 2, 2)
    made = order_occupancies(start, seed=seed)
    found = analyse(made)
    assert made.is_ordered
    assert found.formula == "Li6PS5Cl"
    assert found.inversion == 20 / 32  # nearest to 0.63
    assert lithium_distance(made) > 2.0  # A
    assert made.lattice == start.lattice
    assert made.properties["ordered_from"] == "Li5.28PS5Cl"
    assert made == order_occupancies(start, seed=seed)
    assert not start.is_ordered


@pytest.mark.filterwarnings("ignore:the occupancies add up to:UserWarning")
def test_transformations_take_the_refined_cell() -> None:
    made = SiteInversionTransformation(0.25, seed=1).apply_transformation(refined() * (1, 1, 2))
    assert made.is_ordered
    assert analyse(made).inversion == 0.25
    listed = EnumerateSiteInversionTransformation().apply_transformation(refined(), True)
    assert isinstance(listed, list)
    assert [e["multiplicity"] for e in listed] == [1, 16, 24, 12, 16, 1]


@pytest.mark.parametrize("lithium", ["24g", "48h"])
@pytest.mark.parametrize(("x", "y"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_own_disordered_prototype(lithium: str, x: float, y: float) -> None:
    start = argyrodite(x_excess=x, inversion=y, lithium=lithium, ordered=False, supercell=(1, 1, 2))  # type: ignore[arg-type]
    found = analyse(order_occupancies(start))
    assert (found.x_excess, found.inversion, found.mobile_content) == (x, y, 6 - x)


def test_lithium_that_is_not_neutral_is_said() -> None:
    with (
        pytest.warns(UserWarning, match=r"add up to Li5.28PS5Cl, which is not neutral: .* has 6 mobile .* of 5.28"),
        pytest.warns(UserWarning, match=r"Cl: 2.52 of 4 sites of the free sulfur became 3; a larger supercell"),
    ):
        order_occupancies(refined())
    with (
        pytest.warns(UserWarning, match="cannot all be there"),
        pytest.warns(UserWarning, match="Cl: 2.52 of 4 sites"),
        pytest.raises(InputError, match=r"mobile cations\): need about 6 per formula unit, which .*, got 11.04"),
    ):
        order_occupancies(refined(lithium=0.92))


def shared(orbit: str, species: dict[object, float], *, supercell: int = 2) -> Structure:
    """Ordered prototype with one orbit shared by several species."""
    structure = argyrodite(supercell=supercell)
    for k in getattr(analyse(structure), orbit).tolist():
        structure[k] = species
    return structure


@pytest.mark.parametrize(
    ("orbit", "species", "composition"),
    [
        ("mobile", {"Li": 0.75, "Ag": 0.25}, {"Li": 144, "Ag": 48}),
        ("mobile", {"Li": 0.5, "Na": 0.25, "K": 0.25}, {"Li": 96, "Na": 48, "K": 48}),
        ("halide_sites", {"Cl": 0.5, "Br": 0.25, "I": 0.25}, {"Cl": 16, "Br": 8, "I": 8}),
        ("bonded", {"S": 0.75, "Se": 0.25}, {"S": 128, "Se": 32}),
        ("centres", {"P": 0.75, "As": 0.25}, {"P": 24, "As": 8}),
    ],
)
def test_composition_of_a_shared_orbit_is_kept(
    orbit: str, species: dict[object, float], composition: dict[str, int]
) -> None:
    made = order_occupancies(shared(orbit, species)).composition.get_el_amt_dict()
    assert {element: made[element] for element in composition} == composition


def test_what_a_small_cell_loses_is_said() -> None:
    with pytest.warns(UserWarning, match=r"Cl: 1.2 of 4 sites of the free sulfur became 1; a larger supercell holds"):
        order_occupancies(argyrodite(inversion=0.3, ordered=False))
    with pytest.warns(UserWarning, match=r"Se: 0.32 of 16 sites became 0; a larger supercell"):
        order_occupancies(shared("bonded", {"S": 0.98, "Se": 0.02}, supercell=1))


def test_unknown_species_on_a_shared_site_are_named() -> None:
    for species, symbol in (({"Li": 0.5, DummySpecies("X", 0): 0.5}, "X"), ({"Li": 0.5, "Mg": 0.25}, "Mg")):
        with pytest.raises(InputError, match=rf"structure: need sites that .* share .*, got {symbol} in .* on site 0"):
            analyse(shared("mobile", species, supercell=1))


def test_lithium_that_a_refinement_leaves_out_is_said() -> None:
    with pytest.warns(UserWarning, match=r"Li2.4PS5Cl has -3.60 e per formula unit: mobile cations are missing"):
        analyse(shared("mobile", {"Li": 0.4}, supercell=1))


def test_several_lithium_orbits_share_the_ions() -> None:
    """48h and T4 (16e): in proportion to the occupancies, none closer than 2.01 A."""
    start = argyrodite(lithium={"T5": 20, "T4": 4}, supercell=2)
    both = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(10.155), [{"Li": 0.45}, {"Li": 0.15}, "P", "Cl", "S", "S"],
        [[0, 0.183, 0.183], [0.15] * 3, [0.5] * 3, [0, 0, 0], [0.75] * 3, [0.11824, 0.11824, 0.38176]],
    )  # fmt: skip
    made = order_occupancies(both * (2, 2, 2))
    assert made.composition == start.composition
    from pymatgen.analysis.argyrodite import lithium_sites

    assert lithium_sites(made).populations == {"T0": 0, "T1": 0, "T2": 0, "T3": 0, "T4": 19, "T5": 173}
    assert lithium_distance(made) >= 2.01  # A


def test_mixed_centres_and_bound_anions() -> None:
    start = argyrodite(supercell=2)
    found = analyse(start)
    for k in found.centres.tolist():
        start[k] = {"P": 0.75, "Si": 0.25}
    for k in found.bonded.tolist():
        start[k] = {"S": 0.9, "O": 0.1}
    with (
        pytest.warns(UserWarning, match=r"has 6.25 mobile cations per formula unit instead of 6"),
        pytest.raises(InputError, match=r"sites of the mobile cations\): need room for 200 on 192 sites"),
    ):
        order_occupancies(start)
    for k in found.centres.tolist():
        start[k] = {"P": 0.75, "As": 0.25}
    made = order_occupancies(start)
    assert made.formula == "Li192 As8 P24 S147 Cl32 O13"


def test_shares_are_whole_and_add_up() -> None:
    assert apportion([0.5, 0.5], 1).sum() == 1
    assert apportion([2.52, 1.48], 4).tolist() == [3, 1]
    assert apportion([3.0, 5.0], 8, most=[2, 8]).tolist() == [2, 6]
    assert apportion([0.0, 0.0], 0).tolist() == [0, 0]
