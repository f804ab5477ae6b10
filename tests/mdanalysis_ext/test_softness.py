"""Softness in MDAnalysis: a conductor in which structure decides who moves, and ab initio trajectories."""

from __future__ import annotations

from itertools import pairwise

import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.plugins import hookimpl, register, unregister
from ionpath.softness import (
    StructureFunctions,
    cross_validate,
    cumulative_displacement,
    find_neighbours,
    neighbour_fraction,
    nonaffine_displacement,
    softness_correlation,
    split_samples,
)
from ionpath.structure import persistent_rings
from ionpath_mdanalysis import IonVoronoiVolume, NonAffineDisplacement, Softness
from ionpath_mdanalysis.anion_disorder import OrderParameter
from ionpath_mdanalysis.softness import layer_means, plot_softness_arrhenius, softness_arrhenius

EDGE, LAG = 18.0, 4  # A, frames
FUNCTIONS = StructureFunctions.spaced(("Li", "S"), spacing=0.5, cutoff=6.0)
OPTIONS = {"functions": FUNCTIONS, "lag": LAG, "nonaffine_cutoff": 6.0, "n_groups": 5}


def as_universe(positions, names, edge=EDGE, dt=0.5):
    u = mda.Universe.empty(len(names), trajectory=True)
    u.add_TopologyAttr("name", names)
    u.add_TopologyAttr("elements", names)
    edges = np.repeat(np.reshape(edge, (-1, 1)), 3, axis=1)
    dimensions = np.c_[edges, np.full_like(edges, 90.0)].astype(np.float32)
    dimensions = dimensions if np.ndim(edge) else dimensions[0]
    u.load_new(positions.astype(np.float32), order="fac", dimensions=dimensions, dt=dt)
    return u


def conductor(n_frames=81, kick=0.8, seed=0, names=("Li", "S")):
    """64 ions on a grid, sulfur between them; every lag, ions with a sulfur near them are kicked more.

    The distance of the sulfur that belongs to an ion is drawn anew at the start of every interval: structure, and
    not the ion, decides.
    """
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * EDGE / 4
    frames = np.empty((n_frames, 128, 3))
    near = np.zeros(64)
    for t in range(n_frames):
        if t % LAG == 0:
            before = near
            near = rng.random(64)
            sulfur = grid + EDGE / 8 - 0.5 + 0.9 * near[:, None] / np.sqrt(3) * np.array([-1.0, -1, -1])
            # An ion whose sulfur was near (at the start of the interval that ends here) has moved.
            ions = grid + rng.normal(size=(64, 3)) * (0.05 + kick * (before[:, None] > 0.5))
        frames[t, :64] = ions
        frames[t, 64:] = sulfur + rng.normal(0, 0.01, (64, 3))
    return as_universe(frames % EDGE, [names[0]] * 64 + [names[1]] * 64)


@pytest.fixture(scope="module")
def universe():
    return conductor()


@pytest.fixture(scope="module")
def rattle():
    """Ions and sulfur that rattle, each about its place, with nothing to learn."""
    rng = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * EDGE / 4
    sites = np.concatenate([grid, grid + EDGE / 8])
    return as_universe((sites + rng.normal(0, 0.3, (61, 128, 3))) % EDGE, ["Li"] * 64 + ["S"] * 64)


@pytest.fixture(scope="module")
def soft(universe):
    return Softness(universe.select_atoms("name Li"), **OPTIONS).run()


# Non-affine displacement


def test_displacements_are_those_of_the_core(rattle):
    found = NonAffineDisplacement(rattle.select_atoms("name Li"), lag=7, cutoff=6.0).run().results
    frames = [ts.positions.astype(float).copy() for ts in rattle.trajectory[::7]]
    cell = np.eye(3) * EDGE
    expected = [
        nonaffine_displacement(a, b, find_neighbours(a, cell, 6.0, np.arange(64)), cell=cell)
        for a, b in pairwise(frames)
    ]
    np.testing.assert_allclose(found.d2min, expected, rtol=1e-9)
    np.testing.assert_allclose(found.cumulative, cumulative_displacement(expected))
    np.testing.assert_allclose(found.per_ion, np.sqrt(expected).sum(axis=0))
    assert found.frames.tolist() == list(range(0, 61, 7))
    np.testing.assert_allclose(found.times, 0.5 * found.frames)
    assert found.lag_time == pytest.approx(3.5)  # ps


def far_jump(unwrapped, every=16):
    """128 atoms that rattle in a cell of 18 A, of which every `every`th ion goes 9.9 A in one interval."""
    rng = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * EDGE / 4
    frames = np.concatenate([grid, grid + EDGE / 8]) + rng.normal(0, 0.1, (60, 128, 3))
    frames[30:, 0:64:every, 2] += 9.9
    frames[:, :, 0] += np.linspace(0.0, 8.0, 60)[:, None]  # and all drift together
    return as_universe(frames if unwrapped else frames % EDGE, ["Li"] * 64 + ["S"] * 64)


