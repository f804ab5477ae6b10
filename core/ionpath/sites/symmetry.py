"""Symmetry of a crystal as what it does to the sites of its ions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats, Ints, Symbols
from ionpath.errors import InputError, require
from ionpath.msonable import Msonable
from ionpath.sites.nearest import SiteTree


@dataclass(frozen=True, eq=False)
class CrystalSymmetry(Msonable):
    """Space group of a crystal with all its sites."""

    images: Ints  # (G, S): site to which each operation takes each site
    pure: np.ndarray  # (G,): whether an operation is a translation
    orbit_of: Ints  # (S,): first site of the orbit of each site
    orbits: Symbols  # (S,): multiplicity in the conventional cell and Wyckoff letter of each site, such as 24g

    def by_orbit(self) -> Ints:
        """Orbit of each site, from 0."""
        return np.unique(self.orbit_of, return_inverse=True)[1].ravel().astype(np.int64)

    def by_translation(self) -> Ints:
        """Class of each site under translations, from 0 in the order of orbits."""
        first = self.images[self.pure].min(axis=0)
        _, rank = np.unique(np.stack([self.orbit_of, first]), axis=1, return_inverse=True)
        return np.asarray(rank, dtype=np.int64).ravel()


def moved_sites(permutations: ArrayLike, n_sites: int) -> Ints:
    """Images of sites under given operations, checked."""
    rows = np.asarray(permutations)
    if rows.ndim != 2 or rows.shape[1:] != (n_sites,) or (np.sort(rows, axis=1) != np.arange(n_sites)).any():
        need = f"permutations of the {n_sites} sites, shape (n_operations, {n_sites}), from 0"
        remedy = "make them with ionpath.lattice.site_permutations"
        raise InputError("permutations", need=need, got=f"{rows.dtype} of shape {rows.shape}", remedy=remedy)
    return rows.astype(np.int64)


def moved_states(images: Ints, labels: Ints) -> Ints:
    """What operations that move sites (G, S) do to states, which count from 1 with 0 fixed: shape (n, states + 1).

    Operations that would part the sites of a state are left out, and each permutation is there once.
    """
    _, member, state = np.unique(labels, return_index=True, return_inverse=True)
    moved = state.ravel()[images]
    whole = (moved == moved[:, member][:, state.ravel()]).all(axis=1)
    rows = np.pad(moved[whole][:, member] + 1, ((0, 0), (1, 0)))
    return np.unique(rows, axis=0).astype(np.int64)


def crystal_symmetry(
    cell: Floats, sites: Floats, framework: Floats, species: Symbols, symprec: float
) -> CrystalSymmetry:
    """Symmetry of sites that are all alike in a framework of atoms."""
    spglib = require("spglib", purpose="the symmetry of a crystal", install="pip install spglib")
    kinds = np.unique(species, return_inverse=True)[1].ravel() + 2
    numbers = np.concatenate([np.ones(len(sites), dtype=int), kinds])
    points = np.concatenate([sites, framework])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # spglib asks callers to switch to exceptions
            found = spglib.get_symmetry_dataset((cell, points, numbers), symprec=symprec)
    except Exception as error:  # newer spglib raises, older gives None
        raise _none(symprec) from error
    if found is None:
        raise _none(symprec)
    tree = SiteTree(cell, sites, 1.0)
    moved = np.einsum("gij,sj->gsi", found.rotations, sites) + found.translations[:, None]
    _, image = tree.tree.query(tree.place(moved.reshape(-1, 3)), k=1)
    images = tree.owner[image].reshape(len(moved), -1).astype(np.int64)
    conventional = len(found.std_types) / len(points)
    orbit = found.crystallographic_orbits[: len(sites)]
    sizes = np.bincount(orbit, minlength=len(points))[orbit] * conventional
    names = [f"{round(n)}{letter}" for n, letter in zip(sizes, found.wyckoffs, strict=False)]
    pure = (found.rotations == np.eye(3, dtype=int)).all(axis=(1, 2))
    return CrystalSymmetry(images, pure, images.min(axis=0), np.array(names))


def _none(symprec: float) -> InputError:
    remedy = "use another symprec=, and see that no two sites or atoms lie at one place"
    return InputError("structure", need=f"a symmetry within {symprec:g} A", got="none", remedy=remedy)
