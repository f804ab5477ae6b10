"""What the shipped potential says, through the objects of ASE only."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from pymatgen.analysis.argyrodite import (
    AnionClusterExpansion,
    EnumerateSiteInversionTransformation,
    argyrodite,
    energy_above_hull,
    lithium_orderings,
    lithium_thiophosphate,
    lpscl,
    site_energies,
)

pytest.importorskip("deepmd", reason="deepmd-kit is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:energies of unrelaxed probes:UserWarning"),
    # SciPy about the strain of a cell filter, below 1e-12 here
    pytest.mark.filterwarnings("ignore:logm result may be inaccurate:RuntimeWarning"),
]


def test_enumeration_is_ranked_by_name() -> None:
    """Without inversion the energy is lowest: inverted argyrodites are metastable (Jang et al. 2025)."""
    entries = EnumerateSiteInversionTransformation(calculator="ionpath").apply_transformation(argyrodite(a=10.0), 6)
    assert isinstance(entries, list)
    assert entries[0]["inversion"] == 0.0
    assert -6.0 < entries[0]["energy_per_atom"] < -3.0  # eV


def test_site_energies_overlap_more_with_inversion() -> None:
    calculator = {"name": "ionpath"}
    ordered = site_energies(argyrodite(a=10.0, lithium="48h"), calculator, method="occupied", kinds=["T5", "T2"])
    inverted = site_energies(
        argyrodite(a=10.0, lithium="48h", inversion=0.5), calculator, method="occupied", kinds=["T5", "T2"]
    )
    assert np.isfinite(ordered.energies).all()
    assert np.isfinite(inverted.energies).all()
    assert ordered.of("T5").mean() < ordered.of("T2").mean()


def test_expansion_of_single_points() -> None:
    pytest.importorskip("smol", reason="smol is not installed")
    from pymatgen.analysis.argyrodite.energies import energy_function

    draw = EnumerateSiteInversionTransformation(x_excess=0.5, lithium_orderings=True, max_structures=15)
    entries = draw.apply_transformation(argyrodite(), return_ranked_list=True)
    assert isinstance(entries, list)
    energy = energy_function("ionpath")
    energies = [energy(e["structure"]) for e in entries]
    fitted = AnionClusterExpansion.fit([e["structure"] for e in entries], energies)
    spread = 1000 * np.std(np.array(energies) / 4)  # meV per formula unit
    assert fitted.validation_error < 0.5 * spread


def test_no_ordering_of_the_primitive_cell_is_amm2() -> None:
    from ase.calculators.calculator import get_calculator_class

    found = lithium_orderings(get_calculator_class("ionpath")(), fmax=0.02, steps=150, a=10.0)
    assert len(found) == 4
    assert all(o.relaxed_space_group != "Amm2" for o in found)
    assert found[0].energy_per_formula < found[-1].energy_per_formula


def test_lpscl_i_is_stable_and_nearly_on_the_hull() -> None:
    """Amm2 again after displacements; near the hull, and below the cubic arrangement of the same composition."""
    from ase.calculators.calculator import get_calculator_class

    calculator = get_calculator_class("ionpath")()
    kept = relax_ordering_of(lpscl("I", supercell=(1, 1, 2)), calculator)
    assert kept.relaxed_space_group == "Amm2"
    assert kept.energy == pytest.approx(-52.5907, abs=2e-3)  # eV per formula unit
    # gamma-Li3PS4 + 2 LiCl with the same potential: -37.1340 - 2 x 7.8320 eV
    assert 1000 * (kept.energy + 37.1340 + 2 * 7.8320) / 12 == pytest.approx(17.3, abs=0.5)  # meV/atom
    cubic = relax_ordering_of(argyrodite(x_excess=1.0, seed=1, lithium="48h"), calculator)
    assert cubic.energy > kept.energy + 0.05


def test_lpscl_i_above_the_hull_by_the_potential_that_was_trained_on_it() -> None:
    """The teacher puts the phase 6.2 meV/atom above gamma-Li3PS4 + 2 LiCl, `argyrodite` 17.3."""
    from ase.calculators.calculator import get_calculator_class

    calculator = get_calculator_class("ionpath")("argyrodite-lpscl-i")
    kept = relax_ordering_of(lpscl("I", supercell=(1, 1, 2)), calculator)
    assert kept.relaxed_space_group == "Amm2"
    assert kept.energy == pytest.approx(-52.7174, abs=2e-3)  # eV per formula unit
    # gamma-Li3PS4 + 2 LiCl with the same potential: -37.1375 - 2 x 7.8328 eV
    assert 1000 * (kept.energy + 37.1375 + 2 * 7.8328) / 12 == pytest.approx(7.1, abs=0.3)  # meV/atom


def test_hull_with_potentials_that_know_lpscl_i_and_that_do_not() -> None:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.03), ["Li", "Cl"], [[0, 0, 0], [0.5] * 3])
    mixture = [lithium_thiophosphate("gamma"), salt]
    with pytest.warns(UserWarning, match=r"structures: need a potential .* got argyrodite.2 for structure 0"):
        energy_above_hull([lpscl("I")], mixture, {"name": "ionpath", "model": "argyrodite.2"})
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*LPSCl-I")
        energy_above_hull([lpscl("I")], mixture, {"name": "ionpath", "model": "argyrodite-lpscl-i"})


@dataclass(frozen=True)
class Relaxed:
    energy: float
    relaxed_space_group: str


def relax_ordering_of(structure: Structure, calculator: Any) -> Relaxed:
    from ase.filters import FrechetCellFilter
    from ase.optimize import LBFGS
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    atoms.rattle(0.05, seed=1)
    atoms.calc = calculator
    LBFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=0.01, steps=600)
    after = SpacegroupAnalyzer(AseAtomsAdaptor.get_structure(atoms), symprec=0.1).get_space_group_symbol()
    formula_units = len(structure.indices_from_symbol("P"))
    return Relaxed(float(atoms.get_potential_energy()) / formula_units, after)
