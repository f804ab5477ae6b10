"""Whether what a refusal advises can be typed at the door that it came through."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any

HOSTS = frozenset({"dt", "time_unit", "format", "topology_format", "pbc", "updating", "to_guess", "nopbc", "cell"})
"""Keywords of the hosts' own functions that are advised: Universe, Atoms, select_atoms; and a word of INIT."""
CALLED = re.compile(r"\b([A-Za-z_]\w*)\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
KEYWORD = re.compile(r"(?<![\w.\-\[&?/{])([a-z]\w*)=(?!=)")
LEFT_OUT = re.compile(r"\bleave (?:it|them) out\b(?! (?:of|to)\b)")


def parameters(function: Callable[..., Any]) -> dict[str, bool]:
    """Names that a function, or a class and its run, takes as keywords, and whether each may be left out."""
    from ionpath.kinds import options_of

    found: dict[str, bool] = {}
    for one in inspect.signature(function).parameters.values():
        if one.kind is not one.VAR_KEYWORD:
            found[one.name] = one.default is not one.empty
            continue
        keys = options_of(function, one)
        told = (inspect.getdoc(function) or "").partition(f"**{one.name}")[2].partition("\n\n")[0]
        found |= dict.fromkeys([*keys, *re.findall(r"`?`(\w+)``?", told)], True)
    if inspect.isclass(function) and hasattr(function, "run"):
        found |= dict.fromkeys(inspect.signature(function.run).parameters, True)
    return found


@cache
def public_by_name() -> dict[str, Callable[..., Any]]:
    import calls

    named = {name.rpartition(".")[2]: thing for thing, name in calls.public().items()}
    classes = [thing for thing in named.values() if inspect.isclass(thing)]
    members = [member for thing in classes for member in inspect.getmembers(thing, callable)]
    methods = {key: method for key, method in members if key.startswith(("from_", "for_"))}
    return methods | named


def dead_ends(name: str, remedy: str, function: Callable[..., Any]) -> list[str]:
    """What a remedy names that is no keyword of what was called, nor of what it says to call."""
    here, dead = parameters(function), []
    mentioned = {word for word in re.findall(r"\w+", remedy) if word in public_by_name()}
    for called, inside in CALLED.findall(remedy):
        if called in public_by_name():
            dead += [
                f"{called}({key}=)"
                for key in KEYWORD.findall(inside)
                if key not in parameters(public_by_name()[called])
            ]
    known = HOSTS.union(here, *(parameters(public_by_name()[word]) for word in mentioned))
    dead += [f"{key}=" for key in KEYWORD.findall(CALLED.sub(r"\1", remedy)) if key not in known]
    argument = re.match(r"\w*", name)
    if LEFT_OUT.search(remedy) and argument and not here.get(argument[0], False):
        dead.append(f"{name}: leave it out")
    return dead