def test_long_steps_of_neighbours_are_exact_if_unwrapped_and_else_refused():
    """Around an ion that goes 9.9 A, more than half of the cell, D2min is that of 9.9 A, not of 8.1 A back."""
    ions = far_jump(unwrapped=True).select_atoms("name Li")
    options = {"lag": 15, "cutoff": 6.0}
    found = NonAffineDisplacement(ions, **options).run().results.d2min
    start, end = (ions.universe.trajectory[k].positions.astype(float).copy() for k in (15, 30))
    near = find_neighbours(start, np.eye(3) * EDGE, 6.0, np.arange(64))
    expected = nonaffine_displacement(start, end, near, cell=np.eye(3) * EDGE, wrapped=False)
    np.testing.assert_allclose(found[1], expected, rtol=1e-9)
    # Around a hopper all neighbours go back by 9.9 A, which no strain about it explains: 98 A^2 less what a map fits.
    assert 70.0 < found[1][::16].min() < found[1][::16].max() < 98.0 and found[0].max() < 0.5  # A^2
    few = far_jump(unwrapped=False).select_atoms("name Li")
    with pytest.warns(
        UserWarning, match="steps of ions between frames: 4 of 7680 steps longer than 40 %.*smaller step"
    ):
        NonAffineDisplacement(few, **options).run()
    sentence = "steps of ions between frames: need steps well below half of the cell.*every frame .a smaller step="
    wrapped = far_jump(unwrapped=False, every=2).select_atoms("name Li")
    for make in (
        lambda: NonAffineDisplacement(wrapped, **options).run(),
        lambda: NonAffineDisplacement(wrapped, **options).run(backend="multiprocessing", n_workers=2),
        lambda: Softness(wrapped, lag=15, functions=FUNCTIONS, nonaffine_cutoff=6.0).run(),
        lambda: Softness(wrapped, lag=5, functions=FUNCTIONS, nonaffine_cutoff=6.0).run(step=3),
    ):
        with pytest.raises(InputError, match=sentence):
            make()
    with pytest.raises(InputError, match="between the two times: need steps well below.*wrapped=False"):
        nonaffine_displacement(start % EDGE, end % EDGE, near, cell=np.eye(3) * EDGE)


def test_lags_in_which_wrapped_ions_cross_the_cell_are_followed_frame_by_frame():
    """An ion goes 27 A, one and a half cells, in an interval, at 0.9 A a frame; also at constant pressure."""
    rng = np.random.default_rng(8)
    u = far_jump(unwrapped=True)
    frames = u.trajectory.timeseries(order="fac").astype(float)
    frames[:, 0:64:16, 1] += 0.9 * np.arange(60)[:, None]
    scale = 1 + rng.normal(0, 0.01, 60)
    for edges in (np.full(60, EDGE), EDGE * scale):
        positions = frames * (edges / EDGE)[:, None, None]
        runs = []
        for wrapped in (positions, positions % edges[:, None, None]):
            group = as_universe(wrapped, ["Li"] * 64 + ["S"] * 64, edge=edges).select_atoms("name Li")
            for options in ({}, {"backend": "multiprocessing", "n_workers": 3}):
                run = NonAffineDisplacement(group, lag=29, cutoff=6.0, chunk_frames=7).run(stop=30, **options)
                runs.append(run.results.d2min)
        for other in runs[1:]:
            np.testing.assert_allclose(other, runs[0], rtol=2e-4, atol=2e-4)
        assert runs[0][0, ::16].min() > 300.0  # A^2: 26.1 A squared is 681, less what a map fits


def test_atoms_that_jump_back_in_unwrapped_frames_are_refused():
    u = far_jump(unwrapped=True)
    frames = u.trajectory.timeseries(order="fac").copy()
    frames[40:, 64:, 1] += EDGE  # a restart put all sulfur one cell further up
    frames[:, 3, 2] += np.linspace(0.0, 3 * EDGE, 60)  # and an ion leaves the cell, step by step
    ions = as_universe(frames, ["Li"] * 64 + ["S"] * 64).select_atoms("name Li")
    with pytest.raises(InputError, match="coordinates: need unwrapped ones throughout"):
        NonAffineDisplacement(ions, lag=10, cutoff=6.0).run()


@pytest.mark.parametrize("backend", ["multiprocessing", "dask"])
def test_blocks_and_chunks_do_not_matter(rattle, backend):
    pytest.importorskip(backend, reason="a backend of its own")
    lithium = rattle.select_atoms("name Li")
    whole = NonAffineDisplacement(lithium, lag=7, cutoff=6.0).run(start=2).results
    run = NonAffineDisplacement(lithium, lag=7, cutoff=6.0, chunk_frames=3)
    found = run.run(start=2, backend=backend, n_workers=2, n_parts=5).results
    np.testing.assert_allclose(found.d2min, whole.d2min, rtol=1e-12)
    assert found.frames.tolist() == whole.frames.tolist()


def test_blocks_shorter_than_an_interval(rattle):
    lithium = rattle.select_atoms("name Li")
    whole = NonAffineDisplacement(lithium, lag=10, cutoff=6.0).run().results
    found = (
        NonAffineDisplacement(lithium, lag=10, cutoff=6.0)
        .run(backend="multiprocessing", n_workers=2, n_parts=12)
        .results
    )
    np.testing.assert_allclose(found.d2min, whole.d2min, rtol=1e-12)


def test_nonaffine_figures_tables_and_files(rattle, tmp_path, capsys):
    run = NonAffineDisplacement(rattle.select_atoms("name Li"), lag=10, cutoff=6.0, power="square").run()
    run.save(tmp_path / "d.npz")
    back = NonAffineDisplacement.load(tmp_path / "d.npz")
    np.testing.assert_array_equal(back.results.d2min, run.results.d2min)
    assert back.plot().get_ylabel().endswith("(Å²)")
    assert back.plot_distribution().get_xscale() == "log"
    table = back.to_dataframe()
    assert len(table) == 6 * 64
    assert table["cumulative"].iloc[-1] == run.results.cumulative[-1, -1]
    assert "mean D2min" in repr(back)
    back.cite()
    assert "Falk" in capsys.readouterr().out


def test_too_few_neighbours_name_atom_cutoff_and_frame(rattle):
    run = NonAffineDisplacement(rattle.select_atoms("name Li"), cutoff=2.0)
    with pytest.raises(InputError, match="need at least 4 neighbours .* within 2 A in frame 0; use a larger cutoff"):
        run.run()


