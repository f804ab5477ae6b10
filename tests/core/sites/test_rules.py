"""Published rules: against their literal definition, one ion at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull, Delaunay, Voronoi

from ionpath.errors import InputError
from ionpath.periodic import minimum_image
from ionpath.sites.assign import assign_sites
from ionpath.sites.shells import CoordinationShells

DIAGONAL = np.array([[1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, np.sqrt(2.0)]]) / np.sqrt(2.0)
"""Axes rotated by 45 degrees about z, in which the published rule is written."""


def random_ions(cages, seed=0, frames=4, ions=400):
    return np.random.default_rng(seed).uniform(0, 1, (frames, ions, 3)) @ cages.cell


def nearest_centre(ion, cages):
    vectors = minimum_image(ion - cages.centres @ cages.cell, cages.cell)
    centre = int((vectors**2).sum(axis=1).argmin())
    return centre, vectors[centre]


def literal_geometric(ion, cages, axes):
    """Slow twin: the rule as it is written down, with v = centre minus ion."""
    centre, from_centre = nearest_centre(ion, cages)
    if np.linalg.norm(from_centre) > 3.0:
        return 0, centre
    x, y, z = axes @ -from_centre
    if z > 1.5:
        return 1, centre
    if z < -1.5:
        return 6, centre
    if x > 0:
        return (2 if y > 0 else 3), centre
    return (5 if y > 0 else 4), centre


def test_published_geometric_rule_agrees_with_its_literal_form(cages):
    ions = random_ions(cages)
    found = assign_sites(ions, cages, cages.cell, method="geometric", mode="published", orientation=DIAGONAL)
    for ion, site in zip(ions.reshape(-1, 3), found.site.ravel(), strict=True):
        label, centre = literal_geometric(ion, cages, DIAGONAL)
        if label == 0:
            assert site == -1
        else:
            assert (cages.vertex[site], cages.centre_of[site]) == (label, centre)


def test_published_labels_are_a_renumbering_of_the_sound_ones_near_the_vertices(cages):
    # v points from the ion to the centre, and the quadrants run clockwise: antipodes stay antipodes, 1 is below.
    rng = np.random.default_rng(1)
    truth = np.arange(cages.n_sites)[None]
    ions = cages.site_positions[truth] + rng.normal(0, 0.1, (1, cages.n_sites, 3))
    sound = assign_sites(ions, cages, cages.cell, method="geometric").site
    np.testing.assert_array_equal(sound, truth)
    published = assign_sites(ions, cages, cages.cell, method="geometric", mode="published", orientation=DIAGONAL).site
    np.testing.assert_array_equal(cages.centre_of[published], cages.centre_of[truth])
    pairs = {
        (int(a), int(b)) for a, b in zip(cages.vertex[truth].ravel(), cages.vertex[published].ravel(), strict=True)
    }
    assert pairs == {(1, 6), (2, 5), (3, 4), (4, 3), (5, 2), (6, 1)}


def test_nearest_direction_agrees_with_a_loop(cages):
    ions = random_ions(cages, seed=2)
    found = assign_sites(ions, cages, cages.cell, method="geometric", cutoff=3.2).site
    for ion, site in zip(ions.reshape(-1, 3), found.ravel(), strict=True):
        centre, vector = nearest_centre(ion, cages)
        if np.linalg.norm(vector) > 3.2:
            assert site == -1
            continue
        mine = cages.vertices_of(centre)
        directions = cages.offsets[mine] / np.linalg.norm(cages.offsets[mine], axis=1, keepdims=True)
        assert site == mine[(directions @ vector).argmax()]


def hulls_of_voronoi_cells(offsets, padding):
    """Slow twin: Voronoi cells of the vertices in the padded box, made finite by mirror images, as convex hulls."""
    low, high = offsets.min(axis=0) - padding, offsets.max(axis=0) + padding
    mirrored = [offsets]
    for axis in range(3):
        for wall in (low, high):
            image = offsets.copy()
            image[:, axis] = 2 * wall[axis] - image[:, axis]
            mirrored.append(image)
    diagram = Voronoi(np.concatenate(mirrored))
    corners = [diagram.vertices[diagram.regions[diagram.point_region[k]]] for k in range(len(offsets))]
    return [Delaunay(c[ConvexHull(c).vertices]) for c in corners]


def test_voronoi_rule_agrees_with_convex_hulls(cages):
    hulls = {c: hulls_of_voronoi_cells(cages.offsets[cages.vertices_of(c)], 0.5) for c in (0, 7, 31)}
    rng = np.random.default_rng(3)
    seen = set()
    for centre, cells in hulls.items():
        ions = cages.centres[centre] @ cages.cell + rng.uniform(-3.4, 3.4, (1, 300, 3))
        found = assign_sites(ions, cages, cages.cell, method="voronoi").site[0]
        for ion, site in zip(ions[0], found, strict=True):
            nearest, vector = nearest_centre(ion, cages)
            if nearest != centre:
                continue
            inside = [k for k, hull in enumerate(cells) if hull.find_simplex(vector) >= 0]
            expected = cages.vertices_of(centre)[inside[0]] if inside else -1
            assert site == expected
            seen.add(int(site >= 0))
    assert seen == {0, 1}


@pytest.mark.parametrize("method", ["geometric", "voronoi"])
def test_moving_centres_drift_and_strain_change_nothing(cages, method):
    rng = np.random.default_rng(4)
    frames = 6
    truth = rng.integers(0, cages.n_sites, (frames, 60))
    strain = np.eye(3) + rng.normal(0, 0.01, (frames, 3, 3))
    cells = cages.cell @ strain
    centres = cages.centres @ cells + rng.normal(0, 0.2, (frames, 32, 3)) + rng.uniform(-8, 8, (frames, 1, 3))
    offsets = np.einsum("tni,tij->tnj", cages.offsets[truth], strain)
    ions = np.take_along_axis(centres, cages.centre_of[truth][..., None], axis=1) + offsets
    ions = ions + rng.normal(0, 0.1, ions.shape)
    found = assign_sites(ions, cages, cells, centres, method=method)
    np.testing.assert_array_equal(found.site, truth)


def test_ambiguous_is_told_by_the_distance_to_the_second_vertex(cages):
    middle = cages.offsets[cages.vertices_of(0)][[0, 1]].mean(axis=0)
    ions = (cages.centres[0] @ cages.cell + np.array([middle, cages.offsets[cages.vertices_of(0)][0]]))[None]
    for method in ("geometric", "voronoi"):
        assert assign_sites(ions, cages, cages.cell, method=method).ambiguous.tolist() == [[True, False]]


@pytest.fixture
def square_pyramid():
    offsets = 2.3 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    cell = np.eye(3) * 12.0
    return CoordinationShells.from_sites(cell, [[0.5] * 3], 0.5 + offsets / 12.0, n_vertices=5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"method": "geometric", "mode": "published"}, "six vertices for the published geometric rule, got 5"),
        ({"method": "geometric", "mode": "wrong"}, "mode: need 'correct' or 'published', got 'wrong'"),
        ({"method": "voronoi", "padding": -1.0}, "padding: need a number of zero or more in A, got -1"),
        ({"method": "voronoi", "orientation": np.ones((3, 3))}, "orientation: need a rotation"),
        ({"method": "geometric", "cutoff": -3.0}, "cutoff: need a positive distance in A, got -3"),
    ],
)
def test_errors_say_what_to_do(square_pyramid, arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        assign_sites(np.zeros((1, 1, 3)), square_pyramid, square_pyramid.cell, **arguments)
