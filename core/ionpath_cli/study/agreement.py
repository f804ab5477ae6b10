"""Whether the parts of a study fit each other, before the first step: a mistake costs the hours until it shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from ionpath.errors import InputError, one_of, positive
from ionpath_cli.study.definition import ALL, Row, Study
from ionpath_cli.study.graph import QUENCH, offers
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
    for name, made in study.systems.items():
        _check_quench(f"systems.{name}: quench", made.quench)
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
        if bool(across.uses) != bool(across.systems and across.temperatures):
            got = f"uses {across.uses!r}, systems {list(across.systems)}, temperatures {list(across.temperatures)}"
            need, remedy = "all three, or none of them", "say what it takes of which runs"
            raise InputError(f"across {across.name}", need=need, got=got, remedy=remedy)
        _check_run(study, f"across {across.name}: temperatures", (across.uses,), across.systems, across.temperatures)
    for figure in study.figures:
        for name in figure.analysis:
            one_of(f"figure {figure.name}: analysis", name, known)
        if not (figure.analysis and figure.quantity and figure.systems):
            need = "an analysis, a quantity and a system or more"
            raise InputError(f"figure {figure.name}", need=need, got="none of one", remedy="add it")
        where = f"figure {figure.name}: temperatures"
        _check_once(where, figure.temperatures)
        _check_run(study, where, tuple(set(figure.analysis) & set(offered)), figure.systems, figure.temperatures)
    _check_models(study)
    groups = {group.name: group.least for group in study.runs}
    for row in study.rows:
        for system, kelvin in filter(lambda found: found[1], lacking(study, row, groups)):
            need, got = "those of runs of its systems with its analysis", f"{kelvin} K of {system}"
            remedy = "add them to [[runs]], or take others"
            raise InputError(f"row {row.number}: temperatures", need=need, got=got, remedy=remedy)
        _check_once(f"row {row.number}: temperatures", row.temperatures)
        if not row.temperatures and set(row.analysis) & set(offered):
            need, remedy = "those of the runs that it is of", "add temperatures = [...]"
            raise InputError(f"row {row.number}: temperatures", need=need, got="none", remedy=remedy)
        _check_published(row)
        if row.tolerance < 0.0:
            got = f"{row.tolerance:g}"
            raise InputError(f"row {row.number}: tolerance", need="0, or a relative uncertainty above it", got=got)
        if row.kind == "order":
            _check_order(study, row)


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


def _check_quench(where: str, given: Mapping[str, Any]) -> None:
    """Refuse a heat treatment that nothing can follow."""
    share = "crystal_fraction"
    units = {
        "melt_temperature": "K", "final_temperature": "K", "melt_picoseconds": "ps", "cooling_rate": "K/ps",
        "settle_picoseconds": "ps", share: "",
    }  # fmt: skip
    for name, value in given.items():
        one_of(where, name, tuple(units))
        positive(f"{where}: {name}", value, units[name])
    hot, cold = ({**QUENCH, **given}[f"{name}_temperature"] for name in ("melt", "final"))
    if not cold < hot:
        need, got = "a final_temperature below melt_temperature", f"{cold:g} and {hot:g} K"
        raise InputError(where, need=need, got=got, remedy="for example final_temperature = 300")
    if given.get(share, 0.5) >= 1.0:
        need, remedy = "a share between 0 and 1", f"for example {share} = 0.5"
        raise InputError(f"{where}: {share}", need=need, got=f"{given[share]}", remedy=remedy)


def _check_run(
    study: Study, where: str, analyses: Collection[str], systems: Collection[str], temperatures: Collection[float]
) -> None:
    """Refuse temperatures at which no run of these systems has one of these analyses."""
    groups = [group for group in study.runs if set(group.systems) & set(systems) and set(offers(group)) & set(analyses)]
    run = {temperature for group in groups for temperature in group.temperatures}
    wrong = [f"{temperature:g}" for temperature in temperatures if temperature not in run]
    if analyses and any(analyses) and (wrong or not temperatures):
        need = f"those of runs with {' or '.join(analyses)} ({', '.join(f'{t:g}' for t in sorted(run)) or 'none'} K)"
        raise InputError(where, need=need, got=f"{', '.join(wrong) or 'none'}", remedy="add them to [[runs]]")


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


def _check_order(study: Study, row: Row) -> None:
    """Refuse an order of systems that are named in another one, which would be compared upside down."""
    values = row.published if isinstance(row.published, tuple) else ()
    if values and all(map(_is_number, values)) and list(values) != sorted(values):
        need = "numbers that grow, with systems, quantities or temperatures in their order"
        raise InputError(f"row {row.number}: published", need=need, got=f"{list(values)}"[:80], remedy="sort both")
    for sign, step in (("<", 1), (">", -1)):
        told = [part.strip() for part in str(row.published).split(sign)][::step]
        if len(told) < 2:
            continue
        own = [{name, study.systems[name].label} if name in study.systems else {name} for name in row.systems]
        places = [next((k for k, names in enumerate(own) if part in names), -1) for part in told]
        if min(places) >= 0 and places != list(range(len(own))):
            need = f"systems from the lowest to the highest, as published ({row.published})"
            remedy = f"write systems = {[row.systems[k] for k in places]}"
            raise InputError(f"row {row.number}: systems", need=need, got=f"{list(row.systems)}", remedy=remedy)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_bound(value: object) -> bool:
    try:
        return str(value)[:1] in ("<", ">") and math.isfinite(float(str(value)[1:]))
    except ValueError:
        return False
