"""Trajectories as the command line is given them: which format, which elements, which times, and who moves."""

from __future__ import annotations

import itertools
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import ionpath
from ionpath.elements import CHARGES
from ionpath.errors import InputError, positive, require
from ionpath_cli.options import brief, reading

SUFFIXES = {"lammpstrj": "LAMMPSDUMP", "lammpsdump": "LAMMPSDUMP", "dump": "LAMMPSDUMP", "lmp": "DATA", "data": "DATA"}
"""Names of LAMMPS' files, of which MDAnalysis knows some."""
STYLES = {
    "atomic": "id type x y z",
    "charge": "id type charge x y z",
    "molecular": "id resid type x y z",
    "full": "id resid type charge x y z",
}
"""Columns of the section Atoms in a LAMMPS data file; three more hold the images of an atom."""


@dataclass(frozen=True)
class Given:
    """What a user says of a trajectory; what is None is found, or asked for."""

    structure: Path  # file of the topology, or of everything
    trajectory: Path | None = None  # file of the frames
    # format, topology_format: MDAnalysis' names of the formats
    format: str | None = None
    topology_format: str | None = None
    atom_style: str | None = None  # style of a LAMMPS data file that does not say it
    elements: str | None = None  # element of each type or name of atoms, ``1=Li,2=S``
    frame_time: float | None = None  # time between frames of the file in ps
    time_unit: str | None = None  # {"fs", "ps", "ns"}: unit of times in an extended XYZ file that does not say it
    # mobile, framework: selections of MDAnalysis; the framework is by default what is not mobile
    mobile: str = "element Li"
    framework: str | None = None
    charge: float | None = None  # charge of a mobile ion in e; by default the formal one of its element
    # start, stop, step: frames
    start: int | None = None
    stop: int | None = None
    step: int | None = None


@dataclass(frozen=True)
class Opened:
    """A trajectory that is ready for analyses."""

    # universe, ions, framework: the atoms
    universe: Any
    ions: Any
    framework: Any
    frame_time: float | None  # time between frames of the file in ps, where the user said it
    charge: float  # of a mobile ion, e
    frames: dict[str, int | None]  # ``start``, ``stop`` and ``step``
    facts: dict[str, Any]  # what was read and assumed, for the record
    notes: list[str] = field(default_factory=list)  # what a reader should know


def open_trajectory(given: Given) -> Opened:
    """Open the files, and find or refuse what they do not say."""
    for name, value in (("--frame-time", given.frame_time), ("--step", given.step)):
        if value is not None:
            positive(name, value)
    with warnings.catch_warnings(action="ignore"):  # about packages that it could use
        mda = require("MDAnalysis", purpose="reading trajectories", install='pip install "ionpath[mdanalysis]"')
    files = [given.structure, *([given.trajectory] if given.trajectory else [])]
    formats = _formats(given, files)
    with reading("MDAnalysis", *files), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        universe = mda.Universe(*map(str, files), **formats)
        said = _time_of_file(universe.trajectory)
        for frame in (-1, 0):  # a file that is cut off says so now
            universe.trajectory[frame]
    notes = [str(one.message) for one in seen if "ps is used; the file says" in str(one.message)]
    source = set_elements(universe, given.elements)
    ions = _select(universe, given.mobile, "--mobile")
    framework = universe.atoms - ions if given.framework is None else _select(universe, given.framework, "--framework")
    charge = _charge(ions) if given.charge is None else given.charge
    if given.frame_time is None and said is None:
        raise InputError(
            "--frame-time",
            need="the time between the frames of the file in ps",
            got=f"none: {files[-1]} does not say it in a unit that is known",
            remedy="add it, for example --frame-time 0.1 (VASP: POTIM in fs times NBLOCK / 1000; "
            "LAMMPS: timestep times steps between frames)",
        )
    if said is not None and given.frame_time is not None and abs(said - given.frame_time) > 1e-3 * said:
        notes.append(f"--frame-time {given.frame_time:g} ps is used; {files[-1]} says {said:g} ps.")
    elements = {str(name): int((universe.atoms.elements == name).sum()) for name in np.unique(universe.atoms.elements)}
    facts = {
        "files": [str(file) for file in files],
        "formats": formats,
        "elements": elements,
        "elements_from": source,
        "mobile": given.mobile,
        "n_mobile": len(ions),
        "framework": given.framework or f"not ({given.mobile})",
        "charge": charge,
        "frame_time": given.frame_time or said,
        "frame_time_from": "the file" if given.frame_time is None else "--frame-time",
        "n_frames": len(universe.trajectory),
        "start": given.start,
        "stop": given.stop,
        "step": given.step,
        "ionpath": ionpath.__version__,
        "MDAnalysis": mda.__version__,
    }
    if source not in ("the file", "--elements"):
        named = ", ".join(f"{name} {count}" for name, count in elements.items())
        notes.append(f"The files name no elements; by their {source} they are {named}.")
    frames = {name: getattr(given, name) for name in ("start", "stop", "step")}
    return Opened(universe, ions, framework, given.frame_time, charge, frames, facts, notes)


