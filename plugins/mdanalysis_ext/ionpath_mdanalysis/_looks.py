"""Frames that are looked at before a run: where it begins, and whether its coordinates are wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.transport.wrapping import is_wrapped
from ionpath_mdanalysis._frames import cell_vectors


def look_at(analysis: Any, number: int) -> dict[str, Any]:
    """Number, time, cell and positions of all groups of one frame of a run."""
    ts = analysis._sliced_trajectory[number]
    dimensions = np.full(6, np.nan) if ts.dimensions is None else ts.dimensions
    seen: dict[str, Any] = {"frame": ts.frame, "time": ts.time}
    seen["cell"] = cell_vectors(np.asarray(dimensions, dtype=np.float64)[None])[0]
    return seen | {name: ts.positions[g.ix].astype(np.float64) for name, g in analysis.groups.items()}


def needs_folding(looks: Sequence[dict[str, Any]], mobile: str, framework: str | None) -> bool:
    """Whether steps of ions are to be folded into the cell, told from frames that were looked at."""
    if not all(np.isfinite(look["cell"]).all() and np.linalg.det(look["cell"]) > 0 for look in looks):
        return True  # a frame without a cell is refused when its turn comes
    ions, cells = (np.array([look[name] for look in looks]) for name in (mobile, "cell"))
    return is_wrapped(ions, cells, None if framework is None else np.array([look[framework] for look in looks]))
