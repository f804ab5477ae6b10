"""Cores that this process may use, and threads of what runs on them side by side."""

from __future__ import annotations

import os


def cores() -> int:
    """How many there are, as the system has them for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def threads_each(processes: int) -> dict[str, str]:
    """Threads of each of several processes side by side, as an environment: as many as are asked for, or fewer.

    Deep Potentials take a thread for every core otherwise, and together are slower than with one each.
    """
    asked, share = os.environ.get("OMP_NUM_THREADS", ""), max(1, cores() // processes)
    return {"OMP_NUM_THREADS": str(min(int(asked), share) if asked.isdigit() and int(asked) else share)}
