"""What a budget buys: which runs, how long, and which rows have to go."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath_cli.study.agreement import check_agreement, lacking, needs
from ionpath_cli.study.definition import Row, Runs, Study
from ionpath_cli.study.graph import offers, study_tasks, turn
from ionpath_cli.study.tasks import Task


@documented
@dataclass(frozen=True)
class Plan:
    """Runs with their lengths, and the rows that they answer."""

    study: Study  # what is planned
    # length of every run of each group of runs, in ps; groups that the budget does not buy are absent
    lengths: Mapping[str, float]
    dropped: Mapping[int, str]  # number of each row that gets no answer, and why
    seconds: float  # what all steps are expected to take, on one core
    tasks: tuple[Task, ...]  # steps, each after its inputs
    # budget in hours, workers, rows, scale of lengths, pace, and lengths of groups that it was made for
    asked: Mapping[str, Any] = field(default_factory=dict)


def make_plan(
    study: Study,
    *,
    budget: float | None = None,
    workers: int = 1,
    only: Sequence[int] | None = None,
    processes: int = 1,
    scale: float = 1.0,
    pace: float = 1.0,
    lengths: Mapping[str, float] | None = None,
    bought: Mapping[str, int] | None = None,
) -> Plan:
    """Choose runs and lengths.

    Parameters
    ----------
    study : Study
        What is planned.
    budget : float, optional
        Hours of real time; default: all that the study wants.
    workers : int, default 1
        Runs at the same time.
    only : sequence of int, optional
        Rows; default: all.
    processes : int, default 1
        MPI processes of each run.
    scale : float, default 1
        Factor on all lengths, to try a study out.
    pace : float, default 1
        Time of a step on this machine over that of the model card.
    lengths : mapping of str to float, optional
        Length of the runs of some groups in ps, whatever the budget would buy of them.
    bought : mapping of str to int, optional
        Groups of runs and their numbers of arrangements, as an earlier plan had them, in place of those that the budget
        would buy.

    Returns
    -------
    Plan
        Groups of runs in the order of their priority, each at least as long as it must be, first with one arrangement,
        then with more; what is left of the budget makes all longer by one factor, up to what the study
        wants.

    Raises
    ------
    InputError
        If a row, a group of runs, a builder or an analysis is unknown, a group is to be shorter than it must be, or the
        budget buys no run.
    """
    check_agreement(study)
    rows = _chosen(study, only)
    needed = {name for row in rows for name in row.analysis}
    across = tuple(a for a in study.across if only is None or a.name in needed)
    runs = tuple(replace(r, least=scale * r.least, most=scale * r.most) for r in study.runs)
    runs = _of_length(runs, lengths or {})
    before = {name: scale * getattr(study.dynamics, name) for name in ("cell_picoseconds", "warm_picoseconds")}
    study = replace(study, rows=rows, runs=runs, across=across, dynamics=replace(study.dynamics, **before))
    limit = math.inf if budget is None else budget * 3600.0 * workers / pace
    if bought is None:
        study, taken = _afforded(study, limit, only is not None)
    else:
        runs = tuple(replace(g, arrangements=bought[g.name]) for g in study.runs if g.name in bought)
        study, taken = replace(study, runs=runs), {group.name: group.least for group in runs}
    if study.runs and not taken:
        least = min(_cost(replace(study, runs=(_fewest(g),)), {g.name: g.least}) for g in study.runs)
        least *= pace / workers
        need = f"at least {_hours(least)} for the first runs"
        remedy = f"use --budget {math.ceil(10 * least / 3600) / 10:g}h or more, or --only with fewer rows"
        raise InputError("budget", need=need, got=_hours(limit * pace / workers), remedy=remedy)
    planned = _stretched(study, taken, limit)
    tasks = tuple(study_tasks(study, planned, processes))
    dropped = {row.number: why for row in rows if (why := _missing(study, row, planned))}
    asked = {
        "budget": budget, "workers": workers, "only": None if only is None else list(only), "scale": scale,
        "pace": pace, "lengths": dict(lengths or {}),
    }  # fmt: skip
    return Plan(study, planned, dropped, pace * sum(task.seconds for task in tasks), tasks, asked)


def _of_length(runs: Sequence[Runs], lengths: Mapping[str, float]) -> tuple[Runs, ...]:
    """Groups of runs, some of which have the length that a user wants."""
    groups = {group.name: group for group in runs}
    for name, wanted in lengths.items():
        length = float(wanted)
        if name not in groups:
            need = f"a group of runs ({', '.join(map(repr, groups))})"
            raise InputError("length", need=need, got=repr(name), remedy="see --list")
        least = f"{groups[name].least:g}"
        if not groups[name].least <= length < math.inf:
            need, remedy = f"{least} ps or more for {name!r}", f'use --length "{name}" {least}'
            raise InputError("length", need=need, got=f"{length:g}", remedy=remedy)
        groups[name] = replace(groups[name], least=length, most=length)
    return tuple(groups.values())


def _afforded(study: Study, limit: float, needed_only: bool) -> tuple[Study, dict[str, float]]:
    """Groups of runs that a budget buys at their least lengths: one arrangement of each first, then more."""
    taken: dict[str, float] = {}
    runs = {group.name: _fewest(group) for group in study.runs if not needed_only or _wanted(study, group)}
    wanted = []
    for place, group in enumerate(g for g in study.runs if g.name in runs):
        most = max(study.systems[name].arrangements for name in group.systems)
        wanted += [(turn(group, n), place, n, group) for n in range(1, min(most, group.arrangements or most) + 1)]
    for _, _, arrangements, group in sorted(wanted, key=lambda w: w[:3]):
        bought = (runs[group.name].arrangements or 1) if group.name in taken else 0
        if arrangements > 1 + bought:
            continue
        trial = runs | {group.name: replace(group, arrangements=arrangements)}
        if _cost(replace(study, runs=tuple(trial.values())), {**taken, group.name: group.least}) <= limit:
            runs, taken[group.name] = trial, group.least
    return replace(study, runs=tuple(runs.values())), taken


def _fewest(group: Runs) -> Runs:
    return replace(group, arrangements=1)


def _chosen(study: Study, only: Sequence[int] | None) -> tuple[Row, ...]:
    numbers = {row.number for row in study.rows}
    for number in only or ():
        if number not in numbers:
            known = f"{min(numbers)} to {max(numbers)}" if numbers else "none"
            raise InputError("only", need=f"rows of {study.name} ({known})", got=str(number), remedy="see --list")
    return tuple(row for row in study.rows if only is None or row.number in only)


def _wanted(study: Study, group: Runs) -> bool:
    """Whether a row needs a group of runs."""
    return any(
        analysis in offers(group) and set(temperatures) & set(group.temperatures) and set(systems) & set(group.systems)
        for row in study.rows
        for analysis, systems, temperatures, _ in needs(study, row)
    )


def _missing(study: Study, row: Row, lengths: Mapping[str, float]) -> str:
    """Why a row gets no answer, or nothing."""
    if row.kind == "out":
        return row.note
    for across in study.across:
        if across.name in row.analysis and across.lacking:
            return f"not installed: {', '.join(across.lacking)} (pip install {' '.join(across.packages)})"
    for system, kelvin in lacking(study, row, lengths):
        return f"the budget buys no run of {system} at {kelvin} K" if kelvin else "fewer temperatures than it needs"
    return ""


def _cost(study: Study, lengths: Mapping[str, float]) -> float:
    return sum(task.seconds for task in study_tasks(study, lengths))


def _stretched(study: Study, taken: Mapping[str, float], limit: float) -> dict[str, float]:
    """Make all runs longer by the factor that uses up the budget."""
    most = {group.name: group.most for group in study.runs}

    def at(factor: float) -> dict[str, float]:
        return {name: min(most[name], factor * least) for name, least in taken.items()}

    if math.isinf(limit):
        return at(math.inf)
    return _rounded(at(_largest(lambda f: _cost(study, at(f)) <= limit, 1.0, 1000.0)))


def _largest(fits: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _rounded(lengths: Mapping[str, float]) -> dict[str, float]:
    """Whole ps where runs are longer than 10."""
    return {name: math.floor(value) if value > 10.0 else value for name, value in lengths.items()}


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2g} h" if seconds >= 360 else f"{seconds / 60:.2g} min"
