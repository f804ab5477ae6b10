"""What the elements of ion conductors are: mobile, anion, or former of a polyanion, with their formal charges.

One list for every package: what counts as an anion decides where shells are looked for, what is framework, and which
structures are neutral.
"""

from __future__ import annotations

from collections.abc import Iterable

HALOGENS = frozenset({"F", "Cl", "Br", "I"})
CHALCOGENS = frozenset({"O", "S", "Se", "Te"})
ANIONS = HALOGENS | CHALCOGENS | {"N"}
"""Elements that bind lithium, and that formers bind."""
FORMERS = frozenset({"B", "Al", "Si", "P", "Ga", "Ge", "As", "Sn", "Sb"})
"""Elements in the middle of a polyanion such as PS4."""
MOBILE = ("Li", "Na", "K", "Ag", "Cu")
"""Elements that diffuse, in the order in which they are looked for."""

CHARGES = {
    "Li": 1, "Na": 1, "K": 1, "Ag": 1, "Cu": 1,
    "B": 3, "Al": 3, "Ga": 3, "Y": 3, "La": 3, "Si": 4, "Ge": 4, "Sn": 4, "Zr": 4, "P": 5, "As": 5, "Sb": 5,
    "F": -1, "Cl": -1, "Br": -1, "I": -1, "O": -2, "S": -2, "Se": -2, "Te": -2, "N": -3,
}  # fmt: skip
"""Formal charges in e of the elements in the conductors that this package is about."""


def formal_charge(symbols: Iterable[str]) -> float | None:
    """Return the formal charge in e that all of some elements have, or None if it is not known or not the same.

    >>> formal_charge(["Li", "Na"]), formal_charge(["O"]), formal_charge(["Mg"]), formal_charge(["Li", "O"])
    (1.0, -2.0, None, None)
    """
    charges = {CHARGES.get(symbol) for symbol in symbols}
    only = charges.pop() if len(charges) == 1 else None
    return None if only is None else float(only)


Symbol = str
"""The symbol of an element: what an argument of this kind lets through is held against `SYMBOLS`."""
_TABLE = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb "
    "Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu "
    "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db "
    "Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og D T"
)
SYMBOLS = frozenset(_TABLE.split())
"""Symbols of all elements, and those of the isotopes of hydrogen."""
