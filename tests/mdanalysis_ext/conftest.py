"""A small conductor whose hops are known, and its shells."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

if find_spec("MDAnalysis") is None:
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header():
    if find_spec("MDAnalysis") is None:
        return "tests/mdanalysis_ext is left out: MDAnalysis is not installed"
    return None


@pytest.fixture(autouse=True)
def _agg():
    import matplotlib

    matplotlib.use("agg")
    yield
    import matplotlib.pyplot

    matplotlib.pyplot.close("all")


@pytest.fixture(scope="session")
def universe():
    """24 lithium ions in 8 octahedral shells, 600 frames of 0.1 ps."""
    from ionpath_mdanalysis.example import hopping_universe

    return hopping_universe(n_frames=600, seed=3)


@pytest.fixture
def lithium(universe):
    universe.trajectory[0]
    return universe.select_atoms("name Li")


def crystal():
    """The ideal sites of the example as ASE Atoms, in the order of its universe: lithium sites, then sulfur."""
    import ase

    from ionpath_mdanalysis.example import EDGE, VERTICES

    grid = np.stack(np.meshgrid(*[np.arange(2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    centres = grid * EDGE + 0.5 * EDGE
    sites = (centres[:, None] + VERTICES).reshape(-1, 3)
    return ase.Atoms(
        ["Li"] * len(sites) + ["S"] * len(centres),
        positions=np.concatenate([sites, centres]),
        cell=[2 * EDGE] * 3,
        pbc=True,
    )


@pytest.fixture(scope="session")
def shells(universe):
    from ionpath_mdanalysis import CoordinationShells

    found = CoordinationShells.from_structure(crystal(), n_vertices=6)
    return CoordinationShells.from_sites(
        found.cell,
        found.centres,
        found.site_coordinates,
        n_vertices=6,
        kinds=found.kinds,
        centre_atoms=universe.select_atoms("name S").ix,
    )


@pytest.fixture
def crystal_atoms():
    return crystal()
