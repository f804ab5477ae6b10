"""Slow: both engines sample the same ensemble, and a LAMMPS run survives being killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.geometry import get_distances
from ase.io import read

from ionpath_ase import run_md

pytestmark = pytest.mark.slow

RUN = """
import sys
from ase.io import read
from ionpath_ase import run_md
run_md(read(sys.argv[1]), engine="lammps", processes=int(sys.argv[3]), temperature=600, picoseconds=0.6, interval=0.02,
       checkpoint_interval=0.1, ensemble="nve", trajectory=sys.argv[2], seed=4, progress=False)
"""


def block_mean(values: np.ndarray, blocks: int = 8) -> tuple[float, float]:
    """Mean and its error from the scatter of blocks."""
    means = np.array([part.mean() for part in np.array_split(values, blocks)])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(blocks))


def pair_histogram(frames: list[Atoms], first: str, second: str) -> np.ndarray:
    """Distances between two elements up to half the cell, as a normalised histogram."""
    counts = np.zeros(30)
    for atoms in frames:
        chosen = [np.array([s == name for s in atoms.get_chemical_symbols()]) for name in (first, second)]
        distances = get_distances(atoms.positions[chosen[0]], atoms.positions[chosen[1]], cell=atoms.cell, pbc=True)[1]
        counts += np.histogram(distances, 30, (1.5, 4.8))[0]
    return counts / counts.sum()


@pytest.mark.parametrize("ensemble", ["nvt", "npt"])
def test_both_engines_sample_the_same_ensemble(argyrodite: Atoms, tmp_path: Path, ensemble: str) -> None:
    found = {}
    for engine in ("ase", "lammps"):
        result = run_md(
            argyrodite, engine=engine, processes=1, ensemble=ensemble, temperature=500, picoseconds=12,
            interval=0.02, thermostat="langevin" if ensemble == "nvt" else "nose-hoover", seed=2,
            trajectory=tmp_path / f"{engine}.extxyz", progress=False,
        )  # fmt: skip
        table = np.genfromtxt(result.log, delimiter=",", names=True)[100:]  # without the first 2 ps
        found[engine] = (table, read(result.trajectory, "100::5"))
    first, second = found["ase"][0], found["lammps"][0]
    columns = ["temperature_K", "pressure_GPa", "potential_energy_eV"]
    for column in columns + (["volume_A3"] if ensemble == "npt" else []):
        (one, error), (two, other) = block_mean(first[column]), block_mean(second[column])
        assert abs(one - two) < 4.0 * np.hypot(error, other), column
    assert block_mean(second["temperature_K"])[0] == pytest.approx(500.0, abs=25.0)
    if ensemble == "npt":
        assert block_mean(second["pressure_GPa"])[0] == pytest.approx(0.0, abs=0.1)
    for pair in (("P", "S"), ("Li", "S"), ("Li", "Li")):
        histograms = [pair_histogram(found[engine][1], *pair) for engine in ("ase", "lammps")]
        assert np.abs(histograms[0] - histograms[1]).sum() < 0.1, pair  # of 2 if they had nothing in common


def marked(mark: str) -> list[str]:
    """Processes whose environment has a mark; none where the system does not show environments."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in place.read_bytes():
                found.append(place.parent.name)
    return found


@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_lammps_run_goes_on(argyrodite: Atoms, tmp_path: Path, processes: int) -> None:
    start, scratch = tmp_path / "start.traj", tmp_path / "scratch"
    argyrodite.write(start)
    scratch.mkdir()

    def begin(name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", RUN, str(start), str(tmp_path / name), str(processes)]
        place = {"IONPATH_TEST_MARK": str(tmp_path), "TMPDIR": str(scratch)}
        return subprocess.Popen(command, env=os.environ | place)

    assert begin("whole.extxyz").wait() == 0
    rng = np.random.default_rng(6)
    kills = 0
    log = tmp_path / "parts.csv"
    while kills < 2:
        process = begin("parts.extxyz")
        grown = (log.stat().st_size if log.exists() else 0) + 700
        while process.poll() is None and (not log.exists() or log.stat().st_size < grown):
            time.sleep(0.005)
        time.sleep(float(rng.uniform(0.0, 0.2)))
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills > 0
    assert begin("parts.extxyz").wait() == 0
    whole, parts = (read(tmp_path / f"{name}.extxyz", ":") for name in ("whole", "parts"))
    assert [a.info["step"] for a in whole] == [a.info["step"] for a in parts] == list(range(0, 301, 10))
    # LAMMPS sums forces in another order after a restart; within 0.6 ps that stays small
    assert np.abs(whole[-1].positions - parts[-1].positions).max() < 0.02
    assert np.abs(whole[5].positions - parts[5].positions).max() < 1e-4
    time.sleep(1.0)
    assert not marked(str(tmp_path))  # LAMMPS ends with the driver that was killed, and its files go
    assert not list(scratch.glob("ionpath-lammps-*"))
