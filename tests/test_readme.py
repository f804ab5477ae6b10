"""The README and the documentation say things that exist."""

from __future__ import annotations

import ast
import re
import shlex
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
    *sorted((ROOT / "docs" / "notebooks").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(
        r"^```[^\n]*\n.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL
    )  # x["name"](0) is no link
    targets = re.findall(r"\]\(([^)#]+)", text)
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


def commands(page: Path) -> tuple[list[str], list[str]]:
    """What a page prints to be typed into a shell, and what it names in a sentence, which may lack the rest."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```[^\n]*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += [line for line in prose.splitlines() if line.startswith("    ")]
    typed = [found[1] for line in lines if (found := re.match(r"\s*(?:!|\$ )?(ionpath [a-z].*)", line))]
    return typed, [one for one in re.findall(r"`(ionpath [a-z][^`\n]*)`", prose) if "|" not in one and "..." not in one]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_taken_as_printed(page: Path) -> None:
    """Parsed by the command itself, not run: every word is known, and nothing that is needed lacks."""
    from ionpath_cli.cli import options_of
    from ionpath_cli.slurm import _refused
    from ionpath_cli.usage import unknown_option

    typed, named = commands(page)
    wrong = []
    for line in [*typed, *named]:
        line_of_one = re.sub(r"\$\w+", "600", re.sub(r"\$\(.*\)", "FILE", line))
        words = shlex.split(line_of_one, comments=True)[1:]
        if "--temprature" in words or (words[0] == "slurm" and "--" not in words[:-1]):
            continue  # a mistake that a page shows, and one that ends in the middle
        if words[0] == "slurm":
            words = words[words.index("--") + 1 :]
        assert words[0] in COMMANDS, line
        options = options_of(words[0], words[1:])
        if options and (name := unknown_option(words[1:], options)):
            wrong.append(f"{line}: {name}")
        elif line in typed and (said := _refused(words)):
            wrong.append(f"{line}: {said}")
    assert wrong == []


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
