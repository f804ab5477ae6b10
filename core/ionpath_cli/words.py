"""What errors, warnings and notes advise, in the words of the command line: the one place that translates them."""

from __future__ import annotations

import re
from collections.abc import Collection

from ionpath.errors import InputError

SAME = {
    "dt": "frame-time",
    "centres": "sites",
    "structure": "sites",
    "a": "lattice",
    "crystal": "sites",
    "lag": "lag-time",
}
"""Words of Python for which a command may have an option of another name."""
VALUE = r"\([^()]*\)|\[[^\[\]]*\]|'[^']*'|\"[^\"]*\"|[^\s,;)]+"
PYTHON = re.compile(
    r"\b[a-z]\w*=|`|\b[a-z]\w*\.[a-z]\w*\(|\b[A-Z][a-z]{2,}[A-Z][a-z]{2,}\w*|(?<![\w/.-])[a-z]+_[a-z_]+\b(?![\w-]*[/.])"
    r"|\b(?:ionpath|ionpath_\w+|pymatgen|MDAnalysis|ase)\.[a-z]\w*"
)
"""What nobody types into a shell: keywords, names of functions and classes."""


def names_python(text: str) -> bool:
    """Whether advice has words that nobody types into a shell; a command in back quotes is what people type."""
    return PYTHON.search(re.sub(r"`((?:ionpath|dask)[ -][^`]*)`", r"\1", text)) is not None


def in_words(text: str, options: Collection[str]) -> str:
    """Say what is advised in the options of a command, and leave out what only Python has, if something is left.

    >>> in_words("pass restart=False, or frame_time=0.1", {"--no-restart", "--frame-time"})
    'pass --no-restart, or --frame-time 0.1'
    >>> in_words("states: need few, got 216; fold them with repeats=(2, 2, 2), or take SiteNetwork", {"--repeats"})
    'states: need few, got 216; fold them with --repeats 2 2 2'
    >>> in_words("cages: need groups, got none; take SiteNetwork, whose states need none, or pass --sites", set())
    'cages: need groups, got none; pass --sites'
    >>> in_words("folder: need a record, got none; run `ionpath analyze` first", set())
    'folder: need a record, got none; run `ionpath analyze` first'
    >>> in_words("lag_time: need less, got 5; use a shorter lag", {"--lag-time"})
    '--lag-time: need less, got 5; use a shorter lag'
    """
    said = _with_options(text, options)
    head, semicolon, remedy = said.partition("; ")
    if not semicolon or not names_python(remedy) or "; in Python: " in said:
        return said
    clauses = re.split(r"(; |, or |, and |, (?!which |whose |where |as |so |since |because ))(?![^()]*\))", remedy)
    kept = [k for k in range(0, len(clauses), 2) if not names_python(clauses[k])]
    if not kept:
        return f"{head}; in Python: {remedy}"
    parts = [clauses[kept[0]], *(clauses[k - 1] + clauses[k] for k in kept[1:])]
    return f"{head}; {''.join(parts).removeprefix('or ')}"


def _with_options(text: str, options: Collection[str]) -> str:
    """Arguments of Python as options of a command, where it has them."""
    said = re.sub(rf"(?<![\w-])([a-z]\w*)=({VALUE}|(?=[\s,;)]|$))", lambda match: _option(match, options), text)
    if {"--start", "--stop", "--step"} <= set(options):
        said = re.sub(r"(?<![\w-])start, stop(,| and) step\b", r"--start, --stop\1 --step", said)
    place = next((option for option in ("--folder", "--trajectory") if option in options), "name")
    said = said.replace("begin anew under another name", f"begin anew under another {place}")
    name, found, rest = said.partition(": need ")
    option = _named(name, options) if found else ""
    return f"{option}{found}{rest}" if option else said


def error_in_words(error: Exception, options: Collection[str]) -> str:
    """The same of an error, whose name may be that of an option."""
    if not isinstance(error, InputError):
        return in_words(str(error), options)
    remedy = in_words(f"; {error.remedy}", options) if error.remedy else ""
    # What was found is shown as it is: it may hold text of a user, and statements of PLUMED.
    return f"{_with_options(f'{error.name}: need {error.need}', options)}, got {error.got}{remedy}"


def _named(name: str, options: Collection[str]) -> str:
    """The option that an argument of Python is, or nothing."""
    word = name.strip()
    if not re.fullmatch(r"[a-z]\w*", word):
        return ""
    return next((o for o in (f"--{word.replace('_', '-')}", f"--{SAME.get(word, '')}") if o in options), "")


def _option(match: re.Match[str], options: Collection[str]) -> str:
    name, value = match[1], (match[2] or "").strip("'\"")
    if value in ("False", "True") and (bare := f"--{'no-' * (value == 'False')}{name.replace('_', '-')}") in options:
        return bare
    option = _named(name, options)
    if not option:
        return match[0]
    return " ".join([option, *re.split(r"[(),\[\]\s]+", value)]).replace("  ", " ").strip()
