"""What the scatter of a barrier over the end of a run cannot see: errors that were frozen in by few crossings.

In a well-tempered run the bias changes ever more slowly, so that the difference between two basins at the end is one
draw, however little it scatters. The places of the hills are samples too. Weighted with the bias that they felt they
give the same differences, and blocks of time, which hold several crossings each, give the error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from ionpath.arguments import finite, typed
from ionpath.arrays import Bools, Finite, Floats
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.free_energy.hills import Hills, growing_counts, partial_sums
from ionpath.free_energy.minpath import minimum_path
from ionpath.free_energy.surface import FreeEnergySurface, inside_box, lowest_near, where_visited, within_period
from ionpath.msonable import Msonable
from ionpath.units import kt_in_kj_per_mol

BLOCKS = 10
_SKIPPED = 0.1
"""First part of the run, in which the weights still change fast."""


@documented
@references("tiwary2015")
@dataclass(frozen=True)
class CrossingError(Msonable):
    """Errors of a barrier from reweighted hills."""

    # forward, backward: standard errors in kJ/mol of the barrier there and back; nan where the run has too few hills on
    # the way
    forward: float
    backward: float
    # forward_gap, backward_gap: barrier from reweighting less that from the sum of hills, in kJ/mol
    forward_gap: float
    backward_gap: float

    @property
    def known(self) -> bool:
        """Whether all four are numbers."""
        return bool(np.isfinite([self.forward, self.backward, self.forward_gap, self.backward_gap]).all())


UNKNOWN = CrossingError(*[float("nan")] * 4)


@typed
def crossing_error(hills: Hills, start: Finite, end: Finite, temperature: float, *, n_times: int = 50) -> CrossingError:
    """Error of the barrier between two points by reweighting the places of the hills.

    Parameters
    ----------
    hills : Hills
        Deposited hills of a well-tempered run.
    start, end : array_like, (n_variables,)
        The two points.
    temperature : float
        Temperature in K.
    n_times : int
        Times at which the offset of the bias is evaluated.

    Returns
    -------
    CrossingError
        Errors and differences; nan for runs that are not well-tempered, or do not connect the points.

    Notes
    -----
    The bias that a hill felt when it was put follows from its height, ``V = -RT (gamma - 1) ln(h / h_0)``, and its
    weight is ``exp((V - c(t)) / RT)`` with the offset c of Tiwary and Parrinello (doi:10.1021/jp504920s). Free
    energies are those of boxes around the two points and the saddle; the error is a jackknife over ten blocks.
    """
    if hills.bias_factor <= 1 or len(hills) < 10 * BLOCKS:
        return UNKNOWN
    counts = growing_counts(hills, n_times)
    kt, gamma = kt_in_kj_per_mol(temperature), hills.bias_factor
    start, end = finite("start", start), finite("end", end)
    offsets, surface = [], None
    for surface in partial_sums(hills, counts, hills.default_axes(3.0)):
        offsets.append(_offset(surface, kt, gamma))
    assert surface is not None
    seen = where_visited(surface)
    try:
        ends = [lowest_near(seen, point, 2 * hills.sigmas.mean(0)) for point in (start, end)]
        if ends[0] is None or ends[1] is None:
            return UNKNOWN
        path = minimum_path(seen, ends[0], ends[1])
    except InputError:
        return UNKNOWN
    reach = hills.sigmas.mean(0) * np.sqrt(hills.centres.shape[1])
    felt = -kt * (gamma - 1) * np.log(hills.heights / hills.heights.max())
    weights = (felt - np.interp(np.arange(1, len(hills) + 1), counts, offsets)) / kt
    first = int(_SKIPPED * len(hills))
    weights = np.exp(weights - weights[first:].max())[first:]
    block = (np.arange(len(weights)) * BLOCKS) // len(weights)
    sums = np.zeros((3, BLOCKS))
    own = np.zeros(3)
    for k, point in enumerate((path.points[0], path.saddle, path.points[-1])):
        inside = _inside(hills.centres[first:], surface, np.asarray(point, float), reach)
        sums[k] = np.bincount(block[inside], weights[inside], minlength=BLOCKS)
        free = surface.values[inside_box(surface, point, reach)] - surface.values.min()
        own[k] = np.exp(-free / kt).sum()
    whole = sums.sum(1, keepdims=True)
    # a place that was seen in few blocks, or whose weight is all in one of them, has no error
    if (sums.astype(bool).sum(1) < BLOCKS // 2).any() or (sums > (1 - 1e-6) * whole).any():
        return UNKNOWN
    left_out = np.array([_differences((whole - sums)[:, b], kt) for b in range(BLOCKS)])
    errors = np.sqrt((BLOCKS - 1) / BLOCKS * ((left_out - left_out.mean(0)) ** 2).sum(0))
    gaps = _differences(whole[:, 0], kt) - _differences(own, kt)
    return CrossingError(float(errors[0]), float(errors[1]), float(gaps[0]), float(gaps[1]))


def _offset(surface: FreeEnergySurface, kt: float, gamma: float) -> float:
    """c(t) in kJ/mol: the bias is minus the free energy times (gamma - 1) / gamma."""
    free = -surface.values / kt
    return kt * float(logsumexp(free) - logsumexp(free / gamma))


def _differences(weights: Floats, kt: float) -> Floats:
    """Free energy of the saddle less that of either end."""
    return -kt * np.log(weights[1] / weights[[0, 2]])


def _inside(places: Floats, surface: FreeEnergySurface, point: Floats, reach: Floats) -> Bools:
    """Places within a box around a point."""
    inside = np.ones(len(places), dtype=bool)
    for x, middle, half, period in zip(places.T, point, reach, surface.periods, strict=True):
        inside &= np.abs(within_period(x - middle, period)) <= half
    return inside
