"""Shares of 95 % intervals that hold a known D: few ions, short runs, two speeds, strong blocking."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.periodic import unwrap, wrap
from ionpath.transport import estimate_diffusion

FRESH = 2_000_000
"""First seed of the sets that are counted: no rule was chosen on them."""
BLOCKED = 0.0870
"""A^2 per step of the lattice gas below: slope between lags of 120 and 240, 100 runs of 6,000 steps, +- 0.0002."""


CUBIC = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
FACES = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [1, 0, -1], [0, 1, -1]])
"""Half of the neighbours of a site of the fcc lattice, in its primitive vectors."""
CELL = 2.5 * np.eye(3)
LATTICES = {
    "fcc, half full": (np.concatenate([FACES, -FACES]), 2.5 / np.sqrt(2) * (1 - np.eye(3)), 62, 0.0970),
    "fcc, three quarters full": (np.concatenate([FACES, -FACES]), 2.5 / np.sqrt(2) * (1 - np.eye(3)), 94, 0.0448),
    "triclinic, half full": (CUBIC, np.array([[2.5, 0, 0], [0.9, 2.8, 0], [-0.7, 0.6, 3.4]]), 62, 0.1314),
    "cubic, three quarters full": (CUBIC, CELL, 94, 0.0395),
}
"""Steps in lattice vectors, lattice vectors in A, ions on 125 sites, and A^2 per step from the slope between lags of
120 and 240 steps over 100 runs or more of 6,000 steps, +- 0.0002, 0.0001, 0.0003, 0.0001."""


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


def breathing(seed, n, n_frames, scale):
    """Brownian ions in a triclinic cell whose strain fluctuates by 1 %, wrapped at every frame and unwrapped again."""
    rng, base = np.random.default_rng(seed), np.array([[10.0, 0, 0], [3.0, 9.5, 0], [-2.0, 3.5, 11.0]])
    strain, cells = np.zeros((3, 3)), np.empty((n_frames, 3, 3))
    for t in range(n_frames):
        strain = 0.9 * strain + 0.01 * np.sqrt(1 - 0.81) * rng.normal(size=(3, 3))
        cells[t] = base @ (np.eye(3) + 0.5 * (strain + strain.T))
    steps = rng.normal(size=(n_frames, n, 3)) * np.sqrt(2 * scale)
    now, wrapped = rng.random((n, 3)) @ base, np.empty_like(steps)
    for t, step in enumerate(steps):
        wrapped[t] = now = wrap(now + step, cells[t])
    return unwrap(wrapped, cells)


def shares(make, truth, n_sets, first=0):
    found = [estimate_diffusion(make(seed), 1.0) for seed in range(first, first + n_sets)]
    kept = [f for f in found if np.isfinite(f.coefficient.value)]
    held = np.mean([f.coefficient.low < truth < f.coefficient.high for f in kept])
    together = [f.collective for f in kept if np.isfinite(f.collective.value)]
    return (held, np.mean([c.low < truth < c.high for c in together]), np.mean([f.coefficient.value for f in kept]))


CASES = {
    "4 ions": (4, 200, [0.5]), "8 ions": (8, 200, [0.5]), "12 ions, short": (12, 100, [0.5]),
    "32 ions": (32, 200, [0.5]), "100 ions": (100, 400, [0.5]), "two speeds": (12, 200, [0.2, 0.8]),
    "4 ions, short": (4, 100, [0.5]), "4 ions, long": (4, 1000, [0.5]), "12 ions, long": (12, 1000, [0.5]),
    "48 ions, short": (48, 100, [0.5]), "48 ions, long": (48, 1000, [0.5]), "two speeds, more": (48, 200, [0.2, 0.8]),
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
    held, together, mean = shares(lambda seed: walks(seed, n, n_frames, scales), 0.5, 200, FRESH)
    print(f"{name}: {held:.3f}, collective {together:.3f}, mean {mean:.3f} A^2/ps")
    assert held >= 0.9 and 0.9 <= together <= 0.99
    assert mean == pytest.approx(0.5, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 48])
def test_intervals_of_ions_drawn_from_two_speeds_cover(n):
    """What the interval of unlike ions says: D of all ions of which these were drawn."""

    def drawn(seed):
        return walks(seed, n, 200, np.random.default_rng(seed + 7).choice([0.2, 0.8], n))

    held, _, mean = shares(drawn, 0.5, 200, FRESH)
    assert 0.9 <= held <= 0.99
    assert mean == pytest.approx(0.5, rel=0.02)


@pytest.mark.slow
def test_intervals_cover_in_a_triclinic_cell_that_breathes():
    held, together, mean = shares(lambda seed: breathing(seed, 24, 300, 0.1), 0.1, 200, FRESH)
    assert 0.9 <= held <= 0.99 and together >= 0.9
    assert mean == pytest.approx(0.1, rel=0.01)


@pytest.mark.slow
def test_blocking_does_not_raise_diffusion():
    """Half of the sites are full: hops back make early slopes too steep."""
    found = [estimate_diffusion(lattice_gas(seed), 1.0).coefficient for seed in range(FRESH, FRESH + 200)]
    assert np.mean([f.value for f in found]) == pytest.approx(BLOCKED, rel=0.02)
    assert np.mean([f.low < BLOCKED < f.high for f in found]) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", LATTICES)
def test_intervals_cover_on_other_lattices(name):
    steps, cell, n, truth = LATTICES[name]
    # Currents of an exclusion process have no memory: D of charge is that of free ions times the part of empty sites.
    charge = 0.2 * ((steps @ cell) ** 2).sum(axis=1).mean() / 6 * (1 - (n - 1) / 124)
    sets = (lattice_gas(seed, n, steps=steps, cell=cell) for seed in range(FRESH, FRESH + 200))
    found = [estimate_diffusion(positions, 1.0) for positions in sets]
    mean = np.mean([f.coefficient.value for f in found])
    held = {}
    for key, value in (("coefficient", truth), ("collective", charge), ("haven_ratio", truth / charge)):
        known = [e for e in (getattr(f, key) for f in found) if np.isfinite(e.value)]
        assert len(known) >= 180
        held[key] = np.mean([e.low < value < e.high for e in known])
    print(f"{name}: {held}, mean {mean / truth:.3f} of D")
    assert min(held.values()) >= 0.9
    assert mean == pytest.approx(truth, rel=0.03)
