"""State of an ion in its coordination shell as a smooth membership vector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.cvs.base import CollectiveVariable, Component
from ionpath.documented import documented
from ionpath.errors import InputError

Point = tuple[float, float, float]


@typed
@documented
@dataclass(frozen=True)
class ShellMembership(CollectiveVariable):
    """Smooth membership of an ion in the sites of one coordination shell.

    Atoms: the ion, then the atoms whose mean is the centre. Components: ``p0`` (external), ``p1``, ``p2``, ... for the
    sites; they add up to 1. A discrete state is the component above 1/2.

    Notes
    -----
    ``p_k = exp(-|v - s_k|^2 / 2 w^2) / Z`` and ``p_0 = exp(-c^2 / 2 w^2) / Z`` with the cutoff c and Z the sum of
    all. In the limit of small w this is the nearest site within the cutoff, the rule of the site states of path
    entropy. The sites do not follow a change of the cell.

    Examples
    --------
    >>> shell = ShellMembership(sites=((2.0, 0.0, 0.0), (-2.0, 0.0, 0.0)))
    >>> shell.evaluate([[1.9, 0.1, 0.0], [0.0, 0.0, 0.0]]).values.round(3) + 0.0
    array([0., 1., 0.])
    """

    sites: tuple[Point, ...]  # vectors from the centre to the sites, in A and in the frame of the box
    width: float = 0.3  # width w in A; small: sharp borders, half-way between sites
    cutoff: float = 1.4  # distance in A from a site at which an ion belongs to it and to the outside in equal parts
    n_centre: int = 1  # number of atoms whose mean is the centre

    def __post_init__(self) -> None:
        """Check the numbers."""
        shape = np.asarray(self.sites, dtype=float)
        if shape.ndim != 2 or shape.shape[1:] != (3,) or not np.isfinite(shape).all():
            need = "one vector (x, y, z) in A per site"
            raise InputError("sites", need=need, got=f"shape {shape.shape}", remedy="write one site per line")
        for name in ("width", "cutoff", "n_centre"):
            if not getattr(self, name) > 0:
                raise InputError(name, need="a number above 0", got=f"{getattr(self, name)}", remedy="leave it out")

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names of the outputs."""
        return tuple(Component(f"p{k}") for k in range(len(self.sites) + 1))

    @cached_property
    def wholes(self) -> tuple[tuple[int, ...], ...]:
        """The centre, where it is made of several atoms."""
        return (tuple(range(1, self.n_centre + 1)),) if self.n_centre > 1 else ()

    @cached_property
    def combination(self) -> Floats:
        """Vector from the centre to the ion."""
        return np.array([[1.0] + [-1.0 / self.n_centre] * self.n_centre])

    @cached_property
    def _sites(self) -> Floats:
        return np.asarray(self.sites, dtype=float)

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Memberships and derivatives of the vector from the centre."""
        away = vectors[0] - self._sites
        squares = np.concatenate([[self.cutoff**2], np.einsum("ij,ij->i", away, away)])
        exponents = -squares / (2 * self.width**2)
        weights = np.exp(exponents - exponents.max())
        weights /= weights.sum()
        pull = np.vstack([np.zeros(3), -away / self.width**2])
        return weights, (weights[:, None] * (pull - weights @ pull))[:, None, :]

    def functions(self, vectors: Floats) -> tuple[Floats, Floats]:
        """The same of many ions."""
        away = vectors - self._sites
        squares = np.einsum("gij,gij->gi", away, away)
        squares = np.concatenate([np.full((len(squares), 1), self.cutoff**2), squares], axis=1)
        weights = np.exp((squares.min(axis=1, keepdims=True) - squares) / (2 * self.width**2))
        weights /= weights.sum(axis=1, keepdims=True)
        pull = np.concatenate([np.zeros((len(away), 1, 3)), -away / self.width**2], axis=1)
        return weights, (weights[:, :, None] * (pull - weights[:, None] @ pull))[:, :, None]
