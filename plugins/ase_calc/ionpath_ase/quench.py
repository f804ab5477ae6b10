"""Make a glass: melt, cool, and let it settle."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase import Atoms

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, positive
from ionpath.msonable import Msonable
from ionpath_ase.md import MDResult, run_md
from ionpath_ase.md.log import passed_through
from ionpath_ase.md.settings import check_step


@documented
@dataclass(frozen=True)
class Quench(Msonable):
    """A glass and how it was made."""

    atoms: Atoms  # last configuration, with velocities
    stages: dict[str, MDResult]  # ``melt``, ``cool`` and ``settle``
    cooling_rate: float  # cooling rate in K/ps


@typed
def melt_quench(
    atoms: Atoms,
    folder: str | os.PathLike[str],
    *,
    melt_temperature: float = 1500.0,
    final_temperature: float = 300.0,
    melt_picoseconds: float = 20.0,
    cooling_rate: float = 25.0,
    settle_picoseconds: float = 20.0,
    settle_ensemble: str = "npt",
    fixed: Sequence[int] = (),
    suffix: str = ".xtc",
    timestep: float = 2.0,
    melt_timestep: float = 1.0,
    seed: int = 0,
    **options: Any,
) -> Quench:
    """Melt a structure at constant volume, cool it at a constant rate, and let it settle.

    Parameters
    ----------
    atoms : ase.Atoms
        Start; not changed. Give it the volume that the melt should have.
    folder : str or path
        Where the stages write; a stopped call goes on from there.
    melt_temperature, final_temperature : float, default 1500 and 300
        Temperatures of the melt and of the glass in K.
    melt_picoseconds : float, default 20
        Time in the melt in ps.
    cooling_rate : float, default 25
        Cooling rate in K/ps.
    settle_picoseconds : float, default 20
        Time at the final temperature in ps.
    settle_ensemble : {"npt", "nvt", "npt-aniso"}
        Ensemble of the last stage.
    fixed : sequence of int, optional
        Atoms that do not move in any stage: a crystal slab, for a glass-ceramic. The last stage must then be ``nvt``.
    suffix : str, default ".xtc"
        Kind of trajectory.
    timestep, melt_timestep : float, default 2 and 1
        Time steps in fs, of the last stage, and of melt and cooling.
    seed : int, default 0
        Seed of the velocities.
    **options
        Passed to `run_md`: ``engine``, ``model``, ``progress`` and others.

    Returns
    -------
    Quench
        The glass, and the runs that made it.

    Raises
    ------
    InputError
        If the melt is not hotter than the glass, or a time or rate is not above 0.

    Notes
    -----
    The defaults are for a first look: 48 ps of cooling from 1500 K. Published glasses cool some hundred times slower
    (1 K/ps and below); say so with ``cooling_rate`` where structure matters. A potential must have been trained on
    melts: the shipped one holds them up to 1800 K; its fast variant does not (a run that fails stops with an error).
    Crystals at 1500 K hardly melt in the default time: begin with one of the ``melt-...`` of
    `ionpath_ase.training.starting_structure`.
    """
    if not melt_temperature > final_temperature > 0.0:
        got = f"{melt_temperature} and {final_temperature}"
        raise InputError("melt_temperature", need="a temperature above final_temperature, which is above 0 K", got=got)
    for name, value in (
        ("cooling_rate", cooling_rate),
        ("melt_picoseconds", melt_picoseconds),
        ("settle_picoseconds", settle_picoseconds),
    ):
        positive(name, value)
    cooling = (melt_temperature - final_temperature) / cooling_rate
    positive("timestep", timestep, "fs")
    positive("melt_timestep", melt_timestep, "fs")
    check_step("melt_picoseconds", melt_picoseconds, melt_timestep, 20)
    check_step("settle_picoseconds", settle_picoseconds, timestep, 20)
    if not 0.5 <= cooling * 1e3 / melt_timestep < float("inf"):
        need = f"a rate in K/ps that takes one step of {melt_timestep:g} fs or more"
        remedy = "for example cooling_rate=25"
        raise InputError("cooling_rate", need=need, got=f"{cooling_rate:g}, which takes {cooling:g} ps", remedy=remedy)
    plan: dict[str, dict[str, Any]] = {
        "melt": {"temperature": melt_temperature, "picoseconds": melt_picoseconds, "timestep": melt_timestep},
        "cool": {
            "temperature": melt_temperature, "final_temperature": final_temperature, "picoseconds": cooling,
            "timestep": melt_timestep,
        },
        "settle": {
            "temperature": final_temperature, "picoseconds": settle_picoseconds, "ensemble": settle_ensemble,
            "timestep": timestep,
        },
    }  # fmt: skip
    start, stages = atoms, {}
    for name, settings in plan.items():
        start.calc = atoms.calc
        file = Path(folder) / f"{name}{suffix}"
        with passed_through(name != "settle"):
            stages[name] = run_md(start, trajectory=file, fixed=fixed, seed=seed, **settings, **options)
        start = stages[name].atoms
    return Quench(start, stages, float(cooling_rate))
