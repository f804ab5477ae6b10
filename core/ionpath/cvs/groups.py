"""One collective variable of many groups of atoms, in one call on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats
from ionpath.cvs.base import CollectiveVariable, Component, Evaluation, Periodicity, Variable
from ionpath.errors import InputError


@dataclass(frozen=True)
class Groups(Variable):
    """The same collective variable of a number of groups of atoms.

    Components: those of the variable with the number of the group behind, ``d1-1``, ``d2-1``, ..., ``d1-2``, ...; atoms
    and components are in the order of the groups.

    Attributes
    ----------
    one : CollectiveVariable
        The variable of a single group.
    count : int
        Number of groups.

    Raises
    ------
    InputError
        If there is no group, or the variable is not a function of vectors between atoms.

    Examples
    --------
    >>> from ionpath.cvs import BondTilt
    >>> bonds = [[0.0, 0.0, 0.0], [0.0, 0.0, 2.0], [5.0, 0.0, 0.0], [7.0, 0.0, 0.0]]
    >>> result = Groups(BondTilt(), 2).evaluate(bonds)
    >>> result.names
    ('theta-1', 'phi-1', 'theta-2', 'phi-2')
    >>> np.degrees(result.values).round(6)
    array([ 0.,  0., 90.,  0.])
    """

    one: CollectiveVariable
    count: int

    def __post_init__(self) -> None:
        """Check the variable and the number."""
        if not isinstance(self.one, CollectiveVariable):
            need = "a variable of vectors between atoms"
            raise InputError("groups", need=need, got=type(self.one).__name__, remedy="write one line for each group")
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            remedy = "write how many there are"
            raise InputError("groups", need="a number of groups, at least 1", got=repr(self.count), remedy=remedy)

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs, group after group."""
        each = self.one.components
        return tuple(Component(f"{c.name}-{k + 1}", c.period) for k in range(self.count) for c in each)

    @property
    def n_atoms(self) -> int:
        """Number of atoms, group after group."""
        return self.count * self.one.n_atoms

    def evaluate_at(self, positions: Floats, periodicity: Periodicity) -> tuple[Floats, Floats, Floats]:
        """Values (k,), gradients (k, n_atoms, 3) and virials (k, 3, 3); gradients are overwritten by the next call."""
        image, n = periodicity.apply, self.count
        place = positions.reshape(n, -1, 3)
        if type(self.one).compute is not CollectiveVariable.compute:  # more than a function of vectors
            return self._one_by_one(place, periodicity)
        if self.one.wholes:
            place = place.copy()
            for group in self.one.wholes:
                first, rest = place[:, group[0], None], list(group[1:])
                moved = image((place[:, rest] - first).reshape(-1, 3)).reshape(n, -1, 3)
                place[:, rest] = first + moved
        forward, backward = self.one.weights
        vectors = image(np.matmul(forward, place).reshape(-1, 3)).reshape(n, -1, 3)
        values, slopes = self.one.functions(vectors)
        virials = -np.matmul(vectors.transpose(0, 2, 1)[:, None], slopes)
        here = np.arange(n)
        self._gradients[here, :, here] = np.matmul(backward, slopes)
        k = values.size
        return values.ravel(), self._gradients.reshape(k, -1, 3), virials.reshape(k, 3, 3)

    def _one_by_one(self, place: Floats, periodicity: Periodicity) -> tuple[Floats, Floats, Floats]:
        values, gradients, virials = zip(*(self.one.evaluate_at(x, periodicity) for x in place), strict=True)
        here = np.arange(self.count)
        self._gradients[here, :, here] = gradients
        flat = np.concatenate(values)
        return flat, self._gradients.reshape(len(flat), -1, 3), np.concatenate(virials)

    def evaluate(self, positions: ArrayLike, cell: ArrayLike | None = None) -> Evaluation:
        """Values, gradients and virials, see `Variable.evaluate`."""
        found = super().evaluate(positions, cell)
        return Evaluation(found.names, found.values, found.gradients.copy(), found.virials)

    @cached_property
    def _gradients(self) -> Floats:
        """Gradients (group, component, group, atom, axis): zero but for the group's own atoms."""
        n, k, atoms = self.count, len(self.one.components), self.one.n_atoms
        return np.zeros((n, k, n, atoms, 3))
