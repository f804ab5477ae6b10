"""The published twelve states of Li10GeP2S12-type cages, as shells and as a rule of the hook ``discretisers``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats, Ints, Words
from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.lattice.paired_cages import PairedCages, find_paired_cages, paired_cage_states, quadrant_axes
from ionpath.periodic import minimum_image, wrap_fractional
from ionpath.sites.assign import SiteAssignment
from ionpath.sites.discretisers import Assign
from ionpath.sites.shells import CoordinationShells

ATOMS = 10
"""Two centres and eight corners of each pair."""
STATES = 12
_OUT = 3.04
"""Distance of lithium of the chains from the axis of a column, in A."""


@references("guan2024")
@dataclass(frozen=True, eq=False, repr=False)
class PairedCageShells(CoordinationShells):
    """Pairs of tetrahedra with the twelve states of lithium about each of them.

    Build it with `from_frame`, or with ``CoordinationShells.for_paired_cages(universe)`` of the MDAnalysis plugin, and
    use it with ``method="paired-cages"``.

    Arrays are as in `CoordinationShells`. The centres are the ten atoms of each pair, all of which an analysis follows;
    the twelve sites belong to the first. Their places are drawn, not used: states are told by distances.

    Examples
    --------
    >>> from ionpath.lattice import find_paired_cages
    >>> side, up = 1.7, 1.2
    >>> tetrahedron = [[0, 0, 0], [side, 0, up], [-side, 0, up], [0, side, -up], [0, -side, -up]]
    >>> places = np.concatenate([np.add(tetrahedron, [4, 4, z]) for z in (3.1, 9.3)])
    >>> PairedCageShells.from_frame(np.diag([8.6, 8.6, 12.4]), places, ["Si", *"SSSS", "P", *"SSSS"])
    PairedCageShells(1 pair of tetrahedra, 13 states)
    """

    @property
    def permutations(self) -> Ints:
        """The identity: nothing is known of the symmetry of these states."""
        return np.arange(STATES + 1)[None]

    def __repr__(self) -> str:
        n = self.n_sites // STATES
        return f"PairedCageShells({n} pair{'s' if n != 1 else ''} of tetrahedra, {self.n_states} states)"

    @classmethod
    def from_frame(
        cls,
        cell: ArrayLike,
        positions: ArrayLike,
        symbols: Words,
        *,
        indices: ArrayLike | None = None,
        first: str = "Si",
        second: str = "P",
        bond: float = 2.7,
    ) -> PairedCageShells:
        """Find all pairs in one frame.

        Parameters
        ----------
        cell : array_like, (3, 3)
            Vectors of the cell as rows, in A.
        positions : array_like, (n_atoms, 3)
            Atoms that do not diffuse, best in their mean places, in A.
        symbols : array_like of str, (n_atoms,)
            Their elements.
        indices : array_like of int, (n_atoms,), optional
            Their indices in the trajectory; 0, 1, 2, ... if left out.
        first, second, bond
            See `ionpath.lattice.find_paired_cages`.

        Raises
        ------
        InputError
            If there are no tetrahedra, or no column that holds both kinds.
        """
        box, places, names = (np.asarray(x) for x in (cell, positions, symbols))
        found = find_paired_cages(places, names, box, first=first, second=second, bond=bond)
        atoms = np.concatenate([found.centres, found.ligands.reshape(-1, ATOMS - 2)], axis=1)
        n = len(atoms)
        number = np.arange(len(places)) if indices is None else np.asarray(indices)
        return cls(
            box, wrap_fractional(places[atoms.ravel()] @ np.linalg.inv(box)), _drawn(found, places, box),
            np.repeat(np.arange(n) * ATOMS, STATES), np.tile(np.arange(STATES) + 1, n), names[atoms.ravel()],
            np.zeros(n * ATOMS, dtype=np.int64), number[atoms.ravel()],
        )  # fmt: skip


def _drawn(found: PairedCages, places: Floats, box: Floats) -> Floats:
    """Vectors from the first centre of each pair to where its states are about, (pairs * 12, 3)."""
    one, two = places[found.centres.T]
    apart = minimum_image(two - one, box)
    height = np.linalg.norm(apart, axis=1)[:, None]
    apart = height * found.axis  # in a short column both images are as near
    offsets = np.empty((len(one), STATES, 3))
    offsets[:, 0], offsets[:, 1] = 0.5 * apart, -0.5 * apart
    for side, (centre, middle) in enumerate(((one, 0.0), (two, 1.0))):
        bonds = minimum_image(places[found.ligands[:, side]] - centre[:, None], box)
        across, along = quadrant_axes(found.axis, bonds)
        for k in range(4):
            angle = (k + 0.5) * np.pi / 2
            out = _OUT * (np.cos(angle) * across + np.sin(angle) * along)
            offsets[:, 2 + 4 * side + k] = out + middle * apart
            if (side, k) == (0, 0):
                offsets[:, 10], offsets[:, 11] = out + 0.5 * apart, out - 0.5 * apart
    return offsets.reshape(-1, 3)


def paired_cages(shells: CoordinationShells, *, cutoff: float | None, mode: str, margin: float) -> Assign:
    """Rule of the twelve states about pairs of tetrahedra, for the hook ``discretisers``."""
    if not isinstance(shells, PairedCageShells):
        got = type(shells).__name__
        remedy = "make them with CoordinationShells.for_paired_cages(universe)"
        raise InputError("shells", need="PairedCageShells for method='paired-cages'", got=got, remedy=remedy)
    if cutoff is not None or mode != "correct":
        need = "none for method='paired-cages'"
        got = repr(cutoff if cutoff is not None else mode)
        raise InputError("cutoff" if cutoff is not None else "mode", need=need, got=got, remedy="leave it out")
    return partial(_assign, shells)


def _assign(shells: PairedCageShells, ions: Any, cells: Floats, centres: Any = None) -> SiteAssignment:
    if centres is None:
        need = "the atoms of the tetrahedra, which this rule follows"
        raise InputError("framework", need=need, got="a framework instead", remedy="leave framework out")
    atoms = np.arange(len(shells.centres)).reshape(-1, ATOMS)
    here = np.asarray(centres, dtype=np.float64)
    pairs = PairedCages(atoms[:, :2], atoms[:, 2:].reshape(-1, 2, 4), _axes(shells))
    state, cage = paired_cage_states(ions, here, cells, pairs)
    site = np.where(state > 0, STATES * cage + state - 1, -1)
    return SiteAssignment(site.astype(np.int32), np.zeros(site.shape, dtype=bool))


def _axes(shells: PairedCageShells) -> Floats:
    """Axes of the columns: from the apex below the first centre to that above."""
    offsets = shells.offsets.reshape(-1, STATES, 3)
    axis = offsets[:, 0] - offsets[:, 1]
    return np.asarray(axis / np.linalg.norm(axis, axis=1, keepdims=True))
