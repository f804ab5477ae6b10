"""Training of classifiers, cross-validation, and the weight of each structure function with its error."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import finite, indices, typed
from ionpath.arrays import Finite, Floats, Whole
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, whole
from ionpath.estimate import student
from ionpath.msonable import Msonable
from ionpath.softness._portable import platt_scaling, portable_arrays, widen
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.labels import check_classes
from ionpath.softness.model import ModelKind, SoftnessModel
from ionpath.softness.scores import Scores, score
from ionpath.softness.splits import Fold

FLAT = 1e-3
"""Standard deviation below which a structure function is left out: tails of Gaussians where there are no neighbours,
which standardisation would blow up."""

PENALTIES: dict[str, float] = {"logistic": 1.0, "linear-svm": 1.0, "rbf-svm": 1.0, "mlp": 1.0}
"""Default C."""


@typed
@references("scikit-learn")
def make_classifier(
    kind: ModelKind = "logistic", *, penalty: float | None = None, seed: int = 1, n_classes: int = 2
) -> Any:
    """Make a scikit-learn pipeline that standardises and classifies.

    Parameters
    ----------
    kind : {"logistic", "linear-svm", "rbf-svm", "mlp"}
        Logistic regression; linear support vectors; support vectors with a Gaussian kernel; a network of two layers
        of 128 rectified units trained for 20 epochs with batches of 128.
    penalty : float, optional
        C, the inverse strength of regularisation, for all but the network.
    seed : int, default 1
        Seed of the network.
    n_classes : int, default 2
        Number of classes; support vectors need to know, see `fit_softness`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Not fitted yet. The mean and scale come from what it is fitted to, and from nothing else.

    Raises
    ------
    InputError
        If the kind is unknown or C is not positive.
    """
    one_of("kind", kind, PENALTIES)
    given = PENALTIES[kind] if penalty is None else penalty
    strength = float(given) if isinstance(given, (int, float, np.number)) else float("nan")
    if not (np.isfinite(strength) and strength > 0):
        raise InputError("penalty", need="a positive C", got=repr(penalty))
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, LinearSVC

    if kind == "logistic":
        estimator = LogisticRegression(C=strength, max_iter=5000)
    elif kind == "linear-svm":
        estimator = LinearSVC(C=strength, max_iter=20000, dual=False)
        if n_classes > 2:
            estimator = OneVsOneClassifier(estimator)
    elif kind == "rbf-svm":
        estimator = SVC(C=strength, kernel="rbf", gamma="scale")
        if n_classes > 2:
            estimator = OneVsRestClassifier(estimator)
    else:
        estimator = MLPClassifier((128, 128), batch_size=128, max_iter=20, random_state=seed)
    return make_pipeline(StandardScaler(), estimator)


@typed
@references("cubuk2015", "scikit-learn")
def fit_softness(
    features: Finite,
    labels: ArrayLike,
    functions: StructureFunctions,
    *,
    mobile: str = "Li",
    system: Sequence[str] = (),
    systems: Sequence[Sequence[str]] = (),
    kind: ModelKind = "logistic",
    penalty: float | None = None,
    seed: int = 1,
) -> SoftnessModel:
    """Learn which surroundings make ions mobile.

    Parameters
    ----------
    features : array_like, (n_samples, n_functions)
        Structure functions, not standardised.
    labels : array_like of int, (n_samples,)
        1 mobile, 0 not; or classes from 0.
    functions : StructureFunctions
        What the features are.
    mobile : str, default "Li"
        Species of the ions.
    system : sequence of str, optional
        Species of the whole system; a model refuses systems of others. Default: any.
    systems : sequence of sequence of str, optional
        Species of each system, where samples come from several with different ones.
    kind : {"logistic", "linear-svm", "rbf-svm", "mlp"}
        See `make_classifier`.
    penalty : float, optional
        C.
    seed : int, default 1
        Seed of the network, and of the folds of Platt scaling.

    Returns
    -------
    SoftnessModel
        Plain arrays. Functions that hardly vary (standard deviation below 0.001 neighbours) have no weight.

    Raises
    ------
    InputError
        If there is one class only, or features and labels do not fit.

    Notes
    -----
    With more than two classes softness is the expected class, sum_c c p_c, and the predicted class the most probable
    one. Logistic regression and the network give p_c by softmax. Support vectors give decision values d_c: linear ones
    the sum of the margins that separate class c from each other class (planes between one class and the rest would
    never find the middle one of ordered classes), Gaussian ones the margin of class c against the rest. Platt scaling
    makes probabilities of them, p = softmax(a d_c + b_c), with a >= 0 and b_c fitted to decision values of samples
    that were left out of the fit (three folds).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> functions = StructureFunctions.spaced(("S",), spacing=1.0, cutoff=3.0)
    >>> x = rng.normal(size=(200, 3))
    >>> model = fit_softness(x, x[:, 1] > 0, functions)
    >>> int(np.argmax(model.weights)), bool(model.softness([0.0, 1.0, 0.0]) > 0)
    (1, True)
    """
    x = np.asarray(features, dtype=np.float64)
    y = check_classes(labels)
    if x.shape != (len(y), functions.n_functions) or not np.isfinite(x).all():
        need = f"finite numbers ({len(y)}, {functions.n_functions}), one row per label"
        raise InputError("features", need=need, got=f"shape {x.shape}", remedy="compute them with functions.compute")
    n_classes = int(y.max()) + 1
    present, index = np.unique(y, return_inverse=True)
    used = x.std(axis=0) > FLAT
    if not used.any():
        need = "structure functions that vary between ions"
        raise InputError("features", need=need, got="none that does", remedy="use a larger cutoff")
    pipeline = make_classifier(kind, penalty=penalty, seed=seed, n_classes=n_classes)
    with warnings.catch_warnings():
        if kind == "mlp":  # 20 epochs are asked for, converged or not
            warnings.filterwarnings("ignore", message="Stochastic Optimizer")
        pipeline.fit(x[:, used], index)
    scaler, estimator = pipeline[0], pipeline[-1]
    arrays = portable_arrays(kind, estimator, present, n_classes)
    if n_classes > 2 and kind in ("linear-svm", "rbf-svm"):
        arrays["platt"] = platt_scaling(kind, pipeline, x[:, used], index, present, n_classes, seed)
    arrays = widen(kind, arrays, used)
    # What is left out is divided by infinity, and so is zero for every classifier.
    mean, scale = x.mean(axis=0), np.full(x.shape[1], np.inf)
    mean[used], scale[used] = scaler.mean_, scaler.scale_
    return SoftnessModel(
        kind, functions, mobile, mean, scale, arrays, n_classes, len(y), tuple(system), tuple(map(tuple, systems))
    )


@documented
@dataclass(frozen=True, eq=False)
class CrossValidation(Msonable):
    """Scores of models on ions and times that they were not trained on."""

    # train, test: over the samples of all folds together
    train: Scores
    test: Scores
    # accuracy, balanced_accuracy, matthews: (n_folds,): test scores of each fold
    accuracy: Floats
    balanced_accuracy: Floats
    matthews: Floats
    weights: Floats  # (n_folds, n_functions): unit normals of the hyperplanes; empty for models without one
    by_system: tuple[Scores, ...] = ()  # test scores of each system, where there are several

    @property
    def error(self) -> float:
        """Standard error of the mean balanced accuracy over the folds.

        Folds share most of their training samples, so that their scores scatter less than those of independent
        trainings: the variance of the mean is s^2 (1/k + 1/(k - 1)) and not s^2 / k (Nadeau and Bengio,
        doi:10.1023/A:1024068626366).
        """
        known = self.balanced_accuracy[np.isfinite(self.balanced_accuracy)]
        k = len(known)
        return float(np.std(known, ddof=1) * np.sqrt(1.0 / k + 1.0 / (k - 1))) if k > 1 else float("nan")

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval of a score, of Student's t; nan where fewer than two folds have both classes."""
        k = int(np.isfinite(self.balanced_accuracy).sum())
        return student(k - 1) * self.error if k > 1 else float("nan")


