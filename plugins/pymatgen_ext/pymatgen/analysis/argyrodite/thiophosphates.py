"""Crystals by the names of the literature: Li3PS4, LPSCl-I to -III, and the chloride-doped Li10SiP2S12 type."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from pymatgen.core import Lattice, Structure

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import one_of
from pymatgen.analysis.argyrodite.prototypes import argyrodite, repeated

if TYPE_CHECKING:
    from numpy.typing import NDArray

PHASES = {"beta": "beta-Li3PS4", "gamma": "gamma-Li3PS4"}


@typed
@references("chen2025")
def lithium_thiophosphate(
    phase: Literal["beta", "gamma"] = "beta", *, supercell: int | tuple[int, int, int] | NDArray[Any] | None = None
) -> Structure:
    """Build Li3PS4.

    Parameters
    ----------
    phase : {"beta", "gamma"}
        gamma: Pmn2_1, two formula units. beta: eight formula units; the refined structure (Pnma) has split, partly
        filled lithium sites, and this is an ordered model of it with the space group Pca2_1.
    supercell : int, three ints or (3, 3) array of int, optional
        Repetition.

    Returns
    -------
    Structure
        Relaxed (positions and cell, within its space group) with an earlier one of the shipped potentials.

    Notes
    -----
    gamma-Li3PS4 starts from the structure type of low-temperature Li3PO4; its edges are 7.58, 6.59 and 6.12 A
    (measured: 7.71, 6.54, 6.14 A). The beta cell has edges of 12.17, 7.92 and 12.68 A, against 2 x 6.17, 8.02 and
    13.03 A of the refined cell that Chen et al. use. The cells are kept as they are, so that what started from them can
    be repeated; ``examples/pymatgen_relatives.py`` relaxes them with the potential of today, which changes edges by
    1.6 % at most.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import lithium_thiophosphate
    >>> lithium_thiophosphate("gamma").formula
    'Li6 P2 S8'
    """
    one_of("phase", phase, PHASES)
    return repeated(_stored(PHASES[phase]), supercell)


@typed
@references("guan2024")
def lpscl(
    phase: Literal["I", "II", "III"],
    *,
    supercell: int | tuple[int, int, int] | NDArray[Any] | None = None,
    seed: int = 0,
) -> Structure:
    """Build one of the three lithium thiophosphate chlorides of Guan et al. by its number.

    Parameters
    ----------
    phase : {"I", "II", "III"}
        I: Li5PS4Cl2, space group Amm2. II: ordered cubic Li6PS5Cl. III: Li5.5PS4.5Cl1.5, three quarters of each
        of the two free anion orbits chloride, one lithium less in cages around chloride.
    supercell : int, three ints or (3, 3) array of int, optional
        Repetition of the orthorhombic cell of I (24 atoms) or of the cubic one of II and III (52 and 50 atoms).
    seed : int
        Seed of the arrangement of III.

    Returns
    -------
    Structure
        I relaxed with the shipped Deep Potential within its space group; II and III as `argyrodite` makes them.

    Raises
    ------
    InputError
        If the phase is unknown, or the cell cannot hold the composition.

    Notes
    -----
    arXiv:2412.07115 calls I "Li6PS5Cl", but its 4,608 atoms in a box of 47.104 x 41.460 x 42.828 A are 384 formula
    units of Li5PS4Cl2, with edges of 5.888, 10.365 and 7.138 A for 8 x 4 x 6 repetitions. A search over random
    structures with Amm2 symmetry in such cells (``examples/pymatgen_symmetric_search.py``) finds this one as the
    lowest, again and again: edges of 7.042, 10.249 and 5.896 A, and five lithium in a square pyramid around each
    chloride (2.30, 2 x 2.36, 2 x 2.63 A), as is described. Displaced by 0.05 A and relaxed without symmetry it comes
    back to Amm2. The potential ``argyrodite-lpscl-i`` was trained on it; the energy by ``argyrodite`` is 11 meV/atom
    too high beside that of other phases.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import lpscl
    >>> [lpscl(phase).composition.reduced_formula for phase in ("I", "II")], lpscl("III").formula
    (['Li5P(S2Cl)2', 'Li6PS5Cl'], 'Li22 P4 S18 Cl6')
    """
    one_of("phase", phase, ("I", "II", "III"))
    if phase == "I":
        return repeated(_stored("Li5PS4Cl2"), supercell)
    if phase == "II":
        return argyrodite(supercell=supercell, seed=seed)
    return argyrodite(x_excess=0.5, inversion=0.75, supercell=supercell, seed=seed)


@typed
@references("guan2024")
def lspscl(*, supercell: int | tuple[int, int, int] | NDArray[Any] | None = None) -> Structure:
    """Build Li20Si3P3S23Cl, an ordered model of the chloride-doped Li10SiP2S12 type.

    Parameters
    ----------
    supercell : int, three ints or (3, 3) array of int, optional
        Repetition.

    Returns
    -------
    Structure
        50 atoms, one SiS3Cl tetrahedron, no symmetry; relaxed with an earlier one of the shipped potentials.

    Notes
    -----
    The compound of Guan et al., arXiv:2412.07115 (LSPSCl), with one arrangement of Si, P, Cl and lithium of the many
    that the average structure allows; `lspscl_arrangements` lists the others.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import lspscl
    >>> lspscl().composition.reduced_formula
    'Li20Si3P3S23Cl'
    """
    return repeated(_stored("LSPSCl"), supercell)


def _stored(name: str) -> Structure:
    text = files("pymatgen.analysis.argyrodite").joinpath("structures", f"{name}.json").read_text("utf-8")
    data = json.loads(text)
    return Structure(Lattice(data["lattice"]), [s[0] for s in data["sites"]], [s[1:] for s in data["sites"]])
