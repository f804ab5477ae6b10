"""What numbers with intervals say in words, and no more than that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ionpath.estimate import Estimate
from ionpath_cli.record import Quantity

WORTH = {
    "holds": "Nothing in the run speaks against",
    "bound only": "The run gives no more than a bound",
    "does not hold": "Not to be quoted, since the verdict on the run does not hold",
    "not judged": "Without a verdict",
    "not determined": "The run does not tell",
}
"""What a reader of one system is told about the numbers of each standing."""


def comparison(quantities: Mapping[str, Mapping[str, Quantity]]) -> list[str]:
    """Sentences about each quantity (name -> system -> quantity), from its 95 % intervals in several systems or one."""
    systems = {label for of in quantities.values() for label in of}
    if len(systems) == 1:
        return _worth({name: quantity for name, of in quantities.items() for quantity in of.values()})
    said: list[str] = []
    for name, of in quantities.items():
        known = {label: q for label, q in of.items() if interval(q.estimate) is not None}
        if len(known) > 1:
            said.append(_extremes(name, known))
    single = [name for name, of in quantities.items() if len(of) == 1]
    if single:
        said.append(f"One system only has: {'; '.join(single)}. These are compared with nothing.")
    lacking = [
        f"{name} of {label}" for name, of in quantities.items() for label, q in of.items()
        if interval(q.estimate) is None
    ]  # fmt: skip
    if lacking:
        said.append(f"Not determined: {'; '.join(lacking)}.")
    return said


def _worth(quantities: Mapping[str, Quantity]) -> list[str]:
    """One sentence for each kind of verdict, with the numbers that it is about."""
    said = []
    for worth, lead in WORTH.items():
        named = [
            name if worth == "not determined" else f"{name} {q.estimate}"
            for name, q in quantities.items()
            if standing(q) == worth
        ]
        said += [f"{lead}: {'; '.join(named)}."] if named else []
    return said


def standing(quantity: Quantity) -> str:
    """What a number is worth, in two or three words.

    >>> standing(Quantity("D", Estimate(float("nan"), float("nan"), 0.0, 2.0, "A^2/ps"), verdict="too short"))
    'bound only'
    """
    if interval(quantity.estimate) is None:
        return "not determined"
    if math.isnan(quantity.estimate.value):
        return "bound only"
    return {None: "not judged", True: "holds", False: "does not hold"}[quantity.sound]


def interval(estimate: Estimate) -> tuple[float, float] | None:
    """95 % interval, with an open end as an infinity; None where nothing is known.

    >>> interval(Estimate(float("nan"), float("nan"), 3.0, float("nan")))
    (3.0, inf)
    """
    low, high = estimate.low, estimate.high
    if math.isnan(low) and math.isnan(high):
        return (estimate.value, estimate.value) if estimate.error == 0 and math.isfinite(estimate.value) else None
    return (-math.inf if math.isnan(low) else low), (math.inf if math.isnan(high) else high)


def _extremes(name: str, known: Mapping[str, Quantity]) -> str:
    """Compare the two systems whose intervals lie furthest apart; of the others the table tells."""
    units = {q.estimate.unit for q in known.values()}
    if len(units) > 1:
        return f"{_capital(name)} is given in different units and is not compared."
    pairs = [(a, b) for a in known for b in known if a != b]
    high, low = max(pairs, key=lambda pair: _gap(known[pair[0]].estimate, known[pair[1]].estimate))
    apart = _gap(known[high].estimate, known[low].estimate) > 0
    one, other = (f"{known[label].estimate}" for label in (high, low))
    if apart:
        text = f"{_capital(name)} is larger in {high} ({one}) than in {low} ({other}): their 95 % intervals are apart."
    else:
        shown = "; ".join(f"{label} {known[label].estimate}" for label in known)
        text = f"{_capital(name)} is not shown to differ ({shown}): the 95 % intervals overlap."
    if len(known) > 2 and apart:
        text += f" These are the two furthest apart of {len(known)}."
    doubtful = [label for label in ([high, low] if apart else known) if standing(known[label]) == "does not hold"]
    if doubtful:
        text += f" The verdict on {_and(doubtful)} does not hold, so this is not settled."
    return text


def _gap(high: Estimate, low: Estimate) -> float:
    """How far the interval of one lies above that of the other."""
    one, other = interval(high), interval(low)
    assert one is not None and other is not None
    return one[0] - other[1]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
