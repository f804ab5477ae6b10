"""``ionpath-plumed driver ...``: PLUMED's tools with Python collective variables, and variables of frames in memory.

The ``plumed`` program of a wheel has no Python in it, so that it cannot load pycv. Here PLUMED's own tool runs inside
this Python instead.
"""

from __future__ import annotations

import contextlib
import ctypes
import difflib
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.errors import InputError, IonpathError, whole
from ionpath.files import read_text
from ionpath.noted import notes_of
from ionpath.plumed_input import keywords, units
from ionpath.plumed_run import numbers_of, written_files
from ionpath_plumed.checks import check_input
from ionpath_plumed.files import Table, read_table
from ionpath_plumed.kernel import Engine, check_kernel, kernel_path, plumed_module, prepare

MANY = 2000
"""Atoms of a frame whose distances are looked at."""
LENGTHS = ("nm", "A", "um", "Bohr")
OPTIONS = {
    "driver": "--kt --mc --box --pdb --igro --itrr --ixtc --ixyz --idlp4 --multi --mf_crd --mf_dcd --mf_g96 --mf_gro "
    "--mf_pdb --mf_trj --mf_trr --mf_xtc --natoms --plumed --noatoms --restart --timestep --mf_crdbox --help-debug "
    "--mass-units --parse-only --dump-forces --charge-units --debug-forces --initial-step --length-units "
    "--shortcut-ofile --dump-forces-fmt --valuedict-ofile --dump-full-virial --trajectory-stride",
    "sum_hills": "--trr --bin --fmt --help-debug --hills --histo --idw --kt --max --min --mintozero --negbias "
    "--nohistory --outfile --outhisto --sigma --spacing --stride",
}
"""Options of the two tools of PLUMED that matter here."""
MOST_ATOMS = 10_000_000
"""What ATOMS may name at most where the frames are not read yet: a list of them has to fit into memory."""
_NAMES_A_FILE = re.compile(r"--(plumed|i(xyz|gro|dlp4|xtc|trr)|mf_\w+|pdb|mc|hills|histo)")
_PLACE = re.compile(r"\(\w+/\w+\.cpp:\d+\)|\++ |At:|\S+\(\d+\): |The above exception")
"""Where in PLUMED an error is from."""
_AGAIN = "IONPATH_PLUMED_LIBRARY_PATH_SET"

USAGE = """usage: ionpath-plumed TOOL [options]

Runs a tool of PLUMED (driver, sum_hills, info, ...) in this Python, so that IMPORT=ionpath_plumed.* works.

  ionpath-plumed driver --plumed plumed.dat --ixyz traj.xyz --length-units A
  ionpath-plumed driver --plumed plumed.dat --mf_dcd traj.dcd --pdb topology.pdb
  ionpath-plumed driver --plumed plumed.dat --ixyz traj.xyz --length-units A --debug-forces forces.dat
  ionpath-plumed sum_hills --hills HILLS --mintozero

The second line of each frame of an xyz file is the box: three lengths, or nine numbers. `ionpath-plumed driver --help`
shows all options of the driver."""


class _Plumed(ctypes.Structure):
    """PLUMED's handle in C."""

    _fields_ = [("p", ctypes.c_void_p)]


