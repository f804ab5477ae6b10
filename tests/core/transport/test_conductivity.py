"""Nernst-Einstein conductivity against published values."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.transport import conductivity, haven_ratio, nernst_einstein

# arXiv:2412.07115: lithium ions, box (A), D (m^2/s) at 300 K, conductivity (mS/cm) from these and as printed there.
PUBLISHED = [
    pytest.param(1584, (43.6122, 43.6122, 41.1180), 1.78e-11, 22.34, 22.39, id="Li5.5PS4.5Cl1.5"),
    pytest.param(1440, (36.8400, 36.8505, 50.0601), 1.14e-12, 1.497, 1.49, id="Li20Si3P3S23Cl"),
    pytest.param(1728, (42.8507, 42.8507, 40.4000), 1.26e-15, 0.001819, 0.0018, id="Li6PS5Cl"),
]


@pytest.mark.parametrize(("ions", "box", "diffusion", "computed", "printed"), PUBLISHED)
def test_published_conductivities(ions, box, diffusion, computed, printed):
    sigma = nernst_einstein(diffusion * 1e8, ions / np.prod(box), 300.0)  # m^2/s -> A^2/ps
    assert sigma == pytest.approx(computed, rel=1e-3)
    assert sigma == pytest.approx(printed, rel=0.012)


def test_definition_in_si_units():
    n, diffusion, temperature, charge = 0.02, 3e-3, 500.0, 2
    si = n * 1e30 * (charge * 1.602176634e-19) ** 2 * diffusion * 1e-8 / (1.380649e-23 * temperature)
    assert nernst_einstein(diffusion, n, temperature, charge=charge) == pytest.approx(10 * si, rel=1e-12)


def test_factor_of_the_units():
    """1.85925e8 mS/cm for n = 1 A^-3, D = 1 A^2/ps, T = 1 K."""
    assert nernst_einstein(1.0, 1.0, 1.0) == pytest.approx(1.85925e8, rel=5e-6)


def test_arrays_and_scalars():
    assert isinstance(nernst_einstein(1e-3, 0.02, 300), float)
    sigma = nernst_einstein([1e-3, 2e-3], 0.02, [300.0, 600.0])
    assert sigma[0] == pytest.approx(sigma[1])


def test_errors_and_bounds_are_carried():
    sigma = conductivity(Estimate(2e-3, 2e-4, 1.6e-3, 2.4e-3), 24, 1000.0, 300.0)
    assert sigma.error / sigma.value == pytest.approx(0.1)
    assert sigma.high / sigma.value == pytest.approx(1.2)
    bound = nernst_einstein(Estimate(float("nan"), float("nan"), 0.0, 1e-4), 0.024, 300.0)
    assert np.isnan(bound.value)
    assert bound.high == pytest.approx(nernst_einstein(1e-4, 0.024, 300.0))


def test_haven_ratio_of_bounds_is_unknown():
    known, bound = Estimate(1.0, 0.1, 0.8, 1.2), Estimate(float("nan"), float("nan"), 0.0, 1.0)
    assert np.isnan(haven_ratio(bound, known).value)
    assert np.isnan(haven_ratio(known, bound).value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1e-3, 0.02, 0.0), "T: need a value above zero in K, got 0.0; check units"),
        ((1e-3, -0.02, 300.0), r"n: need a value above zero in A\^-3, got -0.02"),
        ((-1e-3, 0.02, 300.0), r"D: need a diffusion coefficient in A\^2/ps, zero or more, got -0.001"),
    ],
)
def test_impossible_arguments_are_named(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        nernst_einstein(*arguments)
