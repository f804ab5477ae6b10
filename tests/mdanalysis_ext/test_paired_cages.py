"""The twelve states of Li20Si3P3S23Cl as shells and as a discretiser: counts, path entropies and Table S4 of a walk."""

from __future__ import annotations

import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.kinetics import path_entropy_matrix
from ionpath.paired import PairedCageShells
from ionpath_mdanalysis import CoordinationShells, PathEntropy, ShellStates

CELL = np.array([8.6, 8.6, 12.4])  # A
LITHIUM, CHAIN = 2.15, [(1, 1), (-1, 1), (-1, -1), (1, -1)]


def columns():
    """SiS4 and PS4 in a column along z, 6.2 A apart, upper corners along x and lower ones along y."""
    places, names = [], []
    for z, centre in ((3.1, "Si"), (9.3, "P")):
        length = 2.1 if centre == "Si" else 2.05
        side, up = length * np.sqrt(2 / 3), length / np.sqrt(3)
        corners = [[side, 0, up], [-side, 0, up], [0, side, -up], [0, -side, -up]]
        places += [[4.3, 4.3, z], *([4.3 + x, 4.3 + y, z + h] for x, y, h in corners)]
        names += [centre, "S", "S", "S", "S"]
    return np.array(places), np.array(names)


def walk(frames=3000, n_ions=10, seed=0):
    """Ions on thirteen places, of which twelve are states, that hop by a reversible matrix; and that matrix."""
    rng = np.random.default_rng(seed)
    apexes = [[4.3, 4.3, 6.2], [4.3, 4.3, 0.0]]
    around = [[4.3 + LITHIUM * a, 4.3 + LITHIUM * b, z] for z in (3.1, 9.3) for a, b in CHAIN]
    where = np.array([[0.0, 0.0, 6.2], *apexes, *around, [6.5, 6.5, 6.2], [6.5, 6.5, 0.0]])
    weight = rng.uniform(0.2, 1.0, (13, 13))
    rates = weight + weight.T
    rates[:3, :3] = 0.0  # apexes and outside are not neighbours
    np.fill_diagonal(rates, 0.0)
    matrix = 0.3 * rates / rates.sum(axis=1).max()
    matrix += np.diag(1.0 - matrix.sum(axis=1))
    at = np.empty((frames, n_ions), dtype=int)
    at[0] = rng.integers(13, size=n_ions)
    total = matrix.cumsum(axis=1)
    for t in range(1, frames):
        at[t] = (total[at[t - 1]] < rng.random(n_ions)[:, None]).sum(axis=1)
    places, names = columns()
    drift = np.cumsum(rng.normal(0, 0.01, (frames, 1, 3)), axis=0)
    ions = where[at] + rng.normal(0, 0.02, (frames, n_ions, 3)) + drift
    rest = places + rng.normal(0, 0.02, (frames, 10, 3)) + drift
    order = rng.permutation(n_ions + 10)
    u = mda.Universe.empty(n_ions + 10, trajectory=True)
    for attribute in ("elements", "names"):
        u.add_TopologyAttr(attribute, np.array(["Li"] * n_ions + names.tolist())[order])
    positions = np.concatenate([ions, rest], axis=1)[:, order] % CELL
    u.load_new(
        positions.astype(np.float32), order="fac", dt=0.1,
        dimensions=np.tile(np.float32([*CELL, 90, 90, 90]), (frames, 1)),
    )  # fmt: skip
    return u, u.atoms[np.argsort(order)[:n_ions]], at, matrix


@pytest.fixture(scope="module")
def run():
    u, ions, at, matrix = walk()
    shells = CoordinationShells.for_paired_cages(u)
    found = PathEntropy(ions, shells, method="paired-cages", core_sets=False, lag=1, n_samples=20).run()
    return shells, ions, at, matrix, found


