"""CHARMM DCD."""

from __future__ import annotations

import struct

import numpy as np
from ase.geometry import cell_to_cellpar

from ionpath_ase.md.state import Snapshot
from ionpath_ase.md.writers.base import FrameFile
from ionpath_ase.md.writers.frames import standard_frame


class DCD(FrameFile):
    """CHARMM DCD (single precision), in the frame with the first vector along x."""

    def header(self) -> bytes:
        """Bytes before the first frame."""
        akma = self.timestep / 0.0488882129084  # ps -> time unit of CHARMM
        control = [0] * 20
        control[1], control[2] = 0, self.stride  # first step, steps between frames
        control[10] = 1  # each frame has a unit cell
        control[19] = 24  # CHARMM version
        body = b"CORD" + struct.pack("<9i", *control[:9]) + struct.pack("<f", akma) + struct.pack("<10i", *control[10:])
        title = b"unwrapped positions in A, written by ionpath".ljust(80)
        return _record(body) + _record(struct.pack("<i", 1) + title) + _record(struct.pack("<i", len(self.atoms)))

    def encode(self, snapshot: Snapshot) -> bytes:
        """Bytes of one frame."""
        _, positions = standard_frame(snapshot.cell, snapshot.positions)
        a, b, c, alpha, beta, gamma = cell_to_cellpar(snapshot.cell)
        box = struct.pack("<6d", a, gamma, b, beta, alpha, c)
        columns = positions.T.astype("<f4")
        return _record(box) + b"".join(_record(np.ascontiguousarray(column).tobytes()) for column in columns)


def _record(body: bytes) -> bytes:
    size = struct.pack("<i", len(body))
    return size + body + size
