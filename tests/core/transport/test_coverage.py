"""Shares of 95 % intervals that hold a known D: few ions, short runs, two speeds, strong blocking."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.transport import estimate_diffusion

BLOCKED = 0.0872
"""A^2 per step of the lattice gas below, from the slope between lags of 120 and 240 steps over 300 runs, +- 0.0004."""


def lattice_gas(seed, n=64, edge=5, n_frames=400, rate=0.2):
    """Ions that try to hop to a neighbouring site of a simple cubic lattice (2.5 A), which half of the time is full."""
    rng = np.random.default_rng(seed)
    position = np.stack(np.unravel_index(rng.choice(edge**3, n, replace=False), (edge,) * 3), axis=1)
    full = np.zeros((edge,) * 3, dtype=bool)
    full[tuple(position.T)] = True
    walk, frames = position.astype(float), np.empty((n_frames, n, 3))
    steps = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    for t in range(n_frames):
        for _ in range(rng.poisson(rate * n)):
            ion, step = rng.integers(n), steps[rng.integers(6)]
            target = (position[ion] + step) % edge
            if not full[tuple(target)]:
                full[tuple(position[ion])], full[tuple(target)] = False, True
                position[ion] = target
                walk[ion] += step
        frames[t] = walk
    return 2.5 * frames


def walks(seed, n, n_frames, scales):
    """Brownian ions, each with its own D (A^2/ps)."""
    steps = np.random.default_rng(seed).normal(size=(n_frames, n, 3))
    return (steps * np.sqrt(2.0 * np.resize(scales, n))[None, :, None]).cumsum(axis=0)


def shares(make, truth, n_sets):
    found = [estimate_diffusion(make(seed), 1.0) for seed in range(n_sets)]
    kept = [f for f in found if np.isfinite(f.coefficient.value)]
    held = np.mean([f.coefficient.low < truth < f.coefficient.high for f in kept])
    together = [f.collective for f in kept if np.isfinite(f.collective.value)]
    return (held, np.mean([c.low < truth < c.high for c in together]), np.mean([f.coefficient.value for f in kept]))


CASES = {
    "4 ions": (4, 200, [0.5]), "8 ions": (8, 200, [0.5]), "12 ions, short": (12, 100, [0.5]),
    "32 ions": (32, 200, [0.5]), "100 ions": (100, 400, [0.5]), "two speeds": (12, 200, [0.2, 0.8]),
}  # fmt: skip


@pytest.mark.parametrize("name", ["4 ions", "two speeds"])
def test_intervals_cover_in_few_sets(name):
    n, n_frames, scales = CASES[name]
    held, together, mean = shares(lambda seed: walks(seed, n, n_frames, scales), 0.5, 30)
    assert held >= 0.85 and together >= 0.8
    assert mean == pytest.approx(0.5, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_intervals_cover_in_many_sets(name):
    n, n_frames, scales = CASES[name]
    held, together, mean = shares(lambda seed: walks(seed, n, n_frames, scales), 0.5, 200)
    assert held >= 0.9 and 0.9 <= together <= 0.99
    assert mean == pytest.approx(0.5, rel=0.02)


@pytest.mark.slow
def test_blocking_does_not_raise_diffusion():
    """Half of the sites are full: hops back make early slopes too steep."""
    found = [estimate_diffusion(lattice_gas(seed), 1.0).coefficient for seed in range(200)]
    assert np.mean([f.value for f in found]) == pytest.approx(BLOCKED, rel=0.02)
    assert np.mean([f.low < BLOCKED < f.high for f in found]) >= 0.9
