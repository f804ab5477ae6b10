"""Whether coordinates were wrapped is told from where ions are."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.periodic import wrap
from ionpath.transport.wrapping import Follower, is_wrapped


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


CELLS = {
    "rectangular": np.diag([7.0, 9.0, 11.0]),
    "sheared": np.array([[8.0, 0.0, 0.0], [3.9, 8.0, 0.0], [-3.5, 4.1, 8.0]]),
    "far from reduced": np.array([[8.0, 0.0, 0.0], [17.0, 8.0, 0.0], [-11.0, 25.0, 8.0]]),
}


@pytest.mark.parametrize("breathing", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_the_compiled_loop_follows_as_numpy_does(name, breathing, monkeypatch):
    """Walks in A with steps up to half of the cell, wrapped, that drift: path, crossings and doubtful steps."""
    rng = np.random.default_rng(5)
    drift = np.cumsum(rng.normal(0.0, 0.1, (90, 3)), axis=0)
    walk = np.cumsum(rng.normal(0.0, 1.1, (90, 40, 3)), axis=0) + drift[:, None]
    scale = 1.0 + 0.01 * breathing * rng.normal(size=(90, 1, 1))
    cells = CELLS[name] * scale
    wrapped = wrap(walk * scale, cells).astype(np.float32)

    def follow():
        follower = Follower()
        parts = [follower(wrapped[a:b], cells[a:b], drift[a:b]) for a, b in ((0, 1), (1, 50), (50, 90))]
        return np.concatenate(parts), follower

    path, ours = follow()
    monkeypatch.setattr("ionpath.transport.wrapping.kernels", lambda: None)
    plain, twin = follow()
    np.testing.assert_allclose(path, plain, atol=1e-9)  # A
    assert ours.counts.tolist() == twin.counts.tolist()
    assert twin.counts[1] > 100 and twin.counts[2] > 0
    for mine, theirs in zip(ours.last, twin.last, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    np.testing.assert_allclose(ours.end, twin.end, atol=1e-9)
