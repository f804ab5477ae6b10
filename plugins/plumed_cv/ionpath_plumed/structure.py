"""Shells, neighbouring cages and tetrahedra of a structure, found by distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import described, typed
from ionpath.arrays import Floats
from ionpath.elements import ANIONS, FORMERS
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.occupancies import check_ordered
from ionpath.periodic import minimum_image
from ionpath.sites.symmetry import crystal_symmetry

CENTRAL = ("P", "Si", "Ge", *sorted(FORMERS - {"P", "Si", "Ge"}))
"""Formers, the usual ones of sulfide conductors first."""
PAIRED = 4.0
"""Reach of a shell about a pair of tetrahedra, in A (arXiv:2412.07115)."""


@dataclass(frozen=True)
class Crystal:
    """Atoms of a periodic structure, as arrays."""

    symbols: NDArray[np.str_]  # (n_atoms,): elements
    positions: Floats  # (n_atoms, 3): positions in A
    cell: Floats  # (3, 3): cell vectors as rows, in A

    def vectors(self, origin: int, others: ArrayLike) -> Floats:
        """Shortest vectors in A from one atom to others."""
        return minimum_image(self.positions[np.asarray(others, dtype=int)] - self.positions[origin], self.cell)

    def distances(self, origin: int, others: ArrayLike) -> Floats:
        """Shortest distances in A from one atom to others."""
        return np.sqrt((self.vectors(origin, others) ** 2).sum(-1))

    def within(self, radius: float, origin: int, others: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of others that lie within a distance in A from one atom, nearest first."""
        distances = self.distances(origin, others)
        order = np.argsort(distances.round(3), kind="stable")  # of equals the first
        return others[order[: int((distances <= radius).sum())]]

    def of(self, elements: Sequence[str] | str) -> NDArray[np.intp]:
        """Indices of the atoms of some elements."""
        return np.flatnonzero(np.isin(self.symbols, [elements] if isinstance(elements, str) else list(elements)))


def exchangeable(crystal: Crystal, first: int, second: int, mobile: str) -> bool:
    """Whether a symmetry of a crystal without its mobile ions exchanges two atoms."""
    alike = crystal.symbols[first] == crystal.symbols[second]
    return bool(alike) and len(_rotations(crystal, first, second, mobile)) > 0


def upside_down(crystal: Crystal, centre: int, mobile: str) -> bool:
    """Whether a symmetry of a crystal without its mobile ions keeps an atom in place and turns the z axis round."""
    turned = _rotations(crystal, centre, centre, mobile)[:, 2]
    return bool((np.abs(turned - [0.0, 0.0, -1.0]) < 1e-3).all(axis=-1).any())


def corners_alike(crystal: Crystal, central: int, anion: int, mobile: str) -> bool:
    """Whether symmetries of a crystal without its mobile ions take one bond of a tetrahedron to each of the four."""
    anions = crystal.of(sorted(ANIONS))
    corners = anions[np.argsort(crystal.distances(central, anions))[:4]]
    taken = _rotations(crystal, central, central, mobile) @ crystal.vectors(central, [anion])[0]
    apart = np.linalg.norm(taken[:, None] - crystal.vectors(central, corners), axis=-1)
    return bool((apart < SYMPREC).any(axis=0).all())


SYMPREC = 0.05
"""How far, in A, atoms may be from where a symmetry has them."""


def _rotations(crystal: Crystal, first: int, second: int, mobile: str) -> Floats:
    """Rotations (n, 3, 3) of the symmetries of a crystal without its mobile ions that exchange two alike atoms."""
    alike = crystal.symbols == crystal.symbols[first]
    places, rest = crystal.positions @ np.linalg.inv(crystal.cell), ~alike & (crystal.symbols != mobile)
    try:
        found = crystal_symmetry(crystal.cell, places[alike], places[rest], crystal.symbols[rest], SYMPREC)
    except InputError:  # two atoms at one place
        return np.zeros((0, 3, 3))
    one, other = np.searchsorted(np.flatnonzero(alike), (first, second))
    taken = found.rotations[(found.images[:, one] == other) & (found.images[:, other] == one)]
    return np.asarray(crystal.cell.T @ taken @ np.linalg.inv(crystal.cell.T), dtype=np.float64)


@dataclass(frozen=True)
class Shell(Msonable):
    """A coordination shell of mobile ions."""

    centre: int  # index of the atom at its centre
    ions: tuple[int, ...]  # indices of its ions, nearest first
    # distance in A to which the shell reaches, where it is about a pair of tetrahedra; None around a free anion
    reach: float | None = None


