"""Runs stand for tables of states: every count must be the same, whatever the chunks that they came in."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.kinetics import (
    CoordinationShells,
    chapman_kolmogorov,
    core_sets,
    entropy_uncertainty,
    estimate_msm,
    implied_timescales,
    shell_trajectories,
)
from ionpath.markov.counting import count_matrices, count_matrix, state_histogram
from ionpath.sites.recording import RunRecorder
from ionpath.sites.runs import ShellRuns

OCTAHEDRON = 0.1 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
N_FRAMES, N_IONS = 97, 9


@pytest.fixture(scope="module")
def shells() -> CoordinationShells:
    centres = np.array([[0.25, 0.25, 0.25], [0.75, 0.75, 0.75], [0.25, 0.75, 0.25]])
    sites = (centres[:, None] + OCTAHEDRON).reshape(-1, 3)
    return CoordinationShells.from_sites(np.eye(3) * 20.0, centres, sites)


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """Sites with gaps and returns; the last ion is never on any."""
    rng = np.random.default_rng(0)
    site = np.full((N_FRAMES, N_IONS), -1, dtype=np.int32)
    for ion in range(N_IONS - 1):
        on = rng.integers(18)
        for frame in range(N_FRAMES):
            on = rng.integers(18) if rng.random() < 0.15 else on
            site[frame, ion] = on if rng.random() > 0.1 else -1
    return site


def record(site: np.ndarray, edges: tuple[int, ...], chunk: int, core: bool) -> list[dict]:
    """Runs of stretches of frames, as independent workers would find them."""
    parts = []
    for begin, end in pairwise(edges):
        recorder = RunRecorder(site.shape[1], core_sets=core)
        for at in range(begin, end, chunk):
            recorder.add(site[at : min(at + chunk, end)])
        parts.append(recorder.runs())
    return parts


@pytest.mark.parametrize("edges", [(0, 97), (0, 10, 11, 50, 97)])
@pytest.mark.parametrize("chunk", [1, 7, 200])
@pytest.mark.parametrize("core", [True, False])
def test_runs_are_the_table_they_came_from(shells, table, edges, chunk, core):
    runs = ShellRuns.from_parts(record(table, edges, chunk, core), N_IONS, shells, core_sets=core)
    expected = core_sets(table) if core else table
    assert np.array_equal(runs.sites(), expected)
    assert np.array_equal(runs.labels(), np.append(shells.vertex, 0)[expected])
    assert np.array_equal(runs.site_frames(), np.bincount(expected.ravel() + 1, minlength=19)[1:])


@pytest.mark.parametrize("home", ["visited", "initial", "folded"])
@pytest.mark.parametrize("unassigned", ["external", "skip"])
@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
def test_counts_over_runs_are_counts_over_frames(shells, table, home, unassigned, smooth, compiled, monkeypatch):
    if compiled:
        pytest.importorskip("numba", reason="the compiled road needs numba")
    else:
        monkeypatch.setattr("ionpath.sites.runs.kernels", lambda: None)
    site = core_sets(table) if smooth else table
    runs = ShellRuns.from_sites(site, shells, home=home, unassigned=unassigned)
    rows = shell_trajectories(site, shells, home=home, unassigned=unassigned)
    for lag in (1, 5, N_FRAMES - 3, N_FRAMES - 1):  # up to fewer windows than blocks
        for n_blocks in (1, 4):
            counted = count_matrices(rows.dtrajs, lag, n_states=7, n_blocks=n_blocks)
            expected = np.zeros((N_IONS, n_blocks, 7, 7))
            np.add.at(expected, rows.ion, counted.reshape(-1, n_blocks, 7, 7))
            assert np.array_equal(runs.count_matrices(lag, n_blocks), expected.reshape(-1, 7, 7))
    assert np.array_equal(runs.histogram(), state_histogram(list(rows.dtrajs), 7))


@pytest.mark.parametrize("frames", [2, 3, 10])
def test_minimum_residence_is_that_of_core_sets(shells, table, frames):
    runs = ShellRuns.from_sites(core_sets(table), shells).minimum_residence(frames)
    assert np.array_equal(runs.sites(), core_sets(table, minimum_residence=frames))


def test_every_estimate_takes_runs(shells, table):
    site = core_sets(table)
    runs = ShellRuns.from_sites(site, shells, home="folded")
    rows = shell_trajectories(site, shells, home="folded").dtrajs
    msm, expected = (estimate_msm(d, 2, n_states=7, connected="largest") for d in (runs, rows))
    assert np.array_equal(msm.transition_matrix, expected.transition_matrix)
    assert np.array_equal(msm.count_model.state_histogram, expected.count_model.state_histogram)
    options = {"n_states": 7, "connected": "largest", "n_blocks": 3, "n_samples": 8}
    for function, arguments in ((implied_timescales, ([1, 2],)), (chapman_kolmogorov, (1,))):
        first, second = (function(d, *arguments, frame_time=0.5, **options) for d in (runs, rows))
        for name in ("timescales", "errors", "predicted", "estimated_error"):
            if hasattr(first, name):
                assert np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True)
    first, second = (entropy_uncertainty(d, 2, **options) for d in (runs, rows))
    assert first.total == second.total
    assert np.array_equal(first.error, second.error, equal_nan=True)


def test_one_ion_of_runs(shells, table):
    runs = ShellRuns.from_sites(core_sets(table), shells)
    assert np.array_equal(runs[3].count_matrices(2)[0], runs.count_matrices(2)[3])
    assert [len(runs[k].ion) for k in (-1, N_IONS - 1)] == [1, 1]


def test_a_lag_as_long_as_the_trajectory_counts_nothing(shells, table):
    assert not ShellRuns.from_sites(table, shells).count_matrices(N_FRAMES).any()
    with pytest.raises(InputError, match="lag: need fewer frames than the trajectory, got a lag of 97 frames for 97"):
        estimate_msm(ShellRuns.from_sites(table, shells), N_FRAMES)


def test_refusals(shells, table):
    runs = ShellRuns.from_sites(table, shells)
    with pytest.raises(InputError, match="count_mode: need 'sliding' or 'sliding-effective' for runs, got 'effective'"):
        count_matrix(runs, 1, count_mode="effective")
    with pytest.raises(InputError, match="minimum_residence: need a whole number of at least 1, got 0"):
        runs.minimum_residence(0)
    for arguments in ((1, 0), (0, 1), (1.5, 1)):  # no blocks had no end
        with pytest.raises(InputError, match=r"(n_blocks|lag): need a whole number"):
            runs.count_matrices(*arguments)
    with pytest.raises(InputError, match="home: need one of 'visited', 'initial', 'folded', got 'first'"):
        ShellRuns.from_sites(table, shells, home="first")
    with pytest.raises(InputError, match="sites: need ions on sites, got no ion on any site in any frame"):
        ShellRuns.from_sites(np.full((5, 2), -1), shells)


def test_tables_are_made_without_a_second_one(shells):
    """320 ions in 5,000 frames: int16 and int8 take 3 bytes each, and making them hardly more."""
    rng = np.random.default_rng(1)
    ion, start = np.repeat(np.arange(320), 3), np.tile([0, 1000, 3000], 320)
    vertex, cage = shells.vertex, shells.centre_of
    runs = ShellRuns(ion, start, rng.integers(-1, 18, 960), 320, 5000, vertex, cage, shells.n_states)
    for kind, make in ((np.int8, runs.labels), (np.int16, lambda: runs.table(runs.site, np.int16))):
        tracemalloc.start()
        table = make()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert table.dtype == kind
        assert most < 1.5 * table.nbytes  # bytes
    assert np.array_equal(table, runs.sites())
