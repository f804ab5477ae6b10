"""The command line and the doctor."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ionpath import __version__
from ionpath.errors import InputError, MissingDependency
from ionpath_cli import cli, doctor
from ionpath_cli.words import in_words


def test_usage_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in cli.COMMANDS)


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage: ionpath COMMAND" in capsys.readouterr().out


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["analyse"]) == 2
    assert "unknown command 'analyse'; did you mean analyze?" in capsys.readouterr().err


@pytest.mark.parametrize("command", list(cli.COMMANDS))
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main([command, "--help"])
    text = capsys.readouterr().out
    assert f"ionpath {command}" in text
    assert "example" in text
    assert "--config" in text, "which every command takes"
    assert max(map(len, text.splitlines())) <= 80


def test_doctor_on_this_environment(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is installed here, so everything must work."""
    assert cli.main(["doctor"]) == 0, capsys.readouterr().out
    text = capsys.readouterr().out
    assert "BROKEN" not in text
    for part in ("ASE plugin", "Deep Potential", "LAMMPS", "MPI", "MDAnalysis", "pymatgen", "PLUMED kernel", "pycv"):
        assert part in text


@pytest.fixture
def only_plumed_and_mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the slow checks, which the test above runs for real."""
    for check in ("_potential", "_lammps", "_host", "_ase"):
        monkeypatch.setattr(doctor, check, lambda *names: None)


@pytest.mark.usefixtures("only_plumed_and_mpi")
def test_doctor_reports_what_is_broken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> str:
        raise OSError("libplumed.so: cannot open shared object file")

    monkeypatch.setattr(doctor, "_plumed", broken)
    assert cli.main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "BROKEN  PLUMED kernel" in text
    assert "libplumed.so" in text
    assert "pip install --no-deps hillclimber" in text


@pytest.mark.usefixtures("only_plumed_and_mpi")
def test_doctor_counts_what_is_required(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "_mpi", lambda: None)
    assert cli.main(["doctor"]) == 0
    assert cli.main(["doctor", "--require", "MPI"]) == 1
    said = capsys.readouterr().out
    assert "absent  MPI" in said
    assert said.endswith("what is installed works, and something that is required is absent\n")
    assert cli.main(["doctor", "--require", "gromacs"]) == 1
    assert "--require: need a word of a part that is listed above, got gromacs" in capsys.readouterr().err


def test_errors_are_explained_not_traced(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(argv: list[str]) -> int:
        raise InputError("lag", need="at least 1 frame", got="0", remedy="use a longer lag")

    monkeypatch.setattr(doctor, "main", fails)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().err.strip() == "ionpath doctor: lag: need at least 1 frame, got 0; use a longer lag"


def test_errors_pickle() -> None:
    """Worker processes send errors back by pickling them."""
    import pickle

    error = pickle.loads(pickle.dumps(InputError("lag", need="a", got="b", remedy="c")))
    assert str(error) == "lag: need a, got b; c"
    missing = pickle.loads(pickle.dumps(MissingDependency("freud", purpose="q6", install="pip install freud-analysis")))
    assert "pip install freud-analysis" in str(missing)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Files that are no structures, by what is wrong with them."""
    made = {name: tmp_path / name for name in ("text.extxyz", "empty.cif", "cut.extxyz", "folder", "absent.cif")}
    made["text.extxyz"].write_text("nothing that a structure has\n")
    made["empty.cif"].write_text("")
    made["cut.extxyz"].write_text('5\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3\nLi 0 0 0\nLi 1 1')
    made["folder"].mkdir()
    return {name: str(path) for name, path in made.items()}


@pytest.mark.parametrize("bad", ["text.extxyz", "empty.cif", "cut.extxyz", "folder", "absent.cif"])
@pytest.mark.parametrize(
    "words",
    [
        "analyze FILE --temperature 600 --frame-time 0.1",
        "analyze FILE FILE --temperature 600 --frame-time 0.1",
        "md FILE",
        "metad FILE",
        "build --from FILE",
        "report FILE",
        "train label FILE -o OUT",
        "train fit FILE -o OUT",
    ],
)
def test_bad_files_end_with_one_sentence(
    words: str, bad: str, files: dict[str, str], tmp_path: Path, capsys, monkeypatch
) -> None:
    """Whatever host reads them: no traceback, status 1, and the file is named."""
    monkeypatch.chdir(tmp_path)
    argv = [{"FILE": files[bad], "OUT": str(tmp_path / "out")}.get(word, word) for word in words.split()]
    assert cli.main(argv) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    sentence = said.splitlines()[-1]
    assert sentence.startswith(f"ionpath {argv[0]}: ")
    assert bad in sentence
    assert "please report" not in sentence


