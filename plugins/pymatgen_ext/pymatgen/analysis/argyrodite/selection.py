"""Choice of one arrangement of halide and chalcogenide among the free anion sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.lattice.arrangements import even_subset, farthest_points
from ionpath.periodic import minimum_image

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.framework import Argyrodite

Arrangement = Literal["random", "even", "lowest"]
VacancyRule = Literal["cage", "even", "random"]

ARRANGEMENTS = ("random", "even", "lowest")
VACANCY_RULES = ("cage", "even", "random")
_EXACT = 1e-6


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a word that is not among the choices."""
    if value not in choices:
        raise InputError(name, need=f"one of {', '.join(choices)}", got=repr(value))


CHARGES = {
    **dict.fromkeys(("Li", "Na", "Cu", "Ag"), 1), **dict.fromkeys(("P", "Sb", "As"), 5),
    **dict.fromkeys(("Si", "Ge", "Sn"), 4), **dict.fromkeys(("O", "S", "Se", "Te"), -2),
    **dict.fromkeys(("F", "Cl", "Br", "I"), -1),
}  # fmt: skip
"""Formal charge of each element in these compounds, e."""


def check_charges(structure: Structure, found: Argyrodite) -> None:
    """Refuse a cell whose formal charges do not add up to zero."""
    amounts = structure.composition.element_composition.get_el_amt_dict()
    total = sum(CHARGES[element] * amount for element, amount in amounts.items())
    if abs(total) > 1e-6:
        n = found.n_formula_units
        raise InputError(
            "oxidation states", need="a sum of 0", got=f"{total:+g} e in {found.formula}",
            remedy=f"start with {found.mobile_content - total / n:g} mobile cations per formula unit, "
            "or use lithium='restored'",
        )  # fmt: skip


def whole_number(name: str, wanted: float, sites: int, *, nearest: bool, low: int, high: int) -> int:
    """Turn a fraction of sites into a number of sites."""
    exact = wanted * sites
    if not low - _EXACT * sites <= exact <= high + _EXACT * sites:
        raise InputError(
            name, need=f"a fraction from {low / sites:g} to {high / sites:g} for this composition",
            got=f"{wanted:g}", remedy="change the halide content with ExcessHalideTransformation first",
        )  # fmt: skip
    number = int(np.clip(round(exact), low, high))
    if abs(exact - number) > _EXACT * max(sites, 1) and not nearest:
        raise InputError(
            name, need=f"a multiple of 1/{sites} in a cell of {sites} formula units", got=f"{wanted:g}",
            remedy=f"use a larger supercell ({_smallest(wanted, sites)}), "
            f"or nearest=True for {number / sites:g}",
        )  # fmt: skip
    return number


def _smallest(wanted: float, sites: int) -> str:
    for times in range(2, 65):
        if abs(wanted * sites * times - round(wanted * sites * times)) < _EXACT * sites * times:
            return f"{times} times this one holds it"
    return "none up to 64 times this one holds it exactly"


def arrange(
    structure: Structure, found: Argyrodite, on_halide: int, on_sulfur: int, how: Arrangement, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose which free anion sites hold halide."""
    if how == "even":
        sites = np.concatenate([found.halide_sites, found.sulfur_sites])
        n = len(found.halide_sites)
        chosen = even_subset(
            structure.cart_coords[sites], structure.lattice.matrix,
            [(np.arange(n), on_halide), (np.arange(n, 2 * n), on_sulfur)],
            radius=1.01 * found.edge, seed=seed,
        )  # fmt: skip
        return sites[chosen], sites[~chosen]
    rng = np.random.default_rng(seed)
    halide, other = [], []
    for sites, number in ((found.halide_sites, on_halide), (found.sulfur_sites, on_sulfur)):
        order = rng.permutation(sites)
        halide.append(order[:number])
        other.append(order[number:])
    return np.sort(np.concatenate(halide)), np.sort(np.concatenate(other))


def choose_vacancies(
    structure: Structure,
    found: Argyrodite,
    number: int,
    rule: VacancyRule,
    halide: NDArray[np.intp],
    seed: int,
) -> NDArray[np.intp]:
    """Choose lithium to take out."""
    if number > len(found.mobile):
        raise InputError("lithium", need=f"{number} ions to remove", got=f"{len(found.mobile)}")
    rng = np.random.default_rng(seed)
    if number == 0:
        return np.empty(0, dtype=np.intp)
    if rule == "random":
        return np.sort(rng.choice(found.mobile, size=number, replace=False))
    xyz = structure.cart_coords
    if rule == "even":
        chosen = farthest_points(xyz[found.mobile], structure.lattice.matrix, number, seed=seed)
        return np.sort(found.mobile[chosen])
    return _from_cages(structure, found, number, np.isin(found.sulfur_sites, halide), rng)


def _from_cages(
    structure: Structure, found: Argyrodite, number: int, around_halide: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.intp]:  # fmt: skip
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


def nearest_cage(structure: Structure, found: Argyrodite) -> NDArray[np.intp]:
    """Give the cage (site of the free-sulfur orbit) that is nearest to each mobile cation."""
    xyz = structure.cart_coords
    centres = xyz[found.sulfur_sites]
    nearest = np.empty(len(found.mobile), dtype=np.intp)
    for k in range(0, len(nearest), 1024):
        block = xyz[found.mobile[k : k + 1024]]
        vectors = minimum_image(block[:, None, :] - centres[None, :, :], structure.lattice.matrix)
        nearest[k : k + 1024] = np.einsum("ijk,ijk->ij", vectors, vectors).argmin(axis=1)
    return nearest


def anion_species(structure: Structure, found: Argyrodite, halide: str | None) -> tuple[Any, Any]:
    """Give the halide and the chalcogenide that the structure uses, with their oxidation states if it has them."""
    from pymatgen.core import Element, Species

    free = np.concatenate([found.halide_sites, found.sulfur_sites])
    species = [structure[int(k)].specie for k in free]
    sulfur = next((s for s in species if not s.is_halogen), structure[int(found.bonded[0])].specie)
    halogens = [s for s in species if s.is_halogen]
    if halogens and halide is None:
        return max(halogens, key=halogens.count), sulfur
    if halide is None:
        raise InputError(
            "halide",
            need="the halide to insert, as the structure has none",
            got="None",
            remedy="name it: halide='Cl'",
        )
    same = [s for s in halogens if s.symbol == halide]
    if same:
        return same[0], sulfur
    decorated = getattr(sulfur, "oxi_state", None) is not None and isinstance(sulfur, Species)
    return (Species(halide, -1) if decorated else Element(halide)), sulfur