def as_crystal(structure: Any) -> Crystal:
    """Take a structure in any of the usual forms."""
    if isinstance(structure, Crystal):
        return structure
    check_ordered(structure)
    if hasattr(structure, "get_chemical_symbols"):
        symbols, positions, cell = (structure.get_chemical_symbols(), structure.positions, np.array(structure.cell))
    elif hasattr(structure, "lattice"):
        symbols = [site.specie.symbol for site in structure]
        positions, cell = structure.cart_coords, structure.lattice.matrix
    elif hasattr(structure, "atoms"):
        symbols, positions, cell = _from_universe(structure.atoms)
    elif isinstance(structure, Sequence) and not isinstance(structure, str) and len(structure) == 3:
        symbols, positions, cell = structure
    else:
        need = "Atoms of ASE, a Structure of pymatgen, a Universe, or symbols, positions and cell"
        raise InputError("structure", need=need, got=described(structure), remedy="for example ase.io.read('POSCAR')")
    found = Crystal(np.array(symbols, dtype=str), np.array(positions, dtype=float), np.array(cell, dtype=float))
    if found.cell.shape != (3, 3) or abs(np.linalg.det(found.cell)) < 1e-6:
        raise InputError("cell", need="a periodic cell", got="none", remedy="set the cell of the structure")
    if not np.isfinite(found.positions).all():
        raise InputError("positions", need="finite numbers", got="nan or infinity", remedy="check the structure")
    return found


def _from_universe(atoms: Any) -> tuple[list[str], Floats, Floats]:
    from MDAnalysis.lib.mdamath import triclinic_vectors

    names = atoms.elements if hasattr(atoms, "elements") else atoms.names
    box = atoms.universe.dimensions
    cell = np.zeros((3, 3)) if box is None else triclinic_vectors(box).astype(float)
    return [str(n).capitalize() for n in names], np.array(atoms.positions, dtype=float), cell


@typed
def find_tetrahedra(structure: Any, *, central: Sequence[str] = CENTRAL, cutoff: float = 2.8) -> list[tuple[int, ...]]:
    """Find tetrahedra: a central atom and its four nearest anions.

    Parameters
    ----------
    structure : object
        See `as_crystal`.
    central : sequence of str
        Elements that are centres of tetrahedra.
    cutoff : float
        Longest bond in A.

    Returns
    -------
    list of tuple of int
        Index of the central atom, then of four anions by increasing index.

    Raises
    ------
    InputError
        If there is none.
    """
    crystal = as_crystal(structure)
    anions = crystal.of(sorted(ANIONS))
    found = []
    for atom in crystal.of(central).tolist():
        distances = crystal.distances(atom, anions)
        near = anions[np.argsort(distances.round(3), kind="stable")[:4]]
        if len(near) == 4 and np.sort(distances)[3] <= cutoff:
            found.append((atom, *sorted(near.tolist())))
    if not found:
        need = f"a {', '.join(central[:3])} ... atom with four anions within {cutoff} A"
        remedy = "name the element in the middle with central=, or raise cutoff="
        raise InputError("tetrahedra", need=need, got="none", remedy=remedy)
    return found


@typed
def find_shells(
    structure: Any, *, mobile: str = "Li", radius: float = 3.0, least: int = 4, apart: float = 5.5
) -> list[Shell]:
    """Find coordination shells: anions that belong to no tetrahedron and have several mobile ions around them.

    In Li10GeP2S12 types, which have no such anions, a shell is about two tetrahedra that stand above each other, such
    as SiS4 and PS4 (`ionpath.lattice.find_paired_cages`), and its centre is the first of the two formers.

    Parameters
    ----------
    structure : object
        See `as_crystal`.
    mobile : str
        Element that moves.
    radius : float
        Largest distance in A of an ion from its centre.
    least : int
        Fewest ions of a shell.
    apart : float
        Centres nearer than this, in A, are not two shells: the one with the nearer tetrahedra around it is kept, and
        where there are none the one with the nearer ions. In a hot or disordered structure an anion between the cages
        can have as many ions within `radius` as a centre has.

    Returns
    -------
    list of Shell
        Shells by index of the centre.

    Raises
    ------
    InputError
        If there are no mobile ions or no shells.
    """
    crystal = as_crystal(structure)
    ions = crystal.of(mobile)
    if not len(ions):
        got = f"only {', '.join(sorted(set(crystal.symbols.tolist())))}"
        raise InputError("mobile", need=f"atoms of {mobile}", got=got, remedy="name the element that moves")
    try:
        tetrahedra = find_tetrahedra(crystal)
    except InputError:
        tetrahedra = []
    bonded = {i for tetrahedron in tetrahedra for i in tetrahedron}
    shells: list[tuple[float, Shell]] = []
    best = 0
    for atom in crystal.of(sorted(ANIONS)).tolist():
        if atom in bonded:
            continue
        near = crystal.within(radius, atom, ions)
        best = max(best, len(near))
        if len(near) >= least:
            around = crystal.distances(atom, [t[0] for t in tetrahedra] if len(tetrahedra) >= 4 else ions)
            tightness = float(np.sort(around)[:4].mean())
            shells.append((round(tightness, 3), Shell(atom, tuple(near.tolist()))))
    if not shells and best == 0 and len(tetrahedra):
        paired = _paired_shells(crystal, ions)
        if paired:
            return paired
    if not shells:
        need = f"free anions with {least} {mobile} or more within {radius} A"
        raise InputError("shells", need=need, got=f"{best} at most", remedy="raise radius=, or lower least=")
    kept: list[Shell] = []
    for _, shell in sorted(shells, key=lambda one: one[0]):
        if not kept or crystal.distances(shell.centre, [other.centre for other in kept]).min() >= apart:
            kept.append(shell)
    return sorted(kept, key=lambda shell: shell.centre)


