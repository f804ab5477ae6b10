"""The potentials that come with the package, and those that plugins register, by name."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from ionpath.errors import InputError

_FOLDER = Path(__file__).resolve().parent
SUFFIXES = (".pb", ".pth", ".pt2", ".dp", ".savedmodel", ".json", ".hlo", ".yaml", ".yml")
"""File name endings that are taken for a model of deepmd-kit."""
_NUMBERED = re.compile(r"\.\d+$")


def available() -> dict[str, Path]:
    """Potentials that can be used by name: name -> file; of a committee (see `members`) the first one.

    Names registered by plugins (`ionpath.plugins`, hook ``potentials``) replace shipped ones.

    >>> "argyrodite" in available()
    True
    """
    from ionpath import plugins

    found = {path.stem: path for path in sorted(_FOLDER.glob("*.pb")) if not _NUMBERED.search(path.stem)}
    found.update({name: Path(path) for name, path in plugins.available("potentials").items()})
    return found


def resolve(model: str | os.PathLike[str]) -> Path:
    """File (or folder, for a TensorFlow saved model) of a name of `available`, or of a file that deepmd-kit reads.

    InputError if there is neither such a name nor such a file.

    >>> resolve("argyrodite").name
    'argyrodite.pb'
    """
    text = os.fspath(model)
    path = Path(text).expanduser()
    if _NUMBERED.search(text) and (_FOLDER / f"{text}.pb").exists():
        return _FOLDER / f"{text}.pb"
    if path.suffix in SUFFIXES or os.sep in text:
        if not path.exists():
            raise InputError("model", need="an existing file", got=f"{text}, which does not exist")
        return path.resolve()
    names = available()
    if text in names:
        return names[text]
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.4) or sorted(names)
    need = f"a file that ends in one of {', '.join(SUFFIXES)}, or a known name"
    raise InputError("model", need=need, got=repr(text), remedy=f"the nearest names are: {', '.join(near)}")


def members(model: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Files of all members of a committee, by a name of `available` or a file that deepmd-kit reads.

    The file of `resolve`, and those beside it that are called the same with ``.2``, ``.3`` and so on before the ending
    (``argyrodite.pb``, ``argyrodite.2.pb``), in this order. A single potential is a tuple of one. InputError if there
    is neither such a name nor such a file.

    >>> members("argyrodite")[0].name
    'argyrodite.pb'
    """
    first = resolve(model)
    others = {}
    for path in first.parent.glob(f"{first.stem}.*{first.suffix}"):
        number = path.name[len(first.stem) + 1 : -len(first.suffix)]
        if number.isdigit() and int(number) > 1:
            others[int(number)] = path
    return (first, *(others[number] for number in sorted(others)))
