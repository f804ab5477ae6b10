"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real trajectories that are not part of the project; set IONPATH_TEST_DATA to place it elsewhere."""
    folder = Path(os.environ.get("IONPATH_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            f"reference data not found in {folder.name!r}: set IONPATH_TEST_DATA to the folder that holds it"
        )
    return folder
