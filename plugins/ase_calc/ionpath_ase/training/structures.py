"""Where training starts: named crystals, melts, and strained and shaken copies of them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from ionpath import plugins
from ionpath.arguments import typed
from ionpath.errors import InputError, whole
from ionpath_ase.training import crystals
from ionpath_ase.training.packing import packed_ions

_Builder = Callable[..., Atoms]

MELTS: dict[str, dict[str, int]] = {
    "melt-67Li2S-33P2S5": {"Li": 32, "P": 16, "S": 56},
    "melt-70Li2S-30P2S5": {"Li": 28, "P": 12, "S": 44},
    "melt-75Li2S-25P2S5": {"Li": 36, "P": 12, "S": 48},
    "melt-80Li2S-20P2S5": {"Li": 32, "P": 8, "S": 36},
    "melt-Li6PS5Cl": {"Li": 36, "P": 6, "S": 30, "Cl": 6},
    "melt-Li5.5PS4.5Cl1.5": {"Li": 44, "P": 8, "S": 36, "Cl": 12},
    "melt-LSPSCl": {"Li": 40, "Si": 6, "P": 6, "S": 46, "Cl": 2},
}
"""Names of melts, whose atoms are packed at random, and what is in them."""
GLASSES: dict[str, dict[str, int]] = {
    f"glass-LiP0.465S{sulfur / 86:.3f}": {"Li": 86, "P": 40, "S": sulfur} for sulfur in range(138, 143)
}
"""Glasses of Chen et al., ACS Energy Lett. 8, 1969 (2023), packed at random: LiP0.465Sy with y from 1.605 to 1.651, six
PS4 in each, five P2S6 in the first and one in the last. The steps of y between the ends are ours."""


def structure_names() -> tuple[str, ...]:
    """Names of all starting structures.

    Returns
    -------
    tuple of str
        ``LPSCl-I`` to ``LPSCl-III`` and ``LSPSCl`` of Guan et al., arXiv:2412.07115; ``Li6-xPS5-xCl1+x`` as
        ``x=0.25,y=0.50`` (excess chloride x, inversion y); relatives; ``melt-...``; ``glass-...``.

    Examples
    --------
    >>> names = structure_names()
    >>> "LPSCl-III" in names, sum(name.startswith("x=") for name in names), "melt-75Li2S-25P2S5" in names
    (True, 15, True)
    """
    return tuple(_builders())


@typed
def starting_structure(name: str, *, shortest: float = 0.0, seed: int = 0) -> Atoms:
    """Build one starting structure.

    Parameters
    ----------
    name : str
        One of `structure_names`.
    shortest : float, default 0
        Crystals are repeated until no lattice vector is shorter than this, in A.
    seed : int, default 0
        Seed of the arrangement of anions and lithium, or of the packing.

    Returns
    -------
    ase.Atoms
        Structure with its name as ``info["tag"]``.

    Raises
    ------
    InputError
        If the name is unknown.
    MissingDependency
        If the structure comes from the pymatgen plugin and pymatgen is not installed.

    Notes
    -----
    The formula that Guan et al. give for LPSCl-I does not agree with its 4,608 atoms. These are 384 formula units of
    Li5PS4Cl2, and ``LPSCl-I`` is the Amm2 phase of that composition from a search, as the coordinates are not
    published; ``x=1.00,y=1.00`` is the same composition on the cubic framework. The potential
    ``argyrodite-lpscl-i`` was trained on the Amm2 phase; with ``argyrodite`` its energy is 11 meV/atom too high, so do
    not compare that with other phases.

    Examples
    --------
    >>> starting_structure("Li2S", shortest=8.0).get_chemical_formula()
    'Li64S32'
    """
    builders = _builders()
    if name not in builders:
        near = difflib.get_close_matches(name, builders, n=3, cutoff=0.3) or list(builders)[:3]
        remedy = f"the nearest names are: {', '.join(near)}; `ionpath train structures --list` shows all"
        raise InputError("name", need="a starting structure", got=repr(name), remedy=remedy)
    atoms = builders[name](seed=seed)
    if name not in MELTS | GLASSES:
        atoms = atoms.repeat([max(1, math.ceil(shortest / edge - 1e-9)) for edge in atoms.cell.lengths()])
    atoms.info = {"tag": name}
    return atoms


@typed
def starting_structures(
    names: Iterable[str] | None = None, *, shortest: float = 0.0, seed: int = 0
) -> dict[str, Atoms]:
    """Build several starting structures.

    Parameters
    ----------
    names : iterable of str, optional
        Names; all by default.
    shortest, seed : optional
        As in `starting_structure`, as are the errors.

    Returns
    -------
    dict of str to ase.Atoms
        Name to structure.

    Examples
    --------
    >>> list(starting_structures(["LiCl", "Li4P2S6"]))
    ['LiCl', 'Li4P2S6']
    """
    wanted = structure_names() if names is None else tuple(names)
    if not wanted:
        raise InputError("names", need="at least one starting structure", got="none")
    return {name: starting_structure(name, shortest=shortest, seed=seed) for name in wanted}


@typed
def variants(
    atoms: Atoms,
    *,
    strains: Sequence[float] = (-0.02, 0.0, 0.02, 0.04),
    shear: float = 0.01,
    rattle: float = 0.05,
    copies: int = 1,
    seed: int = 0,
) -> list[Atoms]:
    """Strained and shaken copies of a structure.

    Parameters
    ----------
    atoms : ase.Atoms
        Structure; not changed.
    strains : sequence of float, optional
        Linear strains of the cell, each above -0.5.
    shear : float, default 0.01
        Standard deviation of a random symmetric strain that comes on top, 0 for none.
    rattle : float, default 0.05
        Standard deviation of random displacements along each axis in A.
    copies : int, default 1
        Copies for each strain.
    seed : int, default 0
        Seed.

    Returns
    -------
    list of ase.Atoms
        ``copies`` structures for each strain.

    Examples
    --------
    >>> from ionpath_ase.training.crystals import lithium_chloride
    >>> made = variants(lithium_chloride(), strains=(0.0, 0.02), shear=0.0)
    >>> [round(float(copy.cell.lengths()[0]), 4) for copy in made]
    [5.129, 5.2316]
    """
    whole("copies", copies, 0, 10**6)
    if not all(-0.5 < strain < 1.0 for strain in strains) or not strains:
        raise InputError("strains", need="numbers above -0.5 and below 1", got=str(list(strains)))
    if rattle < 0.0 or shear < 0.0 or copies < 1:
        got = f"{rattle}, {shear}, {copies}"
        raise InputError("rattle, shear, copies", need="widths of 0 or above, and a copy at least", got=got)
    rng = np.random.default_rng(seed)
    made = []
    for strain in strains:
        for _ in range(copies):
            copy = atoms.copy()
            random = rng.normal(0.0, shear, (3, 3))
            deformation = (1.0 + strain) * np.eye(3) + 0.5 * (random + random.T)
            copy.set_cell(copy.cell.array @ deformation, scale_atoms=True)
            copy.positions += rng.normal(0.0, rattle, copy.positions.shape)
            made.append(copy)
    return made


@typed
def with_close_pair(
    atoms: Atoms,
    *,
    elements: Sequence[str] = ("S", "Cl"),
    distances: tuple[float, float] = (1.6, 2.6),
    within: float = 3.9,
    seed: int = 0,
) -> Atoms:
    """Push one pair of neighbouring ions together, for labels that say how steeply they repel each other.

    A potential that has not seen such pairs may let them fall onto each other in a melt.

    Parameters
    ----------
    atoms : ase.Atoms
        Structure; not changed.
    elements : sequence of str, default ("S", "Cl")
        Elements of the pair.
    distances : tuple of float, default (1.6, 2.6)
        Range of the new distance in A.
    within : float, default 3.9
        Largest distance of the pair before in A.
    seed : int, default 0
        Seed of pair and distance.

    Returns
    -------
    ase.Atoms
        A copy in which both ions of the pair have moved by the same length.

    Raises
    ------
    InputError
        If there is no such pair, or the distances are not a range above 0.

    Examples
    --------
    >>> from ionpath_ase.training.crystals import lithium_chloride
    >>> salt = lithium_chloride()
    >>> closer = with_close_pair(salt, distances=(2.0, 2.0))
    >>> pairs = closer[closer.symbols == "Cl"].get_all_distances(mic=True)
    >>> round(float(pairs[pairs > 0].min()), 6)
    2.0
    """
    low, high = distances
    if not 0.0 < low <= high < within:
        raise InputError("distances", need=f"a range above 0 and below {within:g} A", got=f"{low:g} to {high:g}")
    rng = np.random.default_rng(seed)
    first, second, vectors, lengths = neighbor_list("ijDd", atoms, within)
    of_these = np.isin(atoms.symbols, list(elements))
    pairs = np.flatnonzero(of_these[first] & of_these[second] & (first < second) & (lengths > high))
    if not pairs.size:
        need = f"two of {', '.join(elements)} between {high:g} and {within:g} A apart"
        raise InputError("atoms", need=need, got="none", remedy="pass other elements or a larger within=")
    pair = rng.choice(pairs)
    step = 0.5 * (lengths[pair] - rng.uniform(low, high)) * vectors[pair] / lengths[pair]
    copy = atoms.copy()
    copy.positions[first[pair]] += step
    copy.positions[second[pair]] -= step
    return copy


@typed
def with_former_cluster(
    atoms: Atoms,
    number: int = 3,
    *,
    elements: Sequence[str] = ("P", "Si"),
    ligands: Sequence[str] = ("S",),
    bond: float = 2.7,
    seed: int = 0,
) -> Atoms:
    """Gather the centres of tetrahedra around one of them, for labels that say what such a cluster costs.

    A potential that has not seen them may let them gather in a melt, with bonds of a sound length. Each of the
    nearest centres is exchanged with a ligand of the chosen one; run a few tenths of a picosecond of molecular
    dynamics before labels are made.

    Parameters
    ----------
    atoms : ase.Atoms
        Structure; not changed.
    number : int, default 3
        How many centres are brought to the chosen one; fewer, if it has fewer ligands or there are fewer centres.
    elements, ligands : sequence of str, default ("P", "Si") and ("S",)
        Elements of the centres, and those that they are exchanged with.
    bond : float, default 2.7
        Largest distance of a ligand to the chosen centre in A.
    seed : int, default 0
        Seed of the centre and its ligands.

    Returns
    -------
    ase.Atoms
        A copy in which ions have changed places.

    Raises
    ------
    InputError
        If ``number`` is below 1, or no centre has both a ligand and another centre to exchange it with.

    Examples
    --------
    >>> from ionpath_ase.training.crystals import heptalithium_thiophosphate
    >>> cluster = with_former_cluster(heptalithium_thiophosphate(), 2)
    >>> phosphorus = cluster[cluster.symbols == "P"].get_all_distances(mic=True)
    >>> int((phosphorus < 2.7).sum(axis=1).max()) - 1
    2
    """
    if number < 1:
        raise InputError("number", need="1 or more", got=str(number))
    rng = np.random.default_rng(seed)
    centres = np.flatnonzero(np.isin(atoms.symbols, list(elements)))
    others = np.flatnonzero(np.isin(atoms.symbols, list(ligands)))
    for centre in rng.permutation(centres):
        bonded = others[atoms.get_distances(centre, others, mic=True) < bond] if others.size else others
        rest = centres[centres != centre]
        if bonded.size and rest.size:
            break
    else:
        need = f"two of {', '.join(elements)}, one of them with {' or '.join(ligands)} within {bond:g} A"
        raise InputError("atoms", need=need, got="none", remedy="pass other elements or ligands, or a larger bond=")
    nearest = rest[np.argsort(atoms.get_distances(centre, rest, mic=True), kind="stable")][:number]
    copy = atoms.copy()
    for far, ligand in zip(nearest, rng.permutation(bonded), strict=False):
        copy.positions[[far, ligand]] = copy.positions[[ligand, far]]
    return copy


def _builders() -> dict[str, _Builder]:
    """Name to a function of the seed: what plugins provide (hook ``structures``), small crystals, and melts."""
    found: dict[str, _Builder] = {
        name: partial(_built, name, factory) for name, factory in plugins.available("structures").items()
    }
    found |= {
        "Li7P3S11": lambda *, seed: crystals.heptalithium_thiophosphate(),
        "Li4P2S6": lambda *, seed: crystals.lithium_hypothiodiphosphate(),
        "Li2S": lambda *, seed: crystals.lithium_sulfide(),
        "LiCl": lambda *, seed: crystals.lithium_chloride(),
    }
    packed = {name: partial(packed_ions, counts) for name, counts in (MELTS | GLASSES).items()}
    return found | packed


def _built(name: str, factory: Callable[[int], Any], seed: int) -> Atoms:
    """Atoms of the arrays that a plugin's factory returns."""
    symbols, positions, cell = factory(seed)
    if np.shape(positions) != (len(symbols), 3) or np.shape(cell) != (3, 3):
        raise plugins.PluginError(
            f"hook 'structures', entry {name!r}: need symbols, positions (n_atoms, 3) and a cell (3, 3), got "
            f"{len(symbols)} symbols, positions {np.shape(positions)} and a cell {np.shape(cell)}"
        )
    return Atoms(symbols, positions=positions, cell=cell, pbc=True)
