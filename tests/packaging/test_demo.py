"""The demo from end to end, on the smallest cells and the shortest runs that it takes."""

from __future__ import annotations

import csv
import math
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ionpath.errors import InputError
from ionpath_cli.demo import repetitions
from ionpath_cli.stages import stage

SHORT = ["--atoms", "52", "--picoseconds", "3", "--metad-picoseconds", "0.1"]


def command(folder: Path) -> list[str]:
    return [
        sys.executable,
        "-c",
        "from ionpath_cli.cli import main; raise SystemExit(main())",
        "demo",
        "-o",
        str(folder),
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that was interrupted once during molecular dynamics and then called again."""
    folder = tmp_path_factory.mktemp("demo")
    first = subprocess.Popen(
        [*command(folder), *SHORT],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # shells start background jobs with interrupts ignored, and what they start would inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 240
        while not list(folder.rglob("trajectory*.npz")) and first.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        first.send_signal(signal.SIGINT)
        said = first.communicate(timeout=120)[0]
    finally:
        first.kill()
    assert first.returncode == 130, said
    second = subprocess.run([*command(folder), *SHORT], capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stdout + second.stderr
    return folder, second.stderr + second.stdout


def test_second_call_keeps_what_was_finished(finished: tuple[Path, str]) -> None:
    _, text = finished
    lines = text.splitlines()
    assert lines[lines.index("== Li6PS5Cl, ordered: structure (pymatgen)") + 1].strip() == "kept from an earlier run"


def test_report_holds_both_systems(finished: tuple[Path, str]) -> None:
    folder, text = finished
    page = next(folder.rglob("report.html"))
    assert str(page) in text
    html = page.read_text()
    assert html.count("data:image/png;base64,") >= 10
    assert "Li6PS5Cl, ordered" in html
    assert "Li5.5PS4.5Cl1.5, disordered" in html


def test_numbers_are_numbers_or_bounds(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    rows = list(csv.DictReader(next(folder.rglob("quantities.csv")).read_text().splitlines()))
    names = {row["quantity"] for row in rows}
    assert any(re.fullmatch(r"path entropy, all \d+ pairs", name) for name in names)
    for name in ("path entropy, mean per pair", "first passage between vertices of a cage", "diffusion coefficient"):
        assert name in names
    # Three picoseconds determine neither a barrier nor a Haven ratio, and the demo says so rather than give one.
    allowed = {"barrier between cages", "Haven ratio"}
    for row in rows:
        known = math.isfinite(float(row["value"])) or float(row["high"]) > 0.0
        assert known or row["quantity"] in allowed, row


def test_third_call_only_writes_the_report(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    trajectory = next(folder.rglob("trajectory.xtc"))
    before = trajectory.stat().st_mtime_ns
    third = subprocess.run([*command(folder), *SHORT], capture_output=True, text=True, check=True)
    assert third.stderr.count("kept from an earlier run") == 8
    assert trajectory.stat().st_mtime_ns == before


def test_supercell_is_as_cubic_as_it_can_be() -> None:
    assert repetitions(52) == (1, 1, 1)
    assert repetitions(53) == (2, 1, 1)
    assert repetitions(416) == (2, 2, 2)
    with pytest.raises(InputError, match="atoms: need a number of atoms above 0, got 0"):
        repetitions(0)


def test_stage_of_other_settings_runs_again(tmp_path: Path) -> None:
    calls: list[int] = []

    def make() -> None:
        calls.append(1)
        (tmp_path / "x").write_text(str(len(calls)))

    assert stage(tmp_path, "x", {"n": 1}, ["x"], make, title="x")
    assert not stage(tmp_path, "x", {"n": 1}, ["x"], make, title="x")
    assert stage(tmp_path, "x", {"n": 2}, ["x"], make, title="x")
    assert (tmp_path / "x").read_text() == "2"


def test_interrupted_stage_is_not_done(tmp_path: Path) -> None:
    def interrupted() -> None:
        (tmp_path / "x").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage(tmp_path, "x", {}, ["x"], interrupted, title="x")
    assert stage(tmp_path, "x", {}, ["x"], lambda: None, title="x")
