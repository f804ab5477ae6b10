"""Distortion of tetrahedra against the definition of PLUMED, the published variant, and rotations."""

from __future__ import annotations

import gzip
import itertools

import numpy as np
import pytest

from ionpath.cvs import Rational, TetrahedronDistortion
from ionpath.disorder import tetrahedral_distortion
from ionpath.errors import InputError

IDEAL = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
TURN = np.array([[1, -1, 0], [1, 1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(2)


def random_bonds(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    turns = np.linalg.qr(rng.normal(size=(n, 3, 3)))[0]
    turns *= np.sign(np.linalg.det(turns))[:, None, None]
    return (2.05 * IDEAL + rng.normal(scale=0.15, size=(n, 4, 3))) @ turns.transpose(0, 2, 1)


def four_cubes(bonds: np.ndarray) -> float:
    """PLUMED's TETRAHEDRAL as its manual prints it, all weights 1."""
    x, y, z = bonds.T
    cubes = (x + y + z) ** 3 + (x - y - z) ** 3 + (-x + y - z) ** 3 + (-x - y + z) ** 3
    return float((cubes / np.linalg.norm(bonds, axis=1) ** 3).mean())


def test_sd_is_the_sum_of_four_cubes():
    bonds = random_bonds(50)
    np.testing.assert_allclose(tetrahedral_distortion(bonds), [four_cubes(b) for b in bonds], atol=1e-12)


def test_the_collective_variable_gives_the_same():
    switch = Rational(r0=0.3, d0=1.8)
    for bonds in random_bonds(10, 1):
        found = TetrahedronDistortion(switching=switch).evaluate(np.vstack([np.zeros(3), bonds]))
        assert tetrahedral_distortion(bonds, switching=switch) == pytest.approx(found["sd"], abs=1e-12)
        assert tetrahedral_distortion(bonds, measure="q", switching=switch) == pytest.approx(found["q"], abs=1e-12)


def test_range_and_orientation():
    assert tetrahedral_distortion(2.05 * IDEAL) == pytest.approx(8 / np.sqrt(3))
    assert tetrahedral_distortion(-2.05 * IDEAL) == pytest.approx(-8 / np.sqrt(3))
    assert tetrahedral_distortion(2.05 * IDEAL @ TURN.T) == pytest.approx(0.0, abs=1e-12)
    # The rows of `rotation` are the crystal axes: given them, the turned box does not matter.
    assert tetrahedral_distortion(2.05 * IDEAL @ TURN.T, rotation=TURN.T) == pytest.approx(8 / np.sqrt(3))


def test_published_variant_takes_absolute_values_and_barely_depends_on_its_weights():
    bonds = random_bonds(200, 2)
    published = tetrahedral_distortion(bonds, mode="published")
    plain = (24 * np.abs(bonds).prod(-1) / np.linalg.norm(bonds, axis=-1) ** 3).mean(-1)
    assert (published >= 0).all()
    assert (published <= 8 / np.sqrt(3) + 1e-12).all()
    # The weights of atoms a few 0.1 A apart differ by some ten percent, and cancel in the ratio for the most part.
    assert np.abs(published - plain).mean() < 0.05
    assert np.abs(published - np.abs(tetrahedral_distortion(bonds))).max() > 0.1


def test_invariant_measures_do_not_depend_on_orientation_size_or_order():
    bonds = random_bonds(20, 3)
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    for measure in ("q", "rmsd"):
        expected = tetrahedral_distortion(bonds, measure=measure)
        np.testing.assert_allclose(tetrahedral_distortion(bonds @ turn.T, measure=measure), expected, atol=1e-12)
        for order in itertools.permutations(range(4)):
            found = tetrahedral_distortion(bonds[:, list(order)], measure=measure)
            np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(tetrahedral_distortion(1.3 * bonds, measure="rmsd"),
                               1.3 * tetrahedral_distortion(bonds, measure="rmsd"), atol=1e-12)  # fmt: skip


def test_deviation_from_the_best_tetrahedron_is_the_smallest_over_a_search():
    from scipy.optimize import minimize
    from scipy.spatial.transform import Rotation

    for bonds in random_bonds(3, 5):

        def deviation(p, order, bonds=bonds):
            return np.sqrt(
                ((p[3] * IDEAL[list(order)] @ Rotation.from_rotvec(p[:3]).as_matrix().T - bonds) ** 2).sum() / 4
            )

        rng = np.random.default_rng(6)
        found = min(
            minimize(deviation, [*rng.normal(size=3) * 1.5, 2.0], args=(order,)).fun
            for order in ((0, 1, 2, 3), (1, 0, 2, 3))
            for _ in range(8)
        )
        assert tetrahedral_distortion(bonds, measure="rmsd") == pytest.approx(found, abs=1e-5)


def test_any_leading_shape():
    bonds = random_bonds(12).reshape(3, 2, 2, 4, 3)
    assert tetrahedral_distortion(bonds).shape == (3, 2, 2)
    np.testing.assert_allclose(tetrahedral_distortion(bonds)[1, 0, 1], tetrahedral_distortion(bonds[1, 0, 1]))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"bonds": np.ones((4, 2))}, "bonds: need vectors of shape"),
        ({"bonds": np.zeros((4, 3))}, "bonds: need finite vectors longer than 0"),
        ({"bonds": IDEAL, "measure": "s"}, "measure: need one of 'sd', 'q', 'rmsd', got 's'"),
        ({"bonds": IDEAL, "mode": "paper"}, "mode: need 'correct' or 'published'"),
        ({"bonds": IDEAL, "mode": "published", "measure": "q"}, "mode: need 'correct' with this measure"),
        ({"bonds": np.ones((3, 3)) + np.eye(3), "measure": "rmsd"}, "bonds: need four anions for 'rmsd', got 3"),
    ],
)
def test_sentences(arguments, match):
    with pytest.raises(InputError, match=match):
        tetrahedral_distortion(**arguments)


