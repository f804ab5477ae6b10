"""Output of a study: what its finished steps found, as tables, as pages, and as an archive without trajectories."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ionpath import __version__
from ionpath.errors import InputError
from ionpath.files import atomic_path, is_name, marked, no_formula, nothing
from ionpath_cli.intact import DONE, PLAN, QUANTITIES, damaged, read_json, write_json
from ionpath_cli.page import render
from ionpath_cli.study.comparison import Compared, compare
from ionpath_cli.study.definition import Study
from ionpath_cli.study.figures import draw_figures, embedded
from ionpath_cli.study.plan import Plan
from ionpath_cli.study.structures import CRYSTAL, SITES, START
from ionpath_cli.study.tasks import checksum, done, held, outdated, placed, record_of


def collect(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """Rows of all finished steps of a plan, with their analysis, system, temperature, arrangement and potential."""
    found = []
    steps = placed(plan.tasks, folder)
    old = outdated(steps)
    for task, key, place in steps:
        record = record_of(place, key)
        if task.stage not in ("analysis", "across", "biased") or not record or not done(place, key, task.picoseconds):
            continue
        settings = task.settings
        analysis = settings["analysis"] if "analysis" in settings else f"biased/{settings['group']}"
        labels = {k: settings[k] for k in ("system", "temperature", "arrangement", "potential") if k in settings}
        labels["picoseconds"] = settings.get("picoseconds", record["picoseconds"])
        for row in read_json(place / QUANTITIES) or []:
            if task.name in old:
                told = f"{old[task.name]}: it will be done again."
                row |= {"doubt": " ".join(filter(None, (row.get("doubt"), told)))}
            found.append({"analysis": analysis, **labels, **row, "folder": str(place.relative_to(folder))})
    return found


def write_comparison(plan: Plan, folder: Path, shown: dict[Path, str] | None = None) -> Path:
    """Write ``comparison.csv``, ``.json`` and ``.html``; what is not finished is said to be so.

    `shown` is for the next call, which then draws only the figures that have changed.
    """
    quantities = collect(plan, folder)
    compared = compare(plan.study, quantities, plan.dropped)
    records = list(filter(None, (record_of(place, key) for _, key, place in placed(plan.tasks, folder))))
    models = {t.settings["model"] for t in plan.tasks if "model" in t.settings}
    about = {
        "study": plan.study.name,
        "title": plan.study.title,
        "source": plan.study.source,
        "version": __version__,
        "models": {name: checksum(name) for name in sorted(models)},
        "lengths": dict(plan.lengths),
        "hours": round(sum(r["seconds"] for r in records) / 3600, 3),
        "steps": {"finished": len(records), "planned": len(plan.tasks)},
        "seeds": {t.name: t.settings["seed"] for t in plan.tasks if "seed" in t.settings},
    }
    about["figures"] = [
        {"title": f.title, "file": path.name} for f, path in draw_figures(plan.study, quantities, folder, shown)
    ]
    content = {**about, "rows": [asdict(c) for c in compared], "quantities": [_strict(q) for q in quantities]}
    write_json(folder / "comparison.json", content)
    with atomic_path(folder / "comparison.csv") as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(asdict(compared[0])) if compared else ["number"])
        writer.writeheader()
        writer.writerows(
            {k: no_formula(v) if isinstance(v, str) else v for k, v in asdict(c).items()} for c in compared
        )
    return write_page(folder, plan.study, about, compared, quantities)


def _strict(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without nan, which JSON does not know."""
    return {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in row.items()}


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


KEPT = ("*.json", "*.npz", "bands-*/band-*.json", START, SITES, CRYSTAL, "start.extxyz", "HILLS", "plumed.dat")
LEFT = ("checkpoint", "offsets", "failed")
"""Parts of the names of files that only a run that goes on needs."""
LONG = 1000
"""Values over lags or frames from which a table is a long curve."""
LARGE = 1000
"""Bytes from which an array is worth a compression that is slow to begin."""


