"""Checks of what a user passes to an analysis, each with a sentence that says what to do."""

from __future__ import annotations

import difflib
import inspect
import os
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import described
from ionpath.cells import FARTHEST
from ionpath.elements import MOBILE
from ionpath.errors import InputError, IonpathError, require, warn
from ionpath.noted import warn_of_changes, warn_of_conditions
from ionpath_mdanalysis.readers.dcd import check_end
from ionpath_mdanalysis.readers.source import is_extended_xyz
from ionpath_mdanalysis.readers.xdr import check_frames

SMALLEST, LARGEST = 0.5, 1e5
"""Cells have lengths in this range, in A."""
STRETCHED = 0.25
"""Vectors of a cell that change by more than this share of the shortest are other ones."""
RARE = 0.05
"""Share of frames like the one before, above which that is no accident."""
Floats = NDArray[np.floating[Any]]


def check_keywords(unknown: Iterable[str], cls: type, more: Iterable[str]) -> None:
    """Refuse keywords that neither a class nor its bases take."""
    for name in unknown:
        known = {key for base in cls.__mro__ for key in inspect.signature(base.__init__).parameters}  # type: ignore[misc]
        near = difflib.get_close_matches(name, (known | set(more)) - {"self"}, 1)
        raise TypeError(f"{cls.__name__}: unknown keyword {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def selected(universe: Any, text: str, name: str) -> Any:
    """Atoms of a selection, or InputError with what MDAnalysis says of it."""
    if not hasattr(universe, "select_atoms"):
        remedy = "make one, as MDAnalysis.Universe(topology, trajectory)"
        raise InputError("universe", need="an MDAnalysis Universe", got=described(universe), remedy=remedy)
    try:
        return universe.select_atoms(text)
    except Exception as error:  # MDAnalysis has several for a bad selection
        said = (str(error).splitlines() or [type(error).__name__])[0]
        known = [key for key in ("element", "name", "type") if hasattr(universe.atoms, f"{key}s")]
        word = known[0] if known else "index"
        there = [str(value) for value in getattr(universe.atoms, f"{word}s", ["0"])]
        some = next((ion for ion in MOBILE if ion in there), there[0])
        got = f"{text!r}, of which MDAnalysis says: {said}"[:300]
        remedy = f"for example '{word} {some}'"
        raise InputError(name, need="a selection of MDAnalysis", got=got, remedy=remedy) from error


def check_group(group: Any, name: str) -> None:
    """Refuse what is not a fixed, filled AtomGroup."""
    from MDAnalysis.core.groups import AtomGroup, UpdatingAtomGroup

    if not isinstance(group, AtomGroup):
        remedy = "pass for example u.select_atoms('name Li')"
        raise InputError(name, need="an MDAnalysis AtomGroup", got=type(group).__name__, remedy=remedy)
    if isinstance(group, UpdatingAtomGroup):
        remedy = "select without updating=True"
        raise InputError(name, need="the same atoms in every frame", got="an updating AtomGroup", remedy=remedy)
    if not len(group):
        remedy = f"the universe holds {_species(group.universe)}; select by one of these names"
        raise InputError(name, need="at least one atom", got="an empty selection", remedy=remedy)


def check_order(universe: Any) -> None:
    """Refuse frames whose file names the same elements as the topology in another order."""
    named = getattr(universe.atoms, "elements", None)
    for part in getattr(universe.trajectory, "readers", [universe.trajectory]):
        symbols = getattr(part, "symbols", None)
        if named is None or symbols is None or np.array_equal(symbols, named):
            continue
        if sorted(symbols.tolist()) == sorted(map(str, named)):
            at = int(np.flatnonzero(symbols != np.asarray(named, dtype=str))[0])
            raise InputError(
                os.fspath(part.filename), need="its atoms in the order of the topology",
                got=f"atom {at}, which is {symbols[at]} here and {named[at]} there",
                remedy="make the Universe from this file alone, or sort one of the two",
            )  # fmt: skip


@contextmanager
def of_its_reader(trajectory: Any) -> Iterator[None]:
    """Turn what a reader of MDAnalysis raises over a frame into one sentence that names the file."""
    try:
        yield
    except IonpathError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1].filename
        name = getattr(trajectory, "filename", None)
        if name is None or not re.search(
            r"MDAnalysis.(coordinates|lib.formats)|(gzip|bz2|codecs|_compression)\.py", last
        ):
            raise
        got = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
        remedy = "restore the file, or leave the damaged frames out with start and stop"
        raise InputError(os.fspath(name), need="frames that MDAnalysis reads", got=got, remedy=remedy) from error


def ase_trajectory(path: Path) -> Any:
    """Open a trajectory of ASE."""
    io = require("ase.io.trajectory", purpose="reading ASE trajectories", install="pip install ase")
    return io.Trajectory(str(path))


