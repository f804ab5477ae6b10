"""Sites that are tetrahedra: an ion is on the one whose four corners, at their own positions, enclose it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Ints, Symbols, Words
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells, check_finite
from ionpath.sites.nearest import SiteTree
from ionpath.sites.reference import displacements, fractional_frames

_BLOCK = 40_000


@typed
@documented
@dataclass(frozen=True, eq=False)
class Tetrahedra(Msonable):
    """Tetrahedra between atoms of a framework, in a reference cell.

    Examples
    --------
    >>> from ionpath.lattice.argyrodite import framework, tetrahedral_sites
    >>> positions, elements, _ = framework()
    >>> holes, names = tetrahedral_sites()
    >>> tetrahedra = Tetrahedra.from_sites(np.eye(3) * 10.155, positions[elements != "P"], holes, names)
    >>> len(tetrahedra), round(tetrahedra.filling, 6)
    (136, 1.0)
    """

    cell: Floats  # (3, 3): vectors of the reference cell as rows, in A
    atoms: Floats  # (A, 3): fractional coordinates of the atoms that can be corners
    corners: Ints  # (K, 4): atoms at the corners of each tetrahedron
    shifts: Ints  # (K, 4, 3): lattice translations that bring the corners of a tetrahedron together
    names: Symbols  # (K,): kind of each tetrahedron

    def __len__(self) -> int:
        return len(self.corners)

    def __repr__(self) -> str:
        return f"Tetrahedra({len(self)} tetrahedra of {len(self.atoms)} atoms, kinds: {', '.join(self.kinds)})"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds, sorted."""
        return tuple(sorted({str(name) for name in self.names}))

    @property
    def corner_coordinates(self) -> Floats:
        """Fractional coordinates of the corners, together; shape (K, 4, 3)."""
        return self.atoms[self.corners] + self.shifts

    @property
    def filling(self) -> float:
        """Volume of all tetrahedra over that of the cell: 1 if they fill space."""
        corners = self.corner_coordinates
        return float(np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])).sum() / 6.0)

    @classmethod
    def from_sites(cls, cell: ArrayLike, atoms: ArrayLike, sites: ArrayLike, names: Words | None = None) -> Tetrahedra:
        """Span a tetrahedron between the four atoms nearest to each site.

        The cell (3, 3) has its vectors as rows in A; atoms (A, 3) that can be corners and sites (K, 3) are fractional,
        of the reference structure; `names` (K,) are the kinds of the sites, ``"T"`` if left out. InputError if there
        are no sites, fewer than four atoms, or the four atoms nearest to a site do not enclose it.
        """
        box = as_cells(cell)
        corners_at = check_finite(atoms, "atoms").astype(np.float64)
        points = np.atleast_2d(check_finite(np.asarray(sites, dtype=np.float64).reshape(-1, 3), "sites"))
        if len(points) == 0:
            raise InputError("sites", need="at least one site", got="none", remedy="give the centres of the holes")
        kinds = np.full(len(points), "T") if names is None else np.asarray(names, dtype=np.str_)
        if kinds.shape != (len(points),):
            got = f"shape {kinds.shape}"
            raise InputError("names", need=f"{len(points)} names, one per site", got=got, remedy="match them")
        tree = SiteTree(box, corners_at, reach=float(np.linalg.norm(box, axis=1).max()))
        _, image = tree.tree.query(tree.place(points), k=4)
        corners = tree.owner[image]
        vectors = (tree.points[image] - tree.place(points)[:, None]) @ np.linalg.inv(box)
        shifts = np.rint(points[:, None] + vectors - corners_at[corners]).astype(np.int64)
        made = cls(box, corners_at, corners, shifts, kinds)
        outside = np.flatnonzero(~_enclosed(made.corner_coordinates, points))
        if len(outside):
            raise InputError(
                f"site {int(outside[0])} ({kinds[outside[0]]})", need="four nearest atoms that enclose it",
                got=f"a site outside their tetrahedron (and {len(outside) - 1} more)",
                remedy="check that sites and atoms are in the same setting and origin",
            )  # fmt: skip
        return made