def test_counts_are_those_of_the_walk(run) -> None:
    """One pair; every frame is in the state in which the walk is, up to the names of the four quadrants."""
    shells, _, at, _, found = run
    assert repr(shells) == "PairedCageShells(1 pair of tetrahedra, 13 states)"
    states = found.results.runs.labels()
    name = np.array([np.bincount(states[at == k], minlength=13).argmax() for k in range(13)])
    assert sorted(name) == list(range(13))
    assert np.array_equal(states, name[at])
    # the axis points from Si to P or away from it, and apexes and bridges are named by it
    assert name[[0, 11, 12]].tolist() in ([0, 11, 12], [0, 12, 11])
    assert set(name[1:3]) == {1, 2}
    assert set(name[3:7]) == {3, 4, 5, 6}
    assert set(name[7:11]) == {7, 8, 9, 10}
    assert "sites 12 in 1 shells" in repr(found)


def test_path_entropies_from_one_site(run) -> None:
    """Table S4: entropies from site 1 to eleven others and to outside, with intervals that hold those of the walk."""
    _, _, at, matrix, found = run
    states = found.results.runs.labels()
    name = np.array([np.bincount(states[at == k], minlength=13).argmax() for k in range(13)])
    exact = np.zeros((13, 13))
    exact[np.ix_(name, name)] = path_entropy_matrix(matrix)
    table = found.entropies_from(1)
    assert list(table) == ["external", *(f"LS{k}" for k in range(2, 13))]
    values = np.array([estimate.value for estimate in table.values()])
    known = np.delete(exact[1], 1)
    np.testing.assert_allclose(values, known, rtol=0.15)  # J/mol/K
    assert sum(e.low <= k <= e.high for e, k in zip(table.values(), known, strict=True)) >= 9
    assert all(e.unit == "J/mol/K" and e.error > 0 for e in table.values())
    assert found.results.symmetry is None  # no symmetry of these states is assumed
    assert found.results.verdict
    with pytest.raises(
        InputError, match="state: need one of 0, 1, 2, .* which the model connects, got 13; see results"
    ):
        found.entropies_from(13)


def test_the_built_crystals_have_their_columns() -> None:
    """The stored cell and every arrangement of Si, P and Cl: one pair for each P in a column with Si."""
    argyrodite = pytest.importorskip("pymatgen.analysis.argyrodite", reason="pymatgen is not installed")
    crystal = argyrodite.lspscl()
    fixed = [s for s in crystal if s.specie.symbol != "Li"]
    shells = PairedCageShells.from_frame(
        crystal.lattice.matrix, [s.coords for s in fixed], [s.specie.symbol for s in fixed]
    )
    kinds = shells.kinds.reshape(-1, 10)
    assert set(kinds[:, 0]) == {"Si"}
    assert set(kinds[:, 1]) == {"P"}
    assert np.isin(kinds[:, 2:], ["S", "Cl"]).all()
    assert shells.n_sites == 12 * len(kinds)


def test_bad_input_is_named(run) -> None:
    shells, ions, *_ = run
    rest = ions.universe.atoms - ions
    other = CoordinationShells.from_sites(np.diag(CELL), [[0.5, 0.5, 0.25]], [[0.5, 0.7, 0.25]])
    with pytest.raises(
        InputError, match="need PairedCageShells for method='paired-cages', got CoordinationShells; make"
    ):
        ShellStates(ions, other, method="paired-cages")
    with pytest.raises(InputError, match="cutoff: need none for method='paired-cages', got 2.0; leave it out"):
        ShellStates(ions, shells, method="paired-cages", cutoff=2.0)
    with pytest.raises(
        InputError, match="framework: need the atoms of the tetrahedra, which this rule follows, got a fra"
    ):
        ShellStates(ions, shells, method="paired-cages", framework=rest).run(stop=2)
    with pytest.raises(
        InputError, match="positions: need columns of Ge and P tetrahedra, 5.5 to 7 A apart, got 1 tetrahe"
    ):
        CoordinationShells.for_paired_cages(ions.universe, first="Ge")
