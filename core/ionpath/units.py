"""Units at the door: inside ionpath lengths are A, times ps, energies eV, charges e, temperatures K.

Conductivities are mS/cm, entropies J/mol/K unless the caller asks otherwise, free energies kJ/mol.
"""

from ionpath.constants import BOLTZMANN, BOLTZMANN_EV, ELEMENTARY_CHARGE, EV_IN_KJ_PER_MOL, GAS_CONSTANT
from ionpath.errors import InputError, one_of

ENTROPY_UNITS = {"J/mol/K": GAS_CONSTANT, "R": 1.0, "nat": 1.0}
"""Value of one nat in each unit of entropy. An entropy in units of R or of k_B is its number of nats."""

A2_PER_PS_IN_M2_PER_S = 1e-8
A2_PER_PS_IN_CM2_PER_S = 1e-4

# n e^2 D / (k_B T) with n in 1/A^3 (1e30 / m^3) and D in A^2/ps (1e-8 m^2/s) is S/m; 1 S/m = 10 mS/cm.
NERNST_EINSTEIN = 1e30 * A2_PER_PS_IN_M2_PER_S * ELEMENTARY_CHARGE**2 / BOLTZMANN * 10.0
"""Conductivity (mS/cm) of n = 1 A^-3, D = 1 A^2/ps, T = 1 K and charge 1 (1.859e8)."""


UNITS = {
    "diffusion": {"A^2/ps": 1.0, "cm^2/s": A2_PER_PS_IN_CM2_PER_S, "m^2/s": A2_PER_PS_IN_M2_PER_S, "nm^2/ns": 10.0},
    "conductivity": {"mS/cm": 1.0, "S/cm": 1e-3, "S/m": 0.1},
    "entropy": {**ENTROPY_UNITS, "k_B": 1.0, "meV/K": 1e3 * BOLTZMANN_EV},
    "energy": {"kJ/mol": 1.0, "eV": 1.0 / EV_IN_KJ_PER_MOL, "meV": 1e3 / EV_IN_KJ_PER_MOL, "kcal/mol": 1 / 4.184},
    "time": {"ps": 1.0, "fs": 1e3, "ns": 1e-3, "us": 1e-6, "s": 1e-12},
    "rate": {"1/ps": 1.0, "1/ns": 1e3, "1/s": 1e12, "THz": 1.0},
    "length": {"A": 1.0, "nm": 0.1, "pm": 100.0},
    "volume": {"A^3": 1.0, "nm^3": 1e-3, "cm^3": 1e-24},
    "density": {"1/A^3": 1.0, "1/nm^3": 1e3, "1/cm^3": 1e24},
    "part": {"": 1.0, "%": 100.0},
    "temperature": {"K": 1.0},
    "pressure": {"GPa": 1.0, "bar": 1e4, "MPa": 1e3, "eV/A^3": 1e-21 / ELEMENTARY_CHARGE},
    "angle": {"degree": 1.0, "rad": 0.017453292519943295},
}
"""Value of one and the same quantity in each unit of its kind."""


def conversion(unit: str, other: str) -> float:
    """Factor from one unit to another of the same kind; powers as in "A^2/ps" or "A2/ps", angstrom as "A" or "Å".

    InputError if a unit is unknown, or the two measure different things.

    Examples
    --------
    >>> conversion("A^2/ps", "cm^2/s"), round(conversion("eV", "kJ/mol"), 6)
    (0.0001, 96.485332)
    """
    if _plain(unit) == _plain(other):
        return 1.0
    for units in UNITS.values():
        plain = {_plain(name): value for name, value in units.items()}
        if _plain(unit) in plain:
            if _plain(other) in plain:
                return plain[_plain(other)] / plain[_plain(unit)]
            need = f"one of {', '.join(map(repr, units))}"
            raise InputError("unit", need=need, got=repr(other), remedy=f"{unit!r} is of this kind")
    known = sorted(name for units in UNITS.values() for name in units if name)
    raise InputError("unit", need=f"one of {', '.join(known)}", got=repr(unit))


def _plain(unit: str) -> str:
    for spelt, short in (("Å", "A"), ("²", "2"), ("³", "3"), ("^", ""), (" ", ""), ("µ", "u")):
        unit = unit.replace(spelt, short)
    return unit


def entropy_factor(unit: str) -> float:
    """Factor from nats of entropy to "J/mol/K", "R" or "nat"; InputError for another unit.

    Examples
    --------
    >>> round(entropy_factor("J/mol/K"), 6)
    8.314463
    """
    one_of("unit", unit, ENTROPY_UNITS)
    return ENTROPY_UNITS[unit]


def kt_in_kj_per_mol(temperature: float) -> float:
    """Thermal energy RT in kJ/mol at a temperature in K.

    Examples
    --------
    >>> round(kt_in_kj_per_mol(300.0), 6)
    2.494339
    """
    return GAS_CONSTANT * temperature / 1000.0
