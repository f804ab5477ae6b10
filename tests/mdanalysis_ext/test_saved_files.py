"""Files that earlier versions saved load with the results that they had."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ionpath_mdanalysis

FOLDER = Path(__file__).parent / "saved-0.1.0"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
digest = runpy.run_path(str(FOLDER / "write.py"))["digest"]


def check(found: Any, expected: Any, where: str) -> None:
    """Everything that was there is there, to rounding; results may have been added since."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert key in found, f"{where}.{key} is gone"
            check(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for k, pair in enumerate(zip(found, expected, strict=True)):
            check(*pair, f"{where}[{k}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-300), where
    else:
        assert found == expected, where


def test_every_class_that_saves_has_a_file():
    assert len(EXPECTED) == len(list(FOLDER.glob("*.npz"))) == 20


@pytest.mark.parametrize("name", EXPECTED)
def test_files_of_version_0_1_0(name, tmp_path):
    cls = getattr(ionpath_mdanalysis, name.split("-")[0])
    analysis = cls.load(FOLDER / f"{name}.npz")
    check(digest(analysis.results), EXPECTED[name], name)
    assert repr(analysis).startswith(f"<{cls.__name__}: ")
    analysis.save(tmp_path / "again.npz")
    check(digest(cls.load(tmp_path / "again.npz").results), EXPECTED[name], name)


@pytest.mark.parametrize("name", EXPECTED)
def test_results_are_strict_json_in_montys_protocol(name):
    results = getattr(ionpath_mdanalysis, name.split("-")[0]).load(FOLDER / f"{name}.npz").results
    text = json.dumps(results.as_dict(), allow_nan=False)
    again = type(results).from_dict(json.loads(text))
    assert set(again) == set(results) - {"msm"}
    for key, value in results.items():
        if key != "msm" and not isinstance(value, float):  # a NaN that stands alone is null, and comes back as None
            check(digest(again[key]), json.loads(json.dumps(digest(value))), f"{name}.{key}")
            assert type(again[key]) is type(value) or isinstance(value, (tuple, np.generic)), key
    monty = pytest.importorskip("monty.json", reason="needs monty")
    json.dumps(monty.jsanitize(results, strict=True, enum_values=True, allow_bson=True), allow_nan=False)
