"""Which frames a committee is sure of, which it should learn and which it cannot judge; and how a loop explores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, IonpathError, one_of, positive

FloatArray = NDArray[np.float64]
_NAMED = 5


class DeviationError(IonpathError):
    """A committee that disagrees more than a limit allows."""


@typed
@documented
@dataclass(frozen=True)
class Window:
    """Range of the largest force deviation in which frames are worth a label.

    Notes
    -----
    The default of 0.15 to 0.25 eV/A is that of Guan et al., arXiv:2412.07115; the scheme is that of Zhang et al., Phys.
    Rev. Mater. 3, 023804 (2019), doi:10.1103/PhysRevMaterials.3.023804.

    Examples
    --------
    >>> Window().classify([0.1, 0.15, 0.2, 0.25]).tolist()
    ['accurate', 'candidate', 'candidate', 'failed']
    """

    low: float = 0.15  # below it, in eV/A, the committee agrees: the frame is accurate
    high: float = 0.25  # from it on, in eV/A, the frame is too far from everything known: it failed

    def __post_init__(self) -> None:
        if not 0.0 < self.low < self.high:
            got = f"{self.low:g} and {self.high:g}"
            raise InputError("window", need="two deviations in eV/A, above 0 and ascending", got=got)

    def classify(self, deviations: Sequence[float] | FloatArray) -> NDArray[np.str_]:
        """Sort frames by their largest force deviations (n_frames,) in eV/A: ``accurate``, ``candidate`` or ``failed``.

        What is not a number failed.
        """
        values = np.asarray(deviations, dtype=float)
        return np.where(
            values < self.low, "accurate", np.where((values >= self.low) & (values < self.high), "candidate", "failed")
        )


def frame_deviations(frames: Sequence[Atoms], committee: Any) -> FloatArray:
    """Force deviation of every atom in every frame."""
    rows = []
    for frame in frames:
        copy = frame.copy()
        copy.calc = committee
        rows.append(copy.calc.get_property("force_deviation", copy))
    return np.array(rows).reshape(len(rows), len(frames[0]) if len(frames) else 0)


def check_deviation(deviation: FloatArray, limit: float, symbols: Sequence[str], where: str) -> None:
    """Stop where a committee disagrees too much, and name the atoms.

    >>> check_deviation(np.array([0.1, 3.0]), 2.0, ["Li", "S"], "LiS at 600 K, 1.5 ps")
    Traceback (most recent call last):
    ...
    ionpath_ase.training.selection.DeviationError: LiS at 600 K, 1.5 ps: need a force deviation of at most 2 eV/A, got \
3 eV/A at atom 1 (S); label frames before this one and train again, or lower the temperature
    """
    above = np.flatnonzero(~(deviation <= limit))
    if len(above) == 0:
        return
    order = above[np.argsort(-np.nan_to_num(deviation[above], nan=np.inf), kind="stable")]
    named = ", ".join(f"{index} ({symbols[index]})" for index in order[:_NAMED])
    more = f" and {len(order) - _NAMED} others" if len(order) > _NAMED else ""
    plural = "s" if len(order) > 1 else ""
    raise DeviationError(
        f"{where}: need a force deviation of at most {limit:g} eV/A, got {deviation[order[0]]:.3g} eV/A at "
        f"atom{plural} {named}{more}; label frames before this one and train again, or lower the temperature"
    )


def choose(classes: NDArray[np.str_], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Choose candidates at random.

    >>> choose(np.array(["accurate", "candidate", "candidate"]), 5, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    candidates = np.flatnonzero(classes == "candidate")
    if len(candidates) > most:
        candidates = np.sort(rng.choice(candidates, most, replace=False))
    return candidates


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
        if self.interval > self.picoseconds:
            got = f"{self.picoseconds:g}"
            remedy = f"no frame would be judged: explore for longer, or take interval={self.picoseconds:g} or less"
            raise InputError("picoseconds", need=f"an interval of {self.interval:g} ps or more", got=got, remedy=remedy)
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
