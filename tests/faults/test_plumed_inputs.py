"""PLUMED inputs as users write them: refused in a sentence before anything is touched, or run as they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.plumed_run import included, lost_sums, memories, read_files, written_files

pytest.importorskip("plumed", reason="the PLUMED kernel is not installed")
pytest.importorskip("ionpath_ase.md", reason="the ASE plugin is not installed")

from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.io import read, write

from ionpath_ase import run_md

DISTANCE = ["UNITS LENGTH=A", "d: DISTANCE ATOMS=1,2"]
HILLS = "m: METAD ARG=d SIGMA=0.05 HEIGHT={} PACE=5"
PYTHON = ["UNITS LENGTH=A", "LOAD FILE=PythonCVInterface.so"]
SHELL = "s: PYCVINTERFACE ATOMS=1,2,3 IMPORT=ionpath_plumed.shell"
SHOWN = "PRINT ARG=s.* FILE=C"


@pytest.fixture(autouse=True)
def _in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def copper() -> Atoms:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT()
    return atoms


def run(plumed: Any, picoseconds: float = 0.04, atoms: Atoms | None = None, **more: Any) -> Any:
    settings = {"thermostat": "langevin", "interval": 0.01, "checkpoint_interval": 0.02, "trajectory": "run.extxyz"}
    return run_md(
        copper() if atoms is None else atoms, engine="ase", picoseconds=picoseconds, progress=False, plumed=plumed,
        **settings | more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([*DISTANCE, "PRINT ARG=d FILE=run.pdb"], "output files: need one file for each, got topology and PLUMED's"),
        ([*DISTANCE, "PRINT ARG=d FILE=run.checkpoint.npz"], "got checkpoint and PLUMED's run.checkpoint.npz"),
        ([*DISTANCE, "PRINT ARG=d FILE=C", HILLS.format(1) + " FILE=C"], "plumed: need a file of its own .* C"),
        ([*DISTANCE, HILLS.format(1) + " GRID_WFILE=C", "PRINT ARG=d FILE=C"], "got 2 that write C; name them"),
        ([*DISTANCE, HILLS.format(1) + " TEMP=900"], "temperature: need the 900 K that TEMP of METAD says, got 300 K"),
        ([*DISTANCE, "o: OPES_METAD ARG=d PACE=5 BARRIER=9 TEMP=900"], "TEMP of OPES_METAD says, got 300 K"),
        ([*DISTANCE, HILLS.format(1) + " TEMP=warm"], "TEMP: need a temperature in K, got 'warm'"),
        ([*DISTANCE, "PRINT ARG=d FILE=C.gz"], "FILE of PRINT: need a text file, .* got C.gz; leave out the .gz"),
        ([*DISTANCE, HILLS.format(1) + " FILE=H.gz"], "FILE of m: need a text file, .* got H.gz; leave out the .gz"),
        (["DUMPATOMS ATOMS=1-8 FILE=a.xtc"], "FILE of DUMPATOMS: need a text file, .* got a.xtc; write .xyz or .gro"),
        (["DUMPATOMS ATOMS=1-8 FILE=a TYPE=trr"], "FILE of DUMPATOMS: need a text file, .* got a; write .xyz or .gro"),
        ([*DISTANCE, HILLS.format(1) + " RESTART=NO"], "RESTART of m: need none in an action, got RESTART=NO; leave"),
        ([*DISTANCE, HILLS.format(1), "PRINT ARG=d FILE=C RESTART=YES"], "RESTART of PRINT: .* got RESTART=YES"),
        (["RESTART NO", *DISTANCE, HILLS.format(1)], "RESTART of RESTART: need none in an action, got NO"),
        ([*DISTANCE, "m: METAD ARG=d SIGMA=-0.1 HEIGHT=1 PACE=5"], "SIGMA of m: need widths above 0, got -0.1"),
        (["d: DISTNACE ATOMS=1,2"], 'plumed: need an input that PLUMED takes, got Action "DISTNACE" is not known'),
        (["d: DISTANCE ATOMS=1,99"], "got ERROR in input to action .* atom 99 out of range; mend the input"),
        ([*DISTANCE, "INCLUDE FILE=nowhere.dat"], "INCLUDE: need a file that is there, .* got 'nowhere.dat'"),
        (["RESTART", *DISTANCE, HILLS.format(1)], "restart file HILLS not found; mend"),
        ([*PYTHON, SHELL.replace("3 ", "99 ")], "ATOMS of s: need numbers from 1 to 8, got 99"),
        ([*PYTHON, "g: GROUP ATOMS=1,2,99", SHELL.replace("1,2,3", "g")], "ATOMS of s: .* got 99"),
        ([*PYTHON, SHELL.replace("1,2,3", "1,2"), SHOWN], "ATOMS of s: need 3 atoms for these parameters, got 2"),
        ([*PYTHON, SHELL.replace("shell", "shel")], "IMPORT of s: need a module that Python finds, got 'ionpath_plum"),
        ([*PYTHON, SHELL + " INIT={bogus=3}", SHOWN], "INIT: need parameters among centres, .* got 'bogus'"),
        ([*PYTHON, SHELL + " INIT=bogus", SHOWN], "INIT: need parameters as name=value, got 'bogus'"),
        ([PYTHON[1], SHELL, SHOWN], "units of s: need lengths in A, got .* these are nm; begin plumed.dat with"),
    ],
)  # fmt: skip
def test_it_is_refused_before_anything_is_written(lines: list[str], told: str, tmp_path: Path) -> None:
    """None ends the process, as PLUMED's interface for Python does on an error while it reads an input."""
    with pytest.raises(InputError, match=told):
        run(lines)
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_begun_anew_keeps_the_old_one_where_the_new_input_is_wrong() -> None:
    run([*DISTANCE, HILLS.format(1)])
    before = {name: Path(name).read_bytes() for name in ("run.extxyz", "run.csv", "HILLS", "run.checkpoint.npz")}
    with pytest.raises(InputError, match="is not known"):
        run(["d: DISTNACE ATOMS=1,2"], restart=False)
    assert before == {name: Path(name).read_bytes() for name in before}


