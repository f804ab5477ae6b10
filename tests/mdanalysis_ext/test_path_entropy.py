"""States, Markov models and path entropy of trajectories whose hops are known."""

from __future__ import annotations

import dataclasses
import itertools
import re

import numpy as np
import pytest
from MDAnalysis.analysis.path_entropy import (
    CoordinationShells,
    MarkovStates,
    PathEntropy,
    ShellStates,
    plot_mfpt_series,
)

import ionpath.plugins
import ionpath_mdanalysis
from ionpath.errors import DisconnectedError, InputError
from ionpath.kinetics import (
    core_sets,
    estimate_msm,
    macrostate_path_entropy,
    mfpt_matrix,
    path_entropy_matrix,
    released_path_entropy,
    shell_trajectories,
)
from ionpath_mdanalysis.example import VERTICES, hopping_universe, hops

LAG = 10
FEW = {"n_samples": 8}
PLAIN = {"symmetry": "none", "estimator": "plain"}  # entropies of the fitted model, as it is


def truth(n_frames=600, seed=3):
    """Shell and vertex of each ion, as they were drawn for `hopping_universe`, and the centres of the shells."""
    rng = np.random.default_rng(seed)
    centres, shell, vertex = hops(n_frames, cells=2, inside=0.02, across=0.01, rng=rng)
    return shell, vertex, centres


@pytest.fixture(scope="module")
def run(universe, shells) -> PathEntropy:
    return PathEntropy(universe.select_atoms("name Li"), shells, lag=LAG, **FEW).run()


def test_the_promised_import_is_the_same_class():
    assert ionpath_mdanalysis.PathEntropy is PathEntropy
    assert PathEntropy.__module__ == "ionpath_mdanalysis.path_entropy.entropy"
    assert set(ionpath_mdanalysis.__all__) <= set(dir(ionpath_mdanalysis))
    with pytest.raises(AttributeError, match="module 'ionpath_mdanalysis' has no attribute 'Nothing'"):
        ionpath_mdanalysis.Nothing  # noqa: B018


def test_states_are_those_that_were_drawn(lithium, shells):
    states = ShellStates(lithium, shells).run()
    shell, vertex, _ = truth()
    centres = shells.centres @ shells.cell
    drawn = np.argmin(np.linalg.norm(centres[:, None] - truth()[2], axis=-1), axis=0)
    label = np.array([shells.vertex[np.argmin(np.linalg.norm(shells.offsets - v, axis=1))] for v in VERTICES])
    assert (states.results.states == label[vertex]).mean() > 0.999
    assert (shells.centre_of[states.results.sites] == drawn[shell]).mean() > 0.999
    assert states.results.states.dtype == np.int8
    assert states.results.sites.dtype == np.int16
    assert states.results.unassigned_fraction < 0.001
    assert states.results.occupancy.sum() == pytest.approx(24.0)
    assert states.results.state_occupancy.sum() == pytest.approx(1.0)
    hopped = ((shell[1:] != shell[:-1]) | (vertex[1:] != vertex[:-1])).sum()
    assert states.results.n_hops == pytest.approx(hopped, rel=0.01)


@pytest.fixture(scope="module")
def plain(universe, shells) -> PathEntropy:
    return PathEntropy(universe.select_atoms("name Li"), shells, lag=LAG, **PLAIN, **FEW).run()


def test_everything_is_what_the_core_gives_for_the_same_states(lithium, shells, plain):
    run = plain
    states = ShellStates(lithium, shells).run()
    rows = shell_trajectories(core_sets(states.results.sites.astype(int)), shells).dtrajs
    msm = estimate_msm(rows, LAG, n_states=7)
    results = run.results
    assert np.array_equal(results.transition_matrix, msm.transition_matrix)
    assert np.allclose(results.stationary_distribution, msm.stationary_distribution)
    assert np.allclose(results.mfpt, mfpt_matrix(msm, frame_time=run.frame_time), rtol=1e-10)
    assert np.allclose(results.path_entropy, path_entropy_matrix(msm), rtol=1e-10)
    assert np.allclose(results.flux_entropy, path_entropy_matrix(msm, definition="flux"), rtol=1e-10)
    assert results.total == pytest.approx(results.path_entropy.sum())
    assert results.mean_per_pair == pytest.approx(results.total / 42)
    assert results.escape == pytest.approx(results.path_entropy[:, 0].sum())
    assert results.lag_time == pytest.approx(1.0)
    assert results.implied_timescales.shape == (len(results.timescales.lags), 6)
    assert (results.path_entropy_error[~np.eye(7, dtype=bool)] > 0).all()
    assert results.total_error > 0
    assert results.msm.lagtime == LAG


