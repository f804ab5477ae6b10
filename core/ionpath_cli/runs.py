"""Several runs of one system in a report: their means, with the spread over runs in the errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ionpath.estimate import combine
from ionpath_cli.record import Quantity, Record

Runs = Sequence[tuple[Path, Record]]


def systems_of(records: Runs) -> tuple[list[tuple[Path, Record]], list[Record]]:
    """Each run under a name of its own, and one record for each system: means where it has several runs.

    Runs belong together if they have one label, and one composition, temperature and lag as far as they are known. Of
    runs with the same numbers only one counts: it is one run that was analysed twice.
    """
    systems: dict[str, list[tuple[Path, Record]]] = {}
    for place, record in records:
        alike = [(folder, other) for folder, other in records if other.label == record.label]
        found = [_conditions(other.parameters) for _, other in alike] if _several(alike) else []
        mine = _conditions(record.parameters)
        apart = [mine[k] for k in range(len(mine)) if len({other[k] for other in found}) > 1 and mine[k]]
        name = ", ".join([record.label, *apart])
        systems.setdefault(name, []).append((place, replace(record, label=name)))
    runs = {name: [_named(run, own) for run in own] if _several(own) else own for name, own in systems.items()}
    return [run for own in runs.values() for run in own], [_together(name, own) for name, own in runs.items()]


def _several(own: Runs) -> bool:
    """Whether records are of several runs, of which some say the same; others are parts of what is known of one."""
    names = [q.name for _, record in own for q in record.quantities]
    return len(own) > 1 and len(set(names)) < len(names)


def _conditions(parameters: Mapping[str, Any]) -> tuple[str, str, str]:
    """What must be the same in runs of one system, in words; empty where a record does not say it."""
    counts, kelvin, lag = (parameters.get(key) for key in ("elements", "temperature", "lag_time"))
    formula = ""
    if isinstance(counts, Mapping) and all(isinstance(n, int) and n > 0 for n in counts.values()) and counts:
        unit = math.gcd(*counts.values())
        formula = "".join(f"{name}{n // unit if n > unit else ''}" for name, n in counts.items())
    numbers = (f"{kelvin:g} K" if _known(kelvin) else "", f"lag {lag:g} ps" if _known(lag) else "")
    return formula, *numbers


def _known(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _named(run: tuple[Path, Record], own: Runs) -> tuple[Path, Record]:
    """The run, with the part of its folder's path that others of its system do not share in its label."""
    place, record = run
    parts = [other.parts for other, _ in own]
    shared = next(k for k in range(min(map(len, parts)) + 1) if len({one[: k + 1] for one in parts}) > 1)
    rest = "/".join(place.parts[shared:]) or place.name
    return place, replace(record, label=f"{record.label}, {rest}")


def _together(name: str, own: Runs) -> Record:
    """One record of all runs of a system."""
    if len(own) == 1:
        return own[0][1]
    if not _several(own):
        return Record(name, [q for _, record in own for q in record.quantities])
    distinct = {tuple(map(repr, (q.estimate for q in record.quantities))): record for _, record in reversed(own)}
    records = list(reversed(distinct.values()))
    quantities = []
    for title in dict.fromkeys(q.name for record in records for q in record.quantities):
        found = [(record.label, q) for record in records for q in record.quantities if q.name == title]
        quantities.append(_mean(found, len(records)))
    return Record(name, quantities)


def _mean(found: Sequence[tuple[str, Quantity]], number: int) -> Quantity:
    """Mean of one quantity over those runs that have it."""
    label, first = found[0]
    if len(found) == 1:
        return replace(first, note="; ".join(filter(None, (f"of {label} alone", first.note))))
    each = [q for _, q in found]
    runs = f"{len(each)} runs" if len(each) == number else f"{len(each)} of {number} runs"
    notes = dict.fromkeys(q.note for q in each if q.note)
    verdicts = dict.fromkeys(q.verdict for q in each)
    words = first.verdict if len(verdicts) == 1 else " ".join(f"{run}: {q.verdict}." for run, q in found if q.verdict)
    sound = [q.sound for q in each]
    return Quantity(
        first.name,
        combine([q.estimate for q in each]),
        "; ".join([f"mean over {runs}, their spread is in the error", *notes]),
        words,
        False if False in sound else None if None in sound else True,
    )
