"""Networks of sites: states without cages, for any crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import described, typed
from ionpath.arrays import Ints, Symbols, Words, grid_points
from ionpath.citations import references
from ionpath.errors import InputError, one_of
from ionpath.kinds import is_wholes
from ionpath.periodic import wrap_fractional
from ionpath.sites.arguments import cell_repeats, coordinates, one_cell
from ionpath.sites.cages import cages_of_sites, merged_sites
from ionpath.sites.crystal import ReferenceAtoms
from ionpath.sites.maxima import sites_of_ions
from ionpath.sites.plausibility import CLOSEST, check_apart, warn_of_near_sites
from ionpath.sites.shells import CoordinationShells, Home
from ionpath.sites.symmetry import crystal_symmetry, moved_sites, moved_states

FOLDS = ("translations", "symmetry", "cages", "none")
MOST_STATES = 126
"""States are kept in bytes."""


@typed
@references("guan2024")
@dataclass(frozen=True, eq=False, repr=False)
class SiteNetwork(CoordinationShells):
    """Sites of mobile ions in a crystal, and the state that each of them is.

    Equivalent sites are one state, so that all ions and cells add to the same counts. Build it with `from_sites`,
    `from_structure` or `from_density`; `PathEntropy` and everything else that takes `CoordinationShells` takes it.

    Attributes
    ----------
    cell : ndarray, (3, 3)
        Vectors of the reference cell as rows, in A.
    centres : ndarray, (S, 3)
        Fractional coordinates of the sites.
    offsets, centre_of, family : ndarray
        As in `CoordinationShells`, with every site at its own centre.
    vertex : ndarray of int, (S,)
        State of every site, from 1; 0 is kept for "on no site".
    kinds : ndarray of str, (S,)
        Orbit or species of every site.
    centre_atoms : None
        Sites do not follow single atoms; an analysis takes out the drift of the framework.
    crystal : ReferenceAtoms or None
        Atoms that do not diffuse, with which an analysis finds the origin of the network in a trajectory.
    names : tuple of str
        Names of the states 1..n.
    permutations : ndarray of int, (n_operations, n_states)
        What the symmetry of the crystal does to the states, with 0 fixed; one row, the identity, if it is not known.

    Examples
    --------
    >>> sites = [[0.0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0.5, 0.5, 0]]
    >>> network = SiteNetwork.from_sites(np.diag([8.0, 8.0, 4.0]), sites, labels=[1, 2, 2, 1])
    >>> network
    SiteNetwork(4 sites, 2 states: 1 (2), 2 (2))
    """

    names: tuple[str, ...] = ()
    permutations: Ints = field(default_factory=lambda: np.zeros((1, 1), dtype=np.int64))
    default_home: ClassVar[Home] = "folded"

    def __repr__(self) -> str:
        sizes = np.bincount(self.vertex, minlength=self.n_states)[1:]
        shown = [f"{name} ({n})" for name, n in zip(self.names, sizes, strict=True)]
        more = f", ... {len(shown) - 6} more" if len(shown) > 7 else ""
        listed = ", ".join(shown[:6] if more else shown) + more
        return f"SiteNetwork({self.n_sites} sites, {self.n_states - 1} states: {listed})"

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of all states, that of state 0 first."""
        return ("no site", *self.names)

    @classmethod
    def from_sites(  # type: ignore[override]
        cls,
        cell: ArrayLike,
        sites: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        kinds: Words | None = None,
        permutations: ArrayLike | None = None,
    ) -> SiteNetwork:
        """Take known sites, and the states that they are.

        Parameters
        ----------
        cell : array_like, (3, 3)
            Vectors of the reference cell as rows, in A.
        sites : array_like, (S, 3)
            Fractional coordinates of the sites.
        labels : array_like of int or str, (S,), optional
            What each site is; sites with the same label are one state, and states are in the order of the sorted
            labels. Without it every site is a state of its own.
        names : sequence of str, optional
            Names of the states; the labels if left out.
        kinds : array_like of str, (S,), optional
            Orbit or species of each site.
        permutations : array_like of int, (n_operations, S), optional
            Site, from 0, to which each operation of the crystal's symmetry takes each site, all operations of a group.
            Counts are averaged over those that take states to states, if the counts do not contradict them.

        Raises
        ------
        InputError
            If there are no sites, more than 126 states, only one, two sites closer than 1 A, or a row of
            `permutations` is not one of the sites.
        """
        box, points = one_cell(cell), wrap_fractional(coordinates(sites, "sites"))
        n = len(points)
        given = np.arange(1, n + 1) if labels is None else np.asarray(labels)
        if given.shape != (n,):
            remedy = "match them"
            raise InputError("labels", need=f"{n} labels, one per site", got=f"shape {given.shape}", remedy=remedy)
        if given.dtype.kind == "f" and not is_wholes(given):
            raise InputError("labels", need="whole numbers or names", got=described(labels), remedy="name every site")
        check_apart(box, points, "leave out one of the two, or put a site between them")
        warn_of_near_sites(box, points)
        values, state = np.unique(given, return_inverse=True)
        _check_states(len(values), n)
        called = tuple(map(str, values.tolist() if names is None else names))
        if len(called) != len(values):
            remedy = "match them"
            raise InputError("names", need=f"{len(values)} names, one per state", got=str(len(called)), remedy=remedy)
        kind = np.full(n, "X") if kinds is None else np.asarray(kinds, dtype=np.str_)
        every = np.arange(n)
        moved = every[None] if permutations is None else moved_sites(permutations, n)
        return cls(
            box, points, np.zeros((n, 3)), every, state + 1, kind, np.zeros(n, dtype=np.int64),
            names=called, permutations=moved_states(moved, state),
        )  # fmt: skip

    @classmethod
    def from_structure(
        cls,
        cell: ArrayLike,
        sites: ArrayLike,
        framework: ReferenceAtoms,
        *,
        fold: str = "translations",
        repeats: Sequence[int] = (1, 1, 1),
        merge: float = 0.0,
        symprec: float = 0.01,
    ) -> SiteNetwork:
        """Take the sites of a crystal, folded over its equivalent cells or orbits.

        Parameters
        ----------
        cell : array_like, (3, 3)
            Vectors of the crystal's cell as rows, in A.
        sites : array_like, (S, 3)
            Fractional coordinates of every place where an ion may be, occupied or not.
        framework : ReferenceAtoms
            The atoms that do not diffuse.
        fold : {"translations", "symmetry", "cages", "none"}
            What is one state: sites that a translation of the crystal takes to each other; those that any of its
            symmetry operations does (a Wyckoff orbit); those that lie near to each other, up to the widest gap; or one
            site.
        repeats : sequence of int, (3,)
            Cells of the trajectory along each vector of this cell. Their translations are folded, too, unless `fold` is
            ``"cages"`` or ``"none"``.
        merge : float
            Sites closer than this (A) are one, in their middle, such as the halves of a split site. It may not link
            sites to chains.
        symprec : float
            Distance within which positions are equivalent, in A.

        Returns
        -------
        SiteNetwork
            Sites of the whole cell of the trajectory. States are named by the Wyckoff orbit where there is symmetry.

        Raises
        ------
        InputError
            If there are no sites, more than 126 states, only one, or two sites closer than 1 A.

        Notes
        -----
        A hop between sites that are one state is not seen, and the ways to a state are the ways to any of its sites.
        The Markov chain of independent ions on the states is exact where the sites of a state are equivalent (it is
        lumpable).

        Examples
        --------
        >>> from ionpath.lattice.argyrodite import cage_sites, framework
        >>> positions, elements, orbits = framework()
        >>> fixed = ReferenceAtoms(positions, elements, np.zeros(28, dtype=bool))
        >>> SiteNetwork.from_structure(np.eye(3) * 10.155, cage_sites(), fixed, repeats=(2, 2, 2))
        SiteNetwork(192 sites, 6 states: 24g 1 (32), 24g 2 (32), 24g 3 (32), 24g 4 (32), 24g 5 (32), 24g 6 (32))
        """
        one_of("fold", fold, FOLDS)
        box, number = one_cell(cell), cell_repeats(repeats)
        points = merged_sites(box, coordinates(sites, "sites"), merge)
        check_apart(box, points, f"merge={CLOSEST:g} makes one site of split ones")
        symmetry = crystal_symmetry(box, points, framework.coordinates, framework.species, symprec)
        kinds = symmetry.orbits
        if fold in ("translations", "symmetry"):
            labels = symmetry.by_translation() if fold == "translations" else symmetry.by_orbit()
        shifts = grid_points(*map(np.arange, number))[:, None]
        large = box * number[:, None]
        many = np.concatenate((points + shifts) / number)
        repeated = ReferenceAtoms(
            np.concatenate((framework.coordinates + shifts) / number),
            np.tile(framework.species, len(shifts)),
            np.tile(framework.vacant, len(shifts)),
        )
        kind = np.tile(kinds, len(shifts))
        if fold in ("translations", "symmetry"):
            states = moved_states(symmetry.images, labels)
            labels = np.tile(labels, len(shifts))
        else:
            labels = cages_of_sites(many, large, None)[2] if fold == "cages" else np.arange(len(many))
            if len(shifts) > 1:
                symmetry = crystal_symmetry(large, many, repeated.coordinates, repeated.species, symprec)
            states = moved_states(symmetry.images, labels)
        made = cls.from_sites(large, many, labels=labels, names=_names(labels, kind), kinds=kind)
        return replace(made, crystal=repeated, permutations=states)

    @classmethod
    def from_density(  # type: ignore[override]
        cls,
        cell: ArrayLike,
        mobile_positions: ArrayLike,
        *,
        fold: str = "translations",
        repeats: Sequence[int] = (1, 1, 1),
        cells: ArrayLike | None = None,
        drift: ArrayLike | None = None,
        sites: str = "ions",
        spacing: float = 0.25,
        separation: float | None = None,
        background: float | None = None,
    ) -> SiteNetwork:
        """Find the sites in the density of the ions, without any model of the crystal.

        Parameters
        ----------
        cell, mobile_positions, repeats, cells, drift, spacing, separation, background : optional
            See `CoordinationShells.from_density`.
        fold : {"translations", "cages", "none"}
            As in `from_structure`, with the translations of the `repeats` cells.
        sites : {"ions", "holes"}
            See `ionpath.transport.density_sites`.

        Raises
        ------
        InputError
            If there are fewer sites than ions, none that stand out (ions that move as in a liquid), more than 126
            states, or only one.
        """
        one_of("fold", fold, ("translations", "cages", "none"))
        box = one_cell(cell)
        many, labels = sites_of_ions(
            box, mobile_positions, cells, drift, repeats,
            spacing=spacing, sites=sites, separation=separation, background=background,
        )  # fmt: skip
        if fold != "translations":
            labels = cages_of_sites(many, box, None)[2] if fold == "cages" else np.arange(len(many))
        kind = np.full(len(many), "site" if fold != "cages" else "cage")
        return cls.from_sites(box, many, labels=labels, names=_names(labels, kind), kinds=kind)

    def merged(self, groups: ArrayLike, names: Sequence[str] | None = None) -> SiteNetwork:
        """Merge states to communities: the same sites with fewer states.

        Parameters
        ----------
        groups : array_like of int or str, (n_states - 1,)
            Community of each of the states 1..n, for example ``results.msm.pcca(3).assignments`` (deeptime).
        names : sequence of str, optional
            Names of the communities; their labels if left out.

        Raises
        ------
        InputError
            If the numbers do not fit, or one community is left.
        """
        given = np.asarray(groups)
        if given.shape != (self.n_states - 1,):
            need = f"{self.n_states - 1} labels, one for each state but 0"
            raise InputError("groups", need=need, got=f"shape {given.shape}", remedy="leave state 0 out")
        made = type(self).from_sites(
            self.cell, self.centres, labels=given[self.vertex - 1], names=names, kinds=self.kinds
        )
        _, state = np.unique(given, return_inverse=True)
        return replace(made, crystal=self.crystal, permutations=moved_states(self.permutations[:, 1:] - 1, state))


def _check_states(n_states: int, n_sites: int) -> None:
    if n_states == 1:
        raise InputError(
            "states", need="two or more", got=f"{n_sites} sites that are all one state",
            remedy="tell them apart with fold='translations' or fold='none'; where these are too many, sites that are "
            "all equivalent have a diffusion and no path entropy",
        )  # fmt: skip
    if n_states > MOST_STATES:
        raise InputError(
            "states", need=f"at most {MOST_STATES}", got=f"{n_states} for {n_sites} sites",
            remedy="fold equivalent sites with repeats= (cells of the trajectory along each vector; of a crystal also "
            "fold='symmetry') and fold='translations', or group them with fold='cages'",
        )  # fmt: skip


def _names(labels: Ints, kinds: Symbols) -> tuple[str, ...]:
    """Kind of the sites of each state, numbered where several states have it."""
    _, first = np.unique(labels, return_index=True)
    kind = [str(kinds[k]) for k in first]
    counted: dict[str, int] = {}
    named = []
    for one in kind:
        counted[one] = counted.get(one, 0) + 1
        named.append(f"{one} {counted[one]}" if kind.count(one) > 1 else one)
    return tuple(named)
