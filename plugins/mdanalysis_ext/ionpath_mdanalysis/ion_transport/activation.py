"""Activation energies from runs at several temperatures, and what they say about room temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, positive
from ionpath.estimate import Estimate
from ionpath.msonable import Msonable
from ionpath.transport.activation import (
    Arrhenius,
    MeyerNeldel,
    arrhenius as fit_arrhenius,
    meyer_neldel as fit_meyer_neldel,
)
from ionpath_mdanalysis import _plots
from ionpath_mdanalysis.ion_transport.diffusion import IonDiffusion


@typed
def arrhenius(analyses: Sequence[IonDiffusion]) -> Arrhenius:
    """Activation energy from runs at several temperatures.

    Parameters
    ----------
    analyses : sequence of IonDiffusion
        Finished runs with temperatures. Several runs at one temperature, of other arrangements or velocities, add to
        the scatter about the line, and with it to all errors.

    Returns
    -------
    Arrhenius
        Fit with covariance; ``.at(300.0)`` and ``.conductivity(300.0, density)`` carry it to room temperature.

    Raises
    ------
    InputError
        If a run has no temperature, or found an upper bound only.
    """
    temperatures = [_temperature(analysis) for analysis in analyses]
    return fit_arrhenius(temperatures, [a.results.diffusion_coefficient for a in analyses])


@documented
@dataclass(frozen=True)
class Extrapolation(Msonable):
    """Transport at a temperature at which nothing was run."""

    temperature: float  # in K
    fit: Arrhenius  # the line that it lies on
    # diffusion_coefficient, conductivity: in A^2/ps and mS/cm (Nernst-Einstein), each with the whole error of the fit
    diffusion_coefficient: Estimate
    conductivity: Estimate
    density: float  # number density of the ions in A^-3, that of the run at the nearest temperature


@typed
def extrapolate(analyses: Sequence[IonDiffusion], temperature: float = 300.0) -> Extrapolation:
    """Diffusion and conductivity at a temperature, from runs at others.

    Parameters
    ----------
    analyses : sequence of IonDiffusion
        Finished runs with temperatures.
    temperature : float, default 300.0
        In K.

    Returns
    -------
    Extrapolation
        Fit, diffusion coefficient and conductivity with errors.

    Raises
    ------
    InputError
        If runs differ in the charge of an ion, have no temperature, or found an upper bound only.
    """
    wanted = positive("temperature", temperature, "K")
    fit = arrhenius(analyses)
    charges = {float(a.parameters["charge"]) for a in analyses}
    if len(charges) > 1:
        got = ", ".join(f"{z:g}" for z in sorted(charges))
        raise InputError("analyses", need="one charge of the ions", got=got, remedy="pass runs of one material")
    nearest = min(analyses, key=lambda a: abs(_temperature(a) - wanted))
    density = float(nearest.results.density)
    conductivity = fit.conductivity(wanted, density, charge=charges.pop())
    return Extrapolation(wanted, fit, fit.at(wanted), conductivity, density)


@typed
def meyer_neldel(systems: Mapping[str, Sequence[IonDiffusion]]) -> MeyerNeldel:
    """Compensation of activation energy and prefactor over several systems.

    Parameters
    ----------
    systems : mapping of str to sequence of IonDiffusion
        Finished runs at several temperatures of at least three systems.

    Returns
    -------
    MeyerNeldel
        Meyer-Neldel energy and isokinetic temperature with errors, see `ionpath.transport.meyer_neldel`.

    Raises
    ------
    InputError
        If there are fewer than three systems, or the runs of one cannot be fitted.
    """
    return fit_meyer_neldel([arrhenius(runs) for runs in systems.values()])


def _temperature(analysis: IonDiffusion) -> float:
    analysis._require_results()
    temperature = analysis.parameters["temperature"]
    if temperature is None:
        remedy = "pass temperature= to IonDiffusion"
        raise InputError("analyses", need="a temperature in every run", got="one without", remedy=remedy)
    return float(temperature)


@typed
def plot_arrhenius(fit: Arrhenius, ax: Any = None, *, down_to: float = 300.0) -> Any:
    """Draw diffusion coefficients against inverse temperature, with the fit and its 95 % band.

    Parameters
    ----------
    fit : Arrhenius
        What to draw.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    down_to : float, default 300.0
        Lowest temperature in K.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    ax = _plots.new_axes(ax)
    shown = np.linspace(1 / max(fit.temperatures), 1 / min(down_to, *fit.temperatures), 100)
    line = [fit.at(1 / x) for x in shown]
    ax.errorbar(1000 / fit.temperatures, fit.coefficients, fit.errors, fmt="o", color="k", label="simulated")
    ax.plot(1000 * shown, [e.value for e in line], color="tab:red", label=f"$E_a$ = {fit.activation_energy}")
    ax.fill_between(1000 * shown, [e.low for e in line], [e.high for e in line], color="tab:red", alpha=0.2, lw=0)
    ax.set(xlabel="1000 K / T", ylabel="D (Å$^2$/ps)", yscale="log")
    ax.legend()
    return ax
