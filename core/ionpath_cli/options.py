"""What the command lines have in common."""

from __future__ import annotations

import argparse


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """Make the parser of one command.

    Parameters
    ----------
    command : str
        Name after ``ionpath``.
    description : str
        One sentence.
    example : str
        Lines that a user can copy.

    Returns
    -------
    argparse.ArgumentParser
        Parser whose help ends with the example.
    """
    return argparse.ArgumentParser(
        prog=f"ionpath {command}",
        description=description,
        epilog=f"example:\n  {example.strip()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
