"""Softness on structures: frames read again, series of other analyses, and extended xyz files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError, require
from ionpath.files import atomic_path
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import cell_vectors

Floats = NDArray[np.float64]


def atoms_of(analysis: Any, what: str) -> Any:
    """Give the atoms of an analysis."""
    if not analysis.groups:
        raise InputError(
            what, need="the trajectory", got="results loaded from a file",
            remedy="run the analysis again, with model= of these results",
        )  # fmt: skip
    return analysis.groups["atoms"]


def frames_of(atoms: Any, frames: Sequence[int] | NDArray[np.int64]) -> Iterator[tuple[Floats, Floats]]:
    """Read frames again, and leave the trajectory where it was.

    Yields
    ------
    positions : ndarray, (n_atoms, 3)
        In A.
    cell : ndarray, (3, 3)
        Cell vectors in A.
    """
    trajectory = atoms.universe.trajectory
    before = trajectory.frame
    try:
        for frame in frames:
            ts = trajectory[int(frame)]
            _checks.check_box(ts.dimensions, int(frame), trajectory)
            cell = cell_vectors(np.asarray(ts.dimensions, dtype=np.float64)[None])[0]
            yield ts.positions[atoms.ix].astype(np.float64), cell
    finally:
        trajectory[before]


def series_of(quantity: Any, frames: NDArray[np.int64], indices: NDArray[np.int64]) -> Any:
    """Give values for frames and ions."""
    results = getattr(quantity, "results", None)
    if results is None:
        return quantity
    name = type(quantity).__name__
    if "series" not in results:
        raise InputError(
            name, need="a series in time", got="none", remedy=f"run it as {name}(..., series=True)"
        )
    lacking = [int(f) for f in frames if f not in quantity.frames]
    missing = [int(i) for i in indices if i not in results["indices"]]
    if lacking or missing:
        got = f"frame {lacking[0]} left out" if lacking else f"atom {missing[0]} left out"
        raise InputError(
            name,
            need="all frames and ions of the softness",
            got=got,
            remedy="run it on the same frames and ions",
        )
    rows = np.searchsorted(quantity.frames, frames)
    order = np.argsort(results["indices"])
    columns = order[np.searchsorted(results["indices"], indices, sorter=order)]
    return np.asarray(results["series"], dtype=np.float64)[np.ix_(rows, columns)]


def write_extxyz(analysis: Any, path: Any) -> None:
    """Write structures with softness."""
    ase = require("ase", purpose="extended xyz files", install="pip install ase")
    io = require("ase.io", purpose="extended xyz files", install="pip install ase")
    atoms = atoms_of(analysis, "write_extxyz")
    symbols, r, rows = _checks.elements_of(atoms, "atoms").tolist(), analysis.results, analysis._rows
    images = []
    for k, (positions, cell) in enumerate(frames_of(atoms, r.frames)):
        image = ase.Atoms(symbols, positions=positions, cell=cell, pbc=True)
        softness = np.full(len(symbols), np.nan)
        softness[rows] = r.softness[k]
        classes = np.full(len(symbols), -1)
        if k < len(r.displacement):
            classes[rows] = r.labels.values[k]
        mobile = np.zeros(len(symbols), dtype=bool)
        mobile[rows] = True
        for name, values in (("softness", softness), ("rearranged", classes), ("mobile", mobile)):
            image.new_array(name, values)
        image.info.update(time=float(r.times[k]), frame=int(r.frames[k]))
        images.append(image)
    with atomic_path(path) as part:
        io.write(part, images, format="extxyz")
