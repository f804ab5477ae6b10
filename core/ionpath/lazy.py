"""Faces of packages whose names are imported when they are first used, because a host is heavy.

A type checker reads real imports instead, and knows no ``__getattr__`` that would let a misspelt name pass::

    if TYPE_CHECKING:
        from mine.rooms import Room as Room
    else:
        __all__, __getattr__, __dir__ = face(__name__, rooms=["Room"])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any


def face(package: str, /, **rooms: Sequence[str]) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """``__all__``, ``__getattr__`` and ``__dir__`` of a package, from the names in each of the modules below it.

    >>> names, attribute, _ = face("ionpath", estimate=["Estimate"], units=["units"])
    >>> names, attribute("Estimate").__module__, attribute("units").__name__
    (['Estimate', 'units'], 'ionpath.estimate', 'ionpath.units')
    """
    homes = {name: room for room, names in rooms.items() for name in names}
    names = sorted(homes)

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f"{package}.{homes[name]}")
        return module if name == homes[name] else getattr(module, name)

    return names, attribute, lambda: names
