"""Disordered starts for melts and glasses: tetrahedra, ions, and the contacts they keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError, IonpathError

if TYPE_CHECKING:
    from ase import Atoms

FloatArray = NDArray[np.float64]

_CLOSEST = {
    ("Li", "Li"): 2.7, ("Li", "P"): 2.8, ("Li", "S"): 2.35, ("Cl", "Li"): 2.3, ("Li", "Si"): 2.8,
    ("P", "P"): 3.2, ("P", "S"): 3.0, ("Cl", "P"): 3.4, ("P", "Si"): 3.6, ("S", "S"): 3.3,
    ("Cl", "S"): 3.5, ("S", "Si"): 3.1, ("Cl", "Cl"): 3.6, ("Cl", "Si"): 3.4, ("Si", "Si"): 3.4,
}  # fmt: skip
_BOND = {"P": 2.05, "Si": 2.13}
"""Closest contacts and bonds in A, as they are in the crystals of the same elements."""


def packed_ions(
    counts: Mapping[str, int], *, density: float = 1.9, seed: int = 0, worst: float = 0.6
) -> Atoms:
    """Pack PS4 (or SiS4) tetrahedra, corner-shared pairs of them, and ions in a cube without order.

    Notes
    -----
    Random positions are moved downhill (L-BFGS) on a sum of squares: bonds that are not 2.05 A (Si-S 2.13 A), and other
    pairs that are closer than in crystals. The result is a start for a melt, not a glass.

    Examples
    --------
    >>> packed_ions({"Li": 6, "P": 2, "S": 8}, seed=1).get_chemical_formula()
    'Li6P2S8'
    """
    from ase import Atoms
    from ase.data import atomic_masses, atomic_numbers
    from scipy.optimize import minimize

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
    """Elements in order, and the bonds between centres and sulfur."""
    unknown = sorted(set(counts) - {"Li", "P", "Si", "S", "Cl"})
    if unknown or any(number < 0 for number in counts.values()):
        raise InputError("counts", need="numbers of Li, P, Si, S, Cl", got=str(dict(counts)))
    centres = counts.get("P", 0) + counts.get("Si", 0)
    sulfur, shared = counts.get("S", 0), max(0, 4 * centres - counts.get("S", 0))
    if 2 * shared > centres:
        raise InputError(
            "counts",
            need="at least 3.5 sulfur per tetrahedron",
            got=f"{sulfur} for {centres}",
            remedy="add Li2S",
        )
    symbols = [e for e in ("Li", "P", "Si", "Cl", "S") for _ in range(counts.get(e, 0))]
    first = counts.get("Li", 0)
    free = first + centres + counts.get("Cl", 0)
    bonds, taken = [], 0
    for centre in range(centres):
        corners = 4
        if centre < 2 * shared and centre % 2:  # the second of a pair takes the first one's last sulfur
            bonds.append((first + centre, free + taken - 1))
            corners = 3
        bonds += [(first + centre, free + taken + k) for k in range(corners)]
        taken += corners
    return symbols, bonds


def _rules(
    symbols: list[str], bonds: list[tuple[int, int]]
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Wanted distance and weight of each pair, and which pairs are bonds."""
    n = len(symbols)
    wanted: FloatArray = np.zeros((n, n))
    for i, a in enumerate(symbols):
        for j, b in enumerate(symbols):
            wanted[i, j] = _CLOSEST[min(a, b), max(a, b)]
    bonded = np.zeros((n, n), dtype=bool)
    for i, j in bonds:
        bonded[i, j] = bonded[j, i] = True
        wanted[i, j] = wanted[j, i] = _BOND[symbols[i]]
    weights = np.where(bonded, 5.0, 1.0)
    np.fill_diagonal(weights, 0.0)
    return wanted, weights, bonded


def _scatter(
    symbols: list[str], bonds: list[tuple[int, int]], edge: float, rng: np.random.Generator
) -> FloatArray:
    """Random places, with each sulfur near its centre."""
    positions: FloatArray = rng.uniform(0.0, edge, (len(symbols), 3))
    for centre, corner in bonds:
        step = rng.standard_normal(3)
        positions[corner] = positions[centre] + _BOND[symbols[centre]] * step / np.linalg.norm(step)
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
