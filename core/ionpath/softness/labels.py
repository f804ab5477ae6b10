"""Which ions count as mobile: a threshold of the displacement of their surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True, eq=False)
class Labels(Msonable):
    """Class of each ion at each time."""

    values: Ints  # in the shape of the measure: 1 mobile, 0 not; or the number of the class
    thresholds: Floats  # (n_classes - 1,): values of the measure that separate the classes, in its unit
    balance: Floats  # (n_classes,): share of each class
    method: str  # how the thresholds were found


@typed
def label_ions(
    measure: ArrayLike,
    method: Literal["quantile", "threshold", "classes"] = "quantile",
    value: float | Sequence[float] = 0.5,
) -> Labels:
    """Label ions by how much their surroundings are displaced.

    Parameters
    ----------
    measure : array_like
        D_cum in A, or D2min in A^2, of any shape.
    method : {"quantile", "threshold", "classes"}
        Mobile is what exceeds a quantile of the measure, what exceeds a value, or there are several classes.
    value : float or sequence of float, default 0.5
        The quantile from 0 to 1; the threshold; or the increasing inner edges of the classes, or their number (3 to
        20), for classes of equal size.

    Returns
    -------
    Labels
        Classes, with their balance.

    Raises
    ------
    InputError
        If the value does not fit the method, or the measure is not finite.

    Examples
    --------
    >>> found = label_ions([0.1, 0.2, 0.9, 3.0], "threshold", 0.5)
    >>> found.values.tolist(), found.balance.tolist()
    ([0, 0, 1, 1], [0.5, 0.5])
    """
    values = np.asarray(measure, dtype=np.float64)
    if not values.size or not np.isfinite(values).all():
        got = "none" if not values.size else "nan or infinity"
        remedy = "leave out ions with too few neighbours"
        raise InputError("measure", need="finite displacements", got=got, remedy=remedy)
    try:
        edges = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError("value", need="a number, or increasing edges", got=repr(value)[:60]) from None
    if method == "quantile":
        if edges.size != 1 or not 0 < edges[0] < 1:
            raise InputError("value", need="a quantile between 0 and 1", got=repr(value))
        edges = np.atleast_1d(np.quantile(values, edges[0]))
    elif method == "threshold":
        if edges.size != 1 or not np.isfinite(edges[0]):
            raise InputError("value", need="one threshold", got=repr(value), remedy="use method='classes' for more")
    elif method == "classes":
        if edges.size == 1 and edges[0] in range(3, 21):
            edges = np.quantile(values, np.arange(1, int(edges[0])) / edges[0])
        if edges.size < 2 or not (np.diff(edges) > 0).all():
            got = repr(value)
            remedy = "give the edges in the unit of the displacement"
            raise InputError("value", need="at least two increasing edges, or 3 to 20 classes", got=got, remedy=remedy)
    else:
        need = "'quantile', 'threshold' or 'classes'"
        raise InputError("method", need=need, got=repr(method), remedy="choose one of them")
    found = np.searchsorted(edges, values, side="left").astype(np.int64)
    balance = np.bincount(found.ravel(), minlength=len(edges) + 1) / found.size
    return Labels(found, edges, balance, method)


def check_classes(labels: ArrayLike) -> Ints:
    """Refuse labels of one class only."""
    given = np.asarray(labels, dtype=np.float64).ravel()
    if not (np.isfinite(given).all() and (given >= 0).all() and (given == np.rint(given)).all()):
        raise InputError("labels", need="classes 0, 1, ...", got="other numbers", remedy="make them with label_ions")
    if given.size and given.max() >= max(given.size, 2):  # more classes than ions: memory for each of them
        raise InputError("labels", need="classes 0, 1, ...", got=f"class {given.max():.0f} of {given.size} ions")
    flat = given.astype(np.int64)
    present = np.unique(flat)
    if len(present) < 2:
        got = f"{len(flat)} ions, all of class {present[0]}" if len(present) else "no ions"
        remedy = "there is nothing to learn: choose another threshold or quantile, a longer window, or more frames"
        raise InputError("labels", need="ions of at least two classes", got=got, remedy=remedy)
    return flat
