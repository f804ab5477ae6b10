"""A number with its uncertainty and its unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.units import conversion

_NORMAL = 1.9601
"""Half an interval in standard errors above which it is taken for one of Student's t, not of a normal distribution."""
Z95 = 1.959963984540054
"""Half the width of a 95 % interval in standard errors that are known."""


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

    def __post_init__(self) -> None:
        numbers = (self.value, self.error, self.low, self.high)
        if any(number is None or isinstance(number, str) for number in numbers) or not isinstance(self.unit, str):
            got = repr((*numbers, self.unit))[:200]
            remedy = "write Estimate(value, error, low, high, unit)"
            raise InputError("Estimate", need="four numbers and a unit", got=got, remedy=remedy)
        if self.error < 0 or self.low > self.high + 1e-9 * abs(self.high):
            need = "an error of 0 or more, and the lower end of the interval first"
            got = f"an error of {self.error:g}, and {self.low:g} to {self.high:g}"
            raise InputError("Estimate", need=need, got=got, remedy="write Estimate(value, error, low, high, unit)")

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
        if not 0 < factor < math.inf:
            raise InputError("factor", need="a number above zero", got=f"{factor!r:.40}", remedy="for example 1000")
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
        if not math.isfinite(self.error) or math.isinf(self.value):
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
        Mean, standard error and 95 % interval, with a verdict that says how many bounds are in it; a bound where half
        of the runs or more have only a bound. Verdicts of the runs stay.

    Raises
    ------
    InputError
        If there are fewer than two runs, or units differ.

    Notes
    -----
    The scatter of n runs holds the spread of arrangements and the error of each run. Intervals are of Student's t: what
    the errors of the runs explain has the degrees of freedom that the widths of their intervals tell, put together as
    Welch and Satterthwaite do (doi:10.2307/3002019), and the rest of the square of s / sqrt(n) has n - 1. Of the former
    only a share of (n - 1) / (n + 2) is taken off the latter, because few runs can agree by chance: in simulated sets
    intervals then hold the truth in 0.92 to 0.99, with all of it taken off in 0.87. One run says nothing of other
    arrangements, however small its own error is. A bound of 0 to b among more numbers counts as b / 2 with the error
    b / 4: without it the mean would be too large.

    Examples
    --------
    >>> runs = [Estimate(d, 0.02, d - 0.04, d + 0.04, "A^2/ps") for d in (0.20, 0.31, 0.24)]
    >>> print(combine(runs))
    0.250 ± 0.032 A^2/ps
    """
    runs = estimates("runs", runs)
    units = list(dict.fromkeys(run.unit for run in runs))
    if len(runs) < 2 or len(units) > 1:
        raise InputError(
            "runs", need="estimates of one quantity, in one unit, from two runs or more",
            got=f"{len(runs)} in {', '.join(map(repr, units)) or 'no unit'}",
            remedy="run other arrangements of the composition, or convert with .to(unit)",
        )  # fmt: skip
    numbers = [(run.value, run.error) for run in runs if math.isfinite(run.value) and run.error > 0]
    if len(set(numbers)) < len(numbers):
        remedy = "leave out its copy"
        raise InputError("runs", need="each run once", got="two with the same value and the same error", remedy=remedy)
    runs = middles_of_bounds(runs)
    words = [word for run in runs for word in run.verdict.split(", ")]
    if not all(math.isfinite(run.value) for run in runs):
        nan = float("nan")
        top, bottom = max(run.high for run in runs), min(run.low for run in runs)
        upper = all(math.isfinite(run.high) for run in runs)
        lower = not upper and all(math.isfinite(run.low) for run in runs)
        ends = (0.0, top) if upper else (bottom, math.inf) if lower else (nan, nan)
        return Estimate(nan, nan, *ends, units[0]).judged(*words)
    mean, sampling, spread = spread_over([run.value for run in runs], [run.error for run in runs])
    if error_unknown([run.value for run in runs], [run.error for run in runs]):
        nan = float("nan")
        return Estimate(mean, nan, nan, nan, units[0]).judged(*words)
    sampling = 0.0 if math.isnan(sampling) else sampling
    chance = student_of([run.error for run in runs], [0.5 * (run.high - run.low) for run in runs])
    half = math.hypot(chance * sampling, half_of_scatter([run.value for run in runs], sampling))
    return Estimate(mean, math.hypot(sampling, spread), mean - half, mean + half, units[0]).judged(*words)


def difference(one: Estimate, other: Estimate) -> Estimate:
    """Difference of two independent numbers, with its 95 % interval.

    Parameters
    ----------
    one, other : Estimate
        Numbers with intervals, in one unit.

    Returns
    -------
    Estimate
        The first less the second. Verdicts of both stay.

    Raises
    ------
    InputError
        If units differ, or a number is a bound or has no error.

    Notes
    -----
    The ends of the interval lie ``hypot(one.value - one.low, other.high - other.value)`` below and
    ``hypot(one.high - one.value, other.value - other.low)`` above the difference, so that intervals that are not
    symmetric, or those of Student's t, keep their shape (Zou and Donner, doi:10.1002/sim.3095).

    Examples
    --------
    >>> print(difference(Estimate(16.0, 0.3, 15.4, 16.6, "nat"), Estimate(14.0, 0.4, 13.2, 14.8, "nat")))
    2.0 ± 0.5 nat
    """
    for number in estimates("estimates", (one, other)):
        ends = (number.value, number.error, number.low, number.high)
        if number.unit != one.unit or not all(map(math.isfinite, ends)):
            need = "two numbers with errors and intervals, in one unit"
            remedy = "convert with .to(unit); a bound needs a longer run before it can be compared"
            raise InputError("estimates", need=need, got=f"{one} and {other}", remedy=remedy)
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, math.hypot(one.error, other.error), low, high, one.unit).judged(one.verdict, other.verdict)


@documented
@dataclass(frozen=True)
class SizeConvergence(Msonable):
    """One quantity in cells of several sizes, each beside the largest.

    Every size but the largest ``"agrees"`` with it if the whole 95 % interval of the difference lies within the
    tolerance, ``"differs"`` if it lies wholly above or below zero and not within the tolerance, and is
    ``"not told"`` otherwise.
    """

    sizes: tuple[int, ...]  # numbers of atoms (or cells), rising
    values: tuple[Estimate, ...]  # the quantity in each
    differences: tuple[Estimate, ...]  # from the largest, of each but the largest, as a share of its value
    words: tuple[str, ...]  # "agrees", "differs" or "not told", of each but the largest
    tolerance: float  # what counts as the same, as a share of the value of the largest
    enough: int | None  # smallest size that agrees, as all larger ones do; None if the next to largest does not

    def __str__(self) -> str:
        share, largest = f"{100 * self.tolerance:g} %", self.sizes[-1]
        if self.enough is not None:
            return f"from {self.enough} on the same within {share} as in {largest}"
        size, word, apart = self.sizes[-2], self.words[-1], self.differences[-1].scaled(100.0, "%")
        if word == "differs":
            return f"not converged: {size} differ from {largest} by {apart}; run a larger one"
        return f"not told: {size} differ from {largest} by {apart}, which does not settle {share}; run both for longer"


def size_convergence(values: Mapping[int, Estimate], *, tolerance: float = 0.1) -> SizeConvergence:
    """Whether a number depends on the size of the cell that it was computed in.

    Parameters
    ----------
    values : mapping of int to Estimate
        Number of atoms (or cells) -> any quantity of one material at one temperature, such as a diffusion
        coefficient, a barrier, a path entropy per pair; of several arrangements what `combine` gives.
    tolerance : float, default 0.1
        What counts as the same, as a share of the value in the largest cell.

    Returns
    -------
    SizeConvergence
        Differences from the largest cell with intervals, a word for each size, and the smallest size that is enough.

    Raises
    ------
    InputError
        If there are fewer than two sizes, units differ, a value is a bound or has no error, or the largest is zero.

    Notes
    -----
    To agree is more than not to differ: a short run agrees with nothing. That the largest cell is large enough is
    not shown by itself, but by a smaller one that agrees with it. Runs of all sizes have to be as hot, at the same
    pressure and analysed in the same way. Each difference has a 95 % interval of its own.

    Examples
    --------
    >>> runs = {52: (0.080, 0.004), 416: (0.113, 0.003), 3328: (0.115, 0.002)}
    >>> made = {n: Estimate(d, e, d - 2 * e, d + 2 * e, "A^2/ps") for n, (d, e) in runs.items()}
    >>> found = size_convergence(made)
    >>> print(found, found.words)
    from 416 on the same within 10 % as in 3328 ('differs', 'agrees')
    """
    if not (isinstance(tolerance, int | float) and 0 < tolerance < math.inf):
        raise InputError("tolerance", need="a share above zero", got=repr(tolerance), remedy="write 0.1 for 10 %")
    sizes = tuple(sorted(values))
    if len(sizes) < 2 or not all(isinstance(size, int) and size > 0 for size in sizes):
        got = ", ".join(map(repr, sizes)) or "none"
        remedy = "run a second cell, for example twice as long along each axis"
        raise InputError("values", need="two sizes or more, each a number of atoms or cells", got=got, remedy=remedy)
    estimates("values", values)
    largest = values[sizes[-1]]
    apart = [difference(values[size], largest) for size in sizes[:-1]]
    if largest.value == 0:
        need = "a value in the largest cell that is not zero, as differences are shares of it"
        raise InputError("values", need=need, got="0", remedy="look at ionpath.estimate.difference of two sizes")
    shares = []
    for one in apart:
        low, high = sorted((one.low / largest.value, one.high / largest.value))
        shares.append(Estimate(one.value / largest.value, one.error / abs(largest.value), low, high, "", one.verdict))
    words = tuple(
        "agrees" if -tolerance <= one.low and one.high <= tolerance
        else "differs" if one.low * one.high > 0 else "not told"
        for one in shares
    )  # fmt: skip
    alike = [k for k in range(len(words)) if set(words[k:]) == {"agrees"}]
    enough = sizes[alike[0]] if alike else None
    return SizeConvergence(sizes, tuple(values[size] for size in sizes), tuple(shares), words, tolerance, enough)


def estimates(name: str, values: Iterable[Estimate] | Mapping[int, Estimate]) -> list[Estimate]:
    """Several estimates; InputError for anything else."""
    found = list(values.values() if isinstance(values, Mapping) else values)
    for one in found:
        if not isinstance(one, Estimate):
            remedy = "pass what the analyses gave, or Estimate(value, error, low, high, unit)"
            raise InputError(name, need="Estimate objects, with errors and units", got=f"{one!r:.40}", remedy=remedy)
    return found


def middles_of_bounds(runs: Sequence[Estimate]) -> list[Estimate]:
    """Runs of which a few have only a bound of 0 to b, which becomes b / 2 with the error b / 4; else the same runs.

    >>> nan = float("nan")
    >>> fast, slow, other = Estimate(3.0, 0.1, 2.8, 3.2), Estimate(nan, nan, 0.0, 2.0), Estimate(2.0, 0.1, 1.8, 2.2)
    >>> print(*middles_of_bounds([fast, slow, other]), sep="; ")
    3.0 ± 0.1 (1 of 3 a bound); 1.0 ± 0.5 (1 of 3 a bound); 2.0 ± 0.1 (1 of 3 a bound)
    """
    bounds = [run for run in runs if not math.isfinite(run.value)]
    if not bounds or 2 * len(bounds) >= len(runs) or not all(b.low == 0.0 and math.isfinite(b.high) for b in bounds):
        return list(runs)
    word = f"{len(bounds)} of {len(runs)} a bound"
    return [
        (run if math.isfinite(run.value) else replace(run, value=run.high / 2, error=run.high / 4)).judged(word)
        for run in runs
    ]


def error_unknown(values: Sequence[float], errors: Sequence[float]) -> bool:
    """Whether runs say nothing of the error of their mean: none knows its own, and there is one, or no scatter."""
    return not any(map(math.isfinite, errors)) and len(set(values)) == 1


def spread_over(values: Sequence[float], errors: Sequence[float]) -> tuple[float, float, float]:
    """Mean of runs, its standard error from their own errors, and what their scatter adds (nan for one run)."""
    n, mean = len(values), math.fsum(values) / len(values)
    sampling = math.sqrt(math.fsum(error**2 for error in errors)) / n
    if n < 2:
        return mean, sampling, float("nan")
    scatter = math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n
    known = sampling**2 if math.isfinite(sampling) else 0.0
    return mean, sampling, math.sqrt(max(scatter - known, 0.0))


def half_of_scatter(values: Sequence[float], sampling: float) -> float:
    """Half the width of a 95 % interval of the mean of runs, of what their scatter has beside their own errors."""
    n, mean = len(values), math.fsum(values) / len(values)
    scatter = math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n
    return student(n - 1) * math.sqrt(max(scatter - (n - 1) / (n + 2) * sampling**2, 0.0))


def student_of(errors: Sequence[float], halves: Sequence[float]) -> float:
    """Half the width of a 95 % interval in standard errors, of the mean of numbers with intervals of Student's t."""
    from scipy.special import stdtridf

    pairs = [(error, half / error) for error, half in zip(errors, halves, strict=True) if 0.0 < error < math.inf]
    few = [(e**4, max(float(stdtridf(0.975, wide)), 1.0)) for e, wide in pairs if _NORMAL < wide < math.inf]
    weight = math.fsum(fourth / freedom for fourth, freedom in few)
    return student(math.fsum(e**2 for e, _ in pairs) ** 2 / weight) if weight > 0.0 else Z95


def student(freedom: float) -> float:
    """Half the width of a 95 % interval in standard errors, of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


def poisson_interval(events: int) -> tuple[float, float]:
    """95 % interval of the mean number of events, where so many were seen."""
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * events)) / 2 if events else 0.0
    return low, float(chi2.ppf(0.975, 2 * events + 2)) / 2


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
