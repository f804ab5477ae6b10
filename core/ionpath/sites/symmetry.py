"""Symmetry of a crystal, or of a coordination shell, as what it does to sites and to the states of ions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Symbols
from ionpath.errors import InputError, positive, require
from ionpath.msonable import Msonable
from ionpath.sites.nearest import SiteTree
from ionpath.sites.shells import CoordinationShells


@dataclass(frozen=True, eq=False)
class CrystalSymmetry(Msonable):
    """Space group of a crystal with all its sites."""

    images: Ints  # (G, S): site to which each operation takes each site
    rotations: Ints  # (G, 3, 3): what each operation does to fractional coordinates, without its shift
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
    return CrystalSymmetry(images, found.rotations.astype(np.int64), pure, images.min(axis=0), np.array(names))


def _none(symprec: float) -> InputError:
    remedy = "use another symprec=, and see that no two sites or atoms lie at one place"
    return InputError("structure", need=f"a symmetry within {symprec:g} A", got="none", remedy=remedy)


TOLERANCE = 0.15
"""Part of the mean distance from the middle by which distances between vertices may differ in images of each other."""


@typed
def shell_symmetry(positions: ArrayLike, *, tolerance: float = TOLERANCE) -> Ints:
    r"""Permutations of states that are rotations or reflections of a shell.

    Parameters
    ----------
    positions : array_like, shape (n, 3)
        Positions of the vertices 1..n of the shell, with any origin and in any unit.
    tolerance : float
        Largest difference of the distances between two vertices and between their images, as a part of the mean
        distance of the vertices from their middle.

    Returns
    -------
    ndarray of int, shape (n_operations, n + 1)
        State to which each operation takes each state, state 0 (external) to itself; the identity is the first row. The
        rows are a group.

    Notes
    -----
    An isometry of a set of points is a permutation that keeps all distances between them. Within a tolerance these are
    not always a group; then the tolerance is lowered until they are.

    Examples
    --------
    >>> octahedron = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]]
    >>> shell_symmetry(octahedron).shape
    (48, 7)
    """
    points = np.asarray(positions, dtype=float)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points) or not np.isfinite(points).all():
        raise InputError("positions", need="finite positions of shape (n, 3)", got=f"shape {points.shape}")
    if not positive("tolerance", tolerance) < 1.0:
        raise InputError("tolerance", need="a share below 1", got=repr(tolerance), remedy="leave it out")
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    size = np.linalg.norm(points - points.mean(axis=0), axis=1).mean()
    if len(points) > 1 and (nearest := float(distance[~np.eye(len(points), dtype=bool)].min())) <= 1e-6 * size:
        got = f"two within {nearest:.3g}"
        raise InputError("positions", need="vertices apart from each other", got=got, remedy="name each vertex once")
    found = _isometries(distance, tolerance * size)
    worst = np.array([np.abs(distance[np.ix_(p, p)] - distance).max() for p in found])
    while not _is_group(found):
        kept = worst < worst.max() * (1 - 1e-9)
        found, worst = found[kept], worst[kept]
    return np.concatenate([np.zeros((len(found), 1), dtype=np.int64), found + 1], axis=1)


def _isometries(distance: Floats, allowed: float) -> Ints:
    """Permutations that keep all distances, in lexical order: vertices are placed one after the other."""
    n = len(distance)
    partial = np.empty((1, 0), dtype=np.int64)
    for k in range(n):
        longer = np.concatenate([np.repeat(partial, n, axis=0), np.tile(np.arange(n), len(partial))[:, None]], axis=1)
        new = np.abs(distance[longer[:, k, None], longer[:, :k]] - distance[k, :k]) <= allowed
        unused = (longer[:, k, None] != longer[:, :k]).all(axis=1)
        partial = longer[new.all(axis=1) & unused]
    return partial


def _is_group(permutations: Ints) -> bool:
    known = {row.tobytes() for row in permutations}
    return all(np.ascontiguousarray(p[q]).tobytes() in known for p in permutations for q in permutations)


def states_symmetry(shells: CoordinationShells) -> Ints:
    """Permutations of states that are symmetries of every kind of shell."""
    known = getattr(shells, "permutations", None)
    if known is not None:
        return np.asarray(known)
    found: set[bytes] | None = None
    for family in np.unique(shells.family):
        mine = shells.family[shells.centre_of] == family
        labels = shells.vertex[mine]
        if len(np.unique(labels)) != shells.n_states - 1:
            return np.arange(shells.n_states)[None]
        weight = np.bincount(labels, minlength=shells.n_states)[1:, None]
        mean = np.zeros((shells.n_states - 1, 3))
        np.add.at(mean, labels - 1, shells.offsets[mine])
        rows = {row.tobytes() for row in shell_symmetry(mean / weight)}
        found = rows if found is None else found & rows
    return np.array(sorted(np.frombuffer(row, dtype=np.int64).tolist() for row in found or ()))
