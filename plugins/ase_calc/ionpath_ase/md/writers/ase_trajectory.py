"""ASE's binary .traj."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms, units

from ionpath.files import atomic_path
from ionpath.noted import frames_of_traj
from ionpath_ase.md.state import Snapshot
from ionpath_ase.md.writers.base import CountedFile


class ASETrajectory(CountedFile):
    """ASE's binary .traj; cutting it back copies the frames that stay."""

    turned = False

    kind, unreadable = "trajectory", (Exception,)  # ASE raises all kinds

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
        frame = self.frame(snapshot)
        frame.set_velocities(snapshot.velocities / (1000.0 * units.fs))
        self._trajectory.write(frame, energy=snapshot.potential_energy)
        self._count += 1

    def close(self) -> None:
        """Close the file."""
        self._trajectory.close()

    @classmethod
    def count(cls, path: Path) -> int:
        """Number of frames."""
        from ase.io.trajectory import Trajectory

        with Trajectory(str(path)) as reader:
            return len(reader)

    @classmethod
    def frames(cls, path: Path, first: int, last: int) -> Iterator[bytes]:
        """Positions, velocities, cell and energy of each frame."""
        from ase.io.trajectory import Trajectory

        with Trajectory(str(path)) as reader:
            yield from frames_of_traj(reader, first, last)

    @classmethod
    def beginning(cls, path: Path) -> str:
        """Digest of the first frame, rounded."""
        from ase.io.trajectory import Trajectory

        with Trajectory(str(path)) as reader:
            return hashlib.sha256(np.round(reader[0].positions, 4).tobytes()).hexdigest()


def _cut_ase_trajectory(path: Path, frames: int) -> None:
    from ase.io.trajectory import Trajectory

    with Trajectory(str(path)) as reader:
        if len(reader) == frames:
            return
        with atomic_path(path) as part, Trajectory(str(part), "w") as writer:
            for index in range(frames):
                writer.write(reader[index])
