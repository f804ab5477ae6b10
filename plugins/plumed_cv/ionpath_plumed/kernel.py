"""The PLUMED kernel and its Python collective-variable interface: found, checked, and fed with frames."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats
from ionpath.errors import InputError, MissingDependency, require
from ionpath.plumed_calls import added, begin
from ionpath.plumed_input import interface_path, prepared
from ionpath.plumed_run import REFUSALS

INSTALL = "pip install --no-deps hillclimber   (or conda-forge's plumed and py-plumed, with PLUMED_KERNEL set)"
OLDEST = (2, 10)


def plumed_module() -> Any:
    """Import PLUMED's Python wrapper."""
    return require("plumed", purpose="running PLUMED from Python", install=INSTALL)


def kernel_path() -> Path:
    """Shared library of the kernel: PLUMED_KERNEL where it is set, else the one that came with the wrapper."""
    plumed_module()  # sets PLUMED_KERNEL to its own kernel unless the user did
    path = os.environ.get("PLUMED_KERNEL", "")
    if not path or not Path(path).is_file():
        raise MissingDependency(
            f"the PLUMED kernel ({path or 'PLUMED_KERNEL is not set'})", purpose="PLUMED", install=INSTALL
        )
    return Path(path)


def pycv_path() -> Path:
    """Shared library that lets PLUMED call Python: IONPATH_PYCV, or beside the kernel, or from the wrapper."""
    kernel_path()
    return interface_path(plumed_module())


@cache
def kernel_version() -> tuple[int, ...]:
    """Version of the kernel, as it says in its log."""
    kernel_path()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        engine = plumed_module().Plumed()
        begin(engine.cmd, [], 1, setTimestep=0.001, setLogFile=str(log))
        engine.finalize()
        found = re.search(r"Version:\s*(\d+(?:\.\d+)*)", log.read_text())
    return tuple(int(k) for k in found[1].split(".")) if found else ()


def check_kernel() -> tuple[int, ...]:
    """Check that kernel and pycv are there and new enough."""
    pycv_path()
    return require_version(kernel_version())


def require_version(version: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse a kernel that is too old for collective variables in Python.

    >>> require_version((2, 10, 0))
    (2, 10, 0)
    """
    if version and version[:2] < OLDEST:
        need = "version 2.10 or newer (pycv with components)"
        raise InputError("PLUMED", need=need, got=".".join(map(str, version)), remedy=f"install a newer one: {INSTALL}")
    return version


def prepare(lines: Iterable[str]) -> list[str]:
    """Input lines that any process can give to PLUMED, with comments gone and continuations joined.

    >>> prepare(["UNITS LENGTH=A  # nothing else", "d: DISTANCE ...", "  ATOMS=1,2", "..."])
    ['UNITS LENGTH=A', 'd: DISTANCE ATOMS=1,2']
    """
    return prepared(lines, plumed_module)


class Engine:
    """A PLUMED kernel that is fed with positions, in A, ps, amu and kJ/mol; masses (n_atoms,) are 1 by default."""

    def __init__(
        self,
        lines: Iterable[str],
        n_atoms: int,
        *,
        masses: ArrayLike | None = None,
        timestep: float = 1.0,
        log: str = os.devnull,
    ) -> None:
        self._plumed = plumed_module().Plumed()
        self.n_atoms = n_atoms
        self._masses = np.ones(n_atoms) if masses is None else np.array(masses, dtype=float)
        REFUSALS.clear()
        begin(self._plumed.cmd, prepare(lines), n_atoms, setTimestep=timestep, setLogFile=log)
        if REFUSALS:
            self.close()
            raise REFUSALS[-1]

    def step(self, step: int, positions: ArrayLike, cell: ArrayLike | None) -> tuple[float, Floats, Floats]:
        """Return one frame to PLUMED."""
        forces, virial, bias = added(self._plumed.cmd, step, positions, cell, self._masses)
        return bias, forces, virial

    def close(self) -> None:
        """Flush and close PLUMED's files."""
        self._plumed.finalize()

    def __enter__(self) -> Engine:
        """Use it in a with block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close."""
        self.close()
