"""``ionpath metad`` and ``ionpath-plumed`` from the command line."""

from __future__ import annotations

import shutil

import pytest

from ionpath.errors import InputError
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


def test_analysis_without_hills_is_a_sentence(tmp_path, structure):
    metad([str(structure), "--write-only", "--folder", str(tmp_path)])
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
