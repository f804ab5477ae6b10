"""What is no file that can be read to its end: a folder, a pipe, links in a ring; and marks that editors leave.

A pipe that nobody writes into would be waited for without end, and a device read until the memory is full.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError, IonpathError
from ionpath.estimate import Estimate
from ionpath_cli.record import Record

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and links are those of Unix")
STUDY = Path(__file__).parents[1] / "study" / "small.toml"


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """What a function of a module returns; the test is skipped where its package is not there."""
    module, _, function = name.rpartition(".")
    return getattr(pytest.importorskip(module), function)(*args, **kwargs)


def trajectory(path: Path) -> Any:
    mda = pytest.importorskip("MDAnalysis")
    pytest.importorskip("ionpath_mdanalysis")
    return mda.Universe(str(path), dt=1.0).trajectory.n_frames


def options(path: Path) -> Any:
    from ionpath_cli.cli import COMMANDS
    from ionpath_cli.options import with_config

    return with_config(["--config", str(path)], "md", COMMANDS)


COLVAR = "#! FIELDS time d\n 0 1.5\n 1 1.6\n"
XDATCAR = "run\n1.0\n9 0 0\n0 8 0\n0 0 7\nLi\n1\nDirect configuration=     1\n0.1 0.2 0.3\n"
FRAME = '1\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.0\nCu 0 0 0 0 0 0\n'
TRAINING = "ionpath_ase.training"
DOORS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "sq.dat": ("0.5 1\n0.6 2\n", lambda path: call("ionpath.structure.read_structure_factor", path)),
    "COLVAR": (COLVAR, lambda path: call("ionpath_plumed.files.read_table", path)),
    "nodes.dat": ("1 2 3\n4 5 6\n", lambda path: call("ionpath_plumed.bridge.as_points", "nodes", str(path))),
    "small.toml": (STUDY.read_text(), lambda path: call("ionpath_cli.study.load_study", str(path))),
    "md.toml": ("temperature = 600\n", options),
    "analysis.json": ("", lambda path: Record.load(path.parent)),
    "lcurve.out": ("# step lr\n0 1\n1 2\n", lambda path: call(f"{TRAINING}.learning_curve", path.parent)),
    "set.extxyz": (FRAME, lambda path: call(f"{TRAINING}.read_frames", path)[0].calc.results),
    "XDATCAR": (XDATCAR, trajectory),
    "run.npz": ("", lambda path: call("ionpath_mdanalysis._store.read", path)),
    "run.checkpoint.npz": ("", lambda path: call("ionpath_ase.md.state.load_checkpoint", path)),
    "done.json": ("", lambda path: call("ionpath_ase._notes.read_note", path, again="run it again")),
    "input.json": ("", lambda path: call(f"{TRAINING}.fit_folder.same_settings", path, {})),
    "plumed.dat": ("d: DISTANCE\n", lambda path: call("ionpath_ase.md.start.plumed_lines", path)),
    "log.csv": ("", lambda path: call("ionpath.run_log.read_log", path)),
}
FORMS: dict[str, Callable[[Path], Any]] = {
    "folder": lambda path: path.mkdir(),
    "pipe": lambda path: os.mkfifo(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "ring": lambda path: path.symlink_to(path.name),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", DOORS)
def test_what_has_no_end_is_refused(name: str, form: str, tmp_path: Path) -> None:
    if (name, form) == ("input.json", "ring"):
        pytest.skip("a link to nowhere counts as no file, and a training then writes its own")
    FORMS[form](tmp_path / name)
    got = {"folder": "a folder", "ring": "symbolic links"}.get(form, "a pipe or a device")
    with pytest.raises(InputError, match=f"got .*{got}") as caught:
        DOORS[name][1](tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name, (text, _) in DOORS.items() if text])
def test_marks_of_editors_change_nothing_and_other_encodings_are_told(name: str, tmp_path: Path) -> None:
    text, read = DOORS[name]
    path = tmp_path / name
    path.write_text(text)
    sound = repr(read(path))
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert repr(read(path)) == sound
    if name != "set.extxyz":  # which programs write
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert repr(read(path)) == sound
    path.write_text(text, encoding="utf-16")
    with pytest.raises(IonpathError, match=name) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Q S\n0,5000 1,9589\n0,8305 1,8889\n", "each Q once, got two rows at 0"),
        ("Q S\n0.5000D+00 1.95D+00\n0.8305 1.8889\n", "line 2: need two columns .* got 0.5000D"),
        ("0.5 1.9\n0.8 1.8\n0.8 1.8\n", "each Q once, got two rows at 0.8"),
    ],
)
def test_a_table_in_another_notation_is_no_other_table(text: str, told: str, tmp_path: Path) -> None:
    from ionpath.structure import read_structure_factor

    (tmp_path / "sq.dat").write_text(text)
    with pytest.raises(InputError, match=told):
        read_structure_factor(tmp_path / "sq.dat")
    (tmp_path / "sq.dat").write_text("60\nrun of 2 days\nQ S\n0.8, 1.8\n0.5, 1.9\n")
    assert np.array(read_structure_factor(tmp_path / "sq.dat")).tolist() == [[0.5, 0.8], [1.9, 1.8]]


def test_a_study_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    from ionpath_cli.study import load_study

    path = tmp_path / "mine.toml"
    for text in ("", STUDY.read_text().replace("least = ", "least = -")):
        path.write_text(text)
        with pytest.raises(InputError, match=r"mine\.toml, .*: need "):
            load_study(str(path))


def test_what_a_disk_that_failed_left_of_hills_is_told(tmp_path: Path) -> None:
    files = pytest.importorskip("ionpath_plumed.files")
    path = tmp_path / "COLVAR"
    path.write_text(COLVAR + " 2 1." + "\0" * 400)
    with pytest.raises(InputError, match="COLVAR, line 4: need numbers, got ' 2 1"):
        files.read_table(path)
    path.write_text(COLVAR + " 2")  # it is being written
    assert len(files.read_table(path).data) == 2


def test_units_are_those_of_the_input_beside_it_or_nothing(tmp_path: Path) -> None:
    """Of an input that cannot be read it was silently assumed that it has no UNITS: times in fs became ps."""
    read_hills = pytest.importorskip("ionpath_plumed").read_hills
    rows = "".join(f" {t} 1.0 0.1 0.5 10\n" for t in (1, 2))
    (tmp_path / "HILLS").write_text(f"#! FIELDS time d sigma_d height biasf\n{rows}")
    text = "UNITS LENGTH=A TIME=fs\nd: DISTANCE ATOMS=1,2\nMETAD ARG=d SIGMA=0.1 HEIGHT=1 PACE=5 FILE=HILLS\n"
    path = tmp_path / "plumed.dat"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text(text, encoding=encoding)
        assert read_hills(tmp_path / "HILLS").times.tolist() == [0.001, 0.002]  # ps
    path.unlink()
    with pytest.warns(
        UserWarning, match=r"HILLS: need the plumed.dat that wrote it, .* got none: times are read as ps"
    ):
        found = read_hills(tmp_path / "HILLS")
    assert found.times.tolist() == [1.0, 2.0] and found.assumed.startswith("times are read as ps, and energies as kJ/m")
    with pytest.raises(InputError, match="colvar: need values of a run, .* got hills of METAD; use free_energy"):
        pytest.importorskip("ionpath_plumed").free_energy_from_colvar(tmp_path / "HILLS", ["d"], temperature=300.0)
    with pytest.raises(
        InputError, match="frames: need frames in memory, got the name of a file; read it first: ase.io"
    ):
        pytest.importorskip("ionpath_plumed").evaluate("d: DISTANCE ATOMS=1,2", str(tmp_path / "a.xyz"))
    with pytest.warns(UserWarning, match="for its units"):
        assert pytest.importorskip("ionpath_plumed").free_energy(tmp_path / "HILLS").assumed == found.assumed
    for old, new, told in (
        (" 0.5 ", " 0.02 ", "heights of 0.05 to 100 kJ/mol, or the plumed.dat that says other UNITS, got 0.02 without"),
        (
            " 2 ",
            " 1001 ",
            "times between hills of 0.001 to 500 ps, or the plumed.dat .*, got 1e.03 without one; put it",
        ),
    ):
        (tmp_path / "HILLS").write_text((tmp_path / "HILLS").read_text().replace(old, new))
        with pytest.warns(UserWarning, match="for its units"), pytest.raises(InputError, match=told):
            read_hills(tmp_path / "HILLS")
        (tmp_path / "HILLS").write_text((tmp_path / "HILLS").read_text().replace(new, old))
    path.write_text("UNITS TIME=fs\nMETAD ARG=d\n")  # is enough, as the sentence says
    assert read_hills(tmp_path / "HILLS").times.tolist() == [0.001, 0.002]
    path.write_text(text, encoding="utf-16")
    with pytest.raises(InputError, match=r"plumed\.dat: need the input of the run that wrote HILLS, as text"):
        read_hills(tmp_path / "HILLS")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("set.extxyz", "\n\n", "set.extxyz: need labelled frames, got none"),
        ("set.extxyz", FRAME + "1" * 5000, "need a number of atoms, got '111"),
        ("lcurve.out", "", r"lcurve.out: need a line '# step ...', got an empty file"),
        ("lcurve.out", "<html>\n", "lcurve.out: need a line '# step ...', got '<html>'"),
    ],
)
def test_nothing_is_no_set_of_labels_and_no_learning_curve(name: str, text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=told):
        DOORS[name][1](tmp_path / name)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    calculator = pytest.importorskip("ionpath_ase").IonPath
    copper = pytest.importorskip("ase.build").bulk("Cu")
    (tmp_path / "model.pb").mkdir()
    with pytest.raises(InputError, match=r"model\.pb: need a file"):
        calculator(model=tmp_path / "model.pb").get_potential_energy(copper)


@pytest.mark.parametrize("change", [("Li\n1\n", "Li S\n-1 2\n"), ("Li\n", "Pi\n")])
def test_counts_below_zero_and_what_is_no_element(change: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "XDATCAR").write_text(XDATCAR.replace(*change))
    with pytest.raises(InputError, match="XDATCAR, frame 0: need the header of an XDATCAR"):
        trajectory(tmp_path / "XDATCAR")


def test_a_value_without_end_is_no_record(tmp_path: Path) -> None:
    quantity = '{"name": "D", "estimate": {"value": 1e400, "error": 1.0, "low": 0.0, "high": 2.0, "unit": "A^2/ps"}}'
    text = f'{{"label": "x", "quantities": [{quantity}], "figures": [], "notes": [], "parameters": {{}}}}'
    (tmp_path / "analysis.json").write_text(text)
    with pytest.raises(InputError, match=r"analysis\.json: need a record .* got ValueError: a value without end"):
        Record.load(tmp_path)
    (tmp_path / "analysis.json").write_text(text.replace("1e400", "1.0"))
    assert str(Record.load(tmp_path).quantities[0].estimate) == "1 ± 1 A^2/ps"
    assert str(Estimate(float("inf"), 1.0, 0.0, 2.0)) == "inf (error not known)"


def test_places_beyond_all_numbers_have_no_variable() -> None:
    from ionpath.cvs import CellVariable

    def distance(positions: Any, cell: Any) -> Any:
        vector = positions[1] - positions[0]
        length = float(np.linalg.norm(vector))
        return length, np.array([-vector, vector]) / length, np.zeros((3, 3))

    with pytest.raises(InputError, match=r"positions: need coordinates at which .* got lengths up to 1e\+200 A"):
        CellVariable(distance, 2).evaluate([[1e200, 0.0, 0.0], [0.0, 0.0, 0.0]])


def test_an_input_that_does_not_write_the_hills_beside_it(tmp_path: Path) -> None:
    """PLUMED's own units are then assumed, which is said."""
    read_hills = pytest.importorskip("ionpath_plumed").read_hills
    (tmp_path / "HILLS").write_text("#! FIELDS time d sigma_d height biasf\n 1 1.0 0.1 0.5 10\n")
    (tmp_path / "plumed.dat").write_text("<html>\n")
    with pytest.warns(UserWarning, match=r"plumed\.dat: need a line that writes HILLS, got none: times are read as ps"):
        read_hills(tmp_path / "HILLS")


def test_a_structure_without_finite_places_is_named(tmp_path: Path) -> None:
    pytest.importorskip("ase")
    from ionpath_cli.options import read_atoms

    (tmp_path / "s.extxyz").write_text(FRAME.replace('Lattice="9', 'Lattice="1e400'))
    with pytest.raises(InputError, match=r"s\.extxyz: need a file that ASE reads, got ValueError: places or a cell"):
        read_atoms(tmp_path / "s.extxyz")
