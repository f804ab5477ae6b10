"""Who to cite: every public method carries the keys of the papers that it implements."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from ionpath.arguments import typed
from ionpath.errors import InputError, one_of
from ionpath.version import __version__

T = TypeVar("T")


def _text(entry: str) -> str:
    """The reference of a BibTeX entry in one line."""
    fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.MULTILINE))
    title, authors = fields["title"].strip("{}"), re.sub("[{}]", "", fields["author"])
    parts = [authors.replace(" and others", " et al.").replace(" and ", ", "), title]
    if "journal" in fields:
        parts.append("{journal} {volume}, {pages} ({year})".format(**fields))
    parts += [f"{name}:{fields[key]}" for name, key in (("arXiv", "eprint"), ("doi", "doi")) if key in fields]
    return ", ".join(parts)


_BIB = Path(__file__).with_name("references.bib").read_text(encoding="utf-8")
_ENTRIES: dict[str, str] = {re.split("[{,]", entry)[1]: entry for entry in _BIB.strip().split("\n\n")}
REFERENCES: dict[str, str] = {key: _text(entry) for key, entry in _ENTRIES.items()}
"""Citation key -> reference with DOI."""


def references(*keys: str) -> Callable[[T], T]:
    """Mark a function or class with the papers that it implements, by keys of `REFERENCES`, in ``__references__``.

    An unknown key is a KeyError at import time.
    """
    for key in keys:
        REFERENCES[key]

    def mark(thing: T) -> T:
        thing.__references__ = keys  # type: ignore[attr-defined]
        return thing

    return mark


@typed
def cite(*objects: Any, format: Literal["text", "bibtex"] = "text") -> None:
    """Print the references of the methods used.

    Parameters
    ----------
    *objects : object
        Functions, classes, or results and analyses of ours. Without any, all references are printed.
    format : {"text", "bibtex"}, optional
        A line for each, or entries for a .bib file, of which the first is ionpath itself.

    Examples
    --------
    >>> from ionpath.kinetics import mfpt_matrix
    >>> cite(mfpt_matrix)  # doctest: +ELLIPSIS
    [deeptime] Hoffmann et al., ...
    """
    one_of("format", format, ("text", "bibtex"))
    print(bibtex(*objects) if format == "bibtex" else "\n".join(f"[{key}] {REFERENCES[key]}" for key in _keys(objects)))


@typed
def bibtex(*objects: Any) -> str:
    """Return the references of the methods used as entries for a .bib file.

    Parameters
    ----------
    *objects : object
        As for `cite`.

    Returns
    -------
    str
        BibTeX; the first entry is ionpath itself.

    Examples
    --------
    >>> from ionpath.transport import nernst_einstein
    >>> print(bibtex(nernst_einstein).splitlines()[0])
    @software{ionpath,
    """
    fields = {"title": "{ionpath}", "author": "{ionpath developers}", "version": __version__}
    own = "\n".join(["@software{ionpath,", *(f"  {name} = {{{value}}}," for name, value in fields.items()), "}"])
    return "\n\n".join([own, *(_ENTRIES[key] for key in _keys(objects))])


def _keys(objects: Sequence[Any]) -> list[str]:
    if not objects:
        return list(REFERENCES)
    if wrong := [thing for thing in objects if isinstance(thing, (str, bytes, int, float))]:
        raise InputError("objects", need="functions, classes or results of ionpath", got=repr(wrong[0])[:80])
    return list(dict.fromkeys(key for thing in objects for key in getattr(thing, "__references__", ())))
