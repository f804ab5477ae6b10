"""Frames as arrays: of XTC straight from the file object of MDAnalysis, where no Timestep is needed in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from MDAnalysis import units
from MDAnalysis.coordinates.XTC import XTCReader
from MDAnalysis.lib.mdamath import triclinic_box
from numpy.typing import NDArray

from ionpath.arrays import Floats


class Frame(NamedTuple):
    """What is read of a frame: `positions` in the units of the file, overwritten by the next; `scale` makes them A."""

    time: float
    dimensions: NDArray[np.float32] | None
    positions: NDArray[np.float32]
    scale: float


def direct_frames(reader: Any, frames: NDArray[np.integer[Any]]) -> Iterator[Frame] | None:
    """Frames by number; None where the reader does more than read (transformations, auxiliary data, a part of it)."""
    plain = type(reader) is XTCReader and not reader.transformations and not reader._auxs and reader._sub is None
    if not plain or not len(frames):
        return None
    scale = units.get_conversion_factor("length", reader.units["length"], "A") if reader.convert_units else 1.0
    return _frames(reader, frames, scale)


def _frames(reader: Any, frames: NDArray[np.integer[Any]], scale: float) -> Iterator[Frame]:
    dt = reader._kwargs["dt"]
    positions = np.empty((reader.n_atoms, 3), dtype=np.float32)
    box, dimensions, at = None, None, -1
    with reader._file(reader.filename) as file:
        file.set_offsets(reader._xdr.offsets)
        for number in frames.tolist():
            if number != at:
                file.seek(number)
            frame = file.read_direct_x(positions)
            at = number + 1
            if box is None or (frame.box != box).any():  # seldom changes, and the angles cost as much as the frame
                box, dimensions = frame.box, _dimensions(frame.box, scale)
            yield Frame(frame.time if dt is None else number * dt, dimensions, positions, scale)


def _dimensions(box: NDArray[np.float32], scale: float) -> NDArray[np.float32] | None:
    found = triclinic_box(*box)
    found[:3] *= scale
    return None if (found[:3] == 0).all() else found


def cell_vectors(dimensions: NDArray[np.floating[Any]]) -> Floats:
    """Cell vectors of many frames.

    >>> cell_vectors(np.array([[10.0, 10.0, 20.0, 90.0, 90.0, 120.0]])).round(3) + 0.0
    array([[[10.  ,  0.  ,  0.  ],
            [-5.  ,  8.66,  0.  ],
            [ 0.  ,  0.  , 20.  ]]])
    """
    lengths = np.asarray(dimensions, np.float64)[:, :3]
    angles = np.asarray(dimensions, np.float64)[:, 3:]
    cosine = np.where(angles == 90.0, 0.0, np.cos(np.radians(angles)))
    sine = np.where(angles[:, 2] == 90.0, 1.0, np.sin(np.radians(angles[:, 2])))
    cells = np.zeros((len(lengths), 3, 3))
    cells[:, 0, 0] = lengths[:, 0]
    cells[:, 1, 0] = lengths[:, 1] * cosine[:, 2]
    cells[:, 1, 1] = lengths[:, 1] * sine
    cells[:, 2, 0] = lengths[:, 2] * cosine[:, 1]
    cells[:, 2, 1] = lengths[:, 2] * (cosine[:, 0] - cosine[:, 1] * cosine[:, 2]) / sine
    rest = lengths[:, 2] ** 2 - cells[:, 2, 0] ** 2 - cells[:, 2, 1] ** 2
    cells[:, 2, 2] = np.sqrt(np.maximum(rest, 0.0))
    return cells


def slice_of(indices: NDArray[np.integer[Any]]) -> slice | NDArray[np.integer[Any]]:
    """Turn indices that are a range into a slice, which copies faster."""
    first, last = int(indices[0]), int(indices[-1])
    if last - first + 1 == len(indices) and np.array_equal(indices, np.arange(first, last + 1)):
        return slice(first, last + 1)
    return indices
