"""An ion among coordination shells: distances to their centres, nearest centre, direction, coordination number."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.cvs.base import Component
from ionpath.cvs.directions import UNTURNED, Matrix, Turned, direction_angles, many_direction_angles
from ionpath.cvs.switching import Rational
from ionpath.documented import documented
from ionpath.errors import InputError


@typed
@documented
@dataclass(frozen=True)
class ShellCoordinates(Turned):
    """Where one ion is with respect to the centres of coordination shells.

    Components: ``d1``, ``d2``, ... distances to the centres (A); ``difference`` = d1 - d2 and ``nearest`` = the
    smallest (A, with two centres or more); ``theta``, ``phi``: polar and azimuthal angle (rad) of the vector from the
    first centre to the ion in the crystal frame; ``coordination``: number of `neighbours` around the first centre.

    Notes
    -----
    The gradient of theta is 0 exactly at the poles, where its direction is undefined; that of phi grows as
    1/sin(theta) and is 0 exactly at the poles. At a distance of exactly 0 all gradients are 0.

    Examples
    --------
    >>> cv = ShellCoordinates()
    >>> result = cv.evaluate([[9.0, 0.0, 0.0], [1.0, 0.0, 0.0], [6.0, 4.0, 0.0]], np.eye(3) * 10.0)
    >>> result["d1"], result["d2"], result["nearest"]
    (2.0, 5.0, 2.0)
    """

    # for each centre the atoms whose mean it is, as positions in the list of atoms; atom 0 is the ion
    centres: tuple[tuple[int, ...], ...] = ((1,), (2,))
    neighbours: tuple[int, ...] = ()  # ions that are counted around the first centre; none: no coordination number
    switching: Rational = field(default_factory=lambda: Rational(r0=0.5, d0=2.5))  # what counts as a neighbour
    # rows are the crystal axes a, b, c as unit vectors in the frame of the box
    rotation: Matrix = UNTURNED
    # 0: `nearest` is the exact minimum, whose gradient jumps where two centres are equally near. Above 0 (A): the
    # smooth minimum ``-k ln sum exp(-d/k)``, at most ``k ln n`` below the exact one.
    softness: float = 0.0

    def __post_init__(self) -> None:
        """Check the atoms and the axes."""
        if not self.centres or not all(self.centres):
            need = "at least one atom for every centre"
            raise InputError("centres", need=need, got=repr(self.centres), remedy="list the atoms of each centre")
        for group in (*self.centres, self.neighbours):
            if len(set(group)) != len(group) or (0 in group and group is not self.neighbours):
                remedy = "name every atom once"
                raise InputError("centres", need="different atoms, none of them the ion", got=f"{group}", remedy=remedy)
        super().__post_init__()

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs."""
        found = [Component(f"d{k + 1}") for k in range(len(self.centres))]
        if len(self.centres) > 1:
            found += [Component("difference"), Component("nearest")]
        found += [Component("theta"), Component("phi", (-np.pi, np.pi))]
        return (*found, Component("coordination")) if self.neighbours else tuple(found)

    @cached_property
    def wholes(self) -> tuple[tuple[int, ...], ...]:
        """Centres made of several atoms."""
        return tuple(group for group in self.centres if len(group) > 1)

    @cached_property
    def combination(self) -> Floats:
        """Vectors from each centre to the ion, then from the first centre to each neighbour."""
        n_atoms = 1 + max(max(max(g) for g in self.centres), max(self.neighbours, default=0))
        matrix = np.zeros((len(self.centres) + len(self.neighbours), n_atoms))
        matrix[: len(self.centres), 0] = 1.0
        for row, group in enumerate(self.centres):
            matrix[row, list(group)] = -1.0 / len(group)
        for row, atom in enumerate(self.neighbours, start=len(self.centres)):
            matrix[row, list(self.centres[0])] = -1.0 / len(self.centres[0])
            matrix[row, atom] += 1.0
        return matrix

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Values and derivatives of the vectors from the centres."""
        n, k = len(self.centres), len(self.components)
        values, slopes = np.zeros(k), np.zeros((k, len(vectors), 3))
        distances = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        units = vectors / np.where(distances > 0, distances, 1.0)[:, None]
        values[:n] = distances[:n]
        for i in range(n):
            slopes[i, i] = units[i]
        at = n
        if n > 1:
            values[at] = distances[0] - distances[1]
            slopes[at, 0], slopes[at, 1] = units[0], -units[1]
            values[at + 1], share = self._nearest(distances[:n])
            slopes[at + 1, :n] = share[:, None] * units[:n]
            at += 2
        values[at : at + 2], slopes[at : at + 2, 0] = direction_angles(vectors[0], self._axes)
        if self.neighbours:
            counts, slope = self.switching(distances[n:])
            values[at + 2] = counts.sum()
            slopes[at + 2, n:] = slope[:, None] * units[n:]
        return values, slopes

    def functions(self, vectors: Floats) -> tuple[Floats, Floats]:
        """The same of many ions, each with its centres."""
        n, k = len(self.centres), len(self.components)
        values, slopes = np.zeros((len(vectors), k)), np.zeros((len(vectors), k, *vectors.shape[1:]))
        distances = np.sqrt(np.einsum("gij,gij->gi", vectors, vectors))
        units = vectors / np.where(distances > 0, distances, 1.0)[:, :, None]
        values[:, :n] = distances[:, :n]
        for i in range(n):
            slopes[:, i, i] = units[:, i]
        at = n
        if n > 1:
            values[:, at] = distances[:, 0] - distances[:, 1]
            slopes[:, at, 0], slopes[:, at, 1] = units[:, 0], -units[:, 1]
            lowest = distances[:, :n].min(axis=1)
            share = distances[:, :n] == lowest[:, None]
            share = (share & (np.cumsum(share, axis=1) == 1)).astype(float)
            values[:, at + 1] = lowest
            if self.softness:
                share = np.exp(-(distances[:, :n] - lowest[:, None]) / self.softness)
                total = share.sum(axis=1)
                values[:, at + 1] -= self.softness * np.log(total)
                share /= total[:, None]
            slopes[:, at + 1, :n] = share[:, :, None] * units[:, :n]
            at += 2
        values[:, at : at + 2], slopes[:, at : at + 2, 0] = many_direction_angles(vectors[:, 0], self._axes)
        if self.neighbours:
            counts, slope = self.switching(distances[:, n:].ravel())
            values[:, at + 2] = counts.reshape(len(vectors), -1).sum(axis=1)
            slopes[:, at + 2, n:] = slope.reshape(len(vectors), -1, 1) * units[:, n:]
        return values, slopes

    def _nearest(self, distances: Floats) -> tuple[float, Floats]:
        lowest = int(distances.argmin())
        if not self.softness:
            share = np.zeros(len(distances))
            share[lowest] = 1.0
            return float(distances[lowest]), share
        share = np.exp(-(distances - distances[lowest]) / self.softness)
        total = share.sum()
        return float(distances[lowest] - self.softness * np.log(total)), share / total
