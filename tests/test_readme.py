"""The README and the documentation say things that exist."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from ionpath_cli.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "packaging/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", page.read_text())
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks_are_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL):
        ast.parse("\n".join(line.removeprefix(">>> ").removeprefix("... ") for line in block.splitlines()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_scripts_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"\b((?:benchmarks|examples|tests|core|plugins)/[\w/]+\.py)", page.read_text()))
    assert not [name for name in named if not (ROOT / name).exists()]


def test_make_targets_and_commands_exist() -> None:
    text, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"^make ([\w-]+)", text, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
    listed = re.search(r"`ionpath (demo \|[^`]+)`", text)
    assert listed is not None
    assert {word.strip() for word in listed.group(1).split("|")} == set(COMMANDS)


def test_versions_agree() -> None:
    from ionpath import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"] and "version" in project["project"]["dynamic"]
    assert f'__version__ = "{__version__}"\n' in (ROOT / project["tool"]["hatch"]["version"]["path"]).read_text()
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_repository_names_no_machine() -> None:
    """No path of one machine stands in a file that users get."""
    pattern = re.compile(r"/(?:tmp|home|root|work)/[A-Za-z]")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for folder in ("core", "plugins", "docs", "examples", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".dat", ".json", ".toml"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if pattern.search(line)
    ]
    assert not found
