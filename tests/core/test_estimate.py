"""How numbers with errors show themselves, change their unit, and go into JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.estimate import Estimate, combine, difference, size_convergence
from ionpath.lines import linear_fit
from ionpath.units import UNITS, conversion

NAN, INF = math.nan, math.inf
BOUND = Estimate(NAN, NAN, 0.0, 0.0123, "A^2/ps")


def around(value: float, error: float, unit: str = "") -> Estimate:
    return Estimate(value, error, value - 2 * error, value + 2 * error, unit)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1523.0, 130.0, "1520 ± 130"),
        (1523.4, 5.26, "1523.4 ± 5.3"),
        (31.0, 0.5, "31.0 ± 0.5"),
        (12.5, 0.96, "12.50 ± 0.96"),
        (12.5, 0.0999, "12.5 ± 0.1"),
        (0.00123, 0.00045, "0.00123 ± 0.00045"),
        (-8.0, 12.0, "-8 ± 12"),
        (3.0, 1e-7, "3.0000000 ± 0.0000001"),
        (0.0, 2.0, "0 ± 2"),
        (6.31e-6, 1.6e-6, "(6.3 ± 1.6)e-06"),
        (1.859e8, 2.5e6, "(1.859 ± 0.025)e+08"),
        (1.0, 2.0e9, "(0 ± 2)e+09"),
    ],
)
def test_digits_follow_the_error(value: float, error: float, text: str) -> None:
    assert str(around(value, error)) == text
    assert str(around(value, error, "ps")) == text + " ps"


def test_what_is_not_known_is_said() -> None:
    assert str(Estimate(1520.0, NAN, NAN, NAN, "ps")) == "1520 ps (error not known)"
    assert f"{Estimate(1520.0, NAN, NAN, NAN, 'ps'):.1f}" == "1520.0 ps (error not known)"
    assert str(Estimate(2.5, 0.0, 2.5, 2.5, "%")) == "2.5 %"
    assert str(Estimate(NAN, NAN, NAN, NAN, "eV")) == f"{Estimate(NAN, NAN, NAN, NAN):.2f}" == "not determined"


def test_a_bound_is_a_bound_in_every_format() -> None:
    assert str(BOUND) == "< 0.0123 A^2/ps"
    assert f"{BOUND:.3f}" == "< 0.012 A^2/ps"
    assert f"{BOUND:10.1e}" == "<    1.2e-02 A^2/ps"
    assert f"{Estimate(NAN, NAN, 1500.0, INF, 'ps')}" == "> 1500 ps"
    assert f"{around(0.25, 0.011, 'eV'):.3f}" == "0.250 ± 0.011 eV"


def test_a_verdict_stands_beside_the_number_everywhere() -> None:
    """In text, in any format, in notebooks, in another unit and in JSON, and once."""
    barrier = around(21.0, 1.0, "kJ/mol").judged("not converged", "", "not converged")
    assert str(barrier) == "21 ± 1 kJ/mol (not converged)"
    assert f"{barrier:.1f}" == "21.0 ± 1.0 kJ/mol (not converged)"
    assert barrier._repr_html_() == "21 ± 1 kJ/mol (not converged)"
    assert str(barrier.to("eV")) == "0.22 ± 0.01 eV (not converged)"  # 1 eV is 96.485 kJ/mol
    assert Estimate.from_dict(json.loads(json.dumps(barrier.as_dict()))) == barrier
    assert str(BOUND.judged("not Markovian", "too few hops")) == "< 0.0123 A^2/ps (not Markovian, too few hops)"
    unknown = Estimate(1520.0, NAN, NAN, NAN, "ps", "not Markovian")
    assert str(unknown) == "1520 ps (error not known) (not Markovian)"


def test_runs_of_one_composition_spread_over_their_arrangements() -> None:
    """Three runs that scatter by 1.0 and know their values to 0.1: s / sqrt(3), and Student's t of two, 4.303."""
    runs = [around(value, 0.1, "mS/cm") for value in (4.0, 5.0, 6.0)]
    mean = combine(runs)
    assert (mean.value, mean.error) == pytest.approx((5.0, 1 / math.sqrt(3)))
    assert mean.high - 5.0 == pytest.approx(
        math.hypot(1.96 * 0.1 / math.sqrt(3), 4.303 * math.sqrt(1 / 3 - 0.4 * 0.01 / 3)), 1e-3
    )
    alike = combine([around(5.0, 0.3), around(5.1, 0.3)])  # as near as their errors allow: these alone count
    assert alike.error == pytest.approx(0.3 / math.sqrt(2)) and alike.unit == ""
    unknown = combine([Estimate(5.0, NAN, NAN, NAN), Estimate(6.0, NAN, NAN, NAN)])
    assert unknown.error == pytest.approx(0.5) and unknown.high == pytest.approx(5.5 + 12.706 * 0.5, 1e-4)
    same = combine([Estimate(0.0, NAN, NAN, NAN), Estimate(0.0, NAN, NAN, NAN)])
    assert str(same) == "0 (error not known)"  # twice the same number is no error of zero
    assert combine([runs[0].judged("not Markovian"), runs[1]]).verdict == "not Markovian"


