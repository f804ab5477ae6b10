"""The site as a reader has it: every link followed, every page read on a telephone and a screen, dark and light."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow  # the site is built once, without its tutorials, which tests/test_notebooks.py runs


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_nb")
    folder = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-q", "-b", "html", "-D", "nb_execution_mode=off"]
    options += ["-D", "suppress_warnings=myst.xref_missing,myst-nb.lexer"]  # which the kernel names when it runs
    command = [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class Page(HTMLParser):
    """Links of a page, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.names |= {value for key in ("id", "name") if (value := given.get(key))}
        self.links |= {value for key in ("href", "src") if (value := given.get(key))}


def test_every_link_leads_to_a_page_and_a_place_in_it(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html")}
    assert len(pages) > 40
    wrong, followed = [], 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("data:"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            followed += 1
            if not target.exists():
                wrong.append(f"{path.relative_to(site)}: {link}")
            elif target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].names:
                wrong.append(f"{path.relative_to(site)}: {link} (no such place)")
    assert followed > 1000
    assert wrong == []


def test_every_page_is_reached_from_the_first(site: Path) -> None:
    seen, open_ends = set(), [site / "index.html"]
    while open_ends:
        path = open_ends.pop()
        if path in seen or path.suffix != ".html" or not path.exists():
            continue
        seen.add(path)
        links = [urlsplit(link) for link in Page(path).links]
        open_ends += [(path.parent / unquote(link.path)).resolve() for link in links if link.path and not link.netloc]
    assert {path.name for path in site.rglob("*.html")} - {path.name for path in seen} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_reads_well(site: Path, browser, width: int, scheme: str) -> None:
    """No page is wider than its screen, no picture is missing, no script fails, and text stands out from its ground."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        found = page.evaluate(
            """() => {
              const light = colour => colour.match(/\\d+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0);
              const paint = getComputedStyle(document.body);
              const lacks = image => image.complete && !image.naturalWidth && image.src.startsWith("file:");
              return {
                wide: document.documentElement.scrollWidth,
                contrast: light(paint.color) - light(paint.backgroundColor),
                broken: [...document.images].filter(lacks).map(image => image.src),
              };
            }"""
        )
        name = str(path.relative_to(site))
        assert found["wide"] <= width, f"{name} is {found['wide']} wide"
        assert found["broken"] == [], name
        assert (found["contrast"] > 300) if scheme == "dark" else (found["contrast"] < -300), name
    assert errors == []
    context.close()
