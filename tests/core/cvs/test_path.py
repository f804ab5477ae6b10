"""Progress along a path: published nodes, both forms, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.cvs.path import CONCERTED, PathProgress, equidistant_nodes
from ionpath.errors import InputError


@pytest.mark.parametrize(
    ("point", "s", "z"),
    [
        ((5.5, 5.9), 1.5333, 0.2828),
        ((4.0, 3.2), 2.9333, 0.5657),
        ((6.9, 6.7), 0.8, 0.1414),
        ((2.2, 1.6), 4.0667, 0.4243),
        ((3.0, 5.0), 2.6667, 1.4142),
    ],
)
def test_points_on_the_published_nodes(point, s, z):
    # Distances in A; the closed form for straight equidistant nodes.
    values, _ = PathProgress().progress(point)
    assert values == pytest.approx([1 + (6.5 - sum(point) / 2) / 1.5, abs(point[0] - point[1]) / np.sqrt(2)])
    assert values == pytest.approx([s, z], abs=1e-4)


def test_second_form_by_its_definition():
    x, nodes = np.array([5.5, 5.9]), np.array(CONCERTED)
    lam = 2.3 / 4.5  # mean square distance of adjacent nodes 4.5 A^2
    weights = np.exp(-lam * ((x - nodes) ** 2).sum(1))
    expected = [weights @ [1, 2, 3, 4] / weights.sum(), -np.log(weights.sum()) / lam]
    values, _ = PathProgress(form="branduardi").progress(x)
    assert values == pytest.approx(expected, rel=1e-12)
    assert values == pytest.approx([1.5474, -0.1642], abs=1e-4)


def test_far_away_the_second_form_does_not_underflow():
    values, slopes = PathProgress(form="branduardi").progress([60.0, 60.0])
    assert values[0] == pytest.approx(1.0)
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()


def test_where_the_two_closest_nodes_are_not_adjacent_the_polyline_is_used():
    # A hairpin wide enough to be accepted; between its arms the closest nodes are 1 and 4.
    nodes = ((0.0, 0.0), (2.0, 0.0), (4.0, 0.0), (4.0, 2.0), (2.0, 2.0), (0.0, 2.0))
    values, slopes = PathProgress(nodes).progress([-0.1, 1.2])
    np.testing.assert_allclose(values, [6.0, np.hypot(0.1, 0.8)])
    assert np.isfinite(slopes).all()


def test_progress_is_continuous_along_a_curved_path():
    angle = np.linspace(0, np.pi / 2, 9)
    nodes = equidistant_nodes(5 * np.stack([np.cos(angle), np.sin(angle)], axis=1), 7)
    path = PathProgress(nodes)
    s = [path.progress(5 * np.array([np.cos(a), np.sin(a)]))[0][0] for a in np.linspace(0, np.pi / 2, 300)]
    assert np.all(np.diff(s) > 0)
    assert s[0] == pytest.approx(1.0, abs=0.01)
    assert s[-1] == pytest.approx(7.0, abs=0.01)
    assert np.abs(np.diff(s)).max() < 0.05


@pytest.mark.parametrize(
    ("nodes", "match"),
    [
        (((6.5, 6.5),), "nodes: need two or more nodes"),
        (((6.5, 6.5), (5.0,)), "nodes: need two or more nodes of equal length"),
        (((6.0, 6.0), (5.0, 5.0), (3.0, 3.0)), "nodes: need equidistant nodes .* got spacings 1.414, 2.828 A; place"),
        (((0.0, 0.0), (2.0, 0.0), (0.5, 1.3228756555)), "need a path on which the two closest nodes are adjacent"),
        (((0.0, 0.0), (np.nan, 1.0)), "nodes: need finite distances"),
    ],
)
def test_nodes_that_make_no_path_are_refused(nodes, match):
    with pytest.raises(InputError, match=match):
        PathProgress(nodes)


def test_unequal_spacing_is_fine_for_the_second_form():
    PathProgress(((6.0, 6.0), (5.0, 5.0), (3.0, 3.0)), form="branduardi")


def test_equidistant_nodes_are():
    nodes = np.array(equidistant_nodes([(7.0, 2.0), (4.0, 4.0), (2.0, 7.0), (2.0, 8.0)], 6))
    steps = np.linalg.norm(np.diff(nodes, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-5)
    np.testing.assert_allclose(nodes[[0, -1]], [[7.0, 2.0], [2.0, 8.0]])
    PathProgress(tuple(map(tuple, nodes)))
