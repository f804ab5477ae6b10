"""What a budget buys: which runs, how long, and which rows have to go."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ionpath.errors import InputError
from ionpath_cli.study.definition import Across, Row, Runs, Study, System
from ionpath_cli.study.tasks import Task

MILLISECONDS = {
    "argyrodite": ((52, 10.0), (416, 55.0), (3328, 450.0)),
    "argyrodite.2": ((52, 3.2), (416, 18.5), (3328, 153.0)),
}
"""Measured time of a step on one core by number of atoms (docs/potential.md); other potentials count as the first."""
ANALYSIS_SECONDS = 20.0
BIASED_SLOWER = 1.3
"""A step with PLUMED's Python variables takes longer by this."""


@dataclass(frozen=True)
class Plan:
    """Runs with their lengths, and the rows that they answer.

    Attributes
    ----------
    study : Study
        What is planned.
    lengths : dict of str to float
        Length of every run of each group of runs, in ps; groups that the budget does not buy are absent.
    dropped : dict of int to str
        Number of each row that gets no answer, and why.
    seconds : float
        What all steps are expected to take, on one core.
    tasks : tuple of Task
        Steps, each after its inputs.
    """

    study: Study
    lengths: Mapping[str, float]
    dropped: Mapping[int, str]
    seconds: float
    tasks: tuple[Task, ...]


def step_seconds(model: str, atoms: int) -> float:
    """Time of one step on one core in s, between and beyond the measured sizes by a power of the number of atoms.

    Examples
    --------
    >>> [round(1e3 * step_seconds("argyrodite", n), 1) for n in (52, 208, 416)]
    [10.0, 31.2, 55.0]
    """
    points = MILLISECONDS.get(model, MILLISECONDS["argyrodite"])
    lower, upper = points[:2] if atoms <= points[1][0] else points[1:]
    power = math.log(upper[1] / lower[1]) / math.log(upper[0] / lower[0])
    return 1e-3 * lower[1] * float(atoms / lower[0]) ** power


