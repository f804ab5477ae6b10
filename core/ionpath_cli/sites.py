"""Where the ions of a trajectory may be: sites of a crystal, cages of an argyrodite, or maxima of the density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.arrays import grid_points
from ionpath.errors import InputError
from ionpath.sites.plausibility import NEARLY
from ionpath_cli.record import Record
from ionpath_cli.trajectory import Opened

LOOKS = 40
"""Frames whose mean is the framework."""
SAME = 0.6
"""Framework atoms of equivalent cells lie this near to each other in the mean, in A."""
MOST = 12
"""Cells along one vector that are tried."""


def sites_of(
    opened: Opened,
    crystal: Any,
    record: Record,
    *,
    repeats: Sequence[int] | None = None,
    separation: float | None = None,
    fold: str | None = None,
) -> Any:
    """Cages where there are some, else a network of sites; the record says which, and why."""
    from MDAnalysis.analysis.path_entropy import CoordinationShells, SiteNetwork

    from ionpath.lattice import NotArgyrodite

    element = str(opened.ions.elements[0])
    folding = {} if fold is None else {"fold": fold}
    if crystal is not None:
        record.parameters["sites"] = record.parameters.get("sites") or "crystal"
        merge = _reach_of_splits(crystal, element, record)
        number = tuple(repeats or (1, 1, 1))
        record.parameters["repeats"] = list(number)
        return _cages_or_network(
            lambda: CoordinationShells.from_structure(crystal.repeat(number), mobile=element, merge=merge),
            lambda: SiteNetwork.from_structure(crystal, mobile=element, merge=merge, repeats=number, **folding),
            "the sites of the crystal",
            fold,
            record,
        )
    try:
        shells = CoordinationShells.for_argyrodite(opened.universe, opened.ions, **opened.frames)
        record.parameters["sites"] = "cages of an argyrodite"
        asked = {"--repeats": repeats, "--separation": separation, "--fold": fold}
        for option in (name for name, value in asked.items() if value is not None):
            record.notes.append(f"{option} is not used: the sites are the cages of an argyrodite.")
        return shells
    except NotArgyrodite as error:
        record.notes.append(
            f"{error.name}: need {error.need}, got {error.got}. The sites are maxima of the ions' density."
        )
    record.parameters["sites"] = "maxima of the density"
    number = tuple(repeats) if repeats else equivalent_cells(opened)
    record.parameters["repeats"] = list(number)
    if not repeats and number != (1, 1, 1):
        shown = " x ".join(map(str, number))
        record.notes.append(f"The density is averaged over {shown} cells, which the framework repeats (--repeats).")
    options = {"framework": opened.framework, "repeats": number, "separation": separation, **opened.frames}
    return _cages_or_network(
        lambda: CoordinationShells.from_density(opened.universe, opened.ions, **options),
        lambda: SiteNetwork.from_density(opened.universe, opened.ions, **folding, **options),
        "maxima of the density",
        fold,
        record,
    )


def _reach_of_splits(crystal: Any, element: str, record: Record) -> float:
    """How near sites of the crystal are one, in A; the record says so."""
    from ionpath_mdanalysis.shells import split_distance

    if (distance := split_distance(crystal, element)) is None:
        return 0.0
    record.notes.append(
        f"The crystal has sites {distance:.2f} A apart, which vibrating ions do not tell apart: those "
        f"closer than {NEARLY:g} A are one site in their middle."
    )
    return NEARLY


def _cages_or_network(cages: Any, network: Any, what: str, fold: str | None, record: Record) -> Any:
    """Shells if there are cages, else a network, which needs none."""
    try:
        shells = cages()
        if fold is not None:
            record.notes.append(f"--fold is not used: {what} form cages, and the states are places in a cage.")
        return shells
    except InputError as error:
        made = network()
        record.notes.append(
            f"There are no cages ({error.name}: {error.got}), so the states are {what}, equivalent ones as one."
        )
        return made


def states_of(shells: Any, labels: Sequence[str]) -> str:
    """What the names of the states in tables and figures stand for."""
    from MDAnalysis.analysis.path_entropy import SiteNetwork

    if isinstance(shells, SiteNetwork):
        counts = np.bincount(shells.vertex)[1:]
        named = [f"{name} ({n})" for name, n in zip(labels[1:], counts, strict=True)]
        more = f", and {len(named) - 8} more" if len(named) > 9 else ""
        shown = ", ".join(named[:8] if more else named)
        return f"The state {labels[0]} is every other place; the states, with the number of their sites: {shown}{more}."
    sizes = sorted({int(n) for n in np.bincount(shells.centre_of)})
    kinds = " or ".join(sorted({str(kind) for kind in shells.kinds} - {"X"}))
    cage = f"cage (around {kinds})" if kinds else "cage"
    what = f"The state {labels[0]} is every place outside the {cage}; {labels[1]} to {labels[-1]} are its"
    if sizes == [6]:
        return f"{what} vertices from top to bottom."
    return f"{what} sites, of which a cage has {' or '.join(map(str, sizes))}."


def equivalent_cells(opened: Opened) -> tuple[int, int, int]:
    """How many equivalent cells lie along each vector, by the mean positions of the framework; 1 where it has none."""
    frames = np.arange(*opened.universe.trajectory.check_slice_indices(*opened.frames.values()))
    group, elements = opened.framework, np.asarray(opened.framework.elements)
    if not len(group):
        return (1, 1, 1)
    places, cells = [], []
    for frame in frames[:: max(1, len(frames) // LOOKS)]:
        ts = opened.universe.trajectory[int(frame)]
        if ts.dimensions is None:
            return (1, 1, 1)
        cells.append(ts.triclinic_dimensions)
        places.append(group.positions @ np.linalg.inv(cells[-1]))
    opened.universe.trajectory[0]
    steps = np.array(places) - places[0]
    steps -= np.rint(steps)
    mean, cell = places[0] + (steps - np.median(steps, axis=1, keepdims=True)).mean(axis=0), np.mean(cells, axis=0)
    return tuple(_along(axis, mean, cell, elements) for axis in range(3))  # type: ignore[return-value]


def _along(axis: int, mean: Any, cell: Any, elements: Any) -> int:
    """The largest number of cells along a vector that a translation of the framework takes to each other."""
    from scipy.spatial import cKDTree

    for number in range(MOST, 1, -1):
        if any(np.sum(elements == name) % number for name in set(elements)):
            continue
        shift = np.eye(3)[axis] / number
        if all(
            _same((mean[elements == name] + shift), mean[elements == name], cell, cKDTree) for name in set(elements)
        ):
            return number
    return 1


def _same(moved: Any, mean: Any, cell: Any, tree: Any) -> bool:
    images = grid_points(*[(-1, 0, 1)] * 3)[:, None]
    distance, _ = tree(((mean % 1 + images) @ cell).reshape(-1, 3)).query((moved % 1) @ cell)
    return bool((distance < SAME).all())
