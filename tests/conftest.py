"""Fixtures that every test may use."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Use the entry points that this tree declares, also where an editable installation is older than they are."""
    from ionpath import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {"console_scripts": project["scripts"], **project["entry-points"]}
    if set(declared["ionpath"]) <= {point.name for point in entry_points(group="ionpath")}:
        return
    folder = Path(tempfile.mkdtemp(prefix="ionpath-entry-points-"))
    metadata = folder / f"ionpath-{__version__}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: ionpath\nVersion: {__version__}\n")
    sections = (
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items())])
        for group, points in declared.items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(sections))
    sys.path.insert(0, str(folder))  # before the installed one, which it takes the place of
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{folder}{os.pathsep}{inherited}" if inherited else str(folder)
    config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))


class ReferenceData(type(Path())):  # type: ignore[misc]
    """A folder in which a file that is missing skips the test that asks for it."""

    def __truediv__(self, name: str) -> Path:
        path = super().__truediv__(name)
        if not path.exists():
            pytest.skip(f"no reference data {name!r}: `make test-data` fetches what is public, and says what is not")
        return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Published data that are not part of the project: in IONPATH_TEST_DATA, or where `make test-data` puts them."""
    places = (os.environ.get("IONPATH_TEST_DATA"), ROOT / ".test-data", ROOT.parent / "shared" / "data")
    folder = next((Path(place) for place in places if place and Path(place).is_dir()), None)
    if folder is None:
        pytest.skip(
            "no reference data: `make test-data` fetches it, or set IONPATH_TEST_DATA to the folder that holds it"
        )
    return ReferenceData(folder)


@pytest.fixture(scope="session")
def potential_data() -> Path:
    """Frames that the shipped potential was trained on and judged by; the sdist leaves them out."""
    folder = ROOT / "examples" / "potential" / "data"
    if not folder.is_dir():
        pytest.skip("examples/potential/data is in the repository only")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium, that of the system or of playwright."""
    sync_api = pytest.importorskip("playwright.sync_api")
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    with sync_api.sync_playwright() as playwright:
        try:
            one = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except sync_api.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield one
        one.close()


@pytest.fixture(scope="session")
def mutations() -> Callable[..., Iterator[bytes]]:
    """Cuts, flips, deletions and insertions of bytes in turn, so many of them, by a seed."""

    def made(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
        rng = np.random.default_rng(seed)
        for n in range(count):
            at, size = int(rng.integers(len(data))), int(rng.integers(1, 12))
            flipped = bytearray(data)
            flipped[at] ^= 1 << int(rng.integers(8))
            filling = rng.integers(0, 256, size, np.uint8).tobytes()
            yield [data[:at], bytes(flipped), data[:at] + data[at + size :], data[:at] + filling + data[at:]][n % 4]

    return made


@pytest.fixture(scope="session")
def left_by() -> Callable[[Path], list[str]]:
    """Find processes that a killed run leaves, which have a mark in their environment."""

    def found(folder: Path) -> list[str]:
        left = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                mine = f"IONPATH_TEST_MARK={folder}\0".encode() in (place / "environ").read_bytes()
                if mine and (place / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    left.append(place.name)
        return left

    return found
