"""PLUMED input that makes one run visit a range of temperatures, and of pressures."""

from __future__ import annotations

import os
from pathlib import Path

from ionpath.arguments import typed
from ionpath.errors import InputError

GPA = 0.602214076
"""1 GPa in kJ/mol/A^3, the unit of pressure in the input."""


@typed
def multithermal_lines(
    folder: str | os.PathLike[str],
    *,
    temperature: float,
    temperature_range: tuple[float, float] = (300.0, 1200.0),
    pressure: float | None = None,
    pressure_range: tuple[float, float] = (0.9 * 1.01325e-4, 1.1 * 1.01325e-4),
    pace: int = 10,
    observation: int = 100,
) -> list[str]:
    """Write the lines of a multithermal, or multithermal and multibaric, expanded ensemble.

    Parameters
    ----------
    folder : str or path
        Where PLUMED writes ``COLVAR`` and ``DELTAFS``.
    temperature : float
        Temperature of the thermostat in K.
    temperature_range : tuple of float, default (300, 1200)
        Lowest (50 K at least) and highest temperature in K; `temperature` lies between them.
    pressure : float, optional
        Pressure of the barostat in GPa. With it the ensemble has a range of pressures too, and the run must be NPT.
    pressure_range : tuple of float, optional
        Lowest and highest pressure in GPa, around `pressure`; by default 0.9 and 1.1 atm.
    pace, observation : int, default 10 and 100
        Time steps between updates of the bias, and updates during which it only watches before it begins.

    Returns
    -------
    list of str
        Input for `run_md`.

    Raises
    ------
    InputError
        If a range does not enclose its value, or is singular.

    Notes
    -----
    The bias makes the run sample all states with :math:`\\Delta u = (\\beta' - \\beta) U`, and
    :math:`(\\beta' p' - \\beta p) V` on top in the multibaric case: Invernizzi, Piaggi and Parrinello, Phys. Rev. X 10,
    041034 (2020), doi:10.1103/PhysRevX.10.041034; used for exploration with 300 to 1200 K and 0.90 to 1.10 atm by Guan
    et al., arXiv:2412.07115, Eq. 4. At 0 K it is singular, hence the lower bound.

    Examples
    --------
    >>> multithermal_lines("run", temperature=600.0)[2]
    'ecv: ECV_MULTITHERMAL ARG=energy TEMP=600 TEMP_MIN=300 TEMP_MAX=1200'
    """
    low, high = temperature_range
    if not 50.0 <= low <= temperature <= high or low == high:
        need = f"50 K or more, around the {temperature:g} K of the thermostat"
        remedy = "the expanded ensemble is singular at 0 K"
        raise InputError("temperature_range", need=need, got=f"{low:g} to {high:g} K", remedy=remedy)
    for name, value in (("pace", pace), ("observation", observation)):
        if value < 1:
            raise InputError(name, need="at least 1", got=str(value))
    place = Path(folder).resolve()
    thermal = f"TEMP={temperature:g} TEMP_MIN={low:g} TEMP_MAX={high:g}"
    lines = ["UNITS LENGTH=A ENERGY=kj/mol TIME=ps", "energy: ENERGY"]
    printed = "energy,opes.bias"
    if pressure is None:
        lines.append(f"ecv: ECV_MULTITHERMAL ARG=energy {thermal}")
    else:
        least, most = pressure_range
        if not least <= pressure <= most or least == most:
            got = f"{least:g} to {most:g} GPa"
            raise InputError("pressure_range", need=f"a range around the {pressure:g} GPa of the barostat", got=got)
        lines += [
            "volume: VOLUME",
            f"ecv: ECV_MULTITHERMAL_MULTIBARIC ARG=energy,volume {thermal} PRESSURE={pressure * GPA:.8g} "
            f"PRESSURE_MIN={least * GPA:.8g} PRESSURE_MAX={most * GPA:.8g}",
        ]
        printed = "energy,volume,opes.bias"
    return [
        *lines,
        f"opes: OPES_EXPANDED ARG=ecv.* PACE={pace} OBSERVATION_STEPS={observation} FILE={place / 'DELTAFS'}",
        f"PRINT ARG={printed} STRIDE={pace} FILE={place / 'COLVAR'}",
    ]
