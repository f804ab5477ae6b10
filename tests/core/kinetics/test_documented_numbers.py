"""The numbers in docs/path_entropy.md are those that its code prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "path_entropy.md"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.mark.usefixtures("released")
def test_numbers_of_the_page(shared_data, monkeypatch) -> None:
    monkeypatch.setenv("IONPATH_TEST_DATA", str(shared_data))
    pieces = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(pieces) == 2
    names: dict[str, object] = {}
    for code, printed in pieces:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code, names)
        found, expected = out.getvalue(), printed
        assert NUMBER.sub("#", found) == NUMBER.sub("#", expected)
        # Errors come from random draws, which another build of the libraries may make differently
        for line, shown in zip(found.splitlines(), expected.splitlines(), strict=True):
            loose = "error" in line
            for a, b in zip(NUMBER.findall(line), NUMBER.findall(shown), strict=True):
                assert float(a) == pytest.approx(float(b), rel=0.05 if loose else 1e-9, abs=2 if loose else 0), line
