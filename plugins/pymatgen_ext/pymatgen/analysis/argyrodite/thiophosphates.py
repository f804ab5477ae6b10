"""Relatives of the argyrodites: Li3PS4 and the chloride-doped Li10SiP2S12 type."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from pymatgen.core import Lattice, Structure

from ionpath.citations import references
from ionpath.errors import InputError
from pymatgen.analysis.argyrodite.prototypes import repeated

if TYPE_CHECKING:
    from numpy.typing import NDArray

PHASES = {"beta": "beta-Li3PS4", "gamma": "gamma-Li3PS4"}


@references("chen2025")
def lithium_thiophosphate(
    phase: Literal["beta", "gamma"] = "beta",
    *,
    supercell: int | tuple[int, int, int] | NDArray[Any] | None = None,
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
        Relaxed (positions and cell, within its space group) with the shipped Deep Potential.

    Raises
    ------
    InputError
        If the phase is unknown.

    Notes
    -----
    gamma-Li3PS4 starts from the structure type of low-temperature Li3PO4; the relaxed edges are 7.58, 6.59 and 6.12 A
    (measured: 7.71, 6.54, 6.14 A). The beta cell has edges of 12.17, 7.92 and 12.68 A, against 2 x 6.17, 8.02 and 13.03
    A of the refined cell that Chen et al. use. ``examples/pymatgen_relatives.py`` made both.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import lithium_thiophosphate
    >>> lithium_thiophosphate("gamma").formula
    'Li6 P2 S8'
    """
    if phase not in PHASES:
        raise InputError("phase", need="'beta' or 'gamma'", got=repr(phase))
    return repeated(_stored(PHASES[phase]), supercell)


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
        50 atoms, one SiS3Cl tetrahedron, no symmetry; relaxed with the shipped Deep Potential.

    Notes
    -----
    The compound of Guan et al., arXiv:2412.07115 (LSPSCl), with one arrangement of Si, P, Cl and lithium of the many
    that the average structure allows.

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
