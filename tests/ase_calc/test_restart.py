"""A run that is killed goes on to the same end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from ase.io import read

SCRIPT = """
import sys
from ase.build import bulk
from ase.calculators.emt import EMT
from ionpath_ase.md import MDSettings, MolecularDynamics
atoms = bulk("Cu", cubic=True).repeat(2)
atoms.calc = EMT()
settings = MDSettings(temperature=400, steps=200, engine="ase", stride=4, checkpoint_stride=20, timestep=4.0,
                      thermostat=sys.argv[2], seed=1)
MolecularDynamics(atoms, settings, trajectory=sys.argv[1], progress=False).run()
"""


def start(path: Path, thermostat: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(path), thermostat])


@pytest.mark.parametrize(
    ("suffix", "thermostat"),
    [(".extxyz", "nose-hoover"), (".dcd", "langevin"), (".traj", "nose-hoover"), (".h5md", "langevin")],
)
def test_killed_at_random_times(tmp_path: Path, suffix: str, thermostat: str) -> None:
    whole, parts = tmp_path / f"whole{suffix}", tmp_path / f"parts{suffix}"
    assert start(whole, thermostat).wait() == 0
    rng = np.random.default_rng(11)
    kills = 0
    while kills < 3:
        process = start(parts, thermostat)
        log = parts.with_suffix(".csv")
        grown = (log.stat().st_size if log.exists() else 0) + 700
        while process.poll() is None and (not log.exists() or log.stat().st_size < grown):
            time.sleep(0.005)
        time.sleep(float(rng.uniform(0.0, 0.05)))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        if process.wait() == 0:
            break
    assert kills > 0
    assert start(parts, thermostat).wait() == 0
    assert parts.with_suffix(".csv").read_bytes() == whole.with_suffix(".csv").read_bytes()
    if suffix == ".h5md":
        with h5py.File(whole) as first, h5py.File(parts) as second:
            for name in ("value", "step", "time"):
                one, other = (file[f"particles/trajectory/position/{name}"][:] for file in (first, second))
                assert len(one) == 51 and np.array_equal(one, other)
            assert list(first["particles/trajectory/box/edges/step"]) == list(range(0, 201, 4))
    elif suffix == ".dcd":
        assert parts.stat().st_size == whole.stat().st_size
    else:
        first, second = read(whole, ":"), read(parts, ":")
        assert [a.info["step"] for a in first] == [a.info["step"] for a in second] == list(range(0, 201, 4))
        assert np.abs(first[-1].positions - second[-1].positions).max() < 1e-6