def write_archive(plan: Plan, folder: Path, file: Path) -> int:
    """Put the files of all finished steps of a plan and their comparison into a ZIP file; how many there are."""
    if file.suffix != ".zip":
        raise InputError("archive", need="a file that ends in .zip", got=str(file), remedy=f"use {file.stem}.zip")
    finished = []
    for task, key, place in placed(plan.tasks, folder):
        if not done(place, key, task.picoseconds):
            continue
        if name := damaged(place, record_of(place, key) or {}, whole=True):
            remedy = "run the study again, which does this step anew"
            raise InputError(str(place / name), need="what the step left", got="something else", remedy=remedy)
        finished.append(place)
    if not finished:
        need = "the folder of a study with finished steps of this plan"
        raise InputError("output", need=need, got=str(folder), remedy="name it with -o, with the --budget of its runs")
    write_comparison(plan, folder)
    about = [folder / name for name in ("comparison.csv", "comparison.json", PLAN)]
    packed = {path: path.read_bytes() for path in about if path.exists()}
    packed |= _packed(finished, folder)
    with (
        atomic_path(file, own=marked(b"comparison.csv")) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        for path, content in packed.items():
            archive.writestr(str(path.relative_to(folder)), content)
    return len(packed)


def _packed(places: Sequence[Path], folder: Path) -> dict[Path, bytes]:
    """What is kept of finished steps, with records that fit the rounded files."""
    packed: dict[Path, bytes] = {}
    records: dict[Path, Any] = {}
    was: dict[str, str] = {}
    for place in places:
        found = {path for pattern in KEPT for path in place.glob(pattern)}
        found = {path for path in found if path.resolve().is_relative_to(folder.resolve())}  # no link to elsewhere
        record: dict[str, Any] = read_json(place / DONE) or {}
        known, record["files"] = record.get("files", {}), {}
        if "name" in record:
            records[place / DONE] = record
            was[record["name"]] = held(read_json(place / DONE))
        for path in sorted(path for path in found if not any(part in path.name for part in LEFT)):
            if _holds_samples(path):
                continue
            rounded = path.suffix == ".npz" or path.name == "HILLS"
            packed[path] = content = _rounded(path) if rounded else path.read_bytes()
            if path.name in known:
                record["files"][path.name] = [len(content), hashlib.sha256(content).hexdigest()]
    now = {record["name"]: held(record) for record in records.values()}
    for path, record in records.items():
        if "inputs" in record:
            # what was made of another input than the one that is there stays so
            record["inputs"] = {
                name: now[name] if before == was.get(name) else before for name, before in record["inputs"].items()
            }
        packed[path] = json.dumps(record, indent=1).encode()
    return packed


def _holds_samples(path: Path) -> bool:
    """Whether it is of a softness whose support vectors are megabytes of the samples that it has learnt from."""
    if path.name != "softness.npz":
        return False
    with np.load(path, allow_pickle=False) as file:
        return "model.arrays.support" in file.files


def _rounded(path: Path) -> bytes:
    """Tables in single precision, long curves with four digits: the rest is noise, which does not compress.

    Several curves side by side have three, and lie one after the other. What was taken off the positions of each frame,
    which is of the trajectory, is kept to 1/256 A.
    """
    if path.suffix != ".npz":
        return re.sub(r"-?\d+\.\d{8,}(e-?\d+)?", lambda found: f"{float(found[0]):.7g}", path.read_text()).encode()
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for name, array in arrays.items():
        if name == "drift":
            arrays[name] = np.asfortranarray(np.round(array.astype(np.float32) * 256.0) / np.float32(256.0))
            continue
        if array.dtype == np.float64 and array.ndim > 1:
            arrays[name] = array.astype(np.float32)
        if array.dtype.kind == "f" and len(np.atleast_1d(array)) > LONG and "times" not in name:
            fraction, exponent = np.frexp(arrays[name])
            steps = 2.0 ** (13 if array.ndim == 1 else 10)
            rounded = np.ldexp(np.round(fraction * steps) / steps, exponent).astype(arrays[name].dtype)
            arrays[name] = np.asfortranarray(rounded)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as members:
        for name, array in arrays.items():
            one = io.BytesIO()
            np.lib.format.write_array(one, array, allow_pickle=False)
            # numpy reads what it does not write: half as large where arrays are long
            kind = zipfile.ZIP_LZMA if len(one.getvalue()) > LARGE else zipfile.ZIP_DEFLATED
            members.writestr(zipfile.ZipInfo(f"{name}.npy"), one.getvalue(), kind)
    return buffer.getvalue()
