"""Search for the spacing, the cutoff, the penalty and the threshold at which structure predicts motion best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.labels import label_ions
from ionpath.softness.splits import Fold
from ionpath.softness.training import cross_validate


@documented
@dataclass(frozen=True, eq=False)
class GridSearch(Msonable):
    """Held-out scores over a grid."""

    # spacings, cutoffs: distances between functions, and cutoffs, in A
    spacings: Floats
    cutoffs: Floats
    # penalties, thresholds: C, and the quantile or the threshold of mobility
    penalties: Floats
    thresholds: Floats
    # balanced_accuracy, error, matthews, accuracy, majority: mean over the folds of test scores, shape (spacings,
    # cutoffs, penalties, thresholds). The error is that of the mean balanced accuracy.
    balanced_accuracy: Floats
    error: Floats
    matthews: Floats
    accuracy: Floats
    majority: Floats
    label_method: str  # what the thresholds are

    @property
    def best(self) -> dict[str, float]:
        """Place with the highest balanced accuracy, and its value there.

        With several to choose from this value is a little too high: test the choice on another trajectory.
        """
        at = np.unravel_index(int(np.nanargmax(self.balanced_accuracy)), self.balanced_accuracy.shape)
        axes = {"spacing": self.spacings, "cutoff": self.cutoffs, "penalty": self.penalties,
                "threshold": self.thresholds}  # fmt: skip
        found = {name: float(axis[k]) for (name, axis), k in zip(axes.items(), at, strict=True)}
        return {**found, "balanced_accuracy": float(self.balanced_accuracy[at]), "error": float(self.error[at])}


@typed
def grid_search(
    features: Callable[[StructureFunctions], ArrayLike],
    measure: ArrayLike,
    functions: StructureFunctions,
    folds: Sequence[Fold],
    *,
    spacings: Sequence[float] = (0.2,),
    cutoffs: Sequence[float] = (10.0,),
    penalties: Sequence[float] = (1.0,),
    thresholds: Sequence[float] = (0.5,),
    label_method: Any = "quantile",
    kind: Any = "logistic",
    mobile: str = "Li",
) -> GridSearch:
    """Score classifiers on a grid.

    Parameters
    ----------
    features : callable
        Gives the values (n_samples, n_functions) of structure functions.
    measure : array_like, (n_samples,)
        Displacement that makes ions mobile, see `label_ions`.
    functions : StructureFunctions
        Species and kind of the functions; spacing and cutoff are those of the grid.
    folds : sequence of Fold
        What `split_samples` gives.
    spacings, cutoffs : sequence of float
        In A.
    penalties : sequence of float
        C.
    thresholds : sequence of float
        Quantiles, or thresholds in the unit of the measure.
    label_method : {"quantile", "threshold"}
        What the thresholds are.
    kind : {"logistic", "linear-svm", "rbf-svm", "mlp"}
        Classifier.
    mobile : str, default "Li"
        Species of the ions.

    Returns
    -------
    GridSearch
        Scores.

    Raises
    ------
    InputError
        If an axis is empty, or a threshold leaves one class only.
    """
    axes = {"spacings": spacings, "cutoffs": cutoffs, "penalties": penalties, "thresholds": thresholds}
    for name, axis in axes.items():
        if not len(axis):
            raise InputError(name, need="at least one value", got="none")
    values = np.asarray(measure, dtype=np.float64).ravel()
    labels = [label_ions(values, label_method, t).values for t in thresholds]
    shape = tuple(len(axis) for axis in axes.values())
    found = np.full((5, *shape), np.nan)
    for a, spacing in enumerate(spacings):
        for b, cutoff in enumerate(cutoffs):
            chosen = StructureFunctions.spaced(
                functions.species, spacing=spacing, cutoff=cutoff, kind=functions.kind, pooled=functions.pooled,
                angular=functions.angular, angular_cutoff=functions.angular_cutoff,
            )  # fmt: skip
            x = np.asarray(features(chosen), dtype=np.float64)
            for c, penalty in enumerate(penalties):
                for d, y in enumerate(labels):
                    cv = cross_validate(x, y, chosen, folds, kind=kind, penalty=penalty, mobile=mobile)
                    found[:, a, b, c, d] = (
                        _mean(cv.balanced_accuracy), cv.error, _mean(cv.matthews), _mean(cv.accuracy),
                        cv.test.majority_accuracy,
                    )  # fmt: skip
    arrays = [np.asarray(axis, dtype=np.float64) for axis in axes.values()]
    scores = [np.asarray(table) for table in found]
    return GridSearch(
        arrays[0], arrays[1], arrays[2], arrays[3], scores[0], scores[1], scores[2], scores[3], scores[4], label_method
    )


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
