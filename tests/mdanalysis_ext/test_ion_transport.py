"""The transport classes on trajectories whose answers are known."""

from __future__ import annotations

import pickle

import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.lines import linear_fit
from ionpath.transport import (
    cage_hops,
    distinct_van_hove,
    estimate_diffusion,
    ion_density,
    mean_squared_displacement,
    non_gaussian_parameter,
    self_van_hove,
)
from ionpath_mdanalysis import IonDensity, IonDiffusion, IonHops, NonGaussianParameter, SelfVanHove
from ionpath_mdanalysis.ion_transport import (
    _drift as drift_module,
    arrhenius,
    extrapolate,
    meyer_neldel,
    plot_arrhenius,
    plot_conductivity_line,
    plot_conductivity_map,
)
from ionpath_mdanalysis.ion_transport._drift import SeriesAnalysis

EDGE = 14.0


def make_universe(positions, edges=EDGE, names=None, dt=1.0, masses=True):
    """A universe of positions (T, N, 3) in orthorhombic cells with edges (scalar or (T,)) in A."""
    frames, atoms, _ = positions.shape
    names = names or ["Li"] * atoms
    u = mda.Universe.empty(atoms, trajectory=True)
    u.add_TopologyAttr("name", names)
    if masses:
        u.add_TopologyAttr("masses", [{"Li": 6.94, "S": 32.06, "Cl": 35.45}[n] for n in names])
        u.add_TopologyAttr("elements", names)
    dimensions = np.full((frames, 6), 90.0)
    dimensions[:, :3] = np.broadcast_to(edges, (frames,))[:, None]
    u.load_new(positions.astype(np.float32), order="fac", dimensions=dimensions.astype(np.float32), dt=dt)
    return u


@pytest.fixture(scope="module")
def walk():
    """Lithium that diffuses (D = 0.05 A^2/ps), without drift; and a vibrating framework."""
    rng = np.random.default_rng(0)
    ions = rng.normal(scale=np.sqrt(0.1), size=(500, 20, 3)).cumsum(axis=0) + rng.uniform(0, EDGE, (20, 3))
    frame = rng.uniform(0, EDGE, (30, 3)) + rng.normal(scale=0.1, size=(500, 30, 3))
    frame -= (frame - frame[0]).mean(axis=1, keepdims=True)
    return ions, frame


@pytest.fixture(scope="module")
def universe(walk):
    """The same, wrapped, with everything drifting through the cell twice."""
    ions, frame = walk
    everything = np.concatenate([ions, frame], axis=1) + np.arange(500)[:, None, None] * [0.06, -0.03, 0.01]
    return make_universe(everything % EDGE, names=["Li"] * 20 + ["S"] * 30)


@pytest.fixture
def lithium(universe):
    return universe.select_atoms("name Li")


