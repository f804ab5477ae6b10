"""A collective variable of another package (the toy of tests/core/plugins) on the real kernel."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ionpath import plugins
from ionpath.cvs import CellVariable, finite_differences
from ionpath.errors import InputError
from ionpath.plugins import hookimpl
from ionpath_plumed.driver import evaluate
from ionpath_plumed.kernel import Engine

TOY = Path(__file__).parents[1] / "core/plugins/toy_plugin/ionpath_toy/__init__.py"
CELL = np.array([[9.0, 0.0, 0.0], [1.0, 8.0, 0.0], [-0.5, 1.5, 10.0]])
HEAD = ["UNITS LENGTH=A", "LOAD FILE=PythonCVInterface.so"]
VARIABLE = "v: PYCVINTERFACE ATOMS=3,2 IMPORT=ionpath_plumed.plugin INIT={name=scaled-distance}"


@pytest.fixture(scope="module")
def toy():
    """The toy package, registered in this process."""
    spec = importlib.util.spec_from_file_location("ionpath_toy", TOY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    plugins.register(module, name="toy")
    yield module
    plugins.unregister(module)


def places(n: int = 6) -> list[np.ndarray]:
    """Three atoms, some of them in other cells."""
    rng = np.random.default_rng(4)
    return [(rng.random((3, 3)) + rng.integers(-1, 2, (3, 3))) @ CELL for _ in range(n)]


def shortest(vector: np.ndarray) -> float:
    """Shortest image among 729, in A."""
    shifts = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), -1).reshape(-1, 3) @ CELL
    return float(np.linalg.norm(vector + shifts, axis=1).min())


def test_value_is_that_of_a_function_that_gets_its_cell(toy):
    from ase import Atoms

    frames = places()
    table = evaluate([*HEAD, VARIABLE], [Atoms("Li3", positions=p, cell=CELL, pbc=True) for p in frames], arguments="v")
    edge = np.linalg.det(CELL) ** (1 / 3)
    assert table["v"] == pytest.approx([shortest(p[1] - p[2]) / edge for p in frames], rel=1e-9)


def test_forces_and_virial_are_the_numerical_ones(toy):
    lines = [*HEAD, VARIABLE, "r: RESTRAINT ARG=v AT=0.2 KAPPA=300"]  # kJ/mol
    with Engine(lines, 3) as engine:
        for place in places(3):
            _, forces, virial = engine.step(0, place, CELL)
            numeric, step = np.zeros((3, 3)), 1e-5
            for atom, axis in np.ndindex(3, 3):
                ends = []
                for sign in (1, -1):
                    moved = place.copy()
                    moved[atom, axis] += sign * step
                    ends.append(engine.step(1, moved, CELL)[0])
                numeric[atom, axis] = -(ends[0] - ends[1]) / (2 * step)
            assert np.abs(forces).max() > 1.0  # kJ/mol/A
            assert forces == pytest.approx(numeric, abs=1e-5)
            for a, b in np.ndindex(3, 3):
                ends = []
                for sign in (1, -1):
                    strain = np.eye(3)
                    strain[a, b] += sign * step
                    ends.append(engine.step(1, place @ strain, CELL @ strain)[0])
                numeric[a, b] = (ends[0] - ends[1]) / (2 * step)
            # what PLUMED hands to the engine is the derivative of the bias with respect to strain
            assert virial == pytest.approx(numeric, abs=1e-5)


def test_derivatives_of_the_toy_are_right_without_plumed(toy):
    variable = CellVariable(toy.scaled_distance, 2)
    place = places(1)[0][:2]
    found = variable.evaluate(place, CELL)
    gradients, virials = finite_differences(variable, place, CELL)
    assert found.gradients == pytest.approx(gradients, abs=1e-8)
    assert found.virials == pytest.approx(virials, abs=1e-8)


def test_without_a_cell_the_function_gets_zeros():
    seen = []

    class Records:
        @hookimpl
        def collective_variables(self):
            def here(positions, cell):
                seen.append(cell)
                return positions[0, 0], np.eye(3)[:1], np.zeros((3, 3))

            return {"here": here}

    plugin = Records()
    plugins.register(plugin, name="records")
    try:
        line = "v: PYCVINTERFACE ATOMS=1 IMPORT=ionpath_plumed.plugin INIT={name=here nopbc=True}"
        with Engine([*HEAD, line, "r: RESTRAINT ARG=v AT=0 KAPPA=1"], 1) as engine:
            energy, forces, _ = engine.step(0, [[2.0, 0.0, 0.0]], None)
    finally:
        plugins.unregister(plugin)
    assert energy == pytest.approx(2.0)  # kJ/mol: half of 1 times 2 squared
    assert forces[0] == pytest.approx([-2.0, 0.0, 0.0])
    assert seen and all(cell.shape == (3, 3) and not cell.any() for cell in seen)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda x, c: 3.0, r"collective variable: need \(value, gradient, virial\), got float"),
        (
            lambda x, c: (1.0, np.zeros((3, 3)), np.zeros((3, 3))),
            r"gradient of the collective variable: need shape \(2, 3\), got \(3, 3\)",
        ),
        (
            lambda x, c: (1.0, np.zeros((2, 3)), np.zeros(6)),
            r"virial of the collective variable: need shape \(3, 3\), got \(6,\)",
        ),
    ],
)
def test_what_a_function_returns_is_checked(function, sentence):
    with pytest.raises(InputError, match=sentence):
        CellVariable(function, 2).evaluate(np.zeros((2, 3)), CELL)
