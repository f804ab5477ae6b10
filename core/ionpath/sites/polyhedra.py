"""Sites that are tetrahedra: an ion is on the one whose four corners, at their own positions, enclose it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Ints, Symbols, Words
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells, check_finite
from ionpath.sites.enclosing import EnclosingSearch
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