def test_symmetry_of_the_octahedron(run):
    """S(s -> e) = S(e -> s) for a reversible chain; opposite vertices of one shell have like entropies."""
    s = run.results.path_entropy
    assert np.allclose(s, s.T, rtol=1e-6)
    assert s[1, 6] == pytest.approx(s[2, 4], rel=0.1)


@pytest.mark.parametrize(
    "how",
    [{"backend": "multiprocessing", "n_workers": 2, "n_parts": 3}, {"backend": "dask", "n_workers": 2}, {"n_parts": 5}],
)
def test_all_backends_agree(lithium, shells, run, how):
    other = PathEntropy(lithium, shells, lag=LAG, **FEW).run(**how)
    for key, value in run.results.items():
        if isinstance(value, (np.ndarray, float, int)):
            assert np.array_equal(other.results[key], value, equal_nan=True), key


def test_other_chunks_and_drift_without_centres(lithium, universe, shells, run):
    small = PathEntropy(lithium, shells, lag=LAG, chunk_frames=7, **FEW).run()
    assert small.results.total == run.results.total
    at_rest = PathEntropy(lithium, shells, framework=universe.select_atoms("name S"), lag=LAG, **FEW).run()
    assert at_rest.results.total == pytest.approx(run.results.total, rel=1e-3)


@pytest.mark.parametrize(
    "change", [{"wrapped": False}, {"drift": 0.02}, {"strain": 0.005}, {"drift": 0.02, "wrapped": False}]
)
def test_what_must_not_matter(shells, run, change):
    u = hopping_universe(n_frames=600, seed=3, **change)
    other = PathEntropy(u.select_atoms("name Li"), shells, lag=LAG, **FEW).run()
    assert other.results.total == pytest.approx(run.results.total, rel=1e-9)
    framework = PathEntropy(u.select_atoms("name Li"), shells, framework=u.select_atoms("name S"), lag=LAG, **FEW).run()
    assert framework.results.total == pytest.approx(run.results.total, rel=1e-3)


def test_order_of_atoms_does_not_matter(universe, shells, plain, run):
    ions = universe.select_atoms("name Li")[::-1]
    other = PathEntropy(ions, shells, lag=LAG, **PLAIN, **FEW).run()
    assert other.results.total == pytest.approx(plain.results.total, rel=1e-12)
    # Without noise the value depends on which ions are drawn together, by little of its error
    drawn = PathEntropy(ions, shells, lag=LAG, **FEW).run()
    assert drawn.results.total == pytest.approx(run.results.total, abs=0.3 * run.results.total_error)


def test_symmetry_and_noise(plain, run, lithium, shells):
    """Shells of octahedra whose ions were drawn alike: the counts agree with the 48 operations, which are used."""
    results = run.results
    assert results.symmetry.used and results.symmetry.n_operations == 48
    assert "counts agree with the 48 operations of the shell" in repr(run)
    assert results.uncertainty.estimator == "extrapolated"
    assert results.total == results.uncertainty.total.value
    assert results.uncertainty.total.low < results.total < results.uncertainty.total.high
    assert plain.results.symmetry is None
    assert plain.results.total - results.total > 3.0  # what noise adds, J/mol/K
    opposite = [results.path_entropy[a, b] for a, b in ((1, 6), (2, 4), (3, 5))]
    assert np.ptp(opposite) < 1e-6
    given = np.arange(7)[None]
    none = PathEntropy(lithium, shells, lag=LAG, symmetry=given, estimator="plain", **FEW).run()
    assert none.results.total == pytest.approx(plain.results.total, rel=1e-12)
    with pytest.raises(InputError, match="symmetry: need 'auto' or 'none', got 'octahedral'"):
        PathEntropy(lithium, shells, symmetry="octahedral")


