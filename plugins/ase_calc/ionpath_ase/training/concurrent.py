"""Concurrent learning: train a committee, explore with it, label what it does not know, and again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read, write

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.files import atomic_path, is_name
from ionpath.msonable import Msonable
from ionpath_ase._geometry import check_calculator
from ionpath_ase._notes import read_note, write_note
from ionpath_ase.calculator import Committee, IonPath
from ionpath_ase.md.identity import potential
from ionpath_ase.training.evaluation import Errors, evaluate
from ionpath_ase.training.exploration import Exploration, explore
from ionpath_ase.training.fitting import fit
from ionpath_ase.training.labelling import frame_digest, label_frames
from ionpath_ase.training.loop_report import ExplorationRow, IterationReport, format_report, write_report
from ionpath_ase.training.selection import LoopSettings, choose

Trainer = Callable[[Sequence["Atoms"], Sequence["Atoms"], Path, int, LoopSettings], Path]


@documented
@dataclass(frozen=True)
class LoopResult(Msonable):
    """What a loop came to."""

    # committee of the last iteration: ``committee.pb``, ``committee.2.pb`` and so on, so that
    # ``Committee("folder/committee.pb")`` takes all of them
    models: tuple[Path, ...]
    # all labelled frames, those of the last iteration included, on which the committee is not yet trained
    dataset: Path
    iterations: tuple[IterationReport, ...]  # reports
    reason: str  # why it stopped
    converged: bool  # whether it stopped for its share of accurate frames


@typed
def learn(
    starts: Mapping[str, Atoms],
    frames: Sequence[Atoms],
    teacher: Any,
    folder: str | os.PathLike[str],
    *,
    settings: LoopSettings | None = None,
    held_back: Sequence[Atoms] = (),
    trainer: Trainer | None = None,
    progress: bool = True,
) -> LoopResult:
    """Let a committee of potentials find and learn what it does not know.

    Parameters
    ----------
    starts : mapping of str to ase.Atoms
        Structures from which exploration starts, by name.
    frames : sequence of ase.Atoms
        Labelled frames to begin with.
    teacher : ase.calculators.calculator.Calculator
        Gives labels: energy (eV), forces (eV/A), stress (eV/A^3).
    folder : str or path
        Where everything goes. A call that was stopped or killed at any moment goes on from there.
    settings : LoopSettings, optional
        Parameters.
    held_back : sequence of ase.Atoms, optional
        Labelled frames that no model is trained on; the report has the errors on them.
    trainer : callable, optional
        Makes a model file from training frames, frames held back, a folder, a seed and the settings, instead of
        deepmd-kit's training.
    progress : bool, default True
        Show bars and reports.

    Returns
    -------
    LoopResult
        Committee, all labels, reports, and why it stopped.

    Raises
    ------
    InputError
        If there is nothing to start from, or the folder holds a loop with other parameters.

    Notes
    -----
    An iteration trains `LoopSettings.members` models that differ in their seeds, runs molecular dynamics with the first
    from every start at every temperature, sorts the frames by the largest force deviation (`Window`), and labels
    candidates. The loop stops when the share of accurate frames is reached, when there is no candidate, or after
    `LoopSettings.max_iterations`. The scheme is that of Zhang et al., Phys. Rev. Mater. 3, 023804 (2019),
    doi:10.1103/PhysRevMaterials.3.023804 (DP-GEN; for clusters see `write_dpgen`).
    """
    chosen = settings or LoopSettings()
    place = Path(folder)
    check_calculator("teacher", teacher)
    _check(starts, frames, place, chosen, {
        "teacher": potential(teacher, None), "labels": _labels(frames), "held back": _labels(held_back)
    })  # fmt: skip
    history: list[IterationReport] = []
    added: list[Atoms] = []
    while True:
        number = len(history)
        home = place / f"iter-{number:02d}"
        known = [*frames, *added]
        models, errors = _train(known, held_back, home, chosen, trainer or train_member)
        runs = _explore(starts, models, home, chosen, number, progress)
        labels, counts = _label(runs, home, chosen, number, teacher, progress)
        report = _report(runs, home, number, len(known), errors, counts, chosen)
        history.append(report)
        write_report(report, history, home)
        if progress:
            print(format_report(report), flush=True)
        added += labels
        reason = _reason(report, chosen)
        if reason:
            return _finish(place, models, [*frames, *added], history, reason, chosen)


def train_member(
    frames: Sequence[Atoms], held_back: Sequence[Atoms], folder: Path, seed: int, settings: LoopSettings
) -> Path:
    """Train one model with deepmd-kit."""
    watched = list(held_back) or list(frames[::10])
    return fit(
        frames if held_back else [atoms for index, atoms in enumerate(frames) if index % 10],
        folder,
        preset=settings.preset,
        steps=settings.steps,
        seed=seed,
        test=watched,
        overrides=settings.overrides,
        progress=False,
    ).path


_RESULTS = ("dataset.extxyz", "summary.txt", "committee.pb", "committee.pth", "iter-00")


def _labels(frames: Sequence[Atoms]) -> str:
    """Digest of labelled frames: to seven figures, as files round them."""
    digest = hashlib.sha256()
    for atoms in frames:
        numbers = [atoms.get_potential_energy(), *atoms.get_forces().ravel()]
        digest.update((frame_digest(atoms) + " ".join(f"{x + 0.0:.4f}" for x in numbers)).encode())
    return digest.hexdigest()


def _check(
    starts: Mapping[str, Atoms], frames: Sequence[Atoms], folder: Path, settings: LoopSettings, more: Mapping[str, Any]
) -> None:
    """Refuse an empty start, and a folder of another loop."""
    if not starts:
        raise InputError("starts", need="at least one structure", got="none")
    for name in starts:
        if not is_name(name):
            raise InputError("starts", need="names that can be folders", got=repr(name))
    if not frames:
        raise InputError("frames", need="at least one labelled frame", got="none")
    parameters = asdict(settings)
    for name in ("max_iterations", "accurate_share"):  # a loop may be continued with these changed
        del parameters[name]
    digest = hashlib.sha256()
    for atoms in frames:
        digest.update(frame_digest(atoms).encode())
    for name, atoms in starts.items():
        digest.update((name + frame_digest(atoms)).encode())
    mark = json.loads(json.dumps(parameters | {"frames": digest.hexdigest()} | dict(more)))
    path = folder / "loop.json"
    if not path.exists():
        foreign = [name for name in _RESULTS if (folder / name).exists()]
        if foreign:
            got = f"{foreign[0]} of something else"
            remedy = "take another folder, or move it away"
            raise InputError(f"folder {folder.name}", need="a new folder, or that of a loop", got=got, remedy=remedy)
        write_note(path, mark)
        return
    found = read_note(path, again="put it back, or take another folder")
    differing = {name for name in mark if found.get(name, more.get(name)) != mark[name]}  # earlier loops have no more
    changed = sorted(differing, key=lambda name: (name in more, name))
    if changed:
        got = f"other values of {', '.join(changed)}"
        remedy = "take another folder"
        raise InputError(f"folder {folder.name}", need="the loop that was begun there", got=got, remedy=remedy)


def _train(
    frames: Sequence[Atoms], held_back: Sequence[Atoms], home: Path, settings: LoopSettings, trainer: Trainer
) -> tuple[tuple[Path, ...], tuple[Errors, ...]]:
    """Train the members that are not there yet."""
    paths, errors = [], []
    for member in range(settings.members):
        folder = home / "models" / str(member + 1)
        done = folder / "done.json"
        if not done.exists():
            path = trainer(frames, held_back, folder, settings.seed + member, settings)
            row = asdict(evaluate(held_back, IonPath(path))[-1]) if held_back else None
            inside = [path] if path.resolve().is_relative_to(folder.resolve()) else []
            write_note(done, {"model": os.path.relpath(path, folder), "errors": row}, inside)
        found = read_note(done, "model", "errors", again=f"remove {done}, and the training goes on")
        paths.append((folder / found["model"]).resolve())
        if found["errors"] is not None:
            errors.append(Errors(**found["errors"]))
    return tuple(paths), tuple(errors)


def _explore(
    starts: Mapping[str, Atoms], models: Sequence[Path], home: Path, settings: LoopSettings, number: int, progress: bool
) -> dict[tuple[str, float], Exploration]:
    """All runs of an iteration, each with a seed of its own."""
    committee = Committee(list(models))
    runs = {}
    for index, (name, atoms) in enumerate(starts.items()):
        for temperature in settings.temperatures:
            runs[name, temperature] = explore(
                atoms,
                models,
                home / "explore" / f"{name}-{temperature:g}K",
                temperature=temperature,
                settings=settings,
                name=name,
                seed=settings.seed + 1000 * number + index,
                committee=committee,
                progress=progress,
            )
    return runs


def _label(
    runs: Mapping[tuple[str, float], Exploration],
    home: Path,
    settings: LoopSettings,
    number: int,
    teacher: Any,
    progress: bool,
) -> tuple[list[Atoms], dict[str, Any]]:
    """Choose candidates, once, and label those that have no label yet."""
    selected, note, done = (home / name for name in ("selected.extxyz", "selected.json", "labels.json"))
    if not (selected.exists() and note.exists()):
        rng = np.random.default_rng([settings.seed, number])
        chosen, counts = [], {}
        for (name, temperature), run in runs.items():
            picks = choose(settings.window.classify(run.largest), settings.most_candidates, rng)
            counts[f"{name}/{temperature:g}K"] = len(picks)
            for index in picks:
                frame = run.frames[index].copy()
                frame.info = {"tag": f"{name}/{temperature:g}K"}
                frame.arrays = {key: frame.arrays[key] for key in ("numbers", "positions")}
                chosen.append(frame)
        with atomic_path(selected) as part:
            if chosen:
                write(part, chosen, format="extxyz")
        write_note(note, counts, [selected])
    counts = read_note(note, again=f"remove {note}, and frames are selected again")
    if selected.stat().st_size == 0:
        return [], {"selected": counts, "labelled": 0, "refused": 0}
    if not done.exists():
        frames = read(selected, ":", format="extxyz")
        report = label_frames(
            frames,
            teacher,
            home / "labels.extxyz",
            max_force=settings.max_force,
            closest=settings.closest,
            progress=progress,
        )
        refused = [reason for _, reason in report.refused]
        labelled = report.labelled + report.kept
        files = [home / "labels.extxyz"] if labelled else []
        write_note(done, {"labelled": labelled, "refused": refused}, files)
    found = read_note(done, "labelled", "refused", again=f"remove {done}, and what has no label gets one")
    labels = read(home / "labels.extxyz", ":") if found["labelled"] else []
    return labels, {"selected": counts, "labelled": len(labels), "refused": len(found["refused"])}


def _report(
    runs: Mapping[tuple[str, float], Exploration],
    home: Path,
    number: int,
    training_frames: int,
    errors: tuple[Errors, ...],
    counts: dict[str, Any],
    settings: LoopSettings,
) -> IterationReport:
    rows = []
    for (name, temperature), run in runs.items():
        classes = settings.window.classify(run.largest)
        accurate, candidates, failed = (int((classes == kind).sum()) for kind in ("accurate", "candidate", "failed"))
        rows.append(
            ExplorationRow(
                number,
                name,
                temperature,
                len(classes),
                accurate,
                candidates,
                failed,
                counts["selected"][f"{name}/{temperature:g}K"],
                float(run.largest.mean()) if len(classes) else float("nan"),
                float(run.largest.max(initial=0.0)),
                run.stopped,
            )
        )
    return IterationReport(number, tuple(rows), training_frames, errors, counts["labelled"], counts["refused"])


def _reason(report: IterationReport, settings: LoopSettings) -> str:
    """Why to stop; empty to go on."""
    share = report.accurate_share
    if share >= settings.accurate_share:
        return f"{100 * share:.1f} % of the frames are accurate, {100 * settings.accurate_share:g} % were asked for"
    if report.candidates == 0:
        return (
            "no frame lies in the window, though only "
            f"{100 * share:.1f} % are accurate: explore more gently, or widen the window"
        )
    if report.labelled == 0:
        return "all labels of the candidates were refused"
    if report.iteration + 1 >= settings.max_iterations:
        return f"{settings.max_iterations} iterations are done, {100 * share:.1f} % of the frames are accurate"
    return ""


def _finish(
    folder: Path,
    models: Sequence[Path],
    frames: Sequence[Atoms],
    history: Sequence[IterationReport],
    reason: str,
    settings: LoopSettings,
) -> LoopResult:
    """Put committee and data where they are easy to find."""
    placed = []
    for number, source in enumerate(models, 1):
        target = folder / (f"committee{source.suffix}" if number == 1 else f"committee.{number}{source.suffix}")
        with atomic_path(target) as part:
            part.write_bytes(source.read_bytes())
        placed.append(target)
    dataset = folder / "dataset.extxyz"
    with atomic_path(dataset) as part:
        write(part, list(frames), format="extxyz")
    with atomic_path(folder / "summary.txt") as part:
        part.write_text("\n\n".join(format_report(entry) for entry in history) + f"\n\nstopped: {reason}\n")
    converged = history[-1].accurate_share >= settings.accurate_share
    return LoopResult(tuple(placed), dataset, tuple(history), reason, converged)
