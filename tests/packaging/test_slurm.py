"""Job scripts for Slurm, run by bash with stand-ins for Slurm and for the command that it runs."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ionpath_cli import cli

COMMAND = ["md", "start.extxyz", "--temperature", "600"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a scontrol that writes down what it is told, first on PATH."""
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin" / "scontrol", 'echo "$@" >> scontrol.log')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4")
    return tmp_path


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def job(place: Path, *options: str, command: list[str] = COMMAND) -> str:
    assert cli.main(["slurm", "-o", "job.sh", *options, "--", *command]) == 0
    return (place / "job.sh").read_text()


def test_script_asks_for_what_was_given(place: Path) -> None:
    asked = "--time 1-12:00:00 --cpus 8 --gpus 1 --account ab"
    text = job(place, *asked.split(), "--before", "module load x")
    for line in ("--time=1-12:00:00", "--cpus-per-task=8", "--gpus=1", "--account=ab", "--job-name=ionpath-md"):
        assert f"#SBATCH {line}\n" in text
    assert "#SBATCH --requeue\n" in text
    assert text.index("module load x\n") < text.index("ionpath md start.extxyz --temperature 600 &\n")
    assert "partition" not in text


def test_script_of_what_does_not_go_on_has_no_requeue(place: Path) -> None:
    text = job(place, command=["analyze", "a b.data", "--temperature", "600"])
    assert "requeue" not in text
    assert "ionpath analyze 'a b.data' --temperature 600\n" in text


# The stand-in says that it began, and like ionpath ends with 130 on an interrupt.
WAITS = """trap 'echo interrupted >> ionpath.log; exit 130' INT
echo began >> ionpath.log
for k in {1..600}; do sleep 0.1; done"""


def told_of_the_limit(place: Path) -> int:
    # A queue starts jobs with signals as they are; a shell that started the tests in its background ignores this one.
    as_usual = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(["bash", "job.sh"], cwd=place, start_new_session=True, preexec_fn=as_usual)
    try:
        for _ in range(600):
            if (place / "ionpath.log").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGUSR1)
        return process.wait(timeout=300)
    finally:
        process.kill()


def test_before_the_limit_the_command_is_interrupted_and_the_job_queued_again(place: Path) -> None:
    program(place / "bin" / "ionpath", WAITS)
    job(place)
    assert told_of_the_limit(place) == 0
    assert (place / "ionpath.log").read_text() == "began\ninterrupted\n"
    assert (place / "scontrol.log").read_text() == "requeue 42\n"


def test_python_gets_the_interrupt(place: Path) -> None:
    """Python ignores interrupts where its parent did, as shells do for jobs in the background."""
    program(place / "bin" / "ionpath", "exec python sleeper.py")
    (place / "sleeper.py").write_text(
        "import time\nopen('ionpath.log', 'a').write('began\\n')\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(130)\n"
    )
    job(place)
    assert told_of_the_limit(place) == 0
    assert (place / "scontrol.log").read_text() == "requeue 42\n"


def test_a_job_goes_back_so_often_and_no_more(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(place / "bin" / "ionpath", WAITS)
    job(place, "--most", "3")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "3")
    assert told_of_the_limit(place) == 130
    assert not (place / "scontrol.log").exists()


@pytest.mark.parametrize("status", [0, 1])
def test_a_command_that_ends_by_itself_ends_the_job(place: Path, status: int) -> None:
    program(place / "bin" / "ionpath", f"exit {status}")
    job(place)
    assert subprocess.run(["bash", "job.sh"], cwd=place, check=False).returncode == status
    assert not (place / "scontrol.log").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--time", "1:00:00"], "--: need one of the commands demo, doctor, build"),
        (["--", "mdd"], "got mdd; type: ionpath slurm --time 12:00:00 -- md start.extxyz --temperature 600"),
        (["--time", "one day", "--", *COMMAND], "--time: need minutes, H:MM:SS or D-HH:MM:SS, got one day"),
        (["--", *COMMAND, "--temprature", "3"], "--temprature: need an option of `ionpath md`, got an unknown one"),
        (["--cpus", "0", "--", *COMMAND], "--cpus: need "),
        (["md", "start.extxyz"], "got nothing; type: ionpath slurm --time 12:00:00 -- md start.extxyz"),
        (["--", "md"], "--: need words that `ionpath md` takes, got the following arguments are required: structure"),
        (["--", "train", "fit"], "got the following arguments are required: frames, -o/--output; `ionpath train --hel"),
        (["--", "metad", "a.xyz", "--ion", "Li"], "got argument --ion: invalid int value: 'Li'; `ionpath metad --hel"),
    ],
)
def test_what_the_queue_would_find_out_too_late(words: list[str], sentence: str, capsys) -> None:
    assert cli.main(["slurm", *words]) == 1
    assert sentence in capsys.readouterr().err


def test_options_of_the_command_in_the_job_stay_with_it(place: Path) -> None:
    """Those that every command has, too, which are read before a command begins."""
    words = ["md", "a.xyz", "--config", "absent.toml", "-v", "-q", "--help"]
    assert "ionpath md a.xyz --config absent.toml -v -q --help &\n" in job(place, command=words)
