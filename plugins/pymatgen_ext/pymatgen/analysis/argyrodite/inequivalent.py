"""Cells to enumerate in, lists and draws of arrangements, and structures made of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.arrays import Indices
from ionpath.lattice.decorations import Decorations, Sublattice, count_decorations, enumerate_decorations
from ionpath.lattice.sampling import sample_decorations
from ionpath.lattice.superlattices import Superlattice
from pymatgen.analysis.argyrodite.anions import free_anions, place_anions
from pymatgen.analysis.argyrodite.energies import energy_function
from pymatgen.analysis.argyrodite.framework import Argyrodite, analyse
from pymatgen.analysis.argyrodite.symmetry import Operations, framework_operations, permutations_of

if TYPE_CHECKING:
    from pymatgen.core import Structure

_LIST_AT_MOST = 2_000_000
_LIST_AT_ONCE = 100_000


@dataclass(frozen=True)
class Cell:
    """A cell to enumerate in: its sites, and the operations as permutations of them."""

    structure: Structure  # the cell
    found: Argyrodite  # its sites by orbit
    # (N,): site indices that the columns of the permutations stand for: 4a, the free-sulfur orbit, lithium
    sites: Indices
    permutations: Indices  # (G, N): operations
    lattice_translations: Indices  # (T, N): those that are translations of the input cell
    supercell: list[list[int]]  # its vectors in terms of those of the input cell
    size: int  # number of input cells


def make_cell(
    structure: Structure,
    found: Argyrodite,
    operations: Operations,
    lattice: Superlattice,
    lithium: bool,
    symprec: float,
) -> Cell:
    """Build a supercell with the operations that keep it."""
    new, sites_of = structure, found
    if lattice.index > 1:
        new = structure.make_supercell(lattice.matrix.tolist(), in_place=False)
        sites_of = analyse(new)
    rotations, translations, pure = lattice.operations(operations.rotations, operations.translations)
    anions, _ = free_anions(sites_of)
    sites = np.concatenate([anions, sites_of.mobile]) if lithium else anions
    permutations = permutations_of(Operations(rotations, translations), new, sites, symprec=symprec)
    return Cell(new, sites_of, sites, permutations, permutations[pure], lattice.matrix.tolist(), lattice.index)


def decorations(permutations: Indices, parts: list[Sublattice], at_most: int, seed: int) -> Decorations:
    """List all arrangements, or draw some where there are too many."""
    arrangements = prod(comb(len(p.sites), p.number) for p in parts)
    few_sites = sum(len(p.sites) for p in parts) <= 64
    if arrangements <= _LIST_AT_ONCE and few_sites:
        listed = enumerate_decorations(permutations, parts)
        if len(listed) <= at_most:
            return listed
    inequivalent, _ = count_decorations(permutations, parts)
    if inequivalent <= at_most and arrangements <= _LIST_AT_MOST and few_sites:
        return enumerate_decorations(permutations, parts)
    return sample_decorations(permutations, parts, min(at_most, inequivalent), seed=seed)


def lowest_arrangement(
    structure: Structure, found: Argyrodite, on_halide: int, on_sulfur: int, calculator: Any, at_most: int, seed: int
) -> Indices:
    """Find the free anion sites that hold halide in the arrangement with the lowest energy at one inversion."""
    operations = framework_operations(structure, found, of="structure")
    anions, _ = free_anions(found)
    n = found.n_formula_units
    permutations = permutations_of(operations, structure, anions)
    parts = [Sublattice(tuple(range(n)), on_halide), Sublattice(tuple(range(n, 2 * n)), on_sulfur)]
    listed = decorations(permutations, parts, at_most, seed)
    energy = energy_function(calculator)
    energies = [energy(place_anions(structure, found, anions[row], seed=seed)) for row in listed.chosen]
    return anions[listed.chosen[int(np.argmin(energies))]]
