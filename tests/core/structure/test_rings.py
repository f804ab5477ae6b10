"""Persistent homology on the torus, and rings: lattices with known holes, brute force, invariance, bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gudhi", reason="persistent homology needs gudhi")

from ionpath.errors import InputError
from ionpath.periodic import minimum_image, wrap_fractional
from ionpath.structure import persistence_diagram, persistent_rings
from ionpath.structure.homology import diagram_by_gudhi, diagram_of, periodic_alpha_complex, triangulated


def gas(seed: int = 0, n: int = 60, least: float = 1.2) -> Any:
    rng = np.random.default_rng(seed)
    cell = np.array([[12.0, 0, 0], [2.0, 11.5, 0], [-1.5, 1.0, 12.5]])
    points: list[Any] = []
    while len(points) < n:
        trial = rng.uniform(0, 1, 3) @ cell
        if points and (np.linalg.norm(minimum_image(np.array(points) - trial, cell), axis=1) < least).any():
            continue
        points.append(trial)
    return np.array(points), cell


def test_complex_is_a_triangulation_of_the_torus() -> None:
    positions, cell = gas()
    complex_ = periodic_alpha_complex(positions, cell)
    n = [len(s) for s in complex_.simplices]
    assert n[0] == 60
    assert n[0] - n[1] + n[2] - n[3] == 0  # Euler characteristic of the torus
    assert 2 * n[3] == n[2]  # every triangle bounds two tetrahedra


@pytest.mark.parametrize("weighted", [False, True])
def test_dual_of_the_cells_is_the_triangulation_of_gudhi(weighted: bool) -> None:
    """The same simplices with the same values, and the same rings by both reductions modulo 2."""
    positions, cell = gas(4, 120, 1.0)
    radii = np.where(np.arange(120) < 60, 0.3, 1.1) if weighted else None
    fast = periodic_alpha_complex(positions, cell, radii)
    # The random displacements of both are those of one seed.
    moved = wrap_fractional(positions @ np.linalg.inv(cell)) @ cell
    moved += np.random.default_rng(20).uniform(-1e-5, 1e-5, positions.shape)
    slow = triangulated(moved, cell, None if radii is None else radii**2)
    for ours, theirs in zip(fast.simplices, slow.simplices, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for value, reference in zip(fast.values, slow.values, strict=True):
        np.testing.assert_allclose(value, reference, rtol=1e-5, atol=1e-5)
    ours_, theirs_ = diagram_of(fast), diagram_by_gudhi(fast)
    assert len(ours_.birth) > 40
    np.testing.assert_array_equal(ours_.birth_simplex, theirs_.birth_simplex)
    np.testing.assert_array_equal(ours_.death_simplex, theirs_.death_simplex)
    np.testing.assert_array_equal([ours_.birth, ours_.death], [theirs_.birth, theirs_.death])


def closed_by_networkx(positions: Any, cell: Any, some: slice) -> list[int]:
    """Sizes again: shortest paths in 3 x 3 x 3 images of the network, by another library."""
    networkx = pytest.importorskip("networkx", reason="networkx is the referee")
    complex_ = periodic_alpha_complex(positions, cell)
    edges, values, images = complex_.simplices[1], complex_.values[1], complex_.edge_images
    diagram = diagram_of(complex_)
    lasting = np.flatnonzero(diagram.death_radius - diagram.birth_radius >= 0.1)[some]
    shifts = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3), -1).reshape(-1, 3).tolist()
    found = []
    for edge in diagram.birth_simplex[lasting]:
        closing = int(np.flatnonzero((edges == edge).all(axis=1))[0])
        graph = networkx.Graph()
        for k in np.flatnonzero(values <= values[closing] + 1e-3):
            (a, b), image = edges[k].tolist(), images[k]
            graph.add_edges_from(((a, *s), (b, *(image + s).tolist())) for s in shifts)
        first, last = (int(edge[0]), 0, 0, 0), (int(edge[1]), *images[closing].tolist())
        graph.remove_edge(first, last)
        closed = networkx.has_path(graph, first, last)
        found.append(networkx.shortest_path_length(graph, first, last) + 1 if closed else 0)
    return found


def test_cycles_are_the_shortest_in_space() -> None:
    positions, cell = gas(5)
    rings = persistent_rings(positions, cell, ["S"] * 60, select=["S"])
    assert rings.copies == 1 and len(rings.size) > 40
    some = slice(None, None, 5)
    again = closed_by_networkx(positions, cell, some)
    assert np.where(rings.winds, 0, rings.size)[some].tolist() == again and max(again) > 4


def test_kernels_are_what_python_makes_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without numba: gudhi's complex and diagram, and the search of the cycles uncompiled."""
    positions, cell = gas(6, 40)
    fast = persistent_rings(positions, cell, ["S"] * 40, select=["S"])
    for module in ("rings", "homology", "_power_cells"):
        monkeypatch.setattr(f"ionpath.structure.{module}.kernels", lambda: None)
    slow = persistent_rings(positions, cell, ["S"] * 40, select=["S"])
    np.testing.assert_array_equal(fast.members, slow.members)
    np.testing.assert_array_equal(fast.winds, slow.winds)
    np.testing.assert_allclose(fast.death, slow.death, atol=1e-5)


