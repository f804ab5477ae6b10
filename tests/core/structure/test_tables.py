"""Tables of constants beside sources that are independent of those in use."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants as codata

from ionpath import constants
from ionpath.elements import ANIONS, CHARGES, FORMERS, HALOGENS, MOBILE
from ionpath.errors import InputError
from ionpath.structure import neutron_lengths, xray_form_factors
from ionpath.structure.form_factors import _XRAY

ELECTRONS = {
    "Li": 3, "O": 8, "F": 9, "Na": 11, "Al": 13, "Si": 14, "P": 15, "S": 16, "Cl": 17, "Ge": 32, "As": 33,
    "Se": 34, "Br": 35, "Sn": 50, "Sb": 51, "I": 53, "Li+": 2, "Cl-": 18, "Br-": 36, "Y": 39, "Zr": 40, "La": 57,
}  # fmt: skip
MODULI = np.array([0.5, 2.0, 8.0])  # 1/A

# Form factors in electrons at 0.5, 2 and 8 1/A: xraydb 4.5.8, which reads its own copy of the table.
XRAYDB = {
    "Li": (2.80420, 1.86631, 0.75500), "O": (7.87077, 6.31826, 1.84762), "F": (8.88218, 7.40892, 2.16093),
    "Na": (10.71618, 8.89719, 3.14143), "Al": (12.63397, 9.87429, 4.38879), "Si": (13.63294, 10.54461, 4.99146),
    "P": (14.64999, 11.36806, 5.52420), "S": (15.66841, 12.29514, 5.97275), "Cl": (16.68624, 13.29067, 6.34142),
    "Ge": (31.53196, 27.12298, 12.99999), "As": (32.53109, 27.90331, 13.74562),
    "Se": (33.53578, 28.74977, 14.47193), "Br": (34.54486, 29.65016, 15.16394),
    "Sn": (49.31100, 42.74878, 22.17296), "Sb": (50.30007, 43.47371, 22.68658),
    "I": (52.29885, 45.06939, 23.80212), "Li+": (1.98959, 1.84437, 0.74813), "Cl-": (17.56833, 13.39701, 6.35081),
    "Br-": (35.40468, 29.68958, 15.18022),
}  # fmt: skip

# Coherent lengths of natural elements and of 7Li in fm: V. F. Sears, Neutron News 3, 26 (1992).
SEARS = {
    "Li": -1.90, "7Li": -2.22, "B": 5.30, "C": 6.646, "N": 9.36, "O": 5.803, "F": 5.654, "Na": 3.63,
    "Mg": 5.375, "Al": 3.449, "Si": 4.149, "P": 5.13, "S": 2.847, "Cl": 9.577, "K": 3.67, "Ga": 7.288,
    "Ge": 8.185, "As": 6.58, "Se": 7.970, "Br": 6.795, "Sn": 6.225, "Sb": 5.57, "I": 5.28,
}  # fmt: skip


@pytest.mark.parametrize("name", ELECTRONS)
def test_forward_scattering_is_the_number_of_electrons(name: str) -> None:
    assert xray_form_factors([name], [0.0])[name][0] == pytest.approx(ELECTRONS[name], rel=1e-3, abs=0.02)
    falling = xray_form_factors([name], np.linspace(0, 20, 50))[name]
    assert (np.diff(falling) < 1e-3).all()


@pytest.mark.parametrize("name", XRAYDB)
def test_xray_form_factors_are_those_of_xraydb(name: str) -> None:
    np.testing.assert_allclose(xray_form_factors([name], MODULI)[name], XRAYDB[name], atol=6e-6)  # electrons


def test_whole_xray_table_is_that_of_xraydb() -> None:
    xraydb = pytest.importorskip("xraydb", reason="xraydb is not installed")
    names = [n for n in xraydb.f0_ions() if n.isalnum() and n not in ("Cval", "Siva", "Siv")]
    assert len(names) > 90
    for name in names:
        ours = xray_form_factors([name], MODULI)[name]
        np.testing.assert_allclose(ours, xraydb.f0(name, MODULI / 4 / np.pi), atol=2e-3, err_msg=name)


@pytest.mark.parametrize("name", SEARS)
def test_neutron_lengths_are_those_of_sears(name: str) -> None:
    element = name.lstrip("7")
    length = neutron_lengths([element], isotopes={"Li": name} if element == "Li" else None)[element]
    assert length == pytest.approx(SEARS[name], rel=1e-3)  # fm


def test_isotopes_and_heavy_elements_are_known() -> None:
    """6Li: +2.00(11) fm by Sears, +2.27(2) measured since; La 8.24, Y 7.75, Zr 7.16 fm by Sears."""
    found = neutron_lengths(["Li", "La", "Y", "Zr"], isotopes={"Li": "6Li"})
    assert found == pytest.approx({"Li": 2.1, "La": 8.24, "Y": 7.75, "Zr": 7.16}, abs=0.2)
    for name in ("8Li", "Xx", "Po"):
        with pytest.raises(InputError, match=rf"known neutron scattering length, got {name}; give isotopes="):
            neutron_lengths(["Li"], isotopes={"Li": name})
    with pytest.raises(InputError, match=r"species: need elements .* form factor, got S--; choose among S$"):
        xray_form_factors(["S"], [1.0], ions={"S": "S--"})


def test_formal_charges_are_common_oxidation_states() -> None:
    core = pytest.importorskip("pymatgen.core", reason="pymatgen is not installed")
    for symbol, charge in CHARGES.items():
        known = core.Element(symbol).common_oxidation_states or core.Element(symbol).oxidation_states
        assert charge in (*known, *core.Element(symbol).icsd_oxidation_states), symbol
    assert all(CHARGES[e] == -1 for e in HALOGENS)
    assert all(CHARGES[e] < 0 for e in ANIONS)
    assert all(CHARGES[e] > 2 for e in FORMERS)
    assert all(CHARGES[e] == 1 for e in MOBILE)


def test_bonds_to_sulfur_are_sums_of_covalent_radii() -> None:
    """Within 5 %: B. Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/B801115J, as ASE has them."""
    data = pytest.importorskip("ase.data", reason="ASE is not installed")
    pytest.importorskip("pymatgen.core", reason="pymatgen is not installed")
    from pymatgen.analysis.argyrodite.transformations.aliovalent import BOND_LENGTHS

    radius = {e: data.covalent_radii[data.atomic_numbers[e]] for e in (*BOND_LENGTHS, "S")}  # A
    for element, length in BOND_LENGTHS.items():
        assert length == pytest.approx(radius[element] + radius["S"], rel=0.05), element


def test_constants_are_those_of_codata() -> None:
    assert codata.k == constants.BOLTZMANN
    assert codata.e == constants.ELEMENTARY_CHARGE
    assert constants.AVOGADRO == codata.N_A
    assert pytest.approx(codata.R, rel=1e-12) == constants.GAS_CONSTANT
    assert codata.value("Boltzmann constant in eV/K") == pytest.approx(constants.BOLTZMANN_EV, rel=1e-9)


def test_the_whole_table_of_form_factors_can_be_compared() -> None:
    """Five amplitudes, five widths and a constant of each element and ion: at zero its electrons."""
    for name, electrons in ELECTRONS.items():
        numbers = _XRAY[name]
        assert len(numbers) == 11
        assert sum(numbers[:5]) + numbers[10] == pytest.approx(electrons, rel=1e-3, abs=0.02)
