"""Counts against deeptime and against the definition."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from deeptime.markov import TransitionCountEstimator

from ionpath.errors import InputError
from ionpath.kinetics import count_matrices, count_matrix
from ionpath.markov.counting import state_histogram


@pytest.mark.parametrize("mode", ["sliding", "sliding-effective", "sample"])
@pytest.mark.parametrize(("states", "lag"), [(2, 1), (7, 13), (20, 5), (300, 2)])
def test_counts_equal_those_of_deeptime(mode: str, states: int, lag: int) -> None:
    # 2, 20 and 300 states are counted in codes of 8, 16 and 64 bits
    dtrajs = [row.astype(np.int16) for row in np.random.default_rng(states).integers(0, states, (3, 2000))]
    dtrajs[1] = dtrajs[1][:777]
    expected = TransitionCountEstimator(lag, mode, n_states=states).fit_fetch(dtrajs).count_matrix
    counts = count_matrix(dtrajs, lag, n_states=states, count_mode=mode)
    np.testing.assert_allclose(counts, expected, rtol=1e-14)


def test_effective_counts_are_those_of_deeptime(chains) -> None:
    dtrajs = chains.simulate(chains.line, 4, 500, seed=1)
    expected = TransitionCountEstimator(3, "effective").fit_fetch(list(dtrajs.astype(int)), n_jobs=1).count_matrix
    np.testing.assert_allclose(count_matrix(dtrajs, 3, count_mode="effective"), expected)
    with pytest.raises(InputError, match=r"effective counts, got unassigned frames \(-1\); use count_mode"):
        count_matrix(np.array([0, 1, -1, 0, 1]), 1, count_mode="effective")


def test_long_trajectories_are_counted_in_pieces_without_losing_a_window() -> None:
    row = np.random.default_rng(0).integers(0, 3, 400_000).astype(np.int8)
    counts = count_matrix(row, 600)
    expected = np.zeros((3, 3))
    np.add.at(expected, (row[:-600], row[600:]), 1)
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize("lag", [1, 7, 600, 4999])
@pytest.mark.parametrize("stay", [2, 20, 100, 3000])
def test_long_runs_are_counted_as_frames_are(lag: int, stay: int) -> None:
    # Ions that stay long are counted run by run; -1 among the labels
    rng = np.random.default_rng(stay)
    rows = [
        np.repeat(rng.integers(-1, 6, 5000), rng.geometric(1 / stay, 5000))[:5000].astype(np.int8) for _ in range(5)
    ]
    expected = np.zeros((7, 7))
    for row in rows:
        np.add.at(expected, (row[:-lag], row[lag:]), 1)  # the last row and column take the label -1
    np.testing.assert_array_equal(count_matrix(rows, lag, n_states=6), expected[:6, :6])
    frames = state_histogram(rows, 6)
    np.testing.assert_array_equal(frames, [sum((row == i).sum() for row in rows) for i in range(6)])


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_the_integer_type_does_not_matter(kind: type) -> None:
    row = np.random.default_rng(3).integers(0, 5, 1000)
    np.testing.assert_array_equal(count_matrix(row.astype(kind), 7), count_matrix(row, 7))


def test_windows_with_an_unassigned_end_are_not_counted() -> None:
    row = np.array([0, -1, 1, 0, 1, -1, 0])
    counts = count_matrix(row, 2)  # windows 0-1, (-1)-0, 1-1, 0-(-1), 1-0
    np.testing.assert_array_equal(counts, [[0, 1], [1, 1]])


def test_blocks_add_up_to_the_whole() -> None:
    rows = np.random.default_rng(5).integers(0, 4, (3, 1001))
    blocks = count_matrices(rows, 10, n_blocks=4)
    assert blocks.shape == (12, 4, 4)
    np.testing.assert_array_equal(blocks.sum(axis=0), count_matrix(rows, 10))


def test_trajectories_shorter_than_the_lag_count_nothing() -> None:
    long, short = np.array([0, 1, 0, 1, 1, 0]), np.array([1, 1])
    np.testing.assert_array_equal(count_matrix([long, short], 3, n_states=2), count_matrix(long, 3))


def test_released_counts_equal_those_of_deeptime(released) -> None:
    some = released[:10]
    expected = TransitionCountEstimator(600, "sliding", n_states=7).fit_fetch(list(some)).count_matrix
    np.testing.assert_array_equal(count_matrix(some, 600, n_states=7), expected)


def test_counting_takes_little_memory() -> None:
    stays = np.random.default_rng(1).geometric(0.01, (300, 1000))
    rows = np.array([np.repeat(np.arange(1000) % 7, row)[:60001] for row in stays]).astype(np.int8)  # 18 MB
    tracemalloc.start()
    count_matrix(rows, 600)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < 40e6  # bytes: independent of the number of ions


def test_the_package_opens_without_its_estimator() -> None:
    code = "import sys, ionpath.kinetics as k; k.mfpt_matrix([[1.0]]); print('deeptime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
