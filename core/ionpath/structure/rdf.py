"""Radial distribution functions of all pairs of species, and running coordination numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import find_peaks

from ionpath.arguments import described, finite, typed
from ionpath.arrays import Floats, Ints, heights
from ionpath.citations import references
from ionpath.compiled import kernels
from ionpath.documented import documented
from ionpath.errors import InputError, positive, whole
from ionpath.frames import as_frames, as_symbols, check_cutoff
from ionpath.msonable import Msonable
from ionpath.periodic import wrap_fractional
from ionpath.sums import Sums

DEFAULT_BIN = 0.05
"""Width of a bin, in A, if none is chosen."""


@typed
@documented
@dataclass(frozen=True)
class RadialDistribution(Msonable):
    """Partial radial distribution functions."""

    edges: Floats  # (B + 1,): edges of the bins, in A
    pairs: tuple[tuple[str, str], ...]  # pairs of species, each unordered pair once
    g: Floats  # (pairs, B): radial distribution functions, 1 where there is no correlation
    shells: Floats  # (pairs, B): mean number of pairs in each bin per frame, each pair of atoms counted once
    numbers: dict[str, int]  # number of atoms of each species
    density: float  # number density of all atoms, in 1/A^3, mean over frames
    n_frames: int  # number of frames

    def __post_init__(self) -> None:
        bins = finite("edges", self.edges)
        if bins.ndim != 1 or len(bins) < 2 or not (np.diff(bins) > 0).all():
            raise InputError("edges", need="rising edges of the bins in A", got=described(self.edges))
        for name in ("g", "shells"):
            shape = (len(self.pairs), len(bins) - 1)
            if finite(name, getattr(self, name)).shape != shape:
                raise InputError(name, need=f"an array of shape {shape}", got=described(getattr(self, name)))
        positive("density", self.density, "1/A^3")
        whole("n_frames", self.n_frames)

    @property
    def r(self) -> Floats:
        """Centres of the bins, in A."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]), dtype=np.float64)

    def index(self, a: str, b: str) -> int:
        """Row of `g` and `shells` of a pair of species, in either order; InputError if the pair was not computed."""
        for row, pair in enumerate(self.pairs):
            if pair in ((a, b), (b, a)):
                return row
        known = ", ".join("-".join(pair) for pair in self.pairs)
        raise InputError("pair", need=f"one of {known}", got=f"{a}-{b}", remedy="ask for a pair that was computed")

    def partial(self, a: str, b: str) -> Floats:
        """g(r) of a pair of species, in either order, (B,)."""
        return np.asarray(self.g[self.index(a, b)], dtype=np.float64)

    def coordination(self, a: str, b: str) -> Floats:
        """Mean number (B,) of atoms of `b` around one of `a`, within the upper edge of each bin."""
        per_pair = 2.0 if a == b else 1.0
        return np.asarray(np.cumsum(self.shells[self.index(a, b)]) * per_pair / self.numbers[a], dtype=np.float64)


