"""What is added up while frames go by equals what is computed from all frames at once, however a run is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.sites.trajectories import core_sets
from ionpath.transport import (
    displacement_hops,
    distinct_van_hove,
    estimate_diffusion,
    mean_squared_displacement,
    non_gaussian_parameter,
    residence_times,
    self_van_hove,
    site_hops,
)
from ionpath.transport.hop_stream import CageStream, DisplacementStream
from ionpath.transport.lagged import DistanceCounts, LaggedPairs, Landmarks, PowerSums, SquareSums
from ionpath.transport.msd import equal_pieces, logarithmic_lags, msd_of_sums
from ionpath.transport.nongaussian import non_gaussian_of
from ionpath.transport.vanhove import DistinctCounts, bin_edges, van_hove_of

CELL = 12.0 * np.eye(3)
CUTS = {"one piece": [], "two": [137], "five": [1, 60, 61, 333], "many": list(range(20, 500, 23))}


def stream(make, positions, cuts, chunk, extra=None):
    """Blocks of frames, each in chunks and with positions from an origin of its own, joined as workers' blocks are."""
    total = make()
    ends = [0, *cuts, len(positions)]
    cells = np.broadcast_to(CELL, (len(positions), 3, 3))
    for k, (start, stop) in enumerate(pairwise(ends)):
        part, offset = make(), np.full(positions.shape[1:], 3.0 * k)
        for first in range(start, stop, chunk):
            rows = slice(first, min(first + chunk, stop))
            more = cells[rows] if extra is None else extra[rows]
            part.add(first, positions[rows] - offset, more)
        total.merge(part.state(), offset)
    return total


@pytest.fixture(scope="module")
def walk():
    rng = np.random.default_rng(3)
    return rng.normal(scale=0.4, size=(500, 12, 3)).cumsum(axis=0)


@pytest.mark.parametrize("chunk", [7, 500])
@pytest.mark.parametrize("cuts", CUTS)
def test_lagged_pairs_are_all_pairs_at_their_origins(walk, cuts, chunk):
    lags = [0, 1, 5, 8, 50, 123, 400]
    found = stream(
        lambda: LaggedPairs(lags, 500, [SquareSums(13, 7), PowerSums(13, 7)], centre=True), walk, CUTS[cuts], chunk
    )
    for k, (lag, step) in enumerate(zip(lags, [1, 1, 1, 1, 6, 15, 12], strict=True)):
        starts = np.arange(0, 500 - lag, step)
        moved = walk[starts + lag] - walk[starts]
        assert found.n_origins[k] == len(starts)
        squares, powers = (consumer.total for consumer in found.consumers)
        np.testing.assert_allclose(squares[:12, k], (moved**2).sum(axis=0), rtol=1e-9)
        np.testing.assert_allclose(squares[12, k], (moved.mean(axis=1) ** 2).sum(axis=0), rtol=1e-9)
        np.testing.assert_allclose(powers[1, k, :12], ((moved**2).sum(axis=2) ** 2).sum(axis=0), rtol=1e-9)


def test_loops_in_numpy_add_up_the_same(walk, monkeypatch):
    """Sums by the compiled loop and without it: 13 particles, then 80, more than one block of the loop."""
    many = np.random.default_rng(4).normal(size=(500, 80, 3)).cumsum(axis=0)
    for path in (walk, many):
        n = path.shape[1]
        make = lambda n=n: LaggedPairs([1, 5, 50, 123], 500, [SquareSums(n, 4), PowerSums(n, 4)])  # noqa: E731
        found = stream(make, path, [137], 60)
        with monkeypatch.context() as patch:
            patch.setattr("ionpath.transport.lagged.kernels", lambda: None)
            twin = stream(make, path, [137], 60)
        for ours, theirs in zip(found.consumers, twin.consumers, strict=True):
            assert theirs.total.min() > 0.0  # A^2, A^4
            np.testing.assert_allclose(ours.total, theirs.total, rtol=1e-12)


def test_memory_does_not_grow_with_frames():
    """No more than 16 origins of a lag wait for their ends, however long the run is."""
    for n_frames in (2_000, 20_000):
        pairs = LaggedPairs(logarithmic_lags(n_frames), n_frames, [])
        most = 0
        for first in range(0, n_frames, 100):
            pairs.add(first, np.zeros((100, 1, 3)), np.zeros((100, 3, 3)))
            most = max(most, *(len(waiting) for waiting in pairs._waiting))
        assert most <= 16


