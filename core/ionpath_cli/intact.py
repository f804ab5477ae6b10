"""Whether the files of a finished step are those that it left; a step with others is done again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ionpath.errors import InputError
from ionpath.files import atomic_path, sha256_of

DONE, FAILED, QUANTITIES = "done.json", "failed.json", "quantities.json"
READ = (".json", ".extxyz")
"""Endings of files that other steps and tables read; trajectories may go when they are no longer needed."""
NUMBERS, TEXTS = ("value", "error", "low", "high"), ("quantity", "unit", "note")


def fingerprints(place: Path, names: Iterable[str] | None = None) -> dict[str, list[Any]]:
    """Size and SHA-256 of files of a folder: of all but hidden ones and those that say how a step ended, or of some."""
    every = sorted(path.name for path in place.iterdir() if not path.name.startswith("."))
    chosen = [place / name for name in (every if names is None else names) if name not in (DONE, FAILED)]
    return {path.name: [path.stat().st_size, sha256_of(path)] for path in chosen if path.is_file()}


def damaged(place: Path, record: Mapping[str, Any], *, whole: bool = False) -> str:
    """Name of a file that is not what the step left, or nothing.

    Sizes are compared, the content of the table of numbers, and with `whole` that of every file. Records of earlier
    versions know no sizes: their table must be one.
    """
    known = record.get("files")
    if not isinstance(known, Mapping):
        table = place / QUANTITIES
        return QUANTITIES if table.exists() and not is_table(table) else ""
    for name, entry in known.items():
        if not isinstance(entry, list) or len(entry) != 2:
            return DONE  # the record itself
        path, (size, content) = place / name, entry
        if not path.is_file():
            if name.endswith(READ):
                return str(name)
        elif path.stat().st_size != size or ((whole or name == QUANTITIES) and sha256_of(path) != content):
            return str(name)
    return ""


def here(error: InputError, place: Path) -> InputError:
    """The error of a run whose files cannot be named otherwise, because a step names them by its folder."""
    remedy = error.remedy.replace("begin anew under another name", f"move {place} away and repeat the command")
    return InputError(error.name, need=error.need, got=error.got, remedy=remedy)


def is_table(path: Path) -> bool:
    """Whether a file holds rows of numbers."""
    rows = read_json(path)
    return isinstance(rows, list) and all(isinstance(row, dict) and _is_row(row) for row in rows)


def _is_row(row: Mapping[str, Any]) -> bool:
    numbers, texts = ([row.get(name) for name in names] for names in (NUMBERS, TEXTS))
    return all(isinstance(one, (int, float)) for one in numbers) and all(isinstance(one, str) for one in texts)


def read_json(path: Path) -> Any:
    """Content of a JSON file, or None."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, all or nothing."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
