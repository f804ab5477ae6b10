"""Labelled frames: read them, set a test part aside, and write them where deepmd-kit reads them."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read

from ionpath.arguments import typed
from ionpath.errors import InputError, require
from ionpath.files import atomic_folder
from ionpath_ase.training.labels import read_extxyz, with_labels

TYPE_MAP = ("Li", "P", "S", "Cl", "Si")
"""Elements of the shipped potential, in the order of its types."""


@typed
def read_frames(*paths: str | os.PathLike[str], format: str | None = None) -> list[Atoms]:
    """Read labelled frames from files that ASE or dpdata reads.

    Parameters
    ----------
    *paths : str or path
        Files with frames that carry energies (eV), forces (eV/A) and stresses (eV/A^3), or folders of deepmd-kit data.
    format : str, optional
        A format of dpdata with a slash in its name, such as ``vasp/outcar``, ``vasp/xml``, ``cp2k/output`` or
        ``cp2k/aimd_output``, or one of ASE. Without it folders with a ``type.raw`` (``deepmd/npy``) are found, and ASE
        tells the kind of all else.

    Returns
    -------
    list of ase.Atoms
        All frames in file order, with their labels in ``atoms.calc.results``. What dpdata reads gets the name of its
        file or folder as ``info["tag"]``.

    Raises
    ------
    InputError
        If a frame carries no energy or no forces, labels contradict each other, or a file is damaged or of another
        kind; the message names file, frame and line.

    Notes
    -----
    Labels under other names are taken too: ``virial`` (eV), which becomes the stress -virial / V, ``force``, and names
    that begin with ``REF_``, ``DFT_`` or ``QM_``.
    """
    found = []
    for path in map(Path, paths):
        frames = _read(path, format)
        if not frames:
            raise InputError(path.name, need="labelled frames", got="none", remedy="check the file and its path")
        found += [with_labels(atoms, f"frame {number} of {path.name}") for number, atoms in enumerate(frames)]
    return found


def _read(path: Path, kind: str | None) -> list[Atoms]:
    """Frames of one file or folder."""
    if kind is None and (path / "type.raw").exists():
        kind = "deepmd/npy"
    if kind is None or "/" not in kind:
        if re.search(r"\.(ext)?xyz(\.gz)?$", path.name) and kind in (None, "extxyz"):
            return read_extxyz(path)
        try:
            found: list[Atoms] = read(path, ":", format=kind)
        except FileNotFoundError:
            raise
        except Exception as error:  # each of its readers fails in its own way
            got = f"{type(error).__name__}: {str(error)[:150]}"
            raise InputError(path.name, need="a file that ASE reads", got=got) from error
        return found
    dpdata = require("dpdata", purpose=f"reading {kind}", install='pip install "ionpath[ase]"')
    try:
        frames: list[Atoms] = dpdata.LabeledSystem(str(path), fmt=kind).to("ase/structure")
    except Exception as error:  # each of its readers fails in its own way
        raise InputError(path.name, need=f"a file or folder of the kind {kind}", got=str(error)[:200]) from error
    for atoms in frames:
        atoms.info["tag"] = path.name
    return frames


@typed
def split_by_tag(tags: Sequence[str], *, fraction: float = 0.1, seed: int = 0) -> np.ndarray:
    """Choose test frames: of each tag one block of neighbouring frames, at a random place.

    Parameters
    ----------
    tags : sequence of str, length n_frames
        What each frame is a sample of, such as system and temperature. Frames of one tag are taken as a time series
        in the order given.
    fraction : float, default 0.1
        Share of each tag that is set aside, rounded to the nearest number of frames but at least one, between 0 and 1.
    seed : int, default 0
        Seed of the places of the blocks.

    Returns
    -------
    numpy.ndarray of bool, shape (n_frames,)
        True where the frame belongs to the test part.

    Raises
    ------
    InputError
        If `fraction` is not between 0 and 1, or a tag has a single frame, which cannot be split.

    Notes
    -----
    Successive frames of molecular dynamics resemble each other. A block has two neighbours in the training part,
    where scattered frames would each have two.

    Examples
    --------
    >>> split_by_tag(["a"] * 5 + ["b"] * 5, fraction=0.2).sum()
    np.int64(2)
    """
    if not 0.0 < fraction < 1.0:
        raise InputError("fraction", need="a number between 0 and 1", got=str(fraction))
    rng = np.random.default_rng(seed)
    labels = np.asarray(tags, dtype=str)
    chosen = np.zeros(len(labels), dtype=bool)
    for tag in sorted(set(labels.tolist())):
        members = np.flatnonzero(labels == tag)
        if len(members) < 2:
            remedy = "give it a tag that others share"
            raise InputError(f"tag {tag!r}", need="at least 2 frames", got="1", remedy=remedy)
        size = min(max(1, round(fraction * len(members))), len(members) - 1)
        start = int(rng.integers(0, len(members) - size + 1))
        chosen[members[start : start + size]] = True
    return chosen


@typed
def write_deepmd(
    frames: Sequence[Atoms], folder: str | os.PathLike[str], *, type_map: Sequence[str] = TYPE_MAP
) -> list[Path]:
    """Write frames as deepmd-kit data, one system per chemical formula.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Labelled frames (energies in eV, forces in eV/A, stresses in eV/A^3).
    folder : str or path
        Where the systems go; it must be empty or missing.
    type_map : sequence of str, optional
        Elements in the order of the model's types.

    Returns
    -------
    list of pathlib.Path
        Folders of the systems.

    Raises
    ------
    InputError
        If the folder is in use, there are no frames, or an element is not in `type_map`.
    """
    target = Path(folder)
    if target.exists() and any(target.iterdir()):
        remedy = "remove it or take another"
        raise InputError(f"folder {target.name}", need="an empty folder", got="files", remedy=remedy)
    if not frames:
        raise InputError("frames", need="at least one labelled frame", got="none")
    unknown = sorted({s for a in frames for s in a.get_chemical_symbols()} - set(type_map))
    if unknown:
        raise InputError("type_map", need=f"the elements {', '.join(unknown)}", got=", ".join(type_map))
    stressed: dict[str, bool] = {}
    for number, atoms in enumerate(frames):
        formula, has = atoms.get_chemical_formula(), "stress" in getattr(atoms.calc, "results", {})
        if stressed.setdefault(formula, has) != has:
            need = f"a stress in all frames of {formula} or in none"
            raise InputError(f"frame {number}", need=need, got="both", remedy="label all of them with one teacher")
    dpdata = require("dpdata", purpose="writing deepmd-kit data", install='pip install "ionpath[ase]"')
    systems = dpdata.MultiSystems(type_map=list(type_map))
    for atoms in frames:
        systems.append(dpdata.LabeledSystem(atoms, fmt="ase/structure"))
    with atomic_folder(target) as part:
        systems.to("deepmd/npy", str(part))
        for file in part.rglob("*.npy"):  # NumPy says nothing where the disk has no room for the last of an array
            try:
                np.load(file)
            except (EOFError, ValueError) as error:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
    return sorted(path for path in target.iterdir() if path.is_dir())
