"""What shells and networks of sites are made of: groups and frames of a Universe, and crystals of two hosts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ionpath.arrays import Bools, Floats, Indices, Symbols
from ionpath.elements import ANIONS, FORMERS, MOBILE
from ionpath.errors import InputError
from ionpath.framework import split_common
from ionpath.lattice.argyrodite_framework import NotArgyrodite, bound_anions
from ionpath.periodic import wrap_fractional
from ionpath.sites.crystal import ReferenceAtoms
from ionpath.sites.plausibility import TIE
from ionpath.sites.shells import CoordinationShells
from ionpath.sites.vertices import nearest_centres
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._frames import cell_vectors

BOND = 2.8
"""Longest bond from a network former to an anion, in A."""
NEAR = 2.6
"""Mobile ions within this distance of an anion belong to a shell around it, in A."""
APART = 5.0
"""Centres of shells are not closer to each other than this, in A."""


def select_group(universe: Any, selection: Any, name: str) -> Any:
    """Group by a selection or as given, checked."""
    group = _checks.selected(universe, selection, name) if isinstance(selection, str) else selection
    _checks.check_group(group, name)
    return group


def mobile_ions(universe: Any, elements: Symbols, mobile: Any) -> Any:
    """Mobile ions by a selection, or all of the first mobile element that is there."""
    if mobile is not None:
        return select_group(universe, mobile, "mobile")
    here = [element for element in MOBILE if element in elements]
    if not here:
        got = ", ".join(sorted(set(elements.tolist())))
        raise InputError("mobile", need=f"one of {', '.join(MOBILE)}", got=got, remedy="select the mobile ions")
    return universe.atoms[elements == here[0]]


def unbound_anions(seen: SampledFrames, formers: Indices, anions: Indices, others: Any) -> Indices:
    """Anions that no former binds, in the first frame in which all tetrahedra are whole."""
    names = [f"atom {others.ix[k]} ({others[k].element})" for k in formers]
    reasons = []
    for cell, positions in zip(seen.cells, seen.fixed, strict=True):
        try:
            bound = bound_anions(cell, positions[formers], positions[anions], names, what="universe")
        except NotArgyrodite as error:
            reasons.append(error)
        else:
            return np.setdiff1d(np.arange(len(anions)), bound)
    raise reasons[0]


def chosen_frames(universe: Any, start: Any, stop: Any, step: Any, most: int) -> Indices:
    """Numbers of evenly spaced frames, `most` of them at most."""
    frames = np.arange(*universe.trajectory.check_slice_indices(start, stop, step))
    _checks.check_frame_count(len(frames), 1)
    chosen = np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int)
    return frames[np.unique(chosen)]


def species_names(group: Any) -> Symbols:
    """Elements of atoms, or else their names or types."""
    for attribute in ("elements", "names", "types"):
        values = getattr(group, attribute, None)
        if values is not None and all(values):
            return np.asarray(values, dtype=str)
    return np.full(len(group), "X")


@dataclass(frozen=True)
class SampledFrames:
    """Frames of ions and of atoms that do not diffuse, in A; drift and places count from frame 0 of the file."""

    cell: Floats
    cells: Floats
    ions: Floats
    fixed: Floats
    places: Floats
    drift: Floats | None


def read_frames(universe: Any, ions: Any, fixed: Any, frames: Indices) -> SampledFrames:
    """Positions in some frames, cell by cell, and the displacement of what does not diffuse."""
    trajectory = universe.trajectory
    here = trajectory.frame
    dimensions = np.empty((len(frames) + 1, 6))
    tables = {"mobile": (ions, []), "framework": (fixed, [])}  # type: ignore[var-annotated]
    for k, frame in enumerate([0, *frames.tolist()]):
        ts = trajectory[frame]
        _checks.check_box(ts.dimensions, ts.frame, trajectory)
        dimensions[k] = ts.dimensions
        for name, (group, rows) in tables.items():
            rows.append(ts.positions[group.ix].astype(np.float64))
            if len(group):
                _checks.check_finite(rows[-1][None], np.array([ts.frame]), name)
    trajectory[here]
    cells = cell_vectors(dimensions)
    cell = cell_vectors(dimensions[1:].mean(axis=0, keepdims=True))[0]
    moving, resting = (np.array(rows) for _, rows in tables.values())
    places, drift = np.empty((0, 3)), None
    if len(fixed):
        coordinates = np.matmul(resting, np.linalg.inv(cells))
        rest, common = split_common(coordinates[1:] - coordinates[0])
        places = coordinates[0] + rest.mean(axis=0)
        common -= np.rint(common)
        drift = np.einsum("ti,tij->tj", common[:, 0], cells[1:])
    return SampledFrames(cell, cells[1:], moving[1:], resting[1:], places, drift)


def anions_with_ions(universe: Any, ions: Any, frames: Any) -> Any:
    """Anions without a bond to a network former that have many ions nearby in the mean."""
    from MDAnalysis.lib.distances import capped_distance

    elements = _checks.elements_of(universe.atoms, "centres")
    anions = universe.atoms[np.isin(elements, list(ANIONS))]
    formers = universe.atoms[np.isin(elements, list(FORMERS))]
    trajectory = universe.trajectory
    here = trajectory.frame
    trajectory[int(frames[0])]
    free = np.ones(len(anions), dtype=bool)
    if len(formers) and len(anions):
        pairs = capped_distance(
            anions.positions, formers.positions, BOND, box=universe.dimensions, return_distances=False
        )
        free[pairs[:, 0]] = False
    anions = anions[free]
    near = np.zeros(len(anions))
    sample = frames[:: max(1, len(frames) // 10)]
    for frame in sample:
        trajectory[int(frame)]
        pairs = capped_distance(anions.positions, ions.positions, NEAR, box=universe.dimensions, return_distances=False)
        near += np.bincount(pairs[:, 0], minlength=len(anions))
    trajectory[int(frames[0])]
    chosen = _apart(anions, near, universe.dimensions)
    trajectory[here]
    if not near.any():
        got = f"none among {len(anions)} free anions"
        remedy = "select the centres, for example centres='name S and index 100:131'"
        raise InputError("centres", need=f"free anions with mobile ions within {NEAR} A", got=got, remedy=remedy)
    return chosen


def _apart(anions: Any, near: Floats, box: Any) -> Any:
    """Those with many ions; of two that are close to each other the one with more."""
    from MDAnalysis.lib.distances import capped_distance

    pairs = capped_distance(anions.positions, anions.positions, APART, box=box, return_distances=False)
    kept = np.zeros(len(anions), dtype=bool)
    for k in np.argsort(-near, kind="stable"):
        rivals = pairs[pairs[:, 0] == k, 1]
        kept[k] = near[k] >= 0.5 * near.max() and not kept[rivals].any()
    return anions[kept]


def unpack_crystal(structure: Any) -> tuple[Floats, Floats, list[tuple[str, ...]], Bools]:
    """Cell, fractional coordinates, the elements of each site, and whether it is fully occupied."""
    if hasattr(structure, "lattice") and hasattr(structure, "frac_coords"):
        symbols = [tuple(str(getattr(one, "symbol", one)) for one in site.species) for site in structure]
        full = np.array([site.species.num_atoms > 0.99 for site in structure])
        return np.array(structure.lattice.matrix), np.array(structure.frac_coords), symbols, full
    if hasattr(structure, "get_scaled_positions"):
        # ASE puts the most abundant element on a mixed site of a CIF and keeps the others aside.
        shares = structure.info.get("occupancy", {})
        kinds = structure.arrays.get("spacegroup_kinds", np.zeros(len(structure), dtype=int))
        here = [
            shares.get(str(kind), {symbol: 1.0})
            for kind, symbol in zip(kinds, structure.get_chemical_symbols(), strict=True)
        ]
        full = np.array([sum(share.values()) > 0.99 for share in here])
        coordinates = np.array(structure.get_scaled_positions(wrap=False))
        return np.array(structure.cell[:]), coordinates, [tuple(share) for share in here], full
    remedy = "read it with Structure.from_file or ase.io.read"
    raise InputError("structure", need="a pymatgen Structure or ASE Atoms", got=type(structure).__name__, remedy=remedy)


@dataclass(frozen=True)
class CrystalSites:
    """A crystal of a host: its cell, its places, the elements of each, and which of them are of mobile ions."""

    cell: Floats
    coordinates: Floats
    symbols: list[tuple[str, ...]]
    full: Bools
    mobile: Bools

    @classmethod
    def of(cls, structure: Any, mobile: str) -> CrystalSites:
        """Crystal with at least one place of the mobile element."""
        cell, coordinates, symbols, full = unpack_crystal(structure)
        is_mobile = np.array([mobile in names for names in symbols])
        if not is_mobile.any():
            found = sorted({name for names in symbols for name in names})
            remedy = "name another element"
            raise InputError("mobile", need=f"{mobile} in the structure", got=", ".join(found), remedy=remedy)
        return cls(cell, coordinates, symbols, full, is_mobile)

    @property
    def sites(self) -> Floats:
        """Fractional coordinates of the mobile ions' places."""
        return self.coordinates[self.mobile]

    @property
    def names(self) -> Symbols:
        """Elements of each place, joined."""
        return np.array(["/".join(sorted(one)) for one in self.symbols])

    @property
    def framework(self) -> ReferenceAtoms:
        """The atoms that do not diffuse."""
        fixed = ~self.mobile
        return ReferenceAtoms(self.coordinates[fixed], self.names[fixed], ~self.full[fixed])

    def centres(self, centres: Any, sites: Floats) -> Indices:
        """Indices of the centres: as given, of an element, or free anions nearest to one of the sites."""
        if centres is not None and not isinstance(centres, str):
            return np.asarray(centres, dtype=np.intp)
        wanted = {centres} if isinstance(centres, str) else set(ANIONS)
        candidates = np.flatnonzero(
            [not m and bool(set(s) & wanted) for s, m in zip(self.symbols, self.mobile, strict=True)]
        )
        formers = np.flatnonzero([bool(set(s) & FORMERS) for s in self.symbols])
        if centres is None and len(formers) and len(candidates):
            _, offsets = nearest_centres(self.cell, self.coordinates[formers], self.coordinates[candidates])
            candidates = candidates[np.linalg.norm(offsets, axis=1) > BOND]
        if not len(candidates):
            need = "atoms of that element" if centres else "anions without a bond to P, Si and the like"
            remedy = "give the element or the indices of the centres"
            raise InputError("centres", need=need, got="none in the structure", remedy=remedy)
        tie = TIE if centres is None else None
        owner, _ = nearest_centres(self.cell, self.coordinates[candidates], sites, tie)
        return candidates[np.unique(owner)] if centres is None else candidates


