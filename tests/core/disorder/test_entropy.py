"""Sampled entropies: closed forms, published values on real data, bias, comparison on equal terms, bad input."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.constants import GAS_CONSTANT
from ionpath.disorder import (
    EntropyComparison,
    bond_vectors,
    compare_entropies,
    jackknife_error,
    number_of_states,
    shannon_entropy,
    support_entropy,
    tetrahedra,
    tetrahedral_distortion,
)
from ionpath.errors import InputError
from ionpath.estimate import Estimate

TURNED = np.array([[1, 1, 0], [-1, 1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(2)


@pytest.fixture(scope="module")
def distortions(shared_data: Path) -> dict[str, Any]:
    """Published s_d of Li6PS5Cl at 500 K, 0 and 50 % inversion, 4480 tetrahedra each, in both frames."""
    found = {}
    for inversion in ("0p", "50p"):
        with gzip.open(shared_data / "aimd" / f"Li6PS5Cl-{inversion}-run1.XDATCAR.gz", "rt") as file:
            lines = file.read().split("\n")
        cell = np.array([line.split() for line in lines[2:5]], dtype=float)
        symbols = np.repeat(lines[5].split(), [int(n) for n in lines[6].split()])
        n = len(symbols)
        frames = [
            np.array([line.split() for line in lines[k + 1 : k + 1 + n]], dtype=float)
            for k in range(7, len(lines) - n, n + 1)
        ]
        positions = np.array(frames) @ cell
        centres = np.flatnonzero(symbols == "P")
        members = tetrahedra(positions[0], cell, centres, np.flatnonzero(symbols == "S"))
        bonds = bond_vectors(positions, cell, centres, members)
        for name, axes in (("crystal", np.eye(3)), ("turned", TURNED)):
            found[inversion, name] = tetrahedral_distortion(bonds, mode="published", rotation=axes)
        found[inversion, "q"] = tetrahedral_distortion(bonds, measure="q")
    return found


@pytest.mark.parametrize(
    ("inversion", "frame", "expected"),
    [("0p", "turned", 31.13), ("50p", "turned", 32.41), ("0p", "crystal", 25.2), ("50p", "crystal", 30.4)],
)  # J/mol/K, PHYSICS 4.2, verified there with independent code
def test_support_entropy_of_the_published_measure(
    distortions: dict[str, Any], inversion: str, frame: str, expected: float
) -> None:
    samples = distortions[inversion, frame]
    assert samples.size == 4480
    assert support_entropy(samples) == pytest.approx(expected, abs=0.051 if expected < 31 else 0.006)


@pytest.mark.parametrize(("inversion", "expected"), [("0p", 27.08), ("50p", 28.40)])  # J/mol/K, PHYSICS 4.2
def test_shannon_entropy_of_the_published_measure(distortions: dict[str, Any], inversion: str, expected: float) -> None:
    samples = distortions[inversion, "turned"]
    plain = shannon_entropy(samples, correction="none")
    assert plain == pytest.approx(expected, abs=0.006)
    occupied = number_of_states(support_entropy(samples, widths=(0.05,)))
    assert shannon_entropy(samples) - plain == pytest.approx(GAS_CONSTANT * (occupied - 1) / 2 / 4480)


def test_support_entropy_grows_with_the_number_of_samples(distortions: dict[str, Any]) -> None:
    """26.5, 29.4, 30.5 and 31.1 J/mol/K for 100, 500, 1000 and 4480 samples of the ordered case (PHYSICS 4.2)."""
    samples = distortions["0p", "turned"].ravel()
    rng = np.random.default_rng(0)
    for size, expected in ((100, 26.5), (500, 29.4), (1000, 30.5), (4480, 31.1)):
        draws = [support_entropy(rng.choice(samples, size, replace=False)) for _ in range(20)]
        assert np.mean(draws) == pytest.approx(expected, abs=0.7), size
    shannon = [shannon_entropy(samples[:n]) for n in (1000, 4480)]
    assert abs(shannon[0] - shannon[1]) < 0.5  # J/mol/K: bias is nearly gone


def test_entropies_rise_with_anion_disorder(distortions: dict[str, Any]) -> None:
    for frame in ("turned", "crystal"):
        both = compare_entropies(
            {x: distortions[x, frame] for x in ("0p", "50p")}, orientations={"0p": frame, "50p": frame}
        )
        rise = np.diff(both.shannon)[0]
        assert both.n_samples == 4480 and rise > 3 * np.hypot(*both.shannon_error)
        assert np.diff(both.support)[0] > 0
    invariant = compare_entropies({x: distortions[x, "q"] for x in ("0p", "50p")}, width=0.002, lower=-3.0, upper=1.01)
    assert invariant.orientation == "invariant" and np.diff(invariant.shannon)[0] > 0


def test_closed_forms() -> None:
    middles = np.arange(0.025, 5.0, 0.05)  # 100 bins once each
    assert support_entropy(middles, widths=(0.05,), unit="nat") == pytest.approx(np.log(100))
    assert shannon_entropy(middles, correction="none", unit="R") == pytest.approx(np.log(100))
    assert shannon_entropy([1.0] * 5) == 0.0
    assert support_entropy([1.0] * 5) == 0.0
    for published, states in ((31.07, 41.97), (32.53, 50.02), (34.18, 61.0), (34.45, 63.0)):
        assert number_of_states(published) == pytest.approx(states, abs=0.06)  # Guan 2024 through PHYSICS 4.2
    triple = [GAS_CONSTANT * np.mean(np.log(w)) for w in ((51, 50, 49), (65, 63, 61))]
    assert triple == pytest.approx([32.53, 34.45], abs=0.006)  # J/mol/K


def test_correction_removes_most_of_the_bias() -> None:
    rng = np.random.default_rng(3)
    p = np.ones(50) / 50
    true = np.log(50)
    plain, corrected = [], []
    for _ in range(200):
        x = rng.choice(50, 200, p=p) * 0.1 + 0.05
        plain.append(shannon_entropy(x, width=0.1, correction="none", unit="nat"))
        corrected.append(shannon_entropy(x, width=0.1, unit="nat"))
    assert abs(np.mean(corrected) - true) < 0.15 * abs(np.mean(plain) - true)


def test_jackknife_error_is_the_spread_of_repeats() -> None:
    rng = np.random.default_rng(1)
    repeats = rng.normal(2.5, 0.4, (60, 500))
    values = [shannon_entropy(x) for x in repeats]
    errors = [jackknife_error(x, shannon_entropy, n_blocks=10) for x in repeats[:20]]
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.35)


def test_comparison_cuts_longer_sets_into_equal_pieces() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(2.5, 0.4, (900, 4))
    both = compare_entropies({"short": x[:300], "long": x})
    assert both.n_samples == 1200
    pieces = [support_entropy(x[k : k + 300]) for k in (0, 300, 600)]
    np.testing.assert_allclose(both.support, [pieces[0], np.mean(pieces)])
    assert both.support[1] < support_entropy(x)


def test_bad_input() -> None:
    with pytest.raises(InputError, match="samples: need values from 0 to 5.45, got -1 to 2; give lower and upper"):
        support_entropy([-1.0, 2.0], widths=(0.05,))
    with pytest.raises(InputError, match="samples: need finite numbers, got none"):
        shannon_entropy([])
    with pytest.raises(InputError, match="samples: need finite numbers, got nan or infinity"):
        support_entropy([1.0, np.nan])
    with pytest.raises(InputError, match="width: need a positive width of at most 5.5, got 0"):
        shannon_entropy([1.0], width=0)
    with pytest.raises(InputError, match="correction: need 'miller-madow' or 'none', got 'x'"):
        shannon_entropy([1.0], correction="x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unit: need one of"):
        support_entropy([1.0], unit="eV")
    with pytest.raises(InputError, match="n_blocks: need 2 to 3 blocks"):
        jackknife_error([1.0, 2.0, 3.0], shannon_entropy, n_blocks=5)
    sets = {"a": np.ones((50, 2)), "b": np.ones((20, 2))}
    with pytest.raises(InputError, match="orientations: need one orientation for all systems, got along, turned"):
        compare_entropies(sets, orientations={"a": "along", "b": "turned"})
    with pytest.raises(InputError, match="samples of b: need 60 samples, got 40; compare at the size of the smallest"):
        compare_entropies(sets, n_samples=60)


def beside(*paths: Estimate, shannon: tuple[float, ...] = (27.0, 28.5, 29.0)) -> EntropyComparison:
    """Anions of I, II and III in this order of disorder, with path entropies beside them, J/mol/K."""
    rise, few = np.array(shannon), np.full(3, 0.1)
    pairs = (20, 30, 42)
    return EntropyComparison(("I", "II", "III"), 4480, "invariant", rise + 4, few, rise, few, "J/mol/K", paths, pairs)


def mean(value: float, error: float = 0.2, verdict: str = "") -> Estimate:
    return Estimate(value, error, value - 1.96 * error, value + 1.96 * error, "J/mol/K", verdict)


def test_both_entropies_in_one_table() -> None:
    """What rises with what is said only beyond the errors of both, and never of models in doubt."""
    both = beside(mean(0.0), mean(13.9), mean(16.5))
    assert both.sentence == "the path entropy rises with the disorder of the anions: I < II < III"
    rows = both.rows()
    assert [row["system"] for row in rows] == ["I", "II", "III"]
    assert rows[2]["shannon_entropy"] == 29.0 and rows[2]["support_entropy"] == 33.0
    assert rows[1]["path_entropy"] == 13.9 and rows[1]["pairs"] == 30
    assert rows[1]["path_entropy_low"] == pytest.approx(13.508)
    falls = beside(mean(15.3), mean(13.7), mean(16.0))
    assert falls.sentence == "the path entropy does not rise with disorder (I < II < III): it falls from I to II"
    same = beside(mean(13.6), mean(13.9), mean(16.5))
    assert same.sentence == "not told: within errors one of the two is the same from I to II"
    assert "from II to III" in beside(mean(0), mean(13.9), mean(16.5), shannon=(27.0, 28.5, 28.6)).sentence
    # 0.3 apart with an error of 0.141 are 2.12 errors: beyond 1.96, and not beyond 2.78, Student's t of five blocks
    near = beside(mean(0.0), mean(13.9), mean(16.5), shannon=(27.0, 28.5, 28.8))
    assert near.sentence.startswith("the path entropy rises") and near.n_blocks == 0
    assert "from II to III" in replace(near, n_blocks=5).sentence
    doubt = beside(mean(0.0), mean(13.9, verdict="not Markovian"), mean(16.5)).sentence
    assert doubt == "not told: the path entropy of II is in doubt (not Markovian)"
    nan = float("nan")
    unknown = beside(mean(0.0), Estimate(13.9, nan, nan, nan, "J/mol/K"), mean(16.5))
    assert unknown.sentence == "not told: path entropies have no errors"
    alone = EntropyComparison(("I",), 10, "invariant", *np.ones((4, 1)), "nat")
    assert alone.sentence == "no path entropies were given" and "pairs" not in alone.rows()[0]
    again = EntropyComparison.from_dict(both.as_dict())
    assert again.path_entropy == both.path_entropy
    before = {k: v for k, v in both.as_dict().items() if k not in ("path_entropy", "n_pairs", "n_blocks")}
    assert EntropyComparison.from_dict(before).path_entropy == ()  # as earlier versions wrote it