def test_relabelled_vertices_permute_the_matrix(universe, lithium, shells, run):
    order = np.array([3, 1, 6, 2, 5, 4])
    other = dataclasses.replace(shells, vertex=np.append(0, order)[shells.vertex])
    found = PathEntropy(lithium, other, lag=LAG, **FEW).run().results
    place = np.append(0, order)
    assert np.allclose(found.path_entropy[np.ix_(place, place)], run.results.path_entropy, rtol=1e-6)
    assert found.total == pytest.approx(run.results.total, rel=1e-6)


def test_states_can_be_computed_once(lithium, shells, run):
    states = ShellStates(lithium, shells).run()
    entropy = PathEntropy(states=states, lag=LAG, **FEW).run()
    assert entropy.results.total == run.results.total
    assert "sites" not in entropy.results
    markov = MarkovStates(states=states, lag_time=1.0, **FEW).run()
    assert np.array_equal(markov.results.mfpt, run.results.mfpt)
    with pytest.raises(InputError, match="run: need no arguments with states=, got some"):
        MarkovStates(states=states, lag=LAG).run(stop=10)


def test_steps_change_the_time_between_frames(lithium, shells):
    markov = MarkovStates(lithium, shells, lag=5, **FEW).run(start=100, step=2)
    assert markov.frame_time == pytest.approx(0.2)
    assert markov.results.lag_time == pytest.approx(1.0)
    assert markov.n_frames == 250


def test_default_lag_is_chosen_and_said(lithium, shells):
    markov = MarkovStates(lithium, shells, **FEW).run()
    assert 1 <= markov.results.lag <= 60
    assert "slowest implied timescale" in markov.results.lag_reason
    assert markov.results.lag_reason in repr(markov)


def test_verdict_is_a_sentence(run):
    assert "at a lag of 1 ps" in run.results.verdict.sentence
    assert run.results.verdict.sentence in repr(run)


@pytest.mark.parametrize("method", ["geometric", "voronoi"])
def test_published_rules_agree_where_sites_are_clear(lithium, shells, run, method):
    other = PathEntropy(lithium, shells, lag=LAG, method=method, **FEW).run()
    assert other.results.total == pytest.approx(run.results.total, rel=0.01)


def test_a_discretiser_of_another_package(lithium, shells, run):
    class Toy:
        @ionpath.plugins.hookimpl
        def discretisers(self):
            def octants(shells, *, cutoff, mode, margin):
                from ionpath.kinetics import assign_sites

                assert (cutoff, mode) == (1.2, "correct")

                def assign(ions, cells, centres):
                    assert centres.shape == (len(ions), shells.n_centres, 3)
                    return assign_sites(ions, shells, cells, centres, cutoff=cutoff, margin=50 * margin)

                return assign

            def broken(shells, *, cutoff, mode, margin):
                return lambda ions, cells, centres: np.full((2, 2), 99)

            def unsaid(shells, *, cutoff, mode, margin):
                return lambda ions, cells, centres: np.zeros(ions.shape[:2], dtype=int)

            return {"octants": octants, "broken": broken, "unsaid": unsaid}

    toy = Toy()
    ionpath.plugins.register(toy, name="toy")
    try:
        found = PathEntropy(lithium, shells, lag=LAG, method="octants", cutoff=1.2, **FEW).run()
        ours = PathEntropy(lithium, shells, lag=LAG, cutoff=1.2, **FEW).run()
        broken = PathEntropy(lithium, shells, lag=LAG, method="broken", **FEW)
        with pytest.raises(InputError, match=r"discretiser 'broken': need integers from -1 to 47 of shape \(600, 24\)"):
            broken.run()
        with pytest.raises(InputError, match="discretiser 'unsaid': need a SiteAssignment of sites and of truth"):
            PathEntropy(lithium, shells, lag=LAG, method="unsaid", **FEW).run()
    finally:
        ionpath.plugins.unregister(toy)
    assert found.results.total == ours.results.total
    assert found.results.ambiguous_fraction > 0.5  # two vertices of a shell are 3.4 A apart
    with pytest.raises(InputError, match="method: need one of 'geometric', 'nearest', .*, got 'octants'; choose one"):
        ShellStates(lithium, shells, method="octants")