def test_cutoff_beyond_half_of_the_box_is_refused_at_once(rattle):
    with pytest.raises(InputError, match="^cutoff: need at most half of the .* cell, 9 A, got 12 A"):
        NonAffineDisplacement(rattle.select_atoms("name Li"), cutoff=12.0)
    with pytest.raises(
        InputError, match="cutoff: need at most half of the smallest height of the cell, 9 A, got 10 A"
    ) as e:
        Softness(rattle.select_atoms("name Li"))
    advised = "StructureFunctions.spaced(('Li', 'S'), cutoff=9)"
    assert e.value.remedy == f"use a larger cell, or train with functions={advised}"
    Softness(rattle.select_atoms("name Li"), functions=eval(advised))


def test_lag_beyond_the_trajectory(rattle):
    lithium = rattle.select_atoms("name Li")
    with pytest.raises(InputError, match="lag: need at least 61 frames for 1 intervals of 60 frames, got 30 frames"):
        NonAffineDisplacement(lithium, lag=60, cutoff=6.0).run(stop=30)
    with pytest.raises(InputError, match="lag: need a whole number of at least 1, got 0"):
        NonAffineDisplacement(lithium, lag=0, cutoff=6.0)
    with pytest.raises(InputError, match="mobile: need ions that are among atoms"):
        NonAffineDisplacement(lithium, rattle.select_atoms("name S"), cutoff=6.0)
    with pytest.raises(InputError, match="power: need 'root' or 'square'"):
        NonAffineDisplacement(lithium, cutoff=6.0, power="cube")


# Softness


def test_structure_that_decides_is_learnt(soft):
    r = soft.results
    assert r.softness.shape == (21, 64)
    assert r.labels.values.shape == (20, 64)
    np.testing.assert_allclose(r.labels.balance, [0.5, 0.5])
    assert r.scores.balanced_accuracy > 0.7
    assert r.scores.balanced_accuracy > r.scores.majority_accuracy + 0.15
    moved, still = (r.softness[:20][r.labels.values == k].mean() for k in (1, 0))
    assert moved > 0 > still
    best = r.weights.labels[int(np.argmax(np.abs(r.weights.values) / r.weights.errors))]
    assert best.startswith("S ")
    p = r.probability
    assert p.probability[-2] > 0.7 > 0.3 > p.probability[1]


def test_nothing_is_learnt_from_rattling(rattle):
    with pytest.warns(
        UserWarning, match="softness: need a model that tells ions apart, got a balanced accuracy of 0.5"
    ):
        r = Softness(rattle.select_atoms("name Li"), **OPTIONS).run().results
    assert abs(r.scores.balanced_accuracy - 0.5) < 0.1


@pytest.mark.parametrize("backend", ["multiprocessing", "dask"])
def test_backends_agree(universe, soft, backend):
    pytest.importorskip(backend, reason="a backend of its own")
    other = Softness(universe.select_atoms("name Li"), chunk_frames=5, **OPTIONS).run(backend=backend, n_workers=2)
    np.testing.assert_allclose(other.results.displacement, soft.results.displacement, rtol=1e-12)
    np.testing.assert_allclose(other.results.softness, soft.results.softness, rtol=1e-9, atol=1e-12)


def test_features_are_those_of_the_core(universe, soft):
    ts = universe.trajectory[8]
    symbols = universe.atoms.elements
    features = FUNCTIONS.compute(ts.positions, np.eye(3) * EDGE, symbols, np.arange(64))
    universe.trajectory[0]
    np.testing.assert_allclose(soft.results.softness[2], soft.results.model.softness(features), atol=1e-4)


def test_window_sums_intervals(universe):
    lithium = universe.select_atoms("name Li")
    d2min = NonAffineDisplacement(lithium, lag=LAG, cutoff=6.0).run().results.d2min
    r = Softness(lithium, **{**OPTIONS, "n_groups": 0}, window=3, split="ion").run().results
    expected = np.sqrt(d2min)[:-2] + np.sqrt(d2min)[1:-1] + np.sqrt(d2min)[2:]
    np.testing.assert_allclose(r.displacement, expected, rtol=1e-9)
    assert r.window_time == pytest.approx(6.0)  # ps
    assert r.weights is None


def test_trained_model_is_applied_elsewhere(soft):
    other = conductor(seed=7)
    found = Softness(other.select_atoms("name Li"), model=soft).run()
    r = found.results
    assert r.cross_validation is None
    assert found.parameters["lag"] == LAG
    assert r.labels.thresholds == pytest.approx(soft.results.labels.thresholds)
    assert r.scores.balanced_accuracy > 0.7
    assert "accuracy on this trajectory" in repr(found)
    longer = Softness(other.select_atoms("name Li"), model=soft, lag=10, label="quantile", value=0.8).run()
    assert longer.parameters["lag"] == 10
    np.testing.assert_allclose(longer.results.labels.balance, [0.8, 0.2], atol=0.01)
    bare = Softness(other.select_atoms("name Li"), model=soft.results.model, lag=LAG, nonaffine_cutoff=6.0).run()
    np.testing.assert_allclose(bare.results.softness, r.softness)


def test_models_refuse_other_systems(soft, universe, tmp_path):
    with pytest.raises(InputError, match="model: need Li ions, which the model was trained on, got Na ions"):
        Softness(conductor(21, names=("Na", "S")).select_atoms("name Na"), model=soft)
    with pytest.raises(InputError, match="model: need a system of Li, S, as in training, got Li, Se"):
        Softness(conductor(21, names=("Li", "Se")).select_atoms("name Li"), model=soft)
    lithium = universe.select_atoms("name Li")
    wide = StructureFunctions.spaced(("Li", "S"), spacing=0.25, cutoff=6.0)
    with pytest.raises(InputError, match="need structure functions with positions 0.25 to 5.75"):
        Softness(lithium, model=soft, functions=wide)
    with pytest.raises(InputError, match="model: need a Softness that was run, or its results.model, got str"):
        Softness(lithium, model="soft.npz")
    with pytest.raises(InputError, match="Softness: need results, got none yet"):
        Softness(lithium, model=Softness(lithium, **OPTIONS))


