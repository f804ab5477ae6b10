"""The comparison as one HTML page, and as Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionpath.errors import require
from ionpath.files import atomic_path
from ionpath_cli.report import STYLE
from ionpath_cli.study.definition import Study

if TYPE_CHECKING:
    from ionpath_cli.study.compared import Compared

INSTALL = 'pip install "ionpath[study]"'
VERDICTS = ("agrees", "order agrees", "differs", "not sampled", "out of reach here")


def render(template: str, **values: Any) -> str:
    """Fill a template of this package; HTML is escaped."""
    jinja = require("jinja2", purpose="the page of a study", install=INSTALL)
    environment = jinja.Environment(autoescape=template.endswith("html.j2"), trim_blocks=True, lstrip_blocks=True,
                                    undefined=jinja.StrictUndefined)  # fmt: skip
    text = files("ionpath_cli.study").joinpath("templates", template).read_text("utf-8")
    return str(environment.from_string(text).render(**values))


def write_page(
    folder: Path,
    study: Study,
    about: Mapping[str, Any],
    compared: Sequence[Compared],
    quantities: Sequence[Mapping[str, Any]],
) -> Path:
    """Write ``comparison.html``."""
    page = folder / "comparison.html"
    text = render(
        "comparison.html.j2", style=STYLE, study=study, about=about, rows=[asdict(c) for c in compared],
        counts=_counts(compared), quantities=quantities,
    )  # fmt: skip
    with atomic_path(page) as part:
        part.write_text(text, encoding="utf-8")
    return page


def _counts(compared: Sequence[Compared]) -> dict[str, int]:
    return {verdict: sum(c.verdict == verdict for c in compared) for verdict in VERDICTS}
