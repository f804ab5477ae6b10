"""Trajectory files that grow by whole frames and can be cut back to any frame; one module per format."""

from __future__ import annotations

from pathlib import Path

from ase import Atoms

from ionpath.errors import InputError
from ionpath_ase.md.writers.ase_trajectory import ASETrajectory
from ionpath_ase.md.writers.base import (
    ALL as ALL,
    BEGINNING as BEGINNING,
    ENDS as ENDS,
    FrameFile as FrameFile,
    begin_anew as begin_anew,
    check_size as check_size,
    cut as cut,
    digest_of as digest_of,
)
from ionpath_ase.md.writers.dcd import DCD
from ionpath_ase.md.writers.extxyz import ExtendedXYZ
from ionpath_ase.md.writers.frames import standard_frame as standard_frame, standard_rotation as standard_rotation
from ionpath_ase.md.writers.h5md import H5MD
from ionpath_ase.md.writers.xtc import XTC

WRITERS: dict[str, type[FrameFile]] = {
    ".extxyz": ExtendedXYZ,
    ".xtc": XTC,
    ".dcd": DCD,
    ".traj": ASETrajectory,
    ".h5md": H5MD,
}


def open_writer(path: Path, atoms: Atoms, timestep: float, stride: int, size: int = 0) -> FrameFile:
    """Open a trajectory by the ending of its name."""
    if not size:
        begin_anew(path)
    return writer_of(path)(path, atoms, timestep, stride, size)


def writer_of(path: Path) -> type[FrameFile]:
    """Format by the ending of a name."""
    if path.suffix not in WRITERS:
        raise InputError("trajectory", need=f"a name that ends in one of {', '.join(WRITERS)}", got=path.name)
    return WRITERS[path.suffix]
