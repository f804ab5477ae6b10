"""How results show themselves where they are printed, and in a notebook."""

from __future__ import annotations

import dataclasses
import textwrap
from html import escape
from typing import Any

import numpy as np

from ionpath.documented import said_of_fields

LONGEST = 120


class Shown:
    """Base of a dataclass that is read by people: printed in lines and shown as a table, meanings and units with it."""

    def __str__(self) -> str:
        return fields_text(self)

    def _repr_html_(self) -> str:
        return fields_html(self)


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
    own = repr(thing) if _has_own_repr(cls) else cls.__name__
    if cls.__str__.__qualname__ not in ("object.__str__", "Shown.__str__"):  # a sentence made of its numbers
        own = f"{cls.__name__}: {thing}"
    cells = "<th style='text-align:left'>{}</th><td>{}</td>"
    more = "<td style='text-align:left'>{}</td>"  # what it is, and its unit
    body = "".join(
        f"<tr>{cells.format(escape(name), escape(text))}{more.format(escape(said)) if said else ''}</tr>"
        for name, text, said in _rows(thing)
    )
    return f"<b>{escape(own)}</b><table>{body}</table>"


def fields_text(thing: Any) -> str:
    """The fields of a dataclass, a line each, with what its author says of them, or what it reports of itself.

    >>> @dataclasses.dataclass
    ... class Rates:
    ...     hops: int = 3
    ...     rate: float = 0.12345678
    >>> print(fields_text(Rates()))
    Rates
      hops  3
      rate  0.123457
    """
    if callable(getattr(thing, "report", None)):
        return str(thing.report())
    if _has_own_repr(type(thing)):
        return repr(thing)
    rows = [(name.replace(" ", "_"), text, said) for name, text, said in _rows(thing)]
    wide = max((len(name) for name, _, _ in rows), default=0)
    lines = [
        textwrap.fill(
            f"{name:{wide}}  {text}{f' ({said})' if said else ''}", 118,
            initial_indent="  ", subsequent_indent=(wide + 4) * " ", drop_whitespace=True,
        )
        for name, text, said in rows
    ]  # fmt: skip
    return "\n".join([type(thing).__name__, *lines])


def _has_own_repr(cls: type) -> bool:
    """Whether somebody wrote it: that of dataclass is a wrapper, and repeats the table."""
    written = getattr(cls.__repr__, "__code__", None)
    return written is not None and written.co_name == "__repr__"


def _rows(thing: Any) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each field that is set."""
    said = said_of_fields(type(thing))
    rows = [(field.name, _short(getattr(thing, field.name))) for field in dataclasses.fields(thing)]
    return [(name.replace("_", " "), text, said.get(name, "")) for name, text in rows if text]


def _short(value: Any) -> str:
    """A value in a line; nothing for what is not set."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, (list, tuple, dict, set, frozenset)) and len(value) > 6:
        return f"{len(value)} of them"
    if isinstance(value, (list, tuple)):
        return ", ".join(_short(one) or "none" for one in value)
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _array(value: np.ndarray) -> str:
    """An array in a line: its numbers if they are few, else its shape and range."""
    if value.size <= 4:
        return f"[{_short(value.tolist())}]" if value.ndim == 1 else str(value.tolist())
    shape = f"array of {' x '.join(map(str, value.shape))}"
    known = value[np.isfinite(value)] if value.dtype.kind == "f" else value[:0]
    return f"{shape}, {known.min():.3g} to {known.max():.3g}" if known.size else shape
