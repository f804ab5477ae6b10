"""Softness of ions of several runs on one hyperplane, what soft ions have around them, and barriers of their hops."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from MDAnalysis.analysis.anion_disorder import AveragedSteinhardt, IonVoronoiVolume
from MDAnalysis.analysis.softness import Softness

from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.files import atomic_path
from ionpath.softness import preset
from ionpath.softness.training import better_than_chance
from ionpath_ase import IonPath, hop_candidates, migration_barriers
from ionpath_ase.barriers import few_converged
from ionpath_cli.intact import DONE, read_json
from ionpath_cli.study.finished import universe_of, widths
from ionpath_cli.study.quantities import BLOCKS, Rows, estimated, pooled, quantity, scattered, student, summed

Arguments = Mapping[str, Any]
LAG_TIME, FRAME_TIME = 1.5, 0.15
"""Time over which ions rearrange, however long runs are, and time between frames in which they are followed, in ps."""
SAMPLES = 6000
"""Ions and times of all runs together from which support vectors learn in 6 minutes; twice as many take four
times as long."""
SAME = 1e-6
"""Difference in softness below which a model tells no ions apart: support vectors of which one class has most do so."""
GROUPS = 10
"""Groups of samples that are left out in turn for errors of weights and correlations."""
LEAST_BARRIERS = 3
"""Barriers of which a mean is given."""
BLIND = "The model tells ions no better than naming one class for all, within its error."
TESTED = {"ion-and-time": "other ions and times than in training", "random": "samples drawn at random"}
"""Split -> what a classifier was tested on."""


class Joint:
    """One softness for all runs, each of which knows its system by its name alone."""

    def __init__(self, inputs: list[Path], arguments: Arguments) -> None:
        names = [read_json(run / DONE)["name"] for run in inputs]
        universes = [universe_of(run) for run in inputs]
        self.runs = [system_of(name) for name in names]
        self.groups = {name: u.select_atoms("element Li") for name, u in zip(names, universes, strict=True)}
        dt, shortest = universes[0].trajectory.dt, min(u.trajectory.n_frames for u in universes)
        step = max(1, round(FRAME_TIME / dt))
        lag = max(1, min(round(LAG_TIME / (step * dt)), shortest // step // 10))
        self.step = step * lag  # between the times of a softness
        mode = arguments.get("mode", "correct")
        chosen, self.reach = fitted(arguments.get("preset", "chen2025"), universes, mode)
        options = {key: arguments[key] for key in ("label", "kind", "value") if key in arguments}
        if options.get("kind", chosen.kind) == "rbf-svm":
            options["most"] = SAMPLES // len(universes)
        options |= {"nonaffine_cutoff": min(5.0, self.reach), "lag": lag}
        self.found = Softness(self.groups, preset=chosen, mode=mode, verbose=False, **options).run(step=step)

    @property
    def each(self) -> tuple[Any, ...]:
        """Softness of the ions of each run at its times."""
        return self._of_each("softness")

    @property
    def frames(self) -> tuple[Any, ...]:
        """Numbers of the frames of these times."""
        return self._of_each("frames")

    def _of_each(self, name: str) -> tuple[Any, ...]:
        found = self.found.results[name]
        return found if isinstance(found, tuple) else (found,)


def softness(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """One hyperplane for all runs: softness of each run, scores, weights, and what soft ions have around them."""
    joint = Joint(inputs, arguments)
    joint.found.save(place / "softness.npz")
    runs = joint.runs
    r = joint.found.results
    note = f"neighbours within {joint.reach:g} A; rearrangements of {r.lag_time:g} ps; "
    rows = [*_scores(r, [name for name, _ in runs], note, joint.found.parameters["split"]), *_weights(r, note)]
    differ = np.ptp(np.concatenate([own.ravel() for own in joint.each])) > SAME
    for own, (system, arrangement) in zip(joint.each, runs, strict=True):
        ions = own.mean(axis=0)
        errors = (scattered(ions).error, len(ions) - 1), (estimated(own.mean(axis=1)).error, BLOCKS - 1)
        labels = {"system": system, "arrangement": arrangement}
        mean = summed(ions.mean(), errors) if differ else float("nan")
        about = f"{len(ions)} ions" if differ else "the model puts all ions into one class"
        rows.append({**quantity("mean softness", mean, f"{note}{about}"), **labels})
    for kind in arguments.get("correlate", ()):
        rows += RELATIONS[kind](joint.found, joint.groups, joint.step, {**arguments, "reach": min(5.0, joint.reach)})
    if not better_than_chance(r.scores, r.cross_validation):
        told = {"doubt": BLIND}
        rows = [{**row, **told} if "softness" in row["quantity"] else row for row in rows]
    if len(runs) == len({system for system, _ in runs}):
        named = ", ".join(system for system, _ in runs)
        doubt = f"One arrangement of {named}: what others would say is in no interval."
        rows = [row if "system" in row else {**row, "doubt": f"{row.get('doubt', '')} {doubt}".strip()} for row in rows]
    return rows


def system_of(name: str) -> tuple[str, int]:
    """System and arrangement of ``run/SYSTEM.ARRANGEMENT-TEMPERATURE``."""
    found = re.fullmatch(r"run/(.+)\.(\d+)-[^-]*K.*", name)
    if found is None:
        raise InputError("run", need="a record of a run of this study", got=name, remedy="run the study again")
    return found[1], int(found[2])


def fitted(name: Any, universes: Any, mode: Any = "correct") -> tuple[Any, float]:
    """Preset whose neighbours fit into half of the smallest cell, and how far they reach."""
    species = tuple(sorted({str(e) for u in universes for e in u.atoms.elements}))
    chosen = preset(name, species, mode=mode)
    reach = min(chosen.functions.cutoff, round(0.49 * min(widths(u) for u in universes), 2))
    # Published functions beyond the reach stay: most of them are beyond the published one too.
    inside = tuple(mu for mu in chosen.functions.positions if mu <= reach or mode == "published")
    return replace(chosen, functions=replace(chosen.functions, positions=inside, cutoff=reach)), reach


def _scores(results: Any, systems: list[str], note: str, split: str) -> Rows:
    """Accuracy on samples that were not in training, in the whole and of each system."""
    scores, folds = results.scores, results.cross_validation
    error, k = (float(folds.error), len(folds.accuracy)) if folds is not None else (float("nan"), 0)
    tested = TESTED.get(split, f"samples of another {split}")
    note += f"majority alone {scores.majority_accuracy:.2f}; tested on {tested}"
    rows = [
        quantity("accuracy", student(scores.accuracy, error, k), note),
        quantity("balanced accuracy", student(scores.balanced_accuracy, error, k), note),
    ]
    for name in dict.fromkeys(systems):
        own = [one for one, system in zip(folds.by_system if folds else (), systems, strict=False) if system == name]
        if own:
            mean = float(np.average([one.accuracy for one in own], weights=[one.n_samples for one in own]))
            rows += pooled([quantity("accuracy", student(mean, error, k), f"{note}; error of the whole")], system=name)
    return rows


def _weights(results: Any, note: str) -> Rows:
    """How much of the hyperplane's normal is of sulfur."""
    if results.weights is None:
        return []
    labels, w, e = results.weights.labels, results.weights.values, results.weights.errors
    sulfur = np.array([label.split()[0] == "S" for label in labels])
    share = float((w[sulfur] ** 2).sum() / (w**2).sum())
    slope = 2.0 * w * np.where(sulfur, 1.0 - share, -share) / (w**2).sum()
    error = float(np.sqrt(((slope * e) ** 2).sum()))
    return [quantity("share of Li-S in the weights", student(share, error, GROUPS), f"{note}squares of W(r)")]


