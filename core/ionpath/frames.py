"""Frames, species and cutoffs as functions of positions check them at their door, and the system that freud wants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arrays import Floats, Ints, Symbols, grid_points, heights, standard_cell
from ionpath.cells import as_cells, check_finite
from ionpath.errors import InputError, require
from ionpath.periodic import wrap_fractional

SHORTEST = 0.1
"""Radius in A below which a grid of cells has too many: pairs are looked for within it, and then sorted out."""


def as_frames(positions: ArrayLike, cell: ArrayLike) -> tuple[Floats, Floats, bool]:
    """Return positions and cells an axis of frames."""
    frames = np.asarray(check_finite(positions, "positions"), dtype=np.float64)
    cells = as_cells(cell)
    single = frames.ndim == 2
    if single:
        frames = frames[None]
    if frames.ndim != 3 or 0 in frames.shape:
        got = f"shape {frames.shape}"
        remedy = "give the positions of at least one atom in at least one frame"
        raise InputError("positions", need="shape (atoms, 3) or (frames, atoms, 3)", got=got, remedy=remedy)
    if cells.ndim == 2:
        cells = np.broadcast_to(cells, (len(frames), 3, 3))
    if len(cells) != len(frames):
        need = f"one cell, or one for each of {len(frames)} frames"
        raise InputError("cell", need=need, got=f"{len(cells)} cells", remedy="give the cell of every frame")
    return frames, cells, single


def as_symbols(species: Sequence[str] | Symbols, n_atoms: int) -> Symbols:
    """Check that there is one chemical symbol per atom."""
    symbols = np.asarray(species, dtype=str)
    if symbols.shape != (n_atoms,):
        got = f"shape {symbols.shape}"
        remedy = "give the symbols in the order of the positions"
        raise InputError("species", need=f"one symbol for each of {n_atoms} atoms", got=got, remedy=remedy)
    return symbols


def indices_of(symbols: Symbols, wanted: str | Sequence[str], name: str) -> Ints:
    """Find the atoms of some species."""
    chosen = [wanted] if isinstance(wanted, str) else list(wanted)
    for symbol in chosen:
        if symbol not in symbols:
            got = f"only {', '.join(sorted(set(symbols.tolist())))}"
            raise InputError(name, need=f"atoms of {symbol}", got=got, remedy="choose species that are there")
    return np.flatnonzero(np.isin(symbols, chosen))


def check_cutoff(
    cutoff: float, cells: Floats, name: str = "r_max", *, remedy: str = "use a shorter radius or repeat the cell"
) -> float:
    """Refuse a radius that is not positive, or that reaches beyond half of a cell; `remedy` may have it as {half}."""
    radius = float(cutoff)
    if not (np.isfinite(radius) and radius > 0):
        raise InputError(name, need="a positive radius in A", got=repr(cutoff), remedy="give a radius in A")
    half = 0.5 * float(heights(cells).min())
    if radius > half * (1 + 1e-6):
        need = f"at most half of the smallest height of the cell, {half:.4g} A"
        got = f"{radius:.4g} A"
        raise InputError(name, need=need, got=got, remedy=remedy.format(half=f"{math.floor(10 * half) / 10:g}"))
    return radius


def freud_system(positions: Floats, cell: Floats) -> tuple[Any, NDArray[np.float32]]:
    """Make the pair (box, points) that freud computes on."""
    freud = require("freud", purpose="neighbours, order and volumes", install="pip install freud-analysis")
    coordinates, box = wrap_fractional(positions @ np.linalg.inv(cell)) - 0.5, standard_cell(cell)
    return freud.box.Box.from_matrix(box.T), np.asarray(coordinates @ box, dtype=np.float32)


def pairs_within(
    positions: Floats, cell: Floats, radius: float, first: Ints | None = None, second: Ints | None = None
) -> tuple[Ints, Ints, Floats, Floats]:
    """Find all pairs of an atom and a neighbour closer than a radius in A, every periodic image counted.

    Positions (N, 3) in A may be wrapped; the radius may reach beyond the cell (3, 3). `first` are the atoms whose
    neighbours are wanted, `second` those that count as neighbours: all by default. Returns the indices among them (P,),
    sorted by both, vectors (P, 3) from the atom to the neighbour and their lengths (P,) in A.

    vesin searches a grid of cells in double precision, three to four times as fast as the tree of freud (3,328 atoms, 3
    to 10 A), which is in single precision.

    >>> atom, neighbour, _, distances = pairs_within(np.array([[0.5, 0, 0], [9.5, 0, 0]]), np.eye(3) * 10, 2.0)
    >>> atom.tolist(), neighbour.tolist(), distances.tolist()
    ([0, 1], [1, 0], [1.0, 1.0])
    """
    chosen = None if first is None or second is None else np.union1d(first, second)
    import vesin  # brings parts of ASE where that is installed, so not before it is needed

    search = vesin.NeighborList(cutoff=max(float(radius), SHORTEST), full_list=True)
    points = positions if chosen is None else positions[chosen]
    i, j, vectors, distances = search.compute(points=points, box=cell, periodic=True, quantities="ijDd")
    atom, neighbour = i.astype(np.int64), j.astype(np.int64)
    if chosen is not None:
        atom, neighbour = chosen[atom], chosen[neighbour]
    keep: Any = slice(None)
    if first is not None or second is not None or radius < SHORTEST:
        atom, neighbour = (_place(part, group, len(positions)) for part, group in ((atom, first), (neighbour, second)))
        keep = np.flatnonzero((atom >= 0) & (neighbour >= 0))
        keep = keep if radius >= SHORTEST else keep[distances[keep] <= radius]
        atom, neighbour = atom[keep], neighbour[keep]
    order = np.argsort(atom * len(positions) + neighbour, kind="stable")
    return atom[order], neighbour[order], vectors[keep][order], distances[keep][order]


def _place(atoms: Ints, group: Ints | None, n_atoms: int) -> Ints:
    """Where atoms stand in a group, -1 where they do not."""
    if group is None:
        return atoms
    place = np.full(n_atoms, -1)
    place[group] = np.arange(len(group))
    return place[atoms]


def repeats_for(cell: Floats, radius: float) -> tuple[int, int, int]:
    """Return how often a cell must be repeated so that a radius fits into its half."""
    counts = np.maximum(1, np.ceil(2.0 * radius / heights(cell) - 1e-9)).astype(int)
    return int(counts[0]), int(counts[1]), int(counts[2])


def repeat(positions: Floats, cell: Floats, counts: tuple[int, int, int]) -> tuple[Floats, Floats]:
    """Repeat a cell; the atoms given stay first."""
    shifts = grid_points(*map(np.arange, counts)) @ cell
    return (shifts[:, None] + positions[None]).reshape(-1, 3), cell * np.array(counts)[:, None]
