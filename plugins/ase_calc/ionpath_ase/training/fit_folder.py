"""What a training was begun with: its folder belongs to those frames, settings and that first model."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ionpath.errors import InputError
from ionpath.files import read_text, sha256_of
from ionpath_ase._notes import read_note, write_note
from ionpath_ase.training.labelling import frame_digest

_LAST = tuple(f"model.ckpt.{kind}" for kind in ("index", "meta", "data-00000-of-00001"))
"""Links of deepmd-kit to the files of the last model."""


def check_folder(target: Path) -> None:
    """Refuse a folder with files of the names of a training that none was begun in."""
    names = ("model.pb", "frozen.pb", "input.json", "errors.csv", "checkpoint", "lcurve.out")
    foreign = [name for name in names if (target / name).exists()]
    saved, remedy = len(_saved(target)), "put it back, or take another folder"
    if not (target / "checkpoint").exists():
        # A single one without a frozen model is that of a kill while it was written.
        if saved > 1 or (saved and (target / "frozen.pb").exists()):
            need = "the file that names the last of the model.ckpt-* beside it"
            raise InputError("file checkpoint", need=need, got="none", remedy=remedy)
    elif lost := [name for name in _LAST if not (target / name).exists()]:
        need = "that of the last model, which the training goes on from"
        raise InputError(f"file {lost[0]}", need=need, got="none", remedy=remedy)
    if foreign and not (target / "data" / "frames.json").exists():
        got = f"{foreign[0]} of something else"
        remedy = "take another folder, or move it away"
        raise InputError(f"folder {target.name}", need="a new folder, or that of a training", got=got, remedy=remedy)


def check_newest(target: Path) -> None:
    """Refuse to freeze an older model: deepmd-kit takes the one that the file ``checkpoint`` names."""
    steps = _saved(target)
    text = (target / "checkpoint").read_text(errors="replace") if (target / "checkpoint").exists() else ""
    first = text.partition("\n")[0]
    need = f'model_checkpoint_path: "model.ckpt-{max(steps, default=0)}"'
    if steps and first != need:
        remedy = f"write this into its first line, or put model.ckpt-{max(steps)} back"
        raise InputError("file checkpoint, line 1", need=need, got=first[:80] or "nothing", remedy=remedy)


def _saved(target: Path) -> list[int]:
    """Steps of which there is a checkpoint."""
    return [int(number) for p in target.glob("model.ckpt-*.index") if (number := p.stem.rpartition("-")[2]).isdigit()]


def same_frames(
    path: Path, parts: Mapping[str, Sequence[Atoms]], initial: str | os.PathLike[str] | None = None
) -> None:
    """Refuse to go on with other frames, or from another model, than a training was begun with."""
    found = {}
    for name, frames in parts.items():
        digest = hashlib.sha256()
        for atoms in frames:
            digest.update(frame_digest(atoms).encode())
            digest.update(np.round(atoms.get_forces(), 5).tobytes())
        found[name] = f"{len(frames)} frames, {digest.hexdigest()}"
    known = read_note(path, *parts, again="put it back, or use another folder") if path.exists() else found
    other = [name for name in found if known.get(name) != found[name]]
    if other:
        need = f"the {known[other[0]].split(',')[0]} that the folder began with"
        got = f"{found[other[0]].split(',')[0]}, not the same"
        raise InputError(f"frames for {other[0]}", need=need, got=got, remedy="use another folder")
    energies = " ".join(f"{atoms.get_potential_energy():.4f}" for frames in parts.values() for atoms in frames)
    found["energies"] = hashlib.sha256(energies.encode()).hexdigest()
    if known.get("energies", found["energies"]) != found["energies"]:  # earlier versions noted none
        remedy = "use another folder"
        raise InputError("frames", need="the energies that the folder began with", got="others", remedy=remedy)
    found["initial"] = _model_digest(initial)
    if known.get("initial", found["initial"]) != found["initial"]:  # earlier versions noted none
        remedy = "use another folder"
        raise InputError("initial", need="the model that the folder began with", got=str(initial), remedy=remedy)
    write_note(path, found)


def _model_digest(initial: str | os.PathLike[str] | None) -> str:
    """Digest of a model file, or of the files of a checkpoint."""
    if initial is None:
        return "none"
    start = Path(initial)
    files = [start] if start.is_file() else sorted(start.parent.glob(f"{start.name}.*"))
    return sha256_of(*files)


def same_settings(path: Path, made: dict[str, Any]) -> None:
    """Refuse to go on with other settings, the number of steps and what follows from it aside."""
    if not path.exists():
        return
    try:
        pairs = [_fixed(made), _fixed(json.loads(read_text(path, path.name, "settings")))]
    except (ValueError, AttributeError, RecursionError) as error:
        need, got = "the settings that the folder began with", str(error)[:100]
        remedy = "put it back, or use another folder"
        raise InputError(f"file {path.name}", need=need, got=got, remedy=remedy) from error
    other = sorted(name for name in pairs[0].keys() | pairs[1].keys() if pairs[0].get(name) != pairs[1].get(name))
    if other:
        got = "another " + ", ".join(other[:4])
        raise InputError("settings", need="those that the folder began with", got=got, remedy="use another folder")


def _fixed(made: dict[str, Any]) -> dict[str, Any]:
    """Entries of an input by their path, without those that follow from the number of steps."""
    free = ("numb_steps", "decay_steps", "disp_freq", "save_freq")
    found: dict[str, Any] = {}
    for section, entries in json.loads(json.dumps(made)).items():
        for name, value in entries.items():
            if name not in free:
                found[f"{section}.{name}"] = value
    return found
