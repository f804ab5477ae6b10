"""Which free anion sites hold halide, and which species goes where."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import numpy as np
from pymatgen.core import Composition, Element, Species

from ionpath.arrays import Bools, Indices
from ionpath.errors import InputError
from ionpath.lattice.subsets import even_subset

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.framework import Argyrodite

Arrangement = Literal["random", "even", "lowest"]

ARRANGEMENTS = ("random", "even", "lowest")


def free_anions(found: Argyrodite) -> tuple[Indices, Bools]:
    """Free anion sites of both orbits, 4a first, and whether each holds halide."""
    held = np.concatenate([found.halide_on_halide_sites, found.halide_on_sulfur_sites])
    return np.concatenate([found.halide_sites, found.sulfur_sites]), held > 0.5


def count_halides(found: Argyrodite) -> int:
    """Number of halides in the cell."""
    return round(found.halide_on_halide_sites.sum() + found.halide_on_sulfur_sites.sum())


def arrange(structure: Structure, found: Argyrodite, on_halide: int, on_sulfur: int, how: str, seed: int) -> Indices:
    """Choose which free anion sites hold halide: so many of 4a, and so many of the free-sulfur orbit."""
    if how == "even":
        sites, _ = free_anions(found)
        n = len(found.halide_sites)
        chosen = even_subset(
            structure.cart_coords[sites], structure.lattice.matrix,
            [(np.arange(n), on_halide), (np.arange(n, 2 * n), on_sulfur)],
            radius=1.01 * found.edge, seed=seed,
        )  # fmt: skip
        return sites[chosen]
    rng = np.random.default_rng(seed)
    halide = [
        rng.permutation(sites)[:number]
        for sites, number in ((found.halide_sites, on_halide), (found.sulfur_sites, on_sulfur))
    ]
    return np.sort(np.concatenate(halide))


def place_anions(
    structure: Structure, found: Argyrodite, halide: Indices, *, name: str | None = None, seed: int = 0
) -> Structure:
    """Copy a structure with halide on the given free anion sites and chalcogenide on the others.

    Species that lose their site go to the sites that change kind, so that every element keeps its number as far as
    the number of halides does; with several halides or chalcogenides the seed decides which goes where. `name` is the
    halide to add where there are too few.
    """
    new = structure.copy()
    sites, held = free_anions(found)
    wanted = np.isin(sites, halide)
    arriving, leaving = sites[wanted & ~held], sites[held & ~wanted]
    if not len(arriving) and not len(leaving):
        return new
    rng = np.random.default_rng(seed)
    halides, others = ([structure[int(k)].species for k in rng.permutation(group)] for group in (leaving, arriving))
    added = max(len(arriving), len(leaving))
    if len(halides) < len(arriving):
        halides = halides + added * _halides(structure, found, name)
    if len(others) < len(leaving):
        others = others + added * _commonest(structure, found, halogen=False)
    for group, species in ((arriving, halides), (leaving, others)):
        for k, one in zip(group.tolist(), species, strict=False):
            new.sites[k].species = one
            new.sites[k].label = None  # a label of the old element would be wrong
    return new


def _halides(structure: Structure, found: Argyrodite, name: str | None) -> list[Composition]:
    """Halides to add in turn, with oxidation states if the structure has them."""
    if name is None:
        return _commonest(structure, found, halogen=True)
    decorated = getattr(structure[int(found.bonded[0])].specie, "oxi_state", None) is not None
    return [Composition({Species(name, -1) if decorated else Element(name): 1})]


def _commonest(structure: Structure, found: Argyrodite, *, halogen: bool) -> list[Composition]:
    """Halide or chalcogenide of which there is most; several of which there are as many keep their shares."""
    anions = [structure[int(k)].specie for k in (*found.bonded, *free_anions(found)[0])]
    counts = Counter(one for one in anions if one.is_halogen is halogen)
    if not counts:
        remedy = "name it, as in ExcessHalideTransformation(x, halide='Cl')"
        raise InputError("halide", need="the halide to insert, as the structure has none", got="None", remedy=remedy)
    return [Composition({one: 1}) for one, count in sorted(counts.items()) if count == max(counts.values())]
