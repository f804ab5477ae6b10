"""Radial distributions and angles: slow twin, freud, gas, real data, bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.frames import pairs_within
from ionpath.periodic import minimum_image
from ionpath.structure import angle_distribution, first_minimum, radial_distribution
from ionpath.structure.rdf import RadialHistogram, _all_distances, pair_counts


def slow_counts(positions: Any, cell: Any, symbols: Any, a: str, b: str, edges: Any) -> Any:
    """Every pair of two species by the shortest image, counted once."""
    counts = np.zeros(len(edges) - 1)
    for frame in positions:
        for i in np.flatnonzero(symbols == a):
            for j in np.flatnonzero(symbols == b):
                if a == b and j <= i:
                    continue
                d = np.linalg.norm(minimum_image(frame[j] - frame[i], cell))
                if d < edges[-1]:
                    counts[np.searchsorted(edges, d, side="right") - 1] += 1
    return counts / len(positions)


@pytest.mark.parametrize("pair", [("Li", "Li"), ("Li", "S"), ("S", "S")])
def test_counts_equal_the_slow_twin_in_a_sheared_cell(sheared: Any, pair: tuple[str, str]) -> None:
    positions, cell, symbols = sheared
    rdf = radial_distribution(positions, cell, symbols.tolist(), r_max=4.5, bins=45)
    expected = slow_counts(positions, cell, symbols, *pair, rdf.edges)
    np.testing.assert_allclose(rdf.shells[rdf.index(*pair)], expected, atol=1e-12)


def test_both_kernels_find_the_same_pairs(sheared: Any) -> None:
    positions, cell, symbols = sheared
    coordinates = positions[0] @ np.linalg.inv(cell)
    lithium, sulfur = np.flatnonzero(symbols == "Li"), np.flatnonzero(symbols == "S")
    for others in (lithium, sulfur):
        second = None if others is lithium else coordinates[others]
        direct = np.sort(np.concatenate(list(_all_distances(coordinates[lithium], second, cell, 4.5))))
        found = pairs_within(positions[0], cell, 4.5, lithium, others)
        np.testing.assert_allclose(direct, np.sort(found[3]), atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(found[2], axis=1), found[3], atol=1e-12)
        assert (np.diff(found[0]) >= 0).all()


@pytest.mark.parametrize("r_max", [1.5, 3.0, 4.5])
def test_compiled_counts_equal_their_twin(sheared: Any, r_max: float) -> None:
    """Short radii make many cells of the grid, long ones so few that all pairs are looked at."""
    compiled = pytest.importorskip("numba", reason="numba compiles the counts; pip install numba")
    positions, cell, symbols = sheared
    for lattice in (cell, cell * [[1.0], [1.4], [1.9]]):
        histogram = RadialHistogram(symbols.tolist(), r_max, bins=37)
        histogram.add(positions[0], lattice)
        coordinates = positions[0] @ np.linalg.inv(lattice)
        for row, (a, b) in enumerate(histogram.pairs):
            second = None if a == b else coordinates[symbols == b]
            expected = pair_counts(coordinates[symbols == a], second, lattice, r_max, 37)
            assert histogram.counts[row].tolist() == expected.tolist()
    assert compiled


def test_equals_freud_on_real_data(aimd: Callable[[str], Any]) -> None:
    freud = pytest.importorskip("freud", reason="freud is the referee")
    positions, cell, symbols = aimd("50p-run1")
    from ionpath.frames import freud_system

    rdf = radial_distribution(positions[:10], cell, symbols.tolist(), r_max=10.0, bins=100, pairs=[("Li", "S")])
    kernel = freud.density.RDF(100, 10.0)
    for k, frame in enumerate(positions[:10]):
        box, points = freud_system(frame, cell)
        kernel.compute((box, points[symbols == "S"]), query_points=points[symbols == "Li"], reset=k == 0)
    # freud is in single precision: a few of 150,000 pairs may change their bin.
    difference = np.abs(rdf.shells[0] * 10 - kernel.bin_counts)
    assert difference.sum() <= 6
    np.testing.assert_allclose(rdf.g[0][15:], kernel.rdf[15:], rtol=3e-3)


@pytest.mark.parametrize("change", ["wrapped", "moved", "reordered", "turned"])
def test_does_not_depend_on_what_must_not_matter(sheared: Any, rotation: Any, change: str) -> None:
    positions, cell, symbols = sheared
    base = radial_distribution(positions, cell, symbols.tolist(), r_max=4.5, bins=30)
    if change == "wrapped":
        positions = positions + np.random.default_rng(0).integers(-2, 3, positions.shape) @ cell
    elif change == "moved":
        positions = positions + [0.3, -8.1, 2.7]
    elif change == "reordered":
        order = np.random.default_rng(1).permutation(len(symbols))
        positions, symbols = positions[:, order], symbols[order]
    else:
        positions, cell = positions @ rotation.T, cell @ rotation.T
    again = radial_distribution(positions, cell, symbols.tolist(), r_max=4.5, bins=30)
    np.testing.assert_allclose(again.g, base.g, atol=1e-9)


def test_gas_without_correlations_has_one_everywhere() -> None:
    rng = np.random.default_rng(3)
    positions = rng.uniform(0, 12, (40, 100, 3))
    rdf = radial_distribution(positions, np.eye(3) * 12, ["Li"] * 40 + ["S"] * 60, r_max=6, bins=6)
    for (a, b), g, shells in zip(rdf.pairs, rdf.g, rdf.shells, strict=True):
        noise = 1.0 / np.sqrt(shells * rdf.n_frames)
        assert (np.abs(g - 1.0) < 5 * noise).all(), (a, b)


def test_landmarks_of_the_argyrodite(aimd: Callable[[str], Any]) -> None:
    """P-S at 2.07 A with four S (Chen 2025), S-P-S near 109.5 degrees; no P-P bond in a crystal."""
    positions, cell, symbols = aimd("0p-run1")
    rdf = radial_distribution(positions[::10], cell, symbols.tolist(), r_max=8.0)
    assert rdf.r[np.argmax(rdf.partial("S", "P"))] == pytest.approx(2.07, abs=0.06)  # A
    low = first_minimum(rdf, "P", "S")
    assert 2.4 < low < 3.6
    assert np.interp(low, rdf.edges[1:], rdf.coordination("P", "S")) == pytest.approx(4.0)
    assert np.interp(low, rdf.edges[1:], rdf.coordination("S", "P")) == pytest.approx(4.0 * 32 / 160)
    assert rdf.coordination("P", "P")[rdf.r < 3].max() == 0.0
    angles = angle_distribution(positions[::10], cell, symbols.tolist())
    assert angles.mean == pytest.approx(109.47, abs=0.5)  # degrees
    assert angles.counts.sum() == 14 * 32 * 6


def test_angles_equal_the_slow_twin(sheared: Any) -> None:
    positions, cell, symbols = sheared
    found = angle_distribution(positions, cell, symbols.tolist(), centre="Li", ends=["S", "Li"], cutoff=3.5)
    expected = []
    for frame in positions:
        for i in np.flatnonzero(symbols == "Li"):
            v = np.delete(minimum_image(frame - frame[i], cell), i, axis=0)
            v = v[np.linalg.norm(v, axis=1) < 3.5]
            for j in range(len(v)):
                for k in range(j):
                    cosine = v[j] @ v[k] / np.linalg.norm(v[j]) / np.linalg.norm(v[k])
                    expected.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    assert found.counts.sum() == len(expected)
    assert found.mean == pytest.approx(np.mean(expected), abs=1e-6)
    assert found.std == pytest.approx(np.std(expected), abs=1e-5)


def test_parts_add_up(sheared: Any) -> None:
    positions, cell, symbols = sheared
    whole = radial_distribution(positions, cell, symbols.tolist(), r_max=4.5)
    left, right = (RadialHistogram(symbols.tolist(), 4.5) for _ in range(2))
    left.add(positions[0], cell)
    for frame in positions[1:]:
        right.add(frame, cell)
    left.merge(right.state())
    np.testing.assert_allclose(left.result().g, whole.g, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"r_max": 8.0}, "r_max: need at most half of the smallest height of the cell, 5 A, got 8 A; use a shorter"),
        ({"r_max": -1.0}, "r_max: need a positive radius in A, got -1.0"),
        ({"r_max": 4.0, "pairs": [("Li", "P")]}, "pairs: need atoms of P, got only Li, S; choose species"),
    ],
)  # fmt: skip
def test_bad_input(sheared: Any, options: dict[str, Any], sentence: str) -> None:
    positions, cell, symbols = sheared
    with pytest.raises(InputError, match=sentence):
        radial_distribution(positions, cell, symbols.tolist(), **options)


def test_more_bad_input(sheared: Any) -> None:
    positions, cell, symbols = sheared
    rdf = radial_distribution(positions, cell, symbols.tolist(), r_max=4.0, bins=8)
    with pytest.raises(InputError, match="pair: need one of Li-Li, Li-S, S-S, got Li-P"):
        rdf.partial("Li", "P")
    with pytest.raises(InputError, match=r"g\(r\) of Li-S: need two peaks, got"):
        first_minimum(rdf, "Li", "S")
    with pytest.raises(InputError, match="species: need one symbol for each of 60 atoms"):
        radial_distribution(positions, cell, ["Li"], r_max=4.0)
    with pytest.raises(InputError, match="positions: need finite coordinates"):
        radial_distribution(np.where(positions > 5, np.nan, positions), cell, symbols.tolist(), r_max=4.0)
    with pytest.raises(InputError, match="centre: need atoms of P, got only Li, S"):
        angle_distribution(positions, cell, symbols.tolist(), centre="P")
    with pytest.raises(InputError, match="cutoff: need atoms with two bonds, got none within 0.01 A"):
        angle_distribution(positions, cell, symbols.tolist(), centre="Li", cutoff=0.01)
    with pytest.raises(InputError, match="cell: need one cell, or one for each of 3 frames, got 2 cells"):
        radial_distribution(positions, np.stack([cell, cell]), symbols.tolist(), r_max=4.0)
