"""Sentences for mistakes, most of them before PLUMED sees the input."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from ionpath.errors import InputError, MissingDependency
from ionpath.plumed_input import keywords
from ionpath_plumed import kernel
from ionpath_plumed.checks import check_input, read_atoms

HEAD = ["UNITS LENGTH=A", "LOAD FILE=PythonCVInterface.so"]
SHELL = "s: PYCVINTERFACE ATOMS={atoms} IMPORT=ionpath_plumed.shell {init}"


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ([*HEAD, SHELL.format(atoms="1,2,99", init="")], "ATOMS of s: need numbers from 1 to 10, got 99"),
        ([*HEAD, SHELL.format(atoms="1,2,2", init="")], "ATOMS of s: need different atoms, got atom 2 more than once"),
        ([*HEAD, SHELL.format(atoms="1,2", init="")], "ATOMS of s: need 3 atoms for these parameters, got 2"),
        (
            [*HEAD, SHELL.format(atoms="1,2,3,4", init="INIT={groups=3}")],
            "ATOMS of s: need as many atoms in each of 3 groups, got 4 atoms; name the atoms of one group after those",
        ),
        ([*HEAD, SHELL.format(atoms="1,2,3,4", init="INIT={groups=0}")], "groups: need a number of groups, at least 1"),
        (
            [*HEAD, SHELL.format(atoms="1,2,3,4,5,6", init="INIT={groups=2 values=[d3]}")],
            "values: need components among d1-1, .* got 'd3'",
        ),
        ([*HEAD, SHELL.format(atoms="1,2,3", init="INIT={softnes=0.1}")], "got 'softnes'; did you mean 'softness'"),
        ([*HEAD, SHELL.format(atoms="1,2,3", init="INIT={r0=1 r0=2}")], "need each parameter once, got 'r0' twice"),
        ([*HEAD, SHELL.format(atoms="1,2,3", init="INIT={values=[d1,dd]}")], "values: need components among .* 'dd'"),
        (
            [*HEAD, SHELL.format(atoms="1,2,3", init="INIT={centres=[[2],[7]]}")],
            r"centres: need atoms that ATOMS names",
        ),
        (
            [*HEAD, SHELL.format(atoms="1,2,3", init="INIT={rotation=[1,2]}")],
            "rotation: need an angle in degrees or nine",
        ),
        (
            [*HEAD, "s: PYCVINTERFACE ATOMS=1,2 IMPORT=ionpath_plumed.shel"],
            "got ionpath_plumed.shel; did you mean ionpath_plumed.shell?",
        ),
        (
            [*HEAD, "p: PYCVINTERFACE ATOMS=1,2,3,4 IMPORT=ionpath_plumed.path INIT={nodes=[[6,6],[5,5],[3,3]]}"],
            "nodes: need equidistant nodes",
        ),
        (
            [
                *HEAD,
                "p: PYCVINTERFACE ATOMS=1,2,3,4 IMPORT=ionpath_plumed.path INIT={nodes=[[0,0],[2,0],[0.5,1.3228756]]}",
            ],
            "need a path on which the two closest nodes are adjacent",
        ),
        (
            [*HEAD, "p: PYCVINTERFACE ATOMS=1,2,3,4 IMPORT=ionpath_plumed.path INIT={nodes=nodes.dat}"],
            "nodes: need a text file with one row per line, got no such file .nodes.dat",
        ),
        ([*HEAD, "m: PYCVINTERFACE ATOMS=1,2 IMPORT=ionpath_plumed.flux"], "sites: need vectors from the centre"),
        (
            [*HEAD, "v: PYCVINTERFACE ATOMS=1,2 IMPORT=ionpath_plumed.plugin INIT={name=mine}"],
            "name: need a registered variable",
        ),
        (
            HEAD[1:] + [SHELL.format(atoms="1,2,3", init="")],
            "UNITS: need lengths in A, got LENGTH=nm.* ten times too small",
        ),
        (HEAD[:1] + [SHELL.format(atoms="1,2,3", init="")], "need LOAD FILE=PythonCVInterface.so before"),
        ([*HEAD, "s: PYCVINTERFACE IMPORT=ionpath_plumed.shell"], "ATOMS of s: need a list of atom numbers, got none"),
        ([*HEAD, "d: DISTANCE ...", " ATOMS=1,2"], "plumed.dat: need a line '...' that ends a long statement"),
    ],
)
def test_sentence_before_the_run(lines, match):
    with pytest.raises(InputError, match=match):
        check_input(lines, 10)


def test_good_inputs_pass():
    lines = [
        *HEAD,
        "s: PYCVINTERFACE ...  # an ion and two shells",
        "  ATOMS=1,2,3 IMPORT=ionpath_plumed.shell",
        "...",
        "c: CENTER ATOMS=4,5",
        "v: PYCVINTERFACE ATOMS=1,c IMPORT=ionpath_plumed.shell INIT={centres=1}",
        "PRINT ARG=s.* FILE=COLVAR",
    ]
    found = check_input(lines, 10)
    assert len(found) == 6
    assert found[2] == "s: PYCVINTERFACE ATOMS=1,2,3 IMPORT=ionpath_plumed.shell"
    assert found[1].endswith("PythonCVInterface.so")
    assert found[1] != HEAD[1]


def test_words_of_a_statement():
    assert keywords("METAD ARG=a,b SIGMA=0.1,0.2 LABEL=m CALC_RCT")[0] == "m"
    assert keywords("m: METAD CALC_RCT")[2] == {"CALC_RCT": ""}
    assert read_atoms("d", "1-9:4,10", 10) == [1, 5, 9, 10]
    assert read_atoms("d", "1,group", 10) is None


ENGINE = """
import numpy as np
from ionpath_plumed.kernel import Engine
lines = {lines!r}
with Engine(lines, 3) as engine:
    engine.step(0, {scale} * np.array([[0.0, 0.0, 0.0], [2.4, 0.0, 0.0], [0.0, 5.0, 0.0]]), {cell})
