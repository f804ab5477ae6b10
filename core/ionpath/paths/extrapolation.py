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

from ionpath.arrays import Floats
from ionpath.markov.chain import Chain
from ionpath.markov.resampling import few_blocks
from ionpath.paths.fluxes import flow_of

LEVELS = (0.25, 1.0, 3.0)
"""Variances of the noise that is added, in those of the data."""
LOGARITHM = 0.6
"""Part of the second of two curves through these levels. A parabola in the size of the noise takes too little off where
many net fluxes are zero, for -p ln p grows as s ln s there; a curve in 1, s and s ln s takes too much off elsewhere."""
LEAST_FLOW = 0.001
"""What noise leaves of a flow, so that states stay connected."""
DIRECTIONS, INNER = 30, 4
"""Samples along which the value is varied for its error, and samples of noise at each of these places (two halves)."""
KEPT = 0.5
"""Part of the noise at these places that stays in the error: intervals of four ions in a symmetric octahedron hold in
0.89 to 0.98 of sets without it, and in 0.97 to all of them with all of it."""
MANY_STATES = 16
"""With more states there are fewer of both: the work grows with the fourth power of their number."""
DOUBT = 0.4
"""Standard error of what noise was found to add, as a part of it: the curve is a guess."""
FEW_HOPS, MANY_HOPS = 10, 20
"""Hops of a pair of states up to which another curve is taken, and from which on this one. With few hops three times
the noise of the data takes paths away instead of adding some, and curves that hold it end far too low."""
CURVES = 0.5
"""Standard error of the choice between the two curves, as a part of their difference."""


def _weights() -> tuple[Floats, Floats]:
    """Weights of the entropies at the levels in their extrapolation to no noise: for many hops, and for few."""
    size = np.sqrt(1.0 + np.array(LEVELS))
    parabola = np.linalg.solve(np.stack([size**0, size, size**2]), [1.0, 0.0, 0.0])
    curve = np.linalg.solve(np.stack([size**0, size, size * np.log(size)]), [1.0, 0.0, 0.0])
    # Linear in the variance, as what single hops add or take is.
    line = np.append(np.linalg.solve(np.stack([size[:2] ** 0, size[:2] ** 2]), [1.0, 0.0]), 0.0)
    return (1 - LOGARITHM) * parabola + LOGARITHM * curve, 0.5 * (parabola + line)


WEIGHTS = _weights()


@dataclass(frozen=True, eq=False)
class Varied:
    """Entropies, how they change along each of some samples (twice, with other noise), what noise added, doubt of the
    curve (two kinds), samples."""

    value: Floats
    changes: Floats
    added: Floats
    doubt: Floats
    samples: Floats
    n_blocks: int

    def error(self, total: Callable[[Floats], Floats]) -> Floats:
        """Standard error of a linear function of the entropies, which takes many matrices at once."""
        # The noise at each place is no error: squares hold it, products of two changes with other noise do not.
        first, second = (total(changes) for changes in self.changes)
        square = first * second + KEPT * (0.5 * (first - second)) ** 2
        along = np.sqrt(np.maximum(square.mean(axis=0), 0.0))
        # Near a maximum nothing changes to first order: entropies of samples as they are still scatter.
        scatter = np.maximum(along, total(self.samples).std(axis=0)) * few_blocks(self.n_blocks)
        return np.asarray(np.sqrt(scatter**2 + (total(self.doubt) ** 2).sum(axis=0)))

    def half_width(self, total: Callable[[Floats], Floats], reach: float) -> Floats:
        """Half of the 95 % interval: `reach` errors, and no less than the middle 95 % of samples reach from the data.

        Near a maximum samples lie to one side, where the truth may be, and further than their scatter says.
        """
        low, high = np.quantile(total(self.samples), [0.025, 0.975], axis=0)
        plain = total(self.value + self.added)
        beyond = np.maximum(plain - low, high - plain) * few_blocks(self.n_blocks)
        return np.maximum(reach * self.error(total), beyond)


def as_they_are(value: Floats, samples: Floats, n_blocks: int) -> Varied:
    """Entropies of the fitted model, that vary as those of the samples do."""
    number = len(samples)
    changes = (samples - samples.mean(axis=0)) * np.sqrt(number / (number - 1))
    none = np.zeros_like(value)
    return Varied(value, np.stack([changes, changes]), none, np.stack([none, none]), samples, n_blocks)


