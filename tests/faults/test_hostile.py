"""Hostile input of somebody else: names that are paths, cells that are formulas, links to elsewhere, pickles."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError

sys.path.insert(0, str(Path(__file__).parent))  # a module of this folder is no test

import rows

FORMULA = '=HYPERLINK("http://a.b",A1)'
STUDY = """
[systems.{system}]
builder = "argyrodite"
atoms = 52
[[runs]]
name = "{runs}"
systems = ["all"]
temperatures = [600]
least = 1
most = 2
"""


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("load", ["results", "checkpoint"])
def test_no_pickle_is_read(tmp_path: Path, load: str) -> None:
    """An npz whose arrays are objects, in place of those that a folder of a run has: refused, and not unpickled."""
    pytest.importorskip("ionpath_mdanalysis")
    pytest.importorskip("ionpath_ase")
    from ionpath_ase.md.state import load_checkpoint
    from ionpath_mdanalysis import IonDiffusion

    path, fuse = tmp_path / "a.checkpoint.npz", tmp_path / "fuse"
    names = ("__json__", "header", "version", "identity", "positions")
    np.savez(path, **{name: np.array([Bomb(fuse)], dtype=object) for name in names})
    with np.load(path, allow_pickle=True) as packed:
        _ = packed["header"]
    assert fuse.exists()  # it is a bomb
    fuse.unlink()
    with pytest.raises(InputError, match="need .*, got"):
        {"results": IonDiffusion.load, "checkpoint": load_checkpoint}[load](path)
    assert not fuse.exists()


def test_nothing_in_the_tree_unpickles_files() -> None:
    """`pickle` is for what a process tells its own child, NumPy is never told to unpickle, no shell gets a string."""
    root = Path(__file__).resolve().parents[2]
    own = {"plugins/plumed_cv/ionpath_plumed/walkers.py", "plugins/ase_calc/ionpath_ase/bands.py"}
    found = set()
    for top in ("core", "plugins"):
        for path in (root / top).rglob("*.py"):
            text, name = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
            for word in (
                "allow_pickle=True",
                "shell=True",
                "os.system(",
                "extractall(",
                "torch.load(",
                "joblib",
                "yaml.load(",
            ):
                assert word not in text, f"{name}: {word}"
            found |= {name} if "import pickle" in text else set()
    assert found == own


def test_cells_of_all_tables_are_no_formulas(tmp_path: Path) -> None:
    training = pytest.importorskip("ionpath_ase.training")
    from ionpath_ase.training.loop_report import ExplorationRow, IterationReport, write_report

    training.write_table([training.Errors(FORMULA, 1, 1, 1, 1, 1, 1, 1, 1)], tmp_path / "errors.csv")
    assert (tmp_path / "errors.csv").read_text().splitlines()[1].startswith("\"'=HYPERLINK")
    row = ExplorationRow(0, FORMULA, 300.0, 1, 1, 0, 0, *([0] * (len(ExplorationRow.__dataclass_fields__) - 7)))
    report = IterationReport(0, (row,), 1, (), 0, 0)
    write_report(report, [report], tmp_path)
    assert "\"'=HYPERLINK" in (tmp_path / "report.csv").read_text()


@pytest.mark.parametrize("option", ["--name", "--partition", "--account", "--memory"])
def test_words_of_slurm_are_words(option: str) -> None:
    """A newline would be a line of the script, and what stands behind a space is not seen by sbatch."""
    from ionpath_cli.slurm import main

    for word in ("a\nrm -rf ~", "my run", "a;b", "$(b)"):
        with pytest.raises(InputError, match=rf"{option}: need one word of letters, digits and signs"):
            main(["--time", "1:00:00", option, word, "--", "md", "start.extxyz", "--temperature", "600"])


def test_quotes_and_newlines_of_a_command_stay_in_it(tmp_path: Path) -> None:
    import shlex

    from ionpath_cli.slurm import main

    name = "it's $(touch owned); `b`\n#SBATCH --x.extxyz"
    main(["-o", str(tmp_path / "job.sh"), "--time", "1:00:00", "--", "md", name, "--temperature", "600"])
    text = (tmp_path / "job.sh").read_text()
    line = text[text.index("ionpath md") : text.index(" &\nchild")]
    assert shlex.split(line) == ["ionpath", "md", name, "--temperature", "600"]


@pytest.mark.parametrize(
    ("system", "runs"), [('"../../elsewhere"', "md"), ("II", "../md"), ('"a/b"', "md"), ("II", "..")]
)
def test_names_of_a_study_lead_nowhere(tmp_path: Path, system: str, runs: str) -> None:
    from ionpath_cli.study.definition import load_study

    path = tmp_path / "mine.toml"
    path.write_text(STUDY.format(system=system, runs=runs))
    with pytest.raises(InputError, match="need a name that can be part of a file's, got '.*; leave out slashes"):
        load_study(str(path))
    path.write_text(STUDY.format(system="II", runs="md"))
    assert load_study(str(path)).runs[0].name == "md"


def test_starts_of_a_loop_lead_nowhere(tmp_path: Path) -> None:
    training = pytest.importorskip("ionpath_ase.training")
    from ase.calculators.emt import EMT

    frames = rows.labelled()
    for name in ("..", "../a", "/a", "a\n"):
        with pytest.raises(InputError, match="starts: need names that can be folders, got"):
            training.learn({name: frames[0]}, frames, EMT(), tmp_path / "loop")


def test_figures_of_a_page_come_from_its_own_folder(tmp_path: Path) -> None:
    from ionpath_cli.study.output import write_markdown

    folder, secret = tmp_path / "study", tmp_path / "secret.png"
    folder.mkdir()
    secret.write_bytes(b"\x89PNG secret")
    (folder / "linked.png").symlink_to(secret)
    about = {
        "title": "t", "study": "s", "source": "d", "rows": [], "steps": {"finished": 1, "planned": 1}, "hours": 1,
        "version": "0", "models": {},
    }  # fmt: skip
    for name in ("../secret.png", str(secret), "linked.png"):
        (folder / "comparison.json").write_text(json.dumps(about | {"figures": [{"title": "a", "file": name}]}))
        with pytest.raises(InputError, match="comparison.json: need figures that lie beside it, got"):
            write_markdown(folder, tmp_path / "page.md")
    assert not list(tmp_path.glob("page-*.png"))


def test_an_archive_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from ionpath_cli.study import output

    folder, secret = tmp_path / "study", tmp_path / "secret.csv"
    place = folder / "step"
    place.mkdir(parents=True)
    secret.write_text("secret")
    (place / "linked.csv").symlink_to(secret)
    (place / "numbers.csv").write_text("1")
    for name in ("comparison.csv", "comparison.json"):
        (folder / name).write_text("{}")
    task = SimpleNamespace(name="step", picoseconds=0.0)
    plan: Any = SimpleNamespace(tasks=[task])
    for name, made in (
        ("placed", lambda tasks, folder: [(task, "k", place)]), ("done", lambda *a: True),
        ("write_comparison", lambda *a: None), ("KEPT", ("*.csv",)), ("LEFT", ()),
    ):  # fmt: skip
        monkeypatch.setattr(output, name, made)
    output.write_archive(plan, folder, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert packed.namelist() == ["comparison.csv", "comparison.json", "step/numbers.csv"]


def test_a_title_is_no_markup(tmp_path: Path) -> None:
    """Of a report, whose records may come from somebody else."""
    from ionpath.estimate import Estimate
    from ionpath_cli.record import Quantity, Record
    from ionpath_cli.report import write_report

    evil = "<script>alert(1)</script>"
    number = Estimate(1.0, 0.1, 0.8, 1.2, evil, evil)
    Record(evil, [Quantity(evil, number, evil, evil)], [], [evil], {evil: evil, "command": evil}).save(tmp_path / "a")
    page = write_report(tmp_path, title=evil, lead=evil, command=evil).read_text()
    assert "<script>alert" not in page and page.count("&lt;script&gt;alert") > 5
