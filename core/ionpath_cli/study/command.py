"""``ionpath study``: a published study computed again, or one of your own, from structures to a comparison."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import Any

from ionpath.errors import InputError, positive, whole
from ionpath.files import locked, made_folder
from ionpath_cli.intact import DONE, FAILED, PLAN, damaged, read_json, write_json
from ionpath_cli.messages import LOG
from ionpath_cli.options import parser, write_config
from ionpath_cli.study.begun import asked_of, lengths_kept, pace_of
from ionpath_cli.study.definition import Across, Study, load_study, study_names
from ionpath_cli.study.pace import measured_pace
from ionpath_cli.study.plan import Plan, make_plan
from ionpath_cli.study.structures import check_structures
from ionpath_cli.study.tasks import Outcome, Task, bare, done, outdated, placed, put_bare_aside, record_of

EXAMPLE = """
  ionpath study guan2024 --list --budget 10h        what would be computed
  ionpath study guan2024 --budget 10h -o guan       compute it, or go on with it
  ionpath study guan2024 --status -o guan           how far it is
  ionpath study guan2024 -o guan --archive g.zip    all but the trajectories
"""


def main(argv: list[str]) -> int:
    """Run ``ionpath study``."""
    arguments = _options()
    options = arguments.parse_args(argv)
    if options.study is None:
        if not options.list:
            arguments.error(f"name a study: {', '.join(study_names())}, or a TOML file")
        for name in study_names():
            print(f"{name:10} {load_study(name).title}")
        return 0
    for name in ("workers", "processes"):
        whole(f"--{name}", getattr(options, name), 1, 10_000, remedy=f"for example --{name} 2")
    positive("--scale", options.scale)
    study = load_study(options.study)
    folder = options.output or Path(f"study-{study.name}")
    asked = {
        "budget": _budget(options.budget), "workers": options.workers, "only": _rows(options.only),
        "scale": options.scale, "pace": pace_of(folder), "lengths": _lengths(options.length),
    }  # fmt: skip
    looks = options.status or options.markdown or options.archive or options.conclude
    if looks:
        _check_folder(study, folder)
    if looks and asked["budget"] is asked["only"] is None and options.scale == 1.0 and not options.length:
        # Another budget has runs of other lengths, of which the folder has nothing: look at what was run.
        asked |= asked_of(study, folder)
    else:
        asked["lengths"] = lengths_kept(study, folder, asked["lengths"]) | asked["lengths"]
    if looks:
        study = _with_results(study, folder)
    if not (looks or options.list or options.scheduler or asked["budget"] is None or (folder / PLAN).exists()):
        _check_folder(study, folder)
        make_plan(study, processes=options.processes, **asked)  # what is wrong is said at once
        pace = measured_pace(study.dynamics.model, options.workers)
        if pace is None:
            LOG.info("the time of a step could not be measured here: the plan counts on that of the model card")
        else:
            LOG.info("a step takes %.2g times as long here as the model card says, which the plan counts on", pace)
        asked["pace"] = pace or 1.0
    plan = make_plan(study, processes=options.processes, **asked)
    if options.study.endswith(".toml") and not looks:
        check_structures(plan.tasks, study)
    if options.list:
        print(_listing(plan, options.workers))
        return 0
    if options.status:
        print(_status(plan, folder))
        return 0
    if options.markdown:
        from ionpath_cli.study.output import collect, write_comparison, write_markdown

        if not collect(plan, folder):
            need = "the folder of a study with finished analyses of this plan"
            remedy = "run the study to its end first; name its folder with -o, with the --budget of its runs"
            raise InputError("output", need=need, got=str(folder), remedy=remedy)
        write_comparison(plan, folder)
        write_markdown(folder, options.markdown)
        print(options.markdown)
        return 0
    if options.archive:
        from ionpath_cli.study.output import write_archive

        number = write_archive(plan, folder, options.archive)
        print(f"{options.archive}: {number} files of finished steps, no trajectories")
        return 0
    if options.conclude:
        if not any(done(place, key) for _, key, place in placed(plan.tasks, folder)):
            need, remedy = "the folder of a study with finished steps of this plan", "name it with -o"
            raise InputError("output", need=need, got=str(folder), remedy=remedy)
        return run_study(plan, folder, workers=options.workers, scheduler=options.scheduler, conclude=True)
    status = run_study(plan, folder, workers=options.workers, scheduler=options.scheduler)
    write_config(folder / "options.toml", arguments, options)
    return status


def run_study(
    plan: Plan, folder: Path, *, workers: int = 2, scheduler: str | None = None, conclude: bool = False
) -> int:
    """Carry out a plan in a folder and write its comparison; 1 if a step failed, which the same call tries again.

    With `conclude` nothing is run: steps across runs are made of what there is, and made again when there is more.
    """
    from ionpath_cli.study.cluster import carry_out
    from ionpath_cli.study.output import write_comparison

    _check_folder(plan.study, folder)
    made_folder(folder)
    with locked(folder / ".lock", f"folder {folder}"):
        _check_folder(plan.study, folder)
        known: list[Outcome] = []
        if conclude:
            known = _so_far(plan, folder)
        else:
            parts = {name: dict(getattr(plan, name)) for name in ("asked", "lengths", "dropped")}
            number = {group.name: group.arrangements for group in plan.study.runs if group.name in plan.lengths}
            write_json(folder / PLAN, {"study": plan.study.name, **parts, "arrangements": number})
            LOG.info("%s", _listing(plan, workers, rows=False))
            if said := put_bare_aside(placed(plan.tasks, folder), plan.asked.get("pace", 1.0)):
                LOG.warning("%s", said)
        clock = _Clock(plan, folder, workers, [outcome.name for outcome in known])
        shown: dict[Path, str] = {}
        page: Future[Path] | None = None

        def report(outcome: Outcome, so_far: Sequence[Outcome]) -> None:
            nonlocal page
            LOG.info("%s", clock.line(outcome, len(so_far)))
            changed = outcome.state == "done" and outcome.name.startswith(("analysis/", "across/", "biased/"))
            if changed and (page is None or page.done()):  # else the next one has it too
                if page is not None:
                    page.result()  # raises what kept it from being written
                page = writer.submit(write_comparison, plan, folder, shown)

        # In a thread: a page takes seconds, in which workers would take whatever is queued in place of what is due.
        with ThreadPoolExecutor(1) as writer:
            outcomes = carry_out(plan.tasks, folder, workers=workers, scheduler=scheduler, known=known, report=report)
        written = write_comparison(plan, folder, shown)
    bad = [o for o in outcomes if o.state == "failed"]
    for outcome in bad:
        LOG.error("failed: %s: %s", outcome.name, outcome.message)
    print(f"Comparison: {written}")
    return 1 if bad else 0


def _so_far(plan: Plan, folder: Path) -> list[Outcome]:
    """All steps but those across runs, finished or not."""
    return [
        Outcome(task.name, "kept" if done(place, key, task.picoseconds) else "waits", str(place), "it is not finished")
        for task, key, place in placed(plan.tasks, folder)
        if task.stage != "across"
    ]


def _options() -> argparse.ArgumentParser:
    found = parser(
        "study",
        f"Compute a published study again ({', '.join(study_names())}), or one of your own (a TOML file): structures, "
        "molecular dynamics, analyses, and a comparison row by row.",
        EXAMPLE,
    )
    found.add_argument("study", nargs="?", help=f"{', '.join(study_names())}, or a TOML file; with --list none for all")
    found.add_argument("--budget", help="real time to spend: 30min, 2h, 10h, 3d; default: all that the study wants")
    found.add_argument("--list", action="store_true", help="print the rows and the plan, and stop")
    found.add_argument("--status", action="store_true", help="print how far a study in the folder is, and stop")
    found.add_argument(
        "--conclude", action="store_true",
        help="make the analyses across runs of what is finished, write the comparison, and stop",
    )  # fmt: skip
    found.add_argument("--only", metavar="ROWS", help="rows to answer, such as 1-5,28")
    found.add_argument(
        "--length", nargs=2, action="append", metavar=("GROUP", "PS"),
        help="length of a group of runs in ps, whatever the budget would buy, such as hot 100; may be repeated",
    )  # fmt: skip
    found.add_argument("--workers", type=int, default=2, help="runs at the same time on this machine; default 2")
    found.add_argument("--processes", type=int, default=1, help="MPI processes of each LAMMPS run; default 1")
    found.add_argument("--scheduler", metavar="ADDRESS", help="dask scheduler to use instead of this machine")
    found.add_argument("-o", "--output", type=Path, help="folder; default study-NAME")
    found.add_argument("--markdown", type=Path, metavar="FILE", help="write what is finished as a page, and stop")
    found.add_argument("--archive", type=Path, metavar="FILE.zip", help="keep all but the trajectories, and stop")
    found.add_argument("--scale", type=float, default=1.0, help=argparse.SUPPRESS)
    return found


def _budget(text: str | None) -> float | None:
    """Hours."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(min|h|d)", text.strip())
    if not found or float(found[1]) <= 0:
        remedy = "use --budget 10h"
        raise InputError("budget", need="a time such as 30min, 2h, 10h or 3d", got=repr(text), remedy=remedy)
    return float(found[1]) * {"min": 1 / 60, "h": 1.0, "d": 24.0}[found[2]]


