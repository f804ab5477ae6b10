"""The one form in which every function here takes a Markov chain: a matrix that remembers its state labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Indices
from ionpath.documented import documented
from ionpath.errors import DisconnectedError, InputError, whole
from ionpath.markov.inputs import LAG
from ionpath.msonable import Msonable

ROW_SUM_TOLERANCE = 1e-6
REVERSIBILITY_TOLERANCE = 1e-8


@documented
@dataclass(frozen=True, eq=False)
class Chain(Msonable):
    """A connected Markov chain on some of the states of a larger, fixed set of labels."""

    transition_matrix: Floats  # (m, m): Row-stochastic matrix on the connected states
    stationary_distribution: Floats  # (m,): its stationary distribution
    states: Indices  # (m,): label of each row, ascending
    n_states: int  # number of labels, connected or not; every full-size result has this size
    lag: int  # lag in frames
    reversible: bool  # whether detailed balance holds

    @property
    def outside(self) -> Indices:
        """Labels that the chain does not connect."""
        return np.setdiff1d(np.arange(self.n_states), self.states)

    def positions(self, labels: Indices) -> Indices:
        """Rows of the transition matrix of those of `labels` that the chain connects; labels outside have none."""
        return np.flatnonzero(np.isin(self.states, labels))

    def expand(self, values: Floats, outside: float) -> Floats:
        """Vector or matrix over all labels, in their natural order, of one over the connected states.

        Shape (m,) or (m, m) becomes (n_states,) or (n_states, n_states); all others get the value `outside`.
        """
        full = np.full((self.n_states,) * values.ndim, outside)
        full[np.ix_(*[self.states] * values.ndim)] = values
        return full


@typed
def as_chain(msm_or_T: Any, *, lag: int = 1) -> Chain:
    """Chain of a Markov state model, of a transition matrix, or of a chain.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, BayesianMSMPosterior, Chain, or array_like of shape (n, n)
        A deeptime model keeps its state labels and its lag; of a posterior the maximum-likelihood model is taken.
    lag : int
        Lag in frames of a bare matrix.

    Returns
    -------
    Chain
        The chain on its connected states.

    Raises
    ------
    InputError
        If the matrix is not square, not finite, or not row-stochastic, or the lag contradicts the model.
    DisconnectedError
        If some state of the matrix cannot be reached from another.

    Examples
    --------
    >>> as_chain([[0.8, 0.2], [0.1, 0.9]]).stationary_distribution.round(6)
    array([0.333333, 0.666667])
    """
    if isinstance(msm_or_T, Chain):
        return msm_or_T
    model = getattr(msm_or_T, "prior", msm_or_T)
    if not hasattr(model, "transition_matrix"):
        matrix = _stochastic(model)
        return _chain(matrix, np.arange(len(matrix)), len(matrix), whole("lag", lag, remedy=LAG))
    if lag not in (1, model.lagtime):
        remedy = "leave it out for a model"
        raise InputError("lag", need=f"the lag of the model, {model.lagtime}", got=str(lag), remedy=remedy)
    matrix = _stochastic(model.transition_matrix)
    if model.has_count_model:
        counts = model.count_model
        return _chain(matrix, np.asarray(counts.state_symbols), int(counts.n_states_full), int(model.lagtime))
    return _chain(matrix, np.arange(len(matrix)), len(matrix), int(model.lagtime))


def _stochastic(matrix: Any) -> Floats:
    matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    try:
        given = np.asarray(matrix)
        if given.dtype.kind not in "biuf":  # text that reads as numbers, and complex ones of which a part would be lost
            raise TypeError
        square = given.astype(float)
    except (TypeError, ValueError):
        raise InputError("T", need="a model or a square matrix of numbers", got=type(matrix).__name__) from None
    if square.ndim != 2 or square.shape[0] != square.shape[1] or square.size == 0:
        raise InputError("T", need="a square matrix", got=f"shape {square.shape}")
    sums = square.sum(axis=1)
    if not np.isfinite(square).all():
        raise InputError("T", need="finite probabilities", got="NaN or infinity")
    if float(square.min()) < 0 or np.abs(sums - 1).max() > ROW_SUM_TOLERANCE:
        need = "a row-stochastic matrix (no entry below 0, rows that sum to 1)"
        got = f"smallest entry {square.min():.3g}, row sums from {sums.min():.6g} to {sums.max():.6g}"
        raise InputError("T", need=need, got=got, remedy="divide each row of counts by its sum, or use estimate_msm")
    return square


def _chain(matrix: Floats, states: NDArray[np.integer[Any]], n_states: int, lag: int) -> Chain:
    check_connected(matrix, states)
    order = np.argsort(states)
    matrix = matrix[np.ix_(order, order)]
    stationary = stationary_distribution(matrix)
    flow = stationary[:, None] * matrix
    reversible = bool(np.abs(flow - flow.T).max() <= REVERSIBILITY_TOLERANCE * flow.max())
    return Chain(matrix, stationary, np.asarray(states)[order].astype(np.intp), n_states, lag, reversible)


def strong_components(matrix: NDArray[Any]) -> list[Indices]:
    """Strongly connected sets of states, largest first."""
    edges = np.asarray(matrix) > 0
    if len(edges) <= _FEW:
        reach = _reached(edges)
        label = (reach & reach.T).argmax(axis=1)  # the first of its set
    else:
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import connected_components

        label = connected_components(csr_matrix(edges), directed=True, connection="strong")[1]
    groups = (np.flatnonzero(label == k) for k in np.unique(label))
    return sorted(groups, key=lambda group: (-group.size, group[0]))


_FEW = 64
"""States up to which powers of a matrix are faster than a search in a sparse one."""


def _reached(edges: Bools) -> Bools:
    """Which states each state reaches, itself included; found by squaring."""
    reach = edges | np.eye(len(edges), dtype=bool)
    for _ in range(len(edges).bit_length()):
        if reach.all():
            break
        reach = reach.astype(float) @ reach > 0
    return reach


def largest_set(counts: NDArray[Any]) -> Indices:
    """Largest strongly connected set; of sets of one size that with most counts, then the first."""
    groups = strong_components(counts)
    tied = [group for group in groups if group.size == groups[0].size]
    return max(tied, key=lambda group: counts[group[:, None], group].sum()) if len(tied) > 1 else tied[0]


def check_connected(matrix: Floats, states: NDArray[np.integer[Any]]) -> None:
    """Refuse a matrix in which some state cannot be reached from another."""
    groups = strong_components(matrix)
    if len(groups) > 1:
        raise DisconnectedError(
            "T",
            need="every state reachable from every other",
            got="the separate sets " + ", ".join(str(states[group].tolist()) for group in groups),
            remedy=f"take one set, for example T[np.ix_(s, s)] with s = {groups[0].tolist()} and rows that sum to 1 "
            "again, or estimate it with connected='largest' (estimate_msm, MarkovStates)",
        )


def stationary_distribution(matrix: Floats) -> Floats:
    """Stationary distribution of matrices (..., n, n) by state elimination: nothing is subtracted, no digits are lost.

    Algorithm of Grassmann, Taksar and Heyman, Oper. Res. 33, 1107 (1985), doi:10.1287/opre.33.5.1107.

    >>> stationary_distribution(np.array([[0.8, 0.2], [0.1, 0.9]])).round(6)
    array([0.333333, 0.666667])
    """
    work = np.array(matrix, dtype=float)
    n = work.shape[-1]
    for k in range(n - 1, 0, -1):
        work[..., :k, k] /= work[..., k, :k].sum(axis=-1, keepdims=True)
        work[..., :k, :k] += work[..., :k, k, None] * work[..., k, None, :k]
    weights = np.ones(work.shape[:-1])
    for k in range(1, n):
        weights[..., k] = (weights[..., :k] * work[..., :k, k]).sum(axis=-1)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
