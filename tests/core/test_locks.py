"""A lock keeps two runs out of one place, and goes with its process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ionpath.errors import InputError
from ionpath.files import locked


def test_a_lock_is_for_one(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with locked(lock, "run a"):
        assert lock.read_text() == str(os.getpid())
        with (
            pytest.raises(InputError, match=rf"run a: need no other run in it, got one .* \(process {os.getpid()}\)"),
            locked(lock, "run a"),
        ):
            pass
    assert not lock.exists()
    with locked(lock, "run a"):
        assert lock.exists()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    pid = os.fork()
    if not pid:
        with locked(lock, "run a"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert lock.exists()
    with locked(lock, "run a"):
        assert lock.read_text() == str(os.getpid())
    assert not lock.exists()
