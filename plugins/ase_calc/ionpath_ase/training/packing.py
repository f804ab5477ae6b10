"""Disordered starts for melts and glasses: tetrahedra, ions, and the contacts they keep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray
from scipy.optimize import minimize

from ionpath.arguments import typed
from ionpath.elements import CHARGES
from ionpath.errors import InputError, IonpathError, positive

FloatArray = NDArray[np.float64]

_CLOSEST = {
    ("Li", "Li"): 2.7, ("Li", "P"): 2.8, ("Li", "S"): 2.35, ("Cl", "Li"): 2.3, ("Li", "Si"): 2.8,
    ("P", "P"): 3.2, ("P", "S"): 3.0, ("Cl", "P"): 3.4, ("P", "Si"): 3.6, ("S", "S"): 3.3,
    ("Cl", "S"): 3.5, ("S", "Si"): 3.1, ("Cl", "Cl"): 3.6, ("Cl", "Si"): 3.4, ("Si", "Si"): 3.4,
}  # fmt: skip
_BOND = {("P", "S"): 2.05, ("S", "Si"): 2.13, ("P", "P"): 2.25}
"""Closest contacts and bonds in A, as they are in the crystals of the same elements (P-P: Li4P2S6)."""
MOST = 5_000
"""Ions of a cube: all pairs of them are in memory."""


@typed
def packed_ions(counts: Mapping[str, int], *, density: float = 1.9, seed: int = 0, worst: float = 0.6) -> Atoms:
    """Pack PS4 (or SiS4), P2S7, P2S6 and ions in a cube without order.

    Parameters
    ----------
    counts : mapping of str to int
        Numbers of Li, P, Si, S and Cl.
    density : float, default 1.9
        Density in g/cm3.
    seed : int, default 0
        Seed of the arrangement.
    worst : float, default 0.6
        How much shorter than in crystals, in A, a contact may be, and how far off a bond.

    Returns
    -------
    ase.Atoms
        Periodic cube; a start for a melt, not a glass.

    Raises
    ------
    InputError
        If the composition has none of the packings below.
    IonpathError
        If so many atoms do not fit at this density.

    Notes
    -----
    The composition says which anions there are. Phosphorus is P(5+) but in P2S6, whose two P are bonded to each other
    and P(4+), so that there are (n_Li + 5 n_P + 4 n_Si - 2 n_S - n_Cl) / 2 of these. The other centres are tetrahedra;
    where sulfur is missing, pairs of them share a corner (P2S7), and what is left over is S(2-). In the
    glasses LiP0.465Sy, y from 1.605 to 1.651, of Chen et al. (ACS Energy Lett. 8, 1969, 2023) this replaces P2S6 by
    P2S7 while the number of PS4 stays.

    Random positions are moved downhill (L-BFGS) on a sum of squares: bonds that are not 2.05 A (Si-S 2.13 A, P-P
    2.25 A), and other pairs that are closer than in crystals.

    Examples
    --------
    >>> packed_ions({"Li": 6, "P": 2, "S": 8}, seed=1).get_chemical_formula()
    'Li6P2S8'
    """
    positive("density", density, "g/cm3")
    positive("worst", worst, "A")
    symbols, bonds = _units(counts)
    mass = sum(atomic_masses[atomic_numbers[s]] for s in symbols)
    edge = float((mass / density / 0.602214076) ** (1 / 3))
    wanted, weights, bonded = _rules(symbols, bonds)
    rng = np.random.default_rng(seed)
    for _ in range(8):
        start = _scatter(symbols, bonds, edge, rng)
        found = minimize(
            _cost, start.ravel(), args=(edge, wanted, weights, bonded), jac=True, method="L-BFGS-B",
            options={"maxiter": 3000},
        )  # fmt: skip
        positions: FloatArray = found.x.reshape(-1, 3)
        if _violation(positions, edge, wanted, bonded) < worst:
            return Atoms(symbols, positions=positions, cell=[edge] * 3, pbc=True, info={})
    raise IonpathError(
        f"{len(symbols)} atoms could not be packed at {density} g/cm3 without contacts that are {worst} A too short; "
        "lower the density"
    )


def _units(counts: Mapping[str, int]) -> tuple[list[str], list[tuple[int, int]]]:
    """Elements in order, and the bonds of centres with each other and with sulfur."""
    unknown = sorted(set(counts) - {"Li", "P", "Si", "S", "Cl"})
    if unknown or not counts or any(number != int(number) or number < 0 for number in counts.values()):
        raise InputError("counts", need="numbers of Li, P, Si, S, Cl", got=str(dict(counts)))
    if not 1 <= (number := sum(counts.values())) <= MOST:
        remedy = "pack a smaller cube, and repeat it"
        raise InputError("counts", need=f"1 to {MOST:,} ions", got=f"{number:.6g}", remedy=remedy)
    symbols = [e for e in ("Li", "P", "Si", "Cl", "S") for _ in range(int(counts.get(e, 0)))]
    excess = sum(CHARGES[symbol] for symbol in symbols)
    joined = excess // 2
    if excess % 2 or not 0 <= 2 * joined <= counts.get("P", 0):
        need = "a composition that is neutral, or has two positive charges too many for each P2S6"
        got = f"a charge of {excess:+d} e with {counts.get('P', 0)} P"
        remedy = f"change Li by {-excess if excess < 0 else -(excess % 2)}" if excess < 0 or excess % 2 else "add S"
        raise InputError("counts", need=need, got=got, remedy=remedy)
    centres = counts.get("P", 0) + counts.get("Si", 0) - 2 * joined
    sulfur = counts.get("S", 0) - 6 * joined
    shared = max(0, 4 * centres - sulfur)
    if 2 * shared > centres:
        got = f"{sulfur} for {centres}"
        raise InputError("counts", need="at least 3.5 sulfur per tetrahedron", got=got, remedy="add Li2S")
    first = counts.get("Li", 0)
    free = first + counts.get("P", 0) + counts.get("Si", 0) + counts.get("Cl", 0)
    bonds: list[tuple[int, int]] = []
    for pair in range(joined):
        both = (first + 2 * pair, first + 2 * pair + 1)
        bonds.append(both)
        bonds += [(both[k // 3], free + 6 * pair + k) for k in range(6)]
    first, free, taken = first + 2 * joined, free + 6 * joined, 0
    for centre in range(centres):
        corners = 4
        if centre < 2 * shared and centre % 2:  # the second of a pair takes the first one's last sulfur
            bonds.append((first + centre, free + taken - 1))
            corners = 3
        bonds += [(first + centre, free + taken + k) for k in range(corners)]
        taken += corners
    return symbols, bonds


def _bond(symbols: list[str], i: int, j: int) -> float:
    return _BOND[min(symbols[i], symbols[j]), max(symbols[i], symbols[j])]


def _rules(symbols: list[str], bonds: list[tuple[int, int]]) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Wanted distance and weight of each pair, and which pairs are bonds."""
    n = len(symbols)
    wanted: FloatArray = np.zeros((n, n))
    for i, a in enumerate(symbols):
        for j, b in enumerate(symbols):
            wanted[i, j] = _CLOSEST[min(a, b), max(a, b)]
    bonded = np.zeros((n, n), dtype=bool)
    for i, j in bonds:
        bonded[i, j] = bonded[j, i] = True
        wanted[i, j] = wanted[j, i] = _bond(symbols, i, j)
    weights = np.where(bonded, 5.0, 1.0)
    np.fill_diagonal(weights, 0.0)
    return wanted, weights, bonded


