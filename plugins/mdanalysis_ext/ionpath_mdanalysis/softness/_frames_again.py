"""Frames of a softness read again: structures with softness, series of other analyses, extended xyz files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError, one_of, require, whole
from ionpath.files import atomic_path, marked
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._frames import cell_vectors


@dataclass(frozen=True)
class System:
    """One trajectory beside the softness of its ions."""

    name: str  # what it is called in tables and figures
    # softness, displacement: (n_times, n_ions) and (n_labelled, n_ions): results
    softness: Floats
    displacement: Floats
    classes: Ints  # (n_labelled, n_ions): classes
    # times, frames: (n_times,): times in ps, and frame numbers
    times: Floats
    frames: Ints
    indices: Ints  # (n_ions,): atom indices of the ions
    loaded: Any = None  # atoms that count as neighbours; None for results from a file
    rows: Any = None  # the ions among these

    def needed(self, what: str) -> Any:
        """The atoms, which `what` reads again."""
        if self.loaded is None:
            remedy = "run the analysis again, with model= of these results"
            raise InputError(what, need="the trajectory", got="results loaded from a file", remedy=remedy)
        return self.loaded

    def read(self, frames: Any = None) -> Iterator[tuple[Floats, Floats]]:
        """Positions of the atoms and cell of each frame, or of some."""
        return frames_of(self.needed("frames"), self.frames if frames is None else frames)


PER_SYSTEM = ("softness", "decision", "displacement", "labels", "times", "frames", "indices")
"""Results of which there is one for each system."""


def systems_of(results: Any, live: Sequence[Any]) -> list[System]:
    """The systems of a softness beside their results; `live` ones can be read again."""
    names = results.get("names", ("",))
    several = len(names) > 1
    found = []
    for k, name in enumerate(names):
        row = {key: results[key][k] if several else results[key] for key in PER_SYSTEM}
        again = (live[k].groups["atoms"], live[k]._rows) if live else (None, None)
        found.append(
            System(
                name, row["softness"], row["displacement"], row["labels"].values, row["times"], row["frames"],
                row["indices"], *again,
            )
        )  # fmt: skip
    return found


def chosen_of(systems: Sequence[System], system: int | str, what: str) -> System:
    """One of several systems by number or name, which `what` reads again."""
    names = [s.name for s in systems]
    if isinstance(system, str):
        one_of("system", system, names)
    number = names.index(system) if isinstance(system, str) else whole("system", system, 0, len(names) - 1)
    systems[number].needed(what)
    return systems[number]


def frames_of(atoms: Any, frames: Sequence[int] | Ints) -> Iterator[tuple[Floats, Floats]]:
    """Read frames again, and leave the trajectory where it was: positions (n_atoms, 3) and cell vectors (3, 3) in A."""
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


def series_of(quantity: Any, frames: Ints, indices: Ints) -> Any:
    """Return values for frames and ions."""
    results = getattr(quantity, "results", None)
    if results is None:
        return quantity
    name = type(quantity).__name__
    if "series" not in results:
        raise InputError(name, need="a series in time", got="none", remedy=f"run it as {name}(..., series=True)")
    lacking = [int(f) for f in frames if f not in quantity.frames]
    missing = [int(i) for i in indices if i not in results["indices"]]
    if lacking or missing:
        got = f"frame {lacking[0]} left out" if lacking else f"atom {missing[0]} left out"
        remedy = "run it on the same frames and ions"
        raise InputError(name, need="all frames and ions of the softness", got=got, remedy=remedy)
    rows = np.searchsorted(quantity.frames, frames)
    order = np.argsort(results["indices"])
    columns = order[np.searchsorted(results["indices"], indices, sorter=order)]
    return np.asarray(results["series"], dtype=np.float64)[np.ix_(rows, columns)]


def write_extxyz(systems: Sequence[System], path: Any) -> None:
    """Write structures with softness, one system after another."""
    ase = require("ase", purpose="extended xyz files", install="pip install ase")
    io = require("ase.io", purpose="extended xyz files", install="pip install ase")
    images = []
    for system in systems:
        atoms, rows = system.needed("write_extxyz"), system.rows
        symbols = _checks.elements_of(atoms, "atoms").tolist()
        for k, (positions, cell) in enumerate(system.read()):
            image = ase.Atoms(symbols, positions=positions, cell=cell, pbc=True)
            softness, classes = np.full(len(symbols), np.nan), np.full(len(symbols), -1)
            softness[rows] = system.softness[k]
            if k < len(system.classes):
                classes[rows] = system.classes[k]
            mobile = np.zeros(len(symbols), dtype=bool)
            mobile[rows] = True
            for name, values in (("softness", softness), ("rearranged", classes), ("mobile", mobile)):
                image.new_array(name, values)
            image.info.update(time=float(system.times[k]), frame=int(system.frames[k]))
            if len(systems) > 1:
                image.info["system"] = system.name
            images.append(image)
    with atomic_path(path, own=marked(b"softness:R:1", b"rearranged:")) as part:
        io.write(part, images, format="extxyz")