def better_than_chance(scores: Scores, folds: CrossValidation | None = None) -> bool:
    """Whether ions are told better than by naming one class for all, beyond the error where folds say it.

    >>> from ionpath.softness import score
    >>> better_than_chance(score([0, 0, 1, 1], [0, 0, 1, 1])), better_than_chance(score([0, 0, 0, 1], [0, 0, 0, 0]))
    (True, False)
    """
    half = 0.0 if folds is None or np.isnan(folds.half_width) else folds.half_width
    chances = (scores.accuracy, scores.majority_accuracy), (scores.balanced_accuracy, 1.0 / len(scores.balance))
    return any(found - half > chance for found, chance in chances)


@typed
def cross_validate(
    features: ArrayLike,
    labels: ArrayLike,
    functions: StructureFunctions,
    folds: Sequence[Fold],
    *,
    groups: ArrayLike | None = None,
    **options: Any,
) -> CrossValidation:
    """Train and test on folds.

    Parameters
    ----------
    features, labels, functions
        See `fit_softness`.
    folds : sequence of Fold
        What `split_samples` gives.
    groups : array_like of int, (n_samples,), optional
        System of each sample, from 0, for scores of each.
    **options
        ``kind``, ``penalty``, ``seed``, ``mobile`` of `fit_softness`.

    Returns
    -------
    CrossValidation
        Scores of training and of test.

    Raises
    ------
    InputError
        If the training set of a fold has one class only.
    """
    x, y = finite("features", features), check_classes(labels)
    if x.ndim != 2 or len(x) != len(y):
        raise InputError("features", need=f"one row for each of {len(y)} labels", got=f"shape {x.shape}")
    if not len(folds):
        raise InputError("folds", need="one fold or more", got="none", remedy="split_samples gives them")
    n_classes = int(y.max()) + 1
    true: dict[str, list[Any]] = {"train": [], "test": []}
    found: dict[str, list[Any]] = {"train": [], "test": []}
    each, weights = [], []
    for fold in folds:
        model = fit_softness(x[fold.train], y[fold.train], functions, **options)
        for name, part in (("train", fold.train), ("test", fold.test)):
            true[name].append(y[part])
            found[name].append(model.predict(x[part]))
        each.append(score(true["test"][-1], found["test"][-1], n_classes))
        if model.linear:
            weights.append(model.weights)
    train, test = (
        score(np.concatenate(true[name]), np.concatenate(found[name]), n_classes) for name in ("train", "test")
    )
    where = np.concatenate([fold.test for fold in folds])
    of = np.zeros(len(y), dtype=np.int64) if groups is None else np.asarray(groups, dtype=np.int64)
    each_system = [
        score(np.concatenate(true["test"])[of[where] == k], np.concatenate(found["test"])[of[where] == k], n_classes)
        for k in range(int(of.max()) + 1 if groups is not None else 0)
    ]
    return CrossValidation(
        train, test, np.array([s.accuracy for s in each]), np.array([s.balanced_accuracy for s in each]),
        np.array([s.matthews for s in each]), np.array(weights).reshape(len(weights), x.shape[1]),
        tuple(each_system),
    )  # fmt: skip


