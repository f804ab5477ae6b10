"""DCD files, of which MDAnalysis leaves out what is behind the last whole frame, without a word."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from ionpath.errors import InputError


def dcd_head(head: bytes) -> tuple[tuple[int, ...], int, int]:
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
        remedy = f"copy the file again, or read its whole frames with stop={whole}"
        raise InputError(str(path), need=need, got=got, remedy=remedy)


def _rest(head: bytes, size: int) -> tuple[int, int]:
    """Frames that a DCD file claims, and the bytes behind its last whole frame; none where some atoms are fixed."""
    control, n, title = dcd_head(head)
    charmm, fixed = control[19] != 0, control[8]
    if fixed:
        return 0, 0
    frame = (3 + bool(charmm and control[11])) * (4 * n + 8) + 56 * bool(charmm and control[10])
    return control[0], (size - 112 - title) % frame
