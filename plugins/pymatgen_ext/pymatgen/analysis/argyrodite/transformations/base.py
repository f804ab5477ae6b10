"""What all transformations of argyrodites have in common."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymatgen.transformations.transformation_abc import AbstractTransformation

from ionpath.arguments import typed
from pymatgen.analysis.argyrodite.composition import check_conserved
from pymatgen.analysis.argyrodite.energies import json_ready
from pymatgen.analysis.argyrodite.framework import analyse
from pymatgen.analysis.argyrodite.occupancies import ON_ORBIT, order_occupancies

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.framework import Argyrodite

Change = dict[frozenset[str], float]
"""Group of elements -> atoms of it more (or, below 0, fewer) than before; all other elements keep their number."""


@typed
class ArgyroditeTransformation(AbstractTransformation):
    """Recognise the sites, change what is on them, and assert that no atom is lost on the way."""

    seed: int

    def apply_transformation(self, structure: Structure) -> Structure:
        """Apply it to a cell or supercell of an argyrodite, which is not changed.

        Partial occupancies are replaced by one arrangement first, as `order_occupancies` does. Remaining sites keep
        their order; added lithium stands at the end. InputError if it is not an argyrodite, its charges do not balance,
        or it cannot hold the composition.
        """
        start = self._ordered(structure)
        made, change = self._apply(start, analyse(start))
        check_conserved(start, made, change)
        return made

    def _ordered(self, structure: Structure) -> Structure:
        if structure.is_ordered:
            return structure
        with warnings.catch_warnings():  # the numbers on each orbit are what a transformation sets
            warnings.filterwarnings("ignore", f".*{ON_ORBIT}")
            return order_occupancies(structure, seed=self.seed)

    @abstractmethod
    def _apply(self, structure: Structure, found: Argyrodite) -> tuple[Structure, Change]:
        """Transform an ordered structure; the change is by how much the composition may differ."""

    def as_dict(self) -> dict[str, Any]:
        """What MontyDecoder needs to make it again; InputError if the calculator is an object."""
        json_ready(getattr(self, "calculator", None))
        # The package, not the file in it: what is written today loads wherever the class moves.
        return {**super().as_dict(), "@module": __package__}

    @property
    def use_multiprocessing(self) -> bool:
        """Whether a transmuter may use worker processes: not with a calculator object."""
        return isinstance(getattr(self, "calculator", None), str | Mapping | None)
