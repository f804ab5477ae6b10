"""Pairs of states at both ends of sliding windows, counted along runs."""

from __future__ import annotations

from typing import Any


def count_windows(
    begin: Any, start: Any, state: Any, shell: Any, visited: bool, external: bool, n_frames: int, lag: int, edges: Any,
    counts: Any, totals: Any,
) -> None:  # fmt: skip
    """Add the windows of each ion and block to counts (n_ions * n_blocks, n_states, n_states).

    Ion k has the runs begin[k] to begin[k + 1], with their first frames, states and shells; windows are `lag` frames
    long, and those that begin at edges[b] or later are in block b. With `visited` a window whose ends are in one shell
    counts there, any other as one that leaves a shell and one that arrives in another, and `totals` takes the number of
    windows; without it, a negative state is left out.
    """
    n_blocks, windows = len(edges) - 1, n_frames - lag
    for ion in range(len(begin) - 1):
        end = begin[ion + 1]
        first = last = begin[ion]
        while last + 1 < end and start[last + 1] <= lag:
            last += 1
        t = block = 0
        while t < windows:
            # Nothing changes until a run starts at one of the ends, or the next block does.
            while block + 1 < n_blocks and edges[block + 1] <= t:
                block += 1
            following = windows if block + 1 == n_blocks else min(windows, edges[block + 1])
            if first + 1 < end:
                following = min(following, start[first + 1])
            if last + 1 < end:
                following = min(following, start[last + 1] - lag)
            weight, unit = following - t, ion * n_blocks + block
            i, j, here, there = state[first], state[last], shell[first], shell[last]
            if not visited:
                if i >= 0 and j >= 0:
                    counts[unit, i, j] += weight
            elif external or (here >= 0 and there >= 0):
                totals[unit] += weight
                if here == there and here >= 0:
                    counts[unit, i, j] += weight
                else:
                    if here >= 0:
                        counts[unit, i, 0] += weight
                    if there >= 0:
                        counts[unit, 0, j] += weight
            t = following
            if first + 1 < end and start[first + 1] == t:
                first += 1
            if last + 1 < end and start[last + 1] - lag == t:
                last += 1
