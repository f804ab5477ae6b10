"""Activation energies from diffusion at several temperatures, and what they say about other temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.constants import BOLTZMANN_EV
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.estimate import Estimate, student
from ionpath.lines import scatter_scale
from ionpath.msonable import Msonable
from ionpath.transport._checks import in_unit, number_of, numbers
from ionpath.transport.conduction import nernst_einstein

LEAST_SPREAD = 1e-6
"""Activation energies in eV that are one and the same, where they have no errors."""


@typed
@documented
@dataclass(frozen=True)
class Arrhenius(Msonable):
    """Straight line of ln D against 1 / T."""

    temperatures: Floats  # (M,): temperatures of the data in K
    # coefficients, errors: (M,): diffusion coefficients and their standard errors in A^2/ps
    coefficients: Floats
    errors: Floats
    activation_energy: Estimate  # eV
    log_prefactor: Estimate  # ln of D0 in A^2/ps
    covariance: Floats  # (2, 2): covariance of activation energy (eV) and ln D0
    # sum of squared deviations over squared errors; about M - 2 if a single barrier rules. nan without errors.
    chi_squared: float
    quantile: float  # standard errors that make a 95 % interval

    @property
    def activation_energy_in_kj_per_mol(self) -> Estimate:
        """Activation energy in kJ/mol."""
        return self.activation_energy.to("kJ/mol")

    def at(self, temperature: float) -> Estimate:
        """Diffusion coefficient in A^2/ps at another temperature in K, with the covariance of the fit carried over.

        The interval is symmetric in ln D. InputError if the temperature is not above zero.
        """
        if not number_of(temperature) > 0:
            remedy = "give it in K"
            raise InputError("temperature", need="a temperature above zero in K", got=f"{temperature!r}", remedy=remedy)
        gradient = np.array([-1.0 / (BOLTZMANN_EV * temperature), 1.0])
        log = float(gradient @ [self.activation_energy.value, self.log_prefactor.value])
        spread = float(np.sqrt(gradient @ self.covariance @ gradient))
        value, factor = float(np.exp(log)), float(np.exp(self.quantile * spread))
        verdict = self.activation_energy.verdict
        return Estimate(value, value * spread, value / factor, value * factor, "A^2/ps", verdict)

    def conductivity(self, temperature: float, density: float, *, charge: float = 1.0) -> Estimate:
        """Nernst-Einstein conductivity in mS/cm at a temperature in K.

        `density` is the number density of the ions in A^-3, `charge` that of an ion in e.
        """
        return nernst_einstein(self.at(temperature), density, temperature, charge)


@typed
@references("chen2025")
def arrhenius(temperatures: ArrayLike, D: ArrayLike | Sequence[Estimate], errors: ArrayLike | None = None) -> Arrhenius:
    """Fit of an activation energy to diffusion coefficients at several temperatures.

    Parameters
    ----------
    temperatures : array_like, shape (M,)
        Temperatures in K, at least two different ones.
    D : array_like, shape (M,)
        Diffusion coefficients in A^2/ps, or `Estimate` objects, whose errors are then used.
    errors : array_like, shape (M,), optional
        Standard errors in A^2/ps. Without any, the scatter about the line takes their place, which needs three
        temperatures.

    Returns
    -------
    Arrhenius
        Activation energy, prefactor, covariance, and values at other temperatures (``.at(300.0)``).

    Raises
    ------
    InputError
        If there are too few temperatures, or a coefficient is not a positive number (an upper bound cannot be fitted).

    Notes
    -----
    ``ln D = ln D0 - E_a / (k_B T)``, fitted with weights ``(D / error)^2``. Where the data scatter more than their
    errors allow, the covariance is scaled up by chi-squared over M - 2, never down, and intervals are those of
    Student's t. Three temperatures leave one degree of freedom, too few to judge the errors by: these then count as
    one more, ``(1 + chi-squared) / 2``, with t of four. The error at a temperature far from the data comes from the
    whole covariance: slope and prefactor are strongly correlated, and neither's error alone gives it.

    Examples
    --------
    >>> T = [600.0, 700.0, 900.0]
    >>> D = [0.1 * np.exp(-0.25 / (8.617333e-5 * t)) for t in T]
    >>> fit = arrhenius(T, D, [0.05 * d for d in D])
    >>> print(fit.activation_energy)
    0.250 ± 0.011 eV
    >>> print(fit.at(300.0))
    (6.3 ± 1.6)e-06 A^2/ps
    """
    t, values, sigma = _data(temperatures, D, errors)
    known = bool(np.isfinite(sigma).all())
    design = np.stack([-1.0 / (BOLTZMANN_EV * t), np.ones(t.size)], axis=1)
    weights = (values / sigma) ** 2 if known else np.ones(t.size)
    covariance = np.linalg.inv(design.T @ (weights[:, None] * design))
    solution = covariance @ (design.T @ (weights * np.log(values)))
    residuals = np.log(values) - design @ solution
    squares, freedom = float(weights @ residuals**2), t.size - 2
    scale, quantile = scatter_scale(squares, freedom) if known else (squares / freedom, student(freedom))
    covariance = covariance * scale
    words = _verdict(t, D)
    return Arrhenius(
        temperatures=t,
        coefficients=values,
        errors=sigma,
        activation_energy=_estimate(float(solution[0]), float(covariance[0, 0]), quantile, "eV").judged(*words),
        log_prefactor=_estimate(float(solution[1]), float(covariance[1, 1]), quantile, "").judged(*words),
        covariance=np.asarray(covariance, dtype=np.float64),
        chi_squared=squares if known else float("nan"),
        quantile=quantile,
    )


@documented
@dataclass(frozen=True)
class MeyerNeldel(Msonable):
    """Straight line of ln D0 against the activation energy over systems."""

    energy: Estimate  # Meyer-Neldel energy in eV: ln D0 = intercept + E_a / energy
    temperature: float  # isokinetic temperature in K, at which all systems would be equally fast
    intercept: Estimate  # ln of D00 in A^2/ps
    slope: Estimate  # 1 / energy in 1/eV; the fit itself, with a symmetric error
    chi_squared: float  # sum of squared deviations over squared errors


@typed
@references("yelon2006")
def meyer_neldel(fits: list[Arrhenius]) -> MeyerNeldel:
    """Compensation of activation energy and prefactor over several systems.

    Parameters
    ----------
    fits : list of Arrhenius
        One fit per system, at least three.

    Returns
    -------
    MeyerNeldel
        Meyer-Neldel energy and isokinetic temperature with errors.

    Raises
    ------
    InputError
        If there are fewer than three systems, or their activation energies do not differ by more than their errors.

    Notes
    -----
    ``ln D0 = ln D00 + E_a / E_MN``. Within each fit, errors of ln D0 and E_a go together, with a slope of about one
    over k_B times the mean temperature of the data; that alone makes a line of this kind. So each system is weighted
    with the variance of ``ln D0 - E_a / E_MN`` from its whole covariance. A Meyer-Neldel temperature close to the
    temperatures of the data is a warning that nothing but this is seen.

    Examples
    --------
    >>> T = np.array([500.0, 600.0, 800.0])
    >>> fits = []
    >>> for Ea in (0.2, 0.3, 0.4):
    ...     D = np.exp(-3 + Ea / 0.05 - Ea / (8.617333262e-5 * T))
    ...     fits.append(arrhenius(T, D, 0.05 * D))
    >>> print(f"{meyer_neldel(fits).energy.value:.3f}")
    0.050
    """
    if not all(isinstance(fit, Arrhenius) for fit in fits):
        raise InputError("fits", need="what arrhenius returned, one for each system", got=repr(fits)[:60])
    if len(fits) < 3:
        raise InputError("fits", need="at least three systems", got=f"{len(fits)}", remedy="add systems")
    x = np.array([f.activation_energy.value for f in fits])
    y = np.array([f.log_prefactor.value for f in fits])
    covariances = np.stack([f.covariance for f in fits])
    spread, error = float(np.ptp(x)), float(np.sqrt(covariances[:, 0, 0]).min())
    if spread <= max(error, LEAST_SPREAD):
        need = "activation energies that differ by more than their errors, as a line through points needs"
        got = f"{x.min():.6g} to {x.max():.6g} eV, with errors of {error:.2g} eV and more"
        raise InputError("fits", need=need, got=got, remedy="add systems of other activation energies, or longer runs")
    slope = float(np.polyfit(x - x.mean(), y, 1)[0])
    for _ in range(50):
        direction = np.array([-slope, 1.0])
        variance = np.maximum(np.einsum("i,nij,j->n", direction, covariances, direction), 1e-300)
        design = np.stack([x, np.ones(x.size)], axis=1)
        normal = np.linalg.inv(design.T @ (design / variance[:, None]))
        before, (slope, intercept) = slope, normal @ (design.T @ (y / variance))
        if abs(slope - before) <= 1e-12 * abs(slope):
            break
    squares = float((((y - slope * x - intercept) ** 2) / variance).sum())
    scale, quantile = scatter_scale(squares, x.size - 2)
    normal = normal * scale
    slope_estimate = _estimate(float(slope), float(normal[0, 0]), quantile, "1/eV")
    nan = float("nan")
    if slope_estimate.low <= 0 <= slope_estimate.high:  # no energy is excluded, however large
        known = abs(slope) > 1e-12
        energy = Estimate(
            1.0 / slope if known else nan, slope_estimate.error / slope**2 if known else nan, nan, nan, "eV"
        )
    else:
        low, high = sorted((1.0 / slope_estimate.low, 1.0 / slope_estimate.high))
        energy = Estimate(1.0 / slope, slope_estimate.error / slope**2, low, high, "eV")
    return MeyerNeldel(
        energy=energy,
        temperature=float(energy.value / BOLTZMANN_EV),
        intercept=_estimate(float(intercept), float(normal[1, 1]), quantile, ""),
        slope=slope_estimate,
        chi_squared=squares,
    )


def _each(D: ArrayLike | Sequence[Estimate]) -> list[Any]:
    return list(np.atleast_1d(np.asarray(D, dtype=object)))


def _verdict(temperatures: Floats, D: ArrayLike | Sequence[Estimate]) -> list[str]:
    """What the analyses said of single coefficients, each with its temperature."""
    told = zip(temperatures, _each(D), strict=True)
    return [f"{d.verdict} at {t:g} K" for t, d in told if isinstance(d, Estimate) and d.verdict]


def _data(
    temperatures: ArrayLike, D: ArrayLike | Sequence[Estimate], errors: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    given = [in_unit(d, "A^2/ps", "D") if isinstance(d, Estimate) else d for d in _each(D)]
    values = np.array([d.value if isinstance(d, Estimate) else d for d in given], dtype=np.float64)
    own = [d.error if isinstance(d, Estimate) else float("nan") for d in given]
    t = np.atleast_1d(numbers(temperatures, "temperatures", "temperatures above zero in K"))
    sigma = np.asarray(
        own if errors is None else np.atleast_1d(numbers(errors, "errors", "one error for each value")),
        dtype=np.float64,
    )
    if not (t.shape == values.shape == sigma.shape):
        got = f"{values.size} values and {sigma.size} errors"
        remedy = "give arrays of one length"
        raise InputError("D", need=f"one value and error for each of {t.size} temperatures", got=got, remedy=remedy)
    if not (np.isfinite(t).all() and (t > 0).all()):
        raise InputError(
            "temperatures", need="temperatures above zero in K", got=f"{t.tolist()}", remedy="give them in K"
        )
    if not (np.isfinite(values).all() and (values > 0).all()):
        bad = float(t[~(values > 0)][0]) if (~(values > 0)).any() else float(t[~np.isfinite(values)][0])
        remedy = "leave out temperatures at which only an upper bound is known, or run them for longer"
        raise InputError("D", need="positive numbers", got=f"none at {bad:g} K", remedy=remedy)
    if np.unique(t).size < (2 if np.isfinite(sigma).all() else 3):
        need = "at least two different ones with errors of D, or three without"
        raise InputError("temperatures", need=need, got=f"{np.unique(t).size}", remedy="add temperatures or errors")
    if np.isfinite(sigma).any() and not (np.isfinite(sigma).all() and (sigma > 0).all()):
        got = f"{sigma.tolist()}"
        raise InputError("errors", need="a standard error above zero for each D", got=got, remedy="or pass none at all")
    return t, values, sigma


def _estimate(value: float, variance: float, quantile: float, unit: str) -> Estimate:
    error = float(np.sqrt(variance))
    return Estimate(value, error, value - quantile * error, value + quantile * error, unit)
