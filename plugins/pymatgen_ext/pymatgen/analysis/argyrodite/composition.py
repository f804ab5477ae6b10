"""Charges, whole numbers of sites, and the check that nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Indices
from ionpath.errors import InputError, IonpathError, warn

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.framework import Argyrodite

_EXACT = 1e-6


def between(name: str, value: float, low: float, high: float, what: str = "a number") -> float:
    """Refuse what is no number in a range."""
    if isinstance(value, (bool, str)) or not low - 1e-9 <= value <= high + 1e-9:
        raise InputError(name, need=f"{what} from {low:g} to {high:g}", got=f"{value!r:.40}")
    return float(value)


def check_charges(found: Argyrodite) -> None:
    """Refuse a cell whose formal charges do not add up to zero."""
    if abs(found.charge) * found.n_formula_units > _EXACT:
        total = found.charge * found.n_formula_units
        raise InputError(
            "oxidation states", need="a sum of 0", got=f"{total:+g} e in {found.formula}",
            remedy=f"start with {found.mobile_content - found.charge:g} mobile cations per formula unit, "
            "or use ExcessHalideTransformation(x, lithium='restored')",
        )  # fmt: skip


def say_charge(structure: Structure, found: Argyrodite) -> None:
    """Warn of formal charges that add up to something else than the charge that a structure is said to have.

    A framework without lithium, and one with all six of lithium="restored", are meant as they are.
    """
    total = found.charge * found.n_formula_units - (structure._charge or 0.0)
    if len(found.mobile) and abs(total) > _EXACT and abs(found.mobile_content - 6.0) > _EXACT:
        warn(
            f"{found.formula}: formal charges add up to {total:+g} e more than the charge of the structure; a neutral "
            f"cell has {found.mobile_content - found.charge:g} mobile cations per formula unit"
        )


def check_conserved(before: Structure, after: Structure, change: Mapping[frozenset[str], float]) -> None:
    """Assert that groups of elements gain what a transformation announces, and that no other element changes."""
    was, now = (s.composition.element_composition.get_el_amt_dict() for s in (before, after))
    announced = dict(change)
    grouped = frozenset().union(*announced)
    announced |= {frozenset({element}): 0.0 for element in {*was, *now} - grouped}
    for group, gain in announced.items():
        expected, got = sum(was.get(e, 0.0) for e in group) + gain, sum(now.get(e, 0.0) for e in group)
        if abs(got - expected) > _EXACT:
            raise IonpathError(
                f"{', '.join(sorted(group))}: {expected:g} atoms expected and {got:g} made of {before.formula}; "
                "this is a fault of ionpath, please report it"
            )


def whole_number(
    name: str,
    wanted: float,
    sites: int,
    *,
    nearest: bool | None,
    low: int,
    high: int,
    remedy: str = "change the halide content with ExcessHalideTransformation first",
) -> int:
    """Turn a fraction of sites into a number of sites."""
    exact = wanted * sites
    if not low - _EXACT * sites <= exact <= high + _EXACT * sites:
        need = f"a fraction from {low / sites:g} to {high / sites:g} for this composition"
        raise InputError(name, need=need, got=f"{wanted:g}", remedy=remedy)
    number = int(np.clip(round(exact), low, high))
    if abs(exact - number) > _EXACT * max(sites, 1) and not nearest:
        raise InputError(
            name, need=f"a multiple of 1/{sites} in a cell of {sites} formula units", got=f"{wanted:g}",
            remedy=f"use a larger supercell ({_smallest(wanted, sites)}), or "
            + ("" if nearest is None else "nearest=True for ") + f"{number / sites:g}",
        )  # fmt: skip
    return number


def _smallest(wanted: float, sites: int) -> str:
    for times in range(2, 65):
        if abs(wanted * sites * times - round(wanted * sites * times)) < _EXACT * sites * times:
            return f"{times} times this one holds it"
    return "none up to 64 times this one holds it exactly"


def apportion(amounts: ArrayLike, total: int, most: Sequence[int] | None = None) -> Indices:
    """Whole numbers with a given sum, as near to the amounts as their largest remainders allow.

    >>> apportion([20.16, 11.84], 32).tolist()
    [20, 12]
    """
    exact = np.asarray(amounts, dtype=np.float64)
    exact = exact * (total / exact.sum()) if exact.sum() > 0 else exact
    highest = np.full(len(exact), total) if most is None else np.asarray(most, dtype=np.intp)
    numbers = np.minimum(np.floor(exact + _EXACT).astype(np.intp), highest)
    while numbers.sum() < total and (numbers < highest).any():
        numbers[int(np.argmax(np.where(numbers < highest, exact - numbers, -np.inf)))] += 1
    return numbers
