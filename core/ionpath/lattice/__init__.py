"""Crystal lattices: argyrodite sites, decorations with their multiplicities, superlattices, even arrangements."""

from ionpath.lattice.argyrodite import (
    TETRAHEDRAL_SITES,
    TetrahedralSite,
    cage_sites,
    framework,
    orbit,
    setting_from_bonds as setting_from_bonds,
    tetrahedral_sites,
)
from ionpath.lattice.argyrodite_framework import (
    FreeAnions,
    NotArgyrodite,
    cage_vertices as cage_vertices,
    free_anion_orbits as free_anion_orbits,
)
from ionpath.lattice.decorations import Decorations, Sublattice, count_decorations, enumerate_decorations
from ionpath.lattice.interstices import Interstices, tetrahedral_interstices as tetrahedral_interstices
from ionpath.lattice.neighbours import NeighbourList, neighbours_within as neighbours_within
from ionpath.lattice.paired_cages import PairedCageRule, PairedCages, find_paired_cages, paired_cage_states
from ionpath.lattice.permutations import (
    invariant_arrangements as invariant_arrangements,
    site_permutations,
    small_subgroups as small_subgroups,
)
from ionpath.lattice.sampling import sample_decorations
from ionpath.lattice.subsets import even_subset, farthest_points
from ionpath.lattice.superlattices import Superlattice, inequivalent_superlattices

__all__ = [
    "TETRAHEDRAL_SITES",
    "Decorations",
    "FreeAnions",
    "Interstices",
    "NeighbourList",
    "NotArgyrodite",
    "PairedCageRule",
    "PairedCages",
    "Sublattice",
    "Superlattice",
    "TetrahedralSite",
    "cage_sites",
    "count_decorations",
    "enumerate_decorations",
    "even_subset",
    "farthest_points",
    "find_paired_cages",
    "framework",
    "inequivalent_superlattices",
    "orbit",
    "paired_cage_states",
    "sample_decorations",
    "site_permutations",
    "tetrahedral_sites",
]
