"""GROMACS XTC."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from ionpath.errors import require
from ionpath_ase.md.state import Snapshot
from ionpath_ase.md.writers.base import FrameFile
from ionpath_ase.md.writers.frames import standard_frame


class XTC(FrameFile):
    """GROMACS XTC (0.01 A), written by MDAnalysis, in the frame with the first vector along x."""

    def encode(self, snapshot: Snapshot) -> bytes:
        """Bytes of one frame."""
        xdr = require(
            "MDAnalysis.lib.formats.libmdaxdr", purpose="writing XTC files", install='pip install "ionpath[mdanalysis]"'
        )
        cell, positions = standard_frame(snapshot.cell, snapshot.positions)
        with _nameless() as (file, name):
            with xdr.XTCFile(name, "w") as single:
                single.write(
                    (positions / 10.0).astype(np.float32),
                    (cell / 10.0).astype(np.float32),
                    snapshot.step,
                    snapshot.step * self.timestep,
                    1000,
                )
            file.seek(0)
            return file.read()


@contextmanager
def _nameless() -> Iterator[tuple[IO[bytes], str]]:
    """A file in memory that a library can open by name; where the system has none, one on the disk."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        with os.fdopen(os.memfd_create("frame.xtc"), "r+b") as file:
            yield file, f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.NamedTemporaryFile(suffix=".xtc") as file:
        yield file, file.name
