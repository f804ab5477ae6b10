"""Every analysis of structure and disorder on a small made-up thiophosphate: backends, files, figures, bad input."""

from __future__ import annotations

import importlib
import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("MDAnalysis", reason="the MDAnalysis plugin needs MDAnalysis")
pytest.importorskip("freud", reason="order and volumes need freud")
pytest.importorskip("gudhi", reason="rings need gudhi")

import MDAnalysis as mda

from ionpath.errors import InputError
from ionpath.structure import DiffractionPeak, averaged_steinhardt, voronoi_volumes
from ionpath_mdanalysis import anion_disorder as ad, ion_transport

CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)
N_FRAMES = 12


def make(turned: float = 0.0, n_frames: int = N_FRAMES, seed: int = 0, noise: float = 0.12) -> Any:
    """Eight PS4 on a cubic grid of 8 A, 24 Li and 8 free S, in a box of 16 A, 0.5 ps between frames."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(2)] * 3), -1).reshape(-1, 3) * 8.0
    a = np.radians(turned)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    sulfur = (grid[:, None] + 2.05 * CORNERS @ turn.T).reshape(-1, 3)
    lithium = (grid[:, None] + [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]).reshape(-1, 3)
    ideal = np.concatenate([lithium, grid, sulfur, grid + 4.0])
    names = ["Li"] * 24 + ["P"] * 8 + ["S"] * 40
    positions = ideal + rng.normal(0, noise, (n_frames, *ideal.shape))
    positions += rng.integers(-1, 2, positions.shape) * 16.0
    u = mda.Universe.empty(len(names), trajectory=True)
    u.add_TopologyAttr("name", names)
    u.add_TopologyAttr("elements", names)
    u.add_TopologyAttr("masses", [{"Li": 6.94, "P": 30.97, "S": 32.06}[n] for n in names])
    return u.load_new(positions.astype("f4"), order="fac", dimensions=[16, 16, 16, 90, 90, 90], dt=0.5)


def analyses(u: Any) -> dict[str, Any]:
    lithium, phosphorus = u.select_atoms("name Li"), u.select_atoms("name P")
    radii = {"Li": 0.8, "P": 1.0, "S": 1.8}
    return {
        "rdf": ad.RadialDistributions(u.atoms, r_max=7.5, bins=75),
        "angles": ad.AngleDistribution(u.atoms),
        "transform": ad.StructureFactor(u.atoms, q=np.arange(0.5, 8, 0.1), lorch=True),
        "direct": ad.StructureFactor(u.atoms, method="direct", q=np.arange(0.3, 4, 0.2), max_per_bin=20),
        "layers": ad.LayerProfiles(u.atoms, bins=4),
        "amorphisation": ad.AmorphisationProfile(u.atoms, thickness=4.0),
        "speciation": ad.AnionSpeciation(u.atoms, persistence=1.0),
        "order": ad.AveragedSteinhardt(u.atoms, lithium, series=True),
        "volume": ad.IonVoronoiVolume(lithium, series=True),
        "radical": ad.IonVoronoiVolume(lithium[:3], mode="radical", radii=radii),
        "rings": ad.RingTopology(make(n_frames=3).atoms, species=["Li", "P", "S"]),
        "tilt": ad.TetrahedronTilt(phosphorus, u.select_atoms("name S"), temperature=500, bins=20),
        "distortion": ad.TetrahedralDistortion(phosphorus, mode="published", rotation=45.0),
        "invariant": ad.TetrahedralDistortion(phosphorus, measure="rmsd"),
    }


NAMES = list(analyses(make(n_frames=1)))


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    return {name: analysis.run() for name, analysis in analyses(make()).items()}


def leaves(value: Any, name: str = "") -> dict[str, Any]:
    """All arrays and numbers inside results."""
    import dataclasses

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if hasattr(value, "items"):
        return {k: v for key, item in value.items() for k, v in leaves(item, f"{name}.{key}").items()}
    if isinstance(value, (tuple, list)):
        return {k: v for i, item in enumerate(value) for k, v in leaves(item, f"{name}.{i}").items()}
    return {name: value}


def assert_same(left: Any, right: Any) -> None:
    a, b = leaves(left), leaves(right)
    assert list(a) == list(b)
    for name, value in a.items():
        if isinstance(value, str) or value is None:
            assert value == b[name], name
        else:
            np.testing.assert_allclose(
                np.asarray(value, float), np.asarray(b[name], float), rtol=1e-9, atol=1e-12, err_msg=name
            )


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_a_run_agree_and_can_travel(run: dict[str, Any], name: str) -> None:
    travelled = pickle.loads(pickle.dumps(analyses(make())[name]))
    again = travelled.run(backend="serial", n_parts=3)
    assert_same(run[name].results, again.results)
    assert again.n_frames == run[name].n_frames


PARALLEL = [("tilt", "multiprocessing"), ("speciation", "dask")]


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        *PARALLEL,
        *[
            pytest.param(name, backend, marks=pytest.mark.slow)
            for name in NAMES
            for backend in ("multiprocessing", "dask")
            if (name, backend) not in PARALLEL
        ],
    ],
)
def test_backends_agree(run: dict[str, Any], name: str, backend: str) -> None:
    again = analyses(make())[name].run(backend=backend, n_workers=2)
    assert_same(run[name].results, again.results)


@pytest.mark.parametrize("name", ["rdf", "speciation", "tilt", "distortion", "order"])
def test_chunks_do_not_matter(run: dict[str, Any], name: str) -> None:
    analysis = analyses(make())[name]
    analysis._chunk_frames = 5
    assert_same(run[name].results, analysis.run().results)
    assert_same(run[name].results, analysis.run().results)  # and a second run starts anew


@pytest.mark.parametrize("name", NAMES)
def test_results_can_be_kept_shown_and_cited(run: dict[str, Any], name: str, tmp_path: Any, capsys: Any) -> None:
    analysis = run[name]
    analysis.save(tmp_path / "results.npz")
    loaded = type(analysis).load(tmp_path / "results.npz")
    assert_same(analysis.results, loaded.results)
    with pytest.raises(InputError, match="run: need a trajectory, got results loaded from a file"):
        loaded.run()
    table = loaded.to_dataframe()
    assert len(table) and "units" in table.attrs
    loaded.plot()
    analysis.plot()
    assert type(analysis).__name__ in repr(analysis) and "<table>" in analysis._repr_html_()
    analysis.cite()
    assert "[" in capsys.readouterr().out


def test_further_figures(run: dict[str, Any]) -> None:
    run["transform"].plot_partials()
    run["transform"].plot("xray", experiment=(np.array([1.0, 2.0, 3.0]), np.ones(3)))
    run["rings"].plot_diagram()
    run["tilt"].plot_joint("P-S")
    run["rdf"].plot(pairs=[("P", "S")])


def test_made_up_thiophosphate_is_what_it_was_made_to_be(run: dict[str, Any]) -> None:
    assert run["rdf"].coordination_number("P", "S") == pytest.approx(4.0)
    assert run["angles"].results.mean == pytest.approx(109.47, abs=1.0)  # degrees
    assert run["speciation"].results.centre_fractions == {"PS4": 1.0}
    assert run["speciation"].results.kinds == ("PS4", "free")
    assert run["speciation"].results.unit_counts.tolist() == [[8, 8]] * N_FRAMES
    assert run["tilt"].results.rotation["PS4"].events == 0
    assert list(run["tilt"].results.free_energy) == ["P-S"]
    mass = 24 * 6.94 + 8 * 30.97 + 40 * 32.06  # u
    assert run["layers"].results.mass_density.mean() == pytest.approx(mass / 16**3 * 1.66054, rel=1e-4)  # g/cm^3
    assert run["distortion"].results.n_samples == 8 * N_FRAMES
    assert run["distortion"].results.orientation == pytest.approx(5 / 9, abs=0.03)
    assert run["transform"].results.neutron.shape == (75,)


def test_per_atom_series_equal_the_functions(run: dict[str, Any]) -> None:
    u = make()
    for k, ts in enumerate(u.trajectory[:3]):
        cell = np.diag(ts.dimensions[:3])
        np.testing.assert_allclose(
            run["order"].results.series[k], averaged_steinhardt(ts.positions, cell)[:24], rtol=1e-5
        )
        np.testing.assert_allclose(run["volume"].results.series[k], voronoi_volumes(ts.positions, cell)[:24], rtol=1e-5)
    np.testing.assert_allclose(run["volume"].results.per_atom, run["volume"].results.series.mean(axis=0), rtol=1e-5)


def test_entropies_are_compared_on_equal_terms_only(run: dict[str, Any]) -> None:
    def distortion(u: Any, **options: Any) -> Any:
        return ad.TetrahedralDistortion(u.select_atoms("name P"), mode="published", **options).run()

    calm, lively, turned = make(), make(noise=0.25, seed=1), make(turned=45.0)
    both = ad.compare_disorder({"calm": distortion(calm), "lively": distortion(lively)})
    assert both.n_samples == 96 and both.shannon[1] > both.shannon[0]
    with pytest.raises(InputError, match="orientation of turned: need tetrahedra that lie as in calm"):
        ad.compare_disorder({"calm": distortion(calm), "turned": distortion(turned)})
    same = ad.compare_disorder({"calm": distortion(calm), "turned": distortion(turned, rotation=45.0)})
    assert abs(np.diff(same.shannon)[0]) < 3 * np.hypot(*same.shannon_error)
    short = distortion(make(n_frames=6))
    with pytest.warns(UserWarning, match="numbers of samples differ .calm: 96, short: 48.; entropies"):
        cut = ad.compare_disorder({"calm": distortion(calm), "short": short})
    assert cut.n_samples == 48
    with pytest.raises(InputError, match="measure of b: need 'sd' as in a, got 'rmsd'"):
        ad.compare_disorder({"a": run["distortion"], "b": run["invariant"]})
    with pytest.raises(InputError, match="analyses: need at least two, got 1"):
        ad.compare_disorder({"a": run["distortion"]})


def test_path_entropy_beside_the_entropy_of_the_anions() -> None:
    """Both of every system in one table, with the pairs and the verdict; what cannot be compared is refused."""
    from ionpath_mdanalysis import CoordinationShells, PathEntropy, ShellStates
    from ionpath_mdanalysis.example import hopping_universe

    u = hopping_universe(n_frames=300, seed=2)
    lithium = u.select_atoms("name Li")
    shells = CoordinationShells.from_universe(u, centres="name S", mobile=lithium, n_vertices=6)
    states = ShellStates(lithium, shells).run()

    def paths(**options: Any) -> Any:
        few = {"lag": 5, "n_samples": 3, "symmetry": "none", "estimator": "plain"}
        return PathEntropy(states=states, **few, **options).run()

    def distortion(**options: Any) -> Any:
        return ad.TetrahedralDistortion(make(**options).select_atoms("name P")).run()

    anions = {"calm": distortion(), "lively": distortion(noise=0.25, seed=1)}
    found = {"calm": paths(), "lively": paths(unit="R")}
    both = ad.compare_disorder(anions, paths=found)
    first, second = both.rows()
    assert second["shannon_entropy"] > first["shannon_entropy"]
    assert first["path_entropy"] == pytest.approx(found["calm"].results.mean_per_pair)  # J/mol/K
    assert second["path_entropy"] == pytest.approx(found["lively"].results.mean_per_pair * 8.314462618)
    assert first["pairs"] == second["pairs"] == 42
    assert first["path_entropy_low"] < first["path_entropy"] < first["path_entropy_high"]
    assert both.sentence.startswith("not told: ")  # the same walk twice
    with pytest.raises(InputError, match="paths: need a path entropy for each of calm, lively, got calm; use the same"):
        ad.compare_disorder(anions, paths={"calm": found["calm"]})
    with pytest.raises(InputError, match="definition of lively: need 'pathway' as in calm, got 'flux'; run both with"):
        ad.compare_disorder(anions, paths={**found, "lively": paths(definition="flux")})
    with pytest.raises(InputError, match="paths of lively: need entropies of mode='correct', .* got mode='published'"):
        ad.compare_disorder(anions, paths={**found, "lively": paths(mode="published")})


def test_first_peak_of_a_structure_factor_beside_rings(run: dict[str, Any]) -> None:
    """The top of the curve between the limits, and 2 pi over it as a length that rings take."""
    q, curve = run["transform"].results.q, run["transform"].results.xray
    peak = run["transform"].first_peak("xray", low=0.9, high=2.4)
    tops = [k for k in range(1, len(q) - 1) if curve[k] > max(curve[k - 1], curve[k + 1]) and 0.9 <= q[k] <= 2.4]
    assert abs(peak.position - q[tops[0]]) <= 0.05  # 1/A, half a step of the grid
    assert peak.length == pytest.approx(2 * np.pi / peak.position)
    assert run["rings"].compare(peak)["length"] == pytest.approx(peak.length)
    with pytest.raises(InputError, match="structure_factor: need a peak between 7.4 and 7.5 1/A, got none; extend the"):
        run["transform"].first_peak("xray", low=7.4, high=7.5)


def test_rotation_is_counted_across_blocks() -> None:
    u = make(n_frames=40, noise=0.03)
    positions = np.array([ts.positions.copy() for ts in u.trajectory])
    a = np.radians(120.0)
    axis = np.ones(3) / np.sqrt(3)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * k @ k
    positions[20:, 32:36] = positions[20:, 24:25] + 2.05 * CORNERS @ turn.T
    u.load_new(positions, order="fac", dimensions=[16, 16, 16, 90, 90, 90], dt=0.5)
    for options in ({}, {"backend": "serial", "n_parts": 4}):
        tilt = ad.TetrahedronTilt(u.select_atoms("name P"), temperature=300, bins=20).run(**options)
        rate = tilt.results.rotation["PS4"]
        assert rate.events == 1 and rate.time == pytest.approx(8 * 19.5)  # ps


def test_directions_in_a_primitive_cell_are_told() -> None:
    """MDAnalysis has the first vector along x: a cubic crystal in its rhombohedral cell does not lie along the box."""
    u = make(n_frames=1)
    places = (u.atoms.positions + 4.0) % 16.0
    u.load_new(np.tile(places, (5, 1, 1)), dimensions=[22.6, 22.6, 22.6, 60, 60, 60], dt=0.5)
    phosphorus, sulfur = u.select_atoms("name P"), u.select_atoms("name S")
    for analysis in (partial(ad.TetrahedronTilt, temperature=500), ad.TetrahedralDistortion):
        with pytest.warns(UserWarning, match="rotation: directions are those in the box, .* pass rotation=, its axes"):
            analysis(phosphorus, sulfur).run()
        analysis(phosphorus, sulfur, rotation=0).run()  # without a word
    ad.TetrahedralDistortion(phosphorus, sulfur, measure="q").run()


def test_structure_factor_of_a_cell_without_room_is_refused() -> None:
    u = make(n_frames=3)
    u.load_new(u.trajectory.timeseries(order="fac"), dimensions=[7.0, 16, 16, 90, 90, 90], dt=0.5)
    with pytest.raises(InputError, match='need a range of 4 A or more, .*, got 3.3. A, .*; pass method="direct"'):
        ad.StructureFactor(u.atoms)
    ad.StructureFactor(u.atoms, method="direct", q=np.arange(0.3, 4, 0.2)).run()


def test_bonds_of_silicon_and_chlorine_are_told_apart() -> None:
    """P -> Si in two tetrahedra, one of which has a Cl: P-S, Si-S and Si-Cl; PS4, SiS4 and SiS3Cl."""
    u = make()
    symbols = u.atoms.elements.copy()
    symbols[[24, 25]] = "Si"
    symbols[32] = "Cl"
    u.add_TopologyAttr("elements", symbols)
    centres = u.select_atoms("element P Si")
    tilt = ad.TetrahedronTilt(centres, temperature=300, bins=20, rotation=45.0).run()
    samples = {kind: free.n_samples // N_FRAMES for kind, free in tilt.results.free_energy.items()}
    assert samples == {"P-S": 24, "Si-S": 7, "Si-Cl": 1}
    assert tilt.results.n_tetrahedra == {"PS4": 6, "SiS3Cl": 1, "SiS4": 1}
    assert set(tilt.results.rotation) == {"PS4", "SiS3Cl", "SiS4"}
    with pytest.raises(InputError, match="kind: need one of P-S, Si-Cl, Si-S, got 'Ge-S'"):
        tilt.plot_joint("Ge-S")
    distortion = ad.TetrahedralDistortion(centres, measure="q").run()
    assert distortion.results.kinds[:2] == ("SiS3Cl", "SiS4")
    found = ad.AnionSpeciation(u.atoms, centre_species=["P", "Si"], ligand_species=["S", "Cl"]).run()
    assert found.results.centre_fractions == {"PS4": 0.75, "SiS3Cl": 0.125, "SiS4": 0.125}


def test_tilt_of_several_temperatures_in_one_figure(run: dict[str, Any]) -> None:
    """A line for each temperature, with the numbers of its analysis; wide noise has a lower and wider well."""
    warm = ad.TetrahedronTilt(make(noise=0.3, seed=1).select_atoms("name P"), temperature=900, bins=20).run()
    both = {500: run["tilt"], 900.0: warm}
    theta, phi = ad.plot_tilt_series(both)
    assert [text.get_text() for text in theta.get_legend().get_texts()] == ["500 K", "900 K"]
    for k, analysis in enumerate(both.values()):
        free = analysis.results.free_energy["P-S"]
        drawn = theta.containers[k].lines[0].get_ydata()
        np.testing.assert_array_equal(drawn[np.isfinite(drawn)], free.theta[np.isfinite(free.theta)])  # kJ/mol
    seen = [np.isfinite(a.results.free_energy["P-S"].theta).sum() for a in both.values()]
    assert seen[1] > seen[0]
    assert phi.get_xlabel() == "φ (°)"
    assert ad.plot_tilt_series({"warm": warm}, "P-S", axes=(theta, phi))[0] is theta
    with pytest.raises(
        InputError, match=r"analyses\[300\]: need its temperature, 900 K, got 300 K; use the temperature"
    ):
        ad.plot_tilt_series({300: warm})
    with pytest.raises(InputError, match="kind: need 'P-S', got 'Si-Cl'|kind: need one of P-S, got 'Si-Cl'"):
        ad.plot_tilt_series(both, "Si-Cl")
    with pytest.raises(InputError, match="analyses: need at least one, got none"):
        ad.plot_tilt_series({})
    flat = ad.TetrahedronTilt(make().select_atoms("name P"), temperature=300, bins=20, jacobian=True).run()
    with pytest.raises(InputError, match="jacobian: need the same in all, got True and False"):
        ad.plot_tilt_series({500: run["tilt"], 300: flat})


def test_groups_that_overlap_count_no_atom_twice(run: dict[str, Any]) -> None:
    u = make()
    sulfur = u.select_atoms("element S")
    for group in (u.atoms, u.select_atoms("element P")):
        found = ad.AnionSpeciation(group, sulfur, persistence=1.0).run()
        assert_same(found.results, run["speciation"].results)
    whole = ad.TetrahedralDistortion(u.select_atoms("element P"), u.select_atoms("element P S"), measure="rmsd").run()
    assert_same(whole.results, run["invariant"].results)


def test_regions_are_handed_on_as_selections() -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(12), np.arange(6), indexing="ij"), -1).reshape(-1, 3) * 3.0
    glass = rng.uniform([0, 36, 0], [18, 72, 18], (432, 3))
    u = mda.Universe.empty(864, trajectory=True)
    u.add_TopologyAttr("elements", ["Li", "S"] * 432)
    u.load_new(np.concatenate([grid + 0.5, glass])[None].astype("f4"), order="fac", dimensions=[18, 72, 18, 90, 90, 90])
    profile = ad.AmorphisationProfile(u.atoms, thickness=6.0).run()
    crystal, disordered = profile.select("crystal"), profile.select("glass")
    assert (crystal.ix < 432).mean() > 0.95 and (disordered.ix >= 432).mean() > 0.95
    assert len(crystal) + len(disordered) + len(profile.select("interface")) == 864
    lithium = profile.select("glass", u.select_atoms("element Li"))
    assert set(lithium.ix) <= set(disordered.ix) and set(lithium.elements) == {"Li"}
    volume = ad.IonVoronoiVolume(lithium).run()
    assert volume.results.mean > 0
    assert "interface" in profile.to_dataframe()["region"].tolist()
    with pytest.raises(InputError, match="region: need one of 'crystal', 'interface', 'glass', got 'melt'"):
        profile.select("melt")


def test_distance_from_a_measured_structure_factor(run: dict[str, Any], tmp_path: Any) -> None:
    """A file of a user's, neutron or X-ray: nothing from itself, and what is written down from one that is shifted."""
    found = run["transform"]
    r = found.results
    for kind in ("neutron", "xray"):
        path = tmp_path / f"{kind}.txt"
        np.savetxt(path, np.column_stack([r.q, r[kind]]), header="Q (1/A), S(Q)")
        assert found.r_chi(path, kind) == pytest.approx(0.0, abs=1e-4)  # percent
        off = (r.q, r[kind] + 0.1)
        expected = 100 * np.sqrt(((off[1] - r[kind]) ** 2).sum() / (off[1] ** 2).sum())
        assert found.r_chi(off, kind) == pytest.approx(expected, rel=0.05)
        assert len(found.plot(kind, experiment=path).lines) >= 2
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match="empty.txt: need two columns of numbers, .* got none; check the file"):
        found.r_chi(tmp_path / "empty.txt")