def _formats(given: Given, files: list[Path]) -> dict[str, Any]:
    """Formats for MDAnalysis where the name of a file does not tell it, and what goes with them."""
    alone = len(files) == 1
    top = given.topology_format or (given.format if alone else None) or _format(files[0])
    found: dict[str, Any] = {
        "topology_format": top,
        "format": given.format or _format(files[-1]),
        "time_unit": given.time_unit,
    }
    if alone and found["format"] is None:
        found["format"] = top
    if top == "DATA":
        found["atom_style"] = _columns(given.structure, given.atom_style)
    if given.frame_time is not None and found["format"] in (None, "EXTXYZ", "TRAJ", "XDATCAR"):
        found["dt"] = given.frame_time
    if found["format"] == "LAMMPSDUMP":
        _check_steps(files[-1])
    return {key: value for key, value in found.items() if value is not None}


def _format(path: Path) -> str | None:
    suffix = path.name.lower().removesuffix(".gz").removesuffix(".bz2").rpartition(".")[2]
    if suffix == "xyz":
        from ionpath_mdanalysis.readers.source import is_extended_xyz

        return "EXTXYZ" if path.is_file() and is_extended_xyz(path) else None
    return SUFFIXES.get(suffix)


def _columns(path: Path, style: str | None) -> str:
    """Columns of the atoms in a LAMMPS data file: MDAnalysis takes them for molecules if it is not told."""
    with reading("LAMMPS", path), open(path, encoding="utf-8", errors="replace") as file:
        after = itertools.dropwhile(lambda line: not re.match(r"\s*Atoms\b", line), file)
        title = next(after, "")
        width = len(next((line for line in after if line.strip()), "").split())
    style = style or next(iter(re.findall(r"#\s*(\w+)", title)), None)
    if style is None:
        fitting = [
            name for name, columns in STYLES.items() if width in (len(columns.split()), len(columns.split()) + 3)
        ]
        style = fitting[0] if len(fitting) == 1 else None
    if style not in STYLES:
        raise InputError(
            "--atom-style",
            need=f"the style of the section Atoms in {path}, one of {', '.join(STYLES)}",
            got=style or f"none in the file, and {width} columns",
            remedy="add --atom-style charge, or the one that the file was written in",
        )
    return STYLES[style]


def _check_steps(path: Path) -> None:
    """Refuse a LAMMPS dump with frames that a restart repeated or left out."""
    from ionpath_mdanalysis.readers.source import ByteSource

    with reading("LAMMPS", path):
        key, held, steps = b"ITEM: TIMESTEP", b"", []
        for block in ByteSource(path).blocks():
            held += block
            parts = held.split(key)
            for part in parts[1:-1]:
                steps.append(int(part.split(None, 1)[0]))
            held = key + parts[-1] if len(parts) > 1 else held[-len(key) :]
        if held.startswith(key):
            steps.append(int(held[len(key) :].split(None, 1)[0]))
    wrong = np.flatnonzero(np.diff(steps) != (steps[1] - steps[0] if len(steps) > 1 else 1))
    if len(steps) > 1 and (len(wrong) or steps[1] <= steps[0]):
        k = int(wrong[0]) + 1 if len(wrong) else 1
        raise InputError(
            f"{path}, frame {k}",
            need="steps that increase evenly",
            got=f"step {steps[k]} after {steps[k - 1]}",
            remedy="leave out the frames that a restart wrote twice, or choose frames with --start and --stop"
            if steps[k] <= steps[k - 1]
            else "choose frames with --start and --stop in which none is missing",
        )