def warn_of_damage(trajectory: Any, temperature: float | None) -> None:
    """Warn of files that end within a frame, and of those of a run that its checkpoint knows otherwise."""
    for part in getattr(trajectory, "readers", [trajectory]):
        if part.format in ("XTC", "TRR", "DCD"):
            try:
                check_end(part, Path(part.filename), None) if part.format == "DCD" else check_frames(part.filename)
            except InputError as error:
                warn(str(error))
        name, counted = getattr(part, "filename", None), part.format in ("TRAJ", "H5MD")
        if isinstance(name, (str, os.PathLike)) and part.format != "MEMORY":
            opened = ase_trajectory if part.format == "TRAJ" else None
            warn_of_changes(Path(name), "trajectory", part.n_frames if counted else None, opened)
            warn_of_conditions(Path(name), temperature)


def check_once(group: Any, name: str) -> None:
    """Refuse a group that names an atom twice."""
    if len(set(group.ix.tolist())) < len(group):
        got = f"{len(group)} entries for {len(set(group.ix.tolist()))} atoms"
        raise InputError(name, need="every atom once", got=got, remedy=f"pass {name}.unique")


def check_universe(groups: dict[str, Any]) -> None:
    """Refuse AtomGroups of different universes."""
    names = list(groups)
    for name in names[1:]:
        if groups[name].universe is not groups[names[0]].universe:
            need = f"atoms of the same universe as {names[0]}"
            raise InputError(name, need=need, got="atoms of another universe", remedy="select both from one Universe")


def rows_among(group: Any, atoms: Any, name: str) -> NDArray[np.int64]:
    """Where the atoms of a group stand among others; refuse those that are not there or stand twice."""
    check_once(atoms, "atoms")
    check_once(group, name)
    place = {int(i): k for k, i in enumerate(atoms.ix)}
    missing = [int(i) for i in group.ix if int(i) not in place]
    if missing:
        what = "ions" if name == "mobile" else "atoms"
        got = f"atom {missing[0]}, which is not"
        raise InputError(name, need=f"{what} that are among atoms", got=got, remedy="pass a larger group as atoms")
    return np.array([place[int(i)] for i in group.ix], dtype=np.int64)


def check_finite(positions: Floats, frames: NDArray[np.integer[Any]], name: str) -> None:
    """Refuse coordinates that are not numbers."""
    # One pass without a temporary array: a sum of squares is small unless an entry is large, or is no number.
    flat = positions.ravel()
    if np.dot(flat, flat) < FARTHEST**2:
        return
    wrong = ~(np.abs(positions) < FARTHEST).all(axis=-1)
    if not wrong.any():
        return
    frame, atom = np.argwhere(wrong)[0]
    raise InputError(
        f"coordinates of {name}",
        need="finite numbers"
        + f" within {FARTHEST:g} A of the origin" * bool(np.isfinite(positions[frame, atom]).all()),
        got=f"{positions[frame, atom]} at frame {frames[frame]}, atom {atom} of the group",
        remedy="repair the trajectory or leave the frame out with start, stop, step",
    )


def warn_of_repeated(positions: Floats, frames: NDArray[np.integer[Any]]) -> None:
    """Warn of a frame that is there twice, as where a restart wrote the last one of the run before again.

    Where many are the same, atoms stand still between events, as in a model on a lattice.
    """
    same = (positions[1:, 0] == positions[:-1, 0]).all(axis=-1)
    same[same] = [(positions[k + 1] == positions[k]).all() for k in np.flatnonzero(same)]
    if positions.shape[1] > 1 and 0 < np.count_nonzero(same) <= RARE * len(same):
        k = int(np.argmax(same))
        warn(
            f"frames {frames[k]} and {frames[k + 1]} are the same: where a restart wrote a frame again, times "
            "after it are one frame late; leave it out with start, stop, step or frames"
        )


def check_box(dimensions: Any, frame: int, trajectory: Any = None) -> None:
    """Refuse a frame without a periodic cell, or with one that no simulation has."""
    if dimensions is not None and np.all(np.asarray(dimensions) > 0):
        lengths = np.asarray(dimensions)[:3]
        if lengths.min() >= SMALLEST and lengths.max() <= LARGEST:
            return
        raise InputError(
            "box", need=f"lengths of the cell from {SMALLEST:g} to {LARGEST:g} A", got=f"{lengths} at frame {frame}",
            remedy="give it in A; a molecule without a cell has none",
        )  # fmt: skip
    got = "none" if dimensions is None else " ".join(f"{x:.6g}" for x in np.ravel(dimensions))
    got += f" at frame {frame}"
    remedy = "set it with MDAnalysis.transformations.boxdimensions.set_dimensions"
    flat = None if trajectory is None else trajectory.ts.data.get("cell")
    if flat is not None:
        lengths = np.linalg.norm(flat, axis=1)
        got = f"vector {int(lengths.argmin()) + 1} of length {lengths.min():g} at frame {frame}, as of a slab"
        remedy = "give it three vectors with a volume, for example by atoms.center(vacuum=10, axis=2) in ASE"
    elif trajectory is not None and is_extended_xyz(trajectory.filename):
        remedy = as_extended(trajectory.filename)
    raise InputError("box", need="a periodic cell in every frame", got=got, remedy=remedy)


