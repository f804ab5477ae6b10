"""Shells from a Universe, from crystals of two hosts, and from the ion density."""

from __future__ import annotations

import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.elements import FORMERS
from ionpath.errors import InputError
from ionpath.periodic import minimum_image
from ionpath_mdanalysis import CoordinationShells, ShellStates, SiteNetwork
from ionpath_mdanalysis.example import EDGE, RADIUS, hopping_universe
from ionpath_mdanalysis.shells import split_distance


def argyrodite():
    """Ordered Li6PS5Cl with lithium on the cage sites, 2x2x2 cells, as ASE Atoms."""
    import ase

    from ionpath.lattice.argyrodite import REFERENCE_EDGE, cage_sites, framework

    positions, elements, orbits = framework()
    points = np.concatenate([cage_sites(), positions])
    symbols = ["Li"] * len(cage_sites()) + [str(e) for e in elements]
    cell = ase.Atoms(symbols, scaled_positions=points, cell=[REFERENCE_EDGE] * 3, pbc=True)
    return cell.repeat(2), np.tile(np.concatenate([np.full(len(cage_sites()), "Li"), orbits]), 8)


@pytest.fixture
def aimd_file(shared_data):
    path = shared_data / "aimd" / "Li6PS5Cl-0p-run1.XDATCAR.gz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the reference data")
    return path


def same_sites(a, b, tolerance):
    """Every site of one is near to a site of the other with the same label."""
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


@pytest.mark.parametrize("apart", [0.8, 1.2, 1.8])
def test_halves_of_split_sites_are_told(crystal_atoms, apart):
    """A refined crystal has two half-filled sites in place of one; without a word a cage had twelve states."""
    from pymatgen.core import Lattice, Structure

    lattice, lithium = Lattice.cubic(2 * EDGE), crystal_atoms.symbols == "Li"
    whole = CoordinationShells.from_structure(crystal_atoms, n_vertices=6)
    across = np.cross(whole.offsets, [0.3, 0.5, 0.8])
    across *= 0.5 * apart / np.linalg.norm(across, axis=1, keepdims=True)
    halves = np.concatenate((whole.site_positions + across, whole.site_positions - across))
    fixed = crystal_atoms[~lithium]
    names = [{"Li": 0.5}] * len(halves) + fixed.get_chemical_symbols()
    split = Structure(lattice, names, np.concatenate((halves, fixed.positions)), coords_are_cartesian=True)
    if apart < 1.0:
        with pytest.raises(InputError, match=r"sites: .*got 0\.80 A at site .*; merge=1 makes one site of split ones"):
            CoordinationShells.from_structure(split)
    elif apart < 1.5:
        with pytest.warns(UserWarning, match=r"sites 1\.20 A apart .* one site of them with merge=1\.5 of"):
            CoordinationShells.from_structure(split)
    else:
        assert split_distance(split, "Li") is None
        assert CoordinationShells.from_structure(split, n_vertices=12).n_sites == 96
        return
    assert split_distance(split, "Li") == pytest.approx(apart)
    merged = CoordinationShells.from_structure(split, n_vertices=6, merge=1.5)
    assert (merged.n_centres, merged.n_sites, merged.n_states) == (8, 48, 7)
    assert SiteNetwork.from_structure(split, merge=1.5).n_sites == 48
    np.testing.assert_allclose(merged.site_positions, whole.site_positions, atol=1e-9)


@pytest.fixture(scope="module")
def ordered_run():
    """Lithium that changes places within its own cage of ordered Li6PS5Cl: 32 cages, no hop between them."""
    atoms, orbits = argyrodite()
    lithium, sulfur = (np.flatnonzero(orbits == kind) for kind in ("Li", "4d"))
    places, rng = atoms.get_positions(), np.random.default_rng(0)
    apart = minimum_image(places[lithium][:, None] - places[sulfur], atoms.cell[:])
    cage = np.linalg.norm(apart, axis=-1).argmin(axis=1)
    at, frames = np.arange(len(lithium)), []
    for _ in range(80):
        for k in np.flatnonzero(rng.random(32) < 0.3):
            i, j = rng.choice(np.flatnonzero(cage == k), 2, replace=False)
            at[i], at[j] = at[j], at[i]
        frame = places.copy()
        frame[lithium] = places[lithium[at]]
        frames.append(frame + rng.normal(0, 0.15, frame.shape))
    return atoms, np.array(frames)


def as_universe(atoms, positions):
    frames = []
    for frame in positions:
        moved = atoms.copy()
        moved.set_positions(frame)
        frames.append(moved)
    return mda.Universe(frames, dt=0.1)


