"""Path entropies without the part that noise adds.

Where two sites are as near to the target, the net flux between them is zero, and that of a finite sample is not: one
more path, and entropies are too high by several of their errors at any amount of data, for -p ln p is steep at zero.
Symmetric shells have many such pairs of sites. Noise that is added shows what noise does: entropies at larger and
larger noise are extrapolated to none (SIMEX; Cook and Stefanski, doi:10.1080/01621459.1994.10476871).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionpath.markov.chain import Chain
from ionpath.markov.resampling import few_blocks
from ionpath.paths.fluxes import flow_of

Floats = NDArray[np.float64]
LEVELS = (0.25, 1.0, 3.0)
"""Variances of the noise that is added, in those of the data."""
LEAST_FLOW = 0.02
"""What noise leaves of a flow, so that states stay connected."""
DIRECTIONS, INNER = 30, 8
"""Samples along which the value is varied for its error, and samples of noise at each of these places."""


@dataclass(frozen=True, eq=False)
class Varied:
    """Entropies, and how they change along each of some samples, in standard errors of the data."""

    value: Floats
    changes: Floats
    n_blocks: int

    def error(self, total: Callable[[Floats], Floats]) -> Floats:
        """Standard error of a linear function of the entropies."""
        change = np.array([total(one) for one in self.changes])
        return np.asarray(np.sqrt((change**2).mean(axis=0)) * few_blocks(self.n_blocks))


def as_they_are(value: Floats, samples: Floats, n_blocks: int) -> Varied:
    """Entropies of the fitted model, that vary as those of the samples do."""
    number = len(samples)
    return Varied(value, (samples - samples.mean(axis=0)) * np.sqrt(number / (number - 1)), n_blocks)


def extrapolate(best: Chain, samples: Sequence[Chain], entropies: Callable[[Floats], Floats], n_blocks: int) -> Varied:
    """Extrapolate a function of flows, shape (k, m, m) to (k, m, m), to no noise."""
    flow = flow_of(best)
    noise = np.array([_placed(chain, best) for chain in samples]) - flow
    inner = INNER if len(flow) <= 16 else 3  # the work grows with the fourth power of the number of states
    own = noise[-inner:]
    value = _to_no_noise(entropies, flow, noise)
    changes = [
        _to_no_noise(entropies, flow + 0.5 * step, own) - _to_no_noise(entropies, flow - 0.5 * step, own)
        for step in noise[: DIRECTIONS if len(flow) <= 16 else 10]
    ]
    return Varied(value, np.array(changes), n_blocks)


def _placed(chain: Chain, best: Chain) -> Floats:
    """Flow of a sample in the rows of the best chain."""
    rows, mine = np.isin(best.states, chain.states), np.isin(chain.states, best.states)
    flow = np.zeros((best.states.size,) * 2)
    flow[np.ix_(rows, rows)] = flow_of(chain)[np.ix_(mine, mine)]
    return flow


def _to_no_noise(entropies: Callable[[Floats], Floats], flow: Floats, noise: Floats) -> Floats:
    """Parabola in the size of the noise through the mean entropies at three sizes, at the size zero."""
    flow = np.maximum(flow, 0.0)
    means = []
    for level in LEVELS:
        both = np.concatenate([np.sqrt(level) * noise, -np.sqrt(level) * noise])
        means.append(entropies(np.maximum(flow + both, LEAST_FLOW * flow)).mean(axis=0))
    size = np.sqrt(1.0 + np.array(LEVELS))
    weights = np.linalg.solve(np.vander(size, increasing=True).T, [1.0, 0.0, 0.0])
    return np.asarray(np.tensordot(weights, np.array(means), axes=1))
