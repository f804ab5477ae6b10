"""Transformations of argyrodites: site inversion, excess halide, enumeration, aliovalent substitution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition
from pymatgen.transformations.transformation_abc import AbstractTransformation

from ionpath.citations import references
from ionpath.errors import InputError
from pymatgen.analysis.argyrodite.aliovalent import AliovalentSubstitutionTransformation
from pymatgen.analysis.argyrodite.arrangements import lowest_arrangement
from pymatgen.analysis.argyrodite.energies import json_ready
from pymatgen.analysis.argyrodite.enumeration import EnumerateSiteInversionTransformation
from pymatgen.analysis.argyrodite.framework import Argyrodite, analyse, free_anions, require_ordered
from pymatgen.analysis.argyrodite.lithium import add_lithium
from pymatgen.analysis.argyrodite.selection import (
    ARRANGEMENTS,
    VACANCY_RULES,
    Arrangement,
    VacancyRule,
    anion_species,
    arrange,
    check_charges,
    check_choice,
    choose_vacancies,
    whole_number,
)

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = [
    "AliovalentSubstitutionTransformation",
    "EnumerateSiteInversionTransformation",
    "ExcessHalideTransformation",
    "SiteInversionTransformation",
]

_REPORT = "argyrodite"


@references("jang2025")
class SiteInversionTransformation(AbstractTransformation):
    """Exchange halide and free chalcogenide until a given fraction of the free-sulfur orbit holds halide.

    Parameters
    ----------
    fraction : float
        Inversion y: halide fraction of the orbit of the free sulfur (4c or 4d, whichever it is) afterwards.
    arrangement : {"random", "even", "lowest"}
        One of all arrangements at random; pair correlations as near as possible to those of full disorder; or the
        lowest in energy of all inequivalent arrangements, or of a uniform sample of them where there are too many.
    calculator : str, dict or object, optional
        Energy for "lowest": "ewald" (default), the name of an ASE calculator, a dict with "name" and its
        arguments, an ASE calculator, or a function of the structure that gives eV. Only the first three can be
        written as JSON.
    nearest : bool
        Take the nearest fraction that the cell can hold instead of refusing one that it cannot.
    max_candidates : int
        Most arrangements whose energy is taken for "lowest".
    seed : int
        Seed of the choice.

    Notes
    -----
    Halide moves between the free anion sites only; the composition and everything else stay. The structure says
    what was done in ``structure.properties["argyrodite"]``. The smallest and largest possible fractions at an
    excess halide x are max(0, x) and min(1, 1 + x) (Jang et al., J. Mater. Chem. A 13, 16547 (2025), Eq. 3).

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import SiteInversionTransformation, analyse, argyrodite
    >>> inverted = SiteInversionTransformation(0.375, seed=1).apply_transformation(argyrodite(supercell=(1, 1, 2)))
    >>> analyse(inverted).inversion
    0.375
    """

    def __init__(
        self,
        fraction: float,
        arrangement: Arrangement = "random",
        calculator: Any = None,
        nearest: bool = False,
        max_candidates: int = 100,
        seed: int = 0,
    ) -> None:
        check_choice("arrangement", arrangement, ARRANGEMENTS)
        self.fraction = float(fraction)
        self.arrangement = arrangement
        self.calculator = calculator
        self.nearest = nearest
        self.max_candidates = max_candidates
        self.seed = seed

    def apply_transformation(self, structure: Structure) -> Structure:
        """Apply it to an ordered argyrodite.

        Parameters
        ----------
        structure : Structure
            A cell or supercell; it is not changed.

        Returns
        -------
        Structure
            The same sites in the same order with other anions on them.

        Raises
        ------
        InputError
            If it is not an ordered argyrodite, or cannot hold the fraction.
        """
        require_ordered(structure, "site inversion")
        found = analyse(structure)
        n, halides = found.n_formula_units, _n_halides(found)
        inverted = whole_number(
            "fraction", self.fraction, n, nearest=self.nearest, low=max(0, halides - n), high=min(n, halides)
        )
        if self.arrangement == "lowest":
            halide, other = self._lowest(structure, found, halides - inverted, inverted)
        else:
            halide, other = arrange(
                structure, found, halides - inverted, inverted, self.arrangement, self.seed
            )
        new = _with_anions(structure, found, halide, other, None)
        return _reported(new, n, halides - n, inverted, inversion_requested=self.fraction)

    def _lowest(
        self, structure: Structure, found: Argyrodite, on_halide: int, on_sulfur: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return lowest_arrangement(
            structure, found, on_halide, on_sulfur, self.calculator, self.max_candidates, self.seed
        )

    def as_dict(self) -> dict[str, Any]:
        """Give what MontyDecoder needs to make it again.

        Returns
        -------
        dict
            JSON-able.

        Raises
        ------
        InputError
            If the calculator is an object.
        """
        json_ready(self.calculator)
        return super().as_dict()

    @property
    def inverse(self) -> None:
        """None: the arrangement before is not known from the one after."""
        return None

    @property
    def use_multiprocessing(self) -> bool:
        """Whether a transmuter may use worker processes: not with a calculator object."""
        return isinstance(self.calculator, str | Mapping | None)

    @property
    def is_one_to_many(self) -> bool:
        """False: one structure gives one."""
        return False


@references("jang2025", "guan2024")
class ExcessHalideTransformation(AbstractTransformation):
    """Change the halide content to Li(6-x)PS(5-x)X(1+x), with lithium vacancies or with all lithium kept.

    Parameters
    ----------
    x : float
        Excess halide x afterwards, from -1 (no halide) to 1.
    lithium : {"vacancies", "restored"}
        "vacancies" keeps the cell neutral; "restored" has six lithium per formula unit at every x, which is only
        meaningful for a potential without charges.
    vacancies : {"cage", "even", "random"}
        Which lithium goes: from cages around a halide first, one each before any loses two; as far as possible
        from each other; or at random.
    inversion : float, optional
        Halide fraction of the free-sulfur orbit afterwards. Without it new halides go to that orbit, and halides
        that leave come from it, as far as possible.
    halide : str, optional
        Halide to insert; without it the one that the structure has.
    arrangement : {"random", "even"}
        How to choose among the sites of an orbit.
    nearest : bool
        Take the nearest content that the cell can hold instead of refusing one that it cannot.
    seed : int
        Seed of the choices.

    Notes
    -----
    Each chalcogenide that becomes a halide leaves one charge, and one lithium goes with it. Lithium to add (x below
    the present one, or "restored") goes to empty tetrahedral sites as far as possible from other lithium. The rule
    "cage" gives the mixture of cages with five and six lithium of Guan et al., arXiv:2412.07115, at x = 0.5.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import ExcessHalideTransformation, argyrodite
    >>> ExcessHalideTransformation(0.5).apply_transformation(argyrodite()).formula
    'Li22 P4 S18 Cl6'
    """

    def __init__(
        self,
        x: float,
        lithium: str = "vacancies",
        vacancies: VacancyRule = "cage",
        inversion: float | None = None,
        halide: str | None = None,
        arrangement: Arrangement = "random",
        nearest: bool = False,
        seed: int = 0,
    ) -> None:
        check_choice("lithium", lithium, ("vacancies", "restored"))
        check_choice("vacancies", vacancies, VACANCY_RULES)
        check_choice("arrangement", arrangement, ("random", "even"))
        if not -1.0 <= x <= 1.0:
            raise InputError("x", need="excess halide from -1 to 1", got=f"{x:g}")
        self.x = float(x)
        self.lithium = lithium
        self.vacancies = vacancies
        self.inversion = inversion
        self.halide = halide
        self.arrangement = arrangement
        self.nearest = nearest
        self.seed = seed

    def apply_transformation(self, structure: Structure) -> Structure:
        """Apply it to an ordered argyrodite.

        Parameters
        ----------
        structure : Structure
            A cell or supercell; it is not changed.

        Returns
        -------
        Structure
            Remaining sites in their order; added lithium stands at the end.

        Raises
        ------
        InputError
            If it is not an ordered argyrodite, its charges do not balance, or it cannot hold the content.
        """
        require_ordered(structure, "excess halide")
        found = analyse(structure)
        n = found.n_formula_units
        halides = whole_number("1 + x", 1 + self.x, n, nearest=self.nearest, low=0, high=2 * n)
        inverted = self._inverted(found, halides)
        halide, other = self._sites(structure, found, halides - inverted, inverted)
        new = _with_anions(structure, found, halide, other, self.halide)
        change = self._lithium_change(structure, found, halides)
        new = change_lithium(new, found, change, self.vacancies, self.seed, halide=halide)
        return _reported(new, n, halides - n, inverted, x_requested=self.x)

    def _inverted(self, found: Argyrodite, halides: int) -> int:
        n = found.n_formula_units
        low, high = max(0, halides - n), min(n, halides)
        if self.inversion is not None:
            return whole_number("inversion", self.inversion, n, nearest=self.nearest, low=low, high=high)
        now = round(found.halide_on_sulfur_sites.sum())
        return int(np.clip(now + halides - _n_halides(found), low, high))

    def _sites(
        self, structure: Structure, found: Argyrodite, on_halide: int, on_sulfur: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if self.arrangement == "even":
            return arrange(structure, found, on_halide, on_sulfur, "even", self.seed)
        rng = np.random.default_rng(self.seed)
        halide = []
        for sites, held, number in (
            (found.halide_sites, found.halide_on_halide_sites > 0.5, on_halide),
            (found.sulfur_sites, found.halide_on_sulfur_sites > 0.5, on_sulfur),
        ):
            # Halides that are there stay where they are, as far as their number allows.
            order = np.concatenate([rng.permutation(sites[held]), rng.permutation(sites[~held])])
            halide.append(order[:number])
        chosen = np.sort(np.concatenate(halide))
        return chosen, np.setdiff1d(np.concatenate([found.halide_sites, found.sulfur_sites]), chosen)

    def _lithium_change(self, structure: Structure, found: Argyrodite, halides: int) -> int:
        """Give the number of lithium to add; the cell as it comes must be balanced at its own content."""
        if not len(found.mobile):
            return 0  # a framework without lithium stays one
        n = found.n_formula_units
        if self.lithium == "restored":
            return 6 * n - len(found.mobile)
        check_charges(structure, found)
        return _n_halides(found) - halides

    @property
    def inverse(self) -> None:
        """None: the content before is not known from the one after."""
        return None

    @property
    def use_multiprocessing(self) -> bool:
        """True: a transmuter may use worker processes."""
        return True

    @property
    def is_one_to_many(self) -> bool:
        """False: one structure gives one."""
        return False


def change_lithium(
    structure: Structure,
    found: Argyrodite,
    change: int,
    rule: VacancyRule,
    seed: int,
    *,
    halide: NDArray[np.intp] | None = None,
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


def _n_halides(found: Argyrodite) -> int:
    return round(found.halide_on_halide_sites.sum() + found.halide_on_sulfur_sites.sum())


def _with_anions(
    structure: Structure,
    found: Argyrodite,
    halide: NDArray[np.intp],
    other: NDArray[np.intp],
    name: str | None,
) -> Structure:
    """Copy the structure with halide and chalcogenide on the given sites."""
    new = structure.copy()
    was_halide = np.zeros(len(structure), dtype=bool)
    sites, held = free_anions(found)
    was_halide[sites[held]] = True
    arriving, leaving = halide[~was_halide[halide]], other[was_halide[other]]
    if len(arriving) or len(leaving):
        x, s = (Composition({species: 1}) for species in anion_species(structure, found, name))
        for group, species in ((arriving, x), (leaving, s)):
            for k in group.tolist():
                new.sites[k].species = species
                new.sites[k].label = None  # a label of the old element would be wrong
    return new


def _reported(structure: Structure, n: int, excess: int, inverted: int, **asked: float) -> Structure:
    report = {"x_excess": excess / n, "inversion": inverted / n, **asked}
    structure.properties = {**structure.properties, _REPORT: report}
    return structure
