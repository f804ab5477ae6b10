"""A small conductor whose hops are known, and its shells."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("MDAnalysis", reason="the MDAnalysis plugin needs MDAnalysis")

from ionpath_mdanalysis import CoordinationShells
from ionpath_mdanalysis.example import EDGE, VERTICES, hopping_universe


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
    return hopping_universe(n_frames=600, seed=3)


@pytest.fixture
def lithium(universe):
    universe.trajectory[0]
    return universe.select_atoms("name Li")


def crystal():
    """The ideal sites of the example as ASE Atoms, in the order of its universe: lithium sites, then sulfur."""
    import ase

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
def shells(universe) -> CoordinationShells:
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
