"""What the folder of a study says of the plan that it was made for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ionpath.errors import InputError
from ionpath_cli.intact import PLAN, read_json
from ionpath_cli.messages import LOG
from ionpath_cli.study.definition import Study
from ionpath_cli.study.graph import study_tasks
from ionpath_cli.study.plan import make_plan
from ionpath_cli.study.tasks import is_bare, placed


def _above_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf


ASKED: dict[str, Callable[[Any], bool]] = {
    "budget": lambda value: value is None or _above_zero(value),
    "workers": lambda value: _above_zero(value) and isinstance(value, int),
    "only": lambda value: value is None or (isinstance(value, list) and all(type(one) is int for one in value)),
    "scale": _above_zero,
    "lengths": lambda value: isinstance(value, dict) and all(map(_above_zero, value.values())),
}
"""What the plan of a folder says that it was made for, and what it can be."""


def lengths_kept(study: Study, folder: Path, given: Mapping[str, float]) -> dict[str, float]:
    """Lengths of runs that are finished and whose trajectories are gone, as in an archive: no budget makes them longer.

    With --length they are made anew.
    """
    if not (folder / PLAN).exists():
        return {}
    try:
        before = make_plan(study, **{"pace": pace_of(folder), **asked_of(study, folder)})
    except InputError:  # of another version of the study
        return {}
    found: dict[str, float] = {}
    for group in before.study.runs:
        length = before.lengths.get(group.name)
        if length is not None and group.name not in given:
            alone = replace(before.study, runs=(group,), across=())
            if any(is_bare(*step) for step in placed(tuple(study_tasks(alone, {group.name: length})), folder)):
                found[group.name] = length
    if found:
        which = ", ".join(f"{name} {length:g} ps" for name, length in found.items())
        LOG.info("runs whose trajectories are gone stay as long as they are, unless --length says so: %s", which)
    return found


def asked_of(study: Study, folder: Path) -> dict[str, Any]:
    """Budget, workers, rows and scale that a folder was made for, and the runs that were planned then.

    A later version may plan others for the same budget.
    """
    plan = _planned(folder)
    asked = plan.get("asked", {})
    found = {key: asked[key] for key in ASKED if key in asked} if isinstance(asked, dict) else {}
    for key, value in found.items():
        if not ASKED[key](value):
            need, got = "the plan that a study wrote", f"{key} {value!r}"[:100]
            remedy = "put it back, or use --budget with that of its runs"
            raise InputError(str(folder / PLAN), need=need, got=got, remedy=remedy)
    lengths, bought = plan.get("lengths"), plan.get("arrangements")
    if isinstance(lengths, dict) and isinstance(bought, dict):
        least = {group.name: found.get("scale", 1.0) * group.least for group in study.runs}
        counted = all(type(number) is int and number > 0 for number in bought.values())
        fits = all(name in least and _above_zero(ps) and ps >= least[name] for name, ps in lengths.items())
        if lengths and counted and fits and lengths.keys() == bought.keys():
            found |= {"lengths": lengths, "bought": bought}
    return found


def _planned(folder: Path) -> dict[str, Any]:
    """What a folder says of its plan; nothing where it has none, or a damaged one."""
    plan = read_json(folder / PLAN)
    return plan if isinstance(plan, dict) else {}


def pace_of(folder: Path) -> float:
    """Time of a step over that of the model card, as it was when the folder was made: the same runs go on."""
    asked = _planned(folder).get("asked", {})
    pace = asked.get("pace", 1.0) if isinstance(asked, dict) else 1.0
    return float(pace) if isinstance(pace, (int, float)) and 1e-3 < pace < 1e3 else 1.0