def killed(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that dies after the hill at 0.03 ps, before the checkpoint at 0.04."""
    atoms = copper()
    calculate, calls = atoms.calc.calculate, [0]

    def dies(*args: Any, **more: Any) -> None:
        calls[0] += 1
        if calls[0] == 18:
            raise KeyboardInterrupt
        calculate(*args, **more)

    monkeypatch.setattr(atoms.calc, "calculate", dies)
    with pytest.raises(KeyboardInterrupt):
        run(lines, atoms=atoms)


def test_a_comma_in_a_folder_is_a_part_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of studies are called x=0.5,y=0.75: what lies in them is cut back like anything else."""
    place = Path("x=0.5,y=0.75").resolve()
    place.mkdir()
    lines = [*DISTANCE, HILLS.format(1) + f" FILE={place}/H", f"PRINT ARG=d FILE={place}/C STRIDE=5"]
    killed(lines, monkeypatch)
    run(lines)
    assert np.loadtxt(place / "H")[:, 0] == pytest.approx([0.01, 0.02, 0.03, 0.04])
    assert np.loadtxt(place / "C")[:, 0] == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04])


def test_hills_of_an_included_file_are_cut_back_and_its_lines_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bias.dat").write_text(HILLS.format(1))
    lines = [*DISTANCE, "INCLUDE FILE=bias.dat"]
    killed(lines, monkeypatch)
    run(lines)
    assert np.loadtxt("HILLS")[:, 0] == pytest.approx([0.01, 0.02, 0.03, 0.04])
    Path("bias.dat").write_text(HILLS.format(5))
    with pytest.raises(InputError, match="PLUMED input 'm: METAD ARG=d SIGMA=0.05 HEIGHT=5 PACE=5' instead of"):
        run(lines, 0.06)


