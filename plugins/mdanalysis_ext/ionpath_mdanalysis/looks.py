"""Frames looked at before a run: where it begins, whether it is wrapped, whether one run repeats part of another."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from MDAnalysis.core._get_readers import get_reader_for
from MDAnalysis.lib.distances import distance_array
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ionpath.arrays import Floats
from ionpath.constants import GAS_CONSTANT
from ionpath.errors import InputError, warn
from ionpath.periodic import minimum_image
from ionpath.transport.wrapping import is_wrapped
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._frames import cell_vectors
from ionpath_mdanalysis.times import read_from_file

HOTTEST = 2000.0
"""Temperature in K that stands for one that nobody said."""
CLOSE = 0.5
"""Distance in A within which no two nuclei are."""
FASTEST = 2.0
"""Ions that go further than this many times their thermal speed takes them do not belong to their frame time."""


def look_at(analysis: Any, number: int) -> dict[str, Any]:
    """Number, time, cell and positions of all groups of one frame of a run."""
    ts = analysis._sliced_trajectory[number]
    dimensions = np.full(6, np.nan) if ts.dimensions is None else ts.dimensions
    seen: dict[str, Any] = {"frame": ts.frame, "time": ts.time}
    seen["cell"] = cell_vectors(np.asarray(dimensions, dtype=np.float64)[None])[0]
    return seen | {name: ts.positions[g.ix].astype(np.float64) for name, g in analysis.groups.items()}


def needs_folding(looks: Sequence[dict[str, Any]], mobile: str, framework: str | None) -> bool:
    """Whether steps of ions are to be folded into the cell, told from frames that were looked at."""
    if not all(np.isfinite(look["cell"]).all() and np.linalg.det(look["cell"]) > 0 for look in looks):
        return True  # a frame without a cell is refused when its turn comes
    ions, cells = (np.array([look[name] for look in looks]) for name in (mobile, "cell"))
    return is_wrapped(ions, cells, None if framework is None else np.array([look[framework] for look in looks]))


def check_lengths(looks: Sequence[dict[str, Any]]) -> None:
    """Warn of atoms that lie on one another in all frames, as where lengths are in nm or in fractions of the cell."""
    closest = []
    for look in looks:
        atoms = np.concatenate([look[name] for name in ("mobile", "framework") if name in look])
        if len(atoms) < 2 or not (np.isfinite(look["cell"]).all() and np.isfinite(atoms).all()):
            return
        closest.append(float(np.median(cKDTree(atoms).query(atoms, k=2)[0][:, 1])))
    if 0.0 < max(closest) < CLOSE:  # at no distance at all are walkers of a model
        warn(
            f"half of the atoms are within {max(closest):.2g} A of another one: positions are read in A, and these "
            "look like nm or fractions of the cell; multiply them where the Universe is made (leave out the shells of "
            "a core-shell model)"
        )


def spacing(analysis: Any, first: dict[str, Any], last: dict[str, Any]) -> float:
    """Time in ps between analysed frames, from the first and the last."""
    given, span = analysis._given_frame_time, last["time"] - first["time"]
    if given is not None:
        span = (last["frame"] - first["frame"]) * given
    return _checks.even_frame_time(np.array([0.0, span])) / (analysis._total - 1)


def check_speed(
    looks: Sequence[dict[str, Any]], masses: Any, spacing: float, temperature: float | None, *, fold: bool
) -> None:
    """Warn of ions that go further from frame to frame than thermal motion takes them in that time.

    A mean squared displacement is at most that of ballistic motion, 3 k T t^2 / m, in any equilibrium.
    """
    masses = np.asarray(() if masses is None else masses, dtype=np.float64)
    if not masses.size or not (masses > 0).all() or not np.isfinite([look["cell"] for look in looks]).all():
        return
    kelvin = temperature or HOTTEST
    most = spacing * np.sqrt(0.3 * GAS_CONSTANT * kelvin / masses).mean()  # J/mol and u in A^2/ps^2
    squares = []
    for one, two in zip(looks[::2], looks[1::2], strict=True):
        step = two["mobile"] - one["mobile"]
        step = minimum_image(step, two["cell"]) if fold else step
        squares.append(np.sum((step - step.mean(axis=0)) ** 2) / len(step))
    far = float(np.sqrt(np.mean(squares)))
    if far > FASTEST * most:
        warn(
            f"mobile ions move {far:.2g} A from frame to frame, which are {spacing:g} ps apart; thermal motion takes "
            f"them {most:.2g} A at {kelvin:g} K: check the time between the frames, the temperature and the masses"
        )


def places_named(universe: Any) -> Any:
    """Positions in A of the file or the Atoms that name the atoms of a universe; None where there are none."""
    named, trajectory = universe.filename, universe.trajectory
    if not isinstance(named, (str, os.PathLike)):
        return getattr(named, "positions", None)
    path = os.fspath(named)
    if not os.path.isfile(path) or str(path) == str(trajectory.filename):
        return None
    options = universe._kwargs
    kind, style = options.get("topology_format"), options.get("atom_style")
    return _places_in(path, os.stat(path).st_mtime_ns, kind, style, len(universe.atoms))


@lru_cache(maxsize=8)
def _places_in(path: str, _written: int, kind: str | None, style: str | None, n_atoms: int) -> Any:
    options = {} if style is None else {"atom_style": style}
    try:
        with warnings.catch_warnings(action="ignore"):
            reader = get_reader_for(path, format=kind)(path, n_atoms=n_atoms, **options)
            with reader:
                return reader.ts.positions.copy()
    except Exception:  # a topology without positions, of whatever format
        return None


def check_places(structure: Any, framework: Any, files: str = "") -> None:
    """Refuse a trajectory whose atoms are in another order than those of the structure (N, 3) in A that names them.

    `framework` are atoms that do not diffuse, and `files` the names of both.
    """
    universe, trajectory = framework.universe, framework.universe.trajectory
    if structure is None or len(structure) != len(universe.atoms) or not len(framework):
        return
    here = trajectory.frame
    ts, index = trajectory[0], framework.ix
    positions, cell, box = ts.positions.copy(), ts.triclinic_dimensions, ts.dimensions
    trajectory[here]
    if cell is None or not np.linalg.det(cell) > 0:
        return
    moved = (positions - structure) @ np.linalg.inv(cell)
    moved -= np.median((moved - np.rint(moved))[index], axis=0)
    own = float(np.median(np.linalg.norm((moved - np.rint(moved))[index] @ cell, axis=1)))
    if own < 2.0:
        return
    chosen = index[np.unique(np.linspace(0, len(index) - 1, 64).astype(int))]
    near = distance_array(positions[chosen], np.asarray(structure, np.float32), box=box)
    nearest = float(np.median(near.min(axis=1)))
    if nearest < 0.35 * own and nearest < 1.0:
        paths = [one.filename for one in (trajectory, universe)]
        named = [
            os.path.basename(path) if isinstance(path, (str, os.PathLike)) else "the atoms given" for path in paths
        ]
        raise InputError(
            files or " with ".join(named), need="the same atoms in the same order",
            got=f"framework atoms {own:.2g} A away from their places in the structure, and {nearest:.2g} A from those "
            "of others",
            remedy="name the structure that the run was started from, or sort one of the files",
        )  # fmt: skip


LOOKED_BACK = 200
"""Frames before a join that are compared with the first one after it, and so are the first ones of earlier runs."""
SAME = 0.01
"""Coordinates in A that are one and the same: XTC keeps two decimals."""
MOST_ATOMS = 256


def joins(trajectory: Any) -> list[int]:
    """First frames of all runs of a trajectory but the first: of a list of files, or of a file that says it."""
    parts = getattr(trajectory, "readers", None)
    if parts is None:
        return [int(frame) for frame in getattr(trajectory, "joins", ())]
    counts = [part.n_frames for part in parts]  # with continuous=True MDAnalysis leaves out what is there twice
    return np.cumsum(counts)[:-1].tolist() if sum(counts) == trajectory.n_frames else []


def check_joins(trajectory: Any, group: Any, first: int, last: int) -> None:
    """Refuse frames from `first` to `last` among which a run begins at a configuration that was there before."""
    found = [join for join in joins(trajectory) if first < join <= last]
    if not found:
        return
    frame, atoms = trajectory.frame, group[np.linspace(0, len(group) - 1, min(len(group), MOST_ATOMS), dtype=int)]
    try:
        for join in found:
            start = _positions(trajectory, join, atoms)
            near = max(first, join - LOOKED_BACK)
            before = [*(k for k in (first, *found) if k < near), *range(near, join)]  # a file that is there twice
            same = np.array([np.abs(_positions(trajectory, k, atoms) - start).max() < SAME for k in before])
            # Many alike: atoms that stand still between events, as in a model on a lattice.
            if same[:-1].any() and np.count_nonzero(same) == 1:
                _refuse(f"frame {join} the same as frame {before[int(np.argmax(same))]}", join, trajectory)
    finally:
        trajectory[frame]


def _positions(trajectory: Any, frame: int, atoms: Any) -> Floats:
    """Positions as the file has them: our readers may unwrap, from one frame to the next."""
    if (frames := getattr(trajectory, "_frames", None)) is not None and hasattr(frames, "frame"):
        return np.asarray(frames.frame(frame).positions, dtype=np.float64)[atoms.ix]
    trajectory[frame]
    return np.asarray(atoms.positions, dtype=np.float64)


def check_clock(times: Floats, frames: NDArray[np.integer[Any]], trajectory: Any, given: float) -> None:
    """Refuse times of a file that go back into a run, but not to its start: another run may begin there.

    Warn of those that are others than the `given` time between frames in ps, which is used.
    """
    steps = np.diff(times)
    begin = 0
    for k in np.flatnonzero(steps <= 0):
        if times[k + 1] > times[begin] + 1.5 * float(np.median(np.abs(steps))):
            _refuse(f"{times[k]:g} ps then {times[k + 1]:g} ps", int(frames[k + 1]), trajectory)
        begin = int(k) + 1
    said = steps[steps > 0] / np.diff(frames)[steps > 0]
    rounding = 1e-3 * given + 4.0 * float(np.finfo(np.float32).eps) * float(np.abs(times).max(initial=0.0))
    if (np.abs(said - given) > rounding).any() and read_from_file(trajectory):
        low, high = (f"{one:.4g}" for one in (said.min(), said.max()))
        span = low if low == high else f"{low} to {high}"
        warn(f"frame_time={given:g} ps is used; the trajectory says {span} ps between its frames")


def _refuse(got: str, join: int, trajectory: Any) -> None:
    continuous = {str(part.format) for part in getattr(trajectory, "readers", ())} & {"XTC", "TRR"}
    raise InputError(
        "trajectory", need="runs that go on where the one before ended", got=f"{got}, so that a stretch is there twice",
        remedy=f"analyse each run by itself, with stop={join} and with start={join}, or leave them out of the file"
        + ", or open the files with continuous=True" * bool(continuous),
    )  # fmt: skip
