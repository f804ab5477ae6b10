"""What the elements of ion conductors are: mobile, anion, or former of a polyanion, with their formal charges.

One list for every package: what counts as an anion decides where shells are looked for, what is framework, and which
structures are neutral.
"""

from __future__ import annotations

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
