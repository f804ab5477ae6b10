"""Recognition: which site of a structure belongs to which orbit of the argyrodite framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ionpath import elements
from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.documented import documented
from ionpath.elements import CHALCOGENS, CHARGES, FORMERS, HALOGENS
from ionpath.errors import InputError, warn
from ionpath.lattice.argyrodite_framework import NotArgyrodite, bound_anions, free_anion_orbits
from ionpath.lattice.neighbours import neighbours_within
from ionpath.msonable import Msonable

if TYPE_CHECKING:
    from pymatgen.core import Structure

MOBILE = frozenset(elements.MOBILE)

_OVERLAP = 0.5
_NEUTRAL = 0.02
"""Charges below this, in e per formula unit, are rounding of refined occupancies."""
_IMPOSSIBLE = 1.05
"""Li6PS4Cl2, with all lithium restored at x = 1, has one charge too many; nothing else that is built has more."""


@documented
@dataclass(frozen=True)
class Argyrodite(Msonable):
    """What a structure is as an argyrodite."""

    # centres, bonded, halide_sites, sulfur_sites, mobile: indices of the sites: centres of the tetrahedra (4b), anions
    # bound to them (16e), orbit 4a, orbit of the free sulfur (4c or 4d), and mobile cations on any site
    centres: Indices
    bonded: Indices
    halide_sites: Indices
    sulfur_sites: Indices
    mobile: Indices
    # {"4c", "4d"}: name of the orbit of the free sulfur when the centres are called 4b and the structure is held
    # against the cubic axes nearest to its own Cartesian axes. A rotation of the axes by 90 degrees exchanges the
    # names.
    sulfur_orbit: Literal["4c", "4d"]
    edge: float  # edge of the conventional cubic cell from the volume per formula unit, in A
    # halide_on_halide_sites, halide_on_sulfur_sites: (N,): halide occupancy of each site of the two orbits, 0 or 1 in
    # an ordered structure
    halide_on_halide_sites: Floats
    halide_on_sulfur_sites: Floats
    mobile_content: float  # mobile cations per formula unit
    halide: str  # most abundant halogen, "" where there is none
    formula: str  # formula per tetrahedron
    ordered: bool  # whether every site holds one species with full occupancy
    charge: float  # sum of the formal charges per formula unit, in e; 0 in a neutral structure

    @property
    def n_formula_units(self) -> int:
        """Number of tetrahedra, one per formula unit."""
        return len(self.centres)

    @property
    def inversion(self) -> float:
        """Halide fraction y of the free-sulfur orbit."""
        return float(self.halide_on_sulfur_sites.mean())

    @property
    def x_excess(self) -> float:
        """Halide per formula unit beyond one."""
        return float(self.halide_on_halide_sites.mean() + self.halide_on_sulfur_sites.mean()) - 1.0

    @property
    def allowed_inversion(self) -> tuple[float, float]:
        """Smallest and largest inversion that the halide content allows."""
        x = self.x_excess
        return max(0.0, x), min(1.0, 1.0 + x)

    def report(self) -> str:
        """Formula, orbits, inversion, excess halide and lithium content in a few lines."""
        n = self.n_formula_units
        low, high = self.allowed_inversion
        neutral = f"{self.mobile_content - self.charge:.4f} mobile cations would be"
        charged = "" if abs(self.charge) < _NEUTRAL else f": not neutral, {neutral}"
        return "\n".join(
            [
                f"{self.formula}, {n} formula units, edge {self.edge:.4f} A, "
                + ("ordered" if self.ordered else "partial occupancies"),
                f"  4b  {n} centres; 16e {len(self.bonded)} bound anions",
                f"  4a  {n} sites, halide fraction {self.halide_on_halide_sites.mean():.4f}",
                f"  {self.sulfur_orbit}  {n} sites (free sulfur), halide fraction {self.inversion:.4f}",
                f"  inversion {self.inversion:.4f} (this composition allows {low:.4f} to {high:.4f}), "
                f"excess halide {self.x_excess:+.4f}, mobile cations {self.mobile_content:.4f}",
                f"  charge {self.charge:+.4f} e per formula unit with formal oxidation states" + charged,
            ]
        )


def occupancies(structure: Structure, *groups: frozenset[str]) -> list[Floats]:
    """How much of each site some groups of elements occupy.

    >>> from pymatgen.analysis.argyrodite import argyrodite
    >>> [float(v.sum()) for v in occupancies(argyrodite(), MOBILE, HALOGENS)]
    [24.0, 4.0]
    """
    amounts = [[(e.symbol, float(v)) for e, v in site.species.items()] for site in structure]
    return [np.array([sum(v for e, v in site if e in group) for site in amounts]) for group in groups]


@typed
def analyse(structure: Structure) -> Argyrodite:
    """Recognise an argyrodite, with or without partial occupancies, in any cell and setting.

    Parameters
    ----------
    structure : Structure
        A cell or supercell. Atoms may be displaced, as in a relaxed structure or a frame of molecular dynamics.

    Returns
    -------
    Argyrodite
        Sites by orbit, inversion, excess halide and lithium content.

    Raises
    ------
    InputError
        If the structure is not an argyrodite; the sentence says what was missing.

    Notes
    -----
    Anions within 3 A of a centre are its bound ones; `ionpath.lattice.free_anion_orbits` says how the free ones are
    told apart without regard to origin, setting or labels.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import analyse, argyrodite
    >>> found = analyse(argyrodite(halide="Br"))
    >>> found.formula, found.sulfur_orbit, found.inversion, found.mobile_content
    ('Li6PS5Br', '4d', 0.0, 6.0)
    """
    _check_numbers(structure)
    *kinds, halogen = occupancies(structure, FORMERS, CHALCOGENS | HALOGENS, MOBILE, HALOGENS)
    xyz = structure.cart_coords
    centres, anions, mobile = (np.flatnonzero(k > 0) for k in kinds)
    _check_elements(structure, centres, anions, mobile)
    cell = np.asarray(structure.lattice.matrix, dtype=np.float64)
    names = [f"site {int(k)} ({structure[int(k)].species_string})" for k in centres]
    bonded = anions[bound_anions(cell, xyz[centres], xyz[anions], names)]
    free = np.setdiff1d(anions, bonded)
    _check_overlaps(structure, xyz, np.sum(kinds, axis=0))
    _check_full(structure, kinds, centres, anions)
    orbits = free_anion_orbits(cell, xyz[centres], xyz[free])
    octahedral, tetrahedral = free[orbits.octahedral], free[orbits.tetrahedral]
    charge = _charge(structure) / len(centres)
    if charge > _IMPOSSIBLE or (charge < -_IMPOSSIBLE and len(mobile)):
        why = (
            "its mobile cations cannot all be there; the occupancies of a general position beside a special one may "
            "have to be halved"
            if charge > 0
            else "mobile cations are missing; X-rays see lithium badly, and refinements may leave it out"
        )
        warn(f"{_formula(structure, len(centres))} has {charge:+.2f} e per formula unit: {why}")
    return Argyrodite(
        centres=centres,
        bonded=bonded,
        halide_sites=octahedral,
        sulfur_sites=tetrahedral,
        mobile=mobile,
        sulfur_orbit=orbits.setting,
        edge=float((4.0 * structure.volume / len(centres)) ** (1 / 3)),
        halide_on_halide_sites=halogen[octahedral],
        halide_on_sulfur_sites=halogen[tetrahedral],
        mobile_content=float(kinds[2].sum() / len(centres)),
        halide=_most_abundant(structure, HALOGENS),
        formula=_formula(structure, len(centres)),
        ordered=structure.is_ordered,
        charge=charge,
    )


def require_ordered(structure: Structure, purpose: str) -> None:
    """Refuse partial occupancies where they cannot be used."""
    if not structure.is_ordered:
        partial = [k for k, site in enumerate(structure) if not site.is_ordered]
        got = f"{len(partial)} sites with partial occupancies (first: {structure[partial[0]].species_string})"
        remedy = "make it ordered first: order_occupancies(structure)"
        raise InputError("structure", need=f"full occupancies for {purpose}", got=got, remedy=remedy)


def mobile_species(structure: Structure, mobile: Indices) -> Any:
    """Return the species of most mobile ions (indices), as the structure writes it; lithium if there are none."""
    amounts: dict[Any, float] = {}
    for k in mobile.tolist():
        for species, amount in structure[k].species.items():
            amounts[species] = amounts.get(species, 0.0) + float(amount)
    return max(amounts, key=lambda species: amounts[species], default="Li")


def _not_argyrodite(need: str, got: str) -> InputError:
    return NotArgyrodite("structure (not an argyrodite)", need=need, got=got)


def _check_elements(structure: Structure, centres: Indices, anions: Indices, mobile: Indices) -> None:
    if len(centres) == 0:
        raise _not_argyrodite(f"centres of tetrahedra ({', '.join(sorted(FORMERS))})", f"none in {structure.formula}")
    if len(anions) == 0:
        raise _not_argyrodite("chalcogenide and halide anions", f"none in {structure.formula}")
    strange = next(
        ((k, e.symbol) for k, site in enumerate(structure) for e in site.species if e.symbol not in CHARGES), None
    )
    if strange is not None:
        k, symbol = strange
        if len(structure[k].species) > 1:
            raise InputError(
                "structure", need="sites that centres, anions and mobile cations share among themselves",
                got=f"{symbol} in {structure[k].species_string} on site {k}",
                remedy="leave out what stands for a vacancy, as in {'Li': 0.5}; other elements are not known",
            )  # fmt: skip
    known = np.union1d(np.union1d(centres, anions), mobile)
    if len(known) != len(structure):
        other = sorted({structure[int(k)].species_string for k in set(range(len(structure))) - set(known)})
        raise _not_argyrodite("only centres, anions and mobile cations", ", ".join(other))


def _check_numbers(structure: Structure) -> None:
    for name, values in (("lattice", structure.lattice.matrix), ("coordinates", structure.frac_coords)):
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            row = f"{values[bad[0]].tolist()} in row {int(bad[0])}"
            raise InputError(name, need="finite numbers", got=row, remedy="check the file that it was read from")


def _check_overlaps(structure: Structure, xyz: Floats, occupied: Floats) -> None:
    close = neighbours_within(xyz, xyz, structure.lattice.matrix, _OVERLAP, smallest=0.0)
    # Sites of split lithium may be that close, as long as they share one ion.
    both = occupied[close.centre] + occupied[close.neighbour]
    pairs = np.flatnonzero((close.centre != close.neighbour) & (both > 1.02))
    if len(pairs):
        k = int(pairs[0])
        one, two = int(close.centre[k]), int(close.neighbour[k])
        raise InputError(
            "structure", need="one site per position",
            got=f"sites {one} ({structure[one].species_string}) and {two} ({structure[two].species_string}) "
            f"{close.distance[k]:.3f} A apart",
            remedy="merge duplicates into one site with partial occupancies: structure.merge_sites(mode='sum')",
        )  # fmt: skip


def _charge(structure: Structure) -> float:
    amounts = structure.composition.element_composition.get_el_amt_dict()
    return float(sum(CHARGES[element] * amount for element, amount in amounts.items()))


def _check_full(structure: Structure, kinds: list[Floats], centres: Indices, anions: Indices) -> None:
    for name, total, sites in (("centres", kinds[0], centres), ("anions", kinds[1], anions)):
        off = sites[np.abs(total[sites] - 1.0) > 0.02]
        if len(off):
            k = int(off[0])
            got = f"{total[k]:.3f} on site {k} ({structure[k].species_string})"
            remedy = "only mobile cations may leave sites empty"
            raise InputError(f"occupancies of the {name}", need="a sum of 1 on every site", got=got, remedy=remedy)


def _most_abundant(structure: Structure, elements: frozenset[str]) -> str:
    amounts = {str(e): v for e, v in structure.composition.element_composition.items() if e.symbol in elements}
    return max(amounts, key=lambda e: amounts[e]) if amounts else ""


def _formula(structure: Structure, n: int) -> str:
    amounts = structure.composition.element_composition.get_el_amt_dict()
    order = {
        **dict.fromkeys(MOBILE, 0),
        **dict.fromkeys(FORMERS, 1),
        **dict.fromkeys(CHALCOGENS, 2),
        **dict.fromkeys(HALOGENS, 3),
    }
    parts = sorted(amounts, key=lambda e: (order.get(e, 4), -amounts[e], e))
    return "".join(e + ("" if abs(amounts[e] / n - 1) < 5e-5 else f"{round(amounts[e] / n, 4):g}") for e in parts)
