"""Steps of a study: named by a hash of what shapes them, done once, and safe to stop at any moment."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ionpath import __version__
from ionpath.errors import InputError, IonpathError
from ionpath.files import locked, sha256_of
from ionpath_cli.intact import DONE, FAILED, damaged, fingerprints, here, read_json, write_json
from ionpath_cli.study.registry import function_of
from ionpath_cli.words import error_in_words

TOPOLOGY, TRAJECTORY, CHECKPOINT = "start.extxyz", "trajectory.xtc", "trajectory.checkpoint.npz"
LEAST_SPACE = 500_000_000
"""Bytes that must be free on the disk before a step begins."""

LONGER = "write a larger least for these [[runs]] into the file of the study"
"""How the runs of a study become longer."""
STAGES = {
    "structure": ("structures:make_structure", "1"),
    "quench": ("simulate:quench", "1"),
    "cell": ("simulate:find_cell", "2"),
    "run": ("simulate:run", "1"),
    "biased": ("simulate:run_biased", "3"),
    "analysis": ("analyses:analyse_run", f"{__version__}/6"),
    "across": ("across:analyse_across", f"{__version__}/4"),
}
"""Kind of step -> its function, and its version. Trajectories outlive a release, what is read from them does not;
the number after the release counts the changes within it."""
REVISED = {"distortion": "/2", "distances": "/2"}
"""What one analysis adds to the version of its stage, where it alone has changed: the others need not be done again."""


@dataclass(frozen=True)
class Task:
    """One step."""

    name: str  # unique in the study; also its folder
    stage: str  # one of `STAGES`
    settings: Mapping[str, Any]  # all that shapes the outcome, as JSON
    inputs: tuple[str, ...] = ()  # names of the steps whose folders it reads
    picoseconds: float = 0.0  # length of a run, which may grow later: not part of the hash
    seconds: float = 1.0  # what it is expected to take on one core
    priority: int = 0  # low numbers begin first
    options: Mapping[str, Any] = field(default_factory=dict)  # what does not change the outcome: number of processes


@dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    # name, state: its name; ``done``, ``kept``, ``failed`` or ``blocked`` by another that failed
    name: str
    state: str
    folder: str  # where its files are
    message: str = ""  # why it failed
    seconds: float = 0.0  # time that it took now

    @property
    def good(self) -> bool:
        """Whether its files can be used."""
        return self.state in ("done", "kept")


def checksum(model: str) -> str:
    """SHA-256 of the file of a potential."""
    from ionpath_ase.potentials import resolve

    return sha256_of(resolve(model))


def task_keys(tasks: Sequence[Task]) -> dict[str, str]:
    """Hash of every step, with those of its inputs in it; tasks come after their inputs."""
    sums: dict[str, str] = {}
    keys: dict[str, str] = {}
    for task in tasks:
        model = task.settings.get("model")
        if model and model not in sums:
            sums[model] = checksum(model)
        content = {
            "stage": task.stage,
            "version": STAGES[task.stage][1] + REVISED.get(task.settings.get("analysis", ""), ""),
            "settings": {k: v for k, v in task.settings.items() if k != "model"},
            "model": sums.get(model or "", ""),
            "inputs": [keys[name] for name in task.inputs],
        }
        keys[task.name] = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    return keys


def place_of(folder: Path, task: Task, key: str) -> Path:
    """Folder of a step: other settings, another folder, so that nothing is overwritten."""
    return folder / task.stage / f"{task.name.removeprefix(task.stage + '/')}-{key[:8]}"


def placed(tasks: Sequence[Task], folder: Path) -> list[tuple[Task, str, Path]]:
    """Every step with its hash and its folder."""
    keys = task_keys(tasks)
    return [(task, keys[task.name], place_of(folder, task, keys[task.name])) for task in tasks]


def done(place: Path, key: str, picoseconds: float = 0.0) -> bool:
    """Whether a step of this hash, and at least of this length, is finished and has what it left."""
    found = record_of(place, key)
    return found is not None and found["picoseconds"] >= picoseconds - 1e-6 and not damaged(place, found)


def record_of(place: Path, key: str) -> dict[str, Any] | None:
    """Record of a finished step of this hash, or None."""
    found = read_json(place / DONE)
    whole = isinstance(found, dict) and found.get("key") == key
    numbers = (found.get(name) for name in ("picoseconds", "seconds")) if whole else (None,)
    return found if all(isinstance(number, (int, float)) for number in numbers) else None


def put_aside(place: Path, key: str) -> str:
    """Rename the folder of a finished step of which a file is damaged, and say so; nothing where all is whole."""
    record = record_of(place, key)
    name = damaged(place, record, whole=True) if record else ""
    if not name:
        return ""
    aside = _renamed(place, "damaged")
    return f"{place / name} was not what the step left; the step is done again, and its old folder is {aside.name}"


def _renamed(place: Path, why: str) -> Path:
    """The new place of a folder that is kept, but no longer used."""
    aside = next(a for n in range(1, 10**6) if not (a := place.with_name(f"{place.name}.{why}-{n}")).exists())
    place.rename(aside)
    return aside


def bare(steps: Sequence[tuple[Task, str, Path]]) -> dict[str, str]:
    """Finished runs without their trajectory, as in an archive, each with the first step to be done that needs it.

    A run that is to become longer needs its own.
    """
    places = {task.name: (task, key, place) for task, key, place in steps}
    old, found = outdated(steps), dict[str, str]()
    for task, key, place in steps:
        if done(place, key, task.picoseconds) and task.name not in old:
            continue
        if is_bare(task, key, place):
            found.setdefault(task.name, task.name)
        for name in task.inputs:
            one, its_key, its_place = places[name]
            if one.stage == "run" and done(its_place, its_key, one.picoseconds) and not _is_read(its_place):
                found.setdefault(name, task.name)
    return found


def is_bare(task: Task, key: str, place: Path) -> bool:
    """Whether a step is a finished run that cannot become longer."""
    return task.stage in ("run", "biased") and record_of(place, key) is not None and not _goes_on(place)


def _is_read(place: Path) -> bool:
    return all((place / name).is_file() for name in (TOPOLOGY, TRAJECTORY))


def _goes_on(place: Path) -> bool:
    frames = (place / name for name in (TRAJECTORY, "trajectory.extxyz"))
    return (place / CHECKPOINT).is_file() and any(file.is_file() for file in frames)


def put_bare_aside(steps: Sequence[tuple[Task, str, Path]], pace: float = 1.0) -> str:
    """Rename the folders of runs whose trajectories are needed and not there, so that they are made; what is said.

    A step takes `pace` times as long here as it is expected to.
    """
    needed = bare(steps)
    if not needed:
        return ""
    places = {task.name: (task, place) for task, _, place in steps}
    for name in needed:
        _renamed(places[name][1], "without-trajectory")
    first, reader = next(iter(needed.items()))
    hours = pace * sum(places[name][0].seconds for name in needed) / 3600
    others = f" and {len(needed) - 1} others" if len(needed) > 1 else ""
    why = "they are to become longer" if reader == first else f"{reader} reads it"
    return (
        f"made again, about {hours:.2g} h of one worker: {first}{others}, whose trajectories are gone; {why}; what "
        "there was is kept in folders that end in .without-trajectory-1"
    )


def kept(task: Task, key: str, folder: str, *parents: Outcome) -> Outcome:
    """Whether a step is finished and whole, byte for byte; else it is ``due``. Runs in a worker, and does nothing."""
    place = place_of(Path(folder), task, key)
    good = all(p.good for p in parents) and done(place, key, task.picoseconds)
    whole = good and not damaged(place, record_of(place, key) or {}, whole=True)
    return Outcome(task.name, "kept" if whole else "due", str(place))


def perform(task: Task, key: str, folder: str, *parents: Outcome) -> Outcome:
    """Do one step, unless it is done; runs in a worker."""
    place = place_of(Path(folder), task, key)
    bad = [p for p in parents if not p.good]
    if bad and not (task.stage == "across" and len(bad) < len(parents)):
        return Outcome(task.name, "blocked", str(place), f"needs {bad[0].name}, which {bad[0].state}: {bad[0].message}")
    if not Path(folder).is_dir():
        return Outcome(task.name, "failed", str(place), f"{folder} is not there: workers need the same file system")
    begin, said = time.monotonic(), ""
    try:
        said = put_aside(place, key)
        given = _given(parents) if task.stage == "across" else {}
        if done(place, key, task.picoseconds) and _made_of(place, key, given):
            return Outcome(task.name, "kept", str(place))
        place.mkdir(parents=True, exist_ok=True)
        with locked(place / ".lock", f"folder {place}", wait=True):
            if done(place, key, task.picoseconds) and _made_of(place, key, given):
                return Outcome(task.name, "kept", str(place))
            free = shutil.disk_usage(place).free
            if free < LEAST_SPACE:
                got = f"{free / 1e9:.2f} GB"
                remedy = "make room; the same command goes on"
                raise InputError(folder, need=f"{LEAST_SPACE / 1e9:g} GB of free space", got=got, remedy=remedy)
            inputs = [Path(p.folder) for p in parents if p.good]
            before = record_of(place, key) or {}
            (place / DONE).unlink(missing_ok=True)  # a run that becomes longer is not finished until it is
            function_of(STAGES[task.stage][0])(task, place, inputs)
            seconds = time.monotonic() - begin
            (place / FAILED).unlink(missing_ok=True)
            write_json(place / DONE, _record(task, key, seconds + before.get("seconds", 0.0), place, given))
    except (IonpathError, OSError, ValueError, ArithmeticError, LookupError, RuntimeError, TypeError) as error:
        error = here(error, place) if isinstance(error, InputError) else error
        message = f"{type(error).__name__}: {error}"
        if isinstance(error, IonpathError):
            message = error_in_words(error, ()).replace("use a longer trajectory", LONGER)
        with contextlib.suppress(OSError):
            write_json(place / FAILED, {"name": task.name, "message": message, "time": time.strftime("%F %T")})
        return Outcome(task.name, "failed", str(place), message, time.monotonic() - begin)
    return Outcome(task.name, "done", str(place), said, seconds)


def outdated(steps: Sequence[tuple[Task, str, Path]]) -> dict[str, str]:
    """Finished steps across runs that `perform` makes again, each with what is new of its inputs."""
    found: dict[str, str] = {}
    places = {task.name: (task, key, place) for task, key, place in steps}
    for task, key, place in steps:
        if task.stage != "across" or not done(place, key, task.picoseconds):
            continue
        for name in task.inputs:
            one, its_key, its_place = places[name]
            ready = done(its_place, its_key, one.picoseconds)
            if not ready and (its_place / FAILED).exists():
                continue  # it is tried again, and may fail again: nothing is known to have changed
            if not _made_of(place, key, {name: held(read_json(its_place / DONE)) if ready else "not yet there"}):
                found[task.name] = f"{name} {'has changed since this was made' if ready else 'is not finished'}"
                break
    return found


def _given(parents: Sequence[Outcome]) -> dict[str, str]:
    """What the inputs of a step hold, by name."""
    given = {p.name: held(read_json(Path(p.folder) / DONE)) for p in parents if p.good}
    return {name: content for name, content in given.items() if content}


def held(record: Any) -> str:
    """What a finished step left, by its record: it changes where a run became longer and was analysed again."""
    if not isinstance(record, dict):
        return ""
    return hashlib.sha256(json.dumps(record.get("files"), sort_keys=True).encode()).hexdigest()[:16]


def _made_of(place: Path, key: str, given: Mapping[str, str]) -> bool:
    """Whether a finished step was made of these: one across runs is made of what there is, again when there is more."""
    had = (record_of(place, key) or {}).get("inputs")
    return not isinstance(had, dict) or all(had.get(name) == content for name, content in given.items())


def _record(task: Task, key: str, seconds: float, place: Path, given: Mapping[str, str]) -> dict[str, Any]:
    model = task.settings.get("model")
    return {
        "key": key,
        "name": task.name,
        "stage": task.stage,
        "settings": dict(task.settings),
        "picoseconds": task.picoseconds,
        "seconds": round(seconds, 1),
        "model": checksum(model) if model else "",
        "inputs": dict(given),
        "files": fingerprints(place),
        "version": __version__,
        "finished": time.strftime("%F %T"),
    }
