"""Prototype structures of argyrodites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.elements import CHARGES, FORMERS
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.lattice.argyrodite import cage_sites, framework, tetrahedral_sites
from ionpath.lattice.subsets import farthest_points
from pymatgen.analysis.argyrodite.composition import between

if TYPE_CHECKING:
    from ionpath.lattice.argyrodite import Setting

EDGES = {"Cl": 10.100, "Br": 10.232, "I": 10.393, None: 10.237}
"""Edge of the cubic cell by halide, in A."""
SHORTEST, LONGEST = 7.0, 15.0
"""Edges in A that are taken: beyond them atoms lie on each other or far apart, as where the edge is in nm."""

LithiumChoice = Literal["24g", "48h", "T5", "T2", "T4", "none"] | Mapping[str, int]

_PER_CELL = 4
MOST_ATOMS = 5_000_000
_CLOSEST = 1.95
_MULTIPLICITY = {"T3": 4, "T1": 16, "T4": 16, "24g": 24, "T5": 48, "T2": 48}


@typed
@references("guan2024", "morgan2021")
def argyrodite(
    halide: str | None = "Cl",
    x_excess: float = 0.0,
    inversion: float | None = None,
    *,
    lithium: LithiumChoice = "24g",
    free_sulfur: Setting = "4d",
    a: float | None = None,
    supercell: int | tuple[int, int, int] | NDArray[np.int_] | None = None,
    centre: str = "P",
    ordered: bool = True,
    nearest: bool = False,
    seed: int = 0,
) -> Structure:
    """Build Li(6-x)PS(5-x)X(1+x).

    Parameters
    ----------
    halide : {"Cl", "Br", "I"} or None
        The halide X; None gives Li7PS6 (x = -1).
    x_excess : float
        Excess halide x from -1 to 1; lithium vacancies (or, below 0, more lithium) balance it. Chlorides were made
        up to about 0.5 (Adeli et al., doi:10.1002/anie.201814222); from there to 1 they are computed ones, which the
        shipped potential was trained on. Between -1 and 0 it has seen nothing.
    inversion : float, optional
        Fraction of the free-sulfur orbit occupied by halide. Without it the smallest one that x allows.
    lithium : {"24g", "48h", "T5", "T2", "T4", "none"} or mapping of str to int
        Sites for lithium. "48h" and "T5" take one site of each pair that shares a face. A mapping gives numbers
        per conventional cell, as ``{"T5": 20, "T4": 4}``. No two lithium are closer than 1.95 A.
    free_sulfur : {"4d", "4c"}
        Orbit of the free sulfur, with the halide at the origin. The two settings are mirror images.
    a : float, optional
        Edge of the cubic cell, in A. Without it 10.100 for chloride (Guan et al., arXiv:2412.07115), and for the
        others that edge times the ratio of the refined edges (9.859 Cl, 9.988 Br, 10.145 I, 9.993 Li7PS6).
    supercell : int, three ints or (3, 3) array of int, optional
        Repetition of the conventional cell.
    centre : str
        Element in the tetrahedra: P, As or Sb, or Si, Ge or Sn with one more lithium each. Parts of them come from
        `AliovalentSubstitutionTransformation`.
    ordered : bool
        False gives partial occupancies on 4a, on the free-sulfur orbit and on lithium instead of one arrangement.
    nearest : bool
        Take the nearest content and inversion that the cell can hold instead of refusing what it cannot.
    seed : int
        Seed of the choices among equivalent sites.

    Returns
    -------
    Structure
        Ordered by species: Li, P, bound S, then the sites of 4a and of the free-sulfur orbit.

    Raises
    ------
    InputError
        If the composition does not fit in the cell, or the sites cannot hold the lithium.

    Notes
    -----
    Space group F-43m with P on 4b (1/2, 1/2, 1/2) and X on 4a (0, 0, 0). The coordinates of the framework and of
    the tetrahedral sites are those of B. J. Morgan, Chem. Mater. 33, 2004 (2021), doi:10.1021/acs.chemmater.0c03738.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import argyrodite
    >>> argyrodite().composition.reduced_formula, len(argyrodite())
    ('Li6PS5Cl', 52)
    >>> argyrodite(x_excess=0.5, inversion=0.5, supercell=(1, 1, 2)).formula
    'Li44 P8 S36 Cl12'
    """
    if halide is None:
        x_excess, inversion = -1.0, 0.0
    _check_arguments(halide, x_excess, inversion, a)
    whole("seed", seed, 0)
    one_of("centre", centre, sorted(element for element in FORMERS if CHARGES[element] in (4, 5)))
    if not ordered and CHARGES[centre] == 4:
        need = f"True for {centre}, whose lithium does not fit on 24g"
        remedy = "take centre='P' and AliovalentSubstitutionTransformation"
        raise InputError("ordered", need=need, got="False", remedy=remedy)
    low = max(0.0, x_excess)
    target = low if inversion is None else inversion
    parent = _parent(halide, lithium, free_sulfur, a, centre, x_excess, seed)
    if not ordered:
        structure = _disordered(parent, halide or "Cl", x_excess, target)
        return repeated(structure, supercell)
    parent = repeated(parent, supercell)
    parent = parent.remove_site_property("orbit")
    if halide is None or (x_excess == 0.0 and target == 0.0):
        return parent
    return _decorated(parent, x_excess, target, seed, nearest)


def _decorated(parent: Structure, x_excess: float, target: float, seed: int, nearest: bool) -> Structure:
    from pymatgen.analysis.argyrodite.transformations import ExcessHalideTransformation, SiteInversionTransformation

    if x_excess:
        parent = ExcessHalideTransformation(
            x_excess, inversion=target, nearest=nearest, seed=seed
        ).apply_transformation(parent)
    else:
        parent = SiteInversionTransformation(target, nearest=nearest, seed=seed).apply_transformation(parent)
    parent.properties = {}
    return parent


def _check_arguments(halide: str | None, x_excess: float, inversion: float | None, a: float | None) -> None:
    if halide not in EDGES:
        raise InputError("halide", need="'Cl', 'Br', 'I' or None", got=repr(halide), remedy="None gives Li7PS6")
    between("x_excess", x_excess, -1.0, 1.0)
    low, high = max(0.0, x_excess), min(1.0, 1.0 + x_excess)
    if inversion is not None and not low - 1e-9 <= inversion <= high + 1e-9:
        need = f"a fraction from {low:g} to {high:g} at x_excess = {x_excess:g}"
        remedy = "4a can hold one halide per formula unit at most"
        raise InputError("inversion", need=need, got=f"{inversion:g}", remedy=remedy)
    if a is not None and not SHORTEST <= positive("a", a, "A") <= LONGEST:
        need = f"{SHORTEST:g} to {LONGEST:g} A, as those of argyrodites are near 10"
        raise InputError("a", need=need, got=f"{a:g}", remedy="check its unit")


def repeated(structure: Structure, supercell: Any) -> Structure:
    """Repeat a structure by one number, three numbers or a matrix; None leaves it as it is."""
    if supercell is None:
        return structure
    matrix = np.asarray(supercell)
    numbers = matrix.size in (1, 3) and matrix.dtype.kind in "iu" and bool((matrix >= 1).all())
    if not numbers and not (
        matrix.shape == (3, 3) and (matrix == np.rint(matrix)).all() and np.linalg.det(matrix) > 0.5
    ):
        need = "a whole number of at least 1, three of them, or a matrix of whole numbers with a positive determinant"
        raise InputError("supercell", need=need, got=repr(supercell)[:80], remedy="2 or (2, 2, 1) repeats the cell")
    cells = (
        float(np.linalg.det(matrix)) if matrix.ndim == 2 else float(np.prod(matrix, dtype=float)) ** (3 / matrix.size)
    )
    if cells * len(structure) > MOST_ATOMS:
        got = f"{cells * len(structure):.3g}"
        remedy = "choose a smaller supercell, and repeat it where it is used"
        raise InputError("supercell", need=f"at most {MOST_ATOMS:,} atoms", got=got, remedy=remedy)
    return structure.make_supercell(matrix.astype(int).tolist(), in_place=False)


def _parent(
    halide: str | None,
    lithium: LithiumChoice,
    setting: Setting,
    a: float | None,
    centre: str,
    x_excess: float,
    seed: int,
) -> Structure:
    """Build the conventional cell with x = 0 (or Li7PS6), with the orbit of each site as a property."""
    edge = EDGES[halide] if a is None else a
    positions, elements, orbits = framework(setting)
    on_4a = halide or "S"
    symbols = [{"P": centre, "Cl": on_4a}.get(str(e), str(e)) for e in elements]
    number = _PER_CELL * ((7 if halide is None else 6) + CHARGES["P"] - CHARGES[centre])
    ions = _lithium_positions(lithium, number, setting, edge, seed)
    species = ["Li"] * len(ions) + symbols
    labels = ["Li"] * len(ions) + [str(o) for o in orbits]
    everything = np.concatenate([ions.reshape(-1, 3), positions])
    return Structure(Lattice.cubic(edge), species, everything, site_properties={"orbit": labels})


def _lithium_positions(choice: LithiumChoice, n: int, setting: Setting, edge: float, seed: int) -> Floats:
    """Choose lithium positions of the conventional cell."""
    if choice == "none":
        return np.empty((0, 3))
    if choice == "24g" and n == 24:
        return cage_sites(setting=setting)
    wanted = _wanted(choice, n)
    cell = np.eye(3) * edge
    taken = np.empty((0, 3))
    for kind, number in sorted(wanted.items(), key=lambda item: _MULTIPLICITY[item[0]]):  # scarce sites first
        candidates = cage_sites(setting=setting) if kind == "24g" else tetrahedral_sites((kind,), setting=setting)[0]
        try:
            chosen = farthest_points(
                candidates @ cell, cell, number, occupied=taken @ cell, closest=_CLOSEST, seed=seed
            )
        except InputError as error:
            need = f"sites for {number} Li on {kind} per cell, no two closer than {_CLOSEST} A"
            remedy = "spread it over several kinds, as lithium={'T5': 20, 'T4': 4}"
            raise InputError("lithium", need=need, got=error.got, remedy=remedy) from error
        taken = np.concatenate([taken, candidates[chosen]])
    return taken


def _wanted(choice: LithiumChoice, n: int) -> dict[str, int]:
    kinds = ("48h", *_MULTIPLICITY)
    wanted = {choice: n} if isinstance(choice, str) else dict(choice)
    if isinstance(choice, str) and choice in ("24g", "48h", "T5") and n > 24:
        wanted = {choice: 24, "T4": n - 24}  # each pair of T5 sites holds one lithium at most
    if any(kind not in kinds for kind in wanted) or sum(wanted.values()) != n:
        need = f"one of {', '.join(kinds)} or none, or numbers that add up to {n} per cell"
        raise InputError("lithium", need=need, got=repr(choice), remedy="balance a different content with x_excess")
    return {("T5" if kind == "48h" else kind): number for kind, number in wanted.items() if number}


def _disordered(parent: Structure, halide: str, x_excess: float, inversion: float) -> Structure:
    """Spread halide over the two orbits and thin out lithium, as partial occupancies."""
    fractions = {"4a": 1.0 + x_excess - inversion, "4c": inversion, "4d": inversion}
    content = len(parent.indices_from_symbol("Li")) / _PER_CELL
    lithium = (6.0 - x_excess) / content if content else 1.0
    if lithium > 1.0 + 1e-9:
        got = f"{content:g}"
        remedy = "use ordered=True, which adds lithium on empty tetrahedral sites"
        raise InputError("lithium", need=f"sites for {6 - x_excess:g} Li per formula unit", got=got, remedy=remedy)
    species: list[dict[str, float]] = []
    for site in parent:
        p = fractions.get(site.properties["orbit"])
        if site.specie.symbol == "Li":
            species.append({"Li": min(lithium, 1.0)})
        elif p is None:
            species.append({site.specie.symbol: 1.0})
        else:
            species.append({e: v for e, v in ((halide, p), ("S", 1.0 - p)) if v > 1e-12})
    return Structure(parent.lattice, species, parent.frac_coords)
