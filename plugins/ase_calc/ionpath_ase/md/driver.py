"""The driver: frames, log and checkpoints around an engine."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from ionpath.errors import InputError, IonpathError
from ionpath_ase._geometry import ContactCheck, check_phosphorus, contact_radii, has_phosphorus_clusters
from ionpath_ase.md.progress import ProgressBar
from ionpath_ase.md.settings import MDResult, MDSettings
from ionpath_ase.md.start import plumed_lines, prepare
from ionpath_ase.md.state import Checkpoint, Snapshot, load_checkpoint, save_checkpoint
from ionpath_ase.md.writers import FrameFile, cut, open_writer

if TYPE_CHECKING:
    from ase import Atoms

COLUMNS = (
    "step",
    "time_ps",
    "temperature_K",
    "potential_energy_eV",
    "kinetic_energy_eV",
    "total_energy_eV",
    "pressure_GPa",
    "volume_A3",
)


class UnstableRun(IonpathError):
    """A run whose numbers stopped being finite or whose atoms fell onto each other; its good frames are kept."""


class _Engine(Protocol):
    """What the driver asks of an engine."""

    def run(self, steps: int) -> Snapshot:
        """Make steps and say where things stand."""

    def current(self) -> Snapshot:
        """Say where things stand."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs besides positions and velocities."""

    def close(self) -> None:
        """Let go of everything."""


