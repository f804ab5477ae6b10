"""Shells found in trajectories: clusters around centres, and cages in the density."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.framework import framework_drift
from ionpath.lattice import argyrodite
from ionpath.periodic import minimum_image, unwrap, wrap
from ionpath.sites.density import ion_density
from ionpath.sites.reference import match_atoms
from ionpath.sites.shells import CoordinationShells


def rattling(shells, frames=60, amplitude=0.35, seed=1, hop=0.05):
    """One ion per site that rattles, and now and then changes places with another one."""
    rng = np.random.default_rng(seed)
    site = np.tile(np.arange(shells.n_sites), (frames, 1))
    for t in range(1, frames):
        site[t] = site[t - 1]
        pairs = rng.permutation(shells.n_sites)[: 2 * int(hop * shells.n_sites)].reshape(-1, 2)
        site[t, pairs] = site[t, pairs[:, ::-1]]
    return shells.site_positions[site] + rng.normal(0, amplitude, (*site.shape, 3))


def deviation(found, expected):
    """Distance from every expected site to the nearest one found, in A."""
    vectors = minimum_image(expected.site_positions[:, None] - found.site_positions, expected.cell)
    return np.linalg.norm(vectors, axis=-1).min(axis=1)


@pytest.mark.parametrize("pooled", [True, False])
def test_vertices_are_found_around_known_centres(cages, pooled):
    small = cages if pooled else cages.select("S")
    ions = rattling(small)
    found = CoordinationShells.from_positions(
        small.cell, small.centres, wrap(ions, small.cell), n_vertices=6, pooled=pooled, kinds=small.kinds
    )
    assert deviation(found, small).max() < (0.1 if pooled else 0.35)
    np.testing.assert_array_equal(found.site_table[:, 1:] >= 0, True)
    offsets, expected = (s.offsets[s.site_table[:, 1:]] for s in (found, small))
    assert np.linalg.norm(offsets - expected, axis=-1).max() < 0.35  # the labels agree as well


def test_vertices_follow_moving_centres_and_a_breathing_cell(cages):
    rng = np.random.default_rng(2)
    ions = rattling(cages, frames=30)
    drift = np.cumsum(rng.normal(0, 0.5, (30, 1, 3)), axis=0)
    strain = np.eye(3) * (1 + 0.01 * np.sin(np.arange(30)))[:, None, None]
    centres = np.repeat((cages.centres @ cages.cell)[None], 30, axis=0)
    ions, centres = (np.einsum("tni,tij->tnj", x, strain) + drift for x in (ions, centres))
    found = CoordinationShells.from_positions(
        cages.cell, cages.centres, ions, n_vertices=6, cells=cages.cell @ strain, centre_positions=centres
    )
    assert deviation(found, cages).max() < 0.1


def test_a_centre_whose_vertices_are_not_all_visited_is_named(cages):
    ions = np.delete(rattling(cages, hop=0.0), cages.site_table[3, 4], axis=1)
    with pytest.raises(
        InputError, match=r"centre 3 \(X, atom 103\): need 6 vertices, got 5; change n_vertices or `radius`"
    ):
        CoordinationShells.from_positions(
            cages.cell, cages.centres, ions, n_vertices=6, centre_atoms=range(100, 132), radius=3.5
        )


def test_more_vertices_than_asked_for_are_noticed(cages):
    with pytest.raises(InputError, match="need 5 vertices, got positions that do not form 5 clusters"):
        CoordinationShells.from_positions(cages.cell, cages.centres, rattling(cages), n_vertices=5)


def test_fewer_vertices_than_asked_for_are_noticed(cages):
    with pytest.raises(InputError, match=r"centre 0 \(X\): need 12 vertices, got"):
        CoordinationShells.from_positions(cages.cell, cages.centres, rattling(cages, amplitude=0.1), n_vertices=12)


def test_density_integrates_to_the_number_of_ions_and_is_round_in_a_sheared_cell():
    cell = np.array([[10.0, 0, 0], [6.0, 9.0, 0], [-3.0, 2.0, 11.0]])
    grid = ion_density(0.5 * np.ones((3, 1, 3)) @ cell, cell, spacing=0.25).density(0.8)
    volume = abs(np.linalg.det(cell))
    assert grid.sum() * volume / grid.size == pytest.approx(1.0, abs=1e-9)
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1) / np.array(grid.shape)
    peak = np.array(np.unravel_index(grid.argmax(), grid.shape)) / np.array(grid.shape)
    distance = np.linalg.norm(minimum_image((index - peak) @ cell, cell), axis=-1)
    expected = np.exp(-(distance**2) / (2 * 0.8**2)) / (2 * np.pi * 0.8**2) ** 1.5
    np.testing.assert_allclose(grid, expected, atol=1e-3 * expected.max())


@pytest.mark.parametrize("n_vertices", [None, 6])
def test_cages_are_found_in_the_density_alone(cages, n_vertices):
    ions = rattling(cages)
    found = CoordinationShells.from_density(cages.cell, ions, n_vertices=n_vertices)
    assert (found.n_centres, found.n_sites, found.n_states) == (32, 192, 7)
    assert deviation(found, cages).max() < 0.3
    vectors = minimum_image((found.centres[:, None] - cages.centres) @ cages.cell, cages.cell)
    assert np.linalg.norm(vectors, axis=-1).min(axis=1).max() < 0.3
    assert set(found.family.tolist()) == {0}


def test_density_in_a_cell_that_is_described_by_other_vectors(cages):
    ions = rattling(cages)
    other = np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]]) @ cages.cell
    found = CoordinationShells.from_density(other, ions, n_vertices=6)
    assert (found.n_centres, found.n_sites) == (32, 192)
    vectors = minimum_image(cages.site_positions[:, None] - found.site_positions, cages.cell)
    assert np.linalg.norm(vectors, axis=-1).min(axis=1).max() < 0.3


def test_repeats_average_over_equivalent_cells(cages):
    short = rattling(cages, frames=4, amplitude=0.5)
    found = CoordinationShells.from_density(cages.cell, short, n_vertices=6, repeats=(2, 2, 2))
    assert deviation(found, cages).max() < 0.3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_vertices": 5}, r"cage 0 of \d+: need 5 sites, got"),
        ({"background": 1.5}, "density: need maxima of 2 times its mean or more .*, got 0 with a median of 0.00"),
        ({"spacing": 0.0}, "spacing: need a positive number in A, got 0.0"),
        ({"repeats": (2, 2)}, "repeats: need three numbers of cells"),
    ],
)
def test_density_that_cannot_be_grouped_is_refused(cages, arguments, sentence):
    given = {"n_vertices": 6, **arguments}
    with pytest.raises(InputError, match=sentence):
        CoordinationShells.from_density(cages.cell, rattling(cages, frames=20), **given)


def test_shells_of_an_ab_initio_trajectory(aimd, cages):
    # Ordered Li6PS5Cl: the cages are those of the crystal, by clustering and by density.
    run = aimd("0p", 1)
    lithium = run.positions[:, run.elements == "Li"]
    anions = np.flatnonzero(np.isin(run.elements, ["S", "Cl"]))
    positions, elements, orbits = argyrodite.framework()
    shifts = np.array(np.meshgrid(*[range(2)] * 3, indexing="ij")).reshape(3, -1).T
    reference = ((positions[elements != "P"][None] + shifts[:, None]) / 2).reshape(-1, 3)
    free = np.tile(orbits[elements != "P"] == "4d", 8)
    atoms = anions[match_atoms(run.cell, run.positions[:, anions], reference)][free]
    assert set(run.elements[atoms]) == {"S"}
    found = CoordinationShells.from_positions(
        run.cell, reference[free], lithium, n_vertices=6, centre_positions=run.positions[:, atoms], centre_atoms=atoms
    )
    assert deviation(found, cages).max() < 0.35
    np.testing.assert_allclose(np.linalg.norm(found.offsets, axis=1), 2.25, atol=0.1)

    framework = run.positions[:, run.elements != "Li"]
    drift = framework_drift(unwrap(framework, run.cell))
    dense = CoordinationShells.from_density(run.cell, lithium, drift=drift, repeats=(2, 2, 2))
    assert (dense.n_centres, dense.n_sites) == (32, 192)
    assert np.median(deviation(dense, cages)) < 0.3
