"""Squared displacements of ions over a lag, in pieces that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arrays import Floats

PIECE = 2**14
"""Displacements that are worked on at a time."""
BATCH_BYTES = 2**27
"""Memory that one batch of ions may take (bytes)."""


def ion_batches(positions: NDArray[Any]) -> Iterator[Floats]:
    """Positions in A of ions in batches of bounded memory, with components first: (3, T, n)."""
    frames, ions, _ = positions.shape
    step = max(1, BATCH_BYTES // (frames * 24))
    for first in range(0, ions, step):
        yield np.array(positions[:, first : first + step].transpose(2, 0, 1), dtype=np.float64, order="C")


def squared_displacements(batch: Floats, lag: int) -> Iterator[Floats]:
    """Squared displacements (m,) in A^2 of all ions of a batch over all origins, origins by origins, ion by ion.

    Each piece is a buffer that the next one overwrites, of a whole number of origins.
    """
    _, frames, ions = batch.shape
    flat, offset, total = batch.reshape(3, -1), lag * ions, (frames - lag) * ions
    size = min(total, max(1, PIECE // ions) * ions)
    sums, parts = np.empty(size), np.empty(size)
    for first in range(0, total, size):
        last = min(first + size, total)
        square, part = sums[: last - first], parts[: last - first]
        for axis in range(3):
            target = part if axis else square
            np.subtract(flat[axis, first + offset : last + offset], flat[axis, first:last], out=target)
            np.multiply(target, target, out=target)
            if axis:
                np.add(square, part, out=square)
        yield square
