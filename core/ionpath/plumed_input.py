"""The text of a PLUMED input: its statements, the files that it writes, and its units. PLUMED itself is not needed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ionpath.constants import BOHR
from ionpath.errors import InputError, MissingDependency

INSTALL = "pip install --no-deps hillclimber, or conda install -c conda-forge plumed py-plumed"
_LOAD = re.compile(r"^(LOAD\s+FILE=)\S*PythonCVInterface\.(?:so|dylib)\b")
_APPENDED = {
    "PRINT": "", "METAD": "HILLS", "PBMETAD": "HILLS", "OPES_METAD": "KERNELS", "OPES_METAD_EXPLORE": "KERNELS",
    "OPES_EXPANDED": "DELTAFS", "DUMPATOMS": "", "DUMPFORCES": "", "DUMPDERIVATIVES": "", "DUMPPROJECTIONS": "",
}  # fmt: skip
"""Action that appends to a file -> its name where FILE is left out; "" for none."""
_LENGTHS = {"nm": 10.0, "A": 1.0, "um": 1e4, "Bohr": BOHR}
_ENERGIES = {"kj/mol": 1.0, "j/mol": 1e-3, "kcal/mol": 4.184, "eV": 96.48530749925793, "Ha": 2625.499639479}
_TIMES = {"ps": 1.0, "fs": 1e-3, "ns": 1e3, "atomic": 2.418884326509e-5}


@dataclass(frozen=True)
class Units:
    """Units in which an input is written, and in which PLUMED writes its files."""

    length: float = 10.0  # unit of length in A; PLUMED's own is the nm
    energy: float = 1.0  # unit of energy in kJ/mol
    time: float = 1.0  # unit of time in ps


def joined(lines: Iterable[str]) -> list[str]:
    """Complete statements, with comments gone and continuations joined.

    >>> joined(["UNITS LENGTH=A  # nothing else", "d: DISTANCE ...", "  ATOMS=1,2", "..."])
    ['UNITS LENGTH=A', 'd: DISTANCE ATOMS=1,2']
    """
    statements: list[str] = []
    open_block: list[str] | None = None
    for raw in lines:
        line = raw.split("#", 1)[0].strip()
        if not line:
            continue
        if line.split()[0] == "ENDPLUMED":
            break
        if open_block is not None:
            if line.startswith("..."):
                statements.append(" ".join(open_block))
                open_block = None
            else:
                open_block.append(line)
        elif line.endswith("..."):
            open_block = [line[:-3].strip()]
        else:
            statements.append(line)
    if open_block is not None:
        raise InputError("plumed.dat", need="a line '...' that ends a long statement", got="the end of the file",
                         remedy=f"close the statement {open_block[0][:40]!r}")  # fmt: skip
    return statements


def keywords(statement: str) -> tuple[str, str, dict[str, str]]:
    """Label, action and keywords of a statement.

    >>> keywords("p: PYCVINTERFACE ATOMS=1,2 INIT={nodes=[[1, 2], [3, 4]]}")
    ('p', 'PYCVINTERFACE', {'ATOMS': '1,2', 'INIT': 'nodes=[[1, 2], [3, 4]]'})
    """
    kept: dict[str, str] = {}

    def keep(match: re.Match[str]) -> str:
        kept[f"@{len(kept)}@"] = match[1]
        return f"=@{len(kept) - 1}@"

    words = re.sub(r"=\{([^{}]*)\}", keep, statement).split()
    label = ""
    if words and words[0].endswith(":"):
        label, words = words[0][:-1], words[1:]
    action, found = (words[0] if words else ""), {}
    for word in words[1:]:
        key, _, value = word.partition("=")
        found[key] = kept.get(value, value)
    return found.get("LABEL", label), action, found


def appended_files(lines: Iterable[str], *actions: str) -> list[Path]:
    """Files that an input, or some of its actions alone, appends to: what has to be cut back after a kill.

    >>> lines = ["PRINT ARG=d FILE=COLVAR STRIDE=10", "m: METAD ...", "ARG=d SIGMA=0.1", "..."]
    >>> appended_files(lines), appended_files(lines, "METAD")
    ([PosixPath('COLVAR'), PosixPath('HILLS')], [PosixPath('HILLS')])
    >>> appended_files(["PRINT ARG=d FILE=x=0.5,y=1/C", "p: PBMETAD ARG=a,b FILE=A,B"])
    [PosixPath('x=0.5,y=1/C'), PosixPath('A'), PosixPath('B')]
    """
    found: list[Path] = []
    for statement in joined(lines):
        _, action, words = keywords(statement)
        if action not in (actions or _APPENDED):
            continue
        given = words.get("FILE", _APPENDED[action])
        # This action alone takes several: for any other a comma is a part of the name, as in x=0.5,y=1/HILLS.
        names = [name for name in (given.split(",") if action == "PBMETAD" else [given]) if name]
        if action == "PBMETAD" and "FILE" not in words:
            names = [f"HILLS.{argument}" for argument in words.get("ARG", "").split(",")]
        if action == "METAD" and int(words.get("WALKERS_N", "1")) > 1:
            place = Path(words.get("WALKERS_DIR", "."))
            names = [str(place / f"{name}.{words.get('WALKERS_ID', '0')}") for name in names]
        found += [path for path in map(Path, names) if path not in found]
    return found


def units(lines: Iterable[str]) -> Units:
    """Units of an input.

    >>> units(["UNITS LENGTH=A ENERGY=kcal/mol TIME=fs"])
    Units(length=1.0, energy=4.184, time=0.001)
    """
    found = Units()
    for statement in joined(lines):
        _, action, words = keywords(statement)
        if action != "UNITS":
            continue
        if "NATURAL" in words:
            remedy = "write LENGTH=A ENERGY=kj/mol TIME=ps"
            raise InputError("UNITS", need="units with a size", got="NATURAL", remedy=remedy)
        found = Units(
            _size(words, "LENGTH", _LENGTHS, 10.0), _size(words, "ENERGY", _ENERGIES, 1.0),
            _size(words, "TIME", _TIMES, 1.0),
        )  # fmt: skip
    return found


def _size(words: dict[str, str], key: str, known: dict[str, float], own: float) -> float:
    """Size of a unit: by name, or as a number of PLUMED's own units."""
    text = words.get(key)
    if text is None:
        return own
    if text in known:
        return known[text]
    try:
        size = float(text) * own
    except ValueError:
        size = float("nan")
    if not 0 < size < float("inf"):
        remedy = "write one of these"
        raise InputError("UNITS", need=f"{key} among {', '.join(known)}, or a number", got=repr(text), remedy=remedy)
    return size


