"""Counts of equivalent transitions: their average, and a test of whether they are equivalent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats, Indices
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable

LEVEL = 0.05
"""A symmetry of the crystal is trusted unless the counts have a smaller probability under it."""
UNSURE = 0.5
"""The same for a symmetry of positions alone. What is averaged over a break that counts hardly tell is shifted:
octahedra broken by 5 % (30 ions, 200 sets) by 0.88 errors at 0.05, 0.67 at 0.25, 0.55 here; 0.48 without average."""
DRAWS = 399


@documented
@dataclass(frozen=True)
class SymmetryTest(Msonable):
    """Whether counts obey a symmetry of the states."""

    n_operations: int  # number of operations, the identity included
    # probability of counts that differ as much between equivalent transitions, if these are equivalent; nan if it was
    # not tested
    probability: float
    used: bool  # whether counts were averaged over the operations
    sentence: str  # the same in words

    def __bool__(self) -> bool:
        return self.used

    def __str__(self) -> str:
        return self.sentence


def as_permutations(symmetry: ArrayLike, n_states: int) -> Indices:
    """Permutations of states, checked."""
    rows = np.asarray(symmetry)
    good = rows.ndim == 2 and rows.shape[1] == n_states and np.issubdtype(rows.dtype, np.integer)
    if not good or not len(rows) or (np.sort(rows, axis=1) != np.arange(n_states)).any():
        need = f"permutations of the {n_states} states, shape (n_operations, {n_states})"
        remedy = "make them with shell_symmetry(positions)"
        raise InputError("symmetry", need=need, got=f"{rows.dtype} of shape {rows.shape}", remedy=remedy)
    return rows.astype(np.intp)


@typed
@references("guan2024")
def average_counts(counts: Finite, symmetry: ArrayLike) -> Floats:
    """Counts averaged over equivalent transitions.

    Parameters
    ----------
    counts : array_like, shape (..., n_states, n_states)
        Transition counts.
    symmetry : array_like of int, shape (n_operations, n_states)
        A group of permutations of the states, see `shell_symmetry`.

    Returns
    -------
    ndarray, shape (..., n_states, n_states)
        Mean over the operations of the counts between the states to which they take each pair.

    Raises
    ------
    InputError
        If a row is not a permutation of the states.

    Examples
    --------
    >>> average_counts([[8.0, 2.0], [4.0, 6.0]], [[0, 1], [1, 0]])
    array([[7., 3.],
           [3., 7.]])
    """
    table = np.asarray(counts, dtype=float)
    size = table.shape[-1]
    orbit = _pair_orbits(as_permutations(symmetry, size)).ravel()
    flat = table.reshape(-1, size * size)
    # The mean over a group is that over the pairs it takes a pair to, and there are far fewer of these than operations.
    sums = np.array([np.bincount(orbit, weights=row, minlength=size * size) for row in flat])
    return np.asarray((sums / np.maximum(np.bincount(orbit, minlength=size * size), 1))[:, orbit].reshape(table.shape))


def _pair_orbits(rows: Indices) -> Indices:
    """First of the pairs, as row * n + column, to which a group takes each pair of states."""
    size = rows.shape[1]
    orbit = np.arange(size * size).reshape(size, size)
    before = np.full_like(orbit, -1)
    while (orbit != before).any():
        before = orbit
        for p in rows:
            orbit = np.minimum(orbit, orbit[p[:, None], p])
    return orbit


def symmetry_test(
    counts: Floats, symmetry: ArrayLike, seed: int | None = 0, of: str = "shell", least: float = LEVEL
) -> SymmetryTest:
    """Ask blocks of counts whether they obey a symmetry, by turning each of them at random."""
    from scipy.sparse import csr_matrix

    # If states are equivalent, a block is as likely as the block with its states permuted: the sum of blocks that are
    # turned by random operations has the distribution of the sum as it is, whatever the correlations within a block.
    rows = as_permutations(symmetry, counts.shape[-1])
    many = len(rows)
    if many == 1:
        return SymmetryTest(1, float("nan"), False, f"the {of} has no symmetry")
    mean = average_counts(counts.sum(axis=0), rows)
    block = np.arange(len(counts))
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, many, (DRAWS, len(counts)))

    def apart(total: Any) -> Any:
        spread = np.divide((total - mean) ** 2, mean, out=np.zeros_like(total), where=mean > 0)
        return spread.sum(axis=(-1, -2))

    turned = np.stack([counts[:, p[:, None], p] for p in rows]).reshape(many * len(counts), -1)
    # Each row of this matrix adds up the blocks of a draw.
    picked = csr_matrix(
        (np.ones(chosen.size), (chosen * len(counts) + block).ravel(), np.arange(DRAWS + 1) * len(counts)),
        shape=(DRAWS, len(turned)),
    )
    drawn = (picked @ turned).reshape(DRAWS, *mean.shape)
    exceed = int((apart(drawn) >= apart(counts.sum(axis=0)) * (1 - 1e-9)).sum())
    probability = (1 + exceed) / (1 + DRAWS)
    used = probability >= least
    said = "agree with" if used else "contradict" if probability < LEVEL else "may or may not obey"
    unsure = f", {least:g} needed: not averaged; give them as symmetry= where the crystal has them"
    note = "" if used or probability < LEVEL else unsure
    sentence = f"counts {said} the {many} operations of the {of} (probability {probability:.2g}{note})"
    return SymmetryTest(many, probability, used, sentence)
