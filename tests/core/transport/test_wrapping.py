"""Whether coordinates were wrapped is told from where ions are."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.transport.wrapping import is_wrapped


@pytest.mark.parametrize("origin", [0.0, -0.5, "each its own"])
def test_wrapped_walks_are_told_from_unwrapped_ones(origin: float | str) -> None:
    rng = np.random.default_rng(3)
    walk = np.cumsum(rng.normal(0.0, 0.5, (400, 12, 3)), axis=0) + rng.uniform(0.0, 10.0, (12, 3))
    cells = np.broadcast_to(np.eye(3) * 10.0, (400, 3, 3))
    wrapped = walk % 10.0
    if origin == "each its own":  # as some programs write it: every second ion in [-L, 0)
        wrapped[:, ::2] -= 10.0
    elif origin:
        wrapped = (walk + 5.0) % 10.0 - 5.0
    assert is_wrapped(wrapped, cells)
    assert not is_wrapped(walk, cells)
