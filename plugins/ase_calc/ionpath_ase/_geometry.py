"""Make the cell of an `Atoms` one that deepmd-kit evaluates correctly, and refuse what cannot be evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

from ionpath.errors import InputError, positive

FloatArray = NDArray[np.float64]


def model_cell(atoms: Atoms, cutoff: float) -> FloatArray | None:
    """Cell to hand to the model.

    deepmd-kit turns the forces around in a left-handed cell and knows only all directions periodic or none. The same
    lattice with all vectors reversed is right-handed.
    """
    periodic = np.asarray(atoms.pbc, dtype=bool)
    if not periodic.any():
        return None
    cell = np.array(atoms.cell.array, dtype=float)
    if not np.isfinite(cell).all():
        raise InputError("cell", need="finite lattice vectors", got=str(cell.tolist()))
    (a, b, c), (d, e, f), (g, h, i) = cell.tolist()  # numpy's det and cross take longer than all the rest
    volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if periodic.all() and abs(volume) > 1e-3:
        return -cell if volume < 0.0 else cell
    kept = cell[periodic]
    if np.linalg.matrix_rank(kept, tol=1e-6) < len(kept):
        need = "independent lattice vectors along all periodic directions"
        remedy = "set the cell, or pbc=False for a cluster"
        raise InputError("cell", need=need, got=f"{cell.tolist()} with pbc {periodic.tolist()}", remedy=remedy)
    if not periodic.all():
        cell = _with_vacuum(cell, periodic, atoms.positions, cutoff)
    return -cell if np.linalg.det(cell) < 0 else cell


def _with_vacuum(cell: FloatArray, periodic: NDArray[np.bool_], positions: FloatArray, cutoff: float) -> FloatArray:
    """Replace the vectors that are not periodic by ones across the periodic ones, long enough to part the images."""
    across = np.linalg.svd(cell[periodic])[2][periodic.sum() :]
    result = cell.copy()
    for direction, index in zip(across, np.flatnonzero(~periodic), strict=True):
        height = np.ptp(positions @ direction) if len(positions) else 0.0
        result[index] = direction * (height + 2.0 * cutoff)
    return result


def contact_radii(numbers: NDArray[np.integer[Any]]) -> FloatArray:
    """Radii of atoms that do not touch in a sound run: where two do, they have fallen onto each other.

    The shortest bonds there are, relative to covalent radii: 0.77 in N2, 0.79 in CO; 0.88 in P2, 0.84 in PN and SO2. In
    first-principles melts of Li7PS6 and Li3PS4 at 3000 K no pair comes below 0.74 but for two lithium ions, which meet
    at 0.63 (1.6 A). Potentials that fail leave two phosphorus atoms at 0.6 to 0.7 (1.3 to 1.5 A).
    """
    share = np.full(len(numbers), 0.65)
    share[np.isin(numbers, (3, 11, 19, 37, 55))] = 0.5
    share[np.isin(numbers, (14, 15, 16, 17, 32, 33, 34, 35, 50, 51, 52, 53))] = 0.75
    return np.asarray(share * covalent_radii[numbers], dtype=float)


_P_BOND = 2.5
"""Longest bond between two P, in A; in P2S6 it has 2.25 A."""
_P_JOINED = 4
"""How many P may be joined by bonds."""


def check_phosphorus(atoms: Atoms, positions: FloatArray, cell: FloatArray) -> None:
    """Refuse thiophosphates in which more than four P are joined by bonds.

    Units of thiophosphates are PS4, P2S7, and P2S6 with one bond between P; a melt of Li3PS4 at 1800 K also has three
    or four P in a row for a time, and SevenNet-l3i5 with D3 agrees on their energy. A potential that finds such
    clusters too stable goes on to gather all P in one, with bonds of a sound length, which `contact_radii` does not
    see. Structures of four P or fewer, such as one cell of an argyrodite, always pass.
    """
    from ase.neighborlist import neighbor_list
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not (atoms.numbers == 16).any():
        return
    phosphorus = np.flatnonzero(atoms.numbers == 15)
    only = Atoms("P" * len(phosphorus), positions=positions[phosphorus], cell=cell, pbc=atoms.pbc)
    first, second = neighbor_list("ij", only, _P_BOND)
    if len(first) < 2 * _P_JOINED:  # each bond is there from both its ends
        return
    bonds = coo_array((np.ones(len(first)), (first, second)), shape=(len(only), len(only)))
    _, group = connected_components(bonds, directed=False)
    joined = np.bincount(group)
    if joined.max() > _P_JOINED:
        members = phosphorus[group == joined.argmax()]
        need = f"at most four P joined by bonds of {_P_BOND:g} A or less"
        got = f"{len(members)}, atoms {', '.join(map(str, members[:8]))}{', ...' if len(members) > 8 else ''}"
        remedy = "lower the temperature, or train the potential on such frames"
        raise InputError("positions", need=need, got=got, remedy=remedy)


def has_phosphorus_clusters(atoms: Atoms) -> bool:
    """Whether a structure has more than four P that are joined by bonds from the start."""
    try:
        check_phosphorus(atoms, atoms.positions, atoms.cell.array)
    except InputError:
        return True
    return False


_FARTHEST = 1e6
"""Coordinates in A that are too large: folding them back into a cell would cost digits."""


def check_calculator(name: str, calculator: Any) -> None:
    """Refuse what is no calculator of ASE."""
    if isinstance(calculator, type) or not callable(getattr(calculator, "get_potential_energy", None)):
        raise InputError(name, need="a calculator of ASE", got=repr(calculator)[:80], remedy="such as IonPath()")


def check_positions(
    positions: FloatArray, cell: FloatArray | None, closest: float, radii: FloatArray | None = None
) -> None:
    """Refuse positions that are not numbers, and atoms on top of each other."""
    finite = np.isfinite(positions).all(axis=1)
    if not finite.all() or (cell is not None and not np.isfinite(cell).all()):
        bad = np.flatnonzero(~finite)
        got = f"values that are not finite for {len(bad)} atoms (first: {bad[:5].tolist()})"
        remedy = "look at the frame before; a time step that is too long does this"
        raise InputError("positions", need="finite coordinates and cell", got=got, remedy=remedy)
    farthest = float(np.abs(positions).max(initial=0.0))
    if farthest > _FARTHEST:
        got = f"one at {farthest:g} A"
        remedy = "wrap the atoms into the cell, or check the units"
        raise InputError("positions", need=f"coordinates within {_FARTHEST:g} A of the origin", got=got, remedy=remedy)
    pair = closest_pair(positions, cell, closest, radii)
    if pair is not None:
        i, j, distance = pair
        between = 0.0 if radii is None else float(radii[i] + radii[j])
        got = f"atoms {i} and {'its own image' if i == j else j} at {distance + between:.3f} A"
        remedy = "remove duplicates, or check the cell and its units"
        raise InputError("positions", need=f"atoms at least {closest + between:.3g} A apart", got=got, remedy=remedy)


class ContactCheck:
    """Refuse overlapping atoms in successive frames, with a search for neighbours only where atoms have moved enough.

    `closest` is the smallest distance allowed in A, to which `radii` (n_atoms,) in A are added.

    A search finds the closest pair up to 1 A above the limit. Until some atom has moved by half of what is left, no
    pair can be closer than the limit: the idea of a Verlet skin.
    """

    SKIN = 1.0

    def __init__(self, closest: float, radii: FloatArray | None = None) -> None:
        self.closest, self.radii = positive("closest", closest, "A", zero=True), radii
        self._positions: FloatArray | None = None
        self._cell: FloatArray | None = None
        self._reach = 0.0

    def __call__(self, positions: FloatArray, cell: FloatArray | None) -> None:
        """Check one frame."""
        if self._near(positions, cell):
            return
        check_positions(positions, cell, self.closest, self.radii)
        pair = closest_pair(positions, cell, self.closest + self.SKIN, self.radii)
        found = self.closest + self.SKIN if pair is None else pair[2]
        self._positions = None  # an interrupt between the next lines must not leave half of the old frame
        self._cell = None if cell is None else cell.copy()
        self._reach = 0.5 * (found - self.closest)
        self._positions = positions.copy()

    def _near(self, positions: FloatArray, cell: FloatArray | None) -> bool:
        """Whether no atom has moved far since the last search; False for anything that is not a number."""
        if self._positions is None or self._positions.shape != positions.shape:
            return False
        if (self._cell is None) != (cell is None):
            return False
        if cell is not None and self._cell is not None and not np.array_equal(cell, self._cell):
            return False
        moved = positions - self._positions
        return bool(np.einsum("ij,ij->i", moved, moved).max(initial=0.0) < self._reach**2)


def closest_pair(
    positions: FloatArray, cell: FloatArray | None, below: float, radii: FloatArray | None = None
) -> tuple[int, int, float] | None:
    """Find the closest pair of atoms, if one is closer than a limit.

    A pair at distance d is at most ``d * ||inv(cell)||`` apart in fractional coordinates (spectral norm), so that one
    periodic tree in fractional coordinates finds all candidates in a cell of any shape.
    """
    from scipy.spatial import cKDTree

    furthest = below if radii is None else below + 2.0 * float(radii.max(initial=0.0))
    if cell is None:
        pairs = cKDTree(positions).query_pairs(furthest, output_type="ndarray")
        separation = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    else:
        inverse = np.linalg.inv(cell)
        fractional = positions @ inverse
        fractional -= np.floor(fractional)
        fractional[fractional >= 1.0] = 0.0
        reach = min(furthest * np.linalg.norm(inverse, 2), 0.499)
        pairs = cKDTree(fractional, boxsize=1.0).query_pairs(reach, output_type="ndarray")
        difference = fractional[pairs[:, 0]] - fractional[pairs[:, 1]]
        separation = (difference - np.round(difference)) @ cell
    distances = np.linalg.norm(separation, axis=1)
    if radii is not None:
        distances -= radii[pairs].sum(axis=1)
    if cell is not None and len(positions) and 1.0 / np.linalg.norm(inverse, 2) < furthest:
        widest = 0 if radii is None else int(radii.argmax())  # which comes nearest to its own image
        shortest = np.linalg.norm(minkowski_reduce(cell)[0], axis=1).min()
        pairs = np.append(pairs, [[widest, widest]], axis=0)
        distances = np.append(distances, shortest - (0.0 if radii is None else 2.0 * radii[widest]))
    if len(distances) == 0 or distances.min() >= below:
        return None
    best = int(np.argmin(distances))
    i, j = sorted(int(k) for k in pairs[best])
    return i, j, float(distances[best])
