"""Loops that NumPy cannot fuse, compiled by numba: pairs and phases, cells, cycles, sites and moves of ions,
windows of runs, walks.

numba is optional (``pip install "ionpath[fast]"``): `kernels` is None without it, and the callers then take the slow
road that is their definition in the tests. Compiled code is cached beside these files, or in the user's cache.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from ionpath.compiled import (
    cycles,
    displacements,
    following,
    pairs,
    power_cells,
    twelve_states,
    unpacking,
    walks,
    windows,
)


@cache
def kernels() -> Any | None:
    """The compiled functions, made at first use (a second; then from the cache); None without numba."""
    try:
        numba = importlib.import_module("numba")
    except ImportError:
        return None
    importlib.import_module("numba.extending")
    return _compile(numba)


def _compile(numba: Any) -> Any:
    njit = numba.njit
    # Sums may be taken in another order, which is what lets them run in vectors; nothing else is relaxed.
    reordered = {"reassoc", "contract", "nsz"}
    for helper in (*cycles.HELPERS, *power_cells.HELPERS, *displacements.HELPERS):
        numba.extending.register_jitable(helper)

    class Kernels:
        pair_histogram = staticmethod(njit(cache=True, nogil=True)(pairs.pair_histogram))
        density_mode_sums = staticmethod(njit(cache=True, nogil=True, fastmath=reordered)(pairs.density_mode_sums))
        power_cell_kernel = staticmethod(njit(cache=True, nogil=True)(power_cells.power_cell_kernel))
        common_shift_kernel = staticmethod(njit(cache=True, nogil=True)(following.common_shift_kernel))
        follow_sites = staticmethod(njit(cache=True, nogil=True)(following.follow_sites))
        continue_path = staticmethod(njit(cache=True, nogil=True)(displacements.continue_path))
        add_squares = staticmethod(njit(cache=True, nogil=True)(displacements.add_squares))
        add_powers = staticmethod(njit(cache=True, nogil=True)(displacements.add_powers))
        ring_pairs = staticmethod(njit(cache=True, nogil=True)(cycles.ring_pairs))
        shortest_cycles = staticmethod(njit(cache=True, nogil=True)(cycles.shortest_cycles))
        twelve_states = staticmethod(njit(cache=True, nogil=True)(twelve_states.twelve_states))
        count_windows = staticmethod(njit(cache=True, nogil=True)(windows.count_windows))
        packed_end = staticmethod(njit(cache=True, nogil=True)(unpacking.packed_end))
        walk_entropies = staticmethod(njit(cache=True, nogil=True)(walks.walk_entropies))

    return Kernels
