"""Molecular dynamics that looks for what a committee does not know."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read
from numpy.typing import NDArray

from ionpath.errors import InputError, IonpathError, MissingDependency
from ionpath.files import atomic_path, made_folder, sha256_of, unread
from ionpath_ase.calculator import Committee
from ionpath_ase.md import run_md
from ionpath_ase.training.opes import multithermal_lines
from ionpath_ase.training.selection import DeviationError, LoopSettings, check_deviation, frame_deviations

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Exploration:
    """One exploring run."""

    frames: tuple[Atoms, ...]  # frames after the start, wrapped into the cell
    deviations: FloatArray  # force deviation of each atom, eV/A, shape (n_frames, n_atoms)
    stopped: str = ""  # why it ended early; empty if it did not

    @property
    def largest(self) -> FloatArray:
        """Largest force deviation of each frame in eV/A, shape (n_frames,)."""
        return self.deviations.max(axis=1, initial=0.0)


def explore(
    atoms: Atoms,
    models: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    temperature: float,
    settings: LoopSettings,
    name: str = "structure",
    seed: int = 0,
    committee: Any = None,
    progress: bool = True,
) -> Exploration:
    """Run molecular dynamics with the first model, and ask all models about each frame."""
    place = Path(folder)
    trajectory, finished = place / "trajectory.extxyz", place / "deviations.npz"
    if finished.exists():
        return _kept(trajectory, finished)
    made_folder(place)
    watch = _Watch(trajectory, committee or Committee(list(models)), settings, f"{name} at {temperature:g} K")
    stopped = ""
    try:
        same = ("picoseconds", "ensemble", "engine", "timestep", "pressure", "interval")
        given: dict[str, Any] = {name: getattr(settings, name) for name in same}
        run_md(
            atoms.copy(), temperature=temperature, model=models[0], trajectory=trajectory, seed=seed, progress=progress,
            checkpoint_interval=settings.check_picoseconds, plumed=_plumed(place, temperature, settings), note=watch,
            **given,
        )  # fmt: skip
    except MissingDependency:
        raise
    except InputError as error:
        # atoms that come to overlap in the run are the model's fault, all else is the caller's
        if error.name != "positions" or not watch(check=False):
            raise
        stopped = f"{watch.where}: {error}"
    except IonpathError as error:
        stopped = str(error) if isinstance(error, DeviationError) else f"{watch.where}: {error}"
    watch(check=False)
    with atomic_path(finished) as part:
        content = np.array(_digest(trajectory))
        np.savez(part, deviations=watch.deviations(len(atoms)), stopped=np.array(stopped), trajectory=content)
    return Exploration(tuple(_frames(trajectory, 1)), watch.deviations(len(atoms)), stopped)


def _kept(trajectory: Path, finished: Path) -> Exploration:
    """What a run that is over left in its folder; one sentence where that is damaged."""
    try:
        if got := unread(finished):
            raise OSError(got)
        with finished.open("rb") as file, np.load(file, allow_pickle=False) as data:
            deviations, stopped = np.asarray(data["deviations"], dtype=float), str(data["stopped"])
            if "trajectory" in data and str(data["trajectory"]) != _digest(trajectory):
                raise ValueError(f"{trajectory.name} is not what it was")
        frames = tuple(_frames(trajectory, 1)) if trajectory.exists() else ()
        if deviations.ndim != 2 or len(deviations) != len(frames) or not np.isfinite(deviations).all():
            raise ValueError(f"deviations of shape {deviations.shape} for {len(frames)} frames")
    except Exception as error:  # of zip, zlib and numpy, which all have their own
        raise InputError(
            f"file {finished.name}", need="the deviations of the frames beside it",
            got=f"{type(error).__name__}: {str(error)[:120]}", remedy="remove it, and the frames are judged again",
        ) from error  # fmt: skip
    return Exploration(frames, deviations, stopped)


class _Watch:
    """Looks at the new frames of a growing trajectory."""

    def __init__(self, trajectory: Path, committee: Any, settings: LoopSettings, where: str) -> None:
        self.trajectory, self.committee, self.settings, self.where = trajectory, committee, settings, where
        self._rows: list[FloatArray] = []

    def __call__(self, check: bool = True) -> str:
        """Judge frames that were not there before; text for the bar."""
        if not self.trajectory.exists():
            return ""
        for frame in _frames(self.trajectory, 1 + len(self._rows)):
            row = self._judge(frame, check)
            self._rows.append(row)
            if check:
                time = len(self._rows) * self.settings.interval
                symbols = frame.get_chemical_symbols()
                check_deviation(row, self.settings.limit, symbols, f"{self.where}, {time:g} ps")
        return f"deviation {self._rows[-1].max():.2f} eV/A" if self._rows else ""

    def _judge(self, frame: Atoms, check: bool) -> FloatArray:
        """Deviation of each atom; infinite where the frame is beyond any model and that is no longer news."""
        try:
            return frame_deviations([frame], self.committee)[0]
        except InputError as error:
            if check or error.name != "positions":
                raise
            return np.full(len(frame), np.inf)

    def deviations(self, n_atoms: int) -> FloatArray:
        """All rows so far."""
        return np.array(self._rows, dtype=float).reshape(len(self._rows), n_atoms)


def _digest(path: Path) -> str:
    """Digest of a trajectory; nothing where there is none."""
    return sha256_of(path) if path.exists() else ""


def _frames(path: Path, first: int) -> list[Atoms]:
    frames: list[Atoms] = read(path, f"{first}:")
    for frame in frames:
        frame.calc = None
        frame.wrap()
    return frames


def _plumed(folder: Path, temperature: float, settings: LoopSettings) -> list[str] | None:
    """Lines of the bias, if there is one."""
    if settings.exploration == "md":
        return None
    pace = 10
    updates = round(settings.picoseconds * 1e3 / settings.timestep / pace)
    return multithermal_lines(
        folder,
        temperature=temperature,
        temperature_range=settings.temperature_range,
        pressure=settings.pressure if settings.exploration.endswith("multibaric") else None,
        pressure_range=settings.pressure_range,
        pace=pace,
        observation=max(10, min(100, updates // 10)),
    )
