"""Reference sites of F-43m argyrodites against the published table and against a Delaunay tessellation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.spatial import Delaunay

from ionpath.errors import InputError
from ionpath.lattice import argyrodite

EDGE = argyrodite.REFERENCE_EDGE  # 10.155 A
SETTINGS = ("4d", "4c")


def distances(a, b):
    difference = a[:, None] - b[None]
    return np.linalg.norm(difference - np.rint(difference), axis=-1) * EDGE


@pytest.mark.parametrize("setting", SETTINGS)
def test_multiplicities_add_up_to_136(setting):
    positions, names = argyrodite.tetrahedral_sites(setting=setting)
    assert len(positions) == 136
    for site in argyrodite.TETRAHEDRAL_SITES:
        assert (names == site.name).sum() == site.multiplicity
    apart = distances(positions, positions) + 9.0 * np.eye(136)
    assert apart.min() > 1.0


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(
    ("kind", "expected"),  # distances in A, table of tetrahedral sites for a = 10.155 A
    [
        ("T0", {"S16e": [2.08] * 4}),
        ("T1", {"S16e": [2.23] * 3, "free": [2.64]}),
        ("T2", {"S16e": [2.60] * 2, "4a": [2.64], "free": [2.38]}),
        ("T3", {"S16e": [2.32] * 4}),
        ("T4", {"S16e": [2.40] * 3, "4a": [2.64]}),
        ("T5", {"S16e": [2.44] * 2, "4a": [2.63], "free": [2.72]}),
    ],
)
def test_every_hole_has_its_four_anions(setting, kind, expected):
    positions, elements, orbits = argyrodite.framework(setting)
    anions = elements != "P"
    sites, _ = argyrodite.tetrahedral_sites((kind,), setting=setting)
    table = distances(sites, positions[anions])
    for row in table:
        nearest = np.argsort(row)[:4]
        found: dict[str, list[float]] = {}
        for k in nearest:
            orbit = "free" if orbits[anions][k] == setting else str(orbits[anions][k])
            found.setdefault(orbit, []).append(row[k])
        assert {k: len(v) for k, v in found.items()} == {k: len(v) for k, v in expected.items()}
        for orbit, values in expected.items():
            np.testing.assert_allclose(sorted(found[orbit]), values, atol=0.011)


def test_holes_are_the_tetrahedra_of_a_delaunay_tessellation():
    positions, elements, _ = argyrodite.framework()
    anions = positions[elements != "P"]
    # a tessellation of 4 x 4 x 4 cells; the tetrahedra whose centre is in the inner cell are one of each
    shifts = np.array(np.meshgrid(*[range(-1, 3)] * 3)).reshape(3, -1).T
    points = (anions[None] + shifts[:, None]).reshape(-1, 3)
    jitter = np.random.default_rng(1).normal(0, 1e-7, points.shape)  # settles holes with five anions around them
    centres = points[Delaunay(points + jitter).simplices].mean(axis=1) - 0.013
    inner = centres[((centres >= 0) & (centres < 1)).all(axis=1)] + 0.013
    holes, names = argyrodite.tetrahedral_sites()
    nearest = distances(inner, holes)
    assert nearest.min(axis=1).max() < 0.7
    assert Counter(names[nearest.argmin(axis=1)].tolist()) == {"T0": 4, "T1": 16, "T2": 48, "T3": 4, "T4": 16, "T5": 48}


def test_distances_between_holes():
    # A, for a = 10.155 A: T5-T5 across a face 1.92, T5-T2 1.40, T5-T4 1.60, T2-T2 2.08, T4-T4 2.87
    sites = {k: argyrodite.tetrahedral_sites((k,))[0] for k in ("T2", "T4", "T5")}

    def shortest(a, b):
        table = distances(sites[a], sites[b])
        return table[table > 0.1].min()

    assert shortest("T5", "T5") == pytest.approx(1.92, abs=0.01)
    assert shortest("T5", "T2") == pytest.approx(1.40, abs=0.01)
    assert shortest("T5", "T4") == pytest.approx(1.60, abs=0.01)
    assert shortest("T2", "T2") == pytest.approx(2.08, abs=0.01)
    assert shortest("T4", "T4") == pytest.approx(2.87, abs=0.01)


@pytest.mark.parametrize("setting", SETTINGS)
def test_cage_corners_are_six_around_each_free_anion(setting):
    positions, _, orbits = argyrodite.framework(setting)
    table = distances(positions[orbits == setting], argyrodite.cage_sites(setting=setting))
    corners = np.sort(table, axis=1)
    np.testing.assert_allclose(corners[:, :6], (0.25 - 0.0226) * EDGE, atol=1e-6)
    assert corners[:, 6].min() > 4.0


@pytest.mark.parametrize("setting", SETTINGS)
def test_setting_is_read_from_the_bonds(setting):
    positions, _, orbits = argyrodite.framework(setting)
    difference = positions[orbits == "S16e"][:, None] - positions[orbits == "P"][None]
    difference -= np.rint(difference)
    bonds = difference[np.linalg.norm(difference, axis=-1) * EDGE < 2.5]
    assert len(bonds) == 16
    assert argyrodite.setting_from_bonds(bonds) == setting
    assert argyrodite.setting_from_bonds(-bonds) != setting


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: argyrodite.orbit((0, 0, 0), setting="4b"), "setting: need '4d' or '4c', got '4b'"),
        (lambda: argyrodite.tetrahedral_sites(("T9",)), "kinds: need some of T0, .*, got T9"),
        (lambda: argyrodite.setting_from_bonds(np.zeros((0, 3))), "bonds: need vectors from P to S, got none"),
        (lambda: argyrodite.setting_from_bonds([[1.0, 0, 0]]), "rotate the structure to the cubic axes"),
    ],
)
def test_errors_say_what_to_do(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
