"""Command line: ``ionpath COMMAND``. Each command lives in a module of its own that is imported when it is called."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shlex
import sys
import textwrap
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ionpath.errors import IonpathError
from ionpath_cli.words import error_in_words

COMMANDS = {
    "demo": ("ionpath_cli.demo:main", "ordered and disordered argyrodite from structure to report, in minutes"),
    "doctor": ("ionpath_cli.doctor:main", "what is installed, what works, what to type for the rest"),
    "build": ("ionpath_cli.build:main", "a structure: argyrodites of given disorder, other crystals, glasses"),
    "md": ("ionpath_cli.md:main", "molecular dynamics with a Deep Potential"),
    "analyze": ("ionpath_cli.analyze:main", "path entropy, passage times and diffusion of a trajectory"),
    "metad": ("ionpath_cli.of_plugins:metad", "metadynamics of a lithium hop, from input to barrier"),
    "study": ("ionpath_cli.study.command:main", "a published study, or your own, computed again and compared"),
    "train": ("ionpath_cli.of_plugins:train", "train a Deep Potential"),
    "slurm": ("ionpath_cli.slurm:main", "a job script for Slurm that goes on until a command is finished"),
    "completion": ("ionpath_cli.completion:main", "completion of commands and options for bash and zsh"),
    "report": ("ionpath_cli.report:main", "one HTML page from the results in a folder"),
}
"""Command -> (where it is, what it does); the module is imported when the command is called."""
COMMON = """\
Every command takes -v (say more), -q (results and errors only), --log FILE.log
(append messages to it), and --config FILE (options from TOML or YAML).
"""
WIDTH = 80
HOSTS = ("ASE", "MDAnalysis", "pymatgen", "PLUMED", "h5py", "matplotlib", "NumPy")


def main(argv: list[str] | None = None) -> int:
    """Run one command."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        rows = (f"  {name:10} {text}" for name, (_, text) in COMMANDS.items())
        print("usage: ionpath COMMAND [options]", "", *rows, "", sep="\n")
        print(f"`ionpath COMMAND --help` shows its options and an example.\n{COMMON}", end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from ionpath import __version__

        print(f"ionpath {__version__}")
        return 0
    command = arguments[0]
    if command not in COMMANDS:
        from ionpath_cli.usage import nearest

        advice = nearest(command, COMMANDS) or "`ionpath --help` lists them"
        print(f"ionpath: unknown command {command!r}; {advice}", file=sys.stderr)
        return 2
    return _run(command, list(arguments[1:]))


def _run(command: str, typed: list[str]) -> int:
    """Run a command; whatever stops it becomes one sentence, and with -v the place where it arose."""
    from ionpath_cli.messages import LOG, to_file, to_stderr
    from ionpath_cli.options import take_common, with_config
    from ionpath_cli.usage import Usage, refused, usage_errors

    end = typed.index("--") if command == "slurm" and "--" in typed else len(typed)
    words, behind = typed[:end], typed[end:]  # those behind belong to another command
    wrong: BaseException | None = None
    try:
        words = with_config(words, command, COMMANDS)
    except (Exception, Usage) as error:  # is said below, where it can be logged
        wrong = error
    common, words = take_common(words)
    words += ["--quiet"] * (common.quiet and command == "metad")  # which has that option itself

    def options() -> set[str]:
        return options_of(command, words)

    def say(sentence: str) -> None:
        LOG.error("ionpath %s: %s", command, sentence)

    with contextlib.ExitStack() as stack:
        stack.enter_context(usage_errors())
        stack.enter_context(to_stderr(verbose=common.verbose, quiet=common.quiet, options=options))
        try:
            if common.log is not None:
                line = shlex.join(["ionpath", command, *typed])
                stack.enter_context(to_file(common.log, line, [*words, *behind], options))
            if wrong is not None:
                raise wrong
            if {"-h", "--help"} & set(words) and (text := help_of(command, words)):
                print(text if "--config" in text else f"{text}\n{COMMON}", end="")
                raise SystemExit(0)
            return int(main_of(command)(words + behind) or 0)
        except Usage as error:
            say(refused(error, command, words, typed, options()))
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            say("interrupted; finished parts are kept, the same command goes on")
            return 130
        except BrokenPipeError:  # who reads our output has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except Exception as error:
            LOG.debug("%s", type(error).__name__, exc_info=True)
            if isinstance(error, IonpathError):
                message = error_in_words(error, options())
            else:
                system = isinstance(error, OSError) and error.errno is not None
                message = _system(error) if system else _foreign(error, words)
            say(message)
            return 1


def main_of(command: str) -> Callable[[list[str]], int]:
    """The function of a command."""
    module, _, function = COMMANDS[command][0].partition(":")
    found: Callable[[list[str]], int] = getattr(import_module(module), function)
    return found


def options_of(command: str, words: Sequence[str]) -> set[str]:
    """Options of a command, or of its task that the words begin with, as its help shows them."""
    task = words[:1] if command == "train" else []
    found = set(re.findall(r"--[a-z][\w-]*", help_of(command, [*task, "--help"]).partition("\nexample")[0]))
    return found | {"--config", "--log", "--verbose", "--quiet"} if found else found


def help_of(command: str, words: Sequence[str]) -> str:
    """Help of a command in 80 columns, whoever wrote its parser."""
    text, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(WIDTH + 2)  # argparse leaves two free
    try:
        with contextlib.suppress(Exception, SystemExit), contextlib.redirect_stdout(text):
            main_of(command)(list(words))
    finally:
        os.environ.pop("COLUMNS")
        os.environ.update({} if columns is None else {"COLUMNS": columns})
    return "".join(f"{part}\n" for line in text.getvalue().splitlines() for part in _narrow(line))


def _narrow(line: str) -> list[str]:
    """Lines of at most 80 columns; an example goes on behind a backslash, as the shell wants it."""
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    parts = textwrap.wrap(line, WIDTH - 2, subsequent_indent=f"{indent}    ", break_on_hyphens=False)
    shell = line.lstrip().startswith("ionpath ")
    return [f"{part} \\" if shell and part is not parts[-1] else part for part in parts]


def _system(error: Any) -> str:
    """A sentence for what the system refuses."""
    name, why = error.filename or "a file", error.strerror or str(error)
    need, remedy = {
        errno.ENOENT: ("an existing file", "check the path"),
        errno.EISDIR: ("a file", "name a file in it"),
        errno.EACCES: ("the right to use it", "change its rights, or name another folder"),
        errno.EPERM: ("the right to use it", "change its rights, or name another folder"),
        errno.EROFS: ("a folder that can be written to", "name another folder"),
        errno.ENOSPC: ("room on the disk", "make room and repeat the command, or name another folder"),
        errno.EDQUOT: ("room in your quota", "make room and repeat the command, or name another folder"),
        errno.EFBIG: ("a smaller file, or a higher limit", "raise it with ulimit -f, or name another folder"),
    }.get(error.errno or 0, ("a file that can be read and written", "check it and its folder"))
    return f"{name}: need {need}, got {why}; {remedy}"


def _foreign(error: Exception, words: Sequence[str]) -> str:
    """A sentence for an error of a host, which names the files that it was given."""
    from ionpath_cli.options import brief

    trace, host = error.__traceback__, ""
    while trace is not None:
        top = str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0].lower()
        host = next((name for name in HOSTS if name.lower() == top), host)
        trace = trace.tb_next
    files = [word for word in words if not word.startswith("-") and Path(word).exists()]
    if host and files:
        got = f"need what {host} can work with, got {brief(error)}"
        return f"{', '.join(files)}: {got}; check the file, or see where with -v"
    return f"stopped by {brief(error)}; see where with -v, and please report it"