def test_msd_is_that_of_the_walk_before_wrapping_and_drift(walk, lithium):
    found = IonDiffusion(lithium, temperature=400.0, weights="equal").run()
    expected = mean_squared_displacement(walk[0])
    np.testing.assert_allclose(found.results.msd, expected.total, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(found.results.msd_collective, expected.collective, rtol=5e-3, atol=5e-3)
    truth = estimate_diffusion(walk[0], 1.0).coefficient
    assert found.results.diffusion_coefficient.value == pytest.approx(truth.value, rel=1e-3)
    assert found.results.diffusion_coefficient.error == pytest.approx(truth.error, rel=2e-2)
    assert truth.low < 0.05 < truth.high
    assert found.results.wrapped
    assert found.results.crossings > 100
    assert found.results.drift_reference == "framework"
    np.testing.assert_allclose(found.results.drift[-1], 499 * np.array([0.06, -0.03, 0.01]), atol=1e-3)


def test_conductivity_has_the_density_of_the_box(lithium):
    found = IonDiffusion(lithium, temperature=400.0, charge=2.0).run().results
    assert found.volume == pytest.approx(EDGE**3)
    assert found.density == pytest.approx(20 / EDGE**3)
    # n z^2 e^2 D / kB T in mS/cm
    expected = 1.85925e8 * 4 * 20 / EDGE**3 * found.diffusion_coefficient.value / 400.0
    assert found.conductivity.value == pytest.approx(expected, rel=1e-5)
    assert found.haven_ratio.low < 1.0 < found.haven_ratio.high
    assert "conductivity" not in IonDiffusion(lithium).run().results


def test_unwrapped_input_gives_the_same(walk, lithium):
    ions, frame = walk
    unwrapped = make_universe(np.concatenate([ions, frame], axis=1), names=["Li"] * 20 + ["S"] * 30)
    plain = IonDiffusion(unwrapped.select_atoms("name Li")).run().results
    assert not plain.wrapped
    np.testing.assert_allclose(plain.msd, IonDiffusion(lithium).run().results.msd, rtol=2e-3, atol=2e-3)


ANALYSES = {
    "diffusion": (lambda u: IonDiffusion(u.select_atoms("name Li"), temperature=300.0, chunk_frames=7), "msd"),
    "vanhove": (
        lambda u: SelfVanHove(
            u.select_atoms("name Li"), lag_times=[1, 20], distinct=True, origins=3, dr=0.2, chunk_frames=11
        ),
        "self_part",
    ),
    "nongaussian": (lambda u: NonGaussianParameter(u.select_atoms("name Li"), lag_times=[1, 5, 50]), "alpha2"),
    "hops": (lambda u: IonHops(u.select_atoms("name Li"), centres=u.select_atoms("name S"), chunk_frames=13), "cages"),
    "density": (lambda u: IonDensity(u.select_atoms("name Li"), spacing=0.7, regions=[0.1, 0.6]), "density"),
}


STREAMS = {
    "diffusion": (lambda u, **o: IonDiffusion(u.select_atoms("name Li"), temperature=300.0, **o), "msd"),
    "vanhove": (
        lambda u, **o: SelfVanHove(
            u.select_atoms("name Li"), lag_times=[1, 20], distinct=True, origins=500, dr=0.2, **o
        ),
        "self_part",
    ),
    "nongaussian": (
        lambda u, **o: NonGaussianParameter(u.select_atoms("name Li"), lag_times=[1, 5, 50], **o),
        "alpha2",
    ),
    "cages": (lambda u, **o: IonHops(u.select_atoms("name Li"), centres=u.select_atoms("name S"), **o), "lengths"),
    "final": (lambda u, **o: IonHops(u.select_atoms("name Li"), mode="published_final", **o), "lengths"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_do_not_know_where_a_run_was_cut(universe, name):
    make, key = STREAMS[name]
    whole = make(universe, method="stream").run(stop=200).results
    assert whole.method == "stream"
    for how in ({"chunk_frames": 7}, {"n_parts": 3}, {"chunk_frames": 13, "n_parts": 20}):
        parts = how.pop("n_parts", 1)
        found = make(universe, method="stream", **how).run(stop=200, n_parts=parts).results
        np.testing.assert_allclose(found[key], whole[key], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.drift, whole.drift, atol=1e-9)
        assert found.crossings == whole.crossings
    parallel = make(universe, method="stream").run(stop=200, backend="multiprocessing", n_workers=2, n_parts=3)
    np.testing.assert_allclose(parallel.results[key], whole[key], rtol=1e-9, atol=1e-9)


def test_streams_find_what_the_whole_series_shows(universe):
    for name, (make, _) in STREAMS.items():
        exact, found = (make(universe, method=m).run().results for m in ("exact", "stream"))
        if name == "diffusion":
            assert exact.msd.size == 500 and found.msd.size == 51
            short = found.times < 16
            np.testing.assert_allclose(found.msd[short], exact.msd[found.times[short].astype(int)], rtol=1e-9)
            D, truth = found.diffusion_coefficient, exact.diffusion_coefficient
            assert D.value == pytest.approx(truth.value, rel=0.01)
            assert D.error == pytest.approx(truth.error, rel=0.03)
            assert D.low < 0.05 < D.high
            assert found.verdict == exact.verdict
            assert found.collective_conductivity.value == pytest.approx(exact.collective_conductivity.value, rel=0.05)
        elif name == "vanhove":
            np.testing.assert_allclose(found.fractions[0], exact.fractions[0], atol=1e-12)
            np.testing.assert_allclose(found.fractions[1], exact.fractions[1], atol=1e-2)
            np.testing.assert_allclose(found.distinct_part[0], exact.distinct_part[0], rtol=1e-9)
            np.testing.assert_allclose(found.distinct_part[1, 20:], exact.distinct_part[1, 20:], atol=0.03)
        elif name == "nongaussian":
            np.testing.assert_allclose(found.alpha2[:2], exact.alpha2[:2], rtol=1e-9)
            np.testing.assert_allclose(found.error, exact.error, rtol=0.1)
        else:
            np.testing.assert_allclose(found.lengths, exact.lengths, rtol=1e-9)
            assert str(found.rate) == str(exact.rate)
            assert "cages" not in found
    whole = IonHops(universe.select_atoms("name Li"), smoothing=3.0)
    stream = IonHops(universe.select_atoms("name Li"), smoothing=3.0, method="stream")
    np.testing.assert_allclose(stream.run().results.lengths, whole.run().results.lengths, rtol=1e-9)
    with pytest.raises(InputError, match="n_parts: need one part for mode='published_events' of so long a run"):
        stream.run(n_parts=2)


@pytest.mark.parametrize("name", STREAMS)
def test_memory_of_a_stream_does_not_grow_with_frames(universe, name, monkeypatch):
    """What a block hands back grows by drift, cell and mean position of a frame alone: 120 bytes, and hops."""
    sizes = []
    finish = SeriesAnalysis._finish

    def spy(self, blocks):
        sizes.append(len(pickle.dumps(blocks[0])))
        return finish(self, blocks)

    monkeypatch.setattr(SeriesAnalysis, "_finish", spy)
    make = STREAMS[name][0]
    for stop in (250, 500):
        make(universe, method="stream", chunk_frames=50).run(stop=stop)
    most = 1000 if name == "cages" else 200  # bytes a frame; 20 ions would take 480 as a series
    assert (sizes[1] - sizes[0]) / 250 < most


def test_long_runs_are_streamed_by_default(universe, monkeypatch):
    lithium = universe.select_atoms("name Li")
    assert IonDiffusion(lithium).run(stop=100).results.method == "exact"
    monkeypatch.setattr(drift_module, "SERIES_BYTES", 24 * 20 * 99)
    assert IonDiffusion(lithium).run(stop=100).results.method == "stream"
    assert IonDiffusion(lithium, method="exact").run(stop=100).results.method == "exact"


def leap(n_frames, scale, seed=0):
    """Ions whose steps between frames are `scale` long along each axis, in a rattling framework; unwrapped."""
    rng = np.random.default_rng(seed)
    ions = rng.normal(scale=scale, size=(n_frames, 20, 3)).cumsum(axis=0) + rng.uniform(0, EDGE, (20, 3))
    frame = rng.uniform(1, EDGE - 1, (30, 3)) + rng.normal(scale=0.05, size=(n_frames, 30, 3))
    return np.concatenate([ions, frame], axis=1)


CLASSES = {
    "diffusion": lambda ions, **o: IonDiffusion(ions, **o),
    "vanhove": lambda ions, **o: SelfVanHove(ions, lag_times=[2.0, 6.0], r_max=60.0, **o),
    "nongaussian": lambda ions, **o: NonGaussianParameter(ions, lag_times=[2.0, 6.0], **o),
    "hops": lambda ions, **o: IonHops(ions, smoothing=0.0, **o),
}
NAMES = ["Li"] * 20 + ["S"] * 30


@pytest.mark.parametrize("method", ["exact", "stream"])
@pytest.mark.parametrize("name", CLASSES)
def test_unwrapped_input_is_never_folded(name, method):
    """Steps of 4 A (one sigma) in a cell of 14 A: a third of them is longer than half of the cell."""
    u = make_universe(leap(200, 4.0), names=NAMES)
    for step in (1, 2):
        found, told = (
            CLASSES[name](u.select_atoms("name Li"), method=method, **o).run(step=step) for o in ({}, {"unwrap": False})
        )
        key = {"diffusion": "msd", "vanhove": "fractions", "nongaussian": "second", "hops": "lengths"}[name]
        np.testing.assert_allclose(found.results[key], told.results[key], rtol=1e-12)
        assert not found.results.unwrapped and not found.results.wrapped
    if name == "diffusion":
        assert found.results.msd[1] == pytest.approx(3 * 2 * 16.0, rel=0.05)  # A^2 in two steps


@pytest.mark.parametrize("method", ["exact", "stream"])
@pytest.mark.parametrize("name", CLASSES)
def test_steps_near_half_of_the_cell_are_refused(name, method):
    """The same wrapped: nobody can know; and of 1.2 A, where every sixth frame is too seldom."""
    u = make_universe(leap(200, 4.0) % EDGE, names=NAMES)
    sentence = "steps of ions between frames: need steps well below half of the cell.*, got .* longer than 40 %"
    with pytest.raises(InputError, match=sentence + ".*analyse every frame .a smaller step=."):
        CLASSES[name](u.select_atoms("name Li"), method=method).run()
    seldom = make_universe(leap(400, 1.2) % EDGE, names=NAMES)
    assert CLASSES[name](seldom.select_atoms("name Li"), method=method).run().results.crossings > 100
    with pytest.raises(InputError, match=sentence):
        CLASSES[name](seldom.select_atoms("name Li"), method=method).run(step=6)


def test_few_steps_near_half_of_the_cell_are_told():
    positions = leap(300, 0.2)
    positions[150:, 3, 0] += 6.0  # one jump of 6 A in a cell of 14 A
    lithium = make_universe(positions % EDGE, names=NAMES).select_atoms("name Li")
    with pytest.warns(UserWarning, match="steps of ions between frames: 1 of 6000 steps longer than 40 %.*a smaller"):
        IonDiffusion(lithium).run()


def test_wrapped_or_unwrapped_is_decided_once():
    """By the data: a brick as GROMACS fills it, a restart that wraps again, ions that never left the cell."""
    calm = leap(200, 0.4)
    lithium = make_universe(calm, names=NAMES).select_atoms("name Li")
    truth = IonDiffusion(lithium, unwrap=False).run().results
    assert not IonDiffusion(lithium).run().results.unwrapped
    assert IonDiffusion(lithium, unwrap=True).run().results.msd[50] == pytest.approx(truth.msd[50], rel=1e-4)
    short = make_universe(calm[:3], names=NAMES).select_atoms("name Li")
    assert NonGaussianParameter(short, lag_times=[1.0]).run().results.crossings == 0
    restarted = calm.copy()
    restarted[100:] %= EDGE
    restarted[:100, 20:] += [0.0, 0.0, EDGE]  # everything one cell further up before the restart
    with pytest.raises(InputError, match="coordinates: need unwrapped ones throughout, .* jump across its faces near"):
        IonDiffusion(make_universe(restarted, names=NAMES).select_atoms("name Li")).run()
    tilted = np.array([[14.0, 0, 0], [5.0, 14.0, 0], [-4.0, 6.0, 14.0]])  # vectors as rows, in A
    brick = calm.copy()
    for axis in (2, 1, 0):
        brick -= np.floor(brick[..., axis : axis + 1] / 14.0) * tilted[axis]
    found = IonDiffusion(_with_cell(brick, tilted).select_atoms("name Li")).run().results
    assert found.unwrapped and found.crossings > 50
    assert found.msd[50] == pytest.approx(truth.msd[50], rel=1e-3)


def _with_cell(positions, cell):
    from MDAnalysis.lib.mdamath import triclinic_box

    u = make_universe(positions, names=NAMES)
    box = np.broadcast_to(triclinic_box(*cell), (len(positions), 6)).astype(np.float32)
    return u.load_new(positions.astype(np.float32), order="fac", dimensions=box, dt=1.0)


@pytest.mark.parametrize("options", [{"temprature": 300.0}, {"chunk_frmes": 3}, {"weigths": "mass"}])
@pytest.mark.parametrize("cls", [IonDiffusion, IonHops, SelfVanHove, IonDensity, NonGaussianParameter])
def test_misspelt_keywords_are_refused(lithium, cls, options):
    meant = {"temprature": "temperature", "chunk_frmes": "chunk_frames", "weigths": "weights"}
    (name,) = options
    sentence = f"{cls.__name__}: unknown keyword {name!r}"
    if name != "temprature" or cls is IonDiffusion:
        sentence += f"; did you mean {meant[name]!r}?".replace("?", r"\?")
    with pytest.raises(TypeError, match=sentence):
        cls(lithium, **options)


def test_an_atom_named_twice_is_refused(universe):
    lithium = universe.select_atoms("name Li")
    with pytest.raises(
        InputError, match="mobile: need every atom once, got 22 entries for 20 atoms; pass mobile.unique"
    ):
        IonDiffusion(lithium + lithium[:2])


BACKENDS = [("multiprocessing", name) for name in ANALYSES] + [
    pytest.param("dask", name, marks=[] if name in ("diffusion", "density") else [pytest.mark.slow])
    for name in ANALYSES
]


@pytest.mark.parametrize(("backend", "name"), BACKENDS)
def test_backends_and_chunks_agree(universe, name, backend):
    make, key = ANALYSES[name]
    serial = make(universe).run(stop=200).results
    parallel = make(universe).run(stop=200, backend=backend, n_workers=2, n_parts=3).results
    np.testing.assert_allclose(parallel[key], serial[key], rtol=1e-9, atol=1e-9)
    assert set(parallel) == set(serial)


@pytest.mark.parametrize("name", ANALYSES)
def test_saved_results_are_the_same(universe, name, tmp_path):
    make, key = ANALYSES[name]
    ran = make(universe).run(stop=150)
    ran.save(tmp_path / "results.npz")
    loaded = type(ran).load(tmp_path / "results.npz")
    np.testing.assert_array_equal(loaded.results[key], ran.results[key])
    assert set(loaded.results) == set(ran.results)
    assert loaded.to_dataframe().equals(ran.to_dataframe())
    assert type(ran).__name__ in repr(loaded)


@pytest.mark.parametrize("name", ANALYSES)
def test_tables_figures_and_references(universe, name, capsys):
    analysis = ANALYSES[name][0](universe).run(stop=150)
    assert len(analysis.to_dataframe()) > 0
    assert analysis.to_dataframe().attrs["units"]
    analysis.plot()
    analysis.cite()
    assert "et al." in capsys.readouterr().out
    assert "<table>" in analysis._repr_html_()


def test_other_figures(universe, tmp_path):
    lithium = universe.select_atoms("name Li")
    IonDiffusion(lithium).run().plot_exponent()
    SelfVanHove(lithium, lag_times=[1.0], distinct=True, origins=2).run(stop=50).plot(part="distinct")
    hops = IonHops(lithium, centres=universe.select_atoms("name S")).run(stop=100)
    hops.plot_lengths()
    hops.plot_strings()
    density = IonDensity(lithium, spacing=0.8, regions=[0.0, 0.5]).run(stop=100)
    density.plot_populations()
    pytest.importorskip("plotly", reason="isosurfaces need plotly")
    drawn = density.plot_isosurface(level=2.0)
    assert drawn.data[0].isomin == 2.0
    atoms = drawn.data[1:]
    assert sum(len(points.x) for points in atoms) == len(density.results.framework)
    assert {points.name for points in atoms} == set(density.results.symbols)
    edges = np.linalg.norm(density.results.grid.cell, axis=1)
    assert all(min(points.x) >= 0 and max(points.x) <= edges[0] for points in atoms)  # A, inside the cell
    assert len(density.plot_isosurface(level=2.0, framework=False).data) == 1


def test_van_hove_and_non_gaussian_equal_the_core(walk, lithium):
    found = SelfVanHove(lithium, lag_times=[1, 30], distinct=True, origins=4, weights="equal").run()
    expected = self_van_hove(walk[0], [1, 30])
    # float32 input moves a few displacements across the edges of bins
    np.testing.assert_allclose(found.results.fractions, expected.fractions, atol=2e-3)
    other = distinct_van_hove(walk[0], EDGE * np.eye(3), [1, 30], r_max=7.0, origins=4)
    np.testing.assert_allclose(found.results.distinct_part[:, 20:], other.values[:, 20:], atol=0.15)
    np.testing.assert_allclose(found.weight_beyond(5.0), expected.weight_beyond(5.0), atol=2e-3)
    alpha = NonGaussianParameter(lithium, lag_times=[1, 30], weights="equal").run().results
    np.testing.assert_allclose(alpha.alpha2, non_gaussian_parameter(walk[0], lags=[1, 30]).alpha, atol=1e-3)


def test_hops_equal_the_core(walk, universe, lithium):
    ions, frame = walk
    centres = frame.mean(axis=0)
    expected, cages = cage_hops(ions, EDGE * np.eye(3), centres)
    fixed = IonHops(lithium, centres=centres, weights="equal").run().results
    assert (fixed.cages == cages).mean() > 0.999
    assert fixed.count == pytest.approx(expected.count, abs=3)
    moving = IonHops(lithium, centres=universe.select_atoms("name S"), weights="equal").run().results
    assert (moving.cages == cages).mean() > 0.9
    events = IonHops(lithium).run()
    assert events.results.hops.mode == "published_events"
    final = IonHops(lithium, mode="published_final").run()
    assert final.results.count == (np.linalg.norm(ions[-1] - ions[0], axis=1) > 3).sum()
    assert "cages" not in final.results


def test_density_is_that_without_drift(walk, lithium, tmp_path):
    found = IonDensity(lithium, spacing=1.0, sigma=0.5, weights="equal").run()
    expected = ion_density(walk[0], EDGE * np.eye(3), spacing=1.0)
    assert np.abs(found.results.grid.counts - expected.counts).sum() < 0.002 * expected.counts.sum()
    gap = (found.results.framework - walk[1].mean(axis=0) + EDGE / 2) % EDGE - EDGE / 2
    assert np.abs(gap).max() < 1e-3
    found.write_opendx(tmp_path / "density.dx")
    found.write_vasp(tmp_path / "CHGCAR")
    lines = (tmp_path / "CHGCAR").read_text().splitlines()
    assert lines[5:7] == ["S", "30"]


def test_memory_of_the_density_does_not_grow_with_frames(universe, monkeypatch):
    """What a block hands back, and what it holds meanwhile, is the same for 30 and for 300 frames."""
    sizes = []
    finish = IonDensity._finish

    def spy(self, blocks):
        sizes.append(sum(value.nbytes for value in blocks[0].values() if isinstance(value, np.ndarray)))
        return finish(self, blocks)

    monkeypatch.setattr(IonDensity, "_finish", spy)
    for stop in (30, 300):
        IonDensity(universe.select_atoms("name Li"), spacing=0.7, chunk_frames=10).run(stop=stop)
    assert sizes[0] == sizes[1]


def test_constant_pressure_adds_no_diffusion():
    """Ions at rest in a cell that breathes by 3 %: schemes that keep images would make them diffuse."""
    rng = np.random.default_rng(1)
    scale = 1 + 0.03 * np.sin(np.arange(400) / 7.0)[:, None, None]
    fractions = rng.uniform(0, 1, (25, 3)) + np.arange(400)[:, None, None] * [0.004, 0.0, 0.0]
    positions = (fractions % 1.0) * EDGE * scale
    u = make_universe(positions, EDGE * scale[:, 0, 0], names=["Li"] * 5 + ["S"] * 20)
    found = IonDiffusion(u.select_atoms("name Li"), temperature=300.0).run().results
    assert found.wrapped
    assert found.msd[-100:].max() < 2.0
    assert not np.isfinite(found.diffusion_coefficient.value)
    assert found.volume == pytest.approx(np.mean((EDGE * scale) ** 3), rel=1e-4)
    cages = IonHops(u.select_atoms("name Li"), centres=u.select_atoms("name S")).run().results
    assert cages.count == 0


def test_without_framework_it_says_so(walk):
    u = make_universe(walk[0] % EDGE)
    with pytest.warns(UserWarning, match="no framework atoms: the drift of the centre of the mobile ions"):
        found = IonDiffusion(u.atoms).run().results
    assert found.drift_reference == "ions"
    assert found.diffusion_coefficient.low < 0.05 < found.diffusion_coefficient.high
    with pytest.warns(UserWarning, match="no framework atoms: the density is not corrected for drift") as told:
        IonDensity(u.atoms).run(stop=20)
    assert told[0].filename == __file__  # the line of the user, through calls of the host
    free = IonDiffusion(u.atoms, drift="none").run().results
    assert free.drift_reference == "none"
    assert np.isfinite(free.collective_diffusion.value)


def test_no_cell_is_needed_for_unwrapped_walks(walk):
    u = make_universe(walk[0])
    for ts in u.trajectory:
        ts.dimensions = None
    u.trajectory.rewind()
    bare = mda.Universe.empty(20, trajectory=True)
    bare.load_new(walk[0].astype(np.float32), order="fac", dt=1.0)
    found = IonDiffusion(bare.atoms, drift="none", unwrap=False).run().results
    assert found.diffusion_coefficient.value == pytest.approx(0.05, rel=0.1)
    with pytest.raises(InputError, match="box: need a periodic cell in every frame, got none"):
        IonDiffusion(bare.atoms, drift="none").run()


def random_walks(energy, factor, temperatures=(500.0, 600.0, 800.0), seed=2):
    """Runs of free ions whose diffusion is factor exp(-energy / kB T), in A^2/ps with the energy in eV."""
    rng = np.random.default_rng(seed)
    for temperature in temperatures:
        diffusion = factor * np.exp(-energy / (8.617333e-5 * temperature))
        steps = rng.normal(scale=np.sqrt(2 * diffusion), size=(400, 20, 3))
        u = make_universe(
            np.concatenate([steps.cumsum(axis=0), np.zeros((400, 4, 3))], 1), 60.0, ["Li"] * 20 + ["S"] * 4
        )
        yield IonDiffusion(u.select_atoms("name Li"), temperature=temperature, unwrap=False).run()


def test_arrhenius_over_runs():
    runs = list(random_walks(0.25, 20.0))
    u = runs[-1].groups["mobile"].universe
    fit = arrhenius(runs)
    assert fit.activation_energy.value == pytest.approx(0.25, abs=3 * fit.activation_energy.error)
    assert plot_arrhenius(fit).get_yscale() == "log"
    with pytest.raises(InputError, match="analyses: need a temperature in every run"):
        arrhenius([IonDiffusion(u.select_atoms("name Li"), unwrap=False).run()])
    cold = extrapolate(runs)  # room temperature in one call
    assert cold.temperature == 300.0
    assert cold.diffusion_coefficient == fit.at(300.0)
    assert cold.density == pytest.approx(20 / 60.0**3)
    D = 20.0 * np.exp(-0.25 / (8.617333e-5 * 300.0))
    truth = 1.85925e8 * 20 / 60.0**3 * D / 300.0  # n e^2 D / kB T in mS/cm
    assert cold.conductivity.low < truth < cold.conductivity.high
    relative = cold.conductivity.error / cold.conductivity.value
    assert relative == pytest.approx(cold.diffusion_coefficient.error / cold.diffusion_coefficient.value)
    charged = IonDiffusion(u.select_atoms("name Li"), temperature=700.0, charge=2.0, unwrap=False).run()
    with pytest.raises(InputError, match="analyses: need one charge of the ions, got 1, 2"):
        extrapolate([*runs, charged])
    with pytest.raises(InputError, match="fits: need at least three systems, got 1"):
        meyer_neldel({"one": runs})


def test_compensation_over_systems():
    """ln of the prefactor rises by 15 for each eV of activation energy, as the walks were made with."""
    systems = {
        f"{energy:g} eV": list(random_walks(energy, 1.0 * np.exp(15.0 * energy), (600.0, 800.0, 1000.0), seed))
        for seed, energy in enumerate((0.15, 0.3, 0.45))
    }
    found = meyer_neldel(systems)
    assert found.slope.unit == "1/eV"
    assert found.slope.value == pytest.approx(15.0, abs=3 * found.slope.error)  # 1/eV, isokinetic at 774 K
    assert found.slope.error < 5.0


def test_conductivity_over_composition_and_temperature():
    """Squares have the numbers of the runs: averaged over arrangements, extrapolated, bounds and plain estimates."""
    nan = float("nan")
    half = [list(random_walks(0.25, 20.0, seed=k)) for k in (2, 3)]
    points = {
        (0.0, 0.0): Estimate(nan, nan, 0.0, 0.5, "mS/cm"),
        (0.0, 0.5): half[0],
        (0.5, 0.5): [runs[1] for runs in half],
        (0.5, 0.0): Estimate(0.5, 0.1, 0.3, 0.7, "S/m"),
    }
    axes = plot_conductivity_map({key: points[key] for key in list(points)[:3]}, 600.0)
    shown = {text.get_position(): text.get_text().replace("\n", " ") for text in axes.texts}
    assert axes.get_title() == "600 K"
    assert shown[0.0, 0.0] == "< 0.5"
    two = [float(runs[1].results.conductivity.value) for runs in half]
    colours = {tuple(p): v for c in axes.collections if c.get_array() is not None
               for p, v in zip(c.get_offsets(), c.get_array(), strict=True)}  # fmt: skip
    assert colours[0.5, 0.5] == pytest.approx(np.mean(two))  # mS/cm
    assert colours[0.0, 0.5] == pytest.approx(extrapolate(half[0], 600.0).conductivity.value)
    assert (0.0, 0.0) not in colours
    cold = plot_conductivity_map({(0.5, 0.0): points[0.5, 0.0]}, ax=axes.figure.add_subplot(), labels=("a", "b"))
    assert (cold.get_title(), cold.get_ylabel()) == ("", "b")
    assert cold.texts[0].get_text() == "5\n± 1"  # 0.5 S/m
    assert plot_conductivity_map({(0.5, 0.5): half[0][1]}).get_title() == "600 K"
    with pytest.raises(
        InputError, match="points: need at least one place with its runs, got none; pass a dict of them"
    ):
        plot_conductivity_map({})
    with pytest.raises(
        InputError, match="temperature: need one, as runs have several, got .* at 500, 600, 800 K; pass"
    ):
        plot_conductivity_map({(0.0, 0.5): half[0]})
    with pytest.raises(
        InputError, match="points: need an Estimate, an IonDiffusion or a list of .*, got .*; leave out"
    ):
        plot_conductivity_map({(0.0, 0.5): []}, 300.0)
    with pytest.raises(InputError, match="unit"):
        plot_conductivity_map({(0.0, 0.5): Estimate(1.0, 0.1, 0.8, 1.2, "A^2/ps")}, 300.0)


def test_conductivity_against_one_quantity_with_its_line():
    """Points are the runs, bounds are arrows, and the line is the one that was fitted to the numbers."""
    runs = {x: next(random_walks(0.0, 0.02 + 0.1 * x, (600.0,), seed=k)) for k, x in enumerate((0.0, 0.4, 0.8, 1.2))}
    numbers = {x: run.results.conductivity for x, run in runs.items()}
    fit = linear_fit(list(numbers), list(numbers.values()))
    per_diffusion = numbers[1.2].value / runs[1.2].results.diffusion_coefficient.value  # mS/cm for each A^2/ps
    assert fit.slope.value == pytest.approx(0.1 * per_diffusion, abs=3 * fit.slope.error)
    assert fit.slope.low > 0
    bound = Estimate(float("nan"), float("nan"), 0.0, 1.5, "mS/cm")
    axes = plot_conductivity_line({**runs, 1.6: bound}, label="mixing entropy (R)", line=fit)
    assert (axes.get_title(), axes.get_xlabel()) == ("600 K", "mixing entropy (R)")
    heights = axes.containers[0].lines[0].get_ydata().astype(float)
    np.testing.assert_allclose(heights, [e.value for e in numbers.values()])  # mS/cm
    drawn = {line.get_label(): line for line in axes.lines}
    assert (drawn["bound"].get_xdata()[0], drawn["bound"].get_ydata()[0]) == (1.6, 1.5)
    dashed = next(line for line in axes.lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(dashed.get_ydata(), [fit.intercept.value, fit.intercept.value + 1.6 * fit.slope.value])
    with pytest.raises(InputError, match="points: need at least one place with its runs, got none"):
        plot_conductivity_line({})


def test_verdicts_stand_in_the_figures_of_conductivity():
    """A conductivity in doubt has a star, and the title says which doubt."""
    sound = Estimate(2.0, 0.1, 1.8, 2.2, "mS/cm")
    doubted = Estimate(5.0, 0.5, 4.0, 6.0, "mS/cm").judged("not converged")
    drawn = plot_conductivity_map({(0.0, 0.0): sound, (0.5, 0.5): doubted}, 300.0)
    shown = {text.get_position(): text.get_text() for text in drawn.texts}
    assert shown == {(0.0, 0.0): "2.0\n± 0.1", (0.5, 0.5): "5.0\n± 0.5*"}  # mS/cm
    assert drawn.get_title() == "300 K\n* not converged"
    line = plot_conductivity_line({0.0: sound, 0.5: doubted}, 300.0)
    (stars,) = [one for one in line.lines if one.get_marker() == "*"]
    assert (stars.get_xdata().tolist(), stars.get_ydata().tolist()) == ([0.5], [5.0])  # mS/cm
    assert line.get_title() == "300 K\n* not converged"


def test_masses_are_used_or_missed():
    """A heavy atom that moves with the drift and a light one that rattles: weights decide which drift is found."""
    positions = np.zeros((20, 3, 3))
    positions[:, 1, 0] = 5.0 + 0.05 * np.arange(20)
    positions[:, 2, 0] = 9.0
    names = ["Li", "Cl", "S"]
    u = make_universe(positions, names=names)
    by_mass = IonDiffusion(u.atoms[:1], ballistic=0.1, minimum_msd=0.01).run().results.drift[-1, 0]
    assert by_mass == pytest.approx(0.95 * 35.45 / (35.45 + 32.06), rel=1e-4)
    equal = IonDiffusion(u.atoms[:1], weights="equal", ballistic=0.1, minimum_msd=0.01).run().results.drift[-1, 0]
    assert equal == pytest.approx(0.475, rel=1e-4)
    bare = make_universe(positions, names=names, masses=False)
    assert IonDiffusion(bare.atoms[:1], ballistic=0.1).run().results.drift[-1, 0] == pytest.approx(0.475, rel=1e-4)
    with pytest.raises(InputError, match="weights: need masses of all framework atoms for weights='mass', got none"):
        IonDiffusion(bare.atoms[:1], weights="mass")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda u: IonDiffusion(u.select_atoms("name Na")), "mobile: need at least one atom, got an empty selection"),
        (lambda u: IonDiffusion(u), "mobile: need an MDAnalysis AtomGroup, got Universe; pass for example"),
        (lambda u: IonDiffusion(u.atoms[0]), "mobile: need an MDAnalysis AtomGroup, got Atom; pass for example"),
        (lambda u: IonDiffusion(u.atoms[:2], u.atoms[:2]), "framework: need atoms that do not diffuse, got 2"),
        (lambda u: IonDiffusion(u.atoms[:2], "name S"), "framework: need an MDAnalysis AtomGroup, got str"),
        (lambda u: IonDiffusion(u.atoms[:2], temperature=-1.0), "temperature: need a temperature above zero in K"),
        (lambda u: IonDiffusion(u.atoms[:2], drift="box"), "drift: need 'framework' or 'none', got 'box'"),
        (lambda u: IonDiffusion(u.atoms[:2], weights="size"), "weights: need 'mass' or 'equal', got 'size'"),
        (lambda u: IonDiffusion(u.atoms[:2]).run(stop=1), "frames: need at least 2 frames, got 1"),
        (lambda u: IonDiffusion(u.atoms[:2]).run(frames=[0, 1, 5, 6]), "times of the frames: need equal steps"),
        (lambda u: SelfVanHove(u.atoms[:2], lag_times=[900]).run(), "lag_times: need lag times from 0 to 499 ps"),
        (lambda u: IonHops(u.atoms[:2], mode="cage"), "centres: need centres of the cages for mode='cage', got none"),
        (lambda u: IonHops(u.atoms[:2], mode="jump"), "mode: need one of 'cage', 'published_events'"),
        (lambda u: IonHops(u.atoms[:2], centres=[[0.0, 0, 0]]), "need an AtomGroup, or at least two positions"),
        (lambda u: IonDensity(u.atoms[:2], regions=[0.5]), "edges: need two or more increasing fractional"),
    ],
)
def test_bad_input_is_named(universe, call, sentence):
    with pytest.raises(InputError, match=sentence):
        call(universe)


@pytest.mark.parametrize("inversion", ["0p", "50p"])
def test_real_trajectories(shared_data, inversion):
    """Li6PS5Cl at 500 K, 14 ps: the universe opens the file by name, all five classes run on it."""
    path = shared_data / "aimd" / f"Li6PS5Cl-{inversion}-run1.XDATCAR.gz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the reference data")
    u = mda.Universe(str(path), dt=0.1)
    lithium = u.select_atoms("name Li")
    diffusion = IonDiffusion(lithium, temperature=500.0, window=(2.0, 9.8), minimum_msd=6.0).run()
    expected = {"0p": 0.10, "50p": 0.14}[inversion]  # A^2/ps
    assert diffusion.results.diffusion_coefficient.value == pytest.approx(expected, abs=0.035)
    assert IonDiffusion(lithium).run().results.verdict.startswith("upper bound only")
    far = SelfVanHove(lithium, lag_times=[9.8]).run().weight_beyond(5.0)[0]
    assert (far > 0.03) == (inversion == "50p")
    assert NonGaussianParameter(lithium).run().results.peak > 0.3
    assert IonHops(lithium).run().results.count > 50
    level = IonDensity(lithium, spacing=0.35).run().results.percolation.threshold
    assert (level > 1.0) == (inversion == "50p")
