"""Cages of the Li10GeP2S12 type: two tetrahedra above each other, and the twelve places of lithium about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Words
from ionpath.cells import check_finite, image_tables
from ionpath.citations import references
from ionpath.compiled import kernels
from ionpath.documented import documented
from ionpath.errors import InputError, positive
from ionpath.lattice.neighbours import neighbours_within
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells, minimum_image

_COLUMN = (5.5, 7.0)
"""Distance of two centres in a column, half of c, in A; 6.2 A in Li20Si3P3S23Cl."""
_STRAIGHT = -0.966
"""Cosine of 165 degrees: columns are straight, neighbours on the diagonal are at 150 degrees."""


@documented
class PairedCages(NamedTuple):
    """Pairs of tetrahedra in columns."""

    centres: Ints  # (M, 2): atom indices of the two centres of each pair, such as Si and P
    ligands: Ints  # (M, 2, 4): atoms bound to them
    axis: Floats  # (M, 3): unit vector along the column


@documented
@dataclass(frozen=True)
class PairedCageRule(Msonable):
    """Distances of the published rule, all in A."""

    reach: float = 4.0  # an ion farther from both centres is outside
    apex: float = 3.5  # an ion that has both centres this near is on the apex that they share
    # an ion with a ligand of each tetrahedron this near, and none nearer than `bridge_least`, bridges them
    bridge: float = 3.5
    bridge_least: float = 2.5  # see `bridge`


@typed
def find_paired_cages(
    positions: ArrayLike,
    symbols: Words,
    cell: ArrayLike,
    *,
    first: str = "Si",
    second: str = "P",
    ligands: tuple[str, ...] = ("S", "Cl"),
    bond: float = 2.7,
) -> PairedCages:
    """Find pairs of tetrahedra that stand above and below each other, by geometry alone.

    Parameters
    ----------
    positions : array_like, (n_atoms, 3)
        Positions, in A.
    symbols : array_like of str, (n_atoms,)
        Elements.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    first, second : str
        Elements of the two centres of a pair.
    ligands : tuple of str
        Elements of the corners.
    bond : float
        Longest bond of a tetrahedron, in A.

    Returns
    -------
    PairedCages
        One pair for each centre of the second kind in a column of both kinds.

    Raises
    ------
    InputError
        If there are no tetrahedra, or no column that holds both kinds.

    Notes
    -----
    A column is where a centre has two others at 5.5 to 7.0 A on opposite sides (165 degrees and more).
    """
    names, xyz = np.asarray(symbols, dtype=str), check_finite(positions, "positions")
    lattice = as_cells(cell)
    positive("bond", bond, "A")
    formers = np.flatnonzero(np.isin(names, (first, second)))
    corners = np.flatnonzero(np.isin(names, ligands))
    bonds = neighbours_within(xyz[formers], xyz[corners], lattice, bond)
    whole = bonds.counts(len(formers)) == 4
    around = {int(k): corners[bonds.neighbour[bonds.centre == k]] for k in np.flatnonzero(whole)}
    near = neighbours_within(xyz[formers], xyz[formers], lattice, _COLUMN[1], smallest=_COLUMN[0])
    pairs: dict[tuple[int, int], Floats] = {}
    for k in np.flatnonzero(whole & (names[formers] == second)):
        own = near.centre == k
        units = near.vector[own] / near.distance[own, None]
        other = near.neighbour[own]
        for i, j in zip(*np.where(units @ units.T < _STRAIGHT), strict=True):
            if int(other[i]) in around and names[formers[other[i]]] == first:
                axis = units[i] - units[j]
                pairs.setdefault((int(other[i]), int(k)), axis / np.linalg.norm(axis))
    if not pairs:
        need = f"columns of {first} and {second} tetrahedra, {_COLUMN[0]:g} to {_COLUMN[1]:g} A apart"
        remedy = "check elements and bond, or use a SiteNetwork, which needs no cages"
        raise InputError("positions", need=need, got=f"{int(whole.sum())} tetrahedra and no such column", remedy=remedy)
    # A centre may have a partner above and another one below; each of the second kind keeps its first.
    chosen: dict[int, int] = {}
    for one, two in pairs:
        chosen.setdefault(two, one)
    ends = [(one, two) for two, one in chosen.items()]
    return PairedCages(
        np.array([[formers[one], formers[two]] for one, two in ends], dtype=np.int64),
        np.array([[around[one], around[two]] for one, two in ends], dtype=np.int64),
        np.array([pairs[pair] for pair in ends]),
    )


@typed
@references("guan2024")
def paired_cage_states(
    ions: ArrayLike, positions: ArrayLike, cells: ArrayLike, cages: PairedCages, *, rule: PairedCageRule | None = None
) -> tuple[Ints, Ints]:
    """Twelve states of ions about pairs of tetrahedra, and 0 outside of them.

    Parameters
    ----------
    ions : array_like, (n_frames, n_ions, 3)
        Positions of the mobile ions, in A.
    positions : array_like, (n_frames, n_atoms, 3)
        Positions of all atoms that `cages` numbers, in A.
    cells : array_like, (3, 3) or (n_frames, 3, 3)
        Cell vectors as rows, in A.
    cages : PairedCages
        What `find_paired_cages` found.
    rule : PairedCageRule, optional
        Distances; the published ones without it.

    Returns
    -------
    states : ndarray of int, (n_frames, n_ions)
        1 and 2: the apexes above and below the first centre that both share. 3 to 6 and 7 to 10: the quadrants
        about the axis of the first and of the second centre. 11 and 12: bridges above and below. 0: outside.
    cage : ndarray of int, (n_frames, n_ions)
        Pair with the nearest centre.

    Notes
    -----
    The rule of Guan et al., arXiv:2412.07115, for Li20Si3P3S23Cl names lists of atoms that are not published. Here the
    centres and corners are found by geometry. Bridges, in this reading, are where a corner of each tetrahedron is at
    2.5 to 3.5 A and no centre as near as an apex needs, one state on each of the two sides. Quadrants lie between the
    planes of the two pairs of corners, where the lithium of the chains is.
    """
    place, atoms = check_finite(ions, "ions"), check_finite(positions, "positions")
    if place.ndim != 3 or atoms.ndim != 3 or len(place) != len(atoms) or atoms.shape[1] <= cages.ligands.max():
        need = "shape (n_frames, n_ions, 3), and as many frames of all atoms"
        remedy = "pass one array of frames for each"
        raise InputError("ions", need=need, got=f"{place.shape} and {atoms.shape}", remedy=remedy)
    boxes = np.broadcast_to(as_cells(cells), (len(place), 3, 3))
    limits = rule or PairedCageRule()
    compiled = kernels()
    if compiled is not None:
        states, cage = np.empty((2, *place.shape[:2]), dtype=np.int64)
        constant = bool((boxes == boxes[:1]).all())
        compiled.twelve_states(
            np.ascontiguousarray(place), np.ascontiguousarray(atoms), *image_tables(boxes[:1] if constant else boxes),
            cages.centres, cages.ligands, cages.axis,
            np.array([limits.reach, limits.apex, limits.bridge, limits.bridge_least]), states, cage,
        )  # fmt: skip
        return states, cage
    found = [_frame(x, a, c, cages, limits) for x, a, c in zip(place, atoms, boxes, strict=True)]
    return np.array([f[0] for f in found]), np.array([f[1] for f in found])


def _frame(ions: Floats, atoms: Floats, cell: Floats, cages: PairedCages, rule: PairedCageRule) -> tuple[Ints, Ints]:
    """States and pairs of one frame: the definition of the compiled loop, and the road without it."""
    centres = atoms[cages.centres]  # (M, 2, 3)
    to_centre = minimum_image(ions[:, None, None] - centres[None], cell)  # (n, M, 2, 3)
    every = np.linalg.norm(to_centre, axis=-1)
    # An apex is shared with the next pair of the column as well: the nearest centre of each kind counts.
    nearest = every.argmin(axis=1)  # (n, 2)
    each, kinds = np.arange(len(ions)), np.arange(2)
    distance = every[each[:, None], nearest, kinds]
    side = distance.argmin(axis=1)
    cage = nearest[each, side]
    axis = cages.axis[cage]
    up = (np.einsum("ij,ij->i", to_centre[each, nearest[:, 0], 0], axis) > 0).astype(np.int64)
    corners = atoms[cages.ligands[nearest, kinds]]  # (n, 2, 4, 3)
    reach = np.linalg.norm(minimum_image(ions[:, None, None] - corners, cell), axis=-1).min(axis=2)
    apex = (distance <= rule.apex).all(axis=1)
    bridge = (reach <= rule.bridge).all(axis=1) & (reach >= rule.bridge_least).all(axis=1) & ~apex
    inside = (distance.min(axis=1) <= rule.reach) & ~apex & ~bridge
    bonds = minimum_image(corners[each, side] - centres[cage, side][:, None], cell)
    states = np.zeros(len(ions), dtype=np.int64)
    states[apex] = 2 - up[apex]
    states[bridge] = 12 - up[bridge]
    states[inside] = (3 + 4 * side + _quadrant(to_centre[each, cage, side], axis, bonds))[inside]
    return states, cage


def quadrant_axes(axis: Floats, bonds: Floats) -> tuple[Floats, Floats]:
    """Unit vectors (n, 3) from which quadrants are counted: in the plane of the upper corners, and across it."""
    height = np.einsum("nij,nj->ni", bonds, axis)
    upper = np.take_along_axis(bonds, np.argsort(-height, axis=1)[:, :2, None], axis=1)
    across = upper[:, 0] - upper[:, 1]
    across -= np.einsum("nj,nj->n", across, axis)[:, None] * axis
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    # The two corners of a pair are alike: their order must not turn the quadrants.
    lead = np.take_along_axis(across, np.abs(across).argmax(axis=1)[:, None], axis=1)
    across *= np.where(lead < 0, -1.0, 1.0)
    return across, np.cross(axis, across)


def _quadrant(vectors: Floats, axis: Floats, bonds: Floats) -> Ints:
    """0 to 3, counted about the axis from the plane of the upper pair of corners."""
    across, along = quadrant_axes(axis, bonds)
    x, y = np.einsum("nj,nj->n", vectors, across), np.einsum("nj,nj->n", vectors, along)
    return np.asarray(np.floor(np.mod(np.arctan2(y, x), 2 * np.pi) / (np.pi / 2)) % 4, dtype=np.int64)
