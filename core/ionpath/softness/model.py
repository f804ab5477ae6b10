"""A trained classifier as plain arrays: softness of ions of any trajectory, on any machine, without pickles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats, Ints
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.softness.functions import StructureFunctions

ModelKind = Literal["logistic", "linear-svm", "rbf-svm", "mlp"]

_BLOCK = 4_000_000


@typed
@documented
@dataclass(frozen=True, eq=False)
class SoftnessModel(Msonable):
    """What `fit_softness` learns."""

    kind: ModelKind  # {"logistic", "linear-svm", "rbf-svm", "mlp"}: classifier
    functions: StructureFunctions  # the features, with species, distances and cutoff
    mobile: str  # species of the ions
    # mean, scale: (n_functions,): mean and standard deviation of the features in training; infinite for functions that
    # are left out
    mean: Floats
    scale: Floats
    arrays: dict[str, Floats]  # coefficients of the classifier
    n_classes: int  # number of classes
    n_train: int  # number of training samples
    system: tuple[str, ...] = ()  # species of the training systems, neighbours or not
    systems: tuple[tuple[str, ...], ...] = ()  # species of each of them, where there were several

    @property
    def linear(self) -> bool:
        """Whether there is a hyperplane of which softness is the distance."""
        return self.kind in ("logistic", "linear-svm") and self.n_classes == 2

    @property
    def weights(self) -> Floats:
        """Normal of the hyperplane in standardised features, (n_functions,), of unit length.

        InputError if the model is not linear.
        """
        if not self.linear:
            got = f"{self.kind} of {self.n_classes} classes"
            remedy = "use kind='logistic' or 'linear-svm'"
            raise InputError("weights", need="a linear model of two classes", got=got, remedy=remedy)
        weights = self.arrays["weights"][0]
        return np.asarray(weights / np.linalg.norm(weights))

    def check(self, functions: StructureFunctions, mobile: str, system: Sequence[str] = ()) -> None:
        """Refuse features, mobile species or a system's species that are not those of training, with an InputError."""
        if mobile != self.mobile:
            need = f"{self.mobile} ions, which the model was trained on"
            raise InputError("model", need=need, got=f"{mobile} ions", remedy="train a model for these ions")
        known = self.systems or ((self.system,) if self.system else ())
        if system and known and set(system) not in map(set, known):
            need = f"a system of {' or '.join(', '.join(sorted(s)) for s in known)}, as in training"
            remedy = "train a model on a system with these species"
            raise InputError("model", need=need, got=", ".join(sorted(set(system))), remedy=remedy)
        if functions.species != self.functions.species:
            need = f"neighbours {', '.join(self.functions.species)}, as in training"
            remedy = "train a model with species that both systems have"
            raise InputError("model", need=need, got=", ".join(functions.species), remedy=remedy)
        for name in ("positions", "width", "cutoff", "kind", "pooled", "angular", "angular_cutoff"):
            ours, theirs = getattr(self.functions, name), getattr(functions, name)
            if ours != theirs:
                need = f"structure functions with {name} {_short(ours)}, as in training"
                raise InputError("model", need=need, got=_short(theirs), remedy="leave the functions to the model")

    def decision(self, features: ArrayLike) -> Floats:
        """Unscaled decision value (...), positive for mobile, of structure functions (..., n_functions).

        Functions are as they are, not standardised. With several classes: the expected class, sum_c c p_c, with
        probabilities as `fit_softness` describes them. InputError if the number of features differs.
        """
        shape, raw = self._raw(features)
        values = raw[:, 0] if self.n_classes == 2 else self._chances(raw) @ np.arange(self.n_classes)
        return np.asarray(values.reshape(shape))

    def softness(self, features: Finite) -> Floats:
        """Softness (...) of structure functions (..., n_functions).

        Signed distance from the hyperplane, (W.G - b) / norm(W) in standardised features, positive for mobile. For a
        model without a hyperplane: the decision value.
        """
        decision = self.decision(features)
        return decision / np.linalg.norm(self.arrays["weights"][0]) if self.linear else decision

    def predict(self, features: ArrayLike) -> Ints:
        """Class (...) of structure functions (..., n_functions): 1 for mobile, 0 for not; or the likeliest class."""
        shape, raw = self._raw(features)
        found = raw[:, 0] > 0 if self.n_classes == 2 else self._chances(raw).argmax(axis=1)
        return found.astype(np.int64).reshape(shape)

    def _raw(self, features: ArrayLike) -> tuple[tuple[int, ...], Floats]:
        """Shape without the features, and what the classifier says of each row."""
        values = np.asarray(features, dtype=np.float64)
        if values.ndim < 1 or values.shape[-1] != len(self.mean):
            need = f"{len(self.mean)} structure functions, as in training"
            remedy = "compute them with model.functions"
            raise InputError("features", need=need, got=f"shape {values.shape}", remedy=remedy)
        return values.shape[:-1], self._scores((values.reshape(-1, len(self.mean)) - self.mean) / self.scale)

    def _chances(self, raw: Floats) -> Floats:
        """Probability of each class, from logits or from decision values."""
        if "platt" in self.arrays:
            slope, offset = self.arrays["platt"]
            raw = slope * raw + offset
        return np.asarray(softmax(raw, axis=1))

    def _scores(self, standard: Floats) -> Floats:
        """Decision value (n, 1) of two classes, or logits or decision values (n, n_classes)."""
        arrays = self.arrays
        if self.kind in ("logistic", "linear-svm"):
            return np.asarray(standard @ arrays["weights"].T + arrays["intercept"])
        if self.kind == "mlp":
            layers = len(arrays) // 2
            for k in range(layers):
                standard = standard @ arrays[f"weights{k}"] + arrays[f"intercept{k}"]
                if k < layers - 1:
                    standard = np.maximum(standard, 0.0)
            return standard
        support = arrays["support"]
        out = np.empty((len(standard), len(arrays["weights"])))
        step = max(1, _BLOCK // max(1, len(support)))
        own = (support**2).sum(axis=1)
        for at in range(0, len(standard), step):
            part = standard[at : at + step]
            squares = (part**2).sum(axis=1)[:, None] + own - 2.0 * part @ support.T
            kernel = np.exp(-arrays["gamma"] * np.maximum(squares, 0.0))
            out[at : at + step] = kernel @ arrays["weights"].T + arrays["intercept"]
        return out


def _short(value: object) -> str:
    if isinstance(value, tuple) and len(value) > 3:
        return f"{value[0]} to {value[-1]} ({len(value)})"
    return repr(value)
