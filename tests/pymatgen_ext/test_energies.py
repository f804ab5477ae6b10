"""Site energies, hull, orderings and relatives."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Structure

from ionpath.errors import InputError
from pymatgen.analysis.argyrodite import (
    analyse,
    argyrodite,
    computed_entries,
    energy_above_hull,
    hooks,
    lithium_orderings,
    lithium_sites,
    lithium_thiophosphate,
    lpscl,
    lspscl,
    overlap_table,
    relax_ordering,
    site_energies,
)
from pymatgen.analysis.argyrodite.energies import ewald_energy

# What the sentence says is tested once, below.
pytestmark = pytest.mark.filterwarnings("ignore:energies of unrelaxed probes:UserWarning")


def test_ewald_site_energies_of_the_ordered_cell() -> None:
    """Formal charges put T4 1.79 eV below and T2 1.29 eV above T5 without inversion (a = 10.155 A, independent sum)."""
    found = site_energies(argyrodite(a=10.155))
    t5 = found.of("T5").mean()
    assert found.of("T4").mean() - t5 == pytest.approx(-1.79, abs=0.02)  # eV
    assert found.of("T2").mean() - t5 == pytest.approx(1.29, abs=0.02)  # eV
    assert all(found.of(kind).std() < 1e-4 for kind in ("T2", "T4", "T5"))
    assert {k: len(found.of(k)) for k in ("T2", "T4", "T5")} == {"T2": 48, "T4": 16, "T5": 48}


def test_inversion_broadens_site_energies() -> None:
    """Spread at one 50 % arrangement: T2 1.84, T4 1.22, T5 1.58 eV (a = 10.155 A, independent sum)."""
    found = site_energies(argyrodite(a=10.155, inversion=0.5))
    spread = [found.of(kind).std() for kind in ("T2", "T4", "T5")]
    np.testing.assert_allclose(spread, [1.84, 1.22, 1.58], atol=0.02)  # eV
    assert found.inversion == 0.5


def test_densities_and_overlaps() -> None:
    found = site_energies(argyrodite(inversion=0.5), kinds=["T4", "T5"])
    grid = np.linspace(-12, 8, 20001)
    assert np.trapezoid(found.density("T5", grid), grid) == pytest.approx(1.0, abs=1e-4)
    assert found.overlap("T4", "T5") == pytest.approx(found.overlap("T5", "T4"))
    assert found.overlap("T4", "T4") == pytest.approx(1.0, abs=1e-4)
    assert 0.0 < found.overlap("T4", "T5") < 0.5
    assert found.overlap("T4", "T5", width=0.5) > found.overlap("T4", "T5")
    rows = overlap_table([found, site_energies(argyrodite(), kinds=["T4", "T5"])])
    assert [r["inversion"] for r in rows] == [0.0, 0.5]
    assert rows[0]["T4-T5"] == pytest.approx(0.0, abs=1e-9)
    assert "overlap T4-T5" in found.report()


def test_overlap_of_two_gaussians_is_the_closed_form() -> None:
    """Two equal Gaussians at a distance d overlap by erfc(d / (2 sqrt(2) sigma))."""
    from scipy.special import erfc

    from pymatgen.analysis.argyrodite.site_energy import SiteEnergies

    made = SiteEnergies(np.array(["T4", "T5"]), np.array([0.0, 0.13]), np.zeros((2, 3)), 0.0, "frame", "test")
    assert made.overlap("T4", "T5", width=0.05) == pytest.approx(erfc(0.13 / (2 * np.sqrt(2) * 0.05)), abs=1e-5)


def test_occupied_method_moves_the_nearest_lithium() -> None:
    structure = argyrodite()
    sites = lithium_sites(structure)
    found = site_energies(structure, method="occupied", kinds=["T5"])
    # Each T5 is half a pair length from its 24g lithium; the first by hand:
    place = sites.coords[sites.of("T5")[0]]
    ions = structure.indices_from_symbol("Li")
    nearest = min(ions, key=lambda k: structure.lattice.get_distance_and_image(
        structure[k].frac_coords, structure.lattice.get_fractional_coords(place))[0])  # fmt: skip
    moved = structure.copy()
    moved[nearest].coords = place
    assert found.energies[0] == pytest.approx(ewald_energy(moved) - ewald_energy(structure), abs=1e-9)  # eV
    assert found.energies.std() < 1e-4  # all 48 are equivalent


def test_site_energies_refuse() -> None:
    with pytest.raises(InputError, match=r"structure: need lithium to move, got none"):
        site_energies(argyrodite(lithium="none"), method="occupied")
    with pytest.raises(InputError, match=r"method: need 'frame' or 'occupied', got 'dft'; choose one"):
        site_energies(argyrodite(), method="dft")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"kind: need one of T4, got 'T5'"):
        site_energies(argyrodite(), kinds=["T4"]).of("T5")


def test_figure_of_site_energies() -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("Agg")
    from pymatgen.analysis.argyrodite import plot_site_energies

    panels = plot_site_energies([site_energies(argyrodite(inversion=y), kinds=["T4"]) for y in (0.5, 0.0)])
    assert [ax.get_ylabel() for ax in panels] == ["y = 0", "y = 0.5"]
    matplotlib.pyplot.close(panels[0].figure)


def salts() -> dict[str, Structure]:
    from pymatgen.core import Lattice

    return {
        "Li2S": Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.7), ["Li", "S"], [[0.25] * 3, [0, 0, 0]]),
        "LiCl": Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.1), ["Li", "Cl"], [[0, 0, 0], [0.5] * 3]),
        "Li3PS4": lithium_thiophosphate("gamma"),
    }


def test_hull_distance_by_hand_and_by_pymatgen() -> None:
    """Li6PS5Cl -> Li3PS4 + Li2S + LiCl."""
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition

    phases = salts()
    per_atom = {"Li2S": -3.9, "LiCl": -3.6, "Li3PS4": -4.7}
    competing = list(phases.values())
    energies = [per_atom[name] * len(s) for name, s in phases.items()]
    target = argyrodite()
    (row,) = energy_above_hull([target], competing, energies=[-4.3 * 52], competing_energies=energies)
    expected = (-4.3 * 13 - (-4.7 * 8 - 3.9 * 3 - 3.6 * 2)) / 13 * 1000  # 8 + 3 + 2 atoms
    assert row.above_hull == pytest.approx(expected, abs=1e-6)  # meV/atom
    assert row.decomposition == pytest.approx({"Li2S": 3 / 13, "LiCl": 2 / 13, "Li3PS4": 8 / 13})
    elements = [PDEntry(Composition(e), 0.0) for e in ("Li", "P", "S", "Cl")]
    diagram = PhaseDiagram([*elements, *(PDEntry(s.composition, e) for s, e in zip(competing, energies, strict=True))])
    theirs = diagram.get_e_above_hull(PDEntry(target.composition, -4.3 * 52), allow_negative=True)
    assert row.above_hull == pytest.approx(1000 * theirs, abs=1e-6)
    assert "Li3PS4" in str(row)


def test_entries_have_the_same_hull_in_pymatgen() -> None:
    from pymatgen.analysis.phase_diagram import CompoundPhaseDiagram
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    phases, target = list(salts().values()), argyrodite()
    (row,) = energy_above_hull([target], phases, "ewald")
    entries = computed_entries([*phases, target], "ewald")
    diagram = CompoundPhaseDiagram(entries, [phase.composition for phase in phases])
    (own,) = (entry for entry in diagram.all_entries if entry.original_entry is entries[-1])
    # eV for the amounts of the three compounds in the cell: 4 Li3PS4 + 4 Li2S + 4 LiCl, per atom of 52
    found = diagram.get_form_energy(own)
    assert 1000 * found / len(target) == pytest.approx(row.above_hull, abs=1e-6)  # meV/atom
    assert entries[-1].parameters == {"calculator": "ewald"}
    assert entries[-1].energy_per_atom == pytest.approx(row.energy_per_atom, abs=1e-9)  # eV
    assert ComputedStructureEntry.from_dict(entries[-1].as_dict()).structure == target
    with pytest.raises(InputError, match=r"energies: need 1 energies, got 2"):
        computed_entries([target], energies=[1, 2])


def test_hull_with_a_calculator_rises_with_inversion() -> None:
    structures = [argyrodite(inversion=y) for y in (0.0, 0.5, 1.0)]
    rows = energy_above_hull(structures, list(salts().values()), "ewald")
    assert rows[0].above_hull < rows[1].above_hull < rows[2].above_hull


def test_hull_refuses() -> None:
    phases = salts()
    with pytest.raises(InputError, match=r"competing: need phases that mix to Li6PS5Cl, got Li2S, Li3PS4; add a phase"):
        energy_above_hull([argyrodite()], [phases["Li2S"], phases["Li3PS4"]], "ewald")
    with pytest.raises(InputError, match=r"energies: need 1 energies, got 2"):
        energy_above_hull([argyrodite()], list(phases.values()), energies=[1, 2], competing_energies=[1, 2, 3])


def test_hull_warns_of_lpscl_i_with_a_potential_that_was_not_trained_on_it() -> None:
    """Li5PS4Cl2 that is no cubic argyrodite, in any cell and displaced; nothing else, and no other calculator."""
    from ase.calculators.lj import LennardJones

    phase, phases = lpscl("I", supercell=(1, 2, 1)), list(salts().values())
    phase.perturb(0.05)
    cubic = argyrodite(x_excess=1.0, seed=1)
    assert cubic.composition.reduced_formula == phase.composition.reduced_formula
    calculator = LennardJones(rc=4.0)
    energy_above_hull([phase], phases, calculator)
    calculator.untrained_phases = ("LPSCl-I",)
    words = (
        r"{}: need a potential that was trained on Li5PS4Cl2 outside of the cubic framework \(LPSCl-I\), got .* for "
        r"structure {}, whose energy is some 10 meV/atom too high .*; use calculator={{\"name\": \"ionpath\", "
        r"\"model\": \"argyrodite-lpscl-i\"}}"
    )
    with pytest.warns(UserWarning, match=words.format("structures", 2)):
        computed_entries([lpscl("II"), cubic, phase], calculator)
    with pytest.warns(UserWarning, match=words.format("competing", 0)):
        energy_above_hull([cubic], [phase], calculator)
    energy_above_hull([cubic, lpscl("II")], phases, calculator)  # a warning is an error here
    energy_above_hull([phase], phases, "ewald")
    energy_above_hull([phase], phases, calculator, energies=[-4.0 * len(phase)])


def test_orderings_of_the_primitive_cell() -> None:
    """Six pairs of T5 sites, one lithium each: 2^6 orderings, four of them inequivalent."""
    found = lithium_orderings()
    assert sum(o.multiplicity for o in found) == 64
    assert sorted(o.multiplicity for o in found) == [8, 8, 24, 24]
    for ordering in found:
        structure = ordering.structure
        assert structure.composition.reduced_formula == "Li6PS5Cl"
        assert lithium_sites(structure).populations["T5"] == 6
        assert ordering.relaxed is None
    with pytest.raises(InputError, match=r"closest: need room for 6 lithium on T5 sites, got none at 4 A"):
        lithium_orderings(closest=4.0)
    with pytest.raises(InputError, match=r"kinds: need sites for 6 lithium, got 4"):
        lithium_orderings(kinds=("T4",))


def test_orderings_are_relaxed_by_an_ase_calculator() -> None:
    calculators = pytest.importorskip("ase.calculators.lj", reason="ASE is not installed")
    model = calculators.LennardJones(sigma=2.2, epsilon=0.2, rc=5.0, smooth=True)
    found = lithium_orderings(model, steps=5, fmax=0.5)
    energies = [o.energy_per_formula for o in found]
    assert energies == sorted(energies)
    assert all(o.relaxed is not None and o.relaxed_space_group for o in found)


def test_amm2_needs_four_primitive_cells_and_t2() -> None:
    """mm2 with the translations of the framework is Imm2; a face-centred lattice of its own has four cells."""
    for size in (1, 2, 3):
        with pytest.raises(
            InputError, match=rf"space_group: need a subgroup of the framework .* {size} cells, got Amm2"
        ):
            lithium_orderings(space_group="Amm2", size=size)
    with pytest.raises(InputError, match=r"closest: need room for 24 lithium on T5 sites, got none at 1.95"):
        lithium_orderings(space_group="Amm2", size=4)
    found = lithium_orderings(space_group="Amm2", size=4, kinds=("T5", "T2"), closest=2.5)
    assert len(found) == 16
    assert all(o.space_group == "Amm2" and len(o.structure) == 52 for o in found)
    with pytest.raises(InputError, match=r"space_group: need a Hermann-Mauguin symbol as Amm2, got 'amm'"):
        lithium_orderings(space_group="amm")


def test_orderings_by_subgroup_are_those_of_the_whole_list() -> None:
    """Building from subgroups and listing everything give the same orderings of the primitive cell."""
    every = lithium_orderings(kinds=("T5", "T2"), closest=2.3)
    for symbol in ("R3", "Imm2", "C2", "Cm"):
        chosen = lithium_orderings(kinds=("T5", "T2"), closest=2.3, space_group=symbol)
        listed = [o for o in every if o.space_group == symbol]
        assert listed
        assert sorted(o.multiplicity for o in chosen) == sorted(o.multiplicity for o in listed)


def test_symmetry_is_kept_without_displacements() -> None:
    calculators = pytest.importorskip("ase.calculators.lj", reason="ASE is not installed")
    model = calculators.LennardJones(sigma=2.2, epsilon=0.2, rc=5.0, smooth=True)
    (start, *_) = lithium_orderings(space_group="R3")
    kept = relax_ordering(start.structure, model, steps=3, fmax=1e-4, rattle=0.0)
    assert kept.relaxed_space_group == "R3"
    assert not kept.converged
    moved = relax_ordering(start.structure, model, steps=3, fmax=1e-4, rattle=0.3, multiplicity=8)
    assert (moved.relaxed_space_group, moved.multiplicity) == ("P1", 8)


@pytest.mark.parametrize(("phase", "formula"), [("beta", "Li24 P8 S32"), ("gamma", "Li6 P2 S8")])
def test_lithium_thiophosphates(phase: str, formula: str) -> None:
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    structure = lithium_thiophosphate(phase)  # type: ignore[arg-type]
    assert structure.formula == formula
    symbol = SpacegroupAnalyzer(structure, symprec=0.01).get_space_group_symbol()
    assert symbol == {"beta": "Pca2_1", "gamma": "Pmn2_1"}[phase]
    for k in structure.indices_from_symbol("P"):
        bonds = [n.nn_distance for n in structure.get_neighbors(structure[k], 2.6)]
        assert len(bonds) == 4
        np.testing.assert_allclose(bonds, 2.06, atol=0.04)  # A
    with pytest.raises(InputError, match=r"not an argyrodite\): need two anions per tetrahedron"):
        analyse(structure)
    with pytest.raises(InputError, match=r"phase: need 'beta' or 'gamma', got 'alpha'"):
        lithium_thiophosphate("alpha")  # type: ignore[arg-type]


def test_lspscl_has_one_mixed_tetrahedron() -> None:
    structure = lspscl(supercell=(1, 1, 2))
    assert structure.formula == "Li40 Si6 P6 S46 Cl2"
    mixed = 0
    for k in (*structure.indices_from_symbol("Si"), *structure.indices_from_symbol("P")):
        near = [n.specie.symbol for n in structure.get_neighbors(structure[k], 2.6) if n.specie.symbol in ("S", "Cl")]
        assert len(near) == 4
        mixed += "Cl" in near
    assert mixed == 2


def test_lpscl_i_is_what_is_described() -> None:
    """Guan et al.: Amm2, chloride in a square pyramid of five lithium; edges from the box of 4,608 atoms."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    structure = lpscl("I")
    assert structure.formula == "Li10 P2 S8 Cl4"
    assert SpacegroupAnalyzer(structure, symprec=0.001).get_space_group_symbol() == "Amm2"
    published = (42.828 / 6, 41.460 / 4, 47.104 / 8)  # A
    np.testing.assert_allclose(structure.lattice.abc, published, rtol=0.015)
    assert structure.volume / 2 == pytest.approx(np.prod(published) / 2, rel=0.025)  # A^3 per formula unit
    for k in structure.indices_from_symbol("Cl"):
        near = sorted(structure.get_neighbors(structure[k], 3.7), key=lambda n: n.nn_distance)
        lithium = [n for n in near if n.specie.symbol == "Li"]
        np.testing.assert_allclose([n.nn_distance for n in lithium[:5]], [2.30, 2.36, 2.36, 2.63, 2.63], atol=0.01)
        assert len(lithium) == 5 or lithium[5].nn_distance > 3.4  # A
        # The four that are not the apex lie about in one plane, with right angles between neighbours.
        arms = np.array([n.coords - structure[k].coords for n in lithium[:5]])
        arms /= np.linalg.norm(arms, axis=1, keepdims=True)
        base, apex = arms[1:], arms[0]
        across = np.degrees(np.arccos(np.clip((base @ base.T)[np.triu_indices(4, 1)], -1, 1)))
        np.testing.assert_allclose(np.sort(across), [79.0, 79.0, 85.5, 98.3, 146.8, 146.8], atol=0.2)  # degrees
        to_apex = np.degrees(np.arccos(base @ apex))
        np.testing.assert_allclose(np.sort(to_apex), [94.7, 94.7, 115.5, 115.5], atol=0.2)  # degrees
    for k in structure.indices_from_symbol("P"):
        bonds = [n.nn_distance for n in structure.get_neighbors(structure[k], 2.6)]
        np.testing.assert_allclose(bonds, 4 * [2.055], atol=0.01)  # A


