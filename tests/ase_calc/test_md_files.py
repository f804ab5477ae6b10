"""One rule for the files of a user, one run at a time, and a run that goes on only as what it was."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import h5py
import MDAnalysis
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.io import read, write

from ionpath.errors import InputError, IonpathError
from ionpath_ase import IonPath, run_md
from ionpath_ase.md.lammps_input import data_file, kinds
from ionpath_ase.md.state import load_checkpoint
from ionpath_mdanalysis.anion_disorder import RadialDistributions
from ionpath_mdanalysis.ion_transport import IonDiffusion

SHORT: dict[str, Any] = {
    "engine": "ase", "ensemble": "nve", "timestep": 2.0, "picoseconds": 0.04, "interval": 0.01,
    "checkpoint_interval": 0.02, "progress": False,
}  # fmt: skip


def copper() -> Atoms:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT()
    return atoms


@pytest.mark.parametrize("name", ["a.extxyz", "a.xtc", "a.dcd", "a.traj", "a.h5md", "a.csv", "a.pdb"])
def test_what_no_checkpoint_belongs_to_is_not_touched(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("somebody's work\n")
    trajectory = file if file.suffix not in (".csv", ".pdb") else file.with_suffix(".extxyz")
    for restart in (True, False):
        with pytest.raises(InputError, match=f"need new files, or those of a run that .* got {name} of something else"):
            run_md(copper(), trajectory=trajectory, restart=restart, **SHORT)
    assert file.read_text() == "somebody's work\n"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_input_is_not_the_output(tmp_path: Path) -> None:
    start = tmp_path / "start.extxyz"
    write(start, copper(), format="extxyz")
    before = start.read_bytes()
    atoms = read(start)
    atoms.calc = EMT()
    with pytest.raises(InputError, match=r"got start.extxyz of something else; move them away, or take another name"):
        run_md(atoms, trajectory=start, **SHORT)
    assert start.read_bytes() == before


@pytest.mark.parametrize("suffix", [".extxyz", ".xtc", ".dcd", ".traj", ".h5md"])
def test_a_run_goes_on_with_its_own_files_only(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    first = run_md(copper(), trajectory=path, **SHORT)
    shifted = copper()
    shifted.positions += 0.25  # A, more than any format rounds to
    other = run_md(shifted, trajectory=tmp_path / f"b{suffix}", **SHORT | {"picoseconds": 0.08})
    kept = path.read_bytes()
    path.write_bytes(other.trajectory.read_bytes())
    with pytest.raises(InputError, match=f"file a{suffix}: need the file of the run that the checkpoint belongs to"):
        run_md(copper(), trajectory=path, **SHORT | {"picoseconds": 0.06})
    assert path.read_bytes() == other.trajectory.read_bytes()
    path.write_bytes(kept)
    longer = run_md(copper(), trajectory=path, **SHORT | {"picoseconds": 0.06})
    assert (first.resumed_at, longer.resumed_at, longer.frames) == (0, 20, 7)
    anew = run_md(copper(), trajectory=path, restart=False, **SHORT | {"picoseconds": 0.02})
    assert (anew.frames, anew.resumed_at) == (3, 0)


@pytest.mark.parametrize("suffix", [".extxyz", ".xtc", ".dcd", ".traj", ".h5md"])
def test_one_byte_of_a_frame_between_the_ends_is_seen(tmp_path: Path, suffix: str) -> None:
    """Far from both ends of the file, where 4,096 bytes of each told nothing; a run begun anew is known by its own."""
    atoms = copper().repeat(3)
    atoms.calc = EMT()
    path = tmp_path / f"a{suffix}"
    run_md(atoms, trajectory=path, **SHORT)
    anew = run_md(atoms, trajectory=path, restart=False, **SHORT)
    assert (anew.resumed_at, anew.frames) == (0, 5)
    content = path.read_bytes()
    place = len(content) // 2
    if suffix == ".h5md":  # half of it is room for more
        with h5py.File(path) as file:
            place = content.find(file["particles/trajectory/position/value"][2].tobytes()) + 400
    damaged = bytearray(content)
    damaged[place] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=f"file a{suffix}: need .* put (it|the file) back, or begin anew"):
        run_md(atoms, trajectory=path, **SHORT | {"picoseconds": 0.06})
    assert path.read_bytes() == damaged
    told = ["got other content: frames are missing or changed, and so are the numbers"]
    if suffix == ".extxyz":  # by what stands in the middle: a gap, a point or a digit
        told += ["need 216 lines of 7 words", "need finite numbers"]
    found = analysed(path)
    assert any(words in found for words in told)
    path.write_bytes(content)
    assert "checkpoint" not in analysed(path)
    longer = run_md(atoms, trajectory=path, **SHORT | {"picoseconds": 0.06})
    assert (longer.resumed_at, longer.frames) == (20, 7)


def analysed(path: Path) -> str:
    """What an analysis of a run warns of, or refuses it for."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        universe = MDAnalysis.Universe(path.with_suffix(".pdb"), path)
        try:
            RadialDistributions(universe.atoms, r_max=3.0).run()
        except InputError as error:
            return str(error)
        finally:
            universe.trajectory.close()
    return " ".join(str(one.message) for one in seen)


