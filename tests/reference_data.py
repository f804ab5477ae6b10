"""Fetch published reference data that tests compare with, and check every byte: ``make test-data``.

The tests look in the folder that IONPATH_TEST_DATA names, or in ``.test-data`` of this repository, where this puts
them. Nothing beyond Python's own library is needed, and nothing that is there already is overwritten.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / ".test-data"
ARGYRODITES = (
    "https://raw.githubusercontent.com/bjmorgan/data_argyrodite_disorder/301e612baffc51ae5e3353b74fb1acf0e44d5a3e"
)
"""Repository of trajectories (MIT licence) of doi:10.1021/acs.chemmater.0c03738, at one commit."""
NOT_FETCHED = {
    "states/lpscl-ii-300K-centre0.npz": "states of LPSCl-II from the code of arXiv:2412.07115, which has no DOI",
    "dft/{Li7PS6,beta-Li3PS4}.extxyz.gz": "CP2K labels of Li-P-S melts of Chen et al., for which no DOI is known here",
}
"""What some tests compare with besides, converted from releases that no DOI leads to: without them they are skipped."""


class File(NamedTuple):
    """A published file, unchanged: where it is, what it is called here, and its SHA-256."""

    place: str
    name: str
    sha256: str


FILES = tuple(
    File(f"data/Li6PS5Cl/{inversion}/{run}/actual_XDATCAR.gz", f"aimd/Li6PS5Cl-{inversion}-{run}.XDATCAR.gz", sha256)
    for inversion, run, sha256 in (
        ("0p", "run1", "b0c8270fb4028ffe010357438d2480269a6b93812bdc2d1723b926ceb3b405d4"),
        ("0p", "run2", "1d69175c70d2d34a103774d1476164e222cde59b1ef6fa80760a4e8ec2cf709f"),
        ("50p", "run1", "cdb11eb4f490277739fd30fb91af87d0a98956ce1392d56c13822520277973f2"),
        ("50p", "run2", "3321a3a3322047f156c45fd1bd13d180faac88ff5f6dddac3ca8842502f29ea4"),
    )
)


class DataError(Exception):
    """Data that could not be had, in a sentence."""


class NetworkError(DataError):
    """Nobody answered: the other files of the same address will not come either."""


def fetch(file: File, folder: Path, base: str = ARGYRODITES) -> str:
    """Put one file into the folder, and say what was done."""
    target = folder / file.name
    if target.exists():
        _check(target.read_bytes(), file, f"{target} is another file; move it away")
        return "there already"
    address = f"{base}/{file.place}"
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            content = answer.read()
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise NetworkError(
            f"{address}: need a network that reaches it, got {getattr(error, 'reason', error)}; "
            f"fetch it on another machine, put it at {target}, and call this again to check it"
        ) from error
    _check(content, file, f"{address} is not the file that the tests were written for; nothing was kept")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return f"fetched, {len(content) / 1e6:.1f} MB"


def _check(content: bytes, file: File, remedy: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DataError(f"{file.name}: need SHA-256 {file.sha256}, got {found}: {remedy}")


def main(argv: list[str] | None = None) -> int:
    """Fetch what is missing; 1 if something could not be had."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=Path, default=Path(os.environ.get("IONPATH_TEST_DATA") or FOLDER))
    arguments.add_argument("--base", default=ARGYRODITES, help="another copy of the published tree")
    options = arguments.parse_args(argv)
    wrong = alone = 0
    for file in FILES:
        try:
            if alone and not (options.folder / file.name).exists():
                print(f"{options.base}/{file.place} likewise, to {options.folder / file.name}", file=sys.stderr)
            else:
                print(f"{file.name}: {fetch(file, options.folder, options.base)}")
        except DataError as error:
            print(error, file=sys.stderr)
            wrong, alone = 1, isinstance(error, NetworkError)
    for name, what in NOT_FETCHED.items():
        if not all((options.folder / one).exists() for one in _alternatives(name)):
            print(f"{name}: not fetched ({what}); tests that need it are skipped")
    if not wrong:
        print(f"in {options.folder}; cite doi:10.1021/acs.chemmater.0c03738")
    return wrong


def _alternatives(name: str) -> list[str]:
    """Names behind the braces of a shell."""
    if "{" not in name:
        return [name]
    before, rest = name.split("{")
    choices, after = rest.split("}")
    return [f"{before}{choice}{after}" for choice in choices.split(",")]


if __name__ == "__main__":
    sys.exit(main())
