"""The comparison as one HTML page, and as Markdown for the documentation."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ionpath.errors import InputError
from ionpath.files import atomic_path, is_name, marked, nothing
from ionpath_cli.intact import read_json
from ionpath_cli.page import render
from ionpath_cli.study.comparison import Compared
from ionpath_cli.study.definition import Study
from ionpath_cli.study.figures import embedded

VERDICTS = ("agrees", "order agrees", "differs", "ours alone", "not sampled", "out of reach here")


def write_page(
    folder: Path,
    study: Study,
    about: Mapping[str, Any],
    compared: Sequence[Compared],
    quantities: Sequence[Mapping[str, Any]],
) -> Path:
    """Write ``comparison.html``."""
    page = folder / "comparison.html"
    drawn = [(figure["title"], embedded(folder / figure["file"])) for figure in about["figures"]]
    rows = [asdict(c) for c in compared]
    text = render(
        "comparison.html.j2", title=study.title, study=study, about=about, rows=rows, counts=_counts(rows),
        quantities=quantities, figures=drawn,
    )  # fmt: skip
    with atomic_path(page) as part:
        part.write_text(text, encoding="utf-8")
    return page


def _valued(rows: Sequence[Mapping[str, Any]]) -> int:
    """Rows of which all points have a number of ours, a bound included."""
    return sum(row["complete"] and "not determined" not in row["ours"] for row in rows)


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Rows of each verdict."""
    return {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS}


def write_markdown(folder: Path, file: Path) -> None:
    """Write the comparison of a folder as a page of the documentation."""
    content = read_json(folder / "comparison.json")
    if content is None:
        remedy = "run the study first, and name its folder with -o"
        raise InputError("output", need="a folder with a comparison", got=str(folder), remedy=remedy)
    rows = content["rows"]
    figures = [(f["title"], f"{file.stem}-{f['file'].removeprefix('figure-')}") for f in content["figures"]]
    text = render(
        "comparison.md.j2", about=content, rows=rows, counts=_counts(rows), values=_valued(rows), figures=figures
    )
    before = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    with atomic_path(file, own=marked(b"This page is written by `ionpath study")) as part:
        part.write_text(text, encoding="utf-8")
    for old in file.parent.glob(f"{file.stem}-*.png"):
        if f"]({old.name})" in before:  # of that page
            old.unlink()
    for figure, (_, name) in zip(content["figures"], figures, strict=True):
        if not is_name(figure["file"]) or not (folder / figure["file"]).resolve().is_relative_to(folder.resolve()):
            got = figure["file"]
            remedy = "run the study again"
            raise InputError(str(folder / "comparison.json"), need="figures that lie beside it", got=got, remedy=remedy)
        with atomic_path(file.parent / name, own=nothing) as part:
            shutil.copyfile(folder / figure["file"], part)
