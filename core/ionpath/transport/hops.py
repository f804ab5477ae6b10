"""Hop counting by three rules: published (final displacement, events) and by cage with hysteresis."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import InputError, positive, whole
from ionpath.periodic import as_cells, fractional
from ionpath.sites.nearest import Points, nearest_in_frames
from ionpath.sites.trajectories import check_sites, core_sets
from ionpath.transport._checks import above_zero, unwrapped_positions
from ionpath.transport.events import Hops, Residence, hops_of
from ionpath.transport.hop_stream import DisplacementStream

PUBLISHED_DISTANCE = 3.0
"""Displacement in A that was published as the mark of a hop between cages."""


@typed
@references("jang2025")
def final_displacement_hops(
    positions: ArrayLike, *, frame_time: float = 1.0, distance: float = PUBLISHED_DISTANCE
) -> Hops:
    """Ions that end up further than a distance from where they began (mode ``published_final``).

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Unwrapped positions in A, without the drift of the framework.
    frame_time : float, optional
        Time between frames in ps.
    distance : float, optional
        Distance in A.

    Returns
    -------
    Hops
        At most one per ion, at the last frame.

    Notes
    -----
    The narrow reading of the published rule, displacements of more than 3 A from the initial position (Jang et al.,
    J. Mater. Chem. A 13, 16547, 2025). It does not grow with time once all ions have left, and 3 A does not tell
    cages apart: within one cage of an argyrodite ions go up to 5 A, and some hops between cages are 2.4 A long.

    Examples
    --------
    >>> moved = np.zeros((3, 2, 3))
    >>> moved[1:, 0, 0] = 4.0
    >>> final_displacement_hops(moved).count
    1
    """
    r = unwrapped_positions(positions)
    limit = above_zero(distance, "distance", "a distance in A")
    ions = np.flatnonzero(np.linalg.norm(r[-1] - r[0], axis=1) > limit)
    frames = np.full(ions.size, r.shape[0] - 1)
    nowhere = np.full(ions.size, -1)
    return hops_of(ions, frames, nowhere, nowhere, r[0, ions], r[-1, ions], r.shape, frame_time, "published_final")


@typed
@references("jang2025")
def displacement_hops(
    positions: ArrayLike, *, frame_time: float = 1.0, distance: float = PUBLISHED_DISTANCE, smoothing: float = 1.0
) -> Hops:
    """Each move by more than a distance counts, and the next one is measured from there (mode ``published_events``).

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Unwrapped positions in A, without the drift of the framework.
    frame_time : float, optional
        Time between frames in ps.
    distance : float, optional
        Distance in A.
    smoothing : float, optional
        Time in ps over which positions are averaged first, so that vibrations do not count; 0 for none.

    Returns
    -------
    Hops
        One event for each time that an ion had moved further than `distance`.

    Raises
    ------
    InputError
        If positions are malformed, or the smoothing is longer than the trajectory.

    Notes
    -----
    The wider reading of the published rule (see `final_displacement_hops`), with the same weakness: long moves within
    a cage count, and short ones between cages do not. `cage_hops` tells them apart.

    Examples
    --------
    >>> steps = np.zeros((7, 1, 3))
    >>> steps[:, 0, 0] = [0, 0, 4, 4, 8, 8, 4]
    >>> displacement_hops(steps, smoothing=0.0).frame.tolist()
    [2, 4, 6]
    """
    r = unwrapped_positions(positions)
    limit = above_zero(distance, "distance", "a distance in A")
    positive("smoothing", smoothing, "ps", zero=True)
    width = max(1, round(smoothing / above_zero(frame_time, "frame_time", "a time between frames in ps")))
    if 1 < width >= len(r):
        need = f"less than the {len(r)} frames of the trajectory"
        raise InputError("smoothing", need=need, got=f"{width} frames", remedy="smooth over a shorter time")
    moves = DisplacementStream(width, limit)
    moves.add(0, r)
    return moves.result(len(r), frame_time)


@typed
@references("morgan2021")
def cage_hops(
    positions: ArrayLike, cells: ArrayLike, centres: ArrayLike, *, frame_time: float = 1.0, hysteresis: float = 1.0
) -> tuple[Hops, NDArray[np.int32]]:
    """Hops from cage to cage: the nearest centre changes and stays changed (mode ``cage``).

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Unwrapped positions in A, without the drift of the framework.
    cells : array_like, shape (3, 3) or (T, 3, 3)
        Cell vectors as rows in A.
    centres : array_like, shape (M, 3)
        Centres of the cages (in argyrodites the anions on 4d) in the first cell in A, without drift: mean positions.
        In a cell that changes they keep their fractional coordinates.
    frame_time : float, optional
        Time between frames in ps.
    hysteresis : float, optional
        Time in ps for which a centre has to be the nearest one to count. The positions before and after a hop are
        means over this time.

    Returns
    -------
    hops : Hops
        Events with the cages before and after.
    cages : ndarray of int32, shape (T, N)
        Cage of every ion in every frame, short visits left out.

    Raises
    ------
    InputError
        If arrays are malformed or there are fewer than two centres.

    Examples
    --------
    >>> path = np.zeros((6, 1, 3))
    >>> path[:, 0, 0] = [1, 1, 4, 1, 4, 4]  # a short visit, then a hop
    >>> hops, cages = cage_hops(path, 6 * np.eye(3), [[1, 0, 0], [4, 0, 0]], hysteresis=2.0)
    >>> hops.frame.tolist(), cages[:, 0].tolist()
    ([4], [0, 0, 0, 0, 1, 1])
    """
    r = unwrapped_positions(positions)
    dt = above_zero(frame_time, "frame_time", "a time between frames in ps")
    places = np.asarray(centres, dtype=np.float64)
    positive("hysteresis", hysteresis, "ps", zero=True)
    if places.ndim != 2 or places.shape[1] != 3 or len(places) < 2 or not np.isfinite(places).all():
        got = f"shape {places.shape}"
        remedy = "pass the mean positions of the anions in the middle of the cages"
        raise InputError("centres", need="at least two positions (M, 3) in A", got=got, remedy=remedy)
    matrices = as_cells(cells)
    first = matrices if matrices.ndim == 2 else matrices[0]
    points = Points(first, np.asarray(fractional(places, first)), np.arange(len(places)))
    nearest = nearest_in_frames(points, np.asarray(fractional(r, matrices)), None, np.inf, 0.0).site
    width = max(1, round(hysteresis / dt))
    cages = core_sets(nearest, minimum_residence=width)
    return site_hops(cages, r, frame_time=dt, average=width, mode="cage"), cages


@typed
def site_hops(
    sites: ArrayLike,
    positions: ArrayLike | None = None,
    *,
    frame_time: float = 1.0,
    average: int = 1,
    transit: bool = True,
    mode: str = "site",
) -> Hops:
    """Hops in a series of sites.

    Parameters
    ----------
    sites : array_like of int, shape (T, N)
        Site of every ion in every frame, -1 where it is on none. An ion that leaves a site and comes back to the same
        one has not hopped; one that is in transit hops when it arrives.
    positions : array_like, shape (T, N, 3), optional
        Unwrapped positions in A, for the lengths of hops.
    frame_time : float, optional
        Time between frames in ps.
    average : int, optional
        Frames before the departure and after the arrival over which positions are averaged.
    transit : bool, optional
        Whether hops count that pass frames on no site. Without them, only changes from one frame to the next do, which
        is how site-analysis counts.
    mode : str, optional
        Name of the rule, kept in the result.

    Returns
    -------
    Hops
        Events, in the order of time.

    Examples
    --------
    >>> hops = site_hops(np.array([[0, -1, 2, 2, -1, 2, 1]]).T)
    >>> hops.origin.tolist(), hops.destination.tolist(), hops.frame.tolist()
    ([0, 2], [2, 1], [2, 6])
    """
    table = check_sites(sites)
    whole("average", average)
    frames, ions = np.arange(len(table))[:, None], np.arange(table.shape[1])
    last = np.maximum.accumulate(np.where(table >= 0, frames, -1), axis=0)
    before = np.where(last[:-1] >= 0, np.take_along_axis(table, np.maximum(last[:-1], 0), axis=0), -1)
    if not transit:
        before = table[:-1]
    frame, ion = np.nonzero((table[1:] >= 0) & (before >= 0) & (table[1:] != before))
    left = last[:-1][frame, ion]
    shape = (*table.shape, 3)
    start = end = np.full((ion.size, 3), np.nan)
    if positions is not None:
        r = unwrapped_positions(positions, frames=1)
        if r.shape != shape:
            raise InputError("positions", need=f"shape {shape}", got=f"{r.shape}", remedy="use the ions of the sites")
        steps = np.arange(max(1, average))
        start = r[np.maximum(left[:, None] - steps, 0), ion[:, None]].mean(axis=1, dtype=np.float64)
        end = r[np.minimum(frame[:, None] + 1 + steps, len(r) - 1), ion[:, None]].mean(axis=1, dtype=np.float64)
    return hops_of(ions[ion], frame + 1, before[frame, ion], table[frame + 1, ion], start, end, shape, frame_time, mode)


@typed
def residence_times(sites: ArrayLike, *, frame_time: float = 1.0) -> Residence:
    """How long ions stay on sites or in cages.

    Parameters
    ----------
    sites : array_like of int, shape (T, N)
        Site of every ion in every frame; -1 where it is on none, which belongs to the stay on the site before (the
        first site for leading ones).
    frame_time : float, optional
        Time between frames in ps.

    Returns
    -------
    Residence
        Stays, ion by ion in the order of time. Ions that never are on a site have none.

    Examples
    --------
    >>> stays = residence_times(np.array([[0, 0, -1, 0, 1, 1, 2]]).T)
    >>> stays.times.tolist(), stays.complete.tolist()
    ([4.0, 2.0, 1.0], [False, True, False])
    """
    dt = above_zero(frame_time, "frame_time", "a time between frames in ps")
    columns = core_sets(sites).T
    begins = np.ones(columns.shape, dtype=bool)
    begins[:, 1:] = columns[:, 1:] != columns[:, :-1]
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, columns.size))
    ion, first = np.divmod(starts, columns.shape[1])
    place = columns.ravel()[starts].astype(np.int64)
    kept = place >= 0
    complete = (first > 0) & (first + lengths < columns.shape[1])
    return Residence(lengths[kept] * dt, place[kept], ion[kept], complete[kept])
