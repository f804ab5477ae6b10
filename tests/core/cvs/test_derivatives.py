"""Gradients and virials of every collective variable against finite differences, and what must not matter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ionpath.cvs import (
    BondTilt,
    CellVariable,
    FramePosition,
    Groups,
    PathProgress,
    Rational,
    ShellCoordinates,
    ShellMembership,
    TetrahedronDistortion,
    TetrahedronRotation,
    finite_differences,
)
from ionpath.cvs.rotation import IDEAL
from ionpath.errors import InputError

CELLS = {
    "isolated": None,
    "orthorhombic": np.diag([9.0, 10.0, 11.0]),
    "triclinic": np.array([[10.0, 0.0, 0.0], [3.0, 9.0, 0.0], [-2.0, 1.5, 11.0]]),
    "sheared": np.array([[9.0, 0.0, 0.0], [8.0, 9.0, 0.0], [7.0, -8.0, 10.0]]),
}


def rotation(seed: int) -> tuple[tuple[float, ...], ...]:
    matrix = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return tuple(map(tuple, matrix * np.sign(np.linalg.det(matrix))))


FRAMEWORK = tuple(map(tuple, np.random.default_rng(3).random((5, 3)) * 8))
VARIABLES = {
    "shell": ShellCoordinates(),
    "shell of groups": ShellCoordinates(
        ((1, 2, 3), (4,), (5,)), (0, 5, 6, 7), Rational(1.0, 2.0), rotation(1), softness=0.3
    ),
    "tilt": BondTilt(rotation(2)),
    "rotation": TetrahedronRotation(rotation=rotation(3)),
    "rotation angles": TetrahedronRotation(vector=False),
    "distortion": TetrahedronDistortion(switching=Rational(1.5, 2.0), rotation=rotation(4)),
    "mean distortion": TetrahedronDistortion(
        ((0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 5)), Rational(2.5, 1.0, 6, 10)
    ),
    "path": PathProgress(),
    "curved path": PathProgress(((6.0, 1.0, 2.0), (5.0, 2.0, 2.0), (5.0, 3.0, 1.0), (4.0, 3.0, 0.0))),
    "path of Branduardi": PathProgress(form="branduardi"),
    "position": FramePosition(FRAMEWORK, (3.0, 3.0, 3.0)),
    "membership": ShellMembership(((2.0, 0.0, 0.0), (-2.0, 0.0, 0.0), (0.0, 2.0, 0.0)), width=0.8, n_centre=2),
}


def place(name: str, rng: np.random.Generator) -> np.ndarray:
    variable = VARIABLES[name]
    positions = rng.random((variable.n_atoms, 3)) * 6
    if name == "position":
        positions[1:] = np.array(FRAMEWORK) + rng.normal(scale=0.2, size=(5, 3)) + [1.0, 2.0, 3.0]
    if name.startswith("rotation"):
        turn = np.array(rotation(int(rng.integers(1000))))
        positions[1:] = positions[0] + 1.2 * np.array(IDEAL) @ turn.T + rng.normal(scale=0.1, size=(4, 3))
    return positions


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", VARIABLES)
def test_derivatives_are_those_of_finite_differences(name, cell):
    rng = np.random.default_rng(11)
    variable = VARIABLES[name]
    for _ in range(4):
        positions = place(name, rng)
        found = variable.evaluate(positions, CELLS[cell])
        gradients, virials = finite_differences(variable, positions, CELLS[cell])
        # The finite differences themselves carry step^2 times a third derivative; scale by the size of the gradient.
        scale = 1 + np.abs(gradients).max()
        np.testing.assert_allclose(found.gradients / scale, gradients / scale, atol=1e-6)
        np.testing.assert_allclose(found.virials / scale, virials / scale, atol=1e-6)


@pytest.mark.parametrize("name", VARIABLES)
def test_wrapping_translation_and_the_choice_of_cell_vectors_do_not_matter(name):
    rng = np.random.default_rng(5)
    variable, cell = VARIABLES[name], CELLS["triclinic"]
    positions = place(name, rng)
    expected = variable.evaluate(positions, cell)
    images = positions + rng.integers(-2, 3, size=positions.shape) @ cell
    other = np.array([[1, 0, 0], [1, 1, 0], [-1, 0, 1]]) @ cell
    for moved, box in ((images, cell), (positions + [0.3, -7.0, 2.0], cell), (images, other)):
        found = variable.evaluate(moved, box)
        np.testing.assert_allclose(found.values, expected.values, atol=1e-10)
        np.testing.assert_allclose(found.gradients, expected.gradients, atol=1e-9)
        np.testing.assert_allclose(found.virials, expected.virials, atol=1e-9)


@pytest.mark.parametrize("name", VARIABLES)
def test_forces_add_up_to_zero(name):
    positions = place(name, np.random.default_rng(6))
    found = VARIABLES[name].evaluate(positions, CELLS["triclinic"])
    np.testing.assert_allclose(found.gradients.sum(1), 0.0, atol=1e-10)


def test_order_of_atoms_does_not_matter_where_they_are_alike():
    rng = np.random.default_rng(7)
    positions = rng.random((5, 3)) * 3
    expected = VARIABLES["distortion"].evaluate(positions).values
    for order in itertools.permutations(range(1, 5)):
        shuffled = positions[[0, *order]]
        np.testing.assert_allclose(VARIABLES["distortion"].evaluate(shuffled).values, expected, atol=1e-12)


def test_the_invariant_measure_does_not_depend_on_orientation_and_sd_does():
    rng = np.random.default_rng(8)
    bonds = 1.2 * np.array(IDEAL) + rng.normal(scale=0.1, size=(4, 3))
    variable = TetrahedronDistortion()
    first = variable.evaluate(np.vstack([np.zeros(3), bonds]))
    turned = variable.evaluate(np.vstack([np.zeros(3), bonds @ np.array(rotation(9)).T]))
    assert turned["q"] == pytest.approx(first["q"], abs=1e-12)
    assert abs(turned["sd"] - first["sd"]) > 0.1


def test_sd_of_a_perfect_tetrahedron_from_the_definition():
    # PHYSICS: +-8/sqrt(3) along +-(111), 0 after 45 degrees about z; the definition is a sum of four cubes.
    bonds = np.array(IDEAL) * 1.2
    x, y, z = bonds.T
    cubes = (x + y + z) ** 3 + (x - y - z) ** 3 + (-x + y - z) ** 3 + (-x - y + z) ** 3
    by_hand = (cubes / np.linalg.norm(bonds, axis=1) ** 3).mean()
    c = np.sqrt(0.5)
    turn = np.array([[c, -c, 0], [c, c, 0], [0, 0, 1]])
    variable = TetrahedronDistortion()
    assert variable.evaluate(np.vstack([np.zeros(3), bonds]))["sd"] == pytest.approx(by_hand)
    assert by_hand == pytest.approx(8 / np.sqrt(3))
    assert variable.evaluate(np.vstack([np.zeros(3), -bonds]))["sd"] == pytest.approx(-8 / np.sqrt(3))
    assert variable.evaluate(np.vstack([np.zeros(3), bonds @ turn.T]))["sd"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.5, np.pi / 2, 3.0, np.pi - 1e-6, np.pi])
def test_rotation_angles_of_known_rotations(angle):
    # A turn about z by `angle` has no tilt, a twist of `angle` and a rotation vector along z.
    c, s = np.cos(angle), np.sin(angle)
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    found = TetrahedronRotation().evaluate(np.vstack([np.zeros(3), np.array(IDEAL) @ about_z.T]))
    assert found["theta"] == pytest.approx(0.0, abs=1e-7)
    assert abs(found["psi"]) == pytest.approx(angle, abs=1e-7)
    assert found["angle"] == pytest.approx(angle, abs=1e-7)
    assert abs(found["rz"]) == pytest.approx(angle, abs=1e-7)
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    found = TetrahedronRotation().evaluate(np.vstack([np.zeros(3), np.array(IDEAL) @ about_y.T]))
    assert found["theta"] == pytest.approx(angle, abs=1e-7)
    assert np.isfinite(found.gradients).all()


def test_swapping_two_anions_together_with_a_rotation_of_the_tetrahedron_is_the_identity():
    # (12)(34) of the anions is a proper rotation of the ideal shape by 180 degrees.
    swapped = np.array(IDEAL)[[1, 0, 3, 2]]
    found = TetrahedronRotation().evaluate(np.vstack([np.zeros(3), swapped]))
    assert found["angle"] == pytest.approx(np.pi, abs=1e-9)


@pytest.mark.parametrize("tip", [[0.0, 0.0, 2.0], [0.0, 0.0, -2.0], [1e-7, 0.0, 2.0], [0.0, 1e-9, -2.0]])
def test_tilt_at_the_poles_is_finite_and_zero_exactly_there(tip):
    found = BondTilt().evaluate([[0.0, 0.0, 0.0], tip])
    assert np.isfinite(found.gradients).all()
    if tip[0] == tip[1] == 0:
        assert not found.gradients.any()
        assert found["theta"] in (0.0, np.pi)
    else:
        assert np.linalg.norm(found.gradients[0, 1]) == pytest.approx(0.5)  # 1/|b|


def test_tilt_keeps_its_digits_near_the_pole():
    # arccos would give 0 or 2e-8 here.
    assert BondTilt().evaluate([[0.0, 0.0, 0.0], [1e-9, 0.0, 1.0]])["theta"] == pytest.approx(1e-9, rel=1e-9)


@pytest.mark.parametrize(("nn", "mm"), [(6, 12), (6, 10), (4, 0), (1, 2)])
def test_switching_function_and_its_slope(nn, mm):
    switch = Rational(r0=0.4, d0=1.2, nn=nn, mm=mm)
    r = np.concatenate([np.linspace(0.5, 4.0, 57), [1.6, 1.6 + 1e-7, 1.6 - 3e-5, 1.2 + 1e-6]])
    value, slope = switch(r)
    x = np.maximum((r - 1.2) / 0.4, 0)
    m = mm or 2 * nn
    away = np.abs(x - 1) > 1e-3
    np.testing.assert_allclose(value[away], ((1 - x**nn) / (1 - x**m))[away], rtol=1e-12)
    np.testing.assert_allclose(value[-4:-1], nn / m, atol=1e-3)
    step = 1e-6
    numeric = (switch(r + step)[0] - switch(r - step)[0]) / (2 * step)
    smooth = np.abs(r - 1.2) > 2 * step
    np.testing.assert_allclose(slope[smooth], numeric[smooth], atol=2e-6)


def test_distances_at_the_start_of_the_switch_are_continuous():
    # At d0 the value is 1 and, for exponents above 1, the slope is 0 from both sides.
    value, slope = Rational(r0=0.3, d0=2.6)([2.6 - 1e-9, 2.6, 2.6 + 1e-9])
    np.testing.assert_allclose(value, 1.0, atol=1e-12)
    np.testing.assert_allclose(slope, 0.0, atol=1e-12)


def test_smooth_minimum_approaches_the_exact_one_from_below():
    positions = np.random.default_rng(1).random((4, 3)) * 5
    centres = ((1,), (2,), (3,))
    exact = ShellCoordinates(centres).evaluate(positions)["nearest"]
    for softness in (0.5, 0.1, 0.01):
        smooth = ShellCoordinates(centres, softness=softness).evaluate(positions)["nearest"]
        assert exact - softness * np.log(3) <= smooth <= exact


def test_memberships_add_up_to_one_and_become_the_nearest_site():
    rng = np.random.default_rng(2)
    sites = 2.4 * np.vstack([np.eye(3), -np.eye(3)])
    shell = ShellMembership(tuple(map(tuple, sites)), width=0.02)
    for ion in rng.normal(scale=2.0, size=(200, 3)):
        found = shell.evaluate([ion, [0.0, 0.0, 0.0]]).values
        distances = np.linalg.norm(sites - ion, axis=1)
        expected = 1 + distances.argmin() if distances.min() < 1.4 else 0
        assert found.sum() == pytest.approx(1.0)
        border = np.sort(np.append(distances**2, 1.4**2))
        if border[1] - border[0] > 0.02:
            assert found.argmax() == expected
            assert found.max() > 0.99


def test_values_of_one_shell_by_hand():
    cell = np.eye(3) * 10
    found = ShellCoordinates(neighbours=(0,)).evaluate([[0.5, 0.0, 0.0], [9.0, 0.0, 2.0], [3.5, 4.0, 0.0]], cell)
    assert found["d1"] == pytest.approx(2.5)
    assert found["d2"] == pytest.approx(5.0)
    assert found["difference"] == pytest.approx(-2.5)
    assert found["nearest"] == pytest.approx(2.5)
    assert np.degrees(found["theta"]) == pytest.approx(np.degrees(np.arccos(-0.8)))
    assert found["phi"] == pytest.approx(0.0)
    assert found["coordination"] == pytest.approx(1.0)  # 2.5 A is the end of the flat part


def test_position_does_not_follow_the_drift_of_the_framework():
    frame = VARIABLES["position"]
    cell = CELLS["triclinic"]
    rng = np.random.default_rng(4)
    ion = np.array([3.5, 2.0, 4.0])
    still = frame.evaluate(np.vstack([ion, FRAMEWORK]), cell)
    np.testing.assert_allclose(still.values, ion, atol=1e-12)
    for drift in rng.normal(scale=5.0, size=(5, 3)):
        moved = np.vstack([ion, FRAMEWORK]) + drift
        np.testing.assert_allclose(frame.evaluate(moved, cell).values, ion, atol=1e-10)


@pytest.mark.parametrize("cell", ["isolated", "sheared"])
@pytest.mark.parametrize("name", VARIABLES)
def test_groups_in_one_call_are_the_variable_of_each(name, cell):
    """Values in A and rad, gradients and virials of seven groups against one call for each."""
    rng = np.random.default_rng(11)
    one, box = VARIABLES[name], CELLS[cell]
    places = [place(name, rng) for _ in range(7)]
    many = Groups(one, 7)
    many.evaluate(np.concatenate(places) + 1.0, box)  # leaves nothing behind
    found = many.evaluate(np.concatenate(places), box)
    k, n = len(one.components), one.n_atoms
    gradients = found.gradients.reshape(7, k, 7, n, 3)
    for i, positions in enumerate(places):
        alone = one.evaluate(positions, box)
        np.testing.assert_allclose(found.values[k * i : k * i + k], alone.values, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(gradients[i, :, i], alone.gradients, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(found.virials[k * i : k * i + k], alone.virials, rtol=1e-9, atol=1e-10)
        assert found.names[k * i] == f"{one.components[0].name}-{i + 1}"
    other = np.arange(7)
    assert not gradients[other, :, (other + 1) % 7].any()


def test_distortions_of_whole_tetrahedra_in_one_call():
    """The short road, where all bonds count in full, with and without turned axes."""
    rng = np.random.default_rng(2)
    bonds = 1.2 * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
    places = bonds + rng.normal(scale=0.1, size=(4, 5, 3))
    for one in (TetrahedronDistortion(), TetrahedronDistortion(rotation=rotation(5))):
        found = Groups(one, 4).evaluate(places.reshape(-1, 3))
        for i, positions in enumerate(places):
            alone = one.evaluate(positions)
            np.testing.assert_allclose(found.values[2 * i : 2 * i + 2], alone.values, rtol=1e-12)
            np.testing.assert_allclose(
                found.gradients[2 * i : 2 * i + 2, 5 * i : 5 * i + 5], alone.gradients, rtol=1e-9
            )


def test_groups_that_cannot_be():
    with pytest.raises(
        InputError, match="groups: need a number of groups, at least 1, got 0; write how many there are"
    ):
        Groups(BondTilt(), 0)
    foreign = CellVariable(lambda positions, cell: (0.0, positions, cell), 2)
    with pytest.raises(InputError, match="need a variable of vectors between atoms, got CellVariable; write"):
        Groups(foreign, 2)
