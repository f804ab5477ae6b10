"""Argyrodites and their relatives in pymatgen: disorder, enumeration, entropy, lithium sites and energies."""

from importlib import import_module
from typing import Any

_EXPORTS: dict[str, str] = {
    # Structures
    "argyrodite": "prototypes",
    "lithium_thiophosphate": "thiophosphates",
    "lspscl": "thiophosphates",
    "lithium_orderings": "orderings",
    "relax_ordering": "orderings",
    "LithiumOrdering": "orderings",
    "Argyrodite": "framework",
    "analyse": "framework",
    # Transformations
    "SiteInversionTransformation": "transformations",
    "ExcessHalideTransformation": "transformations",
    "EnumerateSiteInversionTransformation": "transformations",
    "AliovalentSubstitutionTransformation": "transformations",
    "inversion_grid": "grids",
    "excess_grid": "grids",
    "iterate_grid": "grids",
    "write_grid": "grids",
    # Entropy, sites and energies
    "configurational_entropy": "entropy",
    "plot_entropy_map": "entropy",
    "lithium_sites": "sites",
    "site_energies": "site_energy",
    "overlap_table": "site_energy",
    "plot_site_energies": "site_energy",
    "AnionClusterExpansion": "expansion",
    "thermodynamics": "ensemble",
    "monte_carlo": "ensemble",
    "energy_above_hull": "hull",
}
"""Public name -> module of this package that defines it."""

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
