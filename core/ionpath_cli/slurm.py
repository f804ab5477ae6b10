"""``ionpath slurm``: a job script for Slurm that goes on in the queue until the command in it is finished."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import Any

from ionpath.errors import InputError, whole
from ionpath.files import atomic_path
from ionpath_cli.options import parser, take_common
from ionpath_cli.usage import Usage, nearest, unknown_option, usage_errors

EXAMPLE = """
  ionpath slurm --time 12:00:00 --cpus 8 -o md.sh -- md start.extxyz --temperature 600 --picoseconds 2000
  sbatch md.sh
  ionpath slurm --time 1:00:00 -- analyze run.data run.lammpstrj --frame-time 0.1 --temperature 600
"""
GO_ON = ("demo", "md", "metad", "study", "train")
"""Commands that go on where they were stopped when they are called again."""
GRACE = 300
"""Seconds before the limit at which the command is told to stop: more than a checkpoint takes."""


def main(argv: list[str]) -> int:
    """Run ``ionpath slurm``."""
    words, command = _split(argv)
    arguments = parser(
        "slurm",
        "Write a job script for one command of ionpath, which stands behind --. Shortly before the time limit the "
        "command is stopped and the job goes back into the queue, if the command goes on where it was, as "
        f"{', '.join(GO_ON)} do.",
        EXAMPLE,
    )
    add = arguments.add_argument
    # fmt: off
    add("--time", default="24:00:00", metavar="T", help="limit of one job as Slurm writes it, such as 2:30:00 or "
        "1-12:00:00; default 24:00:00")
    add("--cpus", type=int, default=4, metavar="N", help="cores; default 4")
    add("--memory", default="8G", metavar="M", help="default 8G")
    add("--gpus", type=int, default=0, metavar="N", help="GPUs; default none")
    add("--partition", metavar="P")
    add("--account", metavar="A")
    add("--name", metavar="NAME", help="of the job; default ionpath-COMMAND")
    add("--before", metavar="LINE", help="line of shell before the command, such as "
        "'module load python; source .venv/bin/activate'")
    add("--most", type=int, default=100, metavar="N", help="times that the job goes back into the queue; default 100")
    add("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    # fmt: on
    if not {"-h", "--help"} & set(words):
        _check_command(command)
    given = arguments.parse_args(words)
    if not re.fullmatch(r"(\d+-\d+(:\d\d){0,2}|\d+(:\d\d){0,2})", given.time):
        remedy = "for example --time 12:00:00"
        raise InputError("--time", need="minutes, H:MM:SS or D-HH:MM:SS", got=given.time, remedy=remedy)
    if _seconds(given.time) <= GRACE:
        got = f"{_seconds(given.time)} s"
        remedy = "for example --time 12:00:00, which are hours, minutes and seconds"
        raise InputError("--time", need=f"more than the {GRACE} s that the command has to stop", got=got, remedy=remedy)
    for name in ("memory", "partition", "account", "name"):
        if (word := getattr(given, name)) is not None and not re.fullmatch(r"[\w.,:@+=%/-]+", word):
            need = "one word of letters, digits and signs such as _ - ."
            raise InputError(f"--{name}", need=need, got=repr(word), remedy="for example --name anneal-600K")
    if not re.fullmatch(r"\d+[KMGT]?B?", given.memory) or int(re.sub(r"\D", "", given.memory)) == 0:
        remedy = "for example --memory 8G"
        raise InputError("--memory", need="a number with K, M, G or T behind it", got=given.memory, remedy=remedy)
    for name, least in (("cpus", 1), ("gpus", 0), ("most", 0)):
        whole(f"--{name}", getattr(given, name), least)
    text = _script(command, given)
    if given.output is None:
        print(text, end="")
        return 0
    if given.output.exists() and _MARK not in given.output.read_text(encoding="utf-8", errors="replace"):
        got = f"{given.output}, which is none"
        remedy = "name another, for example -o job.sh"
        raise InputError("--output", need="a new file, or a script that this command wrote", got=got, remedy=remedy)
    with atomic_path(given.output) as part:
        part.write_text(text, encoding="utf-8")
    print(f"{given.output}: sbatch {shlex.quote(str(given.output))}")
    return 0


def _seconds(time: str) -> int:
    """Length of a limit as Slurm reads it.

    >>> [_seconds(time) for time in ("90", "90:30", "2:30:00", "1-12", "1-12:30")]
    [5400, 5430, 9000, 129600, 131400]
    """
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    hours = [*parts, 0, 0][:3] if dash else [0, *parts, 0][:3] if len(parts) < 3 else parts
    return int(days or 0) * 86400 + sum(n * unit for n, unit in zip(hours, (3600, 60, 1), strict=True))


def _script(command: list[str], given: argparse.Namespace) -> str:
    """Text of the job script."""
    goes_on = command[0] in GO_ON
    lines = {
        "time": given.time, "ntasks": 1, "cpus-per-task": given.cpus, "mem": given.memory, "gpus": given.gpus or None,
        "partition": given.partition, "account": given.account, "job-name": given.name or f"ionpath-{command[0]}",
    }  # fmt: skip
    head = [f"#SBATCH --{name}={value}" for name, value in lines.items() if value is not None]
    head.append(_MARK)
    if goes_on:
        head += [f"#SBATCH --signal=B:USR1@{GRACE}", "#SBATCH --requeue"]
    body = [
        "set -u",
        "export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK TF_INTRA_OP_PARALLELISM_THREADS=$SLURM_CPUS_PER_TASK",
        "export TF_CPP_MIN_LOG_LEVEL=3",
        *(given.before or "").splitlines(),
    ]
    words = shlex.join(["ionpath", *command])
    run = [words] if not goes_on else [_LOOP.format(command=words, most=given.most, seconds=GRACE)]
    return "\n".join(["#!/bin/bash", *head, "", *body, "", *run, ""])


_MARK = "#SBATCH --open-mode=append"
"""Line of every script, by which one of this command is known."""
# The command runs in a process group of its own: only there do interrupts reach it, as a shell without job control
# starts jobs with interrupts ignored.
_LOOP = """\
# {seconds} s before the limit Slurm sends USR1: the command is interrupted, keeps what is finished, and the job goes
# back into the queue, where the same command goes on. A command that ends by itself, or fails, ends the job.
stopped=0
trap 'stopped=1; kill -INT -- "-$child"' USR1
set -m
{command} &
child=$!
until wait "$child"; ! kill -0 "$child" 2>/dev/null; do :; done
wait "$child"; status=$?  # once more: the wait that USR1 ended has that signal's number
if [ "$stopped" = 1 ] && [ "$status" -ne 0 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {most} ]; then
  exec scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status\""""


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    command = argv[at + 1 :]
    return argv[:at], command[1:] if command[:1] == ["ionpath"] else command


class _Taken(Exception):
    """A parser took its words."""


def _refused(command: list[str]) -> str:
    """What the parser of a command says against the words behind it; no more of the command is run."""
    from ionpath_cli.cli import main_of

    if any(word.partition("=")[0] in ("--config", "-h", "--help") for word in command):  # the rest may stand in a file
        return ""
    parse = argparse.ArgumentParser.parse_args

    def stop(*given: Any, **more: Any) -> None:
        parse(*given, **more)
        raise _Taken

    argparse.ArgumentParser.parse_args = stop  # type: ignore[method-assign,assignment]
    try:
        with usage_errors():
            main_of(command[0])(take_common(command[1:])[1])
    except _Taken:
        return ""
    except Usage as error:
        return error.sentence
    finally:
        argparse.ArgumentParser.parse_args = parse  # type: ignore[method-assign]
    return ""


def _check_command(command: list[str]) -> None:
    """Refuse before the queue does, or before a job that has waited for hours finds out."""
    from ionpath_cli.cli import COMMANDS, options_of

    known = [name for name in COMMANDS if name != "slurm"]
    if not command or command[0] not in known:
        got = command[0] if command else "nothing"
        remedy = "type: ionpath slurm --time 12:00:00 -- md start.extxyz --temperature 600"
        raise InputError("--", need=f"one of the commands {', '.join(known)} behind it", got=got, remedy=remedy)
    options = options_of(command[0], command[1:])
    if options and (name := unknown_option(command[1:], options)):
        advice = nearest(name, options)
        remedy = f"{advice}{' ' * bool(advice)}`ionpath {command[0]} --help` lists them"
        raise InputError(name, need=f"an option of `ionpath {command[0]}`", got="an unknown one", remedy=remedy)
    if said := _refused(command):
        remedy = f"`ionpath {command[0]} --help`"
        raise InputError("--", need=f"words that `ionpath {command[0]}` takes", got=said, remedy=remedy)