def test_one_class_only_says_so(universe):
    lithium = universe.select_atoms("name Li")
    with pytest.raises(InputError, match="labels: need ions of at least two classes, got 1280 ions, all of class 0"):
        Softness(lithium, **OPTIONS, label="threshold", value=1e6).run()


def test_absent_and_mixed_species(universe):
    with pytest.raises(InputError, match="species: need atoms of P, got only Li, S"):
        Softness(universe.select_atoms("name Li"), functions=StructureFunctions.spaced(("P",), cutoff=6.0))
    with pytest.raises(InputError, match="mobile: need ions of one species, got Li, S"):
        Softness(universe.atoms, **OPTIONS)


def test_files_keep_the_model(soft, tmp_path):
    soft.save(tmp_path / "soft.npz")
    back = Softness.load(tmp_path / "soft.npz")
    np.testing.assert_array_equal(back.results.softness, soft.results.softness)
    assert back.results.model.functions == FUNCTIONS
    other = conductor(41, seed=8).select_atoms("name Li")
    expected, found = (Softness(other, model=m).run().results.softness for m in (soft, back))
    np.testing.assert_array_equal(expected, found)
    with pytest.raises(InputError, match="write_extxyz: need the trajectory, got results loaded from a file"):
        back.write_extxyz(tmp_path / "soft.extxyz")
    for draw in (back.plot, back.plot_weights, back.plot_probability):
        assert draw().has_data()


@pytest.mark.parametrize("kind", ["rbf-svm", "mlp"])
def test_files_keep_models_without_a_plane(universe, kind, tmp_path):
    run = Softness(universe.select_atoms("name Li"), **OPTIONS, kind=kind, n_folds=3).run()
    run.save(tmp_path / "soft.npz")
    back = Softness.load(tmp_path / "soft.npz").results
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, FUNCTIONS.n_functions))
    np.testing.assert_array_equal(back.model.decision(features), run.results.model.decision(features))
    assert back.weights is None
    with pytest.raises(InputError, match="weights: need a linear model trained here"):
        run.plot_weights()


def test_extended_xyz_has_softness(soft, tmp_path):
    ase_io = pytest.importorskip("ase.io", reason="extended xyz is read by ASE")
    soft.write_extxyz(tmp_path / "soft.extxyz")
    images = ase_io.read(tmp_path / "soft.extxyz", ":")
    assert len(images) == 21
    np.testing.assert_allclose(images[3].arrays["softness"][:64], soft.results.softness[3], atol=1e-7)
    assert np.isnan(images[3].arrays["softness"][64:]).all()
    assert images[3].arrays["rearranged"][:64].tolist() == soft.results.labels.values[3].tolist()
    assert set(images[-1].arrays["rearranged"]) == {-1}
    assert images[3].info["time"] == pytest.approx(6.0)  # ps
    assert list(tmp_path.iterdir()) == [tmp_path / "soft.extxyz"]


def test_correlation_with_another_analysis(soft, universe):
    lithium = universe.select_atoms("name Li")
    volumes = IonVoronoiVolume(lithium, series=True).run()
    found = soft.correlate(volumes)
    rows = np.array(volumes.results.series)[soft.results.frames]
    assert found.samples == pytest.approx(soft.correlate(rows).samples)
    sulfur = np.arange(64, 128)
    share = np.array([
        neighbour_fraction(ts.positions, np.eye(3) * EDGE, lithium.ix, sulfur, np.arange(64) % 2 == 0)
        for ts in universe.trajectory[::LAG]
    ])  # fmt: skip
    assert abs(soft.correlate(share).samples) < 0.5
    assert "over single ions" in soft.plot_correlation(volumes, name="volume (Å³)").get_title()
    with pytest.raises(InputError, match="IonVoronoiVolume: need a series in time, got none; run it as IonVor"):
        soft.correlate(IonVoronoiVolume(lithium).run(stop=3))
    with pytest.raises(InputError, match="IonVoronoiVolume: need all frames and ions .* got frame 12 left out"):
        soft.correlate(IonVoronoiVolume(lithium, series=True).run(stop=10))


def lennard_jones(positions, edge, sigma, epsilon, cutoff):
    """Energy of each atom by the definition, half of each pair, shifted to zero at the cutoff."""
    apart = positions[:, None] - positions[None]
    apart -= edge * np.rint(apart / edge)
    r = np.sqrt((apart**2).sum(axis=-1))
    np.fill_diagonal(r, np.inf)
    energy = 4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6)
    shift = 4 * epsilon * ((sigma / cutoff) ** 12 - (sigma / cutoff) ** 6)
    return 0.5 * np.where(r < cutoff, energy - shift, 0.0).sum(axis=1)


def test_energies_of_ions_from_a_calculator(soft, universe):
    lj = pytest.importorskip("ase.calculators.lj", reason="calculators are those of ASE")
    options = {"sigma": 2.5, "epsilon": 0.05, "rc": 6.0}  # A, eV, A
    found = soft.potential_energies("lj", **options)
    expected = [
        lennard_jones(universe.trajectory[int(f)].positions.astype(float), EDGE, 2.5, 0.05, 6.0)[:64]
        for f in soft.results.frames
    ]
    universe.trajectory[0]
    np.testing.assert_allclose(found, expected, rtol=1e-8)  # eV
    for calculator in (lj.LennardJones(**options), lj.LennardJones):
        values = soft.potential_energies(calculator, **(options if isinstance(calculator, type) else {}))
        np.testing.assert_array_equal(values, found)
    correlation = soft.correlate(lj.LennardJones(**options))
    assert correlation.samples == soft.correlate(found).samples
    assert correlation.ions == pytest.approx(np.corrcoef(soft.results.softness.mean(axis=0), found.mean(axis=0))[0, 1])
    assert correlation.samples == pytest.approx(np.corrcoef(soft.results.softness.ravel(), found.ravel())[0, 1])
    assert correlation.quantity @ correlation.counts == pytest.approx(found.sum())  # eV
    assert universe.trajectory.frame == 0


