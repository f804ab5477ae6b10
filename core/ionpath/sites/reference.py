"""Frames seen from the reference cell: without drift, without strain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError
from ionpath.framework import split_common
from ionpath.periodic import as_cells, check_finite, minimum_image
from ionpath.sites.nearest import Points, nearest_in_frames


@dataclass(frozen=True, eq=False)
class ReferenceFrames:
    """Frames seen from the reference cell: no drift, no strain."""

    ions: Floats  # (T, N, 3): fractional coordinates with the drift taken out
    # (T, M, 3): displacement of every centre from its place in the reference cell, in A of that cell; None with centres
    # at rest
    shifts: Floats | None


def fractional_frames(ions: ArrayLike, cells: ArrayLike) -> tuple[Floats, Floats]:
    """Check frames and give their fractional coordinates."""
    mobile = check_finite(ions, "ions")
    if mobile.ndim != 3 or 0 in mobile.shape:
        remedy = "select at least one ion, and add an axis for a single frame"
        raise InputError("ions", need="frames of ions (T, N, 3)", got=f"shape {mobile.shape}", remedy=remedy)
    lattice = as_cells(cells, "cells")
    if lattice.ndim == 3 and len(lattice) != len(mobile):
        remedy = "give one cell for all frames, or one per frame"
        raise InputError("cells", need=f"{len(mobile)} cells, one per frame", got=str(len(lattice)), remedy=remedy)
    inverse: Floats = np.asarray(np.linalg.inv(lattice), dtype=np.float64)
    return np.matmul(mobile.astype(np.float64, copy=False), inverse), inverse


def displacements(
    positions: ArrayLike, inverse: Floats, reference: Floats, n_frames: int, name: str
) -> tuple[Floats, Floats]:
    """Return the displacements of framework atoms from their places in the reference structure."""
    followed = check_finite(positions, name)
    expected = (n_frames, len(reference), 3)
    if followed.shape != expected:
        got = f"shape {followed.shape}"
        remedy = "give all of them in every frame, in the order of the reference structure"
        raise InputError(name, need=f"shape {expected}, frames x {name} of the reference x 3", got=got, remedy=remedy)
    return split_common(np.matmul(followed.astype(np.float64, copy=False), inverse) - reference)


def reference_frames(
    ions: ArrayLike,
    cells: ArrayLike,
    reference_cell: Floats,
    reference_centres: Floats,
    centres: ArrayLike | None = None,
    drift: ArrayLike | None = None,
) -> ReferenceFrames:
    """Take frames back to the reference cell."""
    coordinates, inverse = fractional_frames(ions, cells)
    if centres is None:
        if drift is not None:
            coordinates -= _fractional_drift(drift, inverse, len(coordinates))[:, None]
        return ReferenceFrames(coordinates, None)
    if drift is not None:
        raise InputError("drift", need="either `centres` or `drift`", got="both", remedy="leave one of them out")
    moved, common = displacements(centres, inverse, reference_centres, len(coordinates), "centres")
    return ReferenceFrames(coordinates - common, np.matmul(moved, reference_cell))


def _fractional_drift(drift: ArrayLike, inverse: Floats, n_frames: int) -> Floats:
    shift = check_finite(drift, "drift").astype(np.float64)
    if shift.shape != (n_frames, 3):
        remedy = "give one vector per frame"
        raise InputError("drift", need=f"shape ({n_frames}, 3)", got=f"shape {shift.shape}", remedy=remedy)
    return shift @ inverse if inverse.ndim == 2 else np.einsum("ti,tij->tj", shift, inverse)


@typed
def match_atoms(cell: ArrayLike, positions: ArrayLike, reference: ArrayLike, *, tolerance: float = 1.5) -> Ints:
    """Find the atom that belongs to every place of a reference structure.

    Parameters
    ----------
    cell : array_like, (3, 3)
        Vectors of the cell as rows, in A.
    positions : array_like, (T, M, 3)
        Positions of as many atoms as the reference has, wrapped or not, in A. Their mean over the frames is compared.
    reference : array_like, (M, 3)
        Fractional coordinates of the reference structure, in the same setting and with nearly the same origin.
    tolerance : float
        Largest distance between an atom and its place, in A.

    Returns
    -------
    ndarray of int, (M,)
        Atom of every place: ``positions[:, match_atoms(...)]`` is in the order of the reference.

    Raises
    ------
    InputError
        If the numbers differ, or an atom is further from its place than the tolerance.

    Examples
    --------
    >>> places = np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]])
    >>> match_atoms(np.eye(3) * 4.0, [[[2.1, 2, 2], [4.1, 0, 0]]], places)
    array([1, 0])
    """
    box = as_cells(cell)
    coordinates, _ = fractional_frames(positions, box)
    places = check_finite(reference, "reference").astype(np.float64)
    if coordinates.shape[1] != len(places):
        got = str(coordinates.shape[1])
        remedy = "select the atoms of the reference, or build it for this cell"
        raise InputError("positions", need=f"{len(places)} atoms, as many as the reference", got=got, remedy=remedy)
    wandering = coordinates - coordinates[:1]
    mean = coordinates[0] + (wandering - np.rint(wandering)).mean(axis=0)
    distance = np.linalg.norm(minimum_image((places[:, None] - mean[None]) @ box, box), axis=-1)
    _, atom = linear_sum_assignment(distance**2)
    worst = float(distance[np.arange(len(places)), atom].max())
    if worst > tolerance:
        got = f"one {worst:.2f} A away"
        remedy = "check setting, origin and cell of the reference"
        raise InputError("positions", need=f"atoms within {tolerance:g} A of the reference", got=got, remedy=remedy)
    return np.asarray(atom, dtype=np.int64)


def nearest_centre_vectors(
    frames: ReferenceFrames, cell: Floats, centres: Floats, cutoff: float
) -> tuple[NDArray[np.int32], Floats]:
    """Find the nearest centre of every ion, and the vector from it."""
    points = Points(cell, centres, np.arange(len(centres)))
    centre = nearest_in_frames(points, frames.ions, frames.shifts, cutoff, 0.0).site
    vector = (frames.ions - centres[centre]) @ cell
    if frames.shifts is not None:
        vector -= np.take_along_axis(frames.shifts, np.maximum(centre, 0)[..., None], axis=1)
    return centre.ravel(), minimum_image(vector.reshape(-1, 3), cell)
