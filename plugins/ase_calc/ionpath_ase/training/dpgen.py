"""Concurrent learning on a cluster: the complete input of DP-GEN."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from ase.io import write

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive
from ionpath.files import atomic_path
from ionpath_ase.training.dataset import TYPE_MAP, write_deepmd
from ionpath_ase.training.opes import multithermal_lines
from ionpath_ase.training.presets import dp_input
from ionpath_ase.training.repulsion import write_repulsion
from ionpath_ase.training.selection import EXPLORATIONS, Window

_VALENCE = {"Li": 3, "P": 5, "S": 6, "Cl": 7, "Si": 4}
_BAR = 1.01325  # of one atmosphere
_STAGES = ("train", "model_devi", "fp")


@typed
@documented
@dataclass(frozen=True)
class DpgenSettings:
    """Parameters of `write_dpgen`; the defaults are those of Guan et al., arXiv:2412.07115, where published."""

    preset: str = "path-entropy-III"  # settings of the models (`ionpath_ase.training.PRESETS`)
    steps: int | None = None  # training steps, if not those of the preset
    elements: tuple[str, ...] = TYPE_MAP  # elements of the model
    members: int = 4  # number of models
    window: Window = field(default_factory=Window)  # range of the largest force deviation in which frames are labelled
    # ``opes-multithermal-multibaric``, ``opes-multithermal`` or ``md``
    exploration: str = "opes-multithermal-multibaric"
    # with OPES: range of each iteration in K; the thermostat stands at its middle
    temperature_ranges: tuple[tuple[float, float], ...] = (
        (50.0, 600.0),
        (300.0, 900.0),
        (600.0, 1200.0),
        (900.0, 1500.0),
        (300.0, 1200.0),
    )
    # without OPES: temperatures of every iteration in K
    temperatures: tuple[float, ...] = (300.0, 600.0, 900.0, 1200.0)
    picoseconds: float = 10.0  # length of each exploring run in ps
    timestep: float = 2.0  # time step in fs
    stride: int = 25  # time steps between frames that are judged
    most_labels: int = 100  # frames that are labelled per system and iteration, at most
    cutoff: float = 500.0  # Plane-wave cutoff of CP2K in Ry
    queue: str = "normal"  # name of the queue in machine.json
    deepmd_version: str = "3.1"  # version of deepmd-kit on the cluster
    # programs on the cluster: ``train``, ``model_devi`` and ``fp``
    commands: dict[str, str] = field(
        default_factory=lambda: {"train": "dp", "model_devi": "lmp", "fp": "cp2k.psmp -i input.inp"}
    )

    def __post_init__(self) -> None:
        one_of("exploration", self.exploration, EXPLORATIONS)
        unknown = [element for element in self.elements if element not in _VALENCE]
        if unknown:
            raise InputError("elements", need=f"some of {', '.join(_VALENCE)}", got=", ".join(unknown))
        for low, high in self.temperature_ranges:
            if not 50.0 <= low < high:
                need = "pairs of ascending temperatures of 50 K or more"
                remedy = "the expanded ensemble is singular at 0 K"
                raise InputError("temperature_ranges", need=need, got=f"{low:g} to {high:g} K", remedy=remedy)
        for name in ("picoseconds", "timestep", "stride", "members", "most_labels", "cutoff"):
            positive(name, getattr(self, name))
        missing = [stage for stage in _STAGES if stage not in self.commands]
        if missing:
            raise InputError("commands", need=f"a program for {', '.join(missing)}", got=str(self.commands))

    @property
    def md_steps(self) -> int:
        """Time steps of an exploring run."""
        return round(self.picoseconds * 1e3 / self.timestep)


@typed
def write_dpgen(
    starts: Mapping[str, Atoms],
    frames: Sequence[Atoms],
    folder: str | os.PathLike[str],
    *,
    settings: DpgenSettings | None = None,
) -> Path:
    """Write everything that ``dpgen run param.json machine.json`` needs.

    Parameters
    ----------
    starts, frames : mapping of str to ase.Atoms, and sequence of them
        As in `learn`.
    folder : str or path
        Where it goes; it must be empty or missing.
    settings : DpgenSettings, optional
        Parameters.

    Returns
    -------
    pathlib.Path
        The folder: ``param.json``, ``machine.json``, ``init`` (deepmd-kit data), ``systems`` (POSCAR files), and with
        OPES ``template`` (LAMMPS and PLUMED input). CP2K's basis sets and potentials go to ``cp2k_basis_pp_file`` on
        the cluster.

    Raises
    ------
    InputError
        If there is nothing to start from, an element is not among those of the model, or the folder is in use.

    Notes
    -----
    DP-GEN: Zhang et al., Comput. Phys. Commun. 253, 107206 (2020), doi:10.1016/j.cpc.2020.107206. Labels are CP2K with
    PBE-D3, DZVP-MOLOPT-SR, GTH potentials and 500 Ry. LAMMPS on the cluster needs PLUMED for OPES. The published lower
    bound of the first range, 0 K, is singular; it is 50 K here.
    """
    chosen = settings or DpgenSettings()
    target = Path(folder)
    _check(starts, frames, target, chosen)
    systems = write_deepmd(frames, target / "init", type_map=chosen.elements)
    for name, atoms in starts.items():
        _write_poscar(atoms, target / "systems" / name / "POSCAR", chosen.elements)
    if chosen.exploration != "md":
        for name, text in (("input.lammps", _lammps(chosen)), ("input.plumed", _plumed(chosen))):
            with atomic_path(target / "template" / name) as part:
                part.write_text(text)
    parameters = _parameters(chosen, [path.name for path in systems], list(starts))
    if table := parameters["default_training_param"]["model"].get("use_srtab"):
        parameters["srtab_file_path"] = write_repulsion(target / table, chosen.elements).name
    for name, data in (("param.json", parameters), ("machine.json", _machine(chosen))):
        with atomic_path(target / name) as part:
            part.write_text(json.dumps(data, indent=2) + "\n")
    return target


def _check(starts: Mapping[str, Atoms], frames: Sequence[Atoms], folder: Path, settings: DpgenSettings) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"folder {folder.name}", need="an empty folder", got="files", remedy="take another")
    if not starts:
        raise InputError("starts", need="at least one structure", got="none")
    if not frames:
        raise InputError("frames", need="at least one labelled frame", got="none")
    found = {symbol for atoms in (*starts.values(), *frames) for symbol in atoms.get_chemical_symbols()}
    unknown = sorted(found - set(settings.elements))
    if unknown:
        raise InputError("elements", need=f"{', '.join(unknown)} too", got=", ".join(settings.elements))


def _write_poscar(atoms: Atoms, path: Path, elements: Sequence[str]) -> None:
    """With elements in the order of the model's types."""
    order = sorted(range(len(atoms)), key=lambda index: elements.index(atoms.symbols[index]))
    with atomic_path(path) as part:
        write(part, atoms[order], format="vasp", direct=True, vasp5=True)


