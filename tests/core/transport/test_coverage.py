"""Shares of 95 % intervals that hold a known D: few ions, short runs, two speeds, strong blocking."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.transport import estimate_diffusion

BLOCKED = 0.0872
"""A^2 per step of the lattice gas below, from the slope between lags of 120 and 240 steps over 300 runs, +- 0.0004."""


CUBIC = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
FACES = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [1, 0, -1], [0, 1, -1]])
"""Half of the neighbours of a site of the fcc lattice, in its primitive vectors."""
CELL = 2.5 * np.eye(3)
LATTICES = {
    "fcc, half full": (np.concatenate([FACES, -FACES]), 2.5 / np.sqrt(2) * (1 - np.eye(3)), 62, 0.0977),
    "triclinic, half full": (CUBIC, np.array([[2.5, 0, 0], [0.9, 2.8, 0], [-0.7, 0.6, 3.4]]), 62, 0.1307),
    "cubic, three quarters full": (CUBIC, CELL, 94, 0.0395),
}
"""Steps in lattice vectors, lattice vectors in A, ions on 125 sites, and A^2 per step from the slope between lags of
120 and 240 steps over 60 runs of 6,000 steps, +- 0.0003, 0.0004, 0.0001."""


def lattice_gas(seed, n=64, edge=5, n_frames=400, rate=0.2, steps=CUBIC, cell=CELL):
    """Ions that try to hop to a neighbouring site of a lattice, which half of the time is full."""
    rng = np.random.default_rng(seed)
    position = np.stack(np.unravel_index(rng.choice(edge**3, n, replace=False), (edge,) * 3), axis=1)
    full = np.zeros((edge,) * 3, dtype=bool)
    full[tuple(position.T)] = True
    walk, frames = position.astype(float), np.empty((n_frames, n, 3))
    for t in range(n_frames):
        for _ in range(rng.poisson(rate * n)):
            ion, step = rng.integers(n), steps[rng.integers(len(steps))]
            target = (position[ion] + step) % edge
            if not full[tuple(target)]:
                full[tuple(position[ion])], full[tuple(target)] = False, True
                position[ion] = target
                walk[ion] += step
        frames[t] = walk
    return frames @ cell


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


@pytest.mark.slow
@pytest.mark.parametrize("name", LATTICES)
def test_intervals_cover_on_other_lattices(name):
    steps, cell, n, truth = LATTICES[name]
    # Currents of an exclusion process have no memory: D of charge is that of free ions times the part of empty sites.
    charge = 0.2 * ((steps @ cell) ** 2).sum(axis=1).mean() / 6 * (1 - (n - 1) / 124)
    found = [estimate_diffusion(lattice_gas(seed, n, steps=steps, cell=cell), 1.0) for seed in range(200)]
    mean = np.mean([f.coefficient.value for f in found])
    held = {}
    for key, value in (("coefficient", truth), ("collective", charge), ("haven_ratio", truth / charge)):
        known = [e for e in (getattr(f, key) for f in found) if np.isfinite(e.value)]
        assert len(known) >= 180
        held[key] = np.mean([e.low < value < e.high for e in known])
    print(f"{name}: {held}, mean {mean / truth:.3f} of D")
    assert min(held.values()) >= 0.9
    assert mean == pytest.approx(truth, rel=0.03)
