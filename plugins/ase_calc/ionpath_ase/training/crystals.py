"""Small crystals that start training runs: LiCl, Li2S, Li4P2S6 and Li7P3S11."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal

_LI7P3S11 = {
    "Li": (
        (0.1684, 0.0570, 0.6005), (0.1073, 0.5342, 0.3779), (0.6850, 0.4933, 0.2147), (0.4699, 0.8486, 0.7433),
        (0.7984, 0.7982, 0.8177), (0.1707, 0.6273, 0.0022), (0.6417, 0.2589, 0.6293),
    ),
    "P": ((0.2866, 0.0467, 0.9522), (0.9775, 0.0029, 0.7822), (0.3288, 0.3021, 0.5494)),
    "S": (
        (0.3410, 0.2744, 0.1006), (0.3154, 0.1049, 0.8137), (0.3376, 0.7124, 0.9786), (0.8213, 0.1822, 0.8040),
        (0.9837, 0.0471, 0.6296), (0.0087, 0.6674, 0.8105), (0.0991, 0.1871, 0.9248), (0.3189, 0.3688, 0.3919),
        (0.3478, 0.9524, 0.5482), (0.1741, 0.4708, 0.5795), (0.4682, 0.4111, 0.6904),
    ),
}  # fmt: skip


def lithium_chloride() -> Atoms:
    """Build LiCl.

    Rock salt, a = 5.129 A at room temperature: Wyckoff, Crystal Structures 1 (Interscience, New York, 1963), p. 85.

    >>> lithium_chloride().get_chemical_formula()
    'Cl4Li4'
    """
    return bulk("LiCl", "rocksalt", a=5.129, cubic=True)


def lithium_sulfide() -> Atoms:
    """Build Li2S.

    Antifluorite, a = 5.708 A at room temperature: Buehrer et al., J. Phys.: Condens. Matter 3, 1055 (1991),
    doi:10.1088/0953-8984/3/9/004.

    >>> lithium_sulfide().get_chemical_formula()
    'Li8S4'
    """
    return _plain(crystal(["S", "Li"], [(0, 0, 0), (0.25, 0.25, 0.25)], spacegroup=225, cellpar=[5.708] * 3 + [90] * 3))


def lithium_hypothiodiphosphate() -> Atoms:
    """Build an ordered model of Li4P2S6.

    Cell of Mercier et al., J. Solid State Chem. 43, 151 (1982), doi:10.1016/0022-4596(82)90224-9: a = 6.070, c = 6.577
    A. In their average structure (P6_3/mcm) the P-P pairs sit at two heights with half occupancy; here all of them are
    at one. The free coordinates are those that make P-P 2.25 A and P-S 2.03 A long.

    >>> lithium_hypothiodiphosphate().get_chemical_formula()
    'Li4P2S6'
    """
    return _plain(
        crystal(
            ["Li", "Li", "P", "S"],
            [(1 / 3, 2 / 3, 0), (1 / 3, 2 / 3, 0.5), (0, 0, 0.171), (0.3237, 0, 0.25)],
            spacegroup=162,
            cellpar=[6.070, 6.070, 6.577, 90, 90, 120],
        )
    )


def heptalithium_thiophosphate() -> Atoms:
    """Build Li7P3S11.

    Cell of Yamane et al., Solid State Ionics 178, 1163 (2007), doi:10.1016/j.ssi.2007.05.020. The coordinates are
    relaxed in that cell with the potential of this package, from labelled frames of the compound.

    >>> heptalithium_thiophosphate().get_chemical_formula()
    'Li14P6S22'
    """
    symbols, positions = [], []
    for element, places in _LI7P3S11.items():
        for place in places:
            symbols += [element, element]
            positions += [place, tuple(-np.array(place) % 1.0)]
    return Atoms(
        symbols, scaled_positions=positions, cell=[12.5009, 6.0316, 12.5303, 102.845, 113.2024, 74.467], pbc=True
    )


def _plain(made: Atoms) -> Atoms:
    """Without the notes that ASE's builder leaves."""
    return Atoms(made.get_chemical_symbols(), positions=made.positions, cell=made.cell, pbc=True)
