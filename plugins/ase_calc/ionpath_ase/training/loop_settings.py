"""Parameters of a concurrent learning loop, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ionpath.errors import InputError
from ionpath_ase.training.selection import Window

EXPLORATIONS = ("md", "opes-multithermal", "opes-multithermal-multibaric")
_ABOVE_ZERO = ("picoseconds", "interval", "timestep", "check_picoseconds", "limit", "max_force", "closest")


@dataclass(frozen=True)
class LoopSettings:
    """Parameters of `learn`.

    Attributes
    ----------
    temperatures : tuple[float, ...]
        Temperatures of exploration in K; with OPES those of the thermostat.
    picoseconds : float
        Length of each exploring run in ps.
    interval : float
        Time between the frames that are judged, ps.
    timestep : float
        Time step in fs.
    ensemble : str
        ``nvt``, ``npt`` or ``npt-aniso``.
    pressure : float
        Pressure in GPa (NPT).
    engine : str
        ``lammps`` or ``ase``.
    exploration : str
        ``md``; or ``opes-multithermal``, where a bias makes one run visit all temperatures of `temperature_range`; or
        ``opes-multithermal-multibaric``, with all pressures of `pressure_range` too (NPT).
    temperature_range : tuple[float, float]
        Range of OPES in K.
    pressure_range : tuple[float, float]
        Range of OPES in GPa; by default 0.9 to 1.1 atm.
    window : Window
        Range of the largest force deviation in which frames are labelled.
    limit : float
        Force deviation in eV/A that stops an exploring run.
    check_picoseconds : float
        How often a run is checked against the limit, ps.
    members : int
        Number of models, 3 at least.
    preset : str
        Settings of the models (`ionpath_ase.training.PRESETS`).
    steps : int | None
        Training steps of each model, if not those of the preset.
    overrides : dict[str, Any]
        Entries of the preset to change.
    most_candidates : int
        Frames that are labelled per run and iteration, at most.
    accurate_share : float
        Share of accurate frames at which the loop stops.
    max_iterations : int
        Iterations after which the loop stops.
    max_force : float
        Labels with a larger force component, in eV/A, are refused.
    closest : float
        Frames with atoms closer than this, in A, are refused.
    seed : int
        Seed of everything.
    """

    temperatures: tuple[float, ...] = (300.0, 600.0, 900.0)
    picoseconds: float = 5.0
    interval: float = 0.05
    timestep: float = 2.0
    ensemble: str = "nvt"
    pressure: float = 0.0
    engine: str = "lammps"
    exploration: str = "md"
    temperature_range: tuple[float, float] = (300.0, 1200.0)
    pressure_range: tuple[float, float] = (0.9 * 1.01325e-4, 1.1 * 1.01325e-4)
    window: Window = field(default_factory=Window)
    limit: float = 2.0
    check_picoseconds: float = 0.5
    members: int = 3
    preset: str = "shipped"
    steps: int | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    most_candidates: int = 20
    accurate_share: float = 0.99
    max_iterations: int = 5
    max_force: float = 12.0
    closest: float = 1.15
    seed: int = 1

    def __post_init__(self) -> None:
        if self.exploration not in EXPLORATIONS:
            raise InputError("exploration", need=f"one of {', '.join(EXPLORATIONS)}", got=repr(self.exploration))
        if not self.temperatures or not all(value > 0.0 for value in self.temperatures):
            raise InputError("temperatures", need="temperatures above 0 K", got=str(list(self.temperatures)))
        for name in _ABOVE_ZERO:
            if not getattr(self, name) > 0.0:
                raise InputError(name, need="a number above 0", got=str(getattr(self, name)))
        if not 0.0 < self.accurate_share <= 1.0:
            raise InputError("accurate_share", need="a share above 0, up to 1", got=str(self.accurate_share))
        if self.members < 3:
            raise InputError(
                "members", need="at least 3 models", got=str(self.members), remedy="two cannot tell which one is wrong"
            )
        for name in ("most_candidates", "max_iterations"):
            if getattr(self, name) < 1:
                raise InputError(name, need="at least 1", got=str(getattr(self, name)))
        if not self.limit > self.window.high:
            raise InputError(
                "limit", need=f"a deviation above the window's {self.window.high:g} eV/A", got=f"{self.limit:g}"
            )
        self._check_opes()

    def _check_opes(self) -> None:
        if self.exploration == "md":
            return
        barostat = self.ensemble.startswith("npt")
        if barostat != self.exploration.endswith("multibaric"):
            need = "npt or npt-aniso" if not barostat else "nvt, or opes-multithermal-multibaric"
            raise InputError("ensemble", need=f"{need} for {self.exploration}", got=self.ensemble)