@pytest.mark.filterwarnings("ignore:softness. need a model that tells")  # of so few samples nobody can say
def test_energies_of_ions_from_the_shipped_potential():
    ase = pytest.importorskip("ase", reason="calculators are those of ASE")
    pytest.importorskip("deepmd", reason="the shipped potential is evaluated by deepmd-kit")
    from ase.calculators.calculator import get_calculator_class

    rng = np.random.default_rng(4)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    sites = grid * 2.57  # A, rock salt LiCl
    names = np.where(grid.sum(axis=1) % 2 == 0, "Li", "Cl").tolist()
    u = as_universe(sites + rng.normal(0, 0.15, (7, 64, 3)), names, edge=10.28)
    functions = StructureFunctions.spaced(("Li", "Cl"), spacing=1.0, cutoff=5.0)
    run = Softness(u.select_atoms("name Li"), functions=functions, lag=2, nonaffine_cutoff=5.0, split="ion", n_groups=0)
    found = run.run().potential_energies("ionpath", model="argyrodite")
    assert found.shape == (4, 32)
    calculator = get_calculator_class("ionpath")()
    for k, frame in enumerate(run.results.frames):
        atoms = ase.Atoms(names, positions=u.trajectory[int(frame)].positions, cell=[10.28] * 3, pbc=True)
        energies = calculator.get_potential_energies(atoms)
        assert energies.sum() == pytest.approx(calculator.get_potential_energy(atoms), abs=1e-8)
        np.testing.assert_allclose(found[k], energies[np.array(names) == "Li"], atol=1e-5)  # eV, single-precision cell
    assert -1 < run.correlate("ionpath").samples < 1


def test_calculators_without_energies_of_atoms_are_refused(soft, tmp_path):
    tip3p = pytest.importorskip("ase.calculators.tip3p", reason="calculators are those of ASE")
    with pytest.raises(InputError, match="calculator: need the name of a calculator that ASE knows, got 'ionp'"):
        soft.correlate("ionp")
    with pytest.raises(
        InputError, match="calculator: need a calculator with energies of single atoms .*, got TIP3P, which"
    ):
        soft.correlate(tip3p.TIP3P())
    with pytest.raises(InputError, match="got object, which has none; use one whose implemented_properties"):
        soft.potential_energies(object())
    with pytest.raises(InputError, match="calculator: need a name or a class to pass options to, got TIP3P"):
        soft.potential_energies(tip3p.TIP3P(), rc=3.0)
    soft.save(tmp_path / "soft.npz")
    with pytest.raises(InputError, match="potential_energies: need the trajectory, got results loaded"):
        Softness.load(tmp_path / "soft.npz").correlate("lj")


class _Broken:
    def __init__(self, energies):
        self.energies = energies

    def get_potential_energies(self, atoms):
        return self.energies


@pytest.mark.parametrize(
    ("energies", "sentence"), [(np.zeros(3), r"got shape \(3,\)"), (np.full(128, np.nan), "got nan or infinity")]
)
def test_energies_that_are_none(soft, energies, sentence):
    with pytest.raises(InputError, match=f"calculator: need 128 finite energies, {sentence} in frame 0"):
        soft.potential_energies(_Broken(energies))


@pytest.fixture(scope="module")
def mixed():
    """32 lithium that rattle among PS4 and free sulfur at random: ions differ in how much free sulfur is nearby."""
    rng = np.random.default_rng(6)
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.18  # A
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * 6.0
    anions, ions = grid[grid.sum(axis=1) % 12 == 0], grid[grid.sum(axis=1) % 12 == 6]
    frames, p, where = [], np.arange(16), rng.permutation(32)
    bound = anions[where[:16]]
    sulfur = np.r_[(bound[:, None] + tetrahedron).reshape(-1, 3), anions[where[16:]]]
    for _ in range(25):
        frames.append(np.r_[ions + rng.normal(0, 0.3, ions.shape), bound, sulfur] + rng.normal(0, 0.02, (128, 3)))
    names = ["Li"] * 32 + ["P"] * len(p) + ["S"] * 80
    return as_universe(np.array(frames) % 24.0, names, edge=24.0)


def test_correlation_with_kinds_of_anions(mixed):
    lithium = mixed.select_atoms("name Li")
    functions = StructureFunctions.spaced(("P", "S"), spacing=0.5, cutoff=7.0)
    run = Softness(lithium, functions=functions, lag=2, nonaffine_cutoff=8.0, split="ion", n_groups=0).run()
    found = run.correlate_anions(cutoff=7.0)
    assert set(found) == {"PS4", "free"}
    assert found["PS4"].samples == pytest.approx(-found["free"].samples)
    share = np.array([
        neighbour_fraction(ts.positions, np.eye(3) * 24, lithium.ix, np.arange(48, 128), np.arange(80) >= 64, 7.0)
        for ts in mixed.trajectory[::2]
    ])  # fmt: skip
    assert run.correlate(share).samples == pytest.approx(found["free"].samples)
    assert list(run.correlate_anions("free", cutoff=7.0)) == ["free"]
    with pytest.raises(InputError, match="kinds: need anions among .*PS4.*, got P2S7; choose others"):
        run.correlate_anions("P2S7", cutoff=7.0)
    with pytest.raises(InputError, match="cutoff: need ligands around each ion, got none within 2 A of atom 0"):
        run.correlate_anions(cutoff=2.0)
    with pytest.raises(InputError, match="kinds: need anions of more than one kind, got only free"):
        run.correlate_anions(cutoff=7.0, bond=1.0, centre_bond=1.0)


