"""Advice in the words of the command line."""

from __future__ import annotations

import pytest

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
