"""`CoordinationShells.for_argyrodite`: one constructor for every trajectory of the family."""

from __future__ import annotations

import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.lattice import NotArgyrodite, cage_sites, tetrahedral_sites
from ionpath.periodic import minimum_image
from ionpath.sites.symmetry import states_symmetry
from ionpath_mdanalysis import CoordinationShells, PathEntropy, ShellStates

prototypes = pytest.importorskip("pymatgen.analysis.argyrodite", reason="pymatgen is not installed")

FAMILY = {
    "Li6PS5Cl": {},
    "Li6PS5Br, inverted": {"halide": "Br", "inversion": 1.0},
    "Li6PS5I, 4c": {"halide": "I", "free_sulfur": "4c"},
    "Li5.5PS4.5Cl1.5": {"x_excess": 0.5, "inversion": 0.75},
    "Li7PS6": {"halide": None},
    "LiSiS5I": {"halide": "I", "centre": "Si", "inversion": 0.25},
    "turned by 45 degrees": {"supercell": np.array([[1, 1, 0], [-1, 1, 0], [0, 0, 2]]), "inversion": 0.5},
    "2 x 1 x 3": {"supercell": (2, 1, 3), "inversion": 0.5},
}


def trajectory(structure, *, frames=20, amplitude=0.1, drift=0.0, wrapped=False, order=None, strain=0.0, seed=0):
    """A Universe that vibrates about a structure, with everything that must not matter."""
    from pymatgen.io.ase import AseAtomsAdaptor

    rng = np.random.default_rng(seed)
    atoms = AseAtomsAdaptor.get_atoms(structure)
    order = np.arange(len(atoms)) if order is None else order
    atoms = atoms[order]
    places, made = atoms.get_positions(), []
    for t in range(frames):
        one = atoms.copy()
        one.set_positions(places + rng.normal(0, amplitude, places.shape) + t * drift)
        one.set_cell(one.cell[:] * (1 + strain * np.sin(t)), scale_atoms=True)
        if wrapped:
            one.wrap()
        made.append(one)
    return mda.Universe(made, dt=0.1)


def sites_of(structure, setting, kind="24g"):
    """Fractional coordinates of the 24g or T5 sites of a supercell of the prototype."""
    edge = (structure.volume / len(structure) * 52) ** (1 / 3)  # only used for cells of 52 atoms each
    points = cage_sites(setting=setting) if kind == "24g" else tetrahedral_sites(("T5",), setting=setting)[0]
    shifts = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    inside = (points + shifts).reshape(-1, 3) * edge @ np.linalg.inv(structure.lattice.matrix)
    inside = inside[((inside > -1e-6) & (inside < 1 - 1e-6)).all(axis=1)]
    return inside


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("change", [{}, {"drift": 0.3, "wrapped": True}, {"order": "permuted"}, {"strain": 0.01}])
def test_every_member_of_the_family(name, change):
    """Cages of 24g sites, 2.25 to 2.4 A from their anion, one for each formula unit, with the anion that is there."""
    options = FAMILY[name]
    structure = prototypes.argyrodite(**options)
    known = prototypes.analyse(structure)
    if change.get("order"):
        change = {"order": np.random.default_rng(1).permutation(len(structure))}
    u = trajectory(structure, **change)
    shells = CoordinationShells.for_argyrodite(u)
    n = known.n_formula_units
    assert (shells.n_centres, shells.n_sites, shells.n_states) == (n, 6 * n, 7)
    order = change.get("order", np.arange(len(structure)))
    assert set(order[shells.centre_atoms]) == set(known.sulfur_sites)
    halides = np.isin(shells.kinds, ["Cl", "Br", "I"])
    assert halides.sum() == round(known.inversion * n)
    assert set(shells.family) == {0}
    assert np.linalg.norm(shells.offsets, axis=1) == pytest.approx(0.2274 * known.edge, rel=0.01)
    # 24g positions of the crystal, up to what 20 frames leave of vibrations
    expected = sites_of(structure, options.get("free_sulfur", "4d")) if options.get("halide", 1) else None
    if expected is not None and len(structure) % 52 == 0:
        apart = (shells.site_coordinates[:, None] - expected) @ shells.cell
        nearest = np.linalg.norm(minimum_image(apart, shells.cell), axis=-1)
        assert sorted(nearest.argmin(axis=1)) == list(range(6 * n))
        assert nearest.min(axis=1).max() < 0.15  # A


def test_vertices_have_the_same_labels_in_every_setting_and_orientation():
    """Label 1 is the top along z of the crystal; a cell turned by 45 degrees has its axes along the diagonals."""
    turned = FAMILY["turned by 45 degrees"]
    for options in ({}, {"free_sulfur": "4c"}, turned):
        shells = CoordinationShells.for_argyrodite(trajectory(prototypes.argyrodite(**options), frames=3))
        unit = shells.offsets[shells.vertices_of(0)] / 2.3
        assert unit[0] == pytest.approx([0, 0, 1], abs=0.05)
        assert unit[5] == pytest.approx([0, 0, -1], abs=0.05)
        expected = np.sqrt(0.5) if options is turned else 1.0
        assert np.abs(unit[1]).max() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("setting", ["4d", "4c"])
