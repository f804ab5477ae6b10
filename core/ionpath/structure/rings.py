"""Rings of a network: one representative cycle for every ring that persistent homology finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.frames import as_frames, as_symbols, indices_of, repeat
from ionpath.msonable import Msonable
from ionpath.structure.homology import PeriodicComplex, PersistenceDiagram, diagram_of, periodic_alpha_complex


@dataclass(frozen=True)
class Rings(Msonable):
    """Rings of one frame.

    Attributes
    ----------
    birth, death : ndarray, (n,)
        Filtration values, in A^2.
    size : ndarray of int, (n,)
        Number of atoms in the representative cycle.
    members : ndarray of int, (n, largest)
        Indices of its atoms, in the order of the cycle, filled up with -1.
    winds : ndarray of bool, (n,)
        Whether only a cycle around the whole cell was found.
    copies : int
        Number of cells that the rings come from: 1, or more where a small cell had to be repeated.
    species : tuple of str
        Species chosen.
    composition : ndarray of int, (n, species)
        Atoms of each species in the cycle.
    """

    birth: Floats
    death: Floats
    size: Ints
    members: Ints
    winds: Ints
    copies: int
    species: tuple[str, ...]
    composition: Ints

    @property
    def birth_radius(self) -> Floats:
        """Radius at which a ring closes, in A."""
        return np.asarray(np.sqrt(np.maximum(self.birth, 0.0)), dtype=np.float64)

    @property
    def death_radius(self) -> Floats:
        """Radius at which a ring is filled, in A: that of the hole in it."""
        return np.asarray(np.sqrt(np.maximum(self.death, 0.0)), dtype=np.float64)

    def formulas(self) -> list[str]:
        """Write down what each ring is made of.

        Returns
        -------
        list of str
            Formulas such as ``"P2S4"``.
        """
        return [
            "".join(f"{s}{n if n > 1 else ''}" for s, n in zip(self.species, row, strict=True) if n)
            for row in self.composition
        ]


@references("edelsbrunner1994", "gudhi", "chen2023")
def persistent_rings(
    positions: ArrayLike,
    cell: ArrayLike,
    species: Sequence[str],
    *,
    select: Sequence[str] = ("P", "S"),
    radii: dict[str, float] | None = None,
    min_persistence: float = 0.1,
    longest: int = 60,
) -> Rings:
    """Find the rings of a network and what they are made of.

    Parameters
    ----------
    positions : array_like, (N, 3)
        Positions of all atoms, in A, wrapped or not.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    species : sequence of str, (N,)
        Chemical symbols.
    select : sequence of str, default ("P", "S")
        Species that make the network.
    radii : dict of str to float, optional
        Radii in A, for the weighted filtration.
    min_persistence : float, default 0.1
        Least difference between the radii of death and birth, in A; rings that live less are noise.
    longest : int, default 60
        Give up looking for a cycle of more atoms than this.

    Returns
    -------
    Rings
        Rings with births, deaths, members and make-up.

    Raises
    ------
    InputError
        If a species is absent, or a cycle is longer than `longest`.

    Notes
    -----
    The cycle of a ring is the one with the fewest atoms among those that contain the edge that closes it and else
    edges that are there by then. It is looked for among cycles that close in space; if there is none, one
    around the cell is given and marked. There may be several cycles with the same number of atoms, of which one
    is taken. A cell so small that two atoms are neighbours through two images is repeated; divide numbers of
    rings by ``copies`` then. An atom may occur in such a ring through several images.

    Examples
    --------
    >>> import numpy as np
    >>> cubic = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) * 2.0
    >>> rings = persistent_rings(cubic, np.eye(3) * 8, ["S"] * 64, select=["S"])
    >>> sorted(set(rings.size.tolist())), sorted(set(rings.formulas()))
    ([4], ['S4'])
    """
    frames, cells, single = as_frames(positions, cell)
    if not single:
        raise InputError(
            "positions", need="one frame", got=f"shape {frames.shape}", remedy="go through the frames one by one"
        )
    symbols = as_symbols(species, frames.shape[1])
    atoms = indices_of(symbols, list(select), "select")
    missing = [s for s in select if radii is not None and s not in radii]
    if missing:
        raise InputError("radii", need=f"a radius of {missing[0]}", got="none", remedy="give one for each species")
    sizes = None if radii is None else np.array([radii[s] for s in symbols[atoms]])
    if len(atoms) < 8:
        raise InputError("select", need="at least eight atoms", got=str(len(atoms)), remedy="choose more species")
    complex_, diagram, times = _wide_enough(frames[0][atoms], cells[0], sizes)
    lasting = np.flatnonzero(diagram.death_radius - diagram.birth_radius >= min_persistence)
    found, winds = _cycles(complex_, diagram, lasting, longest)
    cycles = [[atom % len(atoms) for atom in cycle] for cycle in found]
    kinds = tuple(dict.fromkeys(select))
    composition = np.array([[np.count_nonzero(symbols[atoms[c]] == s) for s in kinds] for c in cycles], dtype=np.int64)
    width = max((len(c) for c in cycles), default=0)
    members = np.full((len(cycles), width), -1, dtype=np.int64)
    for row, cycle in zip(members, cycles, strict=True):
        row[: len(cycle)] = atoms[cycle]
    return Rings(
        birth=diagram.birth[lasting],
        death=diagram.death[lasting],
        size=np.array([len(c) for c in cycles], dtype=np.int64),
        members=members,
        winds=np.array(winds, dtype=np.int64),
        copies=times**3,
        species=kinds,
        composition=composition.reshape(-1, len(kinds)),
    )


def _wide_enough(
    positions: Floats, cell: Floats, sizes: Floats | None
) -> tuple[PeriodicComplex, PersistenceDiagram, int]:
    """Repeat a small cell until no two atoms are neighbours through two images."""
    for times in (1, 2, 3):
        larger, lattice = repeat(positions, cell, (times, times, times))
        try:
            complex_ = periodic_alpha_complex(larger, lattice, None if sizes is None else np.tile(sizes, times**3))
        except InputError:
            if times == 3:
                raise
        else:
            break
    return complex_, diagram_of(complex_, 1), times


Shift = tuple[int, int, int]
Node = tuple[int, int, int, int]
Steps = list[list[tuple[int, Shift]]]

_TIE = 1e-3
"""Edges whose filtration values differ by less, in A^2, are there at the same time, as in a perfect crystal."""


def _cycles(
    complex_: PeriodicComplex, diagram: PersistenceDiagram, wanted: Ints, longest: int
) -> tuple[list[list[int]], list[bool]]:
    """Grow the network edge by edge in the order of the filtration, and close the rings as they come."""
    edges, values, images = complex_.simplices[1], complex_.values[1], complex_.edge_images
    steps: Steps = [[] for _ in range(len(complex_.simplices[0]))]
    number = {(int(a), int(b)): k for k, (a, b) in enumerate(edges)}
    closing = np.array([number[(int(a), int(b))] for a, b in diagram.birth_simplex[wanted]], dtype=np.int64)
    order = np.argsort(values, kind="stable")
    cycles: list[list[int]] = [[] for _ in wanted]
    winds = [False for _ in wanted]
    there = 0
    for row in np.argsort(values[closing], kind="stable"):
        edge = closing[row]
        while there < len(order) and values[order[there]] <= values[edge] + _TIE:
            _add(steps, edges[order[there]], images[order[there]])
            there += 1
        cycle = _shortest(steps, edges[edge], images[edge], longest, closed=True)
        if not cycle:
            winds[row] = True
            cycle = _shortest(steps, edges[edge], images[edge], longest, closed=False)
        if not cycle:
            raise InputError(
                "longest", need="room for every cycle", got=f"a ring of more than {longest} atoms", remedy="raise it"
            )
        cycles[row] = cycle
    return cycles, winds


def _add(steps: Steps, edge: Ints, image: Ints) -> None:
    a, b = map(int, edge)
    x, y, z = map(int, image)
    steps[a].append((b, (x, y, z)))
    steps[b].append((a, (-x, -y, -z)))


def _shortest(steps: Steps, edge: Ints, image: Ints, longest: int, *, closed: bool) -> list[int]:
    """Fewest steps around an edge: to the image where it ends if `closed`, or else to any image."""
    start, end = map(int, edge)
    straight = (end, (int(image[0]), int(image[1]), int(image[2])))
    goal: Node = (end, *straight[1]) if closed else (end, 0, 0, 0)
    origin: Node = (start, 0, 0, 0)
    came: dict[Node, Node | None] = {origin: None}
    front = [origin]
    for _ in range(longest - 1):
        following = []
        for node in front:
            atom, x, y, z = node
            for other, (dx, dy, dz) in steps[atom]:
                reached = (other, x + dx, y + dy, z + dz) if closed else (other, 0, 0, 0)
                if reached in came or (node == origin and (other, (dx, dy, dz)) == straight):
                    continue
                came[reached] = node
                if reached == goal:
                    return _trace(came, reached)
                following.append(reached)
        front = following
        if not front or len(came) > 50_000:
            break
    return []


def _trace(came: dict[Node, Node | None], node: Node | None) -> list[int]:
    path = []
    while node is not None:
        path.append(node[0])
        node = came[node]
    return path
