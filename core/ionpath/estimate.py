"""A number with its uncertainty and its unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.units import conversion


@documented
@dataclass(frozen=True)
class Estimate(Msonable):
    """A value, its standard error, and an interval.

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

    A verdict goes where the number goes:

    >>> print(Estimate(21.0, 1.0, 19.0, 23.0, "kJ/mol").judged("not converged"))
    21 ± 1 kJ/mol (not converged)
    """

    value: float  # best estimate
    error: float  # standard error (one sigma); nan where it cannot be known
    # low, high: 95 % interval. A bound has ``value = nan`` and one finite end: an upper bound the high one, with
    # ``low = 0``, a lower bound the low one; what could not be determined has neither.
    low: float
    high: float
    unit: str = ""  # unit of all four numbers
    # a few words where the number does not hold, such as "not converged"; they stand beside it wherever it is shown
    verdict: str = ""

    def judged(self, *words: str) -> Estimate:
        """The same with verdicts of a few words each that are to stand beside it; those that are there add nothing."""
        said = dict.fromkeys([*self.verdict.split(", "), *words])
        return replace(self, verdict=", ".join(word for word in said if word))

    def to(self, unit: str) -> Estimate:
        """The same in another unit, such as "cm^2/s", "S/cm", "nat", "eV", "ns".

        InputError if a unit is unknown, or measures something else.

        Examples
        --------
        >>> print(Estimate(8.314, 0.083, 8.15, 8.48, "J/mol/K").to("nat"))
        1.00 ± 0.01 nat
        """
        factor = conversion(self.unit, unit)
        return self.scaled(factor, unit)

    def scaled(self, factor: float, unit: str) -> Estimate:
        """All four numbers times a factor above zero, in `unit`, that of the product, with the same verdict."""
        numbers = (self.value * factor, self.error * factor, self.low * factor, self.high * factor)
        return Estimate(*numbers, unit, self.verdict)

    def __str__(self) -> str:
        return self._text("")

    def __format__(self, spec: str) -> str:
        return self._text(spec)

    def _text(self, spec: str) -> str:
        return f"{self._numbers(spec)} ({self.verdict})" if self.verdict else self._numbers(spec)

    def _numbers(self, spec: str) -> str:
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


def combine(runs: Sequence[Estimate]) -> Estimate:
    """Mean over runs of one composition, with the spread over their arrangements in its error.

    Parameters
    ----------
    runs : sequence of Estimate
        The same quantity from two runs or more, each of an arrangement of its own.

    Returns
    -------
    Estimate
        Mean, standard error and 95 % interval; a bound where a run has only a bound. Verdicts of the runs stay.

    Raises
    ------
    InputError
        If there are fewer than two runs, or units differ.

    Notes
    -----
    The scatter of n runs holds the spread of arrangements and the error of each run. Of the square of s / sqrt(n),
    what the errors of the runs explain is normal, and the rest follows Student's t with n - 1 degrees of freedom. One
    run says nothing of other arrangements, however small its own error is.

    Examples
    --------
    >>> runs = [Estimate(d, 0.02, d - 0.04, d + 0.04, "A^2/ps") for d in (0.20, 0.31, 0.24)]
    >>> print(combine(runs))
    0.250 ± 0.032 A^2/ps
    """
    units = list(dict.fromkeys(run.unit for run in runs))
    if len(runs) < 2 or len(units) > 1:
        raise InputError(
            "runs", need="estimates of one quantity, in one unit, from two runs or more",
            got=f"{len(runs)} in {', '.join(map(repr, units)) or 'no unit'}",
            remedy="run other arrangements of the composition, or convert with .to(unit)",
        )  # fmt: skip
    words = [word for run in runs for word in run.verdict.split(", ")]
    if not all(math.isfinite(run.value) for run in runs):
        nan = float("nan")
        top, bottom = max(run.high for run in runs), min(run.low for run in runs)
        upper = all(math.isfinite(run.high) for run in runs)
        lower = not upper and all(math.isfinite(run.low) for run in runs)
        ends = (0.0, top) if upper else (bottom, math.inf) if lower else (nan, nan)
        return Estimate(nan, nan, *ends, units[0]).judged(*words)
    mean, sampling, spread = spread_over([run.value for run in runs], [run.error for run in runs])
    sampling = 0.0 if math.isnan(sampling) else sampling
    half = math.hypot(1.959964 * sampling, student(len(runs) - 1) * spread)
    return Estimate(mean, math.hypot(sampling, spread), mean - half, mean + half, units[0]).judged(*words)


def spread_over(values: Sequence[float], errors: Sequence[float]) -> tuple[float, float, float]:
    """Mean of runs, its standard error from their own errors, and what their scatter adds (nan for one run)."""
    n, mean = len(values), math.fsum(values) / len(values)
    sampling = math.sqrt(math.fsum(error**2 for error in errors)) / n
    if n < 2:
        return mean, sampling, float("nan")
    scatter = math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n
    known = sampling**2 if math.isfinite(sampling) else 0.0
    return mean, sampling, math.sqrt(max(scatter - known, 0.0))


def student(freedom: int) -> float:
    """Half the width of a 95 % interval in standard errors, of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


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