def test_diffusion_of_a_stream_is_that_of_all_frames(walk):
    lags = logarithmic_lags(500)
    pairs = stream(lambda: LaggedPairs(lags, 500, [SquareSums(13, lags.size)], centre=True), walk, [200], 50)
    marks = stream(lambda: Landmarks(equal_pieces(500)), walk, [200], 50)
    exact = mean_squared_displacement(walk, frame_time=0.5, lags=None)
    found = msd_of_sums(pairs, marks.positions, 0.5)
    assert found.cooperation == pytest.approx(exact.cooperation, rel=1e-12)
    few = lags < 16
    np.testing.assert_allclose(found.by_ion[:, few], exact.by_ion[:, few], rtol=1e-9)
    np.testing.assert_allclose(found.total[1:], exact.total[lags], rtol=0.05)
    assert found.per_axis[1:14] == pytest.approx(exact.per_axis[1:14], rel=1e-9)
    ours, theirs = estimate_diffusion(found), estimate_diffusion(exact)
    assert ours.window.start == theirs.window.start
    assert ours.coefficient.value == pytest.approx(theirs.coefficient.value, rel=0.01)
    assert ours.coefficient.error == pytest.approx(theirs.coefficient.error, rel=0.05)
    assert ours.collective.value == pytest.approx(theirs.collective.value, rel=0.05)
    assert ours.axes[2].value == pytest.approx(theirs.axes[2].value, rel=0.02)


def test_distributions_of_a_stream_are_those_of_all_frames(walk):
    lags = np.array([1, 4, 7])  # lags below eight have an origin in every frame
    pairs = stream(lambda: LaggedPairs(lags, 500, [PowerSums(12, 3), DistanceCounts(3, 0.1, 150)]), walk, [77, 78], 20)
    alpha = non_gaussian_of(pairs.consumers[0].total / pairs.n_origins[:, None], lags, 0.5)
    exact = non_gaussian_parameter(walk, frame_time=0.5, lags=lags, errors=True)
    np.testing.assert_allclose([alpha.alpha, alpha.error], [exact.alpha, exact.error], rtol=1e-9)
    fractions = pairs.consumers[1].total[:, :-1] / (12 * pairs.n_origins)[:, None]
    found = van_hove_of(fractions, lags, bin_edges(15.0, 0.1), 0.5)
    np.testing.assert_allclose(found.values, self_van_hove(walk, lags, frame_time=0.5).values, rtol=1e-9, atol=1e-15)
    edges = bin_edges(6.0, 0.5)
    pairs = stream(lambda: LaggedPairs(lags, 500, [DistinctCounts(3, 12, 12, edges)]), walk, [77, 78], 20)
    exact = distinct_van_hove(walk, CELL, lags, r_max=6.0, dr=0.5)
    np.testing.assert_allclose(pairs.consumers[0].result(lags, 1.0).values, exact.values, rtol=1e-9)


def cages(seed, n_frames=500, n_ions=9):
    """Sites that change seldom for long and often for short, with positions that show which site it is."""
    rng = np.random.default_rng(seed)
    site = np.zeros((n_frames, n_ions), dtype=np.int32)
    for ion in range(n_ions):
        at = 0
        while at < n_frames:
            length = rng.integers(1, 40) if rng.random() < 0.5 else rng.integers(1, 6)
            site[at : at + length, ion] = rng.integers(0, 4)
            at += length
    return site, site[..., None] + rng.normal(scale=0.1, size=(n_frames, n_ions, 3))


@pytest.mark.parametrize("width", [1, 4, 11])
@pytest.mark.parametrize("cuts", CUTS)
def test_hops_between_cages_do_not_know_where_a_run_was_cut(cuts, width):
    site, positions = cages(width)
    table = core_sets(site, minimum_residence=width)
    expected = site_hops(table, positions, frame_time=0.2, average=width, mode="cage")
    stays = residence_times(table, frame_time=0.2)
    for chunk in (3, 64, 500):
        found, residence = stream(
            lambda: CageStream(width), positions, CUTS[cuts], chunk, extra=site
        ).result(500, 0.2)  # fmt: skip
        for name in ("ion", "frame", "origin", "destination"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        np.testing.assert_allclose(found.start, expected.start, rtol=1e-9)
        np.testing.assert_allclose(found.end, expected.end, rtol=1e-9)
        assert str(found.rate) == str(expected.rate)
        for name in ("place", "ion", "complete"):
            np.testing.assert_array_equal(getattr(residence, name), getattr(stays, name))
        np.testing.assert_allclose(residence.times, stays.times)
        assert str(residence.mean) == str(stays.mean)
    assert expected.count > 20


def test_ions_that_never_stay_have_no_cage():
    site = np.tile(np.arange(2, dtype=np.int32), 50)[:, None]
    hops, stays = stream(lambda: CageStream(5), np.zeros((100, 1, 3)), [40], 9, extra=site).result(100, 1.0)
    assert hops.count == 0 and stays.times.size == 0


@pytest.mark.parametrize("width", [1, 6])
@pytest.mark.parametrize("chunk", [1, 4, 500])
def test_moves_by_a_distance_are_those_of_all_frames(walk, width, chunk):
    found = stream(lambda: DisplacementStream(width, 3.0), walk, [], chunk).result(500, 1.0)
    expected = displacement_hops(walk, smoothing=float(width))
    assert expected.count > 50
    for name in ("ion", "frame", "start", "end"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9)
    with pytest.raises(InputError, match="n_parts: need one part for mode='published_events' of so long a run"):
        stream(lambda: DisplacementStream(width, 3.0), walk, [100], 10)
