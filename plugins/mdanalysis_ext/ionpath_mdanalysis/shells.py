"""Coordination shells from a Universe, a pymatgen Structure, ASE Atoms, or the ion density alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Bools, Floats
from ionpath.elements import ANIONS, FORMERS
from ionpath.errors import InputError
from ionpath.framework import split_common
from ionpath.sites.crystal import ReferenceAtoms
from ionpath.sites.plausibility import TIE, check_cages
from ionpath.sites.shells import CoordinationShells as CoreShells
from ionpath.sites.vertices import nearest_centres
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import cell_vectors

BOND = 2.8
"""Longest bond from a network former to an anion, in A."""
NEAR = 2.6
"""Mobile ions within this distance of an anion belong to a shell around it, in A."""
APART = 5.0
"""Centres of shells are not closer to each other than this, in A."""


class CoordinationShells(CoreShells):
    """Sites of mobile ions in shells around centres, in the cell of a trajectory.

    Build it with `from_structure` (sites of a crystal), `from_universe` (vertices found around centres), or
    `from_density` (no crystal model); or with `from_sites` from arrays. See `ionpath.kinetics.CoordinationShells`.

    Attributes
    ----------
    cell, centres, offsets, centre_of, vertex, kinds, family, centre_atoms, templates
        See `ionpath.kinetics.CoordinationShells`.
    """

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
        ions = _group(universe, mobile, "mobile")
        frames = _frames(universe, start, stop, step, max_frames)
        middle = (
            _free_anions(universe, ions, frames) if centres is None else _group(universe, centres, "centres")
        )
        if len(middle.intersection(ions)):
            raise InputError(
                "centres", need="atoms that are not mobile", got=f"{len(middle & ions)} mobile ions among them",
                remedy="narrow the selection",
            )  # fmt: skip
        seen = _read(universe, ions, middle, frames)
        return cls.from_positions(  # type: ignore[return-value]
            seen.cell,
            seen.places,
            seen.ions,
            cells=seen.cells,
            centre_positions=seen.fixed,
            n_vertices=n_vertices,
            kinds=_names(middle),
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
            If there are no such sites or centres, a site is as near to several centres, most shells have one site, or a
            centre has not the expected number of vertices.
        """
        cell, coordinates, symbols, full = _unpack(structure)
        is_mobile = np.array([mobile in names for names in symbols])
        if not is_mobile.any():
            found = sorted({name for names in symbols for name in names})
            raise InputError(
                "mobile",
                need=f"{mobile} in the structure",
                got=", ".join(found),
                remedy="name another element",
            )
        indices = _structure_centres(cell, coordinates, symbols, is_mobile, centres)
        names = np.array(["/".join(sorted(one)) for one in symbols])
        shells = cls.from_sites(
            cell,
            coordinates[indices],
            coordinates[is_mobile],
            n_vertices=n_vertices,
            kinds=names[indices],
            centre_atoms=indices,
            **options,
        )
        if n_vertices is None:
            check_cages(shells.centre_of)
        fixed = ~is_mobile
        crystal = ReferenceAtoms(coordinates[fixed], names[fixed], ~full[fixed])
        return replace(shells, crystal=crystal)  # type: ignore[return-value]

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
    ) -> CoordinationShells:
        """Find sites as maxima of the ion density, and group them to shells.

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
            Of `ionpath.kinetics.CoordinationShells.from_density`.

        Returns
        -------
        CoordinationShells
            Shells without atoms at their centres; an analysis takes out the drift of the framework instead.

        Raises
        ------
        InputError
            If a selection is empty or there is no cell.
        """
        ions = _group(universe, mobile, "mobile")
        others = universe.atoms - ions if framework is None else _group(universe, framework, "framework")
        frames = _frames(universe, start, stop, step, max_frames)
        seen = _read(universe, ions, others, frames)
        found = super().from_density(seen.cell, seen.ions, cells=seen.cells, drift=seen.drift, **options)
        return found  # type: ignore[return-value]


def _group(universe: Any, selection: Any, name: str) -> Any:
    group = universe.select_atoms(selection) if isinstance(selection, str) else selection
    _checks.check_group(group, name)
    return group


def _frames(universe: Any, start: Any, stop: Any, step: Any, most: int) -> NDArray[np.intp]:
    frames = np.arange(*universe.trajectory.check_slice_indices(start, stop, step))
    _checks.check_frame_count(len(frames), 1)
    chosen = np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int)
    return frames[np.unique(chosen)]


