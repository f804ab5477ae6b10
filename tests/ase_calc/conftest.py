"""Structures for the tests of the ASE plugin."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal


@pytest.fixture
def salt() -> Atoms:
    """LiCl, 8 atoms, shaken."""
    atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
    atoms.positions += np.random.default_rng(3).normal(0.0, 0.05, atoms.positions.shape)
    return atoms


@pytest.fixture
def argyrodite() -> Atoms:
    """Li6PS5Cl with lithium on 24g, 52 atoms, shaken (cell of Kraft et al., doi:10.1021/jacs.7b06327)."""
    made = crystal(
        ["Cl", "P", "S", "S", "Li"],
        [(0, 0, 0), (0, 0, 0.5), (0.25, 0.25, 0.75), (0.12, -0.12, 0.62), (0.02, 0.25, 0.75)],
        spacegroup=216,
        cellpar=[9.85, 9.85, 9.85, 90, 90, 90],
    )
    atoms = Atoms(made.get_chemical_symbols(), positions=made.positions, cell=made.cell, pbc=True)
    assert atoms.get_chemical_formula() == "Cl4Li24P4S20"
    atoms.positions += np.random.default_rng(5).normal(0.0, 0.03, atoms.positions.shape)
    return atoms
