"""Completion, tried in bash; and the options that commands leave beside their results."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from ionpath_cli import cli
from ionpath_cli.completion import script

ASK = """
{script}
COMP_WORDS=({words} "{last}"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_ionpath
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def text() -> str:
    return script("bash")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "last", "expected"),
    [
        ("ionpath", "an", ["analyze"]),
        ("ionpath", "s", ["study", "slurm"]),
        ("ionpath analyze x.data", "--frame", ["--frame-time", "--framework"]),
        ("ionpath metad", "--pico", ["--picoseconds"]),
        ("ionpath md", "start", ["start.extxyz"]),
    ],
)
def test_bash_completes(text: str, words: str, last: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "start.extxyz").touch()
    asked = ASK.format(script=text, words=words, last=last)
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert sorted(done.stdout.split()) == sorted(expected)


def test_zsh_takes_it_too(text: str) -> None:
    assert script("zsh") == f"autoload -U +X bashcompinit && bashcompinit\n{text}"


def test_build_leaves_its_options_and_takes_them_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["build", "--excess", "0.5", "--inversion", "0.75", "--supercell", "1", "1", "2", "--seed", "3"]
    assert cli.main([*words, "-o", "a.extxyz"]) == 0
    kept = tomllib.loads(Path("a.extxyz.build.toml").read_text())
    assert (kept["excess"], kept["inversion"], kept["supercell"], kept["seed"]) == (0.5, 0.75, [1, 1, 2], 3)
    assert cli.main(["build", "--config", "a.extxyz.build.toml", "-o", "b.extxyz"]) == 0
    assert Path("b.extxyz").read_bytes() == Path("a.extxyz").read_bytes()


def test_metadynamics_leaves_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["build", "-o", "a.extxyz"]) == 0
    assert cli.main(["metad", "a.extxyz", "--write-only", "--folder", "hop", "--temperature", "400"]) == 0
    kept = tomllib.loads(Path("hop/metad.toml").read_text())
    assert kept["temperature"] == 400.0
    assert kept["files"] == ["a.extxyz"]


def test_the_first_line_of_what_a_command_leaves_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the folder where the command was typed, since its files are found from there."""
    pytest.importorskip("pymatgen.core")
    monkeypatch.chdir(tmp_path)
    build = ["build", "--lattice", "9.8", "-o", "new folder/start.extxyz"]
    assert cli.main(build) == 1
    remedy = capsys.readouterr().err.strip().rpartition("; ")[2]
    subprocess.run(remedy, shell=True, check=True)
    assert cli.main(build) == 0
    line = Path("new folder/start.extxyz.build.toml").read_text(encoding="utf-8").splitlines()[0]
    assert line.startswith("# ionpath build --config 'new folder/start.extxyz.build.toml', ionpath ")
    typed = line.removeprefix("# ionpath ").rpartition(", ionpath ")[0]
    assert cli.main(shlex.split(typed)) == 0
    assert capsys.readouterr().out.count("start.extxyz: Li6PS5Cl, 52 atoms") == 2


@pytest.mark.parametrize(
    "words",
    [
        ["structures", "LPSCl-II", "-o", "starts.extxyz", "--strains", "-0.02", "0.0", "--seed", "0"],
        ["label", "a.xyz", "b.xyz", "-o", "c.xyz", "--max-force", "30"],
        ["fit", "a.xyz", "-o", "out", "--weight", "*LSPSCl*=2", "--weight", "melt*=1.5"],
        ["fit", "a.xyz", "-o", "out", "--test", "b.xyz", "c.xyz", "--initial", "frozen.pb"],
        ["evaluate", "argyrodite", "a.xyz", "-o", "errors.csv", "--committee"],
        ["lean", "a.pb", "-o", "b.pb"],
        ["loop", "a.xyz", "--start", "LPSCl-II", "x.cif", "-o", "loop", "--temperatures", "300", "600", "--limit", "1"],
        ["dpgen", "a.xyz", "--start", "LPSCl-III", "-o", "cluster", "--queue", "long"],
    ],
    ids=lambda words: " ".join(words[:1]),
)
def test_what_train_leaves_is_what_was_typed(words: list[str], tmp_path: Path) -> None:
    pytest.importorskip("ase")
    from ionpath_ase.cli import parser as parser_of
    from ionpath_cli.options import with_config, write_config

    task, path = words[0], tmp_path / "train.toml"
    typed = parser_of().parse_args(words)
    write_config(path, parser_of(task), typed)
    assert path.read_text(encoding="utf-8").startswith(f"# ionpath train {task} --config {path}, ionpath ")
    back = parser_of().parse_args(with_config([task, "--config", str(path)], "train", cli.COMMANDS))
    assert vars(back) == {name: list(v) if isinstance(v, tuple) else v for name, v in vars(typed).items()}


def test_train_leaves_its_options_and_takes_them_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ase")
    pytest.importorskip("pymatgen.core")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "structures", "LiCl", "-o", "a.extxyz", "--rattle", "0.05", "--strains", "0.01"]) == 0
    assert cli.main(["train", "structures", "--config", "a.extxyz.train.toml", "-o", "b.extxyz"]) == 0
    assert Path("b.extxyz").read_bytes() == Path("a.extxyz").read_bytes()