def _template(name: str) -> str:
    """What does not depend on settings; CP2K's input is what differs from DP-GEN's own."""
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def _parameters(settings: DpgenSettings, data: list[str], systems: list[str]) -> dict[str, Any]:
    """The content of param.json."""
    elements = list(settings.elements)
    training = dp_input(settings.preset, training=["init"], elements=elements, steps=settings.steps)
    training["training"]["training_data"]["systems"] = []  # DP-GEN fills these
    made: dict[str, Any] = json.loads(_template("param.json"))
    first_principles = made["user_fp_params"]["FORCE_EVAL"]
    first_principles["DFT"]["MGRID"]["CUTOFF"] = settings.cutoff
    first_principles["SUBSYS"]["KIND"] = {
        "_": elements,
        "POTENTIAL": [f"GTH-PBE-q{_VALENCE[element]}" for element in elements],
        "BASIS_SET": ["DZVP-MOLOPT-SR-GTH"] * len(elements),
    }
    return made | {
        "type_map": elements,
        "mass_map": _masses(elements),
        "init_data_sys": data,
        "init_batch_size": [1] * len(data),
        "sys_configs": [[f"{name}/POSCAR"] for name in systems],
        "sys_batch_size": [1] * len(systems),
        "numb_models": settings.members,
        "training_reuse_start_lr": training["learning_rate"]["start_lr"] / 10,
        "training_reuse_start_pref_e": training["loss"]["limit_pref_e"],
        "training_reuse_numb_steps": max(training["training"]["numb_steps"] // 5, 1),
        "default_training_param": training,
        "model_devi_dt": settings.timestep * 1e-3,
        "model_devi_f_trust_lo": settings.window.low,
        "model_devi_f_trust_hi": settings.window.high,
        "model_devi_plumed": settings.exploration != "md",
        "model_devi_jobs": _jobs(settings, len(systems)),
        "fp_task_max": settings.most_labels,
    }


def _jobs(settings: DpgenSettings, n_systems: int) -> list[dict[str, Any]]:
    """One exploration per iteration."""
    jobs: list[dict[str, Any]] = []
    for number, (low, high) in enumerate(settings.temperature_ranges):
        job = {"sys_idx": list(range(n_systems)), "trj_freq": settings.stride, "_idx": f"{number:02d}"}
        if settings.exploration == "md":
            temperatures = list(settings.temperatures)
            job |= {"temps": temperatures, "press": [_BAR], "nsteps": settings.md_steps, "ensemble": "npt"}
        else:
            lammps = {"V_NSTEPS": [settings.md_steps], "V_TEMP": [0.5 * (low + high)]}
            job["template"] = {"lmp": "template/input.lammps", "plm": "template/input.plumed"}
            job["rev_mat"] = {"lmp": lammps, "plm": {"V_LOW": [low], "V_HIGH": [high]}}
        jobs.append(job)
    return jobs


def _lammps(settings: DpgenSettings) -> str:
    """LAMMPS input in which DP-GEN puts models, dump and PLUMED file; thermostat 1 ps, barostat 0.5 ps as published."""
    multibaric = settings.exploration.endswith("multibaric")
    barostat = f" iso {_BAR:g} {_BAR:g} 0.5" if multibaric else ""
    masses = [f"mass            {k} {mass:.6f}" for k, mass in enumerate(_masses(settings.elements), 1)]
    return Template(_template("input.lammps")).substitute(
        masses="\n".join(masses), elements=" ".join(settings.elements), stride=settings.stride,
        ensemble=f"{'npt' if multibaric else 'nvt'} temp V_TEMP V_TEMP 1.0{barostat}",
        timestep=f"{settings.timestep * 1e-3:g}",
    )  # fmt: skip


def _plumed(settings: DpgenSettings) -> str:
    """The bias of `multithermal_lines`, with names where DP-GEN puts numbers."""
    pressure = _BAR * 1e-4 if settings.exploration.endswith("multibaric") else None
    # numbers that stand for the names
    text = "\n".join(multithermal_lines(".", temperature=52.0, temperature_range=(51.0, 53.0), pressure=pressure))
    names = {"TEMP=52": "TEMP=V_TEMP", "TEMP_MIN=51": "TEMP_MIN=V_LOW", "TEMP_MAX=53": "TEMP_MAX=V_HIGH"}
    for number, name in names.items():
        text = text.replace(number, name)
    return text.replace(f"{Path('.').resolve()}{os.sep}", "") + "\n"


def _machine(settings: DpgenSettings) -> dict[str, Any]:
    """The content of machine.json: Slurm, from a login node."""
    made: dict[str, Any] = json.loads(_template("machine.json")) | {"deepmd_version": settings.deepmd_version}
    for stage in _STAGES:
        made[stage][0]["command"] = settings.commands[stage]
        made[stage][0]["resources"]["queue_name"] = settings.queue
    return made


def _masses(elements: Sequence[str]) -> list[float]:
    return [round(float(atomic_masses[atomic_numbers[element]]), 6) for element in elements]
