"""PLUMED in both engines: the same biased forces, pressures and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read

from ionpath.errors import InputError, MissingDependency
from ionpath.plumed_input import needs_energy
from ionpath_ase import run_md
from ionpath_ase.md import programs

pytest.importorskip("plumed", reason="the PLUMED kernel with its Python wrapper is not installed")

LINES = [
    "UNITS LENGTH=A ENERGY=kj/mol TIME=ps",
    "d: DISTANCE ATOMS=1,2",
    "x: DISTANCE ATOMS=3,8 COMPONENTS NOPBC",
    "v: VOLUME",
    "m: METAD ARG=d,x.x SIGMA=0.1,0.1 HEIGHT=20 PACE=2 FILE=HILLS",
    "r: RESTRAINT ARG=v,x.z AT=1000,2 KAPPA=0.1,0.5",
    "PRINT ARG=d,x.*,v,m.bias,r.bias FILE=COLVAR STRIDE=1",
]


@pytest.fixture
def crystal() -> Atoms:
    """LiCl in a triclinic cell that LAMMPS has to turn, some atoms outside of it."""
    atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True).repeat(2)
    strain = np.array([[1.02, 0.03, 0.0], [0.0, 0.98, 0.05], [0.0, 0.0, 1.0]])
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    atoms.rotate(40, (1, 2, 0.5), rotate_cell=True)
    atoms.rattle(0.05, seed=3)
    atoms.positions[[0, 7]] += atoms.cell[0] - 2 * atoms.cell[2]
    return atoms


def run(crystal: Atoms, folder: Path, patch: pytest.MonkeyPatch, engine: str, **options: object):
    """Run in a folder of its own, since PLUMED writes into the current one."""
    folder.mkdir(exist_ok=True)
    patch.chdir(folder)
    settings = {"ensemble": "nve", "interval": 0.004, "picoseconds": 0.04, "progress": False, "plumed": LINES}
    return run_md(crystal, engine=engine, trajectory=folder / "run.extxyz", **(settings | options))


def compare(first: Path, second: Path) -> None:
    """Check that two runs are the same to the precision of the model."""
    for one, two in zip(read(first / "run.extxyz", ":"), read(second / "run.extxyz", ":"), strict=True):
        assert one.get_forces() == pytest.approx(two.get_forces(), abs=1e-5)  # single-precision model
        assert one.get_potential_energy() == pytest.approx(two.get_potential_energy(), abs=1e-4)
    colvar = np.loadtxt(first / "COLVAR"), np.loadtxt(second / "COLVAR")
    assert colvar[0] == pytest.approx(colvar[1], abs=2e-5, rel=1e-5)
    assert np.loadtxt(first / "HILLS")[:, :3] == pytest.approx(np.loadtxt(second / "HILLS")[:, :3], abs=1e-5)


def test_both_engines_give_the_same_biased_run(crystal: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(crystal, tmp_path / "ase", monkeypatch, "ase")
    run(crystal, tmp_path / "lammps", monkeypatch, "lammps", processes=1)
    compare(tmp_path / "ase", tmp_path / "lammps")
    start = [read(tmp_path / engine / "run.extxyz", 0) for engine in ("ase", "lammps")]
    assert start[0].get_forces() == pytest.approx(start[1].get_forces(), abs=1e-6)
    assert start[0].positions == pytest.approx(crystal.positions, abs=1e-6)
    # what the bias adds to the pressure is -dU/dV, of the volume and of the distance that grows with the cell
    pressure = [
        np.loadtxt(tmp_path / engine / "run.csv", delimiter=",", skiprows=1)[:, 6] for engine in ("ase", "lammps")
    ]
    assert pressure[0] == pytest.approx(pressure[1], abs=1e-4)
    free = run_md(
        crystal,
        engine="ase",
        ensemble="nve",
        picoseconds=0.002,
        interval=0.002,
        trajectory=tmp_path / "free.extxyz",
        progress=False,
    )
    unbiased = np.loadtxt(free.log, delimiter=",", skiprows=1)[0, 6]
    volume = crystal.get_volume()
    distance = np.loadtxt("COLVAR")[0, 4]
    slope = 0.1 * (volume - 1000.0) + 0.5 * (distance - 2.0) * distance / (3.0 * volume)
    expected = -slope * 1.66053907  # kJ/mol/A^3 -> GPa
    assert pressure[1][0] - unbiased == pytest.approx(expected, abs=2e-3)
    assert abs(expected) > 1.0


@pytest.mark.slow
def test_a_biased_lammps_run_goes_on(crystal: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"processes": 1, "checkpoint_interval": 0.02}
    run(crystal, tmp_path / "whole", monkeypatch, "lammps", **options)
    run(crystal, tmp_path / "parts", monkeypatch, "lammps", picoseconds=0.02, **options)
    with Path("HILLS").open("a") as stream:
        stream.write("0.042 3.0 0.05 0.0")  # torn, after the checkpoint
    run(crystal, tmp_path / "parts", monkeypatch, "lammps", **options)
    compare(tmp_path / "whole", tmp_path / "parts")
    times = np.loadtxt("COLVAR")[:, 0]
    assert times == pytest.approx(np.arange(21) * 0.002)  # no step twice, none left out


@pytest.mark.slow
def test_plumed_with_lammps_on_two_processes(crystal: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    run(crystal, tmp_path / "one", monkeypatch, "lammps", processes=1)
    run(crystal, tmp_path / "two", monkeypatch, "lammps", processes=2)
    compare(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ase", "lammps"])
def test_a_bias_of_the_energy_scales_the_forces(
    crystal: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """With U = k/2 (E - E0)^2 force and virial are those of the model times 1 + k (E - E0)."""
    processes = 1 if engine == "lammps" else None
    free = run(crystal, tmp_path / "free", monkeypatch, engine, plumed=None, picoseconds=0.004, processes=processes)
    plain = read(free.trajectory, 0)
    energy, forces = plain.get_potential_energy(), plain.get_forces()
    kappa = 0.02  # 1/eV
    lines = [
        "UNITS LENGTH=A ENERGY=96.48533212331",
        "e: ENERGY",
        f"r: RESTRAINT ARG=e AT={energy - 10} KAPPA={kappa}",
        "PRINT ARG=e,r.bias FILE=COLVAR STRIDE=1 FMT=%14.8f",
    ]
    biased = run(crystal, tmp_path / "biased", monkeypatch, engine, plumed=lines, processes=processes)
    first = read(biased.trajectory, 0)
    factor = 1.0 + kappa * 10.0
    assert np.loadtxt("COLVAR")[0, 1] == pytest.approx(energy, abs=1e-4)
    assert first.get_forces() == pytest.approx(forces * factor, rel=1e-4, abs=2e-5)
    assert first.get_potential_energy() == pytest.approx(energy + 0.5 * kappa * 100, abs=1e-3)
    logs = [np.genfromtxt(result.log, delimiter=",", names=True) for result in (free, biased)]
    kinetic = 2.0 / 3.0 * logs[0]["kinetic_energy_eV"][0] / crystal.get_volume() * 160.21766208
    virial = [log["pressure_GPa"][0] - kinetic for log in logs]
    assert virial[1] == pytest.approx(virial[0] * factor, abs=2e-3)
    assert np.ptp(logs[1]["total_energy_eV"]) < 0.005  # a static bias conserves the energy


def test_a_mistake_in_the_input_is_told(crystal: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before LAMMPS starts, and before any file is made."""
    with pytest.raises(InputError, match='plumed: need an input that PLUMED takes, got Action "DISTANZ" is not known'):
        run(crystal, tmp_path / "wrong", monkeypatch, "lammps", processes=1, plumed=["d: DISTANZ ATOMS=1,2"])
    assert not any((tmp_path / "wrong").glob("*"))


def test_what_is_missing_is_named(crystal: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = programs.importlib.util.find_spec
    monkeypatch.setattr(programs.importlib.util, "find_spec", lambda name: None if name == "mpi4py" else real(name))
    with pytest.raises(MissingDependency, match="mpi4py is needed for PLUMED with LAMMPS on 2 processes"):
        run(crystal, tmp_path / "wrong", monkeypatch, "lammps", processes=2)


def test_the_energy_is_found_in_an_input() -> None:
    assert needs_energy(["d: DISTANCE ATOMS=1,2", "ENERGY LABEL=e"])
    assert not needs_energy(["UNITS ENERGY=eV", "# e: ENERGY"])
