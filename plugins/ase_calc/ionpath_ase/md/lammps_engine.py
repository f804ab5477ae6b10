"""The LAMMPS engine: an `lmp` beside Python, under MPI where wished, that is told chunk by chunk what to do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from ionpath.cores import threads_each
from ionpath.errors import InputError, IonpathError, MissingDependency
from ionpath.plumed_input import needs_energy
from ionpath_ase.md import programs
from ionpath_ase.md.lammps_input import commands, data_file, noise
from ionpath_ase.md.lammps_model import with_virial_of_images
from ionpath_ase.md.profile import Stopwatch, of_lammps
from ionpath_ase.md.programs import INSTALL, check_plumed, plugin
from ionpath_ase.md.settings import MDSettings
from ionpath_ase.md.start import check_periodic
from ionpath_ase.md.state import Checkpoint, FloatArray, Snapshot, degrees_of_freedom, kinetic_state
from ionpath_ase.md.writers import standard_rotation
from ionpath_ase.potentials import resolve
from ionpath_ase.potentials.neutral import warn_if_charged

_POLL = 0.002  # seconds between looks at a pipe


class LammpsEngine:
    """Steps of a run, made by LAMMPS, which reads commands from standard input and answers through two named pipes."""

    def __init__(
        self,
        atoms: Atoms,
        settings: MDSettings,
        *,
        resume: Checkpoint | None = None,
        log_file: Path | None = None,
        plumed: Sequence[str] = (),
        watch: Stopwatch | None = None,
    ) -> None:
        check_periodic(atoms)
        if plumed:
            check_plumed(settings.processes)
        self.settings = settings
        self._plumed = list(plumed)
        self.step = 0 if resume is None else resume.snapshot.step
        self._masses = atoms.get_masses()
        self._freedom = degrees_of_freedom(len(atoms), len(settings.fixed))
        self._rotation = standard_rotation(np.array(atoms.cell.array))
        self._folder = Path(tempfile.mkdtemp(prefix="ionpath-lammps-"))
        self._guard: subprocess.Popen[bytes] | None = guard(self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._moved = False  # write_restart sorts atoms anew, after which neighbours and forces must be set up again
        self._pipes: dict[str, int] = {}
        self._screen = log_file or self._folder / "screen.txt"
        self._written = self._screen.stat().st_size if self._screen.exists() else 0
        self._watch = watch
        self._walls: list[tuple[float, bool]] = []  # of each chunk of steps, and whether it was set up anew
        try:
            self._start(atoms, resume)
        except BaseException:
            self.close()
            raise

    def _start(self, atoms: Atoms, resume: Checkpoint | None) -> None:
        for name in ("frame", "scalars"):
            os.mkfifo(self._folder / name)
            self._pipes[name] = os.open(self._folder / name, os.O_RDONLY | os.O_NONBLOCK)
        if resume is None:
            start = self._folder / "start.data"
            start.write_text(data_file(atoms, self._rotation))
        else:
            start = self._folder / "start.restart"
            start.write_bytes(resume.engine["restart"].tobytes())
        potential = resolve(self.settings.model or "argyrodite")
        warn_if_charged(potential, atoms.get_chemical_symbols())
        model = with_virial_of_images(potential, self._folder)
        text = commands(atoms, self.settings, start, plugin(), model, self._plumed, self.step)
        if self._plumed:
            self._write_job(text, resume)
        with self._screen.open("ab") as screen:
            self._process = subprocess.Popen(
                launcher(self.settings.processes, self._folder if self._plumed else None),
                stdin=subprocess.PIPE,
                stdout=screen,
                stderr=subprocess.STDOUT,
                env=environment(self.settings.processes),
                start_new_session=True,
            )
        assert self._guard is not None and self._guard.stdin is not None
        self._guard.stdin.write(f"{self._process.pid}\n".encode())
        self._guard.stdin.flush()
        if not self._plumed:
            self._tell(text)
        self._last = self._report(f"run 0 start 0 stop {self.settings.steps} post no")

    def _write_job(self, text: str, resume: Checkpoint | None) -> None:
        """Leave what `ionpath_ase.md.lammps_worker` needs."""
        if resume is not None and "bias" in resume.engine:
            np.save(self._folder / "bias.npy", resume.engine["bias"])

        (self._folder / "start.in").write_text(text)
        job = {
            "plumed": [*self._plumed, "FLUSH STRIDE=1"],  # what a checkpoint knows of is on the disk
            "needs_energy": needs_energy(self._plumed),
            "energy_unit": units.mol / units.kJ,
            "kt": units.kB * self.settings.temperature,
            "timestep": self.settings.timestep * 1e-3,
            "masses": self._masses.tolist(),
            "rotation": self._rotation.tolist(),
            "resumed_at": None if resume is None else self.step,
            "processes": self.settings.processes,
            "log": str(self._screen.resolve()).removesuffix(".lammps.log") + ".plumed.log",
        }
        (self._folder / "job.json").write_text(json.dumps(job))

    def _tell(self, text: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._last_words() from None

    def _report(self, command: str) -> Snapshot:
        """Return a command, and read back where LAMMPS stands."""
        names = ["step", "pe", "press", "xlo", "xhi", "ylo", "yhi", "zlo", "zhi", "xy", "xz", "yz"]
        scalars = " ".join(f"$({name}:%.17g)" for name in names)
        self._tell(
            f"{command}\n"
            f"write_dump all custom {self._folder / 'frame'} id xu yu zu vx vy vz fx fy fz "
            "modify sort id format float %.17g\n"
            f'print "{scalars}" file {self._folder / "scalars"} screen no\n'
        )
        table = self._read("frame", len(self._masses) + 9)
        values = [float(word) for word in self._read("scalars", 1)[0].split()]
        rows: FloatArray = np.array([line.split() for line in table[9:]], dtype=float)
        xlo, xhi, ylo, yhi, zlo, zhi, xy, xz, yz = values[3:]
        cell = np.array([[xhi - xlo, 0, 0], [xy, yhi - ylo, 0], [xz, yz, zhi - zlo]])
        back = self._rotation.T
        velocities = rows[:, 4:7] @ back
        return Snapshot(
            int(values[0]),
            (rows[:, 1:4] - [xlo, ylo, zlo]) @ back,
            velocities,
            cell @ back,
            values[1],
            *kinetic_state(velocities, self._masses, self._freedom),
            values[2] * 1e-4,  # bar -> GPa
            rows[:, 7:10] @ back,
        )

    def _read(self, name: str, lines: int) -> list[str]:
        """Wait for a full text in a pipe."""
        assert self._process is not None
        parts: list[bytes] = []
        count = 0
        while count < lines:
            try:
                part = os.read(self._pipes[name], 1 << 16)
            except BlockingIOError:
                part = b""
            if part:
                parts.append(part)
                count += part.count(b"\n")
                continue
            if self._process.poll() is not None:
                raise self._last_words()
            time.sleep(_POLL)
        return b"".join(parts).decode().splitlines()

    def _last_words(self) -> IonpathError:
        """The error with which LAMMPS stopped."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        text = self._screen.read_text(errors="replace").splitlines()
        told = [line for line in text if "ERROR" in line or "not found" in line] or text[-3:]
        if self.step == 0 and (unread := next((line for line in told if "Failed to create" in line), "")):
            return InputError(
                f"model {Path(self.settings.model or 'argyrodite').name}",
                need="a file that deepmd-kit reads with the backends that are installed",
                got=unread.rpartition("DeePMD-kit Error: ")[2].partition(" (/")[0][:200],
                remedy="check the file, and install the backend it was written with",
            )
        return IonpathError(f"LAMMPS stopped after step {self.step}: {' | '.join(told[-3:])[:600]}")

    def run(self, steps: int) -> Snapshot:
        """Make steps."""
        moved, self._moved = self._moved, False
        setup, post = "yes" if moved else "no", "no" if self._watch is None else "yes"
        clock = time.perf_counter()
        self._last = self._report(f"run {steps} pre {setup} post {post} start 0 stop {self.settings.steps}")
        self._walls.append((time.perf_counter() - clock, moved))
        self.step = self._last.step
        return self._last

    def current(self) -> Snapshot:
        """Instant at which the engine stands."""
        return self._last

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps besides positions and velocities."""
        target = self._folder / "now.restart"
        target.unlink(missing_ok=True)
        self._moved = True
        keep = "# keep the bias\n" * bool(self._plumed)
        self._tell(f"{keep}write_restart {target}\nprint done file {self._folder / 'scalars'} screen no\n")
        self._read("scalars", 1)
        for line in noise(self.settings, self.step):
            self._tell(f"{line}\n")
        kept: NDArray[np.uint8] = np.frombuffer(target.read_bytes(), dtype=np.uint8)
        return {"restart": kept} | ({"bias": np.load(self._folder / "bias.npy")} if self._plumed else {})

    def _account(self) -> None:
        """Count what LAMMPS and PLUMED say of their time, once they have ended and written it."""
        if self._watch is None or not self._screen.exists():
            return
        with self._screen.open("rb") as screen:
            screen.seek(self._written)
            parts = of_lammps(screen.read().decode(errors="replace"), self._walls)
        told = self._folder / "plumed-seconds"
        if told.exists():
            parts["plumed"] = float(told.read_text())
        for name, value in parts.items():
            self._watch.seconds[name] = self._watch.seconds.get(name, 0.0) + value

    def close(self) -> None:
        """Stop LAMMPS and remove its folder."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
            self._account()
        keeper, self._guard = self._guard, None
        if keeper is not None:
            keeper.communicate()  # its pipe closes, and it ends whatever is left of the group
        for pipe in self._pipes.values():
            os.close(pipe)
        self._pipes = {}
        shutil.rmtree(self._folder, ignore_errors=True)


