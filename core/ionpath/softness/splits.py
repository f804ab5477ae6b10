"""What a model may learn from and what it is tested on: other ions, at other times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Whole
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive, whole

SplitKind = Literal["ion-and-time", "ion", "time", "random"]


@documented
@dataclass(frozen=True, eq=False)
class Fold:
    """Samples of one fold."""

    # train, test: indices of samples
    train: Ints
    test: Ints


@typed
def split_samples(
    ions: Whole,
    times: ArrayLike,
    kind: SplitKind = "ion-and-time",
    *,
    n_folds: int = 5,
    gap: float = 0.0,
    seed: int = 0,
) -> tuple[Fold, ...]:
    """Split samples so that nothing of a test sample has been seen in training.

    Parameters
    ----------
    ions : array_like of int, (n_samples,)
        Ion of each sample.
    times : array_like, (n_samples,)
        Time of each sample in ps.
    kind : {"ion-and-time", "ion", "time", "random"}
        What test and training samples must not share. ``"random"`` is one split in which 30 % of the samples are
        tested, whatever their ion: it is published, and tells too much.
    n_folds : int, default 5
        Groups of ions and blocks of time.
    gap : float, default 0.0
        Training samples are further than this from the block of time that is tested, in ps: the time over which
        labels are taken.
    seed : int, default 0
        Seed of the grouping of ions.

    Returns
    -------
    tuple of Fold
        Each group of ions is tested once, each block of time is tested once.

    Raises
    ------
    InputError
        If there are fewer ions or times than folds, or nothing is left to train on.

    Examples
    --------
    >>> ions, times = np.tile(np.arange(6), 6), np.repeat(np.arange(6.0), 6)
    >>> fold = split_samples(ions, times, n_folds=3)[0]
    >>> len(fold.train), len(fold.test), set(ions[fold.train]) & set(ions[fold.test])
    (16, 4, set())
    """
    ion, time = np.asarray(ions).ravel(), np.asarray(times, dtype=np.float64).ravel()
    if len(ion) != len(time):
        raise InputError("times", need=f"one time for each of {len(ion)} samples", got=f"{len(time)}")
    positive("gap", gap, "ps", zero=True)
    rng = np.random.default_rng(whole("seed", seed, 0))
    if kind == "random":
        order = rng.permutation(len(ion))
        part = max(1, round(0.3 * len(ion)))
        return (Fold(np.sort(order[part:]), np.sort(order[:part])),)
    one_of("kind", kind, ("ion-and-time", "ion", "time", "random"))
    n_folds = whole("n_folds", n_folds, 2)
    group = _groups(rng.permutation(np.unique(ion)), ion, n_folds, "ions") if kind != "time" else None
    block = _groups(np.unique(time), time, n_folds, "times") if kind != "ion" else None
    return tuple(_fold(f, group, block, time, gap) for f in range(n_folds))


def _groups(members: NDArray[np.generic], values: NDArray[np.generic], n_folds: int, name: str) -> Ints:
    if len(members) < n_folds:
        need = f"at least {n_folds} different {name} for {n_folds} folds"
        raise InputError(name, need=need, got=str(len(members)), remedy="use fewer folds, or another kind of split")
    number = np.empty(len(members), dtype=np.int64)
    for f, part in enumerate(np.array_split(np.arange(len(members)), n_folds)):
        number[part] = f
    order = np.argsort(members)
    return number[order][np.searchsorted(members[order], values)]


def _fold(f: int, group: Ints | None, block: Ints | None, time: Floats, gap: float) -> Fold:
    test = np.ones(len(time), dtype=bool)
    train = np.ones(len(time), dtype=bool)
    if group is not None:
        test &= group == f
        train &= group != f
    if block is not None:
        test &= block == f
        tested = time[block == f]
        slack = 1e-9 * max(1.0, float(np.abs(time).max()))
        train &= (time < tested.min() - gap - slack) | (time > tested.max() + gap + slack)
    if not train.any():
        got = f"none at a gap of {gap:g} ps"
        remedy = "use a shorter window for labels, a longer trajectory, or kind='ion'"
        raise InputError("gap", need="samples further than the gap from those that are tested", got=got, remedy=remedy)
    return Fold(np.flatnonzero(train), np.flatnonzero(test))
