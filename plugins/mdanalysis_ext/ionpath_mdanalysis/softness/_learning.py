"""From the surroundings of the ions of all systems to the results of a softness, its table, and its grid search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.arrays import Floats
from ionpath.errors import warn
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.grid import GridSearch, grid_search as search
from ionpath.softness.model import SoftnessModel
from ionpath.softness.neighbours import find_neighbours
from ionpath.softness.scores import Scores, score
from ionpath.softness.systems import Samples, folds_of, label_systems, learn
from ionpath.softness.training import CrossValidation, better_than_chance
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis.softness._frames_again import System


def learnt_from(read: Sequence[Any], p: Any, model: SoftnessModel | None, ion: str) -> dict[str, Any]:
    """Train on all systems, or apply a model to them."""
    samples: list[Samples] = [found.samples for found in read]
    labels = label_systems(samples, p["label"], p["value"])
    gap = read[0].lag_time * p["window"]
    r: dict[str, Any] = {"lag_time": read[0].lag_time, "window_time": gap, "every": read[0].every}
    if model is None:
        folds = folds_of(samples, p["split"], gap=gap, n_folds=p["n_folds"], seed=p["seed"])
        learnt = learn(
            samples, labels, p["functions"], folds, kind=p["kind"], penalty=p["penalty"], mobile=ion,
            n_groups=p["n_groups"], seed=p["seed"],
        )  # fmt: skip
        model, r["scores"] = learnt.model, learnt.cross_validation.test
        r |= {"model": model, "cross_validation": learnt.cross_validation, "weights": learnt.weights}
    else:
        predicted = [model.predict(s.features[: len(s.displacement)]).ravel() for s in samples]
        true = [found.values.ravel() for found in labels]
        n_classes = max(len(labels[0].balance), model.n_classes)
        r["scores"] = score(np.concatenate(true), np.concatenate(predicted), n_classes)
        r |= {"model": model, "cross_validation": None, "weights": None}
    each: dict[str, list[Any]] = {
        "softness": [model.softness(s.features) for s in samples],
        "decision": [model.decision(s.features) for s in samples],
        "displacement": [s.displacement for s in samples],
        "labels": labels,
        "times": [s.times for s in samples],
        "frames": [found.frames for found in read],
        "indices": [found.indices for found in read],
    }
    r |= {key: values[0] if len(values) == 1 else tuple(values) for key, values in each.items()}
    return r | {"names": tuple(p["names"])}


def warn_of_chance(scores: Scores, folds: CrossValidation | None) -> None:
    """Warn of a model that tells ions no better than naming one class for all."""
    if better_than_chance(scores, folds):
        return
    found, half = scores.balanced_accuracy, math.nan if folds is None else folds.half_width
    interval = f" (95 %: {found - half:.2f} to {found + half:.2f})" if math.isfinite(half) else ""
    balanced = f"a balanced accuracy of {found:.2f}{interval}, where chance gives {1 / len(scores.balance):.2f}"
    got = balanced if math.isfinite(found) else "ions of one class"
    warn(
        f"softness: need a model that tells ions apart, got {got}, and an accuracy of {scores.accuracy:.2f}, where "
        f"naming the largest class for all gives {scores.majority_accuracy:.2f}; nothing follows from this "
        "softness: use more frames, or another lag"
    )


def table_of(systems: Sequence[System]) -> dict[str, Any]:
    """One row for each ion and time of each system."""
    parts = []
    for s in systems:
        n_times, n_ions = s.softness.shape
        moved, classes = np.full((n_times, n_ions), np.nan), np.full((n_times, n_ions), -1)
        moved[: len(s.displacement)], classes[: len(s.classes)] = s.displacement, s.classes
        parts.append({
            "time": np.repeat(s.times, n_ions), "frame": np.repeat(s.frames, n_ions),
            "atom": np.tile(s.indices, n_times), "softness": s.softness.ravel(), "displacement": moved.ravel(),
            "class": classes.ravel(), "system": np.repeat(s.name, n_times * n_ions),
        })  # fmt: skip
    table = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    if len(parts) == 1:
        del table["system"]
    return table


def grid_search(
    soft: Any,
    systems: Sequence[System],
    *,
    spacings: Sequence[float] = (0.2,),
    cutoffs: Sequence[float] = (10.0,),
    penalties: Sequence[float] = (0.01, 0.1, 1.0),
    thresholds: Sequence[float] = (0.5,),
) -> GridSearch:
    """Held-out scores on a grid; each pair of spacing and cutoff reads the trajectories once."""
    p, r = soft.parameters, soft.results
    symbols = [_checks.elements_of(s.needed("grid_search"), "atoms") for s in systems]

    def features(functions: StructureFunctions) -> Floats:
        rows = []
        for system, names in zip(systems, symbols, strict=True):
            codes = functions.codes(names, absent=len(systems) > 1)
            for x, cell in system.read(system.frames[: len(system.displacement)]):
                rows.append(functions.of_neighbours(find_neighbours(x, cell, functions.reach, system.rows), codes))
        return np.concatenate(rows)

    samples = [Samples(np.empty(0), s.displacement, s.times, ()) for s in systems]
    folds = folds_of(samples, p["split"], gap=r.window_time, n_folds=p["n_folds"], seed=p["seed"])
    return search(
        features, np.concatenate([s.displacement.ravel() for s in systems]), p["functions"], folds,
        spacings=spacings, cutoffs=cutoffs, penalties=penalties, thresholds=thresholds, kind=p["kind"],
        mobile=soft._ion, label_method="quantile" if p["label"] == "quantile" else "threshold",
    )  # fmt: skip
