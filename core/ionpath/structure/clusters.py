"""Which anions a thiophosphate is made of: PS4, P2S7, P2S6 and others, by the bonds of every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Symbols
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.frames import as_frames, as_symbols, check_cutoff, indices_of, pairs_within
from ionpath.msonable import Msonable

FREE = "free"
"""Kind of a ligand without any centre."""


@documented
@dataclass(frozen=True)
class AnionClusters(Msonable):
    """Anions in every frame."""

    kinds: tuple[str, ...]  # names of the kinds found, most frequent first; ``"free"`` is a ligand without a centre
    centres: Ints  # (C,): indices of the central atoms
    ligands: Ints  # (L,): indices of the ligand atoms
    centre_kind: NDArray[np.int16]  # (T, C): kind of the unit of each centre
    ligand_kind: NDArray[np.int16]  # (T, L): kind of the unit of each ligand
    unit_counts: Ints  # (T, kinds): number of units of each kind; free ligands count as units

    def centre_fractions(self) -> dict[str, float]:
        """Share of the centre-frames in each kind of unit; they add up to 1."""
        counts = np.bincount(self.centre_kind.ravel(), minlength=len(self.kinds))
        return {
            name: float(n / self.centre_kind.size) for name, n in zip(self.kinds, counts, strict=True) if name != FREE
        }

    def unit_fractions(self) -> dict[str, float]:
        """Share of each kind among the unit-frames, free ligands left out; they add up to 1."""
        counts = {
            name: int(n) for name, n in zip(self.kinds, self.unit_counts.sum(axis=0), strict=True) if name != FREE
        }
        total = sum(counts.values())
        return {name: n / total for name, n in counts.items()}


@dataclass(frozen=True)
class Frame(Msonable):
    """Units of one frame, before kinds have numbers."""

    names: tuple[str, ...]  # name of each unit
    # centre_unit, ligand_unit: unit of each centre and ligand
    centre_unit: Ints
    ligand_unit: Ints


class ClusterFinder:
    """Finds the units of one frame after another.

    `bond` is the longest one between a centre and a ligand, `centre_bond` that between two centres, in A.
    """

    def __init__(
        self,
        species: Sequence[str],
        *,
        centres: str | Sequence[str] = "P",
        ligands: str | Sequence[str] = "S",
        bond: float = 2.6,
        centre_bond: float = 2.6,
    ) -> None:
        symbols = as_symbols(species, len(species))
        self.centres = indices_of(symbols, centres, "centres")
        self.ligands = indices_of(symbols, ligands, "ligands")
        order = [centres] if isinstance(centres, str) else list(centres)
        order += [ligands] if isinstance(ligands, str) else list(ligands)
        self.elements = list(dict.fromkeys(order))
        self.kind: Ints = np.array([self.elements.index(s) for s in symbols[np.r_[self.centres, self.ligands]]])
        self.bond, self.centre_bond = float(bond), float(centre_bond)

    def frame(self, positions: Floats, cell: Floats) -> Frame:
        """Find the units of one frame."""
        for name, radius in (("bond", self.bond), ("centre_bond", self.centre_bond)):
            check_cutoff(radius, cell, name)
        n = len(self.centres)
        c, l, *_ = pairs_within(positions, cell, self.bond, self.centres, self.ligands)
        i, j, *_ = pairs_within(positions, cell, self.centre_bond, self.centres, self.centres)
        return self._name(np.unique(np.c_[c, l], axis=0), np.unique(np.sort(np.c_[i, j], axis=1), axis=0), n)

    def _name(self, bonds: Ints, centre_bonds: Ints, n: int) -> Frame:
        size = n + len(self.ligands)
        rows = np.concatenate([bonds[:, 0], centre_bonds[:, 0]])
        columns = np.concatenate([bonds[:, 1] + n, centre_bonds[:, 1]])
        graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
        n_units, unit = connected_components(graph, directed=False)
        unit = np.asarray(unit, dtype=np.int64)
        width = len(self.elements)
        formula = np.bincount(unit * width + self.kind, minlength=n_units * width).reshape(-1, width)
        per_ligand = np.bincount(bonds[:, 1], minlength=len(self.ligands))
        per_centre = np.bincount(bonds[:, 0], minlength=n)
        facts = np.c_[
            formula,
            np.bincount(unit[:n], minlength=n_units),
            np.bincount(unit[centre_bonds[:, 0]], minlength=n_units),
            np.bincount(unit[n:][per_ligand > 1], minlength=n_units),
            _extreme(np.minimum, unit[:n], per_centre, n_units, 99),
            _extreme(np.maximum, unit[:n], per_centre, n_units, 0),
        ]
        different, which = np.unique(facts, axis=0, return_inverse=True)
        names = [_unit_name(self.elements, row) for row in different]
        return Frame(tuple(names[k] for k in which.ravel()), unit[:n], unit[n:])


def _extreme(function: np.ufunc, unit: Ints, values: Ints, n_units: int, start: int) -> Ints:
    result = np.full(n_units, start, dtype=np.int64)
    function.at(result, unit, values)
    return result


def _unit_name(elements: Sequence[str], facts: Ints) -> str:
    """Name a unit by its formula, its bonds between centres (PP), shared ligands, and ligands per centre."""
    width = len(elements)
    formula = "".join(
        f"{element}{count if count > 1 else ''}"
        for element, count in zip(elements, facts[:width], strict=True)
        if count
    )
    n_centres, pp, shared, fewest, most = map(int, facts[width:])
    if n_centres == 0:
        return FREE
    if n_centres == 1:
        return formula
    if n_centres == 2 and fewest == most:
        if (pp, shared) == (0, 1) or (pp, shared) == (1, 0):
            regular = (pp == 0 and most == 4) or (pp == 1 and most == 3)
            if regular:
                return formula
        if (pp, shared) == (0, 2) and most == 4:
            return f"{formula} edge-sharing"
    return f"{formula} ({pp} direct, {shared} shared)"


def number_kinds(
    frames: Sequence[Frame], known: Sequence[str] = ()
) -> tuple[tuple[str, ...], NDArray[np.int16], NDArray[np.int16], Ints]:
    """Return kinds numbers, and frames these numbers."""
    numbers: dict[str, int] = {name: k for k, name in enumerate(known)}
    coded = []
    for frame in frames:
        coded.append(np.array([numbers.setdefault(name, len(numbers)) for name in frame.names]))
    counts = np.array([np.bincount(codes, minlength=len(numbers)) for codes in coded])
    centre = np.array([c[f.centre_unit] for c, f in zip(coded, frames, strict=True)], dtype=np.int16)
    ligand = np.array([c[f.ligand_unit] for c, f in zip(coded, frames, strict=True)], dtype=np.int16)
    return tuple(numbers), centre, ligand, counts.astype(np.int64)


def sorted_kinds(
    kinds: Sequence[str], centre: NDArray[np.int16], ligand: NDArray[np.int16], counts: Ints
) -> tuple[tuple[str, ...], NDArray[np.int16], NDArray[np.int16], Ints]:
    """Sort kinds by how many centres are in them, free ligands last."""
    weight = np.bincount(centre.ravel(), minlength=len(kinds))
    order = sorted(range(len(kinds)), key=lambda k: (kinds[k] == FREE, -weight[k], kinds[k]))
    rank = np.argsort(order).astype(np.int16)
    return tuple(kinds[k] for k in order), rank[centre], rank[ligand], counts[:, order]


@typed
@references("chen2023", "chen2025")
def anion_clusters(
    positions: ArrayLike,
    cell: ArrayLike,
    species: Sequence[str] | Symbols,
    *,
    centres: str | Sequence[str] = "P",
    ligands: str | Sequence[str] = "S",
    bond: float = 2.6,
    centre_bond: float = 2.6,
) -> AnionClusters:
    """Find out which anions there are.

    Parameters
    ----------
    positions, cell, species
        See `radial_distribution`.
    centres : str or sequence of str, default "P"
        Species of the central atoms, for example ``("P", "Si")``.
    ligands : str or sequence of str, default "S"
        Species of the ligands, for example ``("S", "Cl")``.
    bond : float, default 2.6
        Longest bond between a centre and a ligand, in A: the minimum of g(r) of P-S.
    centre_bond : float, default 2.6
        Longest bond between two centres, in A; that of P2S6 is 2.3 A.

    Returns
    -------
    AnionClusters
        Kind of the unit of every centre and ligand in every frame, and how many units there are.

    Raises
    ------
    InputError
        If a species is absent, or a bond is longer than half of the cell.

    Notes
    -----
    Centres joined by a bond of their own or by a shared ligand are one unit. PS4 has one P; P2S7 two that share
    one S, with four S each; P2S6 two with a direct bond and three S each. Two that share two S, with the
    same formula, are ``"P2S6 edge-sharing"``. Everything else is named by its formula with the number of
    direct bonds and of shared ligands.

    Examples
    --------
    >>> s = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.18
    >>> found = anion_clusters(np.r_[[[0, 0, 0]], s, [[6, 6, 6]]], np.eye(3) * 12, ["P"] + ["S"] * 5)
    >>> found.kinds, found.unit_counts.tolist()
    (('PS4', 'free'), [[1, 1]])
    """
    frames, cells, _ = as_frames(positions, cell)
    symbols = as_symbols(species, frames.shape[1])
    finder = ClusterFinder(symbols.tolist(), centres=centres, ligands=ligands, bond=bond, centre_bond=centre_bond)
    units = [finder.frame(frame, lattice) for frame, lattice in zip(frames, cells, strict=True)]
    kinds, centre, ligand, counts = sorted_kinds(*number_kinds(units))
    return AnionClusters(kinds, finder.centres, finder.ligands, centre, ligand, counts)
