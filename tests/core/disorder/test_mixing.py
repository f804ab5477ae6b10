"""Ideal entropy of mixing against the published table and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.constants import GAS_CONSTANT
from ionpath.disorder import MixingEntropy, argyrodite_mixing_entropy, entropy_map, mixing_entropy
from ionpath.errors import InputError

# x: smallest, mean and largest entropy (R per formula unit) over y = x, x + 1/8, ..., 1: Jang et al.,
# J. Mater. Chem. A 13, 16547 (2025), Eq. 3 on the grid of that paper.
TABLE = {
    0.0: (0.0, 0.8654, 1.3863),
    0.125: (0.3768, 0.9736, 1.3547),
    0.25: (0.5623, 1.0051, 1.3231),
    0.375: (0.6616, 0.9851, 1.2239),
    0.5: (0.6931, 0.9175, 1.1247),
    0.625: (0.6616, 0.8003, 0.9391),
    0.75: (0.5623, 0.6261, 0.7535),
    0.875: (0.3768, 0.3768, 0.3768),
    1.0: (0.0, 0.0, 0.0),
}


@pytest.mark.parametrize(("x", "expected"), TABLE.items())
def test_published_table(x: float, expected: tuple[float, float, float]) -> None:
    y = np.arange(x, 1 + 1e-9, 0.125)
    s = np.asarray(argyrodite_mixing_entropy(x, y))
    assert (s.min(), s.mean(), s.max()) == pytest.approx(expected, abs=1e-4)  # R per formula unit


@pytest.mark.parametrize(("y", "expected"), [(0.125, 0.75354), (0.25, 1.12467), (0.375, 1.32313), (0.5, 2 * np.log(2))])
def test_published_values_without_excess(y: float, expected: float) -> None:
    assert argyrodite_mixing_entropy(0.0, y) == pytest.approx(expected, abs=5e-6)  # R per formula unit


def test_largest_value_lies_at_equal_fractions() -> None:
    for x in np.linspace(0, 0.9, 10):
        y = np.linspace(x, 1, 2001)
        s = np.asarray(argyrodite_mixing_entropy(x, y))
        assert y[s.argmax()] == pytest.approx((1 + x) / 2, abs=1e-3)
        p = (1 + x) / 2
        assert s.max() == pytest.approx(-2 * (p * np.log(p) + (1 - p) * np.log(1 - p)), abs=1e-6)


def test_agrees_with_counting_arrangements() -> None:
    """ln of the number of arrangements per site tends to the ideal value: Stirling on 4 million sites."""
    from scipy.special import gammaln

    n, k = 4_000_000, 1_500_000
    counted = (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)) / n
    assert mixing_entropy([[k / n, 1 - k / n]]) == pytest.approx(counted, abs=1e-5)  # R


def test_general_form_equals_argyrodite_form() -> None:
    x, y = 0.375, 0.625
    general = mixing_entropy({"4a": [1 + x - y, y - x], "4d": [y, 1 - y]})
    assert general == pytest.approx(argyrodite_mixing_entropy(x, y), abs=1e-12)


def test_weights_and_vacancies() -> None:
    full = mixing_entropy({"Li": [0.5]}, sites_per_formula={"Li": 12}, vacancies=True)
    assert full == pytest.approx(12 * np.log(2))  # R per formula unit


def test_result_adds_up_and_converts() -> None:
    entropy = MixingEntropy({"4a": 0.5, "4d": 0.25})
    assert entropy.total == 0.75
    assert entropy.joule == pytest.approx(0.75 * GAS_CONSTANT)  # J/mol/K


def test_map_is_nan_where_no_inversion_is_possible() -> None:
    x, y, s = entropy_map(np.linspace(0, 1, 9), np.linspace(0, 1, 9))
    assert (np.isnan(s) == (y < x - 1e-9)).all()
    assert np.nanmax(s) == pytest.approx(2 * np.log(2))  # R


def test_errors_say_what_is_allowed() -> None:
    with pytest.raises(InputError, match=r"inversion: need a fraction from 0.5 to 1 at x = 0.5, got 0.25"):
        argyrodite_mixing_entropy(0.5, 0.25)
    with pytest.raises(InputError, match=r"fractions of 4a: need a sum of 1, got 0.9; give every species"):
        mixing_entropy({"4a": [0.5, 0.4]})
    with pytest.raises(InputError, match=r"fractions of 4d: need finite numbers from 0 to 1"):
        mixing_entropy({"4d": [1.5, -0.5]})
    with pytest.raises(InputError, match=r"fractions of 4d: need finite numbers"):
        mixing_entropy({"4d": [np.nan, 0.5]})