def _rows(text: str | None) -> list[int] | None:
    """Numbers of rows."""
    if text is None:
        return None
    numbers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not found or int(found[2] or found[1]) < int(found[1]):
            remedy = "use --only 1-5,28"
            raise InputError("only", need="numbers and ranges such as 1-5,28", got=repr(text), remedy=remedy)
        numbers += range(int(found[1]), int(found[2] or found[1]) + 1)
    return numbers


def _lengths(given: Sequence[Sequence[str]] | None) -> dict[str, float]:
    """Group of runs -> length in ps."""
    found: dict[str, float] = {}
    for name, number in given or ():
        if name in found:
            got, remedy = f"{name!r} twice", "leave one of both out"
            raise InputError("length", need="each group of runs once", got=got, remedy=remedy)
        try:
            found[name] = float(number)
        except ValueError:
            need, remedy = "a group of runs and its length in ps", f'use --length "{name}" 100'
            raise InputError("length", need=need, got=f"{name!r} and {number!r}", remedy=remedy) from None
    return found


def _with_results(study: Study, folder: Path) -> Study:
    """A study whose finished steps need no package any more, which may be missing where they are looked at."""

    def known(across: Across) -> Across:
        found = any(folder.glob(f"across/{escape(across.name)}-*/{DONE}"))
        return replace(across, packages=()) if found else across

    return replace(study, across=tuple(map(known, study.across)))


