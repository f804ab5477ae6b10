"""A number with its uncertainty and its unit."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value, its standard error, and an interval.

    Attributes
    ----------
    value : float
        Best estimate.
    error : float
        Standard error (one sigma); nan where it cannot be given.
    low, high : float
        95 % interval; an upper bound has ``low = 0`` and ``value = nan``, and what could not be determined has no
        finite ``high`` either.
    unit : str
        Unit of all four numbers.

    Examples
    --------
    >>> print(Estimate(1.234, 0.056, 1.12, 1.35, "mS/cm"))
    1.23 ± 0.056 mS/cm
    >>> nan = float("nan")
    >>> print(Estimate(nan, nan, 0.0, 2.0, "mS/cm"), "|", Estimate(nan, nan, nan, nan, "kJ/mol"))
    < 2 mS/cm | not determined
    """

    value: float
    error: float
    low: float
    high: float
    unit: str = ""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"< {self.high:.3g} {self.unit}".rstrip() if math.isfinite(self.high) else "not determined"
        return f"{self.value:.3g} ± {self.error:.2g} {self.unit}".rstrip()

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        return f"{self.value:{spec}} ± {self.error:{spec}} {self.unit}".rstrip()
