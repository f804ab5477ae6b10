"""Units at the door: inside ionpath lengths are A, times ps, energies eV, charges e, temperatures K.

Conductivities are mS/cm, entropies J/mol/K unless the caller asks otherwise, free energies kJ/mol.
"""

from ionpath.constants import BOLTZMANN, ELEMENTARY_CHARGE, GAS_CONSTANT
from ionpath.errors import InputError

ENTROPY_UNITS = {"J/mol/K": GAS_CONSTANT, "R": 1.0, "nat": 1.0}
"""Value of one nat in each unit of entropy. An entropy in units of R or of k_B is its number of nats."""

A2_PER_PS_IN_M2_PER_S = 1e-8
A2_PER_PS_IN_CM2_PER_S = 1e-4

# n e^2 D / (k_B T) with n in 1/A^3 (1e30 / m^3) and D in A^2/ps (1e-8 m^2/s) is S/m; 1 S/m = 10 mS/cm.
NERNST_EINSTEIN = 1e30 * A2_PER_PS_IN_M2_PER_S * ELEMENTARY_CHARGE**2 / BOLTZMANN * 10.0
"""Conductivity (mS/cm) of n = 1 A^-3, D = 1 A^2/ps, T = 1 K and charge 1 (1.859e8)."""


def entropy_factor(unit: str) -> float:
    """Value of one nat of entropy in `unit`.

    Parameters
    ----------
    unit : {"J/mol/K", "R", "nat"}
        Unit of entropy.

    Returns
    -------
    float
        Factor from nats to `unit`.

    Raises
    ------
    InputError
        If the unit is unknown.

    Examples
    --------
    >>> round(entropy_factor("J/mol/K"), 6)
    8.314463
    """
    if unit not in ENTROPY_UNITS:
        raise InputError(
            "unit",
            need=f"one of {', '.join(map(repr, ENTROPY_UNITS))}",
            got=repr(unit),
            remedy="choose one of them",
        )
    return ENTROPY_UNITS[unit]


def kt_in_kj_per_mol(temperature: float) -> float:
    """Thermal energy RT.

    Parameters
    ----------
    temperature : float
        Temperature in K.

    Returns
    -------
    float
        RT in kJ/mol.

    Examples
    --------
    >>> round(kt_in_kj_per_mol(300.0), 6)
    2.494339
    """
    return GAS_CONSTANT * temperature / 1000.0