def _related(name: str, found: Any) -> Rows:
    """Coefficient over single ions and times, and over means in bins of softness, which published values are."""
    about = f"ions and times; means in {len(found.softness)} bins of softness: {found.binned:.2f}"
    single = student(found.samples, found.samples_error, GROUPS)
    return [
        quantity(f"correlation of softness with {name}", single, about),
        quantity(f"correlation of softness with {name}, in bins", found.binned),
    ]


def _with_anions(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    try:
        kinds = found.correlate_anions(cutoff=arguments["reach"])
    except InputError as error:  # one kind of anion only
        return [quantity("correlation of softness with anions", float("nan"), str(error))]
    return [row for kind, one in kinds.items() for row in _related(kind, one)]


def _with_order(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    made = [
        AveragedSteinhardt(g.universe.atoms, of=g, series=True, verbose=False).run(step=step) for g in groups.values()
    ]
    return _related("order", found.correlate(made if len(made) > 1 else made[0]))


def _with_volume(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    made = [IonVoronoiVolume(g, series=True, verbose=False).run(step=step) for g in groups.values()]
    return _related("volume", found.correlate(made if len(made) > 1 else made[0]))


def _with_energy(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    energies = found.potential_energies("ionpath", model=arguments["model"])
    return _related("energy", found.correlate(list(energies) if isinstance(energies, tuple) else energies))


def _with_rings(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    """Rings of more than 8 atoms that the sulfur atoms next to an ion belong to."""
    try:
        return _related("rings", found.correlate_rings())
    except InputError as error:  # no large rings, or an ion without sulfur beside it
        return [quantity("correlation of softness with rings", float("nan"), str(error))]


RELATIONS: dict[str, Callable[[Any, Any, int, Arguments], Rows]] = {
    "anions": _with_anions,
    "order": _with_order,
    "volume": _with_volume,
    "energy": _with_energy,
    "rings": _with_rings,
}
"""What softness can be correlated with."""


def bands(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """Barriers of hops between soft and hard ions, in the last frame of each run, by where they begin."""
    joint = Joint(inputs, {key: value for key, value in arguments.items() if key != "mode"})  # that of hops
    made: dict[str, list[float]] = {"soft": [], "hard": []}
    number = lost = 0
    for k, (ions, soft) in enumerate(zip(joint.groups.values(), joint.each, strict=True)):
        ts, atoms = ions.universe.trajectory[int(joint.frames[k][len(soft) - 1])], ions.universe.atoms
        glass = Atoms(list(atoms.elements), positions=ts.positions, cell=ts.dimensions, pbc=True)
        hops = hop_candidates(
            glass, soft[-1], number=arguments["number"], mode=arguments["mode"], distances=(4.0, joint.reach), seed=k
        )
        found = migration_barriers(
            glass, hops, calculator=IonPath(model=arguments["model"]), others="allow", climbing=2,
            folder=place / f"bands-{k + 1}", fmax=0.1, relax_fmax=0.05,
        )  # fmt: skip
        classes = found.by_class("start")
        for kind, barriers in made.items():
            barriers += list(classes[kind].forward) if kind in classes else []
        number += len(hops)
        lost += sum(c.not_converged + c.refused for c in classes.values())
    with atomic_path(place / "barriers.npz") as part:
        np.savez_compressed(part, soft=made["soft"], hard=made["hard"])
    note = f"{arguments['mode']} of two ions 4 to {joint.reach:g} A apart in the last frame, {lost} without a barrier"
    r, few = joint.found.results, few_converged(lost, number)
    doubts = [f"Of all, {few}: those that have one are no fair sample."] if few else []
    doubts += [] if better_than_chance(r.scores, r.cross_validation) else [BLIND]
    rows = []
    for kind, barriers in made.items():
        mean = scattered(barriers, "eV") if len(barriers) >= LEAST_BARRIERS else Estimate(*4 * (float("nan"),), "eV")
        row = quantity(f"barrier from {kind} ions", mean, f"{len(barriers)} hops; {note}")
        rows.append({**row, "doubt": " ".join(filter(None, (row.get("doubt"), *doubts)))})
    return rows