def test_another_temperature_than_that_of_the_run_is_told(tmp_path: Path) -> None:
    """The Nernst-Einstein conductivity of a run at 900 K was given as that of 300 K, three times the right one."""
    path = tmp_path / "a.xtc"
    atoms = copper().repeat(2)
    atoms.calc = EMT()
    steady = SHORT | {"ensemble": "nvt", "temperature": 500.0}
    run_md(atoms, trajectory=path, **steady)
    ions = MDAnalysis.Universe(path.with_suffix(".pdb"), path).atoms

    def told(temperature: float | None) -> list[str]:
        with warnings.catch_warnings(record=True) as seen, contextlib.suppress(InputError):
            warnings.simplefilter("always")
            IonDiffusion(ions, temperature=temperature, charge=1.0).run()
        return [str(one.message) for one in seen if "temperature" in str(one.message)]

    assert told(None) == told(500.0) == []
    (said,) = told(300.0)
    assert said.startswith(
        "temperature: need the 500 K of the run (a.checkpoint.npz), got 300: what is computed from it"
    )


@pytest.mark.parametrize(
    ("edge", "ensemble", "strained"), [(3.4, "nvt", True), (3.6, "nve", False), (3.4, "npt", False)]
)
def test_a_strained_run_is_told_where_it_is_analysed(
    tmp_path: Path, edge: float, ensemble: str, strained: bool
) -> None:
    """Only the run itself said at which pressure its cell was kept; who analysed it later was not told.

    Edges in A: copper of EMT is at 0.02 GPa with 3.60 and at 1.1 GPa with 3.59, as runs of this length find.
    """
    atoms, path = bulk("Cu", cubic=True, a=edge).repeat(2), tmp_path / "a.xtc"
    atoms.calc = EMT()
    steady = SHORT | {"ensemble": ensemble, "temperature": 300.0, "picoseconds": 0.4, "interval": 0.004}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_md(atoms, trajectory=path, **steady)
    assert ("a.xtc: the cell was kept at " in analysed(path)) == strained
    path.with_suffix(".csv").write_text("damaged")
    assert "the cell was kept" not in analysed(path)


@pytest.mark.parametrize(("action", "biased"), [("RESTRAINT ARG=d AT=2 KAPPA=1", True), ("PRINT ARG=d FILE=C", False)])
def test_a_run_with_a_bias_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, biased: bool) -> None:
    """Diffusion of a biased run was given as that of the material."""
    monkeypatch.chdir(tmp_path)
    atoms, path = copper().repeat(2), tmp_path / "a.xtc"
    atoms.calc = EMT()
    run_md(atoms, trajectory=path, plumed=["UNITS LENGTH=A", "d: DISTANCE ATOMS=1,2", action], **SHORT)
    assert ("biased by RESTRAINT (a.checkpoint.npz): its frames" in analysed(path)) == biased


@pytest.mark.parametrize("suffix", [".extxyz", ".xtc", ".dcd", ".traj", ".h5md"])
def test_lost_frames_are_told_where_a_run_is_analysed(tmp_path: Path, suffix: str) -> None:
    """A whole file of fewer frames than the checkpoint knows: another run of the same atoms, for a shorter time."""
    atoms, path = copper().repeat(2), tmp_path / f"a{suffix}"
    atoms.calc = EMT()
    run_md(atoms, trajectory=path, **SHORT)
    shorter = run_md(atoms, trajectory=tmp_path / f"b{suffix}", **SHORT | {"picoseconds": 0.03})
    assert "checkpoint" not in analysed(path)
    shorter.trajectory.replace(path)
    unit = "frames" if suffix in (".traj", ".h5md") else "bytes"
    told = rf"a{suffix}: need the \d+ {unit} that it had at the checkpoint a.checkpoint.npz, got \d+ {unit}: frames are"
    assert re.search(told, analysed(path))


