"""Who jumps together: hops into a place that another ion has just left, joined to strings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, heights
from ionpath.cells import images_around
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells, fractional, minimum_image, wrap_fractional
from ionpath.transport._checks import above_zero
from ionpath.transport.events import Hops


@documented
@dataclass(frozen=True)
class Strings(Msonable):
    """Cooperative strings of hops."""

    string: Ints  # (K,): string of each hop, in the order of the hops
    sizes: Ints  # (S,): different ions in each string
    ions: Ints  # (P, 2): pairs of ions of which the first moved to where the second had been
    hops: Ints  # (P, 2): the hops of these pairs

    @property
    def mean_size(self) -> float:
        """Mean number of ions in a string, lone hops included; nan without hops."""
        return float(self.sizes.mean()) if self.sizes.size else float("nan")

    @property
    def cooperative_fraction(self) -> float:
        """Fraction of hops that are part of a string of at least two ions; nan without hops."""
        return float((self.sizes[self.string] > 1).mean()) if self.string.size else float("nan")

    def distribution(self) -> tuple[Ints, Ints]:
        """Numbers of ions from 1 on, and the number of strings of that size."""
        counts = np.bincount(self.sizes, minlength=2)[1:]
        return np.arange(1, counts.size + 1), counts


@typed
@references("donati1998")
def cooperative_strings(hops: Hops, cell: ArrayLike, *, window: float = 1.0, distance: float = 1.5) -> Strings:
    """Join hops of different ions into strings.

    Parameters
    ----------
    hops : Hops
        Hops with positions before and after.
    cell : array_like, shape (3, 3)
        Cell vectors as rows in A; the mean cell under constant pressure.
    window : float, optional
        Two hops belong together only if they happen within this time in ps.
    distance : float, optional
        And if one ends within this distance in A of where the other began; about 0.6 site spacings.

    Returns
    -------
    Strings
        String of each hop, sizes, and the pairs that were joined.

    Notes
    -----
    Ion j follows ion i if ``|r_j(after) - r_i(before)| < distance`` within the time window (Donati et al.,
    doi:10.1103/PhysRevLett.80.2338). Strings are the connected sets of hops that follow each other; their size is
    the number of different ions in them.

    Examples
    --------
    >>> from ionpath.transport import displacement_hops
    >>> train = np.zeros((4, 3, 3))
    >>> train[:, :, 0] = [0.0, 4.0, 20.0]
    >>> train[2:, :2, 0] += 4.0  # two ions move up by one place, the third rests
    >>> cooperative_strings(displacement_hops(train, smoothing=0.0), 40 * np.eye(3)).sizes.tolist()
    [2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    limit = above_zero(distance, "distance", "a distance in A")
    span = above_zero(window, "window", "a time in ps")
    first, second = _candidates(hops, as_cells(cell), span, limit)
    graph = coo_array((np.ones(first.size), (first, second)), shape=(hops.count, hops.count))
    number, labels = connected_components(graph, directed=False) if hops.count else (0, np.empty(0))
    string = labels.astype(np.int64)
    members = np.unique(np.stack([string, hops.ion], axis=1), axis=0)[:, 0] if hops.count else string
    pairs = np.stack([first, second], axis=1)
    return Strings(string, np.bincount(members, minlength=number), hops.ion[pairs], pairs)


def _candidates(hops: Hops, cell: Floats, window: float, distance: float) -> tuple[Ints, Ints]:
    """Pairs of hops of different ions of which the first ends where the second began, close in time."""
    from scipy.spatial import cKDTree

    if hops.count < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    ends, starts = (wrap_fractional(fractional(points, cell)) for points in (hops.end, hops.start))
    # Time is a fourth coordinate, scaled so that the window is one distance; images of starts near a face are added.
    scale = distance / window
    images, owner, _ = images_around(starts, distance / heights(cell))
    tree = cKDTree(np.column_stack([images @ cell, hops.times[owner] * scale]))
    near = tree.query_ball_point(
        np.column_stack([ends @ cell, hops.times * scale]), distance * np.sqrt(2.0) * (1 + 1e-9)
    )
    first = np.repeat(np.arange(hops.count), [len(n) for n in near])
    second = owner[np.concatenate([np.asarray(n, dtype=np.int64) for n in near])]
    gap = np.linalg.norm(minimum_image(hops.end[first] - hops.start[second], cell), axis=1)
    late = np.abs(hops.times[first] - hops.times[second])
    together = (hops.ion[first] != hops.ion[second]) & (gap < distance) & (late <= window * (1 + 1e-9))
    pairs = np.unique(np.stack([first[together], second[together]], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]
