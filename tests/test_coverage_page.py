"""The page of the papers: every call can be imported, every test that is named exists, and no row is left out."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "coverage_of_the_papers.md"
ITEMS = [
    [cell.strip() for cell in line.strip("|").split(" |")]
    for line in PAGE.read_text().splitlines()
    if re.match(r"\| \d+ \|", line)
]
TESTS = sorted(set(re.findall(r"`(tests/[\w/.]+::\w+)`", PAGE.read_text())))
CALLS = sorted({call for row in ITEMS for call in re.findall(r"`([\w.]+)`", row[2])})
HOSTS = {"ionpath_ase": "ase", "ionpath_mdanalysis": "MDAnalysis", "ionpath_plumed": "ase", "pymatgen": "pymatgen.core"}


@cache
def functions(path: str) -> frozenset[str]:
    return frozenset(
        node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)
    )


def test_every_row_of_the_papers_has_a_call_and_a_test() -> None:
    """47 methods, systems and figures: 22 of Guan et al., 10 of Jang et al., 10 and 5 of the two of Chen et al."""
    assert [int(row[0]) for row in ITEMS] == list(range(1, 48))
    for row in ITEMS:
        assert len(row) == 5, row[0]
        assert re.search(r"`[\w.]+`", row[2]), row[0]
        assert re.search(r"`tests/[\w/.]+::\w+`", row[3]), row[0]


@pytest.mark.parametrize("name", TESTS)
def test_named_tests_exist(name: str) -> None:
    path, function = name.split("::")
    assert function in functions(path)


@pytest.mark.parametrize("name", CALLS)
def test_calls_can_be_imported(name: str) -> None:
    host = HOSTS.get(name.split(".")[0])
    if host is not None:
        pytest.importorskip(host, reason=f"{host} is not installed")
    parts = name.split(".")
    for k in range(len(parts) - 1, 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        break
    for part in parts[k:]:
        thing = getattr(thing, part)
    assert callable(thing)