@pytest.mark.timeout(120, method="thread")
def test_damage_of_an_h5md_file_is_told_at_once(tmp_path: Path) -> None:
    """HDF5 reads what does not fit its checksum again and again, beside a writer: for ever where it is damaged."""
    path = tmp_path / "a.h5md"
    run_md(copper(), trajectory=path, **SHORT)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    told = []
    for place in rng.choice(np.flatnonzero(np.frombuffer(content[:6000], np.uint8)), 30, replace=False):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert run_md(copper(), trajectory=path, **SHORT).frames == 5
        except InputError as error:
            told.append(str(error))
    assert len(told) > 10 and all(text.startswith("file a.h5md: need ") for text in told)


def test_an_ase_trajectory_has_the_velocities_of_its_frames(tmp_path: Path) -> None:
    """Every frame had those of the start, and `get_temperature` its temperature."""
    result = run_md(copper(), trajectory=tmp_path / "a.traj", **SHORT)
    logged = np.loadtxt(result.log, delimiter=",", skiprows=1)
    frames = read(result.trajectory, ":")
    assert [atoms.get_kinetic_energy() for atoms in frames] == pytest.approx(list(logged[:, 4]), rel=1e-6)
    assert not read(run_md(copper(), trajectory=tmp_path / "b.extxyz", **SHORT).trajectory).has("momenta")


class Warped(Calculator):
    """EMT whose class says nothing of the factor that it multiplies energies with."""

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, factor: float) -> None:
        super().__init__()
        self._factor, self._inner = factor, EMT()

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        super().calculate(*args, **kwargs)
        self._inner.calculate(*args, **kwargs)
        self.results = {k: self._factor * self._inner.results[k] for k in self.implemented_properties}


def isotopes() -> np.ndarray:
    masses = copper().get_masses()
    masses[3] = 65.0
    return masses


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        (lambda a: setattr(a, "calc", LennardJones(sigma=2.3, epsilon=0.05, rc=4)), {},
         r"potential LennardJones \(.*\) instead of potential EMT"),
        (lambda a: a.set_masses(isotopes()), {}, "other masses"),
        (lambda a: a.set_pbc([True, True, False]), {}, r"periodic directions \[True, True, False\] instead of"),
        (lambda a: a.set_momenta(np.ones((8, 3))), {}, "velocities"),
        (lambda a: a.set_cell(a.cell * 1.001), {}, "other cell"),
        (lambda a: a.rattle(0.01), {}, "other positions"),
        (lambda a: a.symbols.__setitem__(0, "Au"), {}, "other elements; other masses"),
        (lambda a: None, {"temperature": 301.0}, r"temperature \(K\) 301.0 instead of 300.0"),
        (lambda a: None, {"timestep": 1.0}, r"time step \(fs\) 1.0 instead of 2.0; time steps between frames 10"),
        (lambda a: None, {"ensemble": "nvt"}, "ensemble nvt instead of nve"),
        (lambda a: None, {"seed": 3}, "seed 3 instead of 0"),
        (lambda a: None, {"fixed": [2]}, r"fixed atoms \[2\] instead of \[\]"),
    ],
)  # fmt: skip
def test_what_changed_is_refused_by_name(tmp_path: Path, change: Any, options: Any, told: str) -> None:
    path = tmp_path / "a.extxyz"
    run_md(copper(), trajectory=path, **SHORT)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    atoms = copper()
    change(atoms)
    with pytest.raises(InputError, match=f"need the same structure and parameters .* got another run: .*{told}"):
        run_md(atoms, trajectory=path, **SHORT | {"picoseconds": 0.06} | options)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_potential_of_the_same_name_that_changed_is_refused(tmp_path: Path) -> None:
    atoms = copper()
    atoms.calc = Warped(1.0)
    run_md(atoms, trajectory=tmp_path / "a.extxyz", **SHORT)
    atoms.calc = Warped(1.1)
    with pytest.raises(
        InputError, match=r"potential: need 0\.\d+ eV for the last configuration, as before the stop, got"
    ):
        run_md(atoms, trajectory=tmp_path / "a.extxyz", **SHORT | {"picoseconds": 0.06})
    assert len(read(tmp_path / "a.extxyz", ":")) == 5