"""


@pytest.mark.parametrize(
    ("scale", "cell", "units", "atoms", "expected"),
    [
        (1.0, "np.eye(3) * 10.0", "UNITS LENGTH=A", "1,2,3", ""),
        (1.0, "np.eye(3) * 10.0", "", "1,2,3", "a distance of 0.24 in a box of 1: ten times too small, these are nm"),
        (1.0, "None", "UNITS LENGTH=A", "1,2,3", "cell: need a periodic cell, got none from the MD engine"),
        (1.0, "np.eye(3) * 10.0", "UNITS LENGTH=A", "1,2,2", "need different atoms, got atom 2 more than once"),
        (1.0, "np.eye(3) * 10.0", "UNITS LENGTH=A", "1,2", "need 3 atoms for these parameters, got 2"),
    ],
)
def test_sentence_at_the_first_step_of_any_engine(run_python, scale, cell, units, atoms, expected):
    # Inputs that come from an engine that does not know our checks, as LAMMPS or the plumed program.
    lines = [units] * bool(units) + [HEAD[1], SHELL.format(atoms=atoms, init=""), "PRINT ARG=s.* FILE=COLVAR"]
    found = run_python(ENGINE.format(lines=lines, scale=scale, cell=cell))
    assert (found.returncode == 0) == (not expected), found.stderr
    assert expected in found.stderr


def test_sentence_when_plumed_reads_a_bad_parameter(run_python):
    lines = [*HEAD, SHELL.format(atoms="1,2,3", init="INIT={softnes=0.1}")]
    found = run_python(ENGINE.format(lines=lines, scale=1.0, cell="np.eye(3) * 10.0"))
    assert found.returncode != 0
    assert "ionpath_plumed: INIT: need parameters among" in found.stderr
    assert "did you mean 'softness'?" in found.stderr


def test_without_a_cell_a_variable_works_when_asked(run_python):
    lines = [*HEAD, SHELL.format(atoms="1,2,3", init="INIT={nopbc=True}"), "PRINT ARG=s.* FILE=COLVAR"]
    assert run_python(ENGINE.format(lines=lines, scale=1.0, cell="None")).returncode == 0


def test_old_kernels_are_refused():
    with pytest.raises(InputError, match=r"PLUMED: need version 2.10 or newer .*, got 2.9.3; install a newer one"):
        kernel.require_version((2, 9, 3))


def test_a_missing_kernel_is_a_sentence(monkeypatch):
    monkeypatch.setenv("PLUMED_KERNEL", "/nowhere/libplumedKernel.so")
    with pytest.raises(MissingDependency, match="the PLUMED kernel .*nowhere.* was not found; install it with"):
        kernel.kernel_path()


def test_a_missing_interface_is_a_sentence(monkeypatch, tmp_path):
    fake = tmp_path / "libplumedKernel.so"
    fake.touch()
    monkeypatch.setenv("PLUMED_KERNEL", str(fake))
    monkeypatch.setattr(kernel.plumed_module(), "BUNDLED_PYCV_PATH", None, raising=False)
    with pytest.raises(MissingDependency, match=r"PythonCVInterface.so \(pycv\) is needed for collective variables"):
        kernel.pycv_path()


def test_a_kernel_and_an_interface_of_ones_own_are_used(monkeypatch, tmp_path):
    # The way of conda-forge: PLUMED_KERNEL says where, pycv lies beside it or IONPATH_PYCV names it.
    own = tmp_path / "libplumedKernel.so"
    own.touch()
    monkeypatch.setenv("PLUMED_KERNEL", str(own))
    beside = tmp_path / "PythonCVInterface.so"
    beside.touch()
    assert kernel.kernel_path() == own
    assert kernel.pycv_path() == beside
    other = tmp_path / "elsewhere.so"
    other.touch()
    monkeypatch.setenv("IONPATH_PYCV", str(other))
    assert kernel.pycv_path() == other


def test_a_missing_wrapper_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "plumed", None)
    with pytest.raises(MissingDependency, match="plumed is needed for running PLUMED from Python"):
        kernel.plumed_module()


def test_evaluation_refuses_what_is_no_trajectory():
    from ionpath_plumed import evaluate

    with pytest.raises(InputError, match="frames: need one frame or more"):
        evaluate(HEAD, [])
    from ase import Atoms

    pair = [Atoms("Li2", positions=np.eye(3)[:2]), Atoms("Li", positions=np.eye(3)[:1])]
    with pytest.raises(InputError, match="frame 1: need 2 atoms, got 1"):
        evaluate([*HEAD, "d: DISTANCE ATOMS=1,2 NOPBC"], pair)
