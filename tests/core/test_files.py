"""Files are the old ones or the complete new ones, and keep what else a user gave them."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ionpath.errors import InputError, IonpathError, WriteError
from ionpath.files import atomic_path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def small_files() -> Iterator[None]:
    """No file may grow beyond 4 kB: the system refuses as it does on a full disk.

    A context and not a fixture: between a test and the end of its fixtures pytest writes to its own output, which is a
    file beyond the limit wherever a log is kept, and would end without a word.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_mode_and_link_survive(tmp_path: Path) -> None:
    target, link = tmp_path / "private.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    with atomic_path(link) as part:
        part.write_text("new")
    assert link.is_symlink() and target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600


def test_parts_that_a_killed_process_left_are_removed(tmp_path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    dead = tmp_path / f".table-{child.stdout.strip()}-abc.csv"
    living, other = tmp_path / f".table-{os.getpid()}-abc.csv", tmp_path / ".table-notes.csv"
    for path in (dead, living, other):
        path.write_text("x")
    with atomic_path(tmp_path / "table.csv") as part:
        part.write_text("y")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["table.csv", living.name, other.name])


def test_a_full_disk_is_a_sentence_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with atomic_path(path) as part:
        part.write_text("old")
    with (
        small_files(),
        pytest.raises(WriteError, match=r"table.csv: need room for it, got File too large; make room and repeat"),
        atomic_path(path) as part,
    ):
        part.write_bytes(bytes(10**5))
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("what", ["results", "record", "report", "options"])
def test_every_writer_ends_with_that_sentence(tmp_path: Path, what: str) -> None:
    import argparse

    import numpy as np

    from ionpath_cli.options import parser, write_config
    from ionpath_cli.record import Record
    from ionpath_cli.report import write_report

    store = pytest.importorskip("ionpath_mdanalysis._store")
    if what == "report":
        Record("x", notes=["short"] * 100).save(tmp_path)
    long = "".join(map(str, np.random.default_rng(0).integers(0, 10, 10**5)))
    made = parser("md", "d", "e")
    made.add_argument("--label")
    write = {
        "results": lambda: store.write(tmp_path / "x.npz", {}, {"a": np.random.default_rng(0).random(10**5)}),
        "record": lambda: Record("x", notes=[long]).save(tmp_path),
        "report": lambda: write_report(tmp_path, title=long),
        "options": lambda: write_config(tmp_path / "x.toml", made, argparse.Namespace(label=long)),
    }[what]
    with small_files(), pytest.raises(WriteError, match="need room for it, got File too large"):
        write()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")], "nothing is left over"


def test_a_folder_that_refuses_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with (
        pytest.raises(WriteError, match=r"need a folder that can be written to, got (Not a directory|File exists)"),
        atomic_path(tmp_path / "file" / "x.csv"),
    ):
        pass


def test_other_errors_pass_through_and_ours_pickle(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"), atomic_path(tmp_path / "x"):
        (tmp_path / "absent").read_text()
    error = pickle.loads(pickle.dumps(WriteError("a", "room, got none; make some")))
    assert isinstance(error, IonpathError) and isinstance(error, OSError) and not isinstance(error, InputError)
    assert str(error) == "a: need room, got none; make some"


@pytest.mark.parametrize("module", [None, "def install(): raise RuntimeError('broken')", "syntax error"])
def test_the_start_up_line_is_silent_whatever_happened_to_its_module(tmp_path: Path, module: str | None) -> None:
    (tmp_path / "x.pth").write_text((ROOT / "core/startup/ionpath_aliases.pth").read_text())
    if module is not None:
        (tmp_path / "_ionpath_aliases.py").write_text(module)
    code = f"import site; site.addsitedir({str(tmp_path)!r}); print('started')"
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("started\n", "")
    # Guards the test: with the module as it is shipped, the same line does its work.
    (tmp_path / "_ionpath_aliases.py").write_text((ROOT / "core/startup/_ionpath_aliases.py").read_text())
    code += "; import sys; print(any(getattr(f, '__name__', '') == 'Aliases' for f in sys.meta_path))"
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "started\nTrue\n"


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    told = pytest.raises(InputError, match="--json: need a file to write, got a folder; name another")
    with told, atomic_path(tmp_path, argument="--json"):
        pass


@pytest.mark.parametrize("name", ["a\0b.csv", "x" * 300 + ".csv"])
def test_names_that_no_system_takes(name: str, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="need a folder that can be written to, got "), atomic_path(tmp_path / name):
        pass
