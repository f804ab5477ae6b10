"""What the checkpoint of a run notes of the files beside it, by which readers see whether they are still those."""

from __future__ import annotations

import functools
import glob
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.cells import vacuum
from ionpath.errors import require, warn
from ionpath.estimate import Estimate
from ionpath.plumed_run import biases_of
from ionpath.run_log import COLUMNS, mean_of_series, read_log, warn_of_pressure

ALL = "all "
"""Beginning of a digest of all that a file held."""
SERIES = tuple(
    f"{group}/{name}"
    for group in ("particles/trajectory/position", "particles/trajectory/box/edges", "observables/potential_energy")
    for name in ("value", "step", "time")
)
"""What the frames of an H5MD file of a run are."""


def parts_of(path: Path, first: int, last: int) -> Iterator[bytes]:
    """Bytes of a file between two places, in pieces."""
    with path.open("rb") as stream:
        stream.seek(first)
        while part := stream.read(min(1 << 20, last - stream.tell())):
            yield part


def frames_of_traj(reader: Any, first: int, last: int) -> Iterator[bytes]:
    """Positions, momenta, cell and energy of each frame of ASE's trajectory of a run, which is open."""
    for index in range(first, last):
        frame = reader.backend[index]
        for one in (frame.positions, frame.momenta, frame.cell, frame.calculator.energy):
            yield np.asarray(one, dtype=np.float64).tobytes()


def frames_of_h5md(series: Sequence[Any], first: int, last: int) -> Iterator[bytes]:
    """Bytes of each frame of the `SERIES` of an open H5MD file: the same in whatever ranges they are read."""
    for begin in range(first, last, 1000):
        arrays = [one[begin : min(begin + 1000, last)] for one in series]
        for index in range(len(arrays[0])):
            yield b"".join(array[index].tobytes() for array in arrays)


def _held(path: Path, size: int, counted: bool, opened: Callable[[Path], Any] | None) -> Iterator[bytes]:
    """What a file holds up to a size, which is one of frames where they are counted."""
    if not counted:
        yield from parts_of(path, 0, size)
    elif opened is not None:
        with opened(path) as reader:
            yield from frames_of_traj(reader, 0, size)
    else:
        with require("h5py", purpose="reading H5MD files", install="pip install h5py").File(path) as file:
            yield from frames_of_h5md([file[name] for name in SERIES], 0, size)


@functools.lru_cache(maxsize=256)
def _digest_of_all(path: Path, size: int, counted: bool, written: int, opened: Callable[[Path], Any] | None) -> str:
    """Digest of the beginning of a file that was last written at a time in ns; none of one that cannot be read."""
    digest = hashlib.sha256()
    try:
        for part in _held(path, size, counted, opened):
            digest.update(part)
    except Exception:  # ASE and h5py raise all kinds
        return ""
    return ALL + digest.hexdigest()


def notes_of(file: Path, name: str | None = None) -> Iterator[tuple[str, int, str]]:
    """Checkpoints beside a file that know it, with the size and the digest that it had; `name` as below."""
    own = f"{glob.escape(file.stem)}.checkpoint.npz" if name else "*.checkpoint.npz"
    for checkpoint in sorted(file.parent.glob(own)):
        try:
            meta = _meta(checkpoint)
            size, digest = int(meta["sizes"][name or file.name]), str(meta["heads"][name or file.name])
        except Exception:  # one of an earlier version, or damaged, which the run says that goes on with it
            continue
        yield checkpoint.name, size, digest


def _meta(checkpoint: Path) -> Any:
    with np.load(checkpoint, allow_pickle=False) as data:
        return json.loads(str(data["meta"]))


def warn_of_conditions(file: Path, temperature: float | None) -> None:
    """Say that a run was biased, strained, or at another temperature in K, as its checkpoint and log beside it know."""
    checkpoint = file.with_name(f"{file.stem}.checkpoint.npz")
    try:
        run = _meta(checkpoint)["identity"]
        first, last, biases = float(run["temperature"]), run["final_temperature"], biases_of(run["PLUMED input"])
    except Exception:  # none, or one that says nothing
        return
    if biases:
        warn(
            f"the run was biased by {', '.join(biases)} ({checkpoint.name}): its frames and the times between them are "
            "not those of equilibrium; analyse a run without it, or weight frames by their bias"
        )
    if run["ensemble"] in ("nvt", "nve"):
        _warn_of_strain(file, checkpoint)
    if temperature is None or run["ensemble"] == "nve":
        return
    if last is not None:
        warn(f"temperature: need a run at {temperature:g} K, got one from {first:g} to {last:g} K ({checkpoint.name})")
    elif abs(first - temperature) > 0.01 * first:
        warn(
            f"temperature: need the {first:g} K of the run ({checkpoint.name}), got {temperature:g}: what is computed "
            f"from it is wrong; use {first:g}"
        )


def _warn_of_strain(file: Path, checkpoint: Path) -> None:
    """Say that a cell that atoms fill was kept far from zero pressure, if the log beside the trajectory says so."""
    try:
        with np.load(checkpoint, allow_pickle=False) as data:
            if vacuum(data["cell"], data["positions"]):
                return
        log = file.with_suffix(".csv")
        pressure = _mean_pressure(log, log.stat().st_size, log.stat().st_mtime_ns)
    except Exception:  # a log that was moved or damaged says nothing, and a run that goes on with it says so
        return
    warn_of_pressure(pressure, file.name)


@functools.lru_cache(maxsize=256)
def _mean_pressure(log: Path, size: int, written: int) -> Estimate:
    """That of the second half of a log that had a size when it was last written: each analysis of a run asks for it."""
    pressures = read_log(log)[:, COLUMNS.index("pressure_GPa")]
    return mean_of_series(pressures[len(pressures) // 2 :], "GPa")


def warn_of_changes(
    file: Path, name: str | None = None, frames: int | None = None, opened: Callable[[Path], Any] | None = None
) -> None:
    """Say that a file does not begin with what it held at the last checkpoint of the run beside it.

    `name` is what checkpoints call it, its own name by default; `frames` is how many it has, where they count these;
    `opened` opens an ASE trajectory.
    """
    for checkpoint, size, digest in notes_of(file, name):
        if not digest.startswith(ALL) or not file.exists():
            continue
        status = file.stat()
        have, unit = (status.st_size, "bytes") if frames is None else (frames, "frames")
        if have < size or _digest_of_all(file, size, frames is not None, status.st_mtime_ns, opened) != digest:
            got = f"{have} {unit}" if have < size else "other content"
            warn(
                f"{file.name}: need the {size} {unit} that it had at the checkpoint {checkpoint}, got {got}: "
                f"{'frames' if name else 'rows'} are missing or changed, and so are the numbers; put it back"
                + f", or move {checkpoint} away if you changed the file on purpose"
                * bool(name)
            )