def test_another_content_of_a_file_that_plumed_reads_is_told() -> None:
    atoms = copper()
    write("reference.pdb", atoms[:3])
    lines = ["r: RMSD REFERENCE=reference.pdb TYPE=OPTIMAL", "RESTRAINT ARG=r AT=0 KAPPA=1"]
    run(lines)
    atoms.positions[0] += 1.0
    write("reference.pdb", atoms[:3])
    with pytest.raises(InputError, match="other content of reference.pdb, which PLUMED reads; repeat the call"):
        run(lines, 0.06)


def test_a_bias_with_a_memory_is_not_taken_up_without_it() -> None:
    lines = [*DISTANCE, "a: ABMD ARG=d TO=6 KAPPA=5"]
    run(lines)
    with pytest.raises(InputError, match="biases that PLUMED can take up .* got ABMD, whose memory of the first 20 st"):
        run(lines, 0.06)


def test_opes_that_has_no_kernel_yet_goes_on_as_an_unbroken_run() -> None:
    lines = [*DISTANCE, "o: OPES_METAD ARG=d PACE=10 BARRIER=10 SIGMA=0.05"]
    with pytest.warns(UserWarning, match="5 steps is not biased by all .*: OPES_METAD o adds its first hill after"):
        run(lines, 0.01, checkpoint_interval=0.01)
    run(lines, 0.06, checkpoint_interval=0.01)
    kernels = Path("KERNELS").read_text()
    whole = read("run.extxyz", -1).positions
    Path("unbroken").mkdir()
    run([*lines[:2], lines[2] + " FILE=unbroken/KERNELS"], 0.06, trajectory="unbroken/run.extxyz")
    assert read("unbroken/run.extxyz", -1).positions == pytest.approx(whole, abs=1e-8)
    assert Path("unbroken/KERNELS").read_text() == kernels


def test_widths_that_opes_measures_begin_anew_with_a_word() -> None:
    lines = [*DISTANCE, "o: OPES_METAD ARG=d PACE=5 BARRIER=10"]
    run(lines)
    with pytest.warns(UserWarning, match="goes on from step 20, at which begin anew: OPES_METAD without SIGMA"):
        run(lines, 0.06)


@pytest.mark.parametrize("n", [9, 200])
def test_plumed_sees_cell_and_masses_of_every_atom(n: int) -> None:
    """Centre of mass of 4 u and 40 u that are 4 A apart: 40/44 of the way; the last of a row is 4 A behind the first.

    PLUMED keeps addresses of arrays: those that were gone when it read them gave it other masses and another cell.
    """
    edge = int(np.ceil(n ** (1 / 3)))
    places = np.array([(i, j, k) for i in range(edge) for j in range(edge) for k in range(edge)])[:n] * 4.0
    atoms = Atoms(["Ar"] * n, places, cell=[edge * 4.0] * 3, pbc=True)
    atoms.set_masses([4.0] + [40.0] * (n - 1))
    atoms.calc = LennardJones(sigma=3.4, epsilon=1e-6, rc=5)
    lines = ["c: COM ATOMS=1,2", "d: DISTANCE ATOMS=1,c", f"e: DISTANCE ATOMS=1,{edge}", "PRINT ARG=d,e FILE=COLVAR"]
    run(["UNITS LENGTH=A", *lines], 0.002, atoms=atoms, interval=0.002, temperature=1e-6)
    found = np.loadtxt("COLVAR", ndmin=2)[0, 1:]
    assert found == pytest.approx([4.0 * 40 / 44, 4.0], abs=1e-3)