def test_correlation_with_rings(mixed):
    """Each ion with the mean over its sulfur of the large rings, which are counted here by hand."""
    lithium = mixed.select_atoms("name Li")
    functions = StructureFunctions.spaced(("P", "S"), spacing=0.5, cutoff=7.0)
    run = Softness(lithium, functions=functions, lag=2, nonaffine_cutoff=8.0, split="ion", n_groups=0).run()
    found = run.correlate_rings(cutoff=7.0, frames=2)
    frames, values = run.results.frames[[0, -1]], []
    for frame in frames:
        at = mixed.trajectory[int(frame)].positions.astype(float)
        symbols = mixed.atoms.elements.tolist()
        rings = persistent_rings(at, np.eye(3) * 24, symbols)
        of = np.zeros(len(symbols))
        for size, members in zip(rings.size, rings.members, strict=True):
            if size > 8:
                np.add.at(of, members[members >= 0], 1.0 / rings.copies)
        sulfur = np.flatnonzero(np.array(symbols) == "S")
        apart = at[lithium.ix][:, None] - at[sulfur]
        near = np.linalg.norm(apart - 24 * np.rint(apart / 24), axis=-1) <= 7.0
        values.append([of[sulfur[row]].mean() for row in near])
    expected = softness_correlation(run.results.softness[[0, -1]], np.array(values))
    assert found.samples == pytest.approx(expected.samples)
    assert found.ions == pytest.approx(expected.ions)
    with pytest.raises(InputError, match="cutoff: need ligands next to each ion, got none within 0.5 A of atom 0"):
        run.correlate_rings(cutoff=0.5, frames=2)
    with pytest.raises(InputError, match="ligands: need atoms of this element, got no Cl; name one of the network"):
        run.correlate_rings(ligands="Cl", frames=2)


def test_grid_search_reads_the_same_frames(soft):
    found = soft.grid_search(spacings=[0.5, 2.0], cutoffs=[6.0], penalties=[1.0])
    assert found.balanced_accuracy.shape == (2, 1, 1, 1)
    assert found.balanced_accuracy[0, 0, 0, 0] == pytest.approx(
        np.mean(soft.results.cross_validation.balanced_accuracy), abs=0.02
    )
    assert soft.plot_grid(found, x="penalty").get_xlabel() == "penalty C"
    with pytest.raises(InputError, match="x, y: need two of spacing, cutoff, penalty, threshold"):
        soft.plot_grid(found, x="spacing", y="spacing")


def test_temperatures_with_one_model(soft):
    runs = [Softness(conductor(121, kick, seed=9).select_atoms("name Li"), model=soft).run() for kick in (0.6, 1.0)]
    split = softness_arrhenius([500.0, 600.0], runs, n_bins=4)
    assert len(split.softness) >= 2
    assert np.isfinite(split.energy).all()
    assert len(plot_softness_arrhenius(split)) == 2
    other = Softness(conductor(seed=3).select_atoms("name Li"), **OPTIONS).run()
    with pytest.raises(InputError, match="analyses: need the same model at all temperatures, got different models"):
        softness_arrhenius([500.0, 600.0], [soft, other])
    bare = Softness(
        conductor(seed=3).select_atoms("name Li"), model=soft.results.model, lag=LAG, nonaffine_cutoff=6.0
    ).run()
    with pytest.raises(InputError, match="analyses: need the same threshold of mobility at all temperatures"):
        softness_arrhenius([500.0, 600.0], [soft, bare])


def test_figures_and_table(soft, capsys):
    assert "majority" in soft.plot().get_title()
    labels = [text.get_text() for text in soft.plot_weights().get_legend().get_texts()]
    assert labels == ["Li", "S"]
    assert soft.plot_probability().get_xlabel() == "softness"
    assert soft.plot_structure(2).get_aspect() == 1.0
    seen = soft.plot_structure(2, axis="x").collections[-1]  # ions, by depth along x, coloured by their softness
    universe = soft.groups["mobile"].universe
    at = universe.trajectory[int(soft.results.frames[2])].positions[:64] % EDGE
    depth = np.argsort(at[:, 0], kind="stable")
    np.testing.assert_allclose(seen.get_offsets(), at[depth][:, 1:], atol=1e-4)  # A
    np.testing.assert_array_equal(seen.get_array(), soft.results.softness[2][depth])
    table = soft.to_dataframe()
    assert len(table) == 21 * 64
    assert (table["class"][-64:] == -1).all()
    assert "majority class alone" in repr(soft)
    soft.cite()
    assert "Cubuk" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:softness. need a model that tells")  # of so few samples nobody can say
@pytest.mark.parametrize("kind", ["logistic", "linear-svm", "rbf-svm"])
def test_several_classes(universe, kind, tmp_path):
    edges = np.quantile(
        np.sqrt(NonAffineDisplacement(universe.select_atoms("name Li"), lag=LAG, cutoff=6.0).run().results.d2min),
        [0.4, 0.8],
    )
    run = Softness(universe.select_atoms("name Li"), **OPTIONS, kind=kind, label="classes", value=edges.tolist()).run()
    assert 0 <= run.results.softness.min() <= run.results.softness.max() <= 2
    assert run.results.probability is None
    assert run.results.weights is None
    assert run.results.scores.balanced_accuracy > 1 / 3 + 0.1
    with pytest.raises(InputError, match="labels: need two classes, got 3"):
        run.rearrangement_probability()
    run.save(tmp_path / "soft.npz")
    other = conductor(41, seed=8).select_atoms("name Li")
    saved = Softness.load(tmp_path / "soft.npz")
    expected, found = (Softness(other, model=m).run().results.softness for m in (run, saved))
    np.testing.assert_array_equal(expected, found)


