"""The atoms of a reference crystal, found in a trajectory by position and species, never by their index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching, min_weight_full_bipartite_matching

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Ints, Symbols, Words
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.framework import split_common
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image
from ionpath.sites.nearest import SiteTree

TOLERANCE = 2.0
"""No atom that belongs to a crystal is further from its place, in A; a quarter of an edge of most cells is more."""
_RIVALS = 8
"""Atoms of one species within the tolerance of a place, at most."""
_WELL_PLACED = 1.0
"""Root mean square distance of a good match: thermal motion and relaxation stay below, a wrong translation above."""

Groups = list[tuple[Ints, Ints]]
"""Places and atoms, species by species."""


@typed
@documented
@dataclass(frozen=True, eq=False)
class ReferenceAtoms(Msonable):
    """Atoms of a crystal that do not diffuse."""

    coordinates: Floats  # (F, 3): fractional coordinates
    species: Symbols  # (F,): elements that may be there, joined by ``/`` where anions are mixed
    vacant: Bools  # (F,): whether the place may be empty

    def __len__(self) -> int:
        return len(self.coordinates)

    def match(self, cell: ArrayLike, positions: ArrayLike, elements: Words) -> Ints:
        """Find the atom of every place (F,), -1 for an empty one, whatever the order of atoms and the origin.

        The cell (3, 3) in A, positions (M, 3) in A, wrapped or not, and elements (M,) are of all atoms that do not
        diffuse in one frame. InputError if atoms and places differ in number, or no translation brings every atom near
        to a place of its own.
        """
        box = np.asarray(cell, dtype=np.float64)
        atoms = np.asarray(positions, dtype=np.float64) @ np.linalg.inv(box)
        names = np.asarray(elements, dtype=str)
        groups = [
            (np.flatnonzero(self.species == kind), np.flatnonzero(np.isin(names, kind.split("/"))))
            for kind in sorted(set(self.species.tolist()))
        ]
        held = np.isin(names, [one for kind in set(self.species.tolist()) for one in kind.split("/")])
        places, full = len(self), len(self) - int(self.vacant.sum())
        if not full <= len(names) <= places or not held.all() or any(not len(a) for _, a in groups):
            raise InputError(
                "structure", need=f"the {_formula(names)} that do not diffuse in the trajectory",
                got=_formula(self.species) or "nothing beside the ions",
                remedy="use a crystal of the same size and composition as the simulation, or one cell with its repeats",
            )  # fmt: skip
        trees = [SiteTree(box, atoms[one], TOLERANCE + 0.1) for _, one in groups]
        worst, best = np.inf, np.zeros(3)
        for shift in self._translations(box, atoms, groups):
            settled, spread = self._settle(shift, box, atoms, groups, trees)
            if spread < worst:
                worst, best = spread, settled
            if spread < _WELL_PLACED:
                break
        return self._assign(best, box, atoms, groups, trees)

    def _translations(self, box: Floats, atoms: Floats, groups: Groups) -> Iterable[Floats]:
        """None, and then those that bring one place of the rarest kind to an atom, the shortest first."""
        yield np.zeros(3)
        rarest, one = min(groups, key=lambda group: len(group[0]))
        found = atoms[one] - self.coordinates[rarest[0]]
        found -= np.rint(found)
        yield from found[np.argsort(np.linalg.norm(minimum_image(found @ box, box), axis=1), kind="stable")]

    def _settle(
        self, shift: Floats, box: Floats, atoms: Floats, groups: Groups, trees: list[SiteTree]
    ) -> tuple[Floats, float]:
        """Shift by the mean vector from the places to their nearest atoms, and the rms distance that is left."""
        rest = np.zeros((len(self), 3))
        for _ in range(3):
            for (place, one), tree in zip(groups, trees, strict=True):
                here = self.coordinates[place] + shift
                _, image = tree.tree.query(tree.place(here), k=1)
                rest[place] = atoms[one[tree.owner[image]]] - here
            rest, common = (part[0] for part in split_common(rest[None]))
            shift = shift + common[0]
        away = np.linalg.norm(minimum_image(rest @ box, box)[~self.vacant], axis=1)
        return shift, float(np.sqrt(np.mean(away**2))) if len(away) else 0.0

    def _assign(self, shift: Floats, box: Floats, atoms: Floats, groups: Groups, trees: list[SiteTree]) -> Ints:
        """Match places and atoms of their species one to one, at the least sum of squared distances."""
        rows, columns, costs = [], [], []
        for (place, one), tree in zip(groups, trees, strict=True):
            here = tree.place(self.coordinates[place] + shift)
            distance, image = tree.tree.query(here, k=_RIVALS, distance_upper_bound=TOLERANCE)
            row, rank = np.nonzero(np.isfinite(distance))
            rows.append(place[row])
            columns.append(one[tree.owner[image[row, rank]]])
            # Zero would be no edge; places that may be empty are filled last.
            costs.append(distance[row, rank] ** 2 + 1e-6 + 1e3 * self.vacant[place[row]])
        edges = (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns)))
        graph = csr_array(edges, shape=(len(self), len(atoms)))
        most = maximum_bipartite_matching(graph, perm_type="column").astype(np.int64)
        if (most >= 0).sum() == len(atoms):
            row, column = min_weight_full_bipartite_matching(graph)
            most = np.full(len(self), -1, dtype=np.int64)
            most[row] = column
        lost = np.flatnonzero((most < 0) & ~self.vacant)
        if len(lost) or (most >= 0).sum() < len(atoms):
            k = int(lost[0]) if len(lost) else 0
            raise InputError(
                "structure",
                need=f"a crystal on which the first frame lies, all atoms within {TOLERANCE:g} A of their places",
                got=f"{len(lost)} of {len(self)} places without an atom of their species, such as {self.species[k]} at "
                f"{np.round(self.coordinates[k], 3).tolist()}",
                remedy="use the crystal that the trajectory was started from, in the same setting and orientation; "
                "where anions are mixed, its average structure",
            )
        return most


def _formula(species: Symbols) -> str:
    counts = Counter(species.tolist())
    return " ".join(f"{name}{number}" for name, number in sorted(counts.items()))