def extrapolate(best: Chain, samples: Sequence[Chain], entropies: Callable[[Floats], Floats], n_blocks: int) -> Varied:
    """Extrapolate a function of flows, shape (k, m, m) to (k, m, m), to no noise."""
    flow = flow_of(best)
    shift, variance = _noise(flow, best, samples)
    few = len(flow) <= MANY_STATES
    inner = INNER if few else 2
    hops = _hops(flow, variance)
    part = min((MANY_HOPS - hops) / (MANY_HOPS - FEW_HOPS), 1.0) if hops < MANY_HOPS else 0.0
    weights = (1.0 - part) * WEIGHTS[0] + part * WEIGHTS[1]
    curves = [weights, WEIGHTS[1] - WEIGHTS[0]]
    value, other = _to_no_noise(entropies, flow[None], shift[None], variance, curves)[:, 0, 0]
    steps = shift[: DIRECTIONS if few else 10]
    others = (np.arange(len(steps))[:, None] + np.arange(1, inner + 1)) % len(shift)
    up, down = (_noisy(flow, sign * steps, variance, 0.25) for sign in (1.0, -1.0))
    ends = [_to_no_noise(entropies, end, shift[others], variance, [weights], parts=2)[0] for end in (up, down)]
    changes = (ends[0] - ends[1]).swapaxes(0, 1)
    added = entropies(flow[None])[0] - value
    return Varied(value, changes, added, np.stack([DOUBT * added, CURVES * part * other]), changes[0], n_blocks)


def hops_per_pair(best: Chain, samples: Sequence[Chain]) -> float:
    """Median over connected pairs of states of the number of independent hops that would scatter as the flow does."""
    flow = flow_of(best)
    return _hops(flow, _noise(flow, best, samples)[1])


def _hops(flow: Floats, variance: Floats) -> float:
    middle = np.median(variance[flow > 0]) if (flow > 0).any() else 0.0
    return float(1.0 / middle) if middle > 0 else float("nan")


def _noise(flow: Floats, best: Chain, samples: Sequence[Chain]) -> tuple[Floats, Floats]:
    """Deviations of the flows of samples, as parts of the flow, and their variance."""
    shift = np.array([_placed(chain, best) for chain in samples]) - flow
    shift = np.divide(shift, flow, out=np.zeros_like(shift), where=flow > 0)
    return shift, (shift**2).sum(axis=0) / max(len(shift) - 1, 1)


def _placed(chain: Chain, best: Chain) -> Floats:
    """Flow of a sample in the rows of the best chain."""
    if np.array_equal(chain.states, best.states):
        return flow_of(chain)
    rows, mine = np.isin(best.states, chain.states), np.isin(chain.states, best.states)
    flow = np.zeros((best.states.size,) * 2)
    flow[np.ix_(rows, rows)] = flow_of(chain)[np.ix_(mine, mine)]
    return flow


def _noisy(flow: Floats, shift: Floats, variance: Floats, level: float) -> Floats:
    """Flows with `level` times the noise of the data, of which `shift` is one draw, as parts of the flows.

    A flow known from few hops varies as their number does, upwards more than downwards: as a gamma distribution, in the
    transform of Wilson and Hilferty (doi:10.1073/pnas.17.12.684), which is normal for many hops and never negative.
    """
    score = np.divide(shift, np.sqrt(variance), out=np.zeros_like(shift), where=variance > 0)
    ninth = level * variance / 9.0
    return np.asarray(flow * np.maximum(np.maximum(1.0 - ninth + score * np.sqrt(ninth), 0.0) ** 3, LEAST_FLOW))


def _to_no_noise(
    entropies: Callable[[Floats], Floats],
    flow: Floats,
    shift: Floats,
    variance: Floats,
    weights: Sequence[Floats],
    parts: int = 1,
) -> Floats:
    """Entropies of flows (k, m, m) at no noise, shape (weights, k, parts, m, m), from those with noise.

    The noise is along and against each shift (k, inner, m, m); shifts are dealt to the parts.
    """
    both = np.concatenate([shift, -shift], axis=1)
    found = []
    for level in LEVELS:
        noisy = _noisy(flow[:, None], both, variance, level)
        each = entropies(noisy.reshape(-1, *flow.shape[1:])).reshape(len(flow), 2, parts, -1, *flow.shape[1:])
        found.append(each.mean(axis=(1, 3)))
    return np.tensordot(np.array(weights), np.array(found), axes=1)
