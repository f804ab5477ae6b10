"""How results show themselves in a notebook."""

from __future__ import annotations

import dataclasses
from html import escape
from typing import Any

LONGEST = 120


def fields_html(thing: Any) -> str:
    """Table of the fields of a dataclass, or what it reports of itself; of arrays the shape.

    >>> from ionpath.estimate import Estimate
    >>> @dataclasses.dataclass
    ... class Rates:
    ...     hops: Estimate
    ...     lag: float = 0.1
    >>> fields_html(Rates(Estimate(2.0, 0.5, 1.0, 3.0, "1/ps")))  # doctest: +ELLIPSIS
    "<b>Rates</b><table><tr><th style='text-align:left'>hops</th><td>2.0 ± 0.5 1/ps</td></tr>..."
    """
    cls = type(thing)
    if callable(getattr(thing, "report", None)):
        return f"<b>{cls.__name__}</b><pre>{escape(thing.report())}</pre>"
    written = getattr(cls.__repr__, "__code__", None)  # that of dataclass is a wrapper, and repeats the table
    own = repr(thing) if written is not None and written.co_name == "__repr__" else cls.__name__
    if any("__str__" in vars(base) for base in cls.__mro__[:-1]):  # a sentence that the class makes of its numbers
        own = f"{cls.__name__}: {thing}"
    rows = {field.name.replace("_", " "): _short(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
    cells = "<th style='text-align:left'>{}</th><td>{}</td>"
    lines = [cells.format(escape(name), escape(text)) for name, text in rows.items() if text]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<b>{escape(own)}</b><table>{body}</table>"


def _short(value: Any) -> str:
    """A value in a line; nothing for what is not set."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.tolist()}" if value.size <= 4 else f"array of {' x '.join(map(str, value.shape))}"
    if isinstance(value, (list, tuple, dict, set, frozenset)) and len(value) > 6:
        return f"{len(value)} of them"
    if isinstance(value, (list, tuple)):
        return ", ".join(_short(one) for one in value)
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
