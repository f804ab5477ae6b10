"""Hops found while frames go by, in memory that grows with the hops and not with the frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError
from ionpath.transport.events import Hops, Residence, hops_of

Sites = NDArray[np.int32]
NOWHERE = -1


class CageStream:
    """Hops from cage to cage, as `ionpath.transport.cage_hops` finds them; streams of consecutive blocks can be joined.

    `width` is the number of frames for which a centre has to be the nearest one to count; with `keep` the nearest
    centres of all frames are kept, too.

    A stay counts from the frame in which it has lasted for `width` frames. It is a hop if the stay that counted before
    was elsewhere; positions before and after are means over `width` frames on either side of its first frame. Stays
    that begin in the first `width` frames of a block need the block before: they are found at the join, where the first
    ``2 width - 1`` frames are gone through once more.
    """

    def __init__(self, width: int, *, keep: bool = False) -> None:
        self.width = width
        self.start = self.stop = -1
        self._labels: list[Sites] | None = [] if keep else None
        self._head: list[tuple[Floats, Sites]] = []
        self._tail: tuple[Floats, Sites] | None = None
        self._since: Ints = np.empty(0, dtype=np.int64)  # first frame of the stay that each ion is in
        self._site: Sites = np.empty(0, dtype=np.int32)  # where the last stay was that counted
        self._events: list[tuple[Ints, Ints, Sites, Sites, Floats, Floats]] = []

    def add(self, first: int, positions: Floats, sites: Sites) -> None:
        """Take the frames from number `first` on: positions (B, N, 3) in A, continuous, and nearest centres (B, N)."""
        if self._labels is not None:
            self._labels.append(sites)
        self._take(first, positions, sites)

    def _take(self, first: int, positions: Floats, sites: Sites) -> None:
        w, n_ions = self.width, sites.shape[1]
        if self._tail is None:
            self.start, self._tail = first, (positions[:0], sites[:0])
            self._since, self._site = np.full(n_ions, first), np.full(n_ions, NOWHERE, dtype=np.int32)
        missing = 2 * w - 1 - sum(len(rows) for _, rows in self._head)
        if missing > 0:
            self._head.append((positions[:missing].copy(), sites[:missing].copy()))
        before = len(self._tail[1])
        path, place = np.concatenate([self._tail[0], positions]), np.concatenate([self._tail[1], sites])
        base, self.stop = first - before, first + len(sites)
        frames = np.arange(base, self.stop)[:, None]
        begins = np.ones(place.shape, dtype=bool)
        begins[1:] = place[1:] != place[:-1]
        if before or first > self.start:
            begins[0] = False
        since = np.maximum.accumulate(np.where(begins, frames, self._since), axis=0)[before:]
        counted, ion = np.nonzero(frames[before:] - since == w - 1)
        self._found(ion, since[counted, ion], place, path, base)
        self._since = since[-1]
        self._tail = path[-2 * w :].copy(), place[-2 * w :].copy()

    def _found(self, ion: Ints, begin: Ints, place: Sites, path: Floats, base: int) -> None:
        """Keep the stays that count and are not where the one before was."""
        order = np.lexsort((begin, ion))
        ion, begin = ion[order], begin[order]
        where = place[begin - base, ion]
        same = np.append(False, ion[1:] == ion[:-1])
        origin = np.where(same, np.append(NOWHERE, where[:-1]), self._site[ion]).astype(np.int32)
        last = np.append(ion[1:] != ion[:-1], True)[: len(ion)]
        self._site[ion[last]] = where[last]
        new = (where != origin) & ((begin >= self.start + self.width) | (self.start == 0))
        ion, begin, where, origin = ion[new], begin[new], where[new], origin[new]
        steps = np.arange(self.width)
        row = (begin - base)[:, None]
        start = path[np.maximum(row - 1 - steps, 0), ion[:, None]].mean(axis=1)
        end = path[row + steps, ion[:, None]].mean(axis=1)
        self._events.append((ion, begin, origin, where, start, end))

    def state(self) -> tuple[Any, ...]:
        """Events, and what the blocks before and after need."""
        edges = (self._head, self._tail, self._since, self._site)
        return self.start, self.stop, *edges, self._joined(), self._labels

    def merge(self, state: tuple[Any, ...], offset: Floats | float = 0.0) -> None:
        """Join the block that follows, whose positions are shifted by `offset`."""
        start, stop, head, tail, since, site, events, labels = state
        if self._labels is not None:
            self._labels += labels
        shift = np.zeros((len(site), 3)) + offset
        if self._tail is None:
            self.start, self.stop = start, stop
            self._head = [(path + shift, place) for path, place in head]
            self._tail, self._since, self._site = (tail[0] + shift, tail[1]), since, site
        else:
            at = start
            for path, place in head:
                self._take(at, path + shift, place)
                at += len(place)
            ion, begin, origin, where, *_ = events
            first = np.append(True, ion[1:] != ion[:-1])[: len(ion)]
            origin = np.where(first, self._site[ion], origin).astype(np.int32)
            real = origin != where
            events = tuple(x[real] for x in (ion, begin, origin, where, *events[4:]))
            if stop > at:
                self._since = np.where(since < at, self._since, since)
                self._site = np.where(site >= 0, site, self._site)
                self._tail, self.stop = (tail[0] + shift, tail[1]), stop
        ion, begin, origin, where, before, after = events
        self._events.append((ion, begin, origin, where, before + shift[ion], after + shift[ion]))

    @property
    def labels(self) -> Sites:
        """Nearest centre of every ion in every frame, (T, N), if they were kept."""
        return np.concatenate(self._labels or [])

    def _joined(self) -> tuple[Any, ...]:
        """All events, ion by ion in the order of time."""
        parts = [np.concatenate(column) for column in zip(*self._events, strict=True)]
        order = np.lexsort((parts[1], parts[0]))
        return tuple(part[order] for part in parts)

    def result(self, n_frames: int, frame_time: float) -> tuple[Hops, Residence]:
        """Hops, and the stays between them."""
        ion, begin, origin, where, start, end = self._joined()
        order = np.lexsort((ion, begin))
        order = order[origin[order] >= 0]
        hops = hops_of(
            ion[order], begin[order], origin[order], where[order], start[order], end[order],
            (n_frames, len(self._site)), frame_time, "cage",
        )  # fmt: skip
        first = origin < 0
        begin = np.where(first, 0, begin)
        last = np.append(ion[1:] != ion[:-1], True)[: len(ion)]
        until = np.where(last, n_frames, np.append(begin[1:], n_frames)[: len(ion)])
        return hops, Residence((until - begin) * frame_time, where.astype(np.int64), ion, ~first & ~last)


def running_mean(positions: NDArray[Any], width: int) -> Floats:
    """Mean over windows of consecutive frames."""
    if width == 1:
        return np.asarray(positions, dtype=np.float64)
    sums = np.cumsum(positions - positions[0], axis=0, dtype=np.float64)
    means = sums[width - 1 :].copy()
    means[1:] -= sums[:-width]
    return np.asarray(means / width + positions[0])


class DisplacementStream:
    """Moves by more than a distance in A, as `ionpath.transport.displacement_hops` finds them, frame after frame.

    `width` is the number of frames over which positions are averaged first.
    """

    def __init__(self, width: int, distance: float) -> None:
        self.width, self.distance = width, distance
        self._tail: Floats | None = None
        self._reference: Floats | None = None
        self._events: list[tuple[Ints, Ints, Floats, Floats]] = []
        self._n_ions = 0

    def add(self, first: int, positions: Floats, cells: Floats | None = None) -> None:
        """Take the frames from number `first` on; these moves do not ask for cells."""
        w, self._n_ions = self.width, positions.shape[1]
        path = positions if self._tail is None else np.concatenate([self._tail, positions])
        at = first + len(positions) - len(path)
        self._tail = path[max(0, len(path) - w + 1) :].copy()
        if len(path) < w:
            return
        smooth = running_mean(path, w) if len(path) > w else path.mean(axis=0, keepdims=True)
        if self._reference is None:
            self._reference = smooth[0].copy()
        for k, now in enumerate(smooth):
            gone = np.flatnonzero(((now - self._reference) ** 2).sum(axis=1) > self.distance**2)
            if gone.size:
                frame = np.full(gone.size, at + k + (w - 1) // 2)
                self._events.append((gone, frame, self._reference[gone], now[gone]))
                self._reference[gone] = now[gone]

    def state(self) -> tuple[Any, ...]:
        """Events, and the reference that the next frames need."""
        return self._tail, self._reference, self._events, self._n_ions

    def merge(self, state: tuple[Any, ...], offset: Floats | float = 0.0) -> None:
        """Take over the one block that there is."""
        if self._tail is not None:
            raise InputError(
                "n_parts", need="one part for mode='published_events' of so long a run, since each event is measured "
                "from the one before", got="several", remedy="run it without n_workers and n_parts",
            )  # fmt: skip
        self._tail, self._reference, self._events, self._n_ions = state

    def result(self, n_frames: int, frame_time: float) -> Hops:
        """Hops in the order of time."""
        empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty((0, 3)), np.empty((0, 3)))
        ion, frame, start, end = (np.concatenate(x) for x in zip(empty, *self._events, strict=True))
        nowhere = np.full(ion.size, NOWHERE)
        return hops_of(
            ion, frame, nowhere, nowhere, start, end, (n_frames, self._n_ions), frame_time, "published_events"
        )
