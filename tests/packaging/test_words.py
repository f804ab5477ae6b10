"""Advice in the words of the command line."""

from __future__ import annotations

import pytest

from ionpath_cli import cli
from ionpath_cli.record import Record
from ionpath_cli.words import in_words

ANALYZE = {"--start", "--stop", "--step", "--lag-time", "--frame-time", "--repeats", "--fold", "--sites"}


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        (
            "frames: need at least 2 frames, got 1; check start, stop and step, or use a longer trajectory",
            "frames: need at least 2 frames, got 1; check --start, --stop and --step, or use a longer trajectory",
        ),
        (
            "coordinates: need numbers, got nan; repair them or leave the frame out with start, stop, step",
            "coordinates: need numbers, got nan; repair them or leave the frame out with --start, --stop, --step",
        ),
        (
            "lag: need fewer frames, got 1000; use a lag of 199",
            "--lag-time: need fewer frames, got 1000; use a lag of 199",
        ),
        (
            "cages: need one, got none; in Python: merge=1 makes one",
            "cages: need one, got none; in Python: merge=1 makes one",
        ),
    ],
)
def test_python_becomes_options_once(said: str, typed: str) -> None:
    assert in_words(said, ANALYZE) == typed
    assert in_words(typed, ANALYZE) == typed


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("demo --picoseconds 0", "--picoseconds: need a positive number in ps, got 0.0"),
        ("demo --picoseconds -1", "--picoseconds: need a positive number in ps, got -1.0"),
        ("demo --metad-picoseconds nan", "--metad-picoseconds: need a positive number in ps, got nan"),
        ("demo --temperature 0", "--temperature: need a positive number in K, got 0.0"),
        ("demo --atoms 1000000000", "--atoms: need a whole number"),
        ("md start.extxyz --timestep 1000", "--timestep: need 0.02 to 10 fs"),
        ("md start.extxyz --timestep 0.002", "--timestep: need 0.02 to 10 fs"),
        ("report results", "need a place for the report, got a file of another origin; move it away"),
        ("analyze OUTCAR --temperature 600", "name the XDATCAR, or convert it: ase convert OUTCAR run.extxyz"),
        ("analyze notes.txt --temperature 600", "got a format that its name does not tell; add --format, for example"),
        ("analyze notes.txt --temperature 600 --format FOO", "--format: need one of "),
    ],
)
def test_numbers_and_files_that_no_run_has(typed: str, sentence: str, tmp_path, monkeypatch, capsys) -> None:
    """A sentence before anything is started or written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    Record("a").save(tmp_path / "results")
    for name in ("results/quantities.csv", "notes.txt", "OUTCAR"):
        (tmp_path / name).write_text("mine\n")
    before = sorted(tmp_path.rglob("*"))
    assert cli.main([*typed.split(), "-q"]) == 1
    assert sentence in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "results/quantities.csv").read_text() == "mine\n"
