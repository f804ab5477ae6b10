"""Structures for the tests of the ASE plugin."""

from __future__ import annotations

from pathlib import Path

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


@pytest.fixture(scope="session")
def different_models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three potentials: the shipped one, and two whose fitting nets were moved at random by 10 %."""
    import tensorflow as tf

    from ionpath_ase.potentials import resolve

    folder = tmp_path_factory.mktemp("models")
    made = []
    for number in (1, 2, 3):
        graph = tf.compat.v1.GraphDef()
        graph.ParseFromString(resolve("argyrodite").read_bytes())
        rng = np.random.default_rng(number)
        for node in graph.node if number > 1 else ():
            if node.op == "Const" and "layer_" in node.name and node.name.endswith("matrix"):
                values = tf.make_ndarray(node.attr["value"].tensor)
                moved = values + 0.1 * values.std() * rng.standard_normal(values.shape)
                node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(moved.astype(values.dtype)))
        made.append(folder / ("salt.pb" if number == 1 else f"salt.{number}.pb"))
        made[-1].write_bytes(graph.SerializeToString())
    assert made[0].read_bytes() != made[1].read_bytes() != made[2].read_bytes()
    return made
