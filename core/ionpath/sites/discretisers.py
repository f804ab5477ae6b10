"""The rules that give ions their sites, as factories by name: the built-in entries of the hook ``discretisers``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Floats
from ionpath.errors import InputError
from ionpath.sites.assign import SiteAssignment, assign_sites
from ionpath.sites.follow import SiteFollower
from ionpath.sites.shells import CoordinationShells

MARGIN = 0.1
"""A second site that is less than this further away makes a frame ambiguous, in A."""


class Assign(Protocol):
    """A rule at work on one trajectory: it sees the frames in the order of time, in chunks of any length."""

    def __call__(self, ions: NDArray[Any], cells: Floats, centres: NDArray[Any] | None = None) -> SiteAssignment:
        """Sites of ions (T, N, 3) in cells (T, 3, 3), with the shells' centres at (T, M, 3) if they are followed."""


class Discretiser(Protocol):
    """What makes a rule for given shells; `cutoff` None is the default of the rule."""

    def __call__(self, shells: CoordinationShells, *, cutoff: float | None, mode: str, margin: float) -> Assign:
        """Make the rule; refuse options that it does not know."""


def nearest(shells: CoordinationShells, *, cutoff: float | None, mode: str, margin: float) -> Assign:
    """Nearest site within the cutoff, followed from frame to frame."""
    return SiteFollower(shells, cutoff=cutoff, margin=margin)


def geometric(
    shells: CoordinationShells, *, cutoff: float | None, mode: Literal["correct", "published"], margin: float
) -> Assign:
    """Vertex of the nearest centre in whose direction the ion is."""
    return partial(_assign, shells, {"method": "geometric", "cutoff": cutoff, "mode": mode, "margin": margin})


def voronoi(shells: CoordinationShells, *, cutoff: float | None, mode: str, margin: float) -> Assign:
    """Voronoi cell of the vertices of the nearest centre, in a padded box."""
    return partial(_assign, shells, {"method": "voronoi", "margin": margin})


BUILT_IN: Mapping[str, Any] = {"nearest": nearest, "geometric": geometric, "voronoi": voronoi}
"""Name -> factory of the rules of `assign_sites`."""


def checked(
    name: str, shells: CoordinationShells, assign: Assign, ions: Any, cells: Any, centres: Any
) -> SiteAssignment:
    """Sites by a rule that somebody else may have written: refuse what are none."""
    found = assign(ions, cells, centres)
    site, ambiguous = (np.asarray(part) for part in found) if isinstance(found, tuple) else (np.asarray(found), None)
    wrong = site.shape != ions.shape[:2] or not np.issubdtype(site.dtype, np.integer)
    if wrong or site.min(initial=0) < -1 or site.max(initial=0) >= shells.n_sites:
        raise InputError(
            f"discretiser {name!r}",
            need=f"integers from -1 to {shells.n_sites - 1} of shape {ions.shape[:2]}",
            got=f"{site.dtype} of shape {site.shape}, from {site.min(initial=0)} to {site.max(initial=0)}",
            remedy="report this to the authors of the package that brings it",
        )
    if ambiguous is None or ambiguous.shape != site.shape or ambiguous.dtype != bool:
        need = "a SiteAssignment of sites and of truth values of the same shape"
        remedy = "report this to the authors of the package that brings it"
        raise InputError(f"discretiser {name!r}", need=need, got=type(found).__name__, remedy=remedy)
    return SiteAssignment(site.astype(np.int32, copy=False), ambiguous.astype(bool, copy=False))


def _assign(shells: CoordinationShells, options: dict[str, Any], ions: Any, cells: Any, centres: Any = None) -> Any:
    return assign_sites(ions, shells, cells, centres, **options)