def test_the_twelve_holes_of_a_cage(setting):
    """48h: each hole of doi:10.1021/acs.chemmater.0c03738 once, 2.7 A from the anion, in pairs 1.9 A apart."""
    structure = prototypes.argyrodite(free_sulfur=setting)
    shells = CoordinationShells.for_argyrodite(trajectory(structure), vertices="48h")
    assert (shells.n_sites, shells.n_states) == (48, 13)
    expected = tetrahedral_sites(("T5",), setting=setting)[0]
    apart = (shells.site_coordinates[:, None] - expected) @ shells.cell
    nearest = np.linalg.norm(minimum_image(apart, shells.cell), axis=-1)
    assert sorted(nearest.argmin(axis=1)) == list(range(48))
    assert nearest.min(axis=1).max() < 0.2
    assert shells.site_distance == pytest.approx(1.92 * 10.1 / 10.155, abs=0.05)
    with pytest.raises(InputError, match="vertices: need '24g' or '48h', got '16e'"):
        CoordinationShells.for_argyrodite(trajectory(structure), vertices="16e")


def test_cells_that_share_an_image_are_told_apart():
    """One primitive cell (13 atoms): every cage is its own neighbour."""
    structure = prototypes.argyrodite().get_primitive_structure()
    shells = CoordinationShells.for_argyrodite(trajectory(structure))
    assert (shells.n_centres, shells.n_sites) == (1, 6)


@pytest.mark.parametrize("inversion", ["0p", "50p"])
@pytest.mark.parametrize("run", [1, 2])
def test_ab_initio_trajectories(shared_data, inversion, run):
    """14 ps at 500 K: no lithium leaves a cage of the ordered crystal (416 and 414 J/mol/K over 30 pairs); with half
    of the anions exchanged it does, and no run stops."""
    path = shared_data / "aimd" / f"Li6PS5Cl-{inversion}-run{run}.XDATCAR.gz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the reference data")
    u = mda.Universe(str(path), dt=0.1)
    lithium = u.select_atoms("name Li")
    shells = CoordinationShells.for_argyrodite(u, mobile=lithium)
    assert (shells.n_centres, shells.n_sites) == (32, 192)
    assert (shells.kinds == "Cl").sum() == {"0p": 0, "50p": 16}[inversion]
    entropy = PathEntropy(lithium, shells=shells, lag_time=1.0).run()
    found = entropy.results
    left_out = "states 6 of 7 (no ion was in state 0 (outside) in any frame: it is left out)"
    assert (left_out in repr(entropy)) == (inversion == "0p")
    pairs = len(found.connected_states) * (len(found.connected_states) - 1)
    assert pairs == {"0p": 30, "50p": 42}[inversion]
    plain = PathEntropy(states=entropy.states, lag_time=1.0, symmetry="none", estimator="plain").run().results
    assert plain.mean_per_pair == pytest.approx({"0p": 13.8, "50p": 16.6}[inversion], abs=0.2)  # J/mol/K
    # Without what noise adds, and over the operations of the octahedron
    assert found.symmetry.n_operations == 48
    assert found.mean_per_pair == pytest.approx({"0p": 13.8, "50p": 15.85}[inversion], abs=0.2)  # J/mol/K
    # Operations that are known, not found: without that the interval also holds what it would be with none of them.
    known = {"symmetry": states_symmetry(shells), "lag_time": 1.0}
    assert PathEntropy(states=entropy.states, **known).run().results.mean_per_pair_error < 0.2
    assert found.mean_per_pair_error == pytest.approx({"0p": 0.5, "50p": 0.65}[inversion], abs=0.2)
    # the same by a crystal with every site, as `ionpath analyze --sites` does it
    if inversion == "0p":
        crystal = prototypes.argyrodite(a=10.155, supercell=2)
        by_crystal = ShellStates(lithium, CoordinationShells.from_structure(crystal)).run().results
        ours = ShellStates(lithium, shells).run().results
        assert ours.unassigned_fraction == pytest.approx(by_crystal.unassigned_fraction, abs=0.02)
        assert ours.n_hops == pytest.approx(by_crystal.n_hops, rel=0.1)


def test_what_is_no_argyrodite_is_refused():
    from ase.spacegroup import crystal

    salt = mda.Universe(
        crystal(["Li", "Cl"], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[5.1] * 3 + [90] * 3)
    )
    with pytest.raises(
        NotArgyrodite, match=r"universe \(not an argyrodite\): need formers such as P, got none beside Cl"
    ):
        CoordinationShells.for_argyrodite(salt)
    structure = prototypes.argyrodite()
    lost = structure.copy()
    lost.remove_sites([int(prototypes.analyse(structure).sulfur_sites[0])])
    with pytest.raises(NotArgyrodite, match=r"need two anions per tetrahedron that are not bound to it \(8\), got 7"):
        CoordinationShells.for_argyrodite(trajectory(lost))
    broken = structure.copy()
    broken.remove_sites([int(prototypes.analyse(structure).bonded[0])])
    with pytest.raises(
        NotArgyrodite, match=r"need four anions within 3.0 A of every centre, got 3 around atom \d+ \(P\)"
    ):
        CoordinationShells.for_argyrodite(trajectory(broken))
    with pytest.raises(
        NotArgyrodite, match="need formers and anions beside the mobile ions, got Li; select all mobile ions"
    ):
        CoordinationShells.for_argyrodite(trajectory(structure), mobile="index 0")
    with pytest.raises(InputError, match="mobile: need one of Li, Na, K, Ag, Cu, got Cl, P, S; select the mobile ions"):
        CoordinationShells.for_argyrodite(trajectory(prototypes.argyrodite(lithium="none")))
    bare = mda.Universe.empty(3, trajectory=True)
    with pytest.raises(InputError, match="universe: need chemical elements in the topology, got none"):
        CoordinationShells.for_argyrodite(bare)
