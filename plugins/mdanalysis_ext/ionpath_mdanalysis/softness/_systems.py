"""What a user calls one or several systems: groups of ions, universes, lists or dicts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ionpath.errors import InputError
from ionpath_mdanalysis import _checks


def groups_of(mobile: Any, atoms: Any) -> tuple[list[str], list[Any], list[Any]]:
    """Names, ions and neighbours of one or several systems."""
    if isinstance(mobile, Mapping):
        names, groups = [str(name) for name in mobile], list(mobile.values())
    else:
        groups = list(mobile) if isinstance(mobile, (list, tuple)) else [mobile]
        names = [str(k + 1) for k in range(len(groups))] if len(groups) > 1 else [""]
    if not groups:
        raise InputError("mobile", need="at least one AtomGroup or Universe", got="none")
    ions = [_ions(group) for group in groups]
    others = list(atoms) if isinstance(atoms, (list, tuple)) else [atoms] * len(ions)
    if len(others) != len(ions) or (atoms is not None and len(ions) > 1 and not isinstance(atoms, (list, tuple))):
        raise InputError("atoms", need=f"one AtomGroup for each of {len(ions)} systems", got=repr(atoms)[:40])
    for group in ions:
        _checks.check_group(group, "mobile")
    everything = [g.universe.atoms if other is None else other for g, other in zip(ions, others, strict=True)]
    for other in everything:
        _checks.check_group(other, "atoms")
    return names, ions, everything


def _ions(group: Any) -> Any:
    """The lithium ions of a universe; anything else as it is."""
    if hasattr(group, "atoms") and hasattr(group, "trajectory") and hasattr(group, "add_TopologyAttr"):
        symbols = _checks.elements_of(group.atoms, "mobile")
        if not (symbols == "Li").any():
            got = f"only {', '.join(sorted(set(symbols.tolist())))}"
            remedy = "pass the mobile ions as an AtomGroup"
            raise InputError("mobile", need="lithium in the universe", got=got, remedy=remedy)
        return group.atoms[symbols == "Li"]
    return group


def one_species(groups: Sequence[Any]) -> str:
    found = sorted({symbol for group in groups for symbol in _checks.elements_of(group, "mobile").tolist()})
    if len(found) != 1:
        remedy = "train a model for each species"
        raise InputError("mobile", need="ions of one species", got=", ".join(found), remedy=remedy)
    return str(found[0])
