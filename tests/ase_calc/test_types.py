"""A type checker sees what ASE's plugin exports, though nothing is imported before it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

USER = """
from typing import assert_type
from ase import Atoms
from ionpath_ase import Barriers, IonPath, hop_candidates, migration_barriers
from ionpath_ase.bands import Hop

atoms = Atoms("LiCl")
hops = hop_candidates(atoms, [0.5])
assert_type(hops, tuple[Hop, ...])
assert_type(migration_barriers(atoms, hops), Barriers)
assert_type(IonPath("argyrodite").cutoff, float)
{line}
"""


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "Success"),
        ("from ionpath_ase import run_mb", '"ionpath_ase" has no attribute "run_mb"'),
        ("hop_candidates(atoms, [0.5], numbre=3)", 'Unexpected keyword argument "numbre"'),
    ],
)
def test_names_have_their_types(tmp_path: Path, line: str, sentence: str) -> None:
    pytest.importorskip("mypy", reason="mypy is in the extra `dev`")
    script = tmp_path / "user.py"
    script.write_text(USER.format(line=line))
    config = Path(__file__).resolve().parents[2] / "pyproject.toml"
    words = [sys.executable, "-m", "mypy", "--config-file", str(config), str(script)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=config.parent, check=False)
    assert sentence in done.stdout
