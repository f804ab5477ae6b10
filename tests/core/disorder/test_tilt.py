"""Tilt: angles, free energies against closed forms, rotations, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ionpath.disorder import (
    RotationCounter,
    TiltHistogram,
    bond_angles,
    bond_vectors,
    corner_permutations,
    rotation_rate,
    tetrahedra,
    tilt_free_energy,
)
from ionpath.errors import InputError

CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)
KT_300 = 2.494339  # kJ/mol, PHYSICS 0


def test_angles_follow_the_stated_convention() -> None:
    vectors = np.array([[0, 0, 2.0], [0, 0, -1], [1, 0, 0], [0, 3, 0], [-1, 1e-12, 0], [1, -1, np.sqrt(2)]])
    theta, phi = bond_angles(vectors)
    np.testing.assert_allclose(theta, [0, 180, 90, 90, 90, 45], atol=1e-9)
    np.testing.assert_allclose(phi[2:], [0, 90, 180, -45], atol=1e-9)


def test_free_rotation_is_flat_with_the_jacobian_and_sine_without() -> None:
    rng = np.random.default_rng(0)
    theta, phi = bond_angles(rng.normal(size=(400, 500, 3)))
    flat = tilt_free_energy(theta, phi, temperature=300, bins=18, jacobian=True)
    assert flat.theta[1:-1].max() < 0.15 and flat.phi.max() < 0.15  # kJ/mol
    plain = tilt_free_energy(theta, phi, temperature=300, bins=18)
    middle = np.radians(0.5 * (plain.theta_edges[1:] + plain.theta_edges[:-1]))
    expected = -KT_300 * np.log(np.sin(middle) / np.sin(middle).max())
    counts = 200_000 * np.sin(middle) / np.sin(middle).sum()
    assert (np.abs(plain.theta - expected) < 5 * KT_300 / np.sqrt(counts) + 0.02).all()
    np.testing.assert_allclose(plain.phi, flat.phi)


def test_harmonic_tilt_has_the_free_energy_that_made_it() -> None:
    """phi with a spring constant k: F = k phi^2 / 2, spread^2 = kT / k."""
    rng = np.random.default_rng(1)
    spread = 15.0  # degrees
    phi = rng.normal(20.0, spread, (1000, 300))
    theta = rng.normal(90.0, spread, (1000, 300))
    found = tilt_free_energy(theta, phi, temperature=300, bins=60)
    middle = 0.5 * (found.phi_edges[1:] + found.phi_edges[:-1])
    near = np.abs(middle - 20.0) < 40.0
    expected = 0.5 * KT_300 * ((middle - 20.0) / spread) ** 2
    expected -= expected[near].min()
    width = np.diff(found.phi_edges)[0]
    counts = 300_000 * width / spread / np.sqrt(2 * np.pi) * np.exp(-expected / KT_300)
    assert (np.abs(found.phi - expected) < 5 * KT_300 / np.sqrt(counts) + 0.02)[near].all()
    # the joint free energy is the sum, since both are independent
    k, l = np.unravel_index(np.argmin(found.joint), found.joint.shape)
    row, column = found.joint[k, :], found.joint[:, l]
    added = row[None, :] + column[:, None]
    filled = np.isfinite(added) & np.isfinite(found.joint) & (added < 8.0)
    assert filled.sum() > 20 and np.abs(found.joint[filled] - added[filled]).max() < 1.5
    assert np.isinf(found.phi[np.abs(middle - 20.0) > 120]).all()


def test_temperature_scales_the_free_energy() -> None:
    rng = np.random.default_rng(2)
    theta, phi = bond_angles(rng.normal([1, 2, 3], 1, size=(100, 50, 3)))
    cold, hot = (tilt_free_energy(theta, phi, temperature=t) for t in (300.0, 900.0))
    seen = np.isfinite(cold.theta)
    np.testing.assert_allclose(hot.theta[seen], 3 * cold.theta[seen])
    assert cold.theta[seen].min() == 0.0 and cold.joint.min() == 0.0


def test_errors_are_the_spread_of_repeats() -> None:
    rng = np.random.default_rng(3)
    runs = [
        tilt_free_energy(*bond_angles(rng.normal(size=(50, 40, 3))), temperature=300, bins=10, n_blocks=10)
        for _ in range(60)
    ]
    spread = np.std([r.phi for r in runs], axis=0)
    assert np.mean([r.phi_error for r in runs], axis=0).mean() == pytest.approx(spread.mean(), rel=0.4)


def test_parts_add_up() -> None:
    rng = np.random.default_rng(4)
    theta, phi = bond_angles(rng.normal(size=(20, 7, 3)))
    block = np.arange(20) * 5 // 20
    whole, left, right = (TiltHistogram(bins=20) for _ in range(3))
    whole.add(theta, phi, block)
    left.add(theta[:9], phi[:9], block[:9])
    right.add(theta[9:], phi[9:], block[9:])
    left.merge(right.state())
    np.testing.assert_array_equal(left.joint, whole.joint)
    np.testing.assert_array_equal(left.theta, whole.theta)


def rotation_about(axis: Any, degrees: float) -> Any:
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    a = np.radians(degrees)
    return np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * k @ k


def test_rotations_are_counted_and_librations_are_not() -> None:
    rng = np.random.default_rng(5)
    angles = np.concatenate(
        [np.zeros(30), np.linspace(0, 120, 20), np.full(30, 120), np.linspace(120, 240, 20), np.full(30, 240)]
    )
    turning = np.array([CORNERS @ rotation_about([1, 1, 1], a).T for a in angles])
    flipping = np.array([CORNERS @ rotation_about([0, 0, 1], 1.5 * a).T for a in np.minimum(angles, 120)])
    librating = np.array([CORNERS @ rotation_about(rng.normal(size=3), rng.normal(0, 10)).T for _ in angles])
    vectors = 2.05 * np.stack([turning, flipping, librating], axis=1)
    counter = RotationCounter(3)
    counter.add(corner_permutations(vectors, np.stack([CORNERS] * 3)))
    assert counter.events.tolist() == [2, 1, 0]
    for cut in (10, 40, 60, 90):  # also in the middle of a rotation
        first, second = RotationCounter(3), RotationCounter(3)
        first.add(corner_permutations(vectors[:cut], np.stack([CORNERS] * 3)))
        second.add(corner_permutations(vectors[cut:], np.stack([CORNERS] * 3)))
        first.merge(second.state())
        assert first.events.tolist() == [2, 1, 0], cut


def test_rates_cover_the_truth() -> None:
    rng = np.random.default_rng(6)
    inside = 0
    for _ in range(300):
        rate = rotation_rate(int(rng.poisson(0.04 * 100.0)), 100.0)
        inside += rate.low <= 0.04 <= rate.high
    assert inside / 300 > 0.93
    assert rotation_rate(0, 50.0).high == pytest.approx(3.6889 / 50, rel=1e-4)  # 1/ps


def test_tetrahedra_across_the_border_of_a_sheared_cell() -> None:
    cell = np.array([[9.0, 0, 0], [4.0, 9.0, 0], [-3.0, 2.0, 9.0]])
    positions = np.concatenate([[[0.1, 0.1, 0.1]], 0.1 + 2.05 * CORNERS, [[4.0, 4.0, 4.0]]])
    jumped = positions + np.array([[0, 0, 0], [1, 0, 0], [0, -2, 0], [1, 1, 1], [0, 0, 3], [0, 0, 0]]) @ cell
    members = tetrahedra(jumped, cell, [0], [1, 2, 3, 4, 5])
    assert members.tolist() == [[1, 2, 3, 4]]
    np.testing.assert_allclose(bond_vectors(jumped, cell, [0], members)[0], 2.05 * CORNERS, atol=1e-9)


def test_bad_input() -> None:
    cell = np.eye(3) * 12
    positions = np.concatenate([[[0.0, 0, 0]], 2.05 * CORNERS])
    with pytest.raises(InputError, match="tetrahedron of atom 0: need 4 ligands within 3 A, got 3; choose another"):
        tetrahedra(positions, cell, [0], [1, 2, 3])
    with pytest.raises(InputError, match="temperature: need a positive number in K, got 0"):
        tilt_free_energy(np.ones((5, 1)), np.ones((5, 1)), temperature=0)
    with pytest.raises(InputError, match="theta: need as many angles as phi, in at least 5 frames"):
        tilt_free_energy(np.ones((2, 1)), np.ones((2, 1)), temperature=300)
    with pytest.raises(InputError, match="bins: need an even number of at least 4, got 7"):
        TiltHistogram(bins=7)
    with pytest.raises(InputError, match="n_blocks: need a whole number of at least 1, got 0"):
        TiltHistogram(n_blocks=0)
    with pytest.raises(InputError, match="samples: need angles, got none"):
        TiltHistogram().result(300)
    with pytest.raises(InputError, match="time: need a positive number in ps, got 0"):
        rotation_rate(1, 0)