def test_distance_from_a_measured_radial_distribution(run: dict[str, Any], tmp_path: Any) -> None:
    """Totals summed by hand over pairs; a user's g(r), G(r) or T(r): nothing from itself, and what a shift makes."""
    found = run["rdf"]
    rdf = found.results.rdf
    shares = {"Li": 24 / 72, "P": 8 / 72, "S": 40 / 72}
    for kind, weights in (
        ("neutron", {"Li": -1.90, "P": 5.13, "S": 2.847}),  # fm, doi:10.1080/10448639208218770
        ("xray", {"Li": 3.0, "P": 15.0, "S": 16.0}),  # electrons
    ):
        by_hand = (
            sum(shares[a] * shares[b] * weights[a] * weights[b] * rdf.partial(a, b) for a in shares for b in shares)
            / sum(shares[a] * weights[a] for a in shares) ** 2
        )
        total = found.total(kind)
        np.testing.assert_allclose(total, by_hand, atol=0.03 * np.abs(by_hand).max())
        density = 72 / 16**3  # 1/A^3
        np.testing.assert_allclose(found.total(kind, "T"), 4 * np.pi * density * rdf.r * total, rtol=1e-9)
        np.testing.assert_allclose(
            found.total(kind, "T") - found.total(kind, "G"), 4 * np.pi * density * rdf.r, rtol=1e-9
        )
        path = tmp_path / f"{kind}.txt"
        np.savetxt(path, np.column_stack([rdf.r, found.total(kind, "G")]), header="r (A), G(r)")
        assert found.r_chi(path, kind, "G") == pytest.approx(0.0, abs=1e-4)  # percent
        off = (rdf.r, total + 0.2)
        expected = 100 * np.sqrt((0.2**2 * len(rdf.r)) / (off[1] ** 2).sum())
        assert found.r_chi(off, kind) == pytest.approx(expected)
    heavy = found.total(isotopes={"Li": "6Li"})  # +2.00 fm in place of -1.90: Li-S pairs change their sign
    assert np.abs(heavy - found.total()).max() > 0.1
    with pytest.raises(InputError, match="r_range: need three measured distances or more, within .* A, got 0 from 20"):
        found.r_chi(off, r_range=(20.0, 30.0))
    with pytest.raises(InputError, match="form: need one of 'g', 'G', 'T', got 'h'"):
        found.total(form="h")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match=r"empty.txt: need two columns of numbers, r and g\(r\), got none; check"):
        found.r_chi(tmp_path / "empty.txt")
    some = ad.RadialDistributions(make().atoms, r_max=7.5, bins=75, pairs=[("P", "S")]).run(stop=2)
    with pytest.raises(InputError, match="pairs: need the pair Li-Li, got none; compute all pairs"):
        some.total()