def test_core_sets_and_residence(lithium, shells):
    raw = ShellStates(lithium, shells, cutoff=0.6, core_sets=False).run()
    assert raw.results.unassigned_fraction == pytest.approx((raw.results.sites < 0).mean())
    assert raw.results.unassigned_fraction > 0.05
    smooth = ShellStates(lithium, shells, cutoff=0.6).run()
    assert smooth.results.unassigned_fraction == raw.results.unassigned_fraction
    assert np.array_equal(smooth.results.sites, core_sets(raw.results.sites.astype(int)))
    patient = ShellStates(lithium, shells, minimum_residence=5).run()
    plain = ShellStates(lithium, shells).run()
    assert np.array_equal(patient.results.sites, core_sets(plain.results.sites.astype(int), minimum_residence=5))


@pytest.mark.parametrize("home", ["initial", "folded"])
def test_homes(lithium, shells, home):
    states = ShellStates(lithium, shells).run()
    rows = shell_trajectories(states.results.sites.astype(int), shells, home=home).dtrajs
    expected = estimate_msm(rows, LAG, n_states=7, connected="largest").transition_matrix
    found = MarkovStates(lithium, shells, lag=LAG, home=home, connected="largest", **FEW).run()
    kept = np.isfinite(found.results.transition_matrix)
    assert np.array_equal(found.results.transition_matrix[kept], expected.ravel())


def test_published_mode_is_the_released_computation(lithium, shells):
    published = PathEntropy(lithium, shells, lag=LAG, mode="published", **FEW).run()
    states = ShellStates(lithium, shells).run()
    rows = shell_trajectories(states.results.sites.astype(int), shells, home="initial").dtrajs
    expected = released_path_entropy(rows, LAG, n_states=7)
    assert published.results.total == pytest.approx(expected, abs=1e-9)
    assert np.isnan(published.results.total_error)


def test_one_model_per_ion(lithium, shells, run):
    each = PathEntropy(lithium, shells, lag=LAG, pooling="per_ion", **FEW).run()
    assert len(each.results.msm) == 24
    assert each.results.transition_matrix.shape == (24, 7, 7)
    assert each.results.mfpt_median.shape == (7, 7)
    assert each.results.total == pytest.approx(each.results.path_entropy.sum())
    assert each.results.total_error > 0
    mine = path_entropy_matrix(each.results.msm[5])
    assert each.results.ion_total[5] == pytest.approx(mine.sum())
    with pytest.raises(InputError, match="pooling: need one model, got one for each ion; use pooling='all'"):
        each.pathways(1, 6)


@pytest.mark.parametrize("unit", ["R", "nat"])
def test_units(lithium, shells, run, unit):
    other = PathEntropy(lithium, shells, lag=LAG, unit=unit, **FEW).run()
    assert other.results.total * 8.31446261815324 == pytest.approx(run.results.total)  # R in J/mol/K, CODATA 2018


def test_without_errors(lithium, shells, plain, run):
    bare = PathEntropy(lithium, shells, lag=LAG, n_samples=0, **PLAIN).run()
    assert bare.results.total == plain.results.total
    averaged = PathEntropy(lithium, shells, lag=LAG, n_samples=0).run()
    assert averaged.results.total == pytest.approx(run.results.total, abs=0.5 * run.results.total_error)
    assert np.isnan(bare.results.total_error)
    assert bare.results.uncertainty is None