def xdatcar(path):
    """Positions (frames, atoms, 3), cell and elements of a VASP trajectory with a constant cell."""
    with gzip.open(path, "rt") as file:
        lines = file.read().split("\n")
    cell = np.array([line.split() for line in lines[2:5]], dtype=float) * float(lines[1])
    symbols = np.repeat(lines[5].split(), [int(n) for n in lines[6].split()])
    n = len(symbols)
    starts = [k for k, line in enumerate(lines) if "configuration" in line]
    frames = np.array([[line.split()[:3] for line in lines[k + 1 : k + 1 + n]] for k in starts], dtype=float)
    return frames @ cell, cell, symbols


def test_published_distortion_entropy_of_ab_initio_trajectories(shared_data):
    # Ordered Li6PS5Cl, 2 runs of 140 frames x 32 tetrahedra; PHYSICS 4.2 gives the support entropy of the published
    # distortion in the frame turned by 45 degrees as 31.13 J/mol/K for 4480 tetrahedra of one run.
    from ionpath.disorder import support_entropy
    from ionpath.periodic import minimum_image

    place, cell, symbols = xdatcar(shared_data / "aimd" / "Li6PS5Cl-0p-run1.XDATCAR.gz")
    phosphorus, sulphur = np.flatnonzero(symbols == "P"), np.flatnonzero(symbols == "S")
    first = minimum_image(place[0][sulphur][None] - place[0][phosphorus][:, None], cell)
    near = np.argsort((first**2).sum(-1), axis=1)[:, :4]
    bonds = minimum_image(place[:, sulphur[near]] - place[:, phosphorus][:, :, None], cell)
    turned = tetrahedral_distortion(bonds, mode="published", rotation=TURN)
    plain = (24 * np.abs(bonds @ TURN.T).prod(-1) / np.linalg.norm(bonds, axis=-1) ** 3).mean(-1)
    # What the unusual switching function does to real bonds: at most 0.06.
    assert np.abs(turned - plain).max() == pytest.approx(0.06, abs=0.005)
    crystal = tetrahedral_distortion(bonds, mode="published")
    assert turned.size == 4480
    assert turned.max() < crystal.max()
    assert support_entropy(turned.ravel()) == pytest.approx(31.13, abs=0.02)
    assert support_entropy(crystal.ravel()) == pytest.approx(25.2, abs=0.05)
