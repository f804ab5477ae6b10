"""Whether the parts of a study fit each other, before the first step: a mistake costs the hours until it shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.util import find_spec

from ionpath.errors import InputError, one_of
from ionpath_cli.study.definition import ALL, Row, Study
from ionpath_cli.study.graph import offers
from ionpath_cli.study.registry import ACROSS, ANALYSES
from ionpath_cli.study.structures import BUILDERS


def check_agreement(study: Study) -> None:
    """Refuse names that are not there, lengths that hold no frames, and rows that no plan can answer or compare."""
    from ionpath_plumed.protocols import check_protocol

    used = [(f"systems.{s.name}: builder", s.builder, tuple(BUILDERS)) for s in study.systems.values()]
    used += [(f"runs {r.name}: analyses", name, tuple(ANALYSES)) for r in study.runs for name in r.analyses]
    used += [(f"across {a.name}: name", a.name, tuple(ACROSS)) for a in study.across]
    offered = tuple(dict.fromkeys(name for group in study.runs for name in offers(group)))
    used += [(f"across {a.name}: uses", a.uses, offered) for a in study.across if a.uses]
    known = (*offered, *(a.name for a in study.across))
    used += [(f"row {row.number}: analysis", name, known) for row in study.rows for name in row.analysis]
    for where, name, choices in used:
        one_of(where, name, choices)
    _check_once("runs: name", [group.name for group in study.runs])
    _check_once("across: name", [across.name for across in study.across])
    for group in study.runs:
        _check_once(f"runs {group.name}: temperatures", group.temperatures)
        if group.protocol:
            given = {name: value for name, value in group.arguments.items() if name != "centre"}
            check_protocol(group.protocol, given, f"runs {group.name}: ")
        if 2.0 * study.dynamics.interval > group.least and not group.protocol:
            got = f"{study.dynamics.interval:g} ps in runs {group.name} of {group.least:g} ps"
            need = "two frames or more in the shortest run"
            raise InputError("dynamics: interval", need=need, got=got, remedy="make it shorter, or least= longer")
    for across in study.across:
        _check_once(f"across {across.name}: temperatures", across.temperatures)
    _check_models(study)
    groups = {group.name: group.least for group in study.runs}
    for row in study.rows:
        for system, kelvin in filter(lambda found: found[1], lacking(study, row, groups)):
            need, got = "those of runs of its systems with its analysis", f"{kelvin} K of {system}"
            remedy = "add them to [[runs]], or take others"
            raise InputError(f"row {row.number}: temperatures", need=need, got=got, remedy=remedy)
        _check_published(row)


def needs(study: Study, row: Row) -> Iterator[tuple[str, tuple[str, ...], tuple[float, ...], int]]:
    """Analyses of runs that a row needs, of which systems, the temperatures that do, and how many must be there."""
    for place, analysis in enumerate(row.analysis):
        systems = (row.systems[place],) if row.together else row.systems
        across = next((a for a in study.across if a.name == analysis), None)
        if across is None:
            yield analysis, systems, row.temperatures, len(row.temperatures)
        elif across.uses:
            yield across.uses, across.systems if ALL in systems else systems, across.temperatures, across.least


def lacking(study: Study, row: Row, groups: Collection[str]) -> Iterator[tuple[str, str]]:
    """Systems and temperatures of a row that none of these groups of runs has; none where too few are asked for."""
    for analysis, systems, temperatures, least in needs(study, row):
        covered = {
            (system, temperature)
            for group in study.runs
            if group.name in groups and group.model is None and analysis in offers(group)
            for system in group.systems
            for temperature in group.temperatures
        }
        missed = {system: [t for t in temperatures if (system, t) not in covered] for system in systems}
        short = [system for system, kelvin in missed.items() if len(temperatures) - len(kelvin) < least]
        # What is of all systems together is found from those that are there.
        if short and (ALL not in row.systems or len(short) == len(missed)):
            yield short[0], ", ".join(f"{t:g}" for t in missed[short[0]])


def _check_once(where: str, values: Collection[object]) -> None:
    for value, number in Counter(values).items():
        if number > 1:
            raise InputError(where, need="each once", got=f"{value} {number} times", remedy="leave out the others")


def _check_models(study: Study) -> None:
    """Refuse potentials that are not there; only where they could be used."""
    if find_spec("ionpath_ase") is None or find_spec("ase") is None:
        return
    from ionpath_ase.potentials import resolve

    models = {"dynamics": study.dynamics.model} | {f"runs {r.name}": r.model for r in study.runs if r.model}
    for where, model in models.items():
        try:
            resolve(model)
        except InputError as error:
            raise InputError(f"{where}: model", need=error.need, got=error.got, remedy=error.remedy) from error


def _check_published(row: Row) -> None:
    """Refuse published values that ours cannot be held against."""
    points = len(row.systems) if row.together else len(row.quantity) * len(row.systems)
    points *= max(len(row.temperatures), 1)
    values = row.published if isinstance(row.published, tuple) else (row.published,)
    checks: Mapping[str, tuple[Callable[[], bool], str]] = {
        "number": (lambda: len(values) == points and all(map(_is_number, values)), f"{points} finite numbers"),
        "bound": (lambda: _is_bound(row.published), "a bound such as '<35'"),
        "pairs": (lambda: points % 2 == 0, "an even number of points"),
        "peak": (lambda: row.published in row.systems, "the name of one of its systems"),
    }
    fits, need = checks.get(row.kind, (lambda: True, ""))
    if not fits():
        got = f"{row.published!r} for {points} points"
        remedy = "name as many as its quantities, systems and temperatures make points, or take another kind"
        raise InputError(f"row {row.number}: published", need=need, got=got[:80], remedy=remedy)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_bound(value: object) -> bool:
    try:
        return str(value)[:1] in ("<", ">") and math.isfinite(float(str(value)[1:]))
    except ValueError:
        return False
