"""``make test-data`` fetches published files, believes none without its checksum, and says what it cannot have."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTENT = b"Li192 P32 S160 Cl32\n"


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with one file to fetch."""
    spec = importlib.util.spec_from_file_location("reference_data", ROOT / "tests" / "reference_data.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "reference_data", module)
    spec.loader.exec_module(module)
    file = module.File("data/one.gz", "aimd/one.gz", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(module, "FILES", (file,))
    return module


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """No line for each request."""


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A tree of files and its address."""
    tree = tmp_path / "published"
    (tree / "data").mkdir(parents=True)
    (tree / "data" / "one.gz").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tree)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield tree, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_fetched_once_and_checked(data: ModuleType, published: tuple[Path, str], tmp_path: Path, capsys) -> None:
    tree, base = published
    folder = tmp_path / "here"
    assert data.main(["--folder", str(folder), "--base", base]) == 0
    assert (folder / "aimd" / "one.gz").read_bytes() == CONTENT
    said = capsys.readouterr().out
    assert "aimd/one.gz: fetched" in said
    assert "lpscl-ii-300K-centre0.npz: not fetched" in said and "arXiv:2412.07115" in said
    (tree / "data" / "one.gz").unlink()  # a second call asks nobody
    assert data.main(["--folder", str(folder), "--base", base]) == 0
    assert "there already" in capsys.readouterr().out


def test_another_content_is_refused_and_nothing_kept(
    data: ModuleType, published: tuple[Path, str], tmp_path: Path, capsys
) -> None:
    tree, base = published
    (tree / "data" / "one.gz").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    folder = tmp_path / "here"
    assert data.main(["--folder", str(folder), "--base", base]) == 1
    assert "need SHA-256" in capsys.readouterr().err
    assert not list(folder.rglob("*"))
    (folder / "aimd").mkdir(parents=True)
    mine = folder / "aimd" / "one.gz"
    mine.write_bytes(b"mine")
    assert data.main(["--folder", str(folder), "--base", base]) == 1
    assert "is another file; move it away" in capsys.readouterr().err
    assert mine.read_bytes() == b"mine"


def test_no_network_is_a_sentence(data: ModuleType, published: tuple[Path, str], tmp_path: Path, capsys) -> None:
    _, base = published
    folder = tmp_path / "here"
    assert data.main(["--folder", str(folder), "--base", f"{base}/nowhere"]) == 1
    said = capsys.readouterr().err
    assert "need a network that reaches it, got" in said
    assert f"put it at {folder / 'aimd' / 'one.gz'}, and call this again" in said


def test_files_at_hand_are_the_published_ones(shared_data: Path) -> None:
    """The checksums are those of the files as they were published: gzip wrote their names and the year into them."""
    spec = importlib.util.spec_from_file_location("reference_data_whole", ROOT / "tests" / "reference_data.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        for file in module.FILES:
            path = shared_data / file.name
            assert module.fetch(file, Path(shared_data)) == "there already"
            head = path.read_bytes()[:32]
            assert head[10:24] == b"actual_XDATCAR"
            assert 1514764800 <= int.from_bytes(head[4:8], "little") < 1546300800  # 2018, UTC
    finally:
        del sys.modules[spec.name]
