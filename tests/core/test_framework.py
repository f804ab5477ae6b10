"""The common displacement of a framework: the compiled loop against the definition in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath import framework


@pytest.mark.parametrize("near", [True, False])
def test_common_shift_is_the_displacement_of_all(near: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Atoms that jump by whole cells, in cells that change; far from the first atom, the circular mean decides."""
    rng = np.random.default_rng(0)
    cell = np.array([[12.0, 0, 0], [3.0, 11.0, 0], [-2.0, 1.0, 13.0]])
    cells = cell * (1 + 0.01 * rng.normal(size=(20, 1, 1)))
    start, weights = rng.random((40, 3)), rng.random(40)
    weights /= weights.sum()
    known = rng.normal(size=(20, 1, 3))
    places = start + 0.01 * rng.normal(size=(20, 40, 3)) + known + rng.integers(-2, 3, (20, 40, 3))
    if not near:
        places[:, 0] += 0.4
    positions = np.einsum("tmi,tij->tmj", places, cells)
    found = framework.common_shift(positions.astype(np.float32), cells, start, weights)
    monkeypatch.setattr(framework, "kernels", lambda: None)
    twin = framework.common_shift(positions.astype(np.float32), cells, start, weights)
    apart = found - twin
    np.testing.assert_allclose(apart - np.rint(apart), 0.0, atol=1e-12)
    off = found - known[:, 0]
    assert np.abs(off - np.rint(off)).max() < (0.01 if near else 0.05)
