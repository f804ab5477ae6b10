"""Argyrodites and their relatives in pymatgen: disorder, enumeration, entropy, lithium sites and energies."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymatgen.analysis.argyrodite.ensemble import monte_carlo, thermodynamics
    from pymatgen.analysis.argyrodite.entropy import configurational_entropy, plot_entropy_map
    from pymatgen.analysis.argyrodite.expansion import AnionClusterExpansion
    from pymatgen.analysis.argyrodite.framework import Argyrodite, analyse
    from pymatgen.analysis.argyrodite.grids import excess_grid, inversion_grid, iterate_grid, write_grid
    from pymatgen.analysis.argyrodite.hull import energy_above_hull
    from pymatgen.analysis.argyrodite.occupancies import order_occupancies
    from pymatgen.analysis.argyrodite.orderings import LithiumOrdering, lithium_orderings, relax_ordering
    from pymatgen.analysis.argyrodite.prototypes import argyrodite
    from pymatgen.analysis.argyrodite.site_energy import overlap_table, plot_site_energies, site_energies
    from pymatgen.analysis.argyrodite.tetrahedral_sites import lithium_sites
    from pymatgen.analysis.argyrodite.thiophosphates import lithium_thiophosphate, lspscl
    from pymatgen.analysis.argyrodite.transformations import (
        AliovalentSubstitutionTransformation,
        EnumerateSiteInversionTransformation,
        ExcessHalideTransformation,
        SiteInversionTransformation,
    )

_MODULES = {
    "ensemble": ("monte_carlo", "thermodynamics"), "entropy": ("configurational_entropy", "plot_entropy_map"),
    "expansion": ("AnionClusterExpansion",), "framework": ("Argyrodite", "analyse"),
    "grids": ("excess_grid", "inversion_grid", "iterate_grid", "write_grid"), "hull": ("energy_above_hull",),
    "occupancies": ("order_occupancies",), "prototypes": ("argyrodite",),
    "orderings": ("LithiumOrdering", "lithium_orderings", "relax_ordering"),
    "site_energy": ("overlap_table", "plot_site_energies", "site_energies"),
    "tetrahedral_sites": ("lithium_sites",), "thiophosphates": ("lithium_thiophosphate", "lspscl"),
    "transformations": (
        "AliovalentSubstitutionTransformation", "EnumerateSiteInversionTransformation",
        "ExcessHalideTransformation", "SiteInversionTransformation",
    ),
}  # fmt: skip
_HOME = {name: module for module, names in _MODULES.items() for name in names}
__all__ = [
    "AliovalentSubstitutionTransformation", "AnionClusterExpansion", "Argyrodite",
    "EnumerateSiteInversionTransformation", "ExcessHalideTransformation", "LithiumOrdering",
    "SiteInversionTransformation", "analyse", "argyrodite", "configurational_entropy", "energy_above_hull",
    "excess_grid", "inversion_grid", "iterate_grid", "lithium_orderings", "lithium_sites",
    "lithium_thiophosphate", "lspscl", "monte_carlo", "order_occupancies", "overlap_table",
    "plot_entropy_map", "plot_site_energies", "relax_ordering", "site_energies", "thermodynamics",
    "write_grid",
]  # fmt: skip

if not TYPE_CHECKING:  # type checkers see the imports above, and refuse what is misspelt

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
