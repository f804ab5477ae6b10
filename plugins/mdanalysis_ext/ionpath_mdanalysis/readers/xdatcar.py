"""VASP ``XDATCAR``, constant or variable cell, plain or gzip, runs joined one after another."""

from __future__ import annotations

import io
import os
import re
from functools import cached_property
from typing import Any

import numpy as np

from ionpath.arrays import Floats
from ionpath.elements import SYMBOLS
from ionpath.errors import InputError
from ionpath_mdanalysis.readers.reader import FileParser, FileReader, Frame, TextFile, ends_within_a_number, is_flat
from ionpath_mdanalysis.readers.source import BLOCK, ByteSource, has_suffix

KEY = b"Direct configuration"
HEADER = 7
"""Lines above the first coordinates: comment, scale, three cell vectors, symbols, counts."""
SHORTEST = 6
"""Bytes of the shortest line of an atom, ``0 0 0``."""


class XdatcarFile(TextFile):
    """Frames of an XDATCAR."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._source = ByteSource(path)
        self._cell, self._kinds = self._header(self._source.read_at(0, 2**16).split(b"\n"), 0)
        n = sum(count for _, count in self._kinds)
        if not 0 < SHORTEST * n <= self._source.most:
            raise self._damaged(0, "as many lines as the header has atoms", f"{n} atoms in a file that is too short")
        self.symbols = np.repeat(*map(list, zip(*self._kinds, strict=True)))  # type: ignore[call-overload]

    def __len__(self) -> int:
        return len(self._layout[1])

    @property
    def joins(self) -> list[int]:
        """First frames of the runs that were joined to the first one."""
        _ = self._layout
        return self._joins

    def frame(self, index: int) -> Frame:
        """Read one frame."""
        n, (starts, own) = len(self.symbols), self._layout
        text = self._source.read_at(int(starts[index]), int(starts[index + 1] - starts[index]))
        cell = self._cell
        if own[index]:
            lines = text.split(b"\n", HEADER)
            cell, text = self._header(lines, index)[0], lines[HEADER]
        body = text.partition(b"\n")[2]
        values = _numbers(body)
        if values is None:  # Fortran columns that touch: a minus sign parts them
            values = _numbers(re.sub(rb"(?<=\d)-", b" -", body))
        if values is None or len(values) != n or ends_within_a_number(text):
            rows = body.rstrip().split(b"\n")
            wrong = next((k for k, row in enumerate(rows) if _numbers(row) is None), len(rows) - 1)
            line = rows[wrong][:60].decode(errors="replace")
            got = "a frame that is cut off" if len(rows) < n else f"{line!r} in line {wrong + 1} of them"
            raise self._damaged(index, f"{n} lines of three numbers", got)
        return Frame(positions=values @ cell, cell=cell)

    @cached_property
    def _layout(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Offsets where frames start, with that of the end, and whether a frame brings a header of its own."""
        self._joins: list[int] = []
        starts: list[int] = []
        own: list[bool] = []
        held, base, begin, clock = b"", 0, 0, _Clock()
        most = 2 * BLOCK + 128 * (len(self.symbols) + 2 * HEADER)
        for block in self._source.blocks():
            after = max(len(held) - len(KEY), begin)
            held += block
            while (at := held.find(b"\n" + KEY, after) + 1) > 0:
                header = self._between(held[begin:at], len(starts))
                problem = clock.problem(held[at + len(KEY) : at + 80].split(b"\n")[0], restart=header > 0)
                if problem:
                    raise self._damaged(len(starts), *problem)
                if clock.again:
                    self._joins.append(len(starts))
                starts.append(base + at - header)
                own.append(header > 0)
                begin = after = at
            held, base, begin = held[begin:], base + begin, 0
            if len(held) > most:
                raise self._damaged(max(len(starts) - 1, 0), f"{len(self.symbols)} lines", f"over {most} bytes")
        if not starts:
            remedy = "write the XDATCAR with VASP 5.2 or newer"
            raise InputError(self._source.path, need="lines 'Direct configuration= ...'", got="none", remedy=remedy)
        return np.array([*starts, base + len(held)], np.int64), np.array(own, bool)

    def _between(self, text: bytes, frame: int) -> int:
        """Look at what is between the first line of a frame and the next one; length of the header there."""
        n = len(self.symbols) + 1 if frame else 0
        more = text.count(b"\n") - n
        if frame and not more:
            return 0
        lines = text.split(b"\n")[:-1]
        if frame and more > 0 and not any(map(bytes.strip, lines[n:])):
            return 0
        try:
            kinds = self._header(lines[-HEADER:], frame)[1]
        except InputError:
            kinds = []
        if kinds and kinds != self._kinds:
            raise self._damaged(
                frame,
                f"the atoms of the first header, {_formula(self._kinds)}, in the same order",
                _formula(kinds),
                "read each run from a file of its own, with its atoms in the order of its own header",
            )
        if not kinds or more != HEADER:
            got = len(lines) - (HEADER if kinds else 0) - (1 if frame else 0)
            raise self._damaged(max(frame - 1, 0), f"{len(self.symbols)} lines of three numbers", f"{got} lines")
        return sum(len(line) + 1 for line in lines[-HEADER:])

    def _header(self, lines: list[bytes], frame: int) -> tuple[Floats, list[tuple[str, int]]]:
        try:
            scale = float(lines[1].split()[0])
            cell = np.array([line.split()[:3] for line in lines[2:5]], dtype=np.float64)
            names = [word.decode().split("_")[0].split("/")[0] for word in lines[5].split()]
            counts = [int(word) for word in lines[6].split()]
            if cell.shape != (3, 3) or not np.isfinite([*cell.flat, scale]).all() or not scale or is_flat(cell):
                raise ValueError("cell")
            if len(names) != len(counts) or min(counts) < 0 or not SYMBOLS.issuperset(names):
                raise ValueError("symbols")
        except (ValueError, IndexError) as error:
            raise self._damaged(
                frame,
                "the header of an XDATCAR: comment, scale, three cell vectors, symbols, counts",
                "something else",
                "check the file; VASP 4 wrote no symbols: add the line above the counts",
            ) from error
        volume = abs(float(np.linalg.det(cell)))
        # A negative scale is the volume of the cell, as in a POSCAR.
        cell = cell * (scale if scale > 0 else (-scale / volume) ** (1 / 3))
        return cell, list(zip(names, counts, strict=True))


