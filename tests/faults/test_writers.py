"""What writes a file writes it whole or not at all, keeps its mode and its link, and says what hinders it."""

from __future__ import annotations

import ast
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError, WriteError

sys.path.insert(0, str(Path(__file__).parent))  # a module of this folder is no test

import rows

pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).resolve().parents[2]
WRITES = {
    "write_text", "write_bytes", "savez", "savez_compressed", "save", "savetxt", "savefig", "to_csv", "write_html",
    "copyfile", "copytree", "tofile", "dump", "writestr", "write_file",
}  # fmt: skip
# Calls that are in no block of `atomic_path`, and why not.
FREE = {
    "core/ionpath/transport/volumetric_files.py:_rows": "writes to the stream of its caller, which is in one",
    "core/ionpath_cli/study/output.py:_rounded": "into memory",
    "plugins/plumed_cv/ionpath_plumed/figures.py": "what a block of `export` calls",
    "plugins/ase_calc/ionpath_ase/training/loop_report.py:_draw": "what a block of its caller calls",
    "plugins/pymatgen_ext/pymatgen/analysis/argyrodite/grids.py:_write": "what a block of `write_grid` calls",
    "plugins/plumed_cv/ionpath_plumed/checks.py": "into a folder that goes again",
    "plugins/plumed_cv/ionpath_plumed/walkers.py": "into the pipe of a walker, and the log of one",
    "plugins/ase_calc/ionpath_ase/training/fitting.py:_compress": "into a folder that goes again",
    "plugins/ase_calc/ionpath_ase/training/fitting.py:_run": "the log of a program, anew in every call",
    "plugins/ase_calc/ionpath_ase/training/labelling.py:_append": "whole frames at the end; a torn one is cut off",
    "plugins/ase_calc/ionpath_ase/md/lammps_engine.py": "into the folder of a process, which goes with it",
    "plugins/ase_calc/ionpath_ase/md/lammps_model.py": "into the folder of a process, which goes with it",
    "plugins/ase_calc/ionpath_ase/md/lammps_worker.py": "into the folder of a process, which goes with it",
    "plugins/ase_calc/ionpath_ase/md/plumed_trial.py:_elsewhere": "into a folder that goes again",
    "plugins/ase_calc/ionpath_ase/md/writers/base.py": "files that grow, and are cut back to the checkpoint",
}  # fmt: skip


# Files that are replaced without a look at what they hold, and what is looked at before.
LOOKED = {
    "core/ionpath_cli/analyze.py": "`_check_output` looks at the folder and the file before anything is read",
    "core/ionpath_cli/record.py": "`_check_output`, as above",
    "core/ionpath_cli/report.py": "`write_report` looks at both files before it writes",
    "core/ionpath_cli/options.py:write_config": "looks first, and leaves what is of something else",
    "core/ionpath_cli/slurm.py": "looks for its line in a script that is there",
    "core/ionpath_cli/intact.py": "a hidden file of its own, or into a folder that `_check_folder` looks at",
    "core/ionpath_cli/demo.py": "into the folder of a demo, which is named by its settings",
    "core/ionpath_cli/study/": "into the folder of a study, which `_check_folder` looks at",
    "plugins/ase_calc/ionpath_ase/md/driver.py": "`Outputs.check_new`",
    "plugins/ase_calc/ionpath_ase/md/state.py": "`Outputs.check_new`",
    "plugins/ase_calc/ionpath_ase/md/writers/": "`Outputs.check_new`",
    "plugins/ase_calc/ionpath_ase/barriers.py": "`_kept` looks first",
    "plugins/ase_calc/ionpath_ase/cli.py:_structures": "the content is compared",
    "plugins/ase_calc/ionpath_ase/training/concurrent.py": "into the folder of a loop, which `_check` looks at",
    "plugins/ase_calc/ionpath_ase/training/exploration.py": "into the folder of a loop",
    "plugins/ase_calc/ionpath_ase/training/loop_report.py": "into the folder of a loop",
    "plugins/ase_calc/ionpath_ase/training/fitting.py:train": "into a folder that `check_folder` looks at",
    "plugins/ase_calc/ionpath_ase/_notes.py": "into folders that those who call it look at",
    "plugins/ase_calc/ionpath_ase/training/fitting.py:_start": "as above",
    "plugins/ase_calc/ionpath_ase/training/dpgen.py": "into a new folder, or none",
    "plugins/pymatgen_ext/pymatgen/analysis/argyrodite/grids.py": "`_check_settings` looks at the folder",
    "plugins/plumed_cv/ionpath_plumed/inputs.py": "`_check_folder` looks first",
}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def writing(path: Path) -> Iterator[tuple[str, int]]:
    """Function and line of each call that writes, outside of a block of `atomic_path` or `atomic_folder`."""

    def walk(node: ast.AST, function: str, safe: bool) -> Iterator[tuple[str, int]]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function, safe = node.name, False
        if isinstance(node, ast.With):
            safe = safe or any("atomic_" in ast.unparse(item.context_expr) for item in node.items)
        if isinstance(node, ast.Call) and not safe:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            opened = name in ("open", "Trajectory") and any(set(mode) <= set("wab+x") and mode for mode in modes)
            of_numpy = name != "save" or ast.unparse(node.func) == "np.save"  # what saves itself has a block of its own
            if opened or (name in WRITES and of_numpy):
                yield function, node.lineno
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function, safe)

    yield from walk(_parsed(path), "", False)


