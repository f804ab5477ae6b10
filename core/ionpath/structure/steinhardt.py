"""Bond-orientational order averaged over neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.errors import InputError, positive, whole
from ionpath.frames import as_frames, pairs_within


@typed
@references("steinhardt1983", "lechner2008")
def averaged_steinhardt(
    positions: ArrayLike,
    cell: ArrayLike,
    *,
    l: int = 6,
    n_neighbours: int = 12,
    cutoff: float | None = None,
    averaged: bool = True,
) -> Floats:
    r"""Compute the averaged Steinhardt order parameter of every atom.

    Parameters
    ----------
    positions : array_like, (N, 3) or (T, N, 3)
        Positions in A, wrapped or not; all atoms given are neighbours of each other, of whatever species.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A. In a small cell images of one atom count as neighbours.
    l : int, default 6
        Degree of the spherical harmonics.
    n_neighbours : int, default 12
        Neighbours of an atom are this many nearest ones.
    cutoff : float, optional
        Neighbours of an atom are instead all within this distance, in A.
    averaged : bool, default True
        Average over the neighbours; False gives the plain parameter of Steinhardt.

    Returns
    -------
    ndarray, (N,) or (T, N)
        Order parameter of every atom, between 0 and 1.

    Raises
    ------
    InputError
        If there are too few atoms, a cutoff leaves an atom without neighbours, or `l` is not positive.

    Notes
    -----
    .. math:: q_{lm}(i) = \frac{1}{N_b} \sum_{j} Y_{lm}(\hat r_{ij}), \quad
        \bar q_{lm}(i) = \frac{1}{N_b + 1} \Big[ q_{lm}(i) + \sum_{j} q_{lm}(j) \Big], \quad
        \bar q_l = \sqrt{\tfrac{4 \pi}{2 l + 1} \textstyle\sum_m |\bar q_{lm}|^2}

    The atom itself counts among those averaged, hence the divisor N_b + 1, which leaves the values of perfect
    lattices as they are: fcc 0.5745 (12 neighbours), bcc 0.5107 (14) or 0.6285 (8), simple cubic 0.3536 (6).
    Of neighbours that are equally far, as in perfect crystals, those that come first in the list of atoms count.

    Examples
    --------
    >>> fcc = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0.0]])
    >>> averaged_steinhardt(fcc, np.eye(3) * 4.0).round(4).tolist()
    [0.5745, 0.5745, 0.5745, 0.5745]
    """
    frames, cells, single = as_frames(positions, cell)
    whole("l", l, 1, 40, remedy="use 4 or 6")
    if cutoff is None:
        whole("n_neighbours", n_neighbours, 1, 1000, remedy="use 12, or give a cutoff")
    values = np.empty(frames.shape[:2])
    for k, (frame, lattice) in enumerate(zip(frames, cells, strict=True)):
        neighbour, vectors, sizes = _neighbours(frame, lattice, n_neighbours, cutoff)
        values[k] = _order(neighbour, vectors, sizes, l, averaged)
    return values[0] if single else values


def _neighbours(positions: Floats, cell: Floats, n_neighbours: int, cutoff: float | None) -> tuple[Ints, Floats, Ints]:
    """Neighbours of all atoms one after another, the vectors to them, and how many each atom has."""
    n_atoms = len(positions)
    if cutoff is not None:
        radius = positive("cutoff", cutoff, "A", remedy="use n_neighbours, or a cutoff in A")
        atom, neighbour, vectors, _ = pairs_within(positions, cell, radius)
        sizes = np.bincount(atom, minlength=n_atoms)
        if not sizes.all():
            got = f"atoms without one within {cutoff:g} A"
            remedy = "use a longer cutoff or n_neighbours"
            raise InputError("cutoff", need="a neighbour of every atom", got=got, remedy=remedy)
        return neighbour, vectors, sizes
    # A sphere that holds a bit more than the neighbours at the mean density, until it does so for every atom.
    volume = abs(float(np.linalg.det(cell)))
    radius = (1.4 * (n_neighbours + 1) * volume / n_atoms * 0.75 / np.pi) ** (1.0 / 3.0)
    while True:
        atom, neighbour, vectors, distances = pairs_within(positions, cell, radius)
        sizes = np.bincount(atom, minlength=n_atoms)
        if sizes.min() >= n_neighbours:
            break
        radius *= 1.2
    starts = np.cumsum(sizes) - sizes
    column = np.arange(len(atom)) - starts[atom]
    # A number holds the distance in 1e-9 A and, in its last bits, the place in the list, which decides between equals.
    bits = int(sizes.max()).bit_length()
    table = np.full((n_atoms, int(sizes.max())), np.iinfo(np.int64).max)
    table[atom, column] = (np.rint(1e9 * distances).astype(np.int64) << bits) | column
    chosen = np.sort(np.partition(table, n_neighbours - 1, axis=1)[:, :n_neighbours], axis=1) & ((1 << bits) - 1)
    nearest = (starts[:, None] + chosen).ravel()
    return neighbour[nearest], vectors[nearest], np.full(n_atoms, n_neighbours)


def _order(neighbour: Ints, vectors: Floats, sizes: Ints, l: int, averaged: bool) -> Floats:
    """Order parameters of atoms from the vectors to their neighbours."""
    starts = np.cumsum(sizes) - sizes
    own = np.add.reduceat(_harmonics(vectors, l), starts, axis=0) / sizes[:, None]
    if averaged:
        own = (own + np.add.reduceat(own[neighbour], starts, axis=0)) / (sizes + 1)[:, None]
    squares = own.real**2 + own.imag**2
    # Orders -m and m have equal moduli.
    total = squares[:, 0] + 2.0 * squares[:, 1:].sum(axis=1)
    return np.asarray(np.sqrt(4.0 * np.pi / (2 * l + 1) * total))


def _harmonics(vectors: Floats, l: int) -> NDArray[np.complex128]:
    """Spherical harmonics of degree l for orders 0 to l, (P, l + 1), up to the sign (-1)^m."""
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    z, plane = units[:, 2], units[:, 0] + 1j * units[:, 1]
    result = np.empty((len(units), l + 1), dtype=np.complex128)
    power = np.ones(len(units), dtype=np.complex128)
    start = np.sqrt(1.0 / (4.0 * np.pi))
    for m in range(l + 1):
        # Normalised Legendre functions without their factor sin^m, which `power` holds, by recursion in the degree.
        before, here = np.zeros_like(z), np.full_like(z, start)
        for n in range(m + 1, l + 1):
            a = np.sqrt((4.0 * n**2 - 1.0) / (n**2 - m**2))
            b = np.sqrt(((n - 1.0) ** 2 - m**2) / (4.0 * (n - 1.0) ** 2 - 1.0))
            before, here = here, a * (z * here - b * before)
        np.multiply(power, here, out=result[:, m])
        power = power * plane
        start *= np.sqrt((2.0 * m + 3.0) / (2.0 * m + 2.0))
    return result