def _enclosed(corners: Floats, points: Floats) -> Bools:
    edges = corners[:, 1:] - corners[:, :1]
    flat = np.abs(np.linalg.det(edges)) < 1e-12
    weights = np.full((len(points), 3), -1.0)
    weights[~flat] = np.einsum("ki,kij->kj", points[~flat] - corners[~flat, 0], np.linalg.inv(edges[~flat]))
    return np.asarray((weights.min(axis=1) >= -1e-6) & (weights.sum(axis=1) <= 1.0 + 1e-6))


@typed
@references("morgan2021")
def assign_tetrahedra(
    ions: ArrayLike,
    tetrahedra: Tetrahedra,
    cells: ArrayLike,
    atoms: ArrayLike,
    *,
    ties: Literal["stay", "deepest"] = "stay",
) -> NDArray[np.int32]:
    """Return every ion the tetrahedron that encloses it, with the corners where they are in that frame.

    Parameters
    ----------
    ions : array_like, (T, N, 3)
        Positions of the mobile ions, wrapped or not, in A.
    tetrahedra : Tetrahedra
        Tetrahedra of the reference structure.
    cells : array_like, (3, 3) or (T, 3, 3)
        Vectors of the cell as rows, in A.
    atoms : array_like, (T, A, 3)
        Positions of the corner atoms in the order of the reference structure, in A. A common drift does not matter.
    ties : {"stay", "deepest"}
        An ion inside two tetrahedra, which happens when thermal motion turns one of them inside out, stays on the one
        of the frame before if that is one of them (the published rule), and otherwise goes to the one in which it is
        deepest; or it always goes to the deepest.

    Returns
    -------
    ndarray of int32, (T, N)
        Index of the tetrahedron; -1 for an ion in none.

    Notes
    -----
    Depth is the smallest of the four barycentric coordinates of the ion. As the corners are shared between
    neighbours, tetrahedra that fill space at rest fill it in every frame, up to those turned inside out.

    The rule and the names of the holes of argyrodites: B. J. Morgan, Chem. Mater. 33, 2004 (2021),
    doi:10.1021/acs.chemmater.0c03738.

    Examples
    --------
    >>> from ionpath.lattice.argyrodite import framework, tetrahedral_sites
    >>> positions, elements, _ = framework()
    >>> anions, cell = positions[elements != "P"], np.eye(3) * 10.155
    >>> tetrahedra = Tetrahedra.from_sites(cell, anions, *tetrahedral_sites())
    >>> ions = np.array([[[0.0, 0.18, 0.19], [0.15, 0.16, 0.15]]]) @ cell
    >>> tetrahedra.names[assign_tetrahedra(ions, tetrahedra, cell, (anions @ cell)[None])].tolist()
    [['T5', 'T4']]
    """
    one_of("ties", ties, ("stay", "deepest"))
    coordinates, inverse = fractional_frames(ions, cells)
    moved, common = displacements(atoms, inverse, tetrahedra.atoms, len(coordinates), "atoms")
    n_frames, n_ions = coordinates.shape[:2]
    largest = float(np.linalg.norm(moved @ tetrahedra.cell, axis=-1).max())
    search = EnclosingSearch.build(tetrahedra.cell, tetrahedra.corner_coordinates, largest)
    site = np.empty((n_frames, n_ions), dtype=np.int32)
    step = max(1, _BLOCK // max(n_ions, len(tetrahedra)))
    for start in range(0, n_frames, step):
        part = slice(start, start + step)
        corners = (tetrahedra.atoms + moved[part])[:, tetrahedra.corners] + tetrahedra.shifts
        site[part], overlaps = search.locate(coordinates[part] - common[part], corners)
        for overlap in overlaps if ties == "stay" else ():
            before = start + overlap.frame - 1
            if before >= 0 and site[before, overlap.point] in overlap.tetrahedra:
                site[before + 1, overlap.point] = site[before, overlap.point]
    return site


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
