"""The steps of a study: from every structure over its cell and its run to the analyses, each after its inputs."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from ionpath.errors import InputError
from ionpath.files import read_text, sha256_of
from ionpath_cli.study.definition import Runs, Study, System
from ionpath_cli.study.tasks import Task

MILLISECONDS = {
    "argyrodite": ((52, 10.0), (416, 55.0), (3328, 450.0)),
    "argyrodite.2": ((52, 3.2), (416, 18.5), (3328, 153.0)),
}
"""Measured time of a step on one core by number of atoms (docs/potential.md); other potentials count as the first."""
ANALYSIS_SECONDS = 20.0
BIASED_SLOWER = 1.3
"""A step with PLUMED's Python variables takes longer by this."""
QUENCH = {
    "melt_temperature": 1500.0, "final_temperature": 300.0, "melt_picoseconds": 20.0, "cooling_rate": 25.0,
    "settle_picoseconds": 20.0,
}  # fmt: skip
"""What `ionpath_ase.melt_quench` does by itself."""
RELAXATION = 20.0
"""Last run of `ionpath_ase.glass_ceramic` in ps."""


def step_seconds(model: str, atoms: int) -> float:
    """Time of one step on one core in s, between and beyond the measured sizes by a power of the number of atoms.

    >>> [round(1e3 * step_seconds("argyrodite", n), 1) for n in (52, 208, 416)]
    [10.0, 31.2, 55.0]
    """
    points = MILLISECONDS.get(model, MILLISECONDS["argyrodite"])
    lower, upper = points[:2] if atoms <= points[1][0] else points[1:]
    power = math.log(upper[1] / lower[1]) / math.log(upper[0] / lower[0])
    return 1e-3 * lower[1] * float(atoms / lower[0]) ** power


def offers(group: Runs) -> tuple[str, ...]:
    """Names under which rows and other analyses find the results of a group of runs."""
    return (f"biased/{group.name}",) if group.protocol else ("run", *group.analyses)


def turn(group: Runs, arrangement: int) -> int:
    """When an arrangement is due: the first of a later group comes before the second of an earlier one."""
    return group.priority + 2 * (arrangement - 1)


def study_tasks(study: Study, lengths: Mapping[str, float], processes: int = 1) -> Iterator[Task]:
    """All steps of the groups of runs that have a length, with their expected times."""
    made: dict[str, Task] = {}
    found: dict[tuple[str, str, float], list[str]] = {}
    for group in (g for g in study.runs if g.name in lengths):
        # 3 and 3.0 ps are one length, with one hash
        length = int(lengths[group.name]) if float(lengths[group.name]).is_integer() else float(lengths[group.name])
        for system, arrangement, temperature in _members(study, group):
            chain = _Chain(study, group, (system, arrangement, temperature), length, processes)
            for task in chain.tasks():
                if task.name not in made:
                    made[task.name] = task
                    yield task
                elif task.picoseconds > made[task.name].picoseconds:
                    got = f"{task.name} in two groups of runs"
                    remedy = "put its analyses into one of them"
                    raise InputError(f"runs {group.name}", need="each run once", got=got, remedy=remedy)
            if group.model is None:
                for kind in offers(group):
                    stage = "" if kind == "run" or group.protocol else "analysis/"
                    known = found.setdefault((kind, system.name, temperature), [])
                    known.append(f"{stage}{kind}/{chain.name}")
    for across in study.across:
        inputs = tuple(
            name for s in across.systems for t in across.temperatures for name in found.get((across.uses, s, t), ())
        )
        if across.lacking:
            continue
        arguments, options = dict(across.arguments), {}
        if "file" in arguments:
            path = study.folder / arguments["file"]
            if not path.exists():
                continue  # part of the repository, not of an installation
            options["path"] = str(path)
            arguments |= {"file": path.name, "sha256": sha256_of(path)}
        if inputs or not across.uses:
            settings = {"analysis": across.name, "arguments": arguments}
            settings |= {"potential": study.dynamics.model, "model": study.dynamics.model}
            seconds = 60.0 * (across.minutes + across.minutes_per_run * len(inputs))
            yield Task(f"across/{across.name}", "across", settings, inputs, 0.0, seconds, 99, options)


def _members(study: Study, group: Runs) -> Iterator[tuple[System, int, float]]:
    """Arrangements and temperatures of a group of runs, first arrangements first."""
    most = max(study.systems[name].arrangements for name in group.systems)
    for arrangement in range(1, min(most, group.arrangements or most) + 1):
        for temperature in group.temperatures:
            for name in group.systems:
                if arrangement <= study.systems[name].arrangements:
                    yield study.systems[name], arrangement, temperature


