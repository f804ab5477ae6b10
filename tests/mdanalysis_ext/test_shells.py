"""Shells from a Universe, from crystals of two hosts, and from the ion density."""

from __future__ import annotations

import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath_mdanalysis import CoordinationShells, ShellStates
from ionpath_mdanalysis.example import EDGE, RADIUS, hopping_universe
from ionpath_mdanalysis.shells import FORMERS


def argyrodite():
    """Ordered Li6PS5Cl with lithium on the cage sites, 2x2x2 cells, as ASE Atoms."""
    import ase

    from ionpath.lattice.argyrodite import REFERENCE_EDGE, cage_sites, framework

    positions, elements, orbits = framework()
    points = np.concatenate([cage_sites(), positions])
    symbols = ["Li"] * len(cage_sites()) + [str(e) for e in elements]
    cell = ase.Atoms(symbols, scaled_positions=points, cell=[REFERENCE_EDGE] * 3, pbc=True)
    return cell.repeat(2), np.tile(np.concatenate([np.full(len(cage_sites()), "Li"), orbits]), 8)


def same_sites(a, b, tolerance):
    """Every site of one is near to a site of the other with the same label."""
    from ionpath.periodic import minimum_image

    apart = np.linalg.norm(minimum_image(a.site_positions[:, None] - b.site_positions, a.cell), axis=-1)
    nearest = apart.argmin(axis=1)
    assert sorted(nearest) == list(range(b.n_sites))
    assert apart.min(axis=1).max() < tolerance
    assert np.array_equal(a.vertex, b.vertex[nearest])


def test_found_vertices_are_those_of_the_crystal(universe, shells):
    found = CoordinationShells.from_universe(universe, centres="name S", mobile="name Li", n_vertices=6)
    assert isinstance(found, CoordinationShells)
    assert (found.n_centres, found.n_sites) == (8, 48)
    same_sites(found, shells, 0.25)
    assert np.array_equal(found.centre_atoms, universe.select_atoms("name S").ix)
    assert np.linalg.norm(found.offsets, axis=1) == pytest.approx(RADIUS, abs=0.1)


def test_centres_are_found_too(universe):
    found = CoordinationShells.from_universe(universe)
    assert np.array_equal(found.centre_atoms, universe.select_atoms("name S").ix)


@pytest.mark.parametrize("change", [{"drift": 0.05}, {"wrapped": False}, {"strain": 0.005}])
def test_drift_wrapping_and_strain_do_not_matter(shells, change):
    u = hopping_universe(n_frames=600, seed=3, **change)
    for found in (
        CoordinationShells.from_universe(u, "name S", "name Li"),
        CoordinationShells.from_density(u, "name Li", n_vertices=6),
    ):
        assert found.n_sites == 48
        same_sites(found, shells, 0.35)


def test_density_needs_no_model(universe, lithium, shells):
    found = CoordinationShells.from_density(universe)
    assert found.centre_atoms is None
    same_sites(found, shells, 0.35)
    states = ShellStates(lithium, found).run()
    known = ShellStates(lithium, shells).run()
    assert (states.results.states == known.results.states).mean() > 0.99


def test_frames_can_be_chosen(universe):
    here = universe.trajectory[5].frame
    found = CoordinationShells.from_universe(universe, "name S", stop=300, step=3, max_frames=60)
    assert found.n_sites == 48
    assert universe.trajectory.frame == here


def test_two_hosts_give_the_same_shells(crystal_atoms):
    from pymatgen.io.ase import AseAtomsAdaptor

    from_ase = CoordinationShells.from_structure(crystal_atoms, centres="S", n_vertices=6)
    from_pymatgen = CoordinationShells.from_structure(
        AseAtomsAdaptor.get_structure(crystal_atoms), centres="S", n_vertices=6
    )
    assert np.array_equal(from_ase.vertex, from_pymatgen.vertex)
    assert np.allclose(from_ase.offsets, from_pymatgen.offsets)
    assert from_pymatgen.centre_atoms.tolist() == list(range(48, 56))


def test_free_sulfur_of_an_argyrodite():
    atoms, orbits = argyrodite()
    shells = CoordinationShells.from_structure(atoms, n_vertices=6)
    assert set(orbits[shells.centre_atoms]) == {"4d"}
    assert set(shells.kinds) == {"S"}
    assert shells.n_centres == 32
    assert {"P", "Si"} <= FORMERS
    by_index = CoordinationShells.from_structure(atoms, centres=np.flatnonzero(orbits == "4d"), n_vertices=6)
    assert np.array_equal(by_index.vertex, shells.vertex)


def test_partly_occupied_sites_count(crystal_atoms):
    from pymatgen.core import Lattice, Structure

    half = Structure(
        Lattice.cubic(2 * EDGE),
        [{"Li": 0.5} if symbol == "Li" else symbol for symbol in crystal_atoms.get_chemical_symbols()],
        crystal_atoms.get_scaled_positions(),
    )
    assert CoordinationShells.from_structure(half, n_vertices=6).n_sites == 48


def test_atoms_in_another_order_are_noticed(crystal_atoms):
    atoms, _ = argyrodite()
    shells = CoordinationShells.from_structure(atoms, n_vertices=6)
    u = mda.Universe(atoms[::-1], dt=1.0)
    with pytest.raises(
        InputError, match="shells: need S as centre of shell 0, got .*ordered differently: pass centres"
    ):
        ShellStates(u.select_atoms("name Li"), shells)
    few = mda.Universe(atoms[:100], dt=1.0)
    with pytest.raises(
        InputError, match="shells: need centres among the 100 atoms of the universe, got atom"
    ):
        ShellStates(few.select_atoms("name Li"), shells)


def test_refusals(universe, crystal_atoms):
    with pytest.raises(
        InputError, match="centres: need at least one atom, got an empty selection; the universe holds"
    ):
        CoordinationShells.from_universe(universe, "name Cl")
    with pytest.raises(InputError, match="mobile: need at least one atom, got an empty selection"):
        CoordinationShells.from_universe(universe, "name S", "name Na")
    with pytest.raises(
        InputError, match="centres: need atoms that are not mobile, got 24 mobile ions among them"
    ):
        CoordinationShells.from_universe(universe, "all", "name Li")
    with pytest.raises(InputError, match=r"centre 0 \(S, atom 24\): need 20 vertices, got"):
        CoordinationShells.from_universe(universe, "name S", n_vertices=20)
    with pytest.raises(InputError, match=r"centre 0 \(S, atom 48\): need 5 vertices, got 6"):
        CoordinationShells.from_structure(crystal_atoms, n_vertices=5)
    with pytest.raises(InputError, match="mobile: need Na in the structure, got Li, S; name another element"):
        CoordinationShells.from_structure(crystal_atoms, mobile="Na")
    with pytest.raises(InputError, match="centres: need atoms of that element, got none in the structure"):
        CoordinationShells.from_structure(crystal_atoms, centres="Cl")
    with pytest.raises(
        InputError, match="structure: need a pymatgen Structure or ASE Atoms, got dict; read it with"
    ):
        CoordinationShells.from_structure({})
    no_box = mda.Universe.empty(2, trajectory=True)
    no_box.add_TopologyAttr("name", ["Li", "S"])
    with pytest.raises(InputError, match="box: need a periodic cell in every frame, got none at frame 0"):
        CoordinationShells.from_universe(no_box, "name S")
    with pytest.raises(InputError, match="centres: need chemical elements in the topology, got none"):
        CoordinationShells.from_universe(no_box)
