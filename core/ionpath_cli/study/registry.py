"""Analyses of a study by name, and where they are: their modules, with all hosts, load when a step needs one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

ANALYSES = {
    "paths": "analyses:paths",
    "departures": "analyses:departures",
    "transport": "analyses:transport",
    "tilt": "analyses:tilt",
    "distortion": "analyses:distortion",
    "energy": "analyses:energy",
    "density": "structural:density",
    "bonds": "structural:bonds",
    "anions": "structural:anions",
    "order": "structural:order",
    "rings": "structural:rings",
    "sites": "structural:sites",
    "rearrangement": "structural:rearrangement",
    "phases": "structural:phases",
}
"""Name -> function of a run that gives rows and leaves its files."""
ACROSS = {
    "arrhenius": "across:arrhenius",
    "correlation": "across:correlation",
    "mixing": "across:mixing",
    "errors": "across:errors",
    "softness": "soft:softness",
    "network": "soft:softness",
    "softness, other ions": "soft:softness",
    "bands": "soft:bands",
    "melts": "across:errors",
    "expansion": "across:expansion",
    "distances": "teacher:distances",
}
"""Name -> function of folders, its own folder, and arguments."""


def function_of(place: str) -> Callable[..., Any]:
    """The function that a table of this package names by its module."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"ionpath_cli.study.{module}"), name)
    return found
