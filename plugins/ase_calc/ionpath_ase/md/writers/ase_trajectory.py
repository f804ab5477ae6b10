"""ASE's binary .traj."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from ase import Atoms

from ionpath.errors import InputError
from ionpath.files import atomic_path
from ionpath_ase.md.state import Snapshot
from ionpath_ase.md.writers.base import FrameFile


class ASETrajectory(FrameFile):
    """ASE's binary .traj; cutting it back copies the frames that stay."""

    def __init__(self, path: Path, atoms: Atoms, timestep: float, stride: int, size: int = 0) -> None:
        from ase.io.trajectory import Trajectory

        self.path, self.atoms, self.timestep, self.stride = path, atoms, timestep, stride
        path.parent.mkdir(parents=True, exist_ok=True)
        if size:
            _cut_ase_trajectory(path, size)
        self._count = size
        self._trajectory = Trajectory(str(path), "a" if size else "w")

    def write(self, snapshot: Snapshot) -> None:
        """Append one frame."""
        frame = self.atoms.copy()
        frame.set_cell(snapshot.cell)
        frame.positions = snapshot.positions
        time = round(snapshot.step * self.timestep, 9)
        frame.info = {"step": snapshot.step, "time": time, "time_ps": time}  # one name by habit, one with its unit
        self._trajectory.write(frame, energy=snapshot.potential_energy)
        self._count += 1

    def sync(self) -> int:
        """Bring everything to the disk."""
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        return self._count

    def close(self) -> None:
        """Close the file."""
        self._trajectory.close()

    @classmethod
    def head(cls, path: Path, size: int, parts: str = "") -> str:
        """Digest of the first frame, whatever parts; the bytes before it change as the file grows."""
        from ase.io.trajectory import Trajectory

        if not size:
            return ""
        try:
            with Trajectory(str(path)) as reader:
                have, first = len(reader), reader[0].positions
        except Exception as error:  # ASE raises all kinds over a file that is none of its own
            got = f"{type(error).__name__}: {error}"[:200]
            remedy = "put the file back, or begin anew under another name"
            raise InputError(f"file {path.name}", need="the trajectory of the run", got=got, remedy=remedy) from error
        if have < size:
            remedy = "put the file back, or begin anew under another name"
            raise InputError(f"file {path.name}", need=f"{size} frames", got=str(have), remedy=remedy)
        return hashlib.sha256(np.round(first, 4).tobytes()).hexdigest()


def _cut_ase_trajectory(path: Path, frames: int) -> None:
    from ase.io.trajectory import Trajectory

    with Trajectory(str(path)) as reader:
        if len(reader) == frames:
            return
        with atomic_path(path) as part, Trajectory(str(part), "w") as writer:
            for index in range(frames):
                writer.write(reader[index])