def test_long_rings_are_found_and_a_limit_takes_its_remedy() -> None:
    """A ring of 80 atoms, radius 20 A; the limit that the message names lets it pass."""
    angle = np.arange(80) * 2 * np.pi / 80
    ring = np.c_[20 * np.cos(angle), 20 * np.sin(angle), np.zeros(80)] + 40
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) * 20.0 + 0.3
    others = grid[np.linalg.norm(grid - 40, axis=1) > 32]
    atoms, kinds = np.r_[ring, others], ["S"] * (80 + len(others))
    rings = persistent_rings(atoms, np.eye(3) * 80, kinds, select=["S"], min_persistence=5.0)
    assert rings.size.max() == 80
    with pytest.raises(InputError, match=r"more than 60 atoms \(80\); leave it out, or longest=80"):
        persistent_rings(atoms, np.eye(3) * 80, kinds, select=["S"], min_persistence=5.0, longest=60)
    again = persistent_rings(atoms, np.eye(3) * 80, kinds, select=["S"], min_persistence=5.0, longest=80)
    np.testing.assert_array_equal(again.members, rings.members)


def test_filtration_values_are_those_of_the_balls() -> None:
    """An edge is worth half its length squared where no third atom lies inside its sphere, else more."""
    positions, cell = gas()
    complex_ = periodic_alpha_complex(positions, cell)
    edges, values = complex_.simplices[1], complex_.values[1]
    vectors = positions[edges[:, 1]] - positions[edges[:, 0]]
    lengths = np.linalg.norm(minimum_image(vectors, cell), axis=1)
    assert (values >= lengths**2 / 4 - 1e-3).all()
    for edge, vector, value, length in zip(edges, minimum_image(vectors, cell), values, lengths, strict=True):
        middle = positions[edge[0]] + vector / 2
        inside = np.delete(np.linalg.norm(minimum_image(positions - middle, cell), axis=1), edge).min()
        if inside > length / 2 + 1e-4:
            assert value == pytest.approx(length**2 / 4, abs=1e-3)


def test_simple_cubic_lattice_has_square_rings() -> None:
    """Lattice constant 2 A: squares close at 1 A and fill at sqrt(2) A; cubes fill at sqrt(3) A."""
    cubic = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) * 2.0 + 0.7
    rings = persistent_rings(cubic, np.eye(3) * 8, ["S"] * 64, select=["S"], min_persistence=0.2)
    # 192 edges - 64 + 1 = 129 independent cycles, three of which wind around the torus.
    assert len(rings.size) == 126 and set(rings.size.tolist()) == {4}
    np.testing.assert_allclose(rings.birth_radius, 1.0, atol=1e-3)
    np.testing.assert_allclose(rings.death_radius, np.sqrt(2), atol=1e-3)
    cavities = persistence_diagram(cubic, np.eye(3) * 8, dimension=2)
    lasting = cavities.death - cavities.birth > 0.5
    assert lasting.sum() == 63  # 64 cubes, one fewer than which is filled last of all by the torus
    np.testing.assert_allclose(cavities.death_radius[lasting], np.sqrt(3), atol=1e-3)


def test_one_ring_of_atoms_is_found_with_its_size_and_radius() -> None:
    """A flat ring of twelve atoms, radius 5 A, far from a few others in a box of 40 A."""
    angle = np.arange(12) * 2 * np.pi / 12
    ring = np.c_[5 * np.cos(angle), 5 * np.sin(angle), np.zeros(12)] + 20
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) * 10.0 + 0.3
    others = grid[np.linalg.norm(grid - 20, axis=1) > 14]
    species = ["P", "S"] * 6 + ["S"] * len(others)
    rings = persistent_rings(np.r_[ring, others], np.eye(3) * 40, species, min_persistence=2.0)
    found = [k for k, m in enumerate(rings.members) if set(m[m >= 0].tolist()) == set(range(12))]
    assert len(found) == 1
    k = found[0]
    assert rings.size[k] == 12 and rings.formulas()[k] == "P6S6" and not rings.winds[k]
    assert rings.birth_radius[k] == pytest.approx(5 * np.sin(np.pi / 12), abs=1e-3)  # half an edge
    assert rings.death_radius[k] == pytest.approx(5.0, abs=1e-3)


