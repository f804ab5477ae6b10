"""Site networks: states without cages, checked on lattice walks whose kinetics are known."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.kinetics import SiteNetwork as CoreNetwork, mfpt_matrix, path_entropy_matrix
from ionpath.periodic import minimum_image
from ionpath.sites.symmetry import states_symmetry
from ionpath_mdanalysis import CoordinationShells, MarkovStates, PathEntropy, ShellStates, SiteNetwork

pymatgen = pytest.importorskip("pymatgen.core", reason="pymatgen is not installed")

P, BODY = [[0, 0, 0]], [[0, 0, 0], [0.5, 0.5, 0.5]]


def crystals():
    """Name -> crystal, mobile element, cells, centring, longest hop in A, states, states of all symmetry, options."""
    lattice = pymatgen.Lattice

    def group(symbol, cell, species, points):
        return pymatgen.Structure.from_spacegroup(symbol, cell, species, points)

    silver = group("Im-3m", lattice.cubic(5.07), ["Ag", "I"], [[0.25, 0, 0.5], [0, 0, 0]])
    sodium = group("I-43m", lattice.cubic(7.0), ["Na", "P", "S"], [[0, 0.5, 0.5], [0, 0, 0], [0.168, 0.168, 0.168]])
    garnet = group(
        "Ia-3d", lattice.cubic(12.97), ["Li", "Li", "La", "Zr", "O"],
        [[0.375, 0, 0.25], [0.097, 0.6853, 0.5773], [0.125, 0, 0.25], [0, 0, 0], [-0.0318, 0.0546, 0.15]],
    )  # fmt: skip
    chloride = group(
        "P-3m1", lattice.hexagonal(11.2, 6.03), ["Li", "Li", "Y", "Y", "Cl", "Cl", "Cl"],
        [[1 / 3, 0, 0], [1 / 3, 0, 0.5], [0, 0, 0], [1 / 3, 2 / 3, 0.49], [0.115, -0.115, 0.77], [0.22, -0.22, 0.265],
         [0.4455, -0.4455, 0.767]],
    )  # fmt: skip
    lgps = group(
        "P4_2/nmc", lattice.tetragonal(8.72, 12.63), ["Li", "Li", "Li", "Ge", "P", "S", "S", "S"],
        [[0.256, 0.272, 0.191], [0, 0.5, 0.945], [0.25, 0.25, 0.0], [0, 0.5, 0.692], [0, 0, 0.5], [0, 0.184, 0.409],
         [0, 0.299, 0.0957], [0, 0.698, 0.791]],
    )  # fmt: skip
    return {
        "alpha-AgI": (silver, "Ag", (3, 3, 3), BODY, 1.9, 6, 1, {}),
        "Na3PS4": (sodium, "Na", (2, 2, 2), BODY, 3.6, 3, 1, {}),
        "Li7La3Zr2O12": (garnet, "Li", (1, 1, 1), BODY, 2.2, 36, 2, {"merge": 1.0}),
        "Li3YCl6": (chloride, "Li", (2, 2, 3), P, 3.9, 12, 2, {}),
        "Li10GeP2S12": (lgps, "Li", (2, 2, 1), P, 4.2, 28, 3, {}),
    }


NAMES = ("alpha-AgI", "Na3PS4", "Li7La3Zr2O12", "Li3YCl6", "Li10GeP2S12")


class Walk:
    """Independent ions that hop between neighbouring sites with known probabilities."""

    def __init__(self, name, frames=900, n_ions=40, seed=0, noise=0.1, along_x=1.0):
        self.along_x = along_x  # factor of hops along x, which no operation but translations keeps
        structure, mobile, repeats, centring, reach, *_, options = crystals()[name]
        self.structure, self.mobile, self.repeats, self.options = structure, mobile, repeats, options
        self.cell = structure.lattice.matrix * np.array(repeats)[:, None]
        unit = np.array([s.frac_coords for s in structure if s.specie.symbol == mobile])
        unit, orbit = self._sites(unit, structure)
        shifts = np.array(list(product(*map(range, repeats))))
        self.sites = ((unit + shifts[:, None]) / repeats).reshape(-1, 3)
        self.orbit = np.tile(orbit, len(shifts))
        self.label = np.tile(self._classes(unit, structure.lattice.matrix, centring), len(shifts))
        rng = np.random.default_rng(seed)
        self.step = self._matrix(reach)
        n = len(self.sites)
        at = np.empty((frames, n_ions), dtype=int)
        at[0] = rng.integers(n, size=n_ions)
        total = self.step.cumsum(axis=1)
        for t in range(1, frames):
            at[t] = (total[at[t - 1]] < rng.random(n_ions)[:, None]).sum(axis=1)
        self.at = at
        fixed = structure.copy()
        fixed.remove_species([mobile])
        fixed.make_supercell(repeats)
        drift = np.cumsum(rng.normal(0, 0.02, (frames, 1, 3)), axis=0) + np.array([0.7, -0.4, 1.1])
        ions = self.sites[at] @ self.cell + rng.normal(0, noise, (frames, n_ions, 3)) + drift
        rest = fixed.cart_coords + rng.normal(0, noise, (frames, len(fixed), 3)) + drift
        symbols = [mobile] * n_ions + [s.specie.symbol for s in fixed]
        positions = np.concatenate([ions, rest], axis=1)
        order = rng.permutation(len(symbols))
        self.universe = mda.Universe.empty(len(symbols), trajectory=True)
        for attribute in ("elements", "names"):
            self.universe.add_TopologyAttr(attribute, np.array(symbols)[order])
        lengths = (*np.array(structure.lattice.abc) * repeats, *structure.lattice.angles)
        standard = mda.lib.mdamath.triclinic_vectors(lengths)
        coordinates = positions @ np.linalg.inv(self.cell)
        coordinates -= np.floor(coordinates)
        self.universe.load_new(
            (coordinates[:, order] @ standard).astype(np.float32), order="fac", dt=0.1,
            dimensions=np.tile(np.array(lengths, dtype=np.float32), (frames, 1)),
        )  # fmt: skip
        self.ions = self.universe.atoms[np.argsort(order)[:n_ions]]

    def _sites(self, unit, structure):
        """Sites of one cell, split ones merged by hand, and their orbit by the number of equivalent ones."""
        matrix = structure.lattice.matrix
        apart = np.linalg.norm(minimum_image((unit[:, None] - unit) @ matrix, matrix), axis=-1)
        middle = []
        for k in range(len(unit)):
            near = np.flatnonzero(apart[k] < self.options.get("merge", 0.5))
            if near[0] == k:
                vectors = minimum_image((unit[near] - unit[k]) @ matrix, matrix)
                middle.append(unit[k] + vectors.mean(axis=0) @ np.linalg.inv(matrix))
        unit = np.array(middle) % 1.0
        environment = np.sort(np.linalg.norm(minimum_image((unit[:, None] - unit) @ matrix, matrix), axis=-1), axis=1)
        _, orbit = np.unique(environment[:, :8].round(2), axis=0, return_inverse=True)
        return unit, orbit.ravel()

    def _classes(self, unit, matrix, centring):
        """Sites that a centring translation takes to each other, by arithmetic with fractional coordinates."""
        label = np.full(len(unit), -1)
        for k, point in enumerate(unit):
            if label[k] < 0:
                for shift in centring:
                    away = minimum_image((unit - point - shift) @ matrix, matrix)
                    label[np.linalg.norm(away, axis=1) < 0.05] = label.max() + 1 if shift == centring[0] else label[k]
        return label

    def _matrix(self, reach):
        """Symmetric hop probabilities that differ by the orbits and the length of a hop."""
        apart = np.linalg.norm(minimum_image((self.sites[:, None] - self.sites) @ self.cell, self.cell), axis=-1)
        pair = np.add.outer(self.orbit, self.orbit)
        step = np.where((apart > 0.1) & (apart < reach), 0.02 + 0.01 * (pair % 3) + 0.01 / np.maximum(apart, 1.0), 0.0)
        vectors = minimum_image((self.sites[:, None] - self.sites) @ self.cell, self.cell)
        step = np.where(np.abs(vectors[..., 0]) > 0.5 * apart, self.along_x * step, step)
        assert np.allclose(step, step.T)
        step = 0.6 * step / step.sum(axis=1).max()
        return step + np.diag(1.0 - step.sum(axis=1))

    def quotient(self, label):
        """Exact transition matrix between classes of sites; every site of a class leads to the same row."""
        n = label.max() + 1
        to = np.stack([self.step[:, label == c].sum(axis=1) for c in range(n)], axis=1)
        rows = np.stack([to[label == c].mean(axis=0) for c in range(n)])
        assert np.abs(to - rows[label]).max() < 1e-9  # lumpable: the folded chain is exact
        return rows


@pytest.fixture(scope="module", params=NAMES)
def walk(request):
    made = Walk(request.param)
    made.name = request.param
    return made


def order_of(network, walk):
    """State of the network for each class of the walk, by position only."""
    from scipy.spatial.distance import cdist

    assert network.n_sites == len(walk.sites)
    inside = network.site_coordinates % 1.0
    apart = cdist(np.round(inside, 3) % 1.0, np.round(walk.sites % 1.0, 3) % 1.0)
    nearest = apart.argmin(axis=1)
    states = np.zeros(walk.label.max() + 1, dtype=int)
    states[walk.label[nearest]] = network.vertex
    return states


def test_states_counts_and_kinetics_are_those_of_the_walk(walk):
    """States and counts equal those of the walk; T, passage times and entropies agree with those of the exact chain."""
    _, mobile, repeats, _, _, expected_states, _, options = crystals()[walk.name]
    network = SiteNetwork.from_structure(walk.structure, mobile, repeats=repeats, **options)
    classes = walk.label.max() + 1
    assert network.n_states - 1 == classes
    assert expected_states == classes
    state_of = order_of(network, walk)
    found = PathEntropy(walk.ions, shells=network, lag=1, n_samples=20).run()
    results = found.results
    truth = state_of[walk.label[walk.at]]
    assert results.unassigned_fraction == 0.0
    assert np.array_equal(results.runs.labels(), truth)
    # independent counts: pairs of states one frame apart
    n = network.n_states
    counts = np.zeros((n, n))
    np.add.at(counts, (truth[:-1].ravel(), truth[1:].ravel()), 1.0)
    assert np.array_equal(results.runs.count_matrices(1).sum(axis=0), counts)
    assert results.connected_states == tuple(range(1, n))
    assert results.labels == ("no site", *network.names)
    # the exact chain, in the order of the network
    exact = np.zeros((n - 1, n - 1))
    exact[np.ix_(state_of - 1, state_of - 1)] = walk.quotient(walk.label)
    visits = counts.sum(axis=1)[1:, None]
    error = np.sqrt(np.maximum(exact * (1 - exact), 1e-4) / visits)
    assert (np.abs(results.transition_matrix[1:, 1:] - exact) < 5 * error).all()
    times, known = results.mfpt[1:, 1:], 0.1 * mfpt_matrix(exact)
    off = ~np.eye(n - 1, dtype=bool)
    assert np.median(np.abs(times[off] / known[off] - 1.0)) < 0.1
    entropy = path_entropy_matrix(exact)[off]
    assert results.mean_per_pair == pytest.approx(entropy.mean(), rel=0.15)
    # the counts agree with the crystal's operations and are averaged over them
    assert results.symmetry.used
    assert results.symmetry.n_operations == len(network.permutations)
    assert f"{len(network.permutations)} operations of the crystal" in repr(found)
    fluxes = found.pathways(1, n - 1)
    assert fluxes["flux"].sum() > 0


def test_symmetry_of_the_crystal_permutes_states(walk):
    """Every operation leaves the exact transition matrix between the states as it is."""
    _, mobile, repeats, *_, options = crystals()[walk.name]
    network = SiteNetwork.from_structure(walk.structure, mobile, repeats=repeats, **options)
    state_of = order_of(network, walk)
    exact = np.zeros((network.n_states,) * 2)
    exact[np.ix_(state_of, state_of)] = walk.quotient(walk.label)
    assert network.permutations.shape[1] == network.n_states
    assert len(network.permutations) >= 6
    assert (network.permutations[:, 0] == 0).all()
    for row in network.permutations:
        assert sorted(row) == list(range(network.n_states))
        np.testing.assert_allclose(exact[np.ix_(row, row)], exact, atol=1e-12)


def test_a_symmetry_that_the_ions_break_is_not_used():
    """Twice as many hops along x: counts contradict the crystal, and entropies are those without symmetry."""
    walk = Walk("alpha-AgI", along_x=2.0)
    network = SiteNetwork.from_structure(walk.structure, "Ag", repeats=(3, 3, 3))
    found = PathEntropy(walk.ions, shells=network, lag=1, n_samples=20).run().results
    assert not found.symmetry.used
    assert "counts contradict the 48 operations of the crystal" in str(found.symmetry)
    plain = PathEntropy(walk.ions, shells=network, lag=1, n_samples=20, symmetry="none").run().results
    np.testing.assert_array_equal(found.path_entropy, plain.path_entropy)
    # given permutations are used as given, and the result says what the counts say
    given = PathEntropy(walk.ions, shells=network, lag=1, n_samples=20, symmetry=network.permutations).run().results
    assert "counts contradict the 48 operations of the crystal" in str(given.symmetry)
    assert str(given.symmetry).endswith("used as given")
    assert given.total_error < 0.8 * plain.total_error


def test_operations_as_permutations_of_sites():
    """Operations that part a state are left out; communities keep those that do not part them."""
    sites = [[0.0, 0, 0], [0.25, 0, 0], [0.5, 0, 0], [0.75, 0, 0]]
    shift, flip = [1, 2, 3, 0], [0, 3, 2, 1]
    group = [[0, 1, 2, 3], shift, [2, 3, 0, 1], [3, 0, 1, 2], flip, [1, 0, 3, 2], [2, 1, 0, 3], [3, 2, 1, 0]]
    ring = CoreNetwork.from_sites(np.diag([16.0, 8, 8]), sites, permutations=group)
    assert {tuple(row) for row in ring.permutations.tolist()} == {(0, *(k + 1 for k in row)) for row in group}
    opposite = CoreNetwork.from_sites(np.diag([16.0, 8, 8]), sites, labels=[1, 2, 1, 2], permutations=group)
    assert opposite.permutations.tolist() == [[0, 1, 2], [0, 2, 1]]
    uneven = CoreNetwork.from_sites(np.diag([16.0, 8, 8]), sites, labels=[1, 1, 2, 3], permutations=group)
    assert uneven.permutations.tolist() == [[0, 1, 2, 3], [0, 1, 3, 2]]  # the flip about the middle of the first two
    assert ring.merged([1, 2, 1, 2]).permutations.tolist() == [[0, 1, 2], [0, 2, 1]]
    for bad in ([[0, 1, 2]], [[0, 1, 2, 4]], [0, 1, 2, 3]):
        with pytest.raises(
            InputError, match=r"permutations: need permutations of the 4 sites, shape \(n_operations, 4\), from 0, got"
        ):
            CoreNetwork.from_sites(np.eye(3) * 16, sites, permutations=bad)


def test_symmetry_of_repeated_cells_that_are_not_folded():
    """Every operation is one of the supercell: it keeps all distances between the sites."""
    crystal = pymatgen.Structure.from_spacegroup(
        "I-43m", pymatgen.Lattice.cubic(7.0), ["Na", "P", "S"], [[0, 0.5, 0.5], [0, 0, 0], [0.168, 0.168, 0.168]]
    )
    made = SiteNetwork.from_structure(crystal, "Na", repeats=(2, 1, 1), fold="none")
    assert made.n_states == 13
    assert len(made.permutations) == 8 * 2 * 2 // 2  # -42m about x, two repeats, centring; C2 about x moves no site
    where = np.argsort(made.vertex)
    apart = minimum_image(made.site_positions[where][:, None] - made.site_positions[where], made.cell)
    apart = np.linalg.norm(apart, axis=-1)
    for row in made.permutations:
        np.testing.assert_allclose(apart[np.ix_(row[1:] - 1, row[1:] - 1)], apart, atol=1e-6)


def test_orbits_as_states(walk):
    """All symmetry folded: one state for each Wyckoff orbit; one orbit alone has no paths and is refused."""
    _, mobile, repeats, _, _, _, orbits, options = crystals()[walk.name]
    if orbits == 1:
        with pytest.raises(
            InputError, match=r"states: need two or more, got \d+ sites that are all one state; tell them"
        ):
            SiteNetwork.from_structure(walk.structure, mobile, repeats=repeats, fold="symmetry", **options)
        return
    network = SiteNetwork.from_structure(walk.structure, mobile, repeats=repeats, fold="symmetry", **options)
    assert network.n_states - 1 == orbits
    found = MarkovStates(walk.ions, network, lag=1, n_samples=0).run().results
    occupied = np.bincount(network.vertex)[1:] / network.n_sites  # equal probabilities of all sites
    np.testing.assert_allclose(found.stationary_distribution[1:], occupied, atol=0.05)


def test_where_a_network_is_a_shell_both_agree():
    """Argyrodite cages folded over all cells: the same states, entropies and times, by either road."""
    prototypes = pytest.importorskip("pymatgen.analysis.argyrodite")
    crystal = prototypes.argyrodite(supercell=2)
    rng = np.random.default_rng(4)
    lithium = np.array([s.specie.symbol == "Li" for s in crystal])
    places, cell = crystal.cart_coords, crystal.lattice.matrix
    apart = np.linalg.norm(minimum_image((places[lithium][:, None] - places[lithium]), cell), axis=-1)
    near = [np.flatnonzero((row > 1) & (row < 4.0)) for row in apart]
    at, frames = np.arange(lithium.sum()), []
    for _ in range(400):
        hop = rng.random(len(at)) < 0.2
        at = np.where(hop, [rng.choice(near[k]) for k in at], at)
        frame = places.copy()
        frame[lithium] = places[lithium][at]
        frames.append(frame + rng.normal(0, 0.1, frame.shape))
    u = mda.Universe.empty(len(crystal), trajectory=True)
    u.add_TopologyAttr("elements", [s.specie.symbol for s in crystal])
    u.load_new(
        np.array(frames, dtype=np.float32),
        order="fac",
        dt=0.1,
        dimensions=np.tile(np.array([*crystal.lattice.abc, 90, 90, 90], dtype=np.float32), (400, 1)),
    )
    ions, rest = u.select_atoms("element Li"), u.select_atoms("not element Li")
    network = SiteNetwork.from_structure(crystal)
    assert (network.n_sites, network.n_states) == (192, 7)
    shells = CoordinationShells.from_structure(crystal, n_vertices=6)
    by_network = PathEntropy(ions, shells=network, lag=2, n_samples=20).run().results
    # operations of a crystal are known; those that shells find in positions are trusted like them only where given
    known = {"symmetry": states_symmetry(shells), "n_samples": 20}
    by_shells = PathEntropy(ions, shells=shells, framework=rest, home="folded", lag=2, **known).run().results
    site = np.linalg.norm(
        minimum_image((network.site_coordinates[:, None] - shells.site_coordinates) @ cell, cell), axis=-1
    ).argmin(axis=1)
    label = np.zeros(7, dtype=int)
    label[network.vertex] = shells.vertex[site]
    assert sorted(label) == list(range(7))
    assert (label[by_network.runs.labels()] == by_shells.runs.labels()).mean() > 0.999
    np.testing.assert_allclose(
        by_network.path_entropy, by_shells.path_entropy[np.ix_(label, label)], rtol=0.02, atol=0.02
    )
    # the crystal has half of the operations of an octahedron, and takes pairs of sites to the same pairs
    assert (by_network.symmetry.n_operations, by_shells.symmetry.n_operations) == (24, 48)
    assert by_network.symmetry.used
    assert by_shells.symmetry.used
    np.testing.assert_allclose(by_network.mfpt, by_shells.mfpt[np.ix_(label, label)], rtol=0.02)
    assert by_network.uncertainty.total.error == pytest.approx(by_shells.uncertainty.total.error, rel=0.5)
    # a cell of the crystal with repeats, and a density, are other roads to the same states
    small = SiteNetwork.from_structure(prototypes.argyrodite(), repeats=(2, 2, 2))
    assert (small.n_sites, small.n_states) == (192, 7)
    assert ShellStates(ions, small).run().results.n_hops == pytest.approx(by_network.n_hops, rel=1e-3)
    dense = SiteNetwork.from_density(u, "element Li", repeats=(2, 2, 2))
    assert (dense.n_sites, dense.n_states) == (192, 25)  # the conventional cell, as its centring was not given
    cages = SiteNetwork.from_structure(crystal, fold="cages")
    assert cages.n_states == 33
    assert set(np.bincount(cages.vertex)[1:]) == {6}


def test_communities_of_states_and_saving(walk, tmp_path):
    _, mobile, repeats, *_, options = crystals()[walk.name]
    network = SiteNetwork.from_structure(walk.structure, mobile, repeats=repeats, **options)
    found = PathEntropy(walk.ions, shells=network, lag=1, n_samples=0).run()
    if network.n_states - 1 > 3:
        coarse = network.merged(found.results.msm.pcca(2).assignments, ["A", "B"])
        assert coarse.names == ("A", "B")
        both = MarkovStates(walk.ions, coarse, lag=1, n_samples=0).run().results
        assert both.n_hops == found.results.n_hops
        assert both.transition_matrix[1, 2] > 0
    found.save(tmp_path / "network.npz")
    again = PathEntropy.load(tmp_path / "network.npz")
    assert isinstance(again.results.shells, SiteNetwork)
    assert again.results.shells.names == network.names
    assert np.array_equal(again.results.shells.permutations, network.permutations)
    assert np.array_equal(again.results.path_entropy, found.results.path_entropy)


def test_ions_that_melt_are_refused():
    """Points that diffuse freely have no sites, however they are looked for."""
    rng = np.random.default_rng(0)
    u = mda.Universe.empty(100, trajectory=True)
    u.add_TopologyAttr("names", ["Li"] * 100)
    walk = rng.uniform(0, 16, (100, 3)) + np.cumsum(rng.normal(0, 0.45, (400, 100, 3)), axis=0)
    u.load_new(
        walk.astype(np.float32), order="fac", dt=1.0, dimensions=np.tile(np.float32([16, 16, 16, 90, 90, 90]), (400, 1))
    )
    for search in ({}, {"sites": "holes"}, {"fold": "none"}, {"separation": 1.4}):
        with pytest.raises(InputError, match="density: need maxima of 2 times its mean .*liquid have no sites"):
            SiteNetwork.from_density(u, **search)
    with pytest.raises(InputError, match="density: need maxima of 2 times its mean .*liquid have no sites"):
        CoordinationShells.from_density(u)


@pytest.mark.parametrize("name", ["Na3PS4", "Li10GeP2S12"])
def test_ions_that_leave_the_sites_of_their_crystal_are_told(name):
    """A framework that stays, and ions that diffuse freely in it: most of the frames are on no site of the crystal."""
    made = Walk(name, frames=200)
    network = SiteNetwork.from_structure(made.structure, made.mobile, repeats=made.repeats)
    kept = ShellStates(made.ions, network).run().results.unassigned_fraction
    rng = np.random.default_rng(1)
    frames = made.universe.trajectory.get_array()
    start = rng.uniform(0, 1, (len(made.ions), 3)) @ made.cell
    frames[:, made.ions.ix] = start + np.cumsum(rng.normal(0, 0.5, (200, len(made.ions), 3)), axis=0)
    with pytest.warns(UserWarning, match=r"ions are on no site in \d+% of all frames .up to 50% is usual.: the sites"):
        found = ShellStates(made.ions, network).run().results
    assert found.unassigned_fraction > 0.6 > 0.1 > kept


def test_bad_input_is_named(walk):
    structure = crystals()["Li7La3Zr2O12"][0]
    with pytest.raises(
        InputError, match="sites: need sites at least 1 A apart, .* got 0.76 A at site .*; merge=1 makes one"
    ):
        SiteNetwork.from_structure(structure)
    with pytest.raises(InputError, match="mobile: need Na in the structure, got La, Li, O, Zr; name another element"):
        SiteNetwork.from_structure(structure, "Na")
    with pytest.raises(InputError, match="fold: need one of 'translations', .*, got 'wyckoff'"):
        SiteNetwork.from_structure(structure, fold="wyckoff")
    with pytest.raises(InputError, match=r"repeats: need three numbers of cells, got \(2, 2\)"):
        SiteNetwork.from_structure(structure, merge=1.0, repeats=(2, 2))
    with pytest.raises(
        InputError, match="states: need at most 126, got 576 for 576 sites; fold equivalent sites with repeats="
    ):
        SiteNetwork.from_structure(structure, merge=1.0, repeats=(2, 2, 2), fold="none")
    with pytest.raises(InputError, match="sites: need at least one of the sites, got none"):
        CoreNetwork.from_sites(np.eye(3) * 5, np.zeros((0, 3)))
    with pytest.raises(InputError, match=r"labels: need 2 labels, one per site, got shape \(1,\)"):
        CoreNetwork.from_sites(np.eye(3) * 5, [[0, 0, 0], [0.5, 0, 0]], labels=[1])
    network = CoreNetwork.from_sites(np.eye(3) * 5, [[0, 0, 0], [0.5, 0, 0]])
    with pytest.raises(InputError, match=r"groups: need 2 labels, one for each state but 0, got shape \(3,\)"):
        network.merged([1, 2, 3])
    with pytest.raises(
        InputError, match="shells: need shells with centres for this home and method, got a network, 'initial'"
    ):
        ShellStates(walk.ions, network, home="initial")
    other = SiteNetwork.from_structure(structure, merge=1.0)
    if walk.name != "Li7La3Zr2O12":
        with pytest.raises(InputError, match="structure: need the .* that do not diffuse in the trajectory, got"):
            ShellStates(walk.ions, other)


def test_lpscl_i_has_five_states():
    """Amm2 Li5PS4Cl2: five lithium per formula unit, each between two Cl, so that shells are refused.

    Lithium that never leaves its site, as published, is a result: no hops, no entropy.
    """
    prototypes = pytest.importorskip("pymatgen.analysis.argyrodite")
    cell = prototypes.lpscl("I")
    crystal = cell * (2, 1, 2)
    with pytest.raises(InputError, match="site 0: need one nearest centre, got 2 centres at 2.3.* or take SiteNetwork"):
        CoordinationShells.from_structure(crystal, centres="Cl")
    network = SiteNetwork.from_structure(cell, "Li", repeats=(2, 1, 2))
    assert (network.n_sites, network.n_states) == (40, 6)
    assert network.names == ("2b", "8f 1", "8f 2", "8f 3", "8f 4")
    assert len(network.permutations) == 4  # mm2, which takes the four 8f to each other and 2b to itself
    orbits = SiteNetwork.from_structure(cell, "Li", repeats=(2, 1, 2), fold="symmetry")
    assert orbits.names == ("2b", "8f")
    rng = np.random.default_rng(5)
    u = mda.Universe.empty(len(crystal), trajectory=True)
    u.add_TopologyAttr("elements", [s.specie.symbol for s in crystal])
    frames = crystal.cart_coords + rng.normal(0, 0.15, (200, len(crystal), 3))
    box = np.array([*crystal.lattice.abc, 90, 90, 90], dtype=np.float32)
    u.load_new(frames.astype(np.float32), order="fac", dt=0.1, dimensions=np.tile(box, (200, 1)))
    with pytest.warns(UserWarning, match=r"states \[2, 3, 4, 5\] are not connected in both directions") as told:
        frozen = PathEntropy(u.select_atoms("element Li"), shells=network, lag=10, n_samples=5).run().results
    assert told[0].filename == __file__  # the line of the user, through calls of the host
    assert frozen.n_hops == 0
    assert frozen.total == 0.0  # J/mol/K, published as 0.0
    assert frozen.state_occupancy[1:] == pytest.approx(0.2)
    assert "no two states are joined by hops there and back" in str(frozen.verdict)


@pytest.mark.parametrize(
    ("group", "lattice", "species", "points", "repeats", "sites", "names"),
    [
        ("R-3c", ("hexagonal", 8.51, 20.84), ["Li", "Ti", "P", "O", "O"],
         [[0, 0, 0], [0, 0, 0.142], [0.29, 0, 0.25], [0.186, -0.006, 0.191], [0.191, 0.166, 0.084]],
         (2, 2, 1), 24, ("6b 1", "6b 2")),
        ("Pm-3m", ("cubic", 3.91), ["Li", "O", "Cl"], [[0.5, 0.5, 0], [0.5, 0.5, 0.5], [0, 0, 0]],
         (3, 3, 3), 81, ("3c 1", "3c 2", "3c 3")),
    ],
    ids=["LiTi2(PO4)3", "Li3OCl"],
)  # fmt: skip
def test_conductors_without_sulfur(group, lattice, species, points, repeats, sites, names):
    """NASICON and antiperovskite: one orbit of lithium, told apart by translations, and refused where it is not."""
    kind, *edges = lattice
    crystal = pymatgen.Structure.from_spacegroup(group, getattr(pymatgen.Lattice, kind)(*edges), species, points)
    network = SiteNetwork.from_structure(crystal, "Li", repeats=repeats)
    assert (network.n_sites, network.names) == (sites, names)
    with pytest.raises(InputError, match="states: need two or more, got .* that are all one state; .*no path entropy"):
        SiteNetwork.from_structure(crystal, "Li", repeats=repeats, fold="symmetry")


def mixed_cells(common=(), kinds=(1, 1, 1, 1, 1, 0, 0, 0), frames=300):
    """Eight cells of 9 A: one ion in the middle, or two at 1.75 A on either side of it: three in their average."""
    rng = np.random.default_rng(2)
    corners = 9.0 * np.array(list(product(range(2), repeat=3)))
    inside = {1: [4.625], 0: [2.875, 6.375]}
    places = [c + [x, 4.625, 4.625] for c, kind in zip(corners, kinds, strict=True) for x in inside[kind]]
    places += [c + place for c in corners for place in common]
    u = mda.Universe.empty(len(places), trajectory=True)
    u.add_TopologyAttr("names", ["Li"] * len(places))
    positions = np.array(places) + rng.normal(0, 0.15, (frames, len(places), 3))
    u.load_new(
        positions.astype(np.float32),
        order="fac",
        dt=1.0,
        dimensions=np.tile(np.float32([18] * 3 + [90] * 3), (frames, 1)),
    )
    return u, np.array(places)


def test_a_density_of_unlike_cells_names_the_separation_that_works():
    """Sites of unlike cells lie nearer to each other in their average than two ions do: the remedy works when typed."""
    u, places = mixed_cells()
    with pytest.raises(
        InputError,
        match=r"density: .* got 1 with a median .*; otherwise separation=1.6 finds 24 sites, .* or give more frames",
    ):
        SiteNetwork.from_density(u, repeats=(2, 2, 2))
    more = mixed_cells(common=[[1.1, 1.1, 1.1], [1.1, 1.1, 7.4], [7.4, 1.1, 1.1]])[0]  # which most ions are on
    with pytest.raises(
        InputError,
        match=r"sites in the density: need at least 35, one for each ion, got 32; separation=1.6 finds 48 sites, .* or "
        r"give more frames or a crystal \(from_structure\)",
    ):
        SiteNetwork.from_density(more, repeats=(2, 2, 2))
    assert SiteNetwork.from_density(more, repeats=(2, 2, 2), separation=1.6).n_sites == 48
    network = SiteNetwork.from_density(u, repeats=(2, 2, 2), separation=1.6)
    assert (network.n_sites, network.n_states) == (24, 4)
    apart = np.linalg.norm(minimum_image(network.site_positions[:, None] - places, network.cell), axis=-1).min(axis=0)
    assert apart.max() < 0.1  # A: every ion is on a site
    assert ShellStates(u.atoms, network).run().results.unassigned_fraction == 0.0


def test_states_of_a_real_run_and_their_verdict():
    """30 ps of beta-Li3PS4 at 900 K: sites from the density, all connected, and a run too short for its entropy."""
    states = ShellStates.load(Path(__file__).parent / "data" / "beta-Li3PS4-900K.npz")
    results = states.results
    assert (results.shells.n_sites, results.n_states, results.runs.n_ions, results.runs.n_frames) == (28, 29, 24, 278)
    assert results.n_hops == 373
    assert results.unassigned_fraction == pytest.approx(0.23, abs=0.01)
    assert results.occupancy.sum() == pytest.approx(24.0)  # core sets: every ion is on a site
    found = MarkovStates(states=states, lag_time=1.0, n_samples=10).run().results
    assert found.connected_states == tuple(range(1, 29))
    assert not found.verdict
    assert "Not Markovian at a lag of 1 ps" in str(found.verdict)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lithium", "sites", "anions"),
    [
        ("Li7P3S11", 14, 14, {"PS4": 1 / 3, "P2S7": 2 / 3}),
        ("beta-Li3PS4", 24, 24, {"PS4": 1.0}),
        ("LSPSCl", 20, 20, {"PS4": 0.5, "SiS3Cl": 1 / 6, "SiS4": 1 / 3}),
    ],
)
def test_runs_with_the_shipped_potential(tmp_path, name, lithium, sites, anions):
    """0.4 ps at 300 K with the fast model: anions stay whole, and lithium rests on the sites of the crystal."""
    pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")
    from pymatgen.io.ase import AseAtomsAdaptor

    from ionpath_ase import IonPath, run_md
    from ionpath_ase.training import starting_structure
    from ionpath_mdanalysis import AnionSpeciation

    atoms = starting_structure(name)
    crystal = AseAtomsAdaptor.get_structure(atoms)
    atoms.calc = IonPath("argyrodite.2")
    path = tmp_path / "run.extxyz"
    run_md(atoms, temperature=300, picoseconds=0.4, engine="ase", trajectory=path, interval=0.02, progress=False)
    u = mda.Universe(path)
    ions = u.select_atoms("element Li")
    network = SiteNetwork.from_structure(crystal, "Li")
    assert (len(ions), network.n_sites) == (lithium, sites)
    found = ShellStates(ions, network).run().results
    assert found.unassigned_fraction < 0.2
    assert found.occupancy.sum() == pytest.approx(lithium)  # core sets: every ion is on a site
    assert found.n_hops <= 4
    centres = [element for element in ("P", "Si") if element in u.atoms.elements]
    ligands = [element for element in ("S", "Cl") if element in u.atoms.elements]
    whole = AnionSpeciation(u.atoms, centre_species=centres, ligand_species=ligands).run().results.centre_fractions
    assert whole == pytest.approx(anions, abs=0.01)  # shares of the centres
    if name == "LSPSCl":  # the published twelve states, in the same run
        shells = CoordinationShells.for_paired_cages(u)
        states = ShellStates(ions, shells, method="paired-cages", core_sets=False).run().results
        assert (states.n_states, states.labels[1]) == (13, "LS1")
        assert states.n_hops > 0
