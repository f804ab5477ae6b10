"""VASP ``XDATCAR``, constant or variable cell, plain or gzip."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import Any

import numpy as np

from ionpath.errors import InputError
from ionpath_mdanalysis.readers.reader import FileParser, FileReader
from ionpath_mdanalysis.readers.source import ByteSource, Floats, Frame, FrameFile

_KEY = b"Direct configuration"
_HEADER = 7
"""Lines above the first coordinates: comment, scale, three cell vectors, symbols, counts."""
_OVERLAP = 2**16


class XdatcarFile(FrameFile):
    """Frames of an XDATCAR.

    Parameters
    ----------
    path : str or path
        File.

    Raises
    ------
    InputError
        If it is no XDATCAR, has no symbols (VASP 4), holds Cartesian coordinates, or is cut off.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._source = ByteSource(path)
        head = self._source.read_at(0, _OVERLAP).split(b"\n")
        self._cell, symbols, counts = self._header(head)
        self.symbols = np.repeat(symbols, counts)
        self._size = 64 * (len(self.symbols) + 2 * _HEADER)

    def __len__(self) -> int:
        return len(self._layout[0])

    @cached_property
    def _layout(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        starts, own = self._index()
        # A file that is cut off says so now, not at the end of a long run.
        self._frame(len(starts) - 1, int(starts[-1]), bool(own[-1]))
        return starts, own

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def frame(self, index: int) -> Frame:
        """Read one frame."""
        starts, own = self._layout
        return self._frame(index, int(starts[index]), bool(own[index]))

    def _frame(self, index: int, start: int, own_cell: bool) -> Frame:
        n = len(self.symbols)
        lines: list[bytes] = []
        while len(lines) < n + _HEADER + 2:
            text = self._source.read_at(start, self._size)
            lines = text.split(b"\n", n + _HEADER + 2)
            if len(text) < self._size:
                break
            self._size *= 2 if len(lines) < n + _HEADER + 2 else 1
        cell = self._cell
        if own_cell:
            cell, lines = self._header(lines)[0], lines[_HEADER:]
        try:
            fractional = np.array(b" ".join(lines[1 : n + 1]).split(), dtype=np.float64).reshape(n, 3)
        except ValueError as error:
            raise InputError(
                f"{self._source.path}, frame {index}",
                need=f"{n} lines of three numbers",
                got="a frame that is cut off or damaged",
                remedy="remove this frame from the file, or restore the file",
            ) from error
        return Frame(positions=fractional @ cell, cell=cell)

    def _index(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Offsets where frames start, and whether a frame brings its own cell."""
        starts: list[int] = []
        own: list[bool] = []
        held, base = b"", 0
        for block in self._source.blocks():
            held += block
            at = held.find(_KEY, _tail(held, block))
            while at >= 0:
                before = held[max(0, at - _OVERLAP) : at].split(b"\n")
                has_cell = bool(len(before) > _HEADER and self._is_counts(before[-2])) or not starts
                back = sum(len(line) + 1 for line in before[-_HEADER - 1 : -1]) if has_cell else 0
                starts.append(base + at - back)
                own.append(has_cell)
                at = held.find(_KEY, at + len(_KEY))
            cut = max(0, len(held) - _OVERLAP)
            held, base = held[cut:], base + cut
        if not starts:
            raise InputError(
                self._source.path,
                need="lines 'Direct configuration= ...'",
                got="none",
                remedy="write the XDATCAR with VASP 5.2 or newer",
            )
        return np.array(starts, np.int64), np.array(own, bool)

    def _is_counts(self, line: bytes) -> bool:
        words = line.split()
        return (
            bool(words)
            and all(word.isdigit() for word in words)
            and sum(map(int, words)) == len(self.symbols)
        )

    def _header(self, lines: list[bytes]) -> tuple[Floats, list[str], list[int]]:
        try:
            scale = float(lines[1].split()[0])
            cell = np.array([line.split()[:3] for line in lines[2:5]], dtype=np.float64)
            symbols = [word.decode().split("_")[0].split("/")[0] for word in lines[5].split()]
            counts = [int(word) for word in lines[6].split()]
            if len(symbols) != len(counts) or not all(re.fullmatch("[A-Z][a-z]?", name) for name in symbols):
                raise ValueError("symbols")
        except (ValueError, IndexError) as error:
            raise InputError(
                self._source.path,
                need="the header of an XDATCAR: comment, scale, three cell vectors, symbols, counts",
                got="something else",
                remedy="check the file; VASP 4 wrote no symbols: add the line above the counts",
            ) from error
        volume = abs(float(np.linalg.det(cell)))
        # A negative scale is the volume of the cell, as in a POSCAR.
        return cell * (scale if scale > 0 else (-scale / volume) ** (1 / 3)), symbols, counts


def _tail(held: bytes, block: bytes) -> int:
    """Where to search on, so that a key across two blocks is found, and none twice."""
    return max(0, len(held) - len(block) - len(_KEY) + 1)


def is_xdatcar(thing: Any) -> bool:
    """Tell an XDATCAR by its name, which often has no extension."""
    if not isinstance(thing, (str, os.PathLike)):
        return False
    name = os.path.basename(os.fspath(thing))
    return bool(
        re.fullmatch(r"(XDATCAR([-_.]?\w+)?|.*\.XDATCAR)(\.gz)?", name, re.IGNORECASE)
    ) and not re.search(r"\.(xyz|extxyz|traj|pdb|gro|dcd|xtc|trr|h5|nc|npz)(\.gz)?$", name, re.IGNORECASE)


class XDATCARParser(FileParser):
    """Topology of an XDATCAR: names, elements and types from its header, masses from the elements.

    Parameters
    ----------
    filename : str or path
        File.
    """

    format = "XDATCAR"
    _file = XdatcarFile

    @staticmethod
    def _format_hint(thing: Any) -> bool:
        return is_xdatcar(thing)


class XDATCARReader(FileReader):
    """Frames of an XDATCAR.

    Parameters
    ----------
    filename : str or path
        File.
    convert_units : bool, default True
        As in MDAnalysis; without it forces stay in eV/A.
    unwrap : bool, default False
        Undo the wrapping of positions into the cell, also after jumps in the trajectory.
    **kwargs
        ``dt`` and ``time_offset`` in ps, as in MDAnalysis.

    Notes
    -----
    The file does not say the time between its frames (POTIM times NBLOCK). Give it in ps:
    ``Universe("XDATCAR", dt=0.1)``; the default is MDAnalysis' own, 1 ps, with its warning. VASP wraps positions into
    the cell: with ``unwrap=True`` the reader undoes that.
    """

    format = "XDATCAR"
    _file = XdatcarFile

    @staticmethod
    def _format_hint(thing: Any) -> bool:
        return is_xdatcar(thing)
