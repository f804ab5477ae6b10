"""Distributions of bond angles, such as S-P-S in a thiophosphate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.frames import as_frames, as_symbols, check_cutoff, indices_of, pairs_within
from ionpath.msonable import Msonable
from ionpath.sums import Sums


@documented
@dataclass(frozen=True)
class AngleDistribution(Msonable):
    """Distribution of the angles of bonds at atoms of one kind."""

    edges: Floats  # (B + 1,): edges of the bins, in degrees
    density: Floats  # (B,): probability density, per degree
    counts: Floats  # (B,): angles in each bin
    # mean, std: mean and standard deviation of the angles, in degrees
    mean: float
    std: float

    @property
    def angles(self) -> Floats:
        """Centres of the bins, in degrees."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]), dtype=np.float64)

    @property
    def peak(self) -> float:
        """Centre of the highest bin, in degrees."""
        return float(self.angles[int(np.argmax(self.density))])


@typed
class AngleHistogram(Sums):
    """Angles counted frame by frame; histograms of blocks of frames can be added up.

    Parameters
    ----------
    species, centre, ends, cutoff, bins
        See `angle_distribution`.
    """

    _adding = ("counts", "moments")

    def __init__(
        self, species: Sequence[str], centre: str, ends: str | Sequence[str], cutoff: float, *, bins: int = 180
    ) -> None:
        symbols = as_symbols(species, len(species))
        self.centres = indices_of(symbols, centre, "centre")
        self.ends = indices_of(symbols, ends, "ends")
        self.cutoff = float(cutoff)
        self.edges = np.linspace(0.0, 180.0, int(bins) + 1)
        self.counts = np.zeros(int(bins))
        self.moments = np.zeros(3)

    def add(self, positions: Floats, cell: Floats) -> None:
        """Count the angles of one frame: positions (N, 3), and cell vectors as rows (3, 3), in A."""
        check_cutoff(self.cutoff, cell, "cutoff")
        angles = _frame_angles(positions, cell, self)
        self.counts += np.histogram(angles, self.edges)[0]
        self.moments += [len(angles), angles.sum(), (angles**2).sum()]

    def result(self) -> AngleDistribution:
        """Distribution over the frames so far; InputError if no centre has two bonds."""
        total = self.moments[0]
        if total == 0:
            remedy = "use a longer cutoff"
            raise InputError("cutoff", need="atoms with two bonds", got=f"none within {self.cutoff:g} A", remedy=remedy)
        mean = float(self.moments[1] / total)
        variance = max(float(self.moments[2] / total) - mean**2, 0.0)
        width = float(self.edges[1])
        return AngleDistribution(
            self.edges, self.counts / total / width, self.counts.copy(), mean, float(np.sqrt(variance))
        )


def _frame_angles(positions: Floats, cell: Floats, which: AngleHistogram) -> Floats:
    query, _, bonds, lengths = pairs_within(positions, cell, which.cutoff, which.centres, which.ends)
    bonds /= lengths[:, None]
    starts = np.searchsorted(query, np.arange(len(which.centres) + 1))
    found = []
    for number in np.unique(np.diff(starts)):
        if number < 2:
            continue
        first = starts[:-1][np.diff(starts) == number]
        vectors = bonds[first[:, None] + np.arange(number)]
        i, j = np.triu_indices(int(number), 1)
        cosines = np.einsum("cid,cjd->cij", vectors, vectors)[:, i, j]
        found.append(np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))).ravel())
    return np.concatenate(found) if found else np.empty(0)


@typed
@references("chen2025")
def angle_distribution(
    positions: ArrayLike,
    cell: ArrayLike,
    species: Sequence[str],
    *,
    centre: str = "P",
    ends: str | Sequence[str] = "S",
    cutoff: float = 2.6,
    bins: int = 180,
) -> AngleDistribution:
    """Compute the distribution of the angles end-centre-end.

    Parameters
    ----------
    positions, cell, species
        See `radial_distribution`.
    centre : str, default "P"
        Species at the vertex.
    ends : str or sequence of str, default "S"
        Species at the ends.
    cutoff : float, default 2.6
        Longest bond, in A.
    bins : int, default 180
        Number of bins from 0 to 180 degrees.

    Returns
    -------
    AngleDistribution
        Density, mean and standard deviation.

    Raises
    ------
    InputError
        If a species is absent, or no centre has two bonds.

    Notes
    -----
    The density is not divided by the sine of the angle.

    Examples
    --------
    >>> water = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]
    >>> d = angle_distribution(water, np.eye(3) * 9, ["O", "H", "H"], centre="O", ends="H", cutoff=1.2)
    >>> d.mean
    90.0
    """
    frames, cells, _ = as_frames(positions, cell)
    as_symbols(species, frames.shape[1])
    histogram = AngleHistogram(species, centre, ends, cutoff, bins=bins)
    for frame, lattice in zip(frames, cells, strict=True):
        histogram.add(frame, lattice)
    return histogram.result()