@pytest.mark.parametrize("blocks", [5, 50])
@pytest.mark.parametrize("number", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 3.0, 10.0])
def test_intervals_over_arrangements_cover(number: int, blocks: int, spread: float) -> None:
    """Known truth 10: runs with an error of 1 from their blocks, arrangements with a spread; 0.87 of two before."""
    rng, quantile = np.random.default_rng(2), {5: 2.7764, 50: 2.0096}[blocks]  # t(0.975, 4) and t(0.975, 49)
    inside = 0
    for _ in range(1000):
        truths = 10.0 + spread * rng.standard_normal((number, 1))
        series = truths + blocks**0.5 * rng.standard_normal((number, blocks))
        values, errors = series.mean(1), series.std(1, ddof=1) / blocks**0.5
        runs = [Estimate(v, e, v - quantile * e, v + quantile * e) for v, e in zip(values, errors, strict=True)]
        found = combine(runs)
        inside += found.low <= 10.0 <= found.high
    assert 0.90 <= inside / 1000 <= 0.99


def test_runs_with_bounds_give_a_bound() -> None:
    assert str(combine([around(0.01, 0.001, "A^2/ps"), BOUND])) == "< 0.0123 A^2/ps"
    third = combine([around(0.02, 0.001, "A^2/ps"), around(0.03, 0.001, "A^2/ps"), BOUND])
    assert third.value == pytest.approx((0.05 + BOUND.high / 2.0) / 3.0) and third.verdict == "1 of 3 a bound"
    assert third.low < third.value < third.high
    lives = combine([Estimate(NAN, NAN, 30.0, INF, "ps"), Estimate(NAN, NAN, 20.0, INF, "ps")])
    assert str(lives) == "> 20 ps"
    assert str(combine([around(1.0, 0.1), Estimate(NAN, NAN, NAN, NAN)])) == "not determined"
    with pytest.raises(InputError, match="runs: need .* from two runs or more, got 1 in 'ps'; run other arrangements"):
        combine([around(1.0, 0.1, "ps")])
    with pytest.raises(InputError, match=r"runs: need .* in one unit, .*, got 2 in 'ps', 'ns'; .*convert with \.to"):
        combine([around(1.0, 0.1, "ps"), around(1.0, 0.1, "ns")])


def test_notebooks_show_powers() -> None:
    assert BOUND._repr_html_() == "&lt; 0.0123 A<sup>2</sup>/ps"


@pytest.mark.parametrize(
    ("unit", "other", "factor"),
    [
        ("A^2/ps", "cm^2/s", 1e-4),
        ("Å²/ps", "m2/s", 1e-8),
        ("mS/cm", "S/m", 0.1),
        ("eV", "kJ/mol", 96.48533212331),  # CODATA 2018
        ("J/mol/K", "nat", 1 / 8.31446261815324),
        ("kJ/mol", "kcal/mol", 1 / 4.184),
        ("GPa", "eV/A^3", 1 / 160.21766340),
        ("ps", "ns", 1e-3),
        ("", "%", 100.0),
        ("K", "K", 1.0),
    ],
)
def test_units(unit: str, other: str, factor: float) -> None:
    assert conversion(unit, other) == pytest.approx(factor, rel=1e-12)
    assert conversion(other, unit) == pytest.approx(1 / factor, rel=1e-12)
    changed = around(2.0, 0.5, unit).to(other)
    assert (changed.value, changed.error, changed.unit) == pytest.approx((2 * factor, 0.5 * factor, other))
    assert (changed.low, changed.high) == pytest.approx((factor, 3 * factor))


def test_every_unit_has_one_kind() -> None:
    names = [name for units in UNITS.values() for name in units]
    assert len(names) == len(set(names))
    assert math.isnan(BOUND.to("cm^2/s").value) and BOUND.to("cm^2/s").high == pytest.approx(1.23e-6)


def test_units_that_do_not_fit() -> None:
    with pytest.raises(InputError, match=r"unit: need one of 'A\^2/ps', .*, got 'eV'; 'A\^2/ps' is of this kind"):
        BOUND.to("eV")
    with pytest.raises(InputError, match="unit: need one of .*mS.cm, .*, got 'furlong'"):
        around(1.0, 0.1, "furlong").to("A")


