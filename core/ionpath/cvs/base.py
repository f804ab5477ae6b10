"""What a collective variable is: a function of positions in a cell, with gradient and virial.

There are two leaves. `CellVariable` takes any function of positions and cell that brings its derivatives along, as
other packages do. Each `CollectiveVariable` of this one is written as a function of vectors
``v = W x + (lattice vectors)`` with a constant matrix W whose rows sum to zero. One chain rule then gives every
gradient (``W^T dS/dv``) and every virial (``-sum_m v_m (x) dS/dv_m``), the latter exact in any cell, since a strain of
positions and cell together strains every such vector in the same way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import finite, typed
from ionpath.arrays import Floats
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.msonable import Msonable

Image = Callable[[Floats], Floats]
"""Function from difference vectors (m, 3) to their shortest periodic images (m, 3), in A."""


class Periodicity(Protocol):
    """Periodic boundaries as a host has them; the names are those of PLUMED's ``Pbc``."""

    def apply(self, vectors: Floats) -> Floats:
        """Shortest periodic images (m, 3) of difference vectors (m, 3), in A; it may work in place."""

    def getBox(self) -> Any:
        """Cell vectors as rows, (3, 3) in A; zeros without a cell."""


@dataclass(frozen=True)
class Periodic:
    """Periodic boundaries of a cell, or of none."""

    cell: Floats | None = None  # (3, 3): cell vectors as rows, in A; None for an isolated system

    def apply(self, vectors: Floats) -> Floats:
        """Shortest periodic images of difference vectors."""
        if self.cell is None:
            return vectors
        from ionpath.periodic import minimum_image

        return minimum_image(vectors, self.cell)

    def getBox(self) -> Floats:
        """Cell vectors as rows; zeros without a cell."""
        return np.zeros((3, 3)) if self.cell is None else self.cell


@documented
@dataclass(frozen=True)
class Component:
    """One output of a collective variable."""

    name: str  # name, by which a host refers to it
    period: tuple[float, float] | None = None  # lower and upper end of the period, None where it is not periodic


@documented
@dataclass(frozen=True)
class Evaluation(Msonable):
    """Values with their derivatives."""

    names: tuple[str, ...]  # names of the components
    values: Floats  # (k,): values (A, rad or pure numbers)
    gradients: Floats  # (k, n_atoms, 3): derivatives with respect to the positions, per A
    # (k, 3, 3): ``-dS/d(strain)``: element ab is minus the sum of (component a of a vector) times (derivative along b)
    virials: Floats

    def __getitem__(self, name: str) -> float:
        """Value of the component called `name`."""
        return float(self.values[self.names.index(name)])


