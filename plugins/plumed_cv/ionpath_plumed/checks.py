"""Checks of a plumed.dat before PLUMED sees it: PLUMED aborts the whole process on some mistakes."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from ionpath.arguments import typed
from ionpath.errors import InputError
from ionpath.plumed_input import joined, keywords
from ionpath_plumed.bridge import Request
from ionpath_plumed.kernel import prepare

FILES = ("reference", "sites", "nodes")
"""Parameters of variables that may name a file."""


@typed
def check_input(
    lines: Iterable[str], n_atoms: int, *, folder: str | Path = ".", files: Mapping[str, str] | None = None
) -> list[str]:
    """Check an input that uses ionpath's variables.

    Parameters
    ----------
    lines : iterable of str
        Lines of a plumed.dat.
    n_atoms : int
        Number of atoms of the system.
    folder : str or path
        Where PLUMED will run, and where files are that variables read.
    files : mapping of str to str, optional
        Name -> text of such files that will be written there.

    Returns
    -------
    list of str
        Complete statements, ready for PLUMED.

    Raises
    ------
    InputError
        For unknown or repeated atoms, unknown modules or parameters, a wrong number of atoms, or lengths in nm: with
        the nearest known name or the remedy.
    """
    statements = prepare(lines)
    parsed = [keywords(statement) for statement in statements]
    ours = [(label, found) for label, action, found in parsed if action == "PYCVINTERFACE" and _is_ours(found)]
    units = {key: value for _, action, found in parsed if action == "UNITS" for key, value in found.items()}
    if ours and units.get("LENGTH", "nm") not in ("A", "0.1"):
        got = f"LENGTH={units.get('LENGTH', 'nm, the default of PLUMED')}: every distance would be ten times too small"
        raise InputError("UNITS", need="lengths in A", got=got, remedy="begin plumed.dat with UNITS LENGTH=A")
    if ours and not any(action == "LOAD" for _, action, _ in parsed):
        need = "LOAD FILE=PythonCVInterface.so before the first PYCVINTERFACE"
        raise InputError("plumed.dat", need=need, got="no LOAD", remedy="add the line")
    with _beside(Path(folder), files or {}, side_files(statements)):
        for label, found in ours:
            _check_variable(label, found, n_atoms)
    return statements


def side_files(lines: Iterable[str]) -> list[str]:
    """Names of the files that variables of an input read, as far as they are relative."""
    found = []
    for _, action, words in map(keywords, joined(lines)):
        text = words.get("INIT", "")
        if action == "PYCVINTERFACE" and _is_ours(words) and "=" in text:
            parameters = Request.parse(text, builder(words["IMPORT"])).parameters
            names = [parameters[key] for key in FILES if isinstance(parameters.get(key), str)]
            found += [name for name in names if name != "ideal" and not Path(name).is_absolute()]
    return found


@contextmanager
def _beside(folder: Path, files: Mapping[str, str], names: Iterable[str]) -> Iterator[None]:
    """Work where these files are, those that are not written yet included."""
    missing = [name for name in names if name in files]
    if not missing:
        with inside(folder if folder.is_dir() else Path()):
            yield
        return
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            there = Path(place) / name
            there.parent.mkdir(parents=True, exist_ok=True)
            if name in files:
                there.write_text(files[name])
            elif (folder / name).exists() and not there.exists():
                there.symlink_to((folder / name).absolute())
        with inside(Path(place)):
            yield


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder: PLUMED reads and writes its files in the current one."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _is_ours(found: dict[str, str]) -> bool:
    return found.get("IMPORT", "").split(".")[0] == "ionpath_plumed"


def _check_variable(label: str, found: dict[str, str], n_atoms: int) -> None:
    text = found.get("INIT", "")
    request = Request.parse(text if "=" in text else "", builder(found["IMPORT"]))
    variable = request.variable(label, read_atoms(label, found.get("ATOMS", ""), n_atoms))
    request.outputs(variable)


def builder(module: str) -> Any:
    """Function that makes the variable of a module named in IMPORT."""
    known = variables()
    name = module.removeprefix("ionpath_plumed.")
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        need = f"one of {', '.join('ionpath_plumed.' + k for k in known)}"
        remedy = f"did you mean ionpath_plumed.{near[0]}?" if near else "choose one of them"
        raise InputError("IMPORT", need=need, got=module, remedy=remedy)
    return import_module(f"ionpath_plumed.{name}").build


def variables() -> list[str]:
    """Names of the modules that PLUMED can import as collective variables.

    >>> variables()
    ['distortion', 'flux', 'path', 'plugin', 'position', 'shell', 'tilt']
    """
    names = [m.name for m in iter_modules([str(Path(__file__).parent)])]
    return [n for n in names if n in {"distortion", "flux", "path", "plugin", "position", "shell", "tilt"}]


def read_atoms(label: str, text: str, n_atoms: int) -> list[int] | None:
    """Atom numbers of an ATOMS list.

    >>> read_atoms("d", "1,4-6", 10)
    [1, 4, 5, 6]
    """
    if not text:
        raise InputError(f"ATOMS of {label}", need="a list of atom numbers", got="none", remedy="write ATOMS=1,2,3")
    serials: list[int] = []
    for word in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", word.strip())
        if not match:
            return None
        low, high, stride = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if stride < 1 or high < low:
            need = "ranges as first-last or first-last:stride"
            remedy = "write the lower number first, and a stride of 1 or more"
            raise InputError(f"ATOMS of {label}", need=need, got=word.strip(), remedy=remedy)
        for serial in (low, high):
            if not 1 <= serial <= n_atoms:
                got = f"{serial}"
                remedy = "PLUMED counts atoms from 1 in the order of the MD engine"
                raise InputError(f"ATOMS of {label}", need=f"numbers from 1 to {n_atoms}", got=got, remedy=remedy)
        serials += range(low, high + 1, stride)
    return serials
