"""Averaged Steinhardt order and Voronoi volumes: perfect lattices, slow twins, freud, bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import sph_harm_y

from ionpath.errors import InputError
from ionpath.periodic import minimum_image
from ionpath.structure import averaged_steinhardt, voronoi, voronoi_volumes

CUBIC = np.array([[0.0, 0, 0]])
BCC = np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]])
FCC = np.array([[0.0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def slow_steinhardt(positions: Any, cell: Any, n_neighbours: int, l: int = 6, plus_one: bool = True) -> Any:
    """Definition of Lechner and Dellago, atom by atom, for cells that are wide enough."""
    n = len(positions)
    plain = np.empty((n, 2 * l + 1), dtype=complex)
    neighbours = []
    for i in range(n):
        d = np.delete(minimum_image(positions - positions[i], cell), i, axis=0)
        index = np.delete(np.arange(n), i)
        near = np.argsort(np.linalg.norm(d, axis=1))[:n_neighbours]
        neighbours.append(index[near])
        v = d[near]
        theta, phi = np.arccos(v[:, 2] / np.linalg.norm(v, axis=1)), np.arctan2(v[:, 1], v[:, 0])
        plain[i] = [sph_harm_y(l, m, theta, phi).mean() for m in range(-l, l + 1)]
    averaged = np.array(
        [(plain[i] + plain[near].sum(axis=0)) / (len(near) + plus_one) for i, near in enumerate(neighbours)]
    )
    return np.sqrt(4 * np.pi / (2 * l + 1) * (np.abs(averaged) ** 2).sum(axis=1))


@pytest.mark.parametrize(
    ("basis", "n_neighbours", "expected"), [(FCC, 12, 0.5745), (BCC, 14, 0.5107), (BCC, 8, 0.6285), (CUBIC, 6, 0.3536)]
)  # values of perfect lattices, Steinhardt 1983, PHYSICS 3.4
@pytest.mark.parametrize("repeats", [1, 4])
def test_perfect_lattices(basis: Any, n_neighbours: int, expected: float, repeats: int) -> None:
    shifts = np.stack(np.meshgrid(*[np.arange(repeats)] * 3), -1).reshape(-1, 1, 3)
    positions = (basis + shifts).reshape(-1, 3) * 4.0
    q6 = averaged_steinhardt(positions, np.eye(3) * 4.0 * repeats, n_neighbours=n_neighbours)
    np.testing.assert_allclose(q6, expected, atol=1e-4)


def test_the_divisor_counts_the_atom_itself() -> None:
    shifts = np.stack(np.meshgrid(*[np.arange(3)] * 3), -1).reshape(-1, 1, 3)
    positions = (FCC + shifts).reshape(-1, 3) * 4.0
    wrong = slow_steinhardt(positions, np.eye(3) * 12.0, 12, plus_one=False)
    np.testing.assert_allclose(wrong, 0.622, atol=1e-3)  # what the printed divisor gives, PHYSICS 3.4


@pytest.mark.parametrize(("l", "averaged"), [(6, True), (4, True), (6, False)])
def test_equals_freud_and_the_slow_twin_on_real_data(aimd: Callable[[str], Any], l: int, averaged: bool) -> None:
    freud = pytest.importorskip("freud", reason="freud is the referee")
    from ionpath.frames import freud_system

    positions, cell, _ = aimd("50p-run2")
    found = averaged_steinhardt(positions[7], cell, l=l, averaged=averaged)
    kernel = freud.order.Steinhardt(l=l, average=averaged)
    kernel.compute(freud_system(positions[7], cell), neighbors={"num_neighbors": 12})
    np.testing.assert_allclose(found, kernel.particle_order, atol=1e-5)
    if averaged and l == 6:
        np.testing.assert_allclose(found, slow_steinhardt(positions[7], cell, 12), atol=2e-5)


def test_order_does_not_depend_on_images_orientation_or_sequence(sheared: Any, rotation: Any) -> None:
    positions, cell, _ = sheared
    base = averaged_steinhardt(positions, cell)
    jumped = positions + np.random.default_rng(0).integers(-2, 3, positions.shape) @ cell + [1.0, -2.0, 0.3]
    np.testing.assert_allclose(averaged_steinhardt(jumped, cell), base, atol=1e-4)
    np.testing.assert_allclose(averaged_steinhardt(positions @ rotation.T, cell @ rotation.T), base, atol=1e-4)
    np.testing.assert_allclose(averaged_steinhardt(positions[:, ::-1], cell)[:, ::-1], base, atol=1e-4)


def test_plain_volumes_equal_freud_and_fill_the_cell(aimd: Callable[[str], Any]) -> None:
    freud = pytest.importorskip("freud", reason="freud is the referee")
    from ionpath.frames import freud_system

    positions, cell, symbols = aimd("0p-run1")
    lithium = np.flatnonzero(symbols == "Li")
    found = voronoi_volumes(positions[:2], cell, lithium)
    for row, frame in zip(found, positions[:2], strict=True):
        reference = freud.locality.Voronoi().compute(freud_system(frame, cell)).volumes
        np.testing.assert_allclose(row, reference[lithium], rtol=1e-5)
    everything = voronoi_volumes(positions[0], cell)
    assert everything.sum() == pytest.approx(np.linalg.det(cell), rel=1e-6)


@pytest.mark.parametrize("mode", ["plain", "radical"])
def test_volumes_equal_counted_points(mode: str) -> None:
    """Monte Carlo twin: the share of random points whose least power belongs to an atom."""
    rng = np.random.default_rng(2)
    cell = np.array([[9.0, 0, 0], [2.0, 8.5, 0], [-1.5, 2.5, 9.5]])
    positions = rng.uniform(0, 1, (20, 3)) @ cell
    radii = np.where(np.arange(20) < 8, 0.8, 1.7) if mode == "radical" else np.ones(20)
    found = voronoi_volumes(positions, cell, mode=mode, radii=radii)  # type: ignore[arg-type]
    points = rng.uniform(0, 1, (60_000, 3)) @ cell
    d = minimum_image(points[:, None] - positions[None], cell)
    owner = ((d**2).sum(axis=-1) - radii**2).argmin(axis=1)
    share = np.bincount(owner, minlength=20) / len(points)
    sigma = np.sqrt(share * (1 - share) / len(points))
    volume = np.linalg.det(cell)
    assert (np.abs(found / volume - share) < 5 * sigma + 2e-4).all()
    assert found.sum() == pytest.approx(volume, rel=1e-6)


def test_radical_cells_of_equal_atoms_are_plain(aimd: Callable[[str], Any]) -> None:
    positions, cell, symbols = aimd("50p-run1")
    few = np.flatnonzero(symbols == "Li")[:20]
    plain = voronoi_volumes(positions[3], cell, few)
    radical = voronoi_volumes(positions[3], cell, few, mode="radical", radii=np.full(len(symbols), 1.3))
    np.testing.assert_allclose(radical, plain, rtol=1e-5)


@pytest.mark.parametrize("atoms", [1, 2, 5, 40])
def test_compiled_cells_equal_those_of_freud_and_scipy(atoms: int) -> None:
    """Sheared cells down to one atom, whose neighbours are its own images; freud in single precision."""
    pytest.importorskip("numba", reason="the cells are compiled")
    pytest.importorskip("freud", reason="freud is the referee")
    rng = np.random.default_rng(atoms)
    cell = np.array([[1, 0, 0], [0.45, 1, 0], [-0.3, 0.4, 1.1]]) * 2.5 * atoms ** (1 / 3)
    positions, radii = rng.uniform(-1, 2, (atoms, 3)) @ cell, rng.uniform(0.5, 1.2, atoms)
    everyone = np.arange(atoms)
    np.testing.assert_allclose(voronoi_volumes(positions, cell), voronoi._plain(positions, cell), rtol=1e-5)
    some = everyone[::2]
    found = voronoi_volumes(positions, cell, some, mode="radical", radii=radii)
    np.testing.assert_allclose(found, voronoi._radical(positions, cell, some, radii), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "basis",
    [[[0, 0, 0]], [[0, 0, 0], [0.5, 0.5, 0.5]], [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]],
    ids=["sc", "bcc", "fcc"],
)
def test_cells_of_perfect_crystals_are_equal(basis: Any) -> None:
    """Corners in which more than three planes meet."""
    shifts = np.stack(np.meshgrid(*[np.arange(3)] * 3), -1).reshape(-1, 1, 3)
    positions = (shifts + np.array(basis, dtype=float)).reshape(-1, 3) * 4.1
    found = voronoi_volumes(positions, np.eye(3) * 12.3)
    np.testing.assert_allclose(found, 4.1**3 / len(basis), rtol=1e-6)


def test_bad_input(sheared: Any) -> None:
    positions, cell, _ = sheared
    with pytest.raises(InputError, match="cutoff: need a neighbour of every atom, got atoms without one within"):
        averaged_steinhardt(positions, cell, cutoff=0.5)
    with pytest.raises(InputError, match="l: need a whole number from 1 to 40, got 0; use 4 or 6"):
        averaged_steinhardt(positions, cell, l=0)
    with pytest.raises(InputError, match="n_neighbours: need a whole number from 1 to 1000, got 0"):
        averaged_steinhardt(positions, cell, n_neighbours=0)
    with pytest.raises(InputError, match="radii: need 60 positive radii in A for radical cells, got none"):
        voronoi_volumes(positions, cell, mode="radical")
    with pytest.raises(InputError, match="mode: need 'plain' or 'radical', got 'x'"):
        voronoi_volumes(positions, cell, mode="x")  # type: ignore[arg-type]
    twice = positions[0].copy()
    twice[7] = twice[3]
    with pytest.raises(InputError, match="positions: need atoms apart from each other, got"):
        voronoi_volumes(twice, cell)
    with pytest.raises(InputError, match="atoms: need indices from 0 to 59, got 3 to 99"):
        voronoi_volumes(positions, cell, [3, 99])
