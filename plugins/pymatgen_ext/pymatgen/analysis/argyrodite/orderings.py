"""Search over lithium orderings of a small cell, with relaxation and recognition of the space group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError, require
from ionpath.lattice.decorations import Sublattice, enumerate_decorations
from ionpath.periodic import minimum_image
from pymatgen.analysis.argyrodite.framework import analyse
from pymatgen.analysis.argyrodite.prototypes import argyrodite
from pymatgen.analysis.argyrodite.sites import lithium_sites
from pymatgen.analysis.argyrodite.symmetry import framework_operations

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True)
class LithiumOrdering:
    """One ordering of lithium.

    Attributes
    ----------
    structure : Structure
        Before relaxation.
    multiplicity : int
        Number of orderings equivalent to it by symmetry of the framework.
    space_group : str
        Of the ordering before relaxation.
    relaxed : Structure or None
        After relaxation.
    relaxed_space_group : str
        Of that, within `symprec`; "" without relaxation.
    energy_per_formula : float
        In eV; nan without a calculator.
    converged : bool
        Whether the forces came below the limit.
    """

    structure: Structure
    multiplicity: int
    space_group: str
    relaxed: Structure | None
    relaxed_space_group: str
    energy_per_formula: float
    converged: bool


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
    progress: bool = False,
) -> list[LithiumOrdering]:
    """List the orderings of lithium in the primitive cell of Li6PS5X, and relax each.

    Parameters
    ----------
    calculator : ASE calculator, optional
        Energy, forces and stress; nothing is relaxed without it.
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
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of LithiumOrdering
        Lowest energy first; by falling multiplicity without a calculator.

    Raises
    ------
    InputError
        If the sites cannot hold the lithium that far apart.
    MissingDependency
        If ASE is not installed and something is to be relaxed.

    Notes
    -----
    Guan et al., arXiv:2412.07115, call a phase of "Li6PS5Cl" with the space group Amm2 LPSCl-I. In the primitive cell
    the point group mm2 gives Imm2, as the lattice is face-centred, and never Amm2; so an Amm2 structure of this
    composition needs a larger cell or another framework. With the shipped potential the lowest ordering on T5 has no
    symmetry (P1).

    Examples
    --------
    >>> found = lithium_orderings()
    >>> sum(o.multiplicity for o in found)
    64
    """
    cell = argyrodite(halide, a=a).get_primitive_structure() if parent is None else parent
    candidates = _orderings(cell, kinds, closest)
    from tqdm import tqdm

    found = [
        _relaxed(structure, weight, calculator, fmax, steps, symprec)
        for structure, weight in tqdm(candidates, desc="orderings", disable=not progress)
    ]
    if calculator is None:
        return sorted(found, key=lambda o: -o.multiplicity)
    return sorted(found, key=lambda o: o.energy_per_formula)


def _orderings(cell: Structure, kinds: tuple[str, ...], closest: float) -> list[tuple[Structure, int]]:
    found = analyse(cell)
    n_ions = len(found.mobile)
    frame = cell.copy()
    frame.remove_sites([int(k) for k in found.mobile])
    sites = lithium_sites(frame)
    chosen = sites.of(*kinds)
    places = sites.coords[chosen]
    operations = framework_operations(frame, analyse(frame))
    # All candidate sites are whole orbits of the framework, so its operations permute them.
    from ionpath.lattice.permutations import site_permutations

    group = site_permutations(
        operations.rotations, operations.translations, sites.frac_coords[chosen], tolerance=0.02
    )
    if n_ions > len(chosen):
        raise InputError("kinds", need=f"sites for {n_ions} lithium", got=f"{len(chosen)}")
    listed = enumerate_decorations(group, [Sublattice(tuple(range(len(chosen))), n_ions)])
    near = _too_close(places, cell.lattice.matrix, closest)
    ordered = []
    for row, weight in zip(listed.chosen, listed.multiplicity, strict=True):
        if near[np.ix_(row, row)].any():
            continue
        structure = frame.copy()
        for place in places[row]:
            structure.append("Li", place, coords_are_cartesian=True)
        ordered.append((structure, int(weight)))
    if not ordered:
        raise InputError(
            "closest", need=f"room for {n_ions} lithium on {', '.join(kinds)} sites", got=f"none at {closest:g} A",
            remedy="allow more kinds of site or shorter distances",
        )  # fmt: skip
    return ordered


def _too_close(places: NDArray[np.float64], cell: NDArray[np.float64], closest: float) -> NDArray[np.bool_]:
    apart = np.linalg.norm(minimum_image(places[:, None, :] - places[None, :, :], cell), axis=-1)
    np.fill_diagonal(apart, np.inf)
    near: NDArray[np.bool_] = apart < closest
    return near


def _relaxed(
    structure: Structure, weight: int, calculator: Any, fmax: float, steps: int, symprec: float
) -> LithiumOrdering:
    before = _space_group(structure, 0.01)
    if calculator is None:
        return LithiumOrdering(structure, weight, before, None, "", float("nan"), False)
    require("ase", purpose="relaxation", install="pip install 'ionpath[ase]'")
    from ase.filters import FrechetCellFilter
    from ase.optimize import LBFGS
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    # A small displacement lets a symmetric ordering leave a saddle point.
    atoms.rattle(0.02, seed=0)
    atoms.calc = calculator
    optimiser = LBFGS(FrechetCellFilter(atoms), logfile=None)
    converged = bool(optimiser.run(fmax=fmax, steps=steps))
    relaxed = AseAtomsAdaptor.get_structure(atoms)
    energy = float(atoms.get_potential_energy()) / analyse(structure).n_formula_units
    return LithiumOrdering(
        structure, weight, before, relaxed, _space_group(relaxed, symprec), energy, converged
    )


def _space_group(structure: Structure, symprec: float) -> str:
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    return str(SpacegroupAnalyzer(structure, symprec=symprec).get_space_group_symbol())
