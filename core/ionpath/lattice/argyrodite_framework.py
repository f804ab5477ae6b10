"""The argyrodite framework in any structure or trajectory: which anion is where, and the lithium cages between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.lattice.argyrodite import Setting, cage_sites, framework, tetrahedral_sites
from ionpath.lattice.neighbours import neighbours_within
from ionpath.msonable import Msonable

LONGEST_BOND = 3.0
"""No bond from a former to its anion is longer, in A; anions that are not bound are beyond 3.5 A."""

Vertices = Literal["24g", "48h"]


class NotArgyrodite(InputError):
    """A structure whose formers and anions do not make the framework of an argyrodite."""

    def __init__(
        self, name: str, *, need: str, got: str, remedy: str = "compare with ionpath.lattice.framework()"
    ) -> None:
        super().__init__(name, need=need, got=got, remedy=remedy)


@documented
@dataclass(frozen=True, eq=False)
class FreeAnions(Msonable):
    """The two orbits of anions that no former binds."""

    # octahedral, tetrahedral: (N,): those among six formers (4a), and those among four (4c or 4d), around which the
    # lithium cages are; indices into the anions given
    octahedral: Ints
    tetrahedral: Ints
    # {"4c", "4d"}: name of the second orbit when the formers are on 4b and the structure is held against `axes`
    setting: Setting
    axes: Floats  # (3, 3): vectors of the conventional cubic cell, nearest to the Cartesian axes and right-handed, in A


def bound_anions(
    cell: Floats, formers: Floats, anions: Floats, names: Sequence[str], *, what: str = "structure"
) -> Ints:
    """Anions that are bound to formers, four to each; `names` are those of the formers in errors."""
    near = neighbours_within(formers, anions, cell, LONGEST_BOND)
    counts = near.counts(len(formers))
    if (counts != 4).any():
        k = int(np.flatnonzero(counts != 4)[0])
        raise _not(what, f"four anions within {LONGEST_BOND} A of every centre", f"{counts[k]} around {names[k]}")
    bound, times = np.unique(near.neighbour, return_counts=True)
    if (times > 1).any():
        raise _not(what, "isolated tetrahedra", f"{int((times > 1).sum())} anions shared by two of them")
    return np.asarray(bound, dtype=np.int64)


@typed
@references("morgan2021")
def free_anion_orbits(cell: Floats, formers: Floats, free: Floats, *, what: str = "structure") -> FreeAnions:
    """Sort the anions that are not bound to formers into the two orbits of the framework.

    The cell (3, 3) in A is any supercell in any orientation; `formers` (N, 3) are the positions of P, Si, Ge and the
    like in A, in a trajectory best their means, `free` (2N, 3) those of the anions that they do not bind.
    NotArgyrodite, which calls the input `what`, if numbers or surroundings are not those of an argyrodite.

    A free anion belongs to 4a if six formers surround it (an octahedral hole of their cubic close packing, at half an
    edge) and to the other orbit if four do (a tetrahedral hole, at 0.433 edges), so nothing depends on species, origin,
    setting or the order of the atoms. The letter follows from the side of the formers on which that orbit lies.

    >>> positions, elements, orbits = framework("4c")
    >>> cell = 10.1 * np.eye(3)
    >>> formers, free = positions[elements == "P"] @ cell, positions[np.isin(orbits, ["4a", "4c"])] @ cell
    >>> found = free_anion_orbits(cell, formers, free)
    >>> found.octahedral.tolist(), found.setting, found.axes.diagonal().round(3).tolist()
    ([0, 1, 2, 3], '4c', [10.1, 10.1, 10.1])
    """
    n = len(formers)
    if len(free) != 2 * n:
        raise _not(what, f"two anions per tetrahedron that are not bound to it ({2 * n})", str(len(free)))
    edge = (4.0 * abs(float(np.linalg.det(cell))) / n) ** (1 / 3)
    around = neighbours_within(free, formers, cell, 0.66 * edge)
    shell = around.counts(len(free))
    octahedral, tetrahedral = np.flatnonzero(shell == 6), np.flatnonzero(shell == 4)
    if len(octahedral) != n or len(tetrahedral) != n:
        raise _not(
            what, f"{n} free anions among six tetrahedra (4a) and {n} among four (4c or 4d)",
            f"{len(octahedral)} and {len(tetrahedral)}",
        )  # fmt: skip
    axes = _axes(around.vector[shell[around.centre] == 6])
    side = np.prod(around.vector[shell[around.centre] == 4] @ np.linalg.inv(axes), axis=1).sum()
    return FreeAnions(octahedral, tetrahedral, "4c" if side > 0 else "4d", axes)


@typed
def cage_vertices(found: FreeAnions, vertices: Vertices = "24g", u: float = 0.0226) -> Floats:
    """Vectors in A from the middle of a lithium cage to its sites, the same for all cages.

    Six corners of an octahedron ("24g", with the free coordinate `u` of `cage_sites`), or the twelve holes (T5) that
    share faces in pairs there ("48h"); InputError for other words.

    >>> cubic = FreeAnions(np.arange(1), np.arange(1, 2), "4d", 10.155 * np.eye(3))
    >>> [(len(v), round(float(np.linalg.norm(v, axis=1).max()), 2)) for v in map(
    ...     lambda kind: cage_vertices(cubic, kind), ("24g", "48h"))]
    [(6, 2.31), (12, 2.71)]
    """
    one_of("vertices", vertices, ("24g", "48h"))
    positions, _, orbits = framework(found.setting)
    middle = positions[orbits == found.setting][0]
    if vertices == "24g":
        sites, number = cage_sites(u, setting=found.setting), 6
    else:
        sites, number = tetrahedral_sites(("T5",), setting=found.setting)[0], 12
    vectors = sites - middle
    vectors = (vectors - np.rint(vectors)) @ found.axes
    return np.asarray(vectors[np.argsort(np.linalg.norm(vectors, axis=1), kind="stable")[:number]])


def _not(what: str, need: str, got: str) -> NotArgyrodite:
    return NotArgyrodite(f"{what} (not an argyrodite)", need=need, got=got)


def _axes(vectors: Floats) -> Floats:
    """Cell vectors from the vectors between 4a sites and their six formers, nearest to the Cartesian axes."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    first = unit[int(np.argmax(np.abs(unit).max(axis=1)))]
    across = unit[np.abs(unit @ first) < 0.5]
    second = across[int(np.argmax(np.abs(across).max(axis=1)))]
    axes = np.array([first, second, np.cross(first, second)])
    # Each Cartesian axis takes the cubic axis that is most along it; the last one closes a right-handed set.
    order: list[int] = []
    for k in range(3):
        order.append(max((i for i in range(3) if i not in order), key=lambda i: abs(axes[i, k])))
    axes = axes[order]
    axes *= np.where(np.diagonal(axes) < 0, -1.0, 1.0)[:, None]
    if np.linalg.det(axes) < 0:
        axes[2] *= -1.0
    along = unit @ axes.T
    mine = np.abs(along).argmax(axis=1)
    signed = vectors * np.sign(np.take_along_axis(along, mine[:, None], axis=1))
    # A former is half an edge away; means keep the strain of the cell and take out what is local.
    return np.array([2.0 * signed[mine == k].mean(axis=0) for k in range(3)])
