"""The demo from end to end, on the smallest cells and the shortest runs that it takes."""

from __future__ import annotations

import csv
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ionpath.errors import InputError
from ionpath_cli.demo import repetitions
from ionpath_cli.intact import stage

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


MOMENTS = {
    "molecular dynamics": lambda folder: any(folder.glob("*/1-ordered/trajectory.checkpoint.npz")),
    "analysis": lambda folder: any(folder.glob("*/1-ordered/*.csv")) and any(folder.glob("*/1-ordered/*.png")),
    "warm-up of metadynamics": lambda folder: any(folder.glob("*/1-ordered-hop/warm-up.checkpoint.npz")),
    "metadynamics": lambda folder: any(
        len(hills.read_text().splitlines()) > 4 for hills in folder.glob("*/*-hop/HILLS")
    ),
    "report": lambda folder: any(folder.glob("*/0-overview/overview.png")),
}
"""What a folder holds when a run is killed, in their order."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")
def test_a_demo_that_is_killed_in_every_phase_is_the_unbroken_one(
    finished: tuple[Path, str], tmp_path: Path, left_by: Callable[[Path], list[str]]
) -> None:
    """SIGKILL leaves no process and no temporary folder, and the last call ends with the same numbers and hills."""
    whole, _ = finished
    folder, scratch = tmp_path / "demo", tmp_path / "scratch"
    scratch.mkdir()
    environment = os.environ | {"TMPDIR": str(scratch), "IONPATH_TEST_MARK": str(folder)}
    for moment, reached in MOMENTS.items():
        run = subprocess.Popen(
            [*command(folder), *SHORT], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 600
            while not reached(folder) and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            assert run.poll() is None, moment
            if moment == "molecular dynamics":
                second = subprocess.run([*command(folder), *SHORT], capture_output=True, text=True, check=False)
                last = second.stderr.splitlines()[-1]
                assert second.returncode == 1 and f"got one that is going on (process {run.pid})" in last
        finally:
            run.kill()
            run.wait()
        for _ in range(100):
            if not left_by(folder):
                break
            time.sleep(0.1)
        assert left_by(folder) == [] and list(scratch.iterdir()) == [], moment
    subprocess.run([*command(folder), *SHORT], env=environment, capture_output=True, check=True)
    one, other = (next(place.glob("*atoms*")) for place in (folder, whole))
    assert (one / "quantities.csv").read_bytes() == (other / "quantities.csv").read_bytes()
    for name in ("1-ordered-hop/HILLS", "2-disordered-hop/HILLS", "2-disordered/trajectory.xtc", "1-ordered/msd.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    ours, theirs = ({path.relative_to(place).as_posix() for path in place.rglob("*")} for place in (one, other))
    assert {name for name in ours - theirs if not name.endswith((".before", ".old"))} == set()


@pytest.mark.slow
def test_a_report_that_is_killed_is_written_whole(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "results"
    shutil.copytree(next(finished[0].glob("*atoms*")), folder)
    words = [*command(folder)[:3], "report", str(folder)]
    subprocess.run(words, capture_output=True, check=True)
    names, table = {path.name for path in folder.iterdir()}, (folder / "quantities.csv").read_bytes()
    before = (folder / "report.html").stat().st_size
    rng = random.Random(3)
    for _ in range(8):
        run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.5, 4.0))
        run.kill()
        run.wait()
        assert (folder / "quantities.csv").read_bytes() == table
        assert (folder / "report.html").read_text().rstrip().endswith("</html>")
    subprocess.run(words, capture_output=True, check=True)
    assert {path.name for path in folder.iterdir()} == names  # no part of a file is left
    assert (folder / "report.html").stat().st_size == pytest.approx(before, rel=1e-3)


def test_a_second_demo_in_one_folder_is_refused(tmp_path: Path) -> None:
    from ionpath.files import locked
    from ionpath_cli.demo import main

    place = tmp_path / "52atoms-600K-3ps-seed1"
    with (
        locked(place / ".lock", "this"),
        pytest.raises(InputError, match=rf"folder .*{place.name}: need no other run in it, got one that is going on"),
    ):
        main(["-o", str(tmp_path), *SHORT])
    assert list(place.iterdir()) == []


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
