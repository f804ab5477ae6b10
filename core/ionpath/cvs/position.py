"""Position of an ion in the frame of its drifting framework."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ionpath.arguments import finite, typed
from ionpath.arrays import Floats
from ionpath.cvs.base import CollectiveVariable, Component, Image
from ionpath.documented import documented
from ionpath.errors import InputError

Point = tuple[float, float, float]


@typed
@documented
@dataclass(frozen=True)
class FramePosition(CollectiveVariable):
    """Components ``x``, ``y``, ``z`` (A) of the position of an ion, the drift of the framework taken out.

    Atoms: the ion, then the atoms of the framework in the order of the reference.

    Notes
    -----
    ``x = x_ion - mean(x_f) + mean(R_f)``, with x_f the image of a framework atom nearest to where its reference R_f
    says that it is relative to the first atom. The components jump by a cell vector half a cell away from `origin`:
    keep the ion away from there with walls. When the cell changes the reference stays, so that the values mean what
    they say at the reference cell.

    Examples
    --------
    >>> frame = FramePosition(reference=((0.0, 0.0, 0.0), (5.0, 0.0, 0.0)), origin=(2.0, 0.0, 0.0))
    >>> drifted = [[12.5, 0.0, 0.0], [0.5, 0.0, 0.0], [5.5, 0.0, 0.0]]
    >>> frame.evaluate(drifted, np.eye(3) * 10.0).values
    array([2., 0., 0.])
    """

    # positions of the framework atoms in the reference structure, in A; none: position in the box
    reference: tuple[Point, ...] = ()
    # the shortest image of the ion as seen from this point is taken, in A: the middle of the region of interest
    origin: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Check shapes."""
        finite("origin", self.origin)
        shape = finite("reference", self.reference)
        if len(shape) and (shape.ndim != 2 or shape.shape[1] != 3):
            got = f"shape {shape.shape}"
            remedy = "list the framework atoms in the order of ATOMS"
            raise InputError("reference", need="one position (x, y, z) per framework atom", got=got, remedy=remedy)

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs."""
        return tuple(Component(axis) for axis in "xyz")

    @cached_property
    def combination(self) -> Floats:
        """Ion minus the mean of the framework."""
        n = len(self.reference)
        return np.array([[1.0] + [-1.0 / n] * n]) if n else np.ones((1, 1))

    @cached_property
    def _constants(self) -> tuple[Floats, Floats, Floats]:
        reference = np.asarray(self.reference, dtype=float).reshape(-1, 3)
        mean = reference.mean(0) if len(reference) else np.zeros(3)
        return ((reference - reference[0] if len(reference) else reference), mean, np.asarray(self.origin) - mean)

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Components of the vector from the middle of the framework, moved to the reference frame."""
        return vectors[0] + self._constants[1], np.eye(3)[:, None, :]

    def compute(self, positions: Floats, image: Image) -> tuple[Floats, Floats, Floats]:
        """Values (3,), gradients (3, n_atoms, 3) and virials (3, 3, 3), as `CollectiveVariable.compute` has them."""
        pattern, _, target = self._constants
        centre = np.zeros(3)
        if len(pattern):
            first = positions[1]
            centre = (first + pattern + image(positions[1:] - first - pattern)).mean(0)
        vector = image((positions[0] - centre - target)[None]) + target
        values, slopes = self.function(vector)
        return values, self.weights[1] @ slopes, -(vector.T @ slopes)
