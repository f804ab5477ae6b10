"""Coordination shells: centres with the sites around them, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.kinetics.sites import (
    Floats,
    Integers,
    VertexCounts,
    check_vertices,
    expected_vertices,
    label_vertices,
    nearest_centres,
)
from ionpath.periodic import as_cells, check_finite, wrap_fractional


@references("guan2024")
@dataclass(frozen=True, eq=False)
class CoordinationShells:
    """Sites of mobile ions in shells around centres, in a reference cell.

    Build it with `from_sites`, `from_positions` or `from_density`.

    Attributes
    ----------
    cell : ndarray, (3, 3)
        Vectors of the reference cell as rows, in A.
    centres : ndarray, (M, 3)
        Fractional coordinates of the centres in the reference cell.
    offsets : ndarray, (S, 3)
        Vector from its own centre to every site, in the reference cell, in A.
    centre_of : ndarray of int, (S,)
        Centre of every site.
    vertex : ndarray of int, (S,)
        Label 1..n of every site in its shell; 0 is kept for "outside this shell".
    kinds : ndarray of str, (M,)
        Kind of every centre, such as its element.
    family : ndarray of int, (M,)
        Shells of one family have the vertices with the same label in the same direction.
    centre_atoms : ndarray of int, (M,), or None
        Atom index of every centre, where centres are atoms.

    Examples
    --------
    >>> octahedron = 0.2 * np.array([[0, 0, -1], [0, -1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    >>> shells = CoordinationShells.from_sites(np.eye(3) * 12.0, [[0.5, 0.5, 0.5]], 0.5 + octahedron)
    >>> shells
    CoordinationShells(1 centre, 6 sites, 7 states, kinds: X)
    >>> shells.vertex
    array([6, 5, 2, 1, 3, 4])
    """

    cell: Floats
    centres: Floats
    offsets: Floats
    centre_of: Integers
    vertex: Integers
    kinds: NDArray[np.str_]
    family: Integers
    centre_atoms: Integers | None = None
    templates: tuple[Floats, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if len(self.centres) == 0:
            raise InputError("centres", need="at least one centre", got="none", remedy="widen the selection")
        if len(self.offsets) == 0:
            raise InputError(
                "sites", need="at least one site", got="none", remedy="check the sites or the density"
            )
        for name in ("cell", "centres", "offsets"):
            object.__setattr__(self, name, _frozen(getattr(self, name), np.float64))
        for name in ("centre_of", "vertex", "family", "centre_atoms"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else _frozen(value, np.int64))
        object.__setattr__(self, "kinds", _frozen(self.kinds, np.str_))

    def __repr__(self) -> str:
        kinds = ", ".join(sorted({str(k) for k in self.kinds}))
        centres = f"{self.n_centres} centre" + ("s" if self.n_centres != 1 else "")
        return f"CoordinationShells({centres}, {self.n_sites} sites, {self.n_states} states, kinds: {kinds})"

    @property
    def n_centres(self) -> int:
        """Number of centres."""
        return len(self.centres)

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.offsets)

    @cached_property
    def n_states(self) -> int:
        """Number of states of one shell: its vertices, and 0 for outside."""
        return int(self.vertex.max()) + 1

    @cached_property
    def site_coordinates(self) -> Floats:
        """Fractional coordinates of the sites in the reference cell, in [0, 1); shape (S, 3)."""
        return wrap_fractional(self.centres[self.centre_of] + self.offsets @ np.linalg.inv(self.cell))

    @cached_property
    def site_positions(self) -> Floats:
        """Positions of the sites in the reference cell, in A; shape (S, 3)."""
        return self.site_coordinates @ self.cell

    @cached_property
    def site_table(self) -> Integers:
        """Site of every centre (row) and label (column); -1 where there is none; shape (M, n_states)."""
        table = np.full((self.n_centres, self.n_states), -1, dtype=np.int64)
        table[self.centre_of, self.vertex] = np.arange(self.n_sites)
        return table

    @cached_property
    def site_distance(self) -> float:
        """Shortest distance between two sites, or between a site and its own image, in A."""
        from ionpath.kinetics.nearest import SiteTree

        return float(SiteTree(self.cell, self.site_coordinates, reach=0.0).separation.min())

    def vertices_of(self, centre: int) -> Integers:
        """Give the sites of one centre in the order of their labels.

        Parameters
        ----------
        centre : int
            Index of the centre.

        Returns
        -------
        ndarray of int
            Site indices.
        """
        row = self.site_table[centre]
        return row[row >= 0]

    def select(self, kind: str) -> CoordinationShells:
        """Keep the centres of one kind, and their sites.

        Parameters
        ----------
        kind : str
            Kind of centre.

        Returns
        -------
        CoordinationShells
            Fewer centres; labels stay as they are.

        Raises
        ------
        InputError
            If no centre is of this kind.
        """
        kept = np.flatnonzero(self.kinds == kind)
        if len(kept) == 0:
            have = ", ".join(sorted({str(k) for k in self.kinds}))
            raise InputError("kind", need=f"one of {have}", got=repr(kind), remedy="choose a kind of centre")
        number = np.full(self.n_centres, -1)
        number[kept] = np.arange(len(kept))
        mine = number[self.centre_of] >= 0
        return replace(
            self,
            centres=self.centres[kept],
            offsets=self.offsets[mine],
            centre_of=number[self.centre_of[mine]],
            vertex=self.vertex[mine],
            kinds=self.kinds[kept],
            family=self.family[kept],
            centre_atoms=None if self.centre_atoms is None else self.centre_atoms[kept],
        )

    @classmethod
    def from_sites(
        cls,
        cell: ArrayLike,
        centres: ArrayLike,
        sites: ArrayLike,
        *,
        n_vertices: VertexCounts = None,
        kinds: ArrayLike | None = None,
        centre_atoms: ArrayLike | None = None,
        template: ArrayLike | None = None,
        orientation: ArrayLike | None = None,
    ) -> CoordinationShells:
        """Give known sites to their nearest centres and label them.

        Parameters
        ----------
        cell : array_like, (3, 3)
            Vectors of the reference cell as rows, in A.
        centres : array_like, (M, 3)
            Fractional coordinates of the centres.
        sites : array_like, (S, 3)
            Fractional coordinates of the sites.
        n_vertices : int, sequence of int, or mapping, optional
            Number of sites that each centre must have: one number, one per centre, or one per kind.
        kinds : array_like of str, (M,), optional
            Kind of every centre; ``"X"`` if left out.
        centre_atoms : array_like of int, (M,), optional
            Atom index of every centre.
        template : array_like, (n, 3), optional
            Directions of the vertices 1..n along the axes of the crystal.
        orientation : array_like, (3, 3), optional
            Rotation whose rows are the axes of the crystal in the frame of the cell, for cells that are
            rotated.

        Returns
        -------
        CoordinationShells
            Shells with labels that mean the same direction in every shell of a family. In an octahedron 1 is
            the top (+z of the crystal), 2 to 5 lie in the plane (+x, +y, -x, -y) and 6 is the bottom.

        Raises
        ------
        InputError
            If a coordinate is not finite, or a centre has not the expected number of vertices.

        Examples
        --------
        >>> from ionpath.lattice.argyrodite import cage_sites, framework
        >>> positions, elements, orbits = framework()
        >>> centres = positions[orbits == "4d"]
        >>> CoordinationShells.from_sites(np.eye(3) * 10.155, centres, cage_sites(), n_vertices=6)
        CoordinationShells(4 centres, 24 sites, 7 states, kinds: X)
        """
        box = _one_cell(cell)
        middle, points = _points(centres, "centres"), _points(sites, "sites")
        names = _kinds(kinds, len(middle))
        atoms = _atoms(centre_atoms, len(middle))
        owner, offsets = nearest_centres(box, middle, points)
        found = np.bincount(owner, minlength=len(middle))
        remedy = "check the sites and the centres, or give n_vertices for each kind of centre"
        check_vertices(found, expected_vertices(n_vertices, names), names, atoms, remedy)
        labels = label_vertices(offsets, owner, len(middle), template=template, orientation=orientation)
        return cls(box, middle, offsets, owner, labels.vertex, names, labels.family, atoms, labels.templates)


def _frozen(value: Any, dtype: Any) -> NDArray[Any]:
    array = np.array(value, dtype=dtype)
    array.flags.writeable = False
    return array


def _one_cell(cell: ArrayLike) -> Floats:
    box = as_cells(cell)
    if box.ndim != 2:
        raise InputError(
            "cell", need="one reference cell (3, 3)", got=f"shape {box.shape}", remedy="average the cells"
        )
    return box


def _points(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise InputError(name, need=f"at least one of the {name}", got="none", remedy="widen the selection")
    points = np.atleast_2d(check_finite(array, name)).astype(np.float64)
    if points.ndim != 2:
        raise InputError(
            name, need="shape (n, 3)", got=f"shape {points.shape}", remedy="give fractional coordinates"
        )
    return points


def _kinds(kinds: ArrayLike | None, n: int) -> NDArray[np.str_]:
    names = np.full(n, "X") if kinds is None else np.asarray(kinds, dtype=np.str_)
    if names.shape != (n,):
        raise InputError(
            "kinds", need=f"{n} names, one per centre", got=f"shape {names.shape}", remedy="match them"
        )
    return names


def _atoms(atoms: ArrayLike | None, n: int) -> Integers | None:
    if atoms is None:
        return None
    indices = np.asarray(atoms, dtype=np.int64)
    if indices.shape != (n,):
        raise InputError(
            "centre_atoms",
            need=f"{n} atom indices, one per centre",
            got=f"shape {indices.shape}",
            remedy="match them",
        )
    return indices
