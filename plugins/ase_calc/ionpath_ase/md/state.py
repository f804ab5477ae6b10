"""State of a run between two chunks of steps, and the checkpoint that holds it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.files import atomic_path, unread

FloatArray = NDArray[np.float64]
VERSION = 2


@dataclass(frozen=True)
class Snapshot:
    """One instant of a run, in the frame of the user's cell."""

    step: int  # time step
    positions: FloatArray  # unwrapped positions in A, shape (n_atoms, 3)
    velocities: FloatArray  # velocities in A/ps, shape (n_atoms, 3)
    cell: FloatArray  # lattice vectors in A as rows, shape (3, 3)
    potential_energy: float  # potential energy in eV
    kinetic_energy: float  # kinetic energy in eV
    temperature: float  # kinetic temperature in K
    pressure: float  # pressure in GPa with the kinetic part
    forces: FloatArray | None = None  # forces in eV/A, shape (n_atoms, 3), where the engine has them at hand

    @property
    def finite(self) -> bool:
        """True if every number of it is finite."""
        parts = (self.positions, self.velocities, self.cell, self.potential_energy, self.kinetic_energy)
        return all(bool(np.isfinite(part).all()) for part in parts)


@dataclass(frozen=True)
class Checkpoint:
    """What is needed to go on as if the run had not been stopped."""

    snapshot: Snapshot  # instant of the checkpoint
    # what must be the same in the run that goes on; one digest in checkpoints of version 1
    identity: dict[str, Any] | str
    # file name -> size of each output file at that instant: bytes, or frames of some trajectories
    sizes: dict[str, int]
    heads: dict[str, str]  # file name -> digest of its beginning
    frames: int  # frames written by then
    # what the engine wants back: numbers, strings, lists, and arrays
    engine: dict[str, Any] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """False for the note that a run leaves before it opens its files."""
        return "trajectory" in self.sizes


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, all or nothing."""
    snapshot = checkpoint.snapshot
    arrays: dict[str, Any] = {f"engine_{k}": v for k, v in checkpoint.engine.items() if isinstance(v, np.ndarray)}
    meta = {
        "version": VERSION,
        "step": snapshot.step,
        "identity": checkpoint.identity,
        "sizes": checkpoint.sizes,
        "heads": checkpoint.heads,
        "frames": checkpoint.frames,
        "scalars": [getattr(snapshot, name) for name in _SCALARS],
        "engine": {k: v for k, v in checkpoint.engine.items() if not isinstance(v, np.ndarray)},
    }
    with atomic_path(path) as part, part.open("wb") as stream:
        np.savez(
            stream,
            meta=np.array(json.dumps(meta)),
            positions=snapshot.positions,
            velocities=snapshot.velocities,
            cell=snapshot.cell,
            **arrays,
        )
        stream.flush()
        os.fsync(stream.fileno())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; one that is damaged is one sentence, whatever the damage is."""
    try:
        if got := unread(path):
            raise OSError(got)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            meta = json.loads(str(data["meta"]))
            arrays = {name: data[name] for name in data.files if name != "meta"}
        version = meta["version"]
        if version in (1, VERSION):
            return _checkpoint(meta, arrays)
    except MemoryError as error:
        raise _damaged(path, error) from error
    except Exception as error:  # of zip, zlib, numpy and json, which all have their own
        raise _damaged(path, error) from error
    remedy = "use the version of ionpath that wrote it"
    raise InputError(f"checkpoint {path.name}", need=f"version 1 or {VERSION}", got=f"{version!r}"[:40], remedy=remedy)


def _damaged(path: Path, error: BaseException) -> InputError:
    got = f"{type(error).__name__}: {error}"[:200]
    remedy = "it is damaged: put a copy back, or begin anew under another name"
    return InputError(f"checkpoint {path.name}", need="a whole file of this program", got=got, remedy=remedy)


def _checkpoint(meta: dict[str, Any], arrays: dict[str, Any]) -> Checkpoint:
    """Checkpoint from its parts, which have to fit each other."""
    positions, velocities, cell = (
        np.asarray(arrays[name], dtype=float) for name in ("positions", "velocities", "cell")
    )
    energy, kinetic, temperature, pressure = map(float, meta["scalars"])
    snapshot = Snapshot(int(meta["step"]), positions, velocities, cell, energy, kinetic, temperature, pressure)
    n_atoms = len(snapshot.positions)
    if [a.shape for a in (snapshot.positions, snapshot.velocities, snapshot.cell)] != [(n_atoms, 3)] * 2 + [(3, 3)]:
        raise ValueError("positions, velocities and cell do not fit each other")
    if not all(np.isfinite(a).all() for a in (snapshot.positions, snapshot.velocities, snapshot.cell)):
        raise ValueError("positions, velocities or cell are not finite")
    sizes = {str(name): int(size) for name, size in meta["sizes"].items()}
    if snapshot.step < 0 or int(meta["frames"]) < 0 or any(size < 0 for size in sizes.values()):
        raise ValueError("a count is negative")
    engine = meta["engine"] | {k.removeprefix("engine_"): v for k, v in arrays.items() if k.startswith("engine_")}
    identity = meta["fingerprint"] if meta["version"] == 1 else meta["identity"]
    return Checkpoint(snapshot, identity, sizes, meta.get("heads", {}), int(meta["frames"]), engine)


def kinetic_state(velocities: FloatArray, masses: FloatArray, freedom: int) -> tuple[float, float]:
    """Kinetic energy in eV, and temperature in K for a number of degrees of freedom.

    >>> energy, temperature = kinetic_state(np.ones((3, 3)), np.ones(3), 6)
    >>> round(energy, 6)
    0.000466
    """
    energy = 0.5 * float((masses[:, None] * velocities**2).sum()) / (1000.0 * units.fs) ** 2
    return energy, 2.0 * energy / (freedom * units.kB)


def degrees_of_freedom(n_atoms: int, n_fixed: int, centre_moves: bool = False) -> int:
    """Degrees of freedom; the centre of mass rests unless atoms are fixed or it may move.

    >>> degrees_of_freedom(52, 0)
    153
    """
    return max(3 * (n_atoms - n_fixed) - (0 if n_fixed or n_atoms == 1 or centre_moves else 3), 1)


_SCALARS = ("potential_energy", "kinetic_energy", "temperature", "pressure")
