"""Non-affine displacement: zero for every strain, the least-squares rest for everything else."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.periodic import minimum_image, wrap
from ionpath.softness import affine_fit, cumulative_displacement, find_neighbours, nonaffine_displacement

CELL = np.array([[14.0, 0, 0], [3.0, 13.0, 0], [-2.0, 1.0, 15.0]])  # A
STRAIN = np.array([[1.05, 0.1, 0.0], [-0.02, 0.97, 0.03], [0.01, 0.0, 1.02]])


def slow_nonaffine(old: np.ndarray, new: np.ndarray) -> float:
    """Fit an affine map to bonds by least squares and give the mean squared rest."""
    before, after = np.asarray(old), np.asarray(new)
    solution = np.linalg.lstsq(before, after, rcond=None)[0]
    return float(((after - before @ solution) ** 2).sum() / len(before))


@pytest.fixture
def cloud():
    rng = np.random.default_rng(5)
    atoms = rng.uniform(size=(90, 3)) @ CELL
    return atoms, atoms + rng.normal(0, 0.4, atoms.shape)


def lists(n, size, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.choice(np.delete(np.arange(n), i), size, replace=False) for i in range(n)]


def test_affine_maps_give_nothing(cloud):
    atoms, _ = cloud
    near = lists(len(atoms), 9)
    assert nonaffine_displacement(atoms, atoms @ STRAIN.T + [1.0, -2.0, 3.0], near).max() < 1e-12
    found = affine_fit(atoms, atoms @ STRAIN.T, near)
    np.testing.assert_allclose(found.maps, np.broadcast_to(STRAIN, found.maps.shape), atol=1e-10)


def test_strained_cell_gives_nothing_although_neighbours_are_across_its_faces(cloud):
    atoms, _ = cloud
    near = find_neighbours(wrap(atoms, CELL), CELL, 5.5)
    strained = CELL @ STRAIN.T
    after = wrap(wrap(atoms, CELL) @ STRAIN.T, strained)
    found = nonaffine_displacement(wrap(atoms, CELL), after, near, cell=CELL, current_cell=strained)
    assert found.max() < 1e-12


def test_equals_least_squares(cloud):
    atoms, after = cloud
    near = find_neighbours(atoms, CELL, 6.0)
    found = nonaffine_displacement(atoms, after, near, cell=CELL)
    for i in range(0, 90, 7):
        j = near.atom[near.row == i]
        old = minimum_image(atoms[j] - atoms[i], CELL)
        new = old + (after[j] - atoms[j]) - (after[i] - atoms[i])
        assert found[i] == pytest.approx(slow_nonaffine(old, new), rel=1e-9)


def test_rotation_origin_wrapping_and_order_do_not_matter(cloud):
    atoms, after = cloud
    near = find_neighbours(atoms, CELL, 6.0, [3, 40, 77])
    expected = nonaffine_displacement(atoms, after, near, cell=CELL)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turned = find_neighbours(atoms @ turn, CELL @ turn, 6.0, [3, 40, 77])
    np.testing.assert_allclose(
        nonaffine_displacement(atoms @ turn, after @ turn, turned, cell=CELL @ turn), expected, rtol=1e-9
    )
    moved = find_neighbours(wrap(atoms + 4.0, CELL), CELL, 6.0, [3, 40, 77])
    there = wrap(after - 2.5, CELL)
    np.testing.assert_allclose(
        nonaffine_displacement(wrap(atoms + 4.0, CELL), there, moved, cell=CELL), expected, rtol=1e-9
    )
    order = np.random.default_rng(2).permutation(90)
    place = np.argsort(order)
    mixed = find_neighbours(atoms[order], CELL, 6.0, place[[3, 40, 77]])
    np.testing.assert_allclose(
        nonaffine_displacement(atoms[order], after[order], mixed, cell=CELL), expected, rtol=1e-9
    )


def test_all_ways_to_name_neighbours_agree(cloud):
    atoms, after = cloud
    table = np.array(lists(90, 8))
    expected = nonaffine_displacement(atoms, after, table)
    matrix = np.zeros((90, 90), dtype=bool)
    matrix[np.arange(90)[:, None], table] = True
    pairs = np.stack([np.repeat(np.arange(90), 8), table.ravel()], axis=1)[::-1]
    for neighbours in (table.tolist(), matrix, pairs):
        np.testing.assert_allclose(nonaffine_displacement(atoms, after, neighbours), expected, rtol=1e-9)
    some = nonaffine_displacement(atoms, after, table[[4, 9]], centres=[4, 9])
    np.testing.assert_allclose(some, expected[[4, 9]], rtol=1e-9)


def test_sum_is_per_neighbour_times_their_number(cloud):
    atoms, after = cloud
    near = lists(90, 7)
    mean, total = (nonaffine_displacement(atoms, after, near, per_neighbour=p) for p in (True, False))
    np.testing.assert_allclose(total, 7 * mean)


def test_one_neighbour_that_hops_is_seen_around_its_neighbours_only(cloud):
    atoms, _ = cloud
    near = find_neighbours(atoms, CELL, 5.0)
    after = atoms.copy()
    after[10] += [2.0, 0, 0]
    found = nonaffine_displacement(atoms, after, near, cell=CELL)
    touched = set(near.row[near.atom == 10].tolist())
    still = [i for i in range(90) if i not in touched and i != 10]
    assert found[still].max() < 1e-12
    assert min(found[i] for i in touched) > 1e-3
    # All bonds of the hopping atom change alike, which a linear map without translation cannot make.
    assert found[10] > 1e-2


def test_cumulative_displacement():
    d2min = np.array([[1.0, 4.0], [9.0, 0.25]])  # A^2
    np.testing.assert_allclose(cumulative_displacement(d2min), [[1, 2], [4, 2.5]])
    np.testing.assert_allclose(cumulative_displacement(d2min, power="square"), [[1, 4], [10, 4.25]])


def test_too_few_neighbours_for_an_affine_fit_are_named(cloud):
    atoms, after = cloud
    near = [[1, 2, 3, 4, 5], [0, 2, 3], [0, 1]]
    with pytest.raises(InputError, match="need at least 4 neighbours.*got 3 around atom 1 and too few around 1 more"):
        nonaffine_displacement(atoms, after, near)
    found = nonaffine_displacement(atoms, after, near, on_singular="nan")
    assert np.isnan(found).tolist() == [False, True, True]


def test_neighbours_in_one_plane_are_named(cloud):
    atoms, after = cloud
    flat = atoms * [1.0, 1.0, 0.0]
    with pytest.raises(InputError, match="got 6 around atom 0, all in one plane with it.*larger cutoff"):
        nonaffine_displacement(flat, after, [[1, 2, 3, 4, 5, 6]])


@pytest.mark.parametrize(
    ("neighbours", "options", "sentence"),
    [
        ([[1, 2, 3, 400]], {}, "neighbours: need atom indices from 0 to 89, got int64 from 0 to 400"),
        ([[1, 2, 3, 4]], {"centres": [0, 1]}, "centres: need one atom for each of 1 lists"),
        (3, {}, "neighbours: need one list of atom indices for each centre, got int"),
        ([[1.5, 2.5]], {}, "neighbours: need one list of atom indices"),
        ([[1, 2, 3, 4]], {"on_singular": "skip"}, "on_singular: need 'raise' or 'nan', got 'skip'"),
    ],
)
def test_neighbours_that_make_no_sense(cloud, neighbours, options, sentence):
    with pytest.raises(InputError, match=sentence):
        nonaffine_displacement(*cloud, neighbours, **options)


def test_frames_of_different_size(cloud):
    atoms, after = cloud
    with pytest.raises(InputError, match=r"current: need positions \(n_atoms, 3\) of the atoms of reference"):
        nonaffine_displacement(atoms, after[:80], [[1, 2, 3, 4]])
    with pytest.raises(InputError, match="power: need 'root' or 'square', got 'cube'"):
        cumulative_displacement([[1.0]], power="cube")
