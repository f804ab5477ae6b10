"""How strongly atoms scatter X-rays and neutrons, from the tables of the library periodictable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats
from ionpath.citations import references
from ionpath.elements import SYMBOLS
from ionpath.errors import InputError

_SEARS = {"Li": -1.90, "7Li": -2.22}
"""Lengths (fm) of Sears (1992), which published structure factors were computed with; periodictable follows a
measurement of 2025 there, -1.93 and -2.28. All other elements of ours agree to 0.1 %."""


@cache
def _neutron_length(name: str) -> float | None:
    """Bound coherent length in fm of a natural element, or of an isotope such as "6Li"; None where none is known."""
    import periodictable

    found = re.fullmatch(r"(\d*)([A-Z][a-z]?)", name)
    try:
        element = periodictable.elements.symbol(found[2] if found else name)
        length = (element[int(found[1])] if found and found[1] else element).neutron.b_c
    except (ValueError, KeyError):
        return None
    return _SEARS.get(name, None if length is None else float(length))


@typed
@references("sears1992")
def neutron_lengths(species: Sequence[str], *, isotopes: Mapping[str, float | str] | None = None) -> dict[str, float]:
    """Coherent neutron scattering lengths.

    Parameters
    ----------
    species : sequence of str
        Chemical symbols.
    isotopes : mapping of str to (float or str), optional
        Own lengths in fm, or the name of an isotope, for example ``{"Li": "7Li"}``.

    Returns
    -------
    dict of str to float
        Lengths in fm.

    Raises
    ------
    InputError
        If no length of an element is known.

    Notes
    -----
    The table of periodictable (Rauch and Waschkowski, with later measurements); lithium and 7Li as in Sears (1992).

    Examples
    --------
    >>> neutron_lengths(["Li", "P"], isotopes={"Li": "7Li"})
    {'Li': -2.22, 'P': 5.13}
    """
    own = dict(isotopes or {})
    for name in own:
        if name not in SYMBOLS and name not in list(species):
            remedy = f"the species are {', '.join(dict.fromkeys(map(str, species)))}"
            raise InputError("isotopes", need="elements, or names among species", got=repr(name), remedy=remedy)
    lengths = {}
    for symbol in dict.fromkeys(map(str, species)):
        value = own.get(symbol, symbol)
        length = _neutron_length(value) if isinstance(value, str) else float(value)
        if length is None or not np.isfinite(length):
            need = "elements with a known neutron scattering length"
            raise InputError("species", need=need, got=str(value), remedy=f"give isotopes={{{symbol!r}: length in fm}}")
        lengths[symbol] = length
    return lengths


@cache
def _xray_table() -> dict[str, tuple[float, ...]]:
    """Five amplitudes, five widths (A^2) and the constant of f(s), s = Q / 4 pi, by element or ion such as "Li+"."""
    from periodictable import cromermann

    cromermann.getCMformula("Li")  # reads the table of Waasmaier and Kirfel
    table = cromermann._cmformulas
    return {re.sub(r"1([+-])$", r"\1", name): (*f.a, *f.b, f.c) for name, f in table.items()}


def __getattr__(name: str) -> Any:
    if name == "_XRAY":  # the whole table, for those who compare it with another one
        return _xray_table()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@typed
@references("waasmaier1995")
def xray_form_factors(species: Sequence[str], q: Finite, *, ions: Mapping[str, str] | None = None) -> dict[str, Floats]:
    r"""X-ray form factors.

    Parameters
    ----------
    species : sequence of str
        Chemical symbols.
    q : array_like, (Q,)
        Moduli of the scattering vector, in 1/A; up to 75.
    ions : mapping of str to str, optional
        Which entry of the table to use instead of the neutral atom, for example ``{"Cl": "Cl-"}``.

    Returns
    -------
    dict of str to ndarray, (Q,)
        Form factors in electrons.

    Raises
    ------
    InputError
        If an element is not in the table.

    Notes
    -----
    .. math:: f(s) = \sum_{i=1}^{5} a_i e^{-b_i s^2} + c, \qquad s = Q / 4\pi

    with the coefficients of Waasmaier and Kirfel, as periodictable has them.

    Examples
    --------
    >>> {k: round(float(f[0]), 2) for k, f in xray_form_factors(["P", "S"], [0.0]).items()}
    {'P': 15.0, 'S': 16.0}
    """
    s = np.asarray(q, dtype=np.float64) / (4.0 * np.pi)
    factors = {}
    for symbol in dict.fromkeys(map(str, species)):
        entry = (ions or {}).get(symbol, symbol)
        if entry not in _xray_table():
            near = [name for name in _xray_table() if re.match(rf"{re.escape(symbol)}(?![a-z])", name)]
            got = str(entry)
            remedy = f"choose among {', '.join(near)}" if near else "leave them out of the weights"
            raise InputError("species", need="elements with a tabulated X-ray form factor", got=got, remedy=remedy)
        numbers = np.array(_xray_table()[entry])
        gaussians = numbers[:5, None] * np.exp(-numbers[5:10, None] * s**2)
        factors[symbol] = np.asarray(gaussians.sum(axis=0) + numbers[10], dtype=np.float64)
    return factors
