"""Smallest package that extends ionpath through each of its hooks: names that the host packages then know."""

from pathlib import Path

import numpy as np

from ionpath.kinetics import SiteAssignment
from ionpath.plugins import hookimpl


def hemispheres(shells, *, cutoff, mode, margin):
    """Nearest site by brute force over all sites and the 27 nearest images."""
    sites = np.asarray(shells.site_positions)
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)

    def assign(ions, cells, centres):
        state = np.empty(ions.shape[:2], dtype=np.int32)
        ambiguous = np.empty(ions.shape[:2], dtype=bool)
        for t, frame in enumerate(ions):
            images = sites[None] + (shifts @ cells[t])[:, None]
            distance = np.linalg.norm(frame[:, None, None] - images[None], axis=-1).min(axis=1)
            state[t] = distance.argmin(axis=1)
            first, second = np.sort(distance, axis=1)[:, :2].T
            ambiguous[t] = second - first < margin
            if cutoff is not None:
                state[t][first > cutoff] = -1
        return SiteAssignment(state, ambiguous)

    return assign


def coordination(positions, cell):
    """Number of atoms within 3 A by brute force over the 27 nearest images."""
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    images = (positions[None] + (shifts @ cell)[:, None]).reshape(-1, 3)
    distance = np.linalg.norm(positions[:, None] - images[None], axis=-1)
    return (distance < 3.0).sum(axis=1) - 1.0


def scaled_distance(positions, cell):
    """Shortest distance of two atoms over the cube root of the volume: a pure number that needs the cell."""
    vector = positions[1] - positions[0]
    vector = vector - np.round(vector @ np.linalg.inv(cell)) @ cell  # right for cells that are not much sheared
    length, edge = np.linalg.norm(vector), np.linalg.det(cell) ** (1 / 3)
    slope = vector / (length * edge)
    virial = -np.outer(vector, slope) + length / (3 * edge) * np.eye(3)
    return length / edge, np.array([-slope, slope]), virial


@hookimpl
def discretisers():
    return {"hemispheres": hemispheres}


@hookimpl
def order_parameters():
    return {"coordination": coordination}


@hookimpl
def potentials():
    return {"toy-potential": Path(__file__).with_name("toy.pb")}


@hookimpl
def collective_variables():
    return {"scaled-distance": scaled_distance}