class MolecularDynamics:
    """A molecular dynamics run that can be stopped at any time and goes on from its last checkpoint.

    Parameters
    ----------
    atoms : ase.Atoms
        Start; not changed. With velocities those are used, without they are drawn at the target temperature. On the ASE
        engine its calculator is used if it has one. Constraints may be ``FixAtoms`` only.
    settings : MDSettings
        Parameters.
    trajectory : str or path
        Trajectory file: .extxyz, .xtc, .dcd, .h5md or .traj. Log, checkpoint and PDB file get the same stem.
    log : str or path, optional
        CSV file; by default the trajectory's stem with ``.csv``.
    plumed : str, path or sequence of str, optional
        PLUMED input, as a file or as lines.
    restart : bool, default True
        Go on from the checkpoint if there is one.
    progress : bool, default True
        Show a bar with time left and ns/day.
    note : callable, optional
        Called after every checkpoint; its text is shown in the bar.

    Raises
    ------
    InputError
        If the structure or a parameter cannot be used, or the checkpoint belongs to another run.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ionpath_ase.md import MDSettings, MolecularDynamics
    >>> import tempfile, pathlib
    >>> salt = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> settings = MDSettings(temperature=300.0, steps=4, stride=2, checkpoint_stride=4, engine="ase")
    >>> run = MolecularDynamics(salt, settings, trajectory=folder / "salt.extxyz", progress=False)
    >>> run.run().frames
    3
    """

    def __init__(
        self,
        atoms: Atoms,
        settings: MDSettings,
        *,
        trajectory: str | os.PathLike[str],
        log: str | os.PathLike[str] | None = None,
        plumed: str | os.PathLike[str] | Sequence[str] | None = None,
        restart: bool = True,
        progress: bool = True,
        note: Callable[[], str] | None = None,
    ) -> None:
        self.trajectory = Path(trajectory)
        self.log = Path(log) if log is not None else self.trajectory.with_suffix(".csv")
        self.checkpoint = self.trajectory.with_suffix(".checkpoint.npz")
        self.topology = self.trajectory.with_suffix(".pdb")
        self.plumed = plumed_lines(plumed)
        self.restart, self.progress, self.note = restart, progress, note
        if settings.checkpoint_stride % settings.stride:
            raise InputError(
                "checkpoint_stride",
                need=f"a multiple of the stride {settings.stride}",
                got=str(settings.checkpoint_stride),
            )
        self.atoms, self.settings = prepare(atoms, settings)
        self._contacts = ContactCheck(0.0, contact_radii(self.atoms.numbers))
        self._watch_phosphorus = not has_phosphorus_clusters(self.atoms)

    def run(self) -> MDResult:
        """Make the steps that are left.

        Returns
        -------
        MDResult
            Files, last configuration, and speed.

        Raises
        ------
        UnstableRun
            If positions or energy stop being finite, or atoms come closer than any bond of theirs (1.6 A for P and P,
            1.6 A for S and S, 1.3 A for Li and Li), or more than four P of a thiophosphate are joined by bonds. The
            trajectory then ends with the last good frame, and the checkpoint is intact.
        IonpathError
            If the disk is full; with the same guarantee.
        """
        resume = self._resume()
        if resume is not None and resume.snapshot.step >= self.settings.steps:
            return self._result(resume.snapshot, resume.frames, 0.0)
        if resume is None:
            self._write_topology()
        start = 0 if resume is None else resume.snapshot.step
        with self._outputs(resume) as (frames, rows):
            engine = self._engine(resume)
            try:
                clock = time.perf_counter()
                last, count = self._loop(engine, frames, rows, resume)
                elapsed = time.perf_counter() - clock
            finally:
                engine.close()
        days = elapsed / 86400.0
        speed = (last.step - start) * self.settings.timestep * 1e-6 / days if days > 0 else 0.0
        return self._result(last, count, speed)

    def _loop(
        self, engine: _Engine, frames: FrameFile, rows: BinaryIO, resume: Checkpoint | None
    ) -> tuple[Snapshot, int]:
        """Run chunk by chunk; after each, write."""
        settings = self.settings
        if resume is None:
            last, count = engine.current(), 0
            self._check(last, None)
            count = self._write(last, frames, rows, count)
            self._save(engine, last, frames, rows, count)
        else:
            last, count = resume.snapshot, resume.frames
        note = ""
        with ProgressBar(settings, last.step, self.progress) as bar:
            while last.step < settings.steps:
                previous = last
                try:
                    last = engine.run(min(settings.stride, settings.steps - last.step))
                except InputError as error:  # of a calculator, which sees the steps between frames too
                    if error.name != "positions":
                        raise
                    raise _untrained(f"after step {previous.step}", error, _kept(previous)) from error
                self._check(last, previous)
                count = self._write(last, frames, rows, count)
                if last.step % settings.checkpoint_stride == 0 or last.step >= settings.steps:
                    self._save(engine, last, frames, rows, count)
                    note = self.note() if self.note is not None else ""
                bar.update(last, note)
        return last, count

    def _engine(self, resume: Checkpoint | None) -> _Engine:
        if self.settings.engine == "ase":
            from ionpath_ase.md.ase_engine import AseEngine

            log_file = self.trajectory.with_suffix(".plumed.log") if self.plumed else None
            return AseEngine(self.atoms, self.settings, plumed=self.plumed, resume=resume, log_file=log_file)
        from ionpath_ase.md.lammps_engine import LammpsEngine

        return LammpsEngine(
            self.atoms,
            self.settings,
            resume=resume,
            log_file=self.trajectory.with_suffix(".lammps.log"),
            plumed=self.plumed,
        )

    def _check(self, snapshot: Snapshot, previous: Snapshot | None) -> None:
        kept = _kept(previous)
        if not snapshot.finite:
            raise UnstableRun(
                f"step {snapshot.step}: positions, velocities or energy are not finite; {kept}; "
                "the start is too strained, or the time step too long"
            )
        try:
            self._contacts(snapshot.positions, snapshot.cell if self.atoms.pbc.all() else None)
            if self._watch_phosphorus:
                check_phosphorus(self.atoms, snapshot.positions, snapshot.cell)
        except InputError as error:
            raise _untrained(f"step {snapshot.step}", error, kept) from error

    def _write(self, snapshot: Snapshot, frames: FrameFile, rows: BinaryIO, count: int) -> int:
        try:
            frames.write(snapshot)
            rows.write((",".join(_row(snapshot, self.settings.timestep)) + "\n").encode())
            rows.flush()
        except OSError as error:
            raise _disk(error, snapshot.step) from error
        return count + 1

    def _save(
        self, engine: _Engine, snapshot: Snapshot, frames: FrameFile, rows: BinaryIO, count: int
    ) -> None:
        """Bring the outputs to the disk, then put the checkpoint in place."""
        try:
            sizes = {"trajectory": frames.sync()}
            rows.flush()
            os.fsync(rows.fileno())
            sizes["log"] = rows.tell()
            for path in self._plumed_outputs():
                if path.exists():
                    sizes[str(path)] = path.stat().st_size
            save_checkpoint(
                self.checkpoint, Checkpoint(snapshot, self._fingerprint(), sizes, count, engine.state())
            )
        except OSError as error:
            raise _disk(error, snapshot.step) from error

    def _resume(self) -> Checkpoint | None:
        """Find where to go on, and refuse a checkpoint of another run."""
        if not self.restart:
            self.checkpoint.unlink(missing_ok=True)
            return None
        if not self.checkpoint.exists():
            return None
        found = load_checkpoint(self.checkpoint)
        if found.fingerprint != self._fingerprint():
            raise InputError(
                f"checkpoint {self.checkpoint.name}",
                need="the same structure and parameters (only the length of the run may change)",
                got="a checkpoint of another run",
                remedy="pass restart=False to begin anew, or take another trajectory name",
            )
        return found

    def _fingerprint(self) -> str:
        """Digest of everything that shapes a run but its length."""
        parameters = asdict(self.settings)
        for name in ("processes", "checkpoint_stride"):
            del parameters[name]
        if self.settings.final_temperature is None:
            del parameters["steps"]
        digest = hashlib.sha256(json.dumps(parameters, sort_keys=True, default=str).encode())
        digest.update("\n".join([*self.atoms.get_chemical_symbols(), *self.plumed]).encode())
        digest.update(
            np.round(self.atoms.positions, 6).tobytes() + np.round(self.atoms.cell.array, 6).tobytes()
        )
        return digest.hexdigest()

    @contextmanager
    def _outputs(self, resume: Checkpoint | None) -> Iterator[tuple[FrameFile, BinaryIO]]:
        """Open trajectory and log, cut back to the checkpoint."""
        sizes = {} if resume is None else resume.sizes
        timestep = self.settings.timestep * 1e-3
        frames = open_writer(
            self.trajectory, self.atoms, timestep, self.settings.stride, size=sizes.get("trajectory", 0)
        )
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with cut(self.log, sizes.get("log", 0)) as rows:
                if resume is None:
                    rows.write((",".join(COLUMNS) + "\n").encode())
                for path in self._plumed_outputs():
                    if resume is not None and str(path) in sizes:
                        cut(path, sizes[str(path)]).close()
                yield frames, rows
        finally:
            frames.close()

    def _plumed_outputs(self) -> list[Path]:
        from ionpath_ase.md.ase_engine import plumed_outputs

        return plumed_outputs(self.plumed)

    def _write_topology(self) -> None:
        from ase.io import write

        from ionpath.files import atomic_path

        with atomic_path(self.topology) as part:
            write(part, self.atoms, format="proteindatabank")

    def _result(self, last: Snapshot, count: int, speed: float) -> MDResult:
        from ase import units

        from ionpath import __version__

        atoms = self.atoms.copy()
        atoms.set_cell(last.cell)
        atoms.positions = last.positions
        atoms.set_velocities(last.velocities / (1000.0 * units.fs))
        table = np.atleast_2d(np.loadtxt(self.log, delimiter=",", skiprows=1))
        return MDResult(
            self.trajectory,
            self.topology,
            self.log,
            self.checkpoint,
            atoms,
            last.step,
            count,
            float(table[len(table) // 2 :, COLUMNS.index("temperature_K")].mean()),
            speed,
            __version__,
        )


def _row(snapshot: Snapshot, timestep: float) -> list[str]:
    energy, kinetic = snapshot.potential_energy, snapshot.kinetic_energy
    values = (snapshot.temperature, energy, kinetic, energy + kinetic, snapshot.pressure)
    volume = abs(float(np.linalg.det(snapshot.cell)))
    time_ps = round(snapshot.step * timestep * 1e-3, 9)
    return [str(snapshot.step), f"{time_ps:g}", *(f"{value:.8g}" for value in values), f"{volume:.8g}"]


def _kept(previous: Snapshot | None) -> str:
    return "none was written" if previous is None else f"the last good frame is step {previous.step}"


def _untrained(where: str, error: InputError, kept: str) -> UnstableRun:
    return UnstableRun(
        f"{where}: need {error.need}, got {error.got}; {kept}; the potential was not trained on "
        "what happens here: lower the temperature, or train it on such frames"
    )


def _disk(error: OSError, step: int) -> IonpathError:
    return IonpathError(
        f"step {step}: cannot write ({error.strerror or error}); the checkpoint before it is intact; "
        "make room, and the same call goes on"
    )