# Several systems


@pytest.fixture(scope="module")
def chlorides():
    """The same physics with chlorine in the place of half of the sulfur."""
    u = conductor(61, seed=5)
    u.add_TopologyAttr("elements", ["Li"] * 64 + ["S"] * 32 + ["Cl"] * 32)
    return u


@pytest.fixture(scope="module")
def joint(universe, chlorides):
    functions = StructureFunctions.spaced(("Cl", "Li", "S"), spacing=0.5, cutoff=6.0)
    options = {**OPTIONS, "functions": functions, "n_groups": 0, "n_folds": 3}
    return Softness({"sulfide": universe, "mixed": chlorides.select_atoms("name Li")}, **options).run()


def test_several_materials_share_one_hyperplane(joint, universe, chlorides):
    r = joint.results
    assert r.names == ("sulfide", "mixed")
    assert [s.shape for s in r.softness] == [(21, 64), (16, 64)]
    pooled = np.concatenate([d.ravel() for d in r.displacement])
    assert r.labels[0].thresholds == r.labels[1].thresholds == pytest.approx(np.quantile(pooled, [0.5]))
    assert np.concatenate([x.values.ravel() for x in r.labels]).mean() == pytest.approx(0.5, abs=1e-3)
    assert r.model.systems == (("Li", "S"), ("Cl", "Li", "S"))
    assert len(r.cross_validation.by_system) == 2
    samples = [s.n_samples for s in r.cross_validation.by_system]
    assert sum(samples) == r.scores.n_samples
    weights = [s.accuracy * n for s, n in zip(r.cross_validation.by_system, samples, strict=True)]
    assert sum(weights) / sum(samples) == pytest.approx(r.scores.accuracy)
    ts = universe.trajectory[8]
    codes = r.model.functions.codes(universe.atoms.elements, absent=True)
    near = find_neighbours(ts.positions, np.eye(3) * EDGE, 6.0, np.arange(64))
    expected = r.model.softness(r.model.functions.of_neighbours(near, codes))
    np.testing.assert_allclose(r.softness[0][2], expected, atol=1e-4)
    with pytest.raises(InputError, match="species: need atoms of P, got only Cl, Li, S"):
        Softness([universe, chlorides], functions=StructureFunctions.spaced(("Li", "P"), cutoff=6.0), **CALM)


CALM = {"lag": LAG, "nonaffine_cutoff": 6.0}


def test_results_of_several_systems_are_used_as_those_of_one(joint, chlorides, tmp_path):
    table = joint.to_dataframe()
    assert table.groupby("system").size().to_dict() == {"mixed": 16 * 64, "sulfide": 21 * 64}
    assert joint.plot().get_legend() is not None
    assert joint.plot_structure(1, system="mixed", axis="x").get_xlabel() == "y (Å)"
    assert "soft ions" in repr(joint)
    shares = [np.random.default_rng(k).normal(size=s.shape) for k, s in enumerate(joint.results.softness)]
    assert abs(joint.correlate(shares).samples) < 0.1
    with pytest.raises(InputError, match="quantity: need one for each of 2 systems, or a name for all"):
        joint.correlate(shares[0])
    with pytest.raises(InputError, match="system: need one of|system: need 'sulfide' or 'mixed', got 'glass'"):
        joint.plot_structure(system="glass")
    joint.save(tmp_path / "joint.npz")
    back = Softness.load(tmp_path / "joint.npz")
    assert back.to_dataframe().equals(table)
    applied = Softness(chlorides.select_atoms("name Li"), model=back).run(stop=41)
    np.testing.assert_allclose(applied.results.softness[:10], joint.results.softness[1][:10])
    with pytest.raises(InputError, match="model: need a system of Li, S or Cl, Li, S, as in training, got Br, Li"):
        Softness(conductor(21, names=("Li", "Br")).select_atoms("name Li"), model=back)


def test_systems_that_do_not_go_together(universe, chlorides):
    with pytest.raises(InputError, match="lag: need the same time in all systems, got 2 ps, 4 ps; give frame_time"):
        Softness([universe, chlorides], frame_time=[0.5, 1.0], **OPTIONS).run()
    with pytest.raises(InputError, match="mobile: need ions of one species, got Li, Na"):
        Softness([universe, conductor(21, names=("Na", "S")).select_atoms("name Na")], **OPTIONS)
    with pytest.raises(InputError, match="mobile: need lithium in the universe, got only Na, S; pass the mobile"):
        Softness([conductor(21, names=("Na", "S"))], **OPTIONS)
    with pytest.raises(InputError, match="mobile: need at least one AtomGroup or Universe, got none"):
        Softness([])
    with pytest.raises(TypeError, match=r"Softness: unknown keyword 'fucntions'; did you mean 'functions'\?"):
        Softness(universe, fucntions=FUNCTIONS)


def test_classes_over_several_systems(universe, chlorides):
    run = Softness(
        [universe, chlorides], label="classes", value=3, lag=LAG, nonaffine_cutoff=6.0, n_folds=3,
        functions=StructureFunctions.spaced(("Cl", "Li", "S"), spacing=1.0, cutoff=6.0), kind="linear-svm",
    ).run(stop=41)  # fmt: skip
    counts = np.bincount(np.concatenate([x.values.ravel() for x in run.results.labels]))
    assert counts.max() - counts.min() <= 1 and len(counts) == 3
    assert all(0 <= s.min() <= s.max() <= 2 for s in run.results.softness)
    assert run.results.scores.balanced_accuracy > 1 / 3 + 0.05
    published = Softness(universe, preset="guan2024", mode="published", label="classes", nonaffine_cutoff=6.0)
    assert published.parameters["value"] == [10.0, 20.0, 30.0, 40.0, 50.0]  # A^2
    assert published.parameters["power"] == "square"


