"""The transport classes on trajectories whose answers are known."""

from __future__ import annotations

import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.errors import InputError
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
from ionpath_mdanalysis.ion_transport import arrhenius, plot_arrhenius

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
    "diffusion": (
        lambda u: IonDiffusion(u.select_atoms("name Li"), temperature=300.0, chunk_frames=7),
        "msd",
    ),
    "vanhove": (
        lambda u: SelfVanHove(
            u.select_atoms("name Li"), lag_times=[1, 20], distinct=True, origins=3, dr=0.2, chunk_frames=11
        ),
        "self_part",
    ),
    "nongaussian": (
        lambda u: NonGaussianParameter(u.select_atoms("name Li"), lag_times=[1, 5, 50]),
        "alpha2",
    ),
    "hops": (
        lambda u: IonHops(u.select_atoms("name Li"), centres=u.select_atoms("name S"), chunk_frames=13),
        "cages",
    ),
    "density": (lambda u: IonDensity(u.select_atoms("name Li"), spacing=0.7, regions=[0.1, 0.6]), "density"),
}


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
    assert density.plot_isosurface(level=2.0).data[0].isomin == 2.0


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
    with pytest.warns(UserWarning, match="no framework atoms: the density is not corrected for drift"):
        IonDensity(u.atoms).run(stop=20)
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


def test_arrhenius_over_runs():
    rng = np.random.default_rng(2)
    runs = []
    for temperature in (500.0, 600.0, 800.0):
        diffusion = 20.0 * np.exp(-0.25 / (8.617333e-5 * temperature))
        steps = rng.normal(scale=np.sqrt(2 * diffusion), size=(400, 20, 3))
        u = make_universe(
            np.concatenate([steps.cumsum(axis=0), np.zeros((400, 4, 3))], 1), 60.0, ["Li"] * 20 + ["S"] * 4
        )
        runs.append(IonDiffusion(u.select_atoms("name Li"), temperature=temperature, unwrap=False).run())
    fit = arrhenius(runs)
    assert fit.activation_energy.value == pytest.approx(0.25, abs=3 * fit.activation_energy.error)
    assert plot_arrhenius(fit).get_yscale() == "log"
    with pytest.raises(InputError, match="analyses: need a temperature in every run"):
        arrhenius([IonDiffusion(u.select_atoms("name Li"), unwrap=False).run()])


def test_masses_are_used_or_missed():
    """A heavy atom that moves with the drift and a light one that rattles: weights decide which drift is found."""
    positions = np.zeros((20, 3, 3))
    positions[:, 1, 0] = 5.0 + 0.05 * np.arange(20)
    positions[:, 2, 0] = 9.0
    names = ["Li", "Cl", "S"]
    u = make_universe(positions, names=names)
    by_mass = IonDiffusion(u.atoms[:1], ballistic=0.1, minimum_msd=0.01).run().results.drift[-1, 0]
    assert by_mass == pytest.approx(0.95 * 35.45 / (35.45 + 32.06), rel=1e-4)
    equal = (
        IonDiffusion(u.atoms[:1], weights="equal", ballistic=0.1, minimum_msd=0.01).run().results.drift[-1, 0]
    )
    assert equal == pytest.approx(0.475, rel=1e-4)
    bare = make_universe(positions, names=names, masses=False)
    assert IonDiffusion(bare.atoms[:1], ballistic=0.1).run().results.drift[-1, 0] == pytest.approx(
        0.475, rel=1e-4
    )
    with pytest.raises(
        InputError, match="weights: need masses of all framework atoms for weights='mass', got none"
    ):
        IonDiffusion(bare.atoms[:1], weights="mass")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda u: IonDiffusion(u.select_atoms("name Na")),
            "mobile: need at least one atom, got an empty selection",
        ),
        (
            lambda u: IonDiffusion(u.atoms[:2], temperature=-1.0),
            "temperature: need a temperature above zero in K",
        ),
        (lambda u: IonDiffusion(u.atoms[:2], drift="box"), "drift: need 'framework' or 'none', got 'box'"),
        (lambda u: IonDiffusion(u.atoms[:2], weights="size"), "weights: need 'mass' or 'equal', got 'size'"),
        (lambda u: IonDiffusion(u.atoms[:2]).run(stop=1), "frames: need at least 2 frames, got 1"),
        (
            lambda u: IonDiffusion(u.atoms[:2]).run(frames=[0, 1, 5, 6]),
            "times of the frames: need equal steps",
        ),
        (
            lambda u: SelfVanHove(u.atoms[:2], lag_times=[900]).run(),
            "lag_times: need lag times from 0 to 499 ps",
        ),
        (
            lambda u: IonHops(u.atoms[:2], mode="cage"),
            "centres: need centres of the cages for mode='cage', got none",
        ),
        (lambda u: IonHops(u.atoms[:2], mode="jump"), "mode: need one of 'cage', 'published_events'"),
        (
            lambda u: IonHops(u.atoms[:2], centres=[[0.0, 0, 0]]),
            "need an AtomGroup, or at least two positions",
        ),
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