def test_save_load_and_tables(run, tmp_path):
    run.save(tmp_path / "entropy.npz")
    again = PathEntropy.load(tmp_path / "entropy.npz")
    assert repr(again) == repr(run)
    assert np.array_equal(again.results.msm.transition_matrix, run.results.msm.transition_matrix)
    table = again.to_dataframe()
    assert table.equals(run.to_dataframe())
    assert len(table) == 42
    assert table.attrs["units"]["mfpt"] == "ps"
    paths = again.pathways(1, 6)
    assert paths.equals(run.pathways(1, 6))
    assert paths.share.sum() == pytest.approx(1.0, abs=0.02)
    assert (paths.share.diff().dropna() <= 1e-12).all()
    assert set(paths.pathway.str.split(" > ").str[0]) == {"LS1"}
    assert again.results.shells.n_sites == 48
    assert "path entropy" not in again._repr_html_() or "J/mol/K" in again._repr_html_()


def test_states_save_and_load(lithium, shells, tmp_path):
    states = ShellStates(lithium, shells).run()
    states.save(tmp_path / "states.npz")
    again = ShellStates.load(tmp_path / "states.npz")
    assert np.array_equal(again.results.sites, states.results.sites)
    assert again.to_dataframe().equals(states.to_dataframe())
    assert PathEntropy(states=again, lag=LAG, **FEW).run().results.total > 0


def test_plots(run, tmp_path):
    run.plot_path_entropy().figure.savefig(tmp_path / "entropy.png")
    mfpt = run.plot_mfpt()
    assert mfpt.get_xticklabels()[0].get_text() == "external"
    assert run.plot_implied_timescales().get_yscale() == "log"
    assert len(run.plot_chapman_kolmogorov()[1].lines) == 2
    network = run.plot_flux_network(1, 6)
    assert [text.get_text() for text in network.texts if text.get_text() == "LS6"]
    bars = run.plot_occupancy()
    assert len(bars.patches) == 6
    assert bars.patches[0].get_height() == pytest.approx(0.5, abs=0.2)
    assert run.plot_mfpt(ax=bars) is bars


def test_macrostates_of_a_run(run):
    """Table S3: entropies between top, plane, bottom and external of the fitted model, next to those of the walk."""
    table = macrostate_path_entropy(run.results.msm, unit="nat")
    assert table.names == ("top", "plane", "bottom", "external")
    shell, vertex, _ = truth()
    # the walk as each shell that an ion visits sees it: 1 at the top, 6 at the bottom, 0 outside
    order = np.argsort(np.argsort(-VERTICES[:, 2], kind="stable"), kind="stable") + 1
    seen = [
        np.where(shell[:, ion] == home, order[vertex[:, ion]], 0)
        for ion in range(shell.shape[1])
        for home in np.unique(shell[:, ion])
    ]
    known = macrostate_path_entropy(estimate_msm(seen, LAG, n_states=7), unit="nat")
    for a, b in itertools.permutations(table.names, 2):
        assert table.between(a, b) == pytest.approx(known.between(a, b), abs=0.02), (a, b)  # nat
    assert table.between("top", "bottom") > table.between("top", "plane") > 0.0


def test_passage_times_of_several_temperatures_on_one_scale(run):
    """A hot walk beside a cold one: the same colour is the same time, and the numbers are those of each model."""
    hot = hopping_universe(n_frames=600, inside=0.08, across=0.04, seed=4)
    lithium = hot.select_atoms("name Li")
    shells = CoordinationShells.from_universe(hot, centres="name S", mobile=lithium, n_vertices=6)
    fast = MarkovStates(lithium, shells, lag=2, n_samples=0).run()
    axes = plot_mfpt_series({300: run, 600.0: fast})
    assert [ax.get_title().split("\n")[0] for ax in axes] == ["300 K", "600 K"]
    off = ~np.eye(7, dtype=bool)
    for ax, analysis in zip(axes, (run, fast), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array()[off], analysis.results.mfpt[off])  # ps
    assert axes[0].images[0].norm is axes[1].images[0].norm
    assert np.median(fast.results.mfpt[off]) < 0.5 * np.median(run.results.mfpt[off])
    assert len(axes[0].figure.axes) == 3  # two maps and one bar
    with pytest.raises(InputError, match="analyses: need at least one, got none; pass a dict of them by temperature"):
        plot_mfpt_series({})
    with pytest.raises(InputError, match="axes: need 1, got 2; leave them out"):
        plot_mfpt_series({300: run}, axes)


