"""Where the time of a run goes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from ionpath.documented import documented
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True)
class MDProfile(Msonable):
    """Wall time of one call of `run_md` in seconds, by what it went into; the parts add up to the whole."""

    start: float  # loading the potential and the first forces, before the first step
    model: float  # energies and forces of the potential, or of the calculator of the atoms
    output: float  # trajectory, log, checkpoints, and handing frames from LAMMPS to Python
    other: float  # integration, checks of every frame, and LAMMPS setting up anew after a checkpoint
    # lists of neighbours; None where the calculator searches by itself, which is then part of `model`
    neighbours: float | None = None
    plumed: float | None = None  # PLUMED, its Python variables included; None without PLUMED

    @property
    def wall(self) -> float:
        """The whole in seconds."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, float]:
        """Seconds by name, of the parts that are known."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in values if value is not None}

    def shares(self) -> dict[str, float]:
        """Share of each part in the whole; they add up to 1.

        Examples
        --------
        >>> from ionpath_ase.md import MDProfile
        >>> MDProfile(start=1.0, model=7.0, output=0.5, other=1.5).shares()
        {'start': 0.1, 'model': 0.7, 'output': 0.05, 'other': 0.15}
        """
        return {name: value / self.wall for name, value in self.parts().items()}

    def __str__(self) -> str:
        told = {"plumed": "PLUMED", "start": "start-up"}
        ordered = sorted(self.shares().items(), key=lambda item: -item[1])
        return f"{self.wall:.1f} s: " + ", ".join(f"{told.get(name, name)} {share:.1%}" for name, share in ordered)


class Stopwatch:
    """Wall time by name; what runs inside another part is taken off that one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside = [0.0]
        self._watched: list[tuple[Any, str, Any]] = []

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose time is counted."""

        def counted(*words: Any, **more: Any) -> Any:
            start = time.perf_counter()
            self._inside.append(0.0)
            try:
                return call(*words, **more)
            finally:
                spent = time.perf_counter() - start
                self.seconds[name] = self.seconds.get(name, 0.0) + spent - self._inside.pop()
                self._inside[-1] += spent

        return counted

    def watch(self, thing: Any, method: str, name: str) -> None:
        """Count the time of a method of one object until `release`."""
        self._watched.append((thing, method, vars(thing).get(method)))
        setattr(thing, method, self.timed(name, getattr(thing, method)))

    def release(self) -> None:
        """Leave all objects as they were."""
        while self._watched:
            thing, method, before = self._watched.pop()
            if before is None:
                delattr(thing, method)
            else:
                setattr(thing, method, before)

    def profile(self, start: float, wall: float) -> MDProfile:
        """What was counted, of a run whose steps took so long."""
        parts = {"model": 0.0, "output": 0.0} | self.seconds
        return MDProfile(start=start, other=max(0.0, wall - sum(parts.values())), **parts)


def of_lammps(screen: str, walls: list[tuple[float, bool]]) -> dict[str, float]:
    """Seconds of LAMMPS by name, of what it wrote after each chunk of steps, and how long each took from outside.

    What a chunk took besides its loop is handing over a frame, unless LAMMPS was set up anew for it.
    """
    loops = [float(found) for found in re.findall(r"^Loop time of (\S+)", screen, re.MULTILINE)][1:]  # not of run 0
    sections: dict[str, float] = {}
    for name, seconds in re.findall(r"^(\w+)\s*\|[^|\n]*\|\s*([^|\s]+)\s*\|", screen, re.MULTILINE):
        if name in ("Pair", "Neigh", "Output"):
            sections[name] = sections.get(name, 0.0) + float(seconds)
    handed = sum(max(0.0, wall - loop) for (wall, anew), loop in zip(walls, loops, strict=False) if not anew)
    names = {"Pair": "model", "Neigh": "neighbours", "Output": "output"}
    found = {names[name]: value for name, value in sections.items()}
    return found | {"output": found.get("output", 0.0) + handed}
