"""What the tests with a real PLUMED share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def plumed_kernel() -> None:
    """Skip, with the reason, where there is no kernel."""
    from ionpath.errors import MissingDependency

    try:
        from ionpath_plumed.kernel import check_kernel

        check_kernel()
    except MissingDependency as error:
        pytest.skip(str(error))


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run lines of Python in a process of their own: PLUMED aborts the process on some mistakes."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    return run
