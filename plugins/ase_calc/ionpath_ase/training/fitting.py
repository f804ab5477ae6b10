"""Train, freeze and compress a Deep Potential with deepmd-kit's own program."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from tqdm import tqdm

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, IonpathError, MissingDependency, warn
from ionpath.files import atomic_path, locked, nothing, read_text
from ionpath.msonable import Msonable
from ionpath_ase._model import INSTALL
from ionpath_ase._notes import read_note, write_note
from ionpath_ase.calculator import IonPath
from ionpath_ase.md.lammps_engine import environment
from ionpath_ase.md.programs import program
from ionpath_ase.training.dataset import TYPE_MAP, split_by_tag, write_deepmd
from ionpath_ase.training.evaluation import Errors, evaluate, write_table
from ionpath_ase.training.fit_folder import check_folder, check_newest, same_frames, same_settings
from ionpath_ase.training.presets import dp_input
from ionpath_ase.training.repulsion import TABLE, write_repulsion
from ionpath_ase.training.simplify import read_graph, simplified

COMPRESSION_STEP = 0.1
"""Step of the compression table. Forces of the shipped potential change by 3e-4 eV/A on average, 5e-3 at most, a
hundredth of their error; with 0.12 it was 1e-3 and 7e-3 in an earlier one."""
EXTRAPOLATE = 2
"""How far the table goes beyond the shortest distance of the training set, in the inverse of the distance: for the
shipped potential from 1.16 to about 0.6 A."""


@documented
@dataclass(frozen=True)
class TrainedModel(Msonable):
    """A potential and how good it is."""

    path: Path  # compressed model
    frozen: Path  # model before compression
    training_frames: int  # frames that it was trained on
    errors: tuple[Errors, ...]  # errors on the frames set aside, by tag, the last row for all
    table: Path  # the same as CSV


@typed
def fit(
    frames: Sequence[Atoms],
    folder: str | os.PathLike[str],
    *,
    preset: str = "shipped",
    steps: int | None = None,
    seed: int = 1,
    elements: Sequence[str] = TYPE_MAP,
    test: Sequence[Atoms] | None = None,
    test_fraction: float = 0.1,
    split_seed: int = 20261121,
    initial: str | os.PathLike[str] | None = None,
    weights: Mapping[str, float] | None = None,
    overrides: dict[str, Any] | None = None,
    progress: bool = True,
) -> TrainedModel:
    """Train a Deep Potential on labelled frames, and judge it on frames set aside.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Labelled frames; ``info["tag"]`` groups them for the split.
    folder : str or path
        Where everything goes. A stopped call goes on from deepmd-kit's last checkpoint.
    preset, steps, seed, elements : optional
        As in `dp_input`.
    test : sequence of ase.Atoms, optional
        Labelled frames to judge the model by. With them `frames` are all trained on, and the next two have no effect.
    test_fraction : float, default 0.1
        Share of each tag that is set aside before training.
    split_seed : int, optional
        Seed of the split. Keep it for a fair comparison of models.
    initial : str or path, optional
        Where to start from: a checkpoint of deepmd-kit (``model.ckpt``) or a frozen model that is not compressed
        (``frozen.pb``, also ``.pb.gz``), of the same descriptors.
    weights : mapping of str to float, optional
        How much more often frames are drawn, by pattern of their tag, such as ``{"*LSPSCl*": 2}``; the first pattern
        that fits counts, and frames that none fits count once. For what is described less well than the rest.
    overrides : dict, optional
        As in `dp_input`.
    progress : bool, default True
        Show a bar with the force error.

    Returns
    -------
    TrainedModel
        Files and errors.

    Raises
    ------
    InputError
        If frames or settings cannot be used, are not those that the folder was begun with, or another training goes
        on in it.
    IonpathError
        If deepmd-kit stops; the message has its last words.
    MissingDependency
        If deepmd-kit is not installed.
    """
    target = Path(folder)
    rest, test = _split(frames, test, test_fraction, split_seed)
    settings: dict[str, Any] = {
        "preset": preset, "steps": steps, "seed": seed, "elements": elements, "overrides": overrides,
    }  # fmt: skip
    check_folder(target)
    with locked(target / ".lock", f"training in {target.name}"):
        train(target, rest, test, settings, initial=initial, weights=weights, progress=progress)
        check_newest(target)
        frozen, compressed = target / "frozen.pb", target / "model.pb"
        _dp(["freeze", "-c", ".", "-o", frozen.name], target)
        _compress(frozen, compressed, COMPRESSION_STEP, True, own=lambda there: True)
    errors = tuple(evaluate(test, IonPath(compressed)))
    return TrainedModel(compressed, frozen, len(rest), errors, write_table(errors, target / "errors.csv"))


def train(
    target: Path,
    frames: Sequence[Atoms],
    test: Sequence[Atoms],
    settings: dict[str, Any],
    *,
    initial: str | os.PathLike[str] | None = None,
    weights: Mapping[str, float] | None = None,
    progress: bool = True,
) -> None:
    """Write data and input of a training, and run it to its end; settings are those of `dp_input`."""
    elements = settings.get("elements", TYPE_MAP)
    parts = {"training": frames, "validation": test}
    same_frames(target / "data" / "frames.json", parts, initial)
    paths = {name: _written(part, target / "data" / name, elements) for name, part in parts.items()}
    systems: dict[str, Any] = {name: [os.path.relpath(p, target) for p in found] for name, found in paths.items()}
    made = dp_input(**settings, **systems)
    if weights:
        made["training"]["training_data"] |= _drawn(frames, paths["training"], weights, elements)
    same_settings(target / "input.json", made)
    if "use_srtab" in made["model"]:
        write_repulsion(target / made["model"]["use_srtab"], elements)
    with atomic_path(target / "input.json") as part_file:
        part_file.write_text(json.dumps(made, indent=1))
    _train(target, made["training"]["numb_steps"], _start(target, initial), progress)


def _written(frames: Sequence[Atoms], place: Path, elements: Sequence[str]) -> list[Path]:
    """Folders of the deepmd-kit systems, complete once they have their name; damaged ones are written anew."""
    note = place.with_name(f"{place.name}.json")
    if place.exists() and note.exists():
        try:
            read_note(note, again="")
        except InputError as error:
            warn(f"{error.name} is not what was written there: it is written again")
            note.unlink()
            shutil.rmtree(place)
    if not place.exists():
        part = place.with_name(f".{place.name}")
        shutil.rmtree(part, ignore_errors=True)
        write_deepmd(frames, part, type_map=elements)
        part.rename(place)
        write_note(note, {}, (path for path in place.rglob("*") if path.is_file()))
    return sorted(path for path in place.iterdir() if path.is_dir())


def frame_weights(frames: Sequence[Atoms], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """How often each frame is drawn."""
    tags = [str(atoms.info.get("tag", "")) for atoms in frames]
    unused = [p for p in weights if not any(fnmatch(tag, p) for tag in tags)]
    if unused or min(weights.values(), default=0.0) < 0:
        got = f"{', '.join(unused)}, which fits none" if unused else f"{min(weights.values()):g}"
        raise InputError("weights", need="patterns that fit a tag, and factors from 0 up", got=got)
    return np.array([next((w for p, w in weights.items() if fnmatch(tag, p)), 1.0) for tag in tags])


def weight_from_text(text: str) -> tuple[str, float]:
    """Pattern and factor of ``PATTERN=FACTOR``, as a command line has it."""
    pattern, _, factor = text.rpartition("=")
    try:
        return pattern, float(factor)
    except ValueError:
        raise InputError("--weight", need="PATTERN=FACTOR, such as '*LSPSCl*=2'", got=repr(text)) from None


def _drawn(
    frames: Sequence[Atoms], systems: Sequence[Path], weights: Mapping[str, float], elements: Sequence[str]
) -> dict[str, Any]:
    """Chance of each system (one per chemical formula) to be drawn: the sum of the weights of its frames."""
    share = dict.fromkeys((path.name for path in systems), 0.0)
    for atoms, weight in zip(frames, frame_weights(frames, weights), strict=True):
        symbols = atoms.get_chemical_symbols()
        share["".join(f"{element}{symbols.count(element)}" for element in elements)] += float(weight)
    total = sum(share.values())
    return {"sys_probs": [share[path.name] / total for path in systems]}


def _split(
    frames: Sequence[Atoms], test: Sequence[Atoms] | None, fraction: float, seed: int
) -> tuple[list[Atoms], list[Atoms]]:
    """Frames to train on, and frames to judge by."""
    if test is not None:
        return list(frames), list(test)
    aside = split_by_tag([str(a.info.get("tag", "untagged")) for a in frames], fraction=fraction, seed=seed)
    return (
        [atoms for atoms, chosen in zip(frames, aside, strict=True) if not chosen],
        [atoms for atoms, chosen in zip(frames, aside, strict=True) if chosen],
    )


@typed
def compress(
    frozen: str | os.PathLike[str], target: str | os.PathLike[str], *, step: float = COMPRESSION_STEP, thin: bool = True
) -> Path:
    """Compress a frozen model: the embedding nets become tables, which is several times faster, and the graph simple.

    Parameters
    ----------
    frozen, target : str or path
        Frozen TensorFlow model, and the compressed one.
    step : float, default 0.1
        Step of the table.
    thin : bool, default True
        Simplify the graph (`simplify_graph`); if not, it stays as deepmd-kit wrote it.

    Returns
    -------
    pathlib.Path
        The compressed model.

    Raises
    ------
    InputError
        If it is no frozen TensorFlow model.
    IonpathError
        If deepmd-kit cannot compress it, or another model is there under the name of the target.

    Notes
    -----
    Lu et al., J. Chem. Theory Comput. 18, 5559 (2022), doi:10.1021/acs.jctc.2c00102.
    """
    return _compress(frozen, target, step, thin, own=nothing)


def _compress(
    frozen: str | os.PathLike[str], target: str | os.PathLike[str], step: float, thin: bool, *,
    own: Callable[[Path], bool],
) -> Path:  # fmt: skip
    source, made = Path(frozen).resolve(), Path(target).resolve()
    read_graph(source)  # which says at once, and in a sentence, what deepmd-kit dies over
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copyfile(source, Path(scratch) / "frozen.pb")  # deepmd-kit writes the name into the model
        if (table := source.with_name(TABLE)).exists():  # deepmd-kit reads it again
            shutil.copyfile(table, Path(scratch) / TABLE)
        words = ["compress", "-i", "frozen.pb", "-o", "compressed.pb", "-s", str(step), "-e", str(EXTRAPOLATE)]
        _dp(words, Path(scratch))
        if thin:
            return simplified(Path(scratch) / "compressed.pb", made, own)
        with atomic_path(made, own=own) as part:
            part.write_bytes((Path(scratch) / "compressed.pb").read_bytes())
    return made


@typed
def learning_curve(folder: str | os.PathLike[str]) -> np.ndarray:
    """Read the learning curve of a training run.

    Parameters
    ----------
    folder : str or path
        Folder of the run.

    Returns
    -------
    numpy.ndarray
        Structured array with deepmd-kit's columns: step, rmse_val, rmse_trn, rmse_f_val (eV/A) and others. Steps that
        were made twice, because the training was stopped after its last checkpoint, are there once.

    Raises
    ------
    InputError
        If there is no such file, or a line of it is damaged.
    """
    path = Path(folder) / "lcurve.out"
    lines = read_text(path, f"file {path.name}", "the learning curve of a training", "train first").splitlines()
    names = next((line.split()[1:] for line in lines if line.split()[:2] == ["#", "step"]), [])
    if not names:
        got = repr(lines[0][:60]) if lines else "an empty file"
        remedy = "wait for its first step, or put the file back"
        raise InputError(f"file {path.name}", need="a line '# step ...'", got=got, remedy=remedy)
    rows: list[tuple[float, ...]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            row = tuple(map(float, line.split()))
        except ValueError:
            row = ()
        if number == len(lines) and len(row) < len(names):
            break  # it is being written
        if len(row) != len(names) or not row[0] >= 0:
            need = f"{len(names)} numbers below a line '# step ...'"
            remedy = "mend or delete the line"
            raise InputError(f"file {path.name}, line {number}", need=need, got=line[:60], remedy=remedy)
        while rows and rows[-1][0] >= row[0]:  # of a part that was lost when the training was stopped
            rows.pop()
        rows.append(row)
    return np.array(rows, dtype=[(name, float) for name in names])


def _start(folder: Path, initial: str | os.PathLike[str] | None) -> list[str]:
    """Words that tell ``dp train`` where to begin."""
    if (folder / "checkpoint").exists():
        return ["--restart", "model.ckpt"]
    if initial is None:
        return []
    if Path(initial).suffix == ".gz":
        unpacked = folder / Path(initial).stem
        with gzip.open(initial, "rb") as packed, atomic_path(unpacked) as part:
            part.write_bytes(packed.read())
        initial = unpacked
    if Path(initial).suffix == ".pb":
        return ["--init-frz-model", str(Path(initial).resolve())]
    return ["--init-model", str(Path(initial).resolve())]


_GUARDED = (
    'exec 3<&0; "$@" 3<&- & child=$!; { cat <&3 > /dev/null; kill -KILL 0; } & keeper=$!; '
    "exec 3<&-; wait $child; code=$?; kill $keeper; exit $code"
)
"""A shell that runs a program, and ends its whole group as soon as the pipe to this process closes: also where this
process is killed and can end nothing itself."""


def _run(words: Sequence[str], folder: Path, log: Path, watch: Callable[[], None] = lambda: None) -> None:
    """Run deepmd-kit's program to its end, and call `watch` from time to time."""
    dp = program("dp")
    if dp is None:
        raise MissingDependency("dp", purpose="training a Deep Potential", install=INSTALL)
    with log.open("w") as stream:
        process = subprocess.Popen(
            ["sh", "-c", _GUARDED, "sh", dp, *words],
            cwd=folder, stdin=subprocess.PIPE, stdout=stream, stderr=stream, env=environment(1),
            start_new_session=True,
        )  # fmt: skip
        try:
            while process.poll() is None:
                time.sleep(0.2)
                watch()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
    if process.returncode:
        raise IonpathError(f"dp {words[0]} stopped: {_last_words(log.read_text(errors='replace'))}")


def _train(folder: Path, steps: int, start: Sequence[str], progress: bool) -> None:
    """Run ``dp train`` and show how far it is."""
    log = folder / "train.log"
    with tqdm(total=steps, unit="step", desc="training", disable=not progress) as bar:

        def watch() -> None:
            text = log.read_text(errors="replace")
            found = re.findall(r"Batch\s+(\d+): trn:.*?rmse_f = ([\d.e+-]+)", text)
            if found:
                bar.n = int(found[-1][0])
                bar.set_postfix_str(f"force rmse {float(found[-1][1]):.3f} eV/A")

        _run(["train", "input.json", *start], folder, log, watch)


def _dp(words: Sequence[str], folder: Path) -> None:
    _run(words, folder, folder / f"{words[0]}.log")


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "implib-gen" not in line]
    named = [line for line in lines if re.match(r"[\w.]+Error: (?!Graph execution error)", line)]
    return " | ".join(named[-1:] or lines[-2:])[:500]
