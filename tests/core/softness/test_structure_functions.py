"""Structure functions against their definitions, one atom and one pair at a time."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.periodic import minimum_image, wrap
from ionpath.softness import (
    ANGULAR,
    StructureFunctions,
    angular_structure_functions,
    find_neighbours,
    preset,
    radial_structure_functions,
)

CELLS = {"cubic": np.eye(3) * 13.0, "sheared": np.array([[14.0, 0, 0], [6.0, 13.0, 0], [-5.0, 4.0, 14.0]])}


def slow_radial(
    positions: np.ndarray, cell: np.ndarray, centre: int, atoms: np.ndarray, mu: np.ndarray, width: float, cutoff: float
) -> np.ndarray:
    """Sum Gaussians over the neighbours of one atom."""
    x = np.asarray(positions, dtype=np.float64)
    at = np.asarray(mu, dtype=np.float64)
    total = np.zeros(len(at))
    for j in np.asarray(atoms):
        r = float(np.linalg.norm(minimum_image(x[j] - x[centre], cell)))
        if j != centre and r < cutoff:
            total += np.exp(-((r - at) ** 2) / width**2)
    return total


def slow_angular(
    positions: np.ndarray,
    cell: np.ndarray,
    centre: int,
    atoms: tuple[np.ndarray, np.ndarray],
    parameter: tuple[float, float, float],
    cutoff: float,
) -> float:
    """Sum over the pairs of neighbours of one atom."""
    x = np.asarray(positions, dtype=np.float64)
    xi, zeta, sign = parameter
    near = [
        {int(j): minimum_image(x[j] - x[centre], cell) for j in np.asarray(group) if j != centre} for group in atoms
    ]
    near = [{j: v for j, v in group.items() if np.linalg.norm(v) < cutoff} for group in near]
    same = np.array_equal(np.asarray(atoms[0]), np.asarray(atoms[1]))
    total = 0.0
    for j, a in near[0].items():
        for k, b in near[1].items():
            if k == j or (same and k < j):
                continue
            cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
            squares = a @ a + b @ b + (a - b) @ (a - b)
            total += float(np.exp(-squares / xi**2) * (1 + sign * cosine) ** zeta)
    return total


def system(name, n=120, seed=3):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 2, size=(n, 3)) @ CELLS[name], CELLS[name], rng.choice(["Cl", "Li", "P", "S"], n)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    ("mu", "width", "cutoff"),
    [
        (np.arange(0.1, 5.0, 0.2), 0.2, 5.0),  # narrow: the quick way
        (np.arange(0.3, 5.05, 0.1), 1.0, 5.5),  # wide: all of them
        (np.arange(3.0, 39.5, 1.0), 1.0, 5.0),  # mostly beyond the cutoff
        (np.array([2.5]), 0.5, 5.0),
        (np.arange(1.0, 5.0, 1.0), 0.05, 5.0),  # narrower than their distance
    ],
)
def test_radial_functions_equal_their_definition(name, mu, width, cutoff):
    atoms, cell, symbols = system(name)
    ions = np.flatnonzero(symbols == "Li")
    found = radial_structure_functions(atoms, cell, symbols, ions, mu=mu, width=width, cutoff=cutoff)
    assert found.shape == (len(ions), 4, len(mu))
    for k in range(0, len(ions), 6):
        for s, kind in enumerate(("Cl", "Li", "P", "S")):
            slow = slow_radial(atoms, cell, ions[k], np.flatnonzero(symbols == kind), mu, width, cutoff)
            np.testing.assert_allclose(found[k, s], slow, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", CELLS)
def test_angular_functions_equal_their_definition(name):
    atoms, cell, symbols = system(name)
    ions = np.flatnonzero(symbols == "Li")[:8]
    found = angular_structure_functions(
        atoms, cell, symbols, ions, species=["Li", "P", "S"], parameters=ANGULAR[2:5], cutoff=4.5
    )
    pairs = [("Li", "Li"), ("Li", "P"), ("Li", "S"), ("P", "P"), ("P", "S"), ("S", "S")]
    for k, ion in enumerate(ions):
        for p, (a, b) in enumerate(pairs):
            groups = (np.flatnonzero(symbols == a), np.flatnonzero(symbols == b))
            for q, parameter in enumerate(ANGULAR[2:5]):
                slow = slow_angular(atoms, cell, int(ion), groups, parameter, 4.5)
                assert found[k, p, q] == pytest.approx(slow, rel=1e-9, abs=1e-14)


def test_shells_count_every_neighbour_once():
    atoms, cell, symbols = system("sheared")
    mu = np.arange(0.25, 5.0, 0.5)
    found = radial_structure_functions(atoms, cell, symbols, mu=mu, width=0.5, cutoff=5.0, kind="shell")
    near = find_neighbours(atoms, cell, 5.0)
    assert found.sum() == len(near.row)
    overlapping = radial_structure_functions(
        atoms, cell, symbols, mu=mu, width=1.0, cutoff=5.0, kind="shell", pooled=True
    )
    r = near.distances[near.row == 7]
    expected = [((r >= m - 0.5) & (r < m + 0.5)).sum() for m in mu]
    assert overlapping[7, 0].tolist() == expected


def test_origin_wrapping_and_rotation_do_not_matter():
    atoms, cell, symbols = system("sheared")
    functions = StructureFunctions.spaced(("Li", "S"), spacing=0.25, cutoff=5.0, angular_cutoff=4.0).with_angular()
    expected = functions.compute(atoms, cell, symbols, [0, 5, 60])
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    for x, c in ((wrap(atoms, cell), cell), (atoms + [3.0, -40.0, 7.0], cell), (atoms @ turn, cell @ turn)):
        np.testing.assert_allclose(functions.compute(x, c, symbols, [0, 5, 60]), expected, rtol=1e-9, atol=1e-12)
    order = np.random.default_rng(0).permutation(len(atoms))
    mixed = functions.compute(atoms[order], cell, symbols[order], np.argsort(order)[[0, 5, 60]])
    np.testing.assert_allclose(mixed, expected, rtol=1e-9, atol=1e-12)


def test_pooled_is_the_sum_over_species():
    atoms, cell, symbols = system("cubic")
    each, all_of_them = (radial_structure_functions(atoms, cell, symbols, pooled=p) for p in (False, True))
    np.testing.assert_allclose(each.sum(axis=1, keepdims=True), all_of_them, rtol=1e-10)
    assert each.shape[-1] == 48  # 0.3 to 5.0 A by 0.1, arXiv:2412.07115


def test_labels_name_the_columns():
    functions = StructureFunctions.spaced(("Li", "S"), spacing=0.5, cutoff=4.0).with_angular(((3.0, 1.0, -1.0),))
    atoms, cell, symbols = system("cubic")
    values = functions.compute(atoms, cell, symbols, [0])
    assert values.shape[1] == functions.n_functions == len(functions.labels) == 16 + 3
    assert functions.labels[8] == "S 0.25"
    assert functions.labels[-2:] == ("Li-S xi=3 zeta=1 lambda=-1", "S-S xi=3 zeta=1 lambda=-1")
    radial = radial_structure_functions(
        atoms, cell, symbols, [0], species=["Li", "S"], mu=np.arange(0.25, 4.0, 0.5), width=0.5, cutoff=4.0
    )
    np.testing.assert_allclose(values[0, :16], radial.ravel())


def test_neighbours_are_those_of_all_distances():
    rng = np.random.default_rng(0)
    cell = np.array([[40.0, 0, 0], [15.0, 38.0, 0], [-9.0, 4.0, 41.0]])
    atoms = rng.uniform(-1, 2, (1500, 3)) @ cell
    centres = np.array([1400, 3, 77])
    found = find_neighbours(atoms, cell, 5.0, centres)
    for row, centre in enumerate(centres):
        vectors = minimum_image(atoms - atoms[centre], cell)
        near = np.flatnonzero(np.linalg.norm(vectors, axis=1) < 5.0)
        near = near[near != centre]
        assert found.atom[found.row == row].tolist() == near.tolist()
        np.testing.assert_allclose(found.vectors[found.row == row], vectors[near], atol=1e-10)


@pytest.mark.parametrize(
    ("name", "mode", "species", "expected"),
    [
        # arXiv:2412.07115 with 48 radii; its code has 37, of all species together
        ("guan2024", "correct", "Li P S Cl", (4 * 48, "rbf-svm", 200.0, "root", "ion-and-time")),
        ("guan2024", "published", "Li P S Cl", (37, "rbf-svm", 200.0, "root", "random")),
        # 50 radii to 10 A for Li, P, S: 150 functions
        ("chen2025", "published", "Li P S Cl", (150, "logistic", 0.01, "root", "ion-and-time")),
        ("chen2025", "correct", "Li P S Cl", (200, "logistic", 0.01, "root", "ion-and-time")),
        ("chen2023", "published", "Li P S", (50, "logistic", 0.01, "square", "ion-and-time")),
        ("chen2023", "correct", "Li P S", (150, "logistic", 0.01, "root", "ion-and-time")),
    ],
)
def test_presets(name, mode, species, expected):
    found = preset(name, species.split(), mode=mode)
    assert (found.functions.n_functions, found.kind, found.penalty, found.power, found.split) == expected


def test_published_radii_of_guan_are_mostly_empty():
    functions = preset("guan2024", ["Cl", "Li", "P", "S"], mode="published").functions
    atoms, cell, symbols = system("cubic")
    values = functions.compute(atoms, cell, symbols, np.flatnonzero(symbols == "Li"))
    # Radii in nm up to 3.9 with neighbours within 0.6 nm: beyond 9 A nothing is left of the Gaussians.
    assert (values.max(axis=0) < 1e-3).sum() >= 28


def test_real_structure(shared_data):
    pytest.importorskip("ase", reason="reads the structure")
    import gzip

    from ase.io.vasp import read_vasp_xdatcar

    with gzip.open(shared_data / "aimd" / "Li6PS5Cl-50p-run1.XDATCAR.gz", "rt") as file:
        frame = read_vasp_xdatcar(file, index=0)
    symbols, cell, atoms = np.array(frame.get_chemical_symbols()), frame.cell.array, frame.positions
    ions = np.flatnonzero(symbols == "Li")
    functions = preset("chen2025", symbols.tolist()).functions
    values = functions.compute(atoms, cell, symbols, ions).reshape(192, 4, 50)
    mu = np.array(functions.positions)
    for s, kind in enumerate(functions.species):
        slow = slow_radial(atoms, cell, ions[17], np.flatnonzero(symbols == kind), mu, 0.2, 10.0)
        np.testing.assert_allclose(values[17, s], slow, rtol=1e-9, atol=1e-12)
    # Lithium has anions, not phosphorus, nearest to it: Li-S near 2.45 A.
    sulfur = values[:, functions.species.index("S")].mean(axis=0)
    assert 2.2 < mu[5:20][np.argmax(sulfur[5:20])] < 2.8


def test_cutoff_beyond_half_of_the_cell():
    atoms, cell, symbols = system("cubic")
    with pytest.raises(InputError, match="at most half of the smallest height of the cell, 6.5 A, got 10 A; use a"):
        radial_structure_functions(atoms, cell, symbols, cutoff=10.0)


def test_absent_species():
    atoms, cell, symbols = system("cubic")
    with pytest.raises(InputError, match="species: need atoms of Br, got only Cl, Li, P, S"):
        radial_structure_functions(atoms, cell, symbols, species=["Li", "Br"])
    with pytest.raises(InputError, match="species: need atoms of Br"):
        angular_structure_functions(atoms, cell, symbols, species=["Br"])
    with pytest.raises(InputError, match="species: need atoms of Br"):
        StructureFunctions.spaced(("Br",), cutoff=5.0).compute(atoms, cell, symbols, [0])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mu": [1.0, 2.0, 4.0]}, "mu: need evenly spaced, increasing distances"),
        ({"width": 0.0}, "width: need a positive number in A"),
        ({"kind": "box"}, "kind: need 'gaussian' or 'shell', got 'box'"),
        ({"centres": [500]}, "centres: need indices of atoms from 0 to 119"),
        ({"cutoff": -1.0}, "cutoff: need a positive radius"),
    ],
)
def test_arguments_that_make_no_sense(options, sentence):
    with pytest.raises(InputError, match=sentence):
        radial_structure_functions(*system("cubic"), **options)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (((), (1.0,), 1.0, 5.0), "species: need different kinds"),
        ((("Li",), (1.0, 2.0, 4.0), 1.0, 5.0), "positions: need evenly spaced"),
        ((("Li",), (1.0,), -1.0, 5.0), "width: need a positive number in A"),
        ((("Li",), (1.0,), 1.0, 5.0, "cube"), "kind: need 'gaussian' or 'shell'"),
    ],
)
def test_functions_that_make_no_sense(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        StructureFunctions(*arguments)
    with pytest.raises(
        InputError, match="preset: need one of 'chen2025', 'chen2023', 'guan2024', got 'chen'; did you mean 'chen2025'"
    ):
        preset("chen", ["Li"])
    with pytest.raises(InputError, match="mobile: need one of P, S, got 'Li'"):
        preset("chen2025", ["P", "S"])
    with pytest.raises(InputError, match="xi > 0"):
        angular_structure_functions(*system("cubic"), parameters=[(0.0, 1.0, 1.0)])
