"""Distortion of tetrahedra: s_d of PLUMED's TETRAHEDRAL, and a measure that does not depend on orientation."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.cvs.base import Component
from ionpath.cvs.directions import UNTURNED, Matrix, Turned
from ionpath.cvs.switching import Rational
from ionpath.documented import documented
from ionpath.errors import InputError

BONDS = ((0, 1), (0, 2), (0, 3), (0, 4))


@typed
@documented
@dataclass(frozen=True)
class TetrahedronDistortion(Turned):
    """Mean distortion of one or more tetrahedra.

    Components: ``sd``, mean over the central atoms of ``sum_j w_j 24 x y z / r^3 / sum_j w_j`` (equal to PLUMED's
    TETRAHEDRAL); ``q``, mean of ``1 - 9/4 <(cos psi_jk + 1/3)^2>`` over pairs of neighbours weighted by w_j w_k.

    Notes
    -----
    The four cubes of PLUMED's definition add up to ``24 x y z``. sd of a perfect tetrahedron is +-8/sqrt(3) =
    +-4.6188 when its bonds lie along the +-(111) directions of the frame, and 0 after a turn by 45 degrees about z:
    it measures orientation as much as shape. q is the measure of Errington and Debenedetti (doi:10.1038/35053024),
    1 for a perfect tetrahedron in any orientation.

    The switching function has a kink in its second derivative at d0; forces are continuous there. A central atom of
    which every neighbour has weight 0 counts as 0 with no gradient.

    Examples
    --------
    >>> bonds = 1.2 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
    >>> result = TetrahedronDistortion().evaluate(np.vstack([np.zeros(3), bonds]))
    >>> round(result["sd"], 4), round(result["q"], 6)
    (4.6188, 1.0)
    """

    # central atom and neighbour, as positions in the list of atoms. By default atom 0 and its four anions.
    pairs: tuple[tuple[int, int], ...] = BONDS
    # weight w of a neighbour at its distance
    switching: Rational = field(default_factory=lambda: Rational(r0=0.3, d0=2.6))
    # rows are the axes x, y, z of sd as unit vectors in the frame of the box
    rotation: Matrix = UNTURNED

    def __post_init__(self) -> None:
        """Check the pairs and the axes."""
        if not self.pairs or any(i == j for i, j in self.pairs) or len(set(self.pairs)) != len(self.pairs):
            got = f"{self.pairs}"
            remedy = "name each neighbour of a central atom once"
            raise InputError("pairs", need="different pairs of a central atom and a neighbour", got=got, remedy=remedy)
        super().__post_init__()

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs."""
        return (Component("sd"), Component("q"))

    @cached_property
    def combination(self) -> Floats:
        """Vectors from central atoms to neighbours, sorted by central atom."""
        matrix = np.zeros((len(self.pairs), 1 + max(max(pair) for pair in self.pairs)))
        for row, (centre, neighbour) in enumerate(sorted(self.pairs)):
            matrix[row, centre], matrix[row, neighbour] = -1.0, 1.0
        return matrix

    @cached_property
    def _owners(self) -> tuple[Indices, int]:
        _, owner = np.unique([centre for centre, _ in sorted(self.pairs)], return_inverse=True)
        return owner, int(owner.max()) + 1

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Values and derivatives of the vectors from the central atoms."""
        owner, n = self._owners
        distances = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        units = vectors / np.maximum(distances, 1e-300)[:, None]
        if n == 1 and distances.max() <= self.switching.d0:
            return _bonded(units, distances, self._axes)
        return self._general(units, distances, owner, n)

    def functions(self, vectors: Floats) -> tuple[Floats, Floats]:
        """The same of many groups, where each has one central atom with bonds that count in full."""
        distances = np.sqrt(np.einsum("gij,gij->gi", vectors, vectors))
        if self._owners[1] > 1 or distances.max() > self.switching.d0:
            return super().functions(vectors)
        return _many_bonded(vectors / np.maximum(distances, 1e-300)[:, :, None], distances, self._axes)

    def _general(self, units: Floats, distances: Floats, owner: Indices, n: int) -> tuple[Floats, Floats]:
        """Several central atoms, or neighbours of any weight."""
        inverse = (1.0 / np.where(distances > 0, distances, 1.0))[:, None]
        weights, slopes = self.switching(distances)
        values, jacobian = np.zeros(2), np.zeros((2, *units.shape))
        for k, measure in ((0, _cubic), (1, _tetrahedral)):
            for centre in range(n):
                mine = slice(None) if n == 1 else owner == centre
                u = units[mine]
                arguments = u if k or self._axes is None else u @ self._axes.T
                value, along, by_weight = measure(arguments, weights[mine])
                if not k and self._axes is not None:
                    along = along @ self._axes
                radial = by_weight * slopes[mine] - np.einsum("ij,ij->i", along, u) * inverse[mine, 0]
                values[k] += value / n
                jacobian[k, mine] += (along * inverse[mine] + radial[:, None] * u) / n
        return values, jacobian


def _bonded(units: Floats, distances: Floats, axes: Floats | None) -> tuple[Floats, Floats]:
    """One central atom whose neighbours all have the weight 1: the usual case, in few operations."""
    n = len(units)
    x, y, z = (units if axes is None else units @ axes.T).T
    along = np.empty((2, n, 3))
    along[0, :, 0], along[0, :, 1], along[0, :, 2] = y * z, x * z, x * y
    along[0] *= 24.0 / n
    sd = float(x @ along[0, :, 0])
    if axes is not None:
        along[0] = along[0] @ axes
    excess = units @ units.T + 1.0 / 3.0
    excess.flat[:: n + 1] = 0.0
    factor = 2.25 / (n * (n - 1))
    np.matmul(excess, units, out=along[1])
    along[1] *= -4.0 * factor
    radial = np.einsum("kij,ij->ki", along, units)
    along -= radial[:, :, None] * units
    along /= distances[:, None]
    return np.array([sd, 1.0 - factor * float(np.vdot(excess, excess))]), along


def _many_bonded(units: Floats, distances: Floats, axes: Floats | None) -> tuple[Floats, Floats]:
    """`_bonded` of many groups."""
    n = units.shape[1]
    turned = units if axes is None else units @ axes.T
    x, y, z = turned[..., 0], turned[..., 1], turned[..., 2]
    along = np.empty((len(units), 2, n, 3))
    along[:, 0] = (24.0 / n) * np.stack([y * z, x * z, x * y], axis=-1)
    sd = (x * along[:, 0, :, 0]).sum(axis=1)
    if axes is not None:
        along[:, 0] = along[:, 0] @ axes
    excess = np.matmul(units, units.transpose(0, 2, 1)) + 1.0 / 3.0
    excess[:, np.arange(n), np.arange(n)] = 0.0
    factor = 2.25 / (n * (n - 1))
    along[:, 1] = -4.0 * factor * np.matmul(excess, units)
    along -= np.einsum("gkij,gij->gki", along, units)[..., None] * units[:, None]
    along /= distances[:, None, :, None]
    return np.stack([sd, 1.0 - factor * (excess**2).sum(axis=(1, 2))], axis=1), along


def _cubic(units: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
    """Weighted mean of 24 xyz, and its derivatives with respect to unit vectors and weights."""
    total = weights.sum()
    if total == 0:
        return 0.0, np.zeros_like(units), np.zeros_like(weights)
    x, y, z = units.T
    each = 24.0 * x * y * z
    mean = float(weights @ each / total)
    along = 24.0 * np.stack([y * z, x * z, x * y], axis=1) * (weights / total)[:, None]
    return mean, along, (each - mean) / total


def _tetrahedral(units: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
    """One minus 9/4 of the weighted mean square of cos(psi) + 1/3 over pairs, and its derivatives."""
    pairs = np.outer(weights, weights)
    np.fill_diagonal(pairs, 0.0)
    total = pairs.sum()
    if total == 0:
        return 0.0, np.zeros_like(units), np.zeros_like(weights)
    excess = units @ units.T + 1.0 / 3.0
    mean = float((pairs * excess**2).sum() / total)
    along = -2.25 * 4.0 * (pairs * excess) @ units / total
    others = weights.sum() - weights
    square = excess**2
    np.fill_diagonal(square, 0.0)
    by_weight = -2.25 * 2.0 * (square @ weights - mean * others) / total
    return 1.0 - 2.25 * mean, along, by_weight
