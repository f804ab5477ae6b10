"""Sites of argyrodites Li6PS5X in F-43m: the anion framework and the tetrahedral holes between its anions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from typing import Literal

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats, Ints, Symbols
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.msonable import Msonable

Setting = Literal["4d", "4c"]

REFERENCE_EDGE = 10.155
"""Edge of the conventional cell of Li6PS5Cl that the reference sites belong to, in A."""

FRAMEWORK: dict[str, tuple[str, tuple[float, float, float]]] = {
    "P": ("P", (0.5, 0.5, 0.5)),
    "S16e": ("S", (0.11824, 0.11824, 0.38176)),
    "4a": ("Cl", (0.0, 0.0, 0.0)),
    "4d": ("S", (0.75, 0.25, 0.25)),
}
"""Framework orbit -> element in ordered Li6PS5Cl and one point of the orbit, in the 4d setting."""


@documented
@dataclass(frozen=True)
class TetrahedralSite(Msonable):
    """One kind of tetrahedral hole between the anions."""

    name: str  # T0 to T5; T0 is taken by phosphorus
    multiplicity: int  # number per conventional cell
    point: tuple[float, float, float]  # fractional coordinates of one of them, in the 4d setting
    vertices: tuple[str, str, str, str]  # framework orbits of the four anions around it


TETRAHEDRAL_SITES: tuple[TetrahedralSite, ...] = (
    TetrahedralSite("T0", 4, (0.5, 0.5, 0.5), ("S16e", "S16e", "S16e", "S16e")),
    TetrahedralSite("T1", 16, (0.9, 0.9, 0.6), ("S16e", "S16e", "S16e", "4d")),
    TetrahedralSite("T2", 48, (0.77, 0.585, 0.585), ("S16e", "S16e", "4a", "4d")),
    TetrahedralSite("T3", 4, (0.25, 0.25, 0.25), ("S16e", "S16e", "S16e", "S16e")),
    TetrahedralSite("T4", 16, (0.15, 0.15, 0.15), ("S16e", "S16e", "S16e", "4a")),
    TetrahedralSite("T5", 48, (0.0, 0.183, 0.183), ("S16e", "S16e", "4a", "4d")),
)
"""The 136 tetrahedral holes of the conventional cell, by kind."""

_CENTRING = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def point_group() -> Ints:
    """Return the 24 operations of the point group -43m.

    >>> point_group().shape
    (24, 3, 3)
    """
    identity = np.eye(3, dtype=np.int64)
    signs = [s for s in product((1, -1), repeat=3) if np.prod(s) == 1]
    return np.array([np.array(s)[:, None] * identity[list(p)] for p in permutations(range(3)) for s in signs])


@typed
def orbit(point: Finite, *, setting: Setting = "4d", tolerance: float = 1e-4) -> Floats:
    """Return all symmetry-equivalent positions of a point in F-43m.

    Parameters
    ----------
    point : array_like, (3,)
        Fractional coordinates in the 4d setting.
    setting : {"4d", "4c"}
        Setting to return positions in; the two are mirror images of each other.
    tolerance : float
        Positions closer than this, in fractional units, are the same.

    Returns
    -------
    ndarray, (multiplicity, 3)
        Fractional coordinates in [0, 1), in a fixed order.

    Examples
    --------
    >>> len(orbit((0.0, 0.183, 0.183))), len(orbit((0.5, 0.5, 0.5)))
    (48, 4)
    """
    images = point_group() @ np.asarray(point, dtype=np.float64)
    images = (images[None, :, :] + _CENTRING[:, None, :]).reshape(-1, 3) * _handedness(setting)
    images = np.mod(images + 1e-9, 1.0) - 1e-9
    kept: list[Floats] = []
    for image in images:
        if not kept or (np.abs(_nearest(np.array(kept) - image)).max(axis=1) > tolerance).all():
            kept.append(image)
    found = np.round(np.array(kept), 12) + 0.0
    return np.asarray(found[np.lexsort(found.T[::-1])])


@typed
def framework(setting: Setting = "4d") -> tuple[Floats, Symbols, Symbols]:
    """Return the 28 framework atoms of the conventional cell of ordered Li6PS5Cl.

    Parameters
    ----------
    setting : {"4d", "4c"}
        Where the sulfur outside the tetrahedra is.

    Returns
    -------
    positions : ndarray, (28, 3)
        Fractional coordinates.
    elements : ndarray of str, (28,)
        P, S or Cl.
    orbits : ndarray of str, (28,)
        P, S16e, 4a or 4d; the last is 4c in the 4c setting.

    Examples
    --------
    >>> positions, elements, orbits = framework()
    >>> {str(e): int((elements == e).sum()) for e in ("P", "S", "Cl")}
    {'P': 4, 'S': 20, 'Cl': 4}
    """
    positions, elements, orbits = [], [], []
    for name, (element, point) in FRAMEWORK.items():
        points = orbit(point, setting=setting)
        positions.append(points)
        elements += [element] * len(points)
        orbits += [setting if name == "4d" else name] * len(points)
    return np.concatenate(positions), np.array(elements), np.array(orbits)


@typed
@references("morgan2021")
def tetrahedral_sites(
    kinds: tuple[str, ...] = ("T0", "T1", "T2", "T3", "T4", "T5"), *, setting: Setting = "4d"
) -> tuple[Floats, Symbols]:
    """Return the tetrahedral holes of the conventional cell.

    Parameters
    ----------
    kinds : tuple of str
        Which kinds of hole.
    setting : {"4d", "4c"}
        Where the sulfur outside the tetrahedra is.

    Returns
    -------
    positions : ndarray, (n, 3)
        Fractional coordinates, kind by kind.
    names : ndarray of str, (n,)
        Kind of each.

    Notes
    -----
    Kinds and coordinates follow B. J. Morgan, Chem. Mater. 33, 2004 (2021),
    doi:10.1021/acs.chemmater.0c03738. The lithium of the ordered compound is on T5 (Wyckoff 48h); pairs of T5
    that share a face have a 24g site between them.

    Examples
    --------
    >>> positions, names = tetrahedral_sites()
    >>> len(positions), int((names == "T5").sum())
    (136, 48)
    """
    table = {site.name: site for site in TETRAHEDRAL_SITES}
    unknown = [kind for kind in kinds if kind not in table]
    if unknown or not kinds:
        got = ", ".join(unknown) or "none"
        raise InputError("kinds", need=f"some of {', '.join(table)}", got=got, remedy="choose from this list")
    points = [orbit(table[kind].point, setting=setting) for kind in kinds]
    return np.concatenate(points), np.repeat(np.array(kinds), [len(p) for p in points])


@typed
def cage_sites(u: float = 0.0226, *, setting: Setting = "4d") -> Floats:
    """Return the 24g positions: the corners of the octahedral lithium cages.

    Parameters
    ----------
    u : float
        Free coordinate of the 24g site (u, 1/4, 1/4) around 4c, or its mirror image (-u, 3/4, 3/4) around 4d.
    setting : {"4d", "4c"}
        Where the centres of the cages are.

    Returns
    -------
    ndarray, (24, 3)
        Fractional coordinates.

    Notes
    -----
    With u = 0.0226 and an edge of 10.100 A a corner is 2.30 A from the centre of its cage.

    Examples
    --------
    >>> round((0.25 - 0.0226) * 10.1, 2), cage_sites().shape
    (2.3, (24, 3))
    """
    return orbit((-u, 0.75, 0.75), setting=setting)


@typed
def setting_from_bonds(bonds: Finite) -> Setting:
    """Tell the setting from vectors (n, 3), P to the S bound to it, along the cubic axes in any unit.

    It is named by the orbit that holds the free sulfur: the one that the bonds do not point to, with the halide at the
    origin. InputError if the bonds do not agree, as in a structure that is not aligned with the cubic axes.

    >>> setting_from_bonds([[1.2, 1.2, -1.2], [-1.2, -1.2, -1.2]])
    '4d'
    """
    vectors = np.asarray(bonds, dtype=np.float64).reshape(-1, 3)
    if len(vectors) == 0:
        raise InputError("bonds", need="vectors from P to S", got="none", remedy="check the bond cutoff")
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    hand = float(np.mean(np.prod(directions, axis=1)) * 3.0**1.5)
    if abs(hand) < 0.3:
        got = f"a mean of {hand:.2f} (of 1)"
        remedy = "rotate the structure to the cubic axes"
        raise InputError("bonds", need="P-S bonds along the body diagonals of one handedness", got=got, remedy=remedy)
    return "4d" if hand < 0 else "4c"


def _handedness(setting: str) -> float:
    one_of("setting", setting, ("4d", "4c"))
    return 1.0 if setting == "4d" else -1.0


def _nearest(difference: Floats) -> Floats:
    return difference - np.rint(difference)
