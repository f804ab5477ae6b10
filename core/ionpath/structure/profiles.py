"""Composition and mass density in layers across a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, heights
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.frames import as_frames, as_symbols
from ionpath.msonable import Msonable
from ionpath.periodic import wrap_fractional
from ionpath.sums import Sums

GRAM_PER_CM3 = 1.66053906660
"""Density of 1 u/A^3 in g/cm^3."""


@documented
@dataclass(frozen=True)
class LayerProfile(Msonable):
    """What the layers of a cell are made of."""

    axis: int  # cell vector that counts the layers
    y: Floats  # (B,): centres of the layers along the normal, in A
    species: tuple[str, ...]  # species
    fractions: Floats  # (species, B): number fraction of each species; nan in a layer without atoms
    densities: Floats  # (species, B): number densities, in 1/A^3
    mass_density: Floats  # (B,): mass density, in g/cm^3
    n_frames: int  # number of frames


class LayerHistogram(Sums):
    """Atoms counted in `bins` layers along cell vector `axis`, frame by frame; histograms of blocks can be added up.

    Masses (N,) are in u.
    """

    _adding = ("density", "mass", "totals")

    def __init__(self, species: Sequence[str], masses: ArrayLike, *, axis: int = 1, bins: int = 20) -> None:
        symbols = as_symbols(species, len(species))
        self.masses = np.asarray(masses, dtype=np.float64)
        if self.masses.shape != symbols.shape or not (self.masses > 0).all():
            got = f"shape {self.masses.shape}"
            remedy = "give the mass of every atom"
            raise InputError("masses", need=f"{len(symbols)} positive masses in u", got=got, remedy=remedy)
        if axis not in (0, 1, 2) or bins < 1:
            got = f"axis {axis}, {bins} layers"
            remedy = "choose one of the three cell vectors"
            raise InputError("axis", need="cell vector 0, 1 or 2 and at least one layer", got=got, remedy=remedy)
        self.axis, self.bins = axis, bins
        self.names, self.kinds = np.unique(symbols, return_inverse=True)
        self.density = np.zeros((len(self.names), bins))
        self.mass = np.zeros(bins)
        self.totals = np.zeros(2)  # frames, sum of heights

    def add(self, positions: Floats, cell: Floats) -> None:
        """Count the atoms of one frame."""
        along = wrap_fractional(positions @ np.linalg.inv(cell)[:, self.axis])
        layer = np.minimum((along * self.bins).astype(int), self.bins - 1)
        volume = abs(float(np.linalg.det(cell))) / self.bins
        size = len(self.names) * self.bins
        counts = np.bincount(self.kinds * self.bins + layer, minlength=size).reshape(-1, self.bins)
        self.density += counts / volume
        self.mass += np.bincount(layer, self.masses, minlength=self.bins) / volume * GRAM_PER_CM3
        self.totals += [1.0, float(heights(cell)[self.axis])]

    def result(self) -> LayerProfile:
        """Normalise the counts."""
        frames = float(self.totals[0])
        total = self.density.sum(axis=0)
        return LayerProfile(
            axis=self.axis,
            y=np.asarray((np.arange(self.bins) + 0.5) / self.bins * self.totals[1] / frames, dtype=np.float64),
            species=tuple(map(str, self.names)),
            fractions=np.asarray(self.density / np.where(total > 0, total, np.nan), dtype=np.float64),
            densities=self.density / frames,
            mass_density=self.mass / frames,
            n_frames=int(frames),
        )


@typed
@references("chen2025")
def layer_profiles(
    positions: ArrayLike, cell: ArrayLike, species: Sequence[str], masses: ArrayLike, *, axis: int = 1, bins: int = 20
) -> LayerProfile:
    """Compute the composition and the mass density in layers across a cell.

    Parameters
    ----------
    positions, cell, species
        See `radial_distribution`.
    masses : array_like, (N,)
        Masses in u.
    axis : {1, 0, 2}
        Cell vector that counts the layers; they lie parallel to the other two.
    bins : int, default 20
        Number of layers.

    Returns
    -------
    LayerProfile
        Number fractions, number densities and mass density of every layer.

    Raises
    ------
    InputError
        If masses are missing, or the axis is none of the cell.

    Examples
    --------
    >>> p = layer_profiles([[0.0, 1, 0], [0, 6, 0]], np.diag([2.0, 8.0, 2.0]), ["Li", "S"], [6.94, 32.06], bins=2)
    >>> p.species, p.fractions.tolist(), p.mass_density.round(3).tolist()
    (('Li', 'S'), [[1.0, 0.0], [0.0, 1.0]], [0.72, 3.327])
    """
    frames, cells, _ = as_frames(positions, cell)
    as_symbols(species, frames.shape[1])
    histogram = LayerHistogram(species, masses, axis=axis, bins=bins)
    for frame, lattice in zip(frames, cells, strict=True):
        histogram.add(frame, lattice)
    return histogram.result()
