"""Rings of a network: one representative cycle for every ring that persistent homology finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.compiled import cycles, kernels
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.frames import as_frames, as_symbols, indices_of, repeat
from ionpath.msonable import Msonable
from ionpath.structure.homology import PeriodicComplex, PersistenceDiagram, diagram_of, periodic_alpha_complex


@documented
@dataclass(frozen=True)
class Rings(Msonable):
    """Rings of one frame."""

    # birth, death: (n,): filtration values, in A^2
    birth: Floats
    death: Floats
    size: Ints  # (n,): number of atoms in the representative cycle
    members: Ints  # (n, largest): indices of its atoms, in the order of the cycle, filled up with -1
    winds: Ints  # (n,): whether only a cycle around the whole cell was found
    copies: int  # number of cells that the rings come from: 1, or more where a small cell had to be repeated
    species: tuple[str, ...]  # species chosen
    composition: Ints  # (n, species): atoms of each species in the cycle

    @property
    def birth_radius(self) -> Floats:
        """Radius at which a ring closes, in A."""
        return np.asarray(np.sqrt(np.maximum(self.birth, 0.0)), dtype=np.float64)

    @property
    def death_radius(self) -> Floats:
        """Radius at which a ring is filled, in A: that of the hole in it."""
        return np.asarray(np.sqrt(np.maximum(self.death, 0.0)), dtype=np.float64)

    def formulas(self) -> list[str]:
        """What each ring is made of, such as ``"P2S4"``."""
        kinds, which = np.unique(self.composition, axis=0, return_inverse=True)
        names = [
            "".join(f"{s}{n if n > 1 else ''}" for s, n in zip(self.species, row, strict=True) if n) for row in kinds
        ]
        return [names[k] for k in which.ravel()]


@typed
@references("edelsbrunner1994", "gudhi", "chen2023")
def persistent_rings(
    positions: ArrayLike,
    cell: ArrayLike,
    species: Sequence[str],
    *,
    select: Sequence[str] = ("P", "S"),
    radii: dict[str, float] | None = None,
    min_persistence: float = 0.1,
    longest: int | None = None,
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
    longest : int, optional
        Refuse a frame in which a ring has more atoms than this; default: as many as it takes.

    Returns
    -------
    Rings
        Rings with births, deaths, members and make-up.

    Raises
    ------
    InputError
        If a species is absent, or a ring has more atoms than `longest`.

    Notes
    -----
    The cycle of a ring is the one with the fewest atoms among those that contain the edge that closes it and else
    edges that are there by then. It is looked for among cycles that close in space; if there is none, one
    around the cell is given and marked. There may be several cycles with the same number of atoms, of which one
    is taken. A cell so small that two atoms are neighbours through two images is repeated; divide numbers of
    rings by ``copies`` then. An atom may occur in such a ring through several images.

    Examples
    --------
    >>> cubic = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) * 2.0
    >>> rings = persistent_rings(cubic, np.eye(3) * 8, ["S"] * 64, select=["S"])
    >>> sorted(set(rings.size.tolist())), sorted(set(rings.formulas()))
    ([4], ['S4'])
    """
    frames, cells, single = as_frames(positions, cell)
    if not single:
        need = "one frame"
        raise InputError("positions", need=need, got=f"shape {frames.shape}", remedy="go through the frames one by one")
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
    sizes, winds, found = _cycles(complex_, diagram, lasting)
    if longest is not None and sizes.max(initial=0) > longest:
        got = f"a ring of more than {longest} atoms ({sizes.max()})"
        remedy = f"leave it out, or longest={sizes.max()}"
        raise InputError("longest", need="room for every cycle", got=got, remedy=remedy)
    kinds = tuple(dict.fromkeys(select))
    members = np.full((len(sizes), sizes.max(initial=0)), -1, dtype=np.int64)
    inside = np.arange(members.shape[1]) < sizes[:, None]
    members[inside] = atoms[found % len(atoms)]
    composition = np.stack([((symbols == s)[members] & inside).sum(axis=1) for s in kinds], axis=1)
    return Rings(
        birth=diagram.birth[lasting],
        death=diagram.death[lasting],
        size=sizes,
        members=members,
        winds=winds,
        copies=times**3,
        species=kinds,
        composition=composition.astype(np.int64),
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


_TIE = 1e-3
"""Edges whose filtration values differ by less, in A^2, are there at the same time, as in a perfect crystal."""


def _cycles(complex_: PeriodicComplex, diagram: PersistenceDiagram, wanted: Ints) -> tuple[Ints, Ints, Ints]:
    """Shortest cycle through the edge that makes each ring, among the edges that are there by then.

    Numbers of atoms, whether each winds around the cell, and the atoms of all cycles one behind the other.
    """
    edges, values, images = complex_.simplices[1], complex_.values[1], complex_.edge_images
    n_atoms = int(edges.max()) + 1
    keys = edges @ [n_atoms, 1]
    closing = np.searchsorted(keys, diagram.birth_simplex[wanted] @ [n_atoms, 1])
    order = np.argsort(values, kind="stable")
    both = np.concatenate([np.c_[edges, images][order], np.c_[edges[:, ::-1], -images][order]])
    early = np.concatenate([np.arange(len(order))] * 2)
    rows = np.lexsort((early, both[:, 0]))
    start = np.searchsorted(both[rows, 0], np.arange(n_atoms + 1))
    table = start, both[rows, 1], both[rows, 2:], values[order][early[rows]]
    searched = edges[closing], images[closing], values[closing] + _TIE
    compiled = kernels()
    search = cycles.shortest_cycles if compiled is None else compiled.shortest_cycles
    sizes, winds, members = search(*(np.ascontiguousarray(part) for part in (*table, *searched)))
    return sizes, winds.astype(np.int64), members