def make_plan(
    study: Study,
    *,
    budget: float | None = None,
    workers: int = 1,
    only: Sequence[int] | None = None,
    processes: int = 1,
    scale: float = 1.0,
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

    Returns
    -------
    Plan
        Groups of runs in the order of their priority, each at least as long as it must be, with fewer arrangements
        where all of them are too many; what is left of the budget makes all longer by one factor, up to what the study
        wants.

    Raises
    ------
    InputError
        If a row is unknown, or the budget buys no run.
    """
    rows = _chosen(study, only)
    study = replace(study, rows=rows, runs=_scaled(study.runs, scale))
    dynamics = study.dynamics
    study = replace(
        study,
        dynamics=replace(
            dynamics,
            cell_picoseconds=scale * dynamics.cell_picoseconds,
            warm_picoseconds=scale * dynamics.warm_picoseconds,
        ),
    )
    limit = math.inf if budget is None else budget * 3600.0 * workers
    study, taken = _afforded(study, limit, only is not None)
    if not taken:
        least = min(_cost(replace(study, runs=(_fewest(g),)), {g.name: g.least}) for g in study.runs)
        raise InputError(
            "budget", need=f"at least {_hours(least / workers)} for the first runs", got=_hours(limit / workers),
            remedy=f"use --budget {math.ceil(10 * least / workers / 3600) / 10:g}h or more, or --only with fewer rows",
        )  # fmt: skip
    lengths = _stretched(study, taken, limit)
    tasks = tuple(_tasks(study, lengths, processes))
    dropped = {row.number: why for row in rows if (why := _missing(study, row, lengths))}
    return Plan(study, lengths, dropped, sum(task.seconds for task in tasks), tasks)


def _afforded(study: Study, limit: float, needed_only: bool) -> tuple[Study, dict[str, float]]:
    """Groups of runs that a budget buys at their least lengths, with fewer arrangements where it must be."""
    taken: dict[str, float] = {}
    runs = {group.name: group for group in study.runs if not needed_only or _wanted(study, group)}
    for group in sorted(runs.values(), key=lambda g: g.priority):
        most = max(study.systems[name].arrangements for name in group.systems)
        for arrangements in range(min(most, group.arrangements or most), 0, -1):
            runs[group.name] = replace(group, arrangements=arrangements)
            trial = replace(study, runs=tuple(runs.values()))
            if _cost(trial, {**taken, group.name: group.least}) <= limit:
                taken[group.name] = group.least
                break
    return replace(study, runs=tuple(runs.values())), taken


def _fewest(group: Runs) -> Runs:
    return replace(group, arrangements=1)


def _chosen(study: Study, only: Sequence[int] | None) -> tuple[Row, ...]:
    numbers = {row.number for row in study.rows}
    for number in only or ():
        if number not in numbers:
            known = f"{min(numbers)} to {max(numbers)}" if numbers else "none"
            raise InputError(
                "only", need=f"rows of {study.name} ({known})", got=str(number), remedy="see --list"
            )
    return tuple(row for row in study.rows if only is None or row.number in only)


def _scaled(runs: Sequence[Runs], scale: float) -> tuple[Runs, ...]:
    return tuple(replace(r, least=scale * r.least, most=scale * r.most) for r in runs)


def _across(study: Study, name: str) -> Across | None:
    return next((a for a in study.across if a.name == name), None)


def _wanted(study: Study, group: Runs) -> bool:
    """Whether a row needs a group of runs."""
    for row in study.rows:
        across = _across(study, row.analysis)
        analysis = across.uses if across else row.analysis
        temperatures = across.temperatures if across else row.temperatures
        kinds = (group.protocol,) if group.protocol else group.analyses
        if (
            analysis in kinds
            and set(group.systems) & set(row.systems)
            and set(group.temperatures) & set(temperatures)
        ):
            return True
    return False


def _missing(study: Study, row: Row, lengths: Mapping[str, float]) -> str:
    """Why a row gets no answer, or nothing."""
    if row.kind in ("out", "text"):
        return "" if row.analysis else row.note
    across = _across(study, row.analysis)
    analysis = across.uses if across else row.analysis
    covered = {
        (system, temperature)
        for group in study.runs
        if group.name in lengths and group.model is None
        and analysis in ((group.protocol,) if group.protocol else group.analyses)
        for system in group.systems
        for temperature in group.temperatures
    }  # fmt: skip
    for system in row.systems:
        if across is not None:
            if sum((system, t) in covered for t in across.temperatures) < 2:
                return f"the budget buys {system} at fewer than two temperatures"
        elif not all((system, t) in covered for t in row.temperatures):
            return f"the budget buys no run of {system} at {', '.join(f'{t:g}' for t in row.temperatures)} K"
    return ""


def _systems(study: Study, group: Runs) -> Iterator[tuple[System, int, float]]:
    """Arrangements and temperatures of a group of runs, first arrangements first."""
    most = max(study.systems[name].arrangements for name in group.systems)
    for arrangement in range(1, min(most, group.arrangements or most) + 1):
        for temperature in group.temperatures:
            for name in group.systems:
                if arrangement <= study.systems[name].arrangements:
                    yield study.systems[name], arrangement, temperature


def _cost(study: Study, lengths: Mapping[str, float]) -> float:
    return sum(task.seconds for task in _tasks(study, lengths, 1))


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


def _seed(name: str) -> int:
    return zlib.crc32(name.encode()) % 900_000 + 1


def _tasks(study: Study, lengths: Mapping[str, float], processes: int) -> Iterator[Task]:
    """All steps, each after its inputs, with their expected times."""
    made: dict[str, Task] = {}
    analyses: dict[tuple[str, str, float], list[str]] = {}
    for group in (g for g in study.runs if g.name in lengths):
        for system, arrangement, temperature in _systems(study, group):
            for task in _chain(
                study, group, system, arrangement, temperature, lengths[group.name], processes
            ):
                if task.name not in made:
                    made[task.name] = task
                    yield task
                elif task.picoseconds > made[task.name].picoseconds:
                    raise InputError(
                        f"runs {group.name}", need="each run once", got=f"{task.name} in two groups of runs",
                        remedy="put its analyses into one of them",
                    )  # fmt: skip
            if group.model is None:
                run, stage = (
                    _run_name(group, system, arrangement, temperature),
                    "biased" if group.protocol else "analysis",
                )
                for analysis in (group.protocol,) if group.protocol else group.analyses:
                    known = analyses.setdefault((analysis, system.name, temperature), [])
                    known.append(f"{stage}/{analysis}/{run}")
    for across in study.across:
        inputs = tuple(
            name
            for s in across.systems
            for t in across.temperatures
            for name in analyses.get((across.uses, s, t), ())
        )
        if inputs:
            settings = {"analysis": across.name, "arguments": dict(across.arguments)}
            yield Task(f"across/{across.name}", "across", settings, inputs, 0.0, ANALYSIS_SECONDS, 99)


def _run_name(group: Runs, system: System, arrangement: int, temperature: float) -> str:
    suffix = f"-{group.model}" if group.model else ""
    return f"{system.name}.{arrangement}-{temperature:g}K{suffix}"


def _chain(
    study: Study,
    group: Runs,
    system: System,
    arrangement: int,
    temperature: float,
    length: float,
    processes: int,
) -> Iterator[Task]:
    """Steps from a structure to the analyses of its run."""
    dynamics, options = study.dynamics, {"processes": processes}
    model = group.model or dynamics.model
    step = step_seconds(model, system.atoms) * 1e3 / dynamics.timestep
    structures = {a: f"structure/{system.name}.{a}" for a in (1, arrangement)}
    arguments = _with_files(system.arguments, study)
    for number, name in structures.items():
        settings: dict[str, Any] = {
            "builder": system.builder, "arguments": arguments, "supercell": system.supercell,
            "atoms": system.atoms, "seed": number,
        }  # fmt: skip
        yield Task(name, "structure", settings, (), 0.0, 5.0, group.priority)
    common = {"temperature": temperature, "timestep": dynamics.timestep, "model": model}
    cell = f"cell/{_run_name(group, system, 1, temperature)}"
    yield Task(
        cell, "cell",
        {**common, "ensemble": system.ensemble, "picoseconds": dynamics.cell_picoseconds, "seed": _seed(cell)},
        (structures[1],), 0.0, step * dynamics.cell_picoseconds, group.priority, options,
    )  # fmt: skip
    name = _run_name(group, system, arrangement, temperature)
    both = (structures[arrangement], cell)
    warm = {**common, "warm_picoseconds": dynamics.warm_picoseconds}
    labels = {
        "system": system.name,
        "arrangement": arrangement,
        "temperature": temperature,
        "potential": model,
    }
    if group.protocol:
        biased = f"biased/{group.protocol}/{name}"
        seconds = BIASED_SLOWER * step * (length + dynamics.warm_picoseconds)
        settings = {
            **warm,
            "seed": _seed(biased),
            "protocol": group.protocol,
            "arguments": dict(group.arguments),
            **labels,
        }
        yield Task(biased, "biased", settings, both, length, seconds, group.priority, options)
        return
    run = f"run/{name}"
    settings = {**warm, "interval": dynamics.interval, "seed": _seed(run)}
    yield Task(
        run,
        "run",
        settings,
        both,
        length,
        step * (length + dynamics.warm_picoseconds),
        group.priority,
        options,
    )
    for analysis in group.analyses:
        settings = {"analysis": analysis, "picoseconds": length, "label": system.label, **labels}
        yield Task(
            f"analysis/{analysis}/{name}", "analysis", settings, (run, structures[arrangement]), 0.0,
            ANALYSIS_SECONDS, group.priority,
        )  # fmt: skip


def _with_files(arguments: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """Arguments of a builder, with the text of the file that they name, so that a changed file is another structure."""
    if "file" not in arguments:
        return dict(arguments)
    path = study.folder / arguments["file"]
    if not path.exists():
        raise InputError("file", need="an existing structure file", got=str(path), remedy="check the path")
    return {**arguments, "file": path.name, "text": path.read_text("utf-8")}


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2g} h" if seconds >= 360 else f"{seconds / 60:.2g} min"
