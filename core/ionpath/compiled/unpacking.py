"""Coordinates that are packed into bits of changing width, as in XTC files: where do they end?"""

from __future__ import annotations

from typing import Any


def packed_end(data: Any, n: int, large: int, small: int) -> int:
    """Number of bytes that `n` packed positions take in a frame of XTC; -1 where the bits are none of such a frame.

    A position takes `large` bits; a bit behind it says whether five follow, of the number of positions that follow as
    small steps, and of whether these take more or fewer bits than the `small` of the last. Written after the format
    in xdrfile (GROMACS); the reader itself writes beyond its memory where the bits are wrong.
    """
    end = 8 * len(data)
    at, i, run = 0, 0, 0
    while i < n:
        at += large + 1
        i += 1
        if at > end:
            return -1
        change = 0
        if data[(at - 1) >> 3] >> (7 - ((at - 1) & 7)) & 1:
            code = 0
            for _ in range(5):
                if at >= end:
                    return -1
                code = 2 * code + (data[at >> 3] >> (7 - (at & 7)) & 1)
                at += 1
            change = code % 3 - 1
            run = code // 3
        at += run * small
        i += run
        small += change
        if small < 9 or small > 72:
            return -1
    return (at + 7) // 8 if i == n and at <= end else -1
