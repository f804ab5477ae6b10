"""Van Hove functions against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.periodic import minimum_image, wrap
from ionpath.transport import displacements, distinct_van_hove, self_van_hove

SHEARED = np.array([[12.0, 0.0, 0.0], [7.0, 13.0, 0.0], [-6.0, 5.0, 14.0]])


@pytest.fixture
def walk():
    rng = np.random.default_rng(3)
    return rng.normal(scale=0.4, size=(60, 15, 3)).cumsum(axis=0) + rng.uniform(0, 12, (15, 3))


def self_directly(r, lag, edges):
    distance = np.linalg.norm(r[lag:] - r[: len(r) - lag], axis=2)
    return np.histogram(distance, edges)[0] / distance.size


def distinct_directly(r, cell, lag, edges):
    numbers = np.zeros(edges.size - 1)
    for start in range(len(r) - lag):
        vectors = minimum_image(r[start + lag][None] - r[start][:, None], cell)
        distance = np.linalg.norm(vectors, axis=2)
        numbers += np.histogram(distance[~np.eye(len(distance), dtype=bool)], edges)[0]
    return numbers / ((len(r) - lag) * r.shape[1])


def test_self_part_equals_definition(walk):
    found = self_van_hove(walk, [1, 5, 40], r_max=4.0, dr=0.25, frame_time=0.5)
    for k, lag in enumerate((1, 5, 40)):
        np.testing.assert_allclose(found.fractions[k], self_directly(walk, lag, found.edges), rtol=1e-12)
    volume = 4 / 3 * np.pi * np.diff(found.edges**3)
    np.testing.assert_allclose(found.values * volume, found.fractions, rtol=1e-12)
    np.testing.assert_allclose(found.radial * 0.25, found.fractions, rtol=1e-12)
    assert found.times.tolist() == [0.5, 2.5, 20.0]


def test_self_part_is_normalised_and_pieces_change_nothing(walk, monkeypatch):
    whole = self_van_hove(walk, [3], r_max=30.0)
    assert whole.fractions.sum() == pytest.approx(1.0, abs=1e-12)
    monkeypatch.setattr(displacements, "PIECE", 1)
    monkeypatch.setattr(displacements, "BATCH_BYTES", 1)
    np.testing.assert_array_equal(self_van_hove(walk, [3], r_max=30.0).fractions, whole.fractions)


def test_gaussian_displacements_give_the_gaussian():
    """4 pi r^2 (2 pi s^2)^-3/2 exp(-r^2 / 2 s^2) for steps of width s."""
    steps = np.random.default_rng(0).normal(scale=0.8, size=(4000, 50, 3)).cumsum(axis=0)
    found = self_van_hove(steps, [1], r_max=4.0, dr=0.2)
    r = found.distances
    expected = 4 * np.pi * r**2 * np.exp(-(r**2) / (2 * 0.8**2)) / (2 * np.pi * 0.8**2) ** 1.5
    np.testing.assert_allclose(found.radial[0], expected, atol=0.02)


def test_weight_beyond_counts_what_leaves_the_bins(walk):
    found = self_van_hove(walk, [20], r_max=3.0, dr=0.1)
    distance = np.linalg.norm(walk[20:] - walk[:-20], axis=2)
    assert found.weight_beyond(2.0)[0] == pytest.approx((distance >= 2.0).mean())
    assert found.weight_beyond(3.0)[0] == pytest.approx((distance >= 3.0).mean())


@pytest.mark.parametrize("cell", [np.diag([12.0, 13.0, 14.0]), SHEARED], ids=["orthorhombic", "sheared"])
def test_distinct_part_equals_definition(walk, cell):
    found = distinct_van_hove(walk, cell, [0, 4], r_max=4.0, dr=0.5)
    for k, lag in enumerate((0, 4)):
        expected = distinct_directly(walk, cell, lag, found.edges)
        np.testing.assert_allclose(found.fractions[k], expected, rtol=1e-12)
    density = 14 / abs(np.linalg.det(cell))
    shells = 4 / 3 * np.pi * np.diff(found.edges**3)
    np.testing.assert_allclose(found.values * shells * density, found.fractions, rtol=1e-12)


def test_wrapping_does_not_matter(walk):
    cell = np.diag([12.0, 13.0, 14.0])
    unwrapped = distinct_van_hove(walk, cell, [7], r_max=6.0)
    wrapped = distinct_van_hove(wrap(walk, cell), cell, [7], r_max=6.0)
    np.testing.assert_allclose(wrapped.values, unwrapped.values, rtol=1e-9)


def test_distinct_part_stays_near_one_however_far_ions_fly():
    """Ballistic ions that cross the cell four times; a function that counts few images would fall to zero."""
    rng = np.random.default_rng(5)
    edge, frames = 16.0, 41
    start = rng.uniform(0, edge, (200, 3))
    velocity = rng.normal(size=(200, 3))
    velocity *= 0.1 * edge / np.linalg.norm(velocity, axis=1, keepdims=True)
    flight = start + np.arange(frames)[:, None, None] * velocity
    found = distinct_van_hove(flight, edge * np.eye(3), [0, 5, 10, 20, 40], r_max=5.5, dr=0.5, origins=5)
    mean = found.values[:, 4:].mean(axis=1)  # 2 to 5.5 A
    np.testing.assert_allclose(mean, 1.0, atol=0.03)


def test_two_kinds_of_atoms(walk):
    cell = 14 * np.eye(3)
    found = distinct_van_hove(walk[:, :6], cell, [2], others=walk[:, 6:], r_max=7.0, dr=1.0)
    vectors = minimum_image(walk[2:, None, 6:] - walk[:-2, :6, None], cell)
    expected = np.histogram(np.linalg.norm(vectors, axis=-1), found.edges)[0] / (58 * 6)
    np.testing.assert_allclose(found.fractions[0], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"r_max": 7.0}, "r_max: need a distance within half of the narrowest width of the cell, 6 A, got 7 A"),
        ({"others": np.zeros((3, 2, 3))}, "others: need 60 frames as in positions, got 3"),
        ({"dr": 0.0}, "dr: need a width of bins in A above zero"),
        ({"dr": 20.0}, "dr: need bins narrower than r_max"),
    ],
)
def test_impossible_distinct_parts_are_named(walk, options, sentence):
    with pytest.raises(InputError, match=sentence):
        distinct_van_hove(walk, 12 * np.eye(3), [1], **{"r_max": 5.0, **options})


def test_one_ion_has_no_distinct_part(walk):
    with pytest.raises(InputError, match="need at least two ions, got 1; use the self part"):
        distinct_van_hove(walk[:, :1], 12 * np.eye(3), [1], r_max=5.0)


def test_fast_and_slow_agree_on_real_data(aimd):
    """Li6PS5Cl with 50 % inversion, in its slightly skewed cell."""
    data = aimd("50p", 1)
    found = self_van_hove(data.lithium, [1, 50], r_max=8.0)
    for k, lag in enumerate((1, 50)):
        np.testing.assert_allclose(found.fractions[k], self_directly(data.lithium, lag, found.edges), atol=1e-12)
    few = data.lithium[:52, :40]
    other = distinct_van_hove(few, data.cell, [50], r_max=9.0, dr=0.2)
    np.testing.assert_allclose(other.fractions[0], distinct_directly(few, data.cell, 50, other.edges), atol=1e-12)
