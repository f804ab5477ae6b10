"""Collect runs, stretches of time that an ion stays on a site, from chunks of frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.arrays import Ints


@typed
class RunRecorder:
    """Collect runs from chunks of frames.

    Parameters
    ----------
    n_ions : int
        Number of ions.
    core_sets : bool
        Let ions keep their site until they have reached another one, as `ionpath.kinetics.core_sets` does.

    Examples
    --------
    >>> recorder = RunRecorder(1)
    >>> recorder.add(np.array([[-1], [4], [-1]]))
    >>> recorder.add(np.array([[4], [7]]))
    >>> join_runs([recorder.runs()], 1)
    (array([0, 0]), array([0, 4]), array([4, 7]))
    """

    def __init__(self, n_ions: int, *, core_sets: bool = True) -> None:
        self._core_sets = core_sets
        self._last = np.full(n_ions, -1 if core_sets else -2, dtype=np.int32)
        self._raw = self._last.copy()
        self._n_frames = 0
        self._events: list[NDArray[np.int32]] = []

    def add(self, site: NDArray[np.signedinteger[Any]]) -> None:
        """Take the site of every ion in the next frames, (n_frames, n_ions), -1 for none."""
        changed = np.empty(site.shape, dtype=bool)
        np.not_equal(site[0], self._raw, out=changed[0])
        np.not_equal(site[1:], site[:-1], out=changed[1:])
        self._raw[:] = site[-1]
        flat = np.flatnonzero(changed.ravel())
        frame, ion = np.divmod(flat, site.shape[1])
        reached = site.ravel()[flat]
        if self._core_sets:
            kept = reached >= 0
            frame, ion, reached = frame[kept], ion[kept], reached[kept]
        order = np.argsort(ion, kind="stable")
        frame, ion, reached = frame[order], ion[order], reached[order]
        before = np.empty_like(reached)
        before[1:] = reached[:-1]
        first = np.ones(len(ion), dtype=bool)
        first[1:] = ion[1:] != ion[:-1]
        before[first] = self._last[ion[first]]
        new = reached != before
        self._last[ion] = reached  # the last of equal indices stays, which is the latest frame
        self._events.append(
            np.stack([ion[new], frame[new] + self._n_frames, reached[new]]).astype(np.int32, copy=False)
        )
        self._n_frames += len(site)

    def runs(self) -> dict[str, Any]:
        """What was collected, to be joined with what others collected.

        ``events``, int32 of shape (3, n): ion, first frame, site; and ``n_frames``.
        """
        none = np.empty((3, 0), dtype=np.int32)
        return {"events": np.concatenate([none, *self._events], axis=1), "n_frames": self._n_frames}


def join_runs(parts: Sequence[dict[str, Any]], n_ions: int, *, core_sets: bool = True) -> tuple[Ints, Ints, Ints]:
    """Join runs of consecutive stretches of a trajectory."""
    offsets = np.cumsum([0, *(part["n_frames"] for part in parts)])
    events = np.concatenate(
        [part["events"] + np.array([[0], [at], [0]], np.int64) for part, at in zip(parts, offsets, strict=False)],
        axis=1,
    )
    missing = np.setdiff1d(np.arange(n_ions, dtype=np.int32), events[0])
    never = np.stack([missing, np.zeros_like(missing), np.full_like(missing, -1)])
    ion, start, site = np.concatenate([events, never], axis=1)
    # Those of one ion are in the order of time already; numbers of 16 bits are sorted in linear time.
    order = np.argsort(ion.astype(np.uint16) if n_ions <= 1 << 16 else ion, kind="stable")
    ion, start, site = ion[order], start[order], site[order]
    new = np.ones(len(ion), dtype=bool)
    new[1:] = (ion[1:] != ion[:-1]) | (site[1:] != site[:-1])
    ion, start, site = ion[new], start[new], site[new]
    if core_sets:
        first = np.ones(len(ion), dtype=bool)
        first[1:] = ion[1:] != ion[:-1]
        start[first] = 0
    return ion, start, site
