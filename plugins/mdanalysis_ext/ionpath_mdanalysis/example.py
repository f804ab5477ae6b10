"""A small made-up conductor, to try the analyses on: ions that hop between the vertices of octahedral shells."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.arrays import Floats, Indices, grid_points

EDGE = 9.0
"""Distance between the centres of neighbouring shells, in A."""
RADIUS = 2.3
"""Distance of a vertex from its centre, in A."""
VERTICES = RADIUS * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
OPPOSITE = (5, 3, 4, 1, 2, 0)


def hopping_universe(
    n_frames: int = 1000,
    *,
    cells: int = 2,
    frame_time: float = 0.1,
    inside: float = 0.02,
    across: float = 0.01,
    amplitude: float = 0.25,
    drift: float = 0.0,
    strain: float = 0.0,
    wrapped: bool = True,
    seed: int = 0,
) -> Any:
    """Make a Universe with lithium hopping between sites around sulfur.

    Parameters
    ----------
    n_frames : int
        Number of frames.
    cells : int
        Shells along each edge of the cubic cell; one S and three Li for each.
    frame_time : float
        Time between frames in ps.
    inside, across : float
        Probability per frame to hop to each neighbouring vertex of the shell, and to the next shell.
    amplitude : float
        Standard deviation of vibrations along each axis in A.
    drift : float
        Displacement of everything per frame along x in A.
    strain : float
        Standard deviation of the relative length of the edges from frame to frame.
    wrapped : bool
        Put positions into the cell.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    Universe
        In memory, with names, elements and masses.

    Examples
    --------
    >>> hopping_universe(n_frames=5).trajectory
    <MemoryReader with 5 frames of 32 atoms>
    """
    import MDAnalysis

    rng = np.random.default_rng(seed)
    centres, shell, vertex = hops(n_frames, cells=cells, inside=inside, across=across, rng=rng)
    scale = 1.0 + strain * rng.normal(size=n_frames)
    moved = drift * np.arange(n_frames)[:, None, None] * np.array([1.0, 0.0, 0.0])
    sulfur = centres + rng.normal(scale=0.4 * amplitude, size=(n_frames, len(centres), 3))
    frame = np.arange(n_frames)[:, None]
    lithium = sulfur[frame, shell] + VERTICES[vertex]
    lithium = lithium + rng.normal(scale=amplitude, size=lithium.shape)
    edge = EDGE * cells * scale
    positions = np.concatenate([lithium, sulfur], axis=1) * scale[:, None, None] + moved
    if wrapped:
        positions -= np.floor(positions / edge[:, None, None]) * edge[:, None, None]
    names = ["Li"] * lithium.shape[1] + ["S"] * len(centres)
    universe = MDAnalysis.Universe.empty(len(names), trajectory=True)
    for attribute in ("names", "elements", "types"):
        universe.add_TopologyAttr(attribute, names)
    universe.add_TopologyAttr("masses", [6.94] * lithium.shape[1] + [32.06] * len(centres))
    dimensions = np.concatenate([np.repeat(edge[:, None], 3, axis=1), np.full((n_frames, 3), 90.0)], axis=1)
    universe.load_new(
        positions.astype(np.float32), order="fac", dimensions=dimensions.astype(np.float32), dt=frame_time
    )
    return universe


def hops(
    n_frames: int, *, cells: int, inside: float, across: float, rng: np.random.Generator
) -> tuple[Floats, Indices, Indices]:
    """Let ions hop as a Markov chain: positions (n_shells, 3) of centres in A, shell and vertex (n_frames, n_ions).

    `inside` and `across` are the probabilities per frame to hop to each neighbouring vertex, and to the vertex of the
    next shell that faces it; there are `cells` shells along each edge.
    """
    grid = grid_points(*[np.arange(cells)] * 3)
    step = np.rint(VERTICES / RADIUS).astype(int)
    index = np.arange(len(grid)).reshape(cells, cells, cells)
    beyond = index[tuple(((grid[:, None] + step) % cells).transpose(2, 0, 1))]
    neighbours = np.array([[w for w in range(6) if w not in (v, OPPOSITE[v])] for v in range(6)])
    n_ions = 3 * len(grid)
    start = rng.permutation(6 * len(grid))[:n_ions]
    shell = np.empty((n_frames, n_ions), dtype=np.intp)
    vertex = np.empty_like(shell)
    shell[0], vertex[0] = np.divmod(start, 6)
    for t in range(1, n_frames):
        draw = rng.random(n_ions)
        stays_inside = draw < 4 * inside
        choice = (draw / (inside or 1.0)).astype(int)
        leaves = ~stays_inside & (draw < 4 * inside + across)
        here, at = shell[t - 1], vertex[t - 1]
        vertex[t] = np.where(stays_inside, neighbours[at, np.minimum(choice, 3)], at)
        shell[t] = np.where(leaves, beyond[here, at], here)
        vertex[t] = np.where(leaves, np.array(OPPOSITE)[at], vertex[t])
    return np.asarray(grid * EDGE + 0.5 * EDGE, dtype=np.float64), shell, vertex
