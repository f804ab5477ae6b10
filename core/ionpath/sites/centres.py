"""Vectors from the centres of shells to ions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Floats
from ionpath.periodic import minimum_image
from ionpath.sites.nearest import Points, nearest_in_frames
from ionpath.sites.reference import ReferenceFrames


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
