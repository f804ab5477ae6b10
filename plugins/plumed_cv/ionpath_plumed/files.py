"""Read PLUMED's HILLS and COLVAR files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.errors import InputError, one_of, warn
from ionpath.files import read_text
from ionpath.free_energy import Hills
from ionpath.msonable import Msonable
from ionpath.noted import warn_of_changes
from ionpath.plumed_input import Units, appended_files, units
from ionpath.plumed_run import included

PathLike = str | os.PathLike[str]
_HEIGHTS, _SPACINGS = (0.05, 100.0), (1e-3, 500.0)
"""Highest hill in kJ/mol, and times between hills in ps, of runs of molecular dynamics."""
_WIDTH = 23
"""Characters of a number in a HILLS file, unless METAD has a FMT."""


@dataclass(frozen=True)
class Table(Msonable):
    """A file of PLUMED: named columns and settings."""

    names: tuple[str, ...]  # names of the columns
    data: Floats  # (n_rows, n_columns): numbers
    settings: dict[str, str]  # ``#! SET`` entries of the header

    def __getitem__(self, name: str) -> Floats:
        """Column by name."""
        one_of("column", name, self.names)
        return self.data[:, self.names.index(name)]

    def period(self, name: str) -> tuple[float, float] | None:
        """Lower and upper end of the period of a variable, None where it has none."""
        low, high = self.settings.get(f"min_{name}"), self.settings.get(f"max_{name}")
        try:
            return None if low is None or high is None else (_number(low), _number(high))
        except ValueError:
            remedy = "mend the header"
            raise InputError(f"period of {name}", need="two numbers", got=f"{low}, {high}", remedy=remedy) from None


def _number(text: str) -> float:
    sign, bare = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    if bare.endswith("pi"):
        return sign * (float(bare[:-2].rstrip("*") or 1.0)) * np.pi
    return sign * float(bare)


def read_table(path: PathLike) -> Table:
    """Read a COLVAR or HILLS file."""
    file = Path(path)
    lines = read_text(file, str(path), "a HILLS or COLVAR file of PLUMED", "run first, or mend the file").split("\n")
    warn_of_changes(file)
    names: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    rows: list[list[float]] = []
    for number, line in enumerate(lines):
        words = line.split()
        if not words:
            continue
        if words[:2] == ["#!", "FIELDS"]:
            if names and tuple(words[2:]) != names:
                need = f"the same columns throughout ({' '.join(names)})"
                remedy = "runs with different variables were written to one file: separate them"
                raise InputError(file.name, need=need, got=" ".join(words[2:]), remedy=remedy)
            names = tuple(words[2:])
        elif words[:2] == ["#!", "SET"] and len(words) >= 4:
            settings[words[2]] = words[3]
        elif not words[0].startswith("#") and not names:
            raise _headless(file, line)
        elif not words[0].startswith("#"):
            row = _row(words, finite=names[:1] == ("time",))
            if number == len(lines) - 1:  # no newline at its end: the writer was interrupted, perhaps within a number
                if row is not None and len(words) == len(names):
                    warn(
                        f"{file.name}, line {number + 1}: need a newline at its end, got none: its last number may "
                        "be cut, and it is left out; end it with a newline if it is whole"
                    )
                if "\0" in line:  # a disk that failed fills up the end of a file
                    got, remedy = repr(line)[:60], "put the file back, or delete the line"
                    raise InputError(f"{file.name}, line {number + 1}", need="numbers", got=got, remedy=remedy)
                break
            early = row is not None and rows and names[0] == "time" and row[0] < rows[-1][0]
            if len(words) == len(names) and row is not None and not early:
                rows.append(row)
                continue
            got = f"{len(words)}" if len(words) != len(names) else line.strip()[:60]
            if row is not None and early and len(words) == len(names):
                got = f"a time of {row[0]:g} after {rows[-1][0]:g}"
            need = f"{len(names)} numbers, in the order of time"
            raise InputError(f"{file.name}, line {number + 1}", need=need, got=got, remedy="mend or delete the line")
    if not names and not any(map(str.split, lines)):
        remedy = "run for longer: the first one comes after PACE or STRIDE steps, and is written with the next FLUSH"
        raise InputError(file.name, need="rows of PLUMED", got="an empty file", remedy=remedy)
    if not names:
        raise _headless(file)
    if "biasf" in names:
        _check_widths(file.name, lines, len(names) - ("clock" in names))  # which has no width
    return Table(names, np.array(rows, dtype=float).reshape(-1, len(names)), settings)


def _check_widths(name: str, lines: Sequence[str], n_columns: int) -> None:
    """Refuse a row of hills whose columns are not where those of most are: a number of it lost or won a digit."""
    ends = range(_WIDTH, _WIDTH * n_columns + 1, _WIDTH)
    rows = [number for number, line in enumerate(lines[:-1]) if line.strip() and not line.startswith("#")]
    odd = [k for k in rows if any(len(lines[k][end - _WIDTH : end].split()) != 1 or lines[k][end : end + 1].strip()
                                  or lines[k][end - 1] == " " for end in ends)]  # fmt: skip
    if 2 * len(odd) < len(rows) and odd:
        need = f"columns of {_WIDTH} characters, as in other lines"
        got = " ".join(lines[odd[0]].split())[:60]
        raise InputError(f"{name}, line {odd[0] + 1}", need=need, got=got, remedy="mend or delete the line")


def _headless(file: Path, line: str = "") -> InputError:
    got, remedy = repr(line[:60]) if line else "none", "name a file that PLUMED wrote"
    return InputError(file.name, need="a header '#! FIELDS ...' in front of its rows", got=got, remedy=remedy)


def _row(words: list[str], finite: bool) -> list[float] | None:
    """Numbers of a row; None where one is none, or not finite where it should be."""
    try:
        row = [float(word) for word in words]
    except ValueError:
        return None
    return row if not finite or np.isfinite(row).all() else None


def units_of(*paths: PathLike) -> tuple[Units, str]:
    """Units of files of PLUMED, which have to be the same: those of the input that names them, else PLUMED's own.

    The latter are warned of, and said in words.
    """
    inputs = [input_of(path) for path in paths]
    found, *others = dict.fromkeys(map(units, inputs))
    if others:
        names = ", ".join(str(path) for path in paths)
        raise InputError(
            "UNITS", need="the same in each plumed.dat", got=f"others for {names}", remedy="read each alone"
        )
    if all(inputs):
        return found, ""
    assumed = "times are read as ps, and energies as kJ/mol, PLUMED's own units"
    file = Path(paths[inputs.index([])])
    given = file.absolute().with_name("plumed.dat")
    if os.path.lexists(given):
        warn(f"{given}: need a line that writes {file.name}, got none: {assumed}; put the input back, or move it away")
    else:
        warn(
            f"{file}: need the plumed.dat that wrote it, for its units, got none: {assumed}; put it beside the file "
            "(its UNITS and the line that writes the file are enough)"
        )
    return found, assumed


def input_of(path: PathLike) -> list[str]:
    """Lines of the plumed.dat that names a file of PLUMED, beside it or in a folder above; none where there is none."""
    file = Path(path).absolute()
    for place in file.parents:
        given = place / "plumed.dat"
        beside = place == file.parent
        if not (os.path.lexists(given) if beside else given.is_file()):
            continue
        need, remedy = f"the input of the run that wrote {file.name}, as text", "put it back, or move it away"
        text = read_text(given, str(given), need, remedy) if beside else given.read_text(errors="replace")
        lines = included(text.splitlines(), place, refuse=False)
        named = {place / name for name in appended_files(lines)}
        if beside:
            named |= {place / name.name for name in named}
        if {file, file.with_suffix("")} & named:  # a walker has its number behind the name
            return lines
    return []


@typed
def read_hills(paths: PathLike | Sequence[PathLike]) -> Hills:
    """Read one HILLS file, or those of several walkers.

    Parameters
    ----------
    paths : str, path, or sequence of them
        Files; hills of several are merged by time. Times and heights are turned into ps and kJ/mol where the units of
        the plumed.dat beside them are others. Without one they are taken as PLUMED's own, ps and kJ/mol, which is
        warned of and stands in ``assumed``.

    Returns
    -------
    Hills
        Hills in order of time.

    Raises
    ------
    InputError
        If a file is missing, empty, damaged, does not hold hills of the same variables, or has heights or times that
        are hardly in PLUMED's own units, and no plumed.dat that says others.
    """
    files = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not files:
        raise InputError("paths", need="a HILLS file", got="none")
    tables, (scale, assumed) = [read_table(path) for path in files], units_of(*files)
    first = tables[0]
    widths = [name for name in first.names if name.startswith("sigma_")]
    variables = [name.removeprefix("sigma_") for name in widths]
    needed = {"time", "height", "biasf", *variables}
    if not widths or not needed <= set(first.names) or any(table.names != first.names for table in tables):
        need = "hills with sigma_ and height columns, the same in every file"
        remedy = "give HILLS files of one METAD"
        raise InputError(str(files[0]), need=need, got=f"columns {' '.join(first.names)}", remedy=remedy)
    for path, table in zip(files, tables, strict=True):
        _check_hills(Path(path).name, table, widths)
    _check_walkers([Path(path).name for path in files], tables)
    data = np.vstack([table.data for table in tables])
    if not len(data):
        raise InputError(str(files[0]), need="one hill or more", got="none yet", remedy="run longer than the pace")
    data = data[np.argsort(data[:, 0], kind="stable")]
    merged = Table(first.names, data, first.settings)
    if assumed:
        _check_plausible(Path(files[0]).name, float(merged["height"].max()), np.diff(tables[0]["time"]))
    kernel = first.settings.get("kerneltype", "gaussian")
    return Hills(
        merged["time"] * scale.time, np.stack([merged[v] for v in variables], axis=1),
        np.stack([merged[w] for w in widths], axis=1), merged["height"] * scale.energy, tuple(variables),
        tuple(merged.period(v) for v in variables), float(merged["biasf"][0]), kernel == "stretched-gaussian",
        assumed,
    )  # fmt: skip


def _check_plausible(name: str, height: float, spacings: Floats) -> None:
    """Refuse hills whose units nobody says, and which are hardly PLUMED's own."""
    spacing = float(np.median(spacings)) if len(spacings) else 1.0
    for value, unit, what, (low, high) in (
        (height, "kJ/mol", "heights", _HEIGHTS), (spacing, "ps", "times between hills", _SPACINGS),
    ):  # fmt: skip
        if not low <= value <= high:
            need = f"{what} of {low:g} to {high:g} {unit}, or the plumed.dat that says other UNITS"
            raise InputError(name, need=need, got=f"{value:.3g} without one", remedy="put it beside the file")


