"""Parameters of a concurrent learning loop, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive
from ionpath_ase.training.selection import Window

EXPLORATIONS = ("md", "opes-multithermal", "opes-multithermal-multibaric")
_ABOVE_ZERO = ("picoseconds", "interval", "timestep", "check_picoseconds", "limit", "max_force", "closest")


@typed
@documented
@dataclass(frozen=True)
class LoopSettings:
    """Parameters of `learn`."""

    # temperatures of exploration in K; with OPES those of the thermostat
    temperatures: tuple[float, ...] = (300.0, 600.0, 900.0)
    picoseconds: float = 5.0  # length of each exploring run in ps
    interval: float = 0.05  # time between the frames that are judged, ps
    timestep: float = 2.0  # time step in fs
    ensemble: str = "nvt"  # ``nvt``, ``npt`` or ``npt-aniso``
    pressure: float = 0.0  # pressure in GPa (NPT)
    engine: str = "lammps"  # ``lammps`` or ``ase``
    # ``md``; or ``opes-multithermal``, where a bias makes one run visit all temperatures of `temperature_range`; or
    # ``opes-multithermal-multibaric``, with all pressures of `pressure_range` too (NPT)
    exploration: str = "md"
    temperature_range: tuple[float, float] = (300.0, 1200.0)  # range of OPES in K
    # range of OPES in GPa; by default 0.9 to 1.1 atm
    pressure_range: tuple[float, float] = (0.9 * 1.01325e-4, 1.1 * 1.01325e-4)
    window: Window = field(default_factory=Window)  # range of the largest force deviation in which frames are labelled
    limit: float = 2.0  # force deviation in eV/A that stops an exploring run
    check_picoseconds: float = 0.5  # how often a run is checked against the limit, ps
    members: int = 3  # number of models, 3 at least
    preset: str = "shipped"  # settings of the models (`ionpath_ase.training.PRESETS`)
    steps: int | None = None  # training steps of each model, if not those of the preset
    overrides: dict[str, Any] = field(default_factory=dict)  # entries of the preset to change
    most_candidates: int = 20  # frames that are labelled per run and iteration, at most
    accurate_share: float = 0.99  # share of accurate frames at which the loop stops
    max_iterations: int = 5  # iterations after which the loop stops
    max_force: float = 12.0  # labels with a larger force component, in eV/A, are refused
    closest: float = 1.15  # frames with atoms closer than this, in A, are refused
    seed: int = 1  # seed of everything

    def __post_init__(self) -> None:
        one_of("exploration", self.exploration, EXPLORATIONS)
        if not self.temperatures or not all(value > 0.0 for value in self.temperatures):
            raise InputError("temperatures", need="temperatures above 0 K", got=str(list(self.temperatures)))
        for name in _ABOVE_ZERO:
            positive(name, getattr(self, name))
        if not 0.0 < self.accurate_share <= 1.0:
            raise InputError("accurate_share", need="a share above 0, up to 1", got=str(self.accurate_share))
        if self.members < 3:
            remedy = "two cannot tell which one is wrong"
            raise InputError("members", need="at least 3 models", got=str(self.members), remedy=remedy)
        for name in ("most_candidates", "max_iterations"):
            if getattr(self, name) < 1:
                raise InputError(name, need="at least 1", got=str(getattr(self, name)))
        if not self.limit > self.window.high:
            got = f"{self.limit:g}"
            raise InputError("limit", need=f"a deviation above the window's {self.window.high:g} eV/A", got=got)
        barostat = self.ensemble.startswith("npt")
        if self.exploration != "md" and barostat != self.exploration.endswith("multibaric"):
            need = "npt or npt-aniso" if not barostat else "nvt, or opes-multithermal-multibaric"
            raise InputError("ensemble", need=f"{need} for {self.exploration}", got=self.ensemble)