_Told = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class _Handler(ctypes.Structure):
    """What PLUMED calls with an error, which ends the process otherwise."""

    _fields_ = [("ptr", ctypes.c_void_p), ("handler", _Told)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a tool of PLUMED."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 2
    try:
        check_kernel()
        if not os.environ.get(_AGAIN):
            _check_files(arguments)
        library = _library()
    except IonpathError as error:
        print(f"ionpath-plumed: {error}", file=sys.stderr)
        return 1
    _find_libraries(library.parent, arguments)
    return _run(library, arguments)


def _check_files(arguments: list[str]) -> None:
    """Look at the files of a run before PLUMED dies over them: without a word, or behind a page of its log."""
    words = [part for word in arguments[1:] for part in word.split("=", 1)] + [""]
    given = {word: following for word, following in pairwise(words) if word.startswith("-")}
    if {"-h", "--help"} & set(given):
        return
    if arguments[0] in OPTIONS:
        _check_words(arguments)
    for option in (name for name in given if _NAMES_A_FILE.fullmatch(name)):
        for name in given[option].split(","):
            if not Path(name).is_file():
                raise InputError(option, need="an existing file", got=f"no file {name!r}", remedy="check the path")
            with open(name, "rb") as file:
                _check_kind(option, name, file.read(9))
    if arguments[0] != "driver":
        return
    _check_units(given)
    if "--plumed" in given:
        text = read_text(Path(given["--plumed"]), "--plumed", "a text file", "give the plumed.dat")
        check_input(text.splitlines(), MOST_ATOMS)
        _check_written(given["--plumed"], text.splitlines())
        if not {"--timestep", "--trajectory-stride"} & set(given):
            told = (
                "STRIDE counts frames, and times are their numbers; --timestep in ps and --trajectory-stride in steps"
            )
            print(f"ionpath-plumed: note: {told} make both those of the run", file=sys.stderr)
    if "--ixyz" in given:
        _check_xyz(given["--ixyz"], given)


def _check_words(arguments: list[str]) -> None:
    """Refuse words at which PLUMED shows its help, and calls that a success."""
    tool, known = arguments[0], OPTIONS[arguments[0]].split()
    for before, word in pairwise(["", *arguments[1:]]):
        if not word.startswith("-") and (not before.startswith("-") or "=" in before):
            what = "--hills" if tool == "sum_hills" else "--plumed"
            remedy = f"for example {what} {word}"
            raise InputError(tool, need="options, each with its value behind it", got=repr(word), remedy=remedy)
        name = word.partition("=")[0]
        near = difflib.get_close_matches(name, known, 1, 0.8) if word.startswith("--") and name not in known else []
        if near:
            raise InputError(tool, need="its options", got=name, remedy=f"did you mean {near[0]}?")


def _check_kind(option: str, name: str, head: bytes) -> None:
    """Refuse a file of another kind than its option says, which ends PLUMED without a word."""
    kind = option.removeprefix("--").removeprefix("i").removeprefix("mf_")
    known: dict[str, tuple[bytes, ...]] = {
        "dcd": (b"\x54\0\0\0", b"\0\0\0\x54"), "xtc": (b"\0\0\x07\xcb", b"\0\0\x07\xe7"),
        "hills": (b"#! FIELDS",), "histo": (b"#! FIELDS",),
    }  # fmt: skip
    begins = known.get(kind, ())
    if begins and head and not head.startswith(begins):
        need = "a header '#! FIELDS ...'" if kind in ("hills", "histo") else f"a {kind.upper()} file"
        raise InputError(option, need=need, got=f"something else in {name}", remedy="check the name and the option")


def _check_units(given: Mapping[str, str]) -> None:
    """Refuse a unit that is none, or that files do not use: all but text are in units that PLUMED knows."""
    unit = given.get("--length-units")
    if unit is None:
        return
    if unit not in LENGTHS and not numbers_of(unit):
        need = f"{', '.join(LENGTHS)} or a number of nm"
        raise InputError("--length-units", need=need, got=repr(unit), remedy="for example --length-units A")
    for option in given:
        if option.startswith("--mf_") or option in ("--ixtc", "--itrr", "--igro"):
            need = f"none with {option}, whose lengths PLUMED knows"
            raise InputError("--length-units", need=need, got=unit, remedy="leave it out")


def _check_written(name: str, lines: list[str]) -> None:
    """Refuse to put hills and values of a trajectory in the place of those of the run that wrote them."""
    runs = [path for path in written_files(lines) if path.is_file() and any(notes_of(path.absolute()))]
    if runs:
        need = "an input that writes none of the files of the run in this folder"
        remedy = "work in another folder, with copies of the input and of the files that it reads"
        raise InputError(f"--plumed {name}", need=need, got=", ".join(map(str, runs)), remedy=remedy)


def _check_xyz(name: str, given: Mapping[str, str]) -> None:
    if "--length-units" not in given:
        got = "none, which PLUMED takes for nm"
        remedy = "add --length-units A, or --length-units nm"
        raise InputError("--length-units", need=f"the unit of lengths in {name}", got=got, remedy=remedy)
    with open(name, encoding="utf-8", errors="replace") as file:
        count, box = file.readline(), file.readline()
        _check_lengths(name, given["--length-units"], [file.readline() for _ in range(min(_count(count), MANY))])
    try:
        numbers = len([float(word) for word in box.split()])
    except ValueError:
        numbers = 0
    if numbers in (3, 9) or "--box" in given:
        return
    found = re.search(r'Lattice="([^"]*)"', box, flags=re.IGNORECASE)
    lattice = np.array(found[1].split(), dtype=float).reshape(3, 3) if found else np.zeros((3, 3))
    edges = lattice.diagonal() if (lattice == np.diag(lattice.diagonal())).all() else lattice.ravel()
    option = f"--box {','.join(f'{x:.10g}' for x in edges)}" if found else "--box with 3 or 9 numbers"
    need = "the box in the second line of each frame, three lengths or nine numbers"
    got = "extended XYZ" if found else repr(box.strip()[:60])
    remedy = f"add {option} if all frames have one cell; else read it in Python, by ionpath_plumed.evaluate"
    raise InputError(f"--ixyz {name}", need=need, got=got, remedy=remedy)


def _count(line: str) -> int:
    return int(line) if line.strip().isdecimal() else 0


def _check_lengths(name: str, unit: str, rows: list[str]) -> None:
    """Refuse a unit in which atoms of the first frame lie on one another, or far from all others."""
    try:
        positions = np.array([row.split()[1:4] for row in rows], dtype=float).reshape(-1, 3)
    except ValueError:
        return  # which PLUMED says itself
    if len(positions) < 8:  # of a model
        return
    size = units([f"UNITS LENGTH={unit}"]).length
    away = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    nearest = float(np.median(np.sort(away, axis=1)[:, 1]))
    if not 0.5 < nearest * size < 10.0:
        need = f"the unit of lengths in {name}, in which nearest atoms are 1 to 3 A apart"
        got = f"{unit}, by which they are {nearest * size:.2g} A apart"
        other = next((u for u in ("A", "nm", "Bohr") if 0.5 < nearest * units([f"UNITS LENGTH={u}"]).length < 10.0), "")
        remedy = f"for example --length-units {other}" if other else "check the file"
        raise InputError("--length-units", need=need, got=got, remedy=remedy)


def _library() -> Path:
    """Find the library that holds PLUMED's tools, beside the kernel."""
    kernel = kernel_path()
    found = kernel.with_name(kernel.name.replace("Kernel", ""))
    return found if found.is_file() else kernel


def _find_libraries(folder: Path, arguments: list[str]) -> None:
    """Start again once with the library path set: PLUMED looks for ``LOAD FILE=PythonCVInterface.so`` along it."""
    variable = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
    if os.environ.get(_AGAIN) or str(folder) in os.environ.get(variable, "").split(":"):
        return
    os.environ[variable] = f"{folder}:{os.environ.get(variable, '')}".rstrip(":")
    os.environ[_AGAIN] = "1"
    os.environ.setdefault("PLUMED_ROOT", str(folder / "plumed"))
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "ionpath_plumed.driver", *arguments])


