"""The driver: frames, log and checkpoints around an engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Protocol

from ase import Atoms, units

from ionpath import __version__
from ionpath.arguments import typed
from ionpath.cells import vacuum
from ionpath.errors import InputError, IonpathError, WriteError, require, warn, whole
from ionpath.files import atomic_path
from ionpath.occupancies import check_full_occupancies
from ionpath.plumed_input import INSTALL, appended_files, joined, keywords, prepared
from ionpath.plumed_run import check_outputs, included, written_files
from ionpath.run_log import COLUMNS, mean_of_series, read_log, warn_of_pressure
from ionpath_ase._geometry import ContactCheck, check_phosphorus, contact_radii, has_phosphorus_clusters
from ionpath_ase.md.identity import differences, digest_of_version_1, identity, same_place
from ionpath_ase.md.log import disk_error, row
from ionpath_ase.md.outputs import Outputs
from ionpath_ase.md.plumed_trial import (
    check_lines,
    check_memories,
    in_words_of_plumed,
    taken_up,
    try_input,
    warn_of_idle,
)
from ionpath_ase.md.profile import Stopwatch
from ionpath_ase.md.progress import ProgressBar
from ionpath_ase.md.settings import MDResult, MDSettings
from ionpath_ase.md.start import check_engine, in_words_of, is_foreign, plumed_lines, prepare
from ionpath_ase.md.state import Checkpoint, Snapshot, load_checkpoint, save_checkpoint
from ionpath_ase.md.writers import FrameFile, cut, open_writer, standard_rotation, writer_of


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


@typed
class MolecularDynamics:
    """A molecular dynamics run that can be stopped at any time and goes on from its last checkpoint.

    Parameters
    ----------
    atoms : ase.Atoms
        Start, as in `run_md`. Constraints may be ``FixAtoms`` only.
    settings : MDSettings
        Parameters.
    trajectory, log, plumed, restart, progress, note : optional but for the first
        As in `run_md`.
    follow : bool, default False
        `atoms` may also be where the run stopped, not only its start.
    first_frame : bool, default True
        Write the start into the trajectory.
    profile : bool, default False
        As in `run_md`, as are the errors.

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
        follow: bool = False,
        first_frame: bool = True,
        profile: bool = False,
    ) -> None:
        check_full_occupancies(atoms.info.get("occupancy"))
        lines = included(plumed_lines(plumed), Path())
        file = Path(trajectory).absolute()
        writer_of(file)
        whole("checkpoint_stride", settings.checkpoint_stride / settings.stride)
        self.atoms, self.settings = prepare(atoms, settings)
        self.outputs = Outputs(
            file, file.with_suffix(".csv") if log is None else Path(log).absolute(), file.with_suffix(".pdb"),
            file.with_suffix(".checkpoint.npz"), {str(p): p.absolute() for p in appended_files(lines)},
            any(keywords(statement)[1] == "RESTART" for statement in joined(lines)),
        )  # fmt: skip
        check_outputs(self.outputs.fixed() | {f"PLUMED's {path}": path for path in written_files(lines)})
        check_lines(lines, len(atoms), settings)
        self.plumed = prepared(lines, _wrapper)
        self.restart, self.progress, self.note, self.first_frame = restart, progress, note, first_frame
        self._follow, self._given = follow, atoms
        self._watch = Stopwatch() if profile else None
        self._identity = identity(self.atoms, self.settings, lines, file, not atoms.has("momenta"))
        self._digest = digest_of_version_1(
            self.atoms, replace(self.settings, model=settings.model or "argyrodite"), lines
        )
        check_engine(self.atoms, self.settings, self.plumed)
        if settings.engine == "lammps" or writer_of(file).turned:
            standard_rotation(self.atoms.cell.array)
        # Under a bias, a potential of somebody else's decides how close atoms may come: model systems have no radii.
        self._watched = not (lines and is_foreign(self.atoms.calc))
        self._contacts = ContactCheck(0.0, contact_radii(self.atoms.numbers))
        self._watch_phosphorus = not has_phosphorus_clusters(self.atoms)
        if self.outputs.checkpoint.parent.is_dir():
            with self.outputs.lock():
                self._resume()

    @property
    def trajectory(self) -> Path:
        """Trajectory file."""
        return self.outputs.trajectory

    def rewind(self) -> bool:
        """Cut PLUMED's files back to the checkpoint, or claim their names (False), for others that read them."""
        with self.outputs.lock():
            found = self._resume()
            if found is None:
                self._claim()
            else:
                self.outputs.cut_appended(found)
            return found is not None

    def run(self) -> MDResult:
        """Make the steps that are left: files, last configuration, and speed.

        Raises
        ------
        UnstableRun
            If positions or energy stop being finite, or atoms come closer than any bond of theirs (1.6 A for P and P,
            1.6 A for S and S, 1.3 A for Li and Li), or more than four P of a thiophosphate are joined by bonds. The
            trajectory then ends with the last good frame, and the checkpoint is intact.
        InputError
            If another run is going on with these files.
        IonpathError
            If the disk is full or cannot be written, or the calculator of another package stops; with the same
            guarantee.
        """
        try:
            with self.outputs.lock():
                return self._run()
        except WriteError:
            raise
        except OSError as error:
            raise IonpathError(
                f"cannot write {error.filename or self.trajectory.parent} ({error.strerror or error}); take another "
                "folder, or make room and repeat the call"
            ) from error

    def _run(self) -> MDResult:
        resume = self._resume()
        if resume is not None and resume.snapshot.step >= self.settings.steps:
            return self._result(resume.snapshot, resume.frames, 0.0, resume.snapshot.step)
        self._warn_of_no_frame()
        start, statements = 0 if resume is None else resume.snapshot.step, self.plumed
        log = self.outputs.fixed()["PLUMED's log"]
        if self.plumed and self.outputs.checkpoint.exists() and log.exists():
            log.replace(log.with_suffix(".before"))  # PLUMED would number its old logs without end
        if resume is None:
            self._claim()
        else:
            check_memories(self.plumed, self.trajectory.name, start)
            if not self.outputs.topology.exists():
                self._write_topology()
            self.outputs.cut_appended(resume)
            statements = taken_up(self.plumed)
        warn_of_idle(self.plumed, self.settings.steps)
        clock = time.perf_counter()
        with in_words_of_plumed(self.plumed), ExitStack() as stack:
            bar = stack.enter_context(ProgressBar(self.settings, start, self.progress))
            frames, rows = stack.enter_context(self._outputs(resume))
            with in_words_of(self.atoms.calc, self.settings, "at the start", "no step was made"):
                engine = self._engine(resume, statements)
            try:
                if resume is not None:  # PLUMED repeats the rows of the step at which it starts
                    self.outputs.cut_appended(resume)
                last, count = self._begin(engine, frames, rows, resume)
                bar.begin()
                begun = time.perf_counter()
                if self._watch is not None:
                    self._watch.seconds.clear()  # what was counted so far is the start
                last, count = self._loop(engine, frames, rows, bar, last, count)
                elapsed = time.perf_counter() - begun
            finally:
                engine.close()
                if self._watch is not None:
                    self._watch.release()
        days = elapsed / 86400.0
        speed = (last.step - start) * self.settings.timestep * 1e-6 / days if days > 0 else 0.0
        done = self._result(last, count, speed, start)
        return done if self._watch is None else replace(done, profile=self._watch.profile(begun - clock, elapsed))

    def _warn_of_no_frame(self) -> None:
        """Frames are equally far apart, so that a run shorter than their interval has none after its start."""
        steps, stride = self.settings.steps, self.settings.stride
        if self.first_frame and steps < stride:
            length, interval = (number * self.settings.timestep / 1e3 for number in (steps, stride))
            warn(
                f"picoseconds: need the {interval:g} ps of one interval or more, got {length:g}: the trajectory will "
                "have its first frame alone, and the last configuration is in the result and the checkpoint; run for "
                f"longer, or take interval={length:g} or less"
            )

    def _begin(
        self, engine: _Engine, frames: FrameFile, rows: BinaryIO, resume: Checkpoint | None
    ) -> tuple[Snapshot, int]:
        """Where the run stands before its first step, written down where it is new; and how many frames there are."""
        if resume is not None:
            return resume.snapshot, resume.frames
        with in_words_of(self.atoms.calc, self.settings, "step 0", "no step was made"):
            last = engine.current()
        self._check(last, None)
        count = self._write(last, frames if self.first_frame else None, rows, 0)
        self._save(engine, last, frames, rows, count)
        return last, count

    def _loop(
        self, engine: _Engine, frames: FrameFile, rows: BinaryIO, bar: ProgressBar, last: Snapshot, count: int
    ) -> tuple[Snapshot, int]:
        """Run chunk by chunk; after each, write."""
        settings, note = self.settings, ""
        write, save = self._write, self._save
        if self._watch is not None:
            write, save = self._watch.timed("output", write), self._watch.timed("output", save)
        while last.step < settings.steps:
            previous = last
            try:
                with in_words_of(self.atoms.calc, settings, f"after step {previous.step}", _kept(previous)):
                    last = engine.run(min(settings.stride - last.step % settings.stride, settings.steps - last.step))
            except InputError as error:  # of a calculator, which sees the steps between frames too
                if error.name != "positions":
                    raise
                raise _untrained(f"after step {previous.step}", error, _kept(previous)) from error
            self._check(last, previous)
            # The last step of a run may be between two frames, and times of a trajectory are equally far apart.
            count = write(last, frames if last.step % settings.stride == 0 else None, rows, count)
            if last.step % settings.checkpoint_stride == 0 or last.step >= settings.steps:
                save(engine, last, frames, rows, count)
                note = self.note() if self.note is not None else ""
            bar.update(last, note)
        return last, count

    def _engine(self, resume: Checkpoint | None, plumed: list[str]) -> _Engine:
        if self.settings.engine == "ase":
            from ionpath_ase.md.ase_engine import AseEngine

            log_file = self.trajectory.with_suffix(".plumed.log") if plumed else None
            return AseEngine(
                self.atoms, self.settings, plumed=plumed, resume=resume, log_file=log_file, watch=self._watch
            )
        from ionpath_ase.md.lammps_engine import LammpsEngine

        return LammpsEngine(
            self.atoms,
            self.settings,
            resume=resume,
            log_file=self.trajectory.with_suffix(".lammps.log"),
            plumed=plumed,
            watch=self._watch,
        )

    def _check(self, snapshot: Snapshot, previous: Snapshot | None) -> None:
        kept = _kept(previous)
        if not snapshot.finite:
            raise UnstableRun(
                f"step {snapshot.step}: positions, velocities or energy are not finite; {kept}; "
                "the start is too strained, or the time step too long"
            )
        if not self._watched:
            return
        try:
            self._contacts(snapshot.positions, snapshot.cell if self.atoms.pbc.all() else None)
            if self._watch_phosphorus:
                check_phosphorus(self.atoms, snapshot.positions, snapshot.cell)
        except InputError as error:
            raise _untrained(f"step {snapshot.step}", error, kept) from error

    def _write(self, snapshot: Snapshot, frames: FrameFile | None, rows: BinaryIO, count: int) -> int:
        try:
            if frames is not None:
                frames.write(snapshot)
                count += 1
            rows.write((",".join(row(snapshot, self.settings.timestep)) + "\n").encode())
            rows.flush()
        except OSError as error:
            raise disk_error(error, snapshot.step) from error
        return count

    def _save(self, engine: _Engine, snapshot: Snapshot, frames: FrameFile, rows: BinaryIO, count: int) -> None:
        """Bring the outputs to the disk, then put the checkpoint in place."""
        try:
            sizes = {"trajectory": frames.sync()}
            rows.flush()
            os.fsync(rows.fileno())
            sizes["log"] = rows.tell()
            sizes |= self.outputs.appended_sizes()
            heads = self.outputs.heads(sizes, frames)
            found = Checkpoint(snapshot, self._identity, sizes, heads, count, engine.state())
            save_checkpoint(self.outputs.checkpoint, found)
        except OSError as error:
            raise disk_error(error, snapshot.step) from error

    def _claim(self) -> None:
        """Note, before any file is opened, that what appears under these names belongs to this run."""
        if self.plumed:
            try_input(self.atoms, self.settings, self.plumed)
        if self.outputs.checkpoint.exists():
            earlier = load_checkpoint(self.outputs.checkpoint)
            if not earlier.begun:  # killed before its first checkpoint
                self.outputs.cut_appended(earlier)
        atoms = self.atoms
        nothing = float("nan")
        start = Snapshot(
            0, atoms.positions, atoms.get_velocities(), atoms.cell.array, nothing, nothing, nothing, nothing
        )
        sizes = self.outputs.appended_sizes() if self.outputs.continued else {}
        self.outputs.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(self.outputs.checkpoint, Checkpoint(start, self._identity, sizes, {}, 0))
        self._write_topology()

    def _resume(self) -> Checkpoint | None:
        """Find where to go on; refuse a checkpoint of another run, and files of none."""
        path = self.outputs.checkpoint
        found = load_checkpoint(path) if path.exists() else None
        if found is None or not self.restart or not found.begun:
            self.outputs.check_new(found)
            return None
        told = self._differences(found)
        if told:
            need = "the same structure and parameters (only the length of the run may change)"
            remedy = "repeat the call as it was, or begin anew under another name"
            raise InputError(f"checkpoint {path.name}", need=need, got=f"another run: {'; '.join(told)}", remedy=remedy)
        self.outputs.check_old(found)
        return found

    def _differences(self, found: Checkpoint) -> list[str]:
        """What is not as in the run that a checkpoint belongs to."""
        if isinstance(found.identity, str):
            same = found.identity == self._digest
            return [] if same else ["the checkpoint is of ionpath 0.1.0, which does not say what differs"]
        now = dict(self._identity)
        if self._follow and same_place(self._given, found.snapshot):
            now |= {name: found.identity.get(name) for name in ("positions", "velocities", "cell")}
        return differences(found.identity, now)

    @contextmanager
    def _outputs(self, resume: Checkpoint | None) -> Iterator[tuple[FrameFile, BinaryIO]]:
        """Open trajectory and log, cut back to the checkpoint."""
        sizes = {} if resume is None else resume.sizes
        timestep = self.settings.timestep * 1e-3
        frames = open_writer(
            self.trajectory, self._as_given(), timestep, self.settings.stride, size=sizes.get("trajectory", 0)
        )
        try:
            self.outputs.log.parent.mkdir(parents=True, exist_ok=True)
            with cut(self.outputs.log, sizes.get("log", 0)) as rows:
                if resume is None:
                    rows.write((",".join(COLUMNS) + "\n").encode())
                yield frames, rows
        finally:
            frames.close()

    def _as_given(self) -> Atoms:
        """The start with its constraints, which engines have among the settings."""
        atoms = self.atoms.copy()
        atoms.set_constraint([constraint.copy() for constraint in self._given.constraints])
        return atoms

    def _write_topology(self) -> None:
        from ase.io import write

        with atomic_path(self.outputs.topology) as part:
            write(part, self.atoms, format="proteindatabank")

    def _result(self, last: Snapshot, count: int, speed: float, resumed_at: int) -> MDResult:
        atoms = self._as_given()
        atoms.set_cell(last.cell)
        atoms.positions = last.positions
        atoms.set_velocities(last.velocities / (1000.0 * units.fs))
        late = read_log(self.outputs.log)
        late = late[len(late) // 2 :]
        pressure = mean_of_series(late[:, COLUMNS.index("pressure_GPa")], "GPa")
        if told := vacuum(atoms.cell.array, atoms.positions):
            pressure = pressure.judged(f"of the whole cell with {told}: not that of the material")
        elif speed > 0.0 and self.settings.ensemble in ("nvt", "nve"):
            warn_of_pressure(pressure, self.trajectory.name)
        return MDResult(
            self.trajectory,
            self.outputs.topology,
            self.outputs.log,
            self.outputs.checkpoint,
            atoms,
            last.step,
            count,
            float(late[:, COLUMNS.index("temperature_K")].mean()),
            speed,
            __version__,
            resumed_at,
            pressure,
        )


def _wrapper() -> ModuleType:
    return require("plumed", purpose="PLUMED inputs", install=INSTALL)


def _kept(previous: Snapshot | None) -> str:
    return "none was written" if previous is None else f"the last good frame is step {previous.step}"


def _untrained(where: str, error: InputError, kept: str) -> UnstableRun:
    return UnstableRun(
        f"{where}: need {error.need}, got {error.got}; {kept}; the potential was not trained on "
        "what happens here: lower the temperature, or train it on such frames"
    )
