"""Structure factors: limits, crystals, two roads to one curve, dynasor, tables, bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.compiled import kernels
from ionpath.errors import InputError
from ionpath.structure import (
    direct_structure_factors,
    first_sharp_diffraction_peak,
    neutron_lengths,
    partial_structure_factors,
    r_chi,
    radial_distribution,
    read_structure_factor,
    reciprocal_vectors,
    total_structure_factor,
    xray_form_factors,
)
from ionpath.structure.reciprocal import CompiledSums, VectorSums, density_modes, phase_sums

ATOMIC_NUMBERS = {
    "Li": 3, "O": 8, "F": 9, "Na": 11, "Al": 13, "Si": 14, "P": 15, "S": 16, "Cl": 17, "Ge": 32, "As": 33,
    "Se": 34, "Br": 35, "Sn": 50, "Sb": 51, "I": 53, "Li+": 2, "Cl-": 18, "Br-": 36,
}  # fmt: skip


def hard_liquid(seed: int, n: int = 240, box: float = 16.0, least: float = 1.9) -> Any:
    """Random points that keep a distance: a liquid without long-range order."""
    rng = np.random.default_rng(seed)
    points: list[Any] = []
    while len(points) < n:
        trial = rng.uniform(0, box, 3)
        if points:
            d = np.array(points) - trial
            d -= box * np.rint(d / box)
            if (np.einsum("ij,ij->i", d, d) < least**2).any():
                continue
        points.append(trial)
    return np.array(points)


def test_mean_scattering_length_of_lithium_thiophosphate() -> None:
    b = neutron_lengths(["Li", "P", "S"])
    assert (3 * b["Li"] + b["P"] + 4 * b["S"]) / 8 == pytest.approx(1.352, abs=5e-4)  # fm, PHYSICS 3.3
    assert neutron_lengths(["Li"], isotopes={"Li": "7Li"})["Li"] == -2.22  # fm


def test_gas_scatters_like_single_atoms() -> None:
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 14, (200, 60, 3))
    s = direct_structure_factors(positions, np.eye(3) * 14, ["Li"] * 20 + ["S"] * 40, q_max=3, max_per_bin=30)
    for (a, b), values in zip(s.pairs, s.partials, strict=True):
        c = np.sqrt(s.fractions[a] * s.fractions[b])
        noise = 1.0 / c / np.sqrt(200 * len(values))
        assert abs(values.mean() - 1.0) < 5 * noise, (a, b)


def test_two_roads_to_the_structure_factor_of_a_liquid() -> None:
    positions = np.array([hard_liquid(seed) for seed in range(12)])
    cell, species = np.eye(3) * 16.0, ["S"] * 240
    direct = direct_structure_factors(positions, cell, species, q_max=9.0, q_min=1.0, max_per_bin=60)
    q, partials, counts = direct.binned(np.arange(1.2, 9.01, 0.3))
    rdf = radial_distribution(positions, cell, species, r_max=8.0, bins=400)
    transformed = partial_structure_factors(rdf, q)
    noise = partials[0] / np.sqrt(12 * counts)
    assert (np.abs(transformed[0] - partials[0]) < 5 * noise + 0.03).all()
    damped = partial_structure_factors(rdf, q, lorch=True)
    assert np.abs(damped - transformed).max() < 0.25
    assert partial_structure_factors(rdf, np.linspace(25, 40, 200)).mean() == pytest.approx(1.0, abs=0.02)


def test_bragg_peaks_of_a_crystal() -> None:
    """Simple cubic with d = 2.5 A: S = N at multiples of 2 pi / d, 0 elsewhere."""
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) * 2.5
    s = direct_structure_factors(grid + 0.3, np.eye(3) * 10, ["S"] * 64, q_max=3.6, max_per_bin=None)
    peaks = (s.vectors % 4 == 0).all(axis=1)
    np.testing.assert_allclose(s.q[peaks], 2 * np.pi / 2.5 * np.linalg.norm(s.vectors[peaks] / 4, axis=1))
    np.testing.assert_allclose(s.partials[0, peaks], 64.0)
    np.testing.assert_allclose(s.partials[0, ~peaks], 0.0, atol=1e-9)


def test_density_modes_equal_the_plain_sum(sheared: Any) -> None:
    positions, cell, symbols = sheared
    vectors = reciprocal_vectors(cell, 3.0, max_per_bin=5)
    groups = [np.flatnonzero(symbols == s) for s in ("Li", "S")]
    fast = density_modes(positions[0], cell, groups, vectors)
    k = 2 * np.pi * vectors @ np.linalg.inv(cell).T
    slow = np.array([np.exp(1j * positions[0][g] @ k.T).sum(axis=0) for g in groups])
    np.testing.assert_allclose(fast, slow, atol=1e-9)


def compiled_sums(groups: Any, vectors: Any) -> CompiledSums:
    compiled = kernels()
    if compiled is None:
        pytest.skip("numba compiles the sums; pip install numba")
    return CompiledSums(groups, vectors, compiled)


@pytest.mark.parametrize("way", [compiled_sums, VectorSums])
def test_both_ways_to_sum_equal_the_plain_sum(sheared: Any, way: Any, monkeypatch: Any) -> None:
    positions, cell, symbols = sheared
    vectors = np.random.default_rng(2).integers(-7, 8, (200, 3))
    vectors[:7] = [[0, 0, 0], [1, 0, 0], [0, -1, 0], [0, 0, 3], [-2, 0, 5], [0, 0, -1], [7, -7, -7]]
    groups = [np.flatnonzero(symbols == s) for s in ("S", "Li")]
    k = 2 * np.pi * vectors @ np.linalg.inv(cell).T
    shift = 3.0 * cell.sum(axis=0)  # periods away from the origin
    slow = np.array([np.exp(1j * positions[0][g] @ k.T).sum(axis=0) for g in groups])
    for few in (1 << 30, 1):  # in one block, and in the smallest ones
        monkeypatch.setattr("ionpath.structure.reciprocal._PHASES", few)
        found = way(groups, vectors)((positions[0] + shift) @ np.linalg.inv(cell))
        np.testing.assert_allclose(found, slow, atol=1e-10)


def test_sums_without_numba_are_the_same(sheared: Any, monkeypatch: Any) -> None:
    positions, cell, symbols = sheared
    every = reciprocal_vectors(cell, 4.0, max_per_bin=None)
    groups = [np.flatnonzero(symbols == s) for s in ("S", "Li")]
    coordinates = positions[0] @ np.linalg.inv(cell)
    ours = phase_sums(groups, every)(coordinates)
    monkeypatch.setattr("ionpath.structure.reciprocal.kernels", lambda: None)
    plain = phase_sums(groups, every)
    assert isinstance(plain, VectorSums)
    np.testing.assert_allclose(ours, plain(coordinates), atol=1e-10)


def test_vectors_are_all_and_once(sheared: Any) -> None:
    cell = sheared[1]
    vectors = reciprocal_vectors(cell, 2.0, max_per_bin=None)
    n = np.stack(np.meshgrid(*[np.arange(-8, 9)] * 3), -1).reshape(-1, 3)
    q = 2 * np.pi * np.linalg.norm(n @ np.linalg.inv(cell).T, axis=1)
    expected = {tuple(v) for v in n[(q <= 2.0) & (q > 0)].tolist()}
    found = {tuple(v) for v in vectors.tolist()}
    assert len(found) == len(vectors) == len(expected) // 2
    assert found | {(-a, -b, -c) for a, b, c in found} == expected


def test_equals_dynasor_on_real_data(aimd: Callable[[str], Any]) -> None:
    dynasor = pytest.importorskip("dynasor", reason="dynasor is the referee; pip install dynasor")
    positions, cell, symbols = aimd("50p-run1")
    frames, order = positions[:3], np.argsort(symbols, kind="stable")
    vectors = reciprocal_vectors(cell, 3.0, max_per_bin=10)
    kernel = pytest.importorskip("dynasor.core.reciprocal", reason="dynasor is the referee")
    q = 2 * np.pi * vectors @ np.linalg.inv(cell).T
    ours = direct_structure_factors(frames, cell, symbols.tolist(), q_max=3.0, max_per_bin=10)
    np.testing.assert_allclose(ours.q, np.linalg.norm(q, axis=1))
    assert dynasor.__version__
    row = ours.pairs.index(("Li", "S"))
    c = ours.fractions["Li"] * ours.fractions["S"]
    theirs = np.zeros(len(q))
    for frame in frames[:, order]:
        modes = {s: kernel.calc_rho_q(frame[symbols[order] == s], q) for s in ("Li", "S")}
        theirs += (modes["Li"] * modes["S"].conj()).real / len(symbols) / len(frames)
    np.testing.assert_allclose(ours.partials[row], 1.0 + theirs / c, rtol=1e-6, atol=1e-6)


def test_total_of_one_species_is_its_partial_and_the_published_one_is_not_normalised() -> None:
    partials = np.array([[1.2, 0.8], [1.1, 0.9], [0.7, 1.3]])
    pairs = (("Li", "Li"), ("Li", "S"), ("S", "S"))
    c, b = {"Li": 0.25, "S": 0.75}, {"Li": -1.9, "S": 2.847}
    mean = 0.25 * -1.9 + 0.75 * 2.847
    expected = (
        1
        + (
            (0.25 * -1.9) ** 2 * (partials[0] - 1)
            + 2 * 0.25 * 0.75 * -1.9 * 2.847 * (partials[1] - 1)
            + (0.75 * 2.847) ** 2 * (partials[2] - 1)
        )
        / mean**2
    )
    np.testing.assert_allclose(total_structure_factor(partials, pairs, c, b), expected)
    literal = (
        (0.25 * -1.9) ** 2 * partials[0] + 0.25 * 0.75 * -1.9 * 2.847 * partials[1] + (0.75 * 2.847) ** 2 * partials[2]
    )
    np.testing.assert_allclose(total_structure_factor(partials, pairs, c, b, mode="published"), literal)


def test_comparison_with_an_experiment(tmp_path: Path) -> None:
    file = tmp_path / "experiment.csv"
    file.write_text("# measured\nQ, S\n2.0, 1.5\n1.0, 0.5\n3.0, 1.0\n")
    q, s = read_structure_factor(file)
    assert q.tolist() == [1.0, 2.0, 3.0] and s.tolist() == [0.5, 1.5, 1.0]
    grid = np.linspace(0.5, 4, 200)
    assert r_chi(q, s, grid, np.interp(grid, q, s)) == pytest.approx(0.0, abs=2.0)
    expected = 100 * np.sqrt((0.25 + 0.25 + 0) / (0.25 + 2.25 + 1))  # percent, by hand
    assert r_chi(q, s, grid, np.ones(200)) == pytest.approx(expected)
    (tmp_path / "bad.txt").write_text("1.0 2.0\nnot numbers\n")
    with pytest.raises(InputError, match="need two columns of numbers, Q and S"):
        read_structure_factor(tmp_path / "bad.txt")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match=r"empty.txt: need two columns of numbers, Q and S\(Q\), got none"):
        read_structure_factor(tmp_path / "empty.txt")


def test_bad_input(sheared: Any) -> None:
    positions, cell, symbols = sheared
    rdf = radial_distribution(positions, cell, symbols.tolist(), r_max=4.0)
    with pytest.raises(InputError, match="q: need positive moduli in 1/A"):
        partial_structure_factors(rdf, [0.0, 1.0])
    with pytest.raises(InputError, match="species: need elements with a known neutron scattering length, got Xx"):
        neutron_lengths(["Xx"])
    with pytest.raises(InputError, match="species: need elements with a tabulated X-ray form factor, got Xx"):
        xray_form_factors(["Xx"], [1.0])
    with pytest.raises(InputError, match="pairs: need the pair Li-S, got none; compute all pairs"):
        total_structure_factor([[1.0]], (("Li", "Li"),), {"Li": 0.5, "S": 0.5}, {"Li": 1.0, "S": 1.0})
    with pytest.raises(InputError, match="mode: need 'correct' or 'published', got 'x'"):
        total_structure_factor([[1.0]], (("Li", "Li"),), {"Li": 1.0}, {"Li": 1.0}, mode="x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="q_max: need more than the shortest vector"):
        reciprocal_vectors(cell, 0.01)
    with pytest.raises(InputError, match="a peak between 0.6 and 2.2 1/A, got none"):
        first_sharp_diffraction_peak(np.linspace(0.5, 5, 50), np.ones(50))
    with pytest.raises(InputError, match="q_range: need moduli between 1 and 2 1/A"):
        r_chi([1.5, 1.6, 1.7], [1, 1, 1], [1, 2], [1, 1], q_range=(0.5, 2))
    with pytest.raises(InputError, match="q_experiment: need at least three points in the range, got 1"):
        r_chi([1.5, 2.6, 2.7], [1, 1, 1], [1, 2], [1, 1])
