"""What softness goes with: correlations, and the probability of rearrangement at several temperatures."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.constants import BOLTZMANN_EV
from ionpath.errors import InputError
from ionpath.softness import arrhenius_split, neighbour_fraction, rearrangement_probability, softness_correlation

EDGES = np.linspace(-2, 2, 9)


def test_weak_trend_is_weak_for_ions_and_strong_for_bins():
    rng = np.random.default_rng(0)
    s = rng.normal(size=(100, 50))
    quantity = 0.2 * s + rng.normal(size=s.shape)
    found = softness_correlation(s, quantity)
    assert found.samples == pytest.approx(np.corrcoef(s.ravel(), quantity.ravel())[0, 1], rel=1e-12)
    assert found.samples == pytest.approx(0.2 / np.sqrt(1.04), abs=4 * found.samples_error)
    assert found.binned > 0.95
    assert found.counts.sum() == s.size
    assert np.ptp(found.counts) <= 1
    assert 0.7 < np.median(found.quantity_error * np.sqrt(found.counts)) < 1.3


def test_quantity_of_an_ion_is_one_number_for_all_times():
    rng = np.random.default_rng(1)
    own = rng.normal(size=30)
    s = own + rng.normal(0, 0.5, (20, 30))
    found = softness_correlation(s, own)
    assert found.ions > found.samples
    assert found.ions == pytest.approx(np.corrcoef(s.mean(axis=0), own)[0, 1])


def test_fraction_of_neighbours():
    cell = np.eye(3) * 12.0  # A
    atoms = [[0, 0, 0], [2.0, 0, 0], [-2.0, 0, 0], [0, 2, 0], [6, 6, 6]]
    found = neighbour_fraction(atoms, cell, [0, 4], [1, 2, 3], [True, False, True], cutoff=3.0)
    assert found[0] == pytest.approx(2 / 3)
    assert np.isnan(found[1])


def test_probability_counts():
    rng = np.random.default_rng(0)
    s = rng.uniform(-2, 2, 20000)
    truth = 1 / (1 + np.exp(-s))
    found = rearrangement_probability(s, rng.random(20000) < truth, edges=EDGES)
    pull = (found.probability - 1 / (1 + np.exp(-found.softness))) / found.error
    assert np.abs(pull).max() < 4
    assert found.counts.sum() == 20000
    empty = rearrangement_probability([0.1, 0.2], [True, False], edges=EDGES)
    assert np.isnan(empty.probability[0])
    assert np.isnan(empty.error[0])


def test_split_finds_energy_and_factor_of_each_softness():
    """ln P = (2 - 1.0 S) - (0.35 - 0.06 S) eV/kT, sampled; doi:10.1038/nphys3644 for the form."""
    rng = np.random.default_rng(4)
    temperatures = np.array([500.0, 600.0, 750.0, 900.0])
    found = []
    for t in temperatures:
        s = rng.uniform(-2, 2, 400_000)
        p = np.exp(2.0 - 1.0 * s - (0.35 - 0.06 * s) / (BOLTZMANN_EV * t))
        assert p.max() < 1
        found.append(rearrangement_probability(s, rng.random(s.size) < p, edges=EDGES))
    split = arrhenius_split(temperatures, found)
    assert len(split.softness) == 8
    truth = 0.35 - 0.06 * split.softness
    assert np.abs((split.energy - truth) / split.energy_error).max() < 4
    np.testing.assert_allclose(split.energy_line, [0.35, -0.06], atol=0.01)
    np.testing.assert_allclose(split.factor_line, [2.0, -1.0], atol=0.2)
    assert split.onset_temperature == pytest.approx(0.06 / BOLTZMANN_EV, rel=0.1)  # 696 K


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: softness_correlation(np.eye(4), np.ones((3, 4))), r"quantity: need finite numbers \(4, 4\)"),
        (lambda: softness_correlation(np.eye(4), np.ones(4)), "quantity: need values that vary, got 1 everywhere"),
        (lambda: softness_correlation(np.eye(2), [np.nan, 1.0]), "quantity: .*got nan or infinity"),
        (lambda: neighbour_fraction(np.eye(3), np.eye(3) * 20, [0], [1, 2], [True]), "members: need one bool"),
        (lambda: rearrangement_probability([1.0], [True, False]), "rearranged: need one bool for each of 1"),
        (lambda: rearrangement_probability([1.0, 2.0], [1, 0], edges=[1, 1]), "edges: need increasing edges"),
    ],
)
def test_arguments_that_make_no_sense(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


def test_splits_that_cannot_be_made():
    rng = np.random.default_rng(0)
    s = rng.uniform(-2, 2, 500)
    one = rearrangement_probability(s, rng.random(500) < 0.5, edges=EDGES)
    with pytest.raises(InputError, match="temperatures: need at least two different temperatures"):
        arrhenius_split([500.0, 500.0], [one, one])
    other = rearrangement_probability(s, rng.random(500) < 0.5, edges=EDGES + 0.1)
    with pytest.raises(InputError, match="probabilities: need the same bins of softness at all temperatures"):
        arrhenius_split([500.0, 600.0], [one, other])
    still = rearrangement_probability(s, np.zeros(500), edges=EDGES)
    with pytest.raises(
        InputError, match="at least two bins of softness with rearrangements at all temperatures, got 0"
    ):
        arrhenius_split([500.0, 600.0], [one, still])
