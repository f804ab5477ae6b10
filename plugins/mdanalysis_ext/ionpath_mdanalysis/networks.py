"""Networks of sites from a pymatgen Structure, ASE Atoms, or the ion density of a Universe."""

from __future__ import annotations

from typing import Any

from ionpath.arguments import typed
from ionpath.sites.network import SiteNetwork as CoreNetwork
from ionpath_mdanalysis._shell_sources import CrystalSites, DensityOfUniverse


@typed
class SiteNetwork(DensityOfUniverse, CoreNetwork):  # type: ignore[misc]  # takes a Universe, not arrays
    """Sites of mobile ions in any crystal, and the states that they are: for materials without cages.

    Build it with `from_structure` (sites of a crystal) or `from_density` (no crystal model); or with `from_sites` from
    arrays. See `ionpath.kinetics.SiteNetwork`.

    Attributes
    ----------
    cell, centres, vertex, kinds, names, permutations, crystal
        See `ionpath.kinetics.SiteNetwork`.
    """

    @classmethod
    def from_structure(  # type: ignore[override]
        cls, structure: Any, mobile: str = "Li", **options: Any
    ) -> SiteNetwork:
        """Take the sites of the mobile ions in a crystal structure.

        Parameters
        ----------
        structure : pymatgen Structure or ASE Atoms
            Crystal with a site wherever an ion may be, partly occupied or not: one cell, with ``repeats``, or a cell of
            the size of the trajectory. Where atoms are mixed, the average structure shows which sites are equivalent.
        mobile : str, default "Li"
            Element of the mobile ions.
        **options
            ``fold``, ``repeats``, ``merge`` and ``symprec`` of `ionpath.kinetics.SiteNetwork.from_structure`.

        Returns
        -------
        SiteNetwork
            States by equivalent sites. An analysis lays the crystal on the trajectory by position and species.

        Raises
        ------
        InputError
            If there are no such sites, more than 126 states, only one, or two sites closer than 1 A.

        Examples
        --------
        >>> from pymatgen.core import Lattice, Structure
        >>> silver = Structure.from_spacegroup("Im-3m", Lattice.cubic(5.07), ["Ag", "I"], [[0.25, 0, 0.5], [0, 0, 0]])
        >>> SiteNetwork.from_structure(silver, "Ag", repeats=(2, 2, 2))
        SiteNetwork(96 sites, 6 states: 12d 1 (16), 12d 2 (16), 12d 3 (16), 12d 4 (16), 12d 5 (16), 12d 6 (16))
        """
        crystal = CrystalSites.of(structure, mobile)
        return super().from_structure(  # type: ignore[return-value]
            crystal.cell, crystal.sites, crystal.framework, **options
        )
