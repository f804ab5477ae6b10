"""Neighbours, interstices and arrangements in periodic cells."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.lattice import even_subset, farthest_points, neighbours_within, tetrahedral_interstices
from ionpath.lattice.argyrodite import framework, tetrahedral_sites
from ionpath.periodic import minimum_image

SHEARED = np.array([[6.0, 0, 0], [5.0, 4.0, 0], [-3.0, 2.0, 5.0]])


def brute_force(points: NDArray[np.float64], cell: NDArray[np.float64], radius: float) -> list[tuple[int, int, float]]:
    reach = range(-6, 7)
    found = []
    for a in reach:
        for b in reach:
            for c in reach:
                vectors = points[None] + np.array([a, b, c]) @ cell - points[:, None]
                distance = np.linalg.norm(vectors, axis=-1)
                for i, j in np.argwhere((distance < radius) & (distance > 1e-6)):
                    found.append((int(i), int(j), round(float(distance[i, j]), 6)))
    return sorted(found)


@pytest.mark.parametrize("radius", [2.0, 5.0])
def test_neighbours_agree_with_all_images(radius: float) -> None:
    points = np.random.default_rng(2).uniform(-10, 10, (7, 3))
    wrapped = np.mod(points @ np.linalg.inv(SHEARED), 1) @ SHEARED
    found = neighbours_within(points, points, SHEARED, radius, smallest=1e-6)
    listed = sorted(
        (int(i), int(j), round(float(d), 6))
        for i, j, d in zip(found.centre, found.neighbour, found.distance, strict=True)
    )
    assert listed == brute_force(wrapped, SHEARED, radius)
    assert found.counts(7).sum() == len(found.centre)
    np.testing.assert_allclose(np.linalg.norm(found.vector, axis=1), found.distance)
    assert (np.diff(found.centre) >= 0).all()


def test_radius_must_be_positive() -> None:
    with pytest.raises(InputError, match=r"radius: need a positive number in A, got -1"):
        neighbours_within([[0, 0, 0]], [[0, 0, 0]], np.eye(3), -1)


@pytest.mark.parametrize("setting", ["4c", "4d"])
@pytest.mark.parametrize("shift", [0.0, 0.137])
def test_argyrodite_has_136_tetrahedra(setting: str, shift: float) -> None:
    """4 + 16 + 48 + 4 + 16 + 48 per cell: B. J. Morgan, Chem. Mater. 33, 2004 (2021)."""
    positions, _, orbits = framework(setting)  # type: ignore[arg-type]
    cell = np.eye(3) * 10.155  # A
    found = tetrahedral_interstices((positions[orbits != "P"] + shift) @ cell, cell)
    assert len(found) == 136
    sites, _ = tetrahedral_sites(setting=setting)  # type: ignore[arg-type]
    apart = np.linalg.norm(minimum_image(found.centre[:, None] - ((sites + shift) @ cell)[None], cell), axis=-1)
    assert sorted(apart.argmin(axis=1)) == list(range(136))
    volumes = np.abs(np.linalg.det(found.corners[:, 1:] - found.corners[:, :1])) / 6
    assert volumes.sum() == pytest.approx(10.155**3, rel=1e-9)  # A^3: they fill the cell
    neighbours = found.face_neighbours
    assert all(k in neighbours[n] for k in range(136) for n in neighbours[k])


def test_tetrahedra_do_not_depend_on_the_cell() -> None:
    positions, _, orbits = framework()
    anions = positions[orbits != "P"]
    matrix = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    in_primitive = np.mod(anions @ np.linalg.inv(matrix), 1)
    _, first = np.unique(np.round(np.mod(in_primitive + 1e-6, 1), 4), axis=0, return_index=True)
    cell = matrix * 10.155
    assert len(tetrahedral_interstices(in_primitive[first] @ cell, cell)) == 34
    double = np.diag([2.0, 1.0, 1.0]) * 10.155
    twice = np.concatenate([anions, anions + [1, 0, 0]]) * 10.155
    assert len(tetrahedral_interstices(twice, double)) == 272


def test_no_points() -> None:
    with pytest.raises(InputError, match=r"points: need at least one point, got none"):
        tetrahedral_interstices(np.empty((0, 3)), np.eye(3))


def test_farthest_points_spread_and_pack() -> None:
    cell = np.diag([8.0, 8.0, 8.0])
    grid = np.stack(np.meshgrid(*3 * [np.arange(4.0) * 2], indexing="ij"), axis=-1).reshape(-1, 3)
    two = farthest_points(grid, cell, 2)
    assert np.linalg.norm(minimum_image(grid[two[0]] - grid[two[1]], cell)) == pytest.approx(4 * np.sqrt(3))  # A
    half = farthest_points(grid, cell, 32, closest=2.5)  # the densest packing without nearest neighbours
    apart = np.linalg.norm(minimum_image(grid[half][:, None] - grid[half][None], cell), axis=-1)
    assert apart[apart > 0].min() > 2.5
    taken = farthest_points(grid, cell, 1, occupied=grid[:1])
    assert np.linalg.norm(minimum_image(grid[taken[0]] - grid[0], cell)) == pytest.approx(4 * np.sqrt(3))
    with pytest.raises(InputError, match=r"number: need 33 of 64 sites at least 2.5 A apart, got room for 32"):
        farthest_points(grid, cell, 33, closest=2.5)
    with pytest.raises(InputError, match=r"number: need at most the 64 candidates, got 65"):
        farthest_points(grid, cell, 65)


def test_even_subset_lowers_its_own_measure() -> None:
    """Counts of pairs after the exchanges agree with a count from scratch."""
    from ionpath.lattice.subsets import _PairCorrelations

    rng = np.random.default_rng(0)
    cell = np.diag([12.0, 12.0, 12.0])
    grid = np.stack(np.meshgrid(*3 * [np.arange(4.0) * 3], indexing="ij"), axis=-1).reshape(-1, 3)
    members = [np.arange(32), np.arange(32, 64)]
    state = np.zeros(64, dtype=bool)
    state[rng.choice(32, 10, replace=False)] = True
    state[32 + rng.choice(32, 20, replace=False)] = True
    problem = _PairCorrelations(grid, cell, members, 7.0, state)
    start = problem.cost
    for _ in range(500):
        sites = members[int(rng.integers(2))]
        on, off = sites[state[sites]], sites[~state[sites]]
        problem.try_exchange(state, int(rng.choice(on)), int(rng.choice(off)))
    fresh = _PairCorrelations(grid, cell, members, 7.0, state)
    np.testing.assert_allclose(problem.now, fresh.now, atol=1e-9)
    assert problem.cost < start / 2
    chosen = even_subset(grid, cell, [(members[0], 10), (members[1], 20)], radius=7.0, seed=1)
    assert (chosen[:32].sum(), chosen[32:].sum()) == (10, 20)
