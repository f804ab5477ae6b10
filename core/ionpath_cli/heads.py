"""What a file claims in its head against what it holds, before and after a host opens it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from ionpath.errors import InputError

LEAST = {"gro": 40.0, "xyz": 8.0, "xtc": 0.05, "trr": 12.0, "dcd": 12.0}
"""Bytes that a file has for each atom at least."""


def check_claim(path: Path) -> None:
    """Refuse a file that claims more atoms than it can hold: a host would fill the memory for them."""
    from ionpath_mdanalysis.readers.source import ByteSource

    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind not in LEAST or not path.is_file() or path.stat().st_size < 3:
        return
    with open(path, "rb") as file:
        if file.read(3) == b"BZh":
            return
    source = ByteSource(path)
    try:
        claimed = _claimed(kind, source.read_at(0, 2**16))
    finally:
        source.close()
    if claimed is None or claimed < 0 or claimed * LEAST[kind] > source.most:
        got = "no number" if claimed is None else f"{claimed} in a file of {path.stat().st_size} bytes"
        remedy = "restore the file, or name its format with --format"
        raise InputError(str(path), need="a number of atoms that the file has room for", got=got, remedy=remedy)


def _claimed(kind: str, head: bytes) -> int | None:
    """Number of atoms that the head of a file claims."""
    lines = head.split(b"\n", 2)
    try:
        if kind == "gro":
            return int(lines[1])
        if kind == "xyz":
            return int(lines[0])
        if kind in ("xtc", "trr"):
            return int(struct.unpack(">i", head[4:8] if kind == "xtc" else head[64:68])[0])
        return _dcd(head)[1]
    except (ValueError, IndexError, struct.error):
        return None


def _dcd(head: bytes) -> tuple[tuple[int, ...], int, int]:
    """Control numbers, number of atoms and length of the title of a DCD file, by its head."""
    order = "<" if head[:4] == struct.pack("<i", 84) else ">"
    title = int(struct.unpack(f"{order}i", head[92:96])[0])
    n_atoms = int(struct.unpack(f"{order}i", head[104 + title : 108 + title])[0])
    return struct.unpack(f"{order}20i", head[8:88]), n_atoms, title


def check_end(trajectory: Any, path: Path, stop: int | None) -> None:
    """Refuse a DCD file that ends within a frame: its reader leaves out the rest without a word."""
    whole = len(trajectory)
    if trajectory.format != "DCD" or (stop is not None and 0 <= stop <= whole):
        return
    with open(path, "rb") as file:
        claimed, rest = _rest(file.read(2**16), path.stat().st_size)
    if rest or claimed > whole:
        need = "whole frames" if rest else f"{claimed} frames as its head says"
        got = f"{whole} of them and {rest} bytes more" if rest else str(whole)
        remedy = f"copy the file again, or read its whole frames with --stop {whole}"
        raise InputError(str(path), need=need, got=got, remedy=remedy)


def _rest(head: bytes, size: int) -> tuple[int, int]:
    """Frames that a DCD file claims, and the bytes behind its last whole frame; none where some atoms are fixed."""
    control, n, title = _dcd(head)
    charmm, fixed = control[19] != 0, control[8]
    if fixed:
        return 0, 0
    frame = (3 + bool(charmm and control[11])) * (4 * n + 8) + 56 * bool(charmm and control[10])
    return control[0], (size - 112 - title) % frame
