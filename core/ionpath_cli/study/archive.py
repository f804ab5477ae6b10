"""What is kept of a study when its trajectories go: structures, cells, states, profiles and tables in one file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from ionpath.errors import InputError
from ionpath.files import atomic_path, marked
from ionpath_cli.intact import damaged
from ionpath_cli.study.output import write_comparison
from ionpath_cli.study.plan import Plan
from ionpath_cli.study.tasks import done, placed, record_of

KEPT = ("*.json", "*.npz", "structure.extxyz", "start.extxyz", "free-energy.png")
LEFT = ("checkpoint", "offsets", "failed")
"""Parts of the names of files that only a run that goes on needs."""


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
    paths = [folder / f"comparison.{kind}" for kind in ("csv", "json")]
    for place in finished:
        found = {path for pattern in KEPT for path in place.glob(pattern)}
        found = {path for path in found if path.resolve().is_relative_to(folder.resolve())}  # no link to elsewhere
        paths += sorted(path for path in found if not any(part in path.name for part in LEFT))
    with (
        atomic_path(file, own=marked(b"comparison.csv")) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        for path in dict.fromkeys(paths):
            if path.suffix == ".npz":
                archive.writestr(str(path.relative_to(folder)), _rounded(path))
            else:
                archive.write(path, path.relative_to(folder))
    return len(paths)


def _rounded(path: Path) -> bytes:
    """Arrays of a result with tables in single precision: their last digits are noise, which does not compress."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for name, array in arrays.items():
        if array.dtype == np.float64 and array.ndim > 1:
            arrays[name] = array.astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
