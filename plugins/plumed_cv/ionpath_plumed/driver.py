"""``ionpath-plumed driver ...``: PLUMED's tools with Python collective variables, and variables of frames in memory.

The ``plumed`` program of a wheel has no Python in it, so that it cannot load pycv. Here PLUMED's own tool runs inside
this Python instead.
"""

from __future__ import annotations

import contextlib
import ctypes
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
from ionpath.plumed_input import keywords
from ionpath_plumed.checks import check_input
from ionpath_plumed.files import Table, read_table
from ionpath_plumed.kernel import Engine, check_kernel, kernel_path, plumed_module, prepare

MOST_ATOMS = 10_000_000
"""What ATOMS may name at most where the frames are not read yet: a list of them has to fit into memory."""
_NAMES_A_FILE = re.compile(r"--(plumed|i(xyz|gro|dlp4|xtc|trr)|mf_\w+|pdb|mc|hills|histo)")
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run a tool of PLUMED."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 2
    try:
        check_kernel()
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
    for option in (name for name in given if _NAMES_A_FILE.fullmatch(name)):
        for name in given[option].split(","):
            if not Path(name).is_file():
                raise InputError(option, need="an existing file", got=f"no file {name!r}", remedy="check the path")
    if arguments[0] != "driver":
        return
    if "--plumed" in given:
        check_input(Path(given["--plumed"]).read_text().splitlines(), MOST_ATOMS)
    if "--ixyz" in given:
        _check_xyz(given["--ixyz"], given)


def _check_xyz(name: str, given: Mapping[str, str]) -> None:
    if "--length-units" not in given:
        got = "none, which PLUMED takes for nm"
        remedy = "add --length-units A, or --length-units nm"
        raise InputError("--length-units", need=f"the unit of lengths in {name}", got=got, remedy=remedy)
    with open(name, encoding="utf-8", errors="replace") as file:
        box = [file.readline(), file.readline()][1]
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
    plumed.plumed_cmd.argtypes = [_Plumed, ctypes.c_char_p, ctypes.c_void_p]
    plumed.plumed_finalize.argtypes = [_Plumed]
    words = [b"plumed", *(os.fsencode(word) for word in arguments)]
    table = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    count, status = ctypes.c_int(len(words)), ctypes.c_int(0)
    handle = plumed.plumed_create()
    plumed.plumed_cmd(handle, b"CLTool setArgc", ctypes.byref(count))
    plumed.plumed_cmd(handle, b"CLTool setArgv", table)
    plumed.plumed_cmd(handle, b"CLTool run", ctypes.byref(status))
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