class DensityOfUniverse:
    """The door from a trajectory's density to shells or networks."""

    @classmethod
    def from_density(
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
    ) -> Self:
        """Find sites as maxima of the ion density, and group them to cages (shells) or fold them (networks).

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
            Of ``from_density`` of `ionpath.kinetics.CoordinationShells` or `ionpath.kinetics.SiteNetwork`.

        Returns
        -------
        CoordinationShells or SiteNetwork
            In the frame of reference of the first frame. Shells have no atoms at their centres; an analysis takes out
            the drift of the framework instead.

        Raises
        ------
        InputError
            If a selection is empty, there is no cell, or the density shows no sites.

        Examples
        --------
        >>> from ionpath_mdanalysis import SiteNetwork
        >>> from ionpath_mdanalysis.example import hopping_universe
        >>> SiteNetwork.from_density(hopping_universe(400), repeats=(2, 2, 2), fold="translations").n_states
        7
        """
        ions = select_group(universe, mobile, "mobile")
        others = universe.atoms - ions if framework is None else select_group(universe, framework, "framework")
        seen = read_frames(universe, ions, others, chosen_frames(universe, start, stop, step, max_frames))
        found = super().from_density(  # type: ignore[misc]
            seen.cell, seen.ions, cells=seen.cells, drift=seen.drift, **options
        )
        return found


