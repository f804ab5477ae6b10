"""The potentials that come with the package, and those that plugins register, by name."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from ionpath.errors import InputError

_FOLDER = Path(__file__).resolve().parent
SUFFIXES = (".pb", ".pth", ".pt2", ".dp", ".savedmodel", ".json", ".hlo", ".yaml", ".yml")
"""File name endings that are taken for a model of deepmd-kit."""


def available() -> dict[str, Path]:
    """List the potentials that can be asked for by name.

    Returns
    -------
    dict of str to pathlib.Path
        Name to file. Names registered by plugins (`ionpath.plugins`, hook ``potentials``) replace shipped ones.

    Examples
    --------
    >>> "argyrodite" in available()
    True
    """
    from ionpath import plugins

    found = {path.stem: path for path in sorted(_FOLDER.glob("*.pb"))}
    found.update({name: Path(path) for name, path in plugins.available("potentials").items()})
    return found


def resolve(model: str | os.PathLike[str]) -> Path:
    """Turn a name or a file name into the file of a model.

    Parameters
    ----------
    model : str or path
        Name of `available`, or a file that deepmd-kit reads.

    Returns
    -------
    pathlib.Path
        Existing file (or folder, for a TensorFlow saved model).

    Raises
    ------
    InputError
        If there is neither such a name nor such a file.

    Examples
    --------
    >>> resolve("argyrodite").name
    'argyrodite.pb'
    """
    text = os.fspath(model)
    path = Path(text).expanduser()
    if path.suffix in SUFFIXES or os.sep in text:
        if not path.exists():
            raise InputError("model", need="an existing file", got=f"{text}, which does not exist")
        return path.resolve()
    names = available()
    if text in names:
        return names[text]
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.4) or sorted(names)
    raise InputError(
        "model",
        need=f"a file that ends in one of {', '.join(SUFFIXES)}, or a known name",
        got=repr(text),
        remedy=f"the nearest names are: {', '.join(near)}",
    )
