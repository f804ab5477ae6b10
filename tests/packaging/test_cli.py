"""The command line and the doctor."""

from __future__ import annotations

import pytest

from ionpath.errors import InputError, MissingDependency
from ionpath_cli import cli, doctor


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


def test_doctor_on_this_environment(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is installed here, so everything must work."""
    assert cli.main(["doctor"]) == 0, capsys.readouterr().out
    text = capsys.readouterr().out
    assert "BROKEN" not in text
    for part in (
        "ASE plugin",
        "Deep Potential",
        "LAMMPS",
        "MPI",
        "MDAnalysis",
        "pymatgen",
        "PLUMED kernel",
        "pycv",
    ):
        assert part in text


@pytest.fixture
def only_plumed_and_mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the slow checks, which the test above runs for real."""
    for check in ("_potential", "_lammps", "_mdanalysis", "_pymatgen", "_ase"):
        monkeypatch.setattr(doctor, check, lambda: None)


@pytest.mark.usefixtures("only_plumed_and_mpi")
def test_doctor_reports_what_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> str:
        raise OSError("libplumed.so: cannot open shared object file")

    monkeypatch.setattr(doctor, "_plumed", broken)
    assert cli.main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "BROKEN  PLUMED kernel" in text
    assert "libplumed.so" in text
    assert "pip install --no-deps hillclimber" in text


@pytest.mark.usefixtures("only_plumed_and_mpi")
def test_doctor_counts_what_is_required(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "_mpi", lambda: None)
    assert cli.main(["doctor"]) == 0
    assert cli.main(["doctor", "--require", "MPI"]) == 1
    assert "absent  MPI" in capsys.readouterr().out


def test_errors_are_explained_not_traced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(argv: list[str]) -> int:
        raise InputError("lag", need="at least 1 frame", got="0", remedy="use a longer lag")

    monkeypatch.setattr(doctor, "main", fails)
    assert cli.main(["doctor"]) == 1
    assert (
        capsys.readouterr().err.strip()
        == "ionpath doctor: lag: need at least 1 frame, got 0; use a longer lag"
    )


def test_errors_pickle() -> None:
    """Worker processes send errors back by pickling them."""
    import pickle

    error = pickle.loads(pickle.dumps(InputError("lag", need="a", got="b", remedy="c")))
    assert str(error) == "lag: need a, got b; c"
    missing = pickle.loads(
        pickle.dumps(MissingDependency("freud", purpose="q6", install="pip install freud-analysis"))
    )
    assert "pip install freud-analysis" in str(missing)
