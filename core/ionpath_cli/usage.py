"""Words that a command does not take: one sentence, with what was probably meant, whoever wrote the parser."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn


class Usage(SystemExit):
    """Words that a command does not take: the sentence is for people, the status 2 for programs."""

    def __init__(self, sentence: str, program: str = "ionpath") -> None:
        super().__init__(2)
        self.sentence, self.program = sentence, program


@contextmanager
def usage_errors() -> Iterator[None]:
    """Make what any parser refuses an exception, instead of text on stderr."""

    def error(self: argparse.ArgumentParser, message: str) -> NoReturn:
        raise Usage(message, self.prog)

    known = argparse.ArgumentParser.error
    argparse.ArgumentParser.error = error  # type: ignore[method-assign]
    try:
        yield
    finally:
        argparse.ArgumentParser.error = known  # type: ignore[method-assign]


def unknown_option(words: Sequence[str], options: Collection[str]) -> str:
    """The first word that is an option, also a shortened one, of another command at best."""
    names = [word.partition("=")[0] for word in words]
    long = [name for name in names if re.match(r"--[A-Za-z]", name)]
    return next((name for name in long if not any(one.startswith(name) for one in options)), "")


def nearest(word: str, known: Collection[str]) -> str:
    """Advice that names what was probably meant, or nothing."""
    bare = {name.lstrip("-"): name for name in sorted(known)}  # dashes, which all share, make none alike
    near = difflib.get_close_matches(word.lstrip("-"), bare, 1)
    return f"did you mean {bare[near[0]]}?" if near else ""


def refused(error: Usage, command: str, words: Sequence[str], typed: Sequence[str], options: Collection[str]) -> str:
    """What was wrong with the words of a command, in one sentence, which names what was probably meant."""
    if error.program == "ionpath":  # ours, which says it all
        return error.sentence
    name = unknown_option(words, options) if options else ""
    if not name and (found := re.match(r"unrecognized arguments: (-[A-Za-z][\w-]+)", error.sentence)):
        name = str(found[1])
    if not name:
        choice = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", error.sentence)
        advice = nearest(choice[1], re.findall(r"[^\s,']+", choice[2])) if choice else ""
        return f"{error.sentence}; {advice or f'`{error.program} --help` shows what it takes'}"
    in_file = all(word.partition("=")[0] != name for word in typed)
    said = f"--config: {name.lstrip('-')}" if in_file else name
    advice = nearest(name, [option.lstrip("-") for option in options] if in_file else options)
    need = f"an option of `ionpath {command}`, got an unknown one"
    return f"{said}: need {need}; {advice or f'`{error.program} --help` lists them'}"
