"""Crystal lattices: argyrodite sites, decorations with their multiplicities, superlattices, even arrangements.

Every name is imported when it is first used.
"""

from importlib import import_module
from typing import Any

_EXPORTS: dict[str, str] = {
    # Neighbours under periodic boundaries
    "NeighbourList": "neighbours",
    "neighbours_within": "neighbours",
    # Inequivalent decorations
    "Sublattice": "decorations",
    "Decorations": "decorations",
    "count_decorations": "decorations",
    "enumerate_decorations": "decorations",
    "sample_decorations": "sampling",
    "site_permutations": "permutations",
    # Superlattices
    "Superlattice": "superlattices",
    "inequivalent_superlattices": "superlattices",
    # Arrangements that a subgroup keeps
    "invariant_arrangements": "subgroups",
    "small_subgroups": "subgroups",
    # Arrangements of few among many sites
    "farthest_points": "arrangements",
    "even_subset": "arrangements",
    # Tetrahedral interstices
    "Tetrahedra": "interstices",
    "tetrahedral_interstices": "interstices",
    # -- argyrodite.py (reference tetrahedral sites) adds its names below this line --
    "TETRAHEDRAL_SITES": "argyrodite",
    "TetrahedralSite": "argyrodite",
    "cage_sites": "argyrodite",
    "framework": "argyrodite",
    "orbit": "argyrodite",
    "setting_from_bonds": "argyrodite",
    "tetrahedral_sites": "argyrodite",
    # -- and above this one --
}
"""Public name -> module of this package that defines it."""

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"ionpath.lattice.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'ionpath.lattice' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
