"""From partial occupancies, as refinements give them, to one arrangement with every site full or empty."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from pymatgen.core import Composition, Structure

from ionpath.arguments import typed
from ionpath.arrays import Indices
from ionpath.elements import CHARGES
from ionpath.errors import InputError, warn, whole
from ionpath.lattice.subsets import farthest_points
from pymatgen.analysis.argyrodite.composition import apportion
from pymatgen.analysis.argyrodite.framework import analyse

if TYPE_CHECKING:
    from pymatgen.analysis.argyrodite.framework import Argyrodite

CLOSEST = 2.01
"""Two lithium are never closer, in A: sites of a split pair are 1.8 to 1.95 A apart, T5 and T2 1.4 A."""
_TOLERATED = 1.0
"""Most lithium per formula unit by which a refinement may differ from neutrality; X-rays hardly see lithium."""
_WORTH_SAYING = 0.1
_ROUNDING = 0.02
"""Share of an orbit by which whole numbers may differ from occupancies without a word."""
ON_ORBIT = "sites of the free sulfur"
"""What the warning says where a transformation that sets the inversion need not say it."""


@typed
def order_occupancies(structure: Structure, *, seed: int = 0) -> Structure:
    """Replace partial occupancies by one arrangement at random.

    Parameters
    ----------
    structure : Structure
        Argyrodite, as a refinement or ``argyrodite(ordered=False)`` gives it, repeated to a supercell that is large
        enough for its fractions; it is not changed.
    seed : int
        Seed of the arrangement.

    Returns
    -------
    Structure
        Each site full or gone, in the order of the sites. ``structure.properties["ordered_from"]`` says what the
        occupancies added up to.

    Raises
    ------
    InputError
        If it is not an argyrodite, the lithium of its occupancies is more than one per formula unit away from
        what makes the cell neutral, or its sites cannot hold so much.

    Warns
    -----
    UserWarning
        If the cell gets more than 0.1 lithium per formula unit more or less than its occupancies say, or if it is too
        small for them: a species is lost, or its share of an orbit is off by more than 0.02.

    Notes
    -----
    Whole numbers nearest to the occupancies go on each orbit of the framework. Lithium is as many as make the cell
    neutral; its orbits share them in proportion to their occupancies, each ion as far as possible from
    the others and never closer than 2.01 A, so that of two sites that share a face one at most is filled.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import argyrodite
    >>> order_occupancies(argyrodite(inversion=0.5, lithium="48h", ordered=False)).formula
    'Li24 P4 S20 Cl4'
    """
    found = analyse(structure)
    species: list[Composition | None] = [site.species for site in structure]
    rng = np.random.default_rng(whole("seed", seed, 0))
    for orbits in ((found.centres,), (found.bonded,), (found.sulfur_sites, found.halide_sites)):
        shared = _numbers(structure, orbits)
        _warn_of_rounding(structure, orbits, shared)
        for sites, numbers in zip(orbits, shared, strict=True):
            for k, chosen in zip(rng.permutation(sites), numbers.elements(), strict=True):
                species[int(k)] = Composition({chosen: 1})
    if len(found.mobile):
        ions = _ions(structure, found, [s for k, s in enumerate(species) if k not in set(found.mobile)])
        filled = _filled(structure, found, ions, seed)
        kinds = _kinds(structure, found, len(filled))
        for k in found.mobile.tolist():
            species[k] = None
        for k, chosen in zip(rng.permutation(filled), kinds.elements(), strict=True):
            species[int(k)] = Composition({chosen: 1})
    kept = [k for k, s in enumerate(species) if s is not None]
    made = Structure(
        structure.lattice, [species[k] for k in kept], structure.frac_coords[kept],
        properties={**structure.properties, "ordered_from": found.formula},
    )  # fmt: skip
    return made


def _warn_of_rounding(structure: Structure, orbits: tuple[Indices, ...], numbers: list[Counter[object]]) -> None:
    """Say what whole numbers of a small cell do to the occupancies of orbits that share their species."""
    sites = np.concatenate(orbits)
    held, whole_numbers = _amounts(structure, sites), sum(numbers, Counter[object]())
    for group, amount, number, where in (
        (sites, held, whole_numbers, "sites"),
        (orbits[0], _amounts(structure, orbits[0]), numbers[0], ON_ORBIT),
    ):
        for species, wanted in amount.items():
            got = number[species]
            if abs(got - wanted) > _ROUNDING * len(group) or (wanted > _ROUNDING and not got):
                warn(
                    f"{species}: {wanted:.4g} of {len(group)} {where} became {got}; a larger supercell holds what "
                    "the occupancies say"
                )
                return


def _amounts(structure: Structure, sites: Indices) -> Counter[object]:
    """How much of each species some sites hold."""
    amount = Counter[object]()
    for k in sites:
        for species, share in structure[int(k)].species.items():
            amount[species] += float(share)  # type: ignore[assignment]
    return amount


def _numbers(structure: Structure, orbits: tuple[Indices, ...]) -> list[Counter[object]]:
    """How many sites of each orbit hold each species; the orbits share the rounding of their sum."""
    amounts = [_amounts(structure, sites) for sites in orbits]
    kinds = sorted({s for amount in amounts for s in amount}, key=str)
    left = apportion([sum(a[s] for a in amounts) for s in kinds], sum(map(len, orbits)))
    numbers = []
    for amount, sites in zip(amounts[:-1], orbits[:-1], strict=True):
        own = apportion([amount[s] for s in kinds], len(sites), most=left.tolist())
        numbers.append(own)
        left = left - own
    return [Counter(dict(zip(kinds, map(int, own), strict=True))) for own in (*numbers, left)]


def _kinds(structure: Structure, found: Argyrodite, number: int) -> Counter[object]:
    """How many ions of each kind are mobile: the kinds share the sites as they share the occupancies."""
    amount = _amounts(structure, found.mobile)
    kinds = sorted(amount, key=str)
    total = sum(amount.values())
    shared = apportion([amount[s] * number / total for s in kinds], number)
    return Counter(dict(zip(kinds, map(int, shared), strict=True)))


def _ions(structure: Structure, found: Argyrodite, others: list[Composition | None]) -> int:
    """Number of mobile cations that make the cell neutral."""
    charge = sum(CHARGES[e.symbol] for s in others if s is not None for e in s.element_composition)
    n, refined = found.n_formula_units, found.mobile_content
    if abs(-charge / n - refined) > _TOLERATED:
        raise InputError(
            "structure (occupancies of the mobile cations)",
            need=f"about {-charge / n:.4g} per formula unit, which make it neutral", got=f"{refined:.4g}",
            remedy="correct the occupancies; those of a general position beside a special one must be halved",
        )  # fmt: skip
    if abs(-charge / n - refined) > _WORTH_SAYING:
        warn(
            f"the occupancies add up to {found.formula}, which is not neutral: the ordered cell has "
            f"{-charge / n:.4g} mobile cations per formula unit instead of {refined:.4g}"
        )
    return -charge


def _filled(structure: Structure, found: Argyrodite, number: int, seed: int) -> Indices:
    """Choose the sites of the mobile cations, orbit by orbit."""
    sites = found.mobile
    share = np.array([float(structure[int(k)].species.num_atoms) for k in sites])
    places, cell = structure.cart_coords, structure.lattice.matrix
    kinds, kind = np.unique(share.round(3), return_inverse=True)
    wanted = apportion([share[kind == i].sum() for i in range(len(kinds))], number, np.bincount(kind).tolist())
    chosen = np.empty(0, dtype=np.intp)
    try:
        if number > len(sites):
            raise InputError("sites", need=str(number), got=f"{len(sites)}")
        for i in np.argsort(wanted):  # the few choose before the many, who are less free
            own, occupied = sites[kind == i], places[chosen]
            picked = farthest_points(places[own], cell, int(wanted[i]), occupied=occupied, closest=CLOSEST, seed=seed)
            chosen = np.concatenate([chosen, own[picked]])
    except InputError as error:
        need = f"room for {number} on {len(sites)} sites, none closer than {CLOSEST} A to another"
        remedy = "try another seed, or add sites that the refinement leaves out"
        raise InputError("structure (sites of the mobile cations)", need=need, got=error.got, remedy=remedy) from error
    return chosen
