"""Switching functions: smooth counting of neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.documented import documented
from ionpath.errors import InputError


@typed
@documented
@dataclass(frozen=True)
class Rational:
    """Rational switching function ``[1 - x^n] / [1 - x^m]`` with ``x = (r - d0) / r0``, and 1 below d0.

    Notes
    -----
    The same function as RATIONAL of PLUMED without a D_MAX. It has a kink in its second derivative (n >= 3) at d0.

    Examples
    --------
    >>> value, slope = Rational(r0=0.3, d0=2.6)([2.0, 2.9])
    >>> value.round(3)
    array([1. , 0.5])
    """

    r0: float  # width in A
    d0: float = 0.0  # distance in A up to which a neighbour counts fully
    # nn, mm: exponents n and m; m = 0 means 2 n, for which the function is ``1 / (1 + x^n)``
    nn: int = 6
    mm: int = 12

    def __post_init__(self) -> None:
        """Refuse what is no switching function."""
        if not self.r0 > 0:
            raise InputError("r0", need="a width above 0 A", got=f"{self.r0}", remedy="give the width of the switch")
        if self.nn < 1 or (self.mm and self.mm <= self.nn):
            need = "an exponent above nn, or 0 for twice nn"
            raise InputError("mm", need=need, got=f"nn={self.nn}, mm={self.mm}", remedy="use for example nn=6, mm=12")

    def __call__(self, distances: ArrayLike) -> tuple[Floats, Floats]:
        """Value and derivative."""
        r = np.asarray(distances, dtype=float)
        x = np.maximum((r - self.d0) / self.r0, 0.0)
        n, m = self.nn, self.mm or 2 * self.nn
        if m == 2 * n:
            power = x**n
            value = 1.0 / (1.0 + power)
            slope = -n * x ** (n - 1) * value**2
        else:
            value, slope = _general(x, n, m)
        return value, np.where(x > 0, slope, 0.0) / self.r0


def _general(x: Floats, n: int, m: int) -> tuple[Floats, Floats]:
    """Evaluate the ratio with its removable singularity at x = 1 and without overflow at large x."""
    near = np.abs(x - 1.0) < 1e-4
    safe = np.where(near, 0.5, x)
    top, bottom = 1.0 - safe**n, 1.0 - safe**m
    value = top / bottom
    slope = (-n * safe ** (n - 1) + value * m * safe ** (m - 1)) / bottom
    # Taylor expansion about 1: f = n/m [1 + (n-m)/2 y + ...], y = x - 1.
    y = np.where(near, x - 1.0, 0.0)
    first = 0.5 * (n - m)
    second = ((n - 1) * (n - 2) - (m - 1) * (m - 2)) / 6.0 - first * (m - 1) / 2.0
    value = np.where(near, n / m * (1 + first * y + second * y**2), value)
    slope = np.where(near, n / m * (first + 2 * second * y), slope)
    return value, slope
