"""Sites as maxima of the density of ions, and cages as groups of near sites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.ndimage import maximum_filter
from scipy.spatial.distance import squareform

from ionpath.errors import InputError
from ionpath.periodic import minimum_image, wrap_fractional
from ionpath.sites.nearest import Points, nearest_in_frames

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SAMPLES = 200_000
_LONGEST_LINK = 6.0
"""Sites further apart than this are never linked to one cage directly, in A."""


def density_grid(ions: Floats, cell: Floats, spacing: float, smoothing: float) -> Floats:
    """Count ions on a grid and smooth the counts with a Gaussian.

    Notes
    -----
    The Gaussian is applied to the Fourier components of the counts, with their wave vectors, so that it is round in
    every cell.

    Examples
    --------
    >>> grid = density_grid(np.full((1, 1, 3), 0.5), np.eye(3) * 4.0, 0.5, 0.4)
    >>> grid.shape, round(float(grid.mean() * 64.0), 6)
    ((8, 8, 8), 1.0)
    """
    if not (spacing > 0.0 and smoothing >= 0.0):
        raise InputError(
            "spacing", need="a positive spacing and smoothing in A", got=f"{spacing:g} and {smoothing:g}",
            remedy="0.3 and 0.5 suit lithium",
        )  # fmt: skip
    shape = np.maximum(1, np.ceil(np.linalg.norm(cell, axis=1) / spacing).astype(int))
    voxel = np.minimum((wrap_fractional(ions.reshape(-1, 3)) * shape).astype(np.int64), shape - 1)
    flat = np.ravel_multi_index((voxel[:, 0], voxel[:, 1], voxel[:, 2]), tuple(shape))
    counts = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)
    # wave vectors of the grid, 2 pi h^-1 n
    steps = [np.fft.fftfreq(n, 1.0 / n) for n in shape[:2]] + [np.fft.rfftfreq(shape[2], 1.0 / shape[2])]
    index = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)
    waves = 2.0 * np.pi * index @ np.linalg.inv(cell).T
    damped = np.fft.rfftn(counts) * np.exp(-0.5 * smoothing**2 * (waves**2).sum(axis=-1))
    volume = abs(float(np.linalg.det(cell))) / float(np.prod(shape))
    return np.asarray(np.fft.irfftn(damped, s=tuple(shape), axes=(0, 1, 2)) / (volume * len(ions)))


def density_sites(
    ions: Floats,
    cell: Floats,
    spacing: float,
    smoothing: float,
    separation: float,
    background: float,
    repeats: Sequence[int] = (1, 1, 1),
) -> Floats:
    """Find the maxima of the density of ions."""
    number = np.asarray(repeats)
    if number.shape != (3,) or not np.issubdtype(number.dtype, np.integer) or (number < 1).any():
        raise InputError(
            "repeats", need="three numbers of cells", got=repr(repeats), remedy="(1, 1, 1) averages nothing"
        )
    cell = cell / number[:, None]
    ions = (ions * number).reshape(1, -1, 3) if number.max() > 1 else ions
    grid = density_grid(ions, cell, spacing, smoothing)
    peaks = np.argwhere(
        (maximum_filter(grid, size=3, mode="wrap") == grid) & (grid > background * grid.max())
    )
    if len(peaks) == 0:
        raise InputError(
            "density",
            need="maxima above the background",
            got="none",
            remedy="lower `background`, or give more frames",
        )
    height = grid[tuple(peaks.T)]
    points = (peaks[np.argsort(-height, kind="stable")] + 0.5) / np.array(grid.shape)
    found = _settle(_thin(points, cell, separation), ions, cell, separation)
    shifts = np.stack(np.meshgrid(*map(np.arange, number), indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(((found[None] + shifts[:, None]) / number).reshape(-1, 3))


def _thin(points: Floats, cell: Floats, separation: float) -> Floats:
    """Keep points, in the order given, that are not too close to one kept before."""
    kept: list[int] = []
    for k, point in enumerate(points):
        near = minimum_image((points[kept] - point) @ cell, cell) if kept else np.zeros((0, 3))
        if ((near**2).sum(axis=1) >= separation**2).all():
            kept.append(k)
    return points[kept]


def _settle(sites: Floats, ions: Floats, cell: Floats, separation: float) -> Floats:
    """Move every site to the mean of the ions that are nearest to it, twice."""
    flat = ions.reshape(-1, 3)
    flat = flat[:: max(1, len(flat) // _SAMPLES)]
    for _ in range(2):
        points = Points(cell, sites, np.zeros(len(sites), dtype=np.int64))
        owner = nearest_in_frames(points, flat[None], None, 0.75 * separation, 0.0).site.ravel()
        on = owner >= 0
        vectors = minimum_image((flat[on] - sites[owner[on]]) @ cell, cell)
        number = np.maximum(np.bincount(owner[on], minlength=len(sites)), 1)
        sums = np.stack(
            [np.bincount(owner[on], vectors[:, k], minlength=len(sites)) for k in range(3)], axis=1
        )
        sites = wrap_fractional(sites + (sums / number[:, None]) @ np.linalg.inv(cell))
    return sites


def cages_of_sites(sites: Floats, cell: Floats, n_vertices: int | None) -> tuple[Floats, Floats, Integers]:
    """Group sites into cages of near neighbours.

    Notes
    -----
    Sites are linked in the order of their distances (single linkage). Cages are what is linked at a distance at which
    all have `n_vertices` sites, or just before the largest relative step in the distances at which groups merge that
    leaves cages inside the cell.
    """
    if len(sites) == 1:
        return sites.copy(), np.zeros((1, 3)), np.zeros(1, dtype=np.int64)
    vectors = minimum_image((sites[None] - sites[:, None]) @ cell, cell)
    distances = np.linalg.norm(vectors, axis=-1)
    tree = linkage(squareform(distances, checks=False), method="single")
    for group in _cuts(tree, len(sites), n_vertices):
        try:
            return _cages(sites, cell, group)
        except InputError as error:
            last = error
    raise last


def _cages(sites: Floats, cell: Floats, group: Integers) -> tuple[Floats, Floats, Integers]:
    _, owner = np.unique(group, return_inverse=True)
    # number cages in the order of their first site
    first = np.array([np.flatnonzero(owner == c)[0] for c in range(owner.max() + 1)])
    owner = np.argsort(np.argsort(first))[owner]
    centres, offsets = [], np.zeros((len(sites), 3))
    for c in range(len(first)):
        mine = np.flatnonzero(owner == c)
        middle, offsets[mine] = _middle(sites[mine], cell, c)
        centres.append(middle)
    return wrap_fractional(np.array(centres)), offsets, owner.astype(np.int64)


def _cuts(tree: Floats, n_sites: int, n_vertices: int | None) -> Iterator[Integers]:
    """Groupings of the sites, the one to be preferred first."""
    heights = tree[:, 2]
    if n_vertices is None:
        near = heights[heights <= _LONGEST_LINK]
        if len(near) == 0:
            yield np.arange(n_sites)
            return
        steps = np.append(near[1:], max(_LONGEST_LINK, near[-1])) / near
        for k in np.argsort(-steps, kind="stable"):
            yield np.asarray(fcluster(tree, near[k] + 1e-9, criterion="distance"))
        return
    best: Integers | None = None
    for height in np.unique(heights):
        group = np.asarray(fcluster(tree, height + 1e-9, criterion="distance"))
        sizes = np.bincount(group)[1:]
        if (sizes == n_vertices).all():
            yield group
            return
        if best is None or (sizes == n_vertices).mean() > (np.bincount(best)[1:] == n_vertices).mean():
            best = group
    assert best is not None
    sizes = np.bincount(best)[1:]
    wrong = int(np.flatnonzero(sizes != n_vertices)[0])
    raise InputError(
        f"cage {wrong} of {len(sizes)}", need=f"{n_vertices} sites", got=f"{sizes[wrong]} ({n_sites} sites in all)",
        remedy="change `separation` or `background`, or leave n_vertices out",
    )  # fmt: skip


def _middle(sites: Floats, cell: Floats, number: int) -> tuple[Floats, Floats]:
    """Middle of sites that lie together, and their vectors from it, walking from each site to its nearest
    neighbour."""
    placed = {0: np.zeros(3)}
    while len(placed) < len(sites):
        inside, outside = list(placed), [k for k in range(len(sites)) if k not in placed]
        steps = minimum_image((sites[outside][None] - sites[inside][:, None]) @ cell, cell)
        i, o = np.unravel_index((steps**2).sum(axis=-1).argmin(), steps.shape[:2])
        placed[outside[o]] = placed[inside[i]] + steps[i, o]
    chain = np.array([placed[k] for k in range(len(sites))])
    middle = chain.mean(axis=0)
    straight = minimum_image(chain - middle, cell)
    if np.abs(straight - (chain - middle)).max() > 1e-6:
        raise InputError(
            f"cage {number}", need="a group of sites that ends inside the cell", got="one that closes on itself",
            remedy="give n_vertices, or a larger cell",
        )  # fmt: skip
    return sites[0] + middle @ np.linalg.inv(cell), chain - middle
