"""Steps of a longer job that are done once, unless the files that they left are no longer what they were."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ionpath.errors import InputError
from ionpath.files import atomic_path, is_name, made_folder, read_text, sha256_of
from ionpath_cli.messages import LOG

DONE, FAILED, QUANTITIES, PLAN = "done.json", "failed.json", "quantities.json", "plan.json"
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
        return json.loads(read_text(path, path.name, "JSON"))
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, all or nothing."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")


def stage(
    folder: Path,
    name: str,
    parameters: Mapping[str, Any],
    outputs: Sequence[str],
    make: Callable[[], None],
    *,
    title: str,
    also: Sequence[str] = (),
) -> bool:
    """Run one step, unless its outputs of the same settings are there, as it left them.

    Where one is missing or another, all of them are renamed to names that end on ``.old``, and the step is done again;
    `also` names files that it may leave.

    >>> import pathlib, tempfile
    >>> here = pathlib.Path(tempfile.mkdtemp())
    >>> def make():
    ...     _ = (here / "x.txt").write_text("1")
    >>> stage(here, "x", {"n": 1}, ["x.txt"], make, title="first")
    True
    >>> stage(here, "x", {"n": 1}, ["x.txt"], make, title="first")  # kept from the earlier run
    False
    """
    made_folder(folder)
    marker = folder / f".{name}.json"
    settings = json.loads(json.dumps(dict(parameters), default=str))
    LOG.info("== %s", title)
    before = _before(marker)
    if before is not None:
        wrong = next((name for name in outputs if not (folder / name).exists()), "") or damaged(
            folder, before, whole=True
        )
        if before["settings"] == settings and not wrong:
            LOG.info("   kept from an earlier run")
            return False
        for name in dict.fromkeys([*outputs, *before["files"]]):
            if is_name(name) and (folder / name).exists():  # a damaged record may name files of others
                (folder / name).replace(folder / f"{name}.old")
        if before["settings"] == settings:
            LOG.warning("%s is not what an earlier run left there: this step is done again", folder / wrong)
    begin = time.perf_counter()
    try:
        make()
    except InputError as error:
        raise here(error, folder) from error
    with atomic_path(marker) as part:
        part.write_text(json.dumps({"settings": settings, "files": fingerprints(folder, [*outputs, *also])}))
    LOG.info("   done in %.0f s", time.perf_counter() - begin)
    return True


def _before(marker: Path) -> dict[str, Any] | None:
    """Settings of an earlier run of a step, and the files that it left; None where it did not end."""
    found = read_json(marker)
    if not isinstance(found, dict):
        return None
    known = isinstance(found.get("files"), dict) and isinstance(found.get("settings"), dict)
    return found if known else {"settings": found, "files": {}}  # an earlier version wrote settings alone
