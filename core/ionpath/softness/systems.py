"""One hyperplane for the ions of any number of trajectories: samples side by side, learnt from and scored together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionpath.arrays import Floats, Ints
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.labels import Labels, check_classes, label_ions
from ionpath.softness.model import ModelKind, SoftnessModel
from ionpath.softness.splits import Fold, SplitKind, split_samples
from ionpath.softness.training import CrossValidation, Weights, cross_validate, feature_weights, fit_softness


@dataclass(frozen=True, eq=False)
class Samples:
    """Surroundings of the ions of one trajectory, and how far these were displaced afterwards."""

    features: Floats  # (T, N, n_functions): structure functions
    displacement: Floats  # (L, N): displacement after each of the first L times, in A or A^2
    times: Floats  # (T,): in ps
    species: tuple[str, ...]  # species of the system


@dataclass(frozen=True, eq=False)
class Learnt:
    """What was learnt from several systems."""

    model: SoftnessModel  # trained on all samples
    cross_validation: CrossValidation  # scores of models on ions and times that they were not trained on
    weights: Weights | None  # W(r) with errors, of a linear model


def label_systems(samples: Sequence[Samples], method: Any, value: Any) -> list[Labels]:
    """Classes of the ions of each system, with thresholds in common."""
    together = label_ions(np.concatenate([s.displacement.ravel() for s in samples]), method, value)
    edges, found = together.thresholds, []
    for s in samples:
        classes = np.searchsorted(edges, s.displacement, side="left").astype(np.int64)
        balance = np.bincount(classes.ravel(), minlength=len(edges) + 1) / classes.size
        found.append(Labels(classes, edges, balance, together.method))
    return found


def folds_of(samples: Sequence[Samples], split: SplitKind, *, gap: float, n_folds: int, seed: int) -> tuple[Fold, ...]:
    """Folds in which test samples share neither ions nor times with training samples, in no system."""
    return split_samples(_ions(samples), _times(samples), split, n_folds=n_folds, gap=gap, seed=seed)


def learn(
    samples: Sequence[Samples],
    labels: Sequence[Labels],
    functions: StructureFunctions,
    folds: Sequence[Fold],
    *,
    kind: ModelKind,
    penalty: float | None,
    mobile: str,
    n_groups: int,
    seed: int,
) -> Learnt:
    """Train one classifier on all systems, and score it on what it has not seen.

    InputError if there is one class only, or too few ions for the folds or groups.
    """
    x = np.concatenate([s.features[: len(s.displacement)].reshape(-1, functions.n_functions) for s in samples])
    y = check_classes(np.concatenate([found.values.ravel() for found in labels]))
    species = [tuple(sorted(s.species)) for s in samples]
    options: dict[str, Any] = {
        "kind": kind, "penalty": penalty, "mobile": mobile, "seed": seed,
        "system": tuple(sorted({symbol for row in species for symbol in row})),
    }  # fmt: skip
    several = len(set(species)) > 1
    if several:
        options["systems"] = tuple(dict.fromkeys(species))
    which = np.repeat(np.arange(len(samples)), [s.displacement.size for s in samples])
    scores = cross_validate(x, y, functions, folds, groups=which if len(samples) > 1 else None, **options)
    model, weights = fit_softness(x, y, functions, **options), None
    ions = _ions(samples)
    if model.linear and n_groups:
        groups = min(n_groups, len(np.unique(ions)))
        weights = feature_weights(x, y, functions, ions, n_groups=groups, **options)
    return Learnt(model, scores, weights)


def _ions(samples: Sequence[Samples]) -> Ints:
    """Ion of each sample, counted on from system to system."""
    first = np.cumsum([0, *(s.displacement.shape[1] for s in samples)])
    each = [
        np.tile(np.arange(s.displacement.shape[1]) + k, len(s.displacement))
        for s, k in zip(samples, first, strict=False)
    ]
    return np.concatenate(each)


def _times(samples: Sequence[Samples]) -> Floats:
    """Time of each sample in ps since its system was first looked at."""
    return np.concatenate(
        [np.repeat(s.times[: len(s.displacement)] - s.times[0], s.displacement.shape[1]) for s in samples]
    )