def test_cycles_are_closed_paths_of_edges_that_are_there() -> None:
    positions, cell = gas(3)
    complex_ = periodic_alpha_complex(positions, cell)
    there = {tuple(e): v for e, v in zip(complex_.simplices[1].tolist(), complex_.values[1], strict=True)}
    rings = persistent_rings(positions, cell, ["S"] * 60, select=["S"], min_persistence=0.05)
    assert len(rings.size) > 20
    for members, size, birth in zip(rings.members, rings.size, rings.birth, strict=True):
        cycle = members[:size].tolist()
        assert len(set(cycle)) == size >= 3
        steps = [tuple(sorted((a, b))) for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True)]
        assert max(there[s] for s in steps) <= birth + 2e-3


@pytest.mark.parametrize("weighted", [False, True])
def test_diagram_does_not_depend_on_images_orientation_or_sequence(weighted: bool, rotation: Any) -> None:
    positions, cell = gas(1)
    radii = np.where(np.arange(60) < 30, 0.4, 0.7) if weighted else None
    base = persistence_diagram(positions, cell, radii=radii)
    rng = np.random.default_rng(0)
    order = rng.permutation(60)
    moved = (positions + rng.integers(-2, 3, positions.shape) @ cell + [3.0, 1.0, -7.0])[order] @ rotation.T
    again = persistence_diagram(moved, cell @ rotation.T, radii=None if radii is None else radii[order])
    lasting = [np.sort((d.death - d.birth)[d.death - d.birth > 0.01]) for d in (base, again)]
    np.testing.assert_allclose(lasting[0], lasting[1], atol=1e-3)


def test_equal_radii_shift_the_filtration() -> None:
    positions, cell = gas(1)
    plain = persistence_diagram(positions, cell)
    weighted = persistence_diagram(positions, cell, radii=np.full(60, 0.5))
    np.testing.assert_allclose(np.sort(weighted.death), np.sort(plain.death) - 0.25, atol=1e-6)


def test_small_cell_has_the_rings_of_its_repeats() -> None:
    rng = np.random.default_rng(7)
    basis = np.stack(np.meshgrid(*[np.arange(2)] * 3), -1).reshape(-1, 3) * 2.5 + rng.normal(0, 0.2, (8, 3))
    shifts = np.stack(np.meshgrid(*[np.arange(3)] * 3), -1).reshape(-1, 1, 3) * 5.0
    large = (basis + shifts).reshape(-1, 3)
    few = persistent_rings(basis, np.eye(3) * 5, ["S"] * 8, select=["S"])
    many = persistent_rings(large, np.eye(3) * 15, ["S"] * 216, select=["S"])
    assert many.copies == 1 and few.copies > 1
    # three cycles of every torus wind around it and never die
    assert (len(few.size) + 3) / few.copies == pytest.approx((len(many.size) + 3) / 27, abs=0.3)
    assert few.death_radius.mean() == pytest.approx(many.death_radius.mean(), abs=0.02)
    assert few.members.max() < 8 and many.members.max() < 216


def test_rings_of_the_argyrodite(aimd: Callable[[str], Any]) -> None:
    positions, cell, symbols = aimd("50p-run1")
    rings = persistent_rings(positions[0], cell, symbols.tolist())
    assert rings.composition.sum(axis=1).tolist() == rings.size.tolist()
    assert set(symbols[rings.members[rings.members >= 0]].tolist()) <= {"P", "S"}
    assert rings.death_radius.max() < 4.0 and (rings.death > rings.birth).all()


def test_bad_input() -> None:
    positions, cell = gas()
    with pytest.raises(InputError, match="positions: need one frame with at least eight atoms"):
        persistence_diagram(positions[:5], cell)
    with pytest.raises(InputError, match="radii: need 60 radii in A, got shape"):
        persistence_diagram(positions, cell, radii=[1.0])
    with pytest.raises(InputError, match="dimension: need 1 or 2, got 3"):
        persistence_diagram(positions, cell, dimension=3)
    with pytest.raises(InputError, match="cell: need a cell in which no two atoms are neighbours through two images"):
        persistence_diagram(positions[:9], cell)
    with pytest.raises(InputError, match="select: need atoms of P, got only S; choose species"):
        persistent_rings(positions, cell, ["S"] * 60)
    with pytest.raises(InputError, match="radii: need a radius of S, got none"):
        persistent_rings(positions, cell, ["S"] * 60, select=["S"], radii={"P": 1.0})
    with pytest.raises(InputError, match="longest: need room for every cycle, got a ring of more than 3 atoms"):
        persistent_rings(positions, cell, ["S"] * 60, select=["S"], longest=3)