def _check_hills(name: str, table: Table, widths: Sequence[str]) -> None:
    """Refuse what no run of METAD writes."""
    twice = np.flatnonzero(np.diff(table["time"]) <= 0)
    if len(twice):
        remedy = "delete the lines of the part that was run twice"
        raise InputError(name, need="each hill once", got=f"two at {table['time'][twice[0]]:g}", remedy=remedy)
    if len(table.data) and not np.ptp(table["biasf"]) == 0.0:
        raise InputError(name, need="one bias factor", got="several", remedy="separate the runs")
    if not all((table[width] > 0).all() for width in widths):
        raise InputError(name, need="widths above 0", got="others", remedy="mend the file")


def _check_walkers(names: Sequence[str], tables: Sequence[Table]) -> None:
    """Refuse hills of several files that are not those of the walkers of one run."""
    first = tables[0]
    for k, (name, table) in enumerate(zip(names, tables, strict=True)):
        unlike = [key for key in first.settings | table.settings if first.settings.get(key) != table.settings.get(key)]
        if len(first.data) and len(table.data) and first["biasf"][0] != table["biasf"][0]:
            unlike.append("biasf")
        if unlike:
            got = f"another {unlike[0]}"
            raise InputError(name, need=f"hills of the run that {names[0]} is of", got=got, remedy="separate the runs")
        twin = next((other for other, one in zip(names[:k], tables[:k], strict=True) if _share_hills(one, table)), None)
        if twin is not None:
            remedy = "name each walker's file once"
            raise InputError(name, need="each hill once", got=f"hills that are in {twin} too", remedy=remedy)


def _share_hills(one: Table, other: Table) -> bool:
    """Whether hills of two files are the same, all but their times on the clock."""
    count = min(len(one.data), len(other.data), 3)
    return count > 0 and bool((one.data[:count, :-1] == other.data[:count, :-1]).all())


def states(path: PathLike, label: str, *, threshold: float = 0.5) -> NDArray[Any]:
    """Discrete states from memberships that a run printed."""
    table = read_table(path)
    columns = [name for name in table.names if name.startswith(f"{label}.py-p")]
    if not columns:
        got = f"{' '.join(table.names)}"
        remedy = "PRINT ARG=label.* with the label of the flux variable"
        raise InputError("label", need=f"columns {label}.py-p0, ... in {path}", got=got, remedy=remedy)
    columns.sort(key=lambda name: int(name.rsplit("p", 1)[1]))
    share = np.stack([table[name] for name in columns], axis=1)
    best = share.argmax(1)
    clear = share.max(1) > threshold
    last = np.maximum.accumulate(np.where(clear, np.arange(len(best)), 0))
    return best[last]
