"""How good a classifier is, beside doing nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Whole
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True, eq=False)
class Scores(Msonable):
    """Quality of predicted classes."""

    accuracy: float  # share of right predictions
    # mean over the classes of the share that is found; 0.5 for two classes without any skill. nan if a class is absent.
    balanced_accuracy: float
    matthews: float  # matthews correlation coefficient, 0 without skill and 1 at best; nan if a class is absent
    majority_accuracy: float  # accuracy of always naming the most frequent class
    balance: Floats  # (n_classes,): share of each class
    n_samples: int  # number of samples

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.3f} (majority class alone {self.majority_accuracy:.3f}), balanced accuracy "
            f"{self.balanced_accuracy:.3f}, MCC {self.matthews:.3f}, {self.n_samples} samples"
        )


@typed
@references("scikit-learn")
def score(labels: Whole, predicted: Whole, n_classes: int = 2) -> Scores:
    """Compare predicted classes with true ones.

    Parameters
    ----------
    labels, predicted : array_like of int, (n_samples,)
        Classes.
    n_classes : int, default 2
        Number of classes.

    Returns
    -------
    Scores
        Accuracy, with what makes it meaningful.

    Raises
    ------
    InputError
        If the numbers of samples differ or are zero.

    Examples
    --------
    >>> print(score([0, 0, 0, 1], [0, 0, 0, 0]))
    accuracy 0.750 (majority class alone 0.750), balanced accuracy 0.500, MCC 0.000, 4 samples
    """
    true, found = np.asarray(labels, dtype=np.int64).ravel(), np.asarray(predicted, dtype=np.int64).ravel()
    if len(true) != len(found) or not len(true):
        raise InputError("predicted", need=f"{len(true) or 'some'} classes", got=str(len(found)))
    whole("n_classes", n_classes, int(max(true.max(), found.max())) + 1)
    from sklearn.metrics import balanced_accuracy_score, matthews_corrcoef

    balance = np.bincount(true, minlength=n_classes) / len(true)
    both = bool((balance > 0).all())
    known = both and set(found.tolist()) <= set(true.tolist())
    return Scores(
        accuracy=float((true == found).mean()),
        balanced_accuracy=float(balanced_accuracy_score(true, found)) if known else float("nan"),
        matthews=float(matthews_corrcoef(true, found)) if both else float("nan"),
        majority_accuracy=float(balance.max()),
        balance=balance,
        n_samples=len(true),
    )
