"""State of a run between two chunks of steps, and the checkpoint that holds it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.files import atomic_path

FloatArray = NDArray[np.float64]
EV_PER_A3_IN_GPA = 160.21766208
VERSION = 1


@dataclass(frozen=True)
class Snapshot:
    """One instant of a run, in the frame of the user's cell.

    Attributes
    ----------
    step : int
        Time step.
    positions : FloatArray
        Unwrapped positions in A, shape (n_atoms, 3).
    velocities : FloatArray
        Velocities in A/ps, shape (n_atoms, 3).
    cell : FloatArray
        Lattice vectors in A as rows, shape (3, 3).
    potential_energy : float
        Potential energy in eV.
    kinetic_energy : float
        Kinetic energy in eV.
    temperature : float
        Kinetic temperature in K.
    pressure : float
        Pressure in GPa with the kinetic part.
    forces : FloatArray | None
        Forces in eV/A, shape (n_atoms, 3), where the engine has them at hand.
    """

    step: int
    positions: FloatArray
    velocities: FloatArray
    cell: FloatArray
    potential_energy: float
    kinetic_energy: float
    temperature: float
    pressure: float
    forces: FloatArray | None = None

    @property
    def finite(self) -> bool:
        """True if every number of it is finite."""
        parts = (self.positions, self.velocities, self.cell, self.potential_energy, self.kinetic_energy)
        return all(bool(np.isfinite(part).all()) for part in parts)


@dataclass(frozen=True)
class Checkpoint:
    """What is needed to go on as if the run had not been stopped.

    Attributes
    ----------
    snapshot : Snapshot
        Instant of the checkpoint.
    fingerprint : str
        What must be the same in the run that goes on.
    sizes : dict[str, int]
        File name -> bytes of each output file at that instant.
    frames : int
        Frames written by then.
    engine : dict[str, Any]
        What the engine wants back: numbers, strings, lists, and arrays.
    """

    snapshot: Snapshot
    fingerprint: str
    sizes: dict[str, int]
    frames: int
    engine: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, all or nothing."""
    snapshot = checkpoint.snapshot
    arrays: dict[str, Any] = {
        f"engine_{k}": v for k, v in checkpoint.engine.items() if isinstance(v, np.ndarray)
    }
    meta = {
        "version": VERSION,
        "step": snapshot.step,
        "fingerprint": checkpoint.fingerprint,
        "sizes": checkpoint.sizes,
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
    """Read a checkpoint."""
    try:
        with np.load(path, allow_pickle=False) as data:
            meta = json.loads(str(data["meta"]))
            arrays = {name: data[name] for name in data.files if name != "meta"}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"checkpoint {path.name}", need="a file of this program", got=str(error)) from error
    if meta.get("version") != VERSION:
        raise InputError(f"checkpoint {path.name}", need=f"version {VERSION}", got=str(meta.get("version")))
    engine = meta["engine"] | {
        k.removeprefix("engine_"): v for k, v in arrays.items() if k.startswith("engine_")
    }
    snapshot = Snapshot(
        meta["step"],
        arrays["positions"],
        arrays["velocities"],
        arrays["cell"],
        **dict(zip(_SCALARS, meta["scalars"], strict=True)),
    )
    return Checkpoint(snapshot, meta["fingerprint"], meta["sizes"], meta["frames"], engine)


def kinetic_state(
    velocities: FloatArray, masses: FloatArray, fixed: Sequence[int] = ()
) -> tuple[float, float]:
    """Kinetic energy and temperature.

    Examples
    --------
    >>> energy, temperature = kinetic_state(np.ones((3, 3)), np.ones(3))
    >>> round(energy, 6)
    0.000466
    """
    from ase import units

    energy = 0.5 * float((masses[:, None] * velocities**2).sum()) / (1000.0 * units.fs) ** 2
    moving = len(masses) - len(fixed)
    freedom = max(3 * moving - (0 if fixed or len(masses) == 1 else 3), 1)
    return energy, 2.0 * energy / (freedom * units.kB)


_SCALARS = ("potential_energy", "kinetic_energy", "temperature", "pressure")
