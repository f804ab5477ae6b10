"""Halide content, balanced by lithium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Indices
from ionpath.citations import references
from ionpath.elements import CHALCOGENS, HALOGENS
from ionpath.errors import one_of, whole
from pymatgen.analysis.argyrodite.anions import Arrangement, arrange, count_halides, place_anions
from pymatgen.analysis.argyrodite.composition import between, check_charges, whole_number
from pymatgen.analysis.argyrodite.framework import MOBILE
from pymatgen.analysis.argyrodite.lithium import VACANCY_RULES, VacancyRule, change_lithium
from pymatgen.analysis.argyrodite.transformations.base import ArgyroditeTransformation, Change

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.framework import Argyrodite


@typed
@references("jang2025", "guan2024")
class ExcessHalideTransformation(ArgyroditeTransformation):
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
        Halide to insert; without it the one of which the structure has most, or those of which it has as
        many in turn.
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
        one_of("lithium", lithium, ("vacancies", "restored"))
        one_of("vacancies", vacancies, VACANCY_RULES)
        one_of("arrangement", arrangement, ("random", "even"))
        self.x = between("x", x, -1.0, 1.0, "excess halide")
        self.lithium = lithium
        self.vacancies = vacancies
        self.inversion = None if inversion is None else between("inversion", inversion, 0.0, 1.0)
        if halide is not None:
            one_of("halide", halide, sorted(HALOGENS))
        self.halide = halide
        self.arrangement = arrangement
        self.nearest = nearest
        self.seed = whole("seed", seed, 0)

    def _apply(self, structure: Structure, found: Argyrodite) -> tuple[Structure, Change]:
        n, before = found.n_formula_units, count_halides(found)
        halides = whole_number("1 + x", 1 + self.x, n, nearest=self.nearest, low=0, high=2 * n)
        inverted = self._inverted(found, halides)
        halide = self._sites(structure, found, halides - inverted, inverted)
        made = place_anions(structure, found, halide, name=self.halide, seed=self.seed)
        ions = self._lithium_change(found, halides - before)
        made = change_lithium(made, found, ions, self.vacancies, self.seed, halide=halide)
        report = {"x_excess": halides / n - 1, "inversion": inverted / n, "x_requested": self.x}
        made.properties = {**made.properties, "argyrodite": report}
        gain = halides - before
        return made, {MOBILE: float(ions), HALOGENS: float(gain), CHALCOGENS: float(-gain)}

    def _inverted(self, found: Argyrodite, halides: int) -> int:
        n = found.n_formula_units
        low, high = max(0, halides - n), min(n, halides)
        if self.inversion is not None:
            return whole_number("inversion", self.inversion, n, nearest=self.nearest, low=low, high=high)
        now = round(found.halide_on_sulfur_sites.sum())
        return int(np.clip(now + halides - count_halides(found), low, high))

    def _sites(self, structure: Structure, found: Argyrodite, on_halide: int, on_sulfur: int) -> Indices:
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
        return np.sort(np.concatenate(halide))

    def _lithium_change(self, found: Argyrodite, gain: int) -> int:
        """Number of lithium to add; the cell as it comes must be balanced at its own content."""
        if not len(found.mobile):
            return 0  # a framework without lithium stays one
        if self.lithium == "restored":
            return 6 * found.n_formula_units - len(found.mobile)
        check_charges(found)
        return -gain
