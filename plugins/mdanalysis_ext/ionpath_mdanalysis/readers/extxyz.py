"""Extended XYZ, plain or gzip."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import numpy as np

from ionpath.errors import InputError, require
from ionpath_mdanalysis.readers.reader import FileParser, FileReader, Frame, TextFile, ends_within_a_number
from ionpath_mdanalysis.readers.source import BLOCK, ByteSource, has_suffix

COLUMNS = {
    "pos": "positions",
    "momenta": "momenta",
    "velocities": "velocities",
    "velo": "velocities",
    "vel": "velocities",
    "forces": "forces",
    "force": "forces",
}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some editors write before the first character of a text file."""
SHORTEST = 8
"""Bytes of the shortest line of an atom, ``H 0 0 0``."""


class ExtxyzFile(TextFile):
    """Frames of an extended XYZ file."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._source = ByteSource(path)
        self._n = self._count(self._source.read_at(0, 256).split(b"\n", 1)[0], 0)
        info, table = self._parse(self._first_frame(), 0)
        self._has_cell = "Lattice" in info
        self._species = self._species_of(info, table)
        self.symbols = self._symbols("Z" if "species" not in info["columns"] else "species")
        for key in {"masses", "mass"} & set(info["columns"]):
            self.masses = self._numbers(table[:, info["columns"][key]], 0, 1)[:, 0]

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def frame(self, index: int) -> Frame:
        """Read one frame."""
        start, end = int(self._offsets[index]), int(self._offsets[index + 1])
        text = self._source.read_at(start, end - start)
        if ends_within_a_number(text):
            raise self._damaged(
                index, "a last number as long as that above it", "a shorter one",
                "restore the file, which is cut off; if it is complete, add the end of its last line",
            )  # fmt: skip
        info, table = self._parse(text, index)
        if not np.array_equal(self._species_of(info, table), self._species):
            raise self._damaged(
                index, "the same atoms in the same order as in frame 0", "other symbols",
                "sort the atoms, or read each system from a file of its own",
            )  # fmt: skip
        at = info.pop("columns")
        arrays = {name: self._numbers(table[:, at[key]], index, 3) for key, name in COLUMNS.items() if key in at}
        if "momenta" in arrays:  # ASE's own, in its units
            from ase.data import atomic_masses, atomic_numbers
            from ase.units import fs

            usual = [atomic_masses[atomic_numbers[name]] for name in self.symbols]
            masses = np.asarray(usual if self.masses is None else self.masses)
            arrays["velocities"] = arrays.pop("momenta") / masses[:, None] * (1000.0 * fs)
        lattice = info.pop("Lattice", None)
        if (lattice is not None) != self._has_cell:
            raise self._damaged(index, "a Lattice as in frame 0", "one" if lattice is not None else "none")
        cell = None if lattice is None else self._numbers(lattice, index, 3).T
        return Frame(cell=cell, info=info, unknown_unit="momenta" not in at, **arrays)

    def _numbers(self, values: Any, index: int, width: int) -> Any:
        try:
            numbers = np.asarray(values).astype(np.float64)
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.shape[1:] != (width,) or not np.isfinite(numbers).all():
            raise self._damaged(index, f"finite numbers, {width} in each row", "something else")
        return numbers

    def _species_of(self, info: dict[str, Any], table: Any) -> Any:
        key = next((name for name in ("species", "Z") if name in info["columns"]), None)
        if key is None:
            raise InputError(self._source.path, need="a column species or Z", got="neither", remedy="add one")
        return table[:, info["columns"][key]][:, 0]

    def _symbols(self, key: str) -> Any:
        from ase.data import chemical_symbols

        words = np.char.decode(self._species, "ascii", "replace")
        known = {str(z) if key == "Z" else name: name for z, name in enumerate(chemical_symbols)}
        wrong = next((word for word in words.tolist() if word not in known), None)
        if wrong is not None:
            raise self._damaged(0, "chemical symbols or atomic numbers", wrong, "write those of the elements")
        return np.array([known[word] for word in words.tolist()])

    def _first_frame(self) -> bytes:
        """Read frame 0 without looking for the others."""
        if SHORTEST * self._n > self._source.most:
            raise self._damaged(0, f"{self._n} lines as its first line says", "a file that is too short")
        size = 128 * (self._n + 8)
        while True:
            text = self._source.read_at(0, size)
            lines = text.split(b"\n", self._n + 2)
            if len(lines) > self._n + 2 or len(text) < size:
                return b"\n".join(lines[: self._n + 2])
            size *= 4

    def _parse(self, text: bytes, index: int) -> tuple[dict[str, Any], Any]:
        """What the comment line of a frame says, where each column is, and the words of its table."""
        require("ase", purpose="reading extended XYZ files", install="pip install ase")
        from ase.io.extxyz import key_val_str_to_dict

        _, comment, body = (text.split(b"\n", 2) + [b"", b""])[:3]
        try:
            info = dict(key_val_str_to_dict(comment.decode()))
            # Keys of a comment line that is not extended XYZ, as CP2K's with its times in fs, are not read.
            info = info if {"Properties", "Lattice"} & set(info) else {}
            layout = str(info.pop("Properties", "species:S:1:pos:R:3")).split(":")
            edges = np.cumsum([0, *(int(width) for width in layout[2::3])])
            columns = {name: slice(edges[k], edges[k + 1]) for k, name in enumerate(layout[0::3])}
            info["columns"] = {**columns, "pos": columns["pos"]}
        except (ValueError, KeyError, IndexError, TypeError, SyntaxError) as error:
            raise self._damaged(
                index, "a comment line such as Lattice=... Properties=species:S:1:pos:R:3",
                repr(comment[:60].decode(errors="replace")),
            ) from error  # fmt: skip
        rows = [line.split() for line in body.splitlines()[: self._n]]
        wrong = next((k for k, words in enumerate(rows) if len(words) != edges[-1]), len(rows))
        if wrong < self._n:
            got = f"{len(rows[wrong])} words in line {wrong + 3}" if wrong < len(rows) else f"{wrong} lines"
            raise self._damaged(index, f"{self._n} lines of {edges[-1]} words as its Properties say", got)
        return info, np.array(rows)

    def _count(self, line: bytes, frame: int) -> int:
        line = line.removeprefix(BYTE_ORDER_MARK) if not frame else line
        if line.strip().isdigit() and len(line) < 20 and int(line):
            return int(line)
        raise self._damaged(
            frame, "the number of atoms in its first line", repr(line[:40].decode(errors="replace")),
            "check that this is an extended XYZ file that is complete",
        )  # fmt: skip

    @cached_property
    def _offsets(self) -> np.ndarray[Any, Any]:
        """Offsets of the frames and of the end: every (n + 2)th line starts one."""
        starts: list[int] = []
        lines, base, rest, period = 0, 0, b"", self._n + 2
        blocks = self._source.blocks()
        for block in blocks:
            held = rest + block
            ends = np.flatnonzero(np.frombuffer(held, np.uint8) == 10)
            begins = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
            for k in range(-lines % period, len(ends), period):
                line = held[begins[k] : ends[k]]
                if not line.strip() and not held[begins[k] :].strip() and not any(map(bytes.strip, blocks)):
                    return np.array([*starts, base + int(begins[k])], np.int64)
                self._check_count(line, len(starts))
                starts.append(base + int(begins[k]))
            cut = int(ends[-1]) + 1 if len(ends) else 0
            lines, base, rest = lines + len(ends), base + cut, held[cut:]
            if len(rest) > BLOCK:
                raise self._damaged(len(starts), "lines of text", f"{len(rest)} bytes without an end of line")
        if rest.strip():  # the last line has no end
            if not lines % period:
                starts.append(base)
            lines += 1
        if lines != period * len(starts):
            raise self._damaged(
                len(starts) - 1, f"{period} lines", f"{lines % period}, a file that is cut off",
                "remove the lines of the last frame, or restore the file",
            )  # fmt: skip
        return np.array([*starts, base + len(rest)], np.int64)

    def _check_count(self, line: bytes, frame: int) -> None:
        if self._count(line, frame) != self._n:
            raise self._damaged(
                frame, f"{self._n} atoms as in frame 0", f"{int(line)}",
                "a trajectory has one system: write each system to a file of its own",
            )  # fmt: skip


class ExtxyzParser(FileParser):
    """Topology of an extended XYZ file."""

    format = "EXTXYZ"
    _file = ExtxyzFile

    @staticmethod
    def _format_hint(thing: Any) -> bool:
        return has_suffix(thing, "extxyz") and ExtxyzParser.is_sound(thing)


class ExtxyzReader(FileReader):
    """Frames of an extended XYZ file.

    The time of a frame is the key ``time`` (or ``time_ps``) in ps, or ``time_fs``, of its comment line; ``Time`` needs
    ``time_unit="fs"`` or ``"ps"``. Without a time, pass ``dt``. ``momenta`` are ASE's; other velocities are read if
    ``time_unit`` says their unit. What else the comment line says is in ``ts.data["info"]``.
    """

    format = "EXTXYZ"
    _file = ExtxyzFile
