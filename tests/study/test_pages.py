"""Pages of the documentation that were written from studies: of the shipped potential, and nothing else."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from ionpath.errors import InputError
from ionpath_cli.study import load_study, make_plan, study_names
from ionpath_cli.study.command import main
from ionpath_cli.study.output import write_markdown
from ionpath_cli.study.tasks import checksum

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted((DOCS / "studies").glob("*.md"))


def test_there_are_pages() -> None:
    assert {page.stem for page in PAGES} <= set(study_names()) and PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_numbers_are_of_the_potential_that_is_shipped(page: Path) -> None:
    """Run the study again, and write its page anew, when this fails: its potential is gone."""
    named = dict(re.findall(r"^    (\S+) sha256:([0-9a-f]{64})$", page.read_text(), re.MULTILINE))
    assert named and set(named) <= {"argyrodite", "argyrodite.2", "argyrodite.3", "argyrodite-lpscl-i"}
    assert named == {model: checksum(model) for model in named}


def lines_of(page: Path) -> dict[str, str]:
    """Line of each row in the table, and what is said of it below."""
    lines = page.read_text().splitlines()
    return {found[0]: line for line in lines if (found := re.match(r"(\| \d+ \||\* \*\*\d+\*\*)", line))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_are_made_again_from_their_archives(page: Path, tmp_path: Path) -> None:
    """Anyone can: unpack, and ask for the page."""
    folder, again = tmp_path / page.stem, tmp_path / page.name
    zipfile.ZipFile(page.with_suffix(".zip")).extractall(folder)
    assert main([page.stem, "-o", str(folder), "--markdown", str(again)]) == 0
    assert lines_of(again) == lines_of(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_row_is_on_the_page_once(page: Path) -> None:
    numbers = [int(n) for n in re.findall(r"^\| (\d+) \|", page.read_text(), re.MULTILINE)]
    assert numbers == [row.number for row in load_study(page.stem).rows]


def test_the_four_papers_have_all_96_rows() -> None:
    found = sorted(row.number for name in study_names() for row in load_study(name).rows)
    assert found == list(range(1, 97))


def test_the_study_of_the_guide_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", (DOCS / "studies.md").read_text(), re.DOTALL)
    (tmp_path / "mine.toml").write_text(text)
    plan = make_plan(load_study(str(tmp_path / "mine.toml")), budget=3.0)
    assert plan.dropped == {} and plan.lengths["500 K"] >= 50.0  # ps


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_figures_of_a_page_are_beside_it(page: Path) -> None:
    named = re.findall(r"^!\[.+\]\((.+)\)$", page.read_text(), re.MULTILINE)
    assert set(named) == {path.name for path in page.parent.glob(f"{page.stem}-*.png")}


def test_a_page_needs_a_comparison(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="output: need a folder with a comparison, got .*; run the study first"):
        write_markdown(tmp_path, tmp_path / "page.md")
