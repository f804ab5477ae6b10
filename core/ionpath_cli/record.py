"""What analyses leave in their folders (numbers with errors, figures, notes, as one JSON file), and means over runs."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ionpath import __version__
from ionpath.errors import InputError
from ionpath.estimate import Estimate, combine
from ionpath.files import atomic_path, read_text
from ionpath.msonable import Msonable

FILE = "analysis.json"


@dataclass(frozen=True)
class Quantity(Msonable):
    """One row of a report."""

    name: str  # what it is, in the field's words
    estimate: Estimate  # value, error, interval and unit
    note: str = ""  # how it was obtained, in a few words
    verdict: str = ""  # what the analysis says about the run that gave it
    sound: bool | None = None  # whether that speaks for the number; None where nothing judges it


@dataclass(frozen=True)
class Figure(Msonable):
    """One figure of a report."""

    key: str  # same for the same kind of figure of different systems, which are then shown side by side
    file: str  # PNG file beside the record
    caption: str  # what is seen


@dataclass(frozen=True)
class Record(Msonable):
    """Everything that one analysis found."""

    label: str  # name of the system in tables and figures
    quantities: list[Quantity] = field(default_factory=list)  # numbers
    figures: list[Figure] = field(default_factory=list)  # figures
    notes: list[str] = field(default_factory=list)  # what the reader should know before using the numbers
    parameters: dict[str, Any] = field(default_factory=dict)  # settings that produced them

    def save(self, folder: Path) -> None:
        """Write the record into `folder`, which is made if it is missing."""
        with atomic_path(folder / FILE) as part:
            part.write_text(json.dumps(self.as_dict(), indent=1, allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Record:
        """Read ``analysis.json`` in `folder`; InputError if it is missing or is not a record."""
        try:
            data = json.loads(read_text(folder / FILE, FILE, "a record"))
            quantities = [
                Quantity(
                    *(_text(q["name"]), _estimate(q["estimate"]), _text(q.get("note", ""))),
                    *(_text(q.get("verdict", "")), None if q.get("sound") is None else bool(q["sound"])),
                )
                for q in data["quantities"]
            ]
            figures = [Figure(*(_text(f[key]) for key in ("key", "file", "caption"))) for f in data["figures"]]
            notes = [_text(note) for note in data["notes"]]
            return cls(_text(data["label"]), quantities, figures, notes, dict(data["parameters"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            need = "a record that `ionpath analyze` or `ionpath demo` wrote"
            got = f"{type(error).__name__}: {error}"
            remedy = "move it away, and run one of them with this folder as its output"
            raise InputError(str(folder / FILE), need=need, got=got, remedy=remedy) from error


def origin(command: str, **settings: Any) -> dict[str, Any]:
    """What says where a record comes from: the command, the date, versions, and what else is given."""
    found = {"command": command, "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **settings}
    return {**found, "ionpath": __version__, "NumPy": np.__version__, "Python": platform.python_version()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} where a text belongs")
    return value


def _estimate(data: dict[str, Any]) -> Estimate:
    found = Estimate.from_dict(data)
    value, error, low, high = (float(one) for one in (found.value, found.error, found.low, found.high))
    if math.isinf(value):
        raise ValueError("a value without end")
    return Estimate(value, error, low, high, _text(found.unit), _text(found.verdict))


Runs = Sequence[tuple[Path, Record]]


def systems_of(records: Runs) -> tuple[list[tuple[Path, Record]], list[Record]]:
    """Each run under a name of its own, and one record for each system: means where it has several runs.

    Runs belong together if they have one label, and one composition, temperature, lag, ions and sites as far as they
    are known. Of runs with the same numbers only one counts: it is one run that was analysed twice. Analyses of one run
    that gave other numbers are systems of their own: their difference is no spread between runs.
    """
    systems: dict[str, list[tuple[Path, Record]]] = {}
    for place, record in records:
        alike = [(folder, other) for folder, other in records if other.label == record.label]
        found = [_conditions(other.parameters) for _, other in alike] if _several(alike) else []
        mine = _conditions(record.parameters)
        apart = [mine[k] for k in range(len(mine)) if len({other[k] for other in found}) > 1 and mine[k]]
        name = ", ".join([record.label, *apart])
        systems.setdefault(name, []).append((place, replace(record, label=name)))
    runs: dict[str, list[tuple[Path, Record]]] = {}
    for name, own in systems.items():
        each = [_named(run, own) for run in own] if _several(own) else own
        runs |= {record.label: [(place, record)] for place, record in each} if _variants(own) else {name: each}
    return [run for own in runs.values() for run in own], [_together(name, own) for name, own in runs.items()]


def _several(own: Runs) -> bool:
    """Whether records are of several runs, of which some say the same; others are parts of what is known of one."""
    names = [q.name for _, record in own for q in record.quantities]
    return len(own) > 1 and len(set(names)) < len(names)


def _variants(own: Runs) -> bool:
    """Whether one run is there with several sets of numbers."""
    numbers: dict[str, set[str]] = {}
    for _, record in own:
        if run := record.parameters.get("run"):
            numbers.setdefault(str(run), set()).add(repr([q.estimate for q in record.quantities]))
    return _several(own) and any(len(found) > 1 for found in numbers.values())


def _conditions(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """What must be the same in runs of one system, in words; empty where a record does not say it."""
    counts, kelvin, lag = (parameters.get(key) for key in ("elements", "temperature", "lag_time"))
    formula = ""
    if isinstance(counts, Mapping) and all(isinstance(n, int) and n > 0 for n in counts.values()) and counts:
        unit = math.gcd(*counts.values())
        formula = "".join(f"{name}{n // unit if n > unit else ''}" for name, n in counts.items())
    numbers = (f"{kelvin:g} K" if _known(kelvin) else "", f"lag {lag:g} ps" if _known(lag) else "")
    return formula, *numbers, *(str(parameters.get(key) or "") for key in ("mobile", "sites"))


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