def placed(shells: CoordinationShells, mobile: Any) -> CoordinationShells:
    """Shells or a network of a crystal, laid on the first frame of a universe by position and species.

    Shells then know the atoms at their centres, and a network has its origin. What was not made from a crystal stays.
    """
    if shells.crystal is None:
        return shells
    universe = mobile.universe
    names = species_names(universe.atoms)
    fixed = np.flatnonzero(~np.isin(names, species_names(mobile)))
    trajectory = universe.trajectory
    here = trajectory.frame
    ts = trajectory[0]
    _checks.check_box(ts.dimensions, 0)
    cell = cell_vectors(ts.dimensions[None])[0]
    positions = ts.positions[fixed].astype(np.float64)
    trajectory[here]
    found = shells.crystal.match(cell, positions, names[fixed])
    if shells.centre_atoms is None:
        there = found >= 0
        moved = positions[found[there]] @ np.linalg.inv(cell) - shells.crystal.coordinates[there]
        return replace(shells, centres=wrap_fractional(shells.centres + split_common(moved[None])[1][0]), crystal=None)
    away = shells.centres[:, None] - shells.crystal.coordinates
    atoms = found[((away - np.rint(away)) ** 2).sum(axis=-1).argmin(axis=1)]
    if (atoms < 0).any():
        empty = int(np.flatnonzero(atoms < 0)[0])
        got = f"none at centre {empty} ({shells.kinds[empty]})"
        remedy = "choose centres= that the trajectory has"
        raise InputError("structure", need="an atom at every centre", got=got, remedy=remedy)
    atoms = fixed[atoms]
    return replace(shells, centre_atoms=atoms, kinds=names[atoms], crystal=None)
