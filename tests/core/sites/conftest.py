"""Structures and trajectories that the tests of this folder share."""

from __future__ import annotations

import gzip
from typing import NamedTuple

import numpy as np
import pytest

from ionpath.lattice import argyrodite
from ionpath.sites.shells import CoordinationShells

ROTATED_45 = np.array([[3, 3, 0], [-3, 3, 0], [0, 0, 1]])


class Trajectory(NamedTuple):
    cell: np.ndarray
    elements: np.ndarray
    positions: np.ndarray


def read_xdatcar(path):
    """Cell, elements and Cartesian positions (A) of a VASP trajectory at constant volume."""
    with gzip.open(path, "rt") as file:
        lines = file.read().splitlines()
    cell = np.array([line.split() for line in lines[2:5]], dtype=float)
    counts = [int(n) for n in lines[6].split()]
    elements = np.repeat(lines[5].split(), counts)
    body = lines[7:]
    size = sum(counts) + 1
    frames = [body[t : t + size][1:] for t in range(0, len(body) - size + 1, size)]
    coordinates = np.array([[line.split()[:3] for line in frame] for frame in frames], dtype=float)
    return Trajectory(cell, elements, coordinates @ cell)


@pytest.fixture(scope="session")
def aimd(shared_data):
    """Ab initio trajectory of Li6PS5Cl at 500 K by inversion ("0p" or "50p") and run (1 or 2)."""
    cache = {}

    def get(inversion, run=1):
        key = inversion, run
        if key not in cache:
            path = shared_data / "aimd" / f"Li6PS5Cl-{inversion}-run{run}.XDATCAR.gz"
            if not path.exists():
                pytest.skip(f"{path.name} is not among the reference data")
            cache[key] = read_xdatcar(path)
        return cache[key]

    return get


def supercell(points, repeats):
    """Fractional coordinates of `points` in a cell repeated along each axis."""
    shifts = np.array(np.meshgrid(*[range(n) for n in repeats], indexing="ij")).reshape(3, -1).T
    return ((points[None] + shifts[:, None]) / np.array(repeats)).reshape(-1, 3)


@pytest.fixture(scope="session")
def cages():
    """Octahedral cages of a 2 x 2 x 2 argyrodite: 32 centres, 192 sites, edge 20.31 A."""
    framework, _, orbits = argyrodite.framework()
    centres = supercell(framework[orbits == "4d"], (2, 2, 2))
    sites = supercell(argyrodite.cage_sites(), (2, 2, 2))
    cell = np.eye(3) * 2.0 * argyrodite.REFERENCE_EDGE
    return CoordinationShells.from_sites(cell, centres, sites, n_vertices=6, kinds=np.full(32, "S"))
