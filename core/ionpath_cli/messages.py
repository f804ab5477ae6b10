"""Where messages, warnings and errors of a command go: standard error, and the file of ``--log``."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ionpath.errors import InputError
from ionpath.files import made_folder
from ionpath_cli.words import PYTHON, in_words

LOG = logging.getLogger("ionpath")
TIME = "%Y-%m-%dT%H:%M:%S%z"
OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} INFO +ionpath ")
"""How a file begins that ``--log`` made."""
TAKEN = re.compile(r".*\.(lammps|plumed)\.log|(walker.*|train|freeze|compress)\.log")
"""Names under which the programs behind commands write logs of their own."""

Options = Callable[[], Collection[str]]


@contextmanager
def to_stderr(*, verbose: bool, quiet: bool, options: Options = list) -> Iterator[None]:
    """Send our messages to stderr, and those of hosts that are warnings."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line(options))
    level = LOG.level
    LOG.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO)
    least = logging.ERROR if quiet else logging.WARNING
    logging.captureWarnings(True)
    unraisable = sys.unraisablehook
    sys.unraisablehook = lambda args: LOG.debug("%r", args.exc_value)  # a host's half-made reader that cannot be closed
    try:
        with _handling(handler, least):
            yield
    finally:
        LOG.setLevel(level)
        sys.unraisablehook = unraisable
        logging.captureWarnings(False)


@contextmanager
def to_file(path: Path, command: str, words: Sequence[str], options: Options = list) -> Iterator[None]:
    """Append the same to a file, each with its time and level, behind a line that says what was typed."""
    from ionpath import __version__

    _check(path, words)
    made_folder(path.parent)
    handler = _Appended(path, mode="a", encoding="utf-8")  # one write a line, so that two runs may share it
    handler.setFormatter(_Timed(options))
    handler.handle(LOG.makeRecord(LOG.name, logging.INFO, "", 0, f"ionpath {__version__}: {command}", (), None))
    try:
        with _handling(handler, logging.WARNING):
            yield
    finally:
        with suppress(OSError):  # of a full disk, which was said
            handler.close()


@contextmanager
def _handling(handler: logging.Handler, least: int) -> Iterator[None]:
    handler.addFilter(lambda record: record.name == LOG.name or record.levelno >= least)
    handler.addFilter(lambda record: record.name != "MDAnalysis.coordinates.AMBER")  # which no command writes
    root, LOG.propagate = logging.getLogger(), False
    for logger in (root, LOG):  # a host that clears the handlers of the root does not silence us
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in (root, LOG):
            logger.removeHandler(handler)
        LOG.propagate = not LOG.handlers


def _check(path: Path, words: Sequence[str]) -> None:
    """Refuse a log that would stand in a file of somebody else, or where the command reads or writes."""
    files = [word.partition("=")[2] if word.startswith("--") else word for word in words]
    if path.suffix != ".log" or TAKEN.fullmatch(path.name):
        got = "which another program may write" if path.suffix == ".log" else "which ends otherwise"
        need = "a name that ends on .log, and is no other log's"
    elif any(file and os.path.realpath(file) == os.path.realpath(path) for file in files):
        need, got = "a file of its own", "which the command uses otherwise"
    elif path.exists() and not (path.is_file() and _is_log(path)):
        need = "a new file, or a log that this option wrote"
        got = "which is a folder" if path.is_dir() else "which is something else"
    else:
        return
    raise InputError("--log", need=need, got=f"{path}, {got}", remedy="for example --log run.log")


def _is_log(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(80).decode("utf-8", errors="replace")
    return not head or OURS.match(head) is not None


class _Line(logging.Formatter):
    """One line for each message, in the words of a command, without the place in the code that a warning came from."""

    def __init__(self, options: Options) -> None:
        super().__init__(datefmt=TIME)
        self._options = options

    def format(self, record: logging.LogRecord) -> str:
        text = self.text(record)
        ours = record.name == LOG.name and record.levelno >= logging.ERROR  # a sentence that says what was stopped
        plain = ours or record.levelno < logging.WARNING
        return text if plain else f"{record.levelname.lower()}: {text}"

    def text(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.name == "py.warnings":
            text = re.sub(r"^.*?:\d+: \w+: ", "", text).split("\n")[0]
            text = in_words(text, self._options()) if PYTHON.search(text) else text
        return text


class _Timed(_Line):
    """The same behind time and level; lines that follow, such as those of a traceback, are indented."""

    def format(self, record: logging.LogRecord) -> str:
        text = self.text(record).strip().replace("\n", "\n    ")
        return f"{self.formatTime(record, self.datefmt)} {record.levelname:7} {text}"


class _Appended(logging.FileHandler):
    """A log whose disk is full, which is said once: the run goes on."""

    def handleError(self, record: logging.LogRecord) -> None:
        self.setLevel(logging.CRITICAL + 1)
        LOG.warning("%s: cannot be written any more (%s); the run goes on", self.baseFilename, sys.exc_info()[1])