def test_every_write_is_whole_or_not_at_all() -> None:
    lacking, used = [], set()
    for top in ("core", "plugins"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for function, line in writing(path):
                known = {name, f"{name}:{function}"} & set(FREE)
                used |= known
                if not known:
                    lacking.append(f"{name}:{line} in {function}")
    assert not lacking, "\n".join(lacking)
    assert not set(FREE) - used, f"no longer needed: {set(FREE) - used}"


def blind(path: Path) -> Iterator[tuple[str, int]]:
    """Function and line of each `atomic_path` that replaces a file without knowing whose it is."""
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.FunctionDef):
            for call in ast.walk(node):
                called = isinstance(call, ast.Call) and getattr(call.func, "id", "") == "atomic_path"
                if called and not any(word.arg == "own" for word in call.keywords):
                    yield node.name, call.lineno


def test_no_file_is_replaced_without_a_look() -> None:
    lacking, used = [], set()
    for top in ("core", "plugins"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for function, line in blind(path):
                known = {known for known in LOOKED if f"{name}:{function}".startswith(known)}
                used |= known
                if not known:
                    lacking.append(f"{name}:{line} in {function}")
    assert not lacking, "\n".join(lacking)
    assert not set(LOOKED) - used, f"no longer needed: {set(LOOKED) - used}"


def _values(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(0).random(shape)


def _opendx(path: Path) -> None:
    from ionpath.transport.volumetric_files import write_opendx

    write_opendx(path, _values((6, 6, 6)), np.diag([5.0] * 3))


def _vasp_grid(path: Path) -> None:
    from ionpath.transport.volumetric_files import write_vasp_grid

    write_vasp_grid(path, _values((6, 6, 6)), np.diag([5.0] * 3), symbols=["Li"], positions=np.zeros((1, 3)))


def _results(path: Path) -> None:
    from ionpath_mdanalysis import IonDiffusion

    IonDiffusion(rows.lithium(), temperature=600.0).run().save(path)


def _record(path: Path) -> None:
    from ionpath_cli.record import Record

    Record("x", notes=["long enough for the limit"] * 20).save(path.parent)


def _report(path: Path) -> None:
    from ionpath_cli.record import Record
    from ionpath_cli.report import write_report

    if not (path.parent / "analysis.json").exists():
        Record("x", notes=["y"]).save(path.parent)
    write_report(path.parent, title="a page")


def _config(path: Path) -> None:
    import argparse

    from ionpath_cli.options import parser, write_config

    made = parser("md", "d", "e")
    made.add_argument("--label")
    write_config(path, made, argparse.Namespace(label="long enough for the limit" * 20))


def _slurm(path: Path) -> None:
    from ionpath_cli.slurm import main

    main(["-o", str(path), "--time", "1:00:00", "--", "md", "start.extxyz", "--temperature", "600"])


def _build(path: Path) -> None:
    from ionpath_cli.build import main

    main(["-o", str(path)])


def _checkpoint(path: Path) -> None:
    from ionpath_ase.md.state import Checkpoint, Snapshot, save_checkpoint

    still = Snapshot(0, np.zeros((8, 3)), np.zeros((8, 3)), np.eye(3), 0.0, 0.0, 0.0, 0.0)
    save_checkpoint(path, Checkpoint(still, {}, {}, {}, 0))


def _export(path: Path) -> None:
    from ionpath_plumed import export

    export(rows._surface(), path)


def _plumed(path: Path) -> None:
    from ionpath_plumed import metadynamics_input

    metadynamics_input(rows.argyrodite_atoms(), "inter-cage").write(path.parent)


def _errors(path: Path) -> None:
    from ionpath_ase.training import Errors, write_table

    write_table([Errors("a", 1, 1, 1, 1, 1, 1, 1, 1)] * 20, path)


def _repulsion(path: Path) -> None:
    from ionpath_ase.training import write_repulsion

    write_repulsion(path, ["Li", "S"])


def _frames(path: Path) -> None:
    from ionpath_ase.cli import train

    train(["structures", "LiCl", "-o", str(path)])


def _table(path: Path) -> None:
    from pymatgen.analysis.argyrodite import inversion_grid, write_grid

    write_grid(path.parent, inversion_grid(0.5)[:2], supercell=1)


def _band(path: Path) -> None:
    from ionpath_ase.barriers import _kept

    with _kept(path.parent, "0" * 300):
        pass


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "density as OpenDX": ("density.dx", _opendx),
    "density as VASP": ("CHGCAR", _vasp_grid),
    "saved analysis": ("diffusion.npz", _results),
    "record of an analysis": ("analysis.json", _record),
    "report": ("report.html", _report),
    "options of a command": ("md.toml", _config),
    "script for Slurm": ("job.sh", _slurm),
    "built cif": ("a.cif", _build),
    "built POSCAR": ("POSCAR", _build),
    "built extxyz": ("a.extxyz", _build),
    "built traj": ("a.traj", _build),
    "built LAMMPS data": ("a.data", _build),
    "built JSON": ("a.json", _build),
    "checkpoint": ("a.checkpoint.npz", _checkpoint),
    "surface as arrays": ("s.npz", _export),
    "surface as table": ("s.csv", _export),
    "surface as sum_hills": ("s.dat", _export),
    "input of PLUMED": ("plumed.dat", _plumed),
    "protocol": ("protocol.json", _plumed),
    "errors of a model": ("errors.csv", _errors),
    "table of repulsion": ("repulsion.tab", _repulsion),
    "structures to train on": ("starts.extxyz", _frames),
    "table of a grid": ("grid.csv", _table),
    "mark of barriers": ("bands.sha256", _band),
}


@contextmanager
def small_files(limit: int = 100) -> Iterator[None]:
    """No file may grow beyond a limit: the system refuses as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.fixture(params=WRITERS)
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    for name in ("ionpath_mdanalysis", "ionpath_ase", "ionpath_plumed", "pymatgen.analysis.argyrodite"):
        pytest.importorskip(name)
    name, write = WRITERS[request.param]
    rows.files()  # what writers read is there before files may only be small
    (tmp_path / "here").mkdir()
    return SimpleNamespace(path=tmp_path / "here" / name, write=write)


def test_mode_and_link_survive(writer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writer.write(writer.path)
    assert writer.path.stat().st_size > 100
    other = tmp_path / f"elsewhere{writer.path.suffix}"
    shutil.move(writer.path, other)
    other.chmod(0o640)
    writer.path.symlink_to(other)
    writer.write(writer.path)
    assert writer.path.is_symlink() and other.stat().st_mode & 0o777 == 0o640 and other.stat().st_size > 100


def test_a_full_disk_leaves_what_was_there(writer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with small_files(), pytest.raises(WriteError, match="need room for it, got File too large; make room and repeat"):
        writer.write(writer.path)
    left = {p.name for p in writer.path.parent.iterdir()}
    assert writer.path.name not in left or writer.path.name == "analysis.json"
    assert not [name for name in left if name.startswith(".")]
    writer.write(writer.path)
    assert writer.path.stat().st_size > 100


def test_a_folder_that_refuses_is_a_sentence(writer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(
        (WriteError, InputError), match="need (a folder that can be written to|an existing folder), got"
    ):
        writer.write(tmp_path / "file" / writer.path.name)


def test_frames_for_deepmd_are_all_there_or_none(tmp_path: Path) -> None:
    training = pytest.importorskip("ionpath_ase.training")
    pytest.importorskip("dpdata")
    with small_files(400), pytest.raises(WriteError, match="data: need room for it, got"):
        training.write_deepmd(rows.labelled(), tmp_path / "data")
    assert not list(tmp_path.iterdir())
    assert [path.name for path in training.write_deepmd(rows.labelled(), tmp_path / "data")] == ["Li24P4S20Cl4Si0"]


def test_files_of_something_else_stay(writer: Any, request: pytest.FixtureRequest) -> None:
    """All writers leave a file of something else as it is, say so, and replace what they wrote themselves."""
    writer.path.write_text("mine\n")
    what = request.node.callspec.params["writer"]
    if what in ("record of an analysis", "checkpoint"):  # their callers look first: `ionpath analyze`, and `run_md`
        return
    if what == "options of a command":  # stays, and the command goes on: its work is done
        writer.write(writer.path)
    else:
        with pytest.raises(InputError, match=r": need .*(new|others?|bands|a place|grid|what was written).*; \w+"):
            writer.write(writer.path)
    assert writer.path.read_text() == "mine\n"
    writer.path.unlink()
    writer.write(writer.path)
    writer.write(writer.path)


def test_a_folder_of_something_else_is_no_training_and_no_loop(tmp_path: Path) -> None:
    training = pytest.importorskip("ionpath_ase.training")
    for name, call in (("model.pb", training.fit), ("dataset.extxyz", _learn)):
        place = tmp_path / name.partition(".")[0]
        place.mkdir()
        (place / name).write_text("mine")
        with pytest.raises(InputError, match=rf"folder {place.name}: need a new folder, .*got {name} of something"):
            call(rows.labelled() * 10, place)
        assert (place / name).read_text() == "mine" and len(list(place.iterdir())) == 1


def _learn(frames: Any, place: Path) -> None:
    from ase.calculators.emt import EMT

    from ionpath_ase.training import learn

    learn({"start": frames[0]}, frames, EMT(), place)


FULL = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from ase.build import bulk
from ase.calculators.emt import EMT
from ionpath.errors import IonpathError
from ionpath_ase import run_md

def go(path, ps):
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT()
    return run_md(atoms, engine="ase", ensemble="nve", timestep=2.0, picoseconds=ps, interval=0.004,
                  checkpoint_interval=0.02, trajectory=path, progress=False)

place, told = Path(sys.argv[1]), {}
for suffix in sys.argv[2].split(","):
    for mode, free in (("resume", 8), ("run", 60)):
        path = place / f"{mode}{suffix}"
        if mode == "resume":
            go(path, 0.04)
        disk = os.statvfs(place)
        with (place / "filler").open("wb") as filler:
            filler.write(b"0" * max(0, disk.f_bavail * disk.f_frsize - free * 1024))
        try:
            go(path, 4.0)
            told[path.name] = "no error"
        except IonpathError as error:
            told[path.name] = str(error)
        (place / "filler").unlink()
        result = go(path, 0.4 if mode == "resume" else 0.8)
        told[path.name] += f" | {result.frames}"
        for file in place.iterdir():
            file.unlink()
print(json.dumps(told))
"""


def _own_disks() -> bool:
    """Whether a small disk can be had: as in a container of one's own."""
    if shutil.which("unshare") is None:
        return False
    words = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux") or not _own_disks(), reason="no small disk can be mounted")
def test_a_run_on_a_disk_that_fills_up_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """A disk of 2 MB, which is full when a run goes on, or fills up under it: a sentence, and the same call goes on."""
    pytest.importorskip("ionpath_ase")
    pytest.importorskip("h5py")
    (tmp_path / "disk").mkdir()
    command = f'mount -t tmpfs -o size=2m tmpfs "{tmp_path}/disk" && exec "{sys.executable}" - "{tmp_path}/disk" '
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command + ".extxyz,.xtc,.dcd,.traj,.h5md"],
        input=FULL, capture_output=True, text=True, check=False, env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr[-800:])
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told) == 10
    for name, text in told.items():
        error, _, frames = text.partition(" | ")
        assert "make room" in error and "cannot write" in error, (name, text)
        assert int(frames) == (101 if name.startswith("resume") else 201), (name, text)
