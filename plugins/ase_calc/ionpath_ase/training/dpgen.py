"""Concurrent learning on a cluster: the complete input of DP-GEN."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from ase.io import write

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.files import atomic_path
from ionpath_ase.training.dataset import TYPE_MAP, write_deepmd
from ionpath_ase.training.opes import multithermal_lines
from ionpath_ase.training.presets import dp_input
from ionpath_ase.training.repulsion import write_repulsion
from ionpath_ase.training.selection import Window

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
        kinds = ("md", "opes-multithermal", "opes-multithermal-multibaric")
        if self.exploration not in kinds:
            raise InputError("exploration", need=f"one of {', '.join(kinds)}", got=repr(self.exploration))
        unknown = [element for element in self.elements if element not in _VALENCE]
        if unknown:
            raise InputError("elements", need=f"some of {', '.join(_VALENCE)}", got=", ".join(unknown))
        for low, high in self.temperature_ranges:
            if not 50.0 <= low < high:
                need = "pairs of ascending temperatures of 50 K or more"
                remedy = "the expanded ensemble is singular at 0 K"
                raise InputError("temperature_ranges", need=need, got=f"{low:g} to {high:g} K", remedy=remedy)
        for name in ("picoseconds", "timestep", "stride", "members", "most_labels", "cutoff"):
            if not getattr(self, name) > 0:
                raise InputError(name, need="a number above 0", got=str(getattr(self, name)))
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
    starts : mapping of str to ase.Atoms
        Structures from which exploration starts, by name.
    frames : sequence of ase.Atoms
        Labelled frames to begin with.
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
        for name, lines in (("input.lammps", _lammps(chosen)), ("input.plumed", _plumed(chosen))):
            with atomic_path(target / "template" / name) as part:
                part.write_text("\n".join(lines) + "\n")
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


def _parameters(settings: DpgenSettings, data: list[str], systems: list[str]) -> dict[str, Any]:
    """The content of param.json."""
    training = dp_input(settings.preset, training=["init"], elements=settings.elements, steps=settings.steps)
    training["training"]["training_data"]["systems"] = []  # DP-GEN fills these
    return {
        "type_map": list(settings.elements),
        "mass_map": _masses(settings.elements),
        "init_data_prefix": "init",
        "init_data_sys": data,
        "init_batch_size": [1] * len(data),
        "sys_configs_prefix": "systems",
        "sys_configs": [[f"{name}/POSCAR"] for name in systems],
        "sys_batch_size": [1] * len(systems),
        "sys_format": "vasp/poscar",
        "numb_models": settings.members,
        "training_reuse_iter": 1,
        "training_reuse_old_ratio": "auto",
        "training_reuse_start_lr": training["learning_rate"]["start_lr"] / 10,
        "training_reuse_start_pref_e": training["loss"]["limit_pref_e"],
        "training_reuse_start_pref_f": 100,
        "training_reuse_numb_steps": max(training["training"]["numb_steps"] // 5, 1),
        "default_training_param": training,
        "model_devi_dt": settings.timestep * 1e-3,
        "model_devi_skip": 0,
        "model_devi_f_trust_lo": settings.window.low,
        "model_devi_f_trust_hi": settings.window.high,
        "model_devi_clean_traj": 3,
        "model_devi_plumed": settings.exploration != "md",
        "model_devi_jobs": _jobs(settings, len(systems)),
        "shuffle_poscar": False,
        "fp_style": "cp2k",
        "fp_task_max": settings.most_labels,
        "fp_task_min": 1,
        "ratio_failed": 0.05,
        "user_fp_params": _cp2k(settings),
    }


def _jobs(settings: DpgenSettings, n_systems: int) -> list[dict[str, Any]]:
    """One exploration per iteration."""
    everything = list(range(n_systems))
    if settings.exploration == "md":
        return [
            {
                "sys_idx": everything,
                "temps": list(settings.temperatures),
                "press": [_BAR],
                "trj_freq": settings.stride,
                "nsteps": settings.md_steps,
                "ensemble": "npt",
                "_idx": f"{number:02d}",
            }
            for number in range(len(settings.temperature_ranges))
        ]
    return [
        {
            "template": {"lmp": "template/input.lammps", "plm": "template/input.plumed"},
            "sys_idx": everything,
            "trj_freq": settings.stride,
            "rev_mat": {
                "lmp": {"V_NSTEPS": [settings.md_steps], "V_TEMP": [0.5 * (low + high)]},
                "plm": {"V_LOW": [low], "V_HIGH": [high]},
            },
            "_idx": f"{number:02d}",
        }
        for number, (low, high) in enumerate(settings.temperature_ranges)
    ]


def _lammps(settings: DpgenSettings) -> list[str]:
    """LAMMPS input in which DP-GEN puts models, dump and PLUMED file; thermostat 1 ps, barostat 0.5 ps as published."""
    ensemble = (
        f"npt temp V_TEMP V_TEMP 1.0 iso {_BAR:g} {_BAR:g} 0.5"
        if settings.exploration.endswith("multibaric")
        else "nvt temp V_TEMP V_TEMP 1.0"
    )
    return [
        "units           metal",
        "boundary        p p p",
        "atom_style      atomic",
        "neighbor        1.0 bin",
        "box             tilt large",
        "read_data       conf.lmp",
        "change_box      all triclinic",
        *(f"mass            {k} {mass:.6f}" for k, mass in enumerate(_masses(settings.elements), 1)),
        "pair_style      deepmd",
        f"pair_coeff      * * {' '.join(settings.elements)}",
        "thermo_style    custom step temp pe ke etotal press vol",
        f"thermo          {settings.stride}",
        f"dump            dpgen_dump all custom {settings.stride} traj/*.lammpstrj id type x y z fx fy fz",
        "velocity        all create V_TEMP 826513",
        f"fix             ensemble all {ensemble}",
        "fix             dpgen_plm all plumed plumedfile input.plumed outfile output.plumed",
        f"timestep        {settings.timestep * 1e-3:g}",
        "run             V_NSTEPS",
    ]


def _plumed(settings: DpgenSettings) -> list[str]:
    """The bias of `multithermal_lines`, with names where DP-GEN puts numbers."""
    low, middle, high = 51.0, 52.0, 53.0  # numbers that stand for the names
    lines = multithermal_lines(
        ".",
        temperature=middle,
        temperature_range=(low, high),
        pressure=_BAR * 1e-4 if settings.exploration.endswith("multibaric") else None,
    )
    names = {"TEMP=52": "TEMP=V_TEMP", "TEMP_MIN=51": "TEMP_MIN=V_LOW", "TEMP_MAX=53": "TEMP_MAX=V_HIGH"}
    here = f"{Path('.').resolve()}{os.sep}"
    made = []
    for line in lines:
        for number, name in names.items():
            line = line.replace(number, name)
        made.append(line.replace(here, ""))
    return made


def _cp2k(settings: DpgenSettings) -> dict[str, Any]:
    """What differs from DP-GEN's own CP2K input."""
    return {
        "FORCE_EVAL": {
            "DFT": {
                "MGRID": {"CUTOFF": settings.cutoff, "REL_CUTOFF": 50, "NGRIDS": 4},
                "XC": {
                    "XC_FUNCTIONAL": {"_": "PBE"},
                    "VDW_POTENTIAL": {
                        "DISPERSION_FUNCTIONAL": "PAIR_POTENTIAL",
                        "PAIR_POTENTIAL": {
                            "TYPE": "DFTD3",
                            "PARAMETER_FILE_NAME": "dftd3.dat",
                            "REFERENCE_FUNCTIONAL": "PBE",
                        },
                    },
                },
            },
            "SUBSYS": {
                "KIND": {
                    "_": list(settings.elements),
                    "POTENTIAL": [f"GTH-PBE-q{_VALENCE[element]}" for element in settings.elements],
                    "BASIS_SET": ["DZVP-MOLOPT-SR-GTH"] * len(settings.elements),
                }
            },
        }
    }


def _machine(settings: DpgenSettings) -> dict[str, Any]:
    """The content of machine.json: Slurm, from a login node."""
    made: dict[str, Any] = {"api_version": "1.0", "deepmd_version": settings.deepmd_version}
    for stage in _STAGES:
        gpus = 0 if stage == "fp" else 1
        made[stage] = [
            {
                "command": settings.commands[stage],
                "machine": {
                    "batch_type": "Slurm",
                    "context_type": "LocalContext",
                    "local_root": "./",
                    "remote_root": f"./work-{stage}",
                },
                "resources": {
                    "batch_type": "Slurm",
                    "number_node": 1,
                    "cpu_per_node": 32 if stage == "fp" else 4,
                    "gpu_per_node": gpus,
                    "queue_name": settings.queue,
                    "group_size": 1 if stage == "train" else 10,
                },
            }
        ]
    made["fp"][0]["user_forward_files"] = ["cp2k_basis_pp_file"]
    return made


def _masses(elements: Sequence[str]) -> list[float]:
    return [round(float(atomic_masses[atomic_numbers[element]]), 6) for element in elements]
