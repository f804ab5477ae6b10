"""XTC and TRR files, which MDAnalysis reads up to the first damage, without a word: are their frames whole?"""

from __future__ import annotations

import functools
import math
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np

from ionpath.compiled import kernels, unpacking
from ionpath.errors import InputError

XTC, TRR = 1995, 1993
"""Numbers at the beginning of a frame."""
LARGE = 4_000_000
"""Bytes of a file from which on half a second for compiled code is gained again."""
MARK = struct.pack(">ii12s", 13, 12, b"GMX_trn_file")
"""What stands behind it in a TRR file."""


def check_frames(path: str | os.PathLike[str], stop: int | None = None) -> None:
    """Refuse an XTC or TRR file whose frames do not follow each other to its end; those behind `stop` may be damaged.

    InputError with the first frame that is not whole.
    """
    status = os.stat(path)
    if error := _checked(Path(path), status.st_size, status.st_mtime_ns, stop):
        raise error


@functools.lru_cache(maxsize=64)
def _checked(path: Path, size: int, written: int, stop: int | None) -> InputError | None:
    """What is wrong with a file that was last written at a time in ns."""
    compiled = kernels() if size > LARGE else None
    end_of = unpacking.packed_end if compiled is None else _compiled
    with path.open("rb") as file:
        start = number = 0
        first: tuple[float, ...] | None = None
        while start < size and number != stop:
            head = os.pread(file.fileno(), 176, start)
            try:
                is_xtc = head[:4] == struct.pack(">i", XTC)
                end, same = (_xtc if is_xtc else _trr)(head, start)
                if is_xtc and end <= size:
                    _check_packed(head, os.pread(file.fileno(), end - start - 92, start + 92), end_of)
                if end > size or (first and same != first):
                    raise ValueError("one that is cut off" if end > size else "one of another kind than frame 0")
            except (ValueError, struct.error) as error:
                got = "one that is cut off" if isinstance(error, struct.error) else str(error)
                return _error(path, number, start, got)
            start, number, first = end, number + 1, first or same
    return None


def _error(path: Path, number: int, start: int, got: str) -> InputError:
    kept = f"keep its whole frames: head -c {start} {path} > whole{path.suffix}"
    if "cut off" in got:
        kept = f"read its whole frames with stop={number}"
    return InputError(
        f"{path}, frame {number}", need="a whole frame", got=got,
        remedy="copy the file again" + f", or {kept}" * (number > 0),
    )  # fmt: skip


def _xtc(head: bytes, start: int) -> tuple[int, tuple[float, ...]]:
    """Where a frame of XTC ends, and what is the same in all frames: atoms, and steps of coordinates per nm."""
    n, again = struct.unpack_from(">i", head, 4)[0], struct.unpack_from(">i", head, 52)[0]
    if n != again or n < 1:
        _damaged(f"{n} and {again} atoms")
    if n <= 9:  # not compressed
        return start + 56 + 12 * n, (XTC, n)
    precision, low, high, bits, held = *struct.unpack_from(">f", head, 56), *_box(head)
    room = 4 * (3 * n * 6 // 5 - 3)  # what its reader has, which does not look
    if not precision > 0 or not 8 < bits < 73 or not 0 <= held <= room or any(map(int.__gt__, low, high)):
        _damaged("coordinates that cannot be unpacked")
    return start + 92 + -4 * (-held // 4), (XTC, n, precision)


def _check_packed(head: bytes, data: bytes, end_of: Callable[..., int]) -> None:
    """Refuse coordinates whose bits do not end where they should."""
    n = struct.unpack_from(">i", head, 52)[0]
    if n <= 9:
        return
    low, high, small, held = _box(head)
    sizes = [b - a + 1 for a, b in zip(low, high, strict=True)]
    wide = max(sizes) > 0xFFFFFF  # each number by itself
    large = sum(one.bit_length() for one in sizes) if wide else math.prod(sizes).bit_length()
    if end_of(data[:held], n, large, small) != held:
        _damaged("coordinates that cannot be unpacked")


def _compiled(data: bytes, *sizes: int) -> int:
    return int(kernels().packed_end(np.frombuffer(data, np.uint8), *sizes))  # type: ignore[union-attr]


def _box(head: bytes) -> tuple[tuple[int, ...], tuple[int, ...], int, int]:
    """Smallest and largest coordinates of a frame of XTC, the code of small steps, and bytes."""
    found = struct.unpack_from(">8i", head, 60)
    return found[:3], found[3:6], found[6], found[7]


def _trr(head: bytes, start: int) -> tuple[int, tuple[float, ...]]:
    """Where a frame of TRR ends, and its number of atoms."""
    if head[:4] != struct.pack(">i", TRR)[: len(head)] or head[4:24] != MARK[: len(head) - 4]:
        _damaged("something else")
    *sizes, n, _, _ = struct.unpack_from(">13i", head, 24)
    real = sizes[2] // 9 or next((size // (3 * n) for size in sizes[7:10] if size), 4) if n > 0 else 0
    allowed = [0, 0, 9 * real, 9 * real, 9 * real, 0, 0, *[3 * n * real] * 3]
    if real not in (4, 8) or any(size not in (0, most) for size, most in zip(sizes, allowed, strict=True)):
        _damaged("sizes that do not fit each other")
    return start + 76 + 2 * real + sum(sizes), (TRR, n)


def _damaged(got: str) -> NoReturn:
    raise ValueError(f"a damaged one: {got}")