class _Clock:
    """Follow the numbers of configurations: even ones, from anywhere, until a run starts again."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.step: int | None = None
        self.again = False  # whether the last one begins a run
        self.joined = False  # whether a run was joined, and none of its steps was compared with those before

    def problem(self, line: bytes, *, restart: bool) -> tuple[str, str, str] | None:
        word = line.partition(b"=")[2].strip()
        number = int(word) if word.isdigit() and len(word) < 18 else None  # VASP prints stars beyond its columns
        last, self.last = self.last, number
        self.again = restart and last is not None and number is not None and number <= last
        if number is None or last is None or (restart and number <= last):
            self.joined = self.step is not None and last is not None
            return None
        step, self.step = self.step, number - last
        if step in (None, self.step) and self.step > 0:
            self.joined = False
            return None
        if self.joined and self.step > 0:
            return (
                f"steps of {step} between configurations, as in the run before the join",
                f"steps of {self.step}, so that the time between frames is another",
                "read each run from a file of its own, or leave out frames of the finer one",
            )
        return (
            f"configuration {last + (step or 1)} after {last}",
            f"{number}, so that frames are missing or their numbers damaged",
            "restore the file, or number the configurations evenly if none is missing",
        )


def _numbers(body: bytes) -> Floats | None:
    """A table of three columns of finite numbers, or None if it is not one."""
    try:
        values = np.loadtxt(io.BytesIO(body), comments=None, ndmin=2) if body.strip() else np.empty((0, 3))
    except ValueError:
        return None
    return values if values.shape[1] == 3 and np.isfinite(values).all() else None


def _formula(kinds: list[tuple[str, int]]) -> str:
    return " ".join(f"{name}{count}" for name, count in kinds)


def is_xdatcar(thing: Any) -> bool:
    """Tell an XDATCAR by its name, which often has no extension."""
    if not isinstance(thing, (str, os.PathLike)):
        return False
    name = os.path.basename(os.fspath(thing))
    return bool(re.fullmatch(r"(XDATCAR([-_.]?\w+)?|.*\.XDATCAR)(\.gz)?", name, re.IGNORECASE)) and not has_suffix(
        name, "xyz", "extxyz", "traj", "pdb", "gro", "dcd", "xtc", "trr", "h5", "nc", "npz"
    )


class XDATCARParser(FileParser):
    """Topology of an XDATCAR: names and elements from its header, masses from the elements."""

    format = "XDATCAR"
    _file = XdatcarFile

    @staticmethod
    def _format_hint(thing: Any) -> bool:
        return is_xdatcar(thing) and XDATCARParser.is_sound(thing)


class XDATCARReader(FileReader):
    """Frames of an XDATCAR.

    The file does not say the time between its frames (POTIM times NBLOCK): pass it in ps, ``dt=0.1``; the default is
    MDAnalysis' own, 1 ps, with its warning. VASP wraps positions into the cell: ``unwrap=True`` undoes that.
    """

    format = "XDATCAR"
    _file = XdatcarFile

    @staticmethod
    def _format_hint(thing: Any) -> bool:
        return is_xdatcar(thing)
