"""PLUMED collective variable that an installed plugin package brings: ``IMPORT=ionpath_plumed.plugin``.

``v: PYCVINTERFACE ATOMS=3,4,5 IMPORT=ionpath_plumed.plugin INIT={name=mine}`` gives the variable that a package
registered with the hook ``collective_variables`` of `ionpath.plugins`.

Parameters, as ``INIT={name=value ...}``: ``name`` (of the registered variable), ``low``, ``high`` (ends of its
period).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ionpath.cvs import CollectiveVariable, Component
from ionpath.cvs.base import Floats, Image
from ionpath.errors import InputError
from ionpath_plumed._pycv import hooks


@dataclass(frozen=True)
class Registered(CollectiveVariable):
    """A registered function of positions and cell.

    Attributes
    ----------
    function_of_positions : callable
        ``function(positions, cell)`` that returns value, gradient and virial.
    count : int
        Number of atoms.
    period : tuple of float or None
        Ends of the period.
    """

    function_of_positions: Callable[..., Any]
    count: int
    period: tuple[float, float] | None = None

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """One value."""
        return (Component("value", self.period),)

    @cached_property
    def combination(self) -> Floats:
        """Not used: the function brings its own derivatives."""
        return np.zeros((1, self.count))

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Not used: see `compute_in_cell`."""
        raise NotImplementedError("a registered function is evaluated with positions and cell")

    def compute(self, positions: Floats, image: Image) -> tuple[Floats, Floats, Floats]:
        """Evaluate without a cell.

        Parameters
        ----------
        positions : ndarray, (n_atoms, 3)
            Positions in A.
        image : callable
            Not used.

        Returns
        -------
        tuple of ndarray
            Value (1,), gradient (1, n_atoms, 3), virial (1, 3, 3).
        """
        return self.compute_in_cell(positions, np.zeros((3, 3)))

    def compute_in_cell(self, positions: Floats, cell: Floats) -> tuple[Floats, Floats, Floats]:
        """Evaluate in a cell.

        Parameters
        ----------
        positions : ndarray, (n_atoms, 3)
            Positions in A.
        cell : ndarray, (3, 3)
            Cell vectors as rows, in A.

        Returns
        -------
        tuple of ndarray
            Value (1,), gradient (1, n_atoms, 3), virial (1, 3, 3).
        """
        value, gradient, virial = self.function_of_positions(positions, cell)
        return np.array([value]), np.asarray(gradient)[None], np.asarray(virial)[None]


def build(
    serials: Sequence[int] | None, *, name: str = "", low: float | None = None, high: float | None = None
) -> Registered:
    """Make the variable."""
    from ionpath.plugins import available

    known = available("collective_variables")
    if name not in known:
        raise InputError(
            "name", need=f"a registered variable ({', '.join(known) or 'none is installed'})", got=repr(name),
            remedy="install the package that brings it",
        )  # fmt: skip
    period = None if low is None or high is None else (float(low), float(high))
    return Registered(known[name], len(serials or ()), period)


plumedInit, plumedCalculate, __getattr__ = hooks(build)
