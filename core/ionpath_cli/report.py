"""``ionpath report``: one self-contained HTML page, and the tables as CSV, from the records in a folder."""

from __future__ import annotations

import base64
import csv
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ionpath import __version__
from ionpath.errors import InputError
from ionpath.files import atomic_path, no_formula
from ionpath_cli import interactive
from ionpath_cli.options import parser, write_config
from ionpath_cli.page import render
from ionpath_cli.record import FILE, Quantity, Record, Runs, systems_of
from ionpath_cli.sentences import comparison, interval, standing

EXAMPLE = """
  ionpath analyze start.extxyz trajectory.xtc --temperature 600 -o results/a
  ionpath report results

runs of one label, composition, temperature and lag are averaged, with their
spread in the errors:
  ionpath analyze a/run.extxyz --temperature 600 --label Cl1.5 -o results/a
  ionpath analyze b/run.extxyz --temperature 600 --label Cl1.5 -o results/b
"""
TABLES = (FILE, "pairs.csv", "msd.csv", "density.json", "analyze.toml")
"""Files of an analysis that the page links to."""
FIRST = ("command", "date", "seed", "model", "model_sha256", "temperature", "frames", "picoseconds")
"""Settings that a reader looks for first."""


def main(argv: list[str]) -> int:
    """Run ``ionpath report``."""
    arguments = parser("report", "One HTML page and CSV tables from the results in a folder.", EXAMPLE)
    arguments.add_argument("folder", type=Path, help="folder whose subfolders hold results")
    arguments.add_argument("--title", default="Lithium transport report", help="of the page")
    arguments.add_argument("--still", action="store_true", help="pictures only: a page of 1 MB in place of 3")
    options = arguments.parse_args(argv)
    command = shlex.join(["ionpath", "report", *argv])
    print(write_report(options.folder, title=options.title, still=options.still, command=command))
    write_config(options.folder / "report.toml", arguments, options)
    return 0


def write_report(
    folder: Path, *, title: str, lead: str = "", still: bool = False, command: str = "ionpath report"
) -> Path:
    """Write ``report.html`` and ``quantities.csv`` from all records below a folder."""
    places = sorted(path.parent for path in folder.rglob(FILE))
    if not places:
        remedy = "run `ionpath analyze` first"
        raise InputError(str(folder), need=f"at least one {FILE} below it", got="none", remedy=remedy)
    for name, ours in (("quantities.csv", "system,quantity,value"), ("report.html", "Page written on ")):
        if (folder / name).exists() and ours not in (folder / name).read_text(encoding="utf-8", errors="replace"):
            got = "a file of another origin"
            raise InputError(str(folder / name), need="a place for the report", got=got, remedy="move it away")
    records, systems = systems_of([(place, Record.load(place)) for place in places])
    runs = [record for _, record in records]
    named = {record.label for record in runs}
    _write_csv(folder / "quantities.csv", [*runs, *(system for system in systems if system.label not in named)])
    quantities = _by_name(systems)
    script = "" if still else interactive.script()
    groups = _groups(records, charts=bool(script))
    verdicts = _verdicts(systems)
    labels = [system.label for system in systems if system.quantities]
    text = render(
        "report.html.j2", title=title, lead=lead, labels=labels, rows=_rows(quantities, labels, verdicts),
        sentences=comparison(quantities),
        verdicts=[{"label": label, "text": verdict, "names": names} for (label, verdict), names in verdicts.items()],
        groups=groups, notes=_notes(records, _verdicts(runs)), made=[_made(folder, *one) for one in records],
        script=script if any(group["charts"] for group in groups) else "", command=command, version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )  # fmt: skip
    with atomic_path(folder / "report.html") as part:
        part.write_text(text, encoding="utf-8")
    return folder / "report.html"


def _by_name(systems: Sequence[Record]) -> dict[str, dict[str, Quantity]]:
    """Quantity -> system -> number, in the order of the records."""
    found: dict[str, dict[str, Quantity]] = {}
    for record in systems:
        for quantity in record.quantities:
            found.setdefault(quantity.name, {}).setdefault(record.label, quantity)
    return found


