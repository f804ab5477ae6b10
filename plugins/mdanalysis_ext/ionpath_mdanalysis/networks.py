"""Networks of sites from a pymatgen Structure, ASE Atoms, or the ion density of a Universe."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.errors import InputError
from ionpath.sites.crystal import ReferenceAtoms
from ionpath.sites.network import SiteNetwork as CoreNetwork
from ionpath_mdanalysis._shell_sources import chosen_frames, read_frames, select_group, unpack_crystal


class SiteNetwork(CoreNetwork):
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
        cell, coordinates, symbols, full = unpack_crystal(structure)
        is_mobile = np.array([mobile in names for names in symbols])
        if not is_mobile.any():
            found = sorted({name for names in symbols for name in names})
            raise InputError(
                "mobile", need=f"{mobile} in the structure", got=", ".join(found), remedy="name another element"
            )
        names, fixed = np.array(["/".join(sorted(one)) for one in symbols]), ~is_mobile
        framework = ReferenceAtoms(coordinates[fixed], names[fixed], ~full[fixed])
        return super().from_structure(cell, coordinates[is_mobile], framework, **options)  # type: ignore[return-value]

    @classmethod
    def from_density(  # type: ignore[override]
        cls,
        universe: Any,
        mobile: Any = "name Li",
        *,
        framework: Any = None,
        start: int | None = None,
        stop: int | None = None,
        step: int | None = None,
        max_frames: int = 1000,
        **options: Any,
    ) -> SiteNetwork:
        """Find sites as maxima of the ion density.

        Parameters
        ----------
        universe : Universe
            Trajectory with a periodic cell.
        mobile : str or AtomGroup, default "name Li"
            Selection of the mobile ions.
        framework : str or AtomGroup, optional
            Atoms whose drift is taken out; default: all that are not mobile.
        start, stop, step : int, optional
            Frames to look at; default: all.
        max_frames : int, default 1000
            Of these frames, evenly spaced ones are taken, this number at most.
        **options
            ``fold``, ``repeats``, ``sites``, ``spacing``, ``separation`` and ``background`` of
            `ionpath.kinetics.SiteNetwork.from_density`.

        Returns
        -------
        SiteNetwork
            The network, in the frame of reference of the first frame.

        Raises
        ------
        InputError
            If a selection is empty, there is no cell, or the density shows no sites.

        Examples
        --------
        >>> from ionpath_mdanalysis.example import hopping_universe
        >>> SiteNetwork.from_density(hopping_universe(400), repeats=(2, 2, 2), fold="translations").n_states
        7
        """
        ions = select_group(universe, mobile, "mobile")
        others = universe.atoms - ions if framework is None else select_group(universe, framework, "framework")
        seen = read_frames(universe, ions, others, chosen_frames(universe, start, stop, step, max_frames))
        return super().from_density(  # type: ignore[return-value]
            seen.cell, seen.ions, cells=seen.cells, drift=seen.drift, **options
        )
