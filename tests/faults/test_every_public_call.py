"""Every public call with one argument made wrong ends in one sentence; what is public is tried, or it fails here."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from ionpath.arguments import typed
from ionpath.arrays import Truths, Whole
from ionpath.elements import Symbol
from ionpath.errors import InputError

sys.path.insert(0, str(Path(__file__).parent))  # two modules of this folder are no tests

import calls
import rows

pytestmark = pytest.mark.filterwarnings("ignore")


def test_every_public_callable_has_a_valid_call() -> None:
    lacking = [
        name
        for thing, name in calls.public().items()
        if name not in rows.ROWS
        and name not in rows.RESULTS | rows.BY_METHODS | set(rows.UNTRIED)
        and thing.__name__ not in calls.calls_in(inspect.getdoc(thing) or "")
    ]
    assert not lacking, f"no example calls these, and tests/faults/rows.py has no row for them: {lacking}"


def told(ends: list[dict[str, Any]], *, everything: bool) -> list[str]:
    """What did not end in a sentence that can be followed: bare errors, no end, what is wrong but was taken."""
    bad = []
    for end in ends:
        if not end["wrong"]:  # the valid call: where it is none, nothing is tried
            if end["end"] not in ("accepted", "time") and (end["call"], "", "") not in rows.ALLOWED:
                bad.append(f"{end['call']} is no valid call: {end['text'][:150]}")
            continue
        bad += [f"{end['call']} advises {name}: {end['text'][:150]}" for name in end.get("dead", [])]
        taken = end["end"] == "accepted" and end["wrong"] in calls.NEVER
        if (end["end"] not in ("clear", "accepted") and (everything or end["wrong"] in calls.NEVER)) or taken:
            place = (end["call"], end["argument"], end["wrong"])
            if place not in rows.ALLOWED:
                bad.append(f"{place}: {end['end']} {end.get('error', '')} {end['text'][:100]}")
    return bad


@pytest.mark.parametrize("package", ["ionpath.transport", "ionpath.free_energy", "ionpath.lattice"])
def test_wrong_kinds_are_refused(package: str) -> None:
    names = sorted(name for name in calls.public().values() if name.startswith(package) and name in rows.SHORT)
    assert names
    for call in calls.all_calls(tuple(names)):
        ends = calls.campaign(call, calls.NEVER)
        assert not told(ends, everything=False)
        assert sum(end["end"] == "clear" for end in ends) > len(ends) / 2


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "package", sorted({".".join(name.split(".")[:-1]) for name in calls.public().values() if name not in rows.RESULTS})
)
def test_nothing_bare_and_nothing_without_end(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bad, n = [], 0
    for call in calls.all_calls(calls.in_package(package)):
        ends = calls.campaign(call)
        n += len(ends) - 1
        bad += told(ends, everything=True)
    assert n > 0
    assert not bad, "\n".join(bad)


class Place:
    """Something with arguments of its own."""


@typed
def example(
    length: float, times: int = 1, words: list[str] | None = None, *, path: Any = None, place: Place | None = None,
    unknown: float = float("nan"), wide: tuple[int, int] | int = 2,
) -> tuple[float, int]:  # fmt: skip
    """One argument of each kind."""
    return float(np.take([length], times - 1)), times


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"length": float("nan")}, "length: need a number, got nan"),
        ({"length": True}, "length: need a number, got True"),
        ({"length": np.zeros(2)}, r"length: need a number, got an array of float64, shape \(2,\)"),
        ({"length": 1 + 1j}, "length: need a number, got"),
        ({"length": 1.0, "times": 1.5}, "times: need a whole number, got 1.5"),
        ({"length": 1.0, "times": "2"}, "times: need a whole number, got '2'"),
        ({"length": 1.0, "words": "Li"}, "words: need a sequence, each text or None, got 'Li'"),
        ({"length": 1.0, "words": [1]}, "words: need a sequence, each text or None, got"),
        ({"length": 1.0, "place": 3}, "place: need an object of class Place or None, got 3"),
        ({"length": 1.0, "wide": (1, 2, 3)}, "wide: need 2 whole numbers or a whole number, got"),
        (
            {"length": 1.0, "times": 7},
            "example: need arguments whose .* got IndexError: .*; these were length 1.0, times 7",
        ),
    ],
)
def test_kinds_are_told_by_name(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        example(**arguments)


@typed
def words(
    mode: Literal["correct", "published"] = "correct", element: Symbol = "Li", temperature: float | None = None,
    temperatures: Sequence[float] = (300.0,), number: int = 1, seed: int = 0, labels: Whole = (), flags: Truths = (),
) -> int:  # fmt: skip
    """Arguments whose words, names or sizes say more than their kinds."""
    return number


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"mode": "corect"}, "mode: need 'correct' or 'published', got 'corect'; did you mean 'correct'"),
        ({"element": "nonsense"}, "element: need the symbol of an element, got 'nonsense'"),
        ({"temperature": 1e-12}, "temperature: need a number or None, in K from 1e-09 to 1e[+]12, got 1e-12"),
        ({"temperature": 1e30}, "temperature: need .* in K from 1e-09 to 1e[+]12, got 1e[+]30"),
        ({"temperatures": [300.0, float("nan")]}, "temperatures: need a sequence, each a number, in K .*, got"),
        ({"temperatures": [300.0, 1e-12]}, "temperatures: need a sequence, each a number, in K from 1e-09"),
        ({"number": 10**12}, "number: need a whole number of at most 10,000,000,000, got 10{12}"),
        ({"labels": [0.0, 1.5]}, r"labels: need an array of whole numbers, got \[0.0, 1.5\]"),
        ({"flags": [0.0, float("nan")]}, "flags: need an array of truth values, got"),
    ],
)
def test_words_names_and_sizes_are_held_against_what_they_mean(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        words(**arguments)


def test_zero_kelvin_large_seeds_and_truth_values_go_through() -> None:
    assert words("published", "D", 0.0, [0, 77.0], 10**9, 10**18, [[0, 2.0]], [True, False]) == 10**9


def test_what_is_right_goes_through_as_it_is() -> None:
    assert example(2, 1.0) == (2.0, 1)  # counts become integers
    assert [type(value) for value in example(np.float32(2.0), np.int64(1))] == [float, int]  # which JSON can write
    assert example(1.0, unknown=float("nan"), wide=3) == (1.0, 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'lenght'"):
        example(lenght=1.0)  # type: ignore[call-arg]


def test_errors_of_other_peoples_code_stay_as_they_are() -> None:
    import json

    @typed
    def reads(text: str) -> Any:
        return json.loads(text)

    with pytest.raises(json.JSONDecodeError, match="Expecting property name"):
        reads("{")


@typed
def kinds(
    x: float = 0.0, number: int = 1, points: Sequence[float] = (), array: Whole = (), tolerance: float = 1.0
) -> Any:
    """What came in."""
    return x, number, points, array, tolerance


def test_numbers_and_tables_of_others_are_plain_ones() -> None:
    from collections import deque
    from decimal import Decimal
    from fractions import Fraction

    pandas = pytest.importorskip("pandas")
    found = kinds(np.array(0.5), Fraction(4, 2), deque([1.0]), pandas.DataFrame([[1, 2]]), Decimal("0.5"))  # type: ignore[arg-type]
    assert [type(value) for value in found] == [float, int, deque, np.ndarray, float]  # which JSON can write
    assert found[:2] == (0.5, 2) and found[3].tolist() == [[1, 2]]
    from ionpath.kinetics import count_matrix

    walks = np.array([[0, 1, 1, 0], [1, 0, 0, 1]])  # iterating a table of pandas gives the names of its columns
    assert np.array_equal(count_matrix(pandas.DataFrame(walks), 2), count_matrix(walks, 2))
    assert kinds(np.longdouble(0.5))[0] == 0.5 and type(kinds(np.longdouble(0.5))[0]) is float


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (
            {"array": np.ma.array([1, 2], mask=[1, 0])},
            r"array: need .*, got an array of int64, shape \(2,\), 1 of it masked",
        ),
        ({"array": np.ma.array([[1], [2]], mask=[[0], [1]])}, "1 of it masked"),
        ({"points": np.ma.array([1.0, 2.0], mask=[1, 0])}, "points: need a sequence, each a number"),
        ({"x": np.ma.masked}, "x: need a number, got"),
        ({"tolerance": -1e-3}, "tolerance: need a number, of zero or more, got -0.001"),
        ({"number": 2**63}, "number: need a whole number of at most 10,000,000,000, got 9223372036854775808"),
        ({"number": 10**400}, "number: need a whole number of at most 10,000,000,000, got 1000"),
        ({"number": -3}, "number: need a whole number, of zero or more, got -3"),
    ],
)
def test_what_is_masked_is_not_read_and_less_than_nothing_is_none(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        kinds(**arguments)


def test_negative_temperatures_are_refused() -> None:
    with pytest.raises(InputError, match="temperature: need .* in K from 1e-09"):
        words(temperature=-300.0)
