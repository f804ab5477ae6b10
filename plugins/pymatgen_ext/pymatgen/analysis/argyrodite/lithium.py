"""Lithium that is added on empty tetrahedral sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionpath.errors import InputError
from ionpath.lattice.arrangements import farthest_points
from pymatgen.analysis.argyrodite.sites import lithium_sites

if TYPE_CHECKING:
    from pymatgen.core import Structure

CLOSEST = 1.95


def add_lithium(
    structure: Structure, number: int, *, kinds: tuple[str, ...] = ("T5", "T2", "T4"), seed: int = 0
) -> Structure:
    """Add lithium on empty tetrahedral sites, each as far as possible from all other lithium.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import argyrodite
    >>> add_lithium(argyrodite(), 1).formula
    'Li25 P4 S20 Cl4'
    """
    found = lithium_sites(structure)
    candidates = found.coords[found.of(*kinds)]
    lithium = [k for k, site in enumerate(structure) if site.specie.symbol == "Li"]
    cell = structure.lattice.matrix
    try:
        chosen = farthest_points(
            candidates, cell, number, occupied=structure.cart_coords[lithium], closest=CLOSEST, seed=seed
        )
    except InputError as error:
        raise InputError(
            "lithium", need=f"room for {number} more on {', '.join(kinds)} sites, {CLOSEST} A from others",
            got=error.got, remedy="lithium on 24g leaves the most room",
        ) from error  # fmt: skip
    new = structure.copy()
    species = structure[lithium[0]].specie if lithium else "Li"
    for position in candidates[np.asarray(chosen)]:
        new.append(species, position, coords_are_cartesian=True)
    return new