def _check_folder(study: Study, folder: Path) -> None:
    """Refuse a folder of another study, or one with files of the names of ours that no study wrote."""
    if folder.exists() and not folder.is_dir():
        raise InputError("output", need="a folder", got=f"{folder}, which is a file", remedy=f"use -o {folder}-study")
    before = read_json(folder / PLAN)
    named = before.get("study") if isinstance(before, dict) else None
    if isinstance(named, str) and isinstance(before.get("asked", {}), dict):
        if named != study.name:
            got = f"{folder}, which holds {named}"
            raise InputError("output", need="a folder of this study", got=got, remedy=f"use -o {folder}-{study.name}")
        return
    others = [folder / PLAN, *(folder / f"comparison.{kind}" for kind in ("csv", "json", "html"))]
    others = [path for path in (*others, *sorted(folder.glob("figure-*.png"))) if path.exists()]
    if others and not _of_archive(study, folder):
        need = "a folder of this study, or one without files of these names"
        got = f"{others[0]}, which no study wrote, or which is damaged"
        raise InputError("output", need=need, got=got, remedy=f"move it away, or use -o {folder / study.name}")


def _of_archive(study: Study, folder: Path) -> bool:
    """Whether a folder without a plan is an archive of this study, unpacked."""
    content = None if (folder / PLAN).exists() else read_json(folder / "comparison.json")
    return isinstance(content, dict) and content.get("study") == study.name


def _listing(plan: Plan, workers: int, *, rows: bool = True) -> str:
    lines = [plan.study.title, ""]
    if rows:
        for row in plan.study.rows:
            why = plan.dropped.get(row.number, "")
            mark = "-" if why else "+"
            lines.append(f"{mark} {row.number:3d}  {row.figure:12} {row.title}" + (f"  [{why}]" if why else ""))
        lines.append("")
    for group in plan.study.runs:
        length = plan.lengths.get(group.name)
        number = max(plan.study.systems[name].arrangements for name in group.systems)
        number = min(number, group.arrangements or number)
        what = "not in this budget" if length is None else f"{length:.4g} ps each, {number} arrangements at most"
        kelvin = ", ".join(f"{t:g}" for t in group.temperatures)
        lines.append(f"runs {group.name}: {', '.join(group.systems)} at {kelvin} K: {what}")
    lines.append(
        f"{len(plan.tasks)} steps, about {plan.seconds / 3600 / workers:.3g} h with {workers} at a time; "
        f"rows without an answer: {', '.join(map(str, plan.dropped)) or 'none'}"
    )
    return "\n".join(lines)


