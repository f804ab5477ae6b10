"""The entries that ionpath itself brings, registered as any other plugin is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ionpath.plugins import hookimpl


def _assign(method: str, ions: Any, shells: Any, cells: Any, centres: Any = None) -> Any:
    from ionpath.kinetics import assign_sites

    return assign_sites(ions, shells, cells, centres=centres, method=method).site


@hookimpl
def discretisers() -> Mapping[str, Callable[..., Any]]:
    """The three rules of `ionpath.kinetics.assign_sites`, by name."""
    return {method: partial(_assign, method) for method in ("nearest", "geometric", "voronoi")}