def test_what_the_system_refuses_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    import errno
    import os

    for number, expected in (
        (errno.EACCES, "need the right to use it, got Permission denied; change its rights, or name another folder"),
        (errno.EROFS, "need a folder that can be written to, got Read-only file system; name another folder"),
        (errno.ENOSPC, "need room on the disk, got No space left on device; make room and repeat the command"),
        (errno.ENOENT, "need an existing file, got No such file or directory; check the path"),
    ):

        def fails(argv: list[str], number: int = number) -> int:
            raise OSError(number, os.strerror(number), "place/name")

        monkeypatch.setattr(doctor, "main", fails)
        assert cli.main(["doctor"]) == 1
        assert f"ionpath doctor: place/name: {expected}" in capsys.readouterr().err


def test_our_own_faults_ask_for_a_report_and_show_where_with_v(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def fails(argv: list[str]) -> int:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(doctor, "main", fails)
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert said == "ionpath doctor: stopped by KeyError: 'a fault of ours'; see where with -v, and please report it\n"
    assert cli.main(["doctor", "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_remedies_are_in_words_of_the_command_line() -> None:
    options = cli.options_of("analyze", [])
    assert {"--frame-time", "--config", "--quiet", "--elements"} <= options
    said = in_words("pass time_unit='fs', or dt=0.1, or frame_time=..., or connected='largest'", options)
    assert said == "pass --time-unit fs, or --frame-time 0.1, or --frame-time ..., or connected='largest'"
    assert "--temperature" in cli.options_of("metad", [])
    assert "--max-force" in cli.options_of("train", ["label"])


def test_messages_go_to_stderr_and_can_be_silenced(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    import warnings

    def speaks(argv: list[str]) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("cells differ", stacklevel=1)
        logging.getLogger("ionpath").info("read 5 frames")
        logging.getLogger("ionpath").debug("by MDAnalysis")
        print("D = 1")
        return 0

    monkeypatch.setattr(doctor, "main", speaks)
    seen = {}
    for flags in ((), ("-q",), ("-v",)):
        assert cli.main(["doctor", *flags]) == 0
        seen[flags] = capsys.readouterr()
        assert seen[flags].out == "D = 1\n"
        assert logging.getLogger("ionpath").level == logging.NOTSET  # a command leaves nothing behind
    assert seen[()].err == "warning: cells differ\nread 5 frames\n"
    assert seen[("-q",)].err == ""
    assert seen[("-v",)].err == "warning: cells differ\nread 5 frames\nby MDAnalysis\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("temperature 600", "need a TOML file, or a YAML file that ends on .yml, got TOMLDecodeError"),
        ("\x00", "got TOMLDecodeError"),
        (None, "--config: need an existing file, got "),
    ],
)
def test_files_of_options_that_are_none(tmp_path: Path, capsys, text: str | None, message: str) -> None:
    path = tmp_path / "run.toml"
    if text is not None:
        path.write_text(text)
    assert cli.main(["doctor", "--config", str(path)]) == 1
    assert message in capsys.readouterr().err


def test_the_place_of_results_is_o_for_every_command() -> None:
    """`ionpath md ... -o run.xtc` was an unrecognized argument; a word that others take is no mistake."""
    for command in ("analyze", "build", "demo", "md", "metad", "slurm", "study"):
        assert "\n  -o " in cli.help_of(command, ["--help"]), command


def test_which_of_several_structures_is_taken_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from ase.build import bulk
    from ase.io import write

    from ionpath_cli.options import read_atoms

    structures = [bulk("LiCl", "rocksalt", a=a, cubic=True) for a in (5.1, 5.2, 5.3)]
    for name in ("several.extxyz", "several.traj", "several.cif"):
        write(tmp_path / name, structures)
        caplog.clear()
        assert read_atoms(tmp_path / name).cell[0, 0] == 5.3
        assert f"{name} holds several structures: the last one is taken" in caplog.text
    for name in ("one.extxyz", "one.cif", "POSCAR", "one.traj"):
        write(tmp_path / name, structures[0])
        caplog.clear()
        assert read_atoms(tmp_path / name).cell[0, 0] == pytest.approx(5.1)
        assert not caplog.text


@pytest.mark.parametrize(
    ("junk", "got"), [("x" * 5000, "a line of 5000"), ("_a 1\n" * 900_000, "4.5 MB"), ("data_x\n" * 9, "")]
)
def test_what_is_behind_a_cif_is_told_at_once(tmp_path: Path, junk: str, got: str) -> None:
    """ASE reads 50 MB of it for 90 s, and one line of 2 MB without end."""
    from ase.build import bulk

    from ionpath_cli.build import _read
    from ionpath_cli.options import read_atoms

    path = tmp_path / "a.cif"
    bulk("LiCl", "rocksalt", a=5.1, cubic=True).write(path)
    path.write_text(path.read_text() + junk)
    for read in (read_atoms, _read):
        if got:
            with pytest.raises(
                InputError, match=f"a.cif: need a CIF of at most 4 MB .*, got {got}; keep the structure"
            ):
                read(path)
        else:
            assert len(read(path)) == 8


def test_unknown_options_in_a_file_are_refused(tmp_path: Path, capsys) -> None:
    (tmp_path / "run.toml").write_text("temprature = 600\n")
    with pytest.raises(SystemExit, match="2"):
        cli.main(["md", "x.cif", "--config", str(tmp_path / "run.toml")])
    unknown = f"--config {tmp_path / 'run.toml'}: temprature: need an option of `ionpath md`, got an unknown one"
    assert unknown in capsys.readouterr().err


@pytest.mark.parametrize("lost", [0, 1])
def test_a_structure_that_lost_a_row_of_atoms_is_told(tmp_path: Path, caplog, lost: int) -> None:
    """The formula of a CIF tells it; one with partial occupancies and all rows is as it says."""
    from ionpath_cli.options import read_atoms

    head = "data_x\n_chemical_formula_sum 'Li3 P S4'\n" + "".join(
        f"_cell_length_{x} {n}\n_cell_angle_{y} 90\n"
        for x, y, n in (("a", "alpha", 7), ("b", "beta", 6), ("c", "gamma", 8))
    )
    names = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"]
    rows = [
        f"{e}{k} {e} 0.{k} 0.{k}5 0.{9 - k} {n}"
        for k, (e, n) in enumerate([("P", 1), *[("Li", 0.75)] * 4, *[("S", 1)] * 4])
    ]
    path = tmp_path / "crystal.cif"
    columns = "".join(f"_atom_site_{name}\n" for name in names)
    path.write_text(f"{head}loop_\n{columns}" + "\n".join(rows[: len(rows) - lost]) + "\n")
    read_atoms(path)
    told = "crystal.cif: its formula is Li3 P S4, and its atoms are Li3.43 P1.14 S3.43: check that no row is missing"
    assert (told in caplog.text) == bool(lost), caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[[systems]]\nname = 1\n",
            r"mine.toml, systems: need a table [systems.NAME] for each material, got [{'name': 1}]",
        ),
        ("[systems]\nx = 1\n", r"mine.toml, systems: need a table [systems.NAME] for each material, got {'x': 1}"),
        ("runs = 3\n", "mine.toml, runs: need [[runs]], got 3"),
        ("title = 4\n", 'mine.toml, title: need title = "...", got 4'),
        ("dynamics = [1]\n", "mine.toml, dynamics: need a table [dynamics], got [1]"),
    ],
)
def test_studies_of_another_shape(tmp_path: Path, capsys, text: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    assert cli.main(["study", str(tmp_path / "mine.toml"), "--list"]) == 1
    assert message in capsys.readouterr().err


def test_studies_are_listed_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["study", "--list"]) == 0
    assert "guan2024   Path entropy and lithium migration" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        cli.main(["study"])
    assert "name a study: chen2023, chen2025, guan2024, jang2025, or a TOML file" in capsys.readouterr().err


