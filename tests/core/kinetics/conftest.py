"""Chains with known answers, and the released trajectories."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

ANTIPODES = ((0, 5), (1, 3), (2, 4))


def octahedron(hop: float = 0.02, external: float = 0.0) -> NDArray[np.float64]:
    """Vertices 0-5 that hop to their four neighbours; optionally state 6, coupled to each vertex."""
    size = 7 if external else 6
    matrix = np.zeros((size, size))
    matrix[:6, :6] = hop
    for a, b in ANTIPODES:
        matrix[a, b] = matrix[b, a] = 0.0
    matrix[:6, 6:] = matrix[6:, :6] = external
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, 1.0 - matrix.sum(axis=1))
    return matrix


def random_reversible(size: int, seed: int, *, density: float = 1.0) -> NDArray[np.float64]:
    """Connected chain with detailed balance and rates over three orders of magnitude."""
    rng = np.random.default_rng(seed)
    flow = 10.0 ** rng.uniform(-3, 0, (size, size)) * (rng.random((size, size)) < density)
    ring = np.eye(size, k=1) + np.eye(size, k=1 - size)
    flow = flow + flow.T + 0.01 * (ring + ring.T) + np.diag(rng.uniform(1, 5, size))
    return flow / flow.sum(axis=1, keepdims=True)


def random_chain(size: int, seed: int) -> NDArray[np.float64]:
    """Connected chain without detailed balance."""
    rng = np.random.default_rng(seed)
    matrix = rng.random((size, size)) ** 3 + np.eye(size)
    return matrix / matrix.sum(axis=1, keepdims=True)


def simulate(matrix: NDArray[np.float64], ions: int, frames: int, seed: int) -> NDArray[np.int8]:
    """Independent trajectories (ions, frames), all ions stepped together."""
    rng = np.random.default_rng(seed)
    ladder = np.cumsum(matrix, axis=1)
    ladder[:, -1] = 1.0
    states = np.zeros((ions, frames), dtype=np.int8)
    states[:, 0] = rng.integers(0, len(matrix), ions)
    draws = rng.random((frames - 1, ions))
    if compiled := _compiled_steps():
        compiled(ladder, draws, states)
        return states
    for t, draw in enumerate(draws, start=1):
        states[:, t] = (draw[:, None] > ladder[states[:, t - 1]]).sum(axis=1)
    return states


@cache
def _compiled_steps() -> Any:
    """The loop of `simulate`, thirty times as fast; None without numba."""
    try:
        from numba import njit
    except ImportError:
        return None

    @njit
    def steps(ladder, draws, states):
        for ion in range(states.shape[0]):
            state = states[ion, 0]
            for t in range(draws.shape[0]):
                rung = 0
                while draws[t, ion] > ladder[state, rung]:
                    rung += 1
                states[ion, t + 1] = state = rung

    return steps


def walks(steps: NDArray[np.float64], source: int, target: int, max_edges: int) -> list[float]:
    """Probability of every walk that stops on arrival, one by one: the definition that the fast sums must match."""
    found = []

    def go(state: int, weight: float, edges: int) -> None:
        if state == target:
            found.append(weight)
        elif edges < max_edges:
            for nxt in np.flatnonzero(steps[state]):
                go(int(nxt), weight * steps[state, nxt], edges + 1)

    go(source, 1.0, 0)
    return found


def enumerated_entropy(flux: NDArray[np.float64], source: int, target: int, max_edges: int) -> float:
    """Entropy of the enumerated walks on a net flux, in nats."""
    sums = flux.sum(axis=1, keepdims=True)
    steps = np.divide(flux, sums, out=np.zeros_like(flux), where=sums > 0)
    steps[target] = 0.0
    p = np.array(walks(steps, source, target, max_edges))
    return float(-(p * np.log(p)).sum())


@pytest.fixture(scope="session")
def chains() -> SimpleNamespace:
    """Functions that make chains and trajectories, and the slow definitions to compare with."""
    return SimpleNamespace(
        octahedron=octahedron,
        random_reversible=random_reversible,
        random_chain=random_chain,
        simulate=simulate,
        walks=walks,
        enumerated_entropy=enumerated_entropy,
        two=np.array([[0.8, 0.2], [0.1, 0.9]]),
        line=np.array([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]]),
    )


@pytest.fixture(scope="session")
def released(shared_data: Path) -> NDArray[np.int8]:
    """States of 432 Li in LPSCl-II at 300 K (public release of arXiv:2412.07115, centre type 0); 0 is external."""
    path = shared_data / "states" / "lpscl-ii-300K-centre0.npz"
    if not path.is_file():
        pytest.skip(f"reference trajectories {path.name!r} not found in the folder of reference data")
    return np.load(path)["states"]