def _verdicts(records: Sequence[Record]) -> dict[tuple[str, str], list[str]]:
    """(System, verdict) -> the quantities that it is about."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for quantity in record.quantities:
            if quantity.verdict:
                found.setdefault((record.label, quantity.verdict), []).append(quantity.name)
    return found


def _rows(
    quantities: Mapping[str, Mapping[str, Quantity]], labels: Sequence[str], verdicts: Mapping[tuple[str, str], Any]
) -> list[dict[str, Any]]:
    numbers = {key: k for k, key in enumerate(verdicts, start=1)}
    return [
        {"name": name, "cells": [_cell(of[label], numbers, label) if label in of else None for label in labels]}
        for name, of in quantities.items()
    ]


def _cell(quantity: Quantity, numbers: Mapping[tuple[str, str], int], label: str) -> dict[str, Any]:
    e = quantity.estimate
    ends = interval(e)
    spread = ends is not None and e.value == e.value and ends[0] < ends[1]
    return {
        "text": str(e),
        "interval": f"{ends[0]:.4g} to {ends[1]:.4g} {e.unit}" if spread and ends is not None else "",
        "also": str(e.to("cm^2/s")) if e.unit == "A^2/ps" and ends is not None else "",
        "note": quantity.note,
        "standing": standing(quantity),
        "verdict": numbers.get((label, quantity.verdict)),
        "why": quantity.verdict,
    }


def _groups(records: Runs, *, charts: bool) -> list[dict[str, Any]]:
    """Figures of one kind side by side, with charts on common scales where the tables are there."""
    keys = dict.fromkeys(figure.key for _, record in records for figure in record.figures)
    groups = []
    for key in keys:
        same = [(place, r.label, f) for place, r in records for f in r.figures if f.key == key]
        figures = [
            {"label": label, "caption": f.caption, "data": base64.b64encode(_picture(place, f.file)).decode()}
            for place, label, f in same
        ]
        found = interactive.charts(key, [(place, label) for place, label, _ in same], _own) if charts else []
        groups.append({"key": key, "caption": same[0][2].caption, "figures": figures, "charts": found})
    return groups


def _own(place: Path, name: str) -> bytes | None:
    """Content of a file of a record's own folder, if it is there."""
    path = (place / name).resolve()
    return path.read_bytes() if path.is_relative_to(place.resolve()) and path.is_file() else None


def _picture(place: Path, name: str) -> bytes:
    """Content of a figure, which a record of somebody else may not take from another folder."""
    content = _own(place, name) or b""
    if not (content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")):
        need = "figures that are whole PNG files in its own folder"
        remedy = "analyse the trajectory again, or take the figure out of the record"
        raise InputError(str(place / FILE), need=need, got=name, remedy=remedy)
    return content


def _notes(records: Runs, verdicts: Mapping[tuple[str, str], Any]) -> list[dict[str, str]]:
    """Notes that the verdicts do not say already."""
    return [
        {"label": record.label, "text": note}
        for _, record in records
        for note in record.notes
        if (record.label, note) not in verdicts
    ]


def _made(folder: Path, place: Path, record: Record) -> dict[str, Any]:
    """How a record came about, and its files."""
    known = {name: value for name, value in record.parameters.items() if value not in (None, "", [], {})}
    names = [*(name for name in FIRST if name in known), *(name for name in known if name not in FIRST)]
    here = place.relative_to(folder)
    files = [name for name in TABLES if (place / name).is_file()]
    links = [{"name": name, "link": quote((here / name).as_posix())} for name in files]
    return {
        "label": record.label,
        "folder": here.as_posix(),
        "settings": [(name.replace("_", " "), _plain(known[name])) for name in names],
        "files": links,
        "link": quote((here / FILE).as_posix()),
        "link_text": (here / FILE).as_posix(),
    }


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _write_csv(path: Path, records: list[Record]) -> None:
    with atomic_path(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["system", "quantity", "value", "error", "low", "high", "unit", "note", "standing", "verdict"])
        for record in records:
            for q in record.quantities:
                e = q.estimate
                words = [record.label, q.name, e.unit, q.note, standing(q), q.verdict]
                label, name, unit, note, worth, verdict = (no_formula(word) for word in words)
                writer.writerow([label, name, e.value, e.error, e.low, e.high, unit, note, worth, verdict])
