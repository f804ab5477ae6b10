"""Search over lithium orderings of a small cell, with relaxation and recognition of the space group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Indices
from ionpath.documented import documented
from ionpath.errors import InputError, positive, require
from ionpath.lattice.decorations import Sublattice, enumerate_decorations
from ionpath.lattice.permutations import invariant_arrangements, site_permutations, small_subgroups
from ionpath.lattice.superlattices import inequivalent_superlattices
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image
from pymatgen.analysis.argyrodite.energies import relaxing
from pymatgen.analysis.argyrodite.framework import analyse, mobile_species, require_ordered
from pymatgen.analysis.argyrodite.prototypes import argyrodite
from pymatgen.analysis.argyrodite.symmetry import Operations, framework_operations
from pymatgen.analysis.argyrodite.tetrahedral_sites import lithium_sites

if TYPE_CHECKING:
    from pymatgen.core import Structure


@documented
@dataclass(frozen=True)
class LithiumOrdering(Msonable):
    """One ordering of lithium."""

    structure: Structure  # before relaxation
    multiplicity: int  # number of orderings equivalent to it by symmetry of the framework
    space_group: str  # of the ordering before relaxation
    relaxed: Structure | None  # after relaxation
    relaxed_space_group: str  # of that, within `symprec`; "" without relaxation
    energy_per_formula: float  # in eV; nan without a calculator
    converged: bool  # whether the forces came below the limit


@typed
def lithium_orderings(
    calculator: Any = None,
    *,
    halide: str = "Cl",
    kinds: tuple[str, ...] = ("T5",),
    closest: float = 1.95,
    a: float | None = None,
    parent: Structure | None = None,
    fmax: float = 0.01,
    steps: int = 500,
    symprec: float = 0.1,
    size: int = 1,
    space_group: str | None = None,
    rattle: float = 0.02,
    progress: bool = False,
) -> list[LithiumOrdering]:
    """List the orderings of lithium in a small cell of Li6PS5X, and relax each.

    Parameters
    ----------
    calculator : ASE calculator or its name, optional
        Energy, forces and stress, for example ``"ionpath"``; nothing is relaxed without it.
    halide : {"Cl", "Br", "I"}
        The halide.
    kinds : tuple of str
        Tetrahedral sites that lithium may use.
    closest : float
        Shortest distance between two lithium, in A; 1.95 forbids both sites of a pair that shares a face.
    a : float, optional
        Edge of the cubic cell, in A.
    parent : Structure, optional
        Argyrodite cell whose lithium is to be ordered, instead of the primitive cell.
    fmax : float
        Largest force component at the end of a relaxation, in eV/A.
    steps : int
        Most steps of a relaxation.
    symprec : float
        Tolerance of the space group after relaxation, in A.
    size : int
        Number of primitive cells (or of parents); all inequivalent supercells of that size are gone through.
    space_group : str, optional
        List the orderings with this space group only, as "Amm2". They are built from the subgroups of the framework,
        so that cells can be larger.
    rattle : float
        Width of the random displacements before relaxation, in A; 0 keeps the symmetry.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of LithiumOrdering
        Lowest energy first; by falling multiplicity without a calculator.

    Raises
    ------
    InputError
        If the sites cannot hold the lithium that far apart, or no cell of this size can have the space group.
    MissingDependency
        If ASE is not installed and something is to be relaxed.

    Notes
    -----
    Guan et al., arXiv:2412.07115, call a phase of "Li6PS5Cl" with the space group Amm2 LPSCl-I. The framework is
    F-43m, and the point group mm2 with all of its translations is Imm2. A lattice centred on one face that the
    mirrors keep has four of its primitive cells or a multiple, so that smaller ones hold no Amm2. All mirror planes
    are equivalent, and each swaps the two sites of some T5 pairs: with one lithium on each pair no ordering has a
    mirror plane, however large its cell. Amm2 needs some lithium on T2, or midway between T5 sites, and four
    primitive cells.

    The space group of an ordering is that before relaxation; with a `space_group` those with a higher one are
    left out. Multiplicities count the equivalent orderings of the same supercell.

    Examples
    --------
    >>> found = lithium_orderings()
    >>> sum(o.multiplicity for o in found)
    64
    """
    positive("symprec", symprec, "A")
    calculator = None if calculator is None else relaxing(calculator)
    cell = argyrodite(halide, a=a).get_primitive_structure() if parent is None else parent
    candidates = _candidates(cell, kinds, closest, size, space_group)
    from tqdm import tqdm

    found = [
        relax_ordering(
            structure, calculator, multiplicity=weight, fmax=fmax, steps=steps, symprec=symprec, rattle=rattle
        )
        for structure, weight in tqdm(candidates, desc="orderings", disable=not progress)
    ]
    if calculator is None:
        return sorted(found, key=lambda o: -o.multiplicity)
    return sorted(found, key=lambda o: o.energy_per_formula)


@typed
def relax_ordering(
    structure: Structure,
    calculator: Any,
    *,
    multiplicity: int = 1,
    fmax: float = 0.01,
    steps: int = 500,
    symprec: float = 0.1,
    rattle: float = 0.02,
) -> LithiumOrdering:
    """Relax one ordering of lithium, positions and cell, and name its space group.

    Parameters
    ----------
    structure : Structure
        Ordered argyrodite.
    calculator : ASE calculator, its name, or None
        Energy, forces and stress; nothing is relaxed without it.
    multiplicity : int
        Number of orderings equivalent to it, handed on.
    fmax, steps, symprec, rattle
        See `lithium_orderings`; the displacements let a symmetric ordering leave a saddle point.

    Returns
    -------
    LithiumOrdering
        The ordering before and after.

    Raises
    ------
    MissingDependency
        If ASE is not installed and something is to be relaxed.
    """
    positive("symprec", symprec, "A")
    calculator = None if calculator is None else relaxing(calculator)
    before = _space_group(structure, 0.01)
    if calculator is None:
        return LithiumOrdering(structure, multiplicity, before, None, "", float("nan"), False)
    require("ase", purpose="relaxation", install="pip install 'ionpath[ase]'")
    from ase.filters import FrechetCellFilter
    from ase.optimize import LBFGS
    from pymatgen.io.ase import AseAtomsAdaptor

    require_ordered(structure, "relaxation")
    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    atoms.rattle(rattle, seed=0)
    atoms.calc = calculator
    optimiser = LBFGS(FrechetCellFilter(atoms), logfile=None)
    converged = bool(optimiser.run(fmax=fmax, steps=steps))
    relaxed = AseAtomsAdaptor.get_structure(atoms)
    energy = float(atoms.get_potential_energy()) / analyse(structure).n_formula_units
    after = _space_group(relaxed, symprec)
    return LithiumOrdering(structure, multiplicity, before, relaxed, after, energy, converged)


@dataclass(frozen=True)
class _Sites:
    """Sites for lithium in a cell, with the symmetry of the framework."""

    frame: Structure
    species: Any
    places: Floats
    n_ions: int
    operations: Operations
    group: Indices
    near: Bools

    def place(self, chosen: Bools) -> Structure:
        structure = self.frame.copy()
        for position in self.places[chosen]:
            structure.append(self.species, position, coords_are_cartesian=True)
        return structure


def _sites(cell: Structure, kinds: tuple[str, ...], closest: float) -> _Sites:
    found = analyse(cell)
    frame = cell.copy()
    frame.remove_sites([int(k) for k in found.mobile])
    sites = lithium_sites(frame)
    chosen = sites.of(*kinds)
    number = round(found.mobile_content * found.n_formula_units, 2)
    if number != round(number) or number > len(chosen):
        remedy = "allow more kinds of site" if number == round(number) else "start from an ordered structure"
        raise InputError("kinds", need=f"sites for {number:g} lithium", got=f"{len(chosen)}", remedy=remedy)
    operations = framework_operations(frame, analyse(frame))
    # All candidate sites are whole orbits of the framework, so its operations permute them.
    group = site_permutations(operations.rotations, operations.translations, sites.frac_coords[chosen], tolerance=0.02)
    places = sites.coords[chosen]
    near = _too_close(places, cell.lattice.matrix, closest)
    return _Sites(frame, mobile_species(cell, found.mobile), places, round(number), operations, group, near)


def _candidates(
    cell: Structure, kinds: tuple[str, ...], closest: float, size: int, space_group: str | None
) -> list[tuple[Structure, int]]:
    """Orderings with their multiplicities, in all inequivalent cells of a size."""
    frame = framework_operations(cell, analyse(cell))
    lattices = [lattice.matrix for lattice in inequivalent_superlattices(frame.rotations, size)]
    ordered, held = [], False
    for matrix in lattices:
        sites = _sites(cell.make_supercell(matrix, in_place=False), kinds, closest)
        if space_group is None:
            held = True
            listed = enumerate_decorations(sites.group, [Sublattice(tuple(range(len(sites.places))), sites.n_ions)])
            rows = zip(listed.chosen, listed.multiplicity, strict=True)
            ordered += [(sites.place(r), int(w)) for r, w in rows if not sites.near[np.ix_(r, r)].any()]
            continue
        subgroups = _subgroups(sites, space_group)
        held = held or bool(subgroups)
        ordered += _with_symmetry(sites, subgroups, space_group)
    if not held:
        need = f"a subgroup of the framework with the translations of {size} cells"
        raise InputError("space_group", need=need, got=str(space_group), remedy="try another size")
    if not ordered:
        need = f"room for {sites.n_ions} lithium on {', '.join(kinds)} sites"
        remedy = "allow more kinds of site or shorter distances"
        raise InputError("closest", need=need, got=f"none at {closest:g} A", remedy=remedy)
    return ordered


def _subgroups(sites: _Sites, space_group: str) -> list[Indices]:
    """Subgroups of the framework of one type, with no translations but those of the cell."""
    spglib = require("spglib", purpose="the symmetry of a crystal", install="pip install 'ionpath[pymatgen]'")
    from pymatgen.symmetry.groups import SpaceGroup

    try:
        wanted = SpaceGroup(space_group)
    except ValueError as error:
        raise InputError("space_group", need="a Hermann-Mauguin symbol as Amm2", got=repr(space_group)) from error
    rotations, translations = sites.operations.rotations, sites.operations.translations
    order = len({op.rotation_matrix.astype(int).tobytes() for op in wanted.symmetry_ops})
    if len(rotations) % order:
        return []
    moved = (rotations == np.eye(3, dtype=np.intp)).all(axis=(1, 2)) & (
        np.abs(translations - np.rint(translations)) > 1e-4
    ).any(axis=1)
    return [
        subgroup
        for subgroup in small_subgroups(sites.group, order, without=moved)
        if spglib.get_spacegroup_type_from_symmetry(
            rotations[subgroup], translations[subgroup], lattice=sites.frame.lattice.matrix
        ).number
        == wanted.int_number
    ]


def _with_symmetry(sites: _Sites, subgroups: list[Indices], space_group: str) -> list[tuple[Structure, int]]:
    """Inequivalent orderings that have a space group, and no higher one."""
    seen: set[bytes] = set()
    ordered = []
    for subgroup in subgroups:
        for row in invariant_arrangements(sites.group[subgroup], sites.n_ions, apart=sites.near):
            if row.tobytes() in seen:
                continue
            images = np.zeros((len(sites.group), len(row)), dtype=bool)
            np.put_along_axis(images, sites.group[:, row], True, axis=1)
            orbit = {image.tobytes() for image in images}
            seen |= orbit
            structure = sites.place(row)
            if _space_group(structure, 0.01) == space_group:
                ordered.append((structure, len(orbit)))
    return ordered


def _too_close(places: Floats, cell: Floats, closest: float) -> Bools:
    apart = np.linalg.norm(minimum_image(places[:, None, :] - places[None, :, :], cell), axis=-1)
    np.fill_diagonal(apart, np.inf)
    near: Bools = apart < closest
    return near


def _space_group(structure: Structure, symprec: float) -> str:
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    try:
        return str(SpacegroupAnalyzer(structure, symprec=symprec).get_space_group_symbol())
    except SymmetryUndeterminedError as error:
        need = "a tolerance in A at which the cell has a space group"
        remedy = "take 0.1; a large one makes atoms equal that are not"
        raise InputError("symprec", need=need, got=f"{symprec:g}", remedy=remedy) from error