def test_an_ion_in_time_and_in_its_shell(lithium, shells, tmp_path):
    """Steps are the states; clouds hold every frame of the shell, near the vertex that they are named by."""
    states = ShellStates(lithium, shells).run()
    steps = states.plot_states(3)
    np.testing.assert_array_equal(steps.lines[0].get_ydata(), states.results.states[:, 3])
    np.testing.assert_allclose(steps.lines[0].get_xdata(), states.times)
    assert [text.get_text() for text in steps.get_yticklabels()][:2] == ["external", "LS1"]
    for given in ({}, {"framework": lithium.universe.select_atoms("name S")}):
        found = ShellStates(lithium, shells, **given).run()
        site = found.results.sites[:, 3]
        home = np.bincount(shells.centre_of[site[site >= 0]]).argmax()
        axes = found.plot_trajectory(3, plane="xz")
        inside = site[(site >= 0) & (shells.centre_of[site] == home)]
        assert sum(len(cloud.get_offsets()) for cloud in axes.collections) == len(inside)
        for cloud in axes.collections:
            vertex = int(cloud.get_label().removeprefix("LS"))
            k = shells.site_table[home, vertex]
            assert (
                np.abs(np.median(np.asarray(cloud.get_offsets()), axis=0) - shells.offsets[k][[0, 2]]).max() < 0.4
            )  # A
        axes.figure.savefig(tmp_path / "cloud.png")
    with pytest.raises(InputError, match="plane: need one of 'xy', 'xz', 'yz', got 'xx'"):
        states.plot_trajectory(0, plane="xx")
    with pytest.raises(InputError, match=r"ion: need a number from 0 to \d+, got 999; count mobile ions from 0"):
        states.plot_states(999)
    with pytest.raises(InputError, match="shell: need a shell that ion 0 visits, such as .*, got 99; leave it out"):
        states.plot_trajectory(0, shell=99)
    states.save(tmp_path / "states.npz")
    again = ShellStates.load(tmp_path / "states.npz")
    assert again.plot_states(3).lines[0].get_ydata()[5] == states.results.states[5, 3]
    with pytest.raises(InputError, match="positions: need the trajectory, got results that were loaded from a file"):
        again.plot_trajectory(3)


def test_flat_chapman_kolmogorov_needs_frames(lithium, shells):
    long = MarkovStates(lithium, shells, lag=200, connected="largest", **FEW).run()
    assert long.results.chapman_kolmogorov is None
    with pytest.raises(InputError, match="lag: need at most a quarter of the trajectory for the Chapman-Kolmogorov"):
        long.plot_chapman_kolmogorov()


def test_frozen_ions_have_no_entropy(shells):
    u = hopping_universe(n_frames=60, inside=1e-9, across=0.0, seed=1)
    lithium = u.select_atoms("name Li")
    with pytest.warns(UserWarning, match=r"states .* are not connected in both directions at this lag: they are left"):
        still = PathEntropy(lithium, shells, lag=5, **FEW).run()
    assert still.results.total == 0.0
    assert still.results.n_hops == 0
    assert len(still.results.connected_states) == 1 and len(still.results.excluded_states) == 6
    with pytest.raises(DisconnectedError, match="every state visited and reachable from every other at this lag"):
        PathEntropy(lithium, shells, lag=5, connected="all", **FEW).run()


