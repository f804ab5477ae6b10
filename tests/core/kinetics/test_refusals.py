"""Bad input is refused with a sentence that says what is needed, what was found, and how to go on."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import DisconnectedError, InputError
from ionpath.kinetics import (
    as_chain,
    bayesian_msm,
    chapman_kolmogorov,
    committor,
    count_matrices,
    count_matrix,
    entropy_uncertainty,
    estimate_msm,
    implied_timescales,
    macrostate_path_entropy,
    markovian_verdict,
    mfpt_matrix,
    net_flux,
    path_entropy,
    path_entropy_matrix,
    pathways,
    released_path_entropy,
    resampled_chains,
    summarise,
)

GOOD = np.array([0, 1, 0, 1, 1, 0, 0, 1])
TWO = np.array([[0.8, 0.2], [0.1, 0.9]])


@pytest.mark.parametrize(
    ("dtrajs", "sentence"),
    [
        ([], "dtrajs: need at least one trajectory with frames, got no frames"),
        (np.zeros((0, 10), dtype=int), "got no frames"),
        (np.zeros(0), "got no frames"),
        (np.array([0.0, 1.0]), r"need integer labels, got data type float64; convert with .astype\(int\)"),
        (np.array([0.0, np.nan]), "need integer labels, got NaN; mark frames without a state by the integer -1"),
        (np.array([True, False]), "need integer labels, got data type bool"),
        (np.array([0, 1, -2]), "labels from 0 on, or -1 for an unassigned frame, got the label -2; renumber"),
        (np.zeros((2, 3, 4), dtype=int), r"need one-dimensional trajectories, got an array of shape \(3, 4\)"),
        (np.array(3), "need arrays of integer labels, got int"),
        (7, "need arrays of integer labels, got int"),
        (np.full(5, -1), r"need frames with a state, got only unassigned frames \(-1\)"),
    ],
)
def test_bad_trajectories(dtrajs, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        estimate_msm(dtrajs, 1)


@pytest.mark.parametrize(
    ("lag", "sentence"),
    [
        (0, "lag: need a whole number of at least 1, got 0; count frames"),
        (-3, "need a whole number of at least 1, got -3"),
        (1.5, "need a whole number of at least 1, got 1.5"),
        (True, "need a whole number of at least 1, got True"),
        (None, "need a whole number of at least 1, got None"),
        (np.nan, "need a whole number of at least 1, got nan"),
        ("600", "need a whole number of at least 1, got '600'"),
        (8, "need fewer frames than the trajectory, got a lag of 8 frames for 8 frames; use a lag of at most 7"),
        (600, "got a lag of 600 frames for 8 frames"),
    ],
)
@pytest.mark.parametrize("function", [estimate_msm, count_matrix, entropy_uncertainty, chapman_kolmogorov])
def test_bad_lags(function, lag, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        function(GOOD, lag)


def test_one_frame() -> None:
    with pytest.raises(InputError, match="a lag of 1 frames for 1 frames; use longer trajectories"):
        estimate_msm(np.array([[0], [1]]), 1)


@pytest.mark.parametrize("n_states", [0, 1, -1, 2.5, True])
def test_bad_numbers_of_states(n_states) -> None:
    with pytest.raises(InputError, match="n_states: need"):
        estimate_msm(GOOD, 1, n_states=n_states)


def test_absent_states_are_named() -> None:
    sentence = (
        r"dtrajs: need every state visited and reachable from every other at this lag, got states \[2, 4\] never "
        r"visited; use connected='largest' to go on with \[0, 1, 3\]"
    )
    with pytest.raises(DisconnectedError, match=sentence):
        estimate_msm([0, 1, 3, 0, 1, 3, 0], 1, n_states=5)


def test_separate_sets_are_named() -> None:
    with pytest.raises(DisconnectedError, match=r"got the separate sets \[0, 1\], \[2, 3\]"):
        estimate_msm([[0, 1, 0, 1], [2, 3, 2, 3]], 1)
    with pytest.raises(DisconnectedError, match=r"got the separate sets \[0, 1\], \[2\];"):
        estimate_msm([0, 1, 0, 1, 2, 2, 2], 1)  # reached and never left
    blocks = np.array([[0.9, 0.1, 0, 0], [0.1, 0.9, 0, 0], [0, 0, 0.9, 0.1], [0, 0, 0.1, 0.9]])
    with pytest.raises(DisconnectedError, match=r"T: need every state .* got the separate sets \[0, 1\], \[2, 3\]"):
        mfpt_matrix(blocks)


def test_nothing_to_count() -> None:
    with pytest.raises(InputError, match="need windows with both ends assigned, got none; use a shorter lag"):
        estimate_msm([0, -1, 1, -1, 0], 1)


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        ([[0.5, 0.6], [0.1, 0.9]], "need a row-stochastic matrix .* row sums from 1 to 1.1; divide each row"),
        ([[1.2, -0.2], [0.1, 0.9]], "got smallest entry -0.2"),
        ([[0.5, 0.5]], r"need a square matrix, got shape \(1, 2\)"),
        (np.zeros((0, 0)), r"need a square matrix, got shape \(0, 0\)"),
        ([[np.nan, 1.0], [0.1, 0.9]], "need finite probabilities, got NaN or infinity"),
        ("T", "need a model or a square matrix of numbers, got str"),
    ],
)
def test_bad_matrices(matrix, sentence: str) -> None:
    with pytest.raises(InputError, match=f"T: {sentence}" if "smallest" not in sentence else sentence):
        path_entropy_matrix(matrix)


@pytest.mark.parametrize("function", [net_flux, committor, path_entropy, pathways])
def test_bad_sets(function) -> None:
    with pytest.raises(InputError, match=r"target: need states that are not in source, got \[0\] in both"):
        function(TWO, 0, 0)
    with pytest.raises(InputError, match=r"got \[1\] in both"):
        function(TWO, [0, 1], [1])
    with pytest.raises(InputError, match=r"source: need states from 0 to 1, got \[2\]"):
        function(TWO, 2, 0)
    with pytest.raises(InputError, match="target: need at least one state, got an empty set"):
        function(TWO, 0, [])
    with pytest.raises(InputError, match="source: need integer state labels, got data type float64"):
        function(TWO, 0.5, 1)


def test_unknown_words() -> None:
    with pytest.raises(InputError, match="definition: need one of 'pathway', 'unlimited', 'flux', 'flux-row', got 'x'"):
        path_entropy(TWO, 0, 1, definition="x")
    with pytest.raises(InputError, match="unit: need one of 'J/mol/K', 'R', 'nat', got 'kcal'"):
        path_entropy_matrix(TWO, unit="kcal")
    with pytest.raises(InputError, match="max_edges: need a whole number of at least 1, got 0"):
        path_entropy(TWO, 0, 1, max_edges=0)
    with pytest.raises(InputError, match="tolerance: need a number from 0 to below 1, got 2"):
        net_flux(TWO, 0, 1, tolerance=2)
    with pytest.raises(InputError, match="count_mode: need one of 'sliding', .* got 'all'"):
        count_matrix(GOOD, 1, count_mode="all")
    with pytest.raises(InputError, match="connected: need 'all' or 'largest', got 'some'"):
        estimate_msm(GOOD, 1, connected="some")
    with pytest.raises(InputError, match="kind: need 'probability' or 'capacity', got 'best'"):
        pathways(TWO, 0, 1, kind="best")
    with pytest.raises(InputError, match="fraction: need a part of the flux above 0 and up to 1, got 0"):
        pathways(TWO, 0, 1, fraction=0)
    with pytest.raises(InputError, match="max_paths: need a whole number of at least 1, got 0"):
        pathways(TWO, 0, 1, max_paths=0)
    with pytest.raises(InputError, match="max_edges: need at least 1, with kind='probability', got 3 with 'capacity'"):
        pathways(TWO, 0, 1, kind="capacity", max_edges=3)


def test_times_and_lags_of_models() -> None:
    for frame_time in (0.0, -1.0, np.nan, np.inf, "2 ps", None):
        with pytest.raises(InputError, match="frame_time: need a positive number"):
            mfpt_matrix(TWO, frame_time=frame_time)
    with pytest.raises(InputError, match="lag: need a whole number of at least 1, got 0; count frames"):
        mfpt_matrix(TWO, lag=0)
    with pytest.raises(InputError, match="lag: need the lag of the model, 2, got 3; leave it out for a model"):
        mfpt_matrix(estimate_msm(GOOD, 2), lag=3)
    np.testing.assert_array_equal(mfpt_matrix(estimate_msm(GOOD, 2), lag=2), mfpt_matrix(estimate_msm(GOOD, 2)))


def test_bayesian_and_bootstrap_input() -> None:
    with pytest.raises(InputError, match="'sliding', whose counts are correlated; use count_mode='sliding-effective'"):
        bayesian_msm(GOOD, 1, count_mode="sliding")
    with pytest.raises(InputError, match="n_samples: need a whole number from 1 to .*, got 0"):
        bayesian_msm(GOOD, 1, n_samples=0)
    with pytest.raises(InputError, match="n_samples: need at least 2 samples for an error, got 1"):
        resampled_chains(GOOD, 1, n_samples=1)
    with pytest.raises(InputError, match="method: need 'bootstrap' or 'bayesian', got 'guess'; choose one of them"):
        resampled_chains(GOOD, 1, method="guess")
    with pytest.raises(InputError, match="need at least two blocks of data for an error, got 1; give more ions"):
        entropy_uncertainty(GOOD, 1, n_blocks=1)
    with pytest.raises(InputError, match="estimator: need 'extrapolated' or 'plain', got 'best'; choose one"):
        entropy_uncertainty(GOOD, 1, estimator="best")
    for wrong in ([[0, 0]], [[0, 1, 2]], [0, 1], [[0.0, 1.0]]):
        with pytest.raises(InputError, match="symmetry: need permutations of the 2 states, shape .n_operations, 2"):
            entropy_uncertainty(GOOD, 1, symmetry=wrong)
    with pytest.raises(InputError, match="scale: need one of 'linear', 'log', 'logit', got 'sqrt'"):
        resampled_chains(GOOD, 1).spread(mfpt_matrix, scale="sqrt")
    with pytest.raises(InputError, match="n_blocks: need a whole number of at least 1, got 0"):
        count_matrices(GOOD, 1, n_blocks=0)


def test_timescales_and_verdict_input() -> None:
    with pytest.raises(InputError, match="lags: need at least one lag, got none"):
        implied_timescales(GOOD, [], frame_time=1.0)
    with pytest.raises(InputError, match="n_timescales: need at most 1, one less than the states, got 2"):
        implied_timescales(GOOD, [1], frame_time=1.0, n_timescales=2)
    with pytest.raises(InputError, match="multiples: need at least one multiple of the lag, got none"):
        chapman_kolmogorov(GOOD, 1, multiples=())
    with pytest.raises(InputError, match="got a lag of 8 frames for 8 frames"):
        chapman_kolmogorov(GOOD, 2)
    its = implied_timescales(GOOD, [1, 2], frame_time=1.0, n_samples=0)
    with pytest.raises(InputError, match=r"lag: need one of the lags of the timescales, \[1, 2\], got 3"):
        markovian_verdict(its, 3)
    with pytest.raises(InputError, match="need a longer lag to compare with, got 2 as the longest; add the lag 4"):
        markovian_verdict(its, 2)
    test = chapman_kolmogorov(GOOD, 2, multiples=[1], n_samples=0)
    with pytest.raises(InputError, match="test: need a test at the lag 1, got one at 2"):
        markovian_verdict(its, 1, test)
    frozen = implied_timescales([0, 0, 0, 0], [1, 2], frame_time=1.0)
    with pytest.raises(InputError, match="need at least one timescale, so two states, got none"):
        markovian_verdict(frozen, 1)


def test_released_and_macrostate_input() -> None:
    for name, value in [("counts_ratio", 2.0), ("index_order", "x"), ("normalisation", "l3"), ("unit", "eV")]:
        with pytest.raises(InputError, match=f"{name}: need"):
            released_path_entropy(GOOD, 1, n_states=2, **{name: value})
    line = np.array([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]])
    with pytest.raises(InputError, match=r"hold each of the 3 states once, got \[2\] in none, \[1\] in several"):
        macrostate_path_entropy(line, {"a": [0, 1], "b": [1]})
    with pytest.raises(InputError, match="mode: need 'correct' or 'published', got 'old'"):
        macrostate_path_entropy(line, {"a": [0, 1], "b": [2]}, mode="old")
    with pytest.raises(InputError, match="max_edges: need a whole number of at least 1"):
        macrostate_path_entropy(line, {"a": [0, 1], "b": [2]}, max_edges=0)
    part = estimate_msm([0, 1, 0, 1], 1, n_states=3, connected="largest")
    with pytest.raises(InputError, match="models: need a model that connects all states, got none of 1"):
        macrostate_path_entropy(part, {"a": [0], "b": [1, 2]})
    result = macrostate_path_entropy(line, {"a": [0, 1], "b": [2]})
    with pytest.raises(InputError, match="group: need one of a, b, got 'c'"):
        result.between("a", "c")


def test_summary_input() -> None:
    with pytest.raises(InputError, match=r"matrix: need a square matrix, got shape \(2,\)"):
        summarise([1.0, 2.0])
    with pytest.raises(InputError, match="matrix: need finite entropies, got NaN"):
        summarise([[0.0, np.nan], [0.0, 0.0]])
    with pytest.raises(InputError, match="external: need states from 0 to 1"):
        summarise(np.zeros((2, 2)), external=7)


def test_a_chain_keeps_its_lag() -> None:
    assert as_chain(as_chain(TWO, lag=5)).lag == 5


def test_samples_at_several_lags_are_those_of_the_bootstrap() -> None:
    # Posteriors at two lags are independent of each other: the error of their difference would be wrong.
    rows = np.random.default_rng(0).integers(0, 2, (4, 200))
    with pytest.raises(InputError, match="method: need 'bootstrap', got 'bayesian'"):
        chapman_kolmogorov(rows, 1, method="bayesian")
    with pytest.raises(InputError, match="method: need 'bootstrap', got 'bayesian'"):
        implied_timescales(rows, [1, 2], frame_time=1.0, method="bayesian")
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_block'"):
        chapman_kolmogorov(rows, 1, n_block=2)
