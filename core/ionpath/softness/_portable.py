"""What a fitted scikit-learn classifier knows, as plain arrays."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ionpath.arrays import Bools, Floats, Ints

NEVER = -1e300
"""Logit of a class that was not in the training set."""


def widen(kind: str, arrays: dict[str, Floats], used: Bools) -> dict[str, Floats]:
    """Return the functions that were left out their place again, with no weight."""
    name, axis = {"rbf-svm": ("support", 1), "mlp": ("weights0", 0)}.get(kind, ("weights", 1))
    narrow = arrays[name]
    wide = np.zeros((len(narrow), len(used)) if axis else (len(used), narrow.shape[1]))
    wide[(slice(None), used) if axis else used] = narrow
    return {**arrays, name: wide}


def portable_arrays(kind: str, estimator: Any, present: Ints, n_classes: int) -> dict[str, Floats]:
    """Read the coefficients of a fitted estimator."""
    if kind == "rbf-svm":
        return _support_vectors(estimator, present, n_classes)
    if kind == "mlp":
        pairs = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
        pairs[-1] = _spread(pairs[-1][0].T, pairs[-1][1], present, n_classes)
        pairs[-1] = (pairs[-1][0].T, pairs[-1][1])
        return {
            **{f"weights{k}": np.array(w) for k, (w, _) in enumerate(pairs)},
            **{f"intercept{k}": np.array(b) for k, (_, b) in enumerate(pairs)},
        }
    several = kind == "linear-svm" and n_classes > 2
    weights, intercept = _margins(estimator) if several else (estimator.coef_, estimator.intercept_)
    weights, intercept = _spread(weights, intercept, present, n_classes)
    return {"weights": weights, "intercept": intercept}


def _margins(estimator: Any) -> tuple[Floats, Floats]:
    """Sum of the margins of each class over the machines that separate it from another."""
    n_present, n_features = len(estimator.classes_), estimator.estimators_[0].coef_.shape[1]
    weights, intercept = np.zeros((n_present, n_features)), np.zeros(n_present)
    for (low, high), machine in zip(combinations(range(n_present), 2), estimator.estimators_, strict=True):
        for k, sign in ((low, -1.0), (high, 1.0)):
            weights[k] += sign * machine.coef_[0]
            intercept[k] += sign * machine.intercept_[0]
    return weights, intercept


def _support_vectors(estimator: Any, present: Ints, n_classes: int) -> dict[str, Floats]:
    """Support vectors of all classes together, and their weights in each."""
    machines = estimator.estimators_ if n_classes > 2 else [estimator]
    # Rows of the training set, which every machine numbers alike.
    rows = np.unique(np.concatenate([m.support_ for m in machines]))
    support = np.empty((len(rows), machines[0].support_vectors_.shape[1]))
    weights = np.zeros((len(machines), len(rows)))
    for k, machine in enumerate(machines):
        at = np.searchsorted(rows, machine.support_)
        support[at], weights[k, at] = machine.support_vectors_, machine.dual_coef_[0]
    intercept = np.array([m.intercept_[0] for m in machines])
    if n_classes > 2:
        if len(weights) == 1:
            # Decision values of two classes from the one that separates them.
            weights, intercept = np.vstack([-weights, weights]), np.r_[-intercept, intercept]
        weights, intercept = _spread(weights, intercept, present, n_classes)
    gamma = np.array(machines[0]._gamma)
    return {"support": support, "weights": weights, "intercept": intercept, "gamma": gamma}


def _spread(weights: Floats, intercept: Floats, present: Ints, n_classes: int) -> tuple[Floats, Floats]:
    """Logits of all classes, of which some were not in the training set and never come out."""
    if n_classes == 2:
        return np.array(weights), np.array(intercept)
    if len(weights) == 1:
        weights, intercept = np.vstack([np.zeros_like(weights), weights]), np.array([0.0, intercept[0]])
    full, base = np.zeros((n_classes, weights.shape[1])), np.full(n_classes, NEVER)
    full[present], base[present] = weights, intercept
    return full, base


def platt_scaling(
    kind: str, pipeline: Any, features: Floats, index: Ints, present: Ints, n_classes: int, seed: int
) -> Floats:
    """Fit the slope and the offsets that turn decision values into logits."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    folds = min(3, int(np.bincount(index).min()))
    if folds < 2:
        values = _decisions(kind, pipeline, features)
    else:
        values = np.empty((len(index), len(present)))
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        for train, test in splitter.split(features, index):
            fitted = clone(pipeline).fit(features[train], index[train])
            values[test] = _decisions(kind, fitted, features[test])
    found = np.stack([np.zeros(n_classes), np.full(n_classes, NEVER)])
    slope, offsets = _likeliest(values, index)
    found[0, present], found[1, present] = slope, offsets
    return found


def _decisions(kind: str, pipeline: Any, features: Floats) -> Floats:
    """Decision value of each class, as the model computes it."""
    if kind == "linear-svm":
        weights, intercept = _margins(pipeline[-1])
        return np.asarray(pipeline[0].transform(features) @ weights.T + intercept)
    values = np.asarray(pipeline.decision_function(features), dtype=np.float64)
    return values if values.ndim == 2 else np.stack([-values, values], axis=1)


def _likeliest(values: Floats, index: Ints) -> tuple[float, Floats]:
    """Slope and offsets of largest likelihood, softmax(a d_c + b_c); a convex problem."""
    n_samples, n_present = values.shape
    own = np.eye(n_present)[index]

    def loss(x: Floats) -> tuple[float, Floats]:
        logits = x[0] * values + x[1:]
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        total = powers.sum(axis=1, keepdims=True)
        wrong = (powers / total - own) / n_samples
        # A trace of curvature keeps the slope finite where samples are told apart without an error.
        value = (np.log(total[:, 0]) - (logits * own).sum(axis=1)).mean() + 1e-6 * (x**2).sum()
        return float(value), np.r_[(wrong * values).sum(), wrong.sum(axis=0)] + 2e-6 * x

    start = np.r_[1.0, np.zeros(n_present)]
    bounds = [(0.0, None)] + [(None, None)] * n_present
    fit = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(fit.x[0]), np.asarray(fit.x[1:])
