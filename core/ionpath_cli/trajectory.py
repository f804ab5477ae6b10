"""Trajectories as the command line is given them: which format, which elements, which times, and who moves."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import ionpath
from ionpath.elements import ANIONS, CHARGES, FORMERS, formal_charge
from ionpath.errors import InputError, one_of, positive, require
from ionpath.occupancies import check_full_occupancies
from ionpath_cli import heads, space
from ionpath_cli.options import brief, read_atoms, reading
from ionpath_cli.space import set_elements

SUFFIXES = {"lammpstrj": "LAMMPSDUMP", "lammpsdump": "LAMMPSDUMP", "dump": "LAMMPSDUMP", "lmp": "DATA", "data": "DATA"}
"""Names of LAMMPS' files, of which MDAnalysis knows some."""
MOBILE = ("Li", "Na", "Ag", "K", "Cu")
"""Elements that an example of a selection names first."""
NO_DT = "Reader has no dt information"
"""What MDAnalysis warns of where --frame-time stands for it."""
NEUTRAL = 0.02
"""Formal charge for each atom, in e, that a crystal with a few charged defects may have."""
OF_TIMES = ("ps is used; the file says", "time= is taken as ps")
"""What warnings of times say, which are notes here."""
STRUCTURES = (".cif", ".vasp", ".poscar")
"""Files of a structure that ASE reads and MDAnalysis does not."""


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
    length_unit: str = "A"  # {"A", "nm", "bohr"}: unit of positions and cell where the format does not fix it
    cell: str | None = None  # lengths in A, and angles, of a cell that the files do not say
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