def glass_ceramic(crossing: int = 0) -> Any:
    """Crystal below and glass above: lithium diffuses at 0.015 and 0.45 A^2/ps, and the first ions cross over."""
    rng = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(12), np.arange(6), indexing="ij"), -1).reshape(-1, 3) * 3.0
    places = np.concatenate([grid + 0.5, rng.uniform([0, 36, 0], [18, 72, 18], (432, 3))])
    lithium = np.arange(864) % 2 == 0
    deviation = np.where(np.arange(864) < 432, np.sqrt(0.003), 0.3) * lithium  # A, sqrt(2 D 0.1 ps)
    run = places + np.cumsum(rng.normal(0, 1, (200, 864, 3)) * deviation[:, None], axis=0)
    inside = np.flatnonzero(lithium & (np.abs(places[:, 1] - 18) < 8))[:crossing]
    run[60:, inside, 1] += 36.0
    u = mda.Universe.empty(864, trajectory=True)
    u.add_TopologyAttr("elements", ["Li", "S"] * 432)
    u.load_new(run.astype("f4"), order="fac", dimensions=[18, 72, 18, 90, 90, 90], dt=0.1)
    return u


def test_dynamics_of_each_phase_in_one_call() -> None:
    """Diffusion of the ions of crystal and glass is what they were made with; those that cross are counted."""
    u = glass_ceramic(crossing=9)
    lithium = u.select_atoms("element Li")
    profile = ad.AmorphisationProfile(u.atoms, thickness=6.0).run(stop=1)
    found = ad.phase_dynamics(profile, lithium, ion_transport.IonDiffusion, keep="stayed", unwrap=False)
    still = ad.phase_dynamics(
        profile, glass_ceramic().select_atoms("element Li"), ion_transport.IonDiffusion, keep="stayed", unwrap=False
    )
    assert found.left["crystal"] == still.left["crystal"] + 9  # besides those that rattle at the border
    assert sum(found.initial.values()) == len(lithium)
    for name, diffusion in (("crystal", 0.015), ("glass", 0.45)):  # A^2/ps
        r = found.analyses[name].results
        assert np.interp(1.0, r.times, r.msd) == pytest.approx(6 * diffusion * 1.0, rel=0.2)  # A^2 after 1 ps
    assert len(found.analyses["crystal"].groups["mobile"]) == found.initial["crystal"] - found.left["crystal"]
    np.testing.assert_allclose(found.shares.sum(axis=1), 1.0)
    both = ad.phase_dynamics(profile, lithium, ion_transport.NonGaussianParameter, unwrap=False)
    assert len(both.analyses["crystal"].groups["mobile"]) == found.initial["crystal"]
    told = ad.phase_dynamics(profile.regions(), lithium, ion_transport.NonGaussianParameter, unwrap=False)
    assert (told.initial, told.left) == (both.initial, both.left)  # layers told in another way, here the same


