"""Entropy of structures, and tetrahedral lithium sites."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Poscar

from ionpath.constants import GAS_CONSTANT
from ionpath.disorder import argyrodite_mixing_entropy
from ionpath.errors import InputError
from pymatgen.analysis.argyrodite import (
    AliovalentSubstitutionTransformation,
    SiteInversionTransformation,
    analyse,
    argyrodite,
    configurational_entropy,
    lithium_sites,
)

# Means of the distances to the four anions (A) at a = 10.155 A: B. J. Morgan, Chem. Mater. 33, 2004 (2021).
DISTANCES = {
    "T0": (2.08, 2.08, 2.08, 2.08),
    "T1": (2.23, 2.23, 2.23, 2.64),
    "T2": (2.60, 2.60, 2.64, 2.38),
    "T3": (2.32, 2.32, 2.32, 2.32),
    "T4": (2.40, 2.40, 2.40, 2.64),
    "T5": (2.44, 2.44, 2.63, 2.72),
}
NUMBERS = {"T0": 4, "T1": 16, "T2": 48, "T3": 4, "T4": 16, "T5": 48}


@pytest.mark.parametrize("x", np.arange(0, 1.01, 0.25))
def test_entropy_of_occupancies_and_of_an_arrangement(x: float) -> None:
    for y in np.arange(x, 1.01, 0.25):
        expected = argyrodite_mixing_entropy(x, y)
        disordered = configurational_entropy(argyrodite(x_excess=x, inversion=y, ordered=False))
        arranged = configurational_entropy(argyrodite(x_excess=x, inversion=y))
        assert disordered.anions == pytest.approx(expected, abs=1e-9)  # R per formula unit
        assert arranged.anions == pytest.approx(expected, abs=1e-9)
        assert disordered.joule == pytest.approx(expected * GAS_CONSTANT, abs=1e-8)  # J/mol/K
        assert (arranged.x_excess, arranged.inversion) == (x, y)


def test_refined_occupancies_of_a_cif(tmp_path: Path) -> None:
    """A CIF with shared 4a and 4d sites and split 48h lithium, as refinements give them."""
    written = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(9.859), ["P", {"Cl": 0.385, "S": 0.615}, {"S": 0.385, "Cl": 0.615}, "S", {"Li": 0.5}],
        [[0.5, 0.5, 0.5], [0, 0, 0], [0.75, 0.75, 0.75], [0.1182, 0.1182, 0.3818], [0.183, 0.183, 0.024]],
    )  # fmt: skip
    path = tmp_path / "refined.cif"
    written.to(filename=str(path))
    found = configurational_entropy(Structure.from_file(path), lithium=True)
    assert found.inversion == pytest.approx(0.615, abs=1e-4)
    assert found.x_excess == pytest.approx(0.0, abs=1e-4)
    assert found.anions == pytest.approx(float(argyrodite_mixing_entropy(0.0, 0.615)), abs=1e-3)  # R
    assert found.by_site["Li"] == pytest.approx(12 * np.log(2), abs=1e-6)  # R: 12 half-filled positions
    assert analyse(Structure.from_file(path)).mobile_content == pytest.approx(6.0)
    assert "anions on the two orbits" in found.report()


def test_cations_that_share_a_site_mix() -> None:
    """By hand: six sites per formula unit, -sum p ln p each, vacancies included."""
    for shares in ((0.5, 0.5), (0.6, 0.3)):
        structure = argyrodite()
        for k in range(24):
            structure[k] = dict(zip(("Li", "Na"), shares, strict=True))
        every = np.array([*shares, 1.0 - sum(shares)])
        every = every[every > 1e-9]
        found = configurational_entropy(structure, lithium=True)
        assert found.by_site["Li"] == pytest.approx(-6.0 * (every * np.log(every)).sum(), abs=1e-9)


def test_entropy_of_mixed_centres_and_of_three_anions() -> None:
    mixed = AliovalentSubstitutionTransformation("Si", 0.5).apply_transformation(argyrodite())
    assert configurational_entropy(mixed).by_site["4b"] == pytest.approx(np.log(2))  # R
    three = argyrodite(inversion=0.5, supercell=(1, 1, 2))
    k = three.indices_from_symbol("Cl")
    for site in k[::2]:
        three[site] = "Br"
    assert configurational_entropy(three).anions > 2 * np.log(2)


def test_entropy_of_bound_anions() -> None:
    """Se for a quarter of the bound sulfur: four sites of 16e per formula unit, -4 (p ln p + q ln q)."""
    selenide = argyrodite()
    for k in analyse(selenide).bonded[::4].tolist():
        selenide.replace(k, "Se")
    found = configurational_entropy(selenide)
    expected = -4 * (0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert found.by_site["16e"] == pytest.approx(expected)  # R
    assert found.anions == pytest.approx(expected)
    assert "16e" in found.report()


def test_entropy_does_not_depend_on_the_arrangement() -> None:
    parent = argyrodite(supercell=2)
    values = {
        round(
            configurational_entropy(SiteInversionTransformation(0.25, seed=s).apply_transformation(parent)).anions, 12
        )
        for s in range(3)
    }
    assert values == {round(float(argyrodite_mixing_entropy(0, 0.25)), 12)}


def test_entropy_map_figure() -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("Agg")
    from pymatgen.analysis.argyrodite import plot_entropy_map

    ax = plot_entropy_map()
    mesh = ax.collections[0].get_array()
    assert np.nanmax(np.ma.filled(mesh, np.nan)) == pytest.approx(2 * np.log(2), abs=1e-6)  # R
    matplotlib.pyplot.close(ax.figure)


@pytest.mark.parametrize("setting", ["4c", "4d"])
def test_sites_and_distances(setting: str) -> None:
    found = lithium_sites(argyrodite(a=10.155, free_sulfur=setting, lithium="48h"))  # A
    assert found.numbers == NUMBERS
    for kind, expected in DISTANCES.items():
        np.testing.assert_allclose(found.distances[found.of(kind)], np.tile(expected, (NUMBERS[kind], 1)), atol=0.006)
    assert found.populations == {**dict.fromkeys(NUMBERS, 0), "T5": 24}


def test_distances_between_sites() -> None:
    """T5-T5 face pair 1.92, T5-T2 1.40, T5-T4 1.60, T2-T2 in a cage 2.08 and between cages 2.44 A (a = 10.155 A)."""
    structure = argyrodite(a=10.155)
    found = lithium_sites(structure)
    lattice = structure.lattice

    def apart(k: int, n: int) -> float:
        return float(lattice.get_distance_and_image(found.frac_coords[k], found.frac_coords[n])[0])

    expected = {("T5", "T5"): 1.92, ("T2", "T5"): 1.40, ("T4", "T5"): 1.60}
    for k in found.of("T5"):
        for n in found.face_neighbours[k]:
            pair = tuple(sorted((str(found.kinds[k]), str(found.kinds[n]))))
            assert apart(int(k), int(n)) == pytest.approx(expected[pair], abs=0.01)  # A
    two = found.of("T2")
    distances = lattice.get_all_distances(found.frac_coords[two], found.frac_coords[two])
    np.fill_diagonal(distances, 99.0)
    same = np.array([[found.cages[a] == found.cages[b] for b in two] for a in two])
    assert distances[same].min() == pytest.approx(2.08, abs=0.01)  # A
    assert distances[~same].min() == pytest.approx(2.44, abs=0.01)  # A
    four = found.of("T4")
    between = lattice.get_all_distances(found.frac_coords[four], found.frac_coords[four])
    assert between[between > 0.1].min() == pytest.approx(2.87, abs=0.01)  # A


def test_cages() -> None:
    found = lithium_sites(argyrodite())
    for kind in ("T2", "T5"):
        cages = [c for k in found.of(kind) for c in found.cages[k]]
        assert np.bincount(cages).tolist() == [12, 12, 12, 12]
    assert all(len(found.cages[k]) == 3 for k in found.of("T4"))
    assert all(found.cages[k] == () for k in found.of("T0", "T3"))


@pytest.mark.parametrize(
    "change", ["origin", "supercell", "primitive", "inverted", "displaced", "disordered", "substituted"]
)
def test_sites_of_any_argyrodite(change: str) -> None:
    structure = argyrodite()
    factor = 1.0
    if change == "origin":
        structure.translate_sites(list(range(52)), [0.13, 0.27, 0.41])
    elif change == "supercell":
        structure.make_supercell([[1, 1, 0], [-1, 1, 0], [0, 0, 1]])
        factor = 2.0
    elif change == "primitive":
        structure, factor = structure.get_primitive_structure(), 0.25
    elif change == "inverted":
        structure = argyrodite(inversion=0.5)
    elif change == "displaced":
        structure.perturb(0.1)  # A
    elif change == "disordered":
        structure = argyrodite(x_excess=0.5, inversion=0.75, ordered=False)
    else:
        structure = AliovalentSubstitutionTransformation("Sn", 0.5).apply_transformation(argyrodite(halide="I"))
    assert lithium_sites(structure).numbers == {k: v * factor for k, v in NUMBERS.items()}


def test_too_distorted_is_an_error() -> None:
    """A tetrahedron that is turned by 45 degrees leaves other holes between the anions."""
    structure = argyrodite()
    centre = structure[int(analyse(structure).centres[0])]
    turn = np.array([[1, -1, 0], [1, 1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(2)
    for near in structure.get_neighbors(centre, 2.5):
        structure[near.index].coords = centre.coords + turn @ (near.coords - centre.coords)
    with pytest.raises(
        InputError, match=r"structure: need \d+ tetrahedra of kind T\d, got \d+; the anions are too far"
    ):
        lithium_sites(structure)


def test_unknown_kind() -> None:
    with pytest.raises(InputError, match=r"kinds: need some of T0, T1, T2, T3, T4, T5, got T9"):
        lithium_sites(argyrodite()).of("T9")


@pytest.mark.parametrize(("run", "inversion"), [("0p", 0.0), ("50p", 0.5)])
def test_frames_of_ab_initio_dynamics(shared_data: Path, run: str, inversion: float) -> None:
    """A frame at 500 K (B. J. Morgan, Chem. Mater. 33, 2004 (2021)) is recognised with its inversion and orbits."""
    with gzip.open(shared_data / "aimd" / f"Li6PS5Cl-{run}-run1.XDATCAR.gz", "rt") as stream:
        head = [next(stream) for _ in range(7)]
        frame = [next(stream) for _ in range(1 + sum(int(n) for n in head[-1].split()))]
    frame[0] = "Direct\n"
    found = analyse(Poscar.from_str("".join(head + frame)).structure)
    assert (found.formula, found.inversion, found.n_formula_units) == ("Li6PS5Cl", inversion, 32)
    assert found.sulfur_orbit == "4d"
    assert found.edge == pytest.approx(10.155, abs=0.01)  # A


CIF = """data_refined
_cell_length_a 9.8598
_cell_length_b 9.8598
_cell_length_c 9.8598
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F -4 3 m'
_symmetry_Int_Tables_number 216
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
P1 P 0 0 0.5 1.0
S1 S 0.1196 -0.1196 0.6196 1.0
Cl1 Cl 0 0 0 0.70
S3 S 0 0 0 0.30
S2 S 0.25 0.25 0.75 0.45
Cl2 Cl 0.25 0.25 0.75 0.55
Li1 Li 0.3110 0.0250 0.6890 0.35
Li2 Li 0.2500 0.0200 0.7500 0.34
"""


@pytest.mark.filterwarnings("ignore:No _symmetry_equiv_pos:UserWarning")  # the CIF names its space group instead
@pytest.mark.filterwarnings("ignore:Issues encountered while parsing CIF:UserWarning")
def test_cif_with_one_row_per_species(tmp_path: Path) -> None:
    """Rows of one position are one site; 0.70 + 0.55 halide is an excess of 0.25, 12 x 0.35 + 6 x 0.34 lithium."""
    path = tmp_path / "refined.cif"
    path.write_text(CIF, encoding="utf-8")
    structure = Structure.from_file(path)
    found = analyse(structure)
    assert found.x_excess == pytest.approx(0.25)
    assert found.inversion == pytest.approx(0.55)
    assert found.mobile_content == pytest.approx(12 * 0.35 + 6 * 0.34)
    assert found.formula == "Li6.24PS4.75Cl1.25"
    assert "partial occupancies" in found.report()
    expected = float(argyrodite_mixing_entropy(0.25, 0.55))
    assert configurational_entropy(structure).anions == pytest.approx(expected, abs=1e-9)  # R
    assert lithium_sites(structure).numbers == NUMBERS