@contextmanager
def without_times() -> Iterator[None]:
    """Read files that need not say their times."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", NO_DT)
        warnings.filterwarnings("ignore", ".*ps is used; the trajectory says")  # the first analysis says it in a note
        yield


@without_times()
def open_trajectory(given: Given) -> Opened:
    """Open the files, and find or refuse what they do not say."""
    for name, value in (("--frame-time", given.frame_time), ("--step", given.step)):
        if value is not None:
            positive(name, value)
    cell = None if given.cell is None else space.parse_cell(given.cell)
    with warnings.catch_warnings(action="ignore"):  # about packages that it could use
        mda = require("MDAnalysis", purpose="reading trajectories", install='pip install "ionpath[mdanalysis]"')
    from ionpath_mdanalysis.readers.dcd import check_end

    files = [given.structure, *([given.trajectory] if given.trajectory else [])]
    for file in files:
        heads.check_claim(file)
    formats, open_sides = _formats(given, files)
    first: Any = str(files[0])
    if "topology_format" not in formats and _is_structure(files[0]):
        first = _structure(files[0])
    with reading("MDAnalysis", *files), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        formats |= heads.units_of_h5md(files[-1], formats.get("format"))
        universe = mda.Universe(first, *map(str, files[1:]), to_guess=(), **formats)
        for option, word, of in (
            ("--time-unit", given.time_unit, universe.trajectory.format == "EXTXYZ"),
            ("--atom-style", given.atom_style, formats.get("topology_format") == "DATA"),
        ):
            if word is not None and not of:
                need = f"files of {'extended XYZ' if option == '--time-unit' else 'LAMMPS data'}, which it is for"
                raise InputError(option, need=need, got=" with ".join(map(str, files)), remedy="leave it out")
        said = _time_of_file(universe.trajectory, files)
        for frame in (-1 if given.stop is None else 0, 0):  # a file that is cut off says so now
            universe.trajectory[frame]
        check_end(universe.trajectory, files[-1], given.stop)
        run = _run(universe.trajectory)
    notes = [str(one.message) for one in seen if any(words in str(one.message) for words in OF_TIMES)]
    source = set_elements(universe, given.elements)
    ions = select(universe, given.mobile, "--mobile")
    framework = universe.atoms - ions if given.framework is None else select(universe, given.framework, "--framework")
    if len(framework & ions):
        got = f"{len(framework & ions)} that are"
        remedy = f"for example --framework 'not ({given.mobile})'"
        raise InputError("--framework", need="atoms that are not among the mobile ones", got=got, remedy=remedy)
    charge = _charge(ions) if given.charge is None else given.charge
    if given.frame_time is None and said is None:
        raise InputError(
            "--frame-time",
            need="the time between the frames of the file in ps",
            got=f"none: {files[-1]} does not say it in a unit that is known",
            remedy="add it, for example --frame-time 0.1 (VASP: POTIM in fs times NBLOCK / 1000; "
            "LAMMPS: timestep times steps between frames)",
        )
    if cell is None:
        space.check_cell(universe, open_sides, files[-1])
    elif (own := universe.trajectory[0].dimensions) is not None and not np.allclose(own, cell, rtol=1e-3) and own.all():
        notes.append(f"The cell is that of --cell {given.cell}; {files[-1]} says {' '.join(f'{x:.6g}' for x in own)}.")
    length_unit = space.length_unit(universe.trajectory, given.length_unit, files[-1])
    space.set_space(universe, cell, length_unit)
    notes += space.check_lengths(universe)
    if len(files) > 1:
        from ionpath_mdanalysis.looks import check_places, places_named

        check_places(places_named(universe), framework, f"{files[-1]} with {files[0]}")
    if not len(framework):
        notes.append("There are no atoms beside the ions: their drift is not taken off, and may be in the diffusion.")
    elements = {str(name): int((universe.atoms.elements == name).sum()) for name in np.unique(universe.atoms.elements)}
    frames = {name: getattr(given, name) for name in ("start", "stop", "step")}
    facts = {
        "files": [str(file) for file in files],
        "run": run,
        "formats": formats,
        "elements": elements,
        "elements_from": source,
        "mobile": given.mobile,
        "n_mobile": len(ions),
        "framework": given.framework or f"not ({given.mobile})",
        "charge": charge,
        "frame_time": given.frame_time or said,
        "frame_time_from": "the file" if given.frame_time is None else "--frame-time",
        "cell_from": "the file" if cell is None else "--cell",
        "length_unit": length_unit,
        "n_frames": len(universe.trajectory),
        **frames,
        "ionpath": ionpath.__version__,
        "MDAnalysis": mda.__version__,
    }
    named = ", ".join(f"{name} {count}" for name, count in elements.items())
    if source not in ("the file", "--elements"):
        notes.append(f"The files name no elements; by their {source} they are {named}.")
    if source != "the file" and set(elements) <= set(CHARGES):
        total = sum(CHARGES[name] * count for name, count in elements.items())
        if abs(total) > NEUTRAL * len(universe.atoms):
            notes.append(
                f"With the formal charges of {named} the cell has {total:+d} e, as no crystal has: check the elements "
                f"({'--elements' if source == '--elements' else 'name them with --elements 1=Li,2=S'})."
            )
    return Opened(universe, ions, framework, given.frame_time, charge, frames, facts, notes)


def _run(trajectory: Any) -> str:
    """What tells a run from others, however long it has become: its second frame, to 0.01 of the unit of length."""
    positions = trajectory[min(1, len(trajectory) - 1)].positions
    digest = hashlib.sha256(np.rint(100.0 * positions.astype(np.float64)).astype(np.int64).tobytes()).hexdigest()[:16]
    trajectory[0]
    return digest


def _is_structure(path: Path) -> bool:
    return path.suffix.lower() in STRUCTURES or path.name.upper().startswith(("POSCAR", "CONTCAR"))


def _structure(path: Path) -> Any:
    """A structure by ASE, whose sites are full."""
    atoms = read_atoms(path)
    remedy = f"order them first: ionpath build --from {path} --supercell 2 -o ordered.extxyz"
    check_full_occupancies(atoms.info.pop("occupancy", None), str(path), remedy=remedy)
    return atoms


def _formats(given: Given, files: list[Path]) -> tuple[dict[str, Any], set[int]]:
    """Formats for MDAnalysis that names of files do not tell, and the vectors that do not repeat."""
    from MDAnalysis import _PARSERS, _READERS

    for option, name, known in (
        ("--format", given.format, _READERS),
        ("--topology-format", given.topology_format, _PARSERS),
    ):
        if name is not None:
            one_of(option, name.upper(), sorted(known))
    alone = len(files) == 1
    top = given.topology_format or (given.format if alone else None) or _format(files[0])
    if top is None and files[0].name.upper().startswith(("OUTCAR", "VASPRUN")):
        got = "another file of VASP"
        remedy = f"name the XDATCAR, or convert it: ase convert {files[0]} run.extxyz"
        raise InputError(str(files[0]), need="a trajectory, such as the XDATCAR beside it", got=got, remedy=remedy)
    found: dict[str, Any] = {
        "topology_format": top,
        "format": given.format or _format(files[-1]),
        "time_unit": given.time_unit,
    }
    if not alone and found["format"] == "DATA":
        remedy = f"name it first: ionpath analyze {files[1]} {files[0]}"
        raise InputError(str(files[1]), need="frames", got="a LAMMPS data file, which is one structure", remedy=remedy)
    if alone and found["format"] is None:
        found["format"] = top
    if top == "DATA":
        found["atom_style"] = heads.columns(given.structure, given.atom_style)
    if given.frame_time is not None:  # readers of ours need not look at the times of the file then
        from ionpath_mdanalysis.readers.source import has_suffix
        from ionpath_mdanalysis.readers.xdatcar import is_xdatcar

        name = str(files[-1])
        ours = found["format"] or ("TRAJ" if has_suffix(name, "extxyz", "traj") or is_xdatcar(name) else "")
        if ours in ("EXTXYZ", "TRAJ", "XDATCAR"):
            found["dt"] = given.frame_time
    if (found["format"] or files[-1].suffix[1:]).upper() in ("XTC", "TRR"):
        from ionpath_mdanalysis.readers.xdr import check_frames

        check_frames(files[-1], given.stop)
    open_sides = heads.check_dump(files[-1], stop=given.stop) if found["format"] == "LAMMPSDUMP" else set()
    return {key: value for key, value in found.items() if value is not None}, open_sides


def _format(path: Path) -> str | None:
    suffix = path.name.lower().removesuffix(".gz").removesuffix(".bz2").rpartition(".")[2]
    if suffix == "xyz":
        from ionpath_mdanalysis.readers.source import is_extended_xyz

        return "EXTXYZ" if path.is_file() and is_extended_xyz(path) else None
    return SUFFIXES.get(suffix)


def _time_of_file(trajectory: Any, files: list[Path]) -> float | None:
    """Time between the first two frames in ps, where the file says it in a known unit."""
    kind = trajectory.format if isinstance(trajectory.format, str) else trajectory.format[0]
    from ionpath_mdanalysis.times import says_times

    if len(trajectory) < 2:
        several = kind == "GRO" and files[-1].stat().st_size > 1.5 * (44 * trajectory.n_atoms + 200)
        remedy = f"MDAnalysis reads the first frame of a .gro: convert it, gmx trjconv -f {files[-1]} -o frames.xtc"
        raise InputError(
            str(files[-1]), need="at least 2 frames", got=str(len(trajectory)),
            remedy=remedy if several else "name the trajectory behind the structure",
        )  # fmt: skip
    if not says_times(trajectory):
        return None
    first, second = (float(trajectory[k].time) for k in (0, 1))
    return second - first if "time" in trajectory.ts.data or kind == "DCD" else None


def select(universe: Any, text: str, option: str) -> Any:
    """Atoms of a selection, or InputError in the name of the option that holds it."""
    try:
        group = universe.select_atoms(text)
        got = "no atom"
    except Exception as error:  # MDAnalysis has several for a bad selection
        group, got = (), brief(error)
    if not len(group):
        found = sorted(set(getattr(universe.atoms, "elements", ("Li",))))
        likely = sorted(found, key=lambda name: (name not in MOBILE, name in ANIONS | FORMERS))
        raise InputError(
            option,
            need="a selection of MDAnalysis that has atoms",
            got=f"{got} from {text!r}",
            remedy=f"the elements are {', '.join(found)}: for example {option} 'element {likely[0]}'",
        )
    return group


def _charge(ions: Any) -> float:
    if (charge := formal_charge(map(str, ions.elements))) is not None:
        return charge
    got = f"none known for {', '.join(sorted(set(ions.elements)))}"
    remedy = "add it, for example --charge 2"
    raise InputError("--charge", need="the charge of a mobile ion in e", got=got, remedy=remedy)
