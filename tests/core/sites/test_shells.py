"""Building coordination shells: labels, families, and centres that miss a vertex."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.periodic import minimum_image
from ionpath.sites.cages import merged_sites
from ionpath.sites.shells import CoordinationShells
from ionpath.sites.vertices import canonical_order

CELL = np.eye(3) * 24.0
OCTAHEDRON = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
GOLDEN = (1 + 5**0.5) / 2
ICOSAHEDRON = np.array(
    [[0, a, b * GOLDEN] for a in (1, -1) for b in (1, -1)]
    + [[a, b * GOLDEN, 0] for a in (1, -1) for b in (1, -1)]
    + [[b * GOLDEN, 0, a] for a in (1, -1) for b in (1, -1)]
) / np.hypot(1, GOLDEN)
CENTRES = np.array([[x, y, z] for x in (0.25, 0.75) for y in (0.25, 0.75) for z in (0.25, 0.75)])


def sites_around(centres, directions, radius=2.3, seed=None, noise=0.0):
    offsets = radius * np.asarray(directions) / 24.0
    points = (centres[:, None] + offsets).reshape(-1, 3)
    if seed is not None:
        rng = np.random.default_rng(seed)
        points = rng.permutation(points + rng.normal(0, noise / 24.0, points.shape)) + rng.integers(-2, 3, points.shape)
    return points


def test_octahedron_has_its_top_first_and_its_bottom_last():
    shells = CoordinationShells.from_sites(
        CELL, CENTRES, sites_around(CENTRES, OCTAHEDRON, seed=1, noise=0.2), n_vertices=6
    )
    assert (shells.n_states, shells.n_sites, shells.n_centres) == (7, 48, 8)
    assert set(shells.family.tolist()) == {0}
    for centre in range(8):
        directions = shells.offsets[shells.vertices_of(centre)] / 2.3
        np.testing.assert_allclose(directions, OCTAHEDRON, atol=0.4)
    np.testing.assert_allclose(
        minimum_image(shells.site_positions - (shells.centres @ CELL)[shells.centre_of] - shells.offsets, CELL),
        0,
        atol=1e-9,
    )


@pytest.mark.parametrize("directions", [OCTAHEDRON[:5], OCTAHEDRON, ICOSAHEDRON, ICOSAHEDRON[:7]])
def test_the_same_direction_has_the_same_label_in_every_shell(directions):
    shells = CoordinationShells.from_sites(
        CELL, CENTRES, sites_around(CENTRES, directions, seed=2, noise=0.15), n_vertices=len(directions)
    )
    assert set(shells.family.tolist()) == {0}
    offsets = shells.offsets[shells.site_table[:, 1:]]
    assert np.linalg.norm(offsets - offsets[:1], axis=-1).max() < 1.2
    assert shells.n_states == len(directions) + 1


def test_shells_with_missing_vertices_keep_the_labels_of_full_ones():
    full, missing = (sites_around(CENTRES[:4], OCTAHEDRON), sites_around(CENTRES[4:], OCTAHEDRON[[0, 1, 2, 4, 5]]))
    kinds = ["S"] * 4 + ["Cl"] * 4
    shells = CoordinationShells.from_sites(
        CELL, CENTRES, np.concatenate([missing, full]), n_vertices={"S": 6, "Cl": 5}, kinds=kinds
    )
    assert set(shells.family.tolist()) == {0}
    assert shells.vertex[shells.vertices_of(5)].tolist() == [1, 2, 3, 5, 6]
    assert shells.site_table[5, 4] == -1
    assert shells.select("Cl").n_sites == 20
    assert shells.select("Cl").n_states == 7


def test_shells_that_are_turned_form_families_of_their_own():
    turn = np.array([[1, -1, 0], [1, 1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(2)
    sites = np.concatenate([sites_around(CENTRES[:4], OCTAHEDRON), sites_around(CENTRES[4:], OCTAHEDRON @ turn)])
    shells = CoordinationShells.from_sites(CELL, CENTRES, sites, n_vertices=6)
    assert len(set(shells.family[:4].tolist())) == 1
    assert len(set(shells.family[4:].tolist())) == 1
    assert shells.family[0] != shells.family[7]


def test_orientation_names_vertices_along_the_axes_of_the_crystal():
    # A cell turned by 90 degrees about x: the top of the crystal is +y of the cell.
    axes = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    shells = CoordinationShells.from_sites(CELL, CENTRES[:1], sites_around(CENTRES[:1], OCTAHEDRON), orientation=axes)
    np.testing.assert_allclose(shells.offsets[shells.vertices_of(0)] / 2.3, OCTAHEDRON @ axes, atol=1e-9)


def test_a_given_template_sets_the_labels():
    template = OCTAHEDRON[[5, 4, 3, 2, 1, 0]]
    shells = CoordinationShells.from_sites(CELL, CENTRES, sites_around(CENTRES, OCTAHEDRON, seed=3), template=template)
    np.testing.assert_allclose(shells.offsets[shells.vertices_of(3)] / 2.3, template, atol=1e-9)
    with pytest.raises(InputError, match="centre 0: need vertices in the directions of the template"):
        CoordinationShells.from_sites(CELL, CENTRES, sites_around(CENTRES, OCTAHEDRON), template=ICOSAHEDRON[:6])


def test_canonical_order_does_not_depend_on_small_tilts():
    rng = np.random.default_rng(4)
    for _ in range(50):
        tilted = OCTAHEDRON + rng.normal(0, 0.04, (6, 3))
        assert canonical_order(tilted).tolist() == [0, 1, 2, 3, 4, 5]


def test_cages_of_an_argyrodite_have_one_family(cages):
    assert set(cages.family.tolist()) == {0}
    assert cages.site_distance == pytest.approx(3.266, abs=0.01)  # sqrt(2) x 2.309 A
    np.testing.assert_allclose(np.linalg.norm(cages.offsets, axis=1), 2.309, atol=0.001)
    assert repr(cages) == "CoordinationShells(32 centres, 192 sites, 7 states, kinds: S)"


def test_arrays_cannot_be_changed(cages):
    with pytest.raises(ValueError, match="read-only"):
        cages.offsets[0] = 0.0


def test_sites_in_a_sheared_cell_go_to_their_nearest_centre():
    cell = np.array([[12.0, 0, 0], [30.0, 12.0, 0], [-20.0, 5.0, 14.0]])
    rng = np.random.default_rng(5)
    centres, sites = rng.uniform(0, 1, (4, 3)), rng.uniform(0, 1, (60, 3))
    with pytest.warns(
        UserWarning, match=r"sites 0\.65 A apart .*: ions pass between them when they vibrate, .* merge=1"
    ):
        shells = CoordinationShells.from_sites(cell, centres, sites, tie=None)
    distances = np.linalg.norm(minimum_image((sites[:, None] - centres) @ cell, cell), axis=-1)
    np.testing.assert_array_equal(shells.centre_of, distances.argmin(axis=1))


def test_a_centre_without_its_vertices_is_named():
    sites = sites_around(CENTRES, OCTAHEDRON)
    with pytest.raises(InputError, match=r"centre 2 \(S, atom 12\): need 6 vertices, got 5; check the sites"):
        CoordinationShells.from_sites(
            CELL, CENTRES, np.delete(sites, 13, axis=0), n_vertices=6, kinds=["S"] * 8, centre_atoms=range(10, 18)
        )
    with pytest.raises(InputError, match=r"centre 4 \(X\): need 6 vertices, got 0 \(and 3 more centres\)"):
        CoordinationShells.from_sites(CELL, CENTRES, sites[:24], n_vertices=6)
    with pytest.raises(InputError, match="need at least one vertex, got 0"):
        CoordinationShells.from_sites(CELL, CENTRES, sites[:24])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sites": np.zeros((0, 3))}, "sites: need at least one of the sites, got none"),
        ({"centres": np.zeros((0, 3))}, "centres: need at least one of the centres, got none"),
        ({"sites": np.full((2, 3), np.nan)}, "sites: need finite coordinates, got NaN or infinity in 2 of 2"),
        ({"cell": None}, "cell: need a periodic cell, got none"),
        ({"cell": np.zeros((3, 3))}, "cell: need three independent cell vectors"),
        ({"cell": np.stack([CELL, CELL])}, r"cell: need one reference cell \(3, 3\)"),
        ({"kinds": ["S"]}, "kinds: need 8 names, one per centre"),
        ({"centre_atoms": [1, 2]}, "centre_atoms: need 8 atom indices"),
        ({"n_vertices": [6, 6]}, "n_vertices: need 8 numbers, one per centre, got 2"),
        ({"n_vertices": {"S": 6}}, "n_vertices: need a number for every kind of centre, got none for X"),
    ],
)
def test_errors_say_what_to_do(arguments, sentence):
    given = {"cell": CELL, "centres": CENTRES, "sites": sites_around(CENTRES, OCTAHEDRON), **arguments}
    with pytest.raises(InputError, match=sentence):
        CoordinationShells.from_sites(**given)


def test_an_unknown_kind_is_refused(cages):
    with pytest.raises(InputError, match="kind: need one of S, got 'Br'"):
        cages.select("Br")


@pytest.mark.parametrize(("edge", "got"), [(20.0, "a chain of sites, up to 2.40 A away"), (6.0, "through the cell")])
def test_chains_of_sites_are_not_merged(edge, got):
    """Five sites in a row, 1.2 A apart, have no middle that is one of them; halves of a split site do."""
    cell, row = np.diag([6.0, 6.0, edge]), np.array([[0, 0, 1.2 * k / edge] for k in range(5)])
    with pytest.raises(InputError, match=f"merge: need .* within 1.5 A of their middle, got .*{got}; leave"):
        merged_sites(cell, row, 1.5)
    pair = merged_sites(cell, row[[0, 1, 3]], 1.5)
    np.testing.assert_allclose(pair @ cell, [[0, 0, 0.6], [0, 0, 3.6]], atol=1e-9)
    np.testing.assert_allclose(
        merged_sites(cell, [[0, 0, -0.5 / edge], [0, 0, 0.5 / edge]], 2.5), [[0, 0, 0]], atol=1e-9
    )
