"""Substitution in the centres of the tetrahedra, balanced by lithium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pymatgen.core import Element, Species

from ionpath.arguments import typed
from ionpath.arrays import Indices
from ionpath.elements import CHARGES
from ionpath.errors import one_of, whole
from ionpath.lattice.subsets import even_subset
from ionpath.periodic import minimum_image
from pymatgen.analysis.argyrodite.composition import between, say_charge, whole_number
from pymatgen.analysis.argyrodite.framework import MOBILE, Argyrodite, analyse
from pymatgen.analysis.argyrodite.lithium import change_lithium
from pymatgen.analysis.argyrodite.transformations.base import ArgyroditeTransformation, Change

if TYPE_CHECKING:
    from pymatgen.core import Structure

BOND_LENGTHS = {"P": 2.05, "As": 2.17, "Si": 2.12, "Ge": 2.21, "Sn": 2.39, "Sb": 2.33}
"""Typical length of the bond to sulfur in isolated tetrahedra, in A."""


@typed
class AliovalentSubstitutionTransformation(ArgyroditeTransformation):
    """Replace phosphorus by Si, Ge, Sn, As or Sb, with lithium added or removed to balance the charge.

    Parameters
    ----------
    element : {"Si", "Ge", "Sn", "Sb", "As", "P"}
        What to put into tetrahedra.
    fraction : float
        Fraction of all tetrahedra that hold it afterwards.
    arrangement : {"random", "even"}
        At random, or with pair correlations as near as possible to those of full disorder.
    adjust_bonds : bool
        Stretch the bonds of the new centres in proportion to the usual bond lengths to sulfur.
    nearest : bool
        Take the nearest fraction that the cell can hold instead of refusing one that it cannot.
    seed : int
        Seed of the choices.

    Notes
    -----
    Si, Ge and Sn (+4) for P (+5) bring one lithium each, Li(6+x)P(1-x)M(x)S5X; Sb and As (+5) none. The lithium goes to
    empty tetrahedral sites as far as possible from the other lithium.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import AliovalentSubstitutionTransformation, argyrodite
    >>> AliovalentSubstitutionTransformation("Si", 0.25).apply_transformation(argyrodite(halide="I")).formula
    'Li25 Si1 P3 S20 I4'
    """

    def __init__(
        self,
        element: str,
        fraction: float,
        arrangement: str = "random",
        adjust_bonds: bool = True,
        nearest: bool = False,
        seed: int = 0,
    ) -> None:
        one_of("element", element, tuple(BOND_LENGTHS))
        one_of("arrangement", arrangement, ("random", "even"))
        self.element = element
        self.fraction = between("fraction", fraction, 0.0, 1.0)
        self.arrangement = arrangement
        self.adjust_bonds = adjust_bonds
        self.nearest = nearest
        self.seed = whole("seed", seed, 0)

    def _apply(self, structure: Structure, found: Argyrodite) -> tuple[Structure, Change]:
        say_charge(structure, found)
        n = found.n_formula_units
        symbols = np.array([structure[int(k)].specie.symbol for k in found.centres])
        there = symbols == self.element
        number = whole_number(
            "fraction", self.fraction, n, nearest=self.nearest, low=int(there.sum()), high=n,
            remedy=f"start from a structure with less {self.element}",
        )  # fmt: skip
        chosen = self._choose(structure, found, np.flatnonzero(~there), number - int(there.sum()))
        new = structure.copy()
        charge = 0
        for k in chosen.tolist():
            site = int(found.centres[k])
            charge += CHARGES[symbols[k]] - CHARGES[self.element]
            if self.adjust_bonds:
                _stretch(new, found, site, BOND_LENGTHS[self.element] / BOND_LENGTHS[str(symbols[k])])
            new.sites[site].species = _like(structure[site].specie, self.element)
            new.sites[site].label = None
        new.properties = {**new.properties, "substitution": {"element": self.element, "fraction": number / n}}
        change = {frozenset({self.element}): float(len(chosen))}
        for symbol in symbols[chosen]:
            group = frozenset({str(symbol)})
            change[group] = change.get(group, 0.0) - 1.0
        if len(found.mobile):
            new = change_lithium(new, analyse(new), charge, "cage", self.seed)
            change[MOBILE] = float(charge)
        return new, change

    def _choose(self, structure: Structure, found: Argyrodite, candidates: Indices, number: int) -> Indices:
        if self.arrangement == "even":
            sites = found.centres[candidates]
            chosen = even_subset(
                structure.cart_coords[sites], structure.lattice.matrix,
                [(np.arange(len(sites)), number)], radius=1.01 * found.edge, seed=self.seed,
            )  # fmt: skip
            return candidates[chosen]
        return np.sort(np.random.default_rng(self.seed).choice(candidates, size=number, replace=False))


def _stretch(structure: Structure, found: Argyrodite, centre: int, factor: float) -> None:
    """Move the four bound anions along their bonds."""
    origin = structure[centre].coords
    matrix = structure.lattice.matrix
    bonds = minimum_image(structure.cart_coords[found.bonded] - origin, matrix)
    own = np.argsort(np.linalg.norm(bonds, axis=1))[:4]
    for k in own:
        structure.sites[int(found.bonded[k])].coords = origin + factor * bonds[k]


def _like(old: Element | Species, element: str) -> Element | Species:
    """An element with an oxidation state if the old species has one."""
    if getattr(old, "oxi_state", None) is None:
        return Element(element)
    return Species(element, CHARGES[element])
