"""Labels of frames: read from extended XYZ without losing one, under whatever name, or refused with a place."""

from __future__ import annotations

import gzip
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from ase.stress import full_3x3_to_voigt_6_stress

from ionpath.errors import InputError
from ionpath.files import unread

_NAMES = re.compile(r"(?:(?:ref|dft|qm)_)?(energy|force|stress|virial)s?", re.IGNORECASE)
"""Names that programs give to labels: ``virial`` (GAP, dpdata), ``REF_forces`` (MACE), ``dft_energy``."""
_SAME = 1e-3
"""Labels that are there twice may differ by this, relative to the largest."""


class Block(NamedTuple):
    """Lines of one frame in a file."""

    place: str
    lines: list[bytes]
    complete: bool
    """False where the file ends before the frame does, or before its last line is closed."""


def blocks(path: Path) -> Iterator[Block]:
    """Frames of an extended XYZ file as lines; the first line that is no number of atoms is an error."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        if got := unread(path):
            raise OSError(got)
        with opened(path, "rb") as stream:
            lines = stream.readlines()
    except (OSError, EOFError, MemoryError) as error:
        got = getattr(error, "strerror", None) or str(error) or "more than the memory holds"
        raise InputError(path.name, need="a file that can be read", got=got, remedy="check it and its path") from error
    while lines and not lines[-1].strip():
        lines.pop()
    start = number = 0
    while start < len(lines):
        place = f"frame {number} of {path.name} (line {start + 1})"
        words = lines[start].split()
        if len(words) != 1 or not words[0].isdigit() or len(words[0]) > 12:
            got = repr(lines[start][:60].decode(errors="replace"))
            remedy = "remove the damaged frame, and label it again"
            raise InputError(place, need="a number of atoms", got=got, remedy=remedy)
        count = int(words[0]) + 2
        found = lines[start : start + count]
        yield Block(place, found, len(found) == count and found[-1].endswith(b"\n"))
        start, number = start + count, number + 1


def frame_of(block: Block) -> Atoms:
    """Atoms of a frame: each row has all its columns, and each number is finite."""
    columns = re.search(rb'Properties="?([^\s"]+)', block.lines[1] if len(block.lines) > 1 else b"")
    if columns is not None:
        wanted = [int(n) for n in columns[1].split(b":")[2::3] if n.isdigit()]
        for row, line in enumerate(block.lines[2:]):
            if len(line.split()) != sum(wanted):
                got = f"{len(line.split())}"
                remedy = "remove the damaged frame, and label it again"
                raise InputError(f"{block.place}, atom {row}", need=f"{sum(wanted)} columns", got=got, remedy=remedy)
    try:
        atoms: Atoms = read(io.StringIO(b"".join(block.lines).decode()), format="extxyz")
    except Exception as error:  # a bad byte, number, element, cell or key each raises in its own way
        got = f"{type(error).__name__}: {str(error)[:120]}"
        remedy = "remove the damaged frame, and label it again"
        raise InputError(block.place, need="a frame of extended XYZ", got=got, remedy=remedy) from error
    numbers = {"positions": atoms.positions, "Lattice": atoms.cell.array}
    numbers |= {} if atoms.calc is None else atoms.calc.results
    for name, values in numbers.items():
        if not np.isfinite(np.asarray(values, dtype=float)).all():
            raise InputError(f"{name}, {block.place}", need="finite numbers", got="nan or inf")
    return atoms


def read_extxyz(path: str | os.PathLike[str]) -> list[Atoms]:
    """All frames of an extended XYZ file, plain or packed by gzip."""
    found = list(blocks(Path(path)))
    if found and len(found[-1].lines) < int(found[-1].lines[0]) + 2:
        got = f"{max(len(found[-1].lines) - 2, 0)} before the end of the file"
        remedy = "remove the torn frame"
        raise InputError(found[-1].place, need=f"{found[-1].lines[0].decode().strip()} atoms", got=got, remedy=remedy)
    return [frame_of(block) for block in found]


def with_labels(atoms: Atoms, place: str) -> Atoms:
    """The same atoms with all their labels in ``calc.results``, in the units and signs of ASE.

    A virial W becomes the stress -W / V. Labels of other names (`_NAMES`) are taken where ASE has found none, and must
    agree where it has.
    """
    results: dict[str, Any] = {} if atoms.calc is None else dict(atoms.calc.results)
    for store in (atoms.info, atoms.arrays):
        for name in [key for key in store if _NAMES.fullmatch(key)]:
            match = _NAMES.fullmatch(name)
            kind = match[1].lower() if match else ""
            if (kind == "force") != (store is atoms.arrays):
                continue  # not what its name says
            value = _value(atoms, kind, store.pop(name), f"{name}, {place}")
            label = {"force": "forces", "virial": "stress"}.get(kind, kind)
            known = np.asarray(results.setdefault(label, value), dtype=float)
            if not np.allclose(known, value, rtol=0, atol=_SAME * max(1e-3, float(np.abs(known).max()))):
                remedy = "remove one of them from the file"
                raise InputError(f"{name}, {place}", need=f"one {label}", got="two that differ", remedy=remedy)
    if not {"energy", "forces"} <= set(results):
        got = ", ".join(sorted(results)) or "no labels"
        remedy = "label it first: `ionpath train label`, or ionpath_ase.training.label_frames in Python"
        raise InputError(place, need="an energy and forces", got=got, remedy=remedy)
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def _value(atoms: Atoms, kind: str, value: Any, where: str) -> Any:
    """A label as ASE has it."""
    sizes = {"energy": (1,), "force": (3 * len(atoms),), "stress": (6, 9), "virial": (9,)}[kind]
    array = np.asarray(value, dtype=float) if np.asarray(value).dtype.kind in "fiu" else np.array([np.nan])
    if array.size not in sizes or not np.isfinite(array).all():
        remedy = "leave it out of the file, or calculate it again"
        if kind == "virial" and array.size == 6:
            remedy = "write all nine, xx xy xz yx yy yz zx zy zz: of six numbers programs do not agree on the order"
        got = str(value)[:60].replace("\n", " ")
        raise InputError(where, need=f"{' or '.join(map(str, sizes))} finite numbers", got=got, remedy=remedy)
    if kind in ("energy", "force"):
        return float(array.item()) if kind == "energy" else array.reshape(-1, 3)
    if array.size == 6:
        return array.ravel()
    if kind == "virial":
        if atoms.cell.rank < 3:
            remedy = "remove the virial from the file"
            raise InputError(where, need="a cell with a volume, for the stress", got="none", remedy=remedy)
        array = -array / atoms.get_volume()
    array = array.reshape(3, 3)
    return full_3x3_to_voigt_6_stress(0.5 * (array + array.T))
