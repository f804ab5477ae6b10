"""What the command lines have in common."""

from __future__ import annotations

import argparse


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """Make the parser of one command."""
    return argparse.ArgumentParser(
        prog=f"ionpath {command}",
        description=description,
        epilog=f"example:\n  {example.strip()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