def test_ions_that_stay_in_their_shells_are_a_result(shells, tmp_path):
    """No hop between shells: the largest connected set, 30 pairs, without a warning and without being asked for it."""
    u = hopping_universe(n_frames=400, across=0.0, seed=2)
    lithium = u.select_atoms("name Li")
    found = PathEntropy(lithium, shells, lag=5, **FEW).run()
    assert found.results.connected_states == (1, 2, 3, 4, 5, 6)
    assert found.results.excluded_states == (0,)
    assert found.results.total > 0
    assert found.results.uncertainty.excluded == (0,)
    assert "no ion was in state 0" in found.results.connected_reason
    assert "states 6 of 7 (no ion was in state 0" in repr(found)
    assert str(found.results.mfpt_to_external) == "not determined"
    assert found.results.mfpt_between_vertices.unit == "ps"
    with pytest.raises(DisconnectedError, match=r"got states \[0\] never visited; use connected='largest'"):
        PathEntropy(lithium, shells, lag=5, connected="all", **FEW).run()
    found.save(tmp_path / "stay.npz")
    again = PathEntropy.load(tmp_path / "stay.npz")
    assert np.array_equal(again.results.msm.transition_matrix, found.results.msm.transition_matrix)
    assert again.states.to_dataframe().equals(found.states.to_dataframe())


def test_errors_of_passage_times_and_populations(run, lithium, shells):
    """Errors from the same draws; intervals on a logarithm hold the value."""
    results = run.results
    off = ~np.eye(7, dtype=bool)
    assert (results.mfpt_error[off] > 0).all() and not results.mfpt_error[~off].any()
    assert (results.mfpt_low[off] < results.mfpt[off]).all() and (results.mfpt[off] < results.mfpt_high[off]).all()
    assert results.mfpt_low[off] * results.mfpt_high[off] == pytest.approx(results.mfpt[off] ** 2)
    assert (results.stationary_distribution_error > 0).all()
    within = results.mfpt[1:, 1:][off[1:, 1:]].mean()
    assert results.mfpt_between_vertices.value == pytest.approx(within)
    assert results.mfpt_to_external.value == pytest.approx(results.mfpt[1:, 0].mean())
    assert 0 < results.mfpt_to_external.error < 0.3 * results.mfpt_to_external.value
    assert np.array_equal(results.implied_timescales_error, results.timescales.errors, equal_nan=True)
    assert run.to_dataframe().mfpt_error.to_numpy() == pytest.approx(results.mfpt_error[off])
    bare = MarkovStates(lithium, shells, lag=LAG, n_samples=0).run().results
    assert np.isnan(bare.mfpt_error[off]).all()
    assert "(error not known)" in str(bare.mfpt_to_external)


def test_a_verdict_stands_beside_every_number_of_the_model(lithium, shells, tmp_path):
    """Without a bootstrap a change of 10 % cannot be told from noise: not Markovian, in words, tables and figures."""
    found = PathEntropy(lithium, shells, lag=LAG, n_samples=0).run()
    results, words = found.results, found.results.verdict.words
    assert words == "not Markovian" and not results.verdict
    for text in (repr(found), found._repr_html_()):
        for name in ("total", "mean per pair", "escape"):
            assert re.search(rf"{name}\W.{{0,40}}J/mol/K \(error not known\) \({words}\)", text), name
    assert set(found.to_dataframe().verdict) == {words}
    assert str(results.mfpt_to_external).endswith(f"ps (error not known) ({words})")
    assert found.plot_path_entropy().get_title().endswith(f"J/mol/K (error not known) ({words})")
    assert found.plot_mfpt().get_title() == found.plot_implied_timescales().get_title() == words
    assert found.plot_flux_network(1, 6).get_title().endswith(f"per ps ({words})")
    assert {e.verdict for e in found.entropies_from(1).values()} == {words}
    found.save(tmp_path / "paths.npz")
    assert repr(PathEntropy.load(tmp_path / "paths.npz")) == repr(found)


def test_path_entropy_has_states(run, lithium, shells):
    assert isinstance(run.states, ShellStates) and not isinstance(run, ShellStates)
    assert run.states.results.n_hops == run.results.n_hops
    assert "sites" not in run.results and "sites" not in run.states.results
    with pytest.raises(TypeError, match="PathEntropy: unknown keyword 'cutof'; did you mean 'cutoff'?"):
        PathEntropy(lithium, shells, cutof=1.2)