def test_dictionaries_are_strict_json() -> None:
    text = json.dumps(BOUND.as_dict(), allow_nan=False)
    data = json.loads(text)
    assert data["value"] is None and data["high"] == 0.0123 and data["@class"] == "Estimate"
    again = Estimate.from_dict(data)
    assert math.isnan(again.value) and str(again) == str(BOUND)
    assert Estimate.from_dict(around(1.0, 0.5, "ps").as_dict()) == around(1.0, 0.5, "ps")


def test_intervals_of_differences_cover() -> None:
    """Of 4,000 pairs with intervals that are not symmetric, 94 to 96 % of the differences hold the true one."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(4000):
        pair = []
        for truth, spread in ((0.12, 0.10), (0.10, 0.25)):  # A^2/ps, standard error of ln D
            value = truth * math.exp(rng.normal(0, spread))
            factor = math.exp(1.96 * spread)
            pair.append(Estimate(value, value * spread, value / factor, value * factor, "A^2/ps"))
        apart = difference(*pair)
        held += apart.low <= 0.02 <= apart.high
    assert 0.94 <= held / 4000 <= 0.96
    assert difference(around(3.0, 0.3).judged("not Markovian"), around(1.0, 0.4)).verdict == "not Markovian"
    for other in (BOUND, around(1.0, 0.1, "nat"), Estimate(1.0, NAN, NAN, NAN, "A^2/ps")):
        with pytest.raises(InputError, match=r"estimates: need two numbers .* in one unit, got .*; convert with .to"):
            difference(around(0.1, 0.01, "A^2/ps"), other)


def test_sizes_of_a_cell_agree_differ_or_are_not_told() -> None:
    """Row 46 of the studies, mean squared displacements that converge at 4 x 4 x 4 cells, on made-up numbers."""
    cells = {
        52: around(0.080, 0.004),
        416: around(0.113, 0.002),
        1404: around(0.116, 0.002),
        3328: around(0.115, 0.001),
    }
    found = size_convergence(dict(reversed(cells.items())))
    assert found.sizes == (52, 416, 1404, 3328)
    assert found.words == ("differs", "agrees", "agrees")
    assert found.enough == 416
    assert str(found) == "from 416 on the same within 10 % as in 3328"
    assert found.differences[0].value == pytest.approx(0.080 / 0.115 - 1)
    strict = size_convergence(cells, tolerance=0.01)
    assert (strict.words, strict.enough) == (("differs", "not told", "not told"), None)
    assert str(strict) == (
        "not told: 1404 differ from 3328 by 0.9 ± 1.9 %, which does not settle 1 %; run both for longer"
    )
    small = size_convergence({52: cells[52], 416: cells[416]})
    assert str(small).startswith("not converged: 52 differ from 416 by -29 ± 4 %; run a larger one")
    # a negative quantity, such as an energy, is no smaller for it
    assert size_convergence({1: around(-4.64, 0.001), 8: around(-4.65, 0.001)}).enough == 1
    # one size that agrees below one that does not is not enough
    assert size_convergence({1: around(1.0, 0.01), 2: around(1.5, 0.01), 3: around(1.0, 0.01)}).enough is None
    with pytest.raises(InputError, match="values: need two sizes or more, .* got 52; run a second cell"):
        size_convergence({52: cells[52]})
    with pytest.raises(InputError, match="estimates: need two numbers .*; a bound needs a longer run"):
        size_convergence({52: BOUND, 416: around(0.1, 0.01, "A^2/ps")})
    with pytest.raises(InputError, match="values: need a value in the largest cell that is not zero"):
        size_convergence({52: around(0.1, 0.1), 416: around(0.0, 0.1)})
    with pytest.raises(InputError, match="tolerance: need a share above zero, got 0; write 0.1 for 10 %"):
        size_convergence(cells, tolerance=0)


def test_sizes_that_are_the_same_are_rarely_called_different() -> None:
    """Of 2,000 equal pairs at most 6 % differ, and of 2,000 that differ by the tolerance at most 3 % agree."""
    rng = np.random.default_rng(4)
    words = {0.0: [], 0.1: []}
    for shift, said in words.items():
        for _ in range(2000):
            values = {n: around(rng.normal(1.0 + shift * (n == 1), 0.03), 0.03) for n in (1, 8)}
            said.append(size_convergence(values, tolerance=0.1).words[0])
    assert words[0.0].count("differs") <= 0.06 * 2000
    assert words[0.0].count("agrees") > 100  # short runs agree with nothing, these now and then
    assert words[0.1].count("agrees") <= 0.03 * 2000


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Estimate(1.0, 0.1, 2.0, 0.0, "eV"), "Estimate: need .* lower end of the interval first, .* 2 to 0"),
        (lambda: Estimate(1.0, -0.1, 0.8, 1.2, "eV"), "Estimate: need an error of 0 or more, .* got an error of -0.1"),
        (lambda: Estimate("1.0", 0.1, 0.8, 1.2, "eV"), "Estimate: need four numbers and a unit, got .'1.0', 0.1"),
        (lambda: Estimate(1.0, 0.1, 0.8, 1.2, None), "Estimate: need four numbers and a unit, got .1.0, .* None"),
        (lambda: Estimate(1.0, 0.1, 0.8, 1.2).scaled(-2.0, "eV"), "factor: need a number above zero, got -2.0"),
        (lambda: combine([Estimate(1.0, 0.1, 0.8, 1.2)] * 2), "runs: need each run once, got two with the same value"),
        (lambda: combine([1.0, 2.0]), "runs: need Estimate objects, with errors and units, got 1.0"),
        (lambda: difference(1.0, 2.0), "estimates: need Estimate objects, with errors and units, got 1.0"),
        (lambda: size_convergence({52: 1.0, 416: 2.0}), "values: need Estimate objects, with errors .* got 1.0"),
    ],
)  # fmt: skip
def test_what_is_no_estimate_is_refused(make, told):
    with pytest.raises(InputError, match=told):
        make()


def test_lines_through_numbers_with_errors_cover() -> None:
    """95 % intervals of slope and intercept hold the truth: errors as given, and errors given half as large."""
    x = np.array([0.0, 0.3, 0.7, 1.0, 1.4])
    rng = np.random.default_rng(5)
    for told, least in ((1.0, 0.93), (0.5, 0.90)):
        held = np.zeros(2)
        for _ in range(1000):
            errors = rng.uniform(0.5, 2.0, x.size)
            drawn = 3.0 + 2.0 * x + rng.normal(0, errors)
            found = linear_fit(x, [Estimate(v, told * e, v - e, v + e) for v, e in zip(drawn, errors, strict=True)])
            held += [found.slope.low <= 2.0 <= found.slope.high, found.intercept.low <= 3.0 <= found.intercept.high]
        assert least < held.min() / 1000 and held.max() / 1000 < 0.995
    weights, line = np.polyfit(x, drawn, 1, w=1 / errors), found
    assert (line.slope.value, line.intercept.value) == pytest.approx(tuple(weights))
    covariance = np.polyfit(x, drawn, 1, w=1 / (0.5 * errors), cov="unscaled")[1]
    np.testing.assert_allclose(line.covariance, covariance * max(1.0, line.chi_squared / 3), rtol=1e-9)


@pytest.mark.parametrize(
    ("x", "values", "sentence"),
    [
        (
            [0, 1],
            [1.0, 2.0],
            "values: need three numbers or more, with errors and in one unit, got 1.0 .*; leave bounds",
        ),
        (
            [0, 1, 2],
            [1.0, 2.0, float("nan")],
            "values: need three numbers or more, with errors .*, got .* not determined",
        ),
        ([0, 0, 0], [1.0, 2.0, 3.0], "x: need 3 finite numbers, one for each value and not all the same, got"),
        ([0, 1], [1.0, 2.0, 3.0], "x: need 3 finite numbers, one for each value and not all the same, got"),
    ],
)
def test_lines_that_cannot_be_fitted(x: list[float], values: list[float], sentence: str) -> None:
    nan = float("nan")
    made = [Estimate(v, 0.1, v - 0.2, v + 0.2) if v == v else Estimate(nan, nan, nan, nan) for v in values]
    with pytest.raises(InputError, match=sentence):
        linear_fit(x, made)


def test_heights_of_a_line_have_errors() -> None:
    """Where x is zero the height is the intercept, and amid the numbers its error is that of their weighted mean."""
    x, errors = np.array([0.0, 1.0, 2.0, 4.0]), np.array([0.1, 0.2, 0.2, 0.1])
    drawn = 1.0 + 0.5 * x + np.array([0.05, -0.1, 0.1, -0.05])  # mS/cm
    numbers = [Estimate(v, e, v - 2 * e, v + 2 * e, "mS/cm") for v, e in zip(drawn, errors, strict=True)]
    found = linear_fit(x.tolist(), numbers)
    assert found.at(0.0).error == pytest.approx(found.intercept.error)
    assert found.at(0.0).high == pytest.approx(found.intercept.high) and found.at(0.0).unit == "mS/cm"
    middle = float(np.average(x, weights=errors**-2))
    assert found.chi_squared / found.freedom < 1.0  # so that errors are as given
    assert found.at(middle).error == pytest.approx((errors**-2).sum() ** -0.5)
    doubted = linear_fit(x.tolist(), [numbers[0].judged("not converged"), *numbers[1:]])
    assert doubted.at(3.0).verdict == "not converged"
    for wrong in ("abc", None, 3.0):
        with pytest.raises(InputError, match="need"):
            linear_fit(wrong, numbers)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="need"):
            linear_fit([0.0, 1.0, 2.0, 4.0], wrong)  # type: ignore[arg-type]
