"""An input for PLUMED with the files that it reads, in a folder or in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from html import escape
from pathlib import Path
from typing import Any

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.files import atomic_path, read_text
from ionpath.msonable import Msonable
from ionpath.plumed_input import joined, keywords
from ionpath.plumed_run import included, read_files
from ionpath_plumed.checks import side_files

_TUPLES = ("variables", "start", "end", "reach", "end_reach")


@typed
@documented
@dataclass(frozen=True)
class PlumedInput(Msonable):
    """An input for PLUMED, and what is needed to run and to analyse it."""

    text: str  # the plumed.dat
    files: dict[str, str] = field(default_factory=dict)  # name -> text of further files that it reads
    kind: str = "custom"  # protocol, or ``custom``
    temperature: float = 300.0  # temperature in K
    timestep: float = 2.0  # time step in fs for which the paces are counted
    variables: tuple[str, ...] = ()  # biased variables
    # start, end: where the two basins of interest are expected; empty where there is no such pair
    start: tuple[float, ...] = ()
    end: tuple[float, ...] = ()
    reach: tuple[float, ...] = ()  # half widths of the box around the start in which the lowest point is looked for
    end_reach: tuple[float, ...] = ()  # the same for the end; empty where it is the same
    atoms: dict[str, list[int]] = field(default_factory=dict)  # what was chosen: numbers of atoms from 1 by role
    method: str = "metad"  # ``metad``, ``opes``, ``opes-explore`` or ``opes-multithermal``
    # whether a symmetry of the structure as built exchanges the two distances of a hop between cages, turns theta in
    # a cage into pi - theta, or takes the bond of a tilt to all others of its tetrahedron
    equivalent: bool = False

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<b>plumed.dat, {escape(self.kind)}</b><pre>{escape(self.text)}</pre>"

    @property
    def lines(self) -> list[str]:
        """Lines of the plumed.dat."""
        return self.text.splitlines()

    def write(self, folder: str | Path) -> Path:
        """Write plumed.dat, the files that it reads, and ``protocol.json`` for the analysis; return the plumed.dat.

        A missing `folder` is made. InputError if it has another input that was edited by hand or belongs to a run, or
        other files of these names.
        """
        place = Path(folder)
        texts = {**self.files, "plumed.dat": self.text}
        self._check_folder(place, texts)
        about = {key: value for key, value in asdict(self).items() if key not in ("text", "files")}
        about["written"] = {
            name: _digest(text) for name, text in (*texts.items(), ("protocol.json", json.dumps(about)))
        }
        for name, text in {**texts, "protocol.json": json.dumps(about, indent=1)}.items():
            if name == "plumed.dat" and (place / name).exists() and not _differs(place / name, text):
                continue  # it may have comments of its own
            with atomic_path(place / name) as part:
                part.write_text(text)
        return place / "plumed.dat"

    def _check_folder(self, place: Path, texts: dict[str, str]) -> None:
        """Refuse to replace what somebody wrote by hand, and the input of a run."""
        written = _about(place).get("written", {})
        other = [name for name, text in texts.items() if _differs(place / name, text)]
        edited = [name for name in other if _digest((place / name).read_text()) != written.get(name)]
        if edited:
            need = "no other files of these names, or those that were written here before"
            got = f"{', '.join(edited)} of something else, or edited by hand"
            remedy = "run that input itself (give its path), or take another folder"
            raise InputError(f"folder {place.name!r}", need=need, got=got, remedy=remedy)
        runs = sorted(path.name for path in place.glob("*.checkpoint.npz"))
        if other and runs:
            need = "the input of the run that is there"
            raise InputError(f"folder {place.name!r}", need=need, got="another one", remedy="take another folder")

    @classmethod
    def read(cls, folder: str | Path) -> PlumedInput:
        """Read what `write` wrote into `folder`: plumed.dat and, if it came from here, protocol.json.

        Without protocol.json it is a custom input, of which variables, method and temperature are known.
        """
        place = Path(folder)
        file = place / "plumed.dat"
        if not file.is_file():
            remedy = "write one first: `ionpath metad`"
            raise InputError("folder", need="a plumed.dat in it", got=f"none in {str(folder)!r}", remedy=remedy)
        text = _whole(_text(file), place)
        about = _about(place) or _biased(text)
        about.pop("written", None)
        tuples = {key: tuple(about[key]) for key in _TUPLES if key in about}
        return cls(text=text, files=_files(text.splitlines(), place), **{**about, **tuples})


def as_input(plumed: PlumedInput | str | Path | Iterable[str]) -> PlumedInput:
    """Take an input in any form."""
    if isinstance(plumed, PlumedInput):
        return plumed
    if isinstance(plumed, Path) or (isinstance(plumed, str) and "\n" not in plumed and Path(plumed).exists()):
        path = Path(plumed)
        if path.is_dir() or path.name == "plumed.dat":
            return PlumedInput.read(path if path.is_dir() else path.parent)
        text, place = _text(path), path.parent
    else:
        text, place = plumed if isinstance(plumed, str) else "\n".join(plumed), Path()
    text = _whole(text, place)
    whole = text if text.endswith("\n") else text + "\n"
    return PlumedInput(text=whole, files=_files(text.splitlines(), place), **_biased(text))


def _biased(text: str) -> dict[str, Any]:
    """Method, variables and temperature of the bias of an input."""
    found: dict[str, Any] = {}
    for statement in joined(text.splitlines()):
        _, action, words = keywords(statement)
        if action in ("METAD", "OPES_METAD", "OPES_METAD_EXPLORE"):
            found["method"] = {"METAD": "metad", "OPES_METAD": "opes"}.get(action, "opes-explore")
            found["variables"] = tuple(words.get("ARG", "").split(","))
            if "TEMP" in words:
                found["temperature"] = _temperature(words["TEMP"])
    return found


def _temperature(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError("TEMP", need="a temperature in K", got=repr(text), remedy="mend the input") from None


def _text(path: Path) -> str:
    return read_text(path, f"file {path.name}", "a text file", "give the plumed.dat")


def _about(place: Path) -> dict[str, Any]:
    """What protocol.json says; nothing where there is none."""
    file = place / "protocol.json"
    if not file.is_file():
        return {}
    try:
        about = json.loads(_text(file))
        known = {field.name for field in fields(PlumedInput)} | {"written"}
        written = about.get("written", {}) if isinstance(about, dict) else None
        if isinstance(written, dict) and set(about) <= known - {"text", "files"}:
            own = json.dumps({key: value for key, value in about.items() if key != "written"})
            if written.get("protocol.json") in (None, _digest(own)):
                return about
        told = "other entries"
    except (ValueError, RecursionError) as error:
        told = str(error)[:200]
    remedy = "remove it, or write it again"
    raise InputError("file protocol.json", need="what was written beside plumed.dat", got=told, remedy=remedy)


def _whole(text: str, place: Path) -> str:
    """The text with the files that it includes, where they are there."""
    lines = text.splitlines()
    found = included(lines, place, refuse=False)
    return text if found == lines else "\n".join(found) + "\n"


def _files(lines: list[str], place: Path) -> dict[str, str]:
    """Texts of the files beside an input that it reads."""
    found = {name: _text(place / name) for name in side_files(lines) if (place / name).is_file()}
    for name in read_files(lines):
        if name not in found and not Path(name).is_absolute() and (place / name).is_file():
            with suppress(UnicodeDecodeError):
                found[name] = (place / name).read_text()
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _differs(path: Path, text: str) -> bool:
    """Whether a file is there and says something else; comments of a plumed.dat do not matter."""
    if not path.exists():
        return False
    found = _text(path)
    if path.name == "plumed.dat":
        return joined(_whole(found, path.parent).splitlines()) != joined(text.splitlines())
    return found != text
