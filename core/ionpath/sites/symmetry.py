"""Symmetry of a crystal as what it does to the sites of its ions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ionpath.arrays import Floats, Ints, Symbols
from ionpath.errors import InputError, require
from ionpath.msonable import Msonable
from ionpath.sites.nearest import SiteTree


@dataclass(frozen=True, eq=False)
class CrystalSymmetry(Msonable):
    """Space group of a crystal with all its sites.

    Attributes
    ----------
    images : ndarray of int, (G, S)
        Site to which each operation takes each site.
    pure : ndarray of bool, (G,)
        Whether an operation is a translation.
    orbit_of : ndarray of int, (S,)
        First site of the orbit of each site.
    orbits : ndarray of str, (S,)
        Multiplicity in the conventional cell and Wyckoff letter of each site, such as 24g.
    """

    images: Ints
    pure: np.ndarray
    orbit_of: Ints
    orbits: Symbols

    def by_translation(self) -> tuple[Ints, Ints]:
        """Class of each site under translations, from 0 in the order of orbits, and what operations do to the classes.

        The second, of shape (n, classes + 1), permutes states that count from 1, with 0 fixed and each row once.
        """
        first = self.images[self.pure].min(axis=0)
        _, rank = np.unique(np.stack([self.orbit_of, first]), axis=1, return_inverse=True)
        classes = np.asarray(rank, dtype=np.int64).ravel()
        number = int(classes.max()) + 1
        member = np.array([np.flatnonzero(classes == c)[0] for c in range(number)])
        moved = classes[self.images[:, member]] + 1
        rows = np.unique(np.concatenate([np.zeros((len(moved), 1), dtype=np.int64), moved], axis=1), axis=0)
        return classes, rows


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
    return InputError(
        "structure", need=f"a symmetry within {symprec:g} A", got="none", remedy="use a larger symprec, or fold='none'"
    )