def test_lpscl_ii_and_iii() -> None:
    assert lpscl("II") == argyrodite()
    found = analyse(lpscl("III", supercell=(1, 1, 2), seed=3))
    assert (found.formula, found.inversion) == ("Li5.5PS4.5Cl1.5", 0.75)
    assert lpscl("III", seed=1) != lpscl("III", seed=2)
    with pytest.raises(InputError, match=r"phase: need one of 'I', 'II', 'III', got 'IV'"):
        lpscl("IV")  # type: ignore[arg-type]


def test_one_meaning_of_each_name() -> None:
    """What training, molecular dynamics and ``ionpath build`` start from is what the function builds."""
    made = hooks.structures()
    for phase in ("I", "II", "III"):
        symbols, positions, cell = made[f"LPSCl-{phase}"](3)
        expected = lpscl(phase, seed=3)  # type: ignore[arg-type]
        assert list(symbols) == [site.specie.symbol for site in expected]
        np.testing.assert_allclose(positions, expected.cart_coords)
        np.testing.assert_allclose(cell, expected.lattice.matrix)


def test_unrelaxed_energies_come_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"unrelaxed probes: the order of the sites is not .*site_free_en"):
        found = site_energies(argyrodite(), kinds=["T4"])
    assert "unrelaxed: the order of the sites" in found.report()