@pytest.fixture
def speaking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A command that says something of each kind, in an empty folder."""
    import warnings

    def speaks(argv: list[str]) -> int:
        if "--help" in argv:  # which is asked for the options that a sentence may name
            return 0
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("cells differ", stacklevel=1)
        logging.getLogger("ionpath").info("read %d frames", 5)
        if argv:
            raise InputError("lag", need="at least 1 frame", got="0", remedy="use a longer lag")
        print("D = 1")
        return 0

    monkeypatch.setattr(doctor, "main", speaks)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def logged(path: Path) -> list[tuple[str, str]]:
    """Level and text of each message, all of which begin with a time; lines of a traceback are indented."""
    messages = path.read_text().replace("\n    ", " ").splitlines()
    found = [re.fullmatch(r"\d{4}(?:-\d\d){2}T[\d:]{8}[+-]\d{4} (\w+) +(.*)", message) for message in messages]
    return [(message[1], message[2]) for message in found if message] if all(found) else []


def test_a_log_has_messages_warnings_and_errors_of_every_run(speaking: Path, capsys) -> None:
    assert cli.main(["doctor", "--log", "logs/run.log"]) == 0
    assert capsys.readouterr() == ("D = 1\n", "warning: cells differ\nread 5 frames\n")
    assert cli.main(["doctor", "again", "-q", "--log=logs/run.log"]) == 1
    assert capsys.readouterr().err == "ionpath doctor: lag: need at least 1 frame, got 0; use a longer lag\n"
    (speaking / "run.toml").write_text('log = "logs/run.log"\nverbose = true\n')
    assert cli.main(["doctor", "--config", "run.toml", "again"]) == 1
    assert "Traceback" in capsys.readouterr().err, "verbose in a file counts"
    first, *rest = logged(speaking / "logs/run.log")
    assert first == ("INFO", f"ionpath {__version__}: ionpath doctor --log logs/run.log")
    assert rest[:2] == [("WARNING", "cells differ"), ("INFO", "read 5 frames")]
    assert rest[2][1].endswith(": ionpath doctor again -q --log=logs/run.log")
    error = ("ERROR", "ionpath doctor: lag: need at least 1 frame, got 0; use a longer lag")
    assert rest[3:5] == [("WARNING", "cells differ"), error]
    assert rest[5][1].endswith(": ionpath doctor --config run.toml again")
    assert rest[8][0] == "DEBUG" and "Traceback" in rest[8][1]
    assert rest[9:] == [error]


def test_a_log_has_what_stopped_a_command_before_it_began(speaking: Path) -> None:
    assert cli.main(["doctor", "--config", "absent.toml", "--log", "run.log"]) == 1
    with pytest.raises(SystemExit, match="2"):
        cli.main(["md", "x.cif", "--tempreature", "600", "--log", "run.log"])
    errors = [text for level, text in logged(speaking / "run.log") if level == "ERROR"]
    assert errors[0].startswith("ionpath doctor: --config: need an existing file, got absent.toml")
    assert errors[1].startswith("ionpath md: --tempreature: need an option of `ionpath md`, got an unknown one")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--log", "thermo.log"], "thermo.log, which is something else"),
        (["--log", "folder.log"], "folder.log, which is a folder"),
        (["--log", "trajectory.xtc"], "need a name that ends on .log, and is no other log's, got trajectory.xtc"),
        (["--log", "trajectory.lammps.log"], "which another program may write"),
        (["x.log", "--log", "./x.log"], "need a file of its own, got x.log, which the command uses otherwise"),
        (["--json=y.log", "--log", "y.log"], "need a file of its own, got y.log, which the command uses otherwise"),
        (["--log"], "need a name that ends on .log, and is no other log's, got ."),
    ],
)
def test_a_log_never_stands_in_other_files(speaking: Path, words: list[str], sentence: str, capsys) -> None:
    (speaking / "thermo.log").write_text("Step Temp\n0 300\n")
    (speaking / "folder.log").mkdir()
    before = sorted(speaking.iterdir())
    assert cli.main(["doctor", *words]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ionpath doctor: --log: need ") and sentence in said
    assert said.endswith("; for example --log run.log\n")
    assert sorted(speaking.iterdir()) == before and (speaking / "thermo.log").read_text() == "Step Temp\n0 300\n"


def test_a_log_on_a_full_disk_is_left_and_the_run_goes_on(speaking: Path, capsys) -> None:
    script = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
from ionpath_cli import cli, doctor
from ionpath_cli.messages import LOG
def speaks(argv):
    for k in range(9):
        LOG.info("read %d frames", k)
    print("D = 1")
doctor.main = speaks
raise SystemExit(cli.main(["doctor", "--log", {str(speaking / "run.log")!r}]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "D = 1\n"), done.stderr
    assert done.stderr.count("run.log: cannot be written any more ([Errno 27] File too large); the run goes on") == 1
    assert "read 8 frames" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("analyze x.xtc --tempreature 600", "analyze: --tempreature: {unknown}; did you mean --temperature?"),
        ("md x.cif --nonsense", "md: --nonsense: {unknown}; `ionpath md --help` lists them"),
        ("metad x.cif -temperature 3", "metad: -temperature: {unknown}; did you mean --temperature?"),
        ("train fit x.xyz -o y --stesp 3", "train: --stesp: {unknown}; did you mean --steps?"),
        ("train lable x.xyz", "did you mean label?"),
        ("md x.cif --engine lamps", "(choose from 'ase', 'lammps'); did you mean lammps?"),
        ("analyze x.xtc", "are required: --temperature; `ionpath analyze --help` shows what it takes"),
        ("md x.cif --conf run.toml", "md: argument --config: write it in full, and apart from others"),
        ("md x.cif -vq", "md: argument -v/--verbose: write it in full, and apart from others"),
        ("md x.cif --config key.toml", "md: --config key.toml: temprature: {unknown}; did you mean temperature?"),
        (
            "md x.cif --config=list.toml",
            "--config list.toml: temperature: need one value, got a list with 400; `ionpath md",
        ),
        (
            "md x.cif --config list.yml",
            "--config list.yml: temperature: need one value, got a list with 400; `ionpath md",
        ),
        (
            "md x.cif --config word.toml",
            "--config word.toml: seed: invalid int value: 'one'; `ionpath md --help` shows",
        ),
        ("md x.cif --temperature 300 400 --config none.toml", "md: unrecognized arguments: 400; `ionpath md --help`"),
        ("train label --bad-option", "train: --bad-option: {unknown}; `ionpath train label --help` lists them"),
        (
            "train --bad-option",
            "train: --bad-option: need an option of `ionpath train`, got an unknown one; `ionpath train",
        ),
        (
            "md x.cif --config table.toml",
            "need tables that are named as commands, got [analyse]; did you mean analyze?",
        ),
    ],
)
def test_what_was_probably_meant_is_named(words: str, sentence: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key.toml").write_text("temprature = 600\n")
    Path("table.toml").write_text("[analyse]\ntemperature = 600\n")
    Path("list.toml").write_text("temperature = [300, 400]\n")
    Path("list.yml").write_text("temperature: [300, 400]\n")
    Path("word.toml").write_text("seed = 'one'\n")
    Path("none.toml").write_text("")
    with pytest.raises(SystemExit, match="2"):
        cli.main(words.split())
    said = capsys.readouterr().err
    command = " ".join(words.split()[: 1 + words.startswith("train ")])
    unknown = f"need an option of `ionpath {command}`, got an unknown one"
    assert said.startswith("ionpath ") and sentence.format(unknown=unknown) in said
    assert len(said.splitlines()) == 1


def test_a_table_of_the_command_stands_beside_options_of_all(tmp_path: Path, monkeypatch, capsys) -> None:
    """As docs/analyze.md has it: a table replaced the options above it."""
    from ionpath_cli.options import with_config

    monkeypatch.chdir(tmp_path)
    Path("run.toml").write_text(
        'temperature = 600\nlag-time = 2\n[analyze]\nfiles = "md.traj"\nlag-time = 3\n[md]\nseed = 1\n'
    )
    words = with_config(["--config", "run.toml"], "analyze", cli.COMMANDS)
    assert words == ["md.traj", "--temperature", "600", "--lag-time", "3"]