def test_phases_that_vanish_are_named() -> None:
    u = glass_ceramic()
    profile = ad.AmorphisationProfile(u.atoms, thickness=6.0).run(stop=1)
    lithium = u.select_atoms("element Li")
    inside = lithium[np.abs(lithium.positions[:, 1] - 18) < 8]
    run = u.trajectory.get_array()
    run[20:, inside.ix, 1] += 36.0
    with (
        pytest.warns(UserWarning, match=r"\d+ of \d+ ions leave the crystal: its dynamics are also of its surround"),
        pytest.raises(
            InputError, match=r"keep: need ions that stay in a phase, got none of \d+; take keep='initial', or"
        ),
    ):
        ad.phase_dynamics(profile, inside, ion_transport.IonDiffusion, keep="stayed", unwrap=False)
    with pytest.raises(InputError, match="keep: need 'initial' or 'stayed', got 'all'"):
        ad.phase_dynamics(profile, inside, ion_transport.IonDiffusion, keep="all")
    with pytest.raises(InputError, match="mobile: need at least one atom, got an empty selection; widen it"):
        ad.phase_dynamics(profile, u.atoms[:0], ion_transport.IonDiffusion)


def test_length_of_rings_beside_the_diffraction_peak(run: dict[str, Any]) -> None:
    beside = run["rings"].compare(DiffractionPeak(1.25, 1.0, 0.1, 2 * np.pi / 1.25))
    assert beside["length"] == pytest.approx(5.0265, abs=1e-3)  # A
    assert beside["large rings / length"] == pytest.approx(run["rings"].results.large_length / 5.0265, rel=1e-3)


