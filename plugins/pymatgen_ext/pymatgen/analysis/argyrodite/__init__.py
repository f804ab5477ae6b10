"""Argyrodites and their relatives in pymatgen: disorder, enumeration, entropy, lithium sites and energies."""

from typing import TYPE_CHECKING

from ionpath.lazy import face

if TYPE_CHECKING:
    from pymatgen.analysis.argyrodite.ensemble import monte_carlo as monte_carlo, thermodynamics as thermodynamics
    from pymatgen.analysis.argyrodite.entropy import (
        configurational_entropy as configurational_entropy,
        plot_entropy_map as plot_entropy_map,
    )
    from pymatgen.analysis.argyrodite.expansion import AnionClusterExpansion as AnionClusterExpansion
    from pymatgen.analysis.argyrodite.framework import Argyrodite as Argyrodite, analyse as analyse
    from pymatgen.analysis.argyrodite.grids import (
        excess_grid as excess_grid,
        inversion_grid as inversion_grid,
        iterate_grid as iterate_grid,
        write_grid as write_grid,
    )
    from pymatgen.analysis.argyrodite.hull import (
        computed_entries as computed_entries,
        energy_above_hull as energy_above_hull,
    )
    from pymatgen.analysis.argyrodite.lgps import lspscl_arrangements as lspscl_arrangements
    from pymatgen.analysis.argyrodite.occupancies import order_occupancies as order_occupancies
    from pymatgen.analysis.argyrodite.orderings import (
        LithiumOrdering as LithiumOrdering,
        lithium_orderings as lithium_orderings,
        relax_ordering as relax_ordering,
    )
    from pymatgen.analysis.argyrodite.prototypes import argyrodite as argyrodite
    from pymatgen.analysis.argyrodite.site_energy import (
        SiteEnergies as SiteEnergies,
        overlap_table as overlap_table,
        plot_site_energies as plot_site_energies,
        site_energies as site_energies,
    )
    from pymatgen.analysis.argyrodite.site_populations import site_free_energies as site_free_energies
    from pymatgen.analysis.argyrodite.tetrahedral_sites import lithium_sites as lithium_sites
    from pymatgen.analysis.argyrodite.thiophosphates import (
        lithium_thiophosphate as lithium_thiophosphate,
        lpscl as lpscl,
        lspscl as lspscl,
    )
    from pymatgen.analysis.argyrodite.transformations import (
        AliovalentSubstitutionTransformation as AliovalentSubstitutionTransformation,
        EnumerateSiteInversionTransformation as EnumerateSiteInversionTransformation,
        ExcessHalideTransformation as ExcessHalideTransformation,
        SiteInversionTransformation as SiteInversionTransformation,
    )
else:
    __all__, __getattr__, __dir__ = face(
        __name__,
        ensemble=["monte_carlo", "thermodynamics"],
        entropy=["configurational_entropy", "plot_entropy_map"],
        expansion=["AnionClusterExpansion"],
        framework=["Argyrodite", "analyse"],
        grids=["excess_grid", "inversion_grid", "iterate_grid", "write_grid"],
        hull=["computed_entries", "energy_above_hull"],
        lgps=["lspscl_arrangements"],
        occupancies=["order_occupancies"],
        orderings=["LithiumOrdering", "lithium_orderings", "relax_ordering"],
        prototypes=["argyrodite"],
        site_energy=["SiteEnergies", "overlap_table", "plot_site_energies", "site_energies"],
        site_populations=["site_free_energies"],
        tetrahedral_sites=["lithium_sites"],
        thiophosphates=["lithium_thiophosphate", "lpscl", "lspscl"],
        transformations=[
            "AliovalentSubstitutionTransformation",
            "EnumerateSiteInversionTransformation",
            "ExcessHalideTransformation",
            "SiteInversionTransformation",
        ],
    )