def test_lag_longer_than_the_trajectory(lithium, shells):
    with pytest.raises(InputError, match="lag: need fewer frames than the trajectory, got a lag of 600 frames"):
        PathEntropy(lithium, shells, lag=600, **FEW).run()
    with pytest.raises(InputError, match="lag_time: need a multiple of the time between frames, 0.1 ps, got 0.25 ps"):
        PathEntropy(lithium, shells, lag_time=0.25, **FEW).run()


def test_one_frame(lithium, shells):
    with pytest.raises(InputError, match="frames: need at least 2 frames, got 1"):
        PathEntropy(lithium, shells, lag=1).run(stop=1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lag": 3, "lag_time": 1.0}, r"lag: need either lag \(frames\) or lag_time \(ps\), got both"),
        ({"pooling": "some"}, "pooling: need 'all' or 'per_ion', got 'some'; choose one of them"),
        ({"definition": "walk"}, "definition: need one of 'pathway', 'unlimited', 'flux', 'flux-row', got 'walk'"),
        ({"mode": "old"}, "mode: need 'correct' or 'published', got 'old'"),
        ({"core_sets": False, "minimum_residence": 2}, "minimum_residence: need core sets, got core_sets=False"),
    ],
)
def test_options_that_cannot_be(lithium, shells, options, sentence):
    with pytest.raises(InputError, match=sentence):
        PathEntropy(lithium, shells, **options)


def test_shells_that_do_not_fit(universe, lithium, shells):
    with pytest.raises(InputError, match="shells: need CoordinationShells, got list; make them with"):
        ShellStates(lithium, [1, 2])
    with pytest.raises(InputError, match="shells: need either shells or states, got neither"):
        PathEntropy(lithium)
    with pytest.raises(InputError, match="states: need ShellStates that were run, got <ShellStates: .*not run yet>"):
        PathEntropy(states=ShellStates(lithium, shells))
    with pytest.raises(InputError, match="centres: need 8 atoms, one for each shell, got 3; select the centres in the"):
        ShellStates(lithium, shells, centres=universe.select_atoms("name S")[:3])
    small = CoordinationShells.from_sites(np.eye(3) * 12.0, [[0.5] * 3], [[0.5, 0.5, 0.7]])
    with pytest.raises(InputError, match=r"shells: need a reference cell like that of the trajectory, \[18. 18. 18.\]"):
        ShellStates(lithium, small).run()


def test_nan_coordinates(lithium, shells):
    u = hopping_universe(n_frames=20)
    u.trajectory.get_array()[4, 2] = np.nan
    with pytest.raises(InputError, match="coordinates of mobile: need finite numbers, got .* at frame 4, atom 2"):
        ShellStates(u.select_atoms("name Li"), shells).run()


@pytest.mark.slow
def test_a_distributed_cluster_gives_the_same(lithium, shells, run):
    distributed = pytest.importorskip("distributed", reason="needs distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        other = PathEntropy(lithium, shells, lag=LAG, **FEW).run(backend="dask", n_workers=2)
    assert other.results.total == run.results.total
    assert np.array_equal(other.results.mfpt, run.results.mfpt)


@pytest.mark.parametrize("name", ["Li6PS5Cl-0p-run1"])
def test_real_trajectory(shared_data, name):
    """14 ps of ordered Li6PS5Cl at 500 K: lithium moves inside its cages, and leaves none."""
    import MDAnalysis

    u = MDAnalysis.Universe(shared_data / "aimd" / f"{name}.XDATCAR.gz", dt=0.1)
    shells = CoordinationShells.from_universe(u, mobile="name Li", n_vertices=6)
    assert (shells.n_centres, shells.n_sites, set(shells.kinds)) == (32, 192, {"S"})
    radii = np.linalg.norm(shells.offsets, axis=1)
    assert radii == pytest.approx(2.4, abs=0.3)  # Li-S in Li6PS5Cl, A
    run = PathEntropy(u.select_atoms("name Li"), shells, lag=5, connected="largest", **FEW).run()
    assert run.results.unassigned_fraction < 0.25
    assert 0 not in run.results.connected_states
    assert run.results.escape == 0.0
    assert str(run.results.uncertainty.escape).startswith("not determined")
    assert run.results.mean_per_pair > 10.0
