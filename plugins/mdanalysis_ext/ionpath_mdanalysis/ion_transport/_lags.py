"""Lag times of a user as whole frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ionpath.arrays import Ints
from ionpath.errors import InputError


def lags_from_times(times: Sequence[float], frame_time: float, n_frames: int) -> Ints:
    """Nearest whole numbers of frames to lag times.

    >>> lags_from_times([0.5, 1.0], 0.1, 20).tolist()
    [5, 10]
    """
    lags = np.unique(np.rint(np.atleast_1d(np.asarray(times, dtype=np.float64)) / frame_time).astype(np.int64))
    longest = (n_frames - 1) * frame_time
    if lags.size == 0 or lags[0] < 0 or lags[-1] > n_frames - 1:
        need = f"lag times from 0 to {longest:g} ps, the length of the trajectory"
        got = ", ".join(f"{t:g}" for t in np.atleast_1d(times)) + " ps"
        raise InputError("lag_times", need=need, got=got, remedy="use shorter lag times or a longer trajectory")
    return lags
