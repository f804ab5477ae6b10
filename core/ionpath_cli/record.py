"""What an analysis leaves in its folder: numbers with errors, figures with captions, and notes, as one JSON file."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ionpath import __version__
from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.files import atomic_path
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
            data = json.loads((folder / FILE).read_text(encoding="utf-8"))
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
    return Estimate(value, error, low, high, _text(found.unit), _text(found.verdict))
