"""``ionpath metad`` and ``ionpath-plumed`` from the command line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath_cli.of_plugins import metad as command
from ionpath_plumed import driver
from ionpath_plumed.cli import metad
from ionpath_plumed.inputs import PlumedInput


@pytest.fixture
def structure(tmp_path):
    core = pytest.importorskip("pymatgen.analysis.argyrodite")
    path = tmp_path / "start.cif"
    core.argyrodite().to(filename=str(path))
    return path


def test_an_input_is_written(tmp_path, structure, capsys):
    folder = tmp_path / "tilt"
    assert metad([str(structure), "--protocol", "tilt", "--write-only", "--folder", str(folder)]) == 0
    given = PlumedInput.read(folder)
    assert given.kind == "tilt"
    assert "tilt, central" in capsys.readouterr().out


def test_a_run_gives_a_figure_and_a_sentence(tmp_path, structure, capsys):
    pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")
    folder = tmp_path / "hop"
    arguments = [str(structure), "--pace", "4", "--picoseconds", "0.06", "--folder", str(folder), "--quiet"]
    with pytest.warns(UserWarning, match="got 0.06: the trajectory will have no frame, .*; run for longer, or"):
        assert metad(arguments) == 0
    printed = capsys.readouterr().out
    assert "not converged" in printed
    assert (folder / "free-energy.png").stat().st_size > 1000
    assert metad(["--analyse", str(folder)]) == 0


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as stopped:
        metad(["--help"])
    assert stopped.value.code == 0
    assert "ionpath metad start.extxyz --temperature 300" in capsys.readouterr().out


def test_sentences(tmp_path):
    with pytest.raises(InputError, match="structure: need a structure file, got none"):
        metad([])
    with pytest.raises(InputError, match="folder: need a plumed.dat in it"):
        metad(["--analyse", str(tmp_path)])


def test_what_is_not_used_is_refused_or_said(tmp_path, structure, capsys, caplog):
    with pytest.raises(
        InputError, match="--analyse: need nothing else but --equivalent.*, got structure, --temperature;"
    ):
        metad([str(structure), "--temperature", "600", "--analyse", str(tmp_path)])
    with pytest.raises(
        InputError, match="ion: need none for tilt, which does not use it, got atom 3 of the structure;"
    ):
        metad([str(structure), "--protocol", "tilt", "--ion", "3", "--write-only"])
    with pytest.raises(SystemExit):
        metad([str(structure), "--fence", "1", "--no-fence"])
    assert "argument --no-fence: not allowed with argument --fence" in capsys.readouterr().err
    from ase.io import read, write

    write(tmp_path / "two.extxyz", [read(structure), read(structure)])
    assert command([str(tmp_path / "two.extxyz"), "--write-only", "-o", str(tmp_path / "w")]) == 0
    assert "two.extxyz holds several structures: the last one is taken" in caplog.text


def test_analysis_without_hills_is_a_sentence(tmp_path, structure):
    metad([str(structure), "--write-only", "-q", "--folder", str(tmp_path)])
    with pytest.raises(InputError, match="folder: need HILLS files in it, got none"):
        metad(["--analyse", str(tmp_path)])
    opes = tmp_path / "opes"
    metad([str(structure), "--write-only", "--method", "opes", "--folder", str(opes)])
    shutil.copy(tmp_path / "plumed.dat", opes / "HILLS")
    with pytest.raises(InputError, match="run: need hills of METAD, got opes; use free_energy_from_colvar"):
        metad(["--analyse", str(opes)])


def test_usage_of_the_driver(capsys):
    assert driver.main([]) == 2
    assert driver.main(["--help"]) == 0
    assert "ionpath-plumed driver --plumed plumed.dat" in capsys.readouterr().out


ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.search(r"```\n(UNITS LENGTH=A\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]


def test_the_block_of_the_readme_runs_as_printed(tmp_path, monkeypatch):
    pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")
    core = pytest.importorskip("pymatgen.analysis.argyrodite")
    from pymatgen.io.ase import AseAtomsAdaptor

    from ionpath_ase import run_md

    monkeypatch.chdir(tmp_path)
    atoms = AseAtomsAdaptor.get_atoms(core.argyrodite(a=9.75), msonable=False)
    Path("plumed.dat").write_text(BLOCK.replace("PACE=25", "PACE=1"))
    run_md(
        atoms, engine="ase", model="argyrodite.2", picoseconds=0.006, interval=0.002, plumed="plumed.dat",
        trajectory="t.extxyz", progress=False,
    )  # fmt: skip
    hills = np.loadtxt("HILLS")
    centres = [atoms.get_distance(2, k, mic=True) for k in (48, 49)]
    assert len(hills) == 3
    assert hills[0, 1:3] == pytest.approx(centres, abs=0.1)  # A, after 2 fs
    assert atoms.symbols[2] == "Li" and set(atoms.symbols[[48, 49]]) == {"S"}


def test_doctor_prints_the_line_that_any_engine_needs(tmp_path, capsys, run_python):
    from ionpath_cli.doctor import main

    assert main(["--plumed-line"]) == 0
    line = capsys.readouterr().out.strip()
    lines = BLOCK.replace("LOAD FILE=PythonCVInterface.so", line).replace("3,49,50", "1,2,3").splitlines()
    code = f"""
import numpy as np
from plumed import Plumed
engine = Plumed()
for name, value in (("setNatoms", 3), ("setMDLengthUnits", 0.1), ("setTimestep", 0.001), ("setKbT", 2.494),
                    ("setMDEngine", "plain"), ("setLogFile", "log")):
    engine.cmd(name, value)
engine.cmd("init")
for line in {lines!r}:
    engine.cmd("readInputLine", line)
place, forces = np.array([[0.0, 0, 0], [2.4, 0, 0], [0, 5.0, 0]]), np.zeros((3, 3))
for name, value in (("setStep", 0), ("setMasses", np.ones(3)), ("setPositions", place), ("setForces", forces),
                    ("setVirial", np.zeros((3, 3))), ("setBox", np.eye(3) * 12.0)):
    engine.cmd(name, value)
engine.cmd("calc")
engine.finalize()
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
