"""Words that a command does not take: one sentence, with what was probably meant, whoever wrote the parser."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
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
    program = error.program
    if program == f"ionpath {command}" == "ionpath train" and options:  # those of the task that the words begin with
        program += f" {words[0]}" * words[0].isalpha()
    name = unknown_option(words, options) if options else ""
    if not name and (found := re.match(r"unrecognized arguments: (-[A-Za-z][\w-]+)", error.sentence)):
        name = str(found[1])
    if not name:
        choice = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", error.sentence)
        advice = nearest(choice[1], re.findall(r"[^\s,']+", choice[2])) if choice else ""
        said = _of_file(error.sentence, words, typed)
        return f"{said}; {advice or f'`{program} --help` shows what it takes'}"
    files = _config_files(typed)
    in_file = bool(files) and all(word.partition("=")[0] != name for word in typed)
    said = f"--config {files}: {name.lstrip('-')}" if in_file else name
    advice = nearest(name, [option.lstrip("-") for option in options] if in_file else options)
    need = f"an option of `{program}`, got an unknown one"
    return f"{said}: need {need}; {advice or f'`{program} --help` lists them'}"


def _config_files(typed: Sequence[str]) -> str:
    """Files that ``--config`` names, if there are any."""
    after = [value for name, value in pairwise(typed) if name == "--config"]
    return ", ".join([*after, *(word.partition("=")[2] for word in typed if word.startswith("--config="))])


def _of_file(sentence: str, words: Sequence[str], typed: Sequence[str]) -> str:
    """What a parser says of an option, in the name of the file where it stands; unchanged if it was typed."""
    files, said = _config_files(typed), sentence
    if found := re.match(r"argument (\S+): (.*)", sentence):
        name, said = found[1].rpartition("/")[2], found[2]
    elif found := re.match(r"unrecognized arguments: (.*)", sentence):
        at = next((k for k, word in enumerate(words) if word and found[1].startswith(word)), 0)
        name = next((word for word in reversed(words[:at]) if word.startswith("--")), "--files")
        said = f"need one value, got a list with {found[1]}" if words[at] not in typed else sentence
    else:
        return sentence
    if not files or said == sentence or name in (word.partition("=")[0] for word in typed):
        return sentence
    return f"--config {files}: {name.lstrip('-')}: {said}"