def test_names_are_where_they_were_promised() -> None:
    module = importlib.import_module("MDAnalysis.analysis.anion_disorder")
    promised = (
        "TetrahedronTilt", "TetrahedralDistortion", "AnionSpeciation", "AveragedSteinhardt", "AmorphisationProfile",
        "IonVoronoiVolume", "RingTopology", "StructureFactor",
    )  # fmt: skip
    package = importlib.import_module("ionpath_mdanalysis")
    for name in promised:
        assert getattr(module, name) is getattr(ad, name) is getattr(package, name)
        assert issubclass(getattr(ad, name), mda.analysis.base.AnalysisBase)


def chosen(u: Any, name: str) -> Any:
    return u.select_atoms(f"name {name}")


BAD = {
    "r_max: need at most half of the smallest height of the cell, 8 A, got 9 A": lambda u: ad.RadialDistributions(
        u.atoms, r_max=9.0
    ),
    "pairs: need atoms of Cl, got only Li, P, S": lambda u: ad.RadialDistributions(u.atoms, pairs=[("Li", "Cl")]),
    "centre: need atoms of Si, got only": lambda u: ad.AngleDistribution(u.atoms, centre="Si"),
    "method: need 'transform' or 'direct', got 'x'": lambda u: ad.StructureFactor(u.atoms, method="x"),
    "q: need positive moduli that increase": lambda u: ad.StructureFactor(u.atoms, q=[2.0, 1.0]),
    "axis: need x, y or z, got 'w'": lambda u: ad.LayerProfiles(u.atoms, axis="w"),
    "thickness: need a positive thickness that fits twice into 16 A": lambda u: ad.AmorphisationProfile(
        u.atoms, thickness=12
    ),
    "atoms: need atoms of P, got only Li": lambda u: ad.AnionSpeciation(chosen(u, "Li")),
    "persistence: need a number of zero or more in ps, got -1": lambda u: ad.AnionSpeciation(u.atoms, persistence=-1),
    "bond: need at most half of the smallest height": lambda u: ad.AnionSpeciation(u.atoms, bond=9.0),
    "cutoff: need at most half of the smallest height": lambda u: ad.AveragedSteinhardt(u.atoms, cutoff=9.0),
    "of: need atoms that are among atoms, got atom 24": lambda u: ad.AveragedSteinhardt(
        chosen(u, "Li"), chosen(u, "P")
    ),
    "radii: need a radius of P, S for radical cells, got none": lambda u: ad.IonVoronoiVolume(
        chosen(u, "Li"), mode="radical", radii={"Li": 1.0}
    ),
    "species: need atoms of Cl, got only": lambda u: ad.RingTopology(u.atoms, species=["P", "Cl"]),
    "radii: need a radius of S, got none": lambda u: ad.RingTopology(u.atoms, radii={"P": 1.0}),
    "temperature: need a positive number in K, got -5": lambda u: ad.TetrahedronTilt(chosen(u, "P"), temperature=-5),
    "rotation: need an angle in degrees, or three orthogonal unit vectors": lambda u: ad.TetrahedronTilt(
        chosen(u, "P"), temperature=5, rotation=np.ones((3, 3))
    ),
    "mode: need 'correct' with this measure, got 'published'": lambda u: ad.TetrahedralDistortion(
        chosen(u, "P"), measure="q", mode="published"
    ),
    "centres: need at least one atom, got an empty selection": lambda u: ad.TetrahedronTilt(
        chosen(u, "Si"), temperature=5
    ),
    "mobile: need at least one atom, got an empty selection": lambda u: ad.IonVoronoiVolume(chosen(u, "Na")),
    "tetrahedron of atom 0: need 4 ligands within 1.5 A, got 0": lambda u: ad.TetrahedralDistortion(
        chosen(u, "P"), cutoff=1.5
    ).run(),
}


