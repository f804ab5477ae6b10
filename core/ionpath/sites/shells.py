"""Coordination shells: centres with the sites around them, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Symbols, Words
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.periodic import wrap_fractional
from ionpath.sites.arguments import atom_indices, centre_kinds, coordinates, one_cell
from ionpath.sites.cages import cages_of_sites
from ionpath.sites.crystal import ReferenceAtoms
from ionpath.sites.maxima import sites_of_ions
from ionpath.sites.plausibility import TIE, check_cages, warn_of_near_sites
from ionpath.sites.reference import reference_frames
from ionpath.sites.vertices import (
    Clustering,
    VertexCounts,
    check_vertices,
    expected_vertices,
    label_vertices,
    nearest_centres,
    vertices_around,
)

Home = Literal["visited", "initial", "folded"]
HOMES = ("visited", "initial", "folded")
"""What counts as outside, see `ionpath.kinetics.shell_trajectories`."""


@typed
@documented
@references("guan2024")
@dataclass(frozen=True, eq=False)
class CoordinationShells(Msonable):
    """Sites of mobile ions in shells around centres, in a reference cell.

    Build it with `from_sites`, `from_positions` or `from_density`.

    Examples
    --------
    >>> octahedron = 0.2 * np.array([[0, 0, -1], [0, -1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    >>> shells = CoordinationShells.from_sites(np.eye(3) * 12.0, [[0.5, 0.5, 0.5]], 0.5 + octahedron)
    >>> shells
    CoordinationShells(1 centre, 6 sites, 7 states, kinds: X)
    >>> shells.vertex
    array([6, 5, 2, 1, 3, 4])
    """

    cell: Floats  # (3, 3): vectors of the reference cell as rows, in A
    centres: Floats  # (M, 3): fractional coordinates of the centres in the reference cell
    offsets: Floats  # (S, 3): vector from its own centre to every site, in the reference cell, in A
    centre_of: Ints  # (S,): centre of every site
    vertex: Ints  # (S,): label 1..n of every site in its shell; 0 is kept for "outside this shell"
    kinds: Symbols  # (M,): kind of every centre, such as its element
    family: Ints  # (M,): shells of one family have the vertices with the same label in the same direction
    # (M,): atom index of every centre, where centres are atoms; in the crystal if there is one, else in the trajectory
    centre_atoms: Ints | None = None
    # each (n, 3): unit vectors of the vertices 1..n of each family
    templates: tuple[Floats, ...] = field(default=(), repr=False)
    # atoms that do not diffuse, where the shells were made from a crystal: in a trajectory the centres are found by
    # position and species with it, never by index
    crystal: ReferenceAtoms | None = field(default=None, repr=False)
    default_home: ClassVar[Home] = "visited"

    def __post_init__(self) -> None:
        if len(self.centres) == 0:
            raise InputError("centres", need="at least one centre", got="none", remedy="widen the selection")
        if len(self.offsets) == 0:
            raise InputError("sites", need="at least one site", got="none", remedy="check the sites or the density")
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

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of all states, that of state 0 first."""
        return ("external", *(f"LS{k}" for k in range(1, self.n_states)))

    @cached_property
    def site_coordinates(self) -> Floats:
        """Fractional coordinates of the sites in the reference cell, in [0, 1); shape (S, 3)."""
        return wrap_fractional(self.centres[self.centre_of] + self.offsets @ np.linalg.inv(self.cell))

    @cached_property
    def site_positions(self) -> Floats:
        """Positions of the sites in the reference cell, in A; shape (S, 3)."""
        return self.site_coordinates @ self.cell

    @cached_property
    def site_table(self) -> Ints:
        """Site of every centre (row) and label (column); -1 where there is none; shape (M, n_states)."""
        table = np.full((self.n_centres, self.n_states), -1, dtype=np.int64)
        table[self.centre_of, self.vertex] = np.arange(self.n_sites)
        return table

    @cached_property
    def site_distance(self) -> float:
        """Shortest distance between two sites, or between a site and its own image, in A."""
        from ionpath.sites.nearest import SiteTree

        return float(SiteTree(self.cell, self.site_coordinates, reach=4.0).separation.min())

    def vertices_of(self, centre: int) -> Ints:
        """Indices of the sites of one centre in the order of their labels."""
        row = self.site_table[centre]
        return row[row >= 0]

    def select(self, kind: str) -> CoordinationShells:
        """Keep the centres of one kind, and their sites; labels stay. InputError if no centre is of this kind."""
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
        kinds: Words | None = None,
        centre_atoms: ArrayLike | None = None,
        template: ArrayLike | None = None,
        orientation: ArrayLike | None = None,
        tie: float | None = TIE,
    ) -> CoordinationShells:
        """Return known sites to their nearest centres and label them.

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
        tie : float or None
            A site whose nearest centres differ by less than this (A) is refused, because rounding would decide where it
            belongs; None gives it to the first of them.

        Returns
        -------
        CoordinationShells
            Shells with labels that mean the same direction in every shell of a family. In an octahedron 1 is
            the top (+z of the crystal), 2 to 5 lie in the plane (+x, +y, -x, -y) and 6 is the bottom.

        Raises
        ------
        InputError
            If a coordinate is not finite, a site is as near to several centres, or a centre has not the expected
            number of vertices.

        Examples
        --------
        >>> from ionpath.lattice.argyrodite import cage_sites, framework
        >>> positions, elements, orbits = framework()
        >>> centres = positions[orbits == "4d"]
        >>> CoordinationShells.from_sites(np.eye(3) * 10.155, centres, cage_sites(), n_vertices=6)
        CoordinationShells(4 centres, 24 sites, 7 states, kinds: X)
        """
        box = one_cell(cell)
        middle, points = coordinates(centres, "centres"), coordinates(sites, "sites")
        warn_of_near_sites(box, points)
        names = centre_kinds(kinds, len(middle))
        atoms = atom_indices(centre_atoms, len(middle))
        owner, offsets = nearest_centres(box, middle, points, tie)
        found = np.bincount(owner, minlength=len(middle))
        remedy = "check the sites and the centres, or give n_vertices for each kind of centre"
        check_vertices(found, expected_vertices(n_vertices, names), names, atoms, remedy)
        labels = label_vertices(offsets, owner, len(middle), template=template, orientation=orientation)
        return cls(box, middle, offsets, owner, labels.vertex, names, labels.family, atoms, labels.templates)

    @classmethod
    def from_positions(
        cls,
        cell: ArrayLike,
        centres: ArrayLike,
        mobile_positions: ArrayLike,
        *,
        n_vertices: int | Sequence[int] | Mapping[str, int],
        cells: ArrayLike | None = None,
        centre_positions: ArrayLike | None = None,
        drift: ArrayLike | None = None,
        radius: float | None = None,
        kinds: Words | None = None,
        centre_atoms: ArrayLike | None = None,
        template: ArrayLike | None = None,
        orientation: ArrayLike | None = None,
        pooled: bool = True,
        seed: int = 0,
    ) -> CoordinationShells:
        """Find the vertices around known centres where ions spend their time.

        Parameters
        ----------
        cell, centres, kinds, centre_atoms, template, orientation : optional
            As in `from_sites`.
        mobile_positions : array_like, (T, N, 3)
            Positions of the ions, wrapped or not, in A.
        n_vertices : int, sequence of int, or mapping
            Number of vertices of each centre: one number, one per centre, or one per kind.
        cells : array_like, (T, 3, 3), optional
            Cells of the frames, in A; the reference cell if left out.
        centre_positions : array_like, (T, M, 3), optional
            Positions of the centres in the frames, in A, to follow them.
        drift : array_like, (T, 3), optional
            Displacement of the framework, in A, where the centres are not followed.
        radius : float, optional
            Ions within this distance of their nearest centre are used, in A; half of the shortest distance between
            centres if left out, and 3.5 A at most.
        pooled : bool
            Find the vertices once for all centres of a kind, which all have them in the same directions. Set it to
            False where shells of a kind are turned against each other; that needs more frames.
        seed : int
            Seed of the clustering.

        Returns
        -------
        CoordinationShells
            A vertex is the mean position of a cluster of ion positions around its centre.

        Raises
        ------
        InputError
            If a coordinate is not finite, or the ions around a centre do not form the expected number of clusters.

        Examples
        --------
        >>> octahedron = 2.3 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
        >>> ions = 6.0 + octahedron + np.random.default_rng(1).normal(0, 0.3, (50, 6, 3))
        >>> shells = CoordinationShells.from_positions(np.eye(3) * 12.0, [[0.5] * 3], ions, n_vertices=6)
        >>> shells, bool(np.abs(shells.offsets[shells.vertices_of(0)] - octahedron).max() < 0.2)
        (CoordinationShells(1 centre, 6 sites, 7 states, kinds: X), True)
        """
        box, middle = one_cell(cell), coordinates(centres, "centres")
        names, atoms = centre_kinds(kinds, len(middle)), atom_indices(centre_atoms, len(middle))
        boxes = box if cells is None else cells
        frames = reference_frames(mobile_positions, boxes, box, middle, centre_positions, drift)
        asked = Clustering(expected_vertices(n_vertices, names), names, atoms, radius, pooled, seed)
        offsets, owner = vertices_around(frames, box, middle, asked)
        labels = label_vertices(offsets, owner, len(middle), template=template, orientation=orientation)
        return cls(box, middle, offsets, owner, labels.vertex, names, labels.family, atoms, labels.templates)

    @classmethod
    def from_density(
        cls,
        cell: ArrayLike,
        mobile_positions: ArrayLike,
        *,
        n_vertices: int | None = None,
        cells: ArrayLike | None = None,
        drift: ArrayLike | None = None,
        spacing: float = 0.25,
        smoothing: float | None = None,
        separation: float | None = None,
        background: float | None = None,
        repeats: Sequence[int] = (1, 1, 1),
        template: ArrayLike | None = None,
        orientation: ArrayLike | None = None,
    ) -> CoordinationShells:
        """Find sites and cages in the density of the ions, without any model of the crystal.

        Parameters
        ----------
        cell, template, orientation : optional
            As in `from_sites`.
        mobile_positions, cells, drift : optional
            As in `from_positions`.
        n_vertices : int, optional
            Number of sites of every cage. If left out, cages end at the widest gap in the distances between sites.
        spacing : float
            Largest edge of a voxel of the grid, in A.
        smoothing, separation, background : float, optional
            ``sigma``, ``separation`` and ``background`` of `ionpath.transport.density_sites`: 0.6 A, 2.2 A and 0.1 of
            the highest maximum.
        repeats : sequence of int, (3,)
            Number of translationally equivalent cells along each cell vector, to average over in short runs.

        Returns
        -------
        CoordinationShells
            Centres are the middles of the cages; they are not atoms.

        Raises
        ------
        InputError
            If a coordinate is not finite, the density has no maxima, or they cannot be grouped as asked.

        Examples
        --------
        >>> octahedron = 2.3 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
        >>> ions = np.concatenate([4.0 + octahedron, 12.0 + octahedron])
        >>> ions = ions + np.random.default_rng(1).normal(0, 0.3, (200, 12, 3))
        >>> CoordinationShells.from_density(np.eye(3) * 16.0, ions)
        CoordinationShells(2 centres, 12 sites, 7 states, kinds: X)
        """
        box = one_cell(cell)
        sites, _ = sites_of_ions(
            box, mobile_positions, cells, drift, repeats,
            spacing=spacing, sigma=smoothing, separation=separation, background=background,
        )  # fmt: skip
        middle, offsets, owner = cages_of_sites(sites, box, n_vertices)
        if n_vertices is None:
            check_cages(owner, "average over equivalent cells with repeats=(2, 2, 2)")
        labels = label_vertices(offsets, owner, len(middle), template=template, orientation=orientation)
        kinds = np.full(len(middle), "X")
        return cls(box, middle, offsets, owner, labels.vertex, kinds, labels.family, None, labels.templates)


def _frozen(value: Any, dtype: Any) -> NDArray[Any]:
    array = np.array(value, dtype=dtype)
    array.flags.writeable = False
    return array
