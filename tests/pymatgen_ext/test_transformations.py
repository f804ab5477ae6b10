"""Site inversion, excess halide and substitution, alone and in pymatgen's own machinery."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from monty.json import MontyDecoder, MontyEncoder
from pymatgen.alchemy.materials import TransformedStructure
from pymatgen.alchemy.transmuters import StandardTransmuter
from pymatgen.core import Composition, Lattice, Structure

from ionpath.errors import InputError, IonpathError
from pymatgen.analysis.argyrodite import (
    AliovalentSubstitutionTransformation,
    EnumerateSiteInversionTransformation,
    ExcessHalideTransformation,
    SiteInversionTransformation,
    analyse,
    argyrodite,
    configurational_entropy,
    lithium_orderings,
)
from pymatgen.analysis.argyrodite.anions import arrange
from pymatgen.analysis.argyrodite.composition import check_conserved
from pymatgen.analysis.argyrodite.energies import ewald_energy
from pymatgen.analysis.argyrodite.lithium import nearest_cage

TRANSFORMATIONS = [
    SiteInversionTransformation(0.5, seed=4),
    SiteInversionTransformation(0.25, arrangement="lowest"),
    SiteInversionTransformation(0.5, arrangement="even"),
    ExcessHalideTransformation(0.5, vacancies="even"),
    AliovalentSubstitutionTransformation("Ge", 0.25),
    EnumerateSiteInversionTransformation(fractions=[0.5]),
]
names = [f"{type(t).__name__}-{k}" for k, t in enumerate(TRANSFORMATIONS)]


@pytest.mark.parametrize("fraction", [0.0, 0.125, 0.375, 0.5, 1.0])
@pytest.mark.parametrize("setting", ["4c", "4d"])
def test_inversion_is_exact_and_keeps_everything_else(fraction: float, setting: str) -> None:
    before = argyrodite(supercell=(1, 1, 2), free_sulfur=setting)
    after = SiteInversionTransformation(fraction, seed=7).apply_transformation(before)
    assert analyse(after).inversion == fraction
    assert after.composition == before.composition
    np.testing.assert_array_equal(after.frac_coords, before.frac_coords)
    changed = {k for k in range(len(before)) if before[k].specie != after[k].specie}
    found = analyse(before)
    assert changed <= set(found.halide_sites) | set(found.sulfur_sites)
    assert len(changed) == 2 * round(fraction * 8)
    assert after.properties["argyrodite"]["inversion"] == fraction


def test_input_is_not_changed_and_seed_decides() -> None:
    structure = argyrodite(supercell=(1, 1, 2))
    before = structure.copy()
    one, two, other = (SiteInversionTransformation(0.5, seed=s).apply_transformation(structure) for s in (1, 1, 2))
    assert structure == before
    assert one == two
    assert one != other


def test_every_arrangement_is_equally_likely() -> None:
    """On the cubic cell at y = 0.25 there are 16 arrangements; 1600 draws make each about 100 times."""
    structure = argyrodite()
    counts: dict[str, int] = {}
    found = analyse(structure)
    for seed in range(1600):
        halide = arrange(structure, found, 3, 1, "random", seed)
        counts[str(halide)] = counts.get(str(halide), 0) + 1
    chi2 = sum((c - 100) ** 2 / 100 for c in counts.values())
    assert len(counts) == 16
    assert chi2 < 37.7  # 15 degrees of freedom, 0.1 %


def test_fraction_that_does_not_fit() -> None:
    with pytest.raises(InputError, match=r"fraction: need a multiple of 1/4 in a cell of 4 formula units, got 0.375; "
                       r"use a larger supercell \(2 times this one holds it\), or nearest=True for 0.5"):  # fmt: skip
        SiteInversionTransformation(0.375).apply_transformation(argyrodite())
    near = SiteInversionTransformation(0.3, nearest=True).apply_transformation(argyrodite())
    assert near.properties["argyrodite"] == {"x_excess": 0.0, "inversion": 0.25, "inversion_requested": 0.3}


def test_fraction_outside_of_the_composition() -> None:
    with pytest.raises(
        InputError, match=r"need a fraction from 0.5 to 1 for this composition, got 0.25; change the halide"
    ):
        SiteInversionTransformation(0.25).apply_transformation(argyrodite(x_excess=0.5))
    with pytest.raises(InputError, match=r"need a fraction from 0 to 0 for this composition, got 0.5"):
        SiteInversionTransformation(0.5).apply_transformation(argyrodite(halide=None))


def test_partial_occupancies_become_one_arrangement() -> None:
    disordered = argyrodite(inversion=0.5, ordered=False)
    for transformation in TRANSFORMATIONS:
        made = transformation.apply_transformation(disordered)
        assert made.is_ordered
        charges = {"Li": 1, "P": 5, "Ge": 4, "S": -2, "Cl": -1}
        assert sum(charges[site.specie.symbol] for site in made) == 0  # e


def mixed(name: str) -> Structure:
    """Li6PS5Cl0.5Br0.5 (halides on 4a), or Li6PS4.5Se0.5Cl (chalcogenides on the free-sulfur orbit)."""
    structure = argyrodite(supercell=2)
    found = analyse(structure)
    sites, element = (found.halide_sites, "Br") if name == "halides" else (found.sulfur_sites, "Se")
    for k in sites[::2].tolist():
        structure.replace(k, element)
    return structure


@pytest.mark.parametrize("name", ["halides", "chalcogenides"])
@pytest.mark.parametrize("arrangement", ["random", "even", "lowest"])
def test_inversion_keeps_every_element(name: str, arrangement: Any) -> None:
    """Halides that leave 4a arrive on the other orbit as what they are, and so do chalcogenides on the way back."""
    before = mixed(name)
    step = SiteInversionTransformation(0.5, arrangement, max_candidates=2, seed=1)
    after = step.apply_transformation(before)
    assert after.composition == before.composition
    assert analyse(after).inversion == 0.5
    assert step.apply_transformation(before) == after
    kept = [k for k in analyse(before).halide_sites if after[int(k)].specie.is_halogen]
    assert all(after[int(k)].specie == before[int(k)].specie for k in kept)


@pytest.mark.parametrize("name", ["halides", "chalcogenides"])
def test_every_transformation_conserves_or_says_what_changed(name: str) -> None:
    before = mixed(name)
    listed = EnumerateSiteInversionTransformation([0.5], max_structures=3)
    entries = listed.apply_transformation(before, return_ranked_list=True)
    assert isinstance(entries, list)
    assert all(e["structure"].composition == before.composition for e in entries)
    rich = ExcessHalideTransformation(0.5, inversion=0.75, seed=2).apply_transformation(before).composition
    assert rich["Cl"] + rich["Br"] == 1.5 * 32
    assert rich["S"] + rich["Se"] == 4.5 * 32
    assert rich["Cl"] >= before.composition["Cl"]
    assert rich["Br"] >= before.composition["Br"]
    poor = ExcessHalideTransformation(-0.5).apply_transformation(before).composition
    assert poor["Cl"] + poor["Br"] == 0.5 * 32
    assert (poor["Se"], poor["Li"]) == (before.composition["Se"], 6.5 * 32)
    silicon = AliovalentSubstitutionTransformation("Si", 0.25).apply_transformation(before).composition
    assert (silicon["Br"], silicon["Se"]) == (before.composition["Br"], before.composition["Se"])


def test_lost_atoms_are_a_fault() -> None:
    before = argyrodite()
    after = before.copy()
    after.replace(int(analyse(before).halide_sites[0]), "Br")
    with pytest.raises(IonpathError, match=r"Br: 0 atoms expected and 1 made of Li24 P4 S20 Cl4; this is a fault"):
        check_conserved(before, after, {frozenset({"Cl"}): -1.0})
    check_conserved(before, after, {frozenset({"Cl", "Br"}): 0.0})


def test_even_is_less_correlated_than_random() -> None:
    structure = argyrodite(supercell=2)
    found = analyse(structure)
    sites = np.concatenate([found.halide_sites, found.sulfur_sites])
    distances = structure.distance_matrix[np.ix_(sites, sites)]

    def mismatch(arranged: Structure) -> float:
        """Largest deviation of the fraction of Cl-Cl pairs in a shell from that of full disorder."""
        chlorine = np.array([arranged[int(k)].specie.symbol == "Cl" for k in sites])
        own = np.arange(len(sites)) < len(found.halide_sites)
        worst = 0.0
        for low, high in ((4.0, 4.7), (6.8, 7.4)):  # A: 4a-4d, and the next neighbours on each orbit
            for a, b in ((own, own), (~own, ~own), (own, ~own)):
                pairs = (distances > low) & (distances < high) & a[:, None] & b[None, :]
                if pairs.any():
                    observed = (chlorine[:, None] & chlorine[None, :])[pairs].mean()
                    worst = max(worst, abs(observed - chlorine[a].mean() * chlorine[b].mean()))
        return worst

    even = mismatch(SiteInversionTransformation(0.5, arrangement="even").apply_transformation(structure))
    random = [mismatch(SiteInversionTransformation(0.5, seed=s).apply_transformation(structure)) for s in range(20)]
    assert even < 0.01
    assert even < np.median(random) / 3


def test_lowest_is_the_lowest_of_all() -> None:
    structure = argyrodite(supercell=(1, 1, 2))
    lowest = SiteInversionTransformation(0.25, arrangement="lowest").apply_transformation(structure)
    listed = EnumerateSiteInversionTransformation([0.25], calculator="ewald").apply_transformation(structure, True)
    assert ewald_energy(lowest) == pytest.approx(listed[0]["energy"], abs=1e-6)  # eV
    assert listed[-1]["energy"] > listed[0]["energy"] + 0.1


def test_lowest_by_a_function() -> None:
    """A function that counts chloride neighbours prefers them apart."""

    def energy(structure: Structure) -> float:
        chlorine = list(structure.indices_from_symbol("Cl"))
        distances = structure.distance_matrix[np.ix_(chlorine, chlorine)]
        return float((distances[distances > 0.1] < 4.7).sum())

    structure = argyrodite(supercell=(1, 1, 2))
    found = SiteInversionTransformation(0.25, arrangement="lowest", calculator=energy).apply_transformation(structure)
    assert energy(found) <= min(
        energy(SiteInversionTransformation(0.25, seed=s).apply_transformation(structure)) for s in range(10)
    )


@pytest.mark.parametrize("x", [0.125, 0.5, 0.875, 1.0])
@pytest.mark.parametrize("rule", ["cage", "even", "random"])
def test_excess_is_neutral_and_exact(x: float, rule: Any) -> None:
    new = ExcessHalideTransformation(x, vacancies=rule, seed=1).apply_transformation(argyrodite(supercell=(1, 1, 2)))
    found = analyse(new)
    assert found.x_excess == pytest.approx(x, abs=1e-12)
    assert found.inversion == pytest.approx(x, abs=1e-12)
    assert found.mobile_content == pytest.approx(6 - x, abs=1e-12)
    new.add_oxidation_state_by_element({"Li": 1, "P": 5, "S": -2, "Cl": -1})
    assert new.charge == 0


def test_half_of_the_cages_have_five_lithium() -> None:
    """At x = 0.5 cages around chloride have five lithium, others six (Guan et al., LPSCl-III: 144 + 144)."""
    new = ExcessHalideTransformation(0.5).apply_transformation(argyrodite(supercell=2))
    found = analyse(new)
    per_cage = np.bincount(nearest_cage(new, found), minlength=len(found.sulfur_sites))
    around_chloride = found.halide_on_sulfur_sites > 0.5
    assert (per_cage[around_chloride] == 5).all()
    assert (per_cage[~around_chloride] == 6).all()
    assert around_chloride.sum() == 16


def test_even_vacancies_are_farther_apart_than_random_ones() -> None:
    parent = argyrodite(supercell=2)

    def nearest(rule: Any, seed: int) -> float:
        new = ExcessHalideTransformation(0.125, vacancies=rule, seed=seed).apply_transformation(parent)
        kept = {tuple(np.round(site.frac_coords, 6)) for site in new}
        gone = [k for k, s in enumerate(parent) if tuple(np.round(s.frac_coords, 6)) not in kept]
        gone = [k for k in gone if parent[k].specie.symbol == "Li"]
        distances = parent.distance_matrix[np.ix_(gone, gone)]
        return float(distances[distances > 0.1].min())

    assert nearest("even", 0) > 9.0  # A
    assert nearest("even", 0) > np.mean([nearest("random", s) for s in range(5)])


def test_restored_lithium() -> None:
    new = ExcessHalideTransformation(0.5, lithium="restored").apply_transformation(argyrodite())
    assert new.formula == "Li24 P4 S18 Cl6"
    # From a deficient cell the lithium comes back on empty sites.
    again = ExcessHalideTransformation(0.5, lithium="restored").apply_transformation(argyrodite(x_excess=0.5))
    assert again.formula == "Li24 P4 S18 Cl6"
    assert again.distance_matrix[again.distance_matrix > 0].min() > 1.6  # A


def test_negative_excess_adds_lithium() -> None:
    new = ExcessHalideTransformation(-0.5).apply_transformation(argyrodite())
    assert new.formula == "Li26 P4 S22 Cl2"
    ions = list(new.indices_from_symbol("Li"))
    distances = new.distance_matrix[np.ix_(ions, ions)]
    assert distances[distances > 0].min() >= 1.95  # A


def test_halide_of_choice() -> None:
    new = ExcessHalideTransformation(0.5, halide="Br").apply_transformation(argyrodite())
    assert new.composition["Br"] == 2
    with pytest.raises(InputError, match=r"halide: need the halide to insert, as the structure has none"):
        ExcessHalideTransformation(0.0).apply_transformation(argyrodite(halide=None))
    assert (
        ExcessHalideTransformation(0.0, halide="Cl")
        .apply_transformation(argyrodite(halide=None))
        .composition.reduced_formula
        == "Li6PS5Cl"
    )


def test_unbalanced_charges_are_refused() -> None:
    short = argyrodite()
    short.remove_sites([0])
    with pytest.raises(
        InputError, match=r"oxidation states: need a sum of 0, got -1 e in Li5.75PS5Cl; start with 6 mobile"
    ):
        ExcessHalideTransformation(0.5).apply_transformation(short)


def test_bad_words_are_refused() -> None:
    with pytest.raises(InputError, match=r"arrangement: need one of 'random', 'even', 'lowest', got 'best'"):
        SiteInversionTransformation(0.5, arrangement="best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"lithium: need 'vacancies' or 'restored', got 'more'"):
        ExcessHalideTransformation(0.5, lithium="more")
    with pytest.raises(InputError, match=r"x: need excess halide from -1 to 1, got 1.5"):
        ExcessHalideTransformation(1.5)
    with pytest.raises(InputError, match=r"element: need one of 'P', 'As', 'Si', 'Ge', 'Sn', 'Sb', got 'Fe'"):
        AliovalentSubstitutionTransformation("Fe", 0.5)


@pytest.mark.parametrize(("element", "lithium"), [("Si", 25), ("Ge", 25), ("Sn", 25), ("Sb", 24), ("As", 24)])
def test_substitution_balances_with_lithium(element: str, lithium: int) -> None:
    new = AliovalentSubstitutionTransformation(element, 0.25).apply_transformation(argyrodite(halide="I"))
    assert (new.composition["Li"], new.composition[element]) == (lithium, 1)
    k = new.indices_from_symbol(element)[0]
    bonds = sorted(n.nn_distance for n in new.get_neighbors(new[k], 3.0) if n.specie.symbol == "S")
    longer = {"Si": 2.12, "Ge": 2.21, "Sn": 2.39, "Sb": 2.33, "As": 2.17}[element] / 2.05
    reference = 0.11824 * np.sqrt(3) * 10.393  # A, P-S of the iodide prototype
    np.testing.assert_allclose(bonds, 4 * [reference * longer], atol=1e-6)
    assert analyse(new).formula.startswith(f"Li{6 + (lithium - 24) / 4:g}P0.75")


@pytest.mark.parametrize("charges", [{}, {"Na": 1, "P": 5, "S": -2, "Cl": -1}])
def test_other_conductors_keep_their_ion(charges: dict[str, float]) -> None:
    """Sodium is balanced by sodium, in whatever way it is written; it was lithium, without a word."""
    sodium = argyrodite()
    sodium.replace_species({"Li": "Na"})
    if charges:
        sodium.add_oxidation_state_by_element(charges)
    silicon = AliovalentSubstitutionTransformation("Si", 0.25).apply_transformation(sodium)
    assert silicon.composition.element_composition == Composition("Na25 Si1 P3 S20 Cl4")
    assert len(silicon.composition) == 5  # each element in one way of writing
    back = ExcessHalideTransformation(0.0).apply_transformation(
        ExcessHalideTransformation(0.5).apply_transformation(sodium)
    )
    assert back.composition == sodium.composition
    orderings = lithium_orderings(parent=sodium.get_primitive_structure())
    assert {o.structure.composition for o in orderings} == {(sodium.composition / 4)}
    assert set(configurational_entropy(sodium, lithium=True).by_site) == {"4a", "4d", "Na"}


def test_orderings_of_a_refined_crystal_have_its_lithium() -> None:
    """Half-filled 48h: six lithium per formula unit, on twelve places."""
    refined = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(10.1), [{"Li": 0.5}, "P", "S", "S", "Cl"],
        [[-0.024, 0.183, 0.183], [0.5] * 3, [0.11824, 0.11824, 0.38176], [0.75, 0.25, 0.25], [0] * 3],
    )  # fmt: skip
    found = lithium_orderings(parent=refined.get_primitive_structure())
    assert sum(o.multiplicity for o in found) == 64
    assert {o.structure.formula for o in found} == {"Li6 P1 S5 Cl1"}


def test_substitution_back_to_phosphorus_removes_lithium() -> None:
    silicon = AliovalentSubstitutionTransformation("Si", 0.5).apply_transformation(argyrodite())
    back = AliovalentSubstitutionTransformation("P", 1.0).apply_transformation(silicon)
    assert back.composition == argyrodite().composition


def test_oxidation_states_stay() -> None:
    charged = argyrodite()
    charged.add_oxidation_state_by_element({"Li": 1, "P": 5, "S": -2, "Cl": -1})
    for transformation in TRANSFORMATIONS:
        new = transformation.apply_transformation(charged)
        assert all(s.oxi_state is not None for s in new.species)
        assert new.charge == 0


@pytest.mark.parametrize("transformation", TRANSFORMATIONS, ids=names)
def test_json_round_trip(transformation: Any) -> None:
    text = json.dumps(transformation.as_dict())
    again = json.loads(text, cls=MontyDecoder)
    assert type(again) is type(transformation)
    assert again.as_dict() == transformation.as_dict()
    structure = argyrodite()
    assert again.apply_transformation(structure) == transformation.apply_transformation(structure)


@pytest.mark.parametrize("transformation", TRANSFORMATIONS, ids=names)
def test_transformed_structure(transformation: Any) -> None:
    parent = argyrodite()
    made = TransformedStructure(parent, [transformation])
    again = TransformedStructure.from_dict(json.loads(json.dumps(made.as_dict(), cls=MontyEncoder)))
    assert again.final_structure == made.final_structure
    decoded = json.loads(json.dumps(made.as_dict(), cls=MontyEncoder), cls=MontyDecoder)
    assert decoded.final_structure == made.final_structure
    made.undo_last_change()
    assert made.final_structure == parent
    made.redo_next_change()
    assert made.final_structure == again.final_structure


def test_transmuter_one_to_many() -> None:
    transmuter = StandardTransmuter.from_structures(
        [argyrodite()], [EnumerateSiteInversionTransformation()], extend_collection=6
    )
    assert len(transmuter.transformed_structures) == 6
    inversions = sorted(analyse(t.final_structure).inversion for t in transmuter.transformed_structures)
    assert inversions == [0.0, 0.25, 0.5, 0.5, 0.75, 1.0]
    parameters = transmuter.transformed_structures[0].history[-1]["output_parameters"]
    assert parameters["multiplicity"] == 1


def test_transmuter_chain() -> None:
    chain = [
        ExcessHalideTransformation(0.5),
        SiteInversionTransformation(0.75),
        AliovalentSubstitutionTransformation("Si", 0.25),
    ]
    transmuter = StandardTransmuter.from_structures([argyrodite(), argyrodite(halide="Br")], chain)
    for made in transmuter.transformed_structures:
        found = analyse(made.final_structure)
        assert (found.inversion, found.x_excess, found.mobile_content) == (0.75, 0.5, 5.75)


def test_calculator_objects_cannot_be_written() -> None:
    with pytest.raises(InputError, match=r"calculator: need a name or a mapping to be written as JSON, got function"):
        SiteInversionTransformation(0.5, "lowest", calculator=lambda s: 0.0).as_dict()


def test_written_json_still_loads() -> None:
    """A file written by version 0.1.0: it must load, and give the same structures, in every later version."""
    path = Path(__file__).with_name("transformations-0.1.0.json")
    with path.open(encoding="utf-8") as stream:
        stored = json.load(stream, cls=MontyDecoder)
    for entry in stored:
        transformation, expected = entry["transformation"], entry["halide_sites"]
        made = transformation.apply_transformation(argyrodite(supercell=tuple(entry["supercell"])))
        got = [k for k, site in enumerate(made) if site.specie.is_halogen]
        assert type(transformation).__name__ == entry["name"]
        assert got == expected


def test_written_history_still_loads() -> None:
    """A TransformedStructure written by version 0.1.0, with inversion, substitution and enumeration in its history."""
    with Path(__file__).with_name("transformed-0.1.0.json").open(encoding="utf-8") as stream:
        stored = json.load(stream, cls=MontyDecoder)
    assert stored.final_structure.formula == "Li7 Si1 S5 Cl1"
    assert analyse(stored.final_structure).inversion == 0.0
    extra = ("input_structure", "output_parameters")
    written = [{k: v for k, v in entry.items() if k not in extra} for entry in stored.history]
    steps = [MontyDecoder().process_decoded(entry) for entry in written]
    assert [type(step).__name__ for step in steps] == [
        "SiteInversionTransformation", "AliovalentSubstitutionTransformation", "EnumerateSiteInversionTransformation"
    ]  # fmt: skip
    made = TransformedStructure(stored.structures[0], steps)
    assert made.final_structure.matches(stored.final_structure)
    assert analyse(stored.structures[1]).inversion == 1.0


def test_pipeline_in_another_process(tmp_path: Path) -> None:
    """What a workflow does: steps and structure travel as JSON, and another process makes the results."""
    sent, made = tmp_path / "sent.json", tmp_path / "made.json"
    sent.write_text(json.dumps({"steps": TRANSFORMATIONS, "structure": argyrodite()}, cls=MontyEncoder))
    program = (
        "import json, sys\nfrom monty.json import MontyDecoder, MontyEncoder\n"
        "job = json.load(open(sys.argv[1]), cls=MontyDecoder)\n"
        "results = [step.apply_transformation(job['structure']) for step in job['steps']]\n"
        "json.dump(results, open(sys.argv[2], 'w'), cls=MontyEncoder)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(sent), str(made)], check=True, timeout=300)
    results = json.loads(made.read_text(), cls=MontyDecoder)
    assert results == [t.apply_transformation(argyrodite()) for t in TRANSFORMATIONS]


def test_alias_is_the_same_module() -> None:
    import pymatgen.transformations.site_inversion as alias  # type: ignore[import-not-found]

    assert alias.SiteInversionTransformation is SiteInversionTransformation
    assert alias.EnumerateSiteInversionTransformation is EnumerateSiteInversionTransformation


def test_transmuter_with_processes() -> None:
    """Worker processes get the transformation by pickling and give the same structures."""
    chain = [SiteInversionTransformation(0.5, seed=3), EnumerateSiteInversionTransformation([0.25, 0.5])]
    assert all(t.use_multiprocessing for t in chain)
    assert not SiteInversionTransformation(0.5, "lowest", calculator=ewald_energy).use_multiprocessing

    def starts() -> list[TransformedStructure]:
        return [TransformedStructure(argyrodite(halide), []) for halide in ("Cl", "Br")]

    alone = StandardTransmuter(starts(), chain, extend_collection=3)
    together = StandardTransmuter(starts(), chain, extend_collection=3, ncores=2)
    # Worker processes return in the order in which they finish.
    one, other = (
        sorted(str(t.final_structure.species) for t in made.transformed_structures) for made in (alone, together)
    )
    assert len(one) == 6
    assert one == other


def test_misspelt_halides_and_centres_of_another_charge() -> None:
    """Li6SiS5Cl would hold -1 e per formula unit: silicon brings a seventh lithium."""
    with pytest.raises(InputError, match="halide: need one of 'Br', .* got 'br'"):
        ExcessHalideTransformation(0.5, halide="br")
    with pytest.raises(InputError, match="centre: need one of 'As', 'Ge', 'P', 'Sb', 'Si', 'Sn', got 'Al'"):
        argyrodite(centre="Al")
    with pytest.raises(InputError, match="ordered: need True for Si, whose lithium does not fit on 24g, got False"):
        argyrodite(centre="Si", ordered=False)
    assert argyrodite(centre="Si").formula == "Li28 Si4 S20 Cl4"
    assert argyrodite(halide="I", centre="Ge", inversion=0.25).formula == "Li28 Ge4 S20 I4"


def test_halides_of_which_there_are_as_many_keep_their_shares() -> None:
    rich = ExcessHalideTransformation(0.5, inversion=0.75).apply_transformation(mixed("halides")).composition
    assert (rich["Cl"], rich["Br"]) == (24, 24)


def test_an_inversion_says_that_its_cell_holds_a_charge() -> None:
    structure = argyrodite()
    structure.remove_sites([0, 1])
    with pytest.warns(UserWarning, match=r"Li5.5PS5Cl: formal charges add up to -2 e .* neutral cell has 6 mobile"):
        made = SiteInversionTransformation(0.5).apply_transformation(structure)
    assert made.formula == structure.formula == "Li22 P4 S20 Cl4"
    with pytest.warns(UserWarning, match="formal charges add up to -2 e"):
        AliovalentSubstitutionTransformation("Si", 0.25).apply_transformation(structure)
    structure.set_charge(-2)
    assert SiteInversionTransformation(0.5).apply_transformation(structure).formula == "Li22 P4 S20 Cl4"