def _time_of_file(trajectory: Any) -> float | None:
    """Time between the first two frames in ps, where the file says it in a known unit."""
    kind = trajectory.format if isinstance(trajectory.format, str) else trajectory.format[0]
    from ionpath_mdanalysis.times import says_times

    if len(trajectory) < 2:
        raise InputError(
            str(trajectory.filename), need="at least 2 frames", got=str(len(trajectory)),
            remedy="name the trajectory behind the structure",
        )  # fmt: skip
    if not says_times(trajectory):
        return None
    first, second = (float(trajectory[k].time) for k in (0, 1))
    return second - first if "time" in trajectory.ts.data or kind == "DCD" else None


def set_elements(universe: Any, given: str | None) -> str:
    """Return every atom its element, and say where it comes from."""
    from ase.data import atomic_masses, chemical_symbols

    atoms = universe.atoms
    if given is None and hasattr(atoms, "elements") and all(atoms.elements):
        return "the file"
    names = [np.asarray(getattr(atoms, key, []), dtype=str) for key in ("types", "names")]
    if given is not None:
        table = dict(pair.partition("=")[::2] for pair in given.replace(" ", "").split(","))
        labels = next((one for one in names if set(table) & set(one)), names[0])
        lacking = sorted(set(labels) - set(table))
        wrong = [name for name in table.values() if name not in chemical_symbols[1:]]
        if lacking or wrong:
            raise InputError(
                "--elements",
                need="the element of each type of atoms, as in 1=Li,2=S",
                got=f"none for {', '.join(lacking)}" if lacking else f"{wrong[0]!r}, which is none",
                remedy=f"the types are {', '.join(sorted(set(labels)))}",
            )
        universe.add_TopologyAttr("elements", [table[label] for label in labels])
        return "--elements"
    masses = np.asarray(getattr(atoms, "masses", np.zeros(len(atoms))))
    if (masses > 0.5).all() and (masses != 1.0).any():  # of a LAMMPS dump all are 1
        unique, index = np.unique(masses, return_inverse=True)
        nearest = np.abs(unique[:, None] - atomic_masses[1:]).argmin(axis=1) + 1
        if (np.abs(atomic_masses[nearest] - unique) < 0.06).all():
            universe.add_TopologyAttr("elements", [chemical_symbols[z] for z in nearest[index]])
            return "masses"
    symbols = {label: _symbol(label, chemical_symbols) for label in set(names[1])}
    if symbols and all(symbols.values()):
        universe.add_TopologyAttr("elements", [symbols[label] for label in names[1]])
        return "names"
    kinds = ", ".join(sorted(set(names[0]))[:8]) or "none"
    raise InputError(
        "--elements",
        need="the element of each type of atoms",
        got=f"types {kinds}, which do not say it",
        remedy="add --elements 1=Li,2=S with the elements of your types",
    )


def _symbol(label: str, symbols: list[str]) -> str:
    letters = re.match("[A-Za-z]*", label)[0]  # type: ignore[index]
    return next((name for name in (letters.capitalize(), letters[:1].upper()) if name in symbols[1:]), "")


def _select(universe: Any, text: str, option: str) -> Any:
    try:
        group = universe.select_atoms(text)
        got = "no atom"
    except Exception as error:  # MDAnalysis has several for a bad selection
        group, got = (), brief(error)
    if not len(group):
        found = ", ".join(sorted(set(universe.atoms.elements)))
        raise InputError(
            option,
            need="a selection of MDAnalysis that has atoms",
            got=f"{got} from {text!r}",
            remedy=f"the elements are {found}: for example {option} 'element {found.split(',')[0]}'",
        )
    return group


def _charge(ions: Any) -> float:
    charges = {CHARGES.get(str(name)) for name in ions.elements}
    if len(charges) == 1 and None not in charges:
        return float(charges.pop())  # type: ignore[arg-type]
    raise InputError(
        "--charge",
        need="the charge of a mobile ion in e",
        got=f"none known for {', '.join(sorted(set(ions.elements)))}",
        remedy="add it, for example --charge 2",
    )
