"""Point location: which of many tetrahedra with moving corners encloses a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Bools, Floats, Ints
from ionpath.sites.nearest import SiteTree

_ON_A_FACE = 1e-9
_FEW = 4
_AT_ONCE = 8192


class Overlap(NamedTuple):
    """A point inside several tetrahedra."""

    # frame, point: which one
    frame: int
    point: int
    tetrahedra: Ints  # all that enclose it


class _Frames(NamedTuple):
    """Tetrahedra of some frames as corner and inverse edges, in fractional coordinates."""

    origin: Floats  # (t, K, 3)
    inverse: Floats  # (t, K, 3, 3)
    sound: Bools  # (t, K)
    overlapping: Bools  # (t,)


@dataclass(frozen=True, eq=False)
class EnclosingSearch:
    """Search of tetrahedra among those whose centre at rest is near."""

    tree: SiteTree  # centres at rest and their images
    centres: Floats  # (K, 3): fractional coordinates of the centres, beside their corners
    signs: Floats  # (K,): handedness of the corners at rest
    reach: float  # no point further than this from the centre at rest can be inside, in A
    fills: bool  # whether the tetrahedra fill space without overlap at rest

    @classmethod
    def build(cls, cell: Floats, corners: Floats, largest_move: float) -> EnclosingSearch:
        """Prepare the search of a cell (3, 3) in A with tetrahedra (K, 4, 3) at rest, in fractional coordinates.

        `largest_move` is the largest displacement of a corner in the frames to come, in A.
        """
        centres = corners.mean(axis=1)
        size = float(np.linalg.norm((corners - centres[:, None]) @ cell, axis=-1).max())
        volumes = np.linalg.det(corners[:, 1:] - corners[:, :1]) / 6.0
        reach = size + largest_move
        fills = bool(abs(np.abs(volumes).sum() - 1.0) < 1e-6)
        return cls(SiteTree(cell, centres, reach), centres, np.sign(volumes), reach, fills)

    def locate(self, points: Floats, corners: Floats) -> tuple[NDArray[np.int32], list[Overlap]]:
        """Tetrahedron (t, N) in which each point is deepest, -1 for none, and points inside more than one, by frame.

        Points (t, N, 3) and corners (t, K, 4, 3) are fractional, without drift.
        """
        frames = self._frames(corners)
        n_frames, n_points = points.shape[:2]
        frame = np.repeat(np.arange(n_frames), n_points)
        placed = self.tree.place(points.reshape(-1, 3))
        found = np.full(len(placed), -1, dtype=np.int32)
        left = np.flatnonzero(~frames.overlapping[frame])
        k = min(_FEW, len(self.tree.points))
        while len(left):
            left = self._first_that_fits(left, found, placed, frame, frames, k)
            if k == len(self.tree.points):
                break
            k = min(4 * k, len(self.tree.points))
        overlaps: list[Overlap] = []
        careful = np.flatnonzero(frames.overlapping[frame])
        for start in range(0, len(careful), _AT_ONCE):
            overlaps += self._all_that_fit(careful[start : start + _AT_ONCE], found, placed, frame, frames, n_points)
        return found.reshape(n_frames, n_points), overlaps

    def _frames(self, corners: Floats) -> _Frames:
        edges = corners[:, :, 1:] - corners[:, :, :1]
        volumes = np.linalg.det(edges)
        sound = np.abs(volumes) > 1e-14
        inverse = np.linalg.inv(np.where(sound[..., None, None], edges, np.eye(3)))
        # A filling of space stays one while every tetrahedron keeps its handedness: nothing overlaps then.
        kept = (np.sign(volumes) == self.signs).all(axis=1) & sound.all(axis=1)
        return _Frames(corners[:, :, 0], inverse, sound, ~kept if self.fills else np.ones(len(corners), dtype=bool))

    def _depths(self, which: Ints, placed: Floats, frame: Ints, frames: _Frames, k: int) -> tuple[Ints, Floats, Floats]:
        """Nearest `k` tetrahedra, the smallest barycentric coordinate in each, and how far the last of them is."""
        distance, image = self.tree.tree.query(placed[which], k=k)
        distance, image = distance.reshape(len(which), k), image.reshape(len(which), k)
        owner = self.tree.owner[image]
        rows = frame[which][:, None]
        local = (placed[which][:, None] - self.tree.points[image]) @ np.linalg.inv(self.tree.cell) + self.centres[owner]
        weights = np.einsum("pki,pkij->pkj", local - frames.origin[rows, owner], frames.inverse[rows, owner])
        depth = np.minimum(weights.min(axis=-1), 1.0 - weights.sum(axis=-1))
        depth[~frames.sound[rows, owner]] = -np.inf
        return owner, depth, distance[:, -1]

    def _first_that_fits(
        self, which: Ints, found: NDArray[np.int32], placed: Floats, frame: Ints, frames: _Frames, k: int
    ) -> Ints:
        open_points = []
        at_once = max(1, _AT_ONCE * _FEW // k)
        for start in range(0, len(which), at_once):
            part = which[start : start + at_once]
            owner, depth, last = self._depths(part, placed, frame, frames, k)
            best = depth.argmax(axis=1)
            rows = np.arange(len(part))
            inside = depth[rows, best] >= -_ON_A_FACE
            found[part[inside]] = owner[rows, best][inside]
            open_points.append(part[~inside & (last <= self.reach)])
        return np.concatenate(open_points)

    def _all_that_fit(
        self, which: Ints, found: NDArray[np.int32], placed: Floats, frame: Ints, frames: _Frames, n_points: int
    ) -> list[Overlap]:
        k = min(32, len(self.tree.points))
        owner, depth, last = self._depths(which, placed, frame, frames, k)
        while k < len(self.tree.points) and (last <= self.reach).any():
            k = min(2 * k, len(self.tree.points))
            owner, depth, last = self._depths(which, placed, frame, frames, k)
        rows = np.arange(len(which))
        best = depth.argmax(axis=1)
        inside = depth >= -_ON_A_FACE
        found[which] = np.where(inside.any(axis=1), owner[rows, best], -1)
        several = np.flatnonzero(inside.sum(axis=1) > 1)
        return [
            Overlap(int(frame[which[i]]), int(which[i] % n_points), owner[i][inside[i]].astype(np.int64))
            for i in several
        ]
