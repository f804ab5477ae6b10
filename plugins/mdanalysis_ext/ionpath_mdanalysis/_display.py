"""How an analysis shows itself, in a terminal and in a notebook."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from html import escape
from typing import Any, TypeVar

Drawing = TypeVar("Drawing", bound=Callable[..., Any])

_AXES = """
ax : matplotlib.axes.Axes, optional
    Where to draw; new axes by default.

Returns
-------
matplotlib.axes.Axes
    The axes.
"""


def figure(**layout: Any) -> Callable[[Drawing], Drawing]:
    """Turn a method that draws on ``ax`` into one that makes the axes if there are none, and returns them."""

    def decorate(draw: Drawing) -> Drawing:
        signature = inspect.signature(draw)

        @functools.wraps(draw)
        def drawn(*args: Any, **options: Any) -> Any:
            bound = signature.bind(*args, **options)
            bound.apply_defaults()
            bound.arguments["ax"] = args[0]._axes(bound.arguments["ax"], **layout)
            draw(*bound.args, **bound.kwargs)
            return bound.arguments["ax"]

        text = inspect.cleandoc(draw.__doc__ or "")
        others = "" if "Parameters\n---" in text else "\n\nParameters\n----------"
        drawn.__doc__ = text + others + _AXES
        return drawn  # type: ignore[return-value]  # the same arguments as before

    return decorate


def _number(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _facts(analysis: Any) -> dict[str, str]:
    facts = {name: f"{len(group)} atoms" for name, group in analysis.groups.items()}
    facts.update({name: f"{n} atoms" for name, n in analysis._metadata.get("atoms", {}).items()})
    if len(getattr(analysis, "results", ())):
        facts["frames"] = f"{analysis.n_frames}, {analysis.frame_time:.5g} ps apart"
        facts.update({key: _number(value) for key, value in analysis._headline().items()})
    else:
        facts["state"] = "not run yet"
    return facts


def text(analysis: Any) -> str:
    """One line about an analysis."""
    facts = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in _facts(analysis).items())
    return f"<{type(analysis).__name__}: {facts}>"


def html(analysis: Any) -> str:
    """Small table about an analysis."""
    found, asked = _facts(analysis), {k: _number(v) for k, v in analysis.parameters.items()}
    more = f"<details><summary>parameters</summary>{_rows(asked)}</details>" if asked else ""
    return f"<b>{type(analysis).__name__}</b>{_rows(found)}{more}"


def _rows(facts: dict[str, str]) -> str:
    body = "".join(
        f"<tr><th style='text-align:left'>{escape(key.replace('_', ' '))}</th><td>{escape(value)}</td></tr>"
        for key, value in facts.items()
    )
    return f"<table>{body}</table>"
