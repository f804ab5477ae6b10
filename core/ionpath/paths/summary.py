"""Totals of a matrix of path entropies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.markov.chain import as_chain
from ionpath.markov.inputs import as_set
from ionpath.msonable import Msonable
from ionpath.paths.entropy import path_entropy_matrix
from ionpath.units import UNITS


@documented
@dataclass(frozen=True)
class PathEntropySummary(Msonable):
    """Path entropy of a whole network of states."""

    # sum over all ordered pairs. It grows with the number of pairs: do not compare networks of different size by it.
    total: float
    mean_per_pair: float  # total divided by the number of pairs; zero if there is none
    escape: float  # sum of the entropies from every state to the external one; zero if there is no external state
    n_pairs: int  # number of ordered pairs that are connected
    external: int | None  # the external state
    excluded: tuple[int, ...]  # states that were not visited or are not connected; they add nothing
    unit: str  # unit of the three entropies

    def __str__(self) -> str:
        left_out = f", without states {list(self.excluded)}" if self.excluded else ""
        return (
            f"path entropy {self.total:.2f} {self.unit} over {self.n_pairs} pairs "
            f"({self.mean_per_pair:.3f} per pair, {self.escape:.2f} to the external state{left_out})"
        )


@typed
@references("guan2024")
def summarise(
    matrix: ArrayLike, *, external: int | None = 0, states: Iterable[int] | None = None, unit: str = "J/mol/K"
) -> PathEntropySummary:
    """Total, mean per pair and escape entropy of a matrix of path entropies.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Path entropies from row to column, as `path_entropy_matrix` gives them.
    external : int or None
        Label of the external state; None if there is none.
    states : iterable of int, optional
        States that count as connected; all by default.
    unit : str
        Unit of the matrix, for the record.

    Returns
    -------
    PathEntropySummary
        The totals.

    Raises
    ------
    InputError
        If the matrix is not square, not finite, or a state is out of range.

    Examples
    --------
    >>> print(summarise([[0, 1, 2], [1, 0, 3], [2, 3, 0]], unit="nat"))
    path entropy 12.00 nat over 6 pairs (2.000 per pair, 3.00 to the external state)
    """
    one_of("unit", unit, UNITS["entropy"])
    values = np.asarray(matrix, dtype=float)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.size == 0:
        raise InputError("matrix", need="a square matrix", got=f"shape {values.shape}")
    if not np.isfinite(values).all():
        raise InputError("matrix", need="finite entropies", got="NaN or infinity")
    size = len(values)
    inside = np.arange(size) if states is None else as_set(list(states), size, "states")
    if external is not None:
        as_set(external, size, "external")
    block = values[np.ix_(inside, inside)]
    total = float(block.sum() - np.trace(block))
    pairs = inside.size * (inside.size - 1)
    escape = 0.0
    if external is not None and external in inside:
        escape = float(values[inside, external].sum() - values[external, external])
    excluded = tuple(int(i) for i in np.setdiff1d(np.arange(size), inside))
    return PathEntropySummary(total, total / pairs if pairs else 0.0, escape, pairs, external, excluded, unit)


@typed
@references("guan2024", "metzner2009", "ekroot1993")
def path_entropy_summary(
    msm_or_T: Any, *, external: int | None = 0, definition: str = "pathway", max_edges: int = 4, unit: str = "J/mol/K"
) -> PathEntropySummary:
    """Total, mean per pair and escape entropy of a model, which knows the states that it does not connect.

    Parameters
    ----------
    msm_or_T : MarkovStateModel, Chain, or array_like of shape (n, n)
        Model, or row-stochastic matrix.
    external : int or None
        Label of the external state; None if there is none.
    definition, max_edges, unit
        See `path_entropy`.

    Returns
    -------
    PathEntropySummary
        The totals.

    Examples
    --------
    >>> square = [[0.8, 0.1, 0.0, 0.1], [0.1, 0.8, 0.1, 0.0], [0.0, 0.1, 0.8, 0.1], [0.1, 0.0, 0.1, 0.8]]
    >>> path_entropy_summary(square, external=None, unit="nat").n_pairs
    12
    """
    chain = as_chain(msm_or_T)
    matrix = path_entropy_matrix(chain, definition=definition, max_edges=max_edges, unit=unit)
    return summarise(matrix, external=external, states=chain.states.tolist(), unit=unit)
