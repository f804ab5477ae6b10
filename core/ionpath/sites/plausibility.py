"""Are found sites and cages plausible? What cannot be is an error; what hardly is, a warning with its numbers."""

from __future__ import annotations

import numpy as np

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError, warn
from ionpath.sites.nearest import SiteTree

TIE = 0.05
"""A site whose two nearest centres differ by less than this is between them, in A."""
MOST_BETWEEN = 0.5
"""Lithium of Li6PS5Cl at 500 K is on no corner of its cage (24g) in 20 % of the frames, with disorder in 41 %."""
LEAST_CONTRAST, LEAST_ASSIGNED = 2.0, 0.6
"""Places of lithium in Li6PS5Cl at 500 K: 4 to 5 times the mean density, 73 to 91 % of the ions, in 14 ps already.
Points that diffuse freely: 1.2 to 2.0, and 40 to 54 %, in 500 and 14 ps."""
CLOSEST, NEARLY = 1.0, 1.5
"""Sites closer than the first (A) are not told apart by vibrating ions, and closer than the second not well: lithium
vibrates by 0.3 to 0.5 A along each axis at 300 to 900 K."""
_NETWORK = "or take SiteNetwork (whose states need no cages)"


def is_solid(peaks: Floats, assigned: float) -> bool:
    """Whether sites stand out and hold most ions."""
    return len(peaks) > 0 and float(np.median(peaks)) >= LEAST_CONTRAST and assigned >= LEAST_ASSIGNED


def not_solid(peaks: Floats, assigned: float, remedy: str) -> InputError:
    """The error of a density (searched for places of ions) without sites that stand out, as that of a liquid."""
    median = float(np.median(peaks)) if len(peaks) else 0.0
    need = f"maxima of {LEAST_CONTRAST:g} times its mean or more that hold {LEAST_ASSIGNED:.0%} of the ions"
    got = f"{len(peaks)} with a median of {median:.2f} that hold {assigned:.0%}"
    return InputError(
        "density", need=need, got=got, remedy=f"ions that move as in a liquid have no sites; otherwise {remedy}"
    )


def check_cages(owner: Ints, remedy: str) -> None:
    """Refuse a grouping in which a quarter of the cages or more hold one site, where every hop would leave its cage."""
    sizes = np.bincount(owner)
    single = int((sizes == 1).sum())
    if 4 * single >= len(sizes) or len(sizes) == len(owner) > 1:
        raise InputError(
            "cages", need="groups of sites", got=f"{single} of {len(sizes)} cages with one site",
            remedy=f"{remedy}, say how many sites a cage has with n_vertices=, {_NETWORK}",
        )  # fmt: skip


def closest_sites(cell: Floats, points: Floats) -> tuple[int, float]:
    """Return the site with the nearest neighbour, and its distance in A."""
    if len(points) < 2:
        return 0, np.inf
    nearest = SiteTree(cell, points, 2.0 * NEARLY).separation
    return int(nearest.argmin()), float(nearest.min())


def check_apart(cell: Floats, points: Floats, remedy: str) -> None:
    """Refuse two sites at one place."""
    k, distance = closest_sites(cell, points)
    if distance < CLOSEST:
        need = f"sites at least {CLOSEST:g} A apart, which vibrating ions tell apart"
        got = f"{distance:.2f} A at site {k}, {np.round(points[k], 4).tolist()}"
        raise InputError("sites", need=need, got=got, remedy=remedy)


def warn_of_near_sites(cell: Floats, points: Floats) -> None:
    """Warn of sites between which ions vibrate, such as both halves of a split site."""
    k, distance = closest_sites(cell, points)
    if distance < NEARLY:
        warn(
            f"sites {distance:.2f} A apart (site {k}, {np.round(points[k], 4).tolist()}): ions pass between them when "
            f"they vibrate, which counts as hops; make one site of them with merge={NEARLY:g} of from_structure, or "
            f"separation={NEARLY:g} of from_density"
        )


def check_ties(squares: Floats, first: int, tie: float = TIE) -> None:
    """Refuse sites (rows) that are as near to one centre as to another (columns); `first` is the number of row 0."""
    if squares.shape[1] < 2:
        return
    distance = np.sqrt(squares)
    nearest = distance.min(axis=1)
    near = (distance <= nearest[:, None] + tie).sum(axis=1)
    tied = np.flatnonzero(near > 1)
    if len(tied):
        k = int(tied[0])
        more = f", and {len(tied) - 1} more such sites" if len(tied) > 1 else ""
        got = f"{near[k]} centres at {nearest[k]:.2f} A, within {tie:g} A of each other{more}"
        remedy = "choose with centres= those around which there are cages, " + _NETWORK
        raise InputError(f"site {first + k}", need="one nearest centre", got=got, remedy=remedy)


def warn_of_assignment(unassigned: float, n_ions: int, n_sites: int) -> None:
    """Warn where ions are not where the sites are, or where there are more ions than sites."""
    if unassigned > MOST_BETWEEN:
        warn(
            f"ions are on no site in {unassigned:.0%} of all frames (up to {MOST_BETWEEN:.0%} is usual): the sites are "
            "not those of this trajectory, or the cutoff is too short"
        )
    if n_ions > n_sites:
        warn(f"{n_ions} ions share {n_sites} sites: some are between sites at any time, and their hops are lost")
