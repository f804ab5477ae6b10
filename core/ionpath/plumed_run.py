"""What a PLUMED input needs of the run that it biases: files, temperature, and what can be foreseen of it."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ionpath.errors import InputError
from ionpath.plumed_input import appended_files, joined, keywords

_FILE_IS_READ = ("LOAD", "INCLUDE", "EXTERNAL", "READ", "TABLE", "CSVD", "MOLINFO")
"""Actions whose FILE is read; that of all others is written."""
_NO_NAMES = ("ARG", "ATOMS", "LABEL", "IMPORT", "TYPE", "STRIDE", "PACE")
_BIASES_OF_A_TEMPERATURE = (
    "METAD", "PBMETAD", "OPES_METAD", "OPES_METAD_EXPLORE", "ECV_MULTITHERMAL", "ECV_MULTITHERMAL_MULTIBARIC",
    "ECV_LINEAR", "ECV_UMBRELLAS_LINE", "ECV_UMBRELLAS_FILE", "EXTENDED_LAGRANGIAN", "LOGMFD", "DRR", "EDS", "MAXENT",
    "VES_LINEAR_EXPANSION", "TD_WELLTEMPERED",
)  # fmt: skip
_MEMORIES = (
    "ABMD", "EXTENDED_LAGRANGIAN", "LOGMFD", "DRR", "EDS", "MAXENT", "VES_LINEAR_EXPANSION", "ANNEALING",
    "METAD ADAPTIVE=DIFF",
)  # fmt: skip
"""Biases that depend on what was, and that no file of theirs restores at the time of a checkpoint."""
_BIASES = frozenset((
    "ABMD", "ANNEALING", "BIASVALUE", "CALIBER", "DRR", "EDS", "EXTENDED_LAGRANGIAN", "EXTERNAL", "FISST", "LOGMFD",
    "LOWER_WALLS", "MAXENT", "METAD", "METAINFERENCE", "MOVINGRESTRAINT", "OPES_EXPANDED", "OPES_METAD",
    "OPES_METAD_EXPLORE", "PBMETAD", "RESCALE", "RESTRAINT", "UPPER_WALLS", "VES_DELTA_F", "VES_LINEAR_EXPANSION",
))  # fmt: skip
"""Actions that put forces on atoms."""
_OF_HILLS = ("METAD", "PBMETAD", "OPES_METAD", "OPES_METAD_EXPLORE", "OPES_EXPANDED")
_OF_FORCES = ("RESTRAINT", "UPPER_WALLS", "LOWER_WALLS")
_SUMS = ("AVERAGE", "HISTOGRAM", "ACCUMULATE", "COLLECT", "COLLECT_FRAMES", "MULTICOLVARDENS")
REFUSALS: list[InputError] = []
"""What variables in Python refused: their reasons do not come through PLUMED, which only says that there was one."""
_DEEPEST = 10
"""Most files that include each other."""


def included(lines: Iterable[str], folder: Path, *, refuse: bool = True, _depth: int = 0) -> list[str]:
    """Lines with those of the files that INCLUDE names in its place.

    A file that is not there is an InputError, or with ``refuse=False`` leaves its INCLUDE as it is.
    """
    given = list(lines)
    statements = joined(given)
    if not any(keywords(statement)[1] == "INCLUDE" for statement in statements):
        return given
    found: list[str] = []
    for statement in statements:
        _, action, words = keywords(statement)
        if action != "INCLUDE":
            found.append(statement)
            continue
        path = folder / words.get("FILE", "")
        if not path.is_file() or _depth == _DEEPEST:
            if not refuse:
                found.append(statement)
                continue
            need = "a file that is there, and does not include itself"
            remedy = "write its name as it is seen from the folder in which PLUMED runs"
            raise InputError("INCLUDE", need=need, got=repr(words.get("FILE", "")), remedy=remedy)
        text = path.read_text(errors="replace")
        found += included(text.splitlines(), folder, refuse=refuse, _depth=_depth + 1)
    return found


def written_files(lines: Iterable[str]) -> list[Path]:
    """Every file that an input writes, as often as something in it does.

    >>> written_files(["PRINT ARG=d FILE=COLVAR", "m: METAD ARG=d GRID_WFILE=GRID"])
    [PosixPath('COLVAR'), PosixPath('HILLS'), PosixPath('GRID')]
    """
    found: list[Path] = []
    for statement in joined(lines):
        _, action, words = keywords(statement)
        own = appended_files([statement])
        if not own and action not in _FILE_IS_READ:
            own = [Path(words["FILE"])] if words.get("FILE") else []
        found += own
        found += [Path(v) for key, v in words.items() if key.endswith(("_WFILE", "STATUS_FILE", "MEAN_FILE")) and v]
    return found


def read_files(lines: Iterable[str]) -> list[str]:
    """Names that an input gives to files it reads, as far as its words look like that; not all need be there.

    >>> read_files(["r: RMSD REFERENCE=a.pdb TYPE=OPTIMAL", "LOAD FILE=x.so", "PRINT ARG=r FILE=COLVAR"])
    ['a.pdb']
    """
    statements = joined(lines)
    written = {str(path) for path in written_files(statements)}
    found: list[str] = []
    for statement in statements:
        _, action, words = keywords(statement)
        for key, value in words.items():
            if action == "LOAD" or key in _NO_NAMES or not value or value in written:
                continue
            whole = [value] if "," in value else []  # a name may have a comma
            parts = re.findall(r"=\s*[\"']?([^\s,\"'=\[\]]+)", value) if key == "INIT" else [*value.split(","), *whole]
            found += [part for part in parts if part not in written and part not in found and _is_name(part)]
    return found


def _is_name(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return True
    return False


def digests(lines: Iterable[str], folder: Path) -> dict[str, str]:
    """Digest of each file that an input reads and that is there."""
    found = {}
    for name in read_files(lines):
        path = folder / name
        try:
            if path.is_file():
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        except OSError:
            continue
    return found


def check_outputs(names: Mapping[str, Path]) -> None:
    """Refuse two outputs of a run in one file, by what they are; links to one file are one file."""
    places: dict[Path, str] = {}
    for what, path in names.items():
        other = places.setdefault(path.resolve(), what)
        if other != what:
            got = f"{other} and {what}, both {path.name}"
            raise InputError("output files", need="one file for each", got=got, remedy="name one of them differently")


def check_input_files(lines: Sequence[str]) -> None:
    """Refuse an input that writes one file twice or says itself when to go on, and hills without a width."""
    name, times = next(iter(Counter(map(str, written_files(lines))).most_common(1)), ("", 0))
    if times > 1:
        got = f"{times} that write {name}"
        remedy = "name them differently with FILE="
        raise InputError("plumed", need="a file of its own for each action that writes one", got=got, remedy=remedy)
    for statement in joined(lines):
        label, action, words = keywords(statement)
        if "RESTART" in words or (action == "RESTART" and statement.split()[-1] == "NO"):
            got = next(word for word in statement.split()[::-1] if word.startswith(("RESTART", "NO")))
            remedy = "leave it out: a run goes on by itself; a line RESTART alone begins with files that are there"
            raise InputError(f"RESTART of {label or action}", need="none in an action", got=got, remedy=remedy)
        for path in appended_files([statement]):
            kind = words.get("TYPE", path.suffix[1:]) if action == "DUMPATOMS" else path.suffix[1:]
            if kind in ("gz", "xtc", "trr"):  # PLUMED begins the last two anew where a run goes on
                need = "a text file, which is cut back to a checkpoint and continued"
                remedy = "leave out the .gz" if kind == "gz" else "write .xyz or .gro"
                raise InputError(f"FILE of {label or action}", need=need, got=path.name, remedy=remedy)
        for text in words.get("SIGMA", "").split(",") if action in _BIASES_OF_A_TEMPERATURE else ():
            if text and not _is_name(text) and float(text) <= 0:
                need = "widths above 0"
                raise InputError(f"SIGMA of {label or action}", need=need, got=text, remedy="write SIGMA=0.1")


def check_temperature(lines: Iterable[str], temperature: float) -> None:
    """Refuse a bias that was written for another temperature than that of the run."""
    for statement in joined(lines):
        _, action, words = keywords(statement)
        text = words.get("TEMP", "")
        if action not in _BIASES_OF_A_TEMPERATURE or not text:
            continue
        try:
            same = abs(float(text) - temperature) <= 1e-6 * abs(temperature)
        except ValueError:
            raise InputError("TEMP", need="a temperature in K", got=repr(text), remedy="write TEMP=300") from None
        if not same:
            need = f"the {text} K that TEMP of {action} says"
            raise InputError("temperature", need=need, got=f"{temperature:g} K", remedy="give both the same")


def check_python(lines: Iterable[str], n_atoms: int) -> None:
    """Refuse what makes the interface for variables in Python end the whole process: no such module, no such atom."""
    groups: dict[str, str] = {}
    for statement in joined(lines):
        label, action, words = keywords(statement)
        if action == "GROUP":
            groups[label] = words.get("ATOMS", "")
        if action != "PYCVINTERFACE":
            continue
        module = words.get("IMPORT", "")
        if not _importable(module):
            got = repr(module)
            raise InputError(f"IMPORT of {label}", need="a module that Python finds", got=got, remedy="check its name")
        for word in words.get("ATOMS", "").split(","):
            for part in groups.get(word, word).split(","):
                ends = re.fullmatch(r"(\d+)(?:-(\d+)(?::\d+)?)?", part.strip())
                for serial in ends.groups() if ends else ():
                    if serial is not None and not 1 <= int(serial) <= n_atoms:
                        need = f"numbers from 1 to {n_atoms}"
                        remedy = "PLUMED counts atoms from 1 in the order of the MD engine"
                        raise InputError(f"ATOMS of {label}", need=need, got=serial, remedy=remedy)


def _importable(module: str) -> bool:
    try:
        return bool(module) and importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def memories(lines: Iterable[str]) -> list[str]:
    """Biases of an input that a stopped run cannot go on with, because what they remember is in no file."""
    given = [keywords(statement)[1:] for statement in joined(lines)]
    names = [f"{action} ADAPTIVE=DIFF" if words.get("ADAPTIVE") == "DIFF" else action for action, words in given]
    return [name for name in names if name in _MEMORIES]


def lost_sums(lines: Iterable[str]) -> list[str]:
    """What of an input begins anew where a run goes on, and is only told: sums, work, and widths of OPES."""
    found, statements = [], joined(lines)
    for label, action, words in map(keywords, statements):
        used = rf"(?:{re.escape(label)}|\*)\.(?:\*|[^\s,]*work\b)"  # of components that sum up since the start
        if action == "MOVINGRESTRAINT" and re.search(used, " ".join(statements)):
            found.append(f"{action} {label}.work")
        if action == "METAD":
            found += [f"{flag} of {action}" for flag in ("ACCELERATION", "CALC_WORK") if flag in words]
        measured = action.startswith("OPES_METAD") and "SIGMA" not in words
        found += [f"{action} without SIGMA"] if measured else [action] if action in _SUMS else []
    return found


def biases_of(lines: Iterable[str]) -> list[str]:
    """Biases of an input, each once.

    >>> biases_of(["d: DISTANCE ATOMS=1,2", "METAD ARG=d SIGMA=0.1 HEIGHT=1 PACE=100", "PRINT ARG=d FILE=COLVAR"])
    ['METAD']
    """
    return sorted({keywords(line)[1] for line in joined(lines)} & _BIASES)


def idle(lines: Iterable[str], steps: int) -> list[str]:
    """What an input asks for and a run of so many steps has nothing of, in words: no hill, no force, no movement.

    >>> idle(["METAD ARG=d SIGMA=0.1 HEIGHT=1 PACE=500", "RESTRAINT ARG=d AT=2 KAPPA=0"], 100)
    ['METAD adds its first hill after PACE=500 steps', 'RESTRAINT has no force: KAPPA=0']
    """
    found = []
    for statement in joined(lines):
        label, action, words = keywords(statement)
        what = f"{action} {label}".rstrip()
        pace = numbers_of(words.get("PACE", ""))
        if action in _OF_HILLS and pace and pace[0] > steps:
            found.append(f"{what} adds its first hill after PACE={pace[0]:g} steps")
        if action in _OF_HILLS and _still(words, "HEIGHT"):
            found.append(f"{what} adds hills of HEIGHT=0")
        if action in _OF_FORCES and _still(words, "KAPPA") and not any(numbers_of(words.get("SLOPE", ""))):
            found.append(f"{what} has no force: KAPPA=0")
        if action == "MOVINGRESTRAINT":
            found += [f"{what} {told}" for told in _unmoved(words, steps)]
    return found


def numbers_of(text: str) -> list[float]:
    """Numbers of a keyword; none where it has words."""
    try:
        return [float(part) for part in text.split(",") if part]
    except ValueError:
        return []


def _still(words: Mapping[str, str], key: str) -> bool:
    """Whether a keyword is there and has zeros alone."""
    given = numbers_of(words.get(key, ""))
    return bool(given) and not any(given)


def _unmoved(words: Mapping[str, str], steps: int) -> list[str]:
    """Why a restraint that is to move does not."""
    numbered = sorted(int(key[4:]) for key in words if re.fullmatch(r"STEP\d+", key))
    begins = [(numbers_of(words[f"STEP{k}"]) or [0.0])[0] for k in numbered]
    stays: dict[str, list[float]] = {}
    changes = []
    for n, k in enumerate(numbered):
        for key in ("AT", "KAPPA"):  # what is not given stays
            now = numbers_of(words.get(f"{key}{k}", "")) or stays.get(key, [])
            changes += [begins[max(n - 1, 0)]] if key in stays and now != stays[key] else []
            stays[key] = now
    if not changes:
        return ["never moves: AT and KAPPA are the same at all of its steps"]
    if min(changes) >= steps:
        return [f"moves from step {min(changes):g} on, which is not reached"]
    return []