def test_a_model_file_that_was_trained_anew_is_refused(tmp_path: Path, different_models: list[Path]) -> None:
    salt = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
    model = tmp_path / "own.pb"
    model.write_bytes(different_models[0].read_bytes())
    run_md(salt, model=model, trajectory=tmp_path / "a.extxyz", **SHORT)
    model.write_bytes(different_models[1].read_bytes())
    with pytest.raises(InputError, match=r"potential own.pb \(checksum=\w+\) instead of potential own.pb \(checksum="):
        run_md(salt, model=model, trajectory=tmp_path / "a.extxyz", **SHORT | {"picoseconds": 0.06})


TWO = """
import sys, time
from tests_md_files import copper, SHORT
from ionpath_ase import run_md
try:
    run_md(copper(), trajectory=sys.argv[1], **SHORT | {"picoseconds": 3.0, "temperature": float(sys.argv[2])})
    print("done")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_second_run_is_kept_out(tmp_path: Path) -> None:
    code = TWO.replace("tests_md_files", Path(__file__).stem)
    environment = os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    trajectory = str(tmp_path / "a.extxyz")

    def start(temperature: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, trajectory, temperature]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    first = start("300")
    while not (tmp_path / "a.extxyz").exists() and first.poll() is None:
        pass
    first.send_signal(signal.SIGSTOP)  # so that it is still there when the second has started
    second = start("600").communicate()[0]
    first.send_signal(signal.SIGCONT)
    told = first.communicate()[0]
    assert told == "done\n"
    assert f"InputError run a: need no other run in it, got one that is going on (process {first.pid})" in second
    assert len(read(trajectory, ":")) == 301
    assert [path.name for path in tmp_path.glob(".*")] == []  # no lock is left behind


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(tmp_path: Path) -> None:
    """The note of a run that never came to a frame says that these files are its own."""
    code = TWO.replace("tests_md_files", Path(__file__).stem).replace(
        "try:",
        "import os, signal\nfrom ionpath_ase.md import ase_engine\n"
        "def killed(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\nase_engine.AseEngine.current = killed\ntry:",
    )
    environment = os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    path = tmp_path / "a.extxyz"
    done = subprocess.run([sys.executable, "-c", code, str(path), "300"], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.exists() and (tmp_path / "a.csv").exists()
    assert not load_checkpoint(tmp_path / "a.checkpoint.npz").begun
    result = run_md(copper(), trajectory=path, **SHORT)
    assert [frame.info["step"] for frame in read(path, ":")] == [0, 5, 10, 15, 20]
    assert result.resumed_at == 0


def test_a_folder_without_rights_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **kwargs: Any) -> None:
        raise OSError(30, "Read-only file system", "a.checkpoint.npz")

    monkeypatch.setattr("ionpath_ase.md.driver.save_checkpoint", refused)
    with pytest.raises(
        IonpathError, match=r"cannot write a.checkpoint.npz \(Read-only file system\); take another folder"
    ):
        run_md(copper(), trajectory=tmp_path / "a.extxyz", **SHORT)


def test_the_calculator_of_the_atoms_is_what_runs(tmp_path: Path, salt: Atoms) -> None:
    atoms = salt.copy()
    atoms.calc = IonPath("argyrodite.2")
    wanted = atoms.get_potential_energy()
    for engine in ("ase", "lammps"):
        options = SHORT | {"engine": engine, "picoseconds": 0.002, "interval": 0.002}
        result = run_md(atoms, trajectory=tmp_path / f"{engine}.extxyz", processes=1, **options)
        table = np.genfromtxt(result.log, delimiter=",", names=True)
        assert table["potential_energy_eV"][0] == pytest.approx(wanted, abs=1e-4)  # eV, single-precision model
        with pytest.raises(InputError, match=r"model: need argyrodite.2, which the atoms carry .* got argyrodite;"):
            run_md(atoms, model="argyrodite", trajectory=tmp_path / "b.extxyz", **options)
    atoms.calc = LennardJones()
    with pytest.raises(
        InputError, match="need the calculator of the ASE plugin, or none, with LAMMPS, got LennardJones"
    ):
        run_md(atoms, trajectory=tmp_path / "c.extxyz", **SHORT | {"engine": "lammps"})
    with pytest.raises(InputError, match="model: need none beside the calculator LennardJones of the atoms, got arg"):
        run_md(atoms, model="argyrodite", trajectory=tmp_path / "c.extxyz", **SHORT)
    # energies that were read from a file are no potential
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0)
    result = run_md(atoms, trajectory=tmp_path / "d.extxyz", **SHORT | {"picoseconds": 0.002, "interval": 0.002})
    assert np.genfromtxt(result.log, delimiter=",", names=True)["potential_energy_eV"][0] < -20.0


def test_zero_velocities_and_isotopes_are_honoured(tmp_path: Path, salt: Atoms) -> None:
    """Two lithium-6: the same forces, and accelerations that are larger by 6.94 / 6.015."""
    salt.set_velocities(np.zeros((8, 3)))
    heavy = salt.copy()
    masses = salt.get_masses()
    light = np.flatnonzero(salt.symbols == "Li")[:2]
    masses[light] = 6.015
    salt.set_masses(masses)
    for engine in ("ase", "lammps"):
        options = SHORT | {"engine": engine, "picoseconds": 0.002, "interval": 0.002, "processes": 1}
        moved = [
            run_md(atoms, trajectory=tmp_path / f"{engine}{k}.extxyz", **options).atoms.positions - atoms.positions
            for k, atoms in enumerate((salt, heavy))
        ]
        assert np.abs(moved[1]).max() < 0.01  # A: from rest, not at 300 K
        assert np.abs(moved[1][light]).max() > 1e-5  # A
        assert moved[0][light] == pytest.approx(moved[1][light] * 6.94 / 6.015, rel=1e-3, abs=1e-8)
    assert kinds(salt) == [("Cl", 35.45), ("Li", 6.015), ("Li", 6.94)]
    assert "3 atom types" in data_file(salt, np.eye(3))
    salt.set_masses([0.0] * 8)
    with pytest.raises(InputError, match="masses: need finite numbers, above 0, got 0.0"):
        run_md(salt, trajectory=tmp_path / "z.extxyz", **SHORT)


def test_what_lammps_would_stop_over_is_foreseen(tmp_path: Path) -> None:
    metal = bulk("Cu", cubic=True)
    with pytest.raises(
        InputError, match="elements: need only Li, P, S, Cl, Si, which the model argyrodite.pb was trained"
    ):
        run_md(metal, engine="lammps", trajectory=tmp_path / "cu.xtc", picoseconds=0.01, progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fixed": [-1]}, "fixed: need a whole number of at least 0, got -1"),
        ({"fixed": [999]}, "fixed: need a whole number from 0 to 7, got 999"),
        ({"seed": -1}, "seed: need a whole number of at least 0, got -1"),
        ({"checkpoint_interval": 0}, "checkpoint_interval: need a positive number, got 0"),
        ({"checkpoint_interval": -1}, "checkpoint_interval: need a positive number, got -1"),
        ({"damping": float("inf")}, "damping: need a positive number, got inf"),
        ({"pressure": float("nan")}, "pressure: need a pressure in GPa, got nan"),
        ({"pressure": 101325.0}, "pressure: need a pressure in GPa, from -100 to 100, got 101325.0; 1 bar is 1e-4 GPa"),
        (
            {"pressure": 0.1},
            "pressure: need none with ensemble='nve', which does not use it, got 0.1; use ensemble='npt'",
        ),
        (
            {"final_temperature": 500.0},
            "final_temperature: need none with ensemble='nve', .* got 500; use ensemble='nvt'",
        ),
        ({"fixed": list(range(8))}, "fixed: need at least one atom that moves, got all 8 fixed"),
        ({"temperature": float("nan")}, "temperature: need a temperature in K, 0 or above, got nan"),
        ({"processes": 0}, "processes: need a whole number of at least 1, got 0"),
    ],
)
def test_arguments_are_checked(tmp_path: Path, options: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        run_md(copper(), trajectory=tmp_path / "a.extxyz", **SHORT | options)
    atoms = copper()
    atoms.cell[0, 0] = np.nan
    with pytest.raises(InputError, match="cell: need finite lattice vectors"):
        run_md(atoms, trajectory=tmp_path / "a.extxyz", **SHORT)
    assert not list(tmp_path.iterdir())


def test_a_calculator_without_stress_runs_and_npt_is_refused(tmp_path: Path) -> None:
    class Springs(Calculator):
        implemented_properties = ("energy", "forces")

        def calculate(self, *args: Any, **kwargs: Any) -> None:
            super().calculate(*args, **kwargs)
            away = self.atoms.positions - bulk("Cu", cubic=True).repeat((2, 1, 1)).positions
            self.results = {"energy": float((away**2).sum()), "forces": -2.0 * away}

    atoms = copper()
    atoms.calc = Springs()
    result = run_md(atoms, trajectory=tmp_path / "a.extxyz", **SHORT)
    assert np.isnan(result.mean_pressure.value)
    with pytest.raises(InputError, match="ensemble: need a calculator that gives the stress, for NPT, got Springs"):
        run_md(atoms, trajectory=tmp_path / "b.extxyz", **SHORT | {"ensemble": "npt"})


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_checkpoint_is_the_same_or_one_sentence(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.extxyz"
    run_md(copper(), trajectory=path, **SHORT | {"picoseconds": 0.01})
    checkpoint = tmp_path / "a.checkpoint.npz"
    whole, before = checkpoint.read_bytes(), load_checkpoint(checkpoint)
    rng = np.random.default_rng(seed)
    damaged = bytearray(whole)
    place = int(rng.integers(len(whole)))
    kind = seed % 4
    if kind == 0:
        damaged = damaged[:place]
    elif kind == 1:
        damaged[place] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        damaged[place:place] = rng.bytes(int(rng.integers(1, 50)))
    else:
        del damaged[place : place + int(rng.integers(1, 50))]
    checkpoint.write_bytes(damaged)
    try:
        found = load_checkpoint(checkpoint)
    except InputError as error:
        told = str(error)
    else:  # zip has a checksum for what is in it
        assert found.snapshot.positions == pytest.approx(before.snapshot.positions, abs=0)
        assert (found.identity, found.sizes, found.frames) == (before.identity, before.sizes, before.frames)
        return
    assert told.startswith("checkpoint a.checkpoint.npz: need a whole file of this program, got ")


def test_a_checkpoint_of_version_1_goes_on(tmp_path: Path) -> None:
    """Checkpoints of 0.1.0 have one digest; the run that they belong to is recognised by it, others are refused."""
    path, checkpoint = tmp_path / "a.extxyz", tmp_path / "a.checkpoint.npz"
    run_md(copper(), trajectory=path, **SHORT)
    with np.load(checkpoint) as data:
        arrays = {name: data[name] for name in data.files}
    meta = json.loads(str(arrays["meta"]))
    digest = "4c0a59f2c6f2d3f4d67b0ee0a9d3a2e7b0ad2d6c3fb2c1e4d8d5a9f1a3c6b7e8"
    for name in ("identity", "heads"):
        del meta[name]
    for word, told in ((None, None), (digest, "another run: the checkpoint is of ionpath 0.1.0")):
        from ionpath_ase.md import MDSettings
        from ionpath_ase.md.identity import digest_of_version_1

        settings = MDSettings(300.0, 20, "nve", "ase", "argyrodite", stride=5, checkpoint_stride=10)
        old = meta | {"version": 1, "fingerprint": word or digest_of_version_1(copper(), settings, [])}
        np.savez(checkpoint, **arrays | {"meta": np.array(json.dumps(old))})
        if told is None:
            assert run_md(copper(), trajectory=path, **SHORT | {"picoseconds": 0.06}).resumed_at == 20
        else:
            with pytest.raises(InputError, match=told):
                run_md(copper(), trajectory=path, **SHORT | {"picoseconds": 0.08})


@pytest.mark.filterwarnings("ignore:DCDReader currently makes independent timesteps")  # MDAnalysis, of its own
@pytest.mark.parametrize("suffix", [".dcd", ".xtc", ".h5md", ".extxyz"])
def test_frames_are_equally_far_apart_whatever_the_lengths_of_a_run(tmp_path: Path, suffix: str) -> None:
    """Ends at steps 13 and 27 are between two frames: DCD has no times, and analyses want equal steps."""
    mda = pytest.importorskip("MDAnalysis")
    for picoseconds in (0.026, 0.054):
        done = run_md(copper(), trajectory=tmp_path / f"a{suffix}", **SHORT | {"picoseconds": picoseconds})
    assert (done.steps, done.frames) == (27, 6)
    times = [ts.time for ts in mda.Universe(done.topology, done.trajectory).trajectory]
    assert times == pytest.approx(np.arange(6) * 0.01, abs=1e-6)


def test_a_run_hands_the_constraints_of_its_start_on(tmp_path: Path) -> None:
    start = copper()
    start.set_constraint(FixAtoms([0, 3]))
    first = run_md(start, trajectory=tmp_path / "a.traj", **SHORT)
    for atoms in (first.atoms, read(first.trajectory, -1)):
        assert [list(c.index) for c in atoms.constraints] == [[0, 3]]
        atoms.calc = EMT()
        second = run_md(atoms, trajectory=tmp_path / f"b{atoms.has('momenta')}.extxyz", restart=False, **SHORT)
        moved = np.abs(second.atoms.positions - start.positions).max(axis=1)
        assert (moved[[0, 3]] == 0.0).all() and (moved[[1, 2, 4]] > 0.0).all()


@pytest.mark.parametrize("suffix", [".xtc", ".dcd", ".h5md"])
def test_a_cell_that_a_format_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path, suffix: str) -> None:
    """What the sentences advise works."""
    left, bare = copper(), copper()
    left.set_cell(left.cell[[1, 0, 2]])
    bare.set_cell([0, 0, 0])
    bare.pbc = False
    file = tmp_path / f"a{suffix}"
    for atoms, told in ((left, "exchange two of them: atoms.set_cell"), (bare, "write .extxyz or .traj with engine=")):
        with pytest.raises(InputError, match=f"cell: need three lattice vectors that are right-handed.* {told}"):
            run_md(atoms, trajectory=file, **SHORT)
        assert not list(tmp_path.iterdir())
    run_md(bare, trajectory=tmp_path / "bare.extxyz", **SHORT)
    bare.center(vacuum=10)
    left.set_cell(left.cell[[1, 0, 2]])
    run_md(bare, trajectory=tmp_path / f"bare-with-a-cell{suffix}", **SHORT)
    run_md(left, trajectory=file, **SHORT)


def test_three_lengths_change_alone_or_are_not_changed(tmp_path: Path) -> None:
    """ASE changes angles other than right ones; a cell that is turned as a whole it takes."""
    skewed = bulk("Cu") * (2, 2, 2)
    skewed.calc = EMT()
    told = "ensemble: need npt, .* got npt-aniso with angles of 60, 60, 60 degrees; use ensemble=.npt., or engine="
    with pytest.raises(InputError, match=told):
        run_md(skewed, trajectory=tmp_path / "a.extxyz", **SHORT | {"ensemble": "npt-aniso"})
    turned = copper()
    turned.rotate(30, "z", rotate_cell=True)
    options = SHORT | {"ensemble": "npt-aniso", "pressure_damping": 0.5}
    found = run_md(turned, trajectory=tmp_path / "a.extxyz", **options).atoms.cell.cellpar()
    assert found[3:] == pytest.approx(90.0) and len({*(found[:3] / turned.cell.lengths()).round(4)}) == 3


@pytest.mark.parametrize("suffix", [".extxyz", ".xtc", ".traj", ".h5md"])
def test_what_was_linked_to_a_run_stays_when_it_begins_anew(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    run_md(copper(), trajectory=file, **SHORT)
    before = {}
    for path in (file, file.with_suffix(".csv")):
        kept = path.with_name(f"kept-{path.name}")
        os.link(path, kept)
        before[kept] = kept.read_bytes()
    run_md(copper(), trajectory=file, restart=False, **SHORT | {"picoseconds": 0.02})
    assert {kept: kept.read_bytes() for kept in before} == before


def test_files_of_plumed_are_looked_for_where_a_run_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the folder; called from the first one the run goes on."""
    pytest.importorskip("plumed", reason="the PLUMED kernel is not installed")
    options = SHORT | {"trajectory": tmp_path / "a.extxyz", "plumed": ["d: DISTANCE ATOMS=1,2", "PRINT ARG=d FILE=C"]}
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    run_md(copper(), **options)
    monkeypatch.chdir(tmp_path / "two")
    with pytest.raises(InputError, match=f"file C: need at least the .* got 0: none in {tmp_path}/two; put the file"):
        run_md(copper(), **options | {"picoseconds": 0.06})
    monkeypatch.chdir(tmp_path / "one")
    assert run_md(copper(), **options | {"picoseconds": 0.06}).frames == 7