def test_names_of_files_in_an_input(tmp_path: Path) -> None:
    (tmp_path / "inner.dat").write_text("INCLUDE FILE=deepest.dat\n")
    (tmp_path / "deepest.dat").write_text("PRINT ARG=d FILE=COLVAR\n")
    assert included(["INCLUDE FILE=inner.dat"], tmp_path) == ["PRINT ARG=d FILE=COLVAR"]
    assert included(["INCLUDE FILE=none.dat"], tmp_path, refuse=False) == ["INCLUDE FILE=none.dat"]
    (tmp_path / "deepest.dat").write_text("INCLUDE FILE=inner.dat\n")
    with pytest.raises(InputError, match="INCLUDE: need a file that is there, and does not include itself"):
        included(["INCLUDE FILE=inner.dat"], tmp_path)
    lines = ["o: OPES_METAD ARG=d STATE_WFILE=STATE STATE_RFILE=STATE", "EXTERNAL ARG=d FILE=grid.dat LABEL=e"]
    assert [str(path) for path in written_files(lines)] == ["KERNELS", "STATE"]
    assert read_files(lines) == ["grid.dat"]
    assert read_files(["s: PYCVINTERFACE ATOMS=1-3 IMPORT=m INIT={reference=ideal.txt r0=2.5}"]) == ["ideal.txt"]
    assert memories(["METAD ARG=d ADAPTIVE=DIFF SIGMA=10", "a: ABMD ARG=d"]) == ["METAD ADAPTIVE=DIFF", "ABMD"]
    assert lost_sums(["a: AVERAGE ARG=d", "OPES_METAD ARG=d SIGMA=1"]) == ["AVERAGE"]


@pytest.mark.parametrize("kind", ["xyz", "gro"])
def test_atoms_that_plumed_dumps_are_all_there_after_a_run_went_on(kind: str) -> None:
    """Frames of a .xtc file up to the stop were lost, and a .gz file was no longer readable."""
    lines = ["UNITS LENGTH=A", f"DUMPATOMS ATOMS=1-8 FILE=all.{kind} STRIDE=5"]
    for picoseconds in (0.04, 0.08):
        run(lines, picoseconds)
    assert (
        len(read(f"all.{kind}", ":") if kind == "xyz" else Path("all.gro").read_text().split("Made with PLUMED")[1:])
        == 9
    )


@pytest.mark.parametrize(
    ("lines", "column", "told"),
    [
        (["r: MOVINGRESTRAINT ARG=d STEP0=0 AT0=2.5 KAPPA0=10 STEP1=40 AT1=3"], "r.work", "MOVINGRESTRAINT r.work"),
        ([HILLS.format(1) + " TEMP=300 CALC_WORK"], "m.work", "CALC_WORK of METAD"),
        ([HILLS.format(1) + " TEMP=300 ACCELERATION"], "m.acc", "ACCELERATION of METAD"),
    ],
)
def test_what_sums_up_since_the_start_begins_anew_with_a_word(lines: list[str], column: str, told: str) -> None:
    """PLUMED counts work from where it starts: the rows after a stop are too low by what was done before.

    Files of PLUMED have the names of the trajectories without their endings, which a run took for locks of another one.
    """
    rows = {}
    for name, lengths in (("C", (0.04, 0.08)), ("W", (0.08,))):
        given = [*DISTANCE, *(f"{line} FILE=H{name}" if "METAD" in line else line for line in lines)]
        given += [f"PRINT ARG={column} FILE={name} STRIDE=5"]
        run(given, lengths[0], trajectory=f"{name}.extxyz")
        if len(lengths) > 1:
            with pytest.warns(UserWarning, match=f"goes on from step 20, at which begin anew: {told}; what they gave"):
                run(given, lengths[1], trajectory=f"{name}.extxyz")
        rows[name] = np.loadtxt(name)
    assert rows["C"][:5] == pytest.approx(rows["W"][:5]) and abs(rows["C"][-1, 1] - rows["W"][-1, 1]) > 1e-3


def test_work_that_is_not_asked_for_is_not_told() -> None:
    moving = "r: MOVINGRESTRAINT ARG=d STEP0=0 AT0=2.5 KAPPA0=10 STEP1=40 AT1=3"
    for shown in ("r.bias", "r.force2,d"):
        assert lost_sums([moving, f"PRINT ARG={shown} FILE=C"]) == []
    for shown in ("r.*", "*.*", "r.d_work", "d,r.work"):
        assert lost_sums([moving, f"PRINT ARG={shown} FILE=C"]) == ["MOVINGRESTRAINT r.work"]