class Variable(ABC):
    """One or more components of a number of atoms, evaluated with their derivatives."""

    @property
    @abstractmethod
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs, in the order of the values."""

    @property
    @abstractmethod
    def n_atoms(self) -> int:
        """Number of atoms, in the order in which they are given."""

    @abstractmethod
    def evaluate_at(self, positions: Floats, periodicity: Periodicity) -> tuple[Floats, Floats, Floats]:
        """Values (k,), gradients (k, n_atoms, 3) and virials (k, 3, 3), with the periodic boundaries of a host."""

    @typed
    def evaluate(self, positions: ArrayLike, cell: ArrayLike | None = None) -> Evaluation:
        """Values, gradients and virials of positions (n_atoms, 3) in A, wrapped or not.

        `cell` (3, 3) holds the cell vectors as rows in A; None is an isolated system. InputError if the number of atoms
        is wrong or a coordinate is not finite.
        """
        place = np.asarray(positions, dtype=float)
        if place.shape != (self.n_atoms, 3):
            need = f"{self.n_atoms} atoms, shape ({self.n_atoms}, 3)"
            remedy = "pass the atoms of this variable in its order"
            raise InputError("positions", need=need, got=f"shape {place.shape}", remedy=remedy)
        if not np.isfinite(place).all():
            raise InputError("positions", need="finite numbers", got="nan or infinity", remedy="check the frame")
        box = None if cell is None else finite("cell", cell)
        with np.errstate(all="ignore"):
            found = self.evaluate_at(place, Periodic(box))
        if not all(np.isfinite(part).all() for part in found):
            raise InputError("positions", need="coordinates at which the variable has a value and derivatives",
                             got=f"lengths up to {np.abs(place).max():.3g} A", remedy="check the frame")  # fmt: skip
        return Evaluation(tuple(c.name for c in self.components), *found)


@typed
@documented
@dataclass(frozen=True)
class CellVariable(Variable):
    """One value that a function gives of positions and cell, together with its derivatives.

    Examples
    --------
    >>> def distance(positions, cell):
    ...     vector = positions[1] - positions[0]
    ...     length = float(np.linalg.norm(vector))
    ...     slope = vector / length
    ...     return length, np.array([-slope, slope]), -np.outer(vector, slope)
    >>> float(CellVariable(distance, 2).evaluate([[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]])["value"])
    5.0
    """

    # ``function(positions, cell) -> (value, gradient, virial)`` with `positions` (n_atoms, 3) and `cell` (3, 3) in A
    # (zeros without a cell), `gradient` (n_atoms, 3) and `virial` (3, 3), which is minus the derivative with respect to
    # a strain of positions and cell
    function: Callable[[Floats, Floats], tuple[float, ArrayLike, ArrayLike]]
    count: int  # number of atoms
    period: tuple[float, float] | None = None  # lower and upper end of the period

    def __post_init__(self) -> None:
        """Check the number of atoms."""
        whole("count", self.count, 0)  # 0 while a host has not said how many

    @property
    def components(self) -> tuple[Component, ...]:
        """The one value."""
        return (Component("value", self.period),)

    @property
    def n_atoms(self) -> int:
        """Number of atoms, in the order in which they are given."""
        return self.count

    def evaluate_at(self, positions: Floats, periodicity: Periodicity) -> tuple[Floats, Floats, Floats]:
        """Value (1,), gradient (1, n_atoms, 3) and virial (1, 3, 3)."""
        found = self.function(np.array(positions, dtype=float), np.array(periodicity.getBox(), dtype=float))
        try:
            value, gradient, virial = (np.array(part, dtype=float, order="C")[None] for part in found)
        except (TypeError, ValueError) as error:
            got = f"{type(found).__name__}: {error}"
            remedy = "return three arrays of numbers from the function"
            raise InputError("collective variable", need="(value, gradient, virial)", got=got, remedy=remedy) from error
        for name, part, shape in (
            ("value", value, ()), ("gradient", gradient, (self.n_atoms, 3)), ("virial", virial, (3, 3)),
        ):  # fmt: skip
            if part.shape[1:] != shape:
                got = f"{part.shape[1:]}"
                remedy = "mend what the function returns"
                raise InputError(f"{name} of the collective variable", need=f"shape {shape}", got=got, remedy=remedy)
        return value, gradient, virial


@typed
class CollectiveVariable(Variable):
    """A set of components that are functions of vectors between atoms.

    A subclass is a frozen dataclass that gives `components`, `combination` and `function`.
    """

    @property
    @abstractmethod
    def combination(self) -> Floats:
        """Matrix W, (n_vectors, n_atoms): vectors from positions. Its rows sum to zero."""

    @property
    def wholes(self) -> tuple[tuple[int, ...], ...]:
        """Groups of atoms to be put beside the first of each before vectors are taken."""
        return ()

    @abstractmethod
    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Values (k,) and derivatives (k, n_vectors, 3) of the vectors (n_vectors, 3)."""

    def functions(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Values (n, k) and derivatives (n, k, n_vectors, 3) of the vectors (n, n_vectors, 3) of many groups of atoms.

        Variables that are cheap are written on arrays here; `function` of each group is their definition.
        """
        values, slopes = zip(*map(self.function, vectors), strict=True)
        return np.array(values), np.array(slopes)

    @cached_property
    def weights(self) -> tuple[Floats, Floats]:
        """The matrix W and its transpose."""
        matrix = np.ascontiguousarray(self.combination, dtype=float)
        return matrix, np.ascontiguousarray(matrix.T)

    @property
    def n_atoms(self) -> int:
        """Number of atoms, in the order in which they are given."""
        return int(self.weights[0].shape[1])

    def evaluate_at(self, positions: Floats, periodicity: Periodicity) -> tuple[Floats, Floats, Floats]:
        """Values (k,), gradients (k, n_atoms, 3) and virials (k, 3, 3)."""
        return self.compute(positions, periodicity.apply)

    def compute(self, positions: Floats, image: Image) -> tuple[Floats, Floats, Floats]:
        """Values (k,), gradients (k, n_atoms, 3) and virials (k, 3, 3), for a host that brings its own minimum image.

        Positions (n_atoms, 3) in A may be wrapped; `image` turns vectors (m, 3) into their shortest periodic images (m,
        3), in place if it likes.
        """
        if self.wholes:
            positions = positions.copy()
            for group in self.wholes:
                first, rest = positions[group[0]], list(group[1:])
                positions[rest] = first + image(positions[rest] - first)
        forward, backward = self.weights
        vectors = image(forward @ positions)
        values, slopes = self.function(vectors)
        return values, backward @ slopes, -(vectors.T @ slopes)


@typed
def finite_differences(
    variable: Variable, positions: ArrayLike, cell: ArrayLike | None = None, *, step: float = 1e-5
) -> tuple[Floats, Floats]:
    """Gradients and virials by central differences: the slow twin of the analytic ones.

    Parameters
    ----------
    variable : Variable
        What to differentiate.
    positions : array_like, (n_atoms, 3)
        Positions in A.
    cell : array_like, (3, 3), optional
        Cell vectors as rows, in A.
    step : float
        Displacement in A, and strain.

    Returns
    -------
    tuple of ndarray
        Gradients (k, n_atoms, 3) and virials (k, 3, 3).

    Examples
    --------
    >>> from ionpath.cvs import ShellCoordinates
    >>> place = [[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 4.0, 0.0]]
    >>> gradients, _ = finite_differences(ShellCoordinates(), place)
    >>> np.round(gradients[0, 0], 6) + 0.0
    array([-1.,  0.,  0.])
    """
    place = np.array(positions, dtype=float)
    box = None if cell is None else np.array(cell, dtype=float)
    periods = [c.period for c in variable.components]

    def difference(high: Evaluation, low: Evaluation) -> Floats:
        change = high.values - low.values
        for k, period in enumerate(periods):
            if period is not None:
                width = period[1] - period[0]
                change[k] -= width * np.round(change[k] / width)
        return change / (2 * step)

    gradients = np.zeros((len(periods), *place.shape))
    for atom, axis in np.ndindex(place.shape):
        shift = np.zeros_like(place)
        shift[atom, axis] = step
        gradients[:, atom, axis] = difference(
            variable.evaluate(place + shift, box), variable.evaluate(place - shift, box)
        )
    virials = np.zeros((len(periods), 3, 3))
    for a, b in np.ndindex(3, 3):
        ends = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[a, b] += sign * step
            ends.append(variable.evaluate(place @ strain, None if box is None else box @ strain))
        virials[:, a, b] = -difference(*ends)
    return gradients, virials
