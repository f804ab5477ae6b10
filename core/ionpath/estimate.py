"""A number with its uncertainty and its unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ionpath.msonable import Msonable
from ionpath.units import conversion


@dataclass(frozen=True)
class Estimate(Msonable):
    """A value, its standard error, and an interval.

    Attributes
    ----------
    value : float
        Best estimate.
    error : float
        Standard error (one sigma); nan where it cannot be given.
    low, high : float
        95 % interval. A bound has ``value = nan`` and one finite end: an upper bound the high one, with ``low = 0``, a
        lower bound the low one; what could not be determined has neither.
    unit : str
        Unit of all four numbers.

    Examples
    --------
    Digits follow the error:

    >>> print(Estimate(1.234, 0.056, 1.12, 1.35, "mS/cm"), "|", Estimate(1523.0, 130.0, 1270.0, 1780.0, "ps"))
    1.234 ± 0.056 mS/cm | 1520 ± 130 ps
    >>> nan = float("nan")
    >>> print(Estimate(nan, nan, 0.0, 2.0, "mS/cm"), "|", Estimate(nan, nan, nan, nan, "kJ/mol"))
    < 2 mS/cm | not determined
    >>> print(Estimate(4.0e-6, 5.0e-7, 3.0e-6, 5.0e-6, "A^2/ps").to("cm^2/s"))
    (4.0 ± 0.5)e-10 cm^2/s
    """

    value: float
    error: float
    low: float
    high: float
    unit: str = ""

    def to(self, unit: str) -> Estimate:
        """Return the same in another unit.

        Parameters
        ----------
        unit : str
            Such as "cm^2/s", "S/cm", "nat", "eV", "ns".

        Returns
        -------
        Estimate
            All four numbers in `unit`.

        Raises
        ------
        InputError
            If a unit is unknown, or measures something else.

        Examples
        --------
        >>> print(Estimate(8.314, 0.083, 8.15, 8.48, "J/mol/K").to("nat"))
        1.00 ± 0.01 nat
        """
        factor = conversion(self.unit, unit)
        return Estimate(self.value * factor, self.error * factor, self.low * factor, self.high * factor, unit)

    def __str__(self) -> str:
        return self._text("")

    def __format__(self, spec: str) -> str:
        return self._text(spec)

    def _text(self, spec: str) -> str:
        def show(number: float) -> str:
            return format(number, spec) if spec else _three_digits(number)

        if math.isnan(self.value):
            if math.isfinite(self.high):
                return f"< {show(self.high)} {self.unit}".rstrip()
            known = math.isfinite(self.low)
            return f"> {show(self.low)} {self.unit}".rstrip() if known else "not determined"
        if not math.isfinite(self.error):
            return f"{show(self.value)} {self.unit}".rstrip() + " (error not known)"
        if self.error <= 0:
            return f"{show(self.value)} {self.unit}".rstrip()  # exact
        pair = f"{show(self.value)} ± {show(self.error)}" if spec else _with_error(self.value, self.error)
        return f"{pair} {self.unit}".rstrip()

    def _repr_html_(self) -> str:
        from html import escape

        return escape(str(self)).replace("^2", "<sup>2</sup>").replace("^3", "<sup>3</sup>")


def _with_error(value: float, error: float) -> str:
    """Value to the digits of its error, which has two, or one where the second is 0."""
    size = math.floor(math.log10(max(abs(value), error)))
    if not -4 <= size < 7:
        scaled = _with_error(value / 10.0**size, error / 10.0**size)
        return f"({scaled})e{size:+03d}"
    last = math.floor(math.log10(float(f"{error:.1e}"))) - 1
    last += round(error / 10.0**last) % 10 == 0 and last < 0
    return f"{round(value, -last):.{max(-last, 0)}f} ± {round(error, -last):.{max(-last, 0)}f}"


def _three_digits(value: float) -> str:
    """Value to three digits, without an exponent where people write none."""
    if not math.isfinite(value) or not 1000 <= abs(value) < 1e7:
        return f"{value:.3g}"
    return f"{float(f'{value:.3g}'):.0f}"
