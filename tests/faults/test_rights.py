"""Every command that writes, where it must not: one sentence that names the place, no traceback, and nothing is left.

Modes do not bind root, so that a process of its own gives up that right; a path below a file binds everybody.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from ionpath.errors import IonpathError
from ionpath.files import made_folder
from ionpath_cli.cli import main

SMALL = Path(__file__).parents[1] / "study" / "small.toml"
COMMANDS = {
    "build": "build -o PLACE/x.cif",
    "grid": "build --grid inversion -o PLACE/grid",
    "md": "md start.extxyz --engine ase --model argyrodite.2 --picoseconds 0.01 --trajectory PLACE/r.xtc",
    "metad": "metad start.extxyz --protocol tilt --engine ase --model argyrodite.2 --picoseconds 0.01 --folder PLACE/m",
    "input": "metad start.extxyz --protocol tilt --write-only --folder PLACE/m",
    "study": "study small.toml --workers 1 -o PLACE/s",
    "demo": "demo -o PLACE/d --atoms 52 --picoseconds 3 --metad-picoseconds 0.1",
    "slurm": "slurm -o PLACE/job.sh -- ionpath md start.extxyz",
    "log": "slurm -o job.sh --log PLACE/x.log -- ionpath md start.extxyz",
    "structures": "train structures LiCl -o PLACE/s.extxyz",
    "label": "train label labels.extxyz -o PLACE/l.extxyz --teacher argyrodite.2",
    "fit": "train fit labels.extxyz -o PLACE/fit --steps 4",
    "loop": "train loop labels.extxyz --start labels.extxyz --teacher argyrodite.2 -o PLACE/loop",
    "dpgen": "train dpgen labels.extxyz --start labels.extxyz -o PLACE/dpgen",
}
WRITTEN = (
    "need a folder that can be written to, got ",
    "need an existing folder, got ",
    "need the right to use it, got ",
)
pytestmark = pytest.mark.skipif(
    not all(find_spec(host) for host in ("deepmd", "plumed", "pymatgen", "MDAnalysis", "distributed")),
    reason="needs all hosts",
)


def prepared(folder: Path) -> None:
    """A start, labels, and the two kinds of places."""
    (folder / "a-file").write_text("mine")
    (folder / "locked").mkdir()
    (folder / "small.toml").write_text(SMALL.read_text())
    tetrahedron = [[0, 0, 0], [1.2, 1.2, 1.2], [1.2, -1.2, -1.2], [-1.2, 1.2, -1.2], [-1.2, -1.2, 1.2], [3.6, 0, 0]]
    write(folder / "start.extxyz", Atoms("PS4Li", tetrahedron, cell=[9.0] * 3, pbc=True))
    frames = []
    for seed in range(4):
        atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
        atoms.rattle(0.05, seed=seed)
        atoms.calc = SinglePointCalculator(atoms, energy=-1.0 * seed, forces=atoms.positions * 1e-3)
        frames.append(atoms)
    write(folder / "labels.extxyz", frames)


def said(line: str, place: str) -> tuple[int, str]:
    """How a command ends in a place, and its last words."""
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main([word.replace("PLACE", place) for word in line.split()])
        except SystemExit as end:
            code = int(end.code or 0)
    lines = [one for one in errors.getvalue().splitlines() if one.startswith("ionpath ") or "Traceback" in one]
    return code, "\n".join(lines)


def check(name: str, code: int, words: str, place: str) -> None:
    assert code == 1, (name, words)
    assert "\n" not in words and "Traceback" not in words, (name, words)
    assert place in words and any(sentence in words for sentence in WRITTEN), (name, words)
    assert words.count(": need ") == 1, (name, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_below_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    code, words = said(COMMANDS[name], "a-file")
    check(name, code, words, "a-file")
    assert (tmp_path / "a-file").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == before


def _without_its_right() -> None:
    """Give up what lets root write where modes forbid it (CAP_DAC_OVERRIDE), for what is started next."""
    if os.geteuid() == 0:
        assert ctypes.CDLL(None).prctl(24, 1, 0, 0, 0) == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are those of Linux")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    """All commands, and calls of Python, in one process."""
    prepared(tmp_path)
    (tmp_path / "locked").chmod(0o555)
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)],
        preexec_fn=_without_its_right,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == {*COMMANDS, "run_metadynamics", "walkers", "run_md"}
    for name, (code, words) in found.items():
        check(name, code, words, "locked")
    assert list((tmp_path / "locked").iterdir()) == []


def calls() -> dict[str, tuple[int, str]]:
    """The same from Python."""
    from ionpath_ase import run_md
    from ionpath_plumed import run_metadynamics

    text = [
        "UNITS LENGTH=A",
        "d: DISTANCE ATOMS=1,4",
        "metad: METAD ARG=d SIGMA=0.1 HEIGHT=1 PACE=5 TEMP=300 BIASFACTOR=9",
    ]

    def copper() -> Atoms:
        atoms = bulk("Cu", cubic=True) * (2, 1, 1)
        atoms.calc = EMT()
        return atoms

    short = {"temperature": 300.0, "picoseconds": 0.02, "progress": False, "timestep": 2.0}
    runs = {
        "run_metadynamics": lambda: run_metadynamics(copper(), text, folder="locked/m", **short),
        "walkers": lambda: run_metadynamics(copper(), text, folder="locked/m", walkers=2, **short),
        "run_md": lambda: run_md(copper(), engine="ase", trajectory="locked/r.extxyz", **short),
    }
    found = {}
    for name, run in runs.items():
        try:
            run()
        except IonpathError as error:
            found[name] = (1, str(error))
    return found


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    assert made_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for name in ("file", "file/below"):
        with pytest.raises(
            IonpathError, match=rf"{name}: need a folder that can be written to, got .*; name another one"
        ):
            made_folder(tmp_path / name)


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    told = {name: said(line, "locked") for name, line in COMMANDS.items()} | calls()
    print()
    print(json.dumps(told))
