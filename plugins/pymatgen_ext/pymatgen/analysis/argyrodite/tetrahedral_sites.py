"""Tetrahedral lithium sites of an argyrodite, found by geometry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices, Symbols
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.lattice.argyrodite import TETRAHEDRAL_SITES, framework, tetrahedral_sites
from ionpath.lattice.interstices import Interstices, tetrahedral_interstices
from ionpath.lattice.neighbours import nearest_point
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image
from pymatgen.analysis.argyrodite.framework import Argyrodite, analyse

if TYPE_CHECKING:
    from pymatgen.core import Structure

KINDS = ("T0", "T1", "T2", "T3", "T4", "T5")
_BOUND, _HALIDE, _SULFUR = 0, 1, 2


@documented
@dataclass(frozen=True)
class LithiumSites(Msonable):
    """Tetrahedral sites of a structure."""

    kinds: Symbols  # (K,): T0 (taken by the centre of a tetrahedron), T1, T2, T3, T4 or T5
    coords: Floats  # (K, 3): Cartesian positions, in A
    frac_coords: Floats  # (K, 3): fractional coordinates in [0, 1)
    # (K, 4): site indices of the four anions: bound ones first, then 4a, then the free-sulfur orbit
    vertices: Indices
    vectors: Floats  # (K, 4, 3): from the site to each of them, in A
    # cages that a site belongs to, as positions among the sites of the free-sulfur orbit: one for T1, T2 and T5, the
    # three that a T4 connects, none for T0 and T3
    cages: tuple[tuple[int, ...], ...]
    # (K, 4): sites that share the face opposite to each vertex, -1 where there is none
    face_neighbours: Indices
    occupants: tuple[tuple[int, ...], ...]  # mobile cations whose nearest site this is, as site indices
    occupancy: Floats  # (K,): number of cations there: the sum of the occupancies of the occupants

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def distances(self) -> Floats:
        """Distances from the site to its four anions, (K, 4), in A."""
        return np.linalg.norm(self.vectors, axis=-1)

    @property
    def numbers(self) -> dict[str, int]:
        """Number of sites of each kind."""
        return {kind: int((self.kinds == kind).sum()) for kind in KINDS}

    @property
    def populations(self) -> dict[str, float]:
        """Number of mobile cations on each kind; a partly filled position counts with its occupancy."""
        return {kind: round(float(self.occupancy[self.kinds == kind].sum()), 6) for kind in KINDS}

    def of(self, *kinds: str) -> Indices:
        """Positions in these arrays of the sites of some kinds, T0 to T5; InputError for an unknown kind."""
        unknown = [k for k in kinds if k not in KINDS]
        if unknown:
            raise InputError("kinds", need=f"some of {', '.join(KINDS)}", got=", ".join(unknown))
        return np.flatnonzero(np.isin(self.kinds, kinds))

    def report(self) -> str:
        """Table with a line for each kind: number, mean distances to the anions, cations on them."""
        lines = ["kind  number  mean distances to the four anions (A)  cations"]
        for kind in KINDS:
            own = self.of(kind)
            mean = self.distances[own].mean(axis=0) if len(own) else np.full(4, np.nan)
            lines.append(
                f"{kind:4s}  {len(own):6d}  {' '.join(f'{d:8.3f}' for d in mean)}   {self.populations[kind]:7g}"
            )
            if self.populations[kind] > len(own):
                lines.append("      more cations than sites: the composition cannot be right")
        return "\n".join(lines)


@typed
@references("morgan2021")
def lithium_sites(structure: Structure) -> LithiumSites:
    """Find and name the tetrahedral sites of an argyrodite.

    Parameters
    ----------
    structure : Structure
        Any argyrodite, also with partial occupancies, relaxed, or a frame of molecular dynamics.

    Returns
    -------
    LithiumSites
        136 sites per conventional cell: 4 T0, 16 T1, 48 T2, 4 T3, 16 T4 and 48 T5.

    Raises
    ------
    InputError
        If it is not an argyrodite, or is so distorted that the 136 tetrahedra are not there.

    Notes
    -----
    The Delaunay triangulation of the anions gives the tetrahedra. Their kind follows from their corners (three bound
    anions and one of 4a: T4; three and a free sulfur: T1; two, one and one: T2 or T5; four: T0 or T3) and from
    their neighbours (a T5 shares a face with a T4, a T2 with a T1). The site is placed inside its tetrahedron in
    the same proportions as in the table of B. J. Morgan, Chem. Mater. 33, 2004 (2021),
    doi:10.1021/acs.chemmater.0c03738, so that it follows every distortion of the anions.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import argyrodite, lithium_sites
    >>> found = lithium_sites(argyrodite(lithium="48h"))
    >>> len(found), found.numbers["T5"], found.populations["T5"]
    (136, 48, 24.0)
    """
    argyrodite = analyse(structure)
    anions = np.concatenate([argyrodite.bonded, argyrodite.halide_sites, argyrodite.sulfur_sites])
    n = argyrodite.n_formula_units
    orbit = np.repeat([_BOUND, _HALIDE, _SULFUR], [4 * n, n, n])
    mesh = tetrahedral_interstices(structure.cart_coords[anions], structure.lattice.matrix)
    order = np.argsort(orbit[mesh.vertices], axis=1, kind="stable")
    mesh = Interstices(
        np.take_along_axis(mesh.vertices, order, axis=1),
        np.take_along_axis(mesh.corners, order[..., None], axis=1),
        mesh.centre,
        np.take_along_axis(mesh.face_neighbours, order, axis=1),
    )
    centres = structure.cart_coords[argyrodite.centres]
    kinds = _kinds(mesh, orbit, centres, structure.lattice.matrix)
    _check_numbers(kinds, n)
    weights = np.array([_proportions()[str(kind)] for kind in kinds])
    coords = np.einsum("kv,kvx->kx", weights, mesh.corners)
    occupants = _occupants(structure, argyrodite, coords)
    return LithiumSites(
        kinds=kinds,
        coords=coords,
        frac_coords=np.mod(structure.lattice.get_fractional_coords(coords), 1.0),
        vertices=anions[mesh.vertices],
        vectors=mesh.corners - coords[:, None, :],
        cages=_cages(kinds, mesh, 5 * n),
        face_neighbours=mesh.face_neighbours,
        occupants=occupants,
        occupancy=np.array([sum(structure[k].species.num_atoms for k in ions) for ions in occupants], dtype=float),
    )


def _kinds(mesh: Interstices, orbit: Indices, centres: Floats, cell: Floats) -> Symbols:
    halide = (orbit[mesh.vertices] == _HALIDE).sum(axis=1)
    sulfur = (orbit[mesh.vertices] == _SULFUR).sum(axis=1)
    kinds = np.full(len(mesh), "??")
    kinds[(halide == 1) & (sulfur == 0)] = "T4"
    kinds[(halide == 0) & (sulfur == 1)] = "T1"
    kinds[(halide == 0) & (sulfur == 0)] = "T3"
    bound = np.flatnonzero(kinds == "T3")
    if len(bound):
        vectors = minimum_image(mesh.centre[bound, None, :] - centres[None, :, :], cell)
        filled = np.linalg.norm(vectors, axis=-1).min(axis=1) < 1.0
        kinds[bound[filled]] = "T0"
    mixed = np.flatnonzero((halide == 1) & (sulfur == 1))
    # The face opposite to the last corner holds the halide; the one opposite to the third, the free sulfur.
    across = np.where(mesh.face_neighbours[mixed] >= 0, kinds[mesh.face_neighbours[mixed]], "")
    kinds[mixed[across[:, 3] == "T4"]] = "T5"
    kinds[mixed[(across[:, 2] == "T1") & (across[:, 3] != "T4")]] = "T2"
    return kinds


@cache
def _proportions() -> dict[str, Floats]:
    """Weights of the corners that make up each kind of site in the reference crystal."""
    positions, _, orbits = framework("4d")
    anions = positions[orbits != "P"]
    order = {"S16e": _BOUND, "4a": _HALIDE, "4d": _SULFUR}
    orbit = np.array([order[str(o)] for o in orbits[orbits != "P"]])
    mesh = tetrahedral_interstices(anions, np.eye(3))
    weights: dict[str, Floats] = {}
    for site in TETRAHEDRAL_SITES:
        point = tetrahedral_sites((site.name,))[0][0]
        vectors = minimum_image(point - mesh.centre, np.eye(3))
        near = int(np.linalg.norm(vectors, axis=1).argmin())
        corners = mesh.corners[near][np.argsort(orbit[mesh.vertices[near]], kind="stable")]
        system = np.vstack([corners.T, np.ones(4)])
        weights[site.name] = np.linalg.solve(system, np.append(mesh.centre[near] + vectors[near], 1.0))
    return weights


def _check_numbers(kinds: Symbols, n: int) -> None:
    for site in TETRAHEDRAL_SITES:
        expected, got = site.multiplicity * n // 4, int((kinds == site.name).sum())
        if expected != got:
            need = f"{expected} tetrahedra of kind {site.name}"
            remedy = "the anions are too far from their ideal positions: relax or cool the structure first"
            raise InputError("structure", need=need, got=f"{got}", remedy=remedy)


def _cages(kinds: Symbols, mesh: Interstices, first: int) -> tuple[tuple[int, ...], ...]:
    own = np.where(mesh.vertices >= first, mesh.vertices - first, -1).max(axis=1)
    cages: list[tuple[int, ...]] = []
    for k, kind in enumerate(kinds):
        if kind == "T4":
            around = mesh.face_neighbours[k]
            cages.append(tuple(sorted({int(own[t]) for t in around if t >= 0 and own[t] >= 0})))
        else:
            cages.append((int(own[k]),) if own[k] >= 0 else ())
    return tuple(cages)


def _occupants(structure: Structure, argyrodite: Argyrodite, coords: Floats) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in coords]
    sites = nearest_point(structure.cart_coords[argyrodite.mobile], coords, structure.lattice.matrix)
    for ion, site in zip(argyrodite.mobile, sites, strict=True):
        found[int(site)].append(int(ion))
    return tuple(tuple(f) for f in found)