def _scatter(symbols: list[str], bonds: list[tuple[int, int]], edge: float, rng: np.random.Generator) -> FloatArray:
    """Random places, with bonded atoms beside each other."""
    positions: FloatArray = rng.uniform(0.0, edge, (len(symbols), 3))
    for centre, corner in bonds:
        step = rng.standard_normal(3)
        positions[corner] = positions[centre] + _bond(symbols, centre, corner) * step / np.linalg.norm(step)
    return positions


def _separations(positions: FloatArray, edge: float) -> tuple[FloatArray, FloatArray]:
    apart = positions[:, None] - positions[None]
    apart -= edge * np.round(apart / edge)
    distances = np.sqrt((apart**2).sum(axis=2))
    np.fill_diagonal(distances, 1.0)
    return apart, distances


def _cost(
    flat: FloatArray, edge: float, wanted: FloatArray, weights: FloatArray, bonded: NDArray[np.bool_]
) -> tuple[float, FloatArray]:
    """Sum of squared violations, and its gradient."""
    apart, distances = _separations(flat.reshape(-1, 3), edge)
    off = distances - wanted
    off[~bonded & (off > 0.0)] = 0.0
    slope = 2.0 * (weights * off / distances)[:, :, None] * apart
    return 0.5 * float((weights * off**2).sum()), slope.sum(axis=1).ravel()


def _violation(positions: FloatArray, edge: float, wanted: FloatArray, bonded: NDArray[np.bool_]) -> float:
    distances = _separations(positions, edge)[1]
    np.fill_diagonal(distances, np.inf)
    short = np.max(wanted - distances)
    stretched = np.abs(distances - wanted)[bonded].max(initial=0.0)
    return float(max(short, stretched))