def _run(library: Path, arguments: list[str]) -> int:
    # PyDLL keeps the lock of the interpreter, which pycv needs when it frees its Python objects.
    plumed = ctypes.PyDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    plumed.plumed_create.restype = _Plumed
    plumed.plumed_cmd_nothrow.argtypes = [_Plumed, ctypes.c_char_p, ctypes.c_void_p, _Handler]
    plumed.plumed_finalize.argtypes = [_Plumed]
    words = [b"plumed", *(os.fsencode(word) for word in arguments)]
    table = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    count, status = ctypes.c_int(len(words)), ctypes.c_int(0)
    handle = plumed.plumed_create()
    errors: list[str] = []
    told = _Handler(None, _Told(lambda ptr, code, message, options: errors.append(message.decode(errors="replace"))))
    for key, value in ((b"setArgc", ctypes.byref(count)), (b"setArgv", table), (b"run", ctypes.byref(status))):
        plumed.plumed_cmd_nothrow(handle, b"CLTool " + key, value, told)
    if errors:
        sentences = [line.strip() for line in errors[0].splitlines() if line.strip() and not _PLACE.match(line.strip())]
        if sentences:
            print(f"ionpath-plumed: {arguments[0]}: {'; '.join(sentences)[:600]}", file=sys.stderr, flush=True)
        ctypes.CDLL(None).fflush(None)
        os._exit(1)  # nothing of the tool can be let go of any more
    plumed.plumed_finalize(handle)
    return int(status.value)