@typed
class RadialHistogram(Sums):
    """Pairs counted frame by frame; histograms of blocks of frames can be added up.

    Parameters
    ----------
    species, r_max, bins, pairs
        See `radial_distribution`.
    """

    _adding = ("counts", "counts_volume", "inverse_volume", "n_frames")

    def __init__(
        self,
        species: Sequence[str],
        r_max: float,
        *,
        bins: int | None = None,
        pairs: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        self.symbols = as_symbols(species, len(species))
        present = list(dict.fromkeys(self.symbols.tolist()))
        self.pairs = tuple((a, b) for a, b in pairs) if pairs is not None else species_pairs(present)
        for pair in self.pairs:
            for symbol in pair:
                if symbol not in present:
                    got = f"only {', '.join(sorted(present))}"
                    remedy = "choose species that are there"
                    raise InputError("pairs", need=f"atoms of {symbol}", got=got, remedy=remedy)
        self.indices: dict[str, Ints] = {s: np.flatnonzero(self.symbols == s) for s in present}
        self.kinds: Ints = np.array([present.index(s) for s in self.symbols])
        self.rows = np.full((len(present), len(present)), -1)
        for row, (a, b) in enumerate(self.pairs):
            self.rows[present.index(a), present.index(b)] = self.rows[present.index(b), present.index(a)] = row
        self.r_max = float(r_max)
        self.bins = int(bins) if bins is not None else max(1, round(self.r_max / DEFAULT_BIN))
        if self.bins < 1:
            raise InputError("bins", need="at least one bin", got=str(bins), remedy="leave it out")
        self.counts = np.zeros((len(self.pairs), self.bins))
        self.counts_volume = np.zeros_like(self.counts)
        self.inverse_volume = 0.0
        self.n_frames = 0

    def add(self, positions: Floats, cell: Floats) -> None:
        """Count the pairs of one frame: positions (N, 3), and cell vectors as rows (3, 3), in A.

        InputError if the largest distance is beyond half of the cell.
        """
        check_cutoff(self.r_max, cell)
        volume = abs(float(np.linalg.det(cell)))
        found = self._count(positions @ np.linalg.inv(cell), cell)
        self.counts += found
        self.counts_volume += found * volume
        self.inverse_volume += 1.0 / volume
        self.n_frames += 1

    def _count(self, coordinates: Floats, cell: Floats) -> Floats:
        """Pairs of one frame in bins of distance, (pairs, bins)."""
        compiled = kernels()
        if compiled is not None:
            return compiled_pair_counts(
                compiled, coordinates, cell, self.kinds, self.rows, self.r_max, self.counts.shape
            )
        return np.array(
            [
                pair_counts(
                    coordinates[self.indices[a]],
                    None if a == b else coordinates[self.indices[b]],
                    cell, self.r_max, self.bins,
                )
                for a, b in self.pairs
            ]
        )  # fmt: skip

    def result(self) -> RadialDistribution:
        """Means over the frames so far."""
        edges = np.linspace(0.0, self.r_max, self.bins + 1)
        shell_volume = 4.0 / 3.0 * np.pi * np.diff(edges**3)
        g = np.empty_like(self.counts)
        for row, (a, b) in enumerate(self.pairs):
            n_a, n_b = len(self.indices[a]), len(self.indices[b])
            possible = 0.5 * n_a * (n_a - 1) if a == b else n_a * n_b
            g[row] = self.counts_volume[row] / max(possible, 1) / self.n_frames / shell_volume
        return RadialDistribution(
            edges=edges,
            pairs=self.pairs,
            g=g,
            shells=self.counts / self.n_frames,
            numbers={s: len(i) for s, i in self.indices.items()},
            density=len(self.symbols) * self.inverse_volume / self.n_frames,
            n_frames=self.n_frames,
        )


def compiled_pair_counts(
    compiled: Any, coordinates: Floats, cell: Floats, kinds: Ints, rows: Ints, r_max: float, shape: tuple[int, int]
) -> Floats:
    """Count all pairs of species in one pass of compiled code, in double precision; `pair_counts` is its twin."""
    fractions = wrap_fractional(coordinates)
    high = heights(cell)
    # Cells of half the radius: fewer pairs too many are looked at than with whole ones (2.5 against 6.4 times).
    grid = np.clip(np.floor(high / (0.5 * r_max)), 1, max(1, round(len(kinds) ** (1 / 3)) * 2)).astype(np.int64)
    reach = np.ceil(r_max * grid / high - 1e-9).astype(np.int64)
    counts = np.zeros(shape, dtype=np.int64)
    compiled.pair_histogram(fractions @ cell, fractions, cell, kinds, rows, grid, reach, r_max, counts)
    return counts.astype(np.float64)


def pair_counts(first: Floats, second: Floats | None, cell: Floats, r_max: float, bins: int) -> Floats:
    """Count the pairs in bins of distance: all distances, block by block.

    A vector shorter than half of the heights has fractional coordinates below one half, so rounding these gives the
    right image in any cell.
    """
    counts = np.zeros(bins)
    for found in _all_distances(first, second, cell, r_max):
        index = (found * (bins / r_max)).astype(np.int64)
        counts += np.bincount(index[index < bins], minlength=bins)
    return counts if second is not None else 0.5 * counts


def _all_distances(first: Floats, second: Floats | None, cell: Floats, r_max: float) -> Iterator[Floats]:
    others = first if second is None else second
    rows = max(1, 200_000 // len(others))
    limit = r_max**2
    for start in range(0, len(first), rows):
        vectors = first[start : start + rows, None] - others[None]
        vectors -= np.rint(vectors)
        vectors = vectors.reshape(-1, 3) @ cell
        squares = np.einsum("pi,pi->p", vectors, vectors)
        if second is None:  # an atom is not its own partner
            own = np.arange(min(rows, len(first) - start))
            squares[own * len(others) + start + own] = np.inf
        yield np.sqrt(squares[squares < limit])


def species_pairs(present: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Every unordered pair of species once."""
    return tuple((a, b) for a, b in combinations_with_replacement(sorted(present), 2))


@typed
@references("chen2025")
def radial_distribution(
    positions: ArrayLike,
    cell: ArrayLike,
    species: Sequence[str],
    *,
    r_max: float,
    bins: int | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
) -> RadialDistribution:
    r"""Compute the partial radial distribution functions.

    Parameters
    ----------
    positions : array_like, (N, 3) or (T, N, 3)
        Positions in A, wrapped or not.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A.
    species : sequence of str, (N,)
        Chemical symbols.
    r_max : float
        Largest distance, in A; at most half of the smallest height of the cell.
    bins : int, optional
        Number of bins; default: bins of 0.05 A.
    pairs : sequence of (str, str), optional
        Pairs of species; default: all.

    Returns
    -------
    RadialDistribution
        g(r), counts of pairs and running coordination.

    Raises
    ------
    InputError
        If a species is absent, or `r_max` is beyond half of the cell.

    Notes
    -----
    .. math:: g_{ij}(r) = \frac{V\, n_{ij}(r)}{N_{ij}\, 4\pi r^2 \Delta r}

    with the number of pairs n in the bin and the number N of all pairs, which is N_i N_j for two species and
    N_i (N_i - 1) / 2 for one, so that a gas without correlations has g = 1 in a box of any size. Volumes of
    shells are exact, and the volume is that of each frame.

    Examples
    --------
    >>> g = radial_distribution([[0.0, 0, 0], [2, 0, 0]], np.eye(3) * 10, ["Li", "S"], r_max=4, bins=4)
    >>> g.pairs, g.coordination("Li", "S").tolist()
    ((('Li', 'Li'), ('Li', 'S'), ('S', 'S')), [0.0, 0.0, 1.0, 1.0])
    """
    frames, cells, _ = as_frames(positions, cell)
    as_symbols(species, frames.shape[1])
    check_cutoff(r_max, cells)
    histogram = RadialHistogram(species, r_max, bins=bins, pairs=pairs)
    for frame, lattice in zip(frames, cells, strict=True):
        histogram.add(frame, lattice)
    return histogram.result()


@typed
def first_minimum(rdf: RadialDistribution, a: str, b: str, *, smooth: int = 3) -> float:
    """Find the first minimum of g(r) behind its first peak, the usual radius of a bond or a shell.

    Parameters
    ----------
    rdf : RadialDistribution
        Radial distribution functions.
    a, b : str
        Pair of species.
    smooth : int, default 3
        Bins of the running mean taken first.

    Returns
    -------
    float
        Distance in A.

    Raises
    ------
    InputError
        If there are no two peaks.

    Examples
    --------
    >>> edges = np.linspace(0, 6, 61)
    >>> r = (edges[1:] + edges[:-1]) / 2
    >>> g = np.exp(-((r - 2) / 0.2) ** 2) + np.exp(-((r - 4) / 0.5) ** 2)
    >>> toy = RadialDistribution(edges, (("P", "S"),), g[None], g[None], {"P": 1, "S": 1}, 0.05, 1)
    >>> round(first_minimum(toy, "P", "S"), 1)
    2.7
    """
    g = np.convolve(rdf.partial(a, b), np.ones(smooth) / smooth, mode="same")
    peaks, _ = find_peaks(g, prominence=0.3)
    if len(peaks) < 2:
        got = f"{len(peaks)} up to {rdf.edges[-1]:.3g} A"
        remedy = "compute g(r) to a larger distance, or give the cutoff"
        raise InputError(f"g(r) of {a}-{b}", need="two peaks", got=got, remedy=remedy)
    between = g[peaks[0] : peaks[1] + 1]
    # Where atoms never stay, g is flat at its minimum: take the middle.
    lowest = np.flatnonzero(between <= between.min() + 1e-12)
    return float(rdf.r[peaks[0] + int(np.median(lowest))])
