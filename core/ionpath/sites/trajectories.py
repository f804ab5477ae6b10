"""From sites to the trajectories of states that Markov models are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, whole
from ionpath.msonable import Msonable
from ionpath.sites.shells import HOMES, CoordinationShells, Home

Unassigned = Literal["external", "skip"]

_IONS_AT_ONCE = 64


@documented
@dataclass(frozen=True, eq=False)
class ShellTrajectories(Msonable):
    """States of ions in shells."""

    # (K, T): one row per pair of an ion and a shell: the label of the vertex that the ion is on, 0 while it is outside.
    # -1 marks frames on no site if those were asked to be skipped.
    dtrajs: NDArray[np.int8]
    ion: Ints  # (K,): ion of each row
    cage: Ints  # (K,): centre of the shell of each row; -1 where rows are folded over all shells
    n_states: int  # number of states, with 0
    home: Home  # how the rows were made, see `shell_trajectories`

    def __len__(self) -> int:
        return len(self.dtrajs)

    def __repr__(self) -> str:
        rows, frames = self.dtrajs.shape
        return f"ShellTrajectories({rows} trajectories x {frames} frames, {self.n_states} states, home={self.home!r})"


def check_sites(site: ArrayLike, n_sites: int | None = None) -> NDArray[np.signedinteger]:
    """Check a series of sites."""
    array = np.asarray(site)
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.integer) or 0 in array.shape:
        got = f"{array.dtype} of shape {array.shape}"
        remedy = "pass what assign_sites returned"
        raise InputError("site", need="integers (T, N), frames x ions", got=got, remedy=remedy)
    low, high = int(array.min()), int(array.max())
    if low < -1 or (n_sites is not None and high >= n_sites):
        top = "..." if n_sites is None else n_sites - 1
        got = f"values from {low} to {high}"
        remedy = "use the shells that the sites were assigned with"
        raise InputError("site", need=f"site indices from -1 to {top}", got=got, remedy=remedy)
    return array


@typed
@references("guan2024")
def core_sets(site: ArrayLike, *, minimum_residence: int = 1) -> NDArray[np.signedinteger]:
    """Let ions keep their site until they have reached another one.

    Parameters
    ----------
    site : array_like of int, (T, N)
        Site of every ion in every frame, -1 for none, over the whole trajectory.
    minimum_residence : int
        Stays of fewer frames on a site do not count: the ion keeps the site before.

    Returns
    -------
    ndarray of int, (T, N)
        Frames without a site have the site before; those before the first site have the first one. Ions that
        never are on a site stay at -1.

    Raises
    ------
    InputError
        If the table is not one of sites, or the residence is less than one frame.

    Notes
    -----
    Also called milestoning: C. Schuette et al., J. Chem. Phys. 134, 204105 (2011), doi:10.1063/1.3590108.
    Fast recrossings of the border between two sites are not counted as jumps. Stays are measured after frames
    without a site have been filled in. Short stays are struck out all at once, before the longer ones are
    extended over them.

    Examples
    --------
    >>> core_sets(np.array([[-1, 4, -1, 4, 7, 4, -1]]).T).ravel().tolist()
    [4, 4, 4, 4, 7, 4, 4]
    >>> core_sets(np.array([[-1, 4, -1, 4, 7, 4, -1]]).T, minimum_residence=2).ravel().tolist()
    [4, 4, 4, 4, 4, 4, 4]
    """
    array = check_sites(site)
    whole("minimum_residence", minimum_residence)
    smooth = np.empty(array.shape, dtype=array.dtype)
    for start in range(0, array.shape[1], _IONS_AT_ONCE):  # bounds the memory of temporary arrays
        part = slice(start, start + _IONS_AT_ONCE)
        filled = _fill(array[:, part])
        if minimum_residence > 1:
            filled = _fill(np.where(_stay_lengths(filled) < minimum_residence, -1, filled))
        smooth[:, part] = filled
    return smooth


def _fill(site: NDArray[np.signedinteger]) -> NDArray[np.signedinteger]:
    """Carry the last site forward, and the first one back."""
    assigned = site >= 0
    last = np.where(assigned, np.arange(len(site), dtype=np.int32)[:, None], np.int32(-1))
    np.maximum.accumulate(last, axis=0, out=last)
    np.copyto(last, assigned.argmax(axis=0).astype(np.int32)[None], where=last < 0)
    return np.take_along_axis(site, last, axis=0)


def _stay_lengths(site: NDArray[np.signedinteger]) -> Ints:
    """Number of frames of the stay that each frame belongs to."""
    columns = np.ascontiguousarray(site.T)
    begins = np.ones(columns.shape, dtype=bool)
    begins[:, 1:] = columns[:, 1:] != columns[:, :-1]
    starts = np.flatnonzero(begins.ravel())
    lengths = np.diff(np.append(starts, columns.size))
    return np.repeat(lengths, lengths).reshape(columns.shape).T


@typed
@references("guan2024")
def shell_trajectories(
    site: ArrayLike, shells: CoordinationShells, *, home: Home = "visited", unassigned: Unassigned = "external"
) -> ShellTrajectories:
    """Make trajectories of shell states out of sites.

    Parameters
    ----------
    site : array_like of int, (T, N)
        Site of every ion in every frame, usually after `core_sets`.
    shells : CoordinationShells
        Shells that the sites belong to.
    home : {"visited", "initial", "folded"}
        * ``"visited"``: a row for every shell that an ion visits. The state is the vertex while the ion is in
          that shell, and 0 (external) in any other shell.
        * ``"initial"``: only the shell that the ion is in first.
        * ``"folded"``: one row per ion, the vertex in whichever shell; 0 only on no site. This is what the
          published geometric rule counts.
    unassigned : {"external", "skip"}
        Frames on no site: 0, or -1 to leave them out of the counts. Only with ``"visited"`` and
        ``"initial"``.

    Returns
    -------
    ShellTrajectories
        States of all rows, in the order of ions and then of shells.

    Raises
    ------
    InputError
        If the sites are not those of the shells, no ion is ever on a site, or labels exceed 127.

    Examples
    --------
    >>> octahedron = 0.2 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
    >>> sites = np.concatenate([[0.25, 0.25, 0.25] + octahedron, [0.75, 0.75, 0.75] + octahedron])
    >>> shells = CoordinationShells.from_sites(np.eye(3) * 12.0, [[0.25] * 3, [0.75] * 3], sites)
    >>> series = shell_trajectories(np.array([[0], [1], [7], [8]]), shells)
    >>> series.dtrajs.tolist(), series.cage.tolist()
    ([[1, 2, 0, 0], [0, 0, 2, 3]], [0, 1])
    """
    parts = list(iter_shell_trajectories(site, shells, home=home, unassigned=unassigned))
    return ShellTrajectories(
        np.concatenate([p.dtrajs for p in parts]),
        np.concatenate([p.ion for p in parts]),
        np.concatenate([p.cage for p in parts]),
        shells.n_states,
        home,
    )


@typed
def iter_shell_trajectories(
    site: ArrayLike,
    shells: CoordinationShells,
    *,
    home: Home = "visited",
    unassigned: Unassigned = "external",
    ions_at_once: int = 64,
) -> Iterator[ShellTrajectories]:
    """Make the same trajectories a few ions at a time, for systems whose trajectories do not fit into memory.

    Parameters
    ----------
    site : array_like of int, (T, N)
        Site of every ion in every frame.
    shells : CoordinationShells
        Shells that the sites belong to.
    home : {"visited", "initial", "folded"}
        See `shell_trajectories`.
    unassigned : {"external", "skip"}
        See `shell_trajectories`.
    ions_at_once : int
        Number of ions per step.

    Yields
    ------
    ShellTrajectories
        Those of the next ions. Counts of all parts add up.

    Raises
    ------
    InputError
        As `shell_trajectories`.
    """
    array = check_sites(site, shells.n_sites)
    one_of("home", home, HOMES)
    one_of("unassigned", unassigned, ("external", "skip"))
    if shells.n_states > 127:
        raise InputError("shells", need="at most 126 vertices", got=str(shells.n_states - 1), remedy="merge vertices")
    if array.max() < 0:
        remedy = "check that shells and ions share one frame of reference, or widen the cutoff"
        raise InputError("site", need="ions on sites", got="no ion on any site in any frame", remedy=remedy)
    whole("ions_at_once", ions_at_once)
    outside = 0 if unassigned == "external" else -1
    vertex = np.append(shells.vertex, outside if home != "folded" else 0).astype(np.int8)
    cage = np.append(shells.centre_of, -1).astype(np.int32)
    for start in range(0, array.shape[1], ions_at_once):
        columns = np.ascontiguousarray(array[:, start : start + ions_at_once].T)
        yield _rows(columns, start, vertex, cage, shells.n_states, home, outside)


def _rows(
    columns: NDArray[np.signedinteger],
    first_ion: int,
    vertex: NDArray[np.int8],
    cage: NDArray[np.int32],
    n_states: int,
    home: Home,
    outside: int,
) -> ShellTrajectories:
    ions = np.arange(first_ion, first_ion + len(columns))
    labels = vertex[columns]
    if home == "folded":
        return ShellTrajectories(labels, ions, np.full(len(ions), -1), n_states, home)
    cages = cage[columns]
    ion, shell = _first_cages(cages) if home == "initial" else _visited_cages(cages)
    states = np.where(cages[ion] == shell[:, None], labels[ion], np.int8(0))
    if outside < 0:
        states[columns[ion] < 0] = outside
    return ShellTrajectories(states.astype(np.int8, copy=False), ions[ion], shell, n_states, home)


def _visited_cages(cages: NDArray[np.int32]) -> tuple[Ints, Ints]:
    pairs = [(i, np.unique(row)) for i, row in enumerate(cages)]
    pairs = [(i, found[found >= 0]) for i, found in pairs]
    ion = np.repeat([i for i, _ in pairs], [len(found) for _, found in pairs]).astype(np.int64)
    return ion, np.concatenate([found for _, found in pairs]).astype(np.int64)


def _first_cages(cages: NDArray[np.int32]) -> tuple[Ints, Ints]:
    assigned = cages >= 0
    ion = np.flatnonzero(assigned.any(axis=1))
    return ion, cages[ion, assigned[ion].argmax(axis=1)].astype(np.int64)