def guard(folder: Path) -> subprocess.Popen[bytes]:
    """Start a shell that, as soon as this process is gone, removes its files and kills the group it was told of."""
    script = 'read -r group; cat > /dev/null; kill -KILL "-$group" 2> /dev/null; rm -rf -- "$0"; exit 0'
    return subprocess.Popen(
        ["sh", "-c", script, str(folder)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


def launcher(processes: int, job: Path | None = None) -> list[str]:
    """Words that start LAMMPS."""
    lmp, _ = programs.lammps_program()
    if lmp is None:
        raise MissingDependency("lmp", purpose='engine="lammps"', install=INSTALL)
    words = [lmp, "-log", "none", "-nocite"]
    if job is not None:
        words = [sys.executable, "-u", "-m", "ionpath_ase.md.lammps_worker", str(job)]
    if processes == 1:
        return words
    mpirun = programs.program("mpirun")
    if mpirun is None:
        purpose = f"LAMMPS on {processes} processes"
        raise MissingDependency("mpirun", purpose=purpose, install="pip install mpich, or use processes=1")
    return [mpirun, "-np", str(processes), *words]


def environment(processes: int) -> dict[str, str]:
    """Environment of the LAMMPS processes: quiet libraries, and no more threads than cores, or than are asked for."""
    threads = threads_each(processes)
    defaults = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "DP_INTRA_OP_PARALLELISM_THREADS": threads["OMP_NUM_THREADS"],
        "DP_INTER_OP_PARALLELISM_THREADS": "1",
    }
    # Where Python has imported deepmd-kit, these are 0, which is every core.
    given = {name: value for name, value in os.environ.items() if not (name.startswith("DP_INT") and value == "0")}
    return defaults | given | threads | programs.lammps_program()[1]