@pytest.mark.filterwarnings("ignore:softness. need a model that tells")  # of so few samples nobody can say
def test_long_runs_are_sampled_evenly(universe, soft):
    run = Softness(universe, **{**OPTIONS, "n_groups": 0, "n_folds": 3}, most=64 * 7, window=2).run()
    r = run.results
    assert r.every == 3 and r.frames.tolist() == list(range(0, 81, 3 * LAG))
    steps = np.sqrt(NonAffineDisplacement(universe.select_atoms("name Li"), lag=LAG, cutoff=6.0).run().results.d2min)
    np.testing.assert_allclose(r.displacement, [steps[k] + steps[k + 1] for k in range(0, 19, 3)], rtol=1e-12)
    assert r.softness.shape == (7, 64)


def test_scatter_of_held_out_scores_is_that_of_whole_trainings():
    """Labels that structure knows nothing of: scores of 30 runs scatter by what one run says, not 1.5 times as much."""
    rng = np.random.default_rng(0)
    ions, times = np.tile(np.arange(30), 20), np.repeat(np.arange(20.0), 30)
    functions = StructureFunctions.spaced(("S",), spacing=1.0, cutoff=4.0)
    scores, errors = [], []
    for seed in range(40):
        x, y = rng.normal(size=(600, 4)), rng.random(600) < 0.5
        found = cross_validate(x, y, functions, split_samples(ions, times, "ion", seed=seed), penalty=0.01)
        scores.append(np.mean(found.balanced_accuracy))
        errors.append(found.error)
    assert 0.6 < np.std(scores, ddof=1) / np.sqrt(np.mean(np.square(errors))) < 1.15


# Order parameters of other packages, and profiles


class Toy:
    @staticmethod
    @hookimpl
    def order_parameters():
        return {"height": lambda positions, cell: positions[:, 2] % cell[2, 2], "broken": lambda p, c: p[:3, 0]}


@pytest.fixture
def toy():
    register(Toy, name="toy of this test")
    yield
    unregister(Toy)


def test_order_parameters_of_other_packages(toy, soft, universe):
    lithium = universe.select_atoms("name Li")
    found = OrderParameter(universe.atoms, "height", lithium, series=True).run()
    expected = [ts.positions[:64, 2] % EDGE for ts in universe.trajectory]
    np.testing.assert_allclose(found.results.series, expected, rtol=1e-6)
    np.testing.assert_allclose(found.results.per_atom, np.mean(expected, axis=0), rtol=1e-6)
    assert found.results.outside_fraction == 0.0
    assert found.plot().get_xlabel() == "height"
    assert soft.correlate("height").samples == pytest.approx(soft.correlate(found).samples, abs=1e-6)
    parts = OrderParameter(universe.atoms, "height", lithium).run(n_parts=3)
    np.testing.assert_allclose(parts.results.density, found.results.density)
    with pytest.raises(InputError, match="name: need 'height' or 'broken', got 'heigth'; did you mean 'height'"):
        OrderParameter(universe.atoms, "heigth")
    with pytest.raises(InputError, match="order parameter 'broken': need one finite number for each of 128 atoms"):
        OrderParameter(universe.atoms, "broken").run()
    with pytest.raises(InputError, match=r"order parameter 'broken': .* got shape \(3,\); mend the plugin"):
        soft.correlate("broken")


def test_profiles_across_the_cell(toy, soft, universe, tmp_path):
    lithium = universe.select_atoms("name Li")
    profile = layer_means(OrderParameter(universe.atoms, "height", lithium, series=True).run(), axis="z", bins=6)
    np.testing.assert_allclose(profile.y, (np.arange(6) + 0.5) * 3.0)  # A
    # In a layer the mean height is near its middle, and between its faces anyway.
    filled = profile.counts > 0
    assert (np.abs(profile.mean - profile.y)[filled] <= 1.5).all() and profile.counts.sum() == 81 * 64
    softness = layer_means(soft, axis="y", bins=4)
    assert softness.counts.sum() == 21 * 64
    total = np.nansum(softness.mean * softness.counts) / softness.counts.sum()
    assert total == pytest.approx(soft.results.softness.mean())
    assert soft.plot_profile(bins=4).get_ylabel() == "softness"
    with pytest.raises(InputError, match="IonVoronoiVolume: need a series in time, got none; run it as"):
        layer_means(IonVoronoiVolume(lithium).run(stop=2))


# Ab initio molecular dynamics


@pytest.mark.parametrize("name", ["Li6PS5Cl-0p-run1", "Li6PS5Cl-50p-run1"])
@pytest.mark.filterwarnings("ignore:Reader has no dt information")  # XDATCAR has no times; frame_time says it
@pytest.mark.filterwarnings("ignore:softness. need a model that tells")  # of so few samples nobody can say
def test_ab_initio_trajectories(shared_data, name):
    u = mda.Universe(shared_data / "aimd" / f"{name}.XDATCAR.gz")
    run = Softness(u.select_atoms("element Li"), lag=10, frame_time=0.1, n_groups=0, penalty=0.01).run()
    r = run.results
    assert r.softness.shape == (14, 192)
    assert r.model.functions.n_functions == 200
    assert r.lag_time == pytest.approx(1.0)  # ps
    assert r.cross_validation.train.balanced_accuracy > 0.6
    assert 0.4 < r.scores.balanced_accuracy < r.cross_validation.train.balanced_accuracy
    assert np.isfinite(r.softness).all()