@typed
def evaluate(
    lines: str | Iterable[str],
    frames: Any,
    *,
    arguments: str | Sequence[str] = "*",
    every: int = 1,
    progress: bool = False,
) -> Table:
    """Values of collective variables on frames that are in memory.

    Parameters
    ----------
    lines : str or iterable of str
        Text or lines of a plumed.dat, or of its definitions alone; PRINT lines are left out, biases take no part.
        Values are in the units of these lines: PLUMED's own, nm, unless they begin with ``UNITS LENGTH=A``.
    frames : ASE Atoms, sequence of Atoms, or MDAnalysis Universe or AtomGroup
        Frames; of a Universe its whole trajectory, times included.
    arguments : str or sequence of str
        What to give: labels or components, ``*`` for all.
    every : int
        Every how many-th frame is taken.
    progress : bool
        Show a bar.

    Returns
    -------
    Table
        Columns ``time`` (ps, or the number of the frame) and one per value.

    """
    check_kernel()
    every = whole("every", every)
    lines = lines.splitlines() if isinstance(lines, str) else lines
    given = [line for line in prepare(lines) if keywords(line)[1] not in ("PRINT", "FLUSH", "METAD", "DUMPFORCES")]
    source = _frames(frames)
    n_atoms, masses, n_frames = next(source)
    statements = check_input(given, n_atoms)
    wanted = arguments if isinstance(arguments, str) else ",".join(arguments)
    times: list[float] = []
    from ionpath.errors import require

    tqdm = require("tqdm", purpose="progress bars", install="pip install tqdm").tqdm
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "COLVAR"
        printed = f"PRINT ARG={wanted} FILE={output} FMT=%.14g"
        with contextlib.ExitStack() as stack:
            try:
                engine = stack.enter_context(Engine([*statements, printed], n_atoms, masses=masses))
            except plumed_module().PlumedError as error:
                got = " ".join(str(error).split())[:400]
                remedy = "check labels, keywords, and that every variable that is asked for exists"
                raise InputError("lines or arguments", need="what PLUMED takes", got=got, remedy=remedy) from error
            bar = tqdm(source, total=n_frames, disable=not progress, desc="variables")
            for number, (time, positions, cell) in enumerate(bar):
                if number % every == 0:
                    engine.step(len(times), positions, cell)
                    times.append(time)
        table = read_table(output)
    data = table.data.copy()
    data[:, 0] = times
    return Table(table.names, data, table.settings)


def _frames(frames: Any) -> Iterator[Any]:
    """First (n_atoms, masses, n_frames), then (time, positions, cell) of each frame, in ps and A."""
    if hasattr(frames, "get_positions"):
        frames = [frames]
    if hasattr(frames, "atoms"):
        yield from _universe_frames(frames.atoms)
        return
    if isinstance(frames, (str, os.PathLike)):
        remedy = f"read it first: ase.io.read({os.fspath(frames)!r}, ':')"
        raise InputError("frames", need="frames in memory", got="the name of a file", remedy=remedy)
    sequence = list(frames)
    if not sequence:
        raise InputError("frames", need="one frame or more", got="none", remedy="read a trajectory")
    yield len(sequence[0]), sequence[0].get_masses(), len(sequence)
    for number, atoms in enumerate(sequence):
        if len(atoms) != len(sequence[0]):
            remedy = "give one system"
            raise InputError(f"frame {number}", need=f"{len(sequence[0])} atoms", got=f"{len(atoms)}", remedy=remedy)
        cell = np.array(atoms.cell)
        time = float(atoms.info.get("time", number))
        yield time, atoms.get_positions(), cell if abs(np.linalg.det(cell)) > 0 else None


def _universe_frames(atoms: Any) -> Iterator[Any]:
    from MDAnalysis.lib.mdamath import triclinic_vectors

    trajectory = atoms.universe.trajectory
    masses = atoms.masses if hasattr(atoms, "masses") else None
    yield len(atoms), masses, len(trajectory)
    for step in trajectory:
        cell = None if step.dimensions is None else triclinic_vectors(step.dimensions, dtype=np.float64)
        yield float(step.time), np.array(atoms.positions, dtype=float), cell


if __name__ == "__main__":
    sys.exit(main())