@documented
@dataclass(frozen=True, eq=False)
class Weights(Msonable):
    """Importance of each structure function."""

    labels: tuple[str, ...]  # names of the functions
    # values, errors: (n_functions,): component of the unit normal of the hyperplane in standardised features, and its
    # standard error. Positive: neighbours there make an ion soft.
    values: Floats
    errors: Floats


@typed
def feature_weights(
    features: ArrayLike,
    labels: ArrayLike,
    functions: StructureFunctions,
    ions: Whole,
    *,
    n_groups: int = 10,
    seed: int = 0,
    **options: Any,
) -> Weights:
    """Compute W(r) with errors.

    Parameters
    ----------
    features, labels, functions
        See `fit_softness`.
    ions : array_like of int, (n_samples,)
        Ion of each sample.
    n_groups : int, default 10
        Groups of ions that are left out in turn.
    seed : int, default 0
        Seed of the grouping.
    **options
        ``kind``, ``penalty``, ``mobile`` of `fit_softness`.

    Returns
    -------
    Weights
        Weights and their errors.

    Raises
    ------
    InputError
        If the model has no hyperplane, or there are fewer ions than groups.

    Notes
    -----
    Errors are those of the jackknife over groups of ions, since samples of one ion are not independent:
    error^2 = (g - 1)/g sum_k (W_k - mean W)^2.
    """
    x, y = finite("features", features), check_classes(labels)
    ion = indices("ions", ions, 2**62).ravel()
    if not len(x) == len(y) == len(ion):
        raise InputError("ions", need=f"one for each of {len(y)} labels", got=f"{len(ion)} ions, {len(x)} features")
    whole("seed", seed, 0)
    values = fit_softness(x, y, functions, **options).weights
    members = np.random.default_rng(seed).permutation(np.unique(ion))
    if len(members) < n_groups or n_groups < 2:
        remedy = "use fewer groups"
        raise InputError("n_groups", need=f"2 to {len(members)} groups of ions", got=repr(n_groups), remedy=remedy)
    left = []
    for group in np.array_split(members, n_groups):
        keep = ~np.isin(ion, group)
        left.append(fit_softness(x[keep], y[keep], functions, **options).weights)
    deviations = np.array(left) - np.mean(left, axis=0)
    errors = np.sqrt((n_groups - 1) / n_groups * (deviations**2).sum(axis=0))
    return Weights(functions.labels, values, errors)
