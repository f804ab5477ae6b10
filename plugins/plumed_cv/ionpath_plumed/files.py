"""Read PLUMED's HILLS and COLVAR files, and cut them back to the last complete checkpoint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.files import atomic_path
from ionpath.free_energy import Hills

Floats = NDArray[np.float64]
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Table:
    """A file of PLUMED: named columns and settings.

    Attributes
    ----------
    names : tuple of str
        Names of the columns.
    data : ndarray, (n_rows, n_columns)
        Numbers.
    settings : dict
        ``#! SET`` entries of the header.
    """

    names: tuple[str, ...]
    data: Floats
    settings: dict[str, str]

    def __getitem__(self, name: str) -> Floats:
        """Column by name."""
        if name not in self.names:
            raise InputError(
                "column", need=f"one of {', '.join(self.names)}", got=repr(name), remedy="choose one"
            )
        return self.data[:, self.names.index(name)]

    def period(self, name: str) -> tuple[float, float] | None:
        """Lower and upper end of the period of a variable, None where it has none."""
        low, high = self.settings.get(f"min_{name}"), self.settings.get(f"max_{name}")
        return None if low is None or high is None else (_number(low), _number(high))


def _number(text: str) -> float:
    sign, bare = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    if bare.endswith("pi"):
        return sign * (float(bare[:-2].rstrip("*") or 1.0)) * np.pi
    return sign * float(bare)


def read_table(path: PathLike) -> Table:
    """Read a COLVAR or HILLS file."""
    file = Path(path)
    if not file.is_file():
        raise InputError(
            "file", need="a HILLS or COLVAR file of PLUMED", got=f"no file {str(path)!r}", remedy="run first"
        )
    names: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    rows: list[list[float]] = []
    lines = file.read_text().split("\n")
    for number, line in enumerate(lines):
        words = line.split()
        if not words:
            continue
        if words[:2] == ["#!", "FIELDS"]:
            if names and tuple(words[2:]) != names:
                raise InputError(
                    file.name, need=f"the same columns throughout ({' '.join(names)})", got=" ".join(words[2:]),
                    remedy="runs with different variables were written to one file: separate them",
                )  # fmt: skip
            names = tuple(words[2:])
        elif words[:2] == ["#!", "SET"] and len(words) >= 4:
            settings[words[2]] = words[3]
        elif not words[0].startswith("#"):
            if len(words) != len(names):
                if number == len(lines) - 1:
                    break  # no newline at its end: the writer was interrupted
                raise InputError(
                    f"{file.name}, line {number + 1}", need=f"{len(names)} numbers", got=f"{len(words)}",
                    remedy="mend or delete the line",
                )  # fmt: skip
            rows.append([float(word) for word in words])
    if not names:
        raise InputError(
            file.name, need="a header '#! FIELDS ...'", got="none", remedy="give a file that PLUMED wrote"
        )
    return Table(names, np.array(rows, dtype=float).reshape(-1, len(names)), settings)


def read_hills(paths: PathLike | Sequence[PathLike]) -> Hills:
    """Read one HILLS file, or those of several walkers.

    Parameters
    ----------
    paths : str, path, or sequence of them
        Files; hills of several are merged by time.

    Returns
    -------
    Hills
        Hills in order of time.

    Raises
    ------
    InputError
        If a file is missing, empty, or does not hold hills of the same variables.
    """
    files = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    tables = [read_table(path) for path in files]
    first = tables[0]
    widths = [name for name in first.names if name.startswith("sigma_")]
    variables = [name.removeprefix("sigma_") for name in widths]
    if not widths or "height" not in first.names or any(table.names != first.names for table in tables):
        raise InputError(
            str(files[0]), need="hills with sigma_ and height columns, the same in every file",
            got=f"columns {' '.join(first.names)}", remedy="give HILLS files of one METAD",
        )  # fmt: skip
    data = np.vstack([table.data for table in tables])
    if not len(data):
        raise InputError(
            str(files[0]), need="one hill or more", got="none yet", remedy="run longer than the pace"
        )
    data = data[np.argsort(data[:, 0], kind="stable")]
    merged = Table(first.names, data, first.settings)
    kernel = first.settings.get("kerneltype", "gaussian")
    return Hills(
        merged["time"], np.stack([merged[v] for v in variables], axis=1), np.stack([merged[w] for w in widths], axis=1),
        merged["height"], tuple(variables), tuple(merged.period(v) for v in variables), float(merged["biasf"][0]),
        kernel == "stretched-gaussian",
    )  # fmt: skip


def check_same_atoms(numbers: Any, atoms: Any) -> None:
    """Refuse to go on with the run of another structure."""
    if not np.array_equal(numbers, atoms.numbers):
        raise InputError(
            "atoms", need="the atoms of the run in this folder", got="other elements or another order",
            remedy="use another folder",
        )  # fmt: skip


def cut_back(path: PathLike, time: float) -> int:
    """Drop rows after a time, so that a run that goes on from a checkpoint does not write them twice."""
    file = Path(path)
    if not file.is_file():
        return 0
    kept: list[str] = []
    dropped = 0
    n_columns = 0
    for line in file.read_text().splitlines():
        words = line.split()
        if words[:2] == ["#!", "FIELDS"]:
            n_columns = len(words) - 2
        comment = not words or words[0].startswith("#")
        if comment or (len(words) == n_columns and float(words[0]) <= time + 1e-9):
            kept.append(line)
        else:
            dropped += 1
    if dropped:
        with atomic_path(file) as part:
            part.write_text("\n".join(kept) + "\n")
    return dropped


def states(path: PathLike, label: str, *, threshold: float = 0.5) -> NDArray[Any]:
    """Discrete states from memberships that a run printed."""
    table = read_table(path)
    columns = [name for name in table.names if name.startswith(f"{label}.py-p")]
    if not columns:
        raise InputError(
            "label", need=f"columns {label}.py-p0, ... in {path}", got=f"{' '.join(table.names)}",
            remedy="PRINT ARG=label.* with the label of the flux variable",
        )  # fmt: skip
    columns.sort(key=lambda name: int(name.rsplit("p", 1)[1]))
    share = np.stack([table[name] for name in columns], axis=1)
    best = share.argmax(1)
    clear = share.max(1) > threshold
    last = np.maximum.accumulate(np.where(clear, np.arange(len(best)), 0))
    return best[last]
