"""Command line: ``ionpath COMMAND``. Each command lives in a module of its own that is imported when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

from ionpath.errors import IonpathError

COMMANDS = {
    "demo": (
        "ionpath_cli.demo:main",
        "ordered and disordered argyrodite from structure to report, in minutes",
    ),
    "doctor": (
        "ionpath_cli.doctor:main",
        "what is installed, what works, and what to type for what is missing",
    ),
    "build": (
        "ionpath_cli.build:main",
        "write an argyrodite structure with given inversion and excess chloride",
    ),
    "md": ("ionpath_cli.md:main", "molecular dynamics with a Deep Potential"),
    "analyze": (
        "ionpath_cli.analyze:main",
        "path entropy, first-passage times and diffusion of a trajectory",
    ),
    "metad": ("ionpath_plumed.cli:metad", "metadynamics of a lithium hop, from input to barrier"),
    "study": (
        "ionpath_cli.study.command:main",
        "a published study, or your own, computed again and compared",
    ),
    "train": ("ionpath_ase.cli:train", "train a Deep Potential"),
    "report": ("ionpath_cli.report:main", "one HTML page from the results in a folder"),
}
"""Command -> (where it is, what it does); the module is imported when the command is called."""


def main(argv: list[str] | None = None) -> int:
    """Run one command."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from ionpath import __version__

        print(f"ionpath {__version__}")
        return 0
    command = arguments[0]
    if command not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(command, COMMANDS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        print(f"ionpath: unknown command {command!r}{hint}\n\n{_usage()}", file=sys.stderr)
        return 2
    try:
        module, _, function = COMMANDS[command][0].partition(":")
        return int(getattr(import_module(module), function)(arguments[1:]) or 0)
    except IonpathError as error:
        print(f"ionpath {command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"\nionpath {command}: interrupted; finished parts are kept, the same command goes on",
            file=sys.stderr,
        )
        return 130


def _usage() -> str:
    lines = ["usage: ionpath COMMAND [options]", ""]
    lines += [f"  {name:8} {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join([*lines, "", "`ionpath COMMAND --help` shows its options and an example."])
