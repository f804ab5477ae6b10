"""Label frames with a calculator: resumable, without duplicates, and with reasons for what is refused."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties, get_calculator_class
from ase.calculators.mixing import SumCalculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from tqdm import tqdm

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, require
from ionpath.files import locked
from ionpath.msonable import Msonable
from ionpath_ase._geometry import check_calculator, closest_pair, model_cell
from ionpath_ase.calculator import IonPath
from ionpath_ase.training.labels import blocks, frame_of, with_labels

_SAME_TEACHER = 1e-3  # eV per atom: above what machines and precisions differ by, below what teachers do
TEACHER_INSTALL = "pip install torch --index-url https://download.pytorch.org/whl/cpu && pip install sevenn dftd3"


@documented
@dataclass(frozen=True)
class LabelReport(Msonable):
    """What became of the frames."""

    path: Path  # file with the labelled frames
    labelled: int  # frames labelled in this call
    kept: int  # frames that an earlier call had labelled
    duplicates: int  # frames that were there twice
    refused: tuple[tuple[int, str], ...]  # index of each refused frame, and why


@typed
def teacher(model: str = "7net-l3i5", *, dispersion: bool = True) -> Any:
    """Make the calculator that labelled the frames of the shipped potential.

    Parameters
    ----------
    model : str, default "7net-l3i5"
        Name of a SevenNet model that the ``sevenn`` package ships.
    dispersion : bool, default True
        Add D3 dispersion with Becke-Johnson damping for PBE.

    Returns
    -------
    ase.calculators.calculator.Calculator
        Calculator with energy, forces and stress.

    Raises
    ------
    MissingDependency
        If ``sevenn`` or ``dftd3`` is not installed.

    Notes
    -----
    SevenNet: Park et al., J. Chem. Theory Comput. 20, 4857 (2024), doi:10.1021/acs.jctc.4c00190. D3(BJ): Grimme et al.,
    J. Comput. Chem. 32, 1456 (2011), doi:10.1002/jcc.21759.
    """
    seven = require("sevenn.calculator", purpose="labelling frames with SevenNet", install=TEACHER_INSTALL)
    base = seven.SevenNetCalculator(model, device="auto")
    if not dispersion:
        return base
    dispersion_of = require("dftd3.ase", purpose="labelling frames with D3 dispersion", install=TEACHER_INSTALL)
    return SumCalculator([base, dispersion_of.DFTD3(method="PBE", damping="d3bj")])


@typed
def teacher_named(name: str) -> Any:
    """Make a teacher from what a command line says.

    Parameters
    ----------
    name : str
        ``7net-...`` for a SevenNet model with D3(BJ), the same with ``/no-d3`` for one without; the name or file of a
        Deep Potential; or a calculator of ASE that needs no parameters, such as ``emt``.

    Returns
    -------
    ase.calculators.calculator.Calculator
        Calculator.

    Raises
    ------
    InputError
        If no such calculator is known.
    MissingDependency
        If ``sevenn`` or ``dftd3`` is needed and not installed.

    Examples
    --------
    >>> teacher_named("argyrodite").name, teacher_named("emt").name
    ('ionpath', 'emt')
    """
    if name.startswith("7net-"):
        return teacher(name.removesuffix("/no-d3"), dispersion=not name.endswith("/no-d3"))
    try:
        return IonPath(name)
    except InputError as error:
        if os.sep in name or "." in name:
            raise
        try:
            return get_calculator_class(name)()
        except (ImportError, AttributeError, ValueError, KeyError):
            need = "7net-l3i5 or another SevenNet model, a Deep Potential, or the name of an ASE calculator"
            raise InputError("teacher", need=need, got=repr(name)) from error


@typed
def label_frames(
    frames: Sequence[Atoms],
    calculator: Any,
    path: str | os.PathLike[str],
    *,
    max_force: float = 12.0,
    closest: float = 1.15,
    progress: bool = True,
) -> LabelReport:
    """Label frames and append them to a file.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Frames to label; ``info["tag"]`` and other numbers and words in ``info`` are kept.
    calculator : ase.calculators.calculator.Calculator
        Gives energy (eV), forces (eV/A) and stress (eV/A^3).
    path : str or path
        Extended XYZ file. Frames that it holds are not labelled again, so that a stopped call can be repeated.
    max_force, closest : float, default 12 and 1.15
        Frames with a larger force component, in eV/A, or with atoms closer than that, in A, are refused.
    progress : bool, default True
        Show a bar.

    Returns
    -------
    LabelReport
        Counts, and the reason for each refused frame.

    Raises
    ------
    InputError
        If `frames` is empty, the file holds something else, labels of another calculator, or is damaged, or another
        call is writing to it.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "copper.extxyz"
    >>> report = label_frames([bulk("Cu"), bulk("Cu"), bulk("Cu", a=3.7)], EMT(), path, progress=False)
    >>> report.labelled, report.duplicates
    (2, 1)
    """
    if not frames:
        raise InputError("frames", need="at least one frame", got="none")
    check_calculator("calculator", calculator)
    target = Path(path)
    with locked(target.with_name(f".{target.name}.lock"), f"labels {target.name}"):
        return _label(frames, calculator, target, max_force, closest, progress)


def _label(
    frames: Sequence[Atoms], calculator: Any, target: Path, max_force: float, closest: float, progress: bool
) -> LabelReport:
    """Label what the file does not hold yet."""
    there = [with_labels(a, f"frame {number} of {target.name}") for number, a in enumerate(_complete_frames(target))]
    seen = {frame_digest(atoms) for atoms in there}
    if there and any(frame_digest(atoms) not in seen for atoms in frames):
        _check_teacher(there[0], calculator, target)
    kept, labelled, duplicates = len(seen), 0, 0
    refused: list[tuple[int, str]] = []
    fresh: set[str] = set()
    for index, atoms in enumerate(tqdm(frames, desc="labels", unit="frame", disable=not progress)):
        digest = frame_digest(atoms)
        if digest in fresh:
            duplicates += 1
            continue
        fresh.add(digest)
        if digest in seen:
            continue
        reason, labels = _labels(atoms, calculator, max_force, closest)
        if reason:
            refused.append((index, reason))
            continue
        frame = atoms.copy()
        frame.arrays = {name: atoms.arrays[name].copy() for name in ("numbers", "positions")}
        frame.info = _notes(atoms)
        frame.calc = SinglePointCalculator(frame, **labels)
        _append(target, frame)
        labelled += 1
    return LabelReport(target, labelled, kept, duplicates, tuple(refused))


def _check_teacher(atoms: Atoms, calculator: Any, path: Path) -> None:
    """Refuse to add labels of another calculator than that of a frame which the file holds."""
    frame = atoms.copy()
    frame.calc = calculator
    before, now = atoms.get_potential_energy(), float(frame.get_potential_energy())
    if not abs(now - before) <= _SAME_TEACHER * len(atoms):
        need = f"the calculator that gave {before:.6g} eV for the first frame of the file"
        remedy = "write the labels of another calculator to another file"
        raise InputError(f"labels {path.name}", need=need, got=f"one that gives {now:.6g} eV", remedy=remedy)


def frame_digest(atoms: Atoms) -> str:
    """Digest by which frames are told apart: of the eight decimals that extended XYZ holds."""
    digest = hashlib.sha256(atoms.numbers.astype(np.int64).tobytes())
    for values in (atoms.positions, atoms.cell.array):
        # through the text of the file, as rounding by arithmetic differs from it where the ninth decimal is a 5
        digest.update((np.char.mod("%.8f", values).astype(float) + 0.0).tobytes())
    return digest.hexdigest()


def _labels(atoms: Atoms, calculator: Any, max_force: float, closest: float) -> tuple[str, dict[str, Any]]:
    """Reason to refuse a frame, or its labels."""
    pair = closest_pair(atoms.positions, model_cell(atoms, 1.0), closest)
    if pair is not None:
        return f"atoms {pair[0]} and {pair[1]} are {pair[2]:.2f} A apart, less than {closest} A", {}
    frame = atoms.copy()
    frame.calc = calculator
    labels: dict[str, Any] = {"energy": float(frame.get_potential_energy()), "forces": frame.get_forces()}
    if frame.cell.rank == 3:
        labels["stress"] = frame.get_stress()
    if not all(np.isfinite(value).all() for value in labels.values()):
        return "its labels are not finite", {}
    largest = float(np.abs(labels["forces"]).max())
    if largest > max_force:
        return f"a force of {largest:.1f} eV/A is above {max_force} eV/A", {}
    return "", labels


def _notes(atoms: Atoms) -> dict[str, Any]:
    """Numbers and words that came with a frame, other than labels that it had."""
    return {name: value for name, value in atoms.info.items() if np.isscalar(value) and name not in all_properties}


def _append(path: Path, frame: Atoms) -> None:
    """Write one frame in a single call, and bring it to the disk."""
    text = io.StringIO()
    write(text, frame, format="extxyz")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        stream.write(text.getvalue())
        stream.flush()
        os.fsync(stream.fileno())


def _complete_frames(path: Path) -> list[Atoms]:
    """Frames of an earlier call; a torn last one is cut off."""
    if not path.exists():
        return []
    found = list(blocks(path))
    frames = [frame_of(block) for block in found if block.complete]
    if len(frames) < len(found):
        torn = found[-1]
        if len(torn.lines) > 1 and not torn.lines[1].startswith((b"Lattice=", b"Properties=")):
            got = repr(torn.lines[1][:40].decode(errors="replace"))
            raise InputError(torn.place, need="frames with labels", got=got, remedy="write the labels to another file")
        with path.open("r+b") as stream:
            stream.truncate(sum(len(line) for block in found[:-1] for line in block.lines))
    return frames
