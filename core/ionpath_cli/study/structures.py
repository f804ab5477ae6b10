"""Structures of a study, by the name of a builder."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.errors import InputError, require
from ionpath.files import atomic_path
from ionpath_cli.study.tasks import Task

START, SITES, CRYSTAL = "structure.extxyz", "sites.extxyz", "crystal.extxyz"
INSTALL = 'pip install "ionpath[all]"'


def make_structure(task: Task, place: Path, inputs: list[Path]) -> None:
    """Build one arrangement, and the crystal with all its sites where there is one."""
    settings = task.settings
    builder = BUILDERS[settings["builder"]]
    atoms = builder(settings["arguments"], settings["supercell"], settings["seed"])
    if len(atoms) != settings["atoms"]:
        got = f"{settings['atoms']} for {len(atoms)}"
        remedy = f"write atoms = {len(atoms)}"
        raise InputError(f"{task.name}: atoms", need="the number that the study names", got=got, remedy=remedy)
    _write(atoms, place / START)
    if settings["builder"] == "argyrodite":
        _write(BUILDERS["argyrodite"]({}, settings["supercell"], 0), place / SITES)
    if settings["builder"] == "lpscl" and settings["arguments"].get("phase") == "I":  # a crystal of its own sites
        _write(BUILDERS["lpscl"](settings["arguments"], (1, 1, 1), 0), place / CRYSTAL)


def _write(atoms: Any, path: Path) -> None:
    """Write a structure whose first lattice vector lies along x, as trajectories have it."""
    from ase.geometry import cellpar_to_cell

    turned = atoms.copy()
    turned.info = {}
    turned.set_cell(cellpar_to_cell(atoms.cell.cellpar()), scale_atoms=True)
    with atomic_path(path) as part:
        turned.write(part, format="extxyz")


def _prototype(name: str, arguments: Any, supercell: Any, seed: int) -> Any:
    """A crystal of the pymatgen plugin."""
    host = require("pymatgen.analysis.argyrodite", purpose="structures of studies", install=INSTALL)
    from pymatgen.io.ase import AseAtomsAdaptor

    repeats = np.array(supercell, dtype=int) if np.ndim(supercell) == 2 else tuple(supercell)
    seeded = {"seed": seed} if name in ("argyrodite", "lpscl") else {}
    return AseAtomsAdaptor.get_atoms(getattr(host, name)(supercell=repeats, **seeded, **arguments), msonable=False)


def _lspscl(arguments: Any, supercell: Any, seed: int) -> Any:
    """The stored structure first, then others of its 48 arrangements, with lithium drawn for each."""
    if seed == 1:
        return _prototype("lspscl", arguments, supercell, seed)
    from ase import Atoms

    host = require("pymatgen.analysis.argyrodite.hooks", purpose="structures of studies", install=INSTALL)
    symbols, places, cell = host.structures()["LSPSCl-drawn"](seed)
    return _repeated(Atoms(symbols, places, cell=cell, pbc=True), supercell)


def _repeated(atoms: Any, supercell: Any) -> Any:
    from ase.build import make_supercell

    matrix = np.array(supercell)
    return make_supercell(atoms, np.diag(matrix) if matrix.ndim == 1 else matrix)


def _packed(arguments: Any, supercell: Any, seed: int) -> Any:
    training = require("ionpath_ase.training", purpose="packing ions at random", install=INSTALL)
    return training.packed_ions(arguments["counts"], density=arguments.get("density", 1.9), seed=seed)


def _file(arguments: Any, supercell: Any, seed: int) -> Any:
    from ase.io import read
    from ase.io.formats import filetype

    kind = filetype(arguments["file"], read=False)
    return _repeated(read(io.StringIO(arguments["text"]), format=kind), supercell)


BUILDERS: dict[str, Callable[[Any, Any, int], Any]] = {
    "argyrodite": partial(_prototype, "argyrodite"),
    "lpscl": partial(_prototype, "lpscl"),
    "lspscl": _lspscl,
    "thiophosphate": partial(_prototype, "lithium_thiophosphate"),
    "packed": _packed,
    "file": _file,
}
"""Name -> function of arguments, supercell and seed that gives ASE atoms."""
