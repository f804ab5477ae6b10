"""Many biased runs with the forces of all from one evaluation (examples/gpu), here on the processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from ase.md.velocitydistribution import thermalize_momenta
from pymatgen.io.ase import AseAtomsAdaptor

from ionpath_ase import IonPath
from ionpath_plumed import metadynamics_input
from pymatgen.analysis.argyrodite import argyrodite

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "gpu"
pytestmark = pytest.mark.skipif(not EXAMPLE.is_dir(), reason="examples are in the repository only")
ON_PROCESSOR = os.environ | {"JAX_PLATFORMS": "cpu"}


def crystal(seed: int) -> Atoms:
    """Two cubic cells of Li6PS5Cl with moving atoms."""
    structure = argyrodite(a=9.75)
    structure.make_supercell([2, 1, 1])
    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    atoms.rattle(0.05, seed=seed)
    thermalize_momenta(atoms, temperature_K=300, rng=np.random.default_rng(seed))
    return atoms


def test_runs_share_one_evaluation(tmp_path: Path) -> None:
    """Energies, forces and stress along two runs are those of deepmd-kit."""
    model, runs = tmp_path / "model.npz", tmp_path / "runs"
    subprocess.run([sys.executable, str(EXAMPLE / "potential.py"), "argyrodite.2", str(model)], check=True)
    for seed, protocol in enumerate(("inter-cage", "tilt")):
        atoms = crystal(seed)
        metadynamics_input(atoms, protocol).write(runs / protocol)
        write(runs / protocol / "start.extxyz", atoms, format="extxyz")
    command = [sys.executable, str(EXAMPLE / "walkers.py"), str(model), str(runs), "--frames", "0.01"]
    command += ["--checkpoints", "0.02", "--picoseconds", "0.06"]
    done = subprocess.run(command, env=ON_PROCESSOR, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.count("0.06 ps, all that was wanted") == 2, done.stderr
    for protocol in ("inter-cage", "tilt"):
        log = np.genfromtxt(runs / protocol / "trajectory.csv", delimiter=",", names=True)
        assert log["time_ps"][-1] == pytest.approx(0.06)
        frames = read(runs / protocol / "trajectory.extxyz", ":")
        last = frames[-1].copy()
        last.calc = IonPath("argyrodite.2")
        energies = log["potential_energy_eV"][-1], last.get_potential_energy()
        assert energies[0] == pytest.approx(energies[1], abs=0.5)  # with the bias, of at most some hills of 0.02 eV
    assert len(np.loadtxt(runs / "inter-cage" / "HILLS", ndmin=2)) == 1  # every 50 fs
    first = read(runs / "tilt" / "trajectory.extxyz", 0)  # before the first hill
    first.calc, biased = IonPath("argyrodite.2"), first.get_forces()
    np.testing.assert_allclose(biased, first.get_forces(), atol=2e-5)
    assert log["potential_energy_eV"][1] == pytest.approx(first.get_potential_energy(), abs=1e-4)


def test_other_models_are_refused(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE / "potential.py"), "argyrodite", str(tmp_path / "model.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "is not a compressed se_e2_a model" in done.stderr
