"""Structures of a study, by the name of a builder."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ionpath.errors import InputError, one_of, require
from ionpath.files import atomic_path
from ionpath.occupancies import check_full_occupancies
from ionpath_cli.options import read_atoms
from ionpath_cli.study.definition import Runs, Study
from ionpath_cli.study.tasks import Task

START, SITES, CRYSTAL = "structure.extxyz", "sites.extxyz", "crystal.extxyz"
INSTALL = 'pip install "ionpath[all]"'


def make_structure(task: Task, place: Path, inputs: list[Path]) -> None:
    """Build one arrangement, and the crystal with all its sites where there is one."""
    settings = task.settings
    _write(_built(settings), place / START)
    if settings["builder"] == "argyrodite":
        _write(BUILDERS["argyrodite"]({}, settings["supercell"], 0), place / SITES)
    if settings["builder"] == "lpscl" and settings["arguments"].get("phase") == "I":  # a crystal of its own sites
        _write(BUILDERS["lpscl"](settings["arguments"], (1, 1, 1), 0), place / CRYSTAL)


def check_structures(tasks: Iterable[Task], study: Study) -> None:
    """Build the first arrangement of each system, and write inputs of biased runs: what is wrong is said now."""
    from ase.calculators.calculator import get_calculator_class

    made: dict[str, Any] = {}
    for task in tasks:
        if task.stage == "structure" and task.settings["seed"] == 1:
            name = task.name.removeprefix("structure/").removesuffix(".1")
            with _within(f"systems.{name}"):
                if task.settings["builder"] == "file":
                    _read(study.folder / study.systems[name].arguments.get("file", ""))
                made[name] = _built(task.settings)
                if task.settings["builder"] == "file":  # elements, contacts and a cell that the potential can take
                    made[name].calc = get_calculator_class("ionpath")(model=study.dynamics.model)
                    made[name].get_potential_energy()
    for group in (group for group in study.runs if group.protocol):
        for name in filter(made.__contains__, group.systems):
            _check_bias(group, made[name])


def _check_bias(group: Runs, atoms: Any) -> None:
    """Refuse arguments that the input of a biased run would refuse, but for what depends on where ions are then."""
    from ionpath_plumed.protocols import metadynamics_input

    given = dict(group.arguments)
    with _within(f"runs {group.name}: arguments"):
        if "centre" in given:
            one_of("centre", given.pop("centre"), sorted(set(atoms.get_chemical_symbols())))
        try:
            metadynamics_input(atoms, str(group.protocol), temperature=group.temperatures[0], **given)
        except InputError as error:
            if error.name.split(":")[0] in given:
                raise


@contextmanager
def _within(where: str) -> Iterator[None]:
    """Say in which table of a study an argument is wrong."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error.name}", need=error.need, got=error.got, remedy=error.remedy) from error


def _built(settings: Mapping[str, Any]) -> Any:
    """One arrangement, with as many atoms as the study says."""
    builder, arguments = settings["builder"], settings["arguments"]
    known, needed = _takes(builder)
    for name in arguments:
        one_of("arguments", name, known)
    if missing := [name for name in needed if name not in arguments]:
        got = ", ".join(arguments) or "none"
        raise InputError("arguments", need=f"{' and '.join(missing)} for {builder}", got=got, remedy="add them")
    atoms = BUILDERS[builder](arguments, settings["supercell"], settings["seed"])
    if len(atoms) != settings["atoms"]:
        got, remedy = f"{settings['atoms']} for {len(atoms)}", f"write atoms = {len(atoms)}"
        raise InputError("atoms", need="the number that the structure has", got=got, remedy=remedy)
    return atoms


def _takes(builder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Arguments that a builder knows, and those that it cannot do without."""
    if builder in OWN:
        return OWN[builder]
    host = require("pymatgen.analysis.argyrodite", purpose="structures of studies", install=INSTALL)
    found = inspect.signature(getattr(host, PROTOTYPES[builder])).parameters.values()
    given = [one for one in found if one.name not in ("supercell", "seed")]
    return tuple(one.name for one in given), tuple(one.name for one in given if one.default is one.empty)


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
    if np.prod(supercell) != 1:
        need, remedy = "one cell, whose ions `counts` names", "name more ions"
        raise InputError("supercell", need=need, got=str(supercell), remedy=remedy)
    training = require("ionpath_ase.training", purpose="packing ions at random", install=INSTALL)
    return training.packed_ions(arguments["counts"], density=arguments.get("density", 1.9), seed=seed)


def _file(arguments: Any, supercell: Any, seed: int) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / arguments["file"]
        with atomic_path(path) as part:
            part.write_text(arguments["text"], encoding="utf-8")
        return _repeated(_read(path), supercell)


def _read(path: Path) -> Any:
    """A structure file whose sites are full."""
    atoms = read_atoms(path)
    order = f"order them first: ionpath build --from {path.name} --supercell 2 -o ordered.extxyz"
    check_full_occupancies(atoms.info.get("occupancy"), path.name, remedy=order)
    return atoms


PROTOTYPES = {
    "argyrodite": "argyrodite", "lpscl": "lpscl", "lspscl": "lspscl", "thiophosphate": "lithium_thiophosphate",
}  # fmt: skip
"""Builder -> function of `pymatgen.analysis.argyrodite`."""
OWN = {"packed": (("counts", "density"), ("counts",)), "file": (("file", "text"), ("file",))}
"""Builder -> arguments that it knows, and those that it cannot do without."""
BUILDERS: dict[str, Callable[[Any, Any, int], Any]] = {
    **{name: partial(_prototype, function) for name, function in PROTOTYPES.items()},
    "lspscl": _lspscl,
    "packed": _packed,
    "file": _file,
}
"""Name -> function of arguments, supercell and seed that gives ASE atoms."""
