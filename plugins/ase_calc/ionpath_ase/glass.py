"""Glass-ceramics and annealed glasses: a crystal slab in its own melt, and published heat treatments."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive
from ionpath.msonable import Msonable
from ionpath_ase.md import MDResult, run_md
from ionpath_ase.md.log import passed_through
from ionpath_ase.md.settings import ENSEMBLES
from ionpath_ase.quench import Quench, melt_quench


@documented
@dataclass(frozen=True)
class HeatStep(Msonable):
    """One step of a heat treatment."""

    temperature: float  # temperature at its start in K
    picoseconds: float  # its length in ps
    # temperature at its end in K; the target goes there linearly. None holds the first.
    final_temperature: float | None = None
    ensemble: str = "npt"  # ``nvt``, ``npt`` or ``npt-aniso``
    timestep: float = 2.0  # time step in fs

    def __post_init__(self) -> None:
        for name in ("temperature", "picoseconds", "timestep"):
            positive(name, getattr(self, name))
        if self.final_temperature is not None:
            positive("final_temperature", self.final_temperature)


PROTOCOLS: dict[str, tuple[HeatStep, ...]] = {
    "glass": (HeatStep(1500.0, 100.0, timestep=0.5), HeatStep(1500.0, 480.0, 300.0, timestep=0.5)),
    "crystal": (HeatStep(500.0, 1000.0, 300.0, timestep=0.5),),
    "amorphous": (
        HeatStep(4000.0, 10.0, ensemble="nvt", timestep=1.0),
        HeatStep(2000.0, 20.0, ensemble="nvt", timestep=1.0),
        HeatStep(2000.0, 17.0, 300.0, ensemble="nvt", timestep=1.0),
    ),
    "short-glass": (
        HeatStep(1500.0, 10.0, ensemble="nvt", timestep=1.0),
        HeatStep(1500.0, 24.0, 300.0, ensemble="nvt", timestep=1.0),
        HeatStep(300.0, 10.0),
    ),
}
"""Heat treatments by name. ``glass`` and ``crystal`` are those of Chen et al. for Li3PS4: 100 ps at 1500 K, then 2.5
K/ps to 300 K, NPT with 0.5 fs; and the crystal from 500 K to 300 K in 1 ns. ``amorphous`` is that of Jang et al.,
J. Mater. Chem. A 13, 16547 (2025): 10 ps at 4000 K, 20 ps at 2000 K, then 100 K/ps to 300 K, in cells strained by -5, 0
and 5 %. ``short-glass`` is a first look: 20 times faster than ``glass``, at constant volume while it is hot."""


_OURS = {
    "atoms",
    "folder",
    "fixed",
    "suffix",
    "seed",
    "options",
    "temperature",
    "picoseconds",
    "ensemble",
    "trajectory",
}
"""Arguments of `melt_quench` and `run_md` that `glass_ceramic` sets itself."""


@documented
@dataclass(frozen=True)
class Annealed(Msonable):
    """A structure and its heat treatment."""

    atoms: Atoms  # last configuration, with velocities
    steps: tuple[HeatStep, ...]  # what was done
    runs: tuple[MDResult, ...]  # the run of each step


@documented
@dataclass(frozen=True)
class GlassCeramic(Msonable):
    """A crystal slab between layers of its glass."""

    atoms: Atoms  # last configuration, with velocities; the crystal's atoms come first
    n_crystal: int  # number of atoms of the crystal
    crystal_fraction: float  # their share of all atoms
    quench: Quench  # melt, cooling and settling of the glass, with the crystal at rest
    relaxed: MDResult  # last run, in which all atoms move


@typed
def anneal(
    atoms: Atoms,
    folder: str | os.PathLike[str],
    protocol: str | Sequence[HeatStep] = "short-glass",
    *,
    suffix: str = ".xtc",
    seed: int = 0,
    **options: Any,
) -> Annealed:
    """Heat and cool a structure step by step.

    Parameters
    ----------
    atoms : ase.Atoms
        Start; not changed.
    folder : str or path
        Where the runs go; a stopped call goes on.
    protocol : str or sequence of HeatStep, default "short-glass"
        Name in `PROTOCOLS`, or steps. The published ones take nanoseconds; the default is 20 times faster and says
        little about the structure of a real glass.
    suffix : str, default ".xtc"
        Kind of trajectory.
    seed : int, default 0
        Seed of the velocities.
    **options
        Passed to `run_md`: ``engine``, ``model``, ``progress`` and others.

    Returns
    -------
    Annealed
        Structure and runs.
    """
    if isinstance(protocol, str):
        if protocol not in PROTOCOLS:
            raise InputError("protocol", need=f"one of {', '.join(PROTOCOLS)}, or steps", got=repr(protocol))
        steps = PROTOCOLS[protocol]
    else:
        steps = tuple(protocol)
    if not steps:
        raise InputError("protocol", need="at least one step", got="none")
    runs: list[MDResult] = []
    current = atoms
    for number, step in enumerate(steps, 1):
        with passed_through(number < len(steps)):
            done = run_md(
                current,
                temperature=step.temperature,
                final_temperature=step.final_temperature,
                picoseconds=step.picoseconds,
                ensemble=step.ensemble,
                timestep=step.timestep,
                trajectory=Path(folder) / f"step-{number}{suffix}",
                seed=seed,
                **options,
            )
        runs.append(done)
        current = runs[-1].atoms
        current.calc = atoms.calc
    return Annealed(current, steps, tuple(runs))


def crystal_in_glass(
    crystal: Atoms, *, crystal_fraction: float = 0.5, axis: int = 1, expansion: float = 1.0
) -> tuple[Atoms, int]:
    """Continue a crystal along an axis by copies of itself that are to be melted.

    >>> from ase.build import bulk
    >>> both, n_crystal = crystal_in_glass(bulk("LiCl", "rocksalt", a=5.13, cubic=True), crystal_fraction=0.25)
    >>> n_crystal, len(both)
    (8, 32)
    """
    if not 0.0 < crystal_fraction < 1.0:
        raise InputError("crystal_fraction", need="a number between 0 and 1", got=str(crystal_fraction))
    if crystal.cell.rank < 3:
        remedy = "set one with set_cell"
        raise InputError("crystal", need="a cell with three lattice vectors", got="none", remedy=remedy)
    if axis not in (0, 1, 2):
        raise InputError("axis", need="0, 1 or 2", got=str(axis))
    positive("expansion", expansion)
    repeats = max(2, round(1.0 / crystal_fraction))
    times = [1, 1, 1]
    times[axis] = repeats
    both = crystal.repeat(times)  # the first repeat comes first
    fractional = both.get_scaled_positions(wrap=False)
    scale = (1.0 + (repeats - 1) * expansion) / repeats
    along = fractional[:, axis] * repeats
    # beyond the slab, lengths grow by `expansion`
    along = np.where(np.arange(len(both)) < len(crystal), along, 1.0 + (along - 1.0) * expansion)
    cell = both.cell.array.copy()
    cell[axis] *= scale
    fractional[:, axis] = along / (repeats * scale)
    both.set_cell(cell)
    both.set_scaled_positions(fractional)
    both.pbc = True
    return both, len(crystal)


@typed
def glass_ceramic(
    crystal: Atoms,
    folder: str | os.PathLike[str],
    *,
    crystal_fraction: float = 0.5,
    axis: int = 1,
    expansion: float = 1.0,
    relax_temperature: float = 300.0,
    relax_picoseconds: float = 20.0,
    relax_ensemble: str = "npt-aniso",
    timestep: float = 2.0,
    seed: int = 0,
    suffix: str = ".xtc",
    melt: dict[str, Any] | None = None,
    **options: Any,
) -> GlassCeramic:
    """Build a glass-ceramic: melt and quench around a crystal slab that is held, then let all of it relax.

    Parameters
    ----------
    crystal : ase.Atoms
        Supercell of the crystal, the slab.
    folder : str or path
        Where the stages write; a stopped call goes on.
    crystal_fraction : float, default 0.5
        Share of atoms of the crystal (published: 0.25 and 0.5).
    axis : int, default 1
        Lattice vector along which crystal and glass alternate.
    expansion : float, default 1
        Factor by which the glass is longer than as much crystal.
    relax_temperature, relax_picoseconds, relax_ensemble, timestep : optional
        Temperature in K (300), length in ps (20), ensemble (npt-aniso) and time step in fs (2) of the last run.
    seed, suffix : optional
        Seed of the velocities, and kind of trajectory.
    melt : dict, optional
        Options of `melt_quench`, such as ``{"cooling_rate": 2.5, "melt_picoseconds": 100}``.
    **options
        Passed to `run_md` in all stages: ``engine``, ``model``, ``progress`` and others.

    Returns
    -------
    GlassCeramic
        Structure and runs.

    Notes
    -----
    The way of Chen et al. for Li3PS4: forces on the crystal are zero in melt and quench at constant volume, then the
    whole relaxes at constant pressure. They melt 100 ps at 1500 K and cool at 2.5 K/ps, with 0.5 fs and slabs of 8 nm;
    the defaults here (20 ps, 25 K/ps, 1 fs) are for a first look.
    """
    # Said before the melt, which takes hours, and in the words of this call.
    positive("relax_temperature", relax_temperature, "K")
    positive("timestep", timestep, "fs")
    one_of("relax_ensemble", relax_ensemble, ENSEMBLES)
    remedy = "for example relax_picoseconds=20"
    if positive("relax_picoseconds", relax_picoseconds, "ps", remedy=remedy) < 5e-4 * timestep:
        need = f"one step of {timestep:g} fs or more, in ps"
        raise InputError("relax_picoseconds", need=need, got=f"{relax_picoseconds:g}", remedy=remedy)
    both, n_crystal = crystal_in_glass(crystal, crystal_fraction=crystal_fraction, axis=axis, expansion=expansion)
    both.calc = crystal.calc
    place = Path(folder)
    known = (inspect.signature(melt_quench).parameters.keys() | inspect.signature(run_md).parameters.keys()) - _OURS
    for name in melt or {}:
        one_of("melt", name, sorted(known))
    settle: dict[str, Any] = {"settle_ensemble": "nvt", "settle_picoseconds": 5.0, **(melt or {})}
    if settle["settle_ensemble"] != "nvt":
        raise InputError("settle_ensemble", need="nvt while the crystal is held", got=repr(settle["settle_ensemble"]))
    held = tuple(range(n_crystal))
    with passed_through():
        quench = melt_quench(both, place, fixed=held, suffix=suffix, seed=seed, **settle, **options)
    start = quench.atoms.copy()
    start.set_constraint()
    start.set_array("momenta", None)  # the crystal has none yet: draw all of them anew
    start.calc = crystal.calc
    relaxed = run_md(
        start,
        temperature=relax_temperature,
        picoseconds=relax_picoseconds,
        ensemble=relax_ensemble,
        timestep=timestep,
        trajectory=place / f"relax{suffix}",
        seed=seed,
        **options,
    )
    return GlassCeramic(relaxed.atoms, n_crystal, n_crystal / len(both), quench, relaxed)