def as_extended(filename: Any) -> str:
    """How to read an extended XYZ file that MDAnalysis took for a plain one."""
    return (
        f"the file is extended XYZ: read it with Universe({os.fspath(filename)!r}, format='EXTXYZ', "
        "topology_format='EXTXYZ'), or end its name on .extxyz; MDAnalysis reads .xyz without cell and times"
    )


def check_boxes(dimensions: Floats, frames: NDArray[np.integer[Any]], trajectory: Any = None) -> None:
    """Refuse frames without a periodic cell."""
    lengths = dimensions[:, :3]
    good = (dimensions > 0).all(axis=1) & (lengths >= SMALLEST).all(axis=1) & (lengths <= LARGEST).all(axis=1)
    if not good.all():
        k = int(np.argmin(good))
        check_box(None if np.isnan(dimensions[k]).all() else dimensions[k], int(frames[k]), trajectory)


def check_cells(cells: Floats, first: Floats, frames: NDArray[np.integer[Any]]) -> None:
    """Refuse cells (B, 3, 3) in A whose vectors are others than those of the first one, where ions are followed."""
    other = np.abs(cells - first).max(axis=(1, 2)) > STRETCHED * np.linalg.norm(first, axis=1).min()
    if not other.any():
        return
    k = int(np.argmax(other))
    shown = [" ".join(f"({a:.4g} {b:.4g} {c:.4g})" for a, b, c in one) for one in (first, cells[k])]
    raise InputError(
        "box", need="a cell whose vectors change little during the run", got=f"{shown[0]}, and {shown[1]} at frame "
        f"{frames[k]}",
        remedy="analyse the parts by themselves with start and stop; LAMMPS turns a cell that has become skewed into "
        "another of the same lattice unless its fix has 'flip no'",
    )  # fmt: skip


def check_frame_count(n_frames: int, need: int) -> None:
    """Refuse a run over too few frames."""
    if n_frames < need:
        got = str(n_frames)
        remedy = "check start, stop and step, or use a longer trajectory"
        raise InputError("frames", need=f"at least {need} frame{'s' if need > 1 else ''}", got=got, remedy=remedy)


def even_frame_time(times: Floats) -> float:
    """Time between analysed frames, if it is one time.

    >>> float(even_frame_time(np.array([0.0, 0.5, 1.0])))
    0.5
    """
    if len(times) < 2:
        return float("nan")
    steps = np.diff(times)
    mean = float(times[-1] - times[0]) / (len(times) - 1)
    rounding = 4.0 * float(np.finfo(np.float32).eps) * float(np.abs(times).max())
    remedy = "give the time between frames of the file with frame_time=..., or choose frames by start, stop, step"
    if mean <= 0 or steps.min() < -rounding or (steps.min() <= 0 and rounding < 0.5 * mean):
        at = int(np.argmin(steps))
        got = f"{times[at]:g} ps then {times[at + 1]:g} ps"
        raise InputError("times of the frames", need="times that increase", got=got, remedy=remedy)
    worst = int(np.argmax(np.abs(steps - mean)))
    if abs(steps[worst] - mean) > 1e-3 * mean + rounding:
        got = f"steps from {steps.min():g} to {steps.max():g} ps"
        raise InputError("times of the frames", need="equal steps", got=got, remedy=remedy)
    return mean


def elements_of(group: Any, name: str = "atoms") -> NDArray[np.str_]:
    """Chemical symbols of a group."""
    symbols = getattr(group, "elements", None)
    if symbols is None or not all(symbols):
        got = "none" if symbols is None else "atoms without an element"
        remedy = "call u.guess_TopologyAttrs(to_guess=['elements']) or add_TopologyAttr('elements', symbols)"
        raise InputError(name, need="chemical elements in the topology", got=got, remedy=remedy)
    return np.asarray(symbols, dtype=str)


def _species(universe: Any) -> str:
    for attribute in ("names", "types", "elements"):
        values = getattr(universe.atoms, attribute, None)
        if values is not None and len(values):
            found = sorted(set(map(str, values)))
            more = f" and {len(found) - 8} more" if len(found) > 8 else ""
            return f"{attribute} {', '.join(found[:8])}{more}"
    return f"{len(universe.atoms)} atoms without names"