class _Chain:
    """Steps from a structure to the analyses of its run."""

    def __init__(
        self, study: Study, group: Runs, member: tuple[System, int, float], length: float, processes: int
    ) -> None:
        self.study, self.group, self.length = study, group, length
        self.system, self.arrangement, self.temperature = system, arrangement, temperature = member
        self.model = group.model or study.dynamics.model
        self.name = self._name(arrangement)
        self._options = {"processes": processes}
        self._priority = turn(group, self.arrangement)
        self._per_ps = step_seconds(self.model, system.atoms) * 1e3 / study.dynamics.timestep
        self._common = {"temperature": temperature, "timestep": study.dynamics.timestep, "model": self.model}

    def _name(self, arrangement: int) -> str:
        suffix = f"-{self.group.model}" if self.group.model else ""
        return f"{self.system.name}.{arrangement}-{self.temperature:g}K{suffix}"

    def tasks(self) -> Iterator[Task]:
        """All of them, in order."""
        dynamics, system = self.study.dynamics, self.system
        # a glass has its own density, and a disordered crystal of low symmetry its own edges
        apart = system.quench or (system.ensemble == "npt-aniso" and not system.ordered)
        first = self.arrangement if apart else 1
        yield from self._structure(first)
        yield from self._structure(self.arrangement)
        cell = f"cell/{self._name(first)}"
        settings: dict[str, Any] = {
            **self._common, "ensemble": system.ensemble, "picoseconds": dynamics.cell_picoseconds, "seed": _seed(cell),
        }  # fmt: skip
        yield self._task(cell, "cell", settings, (self._start(first),), dynamics.cell_picoseconds)
        inputs = (self._start(self.arrangement), cell)
        settings = {**self._common, "warm_picoseconds": dynamics.warm_picoseconds}
        length = self.length + dynamics.warm_picoseconds
        labels = {
            "system": system.name, "arrangement": self.arrangement, "temperature": self.temperature,
            "potential": self.model,
        }  # fmt: skip
        if self.group.protocol:
            name = f"biased/{self.group.name}/{self.name}"
            settings |= {
                "group": self.group.name,
                "protocol": self.group.protocol,
                "arguments": dict(self.group.arguments),
                "seed": _seed(name),
            }
            yield self._task(name, "biased", settings | labels, inputs, BIASED_SLOWER * length, self.length)
            return
        run = f"run/{self.name}"
        settings |= {"interval": dynamics.interval, "seed": _seed(run)}
        yield self._task(run, "run", settings, inputs, length, self.length)
        slab = {key: system.quench[key] for key in ("crystal_fraction",) if key in system.quench}
        for analysis in self.group.analyses:
            settings = {"analysis": analysis, "picoseconds": self.length, "label": system.label, **labels, **slab}
            yield Task(
                f"analysis/{analysis}/{self.name}", "analysis", settings, (run, self._start(self.arrangement)), 0.0,
                ANALYSIS_SECONDS, self._priority,
            )  # fmt: skip

    def _start(self, arrangement: int) -> str:
        """Step that leaves the structure to begin with."""
        return f"{'quench' if self.system.quench else 'structure'}/{self.system.name}.{arrangement}"

    def _structure(self, arrangement: int) -> Iterator[Task]:
        system = self.system
        name = f"structure/{system.name}.{arrangement}"
        settings: dict[str, Any] = {
            "builder": system.builder, "arguments": _with_files(system.arguments, self.study),
            "supercell": system.supercell, "atoms": round(system.atoms * system.quench.get("crystal_fraction", 1.0)),
            "seed": arrangement,
        }  # fmt: skip
        # before all else: what cannot be built is told at once, and what comes after it is queued by its priority
        yield Task(name, "structure", settings, (), 0.0, 5.0, 0)
        if system.quench:
            q = {**QUENCH, **system.quench}
            cooling = (q["melt_temperature"] - q["final_temperature"]) / q["cooling_rate"]
            settings = {"quench": q, "model": self.study.dynamics.model, "seed": _seed(name)}
            hot = 2.0 * (q["melt_picoseconds"] + cooling)  # steps of 1 fs
            cold = q["settle_picoseconds"] + (RELAXATION if "crystal_fraction" in q else 0.0)
            yield self._task(self._start(arrangement), "quench", settings, (name,), hot + cold)

    def _task(
        self,
        name: str,
        stage: str,
        settings: Mapping[str, Any],
        inputs: tuple[str, ...],
        cost: float,
        length: float = 0.0,
    ) -> Task:
        """Step of molecular dynamics whose cost is in ps."""
        return Task(name, stage, settings, inputs, length, self._per_ps * cost, self._priority, self._options)


def _with_files(arguments: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """Arguments with the text of the file that they name, so that a changed file is another structure."""
    if "file" not in arguments:
        return dict(arguments)
    path = study.folder / arguments["file"]
    return {**arguments, "file": path.name, "text": read_text(path, "file", "a structure file in UTF-8")}


def _seed(name: str) -> int:
    return zlib.crc32(name.encode()) % 900_000 + 1