def needs_energy(lines: Iterable[str]) -> bool:
    """Whether an input uses the potential energy.

    >>> needs_energy(["ene: ENERGY"]), needs_energy(["d: DISTANCE ATOMS=1,2"])
    (True, False)
    """
    return any(keywords(statement)[1] == "ENERGY" for statement in joined(lines))


def prepared(lines: Iterable[str], wrapper: Callable[[], ModuleType]) -> list[str]:
    """Statements that any process can give to PLUMED: the Python interface by its full path, where it is loaded."""
    statements = joined(lines)
    if any(_LOAD.search(statement) for statement in statements):
        path = str(interface_path(wrapper())).replace("\\", r"\\")
        statements = [_LOAD.sub(rf"\g<1>{path}", statement) for statement in statements]
    return statements


def same_everywhere(lines: Iterable[str]) -> list[str]:
    """Statements without the folder of the Python interface, which differs from machine to machine."""
    return [_LOAD.sub(r"\g<1>PythonCVInterface", statement) for statement in joined(lines)]


def interface_path(wrapper: ModuleType) -> Path:
    """Shared library that lets PLUMED call Python: IONPATH_PYCV, or beside the kernel, or from PLUMED's wrapper."""
    kernel = Path(os.environ.get("PLUMED_KERNEL", ""))
    name = f"PythonCVInterface{kernel.suffix or '.so'}"
    places = [os.environ.get("IONPATH_PYCV"), kernel.parent / name, kernel.parent / "plumed" / name]
    places.append(getattr(wrapper, "BUNDLED_PYCV_PATH", None))
    for place in map(str, filter(None, places)):
        if Path(place).is_file():
            return Path(place)
    raise MissingDependency(
        f"{name} (pycv)", purpose="collective variables in Python",
        install="pip install --no-deps hillclimber   (or pip install pycv, and IONPATH_PYCV set to its path)",
    )  # fmt: skip
