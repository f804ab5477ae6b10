"""Cluster expansion and thermodynamics, against exact sums and closed forms."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Structure

from ionpath.constants import BOLTZMANN_EV
from ionpath.disorder import argyrodite_mixing_entropy
from ionpath.errors import InputError
from pymatgen.analysis.argyrodite import (
    AnionClusterExpansion,
    EnumerateSiteInversionTransformation,
    analyse,
    argyrodite,
    monte_carlo,
    thermodynamics,
)
from pymatgen.analysis.argyrodite.energies import ewald_energy
from pymatgen.analysis.argyrodite.expansion import disordered_primitive

needs_smol = pytest.mark.skipif(
    __import__("importlib.util", fromlist=["util"]).find_spec("smol") is None, reason="smol is not installed"
)
# smol calls what its own dependencies have deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def screened(structure: Structure) -> float:
    """Formal charges behind a dielectric constant of 100, so that room temperature matters; eV."""
    return ewald_energy(structure) / 100.0


def listed(structure: Structure, **options: Any) -> list[dict[str, Any]]:
    made = EnumerateSiteInversionTransformation(**options).apply_transformation(structure, return_ranked_list=True)
    assert isinstance(made, list)
    return made


@pytest.fixture(scope="module")
def anions() -> AnionClusterExpansion:
    entries = listed(argyrodite(supercell=(1, 1, 2), lithium="none"), max_structures=6)
    full = [e["structure"] for e in entries]
    pytest.importorskip("smol", reason="smol is not installed")
    return AnionClusterExpansion.fit(full, [screened_pairs(s) for s in full], cutoffs={2: 7.3})


def screened_pairs(structure: Structure) -> float:
    """An energy of pairs only, which an expansion in pairs must reproduce exactly; eV.

    0.02 eV for each Cl-Cl pair between the orbits (0.433 edges), -0.01 eV within an orbit (0.707 edges), and 0.05 eV
    for each Cl on the orbit of the free sulfur.
    """
    found = analyse(structure)
    from ionpath.lattice import neighbours_within

    held = np.concatenate([found.halide_on_halide_sites, found.halide_on_sulfur_sites])
    sites = np.concatenate([found.halide_sites, found.sulfur_sites])
    xyz = structure.cart_coords[sites]
    near = neighbours_within(xyz, xyz, structure.lattice.matrix, 0.75 * found.edge, smallest=0.1)
    both = held[near.centre] * held[near.neighbour]
    energy = np.where(near.distance < 0.5 * found.edge, 0.02, -0.01)
    return float((both * energy).sum() / 2 + 0.05 * found.halide_on_sulfur_sites.sum())


@needs_smol
def test_published_cutoffs_give_27_functions() -> None:
    """S and Cl on both orbits, Li and vacancies on 24g; 6, 5, 4, 4 A: 27 functions (Guan et al., arXiv:2412.07115)."""
    entries = listed(argyrodite(), x_excess=0.5, lithium_orderings=True, max_structures=5)
    structures = [e["structure"] for e in entries]
    fitted = AnionClusterExpansion.fit(structures, [screened(s) for s in structures])
    assert fitted.n_functions == 27
    assert fitted.lithium
    assert fitted.training_error <= fitted.validation_error
    for structure in structures[:3]:
        assert fitted.predict(structure) / 4 == pytest.approx(screened(structure) / 4, abs=0.02)  # eV per formula unit
    ranked = fitted.rank(entries, 5)
    assert [r["predicted_energy"] for r in ranked] == sorted(r["predicted_energy"] for r in ranked)
    assert len(ranked) == 5
    assert "27 correlation functions" in fitted.report()


def test_pair_energies_are_reproduced(anions: AnionClusterExpansion) -> None:
    assert not anions.lithium
    assert anions.n_functions == 6  # constant, two points, pairs between the orbits and within each
    assert anions.validation_error < 0.01  # meV per primitive cell
    for structure in (
        argyrodite(inversion=0.75, lithium="none"),
        argyrodite(inversion=0.25, supercell=2, lithium="none"),
    ):
        n = len(structure) / 7
        assert anions.predict(structure) / n == pytest.approx(screened_pairs(structure) / n, abs=1e-5)  # eV


@needs_smol
def test_monte_carlo_agrees_with_exact_sums(anions: AnionClusterExpansion) -> None:
    """All 70 arrangements of the cubic cell against sampling of the same cell."""
    entries = listed(argyrodite(lithium="none"))
    for entry in entries:
        entry["energy"] = anions.predict(entry["structure"])
    temperatures = [900.0, 1500.0, 3000.0]  # K; below, this small cell keeps to one arrangement for long
    exact = thermodynamics(entries, temperatures)
    sampled = monte_carlo(anions, argyrodite(lithium="none"), temperatures, sweeps=500, bridge=8, seed=2)
    np.testing.assert_allclose(sampled.energy, exact.energy, atol=0.004)  # eV per formula unit
    np.testing.assert_allclose(sampled.inversion, exact.inversion, atol=0.04)
    np.testing.assert_allclose(sampled.entropy, exact.entropy, atol=0.06)  # R
    assert sampled.limit == pytest.approx(np.log(70) / 4)


@needs_smol
def test_hot_limit_is_ideal_mixing(anions: AnionClusterExpansion) -> None:
    """At a million K a larger cell has ln C(2N, N) / N, near 2 ln 2."""
    hot = monte_carlo(anions, argyrodite(supercell=2, lithium="none"), [1e6], sweeps=20, bridge=2)
    assert hot.entropy[0] == pytest.approx(np.log(float(comb(64, 32))) / 32, abs=1e-3)
    assert hot.inversion[0] == pytest.approx(0.5, abs=0.05)
    assert hot.ideal_entropy[0] == pytest.approx(float(argyrodite_mixing_entropy(0.0, 0.5)), abs=0.02)


def test_two_levels_have_their_closed_form() -> None:
    """Two arrangements, y = 0 and 1, apart by e: S/R = ln(1 + x) - x ln(x)/(1 + x), x = exp(-e/kT)."""
    entries = listed(argyrodite().get_primitive_structure())
    for entry in entries:
        entry["energy"] = 0.1 * entry["inversion"]  # eV
    found = thermodynamics(entries, [300.0, 1000.0, 1e9])
    x = np.exp(-0.1 / (BOLTZMANN_EV * found.temperature))
    np.testing.assert_allclose(found.inversion, x / (1 + x))
    np.testing.assert_allclose(found.entropy, np.log1p(x) - x * np.log(x) / (1 + x), atol=1e-12)
    np.testing.assert_allclose(found.energy, 0.1 * x / (1 + x), atol=1e-12)
    assert found.limit == pytest.approx(np.log(2))
    assert found.lost[0] > found.lost[-1] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(found.joule, found.entropy * 8.31446, rtol=1e-5)  # J/mol/K


def test_primitive_cell_knows_all_species() -> None:
    filled = disordered_primitive([argyrodite(), argyrodite(inversion=0.5)])
    assert len(filled) == 13
    assert sum(not site.is_ordered for site in filled) == 2
    vacant = disordered_primitive([argyrodite(x_excess=0.5)])
    assert sum(not site.is_ordered for site in vacant) == 8


def test_incomplete_lists_are_refused() -> None:
    entries = listed(argyrodite())
    with pytest.raises(InputError, match=r"entries: need arrangements with energies, got some without"):
        thermodynamics(entries, [300])
    for entry in entries:
        entry["energy"] = 0.0
    with pytest.raises(InputError, match=r"entries: need all 70 arrangements, got 69"):
        thermodynamics([*entries[:-1], {**entries[-1], "multiplicity": 0}], [300])
    with pytest.raises(
        InputError, match=r"entries: need arrangements at every inversion .*, got none at 1; list the s"
    ):
        thermodynamics(entries[:-1], [300])  # as return_ranked_list=5 leaves them
    with pytest.raises(InputError, match=r"temperatures: need positive temperatures in K"):
        thermodynamics(entries, [0.0])
    with pytest.raises(InputError, match=r"entries: need arrangements of one cell and composition, got several"):
        thermodynamics([entries[0], {**entries[1], "x_excess": 0.5}], [300])


def test_repeats_that_several_sizes_leave_out_are_missed() -> None:
    """Without y = 0 and 1, which the primitive cell has, the entropy of two of them was ln 4 / 2 in silence."""
    cell = argyrodite().get_primitive_structure()
    both = [{**e, "energy": 0.0} for e in listed(cell, cell_sizes=[1, 2]) if e["cell_size"] == 2]
    one = [e for e in both if e["supercell"] == both[0]["supercell"]]
    with pytest.raises(
        InputError, match=r"entries: need arrangements at every inversion .*, got none at 0, 1; .*_size"
    ):
        thermodynamics(one, [300])
    alone = [{**e, "energy": 0.0} for e in listed(cell, cell_sizes=[one[0]["cell_size"]])]
    whole = [e for e in alone if e["supercell"] == one[0]["supercell"]]
    assert thermodynamics(whole, [300]).entropy[0] == pytest.approx(np.log(6) / 2)  # 2 chlorides on 4 sites


@needs_smol
def test_structures_off_the_lattice_are_refused(anions: AnionClusterExpansion) -> None:
    strained = argyrodite(a=10.8, lithium="none")
    with pytest.raises(InputError, match=r"structure: need a supercell of the cell of the expansion, got"):
        anions.predict(strained)
    displaced = argyrodite(lithium="none")
    displaced.translate_sites([25], [0.1, 0.1, 0.0])
    with pytest.raises(InputError, match=r"structure: need one ion per site of the expansion, within 0.6 A"):
        anions.predict(displaced)
    with pytest.raises(InputError, match=r"structures: need as many as energies, and at least 7"):
        AnionClusterExpansion.fit([argyrodite()], [0.0])


def test_missing_smol_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from ionpath.errors import MissingDependency

    monkeypatch.setitem(sys.modules, "smol", None)
    monkeypatch.setitem(sys.modules, "smol.cofe", None)
    structures = [argyrodite(inversion=y) for y in (0, 0.25, 0.5, 0.75, 1.0)] * 2
    with pytest.raises(MissingDependency, match=r"smol.cofe is needed for cluster expansions .* pip install smol"):
        AnionClusterExpansion.fit(structures, [0.0] * 10)
