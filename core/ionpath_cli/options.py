"""What the command lines have in common: options, files of options, messages, and files that hosts read."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ionpath.errors import InputError, IonpathError, require
from ionpath.files import read_text, unread
from ionpath_cli.messages import LOG
from ionpath_cli.usage import Usage, nearest

IN_FULL = ("--config", "--log", "-v", "--verbose", "-q", "--quiet")
"""Options of every command, which are taken off before its parser is asked."""

CIF, LINE = 4_000_000, 4096
"""Bytes of a CIF of 40,000 atoms, and twice the characters that CIF allows a line."""


class Common(NamedTuple):
    """What every command takes."""

    verbose: bool
    quiet: bool
    log: Path | None


class _InFull(argparse.Action):
    """An option that was not taken off, since it was shortened or joined to another."""

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        parser.error(f"argument {'/'.join(self.option_strings)}: write it in full, and apart from others")


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """Make the parser of one command, with the options that `ionpath_cli.cli` takes off for all of them."""
    made = argparse.ArgumentParser(
        prog=f"ionpath {command}",
        description=textwrap.fill(description, 80),
        epilog=f"example:\n  {example.strip()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = made.add_argument_group("options of every command")
    common.add_argument("--config", action=_InFull, metavar="FILE", help="read options from a TOML or YAML file")
    common.add_argument("--log", action=_InFull, metavar="FILE", help="append messages to it, with times and levels")
    common.add_argument("-v", "--verbose", action=_InFull, nargs=0, help="say more, and where an error arose")
    common.add_argument("-q", "--quiet", action=_InFull, nargs=0, help="results and errors only")
    return made


def take_common(argv: Sequence[str]) -> tuple[Common, list[str]]:
    """Take off what every command has; the last ``--log`` counts."""
    words: list[str] = []
    log: Path | None = None
    rest = iter(argv)
    for word in rest:
        name, equals, value = word.partition("=")
        if name == "--log":
            log = Path(value if equals else next(rest, ""))
        elif word not in IN_FULL:
            words.append(word)
    given = set(argv)
    return Common(bool({"-v", "--verbose"} & given), bool({"-q", "--quiet"} & given), log), words


def with_config(argv: Sequence[str], command: str, commands: Collection[str]) -> list[str]:
    """Replace ``--config FILE`` by the options in the file, which has tables of `commands`; the last word counts."""
    words: list[str] = []
    rest = iter(argv)
    for word in rest:
        name, equals, value = word.partition("=")
        if name == "--config":
            words += _config_words(Path(value if equals else next(rest, "")), command, commands)
        else:
            words.append(word)
    return words


def _config_words(path: Path, command: str, commands: Collection[str]) -> list[str]:
    """The options of no table, and those of the table that is named as the command, which have the last word."""
    read = _read_config(path)
    data = {key: value for key, value in read.items() if not isinstance(value, dict)}
    for key in read.keys() - data.keys() - set(commands):
        advice = nearest(key, commands) or "`ionpath --help` lists them"
        raise Usage(f"--config {path}: need tables that are named as commands, got [{key}]; {advice}")
    data |= read.get(command, {})
    files = data.pop("files", [])
    words = [str(file) for file in (files if isinstance(files, list) else [files])]
    for key, value in data.items():
        lists = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
        for one in lists if value is not False else []:  # a list of lists: the option once for each
            values = one if isinstance(one, list) else [] if one is True else [one]
            words += [f"--{key.replace('_', '-')}", *map(str, values)]
    return words


def _read_config(path: Path) -> dict[str, Any]:
    need = "a TOML file, or a YAML file that ends on .yml"
    if not os.path.lexists(path):
        raise InputError("--config", need="an existing file", got=str(path), remedy="check its name")
    try:
        text = read_text(path, f"--config {path}", need)
        if path.suffix in (".yml", ".yaml"):
            data = require("yaml", purpose="YAML files", install="pip install pyyaml").safe_load(text)
        else:
            import tomllib

            data = tomllib.loads(text)
        if not isinstance(data, dict):
            raise ValueError("no names with values")
    except IonpathError:
        raise
    except Exception as error:  # those of both parsers
        remedy = "write one option a line, such as temperature = 600"
        raise InputError(f"--config {path}", need=need, got=brief(error), remedy=remedy) from error
    return data


def write_config(
    path: Path, arguments: argparse.ArgumentParser, given: argparse.Namespace, more: Sequence[str] = ()
) -> None:
    """Write what a command was given, defaults among it, and remarks, as a file that ``--config`` reads."""
    from ionpath import __version__
    from ionpath.files import atomic_path, marked

    lines, files = [f"# {arguments.prog} --config {shlex.quote(str(path))}, ionpath {__version__}"], []
    for action in arguments._actions:
        value = getattr(given, action.dest, None)
        if value is None or value is False or value == [] or action.dest in ("help", *Common._fields, "config"):
            continue
        if value == action.default and _another_was_given(action, arguments, given):
            continue
        many = isinstance(value, (list, tuple))
        plain = [str(one) if isinstance(one, Path) else one for one in (value if many else [value])]
        if action.option_strings:
            written = plain
            if isinstance(action, argparse._AppendAction):
                written = [one if isinstance(one, list) else [one] for one in plain]
            lines.append(f"{action.option_strings[-1][2:]} = {json.dumps(written if many else plain[0])}")
        else:
            files += plain
    lines = [*lines, f"files = {json.dumps(files)}", *more, ""]
    if path.is_file() and not marked(f"# {arguments.prog} --config".encode())(path):
        LOG.warning("%s is of something else and stays: the options of this run were not written there", path)
        return
    with atomic_path(path) as part:
        part.write_text("\n".join(lines), encoding="utf-8")


def _another_was_given(action: argparse.Action, arguments: argparse.ArgumentParser, given: argparse.Namespace) -> bool:
    """Whether one of the options that exclude this one was typed."""
    return any(
        getattr(given, other.dest) != other.default
        for group in arguments._mutually_exclusive_groups
        if action in group._group_actions
        for other in group._group_actions
    )


def brief(error: BaseException) -> str:
    """An error of somebody else in one line."""
    text = str(error).rpartition("Error: ")[2].strip() or str(error).strip()  # MDAnalysis wraps the error of a parser
    return f"{type(error).__name__}: {' '.join(text.split())[:200]}"


@contextmanager
def reading(what: str, *paths: Path) -> Iterator[None]:
    """Turn whatever a host raises for files into one sentence that names them."""
    for path in paths:
        if got := unread(path):
            remedy = "name a file in it" if path.is_dir() else "check the path"
            raise InputError(str(path), need=f"a file that {what} reads", got=got, remedy=remedy)
        if not path.stat().st_size:
            raise InputError(str(path), need=f"a file that {what} reads", got="an empty file", remedy="write it again")
    try:
        yield
    except (IonpathError, PermissionError):
        raise
    except Exception as error:
        if "frame " in str(error) and ": need " in str(error):  # ours, which MDAnalysis wrapped
            raise IonpathError(str(error).rpartition("Error: ")[2]) from error
        unknown = "isn't a valid topology format" in str(error)
        raise InputError(
            " with ".join(dict.fromkeys(map(str, paths))),
            need=f"a file that {what} reads",
            got="a format that its name does not tell" if unknown else brief(error),
            remedy="add --format, for example --format EXTXYZ, or convert the file: ase convert FILE run.extxyz"
            if unknown
            else "check that it is complete and named for what it is",
        ) from error


def read_atoms(path: Path) -> Any:
    """Read a structure by ASE: of several in one file the last, which is said."""
    import numpy as np

    io = require("ase.io", purpose="reading structures", install='pip install "ionpath[ase]"')
    cif = path.suffix.lower() == ".cif"
    with reading("ASE", path), np.errstate(all="ignore"):
        check_cif(path)
        *others, atoms = io.read(path, index=":") if cif else [io.read(path)]
        if not len(atoms):
            raise ValueError("no atoms in it")
        if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell[:]).all()):
            raise ValueError("places or a cell without end")
    with contextlib.suppress(Exception):  # AssertionError and others of formats that hold one
        if others or (not cif and io.read(path, index="1:2")):
            LOG.warning("%s holds several structures: the last one is taken", path)
    if cif:
        _compare_formula(path, atoms)
    return atoms


def check_cif(path: Path) -> None:
    """Refuse a CIF that is longer than any structure, or has lines as no CIF has: ASE would read it for minutes."""
    if path.suffix.lower() != ".cif" or not path.is_file():
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        longest = max(map(len, file), default=0) if size <= CIF else 0
    if size > CIF or longest > LINE:
        need = f"a CIF of at most {CIF / 1e6:g} MB with lines of at most {LINE} characters"
        got = f"{size / 1e6:.3g} MB" if size > CIF else f"a line of {longest}"
        remedy = "keep the structure, and take off what is behind it, such as reflections"
        raise InputError(str(path), need=need, got=got, remedy=remedy)


def _compare_formula(path: Path, atoms: Any) -> None:
    """Say that the atoms of a CIF are not those of its formula, as where a row was lost."""
    from ase.io.cif import parse_cif

    *_, block = parse_cif(os.fspath(path))
    text = str(block.get("_chemical_formula_sum") or "")
    said = Counter({e: float(n or 1) for e, n in re.findall(r"([A-Z][a-z]?)(\d*\.?\d*)", text)})
    kinds, shared = atoms.arrays.get("spacegroup_kinds"), atoms.info.get("occupancy") or {}
    have: Counter[str] = Counter()
    for k, symbol in enumerate(atoms.symbols):
        have.update({symbol: 1.0} if kinds is None else shared.get(str(kinds[k]), {symbol: 1.0}))
    if said and any(abs(said[e] / said.total() - have[e] / have.total()) > 0.02 for e in said | have):
        found = " ".join(f"{e}{n / (have.total() / said.total()):.3g}" for e, n in sorted(have.items()))
        LOG.warning("%s: its formula is %s, and its atoms are %s: check that no row is missing", path, text, found)
