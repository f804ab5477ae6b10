"""Coordination shells from a Universe, a pymatgen Structure, ASE Atoms, or the ion density alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.elements import ANIONS, FORMERS
from ionpath.errors import InputError
from ionpath.lattice.argyrodite_framework import NotArgyrodite, Vertices, cage_vertices, free_anion_orbits
from ionpath.paired import PairedCageShells
from ionpath.sites.cages import merged_sites
from ionpath.sites.plausibility import CLOSEST, NEARLY, check_apart, check_cages, closest_sites
from ionpath.sites.shells import CoordinationShells as CoreShells
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._shell_sources import (
    CrystalSites,
    DensityOfUniverse,
    anions_with_ions,
    chosen_frames,
    mobile_ions,
    read_frames,
    select_group,
    species_names,
    unbound_anions,
)


@typed
class CoordinationShells(DensityOfUniverse, CoreShells):  # type: ignore[misc]  # takes a Universe, not arrays
    """Sites of mobile ions in shells around centres, in the cell of a trajectory.

    Build it with `for_argyrodite` (cages of the framework), `from_structure` (sites of a crystal), `from_universe`
    (vertices found around centres), or `from_density` (no crystal model); or with `from_sites` from arrays. See
    `ionpath.kinetics.CoordinationShells`.

    Attributes
    ----------
    cell, centres, offsets, centre_of, vertex, kinds, family, centre_atoms, templates
        See `ionpath.kinetics.CoordinationShells`.
    """

    @classmethod
    def for_argyrodite(
        cls,
        universe: Any,
        mobile: Any = None,
        *,
        vertices: Vertices = "24g",
        start: int | None = None,
        stop: int | None = None,
        step: int | None = None,
        max_frames: int = 200,
    ) -> CoordinationShells:
        """Lithium cages of an argyrodite, from the geometry of its framework.

        Parameters
        ----------
        universe : Universe
            Trajectory of any argyrodite: ordered or not, rich in S or in halide, Cl, Br or I, P or Si, any supercell in
            any orientation, wrapped or not, atoms in any order.
        mobile : str or AtomGroup, optional
            Selection of the mobile ions; default: all Li, or else Na, K, Ag or Cu.
        vertices : {"24g", "48h"}, default "24g"
            Six sites in each cage, or twelve (T5) where lithium does not change between the two of a pair all the time.
        start, stop, step, max_frames : int, optional
            Frames to look at, see `from_universe`.

        Returns
        -------
        CoordinationShells
            One shell around each anion among four tetrahedra (4c or 4d), S or halide as `kinds` says; its sites follow
            it.

        Raises
        ------
        NotArgyrodite
            If numbers or surroundings of the anions are not those of an argyrodite; the sentence says which.
        InputError
            If elements are unknown, a selection is empty, or there is no cell.

        Notes
        -----
        Sites are those of the crystal (B. J. Morgan, doi:10.1021/acs.chemmater.0c03738) in axes and with an edge taken
        from the mean positions of the framework; nothing depends on where the ions are. Which anions are bound to P or
        Si is seen in single frames.

        Examples
        --------
        >>> import ase, MDAnalysis
        >>> from ionpath.lattice import cage_sites, framework
        >>> positions, elements, _ = framework()
        >>> places, symbols = np.concatenate([cage_sites(), positions]), ["Li"] * 24 + elements.tolist()
        >>> atoms = ase.Atoms(symbols, scaled_positions=places, cell=[10.155] * 3, pbc=True)
        >>> CoordinationShells.for_argyrodite(MDAnalysis.Universe(atoms))
        CoordinationShells(4 centres, 24 sites, 7 states, kinds: S)
        """
        elements = _checks.elements_of(universe.atoms, "universe")
        ions = mobile_ions(universe, elements, mobile)
        others = universe.atoms - ions
        names = elements[others.ix]
        known = np.isin(names, list(FORMERS | ANIONS))
        if not known.all():
            raise NotArgyrodite(
                "universe (not an argyrodite)", need="formers and anions beside the mobile ions",
                got=", ".join(sorted(set(names[~known].tolist()))),
                remedy="select all mobile ions, or take from_structure or SiteNetwork",
            )  # fmt: skip
        formers, anions = (np.flatnonzero(np.isin(names, list(kind))) for kind in (FORMERS, ANIONS))
        if not len(formers):
            got = f"none beside {', '.join(sorted(set(names.tolist()))) or 'the ions'}"
            raise NotArgyrodite("universe (not an argyrodite)", need="formers such as P", got=got)
        seen = read_frames(universe, ions, others, chosen_frames(universe, start, stop, step, max_frames))
        free = anions[unbound_anions(seen, formers, anions, others)]
        places = seen.places @ seen.cell
        found = free_anion_orbits(seen.cell, places[formers], places[free], what="universe")
        middle = free[found.tetrahedral]
        sites = (places[middle][:, None] + cage_vertices(found, vertices)).reshape(-1, 3)
        return cls.from_sites(  # type: ignore[return-value]
            seen.cell,
            seen.places[middle],
            sites @ np.linalg.inv(seen.cell),
            kinds=names[middle],
            centre_atoms=others.ix[middle],
            orientation=found.axes / np.linalg.norm(found.axes, axis=1, keepdims=True),
        )

    @classmethod
    def for_paired_cages(
        cls,
        universe: Any,
        mobile: Any = "name Li",
        *,
        first: str = "Si",
        second: str = "P",
        start: int | None = None,
        stop: int | None = None,
        step: int | None = None,
        max_frames: int = 200,
    ) -> PairedCageShells:
        """Pairs of tetrahedra in the columns of a Li10GeP2S12-type crystal, with the published twelve states.

        Parameters
        ----------
        universe : Universe
            Trajectory of Li20Si3P3S23Cl or the like, atoms in any order.
        mobile : str or AtomGroup, default "name Li"
            Selection of the mobile ions.
        first, second : str, default "Si", "P"
            Elements of the two centres of a pair.
        start, stop, step, max_frames : int, optional
            Frames to look at, see `from_universe`.

        Returns
        -------
        PairedCageShells
            For ``PathEntropy(mobile, shells, method="paired-cages", core_sets=False)``: an ion that is in none of the
            twelve states is outside, as published.

        Raises
        ------
        InputError
            If elements are unknown, a selection is empty, there is no cell, or no column of both kinds.

        Notes
        -----
        States 1 and 2 are the apexes, 3 to 6 and 7 to 10 the quadrants about the first and the second centre, 11 and 12
        bridges (`ionpath.lattice.paired_cage_states`, arXiv:2412.07115).
        """
        ions = select_group(universe, mobile, "mobile")
        others = universe.atoms - ions
        names = _checks.elements_of(others, "universe")
        seen = read_frames(universe, ions, others, chosen_frames(universe, start, stop, step, max_frames))
        return PairedCageShells.from_frame(
            seen.cell, seen.places @ seen.cell, names, indices=others.ix, first=first, second=second
        )

    @classmethod
    def from_universe(
        cls,
        universe: Any,
        centres: Any = None,
        mobile: Any = "name Li",
        *,
        n_vertices: Any = 6,
        start: int | None = None,
        stop: int | None = None,
        step: int | None = None,
        max_frames: int = 200,
        **options: Any,
    ) -> CoordinationShells:
        """Find the vertices around centres from where the ions are on average.

        Parameters
        ----------
        universe : Universe
            Trajectory with a periodic cell.
        centres : str or AtomGroup, optional
            Selection of the centres of the shells. Default: anions without a bond to P, Si and the like that have
            at least half as many mobile ions within 2.6 A in the mean as that of them which has most; of two that
            are within 5 A of each other the one that has more. Where anions are mixed over sites, select instead.
        mobile : str or AtomGroup, default "name Li"
            Selection of the mobile ions.
        n_vertices : int, sequence of int, or mapping, default 6
            Number of sites around each centre: one number, one per centre, or one per name of centre.
        start, stop, step : int, optional
            Frames to look at; default: all.
        max_frames : int, default 200
            Of these frames, evenly spaced ones are taken, this number at most.
        **options
            Of `ionpath.kinetics.CoordinationShells.from_positions`.

        Returns
        -------
        CoordinationShells
            Shells that know the atoms of their centres, so that an analysis follows them.

        Raises
        ------
        InputError
            If a selection is empty, there is no cell, or a centre has not the expected number of vertices.
        """
        ions = select_group(universe, mobile, "mobile")
        frames = chosen_frames(universe, start, stop, step, max_frames)
        middle = (
            anions_with_ions(universe, ions, frames) if centres is None else select_group(universe, centres, "centres")
        )
        if len(middle.intersection(ions)):
            got = f"{len(middle & ions)} mobile ions among them"
            raise InputError("centres", need="atoms that are not mobile", got=got, remedy="narrow the selection")
        seen = read_frames(universe, ions, middle, frames)
        return cls.from_positions(  # type: ignore[return-value]
            seen.cell,
            seen.places,
            seen.ions,
            cells=seen.cells,
            centre_positions=seen.fixed,
            n_vertices=n_vertices,
            kinds=species_names(middle),
            centre_atoms=middle.ix,
            **options,
        )

    @classmethod
    def from_structure(
        cls,
        structure: Any,
        centres: Any = None,
        mobile: str = "Li",
        *,
        n_vertices: Any = None,
        merge: float = 0.0,
        **options: Any,
    ) -> CoordinationShells:
        """Take the sites of the mobile ions in a crystal structure.

        Parameters
        ----------
        structure : pymatgen Structure or ASE Atoms
            Crystal with a site wherever an ion may be, partly occupied or not, in a cell of the size of the
            trajectory.
        centres : str or sequence of int, optional
            Element of the centres, or their indices. Default: anions without a bond to P, Si and the like that are
            the nearest such anion of at least one site.
        mobile : str, default "Li"
            Element of the mobile ions.
        n_vertices : int, sequence of int, or mapping, optional
            Number of sites that each centre must have; default: what it has.
        merge : float, default 0
            Sites closer than this (A) are one, in their middle, such as the halves of a split site.
        **options
            Of `ionpath.kinetics.CoordinationShells.from_sites`.

        Returns
        -------
        CoordinationShells
            Shells. An analysis finds the atoms at their centres by position and species, whatever the order of the
            atoms, the origin, and the number of ions in the trajectory.

        Raises
        ------
        InputError
            If there are no such sites or centres, sites are closer than 1 A, a site is as near to several centres, most
            shells have one site, or a centre has not the expected number of vertices.
        """
        crystal = CrystalSites.of(structure, mobile)
        sites = merged_sites(crystal.cell, crystal.sites, merge)
        check_apart(crystal.cell, sites, f"merge={CLOSEST:g} makes one site of split ones")
        indices = crystal.centres(centres, sites)
        kinds = crystal.names[indices]
        shells = cls.from_sites(
            crystal.cell,
            crystal.coordinates[indices],
            sites,
            n_vertices=n_vertices,
            kinds=kinds,
            centre_atoms=indices,
            **options,
        )
        if n_vertices is None:
            check_cages(shells.centre_of, "choose with centres= the anions around which there are cages")
        return replace(shells, crystal=crystal.framework)  # type: ignore[return-value]


def split_distance(structure: Any, mobile: str) -> float | None:
    """Shortest distance between sites of a crystal that no vibrating ion tells apart, in A.

    Parameters
    ----------
    structure : pymatgen Structure or ASE Atoms
        Crystal with a site wherever an ion may be.
    mobile : str
        Element of the mobile ions.

    Returns
    -------
    float or None
        None if all sites are 1.5 A apart or more.
    """
    crystal = CrystalSites.of(structure, mobile)
    _, distance = closest_sites(crystal.cell, crystal.sites)
    return None if distance >= NEARLY else distance
