"""Partial occupancies of a crystal that a host would round to full ones without a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ionpath.errors import InputError

REMEDY = (
    "order them first: ionpath build --from FILE --supercell 2 2 2 -o ordered.extxyz; or, if these atoms are ordered, "
    "del atoms.info['occupancy']"
)


def check_full_occupancies(
    occupancies: Mapping[object, Mapping[str, float]] | None, name: str = "atoms", *, remedy: str = REMEDY
) -> None:
    """Refuse sites that hold several elements, or less than one atom.

    Label of a site -> element -> occupancy, as ASE keeps them in ``atoms.info["occupancy"]``; None where a file says
    nothing. `remedy` is in the words of the door.

    >>> check_full_occupancies({"0": {"P": 1.0}, "1": {"Cl": 0.37, "S": 0.63}}, "refined.cif")
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: refined.cif: need full occupancies, got Cl 0.37, S 0.63 on 1 of 2 sites; ...
    """
    kinds = [dict(site) for site in (occupancies or {}).values()]
    partial = [site for site in kinds if len(site) != 1 or abs(sum(site.values()) - 1.0) > 1e-3]
    if partial:
        share = ", ".join(f"{element} {value:g}" for element, value in partial[0].items())
        got = f"{share} on {len(partial)} of {len(kinds)} sites"
        raise InputError(name, need="full occupancies", got=got, remedy=remedy)


def check_ordered(structure: Any) -> None:
    """The same for a Structure of pymatgen, or for the Atoms of ASE."""
    if hasattr(structure, "lattice"):
        sites: dict[object, Any] = {
            k: {str(e): float(v) for e, v in site.species.items()} for k, site in enumerate(structure)
        }
        check_full_occupancies(sites, "structure", remedy="order them first: order_occupancies(structure)")
    else:
        check_full_occupancies(getattr(structure, "info", {}).get("occupancy"))
