"""Conductivity from diffusion."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.errors import InputError, positive, whole
from ionpath.estimate import Estimate
from ionpath.transport._checks import in_unit, numbers
from ionpath.units import NERNST_EINSTEIN


@typed
@overload
def nernst_einstein(D: Estimate, n: float, T: float, charge: float = 1) -> Estimate: ...
@typed
@overload
def nernst_einstein(D: ArrayLike, n: ArrayLike, T: ArrayLike, charge: ArrayLike = 1) -> Any: ...
@typed
def nernst_einstein(D: Any, n: Any, T: Any, charge: Any = 1) -> Any:
    """Conductivity of ions that diffuse independently.

    Parameters
    ----------
    D : float, array_like or Estimate
        Diffusion coefficient in A^2/ps (1 A^2/ps is 1e-8 m^2/s). With an `Estimate`, its error, interval or upper
        bound is carried over. With the collective diffusion coefficient the result is the conductivity with all
        correlations between ions.
    n : float or array_like
        Number density of the mobile ions in A^-3.
    T : float or array_like
        Temperature of `D` in K.
    charge : float or array_like, optional
        Charge of an ion in e.

    Returns
    -------
    float, ndarray or Estimate
        Conductivity in mS/cm, of the kind of `D`.

    Raises
    ------
    InputError
        If the temperature or density is not above zero, or D is negative.

    Notes
    -----
    ``sigma = n (z e)^2 D / (k_B T)`` (Nernst-Einstein, arXiv:2412.07115 SI Eq. 9), which is
    ``1.859e8 n D / T`` in these units.

    Examples
    --------
    Li5.5PS4.5Cl1.5 at 300 K: 1584 Li in 43.6122 x 43.6122 x 41.1180 A with D = 1.78e-11 m^2/s:

    >>> round(nernst_einstein(1.78e-3, 1584 / (43.6122 * 43.6122 * 41.1180), 300.0), 2)
    22.34
    """
    for name, value, unit in (("T", T, "K"), ("n", n, "A^-3")):
        array = numbers(value, name, f"finite numbers above zero in {unit}")
        if not (np.isfinite(array).all() and (array > 0).all()):
            remedy = "check units and arguments' order"
            raise InputError(name, need=f"a value above zero in {unit}", got=repr(value), remedy=remedy)
    numbers(charge, "charge", "the charge of an ion in e")
    if isinstance(D, Estimate):
        factor = NERNST_EINSTEIN * float(n) * float(charge) ** 2 / float(T)
        return in_unit(D, "A^2/ps", "D").scaled(factor, "mS/cm")
    if (numbers(D, "D", "a diffusion coefficient in A^2/ps, zero or more") < 0).any():
        remedy = "check the fit"
        raise InputError("D", need="a diffusion coefficient in A^2/ps, zero or more", got=repr(D), remedy=remedy)
    sigma = NERNST_EINSTEIN * np.asarray(n) * np.asarray(charge) ** 2 * np.asarray(D) / np.asarray(T)
    return float(sigma) if np.ndim(sigma) == 0 else np.asarray(sigma)


@typed
def conductivity(D: Estimate, n_ions: int, volume: float, temperature: float, *, charge: float = 1.0) -> Estimate:
    """Conductivity of ions in a box, with the error of the diffusion coefficient.

    Parameters
    ----------
    D : Estimate
        Diffusion coefficient in A^2/ps: of single ions (Nernst-Einstein) or collective.
    n_ions : int
        Number of mobile ions.
    volume : float
        Volume of the box in A^3, the mean one under constant pressure.
    temperature : float
        Temperature in K.
    charge : float, optional
        Charge of an ion in e.

    Returns
    -------
    Estimate
        Conductivity in mS/cm.

    Examples
    --------
    >>> print(conductivity(Estimate(1.0e-3, 1.0e-4, 0.8e-3, 1.2e-3), 24, 1047.0, 300.0))
    14.2 ± 1.4 mS/cm
    """
    density = whole("n_ions", n_ions) / positive("volume", volume, "A^3")
    return nernst_einstein(D, density, temperature, charge)


@typed
def haven_ratio(D: Estimate, collective: Estimate) -> Estimate:
    """Haven ratio: diffusion of single ions over diffusion of charge.

    Parameters
    ----------
    D : Estimate
        Diffusion coefficient of single ions in A^2/ps.
    collective : Estimate
        Collective diffusion coefficient in A^2/ps.

    Returns
    -------
    Estimate
        ``H_R = D / D_collective`` with both relative errors combined; nan where either is only a bound.

    Notes
    -----
    Below 1 ions move together; above 1 they get in each other's way. The interval is that of a ratio of positive
    numbers (symmetric in the logarithm). The two coefficients are treated as independent, which overstates the
    error slightly: the collective one dominates it.

    Examples
    --------
    >>> print(haven_ratio(Estimate(2.0, 0.02, 1.96, 2.04), Estimate(4.0, 0.8, 2.7, 5.9)))
    0.5 ± 0.1
    """
    nan = float("nan")
    D, collective = in_unit(D, "A^2/ps", "D"), in_unit(collective, "A^2/ps", "collective")
    if not (D.value > 0 and collective.value > 0):
        return Estimate(nan, nan, nan, nan).judged(D.verdict, collective.verdict)
    ratio = D.value / collective.value
    above = np.hypot(np.log(D.high / D.value), np.log(collective.value / collective.low))
    below = np.hypot(np.log(D.value / D.low), np.log(collective.high / collective.value))
    error = ratio * float(np.hypot(D.error / D.value, collective.error / collective.value))
    found = Estimate(ratio, error, ratio * float(np.exp(-below)), ratio * float(np.exp(above)))
    return found.judged(D.verdict, collective.verdict)
