"""Cores that this process may use, and threads of what runs on them side by side."""

from __future__ import annotations

import os


def cores() -> int:
    """How many there are, as the system has them for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def threads_each(processes: int) -> dict[str, str]:
    """Threads of each of several processes side by side, as an environment; what the user has set stays.

    Deep Potentials take a thread for every core otherwise, and together are slower than with one each.
    """
    return {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(max(1, cores() // processes))}