@pytest.mark.parametrize("sentence", list(BAD))
def test_bad_input(sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        BAD[sentence](make(n_frames=2))


def test_limit_of_rings_takes_its_remedy() -> None:
    u = make(n_frames=2)
    with pytest.raises(InputError, match=r"longest: .*, got a ring of more than 3 .*; leave") as e:
        ad.RingTopology(u.atoms, species=["Li", "P", "S"], longest=3).run()
    named = int(str(e.value).rsplit("longest=", 1)[1])
    ad.RingTopology(u.atoms, species=["Li", "P", "S"], longest=named).run(stop=1)
    free = ad.RingTopology(u.atoms, species=["Li", "P", "S"]).run()
    assert free.results.sizes.max() >= named > 3


NUMBERS = {
    "longest: need a whole number from 3 to 1000000000, got 2; leave it out": lambda u: ad.RingTopology(
        u.atoms, longest=2
    ),
    "bins: need a whole number from 1 to 1000000, got 0": lambda u: ad.IonVoronoiVolume(chosen(u, "Li"), bins=0),
    "bins: need a whole number from 1 to 1000000, got 10000000000": lambda u: ad.RadialDistributions(
        u.atoms, bins=10**10
    ),
    "l: need a whole number from 1 to 20, got 1000": lambda u: ad.AveragedSteinhardt(u.atoms, l=1000),
    "n_neighbours: need a whole number from 1 to 71, got 1000000": lambda u: ad.AveragedSteinhardt(
        u.atoms, n_neighbours=10**6
    ),
    "bins: need a whole number from 1 to 1000000, got 2.5": lambda u: ad.AngleDistribution(u.atoms, bins=2.5),
    "bins: need a whole number from 1 to 1000000, got -1": lambda u: ad.LayerProfiles(u.atoms, bins=-1),
    "bins: need a whole number from 1 to 2000, got 100000": lambda u: ad.RingTopology(u.atoms, bins=10**5),
    "largest_radius: need a positive number in A, got nan": lambda u: ad.RingTopology(u.atoms, largest_radius=np.nan),
    "r_max / bin_width: need a whole number from 1": lambda u: ad.StructureFactor(u.atoms, bin_width=1e-9),
    "cell / grid: need a whole number from 1 to 10000": lambda u: ad.AmorphisationProfile(u.atoms, grid=1e-9),
    "volume_range: need two volumes that increase": lambda u: ad.IonVoronoiVolume(chosen(u, "Li"), volume_range=(5, 1)),
    "bins: need a whole number from 4 to 3600, got 1000000": lambda u: ad.TetrahedronTilt(
        chosen(u, "P"), temperature=300, bins=10**6
    ),
    "bin_width: need a positive number, got 0": lambda u: ad.TetrahedralDistortion(chosen(u, "P"), bin_width=0),
    "cutoff: need a positive number in A, got -1": lambda u: ad.TetrahedralDistortion(chosen(u, "P"), cutoff=-1),
    "n_blocks: need a whole number from 1 to 10000, got 0": lambda u: ad.LayerProfiles(u.atoms, n_blocks=0),
    "of: need every atom once, got 25 entries for 24 atoms": lambda u: ad.AveragedSteinhardt(
        u.atoms, chosen(u, "Li") + u.atoms[:1]
    ),
}


@pytest.mark.parametrize("sentence", list(NUMBERS))
def test_numbers_that_cannot_be_are_refused_before_memory_is_asked_for(sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        NUMBERS[sentence](make(n_frames=2))


def test_topology_without_elements_or_masses() -> None:
    u = mda.Universe.empty(4, trajectory=True)
    u.load_new(np.zeros((2, 4, 3), "f4"), order="fac", dimensions=[16, 16, 16, 90, 90, 90])
    with pytest.raises(InputError, match="atoms: need chemical elements in the topology, got none"):
        ad.RadialDistributions(u.atoms)
    u.add_TopologyAttr("elements", ["Li", "Li", "P", "P"])
    with pytest.raises(InputError, match="atoms: need masses in the topology, got none"):
        ad.LayerProfiles(u.atoms)
    with pytest.raises(InputError, match="ligands: need atoms of Br, Cl, .*S, .* got only Li, P; pass the lig"):
        ad.TetrahedronTilt(u.select_atoms("element P"), temperature=300)
    u.atoms.elements = ["Li", "Li", "P", "S"]
    with pytest.raises(InputError, match="ligands: need atoms of .*S, .* got all of them among the centres; pass"):
        ad.TetrahedronTilt(u.atoms, temperature=300)  # of Li, P and S it said that there were only Li, P and S
    with pytest.raises(InputError, match="ligands: need atoms that are not among the centres, got 1 that are; select"):
        ad.TetrahedronTilt(u.atoms, ligands=u.select_atoms("element S"), temperature=300)
    u.trajectory.ts.dimensions = None
    with pytest.raises(InputError, match="box: need a periodic cell in every frame, got none"):
        ad.StructureFactor(u.atoms)


def test_times_that_do_not_increase_and_results_that_are_not_there() -> None:
    u = make(n_frames=3)
    with pytest.raises(InputError, match="TetrahedronTilt: need results, got none yet; call .run"):
        ad.TetrahedronTilt(u.select_atoms("name P"), temperature=300).plot()
    with pytest.raises(InputError, match="times of the frames: need times that increase"):
        ad.AnionSpeciation(u.atoms).run(frames=[2, 1, 0])
