"""Hops as events: which ion, when, from where to where; rates and times between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Ints
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.estimate import Estimate, poisson_interval
from ionpath.msonable import Msonable
from ionpath.transport._checks import above_zero


@typed
@documented
@dataclass(frozen=True)
class Hops(Msonable):
    """Hops of ions."""

    ion: Ints  # (K,): ion of each hop, hops in the order of time
    frame: Ints  # (K,): first frame after the hop
    # origin, destination: (K,): cage or site before and after; -1 where the mode knows none
    origin: Ints
    destination: Ints
    # start, end: (K, 3): unwrapped position in A before and after the hop
    start: Floats
    end: Floats
    # n_ions, n_frames: size of the trajectory
    n_ions: int
    n_frames: int
    frame_time: float  # time between frames in ps
    mode: str  # rule by which hops were found

    @property
    def count(self) -> int:
        """Number of hops."""
        return int(self.ion.size)

    @property
    def times(self) -> Floats:
        """Time of each hop in ps since the first frame, shape (K,)."""
        return np.asarray(self.frame * self.frame_time)

    @property
    def lengths(self) -> Floats:
        """Distance between the positions before and after each hop in A, shape (K,)."""
        return np.asarray(np.linalg.norm(self.end - self.start, axis=1))

    @property
    def per_ion(self) -> Ints:
        """Number of hops of each ion, shape (N,)."""
        return np.bincount(self.ion, minlength=self.n_ions)

    @property
    def duration(self) -> float:
        """Length of the trajectory in ps."""
        return (self.n_frames - 1) * self.frame_time

    @property
    def rate(self) -> Estimate:
        """Hops per ion and time in 1/ps.

        The error is the larger of that of a Poisson process and the scatter between ions, which also knows that some
        ions hop back and forth while others rest. Without any hop it is an upper bound (95 %).
        """
        exposure = self.n_ions * self.duration
        if self.count == 0:
            return Estimate(float("nan"), float("nan"), 0.0, -float(np.log(0.05)) / exposure, "1/ps")
        value = self.count / exposure
        poisson = np.sqrt(self.count) / exposure
        scatter = self.per_ion.std(ddof=1) / np.sqrt(self.n_ions) / self.duration if self.n_ions > 1 else 0.0
        low, high = (events / exposure for events in poisson_interval(self.count))
        widening = max(1.0, float(scatter / poisson))
        return Estimate(
            value,
            float(max(poisson, scatter)),
            max(0.0, value - widening * (value - low)),
            value + widening * (high - value),
            "1/ps",
        )

    @property
    def returns(self) -> float:
        """Fraction of hops that lead straight back to where the same ion came from; nan without cages or hops."""
        order = np.lexsort((self.frame, self.ion))
        ion, origin, destination = self.ion[order], self.origin[order], self.destination[order]
        follows = ion[1:] == ion[:-1]
        if not follows.any() or (self.origin < 0).any():
            return float("nan")
        return float((destination[1:] == origin[:-1])[follows].mean())

    def matrix(self, n_cages: int | None = None) -> Ints:
        """Hops from each cage or site (rows) to each other one; time in transit is never counted as a site.

        `n_cages` is by default up to the last one that was visited. InputError if the hops have no cages, or there are
        more of them than `n_cages`.
        """
        if self.count and min(self.origin.min(), self.destination.min()) < 0:
            remedy = "use cage_hops or site_hops"
            raise InputError("hops", need="hops between cages or sites", got=f"mode {self.mode!r}", remedy=remedy)
        last = int(max(self.origin.max(), self.destination.max())) + 1 if self.count else 0
        number = last if n_cages is None else n_cages
        if number < last:
            raise InputError("n_cages", need=f"at least {last}", got=f"{number}", remedy="count cages from 0")
        flat = np.bincount(self.origin * number + self.destination, minlength=number * number)
        return flat.reshape(number, number)


@documented
@dataclass(frozen=True)
class Residence(Msonable):
    """How long ions stay."""

    times: Floats  # (K,): length of each stay in ps
    place: Ints  # (K,): cage or site of each stay
    ion: Ints  # (K,): ion of each stay
    # (K,): whether both the arrival and the departure were seen. Stays cut off by the ends of the trajectory are longer
    # than they seem.
    complete: Bools

    @property
    def mean(self) -> Estimate:
        """Mean residence time in ps, the time that all ions were watched over the departures that were seen.

        This is the estimate of greatest likelihood for stays that end at random, cut-off ones included; the mean of
        the complete stays alone is too short. Without departures it is nan with the lower limit in ``low``.
        """
        watched = float(self.times.sum())
        departures = int(self.departed.sum())
        if departures == 0:
            return Estimate(float("nan"), float("nan"), watched / 3.0, float("inf"), "ps")
        value = watched / departures
        fewest, most = poisson_interval(departures)
        return Estimate(value, value / float(np.sqrt(departures)), watched / most, watched / fewest, "ps")

    @property
    def departed(self) -> Bools:
        """Whether the end of each stay was seen, shape (K,): all but the last stay of each ion."""
        return np.append(self.ion[1:] == self.ion[:-1], False) if self.ion.size else np.empty(0, dtype=bool)


def hops_of(
    ion: ArrayLike,
    frame: ArrayLike,
    origin: ArrayLike,
    destination: ArrayLike,
    start: ArrayLike,
    end: ArrayLike,
    shape: tuple[int, ...],
    frame_time: float,
    mode: str,
) -> Hops:
    """Hops of a trajectory of `shape` (frames, ions, ...)."""
    ions, frames, left, reached = (np.asarray(x, dtype=np.int64) for x in (ion, frame, origin, destination))
    before, after = (np.asarray(x, dtype=np.float64) for x in (start, end))
    dt = above_zero(frame_time, "frame_time", "a time between frames in ps")
    return Hops(ions, frames, left, reached, before, after, shape[1], shape[0], dt, mode)
