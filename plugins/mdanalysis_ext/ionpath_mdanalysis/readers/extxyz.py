"""Extended XYZ, plain or gzip."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import numpy as np

from ionpath.errors import InputError, require
from ionpath_mdanalysis.readers.reader import FileParser, FileReader
from ionpath_mdanalysis.readers.source import ByteSource, Frame, FrameFile

_TIMES = {"time": 1.0, "Time": 1.0, "time_ps": 1.0, "time_fs": 1e-3}
"""Keys that carry the time, and their unit in ps. The format fixes no unit; ionpath writes ``time`` in ps."""
_COLUMNS = {
    "velocities": "velocities",
    "velo": "velocities",
    "vel": "velocities",
    "forces": "forces",
    "force": "forces",
}


class ExtxyzFile(FrameFile):
    """Frames of an extended XYZ file.

    Parameters
    ----------
    path : str or path
        File.

    Raises
    ------
    InputError
        If it is no extended XYZ file, the number of atoms changes, or it is cut off.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._source = ByteSource(path)
        first = self._source.read_at(0, 256).split(b"\n", 1)[0]
        self._n = self._count(first, 0)
        info, columns = self._parse(self._first_frame(), 0)
        self.symbols = self._symbols(info, columns)
        if "masses" in info["columns"] or "mass" in info["columns"]:
            key = "masses" if "masses" in info["columns"] else "mass"
            self.masses = columns[:, info["columns"][key]].astype(np.float64)[:, 0]

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @cached_property
    def _offsets(self) -> np.ndarray[Any, Any]:
        return self._index()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def frame(self, index: int) -> Frame:
        """Read one frame."""
        start, end = int(self._offsets[index]), int(self._offsets[index + 1])
        info, table = self._parse(self._source.read_at(start, end - start), index)
        if not np.array_equal(self._symbols(info, table), self.symbols):
            raise InputError(
                f"{self._source.path}, frame {index}",
                need="the same atoms in the same order as in frame 0",
                got="other symbols",
                remedy="sort the atoms, or read each system from a file of its own",
            )
        at = info.pop("columns")
        arrays = {
            name: table[:, at[key]].astype(np.float64)
            for key, name in {"pos": "positions", **_COLUMNS}.items()
            if key in at
        }
        time = next((float(info[key]) * unit for key, unit in _TIMES.items() if key in info), None)
        lattice = info.pop("Lattice", None)
        cell = None if lattice is None else np.asarray(lattice, np.float64).T
        return Frame(cell=cell, time=time, data={"info": info}, **arrays)

    def _symbols(self, info: dict[str, Any], table: Any) -> Any:
        key = next((name for name in ("species", "Z") if name in info["columns"]), None)
        if key is None:
            raise InputError(self._source.path, need="a column species or Z", got="neither", remedy="add one")
        values = table[:, info["columns"][key]][:, 0]
        if key == "species":
            return values.astype(str)
        from ase.data import chemical_symbols

        return np.array(chemical_symbols)[values.astype(int)]

    def _first_frame(self) -> bytes:
        """Read frame 0 without looking for the others."""
        size = 128 * (self._n + 8)
        while True:
            text = self._source.read_at(0, size)
            lines = text.split(b"\n", self._n + 2)
            if len(lines) > self._n + 2 or len(text) < size:
                return b"\n".join(lines[: self._n + 2])
            size *= 4

    def _parse(self, text: bytes, index: int) -> tuple[dict[str, Any], Any]:
        require("ase", purpose="reading extended XYZ files", install="pip install ase")
        from ase.io.extxyz import key_val_str_to_dict

        _, comment, body = (text.split(b"\n", 2) + [b"", b""])[:3]
        info = key_val_str_to_dict(comment.decode())
        layout = str(info.pop("Properties", "species:S:1:pos:R:3")).split(":")
        widths = [int(width) for width in layout[2::3]]
        edges = np.concatenate([[0], np.cumsum(widths)])
        info["columns"] = {
            name: slice(int(edges[i]), int(edges[i + 1])) for i, name in enumerate(layout[0::3])
        }
        words = np.array(body.split())
        if len(words) != self._n * int(edges[-1]) or "pos" not in info["columns"]:
            raise InputError(
                f"{self._source.path}, frame {index}",
                need=f"{self._n} lines of {edges[-1]} words as its Properties say, positions among them",
                got=f"{len(words)} words",
                remedy="restore the file; extended XYZ has 'Lattice=... Properties=...' in each second line",
            )
        return info, words.reshape(self._n, -1)

    def _count(self, line: bytes, frame: int) -> int:
        try:
            return int(line)
        except ValueError as error:
            raise InputError(
                f"{self._source.path}, frame {frame}",
                need="the number of atoms in its first line",
                got=repr(line[:40].decode(errors="replace")),
                remedy="check that this is an extended XYZ file that is complete",
            ) from error

    def _index(self) -> np.ndarray[Any, Any]:
        """Offsets of the frames and of the end: every (n + 2)th line starts one."""
        starts: list[int] = []
        lines, base, rest = 0, 0, b""
        for block in self._source.blocks():
            held = rest + block
            ends = np.flatnonzero(np.frombuffer(held, np.uint8) == 10)
            begins = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
            for k in range(-lines % (self._n + 2), len(ends), self._n + 2):
                self._check_count(held[begins[k] : ends[k]], len(starts))
                starts.append(base + int(begins[k]))
            cut = int(ends[-1]) + 1 if len(ends) else 0
            lines, base, rest = lines + len(ends), base + cut, held[cut:]
        lines += bool(rest.strip())
        if lines % (self._n + 2):
            starts = self._without_blank_end(starts, base + len(rest), lines)
        return np.array([*starts, base + len(rest)], np.int64)

    def _check_count(self, line: bytes, frame: int) -> None:
        if line.strip() and self._count(line, frame) != self._n:
            raise InputError(
                f"{self._source.path}, frame {frame}",
                need=f"{self._n} atoms as in frame 0",
                got=f"{int(line)}",
                remedy="a trajectory has one system: write each system to a file of its own",
            )

    def _without_blank_end(self, starts: list[int], end: int, lines: int) -> list[int]:
        if self._source.read_at(starts[-1], end - starts[-1]).strip():
            raise InputError(
                f"{self._source.path}, frame {len(starts) - 1}",
                need=f"{self._n + 2} lines",
                got=f"{lines % (self._n + 2)}, a file that is cut off",
                remedy="remove the lines of the last frame, or restore the file",
            )
        return starts[:-1]


class ExtxyzParser(FileParser):
    """Topology of an extended XYZ file: names, elements, types and masses from its first frame.

    Parameters
    ----------
    filename : str or path
        File.
    """

    format = "EXTXYZ"
    _file = ExtxyzFile


class ExtxyzReader(FileReader):
    """Frames of an extended XYZ file.

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
    The time of a frame is taken from the key ``time`` (or ``Time``, ``time_ps``) in ps or ``time_fs`` in fs of its
    comment line; without one give ``dt`` in ps: ``Universe("x.extxyz", dt=0.1)``. Scalars of the comment line are in
    ``ts.data["info"]`` as they are in the file.
    """

    format = "EXTXYZ"
    _file = ExtxyzFile
