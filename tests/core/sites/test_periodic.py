"""Shortest images, wrapping and unwrapping against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ionpath import framework, periodic
from ionpath.cells import obtuse_superbase
from ionpath.errors import InputError
from ionpath.half_cell import steps_near_half

CUBE = np.eye(3) * 10.0
SHEARED = np.array([[9.0, 0.0, 0.0], [4.4, 8.0, 0.0], [-4.1, 3.9, 7.5]])
# The same lattice as SHEARED, described by vectors that are far from perpendicular.
VERY_SHEARED = np.array([[1, 0, 0], [3, 1, 0], [-2, 4, 1]]) @ SHEARED
FLAT = np.array([[20.0, 0.0, 0.0], [9.9, 1.5, 0.0], [3.0, 0.7, 4.0]])


def brute_force(vectors, cell, reach):
    """Slow twin: the shortest of all images within `reach` cells."""
    images = np.array(list(itertools.product(range(-reach, reach + 1), repeat=3))) @ cell
    candidates = vectors[:, None, :] + images
    best = (candidates**2).sum(axis=-1).argmin(axis=1)
    return candidates[np.arange(len(vectors)), best]


@pytest.mark.parametrize(
    ("cell", "reach"), [(CUBE, 2), (SHEARED, 3), (VERY_SHEARED, 12), (FLAT, 12), (-SHEARED, 3), (SHEARED[[2, 0, 1]], 3)]
)
def test_minimum_image_is_the_shortest_of_all_images(cell, reach):
    rng = np.random.default_rng(1)
    vectors = rng.uniform(-1.0, 1.0, (120, 3)) @ cell
    expected = brute_force(vectors, cell, reach)
    found = periodic.minimum_image(vectors, cell)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(expected, axis=1), atol=1e-9)
    shifts = (vectors - found) @ np.linalg.inv(cell)
    np.testing.assert_allclose(shifts, np.rint(shifts), atol=1e-9)


def test_minimum_image_does_not_depend_on_the_vectors_that_describe_the_lattice():
    vectors = np.random.default_rng(2).uniform(-30.0, 30.0, (500, 3))
    one = np.linalg.norm(periodic.minimum_image(vectors, SHEARED), axis=1)
    other = np.linalg.norm(periodic.minimum_image(vectors, VERY_SHEARED), axis=1)
    np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("base", [CUBE, VERY_SHEARED])
def test_one_cell_per_frame_is_the_same_as_frame_by_frame(base):
    rng = np.random.default_rng(3)
    cells = base * rng.uniform(0.9, 1.1, (6, 1, 1))
    cells[3] = np.array([[1, 0, 0], [1, 1, 0], [0, -2, 1]]) @ cells[3]
    vectors = rng.uniform(-20.0, 20.0, (6, 7, 2, 3))
    together = periodic.minimum_image(vectors, cells)
    apart = np.stack([periodic.minimum_image(v, c) for v, c in zip(vectors, cells, strict=True)])
    np.testing.assert_allclose(together, apart, atol=1e-9)
    flat = periodic.minimum_image(vectors[:, 0, 0], cells)
    np.testing.assert_allclose(flat, apart[:, 0, 0], atol=1e-9)


def test_obtuse_superbase_describes_the_same_lattice():
    base = periodic.obtuse_superbase(VERY_SHEARED)
    integers = base @ np.linalg.inv(VERY_SHEARED)
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-9)
    assert abs(abs(np.linalg.det(integers)) - 1.0) < 1e-9
    superbase = np.vstack([base, -base.sum(axis=0)])
    assert (superbase @ superbase.T)[np.triu_indices(4, 1)].max() <= 1e-9


@pytest.mark.parametrize("cell", [CUBE, SHEARED])
def test_wrap_keeps_the_lattice_point_and_stays_inside(cell):
    positions = np.random.default_rng(4).uniform(-50.0, 50.0, (200, 3))
    inside = periodic.wrap(positions, cell)
    coordinates = periodic.fractional(inside, cell)
    assert coordinates.min() > -1e-9
    assert coordinates.max() < 1.0 + 1e-9
    np.testing.assert_allclose(periodic.minimum_image(inside - positions, cell), 0.0, atol=1e-9)


def walk(cells, seed=5, frames=200, atoms=20):
    steps = np.random.default_rng(seed).normal(0.0, 0.6, (frames, atoms, 3))
    steps[0] = np.random.default_rng(seed).uniform(0.0, 10.0, (atoms, 3))
    return np.cumsum(steps, axis=0), cells


@pytest.mark.parametrize("cell", [CUBE, SHEARED, VERY_SHEARED])
@pytest.mark.parametrize("scheme", ["tor", "nearest"])
def test_unwrap_restores_a_random_walk(cell, scheme):
    truth, _ = walk(cell)
    wrapped = periodic.wrap(truth, cell)
    found = periodic.unwrap(wrapped, cell, scheme=scheme)
    np.testing.assert_allclose(found - found[0], truth - truth[0], atol=1e-8)
    per_frame = periodic.unwrap(wrapped, np.repeat(cell[None], len(truth), axis=0), scheme=scheme)
    np.testing.assert_allclose(per_frame, found, atol=1e-8)


def test_streamed_unwrapping_is_the_same_in_pieces():
    truth, cell = walk(SHEARED)
    wrapped = periodic.wrap(truth, cell)
    walker = periodic.Unwrapper()
    np.testing.assert_allclose(
        np.stack([walker(frame, cell) for frame in wrapped]), periodic.unwrap(wrapped, cell), atol=1e-8
    )


def breathing_walk(frames=400, atoms=20):
    """Walkers that make `steps` in a cell that breathes, wrapped into it at every frame."""
    rng = np.random.default_rng(6)
    edges = 10.0 + 0.2 * np.sin(np.arange(frames) * 0.9)
    steps = rng.normal(0.0, 0.3, (frames, atoms, 3))
    wrapped = np.empty_like(steps)
    wrapped[0] = rng.uniform(0.0, 9.0, (atoms, 3))
    for t in range(1, frames):
        wrapped[t] = np.mod(wrapped[t - 1] + steps[t], edges[t])
    return wrapped, steps, np.eye(3) * edges[:, None, None]


def test_toroidal_scheme_keeps_the_steps_in_a_breathing_cell():
    wrapped, steps, cells = breathing_walk()
    found = periodic.unwrap(wrapped, cells, scheme="tor")
    np.testing.assert_allclose(np.diff(found, axis=0), steps[1:], atol=1e-9)
    nearest = periodic.unwrap(wrapped, cells, scheme="nearest")
    assert np.abs(np.diff(nearest, axis=0) - steps[1:]).max() > 0.1  # why "tor" is the default
    images = periodic.minimum_image(nearest - wrapped, cells)
    np.testing.assert_allclose(images, 0.0, atol=1e-9)


def test_toroidal_scheme_does_not_depend_on_the_images_of_the_input():
    wrapped, _, cells = breathing_walk()
    shifts = np.random.default_rng(7).integers(-2, 3, wrapped.shape)
    shifts[0] = 0
    moved = wrapped + np.einsum("tni,tij->tnj", shifts, cells)
    np.testing.assert_allclose(periodic.unwrap(moved, cells), periodic.unwrap(wrapped, cells), atol=1e-8)


def test_framework_drift_weighs_with_masses():
    rng = np.random.default_rng(8)
    drift = np.cumsum(rng.normal(0, 0.01, (50, 3)), axis=0)
    masses = rng.uniform(1.0, 35.0, 12)
    vibration = rng.normal(0, 0.1, (50, 12, 3))
    vibration -= np.einsum("tni,n->ti", vibration, masses)[:, None] / masses.sum()
    positions = rng.uniform(0, 10, (1, 12, 3)) + drift[:, None] + vibration
    np.testing.assert_allclose(framework.framework_drift(positions, masses), drift - drift[0], atol=1e-10)


def test_inputs_are_not_changed():
    rng = np.random.default_rng(9)
    positions = rng.uniform(-50.0, 50.0, (1, 5, 3)) + rng.uniform(-0.5, 0.5, (3, 5, 3))  # steps of less than 2 A
    before = positions.copy()
    periodic.minimum_image(positions, SHEARED)
    periodic.wrap(positions, SHEARED)
    periodic.unwrap(positions, SHEARED)
    np.testing.assert_array_equal(positions, before)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: periodic.minimum_image([1.0, 0, 0], None), "cell: need a periodic cell, got none; give the three"),
        (lambda: periodic.minimum_image([1.0, 0, 0], np.zeros((3, 3))), "need three independent cell vectors"),
        (lambda: periodic.minimum_image([1.0, 0, 0], np.ones(6)), r"shape \(3, 3\) or \(T, 3, 3\), got shape \(6,\)"),
        (lambda: periodic.wrap(np.zeros((4, 3)), np.full((3, 3), np.nan)), "need finite cell vectors, got NaN"),
        (lambda: periodic.wrap(np.zeros((4, 2, 3)), np.stack([CUBE] * 3)), "need 3 frames, as many as cells"),
        (lambda: periodic.unwrap(np.zeros((1, 2, 3)), CUBE), "need at least two frames .*, got one frame"),
        (lambda: periodic.unwrap(np.full((2, 2, 3), np.nan), CUBE), "NaN or infinity in 4 of 4 positions"),
        (lambda: periodic.Unwrapper("other"), "scheme: need 'tor' or 'nearest', got 'other'"),
        (lambda: framework.framework_drift(np.zeros((3, 0, 3))), "need framework atoms"),
        (lambda: framework.framework_drift(np.zeros((3, 2, 3)), [1.0, 0.0]), "need 2 positive masses"),
        (
            lambda: periodic.check_finite(np.zeros((3, 2)), "ions"),
            r"ions: need shape \(\.\.\., 3\), got shape \(3, 2\)",
        ),
    ],
)
def test_errors_say_what_to_do(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


def test_unwrapper_refuses_another_number_of_atoms():
    walker = periodic.Unwrapper()
    walker(np.zeros((4, 3)), CUBE)
    with pytest.raises(InputError, match="need 4 atoms as in the frame before"):
        walker(np.zeros((5, 3)), CUBE)


def test_steps_near_half_of_the_cell_are_refused_and_few_are_told():
    """Steps of 2.5 A (one sigma) in a cell of 10 A: 40 % of it is 1.6 sigma; and one step of 4.5 A among 4,000."""
    far = np.random.default_rng(2).normal(0.0, 2.5, (50, 20, 3)).cumsum(axis=0)
    sentence = "steps of ions between frames: need steps well below half .* longer than 40 %.*frames that lie closer"
    with pytest.raises(InputError, match=sentence):
        periodic.unwrap(far, CUBE)
    walker = periodic.Unwrapper()
    with pytest.warns(UserWarning, match="4 of 20 steps longer than"), pytest.raises(InputError, match=sentence):
        [walker(frame, CUBE) for frame in far]
    calm = np.zeros((201, 20, 3))
    calm[100:, 3, 0] = 4.5
    later = periodic.Unwrapper()
    for read in (lambda: periodic.unwrap(calm, CUBE), lambda: [later(frame, CUBE) for frame in calm]):
        with pytest.warns(UserWarning, match=r"frames: 1 of \d+ steps longer than 40 %"):
            assert read()[-1][3, 0] == pytest.approx(4.5)


@pytest.mark.parametrize("cell", [CUBE, SHEARED, VERY_SHEARED, FLAT])
def test_steps_near_half_of_the_cell_by_all_images(cell):
    """Slow definition: another image is less than 1.5 times as long (|s - v|^2 = |s|^2 + v^2 (1 - 2 x), x > 0.4)."""
    steps = periodic.minimum_image(np.random.default_rng(4).uniform(-9.0, 9.0, (400, 3)), cell)
    numbers = np.array([v for v in np.ndindex(13, 13, 13) if v != (6, 6, 6)]) - 6
    lattice = numbers @ obtuse_superbase(cell)
    near = (steps @ lattice.T / (lattice**2).sum(axis=1) > 0.4).any(axis=1)
    assert 0 < near.sum() == steps_near_half(steps, cell)
    assert steps_near_half(steps[None], cell[None]) == near.sum()