class _Clock:
    """Progress, and the time left by what finished steps of each stage took."""

    def __init__(self, plan: Plan, folder: Path, workers: int, left_out: Sequence[str] = ()) -> None:
        steps = [step for step in placed(plan.tasks, folder) if step[0].name not in set(left_out)]
        # what a folder holds already takes no time, and says nothing about the pace
        self._ahead = {task.name: task.seconds * (1.0 - _share(task, key, place)) for task, key, place in steps}
        self._stages = {task.name: task.stage for task in plan.tasks}
        self._number, self._workers, self._expected = len(plan.tasks), workers, plan.asked.get("pace", 1.0)
        self._took: dict[str, tuple[float, float]] = {}

    def line(self, outcome: Outcome, number: int) -> str:
        """One line about a step that ended."""
        expected, stage = self._ahead.pop(outcome.name), self._stages[outcome.name]
        if outcome.state == "done":
            took, planned = self._took.get(stage, (0.0, 0.0))
            self._took[stage] = took + outcome.seconds, planned + expected
        left = sum(seconds * self._pace(self._stages[name]) for name, seconds in self._ahead.items()) / self._workers
        words = f"{outcome.state} in {outcome.seconds:.0f} s" if outcome.state == "done" else outcome.state
        message = f": {outcome.message}" if outcome.message else ""
        return (
            f"{time.strftime('%H:%M')} [{number}/{self._number}] {outcome.name} {words}{message}; "
            f"about {left / 3600:.1f} h left"
        )

    def _pace(self, stage: str) -> float:
        took, planned = self._took.get(stage, (0.0, 0.0))
        return took / planned if planned > 0.0 else self._expected


def _status(plan: Plan, folder: Path) -> str:
    if not (folder / PLAN).exists():
        raise InputError("output", need="the folder of a study", got=str(folder), remedy="name it with -o")
    _check_folder(plan.study, folder)
    counts = {"done": 0, "to make again": 0, "outdated": 0, "failed": 0, "damaged": 0, "begun": 0, "to do": 0}
    took = expected = left = 0.0
    lines = []
    steps = placed(plan.tasks, folder)
    old, needed = outdated(steps), bare(steps)
    for task, key, place in steps:
        if task.name in needed:
            counts["to make again"] += 1
            left += task.seconds
            why = "it is to become longer" if needed[task.name] == task.name else f"{needed[task.name]} needs it"
            lines.append(f"to make again: {task.name}: its trajectory is gone, and {why}")
            continue
        if task.name in old:
            counts["outdated"] += 1
            left += task.seconds
            lines.append(f"outdated: {task.name}: {old[task.name]}; it will be done again")
            continue
        if done(place, key, task.picoseconds):
            counts["done"] += 1
            took, expected = took + read_json(place / DONE)["seconds"], expected + task.seconds
            continue
        left += task.seconds * (1.0 - _share(task, key, place))
        failed, record = read_json(place / FAILED), record_of(place, key)
        if isinstance(failed, dict):
            counts["failed"] += 1
            lines.append(f"failed: {task.name}: {failed.get('message')}")
        elif record is not None and (name := damaged(place, record)):
            counts["damaged"] += 1
            lines.append(f"damaged: {task.name}: {place / name} is not what the step left; it will be done again")
        elif place.exists():
            counts["begun"] += 1
            reached = _reached(place)
            lines.append(f"begun: {task.name}" + (f": {reached:.4g} of {task.picoseconds:g} ps" if reached else ""))
        else:
            counts["to do"] += 1
    pace = took / expected if expected else plan.asked.get("pace", 1.0)
    rare = ("to make again", "outdated", "damaged")
    counts = {word: number for word, number in counts.items() if number or word not in rare}
    lines.append(", ".join(f"{number} {word}" for word, number in counts.items()))
    lines.append(f"{took / 3600:.2f} h spent, about {pace * left / 3600:.2f} h of one worker left")
    return "\n".join(lines)


def _share(task: Task, key: str, place: Path) -> float:
    """Part of a step that its folder holds, 0 to 1."""
    if done(place, key, task.picoseconds):
        return 1.0
    return min(_reached(place) / task.picoseconds, 1.0) if task.picoseconds else 0.0


def _reached(place: Path) -> float:
    """Time of the last row of the log of a run, ps."""
    log: Any = place / "trajectory.csv"
    try:
        last = log.read_text().splitlines()[-1].split(",")
        return float(last[1])
    except (OSError, IndexError, ValueError):
        return 0.0