ORDERS = {
    "as it is": lambda n, rng: np.arange(n),
    "reversed": lambda n, rng: np.arange(n)[::-1],
    "at random": lambda n, rng: rng.permutation(n),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("change", ["none", "origin", "wrapped", "vacancies", "mixed", "more sites"])
def test_centres_are_found_by_position_and_species(ordered_run, order, change):
    """Order of the atoms, origin, empty places, mixed anions, and sites without ions do not change a state."""
    from pymatgen.core import Structure
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms, positions = ordered_run
    rng = np.random.default_rng(3)
    known = CoordinationShells.from_structure(atoms, n_vertices=6)
    expected = ShellStates(as_universe(atoms, positions).select_atoms("name Li"), known).run().results
    crystal, moved = AseAtomsAdaptor.get_structure(atoms), positions
    if change == "origin":
        moved = positions + np.array([1.7, -2.9, 0.4])
    if change == "wrapped":
        edge = atoms.cell[0, 0]
        moved = positions - np.floor(positions / edge) * edge
    species = [site.species for site in crystal]
    if change == "vacancies":
        species = [{"Li": 0.8} if "Li" in one else one for one in species]
    if change == "mixed":
        orbits = argyrodite()[1]
        species = [{"S": 0.5, "Cl": 0.5} if o in ("4a", "4d") else one for o, one in zip(orbits, species, strict=True)]
    places = crystal.frac_coords
    if change == "more sites":  # holes above a face of each octahedron that no ion of this run visits
        extra = known.centres - 1.3 * np.ones(3) @ np.linalg.inv(known.cell)
        species, places = [*species, *["Li"] * len(extra)], np.concatenate([places, extra])
    perm = ORDERS[order](len(species), rng)
    crystal = Structure(crystal.lattice, [species[k] for k in perm], places[perm])
    chosen = {"mixed": np.flatnonzero(argyrodite()[1][perm] == "4d")} if change == "mixed" else {}
    shells = CoordinationShells.from_structure(crystal, centres=chosen.get("mixed"))
    run = ORDERS[order](len(atoms), rng)
    u = as_universe(atoms[run], moved[:, run])
    found = ShellStates(u.select_atoms("name Li"), shells).run()
    assert set(found.shells.kinds) == {"S"}
    assert {u.atoms[k].element for k in found.shells.centre_atoms} == {"S"}
    assert found.results.unassigned_fraction == expected.unassigned_fraction == 0.0
    if change != "more sites":
        back = np.argsort(run[np.array(atoms.get_chemical_symbols())[run] == "Li"])
        assert np.array_equal(found.results.states[:, back], expected.states)
    assert found.results.n_hops == expected.n_hops


def test_crystals_that_do_not_fit_are_refused(ordered_run):
    atoms, positions = ordered_run
    shells = CoordinationShells.from_structure(atoms, n_vertices=6)
    u = as_universe(atoms, positions[:2])
    lithium = u.select_atoms("name Li")
    few = as_universe(atoms[:100], positions[:2, :100])
    with pytest.raises(
        InputError, match="structure: need the .*Cl.* that do not diffuse in the trajectory, got Cl32 P32 S160"
    ):
        ShellStates(few.select_atoms("name Li"), shells)
    # the mirror image: free sulfur on the other quarter positions
    mirrored = atoms.copy()
    mirrored.set_scaled_positions(-atoms.get_scaled_positions())
    with pytest.raises(
        InputError, match=r"structure: need a crystal on which the first frame lies.*got \d+ of 224 places"
    ):
        ShellStates(lithium, CoordinationShells.from_structure(mirrored, n_vertices=6))
    # anions in another arrangement: the average structure fits, one arrangement does not
    swapped = atoms.copy()
    orbits = argyrodite()[1]
    swapped.symbols[np.flatnonzero(orbits == "4a")[::2]] = "S"
    swapped.symbols[np.flatnonzero(orbits == "4d")[::2]] = "Cl"
    with pytest.raises(InputError, match="got 32 of 224 places without an atom .*its average structure"):
        ShellStates(lithium, CoordinationShells.from_structure(swapped, centres=np.flatnonzero(orbits == "4d")))
    by_hand = ShellStates(lithium, shells, centres=u.atoms[shells.centre_atoms]).run().results
    assert np.array_equal(by_hand.states, ShellStates(lithium, shells).run().results.states)


def test_centres_of_another_universe_are_noticed(universe):
    """Shells of a trajectory know its atoms by index; on atoms in another order that is an error."""
    found = CoordinationShells.from_universe(universe, "name S")
    other = universe.atoms[::-1]
    turned = mda.Merge(other)
    turned.dimensions = universe.dimensions
    with pytest.raises(
        InputError, match="shells: need S as centre of shell 0, got .*ordered differently: pass centres"
    ):
        ShellStates(turned.select_atoms("name Li"), found)
    few = mda.Merge(universe.atoms[:20])
    with pytest.raises(InputError, match="shells: need centres among the 20 atoms of the universe, got atom"):
        ShellStates(few.select_atoms("name Li"), found)


def test_sites_between_centres_are_refused_in_every_order():
    """alpha-AgI, Im-3m: silver at 12d is 2.83 A from four iodides; rounding must not choose."""
    from pymatgen.core import Lattice, Structure

    cell = Structure.from_spacegroup("Im-3m", Lattice.cubic(5.07), ["Ag", "I"], [[0.25, 0, 0.5], [0, 0, 0]])
    cell.make_supercell([2, 2, 2])
    rng = np.random.default_rng(0)
    for _ in range(3):
        mixed = Structure.from_sites([cell[int(k)] for k in rng.permutation(len(cell))])
        with pytest.raises(
            InputError, match=r"site 0: need one nearest centre, got 4 centres at 2.83 A, .* 95 more such"
        ):
            CoordinationShells.from_structure(mixed, mobile="Ag")


def test_cages_of_one_site_are_refused(crystal_atoms):
    one = crystal_atoms[[k for k, s in enumerate(crystal_atoms.symbols) if s == "S" or k % 6 == 0]]
    with pytest.raises(InputError, match="groups of sites, got 8 of 8 cages with one site; choose with centres="):
        CoordinationShells.from_structure(one)


def test_a_density_with_fewer_sites_than_ions_is_refused(aimd_file):
    """14 ps of ordered Li6PS5Cl show 190 of 192 sites; nothing is made of them (189 cages in version 0.1.0)."""
    u = mda.Universe(str(aimd_file), dt=0.1)
    with pytest.raises(
        InputError,
        match="sites in the density: need at least 192, one for each ion, got 190; average over .* repeats=.*, or sep",
    ):
        CoordinationShells.from_density(u, "name Li")
    found = CoordinationShells.from_density(u, "name Li", repeats=(2, 2, 2))
    assert (found.n_centres, found.n_sites) == (32, 192)


def test_ions_on_no_site_and_too_many_ions_are_told(ordered_run):
    atoms, positions = ordered_run
    u = as_universe(atoms, positions[:5])
    with pytest.warns(UserWarning, match="ions are on no site in .* of all frames .*the cutoff is too short"):
        ShellStates(u.select_atoms("name Li"), CoordinationShells.from_structure(atoms), cutoff=0.2).run()
    holes = atoms[[k for k in range(len(atoms)) if k % 52 or atoms.symbols[k] != "Li"]]
    with pytest.warns(UserWarning, match="192 ions share 184 sites: some are between sites at any time"):
        ShellStates(u.select_atoms("name Li"), CoordinationShells.from_structure(holes)).run()


def test_refusals(universe, crystal_atoms):
    with pytest.raises(InputError, match="centres: need at least one atom, got an empty selection; the universe holds"):
        CoordinationShells.from_universe(universe, "name Cl")
    with pytest.raises(InputError, match="mobile: need at least one atom, got an empty selection"):
        CoordinationShells.from_universe(universe, "name S", "name Na")
    with pytest.raises(InputError, match="centres: need atoms that are not mobile, got 24 mobile ions among them"):
        CoordinationShells.from_universe(universe, "all", "name Li")
    with pytest.raises(InputError, match=r"centre 0 \(S, atom 24\): need 20 vertices, got"):
        CoordinationShells.from_universe(universe, "name S", n_vertices=20)
    with pytest.raises(InputError, match=r"centre 0 \(S, atom 48\): need 5 vertices, got 6"):
        CoordinationShells.from_structure(crystal_atoms, n_vertices=5)
    with pytest.raises(InputError, match="mobile: need Na in the structure, got Li, S; name another element"):
        CoordinationShells.from_structure(crystal_atoms, mobile="Na")
    with pytest.raises(InputError, match="centres: need atoms of that element, got none in the structure"):
        CoordinationShells.from_structure(crystal_atoms, centres="Cl")
    with pytest.raises(InputError, match="structure: need a pymatgen Structure or ASE Atoms, got dict; read it with"):
        CoordinationShells.from_structure({})
    no_box = mda.Universe.empty(2, trajectory=True)
    no_box.add_TopologyAttr("name", ["Li", "S"])
    with pytest.raises(InputError, match="box: need a periodic cell in every frame, got none at frame 0"):
        CoordinationShells.from_universe(no_box, "name S")
    with pytest.raises(InputError, match="centres: need chemical elements in the topology, got none"):
        CoordinationShells.from_universe(no_box)