def _paired_shells(crystal: Crystal, ions: NDArray[np.intp]) -> list[Shell]:
    """Shells about pairs of tetrahedra in a column, around the former that is not P."""
    from ionpath.lattice import find_paired_cages

    others = [element for element in CENTRAL if element != "P" and element in crystal.symbols]
    try:
        first = find_paired_cages(crystal.positions, crystal.symbols, crystal.cell, first=others[0]).centres[:, 0]
    except (InputError, IndexError):
        return []
    shells = []
    for centre in sorted(set(first.tolist())):
        near = crystal.within(PAIRED, centre, ions)
        if len(near):
            shells.append(Shell(centre, tuple(near.tolist()), PAIRED))
    return shells


def shells_to_choose(crystal: Crystal, mobile: str, radius: float) -> list[Shell]:
    """Shells of which a protocol takes those of a hop; who finds none is told of its arguments."""
    try:
        return find_shells(crystal, mobile=mobile, radius=radius)
    except InputError as error:
        remedy = "raise radius=, or name ion= and centres= yourself" if error.name == "shells" else error.remedy
        raise InputError(error.name, need=error.need, got=error.got, remedy=remedy) from error


def shell_of(structure: Any, centre: int, *, mobile: str = "Li", radius: float = 3.0) -> Shell:
    """Shell around a given centre."""
    crystal = as_crystal(structure)
    check_atoms(crystal, [centre])
    ions = crystal.of(mobile)
    near = crystal.within(radius, centre, ions)
    if not len(near):
        nearest = crystal.distances(centre, ions).min(initial=np.inf)
        got = f"the nearest at {nearest:.2f} A" if len(ions) else f"no {mobile} at all"
        remedy = "choose a centre of a shell (find_shells lists them), or raise radius="
        raise InputError(f"centre {centre + 1}", need=f"a {mobile} within {radius} A", got=got, remedy=remedy)
    return Shell(centre, tuple(near.tolist()))


def check_atoms(crystal: Crystal, atoms: Sequence[int]) -> None:
    """Refuse atoms that do not exist or are repeated."""
    n = len(crystal.symbols)
    for atom in atoms:
        if not 0 <= atom < n:
            remedy = "name ion= or centres= of the structure"
            raise InputError("atom", need=f"a number from 1 to {n}", got=f"{atom + 1}", remedy=remedy)
    if len(set(atoms)) != len(atoms):
        raise InputError("atoms", need="different atoms", got=f"{[a + 1 for a in atoms]}", remedy="name each once")


@typed
def neighbouring_cages(structure: Any, shells: Sequence[Shell]) -> list[tuple[int, int, float]]:
    """Pairs of shells by the distance of their centres.

    Parameters
    ----------
    structure : object
        See `as_crystal`.
    shells : sequence of Shell
        Shells.

    Returns
    -------
    list of (int, int, float)
        Numbers of two shells and their distance in A, nearest first.

    Raises
    ------
    InputError
        If there are fewer than two shells.
    """
    if len(shells) < 2:
        raise InputError("shells", need="two or more", got=f"{len(shells)}", remedy="use a larger cell")
    crystal = as_crystal(structure)
    centres = [shell.centre for shell in shells]
    pairs = []
    for i in range(len(shells)):
        for j, distance in enumerate(crystal.distances(centres[i], centres[i + 1 :]), start=i + 1):
            pairs.append((i, j, round(float(distance), 4)))
    return sorted(pairs, key=lambda pair: pair[2])
