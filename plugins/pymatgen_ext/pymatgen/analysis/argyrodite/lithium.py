"""Lithium that is added on empty tetrahedral sites, or taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from ionpath.arrays import Bools, Indices
from ionpath.errors import InputError
from ionpath.lattice.neighbours import nearest_point
from ionpath.lattice.subsets import farthest_points
from pymatgen.analysis.argyrodite.framework import MOBILE, mobile_species, occupancies
from pymatgen.analysis.argyrodite.tetrahedral_sites import lithium_sites

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.framework import Argyrodite

VacancyRule = Literal["cage", "even", "random"]

VACANCY_RULES = ("cage", "even", "random")
CLOSEST = 1.95
"""Shortest distance between two lithium, in A: sites that share a face are 1.9 A apart, the next 2.2 A."""


def add_lithium(
    structure: Structure, number: int, *, kinds: tuple[str, ...] = ("T5", "T2", "T4"), seed: int = 0
) -> Structure:
    """Add lithium, or what the mobile ions are, on empty tetrahedral sites, each as far as possible from all others.

    >>> from pymatgen.analysis.argyrodite import argyrodite
    >>> add_lithium(argyrodite(), 1).formula
    'Li25 P4 S20 Cl4'
    """
    found = lithium_sites(structure)
    candidates = found.coords[found.of(*kinds)]
    mobile = np.flatnonzero(occupancies(structure, MOBILE)[0] > 0)
    cell = structure.lattice.matrix
    try:
        chosen = farthest_points(
            candidates, cell, number, occupied=structure.cart_coords[mobile], closest=CLOSEST, seed=seed
        )
    except InputError as error:
        need = f"room for {number} more on {', '.join(kinds)} sites, {CLOSEST} A from others"
        raise InputError("lithium", need=need, got=error.got, remedy="lithium on 24g leaves the most room") from error
    new = structure.copy()
    species = mobile_species(structure, mobile)
    for position in candidates[np.asarray(chosen)]:
        new.append(species, position, coords_are_cartesian=True)
    return new


def change_lithium(
    structure: Structure, found: Argyrodite, change: int, rule: VacancyRule, seed: int, *, halide: Indices | None = None
) -> Structure:
    """Add lithium on empty tetrahedral sites, or take some out."""
    if change > 0:
        return add_lithium(structure, change, seed=seed)
    if change < 0:
        if halide is None:
            halide = found.sulfur_sites[found.halide_on_sulfur_sites > 0.5]
        gone = choose_vacancies(structure, found, -change, rule, halide, seed)
        structure.remove_sites([int(k) for k in gone])
    return structure


def choose_vacancies(
    structure: Structure, found: Argyrodite, number: int, rule: VacancyRule, halide: Indices, seed: int
) -> Indices:
    """Choose lithium to take out."""
    if number > len(found.mobile):
        remedy = "change the composition less, or start with more lithium"
        raise InputError("lithium", need=f"{number} ions to remove", got=f"{len(found.mobile)}", remedy=remedy)
    rng = np.random.default_rng(seed)
    if rule == "random":
        return np.sort(rng.choice(found.mobile, size=number, replace=False))
    if rule == "even":
        places = structure.cart_coords[found.mobile]
        return np.sort(found.mobile[farthest_points(places, structure.lattice.matrix, number, seed=seed)])
    return _from_cages(structure, found, number, np.isin(found.sulfur_sites, halide), rng)


def _from_cages(
    structure: Structure, found: Argyrodite, number: int, around_halide: Bools, rng: np.random.Generator
) -> Indices:
    """Cages around halide lose one ion each before any loses two."""
    cage = nearest_cage(structure, found)
    order = rng.permutation(len(found.mobile))
    # The k-th ion that a cage would lose belongs to its k-th round.
    turn = np.empty(len(order), dtype=np.intp)
    seen = np.zeros(len(around_halide), dtype=np.intp)
    for ion in order:
        turn[ion] = seen[cage[ion]]
        seen[cage[ion]] += 1
    shuffled = rng.permutation(len(around_halide))
    rank = np.lexsort((shuffled[cage], turn, ~around_halide[cage]))
    return np.sort(found.mobile[rank[:number]])


def nearest_cage(structure: Structure, found: Argyrodite) -> Indices:
    """The cage (site of the free-sulfur orbit) that is nearest to each mobile cation."""
    xyz = structure.cart_coords
    return nearest_point(xyz[found.mobile], xyz[found.sulfur_sites], structure.lattice.matrix)