def _names(group: Any) -> NDArray[np.str_]:
    for attribute in ("elements", "names", "types"):
        values = getattr(group, attribute, None)
        if values is not None and all(values):
            return np.asarray(values, dtype=str)
    return np.full(len(group), "X")


@dataclass(frozen=True)
class _Seen:
    """Frames of ions and of atoms that do not diffuse, in A; drift and places count from frame 0 of the file."""

    cell: Floats
    cells: Floats
    ions: Floats
    fixed: Floats
    places: Floats
    drift: Floats | None


def _read(universe: Any, ions: Any, fixed: Any, frames: NDArray[np.intp]) -> _Seen:
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
    return _Seen(cell, cells[1:], moving[1:], resting[1:], places, drift)


def _free_anions(universe: Any, ions: Any, frames: Any) -> Any:
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
        pairs = capped_distance(
            anions.positions, ions.positions, NEAR, box=universe.dimensions, return_distances=False
        )
        near += np.bincount(pairs[:, 0], minlength=len(anions))
    trajectory[int(frames[0])]
    chosen = _apart(anions, near, universe.dimensions)
    trajectory[here]
    if not near.any():
        raise InputError(
            "centres",
            need=f"free anions with mobile ions within {NEAR} A",
            got=f"none among {len(anions)} free anions",
            remedy="select the centres, for example centres='name S and index 100:131'",
        )
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


def _unpack(structure: Any) -> tuple[Floats, Floats, list[tuple[str, ...]], Bools]:
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
    raise InputError(
        "structure",
        need="a pymatgen Structure or ASE Atoms",
        got=type(structure).__name__,
        remedy="read it with Structure.from_file or ase.io.read",
    )


def placed(shells: CoreShells, mobile: Any) -> CoreShells:
    """Shells whose centres are atoms of a universe, found by position and species in its first frame.

    Shells that were not made from a crystal know their atoms, or have none, and stay as they are.
    """
    if shells.crystal is None or shells.centre_atoms is None:
        return shells
    universe = mobile.universe
    names = _names(universe.atoms)
    fixed = np.flatnonzero(~np.isin(names, _names(mobile)))
    trajectory = universe.trajectory
    here = trajectory.frame
    ts = trajectory[0]
    _checks.check_box(ts.dimensions, 0)
    cell = cell_vectors(ts.dimensions[None])[0]
    positions = ts.positions[fixed].astype(np.float64)
    trajectory[here]
    found = shells.crystal.match(cell, positions, names[fixed])
    away = shells.centres[:, None] - shells.crystal.coordinates
    atoms = found[((away - np.rint(away)) ** 2).sum(axis=-1).argmin(axis=1)]
    if (atoms < 0).any():
        empty = int(np.flatnonzero(atoms < 0)[0])
        raise InputError(
            "structure", need="an atom at every centre", got=f"none at centre {empty} ({shells.kinds[empty]})",
            remedy="choose centres= that the trajectory has",
        )  # fmt: skip
    atoms = fixed[atoms]
    return replace(shells, centre_atoms=atoms, kinds=names[atoms], crystal=None)


def _structure_centres(
    cell: Floats, coordinates: Floats, symbols: list[tuple[str, ...]], is_mobile: Any, centres: Any
) -> NDArray[np.intp]:
    if centres is not None and not isinstance(centres, str):
        return np.asarray(centres, dtype=np.intp)
    wanted = {centres} if isinstance(centres, str) else set(ANIONS)
    candidates = np.flatnonzero(
        [not m and bool(set(s) & wanted) for s, m in zip(symbols, is_mobile, strict=True)]
    )
    formers = np.flatnonzero([bool(set(s) & FORMERS) for s in symbols])
    if centres is None and len(formers) and len(candidates):
        _, offsets = nearest_centres(cell, coordinates[formers], coordinates[candidates])
        candidates = candidates[np.linalg.norm(offsets, axis=1) > BOND]
    if not len(candidates):
        raise InputError(
            "centres",
            need="atoms of that element" if centres else "anions without a bond to P, Si and the like",
            got="none in the structure",
            remedy="give the element or the indices of the centres",
        )
    tie = TIE if centres is None else None
    owner, _ = nearest_centres(cell, coordinates[candidates], coordinates[is_mobile], tie)
    return candidates[np.unique(owner)] if centres is None else candidates
