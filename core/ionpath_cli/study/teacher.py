"""Distances in runs beside those that the teacher of the potential would give, from the same frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.io import read
from ase.neighborlist import neighbor_list

from ionpath_ase import IonPath
from ionpath_ase.training import label_frames, teacher_named
from ionpath_cli.intact import DONE, read_json
from ionpath_cli.study.finished import universe_of
from ionpath_cli.study.quantities import Rows, jackknifed, quantity, scattered
from ionpath_cli.study.soft import system_of

FRAMES = 40
"""Frames of each run that the teacher is evaluated on, evenly spaced."""
NEIGHBOURS = {("P", "S"): 2.6, ("Si", "S"): 2.7, ("Li", "S"): 3.3, ("Li", "Cl"): 3.3, ("Li", "Li"): 4.5}
"""Pairs whose mean distance is compared, and the distance in A below which two atoms are neighbours."""
LEAST = 8.0
"""Effective frames below which weights leave too few to say anything."""


def distances(inputs: list[Path], place: Path, arguments: Mapping[str, Any]) -> Rows:
    """Mean distances of neighbours, the teacher's less the potential's, and errors of forces in the run's own frames.

    Frames of a run with the potential stand for the teacher's ensemble with the weights exp(-(E_teacher - E) / kT).
    """
    rows: Rows = []
    for run in inputs:
        record = read_json(run / DONE)
        system, arrangement = system_of(record["name"])
        frames, labels, gaps = _labelled(run, place / f"{run.name}.extxyz", arguments)
        weights = np.exp(-(gaps - gaps.mean()) / (units.kB * float(record["settings"]["temperature"])))
        effective = float(weights.sum() ** 2 / (weights**2).sum())
        sums = {f"{a}-{b}": _sums(frames, a, b, reach) for (a, b), reach in NEIGHBOURS.items()}
        there = {pair: s for pair, s in sums.items() if s[:, 0].all()}
        within = ", ".join(f"{reach:g} ({a}-{b})" for (a, b), reach in NEIGHBOURS.items() if f"{a}-{b}" in there)

        def shift(chosen: Any, there: Any = there, weights: Any = weights) -> dict[str, float]:
            made = {}
            for pair, s in there.items():
                plain, weighted = s[chosen].sum(axis=0), weights[chosen] @ s[chosen]
                made[pair] = float(weighted[1] / weighted[0] - plain[1] / plain[0])
            return made

        note = f"{len(frames)} frames, {effective:.0f} effective; neighbours within {within} A"
        doubt = f"The weights leave {effective:.1f} effective frames." if effective < LEAST else ""
        own = [
            {**quantity(f"shift of {pair}", replace(e, unit="A"), note), "doubt": doubt}
            for pair, e in jackknifed(np.arange(len(frames)), shift).items()
        ]
        off = 1e3 * np.array([np.abs(theirs - ours).mean() for theirs, ours in labels])
        own.append(quantity("force error in own frames", scattered(off, "meV/A"), f"{len(frames)} frames of the run"))
        each = {"system": system, "arrangement": arrangement, "temperature": record["settings"]["temperature"]}
        rows += [{**row, **each} for row in own]
    return rows


def _labelled(run: Path, labels: Path, arguments: Mapping[str, Any]) -> tuple[list[Any], list[Any], Any]:
    """Frames of a run, forces of teacher and potential in each, and energies of the teacher less the potential's."""
    universe = universe_of(run)
    step = max(1, universe.trajectory.n_frames // FRAMES)
    elements = [str(e) for e in universe.atoms.elements]
    frames = [
        Atoms(
            elements, positions=universe.atoms.positions, cell=ts.triclinic_dimensions, pbc=True, info={"tag": str(k)}
        )
        for k, ts in zip(range(FRAMES), universe.trajectory[::step], strict=False)
    ]
    # A second call keeps what the file has: a step that was killed loses one frame.
    label_frames(frames, teacher_named(arguments.get("teacher", "7net-l3i5")), labels, progress=False)
    calculator = IonPath(model=arguments["model"])
    kept, forces, gaps = [], [], []
    for frame in read(labels, ":"):
        own = frame.copy()
        own.calc = calculator
        forces.append((frame.get_forces(), own.get_forces()))
        gaps.append(frame.get_potential_energy() - own.get_potential_energy())
        kept.append(own)
    return kept, forces, np.array(gaps)


def _sums(frames: list[Any], one: str, other: str, reach: float) -> Any:
    """Number of neighbours and sum of their distances in each frame, shape (n_frames, 2)."""
    found = []
    for atoms in frames:
        first, second, distance = neighbor_list("ijd", atoms, reach)
        symbols = np.array(atoms.get_chemical_symbols())
        inside = distance[(symbols[first] == one) & (symbols[second] == other)]
        found.append((len(inside), inside.sum()))
    return np.array(found, dtype=float)
